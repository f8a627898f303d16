/* media/spool_write.c - the writer of spool.h.
 *
 * `end` is where the last whole block ends. Every write goes there with
 * pwrite(2), so a write that failed half-way is overwritten or, because a
 * shorter block may follow, cut first. What must not get lost when the disk is
 * full (events, stream tables) waits in `waiting` as finished blocks; their
 * numbers are given when they are made, so the file's numbers have no holes.
 */
#include "media/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/cursor.h"
#include "base/mem.h"
#include "media/crc32c.h"
#include "media/spool_format.h"

#define WAITING_MAX (128u * 1024u)
#define BLOCK_MAX (SPOOL_HEAD_LEN + SPOOL_PAYLOAD_MAX)
/* Smallest piece of the end that is searched for the last block. */
#define TAIL_FIRST (64u * 1024u)

struct spool_writer {
	int fd; /* -1: at rest */
	/* fixed */
	int dir_fd; /* borrowed */
	dev_t dev;
	ino_t ino;
	char name[sizeof(struct id) + sizeof(SPOOL_SUFFIX)];
	struct clock *clock;
	uint64_t salt;
	/* the file */
	uint64_t end;
	uint32_t seq;
	bool torn; /* there may be bytes behind end */
	uint64_t packets;
	/* trouble */
	struct buf waiting;
	uint64_t lost; /* packets since the last LOST block */
	uint64_t lost_total;
};

/* ---- batch ---- */

int spool_batch_init(struct spool_batch *b)
{
	memset(b, 0, sizeof(*b));
	b->data = mem_alloc(BLOCK_MAX);
	return b->data ? 0 : -ENOMEM;
}

void spool_batch_fini(struct spool_batch *b)
{
	mem_free(b->data);
	memset(b, 0, sizeof(*b));
}

void spool_batch_reset(struct spool_batch *b)
{
	b->len = 0;
	b->n_rtp = 0;
	b->n_rtcp = 0;
}

int spool_batch_put(struct spool_batch *b, uint16_t stream,
		    enum spool_proto proto, uint32_t age_us, const void *data,
		    size_t len)
{
	uint8_t *p = b->data + SPOOL_HEAD_LEN + b->len;

	if (len > UINT16_MAX)
		return -EMSGSIZE;
	if (b->len + SPOOL_RECORD_LEN + len > SPOOL_PAYLOAD_MAX)
		return -ENOBUFS;
	p[0] = (uint8_t)stream;
	p[1] = (uint8_t)proto;
	p[2] = (uint8_t)len;
	p[3] = (uint8_t)(len >> 8);
	p[4] = (uint8_t)age_us;
	p[5] = (uint8_t)(age_us >> 8);
	p[6] = (uint8_t)(age_us >> 16);
	p[7] = (uint8_t)(age_us >> 24);
	memcpy(p + SPOOL_RECORD_LEN, data, len);
	b->len += SPOOL_RECORD_LEN + len;
	if (proto == SPOOL_RTP)
		b->n_rtp++;
	else
		b->n_rtcp++;
	return 0;
}

/* ---- rest ---- */

void spool_writer_rest(struct spool_writer *w)
{
	if (w->fd >= 0)
		(void)close(w->fd); /* group commit tells of lost data */
	w->fd = -1;
}

bool spool_writer_resting(const struct spool_writer *w)
{
	return w->fd < 0;
}

/* Nobody else writes to it; had somebody done so, going on would mix two
 * recordings. */
