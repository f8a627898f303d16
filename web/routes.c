/* Every address of the server, and who may use it. */
#include "base/mem.h"
#include "web/api.h"
#include "web/embed.h"
#include "web/oauth.h"
#include "web/pages.h"
#include "web/router.h"

#define REC "/api/v1/recordings"
#define READ_RIGHT RIGHT_RECORDING_READ
#define LISTEN RIGHT_RECORDING_LISTEN
#define PAUSE RIGHT_RECORDING_PAUSE

static const struct route routes[] = {
	/* API */
	{ HTTP_GET, REC, api_recordings_list, ROUTE_API, READ_RIGHT },
	{ HTTP_GET, REC "/{}", api_recording_get, ROUTE_API, READ_RIGHT },
	{ HTTP_PATCH, REC "/{}", api_recording_patch, ROUTE_API,
	  RIGHT_RECORDING_EDIT },
	{ HTTP_DELETE, REC "/{}", api_recording_delete, ROUTE_API,
	  RIGHT_RECORDING_DELETE },
	{ HTTP_GET, REC "/{}/audio", api_recording_audio, ROUTE_API, LISTEN },
	{ HTTP_GET, REC "/{}/tracks/{}/audio", api_track_audio, ROUTE_API,
	  LISTEN },
	{ HTTP_GET, REC "/{}/tracks/{}/text", api_track_text, ROUTE_API,
	  LISTEN },
	{ HTTP_GET, REC "/{}/peaks", api_recording_peaks, ROUTE_API, LISTEN },
	{ HTTP_GET, REC "/{}/signalling", api_recording_signalling, ROUTE_API,
	  READ_RIGHT },
	{ HTTP_GET, "/api/v1/calls/{}", api_call_get, ROUTE_API, READ_RIGHT },
	{ HTTP_POST, REC "/{}/pause", api_recording_pause, ROUTE_API, PAUSE },
	{ HTTP_POST, REC "/{}/resume", api_recording_resume, ROUTE_API, PAUSE },
	{ HTTP_POST, REC "/{}/hand-over", api_recording_hand_over, ROUTE_API,
	  RIGHT_RECORDING_START },
	{ HTTP_POST, "/api/v1/record", api_record, ROUTE_API,
	  RIGHT_RECORDING_START },
	{ HTTP_GET, "/api/v1/commands/{}", api_command_get, ROUTE_API,
	  READ_RIGHT },
	{ HTTP_DELETE, "/api/v1/commands/{}", api_command_withdraw, ROUTE_API,
	  RIGHT_RECORDING_START },
	{ HTTP_GET, "/api/v1/me", api_me, ROUTE_API, RIGHT_NONE },
	{ HTTP_GET, "/api/v1/clients", api_clients_list, ROUTE_API,
	  RIGHT_CLIENT_READ },
	{ HTTP_GET, "/api/v1/clients/{}", api_client_get, ROUTE_API,
	  RIGHT_CLIENT_READ },
	{ HTTP_PATCH, "/api/v1/clients/{}", api_client_patch, ROUTE_API,
	  RIGHT_CLIENT_WRITE },
	{ HTTP_GET, "/api/v1/grants", api_grants_list, ROUTE_API,
	  RIGHT_GRANT_READ },
	{ HTTP_GET, "/api/v1/grants/{}", api_grant_get, ROUTE_API,
	  RIGHT_GRANT_READ },
	{ HTTP_DELETE, "/api/v1/grants/{}", api_grant_revoke, ROUTE_API,
	  RIGHT_GRANT_WRITE },
	{ HTTP_GET, "/api/v1/trunks", api_trunks_list, ROUTE_API,
	  RIGHT_CLIENT_READ },
	{ HTTP_POST, "/api/v1/trunks", api_trunk_add, ROUTE_API,
	  RIGHT_CLIENT_WRITE },
	{ HTTP_GET, "/api/v1/trunks/{}", api_trunk_get, ROUTE_API,
	  RIGHT_CLIENT_READ },
	{ HTTP_PATCH, "/api/v1/trunks/{}", api_trunk_patch, ROUTE_API,
	  RIGHT_CLIENT_WRITE },
	{ HTTP_DELETE, "/api/v1/trunks/{}", api_trunk_delete, ROUTE_API,
	  RIGHT_CLIENT_WRITE },
	{ HTTP_GET, "/api/v1/tenant", api_tenant_get, ROUTE_API,
	  RIGHT_CLIENT_READ },
	{ HTTP_PATCH, "/api/v1/tenant", api_tenant_patch, ROUTE_API,
	  RIGHT_CLIENT_WRITE },
	{ HTTP_GET, "/api/v1/users", api_users_list, ROUTE_API,
	  RIGHT_USER_READ },
	{ HTTP_GET, "/api/v1/users/{}", api_user_get, ROUTE_API,
	  RIGHT_USER_READ },
	{ HTTP_PATCH, "/api/v1/users/{}", api_user_patch, ROUTE_API,
	  RIGHT_USER_WRITE },
	/* authorization server */
	{ HTTP_GET, OAUTH_WELL_KNOWN, oauth_metadata, ROUTE_OAUTH, RIGHT_NONE },
	{ HTTP_POST, "/par", oauth_par, ROUTE_OAUTH, RIGHT_NONE },
	{ HTTP_POST, "/token", oauth_token, ROUTE_OAUTH, RIGHT_NONE },
	{ HTTP_POST, "/revoke", oauth_revoke, ROUTE_OAUTH, RIGHT_NONE },
	{ HTTP_POST, "/introspect", oauth_introspect, ROUTE_OAUTH, RIGHT_NONE },
	{ HTTP_GET, "/authorize", oauth_authorize_get, ROUTE_PUBLIC,
	  RIGHT_NONE },
	{ HTTP_POST, "/authorize", oauth_authorize_post, ROUTE_PAGE,
	  RIGHT_NONE },
	/* pages */
	{ HTTP_GET, "/", pages_home, ROUTE_PUBLIC, RIGHT_NONE },
	{ HTTP_GET, "/login", pages_login, ROUTE_PUBLIC, RIGHT_NONE },
	{ HTTP_POST, "/login", pages_login_post, ROUTE_PUBLIC, RIGHT_NONE },
	{ HTTP_GET, "/login/link", pages_login_link, ROUTE_PUBLIC, RIGHT_NONE },
	{ HTTP_POST, "/login/link", pages_login_link_post, ROUTE_PUBLIC,
	  RIGHT_NONE },
	{ HTTP_POST, "/logout", pages_logout, ROUTE_PAGE, RIGHT_NONE },
	{ HTTP_GET, "/setup", pages_setup, ROUTE_PUBLIC, RIGHT_NONE },
	{ HTTP_POST, "/setup", pages_setup_post, ROUTE_PUBLIC, RIGHT_NONE },
	{ HTTP_GET, "/recordings", pages_recordings, ROUTE_PAGE, READ_RIGHT },
	{ HTTP_GET, "/recordings/{}", pages_recording, ROUTE_PAGE, READ_RIGHT },
	{ HTTP_POST, "/recordings/{}/edit", pages_recording_edit, ROUTE_PAGE,
	  RIGHT_RECORDING_EDIT },
	{ HTTP_POST, "/recordings/{}/pause", pages_recording_pause, ROUTE_PAGE,
	  PAUSE },
	{ HTTP_POST, "/recordings/{}/resume", pages_recording_resume,
	  ROUTE_PAGE, PAUSE },
	{ HTTP_POST, "/recordings/{}/delete", pages_recording_delete,
	  ROUTE_PAGE, RIGHT_RECORDING_DELETE },
	{ HTTP_GET, "/clients", pages_clients, ROUTE_PAGE, RIGHT_CLIENT_READ },
	{ HTTP_POST, "/clients", pages_client_add, ROUTE_PAGE,
	  RIGHT_CLIENT_WRITE },
	{ HTTP_POST, "/clients/{}/state", pages_client_state, ROUTE_PAGE,
	  RIGHT_CLIENT_WRITE },
	{ HTTP_GET, "/grants", pages_grants, ROUTE_PAGE, RIGHT_GRANT_READ },
	{ HTTP_POST, "/grants/{}/revoke", pages_grant_revoke, ROUTE_PAGE,
	  RIGHT_GRANT_WRITE },
	{ HTTP_GET, "/audit", pages_audit, ROUTE_PAGE, RIGHT_AUDIT_READ },
	/* files and machines */
	{ HTTP_GET, "/ui/{}/{}", embed_serve, ROUTE_OAUTH, RIGHT_NONE },
	{ HTTP_GET, "/favicon.ico", embed_favicon, ROUTE_OAUTH, RIGHT_NONE },
	{ HTTP_GET, "/robots.txt", embed_robots, ROUTE_OAUTH, RIGHT_NONE },
	{ HTTP_GET, "/healthz", api_health, ROUTE_OAUTH, RIGHT_NONE },
	{ HTTP_GET, "/metrics", api_metrics, ROUTE_MACHINE, RIGHT_NONE },
};

const struct route *routes_list(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(routes);
	return routes;
}
