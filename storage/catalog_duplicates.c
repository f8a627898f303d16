#include "storage/catalog_duplicates.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "storage/audit.h"
#include "storage/blob.h"
#include "storage/calls.h"
#include "storage/catalog_priv.h"
#include "storage/catalog_search.h"
#include "storage/legs.h"

#define CALLS_AT_ONCE 32u
#define REMOVALS_AT_ONCE 20u
#define LEGS_MAX 16u
#define DAMAGED_CODE "media.damaged"

/* The recordings of one call; the legs point into them. */
struct call {
	struct recording *recs[LEGS_MAX];
	struct leg legs[LEGS_MAX];
	json_t *models[LEGS_MAX];
	struct recording_arena *arena;
	char ids[LEGS_MAX][ID_LEN + 1];
	char rules[LEGS_MAX][16];
	unsigned n_ids, n;
};

static void call_destroy(struct call **cp)
{
	struct call *c = *cp;

	if (!c)
		return;
	*cp = NULL;
	for (unsigned i = 0; i < LEGS_MAX; i++) {
		recording_destroy(&c->recs[i]);
		json_decref(c->models[i]);
	}
	arena_free(&c->arena);
	mem_free(c);
}

/* ---- what is known of a leg ---- */

/* Those who say nothing of who they are. */
static bool is_anonymous(const char *aor_key)
{
	struct span rest = span_of(aor_key), user = span_cut(&rest, '@');

	return user.len == 0 || span_eq(user, "anonymous") ||
	       span_eq(user, "unavailable") || span_eq(user, "unknown") ||
	       span_eq(user, "restricted");
}

/* @return 0 also when nobody knows (NULL), -ENOMEM */
static int find_sender(struct call *c, const struct recording *rec, int ord,
		       const char **ret_key)
{
	const struct recording_participant *p = recording_party(rec, ord);
	char *aor CLEANUP(mem_freep) = NULL, *user CLEANUP(mem_freep) = NULL;
	const char *key;
	int r;

	*ret_key = NULL;
	if (!p)
		return 0;
	r = catalog_aor_keys(p->aor, &aor, &user);
	if (r < 0)
		return r;
	key = is_anonymous(aor) ? p->ext_id : aor;
	if (!*key)
		return 0;
	*ret_key = arena_dup(&c->arena, key);
	return *ret_key ? 0 : -ENOMEM;
}

static bool is_of(const char *sender, const char *person)
{
	size_t len = strlen(person);

	return sender && strncmp(sender, person, len) == 0 &&
	       (sender[len] == '\0' || sender[len] == ' ');
}

/* The second stream of the same person is another one. */
static int number_sender(struct call *c, const struct leg *l,
			 struct leg_stream *s)
{
	char key[400];
	unsigned n = 0;

	for (unsigned i = 0; s->sender && i < l->n_streams; i++)
		n += str_eq(l->streams[i].kind, s->kind) &&
		     is_of(l->streams[i].sender, s->sender);
	if (n == 0)
		return 0;
	(void)snprintf(key, sizeof(key), "%s #%u", s->sender, n);
	s->sender = arena_dup(&c->arena, key);
	return s->sender ? 0 : -ENOMEM;
}

static unsigned hex_digit(char c)
{
	return c >= 'a' ? (unsigned)(c - 'a' + 10) : (unsigned)(c - '0');
}

/* "FROM-TO FROM-TO" */
static void read_gaps(const char *text, struct leg_stream *s)
{
	struct span rest = span_of(text);

	s->gaps_cut = str_eq(text, "*");
	while (rest.len && !s->gaps_cut) {
		struct span to = span_cut(&rest, ' ');
		struct span from = span_cut(&to, '-');
		uint64_t a, b;

		if (s->n_gaps == LEG_GAPS_MAX ||
		    span_u64(from, INT64_MAX, &a) < 0 ||
		    span_u64(to, INT64_MAX, &b) < 0)
			s->gaps_cut = true;
		else
			s->gaps[s->n_gaps++] =
				(struct leg_gap){ (int64_t)a, (int64_t)b };
	}
}

