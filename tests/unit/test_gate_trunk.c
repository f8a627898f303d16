/* test_gate_trunk.c - facts about srs/gate/gate.h: trunks. */
#include "srs/gate/gate.h"

#include "tests/support/unit.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "storage/db.h"
#include "tests/support/gate_rig.h"

static void trunk_stands_for_a_token(void **state)
{
	struct gate_rig *t = *state;
	char actor[64];
	struct trunk tr;

	gate_rig_trunk(t, &tr, "tls_name", "sbc.voip.example");
	gate_rig_expect(t, 401, GATE_NO_TOKEN);
	gate_rig_from_tls(t, "SBC.voip.example");
	gate_rig_expect(t, 200, GATE_OK);
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
	gate_rig_expect(t, 403, GATE_CONDITIONS);
	gate_rig_token(t, "junk");
	gate_rig_expect(t, 401, GATE_BAD_TOKEN);
}

static void address_is_no_proof_unless_allowed(void **state)
{
	struct gate_rig *t = *state;
	struct trunk tr;

	t->req.peer.address = "192.0.2.7";
	t->req.peer.loopback = false;
	gate_rig_trunk(t, &tr, "addresses", "192.0.2.0/24");
	gate_rig_expect(t, 403, GATE_CLEARTEXT);
	t->settings.sip.allow_address_trunks = true;
	gate_rig_expect(t, 200, GATE_OK);
	/* its token would still be one in clear */
	gate_rig_token(t, t->pair.access);
	gate_rig_expect(t, 403, GATE_CLEARTEXT);
	gate_rig_token(t, NULL);
	t->req.peer.address = "198.51.100.7";
	gate_rig_expect(t, 403, GATE_CLEARTEXT);
}

static void ended_trunk_looks_like_none(void **state)
{
	static const char *const ends[] = {
		"UPDATE clients SET disabled = 1",
		"UPDATE users SET disabled = 1",
		"UPDATE grants SET scope = 'recordings'",
		"UPDATE grants SET state = 'revoked'",
	};
	struct gate_rig *t = *state;
	struct trunk tr;
	size_t i;

	gate_rig_trunk(t, &tr, "tls_name", "sbc.voip.example");
	gate_rig_from_tls(t, "sbc.voip.example");
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		gate_rig_expect(t, 200, GATE_OK);
		assert_int_equal(db_begin(t->r.db), 0);
		assert_true(db_exec(t->r.db, ends[i], DB_NONE) > 0);
		gate_rig_expect(t, 401, GATE_NO_TOKEN);
		assert_null(strstr(t->v.challenge, "error="));
		db_rollback(t->r.db);
	}
	gate_rig_change_trunk(t, &tr, "enabled", "no");
	gate_rig_expect(t, 401, GATE_NO_TOKEN);
	t->facts.location = "sip:two@crs.example";
	gate_rig_change_trunk(t, &tr, "enabled", "yes");
	gate_rig_expect(t, 401, GATE_NO_TOKEN); /* another tenant's user part */
	t->facts.location = "sip:one@crs.example";
	gate_rig_expect(t, 200, GATE_OK);
}

static void trunk_allows_forms_to_its_client_only(void **state)
{
	struct gate_rig *t = *state;
	struct trunk tr;

	gate_rig_trunk(t, &tr, "tls_name", "sbc.voip.example");
	gate_rig_from_tls(t, "sbc.voip.example");
	gate_rig_token(t, t->pair.access);
	t->req.bearer.form = BEARER_FORM_TOKEN_PARAM;
	gate_rig_expect(t, 400, GATE_MALFORMED);
	gate_rig_change_trunk(t, &tr, "token_forms", "token");
	gate_rig_expect(t, 200, GATE_OK);
	assert_string_equal(t->v.snapshot.trunk.id, tr.id);
	t->req.bearer.form = BEARER_FORM_ACCESS_TOKEN_PARAM;
	gate_rig_expect(t, 400, GATE_MALFORMED);
	gate_rig_token(t, "junk");
	t->req.bearer.form = BEARER_FORM_ACCESS_TOKEN_PARAM;
	gate_rig_expect(t, 400, GATE_MALFORMED);
	t->req.bearer.form = BEARER_FORM_TOKEN_PARAM;
	gate_rig_expect(t, 401, GATE_BAD_TOKEN);
	/* the trunk of another client */
	assert_int_equal(db_exec(t->r.db, "UPDATE trunks SET client_id = $1",
				 DB_ARGS(db_text(t->r.other_client.s))),
			 1);
	gate_rig_token(t, t->pair.access);
	gate_rig_expect(t, 200, GATE_OK);
	assert_string_equal(t->v.snapshot.trunk.id, "");
	t->req.bearer.form = BEARER_FORM_TOKEN_PARAM;
	gate_rig_expect(t, 400, GATE_MALFORMED);
}

static void strict_trunk_wants_everything_recorded(void **state)
{
	struct gate_rig *t = *state;
	struct gate_snapshot snap;
	struct trunk tr;

	t->req.strict_error = "answer.no_codec: line 1";
	gate_rig_expect(t, 200, GATE_OK); /* by token, from no trunk */
	gate_rig_trunk(t, &tr, "tls_name", "sbc.voip.example");
	gate_rig_from_tls(t, "sbc.voip.example");
	gate_rig_expect(t, 200, GATE_OK);
	gate_rig_change_trunk(t, &tr, "strictness", "strict");
	gate_rig_expect(t, 400, GATE_BODY);
	assert_non_null(strstr(t->v.warning, "answer.no_codec"));
	t->req.strict_error = NULL;
	gate_rig_expect(t, 200, GATE_OK);
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
	struct gate_rig *t = *state;
	struct gate_snapshot snap, back;
	struct trunk tr;
	struct buf b;

	t->settings.sip.allow_address_trunks = true;
	t->req.peer.address = "192.0.2.7";
	gate_rig_trunk(t, &tr, "addresses", "192.0.2.0/24");
	gate_rig_change_trunk(t, &tr, "media_source", "learn");
	gate_rig_change_trunk(t, &tr, "channel_order", "label");
	gate_rig_change_trunk(t, &tr, "vendor", "Avaya");
	gate_rig_expect(t, 200, GATE_OK);
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
	gate_within(t->gate, &back, &t->req, &t->v);
	assert_int_equal(t->v.status, 200);
	t->req.peer.address = "192.0.3.8";
	gate_verdict_fini(&t->v);
	gate_within(t->gate, &back, &t->req, &t->v);
	assert_int_equal(t->v.status, 403);
	assert_int_equal(gate_rig_audited(t, "call.refuse_change"), 1);
	gate_snapshot_fini(&back);
}

#define RIG(f)                                                                 \
	cmocka_unit_test_setup_teardown(f, gate_rig_setup, gate_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG(trunk_stands_for_a_token),
		RIG(address_is_no_proof_unless_allowed),
		RIG(ended_trunk_looks_like_none),
		RIG(trunk_allows_forms_to_its_client_only),
		RIG(strict_trunk_wants_everything_recorded),
		RIG(dialog_of_a_trunk_may_move_within_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
