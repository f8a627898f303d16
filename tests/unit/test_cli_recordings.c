/* recordings, export, verify, migrate against a real data folder. */

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/settings.h"
#include "srs/cli/cli.h"
#include "storage/blob.h"
#include "storage/catalog.h"
#include "storage/catalog_search.h"
#include "storage/db.h"
#include "storage/jobs.h"
#include "storage/migrate.h"
#include "tests/support/unit.h"

#define SEC INT64_C(1000000)
#define T0 (INT64_C(1700000000) * SEC)

struct fixture {
	char dir[64];
	char out[96]; /* what the command printed */
	struct settings s;
	struct db *db;
	struct blob_store *blobs;
	struct id tenant, ready, live;
};

static struct settings *settings_now;

/* main.c's part */
int cli_settings(struct cli *c, struct settings *ret_settings)
{
	(void)c;
	*ret_settings = *settings_now;
	return CLI_OK;
}

int cli_usage(const char *word, const char *fmt, ...)
{
	(void)word;
	(void)fmt;
	return CLI_USAGE;
}

static struct id record(struct fixture *f, int64_t started_us)
{
	const struct recording_participant people[] = {
		{ .ord = 0,
		  .aor = "sip:alice@example.com",
		  .name = "Alice\x1b[31m" },
		{ .ord = 1, .aor = "sip:bob@example.com" },
	};
	struct recording_new rn = {
		.tenant_id = f->tenant.s,
		.node = "n",
		.started_us = started_us,
		.meta = "{\"a\":1}",
		.participants = people,
		.n_participants = 2,
	};
	struct id id;

	id_new(&id, started_us);
	rn.id = id.s;
	assert_int_equal(recording_create(f->db, &rn), 0);
	return id;
}

static void put(struct fixture *f, struct recording_track *t, char *key,
		struct blob_info *info, const char *name, const char *text)
{
	struct blob *b = NULL;

	snprintf(key, 128, "%s/%s/%s", f->tenant.s, f->ready.s, name);
	assert_int_equal(blob_create(f->blobs, key, &b), 0);
	assert_int_equal(blob_append(b, text, strlen(text)), 0);
	assert_int_equal(blob_commit(&b, info), 0);
	t->blob_key = key;
	t->mime = "audio/ogg";
	t->bytes = info->bytes;
	t->sha256 = info->sha256;
	t->participant = t->stream = -1;
}

static void make_ready(struct fixture *f)
{
	struct recording_message m = { .at_us = T0,
				       .dir = "in",
				       .transport = "tcp",
				       .peer = "[::1]:5060",
				       .body = "INVITE x\r\n\r\n",
				       .len = 12 };
	struct recording_track t[2] = {
		{ .kind = "mix", .format = "ogg" },
		{ .kind = "track", .format = "ogg", .n = 1 },
	};
	struct recording_result res = { .duration_us = 3 * SEC,
					.tracks = t,
					.n_tracks = 2 };
	struct blob_info info[2];
	char key[2][128];
	struct job j;

	f->ready = record(f, T0);
	put(f, &t[0], key[0], &info[0], "mix.ogg", "the mix");
	put(f, &t[1], key[1], &info[1], "track-1.ogg", "one side");
	assert_int_equal(recording_add_message(f->db, f->ready.s, &m), 0);
	assert_int_equal(recording_finish(f->db, f->ready.s, T0 + 3 * SEC,
					  "bye", "gone.spool", T0),
			 0);
	assert_int_equal(job_claim(f->db, JOB_RENDER, "n", T0, SEC, &j), 0);
	assert_int_equal(recording_ready(f->db, f->ready.s, &j, &res), 0);
}

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	char path[128];

	*state = f;
	snprintf(f->dir, sizeof(f->dir), "/tmp/srs-test-cli-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->s.server.data_dir, sizeof(f->s.server.data_dir), "%s/data",
		 f->dir);
	snprintf(f->out, sizeof(f->out), "%s/out", f->dir);
	settings_now = &f->s;
	snprintf(path, sizeof(path), "%s/data/media", f->dir);
	if (settings_make_dirs(&f->s, NULL) < 0 ||
	    catalog_open(&f->s, &f->db, NULL) < 0 ||
	    migrate_run(f->db, false, T0, NULL, NULL, NULL) < 0 ||
	    blob_fs_create(path, &f->blobs) < 0 ||
	    tenant_create(f->db, "acme", T0, &f->tenant) < 0)
		return -1;
	make_ready(f);
	f->live = record(f, T0 + 60 * SEC);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	int r;

	db_close(&f->db);
	blob_store_destroy(&f->blobs);
	r = unit_remove_tree(f->dir);
	test_free(f);
	return r;
}

