/* media/spool_format.c - see spool_format.h; the format is told in spool.h.
 *
 * Payloads (str: u16 length and bytes; text: u32 length, bytes, NUL; addr: u8
 * family 0, 4 or 6, and unless 0 the u16 port and 4 or 16 bytes in network
 * order):
 *
 *   OPEN	i64 start_wall_us, str session, str local address, text meta
 *   STREAMS	u16 n, n times: u16 index, u8 media, u8 flags (1 enabled,
 *		2 active, 4 muted, 8 rtcp-mux), u16 local port, str label,
 *		addr rtp, addr rtcp, u8 n, n times: u8 pt, u8 channels,
 *		u32 rate, str codec, str fmtp
 *   EVENT	u16 kind, i16 index, text
 *   RESTART	nothing
 *   LOST	u64 packets
 *   CLOSE	str reason, u64 packets, u64 bytes, u16 streams, u16 reasons,
 *		for each stream: u16 index, u64 packets, u64 bytes, u64 for
 *		each reason
 */
#include "media/spool_format.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cursor.h"
#include "media/crc32c.h"

/* Microseconds, year 2255: whatever is later is garbage and would overflow. */
#define TIME_MAX (UINT64_C(1) << 53)

static const uint8_t file_magic[8] = { 'S', 'R', 'S', 'P', 'O', 'O', 'L', 1 };

const char *spool_drop_name(enum spool_drop d)
{
	static const char *const names[SPOOL_DROP_MAX] = {
		[SPOOL_DROP_SOURCE] = "source",
		[SPOOL_DROP_VERSION] = "version",
		[SPOOL_DROP_PT] = "payload_type",
		[SPOOL_DROP_SSRC] = "ssrc",
		[SPOOL_DROP_SEQ] = "sequence",
		[SPOOL_DROP_INACTIVE] = "inactive",
		[SPOOL_DROP_MUTED] = "muted",
		[SPOOL_DROP_KERNEL] = "kernel",
		[SPOOL_DROP_SIZE] = "size",
		[SPOOL_DROP_DISK] = "disk",
		[SPOOL_DROP_AUTH] = "srtp_auth",
		[SPOOL_DROP_REPLAY] = "srtp_replay",
	};

	return (unsigned)d < SPOOL_DROP_MAX ? names[d] : "unknown";
}

static void le32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

static void le64(uint8_t *p, uint64_t v)
{
	le32(p, (uint32_t)v);
	le32(p + 4, (uint32_t)(v >> 32));
}

static uint32_t get32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static uint64_t get64(const uint8_t *p)
{
	return get32(p) | (uint64_t)get32(p + 4) << 32;
}

/* ---- heads ---- */

static void uuid_pack(uint8_t dst[16], const char *s)
{
	unsigned n = 0;
	char hex[2];

	memset(dst, 0, 16);
	while (*s && n < 16) {
		if (*s == '-') {
			s++;
			continue;
		}
		hex[0] = s[0];
		hex[1] = s[1];
		if (str_unhex(&dst[n++], 1, (struct span){ hex, 2 }) != 1)
			return;
		s += 2;
	}
}

static void uuid_unpack(struct id *id, const uint8_t src[16])
{
	char hex[33], *d = id->s;

	str_hex(hex, src, 16);
	for (unsigned i = 0; i < 32; i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			*d++ = '-';
		*d++ = hex[i];
	}
	*d = '\0';
}

void spool_put_file_head(uint8_t dst[SPOOL_HEAD_LEN],
			 const struct spool_file_head *h)
{
	memset(dst, 0, SPOOL_HEAD_LEN);
	memcpy(dst, file_magic, sizeof(file_magic));
	le32(dst + 8, SPOOL_VERSION);
	le32(dst + 12, SPOOL_HEAD_LEN);
	le64(dst + 16, h->salt);
	uuid_pack(dst + 24, h->session.s);
	le64(dst + 40, (uint64_t)h->created_wall_us);
	le32(dst + 60, crc32c(0, dst, 60));
}

