/* base/clock.h - monotonic and wall time behind one interface.
 *
 * Production code takes a struct clock from its caller; a test brings a fake
 * one and runs an hour in milliseconds. All times are microseconds; wall time
 * counts from 1970-01-01 UTC without leap seconds.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct clock {
	int64_t (*mono_us)(struct clock *c);
	int64_t (*wall_us)(struct clock *c);
};

/* A clock that stands still until told otherwise. */
struct clock_fake {
	struct clock clock; /* first */
	int64_t now_mono_us;
	int64_t now_wall_us;
};

/** @return the kernel's clocks; never NULL, lives for ever */
struct clock *clock_real(void);

void clock_fake_init(struct clock_fake *f, int64_t mono_us, int64_t wall_us);
void clock_fake_advance(struct clock_fake *f, int64_t us);

int64_t clock_mono_us(struct clock *c);
int64_t clock_wall_us(struct clock *c);

/* "2026-01-31T09:30:00.123Z" needs 25 bytes. */
#define CLOCK_RFC3339_MAX 32

/** RFC 3339 in UTC with milliseconds. */
void clock_format(int64_t wall_us, char *dst, size_t dst_len);

/** RFC 3339 date-time with zone. @return 0 or -EINVAL */
int clock_parse(const char *s, int64_t *ret_wall_us);

#endif
