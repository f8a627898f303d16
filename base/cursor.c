#include "base/cursor.h"

#include <string.h>

void cur_init(struct cursor *c, const void *data, size_t len)
{
	static const uint8_t nothing[1];

	c->p = data ? data : nothing;
	c->end = data ? c->p + len : c->p;
}

size_t cur_left(const struct cursor *c)
{
	return (size_t)(c->end - c->p);
}

/* n <= 8 bytes, most significant first. */
static bool cur_be(struct cursor *c, size_t n, uint64_t *ret_v)
{
	uint64_t v = 0;
	size_t i;

	if (cur_left(c) < n)
		return false;
	for (i = 0; i < n; i++)
		v = v << 8 | c->p[i];
	c->p += n;
	*ret_v = v;
	return true;
}

static bool cur_le(struct cursor *c, size_t n, uint64_t *ret_v)
{
	uint64_t v = 0;
	size_t i;

	if (cur_left(c) < n)
		return false;
	for (i = 0; i < n; i++)
		v |= (uint64_t)c->p[i] << (8 * i);
	c->p += n;
	*ret_v = v;
	return true;
}

bool cur_u8(struct cursor *c, uint8_t *ret_v)
{
	if (c->p == c->end)
		return false;
	*ret_v = *c->p++;
	return true;
}

bool cur_be16(struct cursor *c, uint16_t *ret_v)
{
	uint64_t v;

	if (!cur_be(c, 2, &v))
		return false;
	*ret_v = (uint16_t)v;
	return true;
}

bool cur_be24(struct cursor *c, uint32_t *ret_v)
{
	uint64_t v;

	if (!cur_be(c, 3, &v))
		return false;
	*ret_v = (uint32_t)v;
	return true;
}

bool cur_be32(struct cursor *c, uint32_t *ret_v)
{
	uint64_t v;

	if (!cur_be(c, 4, &v))
		return false;
	*ret_v = (uint32_t)v;
	return true;
}

bool cur_be64(struct cursor *c, uint64_t *ret_v)
{
	return cur_be(c, 8, ret_v);
}

bool cur_le16(struct cursor *c, uint16_t *ret_v)
{
	uint64_t v;

	if (!cur_le(c, 2, &v))
		return false;
	*ret_v = (uint16_t)v;
	return true;
}

bool cur_le32(struct cursor *c, uint32_t *ret_v)
{
	uint64_t v;

	if (!cur_le(c, 4, &v))
		return false;
	*ret_v = (uint32_t)v;
	return true;
}

bool cur_le64(struct cursor *c, uint64_t *ret_v)
{
	return cur_le(c, 8, ret_v);
}

bool cur_skip(struct cursor *c, size_t n)
{
	if (cur_left(c) < n)
		return false;
	c->p += n;
	return true;
}

bool cur_take(struct cursor *c, size_t n, const uint8_t **ret_p)
{
	if (cur_left(c) < n)
		return false;
	*ret_p = c->p;
	c->p += n;
	return true;
}

bool cur_line(struct cursor *c, struct span *ret_line)
{
	const uint8_t *p = c->p;

	if (p == c->end)
		return false;
	while (p < c->end && *p != '\r' && *p != '\n')
		p++;
	*ret_line = (struct span){ (const char *)c->p, (size_t)(p - c->p) };
	if (p < c->end)
		p += *p == '\r' && c->end - p > 1 && p[1] == '\n' ? 2 : 1;
	c->p = p;
	return true;
}
