#include "srs/recording_json.h"

#include "base/clock.h"
#include "storage/catalog_search.h"

json_t *recording_json_time(int64_t wall_us)
{
	char text[CLOCK_RFC3339_MAX];

	if (wall_us == 0)
		return json_null();
	clock_format(wall_us, text, sizeof(text));
	return json_string(text);
}

static json_t *seconds(int64_t us)
{
	return json_real((double)(us / 1000) / 1000.0);
}

/* Text of a call; jansson refuses what is not UTF-8. */
static json_t *text(const char *s)
{
	json_t *j = json_string(s);

	return j ? j : json_string("?");
}

static json_t *participants(const struct recording *rec)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < rec->n_participants; i++) {
		const struct recording_participant *p = &rec->participants[i];

		json_array_append_new(
			list,
			json_pack("{s:i, s:o, s:o, s:o, s:o}", "ord",
				  (int)p->ord, "aor", text(p->aor), "name",
				  text(p->name), "joined_at",
				  recording_json_time(p->joined_us), "left_at",
				  recording_json_time(p->left_us)));
	}
	return list;
}

static json_t *warnings(const struct recording *rec)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < rec->n_warnings; i++) {
		const struct recording_warning *w = &rec->warnings[i];

		json_array_append_new(list,
				      json_pack("{s:o, s:o, s:o, s:I}", "code",
						text(w->code), "severity",
						text(w->severity), "detail",
						text(w->detail), "count",
						(json_int_t)w->count));
	}
	return list;
}

static json_t *streams(const struct recording *rec)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < rec->n_streams; i++) {
		const struct recording_stream *s = &rec->streams[i];

		json_array_append_new(
			list,
			json_pack("{s:i, s:o, s:o, s:o, s:i, s:i}", "index",
				  (int)s->idx, "label", text(s->label), "media",
				  text(s->media), "codec", text(s->codec),
				  "rate_hz", (int)s->rate_hz, "participant",
				  s->participant));
	}
	return list;
}

static json_t *events(const struct recording *rec)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < rec->n_events; i++) {
		const struct recording_event *ev = &rec->events[i];

		json_array_append_new(
			list, json_pack("{s:o, s:o, s:o, s:i, s:i, s:o}", "at",
					recording_json_time(ev->at_us),
					"offset_s", seconds(ev->offset_us),
					"kind", text(ev->kind), "participant",
					ev->participant, "stream", ev->stream,
					"text", text(ev->text)));
	}
	return list;
}

static json_t *tracks(const struct recording *rec)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < rec->n_tracks; i++) {
		const struct recording_track *t = &rec->tracks[i];

		json_array_append_new(
			list,
			json_pack("{s:s, s:i, s:s, s:i, s:i, s:s, s:s, "
				  "s:I, s:s, s:i, s:i, s:o}",
				  "kind", t->kind, "n", (int)t->n, "format",
				  t->format, "participant", t->participant,
				  "stream", t->stream, "blob_key", t->blob_key,
				  "mime", t->mime, "bytes",
				  (json_int_t)t->bytes, "sha256", t->sha256,
				  "channels", (int)t->channels, "rate_hz",
				  (int)t->rate_hz, "duration_s",
				  seconds(t->duration_us)));
	}
	return list;
}

static void add_full(json_t *j, const struct recording *rec)
{
	json_t *meta = rec->meta ? json_loads(rec->meta, 0, NULL) : NULL;

	json_object_set_new(j, "tenant_id", text(rec->tenant_id));
	json_object_set_new(j, "owner_id", text(rec->owner_id));
	json_object_set_new(j, "client_id", text(rec->client_id));
	json_object_set_new(j, "grant_id", text(rec->grant_id));
	json_object_set_new(j, "call_id", text(rec->call_id));
	json_object_set_new(j, "notes", text(rec->notes));
	json_object_set_new(j, "end_reason", text(rec->end_reason));
	json_object_set_new(j, "node", text(rec->node));
	json_object_set_new(j, "spool_file", text(rec->spool_file));
	json_object_set_new(j, "bytes", json_integer(rec->bytes));
	json_object_set_new(j, "retain_until",
			    recording_json_time(rec->retain_until_us));
	json_object_set_new(j, "streams", streams(rec));
	json_object_set_new(j, "events", events(rec));
	json_object_set_new(j, "tracks", tracks(rec));
	json_object_set_new(j, "metadata", meta ? meta : json_null());
}

json_t *recording_json(const struct recording *rec, bool full)
{
	json_t *j = json_object();

	json_object_set_new(j, "id", text(rec->id));
	json_object_set_new(j, "state", text(recording_state_word(rec->state)));
	json_object_set_new(j, "started_at",
			    recording_json_time(rec->started_us));
	json_object_set_new(j, "ended_at", recording_json_time(rec->ended_us));
	json_object_set_new(j, "duration_s", seconds(rec->duration_us));
	json_object_set_new(j, "title", text(rec->title));
	json_object_set_new(j, "participants", participants(rec));
	json_object_set_new(j, "warnings", warnings(rec));
	if (full)
		add_full(j, rec);
	return j;
}
