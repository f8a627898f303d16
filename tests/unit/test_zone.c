/* test_zone.c - facts about web/zone.h: what a date of a search means. */
#include "web/zone.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

static int64_t us(const char *rfc3339)
{
	int64_t t;

	assert_int_equal(clock_parse(rfc3339, &t), 0);
	return t;
}

static void a_date_is_a_day_of_its_zone(void **state)
{
	static const struct {
		const char *zone, *text, *from, *to; /* to: the day behind */
	} cases[] = {
		{ "UTC", "2026-12-01", "2026-12-01T00:00:00Z",
		  "2026-12-02T00:00:00Z" },
		{ "Europe/Berlin", "2026-12-01", "2026-11-30T23:00:00Z",
		  "2026-12-01T23:00:00Z" },
		{ "America/Los_Angeles", "2026-11-30", "2026-11-30T08:00:00Z",
		  "2026-12-01T08:00:00Z" },
		{ "Asia/Kolkata", "2026-12-31", "2026-12-30T18:30:00Z",
		  "2026-12-31T18:30:00Z" },
		/* days of 23 and of 25 hours */
		{ "Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z",
		  "2026-03-29T22:00:00Z" },
		{ "Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z",
		  "2026-10-25T23:00:00Z" },
		/* midnight itself is left out, or comes twice */
		{ "America/Santiago", "2026-09-06", "2026-09-06T04:00:00Z",
		  "2026-09-07T03:00:00Z" },
		{ "America/Havana", "2026-11-01", "2026-11-01T04:00:00Z",
		  "2026-11-02T05:00:00Z" },
		/* a day that a country left out */
		{ "Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z",
		  "2011-12-30T10:00:00Z" },
		{ "Europe/Berlin", "2024-02-29", "2024-02-28T23:00:00Z",
		  "2024-02-29T23:00:00Z" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct zone z CLEANUP(zone_close) = { 0 };
		int64_t from, to;

		assert_int_equal(zone_open(&z, cases[i].zone), 0);
		assert_int_equal(
			zone_parse_time(&z, cases[i].text, false, &from), 0);
		assert_int_equal(zone_parse_time(&z, cases[i].text, true, &to),
				 0);
		if (from != us(cases[i].from) || to != us(cases[i].to))
			fail_msg("%s %s", cases[i].zone, cases[i].text);
	}
}

static void times_have_an_offset_or_a_zone(void **state)
{
	struct zone z CLEANUP(zone_close) = { 0 };
	int64_t t;

	(void)state;
	assert_int_equal(zone_open(&z, "Europe/Berlin"), 0);
	assert_int_equal(zone_parse_time(&z, "2026-07-01T09:30", false, &t), 0);
	assert_int_equal(t, us("2026-07-01T07:30:00Z"));
	assert_int_equal(zone_parse_time(&z, "2026-01-01T09:30:05", true, &t),
			 0);
	assert_int_equal(t, us("2026-01-01T08:30:05Z"));
	/* the first of two, and the change where there is none */
	assert_int_equal(zone_parse_time(&z, "2026-10-25T02:30", false, &t), 0);
	assert_int_equal(t, us("2026-10-25T00:30:00Z"));
	assert_int_equal(zone_parse_time(&z, "2026-03-29T02:30", false, &t), 0);
	assert_int_equal(t, us("2026-03-29T01:00:00Z"));
	/* an offset counts more than the zone, also one that lost its sign */
	assert_int_equal(
		zone_parse_time(&z, "2026-07-01T09:30:00-05:00", false, &t), 0);
	assert_int_equal(t, us("2026-07-01T14:30:00Z"));
	assert_int_equal(zone_parse_time(NULL, "2026-07-01T09:30:00 05:30",
					 false, &t),
			 0);
	assert_int_equal(t, us("2026-07-01T04:00:00Z"));
	assert_int_equal(zone_parse_time(NULL, "2026-07-01", false, &t), 0);
	assert_int_equal(t, us("2026-07-01T00:00:00Z"));
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"2026",
		"2026-02-29",
		"2026-13-01",
		"2026-01-01T",
		"2026-01-01T24:00",
		"2026-01-01T09",
		"2026-01-01T09:60",
		"2026-01-01T09:30:00+25:00",
		"2026-01-01 09:30",
		"yesterday",
		"2026-01-01x",
	};
	struct zone z CLEANUP(zone_close) = { 0 };
	int64_t t;

	(void)state;
	assert_int_equal(zone_open(&z, "Europe/Berlin"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (zone_parse_time(&z, bad[i], false, &t) != -EINVAL)
			fail_msg("%s", bad[i]);
	/* without a zone nobody knows what is meant */
	assert_int_equal(zone_parse_time(NULL, "2026-01-01T09:30", false, &t),
			 -EINVAL);
	zone_close(&z);
	assert_true(zone_open(&z, "Europe/Nowhere") < 0);
	assert_true(zone_open(&z, "../../etc/passwd") < 0);
	assert_string_equal(z.name, "");
}

static void times_are_shown_with_their_offset(void **state)
{
	struct zone z CLEANUP(zone_close) = { 0 }, none = { 0 };
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	assert_int_equal(zone_open(&z, "America/St_Johns"), 0);
	zone_put_time(&z, &b, us("2026-12-01T02:00:00.5Z"));
	assert_string_equal(buf_str(&b),
			    "<time datetime=\"2026-12-01T02:00:00.500Z\">"
			    "2026-11-30 22:30 -03:30</time>");
	buf_reset(&b);
	zone_put_time(&none, &b, us("2026-12-01T02:00:00Z"));
	assert_non_null(strstr(buf_str(&b), ">2026-12-01 02:00 UTC<"));
	buf_reset(&b);
	zone_put_time(&none, &b, 0);
	assert_string_equal(buf_str(&b), "");
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_date_is_a_day_of_its_zone),
		cmocka_unit_test(times_have_an_offset_or_a_zone),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(times_are_shown_with_their_offset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
