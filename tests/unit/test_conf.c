#include "base/conf.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/settings.h"

struct target {
	char name[8];
	char dir[32];
	char must[16];
	bool on;
	int64_t n;
	int64_t us;
	uint64_t bytes;
	int word;
};

static const char *const words[] = { "red", "green", NULL };

static const char *check_must(const char *value)
{
	return strcmp(value, "bad") == 0 ? "not good" : NULL;
}

#define AT(f) .offset = offsetof(struct target, f)
#define TEXT(f) AT(f), .size = sizeof(((struct target *)0)->f)

static const struct conf_key keys[] = {
	{ "one", "name", CONF_STRING, TEXT(name), .def = "abc",
	  .doc = "A name." },
	{ "one", "dir", CONF_PATH, TEXT(dir), .def = "", .doc = "A folder." },
	{ "one", "on", CONF_BOOL, AT(on), .def = "yes", .doc = "A switch.",
	  .reload = true },
	{ "two", "n", CONF_INT, AT(n), .def = "5", .min = 1, .max = 10,
	  .doc = "A number." },
	{ "two", "wait", CONF_DURATION, AT(us), .def = "90s", .min = 0,
	  .max = INT64_C(3600000000), .doc = "A time." },
	{ "two", "room", CONF_SIZE, AT(bytes), .def = "3K", .doc = "Bytes." },
	{ "two", "word", CONF_ENUM, AT(word), .def = "green", .words = words,
	  .doc = "A colour.", .reload = true },
	{ "two", "must", CONF_STRING, TEXT(must), .def = NULL,
	  .check = check_must, .example = "this", .doc = "Required." },
};

static char dir[64], path[96];

static int load_text(const char *text, struct target *t, struct err *e)
{
	*t = (struct target){ 0 };
	*e = (struct err){ 0 };
	unit_write_file(path, text, strlen(text));
	return conf_load(keys, ARRAY_SIZE(keys), path, t, e);
}

static void a_file_changes_what_it_names(void **state)
{
	struct target t;
	struct err e;

	(void)state;
	assert_int_equal(load_text("# comment\n[two]\nmust = x y ; note\n"
				   "  wait=250ms\n\tn : 7\n[one]\ndir = /a/b\n"
				   "on = FALSE\n",
				   &t, &e),
			 0);
	assert_string_equal(t.must, "x y");
	assert_string_equal(t.name, "abc");
	assert_string_equal(t.dir, "/a/b");
	assert_int_equal(t.us, 250000);
	assert_int_equal(t.n, 7);
	assert_int_equal(t.bytes, 3072);
	assert_int_equal(t.word, 1);
	assert_false(t.on);
}

static void every_mistake_is_named_with_its_place(void **state)
{
	static const struct {
		const char *text, *want; /* after the path */
	} bad[] = {
		{ "[two]\nmust=x\nn = 0\n",
		  ":3: [two] n = \"0\": out of range (1 to 10)" },
		{ "[two]\nmust=x\nn = 1x\n",
		  ":3: [two] n = \"1x\": not a whole number (1 to 10)" },
		{ "[two]\nmust=x\nwait = 2h\n",
		  ":3: [two] wait = \"2h\": out of range (0s to 1h)" },
		{ "[two]\nmust=x\nwait = soon\n",
		  ":3: [two] wait = \"soon\": not a duration like 10s "
		  "(0s to 1h)" },
		{ "[two]\nmust=x\nroom = 3Q\n",
		  ":3: [two] room = \"3Q\": not a size like 512M" },
		{ "[two]\nmust=x\nword = blue\n",
		  ":3: [two] word = \"blue\": not one of the known words "
		  "(red, green)" },
		{ "[one]\non = perhaps\n",
		  ":2: [one] on = \"perhaps\": not yes or no (yes or no)" },
		{ "[one]\ndir = a/b\n",
		  ":2: [one] dir = \"a/b\": not an absolute path" },
		{ "[one]\nname = 12345678\n",
		  ":2: [one] name = \"12345678\": too long" },
		{ "[one]\nname = \xff\n",
		  ":2: [one] name = \"\xff\": not UTF-8" },
		{ "[two]\nmust = bad\n", ":2: [two] must = \"bad\": not good" },
		{ "[two]\nmust =\n",
		  ":2: [two] must = \"\": must not be empty" },
		{ "[two]\nmust = x\nmust = y\n",
		  ":3: [two] must is given twice, first in line 2" },
		{ "\n[one]\nnmae = x\n", ":3: [one] has no key \"nmae\"" },
		{ "[three]\nx = y\n", ":1: unknown section [three]" },
		{ "[three]\n", ":1: unknown section [three]" },
		{ "name = x\n", ":1: \"name\" stands before any [section]" },
		{ "[one]\nrubbish\n", ":2: neither [section] nor key = value" },
		{ "[one\n", ":1: neither [section] nor key = value" },
		{ "[one]\n", ": [two] must is required (or set SRS_TWO_MUST)" },
	};
	struct target t;
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(load_text(bad[i].text, &t, &e), -EINVAL);
		assert_memory_equal(e.text, path, strlen(path));
		assert_string_equal(e.text + strlen(path), bad[i].want);
	}
}

