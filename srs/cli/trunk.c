/* `srs trunk add | list | show | set | remove`. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "auth/trunk_json.h"
#include "auth/trunks.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/cli/cli.h"
#include "srs/cli/args.h"
#include "srs/cli/auth.h"
#include "srs/cli/catalog.h"

#define KEYS_MAX 16

/* "--tls-name" for every key "tls_name". */
struct values {
	char names[KEYS_MAX][24];
	const char *v[KEYS_MAX];
	struct cli_option options[KEYS_MAX + 1];
	unsigned n; /* keys; --force comes behind them */
	bool force;
};

static void make_options(struct values *vs)
{
	unsigned i, k;

	memset(vs, 0, sizeof(*vs));
	for (i = 0; trunk_keys[i] && i < KEYS_MAX; i++) {
		(void)snprintf(vs->names[i], sizeof(vs->names[i]), "--%s",
			       trunk_keys[i]);
		for (k = 0; vs->names[i][k]; k++)
			if (vs->names[i][k] == '_')
				vs->names[i][k] = '-';
		vs->options[i].name = vs->names[i];
		vs->options[i].value = &vs->v[i];
		vs->n++;
	}
	vs->options[vs->n].name = "--force";
	vs->options[vs->n].flag = &vs->force;
}

static int apply(const struct values *vs, struct trunk *t, struct err *e)
{
	unsigned i;
	int r = 0;

	for (i = 0; i < vs->n && r == 0; i++)
		if (vs->v[i])
			r = trunk_set(t, trunk_keys[i], vs->v[i], e);
	t->forced = vs->force;
	return r;
}

static int print_trunk(struct cli *c, const struct trunk *t)
{
	char text[TRUNK_TEXT_MAX];
	unsigned i;

	if (c->json)
		return cli_print_json(trunk_json(t));
	printf("%-14s %s\n", "trunk_id", t->id);
	printf("%-14s %s\n", "client", t->client_id);
	for (i = 0; trunk_keys[i]; i++) {
		trunk_text(t, trunk_keys[i], text, sizeof(text));
		printf("%-14s ", trunk_keys[i]);
		cli_put_text(stdout, text);
		printf("\n");
	}
	if (t->from_file)
		printf("%-14s %s\n", "managed_by", "file");
	return CLI_OK;
}

/* A source address proves nothing where the settings do not say so. */
static void remark(const struct cli_auth *a, const char *word,
		   const struct trunk *t)
{
	if (t->n_nets && !t->tls_name[0] && !t->tls_sha256[0] &&
	    !a->settings.sip.allow_address_trunks)
		fprintf(stderr,
			"srs %s: note: without [sip] allow_address_trunks = "
			"yes this trunk has no effect\n",
			word);
}

static int trunk_add_word(struct cli *c, int argc, char **argv)
{
	struct cli_auth a CLEANUP(cli_auth_close) = { 0 };
	struct values vs;
	struct trunk t;
	int r;

	make_options(&vs);
	r = cli_args("trunk add", argc, argv, vs.options, vs.n + 1, NULL);
	if (r == CLI_OK)
		r = cli_auth_open(c, &a);
	if (r != CLI_OK)
		return r;
	trunk_defaults(&t);
	r = apply(&vs, &t, &a.e);
	if (r == 0)
		r = trunk_add(&a.auth, &t, CLI_ACTOR, &a.e);
	if (r < 0)
		return cli_auth_failed(&a, "trunk add", r);
	remark(&a, "trunk add", &t);
	return print_trunk(c, &t);
}

/* The one trunk that a command is about. */
static int find(struct cli_auth *a, const char *word,
		const struct cli_list *words, struct trunk *t)
{
	int r;

	if (words->n != 1)
		return cli_usage(word, "one trunk, by name or id");
	r = trunk_lookup(&a->auth, NULL, words->v[0], t);
	if (r == -ENOENT)
		(void)err_set(&a->e, r, "there is no trunk \"%s\"",
			      words->v[0]);
	if (r == -ENOTUNIQ)
		(void)err_set(&a->e, r,
			      "several accounts have a trunk \"%s\": use its "
			      "id",
			      words->v[0]);
	return r < 0 ? cli_auth_failed(a, word, r) : CLI_OK;
}

