#include "auth/listens.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/auth_priv.h"
#include "auth/users.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "storage/db.h"

int64_t user_listens_each(struct auth *a, const char *listener_id,
			  listens_fn *fn, void *arg)
{
	return auth_text_each(a,
			      "SELECT u.email FROM user_listens l JOIN users u "
			      "ON u.id = l.owner_id WHERE l.listener_id = $1 "
			      "ORDER BY u.email",
			      listener_id, fn, arg);
}

/* ---- change ------------------------------------------------------------ */

static int find_listener(struct auth *a, const char *id, struct user *ret_u,
			 struct err *e)
{
	int r = user_find(a, id, ret_u);

	if (r < 0)
		return err_set(e, r, "%s",
			       r == -ENOENT ? "no such user" : err_words(r));
	if (ret_u->role != USER_LISTENER)
		return err_set(e, -EINVAL,
			       "listens_to: %s is no listener but %s; only "
			       "listeners are assigned owners",
			       ret_u->email, user_role_name(ret_u->role));
	return 0;
}

/* Somebody of the same account; others do not exist for it. */
static int find_owner(struct auth *a, const struct user *listener,
		      const char *owner, struct user *ret_u, struct err *e)
{
	int r = user_find(a, owner, ret_u);

	if (r == 0 && !str_eq(ret_u->tenant_id, listener->tenant_id))
		r = -ENOENT;
	if (r == -ENOENT)
		return err_set(e, r,
			       "listens_to: there is no user \"%s\" in the "
			       "account of %s",
			       owner, listener->email);
	return r < 0 ? err_set(e, r, "%s", err_words(r)) : 0;
}

static int check_count(struct auth *a, const char *listener_id, struct err *e)
{
	int64_t n;
	int r = db_query_int(a->db,
			     "SELECT count(*) FROM user_listens WHERE "
			     "listener_id = $1",
			     DB_ARGS(db_text(listener_id)), &n);

	if (r < 0)
		return err_set(e, r, "%s", err_words(r));
	if (n > LISTENS_MAX)
		return err_set(e, -E2BIG, "listens_to: at most %d owners",
			       LISTENS_MAX);
	return 0;
}

static int note(struct auth *a, const struct user *listener,
		const struct user *owner, const char *action, const char *actor)
{
	char detail[ID_LEN + 32];

	(void)snprintf(detail, sizeof(detail), "{\"owner_id\":\"%s\"}",
		       owner->id);
	return auth_audit(a, listener->tenant_id, actor, action, "user",
			  listener->id, "ok", detail);
}

static int add(struct auth *a, const struct user *listener, const char *owner,
	       const char *actor, struct err *e)
{
	struct user o;
	int64_t n;
	int r = find_owner(a, listener, owner, &o, e);

	if (r < 0)
		return r;
	if (o.role != USER_OWNER && o.role != USER_ADMIN)
		return err_set(e, -EINVAL,
			       "listens_to: %s is %s and owns no recordings",
			       o.email, user_role_name(o.role));
	n = db_exec(a->db,
		    "INSERT INTO user_listens (listener_id, owner_id, "
		    "added_us) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
		    DB_ARGS(db_text(listener->id), db_text(o.id),
			    db_int(auth_now_us(a))));
	if (n == 0)
		return 0; /* is assigned */
	r = n < 0 ? (int)n : note(a, listener, &o, "user.listens_add", actor);
	if (r < 0)
		return err_set(e, r, "%s", err_words(r));
	return check_count(a, listener->id, e);
}

int user_listens_add(struct auth *a, const char *listener_id, const char *owner,
		     const char *actor, struct err *e)
{
	struct user l;
	int r = find_listener(a, listener_id, &l, e);

	if (r < 0)
		return r;
	r = db_begin(a->db);
	if (r < 0)
		return err_set(e, r, "%s", err_words(r));
	r = add(a, &l, owner, actor, e);
	return auth_end(a, r, r == 0);
}

static int drop(struct auth *a, const struct user *listener, const char *owner,
		const char *actor, struct err *e)
{
	struct user o;
	int r = find_owner(a, listener, owner, &o, e);

	if (r < 0)
		return r;
	r = auth_exec_one(
		db_exec(a->db,
			"DELETE FROM user_listens WHERE listener_id "
			"= $1 AND owner_id = $2",
			DB_ARGS(db_text(listener->id), db_text(o.id))));
	if (r == -ENOENT)
		return err_set(e, r, "listens_to: %s does not listen to %s",
			       listener->email, o.email);
	if (r == 0)
		r = note(a, listener, &o, "user.listens_remove", actor);
	return r < 0 ? err_set(e, r, "%s", err_words(r)) : 0;
}

int user_listens_remove(struct auth *a, const char *listener_id,
			const char *owner, const char *actor, struct err *e)
{
	struct user l;
	int r = find_listener(a, listener_id, &l, e);

	if (r < 0)
		return r;
	r = db_begin(a->db);
	if (r < 0)
		return err_set(e, r, "%s", err_words(r));
	r = drop(a, &l, owner, actor, e);
	return auth_end(a, r, r == 0);
}

/* ---- all at once ------------------------------------------------------- */

struct emails {
	char **list;
	unsigned n;
};

static void emails_fini(struct emails *m)
{
	for (unsigned i = 0; i < m->n; i++)
		mem_free(m->list[i]);
	mem_free(m->list);
}

static int collect(void *arg, const char *email)
{
	struct emails *m = arg;

	if (m->n > LISTENS_MAX)
		return -E2BIG; /* never more are written */
	m->list[m->n] = mem_strdup(email);
	return m->list[m->n++] ? 0 : -ENOMEM;
}

static bool is_named(const struct user *u, const char *const *owners,
		     unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (str_ieq(owners[i], u->email) || str_eq(owners[i], u->id))
			return true;
	return false;
}

static int drop_others(struct auth *a, const struct user *l,
		       const char *const *owners, unsigned n, const char *actor,
		       struct err *e)
{
	struct emails m CLEANUP(emails_fini) = { 0 };
	struct user o;
	int64_t seen;
	int r = 0;

	m.list = mem_zalloc((LISTENS_MAX + 2) * sizeof(*m.list));
	if (!m.list)
		return -ENOMEM;
	seen = user_listens_each(a, l->id, collect, &m);
	if (seen < 0)
		return (int)seen;
	for (unsigned i = 0; i < m.n && r == 0; i++) {
		r = user_find(a, m.list[i], &o);
		if (r == 0 && !is_named(&o, owners, n))
			r = drop(a, l, o.id, actor, e);
	}
	return r;
}

int user_listens_set(struct auth *a, const char *listener_id,
		     const char *const *owners, unsigned n, const char *actor,
		     struct err *e)
{
	struct user l;
	int r = find_listener(a, listener_id, &l, e);

	if (r < 0)
		return r;
	r = db_begin(a->db);
	if (r < 0)
		return err_set(e, r, "%s", err_words(r));
	r = drop_others(a, &l, owners, n, actor, e);
	for (unsigned i = 0; i < n && r == 0; i++)
		r = add(a, &l, owners[i], actor, e);
	return auth_end(a, r, r == 0);
}
