#include "web/html.h"

#include "tests/support/unit.h"

#include "base/buf.h"

static void arguments_can_not_become_markup(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	HTML(&b, "<a href=\"{}\">{}</a>{}", "\"><script>", "<b>&'", NULL);
	assert_string_equal(buf_str(&b), "<a href=\"&quot;&gt;&lt;script&gt;\">"
					 "&lt;b&gt;&amp;&#39;</a>");
	buf_fini(&b);
}

static void an_argument_with_a_hole_stays_text(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	HTML(&b, "{} {}", "{}", "x");
	assert_string_equal(buf_str(&b), "{} x");
	buf_fini(&b);
}

static void numbers_are_for_people(void **state)
{
	char t[HTML_TIME_MAX];

	(void)state;
	html_duration(0, t);
	assert_string_equal(t, "0:00");
	html_duration(61500000, t);
	assert_string_equal(t, "1:02");
	html_duration(3723000000LL, t);
	assert_string_equal(t, "1:02:03");
	html_bytes(999, t);
	assert_string_equal(t, "999 bytes");
	html_bytes(12345678, t);
	assert_string_equal(t, "12.3 MB");
	html_time(1781092800000000LL, t);
	assert_string_equal(t, "2026-06-10 12:00");
	html_time(0, t);
	assert_string_equal(t, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_can_not_become_markup),
		cmocka_unit_test(an_argument_with_a_hole_stays_text),
		cmocka_unit_test(numbers_are_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