int spool_get_file_head(const uint8_t src[SPOOL_HEAD_LEN],
			struct spool_file_head *ret_h)
{
	if (memcmp(src, file_magic, sizeof(file_magic)) != 0 ||
	    get32(src + 8) != SPOOL_VERSION ||
	    get32(src + 12) != SPOOL_HEAD_LEN ||
	    get32(src + 60) != crc32c(0, src, 60))
		return -EBADMSG;
	ret_h->salt = get64(src + 16);
	uuid_unpack(&ret_h->session, src + 24);
	ret_h->created_wall_us = (int64_t)get64(src + 40);
	return 0;
}

void spool_put_mark(uint8_t dst[12], uint64_t salt)
{
	le32(dst, SPOOL_MAGIC);
	le64(dst + 4, salt);
}

void spool_put_head(uint8_t dst[SPOOL_HEAD_LEN], uint64_t salt,
		    const struct spool_head *h)
{
	spool_put_mark(dst, salt);
	le32(dst + 12, h->type);
	le32(dst + 16, h->payload_len);
	le32(dst + 20, h->payload_crc);
	le32(dst + 24, h->seq);
	le32(dst + 28, 0);
	le64(dst + 32, (uint64_t)h->mono_us);
	le64(dst + 40, (uint64_t)h->wall_us);
	le64(dst + 48, h->boot);
	le32(dst + 56, h->packets);
	le32(dst + 60, crc32c(0, dst, 60));
}

int spool_get_head(const uint8_t src[SPOOL_HEAD_LEN], const uint64_t *salt,
		   struct spool_head *ret_h, uint64_t *ret_salt)
{
	if (get32(src) != SPOOL_MAGIC || (salt && get64(src + 4) != *salt) ||
	    get32(src + 60) != crc32c(0, src, 60) ||
	    get32(src + 16) > SPOOL_PAYLOAD_MAX || get64(src + 32) > TIME_MAX ||
	    get64(src + 40) > TIME_MAX)
		return -EBADMSG;
	if (ret_salt)
		*ret_salt = get64(src + 4);
	*ret_h = (struct spool_head){
		.type = src[12],
		.payload_len = get32(src + 16),
		.payload_crc = get32(src + 20),
		.seq = get32(src + 24),
		.mono_us = (int64_t)get64(src + 32),
		.wall_us = (int64_t)get64(src + 40),
		.boot = get64(src + 48),
		.packets = get32(src + 56),
	};
	return 0;
}

uint64_t spool_boot_id(void)
{
	static uint64_t cached;
	char text[40];
	uint8_t id[16];
	ssize_t n;
	int fd;

	if (cached)
		return cached;
	fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 36)
		return 0;
	text[36] = '\0';
	uuid_pack(id, text);
	cached = get64(id);
	return cached;
}

/* ---- payloads ---- */

static void put_str(struct buf *b, const char *s)
{
	size_t len = strlen(s);

	if (len > UINT16_MAX)
		len = UINT16_MAX;
	(void)buf_le16(b, (uint16_t)len); /* errors stick to b */
	(void)buf_put(b, s, len);
}

static void put_text(struct buf *b, const char *s, size_t len)
{
	(void)buf_le32(b, (uint32_t)len); /* errors stick to b */
	(void)buf_put(b, s, len);
	(void)buf_u8(b, 0);
}

static bool get_str(struct cursor *c, char *dst, size_t dst_len)
{
	const uint8_t *p;
	uint16_t len;

	if (!cur_le16(c, &len) || !cur_take(c, len, &p))
		return false;
	(void)span_copy(dst, dst_len, (struct span){ (const char *)p, len });
	return true;
}

static bool get_text(struct cursor *c, const char **ret_s, size_t *ret_len)
{
	const uint8_t *p;
	uint32_t len;

	if (!cur_le32(c, &len) || len >= SPOOL_PAYLOAD_MAX ||
	    !cur_take(c, (size_t)len + 1, &p) || p[len])
		return false;
	*ret_s = (const char *)p;
	*ret_len = len;
	return true;
}

void spool_put_open(struct buf *b, const struct spool_open *o)
{
	(void)buf_le64(b, (uint64_t)o->start_wall_us); /* errors stick to b */
	put_str(b, o->session.s);
	put_str(b, o->local_address);
	put_text(b, o->meta ? o->meta : "", o->meta ? o->meta_len : 0);
}

