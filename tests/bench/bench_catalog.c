/* What the catalog costs: a call's rows in sip's transaction, and a page of
 * the list in a big catalog.
 *
 *	bench_catalog [RECORDINGS] [FOLDER]
 *
 * Prints lines of "name value unit". */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "storage/catalog.h"
#include "storage/catalog_search.h"
#include "storage/db.h"
#include "storage/migrate.h"

#define SEC INT64_C(1000000)
#define T0 (INT64_C(1700000000) * SEC)
#define BATCH 10 /* calls of one turn of the event loop */

static const char *const names[] = { "Alice Adams", "Bob Brown",  "Carol Clark",
				     "Dave Dunn",   "Erin Evans", "Frank Fox" };

static void must(int64_t r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "bench_catalog: %s: %s\n", what, err_words((int)r));
	exit(1);
}

static int64_t now_us(void)
{
	return clock_mono_us(clock_real());
}

/* What sip writes when a call is accepted: the INVITE and the 200 too. */
static void add_call(struct db *db, const struct id *tenant, uint64_t n)
{
	static char invite[1800];
	char aor[2][64];
	struct recording_participant people[2];
	struct recording_stream streams[2];
	struct recording_message m = { .at_us = T0,
				       .dir = "in",
				       .transport = "udp",
				       .peer = "192.0.2.1:5060",
				       .body = invite,
				       .len = sizeof(invite) };
	struct recording_new rn = {
		.tenant_id = tenant->s,
		.owner_id = n % 10 ? "o1" : "o2",
		.client_id = "c",
		.grant_id = "g",
		.call_id = "a84b4c76e66710@pc33.atlanta.example.com",
		.node = "n",
		.spool_file = "x.spool",
		.started_us = T0 + (int64_t)n * SEC,
		.dialog = "{\"from\":\"x\",\"to\":\"y\",\"route\":[]}",
		.participants = people,
		.n_participants = 2,
		.streams = streams,
		.n_streams = 2,
	};
	struct id id;

	memset(people, 0, sizeof(people));
	memset(streams, 0, sizeof(streams));
	memset(invite, 'x', sizeof(invite));
	for (unsigned i = 0; i < 2; i++) {
		(void)snprintf(aor[i], sizeof(aor[i]),
			       "sip:user%" PRIu64 "@example.com",
			       (n * 7919 + i) % 5003);
		people[i].ord = streams[i].idx = i;
		people[i].aor = aor[i];
		people[i].name = names[(n + i) % ARRAY_SIZE(names)];
		streams[i].media = "audio";
		streams[i].codec = "PCMU";
		streams[i].label = "1";
		streams[i].participant = (int)i;
	}
	id_new(&id, rn.started_us);
	rn.id = id.s;
	must(recording_create(db, &rn), "create");
	must(recording_add_message(db, id.s, &m), "message");
	m.dir = "out";
	m.len = 900;
	must(recording_add_message(db, id.s, &m), "message");
	must(recording_finish(db, id.s, rn.started_us + 60 * SEC, "bye", NULL,
			      rn.started_us),
	     "finish");
}

/* What upkeep does behind the calls. */
static void index_words(struct db *db, uint64_t count)
{
	int64_t begin = now_us();
	int n;

	do {
		n = catalog_index_new(db, 64);
		must(n, "index");
	} while (n > 0);
	printf("catalog_index %.1f us each\n",
	       (double)(now_us() - begin) / (double)(count ? count : 1));
}

