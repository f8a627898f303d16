#include "auth/aors.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "auth/auth_priv.h"
#include "auth/conditions.h"
#include "auth/grants.h"
#include "auth/identity.h"
#include "auth/users.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/str.h"
#include "storage/db.h"

int64_t user_aor_each(struct auth *a, const char *user_id, aor_fn *fn,
		      void *arg)
{
	return auth_text_each(a,
			      "SELECT aor FROM user_aors WHERE user_id = $1 "
			      "ORDER BY aor",
			      user_id, fn, arg);
}

int64_t tenant_aor_each(struct auth *a, const char *tenant_id, aor_fn *fn,
			void *arg)
{
	return auth_text_each(a,
			      "SELECT aor FROM tenant_aors WHERE tenant_id = "
			      "$1 ORDER BY aor",
			      tenant_id, fn, arg);
}

/* ---- whose is it ------------------------------------------------------- */

struct look {
	const struct identity *id;
	bool exact, covered;
};

/* Word for word, so to speak: digits that could mean several numbers are not
 * taken for one here, whatever they count as in a call. */
static bool same_form(const struct identity *a, const struct identity *b)
{
	return (a->sip[0] && str_eq(a->sip, b->sip)) ||
	       (a->tel[0] && str_eq(a->tel, b->tel));
}

/* A number is covered as a number only: sip:+44...@domain means it as well, and
 * sip:2025550143@domain may. */
static bool pattern_covers(const struct id_pattern *p,
			   const struct identity *id)
{
	bool number = id->tel[0] || strlen(id->digits) >= NUMBER_DIGITS_MIN;
	bool global = span_starts(span_of(id->tel), "tel:+");

	if (p->kind == ID_PATTERN_DOMAIN ? number : !global)
		return false;
	return id_pattern_match(p, NULL, id, false);
}

static int on_aor(void *arg, const char *aor)
{
	struct look *l = arg;
	struct id_pattern p CLEANUP(id_pattern_fini) = { 0 };
	struct identity own;
	int r;

	if (id_exact_ok(aor)) {
		if (identity_parse(aor, &own) == 0)
			l->exact |= same_form(&own, l->id);
		return l->exact;
	}
	r = id_pattern_init(&p, aor);
	if (r == 0)
		l->covered |= pattern_covers(&p, l->id);
	return r == -ENOMEM ? r : 0;
}

static int is_anothers(struct auth *a, const char *user_id,
		       const struct identity *id)
{
	int64_t n = 0;
	int r = db_query_int(a->db,
			     "SELECT count(*) FROM user_aors WHERE user_id <> "
			     "$1 AND ((sip_key = $2 AND sip_key <> '') OR "
			     "(tel_key = $3 AND tel_key <> ''))",
			     DB_ARGS(db_text(user_id), db_text(id->sip),
				     db_text(id->tel)),
			     &n);

	return r < 0 ? r : n > 0;
}

int user_aor_is_anothers(struct auth *a, const char *user_id, const char *aor)
{
	struct identity id;

	return identity_parse(aor, &id) == 0 ? is_anothers(a, user_id, &id) : 0;
}

bool user_has_aor(struct auth *a, const char *user_id, const char *aor)
{
	struct identity id;
	struct look l = { .id = &id };

	if (identity_parse(aor, &id) < 0 ||
	    user_aor_each(a, user_id, on_aor, &l) < 0)
		return false;
	return l.exact || (l.covered && is_anothers(a, user_id, &id) == 0);
}

const char *user_foreign_aor(struct auth *a, const char *user_id,
			     const struct conditions *c)
{
	unsigned i;

	for (i = 0; i < c->n_owner; i++)
		if (!user_has_aor(a, user_id, c->owner[i].text))
			return c->owner[i].text;
	return NULL;
}

/* ---- give -------------------------------------------------------------- */

/* May an administrator give it? */
static int check_admin(struct auth *a, const struct user *u, const char *aor,
		       struct err *e)
{
	struct identity id;
	struct look l = { .id = &id };
	int64_t n;
	int r;

