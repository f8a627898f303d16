#include "media/codec_enc.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavutil/log.h>
#include <string.h>

#include "base/mem.h"

struct codec_enc {
	AVCodecContext *ctx;
	AVPacket *pkt;
	AVFrame *frame;
};

static int open_encoder(struct codec_enc *e)
{
	const AVCodec *enc = avcodec_find_encoder(AV_CODEC_ID_ADPCM_G722);

	if (!enc)
		return -ENOENT;
	e->ctx = avcodec_alloc_context3(enc);
	e->pkt = av_packet_alloc();
	e->frame = av_frame_alloc();
	if (!e->ctx || !e->pkt || !e->frame)
		return -ENOMEM;
	e->ctx->sample_rate = CODEC_ENC_RATE_HZ;
	e->ctx->sample_fmt = AV_SAMPLE_FMT_S16;
	e->ctx->frame_size = CODEC_ENC_SAMPLES;
	e->ctx->thread_count = 1;
	av_channel_layout_default(&e->ctx->ch_layout, 1);
	if (avcodec_open2(e->ctx, enc, NULL) < 0)
		return -ENOENT;
	e->frame->format = AV_SAMPLE_FMT_S16;
	e->frame->sample_rate = CODEC_ENC_RATE_HZ;
	e->frame->nb_samples = CODEC_ENC_SAMPLES;
	av_channel_layout_default(&e->frame->ch_layout, 1);
	return av_frame_get_buffer(e->frame, 0) < 0 ? -ENOMEM : 0;
}

int codec_enc_create(struct codec_enc **ret_enc)
{
	struct codec_enc *e CLEANUP(codec_enc_destroy) = NULL;
	int r;

	av_log_set_level(AV_LOG_QUIET);
	e = mem_zalloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	r = open_encoder(e);
	if (r < 0)
		return r;
	*ret_enc = STEAL(e);
	return 0;
}

void codec_enc_destroy(struct codec_enc **ep)
{
	struct codec_enc *e = *ep;

	if (!e)
		return;
	*ep = NULL;
	avcodec_free_context(&e->ctx);
	av_packet_free(&e->pkt);
	av_frame_free(&e->frame);
	mem_free(e);
}

int codec_enc_frame(struct codec_enc *e, const int16_t *pcm, uint8_t *dst)
{
	int r;

	if (av_frame_make_writable(e->frame) < 0)
		return -ENOMEM;
	memcpy(e->frame->data[0], pcm, CODEC_ENC_SAMPLES * sizeof(*pcm));
	if (avcodec_send_frame(e->ctx, e->frame) < 0 ||
	    avcodec_receive_packet(e->ctx, e->pkt) < 0)
		return -EIO;
	r = e->pkt->size == CODEC_ENC_BYTES ? 0 : -EIO;
	if (r == 0)
		memcpy(dst, e->pkt->data, CODEC_ENC_BYTES);
	av_packet_unref(e->pkt);
	return r;
}
