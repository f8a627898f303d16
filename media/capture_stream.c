/* media/capture_stream.c - one m-line and what comes in.
 *
 * Arrival times. The kernel stamps with the wall clock, the spool counts in
 * monotonic time. At the start of a drain both clocks are read; a packet's age
 * is wall now minus its stamp. A step of the wall clock in between would make
 * that wrong, so the age is held between 0 and about the time since the socket
 * was last known to be empty, and times of one socket never go back.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/role.h"
#include "base/str.h"
#include "media/capture_impl.h"
#include "media/rtcp.h"
#include "media/rtp.h"
#include "media/t140.h"

#ifndef SO_TIMESTAMPNS_OLD
#define SO_TIMESTAMPNS_OLD SO_TIMESTAMPNS
#endif

/* Rejected packets before sip hears of them: a few stray ones are normal. */
#define TELL_AFTER 5
/* Networks double packets by themselves. */
#define TELL_REPLAYS 50
/* A stamp so much later than the clocks we read means: read them again. */
#define REBASE_US 1000
/* A packet may be stamped and reach its socket that much later, when the
 * machine is busy (seen: 20 ms). */
#define SLACK_US 500000
/* RFC 2198 has 14 bits for how old a copy is, RFC 4103 milliseconds. */
#define TEXT_OLD_US 17000000
/* More packets than that after a pause, none of it comes any more. */
#define MUTED_SEQ_MAX 64
/* An overtaken packet comes this much later at most. */
#define LATE_US 2000000

/* ---- open and close ---- */

int capture_stream_open(struct capture *c, struct capture_session *s,
			const struct cap_stream *cfg, bool resume,
			struct capture_stream **ret_stream)
{
	struct capture_stream *st = mem_zalloc(sizeof(*st));
	int r = 0;

	if (!st)
		return -ENOMEM;
	st->cfg = *cfg;
	st->cfg.local_port = 0;
	st->unmuted_mono_us = INT64_MIN;
	st->totals.index = cfg->index;
	capture_sock_init(&st->rtp, SPOOL_RTP);
	capture_sock_init(&st->rtcp, SPOOL_RTCP);
	id_random(&st->our_ssrc, sizeof(st->our_ssrc));
	capture_check_offer(&st->check, cfg);
	r = capture_srtp_offer(st, cfg);
	if (r == 0 && cfg->enabled &&
	    !(resume && capture_sock_adopt(st, cfg->local_port)))
		r = capture_sock_open(c, s, st, resume ? cfg->local_port : 0);
	if (r < 0) {
		capture_srtp_fini(st);
		mem_free(st);
		return r;
	}
	c->n_streams += cfg->enabled;
	*ret_stream = st;
	return 0;
}

static void close_sockets(struct capture *c, struct capture_session *s,
			  struct capture_stream *st)
{
	if (st->rtp.fd >= 0) {
		c->n_streams--;
		capture_ghosts_keep(&c->ghosts, st->cfg.local_port, &s->id,
				    &st->check);
	}
	capture_sock_close(c, s, st);
	st->cfg.local_port = 0;
}

/* What is agreed now stays good for packets under way; and what must not be
 * kept of them, neither. */
static void linger(struct capture *c, struct capture_stream *st)
{
	int64_t now = clock_mono_us(c->clock);
	uint64_t bit;
	uint8_t pt;

	if (now >= st->check.old_until_us)
		st->old_dtmf[0] = st->old_dtmf[1] = st->old_red[0] =
			st->old_red[1] = 0;
	for (unsigned i = 0; i < st->cfg.n_pts; i++) {
		pt = st->cfg.pts[i].pt & 127;
		bit = UINT64_C(1) << (pt & 63);
		if (!strcmp(st->cfg.pts[i].codec, "telephone-event"))
			st->old_dtmf[pt >> 6] |= bit;
		if (!strcmp(st->cfg.pts[i].codec, "red"))
			st->old_red[pt >> 6] |= bit;
	}
	st->old_rate_hz = st->cfg.n_pts ? st->cfg.pts[0].rate_hz : 0;
	capture_check_linger(&st->check, now);
}

