/* base/number.h - telephone numbers, made comparable.
 *
 * A number comes as "+44 20 7946 0123", "0044 20...", "020 7946 0123" or
 * "442079460123". A plan says how numbers are written that don't begin with a
 * plus: which country they are of, and what stands before a national and an
 * international number there. With it all of these are "+442079460123".
 *
 * What is too short for a whole number is an extension: it has no global form,
 * whatever the plan says, so that 1001 is never +441001. Without a prefix that
 * is less than 8 digits (7 where a country has no national prefix); in the
 * North American plan (1) and in Russia and Kazakhstan (7) a national number
 * has 10 digits, neither more nor less.
 *
 * Pure; any role, any thread. Source: ITU-T E.164, RFC 3966.
 */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

#define NUMBER_MAX 24	    /* "+", 15 digits; a longer string is no number */
#define NUMBER_DIGITS_MIN 7 /* fewer are never a whole number */
#define NUMBER_PREFIX_MAX 8

struct number_plan {
	char country[4];		       /* "44"; "" = not known */
	char national[NUMBER_PREFIX_MAX];      /* "0"; "" = none */
	char international[NUMBER_PREFIX_MAX]; /* "00" */
};

/** What a plan's words must be, for messages. */
#define NUMBER_COUNTRY_RULE "a country code of 1 to 3 digits, such as 44"
#define NUMBER_PREFIX_RULE "auto, none or 1 to 5 digits, such as 0"

bool number_country_ok(const char *text);
bool number_prefix_ok(const char *text);

/**
 * @param country       "" = not known
 * @param national      "auto" (or ""): as is usual in that country; "none";
 *                      digits
 * @param international the same
 *
 * @return 0, or -EINVAL: one breaks its rule
 */
int number_plan_set(struct number_plan *plan, const char *country,
		    const char *national, const char *international);

/** Length of the country code that digits begin with, 0 when too few. */
size_t number_country_len(const char *digits);

/**
 * The global form of digits without plus.
 *
 * @param plan    NULL: nothing is known but "00"
 * @param ret     "+442079460123"
 * @param ret_alt another number that could be meant, or ""; may be NULL
 *
 * @return false: it has none; ret is "", and ret_alt may still be set
 */
bool number_global(const struct number_plan *plan, const char *digits,
		   char ret[NUMBER_MAX], char ret_alt[NUMBER_MAX]);

#endif
