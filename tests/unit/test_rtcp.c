/* test_rtcp.c - facts about media/rtcp.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "media/rtcp.h"

static void rr_with_sdes_round_trip(void **state)
{
	struct rtcp_report in[2] = {
		{ .ssrc = 1,
		  .fraction = 64,
		  .lost = -3,
		  .ext_seq = 70000,
		  .jitter = 12,
		  .lsr = 0x12345678,
		  .dlsr = 65536 },
		{ .ssrc = 2, .lost = 8388607 },
	};
	uint8_t raw[RTCP_BUILD_MAX];
	struct rtcp_packet p;
	struct cursor c;
	int len;

	(void)state;
	len = rtcp_build_rr(0xabcd, in, 2, "srs@example", raw, sizeof(raw));
	assert_true(len > 0 && len % 4 == 0);
	assert_int_equal(rtcp_check(raw, (size_t)len), 0);
	cur_init(&c, raw, (size_t)len);
	assert_int_equal(rtcp_next(&c, &p), 1);
	assert_int_equal(p.type, RTCP_RR);
	assert_int_equal(p.ssrc, 0xabcd);
	assert_int_equal(p.n_reports, 2);
	assert_int_equal(p.reports[0].fraction, 64);
	assert_int_equal(p.reports[0].lost, -3);
	assert_int_equal(p.reports[0].ext_seq, 70000);
	assert_int_equal(p.reports[0].jitter, 12);
	assert_int_equal(p.reports[0].lsr, 0x12345678);
	assert_int_equal(p.reports[0].dlsr, 65536);
	assert_int_equal(p.reports[1].ssrc, 2);
	assert_int_equal(p.reports[1].lost, 8388607);
	assert_int_equal(rtcp_next(&c, &p), 1);
	assert_int_equal(p.type, RTCP_SDES);
	assert_string_equal(p.cname, "srs@example");
	assert_int_equal(rtcp_next(&c, &p), 0);
}

static void sr_and_bye_round_trip(void **state)
{
	struct rtcp_sender s = { .ntp = rtcp_ntp_from_wall_us(1700000000123456),
				 .ts_rtp = 77,
				 .packets = 5,
				 .octets = 800 };
	uint8_t raw[RTCP_BUILD_MAX];
	struct rtcp_packet p;
	struct cursor c;
	int len, bye;

	(void)state;
	len = rtcp_build_sr(9, &s, NULL, 0, "x", raw, sizeof(raw));
	assert_true(len > 0);
	bye = rtcp_build_bye(9, raw + len, sizeof(raw) - (size_t)len);
	assert_int_equal(bye, 8);
	cur_init(&c, raw, (size_t)(len + bye));
	assert_int_equal(rtcp_next(&c, &p), 1);
	assert_int_equal(p.type, RTCP_SR);
	assert_int_equal(rtcp_ntp_to_wall_us(p.ntp), 1700000000123456);
	assert_int_equal(p.ts_rtp, 77);
	assert_int_equal(p.octets, 800);
	assert_int_equal(rtcp_next(&c, &p), 1);
	assert_int_equal(rtcp_next(&c, &p), 1);
	assert_int_equal(p.type, RTCP_BYE);
	assert_int_equal(p.n_ssrcs, 1);
	assert_int_equal(p.ssrcs[0], 9);
	assert_int_equal(rtcp_next(&c, &p), 0);
}

static void build_knows_its_limits(void **state)
{
	static struct rtcp_report many[RTCP_REPORTS_MAX + 1];
	uint8_t raw[RTCP_BUILD_MAX];
	char cname[257];
	int len;

	(void)state;
	memset(cname, 'c', sizeof(cname));
	cname[256] = '\0';
	assert_int_equal(rtcp_build_rr(1, many, RTCP_REPORTS_MAX + 1, "x", raw,
				       sizeof(raw)),
			 -EINVAL);
	assert_int_equal(rtcp_build_rr(1, many, 1, cname, raw, sizeof(raw)),
			 -EINVAL);
	cname[255] = '\0';
	len = rtcp_build_rr(1, many, RTCP_REPORTS_MAX, cname, raw, sizeof(raw));
	assert_true(len > 0);
	for (size_t n = 0; n < (size_t)len; n++)
		assert_int_equal(rtcp_build_rr(1, many, RTCP_REPORTS_MAX, cname,
					       raw, n),
				 -ENOBUFS);
}

static void reduced_size_feedback_is_read(void **state)
{
	/* a lone PLI (RFC 4585), as RFC 5506 allows */
	static const uint8_t pli[] = {
		0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2
	};
	struct rtcp_packet p;
	struct cursor c;

	(void)state;
	assert_int_equal(rtcp_check(pli, sizeof(pli)), 0);
	cur_init(&c, pli, sizeof(pli));
	assert_int_equal(rtcp_next(&c, &p), 1);
	assert_int_equal(p.type, RTCP_PSFB);
	assert_int_equal(p.count, 1);
	assert_int_equal(p.ssrc, 1);
	assert_int_equal(p.body_len, 8);
}

