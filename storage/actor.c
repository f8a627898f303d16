#include "storage/actor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "storage/db.h"

static const struct {
	const char *kind, *word, *sql;
} kinds[] = {
	{ "user:", "user", "SELECT email FROM users WHERE id = $1" },
	{ "client:", "provider", "SELECT name FROM clients WHERE id = $1" },
	{ "trunk:", "trunk", "SELECT name FROM trunks WHERE id = $1" },
	{ "tenant:", "account", "SELECT name FROM tenants WHERE id = $1" },
};

static const char *const words[][2] = {
	{ "operator", "the operator" },
	{ "system", "the server" },
	{ "anonymous", "somebody who did not sign in" },
};

static int on_name(void *arg, struct db_row *row)
{
	(void)str_copy(arg, ACTOR_NAME_MAX, db_col_text(row, 0));
	return 1;
}

static int look_up(struct db *db, size_t kind, const char *id,
		   char dst[ACTOR_NAME_MAX])
{
	int64_t n;

	n = db_query(db, kinds[kind].sql, DB_ARGS(db_text(id)), on_name, dst);
	if (n == 0)
		(void)snprintf(dst, ACTOR_NAME_MAX, "deleted %s %s",
			       kinds[kind].word, id);
	return n < 0 ? (int)n : 0;
}

int actor_name(struct db *db, const char *ref, char dst[ACTOR_NAME_MAX])
{
	(void)str_copy(dst, ACTOR_NAME_MAX, ref);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (str_eq(ref, words[i][0]))
			(void)str_copy(dst, ACTOR_NAME_MAX, words[i][1]);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (span_starts(span_of(ref), kinds[i].kind))
			return look_up(db, i, ref + strlen(kinds[i].kind), dst);
	return 0;
}
