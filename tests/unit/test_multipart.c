/* The shapes of INTEROP's multipart bodies, as a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "srs/siprec/body.h"
#include "srs/siprec/warn.h"

#define SDP_TEXT "v=0\r\no=x 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"
#define XML_TEXT                                                               \
	"<?xml version='1.0'?><recording "                                     \
	"xmlns='urn:ietf:params:xml:ns:recording:1'></recording>"

static const struct {
	const char *name;
	const char *type;
	const char *body;
	unsigned n_parts;
	bool sdp, metadata;
	const char *warning; /* NULL = none at all */
} shapes[] = {
	{ "plain SDP", "application/sdp", SDP_TEXT, 1, true, false, NULL },
	{ "plain metadata", "application/rs-metadata", XML_TEXT, 1, false, true,
	  NULL },
	{ "metadata+xml", "application/rs-metadata+xml;charset=utf-8", XML_TEXT,
	  1, false, true, NULL },
	{ "no type, sniffed", "", SDP_TEXT, 1, true, false,
	  "body.type_mismatch" },
	{ "empty body", "application/sdp", "", 0, false, false, NULL },
	{ "blanks only", "application/sdp", "\r\n\r\n", 0, false, false, NULL },
	{ "as in the RFC", "multipart/mixed;boundary=foobar",
	  "--foobar\r\nContent-Type: application/sdp\r\n\r\n" SDP_TEXT
	  "\r\n--foobar\r\nContent-Type: application/rs-metadata\r\n"
	  "Content-Disposition: recording-session\r\n\r\n" XML_TEXT
	  "\r\n--foobar--\r\n",
	  2, true, true, NULL },
	{ "quoted boundary, metadata first",
	  "multipart/mixed; boundary=\"a b;c\"",
	  "--a b;c\r\nContent-Type: application/rs-metadata\r\n\r\n" XML_TEXT
	  "\r\n--a b;c\r\nContent-Type:application/sdp\r\n\r\n" SDP_TEXT
	  "\r\n--a b;c--",
	  2, true, true, NULL },
	{ "space before boundary, blank lines first, blanks behind",
	  "multipart/mixed; boundary = unique-boundary-1",
	  "\r\n\r\n--unique-boundary-1  \r\nContent-Type: application/sdp"
	  "\r\n\r\n" SDP_TEXT "\r\n--unique-boundary-1\t\r\nContent-Type: "
	  "application/rs-metadata+xml\r\n\r\n" XML_TEXT
	  "\r\n--unique-boundary-1-- \r\n",
	  2, true, true, NULL },
	{ "no closing boundary", "multipart/mixed;boundary=b",
	  "--b\r\nContent-Type: application/sdp\r\n\r\n" SDP_TEXT
	  "\r\n--b\r\nContent-Type: application/rs-metadata\r\n\r\n" XML_TEXT,
	  2, true, true, "body.no_closing_boundary" },
	{ "LF only", "multipart/mixed;boundary=b",
	  "--b\nContent-Type: application/sdp\n\nv=0\ns=-\n"
	  "--b\nContent-Type: application/rs-metadata\n\n" XML_TEXT "\n--b--\n",
	  2, true, true, NULL },
	{ "mixed line ends, folded header", "multipart/mixed;boundary=b",
	  "--b\r\nContent-Type:\r\n application/sdp\nContent-Length: 9999\r\n"
	  "\n" SDP_TEXT
	  "--b\nContent-Type: application/rs-metadata\r\n\r\n" XML_TEXT
	  "\r\n--b--",
	  2, true, true, NULL },
	{ "extra part kept", "multipart/mixed;boundary=b",
	  "--b\r\nContent-Type: application/sdp\r\n\r\n" SDP_TEXT
	  "\r\n--b\r\nContent-Type: application/gtd\r\nContent-Disposition: "
	  "signal;handling=optional\r\n\r\nCPN,2,,1\r\n--b\r\nContent-Type: "
	  "application/rs-metadata\r\n\r\n" XML_TEXT "\r\n--b--\r\n",
	  3, true, true, NULL },
	{ "boundary that is not there", "multipart/mixed;boundary=wrong",
	  "--right\r\nContent-Type: application/sdp\r\n\r\n" SDP_TEXT
	  "\r\n--right--",
	  1, true, false, "body.boundary_guessed" },
	{ "no boundary parameter", "multipart/mixed",
	  "--right\r\nContent-Type: application/sdp\r\n\r\n" SDP_TEXT
	  "\r\n--right--",
	  1, true, false, "body.boundary_guessed" },
	{ "multipart by type only", "multipart/mixed;boundary=b", SDP_TEXT, 1,
	  true, false, "body.not_multipart" },
	{ "multipart by content only", "application/sdp",
	  "--x\r\nContent-Type: application/sdp\r\n\r\n" SDP_TEXT "\r\n--x--",
	  1, true, false, "body.type_mismatch" },
	{ "part without headers", "multipart/mixed;boundary=b",
	  "--b\r\n" SDP_TEXT "\r\n--b\r\n\r\n" XML_TEXT "\r\n--b--", 2, true,
	  true, "body.type_mismatch" },
	{ "swapped types", "multipart/mixed;boundary=b",
	  "--b\r\nContent-Type: application/rs-metadata\r\n\r\n" SDP_TEXT
	  "\r\n--b\r\nContent-Type: application/sdp\r\n\r\n" XML_TEXT
	  "\r\n--b--",
	  2, true, true, "body.type_mismatch" },
	{ "compact header, nested", "Multipart/Mixed;boundary=o",
	  "--o\r\nc: multipart/related;boundary=i\r\n\r\n--i\r\nc: "
	  "application/sdp\r\n\r\n" SDP_TEXT
	  "\r\n--i\r\nContent-Type: text/xml\r\n\r\n" XML_TEXT
	  "\r\n--i--\r\n--o--\r\n",
	  2, true, true, "body.type_mismatch" },
	{ "boundary inside of a longer word", "multipart/mixed;boundary=b",
	  "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\ns=-\r\n--bc\r\n"
	  "a=x\r\n--b--",
	  1, true, false, NULL },
	{ "two SDP parts", "multipart/mixed;boundary=b",
	  "--b\r\nContent-Type: application/sdp\r\n\r\n" SDP_TEXT
	  "\r\n--b\r\nContent-Type: application/sdp\r\n\r\n" SDP_TEXT
	  "\r\n--b--",
	  2, true, false, "body.repeated_part" },
	{ "only delimiters", "multipart/mixed;boundary=b", "--b\r\n--b--", 0,
	  false, false, NULL },
	{ "unknown stays unknown", "application/isup", "\x01\x02", 1, false,
	  false, NULL },
};

