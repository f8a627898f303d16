/* REFER: a client that may be recorded asks us to call somebody (Refer-To) and
 * record what comes, under its own grant.
 *
 * The 202 makes a subscription: NOTIFY says "100 Trying" at once and how it
 * went at the end. Refer-Sub: false (RFC 4488) and Require: nosub (RFC 7614)
 * make none. Explicit subscriptions (RFC 7614 explicitsub) are not offered
 * (the agent answers 420). Where we may call is [sip] dial_to, as for the API.
 *
 * Source: RFC 3515.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/settings.h"
#include "base/str.h"
#include "srs/session/session.h"
#include "storage/commands.h"

#define URI_MAX 400

void refer_notify(struct ua_dialog **dialog, int status, const char *phrase)
{
	bool over = status >= 200;
	char body[120];
	const struct ua_send m = {
		.method = UA_NOTIFY,
		.headers = over ? "Event: refer\r\n"
				  "Subscription-State: terminated;"
				  "reason=noresource\r\n"
				: "Event: refer\r\n"
				  "Subscription-State: active;expires=120\r\n",
		.content_type = "message/sipfrag;version=2.0",
		.body = { body, 0 },
	};
	struct ua_send send = m;

	if (!*dialog)
		return;
	(void)snprintf(body, sizeof(body), "SIP/2.0 %d %s\r\n", status, phrase);
	send.body.len = strlen(body);
	if (ua_dialog_send(*dialog, &send, NULL) < 0)
		log_warn(NULL, "sip.notify_not_sent", LOG_I("status", status));
	if (over)
		ua_dialog_destroy(dialog);
}

void refer_over(struct session *s, int state)
{
	if (state == COMMAND_DONE)
		refer_notify(&s->refer, 200, "OK");
	else if (state == COMMAND_REFUSED)
		refer_notify(&s->refer, 403, "Forbidden");
	else
		refer_notify(&s->refer, 503, "Service Unavailable");
}

/* ---- the request ---- */

/* @return what is wrong or NULL */
static const char *read_target(struct ua_request *req, char *uri)
{
	struct span v = ua_request_field(req, "Refer-To", 0), one = v;
	ptrdiff_t at = span_find(v, '<');

	if (v.len == 0 || ua_request_field(req, "Refer-To", 1).len)
		return "exactly one Refer-To is needed";
	if (at >= 0) {
		one = (struct span){ v.p + at + 1, v.len - (size_t)at - 1 };
		at = span_find(one, '>');
		if (at < 0)
			return "Refer-To cannot be read";
		one.len = (size_t)at;
	}
	if (!span_copy(uri, URI_MAX, span_trim(one)) || strchr(uri, '?') ||
	    strstr(uri, "method="))
		return "Refer-To must be a plain SIP URI";
	return NULL;
}

static bool wants_notify(struct ua_request *req)
{
	return !span_istarts(ua_request_field(req, "Refer-Sub", 0), "false") &&
	       !sip_fields_lists(&req->fields, "Require", "nosub");
}

static void refuse(struct sip_server *sv, struct ua_request *req, int status,
		   const char *headers)
{
	struct ua_answer a = { .status = status, .headers = headers };

	turn_answer(sv, NULL, req, &a);
}

/* As a command of the catalog, so that it is found there and audited. */
static void start(struct sip_server *sv, const struct gate_snapshot *who,
		  const char *uri, struct ua_dialog **dialog)
{
	json_t *j =
		json_pack("{ss ss}", "from", uri, "grant_id", who->grant_id);
	char *args = j ? json_dumps(j, JSON_COMPACT) : NULL;
	char actor[64];
	struct command_new n = { .node = sv->node,
				 .tenant_id = who->tenant_id,
				 .kind = "record",
				 .args = args,
				 .actor = actor,
				 .asked_us = session_wall_us(sv) };
	struct command c = { .tenant_id = who->tenant_id,
			     .kind = "record",
			     .recording_id = "",
			     .args = args,
			     .actor = actor,
			     .asked_us = n.asked_us };

	(void)snprintf(actor, sizeof(actor), "client:%s", who->client_id);
	if (args && turn_begin(sv) == 0 &&
	    turn_check(sv, command_add(sv->db, &n, &c.id)) == 0)
		dialout_start(sv, &c, dialog);
	refer_notify(dialog, 403, "Forbidden"); /* unless it was started */
	mem_free(args);
	json_decref(j);
}

static void accept_refer(struct sip_server *sv, struct ua_request *req,
			 const struct gate_snapshot *who, const char *uri)
{
	bool notify = wants_notify(req);
	struct ua_dialog *dialog = NULL;
	struct ua_answer yes = {
		.status = 202,
		.headers = notify ? "Supported: norefersub, nosub\r\n"
				  : "Supported: norefersub, nosub\r\n"
				    "Refer-Sub: false\r\n",
	};

	if (notify && ua_dialog_create(sv->ua, req, NULL, &dialog) < 0) {
		refuse(sv, req, 500, NULL);
		return;
	}
	/* said before the commit: it promises nothing but to try */
	(void)ua_answer(req, &yes, NULL);
	refer_notify(&dialog, 100, "Trying");
	start(sv, who, uri, &dialog);
}

void session_on_refer(struct sip_server *sv, struct ua_request *req)
{
	char uri[URI_MAX], warning[300];
	struct gate_verdict v;
	const char *bad = read_target(req, uri);

	if (bad) {
		(void)snprintf(warning, sizeof(warning),
			       "Warning: 399 %s \"%s\"\r\n", sv->node, bad);
		refuse(sv, req, 400, warning);
		return;
	}
	if (turn_begin(sv) < 0) {
		session_refuse_busy(sv, NULL, req);
		return;
	}
	intake_read(sv, req);
	intake_facts(sv, req, NULL, sv->nobody, false);
	gate_identify(sv->gate, &sv->in->gate, &v);
	intake_fini(sv); /* the call of ours uses it anew */
	if (v.status == 200)
		accept_refer(sv, req, &v.snapshot, uri);
	else
		session_refuse(sv, NULL, req, &v);
	gate_verdict_fini(&v);
}
