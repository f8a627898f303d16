/* What sip writes while a call lasts: single statements, all prepared once.
 * At the end of a call and later: catalog_finish.c. */
#include "storage/catalog_recording.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "storage/catalog_priv.h"

static const char *const state_words[] = {
	[RECORDING_LIVE] = "recording",
	[RECORDING_RENDERING] = "rendering",
	[RECORDING_READY] = "ready",
	[RECORDING_FAILED] = "failed",
};

const char *recording_state_word(enum recording_state s)
{
	return (size_t)s < ARRAY_SIZE(state_words) ? state_words[s] : "failed";
}

int recording_state_parse(const char *word, enum recording_state *ret_s)
{
	for (size_t i = 0; i < ARRAY_SIZE(state_words); i++) {
		if (strcmp(word, state_words[i]) != 0)
			continue;
		*ret_s = (enum recording_state)i;
		return 0;
	}
	return -EINVAL;
}

static int insert_recording(struct db *db, const struct recording_new *rn)
{
	int64_t retain_us = rn->retain_us;
	int64_t until_us = 0;
	int64_t r;

	if (retain_us == 0) {
		r = db_query_int(db,
				 "SELECT retain_us FROM tenants WHERE id = $1",
				 DB_ARGS(db_text(rn->tenant_id)), &retain_us);
		if (r < 0)
			return r == -ENODATA ? -ENOENT : (int)r;
	}
	/* moved to the end of the call by recording_finish() */
	if (retain_us > 0)
		until_us = rn->started_us + retain_us;
	r = db_exec(db,
		    "INSERT INTO recordings (id, tenant_id, owner_id, "
		    "client_id, grant_id, call_id, state, started_us, node, "
		    "spool_file, dialog, meta, retain_until_us) VALUES "
		    "($1, $2, $3, $4, $5, $6, 'recording', $7, $8, $9, $10, "
		    "$11, $12)",
		    DB_ARGS(db_text(rn->id), db_text(rn->tenant_id),
			    text_or_empty(rn->owner_id),
			    text_or_empty(rn->client_id),
			    text_or_empty(rn->grant_id),
			    text_or_empty(rn->call_id), db_int(rn->started_us),
			    text_or_empty(rn->node),
			    text_or_empty(rn->spool_file), db_text(rn->dialog),
			    db_text(rn->meta), db_int(until_us)));
	return r < 0 ? (int)r : 0;
}

static int write_participant(struct db *db, const char *id,
			     const struct recording_participant *p)
{
	char *aor CLEANUP(mem_freep) = NULL;
	char *user CLEANUP(mem_freep) = NULL;
	int64_t r;

	r = catalog_aor_keys(p->aor, &aor, &user);
	if (r < 0)
		return (int)r;
	r = db_exec(db,
		    "INSERT INTO participants (recording_id, ord, ext_id, aor, "
		    "name, aor_key, user_key, joined_us, left_us) VALUES "
		    "($1, $2, $3, $4, $5, $6, $7, $8, $9) "
		    "ON CONFLICT (recording_id, ord) DO UPDATE SET "
		    "ext_id = excluded.ext_id, aor = excluded.aor, "
		    "name = excluded.name, aor_key = excluded.aor_key, "
		    "user_key = excluded.user_key, "
		    "joined_us = excluded.joined_us, "
		    "left_us = excluded.left_us",
		    DB_ARGS(db_text(id), db_int(p->ord),
			    text_or_empty(p->ext_id), text_or_empty(p->aor),
			    text_or_empty(p->name), db_text(aor), db_text(user),
			    db_int(p->joined_us), db_int(p->left_us)));
	return r < 0 ? (int)r : 0;
}

static int fill_recording(struct db *db, const struct recording_new *rn)
{
	int r = insert_recording(db, rn);

	for (unsigned i = 0; r == 0 && i < rn->n_participants; i++)
		r = write_participant(db, rn->id, &rn->participants[i]);
	for (unsigned i = 0; r == 0 && i < rn->n_streams; i++)
		r = recording_put_stream(db, rn->id, &rn->streams[i]);
	return r; /* found by words soon: catalog_words.c */
}

int recording_create(struct db *db, const struct recording_new *rn)
{
	int r = db_begin(db);

	return r < 0 ? r : catalog_end(db, fill_recording(db, rn));
}

int recording_set_dialog(struct db *db, const char *id, const char *dialog)
{
	return catalog_exec_one(db,
				"UPDATE recordings SET dialog = $1 "
				"WHERE id = $2 AND state = 'recording'",
				DB_ARGS(db_text(dialog), db_text(id)));
}

int recording_set_meta(struct db *db, const char *id, const char *meta)
{
	int r = catalog_exec_one(db,
				 "UPDATE recordings SET meta = $1 "
				 "WHERE id = $2 AND state = 'recording'",
				 DB_ARGS(db_text(meta), db_text(id)));

	return r < 0 ? r : catalog_index(db, id);
}

int recording_set_end_reason(struct db *db, const char *id, const char *reason)
{
	return catalog_exec_one(db,
				"UPDATE recordings SET end_reason = $1 "
				"WHERE id = $2 AND state <> 'recording'",
				DB_ARGS(db_text(reason), db_text(id)));
}

