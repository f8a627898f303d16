/* test_srtp.c - facts about media/srtp.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "media/rtp.h"
#include "media/srtp.h"

#define SSRC 0xcafebabe
#define TEXT "twenty milliseconds"

struct packet {
	uint8_t data[400];
	size_t len;
};

static struct srtp_params params(enum srtp_suite suite)
{
	struct srtp_params p = { .suite = (uint8_t)suite, .n_keys = 1 };

	for (unsigned k = 0; k < SRTP_KEYS_MAX; k++)
		for (unsigned i = 0; i < SRTP_KEY_MAX; i++)
			p.keys[k].bytes[i] = (uint8_t)(i * 7 + k * 31 + suite);
	return p;
}

static struct packet rtp(uint32_t ssrc, uint16_t seq)
{
	struct packet p = { .len = RTP_HEADER_MIN + sizeof(TEXT) };

	rtp_write_header(p.data, false, 8, seq, seq * 160u, ssrc);
	memcpy(p.data + RTP_HEADER_MIN, TEXT, sizeof(TEXT));
	return p;
}

static struct packet sealed(struct srtp_out *out, uint32_t ssrc, uint16_t seq)
{
	struct packet p = rtp(ssrc, seq);

	assert_int_equal(
		srtp_out_rtp(out, p.data, sizeof(p.data), p.len, &p.len), 0);
	return p;
}

static int open_it(struct srtp_in *in, struct packet *p)
{
	return srtp_in_rtp(in, p->data, p->len, &p->len);
}

static struct packet rr(void)
{
	static const uint8_t raw[] = {
		0x80, 201, 0, 1, 0xca, 0xfe, 0xba, 0xbe
	};
	struct packet p = { .len = sizeof(raw) };

	memcpy(p.data, raw, sizeof(raw));
	return p;
}

static void make(const struct srtp_params *p, struct srtp_in **in,
		 struct srtp_out **out)
{
	assert_int_equal(srtp_in_create(p, in), 0);
	assert_int_equal(srtp_out_create(p, out), 0);
}

/* The reference packet of libsrtp's own test driver, AES_CM_128_HMAC_SHA1_80:
 * what others made is understood, and ours is what others make. */
static void srtp_knows_a_packet_of_others(void **state)
{
	static const uint8_t key[30] = { 0xe1, 0xf9, 0x7a, 0x0d, 0x3e, 0x01,
					 0x8b, 0xe0, 0xd6, 0x4f, 0xa3, 0x2c,
					 0x06, 0xde, 0x41, 0x39, 0x0e, 0xc6,
					 0x75, 0xad, 0x49, 0x8a, 0xfe, 0xeb,
					 0xb6, 0x96, 0x0b, 0x3a, 0xab, 0xe6 };
	static const uint8_t wire[] = {
		0x80, 0x0f, 0x12, 0x34, 0xde, 0xca, 0xfb, 0xad, 0xca, 0xfe,
		0xba, 0xbe, 0x4e, 0x55, 0xdc, 0x4c, 0xe7, 0x99, 0x78, 0xd8,
		0x8c, 0xa4, 0xd2, 0x15, 0x94, 0x9d, 0x24, 0x02, 0xb7, 0x8d,
		0x6a, 0xcc, 0x99, 0xea, 0x17, 0x9b, 0x8d, 0xbb
	};
	struct srtp_params p = { .suite = SRTP_AES128_SHA1_80, .n_keys = 1 };
	struct srtp_in *in CLEANUP(srtp_in_destroy) = NULL;
	struct srtp_out *out CLEANUP(srtp_out_destroy) = NULL;
	struct packet got = { .len = sizeof(wire) };

	(void)state;
	memcpy(p.keys[0].bytes, key, sizeof(key));
	make(&p, &in, &out);
	memcpy(got.data, wire, sizeof(wire));
	assert_int_equal(open_it(in, &got), 0);
	assert_int_equal(got.len, 28);
	for (unsigned i = 12; i < 28; i++)
		assert_int_equal(got.data[i], 0xab);
	assert_int_equal(
		srtp_out_rtp(out, got.data, sizeof(got.data), 28, &got.len), 0);
	assert_int_equal(got.len, sizeof(wire));
	assert_memory_equal(got.data, wire, sizeof(wire));
}

