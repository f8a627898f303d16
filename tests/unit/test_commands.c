/* test_commands.c - facts about storage/commands.h. */
#include "storage/commands.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "storage/db.h"
#include "tests/support/catalog_rig.h"

#define T0 CATALOG_RIG_T0
#define SECOND 1000000LL

struct fixture {
	struct db *db;
	struct id tenant, other;
	/* what command_each_new() found */
	int64_t ids[100];
	unsigned n;
	int ret; /* what the callback returns */
};

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	*state = f;
	log_setup(LOG_ERROR + 1, LOG_TEXT, "test");
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

static int64_t add(struct fixture *f, const char *node, const char *kind)
{
	struct command_new n = { .node = node,
				 .tenant_id = f->tenant.s,
				 .kind = kind,
				 .asked_us = T0 };
	int64_t id = -1;

	assert_int_equal(command_add(f->db, &n, &id), 0);
	assert_true(id > 0);
	return id;
}

static int note(void *arg, const struct command *c)
{
	struct fixture *f = arg;

	f->ids[f->n++] = c->id;
	return f->ret;
}

static int64_t look(struct fixture *f, const char *node)
{
	f->n = 0;
	return command_each_new(f->db, node, note, f);
}

static struct command_result result(struct fixture *f, int64_t id)
{
	struct command_result res;

	assert_int_equal(command_get(f->db, NULL, id, &res), 0);
	return res;
}

static void states_have_words(void **state)
{
	(void)state;
	assert_string_equal(command_state_word(COMMAND_NEW), "new");
	assert_string_equal(command_state_word(COMMAND_GOING), "going");
	assert_string_equal(command_state_word(COMMAND_DONE), "done");
	assert_string_equal(command_state_word(COMMAND_REFUSED), "refused");
	assert_string_equal(command_state_word(COMMAND_FAILED), "failed");
}

static int see_all(void *arg, const struct command *c)
{
	struct fixture *f = arg;

	f->n++;
	assert_string_equal(c->tenant_id, f->tenant.s);
	assert_string_equal(c->kind, "record");
	assert_string_equal(c->recording_id, "r1");
	assert_string_equal(c->args, "{\"to\":\"sip:a@b\"}");
	assert_string_equal(c->actor, "user:1");
	assert_true(c->asked_us == T0);
	return 0;
}

static void sip_reads_what_was_asked(void **state)
{
	struct fixture *f = *state;
	struct command_new n = { .node = "n1",
				 .tenant_id = f->tenant.s,
				 .kind = "record",
				 .recording_id = "r1",
				 .args = "{\"to\":\"sip:a@b\"}",
				 .actor = "user:1",
				 .asked_us = T0 };
	int64_t id;

	assert_int_equal(command_add(f->db, &n, &id), 0);
	assert_int_equal(command_each_new(f->db, "n1", see_all, f), 1);
	assert_int_equal(f->n, 1);
	assert_int_equal(result(f, id).state, COMMAND_NEW);
	assert_string_equal(result(f, id).kind, "record");
	assert_true(result(f, id).done_us == 0);
}

static int see_empty(void *arg, const struct command *c)
{
	(void)arg;
	assert_string_equal(c->recording_id, "");
	assert_string_equal(c->actor, "");
	assert_string_equal(c->args, "{}");
	return 0;
}

static void what_is_left_out_reads_as_empty(void **state)
{
	struct fixture *f = *state;

	(void)add(f, "n1", "pause");
	assert_int_equal(command_each_new(f->db, "n1", see_empty, f), 1);
}

static void nobody_asks_for_an_unknown_tenant(void **state)
{
	struct fixture *f = *state;
	struct command_new n = { .node = "n1",
				 .tenant_id = "none",
				 .kind = "pause",
				 .asked_us = T0 };
	int64_t id = 7;

	assert_true(command_add(f->db, &n, &id) < 0);
	assert_true(id == 7);
	n.tenant_id = NULL;
	assert_true(command_add(f->db, &n, &id) < 0);
	assert_int_equal(look(f, "n1"), 0);
}

static void a_node_sees_its_own_new_ones_oldest_first(void **state)
{
	struct fixture *f = *state;
	int64_t a = add(f, "n1", "pause"), b = add(f, "n2", "pause");
	int64_t c = add(f, "n1", "resume");

	assert_int_equal(look(f, "n1"), 2);
	assert_true(f->ids[0] == a && f->ids[1] == c);
	assert_int_equal(look(f, "n2"), 1);
	assert_true(f->ids[0] == b);
	assert_int_equal(look(f, "n3"), 0);
	assert_int_equal(command_set(f->db, a, COMMAND_GOING, NULL, NULL, T0),
			 0);
	assert_int_equal(look(f, "n1"), 1);
	assert_true(f->ids[0] == c);
}