int capture_stream_update(struct capture *c, struct capture_session *s,
			  struct capture_stream *st,
			  const struct cap_stream *cfg)
{
	uint16_t port = st->cfg.local_port;
	int r = capture_srtp_offer(st, cfg);

	if (r < 0)
		return r;
	if (st->cfg.muted && !cfg->muted)
		st->unmuted_mono_us = clock_mono_us(c->clock);
	linger(c, st);
	st->cfg = *cfg;
	st->cfg.local_port = port;
	capture_check_offer(&st->check, cfg);
	if (!cfg->enabled) {
		close_sockets(c, s, st);
	} else if (st->rtp.fd < 0) {
		r = capture_sock_open(c, s, st, 0);
		c->n_streams += r == 0;
	} else {
		capture_sock_unmux(c, s, st);
	}
	return r;
}

void capture_stream_free(struct capture *c, struct capture_session *s,
			 struct capture_stream **stp)
{
	struct capture_stream *st = *stp;

	if (!st)
		return;
	*stp = NULL;
	close_sockets(c, s, st);
	capture_srtp_fini(st);
	mem_free(st);
}

/* ---- packets ---- */

static void rx_reset(struct capture *c, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		c->msgs[i].msg_hdr.msg_namelen = sizeof(c->names[i]);
		c->msgs[i].msg_hdr.msg_controllen = CAPTURE_CONTROL_LEN;
	}
}

void capture_rx_init(struct capture *c)
{
	for (unsigned i = 0; i < CAPTURE_RX; i++) {
		c->iov[i] = (struct iovec){ c->data[i], CAPTURE_PACKET_MAX };
		c->msgs[i].msg_hdr = (struct msghdr){
			.msg_name = &c->names[i],
			.msg_iov = &c->iov[i],
			.msg_iovlen = 1,
			.msg_control = c->control[i],
		};
	}
	rx_reset(c, CAPTURE_RX);
}

/* Worth a warning of its own, once per stream. */
static void tell_drop(struct capture *c, struct capture_session *s,
		      struct capture_stream *st, enum spool_drop why)
{
	static const struct {
		unsigned bit;
		uint64_t after;
		const char *code;
	} table[SPOOL_DROP_MAX] = {
		[SPOOL_DROP_SOURCE] = { CAPTURE_TOLD_SOURCE, TELL_AFTER,
					"media.source_rejected" },
		[SPOOL_DROP_PT] = { CAPTURE_TOLD_PT, TELL_AFTER,
				    "media.payload_type_rejected" },
		[SPOOL_DROP_SSRC] = { CAPTURE_TOLD_SSRC, TELL_AFTER,
				      "media.ssrc_rejected" },
		[SPOOL_DROP_KERNEL] = { CAPTURE_TOLD_KERNEL, 1,
					"media.kernel_dropped" },
		[SPOOL_DROP_AUTH] = { CAPTURE_TOLD_AUTH, TELL_AFTER,
				      "media.srtp_auth" },
		[SPOOL_DROP_REPLAY] = { CAPTURE_TOLD_REPLAY, TELL_REPLAYS,
					"media.srtp_replay" },
	};
	char detail[80];

	if (!table[why].bit || st->told & table[why].bit ||
	    st->totals.dropped[why] < table[why].after)
		return;
	st->told |= table[why].bit;
	(void)snprintf(detail, sizeof(detail), "%" PRIu64 " packets so far",
		       st->totals.dropped[why]);
	capture_trouble(c, s, st->cfg.index, table[why].code, detail);
}

static void drop(struct capture *c, struct capture_session *s,
		 struct capture_stream *st, enum spool_drop why, uint32_t n)
{
	st->totals.dropped[why] += n;
	c->counts.dropped[why] += n;
	tell_drop(c, s, st, why);
}

