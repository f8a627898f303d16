#include "srs/sip/redact.h"

#include <string.h>

#include "base/buf.h"
#include "srs/sip/fields.h"

static bool is_token_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || (c && strchr("-._~+/=", c));
}

static size_t token_len(struct span s, size_t at)
{
	size_t n = 0;

	while (at + n < s.len && is_token_char(s.p[at + n]))
		n++;
	return n;
}

/* No name of a parameter (Bearer realm="x") is that long. */
#define FOREIGN_TOKEN_MIN 20

/* "Bearer%20eyJ..." in the header parameter of a URI, "X-Auth: Bearer eyJ...":
 * @return where the token begins, 0 = there is none */
static size_t foreign_token(struct span s, size_t at)
{
	struct span rest = { s.p + at, s.len - at };
	size_t start = at + 6;

	if (!span_istarts(rest, "Bearer"))
		return 0;
	for (;;) {
		rest = (struct span){ s.p + start, s.len - start };
		if (span_starts(rest, "%20") || span_starts(rest, "%09"))
			start += 3;
		else if (rest.len && strchr(" \t\r\n+", rest.p[0]) && rest.p[0])
			start++;
		else
			break;
	}
	if (start == at + 6 || token_len(s, start) < FOREIGN_TOKEN_MIN)
		return 0;
	return start;
}

/* What is secret begins at *at? Then *at is behind the name of it.
 * @return whether it does */
static bool is_secret(struct span s, size_t *at)
{
	static const char *const prefix[] = { "srs_at_", "srs_rt_", "srs_cs_" };
	struct span rest = { s.p + *at, s.len - *at };
	size_t start;

	switch (s.p[*at]) {
	case 's':
		for (unsigned k = 0; k < 3; k++) {
			if (span_starts(rest, prefix[k]))
				return true;
		}
		return false;
	case 'i':
	case 'I':
		if (!span_istarts(rest, "inline:"))
			return false;
		*at += 7;
		while (*at < s.len && (s.p[*at] == ' ' || s.p[*at] == '\t'))
			(*at)++; /* no key for us, but one all the same */
		return true;
	case 'b':
	case 'B':
		start = foreign_token(s, *at);
		if (start)
			*at = start;
		return start != 0;
	default:
		return false;
	}
}

/* Copy s without tokens and SRTP keys. */
static void put_scrubbed(struct buf *out, struct span s)
{
	size_t from = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (!is_secret(s, &i))
			continue;
		buf_put(out, s.p + from, i - from);
		buf_puts(out, SIP_REDACTED);
		i += token_len(s, i);
		from = i--;
	}
	buf_put(out, s.p + from, s.len - from);
}

/* "Authorization: Bearer abc": keep name and scheme. */
static void put_credentials(struct buf *out, struct span line, size_t colon)
{
	struct span v = span_trim(
		(struct span){ line.p + colon + 1, line.len - colon - 1 });
	size_t scheme = 0;

	buf_put(out, line.p, colon + 1);
	while (scheme < v.len &&
	       ((v.p[scheme] | 0x20) >= 'a' && (v.p[scheme] | 0x20) <= 'z'))
		scheme++;
	buf_putc(out, ' ');
	/* without a blank behind letters it is no scheme but a bare secret */
	if (scheme < v.len && scheme <= 16 && v.p[scheme] == ' ') {
		buf_put(out, v.p, scheme);
		buf_putc(out, ' ');
	}
	buf_puts(out, SIP_REDACTED);
	/* the line's own break, and no other */
	for (scheme = line.len; scheme > 0; scheme--) {
		if (line.p[scheme - 1] != '\r' && line.p[scheme - 1] != '\n')
			break;
	}
	buf_put(out, line.p + scheme, line.len - scheme);
}

int sip_redact(struct span text, struct buf *out)
{
	struct span rest = text;
	bool first = true; /* still before or in the start line */

	while (rest.len > 0) {
		struct span line = sip_line_take(&rest, !first);
		ptrdiff_t colon = span_find(line, ':');
		struct span name = { line.p, colon > 0 ? (size_t)colon : 0 };

		if (span_trim(line).len == 0 && !first) {
			buf_put(out, line.p, line.len);
			break; /* the body follows */
		}
		name = span_trim(name);
		if (span_ieq(name, "Authorization") ||
		    span_ieq(name, "Proxy-Authorization"))
			put_credentials(out, line, (size_t)colon);
		else
			put_scrubbed(out, line);
		first = first && span_trim(line).len == 0;
	}
	put_scrubbed(out, rest);
	return buf_error(out);
}
