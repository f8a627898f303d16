/* srs/siprec/body.h - finds the SDP and the metadata in the body of a request.
 *
 * Any request of the dialog may carry either, both or none, in any order and
 * with extra parts. Pure; the spans point into the caller's bytes.
 *
 * Source: RFC 7866 section 9.1, RFC 5621.
 */
#ifndef SRS_SIPREC_BODY_H
#define SRS_SIPREC_BODY_H

#include <stdbool.h>

#include "base/str.h"
#include "srs/siprec/multipart.h"

struct warn_list;

struct body {
	bool has_sdp;
	bool has_metadata;
	bool has_metadata_request;
	struct span sdp;      /* the first SDP part */
	struct span metadata; /* the first metadata part */
	struct multipart all; /* every part, for the ones that want more */
};

/** Never fails; @param wl may be NULL. */
void body_read(struct span content_type, struct span bytes,
	       struct warn_list *wl, struct body *ret_body);

#endif
