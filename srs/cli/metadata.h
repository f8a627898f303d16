/* srs/cli/metadata.h - what was understood of a recording's metadata. */
#ifndef SRS_CLI_METADATA_H
#define SRS_CLI_METADATA_H

struct buf;
struct db;

/**
 * Read all metadata of the kept SIP messages again, as the sip role did, and
 * print the result as XML that is valid by RFC 7865's schema. Requests that
 * were refused changed nothing and are passed over.
 *
 * @return 0, -ENODATA no message carried any, or -errno
 */
int cli_metadata_print(struct db *db, const char *recording_id,
		       struct buf *out);

#endif
