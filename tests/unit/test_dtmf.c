/* test_dtmf.c - facts about media/dtmf.h. */
#include "media/dtmf.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

static int put(struct dtmf *d, int64_t t_ms, uint32_t ts, uint8_t event,
	       bool end, uint16_t ticks)
{
	const uint8_t p[4] = { event, (uint8_t)((end ? 0x80 : 0) | 10),
			       (uint8_t)(ticks >> 8), (uint8_t)ticks };
	const struct dtmf_packet dp = { .t_us = t_ms * 1000,
					.ssrc = 7,
					.ts_rtp = ts,
					.clock_hz = 8000,
					.payload = p,
					.len = 4 };

	return dtmf_put(d, &dp);
}

/* 160 ms, its end three times */
static void press(struct dtmf *d, int64_t t_ms, uint32_t ts, uint8_t event)
{
	for (unsigned i = 1; i <= 8; i++)
		put(d, t_ms + 20 * i, ts, event, i == 8, (uint16_t)(160 * i));
	put(d, t_ms + 160, ts, event, true, 1280);
	put(d, t_ms + 160, ts, event, true, 1280);
}

static void dtmf_counts_a_key_once(void **state)
{
	struct dtmf d = { 0 };

	(void)state;
	press(&d, 1000, 5000, 5);
	assert_int_equal(d.n, 1);
	assert_int_equal(d.keys[0].digit, '5');
	assert_int_equal(d.keys[0].start_us, 1000000);
	assert_int_equal(d.keys[0].duration_us, 160000);
	assert_true(d.keys[0].ended);
	/* a copy that comes after the next key has begun */
	press(&d, 1240, 6920, 11);
	put(&d, 1500, 5000, 5, true, 1280);
	assert_int_equal(d.n, 2);
	assert_int_equal(d.keys[1].digit, '#');
	assert_int_equal(d.keys[0].start_us, 1000000);
	dtmf_fini(&d);
}

static void dtmf_same_key_twice_is_two(void **state)
{
	struct dtmf d = { 0 };

	(void)state;
	press(&d, 0, UINT32_MAX - 100, 1); /* RTP time wraps */
	press(&d, 240, UINT32_MAX - 100 + 1920, 1);
	assert_int_equal(d.n, 2);
	assert_int_equal(d.keys[1].start_us, 240000);
	dtmf_fini(&d);
}

static void dtmf_key_without_its_end_counts(void **state)
{
	struct dtmf d = { 0 };

	(void)state;
	put(&d, 60, 0, 3, false, 480); /* the first two are lost, the end too */
	assert_int_equal(d.n, 1);
	assert_int_equal(d.keys[0].start_us, 0);
	assert_int_equal(d.keys[0].duration_us, 60000);
	assert_false(d.keys[0].ended);
	press(&d, 240, 1920, 3);
	assert_int_equal(d.n, 2);
	dtmf_fini(&d);
}

static void dtmf_long_key_is_one(void **state)
{
	struct dtmf d = { 0 };

	(void)state;
	put(&d, 20, 100, 9, false, 160);
	put(&d, 8192, 100, 9, false, 0xffff);
	put(&d, 8212, 100 + 0xffff, 9, false, 160);
	put(&d, 8192, 100, 9, false, 0xffff); /* late */
	put(&d, 9192, 100 + 0xffff, 9, true, 8000);
	assert_int_equal(d.n, 1);
	assert_int_equal(d.keys[0].duration_us, (0xffff + 8000) * 125LL);
	assert_true(d.keys[0].start_us >= 0 && d.keys[0].start_us < 1000);
	dtmf_fini(&d);
}

static void dtmf_reads_several_in_a_packet(void **state)
{
	static const uint8_t p[8] = {
		1, 0x8a, 0x03, 0x20, 2, 0x0a, 0x01, 0x90
	};
	struct dtmf_packet dp = { .t_us = 150000,
				  .ts_rtp = 1000,
				  .clock_hz = 8000,
				  .payload = p,
				  .len = 8 };
	struct dtmf d = { 0 };

	(void)state;
	assert_int_equal(dtmf_put(&d, &dp), 0);
	assert_int_equal(d.n, 2);
	assert_int_equal(d.keys[0].start_us, 0);
	assert_int_equal(d.keys[0].duration_us, 100000);
	assert_int_equal(d.keys[1].start_us, 100000);
	assert_int_equal(d.keys[1].duration_us, 50000);
	dp.len = 7;
	assert_int_equal(dtmf_put(&d, &dp), -EBADMSG);
	assert_int_equal(d.broken, 1);
	dtmf_fini(&d);
}

