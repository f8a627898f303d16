/* test_render_job.c - facts about media/render_job.h: the catalog is right
 * whatever happens to an attempt. */
#include "media/render_job.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/str.h"
#include "media/codec.h"
#include "storage/blob.h"
#include "storage/catalog.h"
#include "storage/catalog_search.h"
#include "storage/db.h"
#include "storage/jobs.h"
#include "storage/migrate.h"
#include "tests/support/spool_maker.h"

#define NODE "localhost"
#define LEASE_US 60000000

struct world {
	char dir[64];
	struct settings set;
	struct db *db;
	struct id tenant;
	struct spool_maker m;
	struct job job;
};

static int64_t now(void)
{
	return clock_wall_us(clock_real());
}

static int setup(void **state)
{
	struct world *w = mem_zalloc(sizeof(*w));
	struct err e = { 0 };

	(void)snprintf(w->dir, sizeof(w->dir), "%s", unit_temp_dir());
	(void)str_copy(w->set.server.data_dir, sizeof(w->set.server.data_dir),
		       w->dir);
	w->set.render.complexity = 1;
	assert_int_equal(settings_make_dirs(&w->set, &e), 0);
	assert_int_equal(catalog_open(&w->set, &w->db, &e), 0);
	assert_true(migrate_run(w->db, false, now(), NULL, NULL, &e) >= 0);
	assert_int_equal(tenant_create(w->db, "t", now(), &w->tenant), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	db_close(&w->db);
	(void)unit_remove_tree(w->dir);
	mem_free(w);
	return 0;
}

/* A call of two tones, ended, its job claimed. */
static void make_call(struct world *w, unsigned frames)
{
	static const struct recording_participant people[] = {
		{ .ord = 0, .aor = "sip:alice@example.com", .name = "Alice" },
		{ .ord = 1, .aor = "sip:bob@example.com" },
	};
	static const struct recording_stream streams[] = {
		{ .idx = 0,
		  .media = "audio",
		  .codec = "PCMU",
		  .participant = 1 },
		{ .idx = 1,
		  .media = "audio",
		  .codec = "PCMU",
		  .participant = 0 },
	};
	struct recording_new rn = {
		.id = MAKER_ID,
		.tenant_id = w->tenant.s,
		.call_id = "c1",
		.node = NODE,
		.spool_file = MAKER_ID SPOOL_SUFFIX,
		.started_us = MAKER_WALL_US,
		.participants = people,
		.n_participants = 2,
		.streams = streams,
		.n_streams = 2,
	};
	uint8_t pcm[160];
	char spool[128];
	unsigned k, s, i;

	(void)snprintf(spool, sizeof(spool), "%s/spool", w->dir);
	maker_open(&w->m, spool, "{}");
	maker_add_stream(&w->m, 0, "PCMU", 8000, 1);
	maker_add_stream(&w->m, 0, "PCMU", 8000, 1);
	maker_table(&w->m);
	maker_advance(&w->m, 500000);
	for (k = 0; k < frames; k++) {
		for (s = 0; s < 2; s++) {
			for (i = 0; i < 160; i++)
				pcm[i] = codec_pcm_encode(
					false,
					(int16_t)(8000 * sin(0.1 * (s + 1) *
							     (k * 160 + i))));
			maker_rtp(&w->m, (uint16_t)s, 0, (uint16_t)k, 160 * k,
				  s, pcm, 160);
		}
		maker_advance(&w->m, 20000);
		if (k == frames / 2) { /* half a second gets lost */
			k += 25;
			maker_advance(&w->m, 500000);
		}
	}
	maker_close(&w->m, true);
	assert_int_equal(recording_create(w->db, &rn), 0);
	assert_int_equal(recording_finish(w->db, MAKER_ID, now(), "bye", NULL,
					  now()),
			 0);
	assert_int_equal(job_claim(w->db, JOB_RENDER, NODE, now(), LEASE_US,
				   &w->job),
			 0);
}

static struct recording *get(struct world *w)
{
	const struct catalog_scope all = { 0 };
	struct recording *rec = NULL;

	assert_int_equal(
		recording_get(w->db, &all, MAKER_ID, RECORDING_ALL, &rec), 0);
	return rec;
}

static void job_makes_a_recording_ready(void **state)
{
	struct world *w = *state;
	struct recording *rec;
	struct blob_store *store;
	struct blob_info info;
	struct err e = { 0 };
	char media[128];
	unsigned i;

	make_call(w, 200);
	assert_int_equal(render_job_run(w->db, &w->set, &w->job, &e), 0);
	rec = get(w);
	assert_int_equal(rec->state, RECORDING_READY);
	assert_int_equal(rec->duration_us, 4000000);
	assert_int_equal(rec->started_us, MAKER_WALL_US + 500000);
	assert_int_equal(rec->n_tracks, 8);
	assert_true(rec->bytes > 0);
	/* who is heard first: participant 0, that is m-line 1 */
	assert_int_equal(recording_track(rec, "track", 1, "ogg")->participant,
			 0);
	assert_int_equal(recording_track(rec, "track", 1, "ogg")->stream, 1);
	assert_int_equal(recording_track(rec, "mix", 0, "mp4")->channels, 2);
	assert_non_null(recording_track(rec, "peaks", 0, "json"));
	assert_true(rec->n_warnings > 0);
	assert_string_equal(rec->warnings[0].code, "media.loss");
	assert_true(rec->n_events > 0);
	assert_string_equal(rec->events[0].kind, "loss");
	assert_in_range(rec->events[0].offset_us, 1990000, 2030000);
	/* the files are there, as the catalog says */
	(void)snprintf(media, sizeof(media), "%s/media", w->dir);
	assert_int_equal(blob_fs_create(media, &store), 0);
	for (i = 0; i < rec->n_tracks; i++) {
		assert_int_equal(
			blob_hash(store, rec->tracks[i].blob_key, &info), 0);
		assert_string_equal(info.sha256, rec->tracks[i].sha256);
		assert_int_equal(info.bytes, rec->tracks[i].bytes);
	}
	blob_store_destroy(&store);
	recording_destroy(&rec);
	/* the spool is gone, and so is the job */
	assert_int_equal(access(w->m.path, F_OK), -1);
	assert_int_equal(job_next_us(w->db, JOB_RENDER, NODE), INT64_MAX);
}

static void job_killed_anywhere_ends_the_same(void **state)
{
	static const unsigned delays_us[] = { 1000,  5000,  10000, 20000,
					      40000, 60000, 90000, 150000 };
	struct world *w = *state;
	struct recording *rec;
	struct err e = { 0 };
	struct timespec ts = { 0 };
	struct db *db;
	int64_t later = now();
	unsigned i;
	pid_t pid;
	int r;

	make_call(w, 2000);
	db_close(&w->db);
	for (i = 0; i < ARRAY_SIZE(delays_us); i++) {
		pid = fork();
		if (pid == 0) {
			r = catalog_open(&w->set, &db, &e);
			if (r == 0)
				r = render_job_run(db, &w->set, &w->job, &e);
			_exit(r < 0);
		}
		ts.tv_nsec = (long)delays_us[i] * 1000;
		(void)nanosleep(&ts, NULL); /* the instant of death */
		(void)kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &r, 0), pid);
		assert_int_equal(catalog_open(&w->set, &w->db, &e), 0);
		later += 2 * LEASE_US;
		if (job_claim(w->db, JOB_RENDER, NODE, later, LEASE_US,
			      &w->job) == -ENODATA)
			break; /* it was faster than death */
		w->job.attempts = 1;
		db_close(&w->db);
	}
	if (!w->db) {
		assert_int_equal(catalog_open(&w->set, &w->db, &e), 0);
		assert_int_equal(render_job_run(w->db, &w->set, &w->job, &e),
				 0);
	}
	rec = get(w);
	assert_int_equal(rec->state, RECORDING_READY);
	assert_int_equal(rec->n_tracks, 8);
	assert_int_equal(rec->duration_us, 40000000);
	recording_destroy(&rec);
	/* no work folder is left behind */
	(void)snprintf(w->m.path, sizeof(w->m.path),
		       "%s/media/.tmp/render-" MAKER_ID, w->dir);
	assert_int_equal(access(w->m.path, F_OK), -1);
}

