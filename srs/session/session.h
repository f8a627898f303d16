/* srs/session/session.h - the sip role's own: the server and its sessions.
 *
 * A session is one SIP dialog, one capture session and one catalog row with
 * the same id. This header is for srs/session/, srs/recover.c and
 * srs/sip_role.c only.
 *
 *	OPENING --CAP_OPENED--> ACCEPTING --commit--> LIVE --end--> CLOSING
 *	   |                        |                                 |
 *	   +-- error, CANCEL -------+--> DISCARDING            CAP_CLOSED
 *	                                     |                        |
 *	                                  CAP_CLOSED               FINISHED
 *	                                     +-----> freed <-- notes written
 *
 * RESUMING is LIVE after a restart of sip or capture, before capture has said
 * that it has the session.
 *
 * Role: sip, single thread.
 */
#ifndef SRS_SESSION_SESSION_H
#define SRS_SESSION_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/auth.h"
#include "auth/grants.h"
#include "base/buf.h"
#include "base/id.h"
#include "base/log.h"
#include "base/loop.h"
#include "media/capture_msg.h"
#include "srs/gate/gate.h"
#include "srs/sip/timer.h"
#include "srs/sip/ua.h"
#include "srs/siprec/answer.h"
#include "srs/siprec/body.h"
#include "srs/siprec/metadata.h"
#include "srs/siprec/warn.h"

struct command;
struct db;
struct handover;
struct ipc;
struct metric;
struct refer;
struct role;
struct settings;

#define SESSION_BUCKETS 1024u
#define SESSION_AUDIO_MAX 32u
/* What a session may keep of its signalling; the rest is counted. */
#define SESSION_MESSAGES_MAX 2000u
/* Of these at most so many that the stack handled alone: anybody may send
 * nonsense that names a call. */
#define SESSION_STRAYS_MAX 200u
/* What a session is restored from, sealed (base64). */
#define SESSION_STATE_MAX (768u * 1024u)
#define SESSION_NOTES_BYTES (512u * 1024u)
/* Retry-After of every 503 that will pass by itself. */
#define SESSION_RETRY_S 5

enum session_state {
	SESSION_OPENING,
	SESSION_ACCEPTING,
	SESSION_LIVE,
	SESSION_RESUMING,
	SESSION_CLOSING,
	SESSION_DISCARDING,
	SESSION_FINISHED,
};

enum note_kind { NOTE_MESSAGE_IN, NOTE_MESSAGE_OUT, NOTE_WARNING, NOTE_EVENT };

/* Something for the catalog that may wait for the next commit. */
struct note {
	struct note *next;
	enum note_kind kind;
	enum ua_transport transport;
	enum warn_severity severity;
	int16_t participant, stream; /* events */
	int64_t at_us;
	char peer[UA_PEER_MAX]; /* messages */
	char word[40];		/* code or kind */
	size_t len;
	char text[]; /* NUL-terminated */
};

/* A stream as capture knows it, and whose it is. */
struct session_stream {
	struct cap_stream cap;
	uint16_t rtcp_port;
	uint8_t record;	 /* enum sdp_record: the client's last word */
	uint8_t pref;	 /* enum sdp_pref: its wish; stays until another one */
	int participant; /* ord, -1 = unknown or several,
			  * RECORDING_STREAM_MIX */
	unsigned n_senders; /* everybody who is heard in it: ords */
	unsigned senders[METADATA_SENDERS_MAX];
};

/* What was planned for an INVITE or UPDATE, until capture has the ports. */
struct session_change {
	struct sdp *sdp;
	char *offer;
	struct answer answer;
	struct session_stream *streams;
	unsigned n_streams;
	struct sip_timer timer;
	bool sent;	  /* waits for CAP_OPENED */
	bool wish;	  /* sdp is what we wish for: we offer */
	bool answers_sdp; /* the request brought an offer */
	bool aware;	  /* the client reads a=record */
};

