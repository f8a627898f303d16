#include "web/range.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

/* One "a-b", "a-" or "-n". 1 usable, 0 not satisfiable, -EINVAL syntax. */
static int range_one(struct span s, uint64_t size, struct range *ret)
{
	ptrdiff_t dash = span_find(s, '-');
	struct span a, b;
	uint64_t first, last;

	if (dash < 0)
		return -EINVAL;
	a = (struct span){ s.p, (size_t)dash };
	b = (struct span){ s.p + dash + 1, s.len - (size_t)dash - 1 };
	if (a.len == 0) {
		if (span_u64(b, UINT64_MAX, &last) < 0)
			return -EINVAL;
		if (last == 0 || size == 0)
			return 0;
		ret->first = last >= size ? 0 : size - last;
		ret->last = size - 1;
		return 1;
	}
	if (span_u64(a, UINT64_MAX, &first) < 0)
		return -EINVAL;
	last = UINT64_MAX;
	if (b.len > 0 && span_u64(b, UINT64_MAX, &last) < 0)
		return -EINVAL;
	if (last < first)
		return -EINVAL;
	if (first >= size)
		return 0;
	ret->first = first;
	ret->last = last >= size ? size - 1 : last;
	return 1;
}

/* Join r to the range before it when they touch. */
static int range_push(struct range *list, int n, struct range r)
{
	if (n > 0 && r.first >= list[n - 1].first &&
	    r.first <= list[n - 1].last + 1) {
		if (r.last > list[n - 1].last)
			list[n - 1].last = r.last;
		return n;
	}
	list[n] = r;
	return n + 1;
}

int range_parse(const char *header, uint64_t size, struct range *ret_ranges)
{
	struct span in = span_of(header);
	struct span unit = span_cut(&in, '=');
	int n = 0, seen = 0;

	if (!span_ieq(span_trim(unit), "bytes"))
		return 0;
	while (in.len > 0) {
		struct span item = span_trim(span_cut(&in, ','));
		struct range r;
		int k;

		if (item.len == 0)
			continue;
		if (++seen > RANGE_MAX)
			return 0;
		k = range_one(item, size, &r);
		if (k < 0)
			return 0;
		if (k > 0)
			n = range_push(ret_ranges, n, r);
	}
	if (seen == 0)
		return 0;
	return n > 0 ? n : -ERANGE;
}

bool etag_list_has(const char *header, const char *etag, bool weak)
{
	struct span in = span_of(header);

	if (span_eq(span_trim(in), "*"))
		return true;
	while (in.len > 0) {
		struct span tag = span_trim(span_cut(&in, ','));

		if (span_starts(tag, "W/")) {
			if (!weak)
				continue;
			tag.p += 2;
			tag.len -= 2;
		}
		if (span_eq(tag, etag))
			return true;
	}
	return false;
}

bool etag_if_range(const char *header, const char *etag)
{
	return span_eq(span_trim(span_of(header)), etag);
}
