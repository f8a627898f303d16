#include "web/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "storage/db.h"
#include "web/context.h"
#include "web/http.h"

#define SECRET_LEN 32
#define IDLE_US (12 * 3600 * 1000000LL)
#define LIFE_US (7 * 24 * 3600 * 1000000LL)
#define SEEN_STEP_US (300 * 1000000LL) /* how exact seen_us is */

static const char *cookie_name(const struct http_request *req)
{
	return req->ctx->web->secure ? "__Host-srs" : "srs";
}

static const char *pre_name(const struct http_request *req)
{
	return req->ctx->web->secure ? "__Host-srs-form" : "srs-form";
}

static void set_cookie(const struct http_request *req,
		       struct http_response *res, const char *name,
		       const char *value, bool gone)
{
	http_add(res, "Set-Cookie", "%s=%s; Path=/; HttpOnly; SameSite=Lax%s%s",
		 name, value, req->ctx->web->secure ? "; Secure" : "",
		 gone ? "; Max-Age=0" : "");
}

static void device_name(const struct http_request *req, const char *email,
			char dst[64])
{
	char name[LOGIN_DEVICE_NAME_MAX];

	login_device_name(&req->ctx->auth, email, name);
	(void)snprintf(dst, 64, "%s-known-%s", cookie_name(req), name);
}

bool web_session_device(const struct http_request *req, const char *email,
			char dst[LOGIN_DEVICE_MAX])
{
	char name[64];

	device_name(req, email, name);
	return http_cookie(req, name, dst, LOGIN_DEVICE_MAX) == 0;
}

static int set_device(struct http_request *req, struct http_response *res,
		      const char *user_id)
{
	char name[64], value[LOGIN_DEVICE_MAX];
	struct user u;
	int r = user_find(&req->ctx->auth, user_id, &u);

	if (r == 0)
		r = login_device_make(&req->ctx->auth, user_id, value);
	if (r < 0)
		return r;
	device_name(req, u.email, name);
	http_add(res, "Set-Cookie",
		 "%s=%s; Path=/; HttpOnly; SameSite=Lax%s; Max-Age=%d", name,
		 value, req->ctx->web->secure ? "; Secure" : "", 180 * 86400);
	return 0;
}

/* HMAC of the cookie; false when there is no usable one. */
static bool cookie_mac(const struct http_request *req,
		       uint8_t ret_mac[AUTH_MAC_LEN])
{
	char text[SESSION_TEXT_MAX];
	size_t len;

	if (http_cookie(req, cookie_name(req), text, sizeof(text)) < 0)
		return false;
	len = strlen(text);
	if (len != 43)
		return false;
	auth_mac(&req->ctx->auth, "web-session", text, len, ret_mac);
	return true;
}

static void random_text(char dst[SESSION_TEXT_MAX])
{
	uint8_t raw[SECRET_LEN];

	id_random(raw, sizeof(raw));
	str_b64url(dst, raw, sizeof(raw));
}

struct found {
	struct web_session *s;
	char user_id[ID_LEN + 1];
	int64_t seen_us;
};

static int on_session(void *arg, struct db_row *row)
{
	struct found *f = arg;

	(void)str_copy(f->user_id, sizeof(f->user_id), db_col_text(row, 0));
	(void)str_copy(f->s->csrf, sizeof(f->s->csrf), db_col_text(row, 1));
	f->s->created_us = db_col_int(row, 2);
	f->seen_us = db_col_int(row, 3);
	return 0;
}

static int note_use(struct http_request *req, const struct found *f)
{
	int64_t n;

	if (req->wall_us - f->seen_us < SEEN_STEP_US)
		return 0;
	n = db_exec(req->ctx->db,
		    "UPDATE web_sessions SET seen_us = $1 WHERE mac = $2",
		    DB_ARGS(db_int(req->wall_us),
			    db_blob(f->s->mac, AUTH_MAC_LEN)));
	return n < 0 ? (int)n : 0;
}

int web_session_load(struct http_request *req, struct web_session *ret_s)
{
	struct found f = { .s = ret_s };
	int64_t n;
	int r;

	if (!cookie_mac(req, ret_s->mac))
		return -ENOENT;
	n = db_query(req->ctx->db,
		     "SELECT user_id, csrf, created_us, seen_us "
		     "FROM web_sessions WHERE mac = $1",
		     DB_ARGS(db_blob(ret_s->mac, AUTH_MAC_LEN)), on_session,
		     &f);
	if (n <= 0)
		return n < 0 ? (int)n : -ENOENT;
	if (req->wall_us - f.seen_us > IDLE_US ||
	    req->wall_us - ret_s->created_us > LIFE_US)
		return -ENOENT;
	r = user_find(&req->ctx->auth, f.user_id, &ret_s->user);
	if (r < 0)
		return r;
	if (ret_s->user.disabled)
		return -ENOENT;
	return note_use(req, &f);
}

