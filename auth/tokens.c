#include "auth/tokens.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/auth_priv.h"
#include "auth/clients.h"
#include "auth/grants.h"
#include "auth/token_row.h"
#include "auth/users.h"
#include "base/mem.h"
#include "storage/db.h"

#define SECOND_US 1000000LL

/* ---- issue ------------------------------------------------------------- */

static int issue(struct auth *a, const struct grant *g, const char *scope,
		 const char *actor, struct token_pair *ret_pair)
{
	struct token_info like = { .kind = TOKEN_ACCESS };
	struct token_form at, rt;
	int r;

	if (g->revoked)
		return -EKEYREVOKED;
	if (g->expires_us && auth_now_us(a) >= g->expires_us)
		return -EKEYREVOKED;
	r = scope_read(scope, g->scope, like.scope);
	if (r < 0)
		return r;
	r = token_family_new(a, g->id, like.family_id);
	if (r < 0)
		return r;
	(void)str_copy(like.tenant_id, sizeof(like.tenant_id), g->tenant_id);
	(void)str_copy(like.client_id, sizeof(like.client_id), g->client_id);
	(void)str_copy(like.grant_id, sizeof(like.grant_id), g->id);
	(void)str_copy(like.user_id, sizeof(like.user_id), g->owner_id);
	token_form_random("at", &at);
	token_form_random("rt", &rt);
	r = token_pair_put(a, &like, like.scope, g->expires_us, &at, &rt,
			   ret_pair);
	if (r < 0)
		return r;
	return auth_audit(a, g->tenant_id, actor, "token.issue", "grant", g->id,
			  "ok", NULL);
}

int token_issue(struct auth *a, const char *grant_id, const char *scope,
		const char *actor, struct token_pair *ret_pair)
{
	struct grant g CLEANUP(grant_fini) = { 0 };
	int r;

	r = db_begin(a->db);
	if (r < 0)
		return r;
	r = grant_get(a, grant_id, &g);
	if (r == 0)
		r = issue(a, &g, scope, actor, ret_pair);
	return auth_end(a, r, r == 0);
}

int token_issue_api(struct auth *a, const char *user_id, const char *name,
		    int64_t life_us, const char *actor,
		    char ret_token[TOKEN_MAX], char ret_id[TOKEN_ID_LEN + 1])
{
	struct token_info i = { .kind = TOKEN_API };
	char clean[128];
	struct token_form f;
	struct user u;
	int r;

	r = user_find(a, user_id, &u);
	if (r < 0)
		return r;
	(void)str_copy(i.tenant_id, sizeof(i.tenant_id), u.tenant_id);
	(void)str_copy(i.user_id, sizeof(i.user_id), u.id);
	(void)str_copy(i.scope, sizeof(i.scope), SCOPE_API);
	(void)str_copy(clean, sizeof(clean), name ? name : "");
	str_clean(clean);
	i.issued_us = auth_now_us(a);
	i.expires_us = life_us ? i.issued_us + life_us : 0;
	token_form_random("at", &f);
	r = db_begin(a->db);
	if (r < 0)
		return r;
	r = token_row_put(a, &f, &i, clean);
	if (r == 0)
		r = auth_audit(a, u.tenant_id, actor, "token.issue_api", "user",
			       u.id, "ok", NULL);
	r = auth_end(a, r, r == 0);
	if (r < 0)
		return r;
	token_form_text(&f, ret_token);
	(void)str_copy(ret_id, TOKEN_ID_LEN + 1, f.id);
	return 0;
}

int token_issue_client(struct auth *a, const char *client_id,
		       struct token_pair *ret_pair)
{
	struct token_info i = { .kind = TOKEN_CLIENT };
	struct token_form f;
	struct client c;
	int r;

	r = client_get(a, client_id, &c);
	if (r < 0)
		return r;
	if (c.disabled)
		return -EKEYREVOKED;
	(void)str_copy(i.tenant_id, sizeof(i.tenant_id), c.tenant_id);
	(void)str_copy(i.client_id, sizeof(i.client_id), c.id);
	(void)str_copy(i.scope, sizeof(i.scope), SCOPE_API);
	i.issued_us = auth_now_us(a);
	i.expires_us = i.issued_us + a->access_us;
	token_form_random("at", &f);
	r = token_row_put(a, &f, &i, NULL);
	if (r < 0)
		return r;
	memset(ret_pair, 0, sizeof(*ret_pair));
	token_form_text(&f, ret_pair->access);
	(void)str_copy(ret_pair->scope, sizeof(ret_pair->scope), i.scope);
	ret_pair->expires_in_s = a->access_us / SECOND_US;
	return 0;
}

