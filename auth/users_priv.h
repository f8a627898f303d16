/* auth/users_priv.h - a user's row with the password's hash; auth/ only. */
#ifndef AUTH_USERS_PRIV_H
#define AUTH_USERS_PRIV_H

#include "auth/password.h"
#include "auth/users.h"

struct user_row {
	struct user u;
	char hash[PASSWORD_HASH_MAX]; /* "" = none */
};

/** By e-mail or id. @return 0, -ENOENT, db's error */
int user_row_find(struct auth *a, const char *email_or_id,
		  struct user_row *ret_row);
/** Lower case, one @ with something on both sides. @return 0, -EINVAL */
int user_email_normalize(const char *email, char dst[USER_EMAIL_MAX]);

#endif