struct session {
	struct sip_server *sv;
	struct session *next;	     /* bucket */
	struct session *turn_next;   /* touched in this turn */
	struct session *settle_next; /* told about the commit */
	bool in_turn;
	struct id id;
	enum session_state state;
	struct log log;
	struct ua_dialog *dialog;    /* NULL once the BYE is through */
	struct ua_request *invite;   /* the first INVITE, until answered */
	struct ua_request *change;   /* re-INVITE or UPDATE being worked on */
	struct ua_request *held;     /* a change that has to wait for us */
	struct ua_request *bye;	     /* the client's BYE, until finished */
	struct session_change *plan; /* of invite or change */

	/* agreed */
	struct gate_snapshot snap;
	struct answer_origin origin;
	struct sip_timer timer;
	char *offer;  /* the client's last SDP */
	char *answer; /* our last SDP */
	struct session_stream *streams;
	unsigned n_streams;
	struct metadata *people;
	unsigned *ords; /* of people->participants[i] */
	unsigned n_ords, next_ord;
	int64_t retention_days;
	char *extra; /* JSON object: correlation headers and the like */

	/* times; monotonic, INT64_MAX = never, unless named wall */
	int64_t started_wall_us;
	int64_t started_us;
	int64_t expires_us;   /* session timer */
	int64_t refresh_us;   /* we have to refresh */
	bool refreshing;      /* our UPDATE waits for its answer */
	int64_t max_end_us;   /* max_duration */
	int64_t ends_wall_us; /* not_after, end of a time window */
	char ends_why[16];
	int64_t metadata_due_us; /* wait for metadata */
	bool described; /* was within the conditions with those named */
	int64_t ack_due_us;
	int64_t prack_due_us;  /* our 183 should be confirmed by then */
	int64_t answer_due_us; /* our offer got none: media must come */
	int64_t active_us;     /* last media or signalling */
	int64_t media_us;      /* last media, when packets > 0 */
	int64_t asked_us;      /* OPTIONS sent because of silence, 0 = no */
	int64_t close_due_us;  /* CAP_CLOSED must have come */
	int64_t bye_due_us;    /* answer the client's BYE at the latest */

	/* paused by us: pause.c */
	bool paused;
	bool aware;		 /* the client reads a=record */
	bool told_paused;	 /* what we asked the client last */
	bool inviting;		 /* our re-INVITE waits for its answer */
	int64_t invite_again_us; /* ask (again) then */
	uint64_t mute_seq;	 /* of the CAP_UPDATE, 0 = answered */
	int64_t command;	 /* waits for capture, 0 = none */
	char command_actor[64];

	/* called by us: dialout.c */
	bool dialing;	       /* until the answer is in the catalog */
	bool dial_waits;       /* for participants, once answered */
	unsigned dial_streams; /* most audio lines that are taken */
	struct refer *refer;   /* how that is told, NULL = nobody asks */
	int dial_status;       /* of the final answer, 0 = none came */
	char *replaces;	       /* the dialog that it replaces, as in Replaces */

	/* to another node: handover.c; NOTIFYs in our dialog: refer_state.c */
	bool replaces_ok; /* the client supports Replaces */
	bool handed_over;
	unsigned n_refer_subs; /* that use the dialog */

	/* asked for a description: snapshot.c */
	bool snapshot_ok;	  /* the client answers that */
	bool snapshot_draft;	  /* in the form of before RFC 7866 */
	bool snapshot_asked;	  /* our UPDATE waits for its answer */
	unsigned snapshots;	  /* how often we asked */
	const char *snapshot_why; /* we should, NULL = no need */
	int64_t snapshot_us;	  /* then */

