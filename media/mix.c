#include "media/mix.h"

#include <math.h>

#define CEILING 32440.0F /* -0.09 dBFS: room for the codec's overshoot */
#define RELEASE 0.02F	 /* of the reduction, a frame: back in about a second */

void mix_add(int32_t *sum, const int16_t *src, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		sum[i] += src[i];
}

static float peak_of(const int32_t *sum, unsigned n)
{
	int32_t peak = 0, v;
	unsigned i;

	for (i = 0; i < n; i++) {
		v = sum[i] < 0 ? -sum[i] : sum[i];
		if (v > peak)
			peak = v;
	}
	return (float)peak;
}

static int16_t clip(float v)
{
	if (v > 32767.0F)
		return 32767;
	return v < -32768.0F ? -32768 : (int16_t)lrintf(v);
}

/* Within the frame the gain runs down over the first quarter (5 ms) and then
 * holds; a peak inside that quarter is caught by going down at once. */
void mix_limit(struct mix_limiter *l, const int32_t *sum, int16_t *dst,
	       unsigned n)
{
	float peak = peak_of(sum, n), from = 1 - l->reduction, to, g, step;
	unsigned i, ramp = n / 4 ? n / 4 : 1;

	to = 1 - l->reduction * (1 - RELEASE);
	if (peak * to > CEILING)
		to = CEILING / peak;
	if (l->reduction < 1e-4F && to >= from) {
		l->reduction = 0;
		for (i = 0; i < n; i++)
			dst[i] = clip((float)sum[i]);
		return;
	}
	if (to < from && peak_of(sum, ramp) * from > CEILING)
		from = to;
	step = (to - from) / (float)ramp;
	for (i = 0; i < n; i++) {
		g = i < ramp ? from + step * (float)i : to;
		dst[i] = clip((float)sum[i] * g);
	}
	l->reduction = 1 - to;
}
