/* The render role: looks for jobs, gives each to a child process, renews its
 * lease while the child works.
 *
 * The child dies with us (PDEATHSIG), so a job is never done twice at a time;
 * when we die the lease runs out after LEASE_US and any worker takes it.
 */
#include "media/render.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/role.h"
#include "base/sandbox.h"
#include "base/settings.h"
#include "base/str.h"
#include "media/render_job.h"
#include "storage/catalog.h"
#include "storage/catalog_recording.h"
#include "storage/db.h"
#include "storage/jobs.h"

#define POLL_US 200000
#define LEASE_US 6000000
#define RENEW_US 1500000
#define PUT_OFF_US 10000000 /* disk full: look again then */
#define NICE 10

enum child_exit { CHILD_DONE = 0, CHILD_FAILED = 1, CHILD_PUT_OFF = 2 };

struct render_role {
	struct role *role;
	struct db *db;
	struct loop_timer timer;
	int64_t seen;	     /* change counter */
	int64_t next_due_us; /* wall: when the next job may be claimed */
	int64_t not_before_mono_us;
	/* the job at work */
	pid_t child;
	int pidfd;
	struct loop_io *io;
	struct job job;
	int64_t renew_mono_us;
	bool drain;
	struct metric *done, *failed, *put_off;
};

static int64_t mono_us(const struct render_role *rr)
{
	return clock_mono_us(loop_clock(rr->role->loop));
}

static int64_t wall_us(const struct render_role *rr)
{
	return clock_wall_us(loop_clock(rr->role->loop));
}

static int enter_sandbox(const struct settings *s)
{
	const struct sandbox_profile profile = {
		.fork = true,
		.write = { s->server.data_dir },
		.no_core = true,
	};
	struct sandbox_report report;

	return s->sandbox.enabled ? sandbox_enter(&profile, &report) : 0;
}

/* ---- child ---- */

/* Decoders meet what strangers sent: nothing but spools and finished files is
 * in their reach. The catalog is open already, keys and backups are not. */
static int child_sandbox(const struct settings *s)
{
	char spool[SETTINGS_PATH_MAX], media[SETTINGS_PATH_MAX];
	const struct sandbox_profile profile = {
		.write = { spool, media },
		.no_core = true,
	};
	struct sandbox_report report;
	int r;

	r = settings_path(s, "spool", spool, sizeof(spool));
	if (r == 0)
		r = settings_path(s, "media", media, sizeof(media));
	if (r < 0 || !s->sandbox.enabled)
		return r;
	return sandbox_enter(&profile, &report);
}

static int child_work(const struct settings *s, const struct job *job)
{
	struct db *db = NULL;
	struct err e = { 0 };
	int r;

	r = catalog_open(s, &db, &e);
	if (r == 0)
		r = child_sandbox(s);
	if (r < 0) {
		log_error(NULL, "render.child_failed", LOG_S("reason", e.text),
			  LOG_E(r));
		return CHILD_FAILED;
	}
	r = render_job_run(db, s, job, &e);
	db_close(&db);
	if (r == -EAGAIN)
		return CHILD_PUT_OFF;
	return r < 0 ? CHILD_FAILED : CHILD_DONE;
}

static _Noreturn void child_main(const struct settings *s,
				 const struct job *job, pid_t parent)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(CHILD_FAILED);
	/* the parent's loop, channels and database are not ours */
	(void)close_range(3, ~0U, 0);
	(void)setpriority(PRIO_PROCESS, 0, NICE); /* calls come first */
	_exit(child_work(s, job));
}

/* ---- parent ---- */

static void on_timer(void *arg);

static void arm(struct render_role *rr)
{
	if (loop_timer_set(rr->role->loop, &rr->timer, mono_us(rr) + POLL_US,
			   on_timer, rr) < 0)
		role_fatal(rr->role, "render: no memory for a timer");
}

static void forget_child(struct render_role *rr)
{
	loop_io_del(&rr->io);
	if (rr->pidfd >= 0)
		(void)close(rr->pidfd);
	rr->pidfd = -1;
	rr->child = 0;
	rr->seen = -1; /* look at once */
}

