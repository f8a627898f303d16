/* `srs recordings pause | resume | hand-over`. */
#include "srs/cli/pause.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/cli/args.h"
#include "srs/cli/cli.h"
#include "srs/cli/catalog.h"
#include "storage/catalog.h"
#include "storage/catalog_search.h"
#include "storage/commands.h"

#define WORD "recordings"
#define WAIT_US 5000000
#define HAND_OVER_WAIT_US INT64_C(90000000)

int cli_command_print(struct cli *c, const char *word, int64_t id,
		      const struct command_result *res)
{
	double ms = (double)(res->done_us - res->asked_us) / 1e3;
	int code = res->state == COMMAND_DONE	   ? CLI_OK
		   : res->state == COMMAND_REFUSED ? CLI_NO
						   : CLI_FAILED;

	if (c->json) {
		json_t *j = json_pack("{sI ss ss ss sf}", "command_id",
				      (json_int_t)id, "state",
				      command_state_word(res->state),
				      "recording_id", res->recording_id,
				      "detail", res->detail, "took_ms",
				      res->done_us ? ms : 0.0);
		int r = cli_print_json(j);

		return r == CLI_OK ? code : r;
	}
	if (code == CLI_OK)
		printf("%s  done in %.1f ms\n", res->recording_id, ms);
	else
		fprintf(stderr, "srs %s: %s: %s\n", word,
			command_state_word(res->state),
			res->detail[0] ? res->detail
				       : "the server did not answer in time");
	return code;
}

static int ask(struct cli *c, const char *kind, const char *recording,
	       const char *args, int64_t wait_us)
{
	struct cli_catalog cat CLEANUP(cli_catalog_close) = { 0 };
	struct recording *rec CLEANUP(recording_destroy) = NULL;
	const struct catalog_scope all = { 0 };
	struct clock *clock = clock_real();
	struct command_new n = { .kind = kind,
				 .args = args,
				 .actor = "operator" };
	struct command_result res = { 0 };
	int64_t id = 0;
	int r;

	r = cli_catalog_open(c, &cat);
	if (r != CLI_OK)
		return r;
	r = recording_get(cat.db, &all, recording, 0, &rec);
	if (r < 0)
		return cli_catalog_failed(WORD, "such recording", r);
	if (rec->state != RECORDING_LIVE) {
		fprintf(stderr, "srs recordings: the call is over\n");
		return CLI_FAILED;
	}
	n.node = rec->node;
	n.tenant_id = rec->tenant_id;
	n.recording_id = rec->id;
	n.asked_us = clock_wall_us(clock);
	r = command_add(cat.db, &n, &id);
	if (r == 0)
		r = command_wait(cat.db, clock, id, wait_us, &res);
	if (r < 0)
		return cli_catalog_failed(WORD, kind, r);
	return cli_command_print(c, WORD, id, &res);
}

int cli_recordings_pause(struct cli *c, int argc, char **argv)
{
	if (argc != 3)
		return cli_usage(WORD, "%s wants the id of a recording",
				 argv[1]);
	return ask(c, argv[1], argv[2], NULL, WAIT_US);
}

int cli_recordings_hand_over(struct cli *c, int argc, char **argv)
{
	const char *to = NULL;
	struct cli_list ids = { 0 };
	const struct cli_option table[] = {
		{ .name = "--to", .value = &to, .required = true },
	};
	json_t *j;
	char *args;
	int r;

	r = cli_args("recordings hand-over", argc - 2, argv + 2, table,
		     ARRAY_SIZE(table), &ids);
	if (r != CLI_OK)
		return r;
	if (ids.n != 1)
		return cli_usage(WORD,
				 "hand-over wants the id of one recording");
	j = json_pack("{ss}", "to", to);
	args = j ? json_dumps(j, JSON_COMPACT) : NULL;
	json_decref(j);
	r = args ? ask(c, "hand-over", ids.v[0], args, HAND_OVER_WAIT_US)
		 : cli_catalog_failed(WORD, "hand-over", -ENOMEM);
	mem_free(args);
	return r;
}
