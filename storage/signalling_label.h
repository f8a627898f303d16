/* storage/signalling_label.h - what a person calls a SIP message.
 *
 * Reads just enough of a kept message to name it ("INVITE", "200 OK" to an
 * INVITE, what it carries) and to find our own address. Tolerant: whatever the
 * bytes are, there is a label. Pure; no copy is made.
 *
 * Source: RFC 3261 sections 7 and 20.
 */
#ifndef STORAGE_SIGNALLING_LABEL_H
#define STORAGE_SIGNALLING_LABEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* Spans lie in the message; empty = not there. */
struct signalling_label {
	struct span start;  /* the first line, without its end */
	unsigned status;    /* 100..699; 0 = a request, or no SIP at all */
	struct span reason; /* of an answer: "OK" */
	struct span method; /* of a request; of an answer the one in CSeq */
	bool sdp;
	bool metadata; /* rs-metadata, or a request for it */
	bool cut_body; /* shorter than its Content-Length (keys removed) */
};

void signalling_label_read(struct span text, struct signalling_label *ret);

/** The host and port of the first Contact ("192.0.2.1:5060",
 *  "[2001:db8::1]"), empty when there is none. */
struct span signalling_contact(struct span text);

#endif
