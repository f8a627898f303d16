/* The SQLite driver: only this and db_sqlite_wal.c know sqlite3.h.
 *
 * Prepared statements are kept in a small hash table by their text, which our
 * callers write as literals (lists build a handful of variants). A statement
 * that is in use (a callback asks the same thing again) is prepared a second
 * time and thrown away. When the table is full it is emptied.
 *
 * Checkpoints: commits of 64 MB of log trigger one; upkeep checkpoints every
 * few seconds before that, so that sip and render rarely pay for it.
 */
#include "storage/db_driver.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "storage/db_sqlite_text.h"
#include "storage/db_sqlite_wal.h"

#define BUCKETS 256u
#define STATEMENTS_MAX 512u

struct stmt {
	struct stmt *next;
	sqlite3_stmt *st;
	uint32_t hash;
	bool busy;
	bool kept; /* in the table */
	char sql[];
};

struct db_sqlite {
	struct db db; /* first */
	sqlite3 *h;
	struct stmt *buckets[BUCKETS];
	struct stmt *last[BUCKETS]; /* by the address of the text */
	unsigned n_kept;
};

struct row_sqlite {
	struct db_row row; /* first */
	sqlite3_stmt *st;
};

static const char setup_sql[] = "PRAGMA journal_mode = WAL;"
				"PRAGMA synchronous = FULL;"
				"PRAGMA foreign_keys = ON;"
				"PRAGMA temp_store = MEMORY;"
				"PRAGMA trusted_schema = OFF;"
				"PRAGMA wal_autocheckpoint = 16000;"
				"PRAGMA journal_size_limit = 67108864;";

/* What a statement needs while it runs, the row of a new call among it (some
 * 3 KB), comes from here instead of the heap. */
#define LOOKASIDE_BYTES 4800
#define LOOKASIDE_PIECES 80

static struct db_sqlite *self(struct db *db)
{
	return (struct db_sqlite *)db;
}

static int constraint_errno(int rc)
{
	switch (rc) {
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID:
		return -EEXIST;
	case SQLITE_CONSTRAINT_FOREIGNKEY:
		return -ENOENT;
	default:
		return -EINVAL;
	}
}

static int to_errno(sqlite3 *h, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_CONSTRAINT:
		return constraint_errno(rc);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return h && sqlite3_system_errno(h) == ENOSPC ? -ENOSPC : -EIO;
	case SQLITE_ERROR:
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
	case SQLITE_TOOBIG:
	case SQLITE_MISMATCH:
		return -EINVAL;
	default: /* CORRUPT, NOTADB, READONLY, PERM, PROTOCOL ... */
		return -EIO;
	}
}

/* Translate; note that the transaction is lost when it is. Our own mistakes
 * are logged here because nobody above can do anything about them. */
static int failed(struct db_sqlite *d, int rc, const char *sql)
{
	int r = to_errno(d->h, rc);

	if (r == -EINVAL || r == -EIO)
		log_error(NULL, "db.statement_failed",
			  LOG_S("reason", sqlite3_errmsg(d->h)),
			  LOG_S("sql", sql), LOG_I("code", rc));
	if (d->db.depth && sqlite3_get_autocommit(d->h))
		d->db.broken = r;
	return r;
}

static uint32_t hash_of(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h;
}

static void stmt_free(struct stmt *s)
{
	sqlite3_finalize(s->st);
	mem_free(s);
}

static void forget_statements(struct db_sqlite *d)
{
	memset(d->last, 0, sizeof(d->last));
	for (unsigned i = 0; i < BUCKETS; i++) {
		struct stmt *s, **at = &d->buckets[i];

		while ((s = *at)) {
			if (s->busy) {
				at = &s->next;
				continue;
			}
			*at = s->next;
			stmt_free(s);
			d->n_kept--;
		}
	}
}

static int stmt_prepare(struct db_sqlite *d, const char *sql, uint32_t hash,
			struct stmt **ret_s)
{
	size_t len = strlen(sql);
	struct stmt *s = mem_zalloc(sizeof(*s) + len + 1);
	int rc;

	if (!s)
		return -ENOMEM;
	memcpy(s->sql, sql, len + 1);
	s->hash = hash;
	rc = sqlite3_prepare_v3(d->h, sql, (int)len + 1,
				SQLITE_PREPARE_PERSISTENT, &s->st, NULL);
	if (rc != SQLITE_OK) {
		mem_free(s);
		return failed(d, rc, sql);
	}
	*ret_s = s;
	return 0;
}

