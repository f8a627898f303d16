/* Timers live in a binary heap; the earliest one is mirrored into a timerfd,
 * which, like the signalfd, sits in the epoll set, so that the epoll
 * descriptor alone tells another loop that there is something to do. */
#include "base/loop.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#define LOOP_BATCH 64
#define LOOP_NSIG 65

struct loop_io {
	struct loop *loop;
	int fd;
	loop_io_fn *fn; /* NULL: deleted, waits for the end of the turn */
	void *arg;
	struct loop_io *next_dead;
};

struct loop {
	struct clock *clock;
	int epoll_fd;
	int timer_fd;
	int signal_fd; /* -1 until the first loop_signal_add() */
	bool stop;
	unsigned depth;	  /* turns on the stack */
	int64_t armed_us; /* what timer_fd is set to, -1 = nothing */
	struct loop_io *dead;
	struct loop_timer **heap; /* [1] is the earliest, [0] unused */
	uint32_t heap_len, heap_cap;
	struct loop_io *timer_io, *signal_io;
	sigset_t signals;
	loop_signal_fn *sig_fn[LOOP_NSIG];
	void *sig_arg[LOOP_NSIG];
};

static void on_timer_fd(void *arg, int fd, unsigned events)
{
	struct loop *l = arg;
	uint64_t expirations;

	(void)events;
	/* What is due is found in the heap; this only clears the descriptor. */
	if (read(fd, &expirations, sizeof(expirations)) > 0)
		l->armed_us = -1;
}

/* Mirror the earliest timer. A fake clock's time means nothing to the kernel:
 * its loop is stepped by the test. */
static void timer_fd_arm(struct loop *l)
{
	struct itimerspec its = { 0 };
	int64_t due = l->heap_len ? l->heap[1]->due_mono_us : -1;

	if (l->clock != clock_real())
		return;
	if (due >= 0 || l->heap_len)
		due = due > 0 ? due : 1;
	if (due == l->armed_us)
		return;
	if (due > 0) {
		its.it_value.tv_sec = due / 1000000;
		its.it_value.tv_nsec = due % 1000000 * 1000;
	}
	if (timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &its, NULL) == 0)
		l->armed_us = due;
}

int loop_create(struct clock *clock, struct loop **ret_loop)
{
	struct loop *l CLEANUP(loop_destroy) = NULL;
	int r;

	l = mem_zalloc(sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->clock = clock;
	l->signal_fd = l->timer_fd = -1;
	l->armed_us = -1;
	(void)sigemptyset(&l->signals); /* cannot fail */
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd < 0)
		return -errno;
	l->timer_fd =
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (l->timer_fd < 0)
		return -errno;
	r = loop_io_add(l, l->timer_fd, LOOP_READ, on_timer_fd, l,
			&l->timer_io);
	if (r < 0)
		return r;
	*ret_loop = STEAL(l);
	return 0;
}

static void free_dead(struct loop *l)
{
	struct loop_io *io;

	while ((io = l->dead)) {
		l->dead = io->next_dead;
		mem_free(io);
	}
}

static void close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd); /* nothing was written through it */
}

void loop_destroy(struct loop **lp)
{
	struct loop *l = *lp;

	if (!l)
		return;
	*lp = NULL;
	ASSERT(l->depth == 0);
	loop_io_del(&l->timer_io);
	loop_io_del(&l->signal_io);
	free_dead(l);
	close_fd(l->epoll_fd);
	close_fd(l->timer_fd);
	close_fd(l->signal_fd);
	mem_free(l->heap);
	mem_free(l);
}

struct clock *loop_clock(struct loop *l)
{
	return l->clock;
}

int loop_fd(struct loop *l)
{
	return l->epoll_fd;
}

static uint32_t to_epoll(unsigned events)
{
	return (events & LOOP_READ ? EPOLLIN : 0u) |
	       (events & LOOP_WRITE ? EPOLLOUT : 0u);
}

static unsigned from_epoll(uint32_t ev)
{
	return (ev & EPOLLIN ? LOOP_READ : 0u) |
	       (ev & EPOLLOUT ? LOOP_WRITE : 0u) |
	       (ev & (EPOLLHUP | EPOLLERR) ? LOOP_HANGUP : 0u);
}

int loop_io_add(struct loop *l, int fd, unsigned events, loop_io_fn *fn,
		void *arg, struct loop_io **ret_io)
{
	struct epoll_event ev = { .events = to_epoll(events) };
	struct loop_io *io;
	int r;

	io = mem_zalloc(sizeof(*io));
	if (!io)
		return -ENOMEM;
	*io = (struct loop_io){ .loop = l, .fd = fd, .fn = fn, .arg = arg };
	ev.data.ptr = io;
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0) {
		r = -errno;
		mem_free(io);
		return r;
	}
	*ret_io = io;
	return 0;
}

int loop_io_set(struct loop_io *io, unsigned events)
{
	struct epoll_event ev = { .events = to_epoll(events), .data.ptr = io };

	if (epoll_ctl(io->loop->epoll_fd, EPOLL_CTL_MOD, io->fd, &ev) < 0)
		return -errno;
	return 0;
}

void loop_io_del(struct loop_io **iop)
{
	struct loop_io *io = *iop;

	if (!io)
		return;
	*iop = NULL;
	/* Fails only when the user closed the descriptor too early. */
	(void)epoll_ctl(io->loop->epoll_fd, EPOLL_CTL_DEL, io->fd, NULL);
	io->fn = NULL;
	io->next_dead = io->loop->dead;
	io->loop->dead = io;
	if (io->loop->depth == 0)
		free_dead(io->loop);
}

