#include "base/ipc.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/mem.h"

#define QUEUE 8

struct world {
	struct loop *loop;
	struct ipc *a, *b;
	unsigned got, closed;
	uint16_t type;
	uint64_t id;
	uint8_t data[IPC_DATA_MAX];
	size_t len;
	unsigned n_fds;
	int taken; /* descriptor kept from the last message, -1 none */
	bool destroy_b;
};

static void on_msg(void *arg, struct ipc_msg *msg)
{
	struct world *w = arg;

	w->got++;
	w->type = msg->type;
	w->id = msg->id;
	w->len = msg->len;
	memcpy(w->data, msg->data, msg->len);
	w->n_fds = msg->n_fds;
	if (msg->n_fds) {
		w->taken = msg->fds[0];
		msg->fds[0] = -1;
	}
	if (w->destroy_b)
		ipc_destroy(&w->b);
}

static void on_closed(void *arg)
{
	struct world *w = arg;

	w->closed++;
	ipc_destroy(&w->b);
}

static void ignore(void *arg, struct ipc_msg *msg)
{
	(void)arg;
	(void)msg;
}

static int setup(void **state)
{
	struct world *w = mem_zalloc(sizeof(*w));
	int fds[2];

	*state = w;
	w->taken = -1;
	if (loop_create(clock_real(), &w->loop) < 0 || ipc_pair(fds) < 0)
		return -1;
	if (ipc_create(w->loop, fds[0], QUEUE, ignore, NULL, w, &w->a) < 0)
		return -1;
	return ipc_create(w->loop, fds[1], QUEUE, on_msg, on_closed, w, &w->b);
}

static int teardown(void **state)
{
	struct world *w = *state;

	ipc_destroy(&w->a);
	ipc_destroy(&w->b);
	loop_destroy(&w->loop);
	if (w->taken >= 0)
		close(w->taken);
	mem_free(w);
	return 0;
}

static void turns(struct world *w, int n)
{
	while (n-- > 0)
		assert_int_equal(loop_step(w->loop, 0), 0);
}

static void a_message_arrives_whole(void **state)
{
	struct world *w = *state;
	static uint8_t big[IPC_DATA_MAX];
	size_t i;

	for (i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 7);
	assert_int_equal(
		ipc_send(w->a, 5, UINT64_MAX, big, sizeof(big), NULL, 0), 0);
	turns(w, 2);
	assert_int_equal(w->got, 1);
	assert_int_equal(w->type, 5);
	assert_true(w->id == UINT64_MAX);
	assert_int_equal(w->len, sizeof(big));
	assert_memory_equal(w->data, big, sizeof(big));
	assert_int_equal(ipc_send(w->a, 6, 1, NULL, 0, NULL, 0), 0);
	turns(w, 2);
	assert_int_equal(w->got, 2);
	assert_int_equal(w->len, 0);
}

