/* media/feed.h - a spool file as the renderer wants it: streams, not blocks.
 *
 * Two passes, so that memory does not grow with the audio. feed_load() reads
 * headers and times of all packets; payloads are left. feed_payload() then
 * goes through the file once more and hands payloads out about in the order in
 * which they were stored; it keeps only what was asked for too early and what
 * feed_want() announced.
 *
 * Role: render.
 */
#ifndef MEDIA_FEED_H
#define MEDIA_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/codec.h"
#include "media/dtmf.h"
#include "media/spool.h"
#include "media/t140.h"
#include "media/timeline.h"

#define FEED_SPECS_MAX 64
#define FEED_SKETCH_MAX 32

struct feed;

/* A codec as some payload type of some stream named it. */
struct feed_spec {
	char name[24];
	char fmtp[128];
	uint32_t clock_hz;
	unsigned channels;
	bool known; /* somebody can decode it */
};

/* Beside each tl_packet of a stream. */
struct feed_ref {
	uint32_t number; /* of the packet in the file */
	uint8_t spec;	 /* index into specs */
	uint8_t pt;
};

struct feed_stream {
	uint16_t index; /* m-line */
	uint8_t media;	/* enum cap_media */
	char label[CAP_LABEL_MAX];
	struct tl_packet *packets;
	struct feed_ref *refs;
	size_t n, cap;
	struct tl_report *reports;
	size_t n_reports, cap_reports;
	struct tl_hold *holds;
	size_t n_holds, cap_holds;
	struct dtmf dtmf;  /* keys pressed */
	struct t140 *text; /* CAP_TEXT, finished; NULL = no packet */
	uint64_t bytes;	   /* of audio payload */
	/* the smallest hashes of different payloads, in order: two recordings
	 * of the same packets have most of them in common */
	uint64_t sketch[FEED_SKETCH_MAX];
	unsigned n_sketch;
	uint64_t undecodable; /* packets of a codec that nobody knows */
	uint64_t broken;      /* not RTP */
	uint8_t main_spec;    /* of most audio packets */
	uint64_t low_first;   /* bit per spec: L16 with its bytes exchanged */
	unsigned rate_hz;     /* highest that an Opus packet carried; 0 */
	bool stereo;	      /* some Opus packet is stereo */
	bool all_opus;	      /* every audio packet is Opus */
	bool used;	      /* was enabled at some time */
	bool awaited;	      /* ... and not on hold from start to end */
};

struct feed_event {
	int64_t t_us;
	uint16_t kind; /* enum cap_event_kind */
	int16_t index;
	char *text;
};

/* What a spool says; owned by the feed. */
struct feed_info {
	struct id session;
	int64_t start_wall_us; /* at OPEN */
	int64_t end_us;	       /* t of the last item */
	char *meta;	       /* newest JSON, never NULL */
	struct feed_spec specs[FEED_SPECS_MAX];
	unsigned n_specs;
	struct feed_stream *streams; /* by m-line */
	unsigned n_streams;
	struct feed_event *events;
	size_t n_events, cap_events;
	bool ends_on_hold;
	uint64_t lost_packets; /* told by LOST blocks */
	uint64_t dropped[SPOOL_DROP_MAX];
	struct spool_stats spool;
};

/** @param use_av as codec_known()
 *  @return 0, or spool_reader_open()'s, -ENOMEM */
int feed_load(const char *path, bool use_av, struct feed **ret_feed);
void feed_destroy(struct feed **fp);
const struct feed_info *feed_info(const struct feed *f);

struct codec_spec feed_codec_spec(const struct feed_spec *s);

/* ---- payloads ---- */

/** This packet will be asked for, once. */
void feed_want(struct feed *f, const struct feed_ref *ref);
/** Begin the second pass, after all feed_want(). 0 or -errno */
int feed_rewind(struct feed *f);
/**
 * @return 0; payload borrowed until feed_drop() or the feed's end; -ENODATA
 *         not announced, dropped already, or gone from the file; -errno
 */
int feed_payload(struct feed *f, const struct feed_ref *ref,
		 const uint8_t **ret_data, size_t *ret_len);
void feed_drop(struct feed *f, const struct feed_ref *ref);

/** Every stored packet of one stream as it came, for keeping it raw.
 *  fn: non-zero stops, negative is handed through. 0 or -errno */
typedef int feed_raw_fn(void *arg, int64_t t_us, const uint8_t *data,
			size_t len);
int feed_each_raw(struct feed *f, uint16_t index, feed_raw_fn *fn, void *arg);

#endif
