/* Asking the client for a complete description, when what it sent so far leaves
 * open who takes part or contradicts itself.
 *
 * An UPDATE with a <requestsnapshot> (application/rs-metadata); only to clients
 * that accept that type, which is good for nothing else, and allow UPDATE.
 * Those that know the draft's application/rs-metadata-request only get that.
 * The description comes in a request of the client's own; one in the answer is
 * taken as well. At most three times a call, and never while something else of
 * the dialog is under way.
 *
 * Source: RFC 7866 section 9.2 (UPDATE, no other request, no SDP in it), RFC
 * 7865 section 7 (body).
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "srs/session/session.h"

#define RFC_TYPE "application/rs-metadata"
#define DRAFT_TYPE "application/rs-metadata-request"
#define ASK_MAX 3
/* A client may send the rest right after its ACK by itself. */
#define GRACE_US 300000

/* What a complete description would clear up. */
static const char *const reasons[][2] = {
	{ "metadata.missing", "no metadata so far" },
	{ "metadata.unreadable", "the metadata could not be read" },
	{ "metadata.truncated", "the metadata was cut off" },
	{ "metadata.not_taken", "the last update could not be applied" },
	{ "metadata.no_participants", "nobody is named" },
	{ "metadata.dangling_id", "an association names something that is "
				  "not described" },
};

void session_snapshot_answers(struct session *s, const struct sip_fields *f)
{
	s->snapshot_draft = !sip_fields_lists(f, "Accept", RFC_TYPE);
	s->snapshot_ok = (!s->snapshot_draft ||
			  sip_fields_lists(f, "Accept", DRAFT_TYPE)) &&
			 sip_fields_lists(f, "Allow", "UPDATE");
}

void session_snapshot_offer(struct session *s, struct ua_request *req)
{
	session_snapshot_answers(s, &req->fields);
}

void session_snapshot_consider(struct session *s, const char *code)
{
	if (!s->snapshot_ok || s->snapshots >= ASK_MAX || s->snapshot_why)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (!str_eq(reasons[i][0], code))
			continue;
		s->snapshot_why = reasons[i][1];
		s->snapshot_us = session_mono_us(s->sv) + GRACE_US;
		return;
	}
}

static size_t write_request(const struct session *s, char *dst, size_t dst_len)
{
	int n;

	if (s->snapshot_draft)
		n = snprintf(dst, dst_len, "SRS-Reason: %s\r\n",
			     s->snapshot_why);
	else
		n = snprintf(dst, dst_len,
			     "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
			     "<requestsnapshot xmlns=\"urn:ietf:params:xml:ns:"
			     "recording:1\">\r\n"
			     "  <requestreason xml:lang=\"en\">%s"
			     "</requestreason>\r\n"
			     "</requestsnapshot>\r\n",
			     s->snapshot_why);
	return n > 0 && (size_t)n < dst_len ? (size_t)n : 0;
}

static void ask(struct session *s)
{
	char body[400];
	struct ua_send m = {
		.method = UA_UPDATE,
		.headers = "Content-Disposition: recording-session\r\n"
			   "Allow: " UA_ALLOW "\r\n" UA_ACCEPT
			   "Supported: siprec, timer\r\n",
		.content_type = s->snapshot_draft ? DRAFT_TYPE : RFC_TYPE,
		.body = { body, write_request(s, body, sizeof(body)) },
	};
	char headers[600];

	if (s->timer.expires_s) { /* an UPDATE is a session refresh too */
		(void)snprintf(headers, sizeof(headers),
			       "%sSession-Expires: %u;refresher=%s\r\n",
			       m.headers, s->timer.expires_s,
			       s->timer.we_refresh ? "uac" : "uas");
		m.headers = headers;
	}
	s->snapshots++;
	s->snapshot_why = NULL;
	if (session_send_body(s, &m) < 0)
		log_warn(&s->log, "sip.snapshot_not_sent");
	else
		s->snapshot_asked = true;
}

void session_snapshot_watch(struct session *s, int64_t now)
{
	if (!s->snapshot_why || s->snapshot_us > now || s->change || s->plan ||
	    s->inviting || s->snapshot_asked || !s->dialog ||
	    s->ack_due_us != INT64_MAX)
		return;
	ask(s);
}

void session_snapshot_answered(struct session *s, const struct ua_response *res)
{
	bool asked = s->snapshot_asked;
	char detail[80];

	s->snapshot_asked = false;
	if (s->state != SESSION_LIVE)
		return;
	if (res->status / 100 != 2) {
		if (!asked)
			return;
		s->snapshots = ASK_MAX; /* it would not do it next time */
		(void)snprintf(detail, sizeof(detail),
			       "the client answered %d to our request for a "
			       "description",
			       res->status);
		session_note_warning(s, "metadata.snapshot_refused", WARN_INFO,
				     detail);
		return;
	}
	if (res->body.len == 0)
		return; /* it comes by a request, or it was a refresh */
	session_take_body(s, NULL, res->content_type, res->body);
}
