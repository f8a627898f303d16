/* test_rtp.c - facts about media/rtp.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "media/rtp.h"

static void rtp_header_round_trip(void **state)
{
	uint8_t raw[RTP_HEADER_MIN + 4] = { 0 };
	struct rtp_packet p;

	(void)state;
	rtp_write_header(raw, true, 111, 65535, 0xfffffffe, 0xdeadbeef);
	memcpy(raw + RTP_HEADER_MIN, "abcd", 4);
	assert_int_equal(rtp_parse(raw, sizeof(raw), &p), 0);
	assert_true(p.marker);
	assert_int_equal(p.pt, 111);
	assert_int_equal(p.seq, 65535);
	assert_int_equal(p.ts_rtp, 0xfffffffe);
	assert_int_equal(p.ssrc, 0xdeadbeef);
	assert_int_equal(p.payload_len, 4);
	assert_memory_equal(p.payload, "abcd", 4);
	assert_int_equal(rtp_parse_header(raw, sizeof(raw), &p), 0);
	assert_int_equal(p.seq, 65535);
	assert_int_equal(p.payload_len, 0);
}

static void rtp_takes_csrc_extension_and_padding_off(void **state)
{
	static const uint8_t raw[] = {
		0xb2, 0x00, 0,	 1, 0, 0, 0, 2, 0, 0, 0, 3, /* P, X, 2 CSRC */
		0,    0,    0,	 4, 0, 0, 0, 5,		    /* CSRCs */
		0xbe, 0xde, 0,	 1, 9, 9, 9, 9,		    /* extension */
		'p',  'a',  'y', 0, 0, 3		    /* padding of 3 */
	};
	struct rtp_packet p;

	(void)state;
	assert_int_equal(rtp_parse(raw, sizeof(raw), &p), 0);
	assert_int_equal(p.n_csrc, 2);
	assert_int_equal(p.csrc[3], 4);
	assert_true(p.has_ext);
	assert_int_equal(p.ext_profile, 0xbede);
	assert_int_equal(p.ext_len, 4);
	assert_int_equal(p.payload_len, 3);
	assert_memory_equal(p.payload, "pay", 3);
	for (size_t n = 0; n < 28; n++)
		assert_int_equal(rtp_parse(raw, n, &p), -EBADMSG);
}

static void rtp_refuses_what_is_broken(void **state)
{
	uint8_t raw[16] = { 0x80 };
	struct rtp_packet p;

	(void)state;
	assert_int_equal(rtp_parse(raw, 0, &p), -EBADMSG);
	assert_int_equal(rtp_parse(raw, 11, &p), -EBADMSG);
	assert_int_equal(rtp_parse(raw, 12, &p), 0);
	raw[0] = 0x40;
	assert_int_equal(rtp_parse(raw, 16, &p), -EPROTO);
	raw[0] = 0xa0; /* padding 0, then longer than the payload */
	assert_int_equal(rtp_parse(raw, 16, &p), -EBADMSG);
	raw[15] = 5;
	assert_int_equal(rtp_parse(raw, 16, &p), -EBADMSG);
	raw[15] = 4;
	assert_int_equal(rtp_parse(raw, 16, &p), 0);
	assert_int_equal(p.payload_len, 0);
}

static void rtp_tells_rtcp_by_second_byte(void **state)
{
	(void)state;
	assert_true(rtp_is_rtcp("\x80\xc8", 2));
	assert_true(rtp_is_rtcp("\x80\xcf", 2));
	assert_false(rtp_is_rtcp("\x80\x00", 2));
	assert_false(rtp_is_rtcp("\x80\xe0", 2)); /* marker and PT 96 */
	assert_false(rtp_is_rtcp("\x80", 1));
}

static void rtp_seq_diff_wraps(void **state)
{
	(void)state;
	assert_int_equal(rtp_seq_diff(65535, 0), 1);
	assert_int_equal(rtp_seq_diff(0, 65535), -1);
	assert_int_equal(rtp_seq_diff(10, 5), -5);
	assert_int_equal(rtp_seq_diff(0, 32768), -32768);
}

static void source_needs_two_packets_in_a_row(void **state)
{
	struct rtp_source s = { 0 };

	(void)state;
	rtp_source_init(&s, 7, 100, RTP_PROBATION, 8000);
	assert_int_equal(rtp_source_update(&s, 100, 0, 0),
			 RTP_PROBATION_ONGOING);
	assert_int_equal(rtp_source_update(&s, 500, 0, 0),
			 RTP_PROBATION_ONGOING);
	assert_int_equal(rtp_source_update(&s, 501, 160, 20000), RTP_OK);
	assert_int_equal(rtp_source_update(&s, 502, 320, 40000), RTP_OK);
}

static void source_confirms_a_jump_by_two(void **state)
{
	struct rtp_source s = { 0 };

	(void)state;
	rtp_source_init(&s, 7, 1, 1, 8000);
	assert_int_equal(rtp_source_update(&s, 1, 0, 0), RTP_OK);
	assert_int_equal(rtp_source_update(&s, 30000, 0, 0), RTP_BAD_SEQ);
	assert_int_equal(rtp_source_update(&s, 2, 160, 0), RTP_OK);
	assert_int_equal(rtp_source_update(&s, 40000, 0, 0), RTP_BAD_SEQ);
	assert_int_equal(rtp_source_update(&s, 40001, 0, 0), RTP_OK);
	assert_int_equal(rtp_source_ext_seq(&s), 40001);
	assert_int_equal(rtp_source_lost(&s), 0);
}

static void source_counts_loss_over_a_wrap(void **state)
{
	struct rtp_source s = { 0 };
	uint16_t seq = 65000;

	(void)state;
	rtp_source_init(&s, 7, seq, 1, 8000);
	for (unsigned i = 0; i < 1000; i++, seq++)
		if (i % 4 != 3) /* a quarter is lost */
			assert_int_equal(rtp_source_update(&s, seq, i * 160,
							   i * 20000),
					 RTP_OK);
	assert_int_equal(rtp_source_ext_seq(&s), 65000 + 998);
	assert_int_equal(rtp_source_lost(&s), 249);
	assert_in_range(rtp_source_fraction(&s), 62, 65);
	assert_int_equal(rtp_source_fraction(&s), 0); /* nothing since */
	assert_int_equal(s.jitter_q4, 0);	      /* perfectly paced */
}

static void source_jitter_grows_with_unrest(void **state)
{
	struct rtp_source s = { 0 };

	(void)state;
	rtp_source_init(&s, 7, 0, 1, 8000);
	for (uint16_t i = 0; i < 200; i++)
		(void)rtp_source_update(&s, i, i * 160u,
					i * 20000 + (i & 1 ? 5000 : 0));
	/* differences of 5 ms = 40 ticks settle at a jitter of 40 */
	assert_in_range(s.jitter_q4 >> 4, 38, 41);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rtp_header_round_trip),
		cmocka_unit_test(rtp_takes_csrc_extension_and_padding_off),
		cmocka_unit_test(rtp_refuses_what_is_broken),
		cmocka_unit_test(rtp_tells_rtcp_by_second_byte),
		cmocka_unit_test(rtp_seq_diff_wraps),
		cmocka_unit_test(source_needs_two_packets_in_a_row),
		cmocka_unit_test(source_confirms_a_jump_by_two),
		cmocka_unit_test(source_counts_loss_over_a_wrap),
		cmocka_unit_test(source_jitter_grows_with_unrest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
