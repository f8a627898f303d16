/* auth/auth.h - what every function of this layer needs: database, clock, key.
 *
 * The key (DATA/keys/token.key, 32 random bytes as hex, mode 0600) is made on
 * first use. Tokens, codes and client secrets are stored as HMAC-SHA256 with
 * it: a stolen database alone is worth nothing, and the key alone neither.
 * Losing it ends every token and client secret.
 *
 * Owner: one per thread, beside its database connection. Any role. All
 * functions of auth/ work in the caller's transaction when there is one and
 * are atomic without; all write their own audit entries (storage/audit.h),
 * with `actor` as given ("operator", "user:ID", "client:ID", "system").
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include <stddef.h>
#include <stdint.h>

#include "base/id.h"

struct clock;
struct db;
struct err;
struct settings;

#define AUTH_KEY_LEN 32
#define AUTH_MAC_LEN 32

struct auth {
	struct db *db;
	struct clock *clock;
	uint8_t key[AUTH_KEY_LEN];
	int64_t access_us;  /* life of an access token */
	int64_t refresh_us; /* idle life of a refresh token */
	int64_t code_us;    /* life of an authorization code */
	int64_t grace_us;   /* repeat of a refresh gives the same successor */
};

/** db and clock are borrowed. The key is made when there is none yet; where db
 *  (NULL: not asked) knows clients or tokens it must be there.
 *  @return 0 or -errno with e set; -ENOKEY the key is gone */
int auth_init(struct auth *a, struct db *db, struct clock *clock,
	      const struct settings *s, struct err *e);
/** The same with a given key and the default lifetimes (tests). */
void auth_init_key(struct auth *a, struct db *db, struct clock *clock,
		   const uint8_t key[AUTH_KEY_LEN]);
/** Wipes the key. */
void auth_fini(struct auth *a);

int64_t auth_now_us(const struct auth *a);

/** HMAC-SHA256 of "label", a zero byte and the data, with the key. */
void auth_mac(const struct auth *a, const char *label, const void *data,
	      size_t len, uint8_t ret_mac[AUTH_MAC_LEN]);
/** The same bound to a third part (length-framed, so parts can't slide). */
void auth_mac2(const struct auth *a, const char *label, const void *data,
	       size_t len, const void *more, size_t more_len,
	       uint8_t ret_mac[AUTH_MAC_LEN]);
/** SHA-256 (PKCE and the like). */
void auth_sha256(const void *data, size_t len, uint8_t ret[32]);

/** Count one change that running calls must look at (revoked, narrowed,
 *  disabled); see grants_live_check(). In the caller's transaction. */
int auth_epoch_bump(struct db *db);

#endif
