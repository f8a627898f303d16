/* test_gate.c - facts about srs/gate/gate.h: an INVITE that starts a dialog. */
#include "srs/gate/gate.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <string.h>

#include "auth/token_form.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "srs/gate/limit.h"
#include "storage/catalog.h"
#include "storage/db.h"
#include "tests/support/gate_rig.h"

#define SECOND 1000000LL

static void a_good_call_is_accepted(void **state)
{
	struct gate_rig *t = *state;

	gate_rig_expect(t, 200, GATE_OK);
	assert_string_equal(t->v.challenge, "");
	assert_string_equal(t->v.snapshot.grant_id, t->r.grant.s);
	assert_string_equal(t->v.snapshot.owner_id, t->r.user.s);
	assert_string_equal(t->v.snapshot.tenant_id, t->r.tenant.s);
	assert_int_equal(t->v.judgement.n_permitted, 2);
	assert_int_equal(gate_rig_audited(t, "call.accept"), 1);
	assert_int_equal(gate_rig_audited(t, "call.refuse"), 0);
}

static void no_token_gets_a_challenge_without_error(void **state)
{
	struct gate_rig *t = *state;

	gate_rig_token(t, NULL);
	gate_rig_expect(t, 401, GATE_NO_TOKEN);
	assert_string_equal(t->v.challenge,
			    "Bearer realm=\"crs.example\", "
			    "scope=\"call-recording\", "
			    "authz_server=\"https://crs.example\"");
	assert_int_equal(gate_rig_audited(t, "call.refuse"), 1);
}

/* Whoever sends junk must not fill the disk with entries about it. */
static void a_flood_without_tokens_is_entered_in_part(void **state)
{
	struct gate_rig *t = *state;
	unsigned i;

	gate_rig_token(t, NULL);
	for (i = 0; i < 1000; i++)
		gate_rig_expect(t, 401, GATE_NO_TOKEN);
	assert_int_equal(gate_rig_audited(t, "call.refuse"), 60);
	assert_true(t->v.unwritten);
	gate_rig_token(t, t->pair.access); /* who is known is always entered */
	gate_rig_expect(t, 200, GATE_OK);
	assert_int_equal(gate_rig_audited(t, "call.accept"), 1);
	assert_int_equal(
		auth_rig_count(&t->r,
			       "SELECT count(*) FROM audit WHERE "
			       "json_extract(detail, '$.unwritten_before') "
			       "= 940"),
		1);
	gate_rig_token(t, NULL);
	clock_fake_advance(&t->r.clock, 60 * SECOND);
	gate_rig_expect(t, 401, GATE_NO_TOKEN);
	assert_false(t->v.unwritten);
	assert_int_equal(gate_rig_audited(t, "call.refuse"), 61);
}

static void bad_tokens_look_all_the_same(void **state)
{
	static const char same[] = "Bearer realm=\"crs.example\", "
				   "scope=\"call-recording\", "
				   "authz_server=\"https://crs.example\", "
				   "error=\"invalid_token\", "
				   "error_description=\"The access token is "
				   "not valid\"";
	struct gate_rig *t = *state;
	struct token_form f, g;
	char text[TOKEN_MAX];

	gate_rig_token(t, "junk");
	gate_rig_expect(t, 401, GATE_BAD_TOKEN);
	assert_string_equal(t->v.challenge, same);
	token_form_random("at", &g);
	token_form_text(&g, text);
	gate_rig_token(t, text);
	gate_rig_expect(t, 401, GATE_BAD_TOKEN);
	assert_string_equal(t->v.challenge, same);
	assert_int_equal(token_form_parse(span_of(t->pair.access), &f), 0);
	memcpy(f.secret, g.secret, sizeof(f.secret));
	token_form_text(&f, text);
	gate_rig_token(t, text);
	gate_rig_expect(t, 401, GATE_BAD_TOKEN);
	assert_string_equal(t->v.challenge, same);
	gate_rig_token(t, t->pair.access);
	clock_fake_advance(&t->r.clock, 600 * SECOND);
	gate_rig_expect(t, 401, GATE_BAD_TOKEN);
	assert_string_equal(t->v.challenge, same);
	auth_rig_issue(&t->r, &t->pair);
	gate_rig_token(t, t->pair.access);
	gate_rig_expect(t, 200, GATE_OK);
	assert_int_equal(grant_revoke(&t->r.auth, t->r.grant.s, "", "x"), 0);
	gate_rig_expect(t, 401, GATE_BAD_TOKEN);
	assert_string_equal(t->v.challenge, same);
}

