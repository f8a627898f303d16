/* What happens to a recording after the call: rendered, edited, deleted,
 * purged. Each step is one transaction with the job that belongs to it. */
#include "storage/catalog_recording.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "storage/calls.h"
#include "storage/catalog_priv.h"
#include "storage/jobs.h"
#include "storage/unwanted.h"

/* @return 0 or -ENOENT */
static int exists(struct db *db, const char *id)
{
	int64_t n;
	int r = db_query_int(db, "SELECT n FROM recordings WHERE id = $1",
			     DB_ARGS(db_text(id)), &n);

	return r == -ENODATA ? -ENOENT : r;
}

static int without_media(struct db *db, const char *id, int64_t now_us)
{
	const struct recording_warning w = {
		.code = "media.none",
		.severity = "error",
		.detail = "no media was captured",
		.at_us = now_us,
	};

	return recording_add_warning(db, id, &w);
}

struct place {
	struct recording_arena *arena;
	const char *node;
	const char *spool_file;
};

static void place_fini(struct place *p)
{
	arena_free(&p->arena);
}

static int place_row(void *arg, struct db_row *row)
{
	struct place *p = arg;

	p->node = arena_dup(&p->arena, db_col_text(row, 0));
	p->spool_file = arena_dup(&p->arena, db_col_text(row, 1));
	return p->node && p->spool_file ? 0 : -ENOMEM;
}

#define SPOOL_OF_FINISHED                                                      \
	"CASE $1 WHEN '' THEN spool_file WHEN '" RECORDING_NO_SPOOL            \
	"' THEN '' ELSE $1 END"

/* A job for whoever has the spool; none when there is no spool. */
static int finish(struct db *db, const char *id, int64_t ended_us,
		  const char *reason, const char *spool_file, int64_t now_us)
{
	struct place p CLEANUP(place_fini) = { 0 };
	int64_t r;

	r = db_query(
		db,
		"UPDATE recordings SET state = CASE WHEN " SPOOL_OF_FINISHED
		" = '' THEN 'failed' ELSE 'rendering' END, ended_us = $2, "
		"duration_us = max(0, $2 - started_us), end_reason = $3, "
		"dialog = NULL, spool_file = " SPOOL_OF_FINISHED ", "
		"retain_until_us = CASE WHEN retain_until_us > 0 "
		"THEN retain_until_us + max(0, $2 - started_us) ELSE 0 END "
		"WHERE id = $4 AND state = 'recording' "
		"RETURNING node, spool_file",
		DB_ARGS(text_or_empty(spool_file), db_int(ended_us),
			text_or_empty(reason), db_text(id)),
		place_row, &p);
	if (r == 0)
		return exists(db, id); /* finished before: nothing to do */
	if (r < 0)
		return (int)r;
	if (*p.spool_file)
		return job_add(db, JOB_RENDER, id, p.node, now_us, now_us);
	return spool_file && str_eq(spool_file, RECORDING_NO_SPOOL)
		       ? 0
		       : without_media(db, id, now_us);
}

int recording_finish(struct db *db, const char *id, int64_t ended_us,
		     const char *reason, const char *spool_file, int64_t now_us)
{
	int r = db_begin(db);

	if (r < 0)
		return r;
	return catalog_end(db, finish(db, id, ended_us, reason, spool_file,
				      now_us));
}

static int forget_words(struct db *db, const char *id)
{
	int64_t r;

	r = db_exec(db,
		    "DELETE FROM recordings_fts WHERE rowid = "
		    "(SELECT n FROM recordings WHERE id = $1)",
		    DB_ARGS(db_text(id)));
	return r < 0 ? (int)r : 0;
}

static int discard(struct db *db, const char *id, const char *node,
		   int64_t now_us)
{
	int64_t live;
	int r;

	r = db_query_int(db,
			 "SELECT state = 'recording' FROM recordings "
			 "WHERE id = $1",
			 DB_ARGS(db_text(id)), &live);
	if (r < 0 && r != -ENODATA)
		return r;
	if (r == 0 && !live)
		return -EALREADY;
	if (r == 0)
		r = forget_words(db, id);
	if (r == 0)
		r = catalog_exec_one(db, "DELETE FROM recordings WHERE id = $1",
				     DB_ARGS(db_text(id)));
	return r < 0 && r != -ENODATA ? r : unwanted_add(db, id, node, now_us);
}

