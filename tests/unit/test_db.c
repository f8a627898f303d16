#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "storage/db.h"

static int open_db(void **state)
{
	struct db *db = NULL;

	if (db_open(":memory:", &db, NULL) < 0)
		return -1;
	if (db_script(db,
		      "CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT "
		      "UNIQUE, b BLOB, f REAL) STRICT;"
		      "CREATE TABLE c (p INTEGER REFERENCES p(id), "
		      "x INTEGER CHECK (x < 10)) STRICT;",
		      NULL) < 0)
		return -1;
	*state = db;
	return 0;
}

static int close_db(void **state)
{
	struct db *db = *state;

	db_close(&db);
	return db != NULL;
}

static int64_t count(struct db *db, const char *sql)
{
	int64_t n = -1;

	assert_int_equal(db_query_int(db, sql, DB_NONE, &n), 0);
	return n;
}

static int64_t add(struct db *db, int64_t id, const char *name)
{
	return db_exec(db, "INSERT INTO p (id, name) VALUES ($1, $2)",
		       DB_ARGS(db_int(id), db_text(name)));
}

static void errors_are_told_apart(void **state)
{
	struct db *db = *state;

	assert_int_equal(add(db, 1, "a"), 1);
	assert_int_equal(add(db, 1, "b"), -EEXIST);
	assert_int_equal(add(db, 2, "a"), -EEXIST);
	assert_int_equal(db_exec(db, "INSERT INTO c (p, x) VALUES (7, 1)",
				 DB_NONE),
			 -ENOENT);
	assert_int_equal(db_exec(db, "INSERT INTO c (p, x) VALUES (1, 11)",
				 DB_NONE),
			 -EINVAL);
	assert_int_equal(db_exec(db, "SELEKT 1", DB_NONE), -EINVAL);
	/* too few values */
	assert_int_equal(db_exec(db, "UPDATE p SET name = $1 WHERE id = $2",
				 DB_ARGS(db_int(1))),
			 -EINVAL);
	assert_int_equal(count(db, "SELECT count(*) FROM p"), 1);
}

struct row {
	int64_t i;
	double f;
	char text[16];
	char blob[16];
	size_t blob_len;
	bool null, null_text;
};

static int read_row(void *arg, struct db_row *row)
{
	struct row *r = arg;
	const void *p;

	r->i = db_col_int(row, 0);
	snprintf(r->text, sizeof(r->text), "%s", db_col_text(row, 1));
	p = db_col_blob(row, 2, &r->blob_len);
	if (r->blob_len)
		memcpy(r->blob, p, r->blob_len);
	r->f = db_col_real(row, 3);
	r->null = db_col_null(row, 4);
	r->null_text = db_col_text(row, 4) == NULL;
	return 0;
}

static void values_come_back_as_they_went_in(void **state)
{
	struct db *db = *state;
	struct row r = { 0 };

	assert_int_equal(db_exec(db,
				 "INSERT INTO p (id, name, b, f) "
				 "VALUES ($1, $2, $3, $4)",
				 DB_ARGS(db_int(INT64_MAX), db_text("it's"),
					 db_blob("a\0b", 3), db_real(1.5))),
			 1);
	assert_int_equal(db_query(db, "SELECT id, name, b, f, NULL FROM p",
				  DB_NONE, read_row, &r),
			 1);
	assert_true(r.i == INT64_MAX);
	assert_string_equal(r.text, "it's");
	assert_int_equal(r.blob_len, 3);
	assert_memory_equal(r.blob, "a\0b", 3);
	assert_true(r.f > 1.4 && r.f < 1.6);
	assert_true(r.null && r.null_text);
}

static void an_empty_blob_is_not_null(void **state)
{
	struct db *db = *state;

	assert_int_equal(db_exec(db, "INSERT INTO p (id, b) VALUES (1, $1)",
				 DB_ARGS(db_blob(NULL, 0))),
			 1);
	assert_int_equal(count(db, "SELECT b IS NULL FROM p"), 0);
}

static void query_int_says_when_there_is_no_row(void **state)
{
	int64_t n = 5;

	assert_int_equal(db_query_int(*state, "SELECT id FROM p", DB_NONE, &n),
			 -ENODATA);
	assert_int_equal(n, 5);
}

