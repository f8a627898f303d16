/* web/access.h - who is asking, and may they? Decided here and nowhere else.
 *
 * A principal is a user (session cookie or API token) or a provider (a token
 * of a grant, or of the client itself). It carries the scope that every
 * storage query is limited to, so that what another tenant has does not exist
 * for it.
 *
 *	                    owner  admin  superv. listener auditor provider
 *	recording read      own    all    all     assigned all     granted
 *	recording listen    own    all    all     assigned -       granted
 *	recording pause     own    all    all     -        -       granted
 *	recording start     own    all    -       -        -       granted+
 *	recording edit      own    all    all     -        -       -
 *	recording delete    own    all    -       -        -       -
 *	client, trunk read  yes    yes    -       -        yes     -
 *	client, trunk write -      yes    -       -        -       -
 *	grant read/write    own    all    -       -        read    -
 *	audit, users read   -      yes    -       -        yes     -
 *	users write         -      yes    -       -        -       -
 *
 * assigned: of the owners whom operator or administrator assigned to the
 * listener (auth/listens.h).
 *
 * granted: made under a grant of an owner that is alive now and has the scope
 * "recordings", by this very client; with a token of a grant: under that one.
 * A provider can have no more than that in any way, whatever kind of token it
 * brings. granted+: only with a grant's token that has the scope
 * "call-recording" as well; a client's own token stands for no owner.
 */
#ifndef WEB_ACCESS_H
#define WEB_ACCESS_H

#include <stdbool.h>

#include "auth/tokens.h"
#include "auth/users.h"
#include "storage/catalog.h"
#include "web/router.h"

struct recording;

struct principal {
	bool is_user;
	struct user user; /* when is_user */
	char tenant_id[ID_LEN + 1];
	char client_id[ID_LEN + 1]; /* of a provider's token */
	char grant_id[ID_LEN + 1];
	unsigned rights;	    /* bits 1u << enum route_right */
	struct catalog_scope scope; /* points into this struct */
	char actor[64];		    /* for the audit log */
};

void principal_of_user(struct principal *p, const struct user *u);
void principal_of_token(struct principal *p, const struct token_info *t,
			int64_t now_us);
bool principal_may(const struct principal *p, enum route_right right);
/** Grants of this owner only, NULL = all of the tenant. */
const char *principal_grant_owner(const struct principal *p);

/** Tags and branches of a live call are for those who may steer it: with them
 *  one speaks for its client. @return true: they are left out */
bool access_hides_dialog(const struct principal *p,
			 const struct recording *rec);

/** May a secret or token travel on this request's connection? https, or from
 *  this machine, or the operator has allowed clear text. */
bool access_clear_ok(const struct http_request *req);

/** One audit entry: who asks did this to a recording. @return as audit_add() */
int access_audit_recording(const struct http_request *req, const char *action,
			   const char *recording_id);

/**
 * Find out who asks and check the route's demand. req->who and req->session
 * point into the results afterwards.
 *
 * @return true: call the handler; false: res is the answer
 */
bool access_check(struct http_request *req, const struct route *route,
		  struct web_session *session, struct principal *who,
		  struct http_response *res);

#endif
