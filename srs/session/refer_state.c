/* What became of a REFER, and who is told: subscriptions to event "refer".
 *
 * A subscription has a dialog of its own, or shares that of a recording
 * session whose client sent the REFER in it. One that is over is marked and
 * goes with the next tick: its dialog may be the one that is being served.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/str.h"
#include "srs/session/refer.h"
#include "srs/session/session.h"
#include "storage/commands.h"

/* RFC 7614 section 4.7: at least 64 seconds */
#define RETAIN_US INT64_C(64000000)
#define EXPIRES_DEFAULT_S 120
#define EXPIRES_MAX_S 3600
#define SECOND_US INT64_C(1000000)
#define USER_PREFIX "refer-"

struct refer_sub {
	struct refer_sub *next;
	struct refer *of;
	struct ua_dialog *dialog;  /* its own, or NULL */
	struct gate_snapshot with; /* whom that is with; no conditions */
	struct session *s;	   /* whose dialog it shares, or NULL */
	char id[20];		   /* of its Event, "" = none */
	int64_t expires_us;
	bool over;
};

struct refer {
	struct refer *next;
	struct sip_server *sv;
	char key[REFER_KEY_LEN + 1];
	char tenant_id[ID_LEN + 1], client_id[ID_LEN + 1];
	int status;	   /* final when >= 200 */
	bool owned;	   /* somebody will say how it went */
	int64_t forget_us; /* once nobody does */
	struct refer_sub *subs;
	unsigned n_subs;
};

static void sub_free(struct refer_sub *sub)
{
	if (sub->s)
		sub->s->n_refer_subs--;
	ua_dialog_destroy(&sub->dialog);
	mem_free(sub);
}

static void refer_free(struct refer *r)
{
	while (r->subs) {
		struct refer_sub *sub = r->subs;

		r->subs = sub->next;
		sub_free(sub);
	}
	r->sv->n_refers--;
	mem_free(r);
}

int refer_create(struct sip_server *sv, const struct gate_snapshot *who,
		 struct refer **ret_refer)
{
	uint8_t secret[REFER_KEY_LEN / 2];
	unsigned mine = 0;
	struct refer *r;

	for (r = sv->refers; r; r = r->next)
		mine += str_eq(r->client_id, who->client_id);
	if (sv->n_refers >= REFER_MAX || mine >= REFER_CLIENT_MAX)
		return -EBUSY;
	r = mem_zalloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	id_random(secret, sizeof(secret));
	str_hex(r->key, secret, sizeof(secret));
	(void)str_copy(r->tenant_id, sizeof(r->tenant_id), who->tenant_id);
	(void)str_copy(r->client_id, sizeof(r->client_id), who->client_id);
	r->sv = sv;
	r->status = 100;
	r->owned = true;
	r->next = sv->refers;
	sv->refers = r;
	sv->n_refers++;
	*ret_refer = r;
	return 0;
}

const char *refer_key(const struct refer *r)
{
	return r->key;
}

/* ---- NOTIFY ---- */

/* @param why NULL: it goes on; else the reason for its end */
static void notify(struct refer_sub *sub, const char *why)
{
	struct sip_server *sv = sub->of->sv;
	int64_t left = (sub->expires_us - session_mono_us(sv)) / SECOND_US;
	char headers[200], body[120];
	struct ua_send m = { .method = UA_NOTIFY,
			     .headers = headers,
			     .content_type = "message/sipfrag;version=2.0" };
	char state[60];
	int r;

	if (why)
		(void)snprintf(state, sizeof(state), "terminated;reason=%s",
			       why);
	else
		(void)snprintf(state, sizeof(state), "active;expires=%lld",
			       (long long)(left > 0 ? left : 0));
	(void)snprintf(headers, sizeof(headers),
		       "Event: refer%s%s\r\nSubscription-State: %s\r\n",
		       sub->id[0] ? ";id=" : "", sub->id, state);
	(void)snprintf(body, sizeof(body), "SIP/2.0 %d %s\r\n", sub->of->status,
		       ua_status_phrase(sub->of->status));
	m.body = span_of(body);
	if (sub->s)
		r = sub->s->dialog ? session_send_body(sub->s, &m) : -EPIPE;
	else
		r = ua_dialog_send(sub->dialog, &m, NULL);
	if (r < 0)
		log_warn(NULL, "sip.notify_not_sent",
			 LOG_I("status", sub->of->status));
	sub->over = why || r < 0;
}

