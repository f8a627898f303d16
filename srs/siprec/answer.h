/* srs/siprec/answer.h - what we say to an offer, and what an answer to ours
 * says.
 *
 * The contract that every client depends on: as many m-lines as the offer in
 * its order, a refused one with port 0; labels echoed byte by byte; recvonly
 * (inactive for inactive); payload types as offered, one audio codec plus
 * telephone-event (text: t140 and its redundancy); rtcp-mux only if offered; a
 * valid c=. Done in two steps, because the ports come from the capture role in
 * between:
 *
 *	answer_plan()   offer + what the gate permits -> chosen codecs
 *	answer_print()  plan + ports + our origin     -> SDP text
 *
 * Pure, except that answer_print() keeps the origin's version. No I/O.
 * Source: RFC 3264, 4568 section 5.1.2, 7866 section 7, 8866.
 */
#ifndef SRS_SIPREC_ANSWER_H
#define SRS_SIPREC_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "srs/siprec/sdp.h"

struct buf;
struct warn_list;

enum answer_why {
	ANSWER_ACCEPTED,
	ANSWER_OFFERED_ZERO,  /* the offer has port 0 */
	ANSWER_NOT_PERMITTED, /* the gate said no to line or its codecs */
	ANSWER_NO_CODEC,      /* nothing in it that we record */
	ANSWER_NO_PROTO,      /* a transport we do not speak */
	ANSWER_NOT_AUDIO,     /* a kind of media we do not record */
	ANSWER_TWIN,	      /* same label and stream as an accepted line */
	ANSWER_NO_KEYS,	      /* SRTP without a key that we can use */
	ANSWER_IN_CLEAR,      /* RTP in clear where SRTP is required */
	ANSWER_TOO_MANY,      /* beyond max_audio or ANSWER_STREAMS_MAX */
};

/* [media] srtp: what is done about lines of SRTP. */
enum answer_srtp {
	ANSWER_SRTP_PREFERRED, /* taken; wins over a twin in clear */
	ANSWER_SRTP_REQUIRED,  /* the only thing that is taken */
	ANSWER_SRTP_OFF,       /* refused */
};

/* What the gate permits for one m-line; bit i of pts is pts[i] of the line. */
struct answer_permit {
	bool permit;
	uint32_t pts;
};

#define ANSWER_PTS_ALL UINT32_MAX
#define ANSWER_MORE_MAX 4
/* Lines further back are refused. */
#define ANSWER_STREAMS_MAX 32u

struct answer_line {
	enum answer_why why;
	enum sdp_dir dir; /* of the answer: RECVONLY or INACTIVE */
	int8_t audio;	  /* codec, or t140 of a text line: index into the
			   * line's pts, -1 = none */
	int8_t red;	  /* redundant t140 (RFC 2198), -1 = none */
	int8_t dtmf;	  /* telephone-event, -1 = none */
	int8_t cn;	  /* comfort noise at the codec's rate, -1 = none */
	/* other codecs that are permitted and recorded: not in the answer, but
	 * taken from clients that change to them without asking */
	uint8_t n_more;
	int8_t more[ANSWER_MORE_MAX];
	bool rtcp_mux;
	enum sdp_record record; /* caller: said to clients that are aware */
	uint16_t rtp_port;	/* caller fills before printing; even, not 0 */
	uint16_t rtcp_port;
	/* caller, before printing: our key of a line of SRTP; borrowed */
	const struct srtp_params *srtp;
};

struct answer {
	unsigned n_lines; /* as the offer */
	unsigned n_accepted;
	unsigned n_active;	 /* accepted and not on hold */
	bool codec_refused;	 /* a line failed for codec or transport: 488 */
	bool permission_refused; /* a line failed for permission: 403 */
	struct answer_line lines[SDP_LINES_MAX];
};

/**
 * Choose per line.
 *
 * @param permits   one per m-line of the offer, NULL = everything
 * @param max_audio most audio lines that are accepted (32), and text lines;
 *                  of the first ANSWER_STREAMS_MAX lines
 * @param srtp      SRTP (RFC 4568) or not
 * @param wl        what was refused and why; may be NULL
 */
