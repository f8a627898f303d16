#include "media/ogg.h"

#include <errno.h>
#include <ogg/ogg.h>
#include <string.h>

#include "base/cursor.h"
#include "base/mem.h"

struct reading {
	ogg_sync_state oy;
	ogg_stream_state os;
	bool os_ready;
	unsigned heads; /* 0 nothing, 1 OpusHead, 2 OpusTags seen */
	struct ogg_info *info;
	int64_t granule; /* the last one seen */
	int (*on_head)(void *arg, const struct ogg_head *head);
	ogg_packet_fn *on_packet;
	void *fn_arg;
};

static void reading_fini(struct reading *r)
{
	if (r->os_ready)
		ogg_stream_clear(&r->os);
	ogg_sync_clear(&r->oy);
}

static bool default_map(struct opus_map *m)
{
	if (m->channels < 1 || m->channels > 2)
		return false;
	m->streams = 1;
	m->coupled = m->channels - 1;
	m->map[0] = 0;
	m->map[1] = 1;
	return true;
}

static bool explicit_map(struct cursor *c, struct opus_map *m)
{
	const uint8_t *map;

	if (m->channels < 1 || m->channels > sizeof(m->map))
		return false;
	if (!cur_u8(c, &m->streams) || !cur_u8(c, &m->coupled) ||
	    !cur_take(c, m->channels, &map))
		return false;
	memcpy(m->map, map, m->channels);
	return true;
}

static int parse_head(const uint8_t *data, size_t len, struct ogg_head *h)
{
	struct cursor c;
	uint8_t version;

	cur_init(&c, data, len);
	if (!cur_skip(&c, 8) || memcmp(data, "OpusHead", 8) != 0)
		return -EBADMSG;
	if (!cur_u8(&c, &version) || version >> 4 != 0 ||
	    !cur_u8(&c, &h->map.channels) || !cur_le16(&c, &h->pre_skip_48k) ||
	    !cur_le32(&c, &h->input_rate_hz) || !cur_skip(&c, 2) ||
	    !cur_u8(&c, &h->map.family))
		return -EBADMSG;
	if (h->map.family ? !explicit_map(&c, &h->map) : !default_map(&h->map))
		return -EBADMSG;
	return 0;
}

static int parse_tags(const uint8_t *data, size_t len, char *dst, size_t max)
{
	struct cursor c;
	const uint8_t *p;
	uint32_t n, count;
	size_t at = 0;

	cur_init(&c, data, len);
	if (!cur_skip(&c, 8) || memcmp(data, "OpusTags", 8) != 0)
		return -EBADMSG;
	if (!cur_le32(&c, &n) || !cur_skip(&c, n) || !cur_le32(&c, &count))
		return -EBADMSG;
	dst[0] = 0;
	while (count-- > 0) {
		if (!cur_le32(&c, &n) || !cur_take(&c, n, &p))
			return -EBADMSG;
		if (at + n + 2 > max)
			continue;
		memcpy(dst + at, p, n);
		at += n;
		dst[at++] = '\n';
		dst[at] = 0;
	}
	return 0;
}

/* Streams before the last are self-delimited, but all have the same length:
 * the first toc byte and its frame count are enough, and for the one-frame
 * packets that we write opus_file_packet_48k() reads just these. */
static unsigned packet_ticks(const struct opus_map *m, const uint8_t *data,
			     size_t len)
{
	if (m->streams > 1 && len && (data[0] & 3) == 0)
		return opus_file_packet_48k(data, 1);
	return opus_file_packet_48k(data, len);
}

static int take_packet(struct reading *r, const ogg_packet *op)
{
	size_t len = (size_t)op->bytes;
	unsigned ticks;
	int e;

	if (r->heads == 0) {
		e = parse_head(op->packet, len, &r->info->head);
		if (e == 0 && r->on_head)
			e = r->on_head(r->fn_arg, &r->info->head);
		r->heads = 1;
		return e;
	}
	if (r->heads == 1) {
		r->heads = 2;
		return parse_tags(op->packet, len, r->info->tags,
				  sizeof(r->info->tags));
	}
	ticks = packet_ticks(&r->info->head.map, op->packet, len);
	if (!ticks)
		return -EBADMSG;
	r->info->packets++;
	r->info->bytes += len;
	r->info->packet_48k += ticks;
	if (op->granulepos >= 0) {
		if (op->granulepos < r->granule ||
		    op->granulepos > r->info->packet_48k ||
		    (!op->e_o_s && op->granulepos != r->info->packet_48k))
			return -EBADMSG;
		r->granule = op->granulepos;
	}
	if (op->e_o_s)
		r->info->complete = true;
	return r->on_packet ? r->on_packet(r->fn_arg, op->packet, len) : 0;
}

