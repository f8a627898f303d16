#include "media/voice.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "media/codec.h"
#include "media/conceal.h"
#include "media/feed.h"
#include "media/l16_order.h"
#include "media/resample.h"

/* A packet of 1.2 s (the longest that a tick counter holds), with room for
 * drift, at 48 kHz. */
#define BUF_MAX 73728
/* Longer gaps are concealed at their begin only. */
#define CONCEAL_TICKS (TL_TICKS_S / 10)
/* A pause of a DTX sender this short keeps the decoder's comfort noise. */
#define COMFORT_TICKS (TL_TICKS_S / 2)
#define FEC_PACKETS 5

struct decoder {
	struct codec *codec;
	struct resample *rs; /* codec's rate to ours, NULL = equal */
	bool failed;
};

struct voice {
	struct voice_config cfg;
	struct decoder decs[FEED_SPECS_MAX];
	struct decoder *last; /* that made sound */
	struct conceal heard;
	size_t seg;
	int64_t pos; /* samples handed to buf or zeros so far */
	int16_t *buf, *raw;
	uint8_t *swapped; /* L16 in the right order, NULL = never needed */
	size_t at, len;
	int64_t zeros;
	int16_t edge; /* last sample before zeros, to fade from */
	uint64_t errors;
};

static int64_t sample_of(const struct voice *v, int64_t tick)
{
	return (tick - v->cfg.zero) * v->cfg.rate_hz / TL_TICKS_S;
}

