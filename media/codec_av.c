/* The long tail of telephone codecs through libavcodec. One row of the table
 * says how a payload falls apart into frames; everything else is the same for
 * all of them. AMR and Speex are not here: their payloads are bit streams of
 * their own (RFC 4867, RFC 5574).
 */
#include "media/codec.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavutil/log.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "media/codec_list.h"

/* Length of a frame of len or less bytes, 0 = not a frame. */
typedef size_t frame_len_fn(const uint8_t *data, size_t len);

struct av_row {
	const char *name;
	enum AVCodecID id;
	unsigned rate_hz;
	unsigned bits;	      /* of a coded sample; 0 = not of that kind */
	size_t frame_bytes;   /* 0 = any number of bytes */
	unsigned frame_48k;   /* ticks of one frame, or of one byte when
			       * frame_bytes is 0 and bits is 0 */
	frame_len_fn *frames; /* instead of frame_bytes */
};

static size_t g729_frame(const uint8_t *data, size_t len)
{
	(void)data;
	return len >= 10 ? 10 : 0; /* 2 bytes at the end are comfort noise */
}

/* RFC 3551 section 4.5.3: the low two bits tell the rate; 4 bytes describe
 * noise, 1 says that nothing was sent. */
static size_t g723_frame(const uint8_t *data, size_t len)
{
	static const size_t bytes[] = { 24, 20, 4, 1 };
	size_t n;

	n = len ? bytes[data[0] & 3] : 1;
	return n <= len && n > 4 ? n : 0;
}

/* RFC 3952: what was agreed, unless only the other length fits. */
static size_t ilbc_bytes(bool is_20ms, size_t len)
{
	size_t said = is_20ms ? 38 : 50, other = is_20ms ? 50 : 38;

	return len % said && len % other == 0 ? other : said;
}

static bool ilbc_20ms(const struct codec_spec *spec)
{
	char mode[4];

	return codec_fmtp_get(spec->fmtp, "mode", mode, sizeof(mode)) &&
	       str_eq(mode, "20");
}

static const struct av_row rows[] = {
	{ "G722", AV_CODEC_ID_ADPCM_G722, 16000, 0, 0, 6, NULL },
	{ "G726-16", AV_CODEC_ID_ADPCM_G726LE, 8000, 2, 0, 0, NULL },
	{ "G726-24", AV_CODEC_ID_ADPCM_G726LE, 8000, 3, 0, 0, NULL },
	{ "G726-32", AV_CODEC_ID_ADPCM_G726LE, 8000, 4, 0, 0, NULL },
	{ "G726-40", AV_CODEC_ID_ADPCM_G726LE, 8000, 5, 0, 0, NULL },
	{ "AAL2-G726-16", AV_CODEC_ID_ADPCM_G726, 8000, 2, 0, 0, NULL },
	{ "AAL2-G726-24", AV_CODEC_ID_ADPCM_G726, 8000, 3, 0, 0, NULL },
	{ "AAL2-G726-32", AV_CODEC_ID_ADPCM_G726, 8000, 4, 0, 0, NULL },
	{ "AAL2-G726-40", AV_CODEC_ID_ADPCM_G726, 8000, 5, 0, 0, NULL },
	{ "G729", AV_CODEC_ID_G729, 8000, 0, 10, 480, g729_frame },
	{ "G723", AV_CODEC_ID_G723_1, 8000, 0, 24, 1440, g723_frame },
	{ "GSM", AV_CODEC_ID_GSM, 8000, 0, 33, 960, NULL },
	{ "iLBC", AV_CODEC_ID_ILBC, 8000, 0, 50, 1440, NULL },
};

struct codec_av {
	struct codec codec; /* first */
	const struct av_row *row;
	size_t frame_bytes;
	bool is_20ms; /* iLBC: what was agreed */
	AVCodecContext *ctx;
	AVPacket *pkt;
	AVFrame *frame;
};

static const struct av_row *find_row(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (str_ieq(name, rows[i].name))
			return &rows[i];
	return NULL;
}

bool codec_av_known(const struct codec_spec *spec)
{
	const struct av_row *row = find_row(spec->name);

	return row && avcodec_find_decoder(row->id);
}

static unsigned count_frames(const struct av_row *row, const uint8_t *data,
			     size_t len)
{
	unsigned n = 0;
	size_t take;

	while (len > 0 && (take = row->frames(data, len)) > 0) {
		data += take;
		len -= take;
		n++;
	}
	return n;
}

unsigned codec_av_duration_48k(const struct codec_spec *spec,
			       const uint8_t *data, size_t len)
{
	const struct av_row *row = find_row(spec->name);
	size_t bytes;

	if (!row || len > 65535)
		return 0;
	if (row->bits)
		return (unsigned)(len * 8 / row->bits * 6);
	if (row->frame_bytes == 0)
		return (unsigned)len * row->frame_48k;
	if (row->frames)
		return count_frames(row, data, len) * row->frame_48k;
	if (row->id == AV_CODEC_ID_ILBC) {
		bytes = ilbc_bytes(ilbc_20ms(spec), len);
		return (unsigned)(len / bytes) * (bytes == 38 ? 960 : 1440);
	}
	return (unsigned)(len / row->frame_bytes) * row->frame_48k;
}

