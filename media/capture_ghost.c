/* media/capture_ghost.c - see capture_ghost.h. */
#include "media/capture_ghost.h"

#include <string.h>

static unsigned slot_of(uint16_t rtp_port)
{
	return rtp_port / 2u % CAPTURE_GHOST_SLOTS;
}

void capture_ghosts_keep(struct capture_ghosts *t, uint16_t rtp_port,
			 const struct id *session,
			 const struct capture_check *ck)
{
	unsigned n = 0, at = slot_of(rtp_port);

	memset(&t->slots[at], 0, sizeof(t->slots[at]));
	t->slots[at].port = rtp_port;
	t->slots[at].session = *session;
	for (unsigned i = 0; i < CAPTURE_SSRC_MAX; i++) {
		const struct rtp_source *s = &ck->sources[i];

		if (!s->used || !s->have_transit)
			continue;
		t->slots[at].g[n++] =
			(struct capture_ghost){ .rate_hz = s->rate_hz,
						.ssrc = s->ssrc,
						.transit = s->transit };
	}
}

void capture_ghosts_give(const struct capture_ghosts *t, uint16_t rtp_port,
			 const struct id *session, struct capture_check *ck)
{
	unsigned at = slot_of(rtp_port);

	memset(ck->ghosts, 0, sizeof(ck->ghosts));
	if (t->slots[at].port == rtp_port &&
	    strcmp(t->slots[at].session.s, session->s) != 0)
		memcpy(ck->ghosts, t->slots[at].g, sizeof(ck->ghosts));
}
