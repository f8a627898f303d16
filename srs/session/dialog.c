/* Everything that comes within a session's dialog, sorted: changes go to
 * change.c, what else there is ends here.
 */
#include <stdio.h>
#include <string.h>

#include "base/settings.h"
#include "base/str.h"
#include "srs/session/refer.h"
#include "srs/session/session.h"

/* Capture tells once a second what has come. */
#define MEDIA_REPORT_US 2000000

static void answer_status(struct session *s, struct ua_request *req, int status)
{
	struct ua_answer a = { .status = status };

	turn_answer(s->sv, s, req, &a);
}

static void on_bye(struct session *s, struct ua_request *req)
{
	bool fine;

	if (s->bye ||
	    (s->state != SESSION_LIVE && s->state != SESSION_RESUMING)) {
		answer_status(s, req, 200);
		return;
	}
	s->bye = req;
	if (req->odd)
		session_note_warning(s, "sip.cseq_below", WARN_WARNING,
				     "the BYE's CSeq is below the last one; "
				     "the call was ended all the same");
	fine = session_last_words(s, req);
	session_end(s,
		    handover_ends(s) ? CAP_REASON_HANDED_OVER
		    : fine	     ? CAP_REASON_BYE
				     : "conditions",
		    0, "");
}

/* Has it a description, or header fields that name other people? */
static bool is_about_people(struct session *s, struct ua_request *req)
{
	struct intake *in = s->sv->in;
	bool about;

	body_read(req->content_type, req->body, NULL, &in->body);
	if (in->body.has_metadata)
		return true;
	(void)parties_named_anew(s, req); /* out of memory: as if not named */
	about = in->md != NULL;
	metadata_destroy(&in->md);
	return about;
}

/* People may be named in any request that we answer with 200; otherwise these
 * are about nothing here. */
static void on_info(struct session *s, struct ua_request *req)
{
	struct ua_answer a = { .status = 200 };

	if (s->state < SESSION_CLOSING && is_about_people(s, req)) {
		session_change(s, req);
		return;
	}
	if (req->method == UA_OPTIONS)
		a.headers = UA_ABILITIES;
	turn_answer(s->sv, s, req, &a);
}

void session_on_in_dialog(void *arg, struct ua_request *req)
{
	struct session *s = arg;

	session_note_request(s, req);
	session_touch_activity(s);
	switch (req->method) {
	case UA_BYE:
		on_bye(s, req);
		return;
	case UA_OPTIONS:
		on_info(s, req);
		return;
	case UA_INVITE:
	case UA_UPDATE:
		if (s->state >= SESSION_CLOSING)
			answer_status(s, req, 481);
		else
			session_change(s, req);
		return;
	case UA_REFER:
		refer_on_within(s, req);
		return;
	case UA_SUBSCRIBE:
		refer_on_subscribe_within(s, req);
		return;
	case UA_CANCEL: /* of nothing that waits */
		answer_status(s, req, 481);
		return;
	default:
		if (str_eq(req->method_name, "INFO"))
			on_info(s, req);
		else /* whatever it says: what is refused is not taken */
			answer_status(s, req,
				      req->method == UA_UNKNOWN ? 501 : 405);
	}
}

/* ---- who sends this? ---- */

#define BUSY "Retry-After: 5\r\n"

int session_admit(struct sip_server *sv, const struct session *s,
		  const struct gate_snapshot *with, struct ua_request *req,
		  struct buf *headers)
{
	struct gate_verdict v;
	int status;

	intake_sender(sv, req);
	if (gate_is_plain(with, &sv->in->gate))
		return 0;
	if (turn_begin(sv) < 0) {
		buf_puts(headers, BUSY);
		return 503;
	}
	gate_within(sv->gate, with, &sv->in->gate, &v);
	status = v.status == 200 ? 0 : v.status;
	if (status) {
		session_refusal(sv, s, req->method_name, &v, headers);
		sv->turn.poke = true; /* the audit entry */
	}
	gate_verdict_fini(&v);
	return status;
}

