#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "auth/codec_name.h"
#include "auth/identity.h"
#include "base/mem.h"
#include "base/number.h"

struct form_case {
	const char *text, *sip, *tel;
};

static void identity_has_two_forms(void **state)
{
	static const struct form_case cases[] = {
		{ "sip:alice@voip.example", "sip:alice@voip.example", "" },
		{ "SIP:alice@VoIP.Example", "sip:alice@voip.example", "" },
		{ "sips:alice@voip.example", "sip:alice@voip.example", "" },
		{ "sip:alice@voip.example:5060", "sip:alice@voip.example", "" },
		{ "sips:alice@voip.example:5061", "sip:alice@voip.example",
		  "" },
		{ "sip:alice@voip.example:05060", "sip:alice@voip.example",
		  "" },
		{ "sip:alice@voip.example:5080", "sip:alice@voip.example:5080",
		  "" },
		{ "sip:Alice@voip.example", "sip:Alice@voip.example", "" },
		{ "sip:alice:secret@voip.example", "sip:alice@voip.example",
		  "" },
		{ "sip:%61lice@voip.example", "sip:alice@voip.example", "" },
		{ "sip:a%40b@voip.example", "sip:a%40b@voip.example", "" },
		{ "sip:alice@voip.example.;lr?x=y", "sip:alice@voip.example",
		  "" },
		{ "\"Al <sip:x@y> \\\"\" <sip:alice@voip.example>;tag=1",
		  "sip:alice@voip.example", "" },
		{ "Alice <sip:alice@voip.example;noa=private>;x=1",
		  "sip:alice@voip.example", "" },
		{ "sip:+44-20.7946(0001)@gw.example;user=phone",
		  "sip:+44-20.7946(0001)@gw.example", "tel:+442079460001" },
		{ "sip:+442079460001@gw.example",
		  "sip:+442079460001@gw.example", "tel:+442079460001" },
		{ "sip:%2b442079460001@gw.example",
		  "sip:+442079460001@gw.example", "tel:+442079460001" },
		{ "sip:+442079460001;ext=9@gw.example",
		  "sip:+442079460001@gw.example", "tel:+442079460001" },
		{ "sip:1001@gw.example", "sip:1001@gw.example", "" },
		{ "sip:1001@gw.example;user=phone", "sip:1001@gw.example",
		  "tel:1001" },
		{ "tel:+44-20-7946-0001;ext=1", "", "tel:+442079460001" },
		{ "TEL:+442079460001", "", "tel:+442079460001" },
		{ "+44 (20) 7946 0001", "", "tel:+442079460001" },
		{ "alice@VOIP.example", "sip:alice@voip.example", "" },
		{ "1001", "", "tel:1001" },
		{ "sip:2025550143", "sip:2025550143", "tel:2025550143" },
		{ "sip:+12025550143", "sip:+12025550143", "tel:+12025550143" },
		{ "<sip:202-555-0143;user=phone>", "sip:202-555-0143",
		  "tel:2025550143" },
		{ "sip:192.0.2.1", "sip:192.0.2.1", "" },
		{ "192.0.2.1", " 192.0.2.1", "" },
		{ "(202) 555-0143", "", "tel:2025550143" },
		{ "+44 (0)20 7946 0001", "", "tel:+442079460001" },
		{ "tel:7946-0001;phone-context=+44-20", "",
		  "tel:+442079460001" },
		{ "tel:020 7946 0001;phone-context=+44", "",
		  "tel:+442079460001" },
		{ "tel:7042;phone-context=Example.COM", "sip:7042@example.com",
		  "" },
		{ "sip:5550143;phone-context=+1202@gw.example;user=phone",
		  "sip:5550143@gw.example", "tel:+12025550143" },
		{ "voip.example", " voip.example", "" },
		{ "urn:service:sos", " urn:service:sos", "" },
		{ "mailto:alice@voip.example", " mailto:alice@voip.example",
		  "" },
		{ "tel:nobody", " tel:nobody", "" },
		{ "sip:a@b@c.example", " sip:a@b@c.example", "" },
		{ "sip:[2001:DB8::1]", "sip:[2001:db8::1]", "" },
		{ "sip:x@[2001:DB8::1]:5060", "sip:x@[2001:db8::1]", "" },
		{ "  sip:alice@voip.example \r\n", "sip:alice@voip.example",
		  "" },
	};
	struct identity id;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(&id, 0, sizeof(id));
		assert_int_equal(identity_parse(cases[i].text, &id), 0);
		assert_string_equal(id.sip, cases[i].sip);
		assert_string_equal(id.tel, cases[i].tel);
	}
	assert_int_equal(identity_parse("", &id), -EINVAL);
	assert_int_equal(identity_parse(NULL, &id), -EINVAL);
	assert_int_equal(identity_parse("<>", &id), -EINVAL);
}

