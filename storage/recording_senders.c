#include "storage/recording_senders.h"

#include <jansson.h>

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

unsigned recording_senders(const struct recording *rec, int stream,
			   int ret_ord[RECORDING_SENDERS_MAX])
{
	json_t *model = rec->model ? json_loads(rec->model, 0, NULL) : NULL;
	json_t *list = json_object_get(model, "associations");
	unsigned n = 0;

	for (size_t i = 0; stream >= 0 && i < json_array_size(list); i++) {
		json_t *o = json_array_get(list, i), *p, *s;

		p = json_object_get(o, "participant");
		s = json_object_get(o, "stream");
		if (str_eq(json_string_value(json_object_get(o, "kind")),
			   "send") &&
		    json_is_integer(s) && json_integer_value(s) == stream &&
		    recording_party(rec, (int)json_integer_value(p)))
			n = add(ret_ord, n, (int)json_integer_value(p));
	}
	json_decref(model);
	for (unsigned i = 0; n == 0 && i < rec->n_streams; i++)
		if (stream >= 0 && (int)rec->streams[i].idx == stream &&
		    rec->streams[i].participant >= 0)
			n = add(ret_ord, n, rec->streams[i].participant);
	return n;
}
