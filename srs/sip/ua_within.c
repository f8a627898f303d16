/* Requests within a dialog, before nta counts anything of them.
 *
 * nta would take the CSeq of whatever names a dialog, stop repeating a 200 for
 * any ACK and give up an INVITE for any CANCEL. Call-ID and tags are no secret
 * (they travel in clear, and are in traces), so first the dialog's owner is
 * asked who sends this: ua_events.admit(). What is refused leaves no trace but
 * its answer.
 *
 * What real clients do to dialogs is dealt with here as well: an ACK without
 * To tag or with another CSeq than its INVITE, a BYE whose CSeq is below the
 * last one.
 */
#include <string.h>

#include "base/buf.h"
#include "srs/sip/ua_int.h"

bool ua_is_readable(msg_t *msg)
{
	sip_t *sip = sip_object(msg);

	return !(sip->sip_flags & (MSG_FLG_TOOLARGE | MSG_FLG_ERROR)) &&
	       !(msg_extract_errors(msg) & sip_mask_request) &&
	       sip_sanity_check(sip) >= 0 &&
	       su_casematch(sip->sip_request->rq_version, sip_version_2_0);
}

/* As nta finds it: without a To tag by Call-ID and From tag alone. */
static struct ua_dialog *dialog_of(struct ua *ua, sip_t const *sip)
{
	nta_leg_t *leg = nta_leg_by_dialog(ua->agent, NULL, sip->sip_call_id,
					   sip->sip_from->a_tag, NULL,
					   sip->sip_to->a_tag, NULL);
	struct ua_leg_magic *m =
		leg ? nta_leg_magic(leg, ua_leg_callback()) : NULL;

	return m ? m->dialog : NULL;
}

static bool is_paired(sip_t const *sip)
{
	sip_method_t m = sip->sip_request->rq_method;

	return m == sip_method_ack || m == sip_method_cancel;
}

/* nta pairs an ACK or CANCEL with an INVITE of the same Via and CSeq, whatever
 * its To tag: whose is that? */
static struct ua_dialog *paired_dialog(struct ua *ua, sip_t *sip)
{
	sip_cseq_t *cseq = sip->sip_cseq;
	const char *name = cseq->cs_method_name;
	sip_method_t method = cseq->cs_method;
	nta_incoming_t *irq;

	if (!is_paired(sip))
		return NULL;
	cseq->cs_method = sip_method_invite;
	cseq->cs_method_name = "INVITE";
	irq = nta_incoming_find(ua->agent, sip, sip->sip_via);
	cseq->cs_method = method;
	cseq->cs_method_name = name;
	return irq ? ua_invite_dialog(irq) : NULL;
}

/* ACK and CANCEL are asked about each time: where this finds an earlier one
 * nta may find the INVITE. */
static bool is_repeated(struct ua *ua, sip_t const *sip)
{
	return !is_paired(sip) &&
	       nta_incoming_find(ua->agent, sip, sip->sip_via);
}

/* These nta pairs with an INVITE of the client's. */
static bool is_companion(sip_t const *sip)
{
	sip_method_t m = sip->sip_request->rq_method;

	return m == sip_method_ack || m == sip_method_cancel ||
	       m == sip_method_prack;
}

/* @return 0, or what the owner refuses it with */
static int ask(struct ua_dialog *d, struct ua_request *req, struct buf *headers)
{
	return d->events->admit ? d->events->admit(d->darg, req, headers) : 0;
}

static nta_incoming_t *begin(struct ua *ua, nta_leg_t *leg, tport_t *tp,
			     msg_t *msg, sip_t *sip)
{
	ua_complete_via(msg, tp, sip->sip_via);
	return nta_incoming_create(ua->agent, leg, msg, sip, NTATAG_TPORT(tp),
				   TAG_END());
}

/* The answer and its repetitions are nta's; whoever keeps the dialog's messages
 * hears of both (ua_wire.c). msg is taken. */
static void refuse(struct ua_dialog *d, tport_t *tp, msg_t *msg, int status,
		   struct buf *headers)
{
	struct ua *ua = d->ua;
	nta_incoming_t *irq = begin(ua, d->leg, tp, msg, sip_object(msg));
	const char *lines = headers && headers->len ? buf_str(headers) : NULL;

	if (!irq)
		return; /* no memory: it comes again, perhaps */
	nta_incoming_treply(irq, status, ua_status_phrase(status),
			    SIPTAG_SERVER_STR(ua->software),
			    TAG_IF(lines, SIPTAG_HEADER_STR(lines)), TAG_END());
	nta_incoming_destroy(irq);
}

/* Without a transaction, which nta would take the client's own one for. */
static void refuse_cancel(struct ua *ua, tport_t *tp, msg_t *msg, int status,
			  struct buf *headers)
{
	const char *lines = headers->len ? buf_str(headers) : NULL;

	ua_complete_via(msg, tp, sip_object(msg)->sip_via);
	(void)nta_msg_treply(ua->agent, msg, status, ua_status_phrase(status),
			     NTATAG_TPORT(tp), SIPTAG_SERVER_STR(ua->software),
			     TAG_IF(lines, SIPTAG_HEADER_STR(lines)),
			     TAG_END());
}