int spool_get_open(const uint8_t *p, size_t len, struct spool_open *ret_o)
{
	struct spool_open o = { 0 };
	struct cursor c;
	uint64_t start;

	cur_init(&c, p, len);
	if (!cur_le64(&c, &start) ||
	    !get_str(&c, o.session.s, sizeof(o.session.s)) ||
	    !get_str(&c, o.local_address, sizeof(o.local_address)) ||
	    !get_text(&c, &o.meta, &o.meta_len))
		return -EBADMSG;
	o.start_wall_us = (int64_t)start;
	*ret_o = o;
	return 0;
}

static void put_addr(struct buf *b, const struct sockaddr_storage *a)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;

	if (a->ss_family == AF_INET) {
		(void)buf_u8(b, 4); /* errors stick to b */
		(void)buf_le16(b, ntohs(v4->sin_port));
		(void)buf_put(b, &v4->sin_addr, 4);
	} else if (a->ss_family == AF_INET6) {
		(void)buf_u8(b, 6);
		(void)buf_le16(b, ntohs(v6->sin6_port));
		(void)buf_put(b, &v6->sin6_addr, 16);
	} else {
		(void)buf_u8(b, 0);
	}
}

static bool get_addr(struct cursor *c, struct sockaddr_storage *a)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)a;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)a;
	const uint8_t *p;
	uint16_t port;
	uint8_t family;

	memset(a, 0, sizeof(*a));
	if (!cur_u8(c, &family))
		return false;
	if (!family)
		return true;
	if (!cur_le16(c, &port))
		return false;
	if (family == 4 && cur_take(c, 4, &p)) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, p, 4);
		return true;
	}
	if (family == 6 && cur_take(c, 16, &p)) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		memcpy(&v6->sin6_addr, p, 16);
		return true;
	}
	return false;
}

static void put_pt(struct buf *b, const struct cap_pt *pt)
{
	(void)buf_u8(b, pt->pt); /* errors stick to b */
	(void)buf_u8(b, pt->channels);
	(void)buf_le32(b, pt->rate_hz);
	put_str(b, pt->codec);
	put_str(b, pt->fmtp);
}

static bool get_pt(struct cursor *c, struct cap_pt *pt)
{
	return cur_u8(c, &pt->pt) && cur_u8(c, &pt->channels) &&
	       cur_le32(c, &pt->rate_hz) &&
	       get_str(c, pt->codec, sizeof(pt->codec)) &&
	       get_str(c, pt->fmtp, sizeof(pt->fmtp));
}

static void put_stream(struct buf *b, const struct cap_stream *s)
{
	unsigned n = s->n_pts < CAP_PTS_MAX ? s->n_pts : CAP_PTS_MAX;

	(void)buf_le16(b, s->index); /* errors stick to b */
	(void)buf_u8(b, s->media);
	(void)buf_u8(b, (uint8_t)(s->enabled | s->active << 1 | s->muted << 2 |
				  s->rtcp_mux << 3));
	(void)buf_le16(b, s->local_port);
	put_str(b, s->label);
	put_addr(b, &s->remote_rtp);
	put_addr(b, &s->remote_rtcp);
	(void)buf_u8(b, (uint8_t)n);
	for (unsigned i = 0; i < n; i++)
		put_pt(b, &s->pts[i]);
}

static bool get_stream(struct cursor *c, struct cap_stream *s)
{
	uint8_t flags;

	if (!cur_le16(c, &s->index) || !cur_u8(c, &s->media) ||
	    !cur_u8(c, &flags) || !cur_le16(c, &s->local_port) ||
	    !get_str(c, s->label, sizeof(s->label)) ||
	    !get_addr(c, &s->remote_rtp) || !get_addr(c, &s->remote_rtcp) ||
	    !cur_u8(c, &s->n_pts) || s->n_pts > CAP_PTS_MAX)
		return false;
	s->enabled = flags & 1;
	s->active = flags & 2;
	s->muted = flags & 4;
	s->rtcp_mux = flags & 8;
	for (unsigned i = 0; i < s->n_pts; i++)
		if (!get_pt(c, &s->pts[i]))
			return false;
	return true;
}

