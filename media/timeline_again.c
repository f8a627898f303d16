/* Part of the timeline: sequence numbers that were there before.
 *
 * A number not beyond the newest is a late packet, one that came twice, or one
 * of a sender that began anew with numbers near its old ones; only arrival and
 * what comes behind tells which. And there are senders whose number stands.
 */
#include <stdlib.h>

#include "media/timeline_priv.h"

#define AGAIN_US 800000 /* a copy comes sooner, or among newer packets */
#define AHEAD 64	/* packets of the sender that are looked at */
#define CHAIN 3		/* numbers that follow, with loss */
#define SCAN 1024	/* of all senders */
#define BACK 1100	/* entries */
#define STANDS 4
#define COPIES 3 /* late ones seen: a network that sends them */

/* Who has this number already? */
static const struct tl_entry *holder(const struct tl_run *r, int64_t seq)
{
	size_t i, n = 0;

	for (i = r->n; i-- > 0 && n < BACK; n++)
		if (r->e[i].seq == seq)
			return &r->e[i];
	return NULL;
}

/* Is the place of this number long over? Not that of one that never came. */
static bool is_over(const struct timeline *tl, const struct tl_run *r,
		    int64_t seq, int64_t t_us)
{
	const struct tl_entry *e = holder(r, seq);

	if (!e && seq > r->e[0].seq)
		return false;
	e = e ? e : &r->e[0];
	return t_us - tl->in.packets[e->packet].t_us >= AGAIN_US;
}

bool tl_begins_again(const struct timeline *tl, struct tl_run *r, size_t i,
		     int64_t seq)
{
	const struct tl_packet *p = &tl->in.packets[i], *q;
	unsigned seen = 0, over = 0, next = 0;
	int64_t at = seq, s;
	size_t k;

	if (p->class != TL_AUDIO || r->copies >= COPIES)
		return false;
	for (k = i; k < tl->in.n_packets && k < i + SCAN && seen < AHEAD; k++) {
		q = &tl->in.packets[k];
		if (q->ssrc != p->ssrc || q->clock_hz != p->clock_hz ||
		    q->class != TL_AUDIO)
			continue;
		seen++;
		s = at + (int16_t)(q->seq - (uint16_t)(at - r->stood));
		if (k > i && (s <= at || s > at + CHAIN)) {
			if (s <= r->top_seq)
				continue;
			r->copies += over > 0; /* the old ones go on */
			return false;
		}
		next += s == at + 1;
		at = s;
		if (s > r->top_seq || !is_over(tl, r, s, q->t_us))
			continue;
		over++;
	}
	return over >= 2 && next >= over / 2;
}

/* Who has this RTP time already? */
static bool has_time(const struct timeline *tl, const struct tl_run *r,
		     uint32_t ts)
{
	size_t i, n = 0;

	for (i = r->n; i-- > 0 && n < BACK; n++)
		if (tl->in.packets[r->e[i].packet].ts_rtp == ts)
			return true;
	return false;
}

/* The next few packets say the same: nobody sends copies like that. */
static bool all_stands(const struct timeline *tl, size_t i)
{
	const struct tl_packet *p = &tl->in.packets[i], *q;
	unsigned n = 1;
	size_t k;

	for (k = i + 1; k < tl->in.n_packets && k < i + SCAN && n < STANDS;
	     k++) {
		q = &tl->in.packets[k];
		if (q->ssrc != p->ssrc || q->class != TL_AUDIO)
			continue;
		if (q->seq != p->seq || q->ts_rtp != p->ts_rtp)
			return false;
		n++;
	}
	return n == STANDS;
}

bool tl_number_stands(const struct timeline *tl, const struct tl_run *r,
		      size_t i)
{
	const struct tl_packet *p = &tl->in.packets[i];
	const struct tl_entry *e = holder(r, r->top_seq);
	const struct tl_packet *q = e ? &tl->in.packets[e->packet] : NULL;
	int32_t dt = q ? (int32_t)(p->ts_rtp - q->ts_rtp) : 0;
	int64_t len;

	if (!q || p->class != TL_AUDIO || q->class != TL_AUDIO)
		return false;
	if (dt > 0)
		return true;
	if (dt < 0)
		return r->stood > 0 && !has_time(tl, r, p->ts_rtp);
	len = q->ticks ? q->ticks : TL_TICKS_S / 50;
	return all_stands(tl, i) ||
	       (r->stood > 0 &&
		p->t_us - q->t_us >= len * 3 / 4 * 1000 / (TL_TICKS_S / 1000));
}
