#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "storage/catalog.h"
#include "storage/catalog_search.h"
#include "storage/db.h"
#include "tests/support/catalog_rig.h"

#define SEC INT64_C(1000000)
#define T0 (INT64_C(1700000000) * SEC)

struct fixture {
	struct db *db;
	struct id a, b;
	struct catalog_scope of_a;
	/* ids of the last list, in order */
	char got[64][ID_LEN + 1];
	int n_got;
	char cursor[RECORDING_CURSOR_MAX];
};

static struct id record(struct fixture *f, const struct id *tenant,
			int64_t started_us, const char *aor, const char *name,
			const char *owner, const char *grant)
{
	const struct recording_participant p = { .aor = aor, .name = name };
	struct recording_new rn = {
		.tenant_id = tenant->s,
		.owner_id = owner,
		.grant_id = grant,
		.node = "n1",
		.spool_file = "x",
		.started_us = started_us,
		.participants = &p,
		.n_participants = 1,
	};
	struct id id;

	id_new(&id, started_us);
	rn.id = id.s;
	assert_int_equal(recording_create(f->db, &rn), 0);
	return id;
}

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	*state = f;
	f->db = catalog_rig_open(&f->a, &f->b);
	f->of_a.tenant_id = f->a.s;
	record(f, &f->a, T0, "sip:alice@Example.com;user=phone", "Alice Adams",
	       "o1", "g1");
	record(f, &f->a, T0 + SEC, "tel:+44-20-7946.0958", "Bob O'Neill", "o1",
	       "g2");
	record(f, &f->a, T0 + 2 * SEC, "sips:carol@x.org",
	       "Ren\xc3\xa9"
	       "e \"NEAR\" AND",
	       "o2", "g2");
	record(f, &f->b, T0 + 3 * SEC, "sip:alice@example.com", "Alice Other",
	       "o9", "g9");
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	db_close(&f->db);
	test_free(f);
	return 0;
}

static int see(void *arg, const struct recording *rec)
{
	struct fixture *f = arg;

	assert_true(f->n_got < 64);
	snprintf(f->got[f->n_got++], ID_LEN + 1, "%s", rec->id);
	return 0;
}

static int64_t list(struct fixture *f, const struct catalog_scope *scope,
		    struct recording_filter flt)
{
	int64_t n;

	f->n_got = 0;
	if (!flt.limit)
		flt.limit = 50;
	n = recording_list(f->db, scope, &flt, see, f, f->cursor);
	if (n >= 0)
		assert_int_equal(n, f->n_got);
	return n;
}

#define FILTER(...) ((struct recording_filter){ __VA_ARGS__ })

static void lists_are_newest_first_and_of_one_tenant(void **state)
{
	struct fixture *f = *state;
	const struct catalog_scope all = { 0 };

	assert_int_equal(list(f, &f->of_a, FILTER(0)), 3);
	assert_true(strcmp(f->got[0], f->got[1]) > 0);
	assert_true(strcmp(f->got[1], f->got[2]) > 0);
	assert_string_equal(f->cursor, "");
	assert_int_equal(list(f, &all, FILTER(0)), 4);
	assert_int_equal(list(f,
			      &(struct catalog_scope){ .tenant_id = f->a.s,
						       .owner_id = "o1" },
			      FILTER(0)),
			 2);
	assert_int_equal(list(f,
			      &(struct catalog_scope){ .tenant_id = f->a.s,
						       .grant_id = "g9" },
			      FILTER(0)),
			 0);
	assert_int_equal(list(f, &(struct catalog_scope){ .tenant_id = "" },
			      FILTER(0)),
			 0);
}

