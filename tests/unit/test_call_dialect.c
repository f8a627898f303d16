/* Dialects of the recording client: what is printed can be read, and says the
 * same people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/call/dialect.h"
#include "srs/siprec/metadata.h"
#include "srs/siprec/warn.h"

static const char *const names[] = {
	"rfc",	      "avaya",	    "broadworks", "cisco-cube",
	"metaswitch", "netsapiens", "opensips",	  "oracle",
	"sonus",      "webex",	    "jambonz",	  "genesys",
};

static struct metadata *make(void)
{
	struct metadata *md;

	assert_int_equal(metadata_create(&md), 0);
	assert_true(metadata_add_session(md, "s", "2026-01-01T00:00:00Z") >= 0);
	assert_true(metadata_add_participant(md, "p1", "sip:a@x.example",
					     "A & <B>") >= 0);
	assert_true(metadata_add_participant(md, "p2", "sip:b@x.example",
					     NULL) >= 0);
	assert_true(metadata_add_stream(md, "m1", "1", "s") >= 0);
	assert_int_equal(metadata_add_link(md, MD_SEND, "p2", "m1", NULL), 0);
	return md;
}

static void every_dialect_can_be_read_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct call_dialect *d = dialect_find(names[i]);
		struct metadata *md CLEANUP(metadata_destroy) = make();
		struct metadata *back CLEANUP(metadata_destroy) = NULL;
		struct buf text CLEANUP(buf_fini) = { 0 };
		struct warn_list wl = { 0 };

		assert_non_null(d);
		assert_string_equal(d->name, names[i]);
		buf_init(&text, 65536);
		assert_int_equal(dialect_print(d, md, &text), 0);
		assert_int_equal(
			metadata_parse(span_of(buf_str(&text)), &wl, &back), 0);
		assert_int_equal(back->n_participants, 2);
		assert_string_equal(back->participants[0].aors[0],
				    "sip:a@x.example");
		assert_string_equal(back->participants[0].name, "A & <B>");
		assert_int_equal(back->n_streams, 1);
		assert_string_equal(back->streams[0].label, "1");
		assert_true(back->n_links >= 1);
		assert_int_equal(warn_has(&wl, "metadata.repaired"),
				 str_eq(names[i], "oracle"));
	}
}

static void partial_stays_partial(void **state)
{
	struct metadata *md CLEANUP(metadata_destroy) = make();
	struct metadata *back CLEANUP(metadata_destroy) = NULL;
	struct buf text CLEANUP(buf_fini) = { 0 };

	(void)state;
	md->mode = MD_PARTIAL;
	buf_init(&text, 65536);
	assert_int_equal(dialect_print(dialect_find("broadworks"), md, &text),
			 0);
	assert_int_equal(metadata_parse(span_of(buf_str(&text)), NULL, &back),
			 0);
	assert_int_equal(back->mode, MD_PARTIAL);
}

static void labels_follow_the_product(void **state)
{
	char label[24];

	(void)state;
	dialect_label(dialect_find("broadworks"), 1, label, sizeof(label));
	assert_string_equal(label, "20");
	dialect_label(dialect_find("avaya"), 0, label, sizeof(label));
	assert_string_equal(label, "16777227");
	dialect_label(dialect_find(NULL), 1, label, sizeof(label));
	assert_string_equal(label, "2");
}

static void correlation_is_of_the_call(void **state)
{
	static const char id[] = "0123456789abcdef0123456789abcdef";
	char text[1024], small[12];

	(void)state;
	dialect_headers(dialect_find("genesys"), id, text, sizeof(text));
	assert_string_equal(text, "X-Genesys-CallUUID: "
				  "0123456789abcdef0123456789abcdef\r\n");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		dialect_headers(dialect_find(names[i]), id, text, sizeof(text));
		assert_null(strchr(text, '$'));
	}
	dialect_headers(dialect_find("avaya"), id, small, sizeof(small));
	assert_int_equal(strlen(small), sizeof(small) - 1);
}

static void names_are_known(void **state)
{
	char all[256];

	(void)state;
	assert_null(dialect_find("nobody"));
	assert_non_null(dialect_find("CUCM"));
	dialect_names(all, sizeof(all));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_non_null(strstr(all, names[i]));
	assert_non_null(strstr(all, "|cucm|"));
	dialect_names(all, 8);
	assert_true(strlen(all) < 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_dialect_can_be_read_back),
		cmocka_unit_test(partial_stays_partial),
		cmocka_unit_test(labels_follow_the_product),
		cmocka_unit_test(correlation_is_of_the_call),
		cmocka_unit_test(names_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
