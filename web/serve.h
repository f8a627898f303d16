/* web/serve.h - from a checked request to its answer: route, access, handler.
 *
 * Knows no sockets: tests call it with a request they made themselves.
 */
#ifndef WEB_SERVE_H
#define WEB_SERVE_H

struct http_request;
struct http_response;

/** req->ctx must be set. Always fills res. */
void serve_request(struct http_request *req, struct http_response *res);

#endif
