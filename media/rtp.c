/* media/rtp.c - see rtp.h. */
#include "media/rtp.h"

#include <errno.h>
#include <string.h>

#include "base/cursor.h"

/* RFC 3550 appendix A.1 */
#define SEQ_MOD (1u << 16)
#define MAX_DROPOUT 3000
#define MAX_MISORDER 100

static int parse_fixed(struct cursor *c, struct rtp_packet *p, uint8_t *ret_b0)
{
	uint8_t b0, b1;

	if (!cur_u8(c, &b0))
		return -EBADMSG;
	if (b0 >> 6 != 2)
		return -EPROTO;
	if (!cur_u8(c, &b1) || !cur_be16(c, &p->seq) ||
	    !cur_be32(c, &p->ts_rtp) || !cur_be32(c, &p->ssrc))
		return -EBADMSG;
	p->marker = b1 >> 7;
	p->pt = b1 & 0x7f;
	p->n_csrc = b0 & 0x0f;
	*ret_b0 = b0;
	return 0;
}

static int parse_ext(struct cursor *c, struct rtp_packet *p)
{
	uint16_t words;

	if (!cur_be16(c, &p->ext_profile) || !cur_be16(c, &words))
		return -EBADMSG;
	p->ext_len = (size_t)words * 4;
	if (!cur_take(c, p->ext_len, &p->ext))
		return -EBADMSG;
	p->has_ext = true;
	return 0;
}

int rtp_parse(const void *data, size_t len, struct rtp_packet *ret_pkt)
{
	struct rtp_packet p = { 0 };
	struct cursor c;
	uint8_t b0, pad = 0;
	int r;

	cur_init(&c, data, len);
	r = parse_fixed(&c, &p, &b0);
	if (r < 0)
		return r;
	if (p.n_csrc && !cur_take(&c, (size_t)p.n_csrc * 4, &p.csrc))
		return -EBADMSG;
	if (b0 & 0x10) {
		r = parse_ext(&c, &p);
		if (r < 0)
			return r;
	}
	if (b0 & 0x20) {
		if (!cur_left(&c))
			return -EBADMSG;
		pad = c.end[-1];
		if (!pad || pad > cur_left(&c))
			return -EBADMSG;
	}
	p.payload = c.p;
	p.payload_len = cur_left(&c) - pad;
	*ret_pkt = p;
	return 0;
}

int rtp_parse_header(const void *data, size_t len, struct rtp_packet *ret_pkt)
{
	struct rtp_packet p = { 0 };
	struct cursor c;
	uint8_t b0;
	int r;

	cur_init(&c, data, len);
	r = parse_fixed(&c, &p, &b0);
	if (r < 0)
		return r;
	*ret_pkt = p;
	return 0;
}

bool rtp_is_rtcp(const void *data, size_t len)
{
	const uint8_t *p = data;

	return len >= 2 && p[1] >= 192 && p[1] <= 223;
}

void rtp_write_header(void *dst, bool marker, uint8_t pt, uint16_t seq,
		      uint32_t ts_rtp, uint32_t ssrc)
{
	uint8_t *p = dst;

	p[0] = 0x80;
	p[1] = (uint8_t)((marker ? 0x80 : 0) | (pt & 0x7f));
	p[2] = (uint8_t)(seq >> 8);
	p[3] = (uint8_t)seq;
	p[4] = (uint8_t)(ts_rtp >> 24);
	p[5] = (uint8_t)(ts_rtp >> 16);
	p[6] = (uint8_t)(ts_rtp >> 8);
	p[7] = (uint8_t)ts_rtp;
	p[8] = (uint8_t)(ssrc >> 24);
	p[9] = (uint8_t)(ssrc >> 16);
	p[10] = (uint8_t)(ssrc >> 8);
	p[11] = (uint8_t)ssrc;
}

int rtp_seq_diff(uint16_t a, uint16_t b)
{
	return (int16_t)(uint16_t)(b - a);
}

static void source_restart(struct rtp_source *s, uint16_t seq)
{
	s->base_seq = seq;
	s->max_seq = seq;
	s->bad_seq = SEQ_MOD + 1; /* so seq == bad_seq is false */
	s->cycles = 0;
	s->received_since_init = 0;
	s->received_prior = 0;
	s->expected_prior = 0;
}

