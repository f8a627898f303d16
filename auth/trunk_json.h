/* auth/trunk_json.h - a trunk as a JSON object, out and in.
 *
 * The keys are those of auth/trunks.h, with "grant_id" for grant, lists for
 * addresses and token_forms, and true or false for enabled. Out it has
 * trunk_id, client_id, created_at, managed_by ("catalog" or "file") and
 * bound_by ("operator" or "account") as well.
 * Pure. Any role.
 */
#ifndef AUTH_TRUNK_JSON_H
#define AUTH_TRUNK_JSON_H

#include <jansson.h>

struct err;
struct trunk;

/** @return new object, or NULL without memory */
json_t *trunk_json(const struct trunk *t);
/** The list that trunk_text() gives, as an array. @return new array or NULL */
json_t *trunk_json_list(const char *text);
/** Set what is in the object, leave the rest. @return 0, -EINVAL (e says which
 *  key and why; t may be changed in part) */
int trunk_json_apply(struct trunk *t, const json_t *object, struct err *e);

#endif
