/* web/embed.h - the files of web/ui/, embedded in the binary.
 *
 * Served under /ui/<hash>/name, where hash is that of all of them together: a
 * browser may keep them for ever, and a new binary has new addresses.
 */
#ifndef WEB_EMBED_H
#define WEB_EMBED_H

#include <stddef.h>

struct http_request;
struct http_response;

struct asset {
	const char *name; /* "style.css" */
	const char *mime;
	const unsigned char *data;
	size_t len;
};

#define EMBED_HASH_MAX 17

/** Compute the hash; call once, before any thread. @return 0 or -ENOMEM */
int embed_setup(void);
/** "a1b2c3d4e5f60718" */
const char *embed_hash(void);
/** @return NULL when there is none of that name */
const struct asset *embed_find(const char *name);

/** GET /ui/{hash}/{name} */
int embed_serve(struct http_request *req, struct http_response *res);
/** GET /favicon.ico and /robots.txt */
int embed_favicon(struct http_request *req, struct http_response *res);
int embed_robots(struct http_request *req, struct http_response *res);

#endif
