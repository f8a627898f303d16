/* Blocks are numbered by the packet that carried them first: a redundant block
 * k places before the primary is that of packet seq - k (RFC 4103 section
 * 4.2). Sorted by run and number, the first of equal ones counts: the primary
 * if it came, else the copy that came first.
 */
#include "media/t140.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/mem.h"

#define GENERATIONS_MAX 16
#define JUMP 3000 /* a number so far away: the sender began anew */
#define STYLE_MAX                                                              \
	255 /* characters of a control string that is never closed             \
	     */

struct block {
	int64_t t_us;
	int64_t number;
	uint32_t order; /* of arrival */
	uint32_t at, len;
	uint16_t run;
	bool copy; /* not the primary */
	bool resumed;
};

struct run {
	uint32_t ssrc;
	int64_t newest;
};

struct t140 {
	struct block *blocks;
	size_t n, cap;
	uint8_t *bytes;
	size_t n_bytes, cap_bytes;
	struct run runs[T140_RUNS_MAX];
	unsigned n_runs;
	struct t140_stats stats;
	struct t140_char *chars;
	size_t n_chars, cap_chars;
	/* of the text that is being put together */
	int64_t now_us;
	uint32_t code, least; /* a started UTF-8 sequence */
	unsigned more;
	enum { PLAIN, AFTER_CR, ESCAPE, STYLE, STRING } state;
	unsigned skipped;
};

int t140_create(struct t140 **ret_t)
{
	struct t140 *t = mem_zalloc(sizeof(*t));

	if (!t)
		return -ENOMEM;
	*ret_t = t;
	return 0;
}

void t140_destroy(struct t140 **tp)
{
	struct t140 *t = *tp;

	if (!t)
		return;
	*tp = NULL;
	mem_free(t->blocks);
	mem_free(t->bytes);
	mem_free(t->chars);
	mem_free(t);
}

static int reserve(void **p, size_t *cap, size_t need, size_t size)
{
	size_t n = *cap ? *cap : 64;
	void *q;

	if (need <= *cap)
		return 0;
	while (n < need)
		n *= 2;
	q = mem_realloc(*p, n * size);
	if (!q)
		return -ENOMEM;
	*p = q;
	*cap = n;
	return 0;
}

/* ---- packets ---- */

static struct run *find_run(struct t140 *t, uint32_t ssrc)
{
	unsigned i;

	for (i = t->n_runs; i > 0; i--)
		if (t->runs[i - 1].ssrc == ssrc)
			return &t->runs[i - 1];
	return NULL;
}

/* @return NULL: too many runs */
static struct run *number_packet(struct t140 *t, const struct t140_packet *p,
				 int64_t *ret_number)
{
	struct run *run = find_run(t, p->ssrc);
	int delta;

	if (run) {
		delta = (int16_t)(uint16_t)(p->seq - (uint16_t)run->newest);
		*ret_number = run->newest + delta;
		if (delta > 0 && delta < JUMP)
			run->newest = *ret_number;
		if (delta > -JUMP && delta < JUMP)
			return run;
	}
	if (t->n_runs == T140_RUNS_MAX)
		return NULL;
	run = &t->runs[t->n_runs++];
	/* far from 0, so that copies of earlier ones have numbers too */
	*run = (struct run){ p->ssrc, INT64_C(0x10000) + p->seq };
	*ret_number = run->newest;
	return run;
}

static int add_block(struct t140 *t, const struct block *like,
		     const uint8_t *data, size_t len)
{
	struct block *b;
	int r;

	if (t->n == T140_BLOCKS_MAX || t->n_bytes + len > T140_TEXT_MAX)
		return -ENOBUFS;
	r = reserve((void **)&t->blocks, &t->cap, t->n + 1, sizeof(*t->blocks));
	if (r == 0)
		r = reserve((void **)&t->bytes, &t->cap_bytes, t->n_bytes + len,
			    1);
	if (r < 0)
		return r;
	b = &t->blocks[t->n];
	*b = *like;
	b->order = (uint32_t)t->n++;
	b->at = (uint32_t)t->n_bytes;
	b->len = (uint32_t)len;
	if (len)
		memcpy(t->bytes + t->n_bytes, data, len);
	t->n_bytes += len;
	return 0;
}

