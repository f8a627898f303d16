/* /api/v1/tenant: what the caller's account has set for itself. */
#include "web/api.h"

#include <errno.h>

#include "auth/tenant.h"
#include "base/err.h"
#include "base/number.h"
#include "web/access.h"
#include "web/context.h"
#include "web/http.h"
#include "web/params.h"

static const char *const no_params[] = { NULL };

static int answer(struct http_request *req, struct http_response *res)
{
	const char *id = req->who->tenant_id;
	struct tenant_numbers n = { "", "", "" };
	struct number_plan plan = { "", "", "" };
	int r = tenant_get_numbers(req->ctx->db, id, &n);

	if (r == 0)
		r = tenant_plan(req->ctx->db, id, req->ctx->web->settings,
				&plan);
	if (r < 0)
		return r;
	return http_json(res, 200,
			 json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s}}",
				   "tenant_id", id, "country", n.country,
				   "national_prefix", n.national,
				   "international_prefix", n.international,
				   "effective", "country", plan.country,
				   "national_prefix", plan.national,
				   "international_prefix", plan.international));
}

int api_tenant_get(struct http_request *req, struct http_response *res)
{
	return params_known(req, res, no_params) ? answer(req, res) : 0;
}

/* null takes one away, as in a merge patch. */
static int read_body(struct http_request *req, struct tenant_numbers *n,
		     struct err *e)
{
	json_t *body = json_loadb(req->body, req->body_len,
				  JSON_REJECT_DUPLICATES, NULL);
	const char *key;
	json_t *v;
	int r = 0;

	if (!json_is_object(body))
		r = err_set(e, -EINVAL, "The body must be a JSON object");
	json_object_foreach(body, key, v)
	{
		const char *text = json_is_null(v) ? "" : json_string_value(v);

		if (r == 0 && !text)
			r = err_set(e, -EINVAL, "%.40s: must be a text", key);
		if (r == 0)
			r = tenant_numbers_put(n, key, text);
		if (r == -ENOENT)
			r = err_set(e, -EINVAL, "%.40s: unknown field", key);
		if (r == -E2BIG)
			r = err_set(e, -EINVAL, "%.40s: is too long", key);
		if (r < 0)
			break;
	}
	json_decref(body);
	return r;
}

int api_tenant_patch(struct http_request *req, struct http_response *res)
{
	struct tenant_numbers n = { "", "", "" };
	struct err e = { 0 };
	int r;

	if (!params_known(req, res, no_params))
		return 0;
	if (!http_is_type(req, "application/json") &&
	    !http_is_type(req, "application/merge-patch+json"))
		return http_problem(res, 415, "Send application/json");
	r = tenant_get_numbers(req->ctx->db, req->who->tenant_id, &n);
	if (r == 0)
		r = read_body(req, &n, &e);
	if (r == 0)
		r = tenant_change_numbers(&req->ctx->auth, req->who->tenant_id,
					  &n, req->who->actor, &e);
	if (r == -EINVAL)
		return http_problem(res, 400, "%s", e.text);
	return r < 0 ? r : answer(req, res);
}
