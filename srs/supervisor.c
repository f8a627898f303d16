/* The supervisor is a table of slots, one per role process. A slot is empty
 * (pid 0, waiting for its restart timer), starting (forked, not ready) or
 * ready. Everything that happens - a message on a control channel, a child's
 * death, a signal, a timer - changes one slot and then looks at the whole:
 * are all ready (ready line), are all gone (the end)?
 */
#include "srs/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/role.h"
#include "base/role_msg.h"
#include "base/settings.h"
#include "base/str.h"
#include "srs/fdstore.h"
#include "srs/listen.h"

#define BACKOFF_MIN_US 100000
#define BACKOFF_MAX_US 10000000
#define STEADY_US 30000000    /* ran that long: the back-off starts anew */
#define STOP_LIMIT_US 5000000 /* then SIGKILL */
#define SETTLE_US 10000	      /* between a role's death and its consequences */
#define FIRST_TRIES 3	      /* before the server was ready once */
#define FILES_WISHED 262144   /* descriptors of a process */
#define CONTROL_QUEUE (FDSTORE_KEYS_MAX + 64)

struct slot {
	struct supervisor *sv;
	const struct role_ops *ops;
	pid_t pid; /* 0: not running */
	struct ipc *control;
	struct fdstore *kept;
	struct loop_timer restart;
	int64_t started_mono_us;
	int64_t backoff_us;
	unsigned generation;
	unsigned failures; /* in a row, before it was ready */
	bool ready, stop_sent;
	bool reaped; /* dead; status is its exit status */
	int status;
	char bound[1024];
};

enum phase { RUNNING, DRAINING, STOPPING };

struct supervisor {
	struct settings *settings;
	const struct supervisor_options *options;
	struct loop *loop;
	struct slot *slots;
	unsigned n_slots;
	int http_fd;
	char http_bound[128];
	enum phase phase;
	bool was_ready;
	int result;
	struct err *e;
	struct loop_timer drain_limit, stop_limit;
};

static void slot_start(struct slot *s);
static void stop_all(struct supervisor *sv);

/* --- words to the service manager ------------------------------------- */

