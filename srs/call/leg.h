/* srs/call/leg.h - one call of a batch: its dialog, streams and timeline.
 *
 * INVITE, then from the answer on: media, hold and resume by re-INVITE,
 * joining and leaving by UPDATE, a session refresh when the server wants one,
 * BYE at the end. Requests of ours in the dialog follow one another.
 */
#ifndef SRS_CALL_LEG_H
#define SRS_CALL_LEG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "srs/call/call.h"
#include "srs/call/rtp.h"
#include "srs/call/ua.h"
#include "srs/siprec/answer.h"

struct call_dialect;
struct call_voice;

#define CALL_ID_MAX 40 /* of what metadata describes */

/* What all calls of a batch share; outlives them. */
struct call_batch {
	const struct call_spec *spec;
	struct call_ua *ua;
	struct sockaddr_storage local;
	char local_ip[SDP_ADDR_MAX];
	struct call_voice *voices[CALL_PARTIES_MAX];
	struct call_voice *mixed; /* of all, for a dialect with one line */
	const struct call_dialect *dialect;
	uint32_t refci; /* CUCM's number of the first call */
	call_event_fn *on_event;
	void *arg;
};

enum call_state { LEG_NEW, LEG_INVITING, LEG_UP, LEG_ENDING, LEG_DONE };

/* Owner: call.c. Fields private to call_leg*.c, but for state, due and
 * result. */
struct call_leg {
	const struct call_batch *batch;
	unsigned index;
	unsigned first;	  /* party of the first line */
	unsigned n_lines; /* m-lines; parties without one are named only */
	enum call_state state;
	struct call_result *result;
	struct call_dialog *dialog;
	struct answer_origin origin;
	struct offer_line lines[CALL_PARTIES_MAX];
	struct call_rtp rtp[CALL_PARTIES_MAX];
	struct srtp_params keys[CALL_PARTIES_MAX]; /* ours; CLEAR = none */
	bool granted[CALL_PARTIES_MAX]; /* lines that the server accepted */
	bool muted[CALL_PARTIES_MAX];	/* that it does not want now */
	char ids[CALL_PARTIES_MAX][2][CALL_ID_MAX]; /* participant, stream */
	char joined_ids[CALL_CHANGES_MAX][CALL_ID_MAX];
	char session_id[CALL_ID_MAX], group_id[CALL_ID_MAX];
	char correlation[33]; /* hexadecimal, for header fields */
	int64_t started_mono_us, answered_mono_us, start_wall_us;
	int64_t refresh_us; /* interval, 0 = none */
	int64_t refresh_mono_us;
	bool holding;	 /* what the last offer said */
	bool begun;	 /* an inactive first offer was followed up */
	bool hold_done;	 /* the planned hold is over */
	bool busy;	 /* a request of ours waits for its answer */
	bool restarting; /* BYE is sent, an INVITE follows */
	unsigned n_done; /* planned changes */
};

extern const struct call_ua_events call_leg_events;

/** Open sockets and send INVITE. On an error the call is DONE and the result
 *  says so. */
void call_leg_start(struct call_leg *l, int64_t now_mono_us,
		    int64_t now_wall_us);
/** Send what is due; @param stop end now. */
void call_leg_tick(struct call_leg *l, int64_t now_mono_us, int64_t now_wall_us,
		   bool stop);
/** @return when call_leg_tick() has something to do */
int64_t call_leg_due(const struct call_leg *l);
void call_leg_fini(struct call_leg *l);

/* ---- bodies: srs/call/body.c ---- */

/* Somebody who takes part now. */
struct call_person {
	const char *aor, *name, *id;
	int line; /* m-line that carries them, -1 = none */
};

#define CALL_PEOPLE_MAX (CALL_PARTIES_MAX + CALL_CHANGES_MAX)

/** Who takes part: the parties, and where a dialect restarts the dialog also
 *  who came and went; a newcomer takes the line of who left.
 *  @return number of people */
unsigned call_people(const struct call_leg *l,
		     struct call_person people[CALL_PEOPLE_MAX]);
/** @return whether anybody is on that line */
bool call_line_used(const struct call_leg *l, unsigned line);

struct buf;

/** SDP and complete metadata. @return 0, -ENOMEM, -ENOBUFS, -EINVAL */
int call_body_invite(struct call_leg *l, struct buf *out);
/** SDP only. */
int call_body_sdp(struct call_leg *l, struct buf *out);
/** The answer to an offer of the server: what was granted and muted. */
int call_body_answer(struct call_leg *l, const struct offer_result *res,
		     struct buf *out);
/** Partial metadata of change n. */
int call_body_change(struct call_leg *l, unsigned n, int64_t now_wall_us,
		     struct buf *out);

#endif
