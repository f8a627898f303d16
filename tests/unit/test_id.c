#include "base/id.h"

#include "tests/support/unit.h"

#include <string.h>

static void an_id_is_a_uuid_of_version_7(void **state)
{
	struct id a;

	(void)state;
	id_new(&a, 0x0123456789ab * 1000);
	assert_true(id_ok(a.s));
	assert_memory_equal(a.s, "01234567-89ab-7", 15);
	assert_non_null(strchr("89ab", a.s[19]));
}

static void ids_sort_by_creation(void **state)
{
	struct id prev, next;
	int64_t wall_us = INT64_C(2000000000000000);
	int i;

	(void)state;
	id_new(&prev, wall_us);
	for (i = 0; i < 10000; i++) {
		/* standing still, then going back, then forward */
		id_new(&next, i < 5000 ? wall_us : wall_us + i - 7000);
		assert_true(strcmp(prev.s, next.s) < 0);
		prev = next;
	}
}

static void only_lower_case_uuids_are_ids(void **state)
{
	(void)state;
	assert_true(id_ok("0197c0de-0000-7000-8000-00000000abcd"));
	assert_false(id_ok("0197C0DE-0000-7000-8000-00000000abcd"));
	assert_false(id_ok("0197c0de00007000800000000000abcd"));
	assert_false(id_ok("0197c0de-0000-7000-8000-00000000abcd "));
	assert_false(id_ok("0197c0de-0000-7000-8000-00000000abc"));
	assert_false(id_ok("../../../../../../../../../etc/passw"));
	assert_false(id_ok(""));
	assert_false(id_ok(NULL));
}

static void random_bytes_differ(void **state)
{
	uint8_t a[32] = { 0 }, b[32] = { 0 };

	(void)state;
	id_random(a, sizeof(a));
	id_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	id_random(a, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_is_a_uuid_of_version_7),
		cmocka_unit_test(ids_sort_by_creation),
		cmocka_unit_test(only_lower_case_uuids_are_ids),
		cmocka_unit_test(random_bytes_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
