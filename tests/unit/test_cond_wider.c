/* test_cond_wider.c - facts about auth/conditions.h: is one wider? */
#include "auth/conditions.h"

#include "tests/support/unit.h"

#include <string.h>

#include "base/mem.h"
#include "tests/support/conditions_rig.h"

struct wider_case {
	const char *outer, *inner, *path;
};

#define PEOPLE(inner) COND("\"participants\":{" inner "}")
#define MEDIA(inner) COND("\"media\":[" inner "]")

static const struct wider_case wider_cases[] = {
	{ COND(""), COND(""), NULL },
	{ COND(""), PEOPLE("\"min\":3"), NULL },
	{ PEOPLE("\"min\":3"), PEOPLE("\"min\":2"),
	  "conditions.participants.min" },
	{ PEOPLE(""), COND(""), "conditions.participants.min" },
	{ PEOPLE("\"max\":3"), PEOPLE("\"max\":4"),
	  "conditions.participants.max" },
	{ PEOPLE("\"max\":3"), PEOPLE(""), "conditions.participants.max" },
	{ PEOPLE("\"max\":3"), PEOPLE("\"max\":3"), NULL },
	{ PEOPLE("\"allow\":[\"sip:*@a.example\"]"),
	  PEOPLE("\"allow\":[\"sip:x@a.example\"]"), NULL },
	{ PEOPLE("\"allow\":[\"sip:x@a.example\"]"),
	  PEOPLE("\"allow\":[\"sip:*@a.example\"]"),
	  "conditions.participants.allow" },
	{ PEOPLE("\"allow\":[\"sip:x@a.example\"]"), PEOPLE(""),
	  "conditions.participants.allow" },
	{ PEOPLE("\"allow\":[\"tel:+44*\"]"),
	  PEOPLE("\"match\":\"any\",\"allow\":[\"tel:+44*\"]"),
	  "conditions.participants.match" },
	{ PEOPLE("\"deny\":[\"sip:x@a.example\"]"),
	  PEOPLE("\"deny\":[\"sip:*@a.example\"]"), NULL },
	{ PEOPLE("\"deny\":[\"sip:*@a.example\"]"),
	  PEOPLE("\"deny\":[\"sip:x@a.example\"]"),
	  "conditions.participants.deny" },
	{ COND("\"direction\":\"inbound\""), COND(""), "conditions.direction" },
	{ COND(""), COND("\"direction\":\"inbound\""), NULL },
	{ COND("\"direction\":\"inbound\""),
	  COND("\"direction\":\"inbound\",\"direction_unknown\":\"any\""),
	  "conditions.direction_unknown" },
	{ COND("\"direction\":\"inbound\",\"direction_unknown\":\"any\""),
	  COND("\"direction\":\"inbound\",\"direction_unknown\":\"none\""),
	  NULL },
	{ COND(""),
	  COND("\"direction\":\"inbound\",\"direction_unknown\":\"any\""),
	  NULL },
	{ MEDIA("{\"kind\":\"audio\"},{\"kind\":\"video\"}"),
	  MEDIA("{\"kind\":\"audio\",\"codecs\":[\"PCMU\"]}"), NULL },
	{ MEDIA("{\"kind\":\"audio\",\"codecs\":[\"G.711u\",\"opus\"]}"),
	  MEDIA("{\"kind\":\"audio\",\"codecs\":[\"PCMU/8000\"]}"), NULL },
	{ MEDIA("{\"kind\":\"audio\",\"codecs\":[\"PCMU\"]}"),
	  MEDIA("{\"kind\":\"audio\",\"codecs\":[\"PCMU\",\"PCMA\"]}"),
	  "conditions.media" },
	{ MEDIA("{\"kind\":\"audio\",\"codecs\":[\"PCMU\"]}"),
	  MEDIA("{\"kind\":\"audio\"}"), "conditions.media" },
	{ MEDIA("{\"kind\":\"audio\"}"), COND(""), "conditions.media" },
	{ MEDIA("{\"kind\":\"audio\",\"max_streams\":2}"),
	  MEDIA("{\"kind\":\"audio\",\"max_streams\":2},{\"kind\":\"audio\","
		"\"max_streams\":1}"),
	  "conditions.media" },
	{ MEDIA("{\"kind\":\"audio\",\"max_kbps\":64}"),
	  MEDIA("{\"kind\":\"audio\",\"max_kbps\":65}"), "conditions.media" },
	{ COND("\"srtp\":\"required\""), COND("\"srtp\":\"as_call\""),
	  "conditions.srtp" },
	{ COND("\"srtp\":\"any\""), COND(""), NULL },
	{ COND("\"announce\":\"required\""), COND(""), "conditions.announce" },
	{ COND(WINDOW("UTC", WEEK, "08:00", "18:00")),
	  COND(WINDOW("UTC", "\"MO\"", "09:00", "17:00")), NULL },
	{ COND(WINDOW("UTC", WEEK, "08:00", "18:00")),
	  COND(WINDOW("UTC", "\"SA\"", "09:00", "17:00")),
	  "conditions.time_windows" },
	{ COND(WINDOW("UTC", WEEK, "08:00", "18:00")),
	  COND(WINDOW("UTC", "\"MO\"", "09:00", "18:01")),
	  "conditions.time_windows" },
	{ COND(WINDOW("UTC", WEEK, "22:00", "06:00")),
	  COND(WINDOW("UTC", "\"MO\"", "23:00", "05:00")), NULL },
	{ COND(WINDOW("UTC", WEEK, "08:00", "18:00")),
	  COND(WINDOW("Europe/London", "\"MO\"", "09:00", "17:00")),
	  "conditions.time_windows" },
	{ COND(WINDOW("UTC", WEEK, "08:00", "18:00")), COND(""),
	  "conditions.time_windows" },
	{ COND("\"max_duration_s\":60"), COND(""),
	  "conditions.max_duration_s" },
	{ COND("\"max_concurrent\":2"), COND("\"max_concurrent\":3"),
	  "conditions.max_concurrent" },
	{ MORE("\"limits\":{\"storage_bytes\":10}"), COND(""),
	  "limits.storage_bytes" },
	{ MORE("\"limits\":{\"sessions_per_day\":10}"), COND(""),
	  "limits.sessions_per_day" },
	{ MORE("\"limits\":{\"retention_days\":10}"),
	  MORE("\"limits\":{\"retention_days\":11}"), "limits.retention_days" },
	{ MORE("\"limits\":{\"region\":\"eu\"}"), COND(""), "limits.region" },
	{ MORE("\"identifier\":\"x\""), COND(""), "identifier" },
	{ MORE("\"locations\":[\"sip:a\"]"), COND(""), "locations" },
	{ MORE("\"locations\":[\"sip:a\",\"sip:b\"]"),
	  MORE("\"locations\":[\"sip:b\"]"), NULL },
	{ MORE("\"datatypes\":[\"audio\"]"), COND(""), "datatypes" },
	{ MORE("\"datatypes\":[\"audio\",\"video\"]"),
	  MORE("\"datatypes\":[\"audio\"]"), NULL },
	{ MORE("\"not_before\":\"2026-01-01T00:00:00Z\""), COND(""),
	  "not_before" },
	{ MORE("\"not_after\":\"2026-01-01T00:00:00Z\""), COND(""),
	  "not_after" },
	{ MORE("\"not_after\":\"2026-01-02T00:00:00Z\""),
	  MORE("\"not_after\":\"2026-01-01T00:00:00Z\""), NULL },
	{ COND(""),
	  "{\"type\":\"call_recording\",\"actions\":[\"record\"],\"owner\":"
	  "{\"aor\":[\"sip:alice@voip.example\"],\"must_participate\":false},"
	  "\"conditions\":{}}",
	  "owner.must_participate" },
	{ COND(""),
	  "{\"type\":\"call_recording\",\"actions\":[\"record\"],\"owner\":"
	  "{\"aor\":[\"sip:bob@voip.example\"]},\"conditions\":{}}",
	  "owner.aor" },
	{ COND(""),
	  "{\"type\":\"call_recording\",\"actions\":[\"record\","
	  "\"metadata\"],\"owner\":{\"aor\":[\"sip:alice@voip.example\"]},"
	  "\"conditions\":{}}",
	  "actions" },
};

static void wider_finds_every_field(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(wider_cases); i++) {
		struct conditions *o =
			conditions_rig_parse(wider_cases[i].outer);
		struct conditions *n =
			conditions_rig_parse(wider_cases[i].inner);
		struct violation v = { .path = "" };
		unsigned r = conditions_wider(o, n, &v, 1);

		if ((r > 0) != (wider_cases[i].path != NULL) ||
		    (r && strcmp(v.path, wider_cases[i].path) != 0))
			fail_msg("case %zu: %u %s", i, r, v.path);
		conditions_free(&o);
		conditions_free(&n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wider_finds_every_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
