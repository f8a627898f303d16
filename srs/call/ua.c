#define NTA_LEG_MAGIC_T struct call_dialog
#define NTA_OUTGOING_MAGIC_T struct call_dialog
#define NTA_AGENT_MAGIC_T struct call_ua
#define SU_ROOT_MAGIC_T struct call_ua

#include "srs/call/ua.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The headers test macros that they do not define. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wundef"
#include <sofia-sip/nta.h>
#include <sofia-sip/nta_tport.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/sip_util.h>
#include <sofia-sip/su_log.h>
#include <sofia-sip/tport_tag.h>
#pragma GCC diagnostic pop

#include "base/buf.h"
#include "base/mem.h"
#include "srs/call/dialect.h"

#define URL_MAX 256
#define MESSAGE_MAX 65536u
#define ALLOW "INVITE, ACK, CANCEL, BYE, UPDATE, OPTIONS"
#define ACCEPT "application/sdp, application/rs-metadata"
#define EXPIRES "1800;refresher=uac"

struct call_ua {
	su_root_t *root;
	nta_agent_t *agent;
	const struct call_ua_events *events;
	const struct call_dialect *dialect;
	struct call_dialog *zombies; /* destroyed inside a callback */
	char route[URL_MAX];
	char contact[URL_MAX];
};

struct call_dialog {
	struct call_ua *ua;
	void *arg;
	nta_leg_t *leg;
	nta_outgoing_t *invite; /* kept: it answers repeated 2xx */
	nta_outgoing_t *request;
	enum call_method method;
	uint32_t acked_seq;
	bool established;
	bool in_callback;
	bool late;	/* the INVITE had no body: the ACK has one */
	char *ack_type; /* NULL = a plain ACK */
	char *ack_body;
	struct call_dialog *next; /* of zombies */
	char call_id[128];
};

/* ---- agent ---- */

/* Sofia would print whole messages, tokens included, where these say. */
static void silence_sofia(void)
{
	unsetenv("TPORT_LOG");
	unsetenv("TPORT_DUMP");
	unsetenv("TPORT_CAPT");
	su_log_set_level(NULL, 0);
}

/* Nothing outside of our dialogs is for us. */
static int on_stray(struct call_ua *ua, nta_agent_t *agent, msg_t *msg,
		    sip_t *sip)
{
	(void)ua;
	(void)agent;
	(void)sip;
	msg_destroy(msg);
	return 0;
}

static const char *const transport_words[] = {
	[CALL_UDP] = "udp",
	[CALL_TCP] = "tcp",
	[CALL_TLS] = "tls",
};

static bool make_contact(struct call_ua *ua)
{
	static const struct {
		const char *inside, *after;
	} forms[] = {
		[DIALECT_PLUS] = { "", ";+sip.src" },
		[DIALECT_INSIDE] = { ";+sip.src", "" },
		[DIALECT_SRC] = { "", ";src" },
		[DIALECT_PLAIN] = { "", "" },
	};
	const sip_contact_t *m = nta_agent_contact(ua->agent);
	char url[URL_MAX];

	if (!m || url_e(url, sizeof(url), m->m_url) >= (issize_t)sizeof(url))
		return false;
	snprintf(ua->contact, sizeof(ua->contact), "<%s%s>%s", url,
		 forms[ua->dialect->contact].inside,
		 forms[ua->dialect->contact].after);
	return true;
}

int call_ua_create(const char *local_ip, enum call_transport transport,
		   const char *remote, const char *tls_dir,
		   const struct call_dialect *dialect,
		   const struct call_ua_events *events, struct call_ua **ret_ua)
{
	struct call_ua *ua CLEANUP(call_ua_destroy) = NULL;
	bool v6 = strchr(local_ip, ':') != NULL;
	char url[URL_MAX];

	silence_sofia();
	if (su_init() < 0)
		return -EIO;
	ua = mem_zalloc(sizeof(*ua));
	if (!ua)
		return -ENOMEM;
	ua->events = events;
	ua->dialect = dialect;
	str_copy(ua->route, sizeof(ua->route), remote);
	ua->root = su_root_create(ua);
	if (!ua->root)
		return -ENOMEM;
	snprintf(url, sizeof(url), "%s:%s%s%s:*;transport=%s",
		 transport == CALL_TLS ? "sips" : "sip", v6 ? "[" : "",
		 local_ip, v6 ? "]" : "", transport_words[transport]);
	ua->agent = nta_agent_create(
		ua->root, (url_string_t *)url, on_stray, ua,
		NTATAG_UDP_MTU(65535), NTATAG_MAXSIZE(MESSAGE_MAX),
		NTATAG_USE_NAPTR(0), NTATAG_USE_SRV(0), TPTAG_STUN_SERVER(0),
		TAG_IF(tls_dir, TPTAG_CERTIFICATE(tls_dir)),
		TAG_IF(tls_dir, TPTAG_TLS_VERIFY_POLICY(TPTLS_VERIFY_OUT)),
		TAG_END());
	if (!ua->agent || !make_contact(ua))
		return -EIO;
	*ret_ua = STEAL(ua);
	return 0;
}

