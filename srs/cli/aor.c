/* Who is given which addresses: `srs user set`, and what `srs tenant` says of
 * them. */
#include "srs/cli/aor.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "auth/aors.h"
#include "auth/users.h"
#include "base/mem.h"
#include "srs/cli/args.h"
#include "srs/cli/auth.h"
#include "srs/cli/catalog.h"
#include "srs/cli/cli.h"
#include "storage/db.h"

static int add_text(void *arg, const char *text)
{
	return json_array_append_new(arg, json_string(text)) ? -ENOMEM : 0;
}

static int print_text(void *arg, const char *text)
{
	(void)arg;
	printf("aor        %s\n", text);
	return 0;
}

static int print_aors(struct cli *c, struct cli_auth *a, const char *id)
{
	json_t *aors = c->json ? json_array() : NULL;
	int64_t n;

	if (!aors)
		printf("user_id    %s\n", id);
	n = user_aor_each(&a->auth, id, aors ? add_text : print_text, aors);
	if (n < 0) {
		json_decref(aors);
		return cli_auth_failed(a, "user set", n);
	}
	return aors ? cli_print_json(json_pack("{s:s, s:o}", "user_id", id,
					       "aors", aors))
		    : CLI_OK;
}

/* ---- user set ---------------------------------------------------------- */

static int change_user(struct cli_auth *a, const char *id,
		       const struct cli_list *add, const struct cli_list *gone)
{
	unsigned i;
	int r = db_begin(a->db);

	if (r < 0)
		return r;
	for (i = 0; i < add->n && r == 0; i++)
		r = user_aor_add(&a->auth, id, add->v[i], AOR_BY_OPERATOR,
				 CLI_ACTOR, &a->e);
	for (i = 0; i < gone->n && r == 0; i++)
		r = user_aor_remove(&a->auth, id, gone->v[i], CLI_ACTOR, &a->e);
	if (r == 0)
		return db_commit(a->db);
	db_rollback(a->db);
	return r;
}

int cli_user_set(struct cli *c, int argc, char **argv)
{
	struct cli_auth a CLEANUP(cli_auth_close) = { 0 };
	struct cli_list words = { 0 }, add = { 0 }, gone = { 0 };
	const struct cli_option table[] = {
		{ "--aor", .list = &add },
		{ "--remove-aor", .list = &gone },
	};
	struct user u;
	int r;

	r = cli_args("user set", argc, argv, table, ARRAY_SIZE(table), &words);
	if (r != CLI_OK)
		return r;
	if (words.n != 1)
		return cli_usage("user set", "one user, by e-mail or id");
	r = cli_auth_open(c, &a);
	if (r != CLI_OK)
		return r;
	r = user_find(&a.auth, words.v[0], &u);
	if (r == -ENOENT)
		(void)err_set(&a.e, r, "there is no user \"%s\"", words.v[0]);
	if (r == 0)
		r = change_user(&a, u.id, &add, &gone);
	if (r < 0)
		return cli_auth_failed(&a, "user set", r);
	return print_aors(c, &a, u.id);
}

/* ---- tenant ------------------------------------------------------------ */

int cli_tenant_aors(struct cli_auth *a, const char *id,
		    const struct cli_list *add, const struct cli_list *gone)
{
	unsigned i;
	int r = db_begin(a->db);

	if (r < 0)
		return r;
	for (i = 0; i < add->n && r == 0; i++)
		r = tenant_aor_add(&a->auth, id, add->v[i], CLI_ACTOR, &a->e);
	for (i = 0; i < gone->n && r == 0; i++)
		r = tenant_aor_remove(&a->auth, id, gone->v[i], CLI_ACTOR,
				      &a->e);
	if (r == 0)
		return db_commit(a->db);
	db_rollback(a->db);
	return r;
}

static int print_tenants(void *arg, const char *text)
{
	(void)arg;
	printf("aor                   %s\n", text);
	return 0;
}

int64_t cli_tenant_aors_print(struct cli_auth *a, const char *id)
{
	return tenant_aor_each(&a->auth, id, print_tenants, NULL);
}

json_t *cli_tenant_aors_json(struct cli_auth *a, const char *id)
{
	json_t *aors = json_array();

	if (tenant_aor_each(&a->auth, id, add_text, aors) >= 0)
		return aors;
	json_decref(aors);
	return NULL;
}
