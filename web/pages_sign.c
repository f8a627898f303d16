/* Signing in and out, and the first-run setup. */
#include "web/pages.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "auth/login.h"
#include "auth/users.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "web/context.h"
#include "web/page.h"
#include "web/session.h"
#include "web/setup.h"

int pages_home(struct http_request *req, struct http_response *res)
{
	http_security_page(res, req->ctx->web->secure, NULL);
	return http_redirect(res, 303, req->session ? "/recordings" : "/login");
}

static void put_alert(struct buf *b, const char *text)
{
	if (text)
		HTML(b, "<p class=\"alert\" role=\"alert\">{}</p>\n", text);
}

static int login_page(struct http_request *req, struct http_response *res,
		      unsigned status, const char *next, const char *email,
		      const char *wrong)
{
	struct buf *b = &res->body;
	char token[SESSION_TEXT_MAX];

	web_session_pre_token(req, res, token);
	res->status = status;
	page_begin_card(req, res, "Sign in");
	buf_puts(b, "<h1>Sign in</h1>\n");
	put_alert(b, wrong);
	HTML(b,
	     "<form method=\"post\" action=\"/login\">\n"
	     "<input type=\"hidden\" name=\"csrf\" value=\"{}\">"
	     "<input type=\"hidden\" name=\"next\" value=\"{}\">\n"
	     "<label>E-mail<input type=\"email\" name=\"email\" value=\"{}\" "
	     "autocomplete=\"username\" required autofocus></label>\n"
	     "<label>Password<input type=\"password\" name=\"password\" "
	     "autocomplete=\"current-password\" required></label>\n"
	     "<div class=\"actions\"><button class=\"primary\" "
	     "type=\"submit\">Sign in</button></div>\n</form>\n",
	     token, next, email);
	return page_end(res);
}

int pages_login(struct http_request *req, struct http_response *res)
{
	const char *next = form_str(&req->query, "next");

	if (!page_next_ok(next))
		next = "/recordings";
	if (req->session) {
		http_security_page(res, req->ctx->web->secure, NULL);
		return http_redirect(res, 303, next);
	}
	return login_page(req, res, 200, next, "", NULL);
}

static int begin(struct http_request *req, struct http_response *res,
		 const struct user *user, const char *next)
{
	int r = web_session_begin(req, res, user->id);

	if (r < 0)
		return r;
	http_security_page(res, req->ctx->web->secure, NULL);
	return http_redirect(res, 303, next);
}

static int log_in(struct http_request *req, struct http_response *res,
		  const struct form *f, const char *next)
{
	const char *email = form_str(f, "email");
	char device[LOGIN_DEVICE_MAX], words[128];
	struct login l = { .email = email,
			   .password = form_str(f, "password"),
			   .address = req->from.client };
	struct user user;
	int64_t retry_s = 0;
	int r;

	if (web_session_device(req, email, device))
		l.device = device;
	if (req->session)
		l.session_user = req->session->user.id;
	r = user_login(&req->ctx->auth, &l, &user, &retry_s);
	if (r == -EACCES)
		return login_page(req, res, 403, next, email,
				  "E-mail or password is wrong.");
	if (r == -EAGAIN) {
		(void)snprintf(words, sizeof(words),
			       "Too many attempts. Try again in %" PRId64
			       " minutes.",
			       retry_s / 60 + 1);
		http_set(res, "Retry-After", "%" PRId64, retry_s);
		return login_page(req, res, 429, next, email, words);
	}
	if (r < 0)
		return r;
	return begin(req, res, &user, next);
}

int pages_login_post(struct http_request *req, struct http_response *res)
{
	struct form f CLEANUP(form_fini) = { 0 };
	const char *next;

	if (!page_form(req, res, &f))
		return 0;
	next = form_str(&f, "next");
	if (!page_next_ok(next))
		next = "/recordings";
	if (!web_session_pre_ok(req, form_get(&f, "csrf")))
		return login_page(req, res, 403, next, form_str(&f, "email"),
				  "The form was too old, or your browser "
				  "blocks cookies. Try again.");
	return log_in(req, res, &f, next);
}

static int link_gone(struct http_request *req, struct http_response *res)
{
	return page_error(req, res, 404, "This link is used up",
			  "A login link works once and for 15 minutes. Ask "
			  "whoever runs the server for a new one.");
}

/* The link alone does nothing: programs that look at links in messages would
 * use it up. */
static int link_page(struct http_request *req, struct http_response *res,
		     unsigned status, const char *link, const char *wrong)
{
	struct buf *b = &res->body;
	char csrf[SESSION_TEXT_MAX];

	web_session_pre_token(req, res, csrf);
	res->status = status;
	page_begin_card(req, res, "Sign in");
	buf_puts(b, "<h1>Sign in</h1>\n<p>This link lets you in once, without "
		    "your password.</p>\n");
	put_alert(b, wrong);
	HTML(b,
	     "<form method=\"post\" action=\"/login/link\">\n"
	     "<input type=\"hidden\" name=\"csrf\" value=\"{}\">"
	     "<input type=\"hidden\" name=\"token\" value=\"{}\">\n"
	     "<div class=\"actions\"><button class=\"primary\" "
	     "type=\"submit\">Sign in</button></div>\n</form>\n",
	     csrf, link);
	return page_end(res);
}

