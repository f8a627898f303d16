/* What people should know about a recording: warnings, loss, figures. */
#include <stdarg.h>
#include <string.h>

#include "base/str.h"
#include "media/render_priv.h"

#define DRIFT_TOLD_PPM 50
#define LOSS_EVENT_US 200000
_Static_assert(RENDER_SKETCH_MAX == FEED_SKETCH_MAX, "copied as it is");

#define GAP_TOLD_US 2000000

void render_warn(struct render *r, const char *code, const char *severity,
		 const char *fmt, ...)
{
	struct render_warning *w;
	va_list ap;

	if (r->res->n_warnings == RENDER_WARNINGS_MAX)
		return; /* 64 are enough to be worried */
	w = &r->res->warnings[r->res->n_warnings++];
	w->code = code;
	w->severity = severity;
	va_start(ap, fmt);
	(void)vsnprintf(w->detail, sizeof(w->detail), fmt, ap);
	va_end(ap);
}

struct render_event *render_event_new(struct render *r, const char *kind,
				      const struct feed_stream *fs)
{
	struct render_event *ev;

	if (r->res->n_events == RENDER_EVENTS_MAX)
		return NULL;
	ev = &r->res->events[r->res->n_events++];
	*ev = (struct render_event){ .kind = kind,
				     .party = render_party_of(r, fs->index),
				     .stream = fs->index };
	return ev;
}

static void loss_events(struct render *r, const struct feed_stream *fs,
			const struct timeline *tl)
{
	const struct tl_lane *l;
	struct render_event *ev;
	unsigned k;
	size_t i;

	for (k = 0; k < tl_lanes(tl); k++) {
		l = tl_lane(tl, k);
		for (i = 0; i < l->n; i++) {
			if (l->segs[i].kind != TL_LOSS ||
			    render_us(l->segs[i].len) < LOSS_EVENT_US)
				continue;
			ev = render_event_new(r, "loss", fs);
			if (!ev)
				return;
			ev->offset_us = render_us(l->segs[i].start - r->zero);
			ev->duration_us = render_us(l->segs[i].len);
			(void)snprintf(ev->text, sizeof(ev->text),
				       "%u packets, %lld ms", l->segs[i].lost,
				       (long long)render_us(l->segs[i].len) /
					       1000);
		}
	}
}

static void dtmf_events(struct render *r, const struct feed_stream *fs)
{
	uint64_t left_out = fs->dtmf.left_out;
	struct render_event *ev;
	int64_t at;
	size_t i;

	for (i = 0; i < fs->dtmf.n; i++) {
		ev = render_event_new(r, "dtmf", fs);
		if (!ev) {
			left_out += fs->dtmf.n - i;
			break;
		}
		at = fs->dtmf.keys[i].start_us - render_us(r->zero);
		ev->offset_us = at > 0 ? at : 0;
		ev->duration_us = fs->dtmf.keys[i].duration_us;
		ev->text[0] = fs->dtmf.keys[i].digit;
	}
	if (left_out)
		render_warn(r, "dtmf.too_many", "warning",
			    "stream %u: %llu more keys than are listed",
			    fs->index, (unsigned long long)left_out);
	if (fs->dtmf.broken)
		render_warn(r, "dtmf.broken", "info",
			    "stream %u: %llu telephone-event packets could "
			    "not be read",
			    fs->index, (unsigned long long)fs->dtmf.broken);
}

static void warn_timeline(struct render *r, unsigned line,
			  const struct tl_stats *st, double loss)
{
	if (st->lost)
		render_warn(r, "media.loss", loss > 0.02 ? "warning" : "info",
			    "stream %u: %llu packets lost (%.2f %%), longest "
			    "gap %lld ms",
			    line, (unsigned long long)st->lost, loss * 100,
			    (long long)st->longest_loss_us / 1000);
	if (st->late)
		render_warn(r, "media.reordered", "info",
			    "stream %u: %llu packets came late and were put "
			    "back in order",
			    line, (unsigned long long)st->late);
	if (st->drift_ppm > DRIFT_TOLD_PPM || st->drift_ppm < -DRIFT_TOLD_PPM)
		render_warn(r, "media.drift", "info",
			    "stream %u: the sender's clock is off by %.0f ppm, "
			    "followed",
			    line, st->drift_ppm);
	if (st->runs > 1)
		render_warn(r, "media.restarted", "info",
			    "stream %u: the sender began anew %u times", line,
			    st->runs - 1);
	if (st->wild)
		render_warn(r, "media.wild_time", "warning",
			    "stream %u: %llu packets with an impossible RTP "
			    "time, placed by their numbers",
			    line, (unsigned long long)st->wild);
	if (st->ahead)
		render_warn(r, "media.fast_clock", "warning",
			    "stream %u: RTP time of %llu packets ran ahead of "
			    "their arrival, placed by arrival",
			    line, (unsigned long long)st->ahead);
	if (st->stood)
		render_warn(r, "media.number_stands", "warning",
			    "stream %u: the sequence number did not move for "
			    "%llu packets, counted on",
			    line, (unsigned long long)st->stood);
	if (st->silence_us > GAP_TOLD_US)
		render_warn(r, "media.gap", "info",
			    "stream %u: nothing was sent for %lld ms in all",
			    line, (long long)st->silence_us / 1000);
	if (st->strays + st->clipped)
		render_warn(r, "media.strays", "info",
			    "stream %u: %llu packets fit nowhere", line,
			    (unsigned long long)st->strays + st->clipped);
}

