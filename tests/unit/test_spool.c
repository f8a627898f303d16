/* test_spool.c - facts about media/spool.h: what was written is read, whatever
 * happens to the file in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "media/crc32c.h"
#include "media/spool.h"

static const struct id session = { "0190a5e2-7c1b-7def-8123-456789abcdef" };
#define FILE_NAME "0190a5e2-7c1b-7def-8123-456789abcdef.spool"
#define META "{\"tenant_id\":\"t\"}"

struct world {
	char dir[64];
	char path[160];
	int dir_fd;
	struct clock_fake clock;
	struct spool_batch batch;
};

static int world_setup(void **state)
{
	struct world *w = mem_zalloc(sizeof(*w));

	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/test_spool.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	w->dir_fd = open(w->dir, O_DIRECTORY | O_RDONLY);
	assert_true(w->dir_fd >= 0);
	(void)snprintf(w->path, sizeof(w->path), "%s/%s", w->dir, FILE_NAME);
	clock_fake_init(&w->clock, 5000000, 1700000000000000);
	assert_int_equal(spool_batch_init(&w->batch), 0);
	*state = w;
	return 0;
}

static int world_teardown(void **state)
{
	struct world *w = *state;

	unlink(w->path);
	close(w->dir_fd);
	rmdir(w->dir);
	spool_batch_fini(&w->batch);
	mem_free(w);
	return 0;
}

static struct spool_writer *make(struct world *w)
{
	struct spool_open o = { .session = session,
				.start_wall_us = 1700000000000000,
				.local_address = "127.0.0.1",
				.meta = META,
				.meta_len = strlen(META) };
	struct spool_writer *sw = NULL;

	assert_int_equal(
		spool_writer_create(w->dir_fd, &o, &w->clock.clock, &sw), 0);
	return sw;
}

/* One tick later: n packets of stream 0 whose first two bytes count. */
static int tick(struct world *w, struct spool_writer *sw, unsigned n)
{
	static uint16_t counter;
	uint8_t raw[40] = { 0 };

	clock_fake_advance(&w->clock, 100000);
	spool_batch_reset(&w->batch);
	for (unsigned i = 0; i < n; i++, counter++) {
		memcpy(raw, &counter, 2);
		assert_int_equal(spool_batch_put(&w->batch, 0, SPOOL_RTP,
						 (n - i) * 1000, raw,
						 sizeof(raw)),
				 0);
	}
	return spool_writer_packets(sw, &w->batch, w->clock.now_mono_us,
				    w->clock.now_wall_us);
}

static int event(struct spool_writer *sw, const char *text)
{
	struct spool_event e = { .kind = CAP_EV_NOTE,
				 .index = -1,
				 .text = text,
				 .text_len = strlen(text) };

	return spool_writer_event(sw, &e);
}

static uint64_t file_size(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_size;
}

/* Everything in the file: counts by type. */
struct count {
	unsigned n[16];
	int64_t last_t_us;
	struct spool_stats stats;
};

static int count_items(const char *path, struct count *ret)
{
	struct spool_reader *r = NULL;
	struct spool_item it;
	int ret_open, n;

	memset(ret, 0, sizeof(*ret));
	ret_open = spool_reader_open(path, &r);
	if (ret_open < 0)
		return ret_open;
	while ((n = spool_reader_next(r, &it)) > 0) {
		ret->n[it.type & 15]++;
		ret->last_t_us = it.t_us;
	}
	assert_int_equal(n, 0);
	spool_reader_stats(r, &ret->stats);
	spool_reader_close(&r);
	return 0;
}

static void crc32c_matches_the_rfc(void **state)
{
	uint8_t raw[32];

	(void)state;
	memset(raw, 0, sizeof(raw));
	assert_int_equal(crc32c(0, raw, 32), 0x8a9136aa);
	memset(raw, 0xff, sizeof(raw));
	assert_int_equal(crc32c(0, raw, 32), 0x62a8ab43);
	for (unsigned i = 0; i < 32; i++)
		raw[i] = (uint8_t)i;
	assert_int_equal(crc32c(0, raw, 32), 0x46dd794e);
	assert_int_equal(crc32c(crc32c(0, raw, 5), raw + 5, 27), 0x46dd794e);
	for (unsigned i = 0; i <= 32; i++)
		assert_int_equal(crc32c(1, raw, i), crc32c_plain(1, raw, i));
}

