/* storage/jobs.h - work that must be done once, however often we die.
 *
 * A job is a row. A worker claims it for a time (the lease); when it neither
 * finishes nor renews, another may claim it. Finishing is deleting the row, in
 * the same transaction as the result. One job per kind and recording.
 *
 * All functions: db's errors besides those named.
 */
#ifndef STORAGE_JOBS_H
#define STORAGE_JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"

struct db;

#define JOB_RENDER "render"
#define JOB_MAX_ATTEMPTS 5

struct job {
	int64_t id;
	struct id recording;
	unsigned attempts; /* this one counted: 1 the first time */
	struct id lease;   /* ours; others claim with another */
	int64_t lease_until_us;
	int64_t created_us;
};

/**
 * Enqueue; one that exists already (also a failed one) is queued anew.
 *
 * @param node who may claim it (its disk has the spool), "" = anybody
 */
int job_add(struct db *db, const char *kind, const char *recording_id,
	    const char *node, int64_t run_after_us, int64_t now_us);

/** Claim the oldest that is due. Two callers never get the same. When attempts
 *  is above JOB_MAX_ATTEMPTS its workers died of it: give it up.
 *  @return 0, -ENODATA nothing to do */
int job_claim(struct db *db, const char *kind, const char *node, int64_t now_us,
	      int64_t lease_us, struct job *ret_job);

/** @return 0 or -ESTALE: the lease was lost, give up without a trace */
int job_renew(struct db *db, struct job *job, int64_t lease_until_us);

/** Delete it. @return 0 or -ESTALE (roll your transaction back) */
int job_done(struct db *db, const struct job *job);

/** Give back unfinished at shutdown; the attempt is not counted.
 *  @return 0 or -ESTALE */
int job_release(struct db *db, const struct job *job);

/**
 * It went wrong: try again after 10 s, 40 s, 160 s, 640 s; after
 * JOB_MAX_ATTEMPTS the row stays as failed. recording_fail() calls this.
 *
 * @param final do not try again
 * @return 0 will be tried again, 1 given up, or -ESTALE
 */
int job_fail(struct db *db, const struct job *job, int64_t now_us,
	     const char *error, bool final);

/** @return when the next one may be claimed, or INT64_MAX, or -errno */
int64_t job_next_us(struct db *db, const char *kind, const char *node);

#endif
