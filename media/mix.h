/* media/mix.h - adds mono streams into one channel; a limiter keeps the sum.
 *
 * Levels stay as they are: no gain control. One stream alone passes bit by
 * bit. When a sum would clip, a limiter with 5 ms of look-ahead inside the
 * frame and a slow release turns the channel down just enough. Pure.
 * Role: render.
 */
#ifndef MEDIA_MIX_H
#define MEDIA_MIX_H

#include <stdint.h>

/* Zeroed = unity gain. Belongs to one channel. */
struct mix_limiter {
	float reduction; /* 1 - gain at the end of the last frame */
};

/** sum[i] += src[i] */
void mix_add(int32_t *sum, const int16_t *src, unsigned n);

/** Turn a sum into samples. The gain moves in straight lines, at most 20 ms
 *  of samples in a call. */
void mix_limit(struct mix_limiter *l, const int32_t *sum, int16_t *dst,
	       unsigned n);

#endif
