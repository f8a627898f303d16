/* storage/db_sqlite_wal.h - SQLite writes its log in large pieces.
 *
 * SQLite writes each page of a commit into the log by itself, as two writes: 24
 * bytes of header and the page. A commit of a few calls has some fifty pages.
 * This layer under SQLite puts what follows without a gap together and gives
 * it to the kernel at once, before SQLite asks for anything else of the log:
 * sync, read, size, truncation, end.
 *
 * Only for databases with synchronous = FULL: there a commit syncs the log
 * before it tells other connections of the new pages. What the kernel refuses
 * (disk full) is the error of that sync, and the transaction is given up as
 * for a write. Other files of a database are untouched.
 *
 * Owner: db_sqlite.c. Threads: each open log belongs to one connection.
 */
#ifndef STORAGE_DB_SQLITE_WAL_H
#define STORAGE_DB_SQLITE_WAL_H

/**
 * The name for sqlite3_open_v2(); made at the first call (any thread, after
 * sqlite3_config()).
 *
 * @return the name, or NULL (SQLite's own layer) where it cannot be made
 */
const char *db_sqlite_wal_vfs(void);

#endif