static void at_most_64_come_at_once(void **state)
{
	struct fixture *f = *state;
	int64_t first = add(f, "n1", "pause");

	for (int i = 0; i < 64; i++)
		(void)add(f, "n1", "pause");
	assert_int_equal(look(f, "n1"), 64);
	assert_true(f->ids[0] == first);
	for (unsigned i = 0; i < f->n; i++)
		assert_int_equal(command_set(f->db, f->ids[i], COMMAND_DONE,
					     NULL, NULL, T0),
				 0);
	assert_int_equal(look(f, "n1"), 1);
}

static int finish_it(void *arg, const struct command *c)
{
	struct fixture *f = arg;

	return command_set(f->db, c->id, COMMAND_DONE, NULL, "", T0);
}

static void the_callback_may_write(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++)
		(void)add(f, "n1", "pause");
	assert_int_equal(command_each_new(f->db, "n1", finish_it, f), 3);
	assert_int_equal(look(f, "n1"), 0);
}

static void an_error_of_the_callback_ends_the_walk(void **state)
{
	struct fixture *f = *state;

	(void)add(f, "n1", "pause");
	(void)add(f, "n1", "pause");
	f->ret = -EIO;
	assert_int_equal(look(f, "n1"), -EIO);
	assert_int_equal(f->n, 1);
	f->ret = 0;
	assert_int_equal(look(f, "n1"), 2); /* they are still there */
}

static void who_asked_reads_how_it_went(void **state)
{
	struct fixture *f = *state;
	int64_t id = add(f, "n1", "record");
	struct command_result res;

	assert_int_equal(command_set(f->db, id, COMMAND_GOING, NULL, "ringing",
				     T0 + SECOND),
			 0);
	res = result(f, id);
	assert_int_equal(res.state, COMMAND_GOING);
	assert_string_equal(res.recording_id, "");
	assert_string_equal(res.detail, "ringing");
	assert_true(res.asked_us == T0 && res.done_us == 0);
	assert_int_equal(command_set(f->db, id, COMMAND_DONE, "r7", NULL,
				     T0 + 2 * SECOND),
			 0);
	res = result(f, id);
	assert_int_equal(res.state, COMMAND_DONE);
	assert_string_equal(res.recording_id, "r7");
	assert_string_equal(res.detail, "");
	assert_true(res.done_us == T0 + 2 * SECOND);
	/* NULL leaves the recording */
	assert_int_equal(command_set(f->db, id, COMMAND_FAILED, NULL, "late",
				     T0 + 3 * SECOND),
			 0);
	assert_string_equal(result(f, id).recording_id, "r7");
	assert_int_equal(command_set(f->db, id + 1, COMMAND_DONE, NULL, NULL,
				     T0),
			 -ENOENT);
}

static void other_tenants_see_nothing(void **state)
{
	struct fixture *f = *state;
	int64_t id = add(f, "n1", "pause");
	struct command_result res = { .done_us = 7 };

	assert_int_equal(command_get(f->db, f->tenant.s, id, &res), 0);
	res.done_us = 7;
	assert_int_equal(command_get(f->db, f->other.s, id, &res), -ENOENT);
	assert_int_equal(command_get(f->db, NULL, id + 1, &res), -ENOENT);
	assert_true(res.done_us == 7); /* written on success only */
}

static void long_words_are_cut(void **state)
{
	struct fixture *f = *state;
	char text[COMMAND_DETAIL_MAX + 50];
	int64_t id = add(f, "n1", "pause");

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(
		command_set(f->db, id, COMMAND_REFUSED, NULL, text, T0), 0);
	assert_int_equal(strlen(result(f, id).detail), COMMAND_DETAIL_MAX - 1);
}

static void what_a_dead_process_worked_on_has_failed(void **state)
{
	struct fixture *f = *state;
	int64_t fresh = add(f, "n1", "record"), mine = add(f, "n1", "record");
	int64_t theirs = add(f, "n2", "record");

	for (int64_t id = mine; id <= theirs; id++)
		assert_int_equal(command_set(f->db, id, COMMAND_GOING, NULL,
					     NULL, T0),
				 0);
	assert_int_equal(command_fail_going(f->db, "n1", T0 + SECOND), 1);
	assert_int_equal(result(f, mine).state, COMMAND_FAILED);
	assert_true(result(f, mine).done_us == T0 + SECOND);
	assert_non_null(strstr(result(f, mine).detail, "restarted"));
	assert_int_equal(result(f, theirs).state, COMMAND_GOING);
	assert_int_equal(result(f, fresh).state, COMMAND_NEW); /* next turn */
	assert_int_equal(command_fail_going(f->db, "n1", T0), 0);
}

