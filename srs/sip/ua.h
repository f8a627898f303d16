/* srs/sip/ua.h - the SIP side of the server: listeners, requests, dialogs.
 *
 * The only door to Sofia-SIP (its `nta` layer): no other header or source file
 * outside srs/sip/ names it. The agent answers and keeps dialogs; it never
 * looks into a body, never asks the gate and never writes to the catalog.
 * Retransmissions, 100 Trying, CANCEL (487) and repeated 2xx until the ACK are
 * done in here.
 *
 * Role: sip, its only thread. The agent brings its own loop (Sofia's), into
 * which the role's loop is nested: ua_step() runs both.
 *
 * Source: RFC 3261, 3311 (UPDATE), 3581 (rport), 6026.
 */
#ifndef SRS_SIP_UA_H
#define SRS_SIP_UA_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/str.h"
#include "srs/sip/fields.h"

struct buf;
struct err;
struct loop;
struct sip_dialog_id;
struct ua;
struct ua_dialog;

enum ua_method {
	UA_INVITE,
	UA_ACK,
	UA_BYE,
	UA_CANCEL,
	UA_OPTIONS,
	UA_UPDATE,
	UA_REFER,
	UA_NOTIFY,
	UA_SUBSCRIBE,
	UA_OTHER,   /* any other that SIP has */
	UA_UNKNOWN, /* no method of SIP */
};

enum ua_transport { UA_UDP, UA_TCP, UA_TLS };

enum ua_tls_verify { UA_TLS_NONE, UA_TLS_OPTIONAL, UA_TLS_REQUIRED };

/* The value of our Allow headers. */
#define UA_ALLOW                                                               \
	"INVITE, ACK, CANCEL, BYE, UPDATE, OPTIONS, PRACK, INFO, REFER, "      \
	"SUBSCRIBE, NOTIFY"

/* What a 2xx to OPTIONS says (RFC 3261 section 11.2), and a 415 its first. */
#define UA_ACCEPT                                                              \
	"Accept: application/sdp, application/rs-metadata+xml, "               \
	"application/rs-metadata, multipart/mixed\r\n"
#define UA_ABILITIES                                                           \
	"Allow: " UA_ALLOW "\r\n" UA_ACCEPT "Accept-Encoding: identity\r\n"    \
	"Accept-Language: en\r\n"                                              \
	"Supported: siprec, timer, 100rel, record-aware, norefersub, "         \
	"nosub, explicitsub, tdialog\r\n"

#define UA_PEER_MAX 64
#define UA_SUBJECTS_MAX 16

/* A request as it came. Strings are never NULL ("" = not there) and live until
 * the final answer has been given (an ACK or CANCEL: until the callback
 * returns). */
struct ua_request {
	enum ua_method method;
	const char *method_name;
	const char *uri; /* Request-URI */
	const char *call_id;
	uint32_t cseq;
	const char *from_uri, *from_display, *from_tag;
	const char *to_uri, *to_display, *to_tag;
	const char *contact_uri;
	struct sip_fields fields; /* every header line, as sent */
	struct span content_type;
	struct span body;
	struct span text;   /* the whole message byte for byte, with secrets */
	struct span trying; /* the 100 that was sent already, if any */
	enum ua_transport transport;
	struct sockaddr_storage source;
	char peer[UA_PEER_MAX]; /* "192.0.2.1:5060", "[2001:db8::1]:5060" */
	/* names in the client's certificate, SAN and CN without their kind */
	const char *subjects[UA_SUBJECTS_MAX];
	unsigned n_subjects;
	char cert_sha256[65]; /* of that certificate, hex; "" = none */
	bool bad_credentials; /* an Authorization that could not be
			       * read at all; it is in no field */
	bool tls_verified;    /* the certificate chain was checked */
	bool odd; /* an ACK without To tag or with another CSeq than its
		   * INVITE, a BYE whose CSeq is below the last one */
	struct ua_dialog *dialog; /* NULL: outside of any */
	void *user;		  /* the owner's, NULL at first */
};

/* The final answer to a request of ours; borrowed for the callback. */
struct ua_response {
	int status; /* 408 and an empty text when none came */
	struct sip_fields fields;
	struct span content_type;
	struct span body;
	struct span text; /* the whole message */
	bool noted;	  /* wire() brought it, with its ACK */
	struct span ack;  /* that we sent at once, of a 2xx to an INVITE with
			   * a body */
};

/* A message of a dialog that the stack handled by itself; borrowed. */
struct ua_wire {
	bool in;
	enum ua_transport transport;
	char peer[UA_PEER_MAX]; /* where it really came from or went to */
	struct span text;
};

/* Callbacks get ua_config.arg or the dialog's arg. Every request but ACK must
 * get a final answer by ua_answer(), in the callback or later. */
