/* media/capture.c - the capture role: see capture.h and capture_impl.h. */
#include "media/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/id.h"
#include "base/ipc.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/role.h"
#include "base/sandbox.h"
#include "base/settings.h"
#include "base/str.h"
#include "media/capture_commit.h"
#include "media/capture_impl.h"
#include "media/spool_format.h"
#include "media/srtp.h"

#define SECOND_US INT64_C(1000000)
#define SIP_QUEUE_MAX 16384u
#define POOL_MAX 8192u /* sockets at rest */

/* Filled before start(): the frame has no state to give us yet. Sorted by key
 * then, so that thousands of calls find theirs quickly. */
static struct capture_kept *kept;
static size_t n_kept, cap_kept;

/* ---- kept sockets ---- */

static void on_kept(struct role *r, const char *key, int fd)
{
	struct capture_kept *p;

	(void)r;
	if (n_kept == cap_kept) {
		size_t cap = cap_kept ? cap_kept * 2 : 256;

		p = mem_realloc(kept, cap * sizeof(*kept));
		if (!p) {
			close(fd);
			return;
		}
		kept = p;
		cap_kept = cap;
	}
	if (!str_copy(kept[n_kept].key, sizeof(kept[0].key), key)) {
		close(fd); /* not one of ours */
		return;
	}
	kept[n_kept++].fd = fd;
}

static int compare_kept(const void *a, const void *b)
{
	const struct capture_kept *x = a, *y = b;

	return strcmp(x->key, y->key);
}

int capture_take_kept(const char *key)
{
	struct capture_kept *k, want = { .fd = -1 };
	int fd;

	if (!n_kept || !str_copy(want.key, sizeof(want.key), key))
		return -1;
	k = bsearch(&want, kept, n_kept, sizeof(*kept), compare_kept);
	if (!k)
		return -1;
	fd = k->fd;
	k->fd = -1;
	return fd;
}

/* Nobody asked for them: those calls are over. */
static void drop_kept(struct capture *c, bool unkeep)
{
	for (size_t i = 0; i < n_kept; i++) {
		if (kept[i].fd < 0)
			continue;
		close(kept[i].fd);
		if (unkeep)
			role_unkeep(c->role, kept[i].key);
	}
	mem_free(kept);
	kept = NULL;
	n_kept = cap_kept = 0;
}

/* ---- telling sip ---- */

void capture_tell(struct capture *c, uint16_t type, uint64_t id,
		  const void *data, size_t len)
{
	int r;

	if (!c->sip)
		return; /* it will ask when it is back */
	r = ipc_send(c->sip, type, id, data, len, NULL, 0);
	if (r < 0 && r != -EPIPE && type != CAP_ACTIVITY)
		log_warn(NULL, "capture.sip_queue", LOG_I("type", type),
			 LOG_E(r));
}

void capture_trouble(struct capture *c, struct capture_session *s, int index,
		     const char *code, const char *detail)
{
	struct cap_trouble t = { .session = s->id, .index = (int16_t)index };

	(void)str_copy(t.code, sizeof(t.code), code);
	(void)str_copy(t.detail, sizeof(t.detail), detail);
	log_warn(&s->log, code, LOG_I("stream", index),
		 LOG_S("detail", t.detail));
	capture_tell(c, CAP_TROUBLE, 0, &t, sizeof(t));
}

/* ---- disk ---- */

static void tell_disk(struct capture *c)
{
	struct cap_disk d = { .low = c->disk_low,
			      .failed = c->disk_failed,
			      .free_bytes = c->disk_free };

	metric_set(c->m.disk_low, c->disk_low);
	metric_set(c->m.disk_failed, c->disk_failed);
	capture_tell(c, CAP_DISK, 0, &d, sizeof(d));
}

/* As it is now: what is told must not be of a second ago. */
static bool measure_disk(struct capture *c)
{
	struct statvfs st;

	if (fstatvfs(c->dir_fd, &st) < 0)
		return false;
	c->disk_free = (uint64_t)st.f_bavail * st.f_frsize;
	metric_set(c->m.disk_free, (int64_t)c->disk_free);
	return true;
}

static void set_failed(struct capture *c, bool failed, int r)
{
	if (c->disk_failed == failed)
		return;
	c->disk_failed = failed;
	(void)measure_disk(c); /* else as it was last */
	if (failed)
		log_error(NULL, "spool.write_failed", LOG_E(r));
	else
		log_info(NULL, "spool.write_recovered");
	tell_disk(c);
}

