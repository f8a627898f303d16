/* Calls that we start: an INVITE to a recording client, under a grant that
 * somebody chose who may (srs record, the API, REFER).
 *
 *	command -> gate -> INVITE without SDP -> 200 with the client's offer
 *	-> gate -> capture has the ports -> catalog -> ACK with our answer
 *
 * What is to be recorded is the client's to say. The gate is asked before the
 * INVITE, as if one audio line would come, and again about what came. Metadata
 * comes in the 200 (multipart) or by a request of the client's. Until the ports
 * are there is no recording in the catalog, only the command.
 *
 * Source: RFC 7866 sections 6.2 and 7.2.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/settings.h"
#include "base/str.h"
#include "srs/session/refer.h"
#include "srs/session/session.h"
#include "srs/sip/refer_to.h"
#include "srs/siprec/sdp.h"
#include "storage/commands.h"

#define OPEN_TIMEOUT_US 3000000
#define NOTHING "nothing that the client offers can be recorded"

static const char *const labels[] = { "1" };

/* ---- how it went ---- */

static void over(struct session *s, enum command_state state,
		 const char *detail)
{
	int64_t command = s->command;

	s->command = 0;
	if (command)
		command_over(s->sv, command, "record", s->snap.tenant_id,
			     s->id.s, s->command_actor, state, detail);
	refer_end_state(&s->refer, (int)state, s->dial_status);
}

static void give_up(struct session *s, enum command_state state,
		    const char *detail)
{
	s->dialing = false;
	log_info(&s->log, "sip.call_not_started", LOG_S("why", detail));
	over(s, state, detail);
	session_discard(s); /* its dialog's end cancels or hangs up */
}

void dialout_failed(struct session *s, const char *detail)
{
	if (s->dialing)
		give_up(s, COMMAND_FAILED, detail);
}

static void acknowledge(struct session *s, struct span answer)
{
	struct buf sent;

	buf_init(&sent, 64 * 1024);
	if (ua_dialog_ack(s->dialog, answer, &sent) < 0)
		log_warn(&s->log, "sip.ack_not_sent");
	session_note_message(s, false,
			     (struct span){ buf_str(&sent), sent.len },
			     ua_dialog_transport(s->dialog),
			     ua_dialog_peer(s->dialog));
	buf_fini(&sent);
}

/* With this answer, or with none when it can't be printed. */
static void confirm(struct session *s, const struct sdp *offer,
		    const struct answer *a)
{
	struct buf sdp;

	buf_init(&sdp, 64 * 1024);
	if (answer_print(offer, a, &s->origin, &sdp) < 0)
		sdp.len = 0;
	acknowledge(s, (struct span){ buf_str(&sdp), sdp.len });
	buf_fini(&sdp);
}

/* After the 2xx: what the client offers is not taken. */
static void hang_up(struct session *s, enum command_state state,
		    const char *detail)
{
	(void)ua_dialog_ack(s->dialog, (struct span){ "", 0 }, NULL);
	(void)session_send(
		s, UA_BYE,
		state == COMMAND_REFUSED
			? "Reason: SIP;cause=403;text=\"Not authorized\"\r\n"
			: "Reason: SIP;cause=488;text=\"Not recorded\"\r\n");
	give_up(s, state, detail);
}

/* ---- what is asked ---- */

struct wanted {
	const char *from, *grant_id;
	unsigned streams;
	json_t *people;	      /* AoRs */
	const char *replaces; /* NULL = nothing */
	struct refer **refer;
};

static bool read_wanted(const json_t *o, struct wanted *w)
{
	const json_t *n = json_object_get(o, "streams");

	w->from = json_string_value(json_object_get(o, "from"));
	w->grant_id = json_string_value(json_object_get(o, "grant_id"));
	w->people = json_object_get(o, "participants");
	w->replaces = json_string_value(json_object_get(o, "replaces"));
	w->streams = n ? (unsigned)json_integer_value(n) : SESSION_AUDIO_MAX;
	return w->from && w->grant_id && w->streams >= 1 &&
	       w->streams <= SESSION_AUDIO_MAX;
}

