#include "base/mem.h"

#include "tests/support/unit.h"

#include <string.h>

static void alloc_of_zero_bytes_gives_a_block(void **state)
{
	void *p CLEANUP(mem_freep) = mem_alloc(0);
	void *q CLEANUP(mem_freep) = mem_calloc(0, 8);

	(void)state;
	assert_non_null(p);
	assert_non_null(q);
}

static void calloc_refuses_a_product_that_overflows(void **state)
{
	/* Out of the compiler's sight, which knows the answer too. */
	volatile size_t n = SIZE_MAX / 2 + 1;

	(void)state;
	assert_null(mem_calloc(n, 2));
}

static void copies_are_terminated_and_independent(void **state)
{
	char src[] = "abcdef";
	char *a CLEANUP(mem_freep) = mem_strdup(src);
	char *b CLEANUP(mem_freep) = mem_strndup(src, 3);
	char *c CLEANUP(mem_freep) = mem_dup(src, sizeof(src));

	(void)state;
	memset(src, 'x', sizeof(src) - 1);
	assert_string_equal(a, "abcdef");
	assert_string_equal(b, "abc");
	assert_string_equal(c, "abcdef");
	assert_null(mem_strdup(NULL));
}

static void steal_leaves_null_behind(void **state)
{
	char *a CLEANUP(mem_freep) = mem_strdup("x");
	char *b CLEANUP(mem_freep) = STEAL(a);

	(void)state;
	assert_null(a);
	assert_string_equal(b, "x");
}

static void freep_clears_the_pointer(void **state)
{
	char *a = mem_strdup("x");

	(void)state;
	mem_freep(&a);
	assert_null(a);
	mem_free(NULL);
}

static void failing_starts_after_n_allocations(void **state)
{
	void *p[3];

	(void)state;
	mem_fail_after(2);
	p[0] = mem_alloc(1);
	p[1] = mem_zalloc(1);
	p[2] = mem_strdup("x");
	assert_null(mem_realloc(NULL, 1));
	mem_fail_after(-1);
	assert_non_null(p[0]);
	assert_non_null(p[1]);
	assert_null(p[2]);
	p[0] = mem_realloc(p[0], 100);
	assert_non_null(p[0]);
	mem_free(p[0]);
	mem_free(p[1]);
}

struct outer {
	int before;
	int inner;
};

static void container_of_finds_the_outer_struct(void **state)
{
	struct outer o = { 1, 2 };

	(void)state;
	assert_ptr_equal(CONTAINER_OF(&o.inner, struct outer, inner), &o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alloc_of_zero_bytes_gives_a_block),
		cmocka_unit_test(calloc_refuses_a_product_that_overflows),
		cmocka_unit_test(copies_are_terminated_and_independent),
		cmocka_unit_test(steal_leaves_null_behind),
		cmocka_unit_test(freep_clears_the_pointer),
		cmocka_unit_test(failing_starts_after_n_allocations),
		cmocka_unit_test(container_of_finds_the_outer_struct),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
