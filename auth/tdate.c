#include "auth/tdate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/tzone.h"
#include "base/clock.h"

static bool digits(const char **s, unsigned n, int *ret)
{
	int v = 0;

	for (; n; n--, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		v = v * 10 + (**s - '0');
	}
	*ret = v;
	return true;
}

static bool is(const char **s, char c)
{
	return **s == c && *(*s)++;
}

static bool read_date(const char **s, struct tzone_local *l)
{
	int64_t us;
	char full[32];

	if (!digits(s, 4, &l->year) || !is(s, '-') ||
	    !digits(s, 2, &l->month) || !is(s, '-') || !digits(s, 2, &l->day))
		return false;
	/* is there such a day? */
	(void)snprintf(full, sizeof(full), "%04d-%02d-%02dT00:00:00Z", l->year,
		       l->month, l->day);
	return clock_parse(full, &us) == 0;
}

static bool read_clock(const char **s, struct tzone_local *l)
{
	if (!digits(s, 2, &l->hour) || !is(s, ':') || !digits(s, 2, &l->minute))
		return false;
	if (**s == ':' && (++*s, !digits(s, 2, &l->second)))
		return false;
	return l->hour < 24 && l->minute < 60 && l->second < 60;
}

/* "...T09:30:00 01:00" was "+01:00" before a form was decoded. */
static int with_offset(const char *s, int64_t *ret_us)
{
	size_t len = strlen(s);
	char full[64];

	if (len >= sizeof(full))
		return -EINVAL;
	memcpy(full, s, len + 1);
	if (len > 6 && full[len - 6] == ' ')
		full[len - 6] = '+';
	return clock_parse(full, ret_us);
}

int tdate_parse(const struct tzone *zone, bool local, const char *s, bool end,
		int64_t *ret_us)
{
	struct tzone_local l = { 0 };
	const char *p = s;

	if (!read_date(&p, &l))
		return -EINVAL;
	if (!*p)
		l.day += end; /* the 32nd is fine */
	else if (!is(&p, 'T') || !read_clock(&p, &l) || *p || !local)
		return with_offset(s, ret_us);
	*ret_us = tzone_utc(zone, &l) * 1000000;
	return 0;
}

/* "+01:00"; @return false in UTC */
static bool offset_text(const struct tzone_local *l, char dst[16])
{
	int minutes = l->offset_s / 60, all = minutes < 0 ? -minutes : minutes;

	(void)snprintf(dst, 16, "%c%02d:%02d", minutes < 0 ? '-' : '+',
		       all / 60, all % 60);
	return minutes != 0;
}

void tdate_format(const struct tzone *zone, int64_t wall_us,
		  char dst[TDATE_MAX])
{
	struct tzone_local l;
	char offset[16];

	tzone_local(zone, wall_us / 1000000, &l);
	(void)snprintf(dst, TDATE_MAX, "%04d-%02d-%02d %02d:%02d %s", l.year,
		       l.month, l.day, l.hour, l.minute,
		       offset_text(&l, offset) ? offset : "UTC");
}

void tdate_format_exact(const struct tzone *zone, int64_t wall_us,
			char dst[TDATE_MAX])
{
	struct tzone_local l;
	char offset[16];

	tzone_local(zone, wall_us / 1000000, &l);
	(void)snprintf(dst, TDATE_MAX, "%04d-%02d-%02dT%02d:%02d:%02d%s",
		       l.year, l.month, l.day, l.hour, l.minute, l.second,
		       offset_text(&l, offset) ? offset : "Z");
}