/* "HASH HASH" */
static void read_sketch(const char *text, struct leg_stream *s)
{
	struct span rest = span_of(text);

	while (rest.len && s->n_sketch < LEG_SKETCH_MAX) {
		struct span one = span_cut(&rest, ' ');
		uint64_t h = 0;

		for (size_t i = 0; i < one.len; i++)
			h = h << 4 | hex_digit(one.p[i]);
		s->sketch[s->n_sketch++] = h;
	}
}

static void measure(const struct recording *rec, unsigned idx,
		    struct leg_stream *s)
{
	for (unsigned i = 0; i < rec->n_media; i++) {
		const struct recording_media *m = &rec->media[i];

		if (m->stream != idx)
			continue;
		s->measured = true;
		s->from_us = m->from_us;
		s->to_us = m->to_us;
		s->absent_us = m->absent_us;
		s->packets = m->packets;
		s->lost = m->lost;
		s->bytes = m->bytes;
		read_gaps(m->gaps, s);
		read_sketch(m->sketch, s);
	}
}

static int fill_streams(struct call *c, const struct recording *rec,
			struct leg *l)
{
	int r = 0;

	for (unsigned i = 0; i < rec->n_streams && r == 0; i++) {
		const struct recording_stream *from = &rec->streams[i];
		struct leg_stream s = {
			.kind = from->media,
			.codec = from->codec,
			.mix = from->participant == RECORDING_STREAM_MIX,
		};

		measure(rec, from->idx, &s);
		if (!*from->codec && s.packets == 0)
			continue; /* refused */
		if (l->n_streams == LEG_STREAMS_MAX) {
			l->alone = true; /* nobody compares so many */
			return 0;
		}
		r = find_sender(c, rec, from->participant, &s.sender);
		if (r == 0)
			r = number_sender(c, l, &s);
		if (r == 0)
			l->streams[l->n_streams++] = s;
	}
	return r;
}

static void fill_sessions(const json_t *model, struct leg *l)
{
	const json_t *list = json_object_get(model, "sessions");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *id = json_string_value(
			json_object_get(json_array_get(list, i), "id"));

		l->sessions_cut |= l->n_sessions == LEG_SESSIONS_MAX;
		if (id && !l->sessions_cut)
			l->sessions[l->n_sessions++] = id;
	}
}

static bool is_measured(const struct recording *rec, int stream)
{
	for (unsigned i = 0; i < rec->n_media; i++)
		if ((int)rec->media[i].stream == stream)
			return true;
	return false;
}

/* Nothing is wrong with it, and there is nothing in it that we cannot
 * compare (video, text). */
static bool is_complete(const struct recording *rec)
{
	for (unsigned i = 0; i < rec->n_warnings; i++)
		if (str_eq(rec->warnings[i].severity, "error"))
			return false;
	for (unsigned i = 0; i < rec->n_tracks; i++) {
		const struct recording_track *t = &rec->tracks[i];

		if (!str_eq(t->kind, "mix") && !str_eq(t->kind, "peaks") &&
		    !is_measured(rec, t->stream))
			return false;
	}
	return true;
}

static bool is_damaged(const struct recording *rec)
{
	for (unsigned i = 0; i < rec->n_warnings; i++)
		if (str_eq(rec->warnings[i].code, DAMAGED_CODE))
			return true;
	return false;
}

/* Whose voice is in all of it, of CUCM's two ends. */
static enum leg_end find_end(const struct recording *rec)
{
	enum leg_end end = LEG_WHOLE;

	for (unsigned i = 0; i < rec->n_streams; i++) {
		const struct recording_participant *p =
			recording_party(rec, rec->streams[i].participant);
		struct span id = span_of(p ? p->ext_id : "");
		enum leg_end one = span_starts(id, CALL_NEAR_END)  ? LEG_NEAR
				   : span_starts(id, CALL_FAR_END) ? LEG_FAR
								   : LEG_WHOLE;

		if (one == LEG_WHOLE || (i > 0 && one != end))
			return LEG_WHOLE;
		end = one;
	}
	return end;
}

