#include "web/commands.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/str.h"
#include "storage/catalog_search.h"
#include "web/access.h"
#include "web/api.h"
#include "web/context.h"
#include "web/form.h"
#include "web/http.h"
#include "web/page.h"
#include "web/pages.h"

#define WAIT_US 2000000

int web_command(struct http_request *req, const struct recording *rec,
		const char *kind, const char *args, int64_t *ret_id,
		struct command_result *ret_result)
{
	struct command_new n = {
		.node = rec->node,
		.tenant_id = rec->tenant_id,
		.kind = kind,
		.recording_id = rec->id,
		.args = args,
		.actor = req->who->actor,
		.asked_us = clock_wall_us(req->ctx->web->clock),
	};
	int r;

	if (rec->state != RECORDING_LIVE)
		return -EBUSY;
	r = command_add(req->ctx->db, &n, ret_id);
	if (r < 0)
		return r;
	return command_wait(req->ctx->db, req->ctx->web->clock, *ret_id,
			    WAIT_US, ret_result);
}

static int load(struct http_request *req, struct recording **ret_rec)
{
	if (!id_ok(req->args[0]))
		return -ENOENT;
	return recording_get(req->ctx->db, &req->who->scope, req->args[0], 0,
			     ret_rec);
}

/* ---- API ---- */

static json_t *result_json(int64_t id, const struct command_result *res)
{
	json_t *j = json_object();

	json_object_set_new(j, "command_id", json_integer(id));
	json_object_set_new(j, "command", json_string(res->kind));
	json_object_set_new(j, "state",
			    json_string(command_state_word(res->state)));
	json_object_set_new(j, "recording_id",
			    res->recording_id[0]
				    ? json_string(res->recording_id)
				    : json_null());
	json_object_set_new(j, "detail",
			    res->detail[0] ? json_string(res->detail)
					   : json_null());
	json_object_set_new(j, "took_ms",
			    res->done_us ? json_real((double)(res->done_us -
							      res->asked_us) /
						     1e3)
					 : json_null());
	return j;
}

int api_command_answer(struct http_response *res, int64_t id,
		       const struct command_result *result)
{
	char url[64];

	switch (result->state) {
	case COMMAND_DONE:
		return http_json(res, 200, result_json(id, result));
	case COMMAND_REFUSED:
		return http_problem(res, 403, "Refused: %s", result->detail);
	case COMMAND_FAILED:
		return http_problem(res, 409, "It was not done: %s",
				    result->detail);
	default:
		(void)snprintf(url, sizeof(url), "/api/v1/commands/%lld",
			       (long long)id);
		http_set(res, "Location", "%s", url);
		return http_json(res, 202, result_json(id, result));
	}
}

static int api_ask(struct http_request *req, struct http_response *res,
		   const char *kind, const char *args)
{
	struct recording *rec CLEANUP(recording_destroy) = NULL;
	struct command_result result;
	int64_t id;
	int r = load(req, &rec);

	if (r == 0)
		r = web_command(req, rec, kind, args, &id, &result);
	if (r == -EBUSY)
		return http_problem(res, 409, "The call is over");
	return r < 0 ? r : api_command_answer(res, id, &result);
}

int api_recording_pause(struct http_request *req, struct http_response *res)
{
	return api_ask(req, res, "pause", NULL);
}

int api_recording_resume(struct http_request *req, struct http_response *res)
{
	return api_ask(req, res, "resume", NULL);
}

/* Body: {"to": "sip:192.0.2.9:5061;transport=tls"}. Which addresses are other
 * nodes is the sip role's to say ([sip] nodes). */
int api_recording_hand_over(struct http_request *req, struct http_response *res)
{
	json_t *body;
	char *args;
	int r;

	if (!http_is_type(req, "application/json"))
		return http_problem(res, 415, "Send application/json");
	body = json_loadb(req->body, req->body_len, JSON_REJECT_DUPLICATES,
			  NULL);
	if (json_object_size(body) != 1 ||
	    !json_is_string(json_object_get(body, "to"))) {
		json_decref(body);
		return http_problem_param(
			res, "to", "must be a SIP URI, and all there is");
	}
	args = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	r = args ? api_ask(req, res, "hand-over", args) : -ENOMEM;
	mem_free(args);
	return r;
}

