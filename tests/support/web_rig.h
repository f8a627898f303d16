/* tests/support/web_rig.h - requests answered without a socket, in the world of
 * auth_rig.h, with recordings in it. */
#ifndef TESTS_SUPPORT_WEB_RIG_H
#define TESTS_SUPPORT_WEB_RIG_H

#include "base/settings.h"
#include "tests/support/auth_rig.h"
#include "web/context.h"
#include "web/http.h"

struct web_rig {
	struct auth_rig *rig;
	struct settings settings;
	struct web web;
	struct web_ctx ctx;
	struct http_request req;
	struct http_response res;
	char path[256], bearer[TOKEN_MAX + 8], cookie[256];
};

/* For cmocka's setup and teardown: *state is the rig. https://crs.example */
int web_rig_setup(void **state);
int web_rig_teardown(void **state);

/** Begin a request; web_rig_go() sends it. The session of web_rig_sign_in()
 *  goes with it. @param path with its query */
void web_rig_begin(struct web_rig *w, enum http_method method,
		   const char *path);
void web_rig_header(struct web_rig *w, const char *name, const char *value);
void web_rig_bearer(struct web_rig *w, const char *token);
/** A body, borrowed. */
void web_rig_body(struct web_rig *w, const char *type, const char *body);
unsigned web_rig_go(struct web_rig *w);
/** Begin, token (NULL: none) and go in one. */
unsigned web_rig_ask(struct web_rig *w, enum http_method method,
		     const char *path, const char *token);

/** A header of the answer or NULL; its body as text. */
const char *web_rig_answer(struct web_rig *w, const char *name);
const char *web_rig_text(struct web_rig *w);

void web_rig_sign_in(struct web_rig *w, const char *user_id);
/** A recording that is ready, under a grant. */
struct id web_rig_recording(struct web_rig *w, const char *grant_id);

#endif
