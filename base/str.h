/* base/str.h - strings with a length, and strict conversions.
 *
 * A struct span borrows bytes that belong to somebody else; it is not
 * terminated. Comparisons of protocol words ignore ASCII case only, whatever
 * the locale.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
	const char *p;
	size_t len;
};

/* For printf("%.*s", SPAN_ARG(s)). */
#define SPAN_ARG(s) (int)(s).len, (s).p
#define SPAN(lit) ((struct span){ (lit), sizeof(lit) - 1 })

struct span span_of(const char *s); /* NULL gives an empty span */
bool span_eq(struct span a, const char *s);
bool span_ieq(struct span a, const char *s); /* ASCII case ignored */
bool span_starts(struct span a, const char *prefix);
bool span_istarts(struct span a, const char *prefix);
struct span span_trim(struct span s); /* blanks, tabs, CR, LF at both ends */
/** Cut s at the first sep: returns what is before, *s keeps what is after
 *  (empty, p at the end, when there was none). */
struct span span_cut(struct span *s, char sep);
/** @return index of c or -1 */
ptrdiff_t span_find(struct span s, char c);
/** @return caller-owned NUL-terminated copy or NULL */
char *span_dup(struct span s);

/** Copy with truncation. @return true when all of it fitted (dst always ends
 *  in NUL; dst_len > 0) */
bool str_copy(char *dst, size_t dst_len, const char *src);
bool span_copy(char *dst, size_t dst_len, struct span src);

/* ASCII case ignored; both may be NULL (NULL equals only NULL). */
bool str_ieq(const char *a, const char *b);
bool str_eq(const char *a, const char *b);

/* Whole string decimal, no sign, no blanks: 0, -EINVAL or -ERANGE. */
int span_u64(struct span s, uint64_t max, uint64_t *ret_value);
int str_u64(const char *s, uint64_t max, uint64_t *ret_value);
/* The same with an optional leading '-'. */
int str_i64(const char *s, int64_t min, int64_t max, int64_t *ret_value);
/* "250ms" "10s" "5m" "2h" "30d", or bare seconds; result in microseconds. */
int str_duration_us(const char *s, int64_t *ret_us);
/* "64K" "10M" "2G", or bare bytes. */
int str_size(const char *s, uint64_t *ret_bytes);

/** Lower-case hex of len bytes; dst needs 2 * len + 1. */
void str_hex(char *dst, const void *src, size_t len);
/** @return number of bytes, or -EINVAL (odd, not hex, longer than dst_len) */
int str_unhex(void *dst, size_t dst_len, struct span hex);
/** Base64url without padding; dst needs (len * 4 + 2) / 3 + 1. */
void str_b64url(char *dst, const void *src, size_t len);
/** Base64url or base64, padding optional. @return bytes, or -EINVAL */
int str_unb64(void *dst, size_t dst_len, struct span b64);

/** @return true when s is well-formed UTF-8 without NUL */
bool str_utf8_ok(const char *s, size_t len);
/** Make text from outside harmless to store and show: bytes that are not
 *  UTF-8, control characters and bidirectional controls become '?' in place
 *  (multi-byte ones as one '?'); length shrinks accordingly. A token of ours
 *  (srs_at_..., srs_rt_..., srs_cs_...) becomes "[token]": some clients put
 *  theirs where a name belongs. */
void str_clean(char *s);
/** Text that a person wrote here, made such that it is what it looks like:
 *  what str_clean() replaces is taken out. @param lines line breaks and tabs
 *  may stay, else they become blanks */
void str_plain(char *s, bool lines);
/** @return true when str_clean() would change no character */
bool str_visible(const char *s);
/** @return length of the character at s that str_clean() would replace, 0 when
 *  it is good (len > 0) */
size_t str_harmful(const char *s, size_t len);

/** Same time for any content of equal length. */
bool mem_equal_ct(const void *a, const void *b, size_t len);

#endif
