/* How a body is split: the boundary comes from the type header, or from the
 * first line that starts with "--" when the header names none or one that is
 * not in the body. A delimiter is a line of its own: "--", the boundary,
 * perhaps "--", then blanks. Part headers end at the first empty line; a part
 * that starts with something else than a header has none. Lengths that parts
 * declare are not used: several products count their own line ends wrongly.
 */
#include "srs/siprec/multipart.h"

#include <string.h>
#include <strings.h>

#include "base/cursor.h"
#include "srs/siprec/warn.h"

#define SNIFF_MAX 1024
#define BOUNDARY_MAX 200

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* ---- header values ---- */

/* End of one parameter: the next ';' that is not inside quotes. */
static size_t param_end(struct span s)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (s.p[i] == '\\' && quoted && i + 1 < s.len)
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
		else if (s.p[i] == ';' && !quoted)
			break;
	}
	return i;
}

static struct span unquote(struct span v)
{
	v = span_trim(v);
	if (v.len && v.p[0] == '"') {
		v.p++;
		v.len--;
		if (v.len && v.p[v.len - 1] == '"')
			v.len--;
	}
	return v;
}

bool multipart_param(struct span value, const char *name, struct span *ret)
{
	size_t skip = param_end(value);

	while (skip < value.len) {
		struct span rest = { value.p + skip + 1, value.len - skip - 1 };
		size_t end = param_end(rest);
		struct span val = { rest.p, end };
		struct span key = span_cut(&val, '=');

		if (span_ieq(span_trim(key), name)) {
			*ret = unquote(val);
			return true;
		}
		skip += 1 + end;
	}
	return false;
}

/* The "type/subtype" of a Content-Type value. */
static struct span type_word(struct span value)
{
	return span_trim(span_cut(&value, ';'));
}

static bool is_multipart(struct span type)
{
	return span_istarts(span_trim(type), "multipart/");
}

/* ---- what is it ---- */

static bool contains(struct span s, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= s.len; i++) {
		if (!strncasecmp(s.p + i, word, n))
			return true;
	}
	return false;
}

static struct span skip_bom(struct span s)
{
	s = span_trim(s);
	if (s.len >= 3 && !memcmp(s.p, "\xef\xbb\xbf", 3)) {
		s.p += 3;
		s.len -= 3;
	}
	return span_trim(s);
}

static enum part_kind sniff(struct span body)
{
	struct span s = skip_bom(body);

	if (s.len >= 3 && (s.p[0] == 'v' || s.p[0] == 'V') && s.p[1] == '=')
		return PART_SDP;
	if (!s.len || s.p[0] != '<')
		return PART_OTHER;
	if (s.len > SNIFF_MAX)
		s.len = SNIFF_MAX;
	if (contains(s, "recording") || contains(s, "rs-metadata"))
		return PART_METADATA;
	return PART_OTHER;
}

static enum part_kind kind_by_type(struct span type)
{
	struct span t = type_word(type);

	if (span_ieq(t, "application/sdp"))
		return PART_SDP;
	if (span_ieq(t, "application/rs-metadata-request"))
		return PART_METADATA_REQUEST;
	if (span_ieq(t, "application/rs-metadata") ||
	    span_ieq(t, "application/rs-metadata+xml"))
		return PART_METADATA;
	return PART_OTHER;
}

enum part_kind multipart_kind(struct span content_type, struct span body)
{
	enum part_kind named = kind_by_type(content_type);
	enum part_kind seen;

	if (named == PART_METADATA_REQUEST)
		return named;
	seen = sniff(body);
	return seen == PART_OTHER ? named : seen;
}

/* ---- lines and delimiters ---- */

/* One line of s from *pos on, without its end; *pos moves behind it. */
static struct span next_line(struct span s, size_t *pos)
{
	struct span line = { s.p + *pos, 0 };
	struct cursor c;

	cur_init(&c, line.p, s.len - *pos);
	(void)cur_line(&c, &line); /* false: an empty line at the end */
	*pos = s.len - cur_left(&c);
	return line;
}

