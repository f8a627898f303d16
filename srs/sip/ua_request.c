/* Turns a message of the stack into a plain struct. Everything lives in the
 * memory of the message itself, which goes when the transaction has gone. */
#include <errno.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "srs/sip/tls_peers.h"
#include "srs/sip/ua_int.h"

static enum ua_method method_of(sip_t const *sip)
{
	switch (sip->sip_request->rq_method) {
	case sip_method_invite:
		return UA_INVITE;
	case sip_method_ack:
		return UA_ACK;
	case sip_method_bye:
		return UA_BYE;
	case sip_method_cancel:
		return UA_CANCEL;
	case sip_method_options:
		return UA_OPTIONS;
	case sip_method_update:
		return UA_UPDATE;
	case sip_method_refer:
		return UA_REFER;
	case sip_method_notify:
		return UA_NOTIFY;
	case sip_method_subscribe:
		return UA_SUBSCRIBE;
	case sip_method_unknown:
		return UA_UNKNOWN;
	default:
		return UA_OTHER;
	}
}

static const char *url_text(su_home_t *home, url_t const *url)
{
	char *s = url ? url_as_string(home, url) : NULL;

	return s ? s : "";
}

/* Display name without quotes; copies only when there is something to undo. */
static const char *display_text(su_home_t *home, const char *display)
{
	size_t len, w = 0;
	char *s;

	if (!display)
		return "";
	len = strlen(display);
	if (len < 2 || display[0] != '"' || display[len - 1] != '"')
		return display;
	s = su_alloc(home, (isize_t)len);
	if (!s)
		return "";
	for (size_t i = 1; i + 1 < len; i++) {
		if (display[i] == '\\' && i + 2 < len)
			i++;
		s[w++] = display[i];
	}
	s[w] = '\0';
	return s;
}

static void fill_parties(struct ua_request *req, su_home_t *home,
			 sip_t const *sip)
{
	req->from_uri = url_text(home, sip->sip_from->a_url);
	req->from_display = display_text(home, sip->sip_from->a_display);
	req->from_tag = sip->sip_from->a_tag ? sip->sip_from->a_tag : "";
	req->to_uri = url_text(home, sip->sip_to->a_url);
	req->to_display = display_text(home, sip->sip_to->a_display);
	req->to_tag = sip->sip_to->a_tag ? sip->sip_to->a_tag : "";
	req->contact_uri = "";
	if (sip->sip_contact)
		req->contact_uri = url_text(home, sip->sip_contact->m_url);
}

static void fill_peer(struct ua_irq_magic *q)
{
	struct ua_request *req = &q->pub;
	su_sockaddr_t const *su = msg_addr(q->msg);
	sip_via_t const *via = q->sip->sip_via;
	char host[INET6_ADDRSTRLEN] = "";
	unsigned port;

	if (su->su_family == AF_INET) {
		memcpy(&req->source, &su->su_sin, sizeof(su->su_sin));
		inet_ntop(AF_INET, &su->su_sin.sin_addr, host, sizeof(host));
	} else if (su->su_family == AF_INET6) {
		memcpy(&req->source, &su->su_sin6, sizeof(su->su_sin6));
		inet_ntop(AF_INET6, &su->su_sin6.sin6_addr, host, sizeof(host));
	}
	port = ntohs(su->su_port);
	/* RFC 3581: without rport a UDP client listens where its Via says. */
	if (req->transport == UA_UDP && via && !via->v_rport)
		port = via->v_port ? (unsigned)strtoul(via->v_port, NULL, 10)
				   : 5060;
	(void)snprintf(req->peer, sizeof(req->peer),
		       su->su_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host,
		       port);
}

/* By the connection's addresses; a default port is not in our Via. */
static void fill_certificate(struct ua_irq_magic *q, tport_t *tp)
{
	sip_via_t const *via = (sip_via_t const *)tport_magic(tport_parent(tp));
	su_sockaddr_t const *su = msg_addr(q->msg);
	struct sockaddr_storage peer = { 0 };
	uint8_t hash[TLS_PEERS_HASH];
	unsigned long port = 5061;

	if (via && via->v_port)
		port = strtoul(via->v_port, NULL, 10);
	if (su->su_family == AF_INET)
		memcpy(&peer, &su->su_sin, sizeof(su->su_sin));
	else
		memcpy(&peer, &su->su_sin6, sizeof(su->su_sin6));
	if (tls_peers_get(&peer, (uint16_t)port, hash))
		str_hex(q->pub.cert_sha256, hash, sizeof(hash));
}