static int trunk_set_word(struct cli *c, int argc, char **argv)
{
	struct cli_auth a CLEANUP(cli_auth_close) = { 0 };
	struct cli_list words = { 0 };
	struct values vs;
	struct trunk t;
	int r;

	make_options(&vs);
	r = cli_args("trunk set", argc, argv, vs.options, vs.n + 1, &words);
	if (r == CLI_OK)
		r = cli_auth_open(c, &a);
	if (r == CLI_OK)
		r = find(&a, "trunk set", &words, &t);
	if (r != CLI_OK)
		return r;
	r = apply(&vs, &t, &a.e);
	if (r == 0)
		r = trunk_change(&a.auth, &t, CLI_ACTOR, &a.e);
	if (r < 0)
		return cli_auth_failed(&a, "trunk set", r);
	remark(&a, "trunk set", &t);
	return print_trunk(c, &t);
}

static int trunk_show(struct cli *c, int argc, char **argv)
{
	struct cli_auth a CLEANUP(cli_auth_close) = { 0 };
	struct cli_list words = { 0 };
	struct trunk t;
	int r;

	r = cli_args("trunk show", argc, argv, NULL, 0, &words);
	if (r == CLI_OK)
		r = cli_auth_open(c, &a);
	if (r == CLI_OK)
		r = find(&a, "trunk show", &words, &t);
	return r == CLI_OK ? print_trunk(c, &t) : r;
}

static int trunk_remove_word(struct cli *c, int argc, char **argv)
{
	struct cli_auth a CLEANUP(cli_auth_close) = { 0 };
	struct cli_list words = { 0 };
	struct trunk t;
	int r;

	r = cli_args("trunk remove", argc, argv, NULL, 0, &words);
	if (r == CLI_OK)
		r = cli_auth_open(c, &a);
	if (r == CLI_OK)
		r = find(&a, "trunk remove", &words, &t);
	if (r != CLI_OK)
		return r;
	r = trunk_remove(&a.auth, t.id, CLI_ACTOR, &a.e);
	if (r < 0)
		return cli_auth_failed(&a, "trunk remove", r);
	return c->json ? cli_print_json(json_pack("{s:b}", "removed", 1))
		       : CLI_OK;
}

static int list_one(void *arg, const struct trunk *t)
{
	struct cli_listing *l = arg;
	char nets[TRUNK_TEXT_MAX];

	if (l->items)
		return cli_listing_add(l, trunk_json(t));
	trunk_text(t, "addresses", nets, sizeof(nets));
	printf("%s  %s", t->id, t->name);
	if (t->tls_name[0])
		printf("  tls %s", t->tls_name);
	if (t->tls_sha256[0])
		printf("  sha256 %.16s...", t->tls_sha256);
	if (nets[0])
		printf("  from %s", nets);
	if (t->uri_user[0])
		printf("  to %s@", t->uri_user);
	printf("%s\n", t->enabled ? "" : "  (disabled)");
	return 0;
}

static int64_t each_trunk(struct cli_listing *l, const char *tenant_id)
{
	return trunk_each(&l->a->auth, tenant_id, list_one, l);
}

static int trunk_list(struct cli *c, int argc, char **argv)
{
	return cli_auth_list(c, argc, argv, "trunk list", each_trunk);
}

int cli_trunk(struct cli *c, int argc, char **argv)
{
	static const struct cli_sub table[] = { { "add", trunk_add_word },
						{ "list", trunk_list },
						{ "show", trunk_show },
						{ "set", trunk_set_word },
						{ "remove",
						  trunk_remove_word } };

	return cli_sub(c, argc, argv, table, ARRAY_SIZE(table));
}