static int stop_at(void *arg, struct db_row *row)
{
	(void)row;
	return *(int *)arg;
}

static void a_row_function_stops_the_query(void **state)
{
	struct db *db = *state;
	const char *sql = "SELECT id FROM p";
	int stop = 1;

	add(db, 1, "a");
	add(db, 2, "b");
	assert_int_equal(db_query(db, sql, DB_NONE, stop_at, &stop), 1);
	stop = -ENOMEM;
	assert_int_equal(db_query(db, sql, DB_NONE, stop_at, &stop), -ENOMEM);
	stop = 0;
	assert_int_equal(db_query(db, sql, DB_NONE, stop_at, &stop), 2);
}

struct nest {
	struct db *db;
	int depth, rows;
};

static int ask_again(void *arg, struct db_row *row)
{
	struct nest *n = arg;

	(void)row;
	n->rows++;
	if (n->depth == 2)
		return 0;
	n->depth++;
	assert_int_equal(
		db_query(n->db, "SELECT id FROM p", DB_NONE, ask_again, n), 2);
	n->depth--;
	return 0;
}

static void the_same_query_nests_in_itself(void **state)
{
	struct nest n = { *state, 0, 0 };

	add(n.db, 1, "a");
	add(n.db, 2, "b");
	assert_int_equal(
		db_query(n.db, "SELECT id FROM p", DB_NONE, ask_again, &n), 2);
	assert_int_equal(n.rows, 2 + 4 + 8);
}

static void inner_rollback_keeps_the_outer_work(void **state)
{
	struct db *db = *state;

	assert_int_equal(db_begin(db), 0);
	add(db, 1, "outer");
	assert_int_equal(db_begin(db), 0);
	add(db, 2, "inner");
	assert_int_equal(db_begin(db), 0);
	add(db, 3, "innermost");
	assert_int_equal(db_commit(db), 0);
	db_rollback(db);
	assert_int_equal(db_begin(db), 0);
	add(db, 4, "second inner");
	assert_int_equal(db_commit(db), 0);
	assert_int_equal(db_commit(db), 0);
	assert_int_equal(count(db, "SELECT sum(id) FROM p"), 5);
}

static void outer_rollback_takes_everything(void **state)
{
	struct db *db = *state;

	assert_int_equal(db_begin(db), 0);
	assert_int_equal(db_begin(db), 0);
	add(db, 1, "a");
	assert_int_equal(db_commit(db), 0);
	db_rollback(db);
	assert_int_equal(count(db, "SELECT count(*) FROM p"), 0);
}

static void a_constraint_does_not_end_the_transaction(void **state)
{
	struct db *db = *state;

	assert_int_equal(db_begin(db), 0);
	add(db, 1, "a");
	assert_int_equal(add(db, 1, "b"), -EEXIST);
	assert_int_equal(add(db, 2, "b"), 1);
	assert_int_equal(db_commit(db), 0);
	assert_int_equal(count(db, "SELECT count(*) FROM p"), 2);
}

/* max_page_count makes SQLite report a full disk, and that error gives the
 * whole transaction up. */
static void a_full_disk_loses_the_transaction_whole(void **state)
{
	struct db *db = *state;
	char big[4096];
	int64_t r = 0;

	memset(big, 'x', sizeof(big));
	assert_int_equal(db_script(db, "PRAGMA max_page_count = 40", NULL), 0);
	assert_int_equal(db_begin(db), 0);
	assert_int_equal(db_begin(db), 0);
	for (int i = 1; i < 1000 && r >= 0; i++)
		r = db_exec(db, "INSERT INTO p (id, b) VALUES ($1, $2)",
			    DB_ARGS(db_int(i), db_blob(big, sizeof(big))));
	assert_int_equal(r, -ENOSPC);
	if (db_commit(db) == 0) { /* statement alone was undone */
		db_rollback(db);
	} else {
		assert_int_equal(add(db, 5000, "stray"), -ENOSPC);
		assert_int_equal(db_commit(db), -ENOSPC);
	}
	assert_int_equal(count(db, "SELECT count(*) FROM p"), 0);
	assert_int_equal(add(db, 1, "again"), 1);
}

