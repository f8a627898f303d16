/* storage/db.h - one SQL database behind a small table of functions.
 *
 * One SQL text serves every driver: placeholders $1, $2 ... whose first uses
 * ascend; `ON CONFLICT ... RETURNING` allowed; times are integers (wall
 * microseconds); booleans are 0/1; JSON is text. Statements are prepared once
 * per connection and kept. A connection belongs to one thread. SQLite: WAL,
 * synchronous=FULL, foreign keys on, busy timeout 5 s.
 *
 * Errors of every function: -EEXIST unique violated, -ENOENT foreign key
 * violated, -EBUSY locked too long, -ENOSPC disk or database full, -EIO,
 * -EINVAL our SQL is wrong (logged), -ENOMEM.
 */
#ifndef STORAGE_DB_H
#define STORAGE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct db_row;
struct err;

enum db_type { DB_T_NULL, DB_T_INT, DB_T_REAL, DB_T_TEXT, DB_T_BLOB };

/* A bound value; text and blob are borrowed for the call. */
struct db_val {
	enum db_type type;
	int64_t i;
	double f;
	const void *p;
	size_t len;
};

struct db_val db_text(const char *s); /* NULL gives SQL NULL */
struct db_val db_int(int64_t i);
struct db_val db_real(double f);
struct db_val db_blob(const void *p, size_t len);
struct db_val db_null(void);

/* db_exec(db, sql, DB_ARGS(db_text(id), db_int(3))); DB_NONE for no values. */
#define DB_ARGS(...)                                                           \
	(const struct db_val[]){ __VA_ARGS__ },                                \
		(unsigned)(sizeof((const struct db_val[]){ __VA_ARGS__ }) /    \
			   sizeof(struct db_val))
#define DB_NONE NULL, 0u

/** One result row; stop by returning non-zero (handed through if negative). */
typedef int db_row_fn(void *arg, struct db_row *row);

/** @param url path of the SQLite file ("sqlite:" prefix optional, ":memory:")
 *  @return 0 or -errno with e set */
int db_open(const char *url, struct db **ret_db, struct err *e);
void db_close(struct db **dbp);

/** @return rows changed, or -errno */
int64_t db_exec(struct db *db, const char *sql, const struct db_val *args,
		unsigned n_args);
/** @return rows seen, or -errno (also what fn returned when negative) */
int64_t db_query(struct db *db, const char *sql, const struct db_val *args,
		 unsigned n_args, db_row_fn *fn, void *arg);
/** First column of the first row as integer. 0, -ENODATA no row, -errno */
int db_query_int(struct db *db, const char *sql, const struct db_val *args,
		 unsigned n_args, int64_t *ret_value);
/** Several statements without values (migrations, pragmas). */
int db_script(struct db *db, const char *sql, struct err *e);

/* Transactions nest (inner ones are savepoints). begin is IMMEDIATE. A commit
 * that fails has rolled its level back: it is over, nothing more to call
 * (db_rollback() without a transaction does nothing). When the database gave
 * up the whole transaction (disk full), every call fails with that error until
 * the outermost level has ended. */
int db_begin(struct db *db);
int db_commit(struct db *db);
void db_rollback(struct db *db);

/* Columns from 0; text and blob valid until fn returns; NULL reads as 0/NULL.
 */
int64_t db_col_int(struct db_row *row, int col);
double db_col_real(struct db_row *row, int col);
const char *db_col_text(struct db_row *row, int col);
const void *db_col_blob(struct db_row *row, int col, size_t *ret_len);
bool db_col_null(struct db_row *row, int col);

/** A number that differs whenever another connection has committed since. */
int64_t db_change_counter(struct db *db);

#endif
