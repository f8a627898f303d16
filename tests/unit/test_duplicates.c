/* Facts about storage/catalog_duplicates.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "storage/blob.h"
#include "storage/calls.h"
#include "storage/catalog.h"
#include "storage/catalog_duplicates.h"
#include "storage/catalog_search.h"
#include "storage/db.h"
#include "storage/jobs.h"
#include "storage/migrate.h"

#define SEC INT64_C(1000000)
#define T0 (INT64_C(1700000000) * SEC)
#define END (T0 + 60 * SEC)

static const struct catalog_scope all = { 0 };

static struct fixture {
	struct db *db;
	struct blob_store *blobs;
	struct id tenant;
} fx;

static int setup(void **state)
{
	(void)state;
	if (db_open(":memory:", &fx.db, NULL) < 0 ||
	    migrate_run(fx.db, false, 1, NULL, NULL, NULL) < 0 ||
	    tenant_create(fx.db, "a", T0, &fx.tenant) < 0)
		return -1;
	return blob_mem_create(&fx.blobs);
}

static int teardown(void **state)
{
	(void)state;
	blob_store_destroy(&fx.blobs);
	db_close(&fx.db);
	return 0;
}

/* A live call of Alice and Bob in session "cs". */
static struct id begin(const char *owner)
{
	const struct recording_participant people[] = {
		{ .ord = 0, .aor = "sip:alice@x", .name = "Alice" },
		{ .ord = 1, .aor = "sip:bob@x", .name = "Bob" },
	};
	const struct recording_stream streams[] = {
		{ .idx = 0,
		  .media = "audio",
		  .codec = "PCMU",
		  .rate_hz = 8000,
		  .participant = 0 },
		{ .idx = 1,
		  .media = "audio",
		  .codec = "PCMU",
		  .rate_hz = 8000,
		  .participant = 1 },
	};
	struct recording_new rn = {
		.tenant_id = fx.tenant.s,
		.owner_id = owner,
		.grant_id = "g",
		.node = "n",
		.spool_file = "x.spool",
		.started_us = T0,
		.participants = people,
		.n_participants = 2,
		.streams = streams,
		.n_streams = 2,
	};
	const struct call_key key = { .rule = "session_id", .value = "cs" };
	struct call_leg_new leg = { .grant_id = "g",
				    .started_us = T0,
				    .window_us = 120 * SEC };
	struct id id, call;

	id_new(&id, T0);
	rn.id = leg.recording_id = id.s;
	assert_int_equal(recording_create(fx.db, &rn), 0);
	assert_int_equal(
		model_set(fx.db, id.s, "{\"sessions\":[{\"id\":\"cs\"}]}"), 0);
	assert_true(call_join(fx.db, &leg, &key, 1, &call) >= 0);
	return id;
}

static void finish(const struct id *id, int64_t lost)
{
	struct recording_media m[2] = {
		{ .stream = 0, .from_us = T0, .to_us = END, .bytes = 480000 },
		{ .stream = 1, .from_us = T0, .to_us = END, .bytes = 480000 },
	};
	struct recording_track t = { .kind = "mix",
				     .format = "ogg",
				     .mime = "audio/ogg",
				     .stream = -1 };
	struct recording_result res = {
		.tracks = &t, .n_tracks = 1, .media = m, .n_media = 2
	};
	struct blob_info info;
	struct blob *b = NULL;
	char key[128];
	struct job j;

	snprintf(key, sizeof(key), "%s/%s/mix.ogg", fx.tenant.s, id->s);
	assert_int_equal(blob_create(fx.blobs, key, &b), 0);
	assert_int_equal(blob_append(b, "sound", 5), 0);
	assert_int_equal(blob_commit(&b, &info), 0);
	t.blob_key = key;
	t.bytes = info.bytes;
	t.sha256 = info.sha256;
	for (int i = 0; i < 2; i++) {
		m[i].packets = 3000 - lost;
		m[i].sketch = "1 2 3 4 5 6 7 8 9 a b c d e f 10 11 12";
		m[i].lost = lost;
		m[i].gaps = lost ? "1700000010000000-1700000011000000" : "";
	}
	assert_int_equal(recording_finish(fx.db, id->s, END, "bye", NULL, END),
			 0);
	assert_int_equal(job_claim(fx.db, JOB_RENDER, "n", END, SEC, &j), 0);
	assert_string_equal(j.recording.s, id->s);
	assert_int_equal(recording_ready(fx.db, id->s, &j, &res), 0);
}

