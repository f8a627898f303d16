/* Writes a damaged document again, so that it is well formed: one pass over
 * the bytes with a stack of open elements. What is a tag is decided narrowly
 * ("<", a name, then attributes up to a ">" with no "<" before it); every
 * other "<" is text, as in a Call-ID that was pasted into an element.
 * Comments and processing instructions are left out, CDATA becomes text.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "srs/siprec/xml_tree.h"

#define OPEN_MAX 64
#define PASTED_MAX 1024 /* how far the end of a name is looked for */
#define SEEN_MAX XML_TREE_ATTRS_MAX

struct repair {
	const char *p;
	const char *end;
	struct buf *out;
	struct span open[OPEN_MAX];
	unsigned depth;
	bool root_done;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       c == ':';
}

static bool name_char(char c)
{
	return name_start(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

static size_t name_len(const char *p, const char *end)
{
	size_t n = 0;

	if (p == end || !name_start(*p))
		return 0;
	while (p + n < end && name_char(p[n]))
		n++;
	return n;
}

static bool at(const struct repair *r, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(r->end - r->p) >= n && !memcmp(r->p, word, n);
}

/* ---- text ---- */

static bool is_xml_char(uint32_t c)
{
	return c == 9 || c == 10 || c == 13 || (c >= 0x20 && c <= 0xd7ff) ||
	       (c >= 0xe000 && c <= 0xfffd) || (c >= 0x10000 && c <= 0x10ffff);
}

static int digit(char c, uint32_t base)
{
	int d = c >= '0' && c <= '9'   ? c - '0'
		: c >= 'a' && c <= 'f' ? c - 'a' + 10
		: c >= 'A' && c <= 'F' ? c - 'A' + 10
				       : 16;

	return d < (int)base ? d : -1;
}

/* "&#233;" or "&#xe9;" that names a character. @return its length or 0 */
static size_t number_len(const char *p, size_t left)
{
	uint32_t base = left > 2 && p[2] == 'x' ? 16 : 10, c = 0;
	size_t n = base == 16 ? 3 : 2, first = n;

	if (left < 4 || p[1] != '#')
		return 0;
	while (n < left && n < first + 8 && digit(p[n], base) >= 0)
		c = c * base + (uint32_t)digit(p[n++], base);
	if (n == first || n >= left || p[n] != ';' || !is_xml_char(c))
		return 0;
	return n + 1;
}

/* "&" with a predefined or a sensible numeric entity. @return its length */
static size_t entity_len(const char *p, const char *end)
{
	static const char *const known[] = { "&amp;", "&lt;", "&gt;", "&quot;",
					     "&apos;" };
	size_t left = (size_t)(end - p);

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (left >= strlen(known[i]) &&
		    !memcmp(p, known[i], strlen(known[i])))
			return strlen(known[i]);
	}
	return number_len(p, left);
}

static void put_char(struct repair *r, bool quote)
{
	size_t n = *r->p == '&' ? entity_len(r->p, r->end) : 0;
	char c = *r->p;

	if (n) {
		buf_put(r->out, r->p, n);
		r->p += n;
		return;
	}
	r->p++;
	if (c == '&')
		buf_puts(r->out, "&amp;");
	else if (c == '<')
		buf_puts(r->out, "&lt;");
	else if (c == '>')
		buf_puts(r->out, "&gt;");
	else if (c == '"' && quote)
		buf_puts(r->out, "&quot;");
	else if ((unsigned char)c < 0x20 && !is_blank(c))
		buf_putc(r->out, '?');
	else
		buf_putc(r->out, c);
}

static void put_until(struct repair *r, const char *end, bool quote)
{
	const char *saved = r->end;

	r->end = end;
	while (r->p < end)
		put_char(r, quote);
	r->end = saved;
}

/* ---- tags ---- */

static void close_top(struct repair *r)
{
	struct span name = r->open[--r->depth];

	buf_printf(r->out, "</%.*s>", SPAN_ARG(name));
	r->root_done = !r->depth;
}

static bool holds_text(struct span name)
{
	struct span local = name;

	if (span_find(name, ':') >= 0)
		(void)span_cut(&local, ':');
	return span_ieq(local, "name") || span_ieq(local, "displayname") ||
	       span_ieq(local, "display-name") || span_ieq(local, "aor") ||
	       span_ieq(local, "uri");
}

/* Is p, behind a quote, where an attribute may end? */
static bool may_end(const char *p, const char *end, bool text)
{
	const char *name = p;
	size_t n;

	while (name < end && is_blank(*name))
		name++;
	if (name == end || *name == '>' || *name == '/' || *name == '?')
		return true;
	if (*name == '<' || (name > p && !text))
		return *name != '<';
	n = name_len(name, end);
	name += n;
	while (name < end && is_blank(*name))
		name++;
	return n && name < end && *name == '=';
}

/* The quote that ends the value which begins with the quote at p: in aor=""Joe"
 * <sip:joe@h>" it is the last one. NULL: none. */
static const char *quote_end(const char *p, const char *end, bool text)
{
	const char *limit = end - p > PASTED_MAX ? p + PASTED_MAX : end;
	const char *first = memchr(p + 1, *p, (size_t)(end - p) - 1);

	for (const char *q = p + 1; q < limit; q++) {
		if (q[0] == '<' && q + 1 < limit && q[1] == '/')
			break;
		if (*q == *p && may_end(q + 1, end, text))
			return q;
	}
	return first;
}

/* The name that stands before the "=" at p */
static struct span name_before(const char *begin, const char *p)
{
	const char *end;

	while (p > begin && is_blank(p[-1]))
		p--;
	end = p;
	while (p > begin && name_char(p[-1]))
		p--;
	return (struct span){ p, (size_t)(end - p) };
}

/* The ">" that ends the tag at p; NULL when it is not a tag at all. */
static const char *tag_end(const char *p, const char *end)
{
	const char *begin = p, *equals = NULL;

	for (; p < end; p++) {
		if ((*p == '"' || *p == '\'') && equals) {
			p = quote_end(p, end,
				      holds_text(name_before(begin, equals)));
			if (!p)
				return NULL;
		} else if (*p == '>') {
			return p;
		} else if (*p == '<') {
			return NULL;
		}
		if (!is_blank(*p))
			equals = *p == '=' ? p : NULL;
	}
	return NULL;
}

static bool seen_before(struct span *seen, unsigned *n, struct span name)
{
	for (unsigned i = 0; i < *n; i++) {
		if (seen[i].len == name.len &&
		    !memcmp(seen[i].p, name.p, name.len))
			return true;
	}
	if (*n == SEEN_MAX)
		return true; /* too many: left out like a repeated one */
	seen[(*n)++] = name;
	return false;
}

/* The value at r->p; r->p moves behind it. */
static struct span attr_value(struct repair *r, const char *stop, bool text)
{
	struct span v = { r->p, 0 };
	const char *close;

	if (r->p < stop && (*r->p == '"' || *r->p == '\'')) {
		v.p++;
		close = quote_end(r->p, stop, text);
		v.len = (size_t)((close ? close : stop) - v.p);
		r->p = close ? close + 1 : stop;
		return v;
	}
	while (r->p < stop && !is_blank(*r->p))
		r->p++;
	v.len = (size_t)(r->p - v.p);
	return v;
}

static void put_attr(struct repair *r, struct span name, struct span value)
{
	const char *saved = r->p;

	buf_printf(r->out, " %.*s=\"", SPAN_ARG(name));
	r->p = value.p;
	put_until(r, value.p + value.len, true);
	buf_putc(r->out, '"');
	r->p = saved;
}

/* All attributes between r->p and stop. */
static void put_attrs(struct repair *r, const char *stop)
{
	struct span seen[SEEN_MAX];
	unsigned n_seen = 0;

	while (r->p < stop) {
		struct span name = { r->p, name_len(r->p, stop) };
		struct span value = { r->p, 0 };

		if (!name.len) {
			r->p++;
			continue;
		}
		r->p += name.len;
		while (r->p < stop && is_blank(*r->p))
			r->p++;
		if (r->p < stop && *r->p == '=') {
			r->p++;
			while (r->p < stop && is_blank(*r->p))
				r->p++;
			value = attr_value(r, stop, holds_text(name));
		}
		if (!seen_before(seen, &n_seen, name))
			put_attr(r, name, value);
	}
}

/* "</name" of an end tag behind p; NULL when there is none */
static const char *find_end(const char *p, const char *end, struct span name)
{
	while ((p = memmem(p, (size_t)(end - p), "</", 2))) {
		p += 2;
		if ((size_t)(end - p) > name.len &&
		    !memcmp(p, name.p, name.len) && !name_char(p[name.len]))
			return p - 2;
	}
	return NULL;
}

/* "Joe <boss>" pasted into a name: no attributes, and no end of it before the
 * end of the name. So is <sip:joe>, wherever it stands. */
static bool is_pasted(const struct repair *r, struct span name,
		      const char *after, const char *gt)
{
	struct span top, attrs = { after, (size_t)(gt - after) };
	const char *close;

	if (span_istarts(name, "sip:") || span_istarts(name, "sips:") ||
	    span_istarts(name, "tel:"))
		return true;
	if (!r->depth)
		return false;
	top = r->open[r->depth - 1];
	if (!holds_text(top) || span_find(attrs, '=') >= 0)
		return false;
	if (r->end - gt < PASTED_MAX)
		close = find_end(gt, r->end, top);
	else
		close = find_end(gt, gt + PASTED_MAX, top);
	return close && !find_end(gt, close, name);
}

static bool start_tag(struct repair *r)
{
	struct span name = { r->p + 1, name_len(r->p + 1, r->end) };
	const char *after = name.p + name.len;
	const char *gt, *stop;
	bool empty;

	if (!name.len || after == r->end ||
	    (!is_blank(*after) && *after != '/' && *after != '>'))
		return false;
	gt = tag_end(after, r->end);
	if (!gt || r->depth == OPEN_MAX || is_pasted(r, name, after, gt))
		return false;
	empty = gt > after && gt[-1] == '/';
	stop = empty ? gt - 1 : gt;
	buf_printf(r->out, "<%.*s", SPAN_ARG(name));
	r->p = after;
	put_attrs(r, stop);
	r->p = gt + 1;
	buf_putc(r->out, '>');
	r->open[r->depth++] = name;
	if (empty)
		close_top(r);
	return true;
}

/* "</name>": closes what is still open inside; an end that nothing opened is
 * left out. */
static bool end_tag(struct repair *r)
{
	struct span name = { r->p + 2, name_len(r->p + 2, r->end) };
	const char *p = name.p + name.len;
	unsigned match = r->depth;

	if (!name.len)
		return false;
	while (p < r->end && is_blank(*p))
		p++;
	if (p == r->end || *p != '>')
		return false;
	r->p = p + 1;
	while (match > 0) {
		struct span open = r->open[match - 1];

		if (open.len == name.len && !memcmp(open.p, name.p, name.len))
			break;
		match--;
	}
	while (match && r->depth >= match)
		close_top(r);
	return true;
}

/* ---- the rest of the markup ---- */

static void skip_past(struct repair *r, const char *word)
{
	const char *hit =
		memmem(r->p, (size_t)(r->end - r->p), word, strlen(word));

	r->p = hit ? hit + strlen(word) : r->end;
}

static void cdata(struct repair *r)
{
	const char *close;
	const char *from = r->p + strlen("<![CDATA[");

	close = memmem(from, (size_t)(r->end - from), "]]>", 3);
	r->p = from;
	while (r->p < (close ? close : r->end)) {
		if (*r->p == '&') {
			buf_puts(r->out, "&amp;");
			r->p++;
		} else {
			put_char(r, false);
		}
	}
	if (close)
		r->p = close + 3;
}

static bool is_doctype(const struct repair *r)
{
	struct span s = { r->p, (size_t)(r->end - r->p) };

	return span_istarts(s, "<!DOCTYPE");
}

static void markup(struct repair *r)
{
	if (at(r, "<!--"))
		skip_past(r, "-->");
	else if (at(r, "<?"))
		skip_past(r, "?>");
	else if (at(r, "<![CDATA[") && r->depth)
		cdata(r);
	else if (at(r, "</") && end_tag(r))
		return;
	else if (start_tag(r))
		return;
	else if (r->depth)
		put_char(r, false);
	else
		r->p++;
}

int xml_repair(struct span xml, struct buf *out)
{
	struct repair r = { .p = xml.p, .end = xml.p + xml.len, .out = out };

	while (r.p < r.end && !r.root_done && !buf_error(out)) {
		if (*r.p != '<') {
			if (r.depth)
				put_char(&r, false);
			else
				r.p++;
			continue;
		}
		if (is_doctype(&r))
			return -EPERM;
		markup(&r);
	}
	while (r.depth)
		close_top(&r);
	return buf_error(out);
}