static void dtmf_lists_keys_only_and_not_without_end(void **state)
{
	struct dtmf d = { 0 };

	(void)state;
	press(&d, 0, 0, 36); /* a fax's calling tone */
	assert_int_equal(d.n, 0);
	for (unsigned i = 0; i < DTMF_KEYS_MAX + 5; i++)
		put(&d, i * 100, i * 800, (uint8_t)(i % 17), true, 400);
	assert_int_equal(d.n, DTMF_KEYS_MAX);
	assert_int_equal(d.left_out, 5);
	dtmf_fini(&d);
}

/* A key as senders tell it. RTP time of a packet is that of the press plus
 * step for each packet before it, and end_step for each copy of the end. */
struct habit {
	const char *name;
	unsigned updates; /* before the end */
	unsigned ends;	  /* 0: never comes */
	uint16_t first;	  /* ticks of the first update */
	uint16_t grow;	  /* of each after it */
	uint16_t step, end_step, end_grow;
	unsigned lost;	  /* one in so many never comes */
	unsigned swapped; /* one in so many changes places with the next */
	bool twice;	  /* with a second payload type of 48000 */
	bool no_number;	  /* sequence numbers stand still */
};

static const struct habit habits[] = {
	{ "as in the book", 8, 3, 160, 160, 0, 0, 0, 0, 0, 0, 0 },
	{ "begins with no duration", 8, 3, 0, 160, 0, 0, 0, 0, 0, 0, 0 },
	{ "time of every packet", 12, 3, 160, 160, 160, 160, 0, 0, 0, 0, 0 },
	{ "time of updates", 12, 3, 160, 160, 160, 0, 0, 0, 0, 0, 0 },
	{ "time of updates, first 0", 12, 3, 0, 160, 160, 160, 0, 0, 0, 0, 0 },
	{ "time of ends", 8, 3, 160, 160, 0, 160, 0, 0, 0, 0, 0 },
	{ "time and duration of ends", 8, 3, 160, 160, 0, 160, 160, 0, 0, 0,
	  0 },
	{ "ends tell when it ended", 8, 1, 160, 160, 0, 1280, 0, 0, 0, 0, 0 },
	{ "never ends", 8, 0, 160, 160, 0, 0, 0, 0, 0, 0, 0 },
	{ "never ends, time of updates", 8, 0, 160, 160, 160, 0, 0, 0, 0, 0,
	  0 },
	{ "duration stands", 8, 3, 800, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ "duration stands, time of every packet", 8, 3, 800, 0, 160, 160, 0, 0,
	  0, 0, 0 },
	{ "a segment each", 8, 3, 160, 0, 160, 160, 0, 0, 0, 0, 0 },
	{ "50 ms apart", 5, 3, 400, 400, 400, 400, 0, 0, 0, 0, 0 },
	{ "only ends", 0, 3, 800, 0, 0, 160, 0, 0, 0, 0, 0 },
	{ "time of every packet, loss", 14, 3, 160, 160, 160, 160, 0, 4, 0, 0,
	  0 },
	{ "time of every packet, disorder", 14, 3, 160, 160, 160, 160, 0, 0, 5,
	  0, 0 },
	{ "two payload types", 8, 3, 160, 160, 0, 0, 0, 0, 0, 1, 0 },
	{ "two payload types, time of every packet", 8, 3, 160, 160, 160, 160,
	  0, 0, 0, 1, 0 },
	{ "numbers stand", 8, 3, 160, 160, 0, 0, 0, 0, 0, 0, 1 },
};

static struct dtmf_packet sent[128];
static uint8_t sent_data[128][4];

static size_t send_one(size_t n, const struct habit *h, uint16_t *seq,
		       int64_t t_us, uint32_t ts, uint8_t key, bool end,
		       uint32_t ticks, uint32_t clock_hz)
{
	uint32_t by = clock_hz / 8000;
	const uint8_t p[4] = { key, end ? 0x8a : 0x0a,
			       (uint8_t)(ticks * by >> 8),
			       (uint8_t)(ticks * by) };

	memcpy(sent_data[n], p, 4);
	sent[n] = (struct dtmf_packet){ .t_us = t_us,
					.ssrc = 7,
					.ts_rtp = ts * by,
					.clock_hz = clock_hz,
					.seq = *seq,
					.payload = sent_data[n],
					.len = 4 };
	*seq = (uint16_t)(*seq + !h->no_number);
	return n + 1;
}

static size_t send_key(size_t n, const struct habit *h, uint16_t *seq,
		       int64_t *t_us, uint32_t *ts, uint8_t key)
{
	uint32_t at = *ts, ticks = h->first, gap = h->grow ? h->grow : 160;
	unsigned i;

	for (i = 0; i < h->updates + h->ends; i++) {
		bool end = i >= h->updates;

		if (i > 0 && i < h->updates)
			at += h->step;
		else if (i > 0)
			at += h->end_step;
		if (i > 0)
			ticks += i <= h->updates ? h->grow : h->end_grow;
		if (!h->lost || i % h->lost != h->lost - 1)
			n = send_one(n, h, seq, *t_us, at, key, end, ticks,
				     8000);
		else
			++*seq;
		if (h->twice)
			n = send_one(n, h, seq, *t_us, at, key, end, ticks,
				     48000);
		*t_us += gap * 125;
		*ts += gap;
	}
	return n;
}

