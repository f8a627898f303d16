#include "web/page.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "web/access.h"
#include "web/embed.h"
#include "web/context.h"
#include "web/session.h"
#include "web/uri.h"

static void head(struct http_request *req, struct http_response *res,
		 const char *title)
{
	struct buf *b = &res->body;
	const char *hash = embed_hash();

	http_security_page(res, req->ctx->web->secure, NULL);
	http_set(res, "Content-Type", "text/html; charset=utf-8");
	HTML(b,
	     "<!doctype html>\n<html lang=\"en\">\n<head>\n"
	     "<meta charset=\"utf-8\">\n<title>{} - Call recordings</title>\n"
	     "<meta name=\"viewport\" "
	     "content=\"width=device-width, initial-scale=1\">\n"
	     "<meta name=\"color-scheme\" content=\"light dark\">\n"
	     "<meta name=\"referrer\" content=\"same-origin\">\n"
	     "<link rel=\"icon\" type=\"image/svg+xml\" "
	     "href=\"/ui/{}/icon.svg\">\n"
	     "<link rel=\"stylesheet\" href=\"/ui/{}/style.css\">\n"
	     "<script type=\"module\" src=\"/ui/{}/app.js\"></script>\n",
	     title, hash, hash, hash);
	if (req->session)
		HTML(b, "<meta name=\"csrf\" content=\"{}\">\n",
		     req->session->csrf);
	buf_puts(b, "</head>\n");
}

static void nav_link(struct buf *b, const char *href, const char *words,
		     bool current)
{
	HTML(b, "<a href=\"{}\"", href);
	buf_puts(b, current ? " aria-current=\"page\">" : ">");
	HTML(b, "{}</a>\n", words);
}

static void menu(struct http_request *req, struct buf *b, enum page_nav nav)
{
	const struct principal *who = req->who;

	buf_puts(b, "<header class=\"top\">\n"
		    "<a class=\"skip\" href=\"#main\">Skip to content</a>\n"
		    "<a class=\"brand\" href=\"/recordings\">"
		    "<span class=\"dot\" aria-hidden=\"true\"></span>"
		    "Call recordings</a>\n<nav aria-label=\"Main\">\n");
	nav_link(b, "/recordings", "Recordings", nav == PAGE_NAV_RECORDINGS);
	if (principal_may(who, RIGHT_GRANT_READ))
		nav_link(b, "/grants", "Authorizations",
			 nav == PAGE_NAV_GRANTS);
	if (principal_may(who, RIGHT_CLIENT_READ))
		nav_link(b, "/clients", "Providers", nav == PAGE_NAV_CLIENTS);
	if (principal_may(who, RIGHT_AUDIT_READ))
		nav_link(b, "/audit", "Audit log", nav == PAGE_NAV_AUDIT);
	HTML(b,
	     "</nav>\n<form class=\"who\" method=\"post\" action=\"/logout\">"
	     "<input type=\"hidden\" name=\"csrf\" value=\"{}\">"
	     "<span class=\"email\" title=\"{}\">{}</span>"
	     "<button class=\"quiet\">Sign out</button></form>\n</header>\n",
	     req->session->csrf, user_role_name(who->user.role),
	     who->user.email);
}

void page_begin(struct http_request *req, struct http_response *res,
		const char *title, enum page_nav nav)
{
	if (!req->session) {
		page_begin_card(req, res, title);
		return;
	}
	head(req, res, title);
	buf_puts(&res->body, "<body>\n");
	menu(req, &res->body, nav);
	buf_puts(&res->body, "<main id=\"main\">\n");
}

void page_begin_card(struct http_request *req, struct http_response *res,
		     const char *title)
{
	head(req, res, title);
	buf_puts(&res->body,
		 "<body class=\"single\">\n<p class=\"brand\">"
		 "<span class=\"dot\" aria-hidden=\"true\"></span>"
		 "Call recordings</p>\n<main id=\"main\" class=\"card\">\n");
}

int page_end(struct http_response *res)
{
	buf_puts(&res->body, "</main>\n</body>\n</html>\n");
	return buf_error(&res->body);
}

int page_error(struct http_request *req, struct http_response *res,
	       unsigned status, const char *title, const char *text)
{
	buf_reset(&res->body);
	res->status = status;
	page_begin(req, res, title, PAGE_NAV_NONE);
	HTML(&res->body, "<h1>{}</h1>\n<p>{}</p>\n", title, text);
	buf_puts(&res->body, req->session ? "<p><a href=\"/recordings\">"
					    "To the recordings</a></p>\n"
					  : "<p><a href=\"/\">"
					    "To the start page</a></p>\n");
	return page_end(res);
}

void page_csrf(struct http_request *req, struct http_response *res)
{
	HTML(&res->body, "<input type=\"hidden\" name=\"csrf\" value=\"{}\">",
	     req->session ? req->session->csrf : "");
}

bool page_next_ok(const char *next)
{
	char path[2048];
	struct span query;

	return next && next[0] == '/' && next[1] != '/' &&
	       uri_split(next, path, sizeof(path), &query) == 0;
}

int page_to_login(struct http_request *req, struct http_response *res)
{
	struct buf b;
	int r;

	http_security_page(res, req->ctx->web->secure, NULL);
	if (req->method != HTTP_GET && req->method != HTTP_HEAD)
		return http_redirect(res, 303, "/login");
	buf_init(&b, 4000);
	buf_puts(&b, "/login?next=");
	(void)uri_encode(&b, req->raw);
	r = http_redirect(res, 303,
			  buf_error(&b) == 0 ? buf_str(&b) : "/login");
	buf_fini(&b);
	return r;
}

bool page_form(struct http_request *req, struct http_response *res,
	       struct form *ret_form)
{
	struct span body = { req->body, req->body_len };
	char bad[64];

	if (!http_is_type(req, "application/x-www-form-urlencoded")) {
		page_error(req, res, 415, "Unexpected content",
			   "This address takes the fields of a form.");
		return false;
	}
	if (form_parse(ret_form, body, bad, sizeof(bad)) < 0) {
		page_error(req, res, 400, "The form is malformed",
			   "A field could not be read.");
		return false;
	}
	return true;
}
