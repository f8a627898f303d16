/* The choice per m-line. Permission is looked at before codecs, because the
 * gate's order of answers is conditions (403) before codecs (488).
 *
 * One stream offered twice, as SAVP and as AVP: SAVP is taken if it can be, and
 * the other line is refused without being an error.
 */
#include "srs/siprec/answer.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "media/codec_list.h"
#include "srs/siprec/warn.h"

static bool is_recorded(const struct sdp_pt *pt)
{
	return codec_list_has(pt->codec, pt->rate_hz, pt->channels);
}

/* Redundancy alone is not enough: t140 is what it carries. */
static int8_t find_text(const struct sdp_line *l, const char *codec)
{
	for (unsigned i = 0; i < l->n_pts; i++) {
		if (!strcmp(l->pts[i].codec, codec) &&
		    l->pts[i].rate_hz == 1000)
			return (int8_t)i;
	}
	return -1;
}

/* ---- one line ---- */

static int8_t find_audio(const struct sdp_line *l, uint32_t mask)
{
	for (unsigned i = 0; i < l->n_pts; i++) {
		if (mask >> i & 1 && is_recorded(&l->pts[i]))
			return (int8_t)i;
	}
	return -1;
}

/* A companion of the codec: its rate first, then any rate. */
static int8_t find_companion(const struct sdp_line *l, const char *codec,
			     uint32_t rate_hz, bool any_rate)
{
	int8_t other = -1;

	for (unsigned i = 0; i < l->n_pts; i++) {
		if (strcmp(l->pts[i].codec, codec) != 0)
			continue;
		if (l->pts[i].rate_hz == rate_hz)
			return (int8_t)i;
		if (any_rate && other < 0)
			other = (int8_t)i;
	}
	return other;
}

/* Who permits one of the two permits the text. */
static enum answer_why judge_text(const struct sdp_line *l,
				  const struct answer_permit *p)
{
	int8_t t140 = find_text(l, "t140"), red = find_text(l, "red");

	if (t140 < 0)
		return ANSWER_NO_CODEC;
	if (p->pts >> t140 & 1 || (red >= 0 && p->pts >> red & 1))
		return ANSWER_ACCEPTED;
	return ANSWER_NOT_PERMITTED;
}

static enum answer_why judge_proto(const struct sdp_line *l,
				   enum answer_srtp srtp)
{
	if (l->proto == SDP_AVP || l->proto == SDP_AVPF)
		return srtp == ANSWER_SRTP_REQUIRED ? ANSWER_IN_CLEAR
						    : ANSWER_ACCEPTED;
	if (l->proto == SDP_DTLS && srtp != ANSWER_SRTP_OFF)
		return ANSWER_NO_KEYS;
	if (!sdp_line_is_srtp(l) || srtp == ANSWER_SRTP_OFF)
		return ANSWER_NO_PROTO;
	return l->sdes.params.suite == SRTP_CLEAR ? ANSWER_NO_KEYS
						  : ANSWER_ACCEPTED;
}

static enum answer_why judge_line(const struct sdp_line *l,
				  const struct answer_permit *p,
				  enum answer_srtp srtp)
{
	enum answer_why why;

	if (!l->port)
		return ANSWER_OFFERED_ZERO;
	if (l->media != SDP_AUDIO && l->media != SDP_TEXT)
		return ANSWER_NOT_AUDIO;
	if (!p->permit)
		return ANSWER_NOT_PERMITTED;
	why = judge_proto(l, srtp);
	if (why != ANSWER_ACCEPTED)
		return why;
	if (l->media == SDP_TEXT)
		return judge_text(l, p);
	if (find_audio(l, p->pts) >= 0)
		return ANSWER_ACCEPTED;
	return find_audio(l, ANSWER_PTS_ALL) >= 0 ? ANSWER_NOT_PERMITTED
						  : ANSWER_NO_CODEC;
}

/* What else of the line may come without being asked for. */
static void choose_more(const struct sdp_line *l, uint32_t mask,
			struct answer_line *a)
{
	for (unsigned i = 0; i < l->n_pts && a->n_more < ANSWER_MORE_MAX; i++) {
		if ((int)i != a->audio && mask >> i & 1 &&
		    is_recorded(&l->pts[i]))
			a->more[a->n_more++] = (int8_t)i;
	}
}

static void choose(const struct sdp_line *l, uint32_t mask,
		   struct answer_line *a)
{
	uint32_t rate_hz;

	if (l->media == SDP_TEXT) {
		a->audio = find_text(l, "t140");
		a->red = find_text(l, "red");
	} else {
		a->audio = find_audio(l, mask);
		rate_hz = l->pts[a->audio].rate_hz;
		a->dtmf = find_companion(l, "telephone-event", rate_hz, true);
		a->cn = find_companion(l, "CN", rate_hz, false);
		choose_more(l, mask, a);
	}
	a->rtcp_mux = l->rtcp_mux;
	a->dir = sdp_dir_sends(l->dir) ? SDP_RECVONLY : SDP_INACTIVE;
}

