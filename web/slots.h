/* web/slots.h - the places for TCP connections, and who has to give one up.
 *
 * Places are few and half a request costs nothing to send, so a place belongs
 * to somebody only while a whole request is worked on. When all are taken, or
 * all that one address may have, the connection goes that has waited longest
 * for the rest of its head or body (a silent one between two requests counts
 * as waiting), of the address that has most such connections; then the one
 * that has taken longest to read its answer. Newcomers are refused only when
 * every place works.
 *
 * Each slot also has an absolute deadline; slots_reap() cuts what is late.
 * To cut is to shut the socket down: the server library sees a lost connection
 * and gives the slot back. The list keeps a descriptor valid while it is in.
 *
 * Thread-safe. No I/O but shutdown(2), which does not block.
 */
#ifndef WEB_SLOTS_H
#define WEB_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

struct clock;
struct slot;
struct slots;
struct sockaddr;

struct slots_config {
	struct clock *clock;
	unsigned max;	   /* in all */
	unsigned max_each; /* of one IPv4 address or IPv6 /64 */
	/* Speaks for others: may have all places. NULL: nobody does. */
	bool (*is_proxy)(void *arg, const struct sockaddr *sa);
	void *arg;
};

/** @return NULL: out of memory */
struct slots *slots_create(const struct slots_config *config);
/** All slots must have been given back. Takes NULL. */
void slots_destroy(struct slots **sp);

/** May this peer come in? Makes room where it can. Several threads may be told
 *  yes before one of them takes the place: see slots_take(). */
bool slots_admit(struct slots *s, const struct sockaddr *sa);
/** Somebody admitted is in: waits for a head, deadline as given. When others
 *  were quicker one of them or this one is cut, and after slots_close() it is.
 *  @return NULL: out of memory */
struct slot *slots_take(struct slots *s, int fd, const struct sockaddr *sa,
			int64_t deadline_in_us);
/** The descriptor is about to be closed. Takes NULL. */
void slots_give_back(struct slots *s, struct slot **slotp);

/** A head or body is awaited from now on. slot may be NULL, as below. */
void slot_waits(struct slots *s, struct slot *slot, int64_t deadline_in_us);
/** The wait goes on as long as it has, under another deadline. */
void slot_deadline(struct slots *s, struct slot *slot, int64_t deadline_in_us);
/** The whole request is there and is worked on: nobody takes this place. */
void slot_works(struct slots *s, struct slot *slot);
/** The answer is on its way. */
void slot_answers(struct slots *s, struct slot *slot, int64_t deadline_in_us);

/** Cut those whose deadline is over; about once a second. @return how many */
unsigned slots_reap(struct slots *s);
/** Cut all, admit nobody any more. */
void slots_close(struct slots *s);

#endif
