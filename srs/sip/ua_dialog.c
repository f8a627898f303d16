/* Dialogs that clients opened: an nta leg and what it takes to make the same
 * leg again in another process. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/mem.h"
#include "srs/sip/json_text.h"
#include "srs/sip/refer_to.h"
#include "srs/sip/ua_int.h"

/* Of our own requests, so that a number is not used twice when a restart
 * lost the last ones. */
#define CSEQ_STEP 1000u

#define TAG_BYTES 10u

int ua_dup_span(struct span s, char **dst)
{
	char *copy = span_dup(s);

	if (!copy)
		return -ENOMEM;
	mem_free(*dst);
	*dst = copy;
	return 0;
}

int ua_dialog_new(struct ua *ua, void *darg, struct ua_dialog **ret_d)
{
	struct ua_dialog *d = mem_zalloc(sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->ua = ua;
	d->events = ua->events;
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

	r = ua_dup_span(span_of(req->call_id), &d->call_id);
	if (r == 0)
		r = ua_dup_span(ua_request_field(req, "To", 0), &d->local);
	if (r == 0)
		r = ua_dup_span(ua_request_field(req, "From", 0), &d->remote);
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

/* Whoever has the tags of a dialog may end it (RFC 3261 section 19.3 wants
 * them random). The library's own are counted up: from one of them each client
 * could tell those of all others. */
static const char *random_tag(char dst[2 * TAG_BYTES + 1])
{
	uint8_t secret[TAG_BYTES];

	id_random(secret, sizeof(secret));
	str_hex(dst, secret, sizeof(secret));
	return dst;
}

static int make_leg(struct ua_dialog *d, struct ua_irq_magic *q)
{
	char random[2 * TAG_BYTES + 1];
	sip_t const *sip = q->sip;
	char *contact = NULL;
	const char *tag;
	int r;

	r = ua_contact_for(d->ua, q->irq, msg_home(q->msg), &contact);
	if (r < 0)
		return r;
	r = ua_dup_span(span_of(contact), &d->contact);
	if (r < 0)
		return r;
	tag = nta_incoming_tag(q->irq, random_tag(random));
	if (!tag)
		return -ENOMEM;
	r = ua_dup_span(span_of(tag), &d->local_tag);
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

	r = ua_dialog_new(ua, darg, &d);
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
	(void)ua_dup_span(span_of(req->contact_uri), &d->target);
	d->first_cseq = d->remote_cseq = req->cseq;
	if (req->method == UA_INVITE)
		d->invite = q;
	ua_request_join(q, d);
	*ret_dialog = STEAL(d);
	return 0;
}

void ua_dialog_handle(struct ua_dialog *d, const struct ua_events *events,
		      void *darg)
{
	d->events = events;
	d->darg = darg;
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
	ua_rel_forget(d);
	if (d->accepted) {
		nta_incoming_destroy(d->accepted->irq);
		ua_request_drop(d->accepted);
	}
	while (d->open) /* their answers are still to come */
		ua_request_leave(d->open);
	ua_sent_give_up(d);
	if (d->confirmed)
		ua_sent_free(d->confirmed);
	for (struct ua_orq_magic *o = d->ua->sent; o; o = o->next) {
		if (o->d != d)
			continue;
		o->d = NULL;
		if (d->dialed && o->method == UA_INVITE)
			(void)nta_outgoing_cancel(o->orq); /* or it is late */
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
	d->dialed = false;
	if (sip_fields_lists(&req->fields, "Allow", "BYE"))
		d->allow = ua_allow_bits(&req->fields);
	if (!q->sip->sip_contact ||
	    (req->method != UA_INVITE && req->method != UA_UPDATE))
		return;
	nta_leg_server_route(d->leg, NULL, q->sip->sip_contact);
	(void)ua_dup_span(span_of(req->contact_uri), &d->target);
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
	(void)buf_printf(out, ",\"dialed\":%d", d->dialed);
	return buf_printf(out, ",\"allow\":%u,\"cseq\":%u,\"remote_cseq\":%u}",
			  d->allow, nta_leg_get_seq(d->leg), d->remote_cseq);
}

static int take_string(const json_t *o, const char *key, bool must, char **dst)
{
	const char *s = json_string_value(json_object_get(o, key));

	if (!s || !s[0])
		return must ? -EBADMSG : 0;
	return ua_dup_span(span_of(s), dst);
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
	d->dialed = json_integer_value(json_object_get(o, "dialed")) != 0;
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
	r = ua_dialog_new(ua, darg, &d);
	if (r == 0)
		r = read_state(d, o);
	cseq = (uint32_t)json_integer_value(json_object_get(o, "cseq"));
	remote_cseq =
		(uint32_t)json_integer_value(json_object_get(o, "remote_cseq"));
	json_decref(o);
	if (r < 0)
		return r;
	d->remote_cseq = remote_cseq;
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

void ua_dialog_id(const struct ua_dialog *d, struct sip_dialog_id *ret_id)
{
	const char *remote = nta_leg_get_rtag(d->leg);

	memset(ret_id, 0, sizeof(*ret_id));
	(void)str_copy(ret_id->call_id, sizeof(ret_id->call_id), d->call_id);
	(void)str_copy(ret_id->local_tag, sizeof(ret_id->local_tag),
		       d->local_tag);
	(void)str_copy(ret_id->remote_tag, sizeof(ret_id->remote_tag),
		       remote ? remote : "");
}

bool ua_dialog_is(const struct ua_dialog *d, const struct sip_dialog_id *id)
{
	const char *remote = nta_leg_get_rtag(d->leg);

	return str_eq(d->call_id, id->call_id) &&
	       str_ieq(d->local_tag, id->local_tag) &&
	       str_ieq(remote ? remote : "", id->remote_tag);
}

int ua_dialog_target(const struct ua_dialog *d, char *dst, size_t dst_len)
{
	su_home_t *home = su_home_new(sizeof(su_home_t));
	const char *colon = strrchr(d->peer, ':');
	url_t *url;
	int n = -1;

	if (!home)
		return -ENOMEM;
	url = d->target && d->target[0] ? url_make(home, d->target) : NULL;
	if (url && url->url_host && ua_is_address(url->url_host)) {
		url->url_headers = NULL;
		n = snprintf(dst, dst_len, "%s", url_as_string(home, url));
	} else if (url && colon) {
		n = snprintf(dst, dst_len, "%s:%s%s%s;transport=%s",
			     url->url_type == url_sips ? "sips" : "sip",
			     url->url_user ? url->url_user : "",
			     url->url_user ? "@" : "", d->peer,
			     ua_transport_name(d->transport));
	}
	su_home_unref(home);
	return n < 0 ? -ENOENT : (size_t)n >= dst_len ? -ENOBUFS : 0;
}

const char *ua_dialog_peer(const struct ua_dialog *d)
{
	return d->peer;
}

enum ua_transport ua_dialog_transport(const struct ua_dialog *d)
{
	return d->transport;
}
