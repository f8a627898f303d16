/* web/conditional.h - ETag, If-None-Match and If-Match of the API's JSON.
 *
 * The tag of a resource is a hash of what GET answers to the one who asks, so
 * it changes when anything of it does. A change with If-Match happens only
 * when the tag is still the one that the client has seen, else 412; the look
 * and the change are one transaction, so that of two clients at once one is
 * refused. Files have tags of their own (file.h).
 *
 * Source: RFC 9110 section 13.
 */
#ifndef WEB_CONDITIONAL_H
#define WEB_CONDITIONAL_H

struct http_request;
struct http_response;
struct route;

/** Call the handler of a route, with what the request demands before it.
 *  @return as the handler */
int conditional_serve(const struct route *route, struct http_request *req,
		      struct http_response *res);

#endif