void capture_wrote(struct capture *c, struct capture_session *s, int r)
{
	if (r >= 0) {
		c->writes_ok++;
		c->dirty = true;
		return;
	}
	c->writes_failed++;
	metric_add(c->m.write_errors, 1);
	set_failed(c, true, r);
	if (s->spool_told)
		return;
	s->spool_told = true;
	capture_trouble(c, s, -1, "media.spool_write_failed", err_words(r));
}

/* The state is left only when a second of writes went well. */
static void look_at_disk(struct capture *c)
{
	uint64_t low = c->role->settings->server.disk_low_bytes;
	bool was = c->disk_low;

	if (c->disk_failed && !c->writes_failed &&
	    (c->writes_ok || !c->n_sessions))
		set_failed(c, false, 0);
	c->writes_ok = c->writes_failed = 0;
	if (!measure_disk(c))
		return;
	/* one sixteenth more before it is good again: no flapping */
	c->disk_low = c->disk_free < (was ? low + low / 16 : low);
	if (c->disk_low == was)
		return;
	if (c->disk_low)
		log_warn(NULL, "spool.disk_low", LOG_I("free", c->disk_free));
	else
		log_info(NULL, "spool.disk_ok", LOG_I("free", c->disk_free));
	tell_disk(c);
}

static void on_committed(void *arg, int error, int64_t took_us)
{
	struct capture *c = arg;

	if (error == -EPIPE) {
		log_error(NULL, "spool.commit_helper_died");
		c->dirty = true; /* nobody knows whether it did its work */
		return;
	}
	metric_add(c->m.commits, 1);
	metric_set(c->m.commit_us, took_us);
	if (!error)
		return;
	/* What was written so far may be gone, and asking again would only
	 * get a false yes: say it loudly, once for every running recording. */
	metric_add(c->m.commit_errors, 1);
	log_error(NULL, "spool.commit_failed", LOG_E(error));
	for (struct capture_session *s = c->first; s; s = s->next)
		capture_trouble(c, s, -1, "media.spool_commit_failed",
				err_words(error));
}

static void commit(struct capture *c)
{
	int r;

	if (!c->dirty)
		return;
	r = capture_commit_ask(c->commit);
	if (!r)
		c->dirty = false;
	else if (r != -EBUSY)
		log_error(NULL, "spool.commit_helper", LOG_E(r));
}

/* ---- tick ---- */

static void give_counts(struct capture *c)
{
	struct capture_counts *n = &c->counts;

	metric_add(c->m.rtp, (int64_t)n->rtp);
	metric_add(c->m.rtcp, (int64_t)n->rtcp);
	metric_add(c->m.bytes, (int64_t)n->bytes);
	for (unsigned i = 0; i < SPOOL_DROP_MAX; i++)
		if (n->dropped[i])
			metric_add(c->m.dropped[i], (int64_t)n->dropped[i]);
	memset(n, 0, sizeof(*n));
	metric_set(c->m.sessions, c->n_sessions);
	metric_set(c->m.streams, c->n_streams);
}

static void on_tick(void *arg);

static void arm_tick(struct capture *c, int64_t now)
{
	int64_t tick = c->role->settings->media.tick_us;
	int r;

	c->tick_due_us += tick;
	if (c->tick_due_us <= now) {
		metric_add(c->m.tick_late, 1);
		c->tick_due_us = now + tick / 4; /* breathe, then catch up */
	}
	r = loop_timer_set(c->loop, &c->tick_timer, c->tick_due_us, on_tick, c);
	if (r < 0)
		role_fatal(c->role, "no memory for the capture timer");
}

static void every_second(struct capture *c, int64_t now)
{
	if (now >= c->disk_due_us) {
		c->disk_due_us = now + SECOND_US;
		look_at_disk(c);
	}
	if (now >= c->commit_due_us) {
		c->commit_due_us =
			now + c->role->settings->spool.commit_interval_us;
		commit(c);
	}
	if (c->draining && !c->n_sessions) {
		c->draining = false;
		role_drained(c->role);
	}
}

