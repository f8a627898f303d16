#include "srs/cli/catalog.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/cli/cli.h"
#include "storage/blob.h"
#include "storage/catalog.h"
#include "storage/db.h"
#include "storage/migrate.h"

static int open_stores(struct cli_catalog *cat, struct err *e)
{
	char path[SETTINGS_PATH_MAX];
	int r = catalog_open(&cat->settings, &cat->db, e);

	if (r == 0)
		r = migrate_run(cat->db, true, clock_wall_us(clock_real()),
				NULL, NULL, e);
	if (r > 0)
		r = err_set(e, -EUCLEAN,
			    "the catalog has an older schema than this program "
			    "or was never used; run \"srs migrate\" or "
			    "\"srs run\" first");
	if (r < 0)
		return r;
	r = settings_path(&cat->settings, "media", path, sizeof(path));
	if (r == 0)
		r = blob_fs_create(path, &cat->blobs);
	return r < 0 ? err_set(e, r, "media folder: %s", err_words(r)) : 0;
}

int cli_catalog_open(struct cli *c, struct cli_catalog *cat)
{
	struct err e = { 0 };
	int r = cli_settings(c, &cat->settings);

	if (r != CLI_OK)
		return r;
	if (open_stores(cat, &e) == 0)
		return CLI_OK;
	fprintf(stderr, "srs: %s\n", e.text);
	return CLI_FAILED;
}

void cli_catalog_close(struct cli_catalog *cat)
{
	db_close(&cat->db);
	blob_store_destroy(&cat->blobs);
}

int cli_catalog_failed(const char *word, const char *what, int64_t error)
{
	if (error == -ENOENT) {
		fprintf(stderr, "srs %s: there is no %s\n", word, what);
		return CLI_NOT_FOUND;
	}
	fprintf(stderr, "srs %s: %s: %s\n", word, what, err_words((int)error));
	return CLI_FAILED;
}

int cli_print_json(json_t *j)
{
	bool ok = j && json_dumpf(j, stdout, JSON_INDENT(1)) == 0 &&
		  putchar('\n') != EOF && fflush(stdout) == 0;

	json_decref(j);
	return ok ? CLI_OK : CLI_FAILED;
}

void cli_put_text(FILE *f, const char *s)
{
	char *copy CLEANUP(mem_freep) = mem_strdup(s);

	if (!copy)
		return;
	str_clean(copy);
	fputs(copy, f);
}
