/* srs/cli/catalog.h - what the commands about recordings share. */
#ifndef SRS_CLI_CATALOG_H
#define SRS_CLI_CATALOG_H

#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "base/settings.h"

struct cli;
struct db;
struct blob_store;

/* Zero it first; CLEANUP(cli_catalog_close). */
struct cli_catalog {
	struct settings settings;
	struct db *db;
	struct blob_store *blobs;
};

/** Open the catalog and the files of -c FILE; prints what is wrong.
 *  @return enum cli_exit */
int cli_catalog_open(struct cli *c, struct cli_catalog *cat);
void cli_catalog_close(struct cli_catalog *cat);

/** "srs WORD: what: reason" on stderr. @return CLI_NOT_FOUND for -ENOENT,
 *  else CLI_FAILED */
int cli_catalog_failed(const char *word, const char *what, int64_t error);

/** One JSON value and a newline on stdout; takes j. @return enum cli_exit */
int cli_print_json(json_t *j);

/** Print text of a call without what could steer a terminal. */
void cli_put_text(FILE *f, const char *s);

#endif
