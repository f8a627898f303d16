/* storage/catalog.h - tenants, who may see what, usage for quotas.
 *
 * The catalog is one database (DATA/catalog.db). Every function works in the
 * caller's transaction when there is one, and is atomic by itself when there
 * is none. Nothing may be acknowledged to anybody (a 200, a page, a deleted
 * spool) before db_commit() of the outermost transaction has returned 0.
 *
 * Errors of all functions: those of storage/db.h besides those named; -ENOENT
 * also when it exists but is not visible or deleted.
 */
#ifndef STORAGE_CATALOG_H
#define STORAGE_CATALOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"

struct db;
struct err;
struct number_plan;
struct settings;

/** Open DATA/catalog.db. @return 0 or -errno with e set */
int catalog_open(const struct settings *s, struct db **ret_db, struct err *e);

/* What the asking party may see. NULL field = not restricted by it; all NULL
 * is the operator. */
struct catalog_scope {
	const char *tenant_id;
	const char *owner_id;  /* recordings of this owner only */
	const char *client_id; /* made by this client only */
	const char *grant_id;  /* made under this grant only */
	/* made under a grant that is alive at living_us (neither it nor its
	 * client nor its owner ended) and has this word in its scope */
	const char *living_scope;
	int64_t living_us;
	/* of this listener and of the owners who were assigned to it */
	const char *listener_id;
};

/** Does it leave anything of the tenant out? */
bool catalog_scope_limited(const struct catalog_scope *s);

/** @return 0, -EEXIST name taken, -EINVAL nothing of it can be seen */
int tenant_create(struct db *db, const char *name, int64_t now_us,
		  struct id *ret_id);
/** By name or id. @return 0, -ENOENT */
int tenant_find(struct db *db, const char *name_or_id, struct id *ret_id);
/** How long recordings of the tenant are kept, 0 = for ever; of recordings
 *  made from now on. @return 0, -ENOENT */
int tenant_set_retention(struct db *db, const char *id, int64_t retain_us);

/* How telephone numbers without a plus are meant: words for number_plan_set()
 * (base/number.h); "" = as the settings say. */
struct tenant_numbers {
	char country[8], national[8], international[8];
};

/** @return 0, -ENOENT */
int tenant_get_numbers(struct db *db, const char *id,
		       struct tenant_numbers *ret_numbers);
/** @return 0, -ENOENT, -EINVAL (e says what) */
int tenant_set_numbers(struct db *db, const char *id,
		       const struct tenant_numbers *numbers, struct err *e);
/** What holds for the tenant (NULL or unknown: the settings alone). A country
 *  of its own comes without the prefixes of the settings. @return 0, -errno */
int tenant_plan(struct db *db, const char *id, const struct settings *s,
		struct number_plan *ret_plan);

typedef int tenant_fn(void *arg, const char *id, const char *name,
		      int64_t created_us, int64_t retain_us);
int64_t tenant_each(struct db *db, tenant_fn *fn, void *arg);

/* For quotas. */
struct catalog_usage {
	int64_t live_calls; /* state recording */
	int64_t sessions;   /* started since since_us, deleted ones too */
	int64_t recordings; /* not deleted */
	int64_t bytes;	    /* of files, not deleted */
};

/** @param since_us begin of the owner's day */
int usage_of_grant(struct db *db, const char *grant_id, int64_t since_us,
		   struct catalog_usage *ret_usage);
int usage_of_tenant(struct db *db, const char *tenant_id, int64_t since_us,
		    struct catalog_usage *ret_usage);

/* ---- upkeep of the database itself ---- */

/** Move the log into the database as far as no reader is in the way, so that
 *  the writers rarely have to. */
int catalog_checkpoint(struct db *db);
/** Make new recordings known to searches by words, the oldest first; searches
 *  also do it by themselves. @return how many, 0 nothing is new, -errno */
int catalog_index_new(struct db *db, unsigned limit);
/** Refresh the planner's and the full-text index's shape; cheap when nothing
 *  changed. */
int catalog_optimize(struct db *db);
/** Write a complete copy to path (must not exist), durable when it is there.
 *  Readers and writers go on. @return 0, -EEXIST or -errno */
int catalog_backup(struct db *db, const char *path);

#endif
