/* storage/db_sqlite_text.h - functions of ours that SQL texts may call.
 *
 *	search_words(text)   as search_put_words() (storage/search_text.h)
 *	search_number(aor)   as search_number(); '' when it is no number
 *
 * Migrations call them, too: they keep their names for ever.
 *
 * Owner: db_sqlite.c; one connection.
 */
#ifndef STORAGE_DB_SQLITE_TEXT_H
#define STORAGE_DB_SQLITE_TEXT_H

struct sqlite3;

/** @return an SQLite result code */
int db_sqlite_text_add(struct sqlite3 *h);

#endif
