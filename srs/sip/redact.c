#include "srs/sip/redact.h"

#include <string.h>

#include "base/buf.h"
#include "srs/sip/fields.h"

static bool is_token_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || (c && strchr("-._~+/=", c));
}

/* Copy s without tokens and SRTP keys. */
static void put_scrubbed(struct buf *out, struct span s)
{
	static const char *const prefix[] = { "srs_at_", "srs_rt_", "srs_cs_",
					      "inline:" };
	size_t from = 0;

	for (size_t i = 0; i + 7 <= s.len; i++) {
		if (s.p[i] != 's' && s.p[i] != 'i')
			continue;
		for (unsigned k = 0; k < 4; k++) {
			if (memcmp(s.p + i, prefix[k], 7) != 0)
				continue;
			buf_put(out, s.p + from, i - from);
			if (k == 3)
				buf_puts(out, "inline:");
			buf_puts(out, SIP_REDACTED);
			i += 7;
			while (i < s.len && is_token_char(s.p[i]))
				i++;
			from = i;
			break;
		}
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
