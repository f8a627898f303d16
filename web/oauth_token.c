#include "web/oauth.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/clients.h"
#include "auth/grants.h"
#include "auth/pushed.h"
#include "base/mem.h"
#include "base/str.h"
#include "web/context.h"
#include "web/http.h"
#include "web/oauth_request.h"

#define PUSHED_LIFE_S 600 /* the owner may have to log in first */

static void set_url(json_t *j, const char *name, const char *issuer,
		    const char *path)
{
	json_object_set_new(j, name, json_sprintf("%s%s", issuer, path));
}

int oauth_metadata(struct http_request *req, struct http_response *res)
{
	const char *iss = req->ctx->web->issuer;
	json_t *j, *methods;

	methods = json_pack("[s, s]", "client_secret_basic",
			    "client_secret_post");
	j = json_pack(
		"{s:s, s:[s], s:[s], s:[s, s, s], s:[s], s:[s, s], s:[s], "
		"s:b, s:O, s:O, s:O}",
		"issuer", iss, "response_types_supported", "code",
		"response_modes_supported", "query", "grant_types_supported",
		"authorization_code", "refresh_token", "client_credentials",
		"code_challenge_methods_supported", "S256", "scopes_supported",
		SCOPE_SIP, SCOPE_API, "authorization_details_types_supported",
		"call_recording",
		"authorization_response_iss_parameter_supported", 1,
		"token_endpoint_auth_methods_supported", methods,
		"revocation_endpoint_auth_methods_supported", methods,
		"introspection_endpoint_auth_methods_supported", methods);
	json_decref(methods);
	set_url(j, "authorization_endpoint", iss, "/authorize");
	set_url(j, "token_endpoint", iss, "/token");
	set_url(j, "pushed_authorization_request_endpoint", iss, "/par");
	set_url(j, "revocation_endpoint", iss, "/revoke");
	set_url(j, "introspection_endpoint", iss, "/introspect");
	/* of clients that the operator registered so, plain ones are taken */
	json_object_set_new(j, "require_pushed_authorization_requests",
			    json_true());
	return http_json(res, 200, j);
}

static int push(struct http_request *req, struct http_response *res,
		const struct oauth_request *r)
{
	char uri[PUSHED_URI_MAX];
	char *json CLEANUP(mem_freep) = oauth_request_json(r);
	struct pushed_new p = { .client_id = r->client_id,
				.params_json = json,
				.life_us = PUSHED_LIFE_S * 1000000LL };
	int64_t retry_s = 0;
	int rc;

	if (!json)
		return -ENOMEM;
	rc = pushed_put(&req->ctx->auth, &p, uri, &retry_s);
	if (rc == -EDQUOT || rc == -EAGAIN) {
		http_set(res, "Retry-After", "%lld", (long long)retry_s);
		return oauth_error(res, rc == -EDQUOT ? 429 : 503,
				   "temporarily_unavailable",
				   "Too many requests wait for their owners");
	}
	if (rc == -E2BIG)
		return oauth_error(res, 413, "invalid_request",
				   "The request is too long");
	if (rc < 0)
		return rc;
	return http_json(res, 201,
			 json_pack("{s:s, s:i}", "request_uri", uri,
				   "expires_in", PUSHED_LIFE_S));
}

int oauth_par(struct http_request *req, struct http_response *res)
{
	struct oauth_request r CLEANUP(oauth_request_fini) = { 0 };
	struct form f CLEANUP(form_fini) = { 0 };
	struct oauth_problem p;
	struct client c;
	int rc;

	if (!oauth_client(req, res, &f, &c))
		return 0;
	if (form_get(&f, "request_uri"))
		return oauth_error(res, 400, "invalid_request",
				   "request_uri can't be pushed");
	rc = oauth_request_read(&req->ctx->auth, &c, &f, req->ctx->web->issuer,
				&r, &p);
	if (rc == -EINVAL)
		return oauth_error(res, 400, p.error, p.words);
	return rc < 0 ? rc : push(req, res, &r);
}

/* The conditions as they were granted, for whoever holds the token. */
static int add_details(struct http_request *req, json_t *j,
		       const char *grant_id)
{
	struct grant g CLEANUP(grant_fini) = { 0 };
	json_t *details, *list;
	int r;

	if (!grant_id[0])
		return 0;
	r = grant_get(&req->ctx->auth, grant_id, &g);
	if (r < 0)
		return r;
	details = json_loads(g.conditions, 0, NULL);
	if (!json_is_array(details)) {
		list = json_array();
		json_array_append_new(list, details);
		details = list;
	}
	json_object_set_new(j, "authorization_details", details);
	return 0;
}

static int answer_pair(struct http_request *req, struct http_response *res,
		       const struct token_pair *pair)
{
	json_t *j;
	int r;

	j = json_pack("{s:s, s:s, s:I, s:s}", "access_token", pair->access,
		      "token_type", "Bearer", "expires_in",
		      (json_int_t)pair->expires_in_s, "scope", pair->scope);
	if (pair->refresh[0])
		json_object_set_new(j, "refresh_token",
				    json_string(pair->refresh));
	r = add_details(req, j, pair->grant_id);
	if (r < 0) {
		json_decref(j);
		return r;
	}
	return http_json(res, 200, j);
}

/* Which of auth's answers mean "this code or token is no good"? */
static bool is_grant_error(int r)
{
	return r == -EBADMSG || r == -ENOENT || r == -EKEYREJECTED ||
	       r == -EKEYEXPIRED || r == -EKEYREVOKED || r == -EACCES ||
	       r == -EALREADY || r == -EPROTOTYPE;
}

