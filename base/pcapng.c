#include "base/pcapng.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/buf.h"

#define BLOCK_SHB 0x0a0d0d0au
#define BLOCK_IDB 1u
#define BLOCK_EPB 6u
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define LINKTYPE_RAW 101u
#define OPT_COMMENT 1u
#define COMMENT_MAX 2048u
#define HOPS 64
#define TCP_PSH_ACK 0x18
#define UDP_HEAD 8u
#define TCP_HEAD 20u
#define HEADS_MAX (40u + TCP_HEAD)

/* ---- blocks ---- */

static uint32_t padded(size_t n)
{
	return (uint32_t)((n + 3) & ~(size_t)3);
}

static void put_padded(struct buf *b, const void *data, size_t len)
{
	static const uint8_t zero[4];

	(void)buf_put(b, data, len); /* errors stick, here and below */
	(void)buf_put(b, zero, padded(len) - len);
}

static size_t comment_len(const char *comment)
{
	size_t n = comment ? strlen(comment) : 0;

	return n > COMMENT_MAX ? COMMENT_MAX : n;
}

/* Bytes of the options: the comment's head and text, the end. */
static uint32_t options_len(const char *comment)
{
	size_t n = comment_len(comment);

	return n ? 4 + padded(n) + 4 : 0;
}

static void put_options(struct buf *b, const char *comment)
{
	size_t n = comment_len(comment);

	if (n == 0)
		return;
	(void)buf_le16(b, OPT_COMMENT);
	(void)buf_le16(b, (uint16_t)n);
	put_padded(b, comment, n);
	(void)buf_le32(b, 0);
}

static uint32_t block_begin(struct buf *b, uint32_t type, uint32_t body)
{
	(void)buf_le32(b, type);
	(void)buf_le32(b, body + 12);
	return body + 12;
}

int pcapng_begin(struct buf *b, const char *comment)
{
	uint32_t len = block_begin(b, BLOCK_SHB, 16 + options_len(comment));

	(void)buf_le32(b, BYTE_ORDER_MAGIC);
	(void)buf_le16(b, 1);
	(void)buf_le16(b, 0);
	(void)buf_le64(b, UINT64_MAX); /* length of the section: unknown */
	put_options(b, comment);
	(void)buf_le32(b, len);
	len = block_begin(b, BLOCK_IDB, 8);
	(void)buf_le16(b, LINKTYPE_RAW);
	(void)buf_le16(b, 0);
	(void)buf_le32(b, 0); /* no snap length; times are microseconds */
	return buf_le32(b, len);
}

/* ---- headers ---- */

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

static void be32(uint8_t *p, uint32_t v)
{
	be16(p, (uint16_t)(v >> 16));
	be16(p + 2, (uint16_t)v);
}

static uint8_t protocol(const struct pcapng_packet *p)
{
	return p->proto == PCAPNG_TCP ? IPPROTO_TCP : IPPROTO_UDP;
}

/* len: from the transport header on */
static size_t put_ip(uint8_t *h, const struct pcapng_packet *p, size_t len)
{
	if (p->src.v6) {
		h[0] = 0x60;
		be16(h + 4, (uint16_t)len);
		h[6] = protocol(p);
		h[7] = HOPS;
		memcpy(h + 8, p->src.ip, 16);
		memcpy(h + 24, p->dst.ip, 16);
		return 40;
	}
	h[0] = 0x45;
	be16(h + 2, (uint16_t)(20 + len));
	h[8] = HOPS;
	h[9] = protocol(p);
	memcpy(h + 12, p->src.ip, 4);
	memcpy(h + 16, p->dst.ip, 4);
	be16(h + 10, fold(sum16(0, h, 20)));
	return 20;
}

