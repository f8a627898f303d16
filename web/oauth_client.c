#include "web/oauth.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/clients.h"
#include "auth/oauth_text.h"
#include "base/str.h"
#include "web/access.h"
#include "web/context.h"
#include "web/http.h"
#include "web/uri.h"

int oauth_error(struct http_response *res, unsigned status, const char *error,
		const char *words)
{
	json_t *j = json_object();
	char text[512];

	json_object_set_new(j, "error", json_string(error));
	(void)str_copy(text, sizeof(text), words ? words : "");
	oauth_text_clean(text);
	if (text[0])
		json_object_set_new(j, "error_description", json_string(text));
	return http_json(res, status, j);
}

static void refuse(struct http_response *res, const char *words)
{
	http_set(res, "WWW-Authenticate", "Basic realm=\"oauth\"");
	(void)oauth_error(res, 401, "invalid_client", words);
}

/* "Basic base64(form-encoded id : form-encoded secret)", RFC 6749 2.3.1. */
static bool read_basic(struct span auth, char *id, size_t id_len, char *secret,
		       size_t secret_len)
{
	char plain[1024];
	struct span user, pass;
	int n;

	if (!span_ieq(span_cut(&auth, ' '), "Basic"))
		return false;
	n = str_unb64(plain, sizeof(plain), span_trim(auth));
	if (n <= 0)
		return false;
	pass = (struct span){ plain, (size_t)n };
	user = span_cut(&pass, ':');
	return uri_decode(user, true, id, id_len) > 0 &&
	       uri_decode(pass, true, secret, secret_len) > 0;
}

static bool read_form(struct http_request *req, struct http_response *res,
		      struct form *f)
{
	struct span body = { req->body, req->body_len };
	char bad[64], words[128] = "The body can't be read";
	int r;

	if (!http_is_type(req, "application/x-www-form-urlencoded")) {
		oauth_error(res, 400, "invalid_request",
			    "Send application/x-www-form-urlencoded");
		return false;
	}
	f->repeatable = FORM_REPEATABLE;
	r = form_parse(f, body, bad, sizeof(bad));
	form_drop_empty(f);
	if (r == 0)
		return true;
	if (r == -EEXIST)
		(void)snprintf(words, sizeof(words),
			       "The parameter %s was given twice", bad);
	oauth_error(res, 400, "invalid_request", words);
	return false;
}

bool oauth_client(struct http_request *req, struct http_response *res,
		  struct form *ret_form, struct client *ret_client)
{
	struct span auth = span_of(http_header(req, "Authorization"));
	char id[128], secret[256];
	const char *form_secret;
	int r;

	if (!read_form(req, res, ret_form))
		return false;
	if (!access_clear_ok(req)) {
		oauth_error(res, 400, "invalid_request", "https only");
		return false;
	}
	form_secret = form_get(ret_form, "client_secret");
	if (auth.len > 0) {
		const char *named = form_get(ret_form, "client_id");

		if (form_secret) {
			oauth_error(res, 400, "invalid_request",
				    "Two ways of client authentication");
			return false;
		}
		if (!read_basic(auth, id, sizeof(id), secret, sizeof(secret)) ||
		    (named && strcmp(named, id) != 0)) {
			refuse(res, "Client authentication can't be read");
			return false;
		}
	} else if (!form_secret ||
		   !str_copy(id, sizeof(id), form_str(ret_form, "client_id")) ||
		   !str_copy(secret, sizeof(secret), form_secret)) {
		refuse(res, "Client authentication is missing");
		return false;
	}
	r = client_authenticate(&req->ctx->auth, id, span_of(secret),
				ret_client);
	if (r == 0)
		return true;
	if (r == -EACCES)
		refuse(res, "Unknown client or wrong secret");
	else
		http_problem_errno(res, r);
	return false;
}