static void long_lines_are_refused_unless_comments(void **state)
{
	struct buf b;
	struct target t;
	struct err e;

	(void)state;
	buf_init(&b, 4096);
	buf_printf(&b, "# %0500d\n[two]\nmust = x\n", 0);
	assert_int_equal(load_text(buf_str(&b), &t, &e), 0);
	buf_printf(&b, "[one]\nname = %0300d\n", 0);
	assert_int_equal(load_text(buf_str(&b), &t, &e), -EINVAL);
	assert_non_null(strstr(e.text, ":5: more than 198 bytes in a line"));
	buf_fini(&b);
}

static void no_file_is_an_error_with_its_name(void **state)
{
	struct target t = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(conf_load(keys, ARRAY_SIZE(keys), "/nowhere/x.conf",
				   &t, &e),
			 -ENOENT);
	assert_string_equal(e.text,
			    "/nowhere/x.conf: No such file or directory");
}

static void the_environment_wins(void **state)
{
	struct target t;
	struct err e;

	(void)state;
	setenv("SRS_TWO_N", "9", 1);
	setenv("SRS_TWO_MUST", "env", 1);
	setenv("SRS_VERSION", "1", 1); /* not ours */
	assert_int_equal(load_text("[two]\nn = 3\n", &t, &e), 0);
	assert_int_equal(t.n, 9);
	assert_string_equal(t.must, "env");
	setenv("SRS_TWO_N", "99", 1);
	assert_int_equal(load_text("", &t, &e), -EINVAL);
	assert_string_equal(e.text, "environment SRS_TWO_N: [two] n = \"99\": "
				    "out of range (1 to 10)");
	unsetenv("SRS_TWO_N");
	setenv("SRS_TWO_NN", "1", 1);
	assert_int_equal(load_text("", &t, &e), -EINVAL);
	assert_string_equal(e.text, "environment SRS_TWO_NN: no such setting");
	unsetenv("SRS_TWO_NN");
	unsetenv("SRS_TWO_MUST");
	unsetenv("SRS_VERSION");
}

static void variables_that_name_no_setting_are_errors(void **state)
{
	static const struct {
		const char *name, *value;
		bool bad;
	} vars[] = {
		{ "SRS_TOW_N", "1", true }, /* the section is misspelt */
		{ "SRS__N", "1", true },
		{ "SRS_TWO_", "1", true },
		{ "SRS_TWO_PORT", "5060", true },
		{ "SRS_TWO_PORT_X_TCP", "1", true },
		{ "SRS_TWO_PORT_5060", "1", true },
		/* not of the form SRS_SECTION_KEY */
		{ "SRS_VERSION", "1", false },
		{ "SRSX_TWO_NN", "1", false },
		/* of Kubernetes, for services "srs" and "srs-two" */
		{ "SRS_SERVICE_HOST", "10.0.0.1", false },
		{ "SRS_SERVICE_PORT_SIP_TLS", "5061", false },
		{ "SRS_PORT", "tcp://10.0.0.1:5060", false },
		{ "SRS_PORT_5060_UDP", "udp://10.0.0.1:5060", false },
		{ "SRS_PORT_5060_UDP_ADDR", "10.0.0.1", false },
		{ "SRS_TWO_SERVICE_HOST", "10.0.0.1", false },
		{ "SRS_TWO_PORT", "tcp://10.0.0.1:80", false },
		{ "SRS_TWO_PORT_80_TCP_PROTO", "tcp", false },
	};
	struct target t;
	char want[96];
	struct err e;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(vars); i++) {
		setenv(vars[i].name, vars[i].value, 1);
		r = load_text("[two]\nmust = x\n", &t, &e);
		unsetenv(vars[i].name);
		if (r != (vars[i].bad ? -EINVAL : 0))
			fail_msg("%s=%s: %d", vars[i].name, vars[i].value, r);
		snprintf(want, sizeof(want), "environment %s: no such setting",
			 vars[i].name);
		if (vars[i].bad)
			assert_string_equal(e.text, want);
	}
}

