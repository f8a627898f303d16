/* From the client's offer and our answer to what capture must do, keys of SRTP
 * included. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/id.h"
#include "base/settings.h"
#include "base/str.h"
#include "srs/session/session.h"
#include "storage/catalog_recording.h"

static void put_pt(struct cap_stream *c, const struct sdp_line *l, int index)
{
	const struct sdp_pt *from;
	struct cap_pt *to;

	if (index < 0 || (unsigned)index >= l->n_pts || c->n_pts >= CAP_PTS_MAX)
		return;
	from = &l->pts[index];
	to = &c->pts[c->n_pts++];
	to->pt = from->pt;
	to->channels = from->channels;
	to->rate_hz = from->rate_hz;
	(void)str_copy(to->codec, sizeof(to->codec), from->codec);
	(void)str_copy(to->fmtp, sizeof(to->fmtp), from->fmtp);
}

/* Comfort noise has a payload type of its own for clocks of 8 kHz, and senders
 * with voice detection use it unasked. Refused, each would be counted as lost
 * (RFC 3389 section 4). */
static void put_static_cn(struct cap_stream *c, const struct sdp_line *l)
{
	static const struct cap_pt cn = {
		.pt = 13, .channels = 1, .rate_hz = 8000, .codec = "CN"
	};

	if (c->media != CAP_AUDIO || !c->n_pts || c->pts[0].rate_hz != 8000 ||
	    c->n_pts >= CAP_PTS_MAX)
		return;
	for (unsigned i = 0; i < l->n_pts; i++)
		if (l->pts[i].pt == cn.pt)
			return;
	c->pts[c->n_pts++] = cn;
}

static void build_one(const struct sdp_line *l, const struct answer_line *a,
		      unsigned index, struct session_stream *st)
{
	struct cap_stream *c = &st->cap;

	c->index = (uint16_t)index;
	c->media = l->media == SDP_VIDEO  ? CAP_VIDEO
		   : l->media == SDP_TEXT ? CAP_TEXT
					  : CAP_AUDIO;
	(void)str_copy(c->label, sizeof(c->label), l->label);
	st->participant = -1;
	if (a->why != ANSWER_ACCEPTED)
		return;
	c->enabled = true;
	/* c=0.0.0.0 is hold as RFC 2543 has it; a line that only wants to
	 * receive sends us nothing either. */
	c->active =
		a->dir == SDP_RECVONLY && !l->on_hold && sdp_dir_sends(l->dir);
	c->rtcp_mux = a->rtcp_mux;
	sdp_line_remote(l, &c->remote_rtp, &c->remote_rtcp);
	put_pt(c, l, a->audio);
	put_pt(c, l, a->red);
	put_pt(c, l, a->dtmf);
	put_pt(c, l, a->cn);
	for (unsigned i = 0; i < a->n_more; i++)
		put_pt(c, l, a->more[i]);
	put_static_cn(c, l);
	if (sdp_line_is_srtp(l))
		c->srtp_in = l->sdes.params;
}

/* Ours stays while suite and parameters do: a refresh changes nothing. A key
 * is never used again on another port (RFC 4568 section 7.1.4). */
static void choose_key(struct cap_stream *c, const struct cap_stream *old)
{
	struct srtp_params *ours = &c->srtp_out;

	if (c->srtp_in.suite == SRTP_CLEAR)
		return;
	if (old && old->srtp_out.suite == c->srtp_in.suite &&
	    old->srtp_out.flags == c->srtp_in.flags) {
		*ours = old->srtp_out;
		return;
	}
	ours->suite = c->srtp_in.suite;
	ours->flags = c->srtp_in.flags;
	ours->n_keys = 1;
	id_random(ours->keys[0].bytes, srtp_suite_key_len(ours->suite));
}

unsigned streams_build(const struct sdp *offer, const struct answer *a,
		       const struct session_stream *old, unsigned n_old,
		       struct session_stream *ret)
{
	unsigned n = offer->n_lines;

	if (n > CAP_STREAMS_MAX)
		n = CAP_STREAMS_MAX;
	for (unsigned i = 0; i < n; i++) {
		memset(&ret[i], 0, sizeof(ret[i]));
		build_one(offer->lines[i], &a->lines[i], i, &ret[i]);
		if (i < n_old && old[i].cap.enabled && ret[i].cap.enabled) {
			ret[i].cap.local_port = old[i].cap.local_port;
			ret[i].rtcp_port = old[i].rtcp_port;
			choose_key(&ret[i].cap, &old[i].cap);
		} else {
			choose_key(&ret[i].cap, NULL);
		}
	}
	return n;
}

enum answer_srtp streams_policy(const struct sip_server *sv,
				const struct gate_trunk *t)
{
	switch (t ? t->srtp : TRUNK_SRTP_DEFAULT) {
	case TRUNK_SRTP_PREFERRED:
		return ANSWER_SRTP_PREFERRED;
	case TRUNK_SRTP_REQUIRED:
		return ANSWER_SRTP_REQUIRED;
	case TRUNK_SRTP_OFF:
		return ANSWER_SRTP_OFF;
	case TRUNK_SRTP_DEFAULT:
		break;
	}
	return (enum answer_srtp)sv->set->media.srtp;
}

