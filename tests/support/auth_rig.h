/* tests/support/auth_rig.h - a catalog in memory with two tenants, their
 * users and clients, and one grant; time stands still until told. */
#ifndef TESTS_SUPPORT_AUTH_RIG_H
#define TESTS_SUPPORT_AUTH_RIG_H

#include "auth/auth.h"
#include "auth/grants.h"
#include "auth/tokens.h"
#include "base/clock.h"

#define RIG_START_US 1781092800000000LL /* 2026-06-10T12:00:00Z, Wednesday */

struct auth_rig {
	struct clock_fake clock;
	struct db *db;
	struct auth auth;
	struct id tenant, other_tenant;
	struct id user, other_user; /* alice@, of either tenant */
	struct id client, other_client;
	char secret[TOKEN_MAX];
	struct id grant; /* PCMU audio, two people or more */
};

/* For cmocka's setup and teardown: *state is the rig. */
int auth_rig_setup(void **state);
int auth_rig_teardown(void **state);

/* A file instead of memory, so that several connections can be opened. */
int auth_rig_open(struct auth_rig *rig, const char *path);
void auth_rig_close(struct auth_rig *rig);

/** Details with this inside "conditions" and after them. static buffer */
const char *auth_rig_details(const char *conditions, const char *more);
void auth_rig_grant(struct auth_rig *rig, const char *details,
		    struct id *ret_id);
void auth_rig_issue(struct auth_rig *rig, struct token_pair *ret_pair);
int64_t auth_rig_count(struct auth_rig *rig, const char *sql);

#endif
