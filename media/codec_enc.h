/* media/codec_enc.h - G.722 for those who call us: `srs call` and tests.
 *
 * The recorder itself never makes G.722. 20 ms at a time through libavcodec.
 * Role: none; the recording client. Source: ITU-T G.722, RFC 3551 section
 * 4.5.2.
 */
#ifndef MEDIA_CODEC_ENC_H
#define MEDIA_CODEC_ENC_H

#include <stddef.h>
#include <stdint.h>

#define CODEC_ENC_RATE_HZ 16000
#define CODEC_ENC_SAMPLES 320 /* of a frame */
#define CODEC_ENC_BYTES 160

struct codec_enc;

/** @return 0, -ENOENT (this libavcodec has no encoder for it), -ENOMEM */
int codec_enc_create(struct codec_enc **ret_enc);
void codec_enc_destroy(struct codec_enc **ep);

/** CODEC_ENC_SAMPLES in, CODEC_ENC_BYTES out. @return 0, -EIO, -ENOMEM */
int codec_enc_frame(struct codec_enc *e, const int16_t *pcm, uint8_t *dst);

#endif
