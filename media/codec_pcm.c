/* G.711 by table and L16. The tables are computed from the definition (ITU-T
 * G.711 section 3) once, so that there is nothing to mistype.
 */
#include "media/codec.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

enum pcm_kind { PCM_MULAW, PCM_ALAW, PCM_L16 };

struct codec_pcm {
	struct codec codec; /* first */
	enum pcm_kind kind;
	unsigned channels;
	const int16_t *table;
};

#define MULAW_BIAS 0x84 /* 33 << 2: 14 bit law in 16 bit samples */
#define MULAW_CLIP 32635

static int16_t mulaw_value(uint8_t code)
{
	int t;

	code = (uint8_t)~code;
	t = (((code & 0x0f) << 3) + MULAW_BIAS) << ((code >> 4) & 7);
	t -= MULAW_BIAS;
	return (int16_t)(code & 0x80 ? -t : t);
}

static int16_t alaw_value(uint8_t code)
{
	int t, seg;

	code ^= 0x55;
	seg = (code >> 4) & 7;
	t = ((code & 0x0f) << 4) + 8;
	if (seg > 0)
		t = (t + 0x100) << (seg - 1);
	return (int16_t)(code & 0x80 ? t : -t);
}

const int16_t *codec_pcm_table(bool alaw)
{
	static int16_t tables[2][256];
	static bool made;
	int i;

	if (!made) {
		for (i = 0; i < 256; i++) {
			tables[0][i] = mulaw_value((uint8_t)i);
			tables[1][i] = alaw_value((uint8_t)i);
		}
		made = true;
	}
	return tables[alaw];
}

static uint8_t mulaw_code(int v)
{
	int sign = v < 0 ? 0x80 : 0, seg = 7, mask;

	if (v < 0)
		v = -v;
	if (v > MULAW_CLIP)
		v = MULAW_CLIP;
	v += MULAW_BIAS;
	for (mask = 0x4000; seg > 0 && !(v & mask); mask >>= 1)
		seg--;
	return (uint8_t) ~(sign | seg << 4 | ((v >> (seg + 3)) & 0x0f));
}

static uint8_t alaw_code(int v)
{
	int sign = 0x80, seg = 7, mask, code;

	if (v < 0) {
		sign = 0;
		v = -v - 1;
	}
	for (mask = 0x4000; seg > 0 && !(v & mask); mask >>= 1)
		seg--;
	code = seg << 4 | ((v >> (seg ? seg + 3 : 4)) & 0x0f);
	return (uint8_t)((sign | code) ^ 0x55);
}

uint8_t codec_pcm_encode(bool alaw, int16_t sample)
{
	return alaw ? alaw_code(sample) : mulaw_code(sample);
}

static int decode_l16(const struct codec_pcm *p, const uint8_t *data,
		      size_t len, int16_t *dst, size_t max)
{
	size_t frame = (size_t)2 * p->channels, n = len / frame, i;
	unsigned ch;
	int sum;

	if (n == 0 || n > max)
		return -EBADMSG;
	for (i = 0; i < n; i++) {
		sum = 0;
		for (ch = 0; ch < p->channels; ch++, data += 2)
			sum += (int16_t)(data[0] << 8 | data[1]);
		dst[i] = (int16_t)(sum / (int)p->channels);
	}
	return (int)n;
}

static int pcm_decode(struct codec *c, const uint8_t *data, size_t len,
		      int16_t *dst, size_t max)
{
	struct codec_pcm *p = CONTAINER_OF(c, struct codec_pcm, codec);
	size_t i;

	if (p->kind == PCM_L16)
		return decode_l16(p, data, len, dst, max);
	if (len > max)
		return -EBADMSG;
	for (i = 0; i < len; i++)
		dst[i] = p->table[data[i]];
	return (int)len;
}

static void pcm_close(struct codec *c)
{
	mem_free(CONTAINER_OF(c, struct codec_pcm, codec));
}

static const struct codec_ops pcm_ops = {
	.name = "pcm",
	.decode = pcm_decode,
	.close = pcm_close,
};

static bool pcm_kind(const char *name, enum pcm_kind *ret_kind)
{
	static const char *const names[] = { "PCMU", "PCMA", "L16" };
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (str_ieq(name, names[i])) {
			*ret_kind = (enum pcm_kind)i;
			return true;
		}
	}
	return false;
}

bool codec_pcm_known(const struct codec_spec *spec)
{
	enum pcm_kind kind;

	return pcm_kind(spec->name, &kind) && spec->clock_hz >= 8000 &&
	       spec->clock_hz <= 48000 && spec->channels <= 8;
}

int codec_pcm_open(const struct codec_spec *spec, struct codec **ret_codec)
{
	struct codec_pcm *p;
	enum pcm_kind kind;

	if (!codec_pcm_known(spec) || !pcm_kind(spec->name, &kind))
		return -ENOENT;
	p = mem_zalloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->codec.ops = &pcm_ops;
	p->codec.rate_hz = spec->clock_hz;
	p->kind = kind;
	p->channels = spec->channels ? spec->channels : 1;
	p->table = codec_pcm_table(kind == PCM_ALAW);
	*ret_codec = &p->codec;
	return 0;
}
