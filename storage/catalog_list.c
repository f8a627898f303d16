/* Lists: one SQL text per combination of filters, so that each uses the index
 * that fits; values are always bound. Full-text words are quoted one by one,
 * so nothing a person types is ever an operator. */
#include "storage/catalog_search.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "storage/catalog_priv.h"
#include "storage/catalog_read.h"
#include "storage/search_text.h"

#define ARGS_MAX 20u
#define WORDS_MAX 16u
#define WORD_BYTES_MAX 100u
#define SQL_MAX 4096u
#define MATCH_MAX 8192u
#define RARE_MAX 2000
#define INDEX_AT_ONCE 500u

/* What leads: the index by time, in which the other conditions are looked up
 * until the page is full (good for what is found often); or the hits of the
 * words or of the participant, when they are so few that sorting them costs
 * less. The planner can't know, so we count first, and hide the columns of the
 * other indexes from it by a "+". */
enum lead { BY_TIME, BY_WORDS, BY_PEOPLE };

struct list {
	struct db *db;
	const struct recording_filter *f;
	recording_fn *fn;
	void *arg;
	char *ret_cursor;
	/* the statement */
	enum lead lead;
	struct buf sql;
	struct db_val args[ARGS_MAX];
	unsigned n_args;
	/* values that must live as long as it */
	struct buf match;
	char *aor, *user;
	char after_id[ID_LEN + 1];
	int error; /* of one of them: no memory */
	/* the result */
	unsigned seen;
	char last[RECORDING_CURSOR_MAX];
};

static void list_fini(struct list *l)
{
	buf_fini(&l->sql);
	buf_fini(&l->match);
	mem_free(l->aor);
	mem_free(l->user);
}

/* Append "text$N" with the next value. */
static void where(struct list *l, const char *text, struct db_val v)
{
	l->args[l->n_args++] = v;
	(void)buf_printf(&l->sql, "%s$%u", text, l->n_args); /* sticks */
}

static struct span cut_word(struct span *q)
{
	struct span w = { q->p, 0 };

	while (w.len < q->len && (unsigned char)q->p[w.len] > ' ')
		w.len++;
	*q = (struct span){ q->p + w.len, q->len - w.len };
	while (q->len && (unsigned char)*q->p <= ' ')
		*q = (struct span){ q->p + 1, q->len - 1 };
	return w;
}

/* One word as a quoted FTS5 prefix; of characters that are words, a phrase.
 * Words without a letter or digit are not in the index. @return true when
 * something was added */
static bool put_word(struct list *l, struct buf *b, bool first, struct span w)
{
	bool any = false;
	struct buf apart;

	for (size_t i = 0; i < w.len; i++)
		any |= (w.p[i] & 0x80) || isalnum((unsigned char)w.p[i]);
	if (!any)
		return false;
	if (w.len > WORD_BYTES_MAX) {
		w.len = WORD_BYTES_MAX;
		while (w.len && (w.p[w.len] & 0xc0) == 0x80)
			w.len--;
	}
	buf_init(&apart, 4 * WORD_BYTES_MAX);
	search_put_words(&apart, w);
	(void)buf_puts(b, first ? "{people words} : \""
				: " AND {people words} : \"");
	for (size_t i = 0; i < apart.len; i++) {
		if (buf_str(&apart)[i] == '"')
			(void)buf_putc(b, '"');
		(void)buf_putc(b, buf_str(&apart)[i]);
	}
	(void)buf_puts(b, "\"*");
	if (buf_error(&apart) < 0)
		l->error = buf_error(&apart);
	buf_fini(&apart);
	return true;
}

/* The words of q that may be one number together: "(20) 7946 0123". @return
 * how far they reach, 0 = the first is no part of one */
static size_t number_len(struct span q)
{
	const char *begin = q.p;
	size_t len = 0;

	while (q.len) {
		struct span w = cut_word(&q);
		struct span all = { begin, (size_t)(w.p + w.len - begin) };

		if (!search_digits(w) || !search_digits(all))
			break;
		len = all.len;
	}
	return len;
}

/* All of the words, each a prefix. @return how many */
static unsigned put_words(struct list *l, struct buf *b, struct span q)
{
	unsigned n = 0;

	for (unsigned seen = 0; q.len && seen < WORDS_MAX; seen++)
		n += put_word(l, b, n == 0, cut_word(&q));
	return n;
}

/* "(words OR number)", or the words alone. @return false: nothing to find */
static bool put_part(struct list *l, struct span part, bool number)
{
	struct buf words;
	bool any;

	buf_init(&words, MATCH_MAX);
	any = put_words(l, &words, part) > 0;
	if (buf_error(&words) < 0)
		l->error = buf_error(&words);
	if (any) {
		(void)buf_puts(&l->match, l->match.len ? " AND ((" : "((");
		(void)buf_put(&l->match, words.data, words.len);
		(void)buf_putc(&l->match, ')');
		if (number && search_digits(part) >= SEARCH_DIGITS_MIN) {
			(void)buf_puts(&l->match, " OR ");
			(void)search_put_number(&l->match, l->f->numbers, part);
		}
		(void)buf_putc(&l->match, ')');
	}
	buf_fini(&words);
	return any;
}

