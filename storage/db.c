/* Picks the driver, counts transactions.
 *
 * A database may give up a whole transaction by itself (disk full, I/O error).
 * Statements that follow would then be committed one by one, which would tear
 * what the caller believes to be one piece; so after such an error every call
 * fails with it until the outermost level has been ended.
 */
#include "storage/db.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "storage/db_driver.h"

static const struct db_ops *const drivers[] = { &db_sqlite_ops };

struct db_val db_text(const char *s)
{
	struct db_val v = { .type = DB_T_TEXT, .p = s };

	if (!s)
		return db_null();
	v.len = strlen(s);
	return v;
}

struct db_val db_int(int64_t i)
{
	return (struct db_val){ .type = DB_T_INT, .i = i };
}

struct db_val db_real(double f)
{
	return (struct db_val){ .type = DB_T_REAL, .f = f };
}

struct db_val db_blob(const void *p, size_t len)
{
	return (struct db_val){ .type = DB_T_BLOB, .p = p, .len = len };
}

struct db_val db_null(void)
{
	return (struct db_val){ .type = DB_T_NULL };
}

int db_open(const char *url, struct db **ret_db, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
		size_t n = strlen(drivers[i]->scheme);

		if (!strncmp(url, drivers[i]->scheme, n) && url[n] == ':')
			return drivers[i]->open(url + n + 1, ret_db, e);
	}
	return db_sqlite_ops.open(url, ret_db, e);
}

void db_close(struct db **dbp)
{
	struct db *db = *dbp;

	if (!db)
		return;
	*dbp = NULL;
	while (db->depth)
		db_rollback(db);
	db->ops->close(db);
}

int64_t db_exec(struct db *db, const char *sql, const struct db_val *args,
		unsigned n_args)
{
	if (db->broken)
		return db->broken;
	return db->ops->run(db, sql, args, n_args, NULL, NULL);
}

int64_t db_query(struct db *db, const char *sql, const struct db_val *args,
		 unsigned n_args, db_row_fn *fn, void *arg)
{
	if (db->broken)
		return db->broken;
	return db->ops->run(db, sql, args, n_args, fn, arg);
}

static int first_int(void *arg, struct db_row *row)
{
	*(int64_t *)arg = db_col_int(row, 0);
	return 1;
}

int db_query_int(struct db *db, const char *sql, const struct db_val *args,
		 unsigned n_args, int64_t *ret_value)
{
	int64_t v = 0;
	int64_t r = db_query(db, sql, args, n_args, first_int, &v);

	if (r < 0)
		return (int)r;
	if (r == 0)
		return -ENODATA;
	*ret_value = v;
	return 0;
}

int db_script(struct db *db, const char *sql, struct err *e)
{
	if (db->broken)
		return err_set(e, db->broken, "transaction was given up");
	return db->ops->script(db, sql, e);
}

int db_begin(struct db *db)
{
	int r;

	if (db->broken)
		return db->broken;
	r = db->ops->begin(db, db->depth + 1);
	if (r < 0)
		return r;
	db->depth++;
	return 0;
}

/* One level is over, however it ended. */
static void level_ended(struct db *db)
{
	ASSERT(db->depth > 0);
	if (--db->depth == 0)
		db->broken = 0;
}

int db_commit(struct db *db)
{
	int r = db->broken;

	if (!r)
		r = db->ops->commit(db, db->depth);
	level_ended(db);
	return r;
}

void db_rollback(struct db *db)
{
	if (db->depth == 0)
		return;
	if (!db->broken)
		db->ops->rollback(db, db->depth);
	level_ended(db);
}

int64_t db_col_int(struct db_row *row, int col)
{
	struct db_val v = row->ops->column(row, col);

	return v.type == DB_T_REAL ? (int64_t)v.f : v.i;
}

double db_col_real(struct db_row *row, int col)
{
	struct db_val v = row->ops->column(row, col);

	return v.type == DB_T_REAL ? v.f : (double)v.i;
}

const char *db_col_text(struct db_row *row, int col)
{
	struct db_val v = row->ops->column(row, col);

	return v.type == DB_T_TEXT ? v.p : NULL;
}

const void *db_col_blob(struct db_row *row, int col, size_t *ret_len)
{
	struct db_val v = row->ops->column(row, col);

	*ret_len = v.len;
	return v.p;
}

bool db_col_null(struct db_row *row, int col)
{
	return row->ops->column(row, col).type == DB_T_NULL;
}

int64_t db_change_counter(struct db *db)
{
	return db->ops->change_counter(db);
}
