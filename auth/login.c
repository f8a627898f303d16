#include "auth/login.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "auth/auth_priv.h"
#include "auth/password.h"
#include "auth/users_priv.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/net.h"
#include "base/str.h"
#include "storage/db.h"

#define WINDOW_US (900 * 1000000LL)
#define MAX_DEVICE 10
#define MAX_ACCOUNT 10
#define MAX_ADDRESS 30
#define MAX_ADDRESS_FULL 3 /* while the total is used up */
#define MAX_ALL 600
#define DEVICE_LIFE_US (180 * 86400 * 1000000LL)
#define NONCE_LEN 16

/* ---- known browsers ---- */

void login_device_name(struct auth *a, const char *email,
		       char dst[LOGIN_DEVICE_NAME_MAX])
{
	uint8_t mac[AUTH_MAC_LEN];
	char normal[USER_EMAIL_MAX];

	if (user_email_normalize(email, normal) < 0)
		normal[0] = '\0';
	auth_mac(a, "login-device-name", normal, strlen(normal), mac);
	str_hex(dst, mac, 8);
}

static void device_mac(struct auth *a, const struct user_row *row,
		       const char *head, uint8_t ret_mac[AUTH_MAC_LEN])
{
	char who[ID_LEN + PASSWORD_HASH_MAX + 2];

	(void)snprintf(who, sizeof(who), "%s %s", row->u.id, row->hash);
	auth_mac2(a, "login-device", who, strlen(who), head, strlen(head),
		  ret_mac);
}

static void device_text(struct auth *a, const struct user_row *row,
			const char *head, char dst[LOGIN_DEVICE_MAX])
{
	uint8_t mac[AUTH_MAC_LEN];
	char words[64];

	device_mac(a, row, head, mac);
	str_b64url(words, mac, sizeof(mac));
	(void)snprintf(dst, LOGIN_DEVICE_MAX, "%s.%s", head, words);
}

int login_device_make(struct auth *a, const char *user_id,
		      char dst[LOGIN_DEVICE_MAX])
{
	uint8_t nonce[NONCE_LEN];
	char head[64], words[32];
	struct user_row row;
	int r = user_row_find(a, user_id, &row);

	if (r < 0)
		return r;
	id_random(nonce, sizeof(nonce));
	str_b64url(words, nonce, sizeof(nonce));
	(void)snprintf(head, sizeof(head), "%s.%" PRId64, words,
		       auth_now_us(a) / 1000000);
	device_text(a, &row, head, dst);
	return 0;
}

/* Nonce, dot, seconds, dot, MAC. The same work for every user. */
static bool device_ok(struct auth *a, const struct user_row *row,
		      const char *given, char *ret_nonce, size_t nonce_len)
{
	struct span rest = span_of(given), nonce = span_cut(&rest, '.');
	struct span since = span_cut(&rest, '.');
	int64_t now_s = auth_now_us(a) / 1000000;
	char head[64], want[LOGIN_DEVICE_MAX];
	uint64_t since_s;

	if (nonce.len == 0 || span_u64(since, INT64_MAX, &since_s) < 0 ||
	    snprintf(head, sizeof(head), "%.*s.%.*s", SPAN_ARG(nonce),
		     SPAN_ARG(since)) >= (int)sizeof(head))
		return false;
	device_text(a, row, head, want);
	if (strlen(given) != strlen(want) ||
	    !mem_equal_ct(given, want, strlen(want)))
		return false;
	(void)span_copy(ret_nonce, nonce_len, nonce);
	return (int64_t)since_s <= now_s &&
	       now_s - (int64_t)since_s < DEVICE_LIFE_US / 1000000;
}

/* ---- budgets ---- */

struct budget {
	int64_t count, since_us;
};

static int on_budget(void *arg, struct db_row *row)
{
	struct budget *b = arg;

	b->count = db_col_int(row, 0);
	b->since_us = db_col_int(row, 1);
	return 1;
}

/* Count one, then look. @return 0 or db's error */
static int budget_take(struct auth *a, const char *what, struct budget *ret_b)
{
	int64_t now = auth_now_us(a), n;

	n = db_query(a->db,
		     "INSERT INTO login_failures (what, count, since_us) "
		     "VALUES ($1, 1, $2) ON CONFLICT (what) DO UPDATE SET "
		     "count = CASE WHEN since_us <= $3 THEN 1 ELSE count + 1 "
		     "END, since_us = CASE WHEN since_us <= $3 THEN $2 ELSE "
		     "since_us END RETURNING count, since_us",
		     DB_ARGS(db_text(what), db_int(now),
			     db_int(now - WINDOW_US)),
		     on_budget, ret_b);
	return n < 0 ? (int)n : 0;
}

