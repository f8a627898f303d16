/* srs/sip/tls_peers.h - whose certificate came over which connection.
 *
 * Sofia tells the names in a client's certificate but not the certificate. At
 * the end of each handshake its hash is put in here, by the addresses of the
 * connection, and looked up for every request. A later handshake between the
 * same addresses replaces the entry, also when it shows no certificate. Holds
 * 16384 connections; of more, those that shared a place with newer ones are
 * forgotten (then the hash is not known).
 *
 * Pure, one table a process. Role: sip.
 */
#ifndef SRS_SIP_TLS_PEERS_H
#define SRS_SIP_TLS_PEERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define TLS_PEERS_HASH 32

/** @param hash SHA-256 of the verified certificate, NULL = none was shown */
void tls_peers_put(const struct sockaddr_storage *peer, uint16_t local_port,
		   const uint8_t hash[TLS_PEERS_HASH]);
/** @return false: not known */
bool tls_peers_get(const struct sockaddr_storage *peer, uint16_t local_port,
		   uint8_t ret_hash[TLS_PEERS_HASH]);

#endif