static void only_reload_fields_are_copied(void **state)
{
	struct target from = { .on = true, .n = 3, .word = 1 };
	struct target to = { .n = 7 };

	(void)state;
	conf_copy_reload(keys, ARRAY_SIZE(keys), &from, &to);
	assert_true(to.on);
	assert_int_equal(to.word, 1);
	assert_int_equal(to.n, 7);
}

static void no_memory_is_an_error(void **state)
{
	struct target t;
	struct err e;

	(void)state;
	mem_fail_after(0);
	assert_int_equal(load_text("[two]\nmust = x\n", &t, &e), -ENOMEM);
	mem_fail_after(-1);
}

static void the_example_shows_every_default(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	assert_int_equal(conf_example(keys, ARRAY_SIZE(keys), &b), 0);
	assert_non_null(strstr(buf_str(&b), "\n[one]\n\n# A name.\n"
					    "#name = abc\n"));
	assert_non_null(
		strstr(buf_str(&b), "\n# A number. (1 to 10)\n#n = 5\n"));
	assert_non_null(strstr(buf_str(&b), "\n# A switch. (yes or no) "
					    "[reload]\n#on = yes\n"));
	assert_non_null(strstr(buf_str(&b), "\n# Required.\nmust = this\n"));
	buf_fini(&b);
}

static void collect(void *arg, const char *text)
{
	assert_memory_equal(text, path, strlen(path));
	(void)buf_printf(arg, "%s\n", text + strlen(path));
}

static void every_mistake_is_told_and_the_good_keys_count(void **state)
{
	static const char text[] =
		"\xEF\xBB\xBFstray = 1\n"     /* 1 */
		"[one]\nname = a\nname = b\n" /* 2 to 4 */
		"nmae = x\non = perhaps\n"
		"on = no\n" /* 7: after a bad one it is the second */
		"rubbish ; = 1\n"
		"[three]\nx = y\nz = y\n" /* 9: told once */
		"[two\n[two]\nn = 0\nroom = 7 ; of them\n"
		"word = blue\n: x\n";
	struct conf_seen seen[ARRAY_SIZE(keys)] = { 0 };
	struct conf_report report = { collect, NULL, 0 };
	struct target t = { 0 };
	struct err e = { 0 };
	struct buf told;

	(void)state;
	buf_init(&told, 4096);
	report.arg = &told;
	unit_write_file(path, text, sizeof(text) - 1);
	assert_int_equal(conf_load_all(keys, ARRAY_SIZE(keys), path, &t, seen,
				       &report, &e),
			 0);
	assert_string_equal(
		buf_str(&told),
		":1: \"stray\" stands before any [section]\n"
		":4: [one] name is given twice, first in line 3\n"
		":5: [one] has no key \"nmae\"\n"
		":6: [one] on = \"perhaps\": not yes or no (yes or no)\n"
		":7: [one] on is given twice, first in line 6\n"
		":8: neither [section] nor key = value\n"
		":9: unknown section [three]\n"
		":12: neither [section] nor key = value\n"
		":14: [two] n = \"0\": out of range (1 to 10)\n"
		":16: [two] word = \"blue\": not one of the known words "
		"(red, green)\n"
		":17: [two] has no key \"\"\n"
		": [two] must is required (or set SRS_TWO_MUST)\n");
	assert_int_equal(report.n, 12);
	assert_int_equal(e.code, 0);
	assert_string_equal(t.name, "a");
	assert_int_equal(t.n, 5);
	assert_int_equal(t.bytes, 7);
	buf_fini(&told);
}

