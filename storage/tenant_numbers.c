#include <errno.h>

#include "base/err.h"
#include "base/number.h"
#include "base/settings.h"
#include "base/str.h"
#include "storage/catalog.h"
#include "storage/catalog_priv.h"

static int copy_numbers(void *arg, struct db_row *row)
{
	struct tenant_numbers *n = arg;

	/* written by tenant_set_numbers(): fit */
	(void)str_copy(n->country, sizeof(n->country), db_col_text(row, 0));
	(void)str_copy(n->national, sizeof(n->national), db_col_text(row, 1));
	(void)str_copy(n->international, sizeof(n->international),
		       db_col_text(row, 2));
	return 1;
}

int tenant_get_numbers(struct db *db, const char *id,
		       struct tenant_numbers *ret_numbers)
{
	int64_t r = db_query(db,
			     "SELECT number_country, number_national, "
			     "number_international FROM tenants WHERE id = $1",
			     DB_ARGS(db_text(id)), copy_numbers, ret_numbers);

	return r < 0 ? (int)r : r ? 0 : -ENOENT;
}

int tenant_set_numbers(struct db *db, const char *id,
		       const struct tenant_numbers *n, struct err *e)
{
	if (n->country[0] && !number_country_ok(n->country))
		return err_set(e, -EINVAL,
			       "country: must be " NUMBER_COUNTRY_RULE);
	if (!number_prefix_ok(n->national))
		return err_set(e, -EINVAL,
			       "national prefix: must be " NUMBER_PREFIX_RULE);
	if (!number_prefix_ok(n->international))
		return err_set(e, -EINVAL,
			       "international prefix: must "
			       "be " NUMBER_PREFIX_RULE);
	return catalog_exec_one(
		db,
		"UPDATE tenants SET number_country = $1, "
		"number_national = $2, number_international = "
		"$3 WHERE id = $4",
		DB_ARGS(db_text(n->country), db_text(n->national),
			db_text(n->international), db_text(id)));
}

int tenant_plan(struct db *db, const char *id, const struct settings *s,
		struct number_plan *ret_plan)
{
	struct tenant_numbers n = { "", "", "" };
	const char *national = "", *international = "";
	int r = id ? tenant_get_numbers(db, id, &n) : 0;

	if (r < 0 && r != -ENOENT)
		return r;
	if (!n.country[0]) {
		national = s->numbers.national_prefix;
		international = s->numbers.international_prefix;
	}
	return number_plan_set(ret_plan,
			       n.country[0] ? n.country : s->numbers.country,
			       n.national[0] ? n.national : national,
			       n.international[0] ? n.international
						  : international);
}
