#include "web/uri.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"

static void good_targets_are_split_and_decoded(void **state)
{
	static const struct {
		const char *raw, *path, *query; /* NULL: no '?' */
	} table[] = {
		{ "/", "/", NULL },
		{ "/?", "/", "" },
		{ "/a/b?x=1&y=%20", "/a/b", "x=1&y=%20" },
		{ "/a%20b", "/a b", NULL },
		{ "/%C3%A9", "/\xc3\xa9", NULL },
		{ "/a/", "/a/", NULL },
		{ "/..a/.b/...", "/..a/.b/...", NULL },
		{ "/x?a=/../b", "/x", "a=/../b" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct span q;
		char path[64];

		assert_int_equal(
			uri_split(table[i].raw, path, sizeof(path), &q), 0);
		assert_string_equal(path, table[i].path);
		assert_int_equal(q.p == NULL, table[i].query == NULL);
		if (table[i].query)
			assert_true(span_eq(q, table[i].query));
	}
}

static void odd_targets_are_refused(void **state)
{
	static const char *const bad[] = {
		"",	     "*",	   "a",	     "http://x/y", "//a",
		"/a//b",     "/./a",	   "/a/..",  "/a/../b",	   "/%2e%2e",
		"/%2E/x",    "/a%00b",	   "/a%2fb", "/a%2Fb",	   "/a%5cb",
		"/a\\b",     "/a%5Cb",	   "/a%0ab", "/%7f",	   "/a b",
		"/a#b",	     "/%",	   "/%4",    "/%zz",	   "/\xc3\xa9",
		"/%c3",	     "/%ed%a0%80", "/a\"b",  "/a?\x01",	   "/<a>",
		"/a?b=\x7f", "/%e2%80%2e",
	};
	struct span q;
	char path[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (uri_split(bad[i], path, sizeof(path), &q) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
}

static void long_targets_have_their_own_error(void **state)
{
	static char raw[URI_MAX + 2];
	struct span q;
	char path[8];

	(void)state;
	memset(raw, 'a', sizeof(raw) - 1);
	raw[0] = '/';
	assert_int_equal(uri_split(raw, path, sizeof(path), &q), -ENAMETOOLONG);
	assert_int_equal(uri_split("/12345678", path, sizeof(path), &q),
			 -ENAMETOOLONG);
}

static void encoding_is_undone_by_decoding(void **state)
{
	struct buf b;
	char back[64];

	(void)state;
	buf_init(&b, 200);
	assert_int_equal(uri_encode(&b, "a b&c=d/\xc3\xa9~"), 0);
	assert_string_equal(buf_str(&b), "a%20b%26c%3Dd%2F%C3%A9~");
	assert_true(uri_decode(span_of(buf_str(&b)), true, back, sizeof(back)) >
		    0);
	assert_string_equal(back, "a b&c=d/\xc3\xa9~");
	buf_fini(&b);
	assert_int_equal(uri_decode(SPAN("a+b"), true, back, sizeof(back)), 3);
	assert_string_equal(back, "a b");
	assert_int_equal(uri_decode(SPAN("abc"), true, back, 3), -ENAMETOOLONG);
}

static void origins_are_cut_out(void **state)
{
	char o[64];

	(void)state;
	assert_int_equal(
		uri_origin("https://Portal.Example/cb?x", o, sizeof(o)), 0);
	assert_string_equal(o, "https://portal.example");
	assert_int_equal(uri_origin("http://127.0.0.1:81", o, sizeof(o)), 0);
	assert_string_equal(o, "http://127.0.0.1:81");
	assert_int_equal(uri_origin("com.example.app:/cb", o, sizeof(o)), 0);
	assert_string_equal(o, "com.example.app:");
	assert_int_equal(uri_origin("https://u@h/x", o, sizeof(o)), -EINVAL);
	assert_int_equal(uri_origin("https:///x", o, sizeof(o)), -EINVAL);
	assert_int_equal(uri_origin("/x", o, sizeof(o)), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_targets_are_split_and_decoded),
		cmocka_unit_test(odd_targets_are_refused),
		cmocka_unit_test(long_targets_have_their_own_error),
		cmocka_unit_test(encoding_is_undone_by_decoding),
		cmocka_unit_test(origins_are_cut_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
