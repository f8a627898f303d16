/* The authorization server's manners over HTTP: parameters, error texts,
 * metadata. */
#include "tests/support/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/oauth_text.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "tests/support/web_rig.h"

#define FORM "application/x-www-form-urlencoded"

static unsigned post(struct web_rig *w, const char *path, const char *more)
{
	char body[4096];

	web_rig_begin(w, HTTP_POST, path);
	(void)snprintf(body, sizeof(body), "client_id=%s&client_secret=%s&%s",
		       w->rig->client.s, w->rig->secret, more);
	web_rig_body(w, FORM, body);
	return web_rig_go(w);
}

static void assert_error(struct web_rig *w, const char *error)
{
	char text[80];

	(void)snprintf(text, sizeof(text), "\"error\":\"%s\"", error);
	if (!strstr(web_rig_text(w), text))
		(void)snprintf(text, sizeof(text), "\"error\": \"%s\"", error);
	assert_non_null(strstr(web_rig_text(w), text));
}

static void texts_have_the_characters_of_the_rfc(void **state)
{
	static const char *const table[][2] = {
		{ "plain text, 1 (2)!", "plain text, 1 (2)!" },
		{ "a \"b\" \\ c", "a 'b' / c" },
		{ "x\r\ny\tz\x7f", "x??y?z?" },
		{ "Ren\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "Ren? ? ?" },
		{ "", "" },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		(void)str_copy(text, sizeof(text), table[i][0]);
		oauth_text_clean(text);
		assert_string_equal(text, table[i][1]);
	}
}

static void what_a_client_sends_comes_back_clean(void **state)
{
	static const char *const bodies[] = {
		"response_type=code&redirect_uri=https://portal.example/done&"
		"code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&"
		"code_challenge_method=S256&authorization_details="
		"{\"col\\\\our\xc3\xa9\":1}",
		"a%22%5c=1&a%22%5c=2",
		"a\"\\=1&a\"\\=2",
	};
	struct web_rig *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		const char *p;

		assert_int_equal(post(w, "/par", bodies[i]), 400);
		p = strstr(web_rig_text(w), "error_description");
		assert_non_null(p);
		p = strchr(p + strlen("error_description\""), '"') + 1;
		for (; *p != '"'; p++)
			assert_true(*p >= 0x20 && *p <= 0x7e && *p != '\\');
		p++;
		assert_true(*p == '}' || *p == ',');
	}
}

static void empty_parameters_were_not_sent(void **state)
{
	struct web_rig *w = *state;

	assert_int_equal(post(w, "/token",
			      "grant_type=client_credentials&scope=&resource=&"
			      "code"),
			 200);
	assert_int_equal(post(w, "/token", "grant_type="), 400);
	assert_error(w, "invalid_request");
	assert_int_equal(post(w, "/token",
			      "grant_type=authorization_code&code=&"
			      "code_verifier=x"),
			 400);
	assert_error(w, "invalid_request");
	assert_int_equal(post(w, "/token",
			      "grant_type=refresh_token&refresh_token="),
			 400);
	assert_error(w, "invalid_request");
	assert_int_equal(post(w, "/revoke", "token="), 400);
	assert_error(w, "invalid_request");
	assert_int_equal(post(w, "/introspect", "token="), 400);
	assert_error(w, "invalid_request");
	assert_int_equal(post(w, "/par", "request_uri=&response_type="), 400);
	assert_error(w, "invalid_request");
}

static void a_parameter_comes_once(void **state)
{
	static const char *const paths[] = { "/token", "/revoke", "/par",
					     "/introspect" };
	struct web_rig *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		assert_int_equal(post(w, paths[i], "state=&state=x"), 400);
		assert_error(w, "invalid_request");
		assert_int_equal(post(w, paths[i], "client_id=x"), 400);
		assert_error(w, "invalid_request");
	}
}

static void there_is_one_resource(void **state)
{
	static const struct {
		const char *resource;
		unsigned status;
	} table[] = {
		{ "resource=https://crs.example", 200 },
		{ "resource=https://crs.example/", 200 },
		{ "resource=https://crs.example&resource=https://crs.example/",
		  200 },
		{ "resource=https://crs.example&resource=https://other.example",
		  400 },
		{ "resource=https://crs.example%23x", 400 },
		{ "resource=https://crs.example/%3fa", 400 },
		{ "resource=https://crs.example.evil.example", 400 },
		{ "resource=http://crs.example", 400 },
		{ "resource=/api", 400 },
		{ "resource=crs", 400 },
		{ "resource=https://crs.example%22", 400 },
	};
	struct web_rig *w = *state;
	char body[256];

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		(void)snprintf(body, sizeof(body),
			       "grant_type=client_credentials&%s",
			       table[i].resource);
		assert_int_equal(post(w, "/token", body), table[i].status);
		if (table[i].status == 400)
			assert_error(w, "invalid_target");
	}
	assert_int_equal(post(w, "/token",
			      "grant_type=refresh_token&refresh_token=x&"
			      "resource=https://other.example"),
			 400);
	assert_error(w, "invalid_target");
}

