/* srs/gate/gate.h - may this INVITE be recorded, and what of it?
 *
 * The one place that says no. Order of looking, the first "no" answers:
 *
 *	transport -> size -> credentials syntax -> rate limit -> token ->
 *	client identity -> scope, audience, tenant -> grant state -> body ->
 *	conditions -> quotas -> codecs -> node -> 200
 *
 *	cause                                   answer
 *	no token, and not from a trunk          401, challenge without error
 *	a trunk whose grant or client ended     the same; 403 in clear
 *	expired, revoked, forged, unknown,
 *	  other client's certificate            401 invalid_token, all the same
 *	scope missing                           401 invalid_scope
 *	malformed or several credentials        400 + Warning
 *	token in clear where not allowed        403, no challenge, remembered
 *	message too large                       513
 *	too many false tokens from an address   503 + Retry-After
 *	no usable body, or for a strict trunk
 *	  a body of which something is lost     400 + Warning
 *	outside the conditions                  403 + Warning + problem+json
 *	some streams or codecs outside          200, those not permitted
 *	grant's concurrent calls                486 + Retry-After
 *	storage or daily quota                  403 quota.* + Warning
 *	no codec that we can record             488 + Warning 305
 *	node full, disk low, draining           503 + Retry-After
 *	our own database fails                  500
 *
 * The node's state is looked at first of all as well when it is draining or
 * full: a node that can't take the call must not burn the client's time.
 * Every verdict is one audit entry in the caller's transaction: commit before
 * answering. Only refusals without a genuine token, which anybody can cause as
 * fast as the line allows, are entered at most 60 times a minute; the entry
 * after that says how many are missing ("unwritten_before").
 *
 * Owner: the sip role, one struct gate. The token itself goes nowhere: not into
 * verdict, snapshot, log or audit.
 *
 * Source: RFC 3261 section 20.43 (Warning), RFC 6750 section 3.1, RFC 8898,
 * RFC 9457 (problem+json).
 */
#ifndef SRS_GATE_GATE_H
#define SRS_GATE_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/clients.h"
#include "auth/conditions.h"
#include "auth/tokens.h"
#include "auth/trunks.h"
#include "base/id.h"
#include "base/str.h"
#include "srs/sip/bearer.h"

struct auth;
struct buf;
struct gate;
struct settings;

enum gate_transport { GATE_UDP, GATE_TCP, GATE_TLS };

#define GATE_TLS_NAMES_MAX 16

/*
 * A request without credentials from a trunk (auth/trunks.h) is judged by the
 * trunk's grant, with the same conditions; one that carries a token by the
 * token. The trunk's settings count for both while the client is the same.
 */

/* Where a request came from. Strings are borrowed. */
struct gate_peer {
	enum gate_transport transport;
	const char *address; /* "192.0.2.1", without port */
	bool loopback;	     /* both ends are loopback addresses */
	/* subjects (SAN, CN) of a verified client certificate */
	const char *tls_names[GATE_TLS_NAMES_MAX];
	unsigned n_tls_names;
	const char *tls_sha256; /* of it, hex; NULL or "" = not known */
};

/* State of this node, from the sip role. */
struct gate_node {
	bool draining;
	bool disk_low;
	bool full; /* calls at sip.max_calls, no ports, capture away */
};

struct gate_request {
	const char *method; /* "INVITE", for the audit log */
	const char *call_id;
	struct gate_peer peer;
	struct gate_node node;
	/* bearer_parse(..., BEARER_FORMS_ALL, ...) */
	enum bearer_result bearer_result;
	struct bearer bearer;
	bool too_large;
	const char *body_error; /* NULL = fine, else words for the Warning */
	bool body_unknown;	/* that is: of a type that we don't read */
	/* what of the body can't be recorded; matters to strict trunks only */
	const char *strict_error;
	/* everything but the usage counters and, when NULL, the number plan,
	 * which the gate fills in */
	struct call_facts *facts;
	/* in: metadata may still come, and settings say wait or nothing is
	 * recorded yet: a call whose conditions need participants is accepted
	 * for now */
	bool may_wait;
};

/* What was agreed at the start: judges later requests of the dialog, survives
 * a restart as JSON. */
struct gate_snapshot {
	char tenant_id[ID_LEN + 1];
	char client_id[ID_LEN + 1];
	char grant_id[ID_LEN + 1];
	char owner_id[ID_LEN + 1];
	char family_id[ID_LEN + 1];
	char token_id[TOKEN_ID_LEN + 1];
	int64_t version;
	enum gate_transport transport; /* the transport identity: */
	char peer_address[64];
	char tls_name[CLIENT_TLS_MAX]; /* the certificate's name, "" = none */
	char tls_sha256[65];	       /* of that certificate, "" = none */
	struct gate_trunk {
		char id[ID_LEN + 1]; /* "" = none; without a token_id the
				      * trunk stood for the token */
		bool strict;
		enum trunk_source source;
		enum trunk_order order;
		enum trunk_srtp srtp;
		char vendor[TRUNK_VENDOR_MAX];
	} trunk;
	struct number_plan numbers;    /* the tenant's at the start */
	struct conditions *conditions; /* shared with other calls */
};

enum gate_cause {
	GATE_OK,
	GATE_NO_TOKEN,
	GATE_BAD_TOKEN,
	GATE_NO_SCOPE,
	GATE_MALFORMED,
	GATE_CLEARTEXT,
	GATE_PEER, /* within a dialog, from somewhere else */
	GATE_TOO_LARGE,
	GATE_RATE,
	GATE_BODY,
	GATE_BODY_TYPE,
	GATE_CONDITIONS,
	GATE_CONCURRENT,
	GATE_QUOTA,
	GATE_CODECS,
	GATE_NODE,
	GATE_INTERNAL,
};

