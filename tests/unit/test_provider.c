/* What a provider may read over the API: what an owner's living grant says,
 * whatever kind of token it brings. */
#include "tests/support/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/clients.h"
#include "auth/users.h"
#include "base/err.h"
#include "base/mem.h"
#include "storage/commands.h"
#include "storage/db.h"
#include "tests/support/web_rig.h"

#define DETAILS                                                                \
	"{\"type\":\"call_recording\",\"actions\":[\"record\","                \
	"\"pause_resume\",\"metadata\"],\"owner\":{\"aor\":["                  \
	"\"sip:alice@voip.example\"]},\"conditions\":{}%s}"

/* Everything that reads or names a recording. */
static const struct {
	enum http_method method;
	const char *before, *after; /* its id */
} doors[] = {
	{ HTTP_GET, "/api/v1/recordings/", "" },
	{ HTTP_GET, "/api/v1/recordings/", "/audio" },
	{ HTTP_GET, "/api/v1/recordings/", "/tracks/1/audio" },
	{ HTTP_GET, "/api/v1/recordings/", "/tracks/1/text" },
	{ HTTP_GET, "/api/v1/recordings/", "/peaks" },
	{ HTTP_GET, "/api/v1/recordings/", "/signalling" },
	{ HTTP_GET, "/api/v1/calls/", "" },
	{ HTTP_POST, "/api/v1/recordings/", "/pause" },
	{ HTTP_POST, "/api/v1/recordings/", "/resume" },
};

static struct id add_grant(struct web_rig *w, const char *client,
			   const char *owner, const char *scope,
			   const char *more)
{
	char details[512];
	struct err e = { 0 };
	struct id id;

	(void)snprintf(details, sizeof(details), DETAILS, more);
	assert_int_equal(grant_create(&w->ctx.auth,
				      &(struct grant_new){ .client_id = client,
							   .owner_id = owner,
							   .details = details,
							   .scope = scope,
							   .any_aor = true },
				      "x", &id, &e),
			 0);
	return id;
}

static void own_token(struct web_rig *w, const char *client,
		      struct token_pair *p)
{
	assert_int_equal(token_issue_client(&w->ctx.auth, client, p), 0);
	assert_string_equal(p->scope, SCOPE_API);
}

static bool listed(struct web_rig *w, const char *token, const char *id)
{
	assert_int_equal(web_rig_ask(w, HTTP_GET, "/api/v1/recordings", token),
			 200);
	return strstr(web_rig_text(w), id) != NULL;
}

static void assert_hidden(struct web_rig *w, const char *token, const char *id)
{
	char path[160];

	assert_false(listed(w, token, id));
	for (size_t i = 0; i < ARRAY_SIZE(doors); i++) {
		(void)snprintf(path, sizeof(path), "%s%s%s", doors[i].before,
			       id, doors[i].after);
		assert_int_equal(web_rig_ask(w, doors[i].method, path, token),
				 404);
	}
}

static void assert_seen(struct web_rig *w, const char *token, const char *id)
{
	char path[160];

	assert_true(listed(w, token, id));
	for (size_t i = 0; i < ARRAY_SIZE(doors); i++) {
		unsigned status;

		(void)snprintf(path, sizeof(path), "%s%s%s", doors[i].before,
			       id, doors[i].after);
		status = web_rig_ask(w, doors[i].method, path, token);
		if (doors[i].method == HTTP_POST)
			assert_int_equal(status, 409); /* it is over */
		else if (!doors[i].after[0])
			assert_int_equal(status, 200);
	}
}

