/* Loads one recording with the parts that are asked for. */
#include "storage/catalog_read.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "storage/actor.h"
#include "storage/catalog_priv.h"
#include "storage/catalog_search.h"

struct load {
	struct recording *r;
	int error;
};

/* A text column as the recording's own, "" for NULL. */
static const char *take(struct load *l, struct db_row *row, int col)
{
	const char *s = db_col_text(row, col);
	const char *copy = arena_dup(&l->r->arena, s ? s : "");

	if (!copy)
		l->error = -ENOMEM;
	return copy;
}

/* Room for one more; arrays grow at powers of two. */
static void *more(struct load *l, void *items, unsigned n, size_t size)
{
	void *p = items;

	if ((n & (n - 1)) == 0)
		p = mem_realloc(items, (n ? 2 * (size_t)n : 1) * size);
	if (!p)
		l->error = -ENOMEM;
	return p;
}

static int participant_row(void *arg, struct db_row *row)
{
	struct load *l = arg;
	struct recording *r = l->r;
	struct recording_participant *p;

	p = more(l, r->participants, r->n_participants, sizeof(*p));
	if (!p)
		return -ENOMEM;
	r->participants = p;
	p += r->n_participants++;
	p->ord = (unsigned)db_col_int(row, 0);
	p->ext_id = take(l, row, 1);
	p->aor = take(l, row, 2);
	p->name = take(l, row, 3);
	p->joined_us = db_col_int(row, 4);
	p->left_us = db_col_int(row, 5);
	return l->error;
}

static int stream_row(void *arg, struct db_row *row)
{
	struct load *l = arg;
	struct recording *r = l->r;
	struct recording_stream *s;

	s = more(l, r->streams, r->n_streams, sizeof(*s));
	if (!s)
		return -ENOMEM;
	r->streams = s;
	s += r->n_streams++;
	s->idx = (unsigned)db_col_int(row, 0);
	s->label = take(l, row, 1);
	s->media = take(l, row, 2);
	s->codec = take(l, row, 3);
	s->rate_hz = (unsigned)db_col_int(row, 4);
	s->participant = (int)db_col_int(row, 5);
	return l->error;
}

static int track_row(void *arg, struct db_row *row)
{
	struct load *l = arg;
	struct recording *r = l->r;
	struct recording_track *t;

	t = more(l, r->tracks, r->n_tracks, sizeof(*t));
	if (!t)
		return -ENOMEM;
	r->tracks = t;
	t += r->n_tracks++;
	t->n = (unsigned)db_col_int(row, 0);
	t->kind = take(l, row, 1);
	t->format = take(l, row, 2);
	t->participant = (int)db_col_int(row, 3);
	t->stream = (int)db_col_int(row, 4);
	t->blob_key = take(l, row, 5);
	t->mime = take(l, row, 6);
	t->bytes = (uint64_t)db_col_int(row, 7);
	t->sha256 = take(l, row, 8);
	t->channels = (unsigned)db_col_int(row, 9);
	t->rate_hz = (unsigned)db_col_int(row, 10);
	t->duration_us = db_col_int(row, 11);
	return l->error;
}

static int event_row(void *arg, struct db_row *row)
{
	struct load *l = arg;
	struct recording *r = l->r;
	struct recording_event *ev;

	ev = more(l, r->events, r->n_events, sizeof(*ev));
	if (!ev)
		return -ENOMEM;
	r->events = ev;
	ev += r->n_events++;
	ev->at_us = db_col_int(row, 0);
	ev->offset_us = db_col_int(row, 1);
	ev->kind = take(l, row, 2);
	ev->participant = (int)db_col_int(row, 3);
	ev->stream = (int)db_col_int(row, 4);
	ev->text = take(l, row, 5);
	ev->duration_us = db_col_int(row, 6);
	ev->actor_name = "";
	return l->error;
}

static int warning_row(void *arg, struct db_row *row)
{
	struct load *l = arg;
	struct recording *r = l->r;
	struct recording_warning *w;

	w = more(l, r->warnings, r->n_warnings, sizeof(*w));
	if (!w)
		return -ENOMEM;
	r->warnings = w;
	w += r->n_warnings++;
	w->code = take(l, row, 0);
	w->severity = take(l, row, 1);
	w->detail = take(l, row, 2);
	w->at_us = db_col_int(row, 3);
	w->count = db_col_int(row, 4);
	return l->error;
}

static int model_row(void *arg, struct db_row *row)
{
	struct load *l = arg;

	l->r->model = take(l, row, 0);
	return l->error;
}

static int leg_row(void *arg, struct db_row *row)
{
	struct load *l = arg;
	struct recording *r = l->r;
	struct recording_leg *leg;

	leg = more(l, r->legs, r->n_legs, sizeof(*leg));
	if (!leg)
		return -ENOMEM;
	r->legs = leg;
	leg += r->n_legs++;
	leg->recording_id = take(l, row, 0);
	leg->rule = take(l, row, 1);
	leg->call_id = take(l, row, 2);
	leg->duplicate_of = take(l, row, 3);
	leg->half = db_col_int(row, 4) != 0;
	return l->error;
}

