#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/clients.h"
#include "auth/token_form.h"
#include "auth/trunks.h"
#include "auth/users.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/settings.h"
#include "srs/gate/gate.h"
#include "srs/gate/limit.h"
#include "storage/catalog_recording.h"
#include "storage/db.h"
#include "tests/support/auth_rig.h"

#define SECOND 1000000LL

/* One gate and one good call, which the tests spoil. */
struct rig {
	struct auth_rig r;
	struct settings settings;
	struct gate *gate;
	struct token_pair pair;
	struct identity people[3];
	struct call_facts facts;
	struct gate_request req;
	struct gate_verdict v;
};

static void set_stream(struct call_stream *s, const char *codec)
{
	memset(s, 0, sizeof(*s));
	s->kind = COND_AUDIO;
	s->offered = true;
	s->n_codecs = 1;
	s->recordable = 1;
	assert_int_equal(codec_name_parse(codec, &s->codecs[0]), 0);
}

static void use_token(struct rig *t, const char *token)
{
	t->req.bearer_result = token ? BEARER_OK : BEARER_NONE;
	t->req.bearer.token = span_of(token);
	t->req.bearer.form = BEARER_FORM_PLAIN;
}

static int setup(void **state)
{
	struct rig *t = mem_zalloc(sizeof(*t));

	*state = t;
	log_setup(LOG_ERROR + 1, LOG_TEXT, "test");
	assert_int_equal(auth_rig_open(&t->r, ":memory:"), 0);
	(void)str_copy(t->settings.server.name, sizeof(t->settings.server.name),
		       "crs.example");
	(void)str_copy(t->settings.http.public_url,
		       sizeof(t->settings.http.public_url),
		       "https://crs.example/");
	assert_int_equal(gate_create(&t->r.auth, &t->settings, &t->gate), 0);
	auth_rig_issue(&t->r, &t->pair);
	assert_int_equal(
		identity_parse("sip:alice@voip.example", &t->people[0]), 0);
	assert_int_equal(identity_parse("sip:bob@voip.example", &t->people[1]),
			 0);
	t->facts.people = t->people;
	t->facts.n_people = 2;
	t->facts.people_known = true;
	t->facts.caller = -1;
	t->facts.wall_us = RIG_START_US;
	t->facts.n_streams = 2;
	set_stream(&t->facts.streams[0], "PCMU/8000");
	set_stream(&t->facts.streams[1], "PCMU/8000");
	t->req.method = "INVITE";
	t->req.call_id = "call-1";
	t->req.peer.transport = GATE_UDP;
	t->req.peer.address = "127.0.0.1";
	t->req.peer.loopback = true;
	t->req.facts = &t->facts;
	use_token(t, t->pair.access);
	return 0;
}

static int teardown(void **state)
{
	struct rig *t = *state;

	gate_verdict_fini(&t->v);
	gate_destroy(&t->gate);
	auth_rig_close(&t->r);
	mem_free(t);
	return 0;
}

static int64_t audited(struct rig *t, const char *action)
{
	int64_t n = -1;

	assert_int_equal(db_query_int(t->r.db,
				      "SELECT count(*) FROM audit WHERE action "
				      "= $1",
				      DB_ARGS(db_text(action)), &n),
			 0);
	return n;
}

/* No token may leave through any door. */
static void no_secret(struct rig *t)
{
	assert_null(strstr(t->v.challenge, "srs_"));
	assert_null(strstr(t->v.warning, "srs_"));
	assert_true(!t->v.problem || !strstr(t->v.problem, "srs_"));
	assert_int_equal(
		auth_rig_count(&t->r,
			       "SELECT count(*) FROM audit WHERE detail LIKE "
			       "'%srs\\__t\\_%' ESCAPE '\\'"),
		0);
}

static const struct gate_verdict *judge(struct rig *t)
{
	gate_verdict_fini(&t->v);
	gate_judge(t->gate, &t->req, &t->v);
	no_secret(t);
	return &t->v;
}

