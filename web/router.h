/* web/router.h - finds the handler of a path; knows who may call it.
 *
 * A pattern is literal segments and "{}" for exactly one segment of any
 * text. Every route says here, and only here, who may use it.
 */
#ifndef WEB_ROUTER_H
#define WEB_ROUTER_H

#include <stddef.h>

#include "web/http.h"

/* How the caller shows who it is. */
enum route_auth {
	ROUTE_PUBLIC,  /* anybody; a session is looked up, none is needed */
	ROUTE_OAUTH,   /* client authentication inside the handler */
	ROUTE_API,     /* bearer token, or session (writes: CSRF header) */
	ROUTE_PAGE,    /* session, else to the login page (writes: CSRF field)
			*/
	ROUTE_MACHINE, /* loopback peers, or an admin's token (metrics) */
};

/* What the caller wants to do; see access.c for who may. */
enum route_right {
	RIGHT_NONE, /* being signed in is enough */
	RIGHT_RECORDING_READ,
	RIGHT_RECORDING_LISTEN,
	RIGHT_RECORDING_PAUSE,
	RIGHT_RECORDING_START,
	RIGHT_RECORDING_EDIT,
	RIGHT_RECORDING_DELETE,
	RIGHT_CLIENT_READ,
	RIGHT_CLIENT_WRITE,
	RIGHT_GRANT_READ,
	RIGHT_GRANT_WRITE,
	RIGHT_AUDIT_READ,
	RIGHT_USER_READ,
	RIGHT_USER_WRITE,
};

typedef int http_handler_fn(struct http_request *req,
			    struct http_response *res);

struct route {
	unsigned methods; /* enum http_method or-ed; GET includes HEAD */
	const char *pattern;
	http_handler_fn *handler;
	enum route_auth auth;
	enum route_right right;
};

/** All routes of the server; static. */
const struct route *routes_list(size_t *ret_n);

/**
 * Find the route and fill req->args.
 *
 * @param ret_allow methods that the path has, when the result is NULL
 * @return NULL when there is none; ret_allow 0 means 404, else 405
 */
const struct route *router_match(const struct route *routes, size_t n,
				 struct http_request *req, unsigned *ret_allow);

/** "GET, HEAD, POST" */
void router_allow_words(unsigned methods, char *dst, size_t dst_len);

#endif
