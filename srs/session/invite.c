/* A new call: INVITE -> gate -> capture -> catalog -> 200. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/settings.h"
#include "base/str.h"
#include "srs/session/refer.h"
#include "srs/session/session.h"
#include "srs/siprec/sdp.h"
#include "storage/catalog_recording.h"
#include "storage/db.h"

#define OPEN_TIMEOUT_US 3000000
/* the agent says so at 64 * T1; this is for what it forgot */
#define ACK_WAIT_T1 66
#define DAY_US INT64_C(86400000000)

/* ---- refusals ---- */

static void answer_headers(struct sip_server *sv, struct session *s,
			   struct ua_request *req, int status,
			   const char *headers)
{
	struct ua_answer a = { .status = status, .headers = headers };

	turn_answer(sv, s, req, &a);
}

void session_refuse_busy(struct sip_server *sv, struct session *s,
			 struct ua_request *req)
{
	char header[40];

	(void)snprintf(header, sizeof(header), "Retry-After: %d\r\n",
		       SESSION_RETRY_S);
	answer_headers(sv, s, req, 503, header);
}

void session_refuse_timer(struct sip_server *sv, struct session *s,
			  struct ua_request *req)
{
	char header[40];

	(void)snprintf(header, sizeof(header), "Min-SE: %lld\r\n",
		       (long long)sv->set->sip.min_se_s);
	answer_headers(sv, s, req, 422, header);
}

void session_refuse_media(struct sip_server *sv, struct session *s,
			  struct ua_request *req)
{
	char header[360];

	(void)snprintf(header, sizeof(header),
		       "Warning: 305 %s \"Incompatible media format\"\r\n",
		       sv->node);
	answer_headers(sv, s, req, 488, header);
}

void session_refusal(struct sip_server *sv, const struct session *s,
		     const char *method, const struct gate_verdict *v,
		     struct buf *h)
{
	if (v->challenge[0])
		buf_printf(h, "WWW-Authenticate: %s\r\n", v->challenge);
	if (v->warning[0])
		buf_printf(h, "Warning: %s\r\n", v->warning);
	if (v->retry_after_s)
		buf_printf(h, "Retry-After: %d\r\n", v->retry_after_s);
	if (v->status == 415)
		buf_puts(h, UA_ACCEPT "Accept-Encoding: identity\r\n");
	metric_add(sv->m_calls_refused, 1);
	log_write(v->unwritten ? LOG_DEBUG : LOG_INFO, s ? &s->log : NULL,
		  "sip.refused",
		  (struct log_field[]){
			  LOG_S("method", method), LOG_I("status", v->status),
			  LOG_S("cause", gate_cause_name(v->cause)) },
		  3);
}

void session_refuse(struct sip_server *sv, struct session *s,
		    struct ua_request *req, const struct gate_verdict *v)
{
	struct ua_answer a = { .status = v->status, .phrase = v->reason };
	struct buf h;

	buf_init(&h, 4096);
	session_refusal(sv, s, req->method_name, v, &h);
	if (h.len)
		a.headers = buf_str(&h);
	if (v->problem) {
		a.content_type = "application/problem+json";
		a.body = span_of(v->problem);
	}
	turn_answer(sv, s, req, &a);
	buf_fini(&h);
}

/* ---- shared with changes of a call ---- */

void session_take_judgement(struct session *s, const struct gate_verdict *v)
{
	const struct judgement *j = &v->judgement;

	if (!v->judged)
		return;
	s->ends_wall_us = j->ends_us ? j->ends_us : INT64_MAX;
	(void)str_copy(s->ends_why, sizeof(s->ends_why), j->ends_why);
	s->max_end_us = INT64_MAX;
	if (j->max_duration_s)
		s->max_end_us = s->started_us + j->max_duration_s * 1000000;
}

void session_take_timer(struct session *s, const struct sip_timer *t)
{
	int64_t now = session_mono_us(s->sv);

	s->timer = *t;
	s->expires_us = sip_timer_deadline_us(t, now);
	s->refresh_us = sip_timer_refresh_us(t, now);
}

void session_answer_headers(struct ua_request *req, const struct sip_timer *t,
			    struct buf *out)
{
	bool siprec = sip_fields_lists(&req->fields, "Require", "siprec");
	bool timer = t->expires_s > 0; /* RFC 4028 section 9 wants that */
	char line[64];

