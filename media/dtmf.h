/* media/dtmf.h - the digits that telephone-event packets of one stream spell.
 *
 * A pressed key is many packets: updates with a growing duration, then its end
 * three times. They are one event, told apart by SSRC and RTP time; packets
 * that come late or twice change nothing, and a key whose end was lost counts
 * with what was heard of it. Senders that give every packet, or every copy of
 * the end, an RTP time of its own are understood: packets with touching numbers
 * and the same key are one event if the later one says that the key was held
 * already when the earlier one was sent. A key held longer than the duration's
 * 16 bits goes on in a new segment and stays one event. Only keys are listed
 * (0-9 * # A-D and flash as "!"), not tones of modems and signals.
 *
 * Pure: no clock, the caller brings arrival times. Role: render.
 * Source: RFC 4733 sections 2.3, 2.5.
 */
#ifndef MEDIA_DTMF_H
#define MEDIA_DTMF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DTMF_KEYS_MAX 4096 /* of one stream; more are counted only */

struct dtmf_key {
	int64_t start_us; /* when it was pressed, clock of the arrivals */
	int64_t duration_us;
	char digit;
	bool ended; /* its end was seen */
	/* private */
	uint32_t ssrc, first_ts, ts, clock_hz;
	uint64_t before;	 /* ticks of finished segments */
	uint16_t ticks;		 /* of the segment at ts */
	uint16_t first_seq, seq; /* newest */
	int64_t last_us;	 /* arrival of the newest */
	uint32_t end_ts;	 /* of its first end */
	int64_t end_us;
};

/* Zero it to begin. */
struct dtmf {
	struct dtmf_key *keys; /* in order of their first packet */
	size_t n, cap;
	uint64_t left_out; /* beyond DTMF_KEYS_MAX */
	uint64_t broken;   /* payloads that cannot be one */
};

struct dtmf_packet {
	int64_t t_us; /* arrival */
	uint32_t ssrc;
	uint32_t ts_rtp;
	uint32_t clock_hz; /* > 0 */
	uint16_t seq;
	const uint8_t *payload;
	size_t len;
};

void dtmf_fini(struct dtmf *d);

/** Take one packet in order of arrival.
 *  @return 0, -EBADMSG (counted; nothing taken), -ENOMEM */
int dtmf_put(struct dtmf *d, const struct dtmf_packet *p);

/** @return '0'..'9' '*' '#' 'A'..'D' '!', or 0 for other events */
char dtmf_digit(uint8_t event);
/** @return the event of a key, or -1 */
int dtmf_event(char digit);

#endif
