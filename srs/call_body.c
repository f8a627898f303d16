#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "srs/call_leg.h"
#include "srs/siprec/metadata.h"

int call_body_sdp(struct call_leg *l, struct buf *out)
{
	unsigned n = l->batch->spec->n_parties;

	for (unsigned i = 0; i < n; i++)
		l->lines[i].dir = l->holding ? SDP_INACTIVE : SDP_SENDONLY;
	return offer_print(l->lines, n, &l->origin, out);
}

static int add_party(struct metadata *md, const struct call_leg *l, unsigned i,
		     const char *start)
{
	const struct call_party *p = &l->batch->spec->parties[i];
	const char *person = l->ids[i][0], *stream = l->ids[i][1];
	int r = metadata_add_participant(md, person, p->aor, p->name);

	if (r >= 0)
		r = metadata_add_stream(md, stream, l->lines[i].label,
					l->session_id);
	if (r >= 0)
		r = metadata_add_link(md, MD_PARTICIPANT_SESSION, person,
				      l->session_id, start);
	if (r >= 0)
		r = metadata_add_link(md, MD_SEND, person, stream, start);
	/* everybody hears everybody else */
	for (unsigned k = 0; r >= 0 && k < l->batch->spec->n_parties; k++) {
		if (k != i)
			r = metadata_add_link(md, MD_RECV, person, l->ids[k][1],
					      start);
	}
	return r < 0 ? r : 0;
}

static int describe(struct call_leg *l, struct buf *out)
{
	struct metadata *md CLEANUP(metadata_destroy) = NULL;
	char start[CLOCK_RFC3339_MAX];
	int r = metadata_create(&md);

	if (r < 0)
		return r;
	clock_format(l->start_wall_us, start, sizeof(start));
	if (metadata_add_group(md, l->group_id) < 0 ||
	    md_set(&md->groups[0].start, start) < 0 ||
	    metadata_add_session(md, l->session_id, start) < 0 ||
	    md_set(&md->sessions[0].group_id, l->group_id) < 0)
		return -ENOMEM;
	r = metadata_add_link(md, MD_SESSION_RECORDING, l->session_id, NULL,
			      start);
	for (unsigned i = 0; !r && i < l->batch->spec->n_parties; i++)
		r = add_party(md, l, i, start);
	return r ? r : metadata_print(md, out);
}

int call_body_invite(struct call_leg *l, struct buf *out)
{
	int r;

	buf_puts(out, "--" CALL_BOUNDARY "\r\n"
		      "Content-Type: application/sdp\r\n\r\n");
	r = call_body_sdp(l, out);
	if (r < 0)
		return r;
	buf_puts(out, "\r\n--" CALL_BOUNDARY "\r\n"
		      "Content-Type: application/rs-metadata\r\n"
		      "Content-Disposition: recording-session\r\n\r\n");
	r = describe(l, out);
	if (r < 0)
		return r;
	buf_puts(out, "\r\n--" CALL_BOUNDARY "--\r\n");
	return buf_error(out);
}

/* The participant id behind an AoR: one of the first, or one who joined. */
static const char *id_of(const struct call_leg *l, const char *aor)
{
	const struct call_spec *s = l->batch->spec;

	for (unsigned i = 0; i < s->n_parties; i++) {
		if (str_eq(s->parties[i].aor, aor))
			return l->ids[i][0];
	}
	for (unsigned i = 0; i < s->n_changes; i++) {
		if (!s->changes[i].leave && str_eq(s->changes[i].aor, aor))
			return l->joined_ids[i];
	}
	return "";
}

int call_body_change(struct call_leg *l, unsigned n, int64_t now_wall_us,
		     struct buf *out)
{
	const struct call_change *c = &l->batch->spec->changes[n];
	const char *id = id_of(l, c->aor);
	struct metadata *md CLEANUP(metadata_destroy) = NULL;
	char now[CLOCK_RFC3339_MAX];
	int r = metadata_create(&md);

	if (r < 0)
		return r;
	clock_format(now_wall_us, now, sizeof(now));
	md->mode = MD_PARTIAL;
	r = metadata_add_participant(md, id, c->aor, NULL);
	if (r >= 0)
		r = metadata_add_link(md, MD_PARTICIPANT_SESSION, id,
				      l->session_id, c->leave ? NULL : now);
	if (r >= 0 && c->leave)
		r = md_set(&md->links[0].stop, now);
	return r < 0 ? r : metadata_print(md, out);
}
