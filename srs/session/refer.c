/* REFER: a client that may be recorded asks us to call somebody (Refer-To) and
 * record what comes, under its own grant; or, in the dialog of a recording
 * session (or with Target-Dialog, RFC 4538), to hand that one to another node.
 *
 * The 200 (RFC 7647: never 202) makes a subscription in the REFER's dialog;
 * Require: explicitsub (RFC 7614) names an address to subscribe to instead;
 * Refer-Sub: false (RFC 4488) and Require: nosub (RFC 7614) make none. Where we
 * may call is [sip] dial_to, as for the API; whom a session may be handed to
 * is [sip] nodes. What is in a Refer-To is read in srs/sip/refer_to.c.
 *
 * Source: RFC 3515.
 */
#include "srs/session/refer.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "srs/session/session.h"
#include "srs/sip/refer_to.h"
#include "storage/commands.h"

#define RETRY_S 64 /* as long as states are kept */

enum sub_mode { SUB_IMPLICIT, SUB_EXPLICIT, SUB_NONE };

/* A REFER, and who sent it. */
struct asked {
	struct sip_server *sv;
	struct ua_request *req;
	struct session *s; /* it is about, NULL = none */
	bool within;	   /* came in the dialog of s */
	const struct gate_snapshot *who;
	struct refer_to to;
	enum sub_mode mode;
};

/* ---- answers ---- */

static void answer(struct asked *a, int status, const char *headers)
{
	struct ua_answer out = { .status = status, .headers = headers };
	struct ua_request *req = a->req;
	enum ua_transport transport = req->transport;
	char peer[UA_PEER_MAX];
	struct buf sent;

	(void)str_copy(peer, sizeof(peer), req->peer);
	a->req = NULL;
	buf_init(&sent, 64 * 1024);
	(void)ua_answer(req, &out, &sent);
	if (a->within)
		session_note_message(a->s, false,
				     (struct span){ buf_str(&sent), sent.len },
				     transport, peer);
	buf_fini(&sent);
}

static void answer_why(struct asked *a, int status, const char *what,
		       const char *why)
{
	char warning[400];

	(void)snprintf(warning, sizeof(warning),
		       "Warning: 399 %s \"%s %s\"\r\n", a->sv->node, what, why);
	answer(a, status, warning);
}

/* ---- reading ---- */

/* Outside of a dialog the agent has looked already. multiple-refer for example
 * means more than one target. @return true: answered with 420 */
static bool refuse_unknown(struct asked *a)
{
	char words[200], header[240];

	if (!ua_request_unsupported(a->req, words, sizeof(words)))
		return false;
	(void)snprintf(header, sizeof(header), "Unsupported: %s\r\n", words);
	answer(a, 420, header);
	return true;
}

/* @return true, or it is answered */
static bool read_request(struct asked *a)
{
	const struct sip_fields *f = &a->req->fields;
	bool explicitsub = sip_fields_lists(f, "Require", "explicitsub");
	bool nosub = sip_fields_lists(f, "Require", "nosub");
	struct span v = ua_request_field(a->req, "Refer-Sub", 0);
	const char *bad;

	if (refuse_unknown(a))
		return false;
	a->mode = explicitsub ? SUB_EXPLICIT : nosub ? SUB_NONE : SUB_IMPLICIT;
	if (a->mode == SUB_IMPLICIT && span_istarts(v, "false"))
		a->mode = SUB_NONE;
	v = ua_request_field(a->req, "Refer-To", 0);
	if (v.len == 0 || ua_request_field(a->req, "Refer-To", 1).len)
		bad = "must be there once";
	else if (explicitsub && nosub)
		bad = "with both nosub and explicitsub asks too much";
	else
		bad = refer_to_parse(v, &a->to);
	if (bad)
		answer_why(a, 400, "Refer-To", bad);
	return !bad;
}

/* ---- doing it ---- */

static json_t *record_args(const struct asked *a)
{
	json_t *j = json_pack("{ss ss}", "from", a->to.uri, "grant_id",
			      a->who->grant_id);
	struct buf b;

	if (a->to.streams)
		json_object_set_new(j, "streams", json_integer(a->to.streams));
	if (!a->to.replaces.call_id[0])
		return j;
	buf_init(&b, 1024);
	replaces_print(&a->to.replaces, &b);
	json_object_set_new(j, "replaces", json_string(buf_str(&b)));
	buf_fini(&b);
	return j;
}

/* As a command of the catalog, so that it is found there and audited. */
static void start(struct asked *a, bool hand_over, struct refer **refer)
{
	struct sip_server *sv = a->sv;
	json_t *j =
		hand_over ? json_pack("{ss}", "to", a->to.uri) : record_args(a);
	char *args = j ? json_dumps(j, JSON_COMPACT) : NULL;
	char actor[64];
	struct command_new n = {
		.node = sv->node,
		.tenant_id = a->who->tenant_id,
		.kind = hand_over ? "hand-over" : "record",
		.recording_id = hand_over ? a->s->id.s : "",
		.args = args,
		.actor = actor,
		.asked_us = session_wall_us(sv),
	};
	struct command c = { .tenant_id = n.tenant_id,
			     .kind = n.kind,
			     .recording_id = n.recording_id,
			     .args = args,
			     .actor = actor,
			     .asked_us = n.asked_us };

	(void)snprintf(actor, sizeof(actor), "client:%s", a->who->client_id);
	if (args && turn_begin(sv) == 0 &&
	    turn_check(sv, command_add(sv->db, &n, &c.id)) == 0) {
		sv->turn.poke = true;
		if (!hand_over)
			dialout_start(sv, &c, refer);
		else
			(void)handover_start(sv, &c, refer); /* it is up */
	}
	refer_end(refer, 503); /* unless somebody took it */
	mem_free(args);
	json_decref(j);
}

