/* auth/tzone.h - local time in a named IANA zone, without touching TZ.
 *
 * Reads the TZif file of the zone (tzdata, /usr/share/zoneinfo) into an object
 * of its own: no process-wide state, any thread. After the file's last
 * transition its footer (a POSIX TZ rule) goes on for ever. "UTC" needs no
 * file.
 *
 * Source: RFC 8536.
 */
#ifndef AUTH_TZONE_H
#define AUTH_TZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tzone;

struct tzone_local {
	int year, month, day; /* month and day from 1 */
	int weekday;	      /* 0 = Monday ... 6 = Sunday */
	int hour, minute, second;
	int offset_s; /* east of UTC */
};

/**
 * @param name "Europe/London"; checked: no dots, no leading slash
 *
 * @return 0; -EINVAL bad name; -ENOENT no such zone here; -EBADMSG not TZif
 */
int tzone_open(const char *name, struct tzone **ret_zone);

/** The same from bytes (tests, fuzzing). */
int tzone_parse(const void *data, size_t len, struct tzone **ret_zone);

void tzone_close(struct tzone **zone);

/** @param t seconds since 1970 UTC */
void tzone_local(const struct tzone *zone, int64_t t,
		 struct tzone_local *ret_local);

/** @return the first moment after t at which the offset changes, or INT64_MAX
 *  when there is none within a year */
int64_t tzone_next_change(const struct tzone *zone, int64_t t);

#endif
