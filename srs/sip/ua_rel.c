/* Reliable provisional answers (RFC 3262), for clients that require 100rel.
 *
 * We have nothing to say before the 200, so a 183 without SDP leaves just
 * ahead of it: section 3 lets the 200 follow at once where no session
 * description waits to be confirmed. The client confirms the 183 by PRACK,
 * before or after its ACK, or never: that costs it nothing.
 *
 * nta pairs a PRACK with the INVITE's transaction, so that one is kept until
 * the PRACK has come, or for as long as the dialog. What fits nothing nta
 * answers with 481.
 */
#include "srs/sip/ua_int.h"

static bool is_required(const struct ua_irq_magic *q)
{
	return q->pub.to_tag[0] == '\0' &&
	       sip_fields_lists(&q->pub.fields, "Require", "100rel");
}

static int on_prack(struct ua_dialog *d, nta_reliable_t *rel,
		    nta_incoming_t *prack, sip_t const *sip)
{
	(void)rel;
	(void)sip;
	if (!prack)
		return 0; /* the 200 went out: it is not repeated any more */
	ua_rel_forget(d);
	return 200;
}

void ua_rel_send(struct ua_irq_magic *q, const char *contact)
{
	struct ua_dialog *d = q->pub.dialog;

	if (!d || d->rel || !is_required(q))
		return;
	d->rel = nta_reliable_treply(q->irq, on_prack, d,
				     SIP_183_SESSION_PROGRESS,
				     SIPTAG_SERVER_STR(q->ua->software),
				     SIPTAG_CONTACT_STR(contact), TAG_END());
	d->rel_invite = q;
}

bool ua_rel_keep(struct ua_dialog *d, const struct ua_irq_magic *q)
{
	if (!d->rel || d->rel_invite != q)
		return false;
	d->rel_kept = true;
	return true;
}

void ua_rel_leave(struct ua_dialog *d, const struct ua_irq_magic *q)
{
	if (d->rel && d->rel_invite == q)
		ua_rel_forget(d);
}

void ua_rel_forget(struct ua_dialog *d)
{
	struct ua_irq_magic *q = d->rel_kept ? d->rel_invite : NULL;

	if (d->rel)
		nta_reliable_destroy(d->rel);
	d->rel = NULL;
	d->rel_invite = NULL;
	d->rel_kept = false;
	if (!q)
		return;
	nta_incoming_destroy(q->irq);
	ua_request_drop(q);
}

bool ua_dialog_lacks_prack(const struct ua_dialog *d)
{
	return d->rel != NULL;
}
