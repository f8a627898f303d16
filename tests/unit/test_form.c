#include "web/form.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <string.h>

static void fields_are_decoded(void **state)
{
	struct form f = { 0 };
	char bad[16];

	(void)state;
	assert_int_equal(form_parse(&f, SPAN("a=1&b+c=%41%20+d&e&&f="), bad,
				    sizeof(bad)),
			 0);
	assert_int_equal(f.n, 4);
	assert_string_equal(form_get(&f, "a"), "1");
	assert_string_equal(form_get(&f, "b c"), "A  d");
	assert_string_equal(form_get(&f, "e"), "");
	assert_string_equal(form_get(&f, "f"), "");
	assert_null(form_get(&f, "g"));
	assert_string_equal(form_str(&f, "g"), "");
	form_fini(&f);
}

static void a_name_given_twice_is_named(void **state)
{
	struct form f = { 0 };
	char bad[16];

	(void)state;
	assert_int_equal(form_parse(&f, SPAN("a=1&b=2&%61=3"), bad,
				    sizeof(bad)),
			 -EEXIST);
	assert_string_equal(bad, "%61");
	form_fini(&f);
}

static void broken_fields_are_refused(void **state)
{
	static const char *const bad[] = { "a=%",   "a=%0",  "a=%00", "%00=1",
					   "a=%ff", "a=%g0", "a=%c3" };
	struct form f = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(form_parse(&f, span_of(bad[i]), NULL, 0),
				 -EINVAL);
		form_fini(&f);
	}
	assert_int_equal(form_parse(&f, (struct span){ "a=\0b", 4 }, NULL, 0),
			 -EINVAL);
	form_fini(&f);
}

static void too_many_fields_are_refused(void **state)
{
	struct form f = { 0 };
	char text[1024] = "";

	(void)state;
	for (int i = 0; i <= FORM_FIELDS_MAX; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
			       "f%d=%d&", i, i);
	assert_int_equal(form_parse(&f, span_of(text), NULL, 0), -E2BIG);
	form_fini(&f);
}

static void empty_fields_can_be_dropped(void **state)
{
	struct form f = { .repeatable = "resource" };

	(void)state;
	assert_int_equal(form_parse(&f,
				    SPAN("a=&resource=1&b=2&resource=&c&"
					 "resource=3"),
				    NULL, 0),
			 0);
	form_drop_empty(&f);
	assert_int_equal(f.n, 3);
	assert_null(form_get(&f, "a"));
	assert_null(form_get(&f, "c"));
	assert_string_equal(form_get(&f, "b"), "2");
	assert_string_equal(form_get(&f, "resource"), "1");
	assert_string_equal(f.fields[2].value, "3");
	form_fini(&f);
	assert_int_equal(form_parse(&f, SPAN("a=&a=1"), NULL, 0), -EEXIST);
	form_fini(&f);
}

static void cookies_are_found_once(void **state)
{
	char v[8];

	(void)state;
	assert_int_equal(cookie_get("a=1; srs=xyz;b=2", "srs", v, sizeof(v)),
			 0);
	assert_string_equal(v, "xyz");
	assert_int_equal(cookie_get("xsrs=1; srs2=2", "srs", v, sizeof(v)),
			 -ENOENT);
	assert_int_equal(cookie_get("srs=1; srs=2", "srs", v, sizeof(v)),
			 -EEXIST);
	assert_int_equal(cookie_get("srs=12345678", "srs", v, sizeof(v)),
			 -ENAMETOOLONG);
	assert_int_equal(cookie_get("srs=a=b", "srs", v, sizeof(v)), 0);
	assert_string_equal(v, "a=b");
	assert_int_equal(cookie_get("", "srs", v, sizeof(v)), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_decoded),
		cmocka_unit_test(a_name_given_twice_is_named),
		cmocka_unit_test(broken_fields_are_refused),
		cmocka_unit_test(too_many_fields_are_refused),
		cmocka_unit_test(empty_fields_can_be_dropped),
		cmocka_unit_test(cookies_are_found_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