int recording_discard(struct db *db, const char *id, const char *node,
		      int64_t now_us)
{
	int r = db_begin(db);

	return r < 0 ? r : catalog_end(db, discard(db, id, node, now_us));
}

/* ---- render ---- */

static int write_track(struct db *db, const char *id,
		       const struct recording_track *t)
{
	int64_t r;

	r = db_exec(db,
		    "INSERT INTO tracks (recording_id, n, format, kind, "
		    "participant, stream, blob_key, mime, bytes, sha256, "
		    "channels, rate_hz, duration_us) VALUES ($1, $2, $3, $4, "
		    "$5, $6, $7, $8, $9, $10, $11, $12, $13)",
		    DB_ARGS(db_text(id), db_int(t->n), text_or_empty(t->format),
			    text_or_empty(t->kind), db_int(t->participant),
			    db_int(t->stream), text_or_empty(t->blob_key),
			    text_or_empty(t->mime), db_int((int64_t)t->bytes),
			    text_or_empty(t->sha256), db_int(t->channels),
			    db_int(t->rate_hz), db_int(t->duration_us)));
	return r < 0 ? (int)r : 0;
}

static int write_media(struct db *db, const char *id,
		       const struct recording_media *m)
{
	int64_t r = db_exec(
		db,
		"INSERT INTO stream_media (recording_id, idx, from_us, to_us, "
		"absent_us, packets, lost, bytes, gaps, sketch) VALUES ($1, "
		"$2, $3, "
		"$4, $5, $6, $7, $8, $9, $10) ON CONFLICT (recording_id, idx) "
		"DO "
		"UPDATE SET "
		"from_us = excluded.from_us, to_us = excluded.to_us, "
		"absent_us = excluded.absent_us, packets = excluded.packets, "
		"lost = excluded.lost, bytes = excluded.bytes, "
		"gaps = excluded.gaps, sketch = excluded.sketch",
		DB_ARGS(db_text(id), db_int(m->stream), db_int(m->from_us),
			db_int(m->to_us), db_int(m->absent_us),
			db_int(m->packets), db_int(m->lost), db_int(m->bytes),
			text_or_empty(m->gaps), text_or_empty(m->sketch)));

	return r < 0 ? (int)r : 0;
}

static int write_result(struct db *db, const char *id,
			const struct recording_result *res)
{
	int64_t bytes = 0;
	int64_t r;

	r = db_exec(db, "DELETE FROM tracks WHERE recording_id = $1",
		    DB_ARGS(db_text(id)));
	for (unsigned i = 0; r >= 0 && i < res->n_tracks; i++) {
		bytes += (int64_t)res->tracks[i].bytes;
		r = write_track(db, id, &res->tracks[i]);
	}
	for (unsigned i = 0; r >= 0 && i < res->n_media; i++)
		r = write_media(db, id, &res->media[i]);
	if (r >= 0)
		r = call_check_again(db, id);
	if (r < 0)
		return (int)r;
	r = catalog_exec_one(
		db,
		"UPDATE recordings SET state = 'ready', duration_us = $1, "
		"started_us = CASE WHEN $2 > 0 THEN $2 ELSE started_us END, "
		"bytes = $3, spool_file = '' "
		"WHERE id = $4 AND state = 'rendering' AND deleted_us = 0",
		DB_ARGS(db_int(res->duration_us), db_int(res->started_us),
			db_int(bytes), db_text(id)));
	if (r < 0)
		return r == -ENOENT ? -ESTALE : (int)r;
	if (res->started_us <= 0)
		return 0;
	r = db_exec(db,
		    "UPDATE events SET offset_us = max(0, at_us - $1) "
		    "WHERE recording_id = $2",
		    DB_ARGS(db_int(res->started_us), db_text(id)));
	return r < 0 ? (int)r : 0;
}