static void on_tick(void *arg)
{
	struct capture *c = arg;
	int64_t start = clock_mono_us(c->clock), now;
	unsigned phase = (unsigned)(c->tick_no++ % c->ticks_per_second);
	struct capture_session *s, *next;

	for (s = c->first; s; s = next) {
		next = s->next;
		/* RTCP and reports can wait: once a second, spread evenly */
		capture_session_drain(c, s, s->phase == phase);
		if (s->phase == phase)
			capture_session_second(c, s);
	}
	now = clock_mono_us(c->clock);
	metric_set(c->m.tick_us, now - start);
	give_counts(c);
	every_second(c, now);
	arm_tick(c, now);
}

/* ---- messages from sip ---- */

static int open_or_resume(struct capture *c, const struct cap_open *o,
			  struct capture_session **ret_session)
{
	struct capture_session *s = capture_session_find(c, &o->session);

	if (s) {
		*ret_session = s;
		return capture_session_update(c, s, o);
	}
	if (!o->resume && (c->disk_low || c->disk_failed))
		return -ENOSPC;
	return capture_session_open(c, o, ret_session);
}

static void bad_message(const struct ipc_msg *m)
{
	log_error(NULL, "capture.bad_message", LOG_I("type", m->type),
		  LOG_I("length", m->len));
}

static void on_open(struct capture *c, const struct ipc_msg *m)
{
	struct cap_open *o = &c->open;
	struct capture_session *s = NULL;
	struct cap_opened a = { 0 };
	struct log lg = { 0 };

	if (cap_open_unpack(m->data, m->len, o) < 0) {
		bad_message(m);
		return;
	}
	a.session = o->session;

	if (m->type == CAP_OPEN) {
		a.error = open_or_resume(c, o, &s);
	} else {
		s = capture_session_find(c, &o->session);
		a.error = s ? capture_session_update(c, s, o) : -ENOENT;
	}
	if (s) {
		s->named = true;
		capture_session_answer(s, &a);
	}
	if (a.error < 0) {
		(void)str_copy(lg.session, sizeof(lg.session), a.session.s);
		log_warn(&lg, "capture.open_failed", LOG_E(a.error));
	}
	capture_tell(c, CAP_OPENED, m->id, &a, sizeof(a));
}

static void on_event(struct capture *c, const struct ipc_msg *m)
{
	const struct cap_event *e = m->data;
	struct capture_session *s = capture_session_find(c, &e->session);

	if (!s || e->text_len >= CAP_META_MAX)
		return; /* closed a moment ago */
	s->named = true;
	capture_session_event(c, s, e);
}

/* A session that is not running here: say what there is. */
static void closed_unknown(struct capture *c, const struct cap_close *cl,
			   struct cap_closed *a)
{
	a->session = cl->session;
	a->error = -ENOENT;
	(void)snprintf(a->spool_file, sizeof(a->spool_file), "%s" SPOOL_SUFFIX,
		       cl->session.s);
	if (cl->discard && id_ok(cl->session.s) &&
	    !unlinkat(c->dir_fd, a->spool_file, 0)) {
		a->error = 0;
		return;
	}
	if (faccessat(c->dir_fd, a->spool_file, F_OK, 0) < 0)
		a->spool_file[0] = '\0';
}

static void on_close(struct capture *c, const struct ipc_msg *m)
{
	const struct cap_close *cl = m->data;
	struct capture_session *s = capture_session_find(c, &cl->session);
	struct cap_closed a = { 0 };

	if (s)
		capture_session_close(c, s, cl->reason, cl->discard, &a);
	else
		closed_unknown(c, cl, &a);
	capture_tell(c, CAP_CLOSED, m->id, &a, sizeof(a));
}

static void on_sync(struct capture *c)
{
	struct capture_session *s, *next;
	struct cap_closed a;

	for (s = c->first; s; s = next) {
		next = s->next;
		if (s->named)
			continue;
		memset(&a, 0, sizeof(a));
		capture_session_close(c, s, "not known to sip", false, &a);
		capture_tell(c, CAP_CLOSED, 0, &a, sizeof(a));
	}
	drop_kept(c, true);
}

static void on_msg(void *arg, struct ipc_msg *m)
{
	struct capture *c = arg;

	if (m->type == CAP_OPEN || m->type == CAP_UPDATE)
		on_open(c, m);
	else if (m->type == CAP_EVENT && m->len == sizeof(struct cap_event))
		on_event(c, m);
	else if (m->type == CAP_CLOSE && m->len == sizeof(struct cap_close))
		on_close(c, m);
	else if (m->type == CAP_SYNC)
		on_sync(c);
	else
		bad_message(m);
}

