/* test_conditions.c - facts about auth/conditions.h: reading, and words. */
#include "auth/conditions.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "tests/support/conditions_rig.h"

static const char example[] =
	"[{\"type\":\"call_recording\","
	"\"locations\":[\"sips:rec@crs.example\"],"
	"\"actions\":[\"record\",\"pause_resume\"],"
	"\"datatypes\":[\"audio\",\"video\"],\"identifier\":\"vault-7f3a\","
	"\"owner\":{\"aor\":[\"sip:alice@voip.example\","
	"\"tel:+442079460001\"]},"
	"\"conditions\":{\"participants\":{\"min\":3,\"match\":\"any\","
	"\"allow\":[\"sip:*@voip.example\",\"tel:+4420*\"],"
	"\"deny\":[\"sip:hr@voip.example\"]},\"direction\":\"any\","
	"\"media\":[{\"kind\":\"audio\",\"codecs\":[\"G.711u\"],"
	"\"max_streams\":2},{\"kind\":\"video\","
	"\"codecs\":[\"H264/90000\"],\"max_kbps\":2000}],"
	"\"srtp\":\"required\",\"time_windows\":[{\"tz\":\"Europe/London\","
	"\"days\":[\"MO\",\"TU\",\"WE\",\"TH\",\"FR\"],\"from\":\"08:00\","
	"\"to\":\"18:30\"}],\"max_duration_s\":14400,\"max_concurrent\":4,"
	"\"announce\":\"required\"},"
	"\"limits\":{\"storage_bytes\":53687091200,\"retention_days\":365,"
	"\"sessions_per_day\":50,\"region\":\"eu-west\"},"
	"\"not_before\":\"2026-01-01T00:00:00Z\","
	"\"not_after\":\"2027-09-30T00:00:00+01:00\"}]";

static void conditions_reads_every_field(void **state)
{
	struct conditions *c = conditions_rig_parse(example);

	(void)state;
	assert_int_equal(c->n_locations, 1);
	assert_int_equal(c->actions, COND_ACT_RECORD | COND_ACT_PAUSE);
	assert_int_equal(c->datatypes, 3);
	assert_string_equal(c->identifier, "vault-7f3a");
	assert_int_equal(c->n_owner, 2);
	assert_true(c->must_participate);
	assert_int_equal(c->min_people, 3);
	assert_int_equal(c->max_people, 0);
	assert_int_equal(c->match, COND_MATCH_ANY);
	assert_int_equal(c->n_allow, 2);
	assert_int_equal(c->n_deny, 1);
	assert_int_equal(c->direction, COND_DIR_ANY);
	assert_int_equal(c->n_media, 2);
	assert_string_equal(c->media[0].codecs[0].name, "PCMU");
	assert_int_equal(c->media[0].max_streams, 2);
	assert_int_equal(c->media[1].max_kbps, 2000);
	assert_int_equal(c->srtp, COND_SRTP_REQUIRED);
	assert_int_equal(c->n_windows, 1);
	assert_int_equal(c->windows[0].days, 0x1f);
	assert_int_equal(c->windows[0].to_m, 18 * 60 + 30);
	assert_int_equal(c->max_duration_s, 14400);
	assert_int_equal(c->max_concurrent, 4);
	assert_int_equal(c->announce, COND_ANN_REQUIRED);
	assert_int_equal(c->storage_bytes, 53687091200LL);
	assert_int_equal(c->sessions_per_day, 50);
	assert_int_equal(c->retention_days, 365);
	assert_string_equal(c->region, "eu-west");
	assert_true(c->not_after_us > c->not_before_us);
	assert_int_equal(c->text[0], '{');
	conditions_free(&c);
	assert_null(c);
}

static void conditions_has_the_defaults_of_the_schema(void **state)
{
	struct conditions *c = conditions_rig_parse(COND(""));

	(void)state;
	assert_true(c->must_participate);
	assert_int_equal(c->min_people, 0);
	assert_int_equal(c->srtp, COND_SRTP_AS_CALL);
	assert_int_equal(c->announce, COND_ANN_CLIENT);
	assert_int_equal(c->direction, COND_DIR_ANY);
	conditions_free(&c);
	c = conditions_rig_parse(COND("\"participants\":{}"));
	assert_int_equal(c->min_people, 2);
	assert_int_equal(c->match, COND_MATCH_ALL);
	conditions_free(&c);
}

