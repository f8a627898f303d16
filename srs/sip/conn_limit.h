/* srs/sip/conn_limit.h - how many TCP and TLS connections Sofia may accept.
 *
 * Sofia accepts whatever comes until descriptors run out, and then spins on
 * the listener. While a limit is set, its calls of accept(2) come here (the
 * function is defined in conn_limit.c and wins over the C library's): one
 * connection too many is closed at once, which also tells the peer. Nobody gets
 * more than half of all, counted by IPv4 address or IPv6 /64.
 *
 * Connections that were accepted get TCP keepalives, so that dead ones end.
 *
 * Role: sip, its only thread. Never before a thread that accepts as well.
 */
#ifndef SRS_SIP_CONN_LIMIT_H
#define SRS_SIP_CONN_LIMIT_H

/**
 * @param total a connection whose descriptor would be this number or higher is
 *              refused; 0: no limit (as at the start)
 * @param each  connections of one address
 *
 * @return 0 or -ENOMEM (then as before)
 */
int conn_limit_set(unsigned total, unsigned each);

/** Connections refused since the start. */
unsigned conn_limit_refused(void);

#endif
