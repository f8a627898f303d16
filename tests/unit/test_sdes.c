/* test_sdes.c - facts about srs/siprec/sdes.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "srs/siprec/sdes.h"

/* 30, 28 and 44 bytes */
#define K30 "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
#define L30 "YUJDZGVmZ2hpSktMbW9QUXJzVHVWd3l6MTIzNDU2"
#define K28 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw=="
#define K44 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis="
#define CM80 "1 AES_CM_128_HMAC_SHA1_80 "

static const struct {
	const char *text;
	int result;
	unsigned suite, flags, n_keys, mki_len;
	uint64_t mki; /* of the last key */
} lines[] = {
	{ CM80 "inline:" K30, 0, SRTP_AES128_SHA1_80, 0, 1, 0, 0 },
	{ "  7\taes_cm_128_hmac_sha1_32  INLINE:" K30 "|2^20|1:4 ", 0,
	  SRTP_AES128_SHA1_32, 0, 1, 4, 1 },
	{ CM80 "inline:" K30 "|1066:4", 0, 1, 0, 1, 4, 1066 },
	{ CM80 "inline:" K30 "|2^48", 0, 1, 0, 1, 0, 0 },
	{ CM80 "inline:" K30 "|1048576", 0, 1, 0, 1, 0, 0 },
	{ CM80 "inline:" K30 "|2^20|1:4;inline:" L30 "|2^20|2:4", 0, 1, 0, 2, 4,
	  2 },
	{ "2 AEAD_AES_128_GCM inline:" K28, 0, SRTP_AES128_GCM, 0, 1, 0, 0 },
	{ "3 AEAD_AES_256_GCM inline:" K44 "|18446744073709551615:128", 0,
	  SRTP_AES256_GCM, 0, 1, 128, UINT64_MAX },
	{ CM80 "inline:" K30 " UNENCRYPTED_SRTP UNENCRYPTED_SRTCP "
	       "UNAUTHENTICATED_SRTP WSH=128 -X-NEW=1 FEC_ORDER=FEC_SRTP",
	  0, 1, 7, 1, 0, 0 },
	/* not ours */
	{ CM80 "inline:" K30 " KDR=1", -ENOTSUP, 0, 0, 0, 0, 0 },
	{ CM80 "inline:" K30 " FEC_ORDER=SRTP_FEC", -ENOTSUP, 0, 0, 0, 0, 0 },
	{ CM80 "inline:" K30 " FEC_KEY=inline:" L30, -ENOTSUP, 0, 0, 0, 0, 0 },
	{ CM80 "inline:" K30 " NEW_THING", -ENOTSUP, 0, 0, 0, 0, 0 },
	{ CM80 "url:http", -ENOTSUP, 0, 0, 0, 0, 0 },
	{ "1 F8_128_HMAC_SHA1_80 inline:" K30, -ENOTSUP, 0, 0, 0, 0, 0 },
	{ "1 AEAD_AES_128_GCM inline:" K28 " UNENCRYPTED_SRTP", -ENOTSUP, 0, 0,
	  0, 0, 0 },
	{ CM80 "inline:" K30 "|99999999999999999999:16", -ENOTSUP, 0, 0, 0, 0,
	  0 },
	{ CM80 "inline:" K30 "|1:1;inline:" K30 "|2:1;inline:" K30
	       "|3:1;inline:" K30 "|4:1;inline:" K30 "|5:1",
	  -ENOTSUP, 0, 0, 0, 0, 0 },
	/* against the rules */
	{ "", -EBADMSG, 0, 0, 0, 0, 0 },
	{ "1", -EBADMSG, 0, 0, 0, 0, 0 },
	{ "x AES_CM_128_HMAC_SHA1_80 inline:" K30, -EBADMSG, 0, 0, 0, 0, 0 },
	{ "1234567890 AES_CM_128_HMAC_SHA1_80 inline:" K30, -EBADMSG, 0, 0, 0,
	  0, 0 },
	{ CM80, -EBADMSG, 0, 0, 0, 0, 0 },
	{ CM80 "inline:", -EBADMSG, 0, 0, 0, 0, 0 },
	{ CM80 "inline:" K28, -EBADMSG, 0, 0, 0, 0, 0 },
	{ "1 AEAD_AES_128_GCM inline:" K30, -EBADMSG, 0, 0, 0, 0, 0 },
	{ CM80 "inline:" K30 "A", -EBADMSG, 0, 0, 0, 0, 0 },
	{ CM80 "inline:!!" K30, -EBADMSG, 0, 0, 0, 0, 0 },
	{ CM80 K30, -EBADMSG, 0, 0, 0, 0, 0 },
	{ CM80 "inline:" K30 "|0", -EBADMSG, 0, 0, 0, 0, 0 },
	{ CM80 "inline:" K30 "|2^49", -EBADMSG, 0, 0, 0, 0, 0 },
	{ CM80 "inline:" K30 "|020", -EBADMSG, 0, 0, 0, 0, 0 },
	{ CM80 "inline:" K30 "|1:4|2^20", -EBADMSG, 0, 0, 0, 0, 0 },
	{ CM80 "inline:" K30 "|2^20|2^20", -EBADMSG, 0, 0, 0, 0, 0 },
	{ CM80 "inline:" K30 "|1:0", -EBADMSG, 0, 0, 0, 0, 0 },
	{ CM80 "inline:" K30 "|1:129", -EBADMSG, 0, 0, 0, 0, 0 },
	{ CM80 "inline:" K30 "|256:1", -EBADMSG, 0, 0, 0, 0, 0 },
	{ CM80 "inline:" K30 "|:4", -EBADMSG, 0, 0, 0, 0, 0 },
	{ CM80 "inline:" K30 ";inline:" L30, -EBADMSG, 0, 0, 0, 0, 0 },
	{ CM80 "inline:" K30 "|1:4;inline:" L30, -EBADMSG, 0, 0, 0, 0, 0 },
	{ CM80 "inline:" K30 "|1:4;inline:" L30 "|2:2", -EBADMSG, 0, 0, 0, 0,
	  0 },
	{ CM80 "inline:" K30 "|1:4;inline:" L30 "|1:4", -EBADMSG, 0, 0, 0, 0,
	  0 },
	{ CM80 "inline:" K30 " WSH=63", -EBADMSG, 0, 0, 0, 0, 0 },
};

