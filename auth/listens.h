/* auth/listens.h - whose recordings does a listener hear?
 *
 * The operator or an administrator of the account assigns owners to a user of
 * the role listener. From then on that user finds and plays what these owners
 * own, what was recorded before included, and changes nothing of it; when an
 * owner is taken away again, at once no more. The catalog looks for itself
 * (struct catalog_scope), so nothing is copied anywhere.
 *
 * Errors besides those named: of storage/db.h. Any role.
 */
#ifndef AUTH_LISTENS_H
#define AUTH_LISTENS_H

#include <stdint.h>

#include "auth/auth.h"

struct err;

#define LISTENS_MAX 256 /* owners of one listener */

typedef int listens_fn(void *arg, const char *owner_email);
/** The owners, by e-mail. @return how many or -errno */
int64_t user_listens_each(struct auth *a, const char *listener_id,
			  listens_fn *fn, void *arg);

/**
 * Assign one.
 *
 * @param owner e-mail or id
 * @return 0, also when it is assigned; -EINVAL the first one is no listener, or
 *         the second one can own no recordings; -ENOENT no such user in the
 *         account; -E2BIG
 */
int user_listens_add(struct auth *a, const char *listener_id, const char *owner,
		     const char *actor, struct err *e);
/** @return 0; -ENOENT no such user, or not assigned */
int user_listens_remove(struct auth *a, const char *listener_id,
			const char *owner, const char *actor, struct err *e);
/** These and no others: all of it or nothing. Errors as user_listens_add() */
int user_listens_set(struct auth *a, const char *listener_id,
		     const char *const *owners, unsigned n, const char *actor,
		     struct err *e);

#endif
