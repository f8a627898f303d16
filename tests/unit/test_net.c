#include "base/net.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <string.h>

static struct net_addr addr(const char *text)
{
	struct net_addr a;

	if (!net_addr_parse(span_of(text), &a))
		fail_msg("%s", text);
	return a;
}

static void addresses_are_read_strictly(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"1.2.3",
		"1.2.3.4.5",
		"1.2.3.256",
		"01.2.3.4",
		"1.2.3.4 ",
		"1.2.3.4:5",
		"[::1]",
		"::1%lo",
		"fe80::1%eth0",
		"localhost",
		"::g",
		"0x7f.0.0.1",
		"2130706433",
		"1.2.3.4/32",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999",
	};
	struct net_addr a = addr("::ffff:192.0.2.1"), b = addr("192.0.2.1");
	char text[NET_TEXT_MAX];

	(void)state;
	assert_memory_equal(&a, &b, sizeof(a));
	net_addr_text(&a, text);
	assert_string_equal(text, "192.0.2.1");
	a = addr("2001:DB8:0::1");
	net_addr_text(&a, text);
	assert_string_equal(text, "2001:db8::1");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (net_addr_parse(span_of(bad[i]), &a))
			fail_msg("%s", bad[i]);
	assert_false(net_addr_parse(SPAN("1.2.3.4\0"), &a));
}

static void a_list_holds_what_it_says(void **state)
{
	static const struct {
		const char *list, *in, *out;
	} table[] = {
		{ "192.0.2.7", "192.0.2.7", "192.0.2.8" },
		{ "192.0.2.7", "::ffff:192.0.2.7", "::192.0.2.7" },
		{ "10.0.0.0/8", "10.255.1.2", "11.0.0.0" },
		{ "0.0.0.0/0", "8.8.8.8", "2001:db8::1" },
		{ "::/0", "8.8.8.8", NULL },
		{ "2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1" },
		{ "1.1.1.1, 2.2.2.2 ,3.3.3.2/31", "3.3.3.3", "3.3.3.4" },
		{ "1.1.1.1 ::1", "::1", "::2" },
		{ "", NULL, "127.0.0.1" },
		{ " , ,", NULL, "127.0.0.1" },
	};
	struct net_list list;
	struct net_addr a;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *in = table[i].in, *out = table[i].out;

		assert_int_equal(net_list_parse(span_of(table[i].list), &list),
				 0);
		if (in)
			a = addr(in);
		if (in && !net_list_has(&list, &a))
			fail_msg("%s lacks %s", table[i].list, in);
		if (out)
			a = addr(out);
		if (out && net_list_has(&list, &a))
			fail_msg("%s has %s", table[i].list, out);
	}
}

static void broken_lists_are_refused(void **state)
{
	static const char *const bad[] = {
		"proxy.example", "10.0.0.1/8",	     "10.0.0.0/33", "10.0.0.0/",
		"10.0.0.0/-1",	 "::/129",	     "::1/64",	    "/8",
		"10.0.0.0/8/8",	 "1.1.1.1; 2.2.2.2", "*",
	};
	struct net_list list = { .n = 7 };
	char many[NET_LIST_MAX * 8 + 16] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (net_list_parse(span_of(bad[i]), &list) != -EINVAL)
			fail_msg("%s", bad[i]);
	for (size_t i = 0; i <= NET_LIST_MAX; i++)
		memcpy(many + i * 8, "1.1.1.1,", 9);
	assert_int_equal(net_list_parse(span_of(many), &list), -E2BIG);
	assert_int_equal(list.n, 7); /* unchanged */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_strictly),
		cmocka_unit_test(a_list_holds_what_it_says),
		cmocka_unit_test(broken_lists_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
