/* test_actor.c - facts about storage/actor.h. */
#include "storage/actor.h"

#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/id.h"
#include "storage/db.h"
#include "tests/support/auth_rig.h"

static void is(struct auth_rig *rig, const char *kind, const char *id,
	       const char *want)
{
	char ref[100], name[ACTOR_NAME_MAX];

	snprintf(ref, sizeof(ref), "%s%s", kind, id);
	assert_int_equal(actor_name(rig->db, ref, name), 0);
	assert_string_equal(name, want);
}

static void ids_become_names(void **state)
{
	struct auth_rig *rig = *state;

	is(rig, "user:", rig->user.s, "alice@one.example");
	is(rig, "client:", rig->client.s, "Example VoIP");
	is(rig, "tenant:", rig->tenant.s, "one");
	is(rig, "operator", "", "the operator");
	is(rig, "system", "", "the server");
	/* what is no such id stays */
	is(rig, "recording:", "x", "recording:x");
	is(rig, "users:", "x", "users:x");
	is(rig, "", "", "");
}

static void who_is_gone_is_said_to_be(void **state)
{
	struct auth_rig *rig = *state;

	is(rig, "user:", "01a2", "deleted user 01a2");
	is(rig, "client:", "", "deleted provider ");
	is(rig, "trunk:", "t", "deleted trunk t");
}

#define RIG(f)                                                                 \
	cmocka_unit_test_setup_teardown(f, auth_rig_setup, auth_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG(ids_become_names),
		RIG(who_is_gone_is_said_to_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