struct bad_case {
	const char *json;
	const char *place; /* the error begins with */
};

static const struct bad_case bad_cases[] = {
	{ "", "line" },
	{ "{", "line" },
	{ "3", "line" },
	{ "[]", "$: must hold exactly one" },
	{ "[{},{}]", "$: must hold exactly one" },
	{ "[3]", "$[0]: must be an object" },
	{ "{}", "$.type: is missing" },
	{ "{\"a\":1,\"a\":2}", "line" },
	{ "{\"type\":\"other\",\"actions\":[],\"owner\":{},\"conditions\":{}}",
	  "$.type: must be" },
	{ "{\"type\":\"call_recording\"}", "$.actions: is missing" },
	{ MORE("\"x\\u202ey\":1"), "$.x?y: unknown" },
	{ "{\"type\":\"call_recording\",\"actions\":[\"record\"],"
	  "\"owner\":{\"aor\":[\"sip:al\\u202eice@a.example\"]},"
	  "\"conditions\":{}}",
	  "$.owner.aor[0]:" },
	{ MORE("\"locations\":[]"), "$.locations:" },
	{ MORE("\"locations\":[\"http://x\"]"), "$.locations[0]:" },
	{ MORE("\"locations\":[\"sip:a\\u2066b\"]"), "$.locations[0]:" },
	{ MORE("\"locations\":[\"sip:\"]"), "$.locations[0]:" },
	{ MORE("\"locations\":[\"sip:a b\"]"), "$.locations[0]:" },
	{ MORE("\"locations\":[\"sip:a\",\"sip:a\"]"),
	  "$.locations: must not" },
	{ MORE("\"locations\":\"sip:a\""), "$.locations:" },
	{ MORE("\"datatypes\":[]"), "$.datatypes:" },
	{ MORE("\"datatypes\":[\"image\"]"), "$.datatypes[0]:" },
	{ MORE("\"datatypes\":[\"audio\",\"audio\"]"), "$.datatypes:" },
	{ MORE("\"identifier\":\"\""), "$.identifier:" },
	{ MORE("\"identifier\":\"a b\""), "$.identifier:" },
	{ MORE("\"identifier\":7"), "$.identifier:" },
	{ MORE("\"not_before\":\"yesterday\""), "$.not_before:" },
	{ MORE("\"not_after\":\"2027-09-30\""), "$.not_after:" },
	{ MORE("\"not_after\":\"2027-09-30T00:00:00\""), "$.not_after:" },
	{ MORE("\"not_before\":\"2027-01-01T00:00:00Z\","
	       "\"not_after\":\"2026-01-01T00:00:00Z\""),
	  "$.not_after: must be after" },
	{ MORE("\"limits\":[]"), "$.limits: must be an object" },
	{ MORE("\"limits\":{\"storage_bytes\":0}"), "$.limits.storage_bytes:" },
	{ MORE("\"limits\":{\"storage_bytes\":-1}"),
	  "$.limits.storage_bytes:" },
	{ MORE("\"limits\":{\"storage_bytes\":1.5}"),
	  "$.limits.storage_bytes:" },
	{ MORE("\"limits\":{\"sessions_per_day\":0}"),
	  "$.limits.sessions_per_day:" },
	{ MORE("\"limits\":{\"retention_days\":36501}"),
	  "$.limits.retention_days:" },
	{ MORE("\"limits\":{\"region\":\"E\"}"), "$.limits.region:" },
	{ MORE("\"limits\":{\"region\":\"eu west\"}"), "$.limits.region:" },
	{ MORE("\"limits\":{\"price\":1}"), "$.limits.price: unknown" },
	{ COND("\"x\":1"), "$.conditions.x: unknown" },
	{ COND("\"participants\":[]"), "$.conditions.participants:" },
	{ COND("\"participants\":{\"min\":0}"),
	  "$.conditions.participants.min:" },
	{ COND("\"participants\":{\"min\":1001}"),
	  "$.conditions.participants.min:" },
	{ COND("\"participants\":{\"min\":\"2\"}"),
	  "$.conditions.participants.min:" },
	{ COND("\"participants\":{\"max\":1}"),
	  "$.conditions.participants.max: must not be below" },
	{ COND("\"participants\":{\"max\":0}"),
	  "$.conditions.participants.max:" },
	{ COND("\"participants\":{\"match\":\"some\"}"),
	  "$.conditions.participants.match:" },
	{ COND("\"participants\":{\"allow\":[]}"),
	  "$.conditions.participants.allow:" },
	{ COND("\"participants\":{\"allow\":[\"alice\"]}"),
	  "$.conditions.participants.allow[0]:" },
	{ COND("\"participants\":{\"deny\":[\"sip:a@b\",\"sip:*\"]}"),
	  "$.conditions.participants.deny[1]:" },
	{ COND("\"participants\":{\"who\":1}"),
	  "$.conditions.participants.who: unknown" },
	{ COND("\"direction\":\"up\""), "$.conditions.direction:" },
	{ COND("\"direction\":null"), "$.conditions.direction:" },
	{ COND("\"direction_unknown\":\"inbound\""),
	  "$.conditions.direction_unknown:" },
	{ COND("\"media\":[]"), "$.conditions.media:" },
	{ COND("\"media\":[{}]"), "$.conditions.media[0].kind: is missing" },
	{ COND("\"media\":[{\"kind\":\"smell\"}]"),
	  "$.conditions.media[0].kind: must be one of audio, video, text" },
	{ COND("\"media\":[{\"kind\":\"audio\",\"codecs\":[]}]"),
	  "$.conditions.media[0].codecs:" },
	{ COND("\"media\":[{\"kind\":\"audio\",\"codecs\":[\"a b\"]}]"),
	  "$.conditions.media[0].codecs[0]:" },
	{ COND("\"media\":[{\"kind\":\"audio\",\"codecs\":[1]}]"),
	  "$.conditions.media[0].codecs[0]:" },
	{ COND("\"media\":[{\"kind\":\"audio\",\"max_streams\":65}]"),
	  "$.conditions.media[0].max_streams:" },
	{ COND("\"media\":[{\"kind\":\"audio\",\"max_kbps\":0}]"),
	  "$.conditions.media[0].max_kbps:" },
	{ COND("\"media\":[{\"kind\":\"audio\",\"fps\":1}]"),
	  "$.conditions.media[0].fps: unknown" },
	{ COND("\"srtp\":true"), "$.conditions.srtp:" },
	{ COND("\"time_windows\":[]"), "$.conditions.time_windows:" },
	{ COND("\"time_windows\":[{\"tz\":\"UTC\",\"days\":[\"MO\"],"
	       "\"from\":\"08:00\"}]"),
	  "$.conditions.time_windows[0].to: is missing" },
	{ COND("\"time_windows\":[{\"tz\":\"Mars/Base\",\"days\":[\"MO\"],"
	       "\"from\":\"08:00\",\"to\":\"09:00\"}]"),
	  "$.conditions.time_windows[0].tz: is no time zone" },
	{ COND("\"time_windows\":[{\"tz\":\"../x\",\"days\":[\"MO\"],"
	       "\"from\":\"08:00\",\"to\":\"09:00\"}]"),
	  "$.conditions.time_windows[0].tz: must be" },
	{ COND("\"time_windows\":[{\"tz\":\"UTC\",\"days\":[],"
	       "\"from\":\"08:00\",\"to\":\"09:00\"}]"),
	  "$.conditions.time_windows[0].days:" },
	{ COND("\"time_windows\":[{\"tz\":\"UTC\",\"days\":[\"MO\",\"MO\"],"
	       "\"from\":\"08:00\",\"to\":\"09:00\"}]"),
	  "$.conditions.time_windows[0].days:" },
	{ COND("\"time_windows\":[{\"tz\":\"UTC\",\"days\":[\"MO\"],"
	       "\"from\":\"24:00\",\"to\":\"09:00\"}]"),
	  "$.conditions.time_windows[0].from:" },
	{ COND("\"time_windows\":[{\"tz\":\"UTC\",\"days\":[\"MO\"],"
	       "\"from\":\"08:00\",\"to\":\"9:00\"}]"),
	  "$.conditions.time_windows[0].to:" },
	{ COND("\"max_duration_s\":604801"), "$.conditions.max_duration_s:" },
	{ COND("\"max_concurrent\":0"), "$.conditions.max_concurrent:" },
	{ COND("\"announce\":\"loud\""), "$.conditions.announce:" },
	{ "{\"type\":\"call_recording\",\"actions\":[\"erase\"],"
	  "\"owner\":{\"aor\":[\"sip:a@b\"]},\"conditions\":{}}",
	  "$.actions[0]:" },
	{ "{\"type\":\"call_recording\",\"actions\":[\"record\"],"
	  "\"owner\":{},\"conditions\":{}}",
	  "$.owner.aor: is missing" },
	{ "{\"type\":\"call_recording\",\"actions\":[\"record\"],"
	  "\"owner\":{\"aor\":[]},\"conditions\":{}}",
	  "$.owner.aor:" },
	{ "{\"type\":\"call_recording\",\"actions\":[\"record\"],"
	  "\"owner\":{\"aor\":[\"sip:*@b\"]},\"conditions\":{}}",
	  "$.owner.aor[0]:" },
	{ "{\"type\":\"call_recording\",\"actions\":[\"record\"],"
	  "\"owner\":{\"aor\":[\"sip:a@b\",\"sip:a@b\"]},\"conditions\":{}}",
	  "$.owner.aor: must not" },
	{ "{\"type\":\"call_recording\",\"actions\":[\"record\"],"
	  "\"owner\":{\"aor\":[\"sip:a@b\"],\"must_participate\":1},"
	  "\"conditions\":{}}",
	  "$.owner.must_participate:" },
	{ HEAD "}", "$.conditions: is missing" },
};