static void expect(struct rig *t, int status, enum gate_cause cause)
{
	(void)judge(t);
	if (t->v.status != status || t->v.cause != cause)
		fail_msg("status %d cause %d, %s", t->v.status, t->v.cause,
			 t->v.warning);
}

/* ---- the table --------------------------------------------------------- */

static void a_good_call_is_accepted(void **state)
{
	struct rig *t = *state;

	expect(t, 200, GATE_OK);
	assert_string_equal(t->v.challenge, "");
	assert_string_equal(t->v.snapshot.grant_id, t->r.grant.s);
	assert_string_equal(t->v.snapshot.owner_id, t->r.user.s);
	assert_string_equal(t->v.snapshot.tenant_id, t->r.tenant.s);
	assert_int_equal(t->v.judgement.n_permitted, 2);
	assert_int_equal(audited(t, "call.accept"), 1);
	assert_int_equal(audited(t, "call.refuse"), 0);
}

static void no_token_gets_a_challenge_without_error(void **state)
{
	struct rig *t = *state;

	use_token(t, NULL);
	expect(t, 401, GATE_NO_TOKEN);
	assert_string_equal(t->v.challenge,
			    "Bearer realm=\"crs.example\", "
			    "scope=\"call-recording\", "
			    "authz_server=\"https://crs.example\"");
	assert_int_equal(audited(t, "call.refuse"), 1);
}

/* Whoever sends junk must not fill the disk with entries about it. */
static void a_flood_without_tokens_is_entered_in_part(void **state)
{
	struct rig *t = *state;
	unsigned i;

	use_token(t, NULL);
	for (i = 0; i < 1000; i++)
		expect(t, 401, GATE_NO_TOKEN);
	assert_int_equal(audited(t, "call.refuse"), 60);
	assert_true(t->v.unwritten);
	use_token(t, t->pair.access); /* who is known is always entered */
	expect(t, 200, GATE_OK);
	assert_int_equal(audited(t, "call.accept"), 1);
	assert_int_equal(
		auth_rig_count(&t->r,
			       "SELECT count(*) FROM audit WHERE "
			       "json_extract(detail, '$.unwritten_before') "
			       "= 940"),
		1);
	use_token(t, NULL);
	clock_fake_advance(&t->r.clock, 60 * SECOND);
	expect(t, 401, GATE_NO_TOKEN);
	assert_false(t->v.unwritten);
	assert_int_equal(audited(t, "call.refuse"), 61);
}

static void bad_tokens_look_all_the_same(void **state)
{
	static const char same[] = "Bearer realm=\"crs.example\", "
				   "scope=\"call-recording\", "
				   "authz_server=\"https://crs.example\", "
				   "error=\"invalid_token\", "
				   "error_description=\"The access token is "
				   "not valid\"";
	struct rig *t = *state;
	struct token_form f, g;
	char text[TOKEN_MAX];

	use_token(t, "junk");
	expect(t, 401, GATE_BAD_TOKEN);
	assert_string_equal(t->v.challenge, same);
	token_form_random("at", &g);
	token_form_text(&g, text);
	use_token(t, text);
	expect(t, 401, GATE_BAD_TOKEN);
	assert_string_equal(t->v.challenge, same);
	assert_int_equal(token_form_parse(span_of(t->pair.access), &f), 0);
	memcpy(f.secret, g.secret, sizeof(f.secret));
	token_form_text(&f, text);
	use_token(t, text);
	expect(t, 401, GATE_BAD_TOKEN);
	assert_string_equal(t->v.challenge, same);
	use_token(t, t->pair.access);
	clock_fake_advance(&t->r.clock, 600 * SECOND);
	expect(t, 401, GATE_BAD_TOKEN);
	assert_string_equal(t->v.challenge, same);
	auth_rig_issue(&t->r, &t->pair);
	use_token(t, t->pair.access);
	expect(t, 200, GATE_OK);
	assert_int_equal(grant_revoke(&t->r.auth, t->r.grant.s, "", "x"), 0);
	expect(t, 401, GATE_BAD_TOKEN);
	assert_string_equal(t->v.challenge, same);
}

