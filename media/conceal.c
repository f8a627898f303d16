#include "media/conceal.h"

#include <string.h>

void conceal_hear(struct conceal *c, const int16_t *pcm, size_t n)
{
	if (n >= CONCEAL_HISTORY) {
		memcpy(c->heard, pcm + n - CONCEAL_HISTORY, sizeof(c->heard));
		return;
	}
	memmove(c->heard, c->heard + n,
		(CONCEAL_HISTORY - n) * sizeof(*c->heard));
	memcpy(c->heard + CONCEAL_HISTORY - n, pcm, n * sizeof(*pcm));
}

/* The lag, 2.5 to 15 ms, at which the last 10 ms look most like what was
 * before them. */
static size_t pitch(const struct conceal *c, unsigned rate_hz)
{
	size_t len = rate_hz / 100, lo = rate_hz / 400, hi = rate_hz / 66;
	const int16_t *end = c->heard + CONCEAL_HISTORY - len;
	size_t lag, best = hi, i, step = rate_hz / 8000 ? rate_hz / 8000 : 1;
	double cross, power, score, top = 0;

	for (lag = lo; lag <= hi; lag += step) {
		cross = 0;
		power = 1;
		for (i = 0; i < len; i += step) {
			cross += (double)end[i] * end[(ptrdiff_t)(i - lag)];
			power += (double)end[(ptrdiff_t)(i - lag)] *
				 end[(ptrdiff_t)(i - lag)];
		}
		score = cross > 0 ? cross * cross / power : 0;
		if (score > top) {
			top = score;
			best = lag;
		}
	}
	return best;
}

void conceal_make(const struct conceal *c, unsigned rate_hz, int16_t *dst,
		  size_t n)
{
	size_t lag = pitch(c, rate_hz), fade = rate_hz * 6 / 100, i;
	const int16_t *period = c->heard + CONCEAL_HISTORY - lag;

	for (i = 0; i < n && i < fade; i++)
		dst[i] = (int16_t)((int64_t)period[i % lag] *
				   (int64_t)(fade - i) / (int64_t)fade);
	if (i < n)
		memset(dst + i, 0, (n - i) * sizeof(*dst));
}