/* ---- all lines ---- */

static bool same_stream(const struct sdp_line *a, const struct sdp_line *b)
{
	if (a->media != b->media)
		return false;
	if (a->label[0] || b->label[0])
		return !strcmp(a->label, b->label);
	return a->port == b->port;
}

/* Refused for what its accepted twin has? */
static bool is_spare(enum answer_why why)
{
	return why == ANSWER_NO_PROTO || why == ANSWER_NO_KEYS ||
	       why == ANSWER_IN_CLEAR;
}

static void mark_twins(const struct sdp *offer, struct answer *ans)
{
	for (unsigned i = 0; i < ans->n_lines; i++) {
		if (!is_spare(ans->lines[i].why))
			continue;
		for (unsigned k = 0; k < ans->n_lines; k++) {
			if (ans->lines[k].why == ANSWER_ACCEPTED &&
			    same_stream(offer->lines[i], offer->lines[k]))
				ans->lines[i].why = ANSWER_TWIN;
		}
	}
}

/* A line in clear (acceptable or outside the conditions) whose stream comes as
 * SRTP, too. */
static void mark_clear_twins(const struct sdp *offer, struct answer *ans)
{
	for (unsigned i = 0; i < ans->n_lines; i++) {
		struct answer_line *a = &ans->lines[i];

		if ((a->why != ANSWER_ACCEPTED &&
		     a->why != ANSWER_NOT_PERMITTED) ||
		    sdp_line_is_srtp(offer->lines[i]))
			continue;
		for (unsigned k = 0; k < ans->n_lines; k++) {
			if (ans->lines[k].why == ANSWER_ACCEPTED &&
			    sdp_line_is_srtp(offer->lines[k]) &&
			    same_stream(offer->lines[i], offer->lines[k]))
				a->why = ANSWER_TWIN;
		}
	}
}

/* Never what a line says: there are keys in it. */
static void warn_no_keys(const struct sdp_line *l, unsigned i,
			 struct warn_list *wl)
{
	if (l->n_crypto)
		warn_add(wl, "answer.srtp_no_key", WARN_ERROR,
			 "m-line %u: none of its %u a=crypto lines can be used",
			 i + 1, l->n_crypto);
	else
		warn_add(wl, "answer.srtp_no_key", WARN_ERROR,
			 "m-line %u: %s without a=crypto%s", i + 1,
			 l->proto_word,
			 l->has_crypto || l->proto == SDP_DTLS
				 ? "; DTLS-SRTP is not supported"
				 : "");
}

static void warn_refused(const struct sdp_line *l, unsigned i,
			 enum answer_why why, struct warn_list *wl)
{
	switch (why) {
	case ANSWER_ACCEPTED:
	case ANSWER_OFFERED_ZERO:
	case ANSWER_TWIN:
		return;
	case ANSWER_NOT_PERMITTED:
		warn_add(wl, "answer.not_permitted", WARN_WARNING,
			 "m-line %u (%s) is outside the conditions", i + 1,
			 l->media_word);
		return;
	case ANSWER_NO_CODEC:
		warn_add(wl, "answer.no_codec", WARN_ERROR,
			 "m-line %u offers nothing that can be recorded: %s",
			 i + 1, l->formats);
		return;
	case ANSWER_NO_PROTO:
		warn_add(wl, "answer.no_transport", WARN_ERROR,
			 "m-line %u: %s is not supported", i + 1,
			 l->proto_word);
		return;
	case ANSWER_NO_KEYS:
		warn_no_keys(l, i, wl);
		return;
	case ANSWER_IN_CLEAR:
		warn_add(wl, "answer.srtp_required", WARN_ERROR,
			 "m-line %u: %s, but SRTP is required here", i + 1,
			 l->proto_word);
		return;
	case ANSWER_NOT_AUDIO:
		warn_add(wl, "answer.media_not_recorded", WARN_WARNING,
			 "m-line %u: %s is not recorded", i + 1, l->media_word);
		return;
	case ANSWER_TOO_MANY:
		warn_add(wl, "answer.too_many_streams", WARN_ERROR,
			 "m-line %u is beyond the most streams of one call",
			 i + 1);
		return;
	}
}

static void summarize(const struct sdp *offer, struct answer *ans,
		      struct warn_list *wl)
{
	for (unsigned i = 0; i < ans->n_lines; i++) {
		const struct answer_line *a = &ans->lines[i];
		const struct sdp_line *l = offer->lines[i];

		warn_refused(l, i, a->why, wl);
		if (a->why == ANSWER_ACCEPTED) {
			ans->n_accepted++;
			ans->n_active += a->dir == SDP_RECVONLY && !l->on_hold;
		}
		ans->permission_refused |= a->why == ANSWER_NOT_PERMITTED;
		ans->codec_refused |=
			a->why == ANSWER_NO_CODEC ||
			a->why == ANSWER_NO_PROTO || a->why == ANSWER_NO_KEYS ||
			a->why == ANSWER_IN_CLEAR || a->why == ANSWER_NOT_AUDIO;
	}
}