void answer_plan(const struct sdp *offer, const struct answer_permit *permits,
		 unsigned max_audio, enum answer_srtp srtp,
		 struct warn_list *wl, struct answer *ret_answer);

/* Our side of o=; lives as long as the dialog (kept in its restore data). */
struct answer_origin {
	uint64_t id;	  /* set once, below 2^62 */
	uint64_t version; /* grows when the text changes, and only then */
	uint64_t hash;	  /* of the last text, 0 = none yet */
	char addr[SDP_ADDR_MAX]; /* our media address, IPv4 or IPv6 literal */
	const char *user;	 /* of o=; NULL = "srs" */
};

/** @param seed makes the id: any number, for example wall microseconds */
void answer_origin_init(struct answer_origin *o, uint64_t seed,
			const char *addr);

/**
 * Append the answer. An unchanged answer is the same bytes again (a session
 * refresh must change nothing).
 *
 * @return 0, -EINVAL (an accepted line without port or its key, address not a
 *         literal), or the buffer's error
 */
int answer_print(const struct sdp *offer, const struct answer *a,
		 struct answer_origin *o, struct buf *out);

/**
 * Our last text again, with every line inactive (and a=record:paused where it
 * says on) or as it was; the version grows when that makes another text than
 * the last one.
 *
 * @param text what answer_print() made
 * @return 0, -EINVAL (not such a text), or the buffer's error
 */
int answer_reprint(const char *text, bool inactive, struct answer_origin *o,
		   struct buf *out);

/**
 * Append what we would like to be offered, as if the client had said it: audio
 * lines with PCMU, PCMA, opus, G722, G729 and telephone-event, without
 * addresses. For an
 * INVITE that came without an offer: the wish is judged like a client's offer,
 * then printed as ours by answer_print_offer().
 *
 * @param labels one per line, tokens of RFC 4574
 * @return 0 or the buffer's error
 */
int answer_print_wish(const char *const *labels, unsigned n, struct buf *out);

/**
 * An offer of our own: every payload type of the wish's accepted lines,
 * recvonly. It goes into the 200, the client's answer comes in the ACK
 * (RFC 3264, RFC 3261 section 13.2.1). Errors as answer_print().
 */
int answer_print_offer(const struct sdp *wish, const struct answer *a,
		       struct answer_origin *o, struct buf *out);

#define OFFER_SRTP_TAG 1u

/* One stream of an offer made by our own client. */
struct offer_line {
	char label[SDP_LABEL_MAX];
	const char *codec; /* "PCMU", "PCMA", "opus", "G722" */
	uint8_t pt;
	uint16_t rtp_port;
	uint16_t rtcp_port;
	enum sdp_dir dir; /* SENDONLY or INACTIVE */
	bool dtmf;	  /* also offer telephone-event (pt 101) */
	bool refused;	  /* port 0: in an answer of ours */
	const struct srtp_params *srtp; /* our key: RTP/SAVP; NULL = clear */
};

/** The offer of a recording client, or its answer to an offer of the same
 *  lines. Errors as answer_print(). */
int offer_print(const struct offer_line *lines, unsigned n,
		struct answer_origin *o, struct buf *out);

/* What the answer says to one line of our offer. */
struct offer_result {
	bool accepted;
	bool inactive;
	bool rtcp_mux;
	uint8_t pt;		 /* of the chosen audio codec */
	uint8_t dtmf_pt;	 /* of telephone-event, 0 = not accepted */
	struct srtp_params srtp; /* theirs, where we offered some */
	struct sockaddr_storage rtp;
	struct sockaddr_storage rtcp;
};

/**
 * Hold an answer against our offer.
 *
 * @return number of accepted lines, or -EPROTO with the reason as a warning
 *         (number of lines, a label or a payload type that was not offered,
 *         another tag or suite of SRTP, or none)
 */
int offer_read_answer(const struct offer_line *lines, unsigned n,
		      const struct sdp *answer, struct warn_list *wl,
		      struct offer_result *ret_results);

#endif
