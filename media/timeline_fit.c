/* Second part of the timeline: where a run's RTP time lies on our clock.
 *
 * Of each packet we know d = arrival - media time: the offset plus the delay
 * on the way, which is never negative. The smallest d of a window is the best
 * guess of the offset there.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "media/timeline_priv.h"

#define WINDOW_US 5e6
#define SLOPE_WINDOWS 7	  /* 30 s and more: 500 ppm make 15 ms until then */
#define FOLLOW_WINDOWS 12 /* for anything that is no line */
#define SMOOTH 9	  /* windows */
#define TREND_SURE 2.5	  /* standard deviations; most that 7 can have: 3.0 */
#define SLOPE_POINTS 256u /* windows looked at: all pairs of them */
#define SLOPE_MAX 1000e-6
#define LINE_ERROR_US 15e3 /* further off: the path changed */
#define DRIFT_TOTAL_US 3e3 /* less over the whole run is noise */
#define JUMP_US 80000
#define JUMP_BACK_US 150000
#define STOOD_US 30000
#define LATELY 512
#define PACE_MIN 4
#define PACE_US 50000
#define JUMP_STAYS_US 100000
#define JUMP_LOOK_US 3000000
#define JUMP_BEFORE_US 10000000
#define JUMP_SURE 50
#define REPORT_SPREAD_US 20e3

static double media_us(const struct tl_run *r, int64_t ts)
{
	return (double)(ts - r->ts0) * 1e6 / r->clock_hz;
}

static const struct tl_packet *pkt(const struct timeline *tl,
				   const struct tl_run *r, size_t i)
{
	return &tl->in.packets[r->e[i].packet];
}

static bool is_audio(const struct timeline *tl, const struct tl_run *r,
		     size_t i)
{
	return pkt(tl, r, i)->class != TL_EVENT; /* its RTP time stands still */
}

static int64_t delay_us(const struct timeline *tl, const struct tl_run *r,
			size_t i)
{
	return pkt(tl, r, i)->t_us -
	       (r->e[i].ts - r->e[0].ts) * 1000000 / r->clock_hz;
}

/* Smallest delay from entry i on, in one direction, as long as look_us of
 * media. */
static int64_t least(const struct timeline *tl, const struct tl_run *r,
		     size_t i, int step, int64_t look_us, unsigned *ret_n)
{
	int64_t best = INT64_MAX, d, ticks = look_us * r->clock_hz / 1000000;
	size_t k = i;

	*ret_n = 0;
	for (;;) {
		if (llabs(r->e[k].ts - r->e[i].ts) > ticks)
			break;
		if (is_audio(tl, r, k)) {
			d = delay_us(tl, r, k);
			best = d < best ? d : best;
			++*ret_n;
		}
		if ((step < 0 && k == 0) || (step > 0 && k + 1 == r->n))
			break;
		k = step < 0 ? k - 1 : k + 1;
	}
	return best;
}

/* Where a network stopped, packets hurry behind until no delay is left, if the
 * call lasts so long. Those of a sender whose clock stood do not. */
static bool keeps_pace(const struct timeline *tl, const struct tl_run *r,
		       size_t at, unsigned n)
{
	int64_t half[2] = { INT64_MAX, INT64_MAX }, d, first = 0, last = 0;
	unsigned k = 0, leaps = 0;
	size_t i, end = at;

	for (i = at; i < r->n && k < n; i++) {
		if (!is_audio(tl, r, i))
			continue;
		d = delay_us(tl, r, i);
		half[k >= n / 2] = d < half[k >= n / 2] ? d : half[k >= n / 2];
		leaps += k > 0 && llabs(d - last) > PACE_US;
		first = k == 0 ? d : first;
		last = d;
		end = i;
		k++;
	}
	return leaps <= n / 4 && half[0] - half[1] < PACE_US &&
	       first - last <=
		       (r->e[end].ts - r->e[at].ts) * 1000000 / r->clock_hz / 2;
}

