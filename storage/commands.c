#include "storage/commands.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "storage/db.h"

#define BATCH 64
#define LOOK_AGAIN_MS 4

static const char *const words[] = { "new", "going", "done", "refused",
				     "failed" };

const char *command_state_word(enum command_state s)
{
	return words[s];
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

/* A pause is of the call: of every live recording of it with the same owner
 * and grant. Which of them repeat each other is not known while they run. */
static int add_others(struct db *db, int64_t id, const char *recording_id)
{
	int64_t r = db_exec(
		db,
		"INSERT INTO session_commands (node, tenant_id, kind, "
		"recording_id, args, actor, asked_us) "
		"SELECT r.node, c.tenant_id, c.kind, r.id, c.args, c.actor, "
		"c.asked_us FROM session_commands c, recordings mine, "
		"recordings r WHERE c.id = $1 AND mine.id = $2 AND "
		"r.id <> mine.id AND r.state = 'recording' AND "
		"r.owner_id = mine.owner_id AND r.grant_id = mine.grant_id AND "
		"r.id IN (SELECT b.recording_id FROM call_legs a, call_legs b "
		"WHERE a.recording_id = mine.id AND b.call_id = a.call_id)",
		DB_ARGS(db_int(id), db_text(recording_id)));

	return r < 0 ? (int)r : 0;
}

static int add(struct db *db, const struct command_new *n, int64_t *ret_id)
{
	int64_t id;
	int r;

	r = db_query_int(
		db,
		"INSERT INTO session_commands (node, tenant_id, kind, "
		"recording_id, args, actor, asked_us) "
		"VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
		DB_ARGS(db_text(n->node), db_text(n->tenant_id),
			db_text(n->kind), db_text(or_empty(n->recording_id)),
			db_text(n->args ? n->args : "{}"),
			db_text(or_empty(n->actor)), db_int(n->asked_us)),
		&id);
	if (r == 0 && (str_eq(n->kind, "pause") || str_eq(n->kind, "resume")))
		r = add_others(db, id, or_empty(n->recording_id));
	if (r == 0)
		*ret_id = id;
	return r;
}

int command_add(struct db *db, const struct command_new *n, int64_t *ret_id)
{
	int r = db_begin(db);

	if (r < 0)
		return r;
	r = add(db, n, ret_id);
	if (r < 0) {
		db_rollback(db);
		return r;
	}
	return db_commit(db);
}

/* ---- for sip ---- */

/* A copy, so that the callback may write to the table it comes from. */
struct copied {
	struct command c;
	char *text[5];
};

struct batch {
	struct copied list[BATCH];
	unsigned n;
};

static int copy_row(void *arg, struct db_row *row)
{
	struct batch *b = arg;
	struct copied *k = &b->list[b->n++];

	k->c.id = db_col_int(row, 0);
	k->c.asked_us = db_col_int(row, 6);
	for (int i = 0; i < 5; i++) {
		k->text[i] = mem_strdup(or_empty(db_col_text(row, i + 1)));
		if (!k->text[i])
			return -ENOMEM;
	}
	k->c.tenant_id = k->text[0];
	k->c.kind = k->text[1];
	k->c.recording_id = k->text[2];
	k->c.args = k->text[3];
	k->c.actor = k->text[4];
	return 0;
}

int64_t command_each_new(struct db *db, const char *node, command_fn *fn,
			 void *arg)
{
	struct batch *b = mem_zalloc(sizeof(*b));
	int64_t r;

	if (!b)
		return -ENOMEM;
	r = db_query(db,
		     "SELECT id, tenant_id, kind, recording_id, args, actor, "
		     "asked_us FROM session_commands WHERE node = $1 AND "
		     "state = 'new' ORDER BY id LIMIT 64",
		     DB_ARGS(db_text(node)), copy_row, b);
	for (unsigned i = 0; r >= 0 && i < b->n; i++) {
		int fr = fn(arg, &b->list[i].c);

		if (fr < 0)
			r = fr;
	}
	for (unsigned i = 0; i < b->n; i++)
		for (unsigned k = 0; k < 5; k++)
			mem_free(b->list[i].text[k]);
	mem_free(b);
	return r;
}

int command_set(struct db *db, int64_t id, enum command_state state,
		const char *recording_id, const char *detail, int64_t now_us)
{
	int64_t r;

	r = db_exec(db,
		    "UPDATE session_commands SET state = $1, recording_id = "
		    "coalesce($2, recording_id), detail = $3, done_us = $4 "
		    "WHERE id = $5",
		    DB_ARGS(db_text(words[state]), db_text(recording_id),
			    db_text(or_empty(detail)),
			    db_int(state > COMMAND_GOING ? now_us : 0),
			    db_int(id)));
	return r < 0 ? (int)r : r == 0 ? -ENOENT : 0;
}

int64_t command_fail_going(struct db *db, const char *node, int64_t now_us)
{
	return db_exec(db,
		       "UPDATE session_commands SET state = 'failed', detail = "
		       "'the signalling process was restarted', done_us = $1 "
		       "WHERE node = $2 AND state = 'going'",
		       DB_ARGS(db_int(now_us), db_text(node)));
}

/* ---- for those who asked ---- */

static int copy_result(void *arg, struct db_row *row)
{
	struct command_result *res = arg;
	const char *state = or_empty(db_col_text(row, 0));

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		if (str_eq(words[i], state))
			res->state = (enum command_state)i;
	}
	(void)str_copy(res->recording_id, sizeof(res->recording_id),
		       or_empty(db_col_text(row, 1)));
	(void)str_copy(res->detail, sizeof(res->detail),
		       or_empty(db_col_text(row, 2)));
	res->asked_us = db_col_int(row, 3);
	res->done_us = db_col_int(row, 4);
	(void)str_copy(res->kind, sizeof(res->kind),
		       or_empty(db_col_text(row, 5)));
	(void)str_copy(res->actor, sizeof(res->actor),
		       or_empty(db_col_text(row, 6)));
	return 0;
}

int command_get(struct db *db, const char *tenant_id, int64_t id,
		struct command_result *ret_result)
{
	struct command_result res = { 0 };
	int64_t r;

	r = db_query(db,
		     "SELECT state, recording_id, detail, asked_us, done_us, "
		     "kind, actor FROM session_commands WHERE id = $1 AND "
		     "($2 IS NULL OR tenant_id = $2)",
		     DB_ARGS(db_int(id), db_text(tenant_id)), copy_result,
		     &res);
	if (r < 0)
		return (int)r;
	if (r == 0)
		return -ENOENT;
	*ret_result = res;
	return 0;
}

int command_wait(struct db *db, struct clock *clock, int64_t id,
		 int64_t timeout_us, struct command_result *ret_result)
{
	int64_t end = clock_mono_us(clock) + timeout_us;
	int r;

	for (;;) {
		r = command_get(db, NULL, id, ret_result);
		if (r < 0 || ret_result->state > COMMAND_GOING ||
		    clock_mono_us(clock) >= end)
			return r;
		(void)poll(NULL, 0, LOOK_AGAIN_MS);
	}
}

int64_t command_forget(struct db *db, int64_t before_us)
{
	return db_exec(db,
		       "DELETE FROM session_commands WHERE done_us > 0 AND "
		       "done_us < $1",
		       DB_ARGS(db_int(before_us)));
}
