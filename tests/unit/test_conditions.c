#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/conditions.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#define HEAD                                                                   \
	"{\"type\":\"call_recording\",\"actions\":[\"record\"],"               \
	"\"owner\":{\"aor\":[\"sip:alice@voip.example\"]}"

/* Object with these conditions, or with more members at the end. */
#define COND(inner) HEAD ",\"conditions\":{" inner "}}"
#define MORE(inner) HEAD ",\"conditions\":{}," inner "}"

static struct conditions *parse(const char *json)
{
	struct conditions *c = NULL;
	struct err e = { 0 };

	if (conditions_parse(json, strlen(json), &c, &e) < 0)
		fail_msg("%s\n%s", e.text, json);
	return c;
}

/* ---- reading ----------------------------------------------------------- */

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
	struct conditions *c = parse(example);

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
	struct conditions *c = parse(COND(""));

	(void)state;
	assert_true(c->must_participate);
	assert_int_equal(c->min_people, 0);
	assert_int_equal(c->srtp, COND_SRTP_AS_CALL);
	assert_int_equal(c->announce, COND_ANN_CLIENT);
	assert_int_equal(c->direction, COND_DIR_ANY);
	conditions_free(&c);
	c = parse(COND("\"participants\":{}"));
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
	{ MORE("\"locations\":[]"), "$.locations:" },
	{ MORE("\"locations\":[\"http://x\"]"), "$.locations[0]:" },
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

/* ---- judging ----------------------------------------------------------- */

/* A call as the cases below write it. */
struct call {
	const char *people;  /* "a b c", NULL = no metadata */
	const char *streams; /* "audio:PCMU/8000,CN video:H264/90000";
			      * "!" behind the kind: SRTP; "@64": kbps */
	const char *at;
	const char *location;
	const char *region;
	int caller; /* 1 = first */
	enum call_told told;
	enum call_crypt crypt;
	int64_t concurrent, sessions, bytes;
};

struct made {
	struct identity people[16];
	struct call_facts facts;
};

static void add_stream(struct call_facts *f, char *word)
{
	struct call_stream *s = &f->streams[f->n_streams++];
	char *codecs = strchr(word, ':'), *p, *end;
	char *kbps = strchr(word, '@');

	s->offered = true;
	s->recordable = ~0u;
	s->srtp = strchr(word, '!') != NULL;
	if (kbps)
		for (p = kbps + 1; *p >= '0' && *p <= '9'; p++)
			s->kbps = s->kbps * 10 + (unsigned)(*p - '0');
	s->kind = word[0] == 'a'   ? COND_AUDIO
		  : word[0] == 'v' ? COND_VIDEO
		  : word[0] == 't' ? COND_TEXT
				   : COND_OTHER;
	for (p = codecs ? codecs + 1 : NULL; p; p = end) {
		end = strchr(p, ',');
		if (end)
			*end++ = '\0';
		assert_int_equal(codec_name_parse(p, &s->codecs[s->n_codecs++]),
				 0);
	}
}

static void make(const struct call *call, struct made *m)
{
	struct span people = span_of(call->people), streams;
	const char *at = call->at ? call->at : "2026-06-10T12:00:00Z";

	memset(m, 0, sizeof(*m));
	while (people.len) {
		char *text = span_dup(span_cut(&people, ' '));

		if (strcmp(text, "?") != 0)
			assert_int_equal(
				identity_parse(text,
					       &m->people[m->facts.n_people]),
				0);
		m->facts.n_people++;
		mem_free(text);
	}
	m->facts.people = m->people;
	m->facts.people_known = call->people != NULL;
	m->facts.caller = call->caller - 1;
	streams = span_of(call->streams ? call->streams : "audio:PCMU/8000");
	while (streams.len) {
		char *text = span_dup(span_cut(&streams, ' '));

		add_stream(&m->facts, text);
		mem_free(text);
	}
	assert_int_equal(clock_parse(at, &m->facts.wall_us), 0);
	m->facts.location = call->location;
	m->facts.region = call->region;
	m->facts.told = call->told;
	m->facts.crypt = call->crypt;
	m->facts.concurrent = call->concurrent;
	m->facts.sessions_today = call->sessions;
	m->facts.stored_bytes = call->bytes;
}

struct judge_case {
	const char *json;
	struct call call;
	const char *path; /* of the first violation, NULL = none */
};

