/* INVITE without an offer (CUCM, and clients that refresh that way): our offer
 * goes into the 200, the client's answer comes in the ACK (RFC 3264, RFC 3261
 * section 13.2.1).
 *
 * Until the ACK is there we act as if the client had offered just what we wish
 * for, so that gate, capture and catalog see nothing unusual; the answer then
 * takes the way of any other change.
 */
#include <string.h>

#include "base/mem.h"
#include "base/settings.h"
#include "base/str.h"
#include "srs/session/session.h"
#include "srs/siprec/sdp.h"

static bool is_token(const char *s)
{
	for (; *s; s++) {
		if (*s <= ' ' || *s > '~')
			return false;
	}
	return true;
}

static unsigned wished_labels(const struct metadata *md, const char **labels)
{
	unsigned n = 0;

	for (unsigned i = 0; md && i < md->n_streams; i++) {
		const struct md_stream *st = &md->streams[i];

		if (st->gone || !st->label || !is_token(st->label))
			continue;
		if (n < SESSION_AUDIO_MAX)
			labels[n++] = st->label;
	}
	if (n == 0)
		labels[n++] = "1";
	return n;
}

void offer_wish(struct sip_server *sv, const struct ua_request *req)
{
	const char *labels[SESSION_AUDIO_MAX];
	struct intake *in = sv->in;
	struct buf text;
	unsigned n;

	if (in->body.has_sdp || (req->body.len && !in->body.has_metadata))
		return;
	n = wished_labels(in->md, labels);
	buf_init(&text, SDP_TEXT_MAX);
	if (answer_print_wish(labels, n, &text) == 0)
		in->wish = buf_steal(&text);
	buf_fini(&text);
	if (!in->wish)
		return;
	in->body.sdp = span_of(in->wish);
	in->body.has_sdp = sdp_read(in->body.sdp, NULL, &in->sdp) == 0;
}

void offer_narrow(struct intake *in)
{
	for (unsigned i = 0; in->wish && i < in->sdp->n_lines; i++) {
		struct sdp_line *l = in->sdp->lines[i];
		uint32_t pts = in->permits[i].pts;
		unsigned kept = 0;

		for (unsigned k = 0; k < l->n_pts; k++) {
			if (pts >> k & 1)
				l->pts[kept++] = l->pts[k];
		}
		l->n_pts = kept;
		in->permits[i].pts = ANSWER_PTS_ALL;
	}
}

static int8_t find_pt(const struct sdp_line *l, const struct cap_pt *pt)
{
	for (unsigned i = 0; i < l->n_pts; i++) {
		if (l->pts[i].pt == pt->pt)
			return (int8_t)i;
	}
	return -1;
}

static void line_again(const struct session_stream *st,
		       const struct sdp_line *l, struct answer_line *a)
{
	*a = (struct answer_line){ .why = ANSWER_OFFERED_ZERO,
				   .dir = SDP_RECVONLY,
				   .audio = -1,
				   .red = -1,
				   .dtmf = -1,
				   .cn = -1 };
	if (!st->cap.enabled || st->cap.n_pts == 0)
		return;
	a->audio = find_pt(l, &st->cap.pts[0]);
	if (a->audio < 0)
		return;
	a->why = ANSWER_ACCEPTED;
	a->rtp_port = st->cap.local_port;
	a->rtcp_port = st->rtcp_port;
	a->srtp = &st->cap.srtp_out;
	for (unsigned i = 1; i < st->cap.n_pts; i++) {
		if (str_eq(st->cap.pts[i].codec, "telephone-event"))
			a->dtmf = find_pt(l, &st->cap.pts[i]);
		else if (str_eq(st->cap.pts[i].codec, "red"))
			a->red = find_pt(l, &st->cap.pts[i]);
	}
}

void offer_again(struct session *s)
{
	struct sdp *last CLEANUP(sdp_destroy) = NULL;
	struct answer *a = &s->sv->in->answer;
	struct buf text;
	char *mine;

	if (sdp_read(span_of(s->offer), NULL, &last) < 0)
		return;
	offer_keep_labels(s, last);
	*a = (struct answer){ .n_lines = last->n_lines };
	for (unsigned i = 0; i < last->n_lines; i++) {
		if (i < s->n_streams)
			line_again(&s->streams[i], last->lines[i],
				   &a->lines[i]);
		else
			a->lines[i].why = ANSWER_OFFERED_ZERO;
	}
	buf_init(&text, SDP_TEXT_MAX);
	mine = answer_print(last, a, &s->origin, &text) == 0 ? buf_steal(&text)
							     : NULL;
	buf_fini(&text);
	if (!mine)
		return;
	mem_free(s->answer);
	s->answer = mine;
	s->offered = true;
}

void offer_ahead(struct session *s)
{
	uint64_t seq = s->open_seq;

	for (unsigned i = 0; i < s->n_streams; i++)
		s->ahead |=
			s->streams[i].cap.enabled && !s->streams[i].cap.active;
	if (!s->ahead)
		return;
	(void)capture_open(s, s->streams, s->n_streams, true, false);
	s->open_seq = seq; /* nobody waits for this answer */
}

void offer_keep_labels(const struct session *s, struct sdp *answer)
{
	for (unsigned i = 0; i < answer->n_lines && i < s->n_streams; i++) {
		struct sdp_line *l = answer->lines[i];

		if (!l->label[0])
			(void)str_copy(l->label, sizeof(l->label),
				       s->streams[i].cap.label);
	}
}
