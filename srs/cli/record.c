/* `srs record`: the server calls a recording client. */
#include <errno.h>
#include <stdio.h>

#include <jansson.h>

#include "auth/auth.h"
#include "auth/grants.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/cli/cli.h"
#include "srs/cli/args.h"
#include "srs/cli/catalog.h"
#include "srs/cli/pause.h"
#include "storage/commands.h"
#include "storage/db.h"

#define WORD "record"
#define WAIT_US INT64_C(90000000)

struct tenant {
	char id[ID_LEN + 1];
};

static int copy_tenant(void *arg, struct db_row *row)
{
	struct tenant *t = arg;

	(void)str_copy(t->id, sizeof(t->id), db_col_text(row, 0));
	return 0;
}

static char *print_args(const char *from, const char *grant, uint64_t streams,
			const struct cli_list *people)
{
	json_t *list = json_array(), *j;
	char *text;

	for (unsigned i = 0; i < people->n; i++)
		json_array_append_new(list, json_string(people->v[i]));
	j = json_pack("{ss ss sI so}", "from", from, "grant_id", grant,
		      "streams", (json_int_t)streams, "participants", list);
	text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	return text;
}

static int ask(struct cli *c, struct cli_catalog *cat, char *args,
	       const char *grant)
{
	struct clock *clock = clock_real();
	struct command_result res = { 0 };
	struct tenant tenant = { "" };
	struct command_new n = {
		.node = cat->settings.server.name,
		.tenant_id = tenant.id,
		.kind = "record",
		.args = args,
		.actor = "operator",
		.asked_us = clock_wall_us(clock),
	};
	int64_t id = 0, found;
	int r;

	found = db_query(cat->db, "SELECT tenant_id FROM grants WHERE id = $1",
			 DB_ARGS(db_text(grant)), copy_tenant, &tenant);
	if (found <= 0)
		return cli_catalog_failed(WORD, "such grant",
					  found < 0 ? found : -ENOENT);
	r = command_add(cat->db, &n, &id);
	if (r == 0)
		r = command_wait(cat->db, clock, id, WAIT_US, &res);
	if (r < 0)
		return cli_catalog_failed(WORD, "call", r);
	return cli_command_print(c, WORD, id, &res);
}

int cli_record(struct cli *c, int argc, char **argv)
{
	struct cli_catalog cat CLEANUP(cli_catalog_close) = { 0 };
	const char *from = NULL, *grant = NULL, *streams = "32";
	struct cli_list people = { 0 };
	const struct cli_option table[] = {
		{ .name = "--from", .value = &from, .required = true },
		{ .name = "--grant", .value = &grant, .required = true },
		{ .name = "--streams", .value = &streams },
		{ .name = "--participant", .list = &people },
	};
	uint64_t n;
	char *args;
	int r;

	r = cli_args(WORD, argc - 1, argv + 1, table, ARRAY_SIZE(table), NULL);
	if (r != CLI_OK)
		return r;
	if (str_u64(streams, 32, &n) < 0 || n == 0)
		return cli_usage(WORD, "--streams is 1 to 32");
	r = cli_catalog_open(c, &cat);
	if (r != CLI_OK)
		return r;
	args = print_args(from, grant, n, &people);
	if (!args)
		return cli_catalog_failed(WORD, "call", -ENOMEM);
	r = ask(c, &cat, args, grant);
	mem_free(args);
	return r;
}
