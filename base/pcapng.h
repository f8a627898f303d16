/* base/pcapng.h - writes packets as pcapng, for Wireshark and its kin.
 *
 * We keep payloads, not frames: each packet gets an IP and a UDP or TCP header
 * made from the addresses the caller knows, with right checksums. The one
 * interface is raw IP, so no hardware addresses are made up. Everything is
 * appended to a buf, whose error sticks.
 *
 * Source: draft-ietf-opsawg-pcapng, RFC 791, 768, 8200, 9293.
 */
#ifndef BASE_PCAPNG_H
#define BASE_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct buf;
struct sockaddr_storage;

/* One end of a packet; all zero: an unknown IPv4 address. */
struct pcapng_end {
	bool v6;
	uint8_t ip[16]; /* IPv4 in the first 4 bytes */
	uint16_t port;
};

enum pcapng_proto { PCAPNG_UDP, PCAPNG_TCP };

struct pcapng_packet {
	int64_t wall_us;
	enum pcapng_proto proto;
	struct pcapng_end src;
	struct pcapng_end dst; /* of the same family as src */
	uint32_t seq, ack;     /* TCP only */
	const void *data;
	size_t len;
	const char *comment; /* for people; NULL or "" = none */
};

/* Most payload that fits a packet; of more, the rest is left out and the
 * packet says so (captured length below original length). */
#define PCAPNG_PAYLOAD_MAX (65535u - 40u - 20u)

/** Section and interface. @param comment of the whole file, NULL = none
 *  @return 0 or buf's error */
int pcapng_begin(struct buf *b, const char *comment);

/** @return 0 or buf's error */
int pcapng_packet(struct buf *b, const struct pcapng_packet *p);

/** Another family than IPv4 and IPv6 gives an unknown IPv4 address. */
void pcapng_end_of(const struct sockaddr_storage *a, struct pcapng_end *ret);

/** "192.0.2.1:5060", "[2001:db8::1]:5060"; without a port it is 0.
 *  @return 0 or -EINVAL */
int pcapng_end_parse(struct span text, struct pcapng_end *ret);

#endif
