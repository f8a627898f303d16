#include "media/render_job.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/str.h"
#include "media/render.h"
#include "storage/blob.h"
#include "storage/catalog.h"
#include "storage/catalog_search.h"
#include "storage/db.h"
#include "storage/jobs.h"
#include "storage/recording_senders.h"

#define WORK_PATH_MAX (SETTINGS_PATH_MAX + 64)
#define GAP_LEN 42  /* "FROM-TO " */
#define HASH_LEN 17 /* "HASH " */

struct work {
	struct db *db;
	const struct settings *set;
	const struct job *job;
	struct err *e;
	struct log log;
	struct recording *rec;
	struct blob_store *store;
	struct plan plan; /* only the parties */
	struct render_result *res;
	char spool[WORK_PATH_MAX];
	char dir[WORK_PATH_MAX];
	char prefix[BLOB_KEY_MAX];
	char gaps[CAP_STREAMS_MAX][RENDER_GAPS_MAX * GAP_LEN];
	char sketches[CAP_STREAMS_MAX][RENDER_SKETCH_MAX * HASH_LEN];
};

static int64_t now_us(void)
{
	return clock_wall_us(clock_real());
}

/* ---- the work folder ---- */

static void empty_dir(const char *path)
{
	struct dirent *de;
	DIR *dir;

	dir = opendir(path);
	if (!dir)
		return;
	while ((de = readdir(dir)))
		if (de->d_name[0] != '.')
			(void)unlinkat(dirfd(dir), de->d_name, 0);
	(void)closedir(dir); /* only read */
}

static void drop_dir(struct work *w)
{
	if (!w->dir[0])
		return;
	empty_dir(w->dir);
	(void)rmdir(w->dir); /* upkeep tries again */
	w->dir[0] = 0;
}

