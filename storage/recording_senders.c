#include "storage/recording_senders.h"

#include <jansson.h>

#include "base/clock.h"
#include "base/str.h"
#include "storage/catalog.h"
#include "storage/catalog_search.h"

static unsigned add(int *ords, unsigned n, int ord)
{
	for (unsigned i = 0; i < n; i++)
		if (ords[i] == ord)
			return n;
	if (n < RECORDING_SENDERS_MAX)
		ords[n++] = ord;
	return n;
}

/* @return who sends the stream by this association; -1: nobody known */
static int sends(const struct recording *rec, const json_t *o, int stream)
{
	const json_t *p = json_object_get(o, "participant");
	const json_t *s = json_object_get(o, "stream");

	if (!str_eq(json_string_value(json_object_get(o, "kind")), "send") ||
	    !json_is_integer(s) || json_integer_value(s) != stream ||
	    !recording_party(rec, (int)json_integer_value(p)))
		return -1;
	return (int)json_integer_value(p);
}

unsigned recording_senders(const struct recording *rec, int stream,
			   int ret_ord[RECORDING_SENDERS_MAX])
{
	json_t *model = rec->model ? json_loads(rec->model, 0, NULL) : NULL;
	json_t *list = json_object_get(model, "associations");
	unsigned n = 0;

	for (size_t i = 0; stream >= 0 && i < json_array_size(list); i++) {
		int ord = sends(rec, json_array_get(list, i), stream);

		if (ord >= 0)
			n = add(ret_ord, n, ord);
	}
	json_decref(model);
	for (unsigned i = 0; n == 0 && i < rec->n_streams; i++)
		if (stream >= 0 && (int)rec->streams[i].idx == stream &&
		    rec->streams[i].participant >= 0)
			n = add(ret_ord, n, rec->streams[i].participant);
	return n;
}

/* A missing or unreadable time is open on that side. */
static bool holds_at(const json_t *o, int64_t wall_us)
{
	const char *from = json_string_value(json_object_get(o, "from"));
	const char *to = json_string_value(json_object_get(o, "to"));
	int64_t us;

	if (from && clock_parse(from, &us) == 0 && wall_us < us)
		return false;
	return !to || clock_parse(to, &us) < 0 || wall_us < us;
}

int recording_sender_at(const struct recording *rec, int stream,
			int64_t wall_us)
{
	json_t *model = rec->model ? json_loads(rec->model, 0, NULL) : NULL;
	json_t *list = json_object_get(model, "associations");
	bool several = false;
	int ord = -1;

	for (size_t i = 0; !several && i < json_array_size(list); i++) {
		json_t *o = json_array_get(list, i);
		int who = holds_at(o, wall_us) ? sends(rec, o, stream) : -1;

		several = who >= 0 && ord >= 0 && who != ord;
		ord = who < 0 ? ord : who;
	}
	json_decref(model);
	return several ? -1 : ord;
}
