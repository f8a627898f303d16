/* What the consent page offers, to whom, and what is granted then. */
#include "tests/support/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/clients.h"
#include "auth/grants.h"
#include "auth/users.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "storage/db.h"
#include "tests/support/web_rig.h"

#define FORM "application/x-www-form-urlencoded"
#define VERIFIER "dBjftJeZ4CVP-mBQ56ObZZmTB9Iqtxtn2pJy9eXfXfk"
#define CHALLENGE "8oeilpyWkP-7ydoqDJCa10KrLwpUjbq88jjU0YQsiIw"
#define ROOT "sip:root@one.example"

/* The text between two others; static buffer. */
static const char *between(const char *text, const char *before,
			   const char *after)
{
	static char found[512];
	const char *p = strstr(text, before), *end;

	if (!p)
		fail_msg("no %s in\n%s", before, text);
	p += strlen(before);
	end = strstr(p, after);
	assert_non_null(end);
	assert_true(span_copy(found, sizeof(found),
			      (struct span){ p, (size_t)(end - p) }));
	return found;
}

static void post(struct web_rig *w, const char *path, const char *body,
		 unsigned want)
{
	web_rig_begin(w, HTTP_POST, path);
	web_rig_body(w, FORM, body);
	if (web_rig_go(w) != want)
		fail_msg("%s: %u\n%s", path, w->res.status, web_rig_text(w));
}

/* Push a request for this address. @return the page's address */
static const char *push(struct web_rig *w, const char *aor, bool participate)
{
	static char path[512];
	char body[2048];

	(void)snprintf(body, sizeof(body),
		       "client_id=%s&client_secret=%s&response_type=code&"
		       "redirect_uri=https://portal.example/done&"
		       "code_challenge=" CHALLENGE "&"
		       "code_challenge_method=S256&authorization_details="
		       "{\"type\":\"call_recording\",\"actions\":[\"record\"],"
		       "\"owner\":{\"aor\":[\"%s\"],\"must_participate\":%s},"
		       "\"conditions\":{}}",
		       w->rig->client.s, w->rig->secret, aor,
		       participate ? "true" : "false");
	post(w, "/par", body, 201);
	(void)snprintf(path, sizeof(path),
		       "/authorize?client_id=%s&request_uri=%s",
		       w->rig->client.s,
		       between(web_rig_text(w), "\"request_uri\":\"", "\""));
	return path;
}

static const char *see(struct web_rig *w, const char *path)
{
	static char text[32768];

	web_rig_begin(w, HTTP_GET, path);
	assert_int_equal(web_rig_go(w), 200);
	assert_true(str_copy(text, sizeof(text), web_rig_text(w)));
	return text;
}

/* Press "Allow" and exchange the code. @return what the client is told */
static const char *agree(struct web_rig *w, const char *page, unsigned want)
{
	char body[2048], uri[256], csrf[64];

	(void)str_copy(csrf, sizeof(csrf),
		       between(page, "name=\"csrf\" value=\"", "\""));
	(void)str_copy(uri, sizeof(uri),
		       between(page, "name=\"request_uri\" value=\"", "\""));
	(void)snprintf(body, sizeof(body),
		       "csrf=%s&client_id=%s&request_uri=%s&decision=allow",
		       csrf, w->rig->client.s, uri);
	web_rig_begin(w, HTTP_POST, "/authorize");
	web_rig_header(w, "Origin", "https://crs.example");
	web_rig_body(w, FORM, body);
	if (web_rig_go(w) != want)
		fail_msg("%u\n%s", w->res.status, web_rig_text(w));
	if (want != 303)
		return web_rig_text(w);
	(void)snprintf(body, sizeof(body),
		       "client_id=%s&client_secret=%s&redirect_uri=https://"
		       "portal.example/done&grant_type=authorization_code&"
		       "code_verifier=" VERIFIER "&code=%s",
		       w->rig->client.s, w->rig->secret,
		       between(web_rig_answer(w, "Location"), "code=", "&"));
	post(w, "/token", body, 200);
	return web_rig_text(w);
}