/* A copy that took another way (RFC 3261 8.2.2.2). After a restart the INVITE
 * itself may come again, whose 200 was never sent: that is none. */
static bool is_copy(const struct ua_dialog *d, sip_t const *sip)
{
	return !is_companion(sip) && !sip->sip_to->a_tag && d->first_cseq &&
	       sip->sip_cseq->cs_seq == d->first_cseq;
}

/* A new INVITE that has the Call-ID and From tag of a dialog that it does not
 * belong to: judged as any other. */
void ua_take_outside(struct ua *ua, tport_t *tp, msg_t *msg)
{
	sip_t *sip = sip_object(msg);
	nta_incoming_t *irq = begin(ua, ua->default_leg, tp, msg, sip);

	if (irq && ua_take_request(&ua->default_magic, irq, sip) >= 200)
		nta_incoming_destroy(irq); /* no memory: that is a 500 */
}

static void take(struct ua_dialog *d, struct ua_irq_magic *peek, tport_t *tp,
		 msg_t *msg)
{
	uint32_t cseq = peek->pub.cseq;
	bool late = cseq < d->remote_cseq;
	struct ua *ua = d->ua;
	nta_incoming_t *irq;

	if (late && peek->pub.method != UA_BYE) {
		refuse(d, tp, msg, 500, NULL); /* RFC 3261 12.2.2 */
		return;
	}
	if (late)
		ua->odd = msg;
	else
		d->remote_cseq = cseq;
	irq = begin(ua, d->leg, tp, msg, sip_object(msg));
	if (irq && ua_take_request(&d->magic, irq, sip_object(msg)) >= 200)
		nta_incoming_destroy(irq);
}

/* nta pairs the ACK of a 2xx by tags and number. The one of a re-INVITE that
 * was refused, or of an INVITE that has its ACK, is not meant. */
static void repair_ack(struct ua_dialog *d, msg_t *msg, sip_t *sip)
{
	uint32_t cseq = sip->sip_cseq->cs_seq, wanted;

	if (!d->accepted)
		return;
	wanted = d->accepted->pub.cseq;
	if (cseq != wanted &&
	    (cseq == d->refused_cseq || cseq == d->acked_cseq))
		return;
	if (sip->sip_to->a_tag && cseq == wanted)
		return;
	if (!sip->sip_to->a_tag &&
	    sip_to_tag(msg_home(msg), sip->sip_to, d->local_tag) < 0)
		return;
	sip->sip_cseq->cs_seq = wanted;
	d->ua->odd = msg;
}

/* @return true: msg is taken */
static bool take_companion(struct ua_dialog *d, int refused, tport_t *tp,
			   msg_t *msg, struct buf *headers)
{
	sip_t *sip = sip_object(msg);

	if (sip->sip_request->rq_method == sip_method_ack) {
		if (refused)
			msg_destroy(msg);
		else
			repair_ack(d, msg, sip);
	} else if (refused &&
		   sip->sip_request->rq_method == sip_method_cancel) {
		refuse_cancel(d->ua, tp, msg, refused, headers);
	} else if (refused) {
		refuse(d, tp, msg, refused, headers);
	}
	return refused != 0;
}

/* @return true: msg is taken */
static bool sort(struct ua_dialog *d, struct ua_irq_magic *peek, tport_t *tp,
		 msg_t *msg)
{
	sip_t *sip = sip_object(msg);
	struct buf headers;
	bool taken = true;
	int refused;

	buf_init(&headers, 8192);
	refused = ask(d, &peek->pub, &headers);
	if (is_companion(sip))
		taken = take_companion(d, refused, tp, msg, &headers);
	else if (!refused)
		take(d, peek, tp, msg);
	else if (peek->pub.method == UA_INVITE && !sip->sip_to->a_tag)
		ua_take_outside(d->ua, tp, msg);
	else
		refuse(d, tp, msg, refused, &headers);
	buf_fini(&headers);
	return taken;
}

bool ua_within_take(struct ua *ua, tport_t *tp, msg_t *msg)
{
	sip_t *sip = sip_object(msg);
	struct ua_irq_magic *peek;
	struct ua_dialog *d;
	bool taken;

	ua->odd = NULL;
	if (!sip->sip_request || !ua_is_readable(msg))
		return false;
	d = paired_dialog(ua, sip);
	if (!d)
		d = dialog_of(ua, sip);
	if (!d || is_repeated(ua, sip))
		return false; /* nobody's, or comes again */
	ua->handled++;
	if (is_copy(d, sip)) {
		refuse(d, tp, msg, 482, NULL);
		return true;
	}
	peek = ua_request_peek(ua, tp, msg, sip);
	if (!peek) {
		msg_destroy(msg); /* no memory to look at it */
		return true;
	}
	taken = sort(d, peek, tp, msg);
	ua_request_drop(peek);
	return taken;
}