/* A participant's number, in the same index. @return false: it is none */
static bool put_participant(struct list *l)
{
	struct span p = span_of(l->f->participant);
	size_t before = l->match.len;

	if (search_digits(p) < SEARCH_DIGITS_MIN)
		return false;
	(void)buf_puts(&l->match, before ? " AND (" : "(");
	(void)search_put_number(&l->match, l->f->numbers, p); /* as checked */
	(void)buf_putc(&l->match, ')');
	return true;
}

/* All words of q. @return false: there is a q, but none in it */
static bool make_match(struct list *l)
{
	struct span q = span_trim(span_of(l->f->q));
	unsigned words = 0;
	bool asked = q.len > 0, any = false;

	while (q.len && words < WORDS_MAX) {
		size_t len = number_len(q);
		struct span part = { q.p, len }, rest = q;

		if (len) {
			rest = (struct span){ q.p + len, q.len - len };
			q = span_trim(rest);
		} else {
			part = cut_word(&q);
		}
		for (rest = part; rest.len; words++)
			(void)cut_word(&rest); /* counted only */
		any |= put_part(l, part, len > 0);
	}
	return any || !asked;
}

static void where_words(struct list *l)
{
	if (!l->match.len)
		return;
	where(l,
	      " AND n IN (SELECT rowid FROM recordings_fts "
	      "WHERE recordings_fts MATCH ",
	      db_text(buf_str(&l->match)));
	(void)buf_putc(&l->sql, ')');
}

/* The column of participants that answers, or NULL. */
static const char *people_column(const struct list *l)
{
	if (!l->aor)
		return NULL;
	return strchr(l->aor, '@') ? "aor_key" : "user_key";
}

static const char *people_value(const struct list *l)
{
	return strchr(l->aor, '@') ? l->aor : l->user;
}

static void where_participant(struct list *l)
{
	if (!l->aor)
		return;
	(void)buf_printf(&l->sql,
			 " AND %sid IN (SELECT recording_id FROM participants "
			 "WHERE %s = ",
			 l->lead == BY_WORDS ? "+" : "", people_column(l));
	where(l, "", db_text(people_value(l)));
	(void)buf_putc(&l->sql, ')');
}

/* @return 1 few hits, 0 many, -errno */
static int is_rare(struct db *db, const char *sql, const char *value)
{
	int64_t n;
	int r = db_query_int(db, sql,
			     DB_ARGS(db_text(value), db_int(RARE_MAX + 1)), &n);

	return r < 0 ? r : n <= RARE_MAX;
}

static int choose_lead(struct list *l)
{
	int r = 0;

	if (l->match.len) {
		r = is_rare(l->db,
			    "SELECT count(*) FROM (SELECT rowid "
			    "FROM recordings_fts WHERE recordings_fts "
			    "MATCH $1 LIMIT $2)",
			    buf_str(&l->match));
		if (r > 0)
			l->lead = BY_WORDS;
	}
	if (r == 0 && l->aor) {
		r = is_rare(l->db,
			    strchr(l->aor, '@')
				    ? "SELECT count(*) FROM (SELECT 1 FROM "
				      "participants WHERE aor_key = $1 LIMIT "
				      "$2)"
				    : "SELECT count(*) FROM (SELECT 1 FROM "
				      "participants WHERE user_key = $1 LIMIT "
				      "$2)",
			    people_value(l));
		if (r > 0)
			l->lead = BY_PEOPLE;
	}
	return r < 0 ? r : 0;
}

/* "MICROSECONDS_ID" of the last item seen. */
static int where_after(struct list *l)
{
	struct span rest = span_of(l->f->cursor);
	struct span us = span_cut(&rest, '_');
	uint64_t after_us;

	if (!l->f->cursor)
		return 0;
	if (span_u64(us, INT64_MAX, &after_us) < 0 ||
	    !span_copy(l->after_id, sizeof(l->after_id), rest) ||
	    !id_ok(l->after_id))
		return -EINVAL;
	where(l,
	      l->lead == BY_TIME ? " AND (started_us, id) < ("
				 : " AND (+started_us, +id) < (",
	      db_int((int64_t)after_us));
	where(l, ", ", db_text(l->after_id));
	(void)buf_putc(&l->sql, ')');
	return 0;
}

static void where_states(struct list *l)
{
	const char *sep = " AND +state IN (";

	if (!l->f->states)
		return;
	for (unsigned i = 0; i <= RECORDING_FAILED; i++) {
		if (!(l->f->states & (1u << i)))
			continue;
		(void)buf_printf(&l->sql, "%s'%s'", sep,
				 recording_state_word(i));
		sep = ", ";
	}
	(void)buf_puts(&l->sql, *sep == ',' ? ")" : " AND 0");
}

/* " AND column op $N" */
static void where_column(struct list *l, const char *column, const char *op,
			 struct db_val v)
{
	(void)buf_printf(&l->sql, " AND %s%s %s ",
			 l->lead == BY_TIME ? "" : "+", column, op);
	where(l, "", v);
}