static void a_clients_own_token_goes_by_each_grant(void **state)
{
	struct web_rig *w = *state;
	struct auth_rig *rig = w->rig;
	struct id owner2, other, reads, sends, theirs, r_reads, r_sends,
		r_owner2, r_theirs;
	char secret[TOKEN_MAX];
	struct err e = { 0 };
	struct token_pair p;

	assert_int_equal(user_create(&w->ctx.auth,
				     &(struct user_new){
					     .tenant_id = rig->tenant.s,
					     .email = "bob@one.example",
					     .role = USER_OWNER },
				     "x", &owner2, &e),
			 0);
	assert_int_equal(client_create(&w->ctx.auth,
				       &(struct client_new){
					       .tenant_id = rig->tenant.s,
					       .name = "Rival" },
				       "x", &other, secret, &e),
			 0);
	reads = add_grant(w, rig->client.s, rig->user.s, NULL, "");
	sends = add_grant(w, rig->client.s, rig->user.s, SCOPE_SIP, "");
	theirs = add_grant(w, other.s, rig->user.s, NULL, "");
	r_reads = web_rig_recording(w, reads.s);
	r_sends = web_rig_recording(w, sends.s);
	r_theirs = web_rig_recording(w, theirs.s);
	reads = add_grant(w, rig->client.s, owner2.s, SCOPE_API, "");
	r_owner2 = web_rig_recording(w, reads.s);
	own_token(w, rig->client.s, &p);
	assert_seen(w, p.access, r_reads.s);
	assert_seen(w, p.access, r_owner2.s);
	assert_hidden(w, p.access, r_sends.s);
	assert_hidden(w, p.access, r_theirs.s);
	own_token(w, other.s, &p);
	assert_hidden(w, p.access, r_reads.s);
	assert_seen(w, p.access, r_theirs.s);
	own_token(w, rig->other_client.s, &p);
	assert_hidden(w, p.access, r_reads.s);
}

static void what_ends_a_grant_ends_reading(void **state)
{
	struct web_rig *w = *state;
	struct auth_rig *rig = w->rig;
	struct token_pair p;
	struct err e = { 0 };
	struct id g, r;

	own_token(w, rig->client.s, &p);
	g = add_grant(w, rig->client.s, rig->user.s, NULL, "");
	r = web_rig_recording(w, g.s);
	assert_seen(w, p.access, r.s);
	assert_int_equal(grant_revoke(&w->ctx.auth, g.s, "x", "x"), 0);
	assert_hidden(w, p.access, r.s);
	/* a new one does not bring back what was made under the old one */
	g = add_grant(w, rig->client.s, rig->user.s, NULL, "");
	assert_hidden(w, p.access, r.s);
	r = web_rig_recording(w, g.s);
	assert_seen(w, p.access, r.s);
	assert_int_equal(
		user_set_disabled(&w->ctx.auth, rig->user.s, true, "x"), 0);
	assert_hidden(w, p.access, r.s);
	assert_int_equal(
		user_set_disabled(&w->ctx.auth, rig->user.s, false, "x"), 0);
	assert_seen(w, p.access, r.s);
	assert_int_equal(
		grant_narrow_scope(&w->ctx.auth, g.s, SCOPE_SIP, "x", &e), 0);
	assert_hidden(w, p.access, r.s);
	assert_int_equal(grant_narrow_scope(&w->ctx.auth, g.s, SCOPE_GRANT, "x",
					    &e),
			 -EINVAL);
}

static void a_grant_that_is_over_shows_nothing(void **state)
{
	struct web_rig *w = *state;
	struct auth_rig *rig = w->rig;
	struct token_pair p;
	struct id g, r;

	g = add_grant(w, rig->client.s, rig->user.s, NULL,
		      ",\"not_after\":\"2026-06-10T12:05:00Z\"");
	r = web_rig_recording(w, g.s);
	own_token(w, rig->client.s, &p);
	assert_seen(w, p.access, r.s);
	clock_fake_advance(&rig->clock, 299 * 1000000LL);
	assert_seen(w, p.access, r.s);
	clock_fake_advance(&rig->clock, 1000000LL);
	assert_hidden(w, p.access, r.s);
}

