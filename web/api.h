/* web/api.h - handlers of /api/v1. See docs/api.md for the addresses.
 *
 * Every one of them returns 0 or -errno as web/http.h says, and works on what
 * the principal's scope lets it see.
 */
#ifndef WEB_API_H
#define WEB_API_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct http_request;
struct http_response;
struct recording;
struct command_result;

int api_recordings_list(struct http_request *req, struct http_response *res);
int api_recording_get(struct http_request *req, struct http_response *res);
int api_recording_patch(struct http_request *req, struct http_response *res);
int api_recording_delete(struct http_request *req, struct http_response *res);
int api_recording_audio(struct http_request *req, struct http_response *res);
int api_track_audio(struct http_request *req, struct http_response *res);
int api_track_text(struct http_request *req, struct http_response *res);
int api_recording_peaks(struct http_request *req, struct http_response *res);
int api_recording_signalling(struct http_request *req,
			     struct http_response *res);

int api_call_get(struct http_request *req, struct http_response *res);
int api_recording_pause(struct http_request *req, struct http_response *res);
int api_recording_resume(struct http_request *req, struct http_response *res);
int api_recording_hand_over(struct http_request *req,
			    struct http_response *res);
int api_record(struct http_request *req, struct http_response *res);
int api_command_get(struct http_request *req, struct http_response *res);
int api_command_withdraw(struct http_request *req, struct http_response *res);
/** 200, 202 with Location, 403 or 409, as the command's state is. */
int api_command_answer(struct http_response *res, int64_t id,
		       const struct command_result *result);

int api_me(struct http_request *req, struct http_response *res);
int api_clients_list(struct http_request *req, struct http_response *res);
int api_client_get(struct http_request *req, struct http_response *res);
int api_client_patch(struct http_request *req, struct http_response *res);
int api_grants_list(struct http_request *req, struct http_response *res);
int api_grant_get(struct http_request *req, struct http_response *res);
int api_grant_revoke(struct http_request *req, struct http_response *res);

int api_users_list(struct http_request *req, struct http_response *res);
int api_user_get(struct http_request *req, struct http_response *res);
int api_user_patch(struct http_request *req, struct http_response *res);
int api_trunks_list(struct http_request *req, struct http_response *res);
int api_trunk_get(struct http_request *req, struct http_response *res);
int api_trunk_add(struct http_request *req, struct http_response *res);
int api_trunk_patch(struct http_request *req, struct http_response *res);
int api_trunk_delete(struct http_request *req, struct http_response *res);

int api_tenant_get(struct http_request *req, struct http_response *res);
int api_tenant_patch(struct http_request *req, struct http_response *res);

int api_health(struct http_request *req, struct http_response *res);
int api_metrics(struct http_request *req, struct http_response *res);

/** The object of a list's item. @param full with streams, tracks, events.
 *  @return new object or NULL */
json_t *api_recording_json(const struct recording *rec, bool full);

#endif
