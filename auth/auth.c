#include "auth/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/auth_priv.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/str.h"
#include "storage/audit.h"
#include "storage/db.h"

#define SECOND_US 1000000LL
#define KEY_TEXT_LEN (2 * AUTH_KEY_LEN)

/* ---- the key file ------------------------------------------------------ */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static int parse_key(const char *text, size_t len, uint8_t key[AUTH_KEY_LEN])
{
	struct span s = span_trim((struct span){ text, len });

	return s.len == KEY_TEXT_LEN &&
			       str_unhex(key, AUTH_KEY_LEN, s) == AUTH_KEY_LEN
		       ? 0
		       : -EBADMSG;
}

/* @return 0, -ENOENT no file yet, or an error with e set */
static int read_key(const char *path, uint8_t key[AUTH_KEY_LEN], struct err *e)
{
	int fd CLEANUP(close_fd) = -1;
	char text[256];
	struct stat st;
	ssize_t n;
	int r;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0)
		return err_set(e, -errno, "%s: %s", path, err_words(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "%s: is not a file", path);
	if (st.st_mode & 077)
		return err_set(e, -EPERM,
			       "%s: others may read it; chmod 600 it", path);
	n = read(fd, text, sizeof(text));
	if (n < 0)
		return err_set(e, -errno, "%s: %s", path, err_words(errno));
	r = parse_key(text, (size_t)n, key);
	explicit_bzero(text, sizeof(text));
	if (r < 0)
		return err_set(e, r, "%s: is not 64 hex digits", path);
	return 0;
}

static int write_new(const char *path)
{
	int fd CLEANUP(close_fd) = -1;
	char text[KEY_TEXT_LEN + 2];
	uint8_t key[AUTH_KEY_LEN];
	ssize_t n;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	id_random(key, sizeof(key));
	str_hex(text, key, sizeof(key));
	text[KEY_TEXT_LEN] = '\n';
	n = write(fd, text, KEY_TEXT_LEN + 1);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(text, sizeof(text));
	if (n != KEY_TEXT_LEN + 1)
		return n < 0 ? -errno : -ENOSPC;
	return fsync(fd) < 0 ? -errno : 0;
}

/* Under another name first, then link(2): of several processes that start at
 * once, one wins, and nobody ever sees half a key. */
static int make_key(const char *path, struct err *e)
{
	char temp[SETTINGS_PATH_MAX + 64];
	struct id id;
	int r;

	id_new(&id, 0);
	(void)snprintf(temp, sizeof(temp), "%s.%s", path, id.s);
	r = write_new(temp);
	if (r == 0 && link(temp, path) < 0 && errno != EEXIST)
		r = -errno;
	(void)unlink(temp); /* nothing more to do with it either way */
	if (r < 0)
		return err_set(e, r, "%s: %s", path, err_words(r));
	return 0;
}

/* A new key would void in silence all that was given out, and two processes
 * could work with two keys. A catalog without these tables has none of it. */
static bool key_is_needed(struct db *db)
{
	int64_t n;

	return db &&
	       db_query_int(db,
			    "SELECT EXISTS(SELECT 1 FROM clients) OR "
			    "EXISTS(SELECT 1 FROM tokens)",
			    NULL, 0, &n) == 0 &&
	       n;
}

static int load_key(const struct settings *s, struct db *db,
		    uint8_t key[AUTH_KEY_LEN], struct err *e)
{
	char path[SETTINGS_PATH_MAX];
	int r;

	r = settings_path(s, "keys", path, sizeof(path));
	if (r == 0 && mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_set(e, -errno, "%s: %s", path, err_words(errno));
	if (r == 0)
		r = settings_path(s, "keys/token.key", path, sizeof(path));
	if (r < 0)
		return err_set(e, r, "data_dir: path is too long");
	r = read_key(path, key, e);
	if (r != -ENOENT)
		return r;
	if (key_is_needed(db))
		return err_set(e, -ENOKEY,
			       "%s is missing: no token or client secret is "
			       "valid without it; put it back from a backup. "
			       "If it is lost: openssl rand -hex 32 > %s, "
			       "chmod 600, and give out new ones",
			       path, path);
	r = make_key(path, e);
	if (r == 0)
		r = read_key(path, key, e);
	return r == -ENOENT ? err_set(e, r, "%s: vanished", path) : r;
}

/* ---- life -------------------------------------------------------------- */

void auth_init_key(struct auth *a, struct db *db, struct clock *clock,
		   const uint8_t key[AUTH_KEY_LEN])
{
	memset(a, 0, sizeof(*a));
	a->db = db;
	a->clock = clock;
	memcpy(a->key, key, AUTH_KEY_LEN);
	a->access_us = 600 * SECOND_US;
	a->refresh_us = 90 * 86400 * SECOND_US;
	a->code_us = 60 * SECOND_US;
	a->grace_us = 30 * SECOND_US;
}

int auth_init(struct auth *a, struct db *db, struct clock *clock,
	      const struct settings *s, struct err *e)
{
	uint8_t key[AUTH_KEY_LEN];
	int r;

	r = load_key(s, db, key, e);
	if (r < 0)
		return r;
	auth_init_key(a, db, clock, key);
	explicit_bzero(key, sizeof(key));
	a->access_us = s->oauth.access_token_us;
	a->refresh_us = s->oauth.refresh_idle_us;
	a->code_us = s->oauth.code_us;
	a->grace_us = s->oauth.refresh_grace_us;
	return 0;
}

void auth_fini(struct auth *a)
{
	explicit_bzero(a, sizeof(*a));
}

int64_t auth_now_us(const struct auth *a)
{
	return clock_wall_us(a->clock);
}

/* ---- cryptography ------------------------------------------------------ */

static void put_len(uint8_t dst[8], size_t len)
{
	int i;

	for (i = 7; i >= 0; i--) {
		dst[i] = (uint8_t)len;
		len >>= 8;
	}
}

static EVP_MAC_CTX *hmac_template;

static void make_template(void)
{
	static char sha256_name[] = "SHA256";
	static const uint8_t no_key[AUTH_KEY_LEN];
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string("digest", sha256_name, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);

	hmac_template = EVP_MAC_CTX_new(algorithm);
	ASSERT(hmac_template && EVP_MAC_init(hmac_template, no_key,
					     sizeof(no_key), params) == 1);
	EVP_MAC_free(algorithm); /* the template has a reference */
}

/* The library looks algorithms up by name, which takes many times as long as
 * the sum itself: once a process. */
static void hmac(const uint8_t key[AUTH_KEY_LEN], const uint8_t *text,
		 size_t len, uint8_t ret_mac[AUTH_MAC_LEN])
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	EVP_MAC_CTX *ctx;
	size_t n = 0;

	ASSERT(pthread_once(&once, make_template) == 0);
	ctx = EVP_MAC_CTX_dup(hmac_template);
	ASSERT(ctx && EVP_MAC_init(ctx, key, AUTH_KEY_LEN, NULL) == 1 &&
	       EVP_MAC_update(ctx, text, len) == 1 &&
	       EVP_MAC_final(ctx, ret_mac, &n, AUTH_MAC_LEN) == 1);
	ASSERT(n == AUTH_MAC_LEN);
	EVP_MAC_CTX_free(ctx);
}

