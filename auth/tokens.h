/* auth/tokens.h - opaque tokens: issue, check, refresh, revoke, introspect.
 *
 * A token is "srs_<kind>_<id>.<secret><crc>": id 16 and secret 43 characters of
 * base64url, crc the CRC-32 of all before it in 6 more, so junk is refused
 * without the database. Kinds: at access, rt refresh, ac authorization code,
 * cs client secret (auth/clients.h). Stored is the HMAC of the secret; the row
 * is found by id and the HMAC compared in constant time.
 *
 * Scopes (auth/scope.h): a grant's token has both unless less was asked for;
 * what its row says is cut to what the grant has at each use. Over the API it
 * sees only recordings made under its grant. A user's API token has
 * "recordings" and that user's rights; a client's own token
 * (client_credentials) has "recordings" and sees what the client made under
 * grants that are alive and have that word.
 *
 * Families: all tokens that descend from one authorization. Refresh rotates:
 * the old refresh token is used up and one successor pair exists. The
 * successor is *derived*, not drawn: its ids and secrets are HMACs, with the
 * server's key, over the old token. So whoever presents the old token again
 * within the grace time (lost answer, N parallel refreshes) gets the very same
 * pair although nothing is stored in clear, and without the key nobody can go
 * from one token to the next. After the grace time a second use means that two
 * parties hold the token: the family is revoked.
 *
 * A refresh token lives refresh_us after its last rotation, never beyond its
 * grant; an access token access_us. An access token that was issued before a
 * refresh stays good until it expires.
 *
 * Source: RFC 6749 sections 4.1, 4.4, 6; RFC 7636; RFC 7009; RFC 7662; RFC
 * 9700 section 4.14.2.
 */
#ifndef AUTH_TOKENS_H
#define AUTH_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"
#include "auth/scope.h"
#include "base/id.h"
#include "base/str.h"

#define TOKEN_MAX 80 /* any token of ours with its NUL */
#define TOKEN_ID_LEN 16

enum token_kind {
	TOKEN_ACCESS,  /* of a grant */
	TOKEN_REFRESH, /* of a grant */
	TOKEN_API,     /* of a user; looks like an access token */
	TOKEN_CLIENT,  /* of a client itself; looks like an access token */
};

/* Who stands behind a token. Ids that don't apply are "". */
struct token_info {
	char id[TOKEN_ID_LEN + 1];
	enum token_kind kind;
	char family_id[ID_LEN + 1];
	char tenant_id[ID_LEN + 1];
	char client_id[ID_LEN + 1];
	char grant_id[ID_LEN + 1];
	char user_id[ID_LEN + 1]; /* the grant's owner or the API user */
	char scope[TOKEN_SCOPE_MAX];
	int64_t issued_us;
	int64_t expires_us;
};

struct token_pair {
	char access[TOKEN_MAX];
	char refresh[TOKEN_MAX]; /* "" when none */
	char scope[TOKEN_SCOPE_MAX];
	char grant_id[ID_LEN + 1];
	int64_t expires_in_s; /* of the access token, from now */
};

/** True for something that looks like one of our tokens of any kind (prefix).
 *  For incident handling and log filters. */
bool token_looks_ours(struct span text);
bool token_looks_refresh(struct span text);

/** Form and CRC only, no database. */
bool token_form_ok(struct span text);

/** First pair of a new family under a grant. @param scope within the grant's;
 *  NULL = all of it. @return 0, -ENOENT no such grant, -EKEYREVOKED, -EINVAL
 *  scope */
int token_issue(struct auth *a, const char *grant_id, const char *scope,
		const char *actor, struct token_pair *ret_pair);

/** A user's API token. @param life_us 0 = until revoked
 *  @return 0, -ENOENT no such user */
int token_issue_api(struct auth *a, const char *user_id, const char *name,
		    int64_t life_us, const char *actor,
		    char ret_token[TOKEN_MAX], char ret_id[TOKEN_ID_LEN + 1]);

/** client_credentials: a short access token of the client itself, no refresh.
 */
int token_issue_client(struct auth *a, const char *client_id,
		       struct token_pair *ret_pair);

