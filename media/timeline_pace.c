/* Part of the timeline: a sender whose RTP time runs ahead of its sound.
 *
 * Between packets whose numbers go on RTP time may claim silence: more time
 * than the packets are long. Silence that was shows in the arrival as well.
 * Where RTP time claims it again and again and packets come as if there were
 * none, the clock is wrong (PCMU counted with 16000, L16 in bytes, G.722 at
 * its true rate). What was late before may catch up, though: a network that
 * stopped makes the least delay high first. So windows of packets are looked
 * at: what RTP time claims, what arrival grew by, and how much there was to
 * catch up with. In those that are wrong packets follow each other by number,
 * silence is what arrival says.
 *
 * Entries in order of seq; changes their rtp, which is not yet counted into ts.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "media/timeline_priv.h"

#define WINDOW 64 /* packets */
#define WINDOW_LONG 1024
#define STEPS 3	  /* claims of silence in a window: fewer are a jump */
#define RECENT 10 /* windows that tell the least delay */
#define AHEAD_US 100000
#define AHEAD_LONG_US 200000
#define HURRY_US 60000 /* numbers come faster than they should: catching up */
#define HURRY 4
#define CLAIM_S 60 /* longer: no silence, a wild time */
#define EDGE 8	   /* packets that tell the delay at a window's end */
#define WILD_MAX 8
#define LOOK 8 /* ... and here */
#define LOOK_FIRST 32

/* An audio packet. Times in RTP ticks. */
struct step {
	size_t entry;
	int64_t came;  /* arrival */
	int64_t sound; /* by numbers, from the first */
	int64_t claim; /* silence that RTP time told, all so far */
	uint32_t claims;
	bool wrong;
};

struct pace {
	struct timeline *tl;
	struct tl_run *r;
	struct step *s;
	size_t n;
};

static const struct tl_packet *pkt(const struct pace *p, size_t i)
{
	return &p->tl->in.packets[p->r->e[p->s[i].entry].packet];
}

static int64_t ticks(const struct pace *p, int64_t us)
{
	return us * p->r->clock_hz / 1000000;
}

static int64_t sound_step(const struct pace *p, size_t i)
{
	return p->s[i].sound - p->s[i - 1].sound;
}

/* Arrival - sound, and arrival - RTP time; both but for a constant. */
static int64_t by_sound(const struct pace *p, size_t i)
{
	return p->s[i].came - p->s[i].sound;
}

static int64_t by_rtp(const struct pace *p, size_t i)
{
	return by_sound(p, i) - p->s[i].claim;
}

/* What RTP time tells of packet i beyond the sound since the last good one. A
 * wild time tells nothing; one that stays was set, and arrival counts. */
static void read_claim(struct pace *p, size_t i, size_t *good, int64_t *sum)
{
	struct step *s = &p->s[i];
	const struct step *g = &p->s[*good];
	int64_t claim =
		(int32_t)(p->r->e[s->entry].rtp - p->r->e[g->entry].rtp) -
		(s->sound - g->sound);

	s->claim = s[-1].claim;
	s->claims = s[-1].claims;
	if (llabs(claim) > (int64_t)p->r->clock_hz * CLAIM_S) {
		if (i - *good < WILD_MAX)
			return;
		claim = by_sound(p, i) - by_sound(p, *good);
	} else if (claim > 0) {
		s->claims++;
		*sum += claim;
	}
	s->claim = g->claim + claim;
	*good = i;
}

/* @return 0, 1 when something is claimed at all, or -ENOMEM */
static int measure(struct pace *p)
{
	int64_t usual = tl_usual_ticks(p->tl, p->r), len, sum = 0;
	const struct tl_entry *e = p->r->e;
	size_t i, good = 0;
	struct step *s;

	usual = usual * p->r->clock_hz / TL_TICKS_S;
	p->s = mem_calloc(p->r->n, sizeof(*p->s));
	if (!p->s)
		return -ENOMEM;
	for (i = 0; i < p->r->n; i++) {
		if (p->tl->in.packets[e[i].packet].class == TL_EVENT)
			continue;
		s = &p->s[p->n++];
		*s = (struct step){ .entry = i };
		s->came = ticks(p, pkt(p, p->n - 1)->t_us);
		if (p->n == 1)
			continue;
		len = pkt(p, p->n - 2)->ticks;
		len = len ? len * p->r->clock_hz / TL_TICKS_S : usual;
		s->sound = s[-1].sound + len +
			   (e[i].seq - e[s[-1].entry].seq - 1) * usual;
		read_claim(p, p->n - 1, &good, &sum);
	}
	return sum > ticks(p, AHEAD_US);
}

/* The least delayed of n packets. */
static size_t fastest(const struct pace *p, size_t from, size_t n)
{
	size_t best = from;

	for (size_t i = from + 1; i < from + n; i++)
		if (by_sound(p, i) < by_sound(p, best))
			best = i;
	return best;
}

static int64_t least_by_rtp(const struct pace *p, size_t from, size_t n)
{
	int64_t best = by_rtp(p, from);

	for (size_t i = from + 1; i < from + n; i++)
		best = by_rtp(p, i) < best ? by_rtp(p, i) : best;
	return best;
}

