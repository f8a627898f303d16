/* Facts about srs/fdstore.h. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "srs/fdstore.h"

static int open_null(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int count_fn(void *arg, const char *key, int fd)
{
	(void)key;
	(void)fd;
	++*(int *)arg;
	return 0;
}

static void keeps_until_dropped(void **state)
{
	struct fdstore *s;
	int fd = open_null(), n = 0;

	(void)state;
	assert_int_equal(fdstore_create(&s), 0);
	assert_int_equal(fdstore_put(s, "a/0/rtp", fd), 0);
	assert_int_equal(fdstore_count(s), 1);
	fdstore_drop(s, "unknown");
	assert_true(is_open(fd));
	fdstore_each(s, count_fn, &n);
	assert_int_equal(n, 1);
	fdstore_drop(s, "a/0/rtp");
	assert_false(is_open(fd));
	assert_int_equal(fdstore_count(s), 0);
	fdstore_destroy(&s);
	assert_null(s);
}

static void same_key_replaces(void **state)
{
	struct fdstore *s;
	int a = open_null(), b = open_null();

	(void)state;
	assert_int_equal(fdstore_create(&s), 0);
	assert_int_equal(fdstore_put(s, "k", a), 0);
	assert_int_equal(fdstore_put(s, "k", b), 0);
	assert_false(is_open(a));
	assert_true(is_open(b));
	assert_int_equal(fdstore_count(s), 1);
	fdstore_destroy(&s);
	assert_false(is_open(b));
}

static void refuses_and_leaves_the_descriptor(void **state)
{
	struct fdstore *s;
	int fd = open_null();

	(void)state;
	assert_int_equal(fdstore_create(&s), 0);
	assert_int_equal(fdstore_put(s, "", fd), -EINVAL);
	mem_fail_after(0);
	assert_int_equal(fdstore_put(s, "k", fd), -ENOMEM);
	mem_fail_after(1);
	assert_int_equal(fdstore_put(s, "k", fd), -ENOMEM);
	mem_fail_after(-1);
	assert_true(is_open(fd));
	close(fd);
	fdstore_destroy(&s);
}

static void holds_thousands(void **state)
{
	struct fdstore *s;
	char key[32];
	int n = 0;

	(void)state;
	assert_int_equal(fdstore_create(&s), 0);
	for (int i = 0; i < 500; i++) {
		snprintf(key, sizeof(key), "s%d/1/rtcp", i);
		assert_int_equal(fdstore_put(s, key, open_null()), 0);
	}
	for (int i = 0; i < 500; i += 2) {
		snprintf(key, sizeof(key), "s%d/1/rtcp", i);
		fdstore_drop(s, key);
	}
	fdstore_each(s, count_fn, &n);
	assert_int_equal(n, 250);
	fdstore_destroy(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_until_dropped),
		cmocka_unit_test(same_key_replaces),
		cmocka_unit_test(refuses_and_leaves_the_descriptor),
		cmocka_unit_test(holds_thousands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