struct ua_events {
	/** INVITE, OPTIONS, REFER or SUBSCRIBE outside of a dialog (anything
	 * else is answered inside: 400 the first line can't be read, 405, 416
	 * a Request-URI of another kind, 420 Require, 481, 501). */
	void (*request)(void *arg, struct ua_request *req);
	/**
	 * Is it from whom the dialog is with? Asked before anything of a
	 * request counts, ACK, CANCEL and PRACK included; it is not the
	 * request that another callback gets. Nothing may be sent or destroyed
	 * inside. NULL: everybody.
	 *
	 * @param headers of the refusal: complete lines, may stay empty
	 * @return 0, or the status that it is refused with (an ACK is dropped)
	 */
	int (*admit)(void *darg, struct ua_request *req, struct buf *headers);
	/** Whatever comes within a dialog but ACK and CANCEL. */
	void (*in_dialog)(void *darg, struct ua_request *req);
	/** The ACK of a 2xx; NULL: it never came (64 * T1). */
	void (*ack)(void *darg, struct ua_request *ack);
	/** The INVITE was cancelled: it is answered (487) and gone when this
	 *  returns. cancel is the CANCEL. */
	void (*cancelled)(void *arg, struct ua_request *invite,
			  const struct ua_request *cancel);
	/** The final answer to a request of ours in a dialog. The dialog may
	 *  be destroyed inside. */
	void (*response)(void *darg, enum ua_method method,
			 const struct ua_response *res);
	/** A message of the dialog that no other callback has brought: a
	 *  request that is answered inside (broken, merged, out of order,
	 *  CANCEL, PRACK, not admitted) and that answer, the ACK of a refusal,
	 * a provisional answer. Repetitions are left out. Nothing may be sent
	 * or destroyed inside; may be NULL. */
	void (*wire)(void *darg, const struct ua_wire *w);
};

struct ua_config {
	const char *listen; /* "udp:127.0.0.1:5060, tls:[::1]:5061"; port 0 */
	const char *tls_certificate, *tls_key, *tls_ca; /* PEM, "" = none */
	enum ua_tls_verify tls_verify;
	const char *software; /* Server header */
	unsigned max_pending; /* INVITEs without a final answer; then 503 */
	unsigned t1_ms;	      /* 0 = 500 */
	const struct ua_events *events;
	void *arg;
};

/** From this much memory in use (512 MB at first) no request outside a known
 *  dialog gets a transaction: it is answered 503 with Retry-After. Of one
 *  dialog 32 are taken in 32 s, and none but BYE from twice as much on. */
void ua_set_max_memory(struct ua *ua, size_t bytes);

/**
 * Bind every address of cfg->listen and nest the loop.
 *
 * Refuses while TPORT_LOG, TPORT_DUMP or TPORT_CAPT are in the environment
 * (Sofia would print whole messages, tokens included). All strings of cfg are
 * only needed during the call, events for the agent's life.
 *
 * @return 0, -EINVAL (e names the listener or file), -EADDRINUSE, -ENOMEM
 */
int ua_create(struct loop *loop, const struct ua_config *cfg,
	      struct ua **ret_ua, struct err *e);
/** Dialogs must be gone before. Takes NULL. */
void ua_destroy(struct ua **uap);

/** What is really bound, in the words of cfg->listen. Valid for ua's life. */
const char *ua_bound(const struct ua *ua);

/** Wait at most timeout_ms, then handle what there is (bounded). */
void ua_step(struct ua *ua, int timeout_ms);

/** A header field whose folded lines are joined; copied into the request's
 *  memory only where that was needed. */
struct span ua_request_field(struct ua_request *req, const char *name,
			     unsigned nth);

/** @return true where bearer tokens travel protected or cannot be overheard
 *  (TLS, or a loopback address) */
bool ua_request_is_private(const struct ua_request *req);

/** The words of its Require headers that we do not support, as a list.
 *  @return false when there are none, or no room for them */
bool ua_request_unsupported(const struct ua_request *req, char *dst,
			    size_t dst_len);

/* Long enough for ua_request_local(). */
#define UA_LOCAL_MAX 120
/** Where our listener is that the request came to, as the end of a SIP URI:
 *  "192.0.2.1:5060;transport=tcp". dst: UA_LOCAL_MAX. @return 0 or -EIO */
int ua_request_local(struct ua_request *req, char *dst);

/** @return the usual phrase, never NULL */
const char *ua_status_phrase(int status);

/* ---- answers ---- */

struct ua_answer {
	int status;
	const char *phrase;  /* NULL: the usual one */
	const char *headers; /* complete lines "A: b\r\n", or NULL */
	const char *content_type;
	struct span body;
};

/**
 * Send an answer; a final one consumes req (all pointers into it are dead).
 *
 * A client that requires 100rel gets a reliable 183 right before the 2xx to its
 * first INVITE, and its PRACK is answered inside (ua_rel.c).
 *
 * Server is added to all, Contact (with +sip.srs) to 2xx of INVITE, UPDATE and
 * OPTIONS, Allow to 405 and 501. A 2xx to an INVITE needs req->dialog; when
 * that is gone the client gets 481.
 *
 * @param ret_text what was sent is appended; may be NULL
 * @return 0, -EINVAL (a header of ours is malformed: a 500 was sent instead),
 *         -ENOENT (that 481)
 */