static void add_gap(struct render_stream *out, int64_t from_us, int64_t to_us)
{
	struct render_gap *last =
		out->n_gaps ? &out->gaps[out->n_gaps - 1] : NULL;

	if (last && last->to_wall_us >= from_us)
		last->to_wall_us = to_us; /* long ones come in pieces */
	else if (out->n_gaps == RENDER_GAPS_MAX)
		out->gaps_cut = true;
	else
		out->gaps[out->n_gaps++] =
			(struct render_gap){ from_us, to_us };
}

static void find_gaps(const struct render *r, const struct timeline *tl,
		      struct render_stream *out)
{
	const struct tl_lane *l = tl_lanes(tl) == 1 ? tl_lane(tl, 0) : NULL;
	const struct tl_stats *st = tl_stats(tl);
	int64_t at;

	if (!l) /* senders that overlap: what is a gap? */
		out->gaps_cut = st->loss_us + st->hold_us > 0;
	for (size_t i = 0; l && i < l->n; i++) {
		if (l->segs[i].kind == TL_PACKET ||
		    l->segs[i].kind == TL_SILENCE)
			continue;
		at = l->segs[i].start;
		add_gap(out, r->info->start_wall_us + render_us(at),
			r->info->start_wall_us +
				render_us(at + l->segs[i].len));
	}
}

static void report_stream(struct render *r, const struct feed_stream *fs,
			  const struct timeline *tl)
{
	const struct tl_stats *st = tl_stats(tl);
	struct render_stream *out = &r->res->streams[r->res->n_streams++];
	uint64_t all = st->used + st->lost;
	int64_t start, end;
	unsigned i;

	*out = (struct render_stream){ .index = fs->index,
				       .packets = fs->n,
				       .lost = st->lost,
				       .bytes = fs->bytes,
				       .absent_us = st->loss_us + st->hold_us,
				       .drift_ppm = st->drift_ppm };
	if (tl_extent(tl, &start, &end)) {
		out->from_wall_us = r->info->start_wall_us + render_us(start);
		out->to_wall_us = r->info->start_wall_us + render_us(end);
	}
	find_gaps(r, tl, out);
	out->n_sketch = fs->n_sketch;
	memcpy(out->sketch, fs->sketch, sizeof(out->sketch));
	out->loss = all ? (double)st->lost / (double)all : 0;
	if (fs->n)
		(void)str_copy(out->codec, sizeof(out->codec),
			       r->info->specs[fs->main_spec].name);
	for (i = 0; i < r->n_strands; i++)
		if (r->strands[i].fs == fs)
			out->copied = r->strands[i].copied;
	warn_timeline(r, fs->index, st, out->loss);
	if (fs->awaited && fs->n == 0)
		render_warn(r, "media.silent", "warning",
			    "stream %u: no packet came", fs->index);
	if (fs->broken)
		render_warn(r, "media.broken", "warning",
			    "stream %u: %llu packets were not RTP", fs->index,
			    (unsigned long long)fs->broken);
	if (fs->low_first)
		render_warn(r, "media.byte_order", "warning",
			    "stream %u: L16 came with the low byte first, "
			    "exchanged",
			    fs->index);
	dtmf_events(r, fs);
	loss_events(r, fs, tl);
}

static void report_spool(struct render *r)
{
	const struct spool_stats *s = &r->info->spool;
	uint64_t dropped = 0;
	unsigned i;

	if (!s->closed)
		render_warn(r, "spool.recovered", "warning",
			    "the recording was cut off; %llu bytes of a last "
			    "block could not be read",
			    (unsigned long long)s->torn_bytes);
	if (s->restarts + s->reboots)
		render_warn(r, "spool.restarted", "warning",
			    "capture was started again %u times during the "
			    "call",
			    s->restarts + s->reboots);
	if (s->bad_blocks || s->header_bad)
		render_warn(r, "spool.damaged", "error",
			    "%llu damaged blocks, %llu packets in them",
			    (unsigned long long)s->bad_blocks,
			    (unsigned long long)s->missing_packets);
	if (r->info->lost_packets)
		render_warn(r, "spool.disk", "error",
			    "%llu packets could not be written",
			    (unsigned long long)r->info->lost_packets);
	for (i = 0; i < SPOOL_DROP_MAX; i++)
		if (i != SPOOL_DROP_INACTIVE && i != SPOOL_DROP_MUTED)
			dropped += r->info->dropped[i];
	if (!dropped)
		return;
	for (i = 0; i < SPOOL_DROP_MAX; i++)
		if (r->info->dropped[i] && i != SPOOL_DROP_INACTIVE &&
		    i != SPOOL_DROP_MUTED)
			render_warn(r, "media.dropped", "warning",
				    "%llu packets refused: %s",
				    (unsigned long long)r->info->dropped[i],
				    spool_drop_name((enum spool_drop)i));
}

void render_report(struct render *r)
{
	unsigned i;

	report_spool(r);
	for (i = 0; i < r->info->n_streams; i++)
		if (r->tls[i])
			report_stream(r, &r->info->streams[i], r->tls[i]);
}
