#include "storage/crypt.h"

#include <errno.h>
#include <openssl/evp.h>

#include "base/err.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"

struct crypt_sha256 {
	EVP_MD_CTX *ctx;
};

int crypt_sha256_create(struct crypt_sha256 **ret_h)
{
	struct crypt_sha256 *h CLEANUP(crypt_sha256_destroy) = NULL;

	h = mem_zalloc(sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->ctx = EVP_MD_CTX_new();
	if (!h->ctx || EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	*ret_h = STEAL(h);
	return 0;
}

void crypt_sha256_add(struct crypt_sha256 *h, const void *p, size_t len)
{
	ASSERT(EVP_DigestUpdate(h->ctx, p, len) == 1);
}

void crypt_sha256_finish(struct crypt_sha256 *h,
			 uint8_t ret_hash[CRYPT_SHA256_LEN])
{
	ASSERT(EVP_DigestFinal_ex(h->ctx, ret_hash, NULL) == 1);
}

void crypt_sha256_destroy(struct crypt_sha256 **hp)
{
	struct crypt_sha256 *h = *hp;

	if (!h)
		return;
	*hp = NULL;
	EVP_MD_CTX_free(h->ctx);
	mem_free(h);
}

int crypt_sha256_hex(const void *p, size_t len, char ret_hex[CRYPT_SHA256_HEX])
{
	uint8_t hash[CRYPT_SHA256_LEN];

	if (EVP_Digest(p, len, hash, NULL, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	str_hex(ret_hex, hash, sizeof(hash));
	return 0;
}

/* ---- sealed texts ---- */

static void free_ctx(EVP_CIPHER_CTX **cp)
{
	EVP_CIPHER_CTX_free(*cp);
}

int crypt_seal(const uint8_t key[CRYPT_KEY_LEN], const void *text, size_t len,
	       uint8_t *dst)
{
	EVP_CIPHER_CTX *c CLEANUP(free_ctx) = EVP_CIPHER_CTX_new();
	uint8_t *at = dst + CRYPT_SEAL_HEAD;
	int n;

	if (!c || len > INT32_MAX)
		return -ENOMEM;
	id_random(dst, CRYPT_SEAL_HEAD);
	if (EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, dst) != 1 ||
	    EVP_EncryptUpdate(c, at, &n, text, (int)len) != 1 ||
	    EVP_EncryptFinal_ex(c, at + n, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, CRYPT_SEAL_TAG,
				at + len) != 1)
		return -ENOMEM;
	return 0;
}

int crypt_open(const uint8_t key[CRYPT_KEY_LEN], uint8_t *data, size_t len)
{
	EVP_CIPHER_CTX *c CLEANUP(free_ctx) = EVP_CIPHER_CTX_new();
	uint8_t *at = data + CRYPT_SEAL_HEAD;
	int n;

	if (!c)
		return -ENOMEM;
	if (len < CRYPT_SEAL_MORE || len > INT32_MAX)
		return -EBADMSG;
	len -= CRYPT_SEAL_MORE;
	if (EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, data) != 1 ||
	    EVP_DecryptUpdate(c, at, &n, at, (int)len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, CRYPT_SEAL_TAG,
				at + len) != 1 ||
	    EVP_DecryptFinal_ex(c, at + n, &n) != 1)
		return -EBADMSG;
	return 0;
}
