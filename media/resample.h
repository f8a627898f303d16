/* media/resample.h - changes the rate of a mono stream by a fixed ratio.
 *
 * Polyphase FIR with a Kaiser window, computed at creation for the ratio in
 * lowest terms. Delay-free at the ends: the filter's own delay is taken out,
 * so output sample n lies exactly at input time n * from / to. Pure.
 * Role: render.
 */
#ifndef MEDIA_RESAMPLE_H
#define MEDIA_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

struct resample;

/** @return 0, -EINVAL (0, beyond 192 kHz, or a ratio with more than 960
 *  phases), -ENOMEM */
int resample_create(unsigned from_hz, unsigned to_hz, struct resample **ret_rs);
void resample_destroy(struct resample **rp);

/** Put samples in. @return 0 or -ENOMEM */
int resample_put(struct resample *rs, const int16_t *src, size_t n);
/** The last samples were put in: let the tail come out. 0 or -ENOMEM */
int resample_flush(struct resample *rs);
/** @return samples written, 0 = put more in */
size_t resample_get(struct resample *rs, int16_t *dst, size_t max);

#endif
