/* TZif version 1 to 3: the 64-bit block when there is one, else the 32-bit
 * block. Debian's files are "fat" (transitions up to 2037), others "slim" and
 * leave the present to the footer; both work. Leap seconds are not used. */
#include "auth/tzone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/mem.h"
#include "base/str.h"

#define ZONE_DIR "/usr/share/zoneinfo/"
#define FILE_MAX 65536
#define TIMES_MAX 4096
#define TYPES_MAX 256
#define YEAR_S (366 * 86400LL)

/* When a POSIX TZ rule changes over: Mm.w.d, Jn or n, at time_s local. */
struct change {
	char form; /* 'M', 'J', 'n' */
	int month, week, day;
	int32_t time_s;
};

struct tzone {
	int64_t *at;   /* n: transitions */
	uint8_t *type; /* n */
	unsigned n;
	int32_t offsets[TYPES_MAX];
	unsigned n_types;
	/* footer */
	bool has_rule, has_dst;
	int32_t std_s, dst_s; /* east of UTC */
	struct change to_dst, to_std;
};

/* ---- calendar (proleptic Gregorian, days since 1970-01-01) ------------- */

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}

static int64_t days_from_civil(int64_t y, int m, int d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = floor_div(y, 400);
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void civil_from_days(int64_t z, int *ret_y, int *ret_m, int *ret_d)
{
	int64_t era, doe, yoe, doy, mp;

	z += 719468;
	era = floor_div(z, 146097);
	doe = z - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	*ret_d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*ret_m = (int)(mp < 10 ? mp + 3 : mp - 9);
	*ret_y = (int)(yoe + era * 400 + (*ret_m <= 2));
}

static bool is_leap(int64_t y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

/* ---- footer ------------------------------------------------------------ */

static bool read_name(struct cursor *c)
{
	size_t n = 0;

	if (c->p < c->end && *c->p == '<') {
		while (c->p < c->end && *c->p != '>')
			c->p++;
		if (c->p == c->end)
			return false;
		c->p++;
		return true;
	}
	while (c->p < c->end &&
	       ((*c->p | 0x20) >= 'a' && (*c->p | 0x20) <= 'z')) {
		c->p++;
		n++;
	}
	return n >= 3;
}

static bool read_int(struct cursor *c, int max, int *ret_v)
{
	int v = 0;
	bool any = false;

	while (c->p < c->end && *c->p >= '0' && *c->p <= '9') {
		v = v * 10 + (*c->p++ - '0');
		any = true;
		if (v > max)
			return false;
	}
	*ret_v = v;
	return any;
}

static bool take(struct cursor *c, char ch)
{
	if (c->p == c->end || *c->p != (uint8_t)ch)
		return false;
	c->p++;
	return true;
}

/* [+-]hh[:mm[:ss]]; RFC 8536 allows up to 167 hours in rules. */
static bool read_time(struct cursor *c, int32_t *ret_s)
{
	int h, m = 0, s = 0, sign = 1;

	if (take(c, '-'))
		sign = -1;
	else
		(void)take(c, '+');
	if (!read_int(c, 167, &h))
		return false;
	if (take(c, ':')) {
		if (!read_int(c, 59, &m))
			return false;
		if (take(c, ':') && !read_int(c, 59, &s))
			return false;
	}
	*ret_s = sign * (h * 3600 + m * 60 + s);
	return true;
}

static bool read_change(struct cursor *c, struct change *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (take(c, 'M')) {
		ret->form = 'M';
		if (!read_int(c, 12, &ret->month) || !take(c, '.') ||
		    !read_int(c, 5, &ret->week) || !take(c, '.') ||
		    !read_int(c, 6, &ret->day) || !ret->month || !ret->week)
			return false;
	} else if (take(c, 'J')) {
		ret->form = 'J';
		if (!read_int(c, 365, &ret->day) || !ret->day)
			return false;
	} else {
		ret->form = 'n';
		if (!read_int(c, 365, &ret->day))
			return false;
	}
	ret->time_s = 2 * 3600;
	return !take(c, '/') || read_time(c, &ret->time_s);
}

/* "GMT0BST,M3.5.0/1,M10.5.0": offsets there count west of UTC. */
static int read_footer(struct tzone *z, struct span line)
{
	struct cursor c;
	int32_t west;

	if (!line.len)
		return 0;
	cur_init(&c, line.p, line.len);
	if (!read_name(&c) || !read_time(&c, &west))
		return -EBADMSG;
	z->std_s = -west;
	z->has_rule = true;
	if (c.p == c.end)
		return 0;
	if (!read_name(&c))
		return -EBADMSG;
	z->dst_s = z->std_s + 3600;
	if (c.p < c.end && *c.p != ',') {
		if (!read_time(&c, &west))
			return -EBADMSG;
		z->dst_s = -west;
	}
	if (!take(&c, ',') || !read_change(&c, &z->to_dst) || !take(&c, ',') ||
	    !read_change(&c, &z->to_std) || c.p != c.end)
		return -EBADMSG;
	z->has_dst = true;
	return 0;
}

static int64_t change_day(const struct change *ch, int64_t year)
{
	int64_t first, last;
	int wday, d;

	if (ch->form == 'n')
		return days_from_civil(year, 1, 1) + ch->day;
	if (ch->form == 'J')
		return days_from_civil(year, 1, 1) + ch->day - 1 +
		       (is_leap(year) && ch->day >= 60);
	first = days_from_civil(year, ch->month, 1);
	last = ch->month == 12 ? days_from_civil(year + 1, 1, 1) - 1
			       : days_from_civil(year, ch->month + 1, 1) - 1;
	wday = (int)((first % 7 + 7 + 4) % 7); /* 0 = Sunday */
	d = (ch->day - wday + 7) % 7 + (ch->week - 1) * 7;
	while (first + d > last)
		d -= 7;
	return first + d;
}

/* UTC seconds of the two changes of a year. */
static void rule_of_year(const struct tzone *z, int64_t year,
			 int64_t *ret_to_dst, int64_t *ret_to_std)
{
	*ret_to_dst = change_day(&z->to_dst, year) * 86400 + z->to_dst.time_s -
		      z->std_s;
	*ret_to_std = change_day(&z->to_std, year) * 86400 + z->to_std.time_s -
		      z->dst_s;
}

static int64_t year_of(int64_t t)
{
	int y, m, d;

	civil_from_days(floor_div(t, 86400), &y, &m, &d);
	return y;
}

static int32_t rule_offset(const struct tzone *z, int64_t t)
{
	int64_t dst, std;

	if (!z->has_dst)
		return z->std_s;
	rule_of_year(z, year_of(t + z->std_s), &dst, &std);
	if (dst < std)
		return t >= dst && t < std ? z->dst_s : z->std_s;
	return t >= std && t < dst ? z->std_s : z->dst_s;
}

/* ---- file -------------------------------------------------------------- */

struct counts {
	uint32_t isutc, isstd, leap, times, types, chars;
};

static bool read_header(struct cursor *c, uint8_t *ret_version,
			struct counts *n)
{
	const uint8_t *magic;

	return cur_take(c, 4, &magic) && memcmp(magic, "TZif", 4) == 0 &&
	       cur_u8(c, ret_version) && cur_skip(c, 15) &&
	       cur_be32(c, &n->isutc) && cur_be32(c, &n->isstd) &&
	       cur_be32(c, &n->leap) && cur_be32(c, &n->times) &&
	       cur_be32(c, &n->types) && cur_be32(c, &n->chars) &&
	       n->times <= TIMES_MAX && n->types >= 1 &&
	       n->types <= TYPES_MAX && n->chars <= 4096 && n->leap <= 4096 &&
	       n->isutc <= TYPES_MAX && n->isstd <= TYPES_MAX;
}

static size_t block_len(const struct counts *n, size_t time_len)
{
	return n->times * time_len + n->times + n->types * 6 + n->chars +
	       n->leap * (time_len + 4) + n->isstd + n->isutc;
}

static bool read_at(struct cursor *c, bool wide, int64_t *ret_at)
{
	uint64_t v8;
	uint32_t v4;

	if (wide) {
		if (!cur_be64(c, &v8))
			return false;
		*ret_at = (int64_t)v8;
		return true;
	}
	if (!cur_be32(c, &v4))
		return false;
	*ret_at = (int32_t)v4;
	return true;
}

static int read_block(struct tzone *z, struct cursor *c, const struct counts *n,
		      bool wide)
{
	uint32_t i, offset;
	uint8_t b;

	z->n = n->times;
	z->n_types = n->types;
	if (n->times) {
		z->at = mem_calloc(n->times, sizeof(*z->at));
		z->type = mem_calloc(n->times, 1);
		if (!z->at || !z->type)
			return -ENOMEM;
	}
	for (i = 0; i < n->times; i++) {
		if (!read_at(c, wide, &z->at[i]))
			return -EBADMSG;
		if (i && z->at[i] <= z->at[i - 1])
			return -EBADMSG;
	}
	for (i = 0; i < n->times; i++)
		if (!cur_u8(c, &z->type[i]) || z->type[i] >= n->types)
			return -EBADMSG;
	for (i = 0; i < n->types; i++) {
		if (!cur_be32(c, &offset) || !cur_u8(c, &b) || !cur_u8(c, &b))
			return -EBADMSG;
		z->offsets[i] = (int32_t)offset;
		if (z->offsets[i] < -26 * 3600 || z->offsets[i] > 26 * 3600)
			return -EBADMSG;
	}
	return cur_skip(c, n->chars + n->leap * ((wide ? 8 : 4) + 4) +
				   n->isstd + n->isutc)
		       ? 0
		       : -EBADMSG;
}

static int parse(struct tzone *z, const void *data, size_t len)
{
	struct cursor c;
	struct counts n;
	struct span line;
	uint8_t version;
	int r;

	cur_init(&c, data, len);
	if (!read_header(&c, &version, &n))
		return -EBADMSG;
	if (version < '2')
		return read_block(z, &c, &n, false);
	if (!cur_skip(&c, block_len(&n, 4)) || !read_header(&c, &version, &n))
		return -EBADMSG;
	r = read_block(z, &c, &n, true);
	if (r < 0)
		return r;
	/* newline, rule, newline */
	if (!take(&c, '\n') || !cur_line(&c, &line))
		return -EBADMSG;
	return read_footer(z, line);
}

int tzone_parse(const void *data, size_t len, struct tzone **ret_zone)
{
	struct tzone *z CLEANUP(tzone_close) = NULL;
	int r;

	z = mem_zalloc(sizeof(*z));
	if (!z)
		return -ENOMEM;
	r = parse(z, data, len);
	if (r < 0)
		return r;
	*ret_zone = STEAL(z);
	return 0;
}

static bool name_ok(const char *name)
{
	const char *p;

	if (!name || !*name || strlen(name) > 60)
		return false;
	for (p = name; *p; p++) {
		bool slash = *p == '/';

		if (!slash && !strchr("_+-", *p) &&
		    !((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z') &&
		    !(*p >= '0' && *p <= '9'))
			return false;
		if (slash && (p == name || p[-1] == '/' || !p[1]))
			return false;
	}
	return true;
}

static int read_file(const char *path, uint8_t *data, size_t cap,
		     size_t *ret_len)
{
	size_t len = 0;
	ssize_t n = 0;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return errno == EACCES ? -EACCES : -ENOENT;
	while (len < cap) {
		n = read(fd, data + len, cap - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	(void)close(fd); /* only read */
	if (n < 0)
		return -ENOENT; /* a folder such as "Europe" */
	*ret_len = len;
	return len == cap ? -EBADMSG : 0;
}

static int open_utc(struct tzone **ret_zone)
{
	struct tzone *z = mem_zalloc(sizeof(*z));

	if (!z)
		return -ENOMEM;
	z->n_types = 1;
	*ret_zone = z;
	return 0;
}

static int open_file(const char *path, struct tzone **ret_zone)
{
	uint8_t *data CLEANUP(mem_freep) = mem_alloc(FILE_MAX);
	size_t len = 0;
	int r = data ? read_file(path, data, FILE_MAX, &len) : -ENOMEM;

	return r < 0 ? r : tzone_parse(data, len, ret_zone);
}

int tzone_open(const char *name, struct tzone **ret_zone)
{
	char path[128];

	if (!name_ok(name))
		return -EINVAL;
	if (str_eq(name, "UTC") || str_eq(name, "Etc/UTC"))
		return open_utc(ret_zone);
	(void)snprintf(path, sizeof(path), ZONE_DIR "%s", name);
	return open_file(path, ret_zone);
}

/* "/usr/share/zoneinfo/Europe/London" behind the link */
static void name_here(char name[TZONE_NAME_MAX])
{
	static const char folder[] = "/zoneinfo/";
	char path[256] = "";
	ssize_t n = readlink("/etc/localtime", path, sizeof(path) - 1);
	const char *at = n > 0 ? strstr(path, folder) : NULL;

	if (!at || !str_copy(name, TZONE_NAME_MAX, at + strlen(folder)))
		(void)str_copy(name, TZONE_NAME_MAX, "local time");
}

void tzone_open_here(struct tzone **ret_zone, char name[TZONE_NAME_MAX])
{
	const char *tz = getenv("TZ");

	if (tz && tz[0] == ':')
		tz++;
	if (tz && tzone_open(tz, ret_zone) == 0 &&
	    str_copy(name, TZONE_NAME_MAX, tz))
		return;
	if (!tz && open_file("/etc/localtime", ret_zone) == 0) {
		name_here(name);
		return;
	}
	tzone_close(ret_zone);
	(void)str_copy(name, TZONE_NAME_MAX, "UTC");
}

void tzone_close(struct tzone **zone)
{
	struct tzone *z = *zone;

	if (!z)
		return;
	*zone = NULL;
	mem_free(z->at);
	mem_free(z->type);
	mem_free(z);
}

/* ---- questions --------------------------------------------------------- */

/* Index of the last transition at or before t, -1 = before the first. */
static int find(const struct tzone *z, int64_t t)
{
	unsigned lo = 0, hi = z->n;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;

		if (z->at[mid] <= t)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (int)lo - 1;
}

static int32_t offset_at(const struct tzone *z, int64_t t)
{
	int i = find(z, t);

	if (i == (int)z->n - 1 && z->has_rule)
		return rule_offset(z, t);
	return i < 0 ? z->offsets[0] : z->offsets[z->type[i]];
}

int64_t tzone_utc(const struct tzone *zone, const struct tzone_local *l)
{
	int64_t t = days_from_civil(l->year, l->month, 1) * 86400 +
		    (l->day - 1) * 86400LL + l->hour * 3600 + l->minute * 60 +
		    l->second;
	int32_t before, after;

	if (!zone)
		return t;
	before = offset_at(zone, t - 86400);
	after = offset_at(zone, t + 86400);
	if (offset_at(zone, t - before) == before)
		return t - before;
	if (offset_at(zone, t - after) == after)
		return t - after;
	return tzone_next_change(zone,
				 t - after - 1); /* the clock was put on */
}

void tzone_local(const struct tzone *zone, int64_t t,
		 struct tzone_local *ret_local)
{
	int32_t offset = zone ? offset_at(zone, t) : 0;
	int64_t local = t + offset, days = floor_div(local, 86400);
	int secs = (int)(local - days * 86400);

	civil_from_days(days, &ret_local->year, &ret_local->month,
			&ret_local->day);
	/* 1970-01-01 was a Thursday = 3 */
	ret_local->weekday = (int)(((days + 3) % 7 + 7) % 7);
	ret_local->hour = secs / 3600;
	ret_local->minute = secs / 60 % 60;
	ret_local->second = secs % 60;
	ret_local->offset_s = offset;
}

int64_t tzone_next_change(const struct tzone *zone, int64_t t)
{
	int64_t dst, std, best = INT64_MAX, year;
	int i = find(zone, t);

	if (i + 1 < (int)zone->n)
		return zone->at[i + 1] - t <= YEAR_S ? zone->at[i + 1]
						     : INT64_MAX;
	if (!zone->has_rule || !zone->has_dst)
		return INT64_MAX;
	year = year_of(t);
	for (i = -1; i <= 1; i++) {
		rule_of_year(zone, year + i, &dst, &std);
		if (dst > t && dst < best)
			best = dst;
		if (std > t && std < best)
			best = std;
	}
	return best;
}
