#include "tests/support/conditions_rig.h"

#include "tests/support/unit.h"

#include <string.h>

#include "auth/conditions.h"
#include "base/err.h"

struct conditions *conditions_rig_parse(const char *json)
{
	struct conditions *c = NULL;
	struct err e = { 0 };

	if (conditions_parse(json, strlen(json), &c, &e) < 0)
		fail_msg("%s\n%s", e.text, json);
	return c;
}
