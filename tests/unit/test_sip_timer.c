#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "base/mem.h"
#include "srs/sip/fields.h"
#include "srs/sip/timer.h"

static const struct sip_timer_config cfg = { .expires_s = 1800,
					     .min_se_s = 90 };

static const struct {
	const char *headers;
	int result;
	uint32_t expires_s;
	bool we_refresh;
} cases[] = {
	{ "", 0, 0, false },
	/* a client without timers has none, whatever a proxy adds */
	{ "Session-Expires: 600\r\n", 0, 0, false },
	{ "Supported: timer\r\n", 0, 1800, false },
	{ "Require: timer\r\nx: 600\r\n", 0, 600, false },
	{ "Supported: timer\r\nSession-Expires: 600;refresher=uac\r\n", 0, 600,
	  false },
	{ "Supported: timer\r\nSession-Expires: 7200\r\n", 0, 1800, false },
	/* its Min-SE is a limit for us too */
	{ "Supported: timer\r\nSession-Expires: 7200\r\nMin-SE: 3600\r\n", 0,
	  3600, false },
	{ "Supported: timer\r\nSession-Expires: 30\r\n", -ERANGE, 0, false },
	{ "Session-Expires: 30\r\n", 0, 0, false },
	/* we refresh where the client lets us, or there is no timer */
	{ "Supported: timer\r\nSession-Expires: 600;refresher=uas\r\n"
	  "Allow: INVITE, UPDATE\r\n",
	  0, 600, true },
	{ "Supported: timer\r\nSession-Expires: 600;refresher=uas\r\n", 0, 0,
	  false },
	{ "Supported: timer\r\nSession-Expires: soon\r\n", 0, 1800, false },
};

static void timer_follows_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sip_field f[SIP_FIELDS_MAX];
		struct sip_fields s = { .f = f };
		struct sip_timer t = { 0 };
		char text[400] = "INVITE x SIP/2.0\r\n";

		(void)strncat(text, cases[i].headers, 300);
		s.n = sip_fields_parse(span_of(text), f);
		assert_int_equal(sip_timer_judge(&cfg, &s, &t),
				 cases[i].result);
		assert_int_equal(t.expires_s, cases[i].expires_s);
		assert_int_equal(t.we_refresh, cases[i].we_refresh);
	}
}

static void timer_header_names_the_refresher(void **state)
{
	struct sip_timer none = { 0 }, client = { .expires_s = 600 },
			 we = { .expires_s = 90, .we_refresh = true };
	char line[64];

	(void)state;
	sip_timer_header(&none, line, sizeof(line));
	assert_string_equal(line, "");
	sip_timer_header(&client, line, sizeof(line));
	assert_string_equal(line, "Session-Expires: 600;refresher=uac\r\n");
	sip_timer_header(&we, line, sizeof(line));
	assert_string_equal(line, "Session-Expires: 90;refresher=uas\r\n");
}

static void timer_ends_before_the_interval_does(void **state)
{
	struct sip_timer none = { 0 }, t = { .expires_s = 600 },
			 shortest = { .expires_s = 90, .we_refresh = true };

	(void)state;
	assert_true(sip_timer_deadline_us(&none, 5) == INT64_MAX);
	assert_int_equal(sip_timer_deadline_us(&t, 5), 568000005);
	assert_int_equal(sip_timer_deadline_us(&shortest, 0), 60000000);
	assert_true(sip_timer_refresh_us(&t, 0) == INT64_MAX);
	assert_int_equal(sip_timer_refresh_us(&shortest, 0), 45000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timer_follows_the_table),
		cmocka_unit_test(timer_header_names_the_refresher),
		cmocka_unit_test(timer_ends_before_the_interval_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
