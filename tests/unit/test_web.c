/* Requests answered without a socket: who may do what, sessions, setup. */
#include "web/serve.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <string.h>

#include "auth/users.h"
#include "base/err.h"
#include "base/settings.h"
#include "base/str.h"
#include "storage/blob.h"
#include "storage/catalog.h"
#include "storage/db.h"
#include "tests/support/auth_rig.h"
#include "web/access.h"
#include "web/context.h"
#include "web/embed.h"
#include "web/session.h"
#include "web/setup.h"

#define HOUR_US (3600 * 1000000LL)

struct world {
	struct auth_rig *rig;
	struct settings settings;
	struct web web;
	struct web_ctx ctx;
	struct http_request req;
	struct http_response res;
	char cookie[256];
};

static int setup(void **state)
{
	struct world *w = test_calloc(1, sizeof(*w));
	void *rig = NULL;

	assert_int_equal(auth_rig_setup(&rig), 0);
	w->rig = rig;
	(void)str_copy(w->settings.http.public_url,
		       sizeof(w->settings.http.public_url),
		       "https://crs.example");
	assert_int_equal(
		web_init(&w->web, &w->settings, &w->rig->clock.clock, NULL), 0);
	assert_int_equal(embed_setup(), 0);
	w->ctx.web = &w->web;
	w->ctx.db = w->rig->db;
	w->ctx.auth = w->rig->auth;
	assert_int_equal(blob_mem_create(&w->ctx.blobs), 0);
	http_response_init(&w->res);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	void *rig = w->rig;

	http_response_fini(&w->res);
	blob_store_destroy(&w->ctx.blobs);
	(void)auth_rig_teardown(&rig);
	test_free(w);
	return 0;
}

static void begin(struct world *w, enum http_method method, const char *path)
{
	memset(&w->req, 0, sizeof(w->req));
	w->req.method = method;
	w->req.path = w->req.raw = path;
	w->req.body = "";
	w->req.ctx = &w->ctx;
	w->req.wall_us = w->rig->clock.now_wall_us;
	(void)str_copy(w->req.peer, sizeof(w->req.peer), "192.0.2.7");
	if (w->cookie[0])
		w->req.headers[w->req.n_headers++] =
			(struct http_header){ "Cookie", w->cookie };
	http_response_reset(&w->res);
}

static void header(struct world *w, const char *name, const char *value)
{
	w->req.headers[w->req.n_headers++] =
		(struct http_header){ name, value };
}

static unsigned go(struct world *w)
{
	serve_request(&w->req, &w->res);
	return w->res.status;
}

static const char *answered(struct world *w, const char *name)
{
	for (unsigned i = 0; i < w->res.n_headers; i++)
		if (str_ieq(w->res.headers[i].name, name))
			return w->res.headers[i].value;
	return NULL;
}

static void sign_in(struct world *w, const char *user_id)
{
	struct span s;

	begin(w, HTTP_GET, "/");
	assert_int_equal(web_session_begin(&w->req, &w->res, user_id), 0);
	s = span_of(answered(w, "Set-Cookie"));
	assert_true(span_copy(w->cookie, sizeof(w->cookie), span_cut(&s, ';')));
}

