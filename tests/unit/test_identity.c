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
		{ "1001", " 1001", "" },
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
		assert_int_equal(id_pattern_match(&p, &id, false),
				 cases[i].allow);
		assert_int_equal(id_pattern_match(&p, &id, true),
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
		cmocka_unit_test(pattern_matches_either_form),
		cmocka_unit_test(pattern_follows_the_schema),
		cmocka_unit_test(pattern_covers_what_is_narrower),
		cmocka_unit_test(codec_names_have_aliases),
		cmocka_unit_test(codec_names_follow_the_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
