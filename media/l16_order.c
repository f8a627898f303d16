#include "media/l16_order.h"

#define SAMPLES_MIN 1600 /* 0.2 s at 8 kHz */
#define GUESSED 0.6	 /* of the power is left when it is guessed */
#define LOUDER 4.0	 /* the wrong order is, in power */

static int16_t sample(const uint8_t *p, bool low)
{
	return (int16_t)(low ? p[1] << 8 | p[0] : p[0] << 8 | p[1]);
}

static void add(struct l16_sums *s, double x, double one, double two)
{
	s->x += x;
	s->xx += x * x;
	s->x1 += x * one;
	s->x2 += x * two;
}

static void hear_one(struct l16_order *o, const uint8_t *p, size_t back)
{
	int16_t x = sample(p, false);

	add(&o->high, x, sample(p - back, false), sample(p - 2 * back, false));
	add(&o->low, sample(p, true), sample(p - back, true),
	    sample(p - 2 * back, true));
	o->n++;
	if (x == 0 || x == -1)
		return;
	o->loud++;
	if (p[1] != (p[0] & 0x80 ? 0xff : 0))
		return;
	o->signs++;
	o->minus += x < 0;
}

void l16_order_hear(struct l16_order *o, const uint8_t *data, size_t len,
		    unsigned channels)
{
	size_t back = (size_t)2 * channels;

	for (size_t i = 2 * back; i + 1 < len; i += 2)
		hear_one(o, data + i, back);
}

static double variance(const struct l16_sums *s, uint64_t n)
{
	double mean = s->x / (double)n;

	return s->xx / (double)n - mean * mean;
}

/* What is left of the power when each sample is guessed from the two before:
 * 0 a tone, 1 white noise. */
static double surprise(const struct l16_sums *s, uint64_t n)
{
	double mean = s->x / (double)n, var = variance(s, n), r1, r2, k;

	if (var <= 0)
		return 1;
	r1 = (s->x1 / (double)n - mean * mean) / var;
	r2 = (s->x2 / (double)n - mean * mean) / var;
	if (r1 >= 1 || r1 <= -1)
		return 0;
	k = (r2 - r1 * r1) / (1 - r1 * r1);
	return k > -1 && k < 1 ? (1 - r1 * r1) * (1 - k * k) : 0;
}

bool l16_order_is_low(const struct l16_order *o)
{
	double high, low;

	if (o->n < SAMPLES_MIN)
		return false;
	if (o->loud >= SAMPLES_MIN / 2 && o->signs > o->loud / 10 * 9 &&
	    o->minus > o->signs / 10 && o->minus < o->signs / 10 * 9)
		return true;
	high = surprise(&o->high, o->n);
	low = surprise(&o->low, o->n);
	return low < GUESSED && high > 2 * low &&
	       variance(&o->high, o->n) > LOUDER * variance(&o->low, o->n);
}

void l16_order_swap(uint8_t *dst, const uint8_t *src, size_t len)
{
	uint8_t first;

	for (size_t i = 0; i + 1 < len; i += 2) {
		first = src[i];
		dst[i] = src[i + 1];
		dst[i + 1] = first;
	}
	if (len % 2)
		dst[len - 1] = src[len - 1];
}
