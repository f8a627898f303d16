/* srs/session/state_people.h - the people of a session in its saved state.
 *
 * Kept are those who are there, with their numbers in the catalog, and who
 * called, so that a later message is judged as if nothing had happened. States
 * of older versions have less in them and still load. No socket, no database.
 */
#ifndef SRS_SESSION_STATE_PEOPLE_H
#define SRS_SESSION_STATE_PEOPLE_H

#include <jansson.h>

struct buf;
struct session;

/** Append the members "people", "ords", "next_ord" and "who", each after a
 *  comma. Errors are the buffer's. */
void state_put_people(const struct session *s, struct buf *out);

/** @param s    its people, ords, n_ords and next_ord are set
 *  @param root the object that has the members; what is missing is empty
 *
 *  @return 0 or -ENOMEM */
int state_load_people(struct session *s, const json_t *root);

#endif
