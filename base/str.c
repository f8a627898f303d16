#include "base/str.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

struct span span_of(const char *s)
{
	return s ? (struct span){ s, strlen(s) } : (struct span){ "", 0 };
}

static char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_bytes(const char *a, const char *b, size_t len, bool fold)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (a[i] == b[i])
			continue;
		if (!fold || ascii_lower(a[i]) != ascii_lower(b[i]))
			return false;
	}
	return true;
}

bool span_eq(struct span a, const char *s)
{
	return strlen(s) == a.len && same_bytes(a.p, s, a.len, false);
}

bool span_ieq(struct span a, const char *s)
{
	return strlen(s) == a.len && same_bytes(a.p, s, a.len, true);
}

bool span_starts(struct span a, const char *prefix)
{
	size_t n = strlen(prefix);

	return n <= a.len && same_bytes(a.p, prefix, n, false);
}

bool span_istarts(struct span a, const char *prefix)
{
	size_t n = strlen(prefix);

	return n <= a.len && same_bytes(a.p, prefix, n, true);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span span_trim(struct span s)
{
	while (s.len && is_blank(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len && is_blank(s.p[s.len - 1]))
		s.len--;
	return s;
}

struct span span_cut(struct span *s, char sep)
{
	ptrdiff_t at = span_find(*s, sep);
	struct span head = *s;

	if (!s->len)
		return head; /* p may be NULL */
	if (at < 0) {
		s->p += s->len;
		s->len = 0;
		return head;
	}
	head.len = (size_t)at;
	s->p += at + 1;
	s->len -= (size_t)at + 1;
	return head;
}

ptrdiff_t span_find(struct span s, char c)
{
	const char *p;

	p = s.len ? memchr(s.p, c, s.len) : NULL;
	return p ? p - s.p : -1;
}

char *span_dup(struct span s)
{
	return mem_strndup(s.p, s.len);
}

bool str_copy(char *dst, size_t dst_len, const char *src)
{
	return span_copy(dst, dst_len, span_of(src));
}

bool span_copy(char *dst, size_t dst_len, struct span src)
{
	size_t n = src.len < dst_len ? src.len : dst_len - 1;

	if (n)
		memmove(dst, src.p, n);
	dst[n] = '\0';
	return n == src.len;
}

bool str_ieq(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return span_ieq(span_of(a), b);
}

bool str_eq(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a, b) == 0;
}

int span_u64(struct span s, uint64_t max, uint64_t *ret_value)
{
	uint64_t v = 0;
	size_t i;

	if (s.len == 0)
		return -EINVAL;
	for (i = 0; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -EINVAL;
	}
	for (i = 0; i < s.len; i++) {
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return -ERANGE;
	}
	if (v > max)
		return -ERANGE;
	*ret_value = v;
	return 0;
}

int str_u64(const char *s, uint64_t max, uint64_t *ret_value)
{
	return span_u64(span_of(s), max, ret_value);
}

int str_i64(const char *s, int64_t min, int64_t max, int64_t *ret_value)
{
	struct span digits = span_of(s);
	bool neg = digits.len && digits.p[0] == '-';
	uint64_t u;
	int64_t v;
	int r;

	if (neg) {
		digits.p++;
		digits.len--;
	}
	r = span_u64(digits, neg ? (uint64_t)INT64_MAX + 1 : INT64_MAX, &u);
	if (r < 0)
		return r;
	v = neg ? (int64_t)(0 - u) : (int64_t)u;
	if (v < min || v > max)
		return -ERANGE;
	*ret_value = v;
	return 0;
}

struct unit {
	const char *word;
	uint64_t factor;
};

/* Decimal digits followed by one of the units. */
static int number_with_unit(const char *s, const struct unit *units, size_t n,
			    uint64_t *ret_value)
{
	struct span digits = span_of(s);
	const char *word;
	uint64_t v;
	size_t i;
	int r;

	word = digits.p + strspn(digits.p, "0123456789");
	digits.len = (size_t)(word - digits.p);
	r = span_u64(digits, INT64_MAX, &v);
	if (r < 0)
		return r;
	for (i = 0; i < n; i++) {
		if (strcmp(word, units[i].word) != 0)
			continue;
		if (__builtin_mul_overflow(v, units[i].factor, &v) ||
		    v > INT64_MAX)
			return -ERANGE;
		*ret_value = v;
		return 0;
	}
	return -EINVAL;
}

int str_duration_us(const char *s, int64_t *ret_us)
{
	static const struct unit units[] = {
		{ "", 1000000 },
		{ "us", 1 },
		{ "ms", 1000 },
		{ "s", 1000000 },
		{ "m", 60 * 1000000ull },
		{ "h", 3600 * 1000000ull },
		{ "d", 86400 * 1000000ull },
	};
	uint64_t v;
	int r;

	r = number_with_unit(s, units, ARRAY_SIZE(units), &v);
	if (r == 0)
		*ret_us = (int64_t)v;
	return r;
}

int str_size(const char *s, uint64_t *ret_bytes)
{
	static const struct unit units[] = {
		{ "", 1 },	     { "K", 1ull << 10 }, { "M", 1ull << 20 },
		{ "G", 1ull << 30 }, { "T", 1ull << 40 },
	};

	return number_with_unit(s, units, ARRAY_SIZE(units), ret_bytes);
}

void str_hex(char *dst, const void *src, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = src;
	size_t i;

	for (i = 0; i < len; i++) {
		dst[2 * i] = digits[p[i] >> 4];
		dst[2 * i + 1] = digits[p[i] & 15];
	}
	dst[2 * len] = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int str_unhex(void *dst, size_t dst_len, struct span hex)
{
	uint8_t *d = dst;
	size_t i, n = hex.len / 2;
	int hi, lo;

	if (hex.len % 2 || n > dst_len || n > INT32_MAX)
		return -EINVAL;
	for (i = 0; i < hex.len; i++) {
		if (hex_value(hex.p[i]) < 0)
			return -EINVAL;
	}
	for (i = 0; i < n; i++) {
		hi = hex_value(hex.p[2 * i]);
		lo = hex_value(hex.p[2 * i + 1]);
		d[i] = (uint8_t)(hi << 4 | lo);
	}
	return (int)n;
}

void str_b64url(char *dst, const void *src, size_t len)
{
	static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789-_";
	const uint8_t *p = src;
	uint32_t acc = 0;
	unsigned bits = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		acc = acc << 8 | p[i];
		for (bits += 8; bits >= 6; bits -= 6)
			*dst++ = abc[acc >> (bits - 6) & 63];
	}
	if (bits)
		*dst++ = abc[acc << (6 - bits) & 63];
	*dst = '\0';
}

static int b64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

/* Drop padding that is as long as it must be; -EINVAL otherwise. */
static int b64_unpad(struct span *s)
{
	size_t pad = 0;

	while (pad < s->len && s->p[s->len - 1 - pad] == '=')
		pad++;
	if (pad > 2 || (pad && s->len % 4))
		return -EINVAL;
	s->len -= pad;
	return s->len % 4 == 1 ? -EINVAL : 0;
}

int str_unb64(void *dst, size_t dst_len, struct span b64)
{
	uint8_t *d = dst;
	uint32_t acc = 0;
	unsigned bits = 0;
	size_t i, n = 0;
	int v;

	if (b64_unpad(&b64) < 0 || b64.len / 4 >= INT32_MAX / 3)
		return -EINVAL;
	if (b64.len / 4 * 3 + b64.len % 4 * 6 / 8 > dst_len)
		return -EINVAL;
	for (i = 0; i < b64.len; i++) {
		v = b64_value(b64.p[i]);
		if (v < 0)
			return -EINVAL;
		acc = acc << 6 | (uint32_t)v;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			d[n++] = (uint8_t)(acc >> bits);
		}
	}
	if (acc & ((1u << bits) - 1))
		return -EINVAL; /* a second spelling of the same bytes */
	return (int)n;
}

