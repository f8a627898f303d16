/* storage/catalog_read.h - shared by catalog_read.c and catalog_list.c. */
#ifndef STORAGE_CATALOG_READ_H
#define STORAGE_CATALOG_READ_H

struct db;
struct db_row;
struct recording;

#define CATALOG_READ_COLUMNS                                                   \
	"id, tenant_id, owner_id, client_id, grant_id, call_id, state, "       \
	"started_us, ended_us, duration_us, node, spool_file, end_reason, "    \
	"title, notes, meta, bytes, retain_until_us, deleted_us, "             \
	"duplicate_of, media_dropped_us, half, state = 'recording' AND "       \
	"coalesce((SELECT e.kind FROM events e WHERE e.recording_id = "        \
	"recordings.id AND e.kind IN ('pause', 'unpause') ORDER BY e.at_us "   \
	"DESC, e.id DESC LIMIT 1), '') = 'pause'"

/** A row of these columns as a recording without parts. 0 or -errno */
int catalog_read_row(struct db_row *row, struct recording **ret_rec);
/** Add parts (RECORDING_... bits). 0 or -errno */
int catalog_read_parts(struct db *db, struct recording *r, unsigned parts);

#endif
