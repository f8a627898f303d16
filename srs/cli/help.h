/* srs/cli/help.h - what `srs help` prints. */
#ifndef SRS_CLI_HELP_H
#define SRS_CLI_HELP_H

#include <stdio.h>

void help_overview(FILE *f);

/** Print the page of a word (NULL: the overview) to stdout. @return exit code:
 *  0, or CLI_USAGE for an unknown word */
int help_print(const char *word);

#endif
