/* media/ports.c - see ports.h. */
#include "media/ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/id.h"
#include "base/str.h"

/* Tries with ports that the kernel picks until one is even and its neighbour
 * free. */
#define ANY_TRIES 200

int ports_parse_address(const char *s, struct sockaddr_storage *ret_addr)
{
	struct sockaddr_storage a = { 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a;
	struct span sp = span_of(s);
	char plain[INET6_ADDRSTRLEN];

	if (sp.len > 2 && sp.p[0] == '[' && sp.p[sp.len - 1] == ']') {
		sp.p++;
		sp.len -= 2;
	}
	if (!span_copy(plain, sizeof(plain), sp))
		return -EINVAL;
	if (inet_pton(AF_INET, plain, &v4->sin_addr) == 1)
		a.ss_family = AF_INET;
	else if (inet_pton(AF_INET6, plain, &v6->sin6_addr) == 1)
		a.ss_family = AF_INET6;
	else
		return -EINVAL;
	*ret_addr = a;
	return 0;
}

int ports_init(struct ports *p, const char *address, int64_t min, int64_t max)
{
	struct ports n = { 0 };
	uint16_t pairs, random;
	int r;

	r = ports_parse_address(address, &n.address);
	if (r < 0)
		return r;
	if (min || max) {
		min += min & 1;
		if (min < 1 || max > UINT16_MAX || min + 1 > max)
			return -EINVAL;
		pairs = (uint16_t)((max - min + 1) / 2);
		/* two servers on one range meet less often */
		id_random(&random, sizeof(random));
		n.next = (uint16_t)(min + random % pairs * 2);
	}
	n.min = (uint16_t)min;
	n.max = (uint16_t)max;
	*p = n;
	return 0;
}

static void set_port(struct sockaddr_storage *a, uint16_t port)
{
	if (a->ss_family == AF_INET6)
		((struct sockaddr_in6 *)a)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)a)->sin_port = htons(port);
}

uint16_t ports_of_fd(int fd)
{
	struct sockaddr_storage a = { 0 };
	socklen_t len = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return 0;
	if (a.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&a)->sin6_port);
	if (a.ss_family == AF_INET)
		return ntohs(((struct sockaddr_in *)&a)->sin_port);
	return 0;
}

int ports_open_one(const struct ports *p, uint16_t port)
{
	struct sockaddr_storage a = p->address;
	socklen_t len = a.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						: sizeof(struct sockaddr_in);
	const int one = 1;
	int fd, r;

	fd = socket(a.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	set_port(&a, port);
	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&a, len) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int ports_open_at(const struct ports *p, uint16_t rtp_port, bool with_rtcp,
		  struct ports_pair *ret_pair)
{
	int rtp, rtcp = -1;

	rtp = ports_open_one(p, rtp_port);
	if (rtp < 0)
		return rtp;
	if (with_rtcp)
		rtcp = ports_open_one(p, (uint16_t)(rtp_port + 1));
	if (with_rtcp && rtcp < 0) {
		close(rtp);
		return rtcp;
	}
	*ret_pair = (struct ports_pair){ rtp, rtcp, rtp_port };
	return 0;
}

static int open_any(const struct ports *p, bool rtcp,
		    struct ports_pair *ret_pair)
{
	uint16_t port;
	int fd, r;

	for (unsigned i = 0; i < ANY_TRIES; i++) {
		fd = ports_open_one(p, 0);
		if (fd < 0)
			return fd;
		port = ports_of_fd(fd) & 0xfffe;
		close(fd);
		r = ports_open_at(p, port, rtcp, ret_pair);
		if (r != -EADDRINUSE)
			return r;
	}
	return -EADDRINUSE;
}

int ports_open(struct ports *p, bool rtcp, struct ports_pair *ret_pair)
{
	unsigned pairs = (unsigned)(p->max - p->min + 1) / 2;
	uint16_t port;
	int r;

	if (!p->max)
		return open_any(p, rtcp, ret_pair);
	for (unsigned i = 0; i < pairs; i++) {
		port = p->next;
		p->next = (uint16_t)(port + 3 > p->max ? p->min : port + 2);
		r = ports_open_at(p, port, rtcp, ret_pair);
		if (r != -EADDRINUSE && r != -EACCES)
			return r;
	}
	return -EADDRINUSE;
}
