#include "auth/identity.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 3986 "unreserved": %-escapes of these say nothing. */
static bool is_unreserved(char c)
{
	return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') ||
	       (c && strchr("-._~", c));
}

/* "+44 (20) 7946-0001" -> "tel:+442079460001". Separators of RFC 3966 and
 * blanks, which people type. A local number keeps its digits, without plus. */
static bool tel_of(struct span s, bool must_be_global, char *dst)
{
	size_t n = 4, i;
	bool global = s.len && s.p[0] == '+';

	if (must_be_global && !global)
		return false;
	memcpy(dst, "tel:", 4);
	if (global)
		dst[n++] = '+';
	for (i = global; i < s.len; i++) {
		if (strchr("-.() ", s.p[i]) && s.p[i])
			continue;
		if (!is_digit(s.p[i]) || n + 1 >= IDENTITY_TEL_MAX)
			goto not_tel;
		dst[n++] = s.p[i];
	}
	if (n < (global ? 6u : 5u) || (global && n > 4 + 1 + 15))
		goto not_tel;
	dst[n] = '\0';
	return true;
not_tel:
	dst[0] = '\0';
	return false;
}

/* Append s to id->sip. */
static bool put(struct identity *id, size_t *n, char c)
{
	if (*n + 1 >= sizeof(id->sip))
		return false;
	id->sip[(*n)++] = c;
	id->sip[*n] = '\0';
	return true;
}

static bool put_user(struct identity *id, size_t *n, struct span user)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t i;

	for (i = 0; i < user.len; i++) {
		char c = user.p[i];
		int h = -1, l = -1;

		if (c == '%' && i + 2 < user.len) {
			h = hex_value(user.p[i + 1]);
			l = hex_value(user.p[i + 2]);
		}
		if (c != '%') {
			if (!put(id, n, c))
				return false;
			continue;
		}
		if (h < 0 || l < 0) { /* a bare one means itself */
			h = 2;
			l = 5;
		} else {
			i += 2;
		}
		c = (char)(h * 16 + l);
		if (is_unreserved(c) || c == '+') {
			if (!put(id, n, c))
				return false;
		} else if (!put(id, n, '%') || !put(id, n, hex[h]) ||
			   !put(id, n, hex[l])) {
			return false;
		}
	}
	return true;
}

/* "Host:5060" -> host without default port; also without final dots. */
static bool put_host(struct identity *id, size_t *n, struct span hostport)
{
	struct span host = hostport, port = { "", 0 };
	ptrdiff_t at;
	size_t i;

	if (host.len && host.p[0] == '[') {
		at = span_find(host, ']');
		if (at > 0) {
			host.len = (size_t)at + 1;
			port = (struct span){ hostport.p + host.len,
					      hostport.len - host.len };
			if (port.len && port.p[0] == ':')
				port = (struct span){ port.p + 1,
						      port.len - 1 };
		}
	} else {
		port = host;
		host = span_cut(&port, ':');
	}
	while (host.len && host.p[host.len - 1] == '.')
		host.len--;
	for (i = 0; i < host.len; i++)
		if (!put(id, n, lower(host.p[i])))
			return false;
	while (port.len > 1 && port.p[0] == '0')
		port = (struct span){ port.p + 1, port.len - 1 };
	if (!port.len || span_eq(port, "5060") || span_eq(port, "5061"))
		return true;
	if (!put(id, n, ':'))
		return false;
	for (i = 0; i < port.len; i++)
		if (!put(id, n, port.p[i]))
			return false;
	return true;
}

static bool has_user_phone(struct span params)
{
	while (params.len) {
		struct span p = span_trim(span_cut(&params, ';'));

		if (span_ieq(p, "user=phone"))
			return true;
	}
	return false;
}

