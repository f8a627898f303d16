#include "storage/jobs.h"

#include <errno.h>

#include "base/str.h"
#include "storage/catalog_priv.h"

int job_add(struct db *db, const char *kind, const char *recording_id,
	    const char *node, int64_t run_after_us, int64_t now_us)
{
	int64_t r;

	r = db_exec(db,
		    "INSERT INTO jobs (kind, recording_id, node, created_us, "
		    "run_after_us) VALUES ($1, $2, $3, $4, $5) "
		    "ON CONFLICT (kind, recording_id) DO UPDATE SET "
		    "state = 'queued', attempts = 0, error = '', lease = '', "
		    "lease_until_us = 0, node = excluded.node, "
		    "run_after_us = excluded.run_after_us",
		    DB_ARGS(db_text(kind), db_text(recording_id),
			    text_or_empty(node), db_int(now_us),
			    db_int(run_after_us)));
	return r < 0 ? (int)r : 0;
}

static int job_row(void *arg, struct db_row *row)
{
	struct job *j = arg;
	const char *rec = db_col_text(row, 1);

	j->id = db_col_int(row, 0);
	(void)str_copy(j->recording.s, sizeof(j->recording.s), rec ? rec : "");
	j->attempts = (unsigned)db_col_int(row, 2);
	j->created_us = db_col_int(row, 3);
	return 0;
}

/* A running job's run_after_us is the end of its lease, so that one index
 * gives both: what waits and what was left behind by a dead worker. */
int job_claim(struct db *db, const char *kind, const char *node, int64_t now_us,
	      int64_t lease_us, struct job *ret_job)
{
	struct job j = { .lease_until_us = now_us + lease_us };
	int64_t due;
	int64_t r;

	/* A look first: an idle worker must not take the write lock. */
	due = job_next_us(db, kind, node);
	if (due < 0)
		return (int)due;
	if (due > now_us)
		return -ENODATA;
	id_new(&j.lease, now_us);
	r = db_query(db,
		     "UPDATE jobs SET state = 'running', lease = $1, "
		     "lease_until_us = $2, run_after_us = $2, "
		     "attempts = attempts + 1 WHERE id = (SELECT id FROM jobs "
		     "WHERE kind = $3 AND state <> 'failed' AND "
		     "run_after_us <= $4 AND (node = $5 OR node = '') "
		     "ORDER BY run_after_us, id LIMIT 1) "
		     "RETURNING id, recording_id, attempts, created_us",
		     DB_ARGS(db_text(j.lease.s), db_int(j.lease_until_us),
			     db_text(kind), db_int(now_us),
			     text_or_empty(node)),
		     job_row, &j);
	if (r < 0)
		return (int)r;
	if (r == 0)
		return -ENODATA;
	*ret_job = j;
	return 0;
}

static int one_or_stale(int r)
{
	return r == -ENOENT ? -ESTALE : r;
}

int job_renew(struct db *db, struct job *job, int64_t lease_until_us)
{
	int r = catalog_exec_one(db,
				 "UPDATE jobs SET lease_until_us = $1, "
				 "run_after_us = $1 WHERE id = $2 AND "
				 "lease = $3 AND state = 'running'",
				 DB_ARGS(db_int(lease_until_us),
					 db_int(job->id),
					 db_text(job->lease.s)));

	if (r == 0)
		job->lease_until_us = lease_until_us;
	return one_or_stale(r);
}

int job_done(struct db *db, const struct job *job)
{
	return one_or_stale(catalog_exec_one(
		db, "DELETE FROM jobs WHERE id = $1 AND lease = $2",
		DB_ARGS(db_int(job->id), db_text(job->lease.s))));
}

int job_release(struct db *db, const struct job *job)
{
	return one_or_stale(catalog_exec_one(
		db,
		"UPDATE jobs SET state = 'queued', lease = '', "
		"lease_until_us = 0, run_after_us = created_us, "
		"attempts = attempts - 1 WHERE id = $1 AND lease = $2",
		DB_ARGS(db_int(job->id), db_text(job->lease.s))));
}

static int64_t backoff_us(unsigned attempts)
{
	unsigned n = attempts ? attempts - 1 : 0;

	return (INT64_C(10000000)) << (2 * (n > 4 ? 4 : n));
}

int job_fail(struct db *db, const struct job *job, int64_t now_us,
	     const char *error, bool final)
{
	bool up = final || job->attempts >= JOB_MAX_ATTEMPTS;
	int r;

	r = catalog_exec_one(
		db,
		"UPDATE jobs SET state = $1, lease = '', lease_until_us = 0, "
		"run_after_us = $2, error = $3 WHERE id = $4 AND lease = $5",
		DB_ARGS(db_text(up ? "failed" : "queued"),
			db_int(now_us + backoff_us(job->attempts)),
			text_or_empty(error), db_int(job->id),
			db_text(job->lease.s)));
	if (r < 0)
		return one_or_stale(r);
	return up ? 1 : 0;
}

int64_t job_next_us(struct db *db, const char *kind, const char *node)
{
	int64_t us = INT64_MAX;
	int r;

	r = db_query_int(db,
			 "SELECT run_after_us FROM jobs WHERE kind = $1 AND "
			 "state <> 'failed' AND (node = $2 OR node = '') "
			 "ORDER BY run_after_us LIMIT 1",
			 DB_ARGS(db_text(kind), text_or_empty(node)), &us);
	return r < 0 && r != -ENODATA ? r : us;
}
