/* storage/db_driver.h - what a database driver gives to storage/db.c.
 *
 * Private to storage/db*.c. A driver embeds struct db and struct db_row first.
 * Nesting of transactions is counted in db.c; a driver gets the depth and
 * makes level 1 a transaction, deeper ones savepoints.
 */
#ifndef STORAGE_DB_DRIVER_H
#define STORAGE_DB_DRIVER_H

#include "storage/db.h"

struct db_ops {
	const char *scheme; /* "sqlite": the word before ":" in the URL */
	int (*open)(const char *path, struct db **ret_db, struct err *e);
	void (*close)(struct db *db);
	/** fn NULL: @return rows changed; else rows seen; or -errno */
	int64_t (*run)(struct db *db, const char *sql,
		       const struct db_val *args, unsigned n_args,
		       db_row_fn *fn, void *arg);
	int (*script)(struct db *db, const char *sql, struct err *e);
	int (*begin)(struct db *db, unsigned depth);
	/** On an error the level has been rolled back. */
	int (*commit)(struct db *db, unsigned depth);
	void (*rollback)(struct db *db, unsigned depth);
	struct db_val (*column)(struct db_row *row, int col);
	int64_t (*change_counter)(struct db *db);
};

struct db {
	const struct db_ops *ops;
	unsigned depth; /* of open transactions; 0 = each statement alone */
	int broken;	/* the database gave up the whole transaction: the
			 * error that every call says until depth is 0 */
};

struct db_row {
	const struct db_ops *ops;
};

extern const struct db_ops db_sqlite_ops;

#endif