/* s: what follows "sip:". */
static int parse_sip(struct span s, struct identity *id)
{
	struct span user = { "", 0 }, host, params = { "", 0 };
	ptrdiff_t at, cut;
	size_t n = 4;
	bool has_user;

	at = span_find(s, '@');
	has_user = at >= 0;
	if (has_user) {
		user = (struct span){ s.p, (size_t)at };
		host = (struct span){ s.p + at + 1, s.len - (size_t)at - 1 };
	} else {
		host = s;
	}
	cut = span_find(host, '?');
	if (cut >= 0)
		host.len = (size_t)cut;
	params = host;
	host = span_cut(&params, ';');
	if (span_find(host, '@') >= 0)
		return -EINVAL; /* whose host is it? */
	/* parameters in the user part (old tel forms) and the password */
	if (has_user) {
		struct span rest = user;

		user = span_cut(&rest, ';');
		rest = user;
		user = span_cut(&rest, ':');
	}
	memcpy(id->sip, "sip:", 5);
	if (has_user && (!put_user(id, &n, user) || !put(id, &n, '@')))
		return -E2BIG;
	if (!put_host(id, &n, host))
		return -E2BIG;
	if (has_user) {
		char *u = id->sip + 4, *end = strchr(u, '@');
		struct span number = { u, (size_t)(end - u) };

		(void)tel_of(number, !has_user_phone(params), id->tel);
	}
	return 0;
}

/* Kept behind a space, so that it can't be taken for a canonical form. */
static int parse_opaque(struct span s, struct identity *id)
{
	id->sip[0] = ' ';
	if (!span_copy(id->sip + 1, sizeof(id->sip) - 1, s))
		return -E2BIG;
	return 0;
}

/* A quoted display name may hold brackets of its own. */
static struct span skip_quoted(struct span s)
{
	size_t i;

	if (!s.len || s.p[0] != '"')
		return s;
	for (i = 1; i < s.len && s.p[i] != '"'; i++)
		if (s.p[i] == '\\')
			i++;
	i = i < s.len ? i + 1 : s.len;
	return span_trim((struct span){ s.p + i, s.len - i });
}

/* Display name and angle brackets go. */
static struct span unwrap(struct span s)
{
	ptrdiff_t open, close;

	s = skip_quoted(s);
	open = span_find(s, '<');
	if (open < 0)
		return s;
	s = (struct span){ s.p + open + 1, s.len - (size_t)open - 1 };
	close = span_find(s, '>');
	if (close >= 0)
		s.len = (size_t)close;
	return span_trim(s);
}

static int parse_tel(struct span s, struct identity *id)
{
	struct span params = s, number = span_trim(span_cut(&params, ';'));

	if (tel_of(number, false, id->tel))
		return 0;
	return -EINVAL;
}

/* Something without scheme: "+44...", "alice@host", "1001", "host". */
static int parse_bare(struct span s, struct identity *id)
{
	if (tel_of(s, true, id->tel))
		return 0;
	if (span_find(s, '@') >= 0)
		return parse_sip(s, id);
	return parse_opaque(s, id);
}

/* "mailto", "urn", ...: letters before a colon that is not a port's. */
static bool has_other_scheme(struct span s)
{
	ptrdiff_t colon = span_find(s, ':'), at = span_find(s, '@'), i;

	if (colon <= 0 || (at >= 0 && at < colon))
		return false;
	for (i = 0; i < colon; i++)
		if (lower(s.p[i]) < 'a' || lower(s.p[i]) > 'z')
			return false;
	return true;
}

int identity_parse(const char *text, struct identity *ret_id)
{
	struct identity id = { { 0 }, { 0 } };
	struct span s = unwrap(span_trim(span_of(text)));
	int r;

	if (!s.len)
		return -EINVAL;
	if (span_istarts(s, "sips:"))
		r = parse_sip((struct span){ s.p + 5, s.len - 5 }, &id);
	else if (span_istarts(s, "sip:"))
		r = parse_sip((struct span){ s.p + 4, s.len - 4 }, &id);
	else if (span_istarts(s, "tel:"))
		r = parse_tel((struct span){ s.p + 4, s.len - 4 }, &id);
	else if (has_other_scheme(s))
		r = parse_opaque(s, &id);
	else
		r = parse_bare(s, &id);
	if (r == -EINVAL) { /* a tel URI without a number and the like */
		memset(&id, 0, sizeof(id));
		r = parse_opaque(s, &id);
	}
	if (r < 0)
		return r;
	*ret_id = id;
	return 0;
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
	return (a->sip[0] && strcmp(a->sip, b->sip) == 0) ||
	       (a->tel[0] && strcmp(a->tel, b->tel) == 0);
}