bool streams_have_keys(const struct session_stream *st, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (st[i].cap.srtp_in.suite != SRTP_CLEAR)
			return true;
	}
	return false;
}

void streams_wipe_keys(struct session_stream *st, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		explicit_bzero(&st[i].cap.srtp_in, sizeof(st[i].cap.srtp_in));
		explicit_bzero(&st[i].cap.srtp_out, sizeof(st[i].cap.srtp_out));
	}
}

int streams_restore_keys(struct session_stream *st, unsigned n,
			 const struct sdp *offer, const struct sdp *answer)
{
	for (unsigned i = 0; i < n; i++) {
		if (!st[i].cap.enabled || i >= offer->n_lines ||
		    !sdp_line_is_srtp(offer->lines[i]))
			continue;
		if (i >= answer->n_lines ||
		    offer->lines[i]->sdes.params.suite == SRTP_CLEAR ||
		    answer->lines[i]->sdes.params.suite == SRTP_CLEAR)
			return -EBADMSG;
		st[i].cap.srtp_in = offer->lines[i]->sdes.params;
		st[i].cap.srtp_out = answer->lines[i]->sdes.params;
	}
	return 0;
}

bool streams_equal(const struct session_stream *a, unsigned n_a,
		   const struct session_stream *b, unsigned n_b)
{
	if (n_a != n_b)
		return false;
	for (unsigned i = 0; i < n_a; i++) {
		/* both were zeroed before they were filled */
		if (memcmp(&a[i].cap, &b[i].cap, sizeof(a[i].cap)) != 0)
			return false;
	}
	return true;
}

static void add_senders(struct session_stream *st, const struct md_owner *o,
			const unsigned *ords, unsigned n_ords)
{
	for (unsigned i = 0; i < o->n; i++) {
		bool there = o->participants[i] >= n_ords;

		for (unsigned k = 0; k < st->n_senders && !there; k++)
			there = st->senders[k] == ords[o->participants[i]];
		if (!there && st->n_senders < METADATA_SENDERS_MAX)
			st->senders[st->n_senders++] = ords[o->participants[i]];
	}
}

/* Nothing says who is in it: in the mix of the others all of them are. */
static void add_others(struct session_stream *st, unsigned n,
		       const struct md_owner *owners, unsigned mix,
		       const unsigned *ords, unsigned n_ords)
{
	for (unsigned i = 0; i < n; i++)
		if (i != mix && !owners[i].is_mix &&
		    st[i].cap.media == st[mix].cap.media)
			add_senders(&st[mix], &owners[i], ords, n_ords);
}

void streams_attribute(struct session_stream *st, unsigned n,
		       const struct md_owner *owners, const unsigned *ords,
		       unsigned n_ords)
{
	for (unsigned i = 0; i < n; i++) {
		const struct md_owner *o = &owners[i];

		st[i].n_senders = 0;
		add_senders(&st[i], o, ords, n_ords);
		if (o->is_mix && o->n == 0)
			add_others(st, n, owners, i, ords, n_ords);
		st[i].participant = o->is_mix ? RECORDING_STREAM_MIX : -1;
		if (!o->is_mix && o->n == 1 && st[i].n_senders == 1)
			st[i].participant = (int)st[i].senders[0];
	}
}

void streams_keep_senders(struct session_stream *st, unsigned n,
			  const struct session_stream *old, unsigned n_old,
			  const struct md_owner *owners)
{
	for (unsigned i = 0; i < n && i < n_old; i++) {
		int was = old[i].participant;

		if (st[i].participant != -1 &&
		    !(owners[i].is_mix && !owners[i].n && was >= 0))
			continue;
		st[i].participant = was;
		if (owners[i].n)
			continue;
		st[i].n_senders = old[i].n_senders;
		memcpy(st[i].senders, old[i].senders, sizeof(st[i].senders));
	}
}

int streams_take_ports(struct session_stream *st, unsigned n,
		       const struct cap_opened *o)
{
	for (unsigned i = 0; i < n; i++) {
		bool found = false;

		if (!st[i].cap.enabled)
			continue;
		for (uint32_t k = 0; k < o->n_streams && k < CAP_STREAMS_MAX;
		     k++) {
			if (o->streams[k].index != st[i].cap.index ||
			    o->streams[k].rtp_port == 0)
				continue;
			st[i].cap.local_port = o->streams[k].rtp_port;
			st[i].rtcp_port = o->streams[k].rtcp_port;
			found = true;
		}
		if (!found)
			return -EPROTO;
	}
	return 0;
}

void streams_fill_answer(const struct session_stream *st, unsigned n,
			 struct answer *a)
{
	for (unsigned i = 0; i < n; i++) {
		a->lines[i].rtp_port = st[i].cap.local_port;
		a->lines[i].rtcp_port = st[i].rtcp_port;
		a->lines[i].srtp = &st[i].cap.srtp_out;
	}
}
