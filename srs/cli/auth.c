/* `srs user`, `srs client`. */
#include "srs/cli/auth.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "auth/aors.h"
#include "auth/clients.h"
#include "auth/listens.h"
#include "auth/tokens.h"
#include "auth/login.h"
#include "auth/users.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/cli/cli.h"
#include "srs/cli/aor.h"
#include "srs/cli/args.h"
#include "srs/cli/catalog.h"
#include "storage/catalog.h"
#include "storage/db.h"
#include "storage/migrate.h"

int cli_auth_open(struct cli *c, struct cli_auth *a)
{
	int r = cli_settings(c, &a->settings);

	if (r != CLI_OK)
		return r;
	r = catalog_open(&a->settings, &a->db, &a->e);
	if (r == 0)
		r = migrate_run(a->db, false, clock_wall_us(clock_real()), NULL,
				NULL, &a->e);
	if (r >= 0)
		r = auth_init(&a->auth, a->db, clock_real(), &a->settings,
			      &a->e);
	if (r == 0)
		return CLI_OK;
	fprintf(stderr, "srs: %s\n", a->e.text);
	return CLI_FAILED;
}

void cli_auth_close(struct cli_auth *a)
{
	auth_fini(&a->auth);
	db_close(&a->db);
}

int cli_auth_failed(const struct cli_auth *a, const char *word, int64_t error)
{
	fprintf(stderr, "srs %s: %s\n", word,
		a->e.code ? a->e.text : err_words((int)error));
	if (error == -ENOENT)
		return CLI_NOT_FOUND;
	return error == -EINVAL ? CLI_USAGE : CLI_FAILED;
}

void cli_time(int64_t us, char *dst, unsigned dst_len)
{
	dst[0] = '\0';
	if (us)
		clock_format(us, dst, dst_len);
}

/* ---- lists ------------------------------------------------------------- */

/* --tenant NAME; NULL: none was asked for. */
static int find_tenant(struct cli_auth *a, const char *word, const char *name,
		       struct id *ret_id)
{
	int r = name ? tenant_find(a->db, name, ret_id) : 0;

	if (r == 0)
		return CLI_OK;
	if (r == -ENOENT)
		(void)err_set(&a->e, r, "there is no tenant \"%s\"", name);
	return cli_auth_failed(a, word, r);
}

int cli_listing_add(struct cli_listing *l, json_t *j)
{
	return j && json_array_append_new(l->items, j) == 0 ? 0 : -ENOMEM;
}

int cli_auth_list(struct cli *c, int argc, char **argv, const char *word,
		  cli_each_fn *each)
{
	struct cli_auth a CLEANUP(cli_auth_close) = { 0 };
	struct cli_listing l = { &a, NULL };
	const char *tenant = NULL;
	const struct cli_option table[] = {
		{ "--tenant", .value = &tenant },
	};
	struct id id;
	int64_t n;
	int r;

	r = cli_args(word, argc, argv, table, ARRAY_SIZE(table), NULL);
	if (r == CLI_OK)
		r = cli_auth_open(c, &a);
	if (r == CLI_OK)
		r = find_tenant(&a, word, tenant, &id);
	if (r != CLI_OK)
		return r;
	l.items = c->json ? json_array() : NULL;
	n = each(&l, tenant ? id.s : NULL);
	if (n < 0) {
		json_decref(l.items);
		return cli_auth_failed(&a, word, n);
	}
	return l.items ? cli_print_json(json_pack("{s:o}", "items", l.items))
		       : CLI_OK;
}

static int add_text(void *arg, const char *text)
{
	return json_array_append_new(arg, json_string(text)) ? -ENOMEM : 0;
}

/* ---- user -------------------------------------------------------------- */

/* First line of stdin, without its end. */
static int read_password(char *dst, int len)
{
	if (!fgets(dst, len, stdin))
		return cli_usage("user add", "no password on stdin");
	dst[strcspn(dst, "\r\n")] = '\0';
	return CLI_OK;
}

