/* The browser's part of the code flow. GET shows what is asked for, in plain
 * sentences made from the checked conditions; POST (session and CSRF token
 * checked before we get here) makes the grant and the code, or refuses.
 *
 * Whatever comes in plain parameters is stored as a pushed request first, so
 * there is one way from here on, and the address bar names nobody.
 */
#include "web/oauth.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "auth/conditions.h"
#include "auth/grants.h"
#include "auth/users.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "storage/db.h"
#include "web/access.h"
#include "web/context.h"
#include "web/oauth_request.h"
#include "web/page.h"
#include "web/uri.h"

#define PUSHED_LIFE_US (600 * 1000000LL)

/* What GET and POST work on. */
struct consent {
	struct client client;
	struct oauth_request request;
	char request_uri[PUSHED_URI_MAX];
};

static void consent_fini(struct consent *c)
{
	oauth_request_fini(&c->request);
}

static int local_error(struct http_request *req, struct http_response *res,
		       const char *text)
{
	return page_error(req, res, 400, "This link does not work", text);
}

static int redirect_back(struct http_request *req, struct http_response *res,
			 const struct oauth_request *r, const char *name,
			 const char *value, const char *words)
{
	struct buf url;
	int rc;

	buf_init(&url, 4000);
	rc = oauth_request_answer(r, req->ctx->web->issuer, name, value, words,
				  &url);
	if (rc == 0) {
		http_security_page(res, req->ctx->web->secure, NULL);
		rc = http_redirect(res, 303, buf_str(&url));
	}
	buf_fini(&url);
	return rc;
}

/* 0 with the client, 1 when res is filled. */
static int find_client(struct http_request *req, struct http_response *res,
		       const struct form *f, struct client *ret_c)
{
	const char *id = form_str(f, "client_id");
	int r = id_ok(id) ? client_get(&req->ctx->auth, id, ret_c) : -ENOENT;

	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0 && !ret_c->disabled)
		return 0;
	(void)local_error(req, res,
			  "The provider that sent you here is not known to "
			  "this server, or it was disabled.");
	return 1;
}

/* Plain parameters: store, then come back by reference. Always fills res. */
static int push_plain(struct http_request *req, struct http_response *res,
		      struct consent *c)
{
	char uri[PUSHED_URI_MAX];
	char *json CLEANUP(mem_freep) = NULL;
	struct oauth_problem p;
	struct buf url;
	int r;

	r = oauth_request_read(&req->ctx->auth, &c->client, &req->query,
			       req->ctx->web->issuer, &c->request, &p);
	if (r == -EINVAL && !p.redirect)
		return local_error(req, res, p.words);
	if (r == -EINVAL)
		return redirect_back(req, res, &c->request, "error", p.error,
				     p.words);
	if (r < 0)
		return r;
	if (!c->client.plain_authorize)
		return redirect_back(req, res, &c->request, "error",
				     "invalid_request",
				     "Push the request first (RFC 9126)");
	/* no password is needed to get here */
	if (pushed_crowded(&req->ctx->auth, c->client.id))
		return redirect_back(req, res, &c->request, "error",
				     "temporarily_unavailable",
				     "Too many requests are waiting");
	json = oauth_request_json(&c->request);
	if (!json)
		return -ENOMEM;
	r = pushed_put(&req->ctx->auth, c->client.id, json, PUSHED_LIFE_US,
		       uri);
	if (r < 0)
		return r;
	buf_init(&url, 2000);
	buf_printf(&url, "/authorize?client_id=%s&request_uri=", c->client.id);
	r = uri_encode(&url, uri);
	if (r == 0) {
		http_security_page(res, req->ctx->web->secure, NULL);
		r = http_redirect(res, 303, buf_str(&url));
	}
	buf_fini(&url);
	return r;
}

