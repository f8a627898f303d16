/* storage/unwanted.h - recordings that were dropped on purpose.
 *
 * A spool without a catalog row is taken for a lost call and becomes a
 * recording (srs/recover.c). What somebody dropped must never come back that
 * way: its id stands here, written in the transaction that drops it, until the
 * node that had the spool has seen that it is gone for good (srs/upkeep.h).
 * Ids are never used again, and an id with a row in the catalog is never
 * unwanted, whatever stands here.
 *
 * Errors: those of storage/db.h.
 */
#ifndef STORAGE_UNWANTED_H
#define STORAGE_UNWANTED_H

#include <stdint.h>

struct db;

/** In the caller's transaction. Again: nothing changes. @return 0 */
int unwanted_add(struct db *db, const char *recording_id, const char *node,
		 int64_t now_us);
/** @return 1 unwanted, 0 not: never said, or the catalog has it */
int unwanted_check(struct db *db, const char *recording_id);
/** Forget those of a node that were dropped before. @return how many */
int64_t unwanted_forget(struct db *db, const char *node, int64_t before_us);

#endif