static struct duplicates_round compare(void)
{
	struct duplicates_round round;

	assert_int_equal(duplicates_round(fx.db, fx.blobs, END, &round), 0);
	return round;
}

static bool is_behind(const struct id *id, const struct id *front)
{
	struct recording *rec = NULL;
	bool yes;

	assert_int_equal(recording_get(fx.db, &all, id->s, 0, &rec), 0);
	yes = strcmp(rec->duplicate_of, front ? front->s : "") == 0;
	recording_destroy(&rec);
	return yes;
}

static bool has_file(const struct id *id)
{
	struct blob_info info;
	char key[128];

	snprintf(key, sizeof(key), "%s/%s/mix.ogg", fx.tenant.s, id->s);
	return blob_hash(fx.blobs, key, &info) == 0;
}

static int64_t count(const char *sql)
{
	int64_t n = -1;

	assert_int_equal(db_query_int(fx.db, sql, DB_NONE, &n), 0);
	return n;
}

static int count_item(void *arg, const struct recording *rec)
{
	(void)rec;
	++*(int *)arg;
	return 0;
}

static int listed(bool duplicates)
{
	struct recording_filter f = { .limit = 10, .duplicates = duplicates };
	char cursor[RECORDING_CURSOR_MAX];
	int n = 0;

	assert_true(recording_list(fx.db, &all, &f, count_item, &n, cursor) >=
		    0);
	return n;
}

static void live_ones_are_listed_and_a_rendered_one_dropped(void **state)
{
	struct id a = begin("o"), b = begin("o");
	struct catalog_usage u;

	(void)state;
	assert_int_equal(listed(false), 2);
	assert_true(compare().calls == 1);
	/* nothing is known of their media yet */
	assert_true(is_behind(&a, NULL) && is_behind(&b, NULL));
	assert_true(listed(false) == 2);
	assert_int_equal(usage_of_grant(fx.db, "g", 0, &u), 0);
	assert_true(u.live_calls == 2 && u.recordings == 2);
	finish(&a, 0);
	assert_true(compare().calls == 1);
	assert_true(is_behind(&b, NULL));
	assert_true(compare().calls == 0); /* nothing new while one runs */
	finish(&b, 0);
	assert_true(compare().dropped == 1);
	assert_true(has_file(&a) && !has_file(&b));
	assert_true(compare().calls == 0);
	assert_int_equal(usage_of_grant(fx.db, "g", 0, &u), 0);
	assert_true(u.recordings == 1 && u.bytes == 5);
	assert_true(count("SELECT count(*) FROM audit WHERE action = "
			  "'recording.drop_duplicate'") == 1);
	assert_true(count("SELECT count(*) FROM media_removals") == 0);
}

static void the_one_without_loss_comes_to_the_front(void **state)
{
	struct id a = begin("o"), b = begin("o");

	(void)state;
	compare();
	assert_int_equal(recording_edit(fx.db, &all, a.s, "a title", "a note"),
			 0);
	finish(&a, 50);
	finish(&b, 0);
	assert_true(compare().dropped == 1);
	assert_true(is_behind(&a, &b) && is_behind(&b, NULL));
	assert_true(has_file(&b) && !has_file(&a));
	assert_true(count("SELECT count(*) FROM recordings WHERE title = "
			  "'a title' AND notes = 'a note' AND "
			  "duplicate_of = ''") == 1);
}

