/* Who is given which addresses: `srs user set`, and what `srs tenant` says of
 * them. */
#include "srs/cli/aor.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "auth/aors.h"
#include "auth/listens.h"
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

static int print_owner(void *arg, const char *email)
{
	(void)arg;
	printf("listens to %s\n", email);
	return 0;
}

json_t *cli_user_listens_json(struct cli_auth *a, const char *id)
{
	json_t *owners = json_array();

	if (user_listens_each(&a->auth, id, add_text, owners) >= 0)
		return owners;
	json_decref(owners);
	return NULL;
}

static int print_user_json(struct cli_auth *a, const char *id)
{
	json_t *aors = json_array(), *owners = NULL;

	if (user_aor_each(&a->auth, id, add_text, aors) >= 0)
		owners = cli_user_listens_json(a, id);
	if (owners)
		return cli_print_json(json_pack("{s:s, s:o, s:o}", "user_id",
						id, "aors", aors, "listens_to",
						owners));
	json_decref(aors);
	return cli_auth_failed(a, "user set", -EIO);
}

static int print_user(struct cli *c, struct cli_auth *a, const char *id)
{
	int64_t n;

	if (c->json)
		return print_user_json(a, id);
	printf("user_id    %s\n", id);
	n = user_aor_each(&a->auth, id, print_text, NULL);
	if (n >= 0)
		n = user_listens_each(&a->auth, id, print_owner, NULL);
	return n < 0 ? cli_auth_failed(a, "user set", n) : CLI_OK;
}

/* ---- user set ---------------------------------------------------------- */

/* What `srs user set` says. */
struct user_change {
	struct cli_list aors, no_aors, owners, no_owners;
};

static int change_user(struct cli_auth *a, const char *id,
		       const struct user_change *c)
{
	unsigned i;
	int r = db_begin(a->db);

	if (r < 0)
		return r;
	for (i = 0; i < c->aors.n && r == 0; i++)
		r = user_aor_add(&a->auth, id, c->aors.v[i], AOR_BY_OPERATOR,
				 CLI_ACTOR, &a->e);
	for (i = 0; i < c->no_aors.n && r == 0; i++)
		r = user_aor_remove(&a->auth, id, c->no_aors.v[i], CLI_ACTOR,
				    &a->e);
	for (i = 0; i < c->owners.n && r == 0; i++)
		r = user_listens_add(&a->auth, id, c->owners.v[i], CLI_ACTOR,
				     &a->e);
	for (i = 0; i < c->no_owners.n && r == 0; i++)
		r = user_listens_remove(&a->auth, id, c->no_owners.v[i],
					CLI_ACTOR, &a->e);
	if (r == 0)
		return db_commit(a->db);
	db_rollback(a->db);
	return r;
}

int cli_user_set(struct cli *c, int argc, char **argv)
{
	struct cli_auth a CLEANUP(cli_auth_close) = { 0 };
	struct user_change change = { 0 };
	struct cli_list words = { 0 };
	const struct cli_option table[] = {
		{ "--aor", .list = &change.aors },
		{ "--remove-aor", .list = &change.no_aors },
		{ "--listens-to", .list = &change.owners },
		{ "--remove-listens-to", .list = &change.no_owners },
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
		r = change_user(&a, u.id, &change);
	if (r < 0)
		return cli_auth_failed(&a, "user set", r);
	return print_user(c, &a, u.id);
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
