/* Four times a second: what time alone decides, and whether the grants of
 * running calls are still what they were.
 */
#include <stdio.h>
#include <string.h>

#include "auth/grants.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/role.h"
#include "base/settings.h"
#include "base/str.h"
#include "srs/session/refer.h"
#include "srs/session/session.h"
#include "storage/db.h"

#define TICK_US 250000
#define ASK_WAIT_US 32000000
/* A refresh that was refused for the moment. */
#define REFRESH_AGAIN_US 5000000
/* On hold nothing has to come; without a session timer not for ever. */
#define HOLD_LIMIT_US INT64_C(3600000000)

/* ---- grants ---- */

struct grant_list {
	struct grant_live *list;
	struct session **of;
	unsigned n, max;
};

static void add_grant(struct session *s, void *arg)
{
	struct grant_list *l = arg;

	if (s->state > SESSION_RESUMING || l->n >= l->max ||
	    !s->snap.grant_id[0])
		return;
	l->of[l->n] = s;
	l->list[l->n++] = (struct grant_live){
		.grant_id = s->snap.grant_id,
		.family_id = s->snap.family_id,
		.version = s->snap.version,
	};
}

static void narrowed(struct session *s)
{
	int r = gate_snapshot_reload(s->sv->gate, &s->snap);

	if (r == 0) {
		session_note_event(s, "conditions", -1, -1,
				   "the owner narrowed the conditions");
		session_rejudge(s, false);
	} else {
		session_end(s, "revoked", 403, "Authorization revoked");
	}
}

/* The news is told once only: a call that cannot act on it yet (being opened,
 * resumed or changed) keeps it for the next tick. */
static void act_on_news(struct session *s)
{
	if (s->news == GRANT_LIVE_ENDED && s->dialing) {
		dialout_failed(s, "revoked"); /* CANCEL */
	} else if (s->news == GRANT_LIVE_ENDED) {
		session_end(s, "revoked", 403, "Authorization revoked");
	} else if (s->state == SESSION_LIVE && !s->change && !s->plan) {
		s->news = GRANT_LIVE_SAME;
		narrowed(s);
	}
}

static void act_on_grants(struct grant_list *l)
{
	for (unsigned i = 0; i < l->n; i++) {
		if (l->list[i].state == GRANT_LIVE_SAME)
			continue;
		if (l->of[i]->news != GRANT_LIVE_ENDED)
			l->of[i]->news = l->list[i].state;
		act_on_news(l->of[i]);
	}
}

static void check_grants(struct sip_server *sv)
{
	int64_t counter = db_change_counter(sv->db);
	struct grant_list l = { .max = sv->n_sessions };
	int r;

	if (counter == sv->change_counter || l.max == 0)
		return;
	l.list = mem_calloc(l.max, sizeof(*l.list));
	l.of = mem_calloc(l.max, sizeof(struct session *));
	if (l.list && l.of) {
		session_each(sv, add_grant, &l);
		r = grants_live_check(sv->db, &sv->grants_epoch, l.list, l.n);
		if (r > 0)
			act_on_grants(&l);
		if (r >= 0)
			sv->change_counter = counter;
		else
			log_warn(NULL, "sip.grants_unknown", LOG_E(r));
	}
	mem_free(l.list);
	mem_free(l.of);
}

/* ---- time ---- */

static void ask_for_life(struct session *s, int64_t now)
{
	/* INTEROP: where the client lets us, ask before giving up */
	if (s->asked_us == 0 && s->dialog &&
	    ua_dialog_allows(s->dialog, UA_OPTIONS) &&
	    session_send(s, UA_OPTIONS, NULL) == 0) {
		s->asked_us = now;
		return;
	}
	if (s->asked_us && now < s->asked_us + ASK_WAIT_US)
		return;
	session_note_warning(s, "media.timeout", WARN_WARNING,
			     "neither media nor signalling for too long");
	session_end(s, "timeout", 408, "Media timeout");
}

/* How long a call may be silent. */
static int64_t silence_us(const struct session *s)
{
	int64_t limit = s->sv->set->sip.media_timeout_us;

	for (unsigned i = 0; i < s->n_streams && !s->paused; i++) {
		if (s->streams[i].cap.enabled && s->streams[i].cap.active)
			return limit;
	}
	if (s->timer.expires_s)
		return INT64_MAX / 2;
	return limit > HOLD_LIMIT_US ? limit : HOLD_LIMIT_US;
}

static void refresh(struct session *s, int64_t now)
{
	char line[64];

	/* in a request of ours the client is the "uas" */
	(void)snprintf(line, sizeof(line),
		       "Session-Expires: %u;refresher=uac\r\n",
		       s->timer.expires_s);
	s->refreshing = s->dialog && session_send(s, UA_UPDATE, line) == 0;
	if (!s->refreshing)
		log_warn(&s->log, "sip.refresh_failed");
	s->refresh_us = sip_timer_refresh_us(&s->timer, now);
}