int spool_writer_wake(struct spool_writer *w)
{
	struct stat st;
	int fd, r = 0;

	if (w->fd >= 0)
		return 0;
	fd = openat(w->dir_fd, w->name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (st.st_dev != w->dev || st.st_ino != w->ino ||
		 (w->torn ? (uint64_t)st.st_size < w->end
			  : (uint64_t)st.st_size != w->end))
		r = -ESTALE;
	if (r < 0) {
		(void)close(fd); /* nothing was written */
		return r;
	}
	w->fd = fd;
	return 0;
}

/* Remember which file it is. */
static int writer_know(struct spool_writer *w, int dir_fd, struct stat *ret_st)
{
	if (fstat(w->fd, ret_st) < 0)
		return -errno;
	w->dir_fd = dir_fd;
	w->dev = ret_st->st_dev;
	w->ino = ret_st->st_ino;
	return 0;
}

/* ---- writing ---- */

static int write_end(struct spool_writer *w, const uint8_t *data, size_t len)
{
	size_t done = 0;
	ssize_t n;
	int r;

	r = spool_writer_wake(w);
	if (r < 0)
		return r;
	if (w->torn && ftruncate(w->fd, (off_t)w->end) < 0)
		return -errno;
	w->torn = false;
	while (done < len) {
		n = pwrite(w->fd, data + done, len - done,
			   (off_t)(w->end + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			w->torn = true;
			return n < 0 ? -errno : -EIO;
		}
		done += (size_t)n;
	}
	w->end += len;
	return 0;
}

/* data: room for the head, then the payload. */
static void finish_block(struct spool_writer *w, uint8_t *data, size_t len,
			 enum spool_block_type type, int64_t mono_us,
			 int64_t wall_us, uint32_t n_rtp)
{
	struct spool_head h = {
		.type = (uint8_t)type,
		.payload_len = (uint32_t)len,
		.payload_crc = crc32c(0, data + SPOOL_HEAD_LEN, len),
		.seq = w->seq,
		.mono_us = mono_us,
		.wall_us = wall_us,
		.boot = spool_boot_id(),
		.packets = (uint32_t)(w->packets + n_rtp),
	};

	spool_put_head(data, w->salt, &h);
}

static int start_payload(struct buf *b)
{
	static const uint8_t room[SPOOL_HEAD_LEN];

	buf_init(b, BLOCK_MAX);
	return buf_put(b, room, sizeof(room));
}

static void finish_buf(struct spool_writer *w, struct buf *b,
		       enum spool_block_type type)
{
	finish_block(w, b->data, b->len - SPOOL_HEAD_LEN, type,
		     clock_mono_us(w->clock), clock_wall_us(w->clock), 0);
}

static int write_lost(struct spool_writer *w)
{
	struct spool_lost l = { .packets = w->lost };
	struct buf b CLEANUP(buf_fini) = { 0 };
	int r;

	(void)start_payload(&b); /* the error sticks */
	spool_put_lost(&b, &l);
	if (buf_error(&b))
		return buf_error(&b);
	finish_buf(w, &b, SPOOL_LOST);
	r = write_end(w, b.data, b.len);
	if (r < 0)
		return r;
	w->seq++;
	w->lost = 0;
	return 0;
}

int spool_writer_retry(struct spool_writer *w)
{
	int r;

	if (w->waiting.len || buf_error(&w->waiting)) {
		r = write_end(w, w->waiting.data, w->waiting.len);
		if (r < 0)
			return r;
		buf_reset(&w->waiting);
	}
	return w->lost ? write_lost(w) : 0;
}

/* A block that must not get lost. */
static int write_kept(struct spool_writer *w, struct buf *b,
		      enum spool_block_type type)
{
	int r;

	if (buf_error(b))
		return buf_error(b);
	r = spool_writer_retry(w);
	finish_buf(w, b, type);
	if (!r)
		r = write_end(w, b->data, b->len);
	if (r < 0 && (w->waiting.len + b->len > WAITING_MAX ||
		      buf_put(&w->waiting, b->data, b->len) < 0))
		return r; /* gone: it has no number */
	w->seq++;
	return r;
}

int spool_writer_streams(struct spool_writer *w,
			 const struct spool_streams *table)
{
	struct buf b CLEANUP(buf_fini) = { 0 };

	(void)start_payload(&b); /* the error sticks */
	spool_put_streams(&b, table);
	return write_kept(w, &b, SPOOL_STREAMS);
}

int spool_writer_event(struct spool_writer *w, const struct spool_event *ev)
{
	struct buf b CLEANUP(buf_fini) = { 0 };

	(void)start_payload(&b); /* the error sticks */
	spool_put_event(&b, ev);
	return write_kept(w, &b, SPOOL_EVENT);
}

int spool_writer_close(struct spool_writer *w, struct spool_close *totals)
{
	struct buf b CLEANUP(buf_fini) = { 0 };

	totals->packets = w->packets;
	totals->bytes = w->end;
	(void)start_payload(&b); /* the error sticks */
	spool_put_close(&b, totals);
	return write_kept(w, &b, SPOOL_CLOSE);
}

int spool_writer_packets(struct spool_writer *w, struct spool_batch *b,
			 int64_t mono_us, int64_t wall_us)
{
	int r;

	if (!b->len)
		return 0;
	r = spool_writer_retry(w);
	if (!r) {
		finish_block(w, b->data, b->len, SPOOL_PACKETS, mono_us,
			     wall_us, b->n_rtp);
		r = write_end(w, b->data, SPOOL_HEAD_LEN + b->len);
	}
	if (r < 0) {
		w->lost += b->n_rtp;
		w->lost_total += b->n_rtp;
		return r;
	}
	w->seq++;
	w->packets += b->n_rtp;
	return 0;
}

/* ---- making and opening ---- */

static int writer_new(const struct id *session, struct clock *clock,
		      struct spool_writer **ret_writer)
{
	struct spool_writer *w = mem_zalloc(sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->fd = -1;
	w->clock = clock;
	buf_init(&w->waiting, WAITING_MAX);
	(void)snprintf(w->name, sizeof(w->name), "%s" SPOOL_SUFFIX, session->s);
	*ret_writer = w;
	return 0;
}

void spool_writer_destroy(struct spool_writer **wp)
{
	struct spool_writer *w = *wp;

	if (!w)
		return;
	*wp = NULL;
	if (w->fd >= 0)
		close(w->fd);
	buf_fini(&w->waiting);
	mem_free(w);
}

/* File header and OPEN in one write. */
static int write_first(struct spool_writer *w, const struct spool_open *open)
{
	struct spool_file_head fh = {
		.salt = w->salt,
		.session = open->session,
		.created_wall_us = clock_wall_us(w->clock),
	};
	static const uint8_t room[2 * SPOOL_HEAD_LEN];
	struct buf b CLEANUP(buf_fini) = { 0 };
	int r;

	buf_init(&b, SPOOL_HEAD_LEN + BLOCK_MAX);
	(void)buf_put(&b, room, sizeof(room)); /* the error sticks */
	spool_put_open(&b, open);
	if (buf_error(&b))
		return buf_error(&b);
	spool_put_file_head(b.data, &fh);
	finish_block(w, b.data + SPOOL_HEAD_LEN, b.len - sizeof(room),
		     SPOOL_OPEN, clock_mono_us(w->clock),
		     clock_wall_us(w->clock), 0);
	r = write_end(w, b.data, b.len);
	if (r < 0)
		return r;
	w->seq = 1;
	return 0;
}

int spool_writer_create(int dir_fd, const struct spool_open *open,
			struct clock *clock, struct spool_writer **ret_writer)
{
	struct spool_writer *w CLEANUP(spool_writer_destroy) = NULL;
	struct stat st;
	int r;

	if (!id_ok(open->session.s))
		return -EINVAL;
	r = writer_new(&open->session, clock, &w);
	if (r < 0)
		return r;
	id_random(&w->salt, sizeof(w->salt));
	w->fd = openat(dir_fd, w->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
		       0600);
	if (w->fd < 0)
		return -errno;
	r = writer_know(w, dir_fd, &st);
	if (r == 0)
		r = write_first(w, open);
	if (r < 0) {
		(void)unlinkat(dir_fd, w->name, 0); /* r says what is wrong */
		return r;
	}
	*ret_writer = STEAL(w);
	return 0;
}

static int read_at(int fd, uint8_t *dst, size_t len, uint64_t off)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = pread(fd, dst + done, len - done, (off_t)(off + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -EBADMSG; /* shorter than it said */
		done += (size_t)n;
	}
	return 0;
}

static int read_salt(int fd, uint64_t *ret_salt)
{
	uint8_t raw[2 * SPOOL_HEAD_LEN];
	struct spool_file_head fh;
	struct spool_head h;
	int r;

	r = read_at(fd, raw, sizeof(raw), 0);
	if (r < 0)
		return r;
	if (!spool_get_file_head(raw, &fh)) {
		*ret_salt = fh.salt;
		return 0;
	}
	return spool_get_head(raw + SPOOL_HEAD_LEN, NULL, &h, ret_salt);
}

static bool block_ok(const uint8_t *p, size_t left, uint64_t salt,
		     struct spool_head *ret_h)
{
	return left >= SPOOL_HEAD_LEN &&
	       !spool_get_head(p, &salt, ret_h, NULL) &&
	       left - SPOOL_HEAD_LEN >= ret_h->payload_len &&
	       crc32c(0, p + SPOOL_HEAD_LEN, ret_h->payload_len) ==
		       ret_h->payload_crc;
}

/* Last good block in p; its end as an offset in p, 0 when there is none. */
static size_t last_block(const uint8_t *p, size_t len, uint64_t salt,
			 struct spool_head *ret_h)
{
	size_t pos = 0, good = 0;
	struct spool_head h;
	const uint8_t *next;
	uint8_t mark[12];

	spool_put_mark(mark, salt);
	for (;;) {
		if (block_ok(p + pos, len - pos, salt, &h)) {
			pos += SPOOL_HEAD_LEN + h.payload_len;
			good = pos;
			*ret_h = h;
			continue;
		}
		if (len - pos < sizeof(mark))
			return good;
		next = memmem(p + pos + 1, len - pos - 1, mark, sizeof(mark));
		if (!next)
			return good;
		pos = (size_t)(next - p);
	}
}

static int find_end(int fd, uint64_t salt, uint64_t size,
		    struct spool_head *ret_h, uint64_t *ret_end)
{
	uint64_t len = TAIL_FIRST;
	size_t good;
	int r;

	for (;; len *= 4) {
		char *p CLEANUP(mem_freep) = NULL;

		if (len > size)
			len = size;
		p = mem_alloc((size_t)len + 1);
		if (!p)
			return -ENOMEM;
		r = read_at(fd, (uint8_t *)p, (size_t)len, size - len);
		if (r < 0)
			return r;
		good = last_block((uint8_t *)p, (size_t)len, salt, ret_h);
		if (good) {
			*ret_end = size - len + good;
			return 0;
		}
		if (len == size)
			return -EBADMSG;
	}
}

static int writer_reopen(struct spool_writer *w, int dir_fd)
{
	struct spool_head h;
	struct stat st;
	int r;

	w->fd = openat(dir_fd, w->name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (w->fd < 0)
		return -errno;
	r = writer_know(w, dir_fd, &st);
	if (r < 0)
		return r;
	r = read_salt(w->fd, &w->salt);
	if (r < 0)
		return r;
	r = find_end(w->fd, w->salt, (uint64_t)st.st_size, &h, &w->end);
	if (r < 0)
		return r;
	if (h.type == SPOOL_CLOSE)
		return -EALREADY;
	w->seq = h.seq + 1;
	w->packets = h.packets;
	w->torn = (uint64_t)st.st_size > w->end;
	return 0;
}

int spool_writer_append(int dir_fd, const struct id *session,
			struct clock *clock, struct spool_writer **ret_writer)
{
	struct spool_writer *w CLEANUP(spool_writer_destroy) = NULL;
	struct buf b CLEANUP(buf_fini) = { 0 };
	int r;

	if (!id_ok(session->s))
		return -EINVAL;
	r = writer_new(session, clock, &w);
	if (r < 0)
		return r;
	r = writer_reopen(w, dir_fd);
	if (r < 0)
		return r;
	(void)start_payload(&b);		/* the error sticks */
	(void)write_kept(w, &b, SPOOL_RESTART); /* a full disk: it waits */
	*ret_writer = STEAL(w);
	return 0;
}

const char *spool_writer_name(const struct spool_writer *w)
{
	return w->name;
}

uint64_t spool_writer_size(const struct spool_writer *w)
{
	return w->end;
}

uint64_t spool_writer_total(const struct spool_writer *w)
{
	return w->packets;
}

uint64_t spool_writer_lost_total(const struct spool_writer *w)
{
	return w->lost_total;
}
