/* test_search.c - facts about storage/search_text.h, and about lists that are
 * searched with it. */
#include "storage/search_text.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/str.h"
#include "storage/catalog.h"
#include "storage/catalog_search.h"
#include "storage/db.h"
#include "storage/migrate.h"
#include "tests/support/catalog_rig.h"

#define T0 1790000000000000LL

struct fixture {
	struct db *db;
	struct id tenant, other;
	unsigned n;
};

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	*state = f;
	f->db = catalog_rig_open(&f->tenant, &f->other);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	db_close(&f->db);
	test_free(f);
	return 0;
}

static void record(struct fixture *f, const char *aor, const char *name)
{
	const struct recording_participant p = { .aor = aor, .name = name };
	struct recording_new rn = {
		.tenant_id = f->tenant.s,
		.node = "n1",
		.spool_file = "x",
		.started_us = T0 + ++f->n * 1000000LL,
		.participants = &p,
		.n_participants = 1,
	};
	struct id id;

	id_new(&id, rn.started_us);
	rn.id = id.s;
	assert_int_equal(recording_create(f->db, &rn), 0);
}

static int see(void *arg, const struct recording *rec)
{
	(void)arg;
	(void)rec;
	return 0;
}

static int found(struct fixture *f, const char *q, const char *participant,
		 const struct number_plan *plan)
{
	const struct catalog_scope all = { 0 };
	char cursor[RECORDING_CURSOR_MAX];
	struct recording_filter flt = {
		.q = q, .participant = participant, .numbers = plan, .limit = 50
	};

	return (int)recording_list(f->db, &all, &flt, see, NULL, cursor);
}

static void plan_of(const char *country, struct number_plan *plan)
{
	assert_int_equal(number_plan_set(plan, country, "auto", "auto"), 0);
}

/* As typed into the list's one field, and as participant=. */
static void a_number_is_found_in_every_form(void **state)
{
	static const char *const stored[] = {
		"tel:+442079460123",
		"+44 20 7946 0123",
		"sip:+442079460123@gw.example;user=phone",
		"sip:02079460123@gw.example",
		"sip:02079460123",
		"sip:2079460123@192.0.2.7;user=phone",
		"00442079460123",
		"sip:442079460123@gw.example",
		"tel:2079460123;phone-context=+44",
	};
	/* the last digits alone are another country's, too */
	static const struct {
		const char *text;
		int want;
	} asked[] = {
		{ "+44 20 7946 0123", 9 },
		{ "0044 20 7946 0123", 9 },
		{ "020 7946 0123", 10 },
		{ "(20) 79460123", 10 },
		{ "+44-20-7946-0123", 9 },
		{ "+442079460123", 9 },
		{ "+44 (0)20 7946 0123", 9 },
		{ "2079460123", 10 },
		{ "0123", 10 },
		{ "460123", 10 },
		{ "20/7946.0123", 10 },
		{ "442079460123", 9 },
		{ "tel:+442079460123", 9 },
		{ "+12079460123", 1 },
		{ "+44 20 7946 0124", 1 },
		/* as it comes from a text, a mail, a list of contacts */
		{ "020\u00a07946\u00a00123", 10 },
		{ "+44\u202f20\u20117946\u20130123", 9 },
		{ "\u202a+44 20 7946 0123\u202c", 9 },
		{ "\uff0b\uff14\uff14\u3000\uff08\uff10\uff09\uff12\uff10 "
		  "7946\uff0d0123",
		  9 },
		{ "\u0660\u06f2\u0660 7946 0123", 10 },
		{ "\"020 7946 0123\",", 10 },
		{ "<tel:+442079460123>", 9 },
		{ "'+44 20 7946 0123'", 9 },
		{ "0123*", 10 },
	};
	struct fixture *f = *state;
	struct number_plan uk;

	plan_of("44", &uk);
	for (size_t i = 0; i < ARRAY_SIZE(stored); i++)
		record(f, stored[i], "");
	record(f, "tel:+12079460123", "");
	record(f, "tel:+442079460124", "");
	record(f, "sip:alice@voip.example", "Alice");
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++)
		if (found(f, asked[i].text, NULL, &uk) != asked[i].want ||
		    found(f, NULL, asked[i].text, &uk) != asked[i].want)
			fail_msg("%s: %d and %d", asked[i].text,
				 found(f, asked[i].text, NULL, &uk),
				 found(f, NULL, asked[i].text, &uk));
	assert_int_equal(found(f, "020 7946 0123 alice", NULL, &uk), 0);
	assert_int_equal(found(f, NULL, "+4420", &uk), 4);
	assert_int_equal(found(f, NULL, "123", &uk), 0);
	assert_int_equal(found(f, NULL, "3210", &uk), 0);
	assert_int_equal(found(f, "3210", NULL, &uk), 0);
}

