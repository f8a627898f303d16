/* media/capture_check.c - see capture_check.h. */
#include "media/capture_check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

void capture_addr_from(const struct sockaddr_storage *sa,
		       struct capture_addr *ret_addr)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;
	struct capture_addr a = { 0 };

	if (sa->ss_family == AF_INET) {
		a.family = 4;
		a.port = ntohs(v4->sin_port);
		memcpy(a.ip, &v4->sin_addr, 4);
	} else if (sa->ss_family == AF_INET6) {
		a.port = ntohs(v6->sin6_port);
		if (!memcmp(&v6->sin6_addr, mapped, sizeof(mapped))) {
			a.family = 4;
			memcpy(a.ip, (const uint8_t *)&v6->sin6_addr + 12, 4);
		} else {
			a.family = 6;
			memcpy(a.ip, &v6->sin6_addr, 16);
		}
	}
	*ret_addr = a;
}

bool capture_addr_same_ip(const struct capture_addr *a,
			  const struct capture_addr *b)
{
	return a->family == b->family && !memcmp(a->ip, b->ip, sizeof(a->ip));
}

static bool same_addr(const struct capture_addr *a,
		      const struct capture_addr *b)
{
	return a->port == b->port && capture_addr_same_ip(a, b);
}

bool capture_addr_unspecified(const struct capture_addr *a)
{
	static const uint8_t zero[16];

	return !a->family || !memcmp(a->ip, zero, sizeof(zero));
}

static void forget_lock(struct capture_check *ck)
{
	ck->locked = false;
	memset(ck->candidates, 0, sizeof(ck->candidates));
}

void capture_check_offer(struct capture_check *ck, const struct cap_stream *s)
{
	struct capture_addr rtp;

	ck->pts[0] = ck->pts[1] = 0;
	for (unsigned i = 0; i < s->n_pts && i < CAP_PTS_MAX; i++)
		ck->pts[s->pts[i].pt >> 6 & 1] |= UINT64_C(1)
						  << (s->pts[i].pt & 63);
	ck->learn = s->learn_source;
	capture_addr_from(&s->remote_rtcp, &ck->offered_rtcp);
	capture_addr_from(&s->remote_rtp, &rtp);
	if (capture_addr_unspecified(&rtp) || same_addr(&rtp, &ck->offered))
		return;
	ck->offered = rtp;
	forget_lock(ck);
}

/* ---- source ---- */

/* From the very address and port that were negotiated? Where the sender is
 * learned they say nothing. */
static bool is_exact(const struct capture_check *ck,
		     const struct capture_addr *from)
{
	return !ck->learn && ck->offered.family &&
	       same_addr(from, &ck->offered);
}

static bool is_ghost(const struct capture_check *ck,
		     const struct rtp_packet *pkt, uint32_t rate_hz,
		     int64_t now)
{
	for (unsigned i = 0; i < CAPTURE_SSRC_MAX; i++) {
		const struct capture_ghost *g = &ck->ghosts[i];
		int32_t off;

		if (!g->rate_hz || g->rate_hz != rate_hz ||
		    g->ssrc != pkt->ssrc)
			continue;
		off = (int32_t)(rtp_transit(rate_hz, pkt->ts_rtp, now) -
				g->transit);
		if (off / (int32_t)rate_hz < CAPTURE_GHOST_S &&
		    off / (int32_t)rate_hz > -CAPTURE_GHOST_S)
			return true;
	}
	return false;
}

static bool source_allowed(struct capture_check *ck,
			   const struct capture_addr *from, int64_t now)
{
	bool unknown = !ck->offered.family;
	bool negotiated = !unknown && capture_addr_same_ip(from, &ck->offered);

	if ((ck->locked && same_addr(from, &ck->lock)) || is_exact(ck, from))
		return true;
	if (!unknown && !ck->learn && !negotiated)
		return false;
	if (!ck->locked)
		return true;
	if (now - ck->lock_last_us < CAPTURE_LOCK_SILENT_US)
		return false;
	if (!negotiated &&
	    !(ck->learn && capture_addr_same_ip(from, &ck->lock)))
		return false;
	forget_lock(ck);
	return true;
}

static struct capture_candidate *find_candidate(struct capture_check *ck,
						const struct capture_addr *from)
{
	struct capture_candidate *c, *oldest = &ck->candidates[0];

	for (unsigned i = 0; i < CAPTURE_CANDIDATES; i++) {
		c = &ck->candidates[i];
		if (c->count && same_addr(&c->addr, from))
			return c;
		if (!c->count ||
		    (oldest->count && c->last_us < oldest->last_us))
			oldest = c;
	}
	*oldest = (struct capture_candidate){ .addr = *from };
	return oldest;
}

/* A packet that passed everything: one step towards the lock. */
static void advance_lock(struct capture_check *ck,
			 const struct capture_addr *from,
			 const struct rtp_packet *pkt, int64_t now)
{
	struct capture_candidate *c;

	if (is_exact(ck, from)) { /* whoever was first */
		ck->locked = true;
		ck->lock = *from;
	}
	if (ck->locked) {
		ck->lock_last_us = now;
		return;
	}
	c = find_candidate(ck, from);
	if (c->count && c->ssrc == pkt->ssrc &&
	    pkt->seq == (uint16_t)(c->seq + 1))
		c->count++;
	else
		c->count = 1;
	c->ssrc = pkt->ssrc;
	c->seq = pkt->seq;
	c->last_us = now;
	if (c->count < CAPTURE_LOCK_PACKETS)
		return;
	ck->locked = true;
	ck->lock = *from;
	ck->lock_last_us = now;
}

