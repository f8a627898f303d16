/* srs/siprec/multipart.h - splits a SIP body into its parts.
 *
 * Takes every shape that recording clients send (boundary quoted or not, no
 * closing boundary, LF only, blanks around boundaries, part lengths that lie,
 * a type header that is wrong or missing): what a part is, is decided by its
 * type and, where that says nothing, by its first bytes. Nothing is copied:
 * spans point into the caller's bytes. Pure; fuzzed by fuzz_multipart.
 *
 * Source: RFC 2046 section 5.1, RFC 5621, RFC 7866 section 9.
 */
#ifndef SRS_SIPREC_MULTIPART_H
#define SRS_SIPREC_MULTIPART_H

#include "base/str.h"

#define MULTIPART_PARTS_MAX 16
#define MULTIPART_DEPTH_MAX 3

struct warn_list;

enum part_kind {
	PART_OTHER,
	PART_SDP,
	PART_METADATA,	       /* rs-metadata in any spelling */
	PART_METADATA_REQUEST, /* application/rs-metadata-request */
};

struct part {
	enum part_kind kind;
	struct span type;	 /* value of Content-Type, empty = none */
	struct span disposition; /* value of Content-Disposition or empty */
	struct span headers;	 /* all header lines of the part */
	struct span body;
};

struct multipart {
	unsigned n;
	struct part parts[MULTIPART_PARTS_MAX];
};

/**
 * Split a body; one that is not multipart comes back as one part, an empty
 * one as no part. Never fails: parts beyond the limit are left out and warned
 * about.
 *
 * @param content_type value of the Content-Type header, may be empty
 * @param body         borrowed for as long as the result is used
 * @param wl           warnings are added; may be NULL
 */
void multipart_split(struct span content_type, struct span body,
		     struct warn_list *wl, struct multipart *ret_mp);

/**
 * What a body is, by its type, and by its first bytes when the type is
 * missing or names something that it visibly is not.
 */
enum part_kind multipart_kind(struct span content_type, struct span body);

/**
 * Value of a parameter of a header value ("boundary" of a Content-Type);
 * quotes removed, escapes inside quotes kept as they are.
 *
 * @return false when it is not there
 */
bool multipart_param(struct span value, const char *name, struct span *ret);

#endif
