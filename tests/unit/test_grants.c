#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "auth/clients.h"
#include "auth/users.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "storage/db.h"
#include "tests/support/auth_rig.h"

#define SECOND 1000000LL

static int create(struct auth_rig *rig, const char *client, const char *owner,
		  const char *details, struct err *e)
{
	struct id id;

	memset(e, 0, sizeof(*e));
	return grant_create(&rig->auth,
			    &(struct grant_new){ .client_id = client,
						 .owner_id = owner,
						 .details = details },
			    "operator", &id, e);
}

static void grant_keeps_what_was_agreed(void **state)
{
	struct auth_rig *rig = *state;
	struct grant g = { 0 };

	assert_int_equal(grant_get(&rig->auth, rig->grant.s, &g), 0);
	assert_string_equal(g.client_id, rig->client.s);
	assert_string_equal(g.owner_id, rig->user.s);
	assert_string_equal(g.tenant_id, rig->tenant.s);
	assert_int_equal(g.version, 1);
	assert_false(g.revoked);
	assert_string_equal(g.scope, SCOPE_GRANT);
	assert_non_null(strstr(g.conditions, "\"min\":2"));
	grant_fini(&g);
	assert_int_equal(grant_get(&rig->auth, "nobody", &g), -ENOENT);
}

static void grant_checks_its_parties(void **state)
{
	struct auth_rig *rig = *state;
	const char *d = auth_rig_details("", "");
	struct err e;

	assert_int_equal(create(rig, "x", rig->user.s, d, &e), -ENOENT);
	assert_string_equal(e.text, "no such client");
	assert_int_equal(create(rig, rig->client.s, "x@y.example", d, &e),
			 -ENOENT);
	assert_int_equal(create(rig, rig->client.s, rig->other_user.s, d, &e),
			 -EXDEV);
	assert_int_equal(create(rig, rig->client.s, rig->user.s, "{}", &e),
			 -EINVAL);
	assert_string_equal(e.text, "$.type: is missing");
	d = auth_rig_details("", ",\"not_after\":\"2026-06-10T12:00:00Z\"");
	assert_int_equal(create(rig, rig->client.s, rig->user.s, d, &e),
			 -EINVAL);
	assert_int_equal(client_set_disabled(&rig->auth, rig->client.s, true,
					     "operator"),
			 0);
	d = auth_rig_details("", "");
	assert_int_equal(create(rig, rig->client.s, rig->user.s, d, &e),
			 -EKEYREVOKED);
}

static void grant_can_only_be_narrowed(void **state)
{
	struct auth_rig *rig = *state;
	struct grant g = { 0 };
	struct err e = { 0 };

	assert_int_equal(
		grant_narrow(&rig->auth, rig->grant.s,
			     auth_rig_details("\"participants\":{\"min\":1}",
					      ""),
			     "user:x", &e),
		-EINVAL);
	assert_non_null(strstr(e.text, "conditions.participants.min"));
	assert_int_equal(
		grant_narrow(&rig->auth, rig->grant.s,
			     auth_rig_details(
				     "\"participants\":{\"min\":3},\"media\":"
				     "[{\"kind\":\"audio\",\"codecs\":"
				     "[\"PCMU\"]}]",
				     ""),
			     "user:x", &e),
		0);
	assert_int_equal(grant_get(&rig->auth, rig->grant.s, &g), 0);
	assert_int_equal(g.version, 2);
	assert_non_null(strstr(g.conditions, "\"min\":3"));
	grant_fini(&g);
	assert_int_equal(
		auth_rig_count(rig, "SELECT count(*) FROM grant_versions"), 2);
	assert_int_equal(
		auth_rig_count(rig, "SELECT count(*) FROM audit WHERE action "
				    "= 'grant.narrow'"),
		1);
	assert_int_equal(grant_revoke(&rig->auth, rig->grant.s, "x", "user:x"),
			 0);
	memset(&e, 0, sizeof(e));
	assert_int_equal(grant_narrow(&rig->auth, rig->grant.s,
				      g.conditions ? g.conditions
						   : auth_rig_details("", ""),
				      "user:x", &e),
			 -EKEYREVOKED);
}

