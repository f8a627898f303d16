/* srs/sip/ua_int.h - what the files of the SIP agent share.
 *
 * Included by srs/sip/ua*.c only; names Sofia-SIP.
 */
#ifndef SRS_SIP_UA_INT_H
#define SRS_SIP_UA_INT_H

struct ua_leg_magic;
struct ua_irq_magic;
struct ua_orq_magic;
#define NTA_AGENT_MAGIC_T struct ua
#define NTA_LEG_MAGIC_T struct ua_leg_magic
#define NTA_INCOMING_MAGIC_T struct ua_irq_magic
#define NTA_OUTGOING_MAGIC_T struct ua_orq_magic
#define NTA_RELIABLE_MAGIC_T struct ua_dialog
#define SU_ROOT_MAGIC_T struct ua

/* The headers test macros that they do not define. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wundef"
#include <sofia-sip/msg_addr.h>
#include <sofia-sip/msg_buffer.h>
#include <sofia-sip/msg_mclass.h>
#include <sofia-sip/nta.h>
#include <sofia-sip/nta_stateless.h>
#include <sofia-sip/nta_tport.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/sip_util.h>
#include <sofia-sip/su_string.h>
#include <sofia-sip/su_strlst.h>
#include <sofia-sip/su_tagarg.h>
#include <sofia-sip/su_wait.h>
#include <sofia-sip/tport.h>
#include <sofia-sip/tport_tag.h>
#pragma GCC diagnostic pop

#include "srs/sip/ua.h"

/* Host of the URI of a request whose first line could not be read. */
#define UA_UNREADABLE "unreadable.invalid"

/* A leg's context: the default leg (dialog NULL) or a dialog's. */
struct ua_leg_magic {
	struct ua *ua;
	struct ua_dialog *dialog;
};

/* A request outside of any dialog that we refused: ua_again.c. */
#define UA_AGAIN_MAX 1024u
struct ua_again {
	uint64_t key; /* 0 = none */
	int64_t until_us;
	bool confirmed;
};

struct ua {
	const struct ua_events *events;
	void *arg;
	struct loop *loop;
	su_root_t *root;
	su_wait_t wait;
	int wait_index; /* > 0 while the loop is nested */
	nta_agent_t *agent;
	nta_leg_t *default_leg;
	struct ua_leg_magic default_magic;
	char software[64];
	char bound[1024];
	unsigned handled; /* messages and loop events, to see idleness */
	msg_mclass_t *mclass;
	struct ua_orq_magic *sent; /* requests of ours on their way */
	msg_t *coming;		   /* handled now, seen by no callback yet */
	msg_t *told;		   /* handled now, a dialog has heard of it */
	const msg_t *unsent;	   /* an answer that could not be sent */
	unsigned n_unsent;	   /* so often in a row */
	unsigned sending;	   /* > 0: the sender notes what is sent */
	size_t max_memory;
	const msg_t *odd;    /* handled now: see ua_request.odd */
	bool full, too_full; /* of junk: ua_guard.c */
	struct ua_again again[UA_AGAIN_MAX];
	int64_t memory_look_us;
	unsigned memory_look_at; /* handled, then */
};

/* A request's hidden half; lives in the message's memory. */
struct ua_irq_magic {
	struct ua_request pub; /* first */
	struct ua *ua;
	nta_incoming_t *irq;
	msg_t *msg; /* our reference */
	sip_t const *sip;
	struct ua_irq_magic *next, **at; /* in a dialog's open requests */
};

/* A request of ours; d is NULL once the dialog is gone. */
struct ua_orq_magic {
	struct ua *ua;
	struct ua_dialog *d;
	nta_outgoing_t *orq;
	enum ua_method method;
	bool confirmed;		    /* an INVITE that got its 2xx and our ACK */
	bool ack_waits;		    /* or no ACK yet: ua_dialog_ack() */
	uint32_t cseq;		    /* of that 2xx */
	char *answer;		    /* in the ACK, NULL = none */
	char hop[UA_PEER_MAX + 32]; /* where it went, "" = by its route */
	struct ua_orq_magic *next;  /* in ua->sent */
};

struct ua_dialog {
	struct ua_leg_magic magic;
	struct ua *ua;
	nta_leg_t *leg;
	const struct ua_events *events;
	void *darg;
	struct ua_irq_magic *accepted;	 /* 2xx sent, waiting for the ACK */
	struct ua_irq_magic *invite;	 /* INVITE not answered yet */
	struct ua_orq_magic *confirmed;	 /* our last INVITE that got a 2xx */
	nta_reliable_t *rel;		 /* our 183, until the PRACK */
	struct ua_irq_magic *rel_invite; /* what it answers */
	bool rel_kept;			 /* ... has its ACK, and is kept here */
	struct ua_irq_magic *open;	 /* all whose pub.dialog is this one */
	uint32_t first_cseq;  /* of the INVITE that made it, 0 = unknown */
	uint32_t remote_cseq; /* of the client's last request */
	uint32_t acked_cseq, refused_cseq; /* of its last such INVITE */
	unsigned n_sent;		   /* requests of ours in ua->sent */
	unsigned n_busy; /* its client's, since memory is short: ua_guard.c */
	int64_t busy_until_us;
	bool dialed;	/* we called: requests go where the INVITE went */
	unsigned allow; /* bit per enum ua_method */
	enum ua_transport transport; /* of the client's last request */
	char peer[UA_PEER_MAX];	     /* where that came from */
	/* as they came in the INVITE, for a restart */
	char *call_id, *local, *remote, *target, *record_route;
	char *local_tag;
	char *contact; /* ours, complete value */
};

