#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "storage/audit.h"
#include "storage/catalog.h"
#include "storage/catalog_search.h"
#include "storage/db.h"
#include "storage/jobs.h"
#include "storage/unwanted.h"
#include "tests/support/catalog_rig.h"

#define SEC INT64_C(1000000)
#define T0 (INT64_C(1700000000) * SEC)

struct fixture {
	struct db *db;
	struct id a, b; /* tenants */
};

static const struct catalog_scope all = { 0 };

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	*state = f;
	f->db = catalog_rig_open(&f->a, &f->b);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	db_close(&f->db);
	test_free(f);
	return 0;
}

/* A call of alice (owner o1, grant g1) with bob. */
static struct id record(struct fixture *f, const struct id *tenant,
			int64_t started_us, const char *alice)
{
	const struct recording_participant people[] = {
		{ .ord = 0, .aor = alice, .name = "Alice Adams" },
		{ .ord = 1,
		  .aor = "tel:+44-20-7946-0958",
		  .name = "B\xc3\xb6"
			  "b" },
	};
	const struct recording_stream streams[] = {
		{ .idx = 0,
		  .label = "1",
		  .media = "audio",
		  .codec = "PCMU",
		  .rate_hz = 8000,
		  .participant = 0 },
		{ .idx = 1,
		  .label = "2",
		  .media = "audio",
		  .codec = "opus",
		  .rate_hz = 48000,
		  .participant = 1 },
	};
	struct recording_new rn = {
		.tenant_id = tenant->s,
		.owner_id = "o1",
		.client_id = "c1",
		.grant_id = "g1",
		.call_id = "call@x",
		.node = "n1",
		.spool_file = "x.spool",
		.started_us = started_us,
		.dialog = "{\"d\":1}",
		.participants = people,
		.n_participants = 2,
		.streams = streams,
		.n_streams = 2,
	};
	struct id id;

	id_new(&id, started_us);
	rn.id = id.s;
	assert_int_equal(recording_create(f->db, &rn), 0);
	return id;
}

static struct id record_a(struct fixture *f)
{
	return record(f, &f->a, T0, "sip:alice@example.com");
}

static void finish(struct fixture *f, const struct id *id)
{
	assert_int_equal(recording_finish(f->db, id->s, T0 + 60 * SEC, "bye",
					  NULL, T0 + 60 * SEC),
			 0);
}

static int claim(struct fixture *f, struct job *j)
{
	return job_claim(f->db, JOB_RENDER, "n1", T0 + 61 * SEC, 60 * SEC, j);
}

static void ready(struct fixture *f, const struct id *id, uint64_t bytes)
{
	const struct recording_track tracks[] = {
		{ .kind = "mix",
		  .format = "ogg",
		  .participant = -1,
		  .stream = -1,
		  .blob_key = "k1",
		  .mime = "audio/ogg",
		  .bytes = bytes,
		  .sha256 = "aa",
		  .channels = 2 },
		{ .n = 1,
		  .kind = "track",
		  .format = "ogg",
		  .blob_key = "k2",
		  .mime = "audio/ogg",
		  .bytes = 5,
		  .sha256 = "bb" },
	};
	const struct recording_result res = {
		.duration_us = 58 * SEC,
		.started_us = T0 + 2 * SEC,
		.tracks = tracks,
		.n_tracks = 2,
	};
	struct job j;

	assert_int_equal(claim(f, &j), 0);
	assert_string_equal(j.recording.s, id->s);
	assert_int_equal(recording_ready(f->db, id->s, &j, &res), 0);
}

static struct recording *get(struct fixture *f, const struct id *id)
{
	struct recording *r = NULL;

	assert_int_equal(recording_get(f->db, &all, id->s, RECORDING_ALL, &r),
			 0);
	return r;
}

