/* test_dtmf.c - facts about media/dtmf.h. */
#include "media/dtmf.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <string.h>

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
		cmocka_unit_test(dtmf_names_keys),
	};

	return cmocka_run_group_tests_name("dtmf", tests, NULL, NULL);
}
