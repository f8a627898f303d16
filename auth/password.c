#include "auth/password.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/err.h"

_Static_assert(PASSWORD_HASH_MAX >= crypto_pwhash_STRBYTES, "hash fits");

static void setup(void)
{
	ASSERT(sodium_init() >= 0); /* thread-safe, repeatable */
}

int password_hash(const char *password, char ret_hash[PASSWORD_HASH_MAX])
{
	size_t len = strlen(password);

	if (len < PASSWORD_MIN || len > PASSWORD_MAX)
		return -EINVAL;
	setup();
	if (crypto_pwhash_str(ret_hash, password, len,
			      crypto_pwhash_OPSLIMIT_INTERACTIVE,
			      crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
		return -ENOMEM;
	return 0;
}

bool password_verify(const char *hash, const char *password)
{
	/* of a password that was thrown away; same cost as a real one */
	static const char nobody[] =
		"$argon2id$v=19$m=65536,t=2,p=1$"
		"c29tZXRoaW5nc29tZXRoaQ$"
		"MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI";
	size_t len = strlen(password);
	bool known = hash && hash[0];

	setup();
	if (len > PASSWORD_MAX)
		len = 0; /* never stored; keep the time bounded */
	return crypto_pwhash_str_verify(known ? hash : nobody, password, len) ==
		       0 &&
	       known && len > 0;
}
