/* srs/call/call.h - a SIPREC recording client: places calls as an SBC would.
 *
 * For the demo, for tests, and for providers who integrate. Each call is a
 * real SIP dialog (INVITE with SDP and rs-metadata, re-INVITE for hold, UPDATE
 * for metadata, BYE) and real RTP, paced in real time, one stream per
 * participant. It never retries: a 401 or 403 is reported as it came.
 *
 * Blocks until the last call has ended; one process, one thread, its own loop.
 * Only one batch at a time.
 *
 * Source: RFC 7866, 7865, 3261, 3264, 3550, 4028, 8898.
 */
#ifndef SRS_CALL_CALL_H
#define SRS_CALL_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "media/srtp.h"

struct err;

#define CALL_PARTIES_MAX 16
#define CALL_CHANGES_MAX 16
#define CALL_COUNT_MAX 10000

enum call_transport { CALL_UDP, CALL_TCP, CALL_TLS };

struct call_dialect;

struct call_party {
	const char *aor;
	const char *name; /* NULL = none */
	const char *wav;  /* 16 bit PCM; NULL: a tone, 440 Hz for the first
			   * party, 880 Hz for the second and so on */
};

/* Somebody joins without a stream of their own, or leaves. */
struct call_change {
	int64_t at_us; /* after the answer */
	bool leave;
	const char *aor;
};

/* Everything about the calls of a batch; strings are borrowed. */
struct call_spec {
	const char *to;	   /* "sip:rec@127.0.0.1:5060" */
	const char *token; /* NULL: no Authorization header */
	const char *codec; /* "PCMU", "PCMA", "G722" or "opus" */
	/* whose way of speaking; NULL: RFC 7866's. One with two_ends makes a
	 * dialog for each of exactly two parties: n_calls counts dialogs. */
	const struct call_dialect *dialect;
	enum call_transport transport;
	/* folder with cafile.pem (the server is verified) and perhaps
	 * agent.pem (our certificate and key); NULL: nothing is verified */
	const char *tls_dir;
	unsigned n_parties;
	struct call_party parties[CALL_PARTIES_MAX];
	unsigned n_changes;
	struct call_change changes[CALL_CHANGES_MAX];
	int64_t duration_us;  /* from the answer to BYE */
	int64_t hold_from_us; /* negative: no hold */
	int64_t hold_to_us;
	const char *dtmf;    /* keys that the first party presses, instead of
			      * talking; NULL = none. Checked by dtmf_event() */
	int64_t dtmf_at_us;  /* when the first one is */
	double loss_percent; /* RTP packets that are not sent */
	bool reorder;	     /* one packet in ten leaves after the next */
	/* a key of it in each line of the offer; CLEAR = RTP/AVP */
	enum srtp_suite srtp;
	unsigned n_calls;
	double rate; /* new calls a second; 0 = all at once */
};

struct call_stream_result {
	uint64_t packets; /* sent */
	uint64_t dropped; /* by loss_percent */
	uint64_t late;	  /* by reorder */
};

struct call_result {
	int status;  /* of the INVITE; 0 = never answered */
	bool local;  /* the status is ours: nobody could be reached */
	bool failed; /* the answer could not be used */
	char reason[96];
	char warning[256];   /* Warning, Retry-After */
	char challenge[512]; /* WWW-Authenticate */
	char body[1024];     /* of a refusal */
	char call_id[128];   /* of the first dialog */
	unsigned restarts;   /* dialogs after it (see dialect.h) */
	char ended[160];     /* the server ended it: its Reason, or "BYE" */
	unsigned pauses;     /* by the server */
	int change_status;   /* worst answer to re-INVITE or UPDATE, 0 = none */
	int bye_status;
	double seconds; /* between answer and end */
	unsigned n_streams;
	struct call_stream_result streams[CALL_PARTIES_MAX];
};

enum call_event {
	CALL_STARTED,
	CALL_ANSWERED,
	CALL_REFUSED,
	CALL_HELD,
	CALL_RESUMED,
	CALL_PAUSED, /* by the server: nothing is sent */
	CALL_UNPAUSED,
	CALL_CHANGED, /* metadata was updated */
	CALL_ENDED,
};

/** @param index which call of the batch */
typedef void call_event_fn(void *arg, unsigned index, enum call_event ev,
			   const struct call_result *result);

/**
 * Place all calls and wait for their ends.
 *
 * @param on_event    may be NULL
 * @param stop        set to non-zero (by a signal handler): all calls end
 *                    with BYE; may be NULL
 * @param ret_results spec->n_calls elements
 *
 * @return 0 when all were tried (look at the results), or -EINVAL, -ENOENT
 *         (spec, WAV file or name; e says what), -ENOMEM, or a socket's errno
 */
int call_run(const struct call_spec *spec, call_event_fn *on_event, void *arg,
	     volatile int *stop, struct call_result *ret_results,
	     struct err *e);

/** @return whether the call was accepted and ended as planned */
bool call_result_ok(const struct call_result *r);

#endif
