/* media/spool_read.c - the reader of spool.h.
 *
 * The file is read through a window of memory. A block counts only when head
 * and payload match their CRCs; what follows from there:
 *
 *   nothing or half a block to the end	  the end for now (torn, or growing)
 *   damaged, and a good head behind	  left out, counted
 *
 * Because the file may grow, or its torn end be cut and written again, a
 * verdict of "damaged" or "the end" is given only from bytes read just now.
 */
#include "media/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "media/crc32c.h"
#include "media/spool_format.h"

#define WINDOW_LEN (2u * (SPOOL_HEAD_LEN + SPOOL_PAYLOAD_MAX))

/* Of t_us, however many absurd times a file has. */
#define T_MAX (INT64_C(1) << 55)

struct spool_reader {
	int fd;
	uint64_t salt;
	struct id session;
	/* the window: file bytes win_off .. win_off + win_len */
	uint8_t *win;
	uint64_t win_off;
	size_t win_len;
	/* where the next block starts */
	uint64_t off;
	/* the block that is being handed out */
	struct spool_head head;
	const uint8_t *rec, *rec_end; /* packets not handed out yet */
	int64_t block_t_us;
	/* time */
	bool have_base;
	int64_t base_mono_us; /* of the current boot, where t_us is base_t_us */
	int64_t base_t_us;
	uint64_t boot_id;
	unsigned boot;
	int64_t last_t_us;
	int64_t last_wall_us;
	/* results */
	struct spool_stats stats;
	uint32_t packets; /* counter of the last good block */
	struct spool_streams streams;
	struct spool_close close;
};

/* ---- window ---- */

static int window_fill(struct spool_reader *r, uint64_t off)
{
	ssize_t n;

	r->win_off = off;
	r->win_len = 0;
	while (r->win_len < WINDOW_LEN) {
		n = pread(r->fd, r->win + r->win_len, WINDOW_LEN - r->win_len,
			  (off_t)(off + r->win_len));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		r->win_len += (size_t)n;
	}
	return 0;
}

/* Bytes from off in the window; NULL when it has none. */
static const uint8_t *window_at(const struct spool_reader *r, uint64_t off,
				size_t *ret_len)
{
	if (off < r->win_off || off >= r->win_off + r->win_len)
		return NULL;
	*ret_len = (size_t)(r->win_off + r->win_len - off);
	return r->win + (off - r->win_off);
}

/* ---- finding the next block ---- */

enum look { LOOK_GOOD, LOOK_SHORT, LOOK_BAD_HEAD, LOOK_BAD_PAYLOAD };

static enum look look_at(const struct spool_reader *r, uint64_t off,
			 struct spool_head *ret_h)
{
	size_t len = 0;
	const uint8_t *p = window_at(r, off, &len);

	if (!p || len < SPOOL_HEAD_LEN)
		return LOOK_SHORT;
	if (spool_get_head(p, &r->salt, ret_h, NULL) < 0)
		return LOOK_BAD_HEAD;
	if (len - SPOOL_HEAD_LEN < ret_h->payload_len)
		return LOOK_SHORT;
	if (crc32c(0, p + SPOOL_HEAD_LEN, ret_h->payload_len) !=
	    ret_h->payload_crc)
		return LOOK_BAD_PAYLOAD;
	return LOOK_GOOD;
}

/* Offset of the first good head at or behind off: 1, 0 none, -errno. */
static int find_head(struct spool_reader *r, uint64_t off, uint64_t *ret_off)
{
	struct spool_head h;
	const uint8_t *p, *q;
	uint8_t mark[12];
	size_t len = 0;
	int ret;

	spool_put_mark(mark, r->salt);
	for (;;) {
		ret = window_fill(r, off);
		if (ret < 0)
			return ret;
		p = r->win;
		len = r->win_len;
		while ((q = memmem(p, len, mark, sizeof(mark)))) {
			len -= (size_t)(q - p);
			p = q;
			if (len >= SPOOL_HEAD_LEN &&
			    !spool_get_head(p, &r->salt, &h, NULL)) {
				*ret_off = off + (uint64_t)(p - r->win);
				return 1;
			}
			p++;
			len--;
		}
		if (r->win_len < WINDOW_LEN)
			return 0; /* that was the end of the file */
		off += r->win_len - SPOOL_HEAD_LEN;
	}
}

