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

#define ARGS_MAX 16u
#define WORDS_MAX 16u
#define WORD_BYTES_MAX 100u
#define SQL_MAX 4096u
#define MATCH_MAX 8192u

struct list {
	struct db *db;
	const struct recording_filter *f;
	recording_fn *fn;
	void *arg;
	char *ret_cursor;
	/* the statement */
	struct buf sql;
	struct db_val args[ARGS_MAX];
	unsigned n_args;
	/* values that must live as long as it */
	struct buf match;
	char *aor, *user;
	char after_id[ID_LEN + 1];
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

/* One word as a quoted FTS5 prefix. Words without a letter or digit are not
 * in the index. @return true when something was added */
static bool put_word(struct buf *b, struct span w)
{
	bool any = false;

	for (size_t i = 0; i < w.len; i++)
		any |= (w.p[i] & 0x80) || isalnum((unsigned char)w.p[i]);
	if (!any)
		return false;
	if (w.len > WORD_BYTES_MAX) {
		w.len = WORD_BYTES_MAX;
		while (w.len && (w.p[w.len] & 0xc0) == 0x80)
			w.len--;
	}
	(void)buf_puts(b, b->len ? " \"" : "\"");
	for (size_t i = 0; i < w.len; i++) {
		if (w.p[i] == '"')
			(void)buf_putc(b, '"');
		(void)buf_putc(b, w.p[i]);
	}
	(void)buf_puts(b, "\"*");
	return true;
}

static void where_words(struct list *l)
{
	struct span q = span_trim(span_of(l->f->q));
	unsigned n = 0;

	if (!q.len)
		return;
	while (q.len && n < WORDS_MAX) {
		size_t len = 0;

		while (len < q.len && (unsigned char)q.p[len] > ' ')
			len++;
		n += put_word(&l->match, (struct span){ q.p, len });
		len += len < q.len;
		q.p += len;
		q.len -= len;
	}
	if (n == 0) {
		(void)buf_puts(&l->sql, " AND 0");
		return;
	}
	where(l,
	      " AND n IN (SELECT rowid FROM recordings_fts "
	      "WHERE recordings_fts MATCH ",
	      db_text(buf_str(&l->match)));
	(void)buf_putc(&l->sql, ')');
}

static int where_participant(struct list *l)
{
	int r;

	if (!l->f->participant || !*l->f->participant)
		return 0;
	r = catalog_aor_keys(l->f->participant, &l->aor, &l->user);
	if (r < 0)
		return r;
	if (strchr(l->aor, '@'))
		where(l,
		      " AND id IN (SELECT recording_id FROM participants "
		      "WHERE aor_key = ",
		      db_text(l->aor));
	else
		where(l,
		      " AND id IN (SELECT recording_id FROM participants "
		      "WHERE user_key = ",
		      db_text(l->user));
	(void)buf_putc(&l->sql, ')');
	return 0;
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
	where(l, " AND (started_us, id) < (", db_int((int64_t)after_us));
	where(l, ", ", db_text(l->after_id));
	(void)buf_putc(&l->sql, ')');
	return 0;
}

static void where_states(struct list *l)
{
	const char *sep = " AND state IN (";

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

static int make_sql(struct list *l, const struct catalog_scope *scope)
{
	const struct recording_filter *f = l->f;
	int r;

	(void)buf_puts(&l->sql, "SELECT " CATALOG_READ_COLUMNS
				" FROM recordings WHERE deleted_us = 0");
	if (scope->tenant_id)
		where(l, " AND tenant_id = ", db_text(scope->tenant_id));
	if (scope->owner_id)
		where(l, " AND owner_id = ", db_text(scope->owner_id));
	if (scope->client_id)
		where(l, " AND client_id = ", db_text(scope->client_id));
	if (scope->grant_id)
		where(l, " AND grant_id = ", db_text(scope->grant_id));
	if (f->from_us)
		where(l, " AND started_us >= ", db_int(f->from_us));
	if (f->to_us)
		where(l, " AND started_us < ", db_int(f->to_us));
	where_states(l);
	where_words(l);
	r = where_participant(l);
	if (r < 0)
		return r;
	r = where_after(l);
	if (r < 0)
		return r;
	where(l, " ORDER BY started_us DESC, id DESC LIMIT ",
	      db_int((int64_t)f->limit + 1));
	r = buf_error(&l->sql);
	return r < 0 ? r : buf_error(&l->match);
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
	buf_init(&l.sql, SQL_MAX);
	buf_init(&l.match, MATCH_MAX);
	ret_cursor[0] = '\0';
	r = make_sql(&l, scope);
	if (r < 0)
		return r;
	r = db_query(db, buf_str(&l.sql), l.args, l.n_args, list_row, &l);
	return r < 0 ? r : (int64_t)l.seen;
}
