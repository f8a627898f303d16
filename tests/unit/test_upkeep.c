
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ipc.h"
#include "base/loop.h"
#include "base/role.h"
#include "base/role_msg.h"
#include "base/settings.h"
#include "srs/upkeep.h"
#include "storage/blob.h"
#include "storage/catalog.h"
#include "storage/catalog_search.h"
#include "storage/db.h"
#include "storage/jobs.h"
#include "storage/migrate.h"
#include "storage/unwanted.h"
#include "tests/support/unit.h"

#define SEC INT64_C(1000000)
#define DAY (86400 * SEC)
#define T0 (INT64_C(1700000000) * SEC)

struct fixture {
	char dir[64];
	struct settings s;
	struct db *db;
	struct blob_store *blobs;
	struct id tenant;
};

static const struct catalog_scope all = { 0 };

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	char path[128];

	*state = f;
	snprintf(f->dir, sizeof(f->dir), "/tmp/srs-test-upkeep-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->s.server.data_dir, sizeof(f->s.server.data_dir), "%s",
		 f->dir);
	snprintf(path, sizeof(path), "%s/media", f->dir);
	if (settings_make_dirs(&f->s, NULL) < 0 ||
	    catalog_open(&f->s, &f->db, NULL) < 0 ||
	    migrate_run(f->db, false, T0, NULL, NULL, NULL) < 0 ||
	    blob_fs_create(path, &f->blobs) < 0 ||
	    tenant_create(f->db, "t", T0, &f->tenant) < 0)
		return -1;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	int r;

	db_close(&f->db);
	blob_store_destroy(&f->blobs);
	r = unit_remove_tree(f->dir);
	test_free(f);
	return r;
}

static void touch(struct fixture *f, const char *rel)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", f->dir, rel);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static bool there(struct fixture *f, const char *rel)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", f->dir, rel);
	return access(path, F_OK) == 0;
}

/* A ready recording with a file, and the spool that was left behind. */
static struct id ready(struct fixture *f, char *key, char *spool)
{
	struct recording_new rn = { .tenant_id = f->tenant.s,
				    .node = "n",
				    .started_us = T0,
				    .spool_file = "s" };
	struct recording_track t = { .kind = "mix",
				     .format = "ogg",
				     .mime = "audio/ogg",
				     .sha256 = "",
				     .blob_key = key };
	struct recording_result res = { .tracks = &t, .n_tracks = 1 };
	struct blob *b = NULL;
	struct job j;
	struct id id;

	id_new(&id, T0);
	rn.id = id.s;
	snprintf(key, 128, "%s/%s/mix.ogg", f->tenant.s, id.s);
	snprintf(spool, 128, "spool/%s.spool", id.s);
	touch(f, spool);
	assert_int_equal(blob_create(f->blobs, key, &b), 0);
	assert_int_equal(blob_commit(&b, NULL), 0);
	assert_int_equal(recording_create(f->db, &rn), 0);
	assert_int_equal(recording_finish(f->db, id.s, T0, "bye", NULL, T0), 0);
	assert_int_equal(job_claim(f->db, JOB_RENDER, "n", T0, SEC, &j), 0);
	assert_int_equal(recording_ready(f->db, id.s, &j, &res), 0);
	return id;
}

static struct upkeep_round once(struct fixture *f, int64_t now_us)
{
	struct upkeep_round round;

	assert_int_equal(upkeep_once(f->db, f->blobs, &f->s, now_us, &round),
			 0);
	return round;
}