static void other_tls_identity_is_a_bad_token(void **state)
{
	struct gate_rig *t = *state;

	assert_int_equal(db_exec(t->r.db,
				 "UPDATE clients SET tls_identity = "
				 "'sbc.voip.example'",
				 DB_NONE),
			 2);
	gate_rig_expect(t, 401, GATE_BAD_TOKEN);
	t->req.peer.transport = GATE_TLS;
	gate_rig_expect(t, 401, GATE_BAD_TOKEN);
	t->req.peer.tls_names[0] = "other.example";
	t->req.peer.tls_names[1] = "SBC.voip.example";
	t->req.peer.n_tls_names = 2;
	gate_rig_expect(t, 200, GATE_OK);
	assert_string_equal(t->v.snapshot.tls_name, "sbc.voip.example");
}

static void scope_is_needed(void **state)
{
	struct gate_rig *t = *state;
	char token[TOKEN_MAX], id[TOKEN_ID_LEN + 1];
	struct token_pair p;

	assert_int_equal(
		token_issue(&t->r.auth, t->r.grant.s, SCOPE_API, "x", &p), 0);
	gate_rig_token(t, p.access);
	gate_rig_expect(t, 401, GATE_NO_SCOPE);
	assert_non_null(strstr(t->v.challenge, "error=\"invalid_scope\""));
	assert_int_equal(token_issue_api(&t->r.auth, t->r.user.s, "", 0, "x",
					 token, id),
			 0);
	gate_rig_token(t, token);
	gate_rig_expect(t, 401, GATE_NO_SCOPE);
}

static void malformed_credentials_are_400(void **state)
{
	struct gate_rig *t = *state;

	t->req.bearer_result = BEARER_SEVERAL;
	t->req.bearer.why = "Several \"Bearer\" credentials";
	gate_rig_expect(t, 400, GATE_MALFORMED);
	assert_string_equal(t->v.warning,
			    "399 crs.example \"Several \\\"Bearer\\\" "
			    "credentials\"");
	assert_string_equal(t->v.challenge, "");
	t->req.bearer_result = BEARER_MALFORMED;
	t->req.bearer.why = NULL;
	gate_rig_expect(t, 400, GATE_MALFORMED);
}

static void quoted_token_needs_permission(void **state)
{
	struct gate_rig *t = *state;

	t->req.bearer.form = BEARER_FORM_TOKEN_PARAM;
	gate_rig_expect(t, 400, GATE_MALFORMED);
	assert_int_equal(db_exec(t->r.db,
				 "UPDATE clients SET quoted_bearer = 1",
				 DB_NONE),
			 2);
	gate_rig_expect(t, 200, GATE_OK);
}

static void token_in_clear_is_refused_and_remembered(void **state)
{
	struct gate_rig *t = *state;

	t->req.peer.loopback = false;
	t->req.peer.address = "192.0.2.7";
	gate_rig_expect(t, 403, GATE_CLEARTEXT);
	assert_string_equal(t->v.challenge, "");
	assert_int_equal(gate_rig_audited(t, "token.exposed"), 1);
	assert_int_equal(auth_rig_count(&t->r,
					"SELECT count(*) FROM tokens WHERE "
					"exposed_us > 0"),
			 1);
	gate_rig_token(t, NULL);
	gate_rig_expect(t, 403, GATE_CLEARTEXT);
	assert_string_equal(t->v.challenge, "");
	gate_rig_token(t, t->pair.access);
	t->settings.sip.allow_cleartext_tokens = 1;
	gate_rig_expect(t, 200, GATE_OK);
	t->settings.sip.allow_cleartext_tokens = 2;
	t->req.peer.loopback = true;
	gate_rig_expect(t, 403, GATE_CLEARTEXT);
	t->req.peer.transport = GATE_TLS;
	gate_rig_expect(t, 200, GATE_OK);
}

static void refresh_token_in_sip_is_an_incident(void **state)
{
	struct gate_rig *t = *state;

	gate_rig_token(t, t->pair.refresh);
	gate_rig_expect(t, 401, GATE_BAD_TOKEN);
	assert_int_equal(gate_rig_audited(t, "token.family_revoke"), 1);
	gate_rig_token(t, t->pair.access);
	gate_rig_expect(t, 401, GATE_BAD_TOKEN);
}