/* Where the host begins in "sip:user@host", or NULL. */
static const char *host_of(const char *sip)
{
	const char *at;

	if (strncmp(sip, "sip:", 4) != 0)
		return NULL;
	at = strrchr(sip, '@');
	return at ? at + 1 : sip + 4;
}

/* Length of the host without ":port". */
static size_t host_len(const char *host)
{
	if (host[0] == '[') {
		const char *end = strchr(host, ']');

		return end ? (size_t)(end - host) + 1 : strlen(host);
	}
	return strcspn(host, ":");
}

void identity_domain(const struct identity *id, char *dst, size_t dst_len)
{
	const char *host = host_of(id->sip);

	(void)span_copy(dst, dst_len,
			(struct span){ host ? host : "",
				       host ? host_len(host) : 0 });
}

/* ---- patterns ---------------------------------------------------------- */

static bool host_chars_ok(struct span s)
{
	size_t i;

	if (!s.len || s.len > 253)
		return false;
	for (i = 0; i < s.len; i++)
		if (!is_digit(s.p[i]) &&
		    !(lower(s.p[i]) >= 'a' && lower(s.p[i]) <= 'z') &&
		    s.p[i] != '.' && s.p[i] != '-')
			return false;
	return true;
}

static bool user_chars_ok(struct span s)
{
	size_t i;

	if (!s.len || s.len > 128)
		return false;
	for (i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c == 127 || strchr("@*<>\";?", c))
			return false;
	}
	return true;
}

/* After "tel:": a plus and min..15 digits, star allowed at the end. */
static bool tel_chars_ok(struct span s, size_t min, bool *ret_star)
{
	size_t i, n;

	*ret_star = s.len && s.p[s.len - 1] == '*';
	n = s.len - *ret_star;
	if (n < 1 + min || n > 16 || s.p[0] != '+')
		return false;
	for (i = 1; i < n; i++)
		if (!is_digit(s.p[i]))
			return false;
	return true;
}

enum form { FORM_BAD, FORM_SIP, FORM_SIP_ANY, FORM_TEL, FORM_TEL_PREFIX };

/* The schema's patterns; schemes are lower-case there. */
static enum form form_of(const char *text)
{
	struct span s = span_of(text), user;
	bool star;

	if (!text)
		return FORM_BAD;
	if (span_starts(s, "tel:")) {
		s = (struct span){ s.p + 4, s.len - 4 };
		if (!tel_chars_ok(s, 1, &star))
			return FORM_BAD;
		if (star)
			return FORM_TEL_PREFIX;
		return FORM_TEL;
	}
	if (span_starts(s, "sips:"))
		s = (struct span){ s.p + 5, s.len - 5 };
	else if (span_starts(s, "sip:"))
		s = (struct span){ s.p + 4, s.len - 4 };
	else
		return FORM_BAD;
	if (span_find(s, '@') < 0)
		return FORM_BAD;
	user = span_cut(&s, '@');
	if (!host_chars_ok(s))
		return FORM_BAD;
	if (span_eq(user, "*"))
		return FORM_SIP_ANY;
	return user_chars_ok(user) ? FORM_SIP : FORM_BAD;
}

bool id_exact_ok(const char *text)
{
	enum form f = form_of(text);

	/* "tel:+44" is a pattern but too short for a person */
	return f == FORM_SIP || (f == FORM_TEL && strlen(text) >= 4 + 1 + 3);
}

static char *dup_or_null(const char *s)
{
	return s[0] ? mem_strdup(s) : NULL;
}

static int init_exact(struct id_pattern *p, const char *text)
{
	struct identity id;
	int r;

	p->kind = ID_PATTERN_EXACT;
	r = identity_parse(text, &id);
	if (r < 0)
		return -EINVAL;
	p->sip = dup_or_null(id.sip);
	p->tel = dup_or_null(id.tel);
	return (id.sip[0] && !p->sip) || (id.tel[0] && !p->tel) ? -ENOMEM : 0;
}

