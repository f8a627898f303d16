/* srs/spool_pcap.h - the packets of a spool as pcapng.
 *
 * One interface of raw IP; each packet gets an IP and a UDP header made from
 * the negotiated addresses (the spool keeps no others; 0.0.0.0 or :: where
 * none was negotiated) with right checksums. Events become comments on the
 * next packet. Source: draft-ietf-opsawg-pcapng, RFC 791, 768, 8200.
 */
#ifndef SRS_SPOOL_PCAP_H
#define SRS_SPOOL_PCAP_H

#include <stdio.h>

struct spool_reader;

/** Write all that is left to read. @return 0, the reader's error, or -errno of
 *  writing */
int spool_pcap_write(struct spool_reader *rd, FILE *out);

#endif
