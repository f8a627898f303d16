/* Part of the timeline: packets of a run whose RTP time cannot be right.
 *
 * Entries are in order of their numbers. Each is compared with the last good
 * one. Where it does not follow exactly, those behind it vote: do they go on
 * from the good one, or from this? From the good one: this one's time is wild
 * and it gets the place its number says. From this: the clock was set, which
 * is a matter of runs. Nobody agrees with anybody: numbers and arrival are all
 * there is.
 */
#include <stdlib.h>

#include "media/timeline_priv.h"

#define LOOK 8			/* entries behind that vote */
#define ANCHOR 3		/* of them, for a first good one */
#define LINE_US INT64_C(150000) /* silence, jitter: not wild yet */

struct clean {
	struct timeline *tl;
	struct tl_run *r;
	int64_t usual; /* RTP ticks of a packet that does not say */
};

static const struct tl_packet *pkt(const struct clean *c, size_t i)
{
	return &c->tl->in.packets[c->r->e[i].packet];
}

static int64_t length(const struct clean *c, size_t i)
{
	int64_t ticks = pkt(c, i)->ticks;

	return ticks ? ticks * c->r->clock_hz / TL_TICKS_S : c->usual;
}

static int64_t rtp_between(const struct clean *c, size_t a, size_t b)
{
	return (int32_t)(c->r->e[b].rtp - c->r->e[a].rtp);
}

static int64_t numbers_between(const struct clean *c, size_t a, size_t b)
{
	return c->r->e[b].seq - c->r->e[a].seq;
}

static int64_t arrival_between(const struct clean *c, size_t a, size_t b)
{
	return (pkt(c, b)->t_us - pkt(c, a)->t_us) * c->r->clock_hz / 1000000;
}

/* How far b is from a when every number in between is a packet. */
static int64_t by_numbers(const struct clean *c, size_t a, size_t b)
{
	return length(c, a) + (numbers_between(c, a, b) - 1) * c->usual;
}

static bool exact(const struct clean *c, size_t a, size_t b)
{
	int64_t off = rtp_between(c, a, b) - by_numbers(c, a, b);

	return llabs(off) <= length(c, a) / 2;
}

/* May b come from the clock of a, which is before it? */
static bool agree(const struct clean *c, size_t a, size_t b)
{
	int64_t dt = rtp_between(c, a, b), want = by_numbers(c, a, b);
	int64_t line = LINE_US * c->r->clock_hz / 1000000;

	if (dt < length(c, a) / 2)
		return false;
	return (dt >= want / 2 && dt <= want + line) ||
	       llabs(dt - arrival_between(c, a, b)) <= line;
}

static size_t next_audio(const struct clean *c, size_t i)
{
	for (i++; i < c->r->n && pkt(c, i)->class == TL_EVENT; i++)
		;
	return i;
}

/* Who goes on, and who does so exactly, from the good one and from this? */
struct votes {
	unsigned asked, was, is, was_exact, is_exact;
	size_t next; /* the first that goes on from the good one */
	size_t last;
};

static struct votes ask(const struct clean *c, size_t good, size_t at)
{
	struct votes v = { .next = c->r->n, .last = at };
	size_t i = next_audio(c, at);

	for (; i < c->r->n && v.asked < LOOK; i = next_audio(c, i)) {
		v.asked++;
		v.last = i;
		v.is += agree(c, at, i);
		v.is_exact += exact(c, at, i);
		if (exact(c, good, i) && v.was_exact++ == 0)
			v.next = i;
		if (agree(c, good, i) && v.was++ == 0 && !v.was_exact)
			v.next = i;
	}
	return v;
}

/* The established clock keeps its place when votes are equal. */
static bool for_this(const struct votes *v)
{
	if (v->is_exact != v->was_exact)
		return v->is_exact > v->was_exact;
	return v->is_exact == 0 && v->is > v->was;
}

static size_t find_anchor(const struct clean *c, size_t i)
{
	unsigned need;
	struct votes v;

	for (; i < c->r->n; i = next_audio(c, i)) {
		v = ask(c, i, i);
		need = v.asked / 2 < ANCHOR ? (v.asked + 1) / 2 : ANCHOR;
		if (v.was > 0 && v.was >= need)
			return i;
	}
	return i;
}

/* Numbers first; where it came so much later that silence must lie between,
 * its arrival. */
