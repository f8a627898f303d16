/* web/oauth_request.h - an authorization request, checked.
 *
 * A parameter without a value counts as not given, one that comes twice is an
 * error (RFC 6749 section 3.1). Errors found before client and redirect URI are
 * known to be good are shown on a page of ours; later ones go back to the
 * client by redirect (RFC 6749 section 4.1.2.1), always with iss (RFC 9207).
 */
#ifndef WEB_OAUTH_REQUEST_H
#define WEB_OAUTH_REQUEST_H

#include <stdbool.h>

#include "auth/clients.h"

struct auth;
struct conditions;
struct form;

#define OAUTH_STATE_MAX 1024

struct oauth_request {
	char client_id[ID_LEN + 1];
	char redirect_uri[CLIENT_URI_MAX];
	char state[OAUTH_STATE_MAX];
	bool has_state;
	char scope[TOKEN_SCOPE_MAX]; /* normalized */
	char challenge[64];
	struct conditions *conditions;
};

struct oauth_problem {
	const char *error; /* "invalid_request" ... */
	char words[512];
	bool redirect; /* client and redirect URI are good: tell the client */
};

void oauth_request_fini(struct oauth_request *r); /* takes a zeroed one */

/**
 * Check the parameters of client c.
 *
 * @param issuer ours, the only "resource" there is
 * @return 0 (oauth_request_fini() is due, also after errors), -EINVAL with p
 *         filled, db's error
 */
int oauth_request_read(struct auth *a, const struct client *c,
		       const struct form *f, const char *issuer,
		       struct oauth_request *ret_r, struct oauth_problem *p);

/** RFC 8707: every "resource" that is given is ours. There is one, the issuer:
 *  it is the audience of all tokens. Anything else is invalid_target. */
bool oauth_resource_ok(const struct form *f, const char *issuer);
#define OAUTH_RESOURCE_WORDS                                                   \
	"resource must be the issuer: there is no other one here"

/** To and from what pushed_put() keeps. @return NULL no memory; caller frees
 *  with mem_free() */
char *oauth_request_json(const struct oauth_request *r);
/** @return 0, -EINVAL (made by another version), -ENOMEM */
int oauth_request_load(const char *client_id, const char *json,
		       struct oauth_request *ret_r);

/** The redirect URI with state, iss and, when not NULL, name=value and
 *  error_description. @return 0 or -ENOBUFS */
struct buf;
int oauth_request_answer(const struct oauth_request *r, const char *issuer,
			 const char *name, const char *value,
			 const char *description, struct buf *out);

#endif
