#include "base/role.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/role_msg.h"
#include "base/settings.h"
#include "base/str.h"

#define CONTROL_QUEUE 65536 /* a capture start keeps two ports a stream */

struct frame {
	struct role role;
	struct ipc *control;
	struct settings settings; /* own copy, replaced by ROLE_RELOAD */
	void *state;
	bool go;      /* ROLE_START has come */
	bool started; /* ops->start() succeeded */
	bool stopping;
	int result;
};

static struct frame *frame_of(const struct role *r)
{
	return r->priv;
}

static void end(struct frame *f, int result)
{
	if (f->result == 0)
		f->result = result;
	f->stopping = true;
	loop_stop(f->role.loop);
}

/* Messages carry names without NUL. */
static bool copy_name(char dst[ROLE_NAME_MAX], const struct ipc_msg *msg)
{
	return span_copy(dst, ROLE_NAME_MAX,
			 (struct span){ msg->data, msg->len });
}

static int take_fd(struct ipc_msg *msg)
{
	int fd;

	if (msg->n_fds == 0)
		return -1;
	fd = msg->fds[0];
	msg->fds[0] = -1;
	return fd;
}

static void on_kept(struct frame *f, struct ipc_msg *msg)
{
	char key[ROLE_NAME_MAX];
	int fd;

	if (!f->role.ops->kept || !copy_name(key, msg))
		return; /* the descriptor is closed with the message */
	fd = take_fd(msg);
	if (fd >= 0)
		f->role.ops->kept(&f->role, key, fd);
}

static void on_peer(struct frame *f, struct ipc_msg *msg)
{
	char peer[ROLE_NAME_MAX];
	int fd;

	if (!f->role.ops->peer || !copy_name(peer, msg))
		return;
	fd = take_fd(msg);
	if (fd >= 0)
		f->role.ops->peer(f->state, peer, fd);
}

static void on_start(struct frame *f)
{
	int r;

	if (f->go)
		return;
	f->go = true;
	r = f->role.ops->start(&f->role, &f->state);
	if (r < 0) {
		log_error(NULL, "role.start_failed", LOG_E(r));
		end(f, r);
		return;
	}
	f->started = true;
	/* A role with a loop of its own gets it now, outside this callback. */
	if (f->role.ops->run)
		loop_stop(f->role.loop);
}

static void on_drain(struct frame *f)
{
	if (f->role.ops->drain)
		f->role.ops->drain(f->state);
	else
		role_drained(&f->role);
}

static void on_reload(struct frame *f, const struct ipc_msg *msg)
{
	if (msg->len != sizeof(f->settings)) {
		log_error(NULL, "role.bad_reload", LOG_I("bytes", msg->len));
		return;
	}
	memcpy(&f->settings, msg->data, sizeof(f->settings));
	log_set_level((enum log_level)f->settings.log.level);
	if (f->role.ops->reload)
		f->role.ops->reload(f->state);
}

static void on_control(void *arg, struct ipc_msg *msg)
{
	struct frame *f = arg;

	if (f->stopping)
		return;
	if (msg->type == ROLE_KEPT)
		on_kept(f, msg);
	else if (msg->type == ROLE_START)
		on_start(f);
	else if (msg->type == ROLE_STOP)
		end(f, 0);
	else if (!f->started)
		log_error(NULL, "role.early_message", LOG_I("type", msg->type));
	else if (msg->type == ROLE_PEER)
		on_peer(f, msg);
	else if (msg->type == ROLE_DRAIN)
		on_drain(f);
	else if (msg->type == ROLE_RELOAD)
		on_reload(f, msg);
}

/* The supervisor is dead: nobody will start us again or hand calls over. */
static void on_control_closed(void *arg)
{
	struct frame *f = arg;

	log_warn(NULL, "role.supervisor_gone");
	end(f, 0);
}

/* The supervisor decides when a role ends; a Ctrl-C at the terminal reaches
 * the whole process group and must not end roles behind its back. */
