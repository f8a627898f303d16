/* First part of the timeline: packets into runs. */
#include "media/timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "media/timeline_priv.h"

/* RFC 3550 appendix A.1: further than this from the newest number is another
 * sequence, once two packets in a row say so. */
#define DROPOUT_MAX 3000
#define MISORDER_MAX 500
#define RUNS_MAX 16384 /* beyond: strays */
#define NEIGHBOURS 8

/* A packet that fits into no run waits here for a second one. */
struct stray {
	bool have;
	uint32_t packet;
};

static int grow(void **p, size_t *cap, size_t n, size_t size)
{
	size_t want;
	void *q;

	if (n < *cap)
		return 0;
	want = *cap ? *cap * 2 : 64;
	q = mem_realloc(*p, want * size);
	if (!q)
		return -ENOMEM;
	*p = q;
	*cap = want;
	return 0;
}

static int run_add(struct tl_run *r, int64_t seq, int64_t ts, uint32_t packet,
		   bool event)
{
	int e;

	e = grow((void **)&r->e, &r->cap, r->n, sizeof(*r->e));
	if (e < 0)
		return e;
	r->e[r->n++] = (struct tl_entry){
		.seq = seq, .ts = ts, .packet = packet, .rtp = (uint32_t)ts
	};
	if (r->n == 1 || seq > r->top_seq)
		r->top_seq = seq;
	/* the RTP time of events stands still, or is of another clock */
	if (r->n == 1 || (!event && seq > r->ts_seq)) {
		r->top_ts = ts;
		r->ts_seq = seq;
	}
	return 0;
}

static struct tl_run *run_new(struct timeline *tl, uint32_t ssrc,
			      uint32_t clock_hz)
{
	struct tl_run *r;

	if (tl->n_runs >= RUNS_MAX || grow((void **)&tl->runs, &tl->cap_runs,
					   tl->n_runs, sizeof(*tl->runs)) < 0)
		return NULL;
	r = &tl->runs[tl->n_runs++];
	*r = (struct tl_run){ .ssrc = ssrc, .clock_hz = clock_hz };
	return r;
}

/* The newest run of this sender. */
static struct tl_run *run_find(struct timeline *tl, const struct tl_packet *p)
{
	size_t i;

	for (i = tl->n_runs; i-- > 0;)
		if (tl->runs[i].ssrc == p->ssrc &&
		    (tl->runs[i].clock_hz == p->clock_hz ||
		     p->class != TL_AUDIO))
			return &tl->runs[i];
	return NULL;
}

/* Older numbers have older times, and not by much. One of the last few must
 * say so; another's own time may be wild. */
static bool belongs(const struct timeline *tl, const struct tl_run *r,
		    const struct tl_packet *p)
{
	size_t from = r->n > NEIGHBOURS ? r->n - NEIGHBOURS : 0, i;
	int64_t dt, most = (int64_t)r->clock_hz * 60;
	const struct tl_packet *q;
	int ds;

	for (i = from; i < r->n; i++) {
		q = &tl->in.packets[r->e[i].packet];
		ds = (int16_t)(p->seq - q->seq);
		dt = (int32_t)(p->ts_rtp - q->ts_rtp);
		if (q->class != TL_EVENT && llabs(dt) < most &&
		    (ds < 0 ? dt <= 0 : dt >= 0))
			return true;
	}
	return false;
}

/* The number without wraps: the one nearest to the newest. */
static int64_t number_of(const struct tl_run *r, const struct tl_packet *p)
{
	return r->top_seq +
	       (int16_t)(p->seq - (uint16_t)(r->top_seq - r->stood));
}

static bool fits(const struct timeline *tl, const struct tl_run *r,
		 const struct tl_packet *p, int64_t *ret_seq, int64_t *ret_ts)
{
	int64_t dt = (int32_t)(p->ts_rtp - (uint32_t)r->top_ts);
	int64_t seq = number_of(r, p);

	if (seq > r->top_seq + DROPOUT_MAX || seq < r->top_seq - MISORDER_MAX)
		return false;
	if (seq < r->ts_seq && p->class == TL_AUDIO && !belongs(tl, r, p))
		return false;
	*ret_seq = seq;
	*ret_ts = r->top_ts + dt;
	return true;
}

