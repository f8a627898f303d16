#include "srs/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"

/* "host:port" -> host without brackets, port. */
static bool split(const char *address, char *host, size_t host_len, char *port,
		  size_t port_len)
{
	const char *colon = strrchr(address, ':');
	struct span h;

	if (!colon || colon == address)
		return false;
	h = (struct span){ address, (size_t)(colon - address) };
	if (h.len > 2 && h.p[0] == '[' && h.p[h.len - 1] == ']') {
		h.p++;
		h.len -= 2;
	} else if (memchr(h.p, ':', h.len)) {
		return false; /* an IPv6 address wants brackets */
	}
	return span_copy(host, host_len, h) &&
	       str_copy(port, port_len, colon + 1);
}

static int bound_name(int fd, char *dst, size_t len)
{
	struct sockaddr_storage ss;
	socklen_t sl = sizeof(ss);
	char host[INET6_ADDRSTRLEN + 32], port[16];

	if (getsockname(fd, (struct sockaddr *)&ss, &sl) < 0)
		return -errno;
	if (getnameinfo((struct sockaddr *)&ss, sl, host, sizeof(host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV))
		return -EINVAL;
	snprintf(dst, len, ss.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
		 port);
	return 0;
}

static int bind_one(const struct addrinfo *ai)
{
	int one = 1, r;
	int fd = socket(ai->ai_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (ai->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one,
				 sizeof(one));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 ||
	    listen(fd, SOMAXCONN) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int listen_tcp(const char *address, char *ret_bound, size_t bound_len,
	       struct err *e)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICHOST |
					      AI_NUMERICSERV,
				  .ai_socktype = SOCK_STREAM };
	struct addrinfo *ai = NULL;
	char host[256], port[16];
	int fd, r;

	if (!split(address, host, sizeof(host), port, sizeof(port)) ||
	    getaddrinfo(host, port, &hints, &ai) != 0)
		return err_set(e, -EINVAL,
			       "[http] listen = \"%s\": not an address like "
			       "127.0.0.1:8080 or [::1]:8080",
			       address);
	fd = bind_one(ai);
	freeaddrinfo(ai);
	if (fd < 0)
		return err_set(e, fd, "[http] listen = %s: %s", address,
			       err_words(fd));
	r = bound_name(fd, ret_bound, bound_len);
	if (r < 0) {
		close(fd);
		return err_set(e, r, "[http] listen = %s: %s", address,
			       err_words(r));
	}
	return fd;
}

void listen_url(const char *bound, bool tls, const char *name, char *ret_url,
		size_t url_len)
{
	const char *scheme = tls ? "https" : "http";
	const char *port = strrchr(bound, ':');

	if (str_eq(name, "") || !port ||
	    (strncmp(bound, "0.0.0.0:", 8) != 0 &&
	     strncmp(bound, "[::]:", 5) != 0))
		snprintf(ret_url, url_len, "%s://%s", scheme, bound);
	else
		snprintf(ret_url, url_len, "%s://%s%s", scheme, name, port);
}
