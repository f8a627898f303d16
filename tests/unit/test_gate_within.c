/* test_gate_within.c - facts about gate_within(): whose requests in a dialog
 * count at all. */
#include "srs/gate/gate.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <string.h>

#include "auth/clients.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "storage/db.h"
#include "tests/support/gate_rig.h"

#define SECOND 1000000LL

static char hash_a[] = "aa00000000000000000000000000000000000000000000000000"
		       "000000000000";
static char hash_b[] = "bb00000000000000000000000000000000000000000000000000"
		       "000000000000";

static void accepted(struct gate_rig *t, struct gate_snapshot *snap)
{
	gate_rig_expect(t, 200, GATE_OK);
	gate_snapshot_take(&t->v, snap);
	gate_rig_token(t, NULL);
	t->req.method = "UPDATE";
}

static void within(struct gate_rig *t, const struct gate_snapshot *snap,
		   int status, enum gate_cause cause, const char *what)
{
	gate_verdict_fini(&t->v);
	gate_within(t->gate, snap, &t->req, &t->v);
	gate_rig_no_secret(t);
	if (t->v.status != status || t->v.cause != cause)
		fail_msg("%s: status %d cause %s, %s", what, t->v.status,
			 gate_cause_name(t->v.cause), t->v.warning);
	if (status == 403)
		assert_non_null(strstr(t->v.warning, "399 crs.example \""));
}

/* From here, and what is wrong with that. */
static void from(struct gate_rig *t, enum gate_transport transport,
		 const char *address, const char *name, const char *hash)
{
	t->req.peer.transport = transport;
	t->req.peer.address = address;
	t->req.peer.tls_names[0] = name;
	t->req.peer.n_tls_names = name ? 1 : 0;
	t->req.peer.tls_sha256 = hash;
}

static const char *const methods[] = {
	"INVITE", "UPDATE", "INFO",   "OPTIONS", "MESSAGE",   "BYE",  "REFER",
	"PRACK",  "ACK",    "NOTIFY", "CANCEL",	 "SUBSCRIBE", "NONE",
};

static void every_method_comes_from_the_same_address(void **state)
{
	struct gate_rig *t = *state;
	struct gate_snapshot snap;

	accepted(t, &snap);
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		t->req.method = methods[i];
		from(t, GATE_UDP, "127.0.0.1", NULL, NULL);
		within(t, &snap, 200, GATE_OK, methods[i]);
		from(t, GATE_TCP, "127.0.0.1", NULL, NULL);
		within(t, &snap, 200, GATE_OK, methods[i]);
		from(t, GATE_UDP, "127.0.0.9", NULL, NULL);
		within(t, &snap, 403, GATE_PEER, methods[i]);
		from(t, GATE_TLS, "127.0.0.1", "sbc.voip.example", hash_a);
		within(t, &snap, 403, GATE_PEER, methods[i]);
	}
	/* the token of the call does not stand for its address */
	gate_rig_token(t, t->pair.access);
	from(t, GATE_UDP, "127.0.0.9", NULL, NULL);
	within(t, &snap, 403, GATE_PEER, "token");
	assert_int_equal(gate_rig_audited(t, "call.refuse_change"),
			 2 * ARRAY_SIZE(methods) + 1);
	assert_int_equal(auth_rig_count(&t->r,
					"SELECT count(*) FROM audit WHERE "
					"action = 'call.refuse_change' AND "
					"actor <> 'anonymous'"),
			 0);
	gate_snapshot_fini(&snap);
}

/* Whoever saw a dialog's ids may not fill the audit log with them. */
static void strangers_entries_are_limited(void **state)
{
	struct gate_rig *t = *state;
	struct gate_snapshot snap;

	accepted(t, &snap);
	from(t, GATE_UDP, "127.0.0.9", NULL, NULL);
	for (int i = 0; i < 100; i++)
		within(t, &snap, 403, GATE_PEER, "flood");
	assert_int_equal(gate_rig_audited(t, "call.refuse_change"), 60);
	assert_true(t->v.unwritten);
	gate_snapshot_fini(&snap);
}

