/* A new try after our refusal.
 *
 * nta answers 482 to a request that came before by another way (RFC 3261
 * 8.2.2.2): same Call-ID, From tag and CSeq, another branch. There are clients
 * that answer our 401 just so, with a token added: what was refused, and in the
 * case of an INVITE confirmed by its ACK, runs no more, so this is no copy of
 * it. What is still running, or was accepted, is merged as before.
 *
 * Few are remembered, by a hash: who is forgotten gets the 482.
 */
#include <string.h>

#include "base/clock.h"
#include "srs/sip/ua_int.h"

/* nta keeps its transactions as long as that. */
#define KEPT_US 40000000

static uint64_t hash(uint64_t h, const char *s)
{
	do
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	while (*s++);
	return h;
}

static uint64_t key_of(sip_t const *sip, const char *method)
{
	uint64_t h = hash(0xcbf29ce484222325u, sip->sip_call_id->i_id);

	h = hash(h, sip->sip_from->a_tag ? sip->sip_from->a_tag : "");
	h = hash(h, method);
	return (h ^ sip->sip_cseq->cs_seq) * 0x100000001b3u | 1; /* 0 = none */
}

static struct ua_again *find(struct ua *ua, sip_t const *sip,
			     const char *method)
{
	uint64_t key = key_of(sip, method);
	struct ua_again *a = &ua->again[key / 2 % UA_AGAIN_MAX];

	return a->key == key && clock_mono_us(clock_real()) < a->until_us
		       ? a
		       : NULL;
}

void ua_again_refused(const struct ua_irq_magic *q)
{
	uint64_t key = key_of(q->sip, q->pub.method_name);
	struct ua_again *a = &q->ua->again[key / 2 % UA_AGAIN_MAX];

	if (q->pub.to_tag[0])
		return;
	a->key = key;
	a->until_us = clock_mono_us(clock_real()) + KEPT_US;
	a->confirmed = q->pub.method != UA_INVITE;
}

bool ua_again_take(struct ua *ua, tport_t *tp, msg_t *msg)
{
	sip_t *sip = sip_object(msg);
	struct ua_again *a;

	if (!sip->sip_request || !ua_is_readable(msg))
		return false;
	if (sip->sip_request->rq_method == sip_method_ack) {
		a = find(ua, sip, "INVITE");
		if (a)
			a->confirmed = true;
		return false;
	}
	if (sip->sip_to->a_tag)
		return false;
	a = find(ua, sip, sip->sip_request->rq_method_name);
	if (!a || !a->confirmed ||
	    nta_incoming_find(ua->agent, sip, sip->sip_via))
		return false;
	a->key = 0; /* copies of this one are copies again */
	ua_take_outside(ua, tp, msg);
	return true;
}