#define ALICE "sip:alice@voip.example"
#define BOB "sip:bob@voip.example"
#define EVE "sip:eve@evil.example"
#define AB ALICE " " BOB

#define WINDOW(tz, days, from, to)                                             \
	"\"time_windows\":[{\"tz\":\"" tz "\",\"days\":[" days                 \
	"],\"from\":\"" from "\",\"to\":\"" to "\"}]"
#define WEEK "\"MO\",\"TU\",\"WE\",\"TH\",\"FR\""

static const struct judge_case judge_cases[] = {
	/* owner */
	{ COND(""), { .people = AB }, NULL },
	{ COND(""), { .people = BOB " " EVE }, "owner.must_participate" },
	{ COND(""), { .people = "" }, "owner.must_participate" },
	{ "{\"type\":\"call_recording\",\"actions\":[\"record\"],\"owner\":"
	  "{\"aor\":[\"sip:alice@voip.example\",\"tel:+442079460001\"]},"
	  "\"conditions\":{}}",
	  { .people = "sip:+442079460001@gw;user=phone " BOB },
	  NULL },
	{ "{\"type\":\"call_recording\",\"actions\":[\"record\"],\"owner\":"
	  "{\"aor\":[\"sip:alice@voip.example\"],\"must_participate\":false},"
	  "\"conditions\":{}}",
	  { .people = BOB " " EVE },
	  NULL },
	/* how many */
	{ COND("\"participants\":{}"), { .people = AB }, NULL },
	{ COND("\"participants\":{}"),
	  { .people = ALICE },
	  "conditions.participants.min" },
	{ COND("\"participants\":{}"),
	  { .people = ALICE " " ALICE ";x=1" },
	  "conditions.participants.min" },
	{ COND("\"participants\":{}"), { .people = ALICE " ?" }, NULL },
	{ COND("\"participants\":{\"min\":3}"),
	  { .people = AB },
	  "conditions.participants.min" },
	{ COND("\"participants\":{\"min\":3}"),
	  { .people = AB " " EVE },
	  NULL },
	{ COND("\"participants\":{\"max\":2}"), { .people = AB }, NULL },
	{ COND("\"participants\":{\"max\":2}"),
	  { .people = AB " " EVE },
	  "conditions.participants.max" },
	/* allow, deny */
	{ COND("\"participants\":{\"allow\":[\"sip:*@voip.example\"]}"),
	  { .people = AB },
	  NULL },
	{ COND("\"participants\":{\"allow\":[\"sip:*@voip.example\"]}"),
	  { .people = AB " " EVE },
	  "conditions.participants.allow" },
	{ COND("\"participants\":{\"allow\":[\"sip:bob@voip.example\"]}"),
	  { .people = AB },
	  NULL },
	{ COND("\"participants\":{\"allow\":[\"sip:*@voip.example\"]}"),
	  { .people = ALICE " ?" },
	  "conditions.participants.allow" },
	{ COND("\"participants\":{\"match\":\"any\",\"allow\":[\"tel:+44*\"]}"),
	  { .people = AB },
	  "conditions.participants.allow" },
	{ COND("\"participants\":{\"match\":\"any\",\"allow\":[\"tel:+44*\"]}"),
	  { .people = ALICE " tel:+441210000000" },
	  NULL },
	{ COND("\"participants\":{\"allow\":[\"sip:*@voip.example\"],"
	       "\"deny\":[\"sip:bob@voip.example\"]}"),
	  { .people = AB },
	  "conditions.participants.deny" },
	{ COND("\"participants\":{\"deny\":[\"sip:bob@voip.example\"]}"),
	  { .people = ALICE " sip:bob@voip.example:5080" },
	  "conditions.participants.deny" },
	{ COND("\"participants\":{\"deny\":[\"sip:alice@voip.example\"]}"),
	  { .people = AB },
	  "conditions.participants.deny" },
	/* direction */
	{ COND("\"direction\":\"internal\""), { .people = AB }, NULL },
	{ COND("\"direction\":\"internal\""),
	  { .people = ALICE " " EVE },
	  "conditions.direction" },
	{ COND("\"direction\":\"outbound\""),
	  { .people = ALICE " " EVE, .caller = 1 },
	  NULL },
	{ COND("\"direction\":\"outbound\""),
	  { .people = ALICE " " EVE, .caller = 2 },
	  "conditions.direction" },
	{ COND("\"direction\":\"inbound\""),
	  { .people = ALICE " " EVE, .caller = 2 },
	  NULL },
	{ COND("\"direction\":\"inbound\""),
	  { .people = AB, .caller = 2 },
	  "conditions.direction" },
	{ COND("\"direction\":\"inbound\""),
	  { .people = ALICE " " EVE },
	  "conditions.direction" },
	/* places */
	{ MORE("\"locations\":[\"sips:rec@crs.example\"]"),
	  { .people = AB, .location = "sip:rec@CRS.example:5070" },
	  NULL },
	{ MORE("\"locations\":[\"sips:rec@crs.example\"]"),
	  { .people = AB, .location = "sip:rec@192.0.2.1;transport=tcp" },
	  NULL },
	{ MORE("\"locations\":[\"sips:rec@crs.example\"]"),
	  { .people = AB, .location = "sip:other@192.0.2.1" },
	  "locations" },
	{ MORE("\"locations\":[\"sips:rec@crs.example\"]"),
	  { .people = AB, .location = "sip:rec@other.example" },
	  "locations" },
	{ MORE("\"locations\":[\"sips:rec@crs.example\"]"),
	  { .people = AB },
	  NULL },
	{ MORE("\"locations\":[\"sip:crs.example\"]"),
	  { .people = AB, .location = "sip:anyone@crs.example" },
	  NULL },
	{ MORE("\"limits\":{\"region\":\"eu-west\"}"),
	  { .people = AB, .region = "us-east" },
	  "limits.region" },
	{ MORE("\"limits\":{\"region\":\"eu-west\"}"),
	  { .people = AB, .region = "eu-west" },
	  NULL },
	{ MORE("\"limits\":{\"region\":\"eu-west\"}"), { .people = AB }, NULL },
	/* dates */
	{ MORE("\"not_before\":\"2026-06-10T12:00:00Z\""),
	  { .people = AB, .at = "2026-06-10T12:00:00Z" },
	  NULL },
	{ MORE("\"not_before\":\"2026-06-10T12:00:00Z\""),
	  { .people = AB, .at = "2026-06-10T11:59:59Z" },
	  "not_before" },
	{ MORE("\"not_after\":\"2026-06-10T12:00:00Z\""),
	  { .people = AB, .at = "2026-06-10T11:59:59Z" },
	  NULL },
	{ MORE("\"not_after\":\"2026-06-10T12:00:00Z\""),
	  { .people = AB, .at = "2026-06-10T12:00:00Z" },
	  "not_after" },
	/* time windows: Wednesday in summer and winter */
	{ COND(WINDOW("Europe/London", WEEK, "08:00", "18:30")),
	  { .people = AB, .at = "2026-06-10T07:00:00Z" },
	  NULL },
	{ COND(WINDOW("Europe/London", WEEK, "08:00", "18:30")),
	  { .people = AB, .at = "2026-06-10T06:59:59Z" },
	  "conditions.time_windows" },
	{ COND(WINDOW("Europe/London", WEEK, "08:00", "18:30")),
	  { .people = AB, .at = "2026-06-10T17:29:59Z" },
	  NULL },
	{ COND(WINDOW("Europe/London", WEEK, "08:00", "18:30")),
	  { .people = AB, .at = "2026-06-10T17:30:00Z" },
	  "conditions.time_windows" },
	{ COND(WINDOW("Europe/London", WEEK, "08:00", "18:30")),
	  { .people = AB, .at = "2026-12-09T07:30:00Z" },
	  "conditions.time_windows" },
	{ COND(WINDOW("Europe/London", WEEK, "08:00", "18:30")),
	  { .people = AB, .at = "2026-12-09T18:29:00Z" },
	  NULL },
	{ COND(WINDOW("Europe/London", WEEK, "08:00", "18:30")),
	  { .people = AB, .at = "2026-06-13T12:00:00Z" },
	  "conditions.time_windows" },
	/* it is Thursday in Auckland already */
	{ COND(WINDOW("Pacific/Auckland", "\"TH\"", "00:00", "12:00")),
	  { .people = AB, .at = "2026-06-10T20:00:00Z" },
	  NULL },
	/* past midnight: the night that began on Friday */
	{ COND(WINDOW("UTC", "\"FR\"", "22:00", "06:00")),
	  { .people = AB, .at = "2026-06-13T05:59:59Z" },
	  NULL },
	{ COND(WINDOW("UTC", "\"FR\"", "22:00", "06:00")),
	  { .people = AB, .at = "2026-06-12T05:00:00Z" },
	  "conditions.time_windows" },
	{ COND(WINDOW("UTC", "\"FR\"", "22:00", "06:00")),
	  { .people = AB, .at = "2026-06-12T22:00:00Z" },
	  NULL },
	/* all day */
	{ COND(WINDOW("UTC", "\"FR\"", "00:00", "00:00")),
	  { .people = AB, .at = "2026-06-12T23:59:59Z" },
	  NULL },
	{ COND(WINDOW("UTC", "\"FR\"", "00:00", "00:00")),
	  { .people = AB, .at = "2026-06-13T00:00:00Z" },
	  "conditions.time_windows" },
	/* announcement, actions */
	{ COND("\"announce\":\"required\""),
	  { .people = AB },
	  "conditions.announce" },
	{ COND("\"announce\":\"required\""),
	  { .people = AB, .told = CALL_TOLD_NO },
	  "conditions.announce" },
	{ COND("\"announce\":\"required\""),
	  { .people = AB, .told = CALL_TOLD_YES },
	  NULL },
	{ "{\"type\":\"call_recording\",\"actions\":[\"metadata\"],\"owner\":"
	  "{\"aor\":[\"sip:alice@voip.example\"]},\"conditions\":{}}",
	  { .people = AB },
	  "actions" },
	/* media: nothing left */
	{ COND("\"media\":[{\"kind\":\"video\"}]"),
	  { .people = AB },
	  "conditions.media" },
	{ COND("\"media\":[{\"kind\":\"audio\",\"codecs\":[\"opus\"]}]"),
	  { .people = AB },
	  "conditions.media.codecs" },
	{ COND("\"media\":[{\"kind\":\"audio\",\"codecs\":[\"G.711u\"]}]"),
	  { .people = AB },
	  NULL },
	{ COND("\"media\":[{\"kind\":\"audio\",\"codecs\":[\"PCMA\"]},"
	       "{\"kind\":\"audio\",\"codecs\":[\"PCMU\"]}]"),
	  { .people = AB },
	  NULL },
	{ COND("\"media\":[{\"kind\":\"audio\",\"max_kbps\":32}]"),
	  { .people = AB, .streams = "audio@64:PCMU/8000" },
	  "conditions.media.max_kbps" },
	{ COND("\"media\":[{\"kind\":\"audio\",\"max_kbps\":32}]"),
	  { .people = AB, .streams = "audio:PCMU/8000" },
	  NULL },
	{ MORE("\"datatypes\":[\"video\"]"), { .people = AB }, "datatypes" },
	{ COND("\"srtp\":\"required\""), { .people = AB }, "conditions.srtp" },
	{ COND("\"srtp\":\"required\""),
	  { .people = AB, .streams = "audio!:PCMU/8000" },
	  NULL },
	{ COND("\"srtp\":\"as_call\""),
	  { .people = AB, .crypt = CALL_CRYPT_SRTP },
	  "conditions.srtp" },
	{ COND("\"srtp\":\"as_call\""),
	  { .people = AB, .crypt = CALL_CRYPT_CLEAR },
	  NULL },
	{ COND("\"srtp\":\"any\""),
	  { .people = AB, .crypt = CALL_CRYPT_SRTP },
	  NULL },
};

