#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/clients.h"
#include "auth/token_form.h"
#include "auth/users.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/settings.h"
#include "storage/db.h"
#include "tests/support/auth_rig.h"

#define SECOND 1000000LL
#define DAY (86400 * SECOND)

#define COUNT_LIVE                                                             \
	"SELECT count(*) FROM tokens t JOIN token_families f ON f.id = "       \
	"t.family_id WHERE t.kind = 'refresh' AND t.used_us = 0 AND "          \
	"t.revoked_us = 0 AND f.revoked_us = 0"

static int check(struct auth_rig *rig, const char *token)
{
	struct token_info i;

	return token_check(&rig->auth, span_of(token), &i);
}

static int refresh(struct auth_rig *rig, const char *token,
		   struct token_pair *p)
{
	return token_refresh(&rig->auth, span_of(token), rig->client.s, NULL,
			     p);
}

/* ---- form -------------------------------------------------------------- */

static void token_form_has_a_checksum(void **state)
{
	struct token_form f, g;
	char text[TOKEN_MAX];
	size_t i;

	(void)state;
	token_form_random("at", &f);
	token_form_text(&f, text);
	assert_int_equal(strlen(text), TOKEN_LEN);
	assert_int_equal(token_form_parse(span_of(text), &g), 0);
	assert_memory_equal(&f, &g, sizeof(f));
	for (i = 0; i < TOKEN_LEN; i++) {
		char was = text[i];

		text[i] = was == 'x' ? 'y' : 'x';
		assert_int_equal(token_form_parse(span_of(text), &g), -EBADMSG);
		text[i] = was;
	}
	text[TOKEN_LEN - 1] = '\0';
	assert_int_equal(token_form_parse(span_of(text), &g), -EBADMSG);
	assert_int_equal(token_form_parse(span_of(""), &g), -EBADMSG);
}

/* ---- access ------------------------------------------------------------ */

static void token_says_who_is_behind_it(void **state)
{
	struct auth_rig *rig = *state;
	struct token_info i;
	struct token_pair p;

	auth_rig_issue(rig, &p);
	assert_int_equal(p.expires_in_s, 600);
	assert_memory_equal(p.access, "srs_at_", 7);
	assert_memory_equal(p.refresh, "srs_rt_", 7);
	assert_int_equal(token_check(&rig->auth, span_of(p.access), &i), 0);
	assert_int_equal(i.kind, TOKEN_ACCESS);
	assert_string_equal(i.grant_id, rig->grant.s);
	assert_string_equal(i.client_id, rig->client.s);
	assert_string_equal(i.user_id, rig->user.s);
	assert_string_equal(i.tenant_id, rig->tenant.s);
	assert_string_equal(i.scope, SCOPE_GRANT);
}

static void token_is_stored_hashed(void **state)
{
	struct auth_rig *rig = *state;
	struct token_pair p;

	auth_rig_issue(rig, &p);
	assert_int_equal(
		auth_rig_count(rig, "SELECT count(*) FROM tokens WHERE "
				    "length(mac) = 32 AND hex(mac) NOT LIKE "
				    "'%737273%'"),
		2);
}

static void token_expires(void **state)
{
	struct auth_rig *rig = *state;
	struct token_pair p;

	auth_rig_issue(rig, &p);
	clock_fake_advance(&rig->clock, 600 * SECOND - 1);
	assert_int_equal(check(rig, p.access), 0);
	clock_fake_advance(&rig->clock, 1);
	assert_int_equal(check(rig, p.access), -EKEYEXPIRED);
}

