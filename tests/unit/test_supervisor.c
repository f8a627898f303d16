/* Facts about srs/supervisor.h, with small roles of our own. Each role writes
 * what it sees to a pipe as one letter; the tests read the letters. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/role.h"
#include "base/settings.h"
#include "base/str.h"
#include "srs/data_lock.h"
#include "srs/supervisor.h"

#define WAIT_MS 10000

/* The roles' own descriptors are closed at the fork, so they open this. */
static char fifo_path[128];

static void say(char c)
{
	int fd = open(fifo_path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)!write(fd, &c, 1);
		close(fd);
	}
}

static void say_pid(char c)
{
	char text[32];
	int fd = open(fifo_path, O_WRONLY | O_CLOEXEC);
	int n = snprintf(text, sizeof(text), "%c%d.", c, (int)getpid());

	if (fd >= 0) {
		(void)!write(fd, text, (size_t)n);
		close(fd);
	}
}

static int start_role(struct role *r, void **ret_state)
{
	*ret_state = r;
	if (strcmp(r->ops->name, "capture") == 0 && r->generation == 0) {
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		(void)role_keep(r, "s1/0/rtp", fd);
		close(fd);
	}
	say_pid(r->ops->name[0]);
	role_ready(r,
		   strcmp(r->ops->name, "sip") == 0 ? "udp:127.0.0.1:5" : "");
	return 0;
}

/* A helper of its own, as capture has one. */
static int start_parent(struct role *r, void **ret_state)
{
	pid_t pid = r->generation == 0 ? fork() : 1;

	if (pid == 0) {
		say_pid('H');
		(void)close_range(0, ~0u, 0);
		for (;;)
			pause();
	}
	return start_role(r, ret_state);
}

static int start_fatal(struct role *r, void **ret_state)
{
	*ret_state = r;
	role_fatal(r, "no such certificate");
	return 0;
}

static void kept(struct role *r, const char *key, int fd)
{
	(void)r;
	if (strcmp(key, "s1/0/rtp") == 0 && fcntl(fd, F_GETFD) >= 0)
		say('K');
	close(fd);
}

static void peer(void *state, const char *name, int fd)
{
	struct role *r = state;

	if (fcntl(fd, F_GETFD) >= 0)
		say(strcmp(r->ops->name, "sip") == 0 &&
				    strcmp(name, "capture") == 0
			    ? 'P'
			    : 'Q');
	close(fd);
}

static void drain(void *state)
{
	say('D');
	role_drained(state);
}

static void reload(void *state)
{
	struct role *r = state;

	say(r->settings->sip.max_calls == 7 ? 'R' : '?');
}

static void stop(void *state)
{
	struct role *r = state;

	say(strcmp(r->ops->name, "sip") == 0 ? 'S' : 'T');
}

static const struct role_ops capture = { .name = "capture",
					 .kept = kept,
					 .start = start_role,
					 .peer = peer,
					 .stop = stop };
static const struct role_ops sip = { .name = "sip",
				     .start = start_role,
				     .peer = peer,
				     .drain = drain,
				     .reload = reload,
				     .stop = stop };
static const struct role_ops parent = { .name = "sip",
					.start = start_parent,
					.stop = stop };
static const struct role_ops bad = { .name = "sip", .start = start_fatal };

struct fixture {
	char dir[64];
	char conf[96];
	int rd; /* our end of the fifo */
	pid_t pid;
	/* what was read, see expect() */
	unsigned seen[256];
	pid_t role_pid[256], pid_read;
	char last;
};

static void on_ready(void *arg, const struct supervisor_ready *ready)
{
	(void)arg;
	say(strcmp(ready->sip, "udp:127.0.0.1:5") == 0 &&
			    strncmp(ready->http, "127.0.0.1:", 10) == 0 &&
			    strncmp(ready->public_url,
				    "http://127.0.0.1:", 17) == 0
		    ? 'G'
		    : '!');
}

static void write_conf(struct fixture *f, int max_calls)
{
	FILE *c = fopen(f->conf, "we");

	assert_non_null(c);
	fprintf(c,
		"[server]\ndata_dir = %s\n[log]\nlevel = error\n[sip]\n"
		"listen = udp:127.0.0.1:0\nmax_calls = %d\n"
		"[http]\nlisten = 127.0.0.1:0\n",
		f->dir, max_calls);
	fclose(c);
}

static int run_child(struct fixture *f, const struct role_ops *first,
		     const struct role_ops *second)
{
	struct settings *s = mem_zalloc(sizeof(*s));
	struct err e = { 0 };
	struct supervisor_options o = { .config_path = f->conf,
					.roles = { first, second },
					.on_ready = on_ready };
	int r;

	/* a test that failed leaves nobody behind */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	log_setup(LOG_ERROR + 1, LOG_TEXT, "test");
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* as the first process is */
	r = settings_load(f->conf, s, &e);
	if (r == 0)
		r = data_lock_take(s, &o.lock_fd, &e);
	if (r == 0)
		r = supervisor_run(s, &o, &e);
	mem_free(s);
	return r == 0 ? 0 : r == -EALREADY ? 3 : 1;
}

