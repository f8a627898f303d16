/* `srs tenant list | show | set`. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "auth/tenant.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/str.h"
#include "srs/cli/aor.h"
#include "srs/cli/args.h"
#include "srs/cli/auth.h"
#include "srs/cli/catalog.h"
#include "srs/cli/cli.h"

/* The one that a command is about, by name or id. */
static int find(struct cli_auth *a, const char *word,
		const struct cli_list *words, struct id *id)
{
	int r;

	if (words->n != 1)
		return cli_usage(word, "one account, by name or id");
	r = tenant_find(a->db, words->v[0], id);
	if (r == -ENOENT)
		(void)err_set(&a->e, r, "there is no account \"%s\"",
			      words->v[0]);
	return r < 0 ? cli_auth_failed(a, word, r) : CLI_OK;
}

static const char *shown(const char *value)
{
	return value[0] ? value : "(as in the settings)";
}

static int print(struct cli *c, struct cli_auth *a, const char *word,
		 const char *id)
{
	struct tenant_numbers n = { "", "", "" };
	struct number_plan plan = { "", "", "" };
	int r = tenant_get_numbers(a->db, id, &n);

	if (r == 0)
		r = tenant_plan(a->db, id, &a->settings, &plan);
	if (r < 0)
		return cli_auth_failed(a, word, r);
	if (c->json)
		return cli_print_json(json_pack(
			"{s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s}, s:o*}",
			"tenant_id", id, "country", n.country,
			"national_prefix", n.national, "international_prefix",
			n.international, "effective", "country", plan.country,
			"national_prefix", plan.national,
			"international_prefix", plan.international, "aors",
			cli_tenant_aors_json(a, id)));
	printf("tenant_id             %s\n", id);
	printf("country               %s\n", shown(n.country));
	printf("national_prefix       %s\n", shown(n.national));
	printf("international_prefix  %s\n", shown(n.international));
	if (plan.country[0])
		printf("so a national number  %s... is +%s...\n", plan.national,
		       plan.country);
	else
		printf("so a national number  is of the country of the "
		       "owner's numbers\n");
	r = (int)cli_tenant_aors_print(a, id);
	return r < 0 ? cli_auth_failed(a, word, r) : CLI_OK;
}

static int tenant_show(struct cli *c, int argc, char **argv)
{
	struct cli_auth a CLEANUP(cli_auth_close) = { 0 };
	struct cli_list words = { 0 };
	struct id id;
	int r = cli_args("tenant show", argc, argv, NULL, 0, &words);

	if (r == CLI_OK)
		r = cli_auth_open(c, &a);
	if (r == CLI_OK)
		r = find(&a, "tenant show", &words, &id);
	return r == CLI_OK ? print(c, &a, "tenant show", id.s) : r;
}

static int put(struct tenant_numbers *n, const char *name, const char *value,
	       struct err *e)
{
	if (value && tenant_numbers_put(n, name, value) < 0)
		return err_set(e, -EINVAL, "%s: is too long", name);
	return 0;
}

static int tenant_set(struct cli *c, int argc, char **argv)
{
	const char *country = NULL, *national = NULL, *international = NULL;
	struct cli_list add = { 0 }, gone = { 0 };
	const struct cli_option table[] = {
		{ "--country", .value = &country },
		{ "--national-prefix", .value = &national },
		{ "--international-prefix", .value = &international },
		{ "--aor", .list = &add },
		{ "--remove-aor", .list = &gone },
	};
	struct cli_auth a CLEANUP(cli_auth_close) = { 0 };
	struct cli_list words = { 0 };
	struct tenant_numbers n;
	struct id id;
	int r = cli_args("tenant set", argc, argv, table, ARRAY_SIZE(table),
			 &words);

	if (r == CLI_OK)
		r = cli_auth_open(c, &a);
	if (r == CLI_OK)
		r = find(&a, "tenant set", &words, &id);
	if (r != CLI_OK)
		return r;
	r = tenant_get_numbers(a.db, id.s, &n);
	if (r == 0)
		r = put(&n, "country", country, &a.e);
	if (r == 0)
		r = put(&n, "national_prefix", national, &a.e);
	if (r == 0)
		r = put(&n, "international_prefix", international, &a.e);
	if (r == 0)
		r = tenant_change_numbers(&a.auth, id.s, &n, CLI_ACTOR, &a.e);
	if (r == 0)
		r = cli_tenant_aors(&a, id.s, &add, &gone);
	return r < 0 ? cli_auth_failed(&a, "tenant set", r)
		     : print(c, &a, "tenant set", id.s);
}

static int list_one(void *arg, const char *id, const char *name,
		    int64_t created_us, int64_t retain_us)
{
	struct cli_listing *l = arg;

	(void)created_us;
	(void)retain_us;
	if (l->items)
		return cli_listing_add(
			l, json_pack("{s:s, s:s, s:o*}", "tenant_id", id,
				     "name", name, "aors",
				     cli_tenant_aors_json(l->a, id)));
	printf("%s  %s\n", id, name);
	return 0;
}

static int tenant_list(struct cli *c, int argc, char **argv)
{
	struct cli_auth a CLEANUP(cli_auth_close) = { 0 };
	struct cli_listing l = { &a, NULL };
	int64_t n;
	int r = cli_args("tenant list", argc, argv, NULL, 0, NULL);

	if (r == CLI_OK)
		r = cli_auth_open(c, &a);
	if (r != CLI_OK)
		return r;
	l.items = c->json ? json_array() : NULL;
	n = tenant_each(a.db, list_one, &l);
	if (n < 0) {
		json_decref(l.items);
		return cli_auth_failed(&a, "tenant list", n);
	}
	return l.items ? cli_print_json(json_pack("{s:o}", "items", l.items))
		       : CLI_OK;
}

int cli_tenant(struct cli *c, int argc, char **argv)
{
	static const struct cli_sub table[] = { { "list", tenant_list },
						{ "show", tenant_show },
						{ "set", tenant_set } };

	return cli_sub(c, argc, argv, table, ARRAY_SIZE(table));
}