static void roles_have_their_rights_and_no_more(void **state)
{
	static const struct {
		enum user_role role;
		const char *rights; /* one letter each, order of the header */
		bool all;	    /* sees recordings of others */
	} table[] = {
		{ USER_OWNER, "rlpsedC-Gg---", false },
		{ USER_ADMIN, "rlpsedCcGgaUu", true },
		{ USER_SUPERVISOR, "rlp-e--------", true },
		{ USER_LISTENER, "rl-----------", false },
		{ USER_AUDITOR, "r-----C-G-aU-", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct user u = { .id = "u",
				  .tenant_id = "t",
				  .role = table[i].role };
		struct principal p;

		principal_of_user(&p, &u);
		for (int k = 0; k < 13; k++)
			assert_int_equal(principal_may(&p, (enum route_right)(
								   k + 1)),
					 table[i].rights[k] != '-');
		assert_string_equal(p.scope.tenant_id, "t");
		assert_int_equal(p.scope.owner_id == NULL &&
					 p.scope.listener_id == NULL,
				 table[i].all);
		assert_int_equal(catalog_scope_limited(&p.scope),
				 !table[i].all);
	}
}

static void every_route_of_the_api_asks_who_is_there(void **state)
{
	struct world *w = *state;
	const struct route *routes;
	unsigned seen = 0;
	size_t n;

	routes = routes_list(&n);
	for (size_t i = 0; i < n; i++) {
		char path[160] = "";

		if (strncmp(routes[i].pattern, "/api/", 5) != 0)
			continue;
		for (const char *p = routes[i].pattern; *p; p++) {
			size_t len = strlen(path);

			if (p[0] == '{')
				continue;
			path[len] = p[0] == '}' ? 'x' : p[0];
			path[len + 1] = '\0';
		}
		for (unsigned m = 1; m < HTTP_OTHER; m <<= 1) {
			if (!(routes[i].methods & m))
				continue;
			begin(w, (enum http_method)m, path);
			assert_int_equal(go(w), 401);
			seen++;
		}
	}
	assert_true(seen > 10);
}

static void pages_lead_to_the_login_and_back(void **state)
{
	struct world *w = *state;

	begin(w, HTTP_GET, "/recordings");
	w->req.raw = "/recordings?q=a%20b";
	assert_int_equal(go(w), 303);
	assert_string_equal(answered(w, "Location"),
			    "/login?next=%2Frecordings%3Fq%3Da%2520b");
}

static void a_session_ends_when_idle_and_when_old(void **state)
{
	struct world *w = *state;
	struct clock_fake *c = &w->rig->clock;

	sign_in(w, w->rig->user.s);
	begin(w, HTTP_GET, "/api/v1/me");
	assert_int_equal(go(w), 200);
	clock_fake_advance(c, 11 * HOUR_US);
	begin(w, HTTP_GET, "/api/v1/me");
	assert_int_equal(go(w), 200); /* seen: twelve hours from now on */
	clock_fake_advance(c, 13 * HOUR_US);
	begin(w, HTTP_GET, "/api/v1/me");
	assert_int_equal(go(w), 401);
	sign_in(w, w->rig->user.s);
	for (int i = 0; i < 16; i++) {
		clock_fake_advance(c, 10 * HOUR_US);
		begin(w, HTTP_GET, "/api/v1/me");
		assert_int_equal(go(w), 200);
	}
	clock_fake_advance(c, 10 * HOUR_US); /* 170 hours: over a week */
	begin(w, HTTP_GET, "/api/v1/me");
	assert_int_equal(go(w), 401);
	assert_true(web_session_sweep(w->ctx.db, w->req.wall_us) >= 1);
}

static void a_disabled_user_is_signed_out(void **state)
{
	struct world *w = *state;

	sign_in(w, w->rig->user.s);
	assert_int_equal(user_set_disabled(&w->ctx.auth, w->rig->user.s, true,
					   "operator"),
			 0);
	begin(w, HTTP_GET, "/api/v1/me");
	assert_int_equal(go(w), 401);
}

static void signing_in_again_ends_the_session_before(void **state)
{
	struct world *w = *state;
	char before[256];

	sign_in(w, w->rig->user.s);
	memcpy(before, w->cookie, sizeof(before));
	sign_in(w, w->rig->user.s);
	begin(w, HTTP_GET, "/api/v1/me");
	assert_int_equal(go(w), 200);
	memcpy(w->cookie, before, sizeof(before));
	begin(w, HTTP_GET, "/api/v1/me");
	assert_int_equal(go(w), 401);
}

static void writes_by_cookie_need_token_and_origin(void **state)
{
	static const struct {
		const char *name, *value;
		unsigned status;
	} table[] = {
		{ "Origin", "https://crs.example", 404 },
		{ "Origin", "null", 403 },
		{ "Origin", "", 403 },
		{ "Origin", "file://", 403 },
		{ "Origin", "https://other.example", 404 }, /* as in Host */
		{ "Origin", "http://other.example", 403 },
		{ "Origin", "https://other.example:8443", 403 },
		{ "Origin", "https://crs.example.evil.example", 403 },
		{ "Origin", "http://crs.example", 403 },
		{ "Sec-Fetch-Site", "same-origin", 404 },
		{ "Sec-Fetch-Site", "same-site", 403 },
		{ "Sec-Fetch-Site", "cross-site", 403 },
	};
	struct world *w = *state;
	struct web_session s;
	char csrf[SESSION_TEXT_MAX];

	sign_in(w, w->rig->user.s);
	begin(w, HTTP_GET, "/");
	assert_int_equal(web_session_load(&w->req, &s), 0);
	memcpy(csrf, s.csrf, sizeof(csrf));
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		begin(w, HTTP_DELETE, "/api/v1/recordings/x");
		header(w, "Host", "other.example");
		header(w, "X-CSRF-Token", csrf);
		header(w, table[i].name, table[i].value);
		assert_int_equal(go(w), table[i].status);
	}
	begin(w, HTTP_DELETE, "/api/v1/recordings/x");
	header(w, "Origin", "https://crs.example");
	assert_int_equal(go(w), 403);
}