static void where_living(struct list *l, const struct catalog_scope *scope)
{
	char word[16], now[16];

	l->args[l->n_args++] = db_text(scope->living_scope);
	(void)snprintf(word, sizeof(word), "$%u", l->n_args);
	l->args[l->n_args++] = db_int(scope->living_us);
	(void)snprintf(now, sizeof(now), "$%u", l->n_args);
	(void)buf_printf(&l->sql, " AND " SCOPE_LIVING("%s", "%s"), word, now);
}

/* Their recordings are looked for in the index by time. */
static void where_listener(struct list *l, const char *id)
{
	char arg[16];

	l->args[l->n_args++] = db_text(id);
	(void)snprintf(arg, sizeof(arg), "$%u", l->n_args);
	(void)buf_printf(&l->sql, " AND +owner_id " SCOPE_LISTENER("%s"), arg,
			 arg);
}

static void where_scope(struct list *l, const struct catalog_scope *scope)
{
	if (scope->tenant_id)
		where_column(l, "tenant_id", "=", db_text(scope->tenant_id));
	if (scope->owner_id)
		where_column(l, "owner_id", "=", db_text(scope->owner_id));
	if (scope->client_id)
		where_column(l, "client_id", "=", db_text(scope->client_id));
	if (scope->grant_id)
		where_column(l, "grant_id", "=", db_text(scope->grant_id));
	if (scope->living_scope)
		where_living(l, scope);
	if (scope->listener_id)
		where_listener(l, scope->listener_id);
}

static int make_sql(struct list *l, const struct catalog_scope *scope)
{
	const struct recording_filter *f = l->f;
	int r;

	(void)buf_puts(&l->sql, "SELECT " CATALOG_READ_COLUMNS
				" FROM recordings WHERE +deleted_us = 0");
	if (!f->duplicates)
		(void)buf_puts(&l->sql, " AND +duplicate_of = ''");
	where_scope(l, scope);
	if (f->from_us)
		where_column(l, "started_us", ">=", db_int(f->from_us));
	if (f->to_us)
		where_column(l, "started_us", "<", db_int(f->to_us));
	where_states(l);
	where_words(l);
	where_participant(l);
	r = where_after(l);
	if (r < 0)
		return r;
	where(l,
	      l->lead == BY_TIME
		      ? " ORDER BY started_us DESC, id DESC LIMIT "
		      : " ORDER BY +started_us DESC, +id DESC LIMIT ",
	      db_int((int64_t)f->limit + 1));
	return buf_error(&l->sql);
}

/* What came since upkeep looked. Where it can't be written the newest are not
 * found by their words. @return 0 or -ENOMEM */
static int index_new(struct db *db)
{
	int r;

	do
		r = catalog_index_new(db, INDEX_AT_ONCE);
	while (r == (int)INDEX_AT_ONCE);
	return r == -ENOMEM ? r : 0;
}

/* @return 1 nothing can match, 0, -errno */
static int prepare(struct list *l)
{
	bool number;
	int r;

	buf_init(&l->sql, SQL_MAX);
	buf_init(&l->match, MATCH_MAX);
	if (!make_match(l))
		return l->error < 0 ? l->error : 1;
	number = l->f->participant && put_participant(l);
	r = l->match.len ? index_new(l->db) : 0;
	if (r == 0)
		r = l->error < 0 ? l->error : buf_error(&l->match);
	if (r == 0 && !number && l->f->participant && *l->f->participant)
		r = catalog_aor_keys(l->f->participant, &l->aor, &l->user);
	return r < 0 ? r : choose_lead(l);
}

/* The row after the last of the page only tells that there is a next page. */
static int list_row(void *arg, struct db_row *row)
{
	struct list *l = arg;
	struct recording *rec CLEANUP(recording_destroy) = NULL;
	int r;

	if (l->seen == l->f->limit) {
		(void)str_copy(l->ret_cursor, RECORDING_CURSOR_MAX, l->last);
		return 1;
	}
	r = catalog_read_row(row, &rec);
	if (r < 0)
		return r;
	r = catalog_read_parts(l->db, rec, l->f->parts);
	if (r < 0)
		return r;
	l->seen++;
	(void)snprintf(l->last, sizeof(l->last), "%" PRId64 "_%s",
		       rec->started_us, rec->id);
	return l->fn(l->arg, rec);
}

int64_t recording_list(struct db *db, const struct catalog_scope *scope,
		       const struct recording_filter *f, recording_fn *fn,
		       void *arg, char *ret_cursor)
{
	struct list l CLEANUP(list_fini) = {
		.db = db,
		.f = f,
		.fn = fn,
		.arg = arg,
		.ret_cursor = ret_cursor,
	};
	int64_t r;

	if (f->limit < 1 || f->limit > RECORDING_PAGE_MAX)
		return -EINVAL;
	ret_cursor[0] = '\0';
	r = prepare(&l);
	if (r == 0)
		r = make_sql(&l, scope);
	if (r)
		return r < 0 ? r : 0;
	r = db_query(db, buf_str(&l.sql), l.args, l.n_args, list_row, &l);
	return r < 0 ? r : (int64_t)l.seen;
}
