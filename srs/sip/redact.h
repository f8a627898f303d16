/* srs/sip/redact.h - takes secrets out of a SIP message before it is kept.
 *
 * Removed: the credentials of Authorization and Proxy-Authorization (the scheme
 * stays), every srs_at_/srs_rt_/srs_cs_ token wherever it stands, what stands
 * behind the word Bearer anywhere (20 characters and more), and the keys of SDP
 * crypto lines (RFC 4568 "inline:"). Everything else stays byte for
 * byte, so that the catalog shows what was really sent.
 */
#ifndef SRS_SIP_REDACT_H
#define SRS_SIP_REDACT_H

#include "base/str.h"

struct buf;

#define SIP_REDACTED "[removed]"

/** Append the cleaned message. @return 0 or buf's error */
int sip_redact(struct span text, struct buf *out);

#endif
