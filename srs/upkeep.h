/* srs/upkeep.h - the role that tidies up, in small steps, never in a hurry.
 *
 * Removes files of deleted recordings, marks expired ones deleted, removes
 * partial files of dead workers, expired tokens and sessions, keeps the
 * catalog's statistics fresh and makes a backup of it once a day
 * (DATA/backup/catalog-YYYYMMDD.db, the last seven are kept). No network.
 */
#ifndef SRS_UPKEEP_H
#define SRS_UPKEEP_H

#include <stdint.h>

struct role_ops;
struct db;
struct blob_store;
struct settings;

extern const struct role_ops upkeep_role;

/* What one round did; also for tests. */
struct upkeep_round {
	int64_t expired; /* marked deleted */
	int64_t purged;	 /* rows and files gone */
	int64_t swept;	 /* partial files */
};

/** One round of work, bounded. @return 0 or -errno */
int upkeep_once(struct db *db, struct blob_store *blobs,
		const struct settings *s, int64_t now_wall_us,
		struct upkeep_round *ret_round);

/** Remove spools that a render left behind: of recordings that are ready.
 *  @return how many or -errno */
int upkeep_spools(struct db *db, const struct settings *s, int64_t now_wall_us);

/** Remove spools of recordings that were dropped on purpose, of any age; forget
 *  (storage/unwanted.h) those of this node that were dropped a day ago, once
 *  the folder without their spools is on the disk.
 *  @return how many were removed or -errno */
int upkeep_unwanted(struct db *db, const struct settings *s,
		    int64_t now_wall_us);

/** Copy the catalog of the day unless there is one; remove old copies.
 *  @return 1 made, 0 was there, -errno */
int upkeep_backup(struct db *db, const struct settings *s, int64_t now_wall_us);

#endif
