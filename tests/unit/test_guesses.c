/* Guesses at secrets that cannot be guessed are not counted, so they must cost
 * next to nothing: no lock, nothing written. What is bounded is bounded, too,
 * when many come at once. */
#include "auth/pushed.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auth/clients.h"
#include "auth/login.h"
#include "auth/users.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "storage/db.h"
#include "tests/support/auth_rig.h"
#include "web/setup.h"

#define THREADS 20
#define ROOM 5

struct world {
	struct auth_rig rig;
	char dir[64], path[96];
	pthread_barrier_t start;
	_Atomic unsigned taken, refused, other;
};

static int setup(void **state)
{
	struct world *w = test_calloc(1, sizeof(*w));

	(void)str_copy(w->dir, sizeof(w->dir), "/tmp/srs-guesses-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	(void)snprintf(w->path, sizeof(w->path), "%s/c.db", w->dir);
	assert_int_equal(auth_rig_open(&w->rig, w->path), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	struct world *w = *state;
	char path[128];

	auth_rig_close(&w->rig);
	for (unsigned i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof(path), "%s%s", w->path, ends[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(w->dir), 0);
	test_free(w);
	return 0;
}

/* Another connection has the lock for writing all the time: who wants it, too,
 * gets -EAGAIN or -EBUSY instead of the answer. */
static void guesses_take_no_lock(void **state)
{
	static const char account_words[] = "correct horse battery";
	struct world *w = *state;
	struct auth *a = &w->rig.auth;
	struct setup_account s = { "New", "f@new.example", account_words, "" };
	char token[SETUP_TOKEN_MAX], link[LOGIN_LINK_MAX], secret[TOKEN_MAX];
	struct db *lock = NULL;
	struct err e = { 0 };
	struct client c;
	struct user u;
	struct id id;

	assert_int_equal(setup_link_create(a, token), 0);
	assert_int_equal(login_link_make(a, "alice@one.example", "x", link), 0);
	/* of the right form, but another client's */
	assert_int_equal(
		client_new_secret(a, w->rig.other_client.s, "x", secret), 0);
	assert_int_equal(db_open(w->path, &lock, NULL), 0);
	assert_int_equal(db_begin(lock), 0);

	assert_int_equal(client_authenticate(a, w->rig.client.s,
					     span_of(secret), &c),
			 -EACCES);
	assert_int_equal(client_authenticate(a, w->rig.client.s,
					     span_of("guess"), &c),
			 -EACCES);
	assert_int_equal(client_authenticate(a, "nobody", span_of(secret), &c),
			 -EACCES);
	assert_int_equal(client_authenticate(a, w->rig.client.s,
					     span_of(w->rig.secret), &c),
			 0);
	token[3] ^= 1;
	link[3] ^= 1;
	assert_int_equal(setup_link_check(a, token), -ENOENT);
	assert_int_equal(setup_account_create(a, token, &s, &id, &e), -ENOENT);
	assert_int_equal(login_link_check(a, link), -ENOENT);
	assert_int_equal(login_link_use(a, link, "192.0.2.7", &u), -ENOENT);

	db_rollback(lock);
	db_close(&lock);
	token[3] ^= 1;
	link[3] ^= 1;
	assert_int_equal(login_link_use(a, link, "192.0.2.7", &u), 0);
	assert_int_equal(login_link_use(a, link, "192.0.2.7", &u), -ENOENT);
	assert_int_equal(setup_account_create(a, token, &s, &id, &e), 0);
	assert_int_equal(setup_account_create(a, token, &s, &id, &e), -ENOENT);
}

static int put(struct auth *a, const char *client_id)
{
	const struct pushed_new p = { .client_id = client_id,
				      .params_json = "{}",
				      .life_us = 60 * 1000000LL };
	char uri[PUSHED_URI_MAX];
	int64_t retry_s;

	return pushed_put(a, &p, uri, &retry_s);
}

static void *push(void *arg)
{
	struct world *w = arg;
	struct db *db = NULL;
	struct auth a;
	int r = db_open(w->path, &db, NULL);

	auth_init_key(&a, db, &w->rig.clock.clock, w->rig.auth.key);
	(void)pthread_barrier_wait(&w->start);
	if (r == 0)
		r = put(&a, w->rig.client.s);
	if (r == 0)
		w->taken++;
	else if (r == -EDQUOT)
		w->refused++;
	else
		w->other++;
	auth_fini(&a);
	db_close(&db);
	return NULL;
}

static void requests_at_once_pass_no_bound(void **state)
{
	struct world *w = *state;
	pthread_t t[THREADS];

	assert_int_equal(db_begin(w->rig.db), 0);
	for (int i = 0; i < PUSHED_EACH_MAX - ROOM; i++)
		assert_int_equal(put(&w->rig.auth, w->rig.client.s), 0);
	assert_int_equal(db_commit(w->rig.db), 0);
	assert_int_equal(pthread_barrier_init(&w->start, NULL, THREADS), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, push, w), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	(void)pthread_barrier_destroy(&w->start);
	assert_int_equal(w->other, 0);
	assert_int_equal(w->taken, ROOM);
	assert_int_equal(w->refused, THREADS - ROOM);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(guesses_take_no_lock),
		T(requests_at_once_pass_no_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
