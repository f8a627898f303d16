#include "web/oauth_request.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "auth/conditions.h"
#include "auth/oauth_text.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "web/form.h"
#include "web/uri.h"

void oauth_request_fini(struct oauth_request *r)
{
	conditions_free(&r->conditions);
}

__attribute__((format(printf, 3, 4))) static int
wrong(struct oauth_problem *p, const char *error, const char *fmt, ...)
{
	va_list ap;

	p->error = error;
	va_start(ap, fmt);
	(void)vsnprintf(p->words, sizeof(p->words), fmt, ap);
	va_end(ap);
	oauth_text_clean(p->words);
	return -EINVAL;
}

static int read_redirect(struct auth *a, const struct client *c,
			 const struct form *f, struct oauth_request *r,
			 struct oauth_problem *p)
{
	const char *uri = form_get(f, "redirect_uri");

	if (!uri)
		return wrong(p, "invalid_request", "redirect_uri is missing");
	if (!str_copy(r->redirect_uri, sizeof(r->redirect_uri), uri) ||
	    !client_redirect_ok(a, c->id, uri))
		return wrong(p, "invalid_request",
			     "redirect_uri is not registered for this client");
	return 0;
}

/* RFC 6749 appendix A.5: printable ASCII. */
static int read_state(const struct form *f, struct oauth_request *r,
		      struct oauth_problem *p)
{
	const char *state = form_get(f, "state");

	if (!state)
		return 0;
	for (const char *s = state; *s; s++)
		if (*s < 0x20 || *s > 0x7e)
			return wrong(p, "invalid_request",
				     "state has other than printable "
				     "characters");
	if (!str_copy(r->state, sizeof(r->state), state))
		return wrong(p, "invalid_request", "state is too long");
	r->has_state = true;
	return 0;
}

/* The issuer, with or without the slash that an empty path may have. */
static bool is_ours(const char *resource, const char *issuer)
{
	size_t len = strlen(issuer);

	return strncmp(resource, issuer, len) == 0 &&
	       (!resource[len] || strcmp(resource + len, "/") == 0);
}

bool oauth_resource_ok(const struct form *f, const char *issuer)
{
	for (unsigned i = 0; i < f->n; i++)
		if (strcmp(f->fields[i].name, "resource") == 0 &&
		    !is_ours(f->fields[i].value, issuer))
			return false;
	return true;
}

static int read_flow(const struct form *f, struct oauth_request *r,
		     struct oauth_problem *p, const char *issuer)
{
	const char *type = form_get(f, "response_type");
	const char *challenge = form_get(f, "code_challenge");

	p->redirect = true;
	if (!type)
		return wrong(p, "invalid_request", "response_type is missing");
	if (strcmp(type, "code") != 0)
		return wrong(p, "unsupported_response_type",
			     "response_type must be code");
	if (form_get(f, "response_mode") &&
	    strcmp(form_str(f, "response_mode"), "query") != 0)
		return wrong(p, "invalid_request",
			     "response_mode must be query");
	if (!challenge)
		return wrong(p, "invalid_request",
			     "code_challenge is missing (PKCE)");
	if (strcmp(form_str(f, "code_challenge_method"), "S256") != 0)
		return wrong(p, "invalid_request",
			     "code_challenge_method must be S256");
	if (strlen(challenge) != 43 ||
	    strspn(challenge,
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		   "0123456789-_") != 43)
		return wrong(p, "invalid_request",
			     "code_challenge must be 43 characters of "
			     "base64url");
	(void)str_copy(r->challenge, sizeof(r->challenge), challenge);
	if (!oauth_resource_ok(f, issuer))
		return wrong(p, "invalid_target", OAUTH_RESOURCE_WORDS);
	if (scope_read(form_get(f, "scope"), SCOPE_GRANT, r->scope) < 0)
		return wrong(p, "invalid_scope",
			     "scope knows " SCOPE_SIP " and " SCOPE_API);
	return 0;
}

