#include "srs/sip/refer_to.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"

#define HEADERS_MAX 4

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

static bool all_of(struct span s, const char *more)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!s.p[i] || (!is_alnum(s.p[i]) && !strchr(more, s.p[i])))
			return false;
	}
	return s.len > 0;
}

/* RFC 3261 section 25.1: token, and word with the "@" of a Call-ID */
static bool is_token(struct span s)
{
	return all_of(s, "-.!%*_+`'~");
}

static bool is_call_id(struct span s)
{
	return all_of(s, "-.!%*_+`'~()<>:\\\"/[]?{}@");
}

/* ---- "id;a-tag=x;b-tag=y" ---- */

static bool take_tag(struct span value, char *dst)
{
	return !dst[0] && is_token(value) &&
	       span_copy(dst, DIALOG_TAG_MAX, value);
}

static int parse_dialog(struct span value, const char *local,
			const char *remote, struct sip_dialog_id *ret_id)
{
	struct sip_dialog_id id = { "", "", "" };
	struct span rest = value;
	struct span one = span_trim(span_cut(&rest, ';'));

	if (!is_call_id(one) || !span_copy(id.call_id, sizeof(id.call_id), one))
		return -EINVAL;
	while (rest.len > 0) {
		struct span tag = span_cut(&rest, ';');
		struct span name = span_trim(span_cut(&tag, '='));

		tag = span_trim(tag);
		if ((span_ieq(name, local) && !take_tag(tag, id.local_tag)) ||
		    (span_ieq(name, remote) && !take_tag(tag, id.remote_tag)) ||
		    span_ieq(name, "early-only") || !is_token(name) ||
		    (tag.len > 0 && !is_token(tag)))
			return -EINVAL;
	}
	if (!id.local_tag[0] || !id.remote_tag[0])
		return -EINVAL;
	*ret_id = id;
	return 0;
}

int replaces_parse(struct span value, struct sip_dialog_id *ret_id)
{
	return parse_dialog(value, "to-tag", "from-tag", ret_id);
}

int target_dialog_parse(struct span value, struct sip_dialog_id *ret_id)
{
	return parse_dialog(value, "remote-tag", "local-tag", ret_id);
}

void replaces_print(const struct sip_dialog_id *id, struct buf *out)
{
	(void)buf_printf(out, "%s;to-tag=%s;from-tag=%s", id->call_id,
			 id->local_tag, id->remote_tag); /* sticks */
}

/* ---- URIs ---- */

void uri_escape(const char *text, struct buf *out)
{
	for (; *text; text++) {
		if (is_alnum(*text) || strchr("-_.!~*", *text))
			(void)buf_putc(out, *text);
		else
			(void)buf_printf(out, "%%%02X",
					 (unsigned)(unsigned char)*text);
	}
}

/* Undo %XX; false: not one, a control byte, or too long. */
static bool unescape(struct span s, char *dst, size_t dst_len)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '%') {
			struct span hex = { s.p + i + 1, 2 };

			if (s.len - i < 3 || str_unhex(&c, 1, hex) < 0)
				return false;
			i += 2;
		}
		if (c < 0x20 || c > 0x7e || n + 1 >= dst_len)
			return false;
		dst[n++] = (char)c;
	}
	dst[n] = '\0';
	return true;
}

static const char *take_require(struct span list)
{
	while (list.len > 0) {
		struct span one = span_trim(span_cut(&list, ','));

		if (!span_ieq(one, "replaces") && !span_ieq(one, "siprec"))
			return "asks for an extension that is not known here";
	}
	return NULL;
}

static const char *take_header(struct span one, struct refer_to *to)
{
	char value[DIALOG_CALL_ID_MAX + 2 * DIALOG_TAG_MAX + 40], name[16];

	if (!unescape(span_cut(&one, '='), name, sizeof(name)) ||
	    !unescape(one, value, sizeof(value)))
		return "has header fields that cannot be read";
	if (str_ieq(name, "Require"))
		return take_require(span_of(value));
	if (!str_ieq(name, "Replaces"))
		return "has header fields other than Replaces and Require";
	if (to->replaces.call_id[0] ||
	    replaces_parse(span_of(value), &to->replaces) < 0)
		return "has a Replaces that cannot be read";
	return NULL;
}

/* What we are asked to call is kept and shown. */
static bool has_token(const char *uri)
{
	return strstr(uri, "srs_at_") || strstr(uri, "srs_rt_") ||
	       strstr(uri, "srs_cs_");
}

