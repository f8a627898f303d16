#include "web/api.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "base/str.h"
#include "storage/audit.h"
#include "storage/catalog.h"
#include "storage/catalog_search.h"
#include "storage/db.h"
#include "web/access.h"
#include "web/context.h"
#include "web/file.h"
#include "web/http.h"
#include "web/params.h"
#include "web/zone.h"

#define PAGE_DEFAULT 50

static const char *const states[] = { "recording", "rendering", "ready",
				      "failed", NULL };

/* A player fetches a file in many pieces: the first one is an entry, and so is
 * any other when there is none of this listener yet. */
#define LISTEN_US (600 * 1000000LL)

static int audit_listen(struct http_request *req, const char *id,
			bool from_start)
{
	int64_t n = 0;
	char object[64];
	int r = 0;

	(void)snprintf(object, sizeof(object), "recording:%s", id);
	if (!from_start)
		r = db_query_int(req->ctx->db,
				 "SELECT count(*) FROM audit WHERE object = $1 "
				 "AND action = 'recording.listen' AND actor = "
				 "$2 AND at_us > $3",
				 DB_ARGS(db_text(object),
					 db_text(req->who->actor),
					 db_int(req->wall_us - LISTEN_US)),
				 &n);
	if (r < 0 || n > 0)
		return r;
	return access_audit_recording(req, "recording.listen", id);
}

/* An id that can't be one is as unknown as any other. */
static int load(struct http_request *req, unsigned parts,
		struct recording **ret_rec)
{
	if (!id_ok(req->args[0]))
		return -ENOENT;
	return recording_get(req->ctx->db, &req->who->scope, req->args[0],
			     parts, ret_rec);
}

static bool read_filter(struct http_request *req, struct http_response *res,
			struct recording_filter *f)
{
	static const char *const names[] = { "q",     "from",	     "to",
					     "tz",    "participant", "state",
					     "limit", "cursor",	     NULL };
	struct zone zone CLEANUP(zone_close) = { 0 }, *z;
	int64_t limit = PAGE_DEFAULT;
	int state = -1;

	if (!params_known(req, res, names) ||
	    !params_text(req, res, "q", 500, &f->q) ||
	    !params_zone(req, res, &zone))
		return false;
	z = zone.name[0] ? &zone : NULL;
	if (!params_time(req, res, "from", z, &f->from_us) ||
	    !params_time(req, res, "to", z, &f->to_us) ||
	    !params_text(req, res, "participant", 400, &f->participant) ||
	    !params_word(req, res, "state", states, &state) ||
	    !params_int(req, res, "limit", 1, RECORDING_PAGE_MAX, &limit) ||
	    !params_text(req, res, "cursor", RECORDING_CURSOR_MAX - 1,
			 &f->cursor))
		return false;
	if (f->cursor && !f->cursor[0]) {
		http_problem_param(res, "cursor", "is empty");
		return false;
	}
	if (f->from_us && f->to_us && f->from_us > f->to_us) {
		http_problem_param(res, "to", "is before \"from\"");
		return false;
	}
	f->limit = (unsigned)limit;
	f->states = state < 0 ? 0 : 1u << state;
	return true;
}

static int add_item(void *arg, const struct recording *rec)
{
	return json_array_append_new(arg, api_recording_json(rec, false))
		       ? -ENOMEM
		       : 0;
}

int api_recordings_list(struct http_request *req, struct http_response *res)
{
	struct recording_filter f = {
		.parts = RECORDING_PARTICIPANTS | RECORDING_WARNINGS,
	};
	char next[RECORDING_CURSOR_MAX] = "";
	struct number_plan numbers;
	json_t *items, *j;
	int64_t n;

	if (!read_filter(req, res, &f))
		return 0;
	n = tenant_plan(req->ctx->db, req->who->tenant_id,
			req->ctx->web->settings, &numbers);
	if (n < 0)
		return (int)n;
	f.numbers = &numbers;
	items = json_array();
	n = recording_list(req->ctx->db, &req->who->scope, &f, add_item, items,
			   next);
	if (n < 0) {
		json_decref(items);
		if (n == -EINVAL)
			return http_problem_param(res, "cursor",
						  "is not one of this list");
		return (int)n;
	}
	j = json_object();
	json_object_set_new(j, "items", items);
	json_object_set_new(j, "next_cursor",
			    next[0] ? json_string(next) : json_null());
	return http_json(res, 200, j);
}

