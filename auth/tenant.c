#include "auth/tenant.h"

#include <errno.h>

#include "auth/auth_priv.h"
#include "base/str.h"
#include "storage/db.h"

int tenant_change_numbers(struct auth *a, const char *tenant_id,
			  const struct tenant_numbers *numbers,
			  const char *actor, struct err *e)
{
	int r = db_begin(a->db);

	if (r < 0)
		return r;
	r = tenant_set_numbers(a->db, tenant_id, numbers, e);
	if (r == 0)
		r = auth_audit(a, tenant_id, actor, "tenant.set_numbers",
			       "tenant", tenant_id, "ok", NULL);
	return auth_end(a, r, r == 0);
}

int tenant_numbers_put(struct tenant_numbers *n, const char *name,
		       const char *value)
{
	char *dst = str_eq(name, "country")		   ? n->country
		    : str_eq(name, "national_prefix")	   ? n->national
		    : str_eq(name, "international_prefix") ? n->international
							   : NULL;

	if (!dst)
		return -ENOENT;
	return str_copy(dst, sizeof(n->country), value) ? 0 : -E2BIG;
}
