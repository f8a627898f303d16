/* What changes a call: re-INVITE, UPDATE, metadata in any request.
 *
 * A change is judged before anything is touched, then capture gets the new
 * stream table, then the catalog, then the client hears 200. Only one change
 * at a time (491 for the next). A refresh that changes nothing changes nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/settings.h"
#include "base/str.h"
#include "srs/session/refer.h"
#include "srs/session/session.h"
#include "srs/siprec/sdp.h"
#include "storage/catalog_recording.h"
#include "storage/db.h"

/* For media of a client that gave no answer to our offer. */
#define ANSWER_WAIT_US 5000000

void session_change_drop(struct session *s)
{
	s->change = NULL;
	session_plan_free(&s->plan);
}

static void answer_status(struct session *s, struct ua_request *req, int status)
{
	struct ua_answer a = { .status = status };

	turn_answer(s->sv, s, req, &a);
}

/* ---- what changed, told to catalog and spool ---- */

static void tell_hold(struct session *s, const struct session_stream *now)
{
	bool active = now->cap.active;

	int who = now->participant < 0 ? -1 : now->participant;

	capture_event(s, active ? CAP_EV_RESUME : CAP_EV_HOLD, now->cap.index,
		      "", 0);
	session_note_event(s, active ? "resume" : "hold", who, now->cap.index,
			   "");
}

static void tell_holds(struct session *s, const struct session_stream *old,
		       unsigned n_old)
{
	for (unsigned i = 0; i < s->n_streams; i++) {
		const struct session_stream *now = &s->streams[i];

		if (!now->cap.enabled)
			continue;
		if (i < n_old && old[i].cap.enabled &&
		    old[i].cap.active != now->cap.active)
			tell_hold(s, now);
		else if ((i >= n_old || !old[i].cap.enabled) &&
			 !now->cap.active)
			tell_hold(s, now); /* a new line that begins on hold */
	}
}

void session_save_dialog(struct session *s)
{
	struct buf state;
	int r;

	buf_init(&state, SESSION_STATE_MAX);
	r = session_save(s, &state);
	if (r == 0 && turn_begin(s->sv) == 0)
		(void)turn_check(s->sv, recording_set_dialog(s->sv->db, s->id.s,
							     buf_str(&state)));
	buf_fini(&state);
}

/* ---- carrying a plan out ---- */

/* RFC 4028: no other is about the session timer. */
static bool is_refresh(const struct ua_request *req)
{
	return req->method == UA_INVITE || req->method == UA_UPDATE;
}

/* offered: the request brought SDP, so that an UPDATE gets some, too. */
static void say_yes(struct session *s, struct ua_request *req,
		    const struct sip_timer *t, bool offered)
{
	struct ua_answer a = { .status = 200 };
	bool with_sdp = req->method == UA_INVITE ||
			(req->method == UA_UPDATE && offered);
	struct buf headers, sdp;

	buf_init(&headers, 1024);
	buf_init(&sdp, 64 * 1024);
	if (req->method == UA_OPTIONS)
		buf_puts(&headers, UA_ABILITIES);
	else
		session_answer_headers(req, t, &headers);
	a.headers = buf_str(&headers);
	if (with_sdp && session_our_sdp(s, &sdp) < 0) {
		a = (struct ua_answer){ .status = 500 };
	} else if (with_sdp) {
		a.content_type = "application/sdp";
		a.body = (struct span){ buf_str(&sdp), sdp.len };
	}
	if (is_refresh(req))
		session_take_timer(s, t);
	turn_answer(s->sv, s, req, &a);
	buf_fini(&headers);
	buf_fini(&sdp);
}

static int print_answer(struct session *s, struct session_change *p)
{
	struct buf sdp;
	char *text;
	int r;

	streams_fill_answer(p->streams, p->n_streams, &p->answer);
	buf_init(&sdp, 64 * 1024);
	r = answer_print(p->sdp, &p->answer, &s->origin, &sdp);
	text = r == 0 ? buf_steal(&sdp) : NULL;
	buf_fini(&sdp);
	if (r == 0 && !text)
		r = -ENOMEM;
	if (r < 0)
		return r;
	mem_free(s->answer);
	s->answer = text;
	return 0;
}

static void fail_change(struct session *s, int error)
{
	log_warn(&s->log, "sip.change_failed", LOG_E(error));
	if (s->change) {
		answer_status(s, s->change, 500);
		return;
	}
	session_plan_free(&s->plan);
	session_on_resumed(s);
}

