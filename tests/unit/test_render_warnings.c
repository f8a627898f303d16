/* test_render_warnings.c - each warning that only a spool of a certain kind
 * leads to: what capture refuses from the network, what disks do, and what
 * takes longer than a test may wait. */
#include "media/render.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "tests/support/spool_maker.h"

#define META                                                                   \
	"{\"participants\":[{\"aor\":\"sip:alice@example.com\","               \
	"\"streams\":[0]}]}"

struct world {
	char dir[64], work[96], media[96];
	struct spool_maker m;
	struct blob_store *store;
	struct render_result *res;
	struct err e;
};

static int setup(void **state)
{
	struct world *w = mem_zalloc(sizeof(*w));

	(void)snprintf(w->dir, sizeof(w->dir), "%s", unit_temp_dir());
	(void)snprintf(w->work, sizeof(w->work), "%s/work", w->dir);
	(void)snprintf(w->media, sizeof(w->media), "%s/media", w->dir);
	assert_int_equal(mkdir(w->work, 0700), 0);
	assert_int_equal(blob_fs_create(w->media, &w->store), 0);
	w->res = mem_zalloc(sizeof(*w->res));
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	blob_store_destroy(&w->store);
	mem_free(w->res);
	(void)unit_remove_tree(w->dir);
	mem_free(w);
	return 0;
}

static void open_spool(struct world *w, const char *meta)
{
	maker_open(&w->m, w->dir, meta);
	maker_add_stream(&w->m, 0, "PCMU", 8000, 1);
	maker_table(&w->m);
}

/* Packets from..to of 20 ms; the sender's clock is off by so many ppm. */
static void talk(struct world *w, unsigned from, unsigned to, int ppm)
{
	uint8_t payload[160];

	memset(payload, 0x55, sizeof(payload));
	for (unsigned k = from; k < to; k++) {
		maker_rtp(&w->m, 0, 0, (uint16_t)k, 160 * k, 7, payload,
			  sizeof(payload));
		maker_advance(&w->m, 20000 - 20000 * ppm / 1000000);
	}
}

static bool rendered_with(struct world *w, const char *code)
{
	struct render_options opt = { .spool_path = w->m.path,
				      .work_dir = w->work,
				      .store = w->store,
				      .key_prefix = "t/r/",
				      .complexity = 1,
				      .use_av = true };

	assert_int_equal(render_spool(&opt, w->res, &w->e), 0);
	for (unsigned i = 0; i < w->res->n_warnings; i++)
		if (strcmp(w->res->warnings[i].code, code) == 0)
			return true;
	return false;
}

static void what_is_no_rtp_is_told(void **state)
{
	struct world *w = *state;
	static const uint8_t junk[20] = { 0x40, 0 };

	open_spool(w, META);
	talk(w, 0, 50, 0);
	assert_int_equal(spool_batch_put(&w->m.batch, 0, SPOOL_RTP, 0, junk,
					 sizeof(junk)),
			 0);
	maker_advance(&w->m, 20000);
	maker_close(&w->m, true);
	assert_true(rendered_with(w, "media.broken"));
}

static void a_clock_that_is_off_is_told(void **state)
{
	struct world *w = *state;

	open_spool(w, META);
	talk(w, 0, 60 * 50, 300);
	maker_close(&w->m, true);
	assert_true(rendered_with(w, "media.drift"));
}

static void a_wild_time_is_told(void **state)
{
	struct world *w = *state;
	uint8_t payload[160] = { 0 };

	open_spool(w, META);
	talk(w, 0, 50, 0);
	maker_rtp(&w->m, 0, 0, 50, 160 * 50 + 8000 * 3600u, 7, payload,
		  sizeof(payload));
	maker_advance(&w->m, 20000);
	talk(w, 51, 100, 0);
	maker_close(&w->m, true);
	assert_true(rendered_with(w, "media.wild_time"));
}

static void a_fast_clock_is_told(void **state)
{
	struct world *w = *state;
	uint8_t payload[160] = { 0 };

	open_spool(w, META);
	for (unsigned k = 0; k < 150; k++) {
		maker_rtp(&w->m, 0, 0, (uint16_t)k, 320 * k, 7, payload,
			  sizeof(payload));
		maker_advance(&w->m, 20000);
	}
	maker_close(&w->m, true);
	assert_true(rendered_with(w, "media.fast_clock"));
	assert_in_range(w->res->duration_us, 2960000, 3040000);
}

static void a_number_that_stands_is_told(void **state)
{
	struct world *w = *state;
	uint8_t payload[160] = { 0 };

	open_spool(w, META);
	for (unsigned k = 0; k < 100; k++) {
		maker_rtp(&w->m, 0, 0, 77, 160 * k, 7, payload,
			  sizeof(payload));
		maker_advance(&w->m, 20000);
	}
	maker_close(&w->m, true);
	assert_true(rendered_with(w, "media.number_stands"));
	assert_in_range(w->res->duration_us, 1960000, 2040000);
}

static void a_sender_that_begins_again_is_told(void **state)
{
	struct world *w = *state;

	open_spool(w, META);
	talk(w, 0, 100, 0);
	maker_advance(&w->m, 2000000);
	talk(w, 0, 100, 0);
	maker_close(&w->m, true);
	assert_true(rendered_with(w, "media.restarted"));
	assert_in_range(w->res->duration_us, 5960000, 6040000);
}

