#include "media/copy.h"

#include "media/codec_opus.h"
#include "media/ogg.h"

#define CONCEAL_TICKS (TL_TICKS_S / 10)
#define COMFORT_TICKS (TL_TICKS_S / 2)
#define PACKET_MIN 120 /* 2.5 ms: the shortest there is */

static int put_lost(struct copy *c, int64_t *left, int64_t most)
{
	uint8_t toc[1];
	unsigned ticks;
	int r;

	if (!c->have_like)
		return 0;
	(void)opus_file_lost(c->like, toc);
	ticks = opus_file_packet_48k(toc, 1);
	while (ticks && *left >= ticks && most >= ticks) {
		r = ogg_writer_packet(c->out, toc, 1, ticks);
		if (r < 0)
			return r;
		*left -= ticks;
		most -= ticks;
	}
	return 0;
}

static int put_silence(struct copy *c, int64_t *left)
{
	static const unsigned sizes[] = { 960, 480, 240, PACKET_MIN };
	uint8_t pkt[OPUS_SILENCE_LEN];
	unsigned i;
	int n, r;

	for (i = 0; i < 4; i++) {
		n = opus_file_silence(sizes[i], c->rate_hz, c->stereo, pkt);
		while (n > 0 && *left >= sizes[i]) {
			r = ogg_writer_packet(c->out, pkt, (size_t)n, sizes[i]);
			if (r < 0)
				return r;
			*left -= sizes[i];
		}
	}
	return 0;
}

static int fill_to(struct copy *c, int64_t until, int64_t conceal)
{
	int64_t left = until - ogg_writer_ticks(c->out);
	int r;

	if (left < PACKET_MIN)
		return 0;
	r = put_lost(c, &left, conceal);
	return r < 0 ? r : put_silence(c, &left);
}

int copy_seg(void *arg, const struct tl_seg *seg, const uint8_t *payload,
	     size_t len)
{
	struct copy *c = arg;
	int64_t start = seg->start - c->zero, conceal = 0, off;
	unsigned ticks = payload ? opus_file_packet_48k(payload, len) : 0;
	int r;

	if (seg->kind == TL_PACKET && ticks) {
		off = ogg_writer_ticks(c->out) - start;
		if (off >= (int64_t)ticks) {
			c->left_out++; /* our file is a packet ahead */
			return 0;
		}
		if (-off >= (int64_t)ticks || !c->have_like) {
			r = fill_to(c, start, 0);
			if (r < 0)
				return r;
		}
		c->like = payload[0];
		c->have_like = true;
		return ogg_writer_packet(c->out, payload, len, ticks);
	}
	if (seg->kind == TL_LOSS || seg->kind == TL_PACKET)
		conceal = CONCEAL_TICKS;
	else if (seg->kind == TL_SILENCE && seg->len <= COMFORT_TICKS)
		conceal = seg->len;
	return fill_to(c, start + seg->len, conceal);
}

int copy_finish(struct copy *c, int64_t total)
{
	return fill_to(c, total, 0);
}
