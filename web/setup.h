/* web/setup.h - the one-time link of the first start.
 *
 * There is no default password: while no user exists, whoever has the link
 * that the server printed makes the first account. The token in it is random,
 * stored as HMAC, good for 24 hours and one use.
 */
#ifndef WEB_SETUP_H
#define WEB_SETUP_H

#include "auth/auth.h"

#define SETUP_TOKEN_MAX 48

/** Ends earlier links. @return 0 or db's error */
int setup_link_create(struct auth *a, char ret_token[SETUP_TOKEN_MAX]);

/** @return 0; -ENOENT unknown, used, expired, or there are users */
int setup_link_check(struct auth *a, const char *token);

struct setup_account {
	const char *tenant;
	const char *email;
	const char *password;
	const char *aor; /* NULL or "" = none */
};

/** Tenant and first user (admin), and the link ends; all or nothing.
 *  @return 0; -ENOENT as above; -EINVAL, -EEXIST with e set */
int setup_account_create(struct auth *a, const char *token,
			 const struct setup_account *s, struct id *ret_user,
			 struct err *e);

#endif