static void bye_reason_is_cleaned(void **state)
{
	static const uint8_t bye[] = { 0x81, 203, 0,   3,   0, 0,   0,	  1,
				       6,    'b', 'y', 'e', 7, 'x', 0xff, 0 };
	struct rtcp_packet p;
	struct cursor c;

	(void)state;
	cur_init(&c, bye, sizeof(bye));
	assert_int_equal(rtcp_next(&c, &p), 1);
	assert_string_equal(p.reason, "bye?x?");
}

static void broken_framing_is_refused(void **state)
{
	static const struct {
		int expect;
		size_t len;
		uint8_t raw[16];
	} cases[] = {
		{ -EBADMSG, 0, { 0 } },
		{ -EBADMSG, 3, { 0x80, 201, 0 } },
		{ -EPROTO, 8, { 0x40, 201, 0, 1 } },
		{ -EBADMSG, 8, { 0x80, 201, 0, 2 } },
		{ -EBADMSG, 10, { 0x80, 201, 0, 1, 0, 0, 0, 0, 0x80, 1 } },
		/* padding in the first of two */
		{ -EBADMSG,
		  16,
		  { 0xa0, 201, 0, 1, 0, 0, 0, 4, 0x80, 203, 0, 1 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(rtcp_check(cases[i].raw, cases[i].len),
				 cases[i].expect);
}

static void counts_longer_than_the_packet_are_refused(void **state)
{
	static const uint8_t raws[][8] = {
		{ 0x81, 200, 0, 1 }, /* SR without its sender info */
		{ 0x81, 201, 0, 1 }, /* RR that promises a report */
		{ 0x82, 203, 0, 1 }, /* BYE with one of two sources */
		{ 0x81, 202, 0, 0 }, /* SDES without a chunk */
		{ 0x81, 202, 0, 1, 0, 0, 0, 1 }, /* chunk without an end */
	};
	struct rtcp_packet p;
	struct cursor c;

	(void)state;
	for (size_t i = 0; i < sizeof(raws) / sizeof(raws[0]); i++) {
		cur_init(&c, raws[i], sizeof(raws[i]));
		assert_int_equal(rtcp_next(&c, &p), -EBADMSG);
	}
}

static void interval_is_within_rfc_limits(void **state)
{
	(void)state;
	/* 5 s times 0.5..1.5 divided by e - 1.5; half of it at first */
	assert_in_range(rtcp_interval_us(false, 0), 2052000, 2052100);
	assert_in_range(rtcp_interval_us(false, UINT32_MAX), 6156000, 6156200);
	assert_in_range(rtcp_interval_us(true, 0), 1026000, 1026100);
}

static void ntp_survives_2036(void **state)
{
	const int64_t y2040 = INT64_C(2208988800) * 1000000;

	(void)state;
	assert_int_equal(rtcp_ntp_to_wall_us(rtcp_ntp_from_wall_us(0)), 0);
	assert_int_equal(rtcp_ntp_to_wall_us(rtcp_ntp_from_wall_us(y2040)),
			 y2040);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rr_with_sdes_round_trip),
		cmocka_unit_test(sr_and_bye_round_trip),
		cmocka_unit_test(build_knows_its_limits),
		cmocka_unit_test(reduced_size_feedback_is_read),
		cmocka_unit_test(bye_reason_is_cleaned),
		cmocka_unit_test(broken_framing_is_refused),
		cmocka_unit_test(counts_longer_than_the_packet_are_refused),
		cmocka_unit_test(interval_is_within_rfc_limits),
		cmocka_unit_test(ntp_survives_2036),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
