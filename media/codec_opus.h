/* media/codec_opus.h - Opus: decoder, encoder, and what packets say.
 *
 * The only door to libopus. Everything here is mono on the sample side: a
 * stereo file is two mono streams side by side (RFC 7845 mapping family 1),
 * because joint stereo moves one party's voice into the other's ear; figures
 * in docs/media.md.
 *
 * Role: render. Source: RFC 6716 (packets, appendix B: self-delimited), RFC
 * 7845 (file), RFC 7587 (RTP).
 */
#ifndef MEDIA_CODEC_OPUS_H
#define MEDIA_CODEC_OPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPUS_FILE_PACKET_MAX 1500
#define OPUS_FILE_FRAME_48K 960 /* we encode frames of 20 ms */

struct codec;
struct opus_enc;
struct opus_dec;

/** Decoder for RTP payloads, mono. @param rate_hz 8, 12, 16, 24 or 48 kHz */
int codec_opus_open(unsigned rate_hz, struct codec **ret_codec);

/* ---- what a packet says; any bytes may be passed ---- */

/** @return ticks of 48 kHz, 0 = not an Opus packet */
unsigned opus_file_packet_48k(const uint8_t *data, size_t len);
/** @return 8000, 12000, 16000, 24000, 48000; 0 = not an Opus packet */
unsigned opus_file_packet_rate_hz(const uint8_t *data, size_t len);
bool opus_file_packet_stereo(const uint8_t *data, size_t len);

/* Packets that say "silence": CELT frames with only their silence flag set.
 * Three bytes, exact zeros in every decoder. */
#define OPUS_SILENCE_LEN 3
/**
 * @param ticks_48k 120, 240, 480 or 960 (2.5, 5, 10 or 20 ms)
 * @param rate_hz   bandwidth as opus_file_packet_rate_hz()
 * @return OPUS_SILENCE_LEN, or -EINVAL
 */
int opus_file_silence(unsigned ticks_48k, unsigned rate_hz, bool stereo,
		      uint8_t dst[OPUS_SILENCE_LEN]);

/**
 * A packet whose frame is empty: "the packet was lost here, conceal it". Same
 * configuration as the one before it (RFC 7845 section 4.1).
 *
 * @param like toc byte to follow
 * @return 1 (dst[0] set), length by opus_file_packet_48k(dst, 1)
 */
int opus_file_lost(uint8_t like, uint8_t dst[1]);

/** Rewrite one packet as self-delimited. @return length or -EBADMSG,
 *  -ENOBUFS */
int opus_file_self_delimit(const uint8_t *data, size_t len, uint8_t *dst,
			   size_t max);

/* ---- encoder ---- */

struct opus_enc_config {
	unsigned rate_hz;     /* 8, 12, 16, 24 or 48 kHz */
	unsigned complexity;  /* 0..10 */
	unsigned bitrate_bps; /* 0 = by rate, opus_enc_bitrate() */
};

unsigned opus_enc_bitrate(unsigned rate_hz);

int opus_enc_create(const struct opus_enc_config *cfg,
		    struct opus_enc **ret_enc);
void opus_enc_destroy(struct opus_enc **ep);
/** Ticks of 48 kHz that the decoder's output is late: the pre-skip. */
unsigned opus_enc_delay_48k(const struct opus_enc *e);
/**
 * One frame of 20 ms (rate_hz / 50 samples). After 200 ms of digital silence
 * nothing is encoded any more: silence packets come out until sound returns.
 *
 * @return length of the packet or -errno
 */
int opus_enc_frame(struct opus_enc *e, const int16_t *pcm, uint8_t *dst,
		   size_t max);

/* ---- decoder of files, for verification and tests ---- */

struct opus_map {
	uint8_t family; /* 0, 1 or 255 */
	uint8_t channels;
	uint8_t streams;
	uint8_t coupled;
	uint8_t map[8];
};

/** One stream (mono or stereo), or two mono streams left and right.
 *  @return 0, -EINVAL another mapping, -ENOMEM */
int opus_dec_create(const struct opus_map *map, unsigned rate_hz,
		    struct opus_dec **ret_dec);
void opus_dec_destroy(struct opus_dec **dp);
/** @param dst interleaved, room for max frames
 *  @return frames or -EBADMSG */
int opus_dec_packet(struct opus_dec *d, const uint8_t *data, size_t len,
		    int16_t *dst, size_t max);

#endif