	/* at its end */
	enum grant_live_state news; /* of the grant, not acted on yet */
	char end_reason[32];
	int64_t ended_wall_us;
	char spool_file[96];
	uint64_t packets;
	bool packets_known; /* capture has told the total */
	bool told_ack;	    /* of an odd ACK, by a warning */
	bool told_refused;  /* of a request in the dialog, by a warning */
	bool row;	    /* the catalog has (or gets in this turn) the row */
	bool row_committed;
	bool finishing; /* finished in this turn, not committed yet */
	bool bye_sent;	/* by us, the answer is still to come */
	bool resume_asked;
	const char *resume_code; /* warning when capture has it again */
	uint64_t open_seq;	 /* of the last CAP_OPEN or CAP_UPDATE */
	bool offered;		 /* by us; the ACK brings the answer */
	bool ahead;		 /* capture takes what comes, held or not */
	bool rejudge;		 /* people changed while it could not be */
	bool wished;		 /* that was the INVITE's; not answered yet */
	char *late_answer;	 /* to it, waits until it can be judged */
	bool unwanted;		 /* nothing of it may be kept */
	bool drop_spool;	 /* nothing in it: remove after the commit */

	enum cond_direction direction; /* as judged; ANY = not known */

	struct note *notes, **notes_end;
	size_t notes_bytes;
	unsigned n_messages;
	unsigned n_strays; /* of these, handled by the stack alone */
};

/* Answers that wait for the commit. */
struct turn_answer {
	struct turn_answer *next;
	struct ua_request *req;
	struct session *s; /* may be NULL */
	int status;
	const char *phrase; /* static */
	char *headers;
	const char *content_type; /* static */
	char *body;
	size_t body_len;
};

struct turn {
	bool open;
	bool poke;   /* look at the touched ones soon, commit or not */
	bool failed; /* a write failed: nothing of it may be committed */
	int64_t opened_us;
	int64_t urgent_us;    /* an answer waits, not to BYE; 0 = none */
	int64_t committed_us; /* last one */
	struct turn_answer *answers, **answers_end;
	struct session *touched;
	struct session *settle;
	int64_t notes_since_us; /* oldest note that waits, 0 = none */
};

/* Everything that is looked at for one request; too big for the stack. */
struct intake {
	struct body body;
	struct sdp *sdp;
	bool aware;	     /* lists record-aware */
	char *wish;	     /* text of sdp when the client offered nothing */
	struct metadata *md; /* as sent */
	int sdp_error, md_error;
	struct warn_list warnings;
	struct span credentials[8];
	struct bearer bearer;
	enum bearer_result bearer_result;
	struct call_facts facts;
	struct identity people[METADATA_PARTICIPANTS_MAX];
	struct gate_request gate;
	char address[64];
	struct answer_permit permits[SDP_LINES_MAX];
	struct answer answer;
	struct md_owner owners[SDP_LINES_MAX];
	struct warn_list scratch;
	char strict_error[WARN_DETAIL_MAX + 80]; /* "" = none */
};

struct sip_server {
	struct role *role;
	const struct settings *set;
	struct loop *loop;
	struct clock *clock;
	struct ua *ua;
	struct db *db;
	struct auth auth;
	struct gate *gate;
	struct ipc *capture;
	uint64_t capture_seq;
	bool capture_ready; /* resumed and synced */
	bool disk_low;
	struct session *buckets[SESSION_BUCKETS];
	unsigned n_sessions; /* all states */
	unsigned n_resuming; /* of these not asked or not answered yet */
	unsigned n_asked;
	struct turn turn;
	struct intake *in;
	struct metadata *nobody;   /* an empty description */
	struct cap_open *open_msg; /* scratch */
	struct loop_timer watch, sweep, commands;
	int64_t change_counter, grants_epoch;
	int64_t commands_counter; /* of the change counter, when last seen */
	bool commands_left;	  /* one has to wait */
	struct refer *refers;	  /* refer_state.c */
	unsigned n_refers;
	struct handover *handovers; /* handover.c */
	bool ready_told, draining, drained_told;
	int64_t drain_end_us;
	char node[256];
	char spool_dir[600];
	struct metric *m_live, *m_calls_ok, *m_calls_refused;
};

/* ---- session.c: life ---- */

int64_t session_mono_us(const struct sip_server *sv);
int64_t session_wall_us(const struct sip_server *sv);
/** A new one in state OPENING. @param id NULL: make one. 0 or -ENOMEM */
int session_create(struct sip_server *sv, const struct id *id,
		   struct session **ret_s);
