/* srs/cli/args.h - options of a command from a table.
 *
 * "--name VALUE" and "--name=VALUE"; a list option takes every word up to the
 * next option and may be repeated. Values are borrowed from argv.
 */
#ifndef SRS_CLI_ARGS_H
#define SRS_CLI_ARGS_H

#include <stdbool.h>

struct cli;

#define CLI_LIST_MAX 64

struct cli_list {
	const char *v[CLI_LIST_MAX];
	unsigned n;
};

/* One of value, list, flag is set. */
struct cli_option {
	const char *name; /* "--tenant" */
	const char **value;
	struct cli_list *list;
	bool *flag;
	bool required;
};

/**
 * Read the options that follow a sub-command.
 *
 * @param word  for messages: "user add"
 * @param argv  what follows the sub-command
 * @param rest  words that belong to no option; NULL: there may be none
 *
 * @return CLI_OK or CLI_USAGE (said why)
 */
int cli_args(const char *word, int argc, char **argv,
	     const struct cli_option *table, unsigned n, struct cli_list *rest);

/* "add" of `srs user add`. */
struct cli_sub {
	const char *name;
	/* argv is what follows the name */
	int (*fn)(struct cli *c, int argc, char **argv);
};

/** Call the one that argv[1] names. @return its exit code, or CLI_USAGE (said
 *  which there are) */
int cli_sub(struct cli *c, int argc, char **argv, const struct cli_sub *table,
	    unsigned n);

#endif
