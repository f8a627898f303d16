#include "storage/search_text.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/number.h"

/* ---- words ------------------------------------------------------------- */

/* Scripts without blanks between words, and Hangul, whose words have endings;
 * by their blocks in Unicode 15. */
static const struct range {
	uint32_t first, last;
} word_ranges[] = {
	{ 0x0e00, 0x0fff },   /* Thai, Lao, Tibetan */
	{ 0x1000, 0x109f },   /* Myanmar */
	{ 0x1100, 0x11ff },   /* Hangul Jamo */
	{ 0x1780, 0x17ff },   /* Khmer */
	{ 0x1980, 0x19ff },   /* New Tai Lue, Khmer symbols */
	{ 0x1a20, 0x1aaf },   /* Tai Tham */
	{ 0x2e80, 0x2fdf },   /* radicals */
	{ 0x3005, 0x3007 },   /* iteration mark, zero */
	{ 0x3021, 0x3029 },   /* Hangzhou numerals */
	{ 0x3031, 0x303c },   /* repeat marks */
	{ 0x3041, 0x31bf },   /* kana, Bopomofo, Hangul letters */
	{ 0x31f0, 0x31ff },   /* small kana */
	{ 0x3400, 0x4dbf },   /* ideographs */
	{ 0x4e00, 0x9fff },   /* ideographs */
	{ 0xa000, 0xa4cf },   /* Yi */
	{ 0xa960, 0xa97f },   /* Hangul Jamo */
	{ 0xaa60, 0xaa7f },   /* Myanmar */
	{ 0xac00, 0xd7ff },   /* Hangul */
	{ 0xf900, 0xfaff },   /* ideographs */
	{ 0xff66, 0xffdc },   /* half-width forms */
	{ 0x1b000, 0x1b16f }, /* kana */
	{ 0x20000, 0x3ffff }, /* ideographs */
};

static bool is_word(uint32_t c)
{
	size_t lo = 0, hi = ARRAY_SIZE(word_ranges);

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (c > word_ranges[mid].last)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < ARRAY_SIZE(word_ranges) && c >= word_ranges[lo].first;
}

/* One character, its bytes 1 to 4; what is no UTF-8 goes on byte by byte. */
static size_t next_char(struct span s, uint32_t *ret_c)
{
	unsigned char b = (unsigned char)s.p[0];
	size_t n = b < 0xc0 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4, i;
	uint32_t c = n == 1 ? b : b & (0x7fu >> n);

	if (n > s.len) {
		*ret_c = b;
		return 1;
	}
	for (i = 1; i < n; i++) {
		if ((s.p[i] & 0xc0) != 0x80) {
			*ret_c = b;
			return 1;
		}
		c = c << 6 | ((unsigned char)s.p[i] & 0x3f);
	}
	*ret_c = c;
	return n;
}

void search_put_words(struct buf *out, struct span text)
{
	while (text.len) {
		uint32_t c;
		size_t n = next_char(text, &c);
		bool word = n > 1 && is_word(c);

		if (word)
			(void)buf_putc(out, ' ');
		(void)buf_put(out, text.p, n);
		if (word)
			(void)buf_putc(out, ' ');
		text.p += n;
		text.len -= n;
	}
}

/* ---- numbers ----------------------------------------------------------- */

#define BEGINNING_MAX 9 /* "+4420": what numbers may begin with */
#define DIGITS_MAX (SEARCH_NUMBER_MAX - 1)
#define PLAIN_MAX 128u	   /* of a number with all its blanks */
#define AROUND " \"'<>,:*" /* quotes and the like, not part of a number */

struct digits {
	char text[SEARCH_NUMBER_MAX];
	size_t n;
	bool plus;
};

static struct span skip_scheme(struct span s)
{
	static const char *const schemes[] = { "sip:", "sips:", "tel:" };

	s = span_trim(s);
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		size_t len = strlen(schemes[i]);

		if (span_istarts(s, schemes[i]))
			return span_trim(
				(struct span){ s.p + len, s.len - len });
	}
	return s;
}

