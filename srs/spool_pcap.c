/* srs/spool_pcap.c - see spool_pcap.h. */
#include "srs/spool_pcap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "media/ports.h"
#include "media/spool.h"

#define BLOCK_SHB 0x0a0d0d0au
#define BLOCK_IDB 1u
#define BLOCK_EPB 6u
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define LINKTYPE_RAW 101u
#define OPT_COMMENT 1u
#define COMMENT_MAX 512u
#define HOPS 64
#define PROTO_UDP 17

/* An end of a packet, IPv4 in the first 4 bytes. */
struct end {
	uint8_t ip[16];
	uint16_t port;
};

struct dump {
	FILE *out;
	struct buf block; /* scratch */
	struct sockaddr_storage local;
	struct spool_streams streams;
	char comment[COMMENT_MAX]; /* for the next packet, "" = none */
};

/* ---- pcapng ---- */

static int put_block(struct dump *d, uint32_t type, const struct buf *body)
{
	uint32_t len = (uint32_t)body->len + 12;

	if (buf_error(body))
		return buf_error(body);
	if (fwrite(&type, 4, 1, d->out) != 1 ||
	    fwrite(&len, 4, 1, d->out) != 1 ||
	    fwrite(body->data, body->len, 1, d->out) != 1 ||
	    fwrite(&len, 4, 1, d->out) != 1)
		return errno ? -errno : -EIO;
	return 0;
}

static void pad4(struct buf *b)
{
	while (b->len % 4)
		if (buf_u8(b, 0) < 0)
			return;
}

static int put_headers(struct dump *d)
{
	struct buf *b = &d->block;
	int r;

	buf_reset(b);
	(void)buf_le32(b, BYTE_ORDER_MAGIC); /* errors stick */
	(void)buf_le16(b, 1);
	(void)buf_le16(b, 0);
	(void)buf_le64(b, UINT64_MAX); /* length of the section: unknown */
	r = put_block(d, BLOCK_SHB, b);
	if (r < 0)
		return r;
	buf_reset(b);
	(void)buf_le16(b, LINKTYPE_RAW);
	(void)buf_le16(b, 0);
	(void)buf_le32(b, 0); /* no snap length; times are microseconds */
	return put_block(d, BLOCK_IDB, b);
}

/* ---- IP ---- */

static uint32_t sum16(uint32_t sum, const uint8_t *p, size_t len)
{
	for (; len > 1; p += 2, len -= 2)
		sum += (uint32_t)p[0] << 8 | p[1];
	if (len)
		sum += (uint32_t)p[0] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put_udp(uint8_t *p, const struct end *src, const struct end *dst,
		    bool v6, const uint8_t *data, size_t len)
{
	size_t ip_len = v6 ? 16 : 4;
	uint16_t sum, udp_len = (uint16_t)(8 + len);
	uint32_t s;

	be16(p, src->port);
	be16(p + 2, dst->port);
	be16(p + 4, udp_len);
	be16(p + 6, 0);
	s = sum16(0, src->ip, ip_len);
	s = sum16(s, dst->ip, ip_len);
	s += PROTO_UDP + udp_len;
	s = sum16(s, p, 8);
	sum = fold(sum16(s, data, len));
	be16(p + 6, sum ? sum : 0xffff);
}

static size_t put_ip(uint8_t *p, const struct end *src, const struct end *dst,
		     bool v6, size_t udp_len)
{
	if (v6) {
		memset(p, 0, 40);
		p[0] = 0x60;
		be16(p + 4, (uint16_t)udp_len);
		p[6] = PROTO_UDP;
		p[7] = HOPS;
		memcpy(p + 8, src->ip, 16);
		memcpy(p + 24, dst->ip, 16);
		return 40;
	}
	memset(p, 0, 20);
	p[0] = 0x45;
	be16(p + 2, (uint16_t)(20 + udp_len));
	p[8] = HOPS;
	p[9] = PROTO_UDP;
	memcpy(p + 12, src->ip, 4);
	memcpy(p + 16, dst->ip, 4);
	be16(p + 10, fold(sum16(0, p, 20)));
	return 20;
}

static void end_of(const struct sockaddr_storage *a, bool v6, struct end *e)
{
	const struct sockaddr_in *v4a = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *v6a = (const struct sockaddr_in6 *)a;

	memset(e, 0, sizeof(*e));
	if (v6 && a->ss_family == AF_INET6) {
		memcpy(e->ip, &v6a->sin6_addr, 16);
		e->port = ntohs(v6a->sin6_port);
	} else if (!v6 && a->ss_family == AF_INET) {
		memcpy(e->ip, &v4a->sin_addr, 4);
		e->port = ntohs(v4a->sin_port);
	}
}

static const struct cap_stream *stream_of(const struct dump *d, unsigned index)
{
	for (unsigned i = 0; i < d->streams.n; i++)
		if (d->streams.s[i].index == index)
			return &d->streams.s[i];
	return NULL;
}

static void find_ends(const struct dump *d, const struct spool_packet *p,
		      bool v6, struct end *src, struct end *dst)
{
	static const struct sockaddr_storage none;
	const struct cap_stream *s = stream_of(d, p->stream);
	bool rtcp = p->proto == SPOOL_RTCP;

	end_of(&d->local, v6, dst);
	end_of(s ? (rtcp ? &s->remote_rtcp : &s->remote_rtp) : &none, v6, src);
	if (s)
		dst->port = (uint16_t)(s->local_port + rtcp);
}

/* ---- packets ---- */

static int put_packet(struct dump *d, const struct spool_item *it)
{
	bool v6 = d->local.ss_family == AF_INET6;
	const struct spool_packet *p = &it->packet;
	uint64_t us = (uint64_t)it->wall_us;
	struct buf *b = &d->block;
	uint8_t head[48];
	struct end src, dst;
	size_t n;

	if (p->len > UINT16_MAX - 64)
		return 0; /* does not fit a UDP packet: was none */
	find_ends(d, p, v6, &src, &dst);
	n = put_ip(head, &src, &dst, v6, 8 + p->len);
	put_udp(head + n, &src, &dst, v6, p->data, p->len);
	buf_reset(b);
	(void)buf_le32(b, 0); /* errors stick */
	(void)buf_le32(b, (uint32_t)(us >> 32));
	(void)buf_le32(b, (uint32_t)us);
	(void)buf_le32(b, (uint32_t)(n + 8 + p->len));
	(void)buf_le32(b, (uint32_t)(n + 8 + p->len));
	(void)buf_put(b, head, n + 8);
	(void)buf_put(b, p->data, p->len);
	pad4(b);
	if (d->comment[0]) {
		(void)buf_le16(b, OPT_COMMENT);
		(void)buf_le16(b, (uint16_t)strlen(d->comment));
		(void)buf_puts(b, d->comment);
		pad4(b);
		(void)buf_le32(b, 0); /* end of options */
		d->comment[0] = '\0';
	}
	return put_block(d, BLOCK_EPB, b);
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
	w = put_headers(d);
	r = 0;
	while (!w && (r = spool_reader_next(rd, &it)) > 0)
		w = put_item(d, &it);
	buf_fini(&d->block);
	mem_free(d);
	return w < 0 ? w : r;
}
