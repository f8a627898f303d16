#include "web/uri.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/buf.h"

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool is_plain(unsigned char c)
{
	return c > 0x20 && c < 0x7f && c != '"' && c != '<' && c != '>' &&
	       c != '\\' && c != '^' && c != '`' && c != '#';
}

int uri_decode(struct span in, bool plus_is_space, char *dst, size_t dst_len)
{
	size_t n = 0;

	for (size_t i = 0; i < in.len; i++) {
		char c = in.p[i];

		if (c == '%') {
			int hi, lo;

			if (in.len - i < 3)
				return -EINVAL;
			hi = hex_value(in.p[i + 1]);
			lo = hex_value(in.p[i + 2]);
			if (hi < 0 || lo < 0 || (hi == 0 && lo == 0))
				return -EINVAL;
			c = (char)(hi * 16 + lo);
			i += 2;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		} else if (c == '\0') {
			return -EINVAL;
		}
		if (n + 1 >= dst_len)
			return -ENAMETOOLONG;
		dst[n++] = c;
	}
	if (dst_len == 0)
		return -ENAMETOOLONG;
	dst[n] = '\0';
	if (!str_utf8_ok(dst, n))
		return -EINVAL;
	return (int)n;
}

/* Dot segments, empty segments and control characters of a decoded path. */
static bool path_ok(const char *path)
{
	const char *seg = path + 1;

	for (const char *p = path; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == '\\')
			return false;
	while (*seg) {
		size_t len = strcspn(seg, "/");

		if (len == 0 || (len == 1 && seg[0] == '.') ||
		    (len == 2 && seg[0] == '.' && seg[1] == '.'))
			return false;
		seg += len;
		if (*seg == '/')
			seg++;
	}
	return true;
}

static bool has_escaped_slash(struct span s)
{
	for (size_t i = 0; i + 2 < s.len; i++) {
		if (s.p[i] != '%')
			continue;
		if (s.p[i + 1] == '2' && (s.p[i + 2] | 0x20) == 'f')
			return true;
		if (s.p[i + 1] == '5' && (s.p[i + 2] | 0x20) == 'c')
			return true;
	}
	return false;
}

int uri_split(const char *raw, char *path, size_t path_len,
	      struct span *ret_query)
{
	size_t len = strnlen(raw, URI_MAX + 1);
	struct span all = { raw, len };
	struct span p, q = { NULL, 0 };
	ptrdiff_t mark;
	int r;

	if (len > URI_MAX)
		return -ENAMETOOLONG;
	if (raw[0] != '/')
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if (!is_plain((unsigned char)raw[i]))
			return -EINVAL;
	mark = span_find(all, '?');
	p = (struct span){ raw, mark < 0 ? len : (size_t)mark };
	if (mark >= 0)
		q = (struct span){ raw + mark + 1, len - (size_t)mark - 1 };
	if (has_escaped_slash(p))
		return -EINVAL;
	r = uri_decode(p, false, path, path_len);
	if (r < 0)
		return r;
	if (!path_ok(path))
		return -EINVAL;
	*ret_query = q;
	return 0;
}

int uri_encode(struct buf *out, const char *s)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < 0x80 && (isalnum(c) || strchr("-._~", c))) {
			buf_putc(out, (char)c);
			continue;
		}
		buf_putc(out, '%');
		buf_putc(out, hex[c >> 4]);
		buf_putc(out, hex[c & 15]);
	}
	return buf_error(out);
}

/* Length of "scheme:" or 0. */
static size_t scheme_len(const char *uri)
{
	size_t n = 0;

	if (!isalpha((unsigned char)uri[0]))
		return 0;
	while (isalnum((unsigned char)uri[n]) || uri[n] == '+' ||
	       uri[n] == '-' || uri[n] == '.')
		n++;
	return uri[n] == ':' ? n + 1 : 0;
}

/* Bytes from the start of uri to the end of its authority; 0 when none. */
static size_t authority_end(const char *uri, size_t scheme)
{
	if (uri[scheme] != '/' || uri[scheme + 1] != '/')
		return 0;
	return scheme + 2 + strcspn(uri + scheme + 2, "/?#");
}

int uri_origin(const char *uri, char *dst, size_t dst_len)
{
	size_t scheme = scheme_len(uri);
	struct span s = { uri, scheme };
	size_t end;

	if (scheme == 0)
		return -EINVAL;
	if (span_ieq(s, "http:") || span_ieq(s, "https:")) {
		end = authority_end(uri, scheme);
		if (end <= scheme + 2 || memchr(uri, '@', end))
			return -EINVAL;
		s.len = end;
	}
	if (!span_copy(dst, dst_len, s))
		return -EINVAL;
	for (char *p = dst; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return 0;
}
