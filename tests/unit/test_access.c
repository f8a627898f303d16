/* Every route times every role. A route that is missing here, or a right that
 * became wider or narrower, fails: change the table together with the code and
 * docs/api.md. */
#include "web/access.h"

#include "tests/support/unit.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "web/router.h"

/* owner, admin, supervisor, listener, auditor, provider's access token */
static const enum user_role roles[] = { USER_OWNER, USER_ADMIN, USER_SUPERVISOR,
					USER_LISTENER, USER_AUDITOR };
#define N_WHO (ARRAY_SIZE(roles) + 1)
#define ANYBODY NULL /* no role is asked for */

struct row {
	enum http_method method;
	const char *pattern;
	const char *who; /* "oaslup" as above, '-' = refused */
};

#define API "/api/v1"
#define REC API "/recordings"
#define WK "/.well-known"

static const struct row table[] = {
	{ HTTP_GET, REC, "oaslup" },
	{ HTTP_GET, REC "/{}", "oaslup" },
	{ HTTP_PATCH, REC "/{}", "oas---" },
	{ HTTP_DELETE, REC "/{}", "oa----" },
	{ HTTP_GET, REC "/{}/audio", "oasl-p" },
	{ HTTP_GET, REC "/{}/tracks/{}/audio", "oasl-p" },
	{ HTTP_GET, REC "/{}/tracks/{}/text", "oasl-p" },
	{ HTTP_GET, REC "/{}/peaks", "oasl-p" },
	{ HTTP_GET, REC "/{}/signalling", "oaslup" },
	{ HTTP_GET, API "/calls/{}", "oaslup" },
	{ HTTP_POST, REC "/{}/pause", "oas--p" },
	{ HTTP_POST, REC "/{}/resume", "oas--p" },
	{ HTTP_POST, REC "/{}/hand-over", "oa---p" },
	{ HTTP_POST, API "/record", "oa---p" },
	{ HTTP_GET, API "/commands/{}", "oaslup" },
	{ HTTP_DELETE, API "/commands/{}", "oa---p" },
	{ HTTP_GET, API "/me", "oaslup" },
	{ HTTP_GET, API "/clients", "oa--u-" },
	{ HTTP_GET, API "/clients/{}", "oa--u-" },
	{ HTTP_PATCH, API "/clients/{}", "-a----" },
	{ HTTP_GET, API "/grants", "oa--u-" },
	{ HTTP_GET, API "/grants/{}", "oa--u-" },
	{ HTTP_DELETE, API "/grants/{}", "oa----" },
	{ HTTP_GET, API "/trunks", "oa--u-" },
	{ HTTP_GET, API "/trunks/{}", "oa--u-" },
	{ HTTP_POST, API "/trunks", "-a----" },
	{ HTTP_PATCH, API "/trunks/{}", "-a----" },
	{ HTTP_DELETE, API "/trunks/{}", "-a----" },
	{ HTTP_GET, API "/tenant", "oa--u-" },
	{ HTTP_PATCH, API "/tenant", "-a----" },
	{ HTTP_GET, API "/users", "-a--u-" },
	{ HTTP_GET, API "/users/{}", "-a--u-" },
	{ HTTP_PATCH, API "/users/{}", "-a----" },
	{ HTTP_POST, "/authorize", "oaslu-" }, /* its handler: grant write */
	{ HTTP_POST, "/logout", "oaslu-" },
	{ HTTP_GET, "/recordings", "oaslu-" },
	{ HTTP_GET, "/recordings/{}", "oaslu-" },
	{ HTTP_POST, "/recordings/{}/edit", "oas---" },
	{ HTTP_POST, "/recordings/{}/pause", "oas---" },
	{ HTTP_POST, "/recordings/{}/resume", "oas---" },
	{ HTTP_POST, "/recordings/{}/delete", "oa----" },
	{ HTTP_GET, "/clients", "oa--u-" },
	{ HTTP_POST, "/clients", "-a----" },
	{ HTTP_POST, "/clients/{}/state", "-a----" },
	{ HTTP_GET, "/grants", "oa--u-" },
	{ HTTP_POST, "/grants/{}/revoke", "oa----" },
	{ HTTP_GET, "/audit", "-a--u-" },
	{ HTTP_GET, "/metrics", "------" }, /* machines only */
	{ HTTP_GET, WK "/oauth-authorization-server", ANYBODY },
	{ HTTP_POST, "/par", ANYBODY },
	{ HTTP_POST, "/token", ANYBODY },
	{ HTTP_POST, "/revoke", ANYBODY },
	{ HTTP_POST, "/introspect", ANYBODY },
	{ HTTP_GET, "/authorize", ANYBODY },
	{ HTTP_GET, "/", ANYBODY },
	{ HTTP_GET, "/login", ANYBODY },
	{ HTTP_POST, "/login", ANYBODY },
	{ HTTP_GET, "/login/link", ANYBODY },
	{ HTTP_POST, "/login/link", ANYBODY },
	{ HTTP_GET, "/setup", ANYBODY },
	{ HTTP_POST, "/setup", ANYBODY },
	{ HTTP_GET, "/ui/{}/{}", ANYBODY },
	{ HTTP_GET, "/favicon.ico", ANYBODY },
	{ HTTP_GET, "/robots.txt", ANYBODY },
	{ HTTP_GET, "/healthz", ANYBODY },
};