static bool may_call(const struct sip_server *sv, const char *actor,
		     const char *host)
{
	struct span rest = span_of(sv->set->sip.dial_to);

	if (str_eq(actor, "operator"))
		return true;
	while (rest.len > 0) {
		struct span one = span_trim(span_cut(&rest, ','));

		if (span_eq(one, "*") || span_ieq(one, host))
			return true;
	}
	return false;
}

static int read_people(const json_t *list, struct metadata **ret_md)
{
	struct metadata *md = NULL;
	char id[24], aor[256];
	int r = metadata_create(&md);

	for (size_t i = 0; r >= 0 && i < json_array_size(list); i++) {
		const char *s = json_string_value(json_array_get(list, i));

		(void)str_copy(aor, sizeof(aor), s ? s : "");
		str_clean(aor);
		(void)snprintf(id, sizeof(id), "asked-%zu", i);
		r = metadata_add_participant(md, id, aor, NULL);
	}
	if (r < 0) {
		metadata_destroy(&md);
		return r;
	}
	*ret_md = md;
	return 0;
}

/* For the gate, before we know what will be offered. */
static int make_wish(struct intake *in)
{
	struct buf text;
	int r;

	memset(&in->body, 0, sizeof(in->body));
	memset(&in->warnings, 0, sizeof(in->warnings));
	buf_init(&text, SDP_TEXT_MAX);
	r = answer_print_wish(labels, ARRAY_SIZE(labels), &text);
	in->wish = r == 0 ? buf_steal(&text) : NULL;
	buf_fini(&text);
	if (!in->wish)
		return r < 0 ? r : -ENOMEM;
	in->body.sdp = span_of(in->wish);
	in->body.has_sdp = true;
	return sdp_read(in->body.sdp, NULL, &in->sdp);
}

static void fill_facts(struct sip_server *sv, const struct metadata *people,
		       const struct ua_address *a)
{
	struct intake *in = sv->in;
	struct gate_peer *p = &in->gate.peer;

	intake_facts(sv, NULL, in->sdp, people, people->n_participants > 0);
	in->gate.method = "INVITE";
	in->gate.may_wait = sv->set->sip.on_missing_metadata == 0;
	(void)str_copy(in->address, sizeof(in->address), a->host);
	p->address = in->address;
	p->transport = a->transport == UA_TLS	? GATE_TLS
		       : a->transport == UA_TCP ? GATE_TCP
						: GATE_UDP;
	p->loopback =
		strncmp(a->host, "127.", 4) == 0 || str_eq(a->host, "::1");
}

/* ---- the INVITE ---- */

static int send_invite(struct session *s)
{
	char headers[1100];
	const struct ua_send m = {
		.method = UA_INVITE,
		.headers = headers,
	};

	(void)snprintf(headers, sizeof(headers),
		       "Require: siprec%s\r\n%s%s%s"
		       "Allow: " UA_ALLOW "\r\n"
		       "Accept: application/sdp, multipart/mixed, "
		       "application/rs-metadata+xml, application/rs-metadata"
		       "\r\n"
		       "Supported: siprec, timer\r\n"
		       "Session-Expires: %lld;refresher=uas\r\n",
		       s->replaces ? ", replaces" : "",
		       s->replaces ? "Replaces: " : "",
		       s->replaces ? s->replaces : "",
		       s->replaces ? "\r\n" : "",
		       (long long)s->sv->set->sip.session_expires_s);
	return session_send_body(s, &m);
}

/* ---- the session ---- */

/* Kept as text: "id;to-tag=a;from-tag=b". */
static int take_replaces(struct session *s, const char *text)
{
	struct sip_dialog_id id;

	if (replaces_parse(span_of(text), &id) < 0)
		return -EINVAL;
	s->replaces = mem_strdup(text);
	return s->replaces ? 0 : -ENOMEM;
}

