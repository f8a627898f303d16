/* auth/pushed.h - authorization requests that wait for the owner.
 *
 * A request is kept until it is answered or its time is over, and named by a
 * request_uri that nobody can guess; stored is its HMAC. What waits is bounded
 * by number and by bytes: for each client, and in all. What a client pushed
 * (it proved who it is) and what came as plain parameters (anybody can send
 * those in its name) have shares of their own, so that strangers can't take
 * the client's. Beyond a share the new one is refused; those that wait stay
 * good, because somebody may be reading them.
 *
 * Source: RFC 9126 (section 2.3: 429); RFC 9700.
 */
#ifndef AUTH_PUSHED_H
#define AUTH_PUSHED_H

#include <stdbool.h>
#include <stdint.h>

struct auth;

#define PUSHED_URI_MAX 128
#define PUSHED_TEXT_MAX 65536 /* bytes of one */

/* Of one client; a quarter of each for plain parameters. */
#define PUSHED_EACH_MAX 1000
#define PUSHED_EACH_BYTES (4 * 1024 * 1024)
/* Of all clients. */
#define PUSHED_ALL_MAX 20000
#define PUSHED_ALL_BYTES (64 * 1024 * 1024)

struct pushed_new {
	const char *client_id;
	const char *params_json;
	int64_t life_us;
	bool plain; /* nobody proved to be the client */
};

/**
 * Keep one. Those whose time is over are removed first.
 *
 * @param ret_uri     "urn:ietf:params:oauth:request_uri:..."
 * @param ret_retry_s after -EDQUOT and -EAGAIN: when the next one is over
 *
 * @return 0; -E2BIG; -EDQUOT the client's share is full; -EAGAIN all of it is
 */
int pushed_put(struct auth *a, const struct pushed_new *p,
	       char ret_uri[PUSHED_URI_MAX], int64_t *ret_retry_s);
/** @param client_id must match. Caller frees *ret_json.
 *  @return 0, -ENOENT (unknown, used, other client's), -EKEYEXPIRED */
int pushed_get(struct auth *a, const char *uri, const char *client_id,
	       char **ret_json);
/** Used up: consent was given or refused. @return 0, -ENOENT: somebody else
 *  was first */
int pushed_use(struct auth *a, const char *uri, const char *client_id);

#endif
