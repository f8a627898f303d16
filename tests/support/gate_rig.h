/* tests/support/gate_rig.h - one gate and one good call, which tests spoil.
 *
 * The call: Alice and Bob, two streams of PCMU, over UDP from 127.0.0.1, with
 * the access token of the grant of tests/support/auth_rig.h.
 */
#ifndef TESTS_SUPPORT_GATE_RIG_H
#define TESTS_SUPPORT_GATE_RIG_H

#include "auth/trunks.h"
#include "base/settings.h"
#include "srs/gate/gate.h"
#include "tests/support/auth_rig.h"

struct gate_rig {
	struct auth_rig r;
	struct settings settings;
	struct gate *gate;
	struct token_pair pair;
	struct identity people[3];
	struct call_facts facts;
	struct gate_request req;
	struct gate_verdict v;
};

/* For cmocka's setup and teardown: *state is the rig. */
int gate_rig_setup(void **state);
int gate_rig_teardown(void **state);

/** Make a stream one of audio in this codec, offered and recordable. */
void gate_rig_stream(struct call_stream *s, const char *codec);
/** Send this token; NULL: none. */
void gate_rig_token(struct gate_rig *t, const char *token);
/** Send a token of a grant made for this; see auth_rig_details(). */
void gate_rig_grant(struct gate_rig *t, const char *conditions,
		    const char *more, struct id *ret_id);
/** A recording of the grant that runs since then. */
void gate_rig_record(struct gate_rig *t, const char *grant, int64_t started_us);

/** A trunk "sbc" with this key set; no token is sent any more. */
void gate_rig_trunk(struct gate_rig *t, struct trunk *tr, const char *key,
		    const char *value);
void gate_rig_change_trunk(struct gate_rig *t, struct trunk *tr,
			   const char *key, const char *value);
/** Come over TLS with a certificate of this name. */
void gate_rig_from_tls(struct gate_rig *t, const char *name);

/* The verdict is in t->v. Every one is searched for tokens. */
const struct gate_verdict *gate_rig_judge(struct gate_rig *t);
/** gate_judge() gives this, or the test fails. */
void gate_rig_expect(struct gate_rig *t, int status, enum gate_cause cause);
void gate_rig_rejudge(struct gate_rig *t, const struct gate_snapshot *snap);
/** No token may leave through any door: verdict or audit log. */
void gate_rig_no_secret(struct gate_rig *t);

/** Audit entries of this action. */
int64_t gate_rig_audited(struct gate_rig *t, const char *action);

#endif
