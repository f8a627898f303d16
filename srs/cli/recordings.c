/* `srs recordings list | show | signalling`. */
#include "srs/cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auth/tdate.h"
#include "auth/tzone.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/str.h"
#include "srs/cli/catalog.h"
#include "srs/cli/metadata.h"
#include "srs/cli/pause.h"
#include "storage/actor.h"
#include "storage/catalog.h"
#include "storage/catalog_search.h"
#include "storage/recording_json.h"
#include "storage/signalling.h"

#define WORD "recordings"
#define METADATA_PRINT_MAX (1024u * 1024u)
#define SIGNALLING_BYTES_MAX (1024u * 1024u * 1024u)
#define LIST_PARTS (RECORDING_PARTICIPANTS | RECORDING_WARNINGS)

struct list_options {
	const char *tenant;
	struct recording_filter filter;
	const char *from, *to; /* as written */
	const char *tz;	       /* as named, NULL = where we are */
	struct tzone *zone;
	char zone_name[TZONE_NAME_MAX];
};

static void options_fini(struct list_options *o)
{
	tzone_close(&o->zone);
}

static const char *take_limit(const char *value, unsigned *ret_limit)
{
	uint64_t n;

	if (str_u64(value, RECORDING_PAGE_MAX, &n) < 0 || n == 0)
		return "1 to 200";
	*ret_limit = (unsigned)n;
	return NULL;
}

/* @return what is wrong or NULL */
static const char *take_option(struct list_options *o, const char *name,
			       const char *value)
{
	if (str_eq(name, "--tenant"))
		o->tenant = value;
	else if (str_eq(name, "-q"))
		o->filter.q = value;
	else if (str_eq(name, "--participant"))
		o->filter.participant = value;
	else if (str_eq(name, "--cursor"))
		o->filter.cursor = value;
	else if (str_eq(name, "--from"))
		o->from = value;
	else if (str_eq(name, "--to"))
		o->to = value;
	else if (str_eq(name, "--tz"))
		o->tz = value;
	else if (str_eq(name, "--limit"))
		return take_limit(value, &o->filter.limit);
	else
		return "unknown option";
	return NULL;
}

static int read_time(const struct list_options *o, const char *name,
		     const char *value, int64_t *ret_us)
{
	bool end = str_eq(name, "--to");

	if (!value || tdate_parse(o->zone, true, value, end, ret_us) == 0)
		return CLI_OK;
	return cli_usage(WORD,
			 "%s: dates and times look like 2026-01-31, "
			 "2026-01-31T09:30 or 2026-01-31T09:30:00Z",
			 name);
}

/* The zone first: in it the times are meant, wherever it was named. */
static int read_times(struct list_options *o)
{
	int r;

	if (!o->tz)
		tzone_open_here(&o->zone, o->zone_name);
	else if (!str_copy(o->zone_name, sizeof(o->zone_name), o->tz) ||
		 tzone_open(o->tz, &o->zone) < 0)
		return cli_usage(WORD, "--tz: a zone such as Europe/London");
	r = read_time(o, "--from", o->from, &o->filter.from_us);
	return r == CLI_OK ? read_time(o, "--to", o->to, &o->filter.to_us) : r;
}

static int parse_list(int argc, char **argv, struct list_options *o)
{
	for (int i = 2; i < argc; i += 2) {
		const char *bad = i + 1 < argc
					  ? take_option(o, argv[i], argv[i + 1])
					  : "unknown option or its value is "
					    "missing";

		if (bad)
			return cli_usage(WORD, "%s: %s", argv[i], bad);
	}
	return read_times(o);
}

static int add_json(void *arg, const struct recording *rec)
{
	json_t *j = recording_json(rec, RECORDING_JSON_INSIDE);

	return j && json_array_append_new(arg, j) == 0 ? 0 : -ENOMEM;
}

static void put_duration(FILE *f, int64_t us)
{
	int64_t s = us / 1000000;

	fprintf(f, "%3" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60),
		(int)(s % 60));
}

static void put_party(FILE *f, const struct recording_participant *p)
{
	cli_put_text(f, *p->name ? p->name : p->aor);
}

static void put_participants(FILE *f, const struct recording *rec)
{
	for (unsigned i = 0; i < rec->n_participants; i++) {
		fputs(i ? ", " : "", f);
		put_party(f, &rec->participants[i]);
	}
}

