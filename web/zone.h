/* web/zone.h - the time zone that a page shows, and that its dates are in.
 *
 * The first of these that is there: the parameter "tz" of the address (a
 * search is a link, and means the same for everybody), the cookie "tz" (set
 * by a script of ours from the browser's zone, or by a page that was asked
 * with the parameter), UTC. The page says which.
 */
#ifndef WEB_ZONE_H
#define WEB_ZONE_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct http_request;
struct http_response;
struct tzone;

#define ZONE_NAME_MAX 64

/* Zero it first; CLEANUP(zone_close). */
struct zone {
	struct tzone *tz; /* NULL: UTC */
	char name[ZONE_NAME_MAX];
	bool asked;   /* by the parameter */
	bool unknown; /* the parameter names none: as without it */
};

/** @return 0; -errno of tzone_open(): there is no such zone, z is empty */
int zone_open(struct zone *z, const char *name);

/** Find the zone of a page; remembers the parameter's in the cookie. */
void zone_of_page(const struct http_request *req, struct http_response *res,
		  struct zone *ret_zone);
void zone_close(struct zone *z);

/**
 * A date (2026-01-31: its first moment in the zone), a local time
 * (2026-01-31T09:30[:00]) or an RFC 3339 time, whose offset counts. A blank
 * for the "+" of an offset is one that nobody encoded.
 *
 * @param z        NULL: a local time is refused, a date is UTC
 * @param end      a date means the first moment of the day behind it
 *
 * @return 0 or -EINVAL
 */
int zone_parse_time(const struct zone *z, const char *s, bool end,
		    int64_t *ret_us);

/** <time>: local time and offset; a script may write it as the reader is used
 *  to. Nothing for 0. */
void zone_put_time(const struct zone *z, struct buf *b, int64_t wall_us);

#endif
