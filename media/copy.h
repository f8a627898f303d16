/* media/copy.h - an Opus stream into a file packet by packet, undecoded.
 *
 * Gaps are filled with packets that decoders understand: "lost, conceal it"
 * for loss and short DTX pauses, "silence" for everything longer, so that the
 * file lasts as long as the session. Clock drift cannot be resampled here: a
 * packet is left out or a silence put in once a whole packet has gathered.
 * Role: render. Source: RFC 7845 section 4.1.
 */
#ifndef MEDIA_COPY_H
#define MEDIA_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/timeline.h"

struct ogg_writer;

/* Zero, then set the first four. */
struct copy {
	struct ogg_writer *out; /* borrowed */
	int64_t zero;		/* tick of the session's start */
	unsigned rate_hz;	/* bandwidth of silence packets */
	bool stereo;
	uint8_t like; /* toc of the last packet */
	bool have_like;
	uint64_t left_out; /* packets, because of drift */
};

/** A voice_seg_fn; arg is a struct copy. */
int copy_seg(void *arg, const struct tl_seg *seg, const uint8_t *payload,
	     size_t len);
/** Silence up to total ticks. */
int copy_finish(struct copy *c, int64_t total);

#endif