static void ignore_signals(void)
{
	static const int ignored[] = { SIGINT,	SIGTERM, SIGHUP,
				       SIGPIPE, SIGUSR1, SIGUSR2 };
	sigset_t none;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ignored); i++)
		(void)signal(ignored[i], SIG_IGN);
	(void)signal(SIGCHLD, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL); /* cannot fail */
}

static int frame_run(struct frame *f)
{
	int r;

	r = loop_run(f->role.loop);
	/* A role with a loop of its own left loop_run() when it had started. */
	if (r == 0 && f->started && !f->stopping && f->role.ops->run)
		r = f->role.ops->run(&f->role, f->state);
	if (r < 0)
		log_error(NULL, "role.loop_failed", LOG_E(r));
	return r < 0 ? r : f->result;
}

static void frame_fini(struct frame *f)
{
	f->stopping = true;
	if (f->started && f->role.ops->stop)
		f->role.ops->stop(f->state);
	if (f->control)
		(void)ipc_flush(f->control, 200); /* last words */
	ipc_destroy(&f->control);
	loop_destroy(&f->role.loop);
}

int role_run(const struct role_ops *ops, struct settings *settings,
	     int control_fd, int listen_fd, const char *bound,
	     unsigned generation)
{
	static struct frame f; /* one role in a process, and it is large */
	int r;

	memset(&f, 0, sizeof(f));
	ignore_signals();
	(void)prctl(PR_SET_NAME, ops->name); /* for ps; nothing depends on it */
	log_setup((enum log_level)settings->log.level,
		  (enum log_format)settings->log.format, ops->name);
	f.settings = *settings;
	f.role = (struct role){ .ops = ops,
				.settings = &f.settings,
				.listen_fd = listen_fd,
				.generation = generation,
				.priv = &f };
	(void)str_copy(f.role.bound, sizeof(f.role.bound), bound ? bound : "");
	r = loop_create(clock_real(), &f.role.loop);
	if (r < 0) {
		(void)close(control_fd); /* the supervisor sees us end */
		return 1;
	}
	r = ipc_create(f.role.loop, control_fd, CONTROL_QUEUE, on_control,
		       on_control_closed, &f, &f.control);
	if (r == 0)
		r = frame_run(&f);
	frame_fini(&f);
	return r < 0 ? 1 : 0;
}

static int tell(struct role *r, enum role_msg_type type, const char *text,
		int fd)
{
	struct frame *f = frame_of(r);

	if (!f->control)
		return -EPIPE;
	return ipc_send(f->control, (uint16_t)type, 0, text, strlen(text), &fd,
			fd >= 0 ? 1 : 0);
}

/* The supervisor waits for these: without them the role is of no use. */
static void must_tell(struct role *r, enum role_msg_type type, const char *text)
{
	int e = tell(r, type, text, -1);

	if (e < 0) {
		log_error(NULL, "role.control_failed", LOG_E(e));
		end(frame_of(r), e);
	}
}

void role_ready(struct role *r, const char *bound)
{
	must_tell(r, ROLE_READY, bound ? bound : "");
}

bool role_stopping(const struct role *r)
{
	return frame_of(r)->stopping;
}

void role_drained(struct role *r)
{
	must_tell(r, ROLE_DRAINED, "");
}

int role_keep(struct role *r, const char *key, int fd)
{
	if (fd < 0 || strlen(key) >= ROLE_NAME_MAX)
		return -EINVAL;
	return tell(r, ROLE_KEEP, key, fd);
}

void role_unkeep(struct role *r, const char *key)
{
	int e = tell(r, ROLE_UNKEEP, key, -1);

	if (e < 0)
		log_warn(NULL, "role.unkeep_failed", LOG_E(e),
			 LOG_S("key", key));
}

void role_fatal(struct role *r, const char *reason)
{
	log_error(NULL, "role.fatal", LOG_S("reason", reason));
	must_tell(r, ROLE_FATAL, reason);
	end(frame_of(r), -ECANCELED);
}
