#include "media/resample.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"

#define TAPS 24	       /* input samples on each output sample, going up */
#define PHASES_MAX 960 /* 44.1 to 48 kHz needs 160 */
#define KAISER_BETA 7.0

struct resample {
	unsigned up, down; /* out rate : in rate, lowest terms */
	unsigned taps;	   /* per phase, even */
	float *coef;	   /* [up][taps] */
	/* samples waiting: in[0] is number first of the stream */
	int16_t *in;
	size_t len, cap;
	uint64_t first;
	uint64_t next; /* number of the next output sample */
};

static unsigned gcd(unsigned a, unsigned b)
{
	unsigned t;

	while (b) {
		t = a % b;
		a = b;
		b = t;
	}
	return a;
}

static double bessel_i0(double x)
{
	double sum = 1, term = 1;
	int k;

	for (k = 1; k < 40; k++) {
		term *= (x / (2 * k)) * (x / (2 * k));
		sum += term;
	}
	return sum;
}

/* Phase p holds the weights of the input samples around output time p / up:
 * tap t is input sample t - taps / 2 + 1. */
static void make_coef(struct resample *rs)
{
	double cut = rs->up >= rs->down ? 1.0 : (double)rs->up / rs->down;
	double half = rs->taps / 2.0, x, w, sum, i0 = bessel_i0(KAISER_BETA);
	unsigned p, t;
	float *c;

	cut *= 0.95; /* room for the slope of the filter */
	for (p = 0; p < rs->up; p++) {
		c = rs->coef + (size_t)p * rs->taps;
		sum = 0;
		for (t = 0; t < rs->taps; t++) {
			x = (double)t - half + 1 - (double)p / rs->up;
			w = 1 - (x / half) * (x / half);
			w = w > 0 ? bessel_i0(KAISER_BETA * sqrt(w)) / i0 : 0;
			w *= fabs(x) < 1e-9 ? cut
					    : sin(M_PI * cut * x) / (M_PI * x);
			c[t] = (float)w;
			sum += w;
		}
		for (t = 0; t < rs->taps; t++)
			c[t] = (float)(c[t] / sum);
	}
}

int resample_create(unsigned from_hz, unsigned to_hz, struct resample **ret_rs)
{
	struct resample *rs CLEANUP(resample_destroy) = NULL;
	unsigned g, widen;

	if (!from_hz || !to_hz || from_hz > 192000 || to_hz > 192000)
		return -EINVAL;
	g = gcd(from_hz, to_hz);
	if (to_hz / g > PHASES_MAX)
		return -EINVAL;
	rs = mem_zalloc(sizeof(*rs));
	if (!rs)
		return -ENOMEM;
	rs->up = to_hz / g;
	rs->down = from_hz / g;
	widen = rs->down > rs->up ? (rs->down + rs->up - 1) / rs->up : 1;
	rs->taps = TAPS * widen;
	rs->coef = mem_calloc((size_t)rs->up * rs->taps, sizeof(float));
	if (!rs->coef)
		return -ENOMEM;
	make_coef(rs);
	/* what lies before the first sample is silence */
	rs->cap = 8192 + rs->taps;
	rs->in = mem_calloc(rs->cap, sizeof(*rs->in));
	if (!rs->in)
		return -ENOMEM;
	rs->len = rs->taps / 2 - 1;
	*ret_rs = STEAL(rs);
	return 0;
}

void resample_destroy(struct resample **rp)
{
	struct resample *rs = *rp;

	if (!rs)
		return;
	*rp = NULL;
	mem_free(rs->coef);
	mem_free(rs->in);
	mem_free(rs);
}

int resample_put(struct resample *rs, const int16_t *src, size_t n)
{
	int16_t *in;

	if (rs->len + n > rs->cap) {
		in = mem_realloc(rs->in, (rs->len + n) * 2 * sizeof(*in));
		if (!in)
			return -ENOMEM;
		rs->in = in;
		rs->cap = (rs->len + n) * 2;
	}
	memcpy(rs->in + rs->len, src, n * sizeof(*src));
	rs->len += n;
	return 0;
}

int resample_flush(struct resample *rs)
{
	static const int16_t zeros[64];
	size_t left = rs->taps / 2, n;
	int r;

	while (left > 0) {
		n = left < 64 ? left : 64;
		r = resample_put(rs, zeros, n);
		if (r < 0)
			return r;
		left -= n;
	}
	return 0;
}

size_t resample_get(struct resample *rs, int16_t *dst, size_t max)
{
	size_t done = 0, at = 0;
	uint64_t pos;
	const float *c;
	unsigned t;
	float sum;

	while (done < max) {
		pos = rs->next * rs->down;
		at = (size_t)(pos / rs->up - rs->first);
		if (at + rs->taps > rs->len)
			break;
		c = rs->coef + (size_t)(pos % rs->up) * rs->taps;
		sum = 0;
		for (t = 0; t < rs->taps; t++)
			sum += c[t] * rs->in[at + t];
		if (sum > 32767.0F)
			sum = 32767.0F;
		dst[done++] = sum < -32768.0F ? -32768 : (int16_t)lrintf(sum);
		rs->next++;
	}
	at = (size_t)(rs->next * rs->down / rs->up - rs->first);
	if (at > rs->len)
		at = rs->len;
	memmove(rs->in, rs->in + at, (rs->len - at) * sizeof(*rs->in));
	rs->len -= at;
	rs->first += at;
	return done;
}