/* The block at r->off is damaged or the end is torn: which? 1 skipped. */
static int skip_bad(struct spool_reader *r)
{
	uint64_t next;
	int ret;

	ret = find_head(r, r->off + 1, &next);
	if (ret <= 0)
		return ret;
	r->stats.bad_blocks++;
	r->stats.skipped_bytes += next - r->off;
	r->off = next;
	return 1;
}

/* 1 with the next good block in the window at r->off, 0 end, -errno. */
static int find_block(struct spool_reader *r)
{
	bool fresh = false;
	enum look look;
	int ret;

	for (;;) {
		look = look_at(r, r->off, &r->head);
		if (look == LOOK_GOOD)
			return 1;
		if (!fresh) {
			ret = window_fill(r, r->off);
			if (ret < 0)
				return ret;
			fresh = true;
			continue;
		}
		if (look == LOOK_SHORT)
			return 0;
		ret = skip_bad(r);
		if (ret <= 0)
			return ret;
		fresh = false;
	}
}

/* ---- time ---- */

static void take_time(struct spool_reader *r)
{
	const struct spool_head *h = &r->head;
	int64_t bridge;

	if (!r->have_base) {
		r->have_base = true;
		r->base_mono_us = h->mono_us;
		r->boot_id = h->boot;
	} else if (h->boot != r->boot_id) {
		bridge = h->wall_us - r->last_wall_us;
		r->base_t_us = r->last_t_us + (bridge > 0 ? bridge : 0);
		r->base_mono_us = h->mono_us;
		r->boot_id = h->boot;
		r->boot++;
		r->stats.reboots++;
	}
	r->block_t_us = r->base_t_us + (h->mono_us - r->base_mono_us);
	if (r->block_t_us < r->last_t_us)
		r->block_t_us = r->last_t_us;
	if (r->block_t_us > T_MAX)
		r->block_t_us = T_MAX;
	r->last_t_us = r->block_t_us;
	r->last_wall_us = h->wall_us;
}

/* ---- items ---- */

/* RTP packets among the records; -EBADMSG when they do not add up. */
static int count_rtp(const uint8_t *p, const uint8_t *end, uint32_t *ret_n)
{
	uint32_t n = 0;
	size_t len;

	while (p < end) {
		if (end - p < SPOOL_RECORD_LEN)
			return -EBADMSG;
		len = p[2] | (size_t)p[3] << 8;
		if ((size_t)(end - p) - SPOOL_RECORD_LEN < len)
			return -EBADMSG;
		n += p[1] == SPOOL_RTP;
		p += SPOOL_RECORD_LEN + len;
	}
	*ret_n = n;
	return 0;
}

static void next_record(struct spool_reader *r, struct spool_item *it)
{
	const uint8_t *p = r->rec;
	size_t len = p[2] | (size_t)p[3] << 8;
	int64_t age = (int64_t)(p[4] | (uint32_t)p[5] << 8 |
				(uint32_t)p[6] << 16 | (uint32_t)p[7] << 24);

	it->type = SPOOL_PACKETS;
	it->mono_us = r->head.mono_us - age;
	it->wall_us = r->head.wall_us - age;
	it->t_us = r->block_t_us > age ? r->block_t_us - age : 0;
	it->boot = r->boot;
	it->packet = (struct spool_packet){
		.stream = p[0],
		.proto = p[1],
		.data = p + SPOOL_RECORD_LEN,
		.len = len,
	};
	if (p[1] == SPOOL_RTP)
		r->stats.packets++;
	r->rec = p + SPOOL_RECORD_LEN + len;
}

/* 1 an item, 0 nothing to hand out, -EBADMSG. */
static int take_payload(struct spool_reader *r, const uint8_t *p,
			struct spool_item *it)
{
	size_t len = r->head.payload_len;

