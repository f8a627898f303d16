/* web/httpd.h - the HTTP/1.1 server: libmicrohttpd, made strict.
 *
 * The only file that knows the library is httpd.c. What the library lets
 * through is refused here before anybody looks at the request: Transfer-
 * Encoding in a request, more than one Host or Content-Length, NUL, bare CR
 * and LF in the head, broken or ambiguous targets (uri.h). A connection has
 * absolute deadlines for its head, body and answer, so one byte a second does
 * not hold it for ever, and gives way to others while it waits (slots.h).
 * Every refusal is one answer with one header; then the connection closes.
 *
 * Requests run on a small pool of threads, each with its own epoll. A request
 * stays on one thread; serve() is called on it with the whole body present.
 *
 * Source: RFC 9110, RFC 9112.
 */
#ifndef WEB_HTTPD_H
#define WEB_HTTPD_H

#include <stdbool.h>
#include <stdint.h>

struct clock;
struct http_request;
struct http_response;
struct httpd;
struct sockaddr;

/** Fill res; called on a thread of the pool. */
typedef void httpd_serve_fn(void *arg, struct http_request *req,
			    struct http_response *res);

struct httpd_config {
	int listen_fd; /* bound and listening; taken */
	unsigned threads;
	const char *tls_certificate; /* PEM text, NULL = no TLS */
	const char *tls_key;
	struct clock *clock;
	httpd_serve_fn *serve;
	void *arg;
	/* Deadlines in microseconds; 0 = the default of httpd.c. */
	int64_t head_us; /* from accept or the last answer to a whole head */
	int64_t body_us; /* from the head to the whole body */
	/* Connections at a time, see slots.h; 0 = 1,024 in all, a quarter of
	 * them of one IPv4 address or IPv6 /64. */
	unsigned max, max_each;
	/** This peer speaks for others and may have all. NULL: nobody does. */
	bool (*is_proxy)(void *arg, const struct sockaddr *sa);
};

/** @return 0, -EINVAL (TLS files unusable), -ENOMEM, -EIO */
int httpd_start(const struct httpd_config *config, struct httpd **ret_h);

/** Cut connections whose deadline is over; call about once a second from any
 *  one thread. */
void httpd_reap(struct httpd *h);

/** Ends all connections and threads. Takes NULL. */
void httpd_stop(struct httpd **hp);

#endif
