#include "auth/clients.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/auth_priv.h"
#include "auth/token_form.h"
#include "auth/trunks.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "storage/db.h"

/* ---- redirect URIs ----------------------------------------------------- */

/* ":" and 1 to 65535, or nothing. */
static bool port_ok(struct span port)
{
	uint64_t n;

	if (port.len == 0)
		return true;
	if (port.len == 1 || port.p[0] != ':' || port.p[1] == '0')
		return false;
	return span_u64((struct span){ port.p + 1, port.len - 1 }, 65535, &n) ==
	       0;
}

/* Splits off a loopback host: "http://127.0.0.1" + ":port" + rest. */
static bool split_loopback(struct span uri, struct span *ret_port,
			   struct span *ret_rest)
{
	static const char *const hosts[] = { "http://127.0.0.1",
					     "http://[::1]" };
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(hosts); i++) {
		if (!span_starts(uri, hosts[i]))
			continue;
		n = strlen(hosts[i]);
		*ret_rest = (struct span){ uri.p + n, uri.len - n };
		*ret_port = (struct span){ ret_rest->p, 0 };
		if (ret_rest->len && ret_rest->p[0] == ':') {
			n = 1;
			while (n < ret_rest->len && ret_rest->p[n] >= '0' &&
			       ret_rest->p[n] <= '9')
				n++;
			ret_port->len = n;
			*ret_rest = (struct span){ ret_rest->p + n,
						   ret_rest->len - n };
		}
		return port_ok(*ret_port) &&
		       (!ret_rest->len || ret_rest->p[0] == '/' ||
			ret_rest->p[0] == '?');
	}
	return false;
}

bool client_uri_match(const char *registered, const char *uri)
{
	struct span a = span_of(registered), b = span_of(uri);
	struct span port_a, port_b, rest_a, rest_b;

	if (strcmp(registered, uri) == 0)
		return true;
	if (!split_loopback(a, &port_a, &rest_a) ||
	    !split_loopback(b, &port_b, &rest_b))
		return false;
	/* same host, same rest; only the digits of the port may differ */
	return port_a.p - a.p == port_b.p - b.p &&
	       memcmp(a.p, b.p, (size_t)(port_a.p - a.p)) == 0 &&
	       rest_a.len == rest_b.len &&
	       memcmp(rest_a.p, rest_b.p, rest_a.len) == 0;
}

static bool host_is_loopback(struct span host)
{
	return span_ieq(host, "localhost") || span_eq(host, "127.0.0.1") ||
	       span_eq(host, "[::1]");
}

/* The host; ret_port is what follows it: empty, or ":" and something. */
static struct span host_of(struct span authority, struct span *ret_port)
{
	ptrdiff_t end;
	size_t n;

	if (authority.len && authority.p[0] == '[') {
		end = span_find(authority, ']');
		n = end < 0 ? 0 : (size_t)end + 1;
	} else {
		end = span_find(authority, ':');
		n = end < 0 ? authority.len : (size_t)end;
	}
	*ret_port = (struct span){ authority.p + n, authority.len - n };
	authority.len = n;
	return authority;
}

/* After "http://" or "https://": a host, no user part. */
static bool authority_ok(struct span rest, bool loopback_only)
{
	static const char host_chars[] = "abcdefghijklmnopqrstuvwxyz"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789.-_:[]";
	struct span authority = rest, host, port;
	size_t n = 0;

	while (n < rest.len && !strchr("/?", rest.p[n]))
		n++;
	authority.len = n;
	if (span_find(authority, '@') >= 0)
		return false;
	/* it becomes part of a Content-Security-Policy */
	if (strspn(rest.p, host_chars) < n)
		return false;
	host = host_of(authority, &port);
	return host.len && port_ok(port) &&
	       (!loopback_only || host_is_loopback(host));
}

