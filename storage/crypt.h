/* storage/crypt.h - hashes, the only door to OpenSSL below auth. */
#ifndef STORAGE_CRYPT_H
#define STORAGE_CRYPT_H

#include <stddef.h>
#include <stdint.h>

#define CRYPT_SHA256_LEN 32
#define CRYPT_SHA256_HEX (2 * CRYPT_SHA256_LEN + 1)

struct crypt_sha256; /* a hash in the making */

/** @return 0 or -ENOMEM */
int crypt_sha256_create(struct crypt_sha256 **ret_h);
void crypt_sha256_add(struct crypt_sha256 *h, const void *p, size_t len);
/** Finish; only destroy may follow. */
void crypt_sha256_finish(struct crypt_sha256 *h,
			 uint8_t ret_hash[CRYPT_SHA256_LEN]);
void crypt_sha256_destroy(struct crypt_sha256 **hp);

/** SHA-256 of p as lower-case hex. @return 0 or -ENOMEM */
int crypt_sha256_hex(const void *p, size_t len, char ret_hex[CRYPT_SHA256_HEX]);

#endif
