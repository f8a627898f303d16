/* Requests of ours in a dialog, and their answers. They go to where the
 * client's last request came from, or over its connection when that is still
 * there: no name is looked up, and a client behind NAT is reached.
 *
 * An INVITE of ours stays with its dialog after the 200: each repetition of
 * that 200 gets the ACK again.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "srs/sip/ua_int.h"

/* Of one dialog. Each is kept and repeated for half a minute: a client that
 * asks for NOTIFYs and answers none must not fill the memory with them. */
#define UNANSWERED_MAX 16u

/* Is the connection that the peer's requests come over still there? */
static bool connection_alive(const struct ua_dialog *d)
{
	struct span rest = span_of(d->peer);
	char host[UA_PEER_MAX], port[8];
	tp_name_t name = { 0 };
	const char *colon = strrchr(d->peer, ':');
	tport_t *tp;

	if (!colon)
		return false;
	(void)str_copy(port, sizeof(port), colon + 1);
	rest.len = (size_t)(colon - d->peer);
	(void)span_copy(host, sizeof(host), rest);
	name.tpn_proto = ua_transport_name(d->transport);
	name.tpn_canon = host;
	name.tpn_host = host;
	name.tpn_port = port;
	tp = tport_by_name(nta_agent_tports(d->ua->agent), &name);
	return tp && tport_is_secondary(tp) && !tport_is_closed(tp);
}

bool ua_is_address(const char *host)
{
	unsigned char addr[16];
	char bare[UA_PEER_MAX];
	struct span s = span_of(host);

	if (s.len > 2 && s.p[0] == '[') {
		s.p++;
		s.len -= 2;
	}
	return span_copy(bare, sizeof(bare), s) &&
	       (inet_pton(AF_INET, bare, addr) == 1 ||
		inet_pton(AF_INET6, bare, addr) == 1);
}

/* Fill dst with where to send, or "" to follow Route and Contact. */
static void next_hop(const struct ua_dialog *d, char *dst, size_t dst_len)
{
	sip_contact_t const *target = NULL;
	sip_route_t const *route = NULL;
	url_t const *url;

	dst[0] = '\0';
	if (d->transport == UA_UDP || d->dialed || connection_alive(d)) {
		(void)snprintf(dst, dst_len, "%s:%s%s%s",
			       d->transport == UA_TLS ? "sips" : "sip", d->peer,
			       d->transport == UA_TLS ? "" : ";transport=",
			       d->transport == UA_TLS
				       ? ""
				       : ua_transport_name(d->transport));
		return;
	}
	nta_leg_get_route(d->leg, &route, &target);
	url = route ? route->r_url : target ? target->m_url : NULL;
	if (url && url->url_host && ua_is_address(url->url_host))
		return;
	/* a name: try the address it came from, at the usual port */
	(void)snprintf(dst, dst_len, "%s:%.*s",
		       d->transport == UA_TLS ? "sips" : "sip",
		       (int)(strrchr(d->peer, ':') - d->peer), d->peer);
	if (d->transport == UA_TCP) {
		size_t len = strlen(dst);

		(void)snprintf(dst + len, dst_len - len, ";transport=tcp");
	}
}

/* NULL: follow Route and Contact. */
static const url_string_t *hop_url(const char *hop)
{
	return hop[0] ? (const url_string_t *)(const void *)hop : NULL;
}

static void unlink_sent(struct ua_orq_magic *o)
{
	struct ua_orq_magic **at = &o->ua->sent;

	while (*at && *at != o)
		at = &(*at)->next;
	if (*at)
		*at = o->next;
}

void ua_sent_free(struct ua_orq_magic *o)
{
	unlink_sent(o);
	if (o->d)
		o->d->n_sent--;
	if (o->orq)
		nta_outgoing_destroy(o->orq);
	mem_free(o->answer);
	mem_free(o);
}

/* The request's text, in its own memory; msg_destroy() is due. */
static msg_t *request_text(nta_outgoing_t *orq, struct span *ret_text)
{
	msg_t *msg = nta_outgoing_getrequest(orq);

	*ret_text = (struct span){ "", 0 };
	if (msg && ua_msg_text(msg, msg_home(msg), ret_text) < 0)
		*ret_text = (struct span){ "", 0 };
	return msg;
}

static void note_request(nta_outgoing_t *orq, struct buf *out)
{
	struct span text;
	msg_t *msg = request_text(orq, &text);

	(void)buf_put(out, text.p, text.len); /* the error sticks */
	if (msg)
		msg_destroy(msg);
}

