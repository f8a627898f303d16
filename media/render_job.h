/* media/render_job.h - one render job of the catalog, from claim to `ready`.
 *
 * Runs in a process of its own: a decoder that a hostile packet brings down
 * takes nothing with it but this attempt. Files first, then one transaction
 * (tracks, warnings, events, state ready, job gone), then the spool is deleted.
 * Killed at any point, the next attempt ends the same.
 * Role: render.
 */
#ifndef MEDIA_RENDER_JOB_H
#define MEDIA_RENDER_JOB_H

#include <stdbool.h>

struct db;
struct job;
struct settings;
struct err;

/* From this attempt on libavcodec is left out: what it could not survive is
 * kept as raw packets instead. */
#define RENDER_SAFE_ATTEMPT 3

/**
 * Do it, in this process.
 *
 * @param db  of this process
 * @param job claimed
 *
 * @return 0 ready, or nothing left to do (deleted, lease lost);
 *         -EAGAIN the job was given back without counting: disk full or
 *         database busy, try again later;
 *         other -errno: recording_fail() was called, e says why
 */
int render_job_run(struct db *db, const struct settings *s,
		   const struct job *job, struct err *e);

#endif
