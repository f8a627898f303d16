/* web/setup.h - the one-time link of the first start.
 *
 * There is no default password: while there is no administrator, whoever has
 * the link that the server printed makes one; other users change nothing. The
 * token in it is random, stored as HMAC and good until the first administrator
 * is there, made by this link, another one or on the command line. Each start
 * of the server makes one more; those of earlier starts go after a day.
 */
#ifndef WEB_SETUP_H
#define WEB_SETUP_H

#include "auth/auth.h"

#define SETUP_TOKEN_MAX 48

/** Ends links that are older than a day. @return 0 or db's error */
int setup_link_create(struct auth *a, char ret_token[SETUP_TOKEN_MAX]);

/** @return 0; -ENOENT unknown, ended, or there is an administrator */
int setup_link_check(struct auth *a, const char *token);

struct setup_account {
	const char *tenant;
	const char *email;
	const char *password;
	const char *aor; /* NULL or "" = none */
};

/** Tenant and administrator, and every link ends; all or nothing.
 *  @return 0; -ENOENT as above; -EINVAL, -EEXIST with e set */
int setup_account_create(struct auth *a, const char *token,
			 const struct setup_account *s, struct id *ret_user,
			 struct err *e);

#endif
