#include "storage/legs.h"

#include <string.h>

#include "base/str.h"

#define OVERLAP_NUM 4 /* four fifths */
#define OVERLAP_DEN 5
/* Who has this little more is not better. */
#define MUCH_US INT64_C(250000)
#define PACKET_US INT64_C(20000)
/* Fewer payloads in common may be tones or silence. */
#define SHARED_MIN 16u

/* ---- the same call ---- */

static bool has_session(const struct leg *l, const char *id)
{
	for (unsigned i = 0; i < l->n_sessions; i++)
		if (str_eq(l->sessions[i], id))
			return true;
	return false;
}

static bool sessions_within(const struct leg *b, const struct leg *a)
{
	if (b->n_sessions == 0 || b->sessions_cut || a->sessions_cut)
		return false;
	for (unsigned i = 0; i < b->n_sessions; i++)
		if (!has_session(a, b->sessions[i]))
			return false;
	return true;
}

/* A mix repeats what others send; two mixes are of one kind. */
static bool same_stream(const struct leg_stream *x, const struct leg_stream *y)
{
	if (!str_eq(x->kind, y->kind) || x->mix != y->mix)
		return false;
	return x->mix || (x->sender && str_eq(x->sender, y->sender));
}

static const struct leg_stream *find_stream(const struct leg *l,
					    const struct leg_stream *s)
{
	for (unsigned i = 0; i < l->n_streams; i++)
		if (same_stream(&l->streams[i], s))
			return &l->streams[i];
	return NULL;
}

static unsigned count_senders(const struct leg *l)
{
	unsigned n = 0;

	for (unsigned i = 0; i < l->n_streams; i++)
		n += !l->streams[i].mix;
	return n;
}

static bool streams_within(const struct leg *b, const struct leg *a)
{
	if (count_senders(b) == 0)
		return false;
	for (unsigned i = 0; i < b->n_streams; i++) {
		const struct leg_stream *s = &b->streams[i];

		if (!s->mix && (!s->sender || !find_stream(a, s)))
			return false;
	}
	return true;
}

static bool time_within(const struct leg *b, const struct leg *a)
{
	int64_t from =
		b->started_us > a->started_us ? b->started_us : a->started_us;
	int64_t to = b->ended_us < a->ended_us ? b->ended_us : a->ended_us;
	int64_t len = b->ended_us - b->started_us;

	return to > from && (to - from) >= len / OVERLAP_DEN * OVERLAP_NUM;
}

/* How many of the smallest hashes of both are in both; at most all. */
static unsigned count_shared(const struct leg_stream *x,
			     const struct leg_stream *y, unsigned *ret_all)
{
	unsigned i = 0, k = 0, shared = 0, all = 0;

	while (all < LEG_SKETCH_MAX && (i < x->n_sketch || k < y->n_sketch)) {
		bool in_x = i < x->n_sketch &&
			    (k == y->n_sketch || x->sketch[i] <= y->sketch[k]);
		bool in_y = k < y->n_sketch &&
			    (i == x->n_sketch || y->sketch[k] <= x->sketch[i]);

		i += in_x;
		k += in_y;
		shared += in_x && in_y;
		all++;
	}
	*ret_all = all;
	return shared;
}

/* Unknown while one is not rendered: then both are shown. One that failed has
 * nothing that could be compared, or missed. */
static bool may_sound_same(const struct leg *b, const struct leg *a)
{
	unsigned sum = 0;

	if (!a->ready || !b->ready)
		return a->ready && b->failed && !b->live;
	for (unsigned i = 0; i < b->n_streams; i++) {
		const struct leg_stream *s = &b->streams[i], *other;
		unsigned all, shared;

		other = find_stream(a, s);
		if (!s->measured || s->packets == 0 || !other)
			continue;
		shared = count_shared(s, other, &all);
		if (2 * shared < all)
			return false;
		sum += shared;
	}
	return sum >= SHARED_MIN;
}

bool leg_repeats(const struct leg *b, const struct leg *a)
{
	return !a->alone && !b->alone && str_eq(a->owner_id, b->owner_id) &&
	       sessions_within(b, a) && streams_within(b, a) &&
	       time_within(b, a) && may_sound_same(b, a);
}

/* ---- nothing is lost with it ---- */

static bool is_within(const struct leg_gap *g, const struct leg_stream *d)
{
	for (unsigned i = 0; i < d->n_gaps; i++)
		if (g->from_us >= d->gaps[i].from_us - PACKET_US &&
		    g->to_us <= d->gaps[i].to_us + PACKET_US)
			return true;
	return g->to_us <= d->from_us || g->from_us >= d->to_us;
}

/* Both may lack as much, but not the same. */
static bool gaps_within(const struct leg_stream *p, const struct leg_stream *d)
{
	if (p->gaps_cut || d->gaps_cut)
		return false;
	for (unsigned i = 0; i < p->n_gaps; i++)
		if (!is_within(&p->gaps[i], d))
			return false;
	return true;
}