static void srtp_round_trip_of_every_suite(void **state)
{
	static const size_t grows[] = { 0, 10, 4, 16, 16 };
	static const size_t rtcp_grows[] = { 0, 14, 14, 20, 20 };

	(void)state;
	for (unsigned s = SRTP_CLEAR + 1; s < SRTP_SUITES; s++) {
		struct srtp_params p = params((enum srtp_suite)s);
		struct srtp_in *in CLEANUP(srtp_in_destroy) = NULL;
		struct srtp_out *out CLEANUP(srtp_out_destroy) = NULL;
		struct packet a, clear = rtp(SSRC, 9), b = rr();

		make(&p, &in, &out);
		a = sealed(out, SSRC, 9);
		assert_int_equal(a.len, clear.len + grows[s]);
		assert_memory_equal(a.data, clear.data, RTP_HEADER_MIN);
		assert_memory_not_equal(a.data + RTP_HEADER_MIN, TEXT, 8);
		assert_int_equal(open_it(in, &a), 0);
		assert_int_equal(a.len, clear.len);
		assert_memory_equal(a.data, clear.data, clear.len);
		assert_int_equal(srtp_out_rtcp(out, b.data, sizeof(b.data),
					       b.len, &b.len),
				 0);
		assert_int_equal(b.len, rr().len + rtcp_grows[s]);
		assert_int_equal(srtp_in_rtcp(in, b.data, b.len, &b.len), 0);
		assert_int_equal(b.len, rr().len);
		assert_memory_equal(b.data, rr().data, b.len);
	}
}

static void srtp_leaves_what_is_forged_as_it_came(void **state)
{
	(void)state;
	for (unsigned s = SRTP_CLEAR + 1; s < SRTP_SUITES; s++) {
		struct srtp_params p = params((enum srtp_suite)s), q = p;
		struct srtp_in *in CLEANUP(srtp_in_destroy) = NULL;
		struct srtp_out *out CLEANUP(srtp_out_destroy) = NULL;
		struct packet a, was;

		q.keys[0].bytes[3] ^= 1; /* another key */
		make(&p, &in, &out);
		srtp_in_destroy(&in);
		assert_int_equal(srtp_in_create(&q, &in), 0);
		was = a = sealed(out, SSRC, 9);
		assert_int_equal(open_it(in, &a), -EBADMSG);
		assert_memory_equal(a.data, was.data, was.len);
		assert_int_equal(a.len, was.len);
		srtp_in_destroy(&in);
		assert_int_equal(srtp_in_create(&p, &in), 0);
		a.data[a.len - 1] ^= 1;
		assert_int_equal(open_it(in, &a), -EBADMSG);
		a = was;
		a.data[14] ^= 1;
		assert_int_equal(open_it(in, &a), -EBADMSG);
		a = rtp(SSRC, 9); /* in clear */
		assert_int_equal(open_it(in, &a), -EBADMSG);
		a = was; /* nothing of that has spoilt the context */
		assert_int_equal(open_it(in, &a), 0);
	}
}

static void srtp_refuses_a_replay(void **state)
{
	struct srtp_params p = params(SRTP_AES128_SHA1_80);
	struct srtp_in *in CLEANUP(srtp_in_destroy) = NULL;
	struct srtp_out *out CLEANUP(srtp_out_destroy) = NULL;
	struct packet a, again, b = rr(), c;

	(void)state;
	make(&p, &in, &out);
	again = a = sealed(out, SSRC, 9);
	assert_int_equal(open_it(in, &a), 0);
	assert_int_equal(open_it(in, &again), -EALREADY);
	assert_int_equal(
		srtp_out_rtcp(out, b.data, sizeof(b.data), b.len, &b.len), 0);
	c = b;
	assert_int_equal(srtp_in_rtcp(in, b.data, b.len, &b.len), 0);
	assert_int_equal(srtp_in_rtcp(in, c.data, c.len, &c.len), -EALREADY);
}