static void on_sip_gone(void *arg)
{
	struct capture *c = arg;

	log_warn(NULL, "capture.sip_gone", LOG_I("sessions", c->n_sessions));
	ipc_destroy(&c->sip); /* recording goes on; it comes back and asks */
}

static void on_peer(void *state, const char *peer, int fd)
{
	struct capture *c = state;
	int r;

	if (!str_eq(peer, "sip")) {
		close(fd);
		return;
	}
	ipc_destroy(&c->sip);
	r = ipc_create(c->loop, fd, SIP_QUEUE_MAX, on_msg, on_sip_gone, c,
		       &c->sip);
	if (r < 0) {
		log_error(NULL, "capture.sip_channel", LOG_E(r));
		return;
	}
	for (struct capture_session *s = c->first; s; s = s->next)
		s->named = false;
	(void)measure_disk(c); /* else as it was last */
	tell_disk(c);
}

/* ---- start and stop ---- */

static void get_metrics(struct capture_metrics *m)
{
	char labels[48];

	m->rtp = metric_get(METRIC_COUNTER, "srs_capture_packets_total",
			    "proto=\"rtp\"", "Packets stored");
	m->rtcp = metric_get(METRIC_COUNTER, "srs_capture_packets_total",
			     "proto=\"rtcp\"", "Packets stored");
	m->bytes = metric_get(METRIC_COUNTER, "srs_capture_bytes_total", "",
			      "Bytes of stored packets");
	for (unsigned i = 0; i < SPOOL_DROP_MAX; i++) {
		(void)snprintf(labels, sizeof(labels), "reason=\"%s\"",
			       spool_drop_name(i));
		m->dropped[i] =
			metric_get(METRIC_COUNTER, "srs_capture_dropped_total",
				   labels, "Packets not stored, by reason");
	}
	m->sessions = metric_get(METRIC_GAUGE, "srs_capture_sessions", "",
				 "Recordings running");
	m->streams = metric_get(METRIC_GAUGE, "srs_capture_streams", "",
				"Streams with open sockets");
	m->tick_us =
		metric_get(METRIC_GAUGE, "srs_capture_tick_microseconds", "",
			   "Duration of the last drain of all sockets");
	m->tick_late =
		metric_get(METRIC_COUNTER, "srs_capture_late_ticks_total", "",
			   "Ticks that began too late");
	m->write_errors =
		metric_get(METRIC_COUNTER, "srs_spool_write_errors_total", "",
			   "Failed writes to the spool");
	m->commits = metric_get(METRIC_COUNTER, "srs_spool_commits_total", "",
				"Group commits of the spool");
	m->commit_errors =
		metric_get(METRIC_COUNTER, "srs_spool_commit_errors_total", "",
			   "Group commits that failed");
	m->commit_us = metric_get(METRIC_GAUGE, "srs_spool_commit_microseconds",
				  "", "Duration of the last group commit");
	m->disk_free = metric_get(METRIC_GAUGE, "srs_spool_free_bytes", "",
				  "Free space on the spool's disk");
	m->disk_low = metric_get(METRIC_GAUGE, "srs_spool_disk_low", "",
				 "1: below [server] disk_low");
	m->disk_failed = metric_get(METRIC_GAUGE, "srs_spool_disk_failed", "",
				    "1: the spool can't be written");
	m->reports = metric_get(METRIC_COUNTER, "srs_capture_reports_total", "",
				"RTCP receiver reports sent");
	m->byes = metric_get(METRIC_COUNTER, "srs_capture_byes_total", "",
			     "RTCP BYE received");
}

/* @return how many there may be */
static rlim_t raise_fd_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) < 0)
		return 0;
	rl.rlim_cur = rl.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &rl); /* what we have must do then */
	return getrlimit(RLIMIT_NOFILE, &rl) < 0 ? 0 : rl.rlim_cur;
}

/* An eighth of the descriptors may rest. */
static int make_pool(struct capture *c)
{
	rlim_t max = raise_fd_limit() / 8;

	return port_pool_create(max > POOL_MAX ? POOL_MAX : (unsigned)max,
				capture_sock_unkeep, c, &c->pool);
}