static int budget_return(struct auth *a, const char *what)
{
	int64_t n = db_exec(a->db,
			    "UPDATE login_failures SET count = count - 1 "
			    "WHERE what = $1 AND count > 0",
			    DB_ARGS(db_text(what)));

	return n < 0 ? (int)n : 0;
}

static int budget_forget(struct auth *a, const char *what)
{
	int64_t n = db_exec(a->db, "DELETE FROM login_failures WHERE what = $1",
			    DB_ARGS(db_text(what)));

	return n < 0 ? (int)n : 0;
}

struct attempt {
	const struct login *l;
	struct user_row row;
	bool known; /* by device or session; then only this one counts: */
	char device[64];
	char account[USER_EMAIL_MAX + 16];
	char address[NET_TEXT_MAX + 64];
};

static int over(struct auth *a, const struct budget *b, int64_t max,
		int64_t *ret_retry_s)
{
	if (b->count <= max)
		return 0;
	*ret_retry_s = (b->since_us + WINDOW_US - auth_now_us(a)) / 1000000 + 1;
	return -EAGAIN;
}

static int take_all(struct auth *a, const struct attempt *t,
		    int64_t *ret_retry_s)
{
	struct budget b, all;
	int64_t max = MAX_ADDRESS;
	int r;

	if (t->known) {
		r = budget_take(a, t->device, &b);
		return r < 0 ? r : over(a, &b, MAX_DEVICE, ret_retry_s);
	}
	r = budget_take(a, "all", &all);
	if (r == 0)
		r = budget_take(a, t->account, &b);
	if (r == 0)
		r = over(a, &b, MAX_ACCOUNT, ret_retry_s);
	if (r == 0)
		r = budget_take(a, t->address, &b);
	if (r < 0)
		return r;
	if (all.count > MAX_ALL)
		max = MAX_ADDRESS_FULL;
	return over(a, &b, max, ret_retry_s);
}

/* What is refused counts nowhere: it learned nothing. */
static int attempt_begin(struct auth *a, const struct attempt *t,
			 int64_t *ret_retry_s)
{
	int r = db_begin(a->db);

	if (r < 0)
		return r;
	r = take_all(a, t, ret_retry_s);
	return auth_end(a, r, r == 0);
}

static int audit(struct auth *a, const struct user_row *row, const char *actor,
		 const char *result, const char *address, const char *by)
{
	struct buf b CLEANUP(buf_fini);

	buf_init(&b, 512);
	buf_puts(&b, "{\"address\":\"");
	buf_json(&b, address, strlen(address));
	(void)buf_printf(&b, "\",\"by\":\"%s\"}", by); /* errors stick */
	return auth_audit(a, row->u.tenant_id, actor, "user.login", "user",
			  row->u.id, result, buf_str(&b));
}

static int attempt_failed(struct auth *a, const struct attempt *t)
{
	int r = audit(a, &t->row, "anonymous", "refused", t->l->address,
		      "password");

	return r < 0 ? r : -EACCES;
}

static int attempt_succeeded(struct auth *a, const struct attempt *t)
{
	char actor[64];
	int r = db_begin(a->db);

	if (r < 0)
		return r;
	(void)snprintf(actor, sizeof(actor), "user:%s", t->row.u.id);
	r = budget_forget(a, t->known ? t->device : t->account);
	if (r == 0 && !t->known)
		r = budget_return(a, t->address);
	if (r == 0 && !t->known)
		r = budget_return(a, "all");
	if (r == 0)
		r = audit(a, &t->row, actor, "ok", t->l->address, "password");
	return auth_end(a, r, r == 0);
}

/* ---- logging in ---- */

/* All of an IPv6 /64 is one peer's. */
static void address_key(const char *address, char *dst, size_t dst_len)
{
	struct net_addr a;
	char text[NET_TEXT_MAX];

	if (strchr(address, ':') && net_addr_parse(span_of(address), &a)) {
		net_addr_text(&a, text);
		if (strchr(text, ':'))
			memset(a.ip + 8, 0, 8);
		net_addr_text(&a, text);
		address = text;
	}
	(void)snprintf(dst, dst_len, "address:%s", address);
}

static int attempt_init(struct auth *a, const struct login *l,
			struct attempt *t)
{
	char normal[USER_EMAIL_MAX], nonce[32] = "";
	int r;

	memset(t, 0, sizeof(*t));
	t->l = l;
	if (user_email_normalize(l->email, normal) < 0)
		(void)str_copy(normal, sizeof(normal), "?");
	r = user_row_find(a, normal, &t->row);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r < 0)
		memset(&t->row, 0, sizeof(t->row));
	(void)snprintf(t->account, sizeof(t->account), "account:%s", normal);
	address_key(l->address, t->address, sizeof(t->address));
	t->known = l->device &&
		   device_ok(a, &t->row, l->device, nonce, sizeof(nonce)) &&
		   r == 0;
	if (r == 0 && l->session_user &&
	    strcmp(l->session_user, t->row.u.id) == 0)
		t->known = true;
	(void)snprintf(t->device, sizeof(t->device), "device:%s",
		       nonce[0] ? nonce : t->row.u.id);
	return 0;
}