/* A deferred foreign key makes the commit itself fail. */
static void a_failed_commit_has_rolled_back(void **state)
{
	struct db *db = *state;

	assert_int_equal(db_script(db,
				   "CREATE TABLE d (p INTEGER REFERENCES p(id) "
				   "DEFERRABLE INITIALLY DEFERRED) STRICT",
				   NULL),
			 0);
	assert_int_equal(db_begin(db), 0);
	add(db, 1, "a");
	assert_int_equal(db_exec(db, "INSERT INTO d VALUES (9)", DB_NONE), 1);
	assert_int_equal(db_commit(db), -ENOENT);
	db_rollback(db); /* one too many does nothing */
	assert_int_equal(count(db, "SELECT count(*) FROM p"), 0);
	assert_int_equal(db_begin(db), 0);
	add(db, 1, "a");
	assert_int_equal(db_commit(db), 0);
	assert_int_equal(count(db, "SELECT count(*) FROM p"), 1);
}

static void many_different_statements_fit(void **state)
{
	char sql[64];

	for (int i = 0; i < 1500; i++) {
		snprintf(sql, sizeof(sql), "SELECT %d", i);
		assert_int_equal(count(*state, sql), i);
	}
}

struct file_db {
	char dir[64];
	char path[96];
};

static void make_file(struct file_db *f)
{
	snprintf(f->dir, sizeof(f->dir), "/tmp/srs-test-db-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/t.db", f->dir);
}

static void remove_file(const struct file_db *f)
{
	static const char *const tails[] = { "", "-wal", "-shm" };
	char path[128];

	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s", f->path, tails[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(f->dir), 0);
}

static void commits_of_others_are_noticed(void **state)
{
	struct file_db f;
	struct db *a = NULL, *b = NULL;
	char url[128];
	int64_t before;

	(void)state;
	make_file(&f);
	snprintf(url, sizeof(url), "sqlite:%s", f.path);
	assert_int_equal(db_open(f.path, &a, NULL), 0);
	assert_int_equal(db_open(url, &b, NULL), 0);
	assert_int_equal(db_script(a, "CREATE TABLE t (x INTEGER)", NULL), 0);
	before = db_change_counter(b);
	assert_true(db_change_counter(b) == before);
	assert_int_equal(db_exec(a, "INSERT INTO t VALUES (1)", DB_NONE), 1);
	assert_true(db_change_counter(b) != before);
	assert_int_equal(count(b, "SELECT x FROM t"), 1);
	assert_int_equal(count(a, "PRAGMA synchronous"), 2);
	assert_int_equal(count(a, "PRAGMA foreign_keys"), 1);
	db_close(&a);
	db_close(&b);
	remove_file(&f);
}

static void opening_nonsense_says_what_and_where(void **state)
{
	struct db *db = NULL;
	struct err e = { 0 };
	struct file_db f;
	FILE *out;

	(void)state;
	assert_int_equal(db_open("/nonexistent/x.db", &db, &e), -ENOENT);
	assert_non_null(strstr(e.text, "/nonexistent/x.db"));
	make_file(&f);
	out = fopen(f.path, "w");
	assert_non_null(out);
	for (int i = 0; i < 500; i++)
		fputs("this is not a database ", out);
	fclose(out);
	memset(&e, 0, sizeof(e));
	assert_int_equal(db_open(f.path, &db, &e), -EIO);
	assert_null(db);
	remove_file(&f);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_db, close_db)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(errors_are_told_apart),
		TEST(values_come_back_as_they_went_in),
		TEST(an_empty_blob_is_not_null),
		TEST(query_int_says_when_there_is_no_row),
		TEST(a_row_function_stops_the_query),
		TEST(the_same_query_nests_in_itself),
		TEST(inner_rollback_keeps_the_outer_work),
		TEST(outer_rollback_takes_everything),
		TEST(a_constraint_does_not_end_the_transaction),
		TEST(a_full_disk_loses_the_transaction_whole),
		TEST(a_failed_commit_has_rolled_back),
		TEST(many_different_statements_fit),
		cmocka_unit_test(commits_of_others_are_noticed),
		cmocka_unit_test(opening_nonsense_says_what_and_where),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