static void a_grants_token_sees_that_grant_only(void **state)
{
	struct web_rig *w = *state;
	struct auth_rig *rig = w->rig;
	struct token_pair p, narrow;
	struct err e = { 0 };
	struct id one, two, r_one, r_two;

	one = add_grant(w, rig->client.s, rig->user.s, NULL, "");
	two = add_grant(w, rig->client.s, rig->user.s, NULL, "");
	r_one = web_rig_recording(w, one.s);
	r_two = web_rig_recording(w, two.s);
	assert_int_equal(token_issue(&w->ctx.auth, one.s, NULL, "x", &p), 0);
	assert_int_equal(
		token_issue(&w->ctx.auth, one.s, SCOPE_SIP, "x", &narrow), 0);
	assert_seen(w, p.access, r_one.s);
	assert_hidden(w, p.access, r_two.s);
	assert_int_equal(web_rig_ask(w, HTTP_GET, "/api/v1/recordings",
				     narrow.access),
			 403);
	assert_int_equal(
		grant_narrow_scope(&w->ctx.auth, one.s, SCOPE_SIP, "x", &e), 0);
	assert_int_equal(
		web_rig_ask(w, HTTP_GET, "/api/v1/recordings", p.access), 403);
	assert_int_equal(grant_revoke(&w->ctx.auth, one.s, "x", "x"), 0);
	assert_int_equal(
		web_rig_ask(w, HTTP_GET, "/api/v1/recordings", p.access), 401);
}

/* Starting calls is what "call-recording" is for, under a grant. */
static void only_a_grants_token_starts_calls(void **state)
{
	static const struct {
		enum http_method method;
		const char *path;
	} starts[] = {
		{ HTTP_POST, "/api/v1/record" },
		{ HTTP_POST, "/api/v1/recordings/x/hand-over" },
		{ HTTP_DELETE, "/api/v1/commands/1" },
	};
	struct web_rig *w = *state;
	struct token_pair own, reads, both;

	own_token(w, w->rig->client.s, &own);
	assert_int_equal(token_issue(&w->ctx.auth, w->rig->grant.s, SCOPE_API,
				     "x", &reads),
			 0);
	auth_rig_issue(w->rig, &both);
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		assert_int_equal(web_rig_ask(w, starts[i].method,
					     starts[i].path, own.access),
				 403);
		assert_non_null(strstr(web_rig_answer(w, "WWW-Authenticate"),
				       "scope=\"" SCOPE_GRANT "\""));
		assert_int_equal(web_rig_ask(w, starts[i].method,
					     starts[i].path, reads.access),
				 403);
		assert_int_not_equal(web_rig_ask(w, starts[i].method,
						 starts[i].path, both.access),
				     403);
	}
}

/* All tokens of a client are one actor; the ids of commands are counted. */
static void commands_about_hidden_recordings_are_hidden(void **state)
{
	struct web_rig *w = *state;
	struct auth_rig *rig = w->rig;
	struct token_pair p, own;
	char actor[64], path[64];
	struct id one, two, r;
	struct command_new n = { .node = "n",
				 .tenant_id = rig->tenant.s,
				 .kind = "pause",
				 .actor = actor,
				 .asked_us = 1 };
	int64_t id;

	one = add_grant(w, rig->client.s, rig->user.s, NULL, "");
	two = add_grant(w, rig->client.s, rig->user.s, NULL, "");
	r = web_rig_recording(w, two.s);
	n.recording_id = r.s;
	(void)snprintf(actor, sizeof(actor), "client:%s", rig->client.s);
	assert_int_equal(command_add(rig->db, &n, &id), 0);
	(void)snprintf(path, sizeof(path), "/api/v1/commands/%lld",
		       (long long)id);
	assert_int_equal(token_issue(&w->ctx.auth, one.s, NULL, "x", &p), 0);
	own_token(w, rig->client.s, &own);
	assert_int_equal(web_rig_ask(w, HTTP_GET, path, p.access), 404);
	assert_int_equal(web_rig_ask(w, HTTP_GET, path, own.access), 200);
	assert_int_equal(grant_revoke(&w->ctx.auth, two.s, "x", "x"), 0);
	assert_int_equal(web_rig_ask(w, HTTP_GET, path, own.access), 404);
}

#define WEB(f)                                                                 \
	cmocka_unit_test_setup_teardown(f, web_rig_setup, web_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WEB(a_clients_own_token_goes_by_each_grant),
		WEB(what_ends_a_grant_ends_reading),
		WEB(a_grant_that_is_over_shows_nothing),
		WEB(a_grants_token_sees_that_grant_only),
		WEB(only_a_grants_token_starts_calls),
		WEB(commands_about_hidden_recordings_are_hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
