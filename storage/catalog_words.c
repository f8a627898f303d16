/* The full-text index: what people search recordings by.
 *
 * Writing one row of it costs more than the rest of a new call together, and a
 * hundred rows hardly more than one. So a new recording is left out at first;
 * upkeep adds what is new every few seconds, and a search does it before it
 * looks, so that nobody can tell. Recordings are numbered upwards: all up to
 * the highest number in the index are in it (but deleted ones), all above are
 * not yet.
 */
#include <errno.h>

#include "storage/catalog.h"
#include "storage/catalog_priv.h"

/* Also what the call is called elsewhere: Call-ID, correlation headers and
 * vendor fields (values of the JSON object meta), of its other half as well.
 * But for that as in 0019_search.sql. */
#define WORDS_OF_ROW                                                           \
	"search_words((SELECT group_concat(aor || ' ' || name, ' ') "          \
	"FROM participants WHERE recording_id = r.id)), "                      \
	"search_words(title || ' ' || notes || ' ' || call_id || ' ' || "      \
	"coalesce((SELECT group_concat(value, ' ') FROM json_each(CASE "       \
	"WHEN json_valid(r.meta) THEN r.meta END)), '') || ' ' || "            \
	"coalesce((SELECT group_concat(h.call_id || ' ' || coalesce((SELECT "  \
	"group_concat(value, ' ') FROM json_each(CASE WHEN json_valid(h.meta)" \
	" THEN h.meta END)), ''), ' ') FROM recordings h WHERE "               \
	"h.duplicate_of = r.id AND h.duplicate_of <> '' AND h.half = 1 AND "   \
	"h.deleted_us = 0), '')), "                                            \
	"(SELECT group_concat(search_number(aor), ' ') FROM participants "     \
	"WHERE recording_id = r.id) "

/* The highest number in the index, 0 = empty. */
static int indexed_to(struct db *db, int64_t *ret_n)
{
	int r = db_query_int(db,
			     "SELECT rowid FROM recordings_fts "
			     "ORDER BY rowid DESC LIMIT 1",
			     DB_NONE, ret_n);

	if (r == -ENODATA)
		*ret_n = 0;
	return r == -ENODATA ? 0 : r;
}

int catalog_index(struct db *db, const char *id)
{
	int64_t n, last, r;

	r = db_query_int(db, "SELECT n FROM recordings WHERE id = $1",
			 DB_ARGS(db_text(id)), &n);
	if (r < 0)
		return r == -ENODATA ? 0 : (int)r;
	r = indexed_to(db, &last);
	if (r < 0 || n > last)
		return (int)r;
	r = db_exec(db, "DELETE FROM recordings_fts WHERE rowid = $1",
		    DB_ARGS(db_int(n)));
	if (r < 0)
		return (int)r;
	r = db_exec(db,
		    "INSERT INTO recordings_fts (rowid, people, words, "
		    "numbers) "
		    "SELECT n, " WORDS_OF_ROW "FROM recordings r WHERE n = $1",
		    DB_ARGS(db_int(n)));
	return r < 0 ? (int)r : 0;
}

static int64_t add_new(struct db *db, unsigned limit)
{
	int64_t last, r = indexed_to(db, &last);

	if (r < 0)
		return r;
	return db_exec(db,
		       "INSERT INTO recordings_fts (rowid, people, words, "
		       "numbers) "
		       "SELECT n, " WORDS_OF_ROW
		       "FROM recordings r WHERE n > $1 AND deleted_us = 0 "
		       "ORDER BY n LIMIT $2",
		       DB_ARGS(db_int(last), db_int(limit)));
}

int catalog_index_new(struct db *db, unsigned limit)
{
	int64_t last, n, r = indexed_to(db, &last);

	if (r == 0) /* mostly nothing: no lock for that */
		r = db_query_int(db,
				 "SELECT n FROM recordings WHERE n > $1 AND "
				 "deleted_us = 0 ORDER BY n LIMIT 1",
				 DB_ARGS(db_int(last)), &n);
	if (r < 0)
		return r == -ENODATA ? 0 : (int)r;
	r = db_begin(db);
	return r < 0 ? (int)r : catalog_end(db, (int)add_new(db, limit));
}