static void fill_transport(struct ua_irq_magic *q, tport_t *tp)
{
	struct ua_request *req = &q->pub;
	su_strlst_t const *subjects;

	if (tport_has_tls(tp)) {
		req->transport = UA_TLS;
		req->tls_verified = tport_is_verified(tp) != 0;
		subjects = tport_delivered_from_subjects(
			nta_agent_tports(q->ua->agent), q->msg);
		for (usize_t i = 0; subjects && i < su_strlst_len(subjects) &&
				    req->n_subjects < UA_SUBJECTS_MAX;
		     i++)
			req->subjects[req->n_subjects++] =
				su_strlst_item(subjects, i);
		if (req->tls_verified)
			fill_certificate(q, tp);
	} else if (tport_is_tcp(tp)) {
		req->transport = UA_TCP;
	}
}

static int fill_fields(struct ua_irq_magic *q, su_home_t *home)
{
	struct ua_request *req = &q->pub;
	struct sip_field found[SIP_FIELDS_MAX];
	struct sip_field *kept;
	unsigned n;
	int r;

	r = ua_msg_text(q->msg, home, &req->text);
	if (r < 0)
		return r;
	n = sip_fields_parse(req->text, found);
	kept = su_alloc(home, (isize_t)((n + 1) * sizeof(*kept)));
	if (!kept)
		return -ENOMEM;
	memcpy(kept, found, n * sizeof(*kept));
	req->fields.f = kept;
	req->fields.n = n;
	(void)sip_fields_get(&req->fields, "Content-Type", 0,
			     &req->content_type);
	if (q->sip->sip_payload && q->sip->sip_payload->pl_data)
		req->body = (struct span){ q->sip->sip_payload->pl_data,
					   q->sip->sip_payload->pl_len };
	return 0;
}

/* Sofia takes an Authorization that it can't parse out of the message. The
 * same list has the second of what may only be there once, as it is: such an
 * entry has nothing where the name would be. */
static bool bad_credentials(const sip_t *sip)
{
	for (const msg_error_t *e = sip->sip_error; e; e = e->er_next)
		if (e->er_common->h_class == sip_error_class && e->er_name &&
		    str_ieq(e->er_name, "Authorization"))
			return true;
	return false;
}

static struct ua_irq_magic *make(struct ua *ua, tport_t *tp, msg_t *msg,
				 sip_t const *sip)
{
	su_home_t *home = msg_home(msg);
	struct ua_irq_magic *q;

	q = su_zalloc(home, sizeof(*q));
	if (!q)
		return NULL;
	q->ua = ua;
	q->msg = msg;
	q->sip = sip;
	q->pub.method = method_of(sip);
	q->pub.method_name = sip->sip_request->rq_method_name;
	q->pub.uri = url_text(home, sip->sip_request->rq_url);
	q->pub.call_id = sip->sip_call_id->i_id;
	q->pub.cseq = sip->sip_cseq->cs_seq;
	q->pub.bad_credentials = bad_credentials(sip);
	q->pub.odd = ua->odd == msg;
	fill_parties(&q->pub, home, sip);
	if (fill_fields(q, home) < 0)
		return NULL;
	if (tp)
		fill_transport(q, tp);
	fill_peer(q);
	return q;
}

struct ua_irq_magic *ua_request_make(struct ua *ua, nta_incoming_t *irq,
				     msg_t *msg, sip_t const *sip)
{
	tport_t *tp = nta_incoming_transport(ua->agent, irq, msg);
	struct ua_irq_magic *q = make(ua, tp, msg, sip);

	if (tp)
		tport_unref(tp);
	if (!q)
		return NULL;
	q->irq = irq;
	if (!ua_wire_taken(ua, msg)) /* a CANCEL, answered before */
		q->pub.text.len = 0;
	return q;
}

struct ua_irq_magic *ua_request_peek(struct ua *ua, tport_t *tp, msg_t *msg,
				     sip_t const *sip)
{
	struct ua_irq_magic *q = make(ua, tp, msg_ref(msg), sip);

	if (!q)
		msg_destroy(msg);
	return q;
}

void ua_request_join(struct ua_irq_magic *q, struct ua_dialog *d)
{
	q->pub.dialog = d;
	if (!d)
		return;
	q->at = &d->open;
	q->next = d->open;
	if (q->next)
		q->next->at = &q->next;
	d->open = q;
}

void ua_request_leave(struct ua_irq_magic *q)
{
	q->pub.dialog = NULL;
	if (!q->at)
		return;
	*q->at = q->next;
	if (q->next)
		q->next->at = q->at;
	q->at = NULL;
}

void ua_request_drop(struct ua_irq_magic *q)
{
	ua_request_leave(q);
	msg_destroy(q->msg); /* our reference; q goes with the last one */
}

struct span ua_request_field(struct ua_request *req, const char *name,
			     unsigned nth)
{
	struct ua_irq_magic *q = (struct ua_irq_magic *)(void *)req;
	struct span v = { "", 0 };
	char *copy;

	if (!sip_fields_get(&req->fields, name, nth, &v) ||
	    (span_find(v, '\n') < 0 && span_find(v, '\r') < 0))
		return v;
	copy = su_alloc(msg_home(q->msg), (isize_t)v.len + 1);
	if (!copy)
		return (struct span){ "", 0 };
	for (size_t i = 0; i < v.len; i++)
		copy[i] = v.p[i] == '\r' || v.p[i] == '\n' ? ' ' : v.p[i];
	copy[v.len] = '\0';
	return (struct span){ copy, v.len };
}