void session_destroy(struct session **sp);
struct session *session_find(struct sip_server *sv, const char *id);
typedef void session_fn(struct session *s, void *arg);
/** fn may destroy the session it is given. */
void session_each(struct sip_server *sv, session_fn *fn, void *arg);
/** Calls that count against the limit. */
unsigned session_count_live(const struct sip_server *sv);
/** End a live one: BYE (with this Reason text) unless the client sent one,
 *  close at capture, then finish. Repeating it does nothing. */
void session_end(struct session *s, const char *reason, int cause,
		 const char *text);
/** Send a request in the dialog and keep its text. @return as
 *  ua_dialog_send() */
int session_send(struct session *s, enum ua_method m, const char *headers);
int session_send_body(struct session *s, const struct ua_send *m);
/** All of them, at shutdown. */
void session_end_all(struct sip_server *sv, const char *reason, int cause,
		     const char *text);
/** Throw one away that was not accepted. */
void session_discard(struct session *s);
/** Capture has closed it: write the end, or free what was discarded. */
void session_closed(struct session *s, const struct cap_closed *c);
/** Commit went through (ok) or not, for every session touched in it. */
void session_committed(struct session *s, bool ok);
/** Client's own actions count as life. */
void session_touch_activity(struct session *s);

/* ---- turn.c: one transaction a turn ---- */

/** Begin the turn's transaction unless it is open. 0 or -errno */
int turn_begin(struct sip_server *sv);
/** Remember that s changes with this turn's commit. */
void turn_touch(struct session *s);
/** An error of a write: the turn will not be committed. @return r */
int turn_check(struct sip_server *sv, int r);
/** Queue an answer for after the commit; everything is copied but phrase and
 *  content_type. */
void turn_answer(struct sip_server *sv, struct session *s,
		 struct ua_request *req, const struct ua_answer *a);
/** Forget what waits for this request. */
void turn_forget(struct sip_server *sv, const struct ua_request *req);
/** Destroy the session's dialog; answers that wait for the commit are sent
 *  before, a 2xx to an INVITE or UPDATE becomes 503. */
void turn_drop_dialog(struct session *s);
/** Forget a session that is going away. */
void turn_forget_session(struct session *s);
/** End of a loop turn: commit when something urgent waits, then answer.
 *  @return milliseconds until it wants to be called again, -1 = whenever */
int turn_end(struct sip_server *sv, bool force);

void session_note_message(struct session *s, bool in, struct span text,
			  enum ua_transport t, const char *peer);
void session_note_request(struct session *s, const struct ua_request *req);
void session_note_warning(struct session *s, const char *code,
			  enum warn_severity sev, const char *detail);
void session_note_event(struct session *s, const char *kind, int participant,
			int stream, const char *text);
void session_note_warnings(struct session *s, const struct warn_list *wl);
void session_notes_drop(struct session *s);

/* ---- intake.c: what a request carries ---- */

/** Read body and credentials of req into sv->in; intake_fini() is due. */
void intake_read(struct sip_server *sv, struct ua_request *req);
void intake_fini(struct sip_server *sv);
/** Who sends it: fills sv->in->gate for gate_within(), nothing else. */
void intake_sender(struct sip_server *sv, struct ua_request *req);
/** Fill facts and gate request from what was read and these people. */
void intake_facts(struct sip_server *sv, struct ua_request *req,
		  const struct sdp *sdp, const struct metadata *people,
		  bool people_known);
/** Turn a verdict into permits for answer_plan(). */
void intake_permits(struct sip_server *sv, const struct gate_verdict *v,
		    unsigned n_lines);
/** Does this look like a recording client (SIPREC in any spelling)? */
bool intake_is_siprec(struct ua_request *req, const struct body *b);

/* ---- extra.c: what people find a call by in other systems ---- */

/**
 * Correlation headers, the ids of an emergency call, CUCM's refci and the
 * vendor fields of the metadata as one JSON object of texts, added to what is
 * known. Several values of one name are kept, separated by ", ".
 *
 * @param old such an object or NULL
 * @param req may be NULL
 * @param md  may be NULL
 * @return a new text; NULL: there is nothing, or no memory
 */