static int media_row(void *arg, struct db_row *row)
{
	struct load *l = arg;
	struct recording *r = l->r;
	struct recording_media *m;

	m = more(l, r->media, r->n_media, sizeof(*m));
	if (!m)
		return -ENOMEM;
	r->media = m;
	m += r->n_media++;
	m->stream = (unsigned)db_col_int(row, 0);
	m->from_us = db_col_int(row, 1);
	m->to_us = db_col_int(row, 2);
	m->absent_us = db_col_int(row, 3);
	m->packets = db_col_int(row, 4);
	m->lost = db_col_int(row, 5);
	m->bytes = db_col_int(row, 6);
	m->gaps = take(l, row, 7);
	m->sketch = take(l, row, 8);
	return l->error;
}

static const struct part {
	unsigned bit;
	db_row_fn *fn;
	const char *sql;
} parts_table[] = {
	{ RECORDING_PARTICIPANTS, participant_row,
	  "SELECT ord, ext_id, aor, name, joined_us, left_us FROM participants "
	  "WHERE recording_id = $1 ORDER BY ord" },
	{ RECORDING_STREAMS, stream_row,
	  "SELECT idx, label, media, codec, rate_hz, participant FROM streams "
	  "WHERE recording_id = $1 ORDER BY idx" },
	{ RECORDING_TRACKS, track_row,
	  "SELECT n, kind, format, participant, stream, blob_key, mime, bytes, "
	  "sha256, channels, rate_hz, duration_us FROM tracks "
	  "WHERE recording_id = $1 ORDER BY kind, n, format" },
	{ RECORDING_EVENTS, event_row,
	  "SELECT at_us, offset_us, kind, participant, stream, text, "
	  "duration_us "
	  "FROM events WHERE recording_id = $1 ORDER BY at_us, id" },
	{ RECORDING_WARNINGS, warning_row,
	  "SELECT code, severity, detail, at_us, count FROM warnings "
	  "WHERE recording_id = $1 ORDER BY code, detail" },
	{ RECORDING_MEDIA, media_row,
	  "SELECT idx, from_us, to_us, absent_us, packets, lost, bytes, gaps, "
	  "sketch "
	  "FROM "
	  "stream_media WHERE recording_id = $1 ORDER BY idx" },
	{ RECORDING_CALL, model_row,
	  "SELECT model FROM models WHERE recording_id = $1" },
	{ RECORDING_CALL, leg_row,
	  "SELECT l.recording_id, l.rule, l.call_id, r.duplicate_of, r.half "
	  "FROM call_legs l JOIN "
	  "recordings r ON r.id = l.recording_id WHERE l.call_id = (SELECT "
	  "m.call_id FROM call_legs m WHERE m.recording_id = $1) AND "
	  "r.deleted_us = 0 ORDER BY r.started_us, l.recording_id" },
};

static void fill(struct load *l, struct db_row *row)
{
	struct recording *r = l->r;
	const char *state = db_col_text(row, 6);

	r->id = take(l, row, 0);
	r->tenant_id = take(l, row, 1);
	r->owner_id = take(l, row, 2);
	r->client_id = take(l, row, 3);
	r->grant_id = take(l, row, 4);
	r->call_id = take(l, row, 5);
	if (!state || recording_state_parse(state, &r->state) < 0)
		l->error = -EIO; /* the table's CHECK forbids it */
	r->started_us = db_col_int(row, 7);
	r->ended_us = db_col_int(row, 8);
	r->duration_us = db_col_int(row, 9);
	r->node = take(l, row, 10);
	r->spool_file = take(l, row, 11);
	r->end_reason = take(l, row, 12);
	r->title = take(l, row, 13);
	r->notes = take(l, row, 14);
	r->meta = db_col_null(row, 15) ? NULL : take(l, row, 15);
	r->bytes = db_col_int(row, 16);
	r->retain_until_us = db_col_int(row, 17);
	r->deleted_us = db_col_int(row, 18);
	r->duplicate_of = take(l, row, 19);
	r->media_dropped_us = db_col_int(row, 20);
	r->half = db_col_int(row, 21) != 0;
	r->paused = db_col_int(row, 22) != 0;
}

int catalog_read_row(struct db_row *row, struct recording **ret_rec)
{
	struct recording *r CLEANUP(recording_destroy) = NULL;
	struct load l = { 0 };

	r = mem_zalloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	l.r = r;
	fill(&l, row);
	if (l.error)
		return l.error;
	*ret_rec = STEAL(r);
	return 0;
}

/* Who paused it, as people know them. */
static int name_actors(struct db *db, struct recording *rec)
{
	char name[ACTOR_NAME_MAX];
	int r = 0;

	for (unsigned i = 0; i < rec->n_events && r == 0; i++) {
		struct recording_event *ev = &rec->events[i];

		if (!str_eq(ev->kind, "pause") && !str_eq(ev->kind, "unpause"))
			continue;
		r = actor_name(db, ev->text, name);
		ev->actor_name = arena_dup(&rec->arena, name);
		if (!ev->actor_name)
			return -ENOMEM;
	}
	return r;
}

