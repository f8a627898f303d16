#include "storage/recording_json.h"

#include <stdbool.h>

#include "base/clock.h"
#include "storage/catalog_search.h"
#include "storage/recording_senders.h"

json_t *recording_json_time(int64_t wall_us)
{
	char text[CLOCK_RFC3339_MAX];

	if (wall_us == 0)
		return json_null();
	clock_format(wall_us, text, sizeof(text));
	return json_string(text);
}

json_t *recording_json_seconds(int64_t us)
{
	return json_real((double)(us / 1000) / 1000.0);
}

static bool inside(unsigned flags)
{
	return flags & RECORDING_JSON_INSIDE;
}

/* ord of a participant or idx of a stream */
static json_t *number(int n, unsigned flags)
{
	return n < 0 && !inside(flags) ? json_null() : json_integer(n);
}

static void put(json_t *j, const char *name, json_t *value)
{
	json_object_set_new(j, name, value);
}

/* Text of a call; jansson refuses what is not UTF-8. */
static void put_text(json_t *j, const char *name, const char *s)
{
	json_t *value = json_string(s);

	put(j, name, value ? value : json_string("?"));
}

static json_t *participants(const struct recording *rec, unsigned flags)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < rec->n_participants; i++) {
		const struct recording_participant *p = &rec->participants[i];
		json_t *j = json_object();

		put_text(j, "aor", p->aor);
		put_text(j, "name", p->name);
		if (flags) {
			put(j, "ord", json_integer(p->ord));
			put(j, "joined_at", recording_json_time(p->joined_us));
			put(j, "left_at", recording_json_time(p->left_us));
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

		put_text(j, "code", w->code);
		put_text(j, "severity", w->severity);
		put_text(j, "detail", w->detail);
		put(j, "count", json_integer(w->count));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *streams(const struct recording *rec, unsigned flags)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < rec->n_streams; i++) {
		const struct recording_stream *s = &rec->streams[i];
		json_t *j = json_object();

		put(j, "index", json_integer(s->idx));
		put_text(j, "label", s->label);
		put_text(j, "media", s->media);
		put_text(j, "codec", s->codec);
		put(j, "rate_hz", json_integer(s->rate_hz));
		put(j, "participant", number(s->participant, flags));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *events(const struct recording *rec, unsigned flags)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < rec->n_events; i++) {
		const struct recording_event *ev = &rec->events[i];
		json_t *j = json_object();

		put(j, "at", recording_json_time(ev->at_us));
		put(j, "offset_s", recording_json_seconds(ev->offset_us));
		put_text(j, "kind", ev->kind);
		put(j, "participant", number(ev->participant, flags));
		put(j, "stream", number(ev->stream, flags));
		put_text(j, "text", ev->text);
		if (ev->actor_name && ev->actor_name[0]) {
			put_text(j, "actor", ev->text);
			put_text(j, "actor_name", ev->actor_name);
		}
		if (ev->duration_us > 0)
			put(j, "duration_s",
			    recording_json_seconds(ev->duration_us));
		json_array_append_new(list, j);
	}
	return list;
}

/* Everybody whose voice is in it, in order. */
static json_t *senders(const struct recording *rec, int stream)
{
	int ords[RECORDING_SENDERS_MAX];
	unsigned n = recording_senders(rec, stream, ords);
	json_t *list = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, json_integer(ords[i]));
	return list;
}

static json_t *track(const struct recording *rec,
		     const struct recording_track *t, unsigned flags)
{
	json_t *j = json_object();

	put(j, "n", json_integer(t->n));
	put_text(j, "kind", t->kind);
	put_text(j, "format", t->format);
	put(j, "participant", number(t->participant, flags));
	put(j, "stream", number(t->stream, flags));
	put(j, "senders", senders(rec, t->stream));
	put(j, "channels", json_integer(t->channels));
	put(j, "bytes", json_integer((json_int_t)t->bytes));
	put_text(j, "sha256", t->sha256);
	put(j, "duration_s", recording_json_seconds(t->duration_us));
	if (inside(flags)) {
		put_text(j, "blob_key", t->blob_key);
		put_text(j, "mime", t->mime);
		put(j, "rate_hz", json_integer(t->rate_hz));
	}
	return j;
}