static void other_tls_identity_is_a_bad_token(void **state)
{
	struct rig *t = *state;

	assert_int_equal(db_exec(t->r.db,
				 "UPDATE clients SET tls_identity = "
				 "'sbc.voip.example'",
				 DB_NONE),
			 2);
	expect(t, 401, GATE_BAD_TOKEN);
	t->req.peer.transport = GATE_TLS;
	expect(t, 401, GATE_BAD_TOKEN);
	t->req.peer.tls_names[0] = "other.example";
	t->req.peer.tls_names[1] = "SBC.voip.example";
	t->req.peer.n_tls_names = 2;
	expect(t, 200, GATE_OK);
	assert_string_equal(t->v.snapshot.tls_name, "sbc.voip.example");
}

static void scope_is_needed(void **state)
{
	struct rig *t = *state;
	char token[TOKEN_MAX], id[TOKEN_ID_LEN + 1];
	struct token_pair p;

	assert_int_equal(
		token_issue(&t->r.auth, t->r.grant.s, SCOPE_API, "x", &p), 0);
	use_token(t, p.access);
	expect(t, 401, GATE_NO_SCOPE);
	assert_non_null(strstr(t->v.challenge, "error=\"invalid_scope\""));
	assert_int_equal(token_issue_api(&t->r.auth, t->r.user.s, "", 0, "x",
					 token, id),
			 0);
	use_token(t, token);
	expect(t, 401, GATE_NO_SCOPE);
}

static void malformed_credentials_are_400(void **state)
{
	struct rig *t = *state;

	t->req.bearer_result = BEARER_SEVERAL;
	t->req.bearer.why = "Several \"Bearer\" credentials";
	expect(t, 400, GATE_MALFORMED);
	assert_string_equal(t->v.warning,
			    "399 crs.example \"Several \\\"Bearer\\\" "
			    "credentials\"");
	assert_string_equal(t->v.challenge, "");
	t->req.bearer_result = BEARER_MALFORMED;
	t->req.bearer.why = NULL;
	expect(t, 400, GATE_MALFORMED);
}

static void quoted_token_needs_permission(void **state)
{
	struct rig *t = *state;

	t->req.bearer.form = BEARER_FORM_TOKEN_PARAM;
	expect(t, 400, GATE_MALFORMED);
	assert_int_equal(db_exec(t->r.db,
				 "UPDATE clients SET quoted_bearer = 1",
				 DB_NONE),
			 2);
	expect(t, 200, GATE_OK);
}

static void token_in_clear_is_refused_and_remembered(void **state)
{
	struct rig *t = *state;

	t->req.peer.loopback = false;
	t->req.peer.address = "192.0.2.7";
	expect(t, 403, GATE_CLEARTEXT);
	assert_string_equal(t->v.challenge, "");
	assert_int_equal(audited(t, "token.exposed"), 1);
	assert_int_equal(auth_rig_count(&t->r,
					"SELECT count(*) FROM tokens WHERE "
					"exposed_us > 0"),
			 1);
	use_token(t, NULL);
	expect(t, 403, GATE_CLEARTEXT);
	assert_string_equal(t->v.challenge, "");
	use_token(t, t->pair.access);
	t->settings.sip.allow_cleartext_tokens = 1;
	expect(t, 200, GATE_OK);
	t->settings.sip.allow_cleartext_tokens = 2;
	t->req.peer.loopback = true;
	expect(t, 403, GATE_CLEARTEXT);
	t->req.peer.transport = GATE_TLS;
	expect(t, 200, GATE_OK);
}

static void refresh_token_in_sip_is_an_incident(void **state)
{
	struct rig *t = *state;

	use_token(t, t->pair.refresh);
	expect(t, 401, GATE_BAD_TOKEN);
	assert_int_equal(audited(t, "token.family_revoke"), 1);
	use_token(t, t->pair.access);
	expect(t, 401, GATE_BAD_TOKEN);
}

static void too_large_is_513(void **state)
{
	struct rig *t = *state;

	t->req.too_large = true;
	expect(t, 513, GATE_TOO_LARGE);
}

