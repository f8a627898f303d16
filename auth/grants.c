#include "auth/grants.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/aors.h"
#include "auth/auth_priv.h"
#include "auth/clients.h"
#include "auth/conditions.h"
#include "auth/users.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "storage/db.h"

void grant_fini(struct grant *g)
{
	mem_free(g->conditions);
	g->conditions = NULL;
}

/* ---- read -------------------------------------------------------------- */

#define GRANT_COLUMNS                                                          \
	"SELECT id, tenant_id, client_id, owner_id, version, state, scope, "   \
	"conditions, created_us, expires_us, revoked_us, used_us, "            \
	"last_call_us FROM grants "

static int read_grant(struct db_row *row, struct grant *g)
{
	memset(g, 0, sizeof(*g));
	auth_col(row, 0, g->id, sizeof(g->id));
	auth_col(row, 1, g->tenant_id, sizeof(g->tenant_id));
	auth_col(row, 2, g->client_id, sizeof(g->client_id));
	auth_col(row, 3, g->owner_id, sizeof(g->owner_id));
	g->version = db_col_int(row, 4);
	g->revoked = !str_eq(db_col_text(row, 5), "active");
	(void)scope_cut(db_col_text(row, 6), SCOPE_GRANT, g->scope);
	g->conditions = mem_strdup(db_col_text(row, 7));
	g->created_us = db_col_int(row, 8);
	g->expires_us = db_col_int(row, 9);
	g->revoked_us = db_col_int(row, 10);
	g->token_us = db_col_int(row, 11);
	g->last_call_us = db_col_int(row, 12);
	return g->conditions ? 1 : -ENOMEM;
}

static int on_get(void *arg, struct db_row *row)
{
	return read_grant(row, arg);
}

int grant_get(struct auth *a, const char *id, struct grant *ret_grant)
{
	int64_t n = db_query(a->db, GRANT_COLUMNS "WHERE id = $1",
			     DB_ARGS(db_text(id)), on_get, ret_grant);

	if (n < 0)
		return (int)n;
	return n == 0 ? -ENOENT : 0;
}

struct walk {
	grant_fn *fn;
	void *arg;
};

static int on_each(void *arg, struct db_row *row)
{
	struct walk *w = arg;
	struct grant g CLEANUP(grant_fini);
	int r;

	r = read_grant(row, &g);
	return r < 0 ? r : w->fn(w->arg, &g);
}

int64_t grant_each(struct auth *a, const struct grant_filter *f, grant_fn *fn,
		   void *arg)
{
	struct walk w = { fn, arg };

	return db_query(a->db,
			GRANT_COLUMNS
			"WHERE ($1 IS NULL OR tenant_id = $1) AND ($2 IS NULL "
			"OR owner_id = $2) AND ($3 IS NULL OR client_id = $3) "
			"AND ($4 = 0 OR state = 'active') ORDER BY id DESC",
			DB_ARGS(db_text(f->tenant_id), db_text(f->owner_id),
				db_text(f->client_id), db_int(f->active_only)),
			on_each, &w);
}

/* ---- create ------------------------------------------------------------ */

static int parse_details(struct auth *a, const char *details,
			 struct conditions **ret_c, struct err *e)
{
	struct conditions *c CLEANUP(conditions_free) = NULL;
	int r;

	r = conditions_parse(details, strlen(details), &c, e);
	if (r < 0)
		return err_set(e, r, "%s", err_words(r));
	if (c->not_after_us && c->not_after_us <= auth_now_us(a))
		return err_set(e, -EINVAL, "$.not_after: is over already");
	*ret_c = STEAL(c);
	return 0;
}

static int check_parties(struct auth *a, const struct grant_new *g,
			 struct client *c, struct user *u, struct err *e)
{
	int r;

	r = client_get(a, g->client_id, c);
	if (r < 0)
		return err_set(e, r, r == -ENOENT ? "no such client" : "%s",
			       err_words(r));
	r = user_find(a, g->owner_id, u);
	if (r < 0)
		return err_set(e, r, r == -ENOENT ? "no such owner" : "%s",
			       err_words(r));
	if (!str_eq(c->tenant_id, u->tenant_id))
		return err_set(e, -EXDEV,
			       "client and owner belong to different tenants");
	if (c->disabled || u->disabled)
		return err_set(e, -EKEYREVOKED, "%s is disabled",
			       c->disabled ? "the client" : "the owner");
	return 0;
}

