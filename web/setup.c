#include "web/setup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/aors.h"
#include "auth/users.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/settings.h"
#include "base/str.h"
#include "storage/catalog.h"
#include "storage/db.h"
#include "web/web.h"

/* After this time the next start takes a link away. */
#define LIFE_US (24 * 3600 * 1000000LL)

static void token_mac(struct auth *a, const char *token,
		      uint8_t ret_mac[AUTH_MAC_LEN])
{
	auth_mac(a, "web-setup", token, strlen(token), ret_mac);
}

int setup_link_create(struct auth *a, char ret_token[SETUP_TOKEN_MAX])
{
	uint8_t raw[32], mac[AUTH_MAC_LEN];
	int64_t n;
	int r;

	id_random(raw, sizeof(raw));
	str_b64url(ret_token, raw, sizeof(raw));
	token_mac(a, ret_token, mac);
	r = db_begin(a->db);
	if (r < 0)
		return r;
	n = db_exec(a->db, "DELETE FROM setup_links WHERE expires_us <= $1",
		    DB_ARGS(db_int(auth_now_us(a))));
	if (n >= 0)
		n = db_exec(a->db,
			    "INSERT INTO setup_links (mac, expires_us) "
			    "VALUES ($1, $2)",
			    DB_ARGS(db_blob(mac, sizeof(mac)),
				    db_int(auth_now_us(a) + LIFE_US)));
	if (n < 0) {
		db_rollback(a->db);
		return (int)n;
	}
	return db_commit(a->db);
}

int setup_link_check(struct auth *a, const char *token)
{
	uint8_t mac[AUTH_MAC_LEN];
	int64_t n, admins;
	int r;

	admins = user_admin_count(a);
	if (admins < 0)
		return (int)admins;
	if (admins > 0)
		return -ENOENT;
	token_mac(a, token, mac);
	r = db_query_int(a->db,
			 "SELECT count(*) FROM setup_links WHERE mac = $1",
			 DB_ARGS(db_blob(mac, sizeof(mac))), &n);
	if (r < 0)
		return r;
	return n > 0 ? 0 : -ENOENT;
}

static int create_all(struct auth *a, const char *token,
		      const struct setup_account *s, struct id *ret_user,
		      struct err *e)
{
	const char *aors[1] = { s->aor };
	struct user_new u = {
		.email = s->email,
		.role = USER_ADMIN,
		.password = s->password,
		.aors = aors,
		.n_aors = s->aor && s->aor[0] ? 1 : 0,
	};
	struct id tenant;
	int r;

	r = setup_link_check(a, token);
	if (r < 0)
		return r;
	r = u.n_aors ? user_aor_is_anothers(a, "", s->aor) : 0;
	if (r > 0)
		return err_set(e, -EEXIST, "%s: is somebody else's", s->aor);
	if (r < 0)
		return err_set(e, r, "%s", err_words(r));
	r = tenant_create(a->db, s->tenant, auth_now_us(a), &tenant);
	if (r == -EEXIST) /* made on the command line before */
		r = tenant_find(a->db, s->tenant, &tenant);
	if (r < 0)
		return err_set(e, r, "account name: %s", err_words(r));
	u.tenant_id = tenant.s;
	return user_create(a, &u, "operator", ret_user, e);
}

int setup_account_create(struct auth *a, const char *token,
			 const struct setup_account *s, struct id *ret_user,
			 struct err *e)
{
	int r = setup_link_check(a, token); /* guesses take no lock */

	if (r == 0)
		r = db_begin(a->db);
	if (r < 0)
		return r;
	r = create_all(a, token, s, ret_user, e);
	if (r == 0)
		return db_commit(a->db);
	db_rollback(a->db);
	return r;
}

int web_setup_link(struct db *db, const struct settings *s, char *dst,
		   size_t dst_len, struct err *e)
{
	char token[SETUP_TOKEN_MAX];
	struct auth a;
	int64_t admins;
	int r;

	dst[0] = '\0';
	r = auth_init(&a, db, clock_real(), s, e);
	if (r < 0)
		return r;
	admins = user_admin_count(&a);
	r = admins < 0 ? (int)admins : 0;
	if (admins == 0)
		r = setup_link_create(&a, token);
	auth_fini(&a);
	if (r < 0)
		return err_set(e, r, "setup link: %s", err_words(r));
	if (admins > 0)
		return 0;
	if ((size_t)snprintf(dst, dst_len, "%s/setup?token=%s",
			     s->http.public_url, token) >= dst_len)
		return err_set(e, -ENOBUFS, "public_url is too long");
	return 1;
}
