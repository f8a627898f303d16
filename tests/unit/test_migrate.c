#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "storage/db.h"
#include "storage/migrate.h"

#define M(name, sql)                                                           \
	{                                                                      \
		name, sql, sizeof(sql) - 1                                     \
	}

static const struct migration one[] = {
	M("0001_a.sql", "CREATE TABLE a (x INTEGER);"),
};
static const struct migration two[] = {
	M("0001_a.sql", "CREATE TABLE a (x INTEGER);"),
	M("0002_b.sql", "CREATE TABLE b (x INTEGER); INSERT INTO a VALUES (1)"),
};
static const struct migration changed[] = {
	M("0001_a.sql", "CREATE TABLE a (y INTEGER);"),
};
static const struct migration broken[] = {
	M("0001_a.sql", "CREATE TABLE a (x INTEGER);"),
	M("0002_b.sql", "CREATE TABLE b (x INTEGER); CREATE NONSENSE;"),
};

static int open_db(void **state)
{
	return db_open(":memory:", (struct db **)state, NULL);
}

static int close_db(void **state)
{
	db_close((struct db **)state);
	return 0;
}

static int run(struct db *db, const struct migration *list, size_t n,
	       struct err *e)
{
	return migrate_run_list(db, list, n, false, 1, NULL, NULL, e);
}

static int64_t tables(struct db *db, const char *like)
{
	int64_t n = -1;

	assert_int_equal(db_query_int(db,
				      "SELECT count(*) FROM sqlite_master "
				      "WHERE type = 'table' AND name LIKE $1",
				      DB_ARGS(db_text(like)), &n),
			 0);
	return n;
}

static void each_is_applied_once(void **state)
{
	assert_int_equal(run(*state, one, 1, NULL), 1);
	assert_int_equal(run(*state, one, 1, NULL), 0);
	assert_int_equal(run(*state, two, 2, NULL), 1);
	assert_int_equal(run(*state, two, 2, NULL), 0);
	assert_int_equal(tables(*state, "b"), 1);
}

static void a_changed_one_stops_the_start(void **state)
{
	struct err e = { 0 };

	assert_int_equal(run(*state, one, 1, NULL), 1);
	assert_int_equal(run(*state, changed, 1, &e), -EBADMSG);
	assert_non_null(strstr(e.text, "0001_a.sql"));
}

static void a_newer_database_stops_the_start(void **state)
{
	struct err e = { 0 };

	assert_int_equal(run(*state, two, 2, NULL), 2);
	assert_int_equal(run(*state, one, 1, &e), -EBADMSG);
	assert_non_null(strstr(e.text, "0002_b.sql"));
}

static void a_failing_one_leaves_nothing_behind(void **state)
{
	struct err e = { 0 };

	assert_int_equal(run(*state, broken, 2, &e), -EINVAL);
	assert_non_null(strstr(e.text, "0002_b.sql"));
	assert_int_equal(tables(*state, "a"), 1);
	assert_int_equal(tables(*state, "b"), 0);
	assert_int_equal(run(*state, two, 2, NULL), 1);
}

struct seen {
	int pending, applied;
};

static void on_seen(void *arg, const struct migration *m, bool applied_before)
{
	struct seen *s = arg;

	assert_non_null(m->name);
	s->applied += applied_before;
	s->pending += !applied_before;
}

static void dry_run_only_looks(void **state)
{
	struct seen s = { 0 };

	assert_int_equal(migrate_run_list(*state, two, 2, true, 1, on_seen, &s,
					  NULL),
			 2);
	assert_int_equal(s.pending, 2);
	assert_int_equal(tables(*state, "%"), 0);
	assert_int_equal(run(*state, one, 1, NULL), 1);
	memset(&s, 0, sizeof(s));
	assert_int_equal(migrate_run_list(*state, two, 2, true, 1, on_seen, &s,
					  NULL),
			 1);
	assert_int_equal(s.applied, 1);
	assert_int_equal(s.pending, 1);
	assert_int_equal(tables(*state, "b"), 0);
}

static void ours_apply_to_an_empty_database(void **state)
{
	struct err e = { 0 };
	size_t n;
	int r;

	migrate_list(&n);
	r = migrate_run(*state, false, 1, NULL, NULL, &e);
	if (r < 0)
		fail_msg("%s", e.text);
	assert_int_equal(r, n);
	assert_int_equal(migrate_run(*state, false, 1, NULL, NULL, NULL), 0);
}

static int is_sql(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 4 && !strcmp(d->d_name + n - 4, ".sql");
}

static void compare_file(const struct migration *m)
{
	char path[256];
	char *text;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "migrations/sqlite/%s", m->name);
	f = fopen(path, "r");
	assert_non_null(f);
	text = mem_alloc(m->len + 1);
	assert_non_null(text);
	n = fread(text, 1, m->len + 1, f);
	assert_int_equal(n, m->len);
	assert_memory_equal(text, m->sql, n);
	assert_int_equal(m->sql[m->len], 0);
	mem_free(text);
	fclose(f);
}

/* Run from the root of the tree, as `make check` does. */
static void embedded_ones_are_those_of_the_folder(void **state)
{
	struct dirent **names;
	size_t n;
	const struct migration *list = migrate_list(&n);
	int found = scandir("migrations/sqlite", &names, is_sql, alphasort);

	(void)state;
	assert_int_equal(found, n);
	for (int i = 0; i < found; i++) {
		assert_string_equal(names[i]->d_name, list[i].name);
		compare_file(&list[i]);
		free(names[i]);
	}
	free(names);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_db, close_db)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_is_applied_once),
		TEST(a_changed_one_stops_the_start),
		TEST(a_newer_database_stops_the_start),
		TEST(a_failing_one_leaves_nothing_behind),
		TEST(dry_run_only_looks),
		TEST(ours_apply_to_an_empty_database),
		cmocka_unit_test(embedded_ones_are_those_of_the_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
