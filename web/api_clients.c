/* /api/v1/clients: the account's providers. An administrator says from where
 * else requests of a provider's own running calls may come; a call is begun
 * with a token or a trunk, so nobody else's calls are reached by that. */
#include "web/api.h"

#include <errno.h>

#include "auth/clients.h"
#include "auth/trunk_json.h"
#include "auth/trunks.h"
#include "base/err.h"
#include "base/id.h"
#include "base/str.h"
#include "storage/recording_json.h"
#include "web/access.h"
#include "web/context.h"
#include "web/http.h"
#include "web/params.h"

static const char *const no_params[] = { NULL };

static int add_uri(void *arg, const char *uri)
{
	return json_array_append_new(arg, json_string(uri)) ? -ENOMEM : 0;
}

static int client_json(struct auth *a, const struct client *c, json_t **ret_j)
{
	json_t *j = json_object(), *uris = json_array();
	int64_t n;

	json_object_set_new(j, "client_id", json_string(c->id));
	json_object_set_new(j, "name", json_string(c->name));
	json_object_set_new(j, "disabled", json_boolean(c->disabled));
	json_object_set_new(j, "created_at",
			    recording_json_time(c->created_us));
	json_object_set_new(j, "addresses", trunk_json_list(c->addresses));
	json_object_set_new(j, "redirect_uris", uris);
	n = client_uri_each(a, c->id, add_uri, uris);
	if (n < 0) {
		json_decref(j);
		return (int)n;
	}
	*ret_j = j;
	return 0;
}

struct list {
	struct auth *auth;
	json_t *items;
};

static int add_client(void *arg, const struct client *c)
{
	struct list *l = arg;
	json_t *j = NULL;
	int r = client_json(l->auth, c, &j);

	if (r < 0)
		return r;
	return json_array_append_new(l->items, j) ? -ENOMEM : 0;
}

int api_clients_list(struct http_request *req, struct http_response *res)
{
	struct list l = { &req->ctx->auth, NULL };
	int64_t n;

	if (!params_known(req, res, no_params))
		return 0;
	l.items = json_array();
	n = client_each(l.auth, req->who->tenant_id, add_client, &l);
	if (n < 0) {
		json_decref(l.items);
		return (int)n;
	}
	return http_json(res, 200,
			 json_pack("{s:o, s:n}", "items", l.items,
				   "next_cursor"));
}

static int load(struct http_request *req, struct client *c)
{
	int r = id_ok(req->args[0])
			? client_get(&req->ctx->auth, req->args[0], c)
			: -ENOENT;

	if (r == 0 && !str_eq(c->tenant_id, req->who->tenant_id))
		r = -ENOENT;
	return r;
}

static int answer(struct http_request *req, struct http_response *res)
{
	struct client c;
	json_t *j = NULL;
	int r = load(req, &c);

	if (r == 0)
		r = client_json(&req->ctx->auth, &c, &j);
	return r < 0 ? r : http_json(res, 200, j);
}

int api_client_get(struct http_request *req, struct http_response *res)
{
	return params_known(req, res, no_params) ? answer(req, res) : 0;
}

/* {"addresses": [...]}, as of a trunk, and nothing else. */
static int change(struct http_request *req, const struct client *c,
		  struct err *e)
{
	json_t *body = json_loadb(req->body, req->body_len,
				  JSON_REJECT_DUPLICATES, NULL);
	char text[CLIENT_ADDRESSES_MAX];
	struct trunk t;
	int r = 0;

	if (json_object_size(body) != 1 || !json_object_get(body, "addresses"))
		r = err_set(e, -EINVAL,
			    "The body must be {\"addresses\": [...]}: nothing "
			    "else of a client is changed here");
	trunk_defaults(&t);
	if (r == 0)
		r = trunk_json_apply(&t, body, e);
	json_decref(body);
	if (r < 0)
		return r;
	trunk_text(&t, "addresses", text, sizeof(text));
	return client_set_addresses(&req->ctx->auth, c->id, text,
				    req->who->actor, e);
}

int api_client_patch(struct http_request *req, struct http_response *res)
{
	struct err e = { 0 };
	struct client c;
	int r;

	if (!params_known(req, res, no_params))
		return 0;
	if (!http_is_type(req, "application/json") &&
	    !http_is_type(req, "application/merge-patch+json"))
		return http_problem(res, 415, "Send application/json");
	r = load(req, &c);
	if (r < 0)
		return r;
	r = change(req, &c, &e);
	if (r == -EINVAL)
		return http_problem(res, 400, "%s", e.text);
	return r < 0 ? r : answer(req, res);
}
