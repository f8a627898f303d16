/* test_peaks.c - facts about media/peaks.h and media/plan.h. */
#include "media/peaks.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "media/plan.h"

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static void peaks_json_and_binary_say_the_same(void **state)
{
	int16_t a[160], b[160];
	json_t *root, *data;
	struct peaks *p;
	struct buf js, dat;
	unsigned i, k;

	(void)state;
	assert_int_equal(peaks_create(2, 8000, &p), 0);
	for (k = 0; k < 10; k++) {
		for (i = 0; i < 160; i++) {
			a[i] = (int16_t)(i % 2 ? 256 * (int)k : -512 * (int)k);
			b[i] = 100; /* too little to show */
		}
		peaks_frame(p, 0, a, 160);
		peaks_frame(p, 1, b, 160);
		peaks_next(p);
	}
	buf_init(&js, 65536);
	buf_init(&dat, 65536);
	assert_int_equal(peaks_json(p, &js), 0);
	assert_int_equal(peaks_dat(p, &dat), 0);
	root = json_loads(buf_str(&js), JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
#define INT(k) json_integer_value(json_object_get(root, k))
	assert_int_equal(INT("version"), 2);
	assert_int_equal(INT("channels"), 2);
	assert_int_equal(INT("sample_rate"), 8000);
	assert_int_equal(INT("samples_per_pixel"), 160);
	assert_int_equal(INT("bits"), 8);
	assert_int_equal(INT("length"), 10);
	data = json_object_get(root, "data");
	assert_int_equal(json_array_size(data), 10 * 2 * 2);
	assert_int_equal(dat.len, 24 + 40);
	assert_int_equal(le32(dat.data), 2);
	assert_int_equal(le32(dat.data + 4), 1);
	assert_int_equal(le32(dat.data + 8), 8000);
	assert_int_equal(le32(dat.data + 12), 160);
	assert_int_equal(le32(dat.data + 16), 10);
	assert_int_equal(le32(dat.data + 20), 2);
	for (i = 0; i < 40; i++)
		assert_int_equal(json_integer_value(json_array_get(data, i)),
				 (int8_t)dat.data[24 + i]);
	/* pixel 3: left -6..3, right nothing */
	assert_int_equal((int8_t)dat.data[24 + 12], -6);
	assert_int_equal((int8_t)dat.data[24 + 13], 3);
	assert_int_equal((int8_t)dat.data[24 + 14], 0);
	assert_int_equal((int8_t)dat.data[24 + 15], 0);
	json_decref(root);
	buf_fini(&js);
	buf_fini(&dat);
	peaks_destroy(&p);
}

static void peaks_of_a_long_call_get_coarser(void **state)
{
	int16_t loud[160], quiet[160] = { 0 };
	unsigned frames = 8 * 3600 * 50, k, i, spp, length, seen = 0;
	struct peaks *p;
	struct buf dat;

	(void)state;
	for (i = 0; i < 160; i++)
		loud[i] = 25600;
	assert_int_equal(peaks_create(1, 8000, &p), 0);
	for (k = 0; k < frames; k++) {
		peaks_frame(p, 0, k == frames / 2 ? loud : quiet, 160);
		peaks_next(p);
	}
	buf_init(&dat, 1 << 20);
	assert_int_equal(peaks_dat(p, &dat), 0);
	spp = le32(dat.data + 12);
	length = le32(dat.data + 16);
	assert_true(length <= PEAKS_PIXELS_MAX);
	assert_true(length > PEAKS_PIXELS_MAX / 2 - 2);
	/* together they cover the call, the last one maybe in part */
	assert_true((uint64_t)spp * length >= (uint64_t)frames * 160);
	assert_true((uint64_t)spp * (length - 1) < (uint64_t)frames * 160);
	for (i = 0; i < length; i++)
		if (dat.data[24 + 2 * i + 1]) {
			assert_int_equal(dat.data[24 + 2 * i + 1], 100);
			assert_int_equal(i, frames / 2 / (spp / 160));
			seen++;
		}
	assert_int_equal(seen, 1);
	buf_fini(&dat);
	peaks_destroy(&p);
}

static void peaks_refuses_impossible_shapes(void **state)
{
	struct peaks *p = NULL;

	(void)state;
	assert_int_equal(peaks_create(0, 8000, &p), -EINVAL);
	assert_int_equal(peaks_create(3, 8000, &p), -EINVAL);
	assert_int_equal(peaks_create(1, 0, &p), -EINVAL);
}

/* ---- who is where ---- */

struct row {
	const char *name;
	const char *meta;
	uint32_t streams;
	unsigned channels;
	const char *tracks; /* "m-line:party:channel ..." */
};

static const struct row rows[] = {
	{ "two", "{\"participants\":[{\"streams\":[0]},{\"streams\":[1]}]}", 3,
	  2, "0:0:0 1:1:1 " },
	{ "two, turned",
	  "{\"participants\":[{\"streams\":[1]},"
	  "{\"streams\":[0]}]}",
	  3, 2, "1:0:0 0:1:1 " },
	{ "no metadata", "", 3, 2, "0:-1:0 1:-1:1 " },
	{ "broken metadata", "{nonsense", 3, 2, "0:-1:0 1:-1:1 " },
	{ "one mixed stream",
	  "{\"participants\":[{\"streams\":[0]},{\"streams\":[0]}]}", 1, 1,
	  "0:-1:0 " },
	{ "third line repeats the two",
	  "{\"participants\":[{\"streams\":[0,2]},{\"streams\":[1,2]}]}", 7, 2,
	  "0:0:0 1:1:1 2:-1:-1 " },
	{ "three, nobody owns",
	  "{\"participants\":[{\"streams\":[0]},{\"streams\":[1]},"
	  "{\"streams\":[2]}]}",
	  7, 2, "0:0:0 1:1:1 2:2:1 " },
	{ "three, the last owns",
	  "{\"owner_aor\":\"c\",\"participants\":[{\"aor\":\"a\","
	  "\"streams\":[0]},{\"aor\":\"b\",\"streams\":[1]},"
	  "{\"aor\":\"c\",\"streams\":[2]}]}",
	  7, 2, "0:0:1 1:1:1 2:2:0 " },
	{ "two streams of one party",
	  "{\"participants\":[{\"streams\":[0,2]},{\"streams\":[1]}]}", 7, 2,
	  "0:0:0 2:0:0 1:1:1 " },
	{ "lines not in use",
	  "{\"participants\":[{\"streams\":[0,1]},{\"streams\":[2,3]}]}", 5, 2,
	  "0:0:0 2:1:1 " },
	{ "nothing", "{}", 0, 0, "" },
};

static void plan_sides_and_tracks(void **state)
{
	char got[512], one[32];
	struct plan p;
	size_t i;
	unsigned k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		memset(&p, 0, sizeof(p));
		(void)plan_read_meta(&p, rows[i].meta);
		plan_make(&p, rows[i].streams);
		got[0] = 0;
		for (k = 0; k < p.n_tracks; k++) {
			size_t at = strlen(got);

			(void)snprintf(one, sizeof(one), "%u:%d:%d ",
				       p.tracks[k].stream, p.tracks[k].party,
				       p.tracks[k].channel);
			(void)snprintf(got + at, sizeof(got) - at, "%s", one);
		}
		if (p.channels != rows[i].channels ||
		    strcmp(got, rows[i].tracks) != 0)
			fail_msg("%s: %u channels, %s", rows[i].name,
				 p.channels, got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peaks_json_and_binary_say_the_same),
		cmocka_unit_test(peaks_of_a_long_call_get_coarser),
		cmocka_unit_test(peaks_refuses_impossible_shapes),
		cmocka_unit_test(plan_sides_and_tracks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