int recording_ready(struct db *db, const char *id, const struct job *job,
		    const struct recording_result *res)
{
	int r = db_begin(db);

	if (r < 0)
		return r;
	r = job_done(db, job);
	if (r == 0)
		r = write_result(db, id, res);
	return catalog_end(db, r);
}

static int fail(struct db *db, const char *id, const struct job *job,
		const char *error, bool final, int64_t now_us)
{
	const struct recording_warning w = {
		.code = "render.failed",
		.severity = "error",
		.detail = error,
		.at_us = now_us,
	};
	int r = job_fail(db, job, now_us, error, final);

	if (r <= 0)
		return r;
	r = recording_add_warning(db, id, &w);
	if (r < 0)
		return r;
	r = catalog_exec_one(db,
			     "UPDATE recordings SET state = 'failed' "
			     "WHERE id = $1 AND state = 'rendering'",
			     DB_ARGS(db_text(id)));
	return r < 0 && r != -ENOENT ? r : 1;
}

int recording_fail(struct db *db, const char *id, const struct job *job,
		   const char *error, bool final, int64_t now_us)
{
	int r = db_begin(db);

	if (r < 0)
		return r;
	return catalog_end(db, fail(db, id, job, error, final, now_us));
}

static int retry(struct db *db, const char *id, int64_t now_us)
{
	struct place p CLEANUP(place_fini) = { 0 };
	int64_t r;

	r = db_query(db,
		     "UPDATE recordings SET state = 'rendering' WHERE id = $1 "
		     "AND state = 'failed' AND spool_file <> '' AND "
		     "deleted_us = 0 RETURNING node, spool_file",
		     DB_ARGS(db_text(id)), place_row, &p);
	if (r <= 0)
		return r < 0 ? (int)r : -ENOENT;
	r = call_check_again(db, id);
	return r < 0 ? (int)r
		     : job_add(db, JOB_RENDER, id, p.node, now_us, now_us);
}

int recording_retry(struct db *db, const char *id, int64_t now_us)
{
	int r = db_begin(db);

	return r < 0 ? r : catalog_end(db, retry(db, id, now_us));
}

/* ---- web ---- */

static int edit(struct db *db, const struct catalog_scope *scope,
		const char *id, const char *title, const char *notes)
{
	int r;

	r = catalog_exec_one(
		db,
		"UPDATE recordings SET title = coalesce($1, title), "
		"notes = coalesce($2, notes) WHERE id = $3 AND "
		"deleted_us = 0" SCOPE_SQL("$4", "$5", "$6", "$7", "$8", "$9",
					   "$10"),
		DB_ARGS(db_text(title), db_text(notes), db_text(id),
			SCOPE_ARGS(scope)));
	return r < 0 ? r : catalog_index(db, id);
}

static void free_text(char **p)
{
	mem_free(*p);
}

int recording_edit(struct db *db, const struct catalog_scope *scope,
		   const char *id, const char *title, const char *notes)
{
	char *t CLEANUP(free_text) = title ? mem_strdup(title) : NULL;
	char *n CLEANUP(free_text) = notes ? mem_strdup(notes) : NULL;
	int r;

	if ((title && strlen(title) > RECORDING_TITLE_MAX) ||
	    (notes && strlen(notes) > RECORDING_NOTES_MAX))
		return -E2BIG;
	if ((title && !t) || (notes && !n))
		return -ENOMEM;
	if (t)
		str_plain(t, false);
	if (n)
		str_plain(n, true);
	r = db_begin(db);
	return r < 0 ? r : catalog_end(db, edit(db, scope, id, t, n));
}