/* "192.0.2.1" has a digit in each of four groups, and 255 at most. */
static bool is_ipv4(struct span s)
{
	unsigned groups = 0;
	uint64_t v;

	while (s.len) {
		struct span one = span_cut(&s, '.');

		if (one.len > 3 || span_u64(one, 255, &v) < 0)
			return false;
		groups++;
	}
	return groups == 4;
}

/* Digits and what people put between them; a plus or its %-escape first. The
 * "(0)" of +44 (0)20 is not dialled. */
static bool read_digits(struct span s, struct digits *d)
{
	memset(d, 0, sizeof(*d));
	if (span_istarts(s, "%2b"))
		d->plus = true, s.p += 3, s.len -= 3;
	else if (s.len && s.p[0] == '+')
		d->plus = true, s.p++, s.len--;
	if (is_ipv4(s))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (d->plus && d->n && s.len - i >= 3 &&
		    memcmp(s.p + i, "(0)", 3) == 0) {
			i += 2;
			continue;
		}
		if (s.p[i] && strchr("-.()/ ", s.p[i]))
			continue;
		if (s.p[i] < '0' || s.p[i] > '9' || d->n == DIGITS_MAX)
			return false;
		d->text[d->n++] = s.p[i];
	}
	return d->n > 0;
}

static void put_reverse(const char *digits, char ret[SEARCH_NUMBER_MAX])
{
	size_t n = strlen(digits);

	for (size_t i = 0; i < n; i++)
		ret[i] = digits[n - 1 - i];
	ret[n] = '\0';
}

/* tel:2079460123;phone-context=+44 */
static void put_context(struct digits *d, struct span params)
{
	struct digits before;
	const char *rest = d->text;
	char all[2 * SEARCH_NUMBER_MAX];

	while (params.len) {
		struct span p = span_trim(span_cut(&params, ';'));

		if (!span_istarts(p, "phone-context="))
			continue;
		p = (struct span){ p.p + 14, p.len - 14 };
		if (!read_digits(p, &before) || !before.plus)
			return;
		while (*rest == '0')
			rest++;
		if (before.n + strlen(rest) > DIGITS_MAX)
			return;
		memcpy(all, before.text, before.n);
		memcpy(all + before.n, rest, strlen(rest) + 1);
		d->n = strlen(all);
		memcpy(d->text, all, d->n + 1);
		return;
	}
}

bool search_number(struct span aor, char ret[SEARCH_NUMBER_MAX])
{
	struct span params = skip_scheme(aor), user;
	struct digits d;
	ptrdiff_t at = span_find(params, '@');

	if (at >= 0) {
		user = (struct span){ params.p, (size_t)at };
		params = user;
	}
	user = span_trim(span_cut(&params, ';'));
	if (!read_digits(user, &d))
		return false;
	if (!d.plus)
		put_context(&d, params);
	put_reverse(d.text, ret);
	return true;
}

/* Digits, signs and blanks of other widths and scripts, as they stand in mails
 * and lists of contacts. @return ASCII, or '?' for what numbers don't have */