static void too_large_is_513(void **state)
{
	struct gate_rig *t = *state;

	t->req.too_large = true;
	gate_rig_expect(t, 513, GATE_TOO_LARGE);
}

static void guessing_is_slowed_down(void **state)
{
	struct gate_rig *t = *state;
	int i;

	gate_rig_token(t, "junk");
	for (i = 0; i < 200; i++)
		gate_rig_expect(t, 401, GATE_BAD_TOKEN);
	gate_rig_expect(t, 503, GATE_RATE);
	assert_true(t->v.retry_after_s > 0);
	t->req.peer.address = "127.0.0.2";
	gate_rig_expect(t, 401, GATE_BAD_TOKEN);
	t->req.peer.address = "127.0.0.1";
	clock_fake_advance(&t->r.clock, 10 * SECOND);
	gate_rig_expect(t, 401, GATE_BAD_TOKEN);
}

static void expired_tokens_are_no_guesses(void **state)
{
	struct gate_rig *t = *state;
	int i;

	clock_fake_advance(&t->r.clock, 600 * SECOND);
	for (i = 0; i < 300; i++)
		gate_rig_expect(t, 401, GATE_BAD_TOKEN);
	auth_rig_issue(&t->r, &t->pair);
	gate_rig_token(t, t->pair.access);
	gate_rig_expect(t, 200, GATE_OK);
}

static void limit_table_never_overflows(void **state)
{
	struct gate_limit *l = mem_zalloc(sizeof(*l));
	char address[32];
	int i;

	(void)state;
	for (i = 0; i < 5000; i++) {
		(void)snprintf(address, sizeof(address), "10.0.%d.%d", i / 256,
			       i % 256);
		gate_limit_count(l, address, i);
		assert_false(gate_limit_over(l, address, i));
	}
	mem_free(l);
}

static void bad_body_is_400(void **state)
{
	struct gate_rig *t = *state;

	t->req.body_error = "No SDP in the body";
	gate_rig_expect(t, 400, GATE_BODY);
	assert_string_equal(t->v.warning,
			    "399 crs.example \"No SDP in the body\"");
	t->req.body_unknown = true;
	gate_rig_expect(t, 415, GATE_BODY_TYPE);
}

static void outside_the_conditions_is_403_with_reasons(void **state)
{
	struct gate_rig *t = *state;

	t->facts.n_people = 1;
	gate_rig_expect(t, 403, GATE_CONDITIONS);
	assert_string_equal(t->v.warning,
			    "399 crs.example \"conditions.participants.min: "
			    "required 2 or more, got 1\"");
	assert_string_equal(
		t->v.problem,
		"{\"type\":\"/problems/outside-conditions\",\"title\":\"The "
		"call is outside what its owner authorized\",\"status\":403,"
		"\"detail\":\"conditions.participants.min: required 2 or "
		"more, got 1\",\"violations\":[{\"path\":"
		"\"conditions.participants.min\",\"required\":\"2 or more\","
		"\"got\":\"1\"}]}");
	assert_string_equal(t->v.challenge, "");
	assert_int_equal(
		auth_rig_count(&t->r,
			       "SELECT count(*) FROM audit WHERE action = "
			       "'call.refuse' AND detail LIKE "
			       "'%participants.min%' AND tenant_id <> ''"),
		1);
}

/* sip:DIGITS without host, as Metaswitch sends it. */
static void numbers_are_of_the_tenants_country(void **state)
{
	struct gate_rig *t = *state;
	struct gate_snapshot snap = { 0 }, again = { 0 };
	struct tenant_numbers n = { "44", "", "" };
	struct err e = { 0 };
	struct id grant;
	struct buf b;

	gate_rig_grant(t, "", "", &grant);
	assert_int_equal(db_exec(t->r.db,
				 "UPDATE grants SET conditions = replace("
				 "conditions, 'sip:alice@voip.example', "
				 "'sip:02079460001@voip.example')",
				 DB_NONE),
			 2);
	assert_int_equal(identity_parse("sip:442079460001", &t->people[0]), 0);
	t->facts.numbers = NULL;
	gate_rig_expect(t, 403, GATE_CONDITIONS);
	assert_int_equal(tenant_set_numbers(t->r.db, t->r.tenant.s, &n, &e), 0);
	t->facts.numbers = NULL;
	gate_rig_expect(t, 200, GATE_OK);
	gate_snapshot_take(&t->v, &snap);
	assert_string_equal(snap.numbers.country, "44");
	assert_string_equal(snap.numbers.national, "0");
	buf_init(&b, 65536);
	assert_int_equal(gate_snapshot_json(&snap, &b), 0);
	assert_int_equal(gate_snapshot_parse(buf_str(&b), b.len, &again), 0);
	assert_memory_equal(&again.numbers, &snap.numbers,
			    sizeof(snap.numbers));
	gate_snapshot_fini(&again);
	gate_snapshot_fini(&snap);
	buf_fini(&b);
	(void)str_copy(n.national, sizeof(n.national), "x");
	assert_int_equal(tenant_set_numbers(t->r.db, t->r.tenant.s, &n, &e),
			 -EINVAL);
}