char *session_extra(const char *old, struct ua_request *req,
		    const struct metadata *md);
/** Read a change's request; what is new goes into the catalog (in the turn's
 *  transaction). */
void session_extra_take(struct session *s, struct ua_request *req);

/* ---- model.c: RFC 7865's model, and the call a leg belongs to ---- */

/** Write the model and find the call; the row is there. @param req the
 *  INVITE, NULL after a restart. 0 or -errno */
int session_model_store(struct session *s, struct ua_request *req);
/** People or streams have changed: end what is over, begin what is new. */
int session_model_change(struct session *s);

/* ---- offer.c: a client that leaves the offer to us ---- */

/** An INVITE without SDP: put into sv->in what we wish to be offered (a line
 *  for each stream of the metadata, at least one). */
void offer_wish(struct sip_server *sv, const struct ua_request *req);
/** Strike what is not permitted off the wish. */
void offer_narrow(struct intake *in);
/** The stream table as an offer of ours (all lines recvonly) becomes
 *  s->answer, for a re-INVITE without SDP. */
void offer_again(struct session *s);
/** Media may come before the ACK that resumes a held call (RFC 3264 5.1):
 *  capture takes it from now on, whatever the answer will be. */
void offer_ahead(struct session *s);
/** An answer without labels gets those of the streams it is for. */
void offer_keep_labels(const struct session *s, struct sdp *answer);

/* ---- parties.c: whom header fields name ---- */

/** Participants of a call without metadata: vendor headers, From and To. They
 *  have no names but CUCM's. @return 0 or -ENOMEM */
int intake_people(struct sip_server *sv, struct ua_request *req,
		  struct metadata *md, bool *ret_known);
/** What the header fields of a request in the dialog say of who takes part
 *  becomes its description, sv->in->md, if it is news; where the request has
 *  one the fields fill its names. @return 0 or -ENOMEM */
int parties_named_anew(struct session *s, struct ua_request *req);

/* ---- names.c: display names of header fields ---- */

/** Name those of md who have no name and are not known by one.
 *  @param md s->people, or a description that changes it; a partial one also
 *  gets the others who can be named now. @return 0 or -ENOMEM */
int names_fill(struct session *s, struct ua_request *req, struct metadata *md);
/** The product that the client is, "" = not said. */
struct span names_agent(struct ua_request *req);

/* ---- people.c: who takes part ---- */

struct people_trial {
	struct metadata *before;
	enum cond_direction direction; /* before */
	struct md_changes changes;
	bool incomplete;
};

/** What sv->in->md says becomes s->people, for now: nobody else is told.
 *  people_keep() or people_drop() is due. 0 or -ENOMEM */
int people_try(struct session *s, struct people_trial *t);
void people_drop(struct session *s, struct people_trial *t);
/** It counts: catalog and spool are told. */
void people_keep(struct session *s, struct people_trial *t);

/* ---- streams.c: SDP to capture's view; pure but for new keys ---- */

/**
 * @param old    streams as they are now (local ports and our keys are kept),
 *               n_old 0 = none
 * @param ret    room for CAP_STREAMS_MAX
 * @return number of streams: one per line, at most CAP_STREAMS_MAX
 */
unsigned streams_build(const struct sdp *offer, const struct answer *a,
		       const struct session_stream *old, unsigned n_old,
		       struct session_stream *ret);
/** What is done about lines of SRTP. @param t NULL: that of all */
enum answer_srtp streams_policy(const struct sip_server *sv,
				const struct gate_trunk *t);
/** Theirs from the last offer and ours from the last answer, after a restart.
 *  @return 0, -EBADMSG not these streams' texts */
int streams_restore_keys(struct session_stream *st, unsigned n,
			 const struct sdp *offer, const struct sdp *answer);
