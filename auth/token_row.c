#include "auth/token_row.h"

#include <errno.h>
#include <string.h>

#include "auth/auth_priv.h"
#include "base/mem.h"
#include "storage/db.h"

#define SECOND_US 1000000LL

static const char *const kind_names[] = {
	[TOKEN_ACCESS] = "access",
	[TOKEN_REFRESH] = "refresh",
	[TOKEN_API] = "api",
	[TOKEN_CLIENT] = "client",
};

static enum token_kind kind_of(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kind_names); i++)
		if (str_eq(kind_names[i], name))
			return (enum token_kind)i;
	return TOKEN_ACCESS;
}

const char *token_kind_name(enum token_kind kind)
{
	return kind_names[kind];
}

void token_row_read(struct db_row *row, struct token_row *r)
{
	struct token_info *i = &r->info;
	const void *mac;
	size_t len;

	i->kind = kind_of(db_col_text(row, 0));
	mac = db_col_blob(row, 1, &len);
	if (mac && len == sizeof(r->mac))
		memcpy(r->mac, mac, len);
	auth_col(row, 2, i->family_id, sizeof(i->family_id));
	auth_col(row, 3, i->tenant_id, sizeof(i->tenant_id));
	auth_col(row, 4, i->client_id, sizeof(i->client_id));
	auth_col(row, 5, i->grant_id, sizeof(i->grant_id));
	auth_col(row, 6, i->user_id, sizeof(i->user_id));
	i->issued_us = db_col_int(row, 8);
	i->expires_us = db_col_int(row, 9);
	r->revoked_us = db_col_int(row, 10);
	r->used_us = db_col_int(row, 11);
	r->family_revoked = db_col_int(row, 12) != 0;
	r->grant_revoked =
		i->grant_id[0] && !str_eq(db_col_text(row, 13), "active");
	r->grant_expires_us = db_col_int(row, 14);
	r->disabled = db_col_int(row, 15) || db_col_int(row, 16);
	r->no_scope =
		!scope_cut(db_col_text(row, 7),
			   i->grant_id[0] ? db_col_text(row, 17) : SCOPE_API,
			   i->scope);
}

static int on_row(void *arg, struct db_row *row)
{
	token_row_read(row, arg);
	return 1;
}

int token_row_get(struct auth *a, const char *id, struct token_row *ret_row)
{
	struct token_row row;
	int64_t n;

	memset(&row, 0, sizeof(row));
	n = db_query(a->db,
		     "SELECT " TOKEN_ROW_SQL_COLUMNS TOKEN_ROW_SQL_TABLES
		     "WHERE t.id = $1",
		     DB_ARGS(db_text(id)), on_row, &row);
	if (n < 0)
		return (int)n;
	if (n == 0)
		return -ENOENT;
	(void)str_copy(row.info.id, sizeof(row.info.id), id);
	*ret_row = row;
	return 0;
}

int token_row_find(struct auth *a, struct span token, struct token_form *ret_f,
		   struct token_row *ret_row)
{
	uint8_t mac[AUTH_MAC_LEN];
	bool refresh;
	int r;

	r = token_form_parse(token, ret_f);
	if (r < 0)
		return r;
	refresh = str_eq(ret_f->kind, "rt");
	if (!refresh && !str_eq(ret_f->kind, "at"))
		return -EBADMSG;
	r = token_row_get(a, ret_f->id, ret_row);
	if (r < 0)
		return r;
	token_form_mac(a, ret_f, mac);
	if (!mem_equal_ct(mac, ret_row->mac, sizeof(mac)) ||
	    refresh != (ret_row->info.kind == TOKEN_REFRESH))
		return -EKEYREJECTED;
	return 0;
}

int token_row_state(const struct auth *a, const struct token_row *row)
{
	int64_t now = auth_now_us(a);

	if (row->revoked_us || row->family_revoked || row->grant_revoked ||
	    row->disabled || row->no_scope)
		return -EKEYREVOKED;
	if ((row->info.expires_us && now >= row->info.expires_us) ||
	    (row->grant_expires_us && now >= row->grant_expires_us))
		return -EKEYEXPIRED;
	return 0;
}

/* "" is stored as NULL, because the columns are foreign keys. */
static struct db_val id_or_null(const char *id)
{
	return id[0] ? db_text(id) : db_null();
}

int token_row_put(struct auth *a, const struct token_form *f,
		  const struct token_info *i, const char *name)
{
	uint8_t mac[AUTH_MAC_LEN];
	int64_t r;

	token_form_mac(a, f, mac);
	r = db_exec(a->db,
		    "INSERT INTO tokens (id, kind, mac, family_id, grant_id, "
		    "client_id, user_id, tenant_id, scope, name, issued_us, "
		    "expires_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, "
		    "$10, $11, $12)",
		    DB_ARGS(db_text(f->id), db_text(kind_names[i->kind]),
			    db_blob(mac, sizeof(mac)), id_or_null(i->family_id),
			    id_or_null(i->grant_id), id_or_null(i->client_id),
			    id_or_null(i->user_id), db_text(i->tenant_id),
			    db_text(i->scope), db_text(name ? name : ""),
			    db_int(i->issued_us), db_int(i->expires_us)));
	return r < 0 ? (int)r : 0;
}

int token_family_new(struct auth *a, const char *grant_id,
		     char ret_id[ID_LEN + 1])
{
	int64_t now = auth_now_us(a), r;
	struct id id;

	id_new(&id, now);
	r = db_exec(a->db,
		    "INSERT INTO token_families (id, grant_id, created_us) "
		    "VALUES ($1, $2, $3)",
		    DB_ARGS(db_text(id.s), db_text(grant_id), db_int(now)));
	if (r < 0)
		return (int)r;
	(void)str_copy(ret_id, ID_LEN + 1, id.s);
	return 0;
}

static int64_t until(int64_t now, int64_t life, int64_t limit)
{
	int64_t t = now + life;

	return limit && limit < t ? limit : t;
}

int token_pair_put(struct auth *a, const struct token_info *like,
		   const char *access_scope, int64_t grant_expires_us,
		   const struct token_form *at, const struct token_form *rt,
		   struct token_pair *ret_pair)
{
	struct token_info i = *like;
	int64_t now = auth_now_us(a), r;
	int64_t refresh_expires = until(now, a->refresh_us, grant_expires_us);

	i.issued_us = now;
	i.kind = TOKEN_REFRESH;
	i.expires_us = refresh_expires;
	r = token_row_put(a, rt, &i, NULL);
	if (r < 0)
		return (int)r;
	i.kind = TOKEN_ACCESS;
	i.expires_us = until(now, a->access_us, grant_expires_us);
	(void)str_copy(i.scope, sizeof(i.scope), access_scope);
	r = token_row_put(a, at, &i, NULL);
	if (r < 0)
		return (int)r;
	r = db_exec(a->db, "UPDATE grants SET used_us = $1 WHERE id = $2",
		    DB_ARGS(db_int(now), db_text(i.grant_id)));
	if (r < 0)
		return (int)r;
	memset(ret_pair, 0, sizeof(*ret_pair));
	token_form_text(at, ret_pair->access);
	token_form_text(rt, ret_pair->refresh);
	(void)str_copy(ret_pair->scope, sizeof(ret_pair->scope), access_scope);
	(void)str_copy(ret_pair->grant_id, sizeof(ret_pair->grant_id),
		       i.grant_id);
	ret_pair->expires_in_s = (i.expires_us - now) / SECOND_US;
	return 0;
}
