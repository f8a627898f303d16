#include "storage/catalog.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/str.h"
#include "storage/catalog_priv.h"

struct recording_arena {
	struct recording_arena *next;
	size_t used, cap;
	char text[];
};

#define ARENA_BLOCK 2048u

/* NULL stays NULL; NULL also without memory. */
const char *arena_dup(struct recording_arena **a, const char *s)
{
	struct recording_arena *b = *a;
	size_t len;
	char *to;

	if (!s)
		return NULL;
	len = strlen(s) + 1;
	if (!b || b->cap - b->used < len) {
		size_t cap = len > ARENA_BLOCK ? len : ARENA_BLOCK;

		b = mem_alloc(sizeof(*b) + cap);
		if (!b)
			return NULL;
		b->next = *a;
		b->used = 0;
		b->cap = cap;
		*a = b;
	}
	to = b->text + b->used;
	memcpy(to, s, len);
	b->used += len;
	return to;
}

void arena_free(struct recording_arena **a)
{
	while (*a) {
		struct recording_arena *next = (*a)->next;

		mem_free(*a);
		*a = next;
	}
}

int catalog_open(const struct settings *s, struct db **ret_db, struct err *e)
{
	char path[SETTINGS_PATH_MAX];

	if (settings_path(s, "catalog.db", path, sizeof(path)) < 0)
		return err_set(e, -ENAMETOOLONG, "server.data_dir is too long");
	return db_open(path, ret_db, e);
}

int catalog_exec_one(struct db *db, const char *sql, const struct db_val *args,
		     unsigned n_args)
{
	int64_t r = db_exec(db, sql, args, n_args);

	if (r < 0)
		return (int)r;
	return r == 0 ? -ENOENT : 0;
}

int catalog_end(struct db *db, int r)
{
	int c;

	if (r < 0) {
		db_rollback(db);
		return r;
	}
	c = db_commit(db);
	return c < 0 ? c : r;
}

static void lower(char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

/* "+44 (20) 7946-0958" is found as "+442079460958"; names stay as they are. */
static void drop_separators(char *s)
{
	char *to = s;

	if (!*s || s[strspn(s, "+0123456789-.() ")] != '\0')
		return;
	for (; *s; s++)
		if (!strchr("-.() ", *s))
			*to++ = *s;
	*to = '\0';
}

int catalog_aor_keys(const char *aor, char **ret_aor, char **ret_user)
{
	static const char *const schemes[] = { "sip:", "sips:", "tel:" };
	char *all CLEANUP(mem_freep) = NULL;
	struct span s = span_trim(span_of(aor)), rest;
	char *user;

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		if (!span_istarts(s, schemes[i]))
			continue;
		s.p += strlen(schemes[i]);
		s.len -= strlen(schemes[i]);
		break;
	}
	rest = s;
	s = span_cut(&rest, ';');
	rest = s;
	s = span_cut(&rest, '?');
	all = span_dup(s);
	if (!all)
		return -ENOMEM;
	lower(all);
	if (!strchr(all, '@'))
		drop_separators(all);
	rest = span_of(all);
	user = span_dup(span_cut(&rest, '@'));
	if (!user)
		return -ENOMEM;
	drop_separators(user);
	*ret_user = user;
	*ret_aor = STEAL(all);
	return 0;
}

bool catalog_scope_limited(const struct catalog_scope *s)
{
	return s->owner_id || s->client_id || s->grant_id || s->living_scope ||
	       s->listener_id;
}

static void free_text(char **p)
{
	mem_free(*p);
}

/* As it is stored and compared: nothing in it hides or turns other parts. */
static char *plain_name(const char *name)
{
	char *plain = mem_strdup(name);

	if (plain)
		str_plain(plain, false);
	return plain;
}

int tenant_create(struct db *db, const char *name, int64_t now_us,
		  struct id *ret_id)
{
	char *plain CLEANUP(free_text) = plain_name(name);
	struct id id;
	int64_t r;