/* Once is enough to know why a BYE did not end it. */
static void tell_refused(struct session *s, const struct ua_request *req,
			 int status)
{
	char detail[120];

	if (s->told_refused || s->state > SESSION_RESUMING)
		return;
	s->told_refused = true;
	(void)snprintf(detail, sizeof(detail), "%.20s from %s over %s: %d",
		       req->method_name, req->peer,
		       ua_transport_name(req->transport), status);
	session_note_warning(s, "sip.refused_within", WARN_INFO, detail);
}

static int on_admit(void *arg, struct ua_request *req, struct buf *headers)
{
	struct session *s = arg;
	int status = session_admit(s->sv, s, &s->snap, req, headers);

	if (status)
		tell_refused(s, req, status);
	return status;
}

void session_check_prack(struct session *s)
{
	if (s->prack_due_us != INT64_MAX && s->dialog &&
	    ua_dialog_lacks_prack(s->dialog))
		session_note_warning(s, "sip.prack_missing", WARN_WARNING,
				     "the client required 100rel and never "
				     "confirmed the answer that it got");
	s->prack_due_us = INT64_MAX;
}

/* Who sends what was agreed has seen our answer; when that stops the call ends
 * as any other. */
void session_ack_missing(struct session *s)
{
	int64_t waited = 64 * s->sv->set->sip.t1_us + MEDIA_REPORT_US;
	bool media =
		s->packets > 0 && session_mono_us(s->sv) - s->media_us < waited;

	s->ack_due_us = INT64_MAX;
	session_note_warning(s, "sip.ack_missing", WARN_WARNING,
			     media ? "the client never confirmed our answer; "
				     "its media comes, so the call goes on"
				   : "the client never confirmed our answer");
	if (!media)
		session_end(s, "ack_missing", 408, "ACK missing");
	else if (s->offered)
		session_answer_wait_over(s);
}

static void on_ack(void *arg, struct ua_request *ack)
{
	struct session *s = arg;

	s->ack_due_us = INT64_MAX;
	if (ack) {
		session_note_request(s, ack);
		session_touch_activity(s);
		if (ack->odd && !s->told_ack)
			session_note_warning(
				s, "sip.ack_odd", WARN_INFO,
				"the ACK has no To tag, or another CSeq than "
				"its INVITE");
		s->told_ack |= ack->odd;
		if (s->state == SESSION_LIVE)
			session_take_body(s, ack, ack->content_type, ack->body);
		if (s->offered && !s->late_answer)
			session_take_answer(s, ack->content_type, ack->body);
		return;
	}
	session_ack_missing(s);
}

static void on_response(void *arg, enum ua_method method,
			const struct ua_response *res)
{
	struct session *s = arg;
	/* a client that is silent about a re-INVITE, or a request for its
	 * description, may be no worse than that */
	bool gone = res->status == 481 ||
		    (res->status == 408 && method != UA_INVITE &&
		     !(method == UA_UPDATE && s && s->snapshot_asked));

	if (!res->noted)
		session_note_message(s, true, res->text,
				     ua_dialog_transport(s->dialog),
				     ua_dialog_peer(s->dialog));
	session_note_message(s, false, res->ack, ua_dialog_transport(s->dialog),
			     ua_dialog_peer(s->dialog));
	if (method == UA_NOTIFY)
		return; /* its subscription is none of the call's business */
	if (s->dialing && method == UA_INVITE) {
		dialout_answered(s, res);
		return;
	}
	if (method == UA_BYE) {
		s->bye_sent = false;
		turn_drop_dialog(s);
		turn_touch(s);
		s->sv->turn.poke = true;
		return;
	}
	if (gone) {
		session_end(s, "lost", res->status, "No such call");
		return;
	}
	if (res->status != 408)
		session_touch_activity(s);
	if (method == UA_INVITE)
		session_invite_answered(s, res);
	if (method == UA_UPDATE) {
		session_refreshed(s, res);
		session_snapshot_answered(s, res);
	}
}

static void on_wire(void *arg, const struct ua_wire *w)
{
	struct session *s = arg;

	if (!s || s->n_strays >= SESSION_STRAYS_MAX)
		return;
	s->n_strays++;
	session_note_message(s, w->in, w->text, w->transport, w->peer);
}

const struct ua_events session_events = {
	.request = session_on_request,
	.admit = on_admit,
	.in_dialog = session_on_in_dialog,
	.ack = on_ack,
	.cancelled = session_on_cancelled,
	.response = on_response,
	.wire = on_wire,
};
