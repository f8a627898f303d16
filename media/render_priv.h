/* media/render_priv.h - what the files of the renderer share. */
#ifndef MEDIA_RENDER_PRIV_H
#define MEDIA_RENDER_PRIV_H

#include <stdio.h>

#include "base/err.h"
#include "media/copy.h"
#include "media/feed.h"
#include "media/mix.h"
#include "media/ogg.h"
#include "media/peaks.h"
#include "media/render.h"
#include "media/resample.h"
#include "media/voice.h"

#define FRAME_48K OPUS_FILE_FRAME_48K
#define FRAME_MAX 960 /* samples, at 48 kHz */
#define OGG_PATH_MAX 768

/* An Ogg file in the work folder. */
struct outfile {
	char name[48]; /* "mix", "track-1" */
	char path[OGG_PATH_MAX];
	FILE *f;
	struct ogg_writer *ogg;
	/* what it must be when it is read back */
	int64_t total_48k;
	unsigned channels;
	int peak[2];
	/* for the result */
	unsigned n;
	int party, stream;
	unsigned rate_hz;
};

/* One stream: its lanes, its frame, its encoder, its track. */
struct strand {
	const struct feed_stream *fs;
	struct timeline *tl;
	const struct plan_track *plan;
	unsigned track_n; /* 1.. */
	unsigned rate_hz;
	struct voice *voices[TL_LANES_MAX];
	unsigned n_voices;
	struct mix_limiter limiter;
	int16_t frame[FRAME_MAX]; /* this frame's samples */
	struct opus_enc *enc;	  /* NULL: nobody needs its packets */
	uint8_t packet[OPUS_FILE_PACKET_MAX];
	size_t packet_len;
	bool copied;
	struct copy copy;
	struct outfile track;
};

/* One side of the mix. */
struct side {
	struct strand *members[CAP_STREAMS_MAX];
	struct resample *rs[CAP_STREAMS_MAX]; /* to rate_hz, NULL = equal */
	unsigned n;
	unsigned rate_hz;
	struct mix_limiter limiter;
	int16_t frame[FRAME_MAX];
	struct opus_enc *enc; /* NULL: the only member's packets serve */
	uint8_t packet[OPUS_FILE_PACKET_MAX];
	size_t packet_len;
	int peak;
};

struct render {
	const struct render_options *opt;
	struct render_result *res;
	struct err *e;
	struct feed *feed;
	const struct feed_info *info;
	struct plan plan;
	struct timeline *tls[CAP_STREAMS_MAX]; /* beside info->streams */
	struct strand *strands; /* [n_strands], in channel order */
	unsigned n_strands;
	struct side sides[2];
	bool mix_copied; /* one Opus stream: the mix is a copy too */
	struct copy mix_copy;
	struct outfile mix;
	struct peaks *peaks;
	int64_t zero, end; /* ticks: first and last sample */
};

static inline int64_t render_us(int64_t ticks)
{
	return ticks * 1000 / (TL_TICKS_S / 1000);
}

/* outfile.c */
int outfile_open(struct render *r, struct outfile *o,
		 const struct ogg_head *head);
int outfile_finish(struct outfile *o, int64_t total_48k);
void outfile_fini(struct outfile *o);
/** Read back, remux, store both forms, add them to the result. */
int outfile_store(struct render *r, struct outfile *o);
/** Store bytes as one more file of the result. */
int outfile_store_bytes(struct render *r, const struct render_file *like,
			const char *name, const void *data, size_t len);
/** The packets of a stream as they came. */
int outfile_store_raw(struct render *r, const struct feed_stream *fs,
		      unsigned n, int party);

/* render_report.c */
void render_warn(struct render *r, const char *code, const char *severity,
		 const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void render_report(struct render *r);
/** @return NULL: there are too many */
struct render_event *render_event_new(struct render *r, const char *kind,
				      const struct feed_stream *fs);

/* render_text.c */
/** Extend [*ret_from, *ret_to] (us since OPEN) by what was typed.
 *  @return whether anything was; both are set by the first */
bool render_text_extent(const struct render *r, int64_t *ret_from,
			int64_t *ret_to);
/** One WebVTT file for each stream with text. */
int render_text(struct render *r);

/* render_core.c */
/** @return ord of who alone sends on this m-line, or -1 */
int render_party_of(const struct render *r, uint16_t line);

#endif