static void token_refuses_forgeries(void **state)
{
	struct auth_rig *rig = *state;
	struct token_form f, g;
	char text[TOKEN_MAX];
	struct token_pair p;

	auth_rig_issue(rig, &p);
	assert_int_equal(check(rig, "nonsense"), -EBADMSG);
	token_form_random("at", &g);
	token_form_text(&g, text);
	assert_int_equal(check(rig, text), -ENOENT);
	/* right id, own secret, right checksum */
	assert_int_equal(token_form_parse(span_of(p.access), &f), 0);
	memcpy(f.secret, g.secret, sizeof(f.secret));
	token_form_text(&f, text);
	assert_int_equal(check(rig, text), -EKEYREJECTED);
	/* an access token dressed as refresh token */
	assert_int_equal(token_form_parse(span_of(p.access), &f), 0);
	memcpy(f.kind, "rt", 3);
	token_form_text(&f, text);
	assert_int_equal(refresh(rig, text, &p), -EKEYREJECTED);
	/* client secrets and codes are no tokens */
	assert_int_equal(check(rig, rig->secret), -EBADMSG);
	assert_int_equal(check(rig, p.refresh), -EPROTOTYPE);
}

static void token_dies_with_what_it_hangs_on(void **state)
{
	struct auth_rig *rig = *state;
	struct token_pair p;

	auth_rig_issue(rig, &p);
	assert_int_equal(client_set_disabled(&rig->auth, rig->client.s, true,
					     "operator"),
			 0);
	assert_int_equal(check(rig, p.access), -EKEYREVOKED);
	assert_int_equal(client_set_disabled(&rig->auth, rig->client.s, false,
					     "operator"),
			 0);
	assert_int_equal(check(rig, p.access), 0);
	assert_int_equal(user_set_disabled(&rig->auth, rig->user.s, true,
					   "operator"),
			 0);
	assert_int_equal(check(rig, p.access), -EKEYREVOKED);
	assert_int_equal(user_set_disabled(&rig->auth, rig->user.s, false,
					   "operator"),
			 0);
	assert_int_equal(
		grant_revoke(&rig->auth, rig->grant.s, "x", "operator"), 0);
	assert_int_equal(check(rig, p.access), -EKEYREVOKED);
	assert_int_equal(refresh(rig, p.refresh, &p), -EKEYREVOKED);
	assert_int_equal(token_issue(&rig->auth, rig->grant.s, NULL, "operator",
				     &p),
			 -EKEYREVOKED);
}

/* ---- refresh ----------------------------------------------------------- */

static void refresh_rotates(void **state)
{
	struct auth_rig *rig = *state;
	struct token_pair a, b, c;

	auth_rig_issue(rig, &a);
	clock_fake_advance(&rig->clock, 700 * SECOND);
	assert_int_equal(refresh(rig, a.refresh, &b), 0);
	assert_string_not_equal(a.refresh, b.refresh);
	assert_string_not_equal(a.access, b.access);
	assert_int_equal(b.expires_in_s, 600);
	assert_int_equal(check(rig, b.access), 0);
	assert_int_equal(refresh(rig, b.refresh, &c), 0);
	assert_string_not_equal(b.refresh, c.refresh);
	assert_int_equal(auth_rig_count(rig, COUNT_LIVE), 1);
}

static void refresh_repeats_the_same_successor(void **state)
{
	struct auth_rig *rig = *state;
	struct token_pair a, b, again;

	auth_rig_issue(rig, &a);
	assert_int_equal(refresh(rig, a.refresh, &b), 0);
	clock_fake_advance(&rig->clock, 30 * SECOND);
	assert_int_equal(refresh(rig, a.refresh, &again), 0);
	assert_string_equal(again.access, b.access);
	assert_string_equal(again.refresh, b.refresh);
	assert_string_equal(again.scope, b.scope);
	assert_int_equal(again.expires_in_s, 570);
	assert_int_equal(auth_rig_count(rig, COUNT_LIVE), 1);
}

static void refresh_reuse_revokes_the_family(void **state)
{
	struct auth_rig *rig = *state;
	struct token_pair a, b, c;
	int64_t epoch = -1;

	auth_rig_issue(rig, &a);
	assert_int_equal(refresh(rig, a.refresh, &b), 0);
	clock_fake_advance(&rig->clock, 30 * SECOND + 1);
	(void)grants_live_check(rig->db, &epoch, NULL, 0);
	assert_int_equal(refresh(rig, a.refresh, &c), -EALREADY);
	assert_int_equal(check(rig, b.access), -EKEYREVOKED);
	assert_int_equal(refresh(rig, b.refresh, &c), -EKEYREVOKED);
	assert_int_equal(refresh(rig, a.refresh, &c), -EKEYREVOKED);
	assert_int_equal(auth_rig_count(rig, COUNT_LIVE), 0);
	assert_int_equal(
		auth_rig_count(rig, "SELECT count(*) FROM audit WHERE action "
				    "= 'token.family_revoke'"),
		1);
}