static void identity_refuses_what_is_too_long(void **state)
{
	char text[1000];
	struct identity id;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "sip:", 4);
	text[500] = '@';
	assert_int_equal(identity_parse(text, &id), -E2BIG);
	text[500] = 'a';
	assert_int_equal(identity_parse(text, &id), -E2BIG);
}

struct plan_case {
	const char *country, *digits, *first, *second;
};

static void number_has_a_global_form(void **state)
{
	static const struct plan_case cases[] = {
		{ "1", "2025550143", "+12025550143", "+2025550143" },
		{ "1", "12025550143", "+12025550143", "" },
		{ "1", "011442079460001", "+442079460001", "" },
		{ "1", "5550143", "", "" },
		{ "1", "1555014300", "", "+1555014300" },
		{ "44", "02079460001", "+442079460001", "" },
		{ "44", "00442079460001", "+442079460001", "" },
		{ "44", "442079460001", "+442079460001", "+44442079460001" },
		{ "44", "2079460001", "+442079460001", "+2079460001" },
		{ "44", "001001", "", "" },
		{ "44", "1001", "", "" },
		{ "44", "441001", "", "" },
		{ "44", "01001", "", "" },
		{ "39", "0612345678", "+390612345678", "" },
		{ "47", "22334455", "+4722334455", "" },
		{ "354", "5551234", "+3545551234", "" },
		{ "7", "84951234567", "+74951234567", "" },
		{ "7", "9161234567", "+79161234567", "+9161234567" },
		{ "49", "0301234567", "+49301234567", "" },
		{ "", "00442079460001", "+442079460001", "" },
		{ "", "2025550143", "", "" },
		{ "44", "1234567890123456789", "", "" },
	};
	char first[NUMBER_MAX], second[NUMBER_MAX];
	struct number_plan plan;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct plan_case *t = &cases[i];

		assert_int_equal(number_plan_set(&plan, t->country, "auto", ""),
				 0);
		assert_int_equal(number_global(&plan, t->digits, first, second),
				 t->first[0] != '\0');
		assert_string_equal(first, t->first);
		assert_string_equal(second, t->second);
	}
	assert_int_equal(number_plan_set(&plan, "44", "none", "9"), 0);
	assert_true(number_global(&plan, "9442079460001", first, NULL));
	assert_string_equal(first, "+442079460001");
	assert_int_equal(number_plan_set(&plan, "044", "", ""), -EINVAL);
	assert_int_equal(number_plan_set(&plan, "44", "x", ""), -EINVAL);
	assert_int_equal(number_plan_set(&plan, "44", "", "123456"), -EINVAL);
	assert_int_equal(number_country_len("12"), 1);
	assert_int_equal(number_country_len("44"), 2);
	assert_int_equal(number_country_len("3725"), 3);
	assert_int_equal(number_country_len("37"), 0);
}

struct number_case {
	const char *country, *pattern, *id;
	bool allow, deny;
};

/* Who is asked for by number takes part in whatever form a client writes it;
 * nobody else does. */