/* Outside only tracks of their own: mix and peaks have their own address. */
static json_t *tracks(const struct recording *rec, unsigned flags)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < rec->n_tracks; i++)
		if (rec->tracks[i].n > 0 || inside(flags))
			json_array_append_new(list, track(rec, &rec->tracks[i],
							  flags));
	return list;
}

/* The model's three lists stand beside the others. */
static void put_model(json_t *j, const struct recording *rec)
{
	static const char *const lists[][2] = {
		{ "groups", "groups" },
		{ "communication_sessions", "sessions" },
		{ "associations", "associations" },
	};
	json_t *model = rec->model ? json_loads(rec->model, 0, NULL) : NULL;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		json_t *list = json_object_get(model, lists[i][1]);

		put(j, lists[i][0], list ? json_incref(list) : json_array());
	}
	json_decref(model);
}

static json_t *id_or_null(const char *id)
{
	return *id ? json_string(id) : json_null();
}

/* Both say who stands for it in lists. */
static void put_behind(json_t *j, const char *front, bool half)
{
	put(j, "duplicate_of", id_or_null(half ? "" : front));
	put(j, "half_of", id_or_null(half ? front : ""));
}

/* offset_s: how much later than rec it begins. */
static json_t *halves(const struct recording *rec, unsigned flags)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < rec->n_halves; i++) {
		json_t *j = recording_json(rec->halves[i], flags);

		put(j, "offset_s",
		    recording_json_seconds(rec->halves[i]->started_us -
					   rec->started_us));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *call(const struct recording *rec)
{
	json_t *j = json_object(), *legs = json_array();

	put_text(j, "id", rec->n_legs ? rec->legs[0].call_id : rec->id);
	for (unsigned i = 0; i < rec->n_legs; i++) {
		json_t *leg = json_object();

		put_text(leg, "recording_id", rec->legs[i].recording_id);
		put_text(leg, "rule", rec->legs[i].rule);
		put_behind(leg, rec->legs[i].duplicate_of, rec->legs[i].half);
		json_array_append_new(legs, leg);
	}
	put(j, "legs", legs);
	return j;
}

static void put_full(json_t *j, const struct recording *rec, unsigned flags)
{
	json_t *meta = rec->meta ? json_loads(rec->meta, 0, NULL) : NULL;

	put_text(j, "notes", rec->notes);
	put_text(j, "call_id", rec->call_id);
	put_text(j, "owner_id", rec->owner_id);
	put_text(j, "client_id", rec->client_id);
	put_text(j, "grant_id", rec->grant_id);
	put_text(j, "end_reason", rec->end_reason);
	put(j, "bytes", json_integer(rec->bytes));
	put(j, "retain_until", recording_json_time(rec->retain_until_us));
	put(j, "media_dropped_at", recording_json_time(rec->media_dropped_us));
	put(j, "streams", streams(rec, flags));
	put(j, "events", events(rec, flags));
	put(j, "tracks", tracks(rec, flags));
	put(j, "metadata", meta ? meta : json_null());
	put(j, "call", call(rec));
	put(j, "halves", halves(rec, flags));
	put_model(j, rec);
}

static void put_inside(json_t *j, const struct recording *rec)
{
	put_text(j, "tenant_id", rec->tenant_id);
	put_text(j, "node", rec->node);
	put_text(j, "spool_file", rec->spool_file);
}

json_t *recording_json(const struct recording *rec, unsigned flags)
{
	json_t *j = json_object();

	put_text(j, "id", rec->id);
	put_text(j, "state", recording_state_word(rec->state));
	put(j, "paused", json_boolean(rec->paused));
	put(j, "started_at", recording_json_time(rec->started_us));
	put(j, "ended_at", recording_json_time(rec->ended_us));
	put(j, "duration_s", recording_json_seconds(rec->duration_us));
	put_text(j, "title", rec->title);
	put_behind(j, rec->duplicate_of, rec->half);
	put(j, "participants", participants(rec, flags));
	put(j, "warnings", warnings(rec));
	if (flags & RECORDING_JSON_FULL)
		put_full(j, rec, flags);
	if (flags & RECORDING_JSON_FULL && inside(flags))
		put_inside(j, rec);
	return j;
}
