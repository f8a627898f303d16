/* /api/v1/trunks. Owners read those of their own grants, administrators change
 * them. An administrator may bind only what is surely the account's: a trunk
 * that takes calls to the account's own user part, or one with the certificate
 * name that the operator has registered for the client; and nothing that
 * another trunk is bound to. Anything else would let one account catch another
 * one's calls. */
#include "web/api.h"

#include <errno.h>
#include <string.h>

#include "auth/clients.h"
#include "auth/grants.h"
#include "auth/trunk_claim.h"
#include "auth/trunk_json.h"
#include "auth/trunks.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "storage/db.h"
#include "web/access.h"
#include "web/context.h"
#include "web/http.h"
#include "web/params.h"

static const char *const no_params[] = { NULL };

/* May the caller deal with trunks of this grant? 0, -ENOENT or db's error. */
static int check_grant(struct http_request *req, const char *grant_id)
{
	struct grant g CLEANUP(grant_fini) = { 0 };
	const char *owner = principal_grant_owner(req->who);
	int r = grant_get(&req->ctx->auth, grant_id, &g);

	if (r < 0)
		return r;
	if (!str_eq(g.tenant_id, req->who->tenant_id) ||
	    (owner && !str_eq(g.owner_id, owner)))
		return -ENOENT;
	return 0;
}

static int load(struct http_request *req, struct trunk *t)
{
	int r;

	if (!id_ok(req->args[0]))
		return -ENOENT;
	r = trunk_get(&req->ctx->auth, req->args[0], t);
	return r < 0 ? r : check_grant(req, t->grant_id);
}

struct trunk_list {
	struct http_request *req;
	json_t *list;
};

static int add_trunk(void *arg, const struct trunk *t)
{
	struct trunk_list *tl = arg;
	int r = check_grant(tl->req, t->grant_id);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	return json_array_append_new(tl->list, trunk_json(t)) ? -ENOMEM : 0;
}

int api_trunks_list(struct http_request *req, struct http_response *res)
{
	struct trunk_list tl = { req, NULL };
	int64_t n;

	if (!params_known(req, res, no_params))
		return 0;
	tl.list = json_array();
	n = trunk_each(&req->ctx->auth, req->who->tenant_id, add_trunk, &tl);
	if (n < 0) {
		json_decref(tl.list);
		return (int)n;
	}
	return http_json(res, 200,
			 json_pack("{s:o, s:n}", "items", tl.list,
				   "next_cursor"));
}

int api_trunk_get(struct http_request *req, struct http_response *res)
{
	struct trunk t;
	int r;

	if (!params_known(req, res, no_params))
		return 0;
	r = load(req, &t);
	return r < 0 ? r : http_json(res, 200, trunk_json(&t));
}

/* ---- changes ----------------------------------------------------------- */

static int refuse(struct http_response *res, int r, const struct err *e)
{
	const char *words = e->code ? e->text : err_words(r);

	switch (r) {
	case -EINVAL:
	case -ENOENT: /* the grant that the body names */
	case -EXDEV:
		return http_problem(res, 400, "%s", words);
	case -EEXIST:
	case -EPERM:
	case -EKEYREVOKED:
		return http_problem(res, 409, "%s", words);
	case -EACCES:
		return http_problem(res, 403, "%s", words);
	default:
		return r;
	}
}

static bool is_own_user(struct http_request *req, const char *user)
{
	int64_t n = 0;

	return user[0] &&
	       db_query_int(req->ctx->db,
			    "SELECT count(*) FROM tenants WHERE id = $1 AND "
			    "(id = $2 OR name = $2)",
			    DB_ARGS(db_text(req->who->tenant_id),
				    db_text(user)),
			    &n) == 0 &&
	       n == 1;
}

/* Another account's user part is refused by the gate; here it is said. */
static bool is_others_user(struct http_request *req, const char *user)
{
	int64_t n = 0;

	return db_query_int(req->ctx->db,
			    "SELECT count(*) FROM tenants WHERE id <> $1 AND "
			    "(id = $2 OR name = $2)",
			    DB_ARGS(db_text(req->who->tenant_id),
				    db_text(user)),
			    &n) != 0 ||
	       n > 0;
}