static int fill_leg(struct call *c, unsigned i, int64_t now_us)
{
	const struct recording *rec = c->recs[i];
	struct leg *l = &c->legs[i];

	l->id = rec->id;
	l->owner_id = rec->owner_id;
	l->started_us = rec->started_us;
	l->ended_us = rec->ended_us ? rec->ended_us : now_us;
	if (l->ended_us <= l->started_us)
		l->ended_us = l->started_us + 1;
	l->live = rec->state == RECORDING_LIVE;
	l->ready = rec->state == RECORDING_READY;
	l->failed = rec->state == RECORDING_FAILED || rec->media_dropped_us ||
		    is_damaged(rec);
	l->complete = is_complete(rec);
	l->alone = l->refci = str_eq(c->rules[i], "refci");
	l->end = find_end(rec);
	l->hidden = *rec->duplicate_of != '\0';
	c->models[i] = rec->model ? json_loads(rec->model, 0, NULL) : NULL;
	fill_sessions(c->models[i], l);
	return fill_streams(c, rec, l);
}

static int id_row(void *arg, struct db_row *row)
{
	struct call *c = arg;

	(void)str_copy(c->ids[c->n_ids], sizeof(c->ids[0]),
		       db_col_text(row, 0));
	(void)str_copy(c->rules[c->n_ids], sizeof(c->rules[0]),
		       db_col_text(row, 1));
	return ++c->n_ids == LEGS_MAX;
}

static int load(struct db *db, const char *call_id, int64_t now_us,
		struct call **ret_c)
{
	struct call *c CLEANUP(call_destroy) = mem_zalloc(sizeof(*c));
	const struct catalog_scope all = { 0 };
	int64_t r;

	if (!c)
		return -ENOMEM;
	r = db_query(db,
		     "SELECT l.recording_id, l.rule FROM call_legs l JOIN "
		     "recordings r ON r.id = l.recording_id WHERE l.call_id = "
		     "$1 AND r.deleted_us = 0 ORDER BY r.started_us, r.id",
		     DB_ARGS(db_text(call_id)), id_row, c);
	for (unsigned i = 0; r >= 0 && i < c->n_ids; i++) {
		r = recording_get(db, &all, c->ids[i], RECORDING_ALL,
				  &c->recs[i]);
		if (r == 0)
			r = fill_leg(c, i, now_us);
	}
	if (r < 0)
		return (int)r;
	c->n = c->n_ids;
	*ret_c = STEAL(c);
	return 0;
}

/* ---- what follows ---- */

/* What people wrote stays in front. */
static int move_words(struct db *db, const char *from, const char *to)
{
	int64_t r = db_exec(
		db,
		"UPDATE recordings SET title = CASE WHEN title = '' THEN "
		"(SELECT f.title FROM recordings f WHERE f.id = $1) ELSE title "
		"END, notes = CASE WHEN notes = '' THEN (SELECT f.notes FROM "
		"recordings f WHERE f.id = $1) ELSE notes END WHERE id = $2",
		DB_ARGS(db_text(from), db_text(to)));

	return r < 0 ? (int)r : catalog_index(db, to);
}

/* All of them expire with the one in front: not before any one would. */
static int keep_as_long(struct db *db, const char *from, const char *to)
{
	int64_t r = db_exec(
		db,
		"UPDATE recordings SET retain_until_us = (SELECT "
		"f.retain_until_us FROM recordings f WHERE f.id = $1) WHERE "
		"id = $2 AND retain_until_us > 0 AND EXISTS (SELECT 1 FROM "
		"recordings f WHERE f.id = $1 AND (f.retain_until_us = 0 OR "
		"f.retain_until_us > recordings.retain_until_us))",
		DB_ARGS(db_text(from), db_text(to)));

	return r < 0 ? (int)r : 0;
}

