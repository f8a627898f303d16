/* test_cond_judge.c - facts about auth/conditions.h: judging a call. */
#include "auth/conditions.h"

#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "tests/support/conditions_rig.h"

/* A call as the cases below write it. */
struct call {
	const char *people;  /* "a b c", NULL = no metadata */
	const char *streams; /* "audio:PCMU/8000,CN video:H264/90000";
			      * "!" behind the kind: SRTP; "@64": kbps */
	const char *at;
	const char *location;
	const char *region;
	const char *country; /* of the tenant's numbers, NULL = not set */
	int caller;	     /* 1 = first */
	enum cond_direction before;
	enum call_told told;
	enum call_crypt crypt;
	int64_t concurrent, sessions, bytes;
};

struct made {
	struct identity people[16];
	struct number_plan plan;
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
	m->facts.known_direction = call->before;
	if (call->country) {
		assert_int_equal(
			number_plan_set(&m->plan, call->country, "", ""), 0);
		m->facts.numbers = &m->plan;
	}
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

#define NUMBER(more)                                                           \
	"{\"type\":\"call_recording\",\"actions\":[\"record\"],"               \
	"\"owner\":{\"aor\":[\"tel:+12025550143\"]},\"conditions\":{" more     \
	"}}"

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
	/* not known: as the condition says, none unless it does */
	{ COND("\"direction\":\"inbound\",\"direction_unknown\":\"none\""),
	  { .people = ALICE " " EVE },
	  "conditions.direction" },
	{ COND("\"direction\":\"inbound\",\"direction_unknown\":\"any\""),
	  { .people = ALICE " " EVE },
	  NULL },
	{ COND("\"direction\":\"inbound\",\"direction_unknown\":\"any\""),
	  { .people = ALICE " " EVE, .caller = 1 },
	  "conditions.direction" },
	{ COND("\"direction\":\"internal\",\"direction_unknown\":\"any\""),
	  { .people = ALICE " " EVE },
	  "conditions.direction" },
	{ COND("\"direction\":\"internal\",\"direction_unknown\":\"any\""),
	  { .people = ALICE },
	  NULL },
	/* known before, and nobody says otherwise */
	{ COND("\"direction\":\"inbound\""),
	  { .people = ALICE " " EVE, .before = COND_DIR_IN },
	  NULL },
	{ COND("\"direction\":\"inbound\""),
	  { .people = ALICE " " EVE, .before = COND_DIR_OUT },
	  "conditions.direction" },
	{ COND("\"direction\":\"inbound\",\"direction_unknown\":\"any\""),
	  { .people = ALICE " " EVE, .before = COND_DIR_OUT },
	  "conditions.direction" },
	{ COND("\"direction\":\"inbound\""),
	  { .people = ALICE " " EVE, .caller = 1, .before = COND_DIR_IN },
	  "conditions.direction" },
	{ COND("\"direction\":\"internal\""),
	  { .people = ALICE, .before = COND_DIR_INT },
	  NULL },
	{ COND("\"direction\":\"internal\""),
	  { .people = ALICE " " EVE, .before = COND_DIR_INT },
	  "conditions.direction" },
	/* numbers */
	{ NUMBER(""), { .people = "2025550143 " EVE }, NULL },
	{ NUMBER(""),
	  { .people = "sip:2025550143 sip:2025550199", .country = "1" },
	  NULL },
	{ NUMBER(""),
	  { .people = "02025550143 " EVE, .country = "44" },
	  "owner.must_participate" },
	{ NUMBER("\"participants\":{\"deny\":[\"tel:+1202555*\"]}"),
	  { .people = "tel:+12025550143 sip:2025550199" },
	  "conditions.participants.deny" },
	{ NUMBER("\"participants\":{\"min\":2}"),
	  { .people = "tel:+12025550143 sip:2025550143@gw.example" },
	  "conditions.participants.min" },
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
		struct conditions *c = conditions_rig_parse(t->json);
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
	struct conditions *c = conditions_rig_parse(json);
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

static void more_reasons_fit_or_are_dropped(void **state)
{
	struct judgement *j = mem_zalloc(sizeof(*j));
	char path[300];

	(void)state;
	judgement_add(j, "limits.storage_bytes", "100", "200");
	assert_int_equal(j->n_violations, 1);
	assert_string_equal(j->violations[0].path, "limits.storage_bytes");
	assert_string_equal(j->violations[0].required, "100");
	assert_string_equal(j->violations[0].got, "200");
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	judgement_add(j, path, path, path);
	assert_int_equal(strlen(j->violations[1].path),
			 sizeof(j->violations[1].path) - 1);
	assert_int_equal(strlen(j->violations[1].got),
			 sizeof(j->violations[1].got) - 1);
	for (int i = 0; i < COND_VIOLATIONS_MAX; i++)
		judgement_add(j, "p", "r", "g");
	assert_int_equal(j->n_violations, COND_VIOLATIONS_MAX);
	mem_free(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judge_follows_every_rule),
		cmocka_unit_test(judge_permits_streams_one_by_one),
		cmocka_unit_test(judge_needs_real_codecs_not_dtmf),
		cmocka_unit_test(judge_lists_every_violation),
		cmocka_unit_test(judge_waits_for_people),
		cmocka_unit_test(judge_counts_quotas_apart),
		cmocka_unit_test(judge_says_when_it_ends),
		cmocka_unit_test(more_reasons_fit_or_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