typedef int word_fn(struct cli *c, int argc, char **argv);

/* Run one word with its stdout (and stderr, quietly) in f->out. */
static int run(struct fixture *f, word_fn *fn, bool json, const char *line)
{
	struct cli c = { .json = json };
	char copy[512], *argv[16], *save = NULL;
	int argc = 0, out, old, r;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok_r(copy, " ", &save); w;
	     w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	argv[argc] = NULL;
	out = open(f->out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(out >= 0);
	fflush(stdout);
	old = dup(1);
	assert_true(dup2(out, 1) == 1);
	close(out);
	r = fn(&c, argc, argv);
	fflush(stdout);
	assert_true(dup2(old, 1) == 1);
	close(old);
	return r;
}

static json_t *output(struct fixture *f)
{
	json_t *j = json_load_file(f->out, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(j);
	return j;
}

static void read_text(const char *path, char *text, size_t len)
{
	FILE *in = fopen(path, "r");
	size_t n;

	assert_non_null(in);
	n = fread(text, 1, len - 1, in);
	text[n] = '\0';
	fclose(in);
}

static void list_prints_what_the_api_prints(void **state)
{
	struct fixture *f = *state;
	json_t *j, *item;

	assert_int_equal(run(f, cli_recordings, true, "recordings list"), 0);
	j = output(f);
	assert_int_equal(json_array_size(json_object_get(j, "items")), 2);
	assert_true(json_is_null(json_object_get(j, "next_cursor")));
	item = json_array_get(json_object_get(j, "items"), 1);
	assert_string_equal(json_string_value(json_object_get(item, "id")),
			    f->ready.s);
	assert_string_equal(json_string_value(json_object_get(item, "state")),
			    "ready");
	assert_string_equal(json_string_value(
				    json_object_get(item, "started_at")),
			    "2023-11-14T22:13:20.000Z");
	assert_true(json_real_value(json_object_get(item, "duration_s")) > 2.9);
	json_decref(j);
}

static void list_filters_and_pages(void **state)
{
	struct fixture *f = *state;
	char line[256];
	json_t *j;

	assert_int_equal(run(f, cli_recordings, true,
			     "recordings list --tenant acme --limit 1 -q ali"),
			 0);
	j = output(f);
	assert_int_equal(json_array_size(json_object_get(j, "items")), 1);
	snprintf(line, sizeof(line), "recordings list --cursor %s",
		 json_string_value(json_object_get(j, "next_cursor")));
	json_decref(j);
	assert_int_equal(run(f, cli_recordings, true, line), 0);
	j = output(f);
	assert_int_equal(json_array_size(json_object_get(j, "items")), 1);
	json_decref(j);
	assert_int_equal(run(f, cli_recordings, true,
			     "recordings list --from 2023-11-14T22:14:00Z"),
			 0);
	j = output(f);
	assert_int_equal(json_array_size(json_object_get(j, "items")), 1);
	json_decref(j);
	assert_int_equal(run(f, cli_recordings, true,
			     "recordings list --tenant nobody"),
			 CLI_NOT_FOUND);
}

static void wrong_arguments_are_usage(void **state)
{
	static const char *const lines[] = {
		"recordings",
		"recordings frob",
		"recordings list --limit 0",
		"recordings list --limit 201",
		"recordings list --from monday",
		"recordings list -q",
		"recordings list --frob x",
		"recordings show",
		"recordings show a b",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_int_equal(run(*state, cli_recordings, false, lines[i]),
				 CLI_USAGE);
	assert_int_equal(run(*state, cli_export, false, "export x"), CLI_USAGE);
	assert_int_equal(run(*state, cli_export, false, "export --to x"),
			 CLI_USAGE);
	assert_int_equal(run(*state, cli_verify, false, "verify --all"),
			 CLI_USAGE);
	assert_int_equal(run(*state, cli_migrate, false, "migrate --frob"),
			 CLI_USAGE);
}

static void people_read_tables_without_escape_codes(void **state)
{
	struct fixture *f = *state;
	char text[4096], line[128];

	assert_int_equal(run(f, cli_recordings, false, "recordings list"), 0);
	read_text(f->out, text, sizeof(text));
	assert_non_null(strstr(text, "PARTICIPANTS"));
	assert_non_null(strstr(text, "2023-11-14T22:13:20Z    0:00:03  ready"));
	assert_non_null(strstr(text, "sip:bob@example.com"));
	assert_null(strchr(text, '\x1b'));
	snprintf(line, sizeof(line), "recordings show %s", f->ready.s);
	assert_int_equal(run(f, cli_recordings, false, line), 0);
	read_text(f->out, text, sizeof(text));
	assert_non_null(strstr(text, "mix.ogg (audio/ogg, 7 bytes)"));
	assert_null(strchr(text, '\x1b'));
}

static void show_names_whose_hold_stream_and_file_it_is(void **state)
{
	struct fixture *f = *state;
	const struct recording_event events[] = {
		{ .at_us = T0 + SEC,
		  .kind = "hold",
		  .participant = 1,
		  .stream = -1 },
		{ .at_us = T0 + 2 * SEC,
		  .kind = "dtmf",
		  .participant = 0,
		  .stream = -1,
		  .text = "5" },
		{ .at_us = T0 + 2 * SEC,
		  .kind = "note",
		  .participant = 7,
		  .stream = -1,
		  .text = "nobody's" },
	};
	char text[4096], line[128];

	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		assert_int_equal(
			recording_add_event(f->db, f->live.s, &events[i]), 0);
	snprintf(line, sizeof(line), "recordings show %s", f->live.s);
	assert_int_equal(run(f, cli_recordings, false, line), 0);
	read_text(f->out, text, sizeof(text));
	assert_non_null(strstr(text, " hold, sip:bob@example.com\n"));
	assert_non_null(strstr(text, " dtmf, Alice")); /* and no escape code */
	assert_non_null(strstr(text, ": 5\n"));
	assert_non_null(strstr(text, " note: nobody's\n"));
	assert_null(strchr(text, '\x1b'));
}

static void show_says_everything_or_not_found(void **state)
{
	struct fixture *f = *state;
	char line[128];
	json_t *j;

	snprintf(line, sizeof(line), "recordings show %s", f->ready.s);
	assert_int_equal(run(f, cli_recordings, true, line), 0);
	j = output(f);
	assert_int_equal(json_array_size(json_object_get(j, "tracks")), 2);
	assert_non_null(json_object_get(json_object_get(j, "metadata"), "a"));
	json_decref(j);
	assert_int_equal(run(f, cli_recordings, true, "recordings show x"),
			 CLI_NOT_FOUND);
}

/* sha256sum itself must agree with what was exported. */
static void export_is_complete_and_checks_itself(void **state)
{
	struct fixture *f = *state;
	char line[256], path[256], text[4096], command[512];

	snprintf(line, sizeof(line), "export %s --to %s/x", f->ready.s, f->dir);
	assert_int_equal(run(f, cli_export, false, line), 0);
	snprintf(path, sizeof(path), "%s/x/mix.ogg", f->dir);
	read_text(path, text, sizeof(text));
	assert_string_equal(text, "the mix");
	snprintf(path, sizeof(path), "%s/x/signalling.txt", f->dir);
	read_text(path, text, sizeof(text));
	assert_non_null(strstr(text, "in tcp [::1]:5060, 12 bytes\nINVITE x"));
	snprintf(path, sizeof(path), "%s/x/metadata.json", f->dir);
	read_text(path, text, sizeof(text));
	assert_non_null(strstr(text, f->ready.s));
	snprintf(command, sizeof(command),
		 "cd %s/x && test $(wc -l < SHA256SUMS) -eq 5 && "
		 "sha256sum --quiet -c SHA256SUMS",
		 f->dir);
	FILE *p = popen(command, "r");
	assert_non_null(p);
	assert_int_equal(pclose(p), 0);
	/* not over what is there */
	assert_int_equal(run(f, cli_export, false, line), CLI_FAILED);
	assert_int_equal(run(f, cli_export, false, "export nope --to /tmp/x"),
			 CLI_NOT_FOUND);
}

static void damage(struct fixture *f, const char *name, const char *text)
{
	char path[512];
	FILE *out;

	snprintf(path, sizeof(path), "%s/media/%s/%s/%s", f->s.server.data_dir,
		 f->tenant.s, f->ready.s, name);
	if (!text) {
		assert_int_equal(unlink(path), 0);
		return;
	}
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void export_leaves_out_what_is_damaged(void **state)
{
	struct fixture *f = *state;
	char line[256], path[256];
	json_t *j;

	damage(f, "mix.ogg", "the mux");
	snprintf(line, sizeof(line), "export %s --to %s/y", f->ready.s, f->dir);
	assert_int_equal(run(f, cli_export, true, line), CLI_NO);
	j = output(f);
	assert_int_equal(json_integer_value(json_object_get(j, "files")), 4);
	assert_int_equal(json_integer_value(json_object_get(j, "damaged")), 1);
	json_decref(j);
	snprintf(path, sizeof(path), "%s/y/mix.ogg", f->dir);
	assert_int_equal(access(path, F_OK), -1);
	snprintf(path, sizeof(path), "%s/y/track-1.ogg", f->dir);
	assert_int_equal(access(path, F_OK), 0);
}

static void verify_finds_missing_and_damaged(void **state)
{
	struct fixture *f = *state;
	char line[128];
	json_t *j, *list;

	assert_int_equal(run(f, cli_verify, false, "verify"), 0);
	damage(f, "mix.ogg", "the mux");
	damage(f, "track-1.ogg", NULL);
	assert_int_equal(run(f, cli_verify, true, "verify"), CLI_NO);
	j = output(f);
	list = json_object_get(j, "problems");
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(list, 0), "problem")),
			    "damaged");
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(list, 1), "problem")),
			    "missing");
	json_decref(j);
	snprintf(line, sizeof(line), "verify %s", f->live.s);
	assert_int_equal(run(f, cli_verify, false, line), 0);
	assert_int_equal(run(f, cli_verify, false, "verify nope"),
			 CLI_NOT_FOUND);
}

