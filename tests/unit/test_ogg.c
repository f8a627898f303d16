/* test_ogg.c - facts about media/ogg.h, media/copy.h and media/mux.h. */
#include "media/ogg.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "media/copy.h"
#include "media/mux.h"

static const struct ogg_head mono = {
	.map = { .channels = 1, .streams = 1 },
	.pre_skip_48k = 312,
	.input_rate_hz = 8000,
};

static int sink(void *arg, const void *data, size_t len)
{
	return buf_put(arg, data, len);
}

struct reading {
	const struct buf *b;
	size_t at;
	size_t most; /* bytes a call */
};

static ssize_t read_buf(void *arg, void *dst, size_t len)
{
	struct reading *r = arg;
	size_t n = r->b->len - r->at;

	n = n < len ? n : len;
	n = r->most && n > r->most ? r->most : n;
	memcpy(dst, r->b->data + r->at, n);
	r->at += n;
	return (ssize_t)n;
}

static void silence(struct ogg_writer *w, unsigned n)
{
	uint8_t pkt[OPUS_SILENCE_LEN];

	(void)opus_file_silence(960, 8000, false, pkt);
	while (n-- > 0)
		assert_int_equal(ogg_writer_packet(w, pkt, sizeof(pkt), 960),
				 0);
}

/* A file of n silent packets that is heard for total ticks. */
static void make(struct buf *b, unsigned n, int64_t total)
{
	struct ogg_writer *w;
	struct buf tags;

	buf_init(b, 1 << 20);
	buf_init(&tags, 65536);
	assert_int_equal(ogg_tag(&tags, "RECORDING_ID", "abc"), 0);
	assert_int_equal(ogg_tag(&tags, "PARTICIPANT", "sip:a@b"), 0);
	assert_int_equal(ogg_writer_create(&mono, &tags, 7, sink, b, &w), 0);
	silence(w, n);
	assert_int_equal(ogg_writer_ticks(w), (int64_t)n * 960);
	assert_int_equal(ogg_writer_finish(w, total), 0);
	ogg_writer_destroy(&w);
	buf_fini(&tags);
}

static void ogg_reads_back_what_was_written(void **state)
{
	struct ogg_check c;
	struct reading r;
	struct buf b;

	(void)state;
	make(&b, 501, 500 * 960 + 5);
	r = (struct reading){ &b, 0, 0 };
	assert_int_equal(ogg_verify(read_buf, &r, &c), 0);
	assert_int_equal(c.info.packets, 501);
	assert_int_equal(c.info.duration_48k, 500 * 960 + 5);
	assert_int_equal(c.decoded_48k, 501 * 960);
	assert_int_equal(c.info.head.pre_skip_48k, 312);
	assert_int_equal(c.info.head.input_rate_hz, 8000);
	assert_int_equal(c.info.head.map.channels, 1);
	assert_true(c.info.complete);
	assert_string_equal(c.info.tags,
			    "RECORDING_ID=abc\nPARTICIPANT=sip:a@b\n");
	assert_int_equal(c.peak[0], 0);
	buf_fini(&b);
}

static void ogg_same_packets_same_bytes(void **state)
{
	struct buf a, b;

	(void)state;
	make(&a, 100, 96000 - 400);
	make(&b, 100, 96000 - 400);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	buf_fini(&a);
	buf_fini(&b);
}

static void ogg_end_never_promises_more_than_there_is(void **state)
{
	struct ogg_check c;
	struct reading r;
	struct buf b;

	(void)state;
	make(&b, 10, 100000);
	r = (struct reading){ &b, 0, 3 };
	assert_int_equal(ogg_verify(read_buf, &r, &c), 0);
	assert_int_equal(c.info.duration_48k, 9600 - 312);
	buf_fini(&b);
}

/* Any flipped byte is found by a page's checksum, any cut by what is missing.
 */
static void ogg_damage_is_found(void **state)
{
	struct ogg_check c;
	struct reading r;
	struct buf b;
	size_t i;
	int e;

	(void)state;
	make(&b, 200, 199 * 960);
	for (i = 0; i < b.len; i += 7) {
		b.data[i] ^= 0x10;
		r = (struct reading){ &b, 0, 0 };
		e = ogg_verify(read_buf, &r, &c);
		if (e == 0 && c.info.complete &&
		    c.info.duration_48k == 199 * 960)
			fail_msg("byte %zu", i);
		b.data[i] ^= 0x10;
	}
	for (i = 0; i < b.len; i += 97) {
		struct buf cut = b;

		cut.len = i;
		r = (struct reading){ &cut, 0, 0 };
		e = ogg_verify(read_buf, &r, &c);
		assert_true(e == -EBADMSG || !c.info.complete);
	}
	buf_fini(&b);
}

static int full(void *arg, const void *data, size_t len)
{
	int *left = arg;

	(void)data;
	(void)len;
	return --*left < 0 ? -ENOSPC : 0;
}

static void ogg_hands_the_sinks_error_through(void **state)
{
	struct ogg_writer *w = NULL;
	struct buf tags;
	int left = 2, r;

	(void)state;
	buf_init(&tags, 100);
	assert_int_equal(ogg_writer_create(&mono, &tags, 1, full, &left, &w),
			 -ENOSPC);
	left = 4;
	assert_int_equal(ogg_writer_create(&mono, &tags, 1, full, &left, &w),
			 0);
	silence(w, 10);
	r = ogg_writer_finish(w, 9600);
	assert_int_equal(r, -ENOSPC);
	ogg_writer_destroy(&w);
	left = 100;
	assert_int_equal(ogg_writer_create(&mono, &tags, 1, full, &left, &w),
			 0);
	assert_int_equal(ogg_writer_finish(w, 1), -EINVAL);
	ogg_writer_destroy(&w);
	buf_fini(&tags);
}

