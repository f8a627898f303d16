/* test_codec_opus.c - facts about media/codec_opus.h. */
#include "media/codec_opus.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "media/codec.h"

static void tone(int16_t *dst, unsigned n, unsigned rate, double hz,
		 unsigned *at)
{
	unsigned i;

	for (i = 0; i < n; i++, ++*at)
		dst[i] = (int16_t)(9000 * sin(2 * M_PI * hz * *at / rate));
}

static double rms(const int16_t *p, int n)
{
	double s = 0;
	int i;

	for (i = 0; i < n; i++)
		s += (double)p[i] * p[i];
	return sqrt(s / n);
}

static struct opus_enc *encoder(unsigned rate)
{
	struct opus_enc_config cfg = { .rate_hz = rate, .complexity = 1 };
	struct opus_enc *e;

	assert_int_equal(opus_enc_create(&cfg, &e), 0);
	return e;
}

static void opus_encodes_at_every_rate(void **state)
{
	static const unsigned rates[] = { 8000, 12000, 16000, 24000, 48000 };
	uint8_t pkt[OPUS_FILE_PACKET_MAX];
	int16_t pcm[960], out[960];
	unsigned i, k, at;
	struct codec *c;
	struct opus_enc *e;
	int n, r;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		e = encoder(rates[i]);
		assert_int_equal(opus_enc_delay_48k(e), 312);
		assert_int_equal(codec_opus_open(rates[i], &c), 0);
		for (at = 0, k = 0; k < 50; k++) {
			tone(pcm, rates[i] / 50, rates[i], 440, &at);
			n = opus_enc_frame(e, pcm, pkt, sizeof(pkt));
			assert_true(n > 0);
			assert_int_equal(opus_file_packet_48k(pkt, (size_t)n),
					 960);
			r = codec_decode(c, pkt, (size_t)n, out, 960);
			assert_int_equal(r, rates[i] / 50);
		}
		assert_in_range((int)rms(out, r), 5500, 7200);
		codec_close(&c);
		opus_enc_destroy(&e);
	}
}

/* A steady tone is not background noise: it stays, however long. */
static void opus_keeps_a_steady_tone(void **state)
{
	struct opus_enc *e = encoder(8000);
	uint8_t pkt[OPUS_FILE_PACKET_MAX];
	int16_t pcm[160], out[160];
	unsigned k, at = 0;
	struct codec *c;
	int n;

	(void)state;
	assert_int_equal(codec_opus_open(8000, &c), 0);
	for (k = 0; k < 500; k++) {
		tone(pcm, 160, 8000, 425, &at);
		n = opus_enc_frame(e, pcm, pkt, sizeof(pkt));
		assert_true(n > 3);
		assert_int_equal(codec_decode(c, pkt, (size_t)n, out, 160),
				 160);
		if (k > 5)
			assert_true(rms(out, 160) > 4000);
	}
	codec_close(&c);
	opus_enc_destroy(&e);
}

static void opus_spends_nothing_on_silence(void **state)
{
	struct opus_enc *e = encoder(8000);
	uint8_t pkt[OPUS_FILE_PACKET_MAX];
	int16_t pcm[160] = { 0 }, out[160], loud[160];
	unsigned k, at = 0, small = 0;
	struct codec *c;
	int n;

	(void)state;
	assert_int_equal(codec_opus_open(8000, &c), 0);
	for (k = 0; k < 300; k++) {
		tone(loud, 160, 8000, 440, &at);
		n = opus_enc_frame(e, k >= 50 && k < 250 ? pcm : loud, pkt,
				   sizeof(pkt));
		small += n == OPUS_SILENCE_LEN;
		assert_int_equal(codec_decode(c, pkt, (size_t)n, out, 160),
				 160);
		if (k > 65 && k < 250)
			assert_true(rms(out, 160) < 1);
		if (k > 252)
			assert_true(rms(out, 160) > 4000);
	}
	assert_int_equal(small, 190);
	codec_close(&c);
	opus_enc_destroy(&e);
}

static void opus_silence_packets_are_what_they_say(void **state)
{
	static const unsigned rates[] = { 8000, 12000, 16000, 24000, 48000 };
	static const unsigned ticks[] = { 120, 240, 480, 960 };
	uint8_t pkt[OPUS_SILENCE_LEN];
	int16_t out[960];
	struct codec *c;
	unsigned i, k;
	int r;

	(void)state;
	assert_int_equal(codec_opus_open(48000, &c), 0);
	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		for (k = 0; k < ARRAY_SIZE(ticks); k++) {
			assert_int_equal(opus_file_silence(ticks[k], rates[i],
							   false, pkt),
					 OPUS_SILENCE_LEN);
			assert_int_equal(opus_file_packet_48k(pkt, 3),
					 ticks[k]);
			assert_false(opus_file_packet_stereo(pkt, 3));
			r = codec_decode(c, pkt, 3, out, 960);
			assert_int_equal(r, ticks[k]);
			assert_true(rms(out, r) < 1);
		}
	}
	assert_int_equal(opus_file_silence(960, 48000, true, pkt), 3);
	assert_true(opus_file_packet_stereo(pkt, 3));
	assert_int_equal(opus_file_silence(961, 48000, true, pkt), -EINVAL);
	codec_close(&c);
}

