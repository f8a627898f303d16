/* base/net.h - addresses and networks of both families, and lists of them.
 *
 * An IPv4 address is kept as its IPv4-mapped IPv6 one, so ::ffff:192.0.2.1 and
 * 192.0.2.1 are the same. Names are never looked up. Pure, any thread.
 */
#ifndef BASE_NET_H
#define BASE_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define NET_LIST_MAX 64
#define NET_TEXT_MAX 46 /* of an address, with its NUL */

struct net_addr {
	uint8_t ip[16];
};

struct net_list {
	struct {
		struct net_addr addr;
		unsigned bits; /* 0..128 */
	} nets[NET_LIST_MAX];
	unsigned n;
};

struct sockaddr;

/** "192.0.2.1" or "2001:db8::1"; no brackets, port, zone or leading zeros. */
bool net_addr_parse(struct span text, struct net_addr *ret_addr);
/** @return false for another family */
bool net_addr_of(const struct sockaddr *sa, struct net_addr *ret_addr);
/** As people write it: IPv4 with dots. */
void net_addr_text(const struct net_addr *a, char dst[NET_TEXT_MAX]);
/** 127.0.0.0/8 or ::1 */
bool net_addr_is_loopback(const struct net_addr *a);

/** Addresses and networks like 192.0.2.0/24, with commas or blanks between;
 *  "" is an empty list. Bits below a prefix must be zero: whoever wrote them
 *  may have meant something else.
 *  @return 0, -EINVAL, -E2BIG more than NET_LIST_MAX */
int net_list_parse(struct span text, struct net_list *ret_list);
bool net_list_has(const struct net_list *list, const struct net_addr *a);

#endif