static void a_new_recording_is_live_with_its_people(void **state)
{
	struct fixture *f = *state;
	struct id id = record_a(f);
	struct recording *r = get(f, &id);

	assert_int_equal(r->state, RECORDING_LIVE);
	assert_int_equal(r->n_participants, 2);
	assert_string_equal(r->participants[0].aor, "sip:alice@example.com");
	assert_string_equal(r->participants[1].name, "B\xc3\xb6"
						     "b");
	assert_int_equal(r->n_streams, 2);
	assert_string_equal(r->streams[1].codec, "opus");
	assert_int_equal(r->streams[1].participant, 1);
	assert_string_equal(r->spool_file, "x.spool");
	assert_null(r->meta);
	assert_int_equal(r->n_tracks + r->n_events + r->n_warnings, 0);
	recording_destroy(&r);
	assert_null(r);
}

static void an_id_twice_or_an_unknown_tenant_is_refused(void **state)
{
	struct fixture *f = *state;
	struct id id = record_a(f);
	struct recording_new rn = { .id = id.s,
				    .tenant_id = f->a.s,
				    .started_us = T0 };

	assert_int_equal(recording_create(f->db, &rn), -EEXIST);
	rn.id = "other";
	rn.tenant_id = "nobody";
	assert_int_equal(recording_create(f->db, &rn), -ENOENT);
}

static int see_live(void *arg, const struct recording_live *l)
{
	struct fixture *f = arg;

	assert_string_equal(l->dialog, "{\"d\":2}");
	assert_string_equal(l->meta, "{}");
	assert_string_equal(l->grant_id, "g1");
	/* may write */
	return recording_finish(f->db, l->id, T0, "lost", NULL, T0);
}

static void live_ones_are_found_after_a_restart(void **state)
{
	struct fixture *f = *state;
	struct id id = record_a(f);

	assert_int_equal(recording_set_dialog(f->db, id.s, "{\"d\":2}"), 0);
	assert_int_equal(recording_set_meta(f->db, id.s, "{}"), 0);
	assert_int_equal(recording_each_live(f->db, "n2", see_live, f), 0);
	assert_int_equal(recording_each_live(f->db, "n1", see_live, f), 1);
	assert_int_equal(recording_each_live(f->db, "n1", see_live, f), 0);
	assert_int_equal(recording_set_dialog(f->db, id.s, "x"), -ENOENT);
}

static void events_carry_their_place_in_the_call(void **state)
{
	struct fixture *f = *state;
	struct id id = record_a(f);
	struct recording_event ev = { .at_us = T0 + 5 * SEC,
				      .kind = "hold",
				      .participant = -1,
				      .stream = 1 };
	struct recording *r;

	assert_int_equal(recording_add_event(f->db, id.s, &ev), 0);
	ev.at_us = T0 - SEC;
	ev.text = "early";
	assert_int_equal(recording_add_event(f->db, id.s, &ev), 0);
	assert_int_equal(recording_add_event(f->db, "none", &ev), -ENOENT);
	finish(f, &id);
	r = get(f, &id);
	assert_string_equal(r->events[0].text, "early");
	assert_true(r->events[0].offset_us == 0);
	assert_true(r->events[1].offset_us == 5 * SEC);
	recording_destroy(&r);
	ready(f, &id, 1); /* the first packet came at 2 s */
	r = get(f, &id);
	assert_true(r->events[1].offset_us == 3 * SEC);
	assert_int_equal(r->events[1].stream, 1);
	recording_destroy(&r);
}

static void a_warning_again_only_counts(void **state)
{
	struct fixture *f = *state;
	struct id id = record_a(f);
	struct recording_warning w = {
		.code = "x.y", .detail = "d", .severity = "info", .at_us = T0
	};
	struct recording *r;

	for (int i = 0; i < 3; i++)
		assert_int_equal(recording_add_warning(f->db, id.s, &w), 0);
	w.detail = "other";
	assert_int_equal(recording_add_warning(f->db, id.s, &w), 0);
	assert_int_equal(recording_add_warning(f->db, "none", &w), -ENOENT);
	r = get(f, &id);
	assert_int_equal(r->n_warnings, 2);
	assert_true(r->warnings[0].count == 3);
	recording_destroy(&r);
}

