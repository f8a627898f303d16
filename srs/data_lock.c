#include "srs/data_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/settings.h"

#define WAIT_MS 10000
#define LOOK_MS 20

/* The process that holds the lock of fcntl(2). 0: nobody; -1: somebody whom we
 * cannot see (another container). */
static int find_holder(int fd, pid_t *ret_pid)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_GETLK, &l) < 0)
		return -errno;
	*ret_pid = l.l_type == F_UNLCK ? 0 : l.l_pid > 0 ? l.l_pid : -1;
	return 0;
}

static int taken(const struct settings *s, pid_t holder, struct err *e)
{
	if (holder < 0)
		return err_set(e, -EALREADY,
			       "another server works in %s, in a container or "
			       "on a host of its own; stop it first, or set "
			       "[server] data_dir to another folder",
			       s->server.data_dir);
	return err_set(e, -EALREADY,
		       "another server works in %s: process %d; stop it "
		       "first, or set [server] data_dir to another folder",
		       s->server.data_dir, (int)holder);
}

/* Once nobody of an old server is left. */
static int own(int fd, struct err *e)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_SETLK, &l) < 0)
		return err_set(e, -errno, "srs.lock: %s", err_words(errno));
	return 0;
}

static int take(int fd, const struct settings *s, struct err *e)
{
	const struct timespec pause = { 0, LOOK_MS * 1000000 };
	pid_t holder = 0;
	int r;

	for (int waited = 0; waited < WAIT_MS; waited += LOOK_MS) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return own(fd, e);
		r = find_holder(fd, &holder);
		if (r < 0)
			return err_set(e, r, "srs.lock: %s", err_words(r));
		if (holder)
			return taken(s, holder, e);
		if (waited == 0)
			log_warn(NULL, "start.waiting",
				 LOG_S("for", "processes of the last server"));
		nanosleep(&pause, NULL);
	}
	return err_set(e, -EALREADY,
		       "processes of a server that ended still work in %s; "
		       "end them first (ps names them capture, sip, render, "
		       "web, upkeep)",
		       s->server.data_dir);
}

int data_lock_take(const struct settings *s, int *ret_fd, struct err *e)
{
	char path[SETTINGS_PATH_MAX];
	int fd, r;

	r = settings_path(s, "srs.lock", path, sizeof(path));
	if (r < 0)
		return err_set(e, r, "[server] data_dir is too long");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, -errno, "%s: %s", path, err_words(errno));
	r = take(fd, s, e);
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}
