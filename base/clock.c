/* Dates are counted by hand (days from civil, proleptic Gregorian calendar),
 * so neither the time zone files nor the C library's state play a part. */
#include "base/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "base/mem.h"
#include "base/str.h"

#define US_PER_S 1000000
#define S_PER_DAY 86400

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts); /* cannot fail for these two clocks */
	return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

static int64_t real_mono_us(struct clock *c)
{
	(void)c;
	return read_clock(CLOCK_MONOTONIC);
}

static int64_t real_wall_us(struct clock *c)
{
	(void)c;
	return read_clock(CLOCK_REALTIME);
}

struct clock *clock_real(void)
{
	static struct clock real = { real_mono_us, real_wall_us };

	return &real;
}

static int64_t fake_mono_us(struct clock *c)
{
	return CONTAINER_OF(c, struct clock_fake, clock)->now_mono_us;
}

static int64_t fake_wall_us(struct clock *c)
{
	return CONTAINER_OF(c, struct clock_fake, clock)->now_wall_us;
}

void clock_fake_init(struct clock_fake *f, int64_t mono_us, int64_t wall_us)
{
	f->clock.mono_us = fake_mono_us;
	f->clock.wall_us = fake_wall_us;
	f->now_mono_us = mono_us;
	f->now_wall_us = wall_us;
}

void clock_fake_advance(struct clock_fake *f, int64_t us)
{
	f->now_mono_us += us;
	f->now_wall_us += us;
}

int64_t clock_mono_us(struct clock *c)
{
	return c->mono_us(c);
}

int64_t clock_wall_us(struct clock *c)
{
	return c->wall_us(c);
}

/* Days since 1970-01-01; years start in March so that leap days come last. */
static int64_t days_from_date(int64_t y, int64_t m, int64_t d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void date_from_days(int64_t days, int64_t *y, int64_t *m, int64_t *d)
{
	int64_t era, doe, yoe, doy, mp;

	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	doe = days - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	*d = doy - (153 * mp + 2) / 5 + 1;
	*m = mp < 10 ? mp + 3 : mp - 9;
	*y = yoe + era * 400 + (*m <= 2);
}

void clock_format(int64_t wall_us, char *dst, size_t dst_len)
{
	int64_t s, us, days, sod, y, m, d;

	us = wall_us % US_PER_S;
	s = wall_us / US_PER_S;
	if (us < 0) {
		us += US_PER_S;
		s--;
	}
	sod = s % S_PER_DAY;
	days = s / S_PER_DAY;
	if (sod < 0) {
		sod += S_PER_DAY;
		days--;
	}
	date_from_days(days, &y, &m, &d);
	(void)snprintf(dst, dst_len, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
		       (int)y, (int)m, (int)d, (int)(sod / 3600),
		       (int)(sod / 60 % 60), (int)(sod % 60), (int)(us / 1000));
}

/* n digits at *s, value at most max; moves *s. */
static bool digits(const char **s, int n, int max, int *ret_v)
{
	int v = 0;

	for (; n > 0; n--, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		v = v * 10 + (**s - '0');
	}
	*ret_v = v;
	return v <= max;
}

static bool literal(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

static int64_t fraction_us(const char **s)
{
	int64_t us = 0, unit = US_PER_S / 10;

	for (; **s >= '0' && **s <= '9'; (*s)++, unit /= 10)
		us += (**s - '0') * unit;
	return us;
}

static bool zone_s(const char **s, int64_t *ret_s)
{
	int sign, h, m;

	if (**s == 'Z' || **s == 'z') {
		(*s)++;
		*ret_s = 0;
		return true;
	}
	if (**s != '+' && **s != '-')
		return false;
	sign = *(*s)++ == '-' ? -1 : 1;
	if (!digits(s, 2, 23, &h) || !literal(s, ':') || !digits(s, 2, 59, &m))
		return false;
	*ret_s = sign * (int64_t)(h * 3600 + m * 60);
	return true;
}

int clock_parse(const char *s, int64_t *ret_wall_us)
{
	int year, month, day, h, m, sec;
	int64_t days, us = 0, zone, y2, m2, d2;

	if (!s || !digits(&s, 4, 9999, &year) || !literal(&s, '-') ||
	    !digits(&s, 2, 12, &month) || !literal(&s, '-') ||
	    !digits(&s, 2, 31, &day) || month < 1 || day < 1)
		return -EINVAL;
	if (*s != 'T' && *s != 't' && *s != ' ')
		return -EINVAL;
	s++;
	if (!digits(&s, 2, 23, &h) || !literal(&s, ':') ||
	    !digits(&s, 2, 59, &m) || !literal(&s, ':') ||
	    !digits(&s, 2, 60, &sec))
		return -EINVAL;
	if (*s == '.') {
		s++;
		if (*s < '0' || *s > '9')
			return -EINVAL;
		us = fraction_us(&s);
	}
	if (!zone_s(&s, &zone) || *s)
		return -EINVAL;
	days = days_from_date(year, month, day);
	date_from_days(days, &y2, &m2, &d2);
	if (m2 != month || d2 != day)
		return -EINVAL; /* 30 February */
	*ret_wall_us =
		(days * S_PER_DAY + h * 3600 + m * 60 + sec - zone) * US_PER_S +
		us;
	return 0;
}