static void judge_follows_every_rule(void **state)
{
	struct made *m = mem_zalloc(sizeof(*m));
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(judge_cases); i++) {
		const struct judge_case *t = &judge_cases[i];
		struct conditions *c = parse(t->json);
		struct judgement j;
		bool good;

		make(&t->call, m);
		good = conditions_judge(c, &m->facts, &j);
		if (good != !t->path ||
		    (!good && strcmp(j.violations[0].path, t->path) != 0))
			fail_msg("case %zu %s: %s", i, t->json,
				 good ? "good" : j.violations[0].path);
		conditions_free(&c);
	}
	mem_free(m);
}

static struct judgement judge(const char *json, const struct call *call)
{
	struct made *m = mem_zalloc(sizeof(*m));
	struct conditions *c = parse(json);
	struct judgement j;

	make(call, m);
	(void)conditions_judge(c, &m->facts, &j);
	conditions_free(&c);
	mem_free(m);
	return j;
}

static void judge_permits_streams_one_by_one(void **state)
{
	struct judgement j;

	(void)state;
	j = judge(COND("\"media\":[{\"kind\":\"audio\",\"codecs\":[\"PCMU\"],"
		       "\"max_streams\":2}]"),
		  &(struct call){ .people = AB,
				  .streams = "audio:G729/8000,PCMU/8000,"
					     "telephone-event/8000 "
					     "video:H264/90000 "
					     "audio:PCMU/8000 "
					     "audio:PCMU/8000" });
	assert_int_equal(j.n_violations, 0);
	assert_int_equal(j.n_permitted, 2);
	assert_true(j.narrowed);
	assert_true(j.streams[0].permitted);
	assert_int_equal(j.streams[0].codecs, 6);
	assert_false(j.streams[1].permitted);
	assert_string_equal(j.streams[1].why.path, "conditions.media");
	assert_true(j.streams[2].permitted);
	assert_false(j.streams[3].permitted);
	assert_string_equal(j.streams[3].why.path,
			    "conditions.media.max_streams");
}