static void tls_is_not_touched_in_clear(void **state)
{
	struct gate_rig *t = *state;
	struct gate_snapshot snap;

	from(t, GATE_TLS, "192.0.2.7", NULL, NULL);
	accepted(t, &snap);
	within(t, &snap, 200, GATE_OK, "the same");
	from(t, GATE_UDP, "192.0.2.7", NULL, NULL);
	within(t, &snap, 403, GATE_PEER, "UDP");
	from(t, GATE_TCP, "192.0.2.7", NULL, NULL);
	within(t, &snap, 403, GATE_PEER, "TCP");
	from(t, GATE_TLS, "192.0.2.8", NULL, NULL);
	within(t, &snap, 403, GATE_PEER, "another address");
	gate_snapshot_fini(&snap);
}

static void a_certificate_stays_the_same(void **state)
{
	const struct {
		const char *what, *address, *name, *hash;
		int status;
	} cases[] = {
		{ "the same", "192.0.2.7", "sbc.voip.example", hash_a, 200 },
		{ "moved", "192.0.2.8", "sbc.voip.example", hash_a, 200 },
		{ "renewed", "192.0.2.7", "SBC.voip.example", hash_b, 200 },
		{ "other name", "192.0.2.7", "x.example", hash_b, 403 },
		{ "none", "192.0.2.7", NULL, NULL, 403 },
		{ "no name", "192.0.2.7", NULL, hash_b, 403 },
	};
	struct gate_rig *t = *state;
	struct gate_snapshot snap;

	from(t, GATE_TLS, "192.0.2.7", "sbc.voip.example", hash_a);
	accepted(t, &snap);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		from(t, GATE_TLS, cases[i].address, cases[i].name,
		     cases[i].hash);
		within(t, &snap, cases[i].status,
		       cases[i].status == 200 ? GATE_OK : GATE_PEER,
		       cases[i].what);
	}
	from(t, GATE_UDP, "192.0.2.7", "sbc.voip.example", hash_a);
	within(t, &snap, 403, GATE_PEER, "in clear");
	gate_snapshot_fini(&snap);
	/* one without any name is known by its hash alone */
	t->req.method = "INVITE";
	gate_rig_token(t, t->pair.access);
	from(t, GATE_TLS, "192.0.2.7", NULL, hash_a);
	accepted(t, &snap);
	within(t, &snap, 200, GATE_OK, "hash");
	from(t, GATE_TLS, "192.0.2.7", NULL, hash_b);
	within(t, &snap, 403, GATE_PEER, "other hash");
	gate_snapshot_fini(&snap);
}

static void a_trunk_lists_its_addresses(void **state)
{
	struct gate_rig *t = *state;
	struct gate_snapshot snap;
	struct trunk tr;

	t->settings.sip.allow_address_trunks = true;
	gate_rig_trunk(t, &tr, "addresses", "127.0.0.1, 198.51.100.0/24");
	accepted(t, &snap);
	from(t, GATE_UDP, "198.51.100.77", NULL, NULL);
	within(t, &snap, 200, GATE_OK, "listed");
	from(t, GATE_TLS, "198.51.100.77", NULL, NULL);
	within(t, &snap, 403, GATE_PEER, "listed, over TLS");
	from(t, GATE_UDP, "198.51.101.77", NULL, NULL);
	within(t, &snap, 403, GATE_PEER, "not listed");
	gate_rig_change_trunk(t, &tr, "addresses", "198.51.101.77");
	within(t, &snap, 200, GATE_OK, "listed now");
	assert_int_equal(trunk_remove(&t->r.auth, tr.id, "x", NULL), 0);
	within(t, &snap, 403, GATE_PEER, "no trunk any more");
	from(t, GATE_UDP, "127.0.0.1", NULL, NULL);
	within(t, &snap, 200, GATE_OK, "the first address");
	gate_snapshot_fini(&snap);
}

