/* auth/grants.h - what an owner authorized a client to do.
 *
 * A grant is (client, owner, conditions). Its conditions change only by
 * narrowing; each text stays as a version. It ends by revocation or with
 * not_after; nothing about it is ever deleted.
 */
#ifndef AUTH_GRANTS_H
#define AUTH_GRANTS_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/auth.h"
#include "auth/tokens.h"
#include "base/id.h"

struct grant {
	char id[ID_LEN + 1];
	char tenant_id[ID_LEN + 1];
	char client_id[ID_LEN + 1];
	char owner_id[ID_LEN + 1];
	int64_t version; /* 1, 2, ... */
	bool revoked;
	char scope[TOKEN_SCOPE_MAX];
	char *conditions; /* JSON text; grant_fini() frees it */
	int64_t created_us;
	int64_t expires_us; /* not_after, 0 = none */
	int64_t revoked_us;
	int64_t token_us;     /* a token of it was last issued */
	int64_t last_call_us; /* a call was last accepted under it */
};

void grant_fini(struct grant *g); /* takes a zeroed struct too */

struct grant_new {
	const char *client_id;
	const char *owner_id;
	const char *details; /* authorization_details, object or array of 1 */
	const char *scope;   /* as scope_read() takes it; NULL = all */
	/* The operator vouches for owner.aor, and for calls of other people
	 * (owner.must_participate false) whoever the owner is. */
	bool any_aor;
};

/** @return 0; -EINVAL details outside the schema or over already (e says);
 *  -ENOENT no such client or owner; -EXDEV they are of different tenants;
 *  -EKEYREVOKED client or owner disabled; -EACCES an address is not the
 *  owner's, or calls of other people and the owner is no administrator (e says
 *  which) */
int grant_create(struct auth *a, const struct grant_new *g, const char *actor,
		 struct id *ret_id, struct err *e);

/** @return 0 (grant_fini() is due), -ENOENT */
int grant_get(struct auth *a, const char *id, struct grant *ret_grant);

/* NULL field = any. */
struct grant_filter {
	const char *tenant_id, *owner_id, *client_id;
	bool active_only;
};
typedef int grant_fn(void *arg, const struct grant *g);
/** Newest first; the grant is borrowed. */
int64_t grant_each(struct auth *a, const struct grant_filter *f, grant_fn *fn,
		   void *arg);

/** @return 0; -EINVAL not valid or wider than now (e says where); -ENOENT;
 *  -EKEYREVOKED */
int grant_narrow(struct auth *a, const char *id, const char *details,
		 const char *actor, struct err *e);

/** Take words out of its scope: without "recordings" its client reads nothing
 *  any more, without "call-recording" running calls end.
 *  @return 0; -EINVAL malformed or wider than now; -ENOENT; -EKEYREVOKED */
int grant_narrow_scope(struct auth *a, const char *id, const char *scope,
		       const char *actor, struct err *e);

/** Ends all its tokens and live recordings. @return 0 (also when it was
 *  revoked before), -ENOENT */
int grant_revoke(struct auth *a, const char *id, const char *why,
		 const char *actor);

/** A call was accepted under it now. @return 0 or db's error */
int grant_note_call(struct auth *a, const char *id);

/** A grant that nobody can use: no token that is good, no code that may still
 *  be exchanged, no trunk. Revoked then. @return 1 revoked, 0 left as it is */
int grant_drop_unused(struct auth *a, const char *id, const char *why);
/** Those of codes whose time is over. @return how many or -errno */
int64_t grant_sweep_unused(struct auth *a);

/* ---- live recordings ---------------------------------------------------- */

enum grant_live_state {
	GRANT_LIVE_SAME,
	GRANT_LIVE_NARROWED, /* judge again with the new conditions */
	GRANT_LIVE_ENDED,    /* revoked, or client, owner or family ended */
};

struct grant_live {
	const char *grant_id;
	const char *family_id;	     /* "" = none */
	int64_t version;	     /* of the snapshot */
	enum grant_live_state state; /* result */
	const char *why;	     /* result, static text, "" when same */
};

/**
 * Are the authorizations of running recordings still what they were?
 *
 * Cheap: one row is read when nothing has changed since *epoch; otherwise one
 * indexed query an entry. Call it whenever db_change_counter() has moved.
 *
 * @param epoch in: from the last call, -1 at first; out: now
 *
 * @return number of entries that are not GRANT_LIVE_SAME, or db's error; when
 *         the epoch is the same the list is not written and 0 is returned
 */
int grants_live_check(struct db *db, int64_t *epoch, struct grant_live *list,
		      unsigned n);

#endif
