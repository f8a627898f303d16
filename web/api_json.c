#include "web/api.h"

#include "base/clock.h"
#include "storage/catalog_search.h"

json_t *api_time_json(int64_t wall_us)
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

static json_t *number_or_null(int n)
{
	return n < 0 ? json_null() : json_integer(n);
}

/* Text from calls: replaced when it is not UTF-8 after all. */
static json_t *text(const char *s)
{
	json_t *j = json_string(s);

	return j ? j : json_string("?");
}

static json_t *participants(const struct recording *rec, bool full)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < rec->n_participants; i++) {
		const struct recording_participant *p = &rec->participants[i];
		json_t *j = json_object();

		json_object_set_new(j, "aor", text(p->aor));
		json_object_set_new(j, "name", text(p->name));
		if (full) {
			json_object_set_new(j, "ord", json_integer(p->ord));
			json_object_set_new(j, "joined_at",
					    api_time_json(p->joined_us));
			json_object_set_new(j, "left_at",
					    api_time_json(p->left_us));
		}
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *warnings(const struct recording *rec)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < rec->n_warnings; i++) {
		const struct recording_warning *w = &rec->warnings[i];
		json_t *j = json_object();

		json_object_set_new(j, "code", text(w->code));
		json_object_set_new(j, "severity", text(w->severity));
		json_object_set_new(j, "detail", text(w->detail));
		json_object_set_new(j, "count", json_integer(w->count));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *streams(const struct recording *rec)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < rec->n_streams; i++) {
		const struct recording_stream *s = &rec->streams[i];
		json_t *j = json_object();

		json_object_set_new(j, "index", json_integer(s->idx));
		json_object_set_new(j, "label", text(s->label));
		json_object_set_new(j, "media", text(s->media));
		json_object_set_new(j, "codec", text(s->codec));
		json_object_set_new(j, "rate_hz", json_integer(s->rate_hz));
		json_object_set_new(j, "participant",
				    number_or_null(s->participant));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *events(const struct recording *rec)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < rec->n_events; i++) {
		const struct recording_event *ev = &rec->events[i];
		json_t *j = json_object();

		json_object_set_new(j, "at", api_time_json(ev->at_us));
		json_object_set_new(j, "offset_s", seconds(ev->offset_us));
		json_object_set_new(j, "kind", text(ev->kind));
		json_object_set_new(j, "participant",
				    number_or_null(ev->participant));
		json_object_set_new(j, "stream", number_or_null(ev->stream));
		json_object_set_new(j, "text", text(ev->text));
		json_array_append_new(list, j);
	}
	return list;
}

/* Only what can be played: peaks have their own address. */
static json_t *tracks(const struct recording *rec)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < rec->n_tracks; i++) {
		const struct recording_track *t = &rec->tracks[i];
		json_t *j;

		if (t->n == 0)
			continue;
		j = json_object();
		json_object_set_new(j, "n", json_integer(t->n));
		json_object_set_new(j, "format", text(t->format));
		json_object_set_new(j, "participant",
				    number_or_null(t->participant));
		json_object_set_new(j, "stream", number_or_null(t->stream));
		json_object_set_new(j, "channels", json_integer(t->channels));
		json_object_set_new(j, "bytes",
				    json_integer((json_int_t)t->bytes));
		json_object_set_new(j, "sha256", text(t->sha256));
		json_object_set_new(j, "duration_s", seconds(t->duration_us));
		json_object_set_new(
			j, "audio",
			json_sprintf("/api/v1/recordings/%s/tracks/%u/audio"
				     "?format=%s",
				     rec->id, t->n, t->format));
		json_array_append_new(list, j);
	}
	return list;
}

json_t *api_recording_json(const struct recording *rec, bool full)
{
	json_t *j = json_object();

	json_object_set_new(j, "id", text(rec->id));
	json_object_set_new(j, "state", text(recording_state_word(rec->state)));
	json_object_set_new(j, "started_at", api_time_json(rec->started_us));
	json_object_set_new(j, "ended_at", api_time_json(rec->ended_us));
	json_object_set_new(j, "duration_s", seconds(rec->duration_us));
	json_object_set_new(j, "title", text(rec->title));
	json_object_set_new(j, "participants", participants(rec, full));
	json_object_set_new(j, "warnings", warnings(rec));
	if (!full)
		return j;
	json_object_set_new(j, "notes", text(rec->notes));
	json_object_set_new(j, "call_id", text(rec->call_id));
	json_object_set_new(j, "owner_id", text(rec->owner_id));
	json_object_set_new(j, "client_id", text(rec->client_id));
	json_object_set_new(j, "grant_id", text(rec->grant_id));
	json_object_set_new(j, "end_reason", text(rec->end_reason));
	json_object_set_new(j, "bytes", json_integer(rec->bytes));
	json_object_set_new(j, "retain_until",
			    api_time_json(rec->retain_until_us));
	json_object_set_new(j, "streams", streams(rec));
	json_object_set_new(j, "events", events(rec));
	json_object_set_new(j, "tracks", tracks(rec));
	json_object_set_new(
		j, "audio",
		rec->state == RECORDING_READY
			? json_sprintf("/api/v1/recordings/%s/audio", rec->id)
			: json_null());
	json_object_set_new(
		j, "peaks",
		rec->state == RECORDING_READY
			? json_sprintf("/api/v1/recordings/%s/peaks", rec->id)
			: json_null());
	return j;
}