static void a_damaged_one_goes_behind_and_nothing_is_dropped(void **state)
{
	struct id a = begin("o"), b = begin("o");
	struct blob *blob = NULL;
	char key[128];

	(void)state;
	finish(&a, 0);
	finish(&b, 0);
	snprintf(key, sizeof(key), "%s/%s/mix.ogg", fx.tenant.s, a.s);
	assert_int_equal(blob_remove(fx.blobs, key), 0);
	assert_int_equal(blob_create(fx.blobs, key, &blob), 0);
	assert_int_equal(blob_append(blob, "noise", 5), 0);
	assert_int_equal(blob_commit(&blob, NULL), 0);
	assert_true(compare().dropped == 0);
	assert_true(compare().dropped == 0);
	assert_true(is_behind(&a, &b) && is_behind(&b, NULL));
	assert_true(has_file(&a) && has_file(&b));
	assert_true(count("SELECT count(*) FROM warnings WHERE code = "
			  "'media.damaged'") == 1);
	assert_true(compare().calls == 0);
}

static void a_failed_one_goes_behind(void **state)
{
	struct id a = begin("o"), b = begin("o");
	struct job j;

	(void)state;
	compare();
	assert_int_equal(recording_finish(fx.db, a.s, END, "bye", NULL, END),
			 0);
	assert_int_equal(job_claim(fx.db, JOB_RENDER, "n", END, SEC, &j), 0);
	assert_int_equal(recording_fail(fx.db, a.s, &j, "broken", true, END),
			 1);
	finish(&b, 0);
	assert_true(compare().dropped == 0);
	assert_true(is_behind(&a, &b) && is_behind(&b, NULL));
	/* tried again with success, it may stand in front again */
	assert_int_equal(recording_retry(fx.db, a.s, END), 0);
	assert_int_equal(count("SELECT count(*) FROM leg_checks"), 1);
}

static void nothing_is_dropped_while_files_cannot_be_read(void **state)
{
	struct id a = begin("o"), b = begin("o");
	struct blob_store *broken = NULL;
	struct duplicates_round round;

	(void)state;
	finish(&a, 0);
	finish(&b, 0);
	for (int n = 0; count("SELECT count(*) FROM media_removals") == 0;
	     n++) {
		assert_true(n < 20 && has_file(&a) && has_file(&b));
		assert_int_equal(blob_fail_create(fx.blobs, &broken), 0);
		blob_fail_after(broken, n, EIO);
		(void)duplicates_round(fx.db, broken, END, &round);
		blob_store_destroy(&broken);
	}
	/* the rows are through, the files could not be removed */
	assert_true(round.dropped == 1 && round.removed == 0 && has_file(&b));
	assert_true(compare().removed == 1);
	assert_true(has_file(&a) && !has_file(&b));
	assert_true(count("SELECT count(*) FROM warnings") == 0);
}

static void other_owners_are_never_compared(void **state)
{
	struct id a = begin("o"), b = begin("p");

	(void)state;
	finish(&a, 0);
	finish(&b, 0);
	assert_true(compare().dropped == 0);
	assert_true(is_behind(&a, NULL) && is_behind(&b, NULL));
}

static void deletion_is_of_all(void **state)
{
	struct id a = begin("o"), b = begin("o"), c = begin("o");

	(void)state;
	compare();
	finish(&a, 0);
	assert_int_equal(recording_delete(fx.db, &all, b.s, END), -EBUSY);
	finish(&b, 0);
	finish(&c, 0);
	compare();
	assert_true(is_behind(&b, &a) && is_behind(&c, &a));
	assert_int_equal(recording_delete(fx.db, &all, b.s, END), 0);
	assert_true(count("SELECT count(*) FROM recordings WHERE "
			  "deleted_us = 0") == 0);
	assert_int_equal(recording_delete(fx.db, &all, a.s, END), -ENOENT);
	assert_true(count("SELECT recordings + bytes FROM usage WHERE scope = "
			  "'g'") == 0);
}

