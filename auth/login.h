/* auth/login.h - logging in, within budgets that shut nobody out.
 *
 * Every attempt is counted before its password is looked at, in the same
 * transaction that compares, and given back when the password was right: of
 * any number of guesses made at once no more than the budget get an answer.
 * In 15 minutes:
 *
 *	a known browser  10 for its account, and none of the others
 *	an account       10
 *	an address       30 (IPv6: a /64); 3 while the total is used up
 *	in total         600
 *
 * A browser is known for an account by a cookie of an earlier login there: a
 * random number and time with an HMAC over them, the user and the password's
 * hash, so it ends with the password and is worth nothing for anybody else.
 * Somebody who guesses from many places therefore keeps neither people at
 * their own browsers out, nor strangers with the right password at addresses
 * that have not guessed. Whoever is kept out anyway the operator lets in with
 * a link that works once.
 *
 * Role: web; links are made by the command line.
 */
#ifndef AUTH_LOGIN_H
#define AUTH_LOGIN_H

#include <stdint.h>

#include "auth/users.h"

#define LOGIN_DEVICE_MAX 128
#define LOGIN_DEVICE_NAME_MAX 32
#define LOGIN_LINK_MAX 48
#define LOGIN_LINK_LIFE_US (15 * 60 * 1000000LL)

struct login {
	const char *email;
	const char *password;
	const char *address;	  /* of who asks, text */
	const char *device;	  /* cookie's value, NULL = none */
	const char *session_user; /* id of who is signed in there, or NULL */
};

/** A browser may be known for several accounts: the name for this one, letters
 *  and digits. */
void login_device_name(struct auth *a, const char *email,
		       char dst[LOGIN_DEVICE_NAME_MAX]);
/** What proves later that this user has logged in here. @return 0, -ENOENT */
int login_device_make(struct auth *a, const char *user_id,
		      char dst[LOGIN_DEVICE_MAX]);

/**
 * Unknown user, disabled user and wrong password take the same time and give
 * the same answer.
 *
 * @param ret_retry_s seconds until the budget has room (on -EAGAIN)
 *
 * @return 0; -EACCES; -EAGAIN over budget (the password was not looked at);
 *         db's error
 */
int user_login(struct auth *a, const struct login *l, struct user *ret_user,
	       int64_t *ret_retry_s);

/** For 15 minutes. @return 0, -ENOENT no such user, -EACCES disabled */
int login_link_make(struct auth *a, const char *email, const char *actor,
		    char ret_token[LOGIN_LINK_MAX]);
/** Is it good? Nothing is used up. @return 0, -ENOENT */
int login_link_check(struct auth *a, const char *token);
/** Use it up. The account's failures are forgotten. @return 0, -ENOENT */
int login_link_use(struct auth *a, const char *token, const char *address,
		   struct user *ret_user);

#endif
