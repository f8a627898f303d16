/* auth/trunk_claim.h - can two trunks mean the same request?
 *
 * Two trunks overlap when one request could be both's as far as what they say
 * tells: the same certificate by hash, the same name (a wildcard name is
 * everything below it), or networks with an address in common; and user parts
 * that do not exclude each other ("" is every user part). Names and networks
 * are compared as trunk_set() keeps them: lower case, IPv4 as IPv4-mapped.
 *
 * What may not overlap:
 *
 *	made by the account (by_tenant)   any other trunk
 *	made by the operator (command)    one of another account, unless forced
 *	of the operator's file            one of another account outside the
 *file
 *
 * Otherwise the operator may nest them: which one counts is said in trunks.h.
 * Any role.
 */
#ifndef AUTH_TRUNK_CLAIM_H
#define AUTH_TRUNK_CLAIM_H

#include <stdbool.h>

struct auth;
struct err;
struct trunk;

/** Pure. */
bool trunk_overlaps(const struct trunk *a, const struct trunk *b);
/** The same certificate, networks and user part, word for word? Pure. */
bool trunk_same_claim(const struct trunk *a, const struct trunk *b);

/** @return 0; -EEXIST it would take calls of another trunk (e says which,
 *  when the caller may know); or db's error */
int trunk_claim_check(struct auth *a, const struct trunk *t, struct err *e);

#endif
