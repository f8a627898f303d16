/* Who is meant by whom: numbers, two identities, patterns. */
#include "auth/identity.h"

#include <errno.h>
#include <string.h>

#include "auth/identity_priv.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/str.h"

/* ---- numbers ----------------------------------------------------------- */

/* What a number may mean: digits with country, or a short local one. */
struct meant {
	char first[NUMBER_MAX], second[NUMBER_MAX]; /* "" = nothing */
};

/* "1001" of tel:1001 and 1001 means itself; of an account it means nothing. */
static void read_meant(const struct number_plan *plan, const char *tel,
		       const char *digits, struct meant *m)
{
	memset(m, 0, sizeof(*m));
	if (tel && tel[0])
		tel += 4;
	else
		tel = NULL;
	if (tel && tel[0] == '+') {
		(void)str_copy(m->first, sizeof(m->first), tel);
		return;
	}
	if (!tel && (!digits || !digits[0]))
		return;
	if (!number_global(plan, tel ? tel : digits, m->first, m->second) &&
	    tel)
		(void)str_copy(m->first, sizeof(m->first), tel);
}

/* No plan of the tenant's: the country of the other, when that has one. */
static const struct number_plan *plan_for(const struct number_plan *plan,
					  const char *other,
					  struct number_plan *room)
{
	char country[4];

	if ((plan && plan->country[0]) || !other || other[0] != '+')
		return plan;
	(void)span_copy(country, sizeof(country),
			(struct span){ other + 1,
				       number_country_len(other + 1) });
	return number_plan_set(room, country, "auto", "auto") == 0 ? room
								   : plan;
}

static const char *global_of(const char *tel)
{
	return tel && tel[0] && tel[4] == '+' ? tel + 4 : NULL;
}

/* @param wide everything that could be meant counts */
static bool same_number(const struct number_plan *plan, const char *tel_a,
			const char *digits_a, const char *tel_b,
			const char *digits_b, bool wide)
{
	struct number_plan room_a, room_b;
	struct meant a, b;
	bool accounts = !(tel_a && tel_a[0]) && !(tel_b && tel_b[0]);

	if (accounts && !wide)
		return false;
	read_meant(plan_for(plan, global_of(tel_b), &room_a), tel_a, digits_a,
		   &a);
	read_meant(plan_for(plan, global_of(tel_a), &room_b), tel_b, digits_b,
		   &b);
	if (a.first[0] && str_eq(a.first, b.first))
		return true;
	return wide && ((a.second[0] && (str_eq(a.second, b.first) ||
					 str_eq(a.second, b.second))) ||
			(b.second[0] && str_eq(b.second, a.first)));
}

bool identity_same(const struct number_plan *plan, const struct identity *a,
		   const struct identity *b)
{
	return (a->sip[0] && strcmp(a->sip, b->sip) == 0) ||
	       same_number(plan, a->tel, a->digits, b->tel, b->digits, false);
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
	return identity_same(NULL, a, b);
}

/* ---- patterns ---------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

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
	p->digits = dup_or_null(id.digits);
	return (id.sip[0] && !p->sip) || (id.tel[0] && !p->tel) ||
			       (id.digits[0] && !p->digits)
		       ? -ENOMEM
		       : 0;
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
	if (f == FORM_BAD || !str_visible(text))
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
	mem_free(p->digits);
	memset(p, 0, sizeof(*p));
}

/* a is a canonical sip form without port. */
static bool sip_equal(const char *a, const char *b, bool any_port)
{
	const char *host;
	size_t len;

	if (!any_port)
		return strcmp(a, b) == 0;
	host = identity_host(b);
	if (!host)
		return strcmp(a, b) == 0;
	len = (size_t)(host - b) + identity_host_len(host);
	return strlen(a) == len && memcmp(a, b, len) == 0;
}

static bool domain_match(const char *domain, const char *sip, bool any_port)
{
	const char *host = identity_host(sip);
	size_t len;

	if (!host)
		return false;
	len = identity_host_len(host);
	if (strlen(domain) != len || memcmp(domain, host, len) != 0)
		return false;
	return any_port || host[len] == '\0';
}

#define ACCOUNT_DIGITS_MIN 10 /* of what begins like a number */

static bool begins(const char *tel, const char *number)
{
	return number[0] && strncmp(tel + 4, number, strlen(tel + 4)) == 0;
}

static bool prefix_match(const char *tel, const struct number_plan *plan,
			 const struct identity *id, bool deny)
{
	struct meant m;

	if (!id->tel[0] && !deny && strlen(id->digits) < ACCOUNT_DIGITS_MIN)
		return false;
	read_meant(plan, id->tel, id->digits, &m);
	return begins(tel, m.first) || (deny && begins(tel, m.second));
}

bool id_pattern_match(const struct id_pattern *p,
		      const struct number_plan *plan, const struct identity *id,
		      bool deny)
{
	switch (p->kind) {
	case ID_PATTERN_EXACT:
		return (p->sip && id->sip[0] &&
			sip_equal(p->sip, id->sip, deny)) ||
		       same_number(plan, p->tel, p->digits, id->tel, id->digits,
				   deny);
	case ID_PATTERN_DOMAIN:
		return domain_match(p->sip, id->sip, deny);
	case ID_PATTERN_PREFIX:
		return prefix_match(p->tel, plan, id, deny);
	}
	return false;
}

/* An exact id that is a number, too, matches by either form: covered only when
 * both ways in are. Digits that may be an account are one more way. */
static bool covers_exact(const struct id_pattern *outer,
			 const struct id_pattern *inner)
{
	struct identity sip = { { 0 }, { 0 }, { 0 } };
	struct identity tel = { { 0 }, { 0 }, { 0 } };

	if (inner->sip)
		(void)str_copy(sip.sip, sizeof(sip.sip), inner->sip);
	if (inner->tel)
		(void)str_copy(tel.tel, sizeof(tel.tel), inner->tel);
	if (inner->digits && outer->kind == ID_PATTERN_DOMAIN &&
	    strlen(inner->digits) >= NUMBER_DIGITS_MIN)
		return false;
	return (!inner->sip || id_pattern_match(outer, NULL, &sip, false)) &&
	       (!inner->tel || id_pattern_match(outer, NULL, &tel, false));
}

bool id_pattern_covers(const struct id_pattern *outer,
		       const struct id_pattern *inner)
{
	if (inner->kind == ID_PATTERN_EXACT)
		return covers_exact(outer, inner);
	if (outer->kind != inner->kind)
		return false;
	if (inner->kind == ID_PATTERN_DOMAIN)
		return strcmp(outer->sip, inner->sip) == 0;
	return strncmp(outer->tel, inner->tel, strlen(outer->tel)) == 0;
}
