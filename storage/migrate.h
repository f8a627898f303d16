/* storage/migrate.h - brings a database to the schema of this binary.
 *
 * The files of migrations/sqlite/ are embedded. Each is applied once, in the
 * order of its name, in one transaction with the row that remembers it (name,
 * SHA-256, time). A file that was changed after it was applied, or a database
 * made by a newer binary, stops the start: -EBADMSG with both named. Landed
 * files are therefore never edited; a change is a new file.
 *
 * Role: the supervisor before it forks, command line, tests.
 */
#ifndef STORAGE_MIGRATE_H
#define STORAGE_MIGRATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct err;

struct migration {
	const char *name; /* "0001_catalog.sql" */
	const char *sql;  /* NUL-terminated */
	size_t len;
};

/** @return the embedded migrations in order; static */
const struct migration *migrate_list(size_t *ret_n);

/** Called for each migration in order, applied or not. */
typedef void migrate_seen_fn(void *arg, const struct migration *m,
			     bool applied_before);

/**
 * Apply what is missing.
 *
 * @param dry_run only look and call seen
 * @param seen    may be NULL
 * @return number applied (dry_run: to be applied), -EBADMSG as above, or
 *         db's error with e set; after an error the database is as it was
 *         before the migration that failed
 */
int migrate_run(struct db *db, bool dry_run, int64_t now_wall_us,
		migrate_seen_fn *seen, void *arg, struct err *e);

/** The same with another list (tests). */
int migrate_run_list(struct db *db, const struct migration *list, size_t n,
		     bool dry_run, int64_t now_wall_us, migrate_seen_fn *seen,
		     void *arg, struct err *e);

#endif