bool streams_have_keys(const struct session_stream *st, unsigned n);
void streams_wipe_keys(struct session_stream *st, unsigned n);
/** Equal in everything that capture must know. */
bool streams_equal(const struct session_stream *a, unsigned n_a,
		   const struct session_stream *b, unsigned n_b);
/** Whose stream it is and who is heard in it, by ord. */
void streams_attribute(struct session_stream *st, unsigned n,
		       const struct md_owner *owners, const unsigned *ords,
		       unsigned n_ords);
/** A stream that nobody is said to send any more keeps whom it was of: that is
 *  whom one hears in it. Nor does it become the mix of the others because they
 *  are all that is left: a mix is not mixed again, and it would be lost. */
void streams_keep_senders(struct session_stream *st, unsigned n,
			  const struct session_stream *old, unsigned n_old,
			  const struct md_owner *owners);
/** Copy capture's ports in. @return 0, -EPROTO one is missing */
int streams_take_ports(struct session_stream *st, unsigned n,
		       const struct cap_opened *o);
/** Ports and keys into the answer's lines; the keys are borrowed. */
void streams_fill_answer(const struct session_stream *st, unsigned n,
			 struct answer *a);

/* ---- trunk.c: what a trunk's settings change ---- */

/** What would be lost of the body that was read, into in->strict_error. */
void trunk_find_strict_error(const struct sip_server *sv, struct intake *in);
/** A warning when the client is not the product its trunk is set up for. */
void trunk_check_vendor(struct sip_server *sv, struct ua_request *req,
			const struct gate_trunk *t);
/** How strict capture is about where media comes from. */
void trunk_set_source(const struct gate_trunk *t, struct session_stream *st,
		      unsigned n);
/** Give ords anew, so that participants stand in the order of their streams'
 *  m-lines or labels; those without a stream of their own come last. */
void trunk_order_people(const struct gate_trunk *t, const struct sdp *sdp,
			const struct md_owner *owners, unsigned *ords,
			unsigned n_ords);

/* ---- state.c: to JSON and back; pure but for the dialog ---- */

/** The restore data of recording_set_dialog(). 0 or -errno */
int session_save(const struct session *s, struct buf *out);
/** Fill a new session from it (dialog included). 0, -EBADMSG, -ENOMEM */
int session_load(struct session *s, const char *json, size_t len);
/** The grant's owner? */
bool session_is_owner(const struct session *s, const struct md_participant *p);
/** Metadata for capture's spool. 0 or the buffer's error */
int session_meta_json(const struct session *s, struct buf *out);

/* ---- invite.c, dialog.c, change.c: requests ---- */

extern const struct ua_events session_events;

void session_on_request(void *arg, struct ua_request *req);
void session_on_cancelled(void *arg, struct ua_request *invite,
			  const struct ua_request *cancel);
void session_on_opened(struct session *s, const struct cap_opened *o);
/** Refuse with what the gate said. */
void session_refuse(struct sip_server *sv, struct session *s,
		    struct ua_request *req, const struct gate_verdict *v);
/** Header lines of that answer; it is counted and logged. */
void session_refusal(struct sip_server *sv, const struct session *s,
		     const char *method, const struct gate_verdict *v,
		     struct buf *h);
/** Is a request from whom a dialog is with? As ua_events.admit().
 *  @param s for the log, NULL = of no session */
int session_admit(struct sip_server *sv, const struct session *s,
		  const struct gate_snapshot *with, struct ua_request *req,
		  struct buf *headers);
/** 503 with Retry-After. */
void session_refuse_busy(struct sip_server *sv, struct session *s,
			 struct ua_request *req);
/** Set times from a verdict's judgement. */
void session_take_judgement(struct session *s, const struct gate_verdict *v);
/** Set the session timer anew. */
void session_take_timer(struct session *s, const struct sip_timer *t);
/** Headers of a 2xx to INVITE or UPDATE. */
void session_answer_headers(struct ua_request *req, const struct sip_timer *t,
			    struct buf *out);
/** 422 with Min-SE. */
void session_refuse_timer(struct sip_server *sv, struct session *s,
			  struct ua_request *req);