int ua_answer(struct ua_request *req, const struct ua_answer *a,
	      struct buf *ret_text);

/* ---- dialogs ---- */

/**
 * Make the dialog of an INVITE, REFER or SUBSCRIBE (before its 2xx) and set
 * req->dialog.
 *
 * @param darg given to the callbacks
 * @return 0, -EINVAL, -ENOMEM
 */
int ua_dialog_create(struct ua *ua, struct ua_request *req, void *darg,
		     struct ua_dialog **ret_dialog);
/* Whom to call. The host of the URI is an IP address: no name is looked up. */
struct ua_dial {
	const char *uri; /* "sip:src@192.0.2.1:5070;transport=tcp" */
};

/**
 * Make the dialog of an INVITE or REFER of ours, which ua_dialog_send() sends:
 * the first request must be one. It is a dialog like the others once its 2xx
 * has come. Further 2xx of an INVITE that forked are confirmed and hung up in
 * here, and so is one that comes after the dialog was destroyed.
 *
 * Over TLS the other side's certificate must come from an authority of
 * tls_ca and name the address that is called.
 *
 * @return 0; -EINVAL the URI is none, or its host no IP address;
 *         -EPROTONOSUPPORT no listener of that transport; -ENOMEM
 */
int ua_dialog_dial(struct ua *ua, const struct ua_dial *dial, void *darg,
		   struct ua_dialog **ret_dialog);
struct ua_address {
	enum ua_transport transport;
	char host[UA_PEER_MAX]; /* an IP address without brackets */
	char port[8];
};
/** What ua_dialog_dial() would make of the URI. @return 0, -EINVAL, -ENOMEM */
int ua_dial_parse(const char *uri, struct ua_address *ret_address);

/** From now on these callbacks get what belongs to the dialog; events for its
 *  life. (At first: those of the agent.) */
void ua_dialog_handle(struct ua_dialog *d, const struct ua_events *events,
		      void *darg);

/** A pending INVITE that we have to answer is answered with 500, one that we
 *  sent is cancelled; requests of ours
 *  go on until they are through, without a callback. Takes NULL. */
void ua_dialog_destroy(struct ua_dialog **dp);

/** A request in the dialog came from (and answers go to) somewhere new; also
 *  takes the new Contact of a re-INVITE or UPDATE. */
void ua_dialog_refresh(struct ua_dialog *d, const struct ua_request *req);

/** As JSON text, everything that ua_dialog_restore() needs.
 *  @return 0, -ENOMEM, -ENOBUFS */
int ua_dialog_save(const struct ua_dialog *d, struct buf *out);
/** @return 0, -EBADMSG not what save() wrote, -ENOMEM */
int ua_dialog_restore(struct ua *ua, const char *json, size_t len, void *darg,
		      struct ua_dialog **ret_dialog);

/** @return whether the client required a reliable provisional answer, got it
 *  and has not confirmed it (RFC 3262) */
bool ua_dialog_lacks_prack(const struct ua_dialog *d);
bool ua_dialog_allows(const struct ua_dialog *d, enum ua_method m);
const char *ua_dialog_call_id(const struct ua_dialog *d);
/** As seen from our side; "" for a tag that is not known yet. */
void ua_dialog_id(const struct ua_dialog *d, struct sip_dialog_id *ret_id);
bool ua_dialog_is(const struct ua_dialog *d, const struct sip_dialog_id *id);
/** The other side's Contact, without header fields; the address that its
 *  requests come from where that is a name. @return 0, -ENOENT, -ENOBUFS */
int ua_dialog_target(const struct ua_dialog *d, char *dst, size_t dst_len);
const char *ua_dialog_peer(const struct ua_dialog *d);
enum ua_transport ua_dialog_transport(const struct ua_dialog *d);
const char *ua_transport_name(enum ua_transport t); /* "udp" */

struct ua_send {
	enum ua_method method; /* INVITE, BYE, OPTIONS, UPDATE, NOTIFY, REFER */
	const char *headers;   /* complete lines or NULL */
	const char *content_type;
	struct span body; /* len 0 = none */
};

/**
 * Send a request in the dialog; response() tells how it went. The ACK of an
 * INVITE of ours with a body is sent in here. One INVITE at a time.
 *
 * @param ret_text what was sent is appended; may be NULL
 * @return 0; no callback: -EIO could not be sent, -EBUSY the peer has 16 of
 *         this dialog to answer already (BYE is sent nevertheless)
 */
int ua_dialog_send(struct ua_dialog *d, const struct ua_send *m,
		   struct buf *ret_text);

/**
 * Confirm the 2xx of an INVITE of ours that had no body: the ACK carries the
 * answer to the offer in that 2xx, and is not sent before. A dialog that is
 * destroyed without it is confirmed and hung up.
 *
 * @param body     SDP; len 0 = none
 * @param ret_text as ua_dialog_send()
 * @return 0, -ENOENT no such 2xx waits for it, -ENOMEM
 */
int ua_dialog_ack(struct ua_dialog *d, struct span body, struct buf *ret_text);

#endif
