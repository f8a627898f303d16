/* auth/identity_priv.h - between identity.c and identity_match.c: parts of a
 * canonical sip form. */
#ifndef AUTH_IDENTITY_PRIV_H
#define AUTH_IDENTITY_PRIV_H

#include <stddef.h>

/** Where the host begins in "sip:user@host", or NULL. */
const char *identity_host(const char *sip);
/** Length of the host without ":port". */
size_t identity_host_len(const char *host);

#endif
