/* auth/users.h - people of a tenant: roles, AoRs, passwords, login.
 *
 * An e-mail address is one user of one tenant, compared in lower case.
 * Roles: owner    sees and manages their own recordings and grants
 *        admin    everything of the tenant, users, clients and trunks too
 *        supervisor  sees all recordings of the tenant, deletes none
 *        listener    sees and plays recordings of the owners assigned to
 *                    them (auth/listens.h), changes nothing
 *        auditor     sees all recordings' data and the audit log, hears none
 * The AoRs of a user are the addresses of their calls: auth/aors.h.
 */
#ifndef AUTH_USERS_H
#define AUTH_USERS_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/auth.h"
#include "base/id.h"

#define USER_EMAIL_MAX 255

enum user_role {
	USER_OWNER,
	USER_ADMIN,
	USER_SUPERVISOR,
	USER_LISTENER,
	USER_AUDITOR,
};

struct user {
	char id[ID_LEN + 1];
	char tenant_id[ID_LEN + 1];
	char email[USER_EMAIL_MAX];
	enum user_role role;
	bool disabled;
	int64_t created_us;
};

/** @return 0 or -EINVAL */
int user_role_parse(const char *word, enum user_role *ret_role);
const char *user_role_name(enum user_role role);

struct user_new {
	const char *tenant_id;
	const char *email;
	enum user_role role;
	const char *password; /* NULL: can't log in until one is set */
	const char *const *aors;
	unsigned n_aors;
};

/** An administrator ends the setup links of the first start.
 *  @return 0; -EINVAL e-mail, AoR or password (e says); -EEXIST; -ENOENT no
 *  such tenant */
int user_create(struct auth *a, const struct user_new *u, const char *actor,
		struct id *ret_id, struct err *e);
/** By e-mail or id. @return 0, -ENOENT */
int user_find(struct auth *a, const char *email_or_id, struct user *ret_user);
/** @return administrators of all tenants that are not disabled (0: the setup
 *  of the first start is due) */
int64_t user_admin_count(struct auth *a);

typedef int user_fn(void *arg, const struct user *u);
/** @param tenant_id NULL = all */
int64_t user_each(struct auth *a, const char *tenant_id, user_fn *fn,
		  void *arg);
/** 8..512 bytes. @return 0, -EINVAL, -ENOENT */
int user_set_password(struct auth *a, const char *user_id, const char *password,
		      const char *actor, struct err *e);
/** A disabled user can't log in, their tokens and grants don't work. */
int user_set_disabled(struct auth *a, const char *user_id, bool disabled,
		      const char *actor);

/** Random, for people: "tulip-…" style not needed: 20 characters of an
 *  alphabet without look-alikes, more than 110 bits. */
#define USER_PASSWORD_RANDOM_MAX 24
void user_password_random(char dst[USER_PASSWORD_RANDOM_MAX]);

#endif