static void start(struct fixture *f, const struct role_ops *second)
{
	snprintf(f->dir, sizeof(f->dir), "/tmp/test-sv-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->conf, sizeof(f->conf), "%s/srs.conf", f->dir);
	snprintf(fifo_path, sizeof(fifo_path), "%s/fifo", f->dir);
	assert_int_equal(mkfifo(fifo_path, 0600), 0);
	f->rd = open(fifo_path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	assert_true(f->rd >= 0);
	write_conf(f, 5);
	f->pid = fork();
	assert_true(f->pid >= 0);
	if (f->pid == 0)
		_exit(run_child(f, &capture, second));
}

/* Read letters (a pid may follow one) until c was seen n times in all. */
static void expect(struct fixture *f, char c, unsigned n)
{
	while (f->seen[(unsigned char)c] < n) {
		struct pollfd pfd = { .fd = f->rd, .events = POLLIN };
		char got = '\0';

		if (poll(&pfd, 1, WAIT_MS) != 1 || read(f->rd, &got, 1) != 1)
			fail_msg("waited in vain for '%c' number %u", c, n);
		if (got >= '0' && got <= '9') {
			f->pid_read = f->pid_read * 10 + (got - '0');
		} else if (got == '.') {
			f->role_pid[(unsigned char)f->last] = f->pid_read;
		} else {
			f->seen[(unsigned char)got]++;
			f->last = got;
			f->pid_read = 0;
		}
	}
}

static int finish(struct fixture *f)
{
	char path[128];
	int status;

	assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
	close(f->rd);
	unlink(f->conf);
	unlink(fifo_path);
	snprintf(path, sizeof(path), "%s/srs.lock", f->dir);
	unlink(path);
	(void)rmdir(f->dir);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void ready_when_all_are(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	start(&f, &sip);
	expect(&f, 'G', 1);
	kill(f.pid, SIGTERM);
	expect(&f, 'D', 1);
	/* sip ends before the capture that it needs */
	expect(&f, 'S', 1);
	expect(&f, 'T', 1);
	assert_int_equal(finish(&f), 0);
}

static void dead_role_comes_back_with_its_descriptors(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	start(&f, &sip);
	expect(&f, 'G', 1);
	expect(&f, 'P', 1);
	expect(&f, 'Q', 1);
	kill(f.role_pid['c'], SIGKILL);
	/* the kept descriptor, its new self, a fresh channel at both ends */
	expect(&f, 'K', 1);
	expect(&f, 'c', 2);
	expect(&f, 'P', 2);
	expect(&f, 'Q', 2);
	kill(f.pid, SIGTERM);
	assert_int_equal(finish(&f), 0);
}

static void hangup_reloads(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	start(&f, &sip);
	expect(&f, 'G', 1);
	write_conf(&f, 7);
	kill(f.pid, SIGHUP);
	expect(&f, 'R', 1);
	kill(f.pid, SIGTERM);
	assert_int_equal(finish(&f), 0);
}

static void roles_end_when_the_supervisor_is_killed(void **state)
{
	struct fixture f = { 0 };
	int status;

	(void)state;
	start(&f, &sip);
	expect(&f, 'G', 1);
	kill(f.pid, SIGKILL);
	assert_int_equal(waitpid(f.pid, &status, 0), f.pid);
	expect(&f, 'S', 1);
	expect(&f, 'T', 1);
	/* and the folder can be used again at once */
	f.pid = fork();
	assert_true(f.pid >= 0);
	if (f.pid == 0)
		_exit(run_child(&f, &capture, &sip));
	expect(&f, 'G', 2);
	kill(f.pid, SIGTERM);
	assert_int_equal(finish(&f), 0);
}

static void a_fatal_role_ends_the_start(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	start(&f, &bad);
	assert_int_equal(finish(&f), 1);
}

static void orphans_are_reaped(void **state)
{
	struct fixture f = { 0 };
	struct timespec a_moment = { 0, 10000000 };
	int waited = 0;

	(void)state;
	start(&f, &parent);
	expect(&f, 'G', 1);
	expect(&f, 'H', 1);
	kill(f.role_pid['s'], SIGKILL);
	expect(&f, 's', 2); /* it is back, its helper is an orphan */
	kill(f.role_pid['H'], SIGKILL);
	while (kill(f.role_pid['H'], 0) == 0 && waited++ < WAIT_MS / 10)
		nanosleep(&a_moment, NULL);
	assert_int_equal(kill(f.role_pid['H'], 0), -1);
	kill(f.pid, SIGTERM);
	assert_int_equal(finish(&f), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ready_when_all_are),
		cmocka_unit_test(dead_role_comes_back_with_its_descriptors),
		cmocka_unit_test(hangup_reloads),
		cmocka_unit_test(roles_end_when_the_supervisor_is_killed),
		cmocka_unit_test(a_fatal_role_ends_the_start),
		cmocka_unit_test(orphans_are_reaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
