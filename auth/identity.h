/* auth/identity.h - who takes part in a call, made comparable.
 *
 * The same person appears as "sip:Alice@VoIP.Example:5060;user=phone",
 * "<sips:alice@voip.example>", "+44 (20) 7946-0001" or
 * "tel:+442079460001;ext=1". An identity holds up to two canonical forms:
 *
 *   sip   "sip:user@host[:port]": scheme and host lower-case, sips counts as
 *         sip, %-escapes of unreserved characters undone, password, default
 *         port (5060 and 5061), parameters and headers dropped
 *   tel   "tel:+digits" or, without country, "tel:digits" of a tel URI, of a
 *         user=phone URI, of a number without host ("sip:2025550143",
 *         "2025550143") and of any user part that is a global number; visual
 *         separators (RFC 3966) and a "(0)" dropped, a phone-context that is a
 *         number put before
 *
 * The digits of "sip:2025550143@host" may be a number or an account: they are
 * kept apart (digits) and make a number only when they are a whole one.
 *
 * Two identities are the same when either form is equal. Numbers are compared
 * in their global form (base/number.h) by the plan of the tenant; without one a
 * number that does not say its country is of the country of the other. What is
 * too short for a whole number equals only the same short number: extension
 * 1001 is never +441001. Digits that may be an account are compared with
 * numbers, not with another host's account, and begin like "tel:+44*" only when
 * there are ten of them or more.
 *
 * A pattern is an exact id, "sip:*@domain" or "tel:+44*". A pattern can't name
 * a port: an exact sip pattern or domain meets the default port only when it
 * allows, and any port when it denies. One that denies also matches the second
 * number that digits could mean, and accounts of another host whose digits are
 * the same whole number. Pure; any role, any thread.
 *
 * Source: RFC 3261 sections 19.1.4 and 19.1.6, RFC 3966 section 5; sips and
 * sip name the same user here on purpose (RFC 5630).
 */
#ifndef AUTH_IDENTITY_H
#define AUTH_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>

struct number_plan;

#define IDENTITY_SIP_MAX 400
#define IDENTITY_TEL_MAX 24

/* Either form may be "" but, after identity_parse() gave 0, not both. */
struct identity {
	char sip[IDENTITY_SIP_MAX];
	char tel[IDENTITY_TEL_MAX];
	char digits[IDENTITY_TEL_MAX]; /* of the user part, tel is "" then */
};

/**
 * Read what a recording client sent: URI with or without scheme, user, host,
 * angle brackets or display name; a bare number; anything else is kept as an
 * opaque id in the sip form, which no pattern matches.
 *
 * @return 0; -EINVAL empty; -E2BIG longer than a form can hold
 */
int identity_parse(const char *text, struct identity *ret_id);

/** @param plan how numbers without country are meant; NULL: not known
 *  @return true when a form of one equals the same form of the other */
bool identity_same(const struct number_plan *plan, const struct identity *a,
		   const struct identity *b);
/** Without a plan. */
bool identity_equal(const struct identity *a, const struct identity *b);

/** Host of the sip form without port, or "" @param dst at least
 *  IDENTITY_SIP_MAX bytes */
void identity_domain(const struct identity *id, char *dst, size_t dst_len);

enum id_pattern_kind {
	ID_PATTERN_EXACT,  /* sip or tel, no wildcard */
	ID_PATTERN_DOMAIN, /* sip:*@domain */
	ID_PATTERN_PREFIX, /* tel:+44* */
};

/* Heap strings, because a grant may hold 512 of them. */
struct id_pattern {
	enum id_pattern_kind kind;
	char *text;   /* as given, for people */
	char *sip;    /* exact: canonical form or NULL; domain: "host" */
	char *tel;    /* exact: canonical form or NULL; prefix: "tel:+44" */
	char *digits; /* exact: as in struct identity, or NULL */
};

/** True for the schema's exactId. */
bool id_exact_ok(const char *text);

/**
 * @param text the schema's idPattern (an exactId is one too) without characters
 *             that are not seen
 *
 * @return 0 (id_pattern_fini() is due), -EINVAL not of that form, -ENOMEM
 */
int id_pattern_init(struct id_pattern *p, const char *text);
void id_pattern_fini(struct id_pattern *p); /* takes a zeroed struct too */

/** @param plan as for identity_same()
 *  @param deny true: meant to keep somebody out, so it matches more (above) */
bool id_pattern_match(const struct id_pattern *p,
		      const struct number_plan *plan, const struct identity *id,
		      bool deny);

/** True when everyone whom inner matches is matched by outer as well (may say
 *  false where a proof would need more than these forms). */
bool id_pattern_covers(const struct id_pattern *outer,
		       const struct id_pattern *inner);

#endif
