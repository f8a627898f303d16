/* `srs grant add | list | narrow | revoke | test`. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "auth/aors.h"
#include "auth/conditions.h"
#include "auth/grant_words.h"
#include "auth/grants.h"
#include "auth/users.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/cli/cli.h"
#include "srs/cli/args.h"
#include "srs/cli/auth.h"
#include "srs/cli/catalog.h"
#include "srs/cli/grant_test.h"
#include "storage/actor.h"
#include "storage/db.h"

static void close_file(FILE **f)
{
	if (*f && *f != stdin)
		(void)fclose(*f); /* only read */
}

int cli_read_details(const char *path, char **ret_text, struct err *e)
{
	FILE *f CLEANUP(close_file) = NULL;
	struct buf b CLEANUP(buf_fini) = { 0 };
	char part[4096];
	size_t n;

	f = str_eq(path, "-") ? stdin : fopen(path, "re");
	if (!f)
		return err_set(e, -EINVAL, "%s: %s", path, err_words(errno));
	buf_init(&b, COND_TEXT_MAX + 1);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		(void)buf_put(&b, part, n);
	if (ferror(f))
		return err_set(e, -EIO, "%s: can't be read", path);
	if (buf_error(&b))
		return err_set(e, -EINVAL, "%s: is longer than 64 KB", path);
	*ret_text = b.len ? buf_steal(&b) : mem_strdup("");
	return *ret_text ? 0 : -ENOMEM;
}

/* ---- add --------------------------------------------------------------- */

/* Grant and first tokens: both or neither. */
static int make_grant(struct cli_auth *a, const struct grant_new *g,
		      struct id *ret_id, struct token_pair *ret_pair)
{
	int r = db_begin(a->db);

	if (r < 0)
		return r;
	r = grant_create(&a->auth, g, CLI_ACTOR, ret_id, &a->e);
	if (r == 0)
		r = token_issue(&a->auth, ret_id->s, NULL, CLI_ACTOR, ret_pair);
	if (r == 0)
		return db_commit(a->db);
	db_rollback(a->db);
	return r;
}

/* The operator vouches, so this is a remark and no refusal. */
static void remark_foreign_aors(struct cli_auth *a, const struct grant_new *g)
{
	struct conditions *c CLEANUP(conditions_free) = NULL;
	unsigned i;

	if (conditions_parse(g->details, strlen(g->details), &c, NULL) < 0)
		return;
	for (i = 0; i < c->n_owner; i++) {
		const char *aor = c->owner[i].text;

		if (user_has_aor(&a->auth, g->owner_id, aor))
			continue;
		fprintf(stderr,
			"srs grant add: note: %s is not among the owner's "
			"addresses%s\n",
			aor,
			user_aor_is_anothers(&a->auth, g->owner_id, aor) > 0
				? ", it is somebody else's"
				: "");
	}
}

static int print_grant(struct cli *c, const struct id *id,
		       const struct token_pair *p)
{
	if (c->json)
		return cli_print_json(
			json_pack("{s:s, s:s, s:s, s:I}", "grant_id", id->s,
				  "access_token", p->access, "refresh_token",
				  p->refresh, "expires_in",
				  (json_int_t)p->expires_in_s));
	printf("grant_id       %s\naccess_token   %s\nrefresh_token  %s\n"
	       "expires_in     %lld\n",
	       id->s, p->access, p->refresh, (long long)p->expires_in_s);
	return CLI_OK;
}

static int grant_add(struct cli *c, int argc, char **argv)
{
	const char *client = NULL, *owner = NULL, *file = NULL, *scope = NULL;
	struct cli_auth a CLEANUP(cli_auth_close) = { 0 };
	char *details CLEANUP(mem_freep) = NULL;
	const struct cli_option table[] = {
		{ "--client", .value = &client, .required = true },
		{ "--owner", .value = &owner, .required = true },
		{ "--details", .value = &file, .required = true },
		{ "--scope", .value = &scope },
	};
	struct grant_new g = { 0 };
	struct token_pair pair;
	struct user u;
	struct id id;
	int r;

	r = cli_args("grant add", argc, argv, table, ARRAY_SIZE(table), NULL);
	if (r == CLI_OK)
		r = cli_auth_open(c, &a);
	if (r != CLI_OK)
		return r;
	r = cli_read_details(file, &details, &a.e);
	if (r == 0)
		r = user_find(&a.auth, owner, &u);
	if (r == -ENOENT)
		(void)err_set(&a.e, r, "there is no user \"%s\"", owner);
	if (r == 0) {
		g.client_id = client;
		g.owner_id = u.id;
		g.details = details;
		g.scope = scope;
		g.any_aor = true;
		r = make_grant(&a, &g, &id, &pair);
	}
	if (r < 0)
		return cli_auth_failed(&a, "grant add", r);
	remark_foreign_aors(&a, &g);
	return print_grant(c, &id, &pair);
}

/* ---- list, narrow, revoke ---------------------------------------------- */

static void add_sentence(void *arg, const char *sentence)
{
	(void)json_array_append_new(arg, json_string(sentence));
}

static void say_sentence(void *arg, const char *sentence)
{
	(void)arg;
	printf("    %s\n", sentence);
}

/* Provider and owner, as people know them. */
struct names {
	char client[ACTOR_NAME_MAX], owner[ACTOR_NAME_MAX];
};

static int names_of(struct cli_auth *a, const struct grant *g,
		    struct names *ret)
{
	char ref[16 + ID_LEN];
	int r;

	(void)snprintf(ref, sizeof(ref), "client:%s", g->client_id);
	r = actor_name(a->db, ref, ret->client);
	(void)snprintf(ref, sizeof(ref), "user:%s", g->owner_id);
	return r < 0 ? r : actor_name(a->db, ref, ret->owner);
}