	bool must = sip_fields_lists(&req->fields, "Require", "record-aware");
	bool aware = must || sip_fields_lists(&req->fields, "Supported",
					      "record-aware");

	bool rel = sip_fields_lists(&req->fields, "Require", "100rel") ||
		   sip_fields_lists(&req->fields, "Supported", "100rel");

	buf_printf(out,
		   "Allow: " UA_ALLOW "\r\nSupported: siprec, timer%s%s\r\n",
		   rel ? ", 100rel" : "", aware ? ", record-aware" : "");
	if (siprec || timer || must)
		buf_printf(out, "Require: %s%s%s%s%s\r\n",
			   siprec ? "siprec" : "", siprec && timer ? ", " : "",
			   timer ? "timer" : "",
			   must && (siprec || timer) ? ", " : "",
			   must ? "record-aware" : "");
	sip_timer_header(t, line, sizeof(line));
	buf_puts(out, line);
}

int session_take_people(struct session *s)
{
	unsigned n = s->people->n_participants;
	unsigned *grown;

	if (n <= s->n_ords)
		return 0;
	grown = mem_realloc(s->ords, n * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	s->ords = grown;
	while (s->n_ords < n)
		s->ords[s->n_ords++] = s->next_ord++;
	return 0;
}

int session_plan(struct sip_server *sv, const struct session *old,
		 const struct sip_timer *t, struct session_change **ret_plan)
{
	struct session_change *p CLEANUP(session_plan_free) = NULL;
	struct intake *in = sv->in;

	p = mem_zalloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->streams = mem_calloc(CAP_STREAMS_MAX, sizeof(*p->streams));
	p->offer = mem_strndup(in->body.sdp.p, in->body.sdp.len);
	if (!p->streams || !p->offer)
		return -ENOMEM;
	p->answer = in->answer;
	p->n_streams =
		streams_build(in->sdp, &p->answer, old ? old->streams : NULL,
			      old ? old->n_streams : 0, p->streams);
	p->timer = *t;
	p->wish = in->wish != NULL;
	p->aware = in->aware || (old && old->aware);
	p->sdp = STEAL(in->sdp);
	prefs_plan(sv, old, p);
	if (old)
		session_mute_streams(old, p->streams, p->n_streams);
	*ret_plan = STEAL(p);
	return 0;
}

void session_plan_free(struct session_change **pp)
{
	struct session_change *p = *pp;

	if (!p)
		return;
	*pp = NULL;
	sdp_destroy(&p->sdp);
	mem_free(p->offer);
	if (p->streams)
		streams_wipe_keys(p->streams, p->n_streams);
	mem_free(p->streams);
	mem_free(p);
}

static struct recording_participant person(const struct session *s, unsigned i,
					   int64_t joined_us)
{
	const struct md_participant *p = &s->people->participants[i];

	return (struct recording_participant){
		.ord = s->ords[i],
		.ext_id = p->id,
		.aor = p->n_aors ? p->aors[0] : NULL,
		.name = p->name,
		.joined_us = joined_us,
	};
}

int session_put_person(struct session *s, unsigned index, int64_t joined_us)
{
	struct recording_participant p = person(s, index, joined_us);

	return recording_put_participant(s->sv->db, s->id.s, &p);
}

/* label: room for CAP_LABEL_MAX; the catalog holds UTF-8 only */
static struct recording_stream stream_row(const struct session_stream *st,
					  char *label)
{
	static const char *const media[] = { "audio", "video", "text" };

	(void)str_copy(label, CAP_LABEL_MAX, st->cap.label);
	str_clean(label);
	return (struct recording_stream){
		.idx = st->cap.index,
		.label = label,
		.media = media[st->cap.media],
		.codec = st->cap.n_pts ? st->cap.pts[0].codec : "",
		.rate_hz = st->cap.n_pts ? st->cap.pts[0].rate_hz : 0,
		.participant = st->participant,
	};
}

int session_put_streams(struct session *s)
{
	int r = 0;

	for (unsigned i = 0; i < s->n_streams && r == 0; i++) {
		char label[CAP_LABEL_MAX];
		struct recording_stream row = stream_row(&s->streams[i], label);

		r = recording_put_stream(s->sv->db, s->id.s, &row);
	}
	return r;
}

/* ---- the INVITE ---- */

/* Whoever takes part, from the metadata or the headers. */
static int find_people(struct sip_server *sv, struct ua_request *req,
		       struct metadata **ret_md, bool *ret_known)
{
	struct intake *in = sv->in;
	struct metadata *md = NULL;
	int r;

	*ret_known = true;
	if (in->md && in->md->n_participants > 0) {
		*ret_md = STEAL(in->md);
		return 0;
	}
	/* one without people may name the call all the same */
	md = STEAL(in->md);
	r = md ? 0 : metadata_create(&md);
	if (r == 0)
		r = intake_people(sv, req, md, ret_known);
	if (r < 0) {
		metadata_destroy(&md);
		return r;
	}
	if (!*ret_known)
		warn_add(&in->warnings, "metadata.missing", WARN_WARNING,
			 "the call started without a description of who "
			 "takes part");
	*ret_md = md;
	return 0;
}

static const char *body_problem(const struct intake *in)
{
	if (!in->body.has_sdp)
		return "no session description in the body";
	if (!in->sdp)
		return "the session description cannot be read";
	if (in->sdp->n_lines == 0)
		return "the session description has no media line";
	return NULL;
}

/* A type that we don't read, or packed: RFC 3261 8.2.3. */
static bool is_unknown(const struct intake *in, const struct ua_request *req)
{
	struct span packed;

	if (in->gate.body_error &&
	    sip_fields_get(&req->fields, "Content-Encoding", 0, &packed) &&
	    !span_ieq(packed, "identity"))
		return true;
	return in->body.all.n > 0 && !in->body.has_sdp &&
	       !in->body.has_metadata && req->content_type.len > 0;
}

static int fill_session(struct session *s, struct ua_request *req,
			struct gate_verdict *v, const struct sip_timer *t)
{
	struct sip_server *sv = s->sv;
	struct intake *in = sv->in;
	int r;

	s->retention_days = v->retention_days;
	gate_snapshot_take(v, &s->snap);
	s->direction = v->judgement.direction;
	session_take_judgement(s, v);
	await_set(s, v);
	r = names_fill(s, req, s->people);
	if (r < 0)
		return r;
	s->extra = session_extra(NULL, req, s->people);
	session_snapshot_offer(s, req);
	s->replaces_ok =
		sip_fields_lists(&req->fields, "Supported", "replaces");
	answer_origin_init(&s->origin, (uint64_t)s->started_wall_us,
			   sv->set->media.address);
	r = session_take_people(s);
	if (r == 0) {
		metadata_attribute(s->people, in->sdp, &in->warnings,
				   in->owners);
		trunk_order_people(&s->snap.trunk, in->sdp, in->owners, s->ords,
				   s->n_ords);
		r = session_plan(sv, NULL, t, &s->plan);
	}
	if (r < 0)
		return r;
	streams_attribute(s->plan->streams, s->plan->n_streams, in->owners,
			  s->ords, s->n_ords);
	trunk_set_source(&s->snap.trunk, s->plan->streams, s->plan->n_streams);
	trunk_check_vendor(sv, req, &s->snap.trunk);
	return ua_dialog_create(sv->ua, req, s, &s->dialog);
}

static void start_call(struct sip_server *sv, struct ua_request *req,
		       struct gate_verdict *v, struct metadata **people,
		       const struct sip_timer *t)
{
	struct session *s = NULL;
	struct ua_answer sorry = { .status = 500 };
	int r;

	r = session_create(sv, NULL, &s);
	if (r < 0) {
		turn_answer(sv, NULL, req, &sorry);
		return;
	}
	s->invite = req;
	req->user = s;
	s->people = STEAL(*people);
	r = fill_session(s, req, v, t);
	if (r < 0) {
		log_error(&s->log, "sip.call_failed", LOG_E(r));
		req->user = NULL;
		s->invite = NULL;
		if (!s->dialog) /* else its end answers */
			turn_answer(sv, NULL, req, &sorry);
		session_destroy(&s);
		return;
	}
	session_note_request(s, req);
	session_note_warnings(s, &sv->in->warnings);
	s->close_due_us = session_mono_us(sv) + OPEN_TIMEOUT_US;
	s->plan->sent = true;
	r = capture_open(s, s->plan->streams, s->plan->n_streams, false, false);
	if (r < 0) {
		turn_touch(s);
		session_refuse_busy(sv, s, req);
	}
}

static void judge_invite(struct sip_server *sv, struct ua_request *req,
			 struct metadata **people, bool known,
			 const struct sip_timer *t)
{
	struct intake *in = sv->in;
	struct gate_verdict v;

	intake_facts(sv, req, in->sdp, *people, known);
	in->gate.body_error = body_problem(in);
	in->gate.body_unknown = is_unknown(in, req);
	in->gate.may_wait =
		sv->set->sip.on_missing_metadata == 0 || await_is_idle(in->sdp);
	if (turn_begin(sv) < 0) {
		session_refuse_busy(sv, NULL, req);
		return;
	}
	gate_judge(sv->gate, &in->gate, &v);
	if (v.status != 200) {
		session_refuse(sv, NULL, req, &v);
		gate_verdict_fini(&v);
		return;
	}
	intake_permits(sv, &v, in->sdp->n_lines);
	offer_narrow(in);
	answer_plan(in->sdp, in->permits, SESSION_AUDIO_MAX,
		    streams_policy(sv, &v.snapshot.trunk), &in->warnings,
		    &in->answer);
	if (in->answer.n_accepted == 0)
		session_refuse_media(sv, NULL, req);
	else
		start_call(sv, req, &v, people, t);
	gate_verdict_fini(&v);
}

/* RFC 3261 8.2.2.3 would have it refused with 420; but who ignores an answer
 * of ours for lack of an extension loses no more than by that. */
static void warn_extensions(struct intake *in, const struct ua_request *req)
{
	char words[100];

	if (ua_request_unsupported(req, words, sizeof(words)))
		warn_add(&in->warnings, "sip.require_ignored", WARN_WARNING,
			 "required, but not supported: %s; recorded all the "
			 "same",
			 words);
}

static void on_invite(struct sip_server *sv, struct ua_request *req)
{
	struct sip_timer_config cfg = {
		.expires_s = (uint32_t)sv->set->sip.session_expires_s,
		.min_se_s = (uint32_t)sv->set->sip.min_se_s,
	};
	struct metadata *people = NULL;
	struct sip_timer t;
	bool known;

	if (sip_timer_judge(&cfg, &req->fields, &t) < 0) {
		session_refuse_timer(sv, NULL, req);
		return;
	}
	intake_read(sv, req);
	warn_extensions(sv->in, req);
	offer_wish(sv, req);
	if (find_people(sv, req, &people, &known) < 0)
		session_refuse_busy(sv, NULL, req);
	else
		judge_invite(sv, req, &people, known, &t);
	metadata_destroy(&people);
	intake_fini(sv);
}

static void on_options(struct sip_server *sv, struct ua_request *req)
{
	struct intake *in = sv->in;
	struct ua_answer a = {
		.status = 200,
		.headers = UA_ABILITIES,
	};
	struct metadata *nobody = NULL;
	struct gate_verdict v;

	if (metadata_create(&nobody) < 0 || turn_begin(sv) < 0) {
		metadata_destroy(&nobody);
		session_refuse_busy(sv, NULL, req);
		return;
	}
	intake_read(sv, req);
	intake_facts(sv, req, in->sdp, nobody, false);
	gate_options(sv->gate, &in->gate, &v);
	if (v.status == 200)
		turn_answer(sv, NULL, req, &a);
	else
		session_refuse(sv, NULL, req, &v);
	gate_verdict_fini(&v);
	intake_fini(sv);
	metadata_destroy(&nobody);
}

void session_on_request(void *arg, struct ua_request *req)
{
	struct sip_server *sv = arg;

	if (req->method == UA_OPTIONS)
		on_options(sv, req);
	else if (req->method == UA_REFER)
		session_on_refer(sv, req);
	else if (req->method == UA_SUBSCRIBE)
		session_on_subscribe(sv, req);
	else if (req->method == UA_INVITE)
		on_invite(sv, req);
	else
		answer_headers(sv, NULL, req, 405, NULL);
}

void session_on_cancelled(void *arg, struct ua_request *invite,
			  const struct ua_request *cancel)
{
	struct sip_server *sv = arg;
	struct session *s = invite->user;

	turn_forget(sv, invite);
	if (!s)
		return;
	session_note_request(s, cancel);
	if (s->invite == invite) {
		s->invite = NULL;
		log_info(&s->log, "sip.call_cancelled");
		session_discard(s);
	} else if (s->held == invite) {
		s->held = NULL;
	} else if (s->change == invite) {
		/* put back what capture may have changed already */
		if (s->plan && s->plan->sent)
			(void)capture_open(s, s->streams, s->n_streams, true,
					   false);
		session_change_drop(s);
	}
}

/* ---- capture has the ports ---- */

int session_create_row(struct session *s)
{
	struct recording_participant people[METADATA_PARTICIPANTS_MAX];
	struct recording_stream streams[CAP_STREAMS_MAX];
	char labels[CAP_STREAMS_MAX][CAP_LABEL_MAX], call_id[256];
	struct recording_new rn = {
		.id = s->id.s,
		.tenant_id = s->snap.tenant_id,
		.owner_id = s->snap.owner_id,
		.client_id = s->snap.client_id,
		.grant_id = s->snap.grant_id,
		.call_id = call_id,
		.node = s->sv->node,
		.spool_file = s->spool_file,
		.started_us = s->started_wall_us,
		.retain_us = s->retention_days * DAY_US,
		.meta = s->extra,
		.participants = people,
		.streams = streams,
		.n_streams = s->n_streams,
	};
	struct buf state;
	int r;

	for (unsigned i = 0; i < s->people->n_participants; i++) {
		if (!s->people->participants[i].left)
			people[rn.n_participants++] =
				person(s, i, s->started_wall_us);
	}
	for (unsigned i = 0; i < s->n_streams; i++)
		streams[i] = stream_row(&s->streams[i], labels[i]);
	(void)str_copy(call_id, sizeof(call_id), ua_dialog_call_id(s->dialog));
	str_clean(call_id);
	buf_init(&state, SESSION_STATE_MAX);
	r = session_save(s, &state);
	if (r == 0) {
		rn.dialog = buf_str(&state);
		r = turn_begin(s->sv);
	}
	if (r == 0)
		r = recording_create(s->sv->db, &rn);
	if (r == 0)
		r = session_model_store(s, s->invite);
	buf_fini(&state);
	return r;
}

/* Take plan and ports; say yes after the commit. */
static int accept_call(struct session *s, const struct cap_opened *o)
{
	struct session_change *p = s->plan;
	struct ua_answer a = { .status = 200,
			       .content_type = "application/sdp" };
	struct buf headers, sdp;
	int r;

	r = streams_take_ports(p->streams, p->n_streams, o);
	if (r < 0)
		return r;
	streams_fill_answer(p->streams, p->n_streams, &p->answer);
	buf_init(&sdp, 64 * 1024);
	buf_init(&headers, 1024);
	r = p->wish ? answer_print_offer(p->sdp, &p->answer, &s->origin, &sdp)
		    : answer_print(p->sdp, &p->answer, &s->origin, &sdp);
	if (r == 0) {
		s->answer = mem_strdup(buf_str(&sdp));
		s->streams =
			mem_dup(p->streams, p->n_streams * sizeof(*p->streams));
		s->n_streams = p->n_streams;
		s->offer = STEAL(p->offer);
		s->offered = s->wished = p->wish;
		s->aware = p->aware;
		r = s->answer && s->streams ? 0 : -ENOMEM;
	}
	if (r == 0) {
		session_take_timer(s, &p->timer);
		s->ack_due_us = session_mono_us(s->sv) +
				ACK_WAIT_T1 * s->sv->set->sip.t1_us;
		if (sip_fields_lists(&s->invite->fields, "Require", "100rel"))
			s->prack_due_us = s->ack_due_us;
		r = session_create_row(s);
	}
	if (r == 0) {
		s->row = true;
		prefs_tell(s, NULL, 0);
		s->state = SESSION_ACCEPTING;
		s->close_due_us = INT64_MAX;
		turn_touch(s);
		session_answer_headers(s->invite, &p->timer, &headers);
		a.headers = buf_str(&headers);
		a.body = (struct span){ buf_str(&sdp), sdp.len };
		turn_answer(s->sv, s, s->invite, &a);
		session_plan_free(&s->plan);
	}
	buf_fini(&headers);
	buf_fini(&sdp);
	return r;
}

void session_on_opened(struct session *s, const struct cap_opened *o)
{
	int r = o->error;

	if (s->dialing) {
		dialout_opened(s, o);
		return;
	}
	if (s->state != SESSION_OPENING || !s->invite)
		return; /* refused or cancelled meanwhile */
	if (r == 0) {
		(void)str_copy(s->spool_file, sizeof(s->spool_file),
			       o->spool_file);
		r = accept_call(s, o);
	}
	if (r == 0)
		return;
	log_warn(&s->log, "sip.call_not_opened", LOG_E(r));
	turn_touch(s);
	session_refuse_busy(s->sv, s, s->invite);
}
