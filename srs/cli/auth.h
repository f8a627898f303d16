/* srs/cli/auth.h - what the commands about users, clients, grants and tokens
 * share: the catalog, brought to this program's schema, and the token key.
 *
 * They work beside a running server (WAL) and before its first start.
 */
#ifndef SRS_CLI_AUTH_H
#define SRS_CLI_AUTH_H

#include <jansson.h>
#include <stdint.h>

#include "auth/auth.h"
#include "base/err.h"
#include "base/settings.h"

struct cli;

#define CLI_ACTOR "operator"

/* Zero it first; CLEANUP(cli_auth_close). */
struct cli_auth {
	struct settings settings;
	struct db *db;
	struct auth auth;
	struct err e;
};

/** @return enum cli_exit; prints what is wrong */
int cli_auth_open(struct cli *c, struct cli_auth *a);
void cli_auth_close(struct cli_auth *a);

/** "srs WORD: text" from a->e or, when that is empty, error.
 *  @return CLI_NOT_FOUND for -ENOENT, CLI_USAGE for -EINVAL, else CLI_FAILED */
int cli_auth_failed(const struct cli_auth *a, const char *word, int64_t error);

/* Where a list goes: lines on stdout, or objects for --json. */
struct cli_listing {
	struct cli_auth *a;
	json_t *items; /* NULL: lines */
};

/** Print or collect those of a tenant (NULL: of all).
 *  @return how many or -errno */
typedef int64_t cli_each_fn(struct cli_listing *l, const char *tenant_id);

/** `srs WORD [--tenant NAME]`, word "user list". @return enum cli_exit */
int cli_auth_list(struct cli *c, int argc, char **argv, const char *word,
		  cli_each_fn *each);

/** Take an object into a list. @return 0 or -ENOMEM (also when j is NULL) */
int cli_listing_add(struct cli_listing *l, json_t *j);

/** RFC 3339 in UTC; "" for 0. */
void cli_time(int64_t us, char *dst, unsigned dst_len);

#endif