static void deleted_recordings_leave_nothing_but_an_audit_entry(void **state)
{
	struct fixture *f = *state;
	char key[128], spool[128], media[160];
	struct id id = ready(f, key, spool);
	int64_t n = -1;

	snprintf(media, sizeof(media), "media/%s", key);
	assert_true(once(f, T0 + 99 * DAY).purged == 0);
	assert_true(there(f, media));
	assert_int_equal(recording_delete(f->db, &all, id.s, T0), 0);
	assert_true(once(f, T0).purged == 1);
	assert_false(there(f, media));
	assert_false(there(f, spool));
	assert_int_equal(db_query_int(f->db, "SELECT count(*) FROM recordings",
				      DB_NONE, &n),
			 0);
	assert_int_equal(n, 0);
	assert_int_equal(db_query_int(f->db,
				      "SELECT count(*) FROM audit WHERE "
				      "action = 'recording.purge'",
				      DB_NONE, &n),
			 0);
	assert_int_equal(n, 1);
	assert_true(once(f, T0).purged == 0);
}

static void expired_recordings_are_deleted_and_purged(void **state)
{
	struct fixture *f = *state;
	char key[128], spool[128];
	struct id id = ready(f, key, spool);
	struct upkeep_round round;

	assert_int_equal(recording_set_retention(f->db, &all, id.s, T0 + DAY),
			 0);
	assert_true(once(f, T0 + DAY - 1).expired == 0);
	round = once(f, T0 + DAY);
	assert_true(round.expired == 1 && round.purged == 1);
}

static void files_that_cannot_go_keep_their_row(void **state)
{
	struct fixture *f = *state;
	struct blob_store *broken = NULL;
	char key[128], spool[128];
	struct upkeep_round round;
	struct id id = ready(f, key, spool);

	assert_int_equal(recording_delete(f->db, &all, id.s, T0), 0);
	assert_int_equal(blob_fail_create(f->blobs, &broken), 0);
	blob_fail_after(broken, 0, EIO);
	assert_int_equal(upkeep_once(f->db, broken, &f->s, T0, &round), 0);
	assert_true(round.purged == 0);
	blob_store_destroy(&broken);
	assert_true(once(f, T0).purged == 1);
}

static void spools_of_ready_recordings_go_after_a_while(void **state)
{
	struct fixture *f = *state;
	char key[128], spool[128], unknown[128];
	struct id other;
	int64_t now;
	struct stat st;

	ready(f, key, spool);
	id_new(&other, T0);
	snprintf(unknown, sizeof(unknown), "spool/%s.spool", other.s);
	touch(f, unknown);
	touch(f, "spool/notes.txt");
	snprintf(key, sizeof(key), "%s/%s", f->dir, spool);
	assert_int_equal(stat(key, &st), 0);
	now = (int64_t)st.st_mtim.tv_sec * SEC;
	assert_int_equal(upkeep_spools(f->db, &f->s, now + 60 * SEC), 0);
	assert_int_equal(upkeep_spools(f->db, &f->s, now + 3600 * SEC), 1);
	assert_false(there(f, spool));
	assert_true(there(f, unknown)); /* recovery makes a recording of it */
	assert_true(there(f, "spool/notes.txt"));
}

static void spools_of_what_was_dropped_go_at_once(void **state)
{
	struct fixture *f = *state;
	char key[128], spool[128], kept[128];
	struct id id = ready(f, key, spool), other;

	id_new(&other, T0);
	snprintf(kept, sizeof(kept), "spool/%s.spool", other.s);
	touch(f, kept);
	assert_int_equal(upkeep_unwanted(f->db, &f->s, T0), 0);
	assert_int_equal(recording_delete(f->db, &all, id.s, T0), 0);
	assert_true(once(f, T0).purged == 1);
	assert_false(there(f, spool));
	touch(f, spool); /* back after a loss of power */
	assert_int_equal(upkeep_unwanted(f->db, &f->s, T0), 1);
	assert_false(there(f, spool));
	assert_true(there(f, kept));
	assert_int_equal(unwanted_check(f->db, id.s), 1);
	/* its node is not this one: only "n" may forget it */
	assert_int_equal(upkeep_unwanted(f->db, &f->s, T0 + 2 * DAY), 0);
	assert_int_equal(unwanted_check(f->db, id.s), 1);
	snprintf(f->s.server.name, sizeof(f->s.server.name), "n");
	assert_int_equal(upkeep_unwanted(f->db, &f->s, T0 + DAY), 0);
	assert_int_equal(unwanted_check(f->db, id.s), 1);
	assert_int_equal(upkeep_unwanted(f->db, &f->s, T0 + 2 * DAY), 0);
	assert_int_equal(unwanted_check(f->db, id.s), 0);
}