static bool pair(const struct tl_packet *q, const struct tl_packet *p)
{
	int64_t dt = (int32_t)(p->ts_rtp - q->ts_rtp);

	return q->ssrc == p->ssrc && q->clock_hz == p->clock_hz &&
	       (uint16_t)(p->seq - q->seq - 1) < 16 && dt >= 0 &&
	       dt < (int64_t)q->clock_hz * 60;
}

/* A stray that stayed alone: if its number has a place, it came late with a
 * wild time. */
static int adopt(struct timeline *tl, uint32_t i)
{
	const struct tl_packet *p = &tl->in.packets[i];
	struct tl_run *r = run_find(tl, p);
	int64_t seq = r ? number_of(r, p) : 0;

	if (!r || seq >= r->top_seq || seq < r->top_seq - MISORDER_MAX ||
	    seq < r->e[0].seq) {
		tl->stats.strays++;
		return 0;
	}
	tl->stats.late++;
	return run_add(r, seq, r->top_ts, i, p->class == TL_EVENT);
}

/* The first packet of a sender, or of one that began anew. */
static int begin_run(struct timeline *tl, uint32_t i)
{
	const struct tl_packet *p = &tl->in.packets[i];
	struct tl_run *r = run_new(tl, p->ssrc, p->clock_hz);

	if (!r && tl->n_runs >= RUNS_MAX) {
		tl->stats.strays++;
		return 0;
	}
	if (!r)
		return -ENOMEM;
	return run_add(r, p->seq, p->ts_rtp, i, p->class == TL_EVENT);
}

/* Nothing fits: the second such packet in a row starts a run. */
static int add_stray(struct timeline *tl, struct stray *s, uint32_t i)
{
	const struct tl_packet *p = &tl->in.packets[i], *q;
	bool event = p->class == TL_EVENT;
	struct tl_run *r;
	int e;

	if (s->have) {
		q = &tl->in.packets[s->packet];
		if (pair(q, p)) {
			s->have = false;
			e = begin_run(tl, s->packet);
			r = run_find(tl, q);
			if (e < 0 || r->e[r->n - 1].packet != s->packet)
				return e; /* or too many runs */
			return run_add(r,
				       (int64_t)q->seq +
					       (uint16_t)(p->seq - q->seq),
				       (int64_t)q->ts_rtp +
					       (int32_t)(p->ts_rtp - q->ts_rtp),
				       i, event);
		}
		e = adopt(tl, s->packet);
		if (e < 0)
			return e;
	}
	s->have = true;
	s->packet = i;
	return 0;
}

static int add_packet(struct timeline *tl, struct stray *s, uint32_t i)
{
	const struct tl_packet *p = &tl->in.packets[i];
	struct tl_run *r = run_find(tl, p);
	int64_t seq, ts;

	if (!r)
		return begin_run(tl, i);
	seq = number_of(r, p);
	if (seq == r->top_seq && tl_number_stands(tl, r, i)) {
		r->stood++;
		tl->stats.stood++;
		ts = r->top_ts + (int32_t)(p->ts_rtp - (uint32_t)r->top_ts);
		return run_add(r, seq + 1, ts, i, false);
	}
	if (seq <= r->top_seq && seq >= r->top_seq - MISORDER_MAX &&
	    tl_begins_again(tl, r, i, seq))
		return begin_run(tl, i);
	if (!fits(tl, r, p, &seq, &ts))
		return add_stray(tl, s, i);
	if (seq < r->top_seq)
		tl->stats.late++;
	return run_add(r, seq, ts, i, p->class == TL_EVENT);
}

static int by_seq(const void *a, const void *b)
{
	const struct tl_entry *x = a, *y = b;

	if (x->seq != y->seq)
		return x->seq < y->seq ? -1 : 1;
	return x->packet < y->packet ? -1 : x->packet > y->packet;
}

