/* srs/sip/refer_to.h - what a Refer-To asks for, and which dialog is meant.
 *
 *	Refer-To: <sip:src@192.0.2.7:5070;transport=tcp
 *		?Replaces=id%3Bto-tag%3Da%3Bfrom-tag%3Db&Require=replaces>
 *		;streams=3
 *
 * A REFER makes us send what its sender wrote to whom he wrote: only what is
 * understood is let through. Schemes other than sip and sips, header fields
 * other than Replaces and Require: replaces (or siprec), methods other than
 * INVITE, maddr and ttl (they lead elsewhere than the host says), bodies,
 * blanks, control and 8-bit bytes are refused. What is left can be put into a
 * request as it is. Pure; borrows nothing.
 *
 * streams is ours: the most audio lines to take.
 *
 * Source: RFC 3515 section 2.1, RFC 3261 section 19.1.1, RFC 3891 section 6.1,
 * RFC 4538 section 7 (Target-Dialog).
 */
#ifndef SRS_SIP_REFER_TO_H
#define SRS_SIP_REFER_TO_H

#include <stdbool.h>

#include "base/str.h"

struct buf;

#define REFER_TO_MAX 1500 /* bytes of the header field's value */
#define REFER_URI_MAX 400
#define DIALOG_CALL_ID_MAX 256
#define DIALOG_TAG_MAX 128
#define REFER_STREAMS_MAX 32

/* A dialog as the one side sees it that is asked; in Replaces its to-tag is
 * local and its from-tag remote. */
struct sip_dialog_id {
	char call_id[DIALOG_CALL_ID_MAX]; /* "" = none */
	char local_tag[DIALOG_TAG_MAX];
	char remote_tag[DIALOG_TAG_MAX];
};

struct refer_to {
	char uri[REFER_URI_MAX];       /* without header fields and method */
	struct sip_dialog_id replaces; /* of whom is to be called */
	unsigned streams;	       /* 0 = not said */
};

/** @return NULL, or what is wrong with it: a sentence's end for people, static;
 *  ret_to is written on success only */
const char *refer_to_parse(struct span value, struct refer_to *ret_to);

/** Value of a Replaces header field. early-only is refused: a recording
 *  session is none. @return 0 or -EINVAL */
int replaces_parse(struct span value, struct sip_dialog_id *ret_id);

/** Value of a Target-Dialog header field, seen from our side (its local-tag is
 *  our remote one). @return 0 or -EINVAL */
int target_dialog_parse(struct span value, struct sip_dialog_id *ret_id);

/** Append "id;to-tag=a;from-tag=b". */
void replaces_print(const struct sip_dialog_id *id, struct buf *out);

/** Append text, escaped as the value of a URI's header field. */
void uri_escape(const char *text, struct buf *out);

/** The status of a message/sipfrag body. @return 100..699 or -EBADMSG */
int sipfrag_status(struct span body);

#endif