/* ---- copies ---- */

struct copying {
	struct buf b, tags;
	struct copy c;
	int64_t at;
};

static void copy_begin(struct copying *k)
{
	struct ogg_head head = mono;

	memset(k, 0, sizeof(*k));
	buf_init(&k->b, 1 << 20);
	buf_init(&k->tags, 100);
	head.pre_skip_48k = 0;
	k->c = (struct copy){ .rate_hz = 16000 };
	assert_int_equal(ogg_writer_create(&head, &k->tags, 1, sink, &k->b,
					   &k->c.out),
			 0);
}

static void seg(struct copying *k, enum tl_kind kind, int32_t len)
{
	/* 20 ms wideband SILK, some payload */
	static const uint8_t pkt[] = { 0x48, 1, 2, 3, 4, 5 };
	struct tl_seg s = { .start = k->at, .len = len, .kind = kind };

	assert_int_equal(copy_seg(&k->c, &s, kind == TL_PACKET ? pkt : NULL,
				  kind == TL_PACKET ? sizeof(pkt) : 0),
			 0);
	k->at += len;
}

static void copy_end(struct copying *k, struct ogg_info *info)
{
	struct reading r = { &k->b, 0, 0 };

	assert_int_equal(copy_finish(&k->c, k->at), 0);
	assert_int_equal(ogg_writer_finish(k->c.out, k->at), 0);
	assert_int_equal(ogg_read(read_buf, &r, NULL, NULL, NULL, info), 0);
	ogg_writer_destroy(&k->c.out);
	buf_fini(&k->b);
	buf_fini(&k->tags);
}

static void copy_gaps_keep_their_length(void **state)
{
	static const struct {
		enum tl_kind kind;
		int32_t len;
	} gaps[] = {
		{ TL_LOSS, 960 },	  { TL_LOSS, 50 * 960 },
		{ TL_SILENCE, 12 * 960 }, { TL_SILENCE, 500 * 960 },
		{ TL_HOLD, 1234567 },	  { TL_LOSS, 1000 },
		{ TL_SILENCE, 130 },
	};
	struct ogg_info info;
	struct copying k;
	size_t i;
	int n;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(gaps); i++) {
		copy_begin(&k);
		for (n = 0; n < 50; n++)
			seg(&k, TL_PACKET, 960);
		seg(&k, gaps[i].kind, gaps[i].len);
		for (n = 0; n < 50; n++)
			seg(&k, TL_PACKET, 960);
		copy_end(&k, &info);
		/* within the shortest packet there is, 2.5 ms */
		assert_in_range(info.duration_48k, k.at - 120, k.at);
	}
}

static void copy_drift_costs_or_adds_a_packet(void **state)
{
	struct ogg_info info;
	struct copying k;
	int n;

	(void)state;
	copy_begin(&k);
	for (n = 0; n < 10000; n++) /* the sender's clock is fast: 500 ppm */
		seg(&k, TL_PACKET, n % 2 ? 960 : 959);
	copy_end(&k, &info);
	assert_int_equal(k.c.left_out, 5);
	assert_in_range(info.duration_48k, k.at - 960, k.at);
	copy_begin(&k);
	for (n = 0; n < 10000; n++)
		seg(&k, TL_PACKET, n % 2 ? 960 : 961);
	copy_end(&k, &info);
	assert_in_range(info.duration_48k, k.at - 960, k.at);
}

/* ---- MP4 ---- */

static void mux_keeps_packets_and_duration(void **state)
{
	char ogg[128], mp4[128];
	struct mux_info info;
	struct buf b;
	size_t len, moov, mdat;
	int64_t us;
	char *file;

	(void)state;
	(void)snprintf(ogg, sizeof(ogg), "%s", unit_temp_dir());
	(void)snprintf(mp4, sizeof(mp4), "%s/x.mp4", ogg);
	(void)snprintf(ogg + strlen(ogg), 8, "/x.ogg");
	make(&b, 501, 500 * 960);
	unit_write_file(ogg, b.data, b.len);
	assert_int_equal(mux_ogg_to_mp4(ogg, mp4, &us), 0);
	assert_int_equal(mux_probe(mp4, &info), 0);
	assert_int_equal(info.packets, 501);
	assert_int_equal(info.channels, 1);
	assert_in_range(info.duration_us, 9980000, 10030000);
	/* the index comes first */
	file = unit_read_file(mp4, &len);
	for (moov = 0; memcmp(file + moov, "moov", 4) != 0; moov++)
		assert_true(moov + 4 < len);
	for (mdat = 0; memcmp(file + mdat, "mdat", 4) != 0; mdat++)
		assert_true(mdat + 4 < len);
	assert_true(moov < mdat);
	test_free(file);
	/* rubbish in, nothing out */
	unit_write_file(ogg, "OggSnonsense", 12);
	assert_true(mux_ogg_to_mp4(ogg, mp4, NULL) < 0);
	assert_int_equal(access(mp4, F_OK) == 0 && mux_probe(mp4, &info) == 0 &&
				 info.packets != 501,
			 0);
	ogg[strlen(ogg) - 6] = 0;
	(void)unit_remove_tree(ogg);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ogg_reads_back_what_was_written),
		cmocka_unit_test(ogg_same_packets_same_bytes),
		cmocka_unit_test(ogg_end_never_promises_more_than_there_is),
		cmocka_unit_test(ogg_damage_is_found),
		cmocka_unit_test(ogg_hands_the_sinks_error_through),
		cmocka_unit_test(copy_gaps_keep_their_length),
		cmocka_unit_test(copy_drift_costs_or_adds_a_packet),
		cmocka_unit_test(mux_keeps_packets_and_duration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