static void stream_table(struct spool_streams *t)
{
	struct sockaddr_in *v4;
	struct sockaddr_in6 *v6;

	memset(t, 0, sizeof(*t));
	t->n = 2;
	t->s[0] = (struct cap_stream){ .index = 0,
				       .enabled = true,
				       .active = true,
				       .local_port = 20000,
				       .label = "1",
				       .n_pts = 1 };
	t->s[0].pts[0] = (struct cap_pt){
		.pt = 0, .channels = 1, .rate_hz = 8000, .codec = "PCMU"
	};
	v4 = (struct sockaddr_in *)&t->s[0].remote_rtp;
	v4->sin_family = AF_INET;
	v4->sin_port = htons(4000);
	v4->sin_addr.s_addr = htonl(0x7f000001);
	t->s[1] = (struct cap_stream){ .index = 3,
				       .media = CAP_VIDEO,
				       .enabled = true,
				       .muted = true,
				       .rtcp_mux = true,
				       .label = "left",
				       .n_pts = 2 };
	t->s[1].pts[1] = (struct cap_pt){ .pt = 111,
					  .channels = 2,
					  .rate_hz = 48000,
					  .codec = "opus",
					  .fmtp = "useinbandfec=1" };
	v6 = (struct sockaddr_in6 *)&t->s[1].remote_rtcp;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(4001);
	v6->sin6_addr = in6addr_loopback;
}

static void spool_gives_back_what_was_written(void **state)
{
	struct world *w = *state;
	struct spool_writer *sw = make(w);
	static struct spool_streams table;
	static struct spool_close totals = { .reason = "bye", .n = 1 };
	struct spool_reader *r = NULL;
	struct spool_item it;

	stream_table(&table);
	assert_int_equal(spool_writer_streams(sw, &table), 0);
	assert_int_equal(tick(w, sw, 2), 0);
	assert_int_equal(event(sw, "hello"), 0);
	totals.streams[0].dropped[SPOOL_DROP_PT] = 7;
	assert_int_equal(spool_writer_close(sw, &totals), 0);
	assert_string_equal(spool_writer_name(sw), FILE_NAME);
	assert_int_equal(spool_writer_total(sw), 2);
	spool_writer_destroy(&sw);

	assert_int_equal(spool_reader_open(w->path, &r), 0);
	assert_string_equal(spool_reader_session(r), session.s);
	assert_int_equal(spool_reader_next(r, &it), 1);
	assert_int_equal(it.type, SPOOL_OPEN);
	assert_int_equal(it.t_us, 0);
	assert_string_equal(it.open.session.s, session.s);
	assert_string_equal(it.open.meta, META);
	assert_string_equal(it.open.local_address, "127.0.0.1");
	assert_int_equal(it.open.start_wall_us, 1700000000000000);
	assert_int_equal(spool_reader_next(r, &it), 1);
	assert_int_equal(it.type, SPOOL_STREAMS);
	assert_memory_equal(it.streams, &table, sizeof(table));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(spool_reader_next(r, &it), 1);
		assert_int_equal(it.type, SPOOL_PACKETS);
		assert_int_equal(it.t_us, 98000 + i * 1000);
		assert_int_equal(it.mono_us, 5098000 + i * 1000);
		assert_int_equal(it.wall_us, 1700000000098000 + i * 1000);
		assert_int_equal(it.packet.proto, SPOOL_RTP);
		assert_int_equal(it.packet.len, 40);
	}
	assert_int_equal(spool_reader_next(r, &it), 1);
	assert_int_equal(it.type, SPOOL_EVENT);
	assert_string_equal(it.event.text, "hello");
	assert_int_equal(it.event.index, -1);
	assert_int_equal(spool_reader_next(r, &it), 1);
	assert_int_equal(it.type, SPOOL_CLOSE);
	assert_string_equal(it.close->reason, "bye");
	assert_int_equal(it.close->packets, 2);
	assert_int_equal(it.close->streams[0].dropped[SPOOL_DROP_PT], 7);
	assert_int_equal(spool_reader_next(r, &it), 0);
	spool_reader_close(&r);
}

