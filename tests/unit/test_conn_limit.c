#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "srs/sip/conn_limit.h"

struct rig {
	int listener;
	struct sockaddr_in at;
	int ends[64];
	unsigned n;
};

static int setup(void **state)
{
	struct rig *t = mem_zalloc(sizeof(*t));
	socklen_t len = sizeof(t->at);

	*state = t;
	t->listener = socket(AF_INET, SOCK_STREAM, 0);
	t->at.sin_family = AF_INET;
	t->at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return bind(t->listener, (void *)&t->at, len) ||
	       listen(t->listener, 64) ||
	       getsockname(t->listener, (void *)&t->at, &len);
}

static int teardown(void **state)
{
	struct rig *t = *state;

	while (t->n)
		close(t->ends[--t->n]);
	close(t->listener);
	mem_free(t);
	return conn_limit_set(0, 0);
}

/* @return our end of a connection from 127.0.0.host, or -1 with errno */
static int connection(struct rig *t, unsigned host)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	struct sockaddr_in peer = { 0 };
	socklen_t len = sizeof(peer);
	int fd = socket(AF_INET, SOCK_STREAM, 0), s;

	from.sin_addr.s_addr = htonl(0x7f000000 + host);
	assert_int_equal(bind(fd, (void *)&from, sizeof(from)), 0);
	assert_int_equal(connect(fd, (void *)&t->at, sizeof(t->at)), 0);
	s = accept(t->listener, (struct sockaddr *)&peer, &len);
	if (s < 0) {
		close(fd);
		errno = ECONNABORTED;
		return -1;
	}
	t->ends[t->n++] = fd;
	t->ends[t->n++] = s;
	assert_int_equal(len, sizeof(peer));
	assert_int_equal(peer.sin_addr.s_addr, from.sin_addr.s_addr);
	return s;
}

static void without_a_limit_all_come_in(void **state)
{
	for (unsigned i = 0; i < 8; i++)
		assert_true(connection(*state, 1) >= 0);
	assert_int_equal(conn_limit_refused(), 0);
}

static void nobody_gets_more_than_his_share(void **state)
{
	struct rig *t = *state;
	int keep = 0;
	socklen_t len = sizeof(keep);

	assert_int_equal(conn_limit_set(200, 4), 0);
	for (unsigned i = 0; i < 4; i++)
		assert_true(connection(t, 1) >= 0);
	assert_int_equal(connection(t, 1), -1);
	assert_int_equal(errno, ECONNABORTED);
	assert_int_equal(connection(t, 1), -1);
	assert_int_equal(conn_limit_refused(), 2);
	assert_true(connection(t, 2) >= 0);
	assert_int_equal(getsockopt(t->ends[1], SOL_SOCKET, SO_KEEPALIVE, &keep,
				    &len),
			 0);
	assert_int_equal(keep, 1);
}

static void closed_ones_do_not_count(void **state)
{
	struct rig *t = *state;

	assert_int_equal(conn_limit_set(200, 4), 0);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 4; i++)
			assert_true(connection(t, 1) >= 0);
		while (t->n)
			close(t->ends[--t->n]);
	}
	assert_int_equal(conn_limit_refused(), 0);
}

static void the_last_descriptors_are_not_given_away(void **state)
{
	struct rig *t = *state;
	int highest = connection(t, 1);

	assert_int_equal(conn_limit_set((unsigned)highest + 3, 100), 0);
	assert_true(connection(t, 1) >= 0); /* takes two numbers here */
	assert_int_equal(connection(t, 1), -1);
	assert_int_equal(connection(t, 2), -1);
	assert_int_equal(conn_limit_refused(), 2);
	close(t->ends[--t->n]);
	close(t->ends[--t->n]);
	assert_true(connection(t, 2) >= 0);
}

#define RIG(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG(without_a_limit_all_come_in),
		RIG(nobody_gets_more_than_his_share),
		RIG(closed_ones_do_not_count),
		RIG(the_last_descriptors_are_not_given_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
