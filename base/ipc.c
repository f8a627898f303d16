#include "base/ipc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

#define IPC_BATCH 64 /* messages read per turn, so that others get theirs */

struct ipc_head {
	uint16_t type;
	uint16_t n_fds;
	uint32_t len;
	uint64_t id;
};

struct ipc_out {
	struct ipc_out *next;
	struct ipc_head head;
	int fds[IPC_FDS_MAX]; /* our own duplicates */
	uint8_t data[];
};

union ipc_control {
	char buf[CMSG_SPACE(sizeof(int) * IPC_FDS_MAX)];
	struct cmsghdr align;
};

struct ipc {
	struct loop *loop;
	struct loop_io *io;
	int fd;
	ipc_msg_fn *on_msg;
	ipc_closed_fn *on_closed;
	void *arg;
	unsigned queue_len, queue_max;
	struct ipc_out *first, **last;
	unsigned busy; /* callbacks on the stack */
	bool dead;     /* destroyed inside a callback */
	/* payloads are structs: aligned for any */
	_Alignas(16) uint8_t in[sizeof(struct ipc_head) + IPC_DATA_MAX];
};

int ipc_pair(int ret_fds[2])
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       0, fds) < 0)
		return -errno;
	ret_fds[0] = fds[0];
	ret_fds[1] = fds[1];
	return 0;
}

static void close_fds(int *fds, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		if (fds[i] >= 0)
			(void)close(fds[i]); /* not ours to report */
		fds[i] = -1;
	}
}

static void out_free(struct ipc_out *o)
{
	close_fds(o->fds, o->head.n_fds);
	mem_free(o);
}

/* -EAGAIN: the kernel has no room now. */
static int send_now(struct ipc *i, const struct ipc_head *h, const void *data,
		    const int *fds)
{
	union ipc_control control;
	struct iovec iov[2] = {
		{ (void *)h, sizeof(*h) },
		{ (void *)data, h->len },
	};
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = h->len ? 2 : 1 };
	struct cmsghdr *c;

	if (h->n_fds) {
		memset(&control, 0, sizeof(control));
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * h->n_fds);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * h->n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * h->n_fds);
	}
	while (sendmsg(i->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		switch (errno) {
		case EINTR:
			continue;
		case EAGAIN:
		case ENOBUFS:
		case ENOMEM:
		case ETOOMANYREFS: /* descriptors in flight, drains */
			return -EAGAIN;
		case ECONNRESET:
		case ENOTCONN:
		case EPIPE:
			return -EPIPE;
		default:
			return -errno;
		}
	}
	return 0;
}

/* 0 when the queue is empty, -EAGAIN, -EPIPE or -errno */
static int send_queue(struct ipc *i)
{
	struct ipc_out *o;
	int r;

	while ((o = i->first)) {
		r = send_now(i, &o->head, o->data, o->fds);
		if (r < 0)
			return r;
		i->first = o->next;
		if (!i->first)
			i->last = &i->first;
		i->queue_len--;
		out_free(o);
	}
	return 0;
}

static int enqueue(struct ipc *i, const struct ipc_head *h, const void *data,
		   const int *fds)
{
	struct ipc_out *o;
	unsigned n;
	int r;

	if (i->queue_len >= i->queue_max)
		return -ENOBUFS;
	o = mem_zalloc(sizeof(*o) + h->len);
	if (!o)
		return -ENOBUFS;
	o->head = *h;
	for (n = 0; n < IPC_FDS_MAX; n++)
		o->fds[n] = -1;
	for (n = 0; n < h->n_fds; n++) {
		o->fds[n] = fcntl(fds[n], F_DUPFD_CLOEXEC, 0);
		if (o->fds[n] < 0) {
			r = -errno;
			out_free(o);
			return r;
		}
	}
	if (h->len)
		memcpy(o->data, data, h->len);
	*i->last = o;
	i->last = &o->next;
	i->queue_len++;
	return i->io ? loop_io_set(i->io, LOOP_READ | LOOP_WRITE) : 0;
}

int ipc_send(struct ipc *i, uint16_t type, uint64_t id, const void *data,
	     size_t len, const int *fds, unsigned n_fds)
{
	struct ipc_head h = { .type = type, .id = id };
	int r = -EAGAIN;

	if (len > IPC_DATA_MAX || n_fds > IPC_FDS_MAX)
		return -EMSGSIZE;
	if (!i->io)
		return -EPIPE;
	h.len = (uint32_t)len;
	h.n_fds = (uint16_t)n_fds;
	if (!i->first)
		r = send_now(i, &h, data, fds);
	return r == -EAGAIN ? enqueue(i, &h, data, fds) : r;
}