static void some_streams_outside_are_left_out(void **state)
{
	struct gate_rig *t = *state;

	gate_rig_stream(&t->facts.streams[1], "opus/48000/2");
	gate_rig_expect(t, 200, GATE_OK);
	assert_true(t->v.judgement.narrowed);
	assert_true(t->v.judgement.streams[0].permitted);
	assert_false(t->v.judgement.streams[1].permitted);
	gate_rig_stream(&t->facts.streams[0], "opus/48000/2");
	gate_rig_expect(t, 403, GATE_CONDITIONS);
	assert_non_null(strstr(t->v.problem, "conditions.media.codecs"));
}

static void codecs_we_cannot_record_are_488(void **state)
{
	struct gate_rig *t = *state;

	t->facts.streams[0].recordable = 0;
	gate_rig_expect(t, 200, GATE_OK);
	t->facts.streams[1].recordable = 0;
	gate_rig_expect(t, 488, GATE_CODECS);
	assert_string_equal(t->v.warning,
			    "305 crs.example \"Incompatible media format\"");
	t->facts.n_streams = 0; /* no offer yet */
	gate_rig_expect(t, 200, GATE_OK);
}

static void concurrent_calls_are_486(void **state)
{
	struct gate_rig *t = *state;
	struct id id;

	gate_rig_grant(t, "\"max_concurrent\":2", "", &id);
	gate_rig_record(t, id.s, RIG_START_US);
	gate_rig_expect(t, 200, GATE_OK);
	gate_rig_record(t, id.s, RIG_START_US);
	gate_rig_expect(t, 486, GATE_CONCURRENT);
	assert_true(t->v.retry_after_s > 0);
	assert_non_null(strstr(t->v.problem, "quota.max_concurrent"));
}

static void calls_of_the_day_are_counted(void **state)
{
	struct gate_rig *t = *state;
	struct id id;

	gate_rig_grant(t, "", ",\"limits\":{\"sessions_per_day\":1}", &id);
	gate_rig_record(t, id.s, RIG_START_US - 86400 * SECOND);
	gate_rig_expect(t, 200, GATE_OK);
	gate_rig_record(t, id.s, RIG_START_US - 3600 * SECOND);
	gate_rig_expect(t, 403, GATE_QUOTA);
	assert_non_null(strstr(t->v.problem, "/quota.sessions_per_day"));
}

static void storage_is_counted(void **state)
{
	struct gate_rig *t = *state;
	struct id id;

	gate_rig_grant(t, "", ",\"limits\":{\"storage_bytes\":100}", &id);
	gate_rig_record(t, id.s, RIG_START_US);
	gate_rig_expect(t, 200, GATE_OK);
	assert_int_equal(db_exec(t->r.db, "UPDATE recordings SET bytes = 100",
				 DB_NONE),
			 1);
	gate_rig_expect(t, 403, GATE_QUOTA);
	assert_non_null(strstr(t->v.problem, "/quota.storage_bytes"));
	assert_non_null(strstr(t->v.warning, "limits.storage_bytes"));
}

static void a_node_that_cannot_says_503(void **state)
{
	struct gate_rig *t = *state;

	t->req.node.draining = true;
	gate_rig_expect(t, 503, GATE_NODE);
	assert_true(t->v.retry_after_s > 0);
	t->req.node = (struct gate_node){ .disk_low = true };
	gate_rig_expect(t, 503, GATE_NODE);
	t->req.node = (struct gate_node){ .full = true };
	gate_rig_expect(t, 503, GATE_NODE);
}

static void broken_database_is_500(void **state)
{
	struct gate_rig *t = *state;

	assert_int_equal(db_script(t->r.db, "DROP TABLE audit", NULL), 0);
	gate_verdict_fini(&t->v);
	gate_judge(t->gate, &t->req, &t->v);
	assert_int_equal(t->v.status, 500);
}

