#include "media/mux.h"

#include <errno.h>
#include <libavformat/avformat.h>
#include <unistd.h>

#include "base/mem.h"

/* AVERROR of the operating system's errors is their negative number; its own
 * ones are four letters and mean nothing to us. */
static int to_errno(int av)
{
	if (av == AVERROR(ENOSPC) || av == AVERROR(EIO) ||
	    av == AVERROR(ENOMEM) || av == AVERROR(ENOENT) ||
	    av == AVERROR(EACCES))
		return av;
	return av < 0 ? -EBADMSG : 0;
}

struct remux {
	AVFormatContext *in, *out;
	AVPacket *pkt;
	int64_t end_us;
};

static void remux_fini(struct remux *m)
{
	avformat_close_input(&m->in);
	if (m->out)
		avio_closep(&m->out->pb);
	avformat_free_context(m->out);
	av_packet_free(&m->pkt);
}

static int open_input(struct remux *m, const char *path)
{
	int r;

	av_log_set_level(AV_LOG_QUIET);
	m->pkt = av_packet_alloc();
	if (!m->pkt)
		return -ENOMEM;
	r = avformat_open_input(&m->in, path, av_find_input_format("ogg"),
				NULL);
	if (r < 0)
		return to_errno(r);
	r = avformat_find_stream_info(m->in, NULL);
	if (r < 0)
		return to_errno(r);
	if (m->in->nb_streams != 1 ||
	    m->in->streams[0]->codecpar->codec_id != AV_CODEC_ID_OPUS)
		return -EBADMSG;
	return 0;
}

static int open_output(struct remux *m, const char *path)
{
	AVDictionary *opts = NULL;
	AVStream *st;
	int r;

	r = avformat_alloc_output_context2(&m->out, NULL, "mp4", path);
	if (r < 0)
		return to_errno(r);
	m->out->flags |= AVFMT_FLAG_BITEXACT; /* same input, same bytes */
	st = avformat_new_stream(m->out, NULL);
	if (!st)
		return -ENOMEM;
	r = avcodec_parameters_copy(st->codecpar, m->in->streams[0]->codecpar);
	if (r < 0)
		return to_errno(r);
	st->codecpar->codec_tag = 0;
	st->time_base = (AVRational){ 1, 48000 };
	r = avio_open(&m->out->pb, path, AVIO_FLAG_WRITE);
	if (r < 0)
		return to_errno(r);
	av_dict_set(&opts, "movflags", "+faststart", 0);
	r = avformat_write_header(m->out, &opts);
	av_dict_free(&opts);
	return to_errno(r);
}

static int copy_packets(struct remux *m)
{
	AVStream *from = m->in->streams[0], *to = m->out->streams[0];
	int64_t end;
	int r;

	while ((r = av_read_frame(m->in, m->pkt)) >= 0) {
		av_packet_rescale_ts(m->pkt, from->time_base, to->time_base);
		end = av_rescale_q(m->pkt->pts + m->pkt->duration,
				   to->time_base, AV_TIME_BASE_Q);
		if (end > m->end_us)
			m->end_us = end;
		m->pkt->pos = -1;
		r = av_interleaved_write_frame(m->out, m->pkt);
		if (r < 0)
			return to_errno(r);
	}
	if (r != AVERROR_EOF)
		return to_errno(r);
	r = av_write_trailer(m->out);
	if (r < 0)
		return to_errno(r);
	return to_errno(avio_closep(&m->out->pb));
}

int mux_ogg_to_mp4(const char *ogg_path, const char *mp4_path,
		   int64_t *ret_duration_us)
{
	struct remux m CLEANUP(remux_fini) = { 0 };
	int r;

	r = open_input(&m, ogg_path);
	if (r < 0)
		return r;
	r = open_output(&m, mp4_path);
	if (r == 0)
		r = copy_packets(&m);
	if (r < 0) {
		(void)unlink(mp4_path); /* half a file is no file */
		return r;
	}
	if (ret_duration_us)
		*ret_duration_us = m.end_us;
	return 0;
}

int mux_probe(const char *path, struct mux_info *ret_info)
{
	struct remux m CLEANUP(remux_fini) = { 0 };
	struct mux_info info = { 0 };
	AVStream *st;
	int r;

	av_log_set_level(AV_LOG_QUIET);
	m.pkt = av_packet_alloc();
	if (!m.pkt)
		return -ENOMEM;
	r = avformat_open_input(&m.in, path, NULL, NULL);
	if (r < 0)
		return to_errno(r);
	if (m.in->nb_streams != 1)
		return -EBADMSG;
	st = m.in->streams[0];
	info.channels = (unsigned)st->codecpar->ch_layout.nb_channels;
	while ((r = av_read_frame(m.in, m.pkt)) >= 0) {
		info.packets++;
		av_packet_unref(m.pkt);
	}
	if (r != AVERROR_EOF)
		return -EBADMSG;
	info.duration_us = m.in->duration;
	*ret_info = info;
	return 0;
}
