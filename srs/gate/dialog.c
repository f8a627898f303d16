/* Within a dialog: who sends this, and is what it asks for still within what
 * was agreed? The first is asked of every request before anything of it counts:
 * Call-ID and tags are seen by many, on the wire and in traces.
 */
#include <errno.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/scope.h"
#include "base/mem.h"
#include "srs/gate/answer.h"
#include "srs/gate/priv.h"
#include "storage/db.h"

/* ---- the transport identity -------------------------------------------- */

/* @return whether it is the certificate of the first request, or one of the
 * same name: they are renewed. What a trunk demands holds for each. */
static bool same_certificate(const struct step *st,
			     const struct gate_snapshot *snap,
			     const struct trunk *t)
{
	const struct gate_peer *p = &st->req->peer;

	if (snap->tls_sha256[0] && p->tls_sha256 &&
	    str_ieq(snap->tls_sha256, p->tls_sha256))
		return true;
	if (t->tls_name[0] || t->tls_sha256[0])
		return gate_trunk_shows(st, t);
	return snap->tls_name[0] && gate_has_name(p, snap->tls_name);
}

static bool is_listed(const struct step *st, const struct trunk *t)
{
	const char *address = st->req->peer.address;

	return trunk_has_address(t, address) ||
	       trunk_list_has(st->client.addresses, address);
}

/* The client and trunk of the call as they are now; nobody's when gone. */
static bool load(struct step *st, const struct gate_snapshot *snap,
		 struct trunk *ret_t)
{
	struct auth *a = st->g->auth;
	int r;

	trunk_defaults(ret_t);
	memset(&st->client, 0, sizeof(st->client));
	r = snap->client_id[0] ? client_get(a, snap->client_id, &st->client)
			       : 0;
	if (snap->trunk.id[0] && (r == 0 || r == -ENOENT))
		r = trunk_get(a, snap->trunk.id, ret_t);
	return r == 0 || r == -ENOENT || gate_failed(st, r);
}

static bool elsewhere(struct step *st, const char *why)
{
	(void)gate_refuse_warn(st, GATE_PEER, 399,
			       "Not from where the call was set up");
	st->why = why;
	st->stranger = true;
	return false;
}

static bool is_certified(const struct gate_snapshot *snap)
{
	return snap->tls_name[0] || snap->tls_sha256[0];
}

/* Nothing at all is different. */
static bool is_same(const struct gate_snapshot *snap, const struct gate_peer *p)
{
	if ((p->transport == GATE_TLS) != (snap->transport == GATE_TLS) ||
	    !trunk_list_has(snap->peer_address, p->address))
		return false;
	return !is_certified(snap) ||
	       (snap->tls_sha256[0] && p->tls_sha256 &&
		str_ieq(snap->tls_sha256, p->tls_sha256));
}

bool gate_is_plain(const struct gate_snapshot *snap,
		   const struct gate_request *req)
{
	return req->bearer_result == BEARER_NONE && is_same(snap, &req->peer);
}

static bool step_identity(struct step *st, const struct gate_snapshot *snap)
{
	const struct gate_peer *p = &st->req->peer;
	bool tls = snap->transport == GATE_TLS;
	bool known = trunk_list_has(snap->peer_address, p->address);
	bool certified = is_certified(snap);
	struct trunk t;

	if (is_same(snap, p))
		return true;
	if ((p->transport == GATE_TLS) != tls)
		return elsewhere(st, tls ? "in clear" : "over TLS");
	if (!load(st, snap, &t))
		return false;
	if (certified && !same_certificate(st, snap, &t))
		return elsewhere(st, "another certificate");
	/* with one the address matters where the trunk says so */
	if (known || is_listed(st, &t) || (certified && !t.n_nets))
		return true;
	return elsewhere(st, "another address");
}

/* ---- the token --------------------------------------------------------- */

/* These end or confirm something, and nobody can answer their challenge. */
static bool is_unchallenged(const struct gate_request *req)
{
	static const char *const methods[] = { "BYE", "ACK", "PRACK",
					       "CANCEL" };

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		if (str_eq(req->method, methods[i]))
			return true;
	}
	return false;
}

static bool refuse_token(struct step *st, const char *why)
{
	(void)gate_refuse_warn(st, GATE_PEER, 399,
			       "The token is not of who set up the call");
	st->why = why;
	st->stranger = true;
	return false;
}

static bool false_token(struct step *st, const char *why)
{
	(void)gate_false_token(st, why);
	st->stranger = true;
	return is_unchallenged(st->req) ? refuse_token(st, why) : false;
}

/* Genuine, but over: it authorized the start. Who would have to get another for
 * a BYE gets none. */
static bool ended_token(struct step *st, const char *why)
{
	return is_unchallenged(st->req) || gate_bad_token(st, why);
}