/* Plan and ports are good: make them the session's. */
static void carry_out(struct session *s)
{
	struct session_change *p = s->plan;
	struct session_stream *old = s->streams, *mine;
	unsigned n_old = s->n_streams;
	int r = 0;

	mine = mem_dup(p->streams, p->n_streams * sizeof(*mine));
	if (!mine)
		r = -ENOMEM;
	else if (p->answers_sdp)
		r = print_answer(s, p);
	if (r == 0)
		r = turn_begin(s->sv);
	if (r < 0) {
		mem_free(mine);
		fail_change(s, r);
		return;
	}
	turn_touch(s);
	s->streams = mine;
	s->n_streams = p->n_streams;
	mem_free(s->offer);
	s->offer = STEAL(p->offer);
	tell_holds(s, old, n_old);
	s->aware = p->aware;
	prefs_tell(s, old, n_old);
	mem_free(old);
	(void)turn_check(s->sv, session_put_streams(s));
	(void)turn_check(s->sv, session_model_change(s));
	if (s->change) {
		ua_dialog_refresh(s->dialog, s->change);
		say_yes(s, s->change, &p->timer, p->answers_sdp);
	}
	session_save_dialog(s);
	if (!s->change) {
		session_plan_free(&s->plan);
		session_on_resumed(s); /* what came meanwhile */
	}
}

void session_on_changed(struct session *s, const struct cap_opened *o)
{
	int r = o->error;

	if (!s->plan || !s->plan->sent)
		return; /* of a change that was cancelled */
	if (r == 0)
		r = streams_take_ports(s->plan->streams, s->plan->n_streams, o);
	if (r < 0)
		fail_change(s, r);
	else
		carry_out(s);
}

/* ---- judging ---- */

/* The last offer again, for changes without SDP. */
static int use_last_offer(struct session *s)
{
	struct intake *in = s->sv->in;

	int r;

	in->body.sdp = span_of(s->offer);
	r = sdp_read(in->body.sdp, NULL, &in->sdp);
	if (r == 0)
		offer_keep_labels(s, in->sdp);
	return r;
}

void session_judge(struct session *s, struct ua_request *req,
		   struct gate_verdict *v)
{
	struct sip_server *sv = s->sv;

	intake_facts(sv, req, sv->in->sdp, s->people, await_are_known(s));
	sv->in->facts.numbers = &s->snap.numbers;
	sv->in->facts.known_direction = s->direction;
	sv->in->gate.may_wait = await_is_allowed(s);
	if (!req) { /* nobody asked: as if it came from where it is */
		sv->in->gate.call_id = ua_dialog_call_id(s->dialog);
		sv->in->gate.peer.transport = s->snap.transport;
		sv->in->gate.peer.address = s->snap.peer_address;
	}
	gate_rejudge(sv->gate, &s->snap, &sv->in->gate, v);
	if (v->status == 200 && v->judged)
		s->direction = v->judgement.direction;
}

/* Would the call as it was go on with the people of now? */
static bool people_still_fine(struct session *s)
{
	struct gate_verdict v;
	bool fine;

	sdp_destroy(&s->sv->in->sdp);
	if (use_last_offer(s) < 0)
		return true;
	session_judge(s, NULL, &v);
	fine = v.status == 200;
	gate_verdict_fini(&v);
	return fine;
}

/* @return how many lines would be taken; nothing but sv->in is touched */
static unsigned plan_answer(struct session *s, const struct gate_verdict *v)
{
	struct sip_server *sv = s->sv;
	struct intake *in = sv->in;

	intake_permits(sv, v, in->sdp->n_lines);
	answer_plan(in->sdp, in->permits, SESSION_AUDIO_MAX,
		    streams_policy(sv, &s->snap.trunk), &in->warnings,
		    &in->answer);
	return in->answer.n_accepted;
}

/* plan_answer() was called */
static int make_plan(struct session *s, const struct sip_timer *t)
{
	struct sip_server *sv = s->sv;
	struct intake *in = sv->in;
	int r;

	metadata_attribute(s->people, in->sdp, &in->warnings, in->owners);
	r = session_plan(sv, s, t, &s->plan);
	if (r < 0)
		return r;
	streams_attribute(s->plan->streams, s->plan->n_streams, in->owners,
			  s->ords, s->n_ords);
	streams_keep_senders(s->plan->streams, s->plan->n_streams, s->streams,
			     s->n_streams, in->owners);
	session_note_warnings(s, &in->warnings);
	memset(&in->warnings, 0, sizeof(in->warnings));
	trunk_set_source(&s->snap.trunk, s->plan->streams, s->plan->n_streams);
	return 0;
}