static void retention_is_of_all(void **state)
{
	struct id a = begin("o"), b = begin("o");

	(void)state;
	finish(&a, 0);
	finish(&b, 0);
	compare();
	assert_int_equal(recording_set_retention(fx.db, &all, b.s, END + SEC),
			 0);
	assert_int_equal(recording_expire(fx.db, END, 10), 0);
	assert_int_equal(recording_expire(fx.db, END + SEC, 10), 1);
	assert_true(count("SELECT count(*) FROM recordings WHERE "
			  "deleted_us = 0") == 0);
	(void)a;
}

static int64_t kept_until(const struct id *id)
{
	int64_t n = -1;

	assert_true(db_query_int(fx.db,
				 "SELECT retain_until_us FROM recordings WHERE "
				 "id = $1",
				 DB_ARGS(db_text(id->s)), &n) == 0);
	return n;
}

/* Somebody wanted to keep it, under whatever other id it is found now. */
static void the_one_in_front_is_kept_as_long_as_any(void **state)
{
	struct id a = begin("o"), b = begin("o");

	(void)state;
	finish(&a, 0);
	finish(&b, 0);
	assert_int_equal(recording_set_retention(fx.db, &all, a.s, END + SEC),
			 0);
	assert_int_equal(
		recording_set_retention(fx.db, &all, b.s, END + 900 * SEC), 0);
	compare();
	assert_true(is_behind(&b, &a));
	assert_true(kept_until(&a) == END + 900 * SEC);
}

static void what_is_kept_for_ever_stays_so_in_front(void **state)
{
	struct id a = begin("o"), b = begin("o");

	(void)state;
	finish(&a, 0);
	finish(&b, 0);
	assert_int_equal(recording_set_retention(fx.db, &all, a.s, END + SEC),
			 0);
	assert_int_equal(recording_set_retention(fx.db, &all, b.s, 0), 0);
	compare();
	assert_true(is_behind(&b, &a) && kept_until(&a) == 0);
}

/* CUCM's dialog of one end of Alice's call. The far end's alone has Bob's
 * name, and Carol. */
static struct id begin_end(bool far)
{
	const struct recording_participant people[] = {
		{ .ord = 0, .ext_id = "near-end", .aor = "sip:1001@x" },
		{ .ord = 1,
		  .ext_id = "far-end:sip:2002@x",
		  .aor = "sip:2002@x",
		  .name = far ? "Bob" : "" },
		{ .ord = 2,
		  .ext_id = "far-end:sip:3003@x",
		  .aor = "sip:3003@x",
		  .name = "Carol" },
	};
	const struct recording_stream stream = { .media = "audio",
						 .codec = "PCMU",
						 .rate_hz = 8000,
						 .participant = far };
	struct recording_new rn = {
		.tenant_id = fx.tenant.s,
		.owner_id = "o",
		.grant_id = "g",
		.node = "n",
		.call_id = far ? "farcallid" : "nearcallid",
		.spool_file = "x.spool",
		.started_us = T0,
		.participants = people,
		.n_participants = far ? 3 : 2,
		.streams = &stream,
		.n_streams = 1,
	};
	const struct call_key key = { .rule = "refci", .value = "77" };
	struct call_leg_new leg = { .grant_id = "g",
				    .started_us = T0,
				    .window_us = 120 * SEC };
	struct id id, call;

	id_new(&id, T0);
	rn.id = leg.recording_id = id.s;
	assert_int_equal(recording_create(fx.db, &rn), 0);
	assert_true(call_join(fx.db, &leg, &key, 1, &call) >= 0);
	return id;
}

static bool finds(const char *q, const char *participant, const struct id *id)
{
	struct recording_filter f = { .limit = 10,
				      .q = q,
				      .participant = participant };
	char cursor[RECORDING_CURSOR_MAX];
	struct recording *rec = NULL;
	int n = 0;

	assert_int_equal(recording_get(fx.db, &all, id->s, 0, &rec), 0);
	assert_string_equal(rec->duplicate_of, "");
	recording_destroy(&rec);
	assert_true(recording_list(fx.db, &all, &f, count_item, &n, cursor) >=
		    0);
	return n == 1;
}