static int init_domain(struct id_pattern *p, const char *text)
{
	char *c;
	size_t len;

	p->kind = ID_PATTERN_DOMAIN;
	p->sip = mem_strdup(strchr(text, '@') + 1);
	if (!p->sip)
		return -ENOMEM;
	for (c = p->sip; *c; c++)
		*c = lower(*c);
	len = strlen(p->sip);
	while (len > 1 && p->sip[len - 1] == '.')
		p->sip[--len] = '\0';
	return 0;
}

static int init_prefix(struct id_pattern *p, const char *text)
{
	p->kind = ID_PATTERN_PREFIX;
	p->tel = mem_strndup(text, strlen(text) - 1);
	return p->tel ? 0 : -ENOMEM;
}

int id_pattern_init(struct id_pattern *p, const char *text)
{
	enum form f = form_of(text);
	int r;

	memset(p, 0, sizeof(*p));
	if (f == FORM_BAD)
		return -EINVAL;
	p->text = mem_strdup(text);
	if (!p->text)
		return -ENOMEM;
	if (f == FORM_SIP_ANY)
		r = init_domain(p, text);
	else if (f == FORM_TEL_PREFIX)
		r = init_prefix(p, text);
	else
		r = init_exact(p, text);
	if (r < 0)
		id_pattern_fini(p);
	return r;
}

void id_pattern_fini(struct id_pattern *p)
{
	mem_free(p->text);
	mem_free(p->sip);
	mem_free(p->tel);
	memset(p, 0, sizeof(*p));
}

/* a is a canonical sip form without port. */
static bool sip_equal(const char *a, const char *b, bool any_port)
{
	const char *host;
	size_t len;

	if (!any_port)
		return strcmp(a, b) == 0;
	host = host_of(b);
	if (!host)
		return strcmp(a, b) == 0;
	len = (size_t)(host - b) + host_len(host);
	return strlen(a) == len && memcmp(a, b, len) == 0;
}

static bool domain_match(const char *domain, const char *sip, bool any_port)
{
	const char *host = host_of(sip);
	size_t len;

	if (!host)
		return false;
	len = host_len(host);
	if (strlen(domain) != len || memcmp(domain, host, len) != 0)
		return false;
	return any_port || host[len] == '\0';
}

bool id_pattern_match(const struct id_pattern *p, const struct identity *id,
		      bool deny)
{
	switch (p->kind) {
	case ID_PATTERN_EXACT:
		return (p->sip && id->sip[0] &&
			sip_equal(p->sip, id->sip, deny)) ||
		       (p->tel && id->tel[0] && strcmp(p->tel, id->tel) == 0);
	case ID_PATTERN_DOMAIN:
		return domain_match(p->sip, id->sip, deny);
	case ID_PATTERN_PREFIX:
		return strncmp(p->tel, id->tel, strlen(p->tel)) == 0;
	}
	return false;
}

bool id_pattern_covers(const struct id_pattern *outer,
		       const struct id_pattern *inner)
{
	if (inner->kind == ID_PATTERN_EXACT) {
		/* An exact sip id that is a number too matches by either form:
		 * covered only when both ways in are. */
		struct identity sip = { { 0 }, { 0 } };
		struct identity tel = { { 0 }, { 0 } };

		if (inner->sip)
			(void)str_copy(sip.sip, sizeof(sip.sip), inner->sip);
		if (inner->tel)
			(void)str_copy(tel.tel, sizeof(tel.tel), inner->tel);
		return (!inner->sip || id_pattern_match(outer, &sip, false)) &&
		       (!inner->tel || id_pattern_match(outer, &tel, false));
	}
	if (outer->kind != inner->kind)
		return false;
	if (inner->kind == ID_PATTERN_DOMAIN)
		return strcmp(outer->sip, inner->sip) == 0;
	return strncmp(outer->tel, inner->tel, strlen(outer->tel)) == 0;
}