static void descriptors_travel_and_the_rest_is_closed(void **state)
{
	struct world *w = *state;
	int fds[2], before, after, p[2];
	char c = 0;

	assert_int_equal(pipe(p), 0);
	before = dup(0);
	close(before);
	fds[0] = p[0];
	fds[1] = p[1];
	assert_int_equal(ipc_send(w->a, 1, 0, "x", 1, fds, 2), 0);
	turns(w, 2);
	assert_int_equal(w->n_fds, 2);
	assert_true(w->taken >= 0 && w->taken != p[0]);
	assert_true(fcntl(w->taken, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(p[1], "y", 1), 1);
	assert_int_equal(read(w->taken, &c, 1), 1);
	assert_int_equal(c, 'y');
	close(w->taken);
	w->taken = -1;
	after = dup(0);
	close(after);
	assert_int_equal(after, before); /* the second one is gone again */
	close(p[0]);
	close(p[1]);
}

static unsigned fill(struct world *w)
{
	static uint8_t block[16384];
	unsigned n = 0;

	while (ipc_send(w->a, 1, n, block, sizeof(block), NULL, 0) == 0)
		n++;
	return n;
}

static void a_full_queue_says_so_and_loses_nothing(void **state)
{
	struct world *w = *state;
	unsigned sent = fill(w);

	assert_true(sent > QUEUE);
	assert_int_equal(ipc_send(w->a, 1, 0, "x", 1, NULL, 0), -ENOBUFS);
	turns(w, 50);
	assert_int_equal(w->got, sent);
	assert_true(w->id == sent - 1);
	assert_int_equal(ipc_send(w->a, 1, 7, "x", 1, NULL, 0), 0);
	turns(w, 2);
	assert_true(w->id == 7);
}

static void a_queued_message_owns_its_descriptors(void **state)
{
	struct world *w = *state;
	static uint8_t block[16384];
	int p[2];
	unsigned i;

	assert_int_equal(pipe(p), 0);
	/* The kernel's buffer and then some of the queue, but not all of it. */
	for (i = 0; i < 15; i++)
		(void)ipc_send(w->a, 1, i, block, sizeof(block), NULL, 0);
	assert_int_equal(ipc_send(w->a, 9, 0, NULL, 0, p, 1), 0);
	close(p[0]);
	turns(w, 50);
	assert_int_equal(w->type, 9);
	assert_int_equal(w->n_fds, 1);
	assert_int_equal(write(p[1], "y", 1), 1); /* the reader lives on */
	close(p[1]);
}

static void flush_waits_and_gives_up(void **state)
{
	struct world *w = *state;

	assert_int_equal(ipc_flush(w->a, 0), 0);
	(void)fill(w);
	assert_int_equal(ipc_flush(w->a, 1), -ETIMEDOUT);
	turns(w, 50);
	assert_int_equal(ipc_flush(w->a, 1000), 0);
}

static void the_end_is_reported_after_what_was_sent(void **state)
{
	struct world *w = *state;

	assert_int_equal(ipc_send(w->a, 1, 1, "x", 1, NULL, 0), 0);
	assert_int_equal(ipc_send(w->a, 1, 2, "x", 1, NULL, 0), 0);
	ipc_destroy(&w->a);
	turns(w, 3);
	assert_int_equal(w->got, 2);
	assert_int_equal(w->closed, 1);
	assert_null(w->b);
}

static void sending_to_nobody_is_epipe(void **state)
{
	struct world *w = *state;

	ipc_destroy(&w->b);
	assert_int_equal(ipc_send(w->a, 1, 1, "x", 1, NULL, 0), -EPIPE);
	turns(w, 2);
	assert_int_equal(ipc_send(w->a, 1, 1, "x", 1, NULL, 0), -EPIPE);
}

static void destroying_inside_the_callback_is_safe(void **state)
{
	struct world *w = *state;

	w->destroy_b = true;
	assert_int_equal(ipc_send(w->a, 1, 1, "x", 1, NULL, 0), 0);
	assert_int_equal(ipc_send(w->a, 1, 2, "x", 1, NULL, 0), 0);
	turns(w, 3);
	assert_int_equal(w->got, 1);
	assert_null(w->b);
}

static void what_is_too_big_is_refused(void **state)
{
	static uint8_t big[IPC_DATA_MAX + 1];
	struct world *w = *state;
	int fds[IPC_FDS_MAX + 1] = { 0 };

	assert_int_equal(ipc_send(w->a, 1, 1, big, sizeof(big), NULL, 0),
			 -EMSGSIZE);
	assert_int_equal(ipc_send(w->a, 1, 1, "x", 1, fds, IPC_FDS_MAX + 1),
			 -EMSGSIZE);
}

static void a_broken_message_is_dropped(void **state)
{
	struct world *w = *state;
	struct ipc *raw;
	int fds[2];

	assert_int_equal(ipc_pair(fds), 0);
	assert_int_equal(ipc_create(w->loop, fds[0], 1, on_msg, NULL, w, &raw),
			 0);
	assert_int_equal(send(fds[1], "abc", 3, 0), 3);
	assert_int_equal(send(fds[1], "abcdefghijklmnopqrst", 20, 0), 20);
	turns(w, 2);
	assert_int_equal(w->got, 0);
	ipc_destroy(&raw);
	close(fds[1]);
}

static void no_memory_closes_the_descriptor(void **state)
{
	struct world *w = *state;
	struct ipc *x = NULL;
	int fds[2];

	assert_int_equal(ipc_pair(fds), 0);
	mem_fail_after(0);
	assert_int_equal(ipc_create(w->loop, fds[0], 1, ignore, NULL, w, &x),
			 -ENOMEM);
	mem_fail_after(-1);
	assert_null(x);
	assert_int_equal(fcntl(fds[0], F_GETFD), -1);
	close(fds[1]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_message_arrives_whole),
		TEST(descriptors_travel_and_the_rest_is_closed),
		TEST(a_full_queue_says_so_and_loses_nothing),
		TEST(a_queued_message_owns_its_descriptors),
		TEST(flush_waits_and_gives_up),
		TEST(the_end_is_reported_after_what_was_sent),
		TEST(sending_to_nobody_is_epipe),
		TEST(destroying_inside_the_callback_is_safe),
		TEST(what_is_too_big_is_refused),
		TEST(a_broken_message_is_dropped),
		TEST(no_memory_closes_the_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
