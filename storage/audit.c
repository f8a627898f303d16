#include "storage/audit.h"

#include "storage/catalog_priv.h"

int audit_add(struct db *db, const struct audit_entry *a)
{
	int64_t r;

	r = db_exec(db,
		    "INSERT INTO audit (at_us, tenant_id, actor, action, "
		    "object, result, detail) VALUES "
		    "($1, $2, $3, $4, $5, $6, $7)",
		    DB_ARGS(db_int(a->at_us), text_or_empty(a->tenant_id),
			    text_or_empty(a->actor), text_or_empty(a->action),
			    text_or_empty(a->object), text_or_empty(a->result),
			    db_text(a->detail)));
	return r < 0 ? (int)r : 0;
}

struct walk {
	audit_fn *fn;
	void *arg;
};

static int audit_row(void *arg, struct db_row *row)
{
	struct walk *w = arg;
	struct audit_entry a = {
		.id = db_col_int(row, 0),
		.at_us = db_col_int(row, 1),
		.tenant_id = db_col_text(row, 2),
		.actor = db_col_text(row, 3),
		.action = db_col_text(row, 4),
		.object = db_col_text(row, 5),
		.result = db_col_text(row, 6),
		.detail = db_col_text(row, 7),
	};

	return w->fn(w->arg, &a);
}

#define AUDIT_COLUMNS                                                          \
	"SELECT id, at_us, tenant_id, actor, action, object, result, detail "  \
	"FROM audit WHERE id < $1 "

int64_t audit_each(struct db *db, const char *tenant_id, const char *object,
		   int64_t before_id, unsigned limit, audit_fn *fn, void *arg)
{
	struct walk w = { fn, arg };
	struct db_val before = db_int(before_id ? before_id : INT64_MAX);
	struct db_val max = db_int(limit);

	if (tenant_id && object)
		return db_query(db,
				AUDIT_COLUMNS "AND tenant_id = $2 AND object = "
					      "$3 ORDER BY id DESC LIMIT $4",
				DB_ARGS(before, db_text(tenant_id),
					db_text(object), max),
				audit_row, &w);
	if (object)
		return db_query(db,
				AUDIT_COLUMNS "AND object = $2 "
					      "ORDER BY id DESC LIMIT $3",
				DB_ARGS(before, db_text(object), max),
				audit_row, &w);
	if (tenant_id)
		return db_query(db,
				AUDIT_COLUMNS "AND tenant_id = $2 "
					      "ORDER BY id DESC LIMIT $3",
				DB_ARGS(before, db_text(tenant_id), max),
				audit_row, &w);
	return db_query(db, AUDIT_COLUMNS "ORDER BY id DESC LIMIT $2",
			DB_ARGS(before, max), audit_row, &w);
}
