/* media/capture_rtcp.c - RTCP of one stream: what senders report, what we do.
 *
 * Only receiver reports (with SDES CNAME) are sent, only to the address that
 * was negotiated, and only while something is received. Source: RFC 3550
 * section 6.3 (interval), 6.4.2 (RR), RFC 7022 (CNAME).
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/metrics.h"
#include "media/capture_impl.h"
#include "media/rtcp.h"

static void take_sr(struct capture_stream *st, const struct rtcp_packet *p,
		    int64_t mono_us)
{
	struct rtp_source *src = capture_check_source(&st->check, p->ssrc);

	if (!src)
		return;
	src->lsr = (uint32_t)(p->ntp >> 16);
	src->lsr_mono_us = mono_us;
}

void capture_rtcp_take(struct capture *c, struct capture_session *s,
		       struct capture_stream *st, const uint8_t *data,
		       size_t len, int64_t mono_us)
{
	struct rtcp_packet p;
	struct cursor cur;

	cur_init(&cur, data, len);
	while (rtcp_next(&cur, &p) > 0) {
		if (p.type == RTCP_SR)
			take_sr(st, &p, mono_us);
		if (p.type == RTCP_BYE) {
			/* noted; only the signalling ends a recording */
			metric_add(c->m.byes, 1);
			log_debug(&s->log, "rtcp.bye",
				  LOG_I("stream", st->cfg.index));
		}
	}
}

/* In 1/65536 s; 0 when there was no sender report yet. */
static uint32_t since_sr(const struct rtp_source *src, int64_t now)
{
	if (!src->lsr)
		return 0;
	return (uint32_t)((now - src->lsr_mono_us) * 65536 / 1000000);
}

static unsigned fill_reports(struct capture_stream *st, int64_t now,
			     struct rtcp_report *reports)
{
	struct rtp_source *src;
	unsigned n = 0;

	for (unsigned i = 0; i < CAPTURE_SSRC_MAX; i++) {
		src = &st->check.sources[i];
		if (!src->used || src->probation ||
		    now - src->last_mono_us > CAPTURE_SSRC_SILENT_US)
			continue;
		reports[n++] = (struct rtcp_report){
			.ssrc = src->ssrc,
			.fraction = rtp_source_fraction(src),
			.lost = rtp_source_lost(src),
			.ext_seq = rtp_source_ext_seq(src),
			.jitter = src->jitter_q4 >> 4,
			.lsr = src->lsr,
			.dlsr = since_sr(src, now),
		};
	}
	return n;
}

/* The negotiated place for RTCP; family 0 when there is none. */
static void report_address(const struct capture_stream *st,
			   struct sockaddr_storage *ret)
{
	struct capture_addr a;
	uint16_t port;

	*ret = st->cfg.rtcp_mux ? st->cfg.remote_rtp : st->cfg.remote_rtcp;
	if (!ret->ss_family && !st->cfg.rtcp_mux) {
		*ret = st->cfg.remote_rtp;
		capture_addr_from(ret, &a);
		port = htons((uint16_t)(a.port + 1));
		if (ret->ss_family == AF_INET6)
			((struct sockaddr_in6 *)ret)->sin6_port = port;
		else
			((struct sockaddr_in *)ret)->sin_port = port;
	}
	capture_addr_from(ret, &a);
	if (capture_addr_unspecified(&a) || !a.port ||
	    (a.family == 4 && a.ip[0] >= 224) ||
	    (a.family == 6 && a.ip[0] == 0xff)) /* never to a group */
		ret->ss_family = 0;
}

static void send_report(struct capture *c, struct capture_stream *st,
			int64_t now)
{
	struct rtcp_report reports[CAPTURE_SSRC_MAX];
	struct sockaddr_storage to;
	uint8_t raw[RTCP_BUILD_MAX + SRTP_TAIL_MAX];
	size_t raw_len;
	socklen_t len;
	unsigned n;
	int r, fd;

	report_address(st, &to);
	if (!to.ss_family)
		return;
	n = fill_reports(st, now, reports);
	if (!n)
		return;
	while (capture_check_source(&st->check, st->our_ssrc))
		id_random(&st->our_ssrc, sizeof(st->our_ssrc));
	r = rtcp_build_rr(st->our_ssrc, reports, n, c->cname, raw,
			  RTCP_BUILD_MAX);
	if (r < 0)
		return;
	raw_len = (size_t)r;
	if (capture_srtp_seal(st, raw, sizeof(raw), &raw_len) < 0)
		return; /* never in clear */
	fd = st->cfg.rtcp_mux ? st->rtp.fd : st->rtcp.fd;
	len = to.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
				       : sizeof(struct sockaddr_in);
	/* a report that can't be sent is worth nothing to anybody */
	if (sendto(fd, raw, raw_len, MSG_DONTWAIT | MSG_NOSIGNAL,
		   (struct sockaddr *)&to, len) == (ssize_t)raw_len)
		metric_add(c->m.reports, 1);
	st->report_sent = true;
}

void capture_rtcp_tick(struct capture *c, struct capture_stream *st)
{
	int64_t now = c->now_mono_us;
	uint32_t random;

	if (st->rtp.fd < 0 || now < st->next_report_mono_us)
		return;
	if (st->next_report_mono_us)
		send_report(c, st, now);
	id_random(&random, sizeof(random));
	st->next_report_mono_us =
		now + rtcp_interval_us(!st->next_report_mono_us, random);
}