static void notify_now(struct refer_sub *sub)
{
	notify(sub, sub->of->status >= 200 ? "noresource" : NULL);
}

void refer_tell(struct refer *r)
{
	for (struct refer_sub *sub = r->subs; sub; sub = sub->next) {
		if (!sub->over)
			notify_now(sub);
	}
}

void refer_progress(struct refer *r, int status)
{
	if (!r || r->status == status || status >= 200)
		return;
	r->status = status;
	refer_tell(r);
}

void refer_end(struct refer **refer, int status)
{
	struct refer *r = *refer;

	if (!r)
		return;
	*refer = NULL;
	r->status = status;
	r->owned = false;
	r->forget_us = session_mono_us(r->sv) + RETAIN_US;
	refer_tell(r);
}

void refer_end_state(struct refer **refer, int state, int status)
{
	if (status < 200)
		status = state == COMMAND_DONE	    ? 200
			 : state == COMMAND_REFUSED ? 403
						    : 503;
	refer_end(refer, status);
}

/* ---- subscriptions ---- */

static const struct ua_events sub_events;

static struct refer_sub *add_sub(struct refer *r, int64_t expires_s)
{
	struct refer_sub *sub = mem_zalloc(sizeof(*sub));

	if (!sub)
		return NULL;
	sub->of = r;
	sub->expires_us = session_mono_us(r->sv) + expires_s * SECOND_US;
	sub->next = r->subs;
	r->subs = sub;
	r->n_subs++;
	return sub;
}

/* Longer than what was asked for can last (RFC 3515 section 3.4). */
static int64_t implicit_s(const struct refer *r)
{
	return r->sv->set->sip.dial_timeout_us / SECOND_US + EXPIRES_DEFAULT_S;
}

static void own_dialog(struct refer_sub *sub, struct ua_dialog **dialog,
		       const struct gate_snapshot *with)
{
	sub->with = *with;
	sub->with.conditions = NULL;
	sub->dialog = STEAL(*dialog);
	ua_dialog_handle(sub->dialog, &sub_events, sub);
}

int refer_add_dialog(struct refer *r, struct ua_dialog **dialog,
		     const struct gate_snapshot *with)
{
	struct refer_sub *sub = add_sub(r, implicit_s(r));

	if (!sub)
		return -ENOMEM;
	own_dialog(sub, dialog, with);
	return 0;
}

int refer_add_session(struct refer *r, struct session *s, unsigned cseq)
{
	struct refer_sub *sub = add_sub(r, implicit_s(r));

	if (!sub)
		return -ENOMEM;
	sub->s = s;
	s->n_refer_subs++;
	(void)snprintf(sub->id, sizeof(sub->id), "%u", cseq);
	return 0;
}

void refer_keep_dialog(struct session *s)
{
	for (struct refer *r = s->sv->refers; r && s->n_refer_subs; r = r->next)
		for (struct refer_sub *sub = r->subs; sub; sub = sub->next) {
			if (sub->s != s)
				continue;
			sub->s = NULL;
			s->n_refer_subs--;
			if (sub->over || !s->dialog)
				sub->over = true; /* one takes it for all */
			else
				own_dialog(sub, &s->dialog, &s->snap);
		}
}

/* ---- SUBSCRIBE ---- */