/** @return the cause as a word for logs ("conditions"), never NULL */
const char *gate_cause_name(enum gate_cause cause);

#define GATE_CHALLENGE_MAX 1024
#define GATE_WARNING_MAX 512

struct gate_verdict {
	enum gate_cause cause;
	int status;	    /* 200, 400, 401, 403, 486, 488, 500, 503, 513 */
	const char *reason; /* static phrase */
	char challenge[GATE_CHALLENGE_MAX]; /* WWW-Authenticate, "" = none */
	char warning[GATE_WARNING_MAX];	    /* Warning, "" = none */
	char *problem;	   /* body, application/problem+json, NULL = none */
	int retry_after_s; /* 0 = none */
	bool unwritten;	   /* one of too many: not in the audit log */
	/* when conditions were judged */
	bool judged;
	struct judgement judgement;
	/* accepted, but participants must come: judge again then, and when
	 * sip.missing_metadata_wait_us is over */
	bool wait_metadata;
	/* INVITE accepted */
	struct gate_snapshot snapshot;
	int64_t retention_days; /* 0 = tenant's default */
};

/** auth and settings are borrowed. 0 or -ENOMEM */
int gate_create(struct auth *auth, const struct settings *s,
		struct gate **ret_gate);
void gate_destroy(struct gate **gate);

/** Judge an INVITE that starts a dialog. Always fills ret_v (zeroed by the
 *  callee); gate_verdict_fini() is due. */
void gate_judge(struct gate *g, struct gate_request *req,
		struct gate_verdict *ret_v);

/**
 * Judge a call that this server starts, under a grant that somebody chose who
 * may: the same order from the grant's state on. peer is who will be called.
 *
 * @param tenant_id NULL: a grant of any tenant
 */
void gate_judge_grant(struct gate *g, const char *grant_id,
		      const char *tenant_id, struct gate_request *req,
		      struct gate_verdict *ret_v);

/**
 * Judge a change within a dialog (re-INVITE, UPDATE, metadata, narrowed
 * conditions, end of the wait for metadata) by the snapshot. Who sends it was
 * looked at by gate_within().
 *
 * status 200: go on with the permits. 403: this request is refused, or, when
 * nobody asked anything (req->method NULL), the recording must end.
 * judgement.violations says what no longer holds.
 */
void gate_rejudge(struct gate *g, const struct gate_snapshot *snap,
		  struct gate_request *req, struct gate_verdict *ret_v);

/**
 * Who sends this request (REFER, SUBSCRIBE)? Everything up to the grant's state
 * is looked at, conditions are not. 200: snapshot names tenant, client, grant,
 * owner and where it came from, and nothing else.
 *
 * @param action of the audit entry when it is somebody
 */
void gate_identify(struct gate *g, const char *action, struct gate_request *req,
		   struct gate_verdict *ret_v);

/**
 * Is a request within a dialog from whom the dialog is with? To be asked before
 * anything of it counts, whatever its method is. conditions are not looked at.
 *
 * It must come over TLS if and only if the first one did; with the same
 * certificate if that had one (the same name will do, certificates are
 * renewed), else from the same address, whatever the port, or from one that is
 * listed for the client or the dialog's trunk. A token adds nothing to that;
 * but where one comes it must be good, and of the same client and owner. BYE,
 * ACK, PRACK and CANCEL are never challenged: their token may be over.
 *
 * status 200; 403 from elsewhere, or another's token; 400, 401, 503 as for an
 * INVITE because of its token. Nothing is written for 200.
 *
 * @param snap of gate_judge(), gate_judge_grant() or gate_identify()
 */
void gate_within(struct gate *g, const struct gate_snapshot *snap,
		 struct gate_request *req, struct gate_verdict *ret_v);

/** Pure: exactly the transport identity of before, and no token. Then
 *  gate_within() says 200 without a look into the catalog. */
bool gate_is_plain(const struct gate_snapshot *snap,
		   const struct gate_request *req);

/** An audit entry: this REFER within the dialog was accepted. */
void gate_refer_within(struct gate *g, const struct gate_snapshot *snap,
		       struct gate_request *req, struct gate_verdict *ret_v);

/** OPTIONS: node state; a token is looked at when one is there. */
void gate_options(struct gate *g, struct gate_request *req,
		  struct gate_verdict *ret_v);

void gate_verdict_fini(struct gate_verdict *v);

/** Take the snapshot out of a verdict (v keeps none). */
void gate_snapshot_take(struct gate_verdict *v, struct gate_snapshot *ret_snap);
void gate_snapshot_fini(struct gate_snapshot *snap);
/** Append as a JSON object / read it. 0, -EINVAL, -ENOMEM */
int gate_snapshot_json(const struct gate_snapshot *snap, struct buf *out);
int gate_snapshot_parse(const char *json, size_t len,
			struct gate_snapshot *ret_snap);
/** Read the grant's conditions again (grants_live_check() said narrowed).
 *  @return 0, -ENOENT, -EKEYREVOKED */
int gate_snapshot_reload(struct gate *g, struct gate_snapshot *snap);

/** True when a token may come in clear over this transport. */
bool gate_cleartext_ok(const struct settings *s, const struct gate_peer *peer);

#endif
