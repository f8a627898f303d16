/* media/voice.h - plays one lane of a timeline: samples without holes.
 *
 * Packets are decoded in order, stretched or shrunk by the few samples that
 * clock drift asks for, loss is concealed, everything else is digital silence.
 * The caller pulls frames; the lane begins and ends with silence as long as
 * the session needs.
 * Role: render.
 */
#ifndef MEDIA_VOICE_H
#define MEDIA_VOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/timeline.h"

struct feed;
struct feed_stream;
struct voice;

/** Told of each segment when its turn comes; payload is NULL for gaps and for
 *  packets that are gone. 0 or -errno, handed through by voice_frame(). */
typedef int voice_seg_fn(void *arg, const struct tl_seg *seg,
			 const uint8_t *payload, size_t len);

struct voice_config {
	struct feed *feed;		  /* borrowed, rewound */
	const struct feed_stream *stream; /* borrowed */
	const struct tl_lane *lane;	  /* borrowed */
	int64_t zero;			  /* tick of the first sample */
	unsigned rate_hz; /* of the samples: 8, 12, 16, 24, 48 kHz */
	bool use_av;
	voice_seg_fn *on_seg; /* may be NULL */
	void *arg;
};

/** Announces its packets to the feed. @return 0 or -ENOMEM */
int voice_create(const struct voice_config *cfg, struct voice **ret_v);
void voice_destroy(struct voice **vp);

/** Next n samples. @return 0, or -errno of feed or on_seg */
int voice_frame(struct voice *v, int16_t *dst, size_t n);

/** Packets that could not be decoded. */
uint64_t voice_errors(const struct voice *v);

#endif