static int see_message(void *arg, const struct recording_message *m)
{
	char *out = arg;

	snprintf(out + strlen(out), 64 - strlen(out), "%s:%.*s;", m->dir,
		 (int)m->len, (const char *)m->body);
	return 0;
}

static void signalling_is_kept_in_order(void **state)
{
	struct fixture *f = *state;
	struct id id = record_a(f);
	struct recording_message m = { .at_us = T0,
				       .dir = "in",
				       .transport = "udp",
				       .peer = "x",
				       .body = "INVITE",
				       .len = 6 };
	char seen[64] = "";

	assert_int_equal(recording_add_message(f->db, id.s, &m), 0);
	m.dir = "out";
	m.body = "200";
	m.len = 3;
	assert_int_equal(recording_add_message(f->db, id.s, &m), 0);
	assert_int_equal(recording_each_message(f->db, id.s, see_message, seen),
			 2);
	assert_string_equal(seen, "in:INVITE;out:200;");
}

static int see_one(void *arg, const struct recording *rec)
{
	(void)arg;
	assert_non_null(rec->id);
	return 0;
}

static void people_join_and_leave(void **state)
{
	struct fixture *f = *state;
	struct id id = record_a(f);
	struct recording_participant p = {
		.ord = 2, .aor = "sip:carol@x", .name = "Carol", .joined_us = T0
	};
	struct recording_filter flt = { .q = "carol", .limit = 10 };
	char cursor[RECORDING_CURSOR_MAX];
	struct recording *r;

	assert_int_equal(recording_put_participant(f->db, id.s, &p), 0);
	assert_int_equal(recording_leave(f->db, id.s, 2, T0 + SEC), 0);
	assert_int_equal(recording_leave(f->db, id.s, 9, T0), -ENOENT);
	r = get(f, &id);
	assert_int_equal(r->n_participants, 3);
	assert_true(r->participants[2].left_us == T0 + SEC);
	recording_destroy(&r);
	assert_int_equal(recording_list(f->db, &all, &flt, see_one, &r, cursor),
			 1);
}

static void finishing_queues_one_render_job(void **state)
{
	struct fixture *f = *state;
	struct id id = record_a(f);
	struct recording *r;
	struct job j;

	finish(f, &id);
	finish(f, &id);
	assert_int_equal(recording_finish(f->db, "none", T0, "bye", NULL, T0),
			 -ENOENT);
	r = get(f, &id);
	assert_int_equal(r->state, RECORDING_RENDERING);
	assert_string_equal(r->end_reason, "bye");
	assert_true(r->duration_us == 60 * SEC);
	recording_destroy(&r);
	assert_int_equal(claim(f, &j), 0);
	assert_string_equal(j.recording.s, id.s);
	assert_int_equal(claim(f, &j), -ENODATA);
}

static void finishing_without_media_is_a_failure(void **state)
{
	struct fixture *f = *state;
	struct recording_new rn = {
		.id = "01", .tenant_id = f->a.s, .node = "n1", .started_us = T0
	};
	struct id id = { "01" };
	struct recording *r;
	struct job j;

	assert_int_equal(recording_create(f->db, &rn), 0);
	finish(f, &id);
	r = get(f, &id);
	assert_int_equal(r->state, RECORDING_FAILED);
	assert_string_equal(r->warnings[0].code, "media.none");
	recording_destroy(&r);
	assert_int_equal(claim(f, &j), -ENODATA);
	assert_int_equal(recording_retry(f->db, "01", T0), -ENOENT);
}

