/* Allowing less than what was asked for: any numbers can be shown and sent. */
#include "web/consent_limits.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/conditions.h"
#include "base/buf.h"
#include "base/mem.h"
#include "web/form.h"

#define NOW INT64_C(1781092800000000) /* 2026-06-10T12:00:00Z */

static struct conditions *ask(const char *more)
{
	struct conditions *c = NULL;
	char text[512];

	(void)snprintf(text, sizeof(text),
		       "{\"type\":\"call_recording\",\"actions\":[\"record\"],"
		       "\"owner\":{\"aor\":[\"sip:alice@voip.example\"]},"
		       "\"conditions\":{}%s}",
		       more);
	assert_int_equal(conditions_parse(text, strlen(text), &c, NULL), 0);
	return c;
}

/* What comes of these fields; NULL and the field that is wrong. */
static struct conditions *read_form(const struct conditions *asked,
				    const char *body, const char *bad)
{
	struct consent_fault fault;
	struct conditions *c = NULL;
	struct form f = { 0 };
	char *text = NULL;
	int r;

	assert_int_equal(form_parse(&f, span_of(body), NULL, 0), 0);
	r = consent_limits_read(asked, &f, NOW, &text, &fault);
	form_fini(&f);
	if (bad) {
		assert_int_equal(r, -EINVAL);
		assert_string_equal(fault.field, bad);
		assert_true(fault.words[0] != '\0');
		return NULL;
	}
	assert_string_equal(fault.words, "");
	assert_int_equal(r, 0);
	assert_int_equal(conditions_parse(text, strlen(text), &c, NULL), 0);
	assert_int_equal(conditions_wider(asked, c, NULL, 0), 0);
	mem_free(text);
	return c;
}

static void the_page_sends_back_what_it_showed(void **state)
{
	static const struct {
		const char *asked, *shown, *body;
		int64_t bytes;
	} table[] = {
		{ "1", "value=\"0.000000001\"", "storage_gb=0.000000001", 1 },
		{ "500000000", "value=\"0.5\"", "storage_gb=0.5", 500000000 },
		{ "1000000000", "value=\"1\"", "storage_gb=1", 1000000000 },
		{ "53687091200", "value=\"53.6870912\"",
		  "storage_gb=53.6870912", 53687091200 },
		{ "2000000000000001", "value=\"2000000.000000001\"",
		  "storage_gb=2000000.000000001", 2000000000000001 },
		{ "9223372036854775807", "value=\"9223372036.854775807\"",
		  "storage_gb=9223372036.854775807", INT64_MAX },
		{ "53687091200", "", "storage_gb=", 53687091200 },
		{ "53687091200", "", "storage_gb=%20.25+", 250000000 },
		{ "53687091200", "", "storage_gb=20", 20000000000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct conditions *asked, *got;
		char more[128];
		struct buf b;

		(void)snprintf(more, sizeof(more),
			       ",\"limits\":{\"storage_bytes\":%s}",
			       table[i].asked);
		asked = ask(more);
		buf_init(&b, 4096);
		consent_limits_put(&b, asked, NULL, NULL);
		assert_non_null(strstr(buf_str(&b), table[i].shown));
		assert_null(strstr(buf_str(&b), "min="));
		assert_null(strstr(buf_str(&b), "max="));
		got = read_form(asked, table[i].body, NULL);
		assert_int_equal(got->storage_bytes, table[i].bytes);
		buf_fini(&b);
		conditions_free(&got);
		conditions_free(&asked);
	}
}

static void a_date_as_shown_keeps_its_time(void **state)
{
	struct conditions *asked = ask(",\"not_after\":\"2027-09-30T00:00:00Z\""
				       ",\"limits\":{\"retention_days\":10}");
	struct conditions *got;

	(void)state;
	got = read_form(asked, "not_after=2027-09-30&retention_days=10", NULL);
	assert_int_equal(got->not_after_us, asked->not_after_us);
	conditions_free(&got);
	got = read_form(asked, "not_after=2027-09-29&retention_days=9", NULL);
	assert_true(got->not_after_us < asked->not_after_us);
	assert_int_equal(got->retention_days, 9);
	conditions_free(&got);
	got = read_form(asked, "", NULL); /* nothing filled in */
	assert_int_equal(got->retention_days, 10);
	conditions_free(&got);
	conditions_free(&asked);
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *body, *field;
	} table[] = {
		{ "storage_gb=51", "storage_gb" },
		{ "storage_gb=0", "storage_gb" },
		{ "storage_gb=-1", "storage_gb" },
		{ "storage_gb=1,5", "storage_gb" },
		{ "storage_gb=1e3", "storage_gb" },
		{ "storage_gb=.", "storage_gb" },
		{ "storage_gb=1.2.3", "storage_gb" },
		{ "storage_gb=0.0000000001", "storage_gb" },
		{ "storage_gb=99999999999999999999", "storage_gb" },
		{ "retention_days=11", "retention_days" },
		{ "retention_days=0", "retention_days" },
		{ "retention_days=1.5", "retention_days" },
		{ "retention_days=ten", "retention_days" },
		{ "retention_days=36501", "retention_days" },
		{ "not_after=2028-01-01", "not_after" },
		{ "not_after=2026-06-09", "not_after" },
		{ "not_after=2026-02-30", "not_after" },
		{ "not_after=tomorrow!", "not_after" },
		{ "not_after=2026-12-31T00:00:00Z", "not_after" },
	};
	struct conditions *asked =
		ask(",\"not_after\":\"2027-09-30T00:00:00Z\",\"limits\":"
		    "{\"retention_days\":10,\"storage_bytes\":50000000000}");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		assert_null(read_form(asked, table[i].body, table[i].field));
	conditions_free(&asked);
}

static void the_fields_open_at_a_fault(void **state)
{
	const struct consent_fault fault = { "storage_gb", "wrong" };
	struct conditions *asked = ask("");
	struct form f = { 0 };
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	assert_int_equal(
		form_parse(&f, SPAN("storage_gb=%3C&not_after=x"), NULL, 0), 0);
	consent_limits_put(&b, asked, &f, &fault);
	assert_non_null(strstr(buf_str(&b), "<details open>"));
	assert_non_null(strstr(buf_str(&b),
			       "name=\"storage_gb\" value=\"&lt;\" "
			       "aria-invalid=\"true\""));
	assert_non_null(strstr(buf_str(&b), "name=\"not_after\" value=\"x\">"));
	form_fini(&f);
	buf_fini(&b);
	conditions_free(&asked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_page_sends_back_what_it_showed),
		cmocka_unit_test(a_date_as_shown_keeps_its_time),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(the_fields_open_at_a_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
