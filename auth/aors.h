/* auth/aors.h - whose address is it?
 *
 * An address (AoR) is given to a user by the operator, who may give any, also
 * a pattern (sip:*@domain, tel:+44*), or by an administrator of the account,
 * who may give what the operator gave to the account and nobody else has.
 * Consent to recordings is good for the user's addresses only. An address
 * that is given to somebody in exactly this form is not covered by another
 * user's pattern. A number counts as a number, whatever domain stands behind
 * it: a domain's pattern does not cover it, a number's does; digits without
 * country are covered by none, an extension (fewer than seven) by its domain.
 *
 * An address that is taken from a user takes its grants along: they are
 * narrowed to those that are left, or revoked.
 *
 * Errors besides those named: of storage/db.h. Any role.
 */
#ifndef AUTH_AORS_H
#define AUTH_AORS_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/auth.h"

struct conditions;
struct err;

#define AORS_MAX 64 /* of one user */

enum aor_giver { AOR_BY_OPERATOR, AOR_BY_ADMIN };

typedef int aor_fn(void *arg, const char *aor);

/* ---- of a user ---- */

int64_t user_aor_each(struct auth *a, const char *user_id, aor_fn *fn,
		      void *arg);
/**
 * @return 0, also when the user has it; -EINVAL not an address, or a pattern
 *         of an administrator; -EACCES the account has not got it; -EEXIST
 *         somebody else has it (both for administrators); -ENOENT; -E2BIG
 */
int user_aor_add(struct auth *a, const char *user_id, const char *aor,
		 enum aor_giver by, const char *actor, struct err *e);
/** @return 0; -ENOENT no such user, or not this user's */
int user_aor_remove(struct auth *a, const char *user_id, const char *aor,
		    const char *actor, struct err *e);
/** Add what is new, remove what is not in the list: all of it or nothing.
 *  Errors as user_aor_add() */
int user_aors_set(struct auth *a, const char *user_id, const char *const *aors,
		  unsigned n, enum aor_giver by, const char *actor,
		  struct err *e);
/** May the user speak for this address? */
bool user_has_aor(struct auth *a, const char *user_id, const char *aor);
/** Somebody else's, of any account, in exactly this form? @return 1, 0 */
int user_aor_is_anothers(struct auth *a, const char *user_id, const char *aor);
/** The first of the conditions' owner.aor that is not the user's; NULL when
 *  all are. */
const char *user_foreign_aor(struct auth *a, const char *user_id,
			     const struct conditions *c);

/** One for a user who is being made, by the operator; no transaction of its
 *  own. @return 0, also when given twice; -EINVAL */
int user_aor_insert(struct auth *a, const char *user_id, const char *aor,
		    struct err *e);

/* ---- of an account (operator only) ---- */

int64_t tenant_aor_each(struct auth *a, const char *tenant_id, aor_fn *fn,
			void *arg);
/** @return 0, also when it has it; -EINVAL not of that form */
int tenant_aor_add(struct auth *a, const char *tenant_id, const char *aor,
		   const char *actor, struct err *e);
/** What users have already they keep. @return 0, -ENOENT */
int tenant_aor_remove(struct auth *a, const char *tenant_id, const char *aor,
		      const char *actor, struct err *e);

#endif
