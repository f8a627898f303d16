#include "media/codec_opus.h"

#include <errno.h>
#include <opus.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "media/codec.h"

/* Frames of digital silence that are still encoded, so that the encoder rings
 * out and its look-ahead is empty. */
#define SILENT_FRAMES 10
/* Both codes of G.711 for "nothing" and their neighbours. */
#define SILENT_PEAK 8

/* ---- RTP side ---- */

struct codec_opus {
	struct codec codec; /* first */
	OpusDecoder *dec;
};

static int rtp_decode(struct codec *c, const uint8_t *data, size_t len,
		      int16_t *dst, size_t max)
{
	struct codec_opus *o = CONTAINER_OF(c, struct codec_opus, codec);
	int n;

	if (len > OPUS_FILE_PACKET_MAX * 4)
		return -EBADMSG;
	n = opus_decode(o->dec, data, (opus_int32)len, dst, (int)max, 0);
	return n > 0 ? n : -EBADMSG;
}

/* Everything but the last frame is made up; the last comes out of the next
 * packet's forward error correction when it has one. */
static int rtp_conceal(struct codec *c, const uint8_t *next, size_t next_len,
		       int16_t *dst, size_t n)
{
	struct codec_opus *o = CONTAINER_OF(c, struct codec_opus, codec);
	int step = (int)c->rate_hz / 50, done = 0, want = (int)n, fec = 0, r;

	if (next && next_len) {
		r = opus_packet_get_samples_per_frame(next, (int)c->rate_hz);
		if (r >= (int)c->rate_hz / 100 && r <= want)
			fec = r;
	}
	while (done < want - fec) {
		r = want - fec - done < step ? want - fec - done : step;
		r -= r % ((int)c->rate_hz / 400);
		if (r <= 0)
			break;
		if (opus_decode(o->dec, NULL, 0, dst + done, r, 0) != r)
			return -EBADMSG;
		done += r;
	}
	if (fec && opus_decode(o->dec, next, (opus_int32)next_len, dst + done,
			       fec, 1) == fec)
		done += fec;
	memset(dst + done, 0, (size_t)(want - done) * sizeof(*dst));
	return want;
}

static void rtp_close(struct codec *c)
{
	struct codec_opus *o = CONTAINER_OF(c, struct codec_opus, codec);

	if (o->dec)
		opus_decoder_destroy(o->dec);
	mem_free(o);
}

static const struct codec_ops opus_ops = {
	.name = "opus",
	.decode = rtp_decode,
	.conceal = rtp_conceal,
	.close = rtp_close,
};

int codec_opus_open(unsigned rate_hz, struct codec **ret_codec)
{
	struct codec_opus *o;
	int e;

	o = mem_zalloc(sizeof(*o));
	if (!o)
		return -ENOMEM;
	o->codec.ops = &opus_ops;
	o->codec.rate_hz = rate_hz;
	o->dec = opus_decoder_create((opus_int32)rate_hz, 1, &e);
	if (!o->dec) {
		mem_free(o);
		return e == OPUS_BAD_ARG ? -EINVAL : -ENOMEM;
	}
	*ret_codec = &o->codec;
	return 0;
}

/* ---- packets ---- */

unsigned opus_file_packet_48k(const uint8_t *data, size_t len)
{
	const unsigned char *frames[48];
	opus_int16 sizes[48];
	int n;

	if (len == 0 || len > INT32_MAX)
		return 0;
	if (opus_packet_parse(data, (opus_int32)len, NULL, frames, sizes,
			      NULL) < 0)
		return 0;
	n = opus_packet_get_nb_samples(data, (opus_int32)len, 48000);
	return n > 0 ? (unsigned)n : 0;
}

unsigned opus_file_packet_rate_hz(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	switch (opus_packet_get_bandwidth(data)) {
	case OPUS_BANDWIDTH_NARROWBAND:
		return 8000;
	case OPUS_BANDWIDTH_MEDIUMBAND:
		return 12000;
	case OPUS_BANDWIDTH_WIDEBAND:
		return 16000;
	case OPUS_BANDWIDTH_SUPERWIDEBAND:
		return 24000;
	case OPUS_BANDWIDTH_FULLBAND:
		return 48000;
	default:
		return 0;
	}
}

bool opus_file_packet_stereo(const uint8_t *data, size_t len)
{
	return len > 0 && (data[0] & 4);
}

