#include "srs/call/voice.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cursor.h"
#include "base/err.h"
#include "base/mem.h"
#include "media/codec.h"
#include "media/codec_enc.h"
#include "media/codec_opus.h"
#include "media/resample.h"

#define FRAMES_PER_SECOND 50
#define SECONDS_MAX 3600u
#define WAV_BYTES_MAX (512u * 1024u * 1024u)
#define VOICE_BYTES_MAX (64u * 1024u * 1024u)
#define TONE_LEVEL 9000.0 /* about -11 dBFS */

struct call_voice {
	char codec[8];
	unsigned rate_hz;  /* of the samples */
	unsigned clock_hz; /* of RTP */
	size_t n;	   /* frames */
	size_t loop_from;  /* frames before this one are said once */
	size_t cap;
	uint32_t *ends; /* frame i lies before ends[i] */
	struct buf bytes;
	struct opus_enc *opus;
	struct codec_enc *g722;
};

/* ---- WAV ---- */

static int read_file(const char *path, struct buf *out, struct err *e)
{
	FILE *f = fopen(path, "rbe");
	uint8_t block[65536];
	size_t n;
	int r = 0;

	if (!f)
		return err_set(e, -errno, "%s: %s", path, err_words(errno));
	while (!r && (n = fread(block, 1, sizeof(block), f)) > 0)
		r = buf_put(out, block, n);
	if (ferror(f))
		r = -EIO;
	fclose(f);
	return r ? err_set(e, r, "%s: %s", path, err_words(r)) : 0;
}

struct wav_format {
	uint16_t tag, channels, block, bits;
	uint32_t rate_hz;
	bool seen;
};

static void read_format(const uint8_t *p, uint32_t len, struct wav_format *f)
{
	struct cursor c;
	uint32_t bytes_per_second;

	cur_init(&c, p, len);
	f->seen = cur_le16(&c, &f->tag) && cur_le16(&c, &f->channels) &&
		  cur_le32(&c, &f->rate_hz) &&
		  cur_le32(&c, &bytes_per_second) && cur_le16(&c, &f->block) &&
		  cur_le16(&c, &f->bits);
}

/* The sizes that a pipe could not fill in ("espeak-ng --stdout") are larger
 * than the file: the rest of it is meant. */
static bool next_chunk(struct cursor *c, const uint8_t **ret_id,
		       const uint8_t **ret_p, uint32_t *ret_len)
{
	uint32_t len;

	if (!cur_take(c, 4, ret_id) || !cur_le32(c, &len))
		return false;
	if (len > cur_left(c))
		len = (uint32_t)cur_left(c);
	*ret_len = len;
	if (!cur_take(c, len, ret_p))
		return false;
	if (len & 1)
		(void)cur_skip(c, 1);
	return true;
}

static int mix_down(const uint8_t *p, uint32_t len, const struct wav_format *f,
		    struct wav *ret_wav)
{
	size_t n = len / (2u * f->channels);
	int16_t *s = mem_calloc(n ? n : 1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int32_t sum = 0;

		for (unsigned k = 0; k < f->channels; k++, p += 2)
			sum += (int16_t)(p[0] | p[1] << 8);
		s[i] = (int16_t)(sum / (int32_t)f->channels);
	}
	*ret_wav = (struct wav){ f->rate_hz, n, s };
	return 0;
}

int wav_read(const char *path, struct wav *ret_wav, struct err *e)
{
	struct buf file CLEANUP(buf_fini) = { 0 };
	struct wav_format f = { 0 };
	const uint8_t *id, *p, *head;
	struct cursor c;
	uint32_t len;
	int r;

	buf_init(&file, WAV_BYTES_MAX);
	r = read_file(path, &file, e);
	if (r < 0)
		return r;
	cur_init(&c, file.data, file.len);
	if (!cur_take(&c, 12, &head) || memcmp(head, "RIFF", 4) != 0 ||
	    memcmp(head + 8, "WAVE", 4) != 0)
		return err_set(e, -EINVAL, "%s is not a WAV file", path);
	while (next_chunk(&c, &id, &p, &len)) {
		if (!memcmp(id, "fmt ", 4))
			read_format(p, len, &f);
		if (memcmp(id, "data", 4) != 0)
			continue;
		if (!f.seen || (f.tag != 1 && f.tag != 0xfffe) ||
		    f.bits != 16 || !f.channels || f.channels > 16)
			return err_set(e, -EINVAL, "%s: only PCM of 16 bit",
				       path);
		return mix_down(p, len, &f, ret_wav);
	}
	return err_set(e, -EINVAL, "%s has no sound in it", path);
}