int user_login(struct auth *a, const struct login *l, struct user *ret_user,
	       int64_t *ret_retry_s)
{
	struct attempt t;
	bool good;
	int r;

	r = attempt_init(a, l, &t);
	if (r == 0)
		r = attempt_begin(a, &t, ret_retry_s);
	if (r < 0)
		return r;
	good = password_verify(t.row.hash, l->password);
	if (!good || t.row.u.disabled)
		return attempt_failed(a, &t);
	r = attempt_succeeded(a, &t);
	if (r == 0)
		*ret_user = t.row.u;
	return r;
}

/* ---- links ---- */

static void link_mac(struct auth *a, const char *token,
		     uint8_t ret_mac[AUTH_MAC_LEN])
{
	auth_mac(a, "login-link", token, strlen(token), ret_mac);
}

int login_link_make(struct auth *a, const char *email, const char *actor,
		    char ret_token[LOGIN_LINK_MAX])
{
	uint8_t raw[32], mac[AUTH_MAC_LEN];
	int64_t now = auth_now_us(a), n;
	struct user u;
	int r;

	r = user_find(a, email, &u);
	if (r < 0)
		return r;
	if (u.disabled)
		return -EACCES;
	id_random(raw, sizeof(raw));
	str_b64url(ret_token, raw, sizeof(raw));
	link_mac(a, ret_token, mac);
	r = db_begin(a->db);
	if (r < 0)
		return r;
	n = db_exec(a->db, "DELETE FROM login_links WHERE expires_us <= $1",
		    DB_ARGS(db_int(now)));
	if (n >= 0)
		n = db_exec(a->db,
			    "INSERT INTO login_links (mac, user_id, "
			    "expires_us) VALUES ($1, $2, $3)",
			    DB_ARGS(db_blob(mac, sizeof(mac)), db_text(u.id),
				    db_int(now + LOGIN_LINK_LIFE_US)));
	r = n < 0 ? (int)n
		  : auth_audit(a, u.tenant_id, actor, "user.login_link", "user",
			       u.id, "ok", NULL);
	return auth_end(a, r, r == 0);
}

int login_link_check(struct auth *a, const char *token)
{
	uint8_t mac[AUTH_MAC_LEN];
	int64_t n = 0;
	int r;

	link_mac(a, token, mac);
	r = db_query_int(
		a->db,
		"SELECT count(*) FROM login_links WHERE mac = $1 AND "
		"expires_us > $2",
		DB_ARGS(db_blob(mac, sizeof(mac)), db_int(auth_now_us(a))), &n);
	if (r < 0)
		return r;
	return n > 0 ? 0 : -ENOENT;
}

static int on_id(void *arg, struct db_row *row)
{
	auth_col(row, 0, arg, ID_LEN + 1);
	return 1;
}

/* In a transaction: a link that two use at once is deleted by one. */
static int use_link(struct auth *a, const char *token, const char *address,
		    struct user_row *row)
{
	char id[ID_LEN + 1], key[USER_EMAIL_MAX + 16], actor[64];
	uint8_t mac[AUTH_MAC_LEN];
	int64_t n;
	int r;

	link_mac(a, token, mac);
	n = db_query(a->db,
		     "DELETE FROM login_links WHERE mac = $1 AND expires_us > "
		     "$2 RETURNING user_id",
		     DB_ARGS(db_blob(mac, sizeof(mac)), db_int(auth_now_us(a))),
		     on_id, id);
	if (n <= 0)
		return n < 0 ? (int)n : -ENOENT;
	r = user_row_find(a, id, row);
	if (r == 0 && row->u.disabled)
		r = -ENOENT;
	if (r < 0)
		return r;
	(void)snprintf(key, sizeof(key), "account:%s", row->u.email);
	(void)snprintf(actor, sizeof(actor), "user:%s", row->u.id);
	r = budget_forget(a, key);
	return r < 0 ? r : audit(a, row, actor, "ok", address, "link");
}

int login_link_use(struct auth *a, const char *token, const char *address,
		   struct user *ret_user)
{
	struct user_row row;
	int r = login_link_check(a, token); /* guesses take no lock */

	if (r == 0)
		r = db_begin(a->db);
	if (r < 0)
		return r;
	r = use_link(a, token, address, &row);
	r = auth_end(a, r, r == 0);
	if (r == 0)
		*ret_user = row.u;
	return r;
}
