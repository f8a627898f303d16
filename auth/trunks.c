#include "auth/trunks.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/auth_priv.h"
#include "auth/grants.h"
#include "auth/trunk_claim.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "storage/db.h"

/* ---- read -------------------------------------------------------------- */

#define TRUNK_COLUMNS                                                          \
	"SELECT t.id, t.tenant_id, t.client_id, t.from_file, t.created_us, "   \
	"t.by_tenant, "                                                        \
	"t.name, t.grant_id, t.tls_name, t.tls_sha256, t.addresses, "          \
	"t.uri_user, t.strictness, t.token_forms, t.media_source, "            \
	"t.channel_order, t.srtp, t.vendor, t.enabled FROM trunks t "
#define FIRST_KEY 6 /* then the columns are trunk_keys[] */

static void read_row(struct db_row *row, struct trunk *t)
{
	unsigned i;

	trunk_defaults(t);
	auth_col(row, 0, t->id, sizeof(t->id));
	auth_col(row, 1, t->tenant_id, sizeof(t->tenant_id));
	auth_col(row, 2, t->client_id, sizeof(t->client_id));
	t->from_file = db_col_int(row, 3) != 0;
	t->created_us = db_col_int(row, 4);
	t->by_tenant = db_col_int(row, 5) != 0;
	for (i = 0; trunk_keys[i]; i++) {
		const char *value = db_col_text(row, (int)(FIRST_KEY + i));

		/* a value that is none would be a trunk that says less */
		if (trunk_set(t, trunk_keys[i], value ? value : "", NULL) < 0)
			t->enabled = false;
	}
}

static int on_first(void *arg, struct db_row *row)
{
	read_row(row, arg);
	return 1;
}

static int found(int64_t n)
{
	if (n < 0)
		return (int)n;
	return n == 0 ? -ENOENT : 0;
}

int trunk_get(struct auth *a, const char *id, struct trunk *ret_trunk)
{
	return found(db_query(a->db, TRUNK_COLUMNS "WHERE t.id = $1",
			      DB_ARGS(db_text(id)), on_first, ret_trunk));
}

static int on_only(void *arg, struct db_row *row)
{
	read_row(row, arg);
	return 0;
}

int trunk_lookup(struct auth *a, const char *tenant_id, const char *word,
		 struct trunk *ret_trunk)
{
	struct trunk t;
	int64_t n;

	n = db_query(a->db,
		     TRUNK_COLUMNS "WHERE (t.id = $1 OR t.name = $1) AND "
				   "($2 IS NULL OR t.tenant_id = $2)",
		     DB_ARGS(db_text(word), db_text(tenant_id)), on_only, &t);
	if (n > 1)
		return -ENOTUNIQ;
	if (n == 1)
		*ret_trunk = t;
	return found(n);
}

struct walk {
	trunk_fn *fn;
	void *arg;
};

static int on_each(void *arg, struct db_row *row)
{
	struct walk *w = arg;
	struct trunk t;

	read_row(row, &t);
	return w->fn(w->arg, &t);
}

int64_t trunk_each(struct auth *a, const char *tenant_id, trunk_fn *fn,
		   void *arg)
{
	struct walk w = { fn, arg };

	return db_query(a->db,
			TRUNK_COLUMNS "WHERE $1 IS NULL OR t.tenant_id = $1 "
				      "ORDER BY t.id",
			DB_ARGS(db_text(tenant_id)), on_each, &w);
}

/* ---- write ------------------------------------------------------------- */

/* A grant that ended keeps no trunk from being changed, nor the file from being
 * read: the gate says no to its calls. */
static int take_grant(struct auth *a, struct trunk *t, bool is_new,
		      struct err *e)
{
	struct grant g CLEANUP(grant_fini) = { 0 };
	int r = grant_get(a, t->grant_id, &g);

	if (r < 0)
		return err_set(e, r, "grant: %s",
			       r == -ENOENT ? "there is no such grant"
					    : err_words(r));
	if (g.revoked && is_new)
		return err_set(e, -EKEYREVOKED, "grant: it is revoked");
	(void)str_copy(t->tenant_id, sizeof(t->tenant_id), g.tenant_id);
	(void)str_copy(t->client_id, sizeof(t->client_id), g.client_id);
	return 0;
}

