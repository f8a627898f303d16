/* Revocation, introspection, lists and the sweep of old tokens. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/auth_priv.h"
#include "auth/grants.h"
#include "auth/token_row.h"
#include "base/buf.h"
#include "base/mem.h"
#include "storage/db.h"

/* ---- revoke ------------------------------------------------------------ */

static int revoke_row(struct auth *a, const struct token_row *row,
		      const char *actor)
{
	int64_t r;

	if (row->info.kind == TOKEN_REFRESH)
		return token_family_revoke(a, row->info.family_id, "revoked",
					   actor);
	r = db_exec(a->db,
		    "UPDATE tokens SET revoked_us = $1 WHERE id = $2 AND "
		    "revoked_us = 0",
		    DB_ARGS(db_int(auth_now_us(a)), db_text(row->info.id)));
	if (r <= 0)
		return (int)r;
	return auth_audit(a, row->info.tenant_id, actor, "token.revoke",
			  "token", row->info.id, "ok", NULL);
}

int token_revoke(struct auth *a, struct span token, const char *client_id,
		 const char *actor)
{
	struct token_form f;
	struct token_row row;
	int r;

	r = token_row_find(a, token, &f, &row);
	if (r == -EBADMSG || r == -ENOENT || r == -EKEYREJECTED)
		return 0; /* RFC 7009 section 2.2: nothing to revoke is fine */
	if (r < 0)
		return r;
	if (client_id && !str_eq(client_id, row.info.client_id))
		return -EACCES;
	r = db_begin(a->db);
	if (r < 0)
		return r;
	r = revoke_row(a, &row, actor);
	return auth_end(a, r, r == 0);
}

int token_revoke_id(struct auth *a, const char *token_id, const char *tenant_id,
		    const char *actor)
{
	struct token_row row;
	int r;

	r = token_row_get(a, token_id, &row);
	if (r < 0)
		return r;
	if (tenant_id && !str_eq(tenant_id, row.info.tenant_id))
		return -ENOENT;
	r = db_begin(a->db);
	if (r < 0)
		return r;
	r = revoke_row(a, &row, actor);
	return auth_end(a, r, r == 0);
}

struct family {
	char grant_id[ID_LEN + 1];
	char tenant_id[ID_LEN + 1];
};

static int on_family(void *arg, struct db_row *row)
{
	struct family *f = arg;

	auth_col(row, 0, f->grant_id, sizeof(f->grant_id));
	auth_col(row, 1, f->tenant_id, sizeof(f->tenant_id));
	return 1;
}

static int family_revoke(struct auth *a, const char *family_id, const char *why,
			 const char *actor)
{
	struct family f;
	int64_t n;
	int r;

	n = db_query(a->db,
		     "SELECT g.id, g.tenant_id FROM token_families f JOIN "
		     "grants g ON g.id = f.grant_id WHERE f.id = $1",
		     DB_ARGS(db_text(family_id)), on_family, &f);
	if (n <= 0)
		return n < 0 ? (int)n : -ENOENT;
	n = db_exec(a->db,
		    "UPDATE token_families SET revoked_us = $1, why = $2 "
		    "WHERE id = $3 AND revoked_us = 0",
		    DB_ARGS(db_int(auth_now_us(a)), db_text(why),
			    db_text(family_id)));
	if (n <= 0)
		return (int)n; /* revoked before: nothing changes */
	r = auth_epoch_bump(a->db);
	if (r < 0)
		return r;
	return auth_audit_why(a, f.tenant_id, actor, "token.family_revoke",
			      "grant", f.grant_id, why);
}

int token_family_revoke(struct auth *a, const char *family_id, const char *why,
			const char *actor)
{
	int r = db_begin(a->db);

	if (r < 0)
		return r;
	r = family_revoke(a, family_id, why, actor);
	return auth_end(a, r, r == 0);
}

int token_mark_exposed(struct auth *a, const struct token_info *info,
		       const char *where)
{
	struct buf detail CLEANUP(buf_fini) = { 0 };
	int64_t n;

	n = db_exec(a->db,
		    "UPDATE tokens SET exposed_us = $1 WHERE id = $2 AND "
		    "exposed_us = 0",
		    DB_ARGS(db_int(auth_now_us(a)), db_text(info->id)));
	if (n < 0)
		return (int)n;
	buf_init(&detail, 1024);
	(void)buf_puts(&detail, "{\"where\":\"");
	(void)buf_json(&detail, where, strlen(where));
	(void)buf_puts(&detail, "\"}");
	return auth_audit(a, info->tenant_id, "system", "token.exposed",
			  "token", info->id, "ok", buf_str(&detail));
}

/* ---- look -------------------------------------------------------------- */

