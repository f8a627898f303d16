/* auth/token_form.h - the text of tokens: "srs_<kind>_<id>.<secret><crc>".
 *
 * Making, reading (form and CRC, no database) and hashing. Used by the files
 * of auth/ only; fuzzed by fuzz_token. Pure.
 */
#ifndef AUTH_TOKEN_FORM_H
#define AUTH_TOKEN_FORM_H

#include <stdbool.h>

#include "auth/tokens.h"

#define TOKEN_SECRET_LEN 43
#define TOKEN_CRC_LEN 6
#define TOKEN_LEN (7 + TOKEN_ID_LEN + 1 + TOKEN_SECRET_LEN + TOKEN_CRC_LEN)

/* A token taken apart. */
struct token_form {
	char kind[3]; /* "at", "rt", "ac", "cs", "pr" */
	char id[TOKEN_ID_LEN + 1];
	char secret[TOKEN_SECRET_LEN + 1];
};

/** @return 0, -EBADMSG */
int token_form_parse(struct span text, struct token_form *ret_form);

/** Draw a new one. */
void token_form_random(const char *kind, struct token_form *ret_form);

/** The one token of this kind that follows old; see auth/tokens.h. */
void token_form_derive(const struct auth *a, const struct token_form *old,
		       const char *kind, struct token_form *ret_form);

void token_form_text(const struct token_form *f, char dst[TOKEN_MAX]);

/** What is stored. */
void token_form_mac(const struct auth *a, const struct token_form *f,
		    uint8_t ret_mac[AUTH_MAC_LEN]);

#endif