static int enter_sandbox(struct capture *c, const char *dir)
{
	struct sandbox_profile p = {
		.inet = true,
		.fork = true, /* the commit helper, should it die */
		.write = { dir },
		.no_core = true,
	};
	struct sandbox_report rep = { 0 };
	int r;

	if (!c->role->settings->sandbox.enabled)
		return 0;
	r = sandbox_enter(&p, &rep);
	if (r < 0)
		return r;
	log_info(NULL, "capture.sandbox", LOG_I("seccomp", rep.seccomp),
		 LOG_I("landlock", rep.landlock));
	return 0;
}

static void capture_free(struct capture *c)
{
	c->stopping = true;
	loop_timer_clear(c->loop, &c->tick_timer);
	while (c->first)
		capture_session_free(c, c->first);
	ipc_destroy(&c->sip);
	capture_commit_destroy(&c->commit);
	port_pool_destroy(&c->pool);
	spool_batch_fini(&c->batch);
	if (c->dir_fd >= 0)
		close(c->dir_fd);
	if (c->stamp_fd >= 0)
		close(c->stamp_fd);
	drop_kept(c, false);
	mem_free(c);
}

/* The kernel stamps packets only while some socket on the machine wants it,
 * and begins a little after the first one asked: packets of the very first
 * call would get the time of the drain. So one socket asks all the time. */
static int open_stamp_socket(struct capture *c)
{
	const int one = 1;

	c->stamp_fd = socket(c->ports.address.ss_family,
			     SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (c->stamp_fd < 0 || setsockopt(c->stamp_fd, SOL_SOCKET,
					  SO_TIMESTAMPNS, &one, sizeof(one)))
		return -errno;
	return 0;
}

static int prepare(struct capture *c)
{
	const struct settings *st = c->role->settings;
	char dir[SETTINGS_PATH_MAX];
	uint8_t random[12];
	int r;

	r = settings_path(st, "spool", dir, sizeof(dir));
	if (r < 0)
		return r;
	c->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->dir_fd < 0)
		return -errno;
	r = ports_init(&c->ports, st->media.address, st->media.port_min,
		       st->media.port_max);
	if (r < 0)
		return r;
	r = make_pool(c);
	if (r == 0)
		r = open_stamp_socket(c);
	if (r < 0)
		return r;
	r = spool_batch_init(&c->batch);
	if (r < 0)
		return r;
	r = capture_commit_create(c->loop, c->dir_fd, on_committed, c,
				  &c->commit);
	if (r < 0)
		return r;
	id_random(random, sizeof(random)); /* a CNAME as RFC 7022 wants it */
	str_b64url(c->cname, random, sizeof(random));
	if (srtp_start() < 0) /* calls in clear go on */
		log_error(NULL, "capture.srtp_unavailable");
	(void)spool_boot_id(); /* read while /proc may be read */
	return enter_sandbox(c, dir);
}

static int start(struct role *role, void **ret_state)
{
	int64_t tick = role->settings->media.tick_us;
	struct capture *c = mem_zalloc(sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->role = role;
	c->loop = role->loop;
	c->clock = loop_clock(role->loop);
	c->dir_fd = c->stamp_fd = -1;
	c->mute_dtmf = role->settings->media.dtmf == DTMF_MUTE;
	c->ticks_per_second =
		tick > 0 && tick < SECOND_US ? (unsigned)(SECOND_US / tick) : 1;
	get_metrics(&c->m);
	/* a file size limit is an error of write(2), not the end of all calls
	 */
	(void)signal(SIGXFSZ, SIG_IGN);
	capture_rx_init(c);
	if (n_kept)
		qsort(kept, n_kept, sizeof(*kept), compare_kept);
	r = prepare(c);
	if (r < 0) {
		log_error(NULL, "capture.start", LOG_E(r));
		capture_free(c);
		return r;
	}
	look_at_disk(c);
	c->tick_due_us = clock_mono_us(c->clock);
	arm_tick(c, c->tick_due_us);
	*ret_state = c;
	role_ready(role, "");
	return 0;
}

static void drain(void *state)
{
	struct capture *c = state;

	c->draining = true; /* sip ends the calls; the tick says when */
}

static void stop(void *state)
{
	struct capture *c = state;

	for (struct capture_session *s = c->first; s; s = s->next)
		capture_session_drain(c, s, true);
	give_counts(c);
	commit(c);
	if (c->sip)
		(void)ipc_flush(c->sip, 100); /* sip may be gone already */
	capture_free(c);
}

const struct role_ops capture_role = {
	.name = "capture",
	.kept = on_kept,
	.start = start,
	.peer = on_peer,
	.drain = drain,
	.stop = stop,
};