static int insert_nets(struct auth *a, const struct trunk *t)
{
	char hex[33];
	int64_t r = 0;
	unsigned i;

	if (t->tls_name[0] || t->tls_sha256[0])
		return 0; /* found by these */
	for (i = 0; i < t->n_nets && r >= 0; i++) {
		str_hex(hex, t->nets[i].ip, 16);
		r = db_exec(a->db,
			    "INSERT INTO trunk_nets (bits, net, uri_user, "
			    "trunk_id) VALUES ($1, $2, $3, $4)",
			    DB_ARGS(db_int(t->nets[i].bits), db_text(hex),
				    db_text(t->uri_user), db_text(t->id)));
	}
	return r < 0 ? (int)r : 0;
}

#define N_KEYS 13

static int insert(struct auth *a, const struct trunk *t)
{
	char text[N_KEYS][TRUNK_TEXT_MAX];
	struct db_val v[FIRST_KEY + N_KEYS] = {
		db_text(t->id),	       db_text(t->tenant_id),
		db_text(t->client_id), db_int(t->from_file),
		db_int(t->created_us), db_int(t->by_tenant),
	};
	unsigned i;
	int64_t r;

	for (i = 0; trunk_keys[i]; i++) {
		ASSERT(i < N_KEYS);
		trunk_text(t, trunk_keys[i], text[i], sizeof(text[i]));
		v[FIRST_KEY + i] = db_text(text[i]);
	}
	r = db_exec(
		a->db,
		"INSERT INTO trunks (id, tenant_id, client_id, from_file, "
		"created_us, by_tenant, name, grant_id, tls_name, tls_sha256, "
		"addresses, uri_user, strictness, token_forms, "
		"media_source, channel_order, srtp, vendor, enabled) VALUES "
		"($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, "
		"$14, $15, $16, $17, $18, $19)",
		v, ARRAY_SIZE(v));
	return r < 0 ? (int)r : insert_nets(a, t);
}

static int delete (struct auth *a, const char *id)
{
	return auth_exec_one(db_exec(a->db, "DELETE FROM trunks WHERE id = $1",
				     DB_ARGS(db_text(id))));
}

static int why_not(int r, struct err *e)
{
	if (r == -EEXIST)
		return err_set(e, r,
			       "another trunk has this certificate or network "
			       "and the same uri_user");
	return err_set(e, r, "%s",
		       r == -ENOENT ? "there is no such trunk" : err_words(r));
}

/* The table refuses it as well, but does not say which of its rules. */
static int check_name(struct auth *a, const struct trunk *t, struct err *e)
{
	int64_t n;
	int r = db_query_int(a->db,
			     "SELECT count(*) FROM trunks WHERE tenant_id = $1 "
			     "AND name = $2 AND id <> $3",
			     DB_ARGS(db_text(t->tenant_id), db_text(t->name),
				     db_text(t->id)),
			     &n);

	if (r < 0 || n == 0)
		return r;
	return err_set(e, -EEXIST, "name: there is a trunk \"%s\" already",
		       t->name);
}

int trunk_add(struct auth *a, struct trunk *t, const char *actor, struct err *e)
{
	struct id id;
	int r;

	r = trunk_check(t, e);
	if (r < 0)
		return r;
	if (!t->id[0]) {
		id_new(&id, auth_now_us(a));
		(void)str_copy(t->id, sizeof(t->id), id.s);
		t->created_us = auth_now_us(a);
	}
	r = db_begin(a->db);
	if (r < 0)
		return why_not(r, e);
	r = take_grant(a, t, !t->from_file, e);
	if (r == 0)
		r = check_name(a, t, e);
	if (r == 0)
		r = trunk_claim_check(a, t, e);
	if (r == 0)
		r = insert(a, t);
	if (r == 0)
		r = auth_audit(a, t->tenant_id, actor, "trunk.add", "trunk",
			       t->id, "ok", NULL);
	r = auth_end(a, r, r == 0);
	return r < 0 ? why_not(r, e) : 0;
}

static int check_owned(struct auth *a, const char *id, struct trunk *ret_old,
		       struct err *e)
{
	int r = trunk_get(a, id, ret_old);