static void conditions_names_the_place_of_an_error(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad_cases); i++) {
		const struct bad_case *b = &bad_cases[i];
		struct conditions *c = NULL;
		struct err e = { 0 };

		assert_int_equal(conditions_parse(b->json, strlen(b->json), &c,
						  &e),
				 -EINVAL);
		assert_null(c);
		if (strncmp(e.text, b->place, strlen(b->place)) != 0)
			fail_msg("%s: %s", b->json, e.text);
	}
}

static void conditions_survives_lack_of_memory(void **state)
{
	struct conditions *c = NULL;
	int n, r = -ENOMEM;

	(void)state;
	for (n = 0; r != 0 && n < 1000; n++) {
		mem_fail_after(n);
		r = conditions_parse(example, strlen(example), &c, NULL);
		mem_fail_after(-1);
		assert_true(r == 0 || r == -ENOMEM || r == -EINVAL);
	}
	assert_int_equal(r, 0);
	conditions_free(&c);
}

/* ---- words ------------------------------------------------------------- */

static void collect(void *arg, const char *sentence)
{
	struct buf *b = arg;

	(void)buf_puts(b, sentence);
	(void)buf_putc(b, '\n');
}

static void sentences_say_everything(void **state)
{
	struct conditions *c = conditions_rig_parse(example);
	struct buf b;

	(void)state;
	buf_init(&b, 65536);
	assert_int_equal(conditions_sentences(c, collect, &b), 0);
	assert_string_equal(
		buf_str(&b),
		"Record calls with 3 or more people in which "
		"sip:alice@voip.example or tel:+442079460001 takes part "
		"(by default).\n"
		"Only when at least one person in the call is one of: anybody "
		"at voip.example, numbers beginning with +4420.\n"
		"Never when in the call is: sip:hr@voip.example.\n"
		"Audio in G.711u only, at most 2 streams.\n"
		"Video in H.264 only, at most 2000 kbit/s each.\n"
		"Monday to Friday 08:00-18:30, London time.\n"
		"Not before 2026-01-01 00:00 UTC.\n"
		"Until 2027-09-29 23:00 UTC.\n"
		"Only over encrypted media (SRTP).\n"
		"Only when it is said in each call that everybody was told "
		"about the recording.\n"
		"The provider may pause and resume a recording.\n"
		"Only calls to the recorder's address sips:rec@crs.example.\n"
		"At most 4 hours of a call.\n"
		"At most 4 calls at a time.\n"
		"At most 50 calls a day.\n"
		"Recordings take at most 50 GiB.\n"
		"Recordings are kept 365 days.\n"
		"Stored in the region eu-west.\n");
	buf_fini(&b);
	conditions_free(&c);
}