int recording_put_participant(struct db *db, const char *id,
			      const struct recording_participant *p)
{
	int r = db_begin(db);

	if (r < 0)
		return r;
	r = write_participant(db, id, p);
	if (r == 0)
		r = catalog_index(db, id);
	return catalog_end(db, r);
}

int recording_put_stream(struct db *db, const char *id,
			 const struct recording_stream *s)
{
	int64_t r;

	r = db_exec(db,
		    "INSERT INTO streams (recording_id, idx, label, media, "
		    "codec, rate_hz, participant) VALUES "
		    "($1, $2, $3, $4, $5, $6, $7) "
		    "ON CONFLICT (recording_id, idx) DO UPDATE SET "
		    "label = excluded.label, media = excluded.media, "
		    "codec = excluded.codec, rate_hz = excluded.rate_hz, "
		    "participant = excluded.participant",
		    DB_ARGS(db_text(id), db_int(s->idx),
			    text_or_empty(s->label), text_or_empty(s->media),
			    text_or_empty(s->codec), db_int(s->rate_hz),
			    db_int(s->participant)));
	return r < 0 ? (int)r : 0;
}

int recording_leave(struct db *db, const char *id, unsigned ord,
		    int64_t left_us)
{
	return catalog_exec_one(db,
				"UPDATE participants SET left_us = $1 "
				"WHERE recording_id = $2 AND ord = $3",
				DB_ARGS(db_int(left_us), db_text(id),
					db_int(ord)));
}

int recording_add_event(struct db *db, const char *id,
			const struct recording_event *ev)
{
	return catalog_exec_one(
		db,
		"INSERT INTO events (recording_id, at_us, offset_us, kind, "
		"participant, stream, text, duration_us) "
		"SELECT $1, $2, max(0, $2 - started_us), $3, $4, $5, $6, $7 "
		"FROM recordings WHERE id = $1",
		DB_ARGS(db_text(id), db_int(ev->at_us), text_or_empty(ev->kind),
			db_int(ev->participant), db_int(ev->stream),
			text_or_empty(ev->text), db_int(ev->duration_us)));
}

int recording_add_warning(struct db *db, const char *id,
			  const struct recording_warning *w)
{
	int64_t r;

	r = db_exec(db,
		    "INSERT INTO warnings (recording_id, code, detail, "
		    "severity, at_us) VALUES ($1, $2, $3, $4, $5) "
		    "ON CONFLICT (recording_id, code, detail) DO UPDATE SET "
		    "count = count + 1",
		    DB_ARGS(db_text(id), text_or_empty(w->code),
			    text_or_empty(w->detail),
			    db_text(w->severity ? w->severity : "warning"),
			    db_int(w->at_us)));
	return r < 0 ? (int)r : 0;
}

int recording_add_message(struct db *db, const char *id,
			  const struct recording_message *m)
{
	int64_t r;

	r = db_exec(db,
		    "INSERT INTO signalling (recording_id, at_us, dir, "
		    "transport, peer, body) VALUES ($1, $2, $3, $4, $5, $6)",
		    DB_ARGS(db_text(id), db_int(m->at_us), db_text(m->dir),
			    text_or_empty(m->transport), text_or_empty(m->peer),
			    db_blob(m->body, m->len)));
	return r < 0 ? (int)r : 0;
}

/* ---- live ones after a restart: collected first, so that the callback may
 * write and roll back ---- */

struct live_list {
	struct recording_live *items;
	size_t n, cap;
	struct recording_arena *arena;
};

static void live_list_fini(struct live_list *l)
{
	mem_free(l->items);
	arena_free(&l->arena);
}

static int live_row(void *arg, struct db_row *row)
{
	struct live_list *l = arg;
	struct recording_live *to;
	const char **texts[9];

	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 64;

		to = mem_realloc(l->items, cap * sizeof(*to));
		if (!to)
			return -ENOMEM;
		l->items = to;
		l->cap = cap;
	}
	to = &l->items[l->n];
	memset(to, 0, sizeof(*to));
	texts[0] = &to->id;
	texts[1] = &to->tenant_id;
	texts[2] = &to->grant_id;
	texts[3] = &to->client_id;
	texts[4] = &to->owner_id;
	texts[5] = &to->call_id;
	texts[6] = &to->spool_file;
	texts[7] = &to->dialog;
	texts[8] = &to->meta;
	for (int i = 0; i < 9; i++) {
		const char *s = db_col_text(row, i);

		*texts[i] = arena_dup(&l->arena, s);
		if (s && !*texts[i])
			return -ENOMEM;
	}
	to->started_us = db_col_int(row, 9);
	l->n++;
	return 0;
}

int64_t recording_each_live(struct db *db, const char *node,
			    recording_live_fn *fn, void *arg)
{
	struct live_list l CLEANUP(live_list_fini) = { 0 };
	int64_t r;

	r = db_query(db,
		     "SELECT id, tenant_id, grant_id, client_id, owner_id, "
		     "call_id, spool_file, dialog, meta, started_us "
		     "FROM recordings WHERE state = 'recording' AND node = $1 "
		     "ORDER BY started_us, id",
		     DB_ARGS(text_or_empty(node)), live_row, &l);
	if (r < 0)
		return r;
	for (size_t i = 0; i < l.n; i++) {
		int stop = fn(arg, &l.items[i]);

		if (stop < 0)
			return stop;
		if (stop)
			return (int64_t)i + 1;
	}
	return (int64_t)l.n;
}
