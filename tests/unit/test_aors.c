/* Whose address is it, who may give it, and what goes with it. */
#include "auth/aors.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/grants.h"
#include "auth/users.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "storage/audit.h"
#include "storage/catalog.h"
#include "tests/support/auth_rig.h"

#define ALICE "sip:alice@voip.example"

static void make_user(struct auth_rig *rig, const char *email,
		      const struct id *tenant, struct id *ret_id)
{
	struct err e = { 0 };

	assert_int_equal(user_create(&rig->auth,
				     &(struct user_new){ .tenant_id = tenant->s,
							 .email = email,
							 .role = USER_OWNER },
				     "operator", ret_id, &e),
			 0);
}

static int give(struct auth_rig *rig, const struct id *user, const char *aor,
		enum aor_giver by)
{
	struct err e = { 0 };

	return user_aor_add(&rig->auth, user->s, aor, by, "x", &e);
}

static int give_tenant(struct auth_rig *rig, const struct id *tenant,
		       const char *aor)
{
	struct err e = { 0 };

	return tenant_aor_add(&rig->auth, tenant->s, aor, "operator", &e);
}

static int consent(struct auth_rig *rig, const struct id *user,
		   const char *aors, bool vouched, struct id *ret_id)
{
	char details[600];
	struct err e = { 0 };
	int r;

	(void)snprintf(details, sizeof(details),
		       "{\"type\":\"call_recording\",\"actions\":[\"record\"],"
		       "\"owner\":{\"aor\":[%s]},\"conditions\":{}}",
		       aors);
	r = grant_create(&rig->auth,
			 &(struct grant_new){ .client_id = rig->client.s,
					      .owner_id = user->s,
					      .details = details,
					      .any_aor = vouched },
			 "x", ret_id, &e);
	if (r == -EACCES && !strstr(e.text, "is not one of the owner's"))
		fail_msg("%s", e.text);
	return r;
}

static void consent_is_for_own_addresses_only(void **state)
{
	static const char *const not_hers[] = {
		"\"" ALICE "\"",
		"\"sips:ALICE@voip.example\"",
		"\"sip:%61lice@VOIP.example\"",
		"\"sip:carol@voip.example\",\"" ALICE "\"",
		"\"tel:+442079460001\"",
		"\"sip:2025550143@else.example\"",
	};
	struct auth_rig *rig = *state;
	struct id carol, grant;

	make_user(rig, "carol@one.example", &rig->tenant, &carol);
	assert_int_equal(give(rig, &carol, "sip:carol@voip.example",
			      AOR_BY_OPERATOR),
			 0);
	/* the same digits of another country are another number */
	assert_int_equal(
		give(rig, &carol, "tel:+442025550143", AOR_BY_OPERATOR), 0);
	for (size_t i = 0; i < ARRAY_SIZE(not_hers); i++)
		assert_int_equal(consent(rig, &carol, not_hers[i], false,
					 &grant),
				 -EACCES);
	assert_int_equal(consent(rig, &carol, "\"sips:Carol@voip.example\"",
				 false, &grant),
			 -EACCES); /* user parts have a case */
	assert_int_equal(consent(rig, &carol, "\"sips:carol@VOIP.example\"",
				 false, &grant),
			 0);
	assert_int_equal(consent(rig, &carol, not_hers[0], true, &grant), 0);
	assert_int_equal(consent(rig, &rig->user, not_hers[0], false, &grant),
			 0);
}