static int put_line(void *arg, const struct recording *rec)
{
	const struct list_options *o = arg;
	char started[TDATE_MAX];
	FILE *f = stdout;

	tdate_format_exact(o->zone, rec->started_us, started);
	fprintf(f, "%-36s  %s  ", rec->id, started);
	put_duration(f, rec->duration_us);
	fprintf(f, "  %-9s  ",
		rec->paused ? "paused" : recording_state_word(rec->state));
	put_participants(f, rec);
	if (rec->n_warnings)
		fprintf(f, "  (%u warning%s)", rec->n_warnings,
			rec->n_warnings == 1 ? "" : "s");
	fputc('\n', f);
	return 0;
}

static int list_failed(int64_t error)
{
	if (error == -EINVAL)
		return cli_usage(WORD, "--cursor: none that a list printed");
	return cli_catalog_failed(WORD, "list", error);
}

static int list_json(struct cli_catalog *cat, const struct catalog_scope *scope,
		     const struct recording_filter *f)
{
	char cursor[RECORDING_CURSOR_MAX];
	json_t *items = json_array();
	int64_t r;

	if (!items)
		return cli_catalog_failed(WORD, "list", -ENOMEM);
	r = recording_list(cat->db, scope, f, add_json, items, cursor);
	if (r < 0) {
		json_decref(items);
		return list_failed(r);
	}
	return cli_print_json(
		json_pack("{s:o, s:o}", "items", items, "next_cursor",
			  *cursor ? json_string(cursor) : json_null()));
}

static int list_table(struct cli_catalog *cat,
		      const struct catalog_scope *scope, struct list_options *o)
{
	char cursor[RECORDING_CURSOR_MAX];
	int64_t r;

	if (!o->filter.cursor && !str_eq(o->zone_name, "UTC"))
		printf("Dates and times are in %s.\n", o->zone_name);
	if (!o->filter.cursor)
		printf("%-36s  %-20s  %9s  %-9s  %s\n", "ID", "STARTED",
		       "LENGTH", "STATE", "PARTICIPANTS");
	r = recording_list(cat->db, scope, &o->filter, put_line, o, cursor);
	if (r < 0)
		return list_failed(r);
	if (*cursor)
		printf("More: --cursor %s\n", cursor);
	return CLI_OK;
}

static int list(struct cli *c, int argc, char **argv)
{
	struct cli_catalog cat CLEANUP(cli_catalog_close) = { 0 };
	struct list_options o CLEANUP(options_fini) = {
		.filter = { .limit = 50, .parts = LIST_PARTS },
	};
	struct catalog_scope scope = { 0 };
	struct id tenant;
	struct number_plan numbers;
	int r;

	r = parse_list(argc, argv, &o);
	if (r == CLI_OK)
		r = cli_catalog_open(c, &cat);
	if (r != CLI_OK)
		return r;
	if (o.tenant) {
		r = tenant_find(cat.db, o.tenant, &tenant);
		if (r < 0)
			return cli_catalog_failed(WORD, "such tenant", r);
		scope.tenant_id = tenant.s;
	}
	r = tenant_plan(cat.db, scope.tenant_id, &cat.settings, &numbers);
	if (r < 0)
		return cli_catalog_failed(WORD, "list", r);
	o.filter.numbers = &numbers;
	return c->json ? list_json(&cat, &scope, &o.filter)
		       : list_table(&cat, &scope, &o);
}

static void show_field(const char *name, const char *value)
{
	if (!*value)
		return;
	printf("%-13s ", name);
	cli_put_text(stdout, value);
	putchar('\n');
}

static void show_time(const char *name, int64_t us)
{
	char text[CLOCK_RFC3339_MAX];

	clock_format(us, text, sizeof(text));
	if (us)
		show_field(name, text);
}

/* ", Alice", or nothing when it is nobody's. */
static void show_party(const struct recording *rec, int ord)
{
	const struct recording_participant *p = recording_party(rec, ord);

	if (!p)
		return;
	printf(", ");
	put_party(stdout, p);
}