static void guessing_is_slowed_down(void **state)
{
	struct rig *t = *state;
	int i;

	use_token(t, "junk");
	for (i = 0; i < 200; i++)
		expect(t, 401, GATE_BAD_TOKEN);
	expect(t, 503, GATE_RATE);
	assert_true(t->v.retry_after_s > 0);
	t->req.peer.address = "127.0.0.2";
	expect(t, 401, GATE_BAD_TOKEN);
	t->req.peer.address = "127.0.0.1";
	clock_fake_advance(&t->r.clock, 10 * SECOND);
	expect(t, 401, GATE_BAD_TOKEN);
}

static void expired_tokens_are_no_guesses(void **state)
{
	struct rig *t = *state;
	int i;

	clock_fake_advance(&t->r.clock, 600 * SECOND);
	for (i = 0; i < 300; i++)
		expect(t, 401, GATE_BAD_TOKEN);
	auth_rig_issue(&t->r, &t->pair);
	use_token(t, t->pair.access);
	expect(t, 200, GATE_OK);
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
	struct rig *t = *state;

	t->req.body_error = "No SDP in the body";
	expect(t, 400, GATE_BODY);
	assert_string_equal(t->v.warning,
			    "399 crs.example \"No SDP in the body\"");
	t->req.body_unknown = true;
	expect(t, 415, GATE_BODY_TYPE);
}