static void a_backup_a_day_keeps_the_last_seven(void **state)
{
	struct fixture *f = *state;
	struct db *copy = NULL;
	struct id tenant;
	char path[256];

	for (int day = 0; day < 10; day++) {
		assert_int_equal(upkeep_backup(f->db, &f->s, T0 + day * DAY),
				 1);
		assert_int_equal(upkeep_backup(f->db, &f->s, T0 + day * DAY),
				 0);
	}
	assert_false(there(f, "backup/catalog-20231116.db"));
	assert_true(there(f, "backup/catalog-20231117.db"));
	assert_true(there(f, "backup/catalog-20231123.db"));
	snprintf(path, sizeof(path), "%s/backup/catalog-20231123.db", f->dir);
	assert_int_equal(db_open(path, &copy, NULL), 0);
	assert_int_equal(tenant_find(copy, "t", &tenant), 0);
	db_close(&copy);
}

static void the_database_is_tidied_while_it_is_used(void **state)
{
	struct fixture *f = *state;
	char key[128], spool[128];

	ready(f, key, spool);
	assert_int_equal(catalog_checkpoint(f->db), 0);
	assert_int_equal(catalog_optimize(f->db), 0);
	ready(f, key, spool);
	assert_int_equal(catalog_checkpoint(f->db), 0);
}

static void on_msg(void *arg, struct ipc_msg *msg)
{
	if (msg->type == ROLE_READY)
		*(bool *)arg = true;
}

static void on_closed(void *arg)
{
	(void)arg;
}

/* The role itself, in its sandbox, as the supervisor runs it. */
static void the_role_purges_and_ends_with_the_supervisor(void **state)
{
	struct fixture *f = *state;
	struct loop *loop = NULL;
	struct ipc *control = NULL;
	char key[128], spool[128];
	struct id id = ready(f, key, spool);
	bool is_ready = false;
	int fds[2], status, turns = 0;
	pid_t pid;

	assert_int_equal(recording_delete(f->db, &all, id.s, T0), 0);
	db_close(&f->db); /* must not cross the fork */
	f->s.sandbox.enabled = true;
	f->s.log.level = 3;
	assert_int_equal(ipc_pair(fds), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		_exit(role_run(&upkeep_role, &f->s, fds[1], -1, "", 0));
	}
	close(fds[1]);
	assert_int_equal(catalog_open(&f->s, &f->db, NULL), 0);
	assert_int_equal(loop_create(clock_real(), &loop), 0);
	assert_int_equal(ipc_create(loop, fds[0], 8, on_msg, on_closed,
				    &is_ready, &control),
			 0);
	assert_int_equal(ipc_send(control, ROLE_START, 0, NULL, 0, NULL, 0), 0);
	while (!(is_ready && !there(f, spool)) && turns++ < 200)
		assert_int_equal(loop_step(loop, 50), 0);
	assert_true(is_ready);
	assert_false(there(f, spool));
	ipc_destroy(&control);
	loop_destroy(&loop);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(deleted_recordings_leave_nothing_but_an_audit_entry),
		TEST(expired_recordings_are_deleted_and_purged),
		TEST(files_that_cannot_go_keep_their_row),
		TEST(spools_of_ready_recordings_go_after_a_while),
		TEST(spools_of_what_was_dropped_go_at_once),
		TEST(a_backup_a_day_keeps_the_last_seven),
		TEST(the_database_is_tidied_while_it_is_used),
		TEST(the_role_purges_and_ends_with_the_supervisor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