static const char *page_of(struct world *w, const char *path, unsigned status)
{
	begin(w, HTTP_GET, path);
	header(w, "Accept", "text/html");
	assert_int_equal(go(w), status);
	return buf_str(&w->res.body);
}

static void an_unknown_address_leads_on(void **state)
{
	struct world *w = *state;
	const char *text;

	text = page_of(w, "/nothing", 404);
	assert_non_null(strstr(text, "There is nothing at this address"));
	assert_non_null(strstr(text, "<a href=\"/\">"));
	assert_null(strstr(text, "<nav"));
	sign_in(w, w->rig->user.s);
	text = page_of(w, "/nothing", 404);
	assert_non_null(strstr(text, "<nav"));
	assert_non_null(strstr(text, "<a href=\"/recordings\">"));
	assert_non_null(strstr(text, "Sign out"));
	/* the same of an address that takes another method */
	text = page_of(w, "/logout", 405);
	assert_non_null(strstr(text, "<nav"));
	/* programs get JSON */
	begin(w, HTTP_GET, "/api/v1/nothing");
	header(w, "Accept", "text/html");
	assert_int_equal(go(w), 404);
	assert_non_null(strstr(buf_str(&w->res.body), "\"status\""));
}

static void cookies_are_locked_to_https(void **state)
{
	struct world *w = *state;
	const char *c;

	sign_in(w, w->rig->user.s);
	c = answered(w, "Set-Cookie");
	assert_true(span_starts(span_of(c), "__Host-srs="));
	assert_non_null(strstr(c, "; Path=/; HttpOnly; SameSite=Lax; Secure"));
	assert_null(strstr(c, "Domain"));
}

static void a_secret_in_clear_from_elsewhere_is_refused(void **state)
{
	struct world *w = *state;
	char token[TOKEN_MAX], id[TOKEN_ID_LEN + 1], value[128];

	w->web.secure = false;
	assert_int_equal(token_issue_api(&w->ctx.auth, w->rig->user.s, "t", 0,
					 "operator", token, id),
			 0);
	(void)snprintf(value, sizeof(value), "Bearer %s", token);
	begin(w, HTTP_GET, "/api/v1/me");
	header(w, "Authorization", value);
	assert_int_equal(go(w), 403);
	begin(w, HTTP_GET, "/api/v1/me");
	header(w, "Authorization", value);
	(void)str_copy(w->req.peer, sizeof(w->req.peer), "127.0.0.1");
	assert_int_equal(go(w), 200);
}