static void store(struct capture *c, struct capture_session *s,
		  struct capture_stream *st, enum spool_proto proto,
		  int64_t mono_us, const uint8_t *data, size_t len)
{
	int64_t age = c->now_mono_us - mono_us;

	if (age > UINT32_MAX)
		age = UINT32_MAX;
	if (spool_batch_put(&c->batch, st->cfg.index, proto, (uint32_t)age,
			    data, len) < 0) {
		capture_session_flush(c, s);
		/* CAPTURE_PACKET_MAX always fits an empty batch */
		(void)spool_batch_put(&c->batch, st->cfg.index, proto,
				      (uint32_t)age, data, len);
	}
	c->counts.bytes += len;
	if (proto == SPOOL_RTCP) {
		c->counts.rtcp++;
		return;
	}
	c->counts.rtp++;
	st->totals.packets++;
	st->totals.bytes += len;
	s->packets++;
}

static uint32_t rate_of(const struct capture_stream *st, uint8_t pt)
{
	for (unsigned i = 0; i < st->cfg.n_pts; i++)
		if (st->cfg.pts[i].pt == pt)
			return st->cfg.pts[i].rate_hz;
	return st->old_rate_hz;
}

static bool lingers(const struct capture_stream *st, const uint64_t bits[2],
		    uint8_t pt, int64_t mono_us)
{
	return mono_us < st->check.old_until_us &&
	       bits[pt >> 6] >> (pt & 63) & 1;
}

/* Also one of before under a number that means another codec by now, as far
 * as can be told by its length. */
static bool is_dtmf(const struct capture_stream *st, const struct rtp_packet *p,
		    int64_t mono_us)
{
	for (unsigned i = 0; i < st->cfg.n_pts; i++)
		if (st->cfg.pts[i].pt == p->pt &&
		    !strcmp(st->cfg.pts[i].codec, "telephone-event"))
			return true;
	return lingers(st, st->old_dtmf, p->pt, mono_us) &&
	       (capture_check_old_pt(&st->check, p->pt, mono_us) ||
		(p->payload_len <= 16 && p->payload_len % 4 == 0));
}

static bool is_red(const struct capture_stream *st, uint8_t pt, int64_t mono_us)
{
	for (unsigned i = 0; i < st->cfg.n_pts; i++)
		if (st->cfg.pts[i].pt == pt)
			return !strcmp(st->cfg.pts[i].codec, "red");
	return lingers(st, st->old_red, pt, mono_us);
}

/* Only a bare header that we write ourselves: without it the sequence numbers
 * would look like lost audio. Nothing of the payload, an extension or the
 * marker gets there. */
static void store_muted(struct capture *c, struct capture_session *s,
			struct capture_stream *st, int64_t mono_us,
			const struct rtp_packet *p)
{
	uint8_t head[RTP_HEADER_MIN];

	rtp_write_header(head, false, p->pt, p->seq, p->ts_rtp, p->ssrc);
	store(c, s, st, SPOOL_RTP, mono_us, head, sizeof(head));
}

static void remember_muted(struct capture_stream *st,
			   const struct rtp_packet *p)
{
	if (st->has_muted && st->muted_ssrc == p->ssrc &&
	    rtp_seq_diff(st->muted_seq, p->seq) <= 0)
		return;
	st->has_muted = true;
	st->muted_seq = p->seq;
	st->muted_ssrc = p->ssrc;
}

/* How many packets after the newest one of a pause; INT_MAX: unknown, or long
 * after it. */
static int since_muted(struct capture_stream *st, const struct rtp_packet *p)
{
	int n;

	if (!st->has_muted || st->muted_ssrc != p->ssrc)
		return INT_MAX;
	n = rtp_seq_diff(st->muted_seq, p->seq);
	if (n <= MUTED_SEQ_MAX && n > -MUTED_SEQ_MAX)
		return n;
	st->has_muted = false;
	return INT_MAX;
}

/* Sent in the pause, and overtaken on its way here by the pause's end. */
static bool late_from_pause(const struct capture_stream *st, int n_since,
			    int64_t mono_us)
{
	return n_since <= 0 && mono_us - st->unmuted_mono_us < LATE_US;
}

