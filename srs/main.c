/* The command line: takes -c FILE and --json out of the arguments, wherever
 * they stand, and hands the rest to the word's own file (srs/cli/). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/settings.h"
#include "srs/cli/cli.h"
#include "srs/cli/help.h"

struct word {
	const char *name;
	int (*fn)(struct cli *c, int argc, char **argv);
};

static void print_mistake(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "srs: %s\n", text);
}

int cli_settings(struct cli *c, struct settings *ret_settings)
{
	struct conf_report report = { print_mistake, NULL, 0 };
	struct err e = { 0 };
	int r;

	if (!c->config_path)
		return cli_usage(NULL, "which server? Give its configuration: "
				       "srs -c srs.conf ...");
	r = settings_check(c->config_path, &report, ret_settings, &e);
	if (r == 0)
		r = settings_make_dirs(ret_settings, &e);
	if (r < 0 && e.code)
		print_mistake(NULL, e.text);
	if (r < 0)
		return CLI_USAGE;
	log_setup((enum log_level)ret_settings->log.level,
		  (enum log_format)ret_settings->log.format, "cli");
	return CLI_OK;
}

int cli_usage(const char *word, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, word ? "srs %s: " : "srs: ", word);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	if (word)
		fprintf(stderr, "\nTry: srs help %s\n", word);
	else
		fprintf(stderr, "\nTry: srs help\n");
	return CLI_USAGE;
}

/* Shared options are taken out, the word and its own stay in order. */
static int take_options(struct cli *c, int argc, char **argv, int *ret_argc)
{
	int n = 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			c->json = true;
		} else if (strcmp(argv[i], "-c") == 0 ||
			   strcmp(argv[i], "--config") == 0) {
			if (i + 1 >= argc)
				return cli_usage(NULL, "%s wants a file",
						 argv[i]);
			c->config_path = argv[++i];
		} else if (strncmp(argv[i], "--config=", 9) == 0) {
			c->config_path = argv[i] + 9;
		} else {
			argv[n++] = argv[i];
		}
	}
	argv[n] = NULL;
	*ret_argc = n;
	return CLI_OK;
}

static int print_version(struct cli *c, int argc, char **argv)
{
	if (argc > 1)
		return cli_usage("version", "takes no argument (\"%s\")",
				 argv[1]);
	printf(c->json ? "{\"version\": \"%s\"}\n" : "srs %s\n", SRS_VERSION);
	return CLI_OK;
}

static int print_help(struct cli *c, int argc, char **argv)
{
	(void)c;
	return help_print(argc > 1 ? argv[1] : NULL);
}

static const struct word words[] = {
	{ "run", cli_run },	      { "demo", cli_demo },
	{ "call", cli_call },	      { "check-config", cli_check_config },
	{ "migrate", cli_migrate },   { "user", cli_user },
	{ "client", cli_client },     { "grant", cli_grant },
	{ "token", cli_token },	      { "recordings", cli_recordings },
	{ "record", cli_record },     { "export", cli_export },
	{ "verify", cli_verify },     { "spool", cli_spool },
	{ "trunk", cli_trunk },	      { "tenant", cli_tenant },
	{ "version", print_version }, { "--version", print_version },
	{ "help", print_help },	      { "--help", print_help },
	{ "-h", print_help },
};

/* No option takes a value that begins with "-", so this is never one. */
static bool asks_for_help(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct cli c = { 0 };
	int n = 0, r;

	log_setup(LOG_INFO, LOG_TEXT, "cli");
	r = take_options(&c, argc, argv, &n);
	if (r != CLI_OK)
		return r;
	if (n == 0) {
		help_overview(stderr);
		return CLI_USAGE;
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i].name, argv[0]) != 0)
			continue;
		if (words[i].name[0] != '-' && asks_for_help(n, argv))
			return help_print(argv[0]);
		return words[i].fn(&c, n, argv);
	}
	return cli_usage(NULL, "there is no word \"%s\"", argv[0]);
}
