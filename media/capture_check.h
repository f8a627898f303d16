/* media/capture_check.h - may this packet be stored? The checks of one stream.
 *
 * The policy is told in media/capture.h. Pure: no socket, clock or thread; the
 * caller brings address and time. Role capture.
 */
#ifndef MEDIA_CAPTURE_CHECK_H
#define MEDIA_CAPTURE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "media/rtp.h"
#include "media/spool.h"

#define CAPTURE_SSRC_MAX 4
#define CAPTURE_LOCK_PACKETS 5
#define CAPTURE_CANDIDATES 4
/* A locked port that is silent so long may be followed by another. */
#define CAPTURE_LOCK_SILENT_US 2000000
/* A source that is silent so long makes room for a new one before any other. */
#define CAPTURE_SSRC_SILENT_US 10000000
/* One that is silent so long may have ended. When all places are taken, the one
 * that has shown least and is silent longest makes room; so made-up SSRCs take
 * each other's place, CAPTURE_SSRC_MAX in such a time at most, and not that of
 * a source that has sent CAPTURE_SSRC_PROVEN packets. */
#define CAPTURE_SSRC_ENDED_US 250000
#define CAPTURE_SSRC_PROVEN 50

/* After a new offer payload types of the answer before are taken so long:
 * packets under way, and a client that changes a little later. */
#define CAPTURE_OLD_PT_US 5000000

/* A source of an earlier call is still the same stream while its RTP clock is
 * no further off than this. */
#define CAPTURE_GHOST_S 5

/* Not one of enum spool_drop: the packet may be stored. */
#define CAPTURE_KEEP SPOOL_DROP_MAX

/* An address to compare: IPv4-mapped is IPv4. */
struct capture_addr {
	uint8_t family; /* 0 none, 4, 6 */
	uint16_t port;	/* host order */
	uint8_t ip[16]; /* unused bytes zero */
};

struct capture_candidate {
	struct capture_addr addr;
	uint32_t ssrc;
	uint16_t seq;
	uint8_t count; /* consecutive packets; 0 = unused */
	int64_t last_us;
};

/* A source of an earlier call on this port; rate_hz 0 = none. */
struct capture_ghost {
	uint32_t rate_hz;
	uint32_t ssrc;
	uint32_t transit; /* arrival - timestamp, in ticks */
};

/* Zeroed, then capture_check_offer(). */
struct capture_check {
	struct capture_addr offered; /* RTP; family 0: learn */
	struct capture_addr offered_rtcp;
	bool learn;	 /* any address may lock, see media/capture.h */
	uint64_t pts[2]; /* bit per payload type of the answer */
	/* those of answers before, still on their way until then */
	uint64_t old_pts[2];
	int64_t old_until_us;
	bool locked;
	struct capture_addr lock;
	int64_t lock_last_us;
	struct capture_candidate candidates[CAPTURE_CANDIDATES];
	struct rtp_source sources[CAPTURE_SSRC_MAX];
	struct capture_ghost ghosts[CAPTURE_SSRC_MAX]; /* capture_ghost.h */
};

void capture_addr_from(const struct sockaddr_storage *sa,
		       struct capture_addr *ret_addr);
bool capture_addr_same_ip(const struct capture_addr *a,
			  const struct capture_addr *b);
/** True for none, 0.0.0.0 and ::. */
bool capture_addr_unspecified(const struct capture_addr *a);

/** A new offer and answer: forget the lock when address or port changed. */
void capture_check_offer(struct capture_check *ck, const struct cap_stream *s);

/** Before a new offer is taken: what is agreed now lingers. */
void capture_check_linger(struct capture_check *ck, int64_t mono_us);
/** Is that payload type one of an answer before only, and still taken? */
bool capture_check_old_pt(const struct capture_check *ck, uint8_t pt,
			  int64_t mono_us);

/** What costs nothing, before a packet of SRTP is worth more: where it comes
 *  from and its payload type. Changes nothing, so that a forged packet does
 *  not either. @return CAPTURE_KEEP, or why not */
enum spool_drop capture_check_glance(const struct capture_check *ck,
				     const struct capture_addr *from,
				     uint8_t pt, int64_t mono_us);

/** @param rate_hz RTP clock of the packet's payload type, for jitter
 *  @return CAPTURE_KEEP, or why not */
enum spool_drop capture_check_rtp(struct capture_check *ck,
				  const struct capture_addr *from,
				  const struct rtp_packet *pkt,
				  uint32_t rate_hz, int64_t mono_us);

/** RTCP: only the address is judged. */
enum spool_drop capture_check_rtcp(const struct capture_check *ck,
				   const struct capture_addr *from);

/** @return the source with that SSRC or NULL */
struct rtp_source *capture_check_source(struct capture_check *ck,
					uint32_t ssrc);

#endif