void auth_mac2(const struct auth *a, const char *label, const void *data,
	       size_t len, const void *more, size_t more_len,
	       uint8_t ret_mac[AUTH_MAC_LEN])
{
	uint8_t text[1024], *p = text;
	size_t label_len = strlen(label);

	ASSERT(label_len + len + more_len + 32 <= sizeof(text));
	memcpy(p, label, label_len + 1);
	p += label_len + 1;
	put_len(p, len);
	p += 8;
	memcpy(p, data, len);
	p += len;
	if (more_len)
		memcpy(p, more, more_len);
	p += more_len;
	hmac(a->key, text, (size_t)(p - text), ret_mac);
	explicit_bzero(text, sizeof(text));
}

void auth_mac(const struct auth *a, const char *label, const void *data,
	      size_t len, uint8_t ret_mac[AUTH_MAC_LEN])
{
	auth_mac2(a, label, data, len, NULL, 0, ret_mac);
}

void auth_sha256(const void *data, size_t len, uint8_t ret[32])
{
	unsigned n = 0;

	ASSERT(EVP_Digest(data, len, ret, &n, EVP_sha256(), NULL) == 1);
}

/* ---- database ---------------------------------------------------------- */

int auth_epoch_bump(struct db *db)
{
	int64_t r =
		db_exec(db, "UPDATE auth_epoch SET epoch = epoch + 1", DB_NONE);

	return r < 0 ? (int)r : 0;
}

int auth_end(struct auth *a, int r, bool keep)
{
	int c;

	if (!keep) {
		db_rollback(a->db);
		return r;
	}
	c = db_commit(a->db);
	return c < 0 ? c : r;
}

int auth_audit(struct auth *a, const char *tenant_id, const char *actor,
	       const char *action, const char *object, const char *id,
	       const char *result, const char *detail)
{
	char full[96];
	struct audit_entry entry = {
		.at_us = auth_now_us(a),
		.tenant_id = tenant_id,
		.actor = actor,
		.action = action,
		.object = full,
		.result = result,
		.detail = detail,
	};

	(void)snprintf(full, sizeof(full), "%s:%s", object, id);
	return audit_add(a->db, &entry);
}

int auth_audit_why(struct auth *a, const char *tenant_id, const char *actor,
		   const char *action, const char *object, const char *id,
		   const char *why)
{
	return auth_audit_what(a, tenant_id, actor, action, object, id, "why",
			       why);
}

int auth_audit_what(struct auth *a, const char *tenant_id, const char *actor,
		    const char *action, const char *object, const char *id,
		    const char *name, const char *value)
{
	struct buf detail CLEANUP(buf_fini) = { 0 };

	buf_init(&detail, 8 * 1024);
	(void)buf_printf(&detail, "{\"%s\":\"", name);
	(void)buf_json(&detail, value, strlen(value));
	(void)buf_puts(&detail, "\"}");
	if (buf_error(&detail) < 0)
		return buf_error(&detail); /* half of it is no JSON */
	return auth_audit(a, tenant_id, actor, action, object, id, "ok",
			  buf_str(&detail));
}

struct text_walk {
	auth_text_fn *fn;
	void *arg;
};

static int on_text(void *arg, struct db_row *row)
{
	struct text_walk *w = arg;

	return w->fn(w->arg, db_col_text(row, 0));
}

int64_t auth_text_each(struct auth *a, const char *sql, const char *key,
		       auth_text_fn *fn, void *arg)
{
	struct text_walk w = { fn, arg };

	return db_query(a->db, sql, DB_ARGS(db_text(key)), on_text, &w);
}

void auth_col(struct db_row *row, int col, char *dst, size_t dst_len)
{
	const char *s = db_col_text(row, col);

	(void)str_copy(dst, dst_len, s ? s : "");
}

int auth_exec_one(int64_t r)
{
	if (r < 0)
		return (int)r;
	return r == 0 ? -ENOENT : 0;
}
