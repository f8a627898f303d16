#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "srs/sip/name_addr.h"

/* "name|uri" of every value, one a line */
static const char *read_all(const char *field)
{
	static char out[1024];
	struct span rest = span_of(field);
	struct name_addr a;

	out[0] = '\0';
	while (name_addr_take(&rest, &a)) {
		char name[NAME_ADDR_TEXT_MAX];
		size_t n = strlen(out);

		name_addr_display(&a, name);
		(void)snprintf(out + n, sizeof(out) - n, "%s%s|%.*s",
			       n ? "\n" : "", name, SPAN_ARG(a.uri));
	}
	return out;
}

static void name_addr_reads_every_form(void **state)
{
	static const char *const table[][2] = {
		{ "\"Alice\" <sip:a@b;user=phone>;tag=1",
		  "Alice|sip:a@b;user=phone" },
		{ "Alice Smith<sip:a@b>", "Alice Smith|sip:a@b" },
		{ "<sip:a@b>", "|sip:a@b" },
		{ "sip:a@b;tag=1", "|sip:a@b" },
		{ "\"Joe \\\"Boss\\\" D\\\\o\" <sip:a@b>",
		  "Joe \"Boss\" D\\o|sip:a@b" },
		{ "\"Joe \"Boss\" Doe\" <sip:a@b>",
		  "Joe \"Boss\" Doe|sip:a@b" },
		{ "\"a <x>, b\" <sip:a@b>, <tel:+1>",
		  "a <x>, b|sip:a@b\n|tel:+1" },
		{ "Smith, Joe <sip:a@b>,\"J\" <tel:+44>",
		  "Smith, Joe|sip:a@b\nJ|tel:+44" },
		{ "\"Zoë Grün\" <sip:z@b>", "Zoë Grün|sip:z@b" },
		{ "\"\" <sip:a@b>", "|sip:a@b" },
		{ "\"open <sip:a@b>", "\"open|sip:a@b" },
		{ "\"x\" <", "" },
		{ " , ,", "" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		assert_string_equal(read_all(table[i][0]), table[i][1]);
}

static void name_addr_keeps_what_follows(void **state)
{
	struct span rest = SPAN("\"A\" <sip:a@b>;party=called, <sip:c@d>");
	struct name_addr a;

	(void)state;
	assert_true(name_addr_take(&rest, &a));
	assert_true(
		span_eq(span_trim(a.whole), "\"A\" <sip:a@b>;party=called"));
	assert_true(name_addr_take(&rest, &a));
	assert_true(span_eq(a.uri, "sip:c@d"));
	assert_false(name_addr_take(&rest, &a));
}

static void long_names_are_cut_between_characters(void **state)
{
	char text[700], name[NAME_ADDR_TEXT_MAX];
	struct name_addr a = { .display = { text, 0 } };

	(void)state;
	text[0] = 'x';
	for (size_t i = 0; i < 300; i++)
		memcpy(text + 1 + 2 * i, "\xc3\xbc", 2);
	a.display.len = 601;
	name_addr_display(&a, name);
	assert_int_equal(strlen(name), 255);
	assert_true(str_utf8_ok(name, strlen(name)));
	a.display.p++;
	a.display.len--;
	name_addr_display(&a, name);
	assert_int_equal(strlen(name), 254);
}

static void only_names_of_people_are_names(void **state)
{
	static const char *const people[] = { "Alice",	     "Alice Smith",
					      "O'Neil",	     "李雷",
					      "Server, Ann", "Cisco Kid",
					      "Room 12",     "1st Floor" };
	static const char *const others[] = {
		"",
		" ",
		"2025550143",
		"+1 (202) 555-0143",
		"Anonymous",
		"unknown caller",
		"BroadWorks",
		"broadworks",
		"Cisco SIPGateway/15",
		"SIP Recorder",
		"SRC-1.2",
		"sip:alice@voip.example",
		"alice@voip.example",
		"MyPBX",
		"(null)",
	};
	struct span agent = SPAN("MyPBX/1.0 (x)");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(people); i++)
		assert_true(name_is_persons(people[i], agent));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(name_is_persons(others[i], agent));
	assert_true(name_is_persons("MyPBX", (struct span){ "", 0 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_addr_reads_every_form),
		cmocka_unit_test(name_addr_keeps_what_follows),
		cmocka_unit_test(long_names_are_cut_between_characters),
		cmocka_unit_test(only_names_of_people_are_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
