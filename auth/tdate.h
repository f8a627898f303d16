/* auth/tdate.h - dates and times that people write and read, in their zone.
 *
 * Any role. Source: RFC 3339, and ISO 8601 for times without an offset.
 */
#ifndef AUTH_TDATE_H
#define AUTH_TDATE_H

#include <stdbool.h>
#include <stdint.h>

struct tzone;

#define TDATE_MAX 40

/**
 * A date (2026-01-31: its first moment in the zone), a local time
 * (2026-01-31T09:30[:00]) or an RFC 3339 time, whose offset counts. A blank
 * for the "+" of an offset is one that a query did not encode.
 *
 * @param zone  NULL: UTC
 * @param local false: a time must have its offset
 * @param end   a date means the first moment of the day behind it
 *
 * @return 0 or -EINVAL
 */
int tdate_parse(const struct tzone *zone, bool local, const char *s, bool end,
		int64_t *ret_us);

/** "2026-11-30 22:30 -03:30", "2026-12-01 02:00 UTC" */
void tdate_format(const struct tzone *zone, int64_t wall_us,
		  char dst[TDATE_MAX]);
/** "2026-11-30T22:30:00-03:30", "2026-12-01T02:00:00Z" */
void tdate_format_exact(const struct tzone *zone, int64_t wall_us,
			char dst[TDATE_MAX]);

#endif
