#include "auth/users.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/aors.h"
#include "auth/auth_priv.h"
#include "auth/password.h"
#include "auth/users_priv.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "storage/db.h"

static const char *const role_names[] = {
	[USER_OWNER] = "owner",		  [USER_ADMIN] = "admin",
	[USER_SUPERVISOR] = "supervisor", [USER_LISTENER] = "listener",
	[USER_AUDITOR] = "auditor",
};

int user_role_parse(const char *word, enum user_role *ret_role)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(role_names); i++) {
		if (!str_eq(word, role_names[i]))
			continue;
		*ret_role = (enum user_role)i;
		return 0;
	}
	return -EINVAL;
}

const char *user_role_name(enum user_role role)
{
	return role_names[role];
}

/* Lower case, one @ with something on both sides, no blanks or controls. */
int user_email_normalize(const char *email, char dst[USER_EMAIL_MAX])
{
	const char *at = email ? strchr(email, '@') : NULL;
	char *p;

	if (!at || at == email || !at[1] || strchr(at + 1, '@') ||
	    !str_copy(dst, USER_EMAIL_MAX, email) || !str_visible(dst))
		return -EINVAL;
	for (p = dst; *p; p++) {
		if ((unsigned char)*p <= ' ' || *p == 127 ||
		    strchr("<>\"(),;", *p))
			return -EINVAL;
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + 32);
	}
	return 0;
}

/* ---- create ------------------------------------------------------------ */

static int insert(struct auth *a, const struct user_new *u, const char *id,
		  const char *email, const char *hash, struct err *e)
{
	int64_t now = auth_now_us(a), r;
	unsigned i;
	int r2;

	r = db_exec(a->db,
		    "INSERT INTO users (id, tenant_id, email, role, "
		    "password_hash, password_us, created_us) VALUES "
		    "($1, $2, $3, $4, $5, $6, $7)",
		    DB_ARGS(db_text(id), db_text(u->tenant_id), db_text(email),
			    db_text(role_names[u->role]), db_text(hash),
			    db_int(hash[0] ? now : 0), db_int(now)));
	if (r == -EEXIST)
		return err_set(e, -EEXIST, "e-mail: there is a user already");
	if (r == -ENOENT)
		return err_set(e, -ENOENT, "no such tenant");
	if (r < 0)
		return err_set(e, (int)r, "%s", err_words((int)r));
	if (u->role == USER_ADMIN)
		r = db_exec(a->db, "DELETE FROM setup_links", DB_NONE);
	if (r < 0)
		return err_set(e, (int)r, "%s", err_words((int)r));
	for (i = 0; i < u->n_aors; i++) {
		r2 = user_aor_insert(a, id, u->aors[i], e);
		if (r2 < 0)
			return r2;
	}
	return 0;
}

int user_create(struct auth *a, const struct user_new *u, const char *actor,
		struct id *ret_id, struct err *e)
{
	char email[USER_EMAIL_MAX], hash[PASSWORD_HASH_MAX] = "";
	struct id id;
	int r;

	if (user_email_normalize(u->email, email) < 0)
		return err_set(e, -EINVAL, "e-mail: not an address");
	r = u->password ? password_hash(u->password, hash) : 0;
	if (r == -EINVAL)
		return err_set(e, r, "password: %d to %d bytes", PASSWORD_MIN,
			       PASSWORD_MAX);
	if (r < 0)
		return err_set(e, r, "%s", err_words(r));
	id_new(&id, auth_now_us(a));
	r = db_begin(a->db);
	if (r < 0)
		return err_set(e, r, "%s", err_words(r));
	r = insert(a, u, id.s, email, hash, e);
	if (r == 0)
		r = auth_audit(a, u->tenant_id, actor, "user.add", "user", id.s,
			       "ok", NULL);
	for (unsigned i = 0; r == 0 && i < u->n_aors; i++)
		r = auth_audit_what(a, u->tenant_id, actor, "user.add_aor",
				    "user", id.s, "aor", u->aors[i]);
	r = auth_end(a, r, r == 0);
	if (r < 0)
		return err_set(e, r, "%s", err_words(r));
	*ret_id = id;
	return 0;
}

/* ---- read -------------------------------------------------------------- */

#define USER_COLUMNS                                                           \
	"SELECT id, tenant_id, email, role, disabled, created_us, "            \
	"password_hash FROM users "

static int on_user(void *arg, struct db_row *row)
{
	struct user_row *r = arg;
	struct user *u = &r->u;

	memset(r, 0, sizeof(*r));
	auth_col(row, 0, u->id, sizeof(u->id));
	auth_col(row, 1, u->tenant_id, sizeof(u->tenant_id));
	auth_col(row, 2, u->email, sizeof(u->email));
	if (user_role_parse(db_col_text(row, 3), &u->role) < 0)
		u->role = USER_LISTENER; /* the table's CHECK forbids it */
	u->disabled = db_col_int(row, 4) != 0;
	u->created_us = db_col_int(row, 5);
	auth_col(row, 6, r->hash, sizeof(r->hash));
	return 1;
}

