/* tests/support/recording_rig.h - a catalog in memory with one recording. */
#ifndef TESTS_SUPPORT_RECORDING_RIG_H
#define TESTS_SUPPORT_RECORDING_RIG_H

#include "base/buf.h"
#include "base/id.h"
#include "storage/catalog.h"
#include "storage/catalog_search.h"
#include "tests/support/catalog_rig.h"

#define RECORDING_RIG_T0 CATALOG_RIG_T0 /* it began, wall microseconds */

struct recording_rig {
	struct db *db;
	struct id id;
	struct recording *rec;
	struct buf out; /* for what the test writes, 8 MiB at the most */
};

/* For cmocka's setup and teardown: *state is the rig. */
int recording_rig_setup(void **state);
int recording_rig_teardown(void **state);

#endif
