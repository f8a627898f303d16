#include "srs/cli/demo_oauth.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/cli/html_form.h"
#include "srs/cli/http_client.h"

#define REDIRECTS_MAX 6

struct walk {
	const struct demo_oauth *o;
	struct http_client *portal, *browser;
	struct err *e;
	char par_url[512], authorize_url[512], token_url[512];
	char verifier[64], challenge[64], state[32];
	char request_uri[512], code[512];
	struct http_reply page; /* what the browser shows */
	char page_url[2048];
};

static json_t *parse(struct walk *w, const struct http_reply *r,
		     const char *what, long want_status)
{
	json_error_t je;
	json_t *j;

	if (r->status != want_status) {
		err_set(w->e, -EPROTO, "%s: status %ld instead of %ld: %.200s",
			what, r->status, want_status, r->body);
		return NULL;
	}
	j = json_loads(r->body, JSON_REJECT_DUPLICATES, &je);
	if (!j)
		err_set(w->e, -EPROTO, "%s: %s", what, je.text);
	return j;
}

static int take(struct walk *w, json_t *j, const char *key, char *dst,
		size_t len)
{
	const char *s = json_string_value(json_object_get(j, key));

	if (!s || !str_copy(dst, len, s))
		return err_set(w->e, -EPROTO, "the answer has no \"%s\"", key);
	return 0;
}

static int discover(struct walk *w)
{
	struct http_reply r = { 0 };
	char url[512];
	json_t *j;
	int rc;

	snprintf(url, sizeof(url), "%s/.well-known/oauth-authorization-server",
		 w->o->issuer);
	rc = http_client_do(w->portal, &(struct http_call){ .url = url }, &r,
			    w->e);
	if (rc < 0)
		return rc;
	j = parse(w, &r, "metadata", 200);
	http_reply_fini(&r);
	if (!j)
		return -EPROTO;
	rc = take(w, j, "pushed_authorization_request_endpoint", w->par_url,
		  sizeof(w->par_url));
	if (rc == 0)
		rc = take(w, j, "authorization_endpoint", w->authorize_url,
			  sizeof(w->authorize_url));
	if (rc == 0)
		rc = take(w, j, "token_endpoint", w->token_url,
			  sizeof(w->token_url));
	json_decref(j);
	return rc;
}

static void make_pkce(struct walk *w)
{
	unsigned char raw[32], hash[32];

	id_random(raw, sizeof(raw));
	str_b64url(w->verifier, raw, sizeof(raw));
	(void)EVP_Digest(w->verifier, strlen(w->verifier), hash, NULL,
			 EVP_sha256(), NULL);
	str_b64url(w->challenge, hash, sizeof(hash));
	id_random(raw, 12);
	str_b64url(w->state, raw, 12);
}

static int portal_post(struct walk *w, const char *url, struct buf *form,
		       struct http_reply *ret_r)
{
	return http_client_do(w->portal,
			      &(struct http_call){
				      .url = url,
				      .form = buf_str(form),
				      .user = w->o->client_id,
				      .password = w->o->client_secret },
			      ret_r, w->e);
}

static int push_request(struct walk *w)
{
	struct http_reply r = { 0 };
	struct buf form;
	json_t *j;
	int rc;

	buf_init(&form, 64 * 1024);
	http_form_add(&form, "response_type", "code");
	http_form_add(&form, "client_id", w->o->client_id);
	http_form_add(&form, "redirect_uri", w->o->redirect_uri);
	http_form_add(&form, "scope", "call-recording recordings");
	http_form_add(&form, "state", w->state);
	http_form_add(&form, "code_challenge", w->challenge);
	http_form_add(&form, "code_challenge_method", "S256");
	http_form_add(&form, "authorization_details", w->o->details);
	rc = portal_post(w, w->par_url, &form, &r);
	buf_fini(&form);
	if (rc < 0)
		return rc;
	j = parse(w, &r, "pushed authorization request", 201);
	http_reply_fini(&r);
	if (!j)
		return -EPROTO;
	rc = take(w, j, "request_uri", w->request_uri, sizeof(w->request_uri));
	json_decref(j);
	return rc;
}

/* A Location or form action, seen from page_url. */
static void resolve(const struct walk *w, const char *ref, char *dst,
		    size_t len)
{
	if (strncmp(ref, "http", 4) == 0)
		snprintf(dst, len, "%s", ref);
	else if (ref[0] == '/')
		snprintf(dst, len, "%s%s", w->o->issuer, ref);
	else if (ref[0] == '?' || ref[0] == 0)
		snprintf(dst, len, "%.*s%s", (int)strcspn(w->page_url, "?"),
			 w->page_url, ref);
	else
		snprintf(dst, len, "%s/%s", w->o->issuer, ref);
}

/* Follow redirects inside the server; stop at the first page, or when a
 * redirect leaves for the portal (then Location is in page.location). */