/* A literal has the same address each time: one comparison is quicker than
 * hashing the whole text. */
static struct stmt **last_of(struct db_sqlite *d, const char *sql)
{
	return &d->last[((uintptr_t)sql >> 3) % BUCKETS];
}

static int stmt_get(struct db_sqlite *d, const char *sql, struct stmt **ret_s)
{
	struct stmt **last = last_of(d, sql), **bucket;
	struct stmt *s = *last;
	uint32_t hash;
	int r;

	if (s && !s->busy && !strcmp(s->sql, sql)) {
		s->busy = true;
		*ret_s = s;
		return 0;
	}
	hash = hash_of(sql);
	bucket = &d->buckets[hash % BUCKETS];
	for (s = *bucket; s; s = s->next)
		if (s->hash == hash && !strcmp(s->sql, sql))
			break;
	if (s && !s->busy) {
		s->busy = true;
		*last = s;
		*ret_s = s;
		return 0;
	}
	bool keep = !s;
	r = stmt_prepare(d, sql, hash, &s);
	if (r < 0)
		return r;
	if (keep) {
		if (d->n_kept >= STATEMENTS_MAX)
			forget_statements(d);
		s->next = *bucket;
		*bucket = s;
		s->kept = true;
		d->n_kept++;
	}
	s->busy = true;
	*ret_s = s;
	return 0;
}

static void stmt_put(struct stmt *s)
{
	s->busy = false;
	if (!s->kept) {
		stmt_free(s);
		return;
	}
	(void)sqlite3_reset(s->st); /* repeats the error we already have */
	(void)sqlite3_clear_bindings(s->st);
}

static int bind_all(sqlite3_stmt *st, const struct db_val *args, unsigned n)
{
	int rc = SQLITE_OK;

	for (unsigned i = 0; i < n && rc == SQLITE_OK; i++) {
		const struct db_val *v = &args[i];
		int at = (int)i + 1;

		switch (v->type) {
		case DB_T_NULL:
			rc = sqlite3_bind_null(st, at);
			break;
		case DB_T_INT:
			rc = sqlite3_bind_int64(st, at, v->i);
			break;
		case DB_T_REAL:
			rc = sqlite3_bind_double(st, at, v->f);
			break;
		case DB_T_TEXT:
			rc = sqlite3_bind_text64(st, at, v->p, v->len,
						 SQLITE_STATIC, SQLITE_UTF8);
			break;
		case DB_T_BLOB: /* a NULL pointer would bind SQL NULL */
			rc = sqlite3_bind_blob64(st, at, v->len ? v->p : "",
						 v->len, SQLITE_STATIC);
			break;
		}
	}
	return rc;
}

static int64_t step_all(struct db_sqlite *d, struct stmt *s, db_row_fn *fn,
			void *arg)
{
	struct row_sqlite row = { { &db_sqlite_ops }, s->st };
	int64_t seen = 0;
	int rc, r;

	while ((rc = sqlite3_step(s->st)) == SQLITE_ROW) {
		seen++;
		r = fn ? fn(arg, &row.row) : 0;
		if (r)
			return r < 0 ? r : seen;
	}
	if (rc != SQLITE_DONE)
		return failed(d, rc, s->sql);
	if (fn)
		return seen;
	return sqlite3_stmt_readonly(s->st) ? 0 : sqlite3_changes64(d->h);
}

static int64_t sqlite_run(struct db *db, const char *sql,
			  const struct db_val *args, unsigned n_args,
			  db_row_fn *fn, void *arg)
{
	struct db_sqlite *d = self(db);
	struct stmt *s = NULL;
	int64_t r;
	int rc;

	r = stmt_get(d, sql, &s);
	if (r < 0)
		return r;
	rc = (unsigned)sqlite3_bind_parameter_count(s->st) == n_args
		     ? bind_all(s->st, args, n_args)
		     : SQLITE_RANGE;
	r = rc == SQLITE_OK ? step_all(d, s, fn, arg) : failed(d, rc, sql);
	stmt_put(s);
	return r;
}

static int sqlite_script(struct db *db, const char *sql, struct err *e)
{
	struct db_sqlite *d = self(db);
	int rc = sqlite3_exec(d->h, sql, NULL, NULL, NULL);
	int r;

	if (rc == SQLITE_OK)
		return 0;
	r = to_errno(d->h, rc);
	if (d->db.depth && sqlite3_get_autocommit(d->h))
		d->db.broken = r;
	return err_set(e, r, "%s", sqlite3_errmsg(d->h));
}

