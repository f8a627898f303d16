/* srs/spool_pcap.c - see spool_pcap.h. */
#include "srs/spool_pcap.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/pcapng.h"
#include "media/ports.h"
#include "media/spool.h"

#define COMMENT_MAX 512u

struct dump {
	FILE *out;
	struct buf block; /* scratch */
	struct sockaddr_storage local;
	struct spool_streams streams;
	char comment[COMMENT_MAX]; /* for the next packet, "" = none */
};

static int flush(struct dump *d)
{
	if (buf_error(&d->block))
		return buf_error(&d->block);
	if (fwrite(d->block.data, d->block.len, 1, d->out) != 1)
		return errno ? -errno : -EIO;
	buf_reset(&d->block);
	return 0;
}

/* A stream of the other family than ours has no address we could write. */
static void end_of(const struct sockaddr_storage *a, bool v6,
		   struct pcapng_end *e)
{
	pcapng_end_of(a, e);
	if (e->v6 != v6)
		*e = (struct pcapng_end){ .v6 = v6 };
}

static const struct cap_stream *stream_of(const struct dump *d, unsigned index)
{
	for (unsigned i = 0; i < d->streams.n; i++)
		if (d->streams.s[i].index == index)
			return &d->streams.s[i];
	return NULL;
}

static void find_ends(const struct dump *d, const struct spool_packet *p,
		      struct pcapng_packet *ret)
{
	static const struct sockaddr_storage none;
	const struct cap_stream *s = stream_of(d, p->stream);
	bool rtcp = p->proto == SPOOL_RTCP;

	pcapng_end_of(&d->local, &ret->dst);
	end_of(s ? (rtcp ? &s->remote_rtcp : &s->remote_rtp) : &none,
	       ret->dst.v6, &ret->src);
	if (s)
		ret->dst.port = (uint16_t)(s->local_port + rtcp);
}

static int put_packet(struct dump *d, const struct spool_item *it)
{
	const struct spool_packet *p = &it->packet;
	struct pcapng_packet out = { .wall_us = it->wall_us,
				     .data = p->data,
				     .len = p->len,
				     .comment = d->comment };

	find_ends(d, p, &out);
	(void)pcapng_packet(&d->block, &out); /* the error sticks */
	d->comment[0] = '\0';
	return flush(d);
}

static int put_item(struct dump *d, const struct spool_item *it)
{
	switch (it->type) {
	case SPOOL_OPEN:
		if (ports_parse_address(it->open.local_address, &d->local) < 0)
			d->local.ss_family = AF_INET;
		return 0;
	case SPOOL_STREAMS:
		d->streams = *it->streams;
		return 0;
	case SPOOL_PACKETS:
		return put_packet(d, it);
	case SPOOL_EVENT:
		(void)snprintf(d->comment, sizeof(d->comment),
			       "event %u, stream %d: %.*s", it->event.kind,
			       it->event.index, (int)it->event.text_len,
			       it->event.text);
		return 0;
	case SPOOL_RESTART:
		(void)snprintf(d->comment, sizeof(d->comment),
			       "capture was restarted before this packet");
		return 0;
	default:
		return 0;
	}
}

int spool_pcap_write(struct spool_reader *rd, FILE *out)
{
	struct spool_item it;
	struct dump *d;
	int r, w;

	d = mem_zalloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->out = out;
	d->local.ss_family = AF_INET;
	buf_init(&d->block, 128 * 1024);
	(void)pcapng_begin(&d->block, NULL); /* the error sticks */
	w = flush(d);
	r = 0;
	while (!w && (r = spool_reader_next(rd, &it)) > 0)
		w = put_item(d, &it);
	buf_fini(&d->block);
	mem_free(d);
	return w < 0 ? w : r;
}