/* RFC 3261 13.2.2.4: the ACK of a 2xx is a request of its own. */
static void send_ack(const struct ua_orq_magic *o, struct buf *ret_text)
{
	struct ua_dialog *d = o->d;
	char hop[UA_PEER_MAX + 32], seq[32];
	nta_outgoing_t *ack;

	next_hop(d, hop, sizeof(hop));
	(void)snprintf(seq, sizeof(seq), "%u ACK", o->cseq);
	d->ua->sending++;
	ack = nta_outgoing_tcreate(
		d->leg, NULL, NULL, hop_url(hop), sip_method_ack, "ACK", NULL,
		SIPTAG_CSEQ_STR(seq),
		TAG_IF(o->answer, SIPTAG_CONTENT_TYPE_STR("application/sdp")),
		TAG_IF(o->answer, SIPTAG_PAYLOAD_STR(o->answer)), TAG_END());
	d->ua->sending--;
	if (!ack)
		return; /* the 200 will come again */
	if (ret_text)
		note_request(ack, ret_text);
	nta_outgoing_destroy(ack);
}

/* An answer as our owner sees it; its fields live in found. */
static void fill_response(struct ua_response *res, msg_t *msg, sip_t const *sip,
			  struct sip_field *found)
{
	if (ua_msg_text(msg, msg_home(msg), &res->text) < 0)
		return;
	res->fields.f = found;
	res->fields.n = sip_fields_parse(res->text, found);
	(void)sip_fields_get(&res->fields, "Content-Type", 0,
			     &res->content_type);
	if (sip->sip_payload && sip->sip_payload->pl_data)
		res->body = (struct span){ sip->sip_payload->pl_data,
					   sip->sip_payload->pl_len };
}

/* A 2xx that nobody wants any more: the INVITE forked, or it was cancelled too
 * late. RFC 3261 13.2.2.4: it gets its ACK, then a BYE; both go where the
 * INVITE went, whatever its Contact says. */
static void end_stray(struct ua_orq_magic *o, sip_t const *sip)
{
	nta_leg_t *leg;
	nta_outgoing_t *ack, *bye;
	char ack_seq[32], bye_seq[32];

	leg = nta_leg_tcreate(o->ua->agent, NULL, NULL,
			      SIPTAG_CALL_ID(sip->sip_call_id),
			      SIPTAG_FROM(sip->sip_from),
			      SIPTAG_TO(sip->sip_to), TAG_END());
	if (!leg)
		return; /* the 200 will come again */
	nta_leg_client_route(leg, sip->sip_record_route, sip->sip_contact);
	(void)snprintf(ack_seq, sizeof(ack_seq), "%u ACK",
		       sip->sip_cseq->cs_seq);
	(void)snprintf(bye_seq, sizeof(bye_seq), "%u BYE",
		       sip->sip_cseq->cs_seq + 1);
	ack = nta_outgoing_tcreate(leg, NULL, NULL, hop_url(o->hop),
				   sip_method_ack, "ACK", NULL,
				   SIPTAG_CSEQ_STR(ack_seq), TAG_END());
	bye = nta_outgoing_tcreate(leg, NULL, NULL, hop_url(o->hop),
				   sip_method_bye, "BYE", NULL,
				   SIPTAG_CSEQ_STR(bye_seq), TAG_END());
	if (ack)
		nta_outgoing_destroy(ack);
	if (bye)
		nta_outgoing_destroy(bye); /* goes on by itself */
	nta_leg_destroy(leg);
}

/* Is it of the branch that became the dialog? */
static bool is_ours(const struct ua_dialog *d, sip_t const *sip)
{
	const char *rtag = nta_leg_get_rtag(d->leg);
	const char *tag = sip->sip_to->a_tag;

	return str_ieq(rtag ? rtag : "", tag ? tag : "");
}

/* Our INVITE was accepted: confirm it, keep it for repetitions. */
static void accepted(struct ua_orq_magic *o, sip_t const *sip,
		     const struct sip_fields *f, struct buf *ack)
{
	struct ua_dialog *d = o->d;

	if (d->confirmed)
		ua_sent_free(d->confirmed);
	d->confirmed = o;
	o->confirmed = true;
	o->cseq = sip->sip_cseq->cs_seq;
	if (!nta_leg_get_rtag(d->leg))
		ua_dial_answered(d, sip, f);
	else if (sip->sip_contact)
		nta_leg_server_route(d->leg, NULL, sip->sip_contact);
	if (!o->ack_waits)
		send_ack(o, ack);
}

int ua_dialog_ack(struct ua_dialog *d, struct span body, struct buf *ret_text)
{
	struct ua_orq_magic *o = d->confirmed;

	if (!o || !o->ack_waits)
		return -ENOENT;
	if (body.len) {
		o->answer = span_dup(body);
		if (!o->answer)
			return -ENOMEM;
	}
	o->ack_waits = false;
	send_ack(o, ret_text);
	return 0;
}

void ua_sent_give_up(struct ua_dialog *d)
{
	const struct ua_send bye = {
		.method = UA_BYE,
		.headers = "Reason: SIP;cause=500;text=\"Not recorded\"\r\n"
	};

	if (ua_dialog_ack(d, (struct span){ "", 0 }, NULL) == 0)
		(void)ua_dialog_send(d, &bye, NULL); /* as well as we can */
}