/* s->plan is made: through capture when its view changes. */
static void start_plan(struct session *s, struct ua_request *req)
{
	struct session_change *p = s->plan;
	bool differs = s->ahead && !s->offered; /* now we know better */

	s->change = req;
	if (differs)
		s->ahead = false;
	if (!differs &&
	    streams_equal(p->streams, p->n_streams, s->streams, s->n_streams)) {
		carry_out(s);
		return;
	}
	p->sent = true;
	if (capture_open(s, p->streams, p->n_streams, true, false) < 0)
		fail_change(s, -EPIPE);
}

/* What is refused leaves everything as it was. But whoever the client tells of
 * is there, whatever we answer: where that is not allowed the call ends. */
static void refuse_change(struct session *s, struct ua_request *req,
			  const struct gate_verdict *v, struct people_trial *t)
{
	bool fine = !t || people_still_fine(s);

	if (t)
		people_drop(s, t);
	session_refuse(s->sv, s, req, v);
	if (!fine)
		session_end(s, "conditions", 403, "No longer authorized");
}

/* From here on it counts. */
static void take_change(struct session *s, struct ua_request *req, bool new_sdp,
			struct people_trial *t)
{
	struct intake *in = s->sv->in;

	if (req->method == UA_INVITE && !new_sdp) {
		offer_again(s);
		offer_ahead(s);
	}
	if (t)
		people_keep(s, t);
	session_extra_take(s, req);
	session_note_warnings(s, &in->warnings);
	memset(&in->warnings, 0, sizeof(in->warnings));
}

/* @param trial NULL: people are as they were */
static void judge_change(struct session *s, struct ua_request *req,
			 const struct sip_timer *t, bool new_sdp,
			 struct people_trial *trial)
{
	struct sip_server *sv = s->sv;
	struct gate_verdict v;

	session_judge(s, req, &v);
	if (v.status != 200) {
		refuse_change(s, req, &v, trial);
	} else if (plan_answer(s, &v) == 0 && new_sdp) {
		if (trial)
			people_drop(s, trial);
		session_refuse_media(sv, s, req);
	} else {
		take_change(s, req, new_sdp, trial);
		session_take_judgement(s, &v);
		await_set(s, &v);
		if (make_plan(s, t) < 0) {
			answer_status(s, req, 500);
		} else {
			s->plan->answers_sdp = new_sdp;
			start_plan(s, req);
		}
	}
	gate_verdict_fini(&v);
}

static void refresh_only(struct session *s, struct ua_request *req,
			 const struct sip_timer *t)
{
	ua_dialog_refresh(s->dialog, req);
	say_yes(s, req, t, s->sv->in->sdp != NULL);
	if (s->offered) /* the ACK may find another process here */
		session_save_dialog(s);
}

/* Whoever is named now was judged before: what the client says of them counts,
 * or the call ends and nobody is named. */
void session_take_metadata(struct session *s)
{
	struct people_trial t;
	bool judged = s->state == SESSION_LIVE && !s->change && !s->plan;

	if (people_try(s, &t) < 0) {
		log_warn(&s->log, "sip.metadata_not_taken");
		return;
	}
	if (judged && !people_still_fine(s)) {
		people_drop(s, &t);
		session_end(s, "conditions", 403, "No longer authorized");
		return;
	}
	sdp_destroy(&s->sv->in->sdp);
	people_keep(s, &t);
	session_note_warnings(s, &s->sv->in->warnings);
	metadata_destroy(&s->sv->in->md);
	session_rejudge(s, false);
	if (s->state == SESSION_LIVE)
		session_save_dialog(s);
}

/* Who sent what, as the client sees it in the end. */
static void attribute_again(struct session *s)
{
	struct intake *in = s->sv->in;
	struct session_stream *old;

	old = mem_dup(s->streams, s->n_streams * sizeof(*old));
	if (!old)
		return; /* then as it was before */
	metadata_attribute(s->people, in->sdp, &in->warnings, in->owners);
	streams_attribute(s->streams, s->n_streams, in->owners, s->ords,
			  s->n_ords);
	streams_keep_senders(s->streams, s->n_streams, old, s->n_streams,
			     in->owners);
	mem_free(old);
}

