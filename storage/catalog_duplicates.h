/* storage/catalog_duplicates.h - a call that was recorded twice is kept once.
 *
 * The recordings of a call (storage/calls.h) are compared (storage/legs.h) as
 * soon as one joins or is rendered, and when all are. One that
 * repeats another stands behind it (duplicate_of): lists, searches and usage
 * show and count the one in front, deletion and retention act on all. It keeps
 * its own description and signalling. Who stands in front can change as long
 * as the recordings are not rendered, and when the one in front turns out to
 * be damaged.
 *
 * CUCM's far end stands behind its near end in the same way (half), once both
 * are rendered: the one in front gets the people, title and notes of the other
 * one and is found by its names; both keep all they have, and both count as
 * bytes.
 *
 * The media of one behind is dropped when the one in front has all of it, and
 * only after every file of that one has been read and is what the catalog
 * says. The rows go in one transaction, the files after it; killed in between,
 * the next round goes on.
 *
 * Role: upkeep. Errors: those of storage/db.h and storage/blob.h.
 */
#ifndef STORAGE_CATALOG_DUPLICATES_H
#define STORAGE_CATALOG_DUPLICATES_H

#include <stdint.h>

struct blob_store;
struct db;

struct duplicates_round {
	int64_t calls;	 /* compared */
	int64_t dropped; /* recordings whose media was dropped */
	int64_t removed; /* whose files are gone */
};

/** One round of work, bounded. A call that cannot be compared does not keep
 *  the others. @return 0 or -errno */
int duplicates_round(struct db *db, struct blob_store *blobs, int64_t now_us,
		     struct duplicates_round *ret_round);

/** [stitch] duplicates = link: nothing is compared; who still has media stands
 *  for itself again. @return 0 or -errno */
int duplicates_none(struct db *db);

#endif