static void outside_the_conditions_is_403_with_reasons(void **state)
{
	struct rig *t = *state;

	t->facts.n_people = 1;
	expect(t, 403, GATE_CONDITIONS);
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

static void some_streams_outside_are_left_out(void **state)
{
	struct rig *t = *state;

	set_stream(&t->facts.streams[1], "opus/48000/2");
	expect(t, 200, GATE_OK);
	assert_true(t->v.judgement.narrowed);
	assert_true(t->v.judgement.streams[0].permitted);
	assert_false(t->v.judgement.streams[1].permitted);
	set_stream(&t->facts.streams[0], "opus/48000/2");
	expect(t, 403, GATE_CONDITIONS);
	assert_non_null(strstr(t->v.problem, "conditions.media.codecs"));
}

static void codecs_we_cannot_record_are_488(void **state)
{
	struct rig *t = *state;

	t->facts.streams[0].recordable = 0;
	expect(t, 200, GATE_OK);
	t->facts.streams[1].recordable = 0;
	expect(t, 488, GATE_CODECS);
	assert_string_equal(t->v.warning,
			    "305 crs.example \"Incompatible media format\"");
	t->facts.n_streams = 0; /* no offer yet */
	expect(t, 200, GATE_OK);
}

static void add_recording(struct rig *t, const char *grant, int64_t started_us)
{
	struct id id;

	id_new(&id, started_us);
	assert_int_equal(recording_create(t->r.db,
					  &(struct recording_new){
						  .id = id.s,
						  .tenant_id = t->r.tenant.s,
						  .grant_id = grant,
						  .node = "n",
						  .started_us = started_us }),
			 0);
}

static void use_grant(struct rig *t, const char *conditions, const char *more,
		      struct id *ret_id)
{
	auth_rig_grant(&t->r, auth_rig_details(conditions, more), ret_id);
	assert_int_equal(
		token_issue(&t->r.auth, ret_id->s, NULL, "x", &t->pair), 0);
	use_token(t, t->pair.access);
}

static void concurrent_calls_are_486(void **state)
{
	struct rig *t = *state;
	struct id id;

	use_grant(t, "\"max_concurrent\":2", "", &id);
	add_recording(t, id.s, RIG_START_US);
	expect(t, 200, GATE_OK);
	add_recording(t, id.s, RIG_START_US);
	expect(t, 486, GATE_CONCURRENT);
	assert_true(t->v.retry_after_s > 0);
	assert_non_null(strstr(t->v.problem, "quota.max_concurrent"));
}

static void calls_of_the_day_are_counted(void **state)
{
	struct rig *t = *state;
	struct id id;

	use_grant(t, "", ",\"limits\":{\"sessions_per_day\":1}", &id);
	add_recording(t, id.s, RIG_START_US - 86400 * SECOND);
	expect(t, 200, GATE_OK);
	add_recording(t, id.s, RIG_START_US - 3600 * SECOND);
	expect(t, 403, GATE_QUOTA);
	assert_non_null(strstr(t->v.problem, "/quota.sessions_per_day"));
}

static void storage_is_counted(void **state)
{
	struct rig *t = *state;
	struct id id;

	use_grant(t, "", ",\"limits\":{\"storage_bytes\":100}", &id);
	add_recording(t, id.s, RIG_START_US);
	expect(t, 200, GATE_OK);
	assert_int_equal(db_exec(t->r.db, "UPDATE recordings SET bytes = 100",
				 DB_NONE),
			 1);
	expect(t, 403, GATE_QUOTA);
	assert_non_null(strstr(t->v.problem, "/quota.storage_bytes"));
	assert_non_null(strstr(t->v.warning, "limits.storage_bytes"));
}

static void a_node_that_cannot_says_503(void **state)
{
	struct rig *t = *state;

	t->req.node.draining = true;
	expect(t, 503, GATE_NODE);
	assert_true(t->v.retry_after_s > 0);
	t->req.node = (struct gate_node){ .disk_low = true };
	expect(t, 503, GATE_NODE);
	t->req.node = (struct gate_node){ .full = true };
	expect(t, 503, GATE_NODE);
}

static void broken_database_is_500(void **state)
{
	struct rig *t = *state;

	assert_int_equal(db_script(t->r.db, "DROP TABLE audit", NULL), 0);
	gate_verdict_fini(&t->v);
	gate_judge(t->gate, &t->req, &t->v);
	assert_int_equal(t->v.status, 500);
}

static void missing_metadata_waits_or_refuses(void **state)
{
	struct rig *t = *state;

	t->facts.people_known = false;
	t->facts.n_people = 0;
	t->req.may_wait = true;
	expect(t, 200, GATE_OK);
	assert_true(t->v.wait_metadata);
	t->req.may_wait = false;
	expect(t, 403, GATE_CONDITIONS);
	t->req.may_wait = true;
	t->settings.sip.on_missing_metadata = 1;
	expect(t, 403, GATE_CONDITIONS);
	assert_non_null(strstr(t->v.warning, "no metadata"));
}

/* ---- trunks ------------------------------------------------------------ */

static void add_trunk(struct rig *t, struct trunk *tr, const char *key,
		      const char *value)
{
	struct err e = { 0 };

	trunk_defaults(tr);
	(void)trunk_set(tr, "name", "sbc", NULL);
	(void)trunk_set(tr, "grant", t->r.grant.s, NULL);
	assert_int_equal(trunk_set(tr, key, value, &e), 0);
	if (trunk_add(&t->r.auth, tr, "operator", &e) < 0)
		fail_msg("%s", e.text);
	use_token(t, NULL);
}

static void change_trunk(struct rig *t, struct trunk *tr, const char *key,
			 const char *value)
{
	struct err e = { 0 };

	assert_int_equal(trunk_set(tr, key, value, &e), 0);
	if (trunk_change(&t->r.auth, tr, "operator", &e) < 0)
		fail_msg("%s", e.text);
}

static void from_tls(struct rig *t, const char *name)
{
	t->req.peer.transport = GATE_TLS;
	t->req.peer.tls_names[0] = name;
	t->req.peer.n_tls_names = 1;
}

static void trunk_stands_for_a_token(void **state)
{
	struct rig *t = *state;
	char actor[64];
	struct trunk tr;

	add_trunk(t, &tr, "tls_name", "sbc.voip.example");
	expect(t, 401, GATE_NO_TOKEN);
	from_tls(t, "SBC.voip.example");
	expect(t, 200, GATE_OK);
	assert_string_equal(t->v.snapshot.grant_id, t->r.grant.s);
	assert_string_equal(t->v.snapshot.trunk.id, tr.id);
	assert_string_equal(t->v.snapshot.token_id, "");
	assert_string_equal(t->v.snapshot.tls_name, "sbc.voip.example");
	(void)snprintf(actor, sizeof(actor), "trunk:%s", tr.id);
	assert_int_equal(
		db_exec(t->r.db,
			"UPDATE audit SET action = 'x' WHERE actor = $1",
			DB_ARGS(db_text(actor))),
		1);
	t->facts.n_people = 1; /* the same conditions */
	expect(t, 403, GATE_CONDITIONS);
	use_token(t, "junk");
	expect(t, 401, GATE_BAD_TOKEN);
}

static void address_is_no_proof_unless_allowed(void **state)
{
	struct rig *t = *state;
	struct trunk tr;

	t->req.peer.address = "192.0.2.7";
	t->req.peer.loopback = false;
	add_trunk(t, &tr, "addresses", "192.0.2.0/24");
	expect(t, 403, GATE_CLEARTEXT);
	t->settings.sip.allow_address_trunks = true;
	expect(t, 200, GATE_OK);
	/* its token would still be one in clear */
	use_token(t, t->pair.access);
	expect(t, 403, GATE_CLEARTEXT);
	use_token(t, NULL);
	t->req.peer.address = "198.51.100.7";
	expect(t, 403, GATE_CLEARTEXT);
}

static void ended_trunk_looks_like_none(void **state)
{
	static const char *const ends[] = {
		"UPDATE clients SET disabled = 1",
		"UPDATE users SET disabled = 1",
		"UPDATE grants SET scope = 'recordings'",
		"UPDATE grants SET state = 'revoked'",
	};
	struct rig *t = *state;
	struct trunk tr;
	size_t i;

	add_trunk(t, &tr, "tls_name", "sbc.voip.example");
	from_tls(t, "sbc.voip.example");
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		expect(t, 200, GATE_OK);
		assert_int_equal(db_begin(t->r.db), 0);
		assert_true(db_exec(t->r.db, ends[i], DB_NONE) > 0);
		expect(t, 401, GATE_NO_TOKEN);
		assert_null(strstr(t->v.challenge, "error="));
		db_rollback(t->r.db);
	}
	change_trunk(t, &tr, "enabled", "no");
	expect(t, 401, GATE_NO_TOKEN);
	t->facts.location = "sip:two@crs.example";
	change_trunk(t, &tr, "enabled", "yes");
	expect(t, 401, GATE_NO_TOKEN); /* another tenant's user part */
	t->facts.location = "sip:one@crs.example";
	expect(t, 200, GATE_OK);
}

