/* Third part of the timeline: runs into lanes of segments without holes. */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "media/timeline_priv.h"

#define OVERLAP_MAX (TL_TICKS_S / 50) /* more: two senders at once */
#define SEG_MAX ((int64_t)TL_TICKS_S * 3600)
#define AGREE_US 100e3
#define TICKS_DEFAULT 960

void tl_align(struct timeline **tls, size_t n)
{
	double sum = 0, first = 0, common;
	size_t i, k, count = 0, streams = 0;
	struct tl_run *r;
	bool any;

	for (i = 0; i < n; i++) {
		any = false;
		for (k = 0; tls[i] && k < tls[i]->n_runs; k++) {
			r = &tls[i]->runs[k];
			if (!r->has_ntp)
				continue;
			if (count == 0)
				first = r->ntp_us;
			if (r->ntp_us - first > AGREE_US ||
			    r->ntp_us - first < -AGREE_US)
				return; /* they disagree: not one clock */
			sum += r->ntp_us - first;
			count++;
			any = true;
		}
		streams += any;
	}
	if (streams < 2)
		return;
	common = first + sum / (double)count;
	for (i = 0; i < n; i++) {
		for (k = 0; tls[i] && k < tls[i]->n_runs; k++) {
			r = &tls[i]->runs[k];
			if (!r->has_ntp)
				continue;
			r->shift_us = r->ntp_us - common;
			tls[i]->stats.sr_shift_us = (int64_t)r->shift_us;
		}
	}
}

/* ---- one lane ---- */

struct placing {
	struct timeline *tl;
	struct tl_lane *lane;
	const struct tl_run *run;
	int64_t usual;	/* ticks of a packet that does not say */
	int64_t cursor; /* end of the last segment */
	bool begins;	/* nothing of this run in the lane yet */
	int64_t shift;	/* the run as a whole is this much late */
	int64_t off;	/* of the drift, what has been followed */
	int64_t lost;	/* numbers missing since the last segment */
};

static int put_seg(struct placing *p, enum tl_kind kind, int64_t len,
		   uint32_t packet, uint32_t lost)
{
	struct tl_lane *l = p->lane;
	struct tl_seg *segs;
	int64_t piece;

	while (len > 0) {
		piece = len < SEG_MAX ? len : SEG_MAX;
		if (l->n == l->cap) {
			segs = mem_realloc(l->segs,
					   (l->cap ? l->cap * 2 : 256) *
						   sizeof(*segs));
			if (!segs)
				return -ENOMEM;
			l->segs = segs;
			l->cap = l->cap ? l->cap * 2 : 256;
		}
		l->segs[l->n++] = (struct tl_seg){
			.start = p->cursor,
			.len = (int32_t)piece,
			.packet = packet,
			.lost = lost,
			.kind = (uint8_t)kind,
		};
		p->cursor += piece;
		len -= piece;
		lost = 0;
	}
	return 0;
}

static int64_t to_us(int64_t ticks)
{
	return ticks * 1000 / (TL_TICKS_S / 1000);
}

/* Does a hold cover the better part of this gap? */
static const struct tl_hold *held(const struct placing *p, int64_t from,
				  int64_t to)
{
	const struct tl_input *in = &p->tl->in;
	int64_t a = to_us(from), b = to_us(to), lo, hi;
	size_t i;

	for (i = 0; i < in->n_holds; i++) {
		lo = in->holds[i].from_us > a ? in->holds[i].from_us : a;
		hi = in->holds[i].to_us < b ? in->holds[i].to_us : b;
		if (hi - lo > (b - a) / 2 || hi - lo > 1000000)
			return &in->holds[i];
	}
	return NULL;
}

static int put_gap(struct placing *p, int64_t len, uint32_t packet)
{
	struct tl_stats *st = &p->tl->stats;
	const struct tl_hold *h = held(p, p->cursor, p->cursor + len);
	int64_t loss;
	int r;

	if (h) {
		p->lost = 0;
		st->hold_us += to_us(len);
		return put_seg(p, h->pause ? TL_PAUSE : TL_HOLD, len, packet,
			       0);
	}
	if (p->lost > 0) {
		loss = p->lost * p->usual;
		loss = loss < len ? loss : len;
		st->loss_us += to_us(loss);
		if (to_us(loss) > st->longest_loss_us)
			st->longest_loss_us = to_us(loss);
		r = put_seg(p, TL_LOSS, loss, packet, (uint32_t)p->lost);
		if (r < 0)
			return r;
		len -= loss;
	}
	st->silence_us += to_us(len);
	return put_seg(p, TL_SILENCE, len, packet, 0);
}

