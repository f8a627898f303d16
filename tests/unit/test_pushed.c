/* Authorization requests that wait: used once, for a while, and not too many.
 */
#include "auth/pushed.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <string.h>

#include "auth/tokens.h"
#include "base/mem.h"
#include "storage/db.h"
#include "tests/support/auth_rig.h"

#define SECOND 1000000LL

static int put(struct auth_rig *rig, const char *client_id, const char *json,
	       bool plain, int64_t *ret_retry_s)
{
	const struct pushed_new p = { .client_id = client_id,
				      .params_json = json,
				      .life_us = 600 * SECOND,
				      .plain = plain };
	char uri[PUSHED_URI_MAX];

	return pushed_put(&rig->auth, &p, uri, ret_retry_s);
}

static void pushed_request_is_used_once(void **state)
{
	struct auth_rig *rig = *state;
	struct pushed_new p = { .client_id = rig->client.s,
				.params_json = "{\"a\":1}",
				.life_us = 90 * SECOND };
	char uri[PUSHED_URI_MAX];
	char *json = NULL;
	int64_t s;

	assert_int_equal(pushed_put(&rig->auth, &p, uri, &s), 0);
	assert_int_equal(pushed_get(&rig->auth, uri, rig->client.s, &json), 0);
	assert_string_equal(json, "{\"a\":1}");
	mem_free(json);
	assert_int_equal(pushed_get(&rig->auth, uri, rig->other_client.s,
				    &json),
			 -ENOENT);
	assert_int_equal(pushed_use(&rig->auth, uri, rig->client.s), 0);
	assert_int_equal(pushed_use(&rig->auth, uri, rig->client.s), -ENOENT);
	assert_int_equal(pushed_put(&rig->auth, &p, uri, &s), 0);
	clock_fake_advance(&rig->clock, 90 * SECOND);
	assert_int_equal(pushed_get(&rig->auth, uri, rig->client.s, &json),
			 -EKEYEXPIRED);
	assert_int_equal(pushed_get(&rig->auth, "urn:x", rig->client.s, &json),
			 -ENOENT);
}

static void a_clients_share_is_bounded_in_number(void **state)
{
	struct auth_rig *rig = *state;
	int64_t s = 0;

	for (int i = 0; i < PUSHED_EACH_MAX; i++)
		assert_int_equal(put(rig, rig->client.s, "{}", false, &s), 0);
	clock_fake_advance(&rig->clock, 100 * SECOND);
	assert_int_equal(put(rig, rig->client.s, "{}", false, &s), -EDQUOT);
	assert_int_equal(s, 501);
	/* not the share of others, nor that of its plain parameters */
	assert_int_equal(put(rig, rig->other_client.s, "{}", false, &s), 0);
	assert_int_equal(put(rig, rig->client.s, "{}", true, &s), 0);
	clock_fake_advance(&rig->clock, 500 * SECOND);
	assert_int_equal(put(rig, rig->client.s, "{}", false, &s), 0);
	assert_int_equal(auth_rig_count(rig, "SELECT count(*) FROM "
					     "pushed_requests"),
			 3);
}

static void strangers_take_no_share_of_the_client(void **state)
{
	struct auth_rig *rig = *state;
	int64_t s = 0;

	for (int i = 0; i < PUSHED_EACH_MAX / 4; i++)
		assert_int_equal(put(rig, rig->client.s, "{}", true, &s), 0);
	assert_int_equal(put(rig, rig->client.s, "{}", true, &s), -EDQUOT);
	assert_int_equal(put(rig, rig->client.s, "{}", false, &s), 0);
}

static void bytes_are_bounded(void **state)
{
	struct auth_rig *rig = *state;
	char *big = test_calloc(1, PUSHED_TEXT_MAX + 2);
	int64_t s = 0;
	int n = 0;

	memset(big, ' ', PUSHED_TEXT_MAX + 1);
	assert_int_equal(put(rig, rig->client.s, big, false, &s), -E2BIG);
	big[31 * 1024] = '\0';
	while (put(rig, rig->client.s, big, false, &s) == 0)
		n++;
	assert_int_equal(n, PUSHED_EACH_BYTES / (31 * 1024));
	assert_int_equal(put(rig, rig->client.s, big, false, &s), -EDQUOT);
	assert_int_equal(put(rig, rig->client.s, "{}", false, &s), 0);
	test_free(big);
}

static void all_together_are_bounded(void **state)
{
	struct auth_rig *rig = *state;
	int64_t s = 0;

	assert_int_equal(put(rig, rig->client.s, "{}", false, &s), 0);
	assert_true(db_exec(rig->db, "UPDATE pushed_requests SET bytes = $1",
			    DB_ARGS(db_int(PUSHED_ALL_BYTES - 1))) == 1);
	assert_int_equal(put(rig, rig->other_client.s, "{}", false, &s),
			 -EAGAIN);
	assert_int_equal(s, 601);
	clock_fake_advance(&rig->clock, 600 * SECOND);
	assert_int_equal(put(rig, rig->other_client.s, "{}", false, &s), 0);
}

static void those_that_are_over_are_swept(void **state)
{
	struct auth_rig *rig = *state;
	int64_t s = 0;

	assert_int_equal(put(rig, rig->client.s, "{}", false, &s), 0);
	assert_int_equal(token_sweep(&rig->auth, SECOND), 0);
	clock_fake_advance(&rig->clock, 601 * SECOND);
	assert_int_equal(token_sweep(&rig->auth, SECOND), 1);
}

#define RIG(f)                                                                 \
	cmocka_unit_test_setup_teardown(f, auth_rig_setup, auth_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG(pushed_request_is_used_once),
		RIG(a_clients_share_is_bounded_in_number),
		RIG(strangers_take_no_share_of_the_client),
		RIG(bytes_are_bounded),
		RIG(all_together_are_bounded),
		RIG(those_that_are_over_are_swept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