/* A description that says that everybody has left is the usual one in a BYE
 * and is not judged: those who were there have been. */
static bool judge_last_words(struct session *s)
{
	bool waiting = s->metadata_due_us != INT64_MAX, fine = true;
	struct gate_verdict v;

	if (use_last_offer(s) < 0 || turn_begin(s->sv) < 0)
		return true;
	if (await_are_known(s)) {
		session_judge(s, NULL, &v);
		fine = v.status == 200;
		if (fine && !v.wait_metadata)
			s->metadata_due_us = INT64_MAX;
		gate_verdict_fini(&v);
	}
	attribute_again(s);
	(void)turn_check(s->sv, session_put_streams(s));
	(void)turn_check(s->sv, session_model_change(s));
	return fine || waiting; /* who waits for people is dropped anyway */
}

bool session_last_words(struct session *s, struct ua_request *req)
{
	struct people_trial t;
	bool fine = true;

	intake_read(s->sv, req);
	if (parties_named_anew(s, req) == 0 && s->sv->in->md &&
	    people_try(s, &t) == 0) {
		people_keep(s, &t);
		fine = judge_last_words(s);
		session_note_warnings(s, &s->sv->in->warnings);
	}
	intake_fini(s->sv);
	return fine;
}

void session_take_body(struct session *s, struct ua_request *ack,
		       struct span content_type, struct span body)
{
	struct intake *in = s->sv->in;
	int r = 0;

	memset(&in->body, 0, sizeof(in->body));
	memset(&in->warnings, 0, sizeof(in->warnings));
	if (body.len > 0)
		body_read(content_type, body, &in->warnings, &in->body);
	if (in->body.has_metadata)
		r = metadata_parse(in->body.metadata, &in->warnings, &in->md);
	if (r == 0 && ack)
		r = parties_named_anew(s, ack);
	if (r == 0 && in->md)
		session_take_metadata(s);
	session_note_warnings(s, &in->warnings);
	intake_fini(s->sv);
}

/* A strict trunk's body is refused before anything of it is taken. */
static bool is_too_broken(struct session *s, struct ua_request *req)
{
	struct gate_verdict v;
	bool refused;

	if (!s->snap.trunk.strict || !s->sv->in->strict_error[0])
		return false;
	session_judge(s, req, &v);
	refused = v.status != 200;
	if (refused)
		session_refuse(s->sv, s, req, &v);
	gate_verdict_fini(&v);
	return refused;
}

static void read_change(struct session *s, struct ua_request *req,
			const struct sip_timer *t)
{
	struct intake *in = s->sv->in;
	struct people_trial trial;
	bool new_sdp, new_people = in->md != NULL;

	if (in->body.has_sdp && (!in->sdp || in->sdp->n_lines == 0)) {
		session_refuse_media(s->sv, s, req);
		return;
	}
	new_sdp = in->sdp != NULL;
	if (is_too_broken(s, req))
		return;
	if (!new_people && (!new_sdp || span_eq(in->body.sdp, s->offer))) {
		take_change(s, req, new_sdp, NULL);
		refresh_only(s, req, t);
		return;
	}
	if ((!new_sdp && use_last_offer(s) < 0) ||
	    (new_people && people_try(s, &trial) < 0)) {
		answer_status(s, req, 500);
		return;
	}
	judge_change(s, req, t, new_sdp, new_people ? &trial : NULL);
}

/* Is something of ours under way, which the client knows nothing of (capture
 * comes back, its answer in an ACK is carried out)? Then 491 would be odd. */
static bool must_wait(const struct session *s)
{
	return s->state == SESSION_RESUMING ||
	       (s->state == SESSION_LIVE && s->plan && !s->change);
}

void session_change(struct session *s, struct ua_request *req)
{
	struct sip_server *sv = s->sv;
	struct sip_timer_config cfg = {
		.expires_s = (uint32_t)sv->set->sip.session_expires_s,
		.min_se_s = (uint32_t)sv->set->sip.min_se_s,
	};
	struct sip_timer t = s->timer;

	if (must_wait(s) && !s->held) {
		/* also the INVITE itself again, when we died before its 200 */
		req->user = s;
		s->held = req;
		return;
	}
	if (s->state != SESSION_LIVE || s->change || s->plan || s->inviting) {
		answer_status(s, req, 491);
		return;
	}
	if (is_refresh(req) && sip_timer_judge(&cfg, &req->fields, &t) < 0) {
		session_refuse_timer(sv, s, req);
		return;
	}
	req->user = s;
	intake_read(sv, req);
	if (parties_named_anew(s, req) < 0)
		answer_status(s, req, 500);
	else
		read_change(s, req, &t);
	intake_fini(sv);
}