/* What is an owner's to agree to: calls of other people are not. */
static int check_own(struct auth *a, const struct user *owner,
		     const struct conditions *c, struct err *e)
{
	const char *foreign = user_foreign_aor(a, owner->id, c);

	if (!c->must_participate && owner->role != USER_ADMIN)
		return err_set(e, -EACCES,
			       "owner.must_participate false: calls of other "
			       "people are an administrator's to allow");
	return foreign ? err_set(e, -EACCES,
				 "%s is not one of the owner's addresses",
				 foreign)
		       : 0;
}

static int put_version(struct auth *a, const char *id, int64_t version,
		       const char *text, const char *actor)
{
	int64_t r = db_exec(a->db,
			    "INSERT INTO grant_versions (grant_id, version, "
			    "conditions, at_us, actor) VALUES ($1, $2, $3, "
			    "$4, $5)",
			    DB_ARGS(db_text(id), db_int(version), db_text(text),
				    db_int(auth_now_us(a)), db_text(actor)));

	return r < 0 ? (int)r : 0;
}

static int insert(struct auth *a, const char *id, const struct client *cl,
		  const struct user *u, const char *scope,
		  const struct conditions *c, const char *actor)
{
	int64_t n =
		db_exec(a->db,
			"INSERT INTO grants (id, tenant_id, client_id, "
			"owner_id, scope, conditions, created_us, "
			"expires_us) VALUES ($1, $2, $3, $4, $5, $6, $7, "
			"$8)",
			DB_ARGS(db_text(id), db_text(cl->tenant_id),
				db_text(cl->id), db_text(u->id), db_text(scope),
				db_text(c->text), db_int(auth_now_us(a)),
				db_int(c->not_after_us)));
	int r;

	if (n < 0)
		return (int)n;
	r = put_version(a, id, 1, c->text, actor);
	if (r < 0)
		return r;
	return auth_audit(a, cl->tenant_id, actor, "grant.add", "grant", id,
			  "ok", c->text);
}

int grant_create(struct auth *a, const struct grant_new *g, const char *actor,
		 struct id *ret_id, struct err *e)
{
	struct conditions *c CLEANUP(conditions_free) = NULL;
	char scope[TOKEN_SCOPE_MAX];
	struct client client;
	struct user owner;
	struct id id;
	int r;

	r = parse_details(a, g->details, &c, e);
	if (r < 0)
		return r;
	r = scope_read(g->scope, SCOPE_GRANT, scope);
	if (r < 0)
		return err_set(e, r,
			       "scope: " SCOPE_SIP ", " SCOPE_API ", or both "
			       "with one blank between");
	r = check_parties(a, g, &client, &owner, e);
	if (r < 0)
		return r;
	id_new(&id, auth_now_us(a));
	r = db_begin(a->db);
	if (r < 0)
		return err_set(e, r, "%s", err_words(r));
	if (!g->any_aor)
		r = check_own(a, &owner, c, e);
	if (r == 0)
		r = insert(a, id.s, &client, &owner, scope, c, actor);
	r = auth_end(a, r, r == 0);
	if (r < 0)
		return err_set(e, r, "%s", err_words(r));
	*ret_id = id;
	return 0;
}

/* ---- change ------------------------------------------------------------ */

static int check_within(const struct grant *g, const struct conditions *now,
			struct err *e)
{
	struct conditions *before CLEANUP(conditions_free) = NULL;
	struct violation v;
	int r;

	r = conditions_parse(g->conditions, strlen(g->conditions), &before, e);
	if (r < 0)
		return err_set(e, r, "%s", err_words(r));
	if (conditions_wider(before, now, &v, 1))
		return err_set(e, -EINVAL, "%s: wider than agreed (%s, not %s)",
			       v.path, v.required, v.got);
	return 0;
}

static int narrow(struct auth *a, const struct grant *g,
		  const struct conditions *c, const char *actor)
{
	int64_t version = g->version + 1;
	int r;

	r = auth_exec_one(db_exec(
		a->db,
		"UPDATE grants SET conditions = $1, version = $2, expires_us "
		"= $3 WHERE id = $4 AND state = 'active'",
		DB_ARGS(db_text(c->text), db_int(version),
			db_int(c->not_after_us), db_text(g->id))));
	if (r == 0)
		r = put_version(a, g->id, version, c->text, actor);
	if (r == 0)
		r = auth_epoch_bump(a->db);
	if (r == 0)
		r = auth_audit(a, g->tenant_id, actor, "grant.narrow", "grant",
			       g->id, "ok", c->text);
	return r;
}

