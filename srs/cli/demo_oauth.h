/* srs/cli/demo_oauth.h - the authorization code flow, walked as a VoIP
 * provider's portal (back channel) and its customer's browser (front channel)
 * do.
 *
 * Sources: RFC 6749 section 4.1, RFC 7636 (PKCE), RFC 8414 (metadata), RFC 9126
 * (PAR), RFC 9207 (iss), RFC 9396 (authorization_details).
 */
#ifndef SRS_CLI_DEMO_OAUTH_H
#define SRS_CLI_DEMO_OAUTH_H

struct err;

struct demo_oauth {
	const char *issuer; /* URL of the server */
	const char *client_id, *client_secret;
	const char *redirect_uri;
	const char *details;	      /* JSON array for authorization_details */
	const char *login, *password; /* the owner's */
};

struct demo_tokens {
	char access_token[256];
	char refresh_token[256];
	long expires_in_s;
};

/** Called after each step, for people. */
typedef void demo_step_fn(void *arg, const char *text);

/** @return 0, or -EPROTO/-EIO with e saying which step failed and how */
int demo_oauth_walk(const struct demo_oauth *o, demo_step_fn *step, void *arg,
		    struct demo_tokens *ret_tokens, struct err *e);

#endif
