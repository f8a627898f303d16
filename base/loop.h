/* base/loop.h - the event loop of a role: descriptors, timers, signals.
 *
 * Single-threaded; level-triggered epoll. Everything that lives in the loop is
 * embedded in or owned by its user, who removes it before freeing it; removal
 * inside any callback is safe, also of the item whose callback runs. A loop is
 * itself pollable (loop_fd), so that it can be nested in another library's.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct clock;
struct loop;
struct loop_io;
struct loop_timer;

#define LOOP_READ 1u
#define LOOP_WRITE 2u
#define LOOP_HANGUP 4u /* always reported */

typedef void loop_io_fn(void *arg, int fd, unsigned events);
typedef void loop_timer_fn(void *arg);
typedef void loop_signal_fn(void *arg, int signo);

/* Embedded by the user; all fields private to loop.c, zeroed by the user. */
struct loop_timer {
	loop_timer_fn *fn;
	void *arg;
	int64_t due_mono_us;
	uint32_t heap_pos; /* 0 = not armed */
};

/** @param clock borrowed. @return 0, -ENOMEM or epoll's/timerfd's errno */
int loop_create(struct clock *clock, struct loop **ret_loop);
void loop_destroy(struct loop **lp);

struct clock *loop_clock(struct loop *l);

/** Readable whenever loop_step(l, 0) has something to do. */
int loop_fd(struct loop *l);

/** Watch fd (borrowed: the user closes it after loop_io_del). */
int loop_io_add(struct loop *l, int fd, unsigned events, loop_io_fn *fn,
		void *arg, struct loop_io **ret_io);
int loop_io_set(struct loop_io *io, unsigned events);
void loop_io_del(struct loop_io **iop);

/** Arm or re-arm. @param due_mono_us on the loop's clock. 0 or -ENOMEM */
int loop_timer_set(struct loop *l, struct loop_timer *t, int64_t due_mono_us,
		   loop_timer_fn *fn, void *arg);
void loop_timer_clear(struct loop *l, struct loop_timer *t);

/** Deliver signo through the loop (signalfd; blocks it). 0 or -errno */
int loop_signal_add(struct loop *l, int signo, loop_signal_fn *fn, void *arg);

/** One turn: wait at most timeout_ms (-1 for ever), run what is due.
 *  @return 0 or -errno */
int loop_step(struct loop *l, int timeout_ms);
/** Turns until loop_stop(). @return 0 or -errno */
int loop_run(struct loop *l);
void loop_stop(struct loop *l);

#endif