/* ---- encoding ---- */

static int put_end(struct call_voice *v)
{
	uint32_t *ends;

	if (v->n == v->cap) {
		v->cap = v->cap ? 2 * v->cap : 64;
		ends = mem_realloc(v->ends, v->cap * sizeof(*ends));
		if (!ends)
			return -ENOMEM;
		v->ends = ends;
	}
	v->ends[v->n++] = (uint32_t)v->bytes.len;
	return 0;
}

/* pcm: rate_hz / 50 samples */
static int put_frame(struct call_voice *v, const int16_t *pcm)
{
	uint8_t out[OPUS_FILE_PACKET_MAX];
	int len = 160;

	if (v->opus) {
		len = opus_enc_frame(v->opus, pcm, out, sizeof(out));
		if (len < 0)
			return len;
	} else if (v->g722) {
		int r = codec_enc_frame(v->g722, pcm, out);

		if (r < 0)
			return r;
	} else {
		for (int i = 0; i < len; i++)
			out[i] = codec_pcm_encode(!strcmp(v->codec, "PCMA"),
						  pcm[i]);
	}
	if (buf_put(&v->bytes, out, (size_t)len) < 0)
		return buf_error(&v->bytes);
	return put_end(v);
}

static int put_silence(struct call_voice *v)
{
	int16_t pcm[960] = { 0 };
	int r = 0;

	v->loop_from = v->n;
	for (int i = 0; i < FRAMES_PER_SECOND && !r; i++)
		r = put_frame(v, pcm);
	return r;
}

/* Two seconds, of which the second is repeated: every whole number of hertz
 * goes on without a seam. */
static int put_tone(struct call_voice *v, unsigned tone_hz)
{
	unsigned per_frame = v->rate_hz / FRAMES_PER_SECOND;
	int16_t pcm[960];
	int r = 0;

	for (unsigned f = 0; f < 2 * FRAMES_PER_SECOND && !r; f++) {
		for (unsigned i = 0; i < per_frame; i++) {
			uint64_t at = (uint64_t)(f * per_frame + i) * tone_hz %
				      v->rate_hz;

			pcm[i] = (int16_t)lrint(
				TONE_LEVEL *
				sin(2 * M_PI * (double)at / v->rate_hz));
		}
		r = put_frame(v, pcm);
	}
	v->loop_from = FRAMES_PER_SECOND;
	return r;
}

/* Take whole frames out of the resampler; at the end the rest too. */
static int put_resampled(struct call_voice *v, struct resample *rs,
			 int16_t *pcm, size_t *fill, bool end)
{
	size_t per_frame = v->rate_hz / FRAMES_PER_SECOND;
	size_t n;
	int r = 0;

	while (!r &&
	       (n = resample_get(rs, pcm + *fill, per_frame - *fill)) > 0) {
		*fill += n;
		if (*fill < per_frame)
			continue;
		r = put_frame(v, pcm);
		*fill = 0;
	}
	if (!r && end && *fill) {
		memset(pcm + *fill, 0, (per_frame - *fill) * sizeof(*pcm));
		r = put_frame(v, pcm);
	}
	return r;
}

static int put_samples(struct call_voice *v, const struct wav *w)
{
	struct resample *rs CLEANUP(resample_destroy) = NULL;
	int16_t pcm[960];
	size_t fill = 0;
	int r = resample_create(w->rate_hz, v->rate_hz, &rs);

	for (size_t i = 0; i < w->n && !r; i += 4096) {
		size_t n = w->n - i < 4096 ? w->n - i : 4096;

		r = resample_put(rs, w->samples + i, n);
		if (!r)
			r = put_resampled(v, rs, pcm, &fill, false);
	}
	if (!r)
		r = resample_flush(rs);
	if (!r)
		r = put_resampled(v, rs, pcm, &fill, true);
	return r ? r : put_silence(v);
}