static void tell(struct ua_orq_magic *o, nta_outgoing_t *orq, sip_t const *sip,
		 int status)
{
	struct sip_field found[SIP_FIELDS_MAX];
	struct ua_response res = { .status = status };
	bool invite_ok = o->method == UA_INVITE && status / 100 == 2;
	struct ua_dialog *d = o->d;
	enum ua_method method = o->method;
	struct buf ack;
	msg_t *msg = NULL;

	buf_init(&ack, 64 * 1024);
	if (!nta_sip_is_internal(sip))
		msg = nta_outgoing_getresponse(orq);
	/* where nta's ACK left before, both were told */
	res.noted = !ua_wire_taken(o->ua, msg) && d->events->wire;
	if (msg)
		fill_response(&res, msg, sip, found);
	if (o->method == UA_REFER && status / 100 == 2 &&
	    !nta_sip_is_internal(sip) && !nta_leg_get_rtag(d->leg))
		ua_dial_answered(d, sip, &res.fields);
	if (invite_ok)
		accepted(o, sip, &res.fields, &ack);
	else
		ua_sent_free(o);
	res.ack = (struct span){ buf_str(&ack), ack.len };
	d->events->response(d->darg, method, &res);
	if (msg)
		msg_destroy(msg);
	buf_fini(&ack);
}

static int on_response(struct ua_orq_magic *o, nta_outgoing_t *orq,
		       sip_t const *sip)
{
	int status = sip && sip->sip_status ? sip->sip_status->st_status : 408;
	bool ok = status / 100 == 2;

	o->ua->handled++;
	if (status < 200)
		return 0;
	if (o->confirmed) {
		if (ok && o->d && is_ours(o->d, sip)) {
			if (!o->ack_waits)
				send_ack(o, NULL);
		} else if (ok)
			end_stray(o, sip);
		return 0;
	}
	if (!o->d && ok && o->method == UA_INVITE)
		end_stray(o, sip); /* we cancelled too late */
	if (o->d)
		tell(o, orq, sip, status);
	else
		ua_sent_free(o);
	return 0;
}

static const struct {
	sip_method_t method;
	const char *name;
} methods[] = {
	[UA_INVITE] = { sip_method_invite, "INVITE" },
	[UA_BYE] = { sip_method_bye, "BYE" },
	[UA_OPTIONS] = { sip_method_options, "OPTIONS" },
	[UA_UPDATE] = { sip_method_update, "UPDATE" },
	[UA_NOTIFY] = { sip_method_notify, "NOTIFY" },
	[UA_REFER] = { sip_method_refer, "REFER" },
};

#define SUPPORTED "Supported:" /* RFC 4028 section 7.1: in each request */

static nta_outgoing_t *create(struct ua_dialog *d, const struct ua_send *m,
			      struct ua_orq_magic *o)
{
	bool target = m->method == UA_INVITE || m->method == UA_UPDATE ||
		      m->method == UA_NOTIFY || m->method == UA_REFER;
	su_home_t *home = su_home_new(sizeof(su_home_t));
	sip_payload_t *pl = NULL;
	nta_outgoing_t *orq = NULL;

	if (!home)
		return NULL;
	if (m->body.len)
		pl = sip_payload_create(home, m->body.p, (isize_t)m->body.len);
	next_hop(d, o->hop, sizeof(o->hop));
	d->ua->sending++;
	if (pl || !m->body.len)
		orq = nta_outgoing_tcreate(
			d->leg, on_response, o, hop_url(o->hop),
			methods[m->method].method, methods[m->method].name,
			NULL, SIPTAG_USER_AGENT_STR(d->ua->software),
			TAG_IF(target, SIPTAG_CONTACT_STR(d->contact)),
			TAG_IF(m->headers, SIPTAG_HEADER_STR(m->headers)),
			TAG_IF(!m->headers || !strstr(m->headers, SUPPORTED),
			       SIPTAG_SUPPORTED_STR("siprec, timer")),
			TAG_IF(pl, SIPTAG_CONTENT_TYPE_STR(m->content_type)),
			TAG_IF(pl, SIPTAG_PAYLOAD(pl)), TAG_END());
	d->ua->sending--;
	su_home_unref(home); /* the message has copies */
	return orq;
}

int ua_dialog_send(struct ua_dialog *d, const struct ua_send *m,
		   struct buf *ret_text)
{
	struct ua_orq_magic *o;

	ASSERT(m->method < ARRAY_SIZE(methods) && methods[m->method].name);
	if (m->headers && !ua_field_safe(m->headers))
		return -EIO;
	if (d->n_sent >= UNANSWERED_MAX && m->method != UA_BYE)
		return -EBUSY;
	o = mem_zalloc(sizeof(*o));
	if (!o)
		return -EIO;
	o->ack_waits = m->method == UA_INVITE && !m->body.len;
	o->ua = d->ua;
	o->d = d;
	o->method = m->method;
	o->orq = create(d, m, o);
	if (!o->orq) {
		mem_free(o);
		return -EIO;
	}
	o->next = d->ua->sent;
	d->ua->sent = o;
	d->n_sent++;
	if (ret_text)
		note_request(o->orq, ret_text);
	return 0;
}