	if (r < 0)
		return why_not(r, e);
	if (ret_old->from_file)
		return err_set(e, -EPERM,
			       "it is one of [sip] trunks_file: change it "
			       "there, then SIGHUP");
	return 0;
}

static int replace(struct auth *a, struct trunk *t, const struct trunk *old,
		   const char *actor, struct err *e)
{
	int r = take_grant(a, t, !str_eq(t->grant_id, old->grant_id), e);

	if (r == 0 && !str_eq(t->tenant_id, old->tenant_id))
		r = err_set(e, -EXDEV, "grant: it is of another tenant");
	if (r == 0)
		r = check_name(a, t, e);
	/* what stays as it was keeps working */
	if (r == 0 && !trunk_same_claim(t, old))
		r = trunk_claim_check(a, t, e);
	if (r == 0)
		r = delete (a, t->id);
	if (r == 0)
		r = insert(a, t);
	if (r == 0)
		r = auth_audit(a, t->tenant_id, actor, "trunk.change", "trunk",
			       t->id, "ok", NULL);
	return r;
}

int trunk_change(struct auth *a, struct trunk *t, const char *actor,
		 struct err *e)
{
	struct trunk old;
	int r = trunk_check(t, e);

	if (r < 0)
		return r;
	r = db_begin(a->db);
	if (r < 0)
		return why_not(r, e);
	r = check_owned(a, t->id, &old, e);
	if (r == 0)
		r = replace(a, t, &old, actor, e);
	r = auth_end(a, r, r == 0);
	return r < 0 ? why_not(r, e) : 0;
}

int trunk_remove(struct auth *a, const char *id, const char *actor,
		 struct err *e)
{
	struct trunk old;
	int r = db_begin(a->db);

	if (r < 0)
		return why_not(r, e);
	r = check_owned(a, id, &old, e);
	if (r == 0)
		r = delete (a, id);
	if (r == 0)
		r = auth_audit(a, old.tenant_id, actor, "trunk.remove", "trunk",
			       id, "ok", NULL);
	r = auth_end(a, r, r == 0);
	return r < 0 ? why_not(r, e) : 0;
}

/* ---- a request --------------------------------------------------------- */

static bool has_name(const struct trunk_peer *p, const char *name)
{
	unsigned i;

	for (i = 0; i < p->n_tls_names; i++)
		if (str_ieq(p->tls_names[i], name))
			return true;
	return false;
}

static bool in_nets(const struct trunk *t, const struct trunk_net *host)
{
	unsigned i;

	for (i = 0; i < t->n_nets; i++)
		if (trunk_net_contains(&t->nets[i], host))
			return true;
	return false;
}

bool trunk_has_address(const struct trunk *t, const char *address)
{
	struct trunk_net host;

	return trunk_net_host(address, &host) && in_nets(t, &host);
}

bool trunk_is(const struct trunk *t, const struct trunk_peer *p)
{
	bool tls = t->tls_name[0] || t->tls_sha256[0];

	if (t->tls_sha256[0] &&
	    (!p->tls_sha256 || !str_ieq(t->tls_sha256, p->tls_sha256)))
		return false;
	if (t->tls_name[0] && !has_name(p, t->tls_name))
		return false;
	if (!t->n_nets)
		return tls;
	return (tls || p->address_is_proof) && trunk_has_address(t, p->address);
}

struct search {
	struct auth *a;
	const struct trunk_peer *p;
	const char *user;
	const char *vouched; /* the operator's of this account only; "" = all */
	struct trunk t;
	bool found;
};

/* The user part's own trunk comes first, then the older one. */
#define FOR_USER(n)                                                            \
	n ".uri_user IN ($2, '') AND ($3 = '' OR (t.tenant_id = $3 AND "       \
	  "t.by_tenant = 0)) "
#define BEST_FIRST(n) " ORDER BY " n ".uri_user DESC, t.id"

static int on_candidate(void *arg, struct db_row *row)
{
	struct search *s = arg;

	read_row(row, &s->t);
	s->found = s->t.enabled && trunk_is(&s->t, s->p);
	return s->found;
}

