#include "base/cursor.h"

#include "tests/support/unit.h"

static void numbers_are_read_in_order(void **state)
{
	static const uint8_t data[] = { 1,  2, 3, 4, 5, 6, 7, 8, 9,
					10, 1, 2, 3, 4, 5, 6, 7, 8 };
	struct cursor c;
	uint64_t u64;
	uint32_t u32;
	uint16_t u16;
	uint8_t u8;

	(void)state;
	cur_init(&c, data, sizeof(data));
	assert_true(cur_u8(&c, &u8));
	assert_int_equal(u8, 1);
	assert_true(cur_be16(&c, &u16));
	assert_int_equal(u16, 0x0203);
	assert_true(cur_be24(&c, &u32));
	assert_int_equal(u32, 0x040506);
	assert_true(cur_be32(&c, &u32));
	assert_int_equal(u32, 0x0708090a);
	assert_true(cur_be64(&c, &u64));
	assert_true(u64 == 0x0102030405060708);
	assert_int_equal(cur_left(&c), 0);
	assert_false(cur_u8(&c, &u8));
	cur_init(&c, data, sizeof(data));
	assert_true(cur_le16(&c, &u16) && u16 == 0x0201);
	assert_true(cur_le32(&c, &u32) && u32 == 0x06050403);
	assert_true(cur_skip(&c, 4));
	assert_true(cur_le64(&c, &u64) && u64 == 0x0807060504030201);
}

static void too_short_changes_nothing(void **state)
{
	static const uint8_t data[] = { 1, 2, 3 };
	struct cursor c;
	const uint8_t *p = NULL;
	uint64_t u64 = 99;
	uint32_t u32 = 99;

	(void)state;
	cur_init(&c, data, sizeof(data));
	assert_false(cur_be32(&c, &u32));
	assert_false(cur_le32(&c, &u32));
	assert_false(cur_be64(&c, &u64));
	assert_false(cur_le64(&c, &u64));
	assert_false(cur_take(&c, 4, &p));
	assert_false(cur_skip(&c, SIZE_MAX));
	assert_int_equal(u32, 99);
	assert_int_equal(u64, 99);
	assert_null(p);
	assert_int_equal(cur_left(&c), 3);
	assert_true(cur_take(&c, 3, &p));
	assert_ptr_equal(p, data);
}

static void lines_end_in_crlf_lf_or_cr(void **state)
{
	static const char text[] = "a\r\nb\nc\rd\r\n\r\nlast";
	static const char *const want[] = { "a", "b", "c", "d", "", "last" };
	struct cursor c;
	struct span line;
	size_t i;

	(void)state;
	cur_init(&c, text, sizeof(text) - 1);
	for (i = 0; i < 6; i++) {
		assert_true(cur_line(&c, &line));
		assert_true(span_eq(line, want[i]));
	}
	assert_false(cur_line(&c, &line));
}

static void nothing_is_an_empty_input(void **state)
{
	struct cursor c;
	struct span line;
	uint8_t b;

	(void)state;
	cur_init(&c, NULL, 0);
	assert_int_equal(cur_left(&c), 0);
	assert_false(cur_u8(&c, &b));
	assert_false(cur_line(&c, &line));
	assert_true(cur_skip(&c, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_read_in_order),
		cmocka_unit_test(too_short_changes_nothing),
		cmocka_unit_test(lines_end_in_crlf_lf_or_cr),
		cmocka_unit_test(nothing_is_an_empty_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