static int find_or_make_tenant(struct cli_auth *a, const char *name,
			       struct id *ret_id)
{
	int r = tenant_find(a->db, name, ret_id);

	if (r != -ENOENT)
		return r;
	return tenant_create(a->db, name, clock_wall_us(clock_real()), ret_id);
}

static int make_user(struct cli_auth *a, const char *tenant, struct user_new *u,
		     const struct cli_list *owners, struct id *ret_id)
{
	struct id tenant_id;
	int r;

	r = db_begin(a->db);
	if (r < 0)
		return r;
	r = find_or_make_tenant(a, tenant, &tenant_id);
	u->tenant_id = tenant_id.s;
	if (r == 0)
		r = user_create(&a->auth, u, CLI_ACTOR, ret_id, &a->e);
	for (unsigned i = 0; i < owners->n && r == 0; i++)
		r = user_listens_add(&a->auth, ret_id->s, owners->v[i],
				     CLI_ACTOR, &a->e);
	u->tenant_id = NULL;
	if (r == 0)
		return db_commit(a->db);
	db_rollback(a->db);
	return r;
}

/* Whoever follows the first steps ends up with somebody in charge. */
static void hint_administrator(struct cli_auth *a)
{
	if (user_admin_count(&a->auth) == 0)
		fprintf(stderr,
			"There is no administrator yet: use the setup link "
			"that `srs run` printed,\n"
			"or add one with --role admin.\n");
}

static int print_user(struct cli *c, const struct id *id, enum user_role role,
		      const char *password)
{
	json_t *j;

	if (!c->json) {
		printf("user_id   %s\n", id->s);
		printf("role      %s\n", user_role_name(role));
		if (password)
			printf("password  %s\n", password);
		return CLI_OK;
	}
	j = json_pack("{s:s, s:s}", "user_id", id->s, "role",
		      user_role_name(role));
	if (j && password)
		(void)json_object_set_new(j, "password", json_string(password));
	return cli_print_json(j);
}

static int user_add(struct cli *c, int argc, char **argv)
{
	const char *tenant = NULL, *email = NULL, *role = NULL;
	struct cli_auth a CLEANUP(cli_auth_close) = { 0 };
	char password[600], random[USER_PASSWORD_RANDOM_MAX];
	struct cli_list aors = { 0 }, owners = { 0 };
	struct user_new u = { 0 };
	bool from_stdin = false;
	struct id id;
	const struct cli_option table[] = {
		{ "--tenant", .value = &tenant, .required = true },
		{ "--email", .value = &email, .required = true },
		{ "--role", .value = &role },
		{ "--aor", .list = &aors },
		{ "--listens-to", .list = &owners },
		{ "--password-stdin", .flag = &from_stdin },
	};
	int r;

	r = cli_args("user add", argc, argv, table, ARRAY_SIZE(table), NULL);
	if (r != CLI_OK)
		return r;
	if (user_role_parse(role ? role : "owner", &u.role) < 0)
		return cli_usage("user add",
				 "--role: owner, admin, supervisor, listener "
				 "or auditor");
	user_password_random(random);
	if (from_stdin && read_password(password, sizeof(password)) != CLI_OK)
		return CLI_USAGE;
	u.email = email;
	u.password = from_stdin ? password : random;
	u.aors = aors.v;
	u.n_aors = aors.n;
	r = cli_auth_open(c, &a);
	if (r != CLI_OK)
		return r;
	r = make_user(&a, tenant, &u, &owners, &id);
	explicit_bzero(password, sizeof(password));
	if (r < 0)
		return cli_auth_failed(&a, "user add", r);
	hint_administrator(&a);
	return print_user(c, &id, u.role, from_stdin ? NULL : random);
}