static int64_t by_hash(struct search *s)
{
	if (!s->p->tls_sha256 || !s->p->tls_sha256[0])
		return 0;
	return db_query(s->a->db,
			TRUNK_COLUMNS
			"WHERE t.tls_sha256 = $1 AND " FOR_USER("t")
				BEST_FIRST("t"),
			DB_ARGS(db_text(s->p->tls_sha256), db_text(s->user),
				db_text(s->vouched)),
			on_candidate, s);
}

static int64_t by_name(struct search *s, const char *name)
{
	char low[TRUNK_TLS_MAX];
	size_t i;

	if (!str_copy(low, sizeof(low), name) || !low[0])
		return 0;
	for (i = 0; low[i]; i++)
		low[i] = (char)tolower((unsigned char)low[i]);
	return db_query(
		s->a->db,
		TRUNK_COLUMNS "WHERE t.tls_name = $1 AND t.tls_sha256 = '' "
			      "AND " FOR_USER("t") BEST_FIRST("t"),
		DB_ARGS(db_text(low), db_text(s->user), db_text(s->vouched)),
		on_candidate, s);
}

static bool is_before(const struct trunk *a, const struct trunk *b)
{
	if (!a->uri_user[0] != !b->uri_user[0])
		return a->uri_user[0];
	return strcmp(a->id, b->id) < 0;
}

/* A certificate may have the names of several trunks, in any order. */
static int64_t by_names(struct search *s)
{
	struct trunk best;
	bool found = false;
	int64_t r = 0;
	unsigned i;

	for (i = 0; i < s->p->n_tls_names && r >= 0; i++) {
		s->found = false;
		r = by_name(s, s->p->tls_names[i]);
		if (s->found && (!found || is_before(&s->t, &best))) {
			best = s->t;
			found = true;
		}
	}
	s->found = found;
	if (found)
		s->t = best;
	return r;
}

struct lengths {
	uint8_t bits[129];
	unsigned n;
};

static int on_length(void *arg, struct db_row *row)
{
	struct lengths *l = arg;

	if (l->n == ARRAY_SIZE(l->bits))
		return 1;
	l->bits[l->n++] = (uint8_t)db_col_int(row, 0);
	return 0;
}

static int64_t by_prefix(struct search *s, const struct trunk_net *host,
			 unsigned bits)
{
	struct trunk_net net = *host;
	char hex[33];
	unsigned i;

	for (i = 0; i < 128 - bits; i++)
		net.ip[15 - i / 8] &= (uint8_t) ~(1u << (i % 8));
	str_hex(hex, net.ip, 16);
	return db_query(s->a->db,
			TRUNK_COLUMNS
			"JOIN trunk_nets n ON n.trunk_id = t.id WHERE "
			"n.net = $1 AND " FOR_USER(
				"n") "AND n.bits = $4" BEST_FIRST("n"),
			DB_ARGS(db_text(hex), db_text(s->user),
				db_text(s->vouched), db_int(bits)),
			on_candidate, s);
}

static int64_t by_address(struct search *s)
{
	struct lengths l = { .n = 0 };
	struct trunk_net host;
	int64_t r;
	unsigned i;

	if (!s->p->address_is_proof || !trunk_net_host(s->p->address, &host))
		return 0;
	r = db_query(s->a->db,
		     "SELECT DISTINCT bits FROM trunk_nets ORDER BY bits DESC",
		     DB_NONE, on_length, &l);
	for (i = 0; r >= 0 && i < l.n && !s->found; i++)
		r = by_prefix(s, &host, l.bits[i]);
	return r;
}

static int64_t search(struct search *s)
{
	int64_t r = by_hash(s);

	if (r >= 0 && !s->found)
		r = by_names(s);
	if (r >= 0 && !s->found)
		r = by_address(s);
	return r;
}

int trunk_find(struct auth *a, const struct trunk_peer *p, const char *uri_user,
	       struct trunk *ret_trunk)
{
	struct search s = { .a = a, .p = p, .user = uri_user, .vouched = "" };
	struct search vouched = s;
	int64_t r;

	r = search(&s);
	if (r >= 0 && s.found && s.t.by_tenant) {
		vouched.vouched = s.t.tenant_id;
		r = search(&vouched);
	}
	if (r < 0)
		return (int)r;
	if (!s.found)
		return -ENOENT;
	*ret_trunk = vouched.found ? vouched.t : s.t;
	return 0;
}