bool client_uri_ok(const char *uri)
{
	struct span s = span_of(uri), scheme;
	size_t i;

	if (!s.len || s.len >= CLIENT_URI_MAX)
		return false;
	for (i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] <= ' ' ||
		    (unsigned char)s.p[i] >= 127 || strchr("#\"<>\\", s.p[i]))
			return false;
	if (span_starts(s, "https://"))
		return authority_ok((struct span){ s.p + 8, s.len - 8 }, false);
	if (span_starts(s, "http://"))
		return authority_ok((struct span){ s.p + 7, s.len - 7 }, true);
	if (span_find(s, ':') < 0)
		return false;
	scheme = span_cut(&s, ':');
	/* RFC 8252 section 7.1: reverse domain name */
	return scheme.len > 2 && span_find(scheme, '.') > 0 && s.len > 0 &&
	       strspn(scheme.p, "abcdefghijklmnopqrstuvwxyz0123456789.-+") >=
		       scheme.len;
}

/* ---- create ------------------------------------------------------------ */

static int check_new(const struct client_new *c, struct err *e)
{
	char name[CLIENT_NAME_MAX];
	unsigned i;

	if (!c->name || !c->name[0] || strlen(c->name) >= CLIENT_NAME_MAX)
		return err_set(e, -EINVAL, "name: 1 to %d bytes",
			       CLIENT_NAME_MAX - 1);
	(void)str_copy(name, sizeof(name), c->name);
	str_plain(name, false);
	if (!name[strspn(name, " ")])
		return err_set(e, -EINVAL, "name: nothing of it can be seen");
	if (c->n_redirect_uris > CLIENT_URIS_MAX)
		return err_set(e, -EINVAL, "redirect URIs: at most %d",
			       CLIENT_URIS_MAX);
	for (i = 0; i < c->n_redirect_uris; i++)
		if (!client_uri_ok(c->redirect_uris[i]))
			return err_set(e, -EINVAL,
				       "redirect URI: https, or http on "
				       "loopback, with a port from 1 to 65535 "
				       "if any, or a private scheme with a "
				       "dot; no fragment");
	if (c->tls_identity && strlen(c->tls_identity) >= CLIENT_TLS_MAX)
		return err_set(e, -EINVAL, "TLS identity: too long");
	if (c->tls_identity && !str_visible(c->tls_identity))
		return err_set(e, -EINVAL,
			       "TLS identity: has invisible characters");
	return 0;
}

static int insert(struct auth *a, const struct client_new *c, const char *id,
		  const uint8_t mac[AUTH_MAC_LEN])
{
	char name[CLIENT_NAME_MAX];
	unsigned i;
	int64_t r;

	(void)str_copy(name, sizeof(name), c->name);
	str_plain(name, false);
	str_clean(name);
	r = db_exec(a->db,
		    "INSERT INTO clients (id, tenant_id, name, secret_mac, "
		    "plain_authorize, quoted_bearer, tls_identity, created_us) "
		    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		    DB_ARGS(db_text(id), db_text(c->tenant_id), db_text(name),
			    db_blob(mac, AUTH_MAC_LEN),
			    db_int(c->plain_authorize),
			    db_int(c->quoted_bearer),
			    db_text(c->tls_identity ? c->tls_identity : ""),
			    db_int(auth_now_us(a))));
	for (i = 0; r >= 0 && i < c->n_redirect_uris; i++)
		r = db_exec(a->db,
			    "INSERT INTO client_uris (client_id, ord, uri) "
			    "VALUES ($1, $2, $3)",
			    DB_ARGS(db_text(id), db_int(i),
				    db_text(c->redirect_uris[i])));
	return r < 0 ? (int)r : 0;
}

int client_create(struct auth *a, const struct client_new *c, const char *actor,
		  struct id *ret_id, char ret_secret[TOKEN_MAX], struct err *e)
{
	uint8_t mac[AUTH_MAC_LEN];
	struct token_form f;
	struct id id;
	int r;

