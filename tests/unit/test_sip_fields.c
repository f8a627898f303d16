#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "srs/sip/fields.h"
#include "srs/sip/json_text.h"
#include "srs/sip/redact.h"

static const char message[] = "INVITE sip:srs@192.0.2.1 SIP/2.0\r\n"
			      "Via: SIP/2.0/UDP 192.0.2.9\r\n"
			      "f:\"A; tag=no\" <sip:a@b;x=y>;tag=yes\r\n"
			      "SUPPORTED: timer , 100rel;x=1\r\n"
			      "k: siprec\r\n"
			      "Supported:\r\n"
			      "X-Fold: one\r\n\ttwo\r\n three\r\n"
			      "no colon here\r\n"
			      ": no name\r\n"
			      "Contact: sip:x@y; +sip.src\r\n"
			      "\r\n"
			      "Body: not a header\r\n";

struct parsed {
	struct sip_field f[SIP_FIELDS_MAX];
	struct sip_fields s;
};

static void parse(struct parsed *p, const char *text)
{
	p->s.f = p->f;
	p->s.n = sip_fields_parse(span_of(text), p->f);
}

static void fields_finds_names_in_any_case_and_compact(void **state)
{
	struct parsed p;
	struct span v;

	(void)state;
	parse(&p, message);
	assert_true(sip_fields_get(&p.s, "from", 0, &v));
	assert_true(span_starts(v, "\"A; tag=no\""));
	assert_true(sip_fields_get(&p.s, "VIA", 0, &v));
	assert_true(span_eq(v, "SIP/2.0/UDP 192.0.2.9"));
	assert_false(sip_fields_get(&p.s, "Body", 0, &v));
	assert_false(sip_fields_get(&p.s, "Via", 1, &v));
}

static void fields_lists_over_several_lines(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, message);
	assert_true(sip_fields_lists(&p.s, "Supported", "TIMER"));
	assert_true(sip_fields_lists(&p.s, "Supported", "100rel"));
	assert_true(sip_fields_lists(&p.s, "Supported", "siprec"));
	assert_false(sip_fields_lists(&p.s, "Supported", "sip"));
	assert_false(sip_fields_lists(&p.s, "Require", "timer"));
}

static void fields_keeps_folded_lines_together(void **state)
{
	struct parsed p;
	struct span v;

	(void)state;
	parse(&p, message);
	assert_true(sip_fields_get(&p.s, "x-fold", 0, &v));
	assert_true(span_eq(v, "one\r\n\ttwo\r\n three"));
}

static void fields_stops_at_its_limit(void **state)
{
	struct parsed p;
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	buf_puts(&b, "X y z\r\n");
	for (unsigned i = 0; i < 300; i++)
		buf_puts(&b, "A: b\r\n");
	parse(&p, buf_str(&b));
	assert_int_equal(p.s.n, SIP_FIELDS_MAX);
	buf_fini(&b);
}

static void fields_takes_line_feeds_only_and_nothing(void **state)
{
	struct parsed p;
	struct span v;

	(void)state;
	parse(&p, "X\nA: b\nC:\n\nD: e\n");
	assert_int_equal(p.s.n, 2);
	assert_true(sip_fields_get(&p.s, "C", 0, &v));
	assert_int_equal(v.len, 0);
	parse(&p, "");
	assert_int_equal(p.s.n, 0);
	parse(&p, "just a line");
	assert_int_equal(p.s.n, 0);
}

