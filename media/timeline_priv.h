/* media/timeline_priv.h - what the files of the timeline share. */
#ifndef MEDIA_TIMELINE_PRIV_H
#define MEDIA_TIMELINE_PRIV_H

#include "media/timeline.h"

/* A packet of a run, sequence number and RTP time counted without wraps. */
struct tl_entry {
	int64_t seq;
	int64_t ts;
	uint32_t packet;
	uint32_t rtp; /* as sent, or as tl_pace_run() corrected it */
	bool wild;    /* ts is not the sender's: from its number */
	bool jump;    /* the sender's clock was set back here */
};

/* Where delay was measured: at media time x the offset is y. */
struct tl_knot {
	double x_us, y_us;
};

struct tl_run {
	uint32_t ssrc;
	uint32_t clock_hz;
	bool goes_on; /* sequence numbers continue those of the run before */
	struct tl_entry *e;
	size_t n, cap;
	bool paced; /* its RTP time ran ahead: of no use for reports */
	/* while packets come in */
	unsigned copies; /* that came long after */
	int64_t stood;	 /* times that its number did not move */
	int64_t top_seq;
	int64_t top_ts, ts_seq; /* newest but for events, and its number */
	/* media time of ts is (ts - ts0) / clock_hz; session time is media
	 * time + offset. Line: base + slope * x; else the knots. */
	int64_t ts0;
	double base_us, slope;
	struct tl_knot *knots;
	size_t n_knots;
	double shift_us; /* from sender reports */
	bool placed_by_sr;
	double ntp_us; /* NTP - session clock, when has_ntp */
	bool has_ntp;
};

struct timeline {
	struct tl_input in;
	struct tl_run *runs;
	size_t n_runs, cap_runs;
	struct tl_lane lanes[TL_LANES_MAX];
	unsigned n_lanes;
	struct tl_stats stats;
};

/** Length of a packet that does not say, in ticks of 48 kHz: the usual one. */
int64_t tl_usual_ticks(const struct timeline *tl, const struct tl_run *r);
/** Does packet i, with a number among the last, begin a new sequence? */
bool tl_begins_again(const struct timeline *tl, struct tl_run *r, size_t i,
		     int64_t seq);
/** Packet i has the newest number again: is it another packet all the same? */
bool tl_number_stands(const struct timeline *tl, const struct tl_run *r,
		      size_t i);
/** Where RTP time runs ahead of what comes, place by number and arrival.
 *  Entries in order of seq. @return 0 or -ENOMEM */
int tl_pace_run(struct timeline *tl, struct tl_run *r);
/** Give entries whose RTP time is out of line, though their numbers are not,
 *  the RTP time that number and neighbours tell; also count RTP time anew
 *  without wraps. Entries in order of seq. */
void tl_clean_run(struct timeline *tl, struct tl_run *r);
/** Split r where its delay jumps for good. @return index of the first entry
 *  of the next run, or r->n */
size_t tl_fit_split(const struct timeline *tl, const struct tl_run *r);
/** Find line or knots. 0 or -ENOMEM */
int tl_fit_run(const struct timeline *tl, struct tl_run *r);
/** Measure the sender's NTP clock against ours. */
void tl_fit_reports(const struct timeline *tl, struct tl_run *r,
		    const struct tl_report *reports, size_t n);
/** Session time of an RTP time, in ticks of 48 kHz. ret_off: the part of it
 *  that changes with the sender's drift only; may be NULL */
int64_t tl_fit_ticks(const struct tl_run *r, int64_t ts, int64_t *ret_off);

#endif