/** 488 with Warning 305. */
void session_refuse_media(struct sip_server *sv, struct session *s,
			  struct ua_request *req);
/** A plan from sv->in (its sdp is taken) for streams that go on from old.
 *  0 or -ENOMEM */
int session_plan(struct sip_server *sv, const struct session *old,
		 const struct sip_timer *t, struct session_change **ret_plan);
void session_plan_free(struct session_change **pp);
/** Give ords to participants that have none yet. 0 or -ENOMEM */
int session_take_people(struct session *s);
/** Participant and stream rows as they are now. 0 or -errno */
int session_put_person(struct session *s, unsigned index, int64_t joined_us);
int session_put_streams(struct session *s);

/** Our 200 was not confirmed in time: a warning while media comes, else the
 *  end. */
void session_ack_missing(struct session *s);
/** A warning when our 183 was required and is not confirmed. */
void session_check_prack(struct session *s);
void session_on_in_dialog(void *arg, struct ua_request *req);
/** A request that may change streams or people; it is answered. */
void session_change(struct session *s, struct ua_request *req);
/** What a BYE says about people is the last word on them: taken into the
 *  model. @return false: with these it was never authorized */
bool session_last_words(struct session *s, struct ua_request *req);
void session_on_changed(struct session *s, const struct cap_opened *o);
/** Capture has the session again, or a change of ours is through: what was
 *  held is looked at now. */
void session_on_resumed(struct session *s);
/** The gate's word on sv->in->sdp and s->people by the snapshot; gate_verdict
 *  _fini() is due. @param req NULL: nobody asked */
void session_judge(struct session *s, struct ua_request *req,
		   struct gate_verdict *v);
/** s->late_answer, as soon as the call is ready for it. */
void session_judge_answer(struct session *s);
/** Our offer got no answer: go on where media came all the same, or end. */
void session_answer_wait_over(struct session *s);
/** Take what sv->in->md says into the running call and judge it again. */
void session_take_metadata(struct session *s);
/** The same with what a body has, if it has a description.
 *  @param ack whose header fields may name people, or NULL */
void session_take_body(struct session *s, struct ua_request *ack,
		       struct span content_type, struct span body);
/** The client's answer to an offer of ours. */
void session_take_answer(struct session *s, struct span content_type,
			 struct span body);
/** The recording's row, with people and streams. 0 or -errno */
int session_create_row(struct session *s);
/** Write the restore data into this turn's transaction. */
void session_save_dialog(struct session *s);
/** Forget plan and request (which is answered already). */
void session_change_drop(struct session *s);
/** Judge a running call again (conditions narrowed, wait is over): goes on,
 *  narrows its streams, or ends it. */
void session_rejudge(struct session *s, bool wait_over);

/* ---- capture.c: the channel ---- */

/** The channel of a new capture process: every session is resumed. */
void capture_attach(struct sip_server *sv, int fd);
void capture_detach(struct sip_server *sv);
/** Make a session wait for capture to take it up again. */
void capture_want_resume(struct session *s, const char *warning_code);
/** @return 0, -EPIPE no channel */
int capture_open(struct session *s, const struct session_stream *st, unsigned n,
		 bool update, bool resume);
/** Make capture store (or not) what comes for the streams as they are or will
 *  be; answered by session_muted(). */
void capture_mute(struct session *s);
void capture_close(struct session *s, bool discard);
void capture_event(struct session *s, enum cap_event_kind kind, int stream,
		   const char *text, size_t len);

/* ---- prefs.c: a=record, a=recordpref ---- */

/** Read a=record and a=recordpref into a plan's streams and make the answer's
 *  a=record; old NULL for a new session. */
void prefs_plan(const struct sip_server *sv, const struct session *old,
		struct session_change *p);
/** @return whether the client's wish keeps this stream from being recorded */
bool prefs_mute(const struct sip_server *sv, const struct session_stream *st);
/** Tell the catalog what is different from before; old NULL: everything. */
void prefs_tell(struct session *s, const struct session_stream *old,
		unsigned n_old);

