/* media/conceal.h - stands in for lost packets of codecs without an own way.
 *
 * The last pitch period of what was heard is repeated and fades out over
 * 60 ms; then there is silence. The idea of ITU-T G.711 appendix I, without
 * its delay. Pure. Role: render.
 */
#ifndef MEDIA_CONCEAL_H
#define MEDIA_CONCEAL_H

#include <stddef.h>
#include <stdint.h>

#define CONCEAL_HISTORY 2400 /* 50 ms at 48 kHz */

/* Zeroed = nothing heard yet. */
struct conceal {
	int16_t heard[CONCEAL_HISTORY];
};

/** What goes out, in order; also what conceal_make() made. */
void conceal_hear(struct conceal *c, const int16_t *pcm, size_t n);

/** Make up n samples. */
void conceal_make(const struct conceal *c, unsigned rate_hz, int16_t *dst,
		  size_t n);

#endif