static void numbers_match_numbers(void **state)
{
#define US "tel:+12025550143"
#define UK "tel:+442079460001"
	static const struct number_case cases[] = {
		{ "1", US, "2025550143", true, true },
		{ "1", US, "sip:2025550143", true, true },
		{ "1", US, "sip:2025550143;user=phone", true, true },
		{ "1", US, "sip:12025550143@192.0.2.7", true, true },
		{ "1", US, "sip:2025550143@192.0.2.7", true, true },
		{ "1", US, "sip:202-555-0143@gw;user=phone", true, true },
		{ "1", US, "sip:+12025550143@webex.example;user=phone", true,
		  true },
		{ "1", US, "tel:(202)555-0143", true, true },
		{ "1", US, "tel:5550143;phone-context=+1202", true, true },
		{ "1", US, "5550143", false, false },
		{ "1", US, "0143", false, false },
		{ "1", US, "2025550144", false, false },
		{ "1", US, "sip:2025550143x@gw", false, false },
		{ "44", UK, "020 7946 0001", true, true },
		{ "44", UK, "0044 20 7946 0001", true, true },
		{ "44", UK, "sip:02079460001@gw", true, true },
		{ "44", UK, "442079460001", true, true },
		{ "44", "tel:+441001", "1001", false, false },
		{ "44", "tel:+441001", "sip:1001@gw;user=phone", false, false },
		{ "44", "tel:+441001", "01001", false, false },
		{ "44", "tel:+44*", "1001", false, false },
		{ "44", "tel:+44*", "sip:1001@gw", false, false },
		{ "44", "tel:+44*", "02079460001", true, true },
		{ "44", "tel:+44*", "sip:02079460001@gw", true, true },
		/* more like an account, but kept out all the same */
		{ "44", "tel:+44*", "sip:20794600@gw", false, true },
		/* no other country's, unless that must be kept out */
		{ "44", US, "2025550143", false, false },
		{ "44", US, "12025550143", false, true },
		{ "44", "tel:+1*", "12025550143", false, true },
		/* nobody said a country: that of the number */
		{ "", US, "2025550143", true, true },
		{ "", US, "sip:2025550143@gw", true, true },
		{ "", US, "5550143", false, false },
		{ "", UK, "02079460001", true, true },
		{ "", "tel:+44*", "02079460001", false, false },
		{ "", "tel:+44*", "00442079460001", true, true },
		/* an address of digits */
		{ "1", "sip:2025550143@voip.example", "2025550143", true,
		  true },
		{ "1", "sip:2025550143@voip.example", US, true, true },
		{ "1", "sip:2025550143@voip.example",
		  "sip:2025550143@other.example", false, true },
		{ "1", "sip:2025550143@voip.example",
		  "sip:2025550143@192.0.2.7;user=phone", true, true },
		{ "1", "sip:1001@voip.example", "1001", false, false },
		{ "1", "sip:1001@voip.example", "sip:1001@other.example", false,
		  false },
	};
	struct number_plan plan;
	struct id_pattern p;
	struct identity id;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct number_case *t = &cases[i];
		bool allow, deny;

		assert_int_equal(number_plan_set(&plan, t->country, "", ""), 0);
		assert_int_equal(id_pattern_init(&p, t->pattern), 0);
		memset(&id, 0, sizeof(id));
		assert_int_equal(identity_parse(t->id, &id), 0);
		allow = id_pattern_match(&p, &plan, &id, false);
		deny = id_pattern_match(&p, &plan, &id, true);
		if (allow != t->allow || deny != t->deny)
			fail_msg("%s: %s and %s: %d %d", t->country, t->pattern,
				 t->id, allow, deny);
		id_pattern_fini(&p);
	}
}

static void identities_are_the_same_number(void **state)
{
	static const struct number_case cases[] = {
		{ "1", US, "2025550143", true, false },
		{ "1", "sip:2025550143@a", "2025550143", true, false },
		{ "1", "sip:2025550143@a", "sip:2025550143@b", false, false },
		{ "1", "1001", "sip:1001@b", false, false },
		{ "1", "1001", "tel:1001", true, false },
		{ "", US, "sip:2025550143@a", true, false },
		{ "", UK, "sip:2025550143@a", false, false },
		{ "", "2025550143", "sip:2025550143", true, false },
		{ "", "tel:7042;phone-context=a.example",
		  "tel:7042;phone-context=b.example", false, false },
	};
	struct identity a, b;
	struct number_plan plan;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct number_case *t = &cases[i];

		assert_int_equal(number_plan_set(&plan, t->country, "", ""), 0);
		assert_int_equal(identity_parse(t->pattern, &a), 0);
		assert_int_equal(identity_parse(t->id, &b), 0);
		if (identity_same(&plan, &a, &b) != t->allow ||
		    identity_same(&plan, &b, &a) != t->allow)
			fail_msg("%s: %s and %s", t->country, t->pattern,
				 t->id);
	}
}

