/* A running session goes to another node, and nothing of it is lost.
 *
 *	client        this node                    the other node
 *	  |  REFER, API or command                       |
 *	  |---------------->|  REFER (to the client, Replaces: our dialog)
 *	  |                 |--------------------------->|
 *	  |        INVITE, Require: siprec, replaces     |
 *	  |<---------------------------------------------|
 *	  |  200 (media goes to both now)                |
 *	  |--------------------------------------------->|
 *	  |  BYE            |        NOTIFY 200          |
 *	  |---------------->|<---------------------------|
 *
 * We go on recording until the client's BYE: parts may be there twice, never
 * missing. Whatever fails leaves the session as it was.
 *
 * The other node has to know us by a trunk (TLS client certificate, or address
 * where it allows that): its gate judges the session as any other of that
 * trunk's grant. The client's own token is not passed on: a token is kept or
 * sent nowhere by this server, and a command of the operator or the API has
 * none. The user part of the address tells the other node whose account it
 * is, for trunks that are bound to it (uri_user): the tenant's name. Only the
 * operator may name another: the other node takes our word for it.
 *
 * Source: RFC 3515, 3891.
 */
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
#include "storage/catalog_recording.h"
#include "storage/commands.h"
#include "storage/db.h"

static enum gate_transport gate_transport_of(enum ua_transport t)
{
	return t == UA_TLS ? GATE_TLS : t == UA_TCP ? GATE_TCP : GATE_UDP;
}

/* Beyond the time that the other node's call may ring. */
#define MORE_US INT64_C(10000000)

struct handover {
	struct handover *next;
	struct sip_server *sv;
	struct ua_dialog *dialog;  /* to the other node */
	struct gate_snapshot with; /* that node; no conditions */
	struct refer *refer;	   /* who asked, NULL = nobody to tell */
	int64_t command;
	char actor[64];
	struct id session;
	char tenant_id[ID_LEN + 1];
	char node[UA_PEER_MAX]; /* its address */
	int64_t due_us;
	bool over;
};

/* ---- who may be told ---- */

/* "192.0.2.1", "192.0.2.1:5061", "[2001:db8::1]:5061": the port, if any, has
 * to be the same. */
static bool is_node(struct span one, const struct ua_address *a)
{
	char with_port[UA_PEER_MAX + 8], bare[UA_PEER_MAX + 2];
	bool v6 = strchr(a->host, ':') != NULL;

	(void)snprintf(bare, sizeof(bare), v6 ? "[%s]" : "%s", a->host);
	(void)snprintf(with_port, sizeof(with_port), "%s:%s", bare, a->port);
	return span_ieq(one, with_port) || span_ieq(one, bare) ||
	       span_ieq(one, a->host);
}

const char *handover_check(const struct sip_server *sv, const char *uri,
			   bool *ret_listed)
{
	struct span rest = span_of(sv->set->sip.nodes);
	struct ua_address a;

	*ret_listed = false;
	if (ua_dial_parse(uri, &a) < 0)
		return "is not a SIP URI with an IP address";
	while (rest.len > 0 && !*ret_listed)
		*ret_listed = is_node(span_trim(span_cut(&rest, ',')), &a);
	return NULL;
}

/* ---- how it went ---- */

bool handover_ends(const struct session *s)
{
	if (s->handed_over)
		return true;
	for (const struct handover *h = s->sv->handovers; h; h = h->next) {
		if (!h->over && str_eq(h->session.s, s->id.s))
			return true;
	}
	return false;
}

static void note(struct handover *h, struct session *s, const char *kind)
{
	const struct recording_event ev = { .at_us = session_wall_us(h->sv),
					    .kind = kind,
					    .participant = -1,
					    .stream = -1,
					    .text = h->node };
	int r;

	if (s && s->state < SESSION_DISCARDING) {
		session_note_event(s, kind, -1, -1, h->node);
		return;
	}
	if (turn_begin(h->sv) < 0)
		return;
	r = recording_add_event(h->sv->db, h->session.s, &ev);
	if (r != -ENOENT)
		(void)turn_check(h->sv, r);
}