static int fill_session(struct session *s, struct gate_verdict *v,
			const struct wanted *w)
{
	struct sip_server *sv = s->sv;
	const struct ua_dial dial = { .uri = w->from };

	s->retention_days = v->retention_days;
	gate_snapshot_take(v, &s->snap);
	s->direction = v->judgement.direction;
	session_take_judgement(s, v);
	s->dial_waits = v->wait_metadata;
	answer_origin_init(&s->origin, (uint64_t)s->started_wall_us,
			   sv->set->media.address);
	s->dial_streams = w->streams;
	if (w->replaces && take_replaces(s, w->replaces) < 0)
		return -EINVAL;
	return ua_dialog_dial(sv->ua, &dial, s, &s->dialog);
}

static const char *begin(struct sip_server *sv, const struct command *c,
			 const struct wanted *w, struct gate_verdict *v,
			 struct metadata **people)
{
	struct session *s = NULL;
	int r;

	if (session_create(sv, NULL, &s) < 0)
		return "no memory";
	s->people = STEAL(*people);
	r = fill_session(s, v, w);
	if (r < 0) {
		session_destroy(&s);
		return r == -EPROTONOSUPPORT
			       ? "no listener of that transport and family"
			       : "the call could not be prepared";
	}
	s->dialing = true;
	s->command = c->id;
	(void)str_copy(s->command_actor, sizeof(s->command_actor), c->actor);
	s->close_due_us = session_mono_us(sv) + sv->set->sip.dial_timeout_us;
	r = send_invite(s);
	if (r == 0)
		r = command_set(sv->db, c->id, COMMAND_GOING, s->id.s, "",
				session_wall_us(sv));
	if (r < 0) {
		s->command = 0; /* the caller tells */
		dialout_failed(s, "invite");
		return "the INVITE could not be sent";
	}
	if (w->refer)
		s->refer = STEAL(*w->refer);
	sv->turn.poke = true;
	return NULL;
}

/* @return what is wrong or NULL; *ret_state says whose fault it is */
static const char *judge(struct sip_server *sv, const struct command *c,
			 const struct wanted *w, struct metadata **people,
			 char *detail, enum command_state *ret_state)
{
	struct intake *in = sv->in;
	const char *bad = NULL;
	struct gate_verdict v;

	gate_judge_grant(sv->gate, w->grant_id, c->tenant_id, &in->gate, &v);
	if (v.status == 200) {
		bad = begin(sv, c, w, &v, people);
	} else {
		*ret_state = v.status == 503 ? COMMAND_FAILED : COMMAND_REFUSED;
		(void)snprintf(detail, COMMAND_DETAIL_MAX, "%d %s", v.status,
			       v.reason ? v.reason : "");
		if (v.judgement.n_violations)
			violation_text(&v.judgement.violations[0], detail,
				       COMMAND_DETAIL_MAX);
		bad = detail;
	}
	gate_verdict_fini(&v);
	return bad;
}

static const char *start(struct sip_server *sv, const struct command *c,
			 const struct wanted *w, char *detail,
			 enum command_state *ret_state)
{
	struct metadata *people = NULL;
	struct ua_address a;
	const char *bad;

	*ret_state = COMMAND_FAILED;
	if (ua_dial_parse(w->from, &a) < 0)
		return "from: not a SIP URI with an IP address";
	if (!may_call(sv, c->actor, a.host)) {
		*ret_state = COMMAND_REFUSED;
		return "[sip] dial_to does not name that address";
	}
	if (read_people(w->people, &people) < 0 || make_wish(sv->in) < 0 ||
	    turn_begin(sv) < 0) {
		metadata_destroy(&people);
		return "no memory, or the database is busy";
	}
	fill_facts(sv, people, &a);
	bad = judge(sv, c, w, &people, detail, ret_state);
	metadata_destroy(&people);
	return bad;
}

