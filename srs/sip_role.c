/* The frame of the sip role: opens everything, runs Sofia's loop with ours
 * nested in it, and ends each turn with one commit.
 */
#include "srs/sip_role.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/role.h"
#include "base/sandbox.h"
#include "base/settings.h"
#include "base/str.h"
#include "srs/session/refer.h"
#include "srs/session/session.h"
#include "storage/catalog.h"
#include "storage/db.h"

#define SOFTWARE "srs/" SRS_VERSION
/* Longest sleep: a turn is never later than this for any reason. */
#define SLEEP_MAX_MS 1000
#define HEAP_SPARE (4 * 1024 * 1024)
#define SWEEP_AFTER_US 3000000
/* At stop: capture may still tell how its sessions ended. */
#define STOP_WAIT_US 400000

static int open_catalog(struct sip_server *sv)
{
	struct err e = { 0 };
	int r;

	r = catalog_open(sv->set, &sv->db, &e);
	if (r == 0)
		r = auth_init(&sv->auth, sv->db, sv->clock, sv->set, &e);
	if (r < 0) {
		log_error(NULL, "sip.catalog_not_opened", LOG_S("why", e.text));
		return r;
	}
	return gate_create(&sv->auth, sv->set, &sv->gate);
}

static int open_agent(struct sip_server *sv)
{
	const struct settings *set = sv->set;
	struct ua_config cfg = {
		.listen =
			sv->role->bound[0] ? sv->role->bound : set->sip.listen,
		.tls_certificate = set->sip.tls_certificate,
		.tls_key = set->sip.tls_key,
		.tls_ca = set->sip.tls_ca,
		.tls_verify = (enum ua_tls_verify)set->sip.tls_verify,
		.software = SOFTWARE,
		.max_pending = 1024,
		.t1_ms = (unsigned)(set->sip.t1_us / 1000),
		.events = &session_events,
		.arg = sv,
	};
	struct err e = { 0 };
	int r;

	r = ua_create(sv->loop, &cfg, &sv->ua, &e);
	if (r < 0) {
		log_error(NULL, "sip.not_listening", LOG_S("why", e.text),
			  LOG_E(r));
		if (r == -EINVAL) /* trying again will not help */
			role_fatal(sv->role, e.text);
	}
	return r;
}

static int enter_sandbox(struct sip_server *sv)
{
	struct sandbox_profile p = {
		.inet = true,
		.read = { "/etc" },
		.write = { sv->set->server.data_dir },
		.no_core = true,
	};
	struct sandbox_report rep = { 0 };
	int r;

	if (!sv->set->sandbox.enabled)
		return 0;
	r = sandbox_enter(&p, &rep);
	if (r == 0)
		log_info(NULL, "sip.sandbox", LOG_I("seccomp", rep.seccomp),
			 LOG_I("landlock", rep.landlock));
	return r;
}

static void on_sweep(void *arg)
{
	struct sip_server *sv = arg;

	if (sv->capture_ready)
		recover_sweep(sv);
	else if (loop_timer_set(sv->loop, &sv->sweep,
				session_mono_us(sv) + SWEEP_AFTER_US, on_sweep,
				sv) < 0)
		log_warn(NULL, "sip.no_sweep");
}

static int prepare(struct sip_server *sv)
{
	int r;

	(void)str_copy(sv->node, sizeof(sv->node), sv->set->server.name);
	r = settings_path(sv->set, "spool", sv->spool_dir,
			  sizeof(sv->spool_dir));
	if (r < 0)
		return r;
	/* what one call frees the next one needs: no giving back to the
	 * kernel and asking again for every message */
	(void)mallopt(M_TRIM_THRESHOLD, HEAP_SPARE);
	/* no bins whose pieces are sorted out again at each larger request */
	(void)mallopt(M_MXFAST, 0);
	(void)mallopt(M_TOP_PAD, HEAP_SPARE / 4);
	sv->in = mem_zalloc(sizeof(*sv->in));
	sv->open_msg = mem_zalloc(sizeof(*sv->open_msg));
	if (!sv->in || !sv->open_msg || metadata_create(&sv->nobody) < 0)
		return -ENOMEM;
	sv->m_live = metric_get(METRIC_GAUGE, "srs_sip_calls", "",
				"Calls being recorded");
	sv->m_calls_ok = metric_get(METRIC_COUNTER, "srs_sip_invites_total",
				    "result=\"accepted\"", "INVITEs by result");
	sv->m_calls_refused =
		metric_get(METRIC_COUNTER, "srs_sip_invites_total",
			   "result=\"refused\"", "INVITEs by result");
	r = open_catalog(sv);
	if (r == 0)
		r = open_agent(sv);
	if (r == 0)
		r = enter_sandbox(sv);
	if (r == 0)
		r = recover_sessions(sv);
	if (r == 0)
		r = watch_start(sv);
	if (r == 0)
		r = commands_start(sv);
	if (r == 0)
		r = loop_timer_set(sv->loop, &sv->sweep,
				   session_mono_us(sv) + SWEEP_AFTER_US,
				   on_sweep, sv);
	return r;
}

