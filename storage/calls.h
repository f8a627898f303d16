/* storage/calls.h - which recordings are one call, and RFC 7865's model of it.
 *
 * A recording is one recording session. When another one of the same grant
 * carries the same identifier (the group id of NetSapiens, the refci of CUCM's
 * two dialogs, the session id of duplicate legs ...) while the call is live or
 * shortly after, both are legs of one call, whose id is that of its first
 * recording. Which identifiers count is the caller's (settings [stitch]).
 *
 * The model of a recording is JSON:
 *	{ "groups": [{id, start, stop}],
 *	  "sessions": [{id, group, sip_session_id, start, stop, reason,
 *	                from, to}],
 *	  "associations": [{kind, participant, stream, session, start, stop,
 *	                    from, to}] }
 * kind is "send", "recv" or "takes_part"; participant is an ord, stream an
 * m-line or null; start and stop are the client's words, from and to our clock
 * (RFC 3339; to null: until the end).
 *
 * Errors: those of storage/db.h.
 */
#ifndef STORAGE_CALLS_H
#define STORAGE_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"
#include "base/str.h"

struct db;

/* How the ids of those begin who are at CUCM's two ends: each of its dialogs
 * has the voice of one. */
#define CALL_NEAR_END "near-end"
#define CALL_FAR_END "far-end"

#define CALL_KEYS_MAX 16
#define CALL_KEY_VALUE_MAX 256 /* longer ones are cut */

struct call_key {
	const char *rule; /* "group_id", static */
	char value[CALL_KEY_VALUE_MAX];
	/* a client may write the same into all its calls: it counts only when
	 * somebody of leg->signs takes part in the other one, too */
	bool needs_sign;
};

/* Somebody who takes part, beside the owner. */
struct call_sign {
	const char *aor, *ext_id; /* "" = not known */
};

#define CALL_SIGNS_MAX 32

struct call_leg_new {
	const char *recording_id; /* in the catalog already */
	const char *grant_id;
	int64_t started_us;
	int64_t window_us; /* how long after its end a call may go on */
	const struct call_sign *signs; /* at most CALL_SIGNS_MAX */
	unsigned n_signs;
};

/**
 * Find the call of a new recording by its keys (first match wins) and join
 * it; remember the keys for those to come.
 *
 * @param ret_call id of the call: the recording's own when it is the first
 *
 * @return 1 joined another's call, 0 none found
 */
int call_join(struct db *db, const struct call_leg_new *leg,
	      const struct call_key *keys, unsigned n, struct id *ret_call);

/* The rule of a session that was handed over: its value is the Call-ID of the
 * dialog that was replaced. */
#define CALL_RULE_REPLACES "replaces"

/** Make the recording of that dialog findable by that rule, if this catalog has
 *  it (live, or ended not before leg->window_us). @return 1 found, 0 not */
int call_note_dialog(struct db *db, const struct call_leg_new *leg,
		     struct span call_id);

/** Its recordings are to be compared again (storage/catalog_duplicates.h). 0
 * also when the call is this recording alone */
int call_check_again(struct db *db, const char *recording_id);

/** Forget keys that were last used before. @return how many */
int64_t call_keys_sweep(struct db *db, int64_t before_us);

/** Insert or replace. @return 0, -ENOENT no such recording */
int model_set(struct db *db, const char *recording_id, const char *json);
/** @param ret_json caller frees. @return 0, -ENODATA none */
int model_get(struct db *db, const char *recording_id, char **ret_json);

#endif
