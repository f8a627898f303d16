/* test_data_lock.c - facts about srs/data_lock.h: one server in a folder. */
#include "srs/data_lock.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/settings.h"
#include "tests/support/unit.h"

static struct settings settings;

/* A server: holds the folder, with a role that inherited the lock, until both
 * are killed. */
struct holder {
	pid_t server, role;
	int done; /* closing it lets the role end */
};

static _Noreturn void serve(int said, int done)
{
	struct err e = { 0 };
	pid_t role;
	char byte;
	int fd;

	if (data_lock_take(&settings, &fd, &e) < 0)
		unit_exit(1);
	role = fork();
	if (role == 0) { /* ends when the test says so, or is gone */
		(void)!read(done, &byte, 1);
		unit_exit(0);
	}
	(void)!write(said, &role, sizeof(role));
	for (;;)
		pause();
}

static void hold(struct holder *h)
{
	int said[2], done[2];

	assert_int_equal(pipe(said), 0);
	assert_int_equal(pipe(done), 0);
	h->server = fork();
	assert_true(h->server >= 0);
	if (h->server == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(done[1]);
		serve(said[1], done[0]);
	}
	close(said[1]);
	close(done[0]);
	h->done = done[1];
	assert_int_equal(read(said[0], &h->role, sizeof(h->role)),
			 sizeof(h->role));
	close(said[0]);
}

static void kill_server(struct holder *h)
{
	int status;

	kill(h->server, SIGKILL);
	assert_int_equal(waitpid(h->server, &status, 0), h->server);
}

static void a_second_server_hears_at_once_who_is_there(void **state)
{
	struct err e = { 0 };
	struct holder h;
	char who[64];
	int fd = -1;

	(void)state;
	hold(&h);
	assert_int_equal(data_lock_take(&settings, &fd, &e), -EALREADY);
	assert_int_equal(fd, -1);
	snprintf(who, sizeof(who), ": process %d;", (int)h.server);
	assert_non_null(strstr(e.text, who));
	assert_non_null(strstr(e.text, settings.server.data_dir));
	kill_server(&h);
	close(h.done);
}

static void roles_without_a_server_are_waited_for(void **state)
{
	struct err e = { 0 };
	struct holder h;
	pid_t helper;
	int fd, status;

	(void)state;
	hold(&h);
	kill_server(&h);
	assert_int_equal(kill(h.role, 0), 0); /* still holds the folder */
	helper = fork();
	assert_true(helper >= 0);
	if (helper == 0) {
		close(h.done);
		unit_exit(data_lock_take(&settings, &fd, &e) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(helper, &status, WNOHANG), 0);
	close(h.done); /* now the role ends */
	assert_int_equal(waitpid(helper, &status, 0), helper);
	assert_int_equal(status, 0);
}

static void a_free_folder_is_taken_and_given_back(void **state)
{
	struct err e = { 0 };
	struct holder h;
	int fd;

	(void)state;
	assert_int_equal(data_lock_take(&settings, &fd, &e), 0);
	close(fd);
	hold(&h); /* another process can have it now */
	kill_server(&h);
	close(h.done);
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
	struct settings s = settings;
	struct err e = { 0 };
	int fd;

	(void)state;
	snprintf(s.server.data_dir, sizeof(s.server.data_dir), "%s/none",
		 settings.server.data_dir);
	assert_int_equal(data_lock_take(&s, &fd, &e), -ENOENT);
	assert_non_null(strstr(e.text, "none/srs.lock"));
	memset(s.server.data_dir, 'a', sizeof(s.server.data_dir) - 1);
	s.server.data_dir[sizeof(s.server.data_dir) - 1] = '\0';
	assert_int_equal(data_lock_take(&s, &fd, &e), -ENAMETOOLONG);
}

static int setup(void **state)
{
	(void)state;
	log_setup(LOG_ERROR, LOG_TEXT, "test");
	snprintf(settings.server.data_dir, sizeof(settings.server.data_dir),
		 "%s", unit_temp_dir());
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return unit_remove_tree(settings.server.data_dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_server_hears_at_once_who_is_there),
		cmocka_unit_test(roles_without_a_server_are_waited_for),
		cmocka_unit_test(a_free_folder_is_taken_and_given_back),
		cmocka_unit_test(a_folder_that_is_not_there_is_an_error),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