	r = check_new(c, e);
	if (r < 0)
		return r;
	id_new(&id, auth_now_us(a));
	token_form_random("cs", &f);
	token_form_mac(a, &f, mac);
	r = db_begin(a->db);
	if (r < 0)
		return err_set(e, r, "%s", err_words(r));
	r = insert(a, c, id.s, mac);
	if (r == 0)
		r = auth_audit(a, c->tenant_id, actor, "client.add", "client",
			       id.s, "ok", NULL);
	r = auth_end(a, r, r == 0);
	if (r < 0)
		return err_set(e, r, "%s",
			       r == -ENOENT ? "no such tenant" : err_words(r));
	*ret_id = id;
	token_form_text(&f, ret_secret);
	return 0;
}

int client_new_secret(struct auth *a, const char *id, const char *actor,
		      char ret_secret[TOKEN_MAX])
{
	uint8_t mac[AUTH_MAC_LEN];
	struct token_form f;
	struct client c;
	int r;

	r = client_get(a, id, &c);
	if (r < 0)
		return r;
	token_form_random("cs", &f);
	token_form_mac(a, &f, mac);
	r = db_begin(a->db);
	if (r < 0)
		return r;
	r = auth_exec_one(db_exec(
		a->db, "UPDATE clients SET secret_mac = $1 WHERE id = $2",
		DB_ARGS(db_blob(mac, sizeof(mac)), db_text(id))));
	if (r == 0)
		r = auth_audit(a, c.tenant_id, actor, "client.new_secret",
			       "client", id, "ok", NULL);
	r = auth_end(a, r, r == 0);
	if (r == 0)
		token_form_text(&f, ret_secret);
	return r;
}

/* ---- read -------------------------------------------------------------- */

#define CLIENT_COLUMNS                                                         \
	"SELECT id, tenant_id, name, disabled, plain_authorize, "              \
	"quoted_bearer, sip_refresh, tls_identity, created_us, secret_mac, "   \
	"addresses FROM clients "

_Static_assert(CLIENT_ADDRESSES_MAX >= TRUNK_TEXT_MAX, "room for a list");

struct client_row {
	struct client c;
	uint8_t mac[AUTH_MAC_LEN];
};

static int on_client(void *arg, struct db_row *row)
{
	struct client_row *r = arg;
	struct client *c = &r->c;
	const void *mac;
	size_t len;

	memset(r, 0, sizeof(*r));
	auth_col(row, 0, c->id, sizeof(c->id));
	auth_col(row, 1, c->tenant_id, sizeof(c->tenant_id));
	auth_col(row, 2, c->name, sizeof(c->name));
	c->disabled = db_col_int(row, 3) != 0;
	c->plain_authorize = db_col_int(row, 4) != 0;
	c->quoted_bearer = db_col_int(row, 5) != 0;
	c->sip_refresh = (enum client_sip_refresh)db_col_int(row, 6);
	auth_col(row, 7, c->tls_identity, sizeof(c->tls_identity));
	c->created_us = db_col_int(row, 8);
	mac = db_col_blob(row, 9, &len);
	if (mac && len == sizeof(r->mac))
		memcpy(r->mac, mac, len);
	auth_col(row, 10, c->addresses, sizeof(c->addresses));
	return 1;
}

static int get(struct auth *a, const char *id, struct client_row *ret_row)
{
	int64_t n = db_query(a->db, CLIENT_COLUMNS "WHERE id = $1",
			     DB_ARGS(db_text(id)), on_client, ret_row);

	if (n < 0)
		return (int)n;
	return n == 0 ? -ENOENT : 0;
}

int client_get(struct auth *a, const char *id, struct client *ret_client)
{
	struct client_row row;
	int r;

	r = get(a, id, &row);
	if (r == 0)
		*ret_client = row.c;
	return r;
}

int client_authenticate(struct auth *a, const char *id, struct span secret,
			struct client *ret_client)
{
	uint8_t mac[AUTH_MAC_LEN];
	struct client_row row;
	struct token_form f;
	int r;