/* ---- check ------------------------------------------------------------- */

/* "Last used" of the list, to the minute. A failure costs nobody a request: it
 * is for people who look for tokens that nobody needs any more. */
static void note_use(struct auth *a, const struct token_row *row)
{
	int64_t now = auth_now_us(a);

	if (now - row->used_us < 60 * SECOND_US)
		return;
	(void)db_exec(a->db, "UPDATE tokens SET used_us = $1 WHERE id = $2",
		      DB_ARGS(db_int(now), db_text(row->info.id)));
}

int token_check(struct auth *a, struct span token, struct token_info *ret_info)
{
	struct token_form f;
	struct token_row row;
	int r;

	r = token_row_find(a, token, &f, &row);
	if (r < 0)
		return r;
	*ret_info = row.info;
	if (row.info.kind == TOKEN_REFRESH)
		return -EPROTOTYPE;
	r = token_row_state(a, &row);
	if (r == 0)
		note_use(a, &row);
	return r;
}

/* ---- refresh ----------------------------------------------------------- */

static int first_use(struct auth *a, const struct token_form *old,
		     const struct token_row *row, const char *scope,
		     struct token_pair *ret_pair)
{
	struct token_form at, rt;
	int r;

	r = auth_exec_one(db_exec(
		a->db, "UPDATE tokens SET used_us = $1 WHERE id = $2",
		DB_ARGS(db_int(auth_now_us(a)), db_text(row->info.id))));
	if (r < 0)
		return r;
	token_form_derive(a, old, "at", &at);
	token_form_derive(a, old, "rt", &rt);
	r = token_pair_put(a, &row->info, scope, row->grant_expires_us, &at,
			   &rt, ret_pair);
	if (r < 0)
		return r;
	return auth_audit(a, row->info.tenant_id, "client", "token.refresh",
			  "grant", row->info.grant_id, "ok", NULL);
}

/* Within the grace time: the same successor again. */
static int repeat(struct auth *a, const struct token_form *old,
		  struct token_pair *ret_pair)
{
	struct token_form at, rt;
	struct token_row row;
	int r;

	token_form_derive(a, old, "at", &at);
	token_form_derive(a, old, "rt", &rt);
	r = token_row_get(a, at.id, &row);
	if (r < 0)
		return r;
	memset(ret_pair, 0, sizeof(*ret_pair));
	token_form_text(&at, ret_pair->access);
	token_form_text(&rt, ret_pair->refresh);
	(void)str_copy(ret_pair->scope, sizeof(ret_pair->scope),
		       row.info.scope);
	(void)str_copy(ret_pair->grant_id, sizeof(ret_pair->grant_id),
		       row.info.grant_id);
	ret_pair->expires_in_s =
		(row.info.expires_us - auth_now_us(a)) / SECOND_US;
	if (ret_pair->expires_in_s < 0)
		ret_pair->expires_in_s = 0;
	return 0;
}

static int refresh(struct auth *a, struct span token, const char *client_id,
		   const char *scope, struct token_pair *ret_pair)
{
	char mine[TOKEN_SCOPE_MAX];
	struct token_form f;
	struct token_row row;
	int r;

	r = token_row_find(a, token, &f, &row);
	if (r < 0)
		return r;
	if (row.info.kind != TOKEN_REFRESH)
		return -EBADMSG;
	if (!str_eq(row.info.client_id, client_id))
		return -EACCES;
	r = token_row_state(a, &row);
	if (r == -EKEYREVOKED)
		return r;
	if (row.used_us && auth_now_us(a) - row.used_us > a->grace_us) {
		r = token_family_revoke(a, row.info.family_id,
					"refresh token used twice", "system");
		return r < 0 ? r : -EALREADY;
	}
	if (r < 0)
		return r;
	r = scope_read(scope, row.info.scope, mine);
	if (r < 0)
		return r;
	return row.used_us ? repeat(a, &f, ret_pair)
			   : first_use(a, &f, &row, mine, ret_pair);
}

int token_refresh(struct auth *a, struct span token, const char *client_id,
		  const char *scope, struct token_pair *ret_pair)
{
	int r;

	if (!token_form_ok(token))
		return -EBADMSG;
	r = db_begin(a->db);
	if (r < 0)
		return r;
	r = refresh(a, token, client_id, scope, ret_pair);
	return auth_end(a, r, r == 0 || r == -EALREADY);
}
