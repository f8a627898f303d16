/* POST /api/v1/record: the server calls a recording client. */
#include <errno.h>
#include <string.h>

#include "auth/grants.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/str.h"
#include "web/access.h"
#include "web/api.h"
#include "web/commands.h"
#include "web/context.h"
#include "web/http.h"

#define PEOPLE_MAX 64
#define STREAMS_MAX 32
#define WAIT_US 1000000

static bool is_known(const char *name)
{
	static const char *const names[] = { "from", "grant_id", "streams",
					     "participants" };

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		if (str_eq(names[i], name))
			return true;
	}
	return false;
}

static bool all_strings(const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!json_is_string(json_array_get(list, i)))
			return false;
	}
	return true;
}

/* @return true, or res is filled */
static bool body_ok(struct http_response *res, json_t *body)
{
	const json_t *people = json_object_get(body, "participants");
	const json_t *n = json_object_get(body, "streams");
	const char *name;
	json_t *value;

	json_object_foreach(body, name, value)
	{
		if (!is_known(name)) {
			http_problem_param(res, name, "is not known");
			return false;
		}
	}
	if (!json_is_string(json_object_get(body, "from")))
		http_problem_param(res, "from", "must be a SIP URI");
	else if (!json_is_string(json_object_get(body, "grant_id")))
		http_problem_param(res, "grant_id", "must be a grant's id");
	else if (n && (!json_is_integer(n) || json_integer_value(n) < 1 ||
		       json_integer_value(n) > STREAMS_MAX))
		http_problem_param(res, "streams", "must be 1 to %d",
				   STREAMS_MAX);
	else if (people &&
		 (!json_is_array(people) ||
		  json_array_size(people) > PEOPLE_MAX || !all_strings(people)))
		http_problem_param(res, "participants",
				   "must be a list of at most %d AoRs",
				   PEOPLE_MAX);
	else
		return true;
	return false;
}

/* Grants that the asker cannot see do not exist. */
static int may_use(struct http_request *req, const char *grant_id)
{
	struct grant g CLEANUP(grant_fini) = { 0 };
	const struct principal *p = req->who;
	const char *owner = principal_grant_owner(p);
	int r;

	if (!id_ok(grant_id))
		return -ENOENT;
	r = grant_get(&req->ctx->auth, grant_id, &g);
	if (r < 0)
		return r;
	if (!str_eq(g.tenant_id, p->tenant_id) ||
	    (owner && !str_eq(owner, g.owner_id)) ||
	    (p->client_id[0] && !str_eq(p->client_id, g.client_id)) ||
	    (p->grant_id[0] && !str_eq(p->grant_id, g.id)))
		return -ENOENT;
	return 0;
}

static int ask(struct http_request *req, struct http_response *res,
	       json_t *body)
{
	const struct web *w = req->ctx->web;
	char *args CLEANUP(mem_freep) = NULL;
	size_t len = json_dumpb(body, NULL, 0, JSON_COMPACT);
	struct command_new n = {
		.node = w->settings->server.name,
		.tenant_id = req->who->tenant_id,
		.kind = "record",
		.actor = req->who->actor,
		.asked_us = clock_wall_us(w->clock),
	};
	struct command_result result;
	int64_t id;
	int r;

	r = may_use(req, json_string_value(json_object_get(body, "grant_id")));
	if (r == -ENOENT)
		return http_problem_param(res, "grant_id", "is not known");
	if (r < 0)
		return r;
	args = mem_zalloc(len + 1);
	if (!args)
		return -ENOMEM;
	(void)json_dumpb(body, args, len, JSON_COMPACT); /* fits */
	n.args = args;
	r = command_add(req->ctx->db, &n, &id);
	if (r == 0)
		r = command_wait(req->ctx->db, w->clock, id, WAIT_US, &result);
	return r < 0 ? r : api_command_answer(res, id, &result);
}

int api_record(struct http_request *req, struct http_response *res)
{
	json_t *body;
	int r = 0;

	if (!http_is_type(req, "application/json"))
		return http_problem(res, 415, "Send application/json");
	body = json_loadb(req->body, req->body_len, JSON_REJECT_DUPLICATES,
			  NULL);
	if (!json_is_object(body))
		r = http_problem(res, 400, "The body must be a JSON object");
	else if (body_ok(res, body))
		r = ask(req, res, body);
	json_decref(body);
	return r;
}