static void finishing_an_empty_spool_is_a_failure(void **state)
{
	struct fixture *f = *state;
	struct id id = record_a(f);
	struct recording *r;
	struct job j;

	assert_int_equal(recording_finish(f->db, id.s, T0 + SEC, "bye",
					  RECORDING_NO_SPOOL, T0 + SEC),
			 0);
	r = get(f, &id);
	assert_int_equal(r->state, RECORDING_FAILED);
	assert_int_equal(r->n_warnings, 0); /* the caller's */
	assert_string_equal(r->spool_file, "");
	assert_string_equal(r->end_reason, "bye");
	recording_destroy(&r);
	assert_int_equal(claim(f, &j), -ENODATA);
	assert_int_equal(recording_retry(f->db, id.s, T0), -ENOENT);
}

static void ready_has_tracks_and_no_job(void **state)
{
	struct fixture *f = *state;
	struct id id = record_a(f);
	struct recording *r;
	struct job j;

	finish(f, &id);
	ready(f, &id, 1000);
	r = get(f, &id);
	assert_int_equal(r->state, RECORDING_READY);
	assert_true(r->bytes == 1005);
	assert_true(r->duration_us == 58 * SEC);
	assert_string_equal(r->spool_file, "");
	assert_string_equal(recording_track(r, "mix", 0, NULL)->blob_key, "k1");
	assert_null(recording_track(r, "mix", 0, "mp4"));
	assert_non_null(recording_track(r, "track", 1, "ogg"));
	recording_destroy(&r);
	assert_int_equal(claim(f, &j), -ENODATA);
}

static void a_lost_lease_makes_nothing_ready(void **state)
{
	struct fixture *f = *state;
	struct id id = record_a(f);
	const struct recording_result res = { .duration_us = 1 };
	struct job j;
	struct recording *r;

	finish(f, &id);
	assert_int_equal(claim(f, &j), 0);
	j.lease.s[0] ^= 1;
	assert_int_equal(recording_ready(f->db, id.s, &j, &res), -ESTALE);
	j.lease.s[0] ^= 1;
	assert_int_equal(recording_delete(f->db, &all, id.s, T0), 0);
	assert_int_equal(recording_ready(f->db, id.s, &j, &res), -ESTALE);
	assert_int_equal(recording_get(f->db, &all, id.s, 0, &r), -ENOENT);
}

static void failing_for_good_keeps_the_spool(void **state)
{
	struct fixture *f = *state;
	struct id id = record_a(f);
	struct recording *r;
	struct job j;

	finish(f, &id);
	assert_int_equal(claim(f, &j), 0);
	assert_int_equal(
		recording_fail(f->db, id.s, &j, "no", false, T0 + 61 * SEC), 0);
	r = get(f, &id);
	assert_int_equal(r->state, RECORDING_RENDERING);
	recording_destroy(&r);
	assert_int_equal(
		job_claim(f->db, JOB_RENDER, "n1", T0 + 999 * SEC, SEC, &j), 0);
	assert_int_equal(recording_fail(f->db, id.s, &j, "bad spool", true,
					T0 + 999 * SEC),
			 1);
	r = get(f, &id);
	assert_int_equal(r->state, RECORDING_FAILED);
	assert_string_equal(r->warnings[0].detail, "bad spool");
	assert_string_equal(r->spool_file, "x.spool");
	recording_destroy(&r);
	assert_int_equal(recording_retry(f->db, id.s, T0), 0);
	ready(f, &id, 1);
}

static void discarded_is_gone_without_a_trace(void **state)
{
	struct fixture *f = *state;
	struct id id = record_a(f);
	struct catalog_usage u;
	int64_t n = -1;

	assert_int_equal(recording_discard(f->db, id.s, "n", T0), 0);
	assert_int_equal(unwanted_check(f->db, id.s), 1);
	assert_int_equal(recording_discard(f->db, id.s, "n", T0), 0);
	assert_int_equal(usage_of_grant(f->db, "g1", 0, &u), 0);
	assert_true(u.live_calls == 0 && u.recordings == 0);
	assert_int_equal(db_query_int(f->db,
				      "SELECT (SELECT count(*) FROM "
				      "participants) + (SELECT count(*) FROM "
				      "recordings_fts)",
				      DB_NONE, &n),
			 0);
	assert_int_equal(n, 0);
}