static int list_user(void *arg, const struct user *u)
{
	char created[CLOCK_RFC3339_MAX];
	struct cli_listing *l = arg;
	json_t *aors, *j;

	cli_time(u->created_us, created, sizeof(created));
	if (!l->items) {
		printf("%s  %-10s  %s%s\n", u->id, user_role_name(u->role),
		       u->email, u->disabled ? "  (disabled)" : "");
		return 0;
	}
	aors = json_array();
	if (user_aor_each(&l->a->auth, u->id, add_text, aors) < 0) {
		json_decref(aors);
		return -ENOMEM;
	}
	j = json_pack("{s:s, s:s, s:s, s:s, s:b, s:s, s:o, s:o}", "user_id",
		      u->id, "tenant_id", u->tenant_id, "email", u->email,
		      "role", user_role_name(u->role), "disabled", u->disabled,
		      "created_at", created, "aors", aors, "listens_to",
		      cli_user_listens_json(l->a, u->id));
	return cli_listing_add(l, j);
}

static int64_t each_user(struct cli_listing *l, const char *tenant_id)
{
	return user_each(&l->a->auth, tenant_id, list_user, l);
}

static int user_list(struct cli *c, int argc, char **argv)
{
	return cli_auth_list(c, argc, argv, "user list", each_user);
}

/* For whoever is kept out, for example by the guesses of others. */
static int user_login_link(struct cli *c, int argc, char **argv)
{
	struct cli_auth a CLEANUP(cli_auth_close) = { 0 };
	const char *email = NULL;
	const struct cli_option table[] = {
		{ "--email", .value = &email, .required = true },
	};
	char token[LOGIN_LINK_MAX], url[640];
	bool ours;
	int r;

	r = cli_args("user login-link", argc, argv, table, ARRAY_SIZE(table),
		     NULL);
	if (r == CLI_OK)
		r = cli_auth_open(c, &a);
	if (r != CLI_OK)
		return r;
	r = login_link_make(&a.auth, email, CLI_ACTOR, token);
	if (r == -ENOENT || r == -EACCES)
		(void)err_set(&a.e, r,
			      r == -ENOENT ? "no such user"
					   : "the user is disabled");
	if (r < 0)
		return cli_auth_failed(&a, "user login-link", r);
	ours = !a.settings.http.public_url[0];
	(void)snprintf(url, sizeof(url), "%s%s/login/link?token=%s",
		       !ours				    ? ""
		       : a.settings.http.tls_certificate[0] ? "https://"
							    : "http://",
		       ours ? a.settings.http.listen
			    : a.settings.http.public_url,
		       token);
	if (!c->json)
		printf("%s\n", url);
	return c->json ? cli_print_json(json_pack("{s:s}", "login_url", url))
		       : CLI_OK;
}

int cli_user(struct cli *c, int argc, char **argv)
{
	static const struct cli_sub table[] = {
		{ "login-link", user_login_link },
		{ "add", user_add },
		{ "set", cli_user_set },
		{ "list", user_list },
	};

	return cli_sub(c, argc, argv, table, ARRAY_SIZE(table));
}

/* ---- client ------------------------------------------------------------ */

static int print_client(struct cli *c, const struct id *id, const char *secret)
{
	if (c->json)
		return cli_print_json(json_pack("{s:s, s:s}", "client_id",
						id->s, "client_secret",
						secret));
	printf("client_id      %s\nclient_secret  %s\n", id->s, secret);
	return CLI_OK;
}

