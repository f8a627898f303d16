/* After a crash: the calls that the catalog says are running are taken up
 * again or closed, and spool files without a catalog row become recordings
 * (the catalog may be of yesterday) unless they were dropped on purpose, or go
 * away.
 */
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/spool.h"
#include "srs/session/session.h"
#include "storage/catalog_recording.h"
#include "storage/db.h"
#include "storage/unwanted.h"

#define LOST_CODE "recording.recovered_after_crash"

static int64_t spool_time_us(struct sip_server *sv, const char *file)
{
	char path[800];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", sv->spool_dir, file);
	if (!file[0] || stat(path, &st) < 0)
		return session_wall_us(sv);
	return (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000;
}

/* ---- rows of live calls ---- */

/* Nobody has ever said who takes part: kept on that condition only. */
static bool awaits_metadata(const struct recording_live *l)
{
	json_t *o = l->dialog ? json_loads(l->dialog, 0, NULL) : NULL;
	bool due =
		json_integer_value(json_object_get(o, "metadata_due")) != 0 &&
		!json_is_true(json_object_get(o, "described"));

	json_decref(o);
	return due;
}

static int close_row(struct sip_server *sv, const struct recording_live *l,
		     const char *why)
{
	struct recording_warning w = {
		.code = LOST_CODE,
		.severity = "warning",
		.detail = why,
		.at_us = session_wall_us(sv),
	};
	int r;

	r = recording_add_warning(sv->db, l->id, &w);
	if (r < 0)
		return r;
	return recording_finish(sv->db, l->id, spool_time_us(sv, l->spool_file),
				"lost", NULL, session_wall_us(sv));
}

static int take_up(struct sip_server *sv, const struct recording_live *l)
{
	struct session *s = NULL;
	struct id id;
	int r;

	if (!l->dialog)
		return -EBADMSG;
	(void)str_copy(id.s, sizeof(id.s), l->id);
	r = session_create(sv, &id, &s);
	if (r < 0)
		return r;
	r = session_load(s, l->dialog, strlen(l->dialog));
	if (r < 0) {
		session_destroy(&s);
		return r;
	}
	s->row = s->row_committed = true;
	s->started_us -= s->started_wall_us - l->started_us;
	s->started_wall_us = l->started_us;
	(void)str_copy(s->spool_file, sizeof(s->spool_file), l->spool_file);
	capture_want_resume(s, "sip.restarted");
	return 0;
}

static int on_live(void *arg, const struct recording_live *l)
{
	struct sip_server *sv = arg;
	int r = take_up(sv, l);

	if (r == 0)
		return 0;
	log_warn(NULL, "sip.call_not_restored", LOG_S("recording", l->id),
		 LOG_E(r));
	if (awaits_metadata(l))
		return recording_discard(sv->db, l->id, sv->node,
					 session_wall_us(sv));
	r = close_row(sv, l, "the call could not be taken up again");
	return r == -ENOENT ? 0 : r;
}

int recover_sessions(struct sip_server *sv)
{
	int64_t n;
	int r;

	r = db_begin(sv->db);
	if (r < 0)
		return r;
	n = recording_each_live(sv->db, sv->node, on_live, sv);
	if (n < 0) {
		db_rollback(sv->db);
		return (int)n;
	}
	r = db_commit(sv->db);
	if (r == 0 && n > 0)
		log_info(NULL, "sip.calls_found", LOG_I("count", n),
			 LOG_I("restored", sv->n_sessions));
	return r;
}

/* ---- files without a row ---- */

struct found {
	json_t *meta;
	struct spool_streams streams;
	int64_t start_wall_us, end_wall_us;
	bool has_packets;
};

static int look_into(const char *path, struct found *f)
{
	struct spool_reader *rd = NULL;
	struct spool_item it;
	int r;

	r = spool_reader_open(path, &rd);
	if (r < 0)
		return r;
	while ((r = spool_reader_next(rd, &it)) == 1) {
		if (f->start_wall_us == 0)
			f->start_wall_us = it.wall_us;
		f->end_wall_us = it.wall_us;
		if (it.type == SPOOL_OPEN && !f->meta)
			f->meta = json_loadb(it.open.meta, it.open.meta_len, 0,
					     NULL);
		else if (it.type == SPOOL_STREAMS)
			f->streams = *it.streams;
		else if (it.type == SPOOL_PACKETS)
			f->has_packets = true;
	}
	spool_reader_close(&rd);
	return r;
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static unsigned read_people(const json_t *meta, int64_t joined_us,
			    struct recording_participant *people, unsigned max)
{
	const json_t *a = json_object_get(meta, "participants");
	unsigned n = 0;

	for (size_t i = 0; i < json_array_size(a) && n < max; i++) {
		const json_t *p = json_array_get(a, i);

		people[n++] = (struct recording_participant){
			.ord = (unsigned)json_integer_value(
				json_object_get(p, "ord")),
			.ext_id = text_of(p, "ext_id"),
			.aor = text_of(p, "aor"),
			.name = text_of(p, "name"),
			.joined_us = joined_us,
		};
	}
	return n;
}

static int sender_of(const json_t *meta, unsigned idx)
{
	const json_t *people = json_object_get(meta, "participants");

	for (size_t i = 0; i < json_array_size(people); i++) {
		const json_t *p = json_array_get(people, i);
		const json_t *list = json_object_get(p, "streams");

		for (size_t k = 0; k < json_array_size(list); k++) {
			if (json_integer_value(json_array_get(list, k)) ==
			    (json_int_t)idx)
				return (int)json_integer_value(
					json_object_get(p, "ord"));
		}
	}
	return -1;
}

static unsigned read_streams(const struct found *f,
			     struct recording_stream *rows)
{
	static const char *const media[] = { "audio", "video", "text" };
	unsigned n = 0;

	for (unsigned i = 0; i < f->streams.n && i < CAP_STREAMS_MAX; i++) {
		const struct cap_stream *c = &f->streams.s[i];

		rows[n++] = (struct recording_stream){
			.idx = c->index,
			.label = c->label,
			.media = media[c->media <= CAP_TEXT ? c->media : 0],
			.codec = c->n_pts ? c->pts[0].codec : "",
			.rate_hz = c->n_pts ? c->pts[0].rate_hz : 0,
			.participant = sender_of(f->meta, c->index),
		};
	}
	return n;
}

static int write_recording(struct sip_server *sv, const char *id,
			   const char *file, const struct found *f)
{
	struct recording_participant people[64];
	struct recording_stream streams[CAP_STREAMS_MAX];
	struct recording_new rn = {
		.id = id,
		.tenant_id = text_of(f->meta, "tenant_id"),
		.owner_id = text_of(f->meta, "owner_id"),
		.client_id = text_of(f->meta, "client_id"),
		.grant_id = text_of(f->meta, "grant_id"),
		.call_id = text_of(f->meta, "call_id"),
		.node = sv->node,
		.spool_file = file,
		.started_us = f->start_wall_us,
		.participants = people,
		.streams = streams,
	};
	struct recording_live l = { .id = id, .spool_file = file };
	int r;

	rn.n_participants = read_people(f->meta, f->start_wall_us, people,
					ARRAY_SIZE(people));
	rn.n_streams = read_streams(f, streams);
	r = db_begin(sv->db);
	if (r < 0)
		return r;
	r = recording_create(sv->db, &rn);
	if (r == 0)
		r = close_row(sv, &l, "found on disk after a crash");
	if (r == 0)
		r = db_commit(sv->db);
	if (r < 0)
		db_rollback(sv->db);
	return r;
}

static bool has_row(struct sip_server *sv, const char *id)
{
	int64_t one;

	return db_query_int(sv->db, "SELECT 1 FROM recordings WHERE id = $1",
			    DB_ARGS(db_text(id)), &one) != -ENODATA;
}

/* Something is in it, but not whose it is: a person must look. Under another
 * name it is neither swept again nor ever removed by us. */
static void set_aside(const char *path, const char *id, int r)
{
	char kept[820];

	(void)snprintf(kept, sizeof(kept), "%s.unreadable", path);
	log_error(NULL, "sip.spool_set_aside", LOG_S("recording", id),
		  LOG_S("file", kept), LOG_E(r));
	if (rename(path, kept) < 0)
		log_error(NULL, "sip.spool_not_set_aside", LOG_E(errno));
}

static void remove_file(const char *path, const char *id, const char *event)
{
	log_info(NULL, event, LOG_S("recording", id));
	if (unlink(path) < 0 && errno != ENOENT)
		log_warn(NULL, "sip.spool_not_removed", LOG_E(errno));
}

static void keep_or_remove(struct sip_server *sv, const char *id,
			   const char *file)
{
	struct found *f;
	char path[800];
	int r;

	if (has_row(sv, id))
		return;
	(void)snprintf(path, sizeof(path), "%s/%s", sv->spool_dir, file);
	r = unwanted_check(sv->db, id);
	if (r > 0)
		remove_file(path, id, "sip.spool_unwanted");
	if (r != 0)
		return; /* not known: looked at again with the next start */
	f = mem_zalloc(sizeof(*f));
	if (!f)
		return;
	r = look_into(path, f);
	if (r == 0 && f->has_packets && f->meta) {
		r = write_recording(sv, id, file, f);
		log_warn(NULL, "sip.spool_recovered", LOG_S("recording", id),
			 LOG_I("result", r));
	} else if (r == 0 && !f->has_packets) {
		/* never accepted, and nothing to hear in it */
		remove_file(path, id, "sip.spool_removed");
	} else {
		set_aside(path, id, r);
	}
	json_decref(f->meta);
	mem_free(f);
}

void recover_stray(struct sip_server *sv, const struct cap_closed *c)
{
	/* our own transaction must not be in the way of its */
	(void)turn_end(sv, true);
	if (c->spool_file[0] && id_ok(c->session.s))
		keep_or_remove(sv, c->session.s, c->spool_file);
}

void recover_sweep(struct sip_server *sv)
{
	DIR *d = opendir(sv->spool_dir);
	struct dirent *e;
	size_t suffix = strlen(SPOOL_SUFFIX);
	struct id id;

	if (!d)
		return;
	(void)turn_end(sv, true);
	while ((e = readdir(d))) {
		size_t len = strlen(e->d_name);

		if (len != ID_LEN + suffix ||
		    !str_eq(e->d_name + ID_LEN, SPOOL_SUFFIX))
			continue;
		(void)span_copy(id.s, sizeof(id.s),
				(struct span){ e->d_name, ID_LEN });
		if (id_ok(id.s) && !session_find(sv, id.s))
			keep_or_remove(sv, id.s, e->d_name);
	}
	closedir(d);
}
