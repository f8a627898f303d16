/* web/oauth.h - the authorization server's addresses.
 *
 * Code flow with PKCE S256 and pushed requests, refresh, client credentials,
 * revocation, introspection. The rules about tokens are in auth/tokens.h; here
 * is only how they travel over HTTP.
 *
 * Source: RFC 6749, 7009, 7636, 7662, 8414, 8707, 9126, 9207, 9396, 9700.
 */
#ifndef WEB_OAUTH_H
#define WEB_OAUTH_H

#include <stdbool.h>

struct client;
struct form;
struct http_request;
struct http_response;

#define OAUTH_WELL_KNOWN "/.well-known/oauth-authorization-server"

int oauth_metadata(struct http_request *req, struct http_response *res);
int oauth_par(struct http_request *req, struct http_response *res);
int oauth_token(struct http_request *req, struct http_response *res);
int oauth_revoke(struct http_request *req, struct http_response *res);
int oauth_introspect(struct http_request *req, struct http_response *res);
int oauth_authorize_get(struct http_request *req, struct http_response *res);
int oauth_authorize_post(struct http_request *req, struct http_response *res);

/* ---- for each other ---- */

/** {"error": ..., "error_description": ...}. @return 0 */
int oauth_error(struct http_response *res, unsigned status, const char *error,
		const char *words);

/**
 * Read the form and find out which client it is: client_secret_basic or
 * client_secret_post, not both.
 *
 * @param ret_form form_fini() is due whatever is returned
 * @return true, or false with res filled
 */
bool oauth_client(struct http_request *req, struct http_response *res,
		  struct form *ret_form, struct client *ret_client);

#endif
