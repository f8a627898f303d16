/* test_gate_dialog.c - facts about srs/gate/gate.h: changes in a dialog, the
 * snapshot, calls that this server starts, and who sends a request. */
#include "srs/gate/gate.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "storage/db.h"
#include "tests/support/gate_rig.h"

#define SECOND 1000000LL

static void changes_are_judged_by_the_snapshot(void **state)
{
	struct gate_rig *t = *state;
	struct gate_snapshot snap;

	gate_rig_expect(t, 200, GATE_OK);
	gate_snapshot_take(&t->v, &snap);
	gate_rig_token(t, NULL);
	clock_fake_advance(&t->r.clock, 3600 * SECOND); /* token is over */
	gate_rig_rejudge(t, &snap);
	assert_int_equal(t->v.status, 200);
	t->facts.n_people = 1; /* somebody left */
	gate_rig_rejudge(t, &snap);
	assert_int_equal(t->v.status, 403);
	assert_string_equal(t->v.judgement.violations[0].path,
			    "conditions.participants.min");
	assert_int_equal(gate_rig_audited(t, "call.refuse_change"), 1);
	t->req.method = NULL; /* nobody asked: conditions were narrowed */
	gate_rig_rejudge(t, &snap);
	assert_int_equal(t->v.status, 403);
	assert_int_equal(gate_rig_audited(t, "call.end"), 1);
	gate_snapshot_fini(&snap);
}

/* A redirect: the caller leaves, the newest message says what it says. */
static void a_caller_who_left_ends_no_call(void **state)
{
	static const struct {
		struct call_who who;
		int status;
	} steps[] = {
		{ { .user = NULL }, 200 },
		{ { .callers = { "eve" }, .n_callers = 1 }, 200 },
		{ { .user = "alice", .side = CALL_SIDE_WAS_CALLED }, 200 },
		{ { .user = "alice", .side = CALL_SIDE_CALLED }, 403 },
	};
	struct gate_rig *t = *state;
	struct gate_snapshot snap;
	struct id grant;

	gate_rig_grant(t, "\"direction\":\"inbound\"", "", &grant);
	assert_int_equal(identity_parse("sip:eve@other.example", &t->people[1]),
			 0);
	t->facts.n_people = 2;
	t->facts.caller = -1;
	gate_rig_judge(t);
	assert_int_equal(t->v.status, 403); /* not known */
	t->facts.who = (struct call_who){ .user = "alice",
					  .side = CALL_SIDE_WAS_CALLED };
	gate_rig_expect(t, 200, GATE_OK);
	assert_int_equal(t->v.judgement.direction, COND_DIR_IN);
	gate_snapshot_take(&t->v, &snap);
	gate_rig_token(t, NULL);
	assert_int_equal(
		identity_parse("sip:mallory@other.example", &t->people[1]), 0);
	t->facts.known_direction = COND_DIR_IN;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		t->facts.who = steps[i].who;
		gate_rig_rejudge(t, &snap);
		assert_int_equal(t->v.status, steps[i].status);
	}
	gate_snapshot_fini(&snap);
}

static void snapshot_survives_as_json(void **state)
{
	struct gate_rig *t = *state;
	struct gate_snapshot a, b;
	struct buf x, y;

	gate_rig_expect(t, 200, GATE_OK);
	gate_snapshot_take(&t->v, &a);
	buf_init(&x, 65536);
	buf_init(&y, 65536);
	assert_int_equal(gate_snapshot_json(&a, &x), 0);
	assert_int_equal(gate_snapshot_parse(buf_str(&x), x.len, &b), 0);
	assert_int_equal(gate_snapshot_json(&b, &y), 0);
	assert_string_equal(buf_str(&x), buf_str(&y));
	gate_rig_token(t, NULL);
	gate_rig_rejudge(t, &b);
	assert_int_equal(t->v.status, 200);
	assert_int_equal(gate_snapshot_parse("{}", 2, &a), -EINVAL);
	assert_int_equal(gate_snapshot_parse("x", 1, &a), -EINVAL);
	buf_fini(&x);
	buf_fini(&y);
	gate_snapshot_fini(&a);
	gate_snapshot_fini(&b);
}

