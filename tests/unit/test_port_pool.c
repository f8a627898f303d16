/* test_port_pool.c - facts about media/port_pool.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "media/port_pool.h"

#define REST PORT_POOL_REST_US

struct rig {
	struct ports ports;
	struct port_pool *pool;
	unsigned n_closed;
	uint16_t closed; /* port of the last one */
	int fd;		 /* sender */
};

static void on_closing(void *arg, const struct ports_pair *p)
{
	struct rig *g = arg;

	g->n_closed++;
	g->closed = p->rtp_port;
}

static int setup(void **state)
{
	static struct rig g;

	memset(&g, 0, sizeof(g));
	assert_int_equal(ports_init(&g.ports, "127.0.0.1", 0, 0), 0);
	assert_int_equal(port_pool_create(6, on_closing, &g, &g.pool), 0);
	g.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(g.fd >= 0);
	*state = &g;
	return 0;
}

static int teardown(void **state)
{
	struct rig *g = *state;

	close(g->fd);
	port_pool_destroy(&g->pool);
	return 0;
}

static struct ports_pair open_pair(struct rig *g, bool rtcp)
{
	struct ports_pair p;

	assert_int_equal(ports_open(&g->ports, rtcp, &p), 0);
	return p;
}

static void send_to(struct rig *g, uint16_t port, unsigned n)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(port) };

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	while (n--)
		assert_int_equal(sendto(g->fd, "late", 4, 0,
					(struct sockaddr *)&to, sizeof(to)),
				 4);
}

static void close_pair(const struct ports_pair *p)
{
	close(p->rtp_fd);
	if (p->rtcp_fd >= 0)
		close(p->rtcp_fd);
}

static void a_pair_is_used_again_after_its_rest(void **state)
{
	struct rig *g = *state;
	struct ports_pair a = open_pair(g, true), b = open_pair(g, true), p;

	port_pool_give(g->pool, &a, 100);
	port_pool_give(g->pool, &b, 200);
	assert_int_equal(port_pool_take(g->pool, true, 99 + REST, &p), -ENOENT);
	assert_int_equal(port_pool_take(g->pool, true, 100 + REST, &p), 0);
	assert_int_equal(p.rtp_port, a.rtp_port);
	assert_int_equal(p.rtp_fd, a.rtp_fd);
	assert_int_equal(p.rtcp_fd, a.rtcp_fd);
	assert_int_equal(port_pool_take(g->pool, true, 199 + REST, &p),
			 -ENOENT);
	assert_int_equal(g->n_closed, 0);
	close_pair(&a);
}

static void what_comes_late_never_reaches_the_next(void **state)
{
	struct rig *g = *state;
	struct ports_pair a = open_pair(g, true), p;
	char byte;

	port_pool_give(g->pool, &a, 0);
	send_to(g, a.rtp_port, 3);
	send_to(g, (uint16_t)(a.rtp_port + 1), 1);
	/* a second rest, from now on */
	assert_int_equal(port_pool_take(g->pool, true, REST, &p), -ENOENT);
	assert_int_equal(port_pool_take(g->pool, true, 2 * REST - 1, &p),
			 -ENOENT);
	assert_int_equal(port_pool_take(g->pool, true, 2 * REST, &p), 0);
	assert_int_equal(recv(p.rtp_fd, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(g->n_closed, 0);
	close_pair(&p);
}

static void a_sender_that_goes_on_costs_the_pair(void **state)
{
	struct rig *g = *state;
	struct ports_pair a = open_pair(g, false), b = open_pair(g, false), p;

	port_pool_give(g->pool, &a, 0);
	send_to(g, a.rtp_port, 1);
	assert_int_equal(port_pool_take(g->pool, false, REST, &p), -ENOENT);
	send_to(g, a.rtp_port, 1);
	assert_int_equal(port_pool_take(g->pool, false, 2 * REST, &p), -ENOENT);
	assert_int_equal(g->n_closed, 1);
	assert_int_equal(g->closed, a.rtp_port);
	/* many at once: no second rest, its buffer may have overflown */
	port_pool_give(g->pool, &b, 2 * REST);
	send_to(g, b.rtp_port, 100);
	assert_int_equal(port_pool_take(g->pool, false, 3 * REST, &p), -ENOENT);
	assert_int_equal(g->n_closed, 2);
	assert_int_equal(port_pool_count(g->pool), 0);
}

static void pairs_without_rtcp_are_another_line(void **state)
{
	struct rig *g = *state;
	struct ports_pair a = open_pair(g, false), p;

	assert_int_equal(a.rtcp_fd, -1);
	port_pool_give(g->pool, &a, 0);
	assert_int_equal(port_pool_count(g->pool), 1);
	assert_int_equal(port_pool_take(g->pool, true, REST, &p), -ENOENT);
	assert_int_equal(port_pool_take(g->pool, false, REST, &p), 0);
	assert_int_equal(p.rtcp_fd, -1);
	close_pair(&p);
}

static void no_more_than_the_limit_rest(void **state)
{
	struct rig *g = *state;
	struct ports_pair p[4], again;

	for (unsigned i = 0; i < 4; i++) {
		p[i] = open_pair(g, true);
		port_pool_give(g->pool, &p[i], i);
	}
	assert_int_equal(port_pool_count(g->pool), 6);
	assert_int_equal(g->n_closed, 1);
	assert_int_equal(g->closed, p[3].rtp_port);
	assert_int_equal(port_pool_take(g->pool, true, REST, &again), 0);
	assert_int_equal(again.rtp_port, p[0].rtp_port);
	port_pool_give(g->pool, &again, REST);
	port_pool_empty(g->pool);
	assert_int_equal(g->n_closed, 4);
	assert_int_equal(port_pool_count(g->pool), 0);
	/* they are free for others */
	assert_int_equal(ports_open_at(&g->ports, p[0].rtp_port, true, &again),
			 0);
	close_pair(&again);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_pair_is_used_again_after_its_rest),
		T(what_comes_late_never_reaches_the_next),
		T(a_sender_that_goes_on_costs_the_pair),
		T(pairs_without_rtcp_are_another_line),
		T(no_more_than_the_limit_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