static void refresh_is_idle_limited(void **state)
{
	struct auth_rig *rig = *state;
	struct token_pair p;

	auth_rig_issue(rig, &p);
	clock_fake_advance(&rig->clock, 89 * DAY);
	assert_int_equal(refresh(rig, p.refresh, &p), 0);
	clock_fake_advance(&rig->clock, 89 * DAY);
	assert_int_equal(refresh(rig, p.refresh, &p), 0);
	clock_fake_advance(&rig->clock, 90 * DAY);
	assert_int_equal(refresh(rig, p.refresh, &p), -EKEYEXPIRED);
}

static void tokens_never_outlive_the_grant(void **state)
{
	struct auth_rig *rig = *state;
	struct token_pair p;
	struct id grant;

	auth_rig_grant(rig,
		       auth_rig_details("", ",\"not_after\":"
					    "\"2026-06-10T12:05:00Z\""),
		       &grant);
	assert_int_equal(token_issue(&rig->auth, grant.s, NULL, "operator", &p),
			 0);
	assert_int_equal(p.expires_in_s, 300);
	clock_fake_advance(&rig->clock, 300 * SECOND);
	assert_int_equal(check(rig, p.access), -EKEYEXPIRED);
	assert_int_equal(refresh(rig, p.refresh, &p), -EKEYEXPIRED);
}

static void refresh_belongs_to_its_client(void **state)
{
	struct auth_rig *rig = *state;
	struct token_pair p, q;

	auth_rig_issue(rig, &p);
	assert_int_equal(token_refresh(&rig->auth, span_of(p.refresh),
				       rig->other_client.s, NULL, &q),
			 -EACCES);
	assert_int_equal(refresh(rig, p.access, &q), -EBADMSG);
	assert_int_equal(refresh(rig, p.refresh, &q), 0);
}

static void refresh_may_narrow_the_scope(void **state)
{
	struct auth_rig *rig = *state;
	struct token_pair p, q;

	auth_rig_issue(rig, &p);
	assert_int_equal(token_refresh(&rig->auth, span_of(p.refresh),
				       rig->client.s, SCOPE_SIP, &q),
			 0);
	assert_string_equal(q.scope, SCOPE_SIP);
	assert_int_equal(refresh(rig, q.refresh, &p), 0);
	assert_string_equal(p.scope, SCOPE_GRANT);
}

static void refresh_never_widens_the_scope(void **state)
{
	static const char *const wider[] = { "admin", SCOPE_GRANT " admin",
					     "recordings\r\nadmin", "\"",
					     SCOPE_API };
	struct auth_rig *rig = *state;
	struct token_pair p, q;
	size_t i;

	assert_int_equal(
		token_issue(&rig->auth, rig->grant.s, SCOPE_SIP, "x", &p), 0);
	for (i = 0; i < ARRAY_SIZE(wider); i++)
		assert_int_equal(token_refresh(&rig->auth, span_of(p.refresh),
					       rig->client.s, wider[i], &q),
				 -EINVAL);
	assert_int_equal(refresh(rig, p.refresh, &q), 0); /* not used up */
	assert_string_equal(q.scope, SCOPE_SIP);
	/* nor does a repeat within the grace time */
	assert_int_equal(token_refresh(&rig->auth, span_of(p.refresh),
				       rig->client.s, "admin", &q),
			 -EINVAL);
	assert_int_equal(refresh(rig, p.refresh, &q), 0);
}

static void set_scopes(struct auth_rig *rig, const char *sql, const char *scope)
{
	assert_true(db_exec(rig->db, sql, DB_ARGS(db_text(scope))) > 0);
}