/* Length of the well-formed UTF-8 sequence at s (RFC 3629), 0 if there is
 * none; *ret_cp is its code point. */
static size_t utf8_next(const char *s, size_t len, uint32_t *ret_cp)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	const uint8_t *p = (const uint8_t *)s;
	uint32_t cp;
	size_t n, i;

	if (p[0] < 0x80) {
		*ret_cp = p[0];
		return 1;
	}
	n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || n > len)
		return 0;
	cp = p[0] & (0x7fu >> n);
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (p[i] & 0x3fu);
	}
	if (cp < least[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	*ret_cp = cp;
	return n;
}

bool str_utf8_ok(const char *s, size_t len)
{
	uint32_t cp;
	size_t n;

	for (; len; s += n, len -= n) {
		n = utf8_next(s, len, &cp);
		if (n == 0 || cp == 0)
			return false;
	}
	return true;
}

/* Controls (C0, DEL, C1), line separators, bidi marks and overrides, and what
 * takes no room: with all of them a text can look like another. The joiners
 * U+200C and U+200D are left: Persian, Indic scripts and emoji need them. */
static bool is_harmful(uint32_t cp)
{
	static const struct {
		uint32_t first, last;
	} table[] = {
		{ 0, 0x1f },	      { 0x7f, 0x9f },	  { 0xad, 0xad },
		{ 0x61c, 0x61c },     { 0x115f, 0x1160 }, { 0x180e, 0x180e },
		{ 0x200b, 0x200b },   { 0x200e, 0x200f }, { 0x2028, 0x202e },
		{ 0x2060, 0x206f },   { 0x3164, 0x3164 }, { 0xfeff, 0xfeff },
		{ 0xffa0, 0xffa0 },   { 0xfff9, 0xfffb }, { 0x1d173, 0x1d17a },
		{ 0xe0001, 0xe0001 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (cp >= table[i].first && cp <= table[i].last)
			return true;
	return false;
}

size_t str_harmful(const char *s, size_t len)
{
	uint32_t cp;
	size_t n = utf8_next(s, len, &cp);

	if (n == 0)
		return 1;
	return is_harmful(cp) ? n : 0;
}

bool str_visible(const char *s)
{
	size_t len = strlen(s), n;
	uint32_t cp;

	for (; len > 0; s += n, len -= n) {
		n = utf8_next(s, len, &cp);
		if (n == 0 || is_harmful(cp))
			return false;
	}
	return true;
}

void str_plain(char *s, bool lines)
{
	size_t len = strlen(s), n;
	char *out = s;
	uint32_t cp;

	for (; len > 0; s += n, len -= n) {
		n = utf8_next(s, len, &cp);
		if (n == 1 && strchr("\t\n\r", *s)) {
			*out++ = lines ? *s : ' ';
		} else if (n == 0 || is_harmful(cp)) {
			n = n ? n : 1;
		} else {
			memmove(out, s, n);
			out += n;
		}
	}
	*out = '\0';
}

/* RFC 6750, and the dot between id and secret */
static bool is_token_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || (c && strchr("-._~+/=", c));
}

static bool is_token(const char *s)
{
	return strncmp(s, "srs_", 4) == 0 && s[4] && strchr("arc", s[4]) &&
	       s[5] && strchr("ts", s[5]) && s[6] == '_';
}

/* What stands for one is as long as the shortest. */
static void hide_tokens(char *s)
{
	static const char hidden[] = "[token]";
	char *from = strstr(s, "srs_"), *out = from;

	while (from && *from) {
		if (!is_token(from)) {
			*out++ = *from++;
			continue;
		}
		while (is_token_char(*from))
			from++;
		memcpy(out, hidden, sizeof(hidden) - 1);
		out += sizeof(hidden) - 1;
	}
	if (out)
		*out = '\0';
}

void str_clean(char *s)
{
	char *const start = s;
	size_t len = strlen(s), n;
	char *out = s;
	uint32_t cp;

	for (; len; s += n, len -= n) {
		n = utf8_next(s, len, &cp);
		if (n == 0 || is_harmful(cp)) {
			n = n ? n : 1;
			*out++ = '?';
			continue;
		}
		memmove(out, s, n);
		out += n;
	}
	*out = '\0';
	hide_tokens(start);
}

bool mem_equal_ct(const void *a, const void *b, size_t len)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t diff = 0;
	size_t i;

	for (i = 0; i < len; i++)
		diff |= (uint8_t)(x[i] ^ y[i]);
	return diff == 0;
}