static const struct row *find(const struct route *route, enum http_method m)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].method == m &&
		    str_eq(table[i].pattern, route->pattern))
			return &table[i];
	return NULL;
}

/* Number 5 is a provider with the access token of a grant. */
static void principal(size_t n, struct principal *p)
{
	struct user u = { .id = "u", .tenant_id = "t" };
	struct token_info t = { .kind = TOKEN_ACCESS,
				.tenant_id = "t",
				.client_id = "c",
				.grant_id = "g",
				.scope = SCOPE_SIP " " SCOPE_API };

	if (n == ARRAY_SIZE(roles)) {
		principal_of_token(p, &t, 1);
		return;
	}
	u.role = roles[n];
	principal_of_user(p, &u);
}

/* As access_check() does: a page wants a session, which a token has not. */
static bool may(const struct route *route, const struct principal *p)
{
	switch (route->auth) {
	case ROUTE_PAGE:
		return p->is_user && principal_may(p, route->right);
	case ROUTE_API:
		return principal_may(p, route->right);
	case ROUTE_MACHINE:
		return false;
	case ROUTE_PUBLIC:
	case ROUTE_OAUTH:
		break;
	}
	return true;
}

static void check(const struct route *route, const struct row *row)
{
	struct principal p;

	assert_int_equal(row->who == ANYBODY,
			 route->auth == ROUTE_PUBLIC ||
				 route->auth == ROUTE_OAUTH);
	for (size_t i = 0; row->who && i < N_WHO; i++) {
		principal(i, &p);
		if (may(route, &p) != (row->who[i] != '-'))
			fail_msg("%s %s: \"%s\", number %zu", route->pattern,
				 http_method_word(row->method), row->who, i);
	}
}

static void every_route_is_for_whom_the_table_says(void **state)
{
	const struct route *routes;
	const struct row *row;
	size_t n, seen = 0;

	(void)state;
	routes = routes_list(&n);
	for (size_t i = 0; i < n; i++) {
		for (unsigned m = 1; m < HTTP_OTHER; m <<= 1) {
			if (!(routes[i].methods & m))
				continue;
			row = find(&routes[i], (enum http_method)m);
			if (!row)
				fail_msg("%s is not in the table",
					 routes[i].pattern);
			check(&routes[i], row);
			seen++;
		}
	}
	assert_int_equal(seen, ARRAY_SIZE(table)); /* and none that is gone */
}

/* What belongs to one person stays with that person. */
static void who_is_no_admin_sees_own_things_only(void **state)
{
	struct principal p;

	(void)state;
	principal(0, &p);
	assert_string_equal(p.scope.owner_id, "u");
	assert_string_equal(principal_grant_owner(&p), "u");
	principal(1, &p);
	assert_null(p.scope.owner_id);
	assert_null(principal_grant_owner(&p));
	principal(5, &p);
	assert_string_equal(p.scope.grant_id, "g");
	for (size_t i = 0; i < N_WHO; i++) {
		principal(i, &p);
		assert_string_equal(p.scope.tenant_id, "t");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_route_is_for_whom_the_table_says),
		cmocka_unit_test(who_is_no_admin_sees_own_things_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
