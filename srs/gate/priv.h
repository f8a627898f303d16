/* srs/gate/priv.h - between the files of the gate.
 *
 *	gate.c		the order and its steps
 *	dialog.c	what comes within a dialog
 *	trunk.c		who comes without a token
 *	audit.c		one entry a decision
 *	snapshot.c	what was agreed, as JSON
 */
#ifndef SRS_GATE_PRIV_H
#define SRS_GATE_PRIV_H

#include "auth/grants.h"
#include "auth/trunks.h"
#include "srs/gate/gate.h"
#include "srs/gate/limit.h"

#define GATE_KEPT_CONDITIONS 256u

struct gate {
	struct auth *auth;
	const struct settings *settings;
	struct gate_limit limit;
	/* refusals of nobody that we know, for the audit log */
	int64_t nameless_since_us; /* monotonic */
	unsigned nameless, unwritten;
	/* conditions seen lately, by the hash of their text */
	struct conditions *kept[GATE_KEPT_CONDITIONS];
};

/* One request on its way through the steps. */
struct step {
	struct gate *g;
	struct gate_request *req;
	struct gate_verdict *v;
	struct token_info token; /* as far as known */
	struct client client;
	struct grant grant;
	struct trunk trunk;
	bool has_trunk; /* it comes from this trunk */
	bool by_trunk;	/* which stands for the token */
	bool stranger;	/* anybody: the token says whom it is about only */
	struct number_plan numbers;
	struct conditions *conditions;
	const char *why; /* for the audit log, static text */
};

struct auth *gate_auth(struct gate *g);
/** Parsed, or what was parsed before; the caller frees it. 0 or as
 *  conditions_parse() */
int gate_conditions(struct gate *g, const char *text,
		    struct conditions **ret_c);

/* Each returns false: the step said no. */
bool gate_refuse(struct step *st, enum gate_cause cause, const char *why);
bool gate_refuse_warn(struct step *st, enum gate_cause cause, int code,
		      const char *why);
bool gate_failed(struct step *st, int r);
bool gate_bad_token(struct step *st, const char *why);
/** The same, and counts as a guess. */
bool gate_false_token(struct step *st, const char *why);
bool gate_bad_form(struct step *st);
/** Its family is revoked. @return false */
bool gate_refresh_token_seen(struct step *st);

/* The steps that requests within a dialog take, too. */
bool gate_step_transport(struct step *st);
bool gate_step_syntax(struct step *st);
bool gate_step_rate(struct step *st);
bool gate_step_body(struct step *st);
bool gate_step_conditions(struct step *st, const struct conditions *c);
bool gate_step_codecs(struct step *st);
void gate_step_fini(struct step *st);
bool gate_has_name(const struct gate_peer *p, const char *name);

/** User part of the Request-URI. @return false: there is none */
bool gate_called_user(const struct step *st, char *dst, size_t len);

/** Which trunk is it? Finding none is fine. */
bool gate_step_trunk(struct step *st);
/** No credentials: the trunk's client and grant instead, if there is one. */
bool gate_step_trunk_client(struct step *st);
/** What a grant's token would have been checked for. */
bool gate_step_trunk_grant(struct step *st);
/** The trunk, or what its token stood for, has ended. @return false */
bool gate_trunk_ended(struct step *st, const char *why);
/** May the token be written like that? Looks at client and trunk. */
bool gate_form_ok(const struct step *st);
/** Strict trunks: nothing in the body may be lost. */
bool gate_step_strict(struct step *st, bool strict);
/** Is the peer by its certificate this trunk? */
bool gate_trunk_shows(const struct step *st, const struct trunk *t);
/** Its settings into the snapshot. */
void gate_trunk_keep(const struct step *st, struct gate_snapshot *s);

void gate_audit(struct step *st, const char *action);
/** The same of a call that is to begin: "call.refuse" when it was refused,
 *  otherwise its grant remembers it as well. */
void gate_audit_call(struct step *st, const char *action);

#endif
