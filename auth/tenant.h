/* auth/tenant.h - what a customer account has set for itself.
 *
 * So far how telephone numbers without a plus are meant in its calls
 * (storage/catalog.h, base/number.h). A change holds for the calls that begin
 * after it. Any role.
 */
#ifndef AUTH_TENANT_H
#define AUTH_TENANT_H

#include "auth/auth.h"
#include "storage/catalog.h"

/** @return 0; -ENOENT; -EINVAL (e says what) */
int tenant_change_numbers(struct auth *a, const char *tenant_id,
			  const struct tenant_numbers *numbers,
			  const char *actor, struct err *e);

/** Set the one with this name ("country", "national_prefix",
 *  "international_prefix"). @return 0, -ENOENT no such name, -E2BIG */
int tenant_numbers_put(struct tenant_numbers *n, const char *name,
		       const char *value);

#endif