	if (!id_exact_ok(aor) || identity_parse(aor, &id) < 0)
		return err_set(e, -EINVAL,
			       "%s: must be sip:user@host or tel:+digits", aor);
	n = tenant_aor_each(a, u->tenant_id, on_aor, &l);
	if (n < 0)
		return err_set(e, (int)n, "%s", err_words((int)n));
	if (!l.exact && !l.covered)
		return err_set(e, -EACCES,
			       "%s: this account may not give it; the operator "
			       "says which addresses are the account's",
			       aor);
	r = is_anothers(a, u->id, &id);
	if (r > 0)
		return err_set(e, -EEXIST, "%s: is somebody else's", aor);
	return r < 0 ? err_set(e, r, "%s", err_words(r)) : 0;
}

int user_aor_insert(struct auth *a, const char *user_id, const char *aor,
		    struct err *e)
{
	struct id_pattern p CLEANUP(id_pattern_fini) = { 0 };
	struct identity id = { .sip = "" };
	int64_t n;

	if (!str_visible(aor))
		return err_set(e, -EINVAL, "AoR: has invisible characters");
	if (id_exact_ok(aor)) {
		if (identity_parse(aor, &id) < 0)
			return err_set(e, -EINVAL, "AoR: is too long");
	} else if (id_pattern_init(&p, aor) < 0) {
		return err_set(e, -EINVAL,
			       "AoR: must be sip:user@host, tel:+digits, "
			       "sip:*@domain or tel:+44*");
	}
	n = db_exec(a->db,
		    "INSERT INTO user_aors (user_id, aor, sip_key, tel_key) "
		    "VALUES ($1, $2, $3, $4)",
		    DB_ARGS(db_text(user_id), db_text(aor), db_text(id.sip),
			    db_text(id.tel)));
	if (n < 0 && n != -EEXIST) /* has it already */
		return err_set(e, (int)n, "%s", err_words((int)n));
	return 0;
}

static bool has_row(struct auth *a, const char *user_id, const char *aor)
{
	int64_t n = 0;

	return db_query_int(a->db,
			    "SELECT count(*) FROM user_aors WHERE user_id = $1 "
			    "AND aor = $2",
			    DB_ARGS(db_text(user_id), db_text(aor)), &n) == 0 &&
	       n > 0;
}

/* Within a transaction. What a user has stays as it was given. */
static int give(struct auth *a, const struct user *u, const char *aor,
		enum aor_giver by, const char *actor, struct err *e)
{
	int r = 0;

	if (has_row(a, u->id, aor))
		return 0;
	if (by == AOR_BY_ADMIN)
		r = check_admin(a, u, aor, e);
	if (r == 0)
		r = user_aor_insert(a, u->id, aor, e);
	return r < 0 ? r
		     : auth_audit_what(a, u->tenant_id, actor, "user.add_aor",
				       "user", u->id, "aor", aor);
}

/* ---- take away --------------------------------------------------------- */

/* Grants whose addresses are no longer all the owner's. */
struct stale {
	struct auth *a;
	const char *user_id;
	const struct identity *gone;
	char **ids;
	unsigned n;
};

static void stale_fini(struct stale *s)
{
	while (s->n)
		mem_free(s->ids[--s->n]);
	mem_free(s->ids);
}

static bool is_gone(const struct stale *s, const char *aor)
{
	struct identity id;

	/* others, which the operator vouched for, are left as they are */
	return identity_parse(aor, &id) == 0 && identity_equal(&id, s->gone) &&
	       !user_has_aor(s->a, s->user_id, aor);
}

