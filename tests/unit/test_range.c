#include "web/range.h"

#include "tests/support/unit.h"

#include <errno.h>

static void ranges_are_read_and_clipped(void **state)
{
	static const struct {
		const char *header;
		uint64_t size;
		int n;
		struct range r[2];
	} table[] = {
		{ "bytes=0-", 100, 1, { { 0, 99 } } },
		{ "bytes=0-0", 100, 1, { { 0, 0 } } },
		{ "bytes=10-1000", 100, 1, { { 10, 99 } } },
		{ "bytes=-10", 100, 1, { { 90, 99 } } },
		{ "bytes=-1000", 100, 1, { { 0, 99 } } },
		{ "Bytes = 1-2", 100, 1, { { 1, 2 } } },
		{ "bytes=0-1, 5-6", 100, 2, { { 0, 1 }, { 5, 6 } } },
		{ "bytes=0-4,5-6,2-3", 100, 1, { { 0, 6 } } },
		{ "bytes=5-6,0-1", 100, 2, { { 5, 6 }, { 0, 1 } } },
		{ "bytes=200-,0-1", 100, 1, { { 0, 1 } } },
		{ "bytes=100-", 100, -ERANGE, { { 0, 0 } } },
		{ "bytes=-0", 100, -ERANGE, { { 0, 0 } } },
		{ "bytes=0-", 0, -ERANGE, { { 0, 0 } } },
		{ "bytes=-5", 0, -ERANGE, { { 0, 0 } } },
		{ "bytes=5-2", 100, 0, { { 0, 0 } } },
		{ "bytes=a-b", 100, 0, { { 0, 0 } } },
		{ "bytes=--1", 100, 0, { { 0, 0 } } },
		{ "bytes=1", 100, 0, { { 0, 0 } } },
		{ "bytes=", 100, 0, { { 0, 0 } } },
		{ "bytes", 100, 0, { { 0, 0 } } },
		{ "items=0-1", 100, 0, { { 0, 0 } } },
		{ "bytes=99999999999999999999-", 100, 0, { { 0, 0 } } },
		{ "bytes=0-18446744073709551615", 100, 1, { { 0, 99 } } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct range got[RANGE_MAX];
		int n = range_parse(table[i].header, table[i].size, got);

		if (n != table[i].n)
			fail_msg("%s: %d", table[i].header, n);
		for (int k = 0; k < n; k++) {
			assert_int_equal(got[k].first, table[i].r[k].first);
			assert_int_equal(got[k].last, table[i].r[k].last);
		}
	}
}

static void many_ranges_are_ignored(void **state)
{
	struct range got[RANGE_MAX];

	(void)state;
	assert_int_equal(range_parse("bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,"
				     "14-14,16-16,18-18,20-20,22-22,24-24,"
				     "26-26,28-28,30-30,32-32",
				     100, got),
			 0);
}

static void entity_tags_are_compared(void **state)
{
	(void)state;
	assert_true(etag_list_has("\"a\"", "\"a\"", false));
	assert_true(etag_list_has("\"x\", \"a\"", "\"a\"", false));
	assert_true(etag_list_has("*", "\"a\"", false));
	assert_true(etag_list_has("W/\"a\"", "\"a\"", true));
	assert_false(etag_list_has("W/\"a\"", "\"a\"", false));
	assert_false(etag_list_has("\"ab\"", "\"a\"", true));
	assert_false(etag_list_has("", "\"a\"", true));
	assert_true(etag_if_range(" \"a\"", "\"a\""));
	assert_false(etag_if_range("W/\"a\"", "\"a\""));
	assert_false(etag_if_range("Mon, 23 Nov 2026 15:32:56 GMT", "\"a\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_are_read_and_clipped),
		cmocka_unit_test(many_ranges_are_ignored),
		cmocka_unit_test(entity_tags_are_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