int grant_narrow(struct auth *a, const char *id, const char *details,
		 const char *actor, struct err *e)
{
	struct conditions *c CLEANUP(conditions_free) = NULL;
	struct grant g CLEANUP(grant_fini) = { 0 };
	int r;

	r = parse_details(a, details, &c, e);
	if (r < 0)
		return r;
	r = db_begin(a->db);
	if (r < 0)
		return err_set(e, r, "%s", err_words(r));
	r = grant_get(a, id, &g);
	if (r == 0 && g.revoked)
		r = -EKEYREVOKED;
	if (r == 0)
		r = check_within(&g, c, e);
	if (r == 0)
		r = narrow(a, &g, c, actor);
	r = auth_end(a, r, r == 0);
	return r < 0 ? err_set(e, r, "%s", err_words(r)) : 0;
}

static int set_scope(struct auth *a, const struct grant *g, const char *scope,
		     const char *actor)
{
	int64_t version = g->version + 1;
	char detail[TOKEN_SCOPE_MAX + 32];
	int r;

	(void)snprintf(detail, sizeof(detail), "{\"scope\":\"%s\"}", scope);
	r = auth_exec_one(db_exec(
		a->db,
		"UPDATE grants SET scope = $1, version = $2 WHERE id = $3",
		DB_ARGS(db_text(scope), db_int(version), db_text(g->id))));
	if (r == 0)
		r = put_version(a, g->id, version, g->conditions, actor);
	if (r == 0)
		r = auth_epoch_bump(a->db);
	if (r == 0)
		r = auth_audit(a, g->tenant_id, actor, "grant.narrow", "grant",
			       g->id, "ok", detail);
	return r;
}

int grant_narrow_scope(struct auth *a, const char *id, const char *scope,
		       const char *actor, struct err *e)
{
	struct grant g CLEANUP(grant_fini) = { 0 };
	char less[TOKEN_SCOPE_MAX];
	int r;

	r = db_begin(a->db);
	if (r < 0)
		return err_set(e, r, "%s", err_words(r));
	r = grant_get(a, id, &g);
	if (r == 0 && g.revoked)
		r = -EKEYREVOKED;
	if (r == 0 && scope_read(scope, g.scope, less) < 0)
		r = err_set(e, -EINVAL, "scope: not within \"%s\"", g.scope);
	if (r == 0)
		r = set_scope(a, &g, less, actor);
	r = auth_end(a, r, r == 0);
	return r < 0 ? err_set(e, r, "%s", err_words(r)) : 0;
}

static int revoke(struct auth *a, const struct grant *g, const char *why,
		  const char *actor)
{
	int r;

	r = auth_exec_one(
		db_exec(a->db,
			"UPDATE grants SET state = 'revoked', "
			"revoked_us = $1 WHERE id = $2",
			DB_ARGS(db_int(auth_now_us(a)), db_text(g->id))));
	if (r == 0)
		r = auth_epoch_bump(a->db);
	if (r < 0)
		return r;
	return auth_audit_why(a, g->tenant_id, actor, "grant.revoke", "grant",
			      g->id, why);
}

int grant_revoke(struct auth *a, const char *id, const char *why,
		 const char *actor)
{
	struct grant g CLEANUP(grant_fini) = { 0 };
	int r;

	r = db_begin(a->db);
	if (r < 0)
		return r;
	r = grant_get(a, id, &g);
	if (r == 0 && !g.revoked)
		r = revoke(a, &g, why ? why : "", actor);
	return auth_end(a, r, r == 0);
}

int grant_note_call(struct auth *a, const char *id)
{
	return auth_exec_one(db_exec(
		a->db, "UPDATE grants SET last_call_us = $1 WHERE id = $2",
		DB_ARGS(db_int(auth_now_us(a)), db_text(id))));
}

/* Nobody holds a token that is good, may exchange a code for one, or is a
 * trunk: what counts is $1, the time. */
#define NOBODY_USES                                                            \
	"g.state = 'active' AND NOT EXISTS (SELECT 1 FROM tokens t WHERE "     \
	"t.grant_id = g.id AND t.revoked_us = 0 AND "                          \
	"(t.expires_us = 0 OR t.expires_us > $1)) AND NOT EXISTS (SELECT 1 "   \
	"FROM codes c WHERE c.grant_id = g.id AND c.used_us = 0 AND "          \
	"c.expires_us > $1) AND NOT EXISTS (SELECT 1 FROM trunks k WHERE "     \
	"k.grant_id = g.id)"

