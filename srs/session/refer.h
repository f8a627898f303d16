/* srs/session/refer.h - REFER: what others ask us to call, and how it went.
 *
 * A REFER that was accepted has a state (RFC 3515 calls it event state): 100
 * until whoever does the work says how it went. It has no subscriber (nosub,
 * Refer-Sub: false), one by itself (in the dialog of the REFER), or those that
 * SUBSCRIBE to the address which the answer named (explicitsub). The state
 * stays for RETAIN_US after its end: a SUBSCRIBE may come late, and it is
 * also what limits a client, to REFER_CLIENT_MAX in that time.
 *
 * Nothing of this survives a restart of the role: the call or hand-over is
 * then reported as failed in the catalog, and a SUBSCRIBE gets 404 or 481.
 *
 * Source: RFC 3515, 4488, 6665, 7614, 7647 (200 instead of 202).
 */
#ifndef SRS_SESSION_REFER_H
#define SRS_SESSION_REFER_H

#include <stdbool.h>
#include <stddef.h>

struct command;
struct gate_snapshot;
struct refer;
struct session;
struct sip_server;
struct ua_dialog;
struct ua_request;

#define REFER_MAX 1024u	     /* states at a time */
#define REFER_CLIENT_MAX 32u /* of one client */
#define REFER_SUBSCRIBERS 4u /* of one state */
#define REFER_KEY_LEN 32u    /* hex digits, nobody guesses them */
#define REFER_EXTENSIONS "norefersub, nosub, explicitsub"

/* ---- refer.c: the requests ---- */

/** Outside of a dialog. */
void session_on_refer(struct sip_server *sv, struct ua_request *req);
/** In the dialog of a recording session. */
void refer_on_within(struct session *s, struct ua_request *req);

/* ---- refer_state.c ---- */

/** @return 0, -EBUSY too many of them, -ENOMEM */
int refer_create(struct sip_server *sv, const struct gate_snapshot *who,
		 struct refer **ret_refer);
/** Names it in the address to subscribe to. */
const char *refer_key(const struct refer *r);
/** Its sender's dialog, made of the REFER; taken. 0 or -ENOMEM
 *  @param with who that is, copied */
int refer_add_dialog(struct refer *r, struct ua_dialog **dialog,
		     const struct gate_snapshot *with);
/** The sender's recording session; NOTIFYs name the REFER's CSeq. The same */
int refer_add_session(struct refer *r, struct session *s, unsigned cseq);
/** The first NOTIFYs, once the REFER is answered. */
void refer_tell(struct refer *r);
/** NOTIFY whoever wants to know: it goes on (1xx). NULL refer: nothing */
void refer_progress(struct refer *r, int status);
/** The same, and that is the end of it. *refer may be NULL, and is then */
void refer_end(struct refer **refer, int status);
/** @param state enum command_state @param status 0: what that state means */
void refer_end_state(struct refer **refer, int state, int status);

/** SUBSCRIBE outside of a dialog, and in that of a recording session. */
void session_on_subscribe(struct sip_server *sv, struct ua_request *req);
void refer_on_subscribe_within(struct session *s, struct ua_request *req);
/** The session's dialog is about to go: who still waits for NOTIFYs in it
 *  takes it over (s->dialog is then NULL). */
void refer_keep_dialog(struct session *s);
/** Every tick of the watch. */
void refer_watch(struct sip_server *sv);
/** All of them, before the agent ends. */
void refer_drop_all(struct sip_server *sv);

/* ---- handover.c: a running session goes to another node ---- */

/** Is it in [sip] nodes? @return what is wrong with uri, or NULL */
const char *handover_check(const struct sip_server *sv, const char *uri,
			   bool *ret_listed);
/** Command "hand-over" ({"to": URI}); how it went is written to it.
 *  @param refer taken when it was begun; NULL: nobody to tell
 *  @return true: the call is not up yet, look again */
bool handover_start(struct sip_server *sv, const struct command *c,
		    struct refer **refer);
/** Is one under way, or done? Then the client's BYE is its end. */
bool handover_ends(const struct session *s);
void handover_watch(struct sip_server *sv);
void handover_drop_all(struct sip_server *sv);

#endif
