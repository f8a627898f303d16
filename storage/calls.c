#include "storage/calls.h"

#include <errno.h>

#include "base/mem.h"
#include "base/str.h"
#include "storage/catalog_priv.h"
#include "storage/db.h"

struct found {
	struct id call;
};

static int found_row(void *arg, struct db_row *row)
{
	struct found *f = arg;

	(void)str_copy(f->call.s, sizeof(f->call.s), db_col_text(row, 0));
	return 0;
}

/* A call counts while one of its recordings is live or ended just now. */
static int64_t find(struct db *db, const struct call_leg_new *leg,
		    const struct call_key *k, struct found *f)
{
	return db_query(
		db,
		"SELECT k.call_id FROM call_keys k WHERE k.grant_id = $1 AND "
		"k.rule = $2 AND k.value = $3 AND EXISTS (SELECT 1 FROM "
		"recordings r WHERE (r.id = k.call_id OR r.id IN (SELECT "
		"l.recording_id FROM call_legs l WHERE l.call_id = k.call_id)) "
		"AND r.id <> $4 AND r.deleted_us = 0 AND "
		"(r.state = 'recording' OR r.ended_us >= $5))",
		DB_ARGS(db_text(leg->grant_id), db_text(k->rule),
			db_text(k->value), db_text(leg->recording_id),
			db_int(leg->started_us - leg->window_us)),
		found_row, f);
}