static void waiting_ends_with_the_command(void **state)
{
	struct fixture *f = *state;
	int64_t id = add(f, "n1", "pause");
	struct command_result res;

	assert_int_equal(
		command_set(f->db, id, COMMAND_REFUSED, NULL, "no", T0), 0);
	assert_int_equal(
		command_wait(f->db, clock_real(), id, 3600 * SECOND, &res), 0);
	assert_int_equal(res.state, COMMAND_REFUSED);
	assert_string_equal(res.detail, "no");
	assert_int_equal(command_wait(f->db, clock_real(), id + 1,
				      3600 * SECOND, &res),
			 -ENOENT);
}

static void waiting_ends_with_the_time(void **state)
{
	struct fixture *f = *state;
	int64_t id = add(f, "n1", "pause");
	struct command_result res;

	assert_int_equal(command_wait(f->db, clock_real(), id, 0, &res), 0);
	assert_int_equal(res.state, COMMAND_NEW);
	assert_int_equal(command_wait(f->db, clock_real(), id, 10000, &res), 0);
	assert_int_equal(res.state, COMMAND_NEW);
}

static void only_what_ended_is_forgotten(void **state)
{
	struct fixture *f = *state;
	int64_t fresh = add(f, "n1", "pause"), old = add(f, "n1", "pause");
	int64_t late = add(f, "n1", "pause");
	struct command_result res;

	assert_int_equal(command_set(f->db, old, COMMAND_DONE, NULL, NULL, T0),
			 0);
	assert_int_equal(command_set(f->db, late, COMMAND_DONE, NULL, NULL,
				     T0 + SECOND),
			 0);
	assert_int_equal(command_forget(f->db, T0), 0);
	assert_int_equal(command_forget(f->db, T0 + SECOND), 1);
	assert_int_equal(command_get(f->db, NULL, old, &res), -ENOENT);
	assert_int_equal(result(f, late).state, COMMAND_DONE);
	assert_int_equal(result(f, fresh).state, COMMAND_NEW);
}

static void a_lost_table_is_an_error_everywhere(void **state)
{
	struct fixture *f = *state;
	struct command_new n = { .node = "n1",
				 .tenant_id = f->tenant.s,
				 .kind = "pause",
				 .asked_us = T0 };
	struct command_result res;
	int64_t id;

	assert_int_equal(db_script(f->db, "DROP TABLE session_commands", NULL),
			 0);
	assert_true(command_add(f->db, &n, &id) < 0);
	assert_true(look(f, "n1") < 0);
	assert_true(command_set(f->db, 1, COMMAND_DONE, NULL, NULL, T0) < 0);
	assert_true(command_fail_going(f->db, "n1", T0) < 0);
	assert_true(command_get(f->db, NULL, 1, &res) < 0);
	assert_true(command_wait(f->db, clock_real(), 1, SECOND, &res) < 0);
	assert_true(command_forget(f->db, T0) < 0);
}

static void lack_of_memory_loses_no_command(void **state)
{
	struct fixture *f = *state;
	int64_t r = -1;

	(void)add(f, "n1", "pause");
	(void)add(f, "n1", "pause");
	for (int i = 0; r < 0; i++) {
		assert_true(i < 100);
		mem_fail_after(i);
		r = look(f, "n1");
		mem_fail_after(-1);
		assert_true(r == -ENOMEM || r == 2);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_have_words),
		TEST(sip_reads_what_was_asked),
		TEST(what_is_left_out_reads_as_empty),
		TEST(nobody_asks_for_an_unknown_tenant),
		TEST(a_node_sees_its_own_new_ones_oldest_first),
		TEST(at_most_64_come_at_once),
		TEST(the_callback_may_write),
		TEST(an_error_of_the_callback_ends_the_walk),
		TEST(who_asked_reads_how_it_went),
		TEST(other_tenants_see_nothing),
		TEST(long_words_are_cut),
		TEST(what_a_dead_process_worked_on_has_failed),
		TEST(waiting_ends_with_the_command),
		TEST(waiting_ends_with_the_time),
		TEST(only_what_ended_is_forgotten),
		TEST(a_lost_table_is_an_error_everywhere),
		TEST(lack_of_memory_loses_no_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
