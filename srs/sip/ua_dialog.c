/* Dialogs that clients opened: an nta leg and what it takes to make the same
 * leg again in another process. Requests of ours go to where the client's last
 * request came from, or over its connection when that is still there: no name
 * is looked up, and a client behind NAT is reached. */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "srs/sip/json_text.h"
#include "srs/sip/ua_int.h"

/* Of our own requests, so that a number is not used twice when a restart
 * lost the last ones. */
#define CSEQ_STEP 1000u

static int dup_span(struct span s, char **dst)
{
	char *copy = span_dup(s);

	if (!copy)
		return -ENOMEM;
	mem_free(*dst);
	*dst = copy;
	return 0;
}

static int dialog_new(struct ua *ua, void *darg, struct ua_dialog **ret_d)
{
	struct ua_dialog *d = mem_zalloc(sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->ua = ua;
	d->darg = darg;
	d->magic.ua = ua;
	d->magic.dialog = d;
	*ret_d = d;
	return 0;
}

static void take_source(struct ua_dialog *d, const struct ua_request *req)
{
	d->transport = req->transport;
	(void)str_copy(d->peer, sizeof(d->peer), req->peer);
}

/* The strings that a restart needs, as they came. */
static int keep_strings(struct ua_dialog *d, struct ua_request *req)
{
	struct span rr = { "", 0 };
	char *joined CLEANUP(mem_freep) = NULL;
	struct buf b;
	int r;

	r = dup_span(span_of(req->call_id), &d->call_id);
	if (r == 0)
		r = dup_span(ua_request_field(req, "To", 0), &d->local);
	if (r == 0)
		r = dup_span(ua_request_field(req, "From", 0), &d->remote);
	if (r < 0)
		return r;
	buf_init(&b, 16 * 1024);
	for (unsigned i = 0;; i++) {
		rr = ua_request_field(req, "Record-Route", i);
		if (rr.len == 0)
			break;
		buf_printf(&b, "%s%.*s", i ? ", " : "", SPAN_ARG(rr));
	}
	if (b.len > 0)
		joined = buf_steal(&b);
	buf_fini(&b);
	if (joined)
		d->record_route = STEAL(joined);
	return 0;
}

static int make_leg(struct ua_dialog *d, struct ua_irq_magic *q)
{
	sip_t const *sip = q->sip;
	char *contact = NULL;
	const char *tag;
	int r;

	r = ua_contact_for(d->ua, q->irq, msg_home(q->msg), &contact);
	if (r < 0)
		return r;
	r = dup_span(span_of(contact), &d->contact);
	if (r < 0)
		return r;
	tag = nta_incoming_tag(q->irq, NULL);
	if (!tag)
		return -ENOMEM;
	r = dup_span(span_of(tag), &d->local_tag);
	if (r < 0)
		return r;
	d->leg = nta_leg_tcreate(d->ua->agent, ua_leg_callback(), &d->magic,
				 SIPTAG_CALL_ID(sip->sip_call_id),
				 SIPTAG_FROM(sip->sip_to),
				 SIPTAG_TO(sip->sip_from),
				 NTATAG_REMOTE_CSEQ(q->pub.cseq), TAG_END());
	if (!d->leg)
		return -EINVAL;
	nta_leg_tag(d->leg, tag);
	nta_leg_server_route(d->leg, sip->sip_record_route, sip->sip_contact);
	return 0;
}

int ua_dialog_create(struct ua *ua, struct ua_request *req, void *darg,
		     struct ua_dialog **ret_dialog)
{
	struct ua_dialog *d CLEANUP(ua_dialog_destroy) = NULL;
	struct ua_irq_magic *q = (struct ua_irq_magic *)(void *)req;
	int r;

	r = dialog_new(ua, darg, &d);
	if (r < 0)
		return r;
	r = keep_strings(d, req);
	if (r < 0)
		return r;
	r = make_leg(d, q);
	if (r < 0)
		return r;
	take_source(d, req);
	d->allow = ua_allow_bits(&req->fields);
	(void)dup_span(span_of(req->contact_uri), &d->target);
	d->invite = q;
	ua_request_join(q, d);
	*ret_dialog = STEAL(d);
	return 0;
}

void ua_dialog_destroy(struct ua_dialog **dp)
{
	struct ua_dialog *d = *dp;
	struct ua_answer sorry = { .status = 500 };

	if (!d)
		return;
	*dp = NULL;
	if (d->invite) {
		struct ua_irq_magic *q = d->invite;

		d->invite = NULL;
		ua_request_leave(q);
		(void)ua_answer(&q->pub, &sorry, NULL);
	}
	if (d->accepted) {
		nta_incoming_destroy(d->accepted->irq);
		ua_request_drop(d->accepted);
	}
	while (d->open) /* their answers are still to come */
		ua_request_leave(d->open);
	for (struct ua_orq_magic *o = d->ua->sent; o; o = o->next) {
		if (o->d == d)
			o->d = NULL;
	}
	if (d->leg)
		nta_leg_destroy(d->leg);
	mem_free(d->call_id);
	mem_free(d->local);
	mem_free(d->local_tag);
	mem_free(d->remote);
	mem_free(d->target);
	mem_free(d->record_route);
	mem_free(d->contact);
	mem_free(d);
}

void ua_dialog_refresh(struct ua_dialog *d, const struct ua_request *req)
{
	const struct ua_irq_magic *q = (const void *)req;

	take_source(d, req);
	if (sip_fields_lists(&req->fields, "Allow", "BYE"))
		d->allow = ua_allow_bits(&req->fields);
	if (!q->sip->sip_contact ||
	    (req->method != UA_INVITE && req->method != UA_UPDATE))
		return;
	nta_leg_server_route(d->leg, NULL, q->sip->sip_contact);
	(void)dup_span(span_of(req->contact_uri), &d->target);
}

/* ---- to disk and back ---- */

int ua_dialog_save(const struct ua_dialog *d, struct buf *out)
{
	(void)buf_putc(out, '{');
	json_text_pair(out, "call_id", d->call_id);
	json_text_pair(out, "local", d->local);
	json_text_pair(out, "local_tag", d->local_tag);
	json_text_pair(out, "remote", d->remote);
	json_text_pair(out, "target", d->target);
	json_text_pair(out, "record_route", d->record_route);
	json_text_pair(out, "contact", d->contact);
	json_text_pair(out, "peer", d->peer);
	json_text_pair(out, "transport", ua_transport_name(d->transport));
	return buf_printf(out, ",\"allow\":%u,\"cseq\":%u,\"remote_cseq\":%u}",
			  d->allow, nta_leg_get_seq(d->leg),
			  nta_leg_get_rseq(d->leg));
}

static int take_string(const json_t *o, const char *key, bool must, char **dst)
{
	const char *s = json_string_value(json_object_get(o, key));

	if (!s || !s[0])
		return must ? -EBADMSG : 0;
	return dup_span(span_of(s), dst);
}

static int read_state(struct ua_dialog *d, const json_t *o)
{
	static const char *const names[] = { "udp", "tcp", "tls" };
	const char *s;
	int r;

	r = take_string(o, "call_id", true, &d->call_id);
	if (r == 0)
		r = take_string(o, "local", true, &d->local);
	if (r == 0)
		r = take_string(o, "local_tag", true, &d->local_tag);
	if (r == 0)
		r = take_string(o, "remote", true, &d->remote);
	if (r == 0)
		r = take_string(o, "contact", true, &d->contact);
	if (r == 0)
		r = take_string(o, "target", false, &d->target);
	if (r == 0)
		r = take_string(o, "record_route", false, &d->record_route);
	if (r < 0)
		return r;
	s = json_string_value(json_object_get(o, "peer"));
	if (!s || !str_copy(d->peer, sizeof(d->peer), s))
		return -EBADMSG;
	s = json_string_value(json_object_get(o, "transport"));
	for (unsigned i = 0; s && i < ARRAY_SIZE(names); i++) {
		if (str_eq(names[i], s))
			d->transport = (enum ua_transport)i;
	}
	d->allow = (unsigned)json_integer_value(json_object_get(o, "allow"));
	return 0;
}

static int remake_leg(struct ua_dialog *d, uint32_t cseq, uint32_t remote_cseq)
{
	su_home_t *home = su_home_new(sizeof(su_home_t));
	sip_record_route_t *rr = NULL;
	sip_contact_t *target = NULL;
	char seq[32];
	int r = -EBADMSG;

	if (!home)
		return -ENOMEM;
	if (d->record_route)
		rr = sip_record_route_make(home, d->record_route);
	if (d->target && d->target[0])
		target = sip_contact_format(home, "<%s>", d->target);
	(void)snprintf(seq, sizeof(seq), "%u BYE", cseq);
	d->leg = nta_leg_tcreate(d->ua->agent, ua_leg_callback(), &d->magic,
				 SIPTAG_CALL_ID_STR(d->call_id),
				 SIPTAG_FROM_STR(d->local),
				 SIPTAG_TO_STR(d->remote),
				 NTATAG_REMOTE_CSEQ(remote_cseq),
				 TAG_IF(cseq, SIPTAG_CSEQ_STR(seq)), TAG_END());
	if (d->leg) {
		nta_leg_tag(d->leg, d->local_tag);
		nta_leg_server_route(d->leg, rr, target);
		r = 0;
	}
	su_home_unref(home);
	return r;
}

int ua_dialog_restore(struct ua *ua, const char *json, size_t len, void *darg,
		      struct ua_dialog **ret_dialog)
{
	struct ua_dialog *d CLEANUP(ua_dialog_destroy) = NULL;
	json_t *o;
	uint32_t cseq, remote_cseq;
	int r;

	o = json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL);
	if (!o)
		return -EBADMSG;
	r = dialog_new(ua, darg, &d);
	if (r == 0)
		r = read_state(d, o);
	cseq = (uint32_t)json_integer_value(json_object_get(o, "cseq"));
	remote_cseq =
		(uint32_t)json_integer_value(json_object_get(o, "remote_cseq"));
	json_decref(o);
	if (r < 0)
		return r;
	r = remake_leg(d, cseq ? cseq + CSEQ_STEP : 0, remote_cseq);
	if (r < 0)
		return r;
	*ret_dialog = STEAL(d);
	return 0;
}