static int64_t by_arrival(const struct clean *c, size_t a, size_t b)
{
	int64_t want = by_numbers(c, a, b), came = arrival_between(c, a, b);

	return came > want + LINE_US * c->r->clock_hz / 1000000 ? came : want;
}

/* A wild one between two good ones. False: there is no room for it, it says
 * again what another said. */
static bool put_between(struct clean *c, size_t good, size_t at, size_t next)
{
	struct tl_entry *e = c->r->e;
	int64_t room = rtp_between(c, good, next), want, most;

	if (room < by_numbers(c, good, next) * 3 / 4)
		return false;
	want = by_arrival(c, good, at);
	most = room - numbers_between(c, at, next) * c->usual;
	e[at].ts = e[good].ts + (want < most ? want : most);
	return true;
}

static void is_wild(struct clean *c, size_t i)
{
	c->r->e[i].wild = true;
	c->tl->stats.wild++;
}

/* Not so where every packet comes twice under a number of its own. */
static bool in_time(const struct clean *c, size_t a, size_t b)
{
	return arrival_between(c, a, b) >= by_numbers(c, a, b) * 3 / 4;
}

/* @return whether i is now the one to compare with */
static bool judge(struct clean *c, size_t good, size_t last, size_t i)
{
	struct tl_entry *e = c->r->e;
	struct votes v = ask(c, good, i);
	bool ok = agree(c, good, i);

	e[i].ts = e[good].ts + rtp_between(c, good, i);
	if (for_this(&v) ||
	    (ok && v.is == v.was && v.is_exact == v.was_exact)) {
		e[i].jump = rtp_between(c, good, i) < length(c, good) / 2 &&
			    in_time(c, good, v.last);
		return true;
	}
	if (v.asked == 0 && rtp_between(c, good, i) == 0 &&
	    !in_time(c, good, i))
		return true; /* the last, again */
	if (v.was > 0) {
		if (put_between(c, good, i, v.next)) {
			is_wild(c, i);
			return false;
		}
		/* It stood still. Did the others as well? */
		e[i].jump = in_time(c, good, v.last);
		return e[i].jump;
	}
	e[i].ts = e[last].ts + by_arrival(c, last, i);
	is_wild(c, i);
	return false;
}

/* Before the first good one, and when there is none. */
static void number_all(struct clean *c, size_t first, size_t end)
{
	struct tl_entry *e = c->r->e;
	size_t i, last = first;

	e[first].ts = e[first].rtp;
	for (i = first + 1; i < end; i++) {
		e[i].ts = e[last].ts;
		if (pkt(c, i)->class == TL_EVENT)
			continue;
		if (exact(c, last, i)) {
			e[i].ts += rtp_between(c, last, i);
		} else {
			e[i].ts += by_arrival(c, last, i);
			is_wild(c, i);
		}
		last = i;
	}
}

static void count_back(struct clean *c, size_t first, size_t anchor)
{
	struct tl_entry *e = c->r->e;
	size_t i;

	for (i = anchor; i-- > first;) {
		e[i].ts = e[anchor].ts - by_arrival(c, i, anchor);
		if (pkt(c, i)->class != TL_EVENT)
			is_wild(c, i);
	}
}

static void follow(struct clean *c, size_t anchor)
{
	struct tl_entry *e = c->r->e;
	size_t good = anchor, last = anchor, i;

	for (i = anchor + 1; i < c->r->n; i++) {
		e[i].ts = e[good].ts;
		if (pkt(c, i)->class == TL_EVENT)
			continue;
		if (exact(c, good, i)) {
			e[i].ts += rtp_between(c, good, i);
			good = i;
		} else if (judge(c, good, last, i)) {
			good = i;
		}
		last = i;
	}
}

void tl_clean_run(struct timeline *tl, struct tl_run *r)
{
	struct clean c = { .tl = tl, .r = r };
	size_t first, anchor, i;

	c.usual = tl_usual_ticks(tl, r) * r->clock_hz / TL_TICKS_S;
	c.usual = c.usual > 0 ? c.usual : 1;
	for (first = 0; first < r->n && pkt(&c, first)->class == TL_EVENT;
	     first++)
		;
	if (first >= r->n)
		return;
	anchor = find_anchor(&c, first);
	if (anchor >= r->n) {
		number_all(&c, first, r->n);
	} else {
		r->e[anchor].ts = r->e[anchor].rtp;
		count_back(&c, first, anchor);
		follow(&c, anchor);
	}
	for (i = 0; i < first; i++)
		r->e[i].ts = r->e[first].ts;
}