static void snapshot_follows_a_narrowed_grant(void **state)
{
	struct gate_rig *t = *state;
	struct gate_snapshot snap;
	struct err e = { 0 };

	gate_rig_expect(t, 200, GATE_OK);
	gate_snapshot_take(&t->v, &snap);
	assert_int_equal(
		grant_narrow(&t->r.auth, t->r.grant.s,
			     auth_rig_details(
				     "\"participants\":{\"min\":3},\"media\":"
				     "[{\"kind\":\"audio\",\"codecs\":"
				     "[\"PCMU\"]}]",
				     ""),
			     "x", &e),
		0);
	assert_int_equal(gate_snapshot_reload(t->gate, &snap), 0);
	assert_int_equal(snap.version, 2);
	t->req.method = NULL;
	gate_rig_rejudge(t, &snap);
	assert_int_equal(t->v.status, 403);
	assert_int_equal(grant_revoke(&t->r.auth, t->r.grant.s, "", "x"), 0);
	assert_int_equal(gate_snapshot_reload(t->gate, &snap), -EKEYREVOKED);
	gate_snapshot_fini(&snap);
}

/* ---- calls that this server starts -------------------------------------- */

static void judge_named(struct gate_rig *t, const char *grant,
			const char *tenant)
{
	gate_verdict_fini(&t->v);
	gate_judge_grant(t->gate, grant, tenant, &t->req, &t->v);
	gate_rig_no_secret(t);
}

static void a_named_grant_needs_no_token(void **state)
{
	struct gate_rig *t = *state;

	t->req.peer.loopback = false; /* nothing travels in clear */
	t->req.peer.address = "192.0.2.7";
	gate_rig_token(t, NULL);
	judge_named(t, t->r.grant.s, t->r.tenant.s);
	assert_int_equal(t->v.status, 200);
	assert_int_equal(t->v.cause, GATE_OK);
	assert_string_equal(t->v.snapshot.tenant_id, t->r.tenant.s);
	assert_string_equal(t->v.snapshot.client_id, t->r.client.s);
	assert_string_equal(t->v.snapshot.grant_id, t->r.grant.s);
	assert_string_equal(t->v.snapshot.owner_id, t->r.user.s);
	assert_string_equal(t->v.snapshot.token_id, "");
	assert_string_equal(t->v.snapshot.trunk.id, "");
	assert_string_equal(t->v.snapshot.peer_address, "192.0.2.7");
	assert_non_null(t->v.snapshot.conditions);
	assert_int_equal(t->v.judgement.n_permitted, 2);
	assert_int_equal(gate_rig_audited(t, "call.start"), 1);
	gate_rig_token(t, "junk"); /* nor is one looked at */
	judge_named(t, t->r.grant.s, NULL);
	assert_int_equal(t->v.status, 200);
}

static void only_a_grant_of_the_tenant_is_found(void **state)
{
	struct gate_rig *t = *state;
	const struct {
		const char *grant, *tenant;
	} none[] = {
		{ t->r.grant.s, t->r.other_tenant.s },
		{ t->r.grant.s, "" },
		{ t->r.client.s, t->r.tenant.s },
		{ "x", NULL },
		{ "", NULL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(none); i++) {
		judge_named(t, none[i].grant, none[i].tenant);
		assert_int_equal(t->v.cause, GATE_BAD_TOKEN);
		assert_int_equal(t->v.status, 401);
		assert_string_equal(t->v.snapshot.grant_id, "");
		assert_null(t->v.snapshot.conditions);
	}
	assert_int_equal(gate_rig_audited(t, "call.start"), 0);
	assert_int_equal(gate_rig_audited(t, "call.refuse"), i);
}

/* What ends a grant, and what is refused then: an INVITE with its token, a
 * call of ours in its name, and who sends a request. */
static const char *const grant_ends[] = {
	"UPDATE clients SET disabled = 1",
	"UPDATE users SET disabled = 1",
	"UPDATE grants SET state = 'revoked'",
	"UPDATE grants SET expires_us = 1",
};

static void an_ended_grant_starts_no_call(void **state)
{
	struct gate_rig *t = *state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(grant_ends); i++) {
		assert_int_equal(db_begin(t->r.db), 0);
		assert_true(db_exec(t->r.db, grant_ends[i], DB_NONE) > 0);
		judge_named(t, t->r.grant.s, t->r.tenant.s);
		if (t->v.status == 200)
			fail_msg("%s: started", grant_ends[i]);
		assert_string_equal(t->v.snapshot.grant_id, "");
		assert_int_equal(gate_rig_audited(t, "call.refuse"), 1);
		db_rollback(t->r.db);
	}
	assert_int_equal(db_exec(t->r.db, "UPDATE grants SET scope = $1",
				 DB_ARGS(db_text(SCOPE_API))),
			 1);
	judge_named(t, t->r.grant.s, t->r.tenant.s);
	assert_int_not_equal(t->v.status, 200);
}