/* ---- SSRC ---- */

struct rtp_source *capture_check_source(struct capture_check *ck, uint32_t ssrc)
{
	for (unsigned i = 0; i < CAPTURE_SSRC_MAX; i++)
		if (ck->sources[i].used && ck->sources[i].ssrc == ssrc)
			return &ck->sources[i];
	return NULL;
}

/* What a source has shown: a flood of made-up ones never gets far. */
static int standing(const struct rtp_source *s)
{
	if (s->received >= CAPTURE_SSRC_PROVEN)
		return 2;
	return s->probation ? 0 : 1;
}

/* Whose place may be taken: that of one silent for long, else of the one that
 * has shown least and then been silent longest. */
static struct rtp_source *least_source(struct capture_check *ck, int64_t now)
{
	struct rtp_source *best = NULL, *s;

	for (unsigned i = 0; i < CAPTURE_SSRC_MAX; i++) {
		s = &ck->sources[i];
		if (!s->used || now - s->last_mono_us >= CAPTURE_SSRC_SILENT_US)
			return s;
		if (!best || standing(s) < standing(best) ||
		    (standing(s) == standing(best) &&
		     s->last_mono_us < best->last_mono_us))
			best = s;
	}
	return best;
}

static struct rtp_source *new_source(struct capture_check *ck,
				     const struct rtp_packet *pkt,
				     uint32_t rate_hz, int64_t now)
{
	struct rtp_source *s = least_source(ck, now);

	if (s->used && now - s->last_mono_us < CAPTURE_SSRC_ENDED_US)
		return NULL;
	rtp_source_init(s, pkt->ssrc, pkt->seq, RTP_PROBATION, rate_hz);
	return s;
}

void capture_check_linger(struct capture_check *ck, int64_t mono_us)
{
	for (unsigned i = 0; i < 2; i++) {
		if (mono_us >= ck->old_until_us)
			ck->old_pts[i] = 0;
		ck->old_pts[i] |= ck->pts[i];
	}
	ck->old_until_us = mono_us + CAPTURE_OLD_PT_US;
}

bool capture_check_old_pt(const struct capture_check *ck, uint8_t pt,
			  int64_t mono_us)
{
	return !(ck->pts[pt >> 6] >> (pt & 63) & 1) &&
	       ck->old_pts[pt >> 6] >> (pt & 63) & 1 &&
	       mono_us < ck->old_until_us;
}

static bool pt_allowed(const struct capture_check *ck, uint8_t pt,
		       int64_t mono_us)
{
	return ck->pts[pt >> 6] >> (pt & 63) & 1 ||
	       capture_check_old_pt(ck, pt, mono_us);
}

enum spool_drop capture_check_glance(const struct capture_check *ck,
				     const struct capture_addr *from,
				     uint8_t pt, int64_t mono_us)
{
	bool known = (ck->locked && same_addr(from, &ck->lock)) ||
		     is_exact(ck, from);

	if (!known && ck->offered.family && !ck->learn &&
	    !capture_addr_same_ip(from, &ck->offered))
		return SPOOL_DROP_SOURCE;
	return pt_allowed(ck, pt, mono_us) ? CAPTURE_KEEP : SPOOL_DROP_PT;
}

enum spool_drop capture_check_rtp(struct capture_check *ck,
				  const struct capture_addr *from,
				  const struct rtp_packet *pkt,
				  uint32_t rate_hz, int64_t mono_us)
{
	struct rtp_source *src;

	if (!source_allowed(ck, from, mono_us))
		return SPOOL_DROP_SOURCE;
	if (!pt_allowed(ck, pkt->pt, mono_us))
		return SPOOL_DROP_PT;
	if (!is_exact(ck, from) && is_ghost(ck, pkt, rate_hz, mono_us))
		return SPOOL_DROP_SOURCE;
	src = capture_check_source(ck, pkt->ssrc);
	if (!src)
		src = new_source(ck, pkt, rate_hz, mono_us);
	if (!src)
		return SPOOL_DROP_SSRC;
	if (rtp_source_update(src, pkt->seq, pkt->ts_rtp, mono_us) ==
	    RTP_BAD_SEQ)
		return SPOOL_DROP_SEQ;
	advance_lock(ck, from, pkt, mono_us);
	return CAPTURE_KEEP;
}

enum spool_drop capture_check_rtcp(const struct capture_check *ck,
				   const struct capture_addr *from)
{
	if (!capture_addr_unspecified(&ck->offered_rtcp) &&
	    capture_addr_same_ip(from, &ck->offered_rtcp))
		return CAPTURE_KEEP;
	if (ck->offered.family && capture_addr_same_ip(from, &ck->offered))
		return CAPTURE_KEEP;
	if (ck->locked && capture_addr_same_ip(from, &ck->lock))
		return CAPTURE_KEEP;
	return SPOOL_DROP_SOURCE;
}