/* One block of an RFC 2198 payload; the last is the primary. */
struct part {
	uint32_t offset; /* of its RTP time, back from the packet's */
	uint16_t len;
	const uint8_t *data;
};

/* @return how many parts, or -EBADMSG */
static int split_red(const uint8_t *payload, size_t len, struct part *parts)
{
	struct cursor c;
	uint32_t v;
	uint8_t head;
	int n = 0, i;

	if (len > UINT16_MAX)
		return -EBADMSG;
	cur_init(&c, payload, len);
	for (;;) {
		if (!cur_u8(&c, &head) || n == GENERATIONS_MAX)
			return -EBADMSG;
		if (!(head & 0x80))
			break;
		if (!cur_be24(&c, &v))
			return -EBADMSG;
		parts[n].offset = v >> 10;
		parts[n++].len = v & 0x3ff;
	}
	for (i = 0; i < n; i++)
		if (!cur_take(&c, parts[i].len, &parts[i].data))
			return -EBADMSG;
	parts[n].offset = 0;
	parts[n].len = (uint16_t)cur_left(&c);
	(void)cur_take(&c, parts[n].len, &parts[n].data); /* the rest */
	return n + 1;
}

void t140_red_blank(uint8_t *payload, size_t len, uint32_t max_offset,
		    unsigned max_back)
{
	struct part parts[GENERATIONS_MAX + 1];
	int n = split_red(payload, len, parts), i;

	if (n < 0 && len)
		memset(payload, 0, len);
	for (i = 0; i < n - 1; i++)
		if (parts[i].len && (parts[i].offset > max_offset ||
				     (unsigned)(n - 1 - i) > max_back))
			memset(payload + (parts[i].data - payload), 0,
			       parts[i].len);
}

static int put_parts(struct t140 *t, const struct t140_packet *p,
		     const struct part *parts, int n)
{
	struct block b;
	int64_t number;
	struct run *run = number_packet(t, p, &number);
	int i, r = run ? 0 : -ENOBUFS;

	for (i = n - 1; i >= 0 && r == 0; i--) {
		b = (struct block){
			.number = number - (n - 1 - i),
			.run = (uint16_t)(run - t->runs),
			.copy = i < n - 1,
			.resumed = p->resumed,
			.t_us = p->t_us - (int64_t)parts[i].offset * 1000000 /
						  p->clock_hz,
		};
		r = add_block(t, &b, parts[i].data, parts[i].len);
	}
	if (r == -ENOBUFS)
		t->stats.left_out++;
	return r;
}

int t140_put(struct t140 *t, const struct t140_packet *p)
{
	struct part parts[GENERATIONS_MAX + 1];
	int n = 1;

	t->stats.packets++;
	parts[0] = (struct part){ 0, (uint16_t)p->len, p->payload };
	if (p->red)
		n = split_red(p->payload, p->len, parts);
	else if (p->len > UINT16_MAX)
		n = -EBADMSG;
	if (n < 0) {
		t->stats.broken++;
		return n;
	}
	return put_parts(t, p, parts, n);
}

/* ---- text ---- */

static int add_char(struct t140 *t, uint32_t code)
{
	int r;

	r = reserve((void **)&t->chars, &t->cap_chars, t->n_chars + 1,
		    sizeof(*t->chars));
	if (r < 0)
		return r;
	t->chars[t->n_chars++] = (struct t140_char){ t->now_us, code };
	return 0;
}

static int plain_char(struct t140 *t, uint32_t code)
{
	bool after_cr = t->state == AFTER_CR;

	t->state = PLAIN;
	switch (code) {
	case '\n':
		return after_cr ? 0 : add_char(t, '\n');
	case '\r':
		t->state = AFTER_CR;
		return add_char(t, '\n');
	case 0x2028:
	case 0x2029:
	case 0x85:
		return add_char(t, '\n');
	case '\b':
		t->n_chars -= t->n_chars > 0;
		return 0;
	case '\t':
		return add_char(t, ' ');
	case 0x1b:
		t->state = ESCAPE;
		return 0;
	case 0x98: /* SOS ... ST */
		t->state = STRING;
		t->skipped = 0;
		return 0;
	case 0x9b: /* CSI: SGR ends with "m" */
		t->state = STYLE;
		t->skipped = 0;
		return 0;
	case 0xfeff:
		return 0;
	default:
		break;
	}
	if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		return 0; /* alerts and the like */
	return add_char(t, code);
}

