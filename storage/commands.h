/* storage/commands.h - what others ask of the sip role about calls.
 *
 * web and the command line write a row and wait for its end; the sip role of
 * the node finds new rows by the database's change counter (within 20 ms),
 * acts, and writes how it went in the same transaction as what it changed. A
 * row whose sip role is down stays new until the next one is up.
 *
 *	new --> going --> done | refused | failed
 *
 * Who may ask is the asker's business, except what the grant says: that is
 * judged by sip (refused). Rows are forgotten ten minutes after their end.
 */
#ifndef STORAGE_COMMANDS_H
#define STORAGE_COMMANDS_H

#include <stdint.h>

#include "base/id.h"

struct clock;
struct db;

#define COMMAND_DETAIL_MAX 200

enum command_state {
	COMMAND_NEW,
	COMMAND_GOING, /* being worked on: an INVITE is under way */
	COMMAND_DONE,
	COMMAND_REFUSED, /* the grant does not allow it */
	COMMAND_FAILED,
};

/** @return "new", "going", "done", "refused", "failed" */
const char *command_state_word(enum command_state s);

/* Strings are borrowed, NULL reads as "". */
struct command_new {
	const char *node;
	const char *tenant_id;
	const char *kind; /* "pause", "resume", "record", "hand-over",
			   * "withdraw" (of a "record") */
	const char *recording_id;
	const char *args; /* JSON, NULL = {} */
	const char *actor;
	int64_t asked_us;
};

/** "pause" and "resume" are for its duplicates (storage/catalog_duplicates.h),
 *  too. @return 0 or db's error */
int command_add(struct db *db, const struct command_new *n, int64_t *ret_id);

/* As found by sip; strings valid in the callback, never NULL. */
struct command {
	int64_t id;
	const char *tenant_id, *kind, *recording_id, *args, *actor;
	int64_t asked_us;
};

typedef int command_fn(void *arg, const struct command *c);
/** New ones of this node, oldest first, at most 64; fn may write. An error of
 * fn ends the walk. @return how many or -errno */
int64_t command_each_new(struct db *db, const char *node, command_fn *fn,
			 void *arg);

/** Write how it goes. recording_id NULL leaves it as it is.
 *  @return 0, -ENOENT */
int command_set(struct db *db, int64_t id, enum command_state state,
		const char *recording_id, const char *detail, int64_t now_us);

/** Those that another process of this node was working on: failed.
 *  @return how many or -errno */
int64_t command_fail_going(struct db *db, const char *node, int64_t now_us);

struct command_result {
	enum command_state state;
	char recording_id[ID_LEN + 1];
	char kind[16];
	char actor[64]; /* who asked */
	char detail[COMMAND_DETAIL_MAX];
	int64_t asked_us, done_us; /* done_us 0 = not over */
};

/** @param tenant_id NULL: of any. @return 0, -ENOENT */
int command_get(struct db *db, const char *tenant_id, int64_t id,
		struct command_result *ret_result);

/** Look again and again until it is over or the time is; blocks the thread.
 *  @return 0 (look at the state), -ENOENT, -errno */
int command_wait(struct db *db, struct clock *clock, int64_t id,
		 int64_t timeout_us, struct command_result *ret_result);

/** Remove what ended before. @return how many or -errno */
int64_t command_forget(struct db *db, int64_t before_us);

#endif
