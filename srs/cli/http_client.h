/* srs/cli/http_client.h - a small HTTP client with cookies (libcurl).
 *
 * Never follows a redirect by itself: the caller looks at status and Location.
 * One object is one browser: it keeps cookies between requests. Blocking.
 */
#ifndef SRS_CLI_HTTP_CLIENT_H
#define SRS_CLI_HTTP_CLIENT_H

#include <stddef.h>

#define HTTP_CLIENT_BODY_MAX (64u * 1024u * 1024u)

struct err;
struct http_client;

struct http_reply {
	long status;
	char *body; /* NUL-terminated */
	size_t body_len;
	char content_type[128];
	char content_range[128];
	char location[2048]; /* "" = none */
};

struct http_call {
	const char *method; /* NULL: GET, or POST when form is set */
	const char *url;    /* absolute */
	const char *form;   /* application/x-www-form-urlencoded, or NULL */
	const char *bearer; /* token, or NULL */
	const char *user, *password; /* HTTP Basic, or NULL */
	const char *range;	     /* "0-99", or NULL */
	const char *origin;	     /* Origin header, or NULL */
};

/** @return 0 or -ENOMEM */
int http_client_create(struct http_client **ret_client);
void http_client_destroy(struct http_client **cp);

/** @return 0 (any status), -EIO with e set when there was no answer */
int http_client_do(struct http_client *c, const struct http_call *call,
		   struct http_reply *ret_reply, struct err *e);
void http_reply_fini(struct http_reply *reply);

/** Append "name=value" to a form, "&" before it when needed, both escaped. */
struct buf;
int http_form_add(struct buf *form, const char *name, const char *value);

#endif
