/* web/uri.h - judges the target of a request line before anything else does.
 *
 * libmicrohttpd decodes "%00" and hands "/x%00y" on as "/x"; what a proxy in
 * front saw and what we serve would differ. So the raw target is checked and
 * decoded here, strictly: origin form only, no control characters, no broken
 * escapes, no NUL, no encoded slash or backslash, no empty or dot segments, and
 * the decoded path is UTF-8. Nothing is repaired.
 *
 * Source: RFC 3986 (section 2, 3.3, 3.4), RFC 9112 section 3.2.
 */
#ifndef WEB_URI_H
#define WEB_URI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define URI_MAX 8192 /* bytes of a raw target */

/**
 * Check a raw request target and decode its path.
 *
 * @param raw       as on the request line, NUL-terminated
 * @param path      receives the decoded path, "/" at least
 * @param path_len  room, including the NUL
 * @param ret_query borrowed from raw: what follows '?', still encoded; p is
 *                  NULL when there was no '?'
 * @return 0, -EINVAL, or -ENAMETOOLONG
 */
int uri_split(const char *raw, char *path, size_t path_len,
	      struct span *ret_query);

/**
 * Decode percent escapes, strictly: broken ones, NUL, and what is not UTF-8
 * afterwards are refused.
 *
 * @param plus_is_space for application/x-www-form-urlencoded
 * @return length of the result (NUL-terminated), -EINVAL or -ENAMETOOLONG
 */
int uri_decode(struct span in, bool plus_is_space, char *dst, size_t dst_len);

/** Append s percent-encoded as a query value (RFC 3986 unreserved stay). */
struct buf;
int uri_encode(struct buf *out, const char *s);

/** The part "scheme://host[:port]" of an absolute http(s) URI, lower-case.
 *  Custom schemes ("com.app:/cb") give "com.app:". @return 0 or -EINVAL */
int uri_origin(const char *uri, char *dst, size_t dst_len);

#endif