/* ---- requests of ours ---- */

bool ua_dialog_allows(const struct ua_dialog *d, enum ua_method m)
{
	return (d->allow & (1u << m)) != 0;
}

const char *ua_dialog_call_id(const struct ua_dialog *d)
{
	return d->call_id;
}

const char *ua_dialog_peer(const struct ua_dialog *d)
{
	return d->peer;
}

enum ua_transport ua_dialog_transport(const struct ua_dialog *d)
{
	return d->transport;
}

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

static bool is_address(const char *host)
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
	if (d->transport == UA_UDP || connection_alive(d)) {
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
	if (url && url->url_host && is_address(url->url_host))
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

static void unlink_sent(struct ua_orq_magic *o)
{
	struct ua_orq_magic **at = &o->ua->sent;

	while (*at && *at != o)
		at = &(*at)->next;
	if (*at)
		*at = o->next;
}

static int on_response(struct ua_orq_magic *o, nta_outgoing_t *orq,
		       sip_t const *sip)
{
	int status = sip && sip->sip_status ? sip->sip_status->st_status : 408;
	struct ua_dialog *d = o->d;
	struct ua *ua = o->ua;
	enum ua_method method = o->method;
	struct span text = { "", 0 };
	msg_t *msg = NULL;

	ua->handled++;
	if (status < 200)
		return 0;
	unlink_sent(o);
	if (d) {
		if (!nta_sip_is_internal(sip))
			msg = nta_outgoing_getresponse(orq);
	}
	mem_free(o);
	nta_outgoing_destroy(orq);
	if (d) {
		if (msg)
			(void)ua_msg_text(msg, msg_home(msg), &text);
		ua->events->response(d->darg, method, status, text);
	}
	if (msg)
		msg_destroy(msg);
	return 0;
}

static void note_request(nta_outgoing_t *orq, struct buf *out)
{
	msg_t *msg = nta_outgoing_getrequest(orq);
	struct span text;

	if (!msg)
		return;
	if (ua_msg_text(msg, msg_home(msg), &text) == 0)
		(void)buf_put(out, text.p, text.len);
	msg_destroy(msg);
}

int ua_dialog_send(struct ua_dialog *d, enum ua_method m, const char *headers,
		   struct buf *ret_text)
{
	sip_method_t method = m == UA_BYE	? sip_method_bye
			      : m == UA_OPTIONS ? sip_method_options
						: sip_method_update;
	const char *name = m == UA_BYE	     ? "BYE"
			   : m == UA_OPTIONS ? "OPTIONS"
					     : "UPDATE";
	struct ua_orq_magic *o;
	nta_outgoing_t *orq;
	char hop[UA_PEER_MAX + 32];

	if (headers && !ua_field_safe(headers))
		return -EIO;
	o = mem_zalloc(sizeof(*o));
	if (!o)
		return -EIO;
	o->ua = d->ua;
	o->d = d;
	o->method = m;
	next_hop(d, hop, sizeof(hop));
	orq = nta_outgoing_tcreate(
		d->leg, on_response, o,
		hop[0] ? (url_string_t *)(void *)hop : NULL, method, name, NULL,
		SIPTAG_USER_AGENT_STR(d->ua->software),
		TAG_IF(m == UA_UPDATE, SIPTAG_CONTACT_STR(d->contact)),
		TAG_IF(headers, SIPTAG_HEADER_STR(headers)), TAG_END());
	if (!orq) {
		mem_free(o);
		return -EIO;
	}
	o->next = d->ua->sent;
	d->ua->sent = o;
	if (ret_text)
		note_request(orq, ret_text);
	return 0;
}