static const char *take_headers(struct span rest, struct refer_to *to)
{
	const char *bad = NULL;

	for (unsigned n = 0; rest.len > 0 && !bad; n++)
		bad = n < HEADERS_MAX ? take_header(span_cut(&rest, '&'), to)
				      : "has too many header fields";
	return bad;
}

/* The part before "?", with method=INVITE left out. */
static const char *take_uri(struct span rest, struct refer_to *to)
{
	struct span one = span_cut(&rest, ';');
	size_t n = one.len;

	if (!span_istarts(one, "sip:") && !span_istarts(one, "sips:"))
		return "is no SIP URI";
	if (!span_copy(to->uri, sizeof(to->uri), one))
		return "is too long";
	while (rest.len > 0) {
		struct span whole = span_cut(&rest, ';'), value = whole;
		struct span name = span_cut(&value, '=');

		if (whole.len == 0 ||
		    (span_ieq(name, "method") && span_ieq(value, "INVITE")))
			continue;
		if (span_ieq(name, "method") || span_ieq(name, "maddr") ||
		    span_ieq(name, "ttl"))
			return "has a parameter that is not taken here";
		if (n + whole.len + 2 > sizeof(to->uri))
			return "is too long";
		to->uri[n++] = ';';
		memcpy(to->uri + n, whole.p, whole.len);
		n += whole.len;
		to->uri[n] = '\0';
	}
	return NULL;
}

static bool is_plain(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] <= 0x20 || s.p[i] > 0x7e ||
		    strchr("<>\"\\^`{|}", s.p[i]))
			return false;
	}
	return s.len > 0;
}

/* ---- the header field ---- */

/* Where the "<" is that no display name has in its quotes; -1 = nowhere. */
static ptrdiff_t find_open(struct span v)
{
	bool quoted = false;

	for (size_t i = 0; i < v.len; i++) {
		if (v.p[i] == '"')
			quoted = !quoted;
		else if (quoted && v.p[i] == '\\')
			i++;
		else if (!quoted && v.p[i] == '<')
			return (ptrdiff_t)i;
	}
	return -1;
}

/* Behind the ">". */
static const char *take_params(struct span rest, struct refer_to *to)
{
	struct span one = span_trim(span_cut(&rest, ';'));
	uint64_t n;

	if (one.len > 0)
		return "has more than one value";
	while (rest.len > 0) {
		struct span name;

		one = span_cut(&rest, ';');
		name = span_trim(span_cut(&one, '='));
		one = span_trim(one);
		if (span_find(name, ',') >= 0 || span_find(one, ',') >= 0)
			return "has more than one value";
		if (!span_ieq(name, "streams"))
			continue;
		if (span_u64(one, REFER_STREAMS_MAX, &n) < 0 || n == 0)
			return "has streams other than 1 to 32";
		to->streams = (unsigned)n;
	}
	return NULL;
}

const char *refer_to_parse(struct span value, struct refer_to *ret_to)
{
	struct refer_to to = { .uri = "" };
	struct span uri, rest = span_trim(value);
	ptrdiff_t open = find_open(rest);
	const char *bad;

	if (rest.len > REFER_TO_MAX)
		return "is too long";
	if (open >= 0) {
		rest.p += open + 1;
		rest.len -= (size_t)open + 1;
		if (span_find(rest, '>') < 0)
			return "has no closing bracket";
		uri = span_trim(span_cut(&rest, '>'));
		bad = take_params(rest, &to);
		if (bad)
			return bad;
	} else {
		uri = rest;
		if (span_find(uri, ',') >= 0 || span_find(uri, '?') >= 0)
			return "needs brackets, or has more than one value";
	}
	if (!is_plain(uri))
		return "cannot be read";
	rest = uri;
	uri = span_cut(&rest, '?');
	bad = take_uri(uri, &to);
	if (!bad)
		bad = take_headers(rest, &to);
	if (!bad && (has_token(to.uri) || has_token(to.replaces.call_id)))
		bad = "has a token in it";
	if (!bad)
		*ret_to = to;
	return bad;
}

int sipfrag_status(struct span body)
{
	struct span line = span_cut(&body, '\n');
	uint64_t n;

	if (!span_istarts(line, "SIP/2.0 "))
		return -EBADMSG;
	line.p += 8;
	line.len -= 8;
	if (span_u64(span_trim(span_cut(&line, ' ')), 699, &n) < 0 || n < 100)
		return -EBADMSG;
	return (int)n;
}
