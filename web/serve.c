#include "web/serve.h"

#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "web/access.h"
#include "web/conditional.h"
#include "web/context.h"
#include "web/oauth.h"
#include "web/page.h"
#include "web/session.h"

/* Does the caller read pages rather than JSON? */
static bool wants_page(const struct http_request *req)
{
	const char *accept = http_header(req, "Accept");

	return !span_starts(span_of(req->path), "/api/") && accept &&
	       strstr(accept, "text/html");
}

static void say_no_page(struct http_request *req, struct http_response *res,
			unsigned status)
{
	const char *text = "Something went wrong on our side. Try again.";

	if (status == 404)
		text = "There is nothing at this address, or you may not see "
		       "it.";
	else if (status == 405)
		text = "This address does not take that kind of request.";
	else if (status == 503)
		text = "The server is busy. Try again in a moment.";
	else if (status < 500)
		text = "The request could not be understood.";
	page_error(req, res, status, http_status_words(status), text);
}

static void say_no(struct http_request *req, struct http_response *res,
		   int error)
{
	http_response_reset(res);
	http_security_api(res, req->ctx->web->secure);
	if (wants_page(req))
		say_no_page(req, res, http_status_of(error));
	else
		http_problem_errno(res, error);
}

/* With the menu of whoever is signed in. */
static void no_page_here(struct http_request *req, struct http_response *res,
			 unsigned status)
{
	static const struct route anywhere = { .auth = ROUTE_PUBLIC };
	struct web_session session;
	struct principal who;

	if (access_check(req, &anywhere, &session, &who, res))
		say_no_page(req, res, status);
	req->who = NULL;
	req->session = NULL;
}

static void no_route(struct http_request *req, struct http_response *res,
		     unsigned allow)
{
	char words[80];

	router_allow_words(allow, words, sizeof(words));
	if (allow && req->method == HTTP_OPTIONS)
		res->status = 204;
	else if (wants_page(req))
		no_page_here(req, res, allow ? 405 : 404);
	else
		http_problem(res, allow ? 405 : 404, "%s", "");
	if (allow)
		http_set(res, "Allow", "%s", words);
}

/* Where the public URL has a path, a proxy may leave it on or take it off.
 * RFC 8414 section 3.1 puts the well-known part before it. */
static void take_path_off(struct http_request *req)
{
	static const char well_known[] = OAUTH_WELL_KNOWN;
	const char *base = req->ctx->web->path, *p = req->path;
	size_t len = strlen(base), known = strlen(well_known);

	if (len == 0)
		return;
	if (strncmp(p, base, len) == 0 && (p[len] == '/' || !p[len]))
		req->path = p[len] ? p + len : "/";
	else if (strncmp(p, well_known, known) == 0 &&
		 strcmp(p + known, base) == 0)
		req->path = well_known;
}

void serve_request(struct http_request *req, struct http_response *res)
{
	struct web_session session;
	struct principal who;
	const struct route *routes, *route;
	unsigned allow;
	size_t n;
	int r;

	forwarded_find(req, &req->ctx->web->trusted, &req->from);
	http_security_api(res, req->ctx->web->secure);
	take_path_off(req);
	routes = routes_list(&n);
	route = router_match(routes, n, req, &allow);
	if (!route) {
		no_route(req, res, allow);
		return;
	}
	if (access_check(req, route, &session, &who, res)) {
		r = conditional_serve(route, req, res);
		if (r < 0)
			say_no(req, res, r);
		if (r < 0 && http_status_of(r) >= 500)
			log_error(NULL, "web.failed", LOG_E(r),
				  LOG_S("route", route->pattern));
	}
	log_debug(NULL, "web.request",
		  LOG_S("method", http_method_word(req->method)),
		  LOG_S("route", route->pattern),
		  LOG_S("client", req->from.client),
		  LOG_I("status", res->status));
	/* both point into this function's frame */
	req->who = NULL;
	req->session = NULL;
}
