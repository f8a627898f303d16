#include "storage/signalling_hide.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

/* Parameters: those of From, To and Via; of Replaces, Join and Target-Dialog;
 * what proxies put into Record-Route to know a dialog again. */
static const char *const secrets[] = {
	"tag",	      "branch",	   "from-tag", "to-tag", "local-tag",
	"remote-tag", "early-tag", "ftag",     "ttag",	 "rtag",
	"vsf",	      "vst",	   "did",
};

/* A character that may be written as %3B in a URI: how long it is, 0 = not
 * this one. */
static size_t is_char(struct span s, char c)
{
	const char *hex = c == ';' ? "%3b" : c == '=' ? "%3d" : "%22";

	if (s.len && s.p[0] == c)
		return 1;
	if (s.len >= 3 && span_ieq((struct span){ s.p, 3 }, hex))
		return 3;
	return 0;
}

static struct span skip(struct span s, size_t n)
{
	return (struct span){ s.p + n, s.len - n };
}

/* Folded lines count as a blank, the end of a header does not. */
static struct span skip_blanks(struct span s)
{
	while (s.len) {
		size_t n = span_starts(s, "\r\n")
				   ? 2
				   : strchr("\r\n", s.p[0]) && s.p[0];

		if (n && (s.len == n || !strchr(" \t", s.p[n]) || !s.p[n]))
			return s;
		if (!n && s.p[0] != ' ' && s.p[0] != '\t')
			return s;
		s = skip(s, n ? n : 1);
	}
	return s;
}

/* Where the value of a secret parameter begins, if s (behind ';') is one. */
static bool is_secret(struct span s, struct span *ret_value)
{
	struct span rest = skip_blanks(s);
	struct span name = { rest.p, 0 };
	size_t eq;

	while (name.len < rest.len &&
	       (isalnum((unsigned char)name.p[name.len]) ||
		name.p[name.len] == '-'))
		name.len++;
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
		if (!span_ieq(name, secrets[i]))
			continue;
		rest = skip_blanks(skip(rest, name.len));
		eq = is_char(rest, '=');
		if (!eq)
			return false;
		*ret_value = skip_blanks(skip(rest, eq));
		return true;
	}
	return false;
}

static size_t value_len(struct span v)
{
	size_t n = 0;

	if (v.len && v.p[0] == '"') {
		for (n = 1; n < v.len && v.p[n] != '"'; n++)
			n += v.p[n] == '\\' && n + 1 < v.len;
		return n < v.len ? n + 1 : n;
	}
	while (n < v.len && v.p[n] && !strchr(";,>?& \t\r\n\"", v.p[n]) &&
	       !is_char(skip(v, n), ';') && !is_char(skip(v, n), '"'))
		n++;
	return n;
}

/* The first line and the headers, up to the empty line. */
static size_t head_len(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		struct span s = skip(text, i);

		if (span_starts(s, "\n\n") || span_starts(s, "\n\r\n"))
			return i;
	}
	return text.len;
}

static void hide_head(struct span s, struct buf *out)
{
	struct span value;
	size_t sep;

	while (s.len) {
		sep = is_char(s, ';');
		if (!sep) {
			(void)buf_putc(out, s.p[0]); /* errors stick */
			s = skip(s, 1);
			continue;
		}
		if (is_secret(skip(s, sep), &value)) {
			(void)buf_put(out, s.p, (size_t)(value.p - s.p));
			(void)buf_puts(out, "hidden");
			s = skip(value, value_len(value));
		} else {
			(void)buf_put(out, s.p, sep);
			s = skip(s, sep);
		}
	}
}

int signalling_hide(struct span text, struct buf *out)
{
	size_t head = head_len(text);

	hide_head((struct span){ text.p, head }, out);
	return buf_put(out, text.p + head, text.len - head);
}