static void a_pattern_covers_what_nobody_else_has(void **state)
{
	static const struct {
		const char *aor;
		bool hers;
	} cases[] = {
		{ "sip:dave@voip.example", true },
		{ "sip:dave@sub.voip.example", false },
		{ "sip:dave@other.example", false },
		{ ALICE, false }, /* exactly another's */
		{ "tel:+442079460001", true },
		{ "sip:+442079460001@other.example;user=phone", true },
		{ "tel:+12025550143", false },
		/* a number is no part of a domain */
		{ "sip:+12025550143@voip.example", false },
		{ "sip:2025550143@voip.example", false },
		{ "sip:1001@voip.example", true }, /* an extension */
		{ "sip:02079460001@other.example", false },
	};
	struct auth_rig *rig = *state;
	struct id carol;

	make_user(rig, "carol@one.example", &rig->tenant, &carol);
	assert_int_equal(
		give(rig, &carol, "sip:*@voip.example", AOR_BY_OPERATOR), 0);
	assert_int_equal(give(rig, &carol, "tel:+4420*", AOR_BY_OPERATOR), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (user_has_aor(&rig->auth, carol.s, cases[i].aor) !=
		    cases[i].hers)
			fail_msg("%s", cases[i].aor);
	assert_int_equal(give(rig, &carol, "sip:*", AOR_BY_OPERATOR), -EINVAL);
	assert_int_equal(give(rig, &carol, "*", AOR_BY_OPERATOR), -EINVAL);
}

static void an_administrator_gives_what_the_account_has(void **state)
{
	static const struct {
		const char *aor;
		int result;
	} cases[] = {
		{ "sip:dave@one.example", 0 },
		{ "sip:dave@one.example", 0 }, /* again */
		{ "sip:dave@two.example", -EACCES },
		{ "sip:dave@xone.example", -EACCES },
		{ "sip:x@one.example.two.example", -EACCES },
		{ ALICE, -EACCES },
		{ "sip:*@one.example", -EINVAL },
		{ "tel:+4420*", -EINVAL },
		{ "dave", -EINVAL },
		{ "", -EINVAL },
		{ "tel:+442079460001", 0 },
		{ "tel:+442079460009", -EEXIST }, /* of account two */
		{ "sip:+442079460009@one.example", -EEXIST },
		{ "tel:+12025550143", -EACCES },
		/* it would mean the number everywhere */
		{ "sip:+12025550143@one.example", -EACCES },
		{ "sip:+12025550143@one.example;user=phone", -EINVAL },
	};
	struct auth_rig *rig = *state;
	struct id dave;

	make_user(rig, "dave@one.example", &rig->tenant, &dave);
	assert_int_equal(give(rig, &dave, "sip:dave@one.example", AOR_BY_ADMIN),
			 -EACCES);
	assert_int_equal(give_tenant(rig, &rig->tenant, "sip:*@one.example"),
			 0);
	assert_int_equal(give_tenant(rig, &rig->tenant, "sip:*@one.example"),
			 0);
	assert_int_equal(give_tenant(rig, &rig->tenant, "tel:+4420*"), 0);
	assert_int_equal(give_tenant(rig, &rig->tenant, "sip:dave"), -EINVAL);
	assert_int_equal(give(rig, &rig->other_user, "tel:+442079460009",
			      AOR_BY_OPERATOR),
			 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int r = give(rig, &dave, cases[i].aor, AOR_BY_ADMIN);

		if (r != cases[i].result)
			fail_msg("%s: %d", cases[i].aor, r);
	}
	/* the other account has got none of it */
	assert_int_equal(give(rig, &rig->other_user, "sip:x@one.example",
			      AOR_BY_ADMIN),
			 -EACCES);
}

static void a_list_replaces_all_or_nothing(void **state)
{
	static const char *const good[] = { ALICE, "sip:a@one.example" };
	static const char *const bad[] = { "sip:b@one.example",
					   "sip:bob@two.example" };
	struct auth_rig *rig = *state;
	struct auth *a = &rig->auth;
	struct err e = { 0 };

	assert_int_equal(give_tenant(rig, &rig->tenant, "sip:*@one.example"),
			 0);
	/* what the operator gave may stay */
	assert_int_equal(user_aors_set(a, rig->user.s, good, 2, AOR_BY_ADMIN,
				       "x", &e),
			 0);
	assert_int_equal(user_aors_set(a, rig->user.s, bad, 2, AOR_BY_ADMIN,
				       "x", &e),
			 -EACCES);
	assert_true(user_has_aor(a, rig->user.s, ALICE));
	assert_true(user_has_aor(a, rig->user.s, good[1]));
	assert_false(user_has_aor(a, rig->user.s, bad[0]));
}

static bool is_active(struct auth_rig *rig, const struct id *grant,
		      const char *aor)
{
	struct grant g CLEANUP(grant_fini) = { 0 };

	assert_int_equal(grant_get(&rig->auth, grant->s, &g), 0);
	return !g.revoked && strstr(g.conditions, aor);
}

static void grants_go_with_the_address(void **state)
{
	struct auth_rig *rig = *state;
	struct auth *a = &rig->auth;
	struct id both, vouched, one = rig->grant;
	struct err e = { 0 };

	assert_int_equal(
		give(rig, &rig->user, "sip:a@one.example", AOR_BY_OPERATOR), 0);
	assert_int_equal(consent(rig, &rig->user,
				 "\"" ALICE "\",\"sip:a@one.example\"", false,
				 &both),
			 0);
	assert_int_equal(consent(rig, &rig->user, "\"sip:z@one.example\"", true,
				 &vouched),
			 0);
	assert_int_equal(user_aor_remove(a, rig->user.s, ALICE, "x", &e), 0);
	assert_false(is_active(rig, &one, ALICE));
	assert_false(is_active(rig, &both, ALICE));
	assert_true(is_active(rig, &both, "sip:a@one.example"));
	assert_true(is_active(rig, &vouched, "sip:z@one.example"));
	assert_int_equal(user_aor_remove(a, rig->user.s, ALICE, "x", &e),
			 -ENOENT);
	assert_int_equal(consent(rig, &rig->user, "\"" ALICE "\"", false,
				 &both),
			 -EACCES);
}

static int add_entry(void *arg, const struct audit_entry *entry)
{
	struct buf *b = arg;

	return buf_printf(b, "%s %s\n", entry->action,
			  entry->detail ? entry->detail : "-");
}

static void assert_log(struct auth_rig *rig, const char *object,
		       const struct id *id, const char *want)
{
	struct buf b CLEANUP(buf_fini) = { 0 };
	char full[96];

	buf_init(&b, 4096);
	(void)snprintf(full, sizeof(full), "%s:%s", object, id->s);
	assert_true(audit_each(rig->db, NULL, full, 0, 10, add_entry, &b) > 0);
	assert_string_equal(buf_str(&b), want);
}

/* Newest first. */
static void the_log_says_which_address(void **state)
{
	struct auth_rig *rig = *state;
	const char *aors[] = { "sip:b@one.example" };
	struct user_new u = { .tenant_id = rig->tenant.s,
			      .email = "new@one.example",
			      .role = USER_OWNER,
			      .aors = aors,
			      .n_aors = 1 };
	struct auth *a = &rig->auth;
	struct err e = { 0 };
	struct id id, tenant;

	assert_int_equal(user_create(a, &u, "operator", &id, &e), 0);
	assert_int_equal(give(rig, &id, "tel:+4420*", AOR_BY_OPERATOR), 0);
	assert_int_equal(user_aor_remove(a, id.s, aors[0], "x", &e), 0);
	assert_log(rig, "user", &id,
		   "user.remove_aor {\"aor\":\"sip:b@one.example\"}\n"
		   "user.add_aor {\"aor\":\"tel:+4420*\"}\n"
		   "user.add_aor {\"aor\":\"sip:b@one.example\"}\n"
		   "user.add -\n");
	assert_int_equal(tenant_create(rig->db, "Log", RIG_START_US, &tenant),
			 0);
	assert_int_equal(give_tenant(rig, &tenant, "sip:*@one.example"), 0);
	assert_int_equal(tenant_aor_remove(a, tenant.s, "sip:*@one.example",
					   "x", &e),
			 0);
	assert_log(rig, "tenant", &tenant,
		   "tenant.remove_aor {\"aor\":\"sip:*@one.example\"}\n"
		   "tenant.add_aor {\"aor\":\"sip:*@one.example\"}\n");
}

#define RIG(f)                                                                 \
	cmocka_unit_test_setup_teardown(f, auth_rig_setup, auth_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG(consent_is_for_own_addresses_only),
		RIG(a_pattern_covers_what_nobody_else_has),
		RIG(an_administrator_gives_what_the_account_has),
		RIG(a_list_replaces_all_or_nothing),
		RIG(grants_go_with_the_address),
		RIG(the_log_says_which_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
