/* storage/catalog_search.h - recordings, as they are read.
 *
 * Every reader passes a scope; what lies outside it does not exist (-ENOENT).
 * Lists are pages by key, newest first: (started_us, id) of the last item is
 * the cursor of the next page, so a page is the same work at any depth and
 * nothing is shown twice when new recordings arrive.
 */
#ifndef STORAGE_CATALOG_SEARCH_H
#define STORAGE_CATALOG_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/catalog_recording.h"

/* Which parts of a recording to load. */
#define RECORDING_PARTICIPANTS 1u
#define RECORDING_STREAMS 2u
#define RECORDING_TRACKS 4u
#define RECORDING_EVENTS 8u
#define RECORDING_WARNINGS 16u
#define RECORDING_CALL                                                         \
	32u		    /* model and the other legs of its call; halves    \
			     * in recording_get() only, with the same parts */
#define RECORDING_MEDIA 64u /* what came on its streams */
#define RECORDING_ALL 127u

#define RECORDING_HALVES_MAX 15u /* as many as a call has others */

struct number_plan;

struct recording_leg {
	const char *recording_id;
	const char *rule;	  /* what joined it; "" for the first */
	const char *call_id;	  /* the same in all of them */
	const char *duplicate_of; /* as in struct recording */
	bool half;		  /* as in struct recording */
};

/* Owner of everything inside: the struct; parts not asked for are empty. */
struct recording {
	const char *id;
	const char *tenant_id;
	const char *owner_id;
	const char *client_id;
	const char *grant_id;
	const char *call_id;
	enum recording_state state;
	bool paused; /* live, and nothing is kept now */
	int64_t started_us;
	int64_t ended_us; /* 0 = live */
	int64_t duration_us;
	const char *node;
	const char *spool_file; /* "" once ready */
	const char *end_reason;
	const char *title;
	const char *notes;
	const char *meta; /* JSON or NULL */
	int64_t bytes;
	int64_t retain_until_us; /* 0 = for ever */
	int64_t deleted_us;
	/* set by who shows it: its messages without what names their dialog
	 * (storage/signalling_hide.h) */
	bool hide_dialog;
	const char *duplicate_of; /* "": none; else what stands for it in lists
				   * (storage/catalog_duplicates.h) */
	int64_t media_dropped_us; /* that one has all of it; 0 = not */
	bool half; /* no duplicate of that one, but the call's other half */

	struct recording_participant *participants; /* by ord */
	unsigned n_participants;
	struct recording_stream *streams; /* by idx */
	unsigned n_streams;
	struct recording_track *tracks; /* by kind, n, format */
	unsigned n_tracks;
	struct recording_event *events; /* by time */
	unsigned n_events;
	struct recording_warning *warnings; /* by code */
	unsigned n_warnings;

	struct recording_media *media; /* by stream */
	unsigned n_media;

	const char *model;	    /* JSON (storage/calls.h) or NULL */
	struct recording_leg *legs; /* of its call, this one too, by time */
	unsigned n_legs;	    /* 0: the call is this recording alone */
	/* whole ones, that stand behind this */
	struct recording *halves[RECORDING_HALVES_MAX];
	unsigned n_halves;

	struct recording_arena *arena; /* private */
};

/** Who an event, stream or track belongs to: the participant with this ord,
 *  NULL for -1 or nobody. Needs RECORDING_PARTICIPANTS. */
const struct recording_participant *recording_party(const struct recording *r,
						    int ord);

/** @param parts RECORDING_... or-ed
 *  @return 0, -ENOENT (also deleted or outside the scope) */
int recording_get(struct db *db, const struct catalog_scope *scope,
		  const char *id, unsigned parts, struct recording **ret_rec);
void recording_destroy(struct recording **rp);

/** Does a recording that is not deleted (still) have this file?
 *  @return 1, 0, -errno */
int recording_has_file(struct db *db, const char *id, const char *blob_key);

/** @return the track or NULL; format NULL takes the first */
const struct recording_track *recording_track(const struct recording *r,
					      const char *kind, unsigned n,
					      const char *format);

struct recording_filter {
	const char *q;	 /* words; all must be found (each as a prefix, or
			  * anywhere where words are not told apart by blanks)
			  * in names, AoRs, title or notes; what can be a
			  * number (020 7946 0123) also as a party's; NULL or
			  * "" = none; any text is allowed */
	int64_t from_us; /* started at or after, 0 = none */
	int64_t to_us;	 /* started before, 0 = none */
	const char *participant; /* AoR with or without scheme, or its user
				  * part; a number in any form, or its last
				  * four digits or more; NULL = none */
	const struct number_plan *numbers; /* of who asks, NULL = none */
	unsigned states;    /* bits 1u << enum recording_state; 0 = all */
	const char *cursor; /* of the page before, NULL = first page */
	unsigned limit;	    /* 1..RECORDING_PAGE_MAX */
	unsigned parts;	    /* to load of each item */
	bool duplicates;    /* those that stand behind others, too */
};

#define RECORDING_PAGE_MAX 200
#define RECORDING_CURSOR_MAX 96

/** Return non-zero to stop (negative is handed through). The item is the
 *  list's and valid in the call only. */
typedef int recording_fn(void *arg, const struct recording *rec);

/**
 * One page.
 *
 * @param ret_cursor RECORDING_CURSOR_MAX bytes; "" = this was the last page
 * @return number of items, -EINVAL cursor not ours or limit out of range
 */
int64_t recording_list(struct db *db, const struct catalog_scope *scope,
		       const struct recording_filter *f, recording_fn *fn,
		       void *arg, char *ret_cursor);

/** Raw signalling in order. @return how many or -errno (no scope: ask
 *  recording_get() first) */
typedef int recording_message_fn(void *arg, const struct recording_message *m);
int64_t recording_each_message(struct db *db, const char *id,
			       recording_message_fn *fn, void *arg);

#endif