static void files_are_known_until_the_recording_goes(void **state)
{
	struct fixture *f = *state;
	struct id id = record_a(f);
	struct recording *rec = NULL;
	char key[128];

	finish(f, &id);
	ready(f, &id, 1);
	assert_int_equal(
		recording_get(f->db, &all, id.s, RECORDING_TRACKS, &rec), 0);
	snprintf(key, sizeof(key), "%s", rec->tracks[0].blob_key);
	recording_destroy(&rec);
	assert_int_equal(recording_has_file(f->db, id.s, key), 1);
	assert_int_equal(recording_has_file(f->db, id.s, "another"), 0);
	assert_int_equal(recording_delete(f->db, &all, id.s, T0), 0);
	assert_int_equal(recording_has_file(f->db, id.s, key), 0);
}

static void what_has_ended_cannot_be_discarded(void **state)
{
	struct fixture *f = *state;
	struct id id = record_a(f);

	finish(f, &id);
	assert_int_equal(recording_discard(f->db, id.s, "n", T0), -EALREADY);
	assert_int_equal(unwanted_check(f->db, id.s), 0);
	/* whatever is said: what the catalog has is wanted */
	assert_int_equal(unwanted_add(f->db, id.s, "n", T0), 0);
	assert_int_equal(unwanted_check(f->db, id.s), 0);
}

static void unwanted_ones_are_forgotten_by_node_and_age(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(unwanted_check(f->db, "a"), 0);
	assert_int_equal(unwanted_add(f->db, "a", "n1", T0), 0);
	assert_int_equal(unwanted_add(f->db, "a", "n1", T0 + 9), 0);
	assert_int_equal(unwanted_add(f->db, "b", "n2", T0), 0);
	assert_int_equal(unwanted_forget(f->db, "n1", T0), 0);
	assert_int_equal(unwanted_forget(f->db, "n1", T0 + 1), 1);
	assert_int_equal(unwanted_check(f->db, "a"), 0);
	assert_int_equal(unwanted_check(f->db, "b"), 1);
}

static void usage_follows_calls_files_and_deletion(void **state)
{
	struct fixture *f = *state;
	struct id one = record_a(f), two;
	struct catalog_usage u;

	finish(f, &one);
	ready(f, &one, 1000);
	two = record(f, &f->a, T0 + 3600 * SEC, "sip:alice@example.com");
	assert_int_equal(usage_of_grant(f->db, "g1", T0 + 1800 * SEC, &u), 0);
	assert_true(u.live_calls == 1 && u.sessions == 1);
	assert_true(u.recordings == 2 && u.bytes == 1005);
	assert_int_equal(recording_delete(f->db, &all, two.s, T0), -EBUSY);
	assert_int_equal(recording_delete(f->db, &all, one.s, T0), 0);
	assert_int_equal(recording_delete(f->db, &all, one.s, T0), -ENOENT);
	assert_int_equal(usage_of_grant(f->db, "g1", 0, &u), 0);
	assert_true(u.sessions == 2 && u.recordings == 1 && u.bytes == 0);
	assert_int_equal(usage_of_tenant(f->db, f->a.s, 0, &u), 0);
	assert_true(u.live_calls == 1 && u.bytes == 0);
	assert_int_equal(usage_of_grant(f->db, "unknown", 0, &u), 0);
	assert_true(u.live_calls == 0 && u.bytes == 0);
}