static void show_people(const struct recording *rec)
{
	for (unsigned i = 0; i < rec->n_participants; i++) {
		const struct recording_participant *p = &rec->participants[i];

		printf("%-13s ", i ? "" : "participants");
		cli_put_text(stdout, p->aor);
		if (*p->name) {
			printf(" (");
			cli_put_text(stdout, p->name);
			putchar(')');
		}
		putchar('\n');
	}
	for (unsigned i = 0; i < rec->n_streams; i++) {
		const struct recording_stream *s = &rec->streams[i];

		printf("%-13s %u %s %s/%u label ", i ? "" : "streams", s->idx,
		       s->media, *s->codec ? s->codec : "none", s->rate_hz);
		cli_put_text(stdout, *s->label ? s->label : "-");
		show_party(rec, s->participant);
		putchar('\n');
	}
}

static void show_rest(const struct recording *rec)
{
	for (unsigned i = 0; i < rec->n_tracks; i++) {
		const struct recording_track *t = &rec->tracks[i];

		printf("%-13s %s (%s, %" PRIu64 " bytes)", i ? "" : "files",
		       t->blob_key, t->mime, t->bytes);
		show_party(rec, t->participant);
		putchar('\n');
	}
	for (unsigned i = 0; i < rec->n_events; i++) {
		const struct recording_event *ev = &rec->events[i];
		const struct recording_participant *p =
			recording_party(rec, ev->participant);

		printf("%-13s ", i ? "" : "events");
		put_duration(stdout, ev->offset_us);
		printf(" %s", ev->kind);
		show_party(rec, ev->participant);
		if (*ev->text &&
		    !(p && str_eq(ev->text, p->aor) && !*p->name)) {
			printf(": ");
			cli_put_text(stdout, *ev->actor_name ? ev->actor_name
							     : ev->text);
		}
		putchar('\n');
	}
	for (unsigned i = 0; i < rec->n_warnings; i++) {
		const struct recording_warning *w = &rec->warnings[i];

		printf("%-13s %s %s: ", i ? "" : "warnings", w->severity,
		       w->code);
		cli_put_text(stdout, w->detail);
		putchar('\n');
	}
}

/* An id, and what people call it. */
static void show_actor(struct db *db, const char *field, const char *kind,
		       const char *id)
{
	char ref[ACTOR_NAME_MAX], name[ACTOR_NAME_MAX];

	if (!*id)
		return;
	(void)snprintf(ref, sizeof(ref), "%s:%s", kind, id);
	printf("%-13s %s", field, id);
	if (actor_name(db, ref, name) == 0) {
		printf(" (");
		cli_put_text(stdout, name);
		putchar(')');
	}
	putchar('\n');
}

static void show_text(struct db *db, const struct recording *rec)
{
	show_field("id", rec->id);
	show_field("state", rec->paused ? "recording, paused"
					: recording_state_word(rec->state));
	show_time("started", rec->started_us);
	show_time("ended", rec->ended_us);
	printf("%-13s ", "length");
	put_duration(stdout, rec->duration_us);
	putchar('\n');
	show_field("ended by", rec->end_reason);
	show_field("title", rec->title);
	show_field("notes", rec->notes);
	show_field("call-id", rec->call_id);
	show_field(rec->half ? "half of" : "duplicate of", rec->duplicate_of);
	for (unsigned i = 0; i < rec->n_halves; i++)
		show_field("other half", rec->halves[i]->id);
	show_time("media dropped", rec->media_dropped_us);
	show_actor(db, "tenant", "tenant", rec->tenant_id);
	show_actor(db, "owner", "user", rec->owner_id);
	show_actor(db, "client", "client", rec->client_id);
	show_field("grant", rec->grant_id);
	show_field("spool", rec->spool_file);
	show_time("kept until", rec->retain_until_us);
	show_people(rec);
	show_rest(rec);
}

static int show(struct cli *c, int argc, char **argv)
{
	struct cli_catalog cat CLEANUP(cli_catalog_close) = { 0 };
	struct recording *rec CLEANUP(recording_destroy) = NULL;
	const struct catalog_scope all = { 0 };
	int r;

	if (argc != 3)
		return cli_usage(WORD, "show wants the ID of one recording");
	r = cli_catalog_open(c, &cat);
	if (r != CLI_OK)
		return r;
	r = recording_get(cat.db, &all, argv[2], RECORDING_ALL, &rec);
	if (r < 0)
		return cli_catalog_failed(WORD, "such recording", r);
	if (c->json)
		return cli_print_json(recording_json(
			rec, RECORDING_JSON_FULL | RECORDING_JSON_INSIDE));
	show_text(cat.db, rec);
	return CLI_OK;
}