int opus_file_silence(unsigned ticks_48k, unsigned rate_hz, bool stereo,
		      uint8_t dst[OPUS_SILENCE_LEN])
{
	static const unsigned ticks[] = { 120, 240, 480, 960 };
	unsigned size, config;

	for (size = 0; size < ARRAY_SIZE(ticks); size++)
		if (ticks[size] == ticks_48k)
			break;
	if (size == ARRAY_SIZE(ticks))
		return -EINVAL;
	/* RFC 6716 table 2: CELT only is 16.. NB, 20.. WB, 24.. SWB, 28.. FB;
	 * there is no medium band. */
	if (rate_hz <= 8000)
		config = 16;
	else if (rate_hz <= 16000)
		config = 20;
	else if (rate_hz <= 24000)
		config = 24;
	else
		config = 28;
	dst[0] = (uint8_t)((config + size) << 3 | (stereo ? 4 : 0));
	dst[1] = 0xff; /* the first symbol, p = 2^-15: silence */
	dst[2] = 0xfe;
	return OPUS_SILENCE_LEN;
}

int opus_file_lost(uint8_t like, uint8_t dst[1])
{
	dst[0] = like & 0xfc; /* code 0: one frame, here of no bytes */
	return 1;
}

static size_t put_size(uint8_t *dst, size_t size)
{
	if (size < 252) {
		dst[0] = (uint8_t)size;
		return 1;
	}
	dst[0] = (uint8_t)(252 + (size & 3));
	dst[1] = (uint8_t)((size - dst[0]) >> 2);
	return 2;
}

int opus_file_self_delimit(const uint8_t *data, size_t len, uint8_t *dst,
			   size_t max)
{
	size_t size, n;

	/* Our encoder makes one frame a packet; others are put apart by the
	 * callers. A frame has at most 1275 bytes. */
	if (len < 1 || len > 1276 || (data[0] & 3) != 0)
		return -EBADMSG;
	if (max < len + 2)
		return -ENOBUFS;
	size = len - 1;
	dst[0] = data[0];
	n = 1 + put_size(dst + 1, size);
	memcpy(dst + n, data + 1, size);
	return (int)(n + size);
}

/* ---- encoder ---- */

struct opus_enc {
	OpusEncoder *enc;
	unsigned rate_hz;
	unsigned frame;	 /* samples */
	unsigned silent; /* frames of digital silence so far */
	bool asleep;	 /* silence packets were sent: state is stale */
};

/* Bits buy more than complexity does: see docs/media.md. */
unsigned opus_enc_bitrate(unsigned rate_hz)
{
	if (rate_hz <= 8000)
		return 24000;
	if (rate_hz <= 16000)
		return 28000;
	return rate_hz <= 24000 ? 36000 : 48000;
}