static char plain_char(uint32_t c)
{
	static const struct {
		uint32_t first, last;
		char to;   /* of the first */
		bool same; /* all become that */
	} table[] = {
		{ 0x21, 0x7e, '!', false },	{ 0xa0, 0xa0, ' ', true },
		{ 0x660, 0x669, '0', false },	{ 0x6f0, 0x6f9, '0', false },
		{ 0x2000, 0x200a, ' ', true },	{ 0x2010, 0x2015, '-', true },
		{ 0x2018, 0x201f, '"', true },	{ 0x202f, 0x202f, ' ', true },
		{ 0x205f, 0x205f, ' ', true },	{ 0x2212, 0x2212, '-', true },
		{ 0x3000, 0x3000, ' ', true },	{ 0xfe63, 0xfe63, '-', true },
		{ 0xff01, 0xff5e, '!', false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (c >= table[i].first && c <= table[i].last)
			return table[i].same
				       ? table[i].to
				       : (char)(table[i].to +
						(int)(c - table[i].first));
	return c == ' ' ? ' ' : '?';
}

/* @return dst without what stands around a number in a sentence; empty when
 * text is too long for one */
static struct span put_plain(struct span text, char dst[PLAIN_MAX])
{
	struct span s = { dst, 0 };

	while (text.len) {
		size_t n = str_harmful(text.p, text.len);
		uint32_t c;

		if (n == 0) {
			n = next_char(text, &c);
			if (s.len == PLAIN_MAX)
				return (struct span){ dst, 0 };
			dst[s.len++] = plain_char(c);
		}
		text.p += n;
		text.len -= n;
	}
	while (s.len && strchr(AROUND, s.p[0]))
		s = (struct span){ s.p + 1, s.len - 1 };
	while (s.len && strchr(AROUND, s.p[s.len - 1]))
		s.len--;
	return s;
}

static bool read_question(struct span text, struct digits *d)
{
	char plain[PLAIN_MAX];
	struct span params = skip_scheme(put_plain(text, plain));

	return read_digits(span_trim(span_cut(&params, ';')), d);
}

size_t search_digits(struct span text)
{
	struct digits d;

	return read_question(text, &d) ? d.n : 0;
}

static void put_token(struct buf *out, bool *first, const char *before,
		      const char *digits, bool end)
{
	char all[2 * SEARCH_NUMBER_MAX], back[SEARCH_NUMBER_MAX];

	if (strlen(before) + strlen(digits) > DIGITS_MAX)
		return;
	memcpy(all, before, strlen(before));
	memcpy(all + strlen(before), digits, strlen(digits) + 1);
	put_reverse(all, back);
	(void)buf_printf(out, "%s\"%s\"%s", *first ? "" : " OR ", back,
			 end ? "*" : "");
	*first = false;
}

/* All forms of a number whose country is known. Without one it is written in
 * that country only. @param global its digits, without plus */
static void put_forms(struct buf *out, bool *first,
		      const struct number_plan *asker, const char *global)
{
	struct number_plan own = { "", "", "" };
	char country[4];
	const char *national;

	(void)span_copy(country, sizeof(country),
			(struct span){ global, number_country_len(global) });
	national = global + strlen(country);
	(void)number_plan_set(&own, country, "auto", "auto"); /* digits */
	put_token(out, first, "", global, false);
	put_token(out, first, "00", global, false);
	put_token(out, first, own.international, global, false);
	if (asker && asker->country[0]) {
		put_token(out, first, asker->international, global, false);
		if (!str_eq(asker->country, country))
			return;
		put_token(out, first, asker->national, national, false);
	}
	if (strlen(national) < NUMBER_DIGITS_MIN)
		return; /* an extension would be that, too */
	put_token(out, first, own.national, national, false);
	put_token(out, first, "", national, false);
}

/* What of it ends every form: without the national prefix. */
static const char *core(const struct number_plan *plan, const struct digits *d)
{
	const char *prefix = plan && plan->country[0] ? plan->national : "";
	size_t len = strlen(prefix);

	if (d->n < 8)
		return d->text;
	if (len && strncmp(d->text, prefix, len) == 0)
		return d->text + len;
	return d->text + (d->text[0] == '0');
}

bool search_put_number(struct buf *out, const struct number_plan *plan,
		       struct span text)
{
	char global[NUMBER_MAX] = "";
	struct digits d;
	bool first = true;

	if (!read_question(text, &d) || d.n < SEARCH_DIGITS_MIN)
		return false;
	(void)buf_puts(out, "(numbers : (");
	if (d.plus) {
		put_forms(out, &first, plan, d.text);
		if (d.n < BEGINNING_MAX)
			(void)buf_printf(out, ") OR people : (\"%s\"*", d.text);
	} else if (number_global(plan, d.text, global, NULL)) {
		put_forms(out, &first, plan, global + 1);
		put_token(out, &first, "", d.text, true);
	}
	if (!d.plus && (!global[0] || strncmp(d.text, "00", 2) != 0))
		put_token(out, &first, "", core(plan, &d), true);
	(void)buf_puts(out, "))");
	return true;
}
