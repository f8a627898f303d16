/* auth/clients.h - VoIP providers' registrations (OAuth clients).
 *
 * A client belongs to one tenant. Its secret is shown once and stored as HMAC.
 * Redirect URIs are compared as exact strings; for http on a loopback address
 * the port may differ (RFC 8252 section 7.3). Allowed are https, http on
 * loopback, and private schemes with a dot ("com.example.app:/done"); never a
 * fragment, and no port but 1 to 65535.
 */
#ifndef AUTH_CLIENTS_H
#define AUTH_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/auth.h"
#include "auth/tokens.h"
#include "base/id.h"

#define CLIENT_NAME_MAX 128
#define CLIENT_URI_MAX 2048
#define CLIENT_URIS_MAX 16
#define CLIENT_TLS_MAX 256
#define CLIENT_ADDRESSES_MAX 832

enum client_sip_refresh { SIP_REFRESH_OFF, SIP_REFRESH_4XX, SIP_REFRESH_200 };

struct client {
	char id[ID_LEN + 1];
	char tenant_id[ID_LEN + 1];
	char name[CLIENT_NAME_MAX]; /* cleaned of control and bidi characters */
	bool disabled;
	bool plain_authorize; /* may send parameters without PAR */
	bool quoted_bearer;   /* Bearer token="..." accepted in SIP */
	enum client_sip_refresh sip_refresh;
	char tls_identity[CLIENT_TLS_MAX]; /* "" = any: SAN or CN of the
					    * certificate its SIP legs show */
	/* as in trunks.h: where else requests of its calls may come from */
	char addresses[CLIENT_ADDRESSES_MAX];
	int64_t created_us;
};

struct client_new {
	const char *tenant_id;
	const char *name;
	const char *const *redirect_uris;
	unsigned n_redirect_uris;
	bool plain_authorize;
	bool quoted_bearer;
	const char *tls_identity; /* NULL = any */
};

/** @return 0; -EINVAL name or URI (e says); -ENOENT no such tenant */
int client_create(struct auth *a, const struct client_new *c, const char *actor,
		  struct id *ret_id, char ret_secret[TOKEN_MAX], struct err *e);
/** A new secret; the old one ends now. @return 0, -ENOENT */
int client_new_secret(struct auth *a, const char *id, const char *actor,
		      char ret_secret[TOKEN_MAX]);
/** By id. @return 0, -ENOENT */
int client_get(struct auth *a, const char *id, struct client *ret_client);

/** @return 0; -EACCES unknown client, wrong secret or disabled */
int client_authenticate(struct auth *a, const char *id, struct span secret,
			struct client *ret_client);

/** @return true when uri may be redirected to */
bool client_redirect_ok(struct auth *a, const char *id, const char *uri);
/** Pure: the rule above. */
bool client_uri_match(const char *registered, const char *uri);
bool client_uri_ok(const char *uri);

typedef int client_fn(void *arg, const struct client *c);
/** @param tenant_id NULL = all */
int64_t client_each(struct auth *a, const char *tenant_id, client_fn *fn,
		    void *arg);
typedef int client_uri_fn(void *arg, const char *uri);
int64_t client_uri_each(struct auth *a, const char *id, client_uri_fn *fn,
			void *arg);

/** Name the addresses and networks ("192.0.2.7, 198.51.100.0/24", "" = none)
 *  that may go on with its calls, besides the one that began each.
 *  @return 0; -ENOENT; -EINVAL not such a list (e says why) */
int client_set_addresses(struct auth *a, const char *id, const char *addresses,
			 const char *actor, struct err *e);

/** Disabled: nothing of it works, its live recordings end. */
int client_set_disabled(struct auth *a, const char *id, bool disabled,
			const char *actor);

#endif
