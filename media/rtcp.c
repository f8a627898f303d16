/* media/rtcp.c - see rtcp.h. */
#include "media/rtcp.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

/* Seconds from 1900 to 1970. */
#define NTP_UNIX 2208988800u

#define SDES_CNAME 1

struct head {
	uint8_t b0, type;
	size_t body_len; /* with padding */
};

/* The body stays at the cursor. */
static int parse_head(struct cursor *c, struct head *ret_h)
{
	struct head h;
	uint16_t words;

	if (!cur_u8(c, &h.b0))
		return -EBADMSG;
	if (h.b0 >> 6 != 2)
		return -EPROTO;
	if (!cur_u8(c, &h.type) || !cur_be16(c, &words))
		return -EBADMSG;
	h.body_len = (size_t)words * 4;
	if (h.body_len > cur_left(c))
		return -EBADMSG;
	*ret_h = h;
	return 0;
}

int rtcp_check(const void *data, size_t len)
{
	struct cursor c;
	struct head h;
	int r;

	cur_init(&c, data, len);
	if (!len)
		return -EBADMSG;
	while (cur_left(&c)) {
		r = parse_head(&c, &h);
		if (r < 0)
			return r;
		(void)cur_skip(&c, h.body_len); /* parse_head() checked it */
		if (h.b0 & 0x20 && cur_left(&c))
			return -EBADMSG; /* padding: only in the last */
	}
	return 0;
}

static bool parse_report(struct cursor *c, struct rtcp_report *rep)
{
	uint32_t lost;

	if (!cur_be32(c, &rep->ssrc) || !cur_u8(c, &rep->fraction) ||
	    !cur_be24(c, &lost) || !cur_be32(c, &rep->ext_seq) ||
	    !cur_be32(c, &rep->jitter) || !cur_be32(c, &rep->lsr) ||
	    !cur_be32(c, &rep->dlsr))
		return false;
	rep->lost = (int32_t)(lost & 0x800000 ? lost | 0xff000000u : lost);
	return true;
}

static int parse_reports(struct cursor *c, struct rtcp_packet *p)
{
	for (unsigned i = 0; i < p->count; i++) {
		if (!parse_report(c, &p->reports[i]))
			return -EBADMSG;
		p->n_reports++;
	}
	return 0; /* profile extensions behind are not ours to know */
}

static int parse_sr(struct cursor *c, struct rtcp_packet *p)
{
	if (!cur_be32(c, &p->ssrc) || !cur_be64(c, &p->ntp) ||
	    !cur_be32(c, &p->ts_rtp) || !cur_be32(c, &p->packets) ||
	    !cur_be32(c, &p->octets))
		return -EBADMSG;
	return parse_reports(c, p);
}

static int parse_rr(struct cursor *c, struct rtcp_packet *p)
{
	if (!cur_be32(c, &p->ssrc))
		return -EBADMSG;
	return parse_reports(c, p);
}

static void take_text(char *dst, const uint8_t *p, size_t len)
{
	struct span s = { (const char *)p, len };

	(void)span_copy(dst, RTCP_TEXT_MAX, s); /* len <= 255: always fits */
	str_clean(dst);
}

/* The items of one chunk, up to and with its terminator. */
static int parse_chunk(struct cursor *c, char *cname)
{
	const uint8_t *text, *start = c->p - 4;
	uint8_t type, len;

	for (;;) {
		if (!cur_u8(c, &type))
			return -EBADMSG;
		if (!type)
			break;
		if (!cur_u8(c, &len) || !cur_take(c, len, &text))
			return -EBADMSG;
		if (type == SDES_CNAME && !cname[0])
			take_text(cname, text, len);
	}
	while ((c->p - start) % 4)
		if (!cur_skip(c, 1))
			return -EBADMSG;
	return 0;
}