int grant_drop_unused(struct auth *a, const char *id, const char *why)
{
	int64_t n;
	int r = db_query_int(a->db,
			     "SELECT count(*) FROM grants g WHERE " NOBODY_USES
			     " AND g.id = $2",
			     DB_ARGS(db_int(auth_now_us(a)), db_text(id)), &n);

	if (r < 0 || n == 0)
		return r;
	r = grant_revoke(a, id, why, "system");
	return r < 0 ? r : 1;
}

struct unused {
	char ids[32][ID_LEN + 1];
	unsigned n;
};

static int on_unused(void *arg, struct db_row *row)
{
	struct unused *u = arg;

	auth_col(row, 0, u->ids[u->n++], sizeof(u->ids[0]));
	return u->n == ARRAY_SIZE(u->ids);
}

int64_t grant_sweep_unused(struct auth *a)
{
	struct unused u = { .n = 0 };
	int64_t r;

	r = db_query(a->db,
		     "SELECT DISTINCT g.id FROM codes o JOIN grants g ON "
		     "g.id = o.grant_id WHERE o.expires_us <= $1 AND "
		     "o.used_us = 0 AND " NOBODY_USES,
		     DB_ARGS(db_int(auth_now_us(a))), on_unused, &u);
	for (unsigned i = 0; r >= 0 && i < u.n; i++)
		r = grant_drop_unused(a, u.ids[i], "its code was never used");
	return r < 0 ? r : (int64_t)u.n;
}

/* ---- live recordings --------------------------------------------------- */

struct live_row {
	bool grant_active, client_disabled, user_disabled, family_revoked;
	bool may_record;
	int64_t version;
};

static int on_live(void *arg, struct db_row *row)
{
	struct live_row *l = arg;

	l->grant_active = str_eq(db_col_text(row, 0), "active");
	l->version = db_col_int(row, 1);
	l->client_disabled = db_col_int(row, 2) != 0;
	l->user_disabled = db_col_int(row, 3) != 0;
	l->family_revoked = db_col_int(row, 4) != 0;
	l->may_record = scope_has(db_col_text(row, 5), SCOPE_SIP);
	return 1;
}

static void set_live(struct grant_live *g, enum grant_live_state state,
		     const char *why)
{
	g->state = state;
	g->why = why;
}

static int look_live(struct db *db, struct grant_live *g)
{
	struct live_row l;
	int64_t n;

	memset(&l, 0, sizeof(l));
	n = db_query(
		db,
		"SELECT g.state, g.version, c.disabled, u.disabled, "
		"f.revoked_us, g.scope FROM grants g JOIN clients c ON c.id = "
		"g.client_id JOIN users u ON u.id = g.owner_id LEFT JOIN "
		"token_families f ON f.id = $1 WHERE g.id = $2",
		DB_ARGS(db_text(g->family_id ? g->family_id : ""),
			db_text(g->grant_id)),
		on_live, &l);
	if (n < 0)
		return (int)n;
	if (n == 0 || !l.grant_active)
		set_live(g, GRANT_LIVE_ENDED, "grant revoked");
	else if (!l.may_record)
		set_live(g, GRANT_LIVE_ENDED, "scope narrowed");
	else if (l.client_disabled)
		set_live(g, GRANT_LIVE_ENDED, "client disabled");
	else if (l.user_disabled)
		set_live(g, GRANT_LIVE_ENDED, "owner disabled");
	else if (l.family_revoked)
		set_live(g, GRANT_LIVE_ENDED, "tokens revoked");
	else if (l.version != g->version)
		set_live(g, GRANT_LIVE_NARROWED, "conditions narrowed");
	else
		set_live(g, GRANT_LIVE_SAME, "");
	return g->state != GRANT_LIVE_SAME;
}

int grants_live_check(struct db *db, int64_t *epoch, struct grant_live *list,
		      unsigned n)
{
	int64_t now = 0;
	unsigned i;
	int r, sum = 0;

	r = db_query_int(db, "SELECT epoch FROM auth_epoch", DB_NONE, &now);
	if (r < 0 || now == *epoch)
		return r;
	for (i = 0; i < n; i++) {
		r = look_live(db, &list[i]);
		if (r < 0)
			return r; /* epoch unchanged: looked at again */
		sum += r;
	}
	*epoch = now;
	return sum;
}
