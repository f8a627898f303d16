#include "media/dtmf.h"

#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "base/mem.h"

#define LOOK_BACK 16 /* keys that late packets may still belong to */
#define SEGMENT_MAX 0xffff
#define SEGMENT_FULL 0xf000 /* an update later it is */
#define TOUCH 3		    /* two packets in between may be lost */
#define COPIES_MS 100	    /* of an end come that long after it */
#define ANEW_MAX 1000	    /* numbers */

static const char digits[] = "0123456789*#ABCD!";

char dtmf_digit(uint8_t event)
{
	return event < sizeof(digits) - 1 ? digits[event] : 0;
}

int dtmf_event(char digit)
{
	const char *p;

	if (digit >= 'a' && digit <= 'd')
		digit = (char)(digit - 'a' + 'A');
	p = digit ? strchr(digits, digit) : NULL;
	return p ? (int)(p - digits) : -1;
}

void dtmf_fini(struct dtmf *d)
{
	mem_free(d->keys);
	*d = (struct dtmf){ 0 };
}

static int64_t ticks_us(uint64_t ticks, uint32_t clock_hz)
{
	return (int64_t)(ticks * 1000000 / clock_hz);
}

/* One event as a packet tells it. */
struct report {
	char digit;
	bool end;
	uint16_t ticks;
	uint32_t ts;
};

static bool same_key(const struct dtmf_key *k, const struct dtmf_packet *p,
		     const struct report *r)
{
	return k->ssrc == p->ssrc && k->digit == r->digit;
}

/* Behind a full segment the next one begins where it ended; some senders fill
 * it not quite, or count on from there. */
static bool goes_on(const struct dtmf_key *k, const struct report *r)
{
	int32_t d = (int32_t)(r->ts - k->ts);

	if (k->ended || d <= 0)
		return false;
	if (d == SEGMENT_MAX)
		return true;
	return k->ticks >= SEGMENT_FULL && d >= k->ticks &&
	       d - k->ticks <= SEGMENT_MAX - SEGMENT_FULL;
}

/* The same RTP time is the same event, but for a sender whose RTP time stands
 * still: after an end, a later number that has not ended is pressed anew. */
static bool same_time(const struct dtmf_key *k, const struct dtmf_packet *p,
		      const struct report *r)
{
	int ahead = (int16_t)(p->seq - k->seq);

	if (k->clock_hz != p->clock_hz)
		return false;
	if (goes_on(k, r))
		return true;
	if (k->ended && !r->end && ahead > 0 && ahead < ANEW_MAX)
		return false;
	return (int32_t)(r->ts - k->first_ts) >= 0 &&
	       (int32_t)(k->ts - r->ts) >= 0;
}

/* Time since a packet of the key, in ticks of this one: by RTP time, or by
 * arrival where that is of another clock. */
static int64_t since(const struct dtmf_key *k, uint32_t ts, int64_t t_us,
		     const struct dtmf_packet *p, const struct report *r)
{
	if (k->clock_hz == p->clock_hz)
		return (int32_t)(r->ts - ts);
	return (p->t_us - t_us) * p->clock_hz / 1000000;
}

/* An overtaken packet: of those between, or before, what is known of it. */
static bool was_before(const struct dtmf_key *k, const struct dtmf_packet *p,
		       const struct report *r)
{
	int before = (int16_t)(k->first_seq - p->seq);

	return before < 0 ||
	       (before <= TOUCH && !r->end && r->ticks <= k->ticks &&
		-since(k, k->first_ts, k->last_us, p, r) <= k->ticks);
}

/* Senders that count RTP time on while a key is held, in its updates or in the
 * copies of its end, or tell it with two payload types. Numbers that touch are
 * one key if it was, by what this packet says, held when the newest one of the
 * key was sent; without an end also what begins exactly where that ended. */
static bool same_press(const struct dtmf_key *k, const struct dtmf_packet *p,
		       const struct report *r)
{
	int ahead = (int16_t)(p->seq - k->seq);
	int64_t had = (int64_t)k->ticks * p->clock_hz / k->clock_hz;
	int64_t copies = (int64_t)p->clock_hz / 1000 * COPIES_MS, gone, ended;

	if (ahead < 0)
		return was_before(k, p, r);
	gone = since(k, k->ts, k->last_us, p, r);
	if (ahead == 0 || ahead > TOUCH || gone < 0)
		return false;
	if (!k->ended)
		return (r->ticks >= had && gone <= r->ticks) ||
		       (gone == k->ticks && k->clock_hz == p->clock_hz);
	ended = since(k, k->end_ts, k->end_us, p, r);
	return r->end && r->ticks >= had && gone <= r->ticks &&
	       ended <= (r->ticks > copies ? r->ticks : copies);
}