static void other_clients_tokens_are_not_revoked(void **state)
{
	struct web_rig *w = *state;
	struct token_pair p;
	struct token_info info;
	char token[TOKEN_MAX], id[TOKEN_ID_LEN + 1], body[128];

	assert_int_equal(token_issue_client(&w->ctx.auth,
					    w->rig->other_client.s, &p),
			 0);
	(void)snprintf(body, sizeof(body), "token=%s", p.access);
	assert_int_equal(post(w, "/revoke", body), 400);
	assert_error(w, "invalid_grant");
	assert_int_equal(token_check(&w->ctx.auth, span_of(p.access), &info),
			 0);
	assert_int_equal(token_issue_api(&w->ctx.auth, w->rig->user.s, "x", 0,
					 "x", token, id),
			 0);
	(void)snprintf(body, sizeof(body), "token=%s", token);
	assert_int_equal(post(w, "/revoke", body), 400);
	assert_int_equal(token_check(&w->ctx.auth, span_of(token), &info), 0);
	assert_int_equal(post(w, "/revoke", "token=unknown"), 200);
	auth_rig_issue(w->rig, &p);
	(void)snprintf(body, sizeof(body), "token=%s&token_type_hint=x",
		       p.refresh);
	assert_int_equal(post(w, "/revoke", body), 200);
	assert_int_equal(token_check(&w->ctx.auth, span_of(p.access), &info),
			 -EKEYREVOKED);
}

static void set_url(struct web_rig *w, const char *url, int want)
{
	struct err e = { 0 };

	(void)str_copy(w->settings.http.public_url,
		       sizeof(w->settings.http.public_url), url);
	assert_int_equal(web_init(&w->web, &w->settings, &w->rig->clock.clock,
				  &e),
			 want);
}

static void metadata_is_where_rfc_8414_says(void **state)
{
	static const char *const there[] = {
		"/.well-known/oauth-authorization-server/crs/one",
		"/crs/one/.well-known/oauth-authorization-server",
		"/.well-known/oauth-authorization-server", /* cut by a proxy */
	};
	static const char *const nowhere[] = {
		"/.well-known/oauth-authorization-server/crs",
		"/.well-known/oauth-authorization-server/crs/one/",
		"/.well-known/oauth-authorization-server/crs/one/two",
		"/.well-known/oauth-authorization-servers/crs/one",
		"/crs/oneself/.well-known/oauth-authorization-server",
	};
	struct web_rig *w = *state;

	set_url(w, "https://crs.example/crs/one/", 0);
	for (size_t i = 0; i < ARRAY_SIZE(there); i++) {
		assert_int_equal(web_rig_ask(w, HTTP_GET, there[i], NULL), 200);
		assert_non_null(strstr(web_rig_text(w),
				       "\"https://crs.example/crs/one\""));
		assert_non_null(
			strstr(web_rig_text(w),
			       "\"https://crs.example/crs/one/token\""));
	}
	for (size_t i = 0; i < ARRAY_SIZE(nowhere); i++)
		assert_int_equal(web_rig_ask(w, HTTP_GET, nowhere[i], NULL),
				 404);
	/* what it names is there */
	assert_int_equal(post(w, "/crs/one/token",
			      "grant_type=client_credentials&"
			      "resource=https://crs.example/crs/one"),
			 200);
	assert_int_equal(web_rig_ask(w, HTTP_GET, "/crs/one", NULL), 303);
	set_url(w, "https://crs.example?x", -EINVAL);
	set_url(w, "https://crs.example/a#b", -EINVAL);
	set_url(w, "https://crs.example/a/../b", -EINVAL);
	set_url(w, "https://crs.example/a%20b", -EINVAL);
}

static void metadata_says_that_requests_are_pushed(void **state)
{
	struct web_rig *w = *state;

	assert_int_equal(web_rig_ask(w, HTTP_GET,
				     "/.well-known/oauth-authorization-server",
				     NULL),
			 200);
	assert_non_null(
		strstr(web_rig_text(w),
		       "\"require_pushed_authorization_requests\":true"));
}

#define WEB(f)                                                                 \
	cmocka_unit_test_setup_teardown(f, web_rig_setup, web_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_have_the_characters_of_the_rfc),
		WEB(what_a_client_sends_comes_back_clean),
		WEB(empty_parameters_were_not_sent),
		WEB(a_parameter_comes_once),
		WEB(there_is_one_resource),
		WEB(other_clients_tokens_are_not_revoked),
		WEB(metadata_is_where_rfc_8414_says),
		WEB(metadata_says_that_requests_are_pushed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
