/* media/render.h - a finished spool becomes finished files.
 *
 * The core is render_spool(): spool in, blobs and a result out; no catalog, no
 * clock, no randomness, so the same spool gives the same bytes, however often
 * it was interrupted before. render_role wraps it into jobs of the catalog.
 *
 * Files below key_prefix:
 *   mix.ogg, mix.mp4          everybody; see media/plan.h for the sides
 *   track-N.ogg, track-N.mp4  one stream, N = 1.. in channel order
 *   peaks.json, peaks.dat     waveform of the mix
 *   track-N.vtt               what one party typed, N behind the last audio
 *   track-N.rtpdump           packets that nobody can decode, as they came
 *                             (rtptools' format; also what is left of a
 *                             stream that no decoder survives)
 * Every file is read back before it counts.
 */
#ifndef MEDIA_RENDER_H
#define MEDIA_RENDER_H

#include <stdbool.h>
#include <stdint.h>

#include "media/plan.h"
#include "storage/blob.h"

struct err;
struct role_ops;

extern const struct role_ops render_role;

#define RENDER_FILES_MAX (4 + 3 * CAP_STREAMS_MAX)
#define RENDER_WARNINGS_MAX 64
#define RENDER_EVENTS_MAX 1024

struct render_options {
	const char *spool_path;
	const char *work_dir; /* exists; files in it are the renderer's */
	struct blob_store *store;
	const char *key_prefix; /* "tenant/recording/" */
	unsigned complexity;	/* libopus 0..10 */
	bool use_av;		/* false: only our own decoders and libopus */
	/* From the catalog; 0 parties: as the spool's metadata says, which
	 * also tells the owner. */
	const struct plan_party *parties;
	unsigned n_parties;
	/* For the tags; NULL or "" = none. */
	const char *call_id;
	const char *title;
	/** Asked about once a second of CPU: true ends with -ECANCELED. */
	bool (*cancelled)(void *arg);
	void *cancel_arg;
};

struct render_file {
	unsigned n;	    /* 0 mix and peaks, 1.. tracks */
	const char *kind;   /* "mix", "track", "peaks", "text", "raw" */
	const char *format; /* "ogg", "mp4", "json", "dat", "vtt", "rtpdump" */
	const char *mime;
	int party;  /* ord of the catalog, -1 = all or unknown */
	int stream; /* m-line, -1 = several */
	char key[BLOB_KEY_MAX + 1];
	uint64_t bytes;
	char sha256[BLOB_SHA256_HEX];
	unsigned channels;
	unsigned rate_hz;
	int64_t duration_us;
};

struct render_warning {
	const char *code;
	const char *severity; /* "info", "warning", "error" */
	char detail[160];
};

/* Something on the timeline: "loss", "dtmf" (text is the digit), "text". */
struct render_event {
	int64_t offset_us; /* from the start of the files */
	int64_t duration_us;
	const char *kind;
	int party; /* ord of the catalog, -1 = unknown */
	int stream;
	char text[80];
};

#define RENDER_GAPS_MAX 32
#define RENDER_SKETCH_MAX 32

/* Where nothing is to be heard though something could. */
struct render_gap {
	int64_t from_wall_us, to_wall_us;
};

struct render_stream {
	uint16_t index;
	char codec[24];
	uint64_t packets; /* in the file */
	uint64_t lost;
	uint64_t bytes;			  /* of payload */
	int64_t from_wall_us, to_wall_us; /* 0 = no packet has a place */
	int64_t absent_us;		  /* in between: lost, held, paused */
	struct render_gap gaps[RENDER_GAPS_MAX]; /* these, in order */
	unsigned n_gaps;
	bool gaps_cut; /* there are more, or nobody can say where */
	uint64_t sketch[RENDER_SKETCH_MAX]; /* as in feed.h */
	unsigned n_sketch;
	double loss; /* share, 0..1 */
	double drift_ppm;
	bool copied; /* its track was not decoded */
};

struct render_result {
	int64_t duration_us;
	int64_t started_wall_us; /* of the first sample; 0 without media */
	unsigned n_files;
	struct render_file files[RENDER_FILES_MAX];
	unsigned n_warnings;
	struct render_warning warnings[RENDER_WARNINGS_MAX];
	unsigned n_events;
	struct render_event events[RENDER_EVENTS_MAX];
	unsigned n_streams;
	struct render_stream streams[CAP_STREAMS_MAX];
};

/**
 * A spool without any media gives no file, duration 0 and a warning.
 *
 * @param ret_result big: on the heap
 * @return 0, -ENOENT no spool, -EBADMSG it is none or a file did not pass its
 *         check (e says which), -ECANCELED, -ENOSPC, -EIO, -ENOMEM
 */
int render_spool(const struct render_options *opt,
		 struct render_result *ret_result, struct err *e);

#endif
