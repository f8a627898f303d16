/* media/port_pool.h - sockets of ended streams, used again after a rest.
 *
 * Opening, setting up, binding and closing a pair costs more than all its
 * packets do in a short call. So a pair that is given back stays bound and
 * rests; the one that has rested longest is the next to be taken. What comes in
 * meanwhile is late or from a sender that goes on: it must never reach the next
 * recording. A pair on which something came gets a second rest, and is closed
 * when something came in that, too. Give only what the sender has said it is
 * done with (BYE): one that believes in its call may be silent for long.
 *
 * Pairs with and without a socket for RTCP rest in lines of their own. Role
 * capture; the caller brings the time (monotonic microseconds, never back).
 */
#ifndef MEDIA_PORT_POOL_H
#define MEDIA_PORT_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "media/ports.h"

#define PORT_POOL_REST_US INT64_C(10000000)

struct port_pool;

/** A pair is about to be closed by the pool. */
typedef void port_pool_fn(void *arg, const struct ports_pair *p);

/** @param max sockets at rest; more are closed at once
 *  @return 0 or -ENOMEM */
int port_pool_create(unsigned max, port_pool_fn *closing, void *arg,
		     struct port_pool **ret_pool);
/** Closes all, without telling. Takes NULL. */
void port_pool_destroy(struct port_pool **pp);

/** @param rtcp with a socket for RTCP
 *  @param ret_pair owned by the caller; nothing is left in its sockets
 *  @return 0, -ENOENT none has rested enough */
int port_pool_take(struct port_pool *p, bool rtcp, int64_t now_us,
		   struct ports_pair *ret_pair);
/** @param pair taken; its sockets have just been drained; rtcp_fd may be -1 */
void port_pool_give(struct port_pool *p, const struct ports_pair *pair,
		    int64_t now_us);
/** Close all that rest: descriptors are short. */
void port_pool_empty(struct port_pool *p);
/** @return sockets at rest */
unsigned port_pool_count(const struct port_pool *p);

#endif