/* Rows written before scopes were checked. */
static void stored_scopes_are_cut_to_the_grant(void **state)
{
	struct auth_rig *rig = *state;
	struct token_info i;
	struct token_pair p;
	bool active;

	auth_rig_issue(rig, &p);
	set_scopes(rig, "UPDATE tokens SET scope = $1",
		   "admin recordings \"root\"");
	assert_int_equal(token_introspect(&rig->auth, span_of(p.access), NULL,
					  &active, &i),
			 0);
	assert_true(active);
	assert_string_equal(i.scope, SCOPE_API);
	set_scopes(rig, "UPDATE grants SET scope = $1", SCOPE_SIP " admin");
	assert_int_equal(check(rig, p.access), -EKEYREVOKED);
	assert_int_equal(token_introspect(&rig->auth, span_of(p.access), NULL,
					  &active, &i),
			 0);
	assert_false(active);
	set_scopes(rig, "UPDATE tokens SET scope = $1", SCOPE_GRANT);
	assert_int_equal(token_check(&rig->auth, span_of(p.access), &i), 0);
	assert_string_equal(i.scope, SCOPE_SIP);
}

/* One child: refresh over its own connection, write the pair to fd. */
static void child_refresh(const char *path, const struct auth_rig *rig,
			  const char *token, int fd)
{
	struct auth auth = rig->auth;
	struct token_pair p;
	struct db *db;

	if (db_open(path, &db, NULL) < 0)
		_exit(1);
	auth.db = db;
	if (token_refresh(&auth, span_of(token), rig->client.s, NULL, &p) != 0)
		_exit(2);
	if (write(fd, &p, sizeof(p)) != (ssize_t)sizeof(p))
		_exit(3);
	_exit(0);
}

static void parallel_refreshes_leave_one_live_pair(void **state)
{
	char dir[] = "/tmp/test_tokens_XXXXXX", path[64];
	struct token_pair p, first, got;
	struct auth_rig rig;
	int fds[2], i, status;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/catalog.db", dir);
	assert_int_equal(auth_rig_open(&rig, path), 0);
	auth_rig_issue(&rig, &p);
	assert_int_equal(pipe(fds), 0);
	for (i = 0; i < 8; i++)
		if (fork() == 0)
			child_refresh(path, &rig, p.refresh, fds[1]);
	for (i = 0; i < 8; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	for (i = 0; i < 8; i++) {
		assert_int_equal(read(fds[0], &got, sizeof(got)), sizeof(got));
		if (i == 0)
			first = got;
		assert_string_equal(got.access, first.access);
		assert_string_equal(got.refresh, first.refresh);
	}
	assert_int_equal(auth_rig_count(&rig, COUNT_LIVE), 1);
	assert_int_equal(auth_rig_count(&rig, "SELECT count(*) FROM tokens"),
			 4);
	auth_rig_close(&rig);
	(void)close(fds[0]);
	(void)close(fds[1]);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/catalog.db-wal", dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/catalog.db-shm", dir);
	(void)unlink(path);
	(void)rmdir(dir);
}

/* ---- codes ------------------------------------------------------------- */

#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define URI "https://portal.example/done"

static void make_code(struct auth_rig *rig, char code[TOKEN_MAX])
{
	assert_int_equal(token_code_issue(&rig->auth,
					  &(struct token_code){
						  .client_id = rig->client.s,
						  .grant_id = rig->grant.s,
						  .redirect_uri = URI,
						  .challenge = CHALLENGE,
						  .scope = SCOPE_GRANT },
					  code),
			 0);
}

static int redeem(struct auth_rig *rig, const char *code, const char *uri,
		  const char *verifier, struct token_pair *p)
{
	return token_code_redeem(&rig->auth, span_of(code), rig->client.s, uri,
				 verifier, NULL, p);
}

static void code_is_good_once(void **state)
{
	struct auth_rig *rig = *state;
	struct token_pair p, q;
	char code[TOKEN_MAX];

	make_code(rig, code);
	assert_int_equal(redeem(rig, code, URI, VERIFIER, &p), 0);
	assert_int_equal(check(rig, p.access), 0);
	assert_int_equal(redeem(rig, code, URI, VERIFIER, &q), -EALREADY);
	assert_int_equal(check(rig, p.access), -EKEYREVOKED);
	assert_int_equal(refresh(rig, p.refresh, &q), -EKEYREVOKED);
}

