#include "srs/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

static _Noreturn void child(const char *const argv[], int in_fd, int out_fd,
			    const char *err_path, pid_t parent)
{
	const char *program = argv[0];
	int err_fd;

	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(127); /* it died before the line above */
	(void)dup2(in_fd, 0);
	(void)dup2(out_fd, 1);
	if (err_path) {
		err_fd = open(err_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
		if (err_fd >= 0)
			(void)dup2(err_fd, 2);
	}
	(void)close_range(3, ~0u, 0);
	if (strcmp(program, "self") == 0)
		program = "/proc/self/exe";
	execvp(program, (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* A pipe that already holds text, or /dev/null. */
static int open_stdin(const char *text)
{
	int fds[2];
	size_t len;

	if (!text)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	len = strlen(text);
	if (len > 4096)
		return -1;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	if (write(fds[1], text, len) != (ssize_t)len) {
		close(fds[0]);
		fds[0] = -1;
	}
	close(fds[1]);
	return fds[0];
}

int proc_start(const char *const argv[], const char *stdin_text,
	       const char *err_path, struct proc *ret_proc)
{
	pid_t parent = getpid(), pid;
	int out[2], in_fd, r;

	in_fd = open_stdin(stdin_text);
	if (in_fd < 0)
		return -EINVAL;
	if (pipe2(out, O_CLOEXEC) < 0) {
		r = -errno;
		close(in_fd);
		return r;
	}
	pid = fork();
	if (pid == 0)
		child(argv, in_fd, out[1], err_path, parent);
	r = pid < 0 ? -errno : 0;
	close(in_fd);
	close(out[1]);
	if (r < 0) {
		close(out[0]);
		return r;
	}
	ret_proc->pid = pid;
	ret_proc->out_fd = out[0];
	return 0;
}

static int wait_readable(int fd, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int r = poll(&pfd, 1, timeout_ms);

	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	return r;
}

int proc_read_line(struct proc *p, char *dst, size_t len, int timeout_ms)
{
	int64_t end_us =
		clock_mono_us(clock_real()) + (int64_t)timeout_ms * 1000;
	size_t n = 0;

	while (n + 1 < len) {
		int64_t left_us = end_us - clock_mono_us(clock_real());
		int r = left_us <= 0 ? -ETIMEDOUT
				     : wait_readable(p->out_fd,
						     (int)(left_us / 1000) + 1);

		if (r < 0)
			return r;
		if (r == 0)
			continue;
		if (read(p->out_fd, dst + n, 1) != 1)
			return -EPIPE;
		if (dst[n] == '\n') {
			dst[n] = 0;
			return (int)n;
		}
		n++;
	}
	return -ENOBUFS;
}

static int exit_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int reap(struct proc *p)
{
	int status;
	pid_t r;

	do {
		r = waitpid(p->pid, &status, 0);
	} while (r < 0 && errno == EINTR);
	close(p->out_fd);
	p->out_fd = -1;
	p->pid = 0;
	return r < 0 ? -errno : exit_code(status);
}

int proc_wait(struct proc *p, struct buf *out, proc_tick_fn *on_second,
	      void *arg)
{
	int64_t start_us = clock_mono_us(clock_real());
	int told = 0;
	char chunk[4096];

	for (;;) {
		int s = (int)((clock_mono_us(clock_real()) - start_us) /
			      1000000);
		int r = wait_readable(p->out_fd, 200);
		ssize_t n;

		if (on_second && s > told)
			on_second(arg, told = s);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		n = read(p->out_fd, chunk, sizeof(chunk));
		if (n <= 0)
			break;
		if (out)
			(void)buf_put(out, chunk, (size_t)n);
	}
	return reap(p);
}

int proc_stop(struct proc *p, int timeout_ms)
{
	struct timespec pause = { 0, 20000000 };
	int status;

	if (p->pid <= 0)
		return -ESRCH;
	kill(p->pid, SIGTERM);
	for (int waited = 0; waited < timeout_ms; waited += 20) {
		if (waitpid(p->pid, &status, WNOHANG) == p->pid) {
			close(p->out_fd);
			p->pid = 0;
			return exit_code(status);
		}
		nanosleep(&pause, NULL);
	}
	kill(p->pid, SIGKILL);
	return reap(p);
}
