/* srs/cli/cli.h - what every word of the command line gets and gives back.
 *
 * Exit codes of all commands: 0 done; 1 failed while running (stderr says
 * why); 2 wrong usage or configuration; 3 not found; 4 the answer is "no"
 * (verify found damage, grant test refuses, a call was not accepted).
 */
#ifndef SRS_CLI_CLI_H
#define SRS_CLI_CLI_H

#include <stdbool.h>

struct settings;

enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_NOT_FOUND = 3,
	CLI_NO = 4,
};

/* Owner: main.c, for the life of the process. */
struct cli {
	const char *config_path; /* -c FILE, NULL = none given */
	bool json;		 /* --json seen before or after the word */
};

/**
 * Load the settings of -c FILE and make the data folders; prints every error.
 *
 * @return CLI_OK or CLI_USAGE
 */
int cli_settings(struct cli *c, struct settings *ret_settings);

/** Wrong usage: prints "srs WORD: text" and where to get help. @return
 *  CLI_USAGE */
int cli_usage(const char *word, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* argv[0] is the word itself; --json is already taken out. */
int cli_run(struct cli *c, int argc, char **argv);
int cli_demo(struct cli *c, int argc, char **argv);
int cli_check_config(struct cli *c, int argc, char **argv);
int cli_migrate(struct cli *c, int argc, char **argv);
int cli_user(struct cli *c, int argc, char **argv);
int cli_client(struct cli *c, int argc, char **argv);
int cli_grant(struct cli *c, int argc, char **argv);
int cli_tenant(struct cli *c, int argc, char **argv);
int cli_trunk(struct cli *c, int argc, char **argv);
int cli_token(struct cli *c, int argc, char **argv);
int cli_call(struct cli *c, int argc, char **argv);
int cli_record(struct cli *c, int argc, char **argv);
int cli_recordings(struct cli *c, int argc, char **argv);
int cli_export(struct cli *c, int argc, char **argv);
int cli_verify(struct cli *c, int argc, char **argv);
int cli_spool(struct cli *c, int argc, char **argv);

#endif
