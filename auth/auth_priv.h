/* auth/auth_priv.h - small things shared by the files of auth/ only. */
#ifndef AUTH_AUTH_PRIV_H
#define AUTH_AUTH_PRIV_H

#include <stdbool.h>

#include "auth/auth.h"

struct db_row;

/** End what db_begin() began: commit when keep, else roll back.
 *  @return r, or the commit's error */
int auth_end(struct auth *a, int r, bool keep);

/** One audit entry now. object "grant", id "..." gives "grant:..."; detail:
 *  JSON or NULL. @return 0 or db's error */
int auth_audit(struct auth *a, const char *tenant_id, const char *actor,
	       const char *action, const char *object, const char *id,
	       const char *result, const char *detail);

/** Copy a text column into a fixed field ("" for NULL). */
void auth_col(struct db_row *row, int col, char *dst, size_t dst_len);

typedef int auth_text_fn(void *arg, const char *text);
/** fn with the first column of every row of a query with one argument.
 *  @return as db_query() */
int64_t auth_text_each(struct auth *a, const char *sql, const char *key,
		       auth_text_fn *fn, void *arg);

/** auth_audit() of something that was revoked: result "ok", the detail says
 *  why. */
int auth_audit_why(struct auth *a, const char *tenant_id, const char *actor,
		   const char *action, const char *object, const char *id,
		   const char *why);

/** auth_audit() with result "ok" and the detail {"NAME": "VALUE"}. */
int auth_audit_what(struct auth *a, const char *tenant_id, const char *actor,
		    const char *action, const char *object, const char *id,
		    const char *name, const char *value);

/** db_exec() that must have changed exactly one row. @return 0, -ENOENT none,
 *  or db's error */
int auth_exec_one(int64_t r);

#endif