static void verify_wants_the_spool_of_what_is_not_rendered(void **state)
{
	struct fixture *f = *state;
	char path[256];

	assert_int_equal(recording_finish(f->db, f->live.s, T0, "bye",
					  "live.spool", T0),
			 0);
	assert_int_equal(run(f, cli_verify, false, "verify"), CLI_NO);
	snprintf(path, sizeof(path), "%s/data/spool/live.spool", f->dir);
	fclose(fopen(path, "w"));
	assert_int_equal(run(f, cli_verify, false, "verify"), 0);
}

static void migrate_says_what_it_did_and_would_do(void **state)
{
	struct fixture *f = *state;
	size_t n;
	json_t *j;

	migrate_list(&n);
	assert_int_equal(run(f, cli_migrate, true, "migrate"), 0);
	j = output(f);
	assert_int_equal(json_array_size(json_object_get(j, "applied_before")),
			 n);
	json_decref(j);
	/* an empty folder: a dry run makes nothing */
	snprintf(f->s.server.data_dir, sizeof(f->s.server.data_dir), "%s/new",
		 f->dir);
	assert_int_equal(settings_make_dirs(&f->s, NULL), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(run(f, cli_migrate, true, "migrate --dry-run"),
				 0);
		j = output(f);
		assert_int_equal(json_array_size(json_object_get(j, "pending")),
				 n);
		json_decref(j);
	}
	assert_int_equal(run(f, cli_recordings, false, "recordings list"),
			 CLI_FAILED);
	assert_int_equal(run(f, cli_migrate, true, "migrate"), 0);
	assert_int_equal(run(f, cli_recordings, false, "recordings list"), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(list_prints_what_the_api_prints),
		TEST(list_filters_and_pages),
		TEST(wrong_arguments_are_usage),
		TEST(people_read_tables_without_escape_codes),
		TEST(show_names_whose_hold_stream_and_file_it_is),
		TEST(show_says_everything_or_not_found),
		TEST(export_is_complete_and_checks_itself),
		TEST(export_leaves_out_what_is_damaged),
		TEST(verify_finds_missing_and_damaged),
		TEST(verify_wants_the_spool_of_what_is_not_rendered),
		TEST(migrate_says_what_it_did_and_would_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