/* ua_request.c */
struct ua_irq_magic *ua_request_make(struct ua *ua, nta_incoming_t *irq,
				     msg_t *msg, sip_t const *sip);
/** To look at only: no transaction, of no dialog. NULL without memory. */
struct ua_irq_magic *ua_request_peek(struct ua *ua, tport_t *tp, msg_t *msg,
				     sip_t const *sip);
void ua_request_drop(struct ua_irq_magic *q);
void ua_request_join(struct ua_irq_magic *q, struct ua_dialog *d);
void ua_request_leave(struct ua_irq_magic *q);
unsigned ua_allow_bits(const struct sip_fields *f);
int ua_contact_for(struct ua *ua, nta_incoming_t *irq, su_home_t *home,
		   char **ret_contact);
bool ua_uri_is_ours(const struct ua_irq_magic *q);
bool ua_field_safe(const char *headers);
bool ua_is_address(const char *host);

/* ua_rel.c: reliable provisional answers */

/** The 183 before the first 2xx, if the client requires one. */
void ua_rel_send(struct ua_irq_magic *q, const char *contact);
/** After the ACK: does q have to stay for a PRACK? Then it is taken. */
bool ua_rel_keep(struct ua_dialog *d, const struct ua_irq_magic *q);
/** q's transaction goes: no PRACK can come for it any more. */
void ua_rel_leave(struct ua_dialog *d, const struct ua_irq_magic *q);
/** The PRACK came, or the dialog goes. */
void ua_rel_forget(struct ua_dialog *d);

/* ua_wire.c: what really came and went */

/** The text of a message: exactly what was received, or is sent; lives in home
 *  or in msg itself. 0 or -ENOMEM */
int ua_msg_text(msg_t *msg, su_home_t *home, struct span *ret_text);
/** Note where the head of a message lies, b being its empty line. */
void ua_wire_keep_head(msg_t *msg, sip_t *sip, char *b, size_t len);
/** A callback will get this one. @return false: it was told already */
bool ua_wire_taken(struct ua *ua, const msg_t *msg);

/* ua_listen.c */
struct err;
int ua_listen(struct ua *ua, const struct ua_config *cfg, struct err *e);

/* ua_dialog.c */
int ua_dialog_new(struct ua *ua, void *darg, struct ua_dialog **ret_d);
int ua_dup_span(struct span s, char **dst);

/* ua_dial.c */
void ua_dial_answered(struct ua_dialog *d, sip_t const *sip,
		      const struct sip_fields *f);

/* ua_send.c */
void ua_sent_free(struct ua_orq_magic *o);
/* A 2xx that never got its ACK: send it, and a BYE. */
void ua_sent_give_up(struct ua_dialog *d);

/* ua.c */
nta_request_f *ua_leg_callback(void);
/** Whose INVITE is it? @return NULL: nobody waits for its end */
struct ua_dialog *ua_invite_dialog(nta_incoming_t *irq);
/** Give a request to whom it belongs. @return 0, or the status that its
 *  transaction has to end with */
int ua_take_request(struct ua_leg_magic *magic, nta_incoming_t *irq,
		    sip_t const *sip);

/* ua_again.c */

/** A final refusal of q was sent. */
void ua_again_refused(const struct ua_irq_magic *q);
/** Is it a new try of what was refused? @return true: msg is taken */
bool ua_again_take(struct ua *ua, tport_t *tp, msg_t *msg);

/* ua_stream.c */

/* sip_user of what was received: where its head lies, once that is complete,
 * and before that what of the empty lines before it was looked at. */
struct ua_head {
	char *p; /* NULL: not complete */
	size_t len;
	size_t seen;	  /* bytes */
	unsigned matched; /* of CRLF CRLF */
};

/** The connection stays whatever the library says of this message, if it is
 *  known where it ended; tp NULL: it is handled. */
void ua_stream_keep(tport_t *tp, const sip_t *sip);
bool ua_stream_keeps(const tport_t *tp);

/* ua_within.c */

/** Not what nta refuses before it looks for a dialog. */
bool ua_is_readable(msg_t *msg);
/** Judge it as a request outside of any dialog; msg is taken. */
void ua_take_outside(struct ua *ua, tport_t *tp, msg_t *msg);

/** Is it a dialog's, and not a repetition? @return true: msg is taken */
bool ua_within_take(struct ua *ua, tport_t *tp, msg_t *msg);

/* ua_mclass.c: what real clients get wrong is repaired before nta looks */
msg_mclass_t *ua_mclass_create(void);
/* whose requests pass (one at a time); NULL: nobody's */
void ua_mclass_watch(struct ua *ua);
struct ua *ua_mclass_watched(void);

/* ua_guard.c: the library's lines become ours; its connections are counted
 * (0 or -ENOMEM) */
void ua_guard_log(void);
int ua_guard_connections(void);
/* After every step: is there room for new transactions? */
void ua_guard_memory(struct ua *ua);
bool ua_guard_refuses(struct ua *ua, sip_t const *sip);
/** 503 without a transaction; msg is taken. */
void ua_guard_answer(struct ua *ua, tport_t *tp, msg_t *msg);
/** received= and rport= for a message that nta does not look at. */
void ua_complete_via(msg_t *msg, tport_t *tp, sip_via_t *via);

#endif
