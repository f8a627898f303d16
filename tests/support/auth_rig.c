#include "tests/support/auth_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "auth/clients.h"
#include "auth/users.h"
#include "base/err.h"
#include "base/mem.h"
#include "storage/catalog.h"
#include "storage/db.h"
#include "storage/migrate.h"

static const uint8_t key[AUTH_KEY_LEN] = "0123456789abcdef0123456789abcde";

static void must(int r, const struct err *e)
{
	if (r < 0)
		fail_msg("%d %s", r, e->text);
}

static void make_tenant(struct auth_rig *rig, const char *name,
			struct id *tenant, struct id *user, struct id *client,
			char secret[TOKEN_MAX])
{
	const char *const aors[] = { "sip:alice@voip.example" };
	const char *const uris[] = { "https://portal.example/done",
				     "http://127.0.0.1:9/done" };
	struct err e = { 0 };
	char email[64];

	must(tenant_create(rig->db, name, RIG_START_US, tenant), &e);
	(void)snprintf(email, sizeof(email), "alice@%s.example", name);
	must(user_create(&rig->auth,
			 &(struct user_new){ .tenant_id = tenant->s,
					     .email = email,
					     .role = USER_OWNER,
					     .aors = aors,
					     .n_aors = 1 },
			 "operator", user, &e),
	     &e);
	must(client_create(&rig->auth,
			   &(struct client_new){ .tenant_id = tenant->s,
						 .name = "Example VoIP",
						 .redirect_uris = uris,
						 .n_redirect_uris = 2 },
			   "operator", client, secret, &e),
	     &e);
}

int auth_rig_open(struct auth_rig *rig, const char *path)
{
	char secret[TOKEN_MAX];
	struct err e = { 0 };

	memset(rig, 0, sizeof(*rig));
	clock_fake_init(&rig->clock, 1000000, RIG_START_US);
	must(db_open(path, &rig->db, &e), &e);
	must(migrate_run(rig->db, false, RIG_START_US, NULL, NULL, &e), &e);
	auth_init_key(&rig->auth, rig->db, &rig->clock.clock, key);
	make_tenant(rig, "one", &rig->tenant, &rig->user, &rig->client,
		    rig->secret);
	make_tenant(rig, "two", &rig->other_tenant, &rig->other_user,
		    &rig->other_client, secret);
	auth_rig_grant(rig,
		       auth_rig_details("\"participants\":{\"min\":2},"
					"\"media\":[{\"kind\":\"audio\","
					"\"codecs\":[\"PCMU\"]}]",
					""),
		       &rig->grant);
	return 0;
}

void auth_rig_close(struct auth_rig *rig)
{
	auth_fini(&rig->auth);
	db_close(&rig->db);
}

int auth_rig_setup(void **state)
{
	*state = mem_zalloc(sizeof(struct auth_rig));
	return auth_rig_open(*state, ":memory:");
}

int auth_rig_teardown(void **state)
{
	auth_rig_close(*state);
	mem_free(*state);
	return 0;
}

const char *auth_rig_details(const char *conditions, const char *more)
{
	static char text[4096];

	(void)snprintf(text, sizeof(text),
		       "{\"type\":\"call_recording\",\"actions\":[\"record\"],"
		       "\"owner\":{\"aor\":[\"sip:alice@voip.example\"]},"
		       "\"conditions\":{%s}%s}",
		       conditions, more);
	return text;
}

void auth_rig_grant(struct auth_rig *rig, const char *details,
		    struct id *ret_id)
{
	struct err e = { 0 };

	must(grant_create(&rig->auth,
			  &(struct grant_new){ .client_id = rig->client.s,
					       .owner_id = rig->user.s,
					       .details = details },
			  "operator", ret_id, &e),
	     &e);
}

void auth_rig_issue(struct auth_rig *rig, struct token_pair *ret_pair)
{
	assert_int_equal(token_issue(&rig->auth, rig->grant.s, NULL, "operator",
				     ret_pair),
			 0);
}

int64_t auth_rig_count(struct auth_rig *rig, const char *sql)
{
	int64_t n = -1;

	assert_int_equal(db_query_int(rig->db, sql, DB_NONE, &n), 0);
	return n;
}
