/* test_crypt.c - facts about sealed texts of storage/crypt.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "storage/crypt.h"

#define TEXT "what nobody may read"

static void sealed_text_opens_with_its_key_only(void **state)
{
	uint8_t key[CRYPT_KEY_LEN] = { 1, 2, 3 };
	uint8_t a[sizeof(TEXT) + CRYPT_SEAL_MORE], b[sizeof(a)];

	(void)state;
	assert_int_equal(crypt_seal(key, TEXT, sizeof(TEXT), a), 0);
	assert_int_equal(crypt_seal(key, TEXT, sizeof(TEXT), b), 0);
	assert_memory_not_equal(a, b, sizeof(a)); /* never twice the same */
	assert_memory_not_equal(a + CRYPT_SEAL_HEAD, TEXT, 8);
	assert_int_equal(crypt_open(key, a, sizeof(a)), 0);
	assert_memory_equal(a + CRYPT_SEAL_HEAD, TEXT, sizeof(TEXT));
	key[0] ^= 1;
	assert_int_equal(crypt_open(key, b, sizeof(b)), -EBADMSG);
}

static void sealed_text_that_was_changed_stays_shut(void **state)
{
	static const uint8_t key[CRYPT_KEY_LEN];
	uint8_t a[sizeof(TEXT) + CRYPT_SEAL_MORE];

	(void)state;
	for (size_t i = 0; i < sizeof(a); i++) {
		assert_int_equal(crypt_seal(key, TEXT, sizeof(TEXT), a), 0);
		a[i] ^= 0x10;
		assert_int_equal(crypt_open(key, a, sizeof(a)), -EBADMSG);
	}
	for (size_t n = 0; n < sizeof(a); n++) {
		assert_int_equal(crypt_seal(key, TEXT, sizeof(TEXT), a), 0);
		assert_int_equal(crypt_open(key, a, n), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sealed_text_opens_with_its_key_only),
		cmocka_unit_test(sealed_text_that_was_changed_stays_shut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