static void answer(struct session *s, struct ua_request *req, int status,
		   const char *headers)
{
	struct ua_answer a = { .status = status, .headers = headers };
	enum ua_transport transport = req->transport;
	char peer[UA_PEER_MAX];
	struct buf sent;

	(void)str_copy(peer, sizeof(peer), req->peer);
	buf_init(&sent, 64 * 1024);
	(void)ua_answer(req, &a, &sent);
	if (s)
		session_note_message(s, false,
				     (struct span){ buf_str(&sent), sent.len },
				     transport, peer);
	buf_fini(&sent);
}

/* Event: refer;id=x -> "x". @return false: another event */
static bool read_event(struct ua_request *req, char *id, size_t id_len)
{
	struct span v = ua_request_field(req, "Event", 0), word = v, value;

	id[0] = '\0';
	if (!span_ieq(span_trim(span_cut(&word, ';')), "refer"))
		return false;
	if (!sip_param_get(v, "id", &value))
		return true;
	if (!span_copy(id, id_len, value))
		return false;
	return strspn(id, "0123456789abcdefghijklmnopqrstuvwxyz"
			  "ABCDEFGHIJKLMNOPQRSTUVWXYZ-._") == value.len;
}

static int64_t read_expires(struct ua_request *req)
{
	struct span v = ua_request_field(req, "Expires", 0);
	uint32_t n;

	if (v.len == 0 || sip_leading_u32(v, &n) < 0)
		return EXPIRES_DEFAULT_S;
	return n < EXPIRES_MAX_S ? n : EXPIRES_MAX_S;
}

/* In a dialog: a new time, or the end. */
static void renew(struct session *s, struct refer_sub *sub,
		  struct ua_request *req)
{
	int64_t expires_s = read_expires(req);
	char header[40];

	sub->expires_us = session_mono_us(sub->of->sv) + expires_s * SECOND_US;
	(void)snprintf(header, sizeof(header), "Expires: %lld\r\n",
		       (long long)expires_s);
	answer(s, req, 200, header);
	if (expires_s > 0)
		notify_now(sub);
	else
		notify(sub, "timeout");
}

static void on_in_dialog(void *arg, struct ua_request *req)
{
	struct refer_sub *sub = arg;
	char id[sizeof(sub->id)];

	if (req->method != UA_SUBSCRIBE)
		answer(NULL, req, 405, NULL);
	else if (!read_event(req, id, sizeof(id)))
		answer(NULL, req, 489, "Allow-Events: refer\r\n");
	else if (sub->over || !str_eq(id, sub->id))
		answer(NULL, req, 481, NULL);
	else
		renew(NULL, sub, req);
}

void refer_on_subscribe_within(struct session *s, struct ua_request *req)
{
	char id[20];

	if (!read_event(req, id, sizeof(id))) {
		answer(s, req, 489, "Allow-Events: refer\r\n");
		return;
	}
	for (struct refer *r = s->sv->refers; r && s->n_refer_subs; r = r->next)
		for (struct refer_sub *sub = r->subs; sub; sub = sub->next)
			if (sub->s == s && !sub->over && str_eq(sub->id, id)) {
				renew(s, sub, req);
				return;
			}
	answer(s, req, 481, NULL);
}

static void on_ack(void *arg, struct ua_request *ack)
{
	(void)arg; /* no INVITE was accepted in such a dialog */
	(void)ack;
}

static void on_response(void *arg, enum ua_method method,
			const struct ua_response *res)
{
	struct refer_sub *sub = arg;

	(void)method; /* NOTIFY */
	if (res->status >= 300)
		sub->over = true; /* RFC 6665 section 4.2.2 */
}

static int on_admit(void *arg, struct ua_request *req, struct buf *headers)
{
	struct refer_sub *sub = arg;

	return session_admit(sub->of->sv, NULL, &sub->with, req, headers);
}

static const struct ua_events sub_events = {
	.admit = on_admit,
	.in_dialog = on_in_dialog,
	.ack = on_ack,
	.response = on_response,
};

/* "sip:refer-KEY@..." */
static struct refer *find(struct sip_server *sv, const char *uri)
{
	struct span rest = span_of(uri), user;

