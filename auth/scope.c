#include "auth/scope.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static const char *const words[] = { SCOPE_SIP, SCOPE_API };

/* A bit for each word of ours; others have none. */
static unsigned bit_of(struct span word)
{
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		if (span_eq(word, words[i]))
			return 1u << i;
	return 0;
}

static unsigned bits_of(const char *text)
{
	struct span s = span_of(text);
	unsigned bits = 0;

	while (s.len)
		bits |= bit_of(span_cut(&s, ' '));
	return bits;
}

static void put_words(unsigned bits, char *dst)
{
	size_t len = 0;

	dst[0] = '\0';
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		if (!(bits & 1u << i))
			continue;
		(void)snprintf(dst + len, TOKEN_SCOPE_MAX - len, "%s%s",
			       len ? " " : "", words[i]);
		len = strlen(dst);
	}
}

/* NQCHAR of RFC 6749 appendix A. */
static bool is_token(struct span w)
{
	for (size_t i = 0; i < w.len; i++)
		if (w.p[i] < 0x21 || w.p[i] > 0x7e || w.p[i] == '"' ||
		    w.p[i] == '\\')
			return false;
	return w.len > 0;
}

int scope_read(const char *asked, const char *granted, char *dst)
{
	struct span s = span_of(asked);
	unsigned may = bits_of(granted), bits = 0;
	const char *end;

	if (!asked) {
		put_words(may, dst);
		return 0;
	}
	if (s.len == 0 || s.len > SCOPE_ASKED_MAX)
		return -EINVAL;
	end = s.p + s.len;
	if (end[-1] == ' ')
		return -EINVAL;
	while (s.len) {
		struct span w = span_cut(&s, ' ');
		unsigned bit = bit_of(w);

		if (!is_token(w) || !bit || (bit & ~may))
			return -EINVAL;
		bits |= bit;
	}
	put_words(bits, dst);
	return 0;
}

bool scope_cut(const char *text, const char *granted, char *dst)
{
	unsigned bits = bits_of(text) & bits_of(granted);

	put_words(bits, dst);
	return bits != 0;
}

bool scope_has(const char *scope, const char *word)
{
	struct span s = span_of(scope);

	while (s.len) {
		struct span w = span_cut(&s, ' ');

		if (w.len && span_eq(w, word))
			return true;
	}
	return false;
}