/* It was ended as handed over, and was not. */
static void correct_end(struct handover *h, struct session *s)
{
	int r;

	if (s && s->state <= SESSION_RESUMING)
		return; /* it goes on as it was */
	if (s && s->state == SESSION_CLOSING && !s->finishing) {
		(void)str_copy(s->end_reason, sizeof(s->end_reason), "bye");
		return;
	}
	if (turn_begin(h->sv) < 0)
		return;
	r = recording_set_end_reason(h->sv->db, h->session.s, "bye");
	if (r != -ENOENT)
		(void)turn_check(h->sv, r);
}

/* @param status what the client is told, 0 = by the state */
static void over(struct handover *h, enum command_state state, int status,
		 const char *detail)
{
	struct sip_server *sv = h->sv;
	struct session *s = session_find(sv, h->session.s);

	if (h->over)
		return;
	h->over = true; /* freed by the next tick */
	log_info(s ? &s->log : NULL, "sip.hand_over", LOG_S("node", h->node),
		 LOG_S("result", command_state_word(state)));
	if (state == COMMAND_DONE) {
		if (s)
			s->handed_over = true;
		note(h, s, "handed_over");
	} else {
		note(h, s, "hand_over_failed");
		correct_end(h, s);
	}
	command_over(sv, h->command, "hand-over", h->tenant_id, h->session.s,
		     h->actor, (int)state, detail);
	refer_end_state(&h->refer, (int)state, status);
}

static void failed(struct handover *h, int status, const char *what)
{
	char detail[COMMAND_DETAIL_MAX];

	(void)snprintf(detail, sizeof(detail), "%s %d", what, status);
	over(h, COMMAND_FAILED, status, detail);
}

/* ---- what the other node says ---- */

static void on_notify(struct handover *h, struct ua_request *req)
{
	struct ua_answer ok = { .status = 200 };
	struct span event = ua_request_field(req, "Event", 0);
	struct span state = ua_request_field(req, "Subscription-State", 0);
	bool last = span_istarts(state, "terminated");
	int status = sipfrag_status(req->body);

	if (!span_ieq(span_trim(span_cut(&event, ';')), "refer"))
		ok.status = 489;
	else if (status < 0)
		ok.status = 400;
	(void)ua_answer(req, &ok, NULL);
	if (ok.status != 200 || h->over)
		return;
	if (status >= 200 && status < 300)
		over(h, COMMAND_DONE, 200, "");
	else if (status >= 300)
		failed(h, status, "the other node's call got");
	else if (last)
		failed(h, 503, "the other node says no more, for us");
	else
		refer_progress(h->refer, status);
}

static void on_in_dialog(void *arg, struct ua_request *req)
{
	struct ua_answer no = { .status = 405 };

	if (req->method == UA_NOTIFY)
		on_notify(arg, req);
	else
		(void)ua_answer(req, &no, NULL);
}

static void on_ack(void *arg, struct ua_request *ack)
{
	(void)arg; /* no INVITE was accepted in such a dialog */
	(void)ack;
}

static void on_response(void *arg, enum ua_method method,
			const struct ua_response *res)
{
	struct handover *h = arg;

	(void)method; /* REFER */
	if (res->status >= 300)
		failed(h, res->text.len ? res->status : 408,
		       res->text.len ? "the other node answered"
				     : "no answer from the other node, for us");
}

static int on_admit(void *arg, struct ua_request *req, struct buf *headers)
{
	struct handover *h = arg;

	return session_admit(h->sv, NULL, &h->with, req, headers);
}

static const struct ua_events events = {
	.admit = on_admit,
	.in_dialog = on_in_dialog,
	.ack = on_ack,
	.response = on_response,
};

/* ---- the REFER to it ---- */

struct tenant {
	char name[128];
};

static int copy_name(void *arg, struct db_row *row)
{
	struct tenant *t = arg;
	const char *name = db_col_text(row, 0);

	if (name)
		(void)str_copy(t->name, sizeof(t->name), name);
	return 0;
}