static void a_trunks_certificate_and_addresses_both_hold(void **state)
{
	struct gate_rig *t = *state;
	struct gate_snapshot snap;
	struct trunk tr;

	gate_rig_trunk(t, &tr, "tls_sha256", hash_a);
	gate_rig_change_trunk(t, &tr, "addresses", "192.0.2.0/29");
	from(t, GATE_TLS, "192.0.2.1", "sbc.voip.example", hash_a);
	accepted(t, &snap);
	from(t, GATE_TLS, "192.0.2.2", "sbc.voip.example", hash_a);
	within(t, &snap, 200, GATE_OK, "listed");
	from(t, GATE_TLS, "192.0.2.99", "sbc.voip.example", hash_a);
	within(t, &snap, 403, GATE_PEER, "not listed");
	/* bound by its hash: the name alone is not enough */
	from(t, GATE_TLS, "192.0.2.1", "sbc.voip.example", hash_b);
	within(t, &snap, 403, GATE_PEER, "another certificate");
	gate_snapshot_fini(&snap);
}

static void a_client_lists_its_addresses(void **state)
{
	struct gate_rig *t = *state;
	struct gate_snapshot snap;
	struct client c;
	struct err e = { 0 };

	accepted(t, &snap);
	from(t, GATE_UDP, "192.0.2.20", NULL, NULL);
	within(t, &snap, 403, GATE_PEER, "not listed");
	assert_int_equal(client_set_addresses(&t->r.auth, t->r.client.s,
					      "192.0.2.16/28 ,2001:db8::1", "x",
					      &e),
			 0);
	assert_int_equal(client_get(&t->r.auth, t->r.client.s, &c), 0);
	assert_string_equal(c.addresses, "192.0.2.16/28, 2001:db8::1");
	within(t, &snap, 200, GATE_OK, "listed");
	from(t, GATE_TCP, "2001:db8::1", NULL, NULL);
	within(t, &snap, 200, GATE_OK, "listed");
	from(t, GATE_UDP, "192.0.2.32", NULL, NULL);
	within(t, &snap, 403, GATE_PEER, "beside it");
	assert_int_equal(client_set_addresses(&t->r.auth, t->r.client.s, "x",
					      "x", &e),
			 -EINVAL);
	assert_string_equal(e.text, "addresses: not an IP address");
	assert_int_equal(client_set_addresses(&t->r.auth, "none", "", "x", &e),
			 -ENOENT);
	gate_snapshot_fini(&snap);
}

/* ---- tokens ------------------------------------------------------------- */

static void a_token_that_comes_is_judged(void **state)
{
	static const char *const ends[] = { "BYE", "ACK", "PRACK", "CANCEL" };
	struct gate_rig *t = *state;
	struct gate_snapshot snap;
	struct token_pair p;

	accepted(t, &snap);
	gate_rig_token(t, t->pair.access);
	within(t, &snap, 200, GATE_OK, "good");
	gate_rig_token(t, "junk");
	within(t, &snap, 401, GATE_BAD_TOKEN, "junk");
	assert_non_null(strstr(t->v.challenge, "invalid_token"));
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		t->req.method = ends[i];
		within(t, &snap, 403, GATE_PEER, ends[i]);
		assert_string_equal(t->v.challenge, "");
	}
	assert_int_equal(
		token_issue(&t->r.auth, t->r.grant.s, SCOPE_API, "x", &p), 0);
	gate_rig_token(t, p.access);
	within(t, &snap, 403, GATE_PEER, "scope, CANCEL");
	t->req.method = "INFO";
	within(t, &snap, 401, GATE_NO_SCOPE, "scope");
	t->req.bearer_result = BEARER_SEVERAL;
	within(t, &snap, 400, GATE_MALFORMED, "two");
	gate_rig_token(t, t->pair.refresh);
	within(t, &snap, 401, GATE_BAD_TOKEN, "refresh token");
	gate_snapshot_fini(&snap);
}

