#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/db.h"
#include "storage/db_sqlite_wal.h"

static char dir[64], path[96];

static int setup(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/srs-test-wal-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/t.db", dir);
	return 0;
}

static int teardown(void **state)
{
	static const char *const tails[] = { "", "-wal", "-shm" };
	char name[128];

	(void)state;
	for (int i = 0; i < 3; i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, tails[i]);
		(void)unlink(name);
	}
	return rmdir(dir);
}

static struct db *open_it(void)
{
	struct db *db = NULL;

	assert_int_equal(db_open(path, &db, NULL), 0);
	/* pages go to the log before the commit, too, and are read again */
	assert_int_equal(db_script(db,
				   "PRAGMA cache_size = 10;"
				   "CREATE TABLE IF NOT EXISTS t (id INTEGER "
				   "PRIMARY KEY, b BLOB)",
				   NULL),
			 0);
	return db;
}

static int64_t number(struct db *db, const char *sql)
{
	int64_t n = -1;

	assert_int_equal(db_query_int(db, sql, DB_NONE, &n), 0);
	return n;
}

#define ROW_BYTES 5000

static int64_t add(struct db *db, int from, int n)
{
	static char big[ROW_BYTES];
	int64_t r = 1;

	memset(big, 'x', sizeof(big));
	for (int i = from; i < from + n && r > 0; i++)
		r = db_exec(db, "INSERT INTO t (id, b) VALUES ($1, $2)",
			    DB_ARGS(db_int(i), db_blob(big, sizeof(big))));
	return r;
}

#define COUNT "SELECT count(*) FROM t"
#define BYTES "SELECT sum(length(b)) FROM t"

static void is_sound(struct db *db, int64_t rows)
{
	assert_int_equal(number(db, COUNT), rows);
	assert_int_equal(rows ? number(db, BYTES) : 0, rows * ROW_BYTES);
	assert_int_equal(number(db,
				"SELECT count(*) FROM pragma_integrity_check "
				"WHERE integrity_check = 'ok'"),
			 1);
}

/* Larger than a piece, read while it is open, found by others at once. */
static void a_large_commit_is_whole(void **state)
{
	struct db *a, *b;

	(void)state;
	assert_string_equal(db_sqlite_wal_vfs(), "srs-wal");
	a = open_it();
	b = open_it();
	assert_int_equal(db_begin(a), 0);
	assert_int_equal(add(a, 1, 400), 1);
	assert_int_equal(number(a, BYTES), 400 * ROW_BYTES);
	assert_int_equal(number(b, COUNT), 0);
	assert_int_equal(db_commit(a), 0);
	is_sound(b, 400);
	assert_int_equal(db_begin(a), 0);
	assert_int_equal(add(a, 401, 400), 1);
	db_rollback(a);
	is_sound(b, 400);
	is_sound(a, 400);
	for (int i = 0; i < 50; i++) /* small ones, the log begins anew */
		assert_int_equal(add(i % 2 ? a : b, 1000 + i, 1), 1);
	assert_int_equal(db_script(b, "PRAGMA wal_checkpoint(TRUNCATE)", NULL),
			 0);
	assert_int_equal(add(a, 2000, 1), 1);
	is_sound(b, 451);
	db_close(&a);
	is_sound(b, 451);
	db_close(&b);
}

/* What was committed stays, what was not is gone. */
static void a_killed_writer_tears_nothing(void **state)
{
	struct db *db;
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		db = open_it();
		for (int i = 0; i < 20; i++)
			(void)add(db, i, 1);
		if (db_begin(db) == 0)
			(void)add(db, 100, 300);
		(void)raise(SIGKILL);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	db = open_it();
	is_sound(db, 20);
	db_close(&db);
}

/* The kernel refuses the last part of a commit: all of it is undone. */
static void a_log_that_cannot_grow_undoes_the_commit(void **state)
{
	struct rlimit old, small;
	char log[128];
	struct db *db;
	struct stat st;
	int64_t r;

	(void)state;
	db = open_it();
	assert_int_equal(db_script(db, "PRAGMA cache_size = 2000", NULL), 0);
	assert_int_equal(add(db, 1, 1), 1);
	(void)snprintf(log, sizeof(log), "%s-wal", path);
	assert_int_equal(stat(log, &st), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = (rlim_t)st.st_size + 20000;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(db_begin(db), 0);
	r = add(db, 2, 10);
	if (r > 0)
		r = db_commit(db);
	else
		db_rollback(db);
	assert_true(r < 0);
	db_rollback(db); /* one too many does nothing */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	(void)signal(SIGXFSZ, SIG_DFL);
	is_sound(db, 1);
	assert_int_equal(add(db, 2, 10), 1);
	db_close(&db);
	db = open_it();
	is_sound(db, 11);
	db_close(&db);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_large_commit_is_whole),
		TEST(a_killed_writer_tears_nothing),
		TEST(a_log_that_cannot_grow_undoes_the_commit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
