#include "base/str.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

static void spans_compare(void **state)
{
	(void)state;
	assert_true(span_eq(SPAN("abc"), "abc"));
	assert_false(span_eq(SPAN("abc"), "ab"));
	assert_false(span_eq(SPAN("abc"), "Abc"));
	assert_true(span_ieq(SPAN("aBc"), "AbC"));
	assert_false(span_ieq(SPAN("\xc3\x84"), "\xc3\xa4")); /* ASCII only */
	assert_true(span_starts(SPAN("Bearer x"), "Bearer"));
	assert_true(span_istarts(SPAN("bEARER x"), "Bearer"));
	assert_false(span_starts(SPAN("Bea"), "Bearer"));
	assert_true(span_eq(span_of(NULL), ""));
	assert_true(str_eq(NULL, NULL));
	assert_false(str_eq(NULL, ""));
	assert_true(str_ieq("UDP", "udp"));
	assert_false(str_ieq(NULL, "udp"));
}

static void spans_are_cut_and_trimmed(void **state)
{
	struct span s = SPAN(" a , b,,c");
	struct span none = { NULL, 0 };

	(void)state;
	assert_true(span_eq(span_trim(span_cut(&s, ',')), "a"));
	assert_true(span_eq(span_trim(span_cut(&s, ',')), "b"));
	assert_true(span_eq(span_cut(&s, ','), ""));
	assert_true(span_eq(span_cut(&s, ','), "c"));
	assert_int_equal(s.len, 0);
	assert_true(span_eq(span_cut(&s, ','), ""));
	assert_int_equal(span_trim(SPAN(" \t\r\n")).len, 0);
	assert_int_equal(span_find(none, 'x'), -1);
	assert_int_equal(span_find(SPAN("axb"), 'x'), 1);
}

static void copies_tell_when_they_truncate(void **state)
{
	char d[4];

	(void)state;
	assert_true(str_copy(d, sizeof(d), "abc"));
	assert_false(str_copy(d, sizeof(d), "abcd"));
	assert_string_equal(d, "abc");
	assert_true(span_copy(d, sizeof(d), SPAN("")));
	assert_string_equal(d, "");
	assert_false(str_copy(d, 1, "x"));
}

static void numbers_are_strict(void **state)
{
	static const struct {
		const char *s;
		int r;
		uint64_t v;
	} t[] = {
		{ "0", 0, 0 },
		{ "007", 0, 7 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "99999999999999999999999", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "0x1", -EINVAL, 0 },
		{ "99999999999999999999999x", -EINVAL, 0 },
	};
	uint64_t v;
	int64_t i;
	size_t n;

	(void)state;
	for (n = 0; n < ARRAY_SIZE(t); n++) {
		v = 0;
		assert_int_equal(str_u64(t[n].s, UINT64_MAX, &v), t[n].r);
		assert_true(v == t[n].v);
	}
	assert_int_equal(str_u64("11", 10, &v), -ERANGE);
	assert_int_equal(str_u64(NULL, 10, &v), -EINVAL);
	assert_int_equal(
		str_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &i), 0);
	assert_true(i == INT64_MIN);
	assert_int_equal(str_i64("9223372036854775808", INT64_MIN, INT64_MAX,
				 &i),
			 -ERANGE);
	assert_int_equal(str_i64("-", INT64_MIN, INT64_MAX, &i), -EINVAL);
	assert_int_equal(str_i64("5", 6, 7, &i), -ERANGE);
}

static void durations_and_sizes_have_units(void **state)
{
	int64_t us = 0;
	uint64_t b = 0;

	(void)state;
	assert_int_equal(str_duration_us("250ms", &us), 0);
	assert_int_equal(us, 250000);
	assert_int_equal(str_duration_us("10", &us), 0);
	assert_int_equal(us, 10000000);
	assert_int_equal(str_duration_us("2h", &us), 0);
	assert_int_equal(us, 7200000000);
	assert_int_equal(str_duration_us("30d", &us), 0);
	assert_int_equal(us, 2592000000000);
	assert_int_equal(str_duration_us("10 s", &us), -EINVAL);
	assert_int_equal(str_duration_us("s", &us), -EINVAL);
	assert_int_equal(str_duration_us("-1s", &us), -EINVAL);
	assert_int_equal(str_duration_us("9223372036854775807d", &us), -ERANGE);
	assert_int_equal(str_size("64K", &b), 0);
	assert_int_equal(b, 65536);
	assert_int_equal(str_size("2G", &b), 0);
	assert_int_equal(b, 2147483648);
	assert_int_equal(str_size("17", &b), 0);
	assert_int_equal(b, 17);
	assert_int_equal(str_size("2k", &b), -EINVAL);
	assert_int_equal(str_size("99999999T", &b), -ERANGE);
}

static void hex_goes_both_ways(void **state)
{
	static const uint8_t bin[] = { 0x00, 0xff, 0x1a };
	uint8_t back[3];
	char hex[7];

	(void)state;
	str_hex(hex, bin, sizeof(bin));
	assert_string_equal(hex, "00ff1a");
	assert_int_equal(str_unhex(back, 3, SPAN("00Ff1A")), 3);
	assert_memory_equal(back, bin, 3);
	assert_int_equal(str_unhex(back, 3, SPAN("0")), -EINVAL);
	assert_int_equal(str_unhex(back, 3, SPAN("0g")), -EINVAL);
	assert_int_equal(str_unhex(back, 2, SPAN("00ff1a")), -EINVAL);
	assert_int_equal(str_unhex(back, 2, SPAN("")), 0);
}