static void param_is_found_outside_quotes(void **state)
{
	static const struct {
		const char *value, *name, *want; /* NULL: not there */
	} cases[] = {
		{ "1800;refresher=uac", "refresher", "uac" },
		{ "1800 ; Refresher = uas", "refresher", "uas" },
		{ "\"a;tag=no\" <sip:a@b;tag=in>;tag=out", "tag", "out" },
		{ "<sip:a@b;tag=in>", "tag", "in" },
		{ "<sip:x@y>; +sip.src", "+sip.src", "" },
		{ "<sip:x@y;+sip.src>", "+sip.src", "" },
		{ "sip:x@y;+sip.src", "+sip.src", "" },
		{ "sip:x@y;+sip.srcs", "+sip.src", NULL },
		{ "<sip:x@y>;src", "src", "" },
		{ "a;b=\"c;d\"", "b", "c;d" },
		{ "a;b=\"c;d\"", "d", NULL },
		{ "", "a", NULL },
		{ ";", "", "" },
		{ "\"\\\";x=1\"", "x", NULL },
	};
	struct span v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool got = sip_param_get(span_of(cases[i].value), cases[i].name,
					 &v);

		assert_int_equal(got, cases[i].want != NULL);
		if (got)
			assert_true(span_eq(v, cases[i].want));
	}
}

static void leading_number_is_bounded(void **state)
{
	uint32_t n = 7;

	(void)state;
	assert_int_equal(sip_leading_u32(SPAN(" 90;x=y"), &n), 0);
	assert_int_equal(n, 90);
	assert_int_equal(sip_leading_u32(SPAN("4294967295"), &n), 0);
	assert_true(sip_leading_u32(SPAN("4294967296"), &n) < 0);
	assert_true(sip_leading_u32(SPAN("x"), &n) < 0);
	assert_true(sip_leading_u32(SPAN("-1"), &n) < 0);
}

/* ---- redaction ---- */

static void check_redact(const char *in, const char *want)
{
	struct buf b;

	buf_init(&b, 10000);
	assert_int_equal(sip_redact(span_of(in), &b), 0);
	assert_string_equal(buf_str(&b), want);
	buf_fini(&b);
}

static void redact_removes_credentials(void **state)
{
	(void)state;
	check_redact("INVITE x SIP/2.0\r\nAuthorization: Bearer abc.def\r\n"
		     "X: y\r\n\r\nbody",
		     "INVITE x SIP/2.0\r\nAuthorization: Bearer [removed]\r\n"
		     "X: y\r\n\r\nbody");
	check_redact("A\r\nAUTHORIZATION:abc\r\n\r\n",
		     "A\r\nAUTHORIZATION: [removed]\r\n\r\n");
	check_redact("A\r\nAuthorization: srs_at_x y\r\n\r\n",
		     "A\r\nAuthorization: [removed]\r\n\r\n");
	check_redact("A\r\nproxy-authorization: Digest u=\"a\",\r\n p=\"b\"\r\n"
		     "X: y\r\n\r\n",
		     "A\r\nproxy-authorization: Digest [removed]\r\n"
		     "X: y\r\n\r\n");
}

/* What the stack takes for the end of a line is one here, too. */
static void redact_finds_credentials_behind_odd_breaks(void **state)
{
	static const char nul[] = "A\r\nX: y\0Authorization: Bearer z\r\n\r\n";
	struct buf b;

	(void)state;
	check_redact("A\r\nX: y\rAuthorization: Bearer z\r\n\r\n",
		     "A\r\nX: y\rAuthorization: Bearer [removed]\r\n\r\n");
	check_redact("A\nX: y\nAuthorization: Bearer z\n\n",
		     "A\nX: y\nAuthorization: Bearer [removed]\n\n");
	/* no header continues the start line */
	check_redact("A\r\n Authorization: Bearer z\r\n\r\n",
		     "A\r\n Authorization: Bearer [removed]\r\n\r\n");
	check_redact("\r\n\r\nA\r\n\tAuthorization: Bearer z\r\n\r\n",
		     "\r\n\r\nA\r\n\tAuthorization: Bearer [removed]\r\n\r\n");
	buf_init(&b, 1000);
	assert_int_equal(sip_redact((struct span){ nul, sizeof(nul) - 1 }, &b),
			 0);
	assert_null(memmem(b.data, b.len, "Bearer z", 8));
	buf_fini(&b);
}

