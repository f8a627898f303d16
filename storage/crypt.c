#include "storage/crypt.h"

#include <errno.h>
#include <openssl/evp.h>

#include "base/err.h"
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