static void child_crashed(struct render_role *rr, int status)
{
	char why[80];
	int r;

	(void)snprintf(why, sizeof(why), "the renderer died of signal %d",
		       WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	log_error(NULL, "render.crashed",
		  LOG_S("recording", rr->job.recording.s),
		  LOG_I("status", status), LOG_I("attempt", rr->job.attempts));
	r = recording_fail(rr->db, rr->job.recording.s, &rr->job, why, false,
			   wall_us(rr));
	if (r < 0 && r != -ESTALE)
		log_error(NULL, "render.fail_not_written", LOG_E(r));
}

static void child_ended(struct render_role *rr, int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	forget_child(rr);
	if (code == CHILD_DONE) {
		metric_add(rr->done, 1);
	} else if (code == CHILD_PUT_OFF) {
		metric_add(rr->put_off, 1);
		rr->not_before_mono_us = mono_us(rr) + PUT_OFF_US;
	} else {
		metric_add(rr->failed, 1);
		if (code != CHILD_FAILED)
			child_crashed(rr, status);
		/* -ESTALE when the failure is written; else it could not even
		 * be begun and does not count */
		if (job_release(rr->db, &rr->job) == 0)
			rr->not_before_mono_us = mono_us(rr) + PUT_OFF_US;
	}
}

static void look(struct render_role *rr);

static void on_child(void *arg, int fd, unsigned events)
{
	struct render_role *rr = arg;
	int status;

	(void)fd;
	(void)events;
	if (waitpid(rr->child, &status, WNOHANG) != rr->child)
		return;
	child_ended(rr, status);
	if (rr->drain)
		role_drained(rr->role);
	else
		look(rr);
}

/* SQLite keeps one table of locks per process and file: a connection that was
 * open at the fork would make the child believe that it holds our locks. So
 * there is none: the catalog is closed around the fork. */
static int fork_child(struct render_role *rr)
{
	pid_t parent = getpid();
	struct err e = { 0 };
	int r, fork_errno;

	db_close(&rr->db);
	rr->child = fork();
	fork_errno = errno;
	if (rr->child == 0)
		child_main(rr->role->settings, &rr->job, parent);
	r = catalog_open(rr->role->settings, &rr->db, &e);
	if (r < 0)
		role_fatal(rr->role, e.text); /* nothing works without it */
	if (rr->child < 0) {
		rr->child = 0;
		return -fork_errno;
	}
	return r;
}

static int start_child(struct render_role *rr)
{
	int r = fork_child(rr);

	if (!rr->child)
		return r;
	rr->pidfd = (int)syscall(SYS_pidfd_open, rr->child, 0);
	r = rr->pidfd < 0 ? -errno
			  : loop_io_add(rr->role->loop, rr->pidfd, LOOP_READ,
					on_child, rr, &rr->io);
	if (r < 0) {
		(void)kill(rr->child, SIGKILL);
		(void)waitpid(rr->child, NULL, 0);
		forget_child(rr);
		return r;
	}
	rr->renew_mono_us = mono_us(rr) + RENEW_US;
	return 0;
}

static void claim(struct render_role *rr)
{
	const char *node = rr->role->settings->server.name;
	int64_t due;
	int r;

	r = job_claim(rr->db, JOB_RENDER, node, wall_us(rr), LEASE_US,
		      &rr->job);
	if (r == 0) {
		r = start_child(rr);
		if (r == 0)
			return;
		log_error(NULL, "render.no_process", LOG_E(r));
		(void)job_release(rr->db, &rr->job); /* else the lease ends */
		rr->not_before_mono_us = mono_us(rr) + PUT_OFF_US;
		return;
	}
	if (r != -ENODATA)
		log_warn(NULL, "render.claim_failed", LOG_E(r));
	due = job_next_us(rr->db, JOB_RENDER, node);
	rr->next_due_us = due < 0 ? 0 : due;
}

/* A look costs one page read unless something has changed. */
static void look(struct render_role *rr)
{
	int64_t now;

	if (rr->child || rr->drain || mono_us(rr) < rr->not_before_mono_us)
		return;
	now = db_change_counter(rr->db);
	if (now == rr->seen && wall_us(rr) < rr->next_due_us)
		return;
	rr->seen = now;
	claim(rr);
}

static void renew(struct render_role *rr)
{
	int r;

	if (mono_us(rr) < rr->renew_mono_us)
		return;
	rr->renew_mono_us = mono_us(rr) + RENEW_US;
	r = job_renew(rr->db, &rr->job, wall_us(rr) + LEASE_US);
	/* when the child has just finished, the row is gone: not an error */
	if (r == -ESTALE)
		log_debug(NULL, "render.lease_gone");
	else if (r < 0)
		log_warn(NULL, "render.renew_failed", LOG_E(r));
}

static void on_timer(void *arg)
{
	struct render_role *rr = arg;

	if (rr->child)
		renew(rr);
	else
		look(rr);
	arm(rr);
}

/* ---- the role ---- */

static void role_destroy(struct render_role **rp)
{
	struct render_role *rr = *rp;

	if (!rr)
		return;
	*rp = NULL;
	loop_timer_clear(rr->role->loop, &rr->timer);
	if (rr->child) {
		(void)kill(rr->child, SIGKILL);
		(void)waitpid(rr->child, NULL, 0);
		forget_child(rr);
		if (rr->db) /* else the lease ends */
			(void)job_release(rr->db, &rr->job);
	}
	db_close(&rr->db);
	mem_free(rr);
}

static void get_metrics(struct render_role *rr)
{
	static const char name[] = "srs_render_jobs_total";
	static const char help[] = "Render attempts by result.";

	rr->done = metric_get(METRIC_COUNTER, name, "result=\"done\"", help);
	rr->failed =
		metric_get(METRIC_COUNTER, name, "result=\"failed\"", help);
	rr->put_off =
		metric_get(METRIC_COUNTER, name, "result=\"put_off\"", help);
}

static int render_start(struct role *role, void **ret_state)
{
	struct render_role *rr CLEANUP(role_destroy) = NULL;
	struct err e = { 0 };
	int r;

	rr = mem_zalloc(sizeof(*rr));
	if (!rr)
		return -ENOMEM;
	rr->role = role;
	rr->pidfd = -1;
	rr->seen = -1;
	get_metrics(rr);
	r = catalog_open(role->settings, &rr->db, &e);
	if (r == 0)
		r = enter_sandbox(role->settings);
	if (r < 0) {
		log_error(NULL, "render.start_failed", LOG_S("reason", e.text),
			  LOG_E(r));
		return r;
	}
	arm(rr);
	role_ready(role, "");
	*ret_state = STEAL(rr);
	return 0;
}

static void render_drain(void *state)
{
	struct render_role *rr = state;

	rr->drain = true;
	if (!rr->child)
		role_drained(rr->role);
}

static void render_stop(void *state)
{
	struct render_role *rr = state;

	role_destroy(&rr);
}

const struct role_ops render_role = {
	.name = "render",
	.start = render_start,
	.drain = render_drain,
	.stop = render_stop,
};
