/* storage/catalog_recording.h - the life of a recording, as it is written.
 *
 *	recording --finish--> rendering --ready--> ready
 *	                         |  ^
 *	                    fail |  | retry
 *	                         v  |
 *	                        failed (spool kept)
 *
 * sip writes while the call lasts, render at its end, web edits and deletes,
 * upkeep purges. See catalog.h for transactions and errors: sip opens one
 * transaction per turn of its loop (db_begin ... db_commit) and answers after
 * the commit; every function here nests in it.
 *
 * Text from outside is stored as it is given (clean it with str_clean()).
 */
#ifndef STORAGE_CATALOG_RECORDING_H
#define STORAGE_CATALOG_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"

struct db;
struct job;
struct catalog_scope;

#define RECORDING_TITLE_MAX 200	  /* bytes */
#define RECORDING_NOTES_MAX 10000 /* bytes */

enum recording_state {
	RECORDING_LIVE,	     /* "recording" */
	RECORDING_RENDERING, /* "rendering" */
	RECORDING_READY,     /* "ready" */
	RECORDING_FAILED,    /* "failed" */
};

/** @return the word of the API and the database */
const char *recording_state_word(enum recording_state s);
/** @return 0 or -EINVAL */
int recording_state_parse(const char *word, enum recording_state *ret_s);

/* Strings of all structs: given to a function they are borrowed and NULL
 * reads as ""; got from one they belong to the struct recording and are never
 * NULL unless said so. */
struct recording_participant {
	unsigned ord;	    /* channel order, from 0, stable */
	const char *ext_id; /* participant_id of the metadata */
	const char *aor;    /* "sip:alice@example.com", "tel:+44..." */
	const char *name;
	int64_t joined_us; /* 0 = unknown */
	int64_t left_us;   /* 0 = still there, or stayed to the end */
};

/* A stream that only repeats what others send on streams of their own: it gets
 * a track, but is not mixed once more. */
#define RECORDING_STREAM_MIX (-2)

struct recording_stream {
	unsigned idx;	   /* m-line */
	const char *label; /* SDP label */
	const char *media; /* "audio", "video", "text" */
	const char *codec; /* "PCMU", "opus" ... "" = none */
	unsigned rate_hz;
	int participant; /* ord of who sends it, -1 = unknown or several,
			  * RECORDING_STREAM_MIX */
};

struct recording_track {
	unsigned n;	      /* 0 mix and its peaks; 1.. tracks in channel
			       * order */
	const char *kind;     /* "mix", "track", "peaks" */
	const char *format;   /* "ogg", "mp4", "json", "dat" */
	int participant;      /* ord, -1 = all or unknown */
	int stream;	      /* idx, -1 = several */
	const char *blob_key; /* begins with "TENANT_ID/ID/": goes with it */
	const char *mime;
	uint64_t bytes;
	const char *sha256; /* lower-case hex */
	unsigned channels;
	unsigned rate_hz;
	int64_t duration_us;
};

struct recording_event {
	int64_t at_us;
	int64_t offset_us;   /* from the start; read only */
	int64_t duration_us; /* 0 = a moment, or not known */
	const char *kind;    /* "hold", "resume", "pause", "unpause", "join",
			      * "leave", "metadata", "loss", "note", "dtmf"
			      * (text is the digit) ... */
	int participant;     /* ord or -1 */
	int stream;	     /* idx or -1 */
	const char *text;
	const char *actor_name; /* of "pause" and "unpause", whose text is the
				 * actor; else ""; read only */
};

struct recording_warning {
	const char *code;     /* "metadata.missing" */
	const char *severity; /* "info", "warning", "error" */
	const char *detail;
	int64_t at_us;
	int64_t count; /* read only */
};

struct recording_message {
	int64_t at_us;
	const char *dir;       /* "in", "out" */
	const char *transport; /* "udp", "tcp", "tls" */
	const char *peer;      /* "192.0.2.1:5060" */
	const void *body;      /* as on the wire, tokens removed by the caller
				*/
	size_t len;
};

/* A call that was accepted. id, tenant_id, node and started_us are required. */
struct recording_new {
	const char *id; /* made by sip: it is the capture session too */
	const char *tenant_id;
	const char *owner_id;
	const char *client_id;
	const char *grant_id;
	const char *call_id; /* Call-ID of the recording session */
	const char *node;
	const char *spool_file;
	int64_t started_us;
	int64_t retain_us;  /* 0 = the tenant's; from ended_us on */
	const char *dialog; /* JSON to restore the dialog, NULL = none */
	const char *meta;   /* JSON, NULL = none */
	const struct recording_participant *participants;
	unsigned n_participants;
	const struct recording_stream *streams;
	unsigned n_streams;
};

/* ---- sip ---- */

/** @return 0, -EEXIST this id is there already, -ENOENT no such tenant */
int recording_create(struct db *db, const struct recording_new *rn);

/** Only of live ones; -ENOENT otherwise. dialog NULL forgets it. */
int recording_set_dialog(struct db *db, const char *id, const char *dialog);
int recording_set_meta(struct db *db, const char *id, const char *meta);

/** Insert or replace by ord / idx. */
int recording_put_participant(struct db *db, const char *id,
			      const struct recording_participant *p);
int recording_put_stream(struct db *db, const char *id,
			 const struct recording_stream *s);
/** @return 0, -ENOENT */
int recording_leave(struct db *db, const char *id, unsigned ord,
		    int64_t left_us);