static void judge_needs_real_codecs_not_dtmf(void **state)
{
	struct judgement j;

	(void)state;
	j = judge(
		COND("\"media\":[{\"kind\":\"audio\",\"codecs\":[\"PCMU\"]}]"),
		&(struct call){ .people = AB,
				.streams = "audio:telephone-event/8000,CN" });
	assert_int_equal(j.n_permitted, 0);
	assert_int_equal(j.n_violations, 1);
	j = judge(
		COND("\"media\":[{\"kind\":\"audio\",\"codecs\":[\"PCMU\"]}]"),
		&(struct call){ .people = AB,
				.streams = "audio:PCMU/8000,CN" });
	assert_int_equal(j.streams[0].codecs, 3);
	assert_false(j.narrowed);
}

static void judge_lists_every_violation(void **state)
{
	struct judgement j;

	(void)state;
	j = judge(COND("\"participants\":{\"min\":3,\"deny\":[\"sip:*@evil."
		       "example\"]},\"media\":[{\"kind\":\"audio\","
		       "\"codecs\":[\"opus\"]}],\"announce\":\"required\""),
		  &(struct call){ .people = BOB " " EVE });
	assert_int_equal(j.n_violations, 5);
	assert_string_equal(j.violations[0].path, "owner.must_participate");
	assert_string_equal(j.violations[2].got, EVE);
	assert_string_equal(j.violations[4].required, "opus/48000");
	assert_string_equal(j.violations[4].got, "PCMU/8000");
}