static void grant_revoke_is_repeatable(void **state)
{
	struct auth_rig *rig = *state;

	assert_int_equal(grant_revoke(&rig->auth, rig->grant.s, "a", "user:x"),
			 0);
	assert_int_equal(grant_revoke(&rig->auth, rig->grant.s, "b", "user:x"),
			 0);
	assert_int_equal(
		auth_rig_count(rig, "SELECT count(*) FROM audit WHERE action "
				    "= 'grant.revoke'"),
		1);
	assert_int_equal(grant_revoke(&rig->auth, "nobody", "", "user:x"),
			 -ENOENT);
}

static int count(void *arg, const struct grant *g)
{
	(void)g;
	++*(int *)arg;
	return 0;
}

static void grants_are_listed_by_filter(void **state)
{
	struct auth_rig *rig = *state;
	struct grant_filter f = { .tenant_id = rig->tenant.s };
	struct id id;
	int n = 0;

	auth_rig_grant(rig, auth_rig_details("", ""), &id);
	assert_int_equal(grant_revoke(&rig->auth, id.s, "", "x"), 0);
	assert_int_equal(grant_each(&rig->auth, &f, count, &n), 2);
	f.active_only = true;
	assert_int_equal(grant_each(&rig->auth, &f, count, &n), 1);
	f.tenant_id = rig->other_tenant.s;
	assert_int_equal(grant_each(&rig->auth, &f, count, &n), 0);
	f = (struct grant_filter){ .owner_id = rig->user.s,
				   .client_id = rig->client.s };
	assert_int_equal(grant_each(&rig->auth, &f, count, &n), 2);
	assert_int_equal(n, 5);
}

/* ---- live recordings --------------------------------------------------- */

static enum grant_live_state look(struct auth_rig *rig, int64_t *epoch,
				  struct grant_live *g)
{
	g->state = GRANT_LIVE_SAME;
	assert_true(grants_live_check(rig->db, epoch, g, 1) >= 0);
	return g->state;
}

static void live_check_sees_every_end(void **state)
{
	struct auth_rig *rig = *state;
	struct token_info info;
	struct token_pair p;
	int64_t epoch = -1;
	struct grant_live g = { .grant_id = rig->grant.s, .version = 1 };
	struct err e = { 0 };

	auth_rig_issue(rig, &p);
	assert_int_equal(token_check(&rig->auth, span_of(p.access), &info), 0);
	g.family_id = info.family_id;
	assert_int_equal(look(rig, &epoch, &g), GRANT_LIVE_SAME);

	assert_int_equal(
		client_set_disabled(&rig->auth, rig->client.s, true, "x"), 0);
	assert_int_equal(look(rig, &epoch, &g), GRANT_LIVE_ENDED);
	assert_string_equal(g.why, "client disabled");
	assert_int_equal(
		client_set_disabled(&rig->auth, rig->client.s, false, "x"), 0);
	assert_int_equal(look(rig, &epoch, &g), GRANT_LIVE_SAME);

	assert_int_equal(
		grant_narrow(&rig->auth, rig->grant.s,
			     auth_rig_details(
				     "\"participants\":{\"min\":3},\"media\":"
				     "[{\"kind\":\"audio\",\"codecs\":"
				     "[\"PCMU\"]}]",
				     ""),
			     "x", &e),
		0);
	assert_int_equal(look(rig, &epoch, &g), GRANT_LIVE_NARROWED);
	g.version = 2;
	epoch = -1;
	assert_int_equal(look(rig, &epoch, &g), GRANT_LIVE_SAME);

	assert_int_equal(
		token_family_revoke(&rig->auth, info.family_id, "x", "x"), 0);
	assert_int_equal(look(rig, &epoch, &g), GRANT_LIVE_ENDED);
	assert_string_equal(g.why, "tokens revoked");
	g.family_id = "";
	epoch = -1;
	assert_int_equal(look(rig, &epoch, &g), GRANT_LIVE_SAME);
	assert_int_equal(grant_revoke(&rig->auth, rig->grant.s, "", "x"), 0);
	assert_int_equal(look(rig, &epoch, &g), GRANT_LIVE_ENDED);
	assert_string_equal(g.why, "grant revoked");
}