struct pattern_case {
	const char *pattern, *id;
	bool allow, deny;
};

static void pattern_matches_either_form(void **state)
{
	static const struct pattern_case cases[] = {
		{ "sip:alice@a.example", "sip:alice@A.EXAMPLE", true, true },
		{ "sip:alice@a.example", "sips:alice@a.example:5061", true,
		  true },
		{ "sips:alice@a.example", "sip:alice@a.example", true, true },
		{ "sip:alice@a.example", "sip:bob@a.example", false, false },
		{ "sip:alice@a.example", "sip:alice@a.example:5080", false,
		  true },
		{ "sip:alice@a.example", "sip:alice@a.example.evil", false,
		  false },
		{ "sip:*@a.example", "sip:anyone@a.example", true, true },
		{ "sip:*@A.Example", "sip:anyone@a.example;x=1", true, true },
		{ "sip:*@a.example", "sip:anyone@b.a.example", false, false },
		{ "sip:*@a.example", "sip:x@a.example:9", false, true },
		{ "sip:*@a.example", "tel:+442079460001", false, false },
		{ "sip:*@a.example", "a.example", false, false },
		{ "sip:*@a.example", "sip:x@a.example@b.example", false,
		  false },
		{ "tel:+4420*", "tel:+442079460001", true, true },
		{ "tel:+4420*", "sip:+442079460001@gw;user=phone", true, true },
		{ "tel:+4420*", "+44 20 7946 0001", true, true },
		{ "tel:+4420*", "tel:+44121", false, false },
		{ "tel:+442079460001", "sip:+442079460001@gw", true, true },
		{ "sip:+442079460001@a.example", "tel:+442079460001", true,
		  true },
		{ "tel:+442079460001", "tel:+4420794600012", false, false },
		{ "tel:+44*", "1001", false, false },
	};
	struct id_pattern p;
	struct identity id;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(id_pattern_init(&p, cases[i].pattern), 0);
		assert_int_equal(identity_parse(cases[i].id, &id), 0);
		assert_int_equal(id_pattern_match(&p, NULL, &id, false),
				 cases[i].allow);
		assert_int_equal(id_pattern_match(&p, NULL, &id, true),
				 cases[i].deny);
		id_pattern_fini(&p);
	}
}

static void pattern_follows_the_schema(void **state)
{
	static const char *const good[] = { "sip:a@b", "sips:*@b.example",
					    "tel:+4*", "tel:+123456789012345",
					    "tel:+44" };
	static const char *const bad[] = { "",
					   "sip:",
					   "sip:a",
					   "sip:@b",
					   "sip:a@",
					   "sip:a@b;x",
					   "sip:a*@b",
					   "sip:**@b",
					   "sip:a@b:5060",
					   "sip:a@b c",
					   "SIP:a@b",
					   "tel:44",
					   "tel:+",
					   "tel:+*",
					   "tel:+4*4",
					   "tel:+1234567890123456",
					   "mailto:a@b",
					   "*" };
	struct id_pattern p;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(id_pattern_init(&p, good[i]), 0);
		id_pattern_fini(&p);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(id_pattern_init(&p, bad[i]), -EINVAL);
	assert_true(id_exact_ok("tel:+123"));
	assert_false(id_exact_ok("tel:+12"));
	assert_false(id_exact_ok("tel:+123*"));
	assert_false(id_exact_ok("sip:*@b"));
	assert_false(id_exact_ok(NULL));
}

struct cover_case {
	const char *outer, *inner;
	bool covers;
};

