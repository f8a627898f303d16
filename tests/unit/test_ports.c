/* test_ports.c - facts about media/ports.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <unistd.h>

#include "media/ports.h"

static void close_pair(const struct ports_pair *p)
{
	close(p->rtp_fd);
	close(p->rtcp_fd);
}

static void ports_come_in_even_odd_pairs(void **state)
{
	struct ports_pair p[20];
	struct ports ports;

	(void)state;
	assert_int_equal(ports_init(&ports, "127.0.0.1", 0, 0), 0);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(ports_open(&ports, true, &p[i]), 0);
		assert_int_equal(p[i].rtp_port % 2, 0);
		assert_int_equal(ports_of_fd(p[i].rtp_fd), p[i].rtp_port);
		assert_int_equal(ports_of_fd(p[i].rtcp_fd), p[i].rtp_port + 1);
	}
	for (unsigned i = 0; i < 20; i++)
		close_pair(&p[i]);
}

/* A range of 3 pairs that is free at this moment. */
static uint16_t free_range(void)
{
	struct ports_pair p[3] = { { -1, -1, 0 } };
	struct ports ports;
	unsigned n;

	assert_int_equal(ports_init(&ports, "127.0.0.1", 0, 0), 0);
	for (;;) {
		assert_int_equal(ports_open(&ports, true, &p[0]), 0);
		for (n = 1; n < 3 && p[0].rtp_port < 65000; n++)
			if (ports_open_at(&ports,
					  (uint16_t)(p[0].rtp_port + 2 * n),
					  true, &p[n]) < 0)
				break;
		for (unsigned i = 0; i < n; i++)
			close_pair(&p[i]);
		if (n == 3)
			return p[0].rtp_port;
	}
}

static void ports_range_is_used_up_and_comes_back(void **state)
{
	uint16_t min = free_range();
	struct ports_pair p[3], more;
	struct ports ports;

	(void)state;
	/* an odd start and an odd rest are left out */
	assert_int_equal(ports_init(&ports, "127.0.0.1", min - 1, min + 5), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(ports_open(&ports, true, &p[i]), 0);
		assert_in_range(p[i].rtp_port, min, min + 4);
	}
	assert_int_equal(ports_open(&ports, true, &more), -EADDRINUSE);
	assert_int_equal(ports_open_at(&ports, p[1].rtp_port, true, &more),
			 -EADDRINUSE);
	close_pair(&p[1]);
	assert_int_equal(ports_open(&ports, true, &more), 0);
	assert_int_equal(more.rtp_port, p[1].rtp_port);
	close_pair(&p[0]);
	close_pair(&p[2]);
	close_pair(&more);
}

static void ports_skip_a_pair_whose_rtcp_is_taken(void **state)
{
	uint16_t min = free_range();
	struct ports_pair odd, p;
	struct ports ports;

	(void)state;
	assert_int_equal(ports_init(&ports, "127.0.0.1", min, min + 3), 0);
	/* takes min + 1 and min + 2: both pairs are broken */
	assert_int_equal(ports_open_at(&ports, (uint16_t)(min + 1), true, &odd),
			 0);
	assert_int_equal(ports_open(&ports, true, &p), -EADDRINUSE);
	close_pair(&odd);
	assert_int_equal(ports_open(&ports, true, &p), 0);
	close_pair(&p);
}

static void ports_refuse_nonsense(void **state)
{
	struct sockaddr_storage a;
	struct ports ports;

	(void)state;
	assert_int_equal(ports_init(&ports, "localhost", 0, 0), -EINVAL);
	assert_int_equal(ports_init(&ports, "127.0.0.1", 20001, 20002),
			 -EINVAL);
	assert_int_equal(ports_init(&ports, "127.0.0.1", 20000, 70000),
			 -EINVAL);
	assert_int_equal(ports_init(&ports, "127.0.0.1", 20000, 19000),
			 -EINVAL);
	assert_int_equal(ports_parse_address("[::1]", &a), 0);
	assert_int_equal(a.ss_family, AF_INET6);
	assert_int_equal(ports_parse_address("::1", &a), 0);
	assert_int_equal(ports_parse_address("[127.0.0.1", &a), -EINVAL);
	assert_int_equal(ports_parse_address("", &a), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_come_in_even_odd_pairs),
		cmocka_unit_test(ports_range_is_used_up_and_comes_back),
		cmocka_unit_test(ports_skip_a_pair_whose_rtcp_is_taken),
		cmocka_unit_test(ports_refuse_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