/* sd_notify(3) without its library: one datagram. */
static void notify(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (len < 2 || len >= sizeof(sun.sun_path))
		return;
	memcpy(sun.sun_path, path, len);
	if (path[0] == '@')
		sun.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)!sendto(
		fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&sun,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

static struct slot *slot_find(struct supervisor *sv, const char *name)
{
	for (unsigned i = 0; i < sv->n_slots; i++)
		if (strcmp(sv->slots[i].ops->name, name) == 0)
			return &sv->slots[i];
	return NULL;
}

static void check_all_ready(struct supervisor *sv)
{
	struct supervisor_ready ready = { "", sv->http_bound,
					  sv->settings->http.public_url };
	struct slot *sip;

	for (unsigned i = 0; i < sv->n_slots; i++)
		if (!sv->slots[i].ready)
			return;
	if (sv->was_ready)
		return;
	sv->was_ready = true;
	sip = slot_find(sv, "sip");
	if (sip)
		ready.sip = sip->bound;
	notify("READY=1");
	if (sv->options->on_ready)
		sv->options->on_ready(sv->options->arg, &ready);
}

/* --- channels between roles -------------------------------------------- */

/* A fresh pair between two roles; both drop what they had before. */
static void connect_peers(struct supervisor *sv, const char *a, const char *b)
{
	struct slot *sa = slot_find(sv, a), *sb = slot_find(sv, b);
	int fds[2], r;

	if (!sa || !sb || !sa->control || !sb->control)
		return;
	r = ipc_pair(fds);
	if (r == 0) {
		r = ipc_send(sa->control, ROLE_PEER, 0, b, strlen(b), &fds[0],
			     1);
		if (r == 0)
			r = ipc_send(sb->control, ROLE_PEER, 0, a, strlen(a),
				     &fds[1], 1);
		close(fds[0]);
		close(fds[1]);
	}
	if (r < 0)
		log_error(NULL, "supervisor.peer_failed", LOG_S("role", a),
			  LOG_S("peer", b), LOG_E(r));
}

/* --- the end ------------------------------------------------------------ */

static void slot_stop(struct slot *s)
{
	if (!s->pid || s->stop_sent)
		return;
	s->stop_sent = true;
	if (!s->control ||
	    ipc_send(s->control, ROLE_STOP, 0, NULL, 0, NULL, 0) < 0)
		kill(s->pid, SIGKILL);
}

/* The reverse order of the start: one role ends when its users have. */
static void stop_next(struct supervisor *sv)
{
	for (unsigned i = sv->n_slots; i-- > 0;) {
		if (!sv->slots[i].pid)
			continue;
		slot_stop(&sv->slots[i]);
		return;
	}
	loop_stop(sv->loop);
}

static void on_stop_limit(void *arg)
{
	struct supervisor *sv = arg;

	for (unsigned i = 0; i < sv->n_slots; i++) {
		if (!sv->slots[i].pid || sv->slots[i].reaped)
			continue;
		log_warn(NULL, "supervisor.role_killed",
			 LOG_S("role", sv->slots[i].ops->name));
		kill(sv->slots[i].pid, SIGKILL);
	}
}

static void stop_all(struct supervisor *sv)
{
	if (sv->phase == STOPPING)
		return;
	sv->phase = STOPPING;
	notify("STOPPING=1");
	log_info(NULL, "supervisor.stopping");
	loop_timer_clear(sv->loop, &sv->drain_limit);
	(void)loop_timer_set(sv->loop, &sv->stop_limit,
			     clock_mono_us(loop_clock(sv->loop)) +
				     STOP_LIMIT_US,
			     on_stop_limit, sv);
	for (unsigned i = 0; i < sv->n_slots; i++)
		if (!sv->slots[i].pid)
			loop_timer_clear(sv->loop, &sv->slots[i].restart);
	stop_next(sv);
}

static void on_drain_limit(void *arg)
{
	stop_all(arg);
}

static void on_terminate(void *arg, int signo)
{
	struct supervisor *sv = arg;
	struct slot *sip = slot_find(sv, "sip");

	(void)signo;
	if (sv->phase != RUNNING || !sip || !sip->ready ||
	    ipc_send(sip->control, ROLE_DRAIN, 0, NULL, 0, NULL, 0) < 0) {
		stop_all(sv);
		return;
	}
	sv->phase = DRAINING;
	log_info(NULL, "supervisor.draining");
	/* sip ends the calls itself at the limit; this is for a stuck one. */
	(void)loop_timer_set(sv->loop, &sv->drain_limit,
			     clock_mono_us(loop_clock(sv->loop)) +
				     sv->settings->server.drain_us +
				     STOP_LIMIT_US,
			     on_drain_limit, sv);
}

static void on_reload(void *arg, int signo)
{
	struct supervisor *sv = arg;
	struct settings *fresh;
	struct err e = { 0 };
	int r;

	(void)signo;
	fresh = mem_zalloc(sizeof(*fresh));
	if (!fresh)
		return;
	r = settings_load(sv->options->config_path, fresh, &e);
	if (r == 0 && sv->options->on_reload)
		r = sv->options->on_reload(sv->options->arg, fresh, &e);
	if (r < 0) {
		log_error(NULL, "supervisor.reload_refused",
			  LOG_S("reason", e.text));
		mem_free(fresh);
		return;
	}
	settings_apply_reload(sv->settings, fresh);
	mem_free(fresh);
	log_set_level((enum log_level)sv->settings->log.level);
	for (unsigned i = 0; i < sv->n_slots; i++)
		if (sv->slots[i].control)
			(void)ipc_send(sv->slots[i].control, ROLE_RELOAD, 0,
				       sv->settings, sizeof(*sv->settings),
				       NULL, 0);
	log_info(NULL, "supervisor.reloaded");
}

/* --- one role ------------------------------------------------------------ */

static bool key_of(const struct ipc_msg *msg, char *dst, size_t len)
{
	return span_copy(dst, len,
			 (struct span){ msg->len ? msg->data : "", msg->len });
}

static void slot_keep(struct slot *s, struct ipc_msg *msg)
{
	char key[ROLE_NAME_MAX];
	int r = -EINVAL;

	if (msg->n_fds == 1 && key_of(msg, key, sizeof(key)))
		r = fdstore_put(s->kept, key, msg->fds[0]);
	if (r == 0)
		msg->fds[0] = -1;
	else
		log_warn(NULL, "supervisor.keep_failed",
			 LOG_S("role", s->ops->name), LOG_E(r));
}

static void slot_fatal(struct slot *s, const char *reason)
{
	log_error(NULL, "supervisor.role_fatal", LOG_S("role", s->ops->name),
		  LOG_S("reason", reason));
	s->sv->result = err_set(s->sv->e, -EIO, "%s: %s", s->ops->name, reason);
	stop_all(s->sv);
}

static void slot_ready(struct slot *s, const struct ipc_msg *msg)
{
	(void)key_of(msg, s->bound, sizeof(s->bound));
	s->ready = true;
	s->failures = 0;
	log_info(NULL, "supervisor.role_ready", LOG_S("role", s->ops->name),
		 LOG_I("pid", s->pid), LOG_I("generation", s->generation));
	check_all_ready(s->sv);
}

static void on_control(void *arg, struct ipc_msg *msg)
{
	struct slot *s = arg;
	char text[ERR_TEXT_MAX];

	switch (msg->type) {
	case ROLE_READY:
		slot_ready(s, msg);
		break;
	case ROLE_DRAINED:
		if (s->sv->phase == DRAINING)
			stop_all(s->sv);
		break;
	case ROLE_KEEP:
		slot_keep(s, msg);
		break;
	case ROLE_UNKEEP:
		if (key_of(msg, text, sizeof(text)))
			fdstore_drop(s->kept, text);
		break;
	case ROLE_FATAL:
		(void)key_of(msg, text, sizeof(text));
		slot_fatal(s, text);
		break;
	}
}

/* The process ends too, or is ending: its death is what counts. */
static void on_control_closed(void *arg)
{
	struct slot *s = arg;

	ipc_destroy(&s->control);
}

/* In the child: close everything but the standard streams and keep[]. */
static void close_others(int *keep, unsigned n)
{
	unsigned from = 3;

	for (unsigned i = 0; i < n; i++)
		for (unsigned j = i + 1; j < n; j++)
			if (keep[j] < keep[i]) {
				int t = keep[i];

				keep[i] = keep[j];
				keep[j] = t;
			}
	for (unsigned i = 0; i < n; i++) {
		if (keep[i] < 3)
			continue;
		if ((unsigned)keep[i] > from)
			(void)close_range(from, (unsigned)keep[i] - 1, 0);
		from = (unsigned)keep[i] + 1;
	}
	(void)close_range(from, ~0u, 0);
}

static _Noreturn void child(struct slot *s, int control_fd)
{
	struct supervisor *sv = s->sv;
	int listen_fd = strcmp(s->ops->name, "web") == 0 ? sv->http_fd : -1;
	int keep[] = { control_fd, sv->options->lock_fd, listen_fd };
	sigset_t none;

	/* The supervisor speaks for everybody: a Ctrl-C or a service manager
	 * that signals the whole group must not end the roles out of order. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	close_others(keep, ARRAY_SIZE(keep));
	log_setup((enum log_level)sv->settings->log.level,
		  (enum log_format)sv->settings->log.format, s->ops->name);
	_exit(role_run(s->ops, sv->settings, control_fd, listen_fd, s->bound,
		       s->generation));
}

static int send_kept(void *arg, const char *key, int fd)
{
	struct slot *s = arg;

	return ipc_send(s->control, ROLE_KEPT, 0, key, strlen(key), &fd, 1);
}

static int slot_fork(struct slot *s)
{
	int fds[2], r;
	pid_t pid;

	r = ipc_pair(fds);
	if (r < 0)
		return r;
	fflush(stdout);
	fflush(stderr);
	pid = fork();
	if (pid < 0) {
		r = -errno;
		close(fds[0]);
		close(fds[1]);
		return r;
	}
	if (pid == 0)
		child(s, fds[1]);
	close(fds[1]);
	s->pid = pid;
	s->ready = s->stop_sent = s->reaped = false;
	s->started_mono_us = clock_mono_us(loop_clock(s->sv->loop));
	r = ipc_create(s->sv->loop, fds[0], CONTROL_QUEUE, on_control,
		       on_control_closed, s, &s->control);
	if (r == 0)
		r = fdstore_each(s->kept, send_kept, s);
	if (r == 0)
		r = ipc_send(s->control, ROLE_START, 0, NULL, 0, NULL, 0);
	if (r < 0)
		kill(pid, SIGKILL); /* reaped like any other death */
	return 0;
}

static void on_restart(void *arg)
{
	slot_start(arg);
}

static void slot_retry(struct slot *s)
{
	struct supervisor *sv = s->sv;
	int64_t now_us = clock_mono_us(loop_clock(sv->loop));

	if (!sv->was_ready && ++s->failures >= FIRST_TRIES) {
		slot_fatal(s, "could not be started (see the log above)");
		return;
	}
	if (now_us - s->started_mono_us > STEADY_US || !s->backoff_us)
		s->backoff_us = BACKOFF_MIN_US;
	else if (s->backoff_us < BACKOFF_MAX_US)
		s->backoff_us *= 2;
	(void)loop_timer_set(sv->loop, &s->restart, now_us + s->backoff_us,
			     on_restart, s);
}

static void slot_start(struct slot *s)
{
	int r = slot_fork(s);

	if (r < 0) {
		log_error(NULL, "supervisor.fork_failed",
			  LOG_S("role", s->ops->name), LOG_E(r));
		slot_retry(s);
		return;
	}
	if (strcmp(s->ops->name, "sip") == 0 ||
	    strcmp(s->ops->name, "capture") == 0)
		connect_peers(s->sv, "sip", "capture");
}

static void slot_died(struct slot *s)
{
	struct supervisor *sv = s->sv;
	int status = s->status;

	log_write(sv->phase == STOPPING ? LOG_INFO : LOG_ERROR, NULL,
		  "supervisor.role_ended",
		  (struct log_field[]){
			  LOG_S("role", s->ops->name), LOG_I("pid", s->pid),
			  LOG_I("exit_code",
				WIFEXITED(status) ? WEXITSTATUS(status) : -1),
			  LOG_I("signal",
				WIFSIGNALED(status) ? WTERMSIG(status) : 0) },
		  4);
	s->pid = 0;
	s->ready = false;
	ipc_destroy(&s->control);
	if (sv->phase == STOPPING) {
		stop_next(sv);
		return;
	}
	if (sv->phase == DRAINING && strcmp(s->ops->name, "sip") == 0) {
		stop_all(sv);
		return;
	}
	s->generation++;
	slot_retry(s);
}

static void on_settled(void *arg)
{
	slot_died(arg);
}

static bool is_role(const struct supervisor *sv, pid_t pid)
{
	for (unsigned i = 0; i < sv->n_slots; i++)
		if (sv->slots[i].pid == pid)
			return true;
	return false;
}

/* As the first process of a container we inherit the children of roles that
 * died. */
static void reap_orphans(const struct supervisor *sv)
{
	siginfo_t si = { 0 };

	while (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       si.si_pid && !is_role(sv, si.si_pid)) {
		(void)waitpid(si.si_pid, NULL, WNOHANG);
		si.si_pid = 0;
	}
}

/* What a role said last (ROLE_FATAL) may still be in its channel: its death
 * counts a moment later. */
static void on_child(void *arg, int signo)
{
	struct supervisor *sv = arg;

	(void)signo;
	for (unsigned i = 0; i < sv->n_slots; i++) {
		struct slot *s = &sv->slots[i];

		if (!s->pid || s->reaped ||
		    waitpid(s->pid, &s->status, WNOHANG) != s->pid)
			continue;
		s->reaped = true;
		if (loop_timer_set(sv->loop, &s->restart,
				   clock_mono_us(loop_clock(sv->loop)) +
					   SETTLE_US,
				   on_settled, s) < 0)
			slot_died(s);
	}
	reap_orphans(sv);
}

/* --- start --------------------------------------------------------------- */

/* Two sockets a stream, here as well as in capture; an unprivileged process
 * gets what the hard limit says. */
static void raise_fd_limit(void)
{
	struct rlimit rl = { .rlim_cur = FILES_WISHED,
			     .rlim_max = FILES_WISHED };
	struct rlimit had;

	if (getrlimit(RLIMIT_NOFILE, &had) == 0 &&
	    had.rlim_max < FILES_WISHED && setrlimit(RLIMIT_NOFILE, &rl) == 0)
		return;
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur < rl.rlim_max) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
}

