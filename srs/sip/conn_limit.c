/* Who holds a descriptor is noted when it is accepted. That it was closed is
 * seen late: only when somebody seems to have too many are his entries checked
 * against the kernel, at most once in CHECK_US for the same address. */
#include "srs/sip/conn_limit.h"

#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define CHECK_US 1000000
#define ALIVE_IDLE_S 120
#define ALIVE_EVERY_S 30
/* What a peer may have sent that nobody has read; the kernel doubles it. A
 * whole read becomes one message of the SIP library first. */
#define WAITING_BYTES (64 * 1024)

static struct {
	unsigned total, each, refused;
	uint64_t *owner; /* by descriptor, 0 = nobody */
	uint64_t full;	 /* had too many when last looked at */
	int64_t full_until_us;
} lim;

int conn_limit_set(unsigned total, unsigned each)
{
	uint64_t *owner = NULL;

	if (total) {
		owner = mem_calloc(total, sizeof(*owner));
		if (!owner)
			return -ENOMEM;
	}
	mem_free(lim.owner);
	memset(&lim, 0, sizeof(lim));
	lim.owner = owner;
	lim.total = total;
	lim.each = each;
	return 0;
}

unsigned conn_limit_refused(void)
{
	return lim.refused;
}

/* IPv4 address, or the first half of an IPv6 one; never 0. */
static uint64_t owner_of(const struct sockaddr_storage *ss)
{
	const struct sockaddr_in *in = (const void *)ss;
	const struct sockaddr_in6 *in6 = (const void *)ss;
	uint64_t half;
	uint32_t v4;

	if (ss->ss_family == AF_INET)
		return UINT64_C(1) << 32 | in->sin_addr.s_addr;
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		memcpy(&v4, &in6->sin6_addr.s6_addr[12], sizeof(v4));
		return UINT64_C(1) << 32 | v4;
	}
	memcpy(&half, in6->sin6_addr.s6_addr, sizeof(half));
	return half ? half : 1;
}

static unsigned count(uint64_t owner)
{
	unsigned n = 0;

	for (unsigned fd = 0; fd < lim.total; fd++)
		n += lim.owner[fd] == owner;
	return n;
}

static void forget_closed(uint64_t owner)
{
	for (unsigned fd = 0; fd < lim.total; fd++) {
		struct sockaddr_storage ss = { 0 };
		socklen_t len = sizeof(ss);

		if (lim.owner[fd] == owner &&
		    (getpeername((int)fd, (void *)&ss, &len) < 0 ||
		     owner_of(&ss) != owner))
			lim.owner[fd] = 0;
	}
}

static bool too_many(uint64_t owner)
{
	int64_t now;

	if (count(owner) < lim.each)
		return false;
	now = clock_mono_us(clock_real());
	if (lim.full == owner && now < lim.full_until_us)
		return true;
	forget_closed(owner);
	if (count(owner) < lim.each)
		return false;
	lim.full = owner;
	lim.full_until_us = now + CHECK_US;
	return true;
}

/* Without probes a peer that vanished would be kept for ever; a connection on
 * which that fails is as good as any other. */
static void set_options(int fd)
{
	const int one = 1, idle = ALIVE_IDLE_S, every = ALIVE_EVERY_S;
	const int waiting = WAITING_BYTES;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &waiting, sizeof(waiting));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
}

static bool admit(int fd, const struct sockaddr_storage *ss)
{
	uint64_t owner = owner_of(ss);

	if ((unsigned)fd >= lim.total)
		return false;
	lim.owner[fd] = 0; /* whoever had this number has it no longer */
	if (too_many(owner))
		return false;
	lim.owner[fd] = owner;
	set_options(fd);
	return true;
}

int accept(int fd, __SOCKADDR_ARG addr, socklen_t *restrict len)
{
	__typeof__(&accept) real =
		(__typeof__(&accept))dlsym(RTLD_NEXT, "accept");
	struct sockaddr_storage ss = { 0 };
	socklen_t ss_len = sizeof(ss);
	int s;

	if (!lim.total)
		return real(fd, addr, len);
	s = real(fd, (struct sockaddr *)&ss, &ss_len);
	if (s < 0)
		return s;
	if (!admit(s, &ss)) {
		(void)close(s);
		lim.refused++;
		errno = ECONNABORTED;
		return -1;
	}
	if (addr.__sockaddr__ && len) {
		memcpy(addr.__sockaddr__, &ss, *len < ss_len ? *len : ss_len);
		*len = ss_len;
	}
	return s;
}