/* A line that is further back than any is kept is refused for that, whatever
 * its grant says: grants end there, too. */
static bool may_fit(enum answer_why why)
{
	return why == ANSWER_ACCEPTED || why == ANSWER_NOT_PERMITTED;
}

void answer_plan(const struct sdp *offer, const struct answer_permit *permits,
		 unsigned max_audio, enum answer_srtp srtp,
		 struct warn_list *wl, struct answer *ret_answer)
{
	static const struct answer_permit all = { true, ANSWER_PTS_ALL };
	struct answer *ans = ret_answer;
	unsigned n_audio = 0, n_text = 0, *n;

	*ans = (struct answer){ .n_lines = offer->n_lines };
	for (unsigned i = 0; i < offer->n_lines; i++) {
		const struct answer_permit *p = permits ? &permits[i] : &all;
		struct answer_line *a = &ans->lines[i];

		a->audio = a->red = a->dtmf = a->cn = -1;
		a->dir = SDP_INACTIVE;
		a->why = judge_line(offer->lines[i], p, srtp);
	}
	mark_clear_twins(offer, ans);
	for (unsigned i = 0; i < offer->n_lines; i++) {
		const struct answer_permit *p = permits ? &permits[i] : &all;
		struct answer_line *a = &ans->lines[i];

		n = offer->lines[i]->media == SDP_TEXT ? &n_text : &n_audio;
		if (may_fit(a->why) &&
		    (i >= ANSWER_STREAMS_MAX || *n == max_audio))
			a->why = ANSWER_TOO_MANY;
		if (a->why != ANSWER_ACCEPTED)
			continue;
		(*n)++;
		choose(offer->lines[i], p->pts, a);
	}
	mark_twins(offer, ans);
	summarize(offer, ans, wl);
}

/* ---- the other side: an answer to our offer ---- */

static bool offered_pt(const struct offer_line *l, uint8_t pt)
{
	return pt == l->pt;
}

/* RFC 4568 section 5.1.3 */
static bool srtp_fits(const struct offer_line *l, const struct sdp_line *a)
{
	if (!l->srtp)
		return !sdp_line_is_srtp(a);
	return sdp_line_is_srtp(a) && a->sdes.tag == OFFER_SRTP_TAG &&
	       a->sdes.params.suite == l->srtp->suite;
}

static int read_line(const struct offer_line *l, unsigned i,
		     const struct sdp_line *a, struct warn_list *wl,
		     struct offer_result *ret)
{
	*ret = (struct offer_result){ 0 };
	if (strcmp(a->label, l->label) != 0) {
		warn_add(wl, "answer.label", WARN_ERROR,
			 "m-line %u: label \"%s\" came back as \"%s\"", i + 1,
			 l->label, a->label);
		return -EPROTO;
	}
	if (!a->port)
		return 0;
	for (unsigned k = 0; k < a->n_pts && !ret->accepted; k++) {
		if (offered_pt(l, a->pts[k].pt)) {
			ret->pt = a->pts[k].pt;
			ret->accepted = true;
		}
	}
	if (!ret->accepted) {
		warn_add(wl, "answer.payload_type", WARN_ERROR,
			 "m-line %u: no payload type of the offer in \"%s\"",
			 i + 1, a->formats);
		return -EPROTO;
	}
	if (!srtp_fits(l, a)) {
		warn_add(wl, "answer.srtp_key", WARN_ERROR,
			 "m-line %u: %s without a key that fits the offer",
			 i + 1, a->proto_word);
		return -EPROTO;
	}
	ret->srtp = a->sdes.params;
	for (unsigned k = 0; l->dtmf && k < a->n_pts; k++)
		if (!strcmp(a->pts[k].codec, "telephone-event"))
			ret->dtmf_pt = a->pts[k].pt;
	ret->inactive = a->dir == SDP_INACTIVE || a->dir == SDP_SENDONLY;
	ret->rtcp_mux = a->rtcp_mux;
	sdp_line_remote(a, &ret->rtp, &ret->rtcp);
	return 0;
}

int offer_read_answer(const struct offer_line *lines, unsigned n,
		      const struct sdp *answer, struct warn_list *wl,
		      struct offer_result *ret_results)
{
	int accepted = 0, r;

	if (answer->n_lines != n) {
		warn_add(wl, "answer.lines", WARN_ERROR,
			 "the offer has %u m-lines, the answer %u", n,
			 answer->n_lines);
		return -EPROTO;
	}
	for (unsigned i = 0; i < n; i++) {
		r = read_line(&lines[i], i, answer->lines[i], wl,
			      &ret_results[i]);
		if (r < 0)
			return r;
		accepted += ret_results[i].accepted;
	}
	return accepted;
}