/* Two keys 60 ms apart, the same or not, are two for every sender. */
static void dtmf_knows_senders_habits(void **state)
{
	static const uint32_t times[] = { 1000, UINT32_MAX - 900 };
	unsigned bad = 0;

	(void)state;
	for (size_t k = 0; k < 4 * ARRAY_SIZE(habits); k++) {
		const struct habit *h = &habits[k / 4];
		uint32_t ts = times[k % 2];
		uint16_t seq = 65530;
		int64_t t_us = 1000000;
		struct dtmf d = { 0 };
		size_t n, i;

		n = send_key(0, h, &seq, &t_us, &ts, 5);
		t_us += 60000;
		ts += 480;
		n = send_key(n, h, &seq, &t_us, &ts, k % 4 < 2 ? 5 : 6);
		for (i = 2; h->swapped && i + 1 < n; i += h->swapped) {
			struct dtmf_packet p = sent[i];

			sent[i] = sent[i + 1];
			sent[i + 1] = p;
		}
		for (i = 0; i < n; i++)
			assert_int_equal(dtmf_put(&d, &sent[i]), 0);
		if (d.n != 2 || d.keys[1].digit != (k % 4 < 2 ? '5' : '6') ||
		    d.keys[0].start_us > 1000000 ||
		    d.keys[0].duration_us < 100000 ||
		    d.keys[0].duration_us > 400000) {
			print_message("%s: %zu keys, %lld us at %lld\n",
				      h->name, d.n,
				      (long long)d.keys[0].duration_us,
				      (long long)d.keys[0].start_us);
			bad++;
		}
		dtmf_fini(&d);
	}
	assert_int_equal(bad, 0);
}

/* 20 s, by senders that fill a segment, nearly fill it, let the duration
 * wrap or count RTP time on. */
static void dtmf_long_key_is_one_for_all(void **state)
{
	static const uint32_t full[] = { 0xffff, 65440, 0, 1 };
	uint32_t ts, before;

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(full); k++) {
		struct dtmf d = { 0 };

		ts = 5000;
		before = 0;
		for (uint32_t i = 1; i <= 1000; i++) {
			uint32_t ticks = i * 160 - before;
			uint8_t p[4] = { 9, i == 1000 ? 0x8a : 0x0a };
			struct dtmf_packet dp = { .t_us = i * 20000,
						  .ssrc = 1,
						  .clock_hz = 8000,
						  .seq = (uint16_t)i,
						  .payload = p,
						  .len = 4 };

			if (full[k] > 1 && ticks > full[k]) {
				before += full[k];
				ts += full[k];
				ticks -= full[k];
			}
			if (full[k] == 1) {
				ts += 160;
				ticks = ticks < 0xffff ? ticks : 0xffff;
			}
			p[2] = (uint8_t)(ticks >> 8);
			p[3] = (uint8_t)ticks;
			dp.ts_rtp = ts;
			assert_int_equal(dtmf_put(&d, &dp), 0);
		}
		assert_int_equal(d.n, 1);
		assert_true(d.keys[0].ended);
		if (full[k] != 1)
			assert_in_range(d.keys[0].duration_us, 19900000,
					20100000);
		dtmf_fini(&d);
	}
}

static void dtmf_names_keys(void **state)
{
	(void)state;
	for (int i = 0; i < 17; i++)
		assert_int_equal(dtmf_event(dtmf_digit((uint8_t)i)), i);
	assert_int_equal(dtmf_event('d'), 15);
	assert_int_equal(dtmf_event('x'), -1);
	assert_int_equal(dtmf_event(0), -1);
	assert_int_equal(dtmf_digit(17), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dtmf_counts_a_key_once),
		cmocka_unit_test(dtmf_same_key_twice_is_two),
		cmocka_unit_test(dtmf_key_without_its_end_counts),
		cmocka_unit_test(dtmf_long_key_is_one),
		cmocka_unit_test(dtmf_reads_several_in_a_packet),
		cmocka_unit_test(dtmf_lists_keys_only_and_not_without_end),
		cmocka_unit_test(dtmf_knows_senders_habits),
		cmocka_unit_test(dtmf_long_key_is_one_for_all),
		cmocka_unit_test(dtmf_names_keys),
	};

	return cmocka_run_group_tests_name("dtmf", tests, NULL, NULL);
}
