/* web/commands.h - asks the sip role for something and waits for its answer.
 *
 * See storage/commands.h. Waiting takes the request's thread, two seconds at
 * most; who asked may read the rest from /api/v1/commands/ID.
 */
#ifndef WEB_COMMANDS_H
#define WEB_COMMANDS_H

#include "storage/commands.h"

struct http_request;
struct recording;

/**
 * @param rec  the live recording it is about
 * @param kind "pause", "resume", "hand-over"
 * @param args JSON, NULL = none
 * @return 0 (look at the state, which may still be new), -EBUSY the call is
 *         over, -errno
 */
int web_command(struct http_request *req, const struct recording *rec,
		const char *kind, const char *args, int64_t *ret_id,
		struct command_result *ret_result);

#endif