static int read_details(struct auth *a, const struct form *f,
			struct oauth_request *r, struct oauth_problem *p)
{
	const char *details = form_get(f, "authorization_details");
	struct err e = { 0 };
	int rc;

	if (!details)
		return wrong(p, "invalid_authorization_details",
			     "authorization_details is missing");
	rc = conditions_parse(details, strlen(details), &r->conditions, &e);
	if (rc == -EINVAL)
		return wrong(p, "invalid_authorization_details", "%s", e.text);
	if (rc == 0 && r->conditions->not_after_us &&
	    r->conditions->not_after_us <= auth_now_us(a))
		return wrong(p, "invalid_authorization_details",
			     "$.not_after: is over already");
	return rc;
}

int oauth_request_read(struct auth *a, const struct client *c,
		       const struct form *f, const char *issuer,
		       struct oauth_request *ret_r, struct oauth_problem *p)
{
	int rc;

	memset(ret_r, 0, sizeof(*ret_r));
	memset(p, 0, sizeof(*p));
	(void)str_copy(ret_r->client_id, sizeof(ret_r->client_id), c->id);
	rc = read_redirect(a, c, f, ret_r, p);
	if (rc == 0)
		rc = read_state(f, ret_r, p);
	if (rc == 0)
		rc = read_flow(f, ret_r, p, issuer);
	if (rc == 0)
		rc = read_details(a, f, ret_r, p);
	return rc;
}

char *oauth_request_json(const struct oauth_request *r)
{
	json_t *j;
	char *text;

	j = json_pack("{s:s, s:s, s:s, s:s}", "redirect_uri", r->redirect_uri,
		      "scope", r->scope, "challenge", r->challenge, "details",
		      r->conditions->text);
	if (r->has_state)
		json_object_set_new(j, "state", json_string(r->state));
	text = j ? json_dumps(j, JSON_COMPACT) : NULL;
	json_decref(j);
	return text;
}

int oauth_request_load(const char *client_id, const char *json,
		       struct oauth_request *ret_r)
{
	const char *uri, *scope, *challenge, *details, *state = NULL;
	json_t *j = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
	int rc = -EINVAL;

	memset(ret_r, 0, sizeof(*ret_r));
	if (json_unpack(j, "{s:s, s:s, s:s, s:s, s?s}", "redirect_uri", &uri,
			"scope", &scope, "challenge", &challenge, "details",
			&details, "state", &state) == 0) {
		ret_r->has_state = state != NULL;
		if (str_copy(ret_r->client_id, sizeof(ret_r->client_id),
			     client_id) &&
		    str_copy(ret_r->redirect_uri, sizeof(ret_r->redirect_uri),
			     uri) &&
		    scope_read(scope, SCOPE_GRANT, ret_r->scope) == 0 &&
		    str_copy(ret_r->challenge, sizeof(ret_r->challenge),
			     challenge) &&
		    str_copy(ret_r->state, sizeof(ret_r->state),
			     state ? state : ""))
			rc = conditions_parse(details, strlen(details),
					      &ret_r->conditions, NULL);
	}
	json_decref(j);
	return rc;
}

static void add_param(struct buf *out, char sep, const char *name,
		      const char *value)
{
	buf_putc(out, sep);
	buf_puts(out, name);
	buf_putc(out, '=');
	(void)uri_encode(out, value); /* the buffer remembers the error */
}

int oauth_request_answer(const struct oauth_request *r, const char *issuer,
			 const char *name, const char *value,
			 const char *description, struct buf *out)
{
	char sep = strchr(r->redirect_uri, '?') ? '&' : '?';

	buf_puts(out, r->redirect_uri);
	add_param(out, sep, name, value);
	if (description)
		add_param(out, '&', "error_description", description);
	if (r->has_state)
		add_param(out, '&', "state", r->state);
	add_param(out, '&', "iss", issuer);
	return buf_error(out);
}
