/* media/timeline.h - where on the session's clock each packet of a stream lies.
 *
 * Input: every RTP packet of one stream with its arrival. Output: lanes; a
 * lane is a list of segments without holes, each a packet or a gap with its
 * kind. Nearly always there is one lane; senders that overlap in time (two
 * SSRCs at once) get one each.
 *
 * How. Packets are put into runs: same SSRC and clock, sequence numbers that
 * go on (wraps counted, duplicates left out, reordering undone). Within a run
 * RTP time gives order and spacing. Where RTP time lies on the session's clock
 * is told by arrival: the smallest delay in windows of 5 s; a straight line
 * through these (a clock that drifts, any slope up to 1000 ppm, after 30 s and
 * where they rise or fall significantly), or, after 60 s, the smoothed minima
 * themselves when no line fits (the path changed). A jump of the delay that
 * stays starts a new run: the sender's clock stood still or was set. RTP time
 * out of line with sequence number and neighbours is replaced by what the
 * number says; RTP time that claims silence again and again where packets come
 * as if there were none is that of a clock which is too fast, and number and
 * arrival place what it counted. A sequence that begins again with numbers it
 * had before is a new run, numbers that stand are counted on. When sender
 * reports of the streams agree, they align the streams with each other.
 *
 * A gap in RTP time without missing numbers is silence (DTX), with missing
 * numbers it is loss, during a hold or pause it is that. Drift appears as
 * packets that last a little longer or shorter than they are: the renderer
 * stretches them. Nothing else does: a run that would lie over the end of the
 * one before it gets a lane of its own or, up to 20 ms, comes later.
 *
 * Pure: no file, socket, clock. Offline: sees all packets at once, some 100
 * bytes for each.
 * Role: render. Source: RFC 3550 sections 5.1, 6.4.1 and appendix A.1; RFC
 * 7160 (clock rate changes).
 *
 * Times: t_us is microseconds since the spool's OPEN; ticks are 1/48000 s of
 * the same clock.
 */
#ifndef MEDIA_TIMELINE_H
#define MEDIA_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TL_LANES_MAX 4
#define TL_TICKS_S 48000

enum tl_class {
	TL_AUDIO,
	TL_EVENT, /* telephone-event: counts as received, makes no sound */
	TL_NOISE, /* comfort noise: silence follows */
};

struct tl_packet {
	int64_t t_us;
	uint32_t ssrc;
	uint32_t ts_rtp;
	uint32_t clock_hz; /* of ts_rtp; > 0 */
	uint16_t seq;
	uint16_t ticks; /* length, 0 = not known */
	uint8_t class;	/* enum tl_class */
};

/* A sender report. */
struct tl_report {
	int64_t t_us;
	int64_t ntp_us; /* the sender's clock, any epoch */
	uint32_t ssrc;
	uint32_t ts_rtp;
};

/* Time without media by agreement (hold, pause). */
struct tl_hold {
	int64_t from_us, to_us;
	bool pause;
};

struct tl_input {
	const struct tl_packet *packets; /* in order of arrival; borrowed as
					  * long as the timeline lives */
	size_t n_packets;
	const struct tl_report *reports; /* borrowed for tl_create() */
	size_t n_reports;
	const struct tl_hold *holds; /* in order; borrowed for tl_place() */
	size_t n_holds;
};

enum tl_kind {
	TL_PACKET,
	TL_SILENCE, /* DTX, or the sender had nothing to say */
	TL_LOSS,
	TL_HOLD,
	TL_PAUSE,
};

struct tl_seg {
	int64_t start;	 /* ticks since OPEN */
	int32_t len;	 /* ticks, > 0; gaps of hours come in pieces */
	uint32_t packet; /* index into the input; gaps: of the packet after */
	uint32_t lost;	 /* TL_LOSS: packets */
	uint8_t kind;	 /* enum tl_kind */
};

struct tl_lane {
	struct tl_seg *segs;
	size_t n, cap;
};

struct tl_stats {
	uint64_t used;	     /* audio packets that got a place */
	uint64_t lost;	     /* sequence numbers that never came */
	uint64_t duplicates; /* came again, or stood still in RTP time */
	uint64_t late;	     /* came after a later one and were put back */
	uint64_t strays;     /* fit nowhere */
	uint64_t wild;	     /* RTP time out of line, placed by number */
	uint64_t ahead;	     /* RTP time ran ahead, placed by arrival */
	uint64_t stood;	     /* number that did not move, counted on */
	unsigned runs;	     /* 1 = one sender that never restarted */
	unsigned clipped;    /* packets that overlapped others */
	int64_t silence_us, loss_us, hold_us;
	int64_t longest_loss_us;
	double drift_ppm; /* of the longest run; + = sender's clock is slow */
	int64_t sr_shift_us; /* how far the sender reports moved it */
};

struct timeline;

/** Make runs and find their places. @return 0 (also without any packet) or
 *  -ENOMEM */
int tl_create(const struct tl_input *in, struct timeline **ret_tl);
void tl_destroy(struct timeline **tp);

/** Align streams of one session by their sender reports, where they agree
 *  within 100 ms. NULL entries are skipped. */
void tl_align(struct timeline **tls, size_t n);

/** Make the lanes. Once. @return 0 or -ENOMEM */
int tl_place(struct timeline *tl);

/* After tl_place(). Without audio: no lane. */
unsigned tl_lanes(const struct timeline *tl);
const struct tl_lane *tl_lane(const struct timeline *tl, unsigned i);
/** First and last tick with a packet. @return false: there is none */
bool tl_extent(const struct timeline *tl, int64_t *ret_start, int64_t *ret_end);
const struct tl_stats *tl_stats(const struct timeline *tl);

#endif