static bool is_delimiter(struct span line, struct span boundary,
			 bool *ret_closing)
{
	struct span rest;

	if (line.len < boundary.len + 2 || memcmp(line.p, "--", 2) ||
	    memcmp(line.p + 2, boundary.p, boundary.len))
		return false;
	rest.p = line.p + 2 + boundary.len;
	rest.len = line.len - 2 - boundary.len;
	rest = span_trim(rest);
	*ret_closing = span_eq(rest, "--");
	return !rest.len || *ret_closing;
}

/* First delimiter line at or after *pos. @return its start, with *pos behind
 * it; s.len when there is none. */
static size_t find_delimiter(struct span s, struct span boundary, size_t *pos,
			     bool *ret_closing)
{
	size_t start;

	while (*pos < s.len) {
		start = *pos;
		if (is_delimiter(next_line(s, pos), boundary, ret_closing))
			return start;
	}
	*ret_closing = false;
	return s.len;
}

/* The boundary that the body itself shows: its first line that has text,
 * when that starts with "--". */
static bool sniff_boundary(struct span body, struct span *ret)
{
	size_t pos = 0;
	struct span line;

	while (pos < body.len) {
		line = next_line(body, &pos);
		if (!span_trim(line).len)
			continue;
		line = span_trim(line);
		if (line.len < 3 || memcmp(line.p, "--", 2))
			return false;
		ret->p = line.p + 2;
		ret->len = line.len - 2;
		return ret->len <= BOUNDARY_MAX;
	}
	return false;
}

static bool has_delimiter(struct span body, struct span boundary)
{
	size_t pos = 0;
	bool closing;

	return boundary.len &&
	       find_delimiter(body, boundary, &pos, &closing) < body.len;
}

/* ---- parts ---- */

static bool is_header_line(struct span line)
{
	ptrdiff_t colon = span_find(line, ':');

	if (colon <= 0)
		return false;
	for (ptrdiff_t i = 0; i < colon; i++) {
		char c = line.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '-' && c != '_' &&
		    !(is_blank(c) && i > 0))
			return false;
	}
	return true;
}

/* Value of a header, with its continuation lines. */
static struct span header_value(struct span headers, const char *name)
{
	struct span none = { headers.p, 0 };
	size_t pos = 0, end;

	while (pos < headers.len) {
		struct span line = next_line(headers, &pos);
		struct span value = line;
		struct span key = span_cut(&value, ':');

		end = pos;
		while (pos < headers.len &&
		       (headers.p[pos] == ' ' || headers.p[pos] == '\t')) {
			next_line(headers, &pos);
			end = pos;
		}
		if (!span_ieq(span_trim(key), name))
			continue;
		value.len = (size_t)(headers.p + end - value.p);
		return span_trim(value);
	}
	return none;
}

/* Cut the headers off a part. */
static void part_read(struct span raw, struct part *p)
{
	size_t pos = 0, at = 0;
	struct span line;

	*p = (struct part){ 0 };
	while (pos < raw.len) {
		at = pos;
		line = next_line(raw, &pos);
		if (!line.len || !span_trim(line).len) {
			at = pos;
			break;
		}
		if (is_blank(line.p[0]) && at > 0)
			continue;
		if (!is_header_line(line))
			break;
		at = pos;
	}
	p->headers = (struct span){ raw.p, at };
	p->body = (struct span){ raw.p + at, raw.len - at };
	p->type = header_value(p->headers, "Content-Type");
	if (!p->type.len)
		p->type = header_value(p->headers, "c");
	p->disposition = header_value(p->headers, "Content-Disposition");
	p->kind = multipart_kind(p->type, p->body);
}

static void warn_kind(const struct part *p, struct warn_list *wl)
{
	if (p->kind == PART_OTHER || p->kind == kind_by_type(p->type))
		return;
	warn_add(wl, "body.type_mismatch", WARN_WARNING,
		 "a part of type \"%.*s\" is read as %s",
		 SPAN_ARG(type_word(p->type)),
		 p->kind == PART_SDP ? "SDP" : "recording metadata");
}