	(void)span_cut(&rest, ':');
	user = span_cut(&rest, '@');
	if (!span_starts(user, USER_PREFIX))
		return NULL;
	user.p += strlen(USER_PREFIX);
	user.len -= strlen(USER_PREFIX);
	for (struct refer *r = sv->refers; r; r = r->next) {
		if (span_eq(user, r->key))
			return r;
	}
	return NULL;
}

static void subscribe(struct sip_server *sv, struct refer *r,
		      struct ua_request *req, const char *id,
		      const struct gate_snapshot *with)
{
	int64_t expires_s = read_expires(req);
	struct ua_dialog *dialog = NULL;
	struct refer_sub *sub;
	char header[80];

	if (r->n_subs >= REFER_SUBSCRIBERS) {
		session_refuse_busy(sv, NULL, req);
		return;
	}
	if (ua_dialog_create(sv->ua, req, NULL, &dialog) < 0 ||
	    !(sub = add_sub(r, expires_s))) {
		answer(NULL, req, 500, NULL);
		ua_dialog_destroy(&dialog);
		return;
	}
	(void)str_copy(sub->id, sizeof(sub->id), id);
	own_dialog(sub, &dialog, with);
	(void)snprintf(header, sizeof(header),
		       "Expires: %lld\r\nAllow-Events: refer\r\n",
		       (long long)expires_s);
	answer(NULL, req, 200, header);
	if (expires_s == 0 && r->status < 200)
		notify(sub, "timeout"); /* only wanted to know */
	else
		notify_now(sub);
}

/* The address alone would do for RFC 7614; but who else has it is unknown,
 * and the sender of the REFER can say who he is. */
void session_on_subscribe(struct sip_server *sv, struct ua_request *req)
{
	char id[20];
	struct gate_verdict v;
	struct refer *r;

	if (!read_event(req, id, sizeof(id))) {
		answer(NULL, req, 489, "Allow-Events: refer\r\n");
		return;
	}
	if (ua_request_field(req, "Accept", 0).len &&
	    !sip_fields_lists(&req->fields, "Accept", "message/sipfrag") &&
	    !sip_fields_lists(&req->fields, "Accept", "*/*")) {
		answer(NULL, req, 406, "Accept: message/sipfrag\r\n");
		return;
	}
	if (turn_begin(sv) < 0) {
		session_refuse_busy(sv, NULL, req);
		return;
	}
	intake_read(sv, req);
	intake_facts(sv, req, NULL, sv->nobody, false);
	gate_identify(sv->gate, "refer.subscribe", &sv->in->gate, &v);
	intake_fini(sv);
	r = find(sv, req->uri);
	if (v.status != 200)
		session_refuse(sv, NULL, req, &v);
	else if (!r)
		answer(NULL, req, 404, NULL);
	else if (!str_eq(r->client_id, v.snapshot.client_id) ||
		 !str_eq(r->tenant_id, v.snapshot.tenant_id))
		answer(NULL, req, 403, NULL);
	else
		subscribe(sv, r, req, id, &v.snapshot);
	gate_verdict_fini(&v);
}

/* ---- time ---- */

static void watch_subs(struct refer *r, int64_t now)
{
	struct refer_sub **at = &r->subs;

	while (*at) {
		struct refer_sub *sub = *at;

		if (!sub->over && sub->expires_us <= now)
			notify(sub, "timeout");
		if (sub->over) {
			*at = sub->next;
			r->n_subs--;
			sub_free(sub);
		} else {
			at = &sub->next;
		}
	}
}

void refer_watch(struct sip_server *sv)
{
	int64_t now = session_mono_us(sv);
	struct refer **at = &sv->refers;

	while (*at) {
		struct refer *r = *at;

		watch_subs(r, now);
		if (!r->owned && r->forget_us <= now) {
			*at = r->next;
			refer_free(r);
		} else {
			at = &r->next;
		}
	}
}

void refer_drop_all(struct sip_server *sv)
{
	while (sv->refers) {
		struct refer *r = sv->refers;

		sv->refers = r->next;
		refer_free(r);
	}
}
