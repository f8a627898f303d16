/* srs/cli/grant_test.h - `srs grant test`: would this call be recorded? */
#ifndef SRS_CLI_GRANT_TEST_H
#define SRS_CLI_GRANT_TEST_H

struct cli;
struct err;

/** argv: what follows "test". @return enum cli_exit, CLI_NO when it would not
 */
int cli_grant_test(struct cli *c, int argc, char **argv);

/** The JSON of --details FILE ("-": stdin). Caller frees. 0 or -errno */
int cli_read_details(const char *path, char **ret_text, struct err *e);

#endif