/* A tone of L16, the low byte first or not. */
static void send_l16(struct world *w, bool low)
{
	uint8_t payload[320];
	int v;

	maker_open(&w->m, w->dir, META);
	maker_add_stream(&w->m, 97, "L16", 8000, 1);
	maker_table(&w->m);
	for (unsigned k = 0; k < 100; k++) {
		for (unsigned i = 0; i < 160; i++) {
			v = (int)((k * 160 + i) % 40) * 100 - 2000;
			payload[2 * i + low] = (uint8_t)((unsigned)v >> 8);
			payload[2 * i + !low] = (uint8_t)v;
		}
		maker_rtp(&w->m, 0, 97, (uint16_t)k, 160 * k, 7, payload,
			  sizeof(payload));
		maker_advance(&w->m, 20000);
	}
	maker_close(&w->m, true);
}

static void l16_with_the_low_byte_first_is_told(void **state)
{
	struct world *w = *state;

	send_l16(w, true);
	assert_true(rendered_with(w, "media.byte_order"));
}

static void l16_in_order_is_left_alone(void **state)
{
	struct world *w = *state;

	send_l16(w, false);
	assert_false(rendered_with(w, "media.byte_order"));
}

static void what_fits_nowhere_is_a_stray(void **state)
{
	struct world *w = *state;
	uint8_t payload[160] = { 0 };

	open_spool(w, META);
	talk(w, 0, 50, 0);
	maker_rtp(&w->m, 0, 0, 20050, 160 * 50, 7, payload, sizeof(payload));
	maker_advance(&w->m, 20000);
	talk(w, 51, 150, 0);
	maker_close(&w->m, true);
	assert_true(rendered_with(w, "media.strays"));
	assert_int_equal(w->res->streams[0].lost, 1);
}

static void a_description_that_is_none_is_told(void **state)
{
	struct world *w = *state;

	open_spool(w, "{\"participants\":");
	talk(w, 0, 50, 0);
	maker_close(&w->m, true);
	assert_true(rendered_with(w, "media.meta"));
}

static void a_damaged_block_is_told(void **state)
{
	struct world *w = *state;
	struct stat st;
	int fd;

	open_spool(w, META);
	talk(w, 0, 200, 0);
	maker_close(&w->m, true);
	fd = open(w->m.path, O_RDWR | O_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(pwrite(fd, "\xff\xff\xff\xff", 4, st.st_size / 2), 4);
	close(fd);
	assert_true(rendered_with(w, "spool.damaged"));
}

static void a_new_start_of_capture_is_told(void **state)
{
	struct world *w = *state;
	struct id id = { MAKER_ID };

	open_spool(w, META);
	talk(w, 0, 50, 0);
	spool_writer_destroy(&w->m.w);
	assert_int_equal(spool_writer_append(w->m.dir_fd, &id,
					     &w->m.clock.clock, &w->m.w),
			 0);
	talk(w, 50, 100, 0);
	maker_close(&w->m, true);
	assert_true(rendered_with(w, "spool.restarted"));
}

static void what_the_disk_refused_is_told(void **state)
{
	struct world *w = *state;
	struct rlimit old, tight;

	open_spool(w, META);
	talk(w, 0, 50, 0);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tight = old;
	tight.rlim_cur = spool_writer_size(w->m.w) + 30;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	maker_rtp(&w->m, 0, 0, 50, 8000, 7, "lost", 4);
	assert_int_equal(spool_writer_packets(w->m.w, &w->m.batch,
					      w->m.clock.now_mono_us,
					      w->m.clock.now_wall_us),
			 -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	spool_batch_reset(&w->m.batch);
	talk(w, 51, 100, 0);
	maker_close(&w->m, true);
	assert_true(rendered_with(w, "spool.disk"));
}

static void text_without_end_is_told(void **state)
{
	struct world *w = *state;
	char text[1000];
	unsigned k;

	memset(text, 'x', sizeof(text));
	open_spool(w, META);
	maker_add_stream(&w->m, 98, "t140", 1000, 1);
	w->m.table.s[1].media = CAP_TEXT;
	maker_table(&w->m);
	talk(w, 0, 50, 0);
	for (k = 0; k < 4400; k++) {
		maker_rtp(&w->m, 1, 98, (uint16_t)k, 20 * k, 9, text,
			  sizeof(text));
		maker_advance(&w->m, 20000);
	}
	maker_close(&w->m, true);
	assert_true(rendered_with(w, "text.too_much"));
}

#define WORLD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(what_is_no_rtp_is_told),
		WORLD(a_clock_that_is_off_is_told),
		WORLD(a_wild_time_is_told),
		WORLD(a_fast_clock_is_told),
		WORLD(a_number_that_stands_is_told),
		WORLD(a_sender_that_begins_again_is_told),
		WORLD(l16_with_the_low_byte_first_is_told),
		WORLD(l16_in_order_is_left_alone),
		WORLD(what_fits_nowhere_is_a_stray),
		WORLD(a_description_that_is_none_is_told),
		WORLD(a_damaged_block_is_told),
		WORLD(a_new_start_of_capture_is_told),
		WORLD(what_the_disk_refused_is_told),
		WORLD(text_without_end_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