static void code_needs_verifier_and_uri(void **state)
{
	static const char wrong[] =
		"aBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
	struct auth_rig *rig = *state;
	struct token_pair p;
	char code[TOKEN_MAX], last[TOKEN_MAX];

	make_code(rig, last); /* so that the grant stays */
	make_code(rig, code);
	assert_int_equal(redeem(rig, code, URI, wrong, &p), -EINVAL);
	assert_int_equal(redeem(rig, code, URI, VERIFIER, &p), -EALREADY);
	make_code(rig, code);
	assert_int_equal(redeem(rig, code, URI "/", VERIFIER, &p), -EINVAL);
	make_code(rig, code);
	assert_int_equal(redeem(rig, code, NULL, VERIFIER, &p), -EINVAL);
	make_code(rig, code);
	assert_int_equal(redeem(rig, code, URI, NULL, &p), -EINVAL);
	make_code(rig, code);
	assert_int_equal(redeem(rig, code, URI, "short", &p), -EINVAL);
	make_code(rig, code);
	assert_int_equal(token_code_redeem(&rig->auth, span_of(code),
					   rig->other_client.s, URI, VERIFIER,
					   NULL, &p),
			 -EACCES);
	assert_int_equal(redeem(rig, last, URI, VERIFIER, &p), 0);
}

static void code_gives_no_more_scope(void **state)
{
	struct auth_rig *rig = *state;
	struct token_pair p;
	char code[TOKEN_MAX];

	make_code(rig, code);
	assert_int_equal(token_code_redeem(&rig->auth, span_of(code),
					   rig->client.s, URI, VERIFIER,
					   SCOPE_GRANT " admin", &p),
			 -ERANGE);
	assert_int_equal(token_code_redeem(&rig->auth, span_of(code),
					   rig->client.s, URI, VERIFIER,
					   SCOPE_SIP, &p),
			 0);
	assert_string_equal(p.scope, SCOPE_SIP);
}

static bool grant_is_revoked(struct auth_rig *rig)
{
	struct grant g = { 0 };
	bool revoked;

	assert_int_equal(grant_get(&rig->auth, rig->grant.s, &g), 0);
	revoked = g.revoked;
	grant_fini(&g);
	return revoked;
}

static void failed_code_leaves_no_grant_behind(void **state)
{
	struct auth_rig *rig = *state;
	struct token_pair p;
	char code[TOKEN_MAX], other[TOKEN_MAX];

	make_code(rig, code);
	make_code(rig, other); /* somebody may still come with this one */
	assert_int_equal(redeem(rig, code, URI, "wrong", &p), -EINVAL);
	assert_false(grant_is_revoked(rig));
	assert_int_equal(redeem(rig, other, URI, "wrong", &p), -EINVAL);
	assert_true(grant_is_revoked(rig));
}

static void failed_code_leaves_a_grant_in_use(void **state)
{
	struct auth_rig *rig = *state;
	struct token_pair p, q;
	char code[TOKEN_MAX];

	make_code(rig, code);
	assert_int_equal(redeem(rig, code, URI, VERIFIER, &p), 0);
	make_code(rig, code);
	assert_int_equal(redeem(rig, code, URI, "wrong", &q), -EINVAL);
	assert_false(grant_is_revoked(rig));
	assert_int_equal(check(rig, p.access), 0);
}

static void code_that_nobody_used_leaves_no_grant_behind(void **state)
{
	struct auth_rig *rig = *state;
	char code[TOKEN_MAX];

	make_code(rig, code);
	assert_true(token_sweep(&rig->auth, DAY) >= 0);
	assert_false(grant_is_revoked(rig));
	clock_fake_advance(&rig->clock, 61 * SECOND);
	assert_true(token_sweep(&rig->auth, DAY) >= 0);
	assert_true(grant_is_revoked(rig));
}