static int mark_deleted(struct db *db, const struct catalog_scope *scope,
			const char *id, int64_t now_us)
{
	int64_t r;

	r = catalog_exec_one(
		db,
		"UPDATE recordings SET deleted_us = $1 WHERE id = $2 AND "
		"deleted_us = 0 AND state <> 'recording'" SCOPE_SQL(
			"$3", "$4", "$5", "$6", "$7", "$8", "$9"),
		DB_ARGS(db_int(now_us), db_text(id), SCOPE_ARGS(scope)));
	if (r < 0)
		return (int)r;
	r = db_exec(db,
		    "DELETE FROM jobs WHERE recording_id = $1 "
		    "AND state <> 'running'",
		    DB_ARGS(db_text(id)));
	return r < 0 ? (int)r : forget_words(db, id);
}

struct gone {
	const char *id;
	const char *tenant_id;
	const char *spool_file;
};

struct gone_list {
	struct gone *items;
	size_t n, cap;
	struct recording_arena *arena;
};

static void gone_list_fini(struct gone_list *l)
{
	mem_free(l->items);
	arena_free(&l->arena);
}

static int gone_row(void *arg, struct db_row *row)
{
	struct gone_list *l = arg;
	struct gone *g;

	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 64;

		g = mem_realloc(l->items, cap * sizeof(*g));
		if (!g)
			return -ENOMEM;
		l->items = g;
		l->cap = cap;
	}
	g = &l->items[l->n];
	g->id = arena_dup(&l->arena, db_col_text(row, 0));
	g->tenant_id = arena_dup(&l->arena, db_col_text(row, 1));
	g->spool_file = arena_dup(&l->arena, db_col_text(row, 2));
	if (!g->id || !g->tenant_id || !g->spool_file)
		return -ENOMEM;
	l->n++;
	return 0;
}

/* The recordings that are one: the one in front and those behind it. */
#define ONE_OF(front) "(id = " front " OR duplicate_of = " front ")"

static int find_front(struct db *db, const struct catalog_scope *scope,
		      const char *id, struct gone_list *ret_l)
{
	int64_t r = db_query(
		db,
		"SELECT CASE WHEN duplicate_of = '' THEN id ELSE duplicate_of "
		"END, tenant_id, '' FROM recordings WHERE id = $1 AND "
		"deleted_us = 0" SCOPE_SQL("$2", "$3", "$4", "$5", "$6", "$7",
					   "$8"),
		DB_ARGS(db_text(id), SCOPE_ARGS(scope)), gone_row, ret_l);

	return r < 0 ? (int)r : r == 0 ? -ENOENT : 0;
}

/* All that are not live; a live one stands for itself from now on. */
static int mark_all(struct db *db, const char *front, int64_t now_us)
{
	const struct catalog_scope all = { 0 };
	struct gone_list l CLEANUP(gone_list_fini) = { 0 };
	int64_t r;

	r = db_query(db,
		     "SELECT id, tenant_id, '' FROM recordings WHERE " ONE_OF(
			     "$1") " AND deleted_us = 0 AND "
				   "state <> 'recording'",
		     DB_ARGS(db_text(front)), gone_row, &l);
	for (size_t i = 0; r >= 0 && i < l.n; i++)
		r = mark_deleted(db, &all, l.items[i].id, now_us);
	if (r >= 0)
		r = db_exec(db,
			    "UPDATE recordings SET duplicate_of = '', half = 0 "
			    "WHERE duplicate_of = $1 AND deleted_us = 0",
			    DB_ARGS(db_text(front)));
	return r < 0 ? (int)r : 0;
}

static int delete_all(struct db *db, const struct catalog_scope *scope,
		      const char *id, int64_t now_us)
{
	struct gone_list l CLEANUP(gone_list_fini) = { 0 };
	int64_t live;
	int r = find_front(db, scope, id, &l);

	if (r == 0)
		r = db_query_int(
			db,
			"SELECT count(*) FROM recordings WHERE " ONE_OF(
				"$1") " AND deleted_us = 0 AND "
				      "state = 'recording'",
			DB_ARGS(db_text(l.items[0].id)), &live);
	if (r < 0)
		return r;
	return live ? -EBUSY : mark_all(db, l.items[0].id, now_us);
}