static int run_word(struct db *db, const char *sql)
{
	int64_t r = sqlite_run(db, sql, DB_NONE, NULL, NULL);

	return r < 0 ? (int)r : 0;
}

/* Savepoints of the same name nest: the newest is meant. */
static int sqlite_begin(struct db *db, unsigned depth)
{
	return run_word(db, depth == 1 ? "BEGIN IMMEDIATE" : "SAVEPOINT level");
}

static void sqlite_rollback(struct db *db, unsigned depth)
{
	if (depth > 1) {
		(void)run_word(db, "ROLLBACK TO level"); /* logged there */
		(void)run_word(db, "RELEASE level");
	} else if (!sqlite3_get_autocommit(self(db)->h)) {
		/* our cache of statements may have no memory: the end of a
		 * transaction must not depend on it */
		if (run_word(db, "ROLLBACK") < 0)
			(void)sqlite3_exec(self(db)->h, "ROLLBACK", NULL, NULL,
					   NULL);
	}
}

static int sqlite_commit(struct db *db, unsigned depth)
{
	int r = run_word(db, depth == 1 ? "COMMIT" : "RELEASE level");

	if (r < 0 && !db->broken)
		sqlite_rollback(db, depth);
	return r;
}

static struct db_val sqlite_column(struct db_row *row, int col)
{
	sqlite3_stmt *st = ((struct row_sqlite *)row)->st;
	struct db_val v = { .type = DB_T_NULL };

	switch (sqlite3_column_type(st, col)) {
	case SQLITE_INTEGER:
		return db_int(sqlite3_column_int64(st, col));
	case SQLITE_FLOAT:
		return db_real(sqlite3_column_double(st, col));
	case SQLITE_TEXT:
		v.type = DB_T_TEXT;
		v.p = sqlite3_column_text(st, col);
		v.len = (size_t)sqlite3_column_bytes(st, col);
		break;
	case SQLITE_BLOB:
		v.type = DB_T_BLOB;
		v.p = sqlite3_column_blob(st, col);
		v.len = (size_t)sqlite3_column_bytes(st, col);
		break;
	default:
		break;
	}
	return v;
}

static int64_t sqlite_change_counter(struct db *db)
{
	int64_t v = -1;

	(void)db_query_int(db, "PRAGMA data_version", DB_NONE, &v);
	return v;
}

static void sqlite_close(struct db *db)
{
	struct db_sqlite *d = self(db);

	forget_statements(d);
	(void)sqlite3_close_v2(d->h); /* reads nothing that could fail late */
	mem_free(d);
}

/* Recordings are private: the file is made with mode 0600 by us (SQLite gives
 * its -wal and -shm the same mode). */
static int make_file(const char *path, struct err *e)
{
	int fd;

	if (!strcmp(path, ":memory:"))
		return 0;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, -errno, "%s: %s", path, err_words(errno));
	(void)close(fd); /* nothing was written */
	return 0;
}

static int sqlite_open(const char *path, struct db **ret_db, struct err *e)
{
	struct db_sqlite *d;
	int rc, r;

	r = make_file(path, e);
	if (r < 0)
		return r;
	d = mem_zalloc(sizeof(*d));
	if (!d)
		return err_set(e, -ENOMEM, "out of memory");
	d->db.ops = &db_sqlite_ops;
	/* counts nobody reads, under a lock; too late after the first open */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	rc = sqlite3_open_v2(path, &d->h,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
				     SQLITE_OPEN_NOMUTEX |
				     SQLITE_OPEN_EXRESCODE,
			     db_sqlite_wal_vfs());
	if (rc == SQLITE_OK) /* without it everything works, too */
		(void)sqlite3_db_config(d->h, SQLITE_DBCONFIG_LOOKASIDE, NULL,
					LOOKASIDE_BYTES, LOOKASIDE_PIECES);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(d->h, 5000);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(d->h, setup_sql, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = db_sqlite_text_add(d->h);
	if (rc != SQLITE_OK) {
		r = err_set(e, to_errno(d->h, rc), "%s: %s", path,
			    sqlite3_errmsg(d->h));
		sqlite_close(&d->db);
		return r;
	}
	*ret_db = &d->db;
	return 0;
}

const struct db_ops db_sqlite_ops = {
	.scheme = "sqlite",
	.open = sqlite_open,
	.close = sqlite_close,
	.run = sqlite_run,
	.script = sqlite_script,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.column = sqlite_column,
	.change_counter = sqlite_change_counter,
};
