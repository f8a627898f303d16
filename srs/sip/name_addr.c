#include "srs/sip/name_addr.h"

#include <string.h>

#include "base/mem.h"

/* ---- one value ---- */

/* Where the quoted string that begins at i ends (its closing quote); i when
 * nothing closes it: then it is no quote. */
static size_t skip_quoted(struct span s, size_t i)
{
	for (size_t k = i + 1; k < s.len; k++) {
		if (s.p[k] == '\\')
			k++;
		else if (s.p[k] == '"')
			return k;
	}
	return i;
}

/* Length of the first value: up to a comma that stands behind an address. */
static size_t value_len(struct span s, ptrdiff_t *ret_open)
{
	bool inside = false, address = false;

	*ret_open = -1;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (c == '"' && !inside) {
			i = skip_quoted(s, i);
		} else if (c == '<' && *ret_open < 0) {
			*ret_open = (ptrdiff_t)i;
			inside = true;
		} else if (c == '>' && inside) {
			inside = false;
			address = true;
		} else if ((c == ':' || c == '@') && *ret_open < 0) {
			address = true;
		} else if (c == ',' && !inside && address) {
			return i;
		}
	}
	return s.len;
}

static bool split_value(struct span v, ptrdiff_t open, struct name_addr *a)
{
	struct span rest = v;

	a->whole = v;
	a->display = (struct span){ v.p, 0 };
	if (open >= 0) {
		a->display.len = (size_t)open;
		a->display = span_trim(a->display);
		rest.p += open + 1;
		rest.len -= (size_t)open + 1;
		a->uri = span_trim(span_cut(&rest, '>'));
	} else {
		a->uri = span_trim(span_cut(&rest, ';'));
	}
	return a->uri.len > 0;
}

bool name_addr_take(struct span *rest, struct name_addr *ret)
{
	for (;;) {
		ptrdiff_t open;
		size_t n;
		struct span v;

		while (rest->len > 0 && (*rest->p == ',' || *rest->p == ' ')) {
			rest->p++;
			rest->len--;
		}
		if (rest->len == 0)
			return false;
		n = value_len(*rest, &open);
		v = (struct span){ rest->p, n };
		rest->p += n;
		rest->len -= n;
		if (split_value(v, open, ret))
			return true;
	}
}

void name_addr_display(const struct name_addr *a, char dst[NAME_ADDR_TEXT_MAX])
{
	struct span s = span_trim(a->display);
	bool quoted = s.len >= 2 && s.p[0] == '"' && s.p[s.len - 1] == '"';
	size_t n = 0;

	if (quoted) {
		s.p++;
		s.len -= 2;
		s = span_trim(s);
	}
	for (size_t i = 0; i < s.len && n + 1 < NAME_ADDR_TEXT_MAX; i++) {
		if (quoted && s.p[i] == '\\' && i + 1 < s.len)
			i++;
		dst[n++] = s.p[i];
	}
	/* no half of a character at the end */
	while (n > 0 && n + 1 == NAME_ADDR_TEXT_MAX && !str_utf8_ok(dst, n) &&
	       (dst[n - 1] & 0x80))
		n--;
	dst[n] = '\0';
	str_clean(dst);
}

/* ---- whose name it is ---- */

bool name_is_withheld(struct span text)
{
	static const char *const words[] = {
		"anonymous",
		"anonymous caller",
		"unknown",
		"unknown caller",
		"unknown number",
		"unknown name",
		"unavailable",
		"name unavailable",
		"not available",
		"restricted",
		"private",
		"private caller",
		"private number",
		"private name",
		"withheld",
		"number withheld",
		"withheld number",
		"blocked",
		"caller id blocked",
		"no name",
		"no caller id",
		"undefined",
		"null",
		"(null)",
		"none",
		"n/a",
		"out of area",
		"placeholder",
		"conference",
	};

	text = span_trim(text);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (span_ieq(text, words[i]))
			return true;
	}
	return !text.len;
}

/* Products, and what such a thing is called. "Oracle" alone may be a company
 * that calls, but then nothing is lost: its number stands there. */
static bool is_of_products(struct span word)
{
	static const char *const words[] = {
		"3cx",	      "acme",	     "asterisk",   "audiocodes",
		"avaya",      "b2bua",	     "broadsoft",  "broadworks",
		"call",	      "callmanager", "cisco",	   "client",
		"cube",	      "cucm",	     "dialogflow", "drachtio",
		"freeswitch", "gateway",     "genesys",	   "google",
		"gw",	      "jambonz",     "kamailio",   "linphone",
		"metaswitch", "netsapiens",  "opensips",   "oracle",
		"packet",     "pbx",	     "perimeta",   "proxy",
		"recorder",   "recording",   "ribbon",	   "rtpengine",
		"sbc",	      "sems",	     "server",	   "sip",
		"sipgateway", "siprec",	     "softswitch", "sonus",
		"src",	      "srs",	     "system",	   "ucm",
		"webex",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (span_ieq(word, words[i]))
			return true;
	}
	return false;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
}

static bool has_letter(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (is_letter(s.p[i]))
			return true;
	}
	return false;
}

static bool is_sign(char c)
{
	return c == ' ' || c == '-' || c == '_' || c == '/' || c == '.';
}

/* Is every word of it one of those, or a version? */
static bool is_product(struct span s)
{
	while (s.len > 0) {
		struct span word = { s.p, 0 };

		while (word.len < s.len && !is_sign(s.p[word.len]))
			word.len++;
		s.p += word.len;
		s.len -= word.len;
		if (s.len > 0) {
			s.p++;
			s.len--;
		}
		if (has_letter(word) && !is_of_products(word))
			return false;
	}
	return true;
}

static bool is_address(struct span s)
{
	return span_find(s, '@') >= 0 || span_istarts(s, "sip:") ||
	       span_istarts(s, "sips:") || span_istarts(s, "tel:");
}

bool name_is_persons(const char *name, struct span agent)
{
	struct span s = span_trim(span_of(name));
	struct span product = span_cut(&agent, '/');

	product = span_trim(product);
	return has_letter(s) && !name_is_withheld(s) && !is_address(s) &&
	       !is_product(s) && !(product.len && span_ieq(product, name));
}