/* ---- signalling ---- */

static const char *parse_signalling(struct cli *c, int argc, char **argv,
				    const char **ret_id,
				    enum signalling_format *ret_format)
{
	*ret_format = c->json ? SIGNALLING_JSON : SIGNALLING_TEXT;
	for (int i = 2; i < argc; i++) {
		if (str_eq(argv[i], "--format") && i + 1 < argc) {
			i++;
			if (str_eq(argv[i], "pcapng"))
				*ret_format = SIGNALLING_PCAPNG;
			else if (!str_eq(argv[i], "text"))
				return "--format is text or pcapng";
		} else if (argv[i][0] != '-' && !*ret_id) {
			*ret_id = argv[i];
		} else {
			return "signalling wants the ID of one recording and "
			       "perhaps --format text|pcapng";
		}
	}
	if (!*ret_id)
		return "signalling wants the ID of one recording";
	if (*ret_format == SIGNALLING_PCAPNG && isatty(STDOUT_FILENO))
		return "pcapng is binary: use > FILE or a pipe";
	return NULL;
}

static int signalling(struct cli *c, int argc, char **argv)
{
	struct cli_catalog cat CLEANUP(cli_catalog_close) = { 0 };
	struct recording *rec CLEANUP(recording_destroy) = NULL;
	struct buf b CLEANUP(buf_fini) = { 0 };
	const struct catalog_scope all = { 0 };
	enum signalling_format format;
	const char *id = NULL, *bad;
	int r;

	bad = parse_signalling(c, argc, argv, &id, &format);
	if (bad)
		return cli_usage(WORD, "%s", bad);
	r = cli_catalog_open(c, &cat);
	if (r != CLI_OK)
		return r;
	r = recording_get(cat.db, &all, id, 0, &rec);
	if (r < 0)
		return cli_catalog_failed(WORD, "such recording", r);
	buf_init(&b, SIGNALLING_BYTES_MAX);
	r = signalling_write(cat.db, rec, format, &b);
	if (r < 0)
		return cli_catalog_failed(WORD, "signalling", r);
	if (fwrite(buf_str(&b), 1, b.len, stdout) != b.len ||
	    fflush(stdout) != 0)
		return cli_catalog_failed(WORD, "output", -errno);
	return CLI_OK;
}

static int metadata(struct cli *c, int argc, char **argv)
{
	struct cli_catalog cat CLEANUP(cli_catalog_close) = { 0 };
	struct recording *rec CLEANUP(recording_destroy) = NULL;
	struct buf b CLEANUP(buf_fini) = { 0 };
	const struct catalog_scope all = { 0 };
	int r;

	if (argc != 3)
		return cli_usage(WORD,
				 "metadata wants the ID of one recording");
	r = cli_catalog_open(c, &cat);
	if (r != CLI_OK)
		return r;
	r = recording_get(cat.db, &all, argv[2], 0, &rec);
	if (r < 0)
		return cli_catalog_failed(WORD, "such recording", r);
	buf_init(&b, METADATA_PRINT_MAX);
	r = cli_metadata_print(cat.db, rec->id, &b);
	if (r == -ENODATA)
		return cli_catalog_failed(WORD, "metadata of it", -ENOENT);
	if (r < 0)
		return cli_catalog_failed(WORD, "metadata", r);
	fputs(buf_str(&b), stdout);
	return CLI_OK;
}

int cli_recordings(struct cli *c, int argc, char **argv)
{
	if (argc >= 2 && str_eq(argv[1], "list"))
		return list(c, argc, argv);
	if (argc >= 2 && str_eq(argv[1], "show"))
		return show(c, argc, argv);
	if (argc >= 2 && str_eq(argv[1], "signalling"))
		return signalling(c, argc, argv);
	if (argc >= 2 && str_eq(argv[1], "metadata"))
		return metadata(c, argc, argv);
	if (argc >= 2 &&
	    (str_eq(argv[1], "pause") || str_eq(argv[1], "resume")))
		return cli_recordings_pause(c, argc, argv);
	if (argc >= 2 && str_eq(argv[1], "hand-over"))
		return cli_recordings_hand_over(c, argc, argv);
	return cli_usage(WORD, "say list, show, signalling, metadata, pause, "
			       "resume or hand-over");
}
