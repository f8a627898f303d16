#include "base/loop.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

struct world {
	struct clock_fake clock;
	struct loop *loop;
	struct loop_timer timers[100];
	int order[200];
	int n;
	struct loop_io *io[2];
	int pipes[2][2];
};

static int setup(void **state)
{
	struct world *w = mem_zalloc(sizeof(*w));

	clock_fake_init(&w->clock, 1000, 0);
	*state = w;
	return loop_create(&w->clock.clock, &w->loop);
}

static int teardown(void **state)
{
	struct world *w = *state;

	loop_destroy(&w->loop);
	mem_free(w);
	return 0;
}

static struct world *now_world; /* whose callbacks run */

static void on_timer(void *arg)
{
	struct loop_timer *t = arg;

	now_world->order[now_world->n++] = (int)(t - now_world->timers);
}

static void timers_run_in_order_when_due(void **state)
{
	struct world *w = now_world = *state;
	int i;

	for (i = 0; i < 100; i++)
		assert_int_equal(loop_timer_set(w->loop, &w->timers[i],
						2000 + i * 37 % 100, on_timer,
						&w->timers[i]),
				 0);
	assert_int_equal(loop_step(w->loop, 0), 0);
	assert_int_equal(w->n, 0);
	clock_fake_advance(&w->clock, 1049);
	assert_int_equal(loop_step(w->loop, 0), 0);
	assert_int_equal(w->n, 50);
	clock_fake_advance(&w->clock, 1000);
	assert_int_equal(loop_step(w->loop, 0), 0);
	assert_int_equal(w->n, 100);
	for (i = 1; i < 100; i++)
		assert_true(w->order[i - 1] * 37 % 100 <=
			    w->order[i] * 37 % 100);
}

static void timers_move_and_clear(void **state)
{
	struct world *w = now_world = *state;
	int i;

	for (i = 0; i < 100; i++)
		(void)loop_timer_set(w->loop, &w->timers[i], 2000 + i, on_timer,
				     &w->timers[i]);
	for (i = 0; i < 100; i++) {
		if (i % 3 == 0)
			loop_timer_clear(w->loop, &w->timers[i]);
		else if (i % 3 == 1)
			(void)loop_timer_set(w->loop, &w->timers[i], 9000 - i,
					     on_timer, &w->timers[i]);
	}
	loop_timer_clear(w->loop, &w->timers[0]); /* twice is fine */
	clock_fake_advance(&w->clock, 2000);
	assert_int_equal(loop_step(w->loop, 0), 0);
	assert_int_equal(w->n, 33);
	for (i = 0; i < 33; i++)
		assert_int_equal(w->order[i], 2 + 3 * i);
	clock_fake_advance(&w->clock, 10000);
	assert_int_equal(loop_step(w->loop, 0), 0);
	assert_int_equal(w->n, 66);
	assert_int_equal(w->order[33], 97);
}

static void rearm(void *arg)
{
	struct world *w = arg;

	w->n++;
	(void)loop_timer_set(w->loop, &w->timers[0], 0, rearm, w);
	loop_timer_clear(w->loop, &w->timers[1]);
}

static void a_timer_that_rearms_for_now_waits_a_turn(void **state)
{
	struct world *w = now_world = *state;

	(void)loop_timer_set(w->loop, &w->timers[0], 0, rearm, w);
	(void)loop_timer_set(w->loop, &w->timers[1], 1, on_timer,
			     &w->timers[1]);
	assert_int_equal(loop_step(w->loop, 0), 0);
	assert_true(w->n >= 1 && w->n <= 2);
	loop_timer_clear(w->loop, &w->timers[0]);
	assert_int_equal(w->timers[1].heap_pos, 0);
}

static void no_memory_for_a_timer_is_an_error(void **state)
{
	struct world *w = *state;

	mem_fail_after(0);
	assert_int_equal(loop_timer_set(w->loop, &w->timers[0], 1, on_timer,
					&w->timers[0]),
			 -ENOMEM);
	mem_fail_after(-1);
	assert_int_equal(w->timers[0].heap_pos, 0);
}

/* Whichever runs first removes both; the other must not run any more. */
static void remove_both(void *arg, int fd, unsigned events)
{
	struct world *w = arg;

	(void)fd;
	assert_true(events & LOOP_READ);
	w->n++;
	loop_io_del(&w->io[0]);
	loop_io_del(&w->io[1]);
}