static void judge_waits_for_people(void **state)
{
	struct judgement j;

	(void)state;
	j = judge(COND(""), &(struct call){ .people = NULL });
	assert_int_equal(j.n_violations, 0);
	assert_true(j.needs_people);
	j = judge("{\"type\":\"call_recording\",\"actions\":[\"record\"],"
		  "\"owner\":{\"aor\":[\"sip:a@b\"],\"must_participate\":"
		  "false},\"conditions\":{}}",
		  &(struct call){ .people = NULL });
	assert_false(j.needs_people);
}

static void judge_counts_quotas_apart(void **state)
{
	static const char json[] =
		HEAD ",\"conditions\":{\"max_concurrent\":2,"
		     "\"max_duration_s\":60},\"limits\":{\"storage_bytes\":"
		     "100,\"sessions_per_day\":5}}";
	struct judgement j;

	(void)state;
	j = judge(json, &(struct call){ .people = AB,
					.concurrent = 1,
					.sessions = 4,
					.bytes = 99 });
	assert_false(j.over_concurrent || j.over_sessions || j.over_storage);
	assert_int_equal(j.max_duration_s, 60);
	j = judge(json, &(struct call){ .people = AB, .concurrent = 2 });
	assert_true(j.over_concurrent);
	assert_int_equal(j.n_violations, 0);
	j = judge(json, &(struct call){ .people = AB, .sessions = 5 });
	assert_true(j.over_sessions);
	j = judge(json, &(struct call){ .people = AB, .bytes = 100 });
	assert_true(j.over_storage);
}

struct end_case {
	const char *json, *at, *end, *why;
};