static void the_setup_link_works_until_there_is_an_administrator(void **state)
{
	struct world *w = *state;
	struct auth *a = &w->ctx.auth;
	struct setup_account s = { "New", "first@new.example", "correct horse",
				   "sip:f@new.example" };
	struct user_new other = { .email = "o@new.example",
				  .tenant_id = w->rig->tenant.s };
	char first[SETUP_TOKEN_MAX], token[SETUP_TOKEN_MAX];
	struct err e = { 0 };
	struct user u;
	struct id id;
	int role;

	/* an owner is there; others that are no administrators come */
	assert_int_equal(setup_link_create(a, first), 0);
	for (role = USER_OWNER; role <= USER_AUDITOR; role++) {
		char email[] = "0@new.example";

		if (role == USER_ADMIN)
			continue;
		email[0] = (char)('0' + role);
		other.email = email;
		other.role = (enum user_role)role;
		assert_int_equal(user_create(a, &other, "t", &id, &e), 0);
		assert_int_equal(setup_link_check(a, first), 0);
	}
	/* the server is started again; then a day goes by, and again */
	assert_int_equal(setup_link_create(a, token), 0);
	assert_int_equal(setup_link_check(a, first), 0);
	clock_fake_advance(&w->rig->clock, 25 * HOUR_US);
	assert_int_equal(setup_link_check(a, token), 0);
	assert_int_equal(setup_link_check(a, "nonsense"), -ENOENT);
	assert_int_equal(setup_link_create(a, token), 0);
	assert_int_equal(setup_link_check(a, first), -ENOENT);
	s.password = "short";
	assert_int_equal(setup_account_create(a, token, &s, &id, &e), -EINVAL);
	s.password = "correct horse";
	/* an address that is somebody's already, in another way of writing */
	s.aor = "sips:alice@VOIP.example;user=phone";
	e = (struct err){ 0 };
	assert_int_equal(setup_account_create(a, token, &s, &id, &e), -EEXIST);
	assert_non_null(strstr(e.text, "somebody else's"));
	assert_int_equal(auth_rig_count(w->rig, "SELECT count(*) FROM tenants "
						"WHERE name = 'New'"),
			 0);
	s.aor = "sip:f@new.example";
	assert_int_equal(setup_account_create(a, token, &s, &id, &e), 0);
	assert_int_equal(user_find(a, id.s, &u), 0);
	assert_int_equal(u.role, USER_ADMIN);
	assert_int_equal(setup_account_create(a, token, &s, &id, &e), -ENOENT);
}

static void an_administrator_made_elsewhere_ends_the_setup_link(void **state)
{
	struct world *w = *state;
	struct auth *a = &w->ctx.auth;
	struct user_new admin = { .email = "root@new.example",
				  .tenant_id = w->rig->tenant.s,
				  .role = USER_ADMIN };
	char token[SETUP_TOKEN_MAX];
	struct err e = { 0 };
	struct id id;

	assert_int_equal(setup_link_create(a, token), 0);
	assert_int_equal(user_create(a, &admin, "t", &id, &e), 0);
	assert_int_equal(setup_link_check(a, token), -ENOENT);
	/* nobody is left: a new link works, the old one stays dead */
	assert_int_equal(user_set_disabled(a, id.s, true, "t"), 0);
	assert_int_equal(setup_link_check(a, token), -ENOENT);
	assert_int_equal(setup_link_create(a, token), 0);
	assert_int_equal(setup_link_check(a, token), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles_have_their_rights_and_no_more),
		T(every_route_of_the_api_asks_who_is_there),
		T(pages_lead_to_the_login_and_back),
		T(a_session_ends_when_idle_and_when_old),
		T(a_disabled_user_is_signed_out),
		T(signing_in_again_ends_the_session_before),
		T(writes_by_cookie_need_token_and_origin),
		T(an_unknown_address_leads_on),
		T(cookies_are_locked_to_https),
		T(a_secret_in_clear_from_elsewhere_is_refused),
		T(the_setup_link_works_until_there_is_an_administrator),
		T(an_administrator_made_elsewhere_ends_the_setup_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