void session_on_resumed(struct session *s)
{
	struct ua_request *req = s->held;

	if (!req)
		return;
	s->held = NULL;
	if (s->state == SESSION_LIVE)
		session_change(s, req);
	else
		answer_status(s, req, 481);
}

void session_rejudge(struct session *s, bool wait_over)
{
	struct sip_server *sv = s->sv;
	struct sip_timer t = s->timer;
	struct gate_verdict v;
	bool fine;

	s->rejudge = s->state == SESSION_LIVE && (s->change || s->plan);
	if (s->state != SESSION_LIVE || s->rejudge)
		return; /* looked at again with the next tick */
	if (wait_over)
		s->metadata_due_us = INT64_MAX;
	if (turn_begin(sv) < 0)
		return;
	memset(&sv->in->warnings, 0, sizeof(sv->in->warnings));
	if (use_last_offer(s) < 0)
		return;
	session_judge(s, NULL, &v);
	fine = v.status == 200;
	if (fine) {
		session_take_judgement(s, &v);
		await_set(s, &v);
		(void)plan_answer(s, &v);
		if (make_plan(s, &t) == 0)
			start_plan(s, NULL);
	} else {
		s->unwanted = wait_over;
		session_end(s, wait_over ? "metadata_missing" : "conditions",
			    403, "No longer authorized");
	}
	gate_verdict_fini(&v);
	intake_fini(sv);
}

/* The answer to our offer: from here on it counts as the client's own. */
static void judge_answer(struct session *s)
{
	struct sip_timer t = s->timer;
	struct gate_verdict v;
	int r;

	session_judge(s, NULL, &v);
	if (v.status == 200) {
		(void)plan_answer(s, &v);
		r = make_plan(s, &t);
		if (r == 0 && s->plan->answer.n_accepted > 0) {
			start_plan(s, NULL);
		} else {
			session_plan_free(&s->plan);
			session_end(s, "no_media", 488, "Nothing to record");
		}
	} else {
		session_end(s, "conditions", 403, "Not authorized");
	}
	gate_verdict_fini(&v);
}

/* Nobody who answers like this keeps to RFC 3264; but what he sends fits what
 * was judged, so it is recorded. Who sends nothing either has to go. */
static void no_answer(struct session *s)
{
	session_note_warning(s, "sip.answer_missing", WARN_WARNING,
			     "our offer was confirmed without an answer; its "
			     "media is taken as it comes");
	s->offered = false;
	if (s->wished)
		s->answer_due_us = session_mono_us(s->sv) + ANSWER_WAIT_US;
}

void session_judge_answer(struct session *s)
{
	struct intake *in = s->sv->in;

	if (s->state != SESSION_LIVE || s->change || s->plan ||
	    turn_begin(s->sv) < 0)
		return;
	memset(&in->warnings, 0, sizeof(in->warnings));
	in->body.sdp = span_of(s->late_answer);
	in->body.has_sdp = true;
	if (sdp_read(in->body.sdp, &in->warnings, &in->sdp) == 0) {
		s->offered = s->wished = false;
		s->answer_due_us = INT64_MAX;
		offer_keep_labels(s, in->sdp);
		judge_answer(s);
	} else {
		no_answer(s);
	}
	session_note_warnings(s, &in->warnings);
	intake_fini(s->sv);
	mem_free(s->late_answer);
	s->late_answer = NULL;
}

void session_answer_wait_over(struct session *s)
{
	bool wished = s->wished;

	s->answer_due_us = INT64_MAX;
	if (s->offered) /* a restart lost the ACK */
		no_answer(s);
	s->wished = false;
	s->answer_due_us = INT64_MAX;
	if (wished && s->packets == 0)
		session_end(s, "no_answer", 488, "No answer to the offer");
	else
		session_save_dialog(s);
}

void session_take_answer(struct session *s, struct span content_type,
			 struct span body)
{
	struct body b;

	body_read(content_type, body, NULL, &b);
	if (!b.has_sdp) {
		no_answer(s);
		return;
	}
	mem_free(s->late_answer);
	s->late_answer = span_dup(b.sdp);
	if (s->late_answer)
		session_judge_answer(s);
}