static void trunk_allows_forms_to_its_client_only(void **state)
{
	struct rig *t = *state;
	struct trunk tr;

	add_trunk(t, &tr, "tls_name", "sbc.voip.example");
	from_tls(t, "sbc.voip.example");
	use_token(t, t->pair.access);
	t->req.bearer.form = BEARER_FORM_TOKEN_PARAM;
	expect(t, 400, GATE_MALFORMED);
	change_trunk(t, &tr, "token_forms", "token");
	expect(t, 200, GATE_OK);
	assert_string_equal(t->v.snapshot.trunk.id, tr.id);
	t->req.bearer.form = BEARER_FORM_ACCESS_TOKEN_PARAM;
	expect(t, 400, GATE_MALFORMED);
	use_token(t, "junk");
	t->req.bearer.form = BEARER_FORM_ACCESS_TOKEN_PARAM;
	expect(t, 400, GATE_MALFORMED);
	t->req.bearer.form = BEARER_FORM_TOKEN_PARAM;
	expect(t, 401, GATE_BAD_TOKEN);
	/* the trunk of another client */
	assert_int_equal(db_exec(t->r.db, "UPDATE trunks SET client_id = $1",
				 DB_ARGS(db_text(t->r.other_client.s))),
			 1);
	use_token(t, t->pair.access);
	expect(t, 200, GATE_OK);
	assert_string_equal(t->v.snapshot.trunk.id, "");
	t->req.bearer.form = BEARER_FORM_TOKEN_PARAM;
	expect(t, 400, GATE_MALFORMED);
}