/* ---- the server's own table ---- */

static int load_settings(const char *text, struct settings *s, struct err *e)
{
	*e = (struct err){ 0 };
	unit_write_file(path, text, strlen(text));
	return settings_load(path, s, e);
}

static void five_keys_are_a_complete_configuration(void **state)
{
	static struct settings s;
	struct err e;

	(void)state;
	assert_int_equal(
		load_settings("[server]\ndata_dir = /some/dir/data\n[sip]\n"
			      "listen = udp:127.0.0.1:5060, "
			      "tcp:127.0.0.1:5060\n[http]\n"
			      "listen = 127.0.0.1:8080\n[media]\n"
			      "address = 127.0.0.1\nports = 20000-21999\n",
			      &s, &e),
		0);
	assert_string_equal(s.server.data_dir, "/some/dir/data");
	assert_int_equal(s.media.port_min, 20000);
	assert_int_equal(s.media.port_max, 21999);
	assert_int_equal(s.media.tick_us, 100000);
	assert_int_equal(s.oauth.access_token_us, 600000000);
	assert_true(s.sandbox.enabled);
}

static void settings_that_cannot_work_are_refused(void **state)
{
	static const struct {
		const char *text, *want;
	} bad[] = {
		{ "[media]\nports = abc\n",
		  ":4: [media] ports = \"abc\": not a range like "
		  "20000-21999" },
		{ "[media]\nports = 21999-20000\n", "not a range" },
		{ "[media]\nports = 80-90\n", "not a range" },
		{ "[media]\naddress = localhost\n", "not an IPv4 or IPv6" },
		{ "[sip]\nlisten = 127.0.0.1:5060\n", "not a list like" },
		{ "[sip]\nlisten = udp:127.0.0.1\n", "not a list like" },
		{ "[sip]\nlisten = udp:::1:5060\n", "not a list like" },
		{ "[sip]\nlisten = udp:127.0.0.1:70000\n", "not a list" },
		{ "[sip]\nlisten =\n", "not a list like" },
		{ "[sip]\nlisten = tls:[::1]:5061\n", "tls_certificate" },
		{ "[http]\nlisten = 8080\n", "not an address like" },
		{ "[http]\npublic_url = crs.example\n", "not a URL like" },
		{ "[http]\npublic_url = https://crs.example/\n", "slash" },
		{ "[http]\ntls_key = /a\n", "go together" },
		{ "[sip]\nmin_se = 2000\n", "min_se" },
		{ "[server]\nname = a b\n", "not a host name" },
	};
	static struct settings s;
	struct err e;
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 4096);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		buf_reset(&b);
		buf_printf(&b, "[server]\ndata_dir = /d\n%s", bad[i].text);
		assert_int_equal(load_settings(buf_str(&b), &s, &e), -EINVAL);
		if (!strstr(e.text, bad[i].want))
			fail_msg("%s: %s", bad[i].text, e.text);
	}
	buf_fini(&b);
}

static void print_to(void *arg, const char *text)
{
	(void)buf_printf(arg, "%s\n", text);
}

