/* Facts about storage/calls.h. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "storage/calls.h"
#include "storage/catalog.h"
#include "storage/catalog_recording.h"
#include "storage/catalog_search.h"
#include "storage/db.h"
#include "tests/support/catalog_rig.h"

#define SEC INT64_C(1000000)
#define T0 (INT64_C(1700000000) * SEC)
#define WINDOW (120 * SEC)

struct fixture {
	struct db *db;
	struct id tenant;
};

static struct fixture fx;

static int setup(void **state)
{
	(void)state;
	fx.db = catalog_rig_open(&fx.tenant, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	db_close(&fx.db);
	return 0;
}

static struct id record(const char *grant, int64_t at_us)
{
	struct recording_new rn = { .tenant_id = fx.tenant.s,
				    .grant_id = grant,
				    .node = "n",
				    .spool_file = "x.spool",
				    .started_us = at_us };
	struct id id;

	id_new(&id, at_us);
	rn.id = id.s;
	assert_int_equal(recording_create(fx.db, &rn), 0);
	return id;
}

static void end(const struct id *id, int64_t at_us)
{
	assert_int_equal(
		recording_finish(fx.db, id->s, at_us, "bye", NULL, at_us), 0);
}

/* @return the call of a new leg with one key */
static struct id join(const char *grant, int64_t at_us, const char *rule,
		      const char *value, int want)
{
	struct id id = record(grant, at_us), call;
	struct call_leg_new leg = { id.s, grant, at_us, WINDOW, NULL, 0 };
	struct call_key key = { .rule = rule };

	(void)str_copy(key.value, sizeof(key.value), value);
	assert_int_equal(call_join(fx.db, &leg, &key, 1, &call), want);
	if (!want)
		assert_string_equal(call.s, id.s);
	return call;
}

static void same_key_while_live_is_one_call(void **state)
{
	struct id a, b;

	(void)state;
	a = join("g", T0, "group_id", "1", 0);
	b = join("g", T0 + SEC, "group_id", "1", 1);
	assert_string_equal(a.s, b.s);
	b = join("g", T0 + 2 * SEC, "group_id", "1", 1);
	assert_string_equal(a.s, b.s);
}

static void other_grant_rule_or_value_is_another(void **state)
{
	(void)state;
	(void)join("g", T0, "group_id", "1", 0);
	(void)join("h", T0, "group_id", "1", 0);
	(void)join("g", T0, "session_id", "1", 0);
	(void)join("g", T0, "group_id", "2", 0);
}

static void the_window_counts_from_the_end(void **state)
{
	struct id a;

	(void)state;
	a = join("g", T0, "group_id", "1", 0);
	end(&a, T0 + 1000 * SEC);
	(void)join("g", T0 + 1000 * SEC + WINDOW, "group_id", "1", 1);
	/* the second leg is live: any time later still joins */
	(void)join("g", T0 + 9000 * SEC, "group_id", "1", 1);
}

static void after_the_window_a_call_begins(void **state)
{
	struct id a, b;

	(void)state;
	a = join("g", T0, "group_id", "1", 0);
	end(&a, T0 + SEC);
	b = join("g", T0 + 2 * SEC + WINDOW, "group_id", "1", 0);
	/* and the key leads to the new one from then on */
	a = join("g", T0 + 3 * SEC + WINDOW, "group_id", "1", 1);
	assert_string_equal(a.s, b.s);
}

static void the_first_key_wins(void **state)
{
	struct call_key keys[2] = { { .rule = "group_id", .value = "b" },
				    { .rule = "session_id", .value = "a" } };
	struct id a, b, c, call;
	struct call_leg_new leg = { c.s, "g", T0, WINDOW, NULL, 0 };

	(void)state;
	a = join("g", T0, "session_id", "a", 0);
	b = join("g", T0, "group_id", "b", 0);
	c = record("g", T0);
	assert_int_equal(call_join(fx.db, &leg, keys, 2, &call), 1);
	assert_string_equal(call.s, b.s);
	assert_string_not_equal(call.s, a.s);
}

struct sign_case {
	struct call_sign there, here;
	int want;
};