static void strict_trunk_wants_everything_recorded(void **state)
{
	struct rig *t = *state;
	struct gate_snapshot snap;
	struct trunk tr;

	t->req.strict_error = "answer.no_codec: line 1";
	expect(t, 200, GATE_OK); /* by token, from no trunk */
	add_trunk(t, &tr, "tls_name", "sbc.voip.example");
	from_tls(t, "sbc.voip.example");
	expect(t, 200, GATE_OK);
	change_trunk(t, &tr, "strictness", "strict");
	expect(t, 400, GATE_BODY);
	assert_non_null(strstr(t->v.warning, "answer.no_codec"));
	t->req.strict_error = NULL;
	expect(t, 200, GATE_OK);
	gate_snapshot_take(&t->v, &snap);
	t->req.strict_error = "sdp.bad_port: line 1";
	gate_verdict_fini(&t->v);
	gate_rejudge(t->gate, &snap, &t->req, &t->v);
	assert_int_equal(t->v.status, 400);
	t->req.method = NULL; /* nobody asked: goes on */
	gate_verdict_fini(&t->v);
	gate_rejudge(t->gate, &snap, &t->req, &t->v);
	assert_int_equal(t->v.status, 200);
	gate_snapshot_fini(&snap);
}

static void dialog_of_a_trunk_may_move_within_it(void **state)
{
	struct rig *t = *state;
	struct gate_snapshot snap, back;
	struct trunk tr;
	struct buf b;

	t->settings.sip.allow_address_trunks = true;
	t->req.peer.address = "192.0.2.7";
	add_trunk(t, &tr, "addresses", "192.0.2.0/24");
	change_trunk(t, &tr, "media_source", "learn");
	change_trunk(t, &tr, "channel_order", "label");
	change_trunk(t, &tr, "vendor", "Avaya");
	expect(t, 200, GATE_OK);
	gate_snapshot_take(&t->v, &snap);
	buf_init(&b, 65536);
	assert_int_equal(gate_snapshot_json(&snap, &b), 0);
	gate_snapshot_fini(&snap);
	assert_int_equal(gate_snapshot_parse(buf_str(&b), b.len, &back), 0);
	buf_fini(&b);
	assert_int_equal(back.trunk.source, TRUNK_SOURCE_LEARN);
	assert_int_equal(back.trunk.order, TRUNK_ORDER_LABEL);
	assert_string_equal(back.trunk.vendor, "Avaya");
	t->req.peer.address = "192.0.2.8";
	gate_verdict_fini(&t->v);
	gate_rejudge(t->gate, &back, &t->req, &t->v);
	assert_int_equal(t->v.status, 200);
	t->req.peer.address = "192.0.3.8";
	gate_verdict_fini(&t->v);
	gate_rejudge(t->gate, &back, &t->req, &t->v);
	assert_int_equal(t->v.status, 403);
	assert_int_equal(audited(t, "call.refuse_change"), 1);
	gate_snapshot_fini(&back);
}

static void retention_and_ends_are_handed_on(void **state)
{
	struct rig *t = *state;
	struct id id;

	use_grant(t, "\"max_duration_s\":60",
		  ",\"limits\":{\"retention_days\":7},"
		  "\"not_after\":\"2026-06-10T13:00:00Z\"",
		  &id);
	expect(t, 200, GATE_OK);
	assert_int_equal(t->v.retention_days, 7);
	assert_int_equal(t->v.judgement.max_duration_s, 60);
	assert_int_equal(t->v.judgement.ends_us, RIG_START_US + 3600 * SECOND);
}

/* ---- within a dialog --------------------------------------------------- */

static void rejudge(struct rig *t, const struct gate_snapshot *snap)
{
	gate_verdict_fini(&t->v);
	gate_rejudge(t->gate, snap, &t->req, &t->v);
	no_secret(t);
}

static void changes_are_judged_by_the_snapshot(void **state)
{
	struct rig *t = *state;
	struct gate_snapshot snap;

	expect(t, 200, GATE_OK);
	gate_snapshot_take(&t->v, &snap);
	use_token(t, NULL);
	clock_fake_advance(&t->r.clock, 3600 * SECOND); /* token is over */
	rejudge(t, &snap);
	assert_int_equal(t->v.status, 200);
	t->facts.n_people = 1; /* somebody left */
	rejudge(t, &snap);
	assert_int_equal(t->v.status, 403);
	assert_string_equal(t->v.judgement.violations[0].path,
			    "conditions.participants.min");
	assert_int_equal(audited(t, "call.refuse_change"), 1);
	t->req.method = NULL; /* nobody asked: conditions were narrowed */
	rejudge(t, &snap);
	assert_int_equal(t->v.status, 403);
	assert_int_equal(audited(t, "call.end"), 1);
	gate_snapshot_fini(&snap);
}

