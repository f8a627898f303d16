#include "base/err.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void the_first_error_stays(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(err_set(&e, -EINVAL, "bad %s", "key"), -EINVAL);
	assert_int_equal(err_set(&e, -EIO, "later"), -EIO);
	assert_int_equal(e.code, -EINVAL);
	assert_string_equal(e.text, "bad key");
}

static void a_prefix_goes_in_front(void **state)
{
	struct err e = { 0 };

	(void)state;
	(void)err_set(&e, -EIO, "disk");
	assert_int_equal(err_prefix(&e, "file %d", 7), -EIO);
	assert_string_equal(e.text, "file 7: disk");
}

static void null_is_allowed(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, -EIO, "x"), -EIO);
	assert_int_equal(err_prefix(NULL, "x"), 0);
}

static void long_text_is_cut(void **state)
{
	struct err e = { 0 };
	char big[2 * ERR_TEXT_MAX];

	(void)state;
	memset(big, 'a', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	(void)err_set(&e, -EIO, "%s", big);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
	(void)err_prefix(&e, "%s", big);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
}

static void errno_has_name_and_words(void **state)
{
	(void)state;
	assert_string_equal(err_name(-ENOENT), "ENOENT");
	assert_string_equal(err_name(ENOENT), "ENOENT");
	assert_string_equal(err_words(-ENOENT), "No such file or directory");
	assert_string_equal(err_name(99999), "EUNKNOWN");
	assert_non_null(err_words(99999));
}

static void a_false_assertion_aborts(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	ASSERT(1 + 1 == 2);
	pid = fork();
	if (pid == 0) {
		fclose(stderr);
		signal(SIGABRT, SIG_DFL);
		ASSERT(pid != 0);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_error_stays),
		cmocka_unit_test(a_prefix_goes_in_front),
		cmocka_unit_test(null_is_allowed),
		cmocka_unit_test(long_text_is_cut),
		cmocka_unit_test(errno_has_name_and_words),
		cmocka_unit_test(a_false_assertion_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