static void spool_goes_on_after_a_rest(void **state)
{
	struct world *w = *state;
	struct spool_writer *sw = make(w);
	static struct spool_close totals = { .reason = "bye" };
	struct spool_reader *r = NULL;
	struct spool_stats stats;
	struct spool_item it;
	unsigned n = 0;

	assert_int_equal(tick(w, sw, 2), 0);
	assert_false(spool_writer_resting(sw));
	spool_writer_rest(sw);
	spool_writer_rest(sw);
	assert_true(spool_writer_resting(sw));
	assert_int_equal(tick(w, sw, 3), 0);
	assert_false(spool_writer_resting(sw));
	spool_writer_rest(sw);
	assert_int_equal(spool_writer_wake(sw), 0);
	spool_writer_rest(sw);
	assert_int_equal(event(sw, "hello"), 0);
	spool_writer_rest(sw);
	assert_int_equal(spool_writer_close(sw, &totals), 0);
	assert_int_equal(spool_writer_total(sw), 5);
	spool_writer_destroy(&sw);

	assert_int_equal(spool_reader_open(w->path, &r), 0);
	while (spool_reader_next(r, &it) == 1)
		n++;
	assert_int_equal(n, 1 + 5 + 1 + 1);
	spool_reader_stats(r, &stats);
	assert_int_equal(stats.packets, 5);
	assert_int_equal(stats.bad_blocks + stats.torn_bytes, 0);
	assert_true(stats.closed);
	spool_reader_close(&r);
}

/* Nothing is written into what is not the file that was left. */
static void spool_knows_its_file_after_a_rest(void **state)
{
	struct world *w = *state;
	struct spool_writer *sw = make(w);
	FILE *f;

	assert_int_equal(tick(w, sw, 1), 0);
	spool_writer_rest(sw);
	f = fopen(w->path, "ab");
	assert_non_null(f);
	assert_int_equal(fwrite("x", 1, 1, f), 1);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(spool_writer_wake(sw), -ESTALE);
	assert_int_equal(tick(w, sw, 2), -ESTALE);
	assert_int_equal(spool_writer_lost_total(sw), 2);
	assert_int_equal(remove(w->path), 0);
	assert_int_equal(spool_writer_wake(sw), -ENOENT);
	assert_true(spool_writer_resting(sw));
	spool_writer_destroy(&sw);
}

/* A short recording in memory. */
static uint8_t *sample(struct world *w, size_t *ret_len)
{
	struct spool_writer *sw = make(w);
	static struct spool_streams table;
	uint8_t *raw;
	FILE *f;

	stream_table(&table);
	assert_int_equal(spool_writer_streams(sw, &table), 0);
	assert_int_equal(tick(w, sw, 3), 0);
	assert_int_equal(event(sw, "x"), 0);
	assert_int_equal(tick(w, sw, 2), 0);
	spool_writer_destroy(&sw);
	*ret_len = file_size(w->path);
	raw = mem_alloc(*ret_len);
	f = fopen(w->path, "rb");
	assert_int_equal(fread(raw, 1, *ret_len, f), *ret_len);
	fclose(f);
	return raw;
}

static void put_file(const char *path, const uint8_t *raw, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_int_equal(fwrite(raw, 1, len, f), len);
	fclose(f);
}