static int parse_sdes(struct cursor *c, struct rtcp_packet *p)
{
	char cname[RTCP_TEXT_MAX];
	uint32_t ssrc;
	int r;

	for (unsigned i = 0; i < p->count; i++) {
		if (!cur_be32(c, &ssrc))
			return -EBADMSG;
		cname[0] = '\0';
		r = parse_chunk(c, cname);
		if (r < 0)
			return r;
		if (i == 0) {
			p->ssrc = ssrc;
			memcpy(p->cname, cname, sizeof(cname));
		}
	}
	return 0;
}

static int parse_bye(struct cursor *c, struct rtcp_packet *p)
{
	const uint8_t *text;
	uint8_t len;

	for (unsigned i = 0; i < p->count; i++) {
		if (!cur_be32(c, &p->ssrcs[i]))
			return -EBADMSG;
		p->n_ssrcs++;
	}
	if (p->n_ssrcs)
		p->ssrc = p->ssrcs[0];
	if (!cur_u8(c, &len) || !len)
		return 0; /* the reason is optional */
	if (!cur_take(c, len, &text))
		return -EBADMSG;
	take_text(p->reason, text, len);
	return 0;
}

static int parse_other(struct cursor *c, struct rtcp_packet *p)
{
	(void)cur_be32(c, &p->ssrc); /* 0 when there is none */
	return 0;
}

static int parse_body(struct cursor *c, struct rtcp_packet *p)
{
	switch (p->type) {
	case RTCP_SR:
		return parse_sr(c, p);
	case RTCP_RR:
		return parse_rr(c, p);
	case RTCP_SDES:
		return parse_sdes(c, p);
	case RTCP_BYE:
		return parse_bye(c, p);
	default:
		return parse_other(c, p);
	}
}

static void packet_clear(struct rtcp_packet *p, const struct head *h)
{
	/* reports and ssrcs are valid up to their counts: not cleared */
	p->type = h->type;
	p->count = h->b0 & 0x1f;
	p->ssrc = 0;
	p->ntp = 0;
	p->ts_rtp = p->packets = p->octets = 0;
	p->n_reports = p->n_ssrcs = 0;
	p->cname[0] = p->reason[0] = '\0';
}

int rtcp_next(struct cursor *c, struct rtcp_packet *ret_pkt)
{
	struct cursor body;
	struct head h;
	uint8_t pad;
	int r;

	if (!cur_left(c))
		return 0;
	r = parse_head(c, &h);
	if (r < 0)
		return r;
	cur_init(&body, c->p, h.body_len);
	if (h.b0 & 0x20) {
		pad = h.body_len ? body.end[-1] : 0;
		if (!pad || pad > h.body_len)
			return -EBADMSG;
		body.end -= pad;
	}
	(void)cur_skip(c, h.body_len); /* parse_head() checked it */
	packet_clear(ret_pkt, &h);
	ret_pkt->body = body.p;
	ret_pkt->body_len = cur_left(&body);
	r = parse_body(&body, ret_pkt);
	return r < 0 ? r : 1;
}

int64_t rtcp_ntp_to_wall_us(uint64_t ntp)
{
	int64_t s = (int64_t)(ntp >> 32);
	int64_t us = (int64_t)(((ntp & 0xffffffffu) * 1000000u) >> 32);

	if (s < (int64_t)NTP_UNIX)
		s += INT64_C(1) << 32; /* era 1 starts in February 2036 */
	return (s - (int64_t)NTP_UNIX) * 1000000 + us;
}

uint64_t rtcp_ntp_from_wall_us(int64_t wall_us)
{
	uint64_t us = wall_us < 0 ? 0 : (uint64_t)wall_us;
	uint64_t s = us / 1000000 + NTP_UNIX;
	uint64_t rest = us % 1000000;

	/* rounded up, so that the way back gives the same microsecond */
	return (s << 32) | (((rest << 32) + 999999) / 1000000);
}

/* A writer that knows its end. */
struct out {
	uint8_t *p, *end;
};

static bool put_be32(struct out *o, uint32_t v)
{
	if (o->end - o->p < 4)
		return false;
	*o->p++ = (uint8_t)(v >> 24);
	*o->p++ = (uint8_t)(v >> 16);
	*o->p++ = (uint8_t)(v >> 8);
	*o->p++ = (uint8_t)v;
	return true;
}