/* 0 with the request, 1 when res is filled. */
static int load(struct http_request *req, struct http_response *res,
		const struct form *f, struct consent *c)
{
	char *json CLEANUP(mem_freep) = NULL;
	const char *uri = form_get(f, "request_uri");
	int r;

	if (!str_copy(c->request_uri, sizeof(c->request_uri), uri ? uri : ""))
		r = -ENOENT;
	else
		r = pushed_get(&req->ctx->auth, uri, c->client.id, &json);
	if (r == 0)
		r = oauth_request_load(c->client.id, json, &c->request);
	if (r == -ENOENT || r == -EKEYEXPIRED || r == -EINVAL) {
		(void)local_error(req, res,
				  "This request was answered already or is too "
				  "old. Go back to your provider and start "
				  "again.");
		return 1;
	}
	return r;
}

/* May this user agree to recordings for this client? */
static bool may_agree(struct http_request *req, struct http_response *res,
		      const struct consent *c)
{
	if (strcmp(c->client.tenant_id, req->who->tenant_id) != 0) {
		(void)page_error(req, res, 403, "Another account",
				 "This provider is registered with another "
				 "account than yours. Sign out and sign in "
				 "with the account that the registration "
				 "belongs to.");
		return false;
	}
	if (principal_may(req->who, RIGHT_GRANT_WRITE))
		return true;
	(void)page_error(req, res, 403, "Not allowed",
			 "Your role in this account does not include "
			 "authorizing recordings.");
	return false;
}

/* ---- the page ---- */

static void put_sentence(void *arg, const char *sentence)
{
	HTML(arg, "<li>{}</li>\n", sentence);
}

static void put_owner_note(struct http_request *req, struct buf *b,
			   const struct conditions *cond)
{
	for (unsigned i = 0; i < cond->n_owner; i++) {
		if (user_has_aor(&req->ctx->auth, req->who->user.id,
				 cond->owner[i].text))
			continue;
		HTML(b,
		     "<p class=\"note\">The address <b>{}</b> is not among "
		     "those registered for you. Agree only when its calls are "
		     "yours.</p>\n",
		     cond->owner[i].text);
	}
}

static void put_limits(struct buf *b, const struct conditions *cond)
{
	char until[CLOCK_RFC3339_MAX] = "", days[24] = "", gb[24] = "";

	if (cond->not_after_us) {
		clock_format(cond->not_after_us, until, sizeof(until));
		until[10] = '\0';
	}
	if (cond->retention_days)
		(void)snprintf(days, sizeof(days), "%" PRId64,
			       cond->retention_days);
	if (cond->storage_bytes)
		(void)snprintf(gb, sizeof(gb), "%" PRId64,
			       cond->storage_bytes / 1000000000);
	buf_puts(b, "<details>\n<summary>Allow less than this</summary>\n"
		    "<div class=\"fields\">\n");
	HTML(b,
	     "<label>Until<input type=\"date\" name=\"not_after\" "
	     "value=\"{}\"></label>\n",
	     until);
	HTML(b,
	     "<label>Keep for days<input type=\"number\" "
	     "name=\"retention_days\" min=\"1\" max=\"36500\" "
	     "value=\"{}\"></label>\n",
	     days);
	HTML(b,
	     "<label>At most GB<input type=\"number\" name=\"storage_gb\" "
	     "min=\"1\" max=\"1000000\" value=\"{}\"></label>\n</div>\n"
	     "</details>\n",
	     gb);
}

