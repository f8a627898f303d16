#include "tests/support/spool_maker.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "media/rtp.h"

void maker_open(struct spool_maker *m, const char *dir, const char *meta)
{
	struct spool_open open_block = { .session = { MAKER_ID },
					 .start_wall_us = MAKER_WALL_US };

	memset(m, 0, sizeof(*m));
	clock_fake_init(&m->clock, 50000000, MAKER_WALL_US);
	m->dir_fd = open(dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	ASSERT(m->dir_fd >= 0);
	(void)snprintf(m->path, sizeof(m->path), "%s/" MAKER_ID SPOOL_SUFFIX,
		       dir);
	(void)unlink(m->path);
	open_block.meta = meta;
	open_block.meta_len = strlen(meta);
	ASSERT(spool_writer_create(m->dir_fd, &open_block, &m->clock.clock,
				   &m->w) == 0);
	ASSERT(spool_batch_init(&m->batch) == 0);
}

void maker_add_stream(struct spool_maker *m, uint8_t pt, const char *codec,
		      uint32_t rate_hz, unsigned channels)
{
	struct cap_stream *s = &m->table.s[m->table.n];

	*s = (struct cap_stream){ .index = (uint16_t)m->table.n,
				  .media = CAP_AUDIO,
				  .enabled = true,
				  .active = true,
				  .n_pts = 1 };
	s->pts[0] = (struct cap_pt){ .pt = pt,
				     .channels = (uint8_t)channels,
				     .rate_hz = rate_hz };
	(void)str_copy(s->pts[0].codec, sizeof(s->pts[0].codec), codec);
	m->table.n++;
}

void maker_table(struct spool_maker *m)
{
	ASSERT(spool_writer_streams(m->w, &m->table) == 0);
}

static void flush(struct spool_maker *m)
{
	ASSERT(spool_writer_packets(m->w, &m->batch, m->clock.now_mono_us,
				    m->clock.now_wall_us) == 0);
	spool_batch_reset(&m->batch);
}

void maker_rtp(struct spool_maker *m, uint16_t stream, uint8_t pt, uint16_t seq,
	       uint32_t ts, uint32_t ssrc, const void *payload, size_t len)
{
	uint8_t pkt[2000];

	ASSERT(len <= sizeof(pkt) - RTP_HEADER_MIN);
	rtp_write_header(pkt, false, pt, seq, ts, ssrc);
	memcpy(pkt + RTP_HEADER_MIN, payload, len);
	ASSERT(spool_batch_put(&m->batch, stream, SPOOL_RTP, 0, pkt,
			       len + RTP_HEADER_MIN) == 0);
}

void maker_event(struct spool_maker *m, uint16_t kind, int16_t index)
{
	struct spool_event ev = { .kind = kind, .index = index, .text = "" };

	flush(m);
	ASSERT(spool_writer_event(m->w, &ev) == 0);
}

/* One batch a packet time: ages stay 0. */
void maker_advance(struct spool_maker *m, int64_t us)
{
	if (m->batch.n_rtp)
		flush(m);
	clock_fake_advance(&m->clock, us);
}

void maker_close(struct spool_maker *m, bool orderly)
{
	struct spool_close totals = { .reason = "bye" };

	if (m->batch.n_rtp)
		flush(m);
	if (orderly)
		ASSERT(spool_writer_close(m->w, &totals) == 0);
	spool_writer_destroy(&m->w);
	spool_batch_fini(&m->batch);
	(void)close(m->dir_fd);
}
