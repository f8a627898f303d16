#include "web/conditional.h"

#include <string.h>

#include "auth/auth.h"
#include "base/err.h"
#include "base/str.h"
#include "storage/db.h"
#include "web/context.h"
#include "web/http.h"
#include "web/range.h"
#include "web/router.h"

#define TAG_BYTES 16
#define TAG_MAX (2 * TAG_BYTES + 3)

static void tag_of(const struct buf *body, char dst[TAG_MAX])
{
	uint8_t sum[32];

	auth_sha256(body->data, body->len, sum);
	dst[0] = '"';
	str_hex(dst + 1, sum, TAG_BYTES);
	dst[TAG_MAX - 2] = '"';
	dst[TAG_MAX - 1] = '\0';
}

static bool has_tag(const struct http_response *res)
{
	return res->status == 200 && !res->source && res->body.len > 0 &&
	       !res->failed;
}

/* What was read, or is after a change. */
static void put_tag(const struct http_request *req, struct http_response *res)
{
	const char *known = http_header(req, "If-None-Match");
	char tag[TAG_MAX];

	if (!has_tag(res))
		return;
	tag_of(&res->body, tag);
	http_set(res, "ETag", "%s", tag);
	if ((req->method != HTTP_GET && req->method != HTTP_HEAD) || !known ||
	    !etag_list_has(known, tag, true))
		return;
	buf_reset(&res->body);
	res->status = 304;
}

/* Does what is there now fulfil the conditions? @return 0 or 412, or what
 * reading it says */
static int look(struct http_request *req, unsigned *ret_status)
{
	const char *match = http_header(req, "If-Match");
	const char *none = http_header(req, "If-None-Match");
	enum http_method method = req->method;
	struct http_response now;
	const struct route *routes, *get;
	char tag[TAG_MAX] = "";
	unsigned allow;
	size_t n;
	int r = 0;

	http_response_init(&now);
	routes = routes_list(&n);
	req->method = HTTP_GET;
	get = router_match(routes, n, req, &allow);
	if (get)
		r = get->handler(req, &now);
	req->method = method;
	(void)router_match(routes, n, req, &allow); /* its own args again */
	if (get && r == 0 && has_tag(&now))
		tag_of(&now.body, tag);
	http_response_fini(&now);
	if ((match && !etag_list_has(match, tag, false)) ||
	    (none && etag_list_has(none, tag, true)))
		*ret_status = 412;
	return r;
}

static int change(const struct route *route, struct http_request *req,
		  struct http_response *res)
{
	struct db *db = req->ctx->db;
	unsigned status = 0;
	int r = db_begin(db);

	if (r < 0)
		return r;
	r = look(req, &status);
	if (r == 0 && status)
		http_problem(res, status,
			     "It has changed since: read it again");
	else if (r == 0)
		r = route->handler(req, res);
	if (r == 0 && res->status < 400)
		return db_commit(db);
	db_rollback(db);
	return r;
}

int conditional_serve(const struct route *route, struct http_request *req,
		      struct http_response *res)
{
	bool write = req->method == HTTP_PATCH || req->method == HTTP_PUT ||
		     req->method == HTTP_DELETE;
	int r;

	if (route->auth != ROUTE_API)
		return route->handler(req, res);
	if (write &&
	    (http_header(req, "If-Match") || http_header(req, "If-None-Match")))
		r = change(route, req, res);
	else
		r = route->handler(req, res);
	if (r == 0 &&
	    (write || req->method == HTTP_GET || req->method == HTTP_HEAD))
		put_tag(req, res);
	return r;
}
