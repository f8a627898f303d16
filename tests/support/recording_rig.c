#include "tests/support/recording_rig.h"

#include "tests/support/unit.h"

#include "storage/db.h"

#define T0 RECORDING_RIG_T0

int recording_rig_setup(void **state)
{
	struct recording_rig *f = test_calloc(1, sizeof(*f));
	struct recording_new rn = { .node = "n", .started_us = T0 };
	const struct catalog_scope all = { 0 };
	struct id tenant;

	*state = f;
	buf_init(&f->out, 8 << 20);
	f->db = catalog_rig_open(&tenant, NULL);
	id_new(&f->id, T0);
	rn.id = f->id.s;
	rn.tenant_id = tenant.s;
	assert_int_equal(recording_create(f->db, &rn), 0);
	assert_int_equal(recording_get(f->db, &all, f->id.s, 0, &f->rec), 0);
	return 0;
}

int recording_rig_teardown(void **state)
{
	struct recording_rig *f = *state;

	buf_fini(&f->out);
	recording_destroy(&f->rec);
	db_close(&f->db);
	test_free(f);
	return 0;
}
