/* media/codec.h - turns the payloads of one RTP stream into mono samples.
 *
 * One table of functions per family: PCM (G.711, L16; own tables), Opus
 * (libopus), everything else through libavcodec. A decoder has state and
 * belongs to one stream; payloads go in in the order of the timeline. It never
 * looks at the RTP header and never waits.
 *
 * Hostile payloads are expected: a decoder answers -EBADMSG and goes on.
 * Role: render.
 */
#ifndef MEDIA_CODEC_H
#define MEDIA_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most samples that one payload may give: 200 ms at 48 kHz. */
#define CODEC_SAMPLES_MAX 9600

struct codec;

/* What the SDP said about one payload type. */
struct codec_spec {
	const char *name;  /* "PCMU"; ASCII case ignored */
	uint32_t clock_hz; /* RTP clock */
	unsigned channels;
	const char *fmtp; /* "" = none */
};

struct codec_ops {
	const char *name;
	/** @return samples written (mono, at rate_hz), or -EBADMSG */
	int (*decode)(struct codec *c, const uint8_t *data, size_t len,
		      int16_t *dst, size_t max);
	/** Make up n samples for packets that never came. next (may be NULL)
	 *  is the payload that follows them directly. NULL function: the
	 *  caller fades. @return n or -errno */
	int (*conceal)(struct codec *c, const uint8_t *next, size_t next_len,
		       int16_t *dst, size_t n);
	void (*close)(struct codec *c);
};

/* Embedded first by each family. */
struct codec {
	const struct codec_ops *ops;
	unsigned rate_hz; /* of the samples */
};

/**
 * @param rate_hint_hz Opus decodes at any of its rates: the lowest that holds
 *                     the bandwidth of the packets; 0 = 48000. Others ignore.
 * @param use_av       false: do not touch libavcodec
 *
 * @return 0, -ENOENT nobody can decode it, -ENOMEM
 */
int codec_open(const struct codec_spec *spec, unsigned rate_hint_hz,
	       bool use_av, struct codec **ret_codec);
void codec_close(struct codec **cp);

/** @return true when codec_open() knows the name */
bool codec_known(const struct codec_spec *spec, bool use_av);

/** Length of one payload in ticks of 48 kHz without decoding it, 0 = cannot
 *  be told from the bytes. */
unsigned codec_duration_48k(const struct codec_spec *spec, const uint8_t *data,
			    size_t len);

/** Only a description of background noise, or a frame that says "nothing":
 *  G.729 annex B (2 bytes, RFC 3551 section 4.5.6), G.723.1 annex A. No sound
 *  of its own: the timeline has it as comfort noise. */
bool codec_noise(const struct codec_spec *spec, const uint8_t *data,
		 size_t len);

int codec_decode(struct codec *c, const uint8_t *data, size_t len, int16_t *dst,
		 size_t max);

/* ---- families; only codec.c and their tests call these ---- */

bool codec_pcm_known(const struct codec_spec *spec);
int codec_pcm_open(const struct codec_spec *spec, struct codec **ret_codec);
/** 256 entries, ITU-T G.711. */
const int16_t *codec_pcm_table(bool alaw);
/** Nearest code of a sample, ITU-T G.711. */
uint8_t codec_pcm_encode(bool alaw, int16_t sample);

bool codec_av_known(const struct codec_spec *spec);
int codec_av_open(const struct codec_spec *spec, struct codec **ret_codec);
unsigned codec_av_duration_48k(const struct codec_spec *spec,
			       const uint8_t *data, size_t len);
bool codec_av_noise(const struct codec_spec *spec, const uint8_t *data,
		    size_t len);

#endif