static void spool_reads_up_to_a_torn_tail_anywhere(void **state)
{
	struct world *w = *state;
	struct spool_writer *sw = NULL;
	struct count before, c;
	size_t len;
	uint8_t *raw = sample(w, &len);
	unsigned all, prev = 0;
	int r;

	for (size_t n = 0; n <= len; n++) {
		put_file(w->path, raw, n);
		r = count_items(w->path, &before);
		if (n < 64) {
			assert_int_equal(r, -EBADMSG);
			continue;
		}
		assert_int_equal(r, 0);
		all = before.n[SPOOL_OPEN] + before.n[SPOOL_STREAMS] +
		      before.n[SPOOL_PACKETS] + before.n[SPOOL_EVENT];
		assert_true(all >= prev); /* never less than was there */
		prev = all;
		assert_int_equal(before.stats.bad_blocks, 0);
		r = spool_writer_append(w->dir_fd, &session, &w->clock.clock,
					&sw);
		if (!before.n[SPOOL_OPEN]) {
			assert_int_equal(r, -EBADMSG);
			continue;
		}
		/* and what is appended follows the last whole block */
		assert_int_equal(r, 0);
		assert_int_equal(spool_writer_total(sw),
				 before.n[SPOOL_PACKETS]);
		assert_int_equal(tick(w, sw, 4), 0);
		spool_writer_destroy(&sw);
		assert_int_equal(count_items(w->path, &c), 0);
		assert_int_equal(c.n[SPOOL_PACKETS],
				 before.n[SPOOL_PACKETS] + 4);
		assert_int_equal(c.n[SPOOL_RESTART], 1);
		assert_int_equal(c.stats.torn_bytes, 0);
		assert_int_equal(c.stats.bad_blocks, 0);
		assert_int_equal(c.stats.missing_packets, 0);
	}
	assert_int_equal(prev, 8);
	mem_free(raw);
}

static void spool_loses_one_block_to_any_flipped_bit(void **state)
{
	struct world *w = *state;
	struct count whole, c;
	size_t len, last = 0;
	uint8_t *raw = sample(w, &len);

	assert_int_equal(count_items(w->path, &whole), 0);
	for (size_t at = 0; at < len * 8; at += 5) {
		raw[at / 8] ^= (uint8_t)(1u << at % 8);
		put_file(w->path, raw, len);
		raw[at / 8] ^= (uint8_t)(1u << at % 8);
		assert_int_equal(count_items(w->path, &c), 0);
		if (at / 8 < 64) { /* the file header alone */
			assert_true(c.stats.header_bad);
			assert_memory_equal(c.n, whole.n, sizeof(c.n));
			continue;
		}
		last = c.n[SPOOL_OPEN] + c.n[SPOOL_STREAMS] + c.n[SPOOL_EVENT];
		assert_true(c.stats.blocks == 4);
		if (last == 3) { /* one of the two with packets */
			assert_true(c.stats.bad_blocks == 1
					    ? c.stats.missing_packets == 3
					    : c.stats.torn_bytes > 0);
		} else {
			assert_int_equal(last, 2);
			assert_int_equal(c.n[SPOOL_PACKETS], 5);
			assert_int_equal(c.stats.bad_blocks, 1);
		}
	}
	mem_free(raw);
}

static void spool_finds_its_way_out_of_long_garbage(void **state)
{
	struct world *w = *state;
	struct spool_writer *sw = make(w);
	uint64_t from, to;
	struct count c;
	uint8_t junk[4096];
	int fd;

	assert_int_equal(tick(w, sw, 1), 0);
	from = spool_writer_size(sw);
	for (unsigned i = 0; i < 2000; i++)
		assert_int_equal(tick(w, sw, 10), 0);
	to = spool_writer_size(sw);
	assert_int_equal(tick(w, sw, 2), 0);
	spool_writer_destroy(&sw);
	assert_true(to - from > 1000000); /* longer than a reader's window */
	memset(junk, 0x53, sizeof(junk));
	fd = open(w->path, O_WRONLY);
	for (uint64_t at = from; at + sizeof(junk) <= to; at += sizeof(junk))
		assert_int_equal(pwrite(fd, junk, sizeof(junk), (off_t)at),
				 sizeof(junk));
	close(fd);
	assert_int_equal(count_items(w->path, &c), 0);
	assert_true(c.stats.bad_blocks >= 1 && c.stats.bad_blocks <= 2);
	assert_int_equal(c.stats.missing_packets + c.n[SPOOL_PACKETS], 20003);
	assert_true(c.n[SPOOL_PACKETS] >= 3);
	/* the end is found without reading from the start */
	assert_int_equal(spool_writer_append(w->dir_fd, &session,
					     &w->clock.clock, &sw),
			 0);
	assert_int_equal(spool_writer_total(sw), 20003);
	spool_writer_destroy(&sw);
}

