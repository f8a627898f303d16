#include "web/access.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/settings.h"
#include "base/str.h"
#include "storage/audit.h"
#include "storage/catalog_search.h"
#include "web/context.h"
#include "web/page.h"
#include "web/session.h"

#define BIT(r) (1u << (r))

static unsigned rights_of(enum user_role role)
{
	const unsigned read = BIT(RIGHT_NONE) | BIT(RIGHT_RECORDING_READ);
	const unsigned listen = read | BIT(RIGHT_RECORDING_LISTEN);
	const unsigned edit =
		listen | BIT(RIGHT_RECORDING_EDIT) | BIT(RIGHT_RECORDING_PAUSE);
	const unsigned own = edit | BIT(RIGHT_RECORDING_DELETE) |
			     BIT(RIGHT_RECORDING_START) |
			     BIT(RIGHT_CLIENT_READ) | BIT(RIGHT_GRANT_READ) |
			     BIT(RIGHT_GRANT_WRITE);

	switch (role) {
	case USER_OWNER:
		return own;
	case USER_ADMIN:
		return own | BIT(RIGHT_CLIENT_WRITE) | BIT(RIGHT_AUDIT_READ) |
		       BIT(RIGHT_USER_READ) | BIT(RIGHT_USER_WRITE);
	case USER_SUPERVISOR:
		return edit;
	case USER_LISTENER:
		return listen;
	case USER_AUDITOR:
		return read | BIT(RIGHT_CLIENT_READ) | BIT(RIGHT_GRANT_READ) |
		       BIT(RIGHT_AUDIT_READ) | BIT(RIGHT_USER_READ);
	}
	return 0;
}

void principal_of_user(struct principal *p, const struct user *u)
{
	memset(p, 0, sizeof(*p));
	p->is_user = true;
	p->user = *u;
	p->rights = rights_of(u->role);
	(void)str_copy(p->tenant_id, sizeof(p->tenant_id), u->tenant_id);
	p->scope.tenant_id = p->tenant_id;
	if (u->role == USER_OWNER)
		p->scope.owner_id = p->user.id;
	else if (u->role == USER_LISTENER)
		p->scope.listener_id = p->user.id;
	(void)snprintf(p->actor, sizeof(p->actor), "user:%s", u->id);
}

void principal_of_token(struct principal *p, const struct token_info *t,
			int64_t now_us)
{
	memset(p, 0, sizeof(*p));
	p->rights = BIT(RIGHT_NONE) | BIT(RIGHT_RECORDING_READ) |
		    BIT(RIGHT_RECORDING_LISTEN) | BIT(RIGHT_RECORDING_PAUSE);
	if (t->kind == TOKEN_ACCESS && scope_has(t->scope, SCOPE_SIP))
		p->rights |= BIT(RIGHT_RECORDING_START);
	(void)str_copy(p->tenant_id, sizeof(p->tenant_id), t->tenant_id);
	(void)str_copy(p->client_id, sizeof(p->client_id), t->client_id);
	(void)str_copy(p->grant_id, sizeof(p->grant_id), t->grant_id);
	p->scope.tenant_id = p->tenant_id;
	p->scope.client_id = p->client_id;
	if (t->kind != TOKEN_CLIENT)
		p->scope.grant_id = p->grant_id;
	p->scope.living_scope = SCOPE_API;
	p->scope.living_us = now_us;
	(void)snprintf(p->actor, sizeof(p->actor), "client:%s", t->client_id);
}

bool principal_may(const struct principal *p, enum route_right right)
{
	return p->rights & BIT(right);
}

const char *principal_grant_owner(const struct principal *p)
{
	return p->user.role == USER_OWNER ? p->user.id : NULL;
}

bool access_hides_dialog(const struct principal *p, const struct recording *rec)
{
	return rec->state == RECORDING_LIVE &&
	       !principal_may(p, RIGHT_RECORDING_PAUSE) &&
	       !principal_may(p, RIGHT_RECORDING_START) &&
	       !principal_may(p, RIGHT_RECORDING_DELETE);
}

int access_audit_recording(const struct http_request *req, const char *action,
			   const char *recording_id)
{
	char object[64];
	const struct audit_entry a = {
		.at_us = req->wall_us,
		.tenant_id = req->who->tenant_id,
		.actor = req->who->actor,
		.action = action,
		.object = object,
		.result = "ok",
	};

	(void)snprintf(object, sizeof(object), "recording:%s", recording_id);
	return audit_add(req->ctx->db, &a);
}

static bool refuse_token(struct http_response *res, unsigned status,
			 const char *error, const char *words)
{
	http_set(res, "WWW-Authenticate",
		 "Bearer realm=\"api\"%s%s%s, scope=\"" SCOPE_API "\"",
		 error ? ", error=\"" : "", error ? error : "",
		 error ? "\"" : "");
	http_problem(res, status, "%s", words);
	return false;
}

/* Tokens count over TLS only, as in SIP, except from this machine or where the
 * operator has allowed it. A trusted proxy that says how it was asked knows
 * better than public_url does. */
bool access_clear_ok(const struct http_request *req)
{
	const struct web *w = req->ctx->web;

	if (w->settings->sip.allow_cleartext_tokens == 1 ||
	    req->from.proto == PROTO_HTTPS)
		return true;
	if (req->from.proto == PROTO_HTTP)
		return false;
	return w->secure || forwarded_is_local(req);
}