static int make_slots(struct supervisor *sv)
{
	const struct role_ops *const *roles = sv->options->roles;
	unsigned n = 0;

	for (unsigned i = 0; roles[i]; i++)
		n += strcmp(roles[i]->name, "render") == 0
			     ? (unsigned)sv->settings->render.workers
			     : 1;
	sv->slots = mem_calloc(n, sizeof(*sv->slots));
	if (!sv->slots)
		return -ENOMEM;
	for (unsigned i = 0; roles[i]; i++) {
		unsigned copies =
			strcmp(roles[i]->name, "render") == 0
				? (unsigned)sv->settings->render.workers
				: 1;

		for (unsigned k = 0; k < copies; k++) {
			struct slot *s = &sv->slots[sv->n_slots];
			int r = fdstore_create(&s->kept);

			if (r < 0)
				return r;
			s->sv = sv;
			s->ops = roles[i];
			sv->n_slots++;
		}
	}
	return 0;
}

static int listen_http(struct supervisor *sv)
{
	struct settings *st = sv->settings;
	bool tls = st->http.tls_certificate[0] != 0;

	sv->http_fd = listen_tcp(st->http.listen, sv->http_bound,
				 sizeof(sv->http_bound), sv->e);
	if (sv->http_fd < 0)
		return sv->http_fd;
	if (!st->http.public_url[0])
		listen_url(sv->http_bound, tls, st->server.name,
			   st->http.public_url, sizeof(st->http.public_url));
	return 0;
}