/* @return true, or it is answered */
static bool subscribe(struct asked *a, struct refer *r)
{
	struct ua_dialog *dialog = NULL;
	int bad = 0;

	if (a->mode != SUB_IMPLICIT)
		return true;
	if (a->within) {
		bad = refer_add_session(r, a->s, a->req->cseq);
	} else {
		bad = ua_dialog_create(a->sv->ua, a->req, NULL, &dialog);
		if (bad == 0)
			bad = refer_add_dialog(r, &dialog, a->who);
		ua_dialog_destroy(&dialog);
	}
	if (bad < 0 && a->req)
		answer(a, 500, NULL);
	return bad == 0;
}

static void say_yes(struct asked *a, const struct refer *r)
{
	char at[UA_LOCAL_MAX], headers[UA_LOCAL_MAX + 200];
	const char *more = "";

	if (a->mode == SUB_NONE)
		more = "Refer-Sub: false\r\n";
	(void)snprintf(headers, sizeof(headers),
		       "Supported: " REFER_EXTENSIONS "\r\n%s", more);
	if (a->mode == SUB_EXPLICIT && ua_request_local(a->req, at) == 0)
		(void)snprintf(headers, sizeof(headers),
			       "Supported: " REFER_EXTENSIONS
			       "\r\nRefer-Events-At: <sip:refer-%s@%s>\r\n",
			       refer_key(r), at);
	/* said before the commit: it promises nothing but to try */
	answer(a, 200, headers);
}

static void accept_refer(struct asked *a)
{
	bool hand_over = false;
	const char *bad =
		a->s ? handover_check(a->sv, a->to.uri, &hand_over) : NULL;
	struct refer *refer = NULL;
	char header[40];

	if (!bad && hand_over && a->to.replaces.call_id[0])
		bad = "names a node: what it replaces is this session";
	if (bad) {
		answer_why(a, 400, "Refer-To", bad);
		return;
	}
	if (refer_create(a->sv, a->who, &refer) < 0) {
		(void)snprintf(header, sizeof(header), "Retry-After: %d\r\n",
			       RETRY_S);
		answer(a, 503, header);
		return;
	}
	if (!subscribe(a, refer)) {
		refer_end(&refer, 500);
		return;
	}
	say_yes(a, refer);
	refer_tell(refer);
	start(a, hand_over, &refer);
}

/* ---- which session ---- */

struct wanted {
	const struct sip_dialog_id *id;
	struct session *found;
};

static void is_it(struct session *s, void *arg)
{
	struct wanted *w = arg;

	if (s->dialog &&
	    (s->state == SESSION_LIVE || s->state == SESSION_RESUMING) &&
	    ua_dialog_is(s->dialog, w->id))
		w->found = s;
}

/* Target-Dialog; a session of somebody else is none. @return true, or it is
 * answered */
static bool find_target(struct asked *a)
{
	struct span v = ua_request_field(a->req, "Target-Dialog", 0);
	struct sip_dialog_id id;
	struct wanted w = { .id = &id };

	if (v.len == 0)
		return true;
	if (target_dialog_parse(v, &id) < 0) {
		answer_why(a, 400, "Target-Dialog", "cannot be read");
		return false;
	}
	session_each(a->sv, is_it, &w);
	if (w.found && str_eq(w.found->snap.client_id, a->who->client_id) &&
	    str_eq(w.found->snap.tenant_id, a->who->tenant_id)) {
		a->s = w.found;
		return true;
	}
	answer(a, 481, NULL);
	return false;
}

void session_on_refer(struct sip_server *sv, struct ua_request *req)
{
	struct asked a = { .sv = sv, .req = req };
	struct gate_verdict v;

	if (!read_request(&a))
		return;
	if (turn_begin(sv) < 0) {
		session_refuse_busy(sv, NULL, req);
		return;
	}
	intake_read(sv, req);
	intake_facts(sv, req, NULL, sv->nobody, false);
	gate_identify(sv->gate, "call.refer", &sv->in->gate, &v);
	intake_fini(sv); /* the call of ours uses it anew */
	a.who = &v.snapshot;
	if (v.status != 200)
		session_refuse(sv, NULL, req, &v);
	else if (find_target(&a))
		accept_refer(&a);
	gate_verdict_fini(&v);
}

void refer_on_within(struct session *s, struct ua_request *req)
{
	struct sip_server *sv = s->sv;
	struct asked a = {
		.sv = sv, .req = req, .s = s, .within = true, .who = &s->snap
	};
	struct gate_verdict v;

	if (!read_request(&a))
		return;
	if (s->state != SESSION_LIVE && s->state != SESSION_RESUMING) {
		answer(&a, 481, NULL);
		return;
	}
	if (turn_begin(sv) < 0) {
		session_refuse_busy(sv, s, req);
		return;
	}
	intake_read(sv, req);
	intake_facts(sv, req, NULL, sv->nobody, false);
	gate_refer_within(sv->gate, &s->snap, &sv->in->gate, &v);
	intake_fini(sv);
	if (v.status == 200)
		accept_refer(&a);
	else
		session_refuse(sv, s, req, &v);
	gate_verdict_fini(&v);
}