static int by_code(struct http_request *req, struct http_response *res,
		   const struct client *c, const struct form *f)
{
	const char *code = form_get(f, "code");
	const char *verifier = form_get(f, "code_verifier");
	struct token_pair pair;
	int r;

	if (!code)
		return oauth_error(res, 400, "invalid_request",
				   "code is missing");
	if (!verifier || strlen(verifier) < 43 || strlen(verifier) > 128)
		return oauth_error(res, 400, "invalid_request",
				   "code_verifier must have 43 to 128 "
				   "characters");
	r = token_code_redeem(&req->ctx->auth, span_of(code), c->id,
			      form_str(f, "redirect_uri"), verifier,
			      form_get(f, "scope"), &pair);
	if (is_grant_error(r) || r == -EINVAL)
		return oauth_error(res, 400, "invalid_grant",
				   "The code is not valid for this client, "
				   "redirect_uri and code_verifier");
	if (r == -ERANGE)
		return oauth_error(res, 400, "invalid_scope",
				   "scope is wider than what was granted");
	return r < 0 ? r : answer_pair(req, res, &pair);
}

static int by_refresh(struct http_request *req, struct http_response *res,
		      const struct client *c, const struct form *f)
{
	const char *token = form_get(f, "refresh_token");
	struct token_pair pair;
	int r;

	if (!token)
		return oauth_error(res, 400, "invalid_request",
				   "refresh_token is missing");
	r = token_refresh(&req->ctx->auth, span_of(token), c->id,
			  form_get(f, "scope"), &pair);
	if (is_grant_error(r))
		return oauth_error(res, 400, "invalid_grant",
				   "The refresh token is not valid");
	if (r == -EINVAL)
		return oauth_error(res, 400, "invalid_scope",
				   "scope is wider than what was granted");
	return r < 0 ? r : answer_pair(req, res, &pair);
}

static int by_client(struct http_request *req, struct http_response *res,
		     const struct client *c, const struct form *f)
{
	char scope[TOKEN_SCOPE_MAX];
	struct token_pair pair;
	int r;

	if (scope_read(form_get(f, "scope"), SCOPE_API, scope) < 0)
		return oauth_error(res, 400, "invalid_scope",
				   "A client itself can have " SCOPE_API
				   " only");
	r = token_issue_client(&req->ctx->auth, c->id, &pair);
	return r < 0 ? r : answer_pair(req, res, &pair);
}

int oauth_token(struct http_request *req, struct http_response *res)
{
	struct form f CLEANUP(form_fini) = { 0 };
	struct client c;
	const char *type;

	http_set(res, "Pragma", "no-cache");
	if (!oauth_client(req, res, &f, &c))
		return 0;
	if (!oauth_resource_ok(&f, req->ctx->web->issuer))
		return oauth_error(res, 400, "invalid_target",
				   OAUTH_RESOURCE_WORDS);
	type = form_str(&f, "grant_type");
	if (strcmp(type, "authorization_code") == 0)
		return by_code(req, res, &c, &f);
	if (strcmp(type, "refresh_token") == 0)
		return by_refresh(req, res, &c, &f);
	if (strcmp(type, "client_credentials") == 0)
		return by_client(req, res, &c, &f);
	if (!type[0])
		return oauth_error(res, 400, "invalid_request",
				   "grant_type is missing");
	return oauth_error(res, 400, "unsupported_grant_type", NULL);
}

int oauth_revoke(struct http_request *req, struct http_response *res)
{
	struct form f CLEANUP(form_fini) = { 0 };
	char actor[64];
	const char *token;
	struct client c;
	int r;

	if (!oauth_client(req, res, &f, &c))
		return 0;
	token = form_get(&f, "token");
	if (!token)
		return oauth_error(res, 400, "invalid_request",
				   "token is missing");
	(void)snprintf(actor, sizeof(actor), "client:%s", c.id);
	r = token_revoke(&req->ctx->auth, span_of(token), c.id, actor);
	if (r == -EACCES)
		return oauth_error(res, 400, "invalid_grant",
				   "The token was issued to another client");
	if (r < 0 && !is_grant_error(r))
		return r;
	/* RFC 7009 section 2.2: 200 also for a token that is none */
	return http_json(res, 200, json_object());
}

static json_t *introspection(const struct http_request *req,
			     const struct token_info *t)
{
	json_t *j =
		json_pack("{s:b, s:s, s:s, s:s, s:s, s:I}", "active", 1, "iss",
			  req->ctx->web->issuer, "aud", req->ctx->web->issuer,
			  "scope", t->scope, "client_id", t->client_id, "iat",
			  (json_int_t)(t->issued_us / 1000000));

	if (t->kind != TOKEN_REFRESH)
		json_object_set_new(j, "token_type", json_string("Bearer"));
	if (t->expires_us)
		json_object_set_new(j, "exp",
				    json_integer((json_int_t)(t->expires_us /
							      1000000)));
	json_object_set_new(j, "sub",
			    json_string(t->user_id[0] ? t->user_id
						      : t->client_id));
	return j;
}

int oauth_introspect(struct http_request *req, struct http_response *res)
{
	struct form f CLEANUP(form_fini) = { 0 };
	struct token_info info;
	const char *token;
	struct client c;
	bool active;
	json_t *j;
	int r;

	if (!oauth_client(req, res, &f, &c))
		return 0;
	token = form_get(&f, "token");
	if (!token)
		return oauth_error(res, 400, "invalid_request",
				   "token is missing");
	r = token_introspect(&req->ctx->auth, span_of(token), c.id, &active,
			     &info);
	if (r < 0)
		return r;
	if (!active)
		return http_json(res, 200, json_pack("{s:b}", "active", 0));
	j = introspection(req, &info);
	r = add_details(req, j, info.grant_id);
	if (r < 0) {
		json_decref(j);
		return r;
	}
	return http_json(res, 200, j);
}