/* ---- pause.c: nothing is kept for a while ---- */

/* ---- who takes part may be said later (await.c) ---- */

/** Does the offer send nothing at all: every line inactive, on hold or gone?
 *  @param offer NULL = no */
bool await_is_idle(const struct sdp *offer);
/** Is anybody taking part now, as far as the client has said? */
bool await_are_known(const struct session *s);
/** Everybody has left, and the conditions need people: nothing is kept until
 *  somebody is named. */
bool await_is_between(const struct session *s);
/** May this session, with the offer in sv->in->sdp, go on with nobody? */
bool await_is_allowed(const struct session *s);
/** Begin or end waiting, as the verdict says. */
void await_set(struct session *s, const struct gate_verdict *v);
/** Has something been recorded for too long with nobody named? While nothing
 *  is, the time begins anew. */
bool await_is_over(struct session *s, int64_t now_us);

/** Stop or go on storing media, at once; the client is asked to stop sending
 *  where it lets us. Only LIVE or RESUMING. The command is answered when
 *  capture has done it. */
void session_pause(struct session *s, bool pause, int64_t command,
		   const char *actor);
/** Does the grant allow it? */
bool session_may_pause(const struct session *s);
/** Capture has done it (error 0) or not. */
void session_muted(struct session *s, int error);
/** Our SDP as the client should see it now. 0 or -errno */
int session_our_sdp(struct session *s, struct buf *out);
/** Mute these if the session is paused or between two calls. */
void session_mute_streams(const struct session *s, struct session_stream *st,
			  unsigned n);
/** The answer to a re-INVITE of ours. */
void session_invite_answered(struct session *s, const struct ua_response *res);
/** Every tick of the watch. */
void session_pause_watch(struct session *s, int64_t now);

/* ---- snapshot.c: asking for a complete description ---- */

/** Does the client that sent this INVITE answer such requests? */
void session_snapshot_offer(struct session *s, struct ua_request *req);
void session_snapshot_answers(struct session *s, const struct sip_fields *f);
/** This warning was given: is it a reason to ask? */
void session_snapshot_consider(struct session *s, const char *code);
/** Every tick of the watch. */
void session_snapshot_watch(struct session *s, int64_t now);
/** The answer to an UPDATE of ours. */
void session_snapshot_answered(struct session *s,
			       const struct ua_response *res);

/* ---- dialout.c: calls that we start ---- */

/** Command "record"; how it went is written to it. */
/** @param refer taken, or told why not; NULL: nobody to tell */
void dialout_start(struct sip_server *sv, const struct command *c,
		   struct refer **refer);
/** The final answer to our INVITE: what it offers is judged. */
void dialout_answered(struct session *s, const struct ua_response *res);
/** Capture has the ports. */
void dialout_opened(struct session *s, const struct cap_opened *o);
/** The catalog has it: the ACK goes out. Or could not take it: then BYE. */
void dialout_accepted(struct session *s);
void dialout_lost(struct session *s);
/** Give up one that is not accepted (CANCEL if need be). */
void dialout_failed(struct session *s, const char *detail);

/* ---- commands.c: what others ask of us ---- */

int commands_start(struct sip_server *sv);
/** Say how a command went, with an audit entry. */
void command_over(struct sip_server *sv, int64_t command, const char *kind,
		  const char *tenant_id, const char *recording_id,
		  const char *actor, int state, const char *detail);

/* ---- watch.c: time and grants ---- */

/** The answer to a request of ours: was it the refresh of the session timer?
 *  Source: RFC 4028 section 7.2, 7.4. */
void session_refreshed(struct session *s, const struct ua_response *res);

int watch_start(struct sip_server *sv);

/* ---- recover.c ---- */

/** Load the calls of this node that were live. 0 or -errno */
int recover_sessions(struct sip_server *sv);
/** A capture session nobody knows: keep it when it has packets. */
void recover_stray(struct sip_server *sv, const struct cap_closed *c);
/** Look through the spool folder for files without a catalog row. */
void recover_sweep(struct sip_server *sv);

#endif
