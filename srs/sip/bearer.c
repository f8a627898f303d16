#include "srs/sip/bearer.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

/* RFC 6750: 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"=" */
static bool b64token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("-._~+/", c));
}

static bool b64token_ok(struct span s)
{
	size_t i = 0;

	while (i < s.len && b64token_char(s.p[i]))
		i++;
	if (!i)
		return false;
	while (i < s.len && s.p[i] == '=')
		i++;
	return i == s.len;
}

/* RFC 3261 token */
static bool token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("-.!%*_+`'~", c));
}

static void skip_blanks(struct span *s)
{
	while (s->len && (*s->p == ' ' || *s->p == '\t' || *s->p == '\r' ||
			  *s->p == '\n')) {
		s->p++;
		s->len--;
	}
}

static struct span take(struct span *s, size_t n)
{
	struct span head = { s->p, n };

	s->p += n;
	s->len -= n;
	return head;
}

static bool take_char(struct span *s, char c)
{
	skip_blanks(s);
	if (!s->len || *s->p != c)
		return false;
	take(s, 1);
	return true;
}

/* token or quoted-string; quotes removed. */
static bool take_value(struct span *s, struct span *ret)
{
	size_t n = 0;

	skip_blanks(s);
	if (!s->len || *s->p != '"') {
		while (n < s->len && token_char(s->p[n]))
			n++;
		*ret = take(s, n);
		return n > 0;
	}
	take(s, 1);
	while (n < s->len && s->p[n] != '"') {
		if (s->p[n] == '\\' && n + 1 < s->len)
			n++;
		n++;
	}
	if (n >= s->len)
		return false;
	*ret = take(s, n);
	take(s, 1);
	return true;
}

/* name = value */
static bool take_param(struct span *s, struct span *ret_name,
		       struct span *ret_value)
{
	size_t n = 0;

	skip_blanks(s);
	while (n < s->len && token_char(s->p[n]))
		n++;
	if (!n)
		return false;
	*ret_name = take(s, n);
	return take_char(s, '=') && take_value(s, ret_value);
}

static enum bearer_result malformed(struct bearer *b, const char *why)
{
	b->why = why;
	return BEARER_MALFORMED;
}

static const struct {
	const char *name;
	enum bearer_form form;
} param_forms[] = {
	{ "token", BEARER_FORM_TOKEN_PARAM },
	{ "access_token", BEARER_FORM_ACCESS_TOKEN_PARAM },
};

/* A parameter that carries the token? *ret_form is set when it does. */
static bool is_token_param(struct span name, enum bearer_form *ret_form)
{
	for (size_t i = 0; i < ARRAY_SIZE(param_forms); i++) {
		if (span_ieq(name, param_forms[i].name)) {
			*ret_form = param_forms[i].form;
			return true;
		}
	}
	return false;
}

/* All auth-params from rest on; a token among them goes to b->token. */
static enum bearer_result read_params(struct span rest, unsigned forms,
				      struct bearer *b)
{
	struct span name, value;
	enum bearer_form form;

	do {
		if (!take_param(&rest, &name, &value))
			return malformed(b, "Bearer parameters are malformed");
		if (!is_token_param(name, &form))
			continue;
		if (b->token.p) {
			b->why = "more than one bearer token";
			return BEARER_SEVERAL;
		}
		if (!(forms & form))
			return malformed(b, "this form of Bearer credentials "
					    "is not enabled for the client");
		b->token = value;
		b->form = form;
	} while (take_char(&rest, ','));
	skip_blanks(&rest);
	if (rest.len)
		return malformed(b, "text behind the Bearer credentials");
	return BEARER_OK;
}

/* What stands first is a parameter, not a token: a name, then "=" and then
 * something that is neither "=" nor the end. */
static bool starts_with_param(struct span s)
{
	struct span name, value;

	return take_param(&s, &name, &value);
}

static enum bearer_result read_one(struct span rest, unsigned forms,
				   struct bearer *b)
{
	enum bearer_result r = BEARER_OK;
	size_t n = 0;

	skip_blanks(&rest);
	if (!rest.len)
		return malformed(b, "Bearer without a token");
	if (!starts_with_param(rest)) {
		while (n < rest.len && rest.p[n] != ',' && rest.p[n] != ' ' &&
		       rest.p[n] != '\t')
			n++;
		b->token = take(&rest, n);
		b->form = BEARER_FORM_PLAIN;
		if (take_char(&rest, ','))
			r = read_params(rest, forms, b);
		else if (rest.len)
			return malformed(b, "text behind the bearer token");
	} else {
		r = read_params(rest, forms, b);
	}
	if (r != BEARER_OK)
		return r;
	if (!b->token.len)
		return malformed(b, "Bearer without a token");
	if (b->token.len > BEARER_TOKEN_MAX)
		return malformed(b, "the bearer token is too long");
	if (!b64token_ok(b->token))
		return malformed(b, "the bearer token has a character that "
				    "is not allowed");
	return BEARER_OK;
}

/* "Bearer" and what separates it; *s keeps what follows. */
static bool take_scheme(struct span *s)
{
	skip_blanks(s);
	if (!span_istarts(*s, "Bearer"))
		return false;
	if (s->len > 6 && s->p[6] != ' ' && s->p[6] != '\t' &&
	    s->p[6] != '\r' && s->p[6] != '\n')
		return false;
	take(s, 6);
	return true;
}

enum bearer_result bearer_parse(const struct span *values, size_t n_values,
				unsigned forms, struct bearer *ret_bearer)
{
	struct bearer b = { 0 };
	enum bearer_result r = BEARER_NONE;
	bool seen = false;

	for (size_t i = 0; i < n_values; i++) {
		struct span v = span_trim(values[i]);

		if (!take_scheme(&v))
			continue;
		if (seen) {
			*ret_bearer = (struct bearer){
				.why = "more than one Bearer credential"
			};
			return BEARER_SEVERAL;
		}
		seen = true;
		r = read_one(v, forms, &b);
	}
	if (r != BEARER_OK)
		b.token = (struct span){ 0 };
	*ret_bearer = b;
	return r;
}