int ipc_flush(struct ipc *i, int timeout_ms)
{
	int64_t now = clock_mono_us(clock_real());
	int64_t end = now + timeout_ms * (int64_t)1000;
	struct pollfd p = { .fd = i->fd, .events = POLLOUT };
	int r;

	while ((r = send_queue(i)) == -EAGAIN) {
		now = clock_mono_us(clock_real());
		if (now >= end)
			return -ETIMEDOUT;
		/* An error shows at the next send. */
		(void)poll(&p, 1, (int)((end - now + 999) / 1000));
	}
	if (r == 0 && i->io)
		return loop_io_set(i->io, LOOP_READ);
	return r;
}

static void take_fds(struct msghdr *m, struct ipc_msg *msg)
{
	struct cmsghdr *c;
	unsigned n;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		if (n > IPC_FDS_MAX)
			n = IPC_FDS_MAX; /* cannot be: the buffer ends there */
		memcpy(msg->fds, CMSG_DATA(c), n * sizeof(int));
		msg->n_fds = n;
	}
}

/* 1 a message was delivered, 0 nothing to read now, -EPIPE the end */
static int receive_one(struct ipc *i)
{
	union ipc_control control;
	struct iovec iov = { i->in, sizeof(i->in) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	struct ipc_msg msg = { 0 };
	struct ipc_head h;
	ssize_t n;

	n = recvmsg(i->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
	if (n == 0)
		return -EPIPE;
	take_fds(&m, &msg);
	memcpy(&h, i->in, sizeof(h) < (size_t)n ? sizeof(h) : (size_t)n);
	if ((size_t)n < sizeof(h) || (size_t)n != sizeof(h) + h.len ||
	    msg.n_fds != h.n_fds) {
		/* Descriptors are lost when this process has no room. */
		log_error(NULL, "ipc.message_dropped", LOG_I("bytes", n),
			  LOG_I("fds", msg.n_fds));
		close_fds(msg.fds, msg.n_fds);
		return 1;
	}
	msg.type = h.type;
	msg.id = h.id;
	msg.data = i->in + sizeof(h);
	msg.len = h.len;
	i->on_msg(i->arg, &msg);
	close_fds(msg.fds, msg.n_fds);
	return 1;
}

static void closed(struct ipc *i)
{
	if (!i->io)
		return;
	loop_io_del(&i->io);
	if (i->on_closed)
		i->on_closed(i->arg);
}

static void ipc_free(struct ipc *i)
{
	struct ipc_out *o;

	loop_io_del(&i->io);
	while ((o = i->first)) {
		i->first = o->next;
		out_free(o);
	}
	(void)close(i->fd); /* a socket has nothing left to fail */
	mem_free(i);
}

static void on_io(void *arg, int fd, unsigned events)
{
	struct ipc *i = arg;
	int n, r = 1;

	(void)fd;
	i->busy++;
	if (events & LOOP_WRITE && send_queue(i) == 0 && i->io)
		(void)loop_io_set(i->io, LOOP_READ); /* else: one more turn */
	if (events & (LOOP_READ | LOOP_HANGUP)) {
		for (n = 0; n < IPC_BATCH && r == 1 && !i->dead; n++)
			r = receive_one(i);
		if (r == -EPIPE && !i->dead)
			closed(i);
	}
	if (--i->busy == 0 && i->dead)
		ipc_free(i);
}

int ipc_create(struct loop *l, int fd, unsigned queue_max, ipc_msg_fn *on_msg,
	       ipc_closed_fn *on_closed, void *arg, struct ipc **ret_ipc)
{
	struct ipc *i;
	int r, flags;

	i = mem_zalloc(sizeof(*i));
	if (!i) {
		(void)close(fd);
		return -ENOMEM;
	}
	i->loop = l;
	i->fd = fd;
	i->queue_max = queue_max;
	i->last = &i->first;
	i->on_msg = on_msg;
	i->on_closed = on_closed;
	i->arg = arg;
	flags = fcntl(fd, F_GETFL);
	r = flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno
								    : 0;
	if (r == 0)
		r = loop_io_add(l, fd, LOOP_READ, on_io, i, &i->io);
	if (r < 0) {
		ipc_free(i);
		return r;
	}
	*ret_ipc = i;
	return 0;
}

void ipc_destroy(struct ipc **ip)
{
	struct ipc *i = *ip;

	if (!i)
		return;
	*ip = NULL;
	i->dead = true;
	loop_io_del(&i->io);
	if (i->busy == 0)
		ipc_free(i);
}
