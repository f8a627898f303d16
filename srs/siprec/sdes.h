/* srs/siprec/sdes.h - keys of SRTP in SDP: one a=crypto line, read or written.
 *
 * A line is taken as a whole or not at all: suite, every key, lifetime, MKI
 * and session parameters must be ones that media/srtp.h can do. Lifetimes are
 * checked and then forgotten (2^48 packets are never reached). Names are read
 * whatever their case. Pure; fuzzed by fuzz_sdp.
 *
 * Source: RFC 4568 sections 6 and 9, RFC 7714 section 14.1.
 */
#ifndef SRS_SIPREC_SDES_H
#define SRS_SIPREC_SDES_H

#include <stdint.h>

#include "base/str.h"
#include "media/srtp.h"

struct buf;

struct sdes {
	uint32_t tag;		   /* at most 9 digits */
	struct srtp_params params; /* suite CLEAR: there is no usable line */
};

/**
 * Read what stands behind "a=crypto:".
 *
 * @param ret_sdes all bytes of it are set
 *
 * @return 0, or
 *         -EBADMSG  not such a line, or against the rules (a key of a wrong
 *                   length, several keys without MKI, a lifetime of 0 ...)
 *         -ENOTSUP  fine, but we cannot do that: suite, key method, mandatory
 *                   session parameter, more than SRTP_KEYS_MAX keys
 */
int sdes_read(struct span value, struct sdes *ret_sdes);

/** Append "a=crypto:TAG SUITE inline:KEY [PARAMETERS]" and a line end, with
 *  the first key and the negotiated parameters (RFC 4568 section 5.1.2).
 *  @return 0 or the buffer's error */
int sdes_print(struct buf *out, uint32_t tag, const struct srtp_params *p);

#endif