static void both_ends_of_a_phone_are_one(void **state)
{
	struct id near = begin_end(false), far = begin_end(true);
	struct catalog_usage u;
	struct recording *rec = NULL;

	(void)state;
	compare();
	assert_true(listed(false) == 2);
	finish(&near, 0);
	compare();
	assert_true(listed(false) == 2); /* the other is not rendered yet */
	finish(&far, 0);
	assert_true(compare().dropped == 0);
	assert_true(listed(false) == 1 && is_behind(&far, &near));
	assert_true(has_file(&near) && has_file(&far));
	assert_int_equal(usage_of_grant(fx.db, "g", 0, &u), 0);
	assert_true(u.recordings == 1 && u.bytes == 10);
	assert_true(finds("carol", NULL, &near));
	assert_true(finds("bob", NULL, &near));
	assert_true(finds("farcallid", NULL, &near));
	assert_true(finds(NULL, "sip:3003@x", &near));

	assert_int_equal(
		recording_get(fx.db, &all, near.s, RECORDING_ALL, &rec), 0);
	assert_true(!rec->half && rec->n_participants == 3);
	assert_string_equal(rec->participants[1].name, "Bob");
	assert_int_equal(rec->n_halves, 1);
	assert_string_equal(rec->halves[0]->id, far.s);
	assert_true(rec->halves[0]->half && rec->halves[0]->n_tracks == 1);
	recording_destroy(&rec);
}

static void what_is_done_to_one_end_is_done_to_both(void **state)
{
	struct id far = begin_end(true), near = begin_end(false);

	(void)state;
	finish(&far, 0);
	finish(&near, 0);
	compare();
	assert_true(is_behind(&far, &near)); /* though it came first */
	assert_int_equal(
		recording_set_retention(fx.db, &all, far.s, END + 9 * SEC), 0);
	assert_true(kept_until(&near) == END + 9 * SEC);
	assert_int_equal(recording_delete(fx.db, &all, far.s, END), 0);
	assert_true(count("SELECT count(*) FROM recordings WHERE "
			  "deleted_us = 0") == 0);
	assert_true(count("SELECT recordings + bytes FROM usage WHERE scope = "
			  "'g'") == 0);
}

static void ends_stand_for_themselves_where_that_is_wanted(void **state)
{
	struct id near = begin_end(false), far = begin_end(true);
	struct catalog_usage u;

	(void)state;
	finish(&near, 0);
	finish(&far, 0);
	compare();
	assert_true(is_behind(&far, &near));
	assert_int_equal(duplicates_none(fx.db), 0);
	assert_true(is_behind(&far, NULL) && listed(false) == 2);
	assert_int_equal(usage_of_grant(fx.db, "g", 0, &u), 0);
	assert_true(u.recordings == 2 && u.bytes == 10);
}

static void switched_off_all_stand_for_themselves(void **state)
{
	struct id a = begin("o"), b = begin("o");

	(void)state;
	assert_true(count("SELECT count(*) FROM leg_checks") == 1);
	assert_int_equal(
		db_exec(fx.db,
			"UPDATE recordings SET duplicate_of = $1 WHERE "
			"id = $2",
			DB_ARGS(db_text(a.s), db_text(b.s))),
		1);
	assert_int_equal(duplicates_none(fx.db), 0);
	assert_true(is_behind(&b, NULL) && listed(false) == 2);
	assert_true(count("SELECT count(*) FROM leg_checks") == 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(live_ones_are_listed_and_a_rendered_one_dropped),
		T(the_one_without_loss_comes_to_the_front),
		T(a_damaged_one_goes_behind_and_nothing_is_dropped),
		T(a_failed_one_goes_behind),
		T(the_one_in_front_is_kept_as_long_as_any),
		T(what_is_kept_for_ever_stays_so_in_front),
		T(nothing_is_dropped_while_files_cannot_be_read),
		T(other_owners_are_never_compared),
		T(deletion_is_of_all),
		T(retention_is_of_all),
		T(both_ends_of_a_phone_are_one),
		T(what_is_done_to_one_end_is_done_to_both),
		T(ends_stand_for_themselves_where_that_is_wanted),
		T(switched_off_all_stand_for_themselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