static bool is_anonymous(const char *user)
{
	static const char *const words[] = { "", "anonymous", "unavailable",
					     "unknown", "restricted" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (str_eq(user, words[i]))
			return true;
	return false;
}

/* The same address, or the same id and no other address. */
static int64_t find_sign(struct db *db, const struct call_leg_new *leg,
			 const struct call_sign *sign, const char *call_id)
{
	char *aor CLEANUP(mem_freep) = NULL, *user CLEANUP(mem_freep) = NULL;
	int64_t n = 0, r = catalog_aor_keys(sign->aor, &aor, &user);

	if (r < 0)
		return r;
	r = db_query_int(
		db,
		"SELECT count(*) FROM participants p WHERE p.recording_id IN "
		"(SELECT $1 UNION SELECT l.recording_id FROM call_legs l WHERE "
		"l.call_id = $1) AND p.recording_id <> $2 AND "
		"((p.aor_key = $3 AND $4) OR (p.ext_id = $5 AND p.ext_id <> '' "
		"AND (p.aor_key IN ('', $3) OR $3 = '')))",
		DB_ARGS(db_text(call_id), db_text(leg->recording_id),
			db_text(aor), db_int(!is_anonymous(user)),
			db_text(sign->ext_id)),
		&n);
	return r < 0 ? r : n;
}

/* Does anything but the key say that it is the same call? */
static int64_t is_signed(struct db *db, const struct call_leg_new *leg,
			 const char *call_id)
{
	int64_t r = 0;

	for (unsigned i = 0; i < leg->n_signs && i < CALL_SIGNS_MAX && r == 0;
	     i++)
		r = find_sign(db, leg, &leg->signs[i], call_id);
	return r;
}

static int64_t remember(struct db *db, const struct call_leg_new *leg,
			const struct call_key *k, const char *call_id)
{
	return db_exec(db,
		       "INSERT INTO call_keys (grant_id, rule, value, call_id, "
		       "at_us) VALUES ($1, $2, $3, $4, $5) ON CONFLICT "
		       "(grant_id, rule, value) DO UPDATE SET call_id = "
		       "excluded.call_id, at_us = excluded.at_us",
		       DB_ARGS(db_text(leg->grant_id), db_text(k->rule),
			       db_text(k->value), db_text(call_id),
			       db_int(leg->started_us)));
}

static int64_t add_leg(struct db *db, const char *recording_id,
		       const char *call_id, const char *rule)
{
	return db_exec(db,
		       "INSERT INTO call_legs (recording_id, call_id, rule) "
		       "VALUES ($1, $2, $3) ON CONFLICT (recording_id) DO "
		       "NOTHING",
		       DB_ARGS(db_text(recording_id), db_text(call_id),
			       db_text(rule)));
}

int call_check_again(struct db *db, const char *recording_id)
{
	int64_t r = db_exec(db,
			    "INSERT INTO leg_checks (call_id, fresh) SELECT "
			    "call_id, 1 FROM call_legs WHERE recording_id = $1 "
			    "ON CONFLICT (call_id) DO UPDATE SET fresh = 1",
			    DB_ARGS(db_text(recording_id)));

	return r < 0 ? (int)r : 0;
}

static int64_t join(struct db *db, const struct call_leg_new *leg,
		    const struct call_key *keys, unsigned n,
		    struct found *ret_f)
{
	const char *rule = NULL;
	int64_t r = 0;

	for (unsigned i = 0; i < n && r == 0; i++) {
		r = find(db, leg, &keys[i], ret_f);
		if (r > 0 && keys[i].needs_sign)
			r = is_signed(db, leg, ret_f->call.s);
		if (r > 0)
			rule = keys[i].rule;
	}
	if (r < 0)
		return r;
	if (!rule)
		(void)str_copy(ret_f->call.s, sizeof(ret_f->call.s),
			       leg->recording_id);
	r = rule ? add_leg(db, ret_f->call.s, ret_f->call.s, "") : 0;
	if (r >= 0 && rule)
		r = add_leg(db, leg->recording_id, ret_f->call.s, rule);
	if (r >= 0 && rule)
		r = call_check_again(db, leg->recording_id);
	for (unsigned i = 0; i < n && r >= 0; i++)
		r = remember(db, leg, &keys[i], ret_f->call.s);
	return r < 0 ? r : rule != NULL;
}

int call_join(struct db *db, const struct call_leg_new *leg,
	      const struct call_key *keys, unsigned n, struct id *ret_call)
{
	struct found f = { 0 };
	int64_t joined;
	int r = db_begin(db);

	if (r < 0)
		return r;
	joined = join(db, leg, keys, n, &f);
	if (joined < 0) {
		db_rollback(db);
		return (int)joined;
	}
	r = db_commit(db);
	if (r < 0)
		return r;
	*ret_call = f.call;
	return (int)joined;
}

int call_note_dialog(struct db *db, const struct call_leg_new *leg,
		     struct span call_id)
{
	struct call_key k = { .rule = CALL_RULE_REPLACES };
	struct found f = { 0 };
	int64_t n;

	(void)span_copy(k.value, sizeof(k.value), call_id);
	str_clean(k.value);
	n = db_query(db,
		     "SELECT coalesce((SELECT l.call_id FROM call_legs l WHERE "
		     "l.recording_id = r.id), r.id) FROM recordings r WHERE "
		     "r.grant_id = $1 AND r.call_id = $2 AND r.id <> $3 AND "
		     "r.deleted_us = 0 AND (r.state = 'recording' OR "
		     "r.ended_us >= $4) ORDER BY r.id DESC LIMIT 1",
		     DB_ARGS(db_text(leg->grant_id), db_text(k.value),
			     db_text(leg->recording_id),
			     db_int(leg->started_us - leg->window_us)),
		     found_row, &f);
	if (n > 0) {
		int64_t r = remember(db, leg, &k, f.call.s);

		return r < 0 ? (int)r : 1;
	}
	return (int)n;
}

int64_t call_keys_sweep(struct db *db, int64_t before_us)
{
	return db_exec(db, "DELETE FROM call_keys WHERE at_us < $1",
		       DB_ARGS(db_int(before_us)));
}

int model_set(struct db *db, const char *recording_id, const char *json)
{
	int64_t r = db_exec(db,
			    "INSERT INTO models (recording_id, model) VALUES "
			    "($1, $2) ON CONFLICT (recording_id) DO UPDATE SET "
			    "model = excluded.model",
			    DB_ARGS(db_text(recording_id), db_text(json)));

	return r < 0 ? (int)r : 0;
}

static int model_row(void *arg, struct db_row *row)
{
	char **ret_json = arg;

	*ret_json = mem_strdup(db_col_text(row, 0));
	return *ret_json ? 0 : -ENOMEM;
}

int model_get(struct db *db, const char *recording_id, char **ret_json)
{
	char *json = NULL;
	int64_t n =
		db_query(db, "SELECT model FROM models WHERE recording_id = $1",
			 DB_ARGS(db_text(recording_id)), model_row, &json);

	if (n <= 0)
		return n < 0 ? (int)n : -ENODATA;
	*ret_json = json;
	return 0;
}
