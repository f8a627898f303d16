/* Facts about srs/listen.h and srs/cli/html_form.h. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "srs/cli/html_form.h"
#include "srs/listen.h"

static void port_zero_gives_a_real_one(void **state)
{
	char bound[64];
	int fd;

	(void)state;
	fd = listen_tcp("127.0.0.1:0", bound, sizeof(bound), NULL);
	assert_true(fd >= 0);
	assert_int_equal(strncmp(bound, "127.0.0.1:", 10), 0);
	assert_string_not_equal(bound, "127.0.0.1:0");
	close(fd);
	fd = listen_tcp("[::1]:0", bound, sizeof(bound), NULL);
	assert_true(fd >= 0 || fd == -EADDRNOTAVAIL || fd == -EAFNOSUPPORT);
	if (fd >= 0)
		close(fd);
}

static void nonsense_is_named(void **state)
{
	static const char *const bad[] = {
		"", "8080", ":8080", "::1:8080", "host.name:80", "127.0.0.1:x"
	};
	char bound[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err e = { 0 };

		assert_int_equal(listen_tcp(bad[i], bound, sizeof(bound), &e),
				 -EINVAL);
		assert_non_null(strstr(e.text, "[http] listen"));
	}
}

static void a_taken_port_says_so(void **state)
{
	char bound[64], again[64];
	struct err e = { 0 };
	int fd = listen_tcp("127.0.0.1:0", bound, sizeof(bound), NULL);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(listen_tcp(bound, again, sizeof(again), &e),
			 -EADDRINUSE);
	assert_non_null(strstr(e.text, bound));
	close(fd);
}

static void urls(void **state)
{
	char url[128];

	(void)state;
	listen_url("127.0.0.1:80", false, "crs.example", url, sizeof(url));
	assert_string_equal(url, "http://127.0.0.1:80");
	listen_url("0.0.0.0:443", true, "crs.example", url, sizeof(url));
	assert_string_equal(url, "https://crs.example:443");
	listen_url("[::]:443", true, "crs.example", url, sizeof(url));
	assert_string_equal(url, "https://crs.example:443");
}

static void fills_the_post_form(void **state)
{
	static const char page[] =
		"<form method=\"get\" action=\"/s\"><input name=\"q\"></form>"
		"<form method=\"post\" action=\"/login?a=1&amp;b=2\">"
		"<input type=\"hidden\" name=\"csrf\" value=\"x&amp;y\">"
		"<input type=\"email\" name=\"email\">"
		"<input type=\"password\" name=\"password\">"
		"<input type=\"text\" name=\"gb\" value=\"2.5\">"
		"<input name=\"days\" value=\"\">"
		"<input type=\"checkbox\" name=\"keep\" value=\"1\" checked>"
		"<button name=\"decision\" value=\"deny\">No</button>"
		"<button name=\"decision\" value=\"allow\">Yes</button>"
		"</form><input name=\"outside\" type=\"text\">";
	struct html_input in = { "a@b", "p w", "allow" };
	struct html_form form;
	struct buf body;

	(void)state;
	buf_init(&body, 1024);
	assert_int_equal(html_form_fill(page, &in, &form, &body), 0);
	assert_string_equal(form.action, "/login?a=1&b=2");
	assert_true(form.has_password);
	assert_string_equal(buf_str(&body),
			    "csrf=x%26y&email=a%40b&password=p%20w&gb=2.5&"
			    "days=&keep=1&"
			    "decision=allow");
	buf_fini(&body);
}

static void no_form_is_an_error(void **state)
{
	struct html_input in = { "a", "b", "allow" };
	struct html_form form;
	struct buf body;

	(void)state;
	buf_init(&body, 1024);
	assert_int_equal(html_form_fill("<p>hello", &in, &form, &body),
			 -ENOENT);
	assert_int_equal(html_form_fill("<form method=\"post\">", &in, &form,
					&body),
			 -EBADMSG);
	buf_fini(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(port_zero_gives_a_real_one),
		cmocka_unit_test(nonsense_is_named),
		cmocka_unit_test(a_taken_port_says_so),
		cmocka_unit_test(urls),
		cmocka_unit_test(fills_the_post_form),
		cmocka_unit_test(no_form_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