int recording_delete(struct db *db, const struct catalog_scope *scope,
		     const char *id, int64_t now_us)
{
	int r = db_begin(db);

	return r < 0 ? r : catalog_end(db, delete_all(db, scope, id, now_us));
}

static int set_retention(struct db *db, const struct catalog_scope *scope,
			 const char *id, int64_t until_us)
{
	struct gone_list l CLEANUP(gone_list_fini) = { 0 };
	int r = find_front(db, scope, id, &l);

	if (r < 0)
		return r;
	return catalog_exec_one(
		db,
		"UPDATE recordings SET retain_until_us = $1 WHERE "
		"deleted_us = 0 AND " ONE_OF("$2"),
		DB_ARGS(db_int(until_us), db_text(l.items[0].id)));
}

int recording_set_retention(struct db *db, const struct catalog_scope *scope,
			    const char *id, int64_t until_us)
{
	int r = db_begin(db);

	return r < 0 ? r
		     : catalog_end(db, set_retention(db, scope, id, until_us));
}

/* ---- upkeep ---- */

static int expire_all(struct db *db, const struct gone_list *l, int64_t now_us)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n; i++)
		r = mark_all(db, l->items[i].id, now_us);
	return r;
}

int recording_expire(struct db *db, int64_t now_us, unsigned limit)
{
	struct gone_list l CLEANUP(gone_list_fini) = { 0 };
	int64_t r;

	r = db_query(db,
		     "SELECT id, tenant_id, spool_file FROM recordings WHERE "
		     "retain_until_us > 0 AND retain_until_us <= $1 AND "
		     "deleted_us = 0 AND state <> 'recording' AND "
		     "duplicate_of = '' ORDER BY retain_until_us LIMIT $2",
		     DB_ARGS(db_int(now_us), db_int(limit)), gone_row, &l);
	if (r <= 0)
		return (int)r;
	r = db_begin(db);
	if (r == 0)
		r = catalog_end(db, expire_all(db, &l, now_us));
	return r < 0 ? (int)r : (int)l.n;
}

int64_t recording_each_deleted(struct db *db, const char *node, int64_t now_us,
			       unsigned limit, recording_gone_fn *fn, void *arg)
{
	struct gone_list l CLEANUP(gone_list_fini) = { 0 };
	int64_t r;

	r = db_query(db,
		     "SELECT id, tenant_id, spool_file FROM recordings r "
		     "WHERE deleted_us > 0 AND ($1 IS NULL OR node = $1) AND "
		     "NOT EXISTS "
		     "(SELECT 1 FROM jobs j WHERE j.recording_id = r.id AND "
		     "j.state = 'running' AND j.lease_until_us > $2) "
		     "ORDER BY deleted_us LIMIT $3",
		     DB_ARGS(db_text(node), db_int(now_us), db_int(limit)),
		     gone_row, &l);
	for (size_t i = 0; r >= 0 && i < l.n; i++) {
		int stop = fn(arg, l.items[i].id, l.items[i].tenant_id,
			      l.items[i].spool_file);

		if (stop)
			return stop < 0 ? stop : (int64_t)i + 1;
	}
	return r;
}

static int purge(struct db *db, const char *id, int64_t now_us)
{
	struct place p CLEANUP(place_fini) = { 0 };
	int64_t r;

	r = db_query(db,
		     "SELECT node, spool_file FROM recordings "
		     "WHERE id = $1 AND deleted_us > 0",
		     DB_ARGS(db_text(id)), place_row, &p);
	if (r <= 0)
		return r < 0 ? (int)r : -ENOENT;
	r = db_exec(db, "DELETE FROM jobs WHERE recording_id = $1",
		    DB_ARGS(db_text(id)));
	if (r >= 0)
		r = unwanted_add(db, id, p.node, now_us);
	return r < 0 ? (int)r
		     : catalog_exec_one(db,
					"DELETE FROM recordings WHERE id = $1",
					DB_ARGS(db_text(id)));
}

int recording_purge(struct db *db, const char *id, int64_t now_us)
{
	int r = db_begin(db);

	return r < 0 ? r : catalog_end(db, purge(db, id, now_us));
}