	switch (r->head.type) {
	case SPOOL_OPEN:
		return spool_get_open(p, len, &it->open) < 0 ? -EBADMSG : 1;
	case SPOOL_STREAMS:
		it->streams = &r->streams;
		return spool_get_streams(p, len, &r->streams) < 0 ? -EBADMSG
								  : 1;
	case SPOOL_EVENT:
		return spool_get_event(p, len, &it->event) < 0 ? -EBADMSG : 1;
	case SPOOL_RESTART:
		r->stats.restarts++;
		return 1;
	case SPOOL_LOST:
		return spool_get_lost(p, len, &it->lost) < 0 ? -EBADMSG : 1;
	case SPOOL_CLOSE:
		r->stats.closed = true;
		it->close = &r->close;
		return spool_get_close(p, len, &r->close) < 0 ? -EBADMSG : 1;
	default:
		r->stats.unknown_blocks++;
		return 0;
	}
}

/* The good block at r->off: count it and move behind it. 1, 0, -EBADMSG */
static int take_block(struct spool_reader *r, struct spool_item *it)
{
	size_t len = 0;
	const uint8_t *p = window_at(r, r->off, &len) + SPOOL_HEAD_LEN;
	uint32_t n_rtp = 0;
	int ret = 0;

	r->off += SPOOL_HEAD_LEN + r->head.payload_len;
	take_time(r);
	if (r->head.type == SPOOL_PACKETS) {
		ret = count_rtp(p, p + r->head.payload_len, &n_rtp);
		if (!ret) {
			r->rec = p;
			r->rec_end = p + r->head.payload_len;
		}
	} else {
		it->type = r->head.type;
		it->mono_us = r->head.mono_us;
		it->wall_us = r->head.wall_us;
		it->t_us = r->block_t_us;
		it->boot = r->boot;
		ret = take_payload(r, p, it);
	}
	r->stats.missing_packets += r->head.packets - n_rtp - r->packets;
	r->packets = r->head.packets;
	if (ret < 0)
		r->stats.bad_blocks++;
	else
		r->stats.blocks++;
	return ret;
}

int spool_reader_next(struct spool_reader *r, struct spool_item *ret_item)
{
	int ret;

	for (;;) {
		if (r->rec < r->rec_end) {
			next_record(r, ret_item);
			return 1;
		}
		ret = find_block(r);
		if (ret <= 0)
			return ret;
		ret = take_block(r, ret_item);
		if (ret > 0)
			return 1;
	}
}

/* ---- opening ---- */

static int read_header(struct spool_reader *r)
{
	struct spool_file_head fh;
	struct spool_head h;
	int ret;

	ret = window_fill(r, 0);
	if (ret < 0)
		return ret;
	r->off = SPOOL_HEAD_LEN;
	if (r->win_len < SPOOL_HEAD_LEN)
		return -EBADMSG;
	if (!spool_get_file_head(r->win, &fh)) {
		r->salt = fh.salt;
		r->session = fh.session;
		return 0;
	}
	r->stats.header_bad = true;
	if (r->win_len < 2 * SPOOL_HEAD_LEN)
		return -EBADMSG;
	return spool_get_head(r->win + SPOOL_HEAD_LEN, NULL, &h, &r->salt);
}

int spool_reader_open(const char *path, struct spool_reader **ret_reader)
{
	struct spool_reader *r CLEANUP(spool_reader_close) = NULL;
	int ret;

	r = mem_zalloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (r->fd < 0)
		return -errno;
	r->win = mem_alloc(WINDOW_LEN);
	if (!r->win)
		return -ENOMEM;
	ret = read_header(r);
	if (ret < 0)
		return ret;
	*ret_reader = STEAL(r);
	return 0;
}

void spool_reader_close(struct spool_reader **rp)
{
	struct spool_reader *r = *rp;

	if (!r)
		return;
	*rp = NULL;
	if (r->fd >= 0)
		close(r->fd);
	mem_free(r->win);
	mem_free(r);
}

void spool_reader_stats(const struct spool_reader *r,
			struct spool_stats *ret_stats)
{
	struct stat st;

	*ret_stats = r->stats;
	if (!fstat(r->fd, &st) && (uint64_t)st.st_size > r->off)
		ret_stats->torn_bytes = (uint64_t)st.st_size - r->off;
}

const char *spool_reader_session(const struct spool_reader *r)
{
	return r->session.s;
}

uint64_t spool_reader_offset(const struct spool_reader *r)
{
	return r->off;
}
