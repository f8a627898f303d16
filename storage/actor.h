/* storage/actor.h - what people call who did something, or what it was done to.
 *
 * Entries of the audit log and events keep ids ("user:01a2...", "client:...",
 * "trunk:...", "tenant:..."), which stay true when a name changes; people get
 * the name. Any role.
 */
#ifndef STORAGE_ACTOR_H
#define STORAGE_ACTOR_H

#include <stddef.h>

struct db;

#define ACTOR_NAME_MAX 300

/**
 * A user's e-mail, a client's, trunk's or account's name; "the operator", "the
 * server", "somebody who did not sign in"; "deleted user 01a2..." for what is
 * gone. Other texts stay as they are.
 *
 * @return 0 or db's error; then dst is ref
 */
int actor_name(struct db *db, const char *ref, char dst[ACTOR_NAME_MAX]);

#endif