static bool jump_stays(const struct timeline *tl, const struct tl_run *r,
		       size_t before, size_t at, int64_t jump)
{
	int64_t look = llabs(jump) + llabs(jump) / 2, was, is;
	unsigned n_was, n_is;
	bool long_ago;

	if (look < JUMP_LOOK_US)
		look = JUMP_LOOK_US;
	was = least(tl, r, before, -1, jump > 0 ? JUMP_BEFORE_US : JUMP_LOOK_US,
		    &n_was);
	is = least(tl, r, at, 1, look, &n_is);
	long_ago = llabs(is - was) >= 1000000;
	if (llabs(is - was) <= JUMP_STAYS_US)
		return false;
	/* Of few packets even the fastest may be late, but none is early. */
	if (is > was && n_is >= PACE_MIN)
		return keeps_pace(tl, r, at, n_is);
	return long_ago || (n_is >= JUMP_SURE && n_was >= JUMP_SURE);
}

/* The least delay of the last LATELY packets or more. */
struct lately {
	int64_t old, now;
	unsigned n;
};

static int64_t lately(struct lately *l, int64_t d)
{
	int64_t was = l->old < l->now ? l->old : l->now;

	l->now = d < l->now ? d : l->now;
	if (++l->n % LATELY == 0) {
		l->old = l->now;
		l->now = INT64_MAX;
	}
	return was;
}

size_t tl_fit_split(const struct timeline *tl, const struct tl_run *r)
{
	struct lately l = { INT64_MAX, INT64_MAX, 0 };
	size_t i, before = SIZE_MAX;
	int64_t jump, d, low;

	for (i = 0; i < r->n; i++) {
		if (!is_audio(tl, r, i))
			continue;
		d = delay_us(tl, r, i);
		low = lately(&l, d);
		if (before == SIZE_MAX) {
			before = i;
			continue;
		}
		if (r->e[i].jump)
			return i;
		jump = d - delay_us(tl, r, before);
		if (jump > STOOD_US && d - low > jump)
			jump = d - low; /* stood more than once */
		if ((jump > JUMP_US || jump < -JUMP_BACK_US) &&
		    jump_stays(tl, r, before, i, jump))
			return i;
		before = i;
	}
	return r->n;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_value);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* The smallest delay of each window, as knots. */
static int measure(const struct timeline *tl, struct tl_run *r)
{
	double span, x, y;
	size_t windows, i, w, n = 0;
	int64_t last = r->ts0;

	for (i = 0; i < r->n; i++)
		if (is_audio(tl, r, i) && r->e[i].ts > last)
			last = r->e[i].ts;
	span = media_us(r, last);
	windows = (size_t)(span / WINDOW_US) + 1;
	if (windows > 100000) /* RTP time ran wild: 11 days in one run */
		windows = 1;
	r->knots = mem_calloc(windows, sizeof(*r->knots));
	if (!r->knots)
		return -ENOMEM;
	for (i = 0; i < windows; i++)
		r->knots[i].y_us = INFINITY;
	for (i = 0; i < r->n; i++) {
		if (!is_audio(tl, r, i))
			continue;
		x = media_us(r, r->e[i].ts);
		y = (double)pkt(tl, r, i)->t_us - x;
		w = x < 0 ? 0 : (size_t)(x / WINDOW_US);
		w = w < windows ? w : windows - 1;
		if (y < r->knots[w].y_us)
			r->knots[w] = (struct tl_knot){ x, y };
	}
	for (i = 0; i < windows; i++)
		if (isfinite(r->knots[i].y_us))
			r->knots[n++] = r->knots[i];
	r->n_knots = n;
	return 0;
}

