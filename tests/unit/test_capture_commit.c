/* test_capture_commit.c - facts about media/capture_commit.h. */
#include "media/capture_commit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "tests/support/unit.h"

struct answers {
	unsigned n;
	int last;
};

static void on_answer(void *arg, int error, int64_t took_us)
{
	struct answers *a = arg;

	(void)took_us;
	a->n++;
	a->last = error;
}

static void wait_answers(struct loop *l, const struct answers *a, unsigned n)
{
	for (unsigned i = 0; a->n < n && i < 1000; i++)
		assert_int_equal(loop_step(l, 100), 0);
	assert_int_equal(a->n, n);
}

/* The one child that this process has. */
static pid_t only_child(void)
{
	char path[64], text[64] = { 0 };
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children",
		       (int)getpid());
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	assert_true(n > 0);
	return (pid_t)strtol(text, NULL, 10);
}

static void commit_answers_and_comes_back_after_a_kill(void **state)
{
	struct capture_commit *c = NULL;
	struct answers a = { 0 };
	struct loop *l = NULL;
	int dir = open("/tmp", O_RDONLY | O_DIRECTORY);

	(void)state;
	assert_int_equal(loop_create(clock_real(), &l), 0);
	assert_int_equal(capture_commit_create(l, dir, on_answer, &a, &c), 0);
	assert_int_equal(capture_commit_ask(c), 0);
	assert_int_equal(capture_commit_ask(c), -EBUSY);
	wait_answers(l, &a, 1);
	assert_int_equal(a.last, 0);
	assert_int_equal(kill(only_child(), SIGKILL), 0);
	wait_answers(l, &a, 2);
	assert_int_equal(a.last, -EPIPE);
	assert_int_equal(capture_commit_ask(c), 0);
	wait_answers(l, &a, 3);
	assert_int_equal(a.last, 0);
	capture_commit_destroy(&c);
	loop_destroy(&l);
	close(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commit_answers_and_comes_back_after_a_kill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
