#include "web/api.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "auth/aors.h"
#include "auth/grant_words.h"
#include "auth/grants.h"
#include "auth/listens.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/settings.h"
#include "storage/actor.h"
#include "storage/db.h"
#include "storage/recording_json.h"
#include "web/access.h"
#include "web/context.h"
#include "web/http.h"
#include "web/params.h"

#define HEALTH_ROOM_BYTES (1024u * 1024u) /* less is none */

static const char *const no_params[] = { NULL };

static json_t *id_or_null(const char *id)
{
	return id[0] ? json_string(id) : json_null();
}

static int add_aor(void *arg, const char *aor)
{
	return json_array_append_new(arg, json_string(aor)) ? -ENOMEM : 0;
}

int api_me(struct http_request *req, struct http_response *res)
{
	const struct principal *who = req->who;
	json_t *j, *aors = NULL, *owners;
	int64_t n = 0;

	if (!params_known(req, res, no_params))
		return 0;
	j = json_object();
	json_object_set_new(j, "tenant_id", json_string(who->tenant_id));
	json_object_set_new(j, "user_id", id_or_null(who->user.id));
	json_object_set_new(j, "client_id", id_or_null(who->client_id));
	json_object_set_new(j, "grant_id", id_or_null(who->grant_id));
	if (who->is_user) {
		aors = json_array();
		json_object_set_new(j, "email", json_string(who->user.email));
		json_object_set_new(
			j, "role", json_string(user_role_name(who->user.role)));
		json_object_set_new(j, "aors", aors);
		n = user_aor_each(&req->ctx->auth, who->user.id, add_aor, aors);
		if (n >= 0 && who->user.role == USER_LISTENER) {
			owners = json_array();
			json_object_set_new(j, "listens_to", owners);
			n = user_listens_each(&req->ctx->auth, who->user.id,
					      add_aor, owners);
		}
	}
	if (n < 0) {
		json_decref(j);
		return (int)n;
	}
	return http_json(res, 200, j);
}

/* Both lists are short (registrations, authorizations): one page holds all. */
static int items(struct http_response *res, json_t *list, int64_t n)
{
	json_t *j;

	if (n < 0) {
		json_decref(list);
		return (int)n;
	}
	j = json_object();
	json_object_set_new(j, "items", list);
	json_object_set_new(j, "next_cursor", json_null());
	return http_json(res, 200, j);
}

static void add_sentence(void *arg, const char *sentence)
{
	json_array_append_new(arg, json_string(sentence));
}

static json_t *grant_json(const struct grant *g)
{
	json_t *j = json_object(), *words = json_array();

	json_object_set_new(j, "grant_id", json_string(g->id));
	json_object_set_new(j, "client_id", json_string(g->client_id));
	json_object_set_new(j, "owner_id", json_string(g->owner_id));
	json_object_set_new(j, "state",
			    json_string(g->revoked ? "revoked" : "active"));
	json_object_set_new(j, "version", json_integer(g->version));
	json_object_set_new(j, "scope", json_string(g->scope));
	json_object_set_new(j, "created_at",
			    recording_json_time(g->created_us));
	json_object_set_new(j, "expires_at",
			    recording_json_time(g->expires_us));
	json_object_set_new(j, "revoked_at",
			    recording_json_time(g->revoked_us));
	json_object_set_new(j, "used_at", recording_json_time(g->last_call_us));
	json_object_set_new(j, "token_issued_at",
			    recording_json_time(g->token_us));
	json_object_set_new(j, "conditions",
			    json_loads(g->conditions, 0, NULL));
	(void)grant_words(g, add_sentence, words);
	json_object_set_new(j, "sentences", words);
	return j;
}

static int put_name(struct db *db, json_t *j, const char *key, const char *kind,
		    const char *id)
{
	char ref[16 + ID_LEN], name[ACTOR_NAME_MAX];
	int r;

	(void)snprintf(ref, sizeof(ref), "%s:%s", kind, id);
	r = actor_name(db, ref, name);
	if (r == 0)
		json_object_set_new(j, key, json_string(name));
	return r;
}

struct grant_list {
	struct db *db;
	json_t *list;
};

static int add_grant(void *arg, const struct grant *g)
{
	struct grant_list *l = arg;
	json_t *j = grant_json(g);
	int r;

	r = json_array_append_new(l->list, j) ? -ENOMEM : 0;
	if (r == 0)
		r = put_name(l->db, j, "client_name", "client", g->client_id);
	if (r == 0)
		r = put_name(l->db, j, "owner", "user", g->owner_id);
	return r;
}

int api_grants_list(struct http_request *req, struct http_response *res)
{
	struct grant_filter f = {
		.tenant_id = req->who->tenant_id,
		.owner_id = principal_grant_owner(req->who),
	};
	struct grant_list l = { req->ctx->db, NULL };

	if (!params_known(req, res, no_params))
		return 0;
	l.list = json_array();
	return items(res, l.list,
		     grant_each(&req->ctx->auth, &f, add_grant, &l));
}

static int load_grant(struct http_request *req, struct grant *g)
{
	const char *owner = principal_grant_owner(req->who);
	int r;

	if (!id_ok(req->args[0]))
		return -ENOENT;
	r = grant_get(&req->ctx->auth, req->args[0], g);
	if (r < 0)
		return r;
	if (strcmp(g->tenant_id, req->who->tenant_id) != 0 ||
	    (owner && strcmp(g->owner_id, owner) != 0))
		return -ENOENT;
	return 0;
}

int api_grant_get(struct http_request *req, struct http_response *res)
{
	struct grant g CLEANUP(grant_fini) = { 0 };
	int r;

	if (!params_known(req, res, no_params))
		return 0;
	r = load_grant(req, &g);
	return r < 0 ? r : http_json(res, 200, grant_json(&g));
}

int api_grant_revoke(struct http_request *req, struct http_response *res)
{
	struct grant g CLEANUP(grant_fini) = { 0 };
	int r = load_grant(req, &g);

	if (r == 0)
		r = grant_revoke(&req->ctx->auth, g.id, "revoked by a user",
				 req->who->actor);
	if (r < 0)
		return r;
	res->status = 204;
	return 0;
}

/* Can calls be written? Taking the write lock and giving it back costs nothing
 * when it is free; a disk without room lets even that pass. */
static bool is_writable(struct web_ctx *ctx)
{
	struct statvfs st;

	if (db_begin(ctx->db) < 0)
		return false;
	db_rollback(ctx->db);
	return statvfs(ctx->web->settings->server.data_dir, &st) < 0 ||
	       (uint64_t)st.f_bavail * st.f_frsize >= HEALTH_ROOM_BYTES;
}

int api_health(struct http_request *req, struct http_response *res)
{
	if (!is_writable(req->ctx))
		return http_problem(res, 503, "The catalog is not available");
	return http_json(res, 200, json_pack("{s:s}", "status", "ok"));
}

int api_metrics(struct http_request *req, struct http_response *res)
{
	(void)req;
	http_set(res, "Content-Type",
		 "text/plain; version=0.0.4; charset=utf-8");
	return metrics_print(&res->body);
}