static void job_with_a_lost_lease_changes_nothing(void **state)
{
	struct world *w = *state;
	struct recording *rec;
	struct job other;
	struct err e = { 0 };

	make_call(w, 100);
	assert_int_equal(job_claim(w->db, JOB_RENDER, NODE,
				   now() + 2 * LEASE_US, LEASE_US, &other),
			 0);
	assert_int_equal(render_job_run(w->db, &w->set, &w->job, &e), 0);
	rec = get(w);
	assert_int_equal(rec->state, RECORDING_RENDERING);
	recording_destroy(&rec);
	assert_int_equal(access(w->m.path, F_OK), 0);
	/* the one that has it finishes */
	assert_int_equal(render_job_run(w->db, &w->set, &other, &e), 0);
	rec = get(w);
	assert_int_equal(rec->state, RECORDING_READY);
	recording_destroy(&rec);
}

static void job_of_a_deleted_recording_leaves_no_file(void **state)
{
	const struct catalog_scope all = { 0 };
	struct world *w = *state;
	struct err e = { 0 };
	char path[256];

	make_call(w, 100);
	assert_int_equal(recording_delete(w->db, &all, MAKER_ID, now()), 0);
	(void)render_job_run(w->db, &w->set, &w->job, &e);
	(void)snprintf(path, sizeof(path), "%s/media/%s/" MAKER_ID "/mix.ogg",
		       w->dir, w->tenant.s);
	assert_int_equal(access(path, F_OK), -1);
}

