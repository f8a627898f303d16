/* storage/crypt.h - hashes and sealed texts, the only door to OpenSSL below
 * auth. */
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

#define CRYPT_KEY_LEN 32
#define CRYPT_SEAL_HEAD 12 /* random, in front of the text */
#define CRYPT_SEAL_TAG 16  /* behind it */
#define CRYPT_SEAL_MORE (CRYPT_SEAL_HEAD + CRYPT_SEAL_TAG)

/** AES-256-GCM of len bytes. The same key may seal 2^32 texts.
 *  @param dst len + CRYPT_SEAL_MORE bytes. @return 0 or -ENOMEM */
int crypt_seal(const uint8_t key[CRYPT_KEY_LEN], const void *text, size_t len,
	       uint8_t *dst);
/** Open in place; the text then lies behind CRYPT_SEAL_HEAD bytes.
 *  @return 0, -EBADMSG another key or changed (data is worth nothing then),
 *          -ENOMEM */
int crypt_open(const uint8_t key[CRYPT_KEY_LEN], uint8_t *data, size_t len);

#endif
