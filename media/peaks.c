#include "media/peaks.h"

#include <errno.h>

#include "base/buf.h"
#include "base/mem.h"

struct pair {
	int8_t min, max;
};

struct peaks {
	unsigned channels, rate_hz;
	unsigned per_pixel; /* frames */
	unsigned filled;    /* frames in the last pixel */
	unsigned pixels;    /* full ones */
	/* [pixel][channel]; one more than full ones is in the making */
	struct pair px[(PEAKS_PIXELS_MAX + 1) * PEAKS_CHANNELS_MAX];
};

int peaks_create(unsigned channels, unsigned rate_hz, struct peaks **ret_p)
{
	struct peaks *p;

	if (channels < 1 || channels > PEAKS_CHANNELS_MAX || rate_hz < 50)
		return -EINVAL;
	p = mem_zalloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->channels = channels;
	p->rate_hz = rate_hz;
	p->per_pixel = 1;
	*ret_p = p;
	return 0;
}

void peaks_destroy(struct peaks **pp)
{
	mem_free(*pp);
	*pp = NULL;
}

static void widen(struct pair *a, const struct pair *b)
{
	if (b->min < a->min)
		a->min = b->min;
	if (b->max > a->max)
		a->max = b->max;
}

void peaks_frame(struct peaks *p, unsigned channel, const int16_t *pcm,
		 unsigned n)
{
	int16_t lo = 0, hi = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		if (pcm[i] < lo)
			lo = pcm[i];
		if (pcm[i] > hi)
			hi = pcm[i];
	}
	widen(&p->px[(size_t)p->pixels * p->channels + channel],
	      &(struct pair){ (int8_t)(lo / 256), (int8_t)(hi / 256) });
}

static void halve(struct peaks *p)
{
	unsigned i, c;
	struct pair *to, *from;

	for (i = 0; i < p->pixels; i++) {
		for (c = 0; c < p->channels; c++) {
			from = &p->px[(size_t)i * p->channels + c];
			to = &p->px[(size_t)(i / 2) * p->channels + c];
			if (i % 2)
				widen(to, from);
			else
				*to = *from;
		}
	}
	p->pixels /= 2;
	p->per_pixel *= 2;
}

void peaks_next(struct peaks *p)
{
	unsigned c;

	if (++p->filled < p->per_pixel)
		return;
	p->filled = 0;
	p->pixels++;
	if (p->pixels == PEAKS_PIXELS_MAX)
		halve(p);
	for (c = 0; c < p->channels; c++)
		p->px[(size_t)p->pixels * p->channels + c] =
			(struct pair){ 0, 0 };
}

static unsigned length(const struct peaks *p)
{
	return p->pixels + (p->filled ? 1 : 0);
}

int peaks_json(const struct peaks *p, struct buf *out)
{
	size_t i, n = (size_t)length(p) * p->channels;

	(void)buf_printf(out,
			 "{\"version\":2,\"channels\":%u,\"sample_rate\":%u,"
			 "\"samples_per_pixel\":%u,\"bits\":8,\"length\":%u,"
			 "\"data\":[",
			 p->channels, p->rate_hz,
			 p->rate_hz / 50 * p->per_pixel, length(p));
	for (i = 0; i < n; i++)
		(void)buf_printf(out, "%s%d,%d", i ? "," : "", p->px[i].min,
				 p->px[i].max);
	(void)buf_puts(out, "]}\n");
	return buf_error(out); /* errors stick */
}

int peaks_dat(const struct peaks *p, struct buf *out)
{
	size_t i, n = (size_t)length(p) * p->channels;

	(void)buf_le32(out, 2); /* version */
	(void)buf_le32(out, 1); /* flags: 8 bit */
	(void)buf_le32(out, p->rate_hz);
	(void)buf_le32(out, p->rate_hz / 50 * p->per_pixel);
	(void)buf_le32(out, length(p));
	(void)buf_le32(out, p->channels);
	for (i = 0; i < n; i++) {
		(void)buf_u8(out, (uint8_t)p->px[i].min);
		(void)buf_u8(out, (uint8_t)p->px[i].max);
	}
	return buf_error(out);
}