int recording_add_event(struct db *db, const char *id,
			const struct recording_event *ev);
/** The same code and detail again only counts. */
int recording_add_warning(struct db *db, const char *id,
			  const struct recording_warning *w);
int recording_add_message(struct db *db, const char *id,
			  const struct recording_message *m);

/* As spool_file: there is nothing to render (no file can have this name). */
#define RECORDING_NO_SPOOL "/"

/**
 * The call is over: state rendering, dialog forgotten, render job queued.
 * Repeating it (after a crash) changes nothing and gives 0.
 *
 * @param spool_file NULL or "": as set before; when there is none at all, or
 *                   with RECORDING_NO_SPOOL, the recording becomes failed at
 *                   once, without a job; a warning "media.none" says so, which
 *                   the caller writes who gives RECORDING_NO_SPOOL
 * @param reason     "bye", "timeout", "revoked", "max_duration", "lost" ...
 * @return 0, -ENOENT
 */
int recording_finish(struct db *db, const char *id, int64_t ended_us,
		     const char *reason, const char *spool_file,
		     int64_t now_us);

/** Of one that has ended: another word. @return 0, -ENOENT */
int recording_set_end_reason(struct db *db, const char *id, const char *reason);

/**
 * A call that turned out not to be wanted (CANCEL, condition not met): nothing
 * of it stays but its id among the unwanted (storage/unwanted.h), also when
 * there is no row.
 *
 * @param node where its spool is, or may be
 * @return 0, -EALREADY not live any more: nothing is changed
 */
int recording_discard(struct db *db, const char *id, const char *node,
		      int64_t now_us);

/* A live recording, as found after a restart; strings valid in the call. */
struct recording_live {
	const char *id;
	const char *tenant_id;
	const char *grant_id;
	const char *client_id;
	const char *owner_id;
	const char *call_id;
	const char *spool_file;
	const char *dialog; /* NULL = none */
	const char *meta;   /* NULL = none */
	int64_t started_us;
};

typedef int recording_live_fn(void *arg, const struct recording_live *l);
/** Oldest first; the callback may write. @return how many or -errno */
int64_t recording_each_live(struct db *db, const char *node,
			    recording_live_fn *fn, void *arg);

/* ---- render ---- */

/* What came on a stream, by our clock. */
struct recording_media {
	unsigned stream; /* idx */
	int64_t from_us, to_us;
	int64_t absent_us; /* lost, on hold or paused in between */
	int64_t packets, lost;
	int64_t bytes;	    /* of payload */
	const char *gaps;   /* where: "FROM-TO FROM-TO", wall microseconds; "*":
			     * more than are told */
	const char *sketch; /* "HASH HASH": the smallest of its payloads */
};

struct recording_result {
	int64_t duration_us;
	int64_t started_us; /* of the first packet; 0 = leave */
	const struct recording_track *tracks;
	unsigned n_tracks;
	const struct recording_media *media;
	unsigned n_media;
};

/**
 * The files are committed: tracks recorded, bytes summed, state ready, job
 * deleted, in one transaction. Add warnings and events around it inside one
 * db_begin(). The spool may be deleted after the commit.
 *
 * @return 0, -ESTALE lease lost or recording deleted: remove the files
 */
int recording_ready(struct db *db, const char *id, const struct job *job,
		    const struct recording_result *res);

/**
 * An attempt went wrong; tried again later, or (attempts used up, or final)
 * state failed with a warning "render.failed". The spool stays.
 *
 * @return 0 tried again later, 1 given up, -ESTALE
 */
int recording_fail(struct db *db, const char *id, const struct job *job,
		   const char *error, bool final, int64_t now_us);

/** Queue a failed one again. @return 0, -ENOENT not failed */
int recording_retry(struct db *db, const char *id, int64_t now_us);

/* ---- web ---- */

/** NULL leaves a text as it is. @return 0, -ENOENT, -E2BIG too long */
int recording_edit(struct db *db, const struct catalog_scope *scope,
		   const char *id, const char *title, const char *notes);

/** Gone from every list at once, with its duplicates
 * (storage/catalog_duplicates.h) or what it is a duplicate of; upkeep removes
 * the files.
 *  @return 0, -ENOENT, -EBUSY still recording (or one of these) */
int recording_delete(struct db *db, const struct catalog_scope *scope,
		     const char *id, int64_t now_us);

/** Of its duplicates as well. @param until_us 0 = for ever. @return 0, -ENOENT
 */
int recording_set_retention(struct db *db, const struct catalog_scope *scope,
			    const char *id, int64_t until_us);

/* ---- upkeep ---- */

/** Mark up to limit recordings deleted whose time is over, with their
 *  duplicates.
 *  @return how many or -errno */
int recording_expire(struct db *db, int64_t now_us, unsigned limit);

/** Called with what must be removed from disk. */
typedef int recording_gone_fn(void *arg, const char *id, const char *tenant_id,
			      const char *spool_file);
/** Deleted ones whose files may go now (no worker holds them), at most limit;
 *  the callback may write.
 *  @param node whose spools, NULL = any
 *  @return how many or -errno */
int64_t recording_each_deleted(struct db *db, const char *node, int64_t now_us,
			       unsigned limit, recording_gone_fn *fn,
			       void *arg);
/** Files are gone, so is the row; its id is unwanted from now on (the spool may
 *  be on another node). @return 0, -ENOENT not marked deleted */
int recording_purge(struct db *db, const char *id, int64_t now_us);

#endif