	if (!plain)
		return -ENOMEM;
	if (!plain[strspn(plain, " ")])
		return -EINVAL;
	id_new(&id, now_us);
	r = db_exec(db,
		    "INSERT INTO tenants (id, name, created_us) "
		    "VALUES ($1, $2, $3)",
		    DB_ARGS(db_text(id.s), db_text(plain), db_int(now_us)));
	if (r < 0)
		return (int)r;
	*ret_id = id;
	return 0;
}

static int copy_id(void *arg, struct db_row *row)
{
	struct id *id = arg;

	(void)str_copy(id->s, sizeof(id->s), db_col_text(row, 0));
	return 1;
}

int tenant_find(struct db *db, const char *name_or_id, struct id *ret_id)
{
	char *plain CLEANUP(free_text) = plain_name(name_or_id);
	struct id id;
	int64_t r;

	if (!plain)
		return -ENOMEM;
	r = db_query(db, "SELECT id FROM tenants WHERE name = $1 OR id = $1",
		     DB_ARGS(db_text(plain)), copy_id, &id);
	if (r < 0)
		return (int)r;
	if (r == 0)
		return -ENOENT;
	*ret_id = id;
	return 0;
}

int tenant_set_retention(struct db *db, const char *id, int64_t retain_us)
{
	return catalog_exec_one(
		db, "UPDATE tenants SET retain_us = $1 WHERE id = $2",
		DB_ARGS(db_int(retain_us), db_text(id)));
}

struct tenant_walk {
	tenant_fn *fn;
	void *arg;
};

static int tenant_row(void *arg, struct db_row *row)
{
	struct tenant_walk *w = arg;

	return w->fn(w->arg, db_col_text(row, 0), db_col_text(row, 1),
		     db_col_int(row, 2), db_col_int(row, 3));
}

int64_t tenant_each(struct db *db, tenant_fn *fn, void *arg)
{
	struct tenant_walk w = { fn, arg };

	return db_query(db,
			"SELECT id, name, created_us, retain_us FROM tenants "
			"ORDER BY name",
			DB_NONE, tenant_row, &w);
}

static int usage_row(void *arg, struct db_row *row)
{
	struct catalog_usage *u = arg;

	u->live_calls = db_col_int(row, 0);
	u->sessions = db_col_int(row, 1);
	u->recordings = db_col_int(row, 2);
	u->bytes = db_col_int(row, 3);
	return 0;
}

static int usage_of(struct db *db, const char *sql, const char *scope,
		    int64_t since_us, struct catalog_usage *ret_usage)
{
	struct catalog_usage u = { 0 };
	int64_t r;

	r = db_query(db, sql, DB_ARGS(db_text(scope), db_int(since_us)),
		     usage_row, &u);
	if (r < 0)
		return (int)r;
	*ret_usage = u;
	return 0;
}

int usage_of_grant(struct db *db, const char *grant_id, int64_t since_us,
		   struct catalog_usage *ret_usage)
{
	return usage_of(db,
			"SELECT (SELECT count(*) FROM recordings WHERE "
			"grant_id = $1 AND state = 'recording' AND "
			"duplicate_of = ''), "
			"(SELECT count(*) FROM recordings WHERE "
			"grant_id = $1 AND started_us >= $2 AND "
			"duplicate_of = ''), "
			"coalesce((SELECT recordings FROM usage WHERE scope = "
			"$1), 0), "
			"coalesce((SELECT bytes FROM usage WHERE scope = $1), "
			"0)",
			grant_id, since_us, ret_usage);
}

int usage_of_tenant(struct db *db, const char *tenant_id, int64_t since_us,
		    struct catalog_usage *ret_usage)
{
	return usage_of(db,
			"SELECT (SELECT count(*) FROM recordings WHERE "
			"tenant_id = $1 AND state = 'recording' AND "
			"duplicate_of = ''), "
			"(SELECT count(*) FROM recordings WHERE "
			"tenant_id = $1 AND started_us >= $2 AND "
			"duplicate_of = ''), "
			"coalesce((SELECT recordings FROM usage WHERE scope = "
			"$1), 0), "
			"coalesce((SELECT bytes FROM usage WHERE scope = $1), "
			"0)",
			tenant_id, since_us, ret_usage);
}
