/* Makes the facts of a call out of the command line and asks the same judge
 * that the gate asks. */
#include "srs/cli/grant_test.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "auth/conditions.h"
#include "auth/grants.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/cli/cli.h"
#include "srs/cli/args.h"
#include "srs/cli/auth.h"
#include "srs/cli/catalog.h"
#include "storage/catalog.h"

#define WORD "grant test"

struct options {
	const char *grant, *details, *at, *caller, *direction, *location;
	const char *streams;
	struct cli_list people, codecs;
	bool srtp, told;
};

/* Everything that lives as long as the test. */
struct test {
	struct options o;
	struct cli_auth a;
	char *text; /* conditions */
	struct conditions *c;
	bool revoked;
	struct identity people[CLI_LIST_MAX];
	struct number_plan numbers;
	struct call_facts facts;
	struct judgement j;
};

static void test_close(struct test **tp)
{
	struct test *t = *tp;

	if (!t)
		return;
	mem_free(t->text);
	conditions_free(&t->c);
	cli_auth_close(&t->a);
	mem_free(t);
	*tp = NULL;
}

static int parse_options(struct options *o, int argc, char **argv)
{
	const struct cli_option table[] = {
		{ "--grant", .value = &o->grant },
		{ "--details", .value = &o->details },
		{ "--participant", .list = &o->people },
		{ "--codec", .list = &o->codecs },
		{ "--streams", .value = &o->streams },
		{ "--at", .value = &o->at },
		{ "--caller", .value = &o->caller },
		{ "--direction", .value = &o->direction },
		{ "--location", .value = &o->location },
		{ "--srtp", .flag = &o->srtp },
		{ "--told", .flag = &o->told },
	};
	int r = cli_args(WORD, argc, argv, table, ARRAY_SIZE(table), NULL);

	if (r != CLI_OK)
		return r;
	if (!o->grant == !o->details)
		return cli_usage(WORD, "--grant ID or --details FILE");
	return CLI_OK;
}

/* ---- the call ---------------------------------------------------------- */

static enum cond_kind kind_of(const struct codec_name *c)
{
	static const char *const video[] = { "H264",	  "H265", "H263",
					     "H263-1998", "H261", "VP8",
					     "VP9",	  "AV1" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(video); i++)
		if (str_ieq(c->name, video[i]))
			return COND_VIDEO;
	return str_ieq(c->name, "t140") ? COND_TEXT : COND_AUDIO;
}

/* n streams of the kind, each offering all its codecs; none when none was
 * named. */
static void add_streams(struct call_facts *f, enum cond_kind kind,
			const struct codec_name *codecs, unsigned n_codecs,
			unsigned n, bool srtp)
{
	struct call_stream s = { .kind = kind, .offered = true, .srtp = srtp };
	unsigned i;

	for (i = 0; i < n_codecs && s.n_codecs < CALL_CODECS_MAX; i++) {
		if (kind_of(&codecs[i]) != kind)
			continue;
		s.kbps = codec_name_kbps(&codecs[i]);
		s.codecs[s.n_codecs++] = codecs[i];
	}
	if (s.n_codecs > 1)
		s.kbps = 0; /* which one is used is not known */
	for (i = 0; s.n_codecs && i < n && f->n_streams < CALL_STREAMS_MAX; i++)
		f->streams[f->n_streams++] = s;
}

static int set_streams(struct test *t)
{
	struct codec_name codecs[CLI_LIST_MAX];
	uint64_t n = t->o.people.n > 1 ? t->o.people.n : 1;
	unsigned i;

	if (t->o.streams &&
	    (str_u64(t->o.streams, CALL_STREAMS_MAX, &n) < 0 || !n))
		return cli_usage(WORD, "--streams: 1 to %d", CALL_STREAMS_MAX);
	for (i = 0; i < t->o.codecs.n; i++)
		if (codec_name_parse(t->o.codecs.v[i], &codecs[i]) < 0)
			return cli_usage(WORD, "--codec %s: no codec name",
					 t->o.codecs.v[i]);
	for (i = COND_AUDIO; i <= COND_TEXT; i++)
		add_streams(&t->facts, (enum cond_kind)i, codecs, t->o.codecs.n,
			    (unsigned)n, t->o.srtp);
	return CLI_OK;
}

static int set_direction(struct test *t)
{
	static const char *const words[] = { "unknown", "inbound", "outbound",
					     "internal" };
	size_t i;

	if (!t->o.direction)
		return CLI_OK;
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (str_eq(t->o.direction, words[i])) {
			t->facts.direction = (enum cond_direction)i;
			return CLI_OK;
		}
	return cli_usage(WORD, "--direction: inbound, outbound, internal or "
			       "unknown");
}

static int set_people(struct test *t)
{
	struct identity caller;
	unsigned i;

	t->facts.caller = -1; /* the judge knows the numbers */
	if (t->o.caller)
		t->facts.who.callers[t->facts.who.n_callers++] = t->o.caller;
	if (t->o.caller && identity_parse(t->o.caller, &caller) < 0)
		return cli_usage(WORD, "--caller: no address");
	for (i = 0; i < t->o.people.n; i++) {
		if (identity_parse(t->o.people.v[i], &t->people[i]) < 0)
			return cli_usage(WORD, "--participant: no address");
	}
	t->facts.people = t->people;
	t->facts.n_people = t->o.people.n;
	t->facts.people_known = true;
	return CLI_OK;
}