/* Theil-Sen: the median of the slopes of all pairs. */
static int slope_of(const struct tl_run *r, double *ret_slope)
{
	size_t step = r->n_knots / SLOPE_POINTS + 1, i, j, n = 0;
	double *v CLEANUP(mem_freep) = NULL, dx;

	v = mem_calloc((size_t)SLOPE_POINTS * SLOPE_POINTS / 2, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (i = 0; i < r->n_knots; i += step) {
		for (j = i + step; j < r->n_knots; j += step) {
			dx = r->knots[j].x_us - r->knots[i].x_us;
			if (dx >= WINDOW_US / 2)
				v[n++] = (r->knots[j].y_us - r->knots[i].y_us) /
					 dx;
		}
	}
	*ret_slope = n ? median(v, n) : 0;
	if (fabs(*ret_slope) > SLOPE_MAX)
		*ret_slope = *ret_slope > 0 ? SLOPE_MAX : -SLOPE_MAX;
	return 0;
}

/* Mann and Kendall: do the delays rise (or fall) all along? A machine that was
 * busy for a while makes a bump, a clock a line. */
static bool has_trend(const struct tl_run *r)
{
	size_t step = r->n_knots / SLOPE_POINTS + 1, i, j;
	double n = 0, s = 0;

	for (i = 0; i < r->n_knots; i += step, n++)
		for (j = i + step; j < r->n_knots; j += step)
			s += (r->knots[j].y_us > r->knots[i].y_us) -
			     (r->knots[j].y_us < r->knots[i].y_us);
	return fabs(s) - 1 >= TREND_SURE * sqrt(n * (n - 1) * (2 * n + 5) / 18);
}

static int base_of(struct tl_run *r, double *ret_worst)
{
	double *v CLEANUP(mem_freep) = NULL, y[SMOOTH], off;
	size_t i, k, n = r->n_knots, w = n < SMOOTH ? n : SMOOTH, from;

	v = mem_calloc(n, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		v[i] = r->knots[i].y_us - r->slope * r->knots[i].x_us;
	r->base_us = median(v, n);
	*ret_worst = 0;
	for (i = 0; i < n; i++) {
		from = i < w / 2 ? 0 : i - w / 2;
		from = from + w > n ? n - w : from;
		for (k = 0; k < w; k++)
			y[k] = r->knots[from + k].y_us -
			       r->slope * r->knots[from + k].x_us;
		off = fabs(median(y, w) - r->base_us);
		if (off > *ret_worst)
			*ret_worst = off;
	}
	return 0;
}

/* No line fits: follow the smoothed minima, but never faster than a clock can
 * drift; faster changes are the path's. */
static int follow(struct tl_run *r)
{
	double *v CLEANUP(mem_freep) = NULL, y[SMOOTH], most;
	size_t i, k, n = r->n_knots, w = n < SMOOTH ? n : SMOOTH, from;

	v = mem_calloc(n, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		from = i < w / 2 ? 0 : i - w / 2;
		from = from + w > n ? n - w : from;
		for (k = 0; k < w; k++)
			y[k] = r->knots[from + k].y_us;
		v[i] = median(y, w);
	}
	r->knots[0].y_us = v[0];
	for (i = 1; i < n; i++) {
		most = (r->knots[i].x_us - r->knots[i - 1].x_us) * SLOPE_MAX;
		if (v[i] > r->knots[i - 1].y_us + most)
			v[i] = r->knots[i - 1].y_us + most;
		if (v[i] < r->knots[i - 1].y_us - most)
			v[i] = r->knots[i - 1].y_us - most;
		r->knots[i].y_us = v[i];
	}
	return 0;
}

static void drop_knots(struct tl_run *r)
{
	mem_free(r->knots);
	r->knots = NULL;
	r->n_knots = 0;
}

int tl_fit_run(const struct timeline *tl, struct tl_run *r)
{
	double worst, least_us = INFINITY;
	size_t i;
	int e;

	for (i = 0; i + 1 < r->n && !is_audio(tl, r, i); i++)
		;
	r->ts0 = r->e[i].ts;
	r->base_us = (double)pkt(tl, r, i)->t_us;
	e = measure(tl, r);
	if (e < 0 || r->n_knots == 0)
		return e;
	for (i = 0; i < r->n_knots; i++)
		least_us = fmin(least_us, r->knots[i].y_us);
	r->base_us = least_us;
	if (r->n_knots < SLOPE_WINDOWS) {
		drop_knots(r);
		return 0;
	}
	e = slope_of(r, &r->slope);
	if (e < 0)
		return e;
	if (fabs(r->slope * r->knots[r->n_knots - 1].x_us) < DRIFT_TOTAL_US ||
	    !has_trend(r) ||
	    (fabs(r->slope) >= SLOPE_MAX &&
	     r->n_knots < FOLLOW_WINDOWS)) /* no clock is */
		r->slope = 0;
	e = base_of(r, &worst);
	if (e < 0)
		return e;
	if (worst > LINE_ERROR_US && r->n_knots >= FOLLOW_WINDOWS)
		return follow(r);
	if (worst > LINE_ERROR_US) {
		r->slope = 0;
		r->base_us = least_us;
	}
	drop_knots(r);
	return 0;
}

static double offset_us(const struct tl_run *r, double x)
{
	const struct tl_knot *a, *b;
	size_t lo = 0, hi = r->n_knots, mid;

	if (r->n_knots == 0)
		return r->base_us + r->slope * x;
	if (x <= r->knots[0].x_us)
		return r->knots[0].y_us;
	if (x >= r->knots[r->n_knots - 1].x_us)
		return r->knots[r->n_knots - 1].y_us;
	while (hi - lo > 1) {
		mid = (lo + hi) / 2;
		if (r->knots[mid].x_us <= x)
			lo = mid;
		else
			hi = mid;
	}
	a = &r->knots[lo];
	b = &r->knots[lo + 1];
	return a->y_us +
	       (b->y_us - a->y_us) * (x - a->x_us) / (b->x_us - a->x_us);
}

int64_t tl_fit_ticks(const struct tl_run *r, int64_t ts, int64_t *ret_off)
{
	double off_us = offset_us(r, media_us(r, ts)) + r->shift_us;
	int64_t off = llrint(off_us * TL_TICKS_S / 1e6);

	/* Media time in whole numbers: without drift packets touch exactly. */
	if (ret_off)
		*ret_off = off;
	return (ts - r->ts0) * TL_TICKS_S / r->clock_hz + off;
}

void tl_fit_reports(const struct timeline *tl, struct tl_run *r,
		    const struct tl_report *reports, size_t n)
{
	double v[64], lo = INFINITY, hi = -INFINITY, x;
	int64_t from, to, ts;
	size_t i, k = 0;

	if (r->paced)
		return;
	from = pkt(tl, r, 0)->t_us - 5000000;
	to = pkt(tl, r, r->n - 1)->t_us + 10000000;
	for (i = 0; i < n && k < ARRAY_SIZE(v); i++) {
		if (reports[i].ssrc != r->ssrc || reports[i].ntp_us == 0 ||
		    reports[i].t_us < from || reports[i].t_us > to)
			continue;
		/* the RTP time next to what was received about then */
		x = ((double)reports[i].t_us - r->base_us) * r->clock_hz / 1e6;
		ts = r->ts0 + (int64_t)x;
		ts += (int32_t)(reports[i].ts_rtp - (uint32_t)ts);
		x = media_us(r, ts);
		v[k] = (double)reports[i].ntp_us - x - offset_us(r, x);
		lo = fmin(lo, v[k]);
		hi = fmax(hi, v[k]);
		k++;
	}
	if (k < 2 || hi - lo > REPORT_SPREAD_US)
		return; /* they do not even agree with themselves */
	r->ntp_us = median(v, k);
	r->has_ntp = true;
}