static void sort_run(struct timeline *tl, struct tl_run *r)
{
	size_t i, n = 0;
	bool sorted = true;

	for (i = 1; i < r->n && sorted; i++)
		sorted = r->e[i - 1].seq < r->e[i].seq;
	if (sorted)
		return;
	qsort(r->e, r->n, sizeof(*r->e), by_seq);
	for (i = 0; i < r->n; i++) {
		if (n && r->e[n - 1].seq == r->e[i].seq) {
			tl->stats.duplicates++;
			tl->stats.late -= tl->stats.late > 0;
			continue;
		}
		r->e[n++] = r->e[i];
	}
	r->n = n;
}

/* A jump of the delay that stays: everything after it is a run of its own. */
static int split_runs(struct timeline *tl)
{
	struct tl_run *r, *tail;
	size_t i, at, n;

	for (i = 0; i < tl->n_runs; i++) {
		at = tl_fit_split(tl, &tl->runs[i]);
		if (at >= tl->runs[i].n)
			continue;
		tail = run_new(tl, tl->runs[i].ssrc, tl->runs[i].clock_hz);
		if (!tail)
			return tl->n_runs >= RUNS_MAX ? 0 : -ENOMEM;
		r = &tl->runs[i]; /* run_new() may have moved them */
		n = r->n - at;
		tail->e = mem_dup(r->e + at, n * sizeof(*r->e));
		if (!tail->e)
			return -ENOMEM;
		tail->n = tail->cap = n;
		tail->goes_on = true;
		tail->paced = r->paced;
		r->n = at;
	}
	return 0;
}

int tl_create(const struct tl_input *in, struct timeline **ret_tl)
{
	struct timeline *tl CLEANUP(tl_destroy) = NULL;
	struct stray stray = { 0 };
	size_t i;
	int r;

	tl = mem_zalloc(sizeof(*tl));
	if (!tl)
		return -ENOMEM;
	tl->in = *in;
	for (i = 0; i < in->n_packets; i++) {
		r = add_packet(tl, &stray, (uint32_t)i);
		if (r < 0)
			return r;
	}
	r = stray.have ? adopt(tl, stray.packet) : 0;
	if (r < 0)
		return r;
	for (i = 0; i < tl->n_runs; i++) {
		sort_run(tl, &tl->runs[i]);
		r = tl_pace_run(tl, &tl->runs[i]);
		if (r < 0)
			return r;
		tl_clean_run(tl, &tl->runs[i]);
	}
	r = split_runs(tl);
	if (r < 0)
		return r;
	for (i = 0; i < tl->n_runs; i++) {
		r = tl_fit_run(tl, &tl->runs[i]);
		if (r < 0)
			return r;
		tl_fit_reports(tl, &tl->runs[i], in->reports, in->n_reports);
	}
	tl->stats.runs = (unsigned)tl->n_runs;
	*ret_tl = STEAL(tl);
	return 0;
}

void tl_destroy(struct timeline **tp)
{
	struct timeline *tl = *tp;
	size_t i;

	if (!tl)
		return;
	*tp = NULL;
	for (i = 0; i < tl->n_runs; i++) {
		mem_free(tl->runs[i].e);
		mem_free(tl->runs[i].knots);
	}
	for (i = 0; i < TL_LANES_MAX; i++)
		mem_free(tl->lanes[i].segs);
	mem_free(tl->runs);
	mem_free(tl);
}

unsigned tl_lanes(const struct timeline *tl)
{
	return tl->n_lanes;
}

const struct tl_lane *tl_lane(const struct timeline *tl, unsigned i)
{
	return &tl->lanes[i];
}

bool tl_extent(const struct timeline *tl, int64_t *ret_start, int64_t *ret_end)
{
	const struct tl_seg *first, *last;
	unsigned i;

	if (tl->n_lanes == 0)
		return false;
	*ret_start = INT64_MAX;
	*ret_end = INT64_MIN;
	for (i = 0; i < tl->n_lanes; i++) {
		first = &tl->lanes[i].segs[0];
		last = &tl->lanes[i].segs[tl->lanes[i].n - 1];
		if (first->start < *ret_start)
			*ret_start = first->start;
		if (last->start + last->len > *ret_end)
			*ret_end = last->start + last->len;
	}
	return true;
}

const struct tl_stats *tl_stats(const struct timeline *tl)
{
	return &tl->stats;
}
