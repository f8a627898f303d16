#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "base/buf.h"
#include "base/mem.h"
#include "srs/sip/refer_to.h"

#define R "Replaces=a%40b%3Bto-tag%3Dt%3Bfrom-tag%3Df"

static const struct {
	const char *value, *uri, *call_id;
	unsigned streams;
} good[] = {
	{ "<sip:src@192.0.2.7:5070>", "sip:src@192.0.2.7:5070", "", 0 },
	{ "sips:192.0.2.7", "sips:192.0.2.7", "", 0 },
	{ "\"a <b, c\" <sip:a@[::1];transport=tcp>;x=y",
	  "sip:a@[::1];transport=tcp", "", 0 },
	{ "sip:a@192.0.2.7;transport=tcp", "sip:a@192.0.2.7;transport=tcp", "",
	  0 },
	{ "<sip:a@192.0.2.7;method=INVITE;ob>", "sip:a@192.0.2.7;ob", "", 0 },
	{ "<sip:a@192.0.2.7?" R ">", "sip:a@192.0.2.7", "a@b", 0 },
	{ "<sip:a@192.0.2.7?" R "&Require=replaces> ; streams = 3",
	  "sip:a@192.0.2.7", "a@b", 3 },
	{ "<sip:a@192.0.2.7?require=siprec%2C%20replaces>", "sip:a@192.0.2.7",
	  "", 0 },
};

static void refer_to_takes_what_it_knows(void **state)
{
	struct refer_to to;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(good); i++) {
		assert_null(refer_to_parse(span_of(good[i].value), &to));
		assert_string_equal(to.uri, good[i].uri);
		assert_string_equal(to.replaces.call_id, good[i].call_id);
		assert_int_equal(to.streams, good[i].streams);
	}
	assert_null(refer_to_parse(span_of(good[5].value), &to));
	assert_string_equal(to.replaces.local_tag, "t");
	assert_string_equal(to.replaces.remote_tag, "f");
}

static void refer_to_refuses_the_rest(void **state)
{
	static const char *const bad[] = {
		"<sip:srs_at_a.b@192.0.2.7>",
		"<sip:a@192.0.2.7?Replaces=srs_rt_a%3Bto-tag%3D1"
		"%3Bfrom-tag%3D2>",
		"",
		"<>",
		"<sip:a@192.0.2.7",
		"tel:+441",
		"<http://192.0.2.7/>",
		"<sip:a@192.0.2.7?Subject=x>",
		"<sip:a@192.0.2.7?body=x>",
		"<sip:a@192.0.2.7?Route=%3Csip%3A192.0.2.9%3E>",
		"<sip:a@192.0.2.7?Require=100rel>",
		"<sip:a@192.0.2.7?Replaces=a>",
		"<sip:a@192.0.2.7?Replaces=a%3Bto-tag%3Dt>",
		"<sip:a@192.0.2.7?" R "&" R ">",
		"<sip:a@192.0.2.7?" R "%3Bearly-only>",
		"<sip:a@192.0.2.7?" R "%0D%0AVia:x>",
		"<sip:a@192.0.2.7?" R "%>",
		"<sip:a@192.0.2.7?" R "%00>",
		"<sip:a@192.0.2.7?Require=siprec&Require=siprec&Require=siprec&"
		"Require=siprec&" R ">",
		"<sip:a@192.0.2.7;method=BYE>",
		"<sip:a@192.0.2.7;maddr=192.0.2.9>",
		"<sip:a@192.0.2.7;ttl=1>",
		"<sip:a@192.0.2.7>, <sip:b@192.0.2.7>",
		"<sip:a@192.0.2.7>;x=1,<sip:b@192.0.2.7>",
		"sip:a@192.0.2.7, sip:b@192.0.2.7",
		"sip:a@192.0.2.7?" R,
		"<sip:a b@192.0.2.7>",
		"<sip:a@192.0.2.7\x01>",
		"<sip:\xc3\xa9@192.0.2.7>",
		"<sip:a@192.0.2.7>;streams=0",
		"<sip:a@192.0.2.7>;streams=33",
	};
	struct refer_to to = { .streams = 7 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		assert_non_null(refer_to_parse(span_of(bad[i]), &to));
	assert_int_equal(to.streams, 7);
}

static void refer_to_has_limits(void **state)
{
	char text[REFER_TO_MAX + 2];
	struct refer_to to;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, "sip:", 4);
	text[sizeof(text) - 1] = '\0';
	assert_non_null(refer_to_parse(span_of(text), &to));
	text[REFER_URI_MAX] = '\0';
	assert_non_null(refer_to_parse(span_of(text), &to));
	text[REFER_URI_MAX - 1] = '\0';
	assert_null(refer_to_parse(span_of(text), &to));
	memcpy(text, "sip:a;a", 7); /* the same limit with parameters */
	assert_null(refer_to_parse(span_of(text), &to));
	assert_string_equal(to.uri, text);
}

static void replaces_is_read_and_printed(void **state)
{
	struct sip_dialog_id id;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_int_equal(replaces_parse(span_of("98732@sip.example.com"
						" ;from-tag=r33th4x0r"
						" ;to-tag=ff87ff;x=y"),
					&id),
			 0);
	replaces_print(&id, &b);
	assert_string_equal(
		buf_str(&b),
		"98732@sip.example.com;to-tag=ff87ff;from-tag=r33th4x0r");
	buf_reset(&b);
	uri_escape("a@b;to-tag=1 %", &b);
	assert_string_equal(buf_str(&b), "a%40b%3Bto-tag%3D1%20%25");
	buf_fini(&b);
	assert_int_equal(replaces_parse(span_of("a;to-tag=1;to-tag=2;"
						"from-tag=3"),
					&id),
			 -EINVAL);
	assert_int_equal(replaces_parse(span_of("a b;to-tag=1;from-tag=3"),
					&id),
			 -EINVAL);
}

static void target_dialog_is_seen_from_the_other_side(void **state)
{
	struct sip_dialog_id id;

	(void)state;
	assert_int_equal(
		target_dialog_parse(
			span_of("x@y;local-tag=theirs;remote-tag=ours"), &id),
		0);
	assert_string_equal(id.local_tag, "ours");
	assert_string_equal(id.remote_tag, "theirs");
}

static void sipfrag_status_is_a_number(void **state)
{
	static const struct {
		const char *body;
		int status;
	} cases[] = {
		{ "SIP/2.0 200 OK\r\n", 200 },
		{ "SIP/2.0 603 Declined\r\nTo: x\r\n", 603 },
		{ "SIP/2.0 180\r\n", 180 },
		{ "SIP/2.0 99 x\r\n", -EBADMSG },
		{ "SIP/2.0 700 x\r\n", -EBADMSG },
		{ "SIP/2.0 x\r\n", -EBADMSG },
		{ "INVITE sip:a SIP/2.0\r\n", -EBADMSG },
		{ "", -EBADMSG },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(sipfrag_status(span_of(cases[i].body)),
				 cases[i].status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refer_to_takes_what_it_knows),
		cmocka_unit_test(refer_to_refuses_the_rest),
		cmocka_unit_test(refer_to_has_limits),
		cmocka_unit_test(replaces_is_read_and_printed),
		cmocka_unit_test(target_dialog_is_seen_from_the_other_side),
		cmocka_unit_test(sipfrag_status_is_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
