/* media/capture_commit.c - see capture_commit.h. */
#include "media/capture_commit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/mem.h"

struct capture_commit {
	struct loop *loop;
	int dir_fd;
	capture_commit_fn *fn;
	void *arg;
	int fd; /* -1: no child */
	struct loop_io *io;
	pid_t pid;
	bool busy;
	int64_t asked_mono_us;
};

/* ---- the child ---- */

/* Only async-signal-safe calls in here: it is a copy of a running role. */
static _Noreturn void child(int fd, int dir_fd)
{
	int32_t answer;
	char ask;

	(void)prctl(PR_SET_NAME, "srs-commit");
	(void)signal(SIGTERM, SIG_IGN); /* ends with its parent, not before */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	/* a socket left open here would keep its port taken */
	fd = fcntl(fd, F_DUPFD, 3);
	dir_fd = fcntl(dir_fd, F_DUPFD, 3);
	if (dup2(fd, 0) < 0 || dup2(dir_fd, 1) < 0)
		_exit(1);
	(void)syscall(SYS_close_range, 3u, ~0u, 0u);
	while (read(0, &ask, 1) == 1) {
		answer = syncfs(1) < 0 ? -errno : 0;
		if (write(0, &answer, sizeof(answer)) != sizeof(answer))
			break;
	}
	_exit(0);
}

static void on_readable(void *arg, int fd, unsigned events);

static int spawn(struct capture_commit *c)
{
	int fds[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	c->pid = fork();
	if (c->pid < 0) {
		r = -errno;
		close(fds[0]);
		close(fds[1]);
		return r;
	}
	if (!c->pid)
		child(fds[1], c->dir_fd);
	close(fds[1]);
	c->fd = fds[0];
	return loop_io_add(c->loop, c->fd, LOOP_READ, on_readable, c, &c->io);
}

/* options: WNOHANG when it may still be busy; it ends by itself then. */
static void let_go(struct capture_commit *c, int options)
{
	loop_io_del(&c->io);
	if (c->fd >= 0)
		close(c->fd); /* the child's read() ends */
	c->fd = -1;
	if (c->pid > 0)
		while (waitpid(c->pid, NULL, options) < 0 && errno == EINTR)
			;
	c->pid = 0;
	c->busy = false;
}

static void on_readable(void *arg, int fd, unsigned events)
{
	struct capture_commit *c = arg;
	int64_t now = clock_mono_us(loop_clock(c->loop));
	int32_t answer;
	ssize_t n;

	(void)events;
	n = recv(fd, &answer, sizeof(answer), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == sizeof(answer)) {
		c->busy = false;
		c->fn(c->arg, answer, now - c->asked_mono_us);
		return;
	}
	let_go(c, 0);
	c->fn(c->arg, -EPIPE, 0);
}

int capture_commit_create(struct loop *l, int dir_fd, capture_commit_fn *fn,
			  void *arg, struct capture_commit **ret_commit)
{
	struct capture_commit *c CLEANUP(capture_commit_destroy) = NULL;
	int r;

	c = mem_zalloc(sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->loop = l;
	c->dir_fd = dir_fd;
	c->fn = fn;
	c->arg = arg;
	c->fd = -1;
	r = spawn(c);
	if (r < 0)
		return r;
	*ret_commit = STEAL(c);
	return 0;
}

void capture_commit_destroy(struct capture_commit **cp)
{
	struct capture_commit *c = *cp;

	if (!c)
		return;
	*cp = NULL;
	let_go(c, WNOHANG);
	mem_free(c);
}

int capture_commit_ask(struct capture_commit *c)
{
	int r;

	if (c->busy)
		return -EBUSY;
	if (c->fd < 0) {
		r = spawn(c);
		if (r < 0)
			return r;
	}
	if (send(c->fd, "c", 1, MSG_DONTWAIT | MSG_NOSIGNAL) != 1)
		return -errno;
	c->busy = true;
	c->asked_mono_us = clock_mono_us(loop_clock(c->loop));
	return 0;
}