static bool put_head(struct out *o, unsigned count, uint8_t type, size_t words)
{
	return put_be32(o, 0x80000000u | (uint32_t)count << 24 |
				   (uint32_t)type << 16 | (uint32_t)words);
}

static bool put_report(struct out *o, const struct rtcp_report *r)
{
	return put_be32(o, r->ssrc) &&
	       put_be32(o, (uint32_t)r->fraction << 24 |
				   ((uint32_t)r->lost & 0xffffff)) &&
	       put_be32(o, r->ext_seq) && put_be32(o, r->jitter) &&
	       put_be32(o, r->lsr) && put_be32(o, r->dlsr);
}

static bool put_reports(struct out *o, const struct rtcp_report *reports,
			unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!put_report(o, &reports[i]))
			return false;
	return true;
}

static bool put_sdes(struct out *o, uint32_t ssrc, const char *cname)
{
	size_t len = strlen(cname);
	size_t chunk = (4 + 2 + len + 1 + 3) / 4 * 4;

	if ((size_t)(o->end - o->p) < 4 + chunk)
		return false;
	(void)put_head(o, 1, RTCP_SDES, chunk / 4); /* room was checked */
	(void)put_be32(o, ssrc);
	memset(o->p, 0, chunk - 4);
	o->p[0] = SDES_CNAME;
	o->p[1] = (uint8_t)len;
	memcpy(o->p + 2, cname, len);
	o->p += chunk - 4;
	return true;
}

int rtcp_build_rr(uint32_t our_ssrc, const struct rtcp_report *reports,
		  unsigned n_reports, const char *cname, void *dst,
		  size_t dst_len)
{
	struct out o = { dst, (uint8_t *)dst + dst_len };

	if (n_reports > RTCP_REPORTS_MAX || strlen(cname) > 255)
		return -EINVAL;
	if (!put_head(&o, n_reports, RTCP_RR, 1 + n_reports * 6) ||
	    !put_be32(&o, our_ssrc) || !put_reports(&o, reports, n_reports) ||
	    !put_sdes(&o, our_ssrc, cname))
		return -ENOBUFS;
	return (int)(o.p - (uint8_t *)dst);
}

int rtcp_build_sr(uint32_t our_ssrc, const struct rtcp_sender *s,
		  const struct rtcp_report *reports, unsigned n_reports,
		  const char *cname, void *dst, size_t dst_len)
{
	struct out o = { dst, (uint8_t *)dst + dst_len };

	if (n_reports > RTCP_REPORTS_MAX || strlen(cname) > 255)
		return -EINVAL;
	if (!put_head(&o, n_reports, RTCP_SR, 6 + n_reports * 6) ||
	    !put_be32(&o, our_ssrc) ||
	    !put_be32(&o, (uint32_t)(s->ntp >> 32)) ||
	    !put_be32(&o, (uint32_t)s->ntp) || !put_be32(&o, s->ts_rtp) ||
	    !put_be32(&o, s->packets) || !put_be32(&o, s->octets) ||
	    !put_reports(&o, reports, n_reports) ||
	    !put_sdes(&o, our_ssrc, cname))
		return -ENOBUFS;
	return (int)(o.p - (uint8_t *)dst);
}

int rtcp_build_bye(uint32_t our_ssrc, void *dst, size_t dst_len)
{
	struct out o = { dst, (uint8_t *)dst + dst_len };

	if (!put_head(&o, 1, RTCP_BYE, 1) || !put_be32(&o, our_ssrc))
		return -ENOBUFS;
	return (int)(o.p - (uint8_t *)dst);
}

int64_t rtcp_interval_us(bool first, uint32_t random)
{
	/* e - 1.5 = 1.21828; 5 s / 1.21828 = 4104114 us */
	int64_t base = first ? 2052057 : 4104114;

	return base / 2 + (int64_t)(((uint64_t)base * random) >> 32);
}