int web_session_begin(struct http_request *req, struct http_response *res,
		      const char *user_id)
{
	char secret[SESSION_TEXT_MAX], csrf[SESSION_TEXT_MAX];
	uint8_t mac[AUTH_MAC_LEN];
	int64_t n;

	if (cookie_mac(req, mac)) {
		n = db_exec(req->ctx->db,
			    "DELETE FROM web_sessions WHERE mac = $1",
			    DB_ARGS(db_blob(mac, sizeof(mac))));
		if (n < 0)
			return (int)n;
	}
	random_text(secret);
	random_text(csrf);
	auth_mac(&req->ctx->auth, "web-session", secret, strlen(secret), mac);
	n = db_exec(req->ctx->db,
		    "INSERT INTO web_sessions "
		    "(mac, user_id, csrf, created_us, seen_us) "
		    "VALUES ($1, $2, $3, $4, $5)",
		    DB_ARGS(db_blob(mac, sizeof(mac)), db_text(user_id),
			    db_text(csrf), db_int(req->wall_us),
			    db_int(req->wall_us)));
	if (n < 0)
		return (int)n;
	set_cookie(req, res, cookie_name(req), secret, false);
	set_cookie(req, res, pre_name(req), "", true);
	return set_device(req, res, user_id);
}

int web_session_end(struct http_request *req, struct http_response *res)
{
	uint8_t mac[AUTH_MAC_LEN];
	int64_t n = 0;

	if (cookie_mac(req, mac))
		n = db_exec(req->ctx->db,
			    "DELETE FROM web_sessions WHERE mac = $1",
			    DB_ARGS(db_blob(mac, sizeof(mac))));
	if (n < 0)
		return (int)n;
	set_cookie(req, res, cookie_name(req), "", true);
	return 0;
}

/* The name in the address bar need not be the one in the configuration. A
 * proxy in front may have added TLS that we don't know of, never removed it. */
static bool is_host(const struct http_request *req, const char *origin)
{
	const char *host = http_header(req, "Host");
	struct span s = span_of(origin);

	if (span_starts(s, "https://"))
		s.p += strlen("https://");
	else if (span_starts(s, "http://") && !req->ctx->web->secure)
		s.p += strlen("http://");
	else
		return false;
	return host && host[0] && str_ieq(s.p, host);
}

bool web_session_origin_ok(const struct http_request *req)
{
	const char *origin = http_header(req, "Origin");
	const char *site = http_header(req, "Sec-Fetch-Site");

	if (site && strcmp(site, "same-origin") != 0 &&
	    strcmp(site, "none") != 0)
		return false;
	return !origin || str_ieq(origin, req->ctx->web->origin) ||
	       is_host(req, origin);
}

static bool same_text(const char *a, const char *b)
{
	size_t len = strlen(a);

	return len > 0 && len == strlen(b) && mem_equal_ct(a, b, len);
}

bool web_session_write_ok(const struct http_request *req, const char *given)
{
	return req->session && given && web_session_origin_ok(req) &&
	       same_text(req->session->csrf, given);
}

void web_session_pre_token(const struct http_request *req,
			   struct http_response *res,
			   char dst[SESSION_TEXT_MAX])
{
	if (http_cookie(req, pre_name(req), dst, SESSION_TEXT_MAX) == 0 &&
	    strlen(dst) == 43 &&
	    strspn(dst, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"0123456789-_") == 43)
		return;
	random_text(dst);
	set_cookie(req, res, pre_name(req), dst, false);
}

bool web_session_pre_ok(const struct http_request *req, const char *given)
{
	char text[SESSION_TEXT_MAX];

	if (!given || !web_session_origin_ok(req) ||
	    http_cookie(req, pre_name(req), text, sizeof(text)) < 0)
		return false;
	return same_text(text, given);
}

int64_t web_session_sweep(struct db *db, int64_t now_us)
{
	return db_exec(db,
		       "DELETE FROM web_sessions "
		       "WHERE seen_us < $1 OR created_us < $2",
		       DB_ARGS(db_int(now_us - IDLE_US),
			       db_int(now_us - LIFE_US)));
}
