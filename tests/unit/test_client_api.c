/* Where else a provider's calls may go on from: who sees it, who says it. */
#include "web/api.h"

#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#include "auth/clients.h"
#include "auth/users.h"
#include "base/err.h"
#include "base/mem.h"
#include "tests/support/web_rig.h"

static void add_token(struct web_rig *w, const char *tenant,
		      enum user_role role, char *ret_token)
{
	char email[64], id[TOKEN_ID_LEN + 1];
	struct user_new u = { .tenant_id = tenant, .role = role };
	struct err e = { 0 };
	struct id user;

	(void)snprintf(email, sizeof(email), "r%d@%s.example", role, tenant);
	u.email = email;
	assert_int_equal(user_create(&w->ctx.auth, &u, "x", &user, &e), 0);
	assert_int_equal(token_issue_api(&w->ctx.auth, user.s, "t", 0, "x",
					 ret_token, id),
			 0);
}

static unsigned ask(struct web_rig *w, enum http_method method,
		    const char *client, const char *token, const char *body)
{
	char path[80];

	(void)snprintf(path, sizeof(path), "/api/v1/clients/%s", client);
	web_rig_begin(w, method, path);
	web_rig_bearer(w, token);
	if (body)
		web_rig_body(w, "application/json", body);
	return web_rig_go(w);
}

static void assert_addresses(struct web_rig *w, const char *client,
			     const char *want)
{
	struct client c;

	assert_int_equal(client_get(&w->ctx.auth, client, &c), 0);
	assert_string_equal(c.addresses, want);
}

#define TWO "{\"addresses\":[\"192.0.2.7\",\"2001:db8::/32\"]}"

static void each_role_sees_or_says_it(void **state)
{
	static const struct {
		enum user_role role;
		unsigned get, patch;
	} table[] = {
		{ USER_OWNER, 200, 403 },      { USER_ADMIN, 200, 200 },
		{ USER_SUPERVISOR, 403, 403 }, { USER_LISTENER, 403, 403 },
		{ USER_AUDITOR, 200, 403 },
	};
	struct web_rig *w = *state;
	const char *id = w->rig->client.s;
	struct token_pair pair;
	char token[TOKEN_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		add_token(w, w->rig->tenant.s, table[i].role, token);
		assert_int_equal(ask(w, HTTP_GET, id, token, NULL),
				 table[i].get);
		assert_int_equal(web_rig_ask(w, HTTP_GET, "/api/v1/clients",
					     token),
				 table[i].get);
		assert_int_equal(ask(w, HTTP_PATCH, id, token, TWO),
				 table[i].patch);
		if (table[i].patch == 200)
			assert_int_equal(ask(w, HTTP_PATCH, id, token,
					     "{\"addresses\":[]}"),
					 200);
		assert_addresses(w, id, "");
	}
	/* the provider itself does not widen anything */
	auth_rig_issue(w->rig, &pair);
	assert_int_equal(ask(w, HTTP_PATCH, id, pair.access, TWO), 403);
	/* another account's */
	add_token(w, w->rig->other_tenant.s, USER_ADMIN, token);
	assert_int_equal(ask(w, HTTP_GET, id, token, NULL), 404);
	assert_int_equal(ask(w, HTTP_PATCH, id, token, TWO), 404);
	assert_int_equal(ask(w, HTTP_PATCH, "x", token, TWO), 404);
	assert_addresses(w, id, "");
}

static void the_list_is_checked_kept_and_logged(void **state)
{
	static const char *const wrong[] = {
		"",
		"[]",
		"{}",
		"{\"addresses\":\"192.0.2.7\"}",
		"{\"addresses\":null}",
		"{\"addresses\":[1]}",
		"{\"addresses\":[\"192.0.2.7,192.0.2.8\"]}",
		"{\"addresses\":[\"sbc.voip.example\"]}",
		"{\"addresses\":[\"192.0.2.7:5060\"]}",
		"{\"addresses\":[\"192.0.2.7/33\"]}",
		"{\"addresses\":[],\"disabled\":true}",
		"{\"name\":\"x\"}",
		"{\"addresses\":[],\"addresses\":[]}",
		"{\"addresses\":[\"192.0.2.7\\u0000\"]}",
	};
	struct web_rig *w = *state;
	const char *id = w->rig->client.s;
	char token[TOKEN_MAX];

	add_token(w, w->rig->tenant.s, USER_ADMIN, token);
	assert_int_equal(ask(w, HTTP_PATCH, id, token, TWO), 200);
	assert_non_null(strstr(web_rig_text(w), "\"addresses\":[\"192.0.2.7\","
						"\"2001:db8::/32\"]"));
	assert_addresses(w, id, "192.0.2.7, 2001:db8::/32");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (ask(w, HTTP_PATCH, id, token, wrong[i]) != 400)
			fail_msg("%s: %u", wrong[i], w->res.status);
	assert_addresses(w, id, "192.0.2.7, 2001:db8::/32");
	assert_int_equal(ask(w, HTTP_GET, id, token, NULL), 200);
	assert_non_null(strstr(web_rig_text(w), "2001:db8::/32"));
	assert_int_equal(web_rig_ask(w, HTTP_GET, "/api/v1/clients", token),
			 200);
	assert_non_null(strstr(web_rig_text(w), "2001:db8::/32"));
	assert_int_equal(
		auth_rig_count(w->rig,
			       "SELECT count(*) FROM audit WHERE action = "
			       "'client.addresses' AND actor LIKE 'user:%' AND "
			       "detail = '{\"addresses\":\"192.0.2.7, "
			       "2001:db8::/32\"}'"),
		1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, web_rig_setup, web_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_role_sees_or_says_it),
		T(the_list_is_checked_kept_and_logged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