/* The name of the tenant, as the user part of a URI. */
static int print_account(struct sip_server *sv, const char *tenant_id,
			 struct buf *out)
{
	struct tenant t = { "" };
	int64_t r = db_query(sv->db, "SELECT name FROM tenants WHERE id = $1",
			     DB_ARGS(db_text(tenant_id)), copy_name, &t);

	if (r < 0)
		return (int)r;
	uri_escape(t.name[0] ? t.name : tenant_id, out);
	return buf_error(out);
}

/* sip:192.0.2.9;transport=tls -> sip:acme@192.0.2.9;transport=tls */
static int address_for(struct sip_server *sv, const char *tenant_id,
		       const char *to, struct buf *out)
{
	struct span rest = span_of(to), scheme;
	int r;

	if (strchr(to, '@'))
		return buf_puts(out, to);
	scheme = span_cut(&rest, ':');
	(void)buf_printf(out, "%.*s:", SPAN_ARG(scheme));
	r = print_account(sv, tenant_id, out);
	return r < 0 ? r : buf_printf(out, "@%.*s", SPAN_ARG(rest));
}

/* The other node takes our word for whose account it is: only the operator
 * may name another than the session's own. */
static bool may_name(struct sip_server *sv, const struct session *s,
		     const struct command *c, const char *to)
{
	struct span rest = span_of(to), user;
	struct buf own;
	bool same;

	if (str_eq(c->actor, "operator") || span_find(rest, '@') < 0)
		return true;
	(void)span_cut(&rest, ':');
	user = span_cut(&rest, '@');
	buf_init(&own, UA_PEER_MAX + 400);
	same = print_account(sv, s->snap.tenant_id, &own) == 0 &&
	       span_eq(user, buf_str(&own));
	buf_fini(&own);
	return same || span_eq(user, s->snap.tenant_id);
}

/* Refer-To: the client, which is to leave us for whoever calls it. */
static int print_refer_to(const struct session *s, struct buf *out)
{
	struct sip_dialog_id ours, theirs;
	char target[REFER_URI_MAX];
	struct buf replaces;
	int r = ua_dialog_target(s->dialog, target, sizeof(target));

	if (r < 0)
		return r;
	ua_dialog_id(s->dialog, &ours);
	theirs = ours;
	(void)str_copy(theirs.local_tag, DIALOG_TAG_MAX, ours.remote_tag);
	(void)str_copy(theirs.remote_tag, DIALOG_TAG_MAX, ours.local_tag);
	buf_init(&replaces, 1024);
	replaces_print(&theirs, &replaces);
	(void)buf_printf(out, "Refer-To: <%s?Replaces=", target);
	uri_escape(buf_str(&replaces), out);
	(void)buf_puts(out, "&Require=replaces>\r\n");
	buf_fini(&replaces);
	(void)buf_puts(out, "Allow: " UA_ALLOW "\r\n"
			    "Accept: message/sipfrag\r\n");
	return buf_error(out);
}

static int send_refer(struct handover *h, const struct session *s,
		      const char *to)
{
	struct ua_dial dial = { 0 };
	struct ua_send m = { .method = UA_REFER };
	struct buf uri, headers;
	int r;

	buf_init(&uri, REFER_URI_MAX + 400);
	buf_init(&headers, 4096);
	r = address_for(h->sv, h->tenant_id, to, &uri);
	if (r == 0)
		r = print_refer_to(s, &headers);
	dial.uri = buf_str(&uri);
	if (r == 0)
		r = ua_dialog_dial(h->sv->ua, &dial, h, &h->dialog);
	if (r == 0) {
		ua_dialog_handle(h->dialog, &events, h);
		m.headers = buf_str(&headers);
		r = ua_dialog_send(h->dialog, &m, NULL);
	}
	buf_fini(&headers);
	buf_fini(&uri);
	return r;
}

/* ---- the command ---- */

static void handover_free(struct handover *h)
{
	ua_dialog_destroy(&h->dialog);
	refer_end(&h->refer, 503);
	mem_free(h);
}