static int consent_page(struct http_request *req, struct http_response *res,
			const struct consent *c)
{
	const struct conditions *cond = c->request.conditions;
	struct buf *b = &res->body;
	char origin[256];
	int r;

	r = uri_origin(c->request.redirect_uri, origin, sizeof(origin));
	if (r < 0)
		return r;
	page_begin_card(req, res, "Allow recording");
	http_security_page(res, req->ctx->web->secure, origin);
	HTML(b,
	     "<h1>Allow <span class=\"name\">{}</span> to record your calls?"
	     "</h1>\n<p>This provider asks to send your calls here, on these "
	     "conditions:</p>\n<ul class=\"conditions\">\n",
	     c->client.name);
	r = conditions_sentences(cond, put_sentence, b);
	if (r < 0)
		return r;
	if (scope_has(c->request.scope, SCOPE_API))
		buf_puts(b, "<li>The provider may list and play the recordings "
			    "it makes.</li>\n");
	buf_puts(b, "</ul>\n");
	put_owner_note(req, b, cond);
	buf_puts(b, "<form method=\"post\" action=\"/authorize\">\n");
	page_csrf(req, res);
	HTML(b,
	     "<input type=\"hidden\" name=\"client_id\" value=\"{}\">"
	     "<input type=\"hidden\" name=\"request_uri\" value=\"{}\">\n",
	     c->client.id, c->request_uri);
	put_limits(b, cond);
	HTML(b,
	     "<div class=\"actions\">\n"
	     "<button class=\"primary\" type=\"submit\" name=\"decision\" "
	     "value=\"allow\">Allow</button>\n"
	     "<button type=\"submit\" name=\"decision\" value=\"deny\">"
	     "Don't allow</button>\n</div>\n</form>\n"
	     "<p class=\"small\">You are signed in as {} and go back to "
	     "<b>{}</b> afterwards. You can withdraw this at any time under "
	     "Authorizations.</p>\n",
	     req->who->user.email, origin);
	return page_end(res);
}

int oauth_authorize_get(struct http_request *req, struct http_response *res)
{
	struct consent c CLEANUP(consent_fini) = { 0 };
	int r;

	r = find_client(req, res, &req->query, &c.client);
	if (r != 0)
		return r < 0 ? r : 0;
	if (!form_get(&req->query, "request_uri"))
		return push_plain(req, res, &c);
	r = load(req, res, &req->query, &c);
	if (r != 0)
		return r < 0 ? r : 0;
	if (!req->session)
		return page_to_login(req, res);
	if (!may_agree(req, res, &c))
		return 0;
	return consent_page(req, res, &c);
}

/* ---- the answer ---- */

static int set_number(json_t *details, const char *name, const char *text,
		      int64_t factor)
{
	json_t *limits = json_object_get(details, "limits");
	int64_t v;

	if (!text || !text[0])
		return 0;
	if (str_i64(text, 1, 1000000, &v) < 0)
		return -EINVAL;
	if (!limits) {
		limits = json_object();
		json_object_set_new(details, "limits", limits);
	}
	json_object_set_new(limits, name, json_integer(v * factor));
	return 0;
}

/* A field left as the page showed it changes nothing: days and gigabytes are
 * rounded there, and a date has lost its time. */
static bool same_as_shown(const struct conditions *c, const struct form *f,
			  const char *name)
{
	char shown[CLOCK_RFC3339_MAX] = "";

	if (strcmp(name, "not_after") == 0 && c->not_after_us) {
		clock_format(c->not_after_us, shown, sizeof(shown));
		shown[10] = '\0';
	} else if (strcmp(name, "retention_days") == 0 && c->retention_days) {
		(void)snprintf(shown, sizeof(shown), "%" PRId64,
			       c->retention_days);
	} else if (strcmp(name, "storage_gb") == 0 && c->storage_bytes) {
		(void)snprintf(shown, sizeof(shown), "%" PRId64,
			       c->storage_bytes / 1000000000);
	}
	return strcmp(shown, form_str(f, name)) == 0;
}

/* The details with what the owner filled in. NULL: a field is wrong. */
static char *narrowed(const struct conditions *c, const struct form *f)
{
	json_t *j = json_loads(c->text, 0, NULL);
	char *text = NULL;
	int r = j ? 0 : -EINVAL;

	if (r == 0 && form_str(f, "not_after")[0] &&
	    !same_as_shown(c, f, "not_after"))
		r = json_object_set_new(j, "not_after",
					json_sprintf("%sT23:59:59Z",
						     form_str(f, "not_after")));
	if (r == 0 && !same_as_shown(c, f, "retention_days"))
		r = set_number(j, "retention_days",
			       form_get(f, "retention_days"), 1);
	if (r == 0 && !same_as_shown(c, f, "storage_gb"))
		r = set_number(j, "storage_bytes", form_get(f, "storage_gb"),
			       1000000000);
	if (r == 0)
		text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	return text;
}