void dialout_start(struct sip_server *sv, const struct command *c,
		   struct refer **refer)
{
	json_t *args = json_loads(c->args, JSON_REJECT_DUPLICATES, NULL);
	enum command_state state = COMMAND_FAILED;
	const char *bad = "from, grant_id and 1 to 16 streams are needed";
	char detail[COMMAND_DETAIL_MAX];
	struct wanted w = { .refer = refer };

	if (read_wanted(args, &w)) {
		bad = start(sv, c, &w, detail, &state);
		intake_fini(sv);
	}
	if (bad)
		command_over(sv, c->id, c->kind, c->tenant_id, "", c->actor,
			     state, bad);
	if (bad && refer)
		refer_end_state(refer, (int)state, 0);
	json_decref(args);
}

/* ---- the answer ---- */

static void take_timer(struct session *s, const struct ua_response *res)
{
	struct sip_timer t = { 0 };
	struct span v, who;

	if (sip_fields_get(&res->fields, "Session-Expires", 0, &v) &&
	    sip_leading_u32(v, &t.expires_s) == 0)
		t.we_refresh = sip_param_get(v, "refresher", &who) &&
			       span_ieq(who, "uac");
	session_take_timer(s, &t);
}

/* Who takes part, if the answer says so; else it may come later. */
static void take_people(struct session *s)
{
	struct intake *in = s->sv->in;

	if (in->body.has_metadata &&
	    metadata_parse(in->body.metadata, &in->warnings, &in->md) == 0 &&
	    in->md->n_participants > 0) {
		metadata_destroy(&s->people);
		s->people = STEAL(in->md);
		s->n_ords = s->next_ord = 0;
	}
	if (s->people->n_participants == 0)
		warn_add(&in->warnings, "metadata.missing", WARN_WARNING,
			 "the call started without a description of who "
			 "takes part");
	if (s->dial_waits && s->people->n_participants == 0)
		s->metadata_due_us = session_mono_us(s->sv) +
				     s->sv->set->sip.missing_metadata_wait_us;
	else
		s->described = true;
}

/* The client's offer, as the gate permits it. @return what is wrong or NULL */
static const char *plan_offer(struct session *s, const struct gate_verdict *v)
{
	struct sip_server *sv = s->sv;
	struct intake *in = sv->in;

	intake_permits(sv, v, in->sdp->n_lines);
	answer_plan(in->sdp, in->permits, s->dial_streams,
		    streams_policy(s->sv, NULL), &in->warnings, &in->answer);
	if (in->answer.n_accepted == 0)
		return NOTHING;
	if (session_take_people(s) < 0)
		return "no memory";
	metadata_attribute(s->people, in->sdp, &in->warnings, in->owners);
	if (session_plan(sv, NULL, &s->timer, &s->plan) < 0)
		return "no memory";
	streams_attribute(s->plan->streams, s->plan->n_streams, in->owners,
			  s->ords, s->n_ords);
	session_note_warnings(s, &in->warnings);
	s->close_due_us = session_mono_us(sv) + OPEN_TIMEOUT_US;
	s->plan->sent = true;
	if (capture_open(s, s->plan->streams, s->plan->n_streams, false,
			 false) < 0)
		return "the media process is not there";
	return NULL;
}

/* Its ACK must not be without an answer: every line is refused. */
static void refuse_offer(struct session *s)
{
	struct intake *in = s->sv->in;
	struct answer_permit none[SDP_LINES_MAX] = { 0 };

	answer_plan(in->sdp, none, s->dial_streams, streams_policy(s->sv, NULL),
		    NULL, &in->answer);
	confirm(s, in->sdp, &in->answer);
}

