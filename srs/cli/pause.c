/* `srs recordings pause | resume`. */
#include "srs/cli/pause.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/cli/cli.h"
#include "srs/cli/catalog.h"
#include "storage/catalog.h"
#include "storage/catalog_search.h"
#include "storage/commands.h"

#define WORD "recordings"
#define WAIT_US 5000000

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

int cli_recordings_pause(struct cli *c, int argc, char **argv)
{
	struct cli_catalog cat CLEANUP(cli_catalog_close) = { 0 };
	struct recording *rec CLEANUP(recording_destroy) = NULL;
	const struct catalog_scope all = { 0 };
	struct clock *clock = clock_real();
	struct command_new n = { .kind = argv[1], .actor = "operator" };
	struct command_result res = { 0 };
	int64_t id = 0;
	int r;

	if (argc != 3)
		return cli_usage(WORD, "%s wants the id of a recording",
				 argv[1]);
	r = cli_catalog_open(c, &cat);
	if (r != CLI_OK)
		return r;
	r = recording_get(cat.db, &all, argv[2], 0, &rec);
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
		r = command_wait(cat.db, clock, id, WAIT_US, &res);
	if (r < 0)
		return cli_catalog_failed(WORD, argv[1], r);
	return cli_command_print(c, WORD, id, &res);
}