static void pattern_covers_what_is_narrower(void **state)
{
	static const struct cover_case cases[] = {
		{ "sip:*@a.example", "sip:x@a.example", true },
		{ "sip:*@a.example", "sip:*@a.example", true },
		{ "sip:*@a.example", "sip:*@b.example", false },
		{ "sip:x@a.example", "sip:*@a.example", false },
		{ "tel:+44*", "tel:+4420*", true },
		{ "tel:+4420*", "tel:+44*", false },
		{ "tel:+44*", "tel:+442079460001", true },
		{ "tel:+44*", "sip:x@a.example", false },
		/* matches by number as well, which the domain doesn't give */
		{ "sip:*@a.example", "sip:+442079460001@a.example", false },
		{ "tel:+44*", "sip:+442079460001@a.example", false },
		{ "sip:*@a.example", "sip:2079460001@a.example", false },
		{ "sip:*@a.example", "sip:1001@a.example", true },
		{ "sip:2079460001@a.example", "sip:2079460001@a.example",
		  true },
	};
	struct id_pattern outer, inner;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(id_pattern_init(&outer, cases[i].outer), 0);
		assert_int_equal(id_pattern_init(&inner, cases[i].inner), 0);
		assert_int_equal(id_pattern_covers(&outer, &inner),
				 cases[i].covers);
		id_pattern_fini(&outer);
		id_pattern_fini(&inner);
	}
}

struct codec_case {
	const char *allowed, *offered;
	bool match;
};

static void codec_names_have_aliases(void **state)
{
	static const struct codec_case cases[] = {
		{ "G.711u", "PCMU/8000", true },
		{ "g711-ulaw", "PCMU/8000/1", true },
		{ "PCMU", "pcmu/8000", true },
		{ "G.711a", "PCMA/8000", true },
		{ "G.711u", "PCMA/8000", false },
		{ "PCMU/8000", "PCMU/16000", false },
		{ "H.264", "H264/90000", true },
		{ "h264", "H264/90000", true },
		{ "G.722", "G722/8000", true },
		{ "G722/16000", "G722/8000", true },
		{ "opus", "opus/48000/2", true },
		{ "OPUS/48000", "opus/48000/2", true },
		{ "opus/48000/1", "Opus/48000/2", true },
		{ "G729a", "G729/8000", true },
		{ "G.726-32", "G726-32/8000", true },
		{ "G.726-32", "AAL2-G726-32/8000", false },
		{ "L16/44100/2", "L16/44100/2", true },
		{ "L16/44100/2", "L16/44100", false },
		{ "L16/44100", "L16/44100/2", true },
		{ "AMR", "AMR-WB/16000", false },
		{ "x-own/8000", "X-OWN/8000", true },
	};
	struct codec_name a, b;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(codec_name_parse(cases[i].allowed, &a), 0);
		assert_int_equal(codec_name_parse(cases[i].offered, &b), 0);
		assert_int_equal(codec_name_match(&a, &b), cases[i].match);
	}
	assert_int_equal(codec_name_static(0, &a), 0);
	assert_string_equal(a.name, "PCMU");
	assert_int_equal(codec_name_static(9, &a), 0);
	assert_string_equal(a.name, "G722");
	assert_int_equal(codec_name_static(96, &a), -ENOENT);
}

static void codec_names_follow_the_schema(void **state)
{
	static const char *const bad[] = {
		"",
		"/8000",
		"PCMU/",
		"PCMU//1",
		".x",
		"PCMU/8000/1/",
		"PCMU/8000/100",
		"PCMU/1234567",
		"a b",
		"PCMU/-1",
		"PCMU/8000/",
		"PC\"MU",
		"abcdefghijklmnopqrstuvwxyz0123456",
	};
	struct codec_name c;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(codec_name_parse(bad[i], &c), -EINVAL);
	assert_int_equal(codec_name_parse("telephone-event/8000", &c), 0);
	assert_true(codec_name_auxiliary(&c));
	assert_int_equal(codec_name_parse("CN", &c), 0);
	assert_true(codec_name_auxiliary(&c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identity_has_two_forms),
		cmocka_unit_test(identity_refuses_what_is_too_long),
		cmocka_unit_test(number_has_a_global_form),
		cmocka_unit_test(numbers_match_numbers),
		cmocka_unit_test(identities_are_the_same_number),
		cmocka_unit_test(pattern_matches_either_form),
		cmocka_unit_test(pattern_follows_the_schema),
		cmocka_unit_test(pattern_covers_what_is_narrower),
		cmocka_unit_test(codec_names_have_aliases),
		cmocka_unit_test(codec_names_follow_the_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