void session_refreshed(struct session *s, const struct ua_response *res)
{
	int64_t now = session_mono_us(s->sv);
	struct sip_timer t = s->timer;
	struct span v, who;
	uint32_t n = 0;

	if (!s->refreshing)
		return;
	s->refreshing = false;
	if (res->status == 422 &&
	    sip_fields_get(&res->fields, "Min-SE", 0, &v) &&
	    sip_leading_u32(v, &n) == 0 && n > t.expires_s) {
		s->timer.expires_s = n;
		s->refresh_us = now;
		return;
	}
	if (res->status / 100 != 2) { /* nothing is agreed anew */
		s->refresh_us = now + REFRESH_AGAIN_US;
		return;
	}
	if (sip_fields_get(&res->fields, "Session-Expires", 0, &v)) {
		if (sip_leading_u32(v, &n) == 0 && n > 0)
			t.expires_s = n;
		t.we_refresh = !sip_param_get(v, "refresher", &who) ||
			       !span_ieq(who, "uas");
	}
	session_take_timer(s, &t);
}

static void watch_live(struct session *s, int64_t now, int64_t wall)
{
	if (s->expires_us <= now) {
		session_note_warning(s, "sip.session_expired", WARN_WARNING,
				     "the client did not refresh the session");
		session_end(s, "session_expired", 408, "Session expired");
	} else if (s->ends_wall_us <= wall) {
		session_end(s, s->ends_why[0] ? s->ends_why : "not_after", 403,
			    "Authorized time is over");
	} else if (s->max_end_us <= now) {
		session_end(s, "max_duration", 403,
			    "Authorized duration is over");
	} else if (s->ack_due_us <= now) {
		session_ack_missing(s);
	} else if (s->prack_due_us <= now) {
		session_check_prack(s);
	} else if (s->rejudge && !s->change && !s->plan) {
		session_rejudge(s, false);
	} else if (s->late_answer) {
		session_judge_answer(s);
	} else if (s->answer_due_us <= now) {
		session_answer_wait_over(s);
	} else if (await_is_over(s, now)) {
		session_rejudge(s, true);
	} else if (s->active_us + silence_us(s) <= now) {
		ask_for_life(s, now);
	} else if (s->refresh_us <= now) {
		refresh(s, now);
	} else {
		session_pause_watch(s, now);
		session_snapshot_watch(s, now);
	}
}

static void watch_one(struct session *s, void *arg)
{
	int64_t now = session_mono_us(s->sv), wall = session_wall_us(s->sv);

	(void)arg;
	if (s->bye && s->bye_due_us <= now) {
		struct ua_answer ok = { .status = 200 };

		s->bye_due_us = INT64_MAX;
		turn_answer(s->sv, s, s->bye, &ok);
	}
	switch (s->state) {
	case SESSION_LIVE:
		if (s->news != GRANT_LIVE_SAME)
			act_on_news(s);
		watch_live(s, now, wall);
		return;
	case SESSION_RESUMING:
		/* the media process takes its time; the client may not */
		if (s->expires_us <= now) {
			s->state = SESSION_LIVE;
			watch_live(s, now, wall);
		}
		return;
	case SESSION_OPENING:
	case SESSION_CLOSING:
	case SESSION_DISCARDING:
		if (s->close_due_us <= now && !s->finishing) {
			s->close_due_us = INT64_MAX;
			log_warn(&s->log, "sip.capture_silent");
			session_closed(s, NULL); /* may free it */
		}
		return;
	default:
		return;
	}
}

static void watch_drain(struct sip_server *sv)
{
	if (!sv->draining || sv->drained_told)
		return;
	if (sv->n_sessions == 0) {
		sv->drained_told = true;
		role_drained(sv->role);
	} else if (session_mono_us(sv) >= sv->drain_end_us) {
		sv->drain_end_us = INT64_MAX;
		session_end_all(sv, "shutdown", 503, "Recorder shuts down");
	}
}

static void on_tick(void *arg)
{
	struct sip_server *sv = arg;

	check_grants(sv);
	session_each(sv, watch_one, NULL);
	handover_watch(sv);
	refer_watch(sv);
	watch_drain(sv);
	metric_set(sv->m_live, session_count_live(sv));
	if (loop_timer_set(sv->loop, &sv->watch, session_mono_us(sv) + TICK_US,
			   on_tick, sv) < 0)
		role_fatal(sv->role, "no memory for a timer");
}

int watch_start(struct sip_server *sv)
{
	sv->change_counter = -1;
	sv->grants_epoch = -1;
	return loop_timer_set(sv->loop, &sv->watch,
			      session_mono_us(sv) + TICK_US, on_tick, sv);
}
