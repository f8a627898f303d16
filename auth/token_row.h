/* auth/token_row.h - one token as the database has it. For auth/ only. */
#ifndef AUTH_TOKEN_ROW_H
#define AUTH_TOKEN_ROW_H

#include <stdbool.h>

#include "auth/token_form.h"

struct token_row {
	struct token_info info;
	uint8_t mac[AUTH_MAC_LEN];
	int64_t revoked_us;
	int64_t used_us;
	int64_t grant_expires_us;
	bool family_revoked;
	bool grant_revoked;
	bool disabled; /* client or user */
	bool no_scope; /* nothing that it was given is granted (any more) */
};

/** @return 0, -ENOENT, db's error */
int token_row_get(struct auth *a, const char *id, struct token_row *ret_row);

/** By text: form, row, kind and secret. @return 0, -EBADMSG, -ENOENT,
 *  -EKEYREJECTED */
int token_row_find(struct auth *a, struct span token, struct token_form *ret_f,
		   struct token_row *ret_row);

/** Is it good at this moment? 0, -EKEYREVOKED, -EKEYEXPIRED */
int token_row_state(const struct auth *a, const struct token_row *row);

/** Store f; info says everything but the id. */
int token_row_put(struct auth *a, const struct token_form *f,
		  const struct token_info *info, const char *name);

/** A new family, a pair with these two forms in it. like: client, grant, user,
 *  tenant and scope. */
int token_family_new(struct auth *a, const char *grant_id,
		     char ret_id[ID_LEN + 1]);
int token_pair_put(struct auth *a, const struct token_info *like,
		   const char *access_scope, int64_t grant_expires_us,
		   const struct token_form *at, const struct token_form *rt,
		   struct token_pair *ret_pair);

#endif
