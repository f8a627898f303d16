/* `srs token add | list | revoke`. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "auth/tokens.h"
#include "auth/users.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/cli/args.h"
#include "srs/cli/auth.h"
#include "srs/cli/catalog.h"
#include "srs/cli/cli.h"

static int print_token(struct cli *c, const struct user *u, const char *token,
		       const char *id, int64_t expires_us)
{
	char expires[CLOCK_RFC3339_MAX];

	cli_time(expires_us, expires, sizeof(expires));
	if (c->json)
		return cli_print_json(json_pack("{s:s, s:s, s:s, s:s?}",
						"token", token, "token_id", id,
						"user", u->email, "expires_at",
						expires_us ? expires : NULL));
	printf("token_id  %s\ntoken     %s\nuser      %s\nexpires   %s\n", id,
	       token, u->email, expires_us ? expires : "never");
	return CLI_OK;
}

static int token_add(struct cli *c, int argc, char **argv)
{
	const char *email = NULL, *name = NULL, *expires = NULL;
	struct cli_auth a CLEANUP(cli_auth_close) = { 0 };
	char token[TOKEN_MAX], id[TOKEN_ID_LEN + 1];
	int64_t life_us = 0;
	const struct cli_option table[] = {
		{ "--user", .value = &email, .required = true },
		{ "--name", .value = &name },
		{ "--expires", .value = &expires },
	};
	struct user u;
	int r;

	r = cli_args("token add", argc, argv, table, ARRAY_SIZE(table), NULL);
	if (r != CLI_OK)
		return r;
	if (expires && (str_duration_us(expires, &life_us) < 0 || life_us <= 0))
		return cli_usage("token add", "--expires: such as 30d or 12h");
	r = cli_auth_open(c, &a);
	if (r != CLI_OK)
		return r;
	r = user_find(&a.auth, email, &u);
	if (r == -ENOENT)
		(void)err_set(&a.e, r, "there is no user \"%s\"", email);
	if (r == 0)
		r = token_issue_api(&a.auth, u.id, name ? name : "command line",
				    life_us, CLI_ACTOR, token, id);
	if (r < 0)
		return cli_auth_failed(&a, "token add", r);
	return print_token(c, &u, token, id,
			   life_us ? clock_wall_us(clock_real()) + life_us : 0);
}

/* By its text, or by the part between "srs_at_" and the dot. */
static int token_revoke_word(struct cli *c, int argc, char **argv)
{
	struct cli_auth a CLEANUP(cli_auth_close) = { 0 };
	struct cli_list words = { 0 };
	struct span text;
	int r;

	r = cli_args("token revoke", argc, argv, NULL, 0, &words);
	if (r != CLI_OK)
		return r;
	if (words.n != 1)
		return cli_usage("token revoke", "one token or token id");
	r = cli_auth_open(c, &a);
	if (r != CLI_OK)
		return r;
	text = span_of(words.v[0]);
	if (!token_looks_ours(text)) {
		r = token_revoke_id(&a.auth, words.v[0], NULL, CLI_ACTOR);
	} else {
		struct token_info info;
		bool active = false;

		r = token_introspect(&a.auth, text, NULL, &active, &info);
		if (r == 0 && !active)
			r = -ENOENT;
		if (r == 0)
			r = token_revoke(&a.auth, text, NULL, CLI_ACTOR);
	}
	if (r == -ENOENT)
		(void)err_set(&a.e, r, "there is no such token that is valid");
	if (r < 0)
		return cli_auth_failed(&a, "token revoke", r);
	if (c->json)
		return cli_print_json(json_pack("{s:b}", "revoked", 1));
	printf("revoked\n");
	return CLI_OK;
}

/* ---- list -------------------------------------------------------------- */

static json_t *text_or_null(const char *s)
{
	return s[0] ? json_string(s) : json_null();
}

static int list_json(struct cli_listing *l, const struct token_view *v)
{
	char made[CLOCK_RFC3339_MAX], expires[CLOCK_RFC3339_MAX];
	char used[CLOCK_RFC3339_MAX];
	const struct token_info *i = &v->info;

	cli_time(i->issued_us, made, sizeof(made));
	cli_time(i->expires_us, expires, sizeof(expires));
	cli_time(v->used_us, used, sizeof(used));
	return cli_listing_add(
		l,
		json_pack("{s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o, "
			  "s:o, s:s, s:s, s:o, s:o}",
			  "token_id", i->id, "kind", v->kind, "state", v->state,
			  "name", text_or_null(v->name), "tenant_id",
			  i->tenant_id, "client_id", text_or_null(i->client_id),
			  "client_name", text_or_null(v->client), "grant_id",
			  text_or_null(i->grant_id), "user_id",
			  text_or_null(i->user_id), "user",
			  text_or_null(v->user), "scope", i->scope,
			  "created_at", made, "expires_at",
			  text_or_null(expires), "last_used_at",
			  text_or_null(used)));
}

static void put_field(const char *label, const char *text)
{
	if (!text[0])
		return;
	printf("  %s ", label);
	cli_put_text(stdout, text);
}

/* In whole seconds, or "never". */
static const char *moment(int64_t us, char buf[CLOCK_RFC3339_MAX])
{
	if (!us)
		return "never";
	cli_time(us, buf, CLOCK_RFC3339_MAX);
	memcpy(buf + strlen("2026-01-31T09:30:00"), "Z", sizeof("Z"));
	return buf;
}

static int list_one(void *arg, const struct token_view *v)
{
	char made[CLOCK_RFC3339_MAX], expires[CLOCK_RFC3339_MAX];
	char used[CLOCK_RFC3339_MAX];
	const struct token_info *i = &v->info;
	struct cli_listing *l = arg;

	if (l->items)
		return list_json(l, v);
	printf("%-16s  %-7s  %-7s  made %s  expires %-20s  used %-20s", i->id,
	       v->kind, v->state, moment(i->issued_us, made),
	       moment(i->expires_us, expires), moment(v->used_us, used));
	put_field("scope", i->scope);
	put_field("user", v->user);
	put_field("client", v->client);
	put_field("grant", i->grant_id);
	put_field("name", v->name);
	putchar('\n');
	return 0;
}

static int64_t each_token(struct cli_listing *l, const char *tenant_id)
{
	return token_each(&l->a->auth, tenant_id, list_one, l);
}

static int token_list(struct cli *c, int argc, char **argv)
{
	return cli_auth_list(c, argc, argv, "token list", each_token);
}

int cli_token(struct cli *c, int argc, char **argv)
{
	static const struct cli_sub table[] = {
		{ "add", token_add },
		{ "list", token_list },
		{ "revoke", token_revoke_word },
	};

	return cli_sub(c, argc, argv, table, ARRAY_SIZE(table));
}
