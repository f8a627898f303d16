#include "base/log.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static char out[16384];
static int saved, fds[2];

/* What is logged from here to captured() comes back as text. */
static void capture(enum log_level min, enum log_format format)
{
	assert_int_equal(pipe(fds), 0);
	saved = dup(STDERR_FILENO);
	assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
	close(fds[1]);
	log_setup(min, format, "test");
}

static const char *captured(void)
{
	ssize_t n;

	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	n = read(fds[0], out, sizeof(out) - 1);
	close(fds[0]);
	out[n > 0 ? n : 0] = '\0';
	return out;
}

static void text_has_event_and_fields(void **state)
{
	struct log lg = { "0197", 2 };
	const char *s;

	(void)state;
	capture(LOG_INFO, LOG_TEXT);
	log_warn(&lg, "srtp.auth_failed", LOG_I("count", -3),
		 LOG_S("reason", "two words"), LOG_E(-ENOENT),
		 LOG_F("loss", 0.25), LOG_S("empty", ""), LOG_S("null", NULL));
	s = captured();
	assert_int_equal(s[4], '-');
	assert_string_equal(s + 24,
			    " warn test srtp.auth_failed session=0197 stream=2 "
			    "count=-3 reason=\"two words\" error=ENOENT "
			    "loss=0.25 empty=\"\" null=\"\"\n");
}

static void below_the_level_nothing_is_written(void **state)
{
	(void)state;
	capture(LOG_WARN, LOG_TEXT);
	log_info(NULL, "x.y");
	log_debug(NULL, "x.y", LOG_I("n", 1));
	log_error(NULL, "x.z");
	assert_non_null(strstr(captured(), "error test x.z\n"));
	assert_null(strstr(out, "x.y"));
}

static void json_is_one_object_a_line(void **state)
{
	struct log lg = { "0197", 0 };
	json_t *j;

	(void)state;
	capture(LOG_INFO, LOG_JSON);
	log_info(&lg, "a.b", LOG_S("text", "quote \" back \\ line\n"),
		 LOG_I("n", INT64_MAX), LOG_F("nan", NAN));
	j = json_loads(captured(), JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(j);
	assert_string_equal(json_string_value(json_object_get(j, "event")),
			    "a.b");
	assert_string_equal(json_string_value(json_object_get(j, "level")),
			    "info");
	assert_string_equal(json_string_value(json_object_get(j, "session")),
			    "0197");
	assert_string_equal(json_string_value(json_object_get(j, "text")),
			    "quote \" back \\ line?");
	assert_true(json_integer_value(json_object_get(j, "n")) == INT64_MAX);
	assert_true(json_is_null(json_object_get(j, "nan")));
	json_decref(j);
}

static void tokens_never_appear(void **state)
{
	(void)state;
	capture(LOG_DEBUG, LOG_TEXT);
	log_debug(NULL, "a.b", LOG_S("h", "Bearer srs_at_0197.s3cr3t"),
		  LOG_S("r", "srs_rt_x"), LOG_S("c", "is srs_cs_x ok"));
	captured();
	assert_null(strstr(out, "s3cr3t"));
	assert_null(strstr(out, "srs_"));
	assert_non_null(strstr(out, "h=[secret] r=[secret] c=[secret]"));
}

static void controls_and_bidi_are_removed(void **state)
{
	(void)state;
	capture(LOG_INFO, LOG_TEXT);
	log_info(NULL, "a.b",
		 LOG_S("v", "x\n2026 fake line\x1b[31m\xe2\x80\xae"));
	captured();
	assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
	assert_null(strchr(out, '\x1b'));
	assert_null(strstr(out, "\xe2\x80\xae"));
}

static void a_line_that_is_too_long_stays_valid(void **state)
{
	char big[3000];
	json_t *j;
	size_t len;

	(void)state;
	memset(big, '"', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	capture(LOG_INFO, LOG_JSON);
	log_info(NULL, "a.b", LOG_S("one", big), LOG_S("two", big),
		 LOG_S("three", "x"), LOG_S("four", big));
	j = json_loads(captured(), 0, NULL);
	assert_non_null(j);
	assert_true(json_is_true(json_object_get(j, "cut")));
	len = json_string_length(json_object_get(j, "one"));
	assert_true(len > 900 && len < 1024);
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_has_event_and_fields),
		cmocka_unit_test(below_the_level_nothing_is_written),
		cmocka_unit_test(json_is_one_object_a_line),
		cmocka_unit_test(tokens_never_appear),
		cmocka_unit_test(controls_and_bidi_are_removed),
		cmocka_unit_test(a_line_that_is_too_long_stays_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