static void job_without_spool_fails_for_good(void **state)
{
	struct world *w = *state;
	struct recording *rec;
	struct err e = { 0 };

	make_call(w, 10);
	assert_int_equal(unlink(w->m.path), 0);
	assert_int_equal(render_job_run(w->db, &w->set, &w->job, &e), -ENOENT);
	rec = get(w);
	assert_int_equal(rec->state, RECORDING_FAILED);
	recording_destroy(&rec);
}

static void job_with_a_broken_spool_keeps_it(void **state)
{
	struct world *w = *state;
	struct recording *rec;
	struct err e = { 0 };

	make_call(w, 10);
	unit_write_file(w->m.path, "this is no spool at all", 23);
	assert_true(render_job_run(w->db, &w->set, &w->job, &e) < 0);
	rec = get(w);
	assert_int_equal(rec->state, RECORDING_RENDERING); /* tried again */
	recording_destroy(&rec);
	w->job.attempts = JOB_MAX_ATTEMPTS;
	assert_int_equal(job_claim(w->db, JOB_RENDER, NODE,
				   now() + 10 * LEASE_US, LEASE_US, &w->job),
			 0);
	w->job.attempts = JOB_MAX_ATTEMPTS;
	assert_true(render_job_run(w->db, &w->set, &w->job, &e) < 0);
	rec = get(w);
	assert_int_equal(rec->state, RECORDING_FAILED);
	recording_destroy(&rec);
	assert_int_equal(access(w->m.path, F_OK), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(job_makes_a_recording_ready),
		T(job_killed_anywhere_ends_the_same),
		T(job_with_a_lost_lease_changes_nothing),
		T(job_of_a_deleted_recording_leaves_no_file),
		T(job_without_spool_fails_for_good),
		T(job_with_a_broken_spool_keeps_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
