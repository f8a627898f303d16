#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "auth/aors.h"
#include "auth/login.h"
#include "auth/password.h"
#include "auth/users.h"
#include "base/err.h"
#include "base/mem.h"
#include "storage/db.h"
#include "tests/support/auth_rig.h"

#define SECOND 1000000LL
#define PASSWORD "correct horse"

static void password_is_hashed_with_argon2id(void **state)
{
	char a[PASSWORD_HASH_MAX], b[PASSWORD_HASH_MAX];
	char longer[PASSWORD_MAX + 2];

	(void)state;
	assert_int_equal(password_hash(PASSWORD, a), 0);
	assert_int_equal(password_hash(PASSWORD, b), 0);
	assert_memory_equal(a, "$argon2id$", 10);
	assert_string_not_equal(a, b);
	assert_true(password_verify(a, PASSWORD));
	assert_false(password_verify(a, "correct horsf"));
	assert_false(password_verify(a, ""));
	assert_false(password_verify(NULL, PASSWORD));
	assert_false(password_verify("", PASSWORD));
	assert_false(password_verify("nonsense", PASSWORD));
	assert_int_equal(password_hash("short", a), -EINVAL);
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(password_hash(longer, a), -EINVAL);
	assert_false(password_verify(b, longer));
}

/* Stands before libsodium's: what is compared with which hash, and how often.
 * It then does the work. */
static struct {
	unsigned calls;
	size_t len;
	char hash[PASSWORD_HASH_MAX];
} work;

int crypto_pwhash_str_verify(const char hash[crypto_pwhash_STRBYTES],
			     const char *const password, unsigned long long len)
{
	int (*real)(const char *, const char *, unsigned long long);
	void *found = dlsym(RTLD_NEXT, "crypto_pwhash_str_verify");

	assert_non_null(found);
	memcpy(&real, &found, sizeof(real));
	work.calls++;
	work.len = (size_t)len;
	(void)snprintf(work.hash, sizeof(work.hash), "%s", hash);
	return real(hash, password, len);
}

static void worked_fully_once(void)
{
	assert_int_equal(work.calls, 1);
	assert_int_equal(work.len, strlen(PASSWORD));
	/* 0: well-formed, so that nothing returns early, and made with the
	 * memory and the passes of today's hashes */
	assert_int_equal(crypto_pwhash_str_needs_rehash(
				 work.hash, crypto_pwhash_OPSLIMIT_INTERACTIVE,
				 crypto_pwhash_MEMLIMIT_INTERACTIVE),
			 0);
	memset(&work, 0, sizeof(work));
}

/* Time can't be compared on a busy machine; what takes the time can. */
static void unknown_user_takes_as_long(void **state)
{
	char hash[PASSWORD_HASH_MAX];

	(void)state;
	assert_int_equal(password_hash(PASSWORD, hash), 0);
	memset(&work, 0, sizeof(work));
	assert_true(password_verify(hash, PASSWORD));
	worked_fully_once();
	assert_false(password_verify(NULL, PASSWORD));
	worked_fully_once();
	assert_false(password_verify("", PASSWORD));
	worked_fully_once();
}

static int login(struct auth_rig *rig, const char *email, const char *password,
		 const char *address)
{
	const struct login l = { .email = email,
				 .password = password,
				 .address = address };
	struct user u;
	int64_t wait = 0;

	return user_login(&rig->auth, &l, &u, &wait);
}

static void set_password(struct auth_rig *rig)
{
	struct err e = { 0 };

	assert_int_equal(user_set_password(&rig->auth, rig->user.s, PASSWORD,
					   "operator", &e),
			 0);
}

