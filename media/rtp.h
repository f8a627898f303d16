/* media/rtp.h - RTP packets: parse, write a header, follow one source.
 *
 * Pure: no socket, clock or thread; everything borrowed from the caller.
 * Any role. Source: RFC 3550 sections 5.1, 5.3.1, 6.4.1, appendices A.1, A.3,
 * A.8; RFC 5761 section 4 (telling RTCP from RTP on one port).
 */
#ifndef MEDIA_RTP_H
#define MEDIA_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTP_HEADER_MIN 12

/* One packet, taken apart; pointers borrow the caller's bytes. */
struct rtp_packet {
	bool marker;
	uint8_t pt; /* 0..127 */
	uint16_t seq;
	uint32_t ts_rtp;
	uint32_t ssrc;
	uint8_t n_csrc;	     /* 0..15 */
	const uint8_t *csrc; /* n_csrc big-endian words, NULL when none */
	bool has_ext;
	uint16_t ext_profile;
	const uint8_t *ext; /* without its 4 byte head */
	size_t ext_len;
	const uint8_t *payload; /* padding taken off; len may be 0 */
	size_t payload_len;
};

/**
 * Take one packet apart.
 *
 * @return 0, or
 *         -EPROTO   version is not 2
 *         -EBADMSG  shorter than its own header, extension or padding says
 */
int rtp_parse(const void *data, size_t len, struct rtp_packet *ret_pkt);

/** Only what a recorder needs to look at: fixed header, no extension, padding
 *  or payload (those fields are left zero). Same errors. */
int rtp_parse_header(const void *data, size_t len, struct rtp_packet *ret_pkt);

/** @return true when the bytes are RTCP rather than RTP on a shared port
 *  (RFC 5761: second byte 192..223) */
bool rtp_is_rtcp(const void *data, size_t len);

/** Write the fixed header (no CSRC, no extension) in front of a payload.
 *  @param dst at least RTP_HEADER_MIN bytes */
void rtp_write_header(void *dst, bool marker, uint8_t pt, uint16_t seq,
		      uint32_t ts_rtp, uint32_t ssrc);

/** Distance from a to b in 16 bit sequence space, -32768..32767. */
int rtp_seq_diff(uint16_t a, uint16_t b);

/* Packets in a row that make a source valid (MIN_SEQUENTIAL). */
#define RTP_PROBATION 2

enum rtp_verdict {
	RTP_OK,
	RTP_PROBATION_ONGOING, /* not valid yet; the packet may still be good */
	RTP_BAD_SEQ,	       /* a jump, not confirmed by a second packet */
};

/* One SSRC as a receiver sees it (RFC 3550 appendix A.1). Zeroed = unused. */
struct rtp_source {
	bool used;
	uint32_t ssrc;
	uint16_t max_seq;
	uint32_t cycles; /* shifted count of sequence number cycles */
	uint32_t base_seq;
	uint32_t bad_seq;
	uint8_t probation; /* packets still wanted; 0 = valid */
	uint64_t received;
	uint32_t received_since_init;
	uint32_t expected_prior;
	uint32_t received_prior;
	/* jitter, A.8: in RTP ticks, times 16 */
	uint32_t rate_hz;
	uint32_t transit;
	uint32_t jitter_q4;
	bool have_transit;
	/* last sender report */
	uint32_t lsr; /* middle 32 bits of its NTP time, 0 = none */
	int64_t lsr_mono_us;
	int64_t last_mono_us; /* last packet */
};

/** Start following ssrc. @param probation packets in a row wanted (>= 1; 1 =
 *  valid at once) */
void rtp_source_init(struct rtp_source *s, uint32_t ssrc, uint16_t seq,
		     unsigned probation, uint32_t rate_hz);

/** One more packet of this source. @param mono_us its arrival */
enum rtp_verdict rtp_source_update(struct rtp_source *s, uint16_t seq,
				   uint32_t ts_rtp, int64_t mono_us);

/** How far a packet's arrival is from its timestamp, in ticks (A.8). */
uint32_t rtp_transit(uint32_t rate_hz, uint32_t ts_rtp, int64_t mono_us);

/** Extended highest sequence number: cycles and max_seq. */
uint32_t rtp_source_ext_seq(const struct rtp_source *s);

/** Packets expected minus received since the start; negative with duplicates.
 *  Clamped to 24 bits signed. */
int32_t rtp_source_lost(const struct rtp_source *s);

/** Share lost since the last call, 0..255 of 256 (A.3); changes the priors. */
uint8_t rtp_source_fraction(struct rtp_source *s);

#endif
