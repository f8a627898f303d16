/* media/t140.h - real-time text: what somebody typed, out of RTP packets.
 *
 * Takes every packet of one stream in order of arrival, then gives all
 * characters with their times. Packets are put back in order by sequence
 * number; what is missing is taken from the redundant generations of later
 * packets; what is missing even then leaves one U+FFFD for each gap. A sender
 * that starts anew (other SSRC, far away number) follows what was there.
 *
 * Then the text is made plain: UTF-8 split over packets is joined, bytes that
 * are none become U+FFFD, a backspace erases, CR, LF, CR LF and U+2028 are one
 * '\n', byte order marks, alerts, interrupts and style codes are left out.
 *
 * Pure and offline: sees all packets at once. Role: render.
 * Source: RFC 4103, RFC 2198, ITU-T T.140 and its addendum 1.
 */
#ifndef MEDIA_T140_H
#define MEDIA_T140_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define T140_TEXT_MAX (4u * 1024 * 1024) /* bytes of one stream */
#define T140_BLOCKS_MAX (512u * 1024)
#define T140_RUNS_MAX 64
#define T140_LOST 0xfffdu

struct t140;

struct t140_packet {
	int64_t t_us; /* arrival */
	uint32_t ssrc;
	uint32_t clock_hz; /* 1000; > 0 */
	uint16_t seq;
	bool red;     /* RFC 2198, else one plain block */
	bool resumed; /* what is missing before it was left out on purpose */
	const uint8_t *payload;
	size_t len;
};

struct t140_char {
	int64_t t_us;
	uint32_t code; /* Unicode; '\n' ends a line */
};

struct t140_stats {
	uint64_t packets;
	uint64_t recovered; /* never came, but later packets had their text */
	uint64_t lost;	    /* never came */
	uint64_t broken;    /* packets that could not be read */
	uint64_t left_out;  /* packets beyond the limits */
};

/** @return 0 or -ENOMEM */
int t140_create(struct t140 **ret_t);
void t140_destroy(struct t140 **tp);

/** @return 0, -EBADMSG not RFC 2198 (counted), -ENOBUFS a limit is reached
 *  (counted), -ENOMEM */
int t140_put(struct t140 *t, const struct t140_packet *p);

/** Once, after the last packet. @return 0 or -ENOMEM */
int t140_finish(struct t140 *t);

/**
 * Make older generations in a packet unreadable, in place (zeros, which are no
 * text): what was typed while nothing may be kept. Generations that are both
 * young enough and few enough packets old stay.
 *
 * @param max_offset at most that much older than the packet, in ticks of its
 *                   clock
 * @param max_back   first sent at most so many packets before (1: the packet
 *                   right before this one)
 * A payload that is not RFC 2198 becomes zeros altogether.
 */
void t140_red_blank(uint8_t *payload, size_t len, uint32_t max_offset,
		    unsigned max_back);

/* After t140_finish(): times never decrease; live as long as t. */
const struct t140_char *t140_chars(const struct t140 *t, size_t *ret_n);
const struct t140_stats *t140_stats(const struct t140 *t);

#endif