static int make_paths(struct work *w)
{
	char rel[320];
	int r;

	(void)snprintf(rel, sizeof(rel), "spool/%s", w->rec->spool_file);
	r = settings_path(w->set, rel, w->spool, sizeof(w->spool));
	if (r < 0)
		return r;
	r = settings_path(w->set, "media", w->dir, sizeof(w->dir));
	if (r == 0)
		r = blob_fs_create(w->dir, &w->store);
	w->dir[0] = 0;
	if (r < 0)
		return r;
	(void)snprintf(rel, sizeof(rel), "media/.tmp/render-%s", w->rec->id);
	r = settings_path(w->set, rel, w->dir, sizeof(w->dir));
	if (r < 0)
		return r;
	if (mkdir(w->dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	empty_dir(w->dir); /* of an attempt that was killed */
	if (snprintf(w->prefix, sizeof(w->prefix), "%s/%s/", w->rec->tenant_id,
		     w->rec->id) >= (int)sizeof(w->prefix))
		return -ENAMETOOLONG;
	return 0;
}

/* ---- who is who, as the catalog has it ---- */

/* A stream is its first sender's for good, so that nobody changes sides. */
static void put_senders(struct work *w, int stream)
{
	int ords[RECORDING_SENDERS_MAX];
	unsigned n = recording_senders(w->rec, stream, ords), i, k;
	struct plan_party *p;

	for (i = 0; i < n; i++) {
		for (k = 0; k < w->plan.n_parties; k++) {
			p = &w->plan.parties[k];
			if ((int)p->ord == ords[i])
				*(i ? &p->later : &p->streams) |= 1u << stream;
		}
	}
}

static void make_parties(struct work *w)
{
	const struct recording_participant *p;
	struct plan_party *party;
	unsigned i;

	for (i = 0; i < w->rec->n_participants && i < PLAN_PARTIES_MAX; i++) {
		p = &w->rec->participants[i];
		party = &w->plan.parties[w->plan.n_parties++];
		party->ord = p->ord;
		(void)str_copy(party->aor, sizeof(party->aor), p->aor);
		(void)str_copy(party->name, sizeof(party->name), p->name);
	}
	for (i = 0; i < w->rec->n_streams; i++)
		if (w->rec->streams[i].participant >= 0 &&
		    w->rec->streams[i].idx < CAP_STREAMS_MAX)
			put_senders(w, (int)w->rec->streams[i].idx);
}

/* The mix of the others is in the plan what everybody who has a stream sends:
 * then it is not mixed twice. */
static void add_mixes(struct work *w)
{
	uint32_t mixes = 0;
	unsigned i;

	for (i = 0; i < w->rec->n_streams; i++)
		if (w->rec->streams[i].participant == RECORDING_STREAM_MIX &&
		    w->rec->streams[i].idx < CAP_STREAMS_MAX)
			mixes |= 1u << w->rec->streams[i].idx;
	for (i = 0; i < w->plan.n_parties; i++)
		if (w->plan.parties[i].streams)
			w->plan.parties[i].streams |= mixes;
}

/* Nobody in the catalog sends anything: the spool may know better. */
static unsigned n_senders(const struct plan *p)
{
	unsigned i, n = 0;

	for (i = 0; i < p->n_parties; i++)
		n += p->parties[i].streams != 0;
	return n;
}

/* ---- the result into the catalog ---- */

static int put_warnings(struct work *w)
{
	struct recording_warning rw;
	unsigned i;
	int r;

	for (i = 0; i < w->res->n_warnings; i++) {
		rw = (struct recording_warning){
			.code = w->res->warnings[i].code,
			.severity = w->res->warnings[i].severity,
			.detail = w->res->warnings[i].detail,
			.at_us = now_us(),
		};
		r = recording_add_warning(w->db, w->rec->id, &rw);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A line may have been taken over: whoever had it at that moment. */
static int party_at(const struct work *w, const struct render_event *ev,
		    int64_t at_us)
{
	int ord = ev->party < 0
			  ? -1
			  : recording_sender_at(w->rec, ev->stream, at_us);

	return ord < 0 ? ev->party : ord;
}

static int put_events(struct work *w)
{
	const struct render_event *from;
	struct recording_event ev;
	int64_t start_us = w->res->started_wall_us;
	unsigned i;
	int r;

	if (start_us <= 0)
		start_us = w->rec->started_us; /* no media that has a length */
	for (i = 0; i < w->res->n_events; i++) {
		from = &w->res->events[i];
		ev = (struct recording_event){
			.at_us = start_us + from->offset_us,
			.duration_us = from->duration_us,
			.kind = from->kind,
			.stream = from->stream,
			.text = from->text,
		};
		ev.participant = party_at(w, from, ev.at_us);
		r = recording_add_event(w->db, w->rec->id, &ev);
		if (r < 0)
			return r;
	}
	return 0;
}

/* "FROM-TO FROM-TO" */
static void put_gaps(const struct render_stream *s, char *dst, size_t len)
{
	size_t n = 0;

	(void)str_copy(dst, len, s->gaps_cut ? "*" : "");
	for (unsigned i = 0; i < s->n_gaps && !s->gaps_cut && n < len; i++)
		n += (size_t)snprintf(dst + n, len - n, "%s%lld-%lld",
				      i ? " " : "",
				      (long long)s->gaps[i].from_wall_us,
				      (long long)s->gaps[i].to_wall_us);
}

/* "HASH HASH" */
static void put_sketch(const struct render_stream *s, char *dst, size_t len)
{
	size_t n = 0;

	dst[0] = '\0';
	for (unsigned i = 0; i < s->n_sketch && n < len; i++)
		n += (size_t)snprintf(dst + n, len - n, "%s%llx", i ? " " : "",
				      (unsigned long long)s->sketch[i]);
}

static struct recording_media media_of(const struct render_stream *s,
				       const char *gaps, const char *sketch)
{
	return (struct recording_media){
		.gaps = gaps,
		.sketch = sketch,
		.stream = s->index,
		.from_us = s->from_wall_us,
		.to_us = s->to_wall_us,
		.absent_us = s->absent_us,
		.packets = (int64_t)s->packets,
		.lost = (int64_t)s->lost,
		.bytes = (int64_t)s->bytes,
	};
}

static int put_ready(struct work *w)
{
	struct recording_track tracks[RENDER_FILES_MAX];
	struct recording_media media[CAP_STREAMS_MAX];
	struct recording_result out = {
		.duration_us = w->res->duration_us,
		.started_us = w->res->started_wall_us,
		.tracks = tracks,
		.n_tracks = w->res->n_files,
		.media = media,
		.n_media = w->res->n_streams,
	};
	const struct render_file *f;
	unsigned i;

	for (i = 0; i < w->res->n_files; i++) {
		f = &w->res->files[i];
		tracks[i] = (struct recording_track){
			.n = f->n,
			.kind = f->kind,
			.format = f->format,
			.participant = f->party,
			.stream = f->stream,
			.blob_key = f->key,
			.mime = f->mime,
			.bytes = f->bytes,
			.sha256 = f->sha256,
			.channels = f->channels,
			.rate_hz = f->rate_hz,
			.duration_us = f->duration_us,
		};
	}
	for (i = 0; i < w->res->n_streams; i++) {
		put_sketch(&w->res->streams[i], w->sketches[i],
			   sizeof(w->sketches[i]));
		put_gaps(&w->res->streams[i], w->gaps[i], sizeof(w->gaps[i]));
		media[i] = media_of(&w->res->streams[i], w->gaps[i],
				    w->sketches[i]);
	}
	return recording_ready(w->db, w->rec->id, w->job, &out);
}

static int commit_result(struct work *w)
{
	int r;

	r = db_begin(w->db);
	if (r < 0)
		return r;
	r = put_ready(w);
	if (r == 0)
		r = put_warnings(w);
	if (r == 0)
		r = put_events(w);
	if (r < 0) {
		db_rollback(w->db);
		return r;
	}
	return db_commit(w->db);
}

/* ---- */

static int render(struct work *w)
{
	struct render_options opt = {
		.spool_path = w->spool,
		.work_dir = w->dir,
		.store = w->store,
		.key_prefix = w->prefix,
		.complexity = (unsigned)w->set->render.complexity,
		.use_av = w->job->attempts < RENDER_SAFE_ATTEMPT,
		.call_id = w->rec->call_id,
		.title = w->rec->title,
	};

	w->res = mem_zalloc(sizeof(*w->res));
	if (!w->res)
		return -ENOMEM;
	if (n_senders(&w->plan) > 0) {
		opt.parties = w->plan.parties;
		opt.n_parties = w->plan.n_parties;
	}
	return render_spool(&opt, w->res, w->e);
}

/* The recording is deleted, or somebody else has the job now: theirs are the
 * same files under the same keys, so only those of a deleted one may go. */
static int stale(struct work *w)
{
	struct recording *rec CLEANUP(recording_destroy) = NULL;
	const struct catalog_scope all = { 0 };

	if (recording_get(w->db, &all, w->job->recording.s, 0, &rec) == -ENOENT)
		(void)blob_remove_all(w->store, w->prefix); /* or upkeep does */
	log_info(&w->log, "render.stale");
	return 0;
}

static void done(struct work *w)
{
	if (unlink(w->spool) < 0 && errno != ENOENT)
		log_warn(&w->log, "render.spool_kept", LOG_E(errno));
	log_info(&w->log, "render.done",
		 LOG_I("duration_ms", w->res->duration_us / 1000),
		 LOG_I("files", w->res->n_files),
		 LOG_I("warnings", w->res->n_warnings),
		 LOG_I("attempt", w->job->attempts));
}

static int attempt(struct work *w)
{
	const struct catalog_scope all = { 0 };
	int r;

	r = recording_get(w->db, &all, w->job->recording.s,
			  RECORDING_PARTICIPANTS | RECORDING_STREAMS |
				  RECORDING_CALL,
			  &w->rec);
	if (r == -ENOENT)
		return job_done(w->db, w->job); /* deleted meanwhile */
	if (r == 0)
		r = make_paths(w);
	if (r < 0)
		return r;
	make_parties(w);
	add_mixes(w);
	r = render(w);
	if (r == 0) {
		/* all is in the store; who dies after the commit is not
		 * started again and would leave it behind */
		drop_dir(w);
		r = commit_result(w);
	}
	if (r == -ESTALE)
		return stale(w);
	if (r == 0)
		done(w);
	return r;
}

/* Without room or database nothing is wrong with the recording: the attempt
 * does not count. */
static bool not_its_fault(int r)
{
	return r == -ENOSPC || r == -EDQUOT || r == -EBUSY || r == -ENOMEM ||
	       r == -ECANCELED;
}

static int failed(struct work *w, int r)
{
	bool final = r == -ENOENT;
	const char *why;
	int g;

	why = w->e->text[0] ? w->e->text : err_words(r);
	if (not_its_fault(r)) {
		log_warn(&w->log, "render.put_off", LOG_S("reason", why),
			 LOG_E(r));
		(void)job_release(w->db, w->job); /* else the lease ends */
		return -EAGAIN;
	}
	g = recording_fail(w->db, w->job->recording.s, w->job, why, final,
			   now_us());
	log_error(&w->log, g == 1 ? "render.failed" : "render.attempt_failed",
		  LOG_S("reason", why), LOG_E(r),
		  LOG_I("attempt", w->job->attempts));
	return r;
}

int render_job_run(struct db *db, const struct settings *s,
		   const struct job *job, struct err *e)
{
	struct work *w;
	int r;

	w = mem_zalloc(sizeof(*w));
	if (!w)
		return -EAGAIN;
	w->db = db;
	w->set = s;
	w->job = job;
	w->e = e;
	(void)str_copy(w->log.session, sizeof(w->log.session),
		       job->recording.s);
	r = attempt(w);
	if (r < 0)
		r = failed(w, r);
	drop_dir(w);
	blob_store_destroy(&w->store);
	recording_destroy(&w->rec);
	mem_free(w->res);
	mem_free(w);
	return r;
}