static void base64_goes_both_ways(void **state)
{
	static const char *const t[][2] = {
		{ "", "" },	   { "f", "Zg" },	 { "fo", "Zm8" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg" }, { "\xfb\xff", "-_8" },
	};
	char enc[16], dec[16];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		str_b64url(enc, t[i][0], strlen(t[i][0]));
		assert_string_equal(enc, t[i][1]);
		assert_int_equal(str_unb64(dec, sizeof(dec), span_of(enc)),
				 (int)strlen(t[i][0]));
		assert_memory_equal(dec, t[i][0], strlen(t[i][0]));
	}
	assert_int_equal(str_unb64(dec, 16, SPAN("+/8=")), 2);
	assert_int_equal(str_unb64(dec, 16, SPAN("Zg==")), 1);
	assert_int_equal(str_unb64(dec, 16, SPAN("Zg=")), -EINVAL);
	assert_int_equal(str_unb64(dec, 16, SPAN("Zh")), -EINVAL);
	assert_int_equal(str_unb64(dec, 16, SPAN("Z")), -EINVAL);
	assert_int_equal(str_unb64(dec, 16, SPAN("Z g")), -EINVAL);
	assert_int_equal(str_unb64(dec, 16, SPAN("====")), -EINVAL);
	assert_int_equal(str_unb64(dec, 2, SPAN("Zm9v")), -EINVAL);
}

static void utf8_is_checked(void **state)
{
	static const struct {
		const char *s;
		bool ok;
	} t[] = {
		{ "", true },
		{ "abc", true },
		{ "\xc3\xa9", true },
		{ "\xf0\x9f\x98\x80", true },
		{ "\xc0\x80", false },
		{ "\xe0\x80\x80", false },
		{ "\xed\xa0\x80", false },
		{ "\xf4\x90\x80\x80", false },
		{ "\x80", false },
		{ "\xc3", false },
		{ "\xf0\x9f\x98", false },
		{ "\xff", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(str_utf8_ok(t[i].s, strlen(t[i].s)), t[i].ok);
	assert_false(str_utf8_ok("a\0b", 3));
}

static void clean_makes_text_harmless(void **state)
{
	static const char *const t[][2] = {
		{ "plain", "plain" },
		{ "caf\xc3\xa9", "caf\xc3\xa9" },
		{ "a\nb\tc\x1b[0m", "a?b?c?[0m" },
		{ "x\xe2\x80\xaey", "x?y" }, /* right-to-left override */
		{ "x\xe2\x81\xa6y", "x?y" }, /* isolate */
		{ "\xc2\x85", "?" },	     /* C1 */
		{ "a\xff\xfe"
		  "b",
		  "a??b" },
		{ "cut \xe2\x82", "cut ??" },
		{ "srs_at_", "[token]" },
		{ "a srs_at_Ab-1.cD_~+/== b", "a [token] b" },
		{ "<sip:srs_rt_x.y@h>;srs_cs_", "<sip:[token]@h>;[token]" },
		{ "srs_at_asrs_rt_b\n", "[token]?" },
		{ "srs_xt_a srs_at srs_", "srs_xt_a srs_at srs_" },
	};
	char s[32];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		assert_true(str_copy(s, sizeof(s), t[i][0]));
		str_clean(s);
		assert_string_equal(s, t[i][1]);
		assert_true(str_utf8_ok(s, strlen(s)));
	}
}

static void constant_time_compare_compares(void **state)
{
	(void)state;
	assert_true(mem_equal_ct("abc", "abc", 3));
	assert_false(mem_equal_ct("abc", "abd", 3));
	assert_true(mem_equal_ct("x", "y", 0));
}

/* What people write may be read as it looks, and only so. */
static void plain_text_hides_nothing(void **state)
{
	static const struct {
		const char *in, *line, *lines;
	} table[] = {
		{ "a\u202eb\u2066c\u2069", "abc", "abc" },
		{ "\u200bx\u200e\u200f\u061c\ufeff\u2060", "x", "x" },
		{ "a\nb\tc\x01\x7f\xc2\x85", "a b c", "a\nb\tc" },
		{ "\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e",
		  "\u0645\u06cc\u200c\u062e" },
		{ "\xff\xe2\x80z", "z", "z" },
		{ "Zo\u00eb \U0001f600", "Zo\u00eb \U0001f600",
		  "Zo\u00eb \U0001f600" },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		(void)str_copy(text, sizeof(text), table[i].in);
		str_plain(text, false);
		assert_string_equal(text, table[i].line);
		assert_true(str_visible(text));
		(void)str_copy(text, sizeof(text), table[i].in);
		str_plain(text, true);
		assert_string_equal(text, table[i].lines);
	}
	assert_false(str_visible("a\u202e"));
	assert_false(str_visible("a\xff"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans_compare),
		cmocka_unit_test(spans_are_cut_and_trimmed),
		cmocka_unit_test(copies_tell_when_they_truncate),
		cmocka_unit_test(numbers_are_strict),
		cmocka_unit_test(durations_and_sizes_have_units),
		cmocka_unit_test(hex_goes_both_ways),
		cmocka_unit_test(base64_goes_both_ways),
		cmocka_unit_test(utf8_is_checked),
		cmocka_unit_test(clean_makes_text_harmless),
		cmocka_unit_test(constant_time_compare_compares),
		cmocka_unit_test(plain_text_hides_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