/* The account said no country. */
static void without_a_plan_the_end_decides(void **state)
{
	static const char *const asked[] = {
		"+44 20 7946 0123", "0044 20 7946 0123", "020 7946 0123",
		"(20) 79460123",    "+44-20-7946-0123",	 "0123",
	};
	struct fixture *f = *state;

	record(f, "tel:+442079460123", "Alice Adams");
	record(f, "sip:1001@pbx.example", "");
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++)
		if (found(f, asked[i], NULL, NULL) != 1 ||
		    found(f, NULL, asked[i], NULL) != 1)
			fail_msg("%s", asked[i]);
	assert_int_equal(found(f, "alice 020 7946 0123", NULL, NULL), 1);
	assert_int_equal(found(f, "020 7946 0123 Adams", NULL, NULL), 1);
	assert_int_equal(found(f, "bob 020 7946 0123", NULL, NULL), 0);
	assert_int_equal(found(f, NULL, "1001", NULL), 1);
	assert_int_equal(found(f, NULL, "1001@pbx.example", NULL), 1);
	assert_int_equal(found(f, NULL, "+441001", NULL), 0);
	assert_int_equal(found(f, "1 3 7946", NULL, NULL), 0);
}

static void words_without_blanks_are_found_inside(void **state)
{
	static const struct {
		const char *stored, *asked, *other;
	} cases[] = {
		{ "東京都庁", "京都", "都京" },
		{ "東京都庁", "庁", "町" },
		{ "田中さん", "中さ", "さ中" },
		{ "カスタマーサービス", "サービス", "スビーサ" },
		{ "北京市朝阳区", "朝阳", "阳朝" },
		{ "김민수입니다", "민수", "수민" },
		{ "สวัสดีครับ", "ครับ", "บรค" },
		{ "ສະບາຍດີ", "ບາຍ", "ຍບ" },
		{ "នាងសុខា", "សុខ", "ខស" },
		{ "Office東京Tower", "京Tow", "Tow京" },
		{ "Office東京Tower", "office東", "ffice" },
		{ "\xf0\xa0\xae\xb7野家", "\xf0\xa0\xae\xb7",
		  "\xf0\xa0\xae\xb8" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		record(f, "sip:x@y.example", cases[i].stored);
		if (found(f, cases[i].asked, NULL, NULL) < 1)
			fail_msg("%s in %s", cases[i].asked, cases[i].stored);
		if (found(f, cases[i].other, NULL, NULL) != 0)
			fail_msg("%s in %s", cases[i].other, cases[i].stored);
	}
}

/* What came before is in the index after the migration. */
static void older_recordings_are_found_too(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };

	record(f, "tel:+442079460123", "東京都庁");
	assert_int_equal(found(f, "京都", NULL, NULL), 1);
	assert_true(db_script(f->db,
			      "DROP TABLE recordings_fts; CREATE VIRTUAL TABLE "
			      "recordings_fts USING fts5 (people, words); "
			      "INSERT INTO recordings_fts SELECT 'x', 'y'; "
			      "DELETE FROM migrations WHERE name = "
			      "'0019_search.sql'",
			      &e) >= 0);
	assert_int_equal(migrate_run(f->db, false, T0, NULL, NULL, &e), 1);
	assert_int_equal(found(f, "京都", NULL, NULL), 1);
	assert_int_equal(found(f, "0123", NULL, NULL), 1);
}

static int see_plan(void *arg, struct db_row *row)
{
	(void)arg;
	/* the index of words is a virtual table; nothing else is read through
	 */
	if (strstr(db_col_text(row, 3), "SCAN") &&
	    !strstr(db_col_text(row, 3), "VIRTUAL TABLE INDEX"))
		fail_msg("%s", db_col_text(row, 3));
	return 0;
}

static void numbers_are_looked_up_in_an_index(void **state)
{
	struct fixture *f = *state;

	assert_true(db_query(f->db,
			     "EXPLAIN QUERY PLAN SELECT id FROM recordings "
			     "WHERE n IN (SELECT rowid FROM recordings_fts "
			     "WHERE recordings_fts MATCH $1)",
			     DB_ARGS(db_text("(numbers : (\"3210\"*))")),
			     see_plan, NULL) > 0);
}

static void numbers_are_stored_backwards(void **state)
{
	static const struct {
		const char *aor, *back;
	} cases[] = {
		{ "sip:+44-20%207946@x", NULL },
		{ "sip:%2B442079@x", "970244" },
		{ "tel:+44(0)2079", "970244" },
		{ "sip:1001@x", "1001" },
		{ "sip:alice1@x", NULL },
		{ "192.0.2.10", NULL },
		{ "sip:192.0.2.10", NULL },
		{ "", NULL },
		{ "tel:02079;phone-context=+44", "970244" },
		{ "tel:7042;phone-context=a.example", "2407" },
		{ "tel:123456789012345678901234", NULL },
	};
	char back[SEARCH_NUMBER_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool is = search_number(span_of(cases[i].aor), back);

		if (is != (cases[i].back != NULL) ||
		    (is && strcmp(back, cases[i].back) != 0))
			fail_msg("%s: %s", cases[i].aor, is ? back : "none");
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_number_is_found_in_every_form),
		TEST(without_a_plan_the_end_decides),
		TEST(words_without_blanks_are_found_inside),
		TEST(older_recordings_are_found_too),
		TEST(numbers_are_looked_up_in_an_index),
		TEST(numbers_are_stored_backwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