/* Tokens of other issuers have no prefix; "Bearer" is their mark. */
static void redact_removes_what_bearer_announces(void **state)
{
#define JWT "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.sig_-"
	(void)state;
	check_redact(
		"A\r\nRefer-To: <sip:x@h?Authorization=Bearer%20" JWT
		"&a=b>\r\n"
		"X-Auth: bearer \t" JWT ", x\r\nX: BEARER\r\n " JWT "\r\n\r\n"
		"a=b&Authorization=Bearer+" JWT,
		"A\r\nRefer-To: <sip:x@h?Authorization=Bearer%20[removed]&a=b>"
		"\r\nX-Auth: bearer \t[removed], x\r\nX: BEARER\r\n [removed]"
		"\r\n\r\na=b&Authorization=Bearer+[removed]");
	check_redact("A\r\nWWW-Authenticate: Bearer realm=\"x\", a=b\r\n"
		     "S: Bearer of bad news; Bearer" JWT "\r\n\r\nBearer ",
		     "A\r\nWWW-Authenticate: Bearer realm=\"x\", a=b\r\n"
		     "S: Bearer of bad news; Bearer" JWT "\r\n\r\nBearer ");
	check_redact("B", "B");
}

static void redact_removes_tokens_anywhere(void **state)
{
	(void)state;
	check_redact("A srs_at_x SIP/2.0\r\nX: srs_rt_a.B-_~+/= z\r\n\r\n"
		     "{\"t\":\"srs_cs_q.w\"} srs_at_",
		     "A [removed] SIP/2.0\r\nX: [removed] z\r\n\r\n"
		     "{\"t\":\"[removed]\"} [removed]");
}

static void redact_removes_srtp_keys(void **state)
{
	(void)state;
	check_redact("A\r\n\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 "
		     "inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20\r\n"
		     "a=x\r\n",
		     "A\r\n\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 "
		     "inline:[removed]|2^20\r\na=x\r\n");
	check_redact(
		"INVITE sip:a@b SIP/2.0\r\n\r\na=crypto:1 X INLINE:d0RmdmcmVCsp"
		"|1:4;inline: \tYUJDZGVm KDR=1\r\ninline:",
		"INVITE sip:a@b SIP/2.0\r\n\r\na=crypto:1 X INLINE:"
		"[removed]|1:4;inline: \t[removed] KDR=1\r\ninline:"
		"[removed]");
}

static void redact_keeps_everything_else(void **state)
{
	(void)state;
	check_redact(message, message);
	check_redact("", "");
	check_redact("s", "s");
	check_redact("INFO\nX: srs_a\n\nsrs", "INFO\nX: srs_a\n\nsrs");
}

static void json_text_is_always_utf8(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	buf_putc(&b, '{');
	json_text_pair(&b, "a", "x\r\n\"\xc3\xa4\"");
	json_text_pair(&b, "b", "x\xff\r\n\xc3\xa4z");
	json_text_pair(&b, "c", NULL);
	assert_string_equal(buf_str(&b), "{\"a\":\"x\\r\\n\\\"\xc3\xa4\\\"\","
					 "\"b\":\"x?\\r\\n??z\",\"c\":\"\"");
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_finds_names_in_any_case_and_compact),
		cmocka_unit_test(fields_lists_over_several_lines),
		cmocka_unit_test(fields_keeps_folded_lines_together),
		cmocka_unit_test(fields_stops_at_its_limit),
		cmocka_unit_test(fields_takes_line_feeds_only_and_nothing),
		cmocka_unit_test(param_is_found_outside_quotes),
		cmocka_unit_test(leading_number_is_bounded),
		cmocka_unit_test(redact_removes_credentials),
		cmocka_unit_test(redact_removes_tokens_anywhere),
		cmocka_unit_test(redact_removes_what_bearer_announces),
		cmocka_unit_test(redact_finds_credentials_behind_odd_breaks),
		cmocka_unit_test(redact_removes_srtp_keys),
		cmocka_unit_test(redact_keeps_everything_else),
		cmocka_unit_test(json_text_is_always_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