static int open_all(struct supervisor *sv)
{
	int r;

	raise_fd_limit();
	r = loop_create(clock_real(), &sv->loop);
	if (r == 0)
		r = listen_http(sv);
	if (r == 0)
		r = make_slots(sv);
	if (r == 0)
		r = loop_signal_add(sv->loop, SIGCHLD, on_child, sv);
	if (r == 0)
		r = loop_signal_add(sv->loop, SIGTERM, on_terminate, sv);
	if (r == 0)
		r = loop_signal_add(sv->loop, SIGINT, on_terminate, sv);
	if (r == 0)
		r = loop_signal_add(sv->loop, SIGHUP, on_reload, sv);
	return r < 0 ? err_set(sv->e, r, "start: %s", err_words(r)) : 0;
}

static void close_all(struct supervisor *sv)
{
	for (unsigned i = 0; i < sv->n_slots; i++) {
		loop_timer_clear(sv->loop, &sv->slots[i].restart);
		ipc_destroy(&sv->slots[i].control);
		fdstore_destroy(&sv->slots[i].kept);
	}
	mem_free(sv->slots);
	if (sv->loop) {
		loop_timer_clear(sv->loop, &sv->drain_limit);
		loop_timer_clear(sv->loop, &sv->stop_limit);
	}
	loop_destroy(&sv->loop);
	if (sv->http_fd >= 0)
		close(sv->http_fd);
}

int supervisor_run(struct settings *settings,
		   const struct supervisor_options *options, struct err *e)
{
	struct supervisor sv = {
		.settings = settings, .options = options, .http_fd = -1, .e = e
	};
	int r;

	signal(SIGPIPE, SIG_IGN);
	r = open_all(&sv);
	for (unsigned i = 0; r == 0 && i < sv.n_slots; i++)
		slot_start(&sv.slots[i]);
	if (r == 0)
		r = loop_run(sv.loop);
	close_all(&sv);
	return r < 0 ? r : sv.result;
}
