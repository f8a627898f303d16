/* The test plays the supervisor: it forks, runs a role, and talks to it. */
#include "base/role.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ipc.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/role_msg.h"
#include "base/settings.h"

struct super {
	struct loop *loop;
	struct ipc *control;
	pid_t pid;
	struct {
		uint16_t type;
		char data[256];
	} got[16]; /* in the order they came */
	unsigned n_got, n_seen;
	int fd; /* of the last message with one, -1 */
	bool closed;
};

static struct settings settings;

/* ---- the role under test: reports what happens to it ---- */

struct echo {
	struct role *role;
	bool run_seen;
};

static char kept_key[ROLE_NAME_MAX];

static void echo_kept(struct role *r, const char *key, int fd)
{
	(void)r;
	snprintf(kept_key, sizeof(kept_key), "%s", key);
	close(fd);
}

static int echo_start(struct role *r, void **ret_state)
{
	static struct echo e;
	char text[256];
	int p[2];

	e.role = r;
	*ret_state = &e;
	if (pipe(p) < 0 || role_keep(r, "pipe", p[0]) < 0)
		return -EIO;
	close(p[0]);
	close(p[1]);
	role_unkeep(r, "old");
	snprintf(text, sizeof(text), "kept=%s bound=%s gen=%u", kept_key,
		 r->bound, r->generation);
	role_ready(r, text);
	return 0;
}

static int bad_start(struct role *r, void **ret_state)
{
	(void)r;
	(void)ret_state;
	return -EADDRINUSE;
}

static void echo_peer(void *state, const char *peer, int fd)
{
	struct echo *e = state;

	close(fd);
	role_ready(e->role, peer);
}

static void echo_reload(void *state)
{
	struct echo *e = state;

	role_ready(e->role, e->role->settings->server.name);
}

static void echo_drain(void *state)
{
	struct echo *e = state;

	role_fatal(e->role, "asked for it");
}

static void echo_stop(void *state)
{
	struct echo *e = state;

	role_ready(e->role, e->run_seen ? "stopped after run" : "stopped");
}

/* A role with a loop of its own. */
static int own_run(struct role *r, void *state)
{
	struct echo *e = state;

	e->run_seen = true;
	role_ready(r, "running");
	while (!role_stopping(r))
		(void)loop_step(r->loop, -1);
	return 0;
}

static const struct role_ops echo_ops = {
	.name = "echo",
	.kept = echo_kept,
	.start = echo_start,
	.peer = echo_peer,
	.reload = echo_reload,
	.drain = echo_drain,
	.stop = echo_stop,
};
static const struct role_ops own_ops = {
	.name = "own",
	.start = echo_start,
	.run = own_run,
	.stop = echo_stop,
};
static const struct role_ops bad_ops = { .name = "bad", .start = bad_start };

/* ---- the supervisor's side ---- */

static void on_msg(void *arg, struct ipc_msg *msg)
{
	struct super *s = arg;

	assert_true(s->n_got < ARRAY_SIZE(s->got));
	assert_true(msg->len < sizeof(s->got[0].data));
	s->got[s->n_got].type = msg->type;
	memcpy(s->got[s->n_got++].data, msg->data, msg->len);
	if (msg->n_fds) {
		s->fd = msg->fds[0];
		msg->fds[0] = -1;
	}
}

static void on_closed(void *arg)
{
	((struct super *)arg)->closed = true;
}

static void spawn(struct super *s, const struct role_ops *ops)
{
	int fds[2];

	*s = (struct super){ .fd = -1 };
	assert_int_equal(loop_create(clock_real(), &s->loop), 0);
	assert_int_equal(ipc_pair(fds), 0);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0) {
		close(fds[0]);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(99);
		unit_exit(role_run(ops, &settings, fds[1], -1, "udp:1.2.3.4:5",
				   7));
	}
	close(fds[1]);
	assert_int_equal(ipc_create(s->loop, fds[0], 10, on_msg, on_closed, s,
				    &s->control),
			 0);
}

static void tell(struct super *s, uint16_t type, const void *data, size_t len,
		 int fd)
{
	assert_int_equal(ipc_send(s->control, type, 0, data, len, &fd,
				  fd >= 0 ? 1 : 0),
			 0);
}