	if (token_form_parse(secret, &f) < 0 || !str_eq(f.kind, "cs"))
		return -EACCES;
	r = get(a, id, &row);
	if (r < 0)
		return r == -ENOENT ? -EACCES : r;
	token_form_mac(a, &f, mac);
	if (!mem_equal_ct(mac, row.mac, sizeof(mac)) || row.c.disabled)
		return -EACCES;
	*ret_client = row.c;
	return 0;
}

struct client_walk {
	client_fn *fn;
	void *arg;
};

static int on_each(void *arg, struct db_row *row)
{
	struct client_walk *w = arg;
	struct client_row r;

	(void)on_client(&r, row);
	return w->fn(w->arg, &r.c);
}

int64_t client_each(struct auth *a, const char *tenant_id, client_fn *fn,
		    void *arg)
{
	struct client_walk w = { fn, arg };

	if (!tenant_id)
		return db_query(a->db, CLIENT_COLUMNS "ORDER BY id", DB_NONE,
				on_each, &w);
	return db_query(a->db,
			CLIENT_COLUMNS "WHERE tenant_id = $1 ORDER BY id",
			DB_ARGS(db_text(tenant_id)), on_each, &w);
}

int64_t client_uri_each(struct auth *a, const char *id, client_uri_fn *fn,
			void *arg)
{
	return auth_text_each(a,
			      "SELECT uri FROM client_uris WHERE client_id = "
			      "$1 ORDER BY ord",
			      id, fn, arg);
}

struct uri_match {
	const char *uri;
	bool found;
};

static int match_uri(void *arg, const char *registered)
{
	struct uri_match *m = arg;

	m->found = client_uri_match(registered, m->uri);
	return m->found;
}

bool client_redirect_ok(struct auth *a, const char *id, const char *uri)
{
	struct uri_match m = { uri, false };

	/* rows from before may have what is not taken any more */
	return uri && client_uri_ok(uri) &&
	       client_uri_each(a, id, match_uri, &m) >= 0 && m.found;
}

int client_set_disabled(struct auth *a, const char *id, bool disabled,
			const char *actor)
{
	struct client c;
	int r;

	r = client_get(a, id, &c);
	if (r < 0)
		return r;
	r = db_begin(a->db);
	if (r < 0)
		return r;
	r = auth_exec_one(
		db_exec(a->db, "UPDATE clients SET disabled = $1 WHERE id = $2",
			DB_ARGS(db_int(disabled), db_text(id))));
	if (r == 0)
		r = auth_epoch_bump(a->db);
	if (r == 0)
		r = auth_audit(a, c.tenant_id, actor,
			       disabled ? "client.disable" : "client.enable",
			       "client", id, "ok", NULL);
	return auth_end(a, r, r == 0);
}

int client_set_addresses(struct auth *a, const char *id, const char *addresses,
			 const char *actor, struct err *e)
{
	char text[CLIENT_ADDRESSES_MAX];
	struct client c;
	struct trunk t;
	int r;

	r = client_get(a, id, &c);
	if (r < 0)
		return err_set(e, r, "%s",
			       r == -ENOENT ? "there is no such client"
					    : err_words(r));
	trunk_defaults(&t);
	r = trunk_set(&t, "addresses", addresses, e);
	if (r < 0)
		return r;
	trunk_text(&t, "addresses", text, sizeof(text));
	r = db_begin(a->db);
	if (r < 0)
		return err_set(e, r, "%s", err_words(r));
	r = auth_exec_one(db_exec(
		a->db, "UPDATE clients SET addresses = $1 WHERE id = $2",
		DB_ARGS(db_text(text), db_text(id))));
	if (r == 0)
		r = auth_audit_what(a, c.tenant_id, actor, "client.addresses",
				    "client", id, "addresses", text);
	r = auth_end(a, r, r == 0);
	return r < 0 ? err_set(e, r, "%s", err_words(r)) : 0;
}