/* Redundant text repeats what was typed some packets ago: nothing of a pause
 * may come back with the first packets after it. What a packet of the pause
 * brought is known by its number; one that never arrived, by its time. */
static void blank_text(const struct capture_stream *st,
		       const struct rtp_packet *p, int64_t mono_us, int n_since,
		       uint8_t *data)
{
	int64_t since;

	if (st->unmuted_mono_us == INT64_MIN)
		return;
	since = mono_us - st->unmuted_mono_us;
	if (since > TEXT_OLD_US && n_since == INT_MAX)
		return;
	if (since < 0)
		since = 0;
	else if (since > TEXT_OLD_US)
		since = TEXT_OLD_US;
	if (is_red(st, p->pt, mono_us))
		t140_red_blank(data + (p->payload - data), p->payload_len,
			       (uint32_t)(since / 1000),
			       n_since > 0 ? (unsigned)n_since - 1 : 0);
}

static void take_rtcp(struct capture *c, struct capture_session *s,
		      struct capture_stream *st,
		      const struct capture_addr *from, int64_t mono_us,
		      uint8_t *data, size_t len)
{
	enum spool_drop why = capture_check_rtcp(&st->check, from);

	if (why == CAPTURE_KEEP && st->srtp)
		why = capture_srtp_rtcp(st, data, &len);
	if (why == CAPTURE_KEEP && rtcp_check(data, len) < 0)
		why = SPOOL_DROP_VERSION;
	if (why != CAPTURE_KEEP) {
		drop(c, s, st, why, 1);
		return;
	}
	capture_rtcp_take(c, s, st, data, len, mono_us);
	store(c, s, st, SPOOL_RTCP, mono_us, data, len);
}

/* The header is in clear: who is nobody of ours is not worth decrypting. What
 * is forged must not have any effect, so all other checks come after. */
static enum spool_drop open_rtp(struct capture_stream *st,
				const struct capture_addr *from, uint8_t *data,
				size_t *len, int64_t mono_us)
{
	struct rtp_packet head;
	enum spool_drop why;

	if (rtp_parse_header(data, *len, &head) < 0)
		return SPOOL_DROP_VERSION;
	why = capture_check_glance(&st->check, from, head.pt, mono_us);
	return why == CAPTURE_KEEP ? capture_srtp_rtp(st, data, len) : why;
}

static void take_rtp(struct capture *c, struct capture_session *s,
		     struct capture_stream *st, const struct capture_addr *from,
		     int64_t mono_us, uint8_t *data, size_t len)
{
	enum spool_drop why = CAPTURE_KEEP;
	struct rtp_packet pkt;
	int n_since;

	if (st->srtp)
		why = open_rtp(st, from, data, &len, mono_us);
	if (why != CAPTURE_KEEP) {
		drop(c, s, st, why, 1);
		return;
	}
	if (rtp_parse(data, len, &pkt) < 0) {
		drop(c, s, st, SPOOL_DROP_VERSION, 1);
		return;
	}
	why = capture_check_rtp(&st->check, from, &pkt, rate_of(st, pkt.pt),
				mono_us);
	/* checked first: reports and the lock go on while nothing is stored */
	n_since = why == CAPTURE_KEEP ? since_muted(st, &pkt) : INT_MAX;
	if (why == CAPTURE_KEEP && st->cfg.muted)
		remember_muted(st, &pkt);
	if (why == CAPTURE_KEEP &&
	    (st->cfg.muted || late_from_pause(st, n_since, mono_us)))
		why = SPOOL_DROP_MUTED;
	else if (why == CAPTURE_KEEP && !st->cfg.active)
		why = SPOOL_DROP_INACTIVE;
	if (why != CAPTURE_KEEP) {
		drop(c, s, st, why, 1);
		return;
	}
	if (st->cfg.media == CAP_TEXT)
		blank_text(st, &pkt, mono_us, n_since, data);
	if (c->mute_dtmf && is_dtmf(st, &pkt, mono_us))
		store_muted(c, s, st, mono_us, &pkt);
	else
		store(c, s, st, SPOOL_RTP, mono_us, data, len);
}