static void live_check_is_silent_without_change(void **state)
{
	struct auth_rig *rig = *state;
	struct grant_live g = { .grant_id = "gone", .version = 1 };
	int64_t epoch = -1;

	assert_int_equal(grants_live_check(rig->db, &epoch, &g, 1), 1);
	g.state = GRANT_LIVE_SAME;
	assert_int_equal(grants_live_check(rig->db, &epoch, &g, 1), 0);
	assert_int_equal(g.state, GRANT_LIVE_SAME);
}

/* ---- clients ----------------------------------------------------------- */

struct uri_case {
	const char *registered, *uri;
	bool match;
};

static void redirect_uris_are_exact(void **state)
{
	static const struct uri_case cases[] = {
		{ "https://a.example/cb", "https://a.example/cb", true },
		{ "https://a.example/cb", "https://a.example/cb/", false },
		{ "https://a.example/cb", "https://a.example/cb?x=1", false },
		{ "https://a.example/cb", "https://a.example:443/cb", false },
		{ "https://a.example/cb", "http://a.example/cb", false },
		{ "http://127.0.0.1/cb", "http://127.0.0.1:4711/cb", true },
		{ "http://127.0.0.1:1/cb", "http://127.0.0.1:4711/cb", true },
		{ "http://127.0.0.1:1/cb", "http://127.0.0.1:4711/cc", false },
		{ "http://127.0.0.1:1/cb", "http://[::1]:4711/cb", false },
		{ "http://[::1]:1/cb", "http://[::1]:4711/cb", true },
		{ "http://127.0.0.1:1/cb", "http://127.0.0.1.evil/cb", false },
		{ "http://127.0.0.1:1/cb", "http://127.0.0.1:1@evil/cb",
		  false },
		{ "http://localhost:1/cb", "http://localhost:2/cb", false },
		{ "http://127.0.0.1:1/cb", "http://127.0.0.1/cb", true },
		{ "http://127.0.0.1:1/cb", "http://127.0.0.1:65535/cb", true },
		{ "http://127.0.0.1:1/cb", "http://127.0.0.1:65536/cb", false },
		{ "http://127.0.0.1:1/cb", "http://127.0.0.1:/cb", false },
		{ "http://127.0.0.1:1/cb", "http://127.0.0.1:0/cb", false },
		{ "http://[::1]:1/cb", "http://[::1]:00080/cb", false },
		{ "http://127.0.0.1:1/cb", "http://127.0.0.1:99999999999/cb",
		  false },
	};
	static const char *const good[] = { "https://a.example/cb?x=1",
					    "http://127.0.0.1:9/",
					    "http://localhost:9/cb",
					    "http://[::1]/cb",
					    "com.example.app:/done" };
	static const char *const bad[] = { "",
					   "http://a.example/cb",
					   "https:///cb",
					   "https://u@a.example/",
					   "https://a.example/#x",
					   "javascript:alert(1)",
					   "data:text/html,x",
					   "https://a.example/\n",
					   "https://a.example;script-src/",
					   "https://a.example,b.example/",
					   "https://'none'/",
					   "https://*.example/cb",
					   "/cb",
					   "http://127.0.0.1@evil/",
					   "http://127.0.0.1:/cb",
					   "http://127.0.0.1:0/cb",
					   "http://127.0.0.1:65536/cb",
					   "http://127.0.0.1:99999999999/cb",
					   "http://127.0.0.1:-1/cb",
					   "http://127.0.0.1:08/cb",
					   "http://localhost:/cb",
					   "http://[::1]:/cb",
					   "http://[::1]x/cb",
					   "http://[::1/cb",
					   "https://a.example:/cb",
					   "https://a.example:70000/cb",
					   "https://a.example:8:9/cb" };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(client_uri_match(cases[i].registered,
						  cases[i].uri),
				 cases[i].match);
	for (i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(client_uri_ok(good[i]));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(client_uri_ok(bad[i]));
}

static void client_proves_itself_with_its_secret(void **state)
{
	struct auth_rig *rig = *state;
	char again[TOKEN_MAX];
	struct client c;

	assert_int_equal(client_authenticate(&rig->auth, rig->client.s,
					     span_of(rig->secret), &c),
			 0);
	assert_string_equal(c.name, "Example VoIP");
	assert_int_equal(client_authenticate(&rig->auth, rig->other_client.s,
					     span_of(rig->secret), &c),
			 -EACCES);
	assert_int_equal(client_authenticate(&rig->auth, "nobody",
					     span_of(rig->secret), &c),
			 -EACCES);
	assert_int_equal(client_authenticate(&rig->auth, rig->client.s,
					     span_of("x"), &c),
			 -EACCES);
	assert_int_equal(
		client_new_secret(&rig->auth, rig->client.s, "x", again), 0);
	assert_int_equal(client_authenticate(&rig->auth, rig->client.s,
					     span_of(rig->secret), &c),
			 -EACCES);
	assert_int_equal(client_authenticate(&rig->auth, rig->client.s,
					     span_of(again), &c),
			 0);
	assert_true(client_redirect_ok(&rig->auth, rig->client.s,
				       "https://portal.example/done"));
	assert_false(client_redirect_ok(&rig->auth, rig->client.s,
					"https://portal.example/"));
	assert_false(client_redirect_ok(&rig->auth, rig->client.s, NULL));
	assert_int_equal(
		client_set_disabled(&rig->auth, rig->client.s, true, "x"), 0);
	assert_int_equal(client_authenticate(&rig->auth, rig->client.s,
					     span_of(again), &c),
			 -EACCES);
}

static void client_checks_what_is_registered(void **state)
{
	struct auth_rig *rig = *state;
	const char *const uris[] = { "http://a.example/" };
	char secret[TOKEN_MAX];
	struct err e = { 0 };
	struct client c;
	struct id id;

	assert_int_equal(client_create(&rig->auth,
				       &(struct client_new){
					       .tenant_id = rig->tenant.s,
					       .name = "x",
					       .redirect_uris = uris,
					       .n_redirect_uris = 1 },
				       "x", &id, secret, &e),
			 -EINVAL);
	memset(&e, 0, sizeof(e));
	assert_int_equal(client_create(&rig->auth,
				       &(struct client_new){ .tenant_id =
								     "none",
							     .name = "x" },
				       "x", &id, secret, &e),
			 -ENOENT);
	memset(&e, 0, sizeof(e));
	assert_int_equal(client_create(&rig->auth,
				       &(struct client_new){
					       .tenant_id = rig->tenant.s,
					       .name = "A\xe2\x80\xae"
						       "B" },
				       "x", &id, secret, &e),
			 0);
	assert_int_equal(client_get(&rig->auth, id.s, &c), 0);
	assert_string_equal(c.name, "AB");
}

#define RIG(f)                                                                 \
	cmocka_unit_test_setup_teardown(f, auth_rig_setup, auth_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG(grant_keeps_what_was_agreed),
		RIG(grant_checks_its_parties),
		RIG(grant_can_only_be_narrowed),
		RIG(grant_revoke_is_repeatable),
		RIG(grants_are_listed_by_filter),
		RIG(live_check_sees_every_end),
		RIG(live_check_is_silent_without_change),
		cmocka_unit_test(redirect_uris_are_exact),
		RIG(client_proves_itself_with_its_secret),
		RIG(client_checks_what_is_registered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