int api_recording_get(struct http_request *req, struct http_response *res)
{
	static const char *const none[] = { NULL };
	struct recording *rec CLEANUP(recording_destroy) = NULL;
	int r;

	if (!params_known(req, res, none))
		return 0;
	r = load(req, RECORDING_ALL, &rec);
	if (r < 0)
		return r;
	return http_json(res, 200, api_recording_json(rec, true));
}

/* A string member of the body within a limit; false: res is filled. */
static bool patch_text(struct http_response *res, json_t *body,
		       const char *name, size_t max, const char **ret_s)
{
	json_t *j = json_object_get(body, name);

	if (!j)
		return true;
	if (!json_is_string(j) || json_string_length(j) > max ||
	    strlen(json_string_value(j)) != json_string_length(j)) {
		http_problem_param(res, name,
				   "must be a string of at most %zu bytes",
				   max);
		return false;
	}
	*ret_s = json_string_value(j);
	return true;
}

static bool patch_known(struct http_response *res, json_t *body)
{
	const char *name;
	json_t *value;

	json_object_foreach(body, name, value)
	{
		if (strcmp(name, "title") == 0 || strcmp(name, "notes") == 0)
			continue;
		http_problem_param(res, name, "can't be changed");
		return false;
	}
	return true;
}

static int edit(struct http_request *req, const char *title, const char *notes)
{
	struct db *db = req->ctx->db;
	int r = db_begin(db);

	if (r < 0)
		return r;
	r = recording_edit(db, &req->who->scope, req->args[0], title, notes);
	if (r == 0)
		r = access_audit_recording(req, "recording.edit", req->args[0]);
	if (r == 0)
		return db_commit(db);
	db_rollback(db);
	return r;
}

int api_recording_patch(struct http_request *req, struct http_response *res)
{
	const char *title = NULL, *notes = NULL;
	json_t *body;
	bool ok;
	int r;

	if (!http_is_type(req, "application/json") &&
	    !http_is_type(req, "application/merge-patch+json"))
		return http_problem(res, 415, "Send application/json");
	if (!id_ok(req->args[0]))
		return -ENOENT;
	body = json_loadb(req->body, req->body_len, JSON_REJECT_DUPLICATES,
			  NULL);
	if (!json_is_object(body)) {
		json_decref(body);
		return http_problem(res, 400, "The body must be a JSON object");
	}
	ok = patch_known(res, body) &&
	     patch_text(res, body, "title", RECORDING_TITLE_MAX, &title) &&
	     patch_text(res, body, "notes", RECORDING_NOTES_MAX, &notes);
	r = ok ? edit(req, title, notes) : 0;
	json_decref(body);
	if (!ok || r < 0)
		return r;
	return api_recording_get(req, res);
}

int api_recording_delete(struct http_request *req, struct http_response *res)
{
	struct db *db = req->ctx->db;
	int r;

	if (!id_ok(req->args[0]))
		return -ENOENT;
	r = db_begin(db);
	if (r < 0)
		return r;
	r = recording_delete(db, &req->who->scope, req->args[0], req->wall_us);
	if (r == 0)
		r = access_audit_recording(req, "recording.delete",
					   req->args[0]);
	if (r == 0)
		r = db_commit(db);
	else
		db_rollback(db);
	if (r == -EBUSY)
		return http_problem(res, 409,
				    "The call is still being recorded");
	if (r < 0)
		return r;
	res->status = 204;
	return 0;
}

/* ---- files ---- */

static int not_ready(struct http_response *res, const struct recording *rec)
{
	return http_problem(res, 409, "The recording is not ready: %s",
			    recording_state_word(rec->state));
}

/* format=, or what the Accept header prefers when it names one of them. */
static const char *choose_format(struct http_request *req, int asked)
{
	const char *accept = http_header(req, "Accept");

	if (asked >= 0)
		return asked == 0 ? "ogg" : "mp4";
	if (accept && strstr(accept, "audio/mp4") && !strstr(accept, "ogg"))
		return "mp4";
	return "ogg";
}

