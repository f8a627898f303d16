/* test_codec_av.c - facts about the list of codecs and those of libavcodec. */
#include "media/codec_list.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "media/codec.h"
#include "media/codec_enc.h"

/* Strength of a tone, 0..1 (Goertzel). */
static double level(const int16_t *pcm, size_t n, double hz, double rate_hz)
{
	double w = 2 * M_PI * hz / rate_hz, c = 2 * cos(w), s0, s1 = 0, s2 = 0;

	for (size_t i = 0; i < n; i++) {
		s0 = pcm[i] + c * s1 - s2;
		s2 = s1;
		s1 = s0;
	}
	return 2 * sqrt(s1 * s1 + s2 * s2 - c * s1 * s2) / (double)n / 32768;
}

static void list_and_decoders_agree(void **state)
{
	const struct codec_listed *rows;
	size_t n = codec_list_get(&rows);
	struct codec_spec s;
	struct codec *c;

	(void)state;
	assert_true(n > 10);
	for (size_t i = 0; i < n; i++) {
		s = (struct codec_spec){ rows[i].name, rows[i].clock_hz, 1,
					 "" };
		assert_true(codec_known(&s, true));
		assert_int_equal(codec_open(&s, 0, true, &c), 0);
		codec_close(&c);
		assert_true(codec_list_has(rows[i].name, rows[i].clock_hz, 0));
	}
}

static void list_knows_clocks_and_channels(void **state)
{
	static const struct {
		const char *name;
		uint32_t hz;
		unsigned channels;
		bool has;
	} cases[] = {
		{ "g722", 8000, 1, true },
		{ "G722", 16000, 1, false },
		{ "G729", 8000, 1, true },
		{ "L16", 44100, 2, true },
		{ "L16", 44100, 3, false },
		{ "L16", 22050, 1, false },
		{ "opus", 48000, 2, true },
		{ "OPUS", 48000, 1, true },
		{ "CN", 8000, 1, false },
		{ "telephone-event", 8000, 1, false },
		{ "EVS", 16000, 1, false },
		{ "AMR", 8000, 1, false },
		{ "G7221", 16000, 1, false },
		{ "", 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(codec_list_has(cases[i].name, cases[i].hz,
						cases[i].channels),
				 cases[i].has);
}

static void fmtp_gives_its_parameters(void **state)
{
	char v[4];

	(void)state;
	assert_true(codec_fmtp_get("mode=20", "mode", v, sizeof(v)));
	assert_string_equal(v, "20");
	assert_true(codec_fmtp_get("a=1; Mode = 30 ;b", "mode", v, sizeof(v)));
	assert_string_equal(v, "30");
	assert_true(codec_fmtp_get("a;b", "b", v, sizeof(v)));
	assert_string_equal(v, "");
	assert_false(codec_fmtp_get("xmode=20", "mode", v, sizeof(v)));
	assert_false(codec_fmtp_get("mode=2000", "mode", v, sizeof(v)));
	assert_false(codec_fmtp_get("", "mode", v, sizeof(v)));
	assert_false(codec_fmtp_get(NULL, "mode", v, sizeof(v)));
}

static size_t read_file(const char *path, uint8_t *dst, size_t max)
{
	FILE *f = fopen(path, "rbe");
	size_t n;

	if (!f)
		fail_msg("%s cannot be read; tests run in the project's folder",
			 path);
	n = fread(dst, 1, max, f);
	fclose(f);
	return n;
}

/* What another encoder made (tests/data/g729/make.py). */
static void g729_of_others_is_heard(void **state)
{
	struct codec_spec s = { "G729", 8000, 1, "annexb=yes" };
	static int16_t pcm[32000 + CODEC_SAMPLES_MAX];
	static uint8_t data[4000];
	size_t len, n = 0;
	struct codec *c;
	int r;

	(void)state;
	len = read_file("tests/data/g729/1060.g729", data, sizeof(data));
	assert_int_equal(len, 4000);
	assert_int_equal(codec_open(&s, 0, true, &c), 0);
	assert_int_equal(c->rate_hz, 8000);
	for (size_t i = 0; i < len; i += 20) {
		r = codec_decode(c, data + i, 20, pcm + n, CODEC_SAMPLES_MAX);
		assert_int_equal(r, 160);
		n += (size_t)r;
	}
	codec_close(&c);
	assert_true(level(pcm + 8000, 24000, 1060, 8000) > 0.3);
	assert_true(level(pcm + 8000, 24000, 530, 8000) < 0.01);
}

/* 6 kHz: beyond what 8000 samples a second could hold. */
static void g722_keeps_what_is_wide(void **state)
{
	struct codec_spec s = { "G722", 8000, 1, "" };
	static int16_t out[16000];
	int16_t pcm[CODEC_ENC_SAMPLES];
	uint8_t data[CODEC_ENC_BYTES];
	struct codec_enc *e;
	struct codec *c;
	size_t n = 0;

	(void)state;
	assert_int_equal(codec_enc_create(&e), 0);
	assert_int_equal(codec_open(&s, 0, true, &c), 0);
	assert_int_equal(c->rate_hz, 16000);
	while (n + CODEC_ENC_SAMPLES <= ARRAY_SIZE(out)) {
		for (size_t i = 0; i < CODEC_ENC_SAMPLES; i++)
			pcm[i] = (int16_t)(9000 * sin(2 * M_PI * 6000 *
						      (double)(n + i) / 16000));
		assert_int_equal(codec_enc_frame(e, pcm, data), 0);
		assert_int_equal(codec_duration_48k(&s, data, sizeof(data)),
				 960);
		assert_int_equal(codec_decode(c, data, sizeof(data), out + n,
					      CODEC_SAMPLES_MAX),
				 CODEC_ENC_SAMPLES);
		n += CODEC_ENC_SAMPLES;
	}
	assert_true(level(out + 1600, n - 1600, 6000, 16000) > 0.2);
	assert_true(level(out + 1600, n - 1600, 2000, 16000) < 0.01);
	codec_close(&c);
	codec_enc_destroy(&e);
}

static void sid_frames_are_noise_and_no_sound(void **state)
{
	static const struct {
		const char *name;
		uint8_t first;
		size_t len;
		bool noise;
		unsigned ticks;
	} cases[] = {
		{ "G729", 0x55, 2, true, 0 },
		{ "G729", 0x55, 10, false, 480 },
		{ "G729", 0x55, 12, false, 480 }, /* a frame, then a SID */
		{ "G729", 0x55, 20, false, 960 },
		{ "G729", 0x55, 3, false, 0 },
		{ "G723", 0x02, 4, true, 0 },
		{ "G723", 0x03, 1, true, 0 },
		{ "G723", 0x00, 24, false, 1440 },
		{ "G723", 0x01, 20, false, 1440 },
		{ "G722", 0x55, 2, false, 12 },
		{ "PCMU", 0x55, 2, false, 12 },
		{ "nobody", 0x55, 2, false, 0 },
	};
	int16_t pcm[CODEC_SAMPLES_MAX];
	struct codec_spec s;
	uint8_t data[24];
	struct codec *c;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(data, 0, sizeof(data));
		data[0] = cases[i].first;
		s = (struct codec_spec){ cases[i].name, 8000, 1, "" };
		assert_int_equal(codec_noise(&s, data, cases[i].len),
				 cases[i].noise);
		assert_int_equal(codec_duration_48k(&s, data, cases[i].len),
				 cases[i].ticks);
	}
	s.name = "G729";
	assert_int_equal(codec_open(&s, 0, true, &c), 0);
	memset(data, 0x5a, sizeof(data));
	assert_int_equal(codec_decode(c, data, 2, pcm, 9600), -EBADMSG);
	assert_int_equal(codec_decode(c, data, 12, pcm, 9600), 80);
	codec_close(&c);
}

/* A sender that does not keep to the agreed mode is heard all the same. */
static void ilbc_takes_both_lengths(void **state)
{
	static const char *const fmtps[] = { "", "mode=20", "mode=30",
					     "x=1; mode = 20" };
	static const bool short_ones[] = { false, true, false, true };
	int16_t pcm[CODEC_SAMPLES_MAX];
	uint8_t data[100] = { 0 };
	struct codec_spec s;
	struct codec *c;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fmtps); i++) {
		s = (struct codec_spec){ "iLBC", 8000, 1, fmtps[i] };
		assert_int_equal(codec_open(&s, 0, true, &c), 0);
		for (int k = 0; k < 3; k++) {
			assert_int_equal(codec_decode(c, data, 50, pcm, 9600),
					 240);
			assert_int_equal(codec_decode(c, data, 38, pcm, 9600),
					 160);
			assert_int_equal(codec_decode(c, data, 76, pcm, 9600),
					 320);
		}
		assert_int_equal(codec_duration_48k(&s, data, 50), 1440);
		assert_int_equal(codec_duration_48k(&s, data, 38), 960);
		assert_int_equal(codec_duration_48k(&s, data, 0), 0);
		/* fits both: as agreed */
		assert_int_equal(codec_duration_48k(&s, data, 950),
				 short_ones[i] ? 25 * 960 : 19 * 1440);
		codec_close(&c);
	}
}