static bool check_token(struct step *st)
{
	switch (token_check(st->g->auth, st->req->bearer.token, &st->token)) {
	case 0:
		return true;
	case -EBADMSG:
		return false_token(st, "not a token of ours");
	case -ENOENT:
		return false_token(st, "unknown token");
	case -EKEYREJECTED:
		return false_token(st, "forged token");
	case -EKEYEXPIRED:
		return ended_token(st, "expired");
	case -EKEYREVOKED:
		return ended_token(st, "revoked");
	case -EPROTOTYPE:
		return gate_refresh_token_seen(st);
	default:
		return gate_failed(st, -EIO);
	}
}

/* Another grant of the same owner will do: consent is renewed. */
static bool same_owner(struct step *st, const struct gate_snapshot *snap)
{
	int r;

	if (str_eq(st->token.grant_id, snap->grant_id))
		return true;
	r = grant_get(st->g->auth, st->token.grant_id, &st->grant);
	if (r < 0 && r != -ENOENT)
		return gate_failed(st, r);
	return (r == 0 && str_eq(st->grant.owner_id, snap->owner_id)) ||
	       refuse_token(st, "a token of another owner");
}

/* Whose settings say which forms are taken. */
static bool step_form(struct step *st, const struct gate_snapshot *snap)
{
	int r;

	if (st->req->bearer.form == BEARER_FORM_PLAIN)
		return true;
	r = client_get(st->g->auth, snap->client_id, &st->client);
	if (r == 0 && snap->trunk.id[0])
		st->has_trunk =
			trunk_get(st->g->auth, snap->trunk.id, &st->trunk) == 0;
	if (r < 0 && r != -ENOENT)
		return gate_failed(st, r);
	return gate_form_ok(st) || gate_bad_form(st);
}

static bool step_token(struct step *st, const struct gate_snapshot *snap)
{
	if (st->req->bearer_result == BEARER_NONE)
		return true;
	if (!gate_step_transport(st) || !gate_step_syntax(st) ||
	    !gate_step_rate(st) || !step_form(st, snap) || !check_token(st))
		return false;
	if (!str_eq(st->token.client_id, snap->client_id) ||
	    !str_eq(st->token.tenant_id, snap->tenant_id))
		return refuse_token(st, "a token of another client");
	if (st->token.kind != TOKEN_ACCESS ||
	    !scope_has(st->token.scope, SCOPE_SIP))
		return is_unchallenged(st->req)
			       ? refuse_token(st, "scope missing")
			       : gate_refuse(st, GATE_NO_SCOPE,
					     "scope missing");
	return same_owner(st, snap);
}

/* ---- verdicts ---------------------------------------------------------- */

/* For the audit log: whose dialog it is. */
static void by_snapshot(struct step *st, const struct gate_snapshot *snap)
{
	st->by_trunk = snap->trunk.id[0] && !snap->token_id[0];
	(void)str_copy(st->trunk.id, sizeof(st->trunk.id), snap->trunk.id);
	(void)str_copy(st->token.tenant_id, sizeof(st->token.tenant_id),
		       snap->tenant_id);
	(void)str_copy(st->token.client_id, sizeof(st->token.client_id),
		       snap->client_id);
	(void)str_copy(st->token.grant_id, sizeof(st->token.grant_id),
		       snap->grant_id);
}

void gate_within(struct gate *g, const struct gate_snapshot *snap,
		 struct gate_request *req, struct gate_verdict *ret_v)
{
	struct step st CLEANUP(
		gate_step_fini) = { .g = g, .req = req, .v = ret_v };

	memset(ret_v, 0, sizeof(*ret_v));
	if (step_identity(&st, snap) && step_token(&st, snap)) {
		gate_answer(g->settings, GATE_OK, ret_v);
		return;
	}
	by_snapshot(&st, snap);
	gate_audit(&st, "call.refuse_change");
}

static bool rejudge_steps(struct step *st, const struct gate_snapshot *snap)
{
	return gate_step_body(st) &&
	       gate_step_strict(st, st->req->method && snap->trunk.strict) &&
	       gate_step_conditions(st, snap->conditions) &&
	       gate_step_codecs(st);
}

void gate_rejudge(struct gate *g, const struct gate_snapshot *snap,
		  struct gate_request *req, struct gate_verdict *ret_v)
{
	struct step st CLEANUP(
		gate_step_fini) = { .g = g, .req = req, .v = ret_v };
	bool good;

	memset(ret_v, 0, sizeof(*ret_v));
	if (!req->facts->numbers) {
		st.numbers = snap->numbers;
		req->facts->numbers = &st.numbers;
	}
	good = rejudge_steps(&st, snap);
	by_snapshot(&st, snap);
	ret_v->retention_days = snap->conditions->retention_days;
	if (good)
		gate_answer(g->settings, GATE_OK, ret_v);
	else
		gate_audit(&st,
			   req->method ? "call.refuse_change" : "call.end");
}

void gate_refer_within(struct gate *g, const struct gate_snapshot *snap,
		       struct gate_request *req, struct gate_verdict *ret_v)
{
	struct step st CLEANUP(
		gate_step_fini) = { .g = g, .req = req, .v = ret_v };

	memset(ret_v, 0, sizeof(*ret_v));
	gate_answer(g->settings, GATE_OK, ret_v);
	by_snapshot(&st, snap);
	gate_audit(&st, "call.refer");
}
