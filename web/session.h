/* web/session.h - signed-in browsers, and what stops forged requests.
 *
 * The cookie is 32 random bytes; stored is their HMAC. Behind https its name
 * has the __Host- prefix. A session ends 12 hours after it was last used, 7
 * days after it began, at logout, or when its user is disabled.
 *
 * A request that changes something must carry the session's CSRF token (form
 * field "csrf" or header X-CSRF-Token) and must not come from elsewhere: an
 * Origin that is not ours ("null" is nobody's: a sandboxed frame, a file), or
 * Sec-Fetch-Site other than same-origin, is refused. Ours is that of the
 * public URL, or whatever name the browser found us by: the one in Host. Our
 * pages say <meta name="referrer" content="same-origin">, because a browser
 * sends "Origin: null" with a form of a page whose policy is no-referrer.
 *
 * Source: RFC 6454 section 7; Fetch, "append a request Origin header".
 *
 * Before there is a session (login, setup) the token is a cookie that the form
 * must repeat.
 */
#ifndef WEB_SESSION_H
#define WEB_SESSION_H

#include <stdbool.h>

#include "auth/login.h"
#include "auth/users.h"

struct http_request;
struct http_response;

#define SESSION_TEXT_MAX 48

struct web_session {
	uint8_t mac[AUTH_MAC_LEN];
	char csrf[SESSION_TEXT_MAX];
	struct user user;
	int64_t created_us;
};

/** Who does the cookie belong to? Notes the use.
 *  @return 0, -ENOENT none or over, db's error */
int web_session_load(struct http_request *req, struct web_session *ret_s);

/** Sign a user in: sets the cookie, and the one by which the browser is known
 *  later (auth/login.h); an earlier session of this browser ends.
 *  @return 0 or db's error */
int web_session_begin(struct http_request *req, struct http_response *res,
		      const char *user_id);

/** What an earlier login of that account left here. False: nothing. */
bool web_session_device(const struct http_request *req, const char *email,
			char dst[LOGIN_DEVICE_MAX]);

/** Sign out: deletes row and cookie. @return 0 or db's error */
int web_session_end(struct http_request *req, struct http_response *res);

/** Not from another site? See above. */
bool web_session_origin_ok(const struct http_request *req);

/** Origin and CSRF token of the session are right. @param given from form or
 *  header, may be NULL */
bool web_session_write_ok(const struct http_request *req, const char *given);

/** Token for a form of somebody who isn't signed in: that of the cookie, or a
 *  new one whose cookie is set. */
void web_session_pre_token(const struct http_request *req,
			   struct http_response *res,
			   char dst[SESSION_TEXT_MAX]);
/** Origin is right and given repeats the cookie. */
bool web_session_pre_ok(const struct http_request *req, const char *given);

/** Delete those that are over. @return rows or -errno */
int64_t web_session_sweep(struct db *db, int64_t now_us);

#endif
