/* Which participant called, from what clients say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "auth/conditions.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#define ALICE "sip:alice@voip.example"
#define EVE "sip:eve@other.example"
#define BOB "sip:bob@other.example"
#define ANUM "sip:+442079460123@voip.example;user=phone"
#define ENUM "sip:+442079460199@sbc.example"

struct caller_case {
	const char *people[4];
	const char *caller, *callee, *user;
	enum call_side side;
	int is;
	const char *country; /* NULL = no plan of the tenant */
};

static const struct caller_case cases[] = {
	/* named */
	{ { ALICE, EVE }, EVE, .is = 1 },
	{ { ALICE, EVE }, "Eve <sip:eve@other.example:5060>", .is = 1 },
	{ { ALICE, EVE }, "\"Eve\" <sip:eve@other.example>;tag=7", .is = 1 },
	{ { ALICE, EVE }, "eve", .is = 1 },
	{ { ALICE, EVE }, "eve@elsewhere.example", .is = -1 },
	{ { EVE, "sip:eve@voip.example" }, "eve", .is = -1 },
	{ { ALICE, EVE }, "nobody", .is = -1 },
	{ { ALICE, EVE }, NULL, .is = -1 },
	/* numbers in any form */
	{ { ANUM, ENUM }, "+442079460199", .is = 1 },
	{ { ANUM, ENUM }, "442079460199", .is = 1 },
	{ { ANUM, ENUM }, "+44 20 7946 0199", .is = 1 },
	{ { ANUM, ENUM }, "tel:+44-20-7946-0199", .is = 1 },
	{ { ANUM, ENUM }, "02079460199", .is = 1, .country = "44" },
	{ { ANUM, ENUM }, "2079460199", .is = 1, .country = "44" },
	{ { ANUM, ENUM }, "00442079460199", .is = 1, .country = "44" },
	{ { "sip:2079460123", "sip:2079460199" },
	  "+442079460199",
	  .is = 1,
	  .country = "44" },
	{ { "sip:442079460123@h", "sip:442079460199@h" },
	  "+442079460199",
	  .is = 1 },
	{ { ANUM, "sip:199@voip.example" }, "199", .is = 1 },
	{ { ANUM, ENUM }, "199", .is = -1 },
	/* the recorded user called */
	{ { EVE, ALICE },
	  .user = "alice@voip.example",
	  .is = 1,
	  .side = CALL_SIDE_CALLED },
	{ { EVE, ALICE }, .user = "alice", .side = CALL_SIDE_CALLED, .is = 1 },
	{ { EVE, ALICE },
	  .user = "alice@as.broadworks.example",
	  .is = 1,
	  .side = CALL_SIDE_CALLED },
	{ { EVE, ANUM },
	  .user = "442079460123",
	  .side = CALL_SIDE_CALLED,
	  .is = 1 },
	{ { EVE, ALICE },
	  EVE,
	  .user = "alice",
	  .side = CALL_SIDE_CALLED,
	  .is = 1 },
	{ { EVE, ANUM },
	  "+442079460123",
	  .user = "x7@as.example",
	  .is = 1,
	  .side = CALL_SIDE_CALLED },
	{ { EVE, ANUM }, .user = ALICE, .side = CALL_SIDE_CALLED, .is = 1 },
	{ { EVE, BOB },
	  .user = "x7@as.example",
	  .side = CALL_SIDE_CALLED,
	  .is = -1 },
	{ { EVE, ALICE }, .side = CALL_SIDE_CALLED, .is = -1 },
	/* the recorded user was called */
	{ { ALICE, EVE },
	  .user = "alice",
	  .side = CALL_SIDE_WAS_CALLED,
	  .is = 1 },
	{ { EVE, ANUM },
	  NULL,
	  "02079460123",
	  .is = 0,
	  .country = "44",
	  .side = CALL_SIDE_WAS_CALLED },
	{ { ALICE, EVE, BOB },
	  .user = "alice",
	  .is = -1,
	  .side = CALL_SIDE_WAS_CALLED },
	{ { ALICE, EVE, BOB },
	  BOB,
	  .user = "alice",
	  .is = 2,
	  .side = CALL_SIDE_WAS_CALLED },
	{ { ALICE, EVE },
	  ALICE,
	  .user = "alice",
	  .is = 1,
	  .side = CALL_SIDE_WAS_CALLED },
	{ { ALICE }, .user = "alice", .side = CALL_SIDE_WAS_CALLED, .is = -1 },
	{ { BOB, EVE }, .user = "x7", .side = CALL_SIDE_WAS_CALLED, .is = -1 },
};

static const char grant[] =
	"{\"type\":\"call_recording\",\"actions\":[\"record\"],\"owner\":{"
	"\"aor\":[\"sip:alice@voip.example\",\"tel:+442079460123\"]},"
	"\"conditions\":{}}";

static void the_caller_is_found(void **state)
{
	struct conditions *c CLEANUP(conditions_free) = NULL;
	struct call_facts *f CLEANUP(mem_freep) = mem_zalloc(sizeof(*f));
	struct identity people[4];
	struct number_plan plan;
	struct err e = { 0 };

	(void)state;
	if (conditions_parse(grant, strlen(grant), &c, &e) < 0)
		fail_msg("%s", e.text);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct caller_case *k = &cases[i];

		print_message("%zu\n", i);
		*f = (struct call_facts){ .caller = -1, .people = people };
		while (f->n_people < 4 && k->people[f->n_people]) {
			assert_int_equal(identity_parse(k->people[f->n_people],
							&people[f->n_people]),
					 0);
			f->n_people++;
		}
		if (k->caller)
			f->who.callers[f->who.n_callers++] = k->caller;
		if (k->callee)
			f->who.callees[f->who.n_callees++] = k->callee;
		f->who.user = k->user;
		f->who.side = k->side;
		if (k->country) {
			assert_int_equal(
				number_plan_set(&plan, k->country, "", ""), 0);
			f->numbers = &plan;
		}
		assert_int_equal(conditions_caller(c, f), k->is);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_caller_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