/* Of so many packets, the sum of silence claimed; what was taken back is none.
 */
static int64_t claimed_in_all(const struct pace *p, size_t from, size_t n)
{
	int64_t sum = 0, d;

	for (size_t i = from + 1; i < from + n; i++) {
		d = p->s[i].claim - p->s[i - 1].claim;
		sum += d > 0 ? d : 0;
	}
	return sum;
}

/* Do packets a to b come much faster than they should? */
static bool hurries(const struct pace *p, size_t a, size_t b)
{
	return p->s[b].came - p->s[a].came <
	       (p->s[b].sound - p->s[a].sound) / 2;
}

/* By how much delay fell where packets hurried: a network that had stopped. */
static int64_t caught_up(const struct pace *p, size_t from, size_t to)
{
	int64_t sum = 0, fell;
	size_t i, a, b;

	for (i = from + 1; i <= to; i++) {
		a = i < HURRY ? 0 : i - HURRY;
		b = i + HURRY < p->n ? i + HURRY : p->n - 1;
		fell = by_rtp(p, i - 1) - by_rtp(p, i);
		if (fell > 0 && (hurries(p, a, i) || hurries(p, i - 1, b)))
			sum += fell;
	}
	return sum;
}

static bool runs_ahead(const struct pace *p, size_t from, size_t n,
		       int64_t before, int64_t most)
{
	const struct step *first = &p->s[from], *last = &p->s[from + n - 1];
	size_t q = n < 4 * EDGE ? n / 4 : EDGE, i, k;
	int64_t claim = last->claim - first->claim, late;

	if (last->claims - first->claims < STEPS || claim < most ||
	    claim < claimed_in_all(p, from, n) / 2)
		return false;
	i = fastest(p, from, q);
	k = fastest(p, from + n - q, q);
	late = before < by_rtp(p, i) ? by_rtp(p, i) - before : 0;
	if (by_sound(p, k) - by_sound(p, i) <= -ticks(p, HURRY_US) ||
	    by_rtp(p, i) - by_rtp(p, k) - late <= most)
		return false;
	return by_rtp(p, i) - by_rtp(p, k) - late - caught_up(p, i, k) > most;
}

/* Windows that overlap by half: what is wrong is found in one of them. */
static bool mark(struct pace *p, size_t window, int64_t most_us)
{
	size_t n = window < p->n ? window : p->n, hop = n / 2, from = 0, i, k;
	int64_t recent[RECENT], before;
	bool any = false;

	for (i = 0; i < RECENT; i++)
		recent[i] = INT64_MAX;
	for (k = 0; n >= LOOK; k++) {
		before = INT64_MAX;
		for (i = 0; i < RECENT; i++)
			before = recent[i] < before ? recent[i] : before;
		if (runs_ahead(p, from, n, before, ticks(p, most_us))) {
			any = true;
			for (i = from; i < from + n; i++)
				p->s[i].wrong = true;
		}
		recent[k % RECENT] = least_by_rtp(p, from, hop);
		if (from + n == p->n)
			break;
		from = from + hop + n > p->n ? p->n - n : from + hop;
	}
	return any;
}

/* ---- place by number and arrival ---- */

/* The least delay of packet i and some behind it, were i at time at. */
static int64_t delay_here(const struct pace *p, size_t i, int64_t at, size_t n)
{
	int64_t best = INT64_MAX, d;

	for (size_t k = i; k < p->n && k <= i + n; k++) {
		d = p->s[k].came - at - (p->s[k].sound - p->s[i].sound);
		best = d < best ? d : best;
	}
	return best;
}

static void restamp(struct pace *p)
{
	uint32_t first = p->r->e[p->s[0].entry].rtp, was = first, now;
	int64_t at = 0, base = 0, gap;
	struct tl_entry *e;
	bool in = false;
	size_t i;

	for (i = 1; i < p->n; i++) {
		e = &p->r->e[p->s[i].entry];
		now = e->rtp;
		if (!p->s[i].wrong || !p->s[i - 1].wrong) {
			at += (int32_t)(now - was);
			in = false;
		} else {
			if (!in)
				base = delay_here(p, i - 1, at, LOOK_FIRST);
			in = true;
			at += sound_step(p, i);
			gap = delay_here(p, i, at, LOOK) - base;
			at += gap > sound_step(p, i) / 2 ? gap : 0;
			p->tl->stats.ahead += (uint32_t)at != now - first;
		}
		was = now;
		e->rtp = first + (uint32_t)at;
	}
}

int tl_pace_run(struct timeline *tl, struct tl_run *r)
{
	struct pace p = { .tl = tl, .r = r };
	int e = measure(&p);

	if (e > 0) {
		e = mark(&p, WINDOW, AHEAD_US);
		e |= mark(&p, WINDOW_LONG, AHEAD_LONG_US);
		if (e)
			restamp(&p);
		r->paced = e;
	}
	mem_free(p.s);
	return e < 0 ? e : 0;
}