static void keys_that_do_not_go_together_are_placed(void **state)
{
	static const char text[] = "[server]\ndata_dir = /d\n[sip]\n"
				   "min_se = 2000\nlisten = tls:[::1]:5061\n"
				   "tls_verify = required\n"
				   "[http]\ntls_certificate = a.pem\n";
	static struct settings s;
	struct conf_report report = { print_to, NULL, 0 };
	char want[1024];
	struct err e = { 0 };
	struct buf told;

	(void)state;
	buf_init(&told, 4096);
	report.arg = &told;
	unit_write_file(path, text, strlen(text));
	setenv("SRS_HTTP_TLS_KEY", "/k.pem", 1);
	setenv("SRS_HTTP_PUBLIC_URL", "x", 1);
	setenv("SRS_HTPP_LISTEN", "x", 1);
	assert_int_equal(settings_check(path, &report, &s, &e), -EINVAL);
	/* tls_certificate was refused: nothing is said of its pair */
	snprintf(want, sizeof(want),
		 "%s:8: [http] tls_certificate = \"a.pem\": not an absolute "
		 "path\n"
		 "environment SRS_HTTP_PUBLIC_URL: [http] public_url = \"x\": "
		 "not a URL like https://crs.example\n"
		 "environment SRS_HTPP_LISTEN: no such setting\n"
		 "%s:5: [sip] listen has tls:, so tls_certificate and tls_key "
		 "must be set\n"
		 "%s:6: [sip] tls_verify needs tls_ca to be set\n"
		 "%s:4: [sip] min_se must not be above session_expires\n",
		 path, path, path, path);
	assert_string_equal(buf_str(&told), want);
	buf_reset(&told);
	report.n = 0;
	unsetenv("SRS_HTTP_PUBLIC_URL");
	unsetenv("SRS_HTPP_LISTEN");
	unit_write_file(path, "[server]\ndata_dir = /d\n", 22);
	assert_int_equal(settings_check(path, &report, &s, &e), -EINVAL);
	assert_string_equal(buf_str(&told),
			    "environment SRS_HTTP_TLS_KEY: [http] "
			    "tls_certificate and tls_key go together\n");
	unsetenv("SRS_HTTP_TLS_KEY");
	buf_fini(&told);
}

static void the_example_in_the_tree_is_the_printed_one(void **state)
{
	struct settings s;
	struct err e = { 0 };
	struct buf b;
	char *file;

	(void)state;
	buf_init(&b, 65536);
	assert_int_equal(settings_example(&b), 0);
	file = unit_read_file("srs.conf.example", NULL);
	assert_string_equal(file, buf_str(&b));
	test_free(file);
	buf_fini(&b);
	assert_int_equal(settings_load("srs.conf.example", &s, &e), 0);
	assert_string_equal(s.server.data_dir, "/var/lib/srs");
}

static void folders_are_made_below_data_dir(void **state)
{
	static struct settings s;
	char sub[SETTINGS_PATH_MAX];
	struct stat st;
	struct err e = { 0 };

	(void)state;
	snprintf(s.server.data_dir, sizeof(s.server.data_dir), "%s/a/b", dir);
	assert_int_equal(settings_make_dirs(&s, &e), 0);
	assert_int_equal(settings_make_dirs(&s, &e), 0); /* again is fine */
	assert_int_equal(settings_path(&s, "keys", sub, sizeof(sub)), 0);
	assert_int_equal(stat(sub, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(settings_path(&s, "spool", sub, sizeof(sub)), 0);
	assert_int_equal(stat(sub, &st), 0);
	assert_int_equal(settings_path(&s, "spool", sub, 8), -ENAMETOOLONG);
	unit_write_file(path, "x", 1);
	snprintf(s.server.data_dir, sizeof(s.server.data_dir), "%s/b", path);
	assert_true(settings_make_dirs(&s, &e) < 0);
	assert_non_null(strstr(e.text, path));
}

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "%s", unit_temp_dir());
	snprintf(path, sizeof(path), "%s/srs.conf", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return unit_remove_tree(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_changes_what_it_names),
		cmocka_unit_test(every_mistake_is_named_with_its_place),
		cmocka_unit_test(long_lines_are_refused_unless_comments),
		cmocka_unit_test(no_file_is_an_error_with_its_name),
		cmocka_unit_test(the_environment_wins),
		cmocka_unit_test(variables_that_name_no_setting_are_errors),
		cmocka_unit_test(only_reload_fields_are_copied),
		cmocka_unit_test(no_memory_is_an_error),
		cmocka_unit_test(the_example_shows_every_default),
		cmocka_unit_test(five_keys_are_a_complete_configuration),
		cmocka_unit_test(settings_that_cannot_work_are_refused),
		cmocka_unit_test(the_example_in_the_tree_is_the_printed_one),
		cmocka_unit_test(folders_are_made_below_data_dir),
		cmocka_unit_test(every_mistake_is_told_and_the_good_keys_count),
		cmocka_unit_test(keys_that_do_not_go_together_are_placed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
