/* What deployed recording clients get wrong in the envelope, and nta would
 * answer with 400 or drop, is repaired between parsing the headers and
 * checking them: the hook below runs when the empty line has been reached.
 *
 *  - ACK or BYE whose CSeq names another method (INTEROP: several SBCs)
 *  - a Content-Length larger than the datagram (it is cut to what is there)
 */
#include <string.h>

#include "srs/sip/ua_int.h"

static issize_t (*extract_body)(msg_t *msg, msg_pub_t *pub, char b[],
				isize_t bsiz, int eos);

static struct ua *watched;

void ua_mclass_watch(struct ua *ua)
{
	watched = ua;
}

struct ua *ua_mclass_watched(void)
{
	return watched;
}

static void repair_cseq(sip_t *sip)
{
	sip_cseq_t *cs = sip->sip_cseq;

	if (!sip->sip_request || !cs)
		return;
	if (cs->cs_method == sip->sip_request->rq_method)
		return;
	cs->cs_method = sip->sip_request->rq_method;
	cs->cs_method_name = sip->sip_request->rq_method_name;
}

static issize_t repair_and_extract(msg_t *msg, msg_pub_t *pub, char b[],
				   isize_t bsiz, int eos)
{
	sip_t *sip = (sip_t *)pub;

	if (!(sip->sip_flags & MSG_FLG_BODY)) {
		repair_cseq(sip);
		if (ua_guard_refuses(watched, sip))
			return -1;
	} else if (eos && sip->sip_content_length &&
		   sip->sip_content_length->l_length > (unsigned long)bsiz) {
		sip->sip_content_length->l_length = (uint32_t)bsiz;
	}
	return extract_body(msg, pub, b, bsiz, eos);
}

msg_mclass_t *ua_mclass_create(void)
{
	static msg_mclass_t *mclass; /* one for the process, never freed */

	if (mclass)
		return mclass;
	mclass = msg_mclass_clone(sip_default_mclass(), 0, 0);
	if (!mclass)
		return NULL;
	extract_body = mclass->mc_extract_body;
	mclass->mc_extract_body = repair_and_extract;
	return mclass;
}