static void free_one(struct session *s, void *arg)
{
	(void)arg;
	session_destroy(&s);
}

static void server_free(struct sip_server *sv)
{
	loop_timer_clear(sv->loop, &sv->watch);
	loop_timer_clear(sv->loop, &sv->sweep);
	loop_timer_clear(sv->loop, &sv->commands);
	capture_detach(sv);
	(void)turn_end(sv, true);
	session_each(sv, free_one, NULL);
	handover_drop_all(sv);
	refer_drop_all(sv);
	ua_destroy(&sv->ua);
	gate_destroy(&sv->gate);
	auth_fini(&sv->auth);
	db_close(&sv->db);
	metadata_destroy(&sv->nobody);
	mem_free(sv->in);
	mem_free(sv->open_msg);
	mem_free(sv);
}

static int start(struct role *r, void **ret_state)
{
	struct sip_server *sv = mem_zalloc(sizeof(*sv));
	int e;

	if (!sv)
		return -ENOMEM;
	sv->role = r;
	sv->set = r->settings;
	sv->loop = r->loop;
	sv->clock = loop_clock(r->loop);
	e = prepare(sv);
	if (e < 0) {
		log_error(NULL, "sip.start_failed", LOG_E(e));
		server_free(sv);
		return e;
	}
	*ret_state = sv;
	return 0;
}

/* Ready once calls can be taken: capture answers and nothing is left over. */
static void tell_ready(struct sip_server *sv)
{
	if (sv->ready_told || !sv->capture_ready)
		return;
	sv->ready_told = true;
	role_ready(sv->role, ua_bound(sv->ua));
}

static int run(struct role *r, void *state)
{
	struct sip_server *sv = state;
	int wait = 0;

	while (!role_stopping(r)) {
		ua_step(sv->ua, wait);
		wait = turn_end(sv, false);
		if (wait < 0 || wait > SLEEP_MAX_MS)
			wait = SLEEP_MAX_MS;
		tell_ready(sv);
	}
	return 0;
}

static void peer(void *state, const char *name, int fd)
{
	struct sip_server *sv = state;

	if (str_eq(name, "capture"))
		capture_attach(sv, fd);
	else
		(void)close(fd);
}

static void drain(void *state)
{
	struct sip_server *sv = state;

	sv->draining = true;
	sv->drain_end_us = session_mono_us(sv) + sv->set->server.drain_us;
	log_info(NULL, "sip.draining", LOG_I("calls", session_count_live(sv)));
}

static void reload(void *state)
{
	struct sip_server *sv = state;

	sv->set = sv->role->settings;
}

/* Finish what is ending already; running calls are left as they are, in the
 * catalog and at their clients, for the next process to go on with. */
static void stop(void *state)
{
	struct sip_server *sv = state;
	int64_t end = session_mono_us(sv) + STOP_WAIT_US;

	sv->draining = true;
	while (sv->n_sessions > session_count_live(sv) &&
	       session_mono_us(sv) < end) {
		ua_step(sv->ua, 20);
		(void)turn_end(sv, false);
	}
	server_free(sv);
}

const struct role_ops sip_role = {
	.name = "sip",
	.start = start,
	.run = run,
	.peer = peer,
	.drain = drain,
	.reload = reload,
	.stop = stop,
};