int voice_create(const struct voice_config *cfg, struct voice **ret_v)
{
	struct voice *v;
	size_t i;

	v = mem_zalloc(sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->cfg = *cfg;
	v->buf = mem_calloc(BUF_MAX, sizeof(*v->buf));
	v->raw = mem_calloc(BUF_MAX, sizeof(*v->raw));
	if (!v->buf || !v->raw) {
		voice_destroy(&v);
		return -ENOMEM;
	}
	for (i = 0; i < cfg->lane->n; i++)
		if (cfg->lane->segs[i].kind == TL_PACKET)
			feed_want(
				cfg->feed,
				&cfg->stream->refs[cfg->lane->segs[i].packet]);
	if (cfg->lane->n)
		v->pos = v->zeros = sample_of(v, cfg->lane->segs[0].start);
	*ret_v = v;
	return 0;
}

void voice_destroy(struct voice **vp)
{
	struct voice *v = *vp;
	size_t i;

	if (!v)
		return;
	*vp = NULL;
	for (i = 0; i < FEED_SPECS_MAX; i++) {
		codec_close(&v->decs[i].codec);
		resample_destroy(&v->decs[i].rs);
	}
	mem_free(v->buf);
	mem_free(v->raw);
	mem_free(v->swapped);
	mem_free(v);
}

uint64_t voice_errors(const struct voice *v)
{
	return v->errors;
}

static int open_decoder(struct voice *v, unsigned spec, struct decoder **ret_d)
{
	struct decoder *d = &v->decs[spec];
	struct codec_spec cs;
	int r;

	if (!d->codec && !d->failed) {
		cs = feed_codec_spec(&feed_info(v->cfg.feed)->specs[spec]);
		r = codec_open(&cs, v->cfg.rate_hz, v->cfg.use_av, &d->codec);
		if (r == 0 && d->codec->rate_hz != v->cfg.rate_hz)
			r = resample_create(d->codec->rate_hz, v->cfg.rate_hz,
					    &d->rs);
		if (r == -ENOMEM)
			return r;
		if (r < 0) {
			codec_close(&d->codec);
			d->failed = true;
		}
	}
	*ret_d = d->codec ? d : NULL;
	return 0;
}

/* Catmull-Rom through n samples, read at m places. */
static void stretch(const int16_t *src, size_t n, int16_t *dst, size_t m)
{
	float x, f, a, b, c, d, y;
	size_t i, k;

	if (n == m) {
		memcpy(dst, src, n * sizeof(*dst));
		return;
	}
	for (i = 0; i < m; i++) {
		x = (float)i * (float)n / (float)m;
		k = (size_t)x;
		k = k < n ? k : n - 1;
		f = x - (float)k;
		a = src[k ? k - 1 : 0];
		b = src[k];
		c = src[k + 1 < n ? k + 1 : n - 1];
		d = src[k + 2 < n ? k + 2 : n - 1];
		y = b + 0.5F * f *
				(c - a +
				 f * (2 * a - 5 * b + 4 * c - d +
				      f * (3 * (b - c) + d - a)));
		if (y > 32767.0F)
			y = 32767.0F;
		dst[i] = y < -32768.0F ? -32768 : (int16_t)lrintf(y);
	}
}

/* n samples in raw at the decoder's rate become m in buf. */
static int fill(struct voice *v, struct decoder *d, size_t n, size_t m)
{
	int r;

	if (d->rs) {
		r = resample_put(d->rs, v->raw, n);
		if (r < 0)
			return r;
		n = resample_get(d->rs, v->raw, BUF_MAX);
	}
	if (n == 0) {
		memset(v->buf, 0, m * sizeof(*v->buf));
	} else {
		stretch(v->raw, n, v->buf, m);
	}
	v->at = 0;
	v->len = m;
	conceal_hear(&v->heard, v->buf, m);
	v->edge = m ? v->buf[m - 1] : v->edge;
	v->last = d;
	return 0;
}

static void make_up(struct voice *v, size_t m)
{
	conceal_make(&v->heard, v->cfg.rate_hz, v->buf, m);
	v->at = 0;
	v->len = m;
	conceal_hear(&v->heard, v->buf, m);
	v->edge = m ? v->buf[m - 1] : v->edge;
}

/* As RFC 3551 has it, where the sender has not. */
static int put_right(struct voice *v, const struct feed_ref *ref,
		     const uint8_t **data, size_t len)
{
	if (!*data || !(v->cfg.stream->low_first >> ref->spec & 1))
		return 0;
	if (!v->swapped)
		v->swapped = mem_calloc(UINT16_MAX + 1, 1);
	if (!v->swapped)
		return -ENOMEM;
	l16_order_swap(v->swapped, *data, len);
	*data = v->swapped;
	return 0;
}

static int play_packet(struct voice *v, const struct tl_seg *s, size_t m)
{
	const struct feed_ref *ref = &v->cfg.stream->refs[s->packet];
	const uint8_t *data = NULL;
	struct decoder *d = NULL;
	size_t len = 0;
	int r, n = -EBADMSG;

	r = feed_payload(v->cfg.feed, ref, &data, &len);
	if (r < 0 && r != -ENODATA)
		return r;
	r = open_decoder(v, ref->spec, &d);
	if (r == 0 && v->cfg.on_seg)
		r = v->cfg.on_seg(v->cfg.arg, s, data, len);
	if (r == 0)
		r = put_right(v, ref, &data, len);
	if (r < 0)
		return r;
	if (d && data)
		n = codec_decode(d->codec, data, len, v->raw,
				 CODEC_SAMPLES_MAX);
	feed_drop(v->cfg.feed, ref);
	if (n > 0)
		return fill(v, d, (size_t)n, m);
	v->errors++;
	make_up(v, m);
	return 0;
}

/* The decoder's own way through a gap: PLC, FEC, comfort noise. */
static int play_conceal(struct voice *v, const struct tl_seg *s, size_t m)
{
	const struct feed_ref *ref = &v->cfg.stream->refs[s->packet];
	struct decoder *d = v->last;
	const uint8_t *next = NULL;
	size_t len = 0;
	int r;

	if (!d || !d->codec->ops->conceal) {
		if (s->kind == TL_LOSS)
			make_up(v, m);
		else
			v->zeros = (int64_t)m;
		return 0;
	}
	if (s->kind == TL_LOSS && s->lost <= FEC_PACKETS &&
	    s->len <= CONCEAL_TICKS && &v->decs[ref->spec] == d) {
		r = feed_payload(v->cfg.feed, ref, &next, &len);
		if (r < 0 && r != -ENODATA)
			return r;
	}
	r = d->codec->ops->conceal(d->codec, next, len, v->raw,
				   m * d->codec->rate_hz / v->cfg.rate_hz);
	if (r < 0) {
		v->zeros = (int64_t)m;
		return 0;
	}
	return fill(v, d, (size_t)r, m);
}

static int play_gap(struct voice *v, const struct tl_seg *s, int64_t m)
{
	int64_t most = 0;
	int r = 0;

	if (v->cfg.on_seg)
		r = v->cfg.on_seg(v->cfg.arg, s, NULL, 0);
	if (r < 0)
		return r;
	if (s->kind == TL_LOSS)
		most = CONCEAL_TICKS * (int64_t)v->cfg.rate_hz / TL_TICKS_S;
	else if (s->kind == TL_SILENCE && s->len <= COMFORT_TICKS)
		most = m;
	most = most < m ? most : m;
	if (most > 0)
		r = play_conceal(v, s, (size_t)most);
	v->zeros += m - most;
	return r;
}

static int next_seg(struct voice *v)
{
	const struct tl_seg *s;
	int64_t to, m;

	if (v->seg >= v->cfg.lane->n) {
		v->zeros = INT64_MAX / 2; /* silence to the end */
		return 0;
	}
	s = &v->cfg.lane->segs[v->seg++];
	to = sample_of(v, s->start + s->len);
	m = to - v->pos;
	v->pos = to;
	if (m <= 0)
		return 0; /* shorter than a sample */
	if (s->kind != TL_PACKET)
		return play_gap(v, s, m);
	return play_packet(v, s, (size_t)(m < BUF_MAX ? m : BUF_MAX));
}

/* Two milliseconds down to nothing instead of a click. */
static void put_zeros(struct voice *v, int16_t *dst, size_t n)
{
	size_t i, fade = v->cfg.rate_hz / 500;

	memset(dst, 0, n * sizeof(*dst));
	if (v->edge == 0)
		return;
	for (i = 0; i < n && i < fade; i++)
		dst[i] = (int16_t)(v->edge * (int)(fade - i) / (int)fade);
	v->edge = 0;
}

int voice_frame(struct voice *v, int16_t *dst, size_t n)
{
	size_t take;
	int r;

	while (n > 0) {
		if (v->at < v->len) {
			take = v->len - v->at < n ? v->len - v->at : n;
			memcpy(dst, v->buf + v->at, take * sizeof(*dst));
			v->at += take;
		} else if (v->zeros > 0) {
			take = (uint64_t)v->zeros < n ? (size_t)v->zeros : n;
			put_zeros(v, dst, take);
			v->zeros -= (int64_t)take;
		} else {
			r = next_seg(v);
			if (r < 0)
				return r;
			continue;
		}
		dst += take;
		n -= take;
	}
	return 0;
}