static void scopes_hide_what_is_not_theirs(void **state)
{
	struct fixture *f = *state;
	struct id id = record_a(f);
	const struct {
		struct catalog_scope scope;
		int want;
	} cases[] = {
		{ { .tenant_id = f->a.s }, 0 },
		{ { .tenant_id = f->b.s }, -ENOENT },
		{ { .tenant_id = f->a.s, .owner_id = "o1" }, 0 },
		{ { .tenant_id = f->a.s, .owner_id = "o2" }, -ENOENT },
		{ { .tenant_id = f->a.s, .grant_id = "g2" }, -ENOENT },
		{ { .tenant_id = f->b.s, .grant_id = "g1" }, -ENOENT },
		{ { .tenant_id = f->a.s, .client_id = "c1" }, 0 },
		{ { .tenant_id = f->a.s, .client_id = "c2" }, -ENOENT },
		{ { .tenant_id = "" }, -ENOENT },
	};

	finish(f, &id);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct catalog_scope *s = &cases[i].scope;
		struct recording *r = NULL;

		assert_int_equal(recording_get(f->db, s, id.s, 0, &r),
				 cases[i].want);
		recording_destroy(&r);
		assert_int_equal(recording_edit(f->db, s, id.s, "t", NULL),
				 cases[i].want);
		assert_int_equal(recording_set_retention(f->db, s, id.s, 0),
				 cases[i].want);
		if (cases[i].want)
			assert_int_equal(recording_delete(f->db, s, id.s, T0),
					 -ENOENT);
	}
}

static void edits_are_bounded_and_searchable(void **state)
{
	struct fixture *f = *state;
	struct id id = record_a(f);
	char *big = test_calloc(1, RECORDING_NOTES_MAX + 2);
	struct recording *r;

	memset(big, 'x', RECORDING_NOTES_MAX + 1);
	assert_int_equal(recording_edit(f->db, &all, id.s, NULL, big), -E2BIG);
	assert_int_equal(recording_edit(f->db, &all, id.s, big, NULL), -E2BIG);
	big[RECORDING_NOTES_MAX] = '\0';
	assert_int_equal(recording_edit(f->db, &all, id.s, "T", big), 0);
	assert_int_equal(recording_edit(f->db, &all, id.s, NULL, "n"), 0);
	r = get(f, &id);
	assert_string_equal(r->title, "T");
	assert_string_equal(r->notes, "n");
	recording_destroy(&r);
	test_free(big);
}

static int purge_it(void *arg, const char *id, const char *tenant_id,
		    const char *spool_file)
{
	struct fixture *f = arg;

	assert_string_equal(tenant_id, f->a.s);
	assert_string_equal(spool_file, "x.spool");
	return recording_purge(f->db, id, T0);
}

static void deleted_ones_are_purged_when_no_worker_holds_them(void **state)
{
	struct fixture *f = *state;
	struct id id = record_a(f);
	struct job j;

	finish(f, &id);
	assert_int_equal(recording_purge(f->db, id.s, T0), -ENOENT);
	assert_int_equal(claim(f, &j), 0);
	assert_int_equal(recording_delete(f->db, &all, id.s, T0), 0);
	assert_int_equal(recording_each_deleted(f->db, "n1", T0 + 62 * SEC, 10,
						purge_it, f),
			 0);
	assert_int_equal(recording_each_deleted(f->db, "n2", T0 + 999 * SEC, 10,
						purge_it, f),
			 0);
	assert_int_equal(recording_each_deleted(f->db, "n1", T0 + 999 * SEC, 10,
						purge_it, f),
			 1);
	assert_int_equal(recording_each_deleted(f->db, "n1", T0 + 999 * SEC, 10,
						purge_it, f),
			 0);
	assert_int_equal(job_done(f->db, &j), -ESTALE);
}

