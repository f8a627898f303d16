/* srs/listen.h - the HTTP listening socket, and words for addresses. */
#ifndef SRS_LISTEN_H
#define SRS_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/**
 * Bind and listen on "host:port", "[v6]:port" (TCP; port 0 = a free one).
 *
 * @param ret_bound the address with its real port, same form
 *
 * @return descriptor, or -errno with e set
 */
int listen_tcp(const char *address, char *ret_bound, size_t bound_len,
	       struct err *e);

/** URL of a bound address; wildcard addresses become name. */
void listen_url(const char *bound, bool tls, const char *name, char *ret_url,
		size_t url_len);

#endif
