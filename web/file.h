/* web/file.h - sends one stored file: ranges, conditions, HEAD.
 *
 * The entity tag is the file's SHA-256. One range gives 206 with
 * Content-Range, several give multipart/byteranges, none that can be satisfied
 * 416. The file is read in blocks while it is sent.
 *
 * Source: RFC 9110 sections 13 and 14.
 */
#ifndef WEB_FILE_H
#define WEB_FILE_H

#include <stdbool.h>

struct http_request;
struct http_response;

struct file_send {
	const char *recording_id;
	const char *blob_key;
	const char *mime;
	const char *sha256;   /* hex */
	const char *filename; /* for Content-Disposition, ASCII; NULL = none */
	bool download;	      /* attachment instead of inline */
};

/** A file that the catalog names and the store lacks is logged, and 500: the
 *  recording is there, part of it is lost. @return 0; -ENOENT the recording
 *  was deleted at this moment; store's error. With ret_from_start (may be
 * NULL): does the answer begin at byte 0? */
int file_send(struct http_request *req, struct http_response *res,
	      const struct file_send *f, bool *ret_from_start);

#endif