static void add_part(const struct part *p, struct multipart *mp,
		     struct warn_list *wl)
{
	if (mp->n == MULTIPART_PARTS_MAX) {
		warn_add(wl, "body.too_many_parts", WARN_WARNING,
			 "only the first %d parts are read",
			 MULTIPART_PARTS_MAX);
		return;
	}
	warn_kind(p, wl);
	mp->parts[mp->n++] = *p;
}

/* Without the line end in front of the delimiter. */
static struct span part_bytes(struct span body, size_t from, size_t to)
{
	struct span s = { body.p + from, to - from };

	if (s.len && s.p[s.len - 1] == '\n')
		s.len--;
	if (s.len && s.p[s.len - 1] == '\r')
		s.len--;
	return s;
}

static void split_level(struct span type, struct span body, unsigned depth,
			struct warn_list *wl, struct multipart *mp);

static void one_part(struct span raw, unsigned depth, struct warn_list *wl,
		     struct multipart *mp)
{
	struct part p;

	part_read(raw, &p);
	if (is_multipart(p.type) && depth < MULTIPART_DEPTH_MAX) {
		split_level(p.type, p.body, depth + 1, wl, mp);
		return;
	}
	if (p.body.len || p.headers.len)
		add_part(&p, mp, wl);
}

static void split_at(struct span boundary, struct span body, unsigned depth,
		     struct warn_list *wl, struct multipart *mp)
{
	bool closing;
	size_t pos = 0, start, end;

	find_delimiter(body, boundary, &pos, &closing);
	while (!closing && pos < body.len && mp->n < MULTIPART_PARTS_MAX) {
		start = pos;
		end = find_delimiter(body, boundary, &pos, &closing);
		if (end == body.len && !closing)
			warn_add(wl, "body.no_closing_boundary", WARN_INFO,
				 "the last part ends with the body");
		one_part(part_bytes(body, start, end), depth, wl, mp);
	}
	if (!closing && mp->n == MULTIPART_PARTS_MAX && pos < body.len)
		warn_add(wl, "body.too_many_parts", WARN_WARNING,
			 "only the first %d parts are read",
			 MULTIPART_PARTS_MAX);
}

static void whole(struct span type, struct span body, struct warn_list *wl,
		  struct multipart *mp)
{
	struct part p = { .type = type, .body = body };

	p.kind = multipart_kind(type, body);
	if (span_trim(body).len)
		add_part(&p, mp, wl);
}

static void split_level(struct span type, struct span body, unsigned depth,
			struct warn_list *wl, struct multipart *mp)
{
	struct span boundary = { 0 };

	if (multipart_param(type, "boundary", &boundary) &&
	    has_delimiter(body, boundary)) {
		split_at(boundary, body, depth, wl, mp);
		return;
	}
	if (sniff_boundary(body, &boundary)) {
		warn_add(wl, "body.boundary_guessed", WARN_WARNING,
			 "the boundary of Content-Type is not in the body");
		split_at(boundary, body, depth, wl, mp);
		return;
	}
	warn_add(wl, "body.not_multipart", WARN_WARNING,
		 "Content-Type is multipart, the body is not");
	whole((struct span){ body.p, 0 }, body, wl, mp);
}

/* A body that starts with a delimiter and a part header although its type
 * does not say multipart. */
static bool looks_multipart(struct span body)
{
	struct span boundary;

	if (!sniff_boundary(body, &boundary))
		return false;
	if (body.len > SNIFF_MAX)
		body.len = SNIFF_MAX;
	return contains(body, "content-type");
}

void multipart_split(struct span content_type, struct span body,
		     struct warn_list *wl, struct multipart *ret_mp)
{
	ret_mp->n = 0;
	if (!body.len)
		return;
	if (is_multipart(content_type)) {
		split_level(content_type, body, 1, wl, ret_mp);
		return;
	}
	if (looks_multipart(body)) {
		warn_add(wl, "body.type_mismatch", WARN_WARNING,
			 "a body of type \"%.*s\" is read as multipart",
			 SPAN_ARG(type_word(content_type)));
		split_level(content_type, body, 1, wl, ret_mp);
		return;
	}
	whole(content_type, body, wl, ret_mp);
}