/* Who takes part in the other half takes part in the call. */
static int move_people(struct db *db, const char *from, const char *to)
{
	int64_t r = db_exec(
		db,
		"INSERT INTO participants (recording_id, ord, ext_id, aor, "
		"name, aor_key, user_key, joined_us, left_us) SELECT $1, "
		"row_number() OVER (ORDER BY h.ord) + (SELECT "
		"coalesce(max(ord), -1) FROM participants WHERE recording_id = "
		"$1), h.ext_id, h.aor, h.name, h.aor_key, h.user_key, "
		"h.joined_us, h.left_us FROM participants h WHERE "
		"h.recording_id = $2 AND NOT EXISTS (SELECT 1 FROM "
		"participants p WHERE p.recording_id = $1 AND (p.aor_key = "
		"h.aor_key OR p.ext_id = h.ext_id))",
		DB_ARGS(db_text(to), db_text(from)));

	if (r >= 0)
		r = db_exec(db,
			    "UPDATE participants SET name = h.name FROM "
			    "(SELECT aor_key, max(name) AS name FROM "
			    "participants WHERE recording_id = $1 GROUP BY "
			    "aor_key) AS h WHERE participants.recording_id = "
			    "$2 AND participants.name = '' AND "
			    "participants.aor_key = h.aor_key",
			    DB_ARGS(db_text(from), db_text(to)));
	return r < 0 ? (int)r : catalog_index(db, to);
}

static int write_decision(struct db *db, const struct call *c)
{
	for (unsigned i = 0; i < c->n; i++) {
		int behind = c->legs[i].behind;
		const char *front = behind < 0 ? "" : c->legs[behind].id;
		int64_t r;

		if (str_eq(c->recs[i]->duplicate_of, front) &&
		    c->recs[i]->half == c->legs[i].half)
			continue;
		r = db_exec(db,
			    "UPDATE recordings SET duplicate_of = $1, half = "
			    "$2 WHERE id = $3",
			    DB_ARGS(db_text(front), db_int(c->legs[i].half),
				    db_text(c->legs[i].id)));
		if (r >= 0 && *front)
			r = keep_as_long(db, c->legs[i].id, front);
		if (r >= 0 && *front && !c->legs[i].hidden &&
		    (*c->recs[i]->title || *c->recs[i]->notes))
			r = move_words(db, c->legs[i].id, front);
		if (r >= 0 && c->legs[i].half)
			r = move_people(db, c->legs[i].id, front);
		if (r < 0)
			return (int)r;
	}
	return 0;
}

static int compared(struct db *db, const char *call_id, bool over)
{
	int64_t r = db_exec(db,
			    over ? "DELETE FROM leg_checks WHERE call_id = $1"
				 : "UPDATE leg_checks SET fresh = 0 WHERE "
				   "call_id = $1",
			    DB_ARGS(db_text(call_id)));

	return r < 0 ? (int)r : 0;
}

static bool all_over(const struct call *c)
{
	for (unsigned i = 0; i < c->n; i++)
		if (c->recs[i]->state == RECORDING_LIVE ||
		    c->recs[i]->state == RECORDING_RENDERING)
			return false;
	return true;
}

/* Only when all is over: until then things may change. */
static bool may_drop(const struct call *c, unsigned i)
{
	const struct leg *l = &c->legs[i];

	return l->behind >= 0 && !l->half && l->ready &&
	       !c->recs[i]->media_dropped_us &&
	       leg_covers(&c->legs[l->behind], l);
}

static bool any_to_drop(const struct call *c)
{
	for (unsigned i = 0; i < c->n; i++)
		if (may_drop(c, i))
			return true;
	return false;
}

static int drop(struct db *db, const struct recording *rec, int64_t now_us)
{
	char object[64];
	const struct audit_entry entry = {
		.at_us = now_us,
		.tenant_id = rec->tenant_id,
		.actor = "system",
		.action = "recording.drop_duplicate",
		.object = object,
		.result = "ok",
	};
	int64_t r;

	(void)snprintf(object, sizeof(object), "recording:%s", rec->id);
	r = db_exec(db, "DELETE FROM tracks WHERE recording_id = $1",
		    DB_ARGS(db_text(rec->id)));
	if (r >= 0)
		r = db_exec(db,
			    "UPDATE recordings SET bytes = 0, "
			    "media_dropped_us = $1 WHERE id = $2",
			    DB_ARGS(db_int(now_us), db_text(rec->id)));
	if (r >= 0)
		r = db_exec(db,
			    "INSERT INTO media_removals (recording_id, "
			    "tenant_id) VALUES ($1, $2) ON CONFLICT "
			    "(recording_id) DO NOTHING",
			    DB_ARGS(db_text(rec->id), db_text(rec->tenant_id)));
	return r < 0 ? (int)r : audit_add(db, &entry);
}

