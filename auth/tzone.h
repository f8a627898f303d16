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

/** The zone of this process: TZ where that names one, else /etc/localtime, else
 *  UTC. For commands; a server does not care where it stands.
 *  @param ret_name what to call it ("Europe/London", "local time") */
#define TZONE_NAME_MAX 64
void tzone_open_here(struct tzone **ret_zone, char ret_name[TZONE_NAME_MAX]);

/** When is that, in seconds since 1970 UTC? A time that comes twice is the
 *  first one, one that is left out the moment of the change. The day may be
 *  beyond the month's last one; weekday and offset_s are not looked at.
 *  @param zone NULL: UTC */
int64_t tzone_utc(const struct tzone *zone, const struct tzone_local *l);

/** @param zone NULL: UTC
 *  @param t seconds since 1970 UTC */
void tzone_local(const struct tzone *zone, int64_t t,
		 struct tzone_local *ret_local);

/** @return the first moment after t at which the offset changes, or INT64_MAX
 *  when there is none within a year */
int64_t tzone_next_change(const struct tzone *zone, int64_t t);

#endif