/* "1" for every session: the others say whether it is one call. */
static void a_doubtful_key_needs_a_second_sign(void **state)
{
	static const struct sign_case cases[] = {
		{ { "sip:bob@x", "p1" }, { "sip:bob@x", "p2" }, 1 },
		{ { "tel:+44-20-1", "" }, { "tel:+44201", "" }, 1 },
		{ { "sip:bob@x", "p1" }, { "sip:carol@x", "p2" }, 0 },
		/* ids of a template, too */
		{ { "sip:bob@x", "p1" }, { "sip:carol@x", "p1" }, 0 },
		{ { "", "p1" }, { "sip:carol@x", "p1" }, 1 },
		{ { "sip:bob@x", "p1" }, { "", "p1" }, 1 },
		{ { "sip:anonymous@x", "p1" }, { "sip:anonymous@x", "p2" }, 0 },
		{ { "sip:anonymous@x", "p1" }, { "sip:anonymous@x", "p1" }, 1 },
		{ { "", "" }, { "", "" }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct sign_case *t = &cases[i];
		struct recording_participant p = { .aor = t->there.aor,
						   .ext_id = t->there.ext_id };
		struct call_key key = { .rule = "session_id",
					.needs_sign = true };
		struct id a = record("g", T0), b, call;
		struct call_leg_new leg = { a.s, "g", T0, WINDOW, NULL, 0 };

		key.value[0] = (char)('a' + i);
		assert_int_equal(recording_put_participant(fx.db, a.s, &p), 0);
		assert_int_equal(call_join(fx.db, &leg, &key, 1, &call), 0);
		b = record("g", T0);
		leg = (struct call_leg_new){
			b.s, "g", T0, WINDOW, &t->here, 1
		};
		if (call_join(fx.db, &leg, &key, 1, &call) != t->want)
			fail_msg("case %zu", i);
	}
}

static void legs_are_read_in_order_without_deleted_ones(void **state)
{
	static const struct catalog_scope all = { 0 };
	struct recording *rec = NULL;
	struct id a, b;

	(void)state;
	a = join("g", T0, "group_id", "1", 0);
	end(&a, T0 + SEC);
	(void)join("g", T0 + 2 * SEC, "group_id", "1", 1);
	assert_int_equal(recording_get(fx.db, &all, a.s, RECORDING_ALL, &rec),
			 0);
	assert_int_equal(rec->n_legs, 2);
	assert_string_equal(rec->legs[0].recording_id, a.s);
	assert_string_equal(rec->legs[0].rule, "");
	assert_string_equal(rec->legs[1].rule, "group_id");
	assert_int_equal(str_copy(b.s, sizeof(b.s), rec->legs[1].recording_id),
			 true);
	recording_destroy(&rec);
	assert_int_equal(recording_delete(fx.db, &all, a.s, T0), 0);
	assert_int_equal(recording_get(fx.db, &all, b.s, RECORDING_ALL, &rec),
			 0);
	assert_int_equal(rec->n_legs, 1);
	assert_string_equal(rec->legs[0].call_id, a.s);
	recording_destroy(&rec);
}

static void old_keys_are_swept(void **state)
{
	(void)state;
	(void)join("g", T0, "group_id", "1", 0);
	(void)join("g", T0 + SEC, "group_id", "2", 0);
	assert_int_equal(call_keys_sweep(fx.db, T0 + 1), 1);
	(void)join("g", T0 + SEC, "group_id", "1", 0);
}

static void a_model_is_kept_with_its_recording(void **state)
{
	struct id id = record("g", T0);
	char *json = NULL;

	(void)state;
	assert_int_equal(model_get(fx.db, id.s, &json), -ENODATA);
	assert_int_equal(model_set(fx.db, id.s, "{\"a\":1}"), 0);
	assert_int_equal(model_set(fx.db, id.s, "{\"a\":2}"), 0);
	assert_int_equal(model_get(fx.db, id.s, &json), 0);
	assert_string_equal(json, "{\"a\":2}");
	mem_free(json);
	assert_int_equal(model_set(fx.db, "no-such", "{}"), -ENOENT);
	assert_int_equal(recording_discard(fx.db, id.s, "n", 1), 0);
	assert_int_equal(model_get(fx.db, id.s, &json), -ENODATA);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(same_key_while_live_is_one_call),
		TEST(other_grant_rule_or_value_is_another),
		TEST(the_window_counts_from_the_end),
		TEST(after_the_window_a_call_begins),
		TEST(the_first_key_wins),
		TEST(a_doubtful_key_needs_a_second_sign),
		TEST(legs_are_read_in_order_without_deleted_ones),
		TEST(old_keys_are_swept),
		TEST(a_model_is_kept_with_its_recording),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