/* Whoever has the keys may invent SSRCs: the oldest ones are let go, which is
 * seen by their packets being taken for new. */
static void srtp_keeps_a_bounded_number_of_ssrcs(void **state)
{
	struct srtp_params p = params(SRTP_AES128_GCM);
	struct srtp_in *in CLEANUP(srtp_in_destroy) = NULL;
	struct srtp_out *out CLEANUP(srtp_out_destroy) = NULL;
	struct packet a, first, last;

	(void)state;
	make(&p, &in, &out);
	first = sealed(out, SSRC, 9);
	for (uint32_t i = 0; i < 10 * SRTP_SSRC_MAX; i++) {
		a = i ? sealed(out, SSRC + i, 9) : first;
		last = a;
		assert_int_equal(open_it(in, &a), 0);
	}
	assert_int_equal(open_it(in, &last), -EALREADY);
	assert_int_equal(open_it(in, &first), 0);
}

static void srtp_takes_several_ssrcs_and_late_packets(void **state)
{
	struct srtp_params p = params(SRTP_AES128_SHA1_32);
	struct srtp_in *in CLEANUP(srtp_in_destroy) = NULL;
	struct srtp_out *out CLEANUP(srtp_out_destroy) = NULL;
	struct packet late, a;

	(void)state;
	make(&p, &in, &out);
	late = sealed(out, SSRC, 100);
	for (uint16_t i = 101; i < 500; i++) {
		a = sealed(out, SSRC, i);
		assert_int_equal(open_it(in, &a), 0);
		a = sealed(out, SSRC + 1, i);
		assert_int_equal(open_it(in, &a), 0);
	}
	assert_int_equal(open_it(in, &late), 0);
}

/* Someone who speaks since long ago: n times around. */
static struct packet sealed_at(struct srtp_out *out, unsigned n, uint16_t seq)
{
	struct packet p = { .len = 0 };

	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < 4; k++)
			(void)sealed(out, SSRC, (uint16_t)(k * 0x4000u + 1));
	}
	p = sealed(out, SSRC, seq);
	return p;
}

static void srtp_finds_the_rollover_counter(void **state)
{
	static const unsigned rounds[] = { 1, 2, 66, SRTP_ROC_TRIES };

	(void)state;
	for (unsigned s = SRTP_CLEAR + 1; s < SRTP_SUITES; s++) {
		for (unsigned i = 0; i < ARRAY_SIZE(rounds); i++) {
			struct srtp_params p = params((enum srtp_suite)s);
			struct srtp_in *in CLEANUP(srtp_in_destroy) = NULL;
			struct srtp_out *out CLEANUP(srtp_out_destroy) = NULL;
			struct packet a, again;

			make(&p, &in, &out);
			again = a = sealed_at(out, rounds[i], 7);
			assert_int_equal(open_it(in, &a), 0);
			assert_memory_equal(a.data + 12, TEXT, sizeof(TEXT));
			assert_int_equal(open_it(in, &again), -EALREADY);
			a = sealed(out, SSRC, 8);
			assert_int_equal(open_it(in, &a), 0);
		}
	}
}

/* Silence for longer than half the numbers: what comes then seems to be old,
 * or of this round. */
static void srtp_follows_a_sender_over_a_long_gap(void **state)
{
	struct srtp_params p = params(SRTP_AES128_SHA1_80);
	struct srtp_in *in CLEANUP(srtp_in_destroy) = NULL;
	struct srtp_out *out CLEANUP(srtp_out_destroy) = NULL;
	struct packet a, old;

	(void)state;
	make(&p, &in, &out);
	a = sealed(out, SSRC, 100);
	old = sealed(out, SSRC, 101);
	assert_int_equal(open_it(in, &a), 0);
	a = sealed_at(out, 3, 2);
	assert_int_equal(open_it(in, &a), 0);
	a = sealed(out, SSRC, 3);
	assert_int_equal(open_it(in, &a), 0);
	assert_true(open_it(in, &old) < 0); /* never a step back */
	a = sealed(out, SSRC, 4);
	assert_int_equal(open_it(in, &a), 0);
}

