/* storage/signalling_hide.h - a SIP message without what names its dialog.
 *
 * Tags, branches and what else stands for them while a call is live: whoever
 * may only read it shall not be able to speak for its client. The values of
 * such parameters become "hidden", in all headers; the body stays as it is.
 * Call-IDs stay, too: people find calls by them, and without tags they open
 * nothing.
 *
 * Tolerant: whatever the bytes are. Pure; fuzzed by fuzz_signalling.
 *
 * Source: RFC 3261 sections 8.1.1.7, 12 and 19.3; 3891, 3911, 4538.
 */
#ifndef STORAGE_SIGNALLING_HIDE_H
#define STORAGE_SIGNALLING_HIDE_H

#include "base/str.h"

struct buf;

/** Append the message. @return 0 or the buffer's error */
int signalling_hide(struct span text, struct buf *out);

#endif