static void header_text(char *dst, size_t dst_len, const void *header)
{
	/* sip_header_as_string() loses the last parameter of challenges that
	 * are longer than its first buffer of 128 bytes */
	issize_t n = header ? sip_header_field_e(dst, dst_len, header, 0) : 0;

	if (n <= 0)
		dst[0] = '\0';
	else
		dst[(size_t)n < dst_len ? (size_t)n : dst_len - 1] = '\0';
}

/* ---- what the server asks ---- */

static int on_bye(struct call_dialog *d, const sip_t *sip)
{
	const sip_reason_t *re = sip->sip_reason;
	char text[160] = "BYE";

	if (re && re->re_text)
		snprintf(text, sizeof(text), "%s;cause=%s;text=%s",
			 re->re_protocol ? re->re_protocol : "",
			 re->re_cause ? re->re_cause : "", re->re_text);
	d->in_callback = true;
	d->ua->events->ended(d->arg, text);
	d->in_callback = false;
	return 200;
}

/* A pause or its end, a session refresh (RFC 3264 section 8): whatever the leg
 * says, with the session timer that was asked for. */
static int on_offer(struct call_dialog *d, nta_incoming_t *irq,
		    const sip_t *sip)
{
	const sip_session_expires_t *x = sip->sip_session_expires;
	bool invite = sip->sip_request->rq_method == sip_method_invite;
	struct buf sdp CLEANUP(buf_fini) = { 0 };
	struct span body = { "", 0 };
	char type[128];
	int status;

	header_text(type, sizeof(type), sip->sip_content_type);
	if (sip->sip_payload)
		body = (struct span){ sip->sip_payload->pl_data,
				      sip->sip_payload->pl_len };
	if (!body.len && !invite)
		return 200;
	buf_init(&sdp, MESSAGE_MAX);
	d->in_callback = true;
	status = d->ua->events->offer(d->arg, span_of(type), body, &sdp);
	d->in_callback = false;
	if (status >= 300)
		return status;
	nta_incoming_treply(
		irq, status, sip_200_OK, SIPTAG_CONTACT_STR(d->ua->contact),
		SIPTAG_ALLOW_STR(ALLOW), SIPTAG_SUPPORTED_STR("timer"),
		TAG_IF(x, SIPTAG_SESSION_EXPIRES(x)),
		TAG_IF(x, SIPTAG_REQUIRE_STR("timer")),
		TAG_IF(sdp.len, SIPTAG_CONTENT_TYPE_STR("application/sdp")),
		TAG_IF(sdp.len, SIPTAG_PAYLOAD_STR(buf_str(&sdp))), TAG_END());
	nta_incoming_destroy(irq);
	return 0;
}

static int on_request(struct call_dialog *d, nta_leg_t *leg,
		      nta_incoming_t *irq, const sip_t *sip)
{
	(void)leg;
	switch (sip->sip_request->rq_method) {
	case sip_method_bye:
		return on_bye(d, sip);
	case sip_method_options:
		return 200;
	case sip_method_update:
	case sip_method_invite:
		return on_offer(d, irq, sip);
	case sip_method_ack:
		return 0;
	default:
		return 405;
	}
}

/* ---- what the server answers ---- */

/* To the tag, contact and route of the first 2xx. */
static void establish(struct call_dialog *d, const sip_t *sip)
{
	if (d->established)
		return;
	d->established = true;
	if (sip->sip_to && sip->sip_to->a_tag)
		nta_leg_rtag(d->leg, sip->sip_to->a_tag);
	nta_leg_client_route(d->leg, sip->sip_record_route, sip->sip_contact);
}

static void send_ack(struct call_dialog *d, const sip_t *sip)
{
	char cseq[32];
	nta_outgoing_t *ack;

	snprintf(cseq, sizeof(cseq), "%u ACK", sip->sip_cseq->cs_seq);
	ack = nta_outgoing_tcreate(
		d->leg, NULL, NULL, NULL, SIP_METHOD_ACK, NULL,
		SIPTAG_CSEQ_STR(cseq),
		TAG_IF(d->ack_body, SIPTAG_CONTENT_TYPE_STR(d->ack_type)),
		TAG_IF(d->ack_body, SIPTAG_PAYLOAD_STR(d->ack_body)),
		TAG_END());
	if (ack)
		nta_outgoing_destroy(ack);
	d->acked_seq = sip->sip_cseq->cs_seq;
}

