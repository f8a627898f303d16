/* media/l16_order.h - do the samples of an L16 stream have their bytes in the
 * order of RFC 3551 (high byte first)?
 *
 * Senders that copy memory of a little-endian machine send the low byte first,
 * which is heard as noise. Sound can be guessed from its past, bytes that were
 * exchanged cannot: what is noise one way and, much less loud, sound the other
 * has the wrong order. So has what is at most 8 bits loud and has its sign
 * where the low byte should be. Noise is noise both ways and left alone.
 *
 * Pure. Role: render. Source: RFC 3551 section 4.5.11.
 */
#ifndef MEDIA_L16_ORDER_H
#define MEDIA_L16_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sums over one reading. */
struct l16_sums {
	double x, xx, x1, x2; /* samples, squares, with one and two before */
};

/* Zero it to begin. */
struct l16_order {
	struct l16_sums high, low; /* that byte first */
	uint64_t n;
	uint64_t loud;	/* neither 0 nor -1 */
	uint64_t signs; /* of these, the second byte only repeats the sign */
	uint64_t minus; /* of those, negative */
};

/** Take the samples of one packet. channels > 0, interleaved */
void l16_order_hear(struct l16_order *o, const uint8_t *data, size_t len,
		    unsigned channels);
/** The low byte comes first; false as well when that cannot be told. */
bool l16_order_is_low(const struct l16_order *o);
/** Exchange the bytes of every sample; dst may be src. */
void l16_order_swap(uint8_t *dst, const uint8_t *src, size_t len);

#endif
