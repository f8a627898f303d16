/* `srs migrate [--dry-run]`. */
#include "srs/cli/cli.h"

#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/str.h"
#include "srs/cli/catalog.h"
#include "storage/db.h"
#include "storage/migrate.h"

#define WORD "migrate"

struct run {
	bool json, dry_run;
	json_t *before, *now;
};

static void run_fini(struct run *run)
{
	json_decref(run->before);
	json_decref(run->now);
}

static void seen(void *arg, const struct migration *m, bool applied_before)
{
	struct run *run = arg;

	if (run->json)
		json_array_append_new(applied_before ? run->before : run->now,
				      json_string(m->name));
	else
		printf("%-28s %s\n", m->name,
		       applied_before ? "applied before"
		       : run->dry_run ? "would be applied"
				      : "applied");
}

/* A dry run makes no file where there is none. */
static int open_catalog(const struct settings *s, bool dry_run,
			struct db **ret_db, struct err *e)
{
	char path[SETTINGS_PATH_MAX];
	int r = settings_path(s, "catalog.db", path, sizeof(path));

	if (r < 0)
		return err_set(e, r, "server.data_dir is too long");
	if (dry_run && access(path, F_OK) < 0)
		return db_open(":memory:", ret_db, e);
	return db_open(path, ret_db, e);
}

static int migrate(struct run *run, const struct settings *s)
{
	struct db *db CLEANUP(db_close) = NULL;
	struct err e = { 0 };
	int r = open_catalog(s, run->dry_run, &db, &e);

	if (r == 0)
		r = migrate_run(db, run->dry_run, clock_wall_us(clock_real()),
				seen, run, &e);
	if (r >= 0)
		return CLI_OK;
	fprintf(stderr, "srs migrate: %s\n", e.text);
	return CLI_FAILED;
}

int cli_migrate(struct cli *c, int argc, char **argv)
{
	struct run run CLEANUP(run_fini) = { .json = c->json };
	struct settings s;
	int r;

	if (argc == 2 && str_eq(argv[1], "--dry-run"))
		run.dry_run = true;
	else if (argc != 1)
		return cli_usage(WORD, "what is \"%s\"?", argv[1]);
	r = cli_settings(c, &s);
	if (r != CLI_OK)
		return r;
	run.before = json_array();
	run.now = json_array();
	r = migrate(&run, &s);
	if (r != CLI_OK || !c->json)
		return r;
	return cli_print_json(json_pack("{s:O, s:O, s:b}", "applied_before",
					run.before,
					run.dry_run ? "pending" : "applied",
					run.now, "dry_run", run.dry_run));
}
