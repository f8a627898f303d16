#include "web/api.h"

#include "storage/catalog_search.h"
#include "storage/recording_json.h"

static json_t *link_of(const struct recording *rec, const char *what)
{
	if (rec->state != RECORDING_READY)
		return json_null();
	return json_sprintf("/api/v1/recordings/%s/%s", rec->id, what);
}

static void link_tracks(json_t *list, const struct recording *rec)
{
	json_t *j;
	size_t i;

	json_array_foreach(list, i, j)
	{
		json_object_set_new(
			j, "audio",
			json_sprintf("/api/v1/recordings/%s/tracks/%d/audio"
				     "?format=%s",
				     rec->id,
				     (int)json_integer_value(
					     json_object_get(j, "n")),
				     json_string_value(
					     json_object_get(j, "format"))));
	}
}

json_t *api_recording_json(const struct recording *rec, bool full)
{
	json_t *j = recording_json(rec, full ? RECORDING_JSON_FULL : 0);

	if (!full || !j)
		return j;
	link_tracks(json_object_get(j, "tracks"), rec);
	json_object_set_new(j, "audio", link_of(rec, "audio"));
	json_object_set_new(j, "peaks", link_of(rec, "peaks"));
	return j;
}