static void filters_narrow(void **state)
{
	struct fixture *f = *state;
	const struct {
		struct recording_filter flt;
		int want;
	} cases[] = {
		{ { .from_us = T0 + SEC }, 2 },
		{ { .to_us = T0 + SEC }, 1 },
		{ { .from_us = T0 + SEC, .to_us = T0 + 2 * SEC }, 1 },
		{ { .participant = "alice@example.com" }, 1 },
		{ { .participant = "SIP:Alice@EXAMPLE.com" }, 1 },
		{ { .participant = "alice" }, 1 },
		{ { .participant = "ali" }, 0 },
		{ { .participant = "tel:+442079460958" }, 1 },
		{ { .participant = "+44 (20) 7946 0958" }, 1 },
		{ { .participant = "' OR 1=1 --" }, 0 },
		{ { .participant = "%" }, 0 },
		{ { .states = 1u << RECORDING_LIVE }, 3 },
		{ { .states = 1u << RECORDING_READY }, 0 },
		{ { .states = 1u << 9 }, 0 },
		{ { .q = "alice", .from_us = T0 + SEC }, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (list(f, &f->of_a, cases[i].flt) != cases[i].want)
			fail_msg("case %zu: %d", i, f->n_got);
}

static void words_are_found_as_prefixes_in_any_order(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *q;
		int want;
	} cases[] = {
		{ "alice", 1 },
		{ "ALI", 1 },
		{ "adams alice", 1 },
		{ "alice bob", 0 },
		{ "renee", 1 },
		{ "Ren\xc3\xa9", 1 },
		{ "o'neill", 1 },
		{ "7946", 1 },
		{ "alice@example.com", 1 },
		{ "sip:alice@exam", 1 },
		{ "", 3 },
		{ "  \t ", 3 },
		{ "other", 0 }, /* another tenant's */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (list(f, &f->of_a, FILTER(.q = cases[i].q)) != cases[i].want)
			fail_msg("%s: %d", cases[i].q, f->n_got);
}

static void notes_and_titles_are_found(void **state)
{
	struct fixture *f = *state;
	struct id id = record(f, &f->a, T0, "sip:d@x", "D", "o1", "g1");

	assert_int_equal(list(f, &f->of_a, FILTER(.q = "complaint")), 0);
	assert_int_equal(recording_edit(f->db, &f->of_a, id.s, "A Complaint",
					"about the invoice"),
			 0);
	assert_int_equal(list(f, &f->of_a, FILTER(.q = "invoice complaint d")),
			 1);
	assert_string_equal(f->got[0], id.s);
	assert_int_equal(recording_edit(f->db, &f->of_a, id.s, "", NULL), 0);
	assert_int_equal(list(f, &f->of_a, FILTER(.q = "complaint")), 0);
}

/* Every operator and every byte of the query language, and then noise. */
static void hostile_words_are_only_words(void **state)
{
	struct fixture *f = *state;
	static const char *const hostile[] = {
		"\"",
		"\"\"",
		"alice\"",
		"\"alice",
		"alice OR",
		"AND",
		"NOT alice",
		"NEAR(a b, 3)",
		"people:alice",
		"{people}:a",
		"^alice",
		"a*",
		"*",
		"-alice",
		"+",
		"(",
		"((((",
		")",
		"alice\\",
		"'; DROP TABLE x",
		"\xff\xfe",
		"\xc3",
		"a\xc3",
		"\x01\x02",
		"\xe2\x80\xa6",
		"a\"*\"b",
		"col : x",
		"[x]",
		"$1",
		"?1",
		"@a",
		":a",
		"%s%n",
	};
	char noise[300];
	unsigned seed = 1;

	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++)
		if (list(f, &f->of_a, FILTER(.q = hostile[i])) < 0)
			fail_msg("%s", hostile[i]);
	for (int turn = 0; turn < 3000; turn++) {
		size_t len = 1 + (size_t)turn % (sizeof(noise) - 1);

		for (size_t i = 0; i < len; i++) {
			seed = seed * 1103515245u + 12345u;
			noise[i] = (char)(seed >> 16 ? seed >> 16 : 1);
			noise[i] = noise[i] ? noise[i] : '"';
		}
		noise[len] = '\0';
		assert_true(list(f, &f->of_a, FILTER(.q = noise)) >= 0);
		assert_true(list(f, &f->of_a, FILTER(.participant = noise)) >=
			    0);
	}
}

static void very_long_queries_are_cut_not_refused(void **state)
{
	struct fixture *f = *state;
	char *q = test_malloc(100001);

	memset(q, 'a', 100000);
	q[100000] = '\0';
	assert_int_equal(list(f, &f->of_a, FILTER(.q = q)), 0);
	for (int i = 1; i < 100000; i += 2)
		q[i] = ' ';
	assert_int_equal(list(f, &f->of_a, FILTER(.q = q)), 2);
	memset(q, '"', 100000);
	assert_int_equal(list(f, &f->of_a, FILTER(.q = q)), 0);
	q[0] = 'a';
	assert_true(list(f, &f->of_a, FILTER(.q = q)) >= 0);
	test_free(q);
}

/* 50 recordings of one microsecond: every one is seen once, also when new
 * ones arrive between the pages. */
static void pages_are_stable_with_equal_times(void **state)
{
	struct fixture *f = *state;
	struct catalog_scope scope = { .tenant_id = f->b.s };
	struct recording_filter flt = { .limit = 7 };
	char seen[80][ID_LEN + 1], next[RECORDING_CURSOR_MAX] = "";
	int n = 0, pages = 0;

	for (int i = 0; i < 50; i++)
		record(f, &f->b, T0, "sip:x@x", "X", "o", "g");
	do {
		flt.cursor = next[0] ? next : NULL;
		assert_true(list(f, &scope, flt) > 0);
		for (int i = 0; i < f->n_got; i++) {
			for (int k = 0; k < n; k++)
				assert_string_not_equal(seen[k], f->got[i]);
			assert_true(n < 80);
			memcpy(seen[n++], f->got[i], ID_LEN + 1);
		}
		snprintf(next, sizeof(next), "%s", f->cursor);
		record(f, &f->b, T0 + 99 * SEC, "sip:x@x", "X", "o", "g");
		pages++;
	} while (next[0]);
	assert_int_equal(n, 51);
	assert_int_equal(pages, 8);
}

static void cursors_that_are_not_ours_are_refused(void **state)
{
	struct fixture *f = *state;
	static const char *const bad[] = {
		"",
		"x",
		"_",
		"1_",
		"1",
		"-1_0190a0a0-0000-7000-8000-000000000000",
		"1_0190a0a0-0000-7000-8000-00000000000",
		"1_0190a0a0-0000-7000-8000-000000000000x",
		"99999999999999999999_0190a0a0-0000-7000-8000-000000000000",
		"1_' OR 1=1 OR '00-7000-8000-000000000000",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(list(f, &f->of_a, FILTER(.cursor = bad[i])),
				 -EINVAL);
	assert_int_equal(list(f, &f->of_a,
			      FILTER(.limit = RECORDING_PAGE_MAX + 1)),
			 -EINVAL);
}

static int deny(void *arg, const struct recording *rec)
{
	(void)rec;
	return *(int *)arg;
}

static void the_callback_stops_the_list(void **state)
{
	struct fixture *f = *state;
	struct recording_filter flt = { .limit = 10, .parts = RECORDING_ALL };
	int stop = 1;

	assert_int_equal(recording_list(f->db, &f->of_a, &flt, deny, &stop,
					f->cursor),
			 1);
	stop = -EPIPE;
	assert_int_equal(recording_list(f->db, &f->of_a, &flt, deny, &stop,
					f->cursor),
			 -EPIPE);
}

/* Every allocation of a list fails once: an error, no leak, no crash. */
static void running_out_of_memory_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct recording_filter flt = { .limit = 10,
					.parts = RECORDING_ALL,
					.q = "alice",
					.participant = "alice" };
	int64_t r = -ENOMEM;

	for (int n = 0; r < 0 && n < 500; n++) {
		f->n_got = 0;
		mem_fail_after(n);
		r = recording_list(f->db, &f->of_a, &flt, see, f, f->cursor);
		mem_fail_after(-1);
		if (r < 0)
			assert_int_equal(r, -ENOMEM);
	}
	assert_int_equal(r, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lists_are_newest_first_and_of_one_tenant),
		TEST(filters_narrow),
		TEST(words_are_found_as_prefixes_in_any_order),
		TEST(notes_and_titles_are_found),
		TEST(hostile_words_are_only_words),
		TEST(very_long_queries_are_cut_not_refused),
		TEST(pages_are_stable_with_equal_times),
		TEST(cursors_that_are_not_ours_are_refused),
		TEST(the_callback_stops_the_list),
		TEST(running_out_of_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