/* Ids are counted up: one's own, and what was asked about recordings that one
 * may see; a call that never became one is for who sees all of the tenant. All
 * tokens of a provider are one actor, whichever grant they are of: of a
 * recording they must see it. */
static int load_command(struct http_request *req, int64_t id,
			struct command_result *ret_result)
{
	struct recording *rec CLEANUP(recording_destroy) = NULL;
	const struct catalog_scope *scope = &req->who->scope;
	struct db *db = req->ctx->db;
	int r = command_get(db, req->who->tenant_id, id, ret_result);
	bool mine;

	if (r < 0)
		return r;
	mine = str_eq(ret_result->actor, req->who->actor);
	if (mine && (req->who->is_user || !ret_result->recording_id[0]))
		return 0;
	if (!mine && !catalog_scope_limited(scope))
		return 0;
	return recording_get(db, scope, ret_result->recording_id, 0, &rec);
}

int api_command_get(struct http_request *req, struct http_response *res)
{
	struct command_result result;
	uint64_t id;
	int r;

	if (str_u64(req->args[0], INT64_MAX, &id) < 0)
		return -ENOENT;
	r = load_command(req, (int64_t)id, &result);
	if (r < 0)
		return r;
	return http_json(res, 200, result_json((int64_t)id, &result));
}

/* Who asked for a call may take that back while it rings. */
int api_command_withdraw(struct http_request *req, struct http_response *res)
{
	struct db *db = req->ctx->db;
	const struct web *w = req->ctx->web;
	struct command_result result, withdrawn = { 0 };
	char args[64];
	struct command_new n = {
		.node = w->settings->server.name,
		.tenant_id = req->who->tenant_id,
		.kind = "withdraw",
		.args = args,
		.actor = req->who->actor,
		.asked_us = clock_wall_us(w->clock),
	};
	uint64_t id;
	int64_t mine;
	int r;

	if (str_u64(req->args[0], INT64_MAX, &id) < 0)
		return -ENOENT;
	r = load_command(req, (int64_t)id, &result);
	if (r < 0)
		return r;
	if (!str_eq(result.actor, req->who->actor))
		return http_problem(res, 403, "Somebody else asked for that");
	if (result.state > COMMAND_GOING || !str_eq(result.kind, "record"))
		return http_problem(res, 409, "Nothing of it is under way");
	(void)snprintf(args, sizeof(args), "{\"command\":%lld}", (long long)id);
	r = command_add(db, &n, &mine);
	if (r == 0)
		r = command_wait(db, w->clock, mine, WAIT_US, &withdrawn);
	if (r == 0)
		r = command_get(db, NULL, (int64_t)id, &result);
	if (r < 0)
		return r;
	if (withdrawn.state == COMMAND_DONE)
		return http_json(res, 200, result_json((int64_t)id, &result));
	return api_command_answer(res, mine, &withdrawn);
}

/* ---- page ---- */

static int page_ask(struct http_request *req, struct http_response *res,
		    const char *kind)
{
	struct recording *rec CLEANUP(recording_destroy) = NULL;
	struct form f CLEANUP(form_fini) = { 0 };
	struct command_result result;
	char url[64];
	int64_t id;
	int r = load(req, &rec);

	if (r < 0)
		return r;
	if (!page_form(req, res, &f))
		return 0;
	r = web_command(req, rec, kind, NULL, &id, &result);
	if (r == -EBUSY)
		return page_error(req, res, 409, "Too late",
				  "The call is over.");
	if (r < 0)
		return r;
	if (result.state == COMMAND_REFUSED)
		return page_error(req, res, 403, "Not allowed",
				  "What the provider was granted does not "
				  "include pausing.");
	if (result.state == COMMAND_FAILED)
		return page_error(req, res, 409, "Not done", result.detail);
	(void)snprintf(url, sizeof(url), "/recordings/%s", req->args[0]);
	http_security_page(res, req->ctx->web->secure, NULL);
	return http_redirect(res, 303, url);
}

int pages_recording_pause(struct http_request *req, struct http_response *res)
{
	return page_ask(req, res, "pause");
}

int pages_recording_resume(struct http_request *req, struct http_response *res)
{
	return page_ask(req, res, "resume");
}