static int take_page(struct reading *r, ogg_page *page)
{
	ogg_packet op;
	int n, e;

	if (!r->os_ready) {
		if (ogg_stream_init(&r->os, ogg_page_serialno(page)) != 0)
			return -ENOMEM;
		r->os_ready = true;
	}
	if (ogg_stream_pagein(&r->os, page) != 0)
		return -EBADMSG; /* another stream */
	while ((n = ogg_stream_packetout(&r->os, &op)) != 0) {
		if (n < 0)
			return -EBADMSG; /* a page is missing */
		e = take_packet(r, &op);
		if (e != 0)
			return e;
	}
	return 0;
}

static int take_bytes(struct reading *r)
{
	ogg_page page;
	int n, e;

	while ((n = ogg_sync_pageout(&r->oy, &page)) != 0) {
		if (n < 0)
			return -EBADMSG;
		e = take_page(r, &page);
		if (e != 0)
			return e;
	}
	return 0;
}

int ogg_read(ogg_read_fn *read, void *arg,
	     int (*on_head)(void *arg, const struct ogg_head *head),
	     ogg_packet_fn *on_packet, void *fn_arg, struct ogg_info *ret_info)
{
	struct reading r CLEANUP(reading_fini) = { 0 };
	struct ogg_info info = { 0 };
	ssize_t n;
	char *p;
	int e;

	r.info = &info;
	r.on_head = on_head;
	r.on_packet = on_packet;
	r.fn_arg = fn_arg;
	(void)ogg_sync_init(&r.oy); /* always 0 */
	for (;;) {
		p = ogg_sync_buffer(&r.oy, 16384);
		if (!p)
			return -ENOMEM;
		n = read(arg, p, 16384);
		if (n <= 0)
			break;
		(void)ogg_sync_wrote(&r.oy, n); /* fits: we asked for it */
		e = take_bytes(&r);
		if (e != 0)
			return e;
	}
	if (n < 0)
		return (int)n;
	if (r.heads < 2)
		return -EBADMSG;
	info.duration_48k = r.granule - info.head.pre_skip_48k;
	*ret_info = info;
	return 0;
}

/* ---- decode all ---- */

#define VERIFY_HZ 8000
#define VERIFY_MAX (VERIFY_HZ * 120 / 1000)

struct verify {
	struct opus_dec *dec;
	unsigned channels;
	struct ogg_check *out;
};

static int verify_head(void *arg, const struct ogg_head *head)
{
	struct verify *v = arg;

	v->channels = head->map.channels;
	return opus_dec_create(&head->map, VERIFY_HZ, &v->dec);
}

static int verify_packet(void *arg, const uint8_t *data, size_t len)
{
	int16_t pcm[VERIFY_MAX * 8];
	struct verify *v = arg;
	unsigned c;
	int n, i, s;

	n = opus_dec_packet(v->dec, data, len, pcm, VERIFY_MAX);
	if (n < 0)
		return n;
	v->out->decoded_48k += (int64_t)n * (48000 / VERIFY_HZ);
	for (c = 0; c < v->channels && c < 2; c++) {
		for (i = 0; i < n; i++) {
			s = pcm[(unsigned)i * v->channels + c];
			s = s < 0 ? -s : s;
			if (s > v->out->peak[c])
				v->out->peak[c] = s;
		}
	}
	return 0;
}

int ogg_verify(ogg_read_fn *read, void *arg, struct ogg_check *ret_check)
{
	struct ogg_check check = { 0 };
	struct verify v = { .out = &check };
	int r;

	r = ogg_read(read, arg, verify_head, verify_packet, &v, &check.info);
	opus_dec_destroy(&v.dec);
	if (r < 0)
		return r;
	*ret_check = check;
	return 0;
}
