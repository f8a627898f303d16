/* storage/catalog_priv.h - shared by storage/catalog*.c only. */
#ifndef STORAGE_CATALOG_PRIV_H
#define STORAGE_CATALOG_PRIV_H

#include "storage/catalog.h"
#include "storage/db.h"

/* "EXISTS ..." for a row of recordings whose grant is alive: the word of its
 * scope, and now. */
#define SCOPE_LIVING(word, now)                                                \
	"EXISTS (SELECT 1 FROM grants g JOIN clients c ON c.id = "             \
	"g.client_id JOIN users u ON u.id = g.owner_id WHERE g.id = "          \
	"recordings.grant_id AND g.client_id = recordings.client_id AND "      \
	"g.owner_id = recordings.owner_id AND g.tenant_id = "                  \
	"recordings.tenant_id AND g.state = 'active' AND c.disabled = 0 AND "  \
	"u.disabled = 0 AND instr(' ' || g.scope || ' ', ' ' || " word         \
	" || ' ') > 0 AND (g.expires_us = 0 OR g.expires_us > " now "))"

/* The owners whom a listener hears, itself included. */
#define SCOPE_LISTENER(id)                                                     \
	"IN (SELECT " id " UNION ALL SELECT l.owner_id FROM user_listens l "   \
	"WHERE l.listener_id = " id ")"

/* "AND ..." for a scope; its placeholders in order, and their values. */
#define SCOPE_SQL(tenant, owner, client, grant, word, now, listener)           \
	" AND (" tenant " IS NULL OR tenant_id = " tenant ")"                  \
	" AND (" owner " IS NULL OR owner_id = " owner ")"                     \
	" AND (" client " IS NULL OR client_id = " client ")"                  \
	" AND (" grant " IS NULL OR grant_id = " grant ")"                     \
	" AND (" word " IS NULL OR " SCOPE_LIVING(                             \
		word,                                                          \
		now) ")"                                                       \
		     " AND (" listener                                         \
		     " IS NULL OR owner_id " SCOPE_LISTENER(listener) ")"
#define SCOPE_ARGS(s)                                                          \
	db_text((s)->tenant_id), db_text((s)->owner_id),                       \
		db_text((s)->client_id), db_text((s)->grant_id),               \
		db_text((s)->living_scope), db_int((s)->living_us),            \
		db_text((s)->listener_id)

/* A text that reads as "" when it is NULL. */
static inline struct db_val text_or_empty(const char *s)
{
	return db_text(s ? s : "");
}

/* Exec where one row must have been changed. @return 0, -ENOENT, -errno */
int catalog_exec_one(struct db *db, const char *sql, const struct db_val *args,
		     unsigned n_args);

/* End a transaction begun with db_begin(): commit when r >= 0, else roll back.
 * @return r, or the error of the commit */
int catalog_end(struct db *db, int r);

/* Search keys of an AoR: lower-case without scheme and parameters, and its
 * user part (numbers without visual separators). @return 0 or -ENOMEM; both
 * are the caller's */
int catalog_aor_keys(const char *aor, char **ret_aor, char **ret_user);

/* Make the full-text row of a recording anew, if it has one. */
int catalog_index(struct db *db, const char *id);

/* Strings copied into one owner, freed at once. */
struct recording_arena;
const char *arena_dup(struct recording_arena **a, const char *s);
void arena_free(struct recording_arena **a);

#endif