static bool is_loopback(const struct sockaddr_storage *ss)
{
	const struct sockaddr_in6 *in6 = (const void *)ss;
	const struct sockaddr_in *in = (const void *)ss;

	if (ss->ss_family == AF_INET)
		return ntohl(in->sin_addr.s_addr) >> 24 == 127;
	return ss->ss_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

bool ua_request_is_private(const struct ua_request *req)
{
	return req->transport == UA_TLS || is_loopback(&req->source);
}

/* A scheme that a recorder may be called by; the rest is 416. */
bool ua_uri_is_ours(const struct ua_irq_magic *q)
{
	switch (q->sip->sip_request->rq_url->url_type) {
	case url_sip:
	case url_sips:
	case url_tel:
		return true;
	default:
		return false;
	}
}

static bool we_support(struct span word)
{
	static const char *const known[] = { "siprec",	    "timer",
					     "100rel",	    "record-aware",
					     "norefersub",  "nosub",
					     "explicitsub", "tdialog" };

	for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
		if (span_ieq(word, known[i]))
			return true;
	}
	return false;
}

static bool is_token(struct span s)
{
	static const char extra[] = "-.!%*_+`'~";

	for (size_t i = 0; i < s.len; i++) {
		if (!isalnum((unsigned char)s.p[i]) &&
		    !(s.p[i] && strchr(extra, s.p[i])))
			return false;
	}
	return s.len > 0;
}

bool ua_request_unsupported(const struct ua_request *req, char *dst,
			    size_t dst_len)
{
	size_t len = 0;
	struct span v;

	for (unsigned i = 0; sip_fields_get(&req->fields, "Require", i, &v);
	     i++) {
		while (v.len > 0) {
			struct span word = span_trim(span_cut(&v, ','));

			if (!is_token(word) || we_support(word) ||
			    len + word.len + 3 > dst_len)
				continue;
			len += (size_t)snprintf(dst + len, dst_len - len,
						"%s%.*s", len ? ", " : "",
						SPAN_ARG(word));
		}
	}
	return len > 0;
}

unsigned ua_allow_bits(const struct sip_fields *f)
{
	static const struct {
		enum ua_method m;
		const char *name;
	} known[] = {
		{ UA_INVITE, "INVITE" },   { UA_ACK, "ACK" },
		{ UA_BYE, "BYE" },	   { UA_CANCEL, "CANCEL" },
		{ UA_OPTIONS, "OPTIONS" }, { UA_UPDATE, "UPDATE" },
	};
	unsigned bits = 1u << UA_BYE;

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (sip_fields_lists(f, "Allow", known[i].name))
			bits |= 1u << known[i].m;
	}
	return bits;
}

/* "<sip:srs@192.0.2.1:5060;transport=tcp>;+sip.srs": the address of the
 * listener that the request came to. */
int ua_contact_for(struct ua *ua, nta_incoming_t *irq, su_home_t *home,
		   char **ret_contact)
{
	tport_t *tp = nta_incoming_transport(ua->agent, irq, NULL);
	sip_via_t const *via;
	const char *param = "";
	char *s;

	if (!tp)
		return -EIO;
	via = (sip_via_t const *)tport_magic(tport_parent(tp));
	if (tport_has_tls(tp))
		param = ";transport=tls";
	else if (tport_is_tcp(tp))
		param = ";transport=tcp";
	s = su_sprintf(home, "<sip:srs@%s%s%s%s>;+sip.srs",
		       via ? via->v_host : "invalid",
		       via && via->v_port ? ":" : "",
		       via && via->v_port ? via->v_port : "", param);
	tport_unref(tp);
	if (!s)
		return -ENOMEM;
	*ret_contact = s;
	return 0;
}

int ua_request_local(struct ua_request *req, char *dst)
{
	struct ua_irq_magic *q = (struct ua_irq_magic *)(void *)req;
	char *contact = NULL;
	struct span rest;

	if (ua_contact_for(q->ua, q->irq, msg_home(q->msg), &contact) < 0)
		return -EIO;
	rest = span_of(contact); /* "<sip:srs@...>;+sip.srs" */
	(void)span_cut(&rest, '@');
	return span_copy(dst, UA_LOCAL_MAX, span_cut(&rest, '>')) ? 0 : -EIO;
}

/* Only complete lines, no empty one: nothing may end the header early. */
bool ua_field_safe(const char *headers)
{
	const char *p = headers;

	while (*p) {
		const char *end = strstr(p, "\r\n");

		if (!end || end == p || memchr(p, '\n', (size_t)(end - p)) ||
		    !memchr(p, ':', (size_t)(end - p)))
			return false;
		p = end + 2;
	}
	return true;
}