static void code_lives_a_minute(void **state)
{
	struct auth_rig *rig = *state;
	struct token_pair p;
	char code[TOKEN_MAX];

	make_code(rig, code);
	clock_fake_advance(&rig->clock, 60 * SECOND);
	assert_int_equal(redeem(rig, code, URI, VERIFIER, &p), -EKEYEXPIRED);
	assert_int_equal(redeem(rig, "x", URI, VERIFIER, &p), -EBADMSG);
	assert_int_equal(token_code_issue(&rig->auth,
					  &(struct token_code){
						  .challenge = "plain" },
					  code),
			 -EINVAL);
}

/* ---- other kinds ------------------------------------------------------- */

static int count_api(void *arg, const struct token_info *info, const char *name,
		     int64_t used_us)
{
	(void)info;
	(void)used_us;
	assert_string_equal(name, "laptop");
	++*(int *)arg;
	return 0;
}

static void api_token_has_the_users_rights(void **state)
{
	struct auth_rig *rig = *state;
	char token[TOKEN_MAX], id[TOKEN_ID_LEN + 1];
	struct token_info i;
	int n = 0;

	assert_int_equal(token_issue_api(&rig->auth, rig->user.s, "laptop", 0,
					 "operator", token, id),
			 0);
	clock_fake_advance(&rig->clock, 1000 * DAY);
	assert_int_equal(token_check(&rig->auth, span_of(token), &i), 0);
	assert_int_equal(i.kind, TOKEN_API);
	assert_string_equal(i.user_id, rig->user.s);
	assert_string_equal(i.grant_id, "");
	assert_string_equal(i.scope, SCOPE_API);
	assert_int_equal(token_each_api(&rig->auth, rig->user.s, count_api, &n),
			 1);
	assert_int_equal(n, 1);
	assert_int_equal(token_revoke_id(&rig->auth, id, rig->other_tenant.s,
					 "operator"),
			 -ENOENT);
	assert_int_equal(
		token_revoke_id(&rig->auth, id, rig->tenant.s, "operator"), 0);
	assert_int_equal(check(rig, token), -EKEYREVOKED);
}

static void client_token_is_short(void **state)
{
	struct auth_rig *rig = *state;
	struct token_info i;
	struct token_pair p;

	assert_int_equal(token_issue_client(&rig->auth, rig->client.s, &p), 0);
	assert_string_equal(p.refresh, "");
	assert_int_equal(token_check(&rig->auth, span_of(p.access), &i), 0);
	assert_int_equal(i.kind, TOKEN_CLIENT);
	assert_string_equal(i.user_id, "");
	clock_fake_advance(&rig->clock, 600 * SECOND);
	assert_int_equal(check(rig, p.access), -EKEYEXPIRED);
}

static void revoke_ends_token_or_family(void **state)
{
	struct auth_rig *rig = *state;
	struct token_pair p;
	struct token_info i;
	bool active;

	auth_rig_issue(rig, &p);
	assert_int_equal(token_introspect(&rig->auth, span_of(p.refresh),
					  rig->client.s, &active, &i),
			 0);
	assert_true(active);
	assert_int_equal(i.kind, TOKEN_REFRESH);
	assert_int_equal(token_introspect(&rig->auth, span_of(p.access),
					  rig->other_client.s, &active, &i),
			 0);
	assert_false(active);
	assert_int_equal(token_revoke(&rig->auth, span_of(p.access),
				      rig->other_client.s, "client"),
			 -EACCES);
	assert_int_equal(token_revoke(&rig->auth, span_of(p.access),
				      rig->client.s, "client"),
			 0);
	assert_int_equal(check(rig, p.access), -EKEYREVOKED);
	assert_int_equal(refresh(rig, p.refresh, &p), 0);
	assert_int_equal(token_revoke(&rig->auth, span_of(p.refresh),
				      rig->client.s, "client"),
			 0);
	assert_int_equal(check(rig, p.access), -EKEYREVOKED);
	assert_int_equal(token_revoke(&rig->auth, span_of("junk"), NULL, "x"),
			 0);
	assert_int_equal(token_introspect(&rig->auth, span_of("junk"), NULL,
					  &active, &i),
			 0);
	assert_false(active);
}