static void srtp_failed_search_leaves_no_trace(void **state)
{
	struct srtp_params p = params(SRTP_AES128_SHA1_80), q = p;
	struct srtp_in *in CLEANUP(srtp_in_destroy) = NULL;
	struct srtp_out *out CLEANUP(srtp_out_destroy) = NULL;
	struct srtp_out *other CLEANUP(srtp_out_destroy) = NULL;
	struct packet a;

	(void)state;
	q.keys[0].bytes[0] ^= 1;
	make(&p, &in, &out);
	assert_int_equal(srtp_out_create(&q, &other), 0);
	for (uint16_t i = 0; i < 40; i++) {
		a = sealed(other, SSRC, i);
		assert_int_equal(open_it(in, &a), -EBADMSG);
	}
	for (uint16_t i = 50; i < 60; i++) {
		a = sealed(out, SSRC, i);
		assert_int_equal(open_it(in, &a), 0);
	}
	for (uint16_t i = 60; i < 80; i++) {
		a = sealed(other, SSRC, i);
		assert_int_equal(open_it(in, &a), -EBADMSG);
		a = sealed(out, SSRC, i);
		assert_int_equal(open_it(in, &a), 0);
	}
}

static void srtp_tells_keys_apart_by_mki(void **state)
{
	static const uint8_t lens[] = { 1, 4, 12, SRTP_MKI_MAX };

	(void)state;
	for (unsigned s = SRTP_CLEAR + 1; s < SRTP_SUITES; s++) {
		for (unsigned i = 0; i < ARRAY_SIZE(lens); i++) {
			struct srtp_params p = params((enum srtp_suite)s), q;
			struct srtp_in *in CLEANUP(srtp_in_destroy) = NULL;
			struct srtp_out *out CLEANUP(srtp_out_destroy) = NULL;
			struct packet a, b = rr();

			p.n_keys = 2;
			p.mki_len = lens[i];
			p.keys[0].mki = 66;
			p.keys[1].mki = 200;
			q = p;
			q.n_keys = 1;
			q.keys[0] = p.keys[1];
			assert_int_equal(srtp_in_create(&p, &in), 0);
			assert_int_equal(srtp_out_create(&q, &out), 0);
			a = sealed(out, SSRC, 9);
			assert_int_equal(open_it(in, &a), 0);
			assert_memory_equal(a.data + 12, TEXT, sizeof(TEXT));
			assert_int_equal(srtp_out_rtcp(out, b.data,
						       sizeof(b.data), b.len,
						       &b.len),
					 0);
			assert_int_equal(
				srtp_in_rtcp(in, b.data, b.len, &b.len), 0);
			assert_memory_equal(b.data, rr().data, b.len);
			srtp_out_destroy(&out);
			q.keys[0].mki = 201; /* nobody knows that one */
			assert_int_equal(srtp_out_create(&q, &out), 0);
			a = sealed(out, SSRC, 10);
			assert_int_equal(open_it(in, &a), -EBADMSG);
		}
	}
}

static void srtp_honours_session_parameters(void **state)
{
	static const uint8_t all[] = { SRTP_UNENCRYPTED_RTP,
				       SRTP_UNENCRYPTED_RTCP,
				       SRTP_UNAUTHENTICATED,
				       SRTP_UNENCRYPTED_RTP |
					       SRTP_UNENCRYPTED_RTCP |
					       SRTP_UNAUTHENTICATED };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
		struct srtp_params p = params(SRTP_AES128_SHA1_80);
		struct srtp_in *in CLEANUP(srtp_in_destroy) = NULL;
		struct srtp_out *out CLEANUP(srtp_out_destroy) = NULL;
		struct packet a, b = rr();
		bool plain = all[i] & SRTP_UNENCRYPTED_RTP;
		bool bare = all[i] & SRTP_UNAUTHENTICATED;

		p.flags = all[i];
		make(&p, &in, &out);
		a = sealed(out, SSRC, 9);
		assert_int_equal(a.len, rtp(SSRC, 9).len + (bare ? 0 : 10));
		assert_int_equal(!memcmp(a.data + 12, TEXT, sizeof(TEXT)),
				 plain);
		assert_int_equal(open_it(in, &a), 0);
		assert_memory_equal(a.data + 12, TEXT, sizeof(TEXT));
		assert_int_equal(srtp_out_rtcp(out, b.data, sizeof(b.data),
					       b.len, &b.len),
				 0);
		assert_int_equal(srtp_in_rtcp(in, b.data, b.len, &b.len), 0);
		assert_memory_equal(b.data, rr().data, rr().len);
	}
}