static struct dtmf_key *find(struct dtmf *d, const struct dtmf_packet *p,
			     const struct report *r)
{
	struct dtmf_key *k;
	size_t i;

	for (i = d->n; i > 0 && d->n - i < LOOK_BACK; i--) {
		k = &d->keys[i - 1];
		if (same_key(k, p, r) && same_time(k, p, r))
			return k;
	}
	for (i = d->n; i > 0 && d->n - i < LOOK_BACK; i--) {
		k = &d->keys[i - 1];
		if (same_key(k, p, r) && same_press(k, p, r))
			return k;
	}
	return NULL;
}

static int add(struct dtmf *d, const struct dtmf_packet *p,
	       const struct report *r, struct dtmf_key **ret_key)
{
	struct dtmf_key *q;

	*ret_key = NULL;
	if (d->n == DTMF_KEYS_MAX) {
		d->left_out += r->end; /* about once a key */
		return 0;
	}
	if (d->n == d->cap) {
		q = mem_realloc(d->keys,
				(d->cap ? d->cap * 2 : 16) * sizeof(*q));
		if (!q)
			return -ENOMEM;
		d->keys = q;
		d->cap = d->cap ? d->cap * 2 : 16;
	}
	q = &d->keys[d->n++];
	*q = (struct dtmf_key){ .start_us = INT64_MAX,
				.digit = r->digit,
				.ssrc = p->ssrc,
				.first_ts = r->ts,
				.ts = r->ts,
				.clock_hz = p->clock_hz,
				.first_seq = p->seq,
				.seq = p->seq,
				.last_us = p->t_us };
	*ret_key = q;
	return 0;
}

/* A packet with another RTP time than the newest of its key. */
static void other_time(struct dtmf_key *k, const struct report *r)
{
	int32_t gone = (int32_t)(r->ts - k->ts);

	if (gone <= 0)
		return;
	/* a new segment, or only another time of sending? */
	if (goes_on(k, r) ||
	    (!k->ended && gone == k->ticks && r->ticks <= k->ticks)) {
		k->before += (uint32_t)gone;
		k->ticks = 0;
	}
	k->ts = r->ts;
}

/* The start is what the least delayed packet says. */
static void learn(struct dtmf_key *k, const struct dtmf_packet *p,
		  const struct report *r, uint64_t later)
{
	bool newer = (int16_t)(p->seq - k->seq) > 0;
	uint32_t ticks = r->ticks;
	int64_t start;

	if (p->clock_hz != k->clock_hz)
		ticks = (uint32_t)((uint64_t)ticks * k->clock_hz / p->clock_hz);
	else if (r->ts != k->ts)
		other_time(k, r);
	if ((int16_t)(k->first_seq - p->seq) > 0) {
		k->first_seq = p->seq;
		if (p->clock_hz == k->clock_hz &&
		    (int32_t)(k->first_ts - r->ts) > 0)
			k->first_ts = r->ts;
	}
	if (newer) {
		k->seq = p->seq;
		k->last_us = p->t_us;
	}
	if (p->clock_hz == k->clock_hz && r->ts != k->ts)
		return; /* of a segment that is over */
	if (newer && !k->ended && k->ticks >= SEGMENT_FULL &&
	    ticks <= SEGMENT_MAX - SEGMENT_FULL) {
		k->before += SEGMENT_MAX + 1; /* the 16 bits wrapped */
		k->ticks = 0;
	}
	if (ticks > k->ticks)
		k->ticks = ticks > SEGMENT_MAX ? SEGMENT_MAX : (uint16_t)ticks;
	if (r->end && !k->ended) {
		k->ended = true;
		k->end_ts = k->ts;
		k->end_us = p->t_us;
	}
	k->duration_us = ticks_us(k->before + k->ticks, k->clock_hz);
	start = p->t_us - ticks_us(k->before + ticks + later, k->clock_hz);
	if (start < k->start_us)
		k->start_us = start;
}

static int take(struct dtmf *d, const struct dtmf_packet *p,
		const struct report *r, uint64_t later)
{
	struct dtmf_key *k = find(d, p, r);
	int e;

	if (!k) {
		e = add(d, p, r, &k);
		if (e < 0 || !k)
			return e;
	}
	learn(k, p, r, later);
	return 0;
}

/* Several events in one packet follow one another (2.3.5, 2.5.1.5): their
 * times are sums of durations. */
int dtmf_put(struct dtmf *d, const struct dtmf_packet *p)
{
	uint8_t event, flags;
	struct report r;
	uint64_t all = 0, at = 0;
	size_t i;
	struct cursor c;
	int e;

	if (p->len == 0 || p->len % 4) {
		d->broken++;
		return -EBADMSG;
	}
	for (i = 0; i < p->len; i += 4)
		all += (uint64_t)p->payload[i + 2] << 8 | p->payload[i + 3];
	cur_init(&c, p->payload, p->len);
	while (cur_u8(&c, &event) && cur_u8(&c, &flags) &&
	       cur_be16(&c, &r.ticks)) {
		r.digit = dtmf_digit(event);
		r.end = flags >> 7;
		r.ts = p->ts_rtp + (uint32_t)at;
		at += r.ticks;
		if (!r.digit)
			continue;
		e = take(d, p, &r, all - at);
		if (e < 0)
			return e;
	}
	return 0;
}