/* Make the last packet a little longer or shorter than it is. */
static bool stretch(struct placing *p, int64_t by)
{
	struct tl_seg *last = &p->lane->segs[p->lane->n - 1];

	if (last->kind != TL_PACKET || last->len + by <= 0)
		return false;
	last->len += (int32_t)by;
	p->cursor += by;
	return true;
}

static int64_t within(int64_t v, int64_t most)
{
	return v > most ? most : v < -most ? -most : v;
}

/* Only a clock that drifts bends sound, by 0.1 % at most. Beyond that times
 * may lie a little beside the sum of the lengths: RTP time that trembles
 * must not be heard. */
static void follow_clock(struct placing *p, int64_t gap, int64_t off,
			 int64_t len)
{
	int64_t by = within(off - p->off, len / 1000 + 1);
	int64_t beside = gap - (off - p->off);

	if (by != 0 && stretch(p, by))
		p->off += by;
	if (beside < -len) /* times nearer than the packets are long */
		(void)stretch(p, -(len / 200 + 1));
	else if (beside > len / 16 || beside < -len / 16)
		(void)stretch(p, beside > 0 ? 1 : -1);
}

/* The run's first packet, and the lane's maybe. Where it would lie over the
 * end of the run before, the whole run comes later until its next silence:
 * sound that hurried to catch up would change its pitch for many seconds. */
static void begin(struct placing *p, int64_t want, int64_t len)
{
	int64_t gap = want - p->cursor;

	p->begins = false;
	if (p->lane->n == 0) {
		p->cursor = want;
		p->lost = 0;
	} else if (gap <= len / 8) {
		p->shift = -gap;
	}
}

static int place_packet(struct placing *p, const struct tl_entry *e)
{
	int64_t len = p->tl->in.packets[e->packet].ticks;
	int64_t off, want = tl_fit_ticks(p->run, e->ts, &off), gap;
	int r;

	if (len == 0)
		len = p->usual;
	if (p->begins) {
		begin(p, want, len);
		p->off = off;
	}
	gap = want + p->shift - p->cursor;
	if (gap > len / 8) {
		if (p->shift > 0) {
			gap = gap > p->shift ? gap - p->shift : 0;
			p->shift = want - p->cursor < 0 ? p->cursor - want : 0;
		}
		p->off = off;
		r = put_gap(p, gap, e->packet);
		if (r < 0)
			return r;
	} else if (p->lane->n > 0) {
		follow_clock(p, gap, off, len);
	}
	p->tl->stats.lost += (uint64_t)p->lost;
	p->lost = 0;
	p->tl->stats.used++;
	return put_seg(p, TL_PACKET, len, e->packet, 0);
}

int64_t tl_usual_ticks(const struct timeline *tl, const struct tl_run *r)
{
	unsigned count[8] = { 0 }, best = 0;
	int64_t value[8] = { 0 }, d;
	size_t i, k;

	for (i = 1; i < r->n && i < 1000; i++) {
		if (tl->in.packets[r->e[i].packet].ticks) {
			d = tl->in.packets[r->e[i].packet].ticks;
		} else {
			if (r->e[i].seq != r->e[i - 1].seq + 1)
				continue;
			d = (r->e[i].ts - r->e[i - 1].ts) * TL_TICKS_S /
			    r->clock_hz;
		}
		if (d <= 0 || d > 5760)
			continue;
		for (k = 0; k < ARRAY_SIZE(count); k++) {
			if (value[k] == d || count[k] == 0) {
				value[k] = d;
				count[k]++;
				break;
			}
		}
	}
	for (k = 1; k < ARRAY_SIZE(count); k++)
		if (count[k] > count[best])
			best = (unsigned)k;
	return count[best] ? value[best] : TICKS_DEFAULT;
}

