/* tests/support/catalog_rig.h - an empty catalog in memory with accounts. */
#ifndef TESTS_SUPPORT_CATALOG_RIG_H
#define TESTS_SUPPORT_CATALOG_RIG_H

#include "base/id.h"

struct db;

#define CATALOG_RIG_T0 1700000000000000LL /* made then, wall microseconds */

/** A catalog of today's schema with tenants "a" and "b"; the test fails when
 *  that cannot be.
 *  @param ret_b NULL: without "b"
 *  @return for db_close() */
struct db *catalog_rig_open(struct id *ret_a, struct id *ret_b);

#endif
