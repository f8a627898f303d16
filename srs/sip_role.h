/* srs/sip_role.h - the role that takes calls.
 *
 * Listens on sip.listen, asks the gate, opens the media at capture, writes the
 * catalog, answers. Refuses new calls (503 + Retry-After) while it drains,
 * while capture or the disk is away, and beyond sip.max_calls. Everything it
 * promised to a client is in the catalog before the client hears of it; a new
 * process goes on with the calls that it finds there.
 */
#ifndef SRS_SIP_ROLE_H
#define SRS_SIP_ROLE_H

struct role_ops;

extern const struct role_ops sip_role;

#endif