static void crypto_lines_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct sdes s;
		int r = sdes_read(span_of(lines[i].text), &s);

		if (r != lines[i].result)
			fail_msg("%s: %d", lines[i].text, r);
		assert_int_equal(s.params.suite, lines[i].suite);
		assert_int_equal(s.params.flags, lines[i].flags);
		assert_int_equal(s.params.n_keys, lines[i].n_keys);
		assert_int_equal(s.params.mki_len, lines[i].mki_len);
		if (r == 0)
			assert_int_equal(s.params.keys[s.params.n_keys - 1].mki,
					 lines[i].mki);
	}
}

static void printed_line_reads_back(void **state)
{
	static const char *const texts[] = {
		CM80 "inline:" K30,
		"12 AES_CM_128_HMAC_SHA1_32 inline:" K30
		"|7:2 UNENCRYPTED_SRTP UNAUTHENTICATED_SRTP",
		"2 AEAD_AES_128_GCM inline:" K28,
		"999999999 AEAD_AES_256_GCM inline:" K44,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct buf b CLEANUP(buf_fini) = { 0 };
		struct sdes s;

		buf_init(&b, 1024);
		assert_int_equal(sdes_read(span_of(texts[i]), &s), 0);
		assert_int_equal(sdes_print(&b, s.tag, &s.params), 0);
		assert_memory_equal(buf_str(&b), "a=crypto:", 9);
		assert_memory_equal(buf_str(&b) + 9, texts[i],
				    strlen(texts[i]));
		assert_string_equal(buf_str(&b) + 9 + strlen(texts[i]), "\r\n");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crypto_lines_as_the_table_says),
		cmocka_unit_test(printed_line_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
