#include "web/slots.h"

#include "tests/support/unit.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define PLACES 8

struct rig {
	struct clock_fake clock;
	struct slots *s;
	unsigned n;
	int near[PLACES], far[PLACES];
	struct slot *slot[PLACES];
};

static int setup(void **state)
{
	struct rig *rig = test_calloc(1, sizeof(*rig));
	struct slots_config cf = { .max = 4, .max_each = 2 };

	clock_fake_init(&rig->clock, 1000, 1781092800000000LL);
	cf.clock = &rig->clock.clock;
	rig->s = slots_create(&cf);
	assert_non_null(rig->s);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	for (unsigned i = 0; i < rig->n; i++) {
		slots_give_back(rig->s, &rig->slot[i]);
		close(rig->near[i]);
		close(rig->far[i]);
	}
	slots_destroy(&rig->s);
	test_free(rig);
	return 0;
}

static const struct sockaddr *host(unsigned n)
{
	static struct sockaddr_in in;

	in = (struct sockaddr_in){ .sin_family = AF_INET };
	in.sin_addr.s_addr = htonl(0x0a000000 + n);
	return (const void *)&in;
}

/* @return which one it is */
static unsigned take(struct rig *rig, unsigned from)
{
	unsigned i = rig->n++;
	int fds[2];

	assert_true(i < PLACES);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	rig->near[i] = fds[0];
	rig->far[i] = fds[1];
	clock_fake_advance(&rig->clock, 1000);
	rig->slot[i] = slots_take(rig->s, fds[0], host(from), 1000000);
	assert_non_null(rig->slot[i]);
	return i;
}

static bool is_cut(const struct rig *rig, unsigned i)
{
	struct pollfd p = { .fd = rig->far[i], .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static unsigned count_cut(const struct rig *rig)
{
	unsigned n = 0;

	for (unsigned i = 0; i < rig->n; i++)
		n += is_cut(rig, i);
	return n;
}

/* Two threads ask at once, when one place is left: both hear yes. */
static void admitted_at_once_is_one_too_many(void **state)
{
	struct rig *rig = *state;

	assert_true(slots_admit(rig->s, host(1)));
	(void)take(rig, 1);
	assert_true(slots_admit(rig->s, host(1)));
	assert_true(slots_admit(rig->s, host(1)));
	(void)take(rig, 1);
	assert_int_equal(count_cut(rig), 0);
	(void)take(rig, 1);
	assert_int_equal(count_cut(rig), 1);
	assert_true(is_cut(rig, 0)); /* the longest */
}

static void admitted_at_once_over_all_places(void **state)
{
	struct rig *rig = *state;

	for (unsigned i = 1; i <= 6; i++)
		assert_true(slots_admit(rig->s, host(i)));
	for (unsigned i = 1; i <= 6; i++)
		(void)take(rig, i);
	assert_int_equal(count_cut(rig), 2);
	assert_true(is_cut(rig, 0) && is_cut(rig, 1));
}

/* Those that work are not disturbed: then it is the newcomer. */
static void one_too_many_beside_workers_is_the_newcomer(void **state)
{
	struct rig *rig = *state;

	assert_true(slots_admit(rig->s, host(1)));
	assert_true(slots_admit(rig->s, host(1)));
	assert_true(slots_admit(rig->s, host(1)));
	slot_works(rig->s, rig->slot[take(rig, 1)]);
	slot_works(rig->s, rig->slot[take(rig, 1)]);
	(void)take(rig, 1);
	assert_int_equal(count_cut(rig), 1);
	assert_true(is_cut(rig, 2));
	assert_false(slots_admit(rig->s, host(1)));
	assert_true(slots_admit(rig->s, host(2)));
}

static void who_was_admitted_before_the_end_is_cut(void **state)
{
	struct rig *rig = *state;

	assert_true(slots_admit(rig->s, host(1)));
	slots_close(rig->s);
	assert_true(is_cut(rig, take(rig, 1)));
	assert_false(slots_admit(rig->s, host(1)));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(admitted_at_once_is_one_too_many),
		T(admitted_at_once_over_all_places),
		T(one_too_many_beside_workers_is_the_newcomer),
		T(who_was_admitted_before_the_end_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