/* RFC 3262: a reliable provisional answer makes the dialog, and wants this. */
static void send_prack(struct call_dialog *d, const sip_t *sip)
{
	char rack[64];
	nta_outgoing_t *prack;

	establish(d, sip);
	snprintf(rack, sizeof(rack), "%lu %lu %s",
		 (unsigned long)sip->sip_rseq->rs_response,
		 (unsigned long)sip->sip_cseq->cs_seq,
		 sip->sip_cseq->cs_method_name);
	prack = nta_outgoing_tcreate(d->leg, NULL, NULL, NULL, SIP_METHOD_PRACK,
				     NULL, SIPTAG_RACK_STR(rack), TAG_END());
	if (prack)
		nta_outgoing_destroy(prack); /* goes on by itself */
}

static void report(struct call_dialog *d, const sip_t *sip)
{
	char warning[256], challenge[512], type[128];
	struct call_answer a = {
		.method = d->method,
		.status = sip->sip_status->st_status,
		.local = nta_sip_is_internal(sip),
		.reason = sip->sip_status->st_phrase,
		.warning = warning,
		.challenge = challenge,
	};

	header_text(warning, sizeof(warning), sip->sip_warning);
	if (!warning[0] && sip->sip_retry_after)
		header_text(warning, sizeof(warning), sip->sip_retry_after);
	header_text(challenge, sizeof(challenge), sip->sip_www_authenticate);
	header_text(type, sizeof(type), sip->sip_content_type);
	a.content_type = span_of(type);
	if (!a.reason)
		a.reason = "";
	if (sip->sip_payload)
		a.body = (struct span){ sip->sip_payload->pl_data,
					sip->sip_payload->pl_len };
	if (sip->sip_session_expires)
		a.expires_s = (unsigned)sip->sip_session_expires->x_delta;
	d->ua->events->answer(d->arg, &a);
}

static int on_invite_answer(struct call_dialog *d, nta_outgoing_t *orq,
			    const sip_t *sip)
{
	int status = sip->sip_status->st_status;

	if (status < 200 && sip->sip_rseq)
		send_prack(d, sip);
	if (status < 200 || orq != d->invite)
		return 0;
	if (status < 300) {
		bool again = d->established && sip->sip_cseq &&
			     d->acked_seq == sip->sip_cseq->cs_seq;

		establish(d, sip);
		if (again || !d->late)
			send_ack(d, sip);
		if (again)
			return 0;
	}
	d->in_callback = true;
	report(d, sip);
	d->in_callback = false;
	if (status < 300 && d->late)
		send_ack(d, sip);
	return 0;
}

static int on_answer(struct call_dialog *d, nta_outgoing_t *orq,
		     const sip_t *sip)
{
	if (sip->sip_status->st_status < 200 || orq != d->request)
		return 0;
	d->request = NULL; /* the callback may send the next one */
	d->in_callback = true;
	report(d, sip);
	d->in_callback = false;
	nta_outgoing_destroy(orq); /* and the answer with it */
	return 0;
}

/* ---- what we ask ---- */

static int send_invite(struct call_dialog *d, const char *uri,
		       const struct call_invite *inv)
{
	const struct call_dialect *dl = d->ua->dialect;
	char credentials[8192 + 16];

	if (inv->token &&
	    snprintf(credentials, sizeof(credentials), "Bearer %s",
		     inv->token) >= (int)sizeof(credentials))
		return -EINVAL;
	if (d->invite)
		nta_outgoing_destroy(d->invite);
	d->invite = nta_outgoing_tcreate(
		d->leg, on_invite_answer, d,
		uri ? (url_string_t *)d->ua->route : NULL, SIP_METHOD_INVITE,
		(url_string_t *)uri, SIPTAG_CONTACT_STR(d->ua->contact),
		TAG_IF(dl->require, SIPTAG_REQUIRE_STR(dl->require)),
		TAG_IF(dl->supported, SIPTAG_SUPPORTED_STR(dl->supported)),
		TAG_IF(inv->headers, SIPTAG_HEADER_STR(inv->headers)),
		SIPTAG_ALLOW_STR(ALLOW), SIPTAG_ACCEPT_STR(ACCEPT),
		SIPTAG_SESSION_EXPIRES_STR(EXPIRES),
		SIPTAG_USER_AGENT_STR(dl->agent),
		TAG_IF(inv->token, SIPTAG_AUTHORIZATION_STR(credentials)),
		TAG_IF(inv->body, SIPTAG_CONTENT_TYPE_STR(inv->content_type)),
		TAG_IF(inv->body, SIPTAG_PAYLOAD_STR(inv->body)), TAG_END());
	return d->invite ? 0 : -EINVAL;
}

