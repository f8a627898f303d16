#include "storage/db_sqlite_text.h"

#include <sqlite3.h>

#include "base/buf.h"
#include "base/str.h"
#include "storage/search_text.h"

/* Of what fits into the index as one text; the rest is not found. */
#define TEXT_MAX (4 * 1024 * 1024)

static struct span text_of(sqlite3_value *v)
{
	const char *p = (const char *)sqlite3_value_text(v);

	return (struct span){ p ? p : "",
			      p ? (size_t)sqlite3_value_bytes(v) : 0 };
}

static void words(sqlite3_context *ctx, int n, sqlite3_value **args)
{
	struct buf b;

	(void)n; /* always 1 */
	buf_init(&b, TEXT_MAX);
	search_put_words(&b, text_of(args[0]));
	if (buf_error(&b) < 0)
		sqlite3_result_error_nomem(ctx);
	else
		sqlite3_result_text(ctx, buf_str(&b), (int)b.len,
				    SQLITE_TRANSIENT);
	buf_fini(&b);
}

static void number(sqlite3_context *ctx, int n, sqlite3_value **args)
{
	char back[SEARCH_NUMBER_MAX];

	(void)n; /* always 1 */
	if (!search_number(text_of(args[0]), back))
		back[0] = '\0';
	sqlite3_result_text(ctx, back, -1, SQLITE_TRANSIENT);
}

int db_sqlite_text_add(struct sqlite3 *h)
{
	const int how = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
	int rc = sqlite3_create_function_v2(h, "search_words", 1, how, NULL,
					    words, NULL, NULL, NULL);

	if (rc != SQLITE_OK)
		return rc;
	return sqlite3_create_function_v2(h, "search_number", 1, how, NULL,
					  number, NULL, NULL, NULL);
}