static int set_facts(struct test *t)
{
	int r;

	t->facts.wall_us = clock_wall_us(clock_real());
	if (t->o.at && clock_parse(t->o.at, &t->facts.wall_us) < 0)
		return cli_usage(WORD, "--at: such as 2026-01-31T09:30:00Z");
	t->facts.location = t->o.location;
	t->facts.told = t->o.told ? CALL_TOLD_YES : CALL_TOLD_UNKNOWN;
	t->facts.crypt = t->o.srtp ? CALL_CRYPT_SRTP : CALL_CRYPT_UNKNOWN;
	r = set_people(t);
	if (r == CLI_OK)
		r = set_direction(t);
	return r == CLI_OK ? set_streams(t) : r;
}

/* ---- the conditions ---------------------------------------------------- */

static int load_grant(struct cli *c, struct test *t)
{
	struct grant g CLEANUP(grant_fini) = { 0 };
	int64_t day = t->facts.wall_us - t->facts.wall_us % 86400000000LL;
	struct catalog_usage u;
	int r;

	r = cli_auth_open(c, &t->a);
	if (r != CLI_OK)
		return r;
	r = grant_get(&t->a.auth, t->o.grant, &g);
	if (r == -ENOENT)
		(void)err_set(&t->a.e, r, "there is no such grant");
	if (r == 0)
		r = usage_of_grant(t->a.db, g.id, day, &u);
	if (r == 0)
		r = tenant_plan(t->a.db, g.tenant_id, &t->a.settings,
				&t->numbers);
	if (r < 0)
		return cli_auth_failed(&t->a, WORD, r);
	t->revoked = g.revoked;
	t->facts.numbers = &t->numbers;
	t->facts.concurrent = u.live_calls;
	t->facts.sessions_today = u.sessions;
	t->facts.stored_bytes = u.bytes;
	t->text = STEAL(g.conditions);
	return CLI_OK;
}

static int load(struct cli *c, struct test *t)
{
	int r;

	if (t->o.grant) {
		r = load_grant(c, t);
		if (r != CLI_OK)
			return r;
	} else {
		r = cli_read_details(t->o.details, &t->text, &t->a.e);
		if (r < 0)
			return cli_auth_failed(&t->a, WORD, r);
	}
	r = conditions_parse(t->text, strlen(t->text), &t->c, &t->a.e);
	return r < 0 ? cli_auth_failed(&t->a, WORD, r) : CLI_OK;
}

/* ---- the answer -------------------------------------------------------- */

static void add_quotas(struct test *t)
{
	struct judgement *j = &t->j;

	if (t->revoked)
		judgement_add(j, "grant", "active", "revoked");
	if (j->over_storage)
		judgement_add(j, "limits.storage_bytes", "room left",
			      "used up");
	if (j->over_sessions)
		judgement_add(j, "limits.sessions_per_day", "room left",
			      "used up");
	if (j->over_concurrent)
		judgement_add(j, "conditions.max_concurrent", "room left",
			      "used up");
}

static json_t *stream_json(const struct call_stream *s,
			   const struct stream_permit *p)
{
	static const char *const kinds[] = { "audio", "video", "text",
					     "other" };
	json_t *codecs = json_array();
	unsigned i;

	for (i = 0; i < s->n_codecs; i++)
		if (p->codecs & 1u << i)
			(void)json_array_append_new(
				codecs, json_string(s->codecs[i].name));
	return json_pack("{s:s, s:b, s:o}", "kind", kinds[s->kind], "permitted",
			 p->permitted, "codecs", codecs);
}

static int print_json(const struct test *t)
{
	json_t *violations = json_array(), *streams = json_array();
	unsigned i;

	for (i = 0; i < t->j.n_violations; i++)
		(void)json_array_append_new(
			violations,
			json_pack("{s:s, s:s, s:s}", "path",
				  t->j.violations[i].path, "required",
				  t->j.violations[i].required, "got",
				  t->j.violations[i].got));
	for (i = 0; i < t->j.n_streams; i++)
		(void)json_array_append_new(streams,
					    stream_json(&t->facts.streams[i],
							&t->j.streams[i]));
	return cli_print_json(json_pack("{s:b, s:o, s:o}", "recorded",
					!t->j.n_violations, "violations",
					violations, "streams", streams));
}

static void print_text(const struct test *t)
{
	char line[512];
	unsigned i;

	printf(t->j.n_violations ? "would not be recorded:\n"
				 : "would be recorded\n");
	for (i = 0; i < t->j.n_violations; i++) {
		violation_text(&t->j.violations[i], line, sizeof(line));
		printf("  %s\n", line);
	}
	for (i = 0; !t->j.n_violations && i < t->j.n_streams; i++) {
		if (t->j.streams[i].permitted)
			continue;
		violation_text(&t->j.streams[i].why, line, sizeof(line));
		printf("  but not stream %u: %s\n", i + 1, line);
	}
}

int cli_grant_test(struct cli *c, int argc, char **argv)
{
	struct test *t CLEANUP(test_close) = mem_zalloc(sizeof(*t));
	int r;

	if (!t)
		return CLI_FAILED;
	r = parse_options(&t->o, argc, argv);
	if (r == CLI_OK)
		r = set_facts(t);
	if (r == CLI_OK)
		r = load(c, t);
	if (r != CLI_OK)
		return r;
	(void)conditions_judge(t->c, &t->facts, &t->j);
	add_quotas(t);
	if (c->json) {
		if (print_json(t) != CLI_OK)
			return CLI_FAILED;
	} else {
		print_text(t);
	}
	return t->j.n_violations ? CLI_NO : CLI_OK;
}
