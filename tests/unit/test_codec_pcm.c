/* test_codec_pcm.c - facts about G.711, L16 and the codecs of libavcodec. */
#include "media/codec.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

/* ITU-T G.711 tables 1a, 2a: values at the ends of each segment, as 16 bit. */
static void pcm_mulaw_has_the_values_of_g711(void **state)
{
	static const struct {
		uint8_t code;
		int16_t value;
	} known[] = {
		{ 0x80, 32124 }, { 0x8f, 16764 },  { 0x90, 15996 },
		{ 0x9f, 8316 },	 { 0xa0, 7932 },   { 0xaf, 4092 },
		{ 0xb0, 3900 },	 { 0xbf, 1980 },   { 0xc0, 1884 },
		{ 0xcf, 924 },	 { 0xd0, 876 },	   { 0xdf, 396 },
		{ 0xe0, 372 },	 { 0xef, 132 },	   { 0xf0, 120 },
		{ 0xfe, 8 },	 { 0xff, 0 },	   { 0x7f, 0 },
		{ 0x7e, -8 },	 { 0x00, -32124 },
	};
	const int16_t *t = codec_pcm_table(false);
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(known); i++)
		assert_int_equal(t[known[i].code], known[i].value);
}

static void pcm_alaw_has_the_values_of_g711(void **state)
{
	static const struct {
		uint8_t code;
		int16_t value;
	} known[] = {
		{ 0xd5, 8 },	 { 0xd4, 24 },	   { 0x55, -8 },
		{ 0xda, 248 },	 { 0xc5, 264 },	   { 0xaa, 32256 },
		{ 0xa5, 16896 }, { 0x2a, -32256 }, { 0x80, 5504 },
		{ 0x00, -5504 },
	};
	const int16_t *t = codec_pcm_table(true);
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(known); i++)
		assert_int_equal(t[known[i].code], known[i].value);
}

static void pcm_codes_survive_decode_and_encode(void **state)
{
	unsigned law, i;

	(void)state;
	for (law = 0; law < 2; law++) {
		for (i = 0; i < 256; i++) {
			int16_t v = codec_pcm_table(law)[i];
			uint8_t code = codec_pcm_encode(law, v);

			if (!law && i == 0x7f)
				continue; /* minus nothing is nothing */
			assert_int_equal(code, i);
		}
	}
}

static void pcm_encode_takes_the_nearest_code(void **state)
{
	unsigned law, i;
	int v, best, d;

	(void)state;
	for (law = 0; law < 2; law++) {
		const int16_t *t = codec_pcm_table(law);

		for (v = -32000; v <= 32000; v += 37) {
			best = 65536;
			for (i = 0; i < 256; i++) {
				d = abs(t[i] - v);
				best = d < best ? d : best;
			}
			d = abs(t[codec_pcm_encode(law, (int16_t)v)] - v);
			/* where the steps double, the recommendation's
			 * border is not in the middle */
			assert_true(d <= 2 * best + 16);
		}
	}
}

static void open_spec(const char *name, uint32_t hz, unsigned ch,
		      struct codec_spec *s, struct codec **c)
{
	*s = (struct codec_spec){ name, hz, ch, "" };
	assert_true(codec_known(s, true));
	assert_int_equal(codec_open(s, 0, true, c), 0);
}

static void pcm_decodes_l16_stereo_as_mono(void **state)
{
	static const uint8_t data[] = { 0x10, 0x00, 0x20, 0x00,
					0xff, 0xfe, 0xff, 0xfe };
	struct codec_spec s;
	struct codec *c;
	int16_t pcm[8];

	(void)state;
	open_spec("L16", 44100, 2, &s, &c);
	assert_int_equal(codec_decode(c, data, 8, pcm, 8), 2);
	assert_int_equal(pcm[0], 0x1800);
	assert_int_equal(pcm[1], -2);
	assert_int_equal(c->rate_hz, 44100);
	assert_int_equal(codec_decode(c, data, 3, pcm, 8), -EBADMSG);
	codec_close(&c);
}

static void pcm_tells_the_length_of_payloads(void **state)
{
	static const struct {
		const char *name;
		uint32_t hz;
		size_t len;
		unsigned ticks;
	} cases[] = {
		{ "PCMU", 8000, 160, 960 },   { "pcma", 8000, 80, 480 },
		{ "L16", 16000, 640, 960 },   { "G722", 8000, 160, 960 },
		{ "G726-32", 8000, 80, 960 }, { "G729", 8000, 20, 960 },
		{ "G729", 8000, 22, 960 },    { "GSM", 8000, 33, 960 },
		{ "iLBC", 8000, 50, 1440 },   { "nobody", 8000, 50, 0 },
		{ "PCMU", 8000, 0, 0 },
	};
	static const uint8_t data[1024];
	struct codec_spec s;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		s = (struct codec_spec){ cases[i].name, cases[i].hz, 1, "" };
		assert_int_equal(codec_duration_48k(&s, data, cases[i].len),
				 cases[i].ticks);
	}
}

/* What libavcodec decodes is as long as the payload says, and rubbish does not
 * hurt. */
static void pcm_the_long_tail_decodes(void **state)
{
	static const struct {
		const char *name;
		size_t len;
		int samples;
	} cases[] = {
		{ "G722", 160, 320 },	{ "G726-32", 80, 160 },
		{ "G726-16", 40, 160 }, { "AAL2-G726-32", 80, 160 },
		{ "GSM", 33, 160 },	{ "G729", 20, 160 },
		{ "iLBC", 50, 240 },	{ "G723", 24, 240 },
	};
	int16_t pcm[CODEC_SAMPLES_MAX];
	struct codec_spec s;
	struct codec *c;
	uint8_t data[400];
	uint32_t x = 1;
	size_t i, k, n;
	int r;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		open_spec(cases[i].name, 8000, 1, &s, &c);
		memset(data, 0, sizeof(data));
		if (strcmp(cases[i].name, "GSM") == 0)
			data[0] = 0xd0; /* its signature */
		r = codec_decode(c, data, cases[i].len, pcm, CODEC_SAMPLES_MAX);
		if (r != cases[i].samples)
			fail_msg("%s: %d samples", cases[i].name, r);
		for (k = 0; k < 300; k++) {
			for (n = 0; n < sizeof(data); n++)
				data[n] = (uint8_t)((x = x * 1664525 +
							 1013904223) >>
						    24);
			r = codec_decode(c, data, 1 + data[0], pcm,
					 CODEC_SAMPLES_MAX);
			assert_true(r <= CODEC_SAMPLES_MAX);
		}
		codec_close(&c);
	}
}

static void pcm_unknown_names_are_refused(void **state)
{
	struct codec_spec s = { "X-NEW", 8000, 1, "" };
	struct codec *c = NULL;

	(void)state;
	assert_false(codec_known(&s, true));
	assert_int_equal(codec_open(&s, 0, true, &c), -ENOENT);
	s.name = "G722";
	assert_false(codec_known(&s, false));
	assert_int_equal(codec_open(&s, 0, false, &c), -ENOENT);
	codec_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcm_mulaw_has_the_values_of_g711),
		cmocka_unit_test(pcm_alaw_has_the_values_of_g711),
		cmocka_unit_test(pcm_codes_survive_decode_and_encode),
		cmocka_unit_test(pcm_encode_takes_the_nearest_code),
		cmocka_unit_test(pcm_decodes_l16_stereo_as_mono),
		cmocka_unit_test(pcm_tells_the_length_of_payloads),
		cmocka_unit_test(pcm_the_long_tail_decodes),
		cmocka_unit_test(pcm_unknown_names_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
