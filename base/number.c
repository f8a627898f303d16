#include "base/number.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define DIGITS "0123456789"
#define GLOBAL_MAX 15 /* digits, E.164 */

/* Who does not write 0 before a national number and 00 before an international
 * one. */
static const struct usual {
	const char *country, *national, *international;
} usual[] = {
	{ "1", "1", "011" },  { "7", "8", "810" },   { "30", "", "00" },
	{ "34", "", "00" },   { "36", "06", "00" },  { "39", "", "00" },
	{ "45", "", "00" },   { "47", "", "00" },    { "48", "", "00" },
	{ "52", "", "00" },   { "61", "0", "0011" }, { "65", "", "00" },
	{ "81", "0", "010" }, { "351", "", "00" },   { "352", "", "00" },
	{ "354", "", "00" },  { "356", "", "00" },   { "357", "", "00" },
	{ "371", "", "00" },  { "372", "", "00" },   { "375", "8", "810" },
	{ "376", "", "00" },  { "377", "", "00" },   { "378", "", "00" },
	{ "420", "", "00" },  { "423", "", "00" },   { "502", "", "00" },
	{ "503", "", "00" },  { "504", "", "00" },   { "505", "", "00" },
	{ "506", "", "00" },  { "507", "", "00" },   { "852", "", "001" },
	{ "853", "", "00" },  { "965", "", "00" },   { "968", "", "00" },
	{ "973", "", "00" },  { "974", "", "00" },
};

bool number_country_ok(const char *text)
{
	size_t n = strlen(text);

	return n >= 1 && n <= 3 && strspn(text, DIGITS) == n && text[0] != '0';
}

bool number_prefix_ok(const char *text)
{
	size_t n = strlen(text);

	return n == 0 || str_eq(text, "auto") || str_eq(text, "none") ||
	       (n <= 5 && strspn(text, DIGITS) == n);
}

static void set_prefix(char dst[NUMBER_PREFIX_MAX], const char *word,
		       const char *usual_one)
{
	if (!word[0] || str_eq(word, "auto"))
		word = usual_one;
	else if (str_eq(word, "none"))
		word = "";
	(void)str_copy(dst, NUMBER_PREFIX_MAX, word);
}

int number_plan_set(struct number_plan *plan, const char *country,
		    const char *national, const char *international)
{
	const struct usual *u, *found = NULL;

	if ((country[0] && !number_country_ok(country)) ||
	    !number_prefix_ok(national) || !number_prefix_ok(international))
		return -EINVAL;
	for (u = usual; u < usual + ARRAY_SIZE(usual); u++)
		if (str_eq(u->country, country))
			found = u;
	(void)str_copy(plan->country, sizeof(plan->country), country);
	set_prefix(plan->national, national, found ? found->national : "0");
	set_prefix(plan->international, international,
		   found ? found->international : "00");
	return 0;
}

/* E.164: codes of one digit are 1 and 7, of two these, all others have three.
 */
size_t number_country_len(const char *digits)
{
	static const char two[] = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 "
				  "46 47 48 49 51 52 53 54 55 56 57 58 60 61 "
				  "62 63 64 65 66 81 82 84 86 90 91 92 93 94 "
				  "95 98 ";
	const char *p;

	if (digits[0] == '1' || digits[0] == '7')
		return 1;
	for (p = two; *p; p += 3)
		if (strncmp(p, digits, 2) == 0)
			return 2;
	return strlen(digits) >= 3 ? 3 : 0;
}

/* Has a national number this many digits? */
static bool national_ok(const struct number_plan *plan, const char *digits,
			size_t min)
{
	size_t n = strlen(digits);

	if (str_eq(plan->country, "1"))
		return n == 10 && digits[0] >= '2';
	if (str_eq(plan->country, "7"))
		return n == 10;
	return n >= min && n + strlen(plan->country) <= GLOBAL_MAX;
}

static bool global_ok(const char *digits)
{
	size_t n = strlen(digits);

	return n >= NUMBER_DIGITS_MIN && n <= GLOBAL_MAX && digits[0] != '0';
}

static void put(char dst[NUMBER_MAX], const char *country, const char *digits)
{
	if (dst)
		(void)snprintf(dst, NUMBER_MAX, "+%s%s", country, digits);
}

/* What follows the prefix, or NULL when it is not there. */
static const char *after(const char *digits, const char *prefix)
{
	size_t n = strlen(prefix);

	return n && strncmp(digits, prefix, n) == 0 ? digits + n : NULL;
}

/* No prefix: national, or global with the plus left out. */
static bool without_prefix(const struct number_plan *plan, const char *digits,
			   char ret[NUMBER_MAX], char ret_alt[NUMBER_MAX])
{
	size_t min = plan->national[0] ? 8 : 7;
	const char *rest = after(digits, plan->country);
	bool whole = global_ok(digits) && strlen(digits) >= 10;
	bool national = national_ok(plan, digits, min) &&
			(digits[0] != '0' || !plan->national[0]);

	if (whole && rest && national_ok(plan, rest, 8)) {
		put(ret, "", digits);
		if (national)
			put(ret_alt, plan->country, digits);
		return true;
	}
	if (whole)
		put(ret_alt, "", digits);
	if (national)
		put(ret, plan->country, digits);
	return national;
}

bool number_global(const struct number_plan *plan, const char *digits,
		   char ret[NUMBER_MAX], char ret_alt[NUMBER_MAX])
{
	const char *rest;

	ret[0] = '\0';
	if (ret_alt)
		ret_alt[0] = '\0';
	rest = plan ? after(digits, plan->international) : NULL;
	if (!rest || !global_ok(rest))
		rest = after(digits, "00");
	if (rest && global_ok(rest)) {
		put(ret, "", rest);
		return true;
	}
	if (!plan || !plan->country[0])
		return false;
	rest = after(digits, plan->national);
	if (rest && rest[0] != '0' &&
	    national_ok(plan, rest, NUMBER_DIGITS_MIN)) {
		put(ret, plan->country, rest);
		if (national_ok(plan, digits, 8) && digits[0] != '0')
			put(ret_alt, plan->country, digits);
		return true;
	}
	return without_prefix(plan, digits, ret, ret_alt);
}