static size_t put_transport(uint8_t *h, const struct pcapng_packet *p,
			    size_t len)
{
	be16(h, p->src.port);
	be16(h + 2, p->dst.port);
	if (p->proto == PCAPNG_UDP) {
		be16(h + 4, (uint16_t)(UDP_HEAD + len));
		return UDP_HEAD;
	}
	be32(h + 4, p->seq);
	be32(h + 8, p->ack);
	h[12] = (TCP_HEAD / 4) << 4;
	h[13] = TCP_PSH_ACK;
	be16(h + 14, UINT16_MAX); /* window */
	return TCP_HEAD;
}

static uint16_t checksum(const uint8_t *h, size_t head,
			 const struct pcapng_packet *p, size_t len)
{
	size_t ip_len = p->src.v6 ? 16 : 4;
	uint32_t sum = protocol(p) + (uint32_t)(head + len);
	uint16_t r;

	sum = sum16(sum, p->src.ip, ip_len);
	sum = sum16(sum, p->dst.ip, ip_len);
	sum = sum16(sum, h, head);
	r = fold(sum16(sum, p->data, len));
	return r == 0 && p->proto == PCAPNG_UDP ? 0xffff : r;
}

int pcapng_packet(struct buf *b, const struct pcapng_packet *p)
{
	size_t len = p->len, head = p->proto == PCAPNG_TCP ? TCP_HEAD : 8;
	size_t at = p->proto == PCAPNG_TCP ? 16 : 6;
	uint64_t us = (uint64_t)p->wall_us;
	uint8_t h[HEADS_MAX] = { 0 };
	uint32_t block, whole;
	size_t ip;

	if (len > PCAPNG_PAYLOAD_MAX)
		len = PCAPNG_PAYLOAD_MAX;
	ip = put_ip(h, p, head + len);
	(void)put_transport(h + ip, p, len);
	be16(h + ip + at, checksum(h + ip, head, p, len));
	whole = (uint32_t)(ip + head + len);
	block = block_begin(b, BLOCK_EPB,
			    20 + padded(whole) + options_len(p->comment));
	(void)buf_le32(b, 0);
	(void)buf_le32(b, (uint32_t)(us >> 32));
	(void)buf_le32(b, (uint32_t)us);
	(void)buf_le32(b, whole);
	(void)buf_le32(b, (uint32_t)(ip + head + p->len));
	(void)buf_put(b, h, ip + head);
	(void)buf_put(b, p->data, len);
	(void)buf_put(b, "\0\0\0", padded(whole) - whole);
	put_options(b, p->comment);
	return buf_le32(b, block);
}

/* ---- ends ---- */

void pcapng_end_of(const struct sockaddr_storage *a, struct pcapng_end *ret)
{
	const struct sockaddr_in *v4a = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *v6a = (const struct sockaddr_in6 *)a;

	*ret = (struct pcapng_end){ 0 };
	if (a->ss_family == AF_INET6) {
		ret->v6 = true;
		memcpy(ret->ip, &v6a->sin6_addr, 16);
		ret->port = ntohs(v6a->sin6_port);
	} else if (a->ss_family == AF_INET) {
		memcpy(ret->ip, &v4a->sin_addr, 4);
		ret->port = ntohs(v4a->sin_port);
	}
}

int pcapng_end_parse(struct span text, struct pcapng_end *ret)
{
	struct pcapng_end e = { 0 };
	char host[INET6_ADDRSTRLEN];
	struct span port = text;
	struct span name;
	uint64_t n = 0;

	e.v6 = span_starts(text, "[");
	if (e.v6 && span_find(text, ']') < 0)
		return -EINVAL;
	name = span_cut(&port, e.v6 ? ']' : ':');
	if (e.v6) {
		name = (struct span){ name.p + 1, name.len - 1 };
		if (port.len && port.p[0] != ':')
			return -EINVAL;
		if (port.len)
			port = (struct span){ port.p + 1, port.len - 1 };
	}
	if (port.len && span_u64(port, UINT16_MAX, &n) < 0)
		return -EINVAL;
	if (!span_copy(host, sizeof(host), name) ||
	    inet_pton(e.v6 ? AF_INET6 : AF_INET, host, e.ip) != 1)
		return -EINVAL;
	e.port = (uint16_t)n;
	*ret = e;
	return 0;
}