static int list_json(struct cli_listing *l, const struct grant *g,
		     const struct names *n)
{
	char created[CLOCK_RFC3339_MAX], expires[CLOCK_RFC3339_MAX];
	char used[CLOCK_RFC3339_MAX], token[CLOCK_RFC3339_MAX];
	json_t *words = json_array(), *j;

	cli_time(g->created_us, created, sizeof(created));
	cli_time(g->expires_us, expires, sizeof(expires));
	cli_time(g->last_call_us, used, sizeof(used));
	cli_time(g->token_us, token, sizeof(token));
	(void)grant_words(g, add_sentence, words);
	j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s, "
		      "s:s, s:s, s:o, s:o}",
		      "client_name", n->client, "owner", n->owner, "grant_id",
		      g->id, "tenant_id", g->tenant_id, "client_id",
		      g->client_id, "owner_id", g->owner_id, "state",
		      g->revoked ? "revoked" : "active", "version",
		      (json_int_t)g->version, "scope", g->scope, "created_at",
		      created, "expires_at", expires, "used_at", used,
		      "token_issued_at", token, "sentences", words, "details",
		      json_loads(g->conditions, 0, NULL));
	return cli_listing_add(l, j);
}

static int list_one(void *arg, const struct grant *g)
{
	char created[CLOCK_RFC3339_MAX], used[CLOCK_RFC3339_MAX];
	struct cli_listing *l = arg;
	struct names n;
	int r;

	r = names_of(l->a, g, &n);
	if (r < 0)
		return r;
	if (l->items)
		return list_json(l, g, &n);
	cli_time(g->created_us, created, sizeof(created));
	cli_time(g->last_call_us, used, sizeof(used));
	printf("%s  %s  client %s (", g->id, g->revoked ? "revoked" : "active ",
	       g->client_id);
	cli_put_text(stdout, n.client);
	printf(")  owner %s (", g->owner_id);
	cli_put_text(stdout, n.owner);
	printf(")  since %s  last call %s\n", created,
	       used[0] ? used : "never");
	(void)grant_words(g, say_sentence, NULL);
	return 0;
}

static int64_t each_grant(struct cli_listing *l, const char *tenant_id)
{
	const struct grant_filter f = { .tenant_id = tenant_id };

	return grant_each(&l->a->auth, &f, list_one, l);
}

static int grant_list(struct cli *c, int argc, char **argv)
{
	return cli_auth_list(c, argc, argv, "grant list", each_grant);
}

static int grant_revoke_word(struct cli *c, int argc, char **argv)
{
	struct cli_auth a CLEANUP(cli_auth_close) = { 0 };
	struct cli_list words = { 0 };
	int r;

	r = cli_args("grant revoke", argc, argv, NULL, 0, &words);
	if (r != CLI_OK)
		return r;
	if (words.n != 1)
		return cli_usage("grant revoke", "one grant id");
	r = cli_auth_open(c, &a);
	if (r != CLI_OK)
		return r;
	r = grant_revoke(&a.auth, words.v[0], "by the operator", CLI_ACTOR);
	if (r == -ENOENT)
		(void)err_set(&a.e, r, "there is no such grant");
	if (r < 0)
		return cli_auth_failed(&a, "grant revoke", r);
	return c->json ? cli_print_json(json_pack("{s:b}", "revoked", 1))
		       : CLI_OK;
}

/* Conditions and scope: both or neither. */
static int narrow_both(struct cli_auth *a, const char *id, const char *details,
		       const char *scope)
{
	int r = db_begin(a->db);

	if (r < 0)
		return r;
	if (details)
		r = grant_narrow(&a->auth, id, details, CLI_ACTOR, &a->e);
	if (r == 0 && scope)
		r = grant_narrow_scope(&a->auth, id, scope, CLI_ACTOR, &a->e);
	if (r == 0)
		return db_commit(a->db);
	db_rollback(a->db);
	return r;
}

static int grant_narrow_word(struct cli *c, int argc, char **argv)
{
	struct cli_auth a CLEANUP(cli_auth_close) = { 0 };
	char *details CLEANUP(mem_freep) = NULL;
	const char *file = NULL, *scope = NULL;
	struct cli_list words = { 0 };
	const struct cli_option table[] = {
		{ "--details", .value = &file },
		{ "--scope", .value = &scope },
	};
	int r;

	r = cli_args("grant narrow", argc, argv, table, ARRAY_SIZE(table),
		     &words);
	if (r != CLI_OK)
		return r;
	if (words.n != 1)
		return cli_usage("grant narrow", "one grant id");
	if (!file && !scope)
		return cli_usage("grant narrow", "--details, --scope, or both");
	r = cli_auth_open(c, &a);
	if (r != CLI_OK)
		return r;
	if (file)
		r = cli_read_details(file, &details, &a.e);
	if (r == 0)
		r = narrow_both(&a, words.v[0], details, scope);
	if (r == -ENOENT)
		(void)err_set(&a.e, r, "there is no such grant");
	if (r < 0)
		return cli_auth_failed(&a, "grant narrow", r);
	return c->json ? cli_print_json(json_pack("{s:b}", "narrowed", 1))
		       : CLI_OK;
}

int cli_grant(struct cli *c, int argc, char **argv)
{
	static const struct cli_sub table[] = { { "add", grant_add },
						{ "list", grant_list },
						{ "narrow", grant_narrow_word },
						{ "revoke", grant_revoke_word },
						{ "test", cli_grant_test } };

	return cli_sub(c, argc, argv, table, ARRAY_SIZE(table));
}