static void sweep_forgets_what_is_long_over(void **state)
{
	struct auth_rig *rig = *state;
	struct token_pair p;
	char code[TOKEN_MAX];

	auth_rig_issue(rig, &p);
	make_code(rig, code);
	assert_int_equal(token_sweep(&rig->auth, DAY), 0);
	clock_fake_advance(&rig->clock, 2 * DAY);
	assert_int_equal(token_sweep(&rig->auth, DAY), 2);
	clock_fake_advance(&rig->clock, 100 * DAY);
	assert_int_equal(token_sweep(&rig->auth, DAY), 1);
}

/* ---- the key ----------------------------------------------------------- */

static void key_is_made_once_and_private(void **state)
{
	char dir[] = "/tmp/test_tokens_XXXXXX", path[128];
	struct settings s = { 0 };
	struct auth a, b;
	struct err e = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(s.server.data_dir, sizeof(s.server.data_dir), "%s", dir);
	assert_int_equal(auth_init(&a, NULL, clock_real(), &s, &e), 0);
	assert_int_equal(auth_init(&b, NULL, clock_real(), &s, &e), 0);
	assert_memory_equal(a.key, b.key, sizeof(a.key));
	(void)snprintf(path, sizeof(path), "%s/keys/token.key", dir);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(auth_init(&b, NULL, clock_real(), &s, &e), -EPERM);
	assert_non_null(strstr(e.text, "chmod 600"));
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, 10), 0);
	memset(&e, 0, sizeof(e));
	assert_int_equal(auth_init(&b, NULL, clock_real(), &s, &e), -EBADMSG);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/keys", dir);
	(void)rmdir(path);
	(void)rmdir(dir);
}

static void lost_key_is_not_made_anew(void **state)
{
	struct auth_rig *rig = *state;
	char dir[] = "/tmp/test_tokens_XXXXXX", path[128];
	struct settings s = { 0 };
	struct err e = { 0 };
	struct auth a;

	assert_non_null(mkdtemp(dir));
	(void)snprintf(s.server.data_dir, sizeof(s.server.data_dir), "%s", dir);
	assert_int_equal(auth_init(&a, rig->auth.db, clock_real(), &s, &e),
			 -ENOKEY);
	assert_non_null(strstr(e.text, "keys/token.key is missing"));
	(void)snprintf(path, sizeof(path), "%s/keys", dir);
	assert_int_equal(rmdir(path), 0); /* nothing in it */
	(void)rmdir(dir);
}

#define RIG(f)                                                                 \
	cmocka_unit_test_setup_teardown(f, auth_rig_setup, auth_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(token_form_has_a_checksum),
		RIG(token_says_who_is_behind_it),
		RIG(token_is_stored_hashed),
		RIG(token_expires),
		RIG(token_refuses_forgeries),
		RIG(token_dies_with_what_it_hangs_on),
		RIG(refresh_rotates),
		RIG(refresh_repeats_the_same_successor),
		RIG(refresh_reuse_revokes_the_family),
		RIG(refresh_is_idle_limited),
		RIG(tokens_never_outlive_the_grant),
		RIG(refresh_belongs_to_its_client),
		RIG(refresh_may_narrow_the_scope),
		RIG(refresh_never_widens_the_scope),
		RIG(stored_scopes_are_cut_to_the_grant),
		RIG(code_gives_no_more_scope),
		cmocka_unit_test(parallel_refreshes_leave_one_live_pair),
		RIG(code_is_good_once),
		RIG(code_needs_verifier_and_uri),
		RIG(failed_code_leaves_no_grant_behind),
		RIG(failed_code_leaves_a_grant_in_use),
		RIG(code_that_nobody_used_leaves_no_grant_behind),
		RIG(code_lives_a_minute),
		RIG(api_token_has_the_users_rights),
		RIG(client_token_is_short),
		RIG(revoke_ends_token_or_family),
		RIG(sweep_forgets_what_is_long_over),
		cmocka_unit_test(key_is_made_once_and_private),
		RIG(lost_key_is_not_made_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
