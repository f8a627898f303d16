#include "auth/trunk_file.h"

#include <errno.h>
#include <string.h>

#include "auth/auth_priv.h"
#include "auth/trunks.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "storage/db.h"

/* A trunk of the file; line is where it begins. */
struct entry {
	struct trunk t;
	int line;
	unsigned given; /* bit per key */
	bool bad;	/* a key was refused, or the name; that was told */
};

struct list {
	const char *path;
	struct entry *v;
	unsigned n;
	struct conf_report *rep; /* NULL: the first mistake ends it */
};

static void list_fini(struct list *l)
{
	mem_free(l->v);
}

/* ---- reading ----------------------------------------------------------- */

static struct entry *find_entry(struct list *l, const char *name)
{
	unsigned i;

	for (i = 0; i < l->n; i++)
		if (str_eq(l->v[i].t.name, name))
			return &l->v[i];
	return NULL;
}

static int begin_entry(struct list *l, const char *name, int line,
		       struct err *e)
{
	struct entry *grown, *en;
	int r;

	if (!name[0])
		return err_set(e, -EINVAL, "a key stands before any [name]");
	if (l->n == TRUNK_FILE_MAX)
		return err_set(e, -EINVAL, "more than %d trunks",
			       TRUNK_FILE_MAX);
	grown = mem_realloc(l->v, (l->n + 1) * sizeof(*grown));
	if (!grown)
		return err_set(e, -ENOMEM, "out of memory");
	l->v = grown;
	en = &grown[l->n];
	memset(en, 0, sizeof(*en));
	en->line = line;
	trunk_defaults(&en->t);
	en->t.from_file = true;
	r = trunk_set(&en->t, "name", name, e);
	if (r < 0) /* keep it, so that it is told once */
		(void)str_copy(en->t.name, sizeof(en->t.name), name);
	l->n++;
	return r;
}

static int set_once(struct entry *en, const char *key, const char *value,
		    struct err *e)
{
	unsigned i;

	if (str_eq(key, "name"))
		return err_set(e, -EINVAL, "the name is the section");
	for (i = 0; trunk_keys[i]; i++) {
		if (!str_eq(trunk_keys[i], key))
			continue;
		if (en->given & 1u << i)
			return err_set(e, -EINVAL, "%s: is given twice", key);
		en->given |= 1u << i;
	}
	return trunk_set(&en->t, key, value, e);
}

static int on_entry(void *arg, const char *section, const char *key,
		    const char *value, int line, struct err *e)
{
	struct list *l = arg;
	struct entry *en = find_entry(l, section);
	int r = 0;

	if (!en)
		r = begin_entry(l, section, line, e);
	if (r == 0)
		r = set_once(en ? en : &l->v[l->n - 1], key, value, e);
	en = find_entry(l, section);
	if (r < 0 && en)
		en->bad = true;
	if (r < 0)
		(void)err_prefix(e, "%s:%d: [%s]", l->path, line, section);
	return r < 0 ? -EINVAL : 0;
}

static int read_list(struct list *l, struct err *e)
{
	unsigned i;
	int r;

	if (!l->path[0])
		return 0;
	r = conf_walk(l->path, on_entry, l, l->rep, e);
	for (i = 0; i < l->n && r == 0; i++) {
		if (l->v[i].bad)
			continue;
		r = trunk_check(&l->v[i].t, e);
		if (r < 0)
			(void)err_prefix(e, "%s:%d: [%s]", l->path,
					 l->v[i].line, l->v[i].t.name);
		r = conf_tell(l->rep, e, r);
	}
	return r;
}

int trunk_file_check(const char *path, struct conf_report *rep, struct err *e)
{
	struct list l CLEANUP(list_fini) = { .path = path, .rep = rep };
	unsigned before = rep ? rep->n : 0;
	struct err none = { 0 };
	int r;

	r = read_list(&l, e ? e : &none);
	return r == 0 && rep && rep->n > before ? -EINVAL : r;
}

/* ---- applying ---------------------------------------------------------- */

static bool same(const struct trunk *a, const struct trunk *b)
{
	char one[TRUNK_TEXT_MAX], two[TRUNK_TEXT_MAX];
	unsigned i;

	for (i = 0; trunk_keys[i]; i++) {
		trunk_text(a, trunk_keys[i], one, sizeof(one));
		trunk_text(b, trunk_keys[i], two, sizeof(two));
		if (strcmp(one, two) != 0)
			return false;
	}
	return true;
}

static int on_old(void *arg, const struct trunk *t)
{
	struct list *l = arg;
	struct entry *grown;

	if (!t->from_file)
		return 0;
	grown = mem_realloc(l->v, (l->n + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	l->v = grown;
	grown[l->n++] = (struct entry){ .t = *t };
	return 0;
}

static bool unchanged(struct list *now, struct list *old)
{
	unsigned i;

	if (now->n != old->n)
		return false;
	for (i = 0; i < now->n; i++) {
		struct entry *was = find_entry(old, now->v[i].t.name);

		if (!was || !same(&was->t, &now->v[i].t))
			return false;
	}
	return true;
}

/* Identities may move from one to another, so all go before one comes. */
static int replace_all(struct auth *a, struct list *now, struct list *old,
		       struct err *e)
{
	int64_t n = db_exec(a->db, "DELETE FROM trunks WHERE from_file = 1",
			    DB_NONE);
	int r = n < 0 ? err_set(e, (int)n, "%s", err_words((int)n)) : 0;
	unsigned i;

	for (i = 0; i < now->n && r == 0; i++) {
		struct entry *en = &now->v[i];
		struct entry *was = find_entry(old, en->t.name);

		if (was) {
			(void)str_copy(en->t.id, sizeof(en->t.id), was->t.id);
			en->t.created_us = was->t.created_us;
		}
		r = trunk_add(a, &en->t, "operator", e);
		if (r < 0)
			(void)err_prefix(e, "%s:%d: [%s]", now->path, en->line,
					 en->t.name);
	}
	for (i = 0; i < old->n && r == 0; i++)
		if (!find_entry(now, old->v[i].t.name))
			r = auth_audit(a, old->v[i].t.tenant_id, "operator",
				       "trunk.remove", "trunk", old->v[i].t.id,
				       "ok", NULL);
	return r;
}

int trunk_file_apply(struct auth *a, const char *path, struct err *e)
{
	struct list now CLEANUP(list_fini) = { .path = path };
	struct list old CLEANUP(list_fini) = { .path = path };
	struct err none = { 0 };
	int64_t n;
	int r;

	if (!e)
		e = &none;
	r = read_list(&now, e);
	if (r < 0)
		return r;
	r = db_begin(a->db);
	if (r < 0)
		return err_set(e, r, "%s", err_words(r));
	n = trunk_each(a, NULL, on_old, &old);
	r = n < 0 ? err_set(e, (int)n, "%s", err_words((int)n)) : 0;
	if (r == 0 && !unchanged(&now, &old))
		r = replace_all(a, &now, &old, e);
	r = auth_end(a, r, r == 0);
	return r < 0 ? err_set(e, r, "%s: %s", path, err_words(r)) : 0;
}
