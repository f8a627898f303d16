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

/* Columns and tables of token_row_read(); c and u are its client and user. */
#define TOKEN_ROW_SQL_COLUMNS                                                  \
	"t.kind, t.mac, t.family_id, t.tenant_id, t.client_id, t.grant_id, "   \
	"t.user_id, t.scope, t.issued_us, t.expires_us, t.revoked_us, "        \
	"t.used_us, f.revoked_us, g.state, g.expires_us, c.disabled, "         \
	"u.disabled, g.scope"
#define TOKEN_ROW_COLUMNS_N 18
#define TOKEN_ROW_SQL_TABLES                                                   \
	" FROM tokens t LEFT JOIN token_families f ON f.id = t.family_id "     \
	"LEFT JOIN grants g ON g.id = t.grant_id "                             \
	"LEFT JOIN clients c ON c.id = t.client_id "                           \
	"LEFT JOIN users u ON u.id = t.user_id "

struct db_row;

/** All but the id. @param ret_row zeroed before */
void token_row_read(struct db_row *row, struct token_row *ret_row);
const char *token_kind_name(enum token_kind kind);

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
