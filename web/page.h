/* web/page.h - the frame around every HTML page, and pages that say "no".
 *
 * All pages work without JavaScript; a script of ours may make them nicer.
 */
#ifndef WEB_PAGE_H
#define WEB_PAGE_H

#include "web/html.h"
#include "web/http.h"

enum page_nav {
	PAGE_NAV_NONE, /* no menu: login, consent, errors */
	PAGE_NAV_RECORDINGS,
	PAGE_NAV_GRANTS,
	PAGE_NAV_CLIENTS,
	PAGE_NAV_AUDIT,
};

/** Start a page: headers, head, menu of who is signed in. */
void page_begin(struct http_request *req, struct http_response *res,
		const char *title, enum page_nav nav);
/** The same without menu, as a card in the middle. */
void page_begin_card(struct http_request *req, struct http_response *res,
		     const char *title);
/** @return 0 or the buffer's error */
int page_end(struct http_response *res);

/** A whole page with a heading, one sentence and a way on: the menu of who is
 *  signed in, or a link to the start page. @return 0 */
int page_error(struct http_request *req, struct http_response *res,
	       unsigned status, const char *title, const char *text);

/** Hidden field with the session's CSRF token. */
void page_csrf(struct http_request *req, struct http_response *res);

/** 303 to the login page, which comes back to what was asked for (only GET).
 */
int page_to_login(struct http_request *req, struct http_response *res);

/** True for a path of ours that a form may name to go to: "/..." that passes
 *  uri_split(), not "//...". */
bool page_next_ok(const char *next);

/** Parse a form body. On error res is filled and false returned. */
bool page_form(struct http_request *req, struct http_response *res,
	       struct form *ret_form);

#endif
