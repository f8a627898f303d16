/* web/form.h - fields of a query string, a form body, and a Cookie header.
 *
 * A name that comes twice is an error (RFC 6749 section 3.1 wants that for
 * OAuth; everywhere else it is a way to make two programs see two things).
 */
#ifndef WEB_FORM_H
#define WEB_FORM_H

#include <stddef.h>

#include "base/str.h"

#define FORM_FIELDS_MAX 64
/* What OAuth allows to come several times (RFC 8707 section 2). */
#define FORM_REPEATABLE "resource"

struct form_field {
	const char *name;
	const char *value;
};

/* Owner: whoever parsed it; zero it before use, form_fini() afterwards. */
struct form {
	struct form_field fields[FORM_FIELDS_MAX];
	unsigned n;
	char *text;		/* what the fields point into */
	const char *repeatable; /* a name that may come twice, NULL = none; set
				 * before form_parse() */
};

/**
 * Parse application/x-www-form-urlencoded.
 *
 * @param ret_bad name of the field that is wrong, cut to bad_len; "" when
 *                unknown. May be NULL.
 * @return 0, -EINVAL (escape, NUL or not UTF-8), -EEXIST (name given twice),
 *         -E2BIG (too many fields), -ENOMEM
 */
int form_parse(struct form *f, struct span in, char *ret_bad, size_t bad_len);
void form_fini(struct form *f);

/** Forget fields without a value, as if they had not come. */
void form_drop_empty(struct form *f);

/** @return the (first) value or NULL */
const char *form_get(const struct form *f, const char *name);
/** @return the value, or "" when missing */
const char *form_str(const struct form *f, const char *name);

/**
 * Value of one cookie (RFC 6265 section 4.2; quotes are not removed).
 *
 * @return 0, -ENOENT, -EEXIST when the name is there twice, -ENAMETOOLONG
 */
int cookie_get(const char *header, const char *name, char *dst, size_t dst_len);

#endif
