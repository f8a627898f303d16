/* srs/cli/pause.h - commands to a running server by the catalog. */
#ifndef SRS_CLI_PAUSE_H
#define SRS_CLI_PAUSE_H

#include <stdint.h>

struct cli;
struct command_result;

/** argv[1] is "pause" or "resume". @return enum cli_exit */
int cli_recordings_pause(struct cli *c, int argc, char **argv);
/** argv[1] is "hand-over". @return enum cli_exit */
int cli_recordings_hand_over(struct cli *c, int argc, char **argv);

/** Say how a command went. @return enum cli_exit: CLI_NO when refused */
int cli_command_print(struct cli *c, const char *word, int64_t id,
		      const struct command_result *res);

#endif