static void heap_place(struct loop *l, uint32_t pos, struct loop_timer *t)
{
	l->heap[pos] = t;
	t->heap_pos = pos;
}

static void heap_up(struct loop *l, uint32_t pos, struct loop_timer *t)
{
	while (pos > 1 && l->heap[pos / 2]->due_mono_us > t->due_mono_us) {
		heap_place(l, pos, l->heap[pos / 2]);
		pos /= 2;
	}
	heap_place(l, pos, t);
}

static void heap_down(struct loop *l, uint32_t pos, struct loop_timer *t)
{
	uint32_t child;

	for (; (child = pos * 2) <= l->heap_len; pos = child) {
		if (child < l->heap_len && l->heap[child + 1]->due_mono_us <
						   l->heap[child]->due_mono_us)
			child++;
		if (l->heap[child]->due_mono_us >= t->due_mono_us)
			break;
		heap_place(l, pos, l->heap[child]);
	}
	heap_place(l, pos, t);
}

/* t has the wrong place, or none yet: pos is a hole in the heap. */
static void heap_fix(struct loop *l, uint32_t pos, struct loop_timer *t)
{
	if (pos > 1 && l->heap[pos / 2]->due_mono_us > t->due_mono_us)
		heap_up(l, pos, t);
	else
		heap_down(l, pos, t);
}

static int heap_reserve(struct loop *l)
{
	struct loop_timer **p;
	uint32_t cap;

	if (l->heap_len + 1 < l->heap_cap)
		return 0;
	cap = l->heap_cap ? l->heap_cap * 2 : 32;
	p = mem_realloc(l->heap, cap * sizeof(struct loop_timer *));
	if (!p)
		return -ENOMEM;
	l->heap = p;
	l->heap_cap = cap;
	return 0;
}

static void heap_remove(struct loop *l, struct loop_timer *t)
{
	uint32_t pos = t->heap_pos;
	struct loop_timer *last;

	ASSERT(pos <= l->heap_len && l->heap[pos] == t);
	last = l->heap[l->heap_len--];
	t->heap_pos = 0;
	if (last != t)
		heap_fix(l, pos, last);
}

int loop_timer_set(struct loop *l, struct loop_timer *t, int64_t due_mono_us,
		   loop_timer_fn *fn, void *arg)
{
	if (!t->heap_pos && heap_reserve(l) < 0)
		return -ENOMEM;
	t->fn = fn;
	t->arg = arg;
	t->due_mono_us = due_mono_us;
	if (t->heap_pos)
		heap_fix(l, t->heap_pos, t);
	else
		heap_up(l, ++l->heap_len, t);
	if (l->depth == 0)
		timer_fd_arm(l); /* else: once, at the end of the turn */
	return 0;
}

void loop_timer_clear(struct loop *l, struct loop_timer *t)
{
	if (!t->heap_pos)
		return;
	heap_remove(l, t);
	if (l->depth == 0)
		timer_fd_arm(l);
}

static void on_signal_fd(void *arg, int fd, unsigned events)
{
	struct signalfd_siginfo si;
	struct loop *l = arg;

	(void)events;
	while (read(fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo < LOOP_NSIG && l->sig_fn[si.ssi_signo])
			l->sig_fn[si.ssi_signo](l->sig_arg[si.ssi_signo],
						(int)si.ssi_signo);
	}
}

int loop_signal_add(struct loop *l, int signo, loop_signal_fn *fn, void *arg)
{
	int fd;

	if (signo <= 0 || signo >= LOOP_NSIG ||
	    sigaddset(&l->signals, signo) < 0)
		return -EINVAL;
	if (sigprocmask(SIG_BLOCK, &l->signals, NULL) < 0)
		return -errno;
	fd = signalfd(l->signal_fd, &l->signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	l->signal_fd = fd;
	l->sig_fn[signo] = fn;
	l->sig_arg[signo] = arg;
	if (l->signal_io)
		return 0;
	return loop_io_add(l, fd, LOOP_READ, on_signal_fd, l, &l->signal_io);
}

/* Those due now; one that re-arms itself for the past waits a turn. */
static void run_timers(struct loop *l)
{
	int64_t now = clock_mono_us(l->clock);
	uint32_t most = l->heap_len;
	struct loop_timer *t;

	for (; most && l->heap_len; most--) {
		t = l->heap[1];
		if (t->due_mono_us > now)
			return;
		heap_remove(l, t);
		t->fn(t->arg);
	}
}

static bool timer_is_due(struct loop *l)
{
	return l->heap_len &&
	       l->heap[1]->due_mono_us <= clock_mono_us(l->clock);
}

int loop_step(struct loop *l, int timeout_ms)
{
	struct epoll_event ev[LOOP_BATCH];
	struct loop_io *io;
	int i, n;

	n = epoll_wait(l->epoll_fd, ev, LOOP_BATCH,
		       l->stop || timer_is_due(l) ? 0 : timeout_ms);
	if (n < 0 && errno != EINTR)
		return -errno;
	l->depth++;
	for (i = 0; i < n; i++) {
		io = ev[i].data.ptr;
		if (io->fn)
			io->fn(io->arg, io->fd, from_epoll(ev[i].events));
	}
	run_timers(l);
	if (--l->depth == 0)
		free_dead(l);
	timer_fd_arm(l);
	return 0;
}

int loop_run(struct loop *l)
{
	int r = 0;

	while (!l->stop && r == 0)
		r = loop_step(l, -1);
	l->stop = false;
	return r;
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}