static void every_shape_is_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct warn_list wl = { 0 };
		struct body b;

		print_message("%s\n", shapes[i].name);
		body_read(span_of(shapes[i].type), span_of(shapes[i].body), &wl,
			  &b);
		assert_int_equal(b.all.n, shapes[i].n_parts);
		assert_int_equal(b.has_sdp, shapes[i].sdp);
		assert_int_equal(b.has_metadata, shapes[i].metadata);
		if (b.has_sdp)
			assert_true(span_starts(b.sdp, "v=0"));
		if (b.has_metadata)
			assert_true(span_eq(span_trim(b.metadata), XML_TEXT));
		if (shapes[i].warning)
			assert_true(warn_has(&wl, shapes[i].warning));
		else
			assert_int_equal(wl.n, 0);
	}
}

static void a_part_shows_its_headers(void **state)
{
	const char *body = "--b\r\nContent-Type: application/gtd;x=\"1;2\"\r\n"
			   "Content-Disposition:signal;handling=optional"
			   "\r\n\r\nGTD\r\n--b--";
	struct multipart mp;
	struct span v;

	(void)state;
	multipart_split(SPAN("multipart/mixed;boundary=b"), span_of(body), NULL,
			&mp);
	assert_int_equal(mp.n, 1);
	assert_true(multipart_param(mp.parts[0].type, "X", &v));
	assert_true(span_eq(v, "1;2"));
	assert_true(multipart_param(mp.parts[0].disposition, "handling", &v));
	assert_true(span_eq(v, "optional"));
	assert_false(multipart_param(mp.parts[0].type, "boundary", &v));
	assert_true(span_eq(mp.parts[0].body, "GTD"));
}

static void too_many_parts_are_bounded(void **state)
{
	static char body[64 * 1024];
	struct warn_list wl = { 0 };
	struct multipart mp;
	size_t len = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		memcpy(body + len, "--b\r\nX: y\r\n\r\nz\r\n", 16);
		len += 16;
	}
	multipart_split(SPAN("multipart/mixed;boundary=b"),
			(struct span){ body, len }, &wl, &mp);
	assert_int_equal(mp.n, MULTIPART_PARTS_MAX);
	assert_true(warn_has(&wl, "body.too_many_parts"));
}

static void a_metadata_request_is_seen(void **state)
{
	struct body b;

	(void)state;
	body_read(SPAN("application/rs-metadata-request"), SPAN("SRS MetaData"),
		  NULL, &b);
	assert_true(b.has_metadata_request);
	assert_false(b.has_metadata);
}

static void warnings_are_bounded_and_unique(void **state)
{
	struct warn_list wl = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++)
		warn_add(&wl, "a.b", WARN_INFO, "%d", i);
	assert_int_equal(wl.n, WARN_MAX);
	assert_int_equal(wl.dropped, 100 - WARN_MAX);
	wl = (struct warn_list){ 0 };
	warn_add(&wl, "a.b", WARN_ERROR, "x\x01\xff");
	warn_add(&wl, "a.b", WARN_ERROR, "x\x01\xff");
	assert_int_equal(wl.n, 1);
	assert_string_equal(wl.items[0].detail, "x??");
	assert_string_equal(warn_severity_name(WARN_ERROR), "error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_shape_is_split),
		cmocka_unit_test(a_part_shows_its_headers),
		cmocka_unit_test(too_many_parts_are_bounded),
		cmocka_unit_test(a_metadata_request_is_seen),
		cmocka_unit_test(warnings_are_bounded_and_unique),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
