/* srs/cli/aor.h - who is given which addresses: `srs user set`, and the part of
 * `srs tenant` that is about them. */
#ifndef SRS_CLI_AOR_H
#define SRS_CLI_AOR_H

#include <stdint.h>

#include <jansson.h>

struct cli;
struct cli_auth;
struct cli_list;

/** The owners whom a listener hears. @return new list, NULL: db's error or no
 *  memory */
json_t *cli_user_listens_json(struct cli_auth *a, const char *id);

/** @return enum cli_exit */
int cli_user_set(struct cli *c, int argc, char **argv);

/** Give an account addresses and take others: all of it or nothing.
 *  @return 0 or -errno (a->e says why) */
int cli_tenant_aors(struct cli_auth *a, const char *id,
		    const struct cli_list *add, const struct cli_list *gone);
/** One line each. @return how many or -errno */
int64_t cli_tenant_aors_print(struct cli_auth *a, const char *id);
/** @return new list, NULL: db's error or no memory */
json_t *cli_tenant_aors_json(struct cli_auth *a, const char *id);

#endif
