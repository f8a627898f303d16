#include "storage/unwanted.h"

#include <errno.h>

#include "storage/db.h"

int unwanted_add(struct db *db, const char *recording_id, const char *node,
		 int64_t now_us)
{
	int64_t r = db_exec(db,
			    "INSERT INTO unwanted (recording_id, node, at_us) "
			    "VALUES ($1, $2, $3) ON CONFLICT (recording_id) "
			    "DO NOTHING",
			    DB_ARGS(db_text(recording_id), db_text(node),
				    db_int(now_us)));

	return r < 0 ? (int)r : 0;
}

int unwanted_check(struct db *db, const char *recording_id)
{
	int64_t one;
	int r = db_query_int(
		db,
		"SELECT 1 FROM unwanted WHERE recording_id = $1 AND NOT EXISTS "
		"(SELECT 1 FROM recordings WHERE id = $1)",
		DB_ARGS(db_text(recording_id)), &one);

	if (r == -ENODATA)
		return 0;
	return r < 0 ? r : 1;
}

int64_t unwanted_forget(struct db *db, const char *node, int64_t before_us)
{
	return db_exec(db,
		       "DELETE FROM unwanted WHERE node = $1 AND at_us < $2",
		       DB_ARGS(db_text(node), db_int(before_us)));
}