static void changes_must_come_from_the_same_place(void **state)
{
	struct rig *t = *state;
	struct gate_snapshot snap;

	expect(t, 200, GATE_OK);
	gate_snapshot_take(&t->v, &snap);
	use_token(t, NULL);
	t->req.peer.address = "127.0.0.9";
	rejudge(t, &snap);
	assert_int_equal(t->v.status, 403);
	assert_int_equal(t->v.cause, GATE_PEER);
	use_token(t, t->pair.access);
	rejudge(t, &snap);
	assert_int_equal(t->v.status, 200);
	gate_snapshot_fini(&snap);
}

static void snapshot_survives_as_json(void **state)
{
	struct rig *t = *state;
	struct gate_snapshot a, b;
	struct buf x, y;

	expect(t, 200, GATE_OK);
	gate_snapshot_take(&t->v, &a);
	buf_init(&x, 65536);
	buf_init(&y, 65536);
	assert_int_equal(gate_snapshot_json(&a, &x), 0);
	assert_int_equal(gate_snapshot_parse(buf_str(&x), x.len, &b), 0);
	assert_int_equal(gate_snapshot_json(&b, &y), 0);
	assert_string_equal(buf_str(&x), buf_str(&y));
	use_token(t, NULL);
	rejudge(t, &b);
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
	struct rig *t = *state;
	struct gate_snapshot snap;
	struct err e = { 0 };

	expect(t, 200, GATE_OK);
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
	rejudge(t, &snap);
	assert_int_equal(t->v.status, 403);
	assert_int_equal(grant_revoke(&t->r.auth, t->r.grant.s, "", "x"), 0);
	assert_int_equal(gate_snapshot_reload(t->gate, &snap), -EKEYREVOKED);
	gate_snapshot_fini(&snap);
}

static void options_tells_how_the_node_is(void **state)
{
	struct rig *t = *state;

	t->req.method = "OPTIONS";
	use_token(t, NULL);
	t->req.peer.loopback = false; /* a health check carries no token */
	gate_options(t->gate, &t->req, &t->v);
	assert_int_equal(t->v.status, 200);
	t->req.peer.loopback = true;
	use_token(t, "junk");
	gate_options(t->gate, &t->req, &t->v);
	assert_int_equal(t->v.status, 401);
	t->req.node.full = true;
	gate_options(t->gate, &t->req, &t->v);
	assert_int_equal(t->v.status, 503);
	assert_true(t->v.retry_after_s > 0);
}

static void survives_lack_of_memory(void **state)
{
	struct rig *t = *state;
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

#define RIG(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

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
		RIG(some_streams_outside_are_left_out),
		RIG(codecs_we_cannot_record_are_488),
		RIG(concurrent_calls_are_486),
		RIG(calls_of_the_day_are_counted),
		RIG(storage_is_counted),
		RIG(a_node_that_cannot_says_503),
		RIG(broken_database_is_500),
		RIG(missing_metadata_waits_or_refuses),
		RIG(trunk_stands_for_a_token),
		RIG(address_is_no_proof_unless_allowed),
		RIG(ended_trunk_looks_like_none),
		RIG(trunk_allows_forms_to_its_client_only),
		RIG(strict_trunk_wants_everything_recorded),
		RIG(dialog_of_a_trunk_may_move_within_it),
		RIG(retention_and_ends_are_handed_on),
		RIG(changes_are_judged_by_the_snapshot),
		RIG(changes_must_come_from_the_same_place),
		RIG(snapshot_survives_as_json),
		RIG(snapshot_follows_a_narrowed_grant),
		RIG(options_tells_how_the_node_is),
		RIG(survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