/* ---- drain ---- */

struct stamp {
	int64_t wall_us; /* 0: none */
	uint32_t ovfl;
	bool has_ovfl;
};

static void read_control(struct msghdr *h, struct stamp *ret)
{
	struct timespec ts;
	struct cmsghdr *cm;

	*ret = (struct stamp){ 0 };
	for (cm = CMSG_FIRSTHDR(h); cm; cm = CMSG_NXTHDR(h, cm)) {
		if (cm->cmsg_level != SOL_SOCKET)
			continue;
		if (cm->cmsg_type == SO_TIMESTAMPNS_OLD) {
			memcpy(&ts, CMSG_DATA(cm), sizeof(ts));
			ret->wall_us = ts.tv_sec * INT64_C(1000000) +
				       ts.tv_nsec / 1000;
		} else if (cm->cmsg_type == SO_RXQ_OVFL) {
			memcpy(&ret->ovfl, CMSG_DATA(cm), sizeof(ret->ovfl));
			ret->has_ovfl = true;
		}
	}
}

static int64_t arrival(struct capture *c, struct capture_session *s,
		       struct capture_sock *k, int64_t stamp_wall_us)
{
	int64_t mono;

	/* it came after the clocks were read: we were kept waiting */
	if (stamp_wall_us > c->now_wall_us + REBASE_US) {
		capture_session_flush(c, s);
		capture_read_clocks(c);
	}
	mono = c->now_mono_us;
	if (stamp_wall_us)
		mono -= c->now_wall_us - stamp_wall_us;
	if (k->empty_mono_us != INT64_MIN && mono < k->empty_mono_us - SLACK_US)
		mono = k->empty_mono_us;
	if (mono < k->last_mono_us)
		mono = k->last_mono_us;
	if (mono > c->now_mono_us)
		mono = c->now_mono_us;
	k->last_mono_us = mono;
	return mono;
}

static void take_one(struct capture *c, struct capture_session *s,
		     struct capture_stream *st, struct capture_sock *k,
		     unsigned i)
{
	struct msghdr *h = &c->msgs[i].msg_hdr;
	size_t len = c->msgs[i].msg_len;
	struct capture_addr from;
	struct stamp stamp;
	int64_t mono;

	read_control(h, &stamp);
	if (stamp.has_ovfl && stamp.ovfl != k->ovfl) {
		drop(c, s, st, SPOOL_DROP_KERNEL, stamp.ovfl - k->ovfl);
		k->ovfl = stamp.ovfl;
	}
	if (h->msg_flags & MSG_TRUNC) {
		drop(c, s, st, SPOOL_DROP_SIZE, 1);
		return;
	}
	mono = arrival(c, s, k, stamp.wall_us);
	capture_addr_from(&c->names[i], &from);
	/* rtcp-mux is accepted without being asked for: the payload types
	 * that look like RTCP are not used for media */
	if (k->proto == SPOOL_RTCP || rtp_is_rtcp(c->data[i], len))
		take_rtcp(c, s, st, &from, mono, c->data[i], len);
	else
		take_rtp(c, s, st, &from, mono, c->data[i], len);
}

void capture_stream_drain(struct capture *c, struct capture_session *s,
			  struct capture_stream *st, struct capture_sock *k)
{
	int64_t start;
	unsigned total = 0;
	int n;

	if (k->fd < 0)
		return;
	do {
		start = c->now_mono_us;
		n = recvmmsg(k->fd, c->msgs, CAPTURE_RX, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++)
			take_one(c, s, st, k, (unsigned)i);
		if (n > 0) {
			rx_reset(c, (unsigned)n);
			total += (unsigned)n;
		}
	} while (n == CAPTURE_RX && total < CAPTURE_DRAIN_MAX);
	if (n < CAPTURE_RX)
		k->empty_mono_us = start;
}
