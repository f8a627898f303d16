#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/db.h"
#include "storage/jobs.h"
#include "storage/migrate.h"

#define SEC INT64_C(1000000)
#define LEASE (60 * SEC)

static int open_db(void **state)
{
	struct db *db = NULL;

	if (db_open(":memory:", &db, NULL) < 0 ||
	    migrate_run(db, false, 1, NULL, NULL, NULL) < 0)
		return -1;
	*state = db;
	return 0;
}

static int close_db(void **state)
{
	db_close((struct db **)state);
	return 0;
}

static void add(struct db *db, const char *rec, const char *node)
{
	assert_int_equal(job_add(db, JOB_RENDER, rec, node, SEC, SEC), 0);
}

static int claim(struct db *db, int64_t now, struct job *j)
{
	return job_claim(db, JOB_RENDER, "n1", now, LEASE, j);
}

static void a_job_is_claimed_once(void **state)
{
	struct job a, b;

	add(*state, "r1", "n1");
	assert_int_equal(claim(*state, 2 * SEC, &a), 0);
	assert_string_equal(a.recording.s, "r1");
	assert_int_equal(a.attempts, 1);
	assert_int_equal(claim(*state, 2 * SEC, &b), -ENODATA);
	assert_int_equal(job_done(*state, &a), 0);
	assert_int_equal(claim(*state, 900 * SEC, &b), -ENODATA);
	assert_true(job_next_us(*state, JOB_RENDER, "n1") == INT64_MAX);
}

static void not_before_its_time_nor_on_another_node(void **state)
{
	struct job j;

	add(*state, "r1", "n2");
	add(*state, "r2", "n1");
	assert_int_equal(claim(*state, SEC - 1, &j), -ENODATA);
	assert_true(job_next_us(*state, JOB_RENDER, "n1") == SEC);
	assert_int_equal(claim(*state, SEC, &j), 0);
	assert_string_equal(j.recording.s, "r2");
	assert_int_equal(claim(*state, SEC, &j), -ENODATA);
	add(*state, "r3", "");
	assert_int_equal(claim(*state, SEC, &j), 0);
	assert_string_equal(j.recording.s, "r3");
}

static void a_lost_lease_is_claimed_by_another(void **state)
{
	struct job a, b;

	add(*state, "r1", "n1");
	assert_int_equal(claim(*state, SEC, &a), 0);
	assert_int_equal(claim(*state, SEC + LEASE - 1, &b), -ENODATA);
	assert_int_equal(claim(*state, SEC + LEASE, &b), 0);
	assert_int_equal(b.attempts, 2);
	assert_int_equal(job_done(*state, &a), -ESTALE);
	assert_int_equal(job_renew(*state, &a, 999 * SEC), -ESTALE);
	assert_int_equal(job_release(*state, &a), -ESTALE);
	assert_int_equal(job_fail(*state, &a, 9 * SEC, "x", false), -ESTALE);
	assert_int_equal(job_done(*state, &b), 0);
}

static void a_renewed_lease_holds(void **state)
{
	struct job a, b;

	add(*state, "r1", "n1");
	assert_int_equal(claim(*state, SEC, &a), 0);
	assert_int_equal(job_renew(*state, &a, SEC + 2 * LEASE), 0);
	assert_int_equal(claim(*state, SEC + LEASE, &b), -ENODATA);
	assert_int_equal(claim(*state, SEC + 2 * LEASE, &b), 0);
}

static void a_released_job_has_lost_no_attempt(void **state)
{
	struct job a;

	add(*state, "r1", "n1");
	assert_int_equal(claim(*state, SEC, &a), 0);
	assert_int_equal(job_release(*state, &a), 0);
	assert_int_equal(claim(*state, SEC, &a), 0);
	assert_int_equal(a.attempts, 1);
}

static void failures_back_off_and_end(void **state)
{
	static const int64_t wait[] = { 10, 40, 160, 640 };
	int64_t now = SEC;
	struct job j;

	add(*state, "r1", "n1");
	for (int i = 0; i < JOB_MAX_ATTEMPTS - 1; i++) {
		assert_int_equal(claim(*state, now, &j), 0);
		assert_int_equal(job_fail(*state, &j, now, "no", false), 0);
		now += wait[i] * SEC;
		assert_int_equal(claim(*state, now - 1, &j), -ENODATA);
	}
	assert_int_equal(claim(*state, now, &j), 0);
	assert_int_equal(job_fail(*state, &j, now, "no", false), 1);
	assert_int_equal(claim(*state, now + 9000 * SEC, &j), -ENODATA);
	/* queued anew by hand */
	add(*state, "r1", "n1");
	assert_int_equal(claim(*state, now, &j), 0);
	assert_int_equal(j.attempts, 1);
	assert_int_equal(job_fail(*state, &j, now, "never", true), 1);
}

/* Four processes claim from one file until nothing is left. */
enum { JOBS = 200, WORKERS = 4 };

static void work(const char *path, int out)
{
	struct db *db = NULL;
	struct job j;
	int r;

	if (db_open(path, &db, NULL) < 0)
		_exit(1);
	while ((r = claim(db, 2 * SEC, &j)) == 0)
		if (write(out, &j.id, sizeof(j.id)) != sizeof(j.id))
			_exit(2);
	db_close(&db);
	_exit(r == -ENODATA ? 0 : 3);
}

static void remove_dir(const char *dir)
{
	static const char *const tails[] = { "", "-wal", "-shm" };
	char path[128];

	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/j.db%s", dir, tails[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(dir), 0);
}

static void two_claimers_never_get_the_same(void **state)
{
	char dir[] = "/tmp/srs-test-jobs-XXXXXX", path[64], rec[16];
	int seen[JOBS + 1] = { 0 }, fds[2], status, total = 0;
	struct db *db = NULL;
	int64_t id;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/j.db", dir);
	assert_int_equal(db_open(path, &db, NULL), 0);
	assert_true(migrate_run(db, false, 1, NULL, NULL, NULL) > 0);
	assert_int_equal(db_begin(db), 0);
	for (int i = 0; i < JOBS; i++) {
		snprintf(rec, sizeof(rec), "r%d", i);
		add(db, rec, "n1");
	}
	assert_int_equal(db_commit(db), 0);
	db_close(&db);
	assert_int_equal(pipe(fds), 0);
	for (int i = 0; i < WORKERS; i++)
		if (fork() == 0)
			work(path, fds[1]);
	close(fds[1]);
	while (read(fds[0], &id, sizeof(id)) == sizeof(id)) {
		assert_true(id >= 1 && id <= JOBS);
		assert_int_equal(seen[id]++, 0);
		total++;
	}
	close(fds[0]);
	for (int i = 0; i < WORKERS; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(total, JOBS);
	remove_dir(dir);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_db, close_db)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_job_is_claimed_once),
		TEST(not_before_its_time_nor_on_another_node),
		TEST(a_lost_lease_is_claimed_by_another),
		TEST(a_renewed_lease_holds),
		TEST(a_released_job_has_lost_no_attempt),
		TEST(failures_back_off_and_end),
		cmocka_unit_test(two_claimers_never_get_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