static void login_works_as_much_for_everybody(void **state)
{
	struct auth_rig *rig = *state;

	memset(&work, 0, sizeof(work));
	(void)login(rig, "alice@one.example", PASSWORD, "a"); /* none set */
	worked_fully_once();
	(void)login(rig, "nobody@one.example", PASSWORD, "a");
	worked_fully_once();
	(void)login(rig, "not an address", PASSWORD, "a");
	worked_fully_once();
	set_password(rig);
	(void)login(rig, "alice@one.example", PASSWORD, "a");
	worked_fully_once();
	assert_int_equal(user_set_disabled(&rig->auth, rig->user.s, true,
					   "operator"),
			 0);
	(void)login(rig, "alice@one.example", PASSWORD, "a");
	worked_fully_once();
}

static void login_says_yes_or_no(void **state)
{
	struct auth_rig *rig = *state;

	assert_int_equal(login(rig, "alice@one.example", PASSWORD, "a"),
			 -EACCES); /* none set */
	set_password(rig);
	assert_int_equal(login(rig, "Alice@One.Example", PASSWORD, "a"), 0);
	assert_int_equal(login(rig, "alice@one.example", "wrong one", "a"),
			 -EACCES);
	assert_int_equal(login(rig, "nobody@one.example", PASSWORD, "a"),
			 -EACCES);
	assert_int_equal(login(rig, "no address", PASSWORD, "a"), -EACCES);
	assert_int_equal(user_set_disabled(&rig->auth, rig->user.s, true, "x"),
			 0);
	assert_int_equal(login(rig, "alice@one.example", PASSWORD, "a"),
			 -EACCES);
	assert_int_equal(
		auth_rig_count(rig, "SELECT count(*) FROM audit WHERE action "
				    "= 'user.login'"),
		6);
}

static void failures_use_up_the_accounts_budget(void **state)
{
	struct auth_rig *rig = *state;
	char address[16];
	int i;

	set_password(rig);
	for (i = 0; i < 10; i++) {
		(void)snprintf(address, sizeof(address), "a%d", i);
		assert_int_equal(login(rig, "alice@one.example", "wrong one",
				       address),
				 -EACCES);
	}
	assert_int_equal(login(rig, "alice@one.example", PASSWORD, "b"),
			 -EAGAIN);
	clock_fake_advance(&rig->clock, 899 * SECOND);
	assert_int_equal(login(rig, "alice@one.example", PASSWORD, "b"),
			 -EAGAIN);
	clock_fake_advance(&rig->clock, 2 * SECOND);
	assert_int_equal(login(rig, "alice@one.example", PASSWORD, "b"), 0);
}

/* The budgets without 600 slow hashes. */
static void spend(struct auth_rig *rig, const char *what, int n)
{
	assert_int_equal(
		db_exec(rig->db,
			"INSERT INTO login_failures (what, count, since_us) "
			"VALUES ($1, $2, $3)",
			DB_ARGS(db_text(what), db_int(n),
				db_int(rig->clock.now_wall_us))),
		1);
}

/* What one browser has left of a login, asked for again. */
static int login_known(struct auth_rig *rig, const char *email,
		       const char *password, const char *device)
{
	const struct login l = { .email = email,
				 .password = password,
				 .address = "192.0.2.1",
				 .device = device };
	struct user u;
	int64_t wait = 0;

	return user_login(&rig->auth, &l, &u, &wait);
}

static void an_address_and_the_whole_have_budgets(void **state)
{
	struct auth_rig *rig = *state;

	set_password(rig);
	spend(rig, "address:192.0.2.1", 30);
	assert_int_equal(login(rig, "alice@one.example", PASSWORD, "192.0.2.1"),
			 -EAGAIN);
	assert_int_equal(login(rig, "alice@one.example", PASSWORD, "192.0.2.2"),
			 0);
	spend(rig, "address:2001:db8::", 30);
	assert_int_equal(login(rig, "alice@one.example", PASSWORD,
			       "2001:db8::a:b:c:d"),
			 -EAGAIN);
	assert_int_equal(login(rig, "alice@one.example", PASSWORD,
			       "2001:db8:0:1:a:b:c:d"),
			 0);
	/* given back: only failures count in the end */
	assert_int_equal(auth_rig_count(rig, "SELECT coalesce(sum(count), 0) "
					     "FROM login_failures WHERE what "
					     "IN ('all', 'address:192.0.2.2')"),
			 0);
}