static void a_started_call_keeps_to_conditions_and_quotas(void **state)
{
	struct gate_rig *t = *state;
	struct id id;

	t->facts.n_people = 1;
	judge_named(t, t->r.grant.s, NULL);
	assert_int_equal(t->v.status, 403);
	assert_int_equal(t->v.cause, GATE_CONDITIONS);
	assert_non_null(strstr(t->v.problem, "conditions.participants.min"));
	t->facts.n_people = 2;
	t->facts.streams[0].recordable = t->facts.streams[1].recordable = 0;
	judge_named(t, t->r.grant.s, NULL);
	assert_int_equal(t->v.cause, GATE_CODECS);
	t->facts.n_streams = 0; /* our INVITE carries no offer of theirs */
	judge_named(t, t->r.grant.s, NULL);
	assert_int_equal(t->v.status, 200);
	gate_rig_grant(t, "\"max_concurrent\":1", "", &id);
	judge_named(t, id.s, NULL);
	assert_int_equal(t->v.status, 200);
	gate_rig_record(t, id.s, RIG_START_US);
	judge_named(t, id.s, NULL);
	assert_int_equal(t->v.cause, GATE_CONCURRENT);
	t->req.node.draining = true;
	judge_named(t, t->r.grant.s, NULL);
	assert_int_equal(t->v.cause, GATE_NODE);
}

static void a_started_call_waits_for_its_people(void **state)
{
	struct gate_rig *t = *state;

	t->facts.people_known = false;
	t->facts.n_people = 0;
	t->req.may_wait = true;
	judge_named(t, t->r.grant.s, NULL);
	assert_int_equal(t->v.status, 200);
	assert_true(t->v.wait_metadata);
	t->req.may_wait = false;
	judge_named(t, t->r.grant.s, NULL);
	assert_int_equal(t->v.cause, GATE_CONDITIONS);
}

/* ---- who sends this? --------------------------------------------------- */

static void identify(struct gate_rig *t, int status, enum gate_cause cause)
{
	gate_verdict_fini(&t->v);
	gate_identify(t->gate, "call.refer", &t->req, &t->v);
	gate_rig_no_secret(t);
	if (t->v.status != status || t->v.cause != cause)
		fail_msg("status %d cause %s, %s", t->v.status,
			 gate_cause_name(t->v.cause), t->v.warning);
	if (status != 200)
		assert_string_equal(t->v.snapshot.grant_id, "");
}

static void a_token_says_who_sends_a_request(void **state)
{
	struct gate_rig *t = *state;

	t->req.method = "REFER";
	t->req.facts = NULL; /* there is no call to look at */
	t->req.body_error = "no SDP";
	identify(t, 200, GATE_OK);
	assert_string_equal(t->v.snapshot.tenant_id, t->r.tenant.s);
	assert_string_equal(t->v.snapshot.client_id, t->r.client.s);
	assert_string_equal(t->v.snapshot.grant_id, t->r.grant.s);
	assert_string_equal(t->v.snapshot.owner_id, t->r.user.s);
	assert_string_equal(t->v.snapshot.peer_address, "127.0.0.1");
	assert_null(t->v.snapshot.conditions);
	assert_false(t->v.judged);
	assert_int_equal(gate_rig_audited(t, "call.refer"), 1);
	/* conditions are not looked at, quotas neither */
	t->req.facts = &t->facts;
	t->facts.n_people = 0;
	identify(t, 200, GATE_OK);
}

static void a_trunk_says_who_sends_a_request(void **state)
{
	struct gate_rig *t = *state;
	struct trunk tr;

	gate_rig_trunk(t, &tr, "tls_name", "sbc.voip.example");
	identify(t, 401, GATE_NO_TOKEN);
	gate_rig_from_tls(t, "sbc.voip.example");
	identify(t, 200, GATE_OK);
	assert_string_equal(t->v.snapshot.grant_id, t->r.grant.s);
	gate_rig_change_trunk(t, &tr, "enabled", "no");
	identify(t, 401, GATE_NO_TOKEN);
}