static int send_track(struct http_request *req, struct http_response *res,
		      const struct recording *rec, const char *kind, unsigned n)
{
	static const char *const formats[] = { "ogg", "mp4", NULL };
	static const char *const yes[] = { "0", "1", NULL };
	static const char *const names[] = { "format", "download", NULL };
	const struct recording_track *t;
	int format = -1, download = 0, r;
	bool from_start = false;
	char name[96];
	struct file_send f;

	if (!params_known(req, res, names) ||
	    !params_word(req, res, "format", formats, &format) ||
	    !params_word(req, res, "download", yes, &download))
		return 0;
	if (rec->state != RECORDING_READY)
		return not_ready(res, rec);
	http_set(res, "Vary", "Accept");
	t = recording_track(rec, kind, n, choose_format(req, format));
	if (!t && format < 0)
		t = recording_track(rec, kind, n, NULL);
	if (!t)
		return -ENOENT;
	if (n == 0)
		(void)snprintf(name, sizeof(name), "%.36s.%.8s", rec->id,
			       t->format);
	else
		(void)snprintf(name, sizeof(name), "%.36s-%u.%.8s", rec->id, n,
			       t->format);
	f = (struct file_send){ .recording_id = rec->id,
				.blob_key = t->blob_key,
				.mime = t->mime,
				.sha256 = t->sha256,
				.filename = name,
				.download = download == 1 };
	r = file_send(req, res, &f, &from_start);
	if (r == 0 && res->status / 100 == 2 && req->method == HTTP_GET)
		r = audit_listen(req, rec->id, from_start);
	return r;
}

int api_recording_audio(struct http_request *req, struct http_response *res)
{
	struct recording *rec CLEANUP(recording_destroy) = NULL;
	int r = load(req, RECORDING_TRACKS, &rec);

	return r < 0 ? r : send_track(req, res, rec, "mix", 0);
}

int api_track_audio(struct http_request *req, struct http_response *res)
{
	struct recording *rec CLEANUP(recording_destroy) = NULL;
	uint64_t n;
	int r = load(req, RECORDING_TRACKS, &rec);

	if (r < 0)
		return r;
	if (str_u64(req->args[1], 1000, &n) < 0 || n == 0)
		return -ENOENT;
	return send_track(req, res, rec, "track", (unsigned)n);
}

int api_track_text(struct http_request *req, struct http_response *res)
{
	static const char *const yes[] = { "0", "1", NULL };
	static const char *const names[] = { "download", NULL };
	struct recording *rec CLEANUP(recording_destroy) = NULL;
	const struct recording_track *t;
	int r = load(req, RECORDING_TRACKS, &rec), download = 0;
	struct file_send f;
	char name[96];
	uint64_t n;

	if (r < 0)
		return r;
	if (str_u64(req->args[1], 1000, &n) < 0 || n == 0)
		return -ENOENT;
	if (!params_known(req, res, names) ||
	    !params_word(req, res, "download", yes, &download))
		return 0;
	if (rec->state != RECORDING_READY)
		return not_ready(res, rec);
	t = recording_track(rec, "text", (unsigned)n, "vtt");
	if (!t)
		return -ENOENT;
	(void)snprintf(name, sizeof(name), "%.36s-%u.vtt", rec->id,
		       (unsigned)n);
	f = (struct file_send){ .recording_id = rec->id,
				.blob_key = t->blob_key,
				.mime = t->mime,
				.sha256 = t->sha256,
				.filename = name,
				.download = download == 1 };
	r = file_send(req, res, &f, NULL);
	if (r == 0 && res->status / 100 == 2 && req->method == HTTP_GET)
		r = audit_listen(req, rec->id, true);
	return r;
}

int api_recording_peaks(struct http_request *req, struct http_response *res)
{
	static const char *const formats[] = { "json", "dat", NULL };
	static const char *const names[] = { "format", NULL };
	struct recording *rec CLEANUP(recording_destroy) = NULL;
	const struct recording_track *t;
	const char *accept = http_header(req, "Accept");
	struct file_send f;
	int format = -1, r;

	if (!params_known(req, res, names) ||
	    !params_word(req, res, "format", formats, &format))
		return 0;
	r = load(req, RECORDING_TRACKS, &rec);
	if (r < 0)
		return r;
	if (rec->state != RECORDING_READY)
		return not_ready(res, rec);
	if (format < 0)
		format = accept && strstr(accept, "application/octet-stream");
	http_set(res, "Vary", "Accept");
	t = recording_track(rec, "peaks", 0, formats[format]);
	if (!t)
		return -ENOENT;
	f = (struct file_send){ .recording_id = rec->id,
				.blob_key = t->blob_key,
				.mime = t->mime,
				.sha256 = t->sha256 };
	return file_send(req, res, &f, NULL);
}
