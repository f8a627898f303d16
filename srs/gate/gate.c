/* Each step of the order in gate.h is one function that either passes or fills
 * the verdict; judge_steps() is that order. */
#include "srs/gate/gate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/tzone.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/settings.h"
#include "srs/gate/answer.h"
#include "srs/gate/priv.h"
#include "storage/catalog.h"
#include "storage/db.h"

#define SECOND_US 1000000LL

struct auth *gate_auth(struct gate *g)
{
	return g->auth;
}

int gate_create(struct auth *auth, const struct settings *s,
		struct gate **ret_gate)
{
	struct gate *g = mem_zalloc(sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->auth = auth;
	g->settings = s;
	*ret_gate = g;
	return 0;
}

void gate_destroy(struct gate **gate)
{
	struct gate *g = *gate;

	for (unsigned i = 0; g && i < GATE_KEPT_CONDITIONS; i++)
		conditions_free(&g->kept[i]);
	mem_free(g);
	*gate = NULL;
}

int gate_conditions(struct gate *g, const char *text, struct conditions **ret_c)
{
	struct conditions **kept;
	uint32_t h = 2166136261u;
	int r;

	for (const char *p = text; *p; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	kept = &g->kept[h % GATE_KEPT_CONDITIONS];
	if (!*kept || !str_eq((*kept)->text, text)) {
		conditions_free(kept);
		r = conditions_parse(text, strlen(text), kept, NULL);
		if (r < 0)
			return r;
	}
	*ret_c = conditions_ref(*kept);
	return 0;
}

bool gate_cleartext_ok(const struct settings *s, const struct gate_peer *peer)
{
	if (peer->transport == GATE_TLS || s->sip.allow_cleartext_tokens == 1)
		return true;
	return s->sip.allow_cleartext_tokens == 0 && peer->loopback;
}

bool gate_refuse(struct step *st, enum gate_cause cause, const char *why)
{
	gate_answer(st->g->settings, cause, st->v);
	st->why = why;
	return false;
}

bool gate_refuse_warn(struct step *st, enum gate_cause cause, int code,
		      const char *why)
{
	(void)gate_refuse(st, cause, why);
	gate_answer_warning(st->g->settings, code, why, st->v);
	return false;
}

bool gate_failed(struct step *st, int r)
{
	log_error(NULL, "gate.failed", LOG_E(r));
	return gate_refuse(st, GATE_INTERNAL, "internal error");
}

/* ---- transport, size, credentials -------------------------------------- */

static bool step_node(struct step *st)
{
	const struct gate_node *n = &st->req->node;

	if (n->draining)
		return gate_refuse(st, GATE_NODE, "draining");
	if (n->disk_low)
		return gate_refuse(st, GATE_NODE, "disk low");
	if (n->full)
		return gate_refuse(st, GATE_NODE, "full");
	return true;
}

bool gate_step_transport(struct step *st)
{
	const struct gate_request *req = st->req;
	int r;

	if (gate_cleartext_ok(st->g->settings, &req->peer) ||
	    (st->has_trunk && req->bearer_result == BEARER_NONE))
		return true;
	if (req->bearer_result == BEARER_OK) {
		r = token_check(st->g->auth, req->bearer.token, &st->token);
		if (r == 0)
			r = token_mark_exposed(st->g->auth, &st->token,
					       req->peer.address);
		if (r == 0)
			log_warn(NULL, "gate.token_exposed",
				 LOG_S("grant", st->token.grant_id));
	}
	return gate_refuse_warn(st, GATE_CLEARTEXT, 399,
				"Tokens are accepted over TLS only");
}

static bool step_size(struct step *st)
{
	return !st->req->too_large ||
	       gate_refuse(st, GATE_TOO_LARGE, "message too large");
}

bool gate_step_syntax(struct step *st)
{
	switch (st->req->bearer_result) {
	case BEARER_OK:
	case BEARER_NONE:
		return true;
	case BEARER_MALFORMED:
	case BEARER_SEVERAL:
		break;
	}
	return gate_refuse_warn(st, GATE_MALFORMED, 399,
				st->req->bearer.why ? st->req->bearer.why
						    : "Malformed credentials");
}

bool gate_step_rate(struct step *st)
{
	if (!gate_limit_over(&st->g->limit, st->req->peer.address,
			     clock_mono_us(st->g->auth->clock)))
		return true;
	return gate_refuse(st, GATE_RATE, "too many bad tokens");
}

/* ---- token and client -------------------------------------------------- */

bool gate_bad_token(struct step *st, const char *why)
{
	if (st->by_trunk)
		return gate_trunk_ended(st, why);
	return gate_refuse(st, GATE_BAD_TOKEN, why);
}

/* Not genuine. Only these count as guesses: a busy SBC whose token has just
 * expired sends hundreds of calls before it has the next one, and must not be
 * locked out for that. */
bool gate_false_token(struct step *st, const char *why)
{
	gate_limit_count(&st->g->limit, st->req->peer.address,
			 clock_mono_us(st->g->auth->clock));
	return gate_bad_token(st, why);
}

/* Somebody sends the key to the safe in every call. */
bool gate_refresh_token_seen(struct step *st)
{
	int r = token_family_revoke(st->g->auth, st->token.family_id,
				    "refresh token sent in SIP", "system");

	if (r < 0)
		return gate_failed(st, r);
	return gate_bad_token(st, "refresh token in Authorization");
}

bool gate_bad_form(struct step *st)
{
	return gate_refuse_warn(st, GATE_MALFORMED, 399,
				"Write Bearer and the token, without quotes");
}

/* The token's fault, not ours. */
static bool is_no_token(int r)
{
	return r == -EBADMSG || r == -ENOENT || r == -EKEYREJECTED ||
	       r == -EKEYEXPIRED || r == -EKEYREVOKED;
}

static bool step_token(struct step *st)
{
	const struct gate_request *req = st->req;
	int r;

	if (req->bearer_result == BEARER_NONE)
		return gate_step_trunk_client(st);
	r = token_check(st->g->auth, req->bearer.token, &st->token);
	/* whose form it could be is not known: nobody's */
	if (is_no_token(r) && !gate_form_ok(st))
		return gate_bad_form(st);
	switch (r) {
	case 0:
		return true;
	case -EBADMSG:
		return gate_false_token(st, "not a token of ours");
	case -ENOENT:
		return gate_false_token(st, "unknown token");
	case -EKEYREJECTED:
		return gate_false_token(st, "forged token");
	case -EKEYEXPIRED:
		return gate_bad_token(st, "expired");
	case -EKEYREVOKED:
		return gate_bad_token(st, "revoked");
	case -EPROTOTYPE:
		return gate_refresh_token_seen(st);
	default:
		return gate_failed(st, -EIO);
	}
}

bool gate_has_name(const struct gate_peer *p, const char *name)
{
	unsigned i;

	for (i = 0; i < p->n_tls_names; i++)
		if (str_ieq(p->tls_names[i], name))
			return true;
	return false;
}

static bool step_client(struct step *st)
{
	const struct gate_peer *p = &st->req->peer;
	int r;

	if (st->by_trunk || st->token.kind != TOKEN_ACCESS)
		return true; /* known, or the next step says no */
	r = client_get(st->g->auth, st->token.client_id, &st->client);
	if (r < 0)
		return gate_failed(st, r);
	/* another provider's token: the trunk's settings are none of its */
	if (!str_eq(st->trunk.client_id, st->client.id))
		st->has_trunk = false;
	if (!gate_form_ok(st))
		return gate_bad_form(st);
	if (st->client.tls_identity[0] &&
	    (p->transport != GATE_TLS ||
	     !gate_has_name(p, st->client.tls_identity)))
		return gate_bad_token(st, "other TLS identity");
	return true;
}

static bool step_scope(struct step *st)
{
	if (st->by_trunk || (st->token.kind == TOKEN_ACCESS &&
			     scope_has(st->token.scope, SCOPE_SIP)))
		return true;
	return gate_refuse(st, GATE_NO_SCOPE, "scope missing");
}

/* A call to sip:TENANT@... is for that tenant: nobody else's token counts. Any
 * other user part ("srs", "rec") says nothing about a tenant. */
static bool step_tenant(struct step *st)
{
	char user[128];
	int64_t others;
	int r;

	if (!gate_called_user(st, user, sizeof(user)))
		return true;
	r = db_query_int(st->g->auth->db,
			 "SELECT count(*) FROM tenants WHERE "
			 "(id = $1 OR name = $1) AND id <> $2",
			 DB_ARGS(db_text(user), db_text(st->token.tenant_id)),
			 &others);
	if (r < 0)
		return gate_failed(st, r);
	if (others == 0)
		return true;
	if (st->by_trunk)
		return gate_trunk_ended(st, "a trunk of another tenant");
	return gate_refuse(st, GATE_BAD_TOKEN, "a token of another tenant");
}

static bool step_grant(struct step *st)
{
	int r = grant_get(st->g->auth, st->token.grant_id, &st->grant);

	if (r < 0)
		return gate_failed(st, r);
	if (st->grant.revoked)
		return gate_bad_token(st, "grant revoked");
	if (!gate_step_trunk_grant(st))
		return false;
	r = gate_conditions(st->g, st->grant.conditions, &st->conditions);
	return r == 0 || gate_failed(st, r);
}

/* ---- conditions and quotas --------------------------------------------- */

bool gate_step_body(struct step *st)
{
	if (!st->req->body_error)
		return true;
	return gate_refuse_warn(st,
				st->req->body_unknown ? GATE_BODY_TYPE
						      : GATE_BODY,
				399, st->req->body_error);
}

/* Begin of the owner's day: by the zone of the first time window, else UTC. */
static int64_t day_start_us(const struct conditions *c, int64_t wall_us)
{
	struct tzone_local l = { 0 };
	int64_t t = wall_us / SECOND_US, day;

	if (!c->n_windows)
		return (t - t % 86400) * SECOND_US;
	tzone_local(c->windows[0].zone, t, &l);
	day = t - (l.hour * 3600 + l.minute * 60 + l.second);
	return day * SECOND_US;
}

static bool fill_usage(struct step *st)
{
	const struct conditions *c = st->conditions;
	struct call_facts *f = st->req->facts;
	struct catalog_usage u;
	int r;

	if (!c->max_concurrent && !c->sessions_per_day && !c->storage_bytes)
		return true; /* counting thousands of calls for nobody */

	r = usage_of_grant(st->g->auth->db, st->grant.id,
			   day_start_us(st->conditions, f->wall_us), &u);
	if (r < 0)
		return gate_failed(st, r);
	f->concurrent = u.live_calls;
	f->sessions_today = u.sessions;
	f->stored_bytes = u.bytes;
	return true;
}

static bool outside(struct step *st, enum gate_cause cause, const char *type,
		    const char *why)
{
	(void)gate_refuse(st, cause, why);
	gate_answer_violations(st->g->settings, type, st->v);
	return false;
}

bool gate_step_conditions(struct step *st, const struct conditions *c)
{
	struct judgement *j = &st->v->judgement;
	int r = 0;

	if (!st->req->facts->numbers) {
		r = tenant_plan(st->g->auth->db, st->grant.tenant_id,
				st->g->settings, &st->numbers);
		st->req->facts->numbers = &st->numbers;
	}
	if (r < 0)
		return gate_failed(st, r);
	(void)conditions_judge(c, st->req->facts, j);
	st->v->judged = true;
	if (j->needs_people && !st->req->may_wait)
		judgement_add(j, "conditions.participants",
			      "participants are known", "no metadata");
	if (j->n_violations)
		return outside(st, GATE_CONDITIONS, "outside-conditions",
			       "outside the conditions");
	st->v->wait_metadata = j->needs_people;
	return true;
}

static void number(int64_t n, char dst[32])
{
	(void)snprintf(dst, 32, "%lld", (long long)n);
}

static bool step_quotas(struct step *st)
{
	const struct conditions *c = st->conditions;
	const struct call_facts *f = st->req->facts;
	struct judgement *j = &st->v->judgement;
	char limit[32], now[32];

	if (j->over_storage) {
		number(c->storage_bytes, limit);
		number(f->stored_bytes, now);
		judgement_add(j, "limits.storage_bytes", limit, now);
		return outside(st, GATE_QUOTA, "quota.storage_bytes",
			       "quota.storage_bytes");
	}
	if (j->over_sessions) {
		number(c->sessions_per_day, limit);
		number(f->sessions_today, now);
		judgement_add(j, "limits.sessions_per_day", limit, now);
		return outside(st, GATE_QUOTA, "quota.sessions_per_day",
			       "quota.sessions_per_day");
	}
	if (j->over_concurrent) {
		number(c->max_concurrent, limit);
		number(f->concurrent, now);
		judgement_add(j, "conditions.max_concurrent", limit, now);
		return outside(st, GATE_CONCURRENT, "quota.max_concurrent",
			       "concurrent calls");
	}
	return true;
}

bool gate_step_codecs(struct step *st)
{
	const struct call_facts *f = st->req->facts;
	const struct judgement *j = &st->v->judgement;
	unsigned i, offered = 0;

	for (i = 0; i < f->n_streams; i++) {
		if (!f->streams[i].offered)
			continue;
		offered++;
		if (j->streams[i].permitted &&
		    j->streams[i].codecs & f->streams[i].recordable)
			return true;
	}
	if (!offered)
		return true; /* no offer (yet): nothing to choose from */
	return gate_refuse_warn(st, GATE_CODECS, 305,
				"Incompatible media format");
}

/* ---- the verdict ------------------------------------------------------- */

/* @return the certificate's name this client is bound to, or its first */
static const char *tls_name(const struct step *st)
{
	const struct gate_peer *p = &st->req->peer;

	if (p->transport != GATE_TLS || !p->n_tls_names)
		return "";
	if (st->by_trunk && st->trunk.tls_name[0])
		return st->trunk.tls_name;
	return st->client.tls_identity[0] && !st->by_trunk
		       ? st->client.tls_identity
		       : p->tls_names[0];
}

static void keep_peer(const struct step *st, struct gate_snapshot *s)
{
	const struct gate_peer *p = &st->req->peer;
	bool tls = p->transport == GATE_TLS;

	s->transport = p->transport;
	(void)str_copy(s->peer_address, sizeof(s->peer_address), p->address);
	(void)str_copy(s->tls_name, sizeof(s->tls_name), tls_name(st));
	(void)str_copy(s->tls_sha256, sizeof(s->tls_sha256),
		       tls && p->tls_sha256 ? p->tls_sha256 : "");
	gate_trunk_keep(st, s);
}

static void accept_call(struct step *st)
{
	struct gate_snapshot *s = &st->v->snapshot;

	gate_answer(st->g->settings, GATE_OK, st->v);
	st->why = st->v->judgement.narrowed ? "within, narrowed" : "within";
	(void)str_copy(s->tenant_id, sizeof(s->tenant_id), st->grant.tenant_id);
	(void)str_copy(s->client_id, sizeof(s->client_id), st->grant.client_id);
	(void)str_copy(s->grant_id, sizeof(s->grant_id), st->grant.id);
	(void)str_copy(s->owner_id, sizeof(s->owner_id), st->grant.owner_id);
	(void)str_copy(s->family_id, sizeof(s->family_id), st->token.family_id);
	(void)str_copy(s->token_id, sizeof(s->token_id), st->token.id);
	s->version = st->grant.version;
	keep_peer(st, s);
	st->v->retention_days = st->conditions->retention_days;
	s->numbers = *st->req->facts->numbers;
	s->conditions = STEAL(st->conditions);
}

static bool judge_steps(struct step *st)
{
	return step_node(st) && gate_step_trunk(st) &&
	       gate_step_transport(st) && step_size(st) &&
	       gate_step_syntax(st) && gate_step_rate(st) && step_token(st) &&
	       step_client(st) && step_scope(st) && step_tenant(st) &&
	       step_grant(st) && gate_step_body(st) &&
	       gate_step_strict(st, st->has_trunk && st->trunk.strict) &&
	       fill_usage(st) && gate_step_conditions(st, st->conditions) &&
	       step_quotas(st) && gate_step_codecs(st);
}

void gate_step_fini(struct step *st)
{
	struct call_facts *f = st->req->facts;

	if (f && f->numbers == &st->numbers)
		f->numbers = NULL; /* they end here */
	grant_fini(&st->grant);
	conditions_free(&st->conditions);
}

void gate_judge(struct gate *g, struct gate_request *req,
		struct gate_verdict *ret_v)
{
	struct step st CLEANUP(
		gate_step_fini) = { .g = g, .req = req, .v = ret_v };

	memset(ret_v, 0, sizeof(*ret_v));
	if (judge_steps(&st))
		accept_call(&st);
	gate_audit_call(&st, "call.accept");
}

static bool step_named(struct step *st, const char *grant_id,
		       const char *tenant_id)
{
	struct grant g CLEANUP(grant_fini) = { 0 };
	int r = grant_get(st->g->auth, grant_id, &g);

	if (r < 0 && r != -ENOENT)
		return gate_failed(st, r);
	if (r < 0 || (tenant_id && !str_eq(tenant_id, g.tenant_id)))
		return gate_refuse(st, GATE_BAD_TOKEN, "no such grant");
	(void)str_copy(st->token.tenant_id, sizeof(st->token.tenant_id),
		       g.tenant_id);
	(void)str_copy(st->token.client_id, sizeof(st->token.client_id),
		       g.client_id);
	(void)str_copy(st->token.grant_id, sizeof(st->token.grant_id), g.id);
	if (g.expires_us && g.expires_us <= auth_now_us(st->g->auth))
		return gate_refuse(st, GATE_BAD_TOKEN, "grant expired");
	r = client_get(st->g->auth, g.client_id, &st->client);
	if (r < 0)
		return gate_failed(st, r);
	return !st->client.disabled ||
	       gate_refuse(st, GATE_BAD_TOKEN, "client disabled");
}

/* The owner is looked at as for trunks, which have no token either. */
static bool step_named_grant(struct step *st)
{
	bool good;

	st->by_trunk = true;
	good = step_grant(st);
	st->by_trunk = false;
	return good;
}

void gate_judge_grant(struct gate *g, const char *grant_id,
		      const char *tenant_id, struct gate_request *req,
		      struct gate_verdict *ret_v)
{
	struct step st CLEANUP(
		gate_step_fini) = { .g = g, .req = req, .v = ret_v };

	memset(ret_v, 0, sizeof(*ret_v));
	if (step_node(&st) && step_named(&st, grant_id, tenant_id) &&
	    step_named_grant(&st) && fill_usage(&st) &&
	    gate_step_conditions(&st, st.conditions) && step_quotas(&st) &&
	    gate_step_codecs(&st))
		accept_call(&st);
	gate_audit_call(&st, "call.start");
}

void gate_identify(struct gate *g, const char *action, struct gate_request *req,
		   struct gate_verdict *ret_v)
{
	struct step st CLEANUP(
		gate_step_fini) = { .g = g, .req = req, .v = ret_v };
	struct gate_snapshot *s = &ret_v->snapshot;

	memset(ret_v, 0, sizeof(*ret_v));
	if (step_node(&st) && gate_step_trunk(&st) &&
	    gate_step_transport(&st) && step_size(&st) &&
	    gate_step_syntax(&st) && gate_step_rate(&st) && step_token(&st) &&
	    step_client(&st) && step_scope(&st) && step_tenant(&st) &&
	    step_grant(&st)) {
		gate_answer(g->settings, GATE_OK, ret_v);
		(void)str_copy(s->tenant_id, sizeof(s->tenant_id),
			       st.grant.tenant_id);
		(void)str_copy(s->client_id, sizeof(s->client_id),
			       st.grant.client_id);
		(void)str_copy(s->grant_id, sizeof(s->grant_id), st.grant.id);
		(void)str_copy(s->owner_id, sizeof(s->owner_id),
			       st.grant.owner_id);
		keep_peer(&st, s);
	}
	gate_audit(&st, ret_v->status == 200 ? action : "call.refuse");
}

void gate_options(struct gate *g, struct gate_request *req,
		  struct gate_verdict *ret_v)
{
	struct step st CLEANUP(
		gate_step_fini) = { .g = g, .req = req, .v = ret_v };

	memset(ret_v, 0, sizeof(*ret_v));
	if (!step_node(&st))
		return;
	/* health checks carry no token */
	if (req->bearer_result != BEARER_NONE &&
	    !(gate_step_trunk(&st) && gate_step_transport(&st) &&
	      gate_step_syntax(&st) && gate_step_rate(&st) && step_token(&st) &&
	      step_client(&st) && step_scope(&st))) {
		gate_audit(&st, "options.refuse");
		return;
	}
	gate_answer(g->settings, GATE_OK, ret_v);
}

void gate_verdict_fini(struct gate_verdict *v)
{
	mem_free(v->problem);
	v->problem = NULL;
	gate_snapshot_fini(&v->snapshot);
}
