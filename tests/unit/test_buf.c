#include "base/buf.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

static void an_empty_buffer_is_an_empty_string(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_fini(&b); /* a zeroed struct is fine */
	buf_init(&b, 10);
	assert_string_equal(buf_str(&b), "");
	assert_int_equal(buf_put(&b, NULL, 0), 0);
	assert_string_equal(buf_str(&b), "");
	buf_fini(&b);
}

static void numbers_have_their_byte_order(void **state)
{
	static const uint8_t want[] = { 1, 1, 2, 1, 2, 3, 4, 1, 2, 3,
					4, 5, 6, 7, 8, 2, 1, 4, 3, 2,
					1, 8, 7, 6, 5, 4, 3, 2, 1 };
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	buf_u8(&b, 1);
	buf_be16(&b, 0x0102);
	buf_be32(&b, 0x01020304);
	buf_be64(&b, 0x0102030405060708);
	buf_le16(&b, 0x0102);
	buf_le32(&b, 0x01020304);
	buf_le64(&b, 0x0102030405060708);
	assert_int_equal(buf_error(&b), 0);
	assert_int_equal(b.len, sizeof(want));
	assert_memory_equal(b.data, want, sizeof(want));
	buf_fini(&b);
}

static void the_limit_is_exact_and_the_error_sticks(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	assert_int_equal(buf_puts(&b, "12345"), 0);
	assert_int_equal(buf_putc(&b, '6'), -ENOBUFS);
	assert_string_equal(buf_str(&b), "12345");
	buf_consume(&b, 3);
	assert_int_equal(buf_putc(&b, '6'), -ENOBUFS);
	assert_int_equal(buf_error(&b), -ENOBUFS);
	buf_reset(&b);
	assert_int_equal(buf_printf(&b, "%d", 12345), 0);
	assert_int_equal(buf_printf(&b, "%s", "x"), -ENOBUFS);
	assert_null(buf_steal(&b));
	buf_fini(&b);
}

static void no_memory_is_an_error_that_sticks(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	mem_fail_after(0);
	assert_int_equal(buf_puts(&b, "x"), -ENOMEM);
	mem_fail_after(-1);
	assert_int_equal(buf_puts(&b, "x"), -ENOMEM);
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

static void json_and_html_are_escaped(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_int_equal(buf_json(&b, "a\"b\\c\n\x01\x7f\xc3\xa9", 10), 0);
	assert_string_equal(buf_str(&b),
			    "a\\\"b\\\\c\\n\\u0001\\u007f\xc3\xa9");
	buf_reset(&b);
	assert_int_equal(buf_html(&b, "<a href=\"x\">&'"), 0);
	assert_string_equal(buf_str(&b),
			    "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
	buf_fini(&b);
}

static void an_escape_that_does_not_fit_leaves_nothing(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 8);
	buf_puts(&b, "ab");
	assert_int_equal(buf_json(&b, "1\"2\"3\"4", 7), -ENOBUFS);
	assert_string_equal(buf_str(&b), "ab");
	buf_reset(&b);
	buf_puts(&b, "ab");
	assert_int_equal(buf_html(&b, "1<2"), 0);
	assert_int_equal(buf_html(&b, "<"), -ENOBUFS);
	assert_string_equal(buf_str(&b), "ab1&lt;2");
	buf_fini(&b);
}

static void consume_drops_the_front(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	buf_puts(&b, "hello world");
	buf_consume(&b, 6);
	assert_string_equal(buf_str(&b), "world");
	buf_consume(&b, 100);
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

static void steal_gives_the_content_and_empties(void **state)
{
	struct buf b;
	char *s;

	(void)state;
	buf_init(&b, 1000);
	s = buf_steal(&b);
	assert_string_equal(s, "");
	mem_free(s);
	buf_puts(&b, "x");
	s = buf_steal(&b);
	assert_string_equal(s, "x");
	mem_free(s);
	assert_int_equal(b.len, 0);
	assert_int_equal(buf_puts(&b, "again"), 0);
	buf_fini(&b);
}

static void growing_keeps_the_content(void **state)
{
	struct buf b;
	int i;

	(void)state;
	buf_init(&b, 100000);
	for (i = 0; i < 10000; i++)
		buf_putc(&b, (char)('a' + i % 26));
	assert_int_equal(buf_error(&b), 0);
	for (i = 0; i < 10000; i++)
		assert_int_equal(b.data[i], 'a' + i % 26);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_buffer_is_an_empty_string),
		cmocka_unit_test(numbers_have_their_byte_order),
		cmocka_unit_test(the_limit_is_exact_and_the_error_sticks),
		cmocka_unit_test(no_memory_is_an_error_that_sticks),
		cmocka_unit_test(json_and_html_are_escaped),
		cmocka_unit_test(an_escape_that_does_not_fit_leaves_nothing),
		cmocka_unit_test(consume_drops_the_front),
		cmocka_unit_test(steal_gives_the_content_and_empties),
		cmocka_unit_test(growing_keeps_the_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
