/* srs/gate/limit.h - how many false tokens an address may try.
 *
 * A small table of counters in memory, replaced when full (least recently
 * begun first); 200 false tokens within 10 s are the limit. Owner: the gate.
 */
#ifndef SRS_GATE_LIMIT_H
#define SRS_GATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define GATE_LIMIT_SLOTS 256

struct gate_limit {
	struct gate_limit_slot {
		char address[64];
		unsigned count;
		int64_t since_us;
	} slots[GATE_LIMIT_SLOTS];
};

/** @return true when the address has no budget left */
bool gate_limit_over(const struct gate_limit *l, const char *address,
		     int64_t mono_us);
void gate_limit_count(struct gate_limit *l, const char *address,
		      int64_t mono_us);

#endif