/* See the top of the file. */
static int check_claim(struct http_request *req, const struct trunk *t,
		       struct err *e)
{
	struct grant g CLEANUP(grant_fini) = { 0 };
	struct client c = { 0 };
	int r;

	if (is_own_user(req, t->uri_user))
		return 0;
	r = grant_get(&req->ctx->auth, t->grant_id, &g);
	if (r == 0)
		r = client_get(&req->ctx->auth, g.client_id, &c);
	if (r < 0)
		return r;
	if (c.tls_identity[0] && str_ieq(c.tls_identity, t->tls_name) &&
	    !is_others_user(req, t->uri_user))
		return 0;
	return err_set(e, -EACCES,
		       "uri_user must be the account's name, or tls_name the "
		       "name registered for the client; others are made by "
		       "the operator");
}

/* What is bound already stays bound by who did it. */
static int check_changed_claim(struct http_request *req, struct trunk *t,
			       const struct trunk *old, struct err *e)
{
	if (old && trunk_same_claim(t, old) &&
	    str_eq(t->grant_id, old->grant_id))
		return 0;
	t->by_tenant = true;
	return check_claim(req, t, e);
}

/* @param old NULL = a new one */
static int read_body(struct http_request *req, struct trunk *t,
		     const struct trunk *old, struct err *e)
{
	json_t *body = json_loadb(req->body, req->body_len,
				  JSON_REJECT_DUPLICATES, NULL);
	int r;

	if (json_is_object(body))
		r = trunk_json_apply(t, body, e);
	else
		r = err_set(e, -EINVAL, "The body must be a JSON object");
	json_decref(body);
	if (r == 0)
		r = trunk_check(t, e);
	if (r == 0)
		r = check_grant(req, t->grant_id);
	if (r == -ENOENT)
		return err_set(e, r, "grant_id: there is no such grant");
	return r < 0 ? r : check_changed_claim(req, t, old, e);
}

static bool is_json(struct http_request *req, struct http_response *res)
{
	if (http_is_type(req, "application/json") ||
	    http_is_type(req, "application/merge-patch+json"))
		return true;
	http_problem(res, 415, "Send application/json");
	return false;
}

int api_trunk_add(struct http_request *req, struct http_response *res)
{
	struct err e = { 0 };
	struct trunk t;
	int r;

	if (!params_known(req, res, no_params) || !is_json(req, res))
		return 0;
	trunk_defaults(&t);
	r = read_body(req, &t, NULL, &e);
	if (r == 0)
		r = trunk_add(&req->ctx->auth, &t, req->who->actor, &e);
	if (r < 0)
		return refuse(res, r, &e);
	http_set(res, "Location", "/api/v1/trunks/%s", t.id);
	return http_json(res, 201, trunk_json(&t));
}

int api_trunk_patch(struct http_request *req, struct http_response *res)
{
	struct err e = { 0 };
	struct trunk t, old;
	int r;

	if (!params_known(req, res, no_params) || !is_json(req, res))
		return 0;
	r = load(req, &t);
	if (r < 0)
		return r;
	old = t;
	r = read_body(req, &t, &old, &e);
	if (r == 0)
		r = trunk_change(&req->ctx->auth, &t, req->who->actor, &e);
	if (r < 0)
		return refuse(res, r, &e);
	return http_json(res, 200, trunk_json(&t));
}

int api_trunk_delete(struct http_request *req, struct http_response *res)
{
	struct err e = { 0 };
	struct trunk t;
	int r;

	if (!params_known(req, res, no_params))
		return 0;
	r = load(req, &t);
	if (r < 0)
		return r;
	r = trunk_remove(&req->ctx->auth, t.id, req->who->actor, &e);
	if (r < 0)
		return r == -ENOENT ? r : refuse(res, r, &e);
	res->status = 204;
	return 0;
}