static void missing_metadata_waits_or_refuses(void **state)
{
	struct gate_rig *t = *state;

	t->facts.people_known = false;
	t->facts.n_people = 0;
	t->req.may_wait = true;
	gate_rig_expect(t, 200, GATE_OK);
	assert_true(t->v.wait_metadata);
	t->req.may_wait = false;
	gate_rig_expect(t, 403, GATE_CONDITIONS);
	assert_non_null(strstr(t->v.warning, "no metadata"));
}

static void retention_and_ends_are_handed_on(void **state)
{
	struct gate_rig *t = *state;
	struct id id;

	gate_rig_grant(t, "\"max_duration_s\":60",
		       ",\"limits\":{\"retention_days\":7},"
		       "\"not_after\":\"2026-06-10T13:00:00Z\"",
		       &id);
	gate_rig_expect(t, 200, GATE_OK);
	assert_int_equal(t->v.retention_days, 7);
	assert_int_equal(t->v.judgement.max_duration_s, 60);
	assert_int_equal(t->v.judgement.ends_us, RIG_START_US + 3600 * SECOND);
}

static void options_tells_how_the_node_is(void **state)
{
	struct gate_rig *t = *state;

	t->req.method = "OPTIONS";
	gate_rig_token(t, NULL);
	t->req.peer.loopback = false; /* a health check carries no token */
	gate_options(t->gate, &t->req, &t->v);
	assert_int_equal(t->v.status, 200);
	t->req.peer.loopback = true;
	gate_rig_token(t, "junk");
	gate_options(t->gate, &t->req, &t->v);
	assert_int_equal(t->v.status, 401);
	t->req.node.full = true;
	gate_options(t->gate, &t->req, &t->v);
	assert_int_equal(t->v.status, 503);
	assert_true(t->v.retry_after_s > 0);
}

static void survives_lack_of_memory(void **state)
{
	struct gate_rig *t = *state;
	int n;

	for (n = 0; n < 400; n++) {
		gate_verdict_fini(&t->v);
		mem_fail_after(n);
		gate_judge(t->gate, &t->req, &t->v);
		mem_fail_after(-1);
		assert_true(t->v.status == 200 || t->v.status == 500);
	}
	assert_int_equal(t->v.status, 200);
}

static void every_cause_has_a_word_of_its_own(void **state)
{
	(void)state;
	for (int a = GATE_OK; a <= GATE_INTERNAL; a++) {
		assert_string_not_equal(gate_cause_name(a), "unknown");
		for (int b = GATE_OK; b < a; b++)
			assert_string_not_equal(gate_cause_name(a),
						gate_cause_name(b));
	}
	assert_string_equal(gate_cause_name(99), "unknown");
}

#define RIG(f)                                                                 \
	cmocka_unit_test_setup_teardown(f, gate_rig_setup, gate_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG(a_good_call_is_accepted),
		RIG(no_token_gets_a_challenge_without_error),
		RIG(a_flood_without_tokens_is_entered_in_part),
		RIG(bad_tokens_look_all_the_same),
		RIG(other_tls_identity_is_a_bad_token),
		RIG(scope_is_needed),
		RIG(malformed_credentials_are_400),
		RIG(quoted_token_needs_permission),
		RIG(token_in_clear_is_refused_and_remembered),
		RIG(refresh_token_in_sip_is_an_incident),
		RIG(too_large_is_513),
		RIG(guessing_is_slowed_down),
		RIG(expired_tokens_are_no_guesses),
		cmocka_unit_test(limit_table_never_overflows),
		cmocka_unit_test(every_cause_has_a_word_of_its_own),
		RIG(bad_body_is_400),
		RIG(outside_the_conditions_is_403_with_reasons),
		RIG(numbers_are_of_the_tenants_country),
		RIG(some_streams_outside_are_left_out),
		RIG(codecs_we_cannot_record_are_488),
		RIG(concurrent_calls_are_486),
		RIG(calls_of_the_day_are_counted),
		RIG(storage_is_counted),
		RIG(a_node_that_cannot_says_503),
		RIG(broken_database_is_500),
		RIG(missing_metadata_waits_or_refuses),
		RIG(retention_and_ends_are_handed_on),
		RIG(options_tells_how_the_node_is),
		RIG(survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
