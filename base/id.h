/* base/id.h - identifiers (UUID version 7, RFC 9562) and random bytes. */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ID_LEN 36 /* characters, lower-case, without the NUL */

struct id {
	char s[ID_LEN + 1];
};

/** A new id; ids of one process sort by time of creation. */
void id_new(struct id *ret_id, int64_t wall_us);

/** @return true for the textual form of any UUID, lower-case */
bool id_ok(const char *s);

/** Cryptographically secure; never fails (aborts without a source). */
void id_random(void *dst, size_t len);

#endif