static void judge_says_when_it_ends(void **state)
{
	static const struct end_case cases[] = {
		{ COND(""), "2026-06-10T12:00:00Z", NULL, "" },
		{ MORE("\"not_after\":\"2026-06-11T00:00:00Z\""),
		  "2026-06-10T12:00:00Z", "2026-06-11T00:00:00.000Z",
		  "not_after" },
		{ COND(WINDOW("Europe/London", WEEK, "08:00", "18:30")),
		  "2026-06-10T12:00:10Z", "2026-06-10T17:30:00.000Z",
		  "time_window" },
		/* the night in which the clock goes forward, and back */
		{ COND(WINDOW("Europe/London", "\"SA\"", "22:00", "06:00")),
		  "2026-03-28T23:00:00Z", "2026-03-29T05:00:00.000Z",
		  "time_window" },
		{ COND(WINDOW("Europe/London", "\"SA\"", "22:00", "06:00")),
		  "2026-10-24T23:00:00Z", "2026-10-25T06:00:00.000Z",
		  "time_window" },
		/* 01:30 comes twice: the first one is not the end */
		{ COND(WINDOW("Europe/London", "\"SU\"", "00:00", "01:30")),
		  "2026-10-25T00:10:00Z", "2026-10-25T00:30:00.000Z",
		  "time_window" },
		{ COND(WINDOW("Europe/London", "\"SU\"", "00:00", "02:00")),
		  "2026-10-25T00:10:00Z", "2026-10-25T02:00:00.000Z",
		  "time_window" },
		/* windows that touch are one */
		{ COND("\"time_windows\":[{\"tz\":\"UTC\",\"days\":[\"WE\"],"
		       "\"from\":\"08:00\",\"to\":\"12:00\"},{\"tz\":\"UTC\","
		       "\"days\":[\"WE\"],\"from\":\"12:00\",\"to\":\"20:00\"}"
		       "]"),
		  "2026-06-10T09:00:00Z", "2026-06-10T20:00:00.000Z",
		  "time_window" },
		{ COND(WINDOW("UTC",
			      "\"MO\",\"TU\",\"WE\",\"TH\",\"FR\",\"SA\","
			      "\"SU\"",
			      "00:00", "00:00")),
		  "2026-06-10T09:00:00Z", NULL, "time_window" },
	};
	char text[CLOCK_RFC3339_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct judgement j = judge(cases[i].json,
					   &(struct call){ .people = AB,
							   .at = cases[i].at });

		assert_int_equal(j.n_violations, 0);
		if (!cases[i].end) {
			assert_int_equal(j.ends_us, 0);
			continue;
		}
		clock_format(j.ends_us, text, sizeof(text));
		assert_string_equal(text, cases[i].end);
		assert_string_equal(j.ends_why, cases[i].why);
	}
}

/* ---- narrowing --------------------------------------------------------- */

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
		struct conditions *o = parse(wider_cases[i].outer);
		struct conditions *n = parse(wider_cases[i].inner);
		struct violation v = { .path = "" };
		unsigned r = conditions_wider(o, n, &v, 1);

		if ((r > 0) != (wider_cases[i].path != NULL) ||
		    (r && strcmp(v.path, wider_cases[i].path) != 0))
			fail_msg("case %zu: %u %s", i, r, v.path);
		conditions_free(&o);
		conditions_free(&n);
	}
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
	struct conditions *c = parse(example);
	struct buf b;

	(void)state;
	buf_init(&b, 65536);
	assert_int_equal(conditions_sentences(c, collect, &b), 0);
	assert_string_equal(
		buf_str(&b),
		"Record calls with 3 or more people in which "
		"sip:alice@voip.example or tel:+442079460001 takes part.\n"
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
		cmocka_unit_test(judge_follows_every_rule),
		cmocka_unit_test(judge_permits_streams_one_by_one),
		cmocka_unit_test(judge_needs_real_codecs_not_dtmf),
		cmocka_unit_test(judge_lists_every_violation),
		cmocka_unit_test(judge_waits_for_people),
		cmocka_unit_test(judge_counts_quotas_apart),
		cmocka_unit_test(judge_says_when_it_ends),
		cmocka_unit_test(wider_finds_every_field),
		cmocka_unit_test(sentences_say_everything),
		cmocka_unit_test(violations_become_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