/* Two packings of the same codewords (RFC 3551 sections 4.5.4): what one has
 * in its low bits the other has in its high ones. */
static void g726_packings_are_told_apart(void **state)
{
	struct codec_spec little = { "G726-32", 8000, 1, "" };
	struct codec_spec big = { "AAL2-G726-32", 8000, 1, "" };
	int16_t a[160], b[160];
	uint8_t x[80], y[80];
	struct codec *l, *h;

	(void)state;
	for (size_t i = 0; i < sizeof(x); i++) {
		x[i] = (uint8_t)(i * 37 + 11);
		y[i] = (uint8_t)(x[i] << 4 | x[i] >> 4);
	}
	assert_int_equal(codec_open(&little, 0, true, &l), 0);
	assert_int_equal(codec_open(&big, 0, true, &h), 0);
	assert_int_equal(codec_decode(l, x, 80, a, 160), 160);
	assert_int_equal(codec_decode(h, y, 80, b, 160), 160);
	assert_memory_equal(a, b, sizeof(a));
	codec_close(&l);
	codec_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_and_decoders_agree),
		cmocka_unit_test(list_knows_clocks_and_channels),
		cmocka_unit_test(fmtp_gives_its_parameters),
		cmocka_unit_test(g729_of_others_is_heard),
		cmocka_unit_test(g722_keeps_what_is_wide),
		cmocka_unit_test(sid_frames_are_noise_and_no_sound),
		cmocka_unit_test(ilbc_takes_both_lengths),
		cmocka_unit_test(g726_packings_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