static int client_add(struct cli *c, int argc, char **argv)
{
	const char *tenant = NULL, *name = NULL, *tls = NULL;
	struct cli_auth a CLEANUP(cli_auth_close) = { 0 };
	bool plain = false, quoted = false;
	struct cli_list uris = { 0 };
	char secret[TOKEN_MAX];
	struct id tenant_id, id;
	const struct cli_option table[] = {
		{ "--tenant", .value = &tenant, .required = true },
		{ "--name", .value = &name, .required = true },
		{ "--redirect-uri", .list = &uris },
		{ "--tls-identity", .value = &tls },
		{ "--plain-authorize", .flag = &plain },
		{ "--quoted-bearer", .flag = &quoted },
	};
	int r;

	r = cli_args("client add", argc, argv, table, ARRAY_SIZE(table), NULL);
	if (r == CLI_OK)
		r = cli_auth_open(c, &a);
	if (r != CLI_OK)
		return r;
	r = find_or_make_tenant(&a, tenant, &tenant_id);
	if (r < 0)
		return cli_auth_failed(&a, "client add", r);
	r = client_create(&a.auth,
			  &(struct client_new){
				  .tenant_id = tenant_id.s,
				  .name = name,
				  .redirect_uris = uris.v,
				  .n_redirect_uris = uris.n,
				  .plain_authorize = plain,
				  .quoted_bearer = quoted,
				  .tls_identity = tls,
			  },
			  CLI_ACTOR, &id, secret, &a.e);
	if (r < 0)
		return cli_auth_failed(&a, "client add", r);
	return print_client(c, &id, secret);
}

/* Says which client, and sets what was named. */
static int client_set(struct cli *c, int argc, char **argv)
{
	struct cli_auth a CLEANUP(cli_auth_close) = { 0 };
	struct cli_list words = { 0 };
	const char *addresses = NULL;
	struct client cl;
	const struct cli_option table[] = {
		{ "--addresses", .value = &addresses, .required = true },
	};
	int r;

	r = cli_args("client set", argc, argv, table, ARRAY_SIZE(table),
		     &words);
	if (r == CLI_OK && words.n != 1)
		r = cli_usage("client set", "one client, by its id");
	if (r == CLI_OK)
		r = cli_auth_open(c, &a);
	if (r != CLI_OK)
		return r;
	r = client_set_addresses(&a.auth, words.v[0], addresses, CLI_ACTOR,
				 &a.e);
	if (r == 0)
		r = client_get(&a.auth, words.v[0], &cl);
	if (r < 0)
		return cli_auth_failed(&a, "client set", r);
	if (c->json)
		return cli_print_json(json_pack("{s:s, s:s}", "client_id",
						cl.id, "addresses",
						cl.addresses));
	printf("client_id      %s\naddresses      %s\n", cl.id, cl.addresses);
	return CLI_OK;
}

static int list_client(void *arg, const struct client *cl)
{
	char created[CLOCK_RFC3339_MAX];
	struct cli_listing *l = arg;
	json_t *uris, *j;

	cli_time(cl->created_us, created, sizeof(created));
	if (!l->items) {
		printf("%s  %s%s\n", cl->id, cl->name,
		       cl->disabled ? "  (disabled)" : "");
		return 0;
	}
	uris = json_array();
	if (client_uri_each(&l->a->auth, cl->id, add_text, uris) < 0) {
		json_decref(uris);
		return -ENOMEM;
	}
	j = json_pack("{s:s, s:s, s:s, s:b, s:s, s:s, s:o}", "client_id",
		      cl->id, "tenant_id", cl->tenant_id, "name", cl->name,
		      "disabled", cl->disabled, "created_at", created,
		      "addresses", cl->addresses, "redirect_uris", uris);
	return cli_listing_add(l, j);
}

static int64_t each_client(struct cli_listing *l, const char *tenant_id)
{
	return client_each(&l->a->auth, tenant_id, list_client, l);
}

static int client_list(struct cli *c, int argc, char **argv)
{
	return cli_auth_list(c, argc, argv, "client list", each_client);
}

int cli_client(struct cli *c, int argc, char **argv)
{
	static const struct cli_sub table[] = { { "add", client_add },
						{ "list", client_list },
						{ "set", client_set } };

	return cli_sub(c, argc, argv, table, ARRAY_SIZE(table));
}