static bool stream_covers(const struct leg_stream *p,
			  const struct leg_stream *d)
{
	int64_t len = d->to_us - d->from_us;
	int64_t edge = 0;

	if (!p->measured || !str_eq(p->codec, d->codec) ||
	    p->from_us > d->from_us + LEG_EDGE_US ||
	    p->to_us < d->to_us - LEG_EDGE_US)
		return false;
	/* what the ends may lack may be lacking in bytes as well */
	if (len > 0 && p->from_us > d->from_us)
		edge += p->from_us - d->from_us;
	if (len > 0 && p->to_us < d->to_us)
		edge += d->to_us - p->to_us;
	if (len > 0)
		edge = (int64_t)((double)d->bytes * (double)edge / (double)len);
	return p->lost <= d->lost && gaps_within(p, d) &&
	       p->bytes >= d->bytes - edge - d->bytes / 1000;
}

bool leg_covers(const struct leg *p, const struct leg *d)
{
	if (!p->ready || !d->ready || p->failed || !p->complete || !d->complete)
		return false;
	for (unsigned i = 0; i < d->n_streams; i++) {
		const struct leg_stream *s = &d->streams[i], *other;

		if (!s->measured || s->packets == 0)
			continue; /* complete: nothing was kept of it */
		other = find_stream(p, s);
		if (!other || !stream_covers(other, s))
			return false;
	}
	return true;
}

/* ---- who stands in front ---- */

static int64_t heard_us(const struct leg *l)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < l->n_streams; i++) {
		const struct leg_stream *s = &l->streams[i];

		if (s->measured && !s->mix)
			sum += s->to_us - s->from_us - s->absent_us;
	}
	return sum;
}

static int64_t length_us(const struct leg *l, bool heard)
{
	return heard ? heard_us(l) : l->ended_us - l->started_us;
}

/* @return whether a stands before b */
static bool is_better(const struct leg *a, const struct leg *b)
{
	bool heard = a->ready && b->ready;
	int64_t more = length_us(a, heard) - length_us(b, heard);

	if (a->failed != b->failed)
		return b->failed;
	if (a->n_sessions != b->n_sessions)
		return a->n_sessions > b->n_sessions;
	if (count_senders(a) != count_senders(b))
		return count_senders(a) > count_senders(b);
	if (heard && leg_covers(a, b) != leg_covers(b, a))
		return leg_covers(a, b);
	if (more > MUCH_US || more < -MUCH_US)
		return more > 0;
	if (a->hidden != b->hidden)
		return b->hidden;
	if (a->started_us != b->started_us)
		return a->started_us < b->started_us;
	return strcmp(a->id, b->id) < 0;
}

/* ---- two halves ---- */

static int64_t overlap_us(const struct leg *a, const struct leg *b)
{
	int64_t from =
		b->started_us > a->started_us ? b->started_us : a->started_us;
	int64_t to = b->ended_us < a->ended_us ? b->ended_us : a->ended_us;

	return to > from ? to - from : 0;
}

bool leg_completes(const struct leg *far, const struct leg *near)
{
	int64_t shorter = length_us(far, false);

	if (length_us(near, false) < shorter)
		shorter = length_us(near, false);
	return far->end == LEG_FAR && near->end == LEG_NEAR &&
	       (far->refci || near->refci) &&
	       str_eq(far->owner_id, near->owner_id) && far->ready &&
	       near->ready && !far->failed && !near->failed &&
	       overlap_us(far, near) > 0 &&
	       2 * overlap_us(far, near) >= shorter;
}

/* A far end belongs to the near end that ran longest beside it. */
static void join_halves(struct leg *legs, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		int best = -1;

		for (unsigned k = 0; k < n && legs[i].behind < 0; k++) {
			if (legs[k].behind >= 0 ||
			    !leg_completes(&legs[i], &legs[k]))
				continue;
			if (best < 0 ||
			    overlap_us(&legs[i], &legs[k]) >
				    overlap_us(&legs[i], &legs[best]))
				best = (int)k;
		}
		legs[i].half = best >= 0;
		if (best >= 0)
			legs[i].behind = best;
	}
}

static void join_repeats(struct leg *legs, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		legs[i].behind = -1;
	for (unsigned i = 0; i < n; i++) {
		int best = -1;

		for (unsigned k = 0; k < n; k++) {
			if (k == i || (legs[k].live && legs[i].ready) ||
			    !leg_repeats(&legs[i], &legs[k]) ||
			    !is_better(&legs[k], &legs[i]))
				continue;
			if (best < 0 || is_better(&legs[k], &legs[best]))
				best = (int)k;
		}
		legs[i].behind = best;
	}
	/* who stands behind one that stands behind another: behind that one */
	for (unsigned i = 0; i < n; i++) {
		int at = legs[i].behind;

		for (unsigned k = 0; k < n && at >= 0 && legs[at].behind >= 0;
		     k++)
			at = legs[at].behind;
		legs[i].behind = at == (int)i ? -1 : at;
	}
	for (unsigned i = 0; i < n; i++) {
		if (legs[i].behind >= 0 && legs[legs[i].behind].behind >= 0)
			legs[i].behind = -1; /* in doubt it is shown */
	}
}

void legs_decide(struct leg *legs, unsigned n)
{
	join_repeats(legs, n);
	join_halves(legs, n);
}