static int on_grant(void *arg, const struct grant *g)
{
	struct conditions *c CLEANUP(conditions_free) = NULL;
	struct stale *s = arg;
	char **grown;
	unsigned i;

	if (conditions_parse(g->conditions, strlen(g->conditions), &c, NULL) <
	    0)
		return 0; /* the gate takes no call under it */
	for (i = 0; i < c->n_owner; i++)
		if (is_gone(s, c->owner[i].text))
			break;
	if (i == c->n_owner)
		return 0;
	grown = mem_realloc(s->ids, (s->n + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	s->ids = grown;
	grown[s->n] = mem_strdup(g->id);
	return grown[s->n] ? (int)(s->n++, 0) : -ENOMEM;
}

/* The conditions without the addresses that are gone; NULL: none is left. */
static char *without(const struct stale *s, const char *conditions)
{
	json_t *j = json_loads(conditions, 0, NULL);
	json_t *aors = json_object_get(json_object_get(j, "owner"), "aor");
	char *text = NULL;
	size_t i;

	for (i = json_array_size(aors); i-- > 0;)
		if (is_gone(s, json_string_value(json_array_get(aors, i))))
			(void)json_array_remove(aors, i);
	if (json_array_size(aors) > 0)
		text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	return text;
}

static int end_grant(struct stale *s, const char *id, const char *actor)
{
	struct grant g CLEANUP(grant_fini) = { 0 };
	char *text CLEANUP(mem_freep) = NULL;
	int r = grant_get(s->a, id, &g);

	if (r < 0)
		return r;
	text = without(s, g.conditions);
	r = -EINVAL; /* also for conditions that can't be read any more */
	if (text)
		r = grant_narrow(s->a, id, text, actor, NULL);
	return r == -EINVAL ? grant_revoke(s->a, id,
					   "the address is no longer the "
					   "owner's",
					   actor)
			    : r;
}

static int end_grants(struct auth *a, const char *user_id, const char *aor,
		      const char *actor)
{
	struct grant_filter f = { .owner_id = user_id, .active_only = true };
	struct identity gone;
	struct stale s CLEANUP(
		stale_fini) = { .a = a, .user_id = user_id, .gone = &gone };
	int64_t r;

	if (!id_exact_ok(aor) || identity_parse(aor, &gone) < 0)
		return 0;
	r = grant_each(a, &f, on_grant, &s);
	for (unsigned i = 0; r >= 0 && i < s.n; i++)
		r = end_grant(&s, s.ids[i], actor);
	return r < 0 ? (int)r : 0;
}

/* Within a transaction. */
static int take(struct auth *a, const struct user *u, const char *aor,
		const char *actor, struct err *e)
{
	int r = auth_exec_one(db_exec(a->db,
				      "DELETE FROM user_aors WHERE user_id = "
				      "$1 AND aor = $2",
				      DB_ARGS(db_text(u->id), db_text(aor))));

	if (r == -ENOENT)
		return err_set(e, r, "%s: is not this user's", aor);
	if (r == 0)
		r = end_grants(a, u->id, aor, actor);
	return r < 0 ? r
		     : auth_audit_what(a, u->tenant_id, actor,
				       "user.remove_aor", "user", u->id, "aor",
				       aor);
}

/* ---- changes ----------------------------------------------------------- */

struct texts {
	char *v[AORS_MAX];
	unsigned n;
};

static void texts_fini(struct texts *t)
{
	while (t->n)
		mem_free(t->v[--t->n]);
}

static int on_text(void *arg, const char *text)
{
	struct texts *t = arg;

	if (t->n == AORS_MAX)
		return -E2BIG;
	t->v[t->n] = mem_strdup(text);
	return t->v[t->n] ? (int)(t->n++, 0) : -ENOMEM;
}

static bool in_list(const char *aor, const char *const *aors, unsigned n)
{
	while (n)
		if (str_eq(aor, aors[--n]))
			return true;
	return false;
}

static int set_all(struct auth *a, const struct user *u,
		   const char *const *aors, unsigned n, enum aor_giver by,
		   const char *actor, struct err *e)
{
	struct texts had CLEANUP(texts_fini) = { .n = 0 };
	int64_t r = user_aor_each(a, u->id, on_text, &had);
	unsigned i;

	for (i = 0; r >= 0 && i < n; i++)
		r = give(a, u, aors[i], by, actor, e);
	for (i = 0; r >= 0 && i < had.n; i++)
		if (!in_list(had.v[i], aors, n))
			r = take(a, u, had.v[i], actor, e);
	return r < 0 ? (int)r : 0;
}

/* One of add, remove and all. */
struct change {
	const char *add, *remove;
	const char *const *all;
	unsigned n_all;
	enum aor_giver by;
};

static int change(struct auth *a, const char *user_id, const struct change *c,
		  const char *actor, struct err *e)
{
	struct user u;
	int r = db_begin(a->db);

	if (r < 0)
		return err_set(e, r, "%s", err_words(r));
	r = user_find(a, user_id, &u);
	if (r == -ENOENT)
		r = err_set(e, r, "there is no such user");
	else if (r == 0 && c->add)
		r = give(a, &u, c->add, c->by, actor, e);
	else if (r == 0 && c->remove)
		r = take(a, &u, c->remove, actor, e);
	else if (r == 0)
		r = set_all(a, &u, c->all, c->n_all, c->by, actor, e);
	r = auth_end(a, r, r == 0);
	return r < 0 ? err_set(e, r, "%s", err_words(r)) : 0;
}

int user_aor_add(struct auth *a, const char *user_id, const char *aor,
		 enum aor_giver by, const char *actor, struct err *e)
{
	return change(a, user_id, &(struct change){ .add = aor, .by = by },
		      actor, e);
}

int user_aor_remove(struct auth *a, const char *user_id, const char *aor,
		    const char *actor, struct err *e)
{
	return change(a, user_id, &(struct change){ .remove = aor }, actor, e);
}

int user_aors_set(struct auth *a, const char *user_id, const char *const *aors,
		  unsigned n, enum aor_giver by, const char *actor,
		  struct err *e)
{
	if (n > AORS_MAX)
		return err_set(e, -E2BIG, "more than %d addresses", AORS_MAX);
	return change(a, user_id,
		      &(struct change){ .all = aors, .n_all = n, .by = by },
		      actor, e);
}

/* ---- accounts ---------------------------------------------------------- */

static int tenant_change(struct auth *a, const char *tenant_id, const char *sql,
			 const char *aor, const char *action, const char *actor,
			 struct err *e)
{
	int64_t n;
	int r = db_begin(a->db);

	if (r < 0)
		return err_set(e, r, "%s", err_words(r));
	n = db_exec(a->db, sql, DB_ARGS(db_text(tenant_id), db_text(aor)));
	r = n < 0 ? (int)n : n == 0 ? -ENOENT : 0;
	if (r == 0)
		r = auth_audit_what(a, tenant_id, actor, action, "tenant",
				    tenant_id, "aor", aor);
	r = auth_end(a, r, r == 0);
	if (r == -ENOENT)
		return err_set(e, r, "%s: the account has not got it", aor);
	return r < 0 && r != -EEXIST ? err_set(e, r, "%s", err_words(r)) : 0;
}

int tenant_aor_add(struct auth *a, const char *tenant_id, const char *aor,
		   const char *actor, struct err *e)
{
	struct id_pattern p CLEANUP(id_pattern_fini) = { 0 };

	if (id_pattern_init(&p, aor) < 0)
		return err_set(e, -EINVAL,
			       "%s: must be sip:user@host, tel:+digits, "
			       "sip:*@domain or tel:+44*",
			       aor);
	return tenant_change(a, tenant_id,
			     "INSERT INTO tenant_aors (tenant_id, aor) VALUES "
			     "($1, $2)",
			     aor, "tenant.add_aor", actor, e);
}

int tenant_aor_remove(struct auth *a, const char *tenant_id, const char *aor,
		      const char *actor, struct err *e)
{
	return tenant_change(a, tenant_id,
			     "DELETE FROM tenant_aors WHERE tenant_id = $1 AND "
			     "aor = $2",
			     aor, "tenant.remove_aor", actor, e);
}