static int take_char(struct t140 *t, uint32_t code)
{
	switch (t->state) {
	case PLAIN:
	case AFTER_CR:
		return plain_char(t, code);
	case ESCAPE: /* INT is ESC "a"; "[" begins a style as CSI does */
		t->state = code == '[' ? STYLE : PLAIN;
		t->skipped = 0;
		return 0;
	case STYLE:
		if ((code >= 0x40 && code < 0x7f) || ++t->skipped > STYLE_MAX)
			t->state = PLAIN;
		return 0;
	case STRING:
		if (code == 0x9c || ++t->skipped > STYLE_MAX)
			t->state = PLAIN;
		return 0;
	}
	return 0;
}

static int end_sequence(struct t140 *t)
{
	if (!t->more)
		return 0;
	t->more = 0;
	return take_char(t, T140_LOST);
}

static int first_byte(struct t140 *t, uint8_t b)
{
	static const struct {
		uint8_t mask, bits, more;
		uint32_t least;
	} forms[] = { { 0xe0, 0xc0, 1, 0x80 },
		      { 0xf0, 0xe0, 2, 0x800 },
		      { 0xf8, 0xf0, 3, 0x10000 } };
	size_t i;

	if (b < 0x80)
		return take_char(t, b);
	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		if ((b & forms[i].mask) != forms[i].bits)
			continue;
		t->code = b & (uint8_t)~forms[i].mask;
		t->more = forms[i].more;
		t->least = forms[i].least;
		return 0;
	}
	return take_char(t, T140_LOST);
}

static int take_byte(struct t140 *t, uint8_t b)
{
	int r;

	if (t->more && (b & 0xc0) == 0x80) {
		t->code = t->code << 6 | (b & 0x3f);
		if (--t->more)
			return 0;
		if (t->code < t->least || t->code > 0x10ffff ||
		    (t->code >= 0xd800 && t->code < 0xe000))
			t->code = T140_LOST;
		return take_char(t, t->code);
	}
	r = end_sequence(t);
	return r < 0 ? r : first_byte(t, b);
}

static int take_block(struct t140 *t, const struct block *b)
{
	uint32_t i;
	int r = 0;

	if (b->t_us > t->now_us)
		t->now_us = b->t_us;
	for (i = 0; i < b->len && r == 0; i++)
		r = take_byte(t, t->bytes[b->at + i]);
	return r;
}

/* A half character, a style or a string does not go on behind a gap. */
static int take_gap(struct t140 *t, const struct block *b,
		    const struct block *last)
{
	t->more = 0;
	t->state = PLAIN;
	if (b->resumed)
		return 0;
	t->stats.lost += (uint64_t)(b->number - last->number - 1);
	if (b->t_us > t->now_us)
		t->now_us = b->t_us;
	return add_char(t, T140_LOST);
}

static int by_place(const void *a, const void *b)
{
	const struct block *x = a, *y = b;

	if (x->run != y->run)
		return x->run < y->run ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	if (x->copy != y->copy)
		return x->copy ? 1 : -1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static int take_next(struct t140 *t, const struct block *b,
		     const struct block *last)
{
	int r = 0;

	if (last && last->run == b->run) {
		if (last->number == b->number)
			return 0; /* the same again */
		if (b->number - last->number > 1)
			r = take_gap(t, b, last);
	} else if (last) {
		r = end_sequence(t);
		t->state = PLAIN;
	}
	t->stats.recovered += b->copy && b->len;
	return r < 0 ? r : take_block(t, b);
}

int t140_finish(struct t140 *t)
{
	size_t i;
	int r;

	if (t->n)
		qsort(t->blocks, t->n, sizeof(*t->blocks), by_place);
	t->now_us = INT64_MIN;
	for (i = 0; i < t->n; i++) {
		r = take_next(t, &t->blocks[i], i ? &t->blocks[i - 1] : NULL);
		if (r < 0)
			return r;
	}
	return end_sequence(t);
}

const struct t140_char *t140_chars(const struct t140 *t, size_t *ret_n)
{
	*ret_n = t->n_chars;
	return t->chars;
}

const struct t140_stats *t140_stats(const struct t140 *t)
{
	return &t->stats;
}