/* The next message must be of this type. */
static const char *expect(struct super *s, uint16_t type)
{
	int64_t end = clock_mono_us(clock_real()) + 10000000;

	while (s->n_seen == s->n_got && !s->closed &&
	       clock_mono_us(clock_real()) < end)
		(void)loop_step(s->loop, 100);
	assert_true(s->n_seen < s->n_got);
	assert_int_equal(s->got[s->n_seen].type, type);
	return s->got[s->n_seen++].data;
}

/* Start the role and take what echo_start() says. */
static const char *start(struct super *s)
{
	tell(s, ROLE_START, NULL, 0, -1);
	assert_string_equal(expect(s, ROLE_KEEP), "pipe");
	assert_string_equal(expect(s, ROLE_UNKEEP), "old");
	return expect(s, ROLE_READY);
}

static int reap(struct super *s)
{
	int status;

	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	ipc_destroy(&s->control);
	loop_destroy(&s->loop);
	if (s->fd >= 0)
		close(s->fd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void kept_descriptors_come_before_start(void **state)
{
	struct super s;

	(void)state;
	spawn(&s, &echo_ops);
	tell(&s, ROLE_KEPT, "rtp/20000", 9, 0);
	assert_string_equal(start(&s),
			    "kept=rtp/20000 bound=udp:1.2.3.4:5 gen=7");
	tell(&s, ROLE_STOP, NULL, 0, -1);
	assert_string_equal(expect(&s, ROLE_READY), "stopped");
	assert_int_equal(reap(&s), 0);
}

static void descriptors_to_keep_reach_the_supervisor(void **state)
{
	struct super s;

	(void)state;
	spawn(&s, &echo_ops);
	(void)start(&s); /* looks at the names */
	assert_true(s.fd >= 0);
	tell(&s, ROLE_STOP, NULL, 0, -1);
	assert_int_equal(reap(&s), 0);
}

static void peers_and_new_settings_are_handed_on(void **state)
{
	static struct settings fresh;
	struct super s;

	(void)state;
	spawn(&s, &echo_ops);
	(void)start(&s);
	tell(&s, ROLE_PEER, "capture", 7, 0);
	assert_string_equal(expect(&s, ROLE_READY), "capture");
	snprintf(fresh.server.name, sizeof(fresh.server.name), "new.example");
	tell(&s, ROLE_RELOAD, &fresh, sizeof(fresh), -1);
	assert_string_equal(expect(&s, ROLE_READY), "new.example");
	tell(&s, ROLE_STOP, NULL, 0, -1);
	assert_int_equal(reap(&s), 0);
}

static void the_supervisors_death_stops_the_role(void **state)
{
	struct super s;
	int status;

	(void)state;
	spawn(&s, &echo_ops);
	(void)start(&s);
	ipc_destroy(&s.control);
	assert_int_equal(waitpid(s.pid, &status, 0), s.pid);
	assert_true(WIFEXITED(status));
	loop_destroy(&s.loop);
}

static void a_failed_start_ends_the_process(void **state)
{
	struct super s;

	(void)state;
	spawn(&s, &bad_ops);
	tell(&s, ROLE_START, NULL, 0, -1);
	assert_int_equal(reap(&s), 1);
}

static void a_fatal_error_is_told_and_ends_the_role(void **state)
{
	struct super s;

	(void)state;
	spawn(&s, &echo_ops);
	(void)start(&s);
	tell(&s, ROLE_DRAIN, NULL, 0, -1);
	assert_string_equal(expect(&s, ROLE_FATAL), "asked for it");
	assert_int_equal(reap(&s), 1);
}

static void a_role_may_bring_its_own_loop(void **state)
{
	struct super s;

	(void)state;
	spawn(&s, &own_ops);
	(void)start(&s);
	assert_string_equal(expect(&s, ROLE_READY), "running");
	tell(&s, ROLE_DRAIN, NULL, 0, -1);
	(void)expect(&s, ROLE_DRAINED); /* nothing to drain */
	tell(&s, ROLE_STOP, NULL, 0, -1);
	assert_string_equal(expect(&s, ROLE_READY), "stopped after run");
	assert_int_equal(reap(&s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_descriptors_come_before_start),
		cmocka_unit_test(descriptors_to_keep_reach_the_supervisor),
		cmocka_unit_test(peers_and_new_settings_are_handed_on),
		cmocka_unit_test(the_supervisors_death_stops_the_role),
		cmocka_unit_test(a_failed_start_ends_the_process),
		cmocka_unit_test(a_fatal_error_is_told_and_ends_the_role),
		cmocka_unit_test(a_role_may_bring_its_own_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
