/* media/port_pool.c - two rings, in order of the time since which they rest. */
#include "media/port_pool.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

/* More than these came late: somebody goes on sending. */
#define LATE_MAX 64

struct resting {
	struct ports_pair pair;
	int64_t since_us;
	bool again; /* something came in its first rest */
};

struct line {
	struct resting *ring;
	unsigned first, n;
};

struct port_pool {
	unsigned max;
	port_pool_fn *closing;
	void *arg;
	struct line lines[2]; /* without RTCP, with */
};

int port_pool_create(unsigned max, port_pool_fn *closing, void *arg,
		     struct port_pool **ret_pool)
{
	struct port_pool *p CLEANUP(port_pool_destroy) = NULL;

	p = mem_zalloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->max = max;
	p->closing = closing;
	p->arg = arg;
	for (unsigned i = 0; max && i < 2; i++) {
		p->lines[i].ring = mem_calloc(max, sizeof(struct resting));
		if (!p->lines[i].ring)
			return -ENOMEM;
	}
	*ret_pool = STEAL(p);
	return 0;
}

static void close_pair(const struct ports_pair *pair)
{
	close(pair->rtp_fd);
	if (pair->rtcp_fd >= 0)
		close(pair->rtcp_fd);
}

static void drop(struct port_pool *p, const struct ports_pair *pair)
{
	p->closing(p->arg, pair);
	close_pair(pair);
}

static struct resting pop(struct port_pool *p, struct line *l)
{
	struct resting r = l->ring[l->first];

	l->first = (l->first + 1) % p->max;
	l->n--;
	return r;
}

static void push(struct port_pool *p, struct line *l, const struct resting *r)
{
	l->ring[(l->first + l->n++) % p->max] = *r;
}

void port_pool_destroy(struct port_pool **pp)
{
	struct port_pool *p = *pp;

	if (!p)
		return;
	*pp = NULL;
	for (unsigned i = 0; i < 2; i++) {
		while (p->lines[i].n) {
			struct resting r = pop(p, &p->lines[i]);

			close_pair(&r.pair);
		}
		mem_free(p->lines[i].ring);
	}
	mem_free(p);
}

void port_pool_empty(struct port_pool *p)
{
	for (unsigned i = 0; i < 2; i++) {
		while (p->lines[i].n) {
			struct resting r = pop(p, &p->lines[i]);

			drop(p, &r.pair);
		}
	}
}

unsigned port_pool_count(const struct port_pool *p)
{
	return p->lines[0].n + 2 * p->lines[1].n;
}

/* @return packets thrown away, more than LATE_MAX: not empty yet */
static unsigned drain(int fd)
{
	unsigned n = 0;
	char byte;

	while (fd >= 0 && n <= LATE_MAX &&
	       (recv(fd, &byte, 1, MSG_DONTWAIT) >= 0 || errno == EINTR ||
		errno == ECONNREFUSED))
		n++;
	return n;
}

int port_pool_take(struct port_pool *p, bool rtcp, int64_t now_us,
		   struct ports_pair *ret_pair)
{
	struct line *l = &p->lines[rtcp];
	unsigned late;

	while (l->n &&
	       l->ring[l->first].since_us + PORT_POOL_REST_US <= now_us) {
		struct resting r = pop(p, l);

		late = drain(r.pair.rtp_fd) + drain(r.pair.rtcp_fd);
		if (late == 0) {
			*ret_pair = r.pair;
			return 0;
		}
		if (r.again || late > LATE_MAX) {
			drop(p, &r.pair);
			continue;
		}
		r.again = true;
		r.since_us = now_us;
		push(p, l, &r);
	}
	return -ENOENT;
}

void port_pool_give(struct port_pool *p, const struct ports_pair *pair,
		    int64_t now_us)
{
	struct resting r = { .pair = *pair, .since_us = now_us };

	bool rtcp = pair->rtcp_fd >= 0;

	if (port_pool_count(p) + 1 + rtcp > p->max)
		drop(p, pair);
	else
		push(p, &p->lines[rtcp], &r);
}
