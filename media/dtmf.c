#include "media/dtmf.h"

#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "base/mem.h"

#define LOOK_BACK 16 /* keys that late packets may still belong to */
#define SEGMENT_MAX 0xffff

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
	return k->ssrc == p->ssrc && k->clock_hz == p->clock_hz &&
	       k->digit == r->digit;
}

/* Behind a full segment the next one begins where it ended. */
static bool goes_on(const struct dtmf_key *k, const struct report *r)
{
	return !k->ended && r->ts - k->ts == SEGMENT_MAX;
}

static struct dtmf_key *find(struct dtmf *d, const struct dtmf_packet *p,
			     const struct report *r)
{
	struct dtmf_key *k;
	size_t i;

	for (i = d->n; i > 0 && d->n - i < LOOK_BACK; i--) {
		k = &d->keys[i - 1];
		if (!same_key(k, p, r))
			continue;
		if (goes_on(k, r))
			return k;
		if ((int32_t)(r->ts - k->first_ts) >= 0 &&
		    (int32_t)(k->ts - r->ts) >= 0)
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
				.clock_hz = p->clock_hz };
	*ret_key = q;
	return 0;
}

/* The start is what the least delayed packet says. */
static void learn(struct dtmf_key *k, const struct dtmf_packet *p,
		  const struct report *r, uint64_t later)
{
	int64_t start;

	if (r->ts != k->ts && goes_on(k, r)) {
		k->before += SEGMENT_MAX;
		k->ts = r->ts;
		k->ticks = 0;
	}
	if (r->ts != k->ts)
		return; /* of a segment that is over */
	if (r->ticks > k->ticks)
		k->ticks = r->ticks;
	k->ended |= r->end;
	k->duration_us = ticks_us(k->before + k->ticks, k->clock_hz);
	start = p->t_us - ticks_us(k->before + r->ticks + later, k->clock_hz);
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