static void check_sentences(const char *json, const char *sentences)
{
	struct conditions *c = conditions_rig_parse(json);
	struct buf b;

	buf_init(&b, 65536);
	assert_int_equal(conditions_sentences(c, collect, &b), 0);
	assert_string_equal(buf_str(&b), sentences);
	buf_fini(&b);
	conditions_free(&c);
}

/* Nobody promised what nobody wrote. */
static void defaults_are_marked(void **state)
{
	(void)state;
	check_sentences(
		"{\"type\":\"call_recording\",\"actions\":[\"record\"],"
		"\"owner\":{\"aor\":[\"sip:a@x.example\"]},\"conditions\":"
		"{\"participants\":{\"allow\":[\"sip:*@x.example\"]}}}",
		"Record calls with 2 or more people (by default) in which "
		"sip:a@x.example takes part (by default).\n"
		"Only when everybody else in the call is one of: anybody at "
		"x.example (by default everybody, not one).\n"
		"By default: audio, video and text, whatever the call has.\n"
		"By default: encrypted calls are sent to the recorder "
		"encrypted.\n"
		"By default: the provider is taken to tell everybody about "
		"the recording; it has not said so.\n");
	check_sentences(
		"{\"type\":\"call_recording\",\"actions\":[\"record\"],"
		"\"datatypes\":[\"audio\"],\"owner\":{\"aor\":"
		"[\"sip:a@x.example\"],\"must_participate\":true},"
		"\"conditions\":{\"participants\":{\"min\":2,\"match\":"
		"\"all\",\"allow\":[\"sip:*@x.example\"]},\"srtp\":"
		"\"as_call\",\"announce\":\"client_asserts\"}}",
		"Record calls with 2 or more people in which sip:a@x.example "
		"takes part.\n"
		"Only when everybody else in the call is one of: anybody at "
		"x.example.\n"
		"No video.\n"
		"Encrypted calls are sent to the recorder encrypted.\n"
		"The provider promises to tell everybody about the "
		"recording.\n");
}