void rtp_source_init(struct rtp_source *s, uint32_t ssrc, uint16_t seq,
		     unsigned probation, uint32_t rate_hz)
{
	*s = (struct rtp_source){
		.used = true,
		.ssrc = ssrc,
		.rate_hz = rate_hz,
		.probation = (uint8_t)probation,
	};
	source_restart(s, seq);
	s->max_seq = (uint16_t)(seq - 1);
}

uint32_t rtp_transit(uint32_t rate_hz, uint32_t ts_rtp, int64_t mono_us)
{
	return (uint32_t)(mono_us / 1000000 * rate_hz +
			  mono_us % 1000000 * rate_hz / 1000000) -
	       ts_rtp;
}

static void source_jitter(struct rtp_source *s, uint32_t ts_rtp,
			  int64_t mono_us)
{
	uint32_t transit;
	int32_t d;

	if (!s->rate_hz)
		return;
	transit = rtp_transit(s->rate_hz, ts_rtp, mono_us);
	if (s->have_transit) {
		d = (int32_t)(transit - s->transit);
		if (d < 0)
			d = d == INT32_MIN ? INT32_MAX : -d;
		s->jitter_q4 += (uint32_t)d - ((s->jitter_q4 + 8) >> 4);
	}
	s->transit = transit;
	s->have_transit = true;
}

static enum rtp_verdict source_probation(struct rtp_source *s, uint16_t seq)
{
	if (seq != (uint16_t)(s->max_seq + 1)) {
		s->probation = RTP_PROBATION - 1;
		s->max_seq = seq;
		return RTP_PROBATION_ONGOING;
	}
	s->max_seq = seq;
	if (--s->probation)
		return RTP_PROBATION_ONGOING;
	source_restart(s, seq);
	s->received_since_init = 1;
	return RTP_OK;
}

static enum rtp_verdict source_seq(struct rtp_source *s, uint16_t seq)
{
	uint16_t udelta = (uint16_t)(seq - s->max_seq);

	if (s->probation)
		return source_probation(s, seq);
	if (udelta < MAX_DROPOUT) {
		if (seq < s->max_seq)
			s->cycles += SEQ_MOD;
		s->max_seq = seq;
	} else if (udelta <= SEQ_MOD - MAX_MISORDER) {
		if (seq != s->bad_seq) {
			s->bad_seq = (seq + 1u) & (SEQ_MOD - 1);
			return RTP_BAD_SEQ;
		}
		/* two in a row: the other side restarted without telling */
		source_restart(s, seq);
		s->have_transit = false;
	}
	s->received_since_init++;
	return RTP_OK;
}

enum rtp_verdict rtp_source_update(struct rtp_source *s, uint16_t seq,
				   uint32_t ts_rtp, int64_t mono_us)
{
	enum rtp_verdict v = source_seq(s, seq);

	s->received++;
	s->last_mono_us = mono_us;
	if (v != RTP_BAD_SEQ)
		source_jitter(s, ts_rtp, mono_us);
	return v;
}

uint32_t rtp_source_ext_seq(const struct rtp_source *s)
{
	return s->cycles + s->max_seq;
}

static uint32_t source_expected(const struct rtp_source *s)
{
	return rtp_source_ext_seq(s) - s->base_seq + 1;
}

int32_t rtp_source_lost(const struct rtp_source *s)
{
	int64_t lost = (int64_t)source_expected(s) - s->received_since_init;

	if (lost > 0x7fffff)
		return 0x7fffff;
	if (lost < -0x800000)
		return -0x800000;
	return (int32_t)lost;
}

uint8_t rtp_source_fraction(struct rtp_source *s)
{
	uint32_t expected = source_expected(s);
	uint32_t interval = expected - s->expected_prior;
	uint32_t received = s->received_since_init - s->received_prior;

	s->expected_prior = expected;
	s->received_prior = s->received_since_init;
	if (!interval || received >= interval)
		return 0;
	return (uint8_t)(((uint64_t)(interval - received) << 8) / interval);
}