static void nobody_is_identified_by_less(void **state)
{
	struct gate_rig *t = *state;
	struct token_pair p;
	size_t i;

	gate_rig_token(t, NULL);
	identify(t, 401, GATE_NO_TOKEN);
	assert_null(strstr(t->v.challenge, "error="));
	gate_rig_token(t, "junk");
	identify(t, 401, GATE_BAD_TOKEN);
	assert_int_equal(
		token_issue(&t->r.auth, t->r.grant.s, SCOPE_API, "x", &p), 0);
	gate_rig_token(t, p.access);
	identify(t, 401, GATE_NO_SCOPE);
	gate_rig_token(t, t->pair.access);
	t->req.bearer_result = BEARER_SEVERAL;
	identify(t, 400, GATE_MALFORMED);
	t->req.bearer_result = BEARER_OK;
	t->req.too_large = true;
	identify(t, 513, GATE_TOO_LARGE);
	t->req.too_large = false;
	t->req.node.full = true;
	identify(t, 503, GATE_NODE);
	t->req.node.full = false;
	t->facts.location = "sip:two@crs.example"; /* another tenant's */
	identify(t, 401, GATE_BAD_TOKEN);
	t->facts.location = NULL;
	for (i = 0; i < ARRAY_SIZE(grant_ends); i++) {
		assert_int_equal(db_begin(t->r.db), 0);
		assert_true(db_exec(t->r.db, grant_ends[i], DB_NONE) > 0);
		gate_verdict_fini(&t->v);
		gate_identify(t->gate, "call.refer", &t->req, &t->v);
		if (t->v.status != 401)
			fail_msg("%s: %d", grant_ends[i], t->v.status);
		db_rollback(t->r.db);
	}
	t->req.peer.loopback = false;
	t->req.peer.address = "192.0.2.7";
	identify(t, 403, GATE_CLEARTEXT);
	assert_int_equal(gate_rig_audited(t, "token.exposed"), 1);
	assert_int_equal(gate_rig_audited(t, "call.refer"), 0);
}

static void guesses_in_other_requests_count_as_well(void **state)
{
	struct gate_rig *t = *state;
	int i;

	gate_rig_token(t, "junk");
	for (i = 0; i < 200; i++)
		identify(t, 401, GATE_BAD_TOKEN);
	identify(t, 503, GATE_RATE);
	gate_rig_token(t, t->pair.access);
	gate_rig_expect(t, 503, GATE_RATE); /* an INVITE from there too */
}

/* ---- both -------------------------------------------------------------- */

static void our_own_failures_are_500(void **state)
{
	struct gate_rig *t = *state;

	for (int n = 0; n < 400; n++) {
		mem_fail_after(n);
		gate_verdict_fini(&t->v);
		gate_judge_grant(t->gate, t->r.grant.s, NULL, &t->req, &t->v);
		assert_true(t->v.status == 200 || t->v.status == 500);
		mem_fail_after(n);
		gate_verdict_fini(&t->v);
		gate_identify(t->gate, "call.refer", &t->req, &t->v);
		assert_true(t->v.status == 200 || t->v.status == 500);
		mem_fail_after(-1);
	}
	assert_int_equal(db_script(t->r.db, "DROP TABLE audit", NULL), 0);
	gate_verdict_fini(&t->v);
	gate_judge_grant(t->gate, t->r.grant.s, NULL, &t->req, &t->v);
	assert_int_equal(t->v.status, 500);
	gate_verdict_fini(&t->v);
	gate_identify(t->gate, "call.refer", &t->req, &t->v);
	assert_int_equal(t->v.status, 500);
}

#define RIG(f)                                                                 \
	cmocka_unit_test_setup_teardown(f, gate_rig_setup, gate_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG(changes_are_judged_by_the_snapshot),
		RIG(a_caller_who_left_ends_no_call),
		RIG(snapshot_survives_as_json),
		RIG(snapshot_follows_a_narrowed_grant),
		RIG(a_named_grant_needs_no_token),
		RIG(only_a_grant_of_the_tenant_is_found),
		RIG(an_ended_grant_starts_no_call),
		RIG(a_started_call_keeps_to_conditions_and_quotas),
		RIG(a_started_call_waits_for_its_people),
		RIG(a_token_says_who_sends_a_request),
		RIG(a_trunk_says_who_sends_a_request),
		RIG(nobody_is_identified_by_less),
		RIG(guesses_in_other_requests_count_as_well),
		RIG(our_own_failures_are_500),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
