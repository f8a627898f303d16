/* media/ports.h - pairs of UDP sockets for RTP (even port) and RTCP (odd).
 *
 * Where RTP and RTCP share a port (RFC 5761) a pair is the even one alone.
 *
 * The kernel's bind(2) decides which ports are free; nothing is remembered but
 * where to go on looking, so that a port just given up rests as long as the
 * range allows. Sockets are non-blocking, close-on-exec, stamp arrivals
 * (SO_TIMESTAMPNS) and count what the kernel drops (SO_RXQ_OVFL).
 * Role capture.
 */
#ifndef MEDIA_PORTS_H
#define MEDIA_PORTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct ports {
	struct sockaddr_storage address; /* to bind; its port is not used */
	uint16_t min, max;		 /* both included */
	uint16_t next;			 /* even; where to look first */
};

struct ports_pair {
	int rtp_fd;
	int rtcp_fd;	   /* -1: none */
	uint16_t rtp_port; /* even; RTCP is the next */
};

/** @param address IPv4 or IPv6 literal, brackets allowed
 *  @param min,max the range; 0, 0: any port the kernel likes
 *  @return 0 or -EINVAL (address, or no even-odd pair in the range) */
int ports_init(struct ports *p, const char *address, int64_t min, int64_t max);

/** Next free pair. @param rtcp with a socket for RTCP
 *  @return 0, -EADDRINUSE none left, -EMFILE, -errno */
int ports_open(struct ports *p, bool rtcp, struct ports_pair *ret_pair);

/** That one pair. @return 0, -EADDRINUSE, -errno */
int ports_open_at(const struct ports *p, uint16_t rtp_port, bool rtcp,
		  struct ports_pair *ret_pair);

/** One socket. @return it or -errno */
int ports_open_one(const struct ports *p, uint16_t port);

/** Local port of a bound socket, 0 when it has none. */
uint16_t ports_of_fd(int fd);

/** A literal address without port. @return 0 or -EINVAL */
int ports_parse_address(const char *s, struct sockaddr_storage *ret_addr);

#endif