static void fill(struct db *db, const struct id *tenant, uint64_t count)
{
	uint64_t timed = count < 2000 ? count : 2000;
	int64_t begin = now_us(), took;
	uint64_t n = 0;

	/* as sip does: durable commits of a few calls */
	while (n < timed) {
		must(db_begin(db), "begin");
		for (int i = 0; i < BATCH && n < timed; i++)
			add_call(db, tenant, n++);
		must(db_commit(db), "commit");
	}
	took = now_us() - begin;
	printf("catalog_call %.1f us\n",
	       (double)took / (double)(timed ? timed : 1));
	/* the rest as fast as it goes */
	must(db_script(db, "PRAGMA synchronous = OFF", NULL), "pragma");
	while (n < count) {
		must(db_begin(db), "begin");
		for (int i = 0; i < 5000 && n < count; i++)
			add_call(db, tenant, n++);
		must(db_commit(db), "commit");
	}
	index_words(db, count);
	must(catalog_optimize(db), "optimize");
	must(catalog_checkpoint(db), "checkpoint");
}

static int count_item(void *arg, const struct recording *rec)
{
	*(uint64_t *)arg += rec->n_participants;
	return 0;
}

static void time_list(struct db *db, const char *name,
		      const struct catalog_scope *scope,
		      struct recording_filter f)
{
	char cursor[RECORDING_CURSOR_MAX];
	uint64_t seen = 0;
	int64_t begin, n = 0;

	f.limit = 50;
	f.parts = RECORDING_PARTICIPANTS | RECORDING_WARNINGS;
	begin = now_us();
	for (int i = 0; i < 5; i++) {
		n = recording_list(db, scope, &f, count_item, &seen, cursor);
		must(n, name);
	}
	printf("catalog_list_%s %.2f ms (%" PRId64 " items)\n", name,
	       (double)(now_us() - begin) / 5000.0, n);
}

static void time_lists(struct db *db, const struct id *tenant, uint64_t count)
{
	const struct catalog_scope of_tenant = { .tenant_id = tenant->s };
	const struct catalog_scope of_owner = { .tenant_id = tenant->s,
						.owner_id = "o2" };
	struct catalog_usage usage;
	char deep[RECORDING_CURSOR_MAX];
	int64_t begin;

	(void)snprintf(deep, sizeof(deep),
		       "%" PRId64 "_00000000-0000-7000-8000-000000000000",
		       T0 + (int64_t)(count / 2) * SEC);
	time_list(db, "first", &of_tenant, (struct recording_filter){ 0 });
	time_list(db, "deep", &of_tenant,
		  (struct recording_filter){ .cursor = deep });
	time_list(db, "owner", &of_owner, (struct recording_filter){ 0 });
	time_list(db, "participant", &of_tenant,
		  (struct recording_filter){ .participant = "user4242" });
	time_list(db, "rare_word", &of_tenant,
		  (struct recording_filter){ .q = "user4242" });
	time_list(db, "common_word", &of_tenant,
		  (struct recording_filter){ .q = "alice" });
	time_list(db, "no_hit", &of_tenant,
		  (struct recording_filter){ .q = "nobody" });
	begin = now_us();
	must(usage_of_grant(db, "g", T0 + (int64_t)(count - count / 100) * SEC,
			    &usage),
	     "usage");
	printf("catalog_usage %.3f ms\n", (double)(now_us() - begin) / 1000.0);
}

int main(int argc, char **argv)
{
	char dir[256], path[300];
	struct db *db = NULL;
	struct err e = { 0 };
	struct id tenant;
	uint64_t count = 20000;

	if (argc > 1 && str_u64(argv[1], 100000000, &count) < 0) {
		fprintf(stderr, "bench_catalog [RECORDINGS] [FOLDER]\n");
		return 2;
	}
	(void)snprintf(dir, sizeof(dir), "%s/srs-bench-XXXXXX",
		       argc > 2 ? argv[2] : "/tmp");
	if (!mkdtemp(dir))
		return 1;
	(void)snprintf(path, sizeof(path), "%s/catalog.db", dir);
	must(db_open(path, &db, &e), e.text);
	must(migrate_run(db, false, T0, NULL, NULL, &e), e.text);
	must(tenant_create(db, "t", T0, &tenant), "tenant");
	fill(db, &tenant, count);
	time_lists(db, &tenant, count);
	db_close(&db);
	(void)unlink(path); /* the log goes with the last connection */
	(void)rmdir(dir);
	return 0;
}