static int place_run(struct timeline *tl, struct tl_lane *lane,
		     const struct tl_run *r, int64_t lost_before)
{
	struct placing p = { .tl = tl, .lane = lane, .run = r };
	int64_t prev_seq = 0, prev_ts = 0, half;
	const struct tl_packet *pk;
	bool have = false;
	size_t i;
	int e;

	p.usual = tl_usual_ticks(tl, r);
	p.begins = true;
	p.lost = lost_before;
	if (lane->n > 0)
		p.cursor = lane->segs[lane->n - 1].start +
			   lane->segs[lane->n - 1].len;
	for (i = 0; i < r->n; i++) {
		pk = &tl->in.packets[r->e[i].packet];
		if (i > 0)
			p.lost += r->e[i].seq - prev_seq - 1;
		prev_seq = r->e[i].seq;
		if (pk->class != TL_AUDIO)
			continue;
		half = (pk->ticks ? pk->ticks : p.usual) * r->clock_hz /
		       TL_TICKS_S / 2;
		if (have && r->e[i].ts - prev_ts < half) {
			tl->stats.duplicates++; /* RTP time stood still */
			continue;
		}
		have = true;
		prev_ts = r->e[i].ts;
		e = place_packet(&p, &r->e[i]);
		if (e < 0)
			return e;
	}
	return 0;
}

/* ---- lanes ---- */

struct order {
	const struct tl_run *run;
	int64_t start, end;
};

static int by_start(const void *a, const void *b)
{
	const struct order *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->run < y->run ? -1 : x->run > y->run;
}

static bool audio_extent(const struct timeline *tl, struct order *o)
{
	const struct tl_run *r = o->run;
	bool any = false;
	int64_t at;
	size_t i;

	for (i = 0; i < r->n; i++) {
		if (tl->in.packets[r->e[i].packet].class != TL_AUDIO)
			continue;
		at = tl_fit_ticks(r, r->e[i].ts, NULL);
		if (!any || at < o->start)
			o->start = at;
		if (!any || at + TICKS_DEFAULT > o->end)
			o->end = at + TICKS_DEFAULT;
		any = true;
	}
	return any;
}

static int64_t lane_end(const struct tl_lane *l)
{
	return l->n ? l->segs[l->n - 1].start + l->segs[l->n - 1].len
		    : INT64_MIN;
}

static unsigned pick_lane(struct timeline *tl, int64_t start)
{
	unsigned i, best = 0;

	for (i = 0; i < TL_LANES_MAX; i++) {
		if (i == tl->n_lanes) {
			tl->n_lanes++;
			return i;
		}
		if (lane_end(&tl->lanes[i]) <= start + OVERLAP_MAX)
			return i;
		if (lane_end(&tl->lanes[i]) < lane_end(&tl->lanes[best]))
			best = i;
	}
	tl->stats.clipped++;
	return best; /* its packets come late there */
}

/* Numbers missing between two runs of one sequence. */
static int64_t lost_between(const struct order *before, const struct order *o)
{
	int64_t d;

	if (!before || !o->run->goes_on || before->run->ssrc != o->run->ssrc)
		return 0;
	d = o->run->e[0].seq - before->run->e[before->run->n - 1].seq - 1;
	return d > 0 && d < 3000 ? d : 0;
}

static double longest_drift(const struct order *o, size_t n)
{
	const struct order *best = NULL;
	size_t i;

	for (i = 0; i < n; i++)
		if (!best || o[i].end - o[i].start > best->end - best->start)
			best = &o[i];
	return best ? best->run->slope * 1e6 : 0;
}

/* Their work is done, and a long call has millions of entries. */
static void drop_runs(struct timeline *tl)
{
	size_t i;

	for (i = 0; i < tl->n_runs; i++) {
		mem_free(tl->runs[i].e);
		tl->runs[i].e = NULL;
		tl->runs[i].n = tl->runs[i].cap = 0;
	}
}

int tl_place(struct timeline *tl)
{
	struct order *o CLEANUP(mem_freep) = NULL;
	size_t i, n = 0;
	unsigned lane;
	int r;

	o = mem_calloc(tl->n_runs + 1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	for (i = 0; i < tl->n_runs; i++) {
		o[n] = (struct order){ .run = &tl->runs[i] };
		n += audio_extent(tl, &o[n]);
	}
	qsort(o, n, sizeof(*o), by_start);
	tl->stats.drift_ppm = longest_drift(o, n);
	for (i = 0; i < n; i++) {
		lane = pick_lane(tl, o[i].start);
		r = place_run(tl, &tl->lanes[lane], o[i].run,
			      lost_between(i ? &o[i - 1] : NULL, &o[i]));
		if (r < 0)
			return r;
	}
	drop_runs(tl);
	return 0;
}
