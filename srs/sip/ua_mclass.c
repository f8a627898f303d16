/* What deployed recording clients get wrong in the envelope, and nta would
 * answer with 400 or drop, is repaired between parsing the headers and
 * checking them: the hook below runs when the empty line has been reached.
 *
 *  - a request whose CSeq names another method (ACK and BYE of several SBCs).
 *    Not an OPTIONS: with its 400 no call is lost
 *  - a Content-Length larger than the datagram (it is cut to what is there)
 *
 * Empty lines before a message cost the copy of its first line as many bytes
 * at its end; it is made again.
 *
 * And a first line that cannot be read: Sofia would drop the message without
 * an answer, and never again read from its TCP connection nor close it. Such a
 * request goes on with a URI that nobody has: an INVITE is recorded all the
 * same, what we would refuse anyhow gets 400; such an answer is one to nothing.
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
	if (cs->cs_method == sip->sip_request->rq_method ||
	    sip->sip_request->rq_method == sip_method_options)
		return;
	cs->cs_method = sip->sip_request->rq_method;
	cs->cs_method_name = sip->sip_request->rq_method_name;
}

static void copy_again(const msg_header_t *h, char *s, isize_t len)
{
	const char *line = h->sh_data;
	size_t blanks = line ? strspn(line, "\r\n\t ") : 0;

	if (blanks > 0 && line != s)
		memcpy(s, line + blanks, (size_t)len);
}

static issize_t parse_request(su_home_t *home, msg_header_t *h, char *s,
			      isize_t len)
{
	sip_request_t *rq = (sip_request_t *)h;

	copy_again(h, s, len);
	h->sh_class = sip_request_class;
	if (sip_request_class->hc_parse(home, h, s, len) >= 0)
		return 0;
	if (!rq->rq_method_name) {
		rq->rq_method = sip_method_unknown;
		rq->rq_method_name = "UNKNOWN";
	}
	url_init(rq->rq_url, url_sip);
	rq->rq_url->url_host = UA_UNREADABLE;
	rq->rq_version = SIP_VERSION_CURRENT;
	return 0;
}

static issize_t parse_status(su_home_t *home, msg_header_t *h, char *s,
			     isize_t len)
{
	sip_status_t *st = (sip_status_t *)h;

	copy_again(h, s, len);
	h->sh_class = sip_status_class;
	if (sip_status_class->hc_parse(home, h, s, len) >= 0 &&
	    st->st_status >= 100 && st->st_status < 700)
		return 0;
	st->st_version = SIP_VERSION_CURRENT;
	st->st_status = 699;
	st->st_phrase = "Unreadable";
	return 0;
}

static issize_t repair_and_extract(msg_t *msg, msg_pub_t *pub, char b[],
				   isize_t bsiz, int eos)
{
	sip_t *sip = (sip_t *)pub;
	issize_t n;

	if (!(sip->sip_flags & MSG_FLG_BODY)) {
		repair_cseq(sip);
		n = extract_body(msg, pub, b, bsiz, eos);
		if (n > 0)
			ua_wire_keep_head(msg, sip, b, bsiz);
		return n;
	}
	if (eos && sip->sip_content_length &&
	    sip->sip_content_length->l_length > (unsigned long)bsiz) {
		sip->sip_content_length->l_length = (uint32_t)bsiz;
	}
	return extract_body(msg, pub, b, bsiz, eos);
}

msg_mclass_t *ua_mclass_create(void)
{
	static msg_mclass_t *mclass; /* one for the process, never freed */
	static struct msg_hclass_s request, status;

	if (mclass)
		return mclass;
	mclass = msg_mclass_clone(sip_default_mclass(), 0, 0);
	if (!mclass)
		return NULL;
	extract_body = mclass->mc_extract_body;
	mclass->mc_extract_body = repair_and_extract;
	request = *mclass->mc_request->hr_class;
	request.hc_parse = parse_request;
	mclass->mc_request->hr_class = &request;
	status = *mclass->mc_status->hr_class;
	status.hc_parse = parse_status;
	mclass->mc_status->hr_class = &status;
	return mclass;
}
