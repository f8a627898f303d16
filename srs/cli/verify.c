/* `srs verify [ID]`: reads every stored file and compares it with the catalog;
 * recordings that are still to be rendered must have their spool. */
#include "srs/cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/cli/catalog.h"
#include "storage/blob.h"
#include "storage/catalog.h"
#include "storage/catalog_search.h"

#define WORD "verify"

struct verify {
	struct cli_catalog cat;
	bool json;
	json_t *problems;
	int64_t recordings, files, bytes, bad;
};

static void verify_fini(struct verify *v)
{
	json_decref(v->problems);
	cli_catalog_close(&v->cat);
}

static void problem(struct verify *v, const struct recording *rec,
		    const char *file, const char *what)
{
	v->bad++;
	if (v->json)
		json_array_append_new(v->problems,
				      json_pack("{s:s, s:s, s:s}",
						"recording_id", rec->id, "file",
						file, "problem", what));
	else
		printf("%s  %s: %s\n", rec->id, file, what);
}

static void check_track(struct verify *v, const struct recording *rec,
			const struct recording_track *t)
{
	struct blob_info info;
	int r = blob_hash(v->cat.blobs, t->blob_key, &info);

	v->files++;
	if (r < 0) {
		problem(v, rec, t->blob_key,
			r == -ENOENT ? "missing" : "unreadable");
		return;
	}
	v->bytes += (int64_t)info.bytes;
	if (info.bytes != t->bytes || !str_eq(info.sha256, t->sha256))
		problem(v, rec, t->blob_key, "damaged");
}

static void check_spool(struct verify *v, const struct recording *rec)
{
	char rel[300], path[SETTINGS_PATH_MAX];

	(void)snprintf(rel, sizeof(rel), "spool/%s", rec->spool_file);
	v->files++;
	if (settings_path(&v->cat.settings, rel, path, sizeof(path)) < 0 ||
	    access(path, R_OK) < 0)
		problem(v, rec, rel, "missing");
}

/* Nobody spoke: there is nothing to mix. */
static bool only_text(const struct recording *rec)
{
	bool text = false;

	for (unsigned i = 0; i < rec->n_tracks; i++) {
		if (str_eq(rec->tracks[i].kind, "track"))
			return false;
		text |= str_eq(rec->tracks[i].kind, "text");
	}
	return text;
}

static int check(void *arg, const struct recording *rec)
{
	struct verify *v = arg;

	v->recordings++;
	for (unsigned i = 0; i < rec->n_tracks; i++)
		check_track(v, rec, &rec->tracks[i]);
	if (rec->state == RECORDING_READY && !rec->media_dropped_us &&
	    !only_text(rec) && !recording_track(rec, "mix", 0, NULL))
		problem(v, rec, "mix", "missing");
	if (*rec->spool_file)
		check_spool(v, rec);
	return 0;
}

static int check_all(struct verify *v)
{
	const struct catalog_scope all = { 0 };
	char cursor[RECORDING_CURSOR_MAX], next[RECORDING_CURSOR_MAX] = "";
	struct recording_filter f = { .limit = 100,
				      .parts = RECORDING_TRACKS,
				      .duplicates = true };
	int64_t r;

	do {
		f.cursor = *next ? next : NULL;
		r = recording_list(v->cat.db, &all, &f, check, v, cursor);
		memcpy(next, cursor, sizeof(next));
	} while (r >= 0 && *next);
	return r < 0 ? (int)r : 0;
}

static int check_one(struct verify *v, const char *id)
{
	struct recording *rec CLEANUP(recording_destroy) = NULL;
	const struct catalog_scope all = { 0 };
	int r = recording_get(v->cat.db, &all, id, RECORDING_TRACKS, &rec);

	return r < 0 ? r : check(v, rec);
}

static int report(struct verify *v)
{
	int r = CLI_OK;

	if (v->json)
		r = cli_print_json(json_pack("{s:I, s:I, s:I, s:O}",
					     "recordings",
					     (json_int_t)v->recordings, "files",
					     (json_int_t)v->files, "bytes",
					     (json_int_t)v->bytes, "problems",
					     v->problems));
	else
		printf("%" PRId64 " recordings, %" PRId64 " files, %" PRId64
		       " bytes: %" PRId64 " problem%s\n",
		       v->recordings, v->files, v->bytes, v->bad,
		       v->bad == 1 ? "" : "s");
	return v->bad ? CLI_NO : r;
}

int cli_verify(struct cli *c, int argc, char **argv)
{
	struct verify v CLEANUP(verify_fini) = { .json = c->json };
	int r;

	if (argc > 2 || (argc == 2 && argv[1][0] == '-'))
		return cli_usage(WORD, "wants at most the ID of one recording");
	r = cli_catalog_open(c, &v.cat);
	if (r != CLI_OK)
		return r;
	v.problems = json_array();
	r = argc == 2 ? check_one(&v, argv[1]) : check_all(&v);
	if (r < 0)
		return cli_catalog_failed(WORD, "such recording", r);
	return report(&v);
}