static void judge_offer(struct session *s)
{
	struct intake *in = s->sv->in;
	struct gate_verdict v;
	const char *bad;

	answer_plan(in->sdp, NULL, s->dial_streams, streams_policy(s->sv, NULL),
		    NULL, &in->answer);
	if (in->answer.n_accepted == 0) {
		refuse_offer(s);
		hang_up(s, COMMAND_FAILED, NOTHING);
		return;
	}
	if (turn_begin(s->sv) < 0) {
		refuse_offer(s);
		hang_up(s, COMMAND_FAILED, "the database is busy");
		return;
	}
	session_judge(s, NULL, &v);
	if (v.status != 200) {
		refuse_offer(s);
		hang_up(s, COMMAND_REFUSED,
			"what the client offers is not authorized");
	} else if ((bad = plan_offer(s, &v)) != NULL) {
		if (in->sdp) /* else it is with the plan */
			refuse_offer(s);
		hang_up(s, COMMAND_FAILED, bad);
	}
	gate_verdict_fini(&v);
}

static void take_answer(struct session *s, const struct ua_response *res)
{
	struct intake *in = s->sv->in;

	memset(&in->body, 0, sizeof(in->body));
	memset(&in->warnings, 0, sizeof(in->warnings));
	body_read(res->content_type, res->body, &in->warnings, &in->body);
	if (in->body.has_sdp)
		(void)sdp_read(in->body.sdp, &in->warnings, &in->sdp);
	take_people(s);
	if (in->sdp && in->sdp->n_lines)
		judge_offer(s);
	else
		hang_up(s, COMMAND_FAILED, "the client's answer has no offer");
	intake_fini(s->sv);
}

void dialout_answered(struct session *s, const struct ua_response *res)
{
	char detail[80];

	if (s->state != SESSION_OPENING || s->plan)
		return;
	if (res->status / 100 != 2) {
		s->dial_status = res->status;
		(void)snprintf(detail, sizeof(detail),
			       !res->text.len ? "no answer"
					      : "the client answered %d",
			       res->status);
		dialout_failed(s, detail);
		return;
	}
	session_snapshot_answers(s, &res->fields);
	s->replaces_ok =
		sip_fields_lists(&res->fields, "Supported", "replaces");
	take_timer(s, res);
	s->started_us = s->active_us = session_mono_us(s->sv);
	take_answer(s, res);
}

/* ---- the ports ---- */

static int take_ports(struct session *s, const struct cap_opened *o)
{
	struct session_change *p = s->plan;
	struct buf sdp;
	int r = o->error;

	if (r == 0)
		r = streams_take_ports(p->streams, p->n_streams, o);
	if (r < 0)
		return r;
	(void)str_copy(s->spool_file, sizeof(s->spool_file), o->spool_file);
	streams_fill_answer(p->streams, p->n_streams, &p->answer);
	buf_init(&sdp, 64 * 1024);
	r = answer_print(p->sdp, &p->answer, &s->origin, &sdp);
	s->answer = r == 0 ? buf_steal(&sdp) : NULL;
	buf_fini(&sdp);
	s->streams = mem_dup(p->streams, p->n_streams * sizeof(*p->streams));
	s->n_streams = p->n_streams;
	s->offer = STEAL(p->offer);
	s->aware = p->aware;
	session_plan_free(&s->plan);
	if (r == 0 && (!s->answer || !s->streams))
		r = -ENOMEM;
	return r;
}

void dialout_opened(struct session *s, const struct cap_opened *o)
{
	struct sip_server *sv = s->sv;

	if (!s->plan)
		return;
	if (take_ports(s, o) < 0) {
		dialout_failed(s, "no ports or no disk for the media");
		return;
	}
	if (turn_begin(sv) < 0 || turn_check(sv, session_create_row(s)) < 0) {
		dialout_failed(s, "the catalog could not take it");
		return;
	}
	s->row = true;
	prefs_tell(s, NULL, 0);
	s->state = SESSION_ACCEPTING;
	s->close_due_us = INT64_MAX;
	turn_touch(s);
	sv->turn.poke = true;
}

void dialout_accepted(struct session *s)
{
	s->dialing = false;
	acknowledge(s, span_of(s->answer));
	over(s, COMMAND_DONE, "");
}

void dialout_lost(struct session *s)
{
	dialout_failed(s, "the catalog could not take it");
}
