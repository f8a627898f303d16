/* Trunks at the gate: who comes without a token, and how a trunk's settings
 * change what is taken from it. */
#include <errno.h>
#include <string.h>

#include "auth/auth.h"
#include "base/mem.h"
#include "base/settings.h"
#include "srs/gate/priv.h"
#include "storage/db.h"

_Static_assert(TRUNK_FORM_TOKEN == BEARER_FORM_TOKEN_PARAM, "same bits");
_Static_assert(TRUNK_FORM_ACCESS_TOKEN == BEARER_FORM_ACCESS_TOKEN_PARAM,
	       "same bits");

static struct trunk_peer peer_of(const struct step *st)
{
	const struct gate_peer *p = &st->req->peer;
	bool tls = p->transport == GATE_TLS;

	return (struct trunk_peer){
		.tls_names = p->tls_names,
		.n_tls_names = tls ? p->n_tls_names : 0,
		.tls_sha256 = tls ? p->tls_sha256 : NULL,
		.address = p->address,
		.address_is_proof = st->g->settings->sip.allow_address_trunks,
	};
}

bool gate_called_user(const struct step *st, char *dst, size_t len)
{
	struct span rest;

	if (!st->req->facts)
		return false;
	rest = span_of(st->req->facts->location);
	(void)span_cut(&rest, ':');
	if (span_find(rest, '@') < 0)
		return false;
	return span_copy(dst, len, span_cut(&rest, '@')) && dst[0];
}

bool gate_step_trunk(struct step *st)
{
	struct trunk_peer p = peer_of(st);
	char user[TRUNK_USER_MAX];
	int r;

	if (!gate_called_user(st, user, sizeof(user)))
		user[0] = '\0';
	r = trunk_find(st->g->auth, &p, user, &st->trunk);
	if (r < 0 && r != -ENOENT)
		return gate_failed(st, r);
	st->has_trunk = r == 0;
	return true;
}

/* Where tokens may not travel no challenge asks for one. */
bool gate_trunk_ended(struct step *st, const char *why)
{
	if (gate_cleartext_ok(st->g->settings, &st->req->peer))
		return gate_refuse(st, GATE_NO_TOKEN, why);
	(void)gate_refuse_warn(st, GATE_CLEARTEXT, 399,
			       "This trunk is not authorized");
	st->why = why;
	return false;
}

bool gate_step_trunk_client(struct step *st)
{
	const struct trunk *t = &st->trunk;
	int r;

	if (!st->has_trunk)
		return gate_refuse(st, GATE_NO_TOKEN, "no token");
	st->by_trunk = true;
	(void)str_copy(st->token.tenant_id, sizeof(st->token.tenant_id),
		       t->tenant_id);
	(void)str_copy(st->token.client_id, sizeof(st->token.client_id),
		       t->client_id);
	(void)str_copy(st->token.grant_id, sizeof(st->token.grant_id),
		       t->grant_id);
	r = client_get(st->g->auth, t->client_id, &st->client);
	if (r < 0)
		return gate_failed(st, r);
	return !st->client.disabled || gate_trunk_ended(st, "client disabled");
}

bool gate_step_trunk_grant(struct step *st)
{
	int64_t disabled;
	int r;

	if (!st->by_trunk)
		return true;
	if (!scope_has(st->grant.scope, SCOPE_SIP))
		return gate_trunk_ended(st, "scope missing");
	r = db_query_int(st->g->auth->db,
			 "SELECT disabled FROM users WHERE id = $1",
			 DB_ARGS(db_text(st->grant.owner_id)), &disabled);
	if (r < 0)
		return gate_failed(st, r);
	return !disabled || gate_trunk_ended(st, "owner disabled");
}

bool gate_form_ok(const struct step *st)
{
	enum bearer_form form = st->req->bearer.form;

	if (form == BEARER_FORM_PLAIN || st->client.quoted_bearer)
		return true;
	return st->has_trunk && st->trunk.token_forms & (unsigned)form;
}

bool gate_step_strict(struct step *st, bool strict)
{
	if (!strict || !st->req->strict_error)
		return true;
	return gate_refuse_warn(st, GATE_BODY, 399, st->req->strict_error);
}

bool gate_trunk_shows(const struct step *st, const struct trunk *t)
{
	struct trunk_peer p = peer_of(st);
	struct trunk bare = *t;

	bare.n_nets = 0; /* addresses are the caller's matter */
	return trunk_is(&bare, &p);
}

void gate_trunk_keep(const struct step *st, struct gate_snapshot *s)
{
	const struct trunk *t = &st->trunk;

	if (!st->has_trunk)
		return;
	(void)str_copy(s->trunk.id, sizeof(s->trunk.id), t->id);
	(void)str_copy(s->trunk.vendor, sizeof(s->trunk.vendor), t->vendor);
	s->trunk.strict = t->strict;
	s->trunk.source = t->source;
	s->trunk.order = t->order;
	s->trunk.srtp = t->srtp;
}