/**
 * Who presents this access (or API, or client) token?
 *
 * A good answer means: genuine, not expired, neither it nor its family, grant,
 * client or user revoked or disabled.
 *
 * @param ret_info also filled as far as known on the errors marked *
 *
 * @return 0; -EBADMSG not one of ours or damaged; -ENOENT unknown id;
 *         -EKEYREJECTED wrong secret; -EKEYEXPIRED *; -EKEYREVOKED *;
 *         -EPROTOTYPE * a genuine refresh token; db's error
 */
int token_check(struct auth *a, struct span token, struct token_info *ret_info);

/**
 * Trade a refresh token for the next pair. See above for repeats.
 *
 * @param client_id the authenticated client; must be the token's
 * @param scope     as scope_read() takes it: NULL or a part of the token's
 *
 * @return 0; -EBADMSG, -ENOENT, -EKEYREJECTED, -EKEYEXPIRED, -EKEYREVOKED as
 *         token_check(); -EACCES another client's; -EINVAL scope: malformed
 *         or wider (nothing is used up);
 *         -EALREADY used before: the family is revoked now (committed with
 *         the caller's transaction: do not roll it back)
 */
int token_refresh(struct auth *a, struct span token, const char *client_id,
		  const char *scope, struct token_pair *ret_pair);

/** What a code stands for. */
struct token_code {
	const char *client_id;
	const char *grant_id;
	const char *redirect_uri; /* as in the authorization request */
	const char *challenge;	  /* PKCE, S256, 43 characters */
	const char *scope;
};

/** @return 0; -EINVAL the challenge is none */
int token_code_issue(struct auth *a, const struct token_code *code,
		     char ret_code[TOKEN_MAX]);

/**
 * Redeem a code, once.
 *
 * @param scope as scope_read() takes it: NULL or a part of the code's
 *
 * @return 0; -ERANGE scope: malformed or wider (the code is still good);
 *         -EBADMSG -ENOENT -EKEYREJECTED -EKEYEXPIRED -EKEYREVOKED;
 *         -EACCES another client's; -EINVAL redirect_uri or verifier wrong
 *         (the code is used up); -EALREADY second use: what the first one
 *         issued is revoked (commit it)
 */
int token_code_redeem(struct auth *a, struct span code, const char *client_id,
		      const char *redirect_uri, const char *verifier,
		      const char *scope, struct token_pair *ret_pair);

/** RFC 7009: ends an access token alone, a refresh token with its family.
 *  @param client_id must be the token's, NULL = operator
 *  @return 0 also when there is nothing to revoke; -EACCES */
int token_revoke(struct auth *a, struct span token, const char *client_id,
		 const char *actor);
/** By the part between the prefix and the dot. @param tenant_id NULL = any
 *  @return 0, -ENOENT */
int token_revoke_id(struct auth *a, const char *token_id, const char *tenant_id,
		    const char *actor);
int token_family_revoke(struct auth *a, const char *family_id, const char *why,
			const char *actor);
/** A genuine token was seen in clear: remember and audit. */
int token_mark_exposed(struct auth *a, const struct token_info *info,
		       const char *where);

/** RFC 7662 for either kind: ret_active false and nothing else when it isn't
 *  good or not client_id's (NULL = any). @return 0 or db's error */
int token_introspect(struct auth *a, struct span token, const char *client_id,
		     bool *ret_active, struct token_info *ret_info);

/** Delete tokens and codes that expired keep_us ago, pushed requests that
 *  expired, failed logins of an hour ago; upkeep. @return rows */
int64_t token_sweep(struct auth *a, int64_t keep_us);

/* A token as people look at it; never its secret. Texts live during the call.
 */
struct token_view {
	struct token_info info;
	const char *kind; /* "access", "refresh", "api" or "client" */
	const char
		*state;	  /* "active", "expired", "revoked", "used" (refresh) */
	const char *name; /* of API tokens */
	const char *user; /* e-mail, "" */
	const char *client; /* name, "" */
	int64_t used_us;    /* last use, to the minute; 0 = never */
};

typedef int token_view_fn(void *arg, const struct token_view *v);
/** Every token that is still stored, newest first.
 *  @param tenant_id NULL = all. @return how many, or as db_query() */
int64_t token_each(struct auth *a, const char *tenant_id, token_view_fn *fn,
		   void *arg);

/* API tokens of a user, newest first, revoked ones not. */
typedef int token_fn(void *arg, const struct token_info *info, const char *name,
		     int64_t used_us);
int64_t token_each_api(struct auth *a, const char *user_id, token_fn *fn,
		       void *arg);

#endif
