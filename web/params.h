/* web/params.h - reads the query parameters of the API, strictly.
 *
 * Each function writes its result only when the parameter is there. On a wrong
 * value it fills res with a 400 that names the parameter and returns false.
 */
#ifndef WEB_PARAMS_H
#define WEB_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

struct http_request;
struct http_response;
struct zone;

/** Every parameter of the query is one of names (NULL-terminated)? */
bool params_known(struct http_request *req, struct http_response *res,
		  const char *const *names);
bool params_int(struct http_request *req, struct http_response *res,
		const char *name, int64_t min, int64_t max, int64_t *ret_v);
/** RFC 3339 date-time, or a date (its first moment in the zone).
 *  @param z NULL: UTC, and a time must have its zone; see zone.h */
bool params_time(struct http_request *req, struct http_response *res,
		 const char *name, const struct zone *z, int64_t *ret_us);
/** The zone that "tz" names. @param z zeroed; CLEANUP(zone_close); empty name
 *  when there is none */
bool params_zone(struct http_request *req, struct http_response *res,
		 struct zone *z);
/** Text without control characters, at most max bytes. */
bool params_text(struct http_request *req, struct http_response *res,
		 const char *name, unsigned max, const char **ret_s);
/** One of words (NULL-terminated); result is its index. */
bool params_word(struct http_request *req, struct http_response *res,
		 const char *name, const char *const *words, int *ret_i);

#endif