static int tell_damage(struct db *db, const char *id, int64_t now_us)
{
	const struct recording_warning w = {
		.code = DAMAGED_CODE,
		.severity = "error",
		.detail = "a file is missing or not what it was",
		.at_us = now_us,
	};

	return recording_add_warning(db, id, &w);
}

/* @return 1 every file is what the catalog says, 0 one is not, -errno nobody
 * knows */
static int files_are_fine(struct blob_store *blobs, const struct recording *rec)
{
	struct blob_info info;

	for (unsigned i = 0; i < rec->n_tracks; i++) {
		const struct recording_track *t = &rec->tracks[i];
		int r = blob_hash(blobs, t->blob_key, &info);

		if (r < 0)
			return r == -ENOENT ? 0 : r;
		if (info.bytes != t->bytes || !str_eq(info.sha256, t->sha256))
			return 0;
	}
	return 1;
}

/* ---- one call ---- */

struct check {
	struct db *db;
	struct blob_store *blobs;
	const char *call_id;
	int64_t now_us;
	struct duplicates_round *round;
};

/* Who stands where. @return 1 there is media to drop, 0 nothing more to do */
static int look(const struct check *k, struct call **ret_c)
{
	int r = load(k->db, k->call_id, k->now_us, ret_c);
	bool to_drop;

	if (r < 0)
		return r;
	legs_decide((*ret_c)->legs, (*ret_c)->n);
	to_drop = all_over(*ret_c) && any_to_drop(*ret_c);
	r = write_decision(k->db, *ret_c);
	if (r == 0)
		r = compared(k->db, k->call_id, all_over(*ret_c) && !to_drop);
	return r < 0 ? r : to_drop;
}

/* Files are read outside of any transaction: that may take long.
 * @return 1 all are fine, 0 damaged has the others, -errno */
static int read_fronts(const struct check *k, const struct call *c,
		       bool damaged[LEGS_MAX])
{
	bool all_fine = true;
	int r;

	for (unsigned i = 0; i < c->n; i++) {
		int front = c->legs[i].behind;

		if (!may_drop(c, i) || damaged[front])
			continue;
		r = files_are_fine(k->blobs, c->recs[front]);
		if (r < 0)
			return r;
		damaged[front] = r == 0;
		all_fine &= r == 1;
	}
	return all_fine;
}

static int say_damage(const struct check *k, const struct call *c,
		      const bool damaged[LEGS_MAX])
{
	int r = 0;

	for (unsigned i = 0; i < c->n && r == 0; i++)
		if (damaged[i])
			r = tell_damage(k->db, c->legs[i].id, k->now_us);
	return r;
}

/* Nothing may have changed since the files were read. */
static bool is_same(const struct call *a, const struct call *b)
{
	if (a->n != b->n)
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (!str_eq(a->legs[i].id, b->legs[i].id) ||
		    a->legs[i].behind != b->legs[i].behind ||
		    a->recs[i]->state != b->recs[i]->state)
			return false;
	return true;
}

static int drop_all(const struct check *k, const struct call *before)
{
	struct call *c CLEANUP(call_destroy) = NULL;
	int r = look(k, &c);

	if (r <= 0 || !is_same(before, c))
		return r < 0 ? r : 0; /* looked at again with the next round */
	for (unsigned i = 0; i < c->n && r >= 0; i++) {
		if (!may_drop(c, i))
			continue;
		r = drop(k->db, c->recs[i], k->now_us);
		k->round->dropped++;
	}
	return r < 0 ? r : compared(k->db, k->call_id, true);
}

static int check_call(const struct check *k)
{
	struct call *c CLEANUP(call_destroy) = NULL;
	bool damaged[LEGS_MAX] = { false };
	int fine, r = db_begin(k->db);

	if (r < 0)
		return r;
	r = catalog_end(k->db, look(k, &c));
	if (r <= 0)
		return r;
	fine = read_fronts(k, c, damaged);
	if (fine < 0)
		return fine; /* tried again with the next round */
	r = db_begin(k->db);
	if (r < 0)
		return r;
	/* where one is damaged another may stand in front: next round */
	return catalog_end(k->db,
			   fine ? drop_all(k, c) : say_damage(k, c, damaged));
}