static int enc_setup(struct opus_enc *e, const struct opus_enc_config *cfg)
{
	unsigned bps = cfg->bitrate_bps;
	int r = 0;

	if (!bps)
		bps = opus_enc_bitrate(cfg->rate_hz);
	r |= opus_encoder_ctl(e->enc, OPUS_SET_BITRATE((opus_int32)bps));
	r |= opus_encoder_ctl(e->enc,
			      OPUS_SET_COMPLEXITY((opus_int32)cfg->complexity));
	r |= opus_encoder_ctl(e->enc, OPUS_SET_VBR(1));
	/* libopus takes a steady tone for background noise and, with DTX, drops
	 * it: dial tones and beeps would be missing. */
	r |= opus_encoder_ctl(e->enc, OPUS_SET_DTX(0));
	/* A telephone line carries speech; above that it may be music. */
	if (cfg->rate_hz <= 16000)
		r |= opus_encoder_ctl(e->enc,
				      OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
	return r == OPUS_OK ? 0 : -EINVAL;
}

int opus_enc_create(const struct opus_enc_config *cfg,
		    struct opus_enc **ret_enc)
{
	struct opus_enc *e CLEANUP(opus_enc_destroy) = NULL;
	int err, r;

	e = mem_zalloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	/* AUDIO rather than VOIP: no high-pass filter, the recording shall
	 * sound like the line. */
	e->enc = opus_encoder_create((opus_int32)cfg->rate_hz, 1,
				     OPUS_APPLICATION_AUDIO, &err);
	if (!e->enc)
		return err == OPUS_BAD_ARG ? -EINVAL : -ENOMEM;
	e->rate_hz = cfg->rate_hz;
	e->frame = cfg->rate_hz / 50;
	r = enc_setup(e, cfg);
	if (r < 0)
		return r;
	*ret_enc = STEAL(e);
	return 0;
}

void opus_enc_destroy(struct opus_enc **ep)
{
	struct opus_enc *e = *ep;

	if (!e)
		return;
	*ep = NULL;
	if (e->enc)
		opus_encoder_destroy(e->enc);
	mem_free(e);
}

unsigned opus_enc_delay_48k(const struct opus_enc *e)
{
	opus_int32 n = 0;

	(void)opus_encoder_ctl(e->enc, OPUS_GET_LOOKAHEAD(&n)); /* can't fail */
	return (unsigned)n * (48000 / e->rate_hz);
}

static bool is_silent(const int16_t *pcm, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (pcm[i] > SILENT_PEAK || pcm[i] < -SILENT_PEAK)
			return false;
	return true;
}

int opus_enc_frame(struct opus_enc *e, const int16_t *pcm, uint8_t *dst,
		   size_t max)
{
	int n;

	e->silent = is_silent(pcm, e->frame) ? e->silent + 1 : 0;
	if (e->silent > SILENT_FRAMES) {
		if (max < OPUS_SILENCE_LEN)
			return -ENOBUFS;
		e->asleep = true;
		return opus_file_silence(OPUS_FILE_FRAME_48K, e->rate_hz, false,
					 dst);
	}
	if (e->asleep) {
		/* Silence packets are CELT; a decoder that comes back to SILK
		 * begins anew, so the encoder has to as well. */
		(void)opus_encoder_ctl(e->enc, OPUS_RESET_STATE);
		e->asleep = false;
	}
	n = opus_encode(e->enc, pcm, (int)e->frame, dst, (opus_int32)max);
	return n > 0 ? n : -EIO;
}

/* ---- decoder of files ---- */

/* Not libopus's multistream decoder: Debian's build asks the processor for its
 * abilities (cpuid) several times a packet there, which is a trap into the
 * hypervisor on a virtual machine and cost more than the decoding itself. */
struct opus_dec {
	OpusDecoder *dec[2];
	unsigned streams;
	unsigned channels;
	int16_t *part; /* one stream's samples */
	size_t part_max;
};

static bool map_ok(const struct opus_map *m)
{
	if (m->streams == 1)
		return m->channels == 1u + m->coupled && m->coupled <= 1;
	return m->streams == 2 && m->coupled == 0 && m->channels == 2 &&
	       m->map[0] == 0 && m->map[1] == 1;
}

int opus_dec_create(const struct opus_map *map, unsigned rate_hz,
		    struct opus_dec **ret_dec)
{
	struct opus_dec *d CLEANUP(opus_dec_destroy) = NULL;
	unsigned i;
	int e;

	if (!map_ok(map))
		return -EINVAL;
	d = mem_zalloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->channels = map->channels;
	d->streams = map->streams;
	d->part_max = rate_hz / 8; /* 120 ms is the longest packet */
	d->part = mem_calloc(d->part_max, sizeof(*d->part));
	if (!d->part)
		return -ENOMEM;
	for (i = 0; i < d->streams; i++) {
		d->dec[i] = opus_decoder_create((opus_int32)rate_hz,
						1 + map->coupled, &e);
		if (!d->dec[i])
			return e == OPUS_ALLOC_FAIL ? -ENOMEM : -EINVAL;
	}
	*ret_dec = STEAL(d);
	return 0;
}

void opus_dec_destroy(struct opus_dec **dp)
{
	struct opus_dec *d = *dp;
	unsigned i;

	if (!d)
		return;
	*dp = NULL;
	for (i = 0; i < 2; i++)
		if (d->dec[i])
			opus_decoder_destroy(d->dec[i]);
	mem_free(d->part);
	mem_free(d);
}

/* Undo opus_file_self_delimit(): the packet at data into dst.
 * @return bytes of data that were its own, or -EBADMSG */
static int undelimit(const uint8_t *data, size_t len, uint8_t *dst, size_t max,
		     size_t *ret_len)
{
	size_t size, head = 2;

	if (len < 2 || (data[0] & 3) != 0)
		return -EBADMSG;
	size = data[1];
	if (size >= 252) {
		if (len < 3)
			return -EBADMSG;
		size += (size_t)data[2] * 4;
		head = 3;
	}
	if (len - head < size || size + 1 > max)
		return -EBADMSG;
	dst[0] = data[0];
	memcpy(dst + 1, data + head, size);
	*ret_len = size + 1;
	return (int)(head + size);
}

static int decode_two(struct opus_dec *d, const uint8_t *data, size_t len,
		      int16_t *dst, size_t max)
{
	uint8_t first[OPUS_FILE_PACKET_MAX];
	size_t first_len = 0;
	unsigned i;
	int at, n = 0, k, got;

	at = undelimit(data, len, first, sizeof(first), &first_len);
	if (at < 0)
		return at;
	for (i = 0; i < 2; i++) {
		got = opus_decode(d->dec[i], i ? data + at : first,
				  (opus_int32)(i ? len - (size_t)at
						 : first_len),
				  d->part, (int)d->part_max, 0);
		if (got <= 0 || (size_t)got > max || (i && got != n))
			return -EBADMSG;
		n = got;
		for (k = 0; k < n; k++)
			dst[2 * k + (int)i] = d->part[k];
	}
	return n;
}

int opus_dec_packet(struct opus_dec *d, const uint8_t *data, size_t len,
		    int16_t *dst, size_t max)
{
	int n;

	if (d->streams == 2)
		return decode_two(d, data, len, dst, max);
	n = opus_decode(d->dec[0], data, (opus_int32)len, dst, (int)max, 0);
	return n >= 0 ? n : -EBADMSG;
}
