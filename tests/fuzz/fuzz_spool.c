/* Spool files. First byte even: the rest is a file as it stands. Odd: the rest
 * describes blocks (type, two bytes of length, payload ...), which are written
 * with right checksums, so that the payload parsers are reached; the top bits
 * of the first byte then flip a bit of the file or cut it.
 *
 * Reading ends, stays in bounds and time never runs backwards; appending to
 * whatever is left gives a file that reads without torn bytes. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "media/crc32c.h"
#include "media/spool.h"
#include "media/spool_format.h"

#define FILE_MAX (1024u * 1024u)
#define SALT UINT64_C(0x1122334455667788)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct id session = { "0190a5e2-7c1b-7def-8123-456789abcdef" };

static void put_block(struct buf *b, unsigned n, const uint8_t *data,
		      size_t len, uint8_t type, uint8_t flags)
{
	struct spool_head h = {
		.type = type,
		.payload_len = (uint32_t)len,
		.payload_crc = crc32c(0, data, len),
		.seq = n,
		.mono_us = (int64_t)n * 1000 * (flags & 3),
		.wall_us = (int64_t)(flags & 12) << 48,
		.boot = flags >> 6,
		.packets = n,
	};
	uint8_t head[SPOOL_HEAD_LEN];

	spool_put_head(head, SALT, &h);
	(void)buf_put(b, head, sizeof(head)); /* the error sticks */
	(void)buf_put(b, data, len);
}

static void build(struct buf *b, const uint8_t *data, size_t len)
{
	struct spool_file_head fh = { .salt = SALT, .session = session };
	uint8_t head[SPOOL_HEAD_LEN], how = data[0];
	unsigned n = 0;
	size_t size;

	spool_put_file_head(head, &fh);
	(void)buf_put(b, head, sizeof(head)); /* the error sticks */
	for (data++, len--; len >= 4; n++) {
		size = (size_t)data[2] << 8 | data[3];
		size = size > len - 4 ? len - 4 : size;
		put_block(b, n, data + 4, size, data[0] % 9, data[1]);
		data += 4 + size;
		len -= 4 + size;
	}
	if (how & 0x40)
		b->data[(how * 2654435761u) % b->len] ^= 0x10;
	if (how & 0x80)
		b->len -= b->len * (how & 0x3f) / 128;
}

static void touch(const void *p, size_t len)
{
	volatile uint32_t crc = crc32c_plain(0, p, len);

	(void)crc;
}

static void check_item(const struct spool_item *it, int64_t *last_block)
{
	ASSERT(it->t_us >= 0);
	switch (it->type) {
	case SPOOL_OPEN:
		ASSERT(strlen(it->open.meta) <= it->open.meta_len);
		touch(it->open.meta, it->open.meta_len + 1);
		break;
	case SPOOL_STREAMS:
		ASSERT(it->streams->n <= CAP_STREAMS_MAX);
		break;
	case SPOOL_PACKETS:
		touch(it->packet.data, it->packet.len);
		return; /* ages reach back */
	case SPOOL_EVENT:
		touch(it->event.text, it->event.text_len + 1);
		break;
	case SPOOL_CLOSE:
		ASSERT(it->close->n <= CAP_STREAMS_MAX);
		break;
	default:
		break;
	}
	ASSERT(it->t_us >= *last_block);
	*last_block = it->t_us;
}

static int read_all(const char *path, struct spool_stats *ret)
{
	struct spool_reader *r = NULL;
	struct spool_item it;
	int64_t last = 0;
	int n;

	n = spool_reader_open(path, &r);
	if (n < 0)
		return n;
	while ((n = spool_reader_next(r, &it)) > 0)
		check_item(&it, &last);
	ASSERT(n == 0);
	spool_reader_stats(r, ret);
	spool_reader_close(&r);
	return 0;
}

static void run(const uint8_t *data, size_t len)
{
	static char dir[32], path[96];
	static struct clock_fake clock;
	struct spool_writer *w = NULL;
	struct spool_stats before, after;
	int dir_fd, fd, r;

	if (!dir[0]) {
		(void)snprintf(dir, sizeof(dir), "/dev/shm/fuzz.XXXXXX");
		ASSERT(mkdtemp(dir));
		(void)snprintf(path, sizeof(path), "%s/%s.spool", dir,
			       session.s);
		clock_fake_init(&clock, 1000000, 1000000);
	}
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	ASSERT(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	close(fd);
	r = read_all(path, &before);
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
	if (!spool_writer_append(dir_fd, &session, &clock.clock, &w)) {
		ASSERT(!r);
		spool_writer_destroy(&w);
		ASSERT(!read_all(path, &after));
		ASSERT(!after.torn_bytes);
		ASSERT(after.blocks >= before.blocks);
	}
	close(dir_fd);
	(void)unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf b CLEANUP(buf_fini) = { 0 };

	if (!len || len > FILE_MAX / 2)
		return 0;
	buf_init(&b, FILE_MAX);
	if (data[0] & 1)
		build(&b, data, len);
	else
		(void)buf_put(&b, data + 1, len - 1);
	if (!buf_error(&b) && b.len)
		run(b.data, b.len);
	return 0;
}