static void an_ended_token_may_end_the_call(void **state)
{
	struct gate_rig *t = *state;
	struct gate_snapshot snap;

	accepted(t, &snap);
	gate_rig_token(t, t->pair.access);
	clock_fake_advance(&t->r.clock, 3600 * SECOND);
	within(t, &snap, 401, GATE_BAD_TOKEN, "UPDATE");
	t->req.method = "BYE";
	within(t, &snap, 200, GATE_OK, "BYE");
	gate_snapshot_fini(&snap);
}

static void a_token_is_of_the_same_client_and_owner(void **state)
{
	struct gate_rig *t = *state;
	struct gate_snapshot snap;

	accepted(t, &snap);
	gate_rig_token(t, t->pair.access);
	(void)str_copy(snap.grant_id, sizeof(snap.grant_id), "another");
	within(t, &snap, 200, GATE_OK, "consent was renewed");
	(void)str_copy(snap.owner_id, sizeof(snap.owner_id), "another");
	within(t, &snap, 403, GATE_PEER, "another owner's");
	assert_non_null(strstr(t->v.warning, "The token is not of who"));
	(void)str_copy(snap.client_id, sizeof(snap.client_id), "another");
	within(t, &snap, 403, GATE_PEER, "another client's");
	t->req.method = "BYE";
	within(t, &snap, 403, GATE_PEER, "another client's BYE");
	clock_fake_advance(&t->r.clock, 3600 * SECOND);
	within(t, &snap, 403, GATE_PEER, "even when it is over");
	gate_snapshot_fini(&snap);
}

static void a_token_in_clear_is_exposed(void **state)
{
	struct gate_rig *t = *state;
	struct gate_snapshot snap;

	accepted(t, &snap);
	(void)str_copy(snap.peer_address, sizeof(snap.peer_address),
		       "192.0.2.7");
	t->req.peer.loopback = false;
	from(t, GATE_UDP, "192.0.2.7", NULL, NULL);
	gate_rig_token(t, t->pair.access);
	within(t, &snap, 403, GATE_CLEARTEXT, "in clear");
	assert_int_equal(gate_rig_audited(t, "token.exposed"), 1);
	gate_snapshot_fini(&snap);
}

static void calls_of_before_keep_their_certificates_name(void **state)
{
	struct gate_rig *t = *state;
	struct gate_snapshot snap, old;
	struct buf b;
	char *hash;

	from(t, GATE_TLS, "192.0.2.7", "sbc.voip.example", hash_a);
	accepted(t, &snap);
	buf_init(&b, 65536);
	assert_int_equal(gate_snapshot_json(&snap, &b), 0);
	hash = strstr((char *)b.data, "\"tls_sha256\"");
	assert_non_null(hash);
	memcpy(hash, "\"of_today_x\"", 12); /* the key, as it was not there */
	assert_int_equal(gate_snapshot_parse(buf_str(&b), b.len, &old), 0);
	assert_string_equal(old.tls_sha256, "");
	within(t, &old, 200, GATE_OK, "by its name");
	from(t, GATE_TLS, "192.0.2.7", "x.example", hash_a);
	within(t, &old, 403, GATE_PEER, "another name");
	within(t, &snap, 200, GATE_OK, "by its hash");
	buf_fini(&b);
	gate_snapshot_fini(&old);
	gate_snapshot_fini(&snap);
}

#define RIG(f)                                                                 \
	cmocka_unit_test_setup_teardown(f, gate_rig_setup, gate_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG(every_method_comes_from_the_same_address),
		RIG(strangers_entries_are_limited),
		RIG(tls_is_not_touched_in_clear),
		RIG(a_certificate_stays_the_same),
		RIG(a_trunk_lists_its_addresses),
		RIG(a_trunks_certificate_and_addresses_both_hold),
		RIG(a_client_lists_its_addresses),
		RIG(a_token_that_comes_is_judged),
		RIG(an_ended_token_may_end_the_call),
		RIG(a_token_is_of_the_same_client_and_owner),
		RIG(a_token_in_clear_is_exposed),
		RIG(calls_of_before_keep_their_certificates_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
