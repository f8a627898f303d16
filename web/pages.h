/* web/pages.h - the HTML pages. All work without JavaScript. */
#ifndef WEB_PAGES_H
#define WEB_PAGES_H

struct http_request;
struct http_response;

int pages_home(struct http_request *req, struct http_response *res);
int pages_login(struct http_request *req, struct http_response *res);
int pages_login_post(struct http_request *req, struct http_response *res);
int pages_login_link(struct http_request *req, struct http_response *res);
int pages_login_link_post(struct http_request *req, struct http_response *res);
int pages_logout(struct http_request *req, struct http_response *res);
int pages_setup(struct http_request *req, struct http_response *res);
int pages_setup_post(struct http_request *req, struct http_response *res);

int pages_recordings(struct http_request *req, struct http_response *res);
int pages_recording(struct http_request *req, struct http_response *res);
int pages_recording_pause(struct http_request *req, struct http_response *res);
int pages_recording_resume(struct http_request *req, struct http_response *res);
int pages_recording_edit(struct http_request *req, struct http_response *res);
int pages_recording_delete(struct http_request *req, struct http_response *res);

int pages_clients(struct http_request *req, struct http_response *res);
int pages_client_add(struct http_request *req, struct http_response *res);
int pages_client_state(struct http_request *req, struct http_response *res);
int pages_grants(struct http_request *req, struct http_response *res);
int pages_grant_revoke(struct http_request *req, struct http_response *res);
int pages_audit(struct http_request *req, struct http_response *res);

#endif
