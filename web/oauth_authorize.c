/* The browser's part of the code flow. GET shows what is asked for, in plain
 * sentences made from the checked conditions; POST (session and CSRF token
 * checked before we get here) makes the grant and the code, or refuses.
 *
 * Whatever comes in plain parameters is stored as a pushed request first, so
 * there is one way from here on, and the address bar names nobody.
 */
#include "web/oauth.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/aors.h"
#include "auth/conditions.h"
#include "auth/grant_words.h"
#include "auth/grants.h"
#include "auth/pushed.h"
#include "auth/users.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "storage/db.h"
#include "web/access.h"
#include "web/consent_limits.h"
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
	bool narrowed; /* to calls in which the user takes part */
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
	struct pushed_new pushed = { .client_id = c->client.id,
				     .life_us = PUSHED_LIFE_US,
				     .plain = true };
	int64_t retry_s = 0;
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
	json = oauth_request_json(&c->request);
	if (!json)
		return -ENOMEM;
	pushed.params_json = json;
	r = pushed_put(&req->ctx->auth, &pushed, uri, &retry_s);
	if (r == -EDQUOT || r == -EAGAIN)
		return redirect_back(req, res, &c->request, "error",
				     "temporarily_unavailable",
				     "Too many requests are waiting");
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

/* The calls of other people are not a plain owner's to give away. */
static int narrow(struct http_request *req, struct consent *c)
{
	struct conditions *own = NULL;
	int r;

	if (c->request.conditions->must_participate ||
	    req->who->user.role == USER_ADMIN)
		return 0;
	r = consent_own_calls(c->request.conditions, &own);
	if (r < 0)
		return r;
	conditions_free(&c->request.conditions);
	c->request.conditions = own;
	c->narrowed = true;
	return 0;
}

/* ---- the page ---- */

static void put_sentence(void *arg, const char *sentence)
{
	HTML(arg, "<li>{}</li>\n", sentence);
}

/* Consent is good for the user's own addresses only. @return how many are not
 */
static unsigned put_foreign(struct http_request *req, struct buf *b,
			    const struct conditions *cond)
{
	unsigned n = 0;

	for (unsigned i = 0; i < cond->n_owner; i++) {
		if (user_has_aor(&req->ctx->auth, req->who->user.id,
				 cond->owner[i].text))
			continue;
		HTML(b,
		     "<p class=\"alert\" role=\"alert\">You cannot allow "
		     "this: <b>{}</b> is not one of your addresses. Ask your "
		     "administrator to give it to you, or your provider to ask "
		     "for one that is yours.</p>\n",
		     cond->owner[i].text);
		n++;
	}
	return n;
}

static void put_decision(struct buf *b, const struct conditions *cond,
			 bool can_allow, const struct form *f,
			 const struct consent_fault *fault)
{
	if (can_allow)
		consent_limits_put(b, cond, f, fault);
	buf_puts(b, "<div class=\"actions\">\n");
	if (can_allow)
		buf_puts(b, "<button class=\"primary\" type=\"submit\" "
			    "name=\"decision\" value=\"allow\">Allow"
			    "</button>\n");
	buf_puts(b, "<button type=\"submit\" name=\"decision\" "
		    "value=\"deny\" formnovalidate>Don't allow</button>\n"
		    "</div>\n");
}

/* @param f NULL, or the form as it was sent, with what is wrong in it */
static int consent_page(struct http_request *req, struct http_response *res,
			const struct consent *c, const struct form *f,
			const struct consent_fault *fault)
{
	const struct conditions *cond = c->request.conditions;
	struct buf *b = &res->body;
	char origin[256];
	unsigned foreign;
	int r;

	r = uri_origin(c->request.redirect_uri, origin, sizeof(origin));
	if (r < 0)
		return r;
	res->status = fault ? 400 : 200;
	page_begin_card(req, res, "Allow recording");
	http_security_page(res, req->ctx->web->secure, origin);
	HTML(b,
	     "<h1>Allow <span class=\"name\">{}</span> to record your calls?"
	     "</h1>\n<p>This provider asks to send your calls here, on these "
	     "conditions:</p>\n<ul class=\"conditions\">\n",
	     c->client.name);
	r = grant_sentences(cond, c->request.scope, put_sentence, b);
	if (r < 0)
		return r;
	buf_puts(b, "</ul>\n");
	if (c->narrowed)
		buf_puts(b, "<p class=\"note\">The provider asked for calls "
			    "of other people as well. You can allow calls in "
			    "which you take part, no others: that is what "
			    "this page offers. An administrator of your "
			    "account can allow more.</p>\n");
	foreign = put_foreign(req, b, cond);
	if (fault)
		HTML(b,
		     "<p class=\"alert\" role=\"alert\" id=\"fault\">{}</p>\n",
		     fault->words);
	buf_puts(b, "<form method=\"post\" action=\"/authorize\">\n");
	page_csrf(req, res);
	HTML(b,
	     "<input type=\"hidden\" name=\"client_id\" value=\"{}\">"
	     "<input type=\"hidden\" name=\"request_uri\" value=\"{}\">\n",
	     c->client.id, c->request_uri);
	put_decision(b, cond, foreign == 0, f, fault);
	HTML(b,
	     "</form>\n"
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

	form_drop_empty(&req->query);
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
	r = narrow(req, &c);
	return r < 0 ? r : consent_page(req, res, &c, NULL, NULL);
}

/* ---- the answer ---- */

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
	struct consent_fault fault = { .field = "" };
	struct err e = { 0 };
	char code[TOKEN_MAX];
	int r;

	r = consent_limits_read(c->request.conditions, f, req->wall_us,
				&details, &fault);
	if (r == -EINVAL)
		return consent_page(req, res, c, f, &fault);
	if (r < 0)
		return r;
	r = db_begin(req->ctx->db);
	if (r < 0)
		return r;
	r = make_grant(req, c, details, code, &e);
	if (r < 0)
		db_rollback(req->ctx->db);
	else
		r = db_commit(req->ctx->db);
	if (r == -EINVAL) {
		(void)snprintf(fault.words, sizeof(fault.words),
			       "That is not possible: %s.", e.text);
		return consent_page(req, res, c, f, &fault);
	}
	if (r == -EACCES)
		return page_error(req, res, 403, "Not yours to allow", e.text);
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
	if (strcmp(form_str(&f, "decision"), "allow") == 0) {
		r = narrow(req, &c);
		return r < 0 ? r : allow(req, res, &c, &f);
	}
	return deny(req, res, &c);
}