int token_introspect(struct auth *a, struct span token, const char *client_id,
		     bool *ret_active, struct token_info *ret_info)
{
	struct token_form f;
	struct token_row row;
	int r;

	*ret_active = false;
	r = token_row_find(a, token, &f, &row);
	if (r == -EBADMSG || r == -ENOENT || r == -EKEYREJECTED)
		return 0;
	if (r < 0)
		return r;
	if (client_id && !str_eq(client_id, row.info.client_id))
		return 0;
	if (row.info.kind == TOKEN_REFRESH && row.used_us)
		return 0;
	if (token_row_state(a, &row) < 0)
		return 0;
	*ret_active = true;
	*ret_info = row.info;
	return 0;
}

static const char *state_word(const struct auth *a, const struct token_row *row)
{
	int r = token_row_state(a, row);

	if (r == -EKEYEXPIRED)
		return "expired";
	if (r < 0)
		return "revoked";
	return row->info.kind == TOKEN_REFRESH && row->used_us ? "used"
							       : "active";
}

struct view_walk {
	struct auth *a;
	token_view_fn *fn;
	void *arg;
};

static int on_view(void *arg, struct db_row *row)
{
	struct view_walk *w = arg;
	struct token_row t = { 0 };
	struct token_view v;

	token_row_read(row, &t);
	auth_col(row, TOKEN_ROW_COLUMNS_N, t.info.id, sizeof(t.info.id));
	v = (struct token_view){
		.info = t.info,
		.kind = token_kind_name(t.info.kind),
		.state = state_word(w->a, &t),
		.name = db_col_text(row, TOKEN_ROW_COLUMNS_N + 1),
		.user = db_col_text(row, TOKEN_ROW_COLUMNS_N + 2),
		.client = db_col_text(row, TOKEN_ROW_COLUMNS_N + 3),
		.used_us = t.used_us,
	};
	return w->fn(w->arg, &v);
}

int64_t token_each(struct auth *a, const char *tenant_id, token_view_fn *fn,
		   void *arg)
{
	struct view_walk w = { a, fn, arg };

	return db_query(a->db,
			"SELECT " TOKEN_ROW_SQL_COLUMNS
			", t.id, t.name, coalesce(u.email, ''), "
			"coalesce(c.name, '')" TOKEN_ROW_SQL_TABLES
			"WHERE $1 = '' OR t.tenant_id = $1 "
			"ORDER BY t.issued_us DESC, t.id",
			DB_ARGS(db_text(tenant_id ? tenant_id : "")), on_view,
			&w);
}

struct api_walk {
	token_fn *fn;
	void *arg;
	struct token_info like;
};

static int on_api(void *arg, struct db_row *row)
{
	struct api_walk *w = arg;
	struct token_info i = w->like;

	auth_col(row, 0, i.id, sizeof(i.id));
	auth_col(row, 1, i.tenant_id, sizeof(i.tenant_id));
	(void)scope_cut(db_col_text(row, 2), SCOPE_API, i.scope);
	i.issued_us = db_col_int(row, 3);
	i.expires_us = db_col_int(row, 4);
	return w->fn(w->arg, &i, db_col_text(row, 5), db_col_int(row, 6));
}

int64_t token_each_api(struct auth *a, const char *user_id, token_fn *fn,
		       void *arg)
{
	struct api_walk w = { fn, arg, { .kind = TOKEN_API } };

	(void)str_copy(w.like.user_id, sizeof(w.like.user_id), user_id);
	return db_query(a->db,
			"SELECT id, tenant_id, scope, issued_us, expires_us, "
			"name, used_us FROM tokens WHERE user_id = $1 AND "
			"kind = 'api' AND revoked_us = 0 ORDER BY issued_us "
			"DESC, id",
			DB_ARGS(db_text(user_id)), on_api, &w);
}

#define LOGIN_FAILURES_KEPT (3600 * 1000000LL)

/* ---- sweep ------------------------------------------------------------- */

/* What may be found out later by its reuse is kept for keep_us; the others are
 * of no use once they are over, and strangers can make many of them. */
int64_t token_sweep(struct auth *a, int64_t keep_us)
{
	const int64_t now = auth_now_us(a);
	const struct {
		const char *sql;
		int64_t before_us;
	} steps[] = {
		{ "DELETE FROM tokens WHERE expires_us > 0 AND expires_us < $1",
		  now - keep_us },
		{ "DELETE FROM codes WHERE expires_us < $1", now - keep_us },
		{ "DELETE FROM pushed_requests WHERE expires_us < $1", now },
		{ "DELETE FROM login_failures WHERE since_us < $1",
		  now - LOGIN_FAILURES_KEPT },
	};
	int64_t n, sum = 0;
	size_t i;

	n = grant_sweep_unused(a);
	if (n < 0)
		return n;
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		n = db_exec(a->db, steps[i].sql,
			    DB_ARGS(db_int(steps[i].before_us)));
		if (n < 0)
			return n;
		sum += n;
	}
	return sum;
}
