#include "web/api.h"

#include <errno.h>

#include "base/mem.h"
#include "storage/catalog_search.h"
#include "web/access.h"
#include "web/context.h"
#include "web/http.h"
#include "web/params.h"

#define PARTS (RECORDING_PARTICIPANTS | RECORDING_WARNINGS)

/* One leg as an item of the list; what may not be seen is left out. */
static int add_leg(struct http_request *req, const char *id, json_t *items)
{
	struct recording *rec CLEANUP(recording_destroy) = NULL;
	int r = recording_get(req->ctx->db, &req->who->scope, id, PARTS, &rec);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return json_array_append_new(items, api_recording_json(rec, false))
		       ? -ENOMEM
		       : 0;
}

int api_call_get(struct http_request *req, struct http_response *res)
{
	static const char *const none[] = { NULL };
	struct recording *rec CLEANUP(recording_destroy) = NULL;
	json_t *items;
	int r;

	if (!params_known(req, res, none))
		return 0;
	if (!id_ok(req->args[0]))
		return -ENOENT;
	r = recording_get(req->ctx->db, &req->who->scope, req->args[0],
			  RECORDING_CALL, &rec);
	if (r < 0)
		return r;
	items = json_array();
	if (rec->n_legs == 0)
		r = add_leg(req, rec->id, items);
	for (unsigned i = 0; r == 0 && i < rec->n_legs; i++)
		r = add_leg(req, rec->legs[i].recording_id, items);
	if (r < 0) {
		json_decref(items);
		return r;
	}
	return http_json(res, 200,
			 json_pack("{s:s, s:o, s:n}", "id",
				   rec->n_legs ? rec->legs[0].call_id : rec->id,
				   "items", items, "next_cursor"));
}