static void srtp_refuses_what_it_cannot_do(void **state)
{
	struct srtp_params p = params(SRTP_CLEAR);
	struct srtp_in *in = NULL;
	struct srtp_out *out CLEANUP(srtp_out_destroy) = NULL;
	struct packet a = rtp(SSRC, 1);

	(void)state;
	assert_int_equal(srtp_in_create(&p, &in), -EINVAL);
	p = params(SRTP_AES128_GCM);
	p.flags = SRTP_UNENCRYPTED_RTP;
	assert_int_equal(srtp_in_create(&p, &in), -EINVAL);
	p = params(SRTP_AES128_SHA1_80);
	p.n_keys = 2; /* without an MKI */
	assert_int_equal(srtp_in_create(&p, &in), -EINVAL);
	p.n_keys = 1;
	assert_int_equal(srtp_out_create(&p, &out), 0);
	assert_int_equal(srtp_out_rtp(out, a.data, a.len + 10, a.len, &a.len),
			 -EMSGSIZE);
	assert_int_equal(srtp_suite_find(SPAN("aes_cm_128_hmac_sha1_80")),
			 SRTP_AES128_SHA1_80);
	assert_int_equal(srtp_suite_find(SPAN("F8_128_HMAC_SHA1_80")),
			 SRTP_CLEAR);
	assert_int_equal(srtp_suite_find(SPAN("")), SRTP_CLEAR);
}

static void srtp_takes_no_harm_from_short_packets(void **state)
{
	(void)state;
	for (unsigned s = SRTP_CLEAR + 1; s < SRTP_SUITES; s++) {
		struct srtp_params p = params((enum srtp_suite)s);
		struct srtp_in *in CLEANUP(srtp_in_destroy) = NULL;
		struct srtp_out *out CLEANUP(srtp_out_destroy) = NULL;
		struct packet a, b;

		p.mki_len = 4;
		make(&p, &in, &out);
		a = sealed(out, SSRC, 9);
		for (size_t n = 0; n < a.len; n++) {
			b = a;
			b.len = n;
			assert_true(open_it(in, &b) < 0);
			assert_true(srtp_in_rtcp(in, b.data, n, &b.len) < 0);
			b = a;
			b.len = n;
			b.data[0] = 0xbf; /* extension, 15 CSRCs, padding */
			assert_true(open_it(in, &b) < 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(srtp_knows_a_packet_of_others),
		cmocka_unit_test(srtp_round_trip_of_every_suite),
		cmocka_unit_test(srtp_leaves_what_is_forged_as_it_came),
		cmocka_unit_test(srtp_refuses_a_replay),
		cmocka_unit_test(srtp_keeps_a_bounded_number_of_ssrcs),
		cmocka_unit_test(srtp_takes_several_ssrcs_and_late_packets),
		cmocka_unit_test(srtp_finds_the_rollover_counter),
		cmocka_unit_test(srtp_follows_a_sender_over_a_long_gap),
		cmocka_unit_test(srtp_failed_search_leaves_no_trace),
		cmocka_unit_test(srtp_tells_keys_apart_by_mki),
		cmocka_unit_test(srtp_honours_session_parameters),
		cmocka_unit_test(srtp_refuses_what_it_cannot_do),
		cmocka_unit_test(srtp_takes_no_harm_from_short_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
