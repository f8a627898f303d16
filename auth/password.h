/* auth/password.h - password hashes (argon2id, libsodium). Pure, any thread.
 *
 * 64 MiB and two passes (libsodium's "interactive"): about 0.1 s of one core.
 */
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include <stdbool.h>

#define PASSWORD_HASH_MAX 128
#define PASSWORD_MIN 8
#define PASSWORD_MAX 512

/** @return 0; -EINVAL shorter or longer than allowed; -ENOMEM */
int password_hash(const char *password, char ret_hash[PASSWORD_HASH_MAX]);

/** @param hash NULL or "": takes as long as a wrong one and says no */
bool password_verify(const char *hash, const char *password);

#endif