static bool by_token(struct http_request *req, struct span token,
		     struct principal *who, struct http_response *res)
{
	struct auth *a = &req->ctx->auth;
	struct token_info info;
	struct user user;
	int r;

	r = token_check(a, token, &info);
	if (r == -EIO || r == -EBUSY || r == -ENOMEM) {
		http_problem_errno(res, r);
		return false;
	}
	if (r < 0)
		return refuse_token(res, 401, "invalid_token",
				    "The token is not valid");
	if (!access_clear_ok(req)) {
		(void)token_mark_exposed(a, &info, "http");
		http_problem(res, 403, "Tokens are accepted over https only");
		return false;
	}
	if (!scope_has(info.scope, SCOPE_API))
		return refuse_token(res, 403, "insufficient_scope",
				    "The token has not the scope " SCOPE_API);
	if (info.kind != TOKEN_API) {
		principal_of_token(who, &info, req->wall_us);
		req->who = who;
		return true;
	}
	r = user_find(a, info.user_id, &user);
	if (r < 0) {
		http_problem_errno(res, r == -ENOENT ? -EIO : r);
		return false;
	}
	principal_of_user(who, &user);
	req->who = who;
	return true;
}

/* The session when there is a good one. False after db's error. */
static bool by_session(struct http_request *req, struct web_session *s,
		       struct principal *who, struct http_response *res)
{
	int r = web_session_load(req, s);

	if (r == -ENOENT)
		return true;
	if (r < 0) {
		http_problem_errno(res, r);
		return false;
	}
	principal_of_user(who, &s->user);
	req->session = s;
	req->who = who;
	return true;
}

static bool is_write(const struct http_request *req)
{
	return req->method != HTTP_GET && req->method != HTTP_HEAD;
}

static bool check_api(struct http_request *req, const struct route *route,
		      struct web_session *s, struct principal *who,
		      struct http_response *res)
{
	struct span auth = span_of(http_header(req, "Authorization"));

	if (auth.len > 0) {
		struct span scheme = span_cut(&auth, ' ');

		if (!span_ieq(scheme, "Bearer"))
			return refuse_token(res, 401, NULL,
					    "Use a Bearer token");
		if (!by_token(req, span_trim(auth), who, res))
			return false;
	} else {
		if (!by_session(req, s, who, res))
			return false;
		if (!req->who)
			return refuse_token(res, 401, NULL,
					    "Sign in or send a token");
		if (is_write(req) &&
		    !web_session_write_ok(req,
					  http_header(req, "X-CSRF-Token"))) {
			http_problem(res, 403,
				     "X-CSRF-Token is missing or wrong, or the "
				     "request comes from another site");
			return false;
		}
	}
	if (principal_may(who, route->right))
		return true;
	if (who->is_user || route->right != RIGHT_RECORDING_START) {
		http_problem(res, 403, "Your role does not allow this");
		return false;
	}
	http_set(res, "WWW-Authenticate",
		 "Bearer realm=\"api\", error=\"insufficient_scope\", "
		 "scope=\"" SCOPE_GRANT "\"");
	http_problem(res, 403,
		     "Calls are started with the access token of a grant that "
		     "has the scope " SCOPE_SIP);
	return false;
}

/* The form of a write is read here once, by who needs its token. */
static bool page_write_ok(const struct http_request *req)
{
	struct span body = { req->body, req->body_len };
	struct form f = { 0 };
	bool ok;

	ok = http_is_type(req, "application/x-www-form-urlencoded") &&
	     form_parse(&f, body, NULL, 0) == 0 &&
	     web_session_write_ok(req, form_get(&f, "csrf"));
	form_fini(&f);
	return ok;
}

static bool check_page(struct http_request *req, const struct route *route,
		       struct web_session *s, struct principal *who,
		       struct http_response *res)
{
	if (!by_session(req, s, who, res))
		return false;
	if (!req->who) {
		page_to_login(req, res);
		return false;
	}
	if (is_write(req) && !page_write_ok(req)) {
		page_error(req, res, 403, "This form is no longer valid",
			   "Go back, load the page again and repeat what you "
			   "did.");
		return false;
	}
	if (principal_may(who, route->right))
		return true;
	page_error(req, res, 403, "Not allowed",
		   "Your role in this account does not include this page.");
	return false;
}

/* What is here concerns all tenants, so no user of one is asked: this machine
 * or an address that the operator has named, and not somebody behind it. */
static bool check_machine(struct http_request *req, struct http_response *res)
{
	const struct forwarded *from = &req->from;
	struct net_addr a;

	if (forwarded_is_local(req))
		return true;
	if (net_addr_parse(span_of(from->client), &a) &&
	    (from->by_proxy || !from->seen) &&
	    net_list_has(&req->ctx->web->metrics_from, &a))
		return true;
	return refuse_token(res, http_header(req, "Authorization") ? 403 : 401,
			    NULL,
			    "Only from the machine of the server, without a "
			    "proxy, or from an address in [http] metrics_from");
}

bool access_check(struct http_request *req, const struct route *route,
		  struct web_session *session, struct principal *who,
		  struct http_response *res)
{
	switch (route->auth) {
	case ROUTE_PUBLIC:
		return by_session(req, session, who, res);
	case ROUTE_OAUTH:
		return true;
	case ROUTE_API:
		return check_api(req, route, session, who, res);
	case ROUTE_PAGE:
		return check_page(req, route, session, who, res);
	case ROUTE_MACHINE:
		return check_machine(req, res);
	}
	return false;
}
