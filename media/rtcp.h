/* media/rtcp.h - RTCP compound packets: read them, write receiver reports.
 *
 * Pure; borrows the caller's bytes. Reduced-size packets (RFC 5506) are read
 * as well: any sequence of well-framed RTCP packets is accepted, also without
 * SR or RR in front and without SDES. Unknown types are handed out with their
 * type and body. Any role.
 * Source: RFC 3550 section 6 and appendix A.2, RFC 4585 (feedback), RFC 5506.
 */
#ifndef MEDIA_RTCP_H
#define MEDIA_RTCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"

#define RTCP_REPORTS_MAX 31
#define RTCP_TEXT_MAX 256 /* CNAME, BYE reason; with the NUL */
#define RTCP_BUILD_MAX 1280

enum rtcp_type {
	RTCP_SR = 200,
	RTCP_RR = 201,
	RTCP_SDES = 202,
	RTCP_BYE = 203,
	RTCP_APP = 204,
	RTCP_RTPFB = 205,
	RTCP_PSFB = 206,
	RTCP_XR = 207,
};

/* Report block; when we send one it is about ssrc. */
struct rtcp_report {
	uint32_t ssrc;
	uint8_t fraction; /* lost since the last report, of 256 */
	int32_t lost;	  /* 24 bits signed */
	uint32_t ext_seq;
	uint32_t jitter; /* RTP ticks */
	uint32_t lsr;
	uint32_t dlsr; /* 1/65536 s */
};

/* One packet of a compound. */
struct rtcp_packet {
	uint8_t type;  /* enum rtcp_type or any other */
	uint8_t count; /* RC, SC, subtype or FMT */
	uint32_t ssrc; /* first word after the head; 0 when there is none */
	/* SR */
	uint64_t ntp; /* 32.32, seconds since 1900; 0 = sender has no clock */
	uint32_t ts_rtp;
	uint32_t packets;
	uint32_t octets;
	/* SR, RR */
	unsigned n_reports;
	struct rtcp_report reports[RTCP_REPORTS_MAX];
	/* SDES: CNAME of the first chunk, ssrc is that chunk's; else "" */
	char cname[RTCP_TEXT_MAX];
	/* BYE */
	unsigned n_ssrcs;
	uint32_t ssrcs[RTCP_REPORTS_MAX];
	char reason[RTCP_TEXT_MAX];
	/* everything after the 4 byte head */
	const uint8_t *body;
	size_t body_len;
};

/** Check the framing of a whole datagram (lengths, version, padding only in
 *  the last). @return 0, -EPROTO version, -EBADMSG framing */
int rtcp_check(const void *data, size_t len);

/**
 * Next packet of a compound.
 *
 * @param c over the datagram; moved behind the packet
 *
 * @return 1 a packet, 0 the end, -EPROTO or -EBADMSG (stop reading). Text is
 *         bounded and cleaned (str_clean).
 */
int rtcp_next(struct cursor *c, struct rtcp_packet *ret_pkt);

/** NTP 32.32 to wall microseconds since 1970 (valid 1970..2105: times before
 *  1970 are taken as the era that starts in 2036). */
int64_t rtcp_ntp_to_wall_us(uint64_t ntp);
uint64_t rtcp_ntp_from_wall_us(int64_t wall_us);

/** Write a compound RR + SDES(CNAME).
 *  @return length, or -ENOBUFS when dst is too small (RTCP_BUILD_MAX is
 *  enough), -EINVAL more than 31 reports or cname longer than 255 */
int rtcp_build_rr(uint32_t our_ssrc, const struct rtcp_report *reports,
		  unsigned n_reports, const char *cname, void *dst,
		  size_t dst_len);

/* What a sender says about itself; for our own test client. */
struct rtcp_sender {
	uint64_t ntp;
	uint32_t ts_rtp;
	uint32_t packets;
	uint32_t octets;
};

/** The same with a sender report in front. */
int rtcp_build_sr(uint32_t our_ssrc, const struct rtcp_sender *s,
		  const struct rtcp_report *reports, unsigned n_reports,
		  const char *cname, void *dst, size_t dst_len);

/** Append-style BYE: writes one BYE packet for our_ssrc. @return length or
 *  -ENOBUFS */
int rtcp_build_bye(uint32_t our_ssrc, void *dst, size_t dst_len);

/**
 * Interval to the next report, RFC 3550 section 6.3.1 for a session of two
 * members with one sender: at least 5 s, half of it before the first report,
 * times 0.5..1.5 random, divided by e - 1.5.
 *
 * @param random any 32 random bits
 */
int64_t rtcp_interval_us(bool first, uint32_t random);

#endif