static void retention_counts_from_the_end_of_the_call(void **state)
{
	struct fixture *f = *state;
	struct recording *r = NULL;
	struct id id;

	assert_int_equal(tenant_set_retention(f->db, f->a.s, 100 * SEC), 0);
	id = record_a(f);
	assert_int_equal(recording_expire(f->db, T0 + 999 * SEC, 10), 0);
	finish(f, &id); /* 60 s long */
	assert_int_equal(recording_expire(f->db, T0 + 159 * SEC, 10), 0);
	assert_int_equal(recording_expire(f->db, T0 + 160 * SEC, 10), 1);
	assert_int_equal(recording_expire(f->db, T0 + 160 * SEC, 10), 0);
	assert_int_equal(recording_get(f->db, &all, id.s, 0, &r), -ENOENT);
}

static void tenants_are_found_by_name_and_id(void **state)
{
	struct fixture *f = *state;
	struct id id;

	assert_int_equal(tenant_create(f->db, "a", T0, &id), -EEXIST);
	assert_int_equal(tenant_find(f->db, "a", &id), 0);
	assert_string_equal(id.s, f->a.s);
	assert_int_equal(tenant_find(f->db, f->b.s, &id), 0);
	assert_string_equal(id.s, f->b.s);
	assert_int_equal(tenant_find(f->db, "c", &id), -ENOENT);
	assert_int_equal(tenant_set_retention(f->db, "c", 1), -ENOENT);
}

static int see_entry(void *arg, const struct audit_entry *a)
{
	char *out = arg;

	snprintf(out + strlen(out), 64 - strlen(out), "%s ", a->action);
	return 0;
}

static void audit_is_read_newest_first_by_tenant_and_object(void **state)
{
	struct fixture *f = *state;
	struct audit_entry a = { .at_us = T0,
				 .tenant_id = "a",
				 .actor = "x",
				 .object = "o:1",
				 .result = "ok" };
	char seen[64] = "";

	a.action = "one";
	assert_int_equal(audit_add(f->db, &a), 0);
	a.action = "two";
	assert_int_equal(audit_add(f->db, &a), 0);
	a.tenant_id = "b";
	a.object = "o:2";
	a.action = "three";
	assert_int_equal(audit_add(f->db, &a), 0);
	assert_int_equal(audit_each(f->db, "a", NULL, 0, 10, see_entry, seen),
			 2);
	assert_int_equal(audit_each(f->db, NULL, "o:2", 0, 10, see_entry, seen),
			 1);
	assert_int_equal(audit_each(f->db, NULL, NULL, 3, 1, see_entry, seen),
			 1);
	assert_int_equal(audit_each(f->db, "b", "o:1", 0, 10, see_entry, seen),
			 0);
	assert_string_equal(seen, "two one three two ");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_recording_is_live_with_its_people),
		TEST(an_id_twice_or_an_unknown_tenant_is_refused),
		TEST(live_ones_are_found_after_a_restart),
		TEST(events_carry_their_place_in_the_call),
		TEST(a_warning_again_only_counts),
		TEST(signalling_is_kept_in_order),
		TEST(people_join_and_leave),
		TEST(finishing_queues_one_render_job),
		TEST(finishing_without_media_is_a_failure),
		TEST(finishing_an_empty_spool_is_a_failure),
		TEST(ready_has_tracks_and_no_job),
		TEST(a_lost_lease_makes_nothing_ready),
		TEST(failing_for_good_keeps_the_spool),
		TEST(discarded_is_gone_without_a_trace),
		TEST(files_are_known_until_the_recording_goes),
		TEST(what_has_ended_cannot_be_discarded),
		TEST(unwanted_ones_are_forgotten_by_node_and_age),
		TEST(usage_follows_calls_files_and_deletion),
		TEST(scopes_hide_what_is_not_theirs),
		TEST(edits_are_bounded_and_searchable),
		TEST(deleted_ones_are_purged_when_no_worker_holds_them),
		TEST(retention_counts_from_the_end_of_the_call),
		TEST(tenants_are_found_by_name_and_id),
		TEST(audit_is_read_newest_first_by_tenant_and_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
