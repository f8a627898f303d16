/* media/plan.h - who is heard where: participants, tracks, sides of the mix.
 *
 * Order: participants as the metadata has them, then m-lines. Two sides: the
 * first left, the second right. Three or more: the owner left, everybody else
 * right. One: mono. A stream that several participants share and that only
 * repeats what others have on streams of their own is left out of the mix.
 * A side keeps its place also when nothing ever came from it.
 *
 * Pure. Role: render.
 */
#ifndef MEDIA_PLAN_H
#define MEDIA_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "media/capture_msg.h"

#define PLAN_TEXT_MAX 256
#define PLAN_PARTIES_MAX 32

struct plan_party {
	unsigned ord; /* of the catalog */
	char aor[PLAN_TEXT_MAX];
	char name[PLAN_TEXT_MAX];
	bool owner;
	uint32_t streams; /* bit i: sends on m-line i, or did so first */
	uint32_t later;	  /* bit i: took m-line i over from another */
};

/* Fill n_parties and parties, then plan_make(). */
struct plan {
	unsigned n_parties;
	struct plan_party parties[PLAN_PARTIES_MAX];
	/* result: m-lines in channel order */
	unsigned n_tracks;
	struct plan_track {
		uint16_t stream; /* m-line */
		int party;	 /* index into parties, -1 = unknown, several */
		int channel;	 /* 0 left or mono, 1 right, -1 = not mixed */
	} tracks[CAP_STREAMS_MAX];
	unsigned channels; /* 1 or 2; 0 = no stream at all */
};

/**
 * Parties of the spool's JSON: {"participants":[{"ord","aor","name",
 * "owner":bool,"streams":[m-line...]}], "owner_aor": "..."}; ord defaults to
 * the place in the list; anything else is ignored.
 *
 * @return 0, -EBADMSG not JSON (plan has no parties then)
 */
int plan_read_meta(struct plan *p, const char *json);

/** @param streams bit i: m-line i is audio and was in use */
void plan_make(struct plan *p, uint32_t streams);

#endif
