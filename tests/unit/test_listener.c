/* A listener hears the recordings of the owners assigned to it, and nothing
 * else; it changes nothing. */
#include "auth/listens.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/users.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "storage/db.h"
#include "tests/support/web_rig.h"

struct world {
	struct web_rig *w;
	struct id listener, admin;
	char token[TOKEN_MAX], admin_token[TOKEN_MAX];
	struct id rec;
};

static struct id add_user(struct web_rig *w, const char *email,
			  enum user_role role)
{
	const struct user_new u = { .tenant_id = w->rig->tenant.s,
				    .email = email,
				    .role = role };
	struct err e = { 0 };
	struct id id;

	assert_int_equal(user_create(&w->ctx.auth, &u, "x", &id, &e), 0);
	return id;
}

static void add_token(struct web_rig *w, const char *user, char *token)
{
	char id[TOKEN_ID_LEN + 1];

	assert_int_equal(
		token_issue_api(&w->ctx.auth, user, "t", 0, "x", token, id), 0);
}

static int setup(void **state)
{
	struct world *s = test_calloc(1, sizeof(*s));
	void *w = NULL;

	assert_int_equal(web_rig_setup(&w), 0);
	s->w = w;
	s->listener = add_user(s->w, "lisa@one.example", USER_LISTENER);
	s->admin = add_user(s->w, "root@one.example", USER_ADMIN);
	add_token(s->w, s->listener.s, s->token);
	add_token(s->w, s->admin.s, s->admin_token);
	s->rec = web_rig_recording(s->w, s->w->rig->grant.s);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct world *s = *state;
	void *w = s->w;

	(void)web_rig_teardown(&w);
	test_free(s);
	return 0;
}

static int assign(struct world *s, const char *owner)
{
	struct err e = { 0 };

	return user_listens_add(&s->w->ctx.auth, s->listener.s, owner, "x", &e);
}

static unsigned get(struct world *s, const char *before, const char *after)
{
	char path[160];

	(void)snprintf(path, sizeof(path), "%s%s%s", before, s->rec.s, after);
	return web_rig_ask(s->w, HTTP_GET, path, s->token);
}

static bool listed(struct world *s, const char *path)
{
	assert_int_equal(web_rig_ask(s->w, HTTP_GET, path, s->token), 200);
	return strstr(web_rig_text(s->w), s->rec.s) != NULL;
}