int user_row_find(struct auth *a, const char *email_or_id,
		  struct user_row *ret_row)
{
	char email[USER_EMAIL_MAX];
	const char *sql = USER_COLUMNS "WHERE id = $1";
	const char *key = email_or_id;
	int64_t n;

	if (!id_ok(email_or_id)) {
		if (user_email_normalize(email_or_id, email) < 0)
			return -ENOENT;
		sql = USER_COLUMNS "WHERE email = $1";
		key = email;
	}
	n = db_query(a->db, sql, DB_ARGS(db_text(key)), on_user, ret_row);
	if (n < 0)
		return (int)n;
	return n == 0 ? -ENOENT : 0;
}

int user_find(struct auth *a, const char *email_or_id, struct user *ret_user)
{
	struct user_row row;
	int r;

	r = user_row_find(a, email_or_id, &row);
	if (r == 0)
		*ret_user = row.u;
	return r;
}

int64_t user_admin_count(struct auth *a)
{
	int64_t n = 0;
	int r = db_query_int(a->db,
			     "SELECT count(*) FROM users WHERE role = 'admin' "
			     "AND disabled = 0",
			     DB_NONE, &n);

	return r < 0 ? r : n;
}

struct user_walk {
	user_fn *fn;
	void *arg;
};

static int on_each(void *arg, struct db_row *row)
{
	struct user_walk *w = arg;
	struct user_row r;

	(void)on_user(&r, row);
	return w->fn(w->arg, &r.u);
}

int64_t user_each(struct auth *a, const char *tenant_id, user_fn *fn, void *arg)
{
	struct user_walk w = { fn, arg };

	if (!tenant_id)
		return db_query(a->db, USER_COLUMNS "ORDER BY email", DB_NONE,
				on_each, &w);
	return db_query(a->db,
			USER_COLUMNS "WHERE tenant_id = $1 ORDER BY email",
			DB_ARGS(db_text(tenant_id)), on_each, &w);
}

/* ---- change ------------------------------------------------------------ */

int user_set_password(struct auth *a, const char *user_id, const char *password,
		      const char *actor, struct err *e)
{
	char hash[PASSWORD_HASH_MAX];
	struct user u;
	int r;

	r = user_find(a, user_id, &u);
	if (r < 0)
		return err_set(e, r, "no such user");
	r = password_hash(password, hash);
	if (r < 0)
		return err_set(e, r, "password: %d to %d bytes", PASSWORD_MIN,
			       PASSWORD_MAX);
	r = db_begin(a->db);
	if (r < 0)
		return err_set(e, r, "%s", err_words(r));
	r = auth_exec_one(db_exec(a->db,
				  "UPDATE users SET password_hash = $1, "
				  "password_us = $2 WHERE id = $3",
				  DB_ARGS(db_text(hash), db_int(auth_now_us(a)),
					  db_text(u.id))));
	if (r == 0)
		r = auth_audit(a, u.tenant_id, actor, "user.set_password",
			       "user", u.id, "ok", NULL);
	r = auth_end(a, r, r == 0);
	return r < 0 ? err_set(e, r, "%s", err_words(r)) : 0;
}

int user_set_disabled(struct auth *a, const char *user_id, bool disabled,
		      const char *actor)
{
	struct user u;
	int r;

	r = user_find(a, user_id, &u);
	if (r < 0)
		return r;
	r = db_begin(a->db);
	if (r < 0)
		return r;
	r = auth_exec_one(
		db_exec(a->db, "UPDATE users SET disabled = $1 WHERE id = $2",
			DB_ARGS(db_int(disabled), db_text(u.id))));
	if (r == 0)
		r = auth_epoch_bump(a->db);
	if (r == 0)
		r = auth_audit(a, u.tenant_id, actor,
			       disabled ? "user.disable" : "user.enable",
			       "user", u.id, "ok", NULL);
	return auth_end(a, r, r == 0);
}

void user_password_random(char dst[USER_PASSWORD_RANDOM_MAX])
{
	/* 54 letters and digits, without 0 O 1 l I and the like */
	static const char letters[] =
		"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
	uint8_t b;
	int i;

	for (i = 0; i < 20;) {
		id_random(&b, 1);
		if (b >= 256 / (sizeof(letters) - 1) * (sizeof(letters) - 1))
			continue; /* keeps every letter equally likely */
		dst[i++] = letters[b % (sizeof(letters) - 1)];
	}
	dst[i] = '\0';
}