int catalog_read_parts(struct db *db, struct recording *r, unsigned parts)
{
	struct load l = { r, 0 };

	for (size_t i = 0; i < ARRAY_SIZE(parts_table); i++) {
		const struct part *p = &parts_table[i];
		int64_t n = 0;

		if (parts & p->bit)
			n = db_query(db, p->sql, DB_ARGS(db_text(r->id)), p->fn,
				     &l);
		if (n < 0)
			return (int)n;
	}
	return name_actors(db, r);
}

static int get_row(void *arg, struct db_row *row)
{
	return catalog_read_row(row, arg);
}

static int half_row(void *arg, struct db_row *row)
{
	struct recording *r = arg;
	int e = catalog_read_row(row, &r->halves[r->n_halves]);

	if (e < 0)
		return e;
	return ++r->n_halves == RECORDING_HALVES_MAX;
}

/* They are of the same owner and grant: who may see this may see them. */
static int read_halves(struct db *db, struct recording *r, unsigned parts)
{
	int64_t n;

	n = db_query(db,
		     "SELECT " CATALOG_READ_COLUMNS " FROM recordings WHERE "
		     "duplicate_of = $1 AND duplicate_of <> '' AND half = 1 "
		     "AND deleted_us = 0 ORDER BY started_us, id",
		     DB_ARGS(db_text(r->id)), half_row, r);
	for (unsigned i = 0; n >= 0 && i < r->n_halves; i++)
		n = catalog_read_parts(db, r->halves[i], parts);
	return n < 0 ? (int)n : 0;
}

int recording_get(struct db *db, const struct catalog_scope *scope,
		  const char *id, unsigned parts, struct recording **ret_rec)
{
	struct recording *r CLEANUP(recording_destroy) = NULL;
	int64_t n;

	n = db_query(db,
		     "SELECT " CATALOG_READ_COLUMNS " FROM recordings WHERE "
		     "id = $1 AND deleted_us = 0" SCOPE_SQL(
			     "$2", "$3", "$4", "$5", "$6", "$7", "$8"),
		     DB_ARGS(db_text(id), SCOPE_ARGS(scope)), get_row, &r);
	if (n < 0)
		return (int)n;
	if (n == 0)
		return -ENOENT;
	n = catalog_read_parts(db, r, parts);
	if (n == 0 && parts & RECORDING_CALL)
		n = read_halves(db, r, parts);
	if (n < 0)
		return (int)n;
	*ret_rec = STEAL(r);
	return 0;
}

int recording_has_file(struct db *db, const char *id, const char *blob_key)
{
	int64_t n;
	int r = db_query_int(db,
			     "SELECT count(*) FROM tracks t JOIN recordings r "
			     "ON r.id = t.recording_id WHERE r.id = $1 AND "
			     "r.deleted_us = 0 AND t.blob_key = $2",
			     DB_ARGS(db_text(id), db_text(blob_key)), &n);

	return r < 0 ? r : n > 0;
}

void recording_destroy(struct recording **rp)
{
	struct recording *r = *rp;

	if (!r)
		return;
	*rp = NULL;
	for (unsigned i = 0; i < r->n_halves; i++)
		recording_destroy(&r->halves[i]);
	arena_free(&r->arena);
	mem_free(r->participants);
	mem_free(r->streams);
	mem_free(r->tracks);
	mem_free(r->events);
	mem_free(r->warnings);
	mem_free(r->legs);
	mem_free(r->media);
	mem_free(r);
}

const struct recording_participant *recording_party(const struct recording *r,
						    int ord)
{
	for (unsigned i = 0; i < r->n_participants; i++)
		if ((int)r->participants[i].ord == ord)
			return &r->participants[i];
	return NULL;
}

const struct recording_track *recording_track(const struct recording *r,
					      const char *kind, unsigned n,
					      const char *format)
{
	for (unsigned i = 0; i < r->n_tracks; i++) {
		const struct recording_track *t = &r->tracks[i];

		if (t->n == n && str_eq(t->kind, kind) &&
		    (!format || str_eq(t->format, format)))
			return t;
	}
	return NULL;
}

struct message_walk {
	recording_message_fn *fn;
	void *arg;
};

static int message_row(void *arg, struct db_row *row)
{
	struct message_walk *w = arg;
	struct recording_message m = {
		.at_us = db_col_int(row, 0),
		.dir = db_col_text(row, 1),
		.transport = db_col_text(row, 2),
		.peer = db_col_text(row, 3),
	};

	m.body = db_col_blob(row, 4, &m.len);
	return w->fn(w->arg, &m);
}

int64_t recording_each_message(struct db *db, const char *id,
			       recording_message_fn *fn, void *arg)
{
	struct message_walk w = { fn, arg };

	return db_query(db,
			"SELECT at_us, dir, transport, peer, body "
			"FROM signalling WHERE recording_id = $1 ORDER BY id",
			DB_ARGS(db_text(id)), message_row, &w);
}