static void an_unknown_direction_has_a_sentence(void **state)
{
	static const struct {
		const char *json, *sentence;
	} cases[] = {
		{ COND("\"direction\":\"inbound\""),
		  "By default: a call of which the provider does not say who "
		  "called is not recorded.\n" },
		{ COND("\"direction\":\"inbound\",\"direction_unknown\":"
		       "\"none\""),
		  "A call of which the provider does not say who called is not "
		  "recorded.\n" },
		{ COND("\"direction\":\"inbound\",\"direction_unknown\":"
		       "\"any\""),
		  "A call of which the provider does not say who called is "
		  "recorded, too.\n" },
	};
	struct conditions *c;
	struct buf b;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		c = conditions_rig_parse(cases[i].json);
		buf_init(&b, 65536);
		assert_int_equal(conditions_sentences(c, collect, &b), 0);
		assert_non_null(strstr(buf_str(&b), cases[i].sentence));
		buf_fini(&b);
		conditions_free(&c);
	}
}

static void violations_become_json(void **state)
{
	struct violation v = { "p", "\"r\"", "g" };
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_int_equal(violations_json(&b, &v, 1), 0);
	assert_string_equal(buf_str(&b), "[{\"path\":\"p\",\"required\":"
					 "\"\\\"r\\\"\",\"got\":\"g\"}]");
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_reads_every_field),
		cmocka_unit_test(conditions_has_the_defaults_of_the_schema),
		cmocka_unit_test(conditions_names_the_place_of_an_error),
		cmocka_unit_test(conditions_survives_lack_of_memory),
		cmocka_unit_test(sentences_say_everything),
		cmocka_unit_test(defaults_are_marked),
		cmocka_unit_test(an_unknown_direction_has_a_sentence),
		cmocka_unit_test(violations_become_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