static int put_wav(struct call_voice *v, const char *path, struct err *e)
{
	struct wav w = { 0 };
	int r = wav_read(path, &w, e);

	if (r < 0)
		return r;
	if (w.rate_hz < 4000 || w.n / w.rate_hz > SECONDS_MAX)
		r = err_set(e, -EFBIG,
			    "%s: longer than an hour, or slower "
			    "than 4 kHz",
			    path);
	else
		r = put_samples(v, &w);
	if (r == -EINVAL)
		err_set(e, r, "%s: %u Hz cannot be used", path, w.rate_hz);
	mem_free(w.samples);
	return r;
}

static int set_codec(struct call_voice *v, const char *codec, struct err *e)
{
	struct opus_enc_config cfg = { .rate_hz = 48000,
				       .complexity = 5,
				       .bitrate_bps = 32000 };

	str_copy(v->codec, sizeof(v->codec), codec);
	v->rate_hz = v->clock_hz = 8000;
	if (!strcmp(codec, "PCMU") || !strcmp(codec, "PCMA"))
		return 0;
	if (!strcmp(codec, "G722")) {
		v->rate_hz = CODEC_ENC_RATE_HZ;
		return codec_enc_create(&v->g722);
	}
	if (strcmp(codec, "opus") != 0)
		return err_set(e, -EINVAL, "codec %s: PCMU, PCMA, G722 or opus",
			       codec);
	v->rate_hz = v->clock_hz = 48000;
	return opus_enc_create(&cfg, &v->opus);
}

int call_voice_create(const char *codec, const char *wav, unsigned tone_hz,
		      struct call_voice **ret_voice, struct err *e)
{
	struct call_voice *v CLEANUP(call_voice_destroy) = NULL;
	int r;

	v = mem_zalloc(sizeof(*v));
	if (!v)
		return -ENOMEM;
	buf_init(&v->bytes, VOICE_BYTES_MAX);
	r = set_codec(v, codec, e);
	if (!r)
		r = wav ? put_wav(v, wav, e) : put_tone(v, tone_hz);
	if (r < 0)
		return r;
	*ret_voice = STEAL(v);
	return 0;
}

static int put_mixed(struct call_voice *v, struct call_voice *const *voices,
		     unsigned n, uint64_t at)
{
	const int16_t *table = codec_pcm_table(!strcmp(v->codec, "PCMA"));
	int16_t pcm[160];

	for (unsigned i = 0; i < ARRAY_SIZE(pcm); i++) {
		int32_t sum = 0;

		for (unsigned k = 0; k < n; k++)
			sum += table[(uint8_t)call_voice_frame(voices[k], at)
					     .p[i]];
		pcm[i] = (int16_t)(sum > INT16_MAX   ? INT16_MAX
				   : sum < INT16_MIN ? INT16_MIN
						     : sum);
	}
	return put_frame(v, pcm);
}

int call_voice_mix(struct call_voice *const *voices, unsigned n,
		   struct call_voice **ret_voice)
{
	struct call_voice *v CLEANUP(call_voice_destroy) = NULL;
	size_t frames = 0;
	int r;

	v = mem_zalloc(sizeof(*v));
	if (!v)
		return -ENOMEM;
	buf_init(&v->bytes, VOICE_BYTES_MAX);
	r = set_codec(v, voices[0]->codec, NULL);
	if (!r && (v->opus || v->g722))
		r = -EINVAL;
	for (unsigned k = 0; k < n; k++) {
		if (voices[k]->n > frames)
			frames = voices[k]->n;
		if (voices[k]->loop_from > v->loop_from)
			v->loop_from = voices[k]->loop_from;
	}
	for (size_t i = 0; i < frames && !r; i++)
		r = put_mixed(v, voices, n, i);
	if (r < 0)
		return r;
	*ret_voice = STEAL(v);
	return 0;
}

void call_voice_destroy(struct call_voice **vp)
{
	struct call_voice *v = *vp;

	if (!v)
		return;
	*vp = NULL;
	opus_enc_destroy(&v->opus);
	codec_enc_destroy(&v->g722);
	buf_fini(&v->bytes);
	mem_free(v->ends);
	mem_free(v);
}

struct span call_voice_frame(const struct call_voice *v, uint64_t i)
{
	uint32_t from, to;

	if (i >= v->n)
		i = v->loop_from + (i - v->loop_from) % (v->n - v->loop_from);
	from = i ? v->ends[i - 1] : 0;
	to = v->ends[i];
	return (struct span){ (const char *)v->bytes.data + from, to - from };
}

unsigned call_voice_ticks(const struct call_voice *v)
{
	return v->clock_hz / FRAMES_PER_SECOND;
}