static void spool_packet_cannot_look_like_a_block(void **state)
{
	struct world *w = *state;
	struct spool_writer *sw = make(w);
	struct count c;
	size_t len, torn;
	uint8_t *raw;
	FILE *f;

	len = spool_writer_size(sw);
	raw = mem_alloc(len);
	f = fopen(w->path, "rb");
	assert_int_equal(fread(raw, 1, len, f), len);
	fclose(f);
	assert_int_equal(tick(w, sw, 1), 0);
	torn = spool_writer_size(sw);
	memset(raw + 64 + 4, 0, 8); /* a sender does not know the salt */
	spool_batch_reset(&w->batch);
	assert_int_equal(spool_batch_put(&w->batch, 0, SPOOL_RTP, 0, raw + 64,
					 len - 64),
			 0);
	assert_int_equal(spool_writer_packets(sw, &w->batch, 9000000, 1), 0);
	assert_int_equal(tick(w, sw, 1), 0);
	spool_writer_destroy(&sw);
	mem_free(raw);
	/* break that block's head: its inside is not taken for blocks */
	f = fopen(w->path, "r+b");
	fseek(f, (long)torn + 20, SEEK_SET);
	fputc(0x5a, f);
	fclose(f);
	assert_int_equal(count_items(w->path, &c), 0);
	assert_int_equal(c.n[SPOOL_PACKETS], 2);
	assert_int_equal(c.stats.bad_blocks, 1);
	assert_int_equal(c.stats.missing_packets, 1);
}

static void spool_can_be_followed_while_it_grows(void **state)
{
	struct world *w = *state;
	struct spool_writer *sw = make(w);
	struct spool_reader *r = NULL;
	struct spool_item it;
	size_t whole, half;
	uint8_t *raw;
	FILE *f;

	assert_int_equal(spool_reader_open(w->path, &r), 0);
	assert_int_equal(spool_reader_next(r, &it), 1);
	assert_int_equal(spool_reader_next(r, &it), 0);
	half = spool_writer_size(sw);
	assert_int_equal(tick(w, sw, 2), 0);
	whole = spool_writer_size(sw);
	spool_writer_destroy(&sw);
	/* the same write, byte by byte */
	raw = mem_alloc(whole);
	f = fopen(w->path, "rb");
	assert_int_equal(fread(raw, 1, whole, f), whole);
	fclose(f);
	for (size_t n = half; n < whole; n++) {
		assert_int_equal(truncate(w->path, (off_t)n), 0);
		f = fopen(w->path, "r+b");
		fseek(f, (long)half, SEEK_SET);
		assert_int_equal(fwrite(raw + half, 1, n - half, f), n - half);
		fclose(f);
		assert_int_equal(spool_reader_next(r, &it), 0);
	}
	put_file(w->path, raw, whole);
	mem_free(raw);
	assert_int_equal(spool_reader_next(r, &it), 1);
	assert_int_equal(spool_reader_next(r, &it), 1);
	assert_int_equal(spool_reader_next(r, &it), 0);
	spool_reader_close(&r);
}

static void spool_time_goes_on_over_restart_and_reboot(void **state)
{
	struct world *w = *state;
	struct spool_writer *sw = make(w);
	struct count c;
	uint8_t raw[8];
	uint64_t at;
	int fd;

	assert_int_equal(tick(w, sw, 1), 0); /* t = 0.1 s */
	spool_writer_destroy(&sw);
	clock_fake_advance(&w->clock, 3000000);
	w->clock.now_wall_us += 7000000; /* a step nobody may see */
	assert_int_equal(spool_writer_append(w->dir_fd, &session,
					     &w->clock.clock, &sw),
			 0);
	assert_int_equal(tick(w, sw, 1), 0); /* t = 3.2 s, minus 1 ms of age */
	assert_int_equal(count_items(w->path, &c), 0);
	assert_int_equal(c.last_t_us, 3199000);
	assert_int_equal(c.stats.restarts, 1);
	/* make the last block one of another boot, 60 s later on the wall */
	spool_writer_destroy(&sw);
	at = file_size(w->path);
	w->clock.now_mono_us = 1000;
	w->clock.now_wall_us += 60000000;
	assert_int_equal(spool_writer_append(w->dir_fd, &session,
					     &w->clock.clock, &sw),
			 0);
	spool_writer_destroy(&sw);
	fd = open(w->path, O_RDWR);
	assert_int_equal(pread(fd, raw, 8, (off_t)at + 48), 8);
	raw[0] ^= 1;
	assert_int_equal(pwrite(fd, raw, 8, (off_t)at + 48), 8);
	{
		uint8_t head[64];
		uint32_t crc;

		assert_int_equal(pread(fd, head, 64, (off_t)at), 64);
		crc = crc32c(0, head, 60);
		assert_int_equal(pwrite(fd, &crc, 4, (off_t)at + 60), 4);
	}
	close(fd);
	assert_int_equal(count_items(w->path, &c), 0);
	assert_int_equal(c.stats.reboots, 1);
	assert_int_equal(c.last_t_us, 63200000);
}

