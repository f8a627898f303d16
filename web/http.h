/* web/http.h - one HTTP request and its answer, as plain structs.
 *
 * Handlers see only these; which server library carries them is known to
 * httpd.c alone. A handler returns 0 after it has filled the response, or a
 * negative errno that http_problem_errno() turns into one. Every error of the
 * API is a problem document (RFC 9457); a wrong parameter is named in it.
 *
 * A request belongs to one thread from the first byte to the last.
 */
#ifndef WEB_HTTP_H
#define WEB_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

#include "base/buf.h"
#include "web/form.h"
#include "web/forwarded.h"

struct web_ctx;
struct principal;
struct web_session;

#define HTTP_HEADERS_MAX 64 /* of a request; more is 431 */
#define HTTP_ANSWER_HEADERS_MAX 24
#define HTTP_ARGS_MAX 4
#define HTTP_BODY_MAX (256u * 1024u) /* of a request; more is 413 */
#define HTTP_ANSWER_MAX (8u * 1024u * 1024u)

enum http_method {
	HTTP_GET = 1,
	HTTP_HEAD = 2,
	HTTP_POST = 4,
	HTTP_PATCH = 8,
	HTTP_DELETE = 16,
	HTTP_OPTIONS = 32,
	HTTP_PUT = 64,
	HTTP_OTHER = 128,
};

struct http_header {
	const char *name;
	const char *value;
};

/* Everything is borrowed from httpd.c and valid until the answer is queued,
 * except where noted. */
struct http_request {
	enum http_method method;
	const char *path; /* decoded and checked, see uri.h */
	const char *raw;  /* target as received */
	struct form query;
	const char *body; /* NUL-terminated, never NULL */
	size_t body_len;
	struct http_header headers[HTTP_HEADERS_MAX];
	unsigned n_headers;
	char peer[64];	       /* of the connection; numeric, without port */
	struct forwarded from; /* who asks, set by serve_request() */
	int64_t wall_us;
	/* router */
	const char *args[HTTP_ARGS_MAX]; /* what the pattern's {} matched */
	unsigned n_args;
	char arg_text[512];
	/* access control; NULL when nobody is signed in */
	const struct principal *who;
	const struct web_session *session; /* who came with a cookie */
	struct web_ctx *ctx; /* database and files of the thread */
};

/* A body that is read while it is sent, e.g. a stored file. */
struct http_source {
	uint64_t size;
	/** @return bytes read (1..max) or -errno */
	ssize_t (*read)(struct http_source *s, uint64_t pos, void *dst,
			size_t max);
	void (*close)(struct http_source *s); /* frees s */
};

struct http_response {
	unsigned status;
	struct http_header headers[HTTP_ANSWER_HEADERS_MAX]; /* owned */
	unsigned n_headers;
	struct buf body;
	struct http_source *source; /* instead of body; owned */
	bool close;		    /* the connection, afterwards */
	bool failed;		    /* out of memory while it was filled */
};

void http_response_init(struct http_response *res);
void http_response_fini(struct http_response *res);
/** Forget everything said so far. */
void http_response_reset(struct http_response *res);

/** Name and value of a request's header, ASCII case ignored; NULL if none. */
const char *http_header(const struct http_request *req, const char *name);
/** Cookie of the request. @return 0, -ENOENT, -EEXIST, -ENAMETOOLONG */
int http_cookie(const struct http_request *req, const char *name, char *dst,
		size_t dst_len);
/** True when the Content-Type is type (parameters ignored). */
bool http_is_type(const struct http_request *req, const char *type);
/** A name for logs and Allow. */
const char *http_method_word(enum http_method m);

/** Set a header (replaces one of the same name); a value with control
 *  characters is refused by an assertion-free drop of the whole answer. */
void http_set(struct http_response *res, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** Add a header that may come several times (Set-Cookie). */
void http_add(struct http_response *res, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** Content-Type application/json. @param j taken; NULL gives 500 */
int http_json(struct http_response *res, unsigned status, json_t *j);
/** 303, or 302 for GET to GET. @param location absolute or path */
int http_redirect(struct http_response *res, unsigned status,
		  const char *location);

/** RFC 9457. title NULL: the words of the status. @return 0 */
int http_problem(struct http_response *res, unsigned status, const char *fmt,
		 ...) __attribute__((format(printf, 3, 4)));
/** 400 that names the parameter. @return 0 */
int http_problem_param(struct http_response *res, const char *param,
		       const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** Answer for a negative errno of ours. @return 0 */
int http_problem_errno(struct http_response *res, int error);
/** The status that http_problem_errno() uses. */
unsigned http_status_of(int error);
/** "Not Found"; never NULL. */
const char *http_status_words(unsigned status);

/* Sets of security headers, see http.c; each answer gets one. */
void http_security_api(struct http_response *res, bool secure);
/** @param form_action origin that a form may lead to besides ours, or NULL */
void http_security_page(struct http_response *res, bool secure,
			const char *form_action);

#endif