bool codec_av_noise(const struct codec_spec *spec, const uint8_t *data,
		    size_t len)
{
	const struct av_row *row = find_row(spec->name);

	if (!row)
		return false;
	if (row->id == AV_CODEC_ID_G729)
		return len == 2;
	return row->id == AV_CODEC_ID_G723_1 &&
	       ((len == 4 && (data[0] & 3) == 2) ||
		(len == 1 && (data[0] & 3) == 3));
}

static int16_t sample(const AVFrame *f, int i)
{
	float v;

	switch (f->format) {
	case AV_SAMPLE_FMT_S16:
	case AV_SAMPLE_FMT_S16P:
		return ((const int16_t *)(const void *)f->data[0])[i];
	case AV_SAMPLE_FMT_FLT:
	case AV_SAMPLE_FMT_FLTP:
		v = ((const float *)(const void *)f->data[0])[i] * 32768.0F;
		if (v > 32767.0F)
			return 32767;
		return v < -32768.0F ? -32768 : (int16_t)v;
	default:
		return 0;
	}
}

/* One frame in, all samples out. */
static int decode_frame(struct codec_av *a, const uint8_t *data, size_t len,
			int16_t *dst, size_t max)
{
	size_t n = 0;
	int i;

	/* libavcodec reads beyond the end: its packets carry padding. */
	if (av_new_packet(a->pkt, (int)len) < 0)
		return -ENOMEM;
	memcpy(a->pkt->data, data, len);
	i = avcodec_send_packet(a->ctx, a->pkt);
	av_packet_unref(a->pkt);
	if (i < 0)
		return -EBADMSG;
	while (avcodec_receive_frame(a->ctx, a->frame) == 0) {
		for (i = 0; i < a->frame->nb_samples && n < max; i++)
			dst[n++] = sample(a->frame, i);
		av_frame_unref(a->frame);
	}
	return (int)n;
}

static int open_context(struct codec_av *a)
{
	const AVCodec *dec = avcodec_find_decoder(a->row->id);

	if (!dec)
		return -ENOENT;
	a->ctx = avcodec_alloc_context3(dec);
	if (!a->ctx)
		return -ENOMEM;
	a->ctx->sample_rate = (int)a->row->rate_hz;
	av_channel_layout_default(&a->ctx->ch_layout, 1);
	a->ctx->bits_per_coded_sample = (int)a->row->bits;
	a->ctx->block_align = (int)a->frame_bytes;
	a->ctx->thread_count = 1;
	return avcodec_open2(a->ctx, dec, NULL) < 0 ? -ENOENT : 0;
}

/* The length of its frames is fixed when iLBC's decoder is opened. */
static int fit_ilbc(struct codec_av *a, size_t len)
{
	size_t bytes = ilbc_bytes(a->is_20ms, len);

	if (a->row->id != AV_CODEC_ID_ILBC ||
	    (a->ctx && bytes == a->frame_bytes))
		return 0;
	avcodec_free_context(&a->ctx);
	a->frame_bytes = bytes;
	return open_context(a);
}

static int av_decode(struct codec *c, const uint8_t *data, size_t len,
		     int16_t *dst, size_t max)
{
	struct codec_av *a = CONTAINER_OF(c, struct codec_av, codec);
	size_t n = 0, take;
	int r;

	r = fit_ilbc(a, len);
	if (r < 0)
		return r == -ENOMEM ? r : -EBADMSG;
	while (len > 0) {
		take = len;
		if (a->row->frames)
			take = a->row->frames(data, len);
		else if (a->frame_bytes)
			take = len >= a->frame_bytes ? a->frame_bytes : 0;
		if (take == 0)
			break;
		r = decode_frame(a, data, take, dst + n, max - n);
		if (r < 0)
			return r;
		n += (size_t)r;
		data += take;
		len -= take;
	}
	return n ? (int)n : -EBADMSG;
}

static void av_close(struct codec *c)
{
	struct codec_av *a = CONTAINER_OF(c, struct codec_av, codec);

	avcodec_free_context(&a->ctx);
	av_packet_free(&a->pkt);
	av_frame_free(&a->frame);
	mem_free(a);
}

static const struct codec_ops av_ops = {
	.name = "av",
	.decode = av_decode,
	.close = av_close,
};

int codec_av_open(const struct codec_spec *spec, struct codec **ret_codec)
{
	struct codec_av *a;
	int r;

	av_log_set_level(AV_LOG_QUIET); /* it would print what a peer sent */
	a = mem_zalloc(sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->codec.ops = &av_ops;
	a->row = find_row(spec->name);
	if (!a->row) {
		mem_free(a);
		return -ENOENT;
	}
	a->codec.rate_hz = a->row->rate_hz;
	a->frame_bytes = a->row->frame_bytes;
	if (a->row->id == AV_CODEC_ID_ILBC) {
		a->is_20ms = ilbc_20ms(spec);
		a->frame_bytes = ilbc_bytes(a->is_20ms, 0);
	}
	a->pkt = av_packet_alloc();
	a->frame = av_frame_alloc();
	r = a->pkt && a->frame ? open_context(a) : -ENOMEM;
	if (r < 0) {
		av_close(&a->codec);
		return r;
	}
	*ret_codec = &a->codec;
	return 0;
}