/* ---- rounds ---- */

struct names {
	struct {
		char id[ID_LEN + 1], tenant_id[ID_LEN + 1];
	} items[CALLS_AT_ONCE];
	unsigned n;
};

static int name_row(void *arg, struct db_row *row)
{
	struct names *l = arg;

	(void)str_copy(l->items[l->n].id, sizeof(l->items[0].id),
		       db_col_text(row, 0));
	(void)str_copy(l->items[l->n].tenant_id, sizeof(l->items[0].tenant_id),
		       db_col_text(row, 1));
	l->n++;
	return 0;
}

static int64_t due_calls(struct db *db, struct names *ret_l)
{
	return db_query(
		db,
		"SELECT c.call_id, '' FROM leg_checks c WHERE c.fresh = 1 OR "
		"NOT EXISTS (SELECT 1 FROM call_legs l JOIN recordings r ON "
		"r.id = l.recording_id WHERE l.call_id = c.call_id AND "
		"r.deleted_us = 0 AND r.state IN ('recording', 'rendering')) "
		"LIMIT $1",
		DB_ARGS(db_int(CALLS_AT_ONCE)), name_row, ret_l);
}

static int remove_media(struct db *db, struct blob_store *blobs,
			int64_t *ret_removed)
{
	struct names l = { .n = 0 };
	char prefix[2 * ID_LEN + 3];
	int64_t r;

	r = db_query(db,
		     "SELECT recording_id, tenant_id FROM media_removals "
		     "LIMIT $1",
		     DB_ARGS(db_int(REMOVALS_AT_ONCE)), name_row, &l);
	for (unsigned i = 0; r >= 0 && i < l.n; i++) {
		(void)snprintf(prefix, sizeof(prefix), "%s/%s/",
			       l.items[i].tenant_id, l.items[i].id);
		r = blob_remove_all(blobs, prefix);
		if (r == 0)
			r = db_exec(db,
				    "DELETE FROM media_removals WHERE "
				    "recording_id = $1",
				    DB_ARGS(db_text(l.items[i].id)));
		*ret_removed += r > 0;
	}
	return r < 0 ? (int)r : 0;
}

int duplicates_round(struct db *db, struct blob_store *blobs, int64_t now_us,
		     struct duplicates_round *ret_round)
{
	struct duplicates_round round = { 0 };
	struct names l = { .n = 0 };
	int64_t n = due_calls(db, &l);

	for (unsigned i = 0; n > 0 && i < l.n; i++) {
		const struct check k = { db, blobs, l.items[i].id, now_us,
					 &round };
		int r = check_call(&k);

		if (r < 0)
			log_warn(NULL, "catalog.call_not_compared",
				 LOG_S("call", k.call_id), LOG_E(r));
		round.calls++;
	}
	if (n >= 0)
		n = remove_media(db, blobs, &round.removed);
	*ret_round = round;
	return n < 0 ? (int)n : 0;
}

static int show_all(struct db *db)
{
	int64_t r = db_exec(db, "DELETE FROM leg_checks", DB_NONE);

	if (r >= 0)
		r = db_exec(db,
			    "UPDATE recordings SET duplicate_of = '', half = 0 "
			    "WHERE duplicate_of <> '' AND media_dropped_us = "
			    "0",
			    DB_NONE);
	return r < 0 ? (int)r : 0;
}

int duplicates_none(struct db *db)
{
	int64_t any;
	int r = db_query_int(db,
			     "SELECT EXISTS (SELECT 1 FROM leg_checks) OR "
			     "EXISTS (SELECT 1 FROM recordings WHERE "
			     "duplicate_of <> '' AND media_dropped_us = 0)",
			     DB_NONE, &any);

	if (r < 0 || !any)
		return r;
	r = db_begin(db);
	return r < 0 ? r : catalog_end(db, show_all(db));
}