static struct handover *begin(struct session *s, const struct command *c,
			      const char *to)
{
	struct sip_server *sv = s->sv;
	struct handover *h = mem_zalloc(sizeof(*h));
	struct ua_address a;

	if (!h)
		return NULL;
	h->sv = sv;
	h->session = s->id;
	h->command = c->id;
	h->due_us =
		session_mono_us(sv) + sv->set->sip.dial_timeout_us + MORE_US;
	(void)str_copy(h->actor, sizeof(h->actor), c->actor);
	(void)str_copy(h->tenant_id, sizeof(h->tenant_id), s->snap.tenant_id);
	if (ua_dial_parse(to, &a) < 0 || send_refer(h, s, to) < 0) {
		handover_free(h);
		return NULL;
	}
	h->with.transport = gate_transport_of(a.transport);
	(void)str_copy(h->with.peer_address, sizeof(h->with.peer_address),
		       a.host);
	(void)snprintf(h->node, sizeof(h->node), "%.40s:%s", a.host, a.port);
	h->next = sv->handovers;
	sv->handovers = h;
	return h;
}

/* @return what is wrong, or NULL: under way */
static const char *start(struct session *s, const struct command *c,
			 const char *to, struct refer **refer,
			 enum command_state *ret_state, int *ret_status)
{
	bool listed = false;
	const char *bad = handover_check(s->sv, to, &listed);
	struct handover *h;

	*ret_state = COMMAND_FAILED;
	*ret_status = 400;
	if (bad)
		return "the address is not a SIP URI with an IP address";
	*ret_status = 403;
	if (!listed) {
		*ret_state = COMMAND_REFUSED;
		return "[sip] nodes does not name that address";
	}
	if (!may_name(s->sv, s, c, to)) {
		*ret_state = COMMAND_REFUSED;
		return "the address names another account";
	}
	*ret_status = 420;
	if (!s->replaces_ok)
		return "the client does not support Replaces (RFC 3891)";
	*ret_status = 491;
	if (handover_ends(s))
		return "a hand-over of it is under way or done";
	*ret_status = 503;
	h = begin(s, c, to);
	if (!h)
		return "the REFER to the other node could not be sent";
	if (refer)
		h->refer = STEAL(*refer);
	session_note_event(s, "hand_over", -1, -1, h->node);
	*ret_state = COMMAND_GOING;
	return NULL;
}

bool handover_start(struct sip_server *sv, const struct command *c,
		    struct refer **refer)
{
	struct session *s = session_find(sv, c->recording_id);
	json_t *args = json_loads(c->args, JSON_REJECT_DUPLICATES, NULL);
	const char *to = json_string_value(json_object_get(args, "to"));
	enum command_state state = COMMAND_FAILED;
	const char *bad = "the call is over";
	int status = 481;

	if (s &&
	    (s->state == SESSION_OPENING || s->state == SESSION_ACCEPTING)) {
		json_decref(args);
		return true;
	}
	if (s && s->dialog && s->state <= SESSION_RESUMING)
		bad = start(s, c, to ? to : "", refer, &state, &status);
	if (turn_begin(sv) == 0 && !bad)
		(void)turn_check(sv,
				 command_set(sv->db, c->id, COMMAND_GOING, NULL,
					     "", session_wall_us(sv)));
	if (bad)
		command_over(sv, c->id, c->kind, c->tenant_id, c->recording_id,
			     c->actor, (int)state, bad);
	if (bad && refer)
		refer_end_state(refer, (int)state, status);
	sv->turn.poke = true;
	json_decref(args);
	return false;
}

/* ---- time ---- */

void handover_watch(struct sip_server *sv)
{
	int64_t now = session_mono_us(sv);
	struct handover **at = &sv->handovers;

	while (*at) {
		struct handover *h = *at;

		if (h->over) {
			*at = h->next;
			handover_free(h);
			continue;
		}
		if (h->due_us <= now)
			failed(h, 408, "the other node said no more, for us");
		at = &h->next;
	}
}

void handover_drop_all(struct sip_server *sv)
{
	while (sv->handovers) {
		struct handover *h = sv->handovers;

		sv->handovers = h->next;
		handover_free(h);
	}
}