int call_dialog_invite(struct call_ua *ua, const struct call_invite *inv,
		       void *darg, struct call_dialog **ret_dialog)
{
	struct call_dialog *d CLEANUP(call_dialog_destroy) = NULL;
	int r;

	d = mem_zalloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->ua = ua;
	d->arg = darg;
	d->leg = nta_leg_tcreate(ua->agent, on_request, d,
				 SIPTAG_FROM_STR(inv->from),
				 SIPTAG_TO_STR(inv->to), TAG_END());
	if (!d->leg)
		return -EINVAL;
	nta_leg_tag(d->leg, NULL);
	d->method = CALL_INVITE;
	d->late = !inv->body;
	r = send_invite(d, inv->to, inv);
	if (r < 0)
		return r;
	{
		msg_t *msg = nta_outgoing_getrequest(d->invite);
		sip_t *sip = msg ? sip_object(msg) : NULL;

		if (sip && sip->sip_call_id)
			str_copy(d->call_id, sizeof(d->call_id),
				 sip->sip_call_id->i_id);
		msg_destroy(msg);
	}
	*ret_dialog = STEAL(d);
	return 0;
}

static void drop_answer(struct call_dialog *d)
{
	mem_free(d->ack_type);
	mem_free(d->ack_body);
	d->ack_type = d->ack_body = NULL;
}

int call_dialog_answer(struct call_dialog *d, const char *content_type,
		       const char *body)
{
	drop_answer(d);
	d->ack_type = mem_strdup(content_type);
	d->ack_body = mem_strdup(body);
	return d->ack_type && d->ack_body ? 0 : -ENOMEM;
}

int call_dialog_request(struct call_dialog *d, enum call_method method,
			const char *content_type, const char *body)
{
	const struct call_invite again = { .content_type = content_type,
					   .body = body };
	bool bye = method == CALL_BYE;

	d->method = method;
	if (method == CALL_REINVITE) {
		d->late = false;
		drop_answer(d);
		return send_invite(d, NULL, &again);
	}
	if (d->request)
		nta_outgoing_destroy(d->request);
	d->request = nta_outgoing_tcreate(
		d->leg, on_answer, d, NULL,
		bye ? sip_method_bye : sip_method_update,
		bye ? "BYE" : "UPDATE", NULL,
		TAG_IF(!bye, SIPTAG_CONTACT_STR(d->ua->contact)),
		SIPTAG_USER_AGENT_STR(d->ua->dialect->agent),
		TAG_IF(body, SIPTAG_CONTENT_TYPE_STR(content_type)),
		TAG_IF(body, SIPTAG_PAYLOAD_STR(body)), TAG_END());
	return d->request ? 0 : -EINVAL;
}

static void dialog_free(struct call_dialog *d)
{
	if (d->invite && nta_outgoing_status(d->invite) < 200)
		nta_outgoing_cancel(d->invite);
	if (d->invite)
		nta_outgoing_destroy(d->invite);
	if (d->request)
		nta_outgoing_destroy(d->request);
	if (d->leg)
		nta_leg_destroy(d->leg);
	drop_answer(d);
	mem_free(d);
}

void call_dialog_destroy(struct call_dialog **dp)
{
	struct call_dialog *d = *dp;

	if (!d)
		return;
	*dp = NULL;
	if (!d->in_callback) {
		dialog_free(d);
		return;
	}
	d->next = d->ua->zombies;
	d->ua->zombies = d;
}

const char *call_dialog_id(const struct call_dialog *d)
{
	return d->call_id;
}

/* ---- life of the agent ---- */

static void bury(struct call_ua *ua)
{
	struct call_dialog *d;

	while ((d = ua->zombies)) {
		ua->zombies = d->next;
		dialog_free(d);
	}
}

void call_ua_destroy(struct call_ua **uap)
{
	struct call_ua *ua = *uap;

	if (!ua)
		return;
	*uap = NULL;
	bury(ua);
	if (ua->agent)
		nta_agent_destroy(ua->agent);
	if (ua->root)
		su_root_destroy(ua->root);
	mem_free(ua);
	su_deinit();
}

void call_ua_step(struct call_ua *ua, int timeout_ms)
{
	(void)su_root_step(ua->root, timeout_ms);
	/* the rest of what came together */
	for (int i = 0; i < 32; i++)
		(void)su_root_step(ua->root, 0);
	bury(ua);
}