/* Check what the owner filled in against what was asked. 1: res is filled. */
static int narrow(struct http_request *req, struct http_response *res,
		  const struct conditions *asked, const struct form *f,
		  char **ret_text)
{
	struct conditions *mine CLEANUP(conditions_free) = NULL;
	char *text CLEANUP(mem_freep) = narrowed(asked, f);
	struct err e = { 0 };
	int r = -EINVAL;

	if (text)
		r = conditions_parse(text, strlen(text), &mine, &e);
	if (r < 0 && r != -EINVAL)
		return r;
	if (r < 0 || conditions_wider(asked, mine, NULL, 0) > 0) {
		(void)page_error(req, res, 400, "That is not less",
				 "Go back: the limits you fill in must be "
				 "valid and within what the provider asked "
				 "for.");
		return 1;
	}
	*ret_text = STEAL(text);
	return 0;
}

static int make_grant(struct http_request *req, const struct consent *c,
		      const char *details, char code[TOKEN_MAX], struct err *e)
{
	struct auth *a = &req->ctx->auth;
	struct grant_new g = { .client_id = c->client.id,
			       .owner_id = req->who->user.id,
			       .details = details,
			       .scope = c->request.scope };
	struct token_code tc = { .client_id = c->client.id,
				 .redirect_uri = c->request.redirect_uri,
				 .challenge = c->request.challenge,
				 .scope = c->request.scope };
	struct id grant;
	int r;

	r = pushed_use(a, c->request_uri, c->client.id);
	if (r == 0)
		r = grant_create(a, &g, req->who->actor, &grant, e);
	tc.grant_id = grant.s;
	return r < 0 ? r : token_code_issue(a, &tc, code);
}

static int allow(struct http_request *req, struct http_response *res,
		 const struct consent *c, const struct form *f)
{
	char *details CLEANUP(mem_freep) = NULL;
	struct err e = { 0 };
	char code[TOKEN_MAX];
	int r;

	r = narrow(req, res, c->request.conditions, f, &details);
	if (r != 0)
		return r < 0 ? r : 0;
	r = db_begin(req->ctx->db);
	if (r < 0)
		return r;
	r = make_grant(req, c, details, code, &e);
	if (r < 0)
		db_rollback(req->ctx->db);
	else
		r = db_commit(req->ctx->db);
	if (r == -EINVAL)
		return page_error(req, res, 400, "Not possible", e.text);
	if (r == -ENOENT)
		return local_error(req, res,
				   "This request was answered already.");
	if (r < 0)
		return r;
	return redirect_back(req, res, &c->request, "code", code, NULL);
}

static int deny(struct http_request *req, struct http_response *res,
		const struct consent *c)
{
	int r = pushed_use(&req->ctx->auth, c->request_uri, c->client.id);

	if (r < 0 && r != -ENOENT)
		return r;
	return redirect_back(req, res, &c->request, "error", "access_denied",
			     "The owner did not agree");
}

int oauth_authorize_post(struct http_request *req, struct http_response *res)
{
	struct consent c CLEANUP(consent_fini) = { 0 };
	struct form f CLEANUP(form_fini) = { 0 };
	int r;

	if (!page_form(req, res, &f))
		return 0;
	r = find_client(req, res, &f, &c.client);
	if (r == 0)
		r = load(req, res, &f, &c);
	if (r != 0)
		return r < 0 ? r : 0;
	if (!may_agree(req, res, &c))
		return 0;
	if (strcmp(form_str(&f, "decision"), "allow") == 0)
		return allow(req, res, &c, &f);
	return deny(req, res, &c);
}
