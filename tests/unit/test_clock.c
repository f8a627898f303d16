#include "base/clock.h"

#include "tests/support/unit.h"

#include <errno.h>

#include "base/mem.h"

static void a_fake_clock_moves_when_told(void **state)
{
	struct clock_fake f;

	(void)state;
	clock_fake_init(&f, 10, 1000);
	assert_int_equal(clock_mono_us(&f.clock), 10);
	assert_int_equal(clock_wall_us(&f.clock), 1000);
	clock_fake_advance(&f, 5);
	assert_int_equal(clock_mono_us(&f.clock), 15);
	assert_int_equal(clock_wall_us(&f.clock), 1005);
}

static void the_real_clock_goes_forward(void **state)
{
	int64_t a = clock_mono_us(clock_real());
	int64_t b = clock_mono_us(clock_real());

	(void)state;
	assert_true(b >= a);
	assert_true(clock_wall_us(clock_real()) > 1600000000000000);
}

static void times_are_rfc3339_in_utc(void **state)
{
	static const struct {
		int64_t us;
		const char *s;
	} t[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ 951827696123456, "2000-02-29T12:34:56.123Z" },
		{ 1769851800123000, "2026-01-31T09:30:00.123Z" },
		{ -1, "1969-12-31T23:59:59.999Z" },
		{ 253402300799999000, "9999-12-31T23:59:59.999Z" },
	};
	char s[CLOCK_RFC3339_MAX];
	int64_t us;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		clock_format(t[i].us, s, sizeof(s));
		assert_string_equal(s, t[i].s);
		assert_int_equal(clock_parse(s, &us), 0);
		assert_true(us - t[i].us <= 0 && t[i].us - us < 1000);
	}
}

static void zones_and_fractions_are_understood(void **state)
{
	static const struct {
		const char *s;
		int64_t us;
	} t[] = {
		{ "2026-01-31T10:30:00+01:00", 1769851800000000 },
		{ "2026-01-31T04:00:00.5-05:30", 1769851800500000 },
		{ "2026-01-31t09:30:00.123456789z", 1769851800123456 },
		{ "2026-01-31 09:30:00Z", 1769851800000000 },
		{ "2016-12-31T23:59:60Z", 1483228800000000 },
	};
	int64_t us;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		assert_int_equal(clock_parse(t[i].s, &us), 0);
		assert_true(us == t[i].us);
	}
}

static void nonsense_is_refused(void **state)
{
	static const char *const t[] = {
		"",
		"2026-01-31",
		"2026-01-31T09:30:00", /* no zone */
		"2026-02-30T09:30:00Z",
		"2025-02-29T09:30:00Z",
		"2026-13-01T09:30:00Z",
		"2026-00-01T09:30:00Z",
		"2026-01-31T24:00:00Z",
		"2026-01-31T09:60:00Z",
		"2026-01-31T09:30:00.Z",
		"2026-01-31T09:30:00+0100",
		"2026-01-31T09:30:00Zx",
		"26-01-31T09:30:00Z",
		"2026-1-31T09:30:00Z",
	};
	int64_t us;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(clock_parse(t[i], &us), -EINVAL);
	assert_int_equal(clock_parse(NULL, &us), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fake_clock_moves_when_told),
		cmocka_unit_test(the_real_clock_goes_forward),
		cmocka_unit_test(times_are_rfc3339_in_utc),
		cmocka_unit_test(zones_and_fractions_are_understood),
		cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
