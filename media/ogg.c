#include "media/ogg.h"

#include <errno.h>
#include <ogg/ogg.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

#define PAGE_48K 48000
#define TAG_MAX 4096

struct ogg_writer {
	ogg_stream_state os;
	bool os_ready;
	ogg_sink_fn *sink;
	void *arg;
	unsigned pre_skip;
	int64_t ticks;	  /* all packets, the held one too */
	int64_t page_end; /* ticks at which the next page is full */
	int64_t number;	  /* of the next packet */
	/* the newest packet waits: it may be the last */
	uint8_t *held;
	size_t held_len, held_cap;
	bool have;
};

int ogg_tag(struct buf *tags, const char *name, const char *value)
{
	size_t n = strlen(name), v = strnlen(value, TAG_MAX);

	(void)buf_le32(tags, (uint32_t)(n + 1 + v));
	(void)buf_put(tags, name, n);
	(void)buf_putc(tags, '=');
	return buf_put(tags, value, v);
}

static int write_page(struct ogg_writer *w, const ogg_page *page)
{
	int r;

	r = w->sink(w->arg, page->header, (size_t)page->header_len);
	if (r < 0)
		return r;
	return w->sink(w->arg, page->body, (size_t)page->body_len);
}

static int packet_in(struct ogg_writer *w, const void *data, size_t len,
		     int64_t granule, bool last)
{
	ogg_packet op = { 0 };

	op.packet = (unsigned char *)(uintptr_t)data; /* only read */
	op.bytes = (long)len;
	op.b_o_s = w->number == 0;
	op.e_o_s = last;
	op.granulepos = granule;
	op.packetno = w->number++;
	return ogg_stream_packetin(&w->os, &op) == 0 ? 0 : -ENOMEM;
}

static int flush_pages(struct ogg_writer *w, bool all)
{
	ogg_page page;
	int r;

	while (all ? ogg_stream_flush(&w->os, &page)
		   : ogg_stream_pageout(&w->os, &page)) {
		r = write_page(w, &page);
		if (r < 0)
			return r;
	}
	return 0;
}

static int put_head(const struct ogg_head *h, struct buf *b)
{
	(void)buf_puts(b, "OpusHead");
	(void)buf_u8(b, 1); /* version */
	(void)buf_u8(b, h->map.channels);
	(void)buf_le16(b, h->pre_skip_48k);
	(void)buf_le32(b, h->input_rate_hz);
	(void)buf_le16(b, 0); /* gain */
	(void)buf_u8(b, h->map.family);
	if (h->map.family) {
		(void)buf_u8(b, h->map.streams);
		(void)buf_u8(b, h->map.coupled);
		(void)buf_put(b, h->map.map, h->map.channels);
	}
	return buf_error(b);
}

static unsigned count_tags(const struct buf *tags)
{
	size_t at = 0;
	unsigned n = 0;

	while (at + 4 <= tags->len) {
		at += 4 + ((size_t)tags->data[at] |
			   (size_t)tags->data[at + 1] << 8 |
			   (size_t)tags->data[at + 2] << 16);
		n++;
	}
	return n;
}

static int put_tags(const struct buf *tags, struct buf *b)
{
	static const char vendor[] = "srs " SRS_VERSION;

	(void)buf_puts(b, "OpusTags");
	(void)buf_le32(b, sizeof(vendor) - 1);
	(void)buf_puts(b, vendor);
	(void)buf_le32(b, count_tags(tags));
	if (tags->len)
		(void)buf_put(b, tags->data, tags->len);
	return buf_error(b);
}

static void fini_buf(struct buf *b)
{
	buf_fini(b);
}

static int write_heads(struct ogg_writer *w, const struct ogg_head *head,
		       const struct buf *tags)
{
	struct buf b CLEANUP(fini_buf) = { 0 };
	int r;

	buf_init(&b, 256 * 1024);
	r = put_head(head, &b);
	if (r == 0)
		r = packet_in(w, b.data, b.len, 0, false);
	if (r == 0)
		r = flush_pages(w, true);
	if (r < 0)
		return r;
	buf_reset(&b);
	r = put_tags(tags, &b);
	if (r == 0)
		r = packet_in(w, b.data, b.len, 0, false);
	return r < 0 ? r : flush_pages(w, true);
}

int ogg_writer_create(const struct ogg_head *head, const struct buf *tags,
		      uint32_t serial, ogg_sink_fn *sink, void *arg,
		      struct ogg_writer **ret_w)
{
	struct ogg_writer *w CLEANUP(ogg_writer_destroy) = NULL;
	int r;

	w = mem_zalloc(sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->sink = sink;
	w->arg = arg;
	w->pre_skip = head->pre_skip_48k;
	w->page_end = PAGE_48K;
	if (ogg_stream_init(&w->os, (int)serial) != 0)
		return -ENOMEM;
	w->os_ready = true;
	r = write_heads(w, head, tags);
	if (r < 0)
		return r;
	*ret_w = STEAL(w);
	return 0;
}

void ogg_writer_destroy(struct ogg_writer **wp)
{
	struct ogg_writer *w = *wp;

	if (!w)
		return;
	*wp = NULL;
	if (w->os_ready)
		ogg_stream_clear(&w->os);
	mem_free(w->held);
	mem_free(w);
}

static int release(struct ogg_writer *w)
{
	int r;

	if (!w->have)
		return 0;
	w->have = false;
	r = packet_in(w, w->held, w->held_len, w->ticks, false);
	if (r < 0)
		return r;
	if (w->ticks < w->page_end)
		return flush_pages(w, false);
	w->page_end = w->ticks + PAGE_48K;
	return flush_pages(w, true);
}

int ogg_writer_packet(struct ogg_writer *w, const void *data, size_t len,
		      unsigned ticks_48k)
{
	uint8_t *p;
	int r;

	r = release(w);
	if (r < 0)
		return r;
	if (len > w->held_cap) {
		p = mem_realloc(w->held, len + 512);
		if (!p)
			return -ENOMEM;
		w->held = p;
		w->held_cap = len + 512;
	}
	memcpy(w->held, data, len);
	w->held_len = len;
	w->have = true;
	w->ticks += ticks_48k;
	return 0;
}

int64_t ogg_writer_ticks(const struct ogg_writer *w)
{
	return w->ticks;
}

int ogg_writer_finish(struct ogg_writer *w, int64_t total_48k)
{
	int64_t end = total_48k + w->pre_skip;
	int r;

	if (!w->have)
		return -EINVAL;
	if (end > w->ticks)
		end = w->ticks; /* more cannot be heard than there is */
	w->have = false;
	r = packet_in(w, w->held, w->held_len, end, true);
	return r < 0 ? r : flush_pages(w, true);
}