static void assert_doors(struct world *s, bool open)
{
	static const char *const doors[][2] = {
		{ "/api/v1/recordings/", "" },
		{ "/api/v1/recordings/", "/signalling" },
		{ "/api/v1/calls/", "" },
	};
	static const char *const files[] = { "/audio", "/peaks",
					     "/tracks/1/audio",
					     "/tracks/1/text" };

	assert_int_equal(listed(s, "/api/v1/recordings"), open);
	assert_int_equal(listed(s, "/api/v1/recordings?state=ready"), open);
	assert_int_equal(listed(s, "/api/v1/recordings?participant="
				   "sip:alice@voip.example"),
			 false); /* nobody is named in it */
	for (size_t i = 0; i < ARRAY_SIZE(doors); i++)
		assert_int_equal(get(s, doors[i][0], doors[i][1]) == 404,
				 !open);
	/* the recording has no files: with the right to them it is the same
	 * 404, so they are given it */
	assert_true(db_exec(s->w->rig->db,
			    "UPDATE recordings SET state = 'rendering'",
			    DB_NONE) > 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		assert_int_equal(get(s, "/api/v1/recordings/", files[i]),
				 open ? 409 : 404);
	assert_true(db_exec(s->w->rig->db,
			    "UPDATE recordings SET state = 'ready'",
			    DB_NONE) > 0);
}

static void assert_pages(struct world *s, bool open)
{
	char path[80];

	web_rig_sign_in(s->w, s->listener.s);
	assert_int_equal(web_rig_ask(s->w, HTTP_GET, "/recordings", NULL), 200);
	assert_int_equal(strstr(web_rig_text(s->w), s->rec.s) != NULL, open);
	(void)snprintf(path, sizeof(path), "/recordings/%s", s->rec.s);
	assert_int_equal(web_rig_ask(s->w, HTTP_GET, path, NULL),
			 open ? 200 : 404);
	if (open) {
		assert_non_null(strstr(web_rig_text(s->w), "id=\"player\""));
		assert_null(strstr(web_rig_text(s->w), "/delete"));
		assert_null(strstr(web_rig_text(s->w), "/edit"));
	}
	s->w->cookie[0] = '\0';
}

static void a_listener_hears_the_owners_assigned_to_it(void **state)
{
	struct world *s = *state;
	struct err e = { 0 };

	assert_doors(s, false);
	assert_pages(s, false);
	assert_int_equal(assign(s, "ALICE@one.example"), 0);
	assert_int_equal(assign(s, s->w->rig->user.s), 0); /* is assigned */
	assert_doors(s, true);
	assert_pages(s, true);
	assert_int_equal(auth_rig_count(s->w->rig,
					"SELECT count(*) FROM audit WHERE "
					"action = 'user.listens_add'"),
			 1);
	assert_int_equal(user_listens_remove(&s->w->ctx.auth, s->listener.s,
					     "alice@one.example", "x", &e),
			 0);
	assert_doors(s, false);
	assert_int_equal(user_listens_remove(&s->w->ctx.auth, s->listener.s,
					     "alice@one.example", "x", &e),
			 -ENOENT);
}

static void a_listener_changes_nothing(void **state)
{
	static const struct {
		enum http_method method;
		const char *after;
	} writes[] = {
		{ HTTP_PATCH, "" },	     { HTTP_DELETE, "" },
		{ HTTP_POST, "/pause" },     { HTTP_POST, "/resume" },
		{ HTTP_POST, "/hand-over" },
	};
	struct world *s = *state;
	char path[128];

	assert_int_equal(assign(s, s->w->rig->user.s), 0);
	for (size_t i = 0; i < ARRAY_SIZE(writes); i++) {
		(void)snprintf(path, sizeof(path), "/api/v1/recordings/%s%s",
			       s->rec.s, writes[i].after);
		assert_int_equal(web_rig_ask(s->w, writes[i].method, path,
					     s->token),
				 403);
	}
}

static void only_listeners_and_owners_of_one_account(void **state)
{
	struct world *s = *state;
	struct auth_rig *rig = s->w->rig;
	struct err e = { 0 };
	struct id other = add_user(s->w, "sue@one.example", USER_SUPERVISOR);

	assert_int_equal(assign(s, rig->other_user.s), -ENOENT);
	assert_int_equal(assign(s, "nobody@one.example"), -ENOENT);
	assert_int_equal(assign(s, other.s), -EINVAL);
	assert_int_equal(assign(s, s->listener.s), -EINVAL);
	assert_int_equal(assign(s, s->admin.s), 0);
	assert_int_equal(user_listens_add(&rig->auth, rig->user.s, s->admin.s,
					  "x", &e),
			 -EINVAL);
	assert_int_equal(auth_rig_count(rig, "SELECT count(*) FROM "
					     "user_listens"),
			 1);
}

static unsigned patch(struct world *s, const char *user, const char *token,
		      const char *body)
{
	char path[80];

	(void)snprintf(path, sizeof(path), "/api/v1/users/%s", user);
	web_rig_begin(s->w, HTTP_PATCH, path);
	web_rig_bearer(s->w, token);
	web_rig_body(s->w, "application/json", body);
	return web_rig_go(s->w);
}

static void an_administrator_assigns_owners(void **state)
{
	struct world *s = *state;

	assert_int_equal(patch(s, s->listener.s, s->admin_token,
			       "{\"listens_to\":[\"alice@one.example\"]}"),
			 200);
	assert_non_null(strstr(web_rig_text(s->w),
			       "\"listens_to\":[\"alice@one.example\"]"));
	assert_doors(s, true);
	assert_int_equal(web_rig_ask(s->w, HTTP_GET, "/api/v1/me", s->token),
			 200);
	assert_non_null(strstr(web_rig_text(s->w), "alice@one.example"));
	assert_int_equal(patch(s, s->listener.s, s->admin_token,
			       "{\"listens_to\":[\"root@one.example\"]}"),
			 200);
	assert_doors(s, false);
	assert_int_equal(patch(s, s->listener.s, s->admin_token,
			       "{\"listens_to\":[\"alice@one.example\","
			       "\"alice@two.example\"]}"),
			 400);
	assert_doors(s, false); /* all of it or nothing */
	assert_int_equal(patch(s, s->w->rig->user.s, s->admin_token,
			       "{\"listens_to\":[]}"),
			 400);
	assert_int_equal(patch(s, s->listener.s, s->admin_token,
			       "{\"listens_to\":[1]}"),
			 400);
	assert_int_equal(patch(s, s->listener.s, s->admin_token,
			       "{\"listens_to\":[],\"role\":\"admin\"}"),
			 400);
	assert_int_equal(patch(s, s->listener.s, s->token,
			       "{\"listens_to\":[\"alice@one.example\"]}"),
			 403);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_listener_hears_the_owners_assigned_to_it),
		T(a_listener_changes_nothing),
		T(only_listeners_and_owners_of_one_account),
		T(an_administrator_assigns_owners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