static void opus_conceals_with_and_without_the_next_packet(void **state)
{
	struct opus_enc *e = encoder(16000);
	uint8_t pkt[OPUS_FILE_PACKET_MAX];
	int16_t pcm[320], out[320 * 5];
	unsigned k, at = 0;
	struct codec *c;
	int n = 0;

	(void)state;
	assert_int_equal(codec_opus_open(16000, &c), 0);
	for (k = 0; k < 20; k++) {
		tone(pcm, 320, 16000, 440, &at);
		n = opus_enc_frame(e, pcm, pkt, sizeof(pkt));
		(void)codec_decode(c, pkt, (size_t)n, out, 320);
	}
	assert_int_equal(c->ops->conceal(c, NULL, 0, out, 640), 640);
	assert_true(rms(out, 320) > 1000);
	assert_int_equal(c->ops->conceal(c, pkt, (size_t)n, out, 320), 320);
	/* odd lengths are filled up */
	assert_int_equal(c->ops->conceal(c, NULL, 0, out, 333), 333);
	codec_close(&c);
	opus_enc_destroy(&e);
}

static void opus_two_streams_side_by_side(void **state)
{
	struct opus_map map = {
		.family = 1, .channels = 2, .streams = 2, .map = { 0, 1 }
	};
	struct opus_enc *l = encoder(8000), *r = encoder(8000);
	uint8_t a[OPUS_FILE_PACKET_MAX], b[OPUS_FILE_PACKET_MAX];
	uint8_t both[2 * OPUS_FILE_PACKET_MAX];
	int16_t pcm[160], zero[160] = { 0 }, out[2 * 960];
	double left = 0, right = 0;
	unsigned k, i, at = 0;
	struct opus_dec *d;
	int n, m, s;

	(void)state;
	assert_int_equal(opus_dec_create(&map, 48000, &d), 0);
	for (k = 0; k < 50; k++) {
		tone(pcm, 160, 8000, 440, &at);
		n = opus_enc_frame(l, pcm, a, sizeof(a));
		m = opus_enc_frame(r, zero, b, sizeof(b));
		s = opus_file_self_delimit(a, (size_t)n, both, sizeof(both));
		assert_true(s > n);
		memcpy(both + s, b, (size_t)m);
		assert_int_equal(opus_dec_packet(d, both, (size_t)(s + m), out,
						 960),
				 960);
		for (i = 0; k > 20 && i < 960; i++) {
			left += (double)out[2 * i] * out[2 * i];
			right += (double)out[2 * i + 1] * out[2 * i + 1];
		}
	}
	assert_true(left > 1e9);
	assert_true(right * 1e6 < left); /* 60 dB */
	opus_dec_destroy(&d);
	opus_enc_destroy(&l);
	opus_enc_destroy(&r);
}

static void opus_self_delimits_long_frames(void **state)
{
	uint8_t pkt[1276] = { 0x98 }, out[1400];
	size_t len;

	(void)state;
	for (len = 1; len <= sizeof(pkt); len++)
		assert_int_equal(opus_file_self_delimit(pkt, len, out,
							sizeof(out)),
				 len + (len - 1 < 252 ? 1 : 2));
	pkt[0] |= 3;
	assert_int_equal(opus_file_self_delimit(pkt, 10, out, sizeof(out)),
			 -EBADMSG);
	pkt[0] = 0x98;
	assert_int_equal(opus_file_self_delimit(pkt, 10, out, 10), -ENOBUFS);
	assert_int_equal(opus_file_self_delimit(pkt, 0, out, 10), -EBADMSG);
}

static void opus_takes_any_bytes(void **state)
{
	struct opus_map map = {
		.family = 1, .channels = 2, .streams = 2, .map = { 0, 1 }
	};
	int16_t out[2 * 5760];
	uint8_t data[300];
	struct opus_dec *d;
	struct codec *c;
	uint32_t x = 1;
	size_t len, n;
	unsigned k;

	(void)state;
	assert_int_equal(codec_opus_open(8000, &c), 0);
	assert_int_equal(opus_dec_create(&map, 48000, &d), 0);
	for (k = 0; k < 5000; k++) {
		for (n = 0; n < sizeof(data); n++)
			data[n] =
				(uint8_t)((x = x * 1664525 + 1013904223) >> 24);
		len = x % sizeof(data);
		(void)opus_file_packet_48k(data, len);
		(void)opus_file_packet_rate_hz(data, len);
		(void)codec_decode(c, data, len, out, 5760);
		(void)opus_dec_packet(d, data, len, out, 5760);
	}
	opus_dec_destroy(&d);
	codec_close(&c);
	map.streams = 3;
	assert_int_equal(opus_dec_create(&map, 48000, &d), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opus_encodes_at_every_rate),
		cmocka_unit_test(opus_keeps_a_steady_tone),
		cmocka_unit_test(opus_spends_nothing_on_silence),
		cmocka_unit_test(opus_silence_packets_are_what_they_say),
		cmocka_unit_test(
			opus_conceals_with_and_without_the_next_packet),
		cmocka_unit_test(opus_two_streams_side_by_side),
		cmocka_unit_test(opus_self_delimits_long_frames),
		cmocka_unit_test(opus_takes_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
