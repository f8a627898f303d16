/* srs/call/ua.h - SIP for the recording client: dialogs that we open.
 *
 * The only door of the client to Sofia-SIP. One transport, one local address
 * with a port from the kernel; nothing is resolved here. The server's BYE is
 * answered and reported, its OPTIONS are answered 200; offers in its re-INVITE
 * and UPDATE go to the leg, everything else in the dialog gets 405.
 */
#ifndef SRS_CALL_UA_H
#define SRS_CALL_UA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "srs/call/call.h"

struct call_dialect;
struct call_dialog;
struct call_ua;
struct buf;

enum call_method { CALL_INVITE, CALL_REINVITE, CALL_UPDATE, CALL_BYE };

/* A final answer; spans and strings live until the callback returns. */
struct call_answer {
	enum call_method method;
	int status;
	bool local;	       /* made by ourselves: timeout, no connection */
	const char *reason;    /* phrase; never NULL */
	const char *warning;   /* Warning or Retry-After, "" = none */
	const char *challenge; /* WWW-Authenticate, "" = none */
	struct span content_type;
	struct span body;
	unsigned expires_s; /* Session-Expires, 0 = none */
};

struct call_ua_events {
	void (*answer)(void *darg, const struct call_answer *a);
	/** An offer of the server in the dialog; an empty body asks for one.
	 *  @param ret_sdp the answer, or ours; left empty = none
	 *  @return the status to answer with */
	int (*offer)(void *darg, struct span type, struct span body,
		     struct buf *ret_sdp);
	/** @param reason value of Reason, or "BYE" */
	void (*ended)(void *darg, const char *reason);
};

/** @param local_ip literal; @param remote "sip:IP:port;transport=..."
 *  @param tls_dir may be NULL
 *  @param dialect borrowed for ua's life
 *  @return 0, -EIO (no transport), -ENOMEM */
int call_ua_create(const char *local_ip, enum call_transport transport,
		   const char *remote, const char *tls_dir,
		   const struct call_dialect *dialect,
		   const struct call_ua_events *events,
		   struct call_ua **ret_ua);
/** Dialogs must be gone before. Takes NULL. */
void call_ua_destroy(struct call_ua **uap);

/** Wait at most timeout_ms, handle what there is. */
void call_ua_step(struct call_ua *ua, int timeout_ms);

/* INVITE: strings are only needed during the call. Without a body the server
 * makes the offer. */
struct call_invite {
	const char *to;
	const char *from;
	const char *token;	  /* NULL = none */
	const char *headers;	  /* complete lines; NULL = none */
	const char *content_type; /* NULL = none */
	const char *body;
};

/** @return 0, -EINVAL (a URI that Sofia does not take), -ENOMEM */
int call_dialog_invite(struct call_ua *ua, const struct call_invite *inv,
		       void *darg, struct call_dialog **ret_dialog);
/** Another request; one at a time. body NULL = none. @return as above */
int call_dialog_request(struct call_dialog *d, enum call_method method,
			const char *content_type, const char *body);
/** The answer to the server's offer, for the ACK; in the callback of the 2xx.
 *  @return 0 or -ENOMEM */
int call_dialog_answer(struct call_dialog *d, const char *content_type,
		       const char *body);
/** Allowed in a callback. Takes NULL. */
void call_dialog_destroy(struct call_dialog **dp);

/** @return the Call-ID */
const char *call_dialog_id(const struct call_dialog *d);

#endif