static void spool_goes_on_when_the_disk_has_room_again(void **state)
{
	struct world *w = *state;
	struct spool_writer *sw = make(w);
	struct rlimit old, tight;
	struct count c;

	assert_int_equal(tick(w, sw, 2), 0);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	tight = old;
	tight.rlim_cur = spool_writer_size(sw) + 30; /* tears the next block */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	assert_int_equal(tick(w, sw, 3), -EFBIG);
	assert_int_equal(event(sw, "kept"), -EFBIG);
	assert_int_equal(tick(w, sw, 4), -EFBIG);
	assert_int_equal(event(sw, "too"), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(spool_writer_lost_total(sw), 7);
	assert_int_equal(tick(w, sw, 1), 0);
	assert_int_equal(spool_writer_total(sw), 3);
	spool_writer_destroy(&sw);
	assert_int_equal(count_items(w->path, &c), 0);
	assert_int_equal(c.n[SPOOL_PACKETS], 3);
	assert_int_equal(c.n[SPOOL_EVENT], 2);
	assert_int_equal(c.n[SPOOL_LOST], 1);
	assert_int_equal(c.stats.bad_blocks, 0);
	assert_int_equal(c.stats.missing_packets, 0);
}

static void spool_refuses_what_is_no_spool(void **state)
{
	struct world *w = *state;
	struct spool_writer *sw = NULL;
	struct spool_reader *r = NULL;
	static struct spool_close totals;
	uint8_t junk[500];

	assert_int_equal(spool_reader_open(w->path, &r), -ENOENT);
	assert_int_equal(spool_writer_append(w->dir_fd, &session,
					     &w->clock.clock, &sw),
			 -ENOENT);
	memset(junk, 'j', sizeof(junk));
	put_file(w->path, junk, sizeof(junk));
	assert_int_equal(spool_reader_open(w->path, &r), -EBADMSG);
	assert_int_equal(spool_writer_append(w->dir_fd, &session,
					     &w->clock.clock, &sw),
			 -EBADMSG);
	unlink(w->path);
	sw = make(w);
	assert_int_equal(spool_writer_close(sw, &totals), 0);
	spool_writer_destroy(&sw);
	assert_int_equal(spool_writer_append(w->dir_fd, &session,
					     &w->clock.clock, &sw),
			 -EALREADY);
}

static void batch_knows_its_limits(void **state)
{
	struct world *w = *state;
	static uint8_t big[65536];
	unsigned n = 0;

	spool_batch_reset(&w->batch);
	assert_int_equal(spool_batch_put(&w->batch, 0, SPOOL_RTP, 0, big,
					 65536),
			 -EMSGSIZE);
	while (!spool_batch_put(&w->batch, 0, SPOOL_RTP, 0, big, 65000))
		n++;
	assert_int_equal(n, 4);
}

int main(void)
{
#define WORLD(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc32c_matches_the_rfc),
		WORLD(spool_gives_back_what_was_written),
		WORLD(spool_goes_on_after_a_rest),
		WORLD(spool_knows_its_file_after_a_rest),
		WORLD(spool_reads_up_to_a_torn_tail_anywhere),
		WORLD(spool_loses_one_block_to_any_flipped_bit),
		WORLD(spool_finds_its_way_out_of_long_garbage),
		WORLD(spool_packet_cannot_look_like_a_block),
		WORLD(spool_can_be_followed_while_it_grows),
		WORLD(spool_time_goes_on_over_restart_and_reboot),
		WORLD(spool_goes_on_when_the_disk_has_room_again),
		WORLD(spool_refuses_what_is_no_spool),
		WORLD(batch_knows_its_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
