/* /api/v1/users: the people of the account and the addresses that are theirs.
 * An administrator gives what the operator gave to the account and nobody else
 * has (auth/aors.h). */
#include "web/api.h"

#include <errno.h>
#include <string.h>

#include "auth/aors.h"
#include "auth/listens.h"
#include "auth/users.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "storage/db.h"
#include "storage/recording_json.h"
#include "web/access.h"
#include "web/context.h"
#include "web/http.h"
#include "web/params.h"

static const char *const no_params[] = { NULL };

static int add_text(void *arg, const char *text)
{
	return json_array_append_new(arg, json_string(text)) ? -ENOMEM : 0;
}

static int user_json(struct auth *a, const struct user *u, json_t **ret_j)
{
	json_t *j = json_object(), *aors = json_array();
	json_t *owners = json_array();
	int64_t n;

	json_object_set_new(j, "user_id", json_string(u->id));
	json_object_set_new(j, "email", json_string(u->email));
	json_object_set_new(j, "role", json_string(user_role_name(u->role)));
	json_object_set_new(j, "disabled", json_boolean(u->disabled));
	json_object_set_new(j, "created_at",
			    recording_json_time(u->created_us));
	json_object_set_new(j, "aors", aors);
	n = user_aor_each(a, u->id, add_text, aors);
	if (n >= 0 && u->role == USER_LISTENER) {
		json_object_set_new(j, "listens_to", owners);
		n = user_listens_each(a, u->id, add_text, owners);
	} else {
		json_decref(owners);
	}
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

static int add_user(void *arg, const struct user *u)
{
	struct list *l = arg;
	json_t *j = NULL;
	int r = user_json(l->auth, u, &j);

	if (r < 0)
		return r;
	return json_array_append_new(l->items, j) ? -ENOMEM : 0;
}

int api_users_list(struct http_request *req, struct http_response *res)
{
	struct list l = { &req->ctx->auth, NULL };
	int64_t n;

	if (!params_known(req, res, no_params))
		return 0;
	l.items = json_array();
	n = user_each(l.auth, req->who->tenant_id, add_user, &l);
	if (n < 0) {
		json_decref(l.items);
		return (int)n;
	}
	return http_json(res, 200,
			 json_pack("{s:o, s:n}", "items", l.items,
				   "next_cursor"));
}

static int load(struct http_request *req, struct user *u)
{
	int r = id_ok(req->args[0])
			? user_find(&req->ctx->auth, req->args[0], u)
			: -ENOENT;

	if (r == 0 && !str_eq(u->tenant_id, req->who->tenant_id))
		r = -ENOENT;
	return r;
}

static int answer(struct http_request *req, struct http_response *res,
		  const struct user *u)
{
	json_t *j = NULL;
	int r = user_json(&req->ctx->auth, u, &j);

	return r < 0 ? r : http_json(res, 200, j);
}

int api_user_get(struct http_request *req, struct http_response *res)
{
	struct user u;
	int r;

	if (!params_known(req, res, no_params))
		return 0;
	r = load(req, &u);
	return r < 0 ? r : answer(req, res, &u);
}

/* ---- change ------------------------------------------------------------ */

/* What a user is told to be: lists of texts that are borrowed from the body. */
struct change {
	bool has_aors, has_owners;
	const char *aors[AORS_MAX], *owners[LISTENS_MAX];
	unsigned n_aors, n_owners;
};

/* @return 1 it is there, 0 it is not, -EINVAL */
static int read_list(const json_t *body, const char *name, unsigned max,
		     const char **texts, unsigned *ret_n, struct err *e)
{
	const json_t *list = json_object_get(body, name);
	size_t i;

	if (!list)
		return 0;
	if (!json_is_array(list) || json_array_size(list) > max)
		return err_set(e, -EINVAL, "%s: must be a list of at most %u",
			       name, max);
	for (i = 0; i < json_array_size(list); i++) {
		texts[i] = json_string_value(json_array_get(list, i));
		if (!texts[i])
			return err_set(e, -EINVAL,
				       "%s: must be a list of strings", name);
	}
	*ret_n = (unsigned)i;
	return 1;
}

/* {"aors": [...]}, {"listens_to": [...]}, or both, and nothing else. */
static int read_change(const json_t *body, struct change *c, struct err *e)
{
	int aors, owners;

	aors = read_list(body, "aors", AORS_MAX, c->aors, &c->n_aors, e);
	if (aors < 0)
		return aors;
	owners = read_list(body, "listens_to", LISTENS_MAX, c->owners,
			   &c->n_owners, e);
	if (owners < 0)
		return owners;
	c->has_aors = aors;
	c->has_owners = owners;
	if (aors + owners == 0 ||
	    json_object_size(body) != (size_t)aors + (size_t)owners)
		return err_set(e, -EINVAL,
			       "The body must be {\"aors\": [...]}, "
			       "{\"listens_to\": [...]}, or both: nothing else "
			       "of a user is changed here");
	return 0;
}

static int apply(struct http_request *req, const struct user *u,
		 const struct change *c, struct err *e)
{
	struct auth *a = &req->ctx->auth;
	int r = db_begin(req->ctx->db);

	if (r < 0)
		return r;
	if (c->has_aors)
		r = user_aors_set(a, u->id, c->aors, c->n_aors, AOR_BY_ADMIN,
				  req->who->actor, e);
	if (r == 0 && c->has_owners)
		r = user_listens_set(a, u->id, c->owners, c->n_owners,
				     req->who->actor, e);
	if (r == 0)
		return db_commit(req->ctx->db);
	db_rollback(req->ctx->db);
	/* of somebody who is named in the body, not in the path */
	return r == -ENOENT && e->code ? -EINVAL : r;
}

static int change(struct http_request *req, const struct user *u, struct err *e)
{
	json_t *body = json_loadb(req->body, req->body_len,
				  JSON_REJECT_DUPLICATES, NULL);
	struct change *c = mem_zalloc(sizeof(*c));
	int r = c ? read_change(body, c, e) : -ENOMEM;

	if (r == 0)
		r = apply(req, u, c, e);
	mem_free(c);
	json_decref(body);
	return r;
}

int api_user_patch(struct http_request *req, struct http_response *res)
{
	struct err e = { 0 };
	struct user u;
	int r;

	if (!params_known(req, res, no_params))
		return 0;
	if (!http_is_type(req, "application/json") &&
	    !http_is_type(req, "application/merge-patch+json"))
		return http_problem(res, 415, "Send application/json");
	r = load(req, &u);
	if (r < 0)
		return r;
	r = change(req, &u, &e);
	if (r == -EINVAL)
		return http_problem(res, 400, "%s", e.text);
	if (r == -EACCES)
		return http_problem(res, 403, "%s", e.text);
	if (r == -EEXIST)
		return http_problem(res, 409, "%s", e.text);
	return r < 0 ? r : answer(req, res, &u);
}
