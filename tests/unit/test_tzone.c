#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/tzone.h"
#include "base/clock.h"
#include "base/mem.h"

static int64_t at(const char *s)
{
	int64_t us;

	assert_int_equal(clock_parse(s, &us), 0);
	return us / 1000000;
}

static void tzone_knows_summer_time(void **state)
{
	struct tzone *z = NULL;
	struct tzone_local l;

	(void)state;
	assert_int_equal(tzone_open("Europe/London", &z), 0);
	tzone_local(z, at("2026-03-29T00:59:59Z"), &l);
	assert_int_equal(l.hour, 0);
	assert_int_equal(l.offset_s, 0);
	assert_int_equal(l.weekday, 6); /* Sunday */
	tzone_local(z, at("2026-03-29T01:00:00Z"), &l);
	assert_int_equal(l.hour, 2);
	assert_int_equal(l.offset_s, 3600);
	assert_int_equal(tzone_next_change(z, at("2026-01-01T00:00:00Z")),
			 at("2026-03-29T01:00:00Z"));
	assert_int_equal(tzone_next_change(z, at("2026-03-29T01:00:00Z")),
			 at("2026-10-25T01:00:00Z"));
	tzone_close(&z);
	assert_null(z);
	tzone_close(&z);
}

static void tzone_goes_on_after_2037(void **state)
{
	struct tzone *z = NULL;
	struct tzone_local l;

	(void)state;
	assert_int_equal(tzone_open("America/New_York", &z), 0);
	tzone_local(z, at("2055-07-01T12:00:00Z"), &l);
	assert_int_equal(l.offset_s, -4 * 3600);
	tzone_local(z, at("2055-12-01T12:00:00Z"), &l);
	assert_int_equal(l.offset_s, -5 * 3600);
	assert_int_equal(tzone_next_change(z, at("2055-01-01T00:00:00Z")),
			 at("2055-03-14T07:00:00Z"));
	tzone_close(&z);
}

/* The C library is right about these; it reads TZ, so only a test may. */
static void tzone_agrees_with_the_c_library(void **state)
{
	static const char *const zones[] = {
		"Europe/London",     "Europe/Dublin",	  "America/New_York",
		"Australia/Sydney",  "Asia/Kolkata",	  "Asia/Kathmandu",
		"America/Sao_Paulo", "Africa/Casablanca", "Pacific/Apia",
		"America/St_Johns",  "Antarctica/Troll",  "Etc/GMT+5",
	};
	size_t i;
	int64_t t;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(zones); i++) {
		struct tzone *z = NULL;

		assert_int_equal(tzone_open(zones[i], &z), 0);
		assert_int_equal(setenv("TZ", zones[i], 1), 0);
		tzset();
		/* every 13 h 7 min from 1990 to 2050 */
		for (t = 631152000; t < 2524608000; t += 47220) {
			struct tzone_local l;
			time_t tt = (time_t)t;
			struct tm tm;

			assert_non_null(localtime_r(&tt, &tm));
			tzone_local(z, t, &l);
			if (l.offset_s != tm.tm_gmtoff)
				print_message("%s %lld\n", zones[i],
					      (long long)t);
			assert_int_equal(l.offset_s, tm.tm_gmtoff);
			assert_int_equal(l.year, tm.tm_year + 1900);
			assert_int_equal(l.month, tm.tm_mon + 1);
			assert_int_equal(l.day, tm.tm_mday);
			assert_int_equal(l.hour, tm.tm_hour);
			assert_int_equal(l.minute, tm.tm_min);
			assert_int_equal(l.weekday, (tm.tm_wday + 6) % 7);
		}
		tzone_close(&z);
	}
}

static void tzone_refuses_bad_names_and_files(void **state)
{
	static const char *const bad[] = { "",
					   "/etc/passwd",
					   "../passwd",
					   "Europe/",
					   "Europe//London",
					   "a b",
					   "Europe/London/" };
	struct tzone *z = NULL;
	uint8_t junk[64] = "TZif2";
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(tzone_open(bad[i], &z), -EINVAL);
	assert_int_equal(tzone_open("Europe/Nowhere", &z), -ENOENT);
	assert_int_equal(tzone_open("Europe", &z), -ENOENT);
	assert_int_equal(tzone_parse(junk, sizeof(junk), &z), -EBADMSG);
	memset(junk + 20, 0xff, 24);
	assert_int_equal(tzone_parse(junk, sizeof(junk), &z), -EBADMSG);
	assert_int_equal(tzone_open("UTC", &z), 0);
	assert_int_equal(tzone_next_change(z, 0), INT64_MAX);
	tzone_close(&z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tzone_knows_summer_time),
		cmocka_unit_test(tzone_goes_on_after_2037),
		cmocka_unit_test(tzone_agrees_with_the_c_library),
		cmocka_unit_test(tzone_refuses_bad_names_and_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
