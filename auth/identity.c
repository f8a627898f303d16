#include "auth/identity.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/identity_priv.h"
#include "base/mem.h"
#include "base/number.h"
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
 * blanks, which people type; so is the "(0)" of +44 (0)20. A local number keeps
 * its digits, without plus. */
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
		if (global && s.len - i > 3 && memcmp(s.p + i, "(0)", 3) == 0) {
			i += 2;
			continue;
		}
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

/* "192.0.2.1" is made of digits and dots, too. */
static bool is_ipv4(struct span s)
{
	unsigned groups = 0;
	uint64_t n;

	while (s.len) {
		struct span one = span_cut(&s, '.');

		if (one.len > 3 || span_u64(one, 255, &n) < 0)
			return false;
		groups++;
	}
	return groups == 4;
}

/* No name of a host ends in a label of digits: "sip:2025550143". */
static bool is_number_alone(struct span s)
{
	size_t i;

	if (!s.len || is_ipv4(s))
		return false;
	for (i = 0; i < s.len; i++)
		if (!is_digit(s.p[i]) && !(i == 0 && s.p[i] == '+') &&
		    !strchr("-.()", s.p[i]))
			return false;
	return true;
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

static bool phone_context(struct span params, struct span *ret_context)
{
	while (params.len) {
		struct span p = span_trim(span_cut(&params, ';'));

		if (!span_istarts(p, "phone-context="))
			continue;
		*ret_context = (struct span){ p.p + 14, p.len - 14 };
		return ret_context->len > 0;
	}
	return false;
}

/* A local number in the context of a global one ("+44", "+1-914-555"): what a
 * caller there would dial. In that of a domain it is the domain's user. */
static void put_context(struct identity *id, struct span context)
{
	char before[IDENTITY_TEL_MAX], whole[NUMBER_MAX], country[4];
	const char *digits = id->tel + 4;
	struct number_plan plan;
	size_t n;

	if (id->tel[0] == '\0' || *digits == '+')
		return;
	if (!tel_of(context, true, before)) {
		(void)str_copy(id->digits, sizeof(id->digits), digits);
		id->tel[0] = '\0';
		return;
	}
	n = number_country_len(before + 5);
	(void)span_copy(country, sizeof(country),
			(struct span){ before + 5, n });
	if (before[5 + n] == '\0' &&
	    number_plan_set(&plan, country, "auto", "auto") == 0 &&
	    number_global(&plan, digits, whole, NULL))
		(void)snprintf(id->tel, sizeof(id->tel), "tel:%.16s", whole);
	else if (strlen(before) + strlen(digits) <= 4 + 1 + 15) {
		n = strlen(before);
		(void)str_copy(before + n, sizeof(before) - n, digits);
		memcpy(id->tel, before, sizeof(before));
	}
}

/* Is the user part a number, or may it be one? */
static void read_number(struct identity *id, struct span user_params,
			struct span params)
{
	char *u = id->sip + 4, *end = strchr(u, '@');
	struct span number = { u, (size_t)(end - u) }, context;
	char tel[IDENTITY_TEL_MAX];
	bool in_context = phone_context(user_params, &context);

	if (tel_of(number, !in_context && !has_user_phone(params), id->tel)) {
		if (in_context)
			put_context(id, context);
	} else if (tel_of(number, false, tel)) {
		(void)str_copy(id->digits, sizeof(id->digits), tel + 4);
	}
}

/* s: what follows "sip:". */
static int parse_sip(struct span s, struct identity *id)
{
	struct span user = { "", 0 }, host, params = { "", 0 };
	struct span user_params = { "", 0 };
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
		struct span rest;

		user_params = user;
		user = span_cut(&user_params, ';');
		rest = user;
		user = span_cut(&rest, ':');
	}
	memcpy(id->sip, "sip:", 5);
	if (has_user && (!put_user(id, &n, user) || !put(id, &n, '@')))
		return -E2BIG;
	if (!put_host(id, &n, host))
		return -E2BIG;
	if (has_user) {
		read_number(id, user_params, params);
	} else {
		struct span number = span_cut(&host, ':'), context;

		if (is_number_alone(number) && tel_of(number, false, id->tel) &&
		    phone_context(params, &context))
			put_context(id, context);
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
	struct span context;
	size_t n = 4;

	if (!tel_of(number, false, id->tel))
		return -EINVAL;
	if (!phone_context(params, &context))
		return 0;
	put_context(id, context);
	if (id->tel[0])
		return 0;
	memcpy(id->sip, "sip:", 5);
	if (!put_user(id, &n, span_of(id->digits)) || !put(id, &n, '@') ||
	    !put_host(id, &n, context))
		return -E2BIG;
	return 0;
}

/* Something without scheme: "+44...", "alice@host", "1001", "host". */
static int parse_bare(struct span s, struct identity *id)
{
	struct span params = s, number = span_trim(span_cut(&params, ';'));
	struct span context;

	if (!is_ipv4(number) && tel_of(number, false, id->tel)) {
		if (phone_context(params, &context))
			return parse_tel(s, id);
		return 0;
	}
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
	struct identity id = { { 0 }, { 0 }, { 0 } };
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

const char *identity_host(const char *sip)
{
	const char *at;

	if (strncmp(sip, "sip:", 4) != 0)
		return NULL;
	at = strrchr(sip, '@');
	return at ? at + 1 : sip + 4;
}

size_t identity_host_len(const char *host)
{
	if (host[0] == '[') {
		const char *end = strchr(host, ']');

		return end ? (size_t)(end - host) + 1 : strlen(host);
	}
	return strcspn(host, ":");
}

void identity_domain(const struct identity *id, char *dst, size_t dst_len)
{
	const char *host = identity_host(id->sip);

	(void)span_copy(dst, dst_len,
			(struct span){ host ? host : "",
				       host ? identity_host_len(host) : 0 });
}
