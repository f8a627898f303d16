#include "tests/support/catalog_rig.h"

#include "tests/support/unit.h"

#include "storage/catalog.h"
#include "storage/db.h"
#include "storage/migrate.h"

#define T0 CATALOG_RIG_T0

struct db *catalog_rig_open(struct id *ret_a, struct id *ret_b)
{
	struct db *db = NULL;

	assert_int_equal(db_open(":memory:", &db, NULL), 0);
	assert_true(migrate_run(db, false, T0, NULL, NULL, NULL) >= 0);
	assert_int_equal(tenant_create(db, "a", T0, ret_a), 0);
	if (ret_b)
		assert_int_equal(tenant_create(db, "b", T0, ret_b), 0);
	return db;
}
