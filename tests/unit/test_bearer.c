#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "srs/sip/bearer.h"

static const struct {
	const char *values[3];
	unsigned forms;
	enum bearer_result result;
	const char *token;
} cases[] = {
	{ { "Bearer srs_at_abc.DEF-_~+/==" },
	  0,
	  BEARER_OK,
	  "srs_at_abc.DEF-_~+/==" },
	{ { "  bearer \t abc" }, 0, BEARER_OK, "abc" },
	{ { "BEARER abc=" }, 0, BEARER_OK, "abc=" },
	{ { "Bearer abc, realm=\"x\"" }, 0, BEARER_OK, "abc" },
	{ { "Bearer abc==, realm = \"a\\\"b, c\" , x=y" },
	  0,
	  BEARER_OK,
	  "abc==" },
	{ { "Bearer eyJh.eyJp.c2ln" }, 0, BEARER_OK, "eyJh.eyJp.c2ln" },
	{ { "Digest username=\"a\"", "Bearer abc" }, 0, BEARER_OK, "abc" },
	{ { "Bearer token=\"abc==\"" }, 1, BEARER_OK, "abc==" },
	{ { "Bearer realm=\"x\", token=\"abc\"" }, 1, BEARER_OK, "abc" },
	{ { "Bearer access_token=\"abc\"" }, 2, BEARER_OK, "abc" },
	{ { "Bearer access_token=abc" }, 3, BEARER_OK, "abc" },
	/* no credentials */
	{ { "Digest username=\"a\"" }, 0, BEARER_NONE, NULL },
	{ { "Bearers abc" }, 0, BEARER_NONE, NULL },
	{ { "" }, 0, BEARER_NONE, NULL },
	/* malformed */
	{ { "Bearer" }, 0, BEARER_MALFORMED, NULL },
	{ { "Bearer   " }, 0, BEARER_MALFORMED, NULL },
	{ { "Bearer \"abc\"" }, 0, BEARER_MALFORMED, NULL },
	{ { "Bearer abc def" }, 0, BEARER_MALFORMED, NULL },
	{ { "Bearer abc,def" }, 0, BEARER_MALFORMED, NULL },
	{ { "Bearer abc, realm" }, 0, BEARER_MALFORMED, NULL },
	{ { "Bearer abc, realm=\"x" }, 0, BEARER_MALFORMED, NULL },
	{ { "Bearer abc;def" }, 0, BEARER_MALFORMED, NULL },
	{ { "Bearer a=b=c" }, 0, BEARER_MALFORMED, NULL },
	{ { "Bearer ===" }, 0, BEARER_MALFORMED, NULL },
	{ { "Bearer \xc3\xa9" }, 0, BEARER_MALFORMED, NULL },
	{ { "Bearer realm=\"x\"" }, 0, BEARER_MALFORMED, NULL },
	{ { "Bearer token=\"abc\"" }, 0, BEARER_MALFORMED, NULL },
	{ { "Bearer token=\"abc\"" }, 2, BEARER_MALFORMED, NULL },
	{ { "Bearer token=\"\"" }, 1, BEARER_MALFORMED, NULL },
	{ { "Bearer token=\"a b\"" }, 1, BEARER_MALFORMED, NULL },
	{ { "Bearer token=\"a\\\"b\"" }, 1, BEARER_MALFORMED, NULL },
	/* several */
	{ { "Bearer abc", "Bearer abc" }, 0, BEARER_SEVERAL, NULL },
	{ { "Bearer", "Bearer abc" }, 0, BEARER_SEVERAL, NULL },
	{ { "Bearer abc, token=\"def\"" }, 1, BEARER_SEVERAL, NULL },
	{ { "Bearer token=\"\", token=\"def\"" }, 1, BEARER_SEVERAL, NULL },
};

static void every_form_is_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct span v[3];
		struct bearer b;
		size_t n = 0;

		for (; n < 3 && cases[i].values[n]; n++)
			v[n] = span_of(cases[i].values[n]);
		print_message("%s\n", cases[i].values[0]);
		assert_int_equal(bearer_parse(v, n, cases[i].forms, &b),
				 cases[i].result);
		if (cases[i].token) {
			assert_true(span_eq(b.token, cases[i].token));
			assert_null(b.why);
		} else {
			assert_int_equal(b.token.len, 0);
			assert_int_equal(b.why != NULL,
					 cases[i].result != BEARER_NONE);
		}
	}
}

static void no_header_is_no_credential(void **state)
{
	struct bearer b;

	(void)state;
	assert_int_equal(bearer_parse(NULL, 0, 0, &b), BEARER_NONE);
}

static void length_is_limited_to_8_kilobytes(void **state)
{
	static char text[8 + BEARER_TOKEN_MAX];
	struct span v = { text, 7 + BEARER_TOKEN_MAX };
	struct bearer b;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "Bearer ", 7);
	assert_int_equal(bearer_parse(&v, 1, 0, &b), BEARER_OK);
	assert_int_equal(b.token.len, BEARER_TOKEN_MAX);
	v.len++;
	assert_int_equal(bearer_parse(&v, 1, 0, &b), BEARER_MALFORMED);
}

static void the_form_is_reported(void **state)
{
	struct span v = SPAN("Bearer access_token=\"t\"");
	struct bearer b;

	(void)state;
	assert_int_equal(bearer_parse(&v, 1, BEARER_FORMS_ALL, &b), BEARER_OK);
	assert_int_equal(b.form, BEARER_FORM_ACCESS_TOKEN_PARAM);
}

static void a_nul_byte_is_malformed(void **state)
{
	struct span v = { "Bearer a\0b", 10 };
	struct bearer b;

	(void)state;
	assert_int_equal(bearer_parse(&v, 1, 0, &b), BEARER_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_is_judged),
		cmocka_unit_test(no_header_is_no_credential),
		cmocka_unit_test(length_is_limited_to_8_kilobytes),
		cmocka_unit_test(the_form_is_reported),
		cmocka_unit_test(a_nul_byte_is_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
