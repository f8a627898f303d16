/* Scopes: what may be asked for, and what is left of what is stored. */
#include "auth/scope.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <string.h>

static void a_part_of_what_was_granted_is_read(void **state)
{
	static const struct {
		const char *asked, *granted, *got;
	} table[] = {
		{ NULL, SCOPE_GRANT, SCOPE_GRANT },
		{ NULL, SCOPE_SIP, SCOPE_SIP },
		{ "recordings", SCOPE_GRANT, "recordings" },
		{ "recordings call-recording", SCOPE_GRANT, SCOPE_GRANT },
		{ "recordings recordings", SCOPE_API, "recordings" },
	};
	char s[TOKEN_SCOPE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(
			scope_read(table[i].asked, table[i].granted, s), 0);
		assert_string_equal(s, table[i].got);
	}
}

static void all_else_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"admin",
		"root",
		"admin users:write",
		"recordings admin",
		"recordings\r\nadmin",
		"recordings \"",
		"\"recordings\"",
		"recordings\\",
		"recordings\t",
		" recordings",
		"recordings ",
		"recordings  call-recording",
		"Recordings",
		"recording",
		"recordings\x7f",
		"recordings\xc3\xa9",
		"recordings,call-recording",
	};
	char s[TOKEN_SCOPE_MAX] = "untouched", big[SCOPE_ASKED_MAX + 64] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(scope_read(bad[i], SCOPE_GRANT, s), -EINVAL);
	assert_int_equal(scope_read(SCOPE_API, SCOPE_SIP, s), -EINVAL);
	assert_int_equal(scope_read(SCOPE_GRANT, SCOPE_SIP, s), -EINVAL);
	while (strlen(big) <= SCOPE_ASKED_MAX)
		memcpy(big + strlen(big), "recordings ", 12);
	big[strlen(big) - 1] = '\0';
	assert_int_equal(scope_read(big, SCOPE_GRANT, s), -EINVAL);
	assert_string_equal(s, "untouched");
}

static void what_is_stored_is_cut_down(void **state)
{
	char s[TOKEN_SCOPE_MAX];

	(void)state;
	assert_true(scope_cut("admin  recordings \"x\"", SCOPE_GRANT, s));
	assert_string_equal(s, "recordings");
	assert_true(scope_cut(SCOPE_GRANT, SCOPE_SIP, s));
	assert_string_equal(s, SCOPE_SIP);
	assert_false(scope_cut("admin users:write", SCOPE_GRANT, s));
	assert_string_equal(s, "");
	assert_false(scope_cut(SCOPE_API, "admin", s));
	assert_false(scope_cut(NULL, NULL, s));
}

static void words_are_whole(void **state)
{
	(void)state;
	assert_true(scope_has(SCOPE_GRANT, SCOPE_API));
	assert_false(scope_has("call-recording", "recording"));
	assert_false(scope_has("recordings2", "recordings"));
	assert_false(scope_has("", SCOPE_API));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_part_of_what_was_granted_is_read),
		cmocka_unit_test(all_else_is_refused),
		cmocka_unit_test(what_is_stored_is_cut_down),
		cmocka_unit_test(words_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
