/* `srs run` and `srs check-config`. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auth/auth.h"
#include "auth/trunk_file.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/settings.h"
#include "media/capture.h"
#include "media/render.h"
#include "srs/cli/catalog.h"
#include "srs/cli/cli.h"
#include "srs/data_lock.h"
#include "srs/sip_role.h"
#include "srs/supervisor.h"
#include "srs/upkeep.h"
#include "storage/db.h"
#include "storage/migrate.h"
#include "web/web.h"

struct run {
	struct settings settings;
	char catalog[SETTINGS_PATH_MAX];
};

/* The trunks of the file into the catalog, where the gate looks. */
static int apply_trunks(struct run *run, struct db *db,
			const struct settings *s, struct err *e)
{
	struct auth a;
	int r;

	r = auth_init(&a, db, clock_real(), &run->settings, e);
	if (r < 0)
		return r;
	r = trunk_file_apply(&a, s->sip.trunks_file, e);
	auth_fini(&a);
	return r;
}

/* Before any role runs: the catalog's schema and the operator's trunks. No
 * connection survives this, for SQLite's must not cross a fork. */
static int prepare_catalog(struct run *run, struct err *e)
{
	struct db *db = NULL;
	int r;

	r = settings_path(&run->settings, "catalog.db", run->catalog,
			  sizeof(run->catalog));
	if (r == 0)
		r = db_open(run->catalog, &db, e);
	if (r == 0)
		r = migrate_run(db, false, clock_wall_us(clock_real()), NULL,
				NULL, e);
	if (r >= 0)
		r = apply_trunks(run, db, &run->settings, e);
	db_close(&db);
	return r;
}

static int on_reload(void *arg, const struct settings *fresh, struct err *e)
{
	struct run *run = arg;
	struct db *db = NULL;
	int r;

	r = db_open(run->catalog, &db, e);
	if (r == 0)
		r = apply_trunks(run, db, fresh, e);
	db_close(&db);
	return r;
}

/* "udp:a, tcp:b" as a JSON array. */
static json_t *split_list(const char *list)
{
	json_t *array = json_array();

	while (*list) {
		size_t len = strcspn(list, ", ");

		if (len)
			json_array_append_new(array, json_stringn(list, len));
		list += len;
		list += strspn(list, ", ");
	}
	return array;
}

/* Only while there is no administrator. */
static json_t *setup_url(struct run *run)
{
	struct db *db = NULL;
	struct err e = { 0 };
	char link[WEB_SETUP_LINK_MAX];
	json_t *url = NULL;
	int r;

	r = db_open(run->catalog, &db, &e);
	if (r == 0)
		r = web_setup_link(db, &run->settings, link, sizeof(link), &e);
	if (r > 0)
		url = json_string(link);
	if (r < 0)
		log_error(NULL, "run.no_setup_link", LOG_S("reason", e.text));
	db_close(&db);
	return url;
}

static void on_ready(void *arg, const struct supervisor_ready *ready)
{
	struct run *run = arg;
	json_t *url = setup_url(run);
	json_t *line = json_pack("{s:s, s:o, s:s, s:s, s:i, s:o*}", "event",
				 "ready", "sip", split_list(ready->sip), "http",
				 ready->http, "url", ready->public_url, "pid",
				 (int)getpid(), "setup_url", url);
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;

	if (text) {
		puts(text);
		fflush(stdout);
	}
	if (url)
		fprintf(stderr,
			"There is no administrator yet. Make one here (the "
			"link works until there is one): %s\n",
			json_string_value(url));
	mem_free(text);
	json_decref(line);
}

int cli_run(struct cli *c, int argc, char **argv)
{
	struct run *run CLEANUP(mem_freep) = mem_zalloc(sizeof(*run));
	struct err e = { 0 };
	struct supervisor_options options = {
		.config_path = c->config_path,
		.roles = { &capture_role, &sip_role, &render_role, &upkeep_role,
			   &web_role },
		.on_ready = on_ready,
		.on_reload = on_reload,
		.arg = run,
	};
	int r;

	if (argc > 1)
		return cli_usage("run", "takes no argument (\"%s\")", argv[1]);
	if (!run)
		return CLI_FAILED;
	r = cli_settings(c, &run->settings);
	if (r != CLI_OK)
		return r;
	log_setup((enum log_level)run->settings.log.level,
		  (enum log_format)run->settings.log.format, "supervisor");
	r = metrics_setup();
	/* before the catalog: nothing is changed under a server that runs */
	if (r == 0)
		r = data_lock_take(&run->settings, &options.lock_fd, &e);
	if (r == 0)
		r = prepare_catalog(run, &e);
	if (r >= 0)
		r = supervisor_run(&run->settings, &options, &e);
	if (r < 0) {
		fprintf(stderr, "srs run: %s\n",
			e.code ? e.text : err_words(r));
		return CLI_FAILED;
	}
	return CLI_OK;
}

/* Every key with its default: what srs.conf.example holds. */
static int print_example(void)
{
	struct buf text CLEANUP(buf_fini);

	buf_init(&text, 256 * 1024);
	if (settings_example(&text) < 0)
		return CLI_FAILED;
	fputs(buf_str(&text), stdout);
	return CLI_OK;
}

static void on_mistake(void *arg, const char *text)
{
	json_t *errors = arg;

	fprintf(stderr, "srs: %s\n", text);
	if (errors)
		(void)json_array_append_new(errors, json_string(text));
}

/* The file, the environment and the trunks file; @return 0 or -errno when
 * something was told. */
static int check_all(const char *path, json_t *errors)
{
	struct settings *s CLEANUP(mem_freep) = mem_zalloc(sizeof(*s));
	struct conf_report report = { on_mistake, errors, 0 };
	struct err e = { 0 };
	int r, trunks;

	if (!s)
		return -ENOMEM;
	r = settings_check(path, &report, s, &e);
	if (r < 0 && e.code) { /* there is nothing to look into */
		on_mistake(errors, e.text);
		return r;
	}
	trunks = trunk_file_check(s->sip.trunks_file, &report, &e);
	if (trunks < 0 && e.code)
		on_mistake(errors, e.text);
	return r < 0 ? r : trunks;
}

int cli_check_config(struct cli *c, int argc, char **argv)
{
	json_t *errors;
	int r;

	if (argc == 2 && strcmp(argv[1], "--example") == 0)
		return print_example();
	if (argc > 1)
		return cli_usage("check-config", "what is \"%s\"?", argv[1]);
	if (!c->config_path)
		return cli_usage("check-config", "which file? srs -c FILE "
						 "check-config");
	errors = c->json ? json_array() : NULL;
	r = check_all(c->config_path, errors);
	if (errors)
		(void)cli_print_json(json_pack("{s:b, s:o}", "ok", r == 0,
					       "errors", errors));
	else if (r == 0)
		printf("%s: good\n", c->config_path);
	return r == 0 ? CLI_OK : CLI_USAGE;
}
