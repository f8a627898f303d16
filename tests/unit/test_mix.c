/* test_mix.c - facts about mixing, the limiter, resampling and concealment. */
#include "media/mix.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "media/conceal.h"
#include "media/resample.h"

#define N 160

static void fill(int16_t *dst, unsigned n, double level, double hz,
		 unsigned from, unsigned rate)
{
	unsigned i;

	for (i = 0; i < n; i++)
		dst[i] = (int16_t)lrint(level *
					sin(2 * M_PI * hz * (from + i) / rate));
}

static void mix_one_stream_passes_bit_by_bit(void **state)
{
	struct mix_limiter l = { 0 };
	int16_t in[N], out[N];
	int32_t sum[N] = { 0 };
	unsigned i;

	(void)state;
	fill(in, N, 32000, 440, 0, 8000);
	mix_add(sum, in, N);
	mix_limit(&l, sum, out, N);
	for (i = 0; i < N; i++)
		assert_int_equal(out[i], in[i]);
}

static void mix_two_streams_add_up(void **state)
{
	struct mix_limiter l = { 0 };
	int16_t a[N], b[N], out[N];
	int32_t sum[N] = { 0 };
	unsigned i;

	(void)state;
	fill(a, N, 9000, 440, 0, 8000);
	fill(b, N, 9000, 1000, 0, 8000);
	mix_add(sum, a, N);
	mix_add(sum, b, N);
	mix_limit(&l, sum, out, N);
	for (i = 0; i < N; i++)
		assert_int_equal(out[i], a[i] + b[i]);
}

static void mix_limiter_never_clips_and_lets_go(void **state)
{
	struct mix_limiter l = { 0 };
	int16_t a[N], out[N];
	int32_t sum[N];
	unsigned k, i;
	int peak, jump;

	(void)state;
	for (k = 0; k < 50; k++) { /* four loud voices at once */
		fill(a, N, 20000, 440, k * N, 8000);
		for (i = 0; i < N; i++)
			sum[i] = 4 * a[i];
		mix_limit(&l, sum, out, N);
		for (peak = 0, i = 0; i < N; i++)
			peak = abs(out[i]) > peak ? abs(out[i]) : peak;
		assert_in_range(peak, 25000, 32500);
		/* no step larger than the limited tone itself makes */
		for (jump = 0, i = 1; i < N; i++)
			jump = abs(out[i] - out[i - 1]) > jump
				       ? abs(out[i] - out[i - 1])
				       : jump;
		assert_true(jump < 13000);
	}
	for (k = 50; k < 400; k++) { /* back to one quiet voice */
		fill(a, N, 5000, 440, k * N, 8000);
		memset(sum, 0, sizeof(sum));
		mix_add(sum, a, N);
		mix_limit(&l, sum, out, N);
	}
	for (i = 0; i < N; i++)
		assert_true(abs(out[i] - a[i]) < 20);
}

static double goertzel(const int16_t *x, unsigned n, double hz, unsigned rate)
{
	double c = 2 * cos(2 * M_PI * hz / rate), a = 0, b = 0, t;
	unsigned i;

	for (i = 0; i < n; i++) {
		t = x[i] + c * a - b;
		b = a;
		a = t;
	}
	return 2 * sqrt(a * a + b * b - c * a * b) / n;
}

static void resample_keeps_tones_and_adds_none(void **state)
{
	static const unsigned pairs[][2] = {
		{ 8000, 48000 },  { 8000, 16000 },  { 8000, 12000 },
		{ 16000, 24000 }, { 44100, 48000 }, { 48000, 16000 },
		{ 11025, 48000 },
	};
	int16_t *in = mem_alloc(48000 * 2), *out = mem_alloc(48200 * 2);
	struct resample *rs;
	size_t i, n;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		unsigned from = pairs[i][0], to = pairs[i][1];

		assert_int_equal(resample_create(from, to, &rs), 0);
		fill(in, from, 10000, 1000, 0, from);
		assert_int_equal(resample_put(rs, in, from), 0);
		assert_int_equal(resample_flush(rs), 0);
		n = resample_get(rs, out, 48200);
		assert_in_range(n, to - 1, to + 1);
		n = to / 2;
		assert_in_range((int)goertzel(out + to / 4, (unsigned)n, 1000,
					      to),
				9800, 10200);
		if (to > from) /* the mirror image is 60 dB down */
			assert_true(goertzel(out + to / 4, (unsigned)n,
					     from - 1000, to) < 10);
		/* no delay: the wave is where it was */
		assert_true(abs(out[to / 4] -
				(int)(10000 * sin(2 * M_PI * 1000 * (to / 4) /
						  to))) < 200);
		resample_destroy(&rs);
	}
	assert_int_equal(resample_create(0, 8000, &rs), -EINVAL);
	assert_int_equal(resample_create(47999, 48000, &rs), -EINVAL);
	mem_free(in);
	mem_free(out);
}

static void resample_in_pieces_is_the_same(void **state)
{
	int16_t in[1600], once[9700], pieces[9700];
	struct resample *a, *b;
	size_t n, m = 0, i;

	(void)state;
	fill(in, 1600, 8000, 700, 0, 8000);
	assert_int_equal(resample_create(8000, 48000, &a), 0);
	assert_int_equal(resample_create(8000, 48000, &b), 0);
	assert_int_equal(resample_put(a, in, 1600), 0);
	n = resample_get(a, once, 9700);
	for (i = 0; i < 1600; i += 160) {
		assert_int_equal(resample_put(b, in + i, 160), 0);
		m += resample_get(b, pieces + m, 960);
	}
	m += resample_get(b, pieces + m, 960);
	assert_int_equal(n, m);
	assert_memory_equal(once, pieces, n * 2);
	resample_destroy(&a);
	resample_destroy(&b);
}

static void conceal_repeats_the_pitch_and_fades(void **state)
{
	struct conceal c = { 0 };
	int16_t heard[400], made[800];
	unsigned i;

	(void)state;
	fill(heard, 400, 9000, 200, 0, 8000);
	conceal_hear(&c, heard, 400);
	conceal_make(&c, 8000, made, 800);
	assert_true(goertzel(made, 160, 200, 8000) > 5000);
	for (i = 480; i < 800; i++)
		assert_int_equal(made[i], 0);
	memset(&c, 0, sizeof(c));
	conceal_make(&c, 8000, made, 160); /* nothing heard: nothing made */
	for (i = 0; i < 160; i++)
		assert_int_equal(made[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mix_one_stream_passes_bit_by_bit),
		cmocka_unit_test(mix_two_streams_add_up),
		cmocka_unit_test(mix_limiter_never_clips_and_lets_go),
		cmocka_unit_test(resample_keeps_tones_and_adds_none),
		cmocka_unit_test(resample_in_pieces_is_the_same),
		cmocka_unit_test(conceal_repeats_the_pitch_and_fades),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