/* All is used up by others: an address has fewer tries, nobody has none. */
static void the_total_slows_strangers_only(void **state)
{
	struct auth_rig *rig = *state;

	set_password(rig);
	assert_int_equal(
		db_exec(rig->db, "DELETE FROM login_failures", DB_NONE), 0);
	spend(rig, "all", 600);
	assert_int_equal(login(rig, "alice@one.example", PASSWORD, "192.0.2.2"),
			 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(login(rig, "nobody@one.example", PASSWORD,
				       "192.0.2.3"),
				 -EACCES);
	assert_int_equal(login(rig, "alice@one.example", PASSWORD, "192.0.2.3"),
			 -EAGAIN);
	assert_int_equal(login(rig, "alice@one.example", PASSWORD, "192.0.2.4"),
			 0);
}

static void a_known_browser_has_a_budget_of_its_own(void **state)
{
	struct auth_rig *rig = *state;
	char device[LOGIN_DEVICE_MAX], other[LOGIN_DEVICE_MAX];

	set_password(rig);
	assert_int_equal(login_device_make(&rig->auth, rig->user.s, device), 0);
	assert_int_equal(
		login_device_make(&rig->auth, rig->other_user.s, other), 0);
	spend(rig, "all", 600);
	spend(rig, "account:alice@one.example", 10);
	spend(rig, "address:192.0.2.1", 30);
	assert_int_equal(login_known(rig, "alice@one.example", PASSWORD, NULL),
			 -EAGAIN);
	assert_int_equal(login_known(rig, "alice@one.example", PASSWORD, other),
			 -EAGAIN); /* known, but for somebody else */
	assert_int_equal(login_known(rig, "alice@one.example", PASSWORD,
				     "a.1.b"),
			 -EAGAIN);
	for (int i = 0; i < 9; i++)
		assert_int_equal(login_known(rig, "alice@one.example",
					     "wrong one", device),
				 -EACCES);
	assert_int_equal(
		login_known(rig, "alice@one.example", PASSWORD, device), 0);
	for (int i = 0; i < 10; i++)
		assert_int_equal(login_known(rig, "alice@one.example",
					     "wrong one", device),
				 -EACCES);
	assert_int_equal(login_known(rig, "alice@one.example", PASSWORD,
				     device),
			 -EAGAIN);
	/* the others were left alone */
	assert_int_equal(auth_rig_count(rig, "SELECT count FROM login_failures "
					     "WHERE what = 'all'"),
			 600);
}

static void a_browser_is_known_as_long_as_the_password(void **state)
{
	struct auth_rig *rig = *state;
	char device[LOGIN_DEVICE_MAX];

	set_password(rig);
	assert_int_equal(login_device_make(&rig->auth, rig->user.s, device), 0);
	spend(rig, "account:alice@one.example", 10);
	clock_fake_advance(&rig->clock, 60 * SECOND);
	assert_int_equal(
		login_known(rig, "alice@one.example", PASSWORD, device), 0);
	set_password(rig);
	assert_int_equal(login_known(rig, "alice@one.example", PASSWORD,
				     device),
			 -EAGAIN);
	assert_int_equal(login_device_make(&rig->auth, rig->user.s, device), 0);
	clock_fake_advance(&rig->clock, 181 * 86400 * SECOND);
	spend(rig, "address:192.0.2.1", 30);
	assert_int_equal(login_known(rig, "alice@one.example", PASSWORD,
				     device),
			 -EAGAIN);
}

static void a_link_lets_in_once(void **state)
{
	struct auth_rig *rig = *state;
	char token[LOGIN_LINK_MAX];
	struct user u;

	assert_int_equal(login_link_make(&rig->auth, "nobody@one.example",
					 "operator", token),
			 -ENOENT);
	assert_int_equal(login_link_make(&rig->auth, "alice@one.example",
					 "operator", token),
			 0);
	spend(rig, "account:alice@one.example", 10);
	assert_int_equal(login_link_check(&rig->auth, "x"), -ENOENT);
	assert_int_equal(login_link_use(&rig->auth, "x", "a", &u), -ENOENT);
	assert_int_equal(login_link_check(&rig->auth, token), 0);
	assert_int_equal(login_link_use(&rig->auth, token, "a", &u), 0);
	assert_string_equal(u.id, rig->user.s);
	assert_int_equal(login_link_use(&rig->auth, token, "a", &u), -ENOENT);
	assert_int_equal(login(rig, "alice@one.example", "wrong one", "a"),
			 -EACCES); /* the budget is whole again */
	assert_int_equal(login_link_make(&rig->auth, "alice@one.example",
					 "operator", token),
			 0);
	clock_fake_advance(&rig->clock, 901 * SECOND);
	assert_int_equal(login_link_check(&rig->auth, token), -ENOENT);
	assert_int_equal(login_link_use(&rig->auth, token, "a", &u), -ENOENT);
}

static void users_are_checked(void **state)
{
	struct auth_rig *rig = *state;
	const char *const aors[] = { "sip:bob@voip.example",
				     "tel:+4420794600" };
	const char *const bad[] = { "bob" };
	struct user_new n = { .tenant_id = rig->tenant.s,
			      .email = " x",
			      .role = USER_ADMIN };
	struct err e = { 0 };
	struct user u;
	struct id id;

	assert_int_equal(user_create(&rig->auth, &n, "x", &id, &e), -EINVAL);
	n.email = "ALICE@one.example";
	memset(&e, 0, sizeof(e));
	assert_int_equal(user_create(&rig->auth, &n, "x", &id, &e), -EEXIST);
	n.email = "bob@one.example";
	n.password = "short";
	memset(&e, 0, sizeof(e));
	assert_int_equal(user_create(&rig->auth, &n, "x", &id, &e), -EINVAL);
	n.password = NULL;
	n.aors = bad;
	n.n_aors = 1;
	memset(&e, 0, sizeof(e));
	assert_int_equal(user_create(&rig->auth, &n, "x", &id, &e), -EINVAL);
	assert_int_equal(user_admin_count(&rig->auth), 0);
	n.aors = aors;
	n.n_aors = 2;
	assert_int_equal(user_create(&rig->auth, &n, "x", &id, &e), 0);
	assert_int_equal(user_find(&rig->auth, "Bob@one.example", &u), 0);
	assert_string_equal(u.id, id.s);
	assert_int_equal(u.role, USER_ADMIN);
	assert_true(
		user_has_aor(&rig->auth, id.s, "<sips:bob@VOIP.example:5061>"));
	assert_true(user_has_aor(&rig->auth, id.s, "+44 20 794600"));
	assert_false(user_has_aor(&rig->auth, id.s, "sip:eve@voip.example"));
	assert_int_equal(user_find(&rig->auth, "nobody", &u), -ENOENT);
}

static void random_passwords_differ(void **state)
{
	char a[USER_PASSWORD_RANDOM_MAX], b[USER_PASSWORD_RANDOM_MAX];

	(void)state;
	user_password_random(a);
	user_password_random(b);
	assert_int_equal(strlen(a), 20);
	assert_string_not_equal(a, b);
}

#define RIG(f)                                                                 \
	cmocka_unit_test_setup_teardown(f, auth_rig_setup, auth_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(password_is_hashed_with_argon2id),
		cmocka_unit_test(unknown_user_takes_as_long),
		RIG(login_works_as_much_for_everybody),
		RIG(login_says_yes_or_no),
		RIG(failures_use_up_the_accounts_budget),
		RIG(an_address_and_the_whole_have_budgets),
		RIG(the_total_slows_strangers_only),
		RIG(a_known_browser_has_a_budget_of_its_own),
		RIG(a_browser_is_known_as_long_as_the_password),
		RIG(a_link_lets_in_once),
		RIG(users_are_checked),
		cmocka_unit_test(random_passwords_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
