/* test_l16_order.c - facts about media/l16_order.h. */
#include "media/l16_order.h"

#include "tests/support/unit.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

#define SAMPLES 16000
#define PACKET 320

static uint32_t seed;

static double rnd(void) /* -1 to 1 */
{
	seed = seed * 1664525u + 1013904223u;
	return (double)(seed >> 8) / 8388608.0 - 1;
}

/* Vowels of changing pitch, some hiss, pauses with a little noise. */
static double speech(unsigned i, double *s)
{
	double env = sin(i / 900.0) > 0 ? sin(i / 900.0) : 0;
	unsigned period = 60 + i / 1000 % 20;
	double puff = i % period == 0 ? 4 : 0;
	double y = 1.6 * s[0] - 0.8 * s[1] + puff + rnd() * 0.3;

	s[1] = s[0];
	s[0] = y;
	return y * env / 8 + rnd() * 0.001;
}

static double make(unsigned kind, unsigned i, double *s)
{
	switch (kind) {
	case 0:
		return speech(i, s);
	case 1: /* a tone */
		return sin(i * 6.2832 * 425 / 8000) * 0.5;
	case 2: /* one at a quarter of the rate, with noise */
		return sin(i * 6.2832 * 2000 / 8000 + 0.3) * 0.5 + rnd() * 0.01;
	case 3: /* music: three tones */
		return sin(i * 0.1) * 0.2 + sin(i * 0.333) * 0.2 +
		       sin(i * 0.71) * 0.1;
	case 4: /* a room, nobody speaks */
		s[0] = 0.5 * s[0] + rnd();
		return s[0] * 0.001;
	case 5: /* white noise, loud */
		return rnd();
	case 6:
		return rnd() * 0.05;
	case 7: /* hiss: high frequencies only */
		s[1] = rnd();
		s[0] = s[1] - 0.9 * s[0];
		return s[0] * 0.1;
	case 8: /* bursts of noise, steps */
		return i / 400 % 2 ? rnd() * 0.8 : rnd() * 0.0005;
	case 9: /* noise that was 8 bits once */
		return floor(rnd() * 100) * 256 / 32768;
	case 10: /* speech that was 8 bits once */
		return floor(speech(i, s) * 128) * 256 / 32768;
	case 11: /* noise around a level */
		return 0.4 + rnd() * 0.3;
	case 12: /* clipped noise */
		return rnd() * 4;
	default:
		return 0;
	}
}

static bool is_low(unsigned kind, bool low, unsigned channels, double gain)
{
	struct l16_order o = { 0 };
	uint8_t p[PACKET * 2];
	double s[2] = { 0 }, x = 0;
	int v;

	seed = 5;
	for (unsigned i = 0; i < SAMPLES * channels; i++) {
		if (i % channels == 0)
			x = make(kind, i / channels, s) * gain * 32767;
		v = (int)floor(x);
		v = v > 32767 ? 32767 : v < -32768 ? -32768 : v;
		p[i % PACKET * 2 + low] = (uint8_t)((unsigned)v >> 8);
		p[i % PACKET * 2 + !low] = (uint8_t)v;
		if (i % PACKET == PACKET - 1)
			l16_order_hear(&o, p, sizeof(p), channels);
	}
	return l16_order_is_low(&o);
}

static void the_right_order_is_never_taken_for_wrong(void **state)
{
	static const double gains[] = { 1, 0.3, 0.1, 0.01, 0.003, 0.0005 };

	(void)state;
	for (unsigned kind = 0; kind <= 13; kind++)
		for (size_t g = 0; g < ARRAY_SIZE(gains); g++)
			for (unsigned ch = 1; ch <= 2; ch++)
				if (is_low(kind, false, ch, gains[g]))
					fail_msg("kind %u, gain %g", kind,
						 gains[g]);
}

static void sound_in_the_wrong_order_is_known(void **state)
{
	static const double gains[] = { 0.5, 0.3, 0.1, 0.01, 0.003 };

	(void)state;
	for (unsigned kind = 0; kind <= 4; kind++)
		for (size_t g = 0; g < ARRAY_SIZE(gains); g++)
			for (unsigned ch = 1; ch <= 2; ch++)
				if ((kind < 4 || gains[g] >= 0.5) &&
				    !is_low(kind, true, ch, gains[g]))
					fail_msg("kind %u, gain %g", kind,
						 gains[g]);
}

static void little_says_nothing(void **state)
{
	struct l16_order o = { 0 };
	uint8_t p[PACKET * 2] = { 0 };

	(void)state;
	assert_false(l16_order_is_low(&o));
	for (unsigned i = 0; i < 100; i++)
		l16_order_hear(&o, p, sizeof(p), 1);
	assert_false(l16_order_is_low(&o)); /* silence */
	l16_order_hear(&o, p, 3, 1);
	l16_order_hear(&o, p, 0, 2);
}

static void bytes_change_places(void **state)
{
	uint8_t p[5] = { 1, 2, 3, 4, 5 };

	(void)state;
	l16_order_swap(p, p, sizeof(p));
	assert_memory_equal(p, "\2\1\4\3\5", 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_right_order_is_never_taken_for_wrong),
		cmocka_unit_test(sound_in_the_wrong_order_is_known),
		cmocka_unit_test(little_says_nothing),
		cmocka_unit_test(bytes_change_places),
	};

	return cmocka_run_group_tests_name("l16_order", tests, NULL, NULL);
}