static int browse(struct walk *w, const char *url, const char *form)
{
	char next[2048];

	snprintf(next, sizeof(next), "%s", url);
	for (int i = 0; i < REDIRECTS_MAX; i++) {
		struct http_call call = { .url = next,
					  .form = form,
					  .origin =
						  form ? w->o->issuer : NULL };
		int rc;

		http_reply_fini(&w->page);
		rc = http_client_do(w->browser, &call, &w->page, w->e);
		if (rc < 0)
			return rc;
		snprintf(w->page_url, sizeof(w->page_url), "%s", next);
		if (w->page.status < 300 || w->page.status > 399 ||
		    strncmp(w->page.location, w->o->redirect_uri,
			    strlen(w->o->redirect_uri)) == 0)
			return 0;
		resolve(w, w->page.location, next, sizeof(next));
		form = NULL; /* 303 */
	}
	return err_set(w->e, -EPROTO, "%s: too many redirects", url);
}

static int submit(struct walk *w, const char *what, bool want_password)
{
	struct html_form form;
	struct html_input in = { w->o->login, w->o->password, "allow" };
	struct buf body;
	char url[2048];
	int rc;

	if (w->page.status != 200)
		return err_set(w->e, -EPROTO, "%s: status %ld", what,
			       w->page.status);
	buf_init(&body, 64 * 1024);
	rc = html_form_fill(w->page.body, &in, &form, &body);
	if (rc < 0 || form.has_password != want_password) {
		buf_fini(&body);
		return err_set(w->e, -EPROTO, "%s: not the page expected",
			       what);
	}
	resolve(w, form.action, url, sizeof(url));
	rc = browse(w, url, buf_str(&body));
	buf_fini(&body);
	return rc;
}

/* name=value of a query string, without the escapes our own tokens and
 * states never need. */
static bool query_get(const char *url, const char *name, char *dst, size_t len)
{
	struct span q = span_of(strchr(url, '?'));

	if (!q.len)
		return false;
	q.p++;
	q.len--;
	while (q.len) {
		struct span value = span_cut(&q, '&');
		struct span key = span_cut(&value, '=');

		if (span_eq(key, name))
			return span_copy(dst, len, value);
	}
	return false;
}

static int take_code(struct walk *w)
{
	char state[64], iss[512];

	if (!query_get(w->page.location, "code", w->code, sizeof(w->code)))
		return err_set(w->e, -EPROTO,
			       "consent: no code in the redirect "
			       "(status %ld)",
			       w->page.status);
	if (!query_get(w->page.location, "state", state, sizeof(state)) ||
	    !str_eq(state, w->state))
		return err_set(w->e, -EPROTO, "consent: wrong state");
	if (!query_get(w->page.location, "iss", iss, sizeof(iss)))
		return err_set(w->e, -EPROTO, "consent: no iss");
	return 0;
}

static int redeem(struct walk *w, struct demo_tokens *ret_tokens)
{
	struct http_reply r = { 0 };
	struct buf form;
	json_t *j;
	int rc;

	buf_init(&form, 8192);
	http_form_add(&form, "grant_type", "authorization_code");
	http_form_add(&form, "code", w->code);
	http_form_add(&form, "redirect_uri", w->o->redirect_uri);
	http_form_add(&form, "code_verifier", w->verifier);
	rc = portal_post(w, w->token_url, &form, &r);
	buf_fini(&form);
	if (rc < 0)
		return rc;
	j = parse(w, &r, "token", 200);
	http_reply_fini(&r);
	if (!j)
		return -EPROTO;
	rc = take(w, j, "access_token", ret_tokens->access_token,
		  sizeof(ret_tokens->access_token));
	if (rc == 0)
		rc = take(w, j, "refresh_token", ret_tokens->refresh_token,
			  sizeof(ret_tokens->refresh_token));
	ret_tokens->expires_in_s =
		(long)json_integer_value(json_object_get(j, "expires_in"));
	json_decref(j);
	return rc;
}

static int front_channel(struct walk *w, demo_step_fn *step, void *arg)
{
	struct buf query;
	char url[2048];
	int rc;

	buf_init(&query, 2048);
	http_form_add(&query, "client_id", w->o->client_id);
	http_form_add(&query, "request_uri", w->request_uri);
	snprintf(url, sizeof(url), "%s?%s", w->authorize_url, buf_str(&query));
	buf_fini(&query);
	rc = browse(w, url, NULL);
	if (rc == 0)
		rc = submit(w, "login", true);
	if (rc < 0)
		return rc;
	step(arg, "the owner logged in");
	rc = submit(w, "consent", false);
	if (rc == 0)
		rc = take_code(w);
	if (rc == 0)
		step(arg, "the owner read the conditions and agreed");
	return rc;
}

int demo_oauth_walk(const struct demo_oauth *o, demo_step_fn *step, void *arg,
		    struct demo_tokens *ret_tokens, struct err *e)
{
	struct walk *w = mem_zalloc(sizeof(*w));
	int rc;

	if (!w)
		return -ENOMEM;
	w->o = o;
	w->e = e;
	rc = http_client_create(&w->portal);
	if (rc == 0)
		rc = http_client_create(&w->browser);
	if (rc == 0)
		rc = discover(w);
	make_pkce(w);
	if (rc == 0)
		rc = push_request(w);
	if (rc == 0) {
		step(arg, "the portal pushed its authorization request (PAR)");
		rc = front_channel(w, step, arg);
	}
	if (rc == 0)
		rc = redeem(w, ret_tokens);
	if (rc == 0)
		step(arg, "the portal exchanged the code for tokens (PKCE)");
	http_reply_fini(&w->page);
	http_client_destroy(&w->portal);
	http_client_destroy(&w->browser);
	mem_free(w);
	return rc;
}
