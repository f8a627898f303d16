/* Authorization codes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/auth_priv.h"
#include "auth/grants.h"
#include "auth/token_row.h"
#include "base/mem.h"
#include "storage/db.h"

/* ---- codes ------------------------------------------------------------- */

static bool b64url_chars(const char *s, size_t min, size_t max,
			 const char *more)
{
	size_t n;

	for (n = 0; s[n]; n++)
		if (!(s[n] >= '0' && s[n] <= '9') &&
		    !((s[n] | 0x20) >= 'a' && (s[n] | 0x20) <= 'z') &&
		    !strchr(more, s[n]))
			return false;
	return n >= min && n <= max;
}

int token_code_issue(struct auth *a, const struct token_code *code,
		     char ret_code[TOKEN_MAX])
{
	uint8_t mac[AUTH_MAC_LEN];
	struct token_form f;
	int64_t r;

	if (!code->challenge || !b64url_chars(code->challenge, 43, 43, "-_"))
		return -EINVAL;
	token_form_random("ac", &f);
	token_form_mac(a, &f, mac);
	r = db_exec(a->db,
		    "INSERT INTO codes (id, mac, client_id, grant_id, "
		    "redirect_uri, challenge, scope, expires_us) VALUES "
		    "($1, $2, $3, $4, $5, $6, $7, $8)",
		    DB_ARGS(db_text(f.id), db_blob(mac, sizeof(mac)),
			    db_text(code->client_id), db_text(code->grant_id),
			    db_text(code->redirect_uri),
			    db_text(code->challenge), db_text(code->scope),
			    db_int(auth_now_us(a) + a->code_us)));
	if (r < 0)
		return (int)r;
	token_form_text(&f, ret_code);
	return 0;
}

struct code_row {
	uint8_t mac[AUTH_MAC_LEN];
	char client_id[ID_LEN + 1];
	char grant_id[ID_LEN + 1];
	char challenge[64];
	char scope[TOKEN_SCOPE_MAX];
	char family_id[ID_LEN + 1];
	const char *redirect_uri; /* in: what was sent now */
	bool redirect_same;
	int64_t expires_us, used_us;
};

static int on_code(void *arg, struct db_row *row)
{
	struct code_row *c = arg;
	const void *mac;
	size_t len;

	mac = db_col_blob(row, 0, &len);
	if (mac && len == sizeof(c->mac))
		memcpy(c->mac, mac, len);
	auth_col(row, 1, c->client_id, sizeof(c->client_id));
	auth_col(row, 2, c->grant_id, sizeof(c->grant_id));
	c->redirect_same = str_eq(db_col_text(row, 3), c->redirect_uri);
	auth_col(row, 4, c->challenge, sizeof(c->challenge));
	(void)scope_cut(db_col_text(row, 5), SCOPE_GRANT, c->scope);
	c->expires_us = db_col_int(row, 6);
	c->used_us = db_col_int(row, 7);
	auth_col(row, 8, c->family_id, sizeof(c->family_id));
	return 1;
}

static bool verifier_ok(const char *verifier, const char *challenge)
{
	uint8_t hash[32];
	char text[48];

	if (!verifier || !b64url_chars(verifier, 43, 128, "-._~"))
		return false;
	auth_sha256(verifier, strlen(verifier), hash);
	str_b64url(text, hash, sizeof(hash));
	return strlen(challenge) == strlen(text) &&
	       mem_equal_ct(text, challenge, strlen(text));
}

/* First use: pair of a new family, which the row remembers. */
static int issue_for(struct auth *a, const char *code_id,
		     const struct code_row *c, const char *scope,
		     struct token_pair *ret_pair)
{
	struct token_row row;
	struct token_form f;
	char actor[64];
	int r;

	(void)snprintf(actor, sizeof(actor), "client:%s", c->client_id);
	r = token_issue(a, c->grant_id, scope, actor, ret_pair);
	if (r < 0)
		return r;
	r = token_row_find(a, span_of(ret_pair->access), &f, &row);
	if (r < 0)
		return r;
	return auth_exec_one(db_exec(
		a->db, "UPDATE codes SET family_id = $1 WHERE id = $2",
		DB_ARGS(db_text(row.info.family_id), db_text(code_id))));
}

static int redeem(struct auth *a, const struct token_form *f,
		  const char *client_id, const char *redirect_uri,
		  const char *verifier, const char *asked,
		  struct token_pair *ret_pair)
{
	struct code_row c = { .redirect_uri = redirect_uri };
	char scope[TOKEN_SCOPE_MAX];
	uint8_t mac[AUTH_MAC_LEN];
	int64_t n;
	int r;

	n = db_query(a->db,
		     "SELECT mac, client_id, grant_id, redirect_uri, "
		     "challenge, scope, expires_us, used_us, family_id "
		     "FROM codes WHERE id = $1",
		     DB_ARGS(db_text(f->id)), on_code, &c);
	if (n <= 0)
		return n < 0 ? (int)n : -ENOENT;
	token_form_mac(a, f, mac);
	if (!mem_equal_ct(mac, c.mac, sizeof(mac)))
		return -EKEYREJECTED;
	if (!str_eq(c.client_id, client_id))
		return -EACCES;
	if (c.used_us) {
		r = c.family_id[0]
			    ? token_family_revoke(a, c.family_id,
						  "code used twice", "system")
			    : 0;
		return r < 0 ? r : -EALREADY;
	}
	if (auth_now_us(a) >= c.expires_us)
		return -EKEYEXPIRED;
	if (scope_read(asked, c.scope, scope) < 0)
		return -ERANGE;
	r = auth_exec_one(
		db_exec(a->db, "UPDATE codes SET used_us = $1 WHERE id = $2",
			DB_ARGS(db_int(auth_now_us(a)), db_text(f->id))));
	if (r < 0)
		return r;
	if (!c.redirect_same || !verifier_ok(verifier, c.challenge)) {
		r = grant_drop_unused(a, c.grant_id,
				      "its code could not be exchanged");
		return r < 0 ? r : -EINVAL;
	}
	return issue_for(a, f->id, &c, scope, ret_pair);
}

int token_code_redeem(struct auth *a, struct span code, const char *client_id,
		      const char *redirect_uri, const char *verifier,
		      const char *scope, struct token_pair *ret_pair)
{
	struct token_form f;
	int r;

	if (token_form_parse(code, &f) < 0 || !str_eq(f.kind, "ac"))
		return -EBADMSG;
	r = db_begin(a->db);
	if (r < 0)
		return r;
	r = redeem(a, &f, client_id, redirect_uri, verifier, scope, ret_pair);
	/* -EINVAL: the code stays used up */
	return auth_end(a, r, r == 0 || r == -EALREADY || r == -EINVAL);
}