void spool_put_streams(struct buf *b, const struct spool_streams *t)
{
	unsigned n = t->n < CAP_STREAMS_MAX ? t->n : CAP_STREAMS_MAX;

	(void)buf_le16(b, (uint16_t)n); /* errors stick to b */
	for (unsigned i = 0; i < n; i++)
		put_stream(b, &t->s[i]);
}

int spool_get_streams(const uint8_t *p, size_t len, struct spool_streams *ret)
{
	struct cursor c;
	uint16_t n;

	memset(ret, 0, sizeof(*ret));
	cur_init(&c, p, len);
	if (!cur_le16(&c, &n) || n > CAP_STREAMS_MAX)
		return -EBADMSG;
	for (unsigned i = 0; i < n; i++)
		if (!get_stream(&c, &ret->s[i]))
			return -EBADMSG;
	ret->n = n;
	return 0;
}

void spool_put_event(struct buf *b, const struct spool_event *e)
{
	(void)buf_le16(b, e->kind); /* errors stick to b */
	(void)buf_le16(b, (uint16_t)e->index);
	put_text(b, e->text ? e->text : "", e->text ? e->text_len : 0);
}

int spool_get_event(const uint8_t *p, size_t len, struct spool_event *ret_e)
{
	struct cursor c;
	uint16_t index;

	cur_init(&c, p, len);
	if (!cur_le16(&c, &ret_e->kind) || !cur_le16(&c, &index) ||
	    !get_text(&c, &ret_e->text, &ret_e->text_len))
		return -EBADMSG;
	ret_e->index = (int16_t)index;
	return 0;
}

void spool_put_lost(struct buf *b, const struct spool_lost *l)
{
	(void)buf_le64(b, l->packets); /* errors stick to b */
}

int spool_get_lost(const uint8_t *p, size_t len, struct spool_lost *ret_l)
{
	struct cursor c;

	cur_init(&c, p, len);
	return cur_le64(&c, &ret_l->packets) ? 0 : -EBADMSG;
}

static void put_totals(struct buf *b, const struct spool_stream_totals *t)
{
	(void)buf_le16(b, t->index); /* errors stick to b */
	(void)buf_le64(b, t->packets);
	(void)buf_le64(b, t->bytes);
	for (unsigned i = 0; i < SPOOL_DROP_MAX; i++)
		(void)buf_le64(b, t->dropped[i]);
}

static bool get_totals(struct cursor *c, unsigned n_reasons,
		       struct spool_stream_totals *t)
{
	uint64_t v;

	if (!cur_le16(c, &t->index) || !cur_le64(c, &t->packets) ||
	    !cur_le64(c, &t->bytes))
		return false;
	for (unsigned i = 0; i < n_reasons; i++) {
		if (!cur_le64(c, &v))
			return false;
		if (i < SPOOL_DROP_MAX) /* a newer writer knows more */
			t->dropped[i] = v;
	}
	return true;
}

void spool_put_close(struct buf *b, const struct spool_close *c)
{
	unsigned n = c->n < CAP_STREAMS_MAX ? c->n : CAP_STREAMS_MAX;

	put_str(b, c->reason);
	(void)buf_le64(b, c->packets); /* errors stick to b */
	(void)buf_le64(b, c->bytes);
	(void)buf_le16(b, (uint16_t)n);
	(void)buf_le16(b, SPOOL_DROP_MAX);
	for (unsigned i = 0; i < n; i++)
		put_totals(b, &c->streams[i]);
}

int spool_get_close(const uint8_t *p, size_t len, struct spool_close *ret_c)
{
	uint16_t n, n_reasons;
	struct cursor c;

	memset(ret_c, 0, sizeof(*ret_c));
	cur_init(&c, p, len);
	if (!get_str(&c, ret_c->reason, sizeof(ret_c->reason)) ||
	    !cur_le64(&c, &ret_c->packets) || !cur_le64(&c, &ret_c->bytes) ||
	    !cur_le16(&c, &n) || !cur_le16(&c, &n_reasons) ||
	    n > CAP_STREAMS_MAX)
		return -EBADMSG;
	for (unsigned i = 0; i < n; i++)
		if (!get_totals(&c, n_reasons, &ret_c->streams[i]))
			return -EBADMSG;
	ret_c->n = n;
	return 0;
}
