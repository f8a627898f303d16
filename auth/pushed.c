#include "auth/pushed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/auth_priv.h"
#include "auth/token_form.h"
#include "base/mem.h"
#include "base/str.h"
#include "storage/db.h"

#define PUSHED_PREFIX "urn:ietf:params:oauth:request_uri:"
#define SECOND_US 1000000LL

static bool pushed_mac(const struct auth *a, const char *uri,
		       uint8_t mac[AUTH_MAC_LEN])
{
	struct token_form f;

	if (!uri || strncmp(uri, PUSHED_PREFIX, strlen(PUSHED_PREFIX)) != 0)
		return false;
	uri += strlen(PUSHED_PREFIX);
	if (token_form_parse(span_of(uri), &f) < 0 || !str_eq(f.kind, "pr"))
		return false;
	token_form_mac(a, &f, mac);
	return true;
}

/* ---- how much there is -------------------------------------------------- */

struct waiting {
	int64_t n, bytes, first_us; /* when the first of them is over */
};

static int on_waiting(void *arg, struct db_row *row)
{
	struct waiting *w = arg;

	w->n = db_col_int(row, 0);
	w->bytes = db_col_int(row, 1);
	w->first_us = db_col_int(row, 2);
	return 1;
}

static bool has_room(const struct waiting *w, size_t len, int64_t max,
		     int64_t max_bytes)
{
	return w->n < max && w->bytes + (int64_t)len <= max_bytes;
}

static int64_t seconds_until(const struct auth *a, int64_t at_us)
{
	int64_t left = at_us - auth_now_us(a);

	return left > 0 ? left / SECOND_US + 1 : 1;
}

/* @return 0, -EDQUOT, -EAGAIN, db's error */
static int check_room(struct auth *a, const struct pushed_new *p, size_t len,
		      int64_t *ret_retry_s)
{
	struct waiting mine = { 0 }, all = { 0 };
	int64_t share = p->plain ? 4 : 1, r;

	r = db_query(a->db,
		     "SELECT count(*), sum(bytes), min(expires_us) FROM "
		     "pushed_requests WHERE client_id = $1 AND plain = $2",
		     DB_ARGS(db_text(p->client_id), db_int(p->plain)),
		     on_waiting, &mine);
	if (r >= 0)
		r = db_query(a->db,
			     "SELECT count(*), sum(bytes), min(expires_us) "
			     "FROM pushed_requests",
			     DB_NONE, on_waiting, &all);
	if (r < 0)
		return (int)r;
	if (!has_room(&mine, len, PUSHED_EACH_MAX / share,
		      PUSHED_EACH_BYTES / share)) {
		*ret_retry_s = seconds_until(a, mine.first_us);
		return -EDQUOT;
	}
	if (has_room(&all, len, PUSHED_ALL_MAX, PUSHED_ALL_BYTES))
		return 0;
	*ret_retry_s = seconds_until(a, all.first_us);
	return -EAGAIN;
}

/* ---- one request -------------------------------------------------------- */

static int insert(struct auth *a, const struct pushed_new *p, size_t len,
		  const uint8_t mac[AUTH_MAC_LEN])
{
	int64_t now = auth_now_us(a), r;

	r = db_exec(a->db,
		    "INSERT INTO pushed_requests (mac, client_id, params, "
		    "expires_us, bytes, plain) VALUES ($1, $2, $3, $4, $5, "
		    "$6)",
		    DB_ARGS(db_blob(mac, AUTH_MAC_LEN), db_text(p->client_id),
			    db_text(p->params_json), db_int(now + p->life_us),
			    db_int((int64_t)len), db_int(p->plain)));
	return r < 0 ? (int)r : 0;
}

int pushed_put(struct auth *a, const struct pushed_new *p,
	       char ret_uri[PUSHED_URI_MAX], int64_t *ret_retry_s)
{
	size_t len = strlen(p->params_json);
	uint8_t mac[AUTH_MAC_LEN];
	char text[TOKEN_MAX];
	struct token_form f;
	int64_t n;
	int r;

	if (len > PUSHED_TEXT_MAX)
		return -E2BIG;
	token_form_random("pr", &f);
	token_form_mac(a, &f, mac);
	r = db_begin(a->db);
	if (r < 0)
		return r;
	n = db_exec(a->db, "DELETE FROM pushed_requests WHERE expires_us <= $1",
		    DB_ARGS(db_int(auth_now_us(a))));
	r = n < 0 ? (int)n : check_room(a, p, len, ret_retry_s);
	if (r == 0)
		r = insert(a, p, len, mac);
	r = auth_end(a, r, r == 0);
	if (r < 0)
		return r;
	token_form_text(&f, text);
	(void)snprintf(ret_uri, PUSHED_URI_MAX, PUSHED_PREFIX "%s", text);
	return 0;
}

struct pushed_row {
	char *params;
	int64_t expires_us;
};

static int on_pushed(void *arg, struct db_row *row)
{
	struct pushed_row *p = arg;

	p->params = mem_strdup(db_col_text(row, 0));
	p->expires_us = db_col_int(row, 1);
	return p->params ? 1 : -ENOMEM;
}

int pushed_get(struct auth *a, const char *uri, const char *client_id,
	       char **ret_json)
{
	struct pushed_row p = { NULL, 0 };
	uint8_t mac[AUTH_MAC_LEN];
	int64_t n;

	if (!pushed_mac(a, uri, mac))
		return -ENOENT;
	n = db_query(a->db,
		     "SELECT params, expires_us FROM pushed_requests "
		     "WHERE mac = $1 AND client_id = $2",
		     DB_ARGS(db_blob(mac, sizeof(mac)), db_text(client_id)),
		     on_pushed, &p);
	if (n <= 0)
		return n < 0 ? (int)n : -ENOENT;
	if (auth_now_us(a) >= p.expires_us) {
		mem_free(p.params);
		return -EKEYEXPIRED;
	}
	*ret_json = p.params;
	return 0;
}

int pushed_use(struct auth *a, const char *uri, const char *client_id)
{
	uint8_t mac[AUTH_MAC_LEN];

	if (!pushed_mac(a, uri, mac))
		return -ENOENT;
	return auth_exec_one(db_exec(
		a->db,
		"DELETE FROM pushed_requests WHERE mac = $1 AND client_id = "
		"$2",
		DB_ARGS(db_blob(mac, sizeof(mac)), db_text(client_id))));
}