static void make_admin(struct web_rig *w, struct id *ret_id)
{
	const char *aors[] = { ROOT };
	struct user_new u = { .tenant_id = w->rig->tenant.s,
			      .email = "root@one.example",
			      .role = USER_ADMIN,
			      .aors = aors,
			      .n_aors = 1 };
	struct err e = { 0 };

	assert_int_equal(user_create(&w->ctx.auth, &u, "x", ret_id, &e), 0);
}

#define OTHERS "also calls of other people"
#define NOTE "The provider asked for calls of other people as well."

static void an_owner_agrees_to_calls_of_its_own(void **state)
{
	struct web_rig *w = *state;
	const char *page, *told;

	web_rig_sign_in(w, w->rig->user.s);
	page = see(w, push(w, "sip:alice@voip.example", false));
	assert_non_null(strstr(page, NOTE));
	assert_null(strstr(page, OTHERS));
	assert_non_null(strstr(page, "in which sip:alice@voip.example takes "
				     "part"));
	told = agree(w, page, 303);
	assert_non_null(strstr(told, "\"must_participate\":true"));
	assert_null(strstr(told, "\"must_participate\":false"));
	assert_int_equal(auth_rig_count(w->rig,
					"SELECT count(*) FROM grants WHERE "
					"conditions LIKE "
					"'%must_participate\":false%'"),
			 0);
	/* one that asks for that only has no note */
	page = see(w, push(w, "sip:alice@voip.example", true));
	assert_null(strstr(page, NOTE));
}

static void an_administrator_may_allow_calls_of_others(void **state)
{
	struct web_rig *w = *state;
	const char *page;
	struct id root;

	make_admin(w, &root);
	web_rig_sign_in(w, root.s);
	page = see(w, push(w, ROOT, false));
	assert_null(strstr(page, NOTE));
	assert_non_null(strstr(page, OTHERS));
	assert_non_null(
		strstr(agree(w, page, 303), "\"must_participate\":false"));
}

/* Also one that is stored so. */
static void the_provider_is_named_as_it_looks(void **state)
{
	struct web_rig *w = *state;
	const char *page;

	assert_true(db_exec(w->rig->db,
			    "UPDATE clients SET name = $1 WHERE id = $2",
			    DB_ARGS(db_text("<b>Bank\xe2\x80\xaegpj\xe2\x81"
					    "\xa6.\xe2\x80\x8b\"exe"),
				    db_text(w->rig->client.s))) == 1);
	web_rig_sign_in(w, w->rig->user.s);
	page = see(w, push(w, "sip:alice@voip.example", true));
	assert_non_null(strstr(page, "<span class=\"name\">&lt;b&gt;Bankgpj."
				     "&quot;exe</span>"));
	assert_null(strstr(page, "\xe2\x80\xae"));
}

/* Whatever page it was. */
static void no_way_leads_round_that(void **state)
{
	struct web_rig *w = *state;
	struct grant_new g = { .client_id = w->rig->client.s,
			       .owner_id = w->rig->user.s };
	struct err e = { 0 };
	struct id id;

	g.details = "{\"type\":\"call_recording\",\"actions\":[\"record\"],"
		    "\"owner\":{\"aor\":[\"sip:alice@voip.example\"],"
		    "\"must_participate\":false},\"conditions\":{}}";
	assert_int_equal(grant_create(&w->ctx.auth, &g, "x", &id, &e), -EACCES);
	assert_non_null(strstr(e.text, "administrator"));
	g.any_aor = true; /* the operator may */
	assert_int_equal(grant_create(&w->ctx.auth, &g, "x", &id, &e), 0);
}

#define WEB(f)                                                                 \
	cmocka_unit_test_setup_teardown(f, web_rig_setup, web_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WEB(an_owner_agrees_to_calls_of_its_own),
		WEB(an_administrator_may_allow_calls_of_others),
		WEB(the_provider_is_named_as_it_looks),
		WEB(no_way_leads_round_that),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
