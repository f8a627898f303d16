/* storage/signalling.h - the SIP messages of a recording, for a reader.
 *
 * What the sip role kept (secrets removed before, see srs/sip/redact.h) comes
 * out in order, in one of three forms:
 *
 *	text    each message behind a line "--- time in|out transport peer"
 *	pcapng  for Wireshark. One packet per message; what travelled over TLS
 *		is there in clear, with our port written as 5060 so that it is
 *		taken for SIP; each packet's comment says how it really went
 *	json    {"items": [...], "next_cursor": null}; a body that is not
 *		UTF-8 is "body_base64url" instead of "body"
 *
 * Whoever may read the recording may read these: ask recording_get() first.
 * While the call is live only those see tags and branches who may steer it.
 */
#ifndef STORAGE_SIGNALLING_H
#define STORAGE_SIGNALLING_H

#include "storage/catalog_search.h"

struct buf;
struct db;

enum signalling_format {
	SIGNALLING_TEXT,
	SIGNALLING_PCAPNG,
	SIGNALLING_JSON,
};

/** Each message in order, as rec->hide_dialog wants it shown.
 *  @return how many or -errno */
int64_t signalling_each(struct db *db, const struct recording *rec,
			recording_message_fn *fn, void *arg);

/** @return 0, -ENOBUFS more than out takes, -ENOMEM, -errno of the database */
int signalling_write(struct db *db, const struct recording *rec,
		     enum signalling_format format, struct buf *out);

#define SIGNALLING_LOCAL_MAX 80
/** Our own address as our messages name it ("192.0.2.9:5060"), "" when they
 *  name none. @return 0 or -errno */
int signalling_local(struct db *db, const char *id,
		     char dst[SIGNALLING_LOCAL_MAX]);

#endif