int pages_login_link(struct http_request *req, struct http_response *res)
{
	const char *link = form_str(&req->query, "token");
	int r = login_link_check(&req->ctx->auth, link);

	if (r == -ENOENT)
		return link_gone(req, res);
	return r < 0 ? r : link_page(req, res, 200, link, NULL);
}

int pages_login_link_post(struct http_request *req, struct http_response *res)
{
	struct form f CLEANUP(form_fini) = { 0 };
	struct user user;
	const char *link;
	int r;

	if (!page_form(req, res, &f))
		return 0;
	link = form_str(&f, "token");
	if (!web_session_pre_ok(req, form_get(&f, "csrf")))
		return link_page(req, res, 403, link,
				 "The form was too old, or your browser "
				 "blocks cookies. Try again.");
	r = login_link_use(&req->ctx->auth, link, req->from.client, &user);
	if (r == -ENOENT)
		return link_gone(req, res);
	return r < 0 ? r : begin(req, res, &user, "/recordings");
}

int pages_logout(struct http_request *req, struct http_response *res)
{
	int r = web_session_end(req, res);

	if (r < 0)
		return r;
	http_security_page(res, req->ctx->web->secure, NULL);
	return http_redirect(res, 303, "/login");
}

static int setup_gone(struct http_request *req, struct http_response *res)
{
	return page_error(req, res, 404, "This link is used up",
			  "The setup link works until there is an "
			  "administrator. While there is none, the server "
			  "prints a new one each time it starts.");
}

static int setup_page(struct http_request *req, struct http_response *res,
		      unsigned status, const char *token, const struct form *f,
		      const char *wrong)
{
	struct buf *b = &res->body;
	char csrf[SESSION_TEXT_MAX];

	web_session_pre_token(req, res, csrf);
	res->status = status;
	page_begin_card(req, res, "Set up");
	buf_puts(b, "<h1>Welcome</h1>\n<p>Create the first administrator, who "
		    "can register providers and manage what is recorded in "
		    "the organisation. An organisation that exists gets "
		    "one by its name.</p>\n");
	put_alert(b, wrong);
	HTML(b,
	     "<form method=\"post\" action=\"/setup\">\n"
	     "<input type=\"hidden\" name=\"csrf\" value=\"{}\">"
	     "<input type=\"hidden\" name=\"token\" value=\"{}\">\n",
	     csrf, token);
	HTML(b,
	     "<label>Organisation<input type=\"text\" name=\"tenant\" "
	     "value=\"{}\" maxlength=\"100\" required autofocus></label>\n"
	     "<label>E-mail<input type=\"email\" name=\"email\" value=\"{}\" "
	     "autocomplete=\"username\" required></label>\n"
	     "<label>Your SIP address or phone number "
	     "<span class=\"hint\">optional</span><input type=\"text\" "
	     "name=\"aor\" value=\"{}\" "
	     "placeholder=\"sip:you@voip.example\"></label>\n",
	     form_str(f, "tenant"), form_str(f, "email"), form_str(f, "aor"));
	buf_puts(b, "<label>Password <span class=\"hint\">8 characters or more"
		    "</span><input type=\"password\" name=\"password\" "
		    "minlength=\"8\" maxlength=\"512\" "
		    "autocomplete=\"new-password\" required></label>\n"
		    "<label>Password again<input type=\"password\" "
		    "name=\"password2\" minlength=\"8\" maxlength=\"512\" "
		    "autocomplete=\"new-password\" required></label>\n"
		    "<div class=\"actions\"><button class=\"primary\" "
		    "type=\"submit\">Create account</button></div>\n</form>\n");
	return page_end(res);
}

int pages_setup(struct http_request *req, struct http_response *res)
{
	static const struct form empty;
	const char *token = form_str(&req->query, "token");
	int r = setup_link_check(&req->ctx->auth, token);

	if (r == -ENOENT)
		return setup_gone(req, res);
	return r < 0 ? r : setup_page(req, res, 200, token, &empty, NULL);
}

static int set_up(struct http_request *req, struct http_response *res,
		  const struct form *f)
{
	struct setup_account s = {
		.tenant = form_str(f, "tenant"),
		.email = form_str(f, "email"),
		.password = form_str(f, "password"),
		.aor = form_str(f, "aor"),
	};
	const char *token = form_str(f, "token");
	struct err e = { 0 };
	struct id user;
	int r;

	if (!s.tenant[0] || strlen(s.tenant) > 100)
		return setup_page(req, res, 400, token, f,
				  "Give your organisation a name.");
	if (strcmp(s.password, form_str(f, "password2")) != 0)
		return setup_page(req, res, 400, token, f,
				  "The two passwords differ.");
	r = setup_account_create(&req->ctx->auth, token, &s, &user, &e);
	if (r == -ENOENT)
		return setup_gone(req, res);
	if (r == -EINVAL || r == -EEXIST)
		return setup_page(req, res, 400, token, f, e.text);
	if (r == 0)
		r = web_session_begin(req, res, user.s);
	if (r < 0)
		return r;
	http_security_page(res, req->ctx->web->secure, NULL);
	return http_redirect(res, 303, "/clients");
}

int pages_setup_post(struct http_request *req, struct http_response *res)
{
	struct form f CLEANUP(form_fini) = { 0 };

	if (!page_form(req, res, &f))
		return 0;
	if (!web_session_pre_ok(req, form_get(&f, "csrf")))
		return setup_page(req, res, 403, form_str(&f, "token"), &f,
				  "The form was too old, or your browser "
				  "blocks cookies. Try again.");
	return set_up(req, res, &f);
}