static void removal_inside_a_callback_is_safe(void **state)
{
	struct world *w = *state;
	int i;

	for (i = 0; i < 2; i++) {
		assert_int_equal(pipe(w->pipes[i]), 0);
		assert_int_equal(write(w->pipes[i][1], "x", 1), 1);
		assert_int_equal(loop_io_add(w->loop, w->pipes[i][0], LOOP_READ,
					     remove_both, w, &w->io[i]),
				 0);
	}
	assert_int_equal(loop_step(w->loop, 1000), 0);
	assert_int_equal(loop_step(w->loop, 0), 0);
	assert_int_equal(w->n, 1);
	for (i = 0; i < 4; i++)
		close(w->pipes[i / 2][i % 2]);
}

static void note_events(void *arg, int fd, unsigned events)
{
	(void)fd;
	*(unsigned *)arg = events;
}

static void events_are_what_was_asked_for_and_hangup(void **state)
{
	struct world *w = *state;
	unsigned seen = 0;
	struct loop_io *io;

	assert_int_equal(pipe(w->pipes[0]), 0);
	assert_int_equal(loop_io_add(w->loop, w->pipes[0][1], 0, note_events,
				     &seen, &io),
			 0);
	(void)loop_step(w->loop, 0);
	assert_int_equal(seen, 0);
	assert_int_equal(loop_io_set(io, LOOP_WRITE), 0);
	(void)loop_step(w->loop, 0);
	assert_int_equal(seen, LOOP_WRITE);
	close(w->pipes[0][0]);
	(void)loop_io_set(io, 0);
	(void)loop_step(w->loop, 0);
	assert_int_equal(seen, LOOP_HANGUP);
	loop_io_del(&io);
	close(w->pipes[0][1]);
	assert_int_equal(loop_io_add(w->loop, -1, LOOP_READ, note_events, &seen,
				     &io),
			 -EBADF);
}

static bool readable(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1;
}

static void count(void *arg)
{
	(*(int *)arg)++;
}

static void the_loop_can_be_nested_in_another(void **state)
{
	struct loop_timer t = { 0 };
	struct loop *l;
	int n = 0;

	(void)state;
	assert_int_equal(loop_create(clock_real(), &l), 0);
	assert_false(readable(loop_fd(l), 0));
	(void)loop_timer_set(l, &t, clock_mono_us(clock_real()) + 2000, count,
			     &n);
	assert_true(readable(loop_fd(l), 5000));
	assert_int_equal(loop_step(l, 0), 0);
	assert_int_equal(n, 1);
	assert_false(readable(loop_fd(l), 0));
	(void)loop_timer_set(l, &t, 0, count, &n);
	assert_true(readable(loop_fd(l), 5000));
	loop_timer_clear(l, &t);
	assert_false(readable(loop_fd(l), 0));
	loop_destroy(&l);
}

struct stopper {
	struct loop *loop;
	int signo;
};

static void on_signal(void *arg, int signo)
{
	struct stopper *s = arg;

	s->signo = signo;
	loop_stop(s->loop);
}

static void signals_come_through_the_loop(void **state)
{
	struct stopper s = { 0 };

	(void)state;
	assert_int_equal(loop_create(clock_real(), &s.loop), 0);
	assert_int_equal(loop_signal_add(s.loop, SIGUSR1, on_signal, &s), 0);
	assert_int_equal(loop_signal_add(s.loop, SIGUSR2, on_signal, &s), 0);
	assert_int_equal(loop_signal_add(s.loop, 0, on_signal, &s), -EINVAL);
	assert_int_equal(kill(getpid(), SIGUSR2), 0);
	assert_int_equal(loop_run(s.loop), 0);
	assert_int_equal(s.signo, SIGUSR2);
	assert_int_equal(kill(getpid(), SIGUSR1), 0);
	assert_int_equal(loop_run(s.loop), 0);
	assert_int_equal(s.signo, SIGUSR1);
	loop_stop(s.loop); /* before the run: it ends at once */
	assert_int_equal(loop_run(s.loop), 0);
	loop_destroy(&s.loop);
	loop_destroy(&s.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(timers_run_in_order_when_due,
						setup, teardown),
		cmocka_unit_test_setup_teardown(timers_move_and_clear, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_timer_that_rearms_for_now_waits_a_turn, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			no_memory_for_a_timer_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(
			removal_inside_a_callback_is_safe, setup, teardown),
		cmocka_unit_test_setup_teardown(
			events_are_what_was_asked_for_and_hangup, setup,
			teardown),
		cmocka_unit_test(the_loop_can_be_nested_in_another),
		cmocka_unit_test(signals_come_through_the_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
