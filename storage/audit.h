/* storage/audit.h - the log of who did what, append-only.
 *
 * Written in the caller's transaction: an action and its entry are there both
 * or neither. Refusals are entries too. Never a token or secret in here.
 */
#ifndef STORAGE_AUDIT_H
#define STORAGE_AUDIT_H

#include <stdint.h>

struct db;

/* Strings are borrowed; NULL reads as "". */
struct audit_entry {
	int64_t id; /* read only */
	int64_t at_us;
	const char *tenant_id;
	const char *actor;  /* "user:ID", "client:ID", "operator", "system" */
	const char *action; /* "call.accept", "grant.revoke", ... */
	const char *object; /* "recording:ID", "grant:ID", ... */
	const char *result; /* "ok", "refused", "failed" */
	const char *detail; /* JSON or NULL */
};

/** @return 0 or db's error */
int audit_add(struct db *db, const struct audit_entry *a);

/** Return non-zero to stop; negative is handed through. */
typedef int audit_fn(void *arg, const struct audit_entry *a);

/**
 * Newest first.
 *
 * @param tenant_id NULL: of all tenants (operator only)
 * @param object    NULL: about anything
 * @param before_id 0: from the newest; else entries older than that one
 * @return number of entries seen or -errno
 */
int64_t audit_each(struct db *db, const char *tenant_id, const char *object,
		   int64_t before_id, unsigned limit, audit_fn *fn, void *arg);

#endif
