/* auth/conditions.h - what an owner agreed to, and whether a call is within it.
 *
 * Reads authorization_details of type "call_recording" (every field, every
 * pattern; an unknown field is an error that names its JSON path), judges a
 * call against it, checks that one is no wider than another, and says it in
 * plain English. Pure: no database, no clock, no SIP; the caller brings the
 * facts. The same judge serves live calls, the web page's dry run and
 * `srs grant test`. Any role, any thread; an object is never changed after
 * conditions_parse().
 *
 * How the fields are read where the schema leaves room:
 *
 *  - locations: met when user and host of the Request-URI are one of them; an
 *    IP address in the Request-URI says nothing about the name, then the user
 *    part alone counts. Facts without location: not judged.
 *  - owner.must_participate (default true): one of owner.aor is among the
 *    participants.
 *  - participants: without the object no limit on anybody; within it min is 2
 *    unless said. match "all": everyone but the owner matches allow; "any": at
 *    least one participant (the owner too) does. deny beats allow, for
 *    everybody. A participant without identity counts for min and max and
 *    matches no pattern.
 *  - direction: internal when everyone is in a domain of owner.aor; else
 *    outbound or inbound when the caller or not the caller is. Not known: the
 *    client did not say who called, and has not said so before in this call.
 *    direction_unknown says what that counts as: "any" of them, or "none"
 *    (default), which is outside anything but "any".
 *  - numbers are compared by the tenant's plan (base/number.h); one without
 *    country takes the country of the owner's numbers when these have one.
 *  - datatypes, media, srtp are judged for each stream: a stream outside is not
 *    permitted, the others are. Nothing left: violations.
 *  - media: a stream needs an entry of its kind with room (max_streams), its
 *    rate, when known, within max_kbps, and at least one real codec of the
 *    list (no list: all). telephone-event and comfort noise never decide.
 *  - srtp "required": only streams with SRTP; "as_call": a stream in clear is
 *    outside when the call itself is known to be encrypted.
 *  - time_windows: from <= local time < to on one of the days; to <= from goes
 *    on past midnight (the day is the one it began on); from = to is 24 hours.
 *  - announce "required": the client must say in this call that the parties
 *    are told; "client_asserts": it promised so once.
 *  - limits.region: judged where the node has one.
 *
 * Source: the call_recording.v1 JSON schema; RFC 9396.
 */
#ifndef AUTH_CONDITIONS_H
#define AUTH_CONDITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/codec_name.h"
#include "auth/identity.h"
#include "base/number.h"

struct buf;
struct err;
struct tzone;

#define COND_TEXT_MAX 65536 /* bytes of JSON accepted */
#define COND_AORS_MAX 16
#define COND_LOCATIONS_MAX 8
#define COND_PATTERNS_MAX 256
#define COND_MEDIA_MAX 8
#define COND_CODECS_MAX 32
#define COND_WINDOWS_MAX 32

enum cond_kind { COND_AUDIO, COND_VIDEO, COND_TEXT, COND_OTHER };
enum cond_match { COND_MATCH_ALL, COND_MATCH_ANY };
enum cond_direction { COND_DIR_ANY, COND_DIR_IN, COND_DIR_OUT, COND_DIR_INT };
enum cond_srtp { COND_SRTP_ANY, COND_SRTP_AS_CALL, COND_SRTP_REQUIRED };
enum cond_announce { COND_ANN_NONE, COND_ANN_CLIENT, COND_ANN_REQUIRED };

#define COND_ACT_RECORD 1u
#define COND_ACT_PAUSE 2u
#define COND_ACT_METADATA 4u

struct cond_media {
	enum cond_kind kind;
	struct codec_name codecs[COND_CODECS_MAX];
	unsigned n_codecs;    /* 0 = any */
	unsigned max_streams; /* 0 = no limit */
	unsigned max_kbps;    /* 0 = no limit */
};

struct cond_window {
	char tz[64];
	struct tzone *zone;
	unsigned days;	  /* bit 0 = Monday */
	int from_m, to_m; /* minutes of the day */
};

/* Bits of said: what the text says itself; the rest is a default. */
#define COND_SAID_SRTP 1u
#define COND_SAID_ANNOUNCE 2u
#define COND_SAID_PARTICIPATE 4u
#define COND_SAID_MIN 8u
#define COND_SAID_MATCH 16u
#define COND_SAID_UNKNOWN 32u

/* All fields may be read by anyone. */
struct conditions {
	unsigned said; /* COND_SAID_ */
	char *text;    /* the object as compact JSON: store and hand out this */
	char *locations[COND_LOCATIONS_MAX];
	unsigned n_locations;
	unsigned actions;   /* COND_ACT_ */
	unsigned datatypes; /* bit 1 << cond_kind; 0 = not said = all */
	char identifier[65];
	struct id_pattern owner[COND_AORS_MAX];
	unsigned n_owner;
	bool must_participate;
	bool has_participants;
	unsigned min_people, max_people; /* 0 = no limit */
	enum cond_match match;
	struct id_pattern *allow, *deny;
	unsigned n_allow, n_deny; /* n_allow 0 = everybody */
	enum cond_direction direction;
	bool unknown_is_any; /* a direction that is not known */
	struct cond_media media[COND_MEDIA_MAX];
	unsigned n_media; /* 0 = anything */
	enum cond_srtp srtp;
	struct cond_window windows[COND_WINDOWS_MAX];
	unsigned n_windows;	/* 0 = always */
	int64_t max_duration_s; /* 0 = no limit */
	int64_t max_concurrent; /* 0 = no limit */
	enum cond_announce announce;
	int64_t storage_bytes;	  /* 0 = no limit */
	int64_t sessions_per_day; /* 0 = no limit */
	int64_t retention_days;	  /* 0 = not said */
	char region[33];	  /* "" = anywhere */
	int64_t not_before_us;	  /* 0 = not said */
	int64_t not_after_us;	  /* 0 = not said */
	struct number_plan own;	  /* of the owner's numbers */
	_Atomic unsigned shared;  /* owners beyond the first */
};

/**
 * @param json an object, or an array of exactly one (authorization_details)
 * @param e    "$.conditions.media[0].kind: must be audio, video or text"
 *
 * @return 0; -EINVAL outside the schema; -ENOMEM
 */
int conditions_parse(const char *json, size_t len,
		     struct conditions **ret_conditions, struct err *e);
/** The last owner frees it. */
void conditions_free(struct conditions **conditions);
/** One more owner: thousands of calls of one grant share what they were
 *  accepted under. */
struct conditions *conditions_ref(struct conditions *c);

/* ---- the call ---------------------------------------------------------- */

#define CALL_STREAMS_MAX 32
#define CALL_CODECS_MAX 32

enum call_told { CALL_TOLD_UNKNOWN, CALL_TOLD_YES, CALL_TOLD_NO };
enum call_crypt { CALL_CRYPT_UNKNOWN, CALL_CRYPT_CLEAR, CALL_CRYPT_SRTP };

struct call_stream {
	enum cond_kind kind;
	bool offered; /* false: port 0 in the offer, not looked at */
	bool srtp;
	unsigned kbps; /* from b=, 0 = unknown */
	struct codec_name codecs[CALL_CODECS_MAX];
	unsigned n_codecs;
	uint32_t recordable; /* bit i: capture and render know codecs[i] */
};

/* Did the user whose call is recorded call, or was called? */
enum call_side { CALL_SIDE_UNKNOWN, CALL_SIDE_CALLED, CALL_SIDE_WAS_CALLED };

#define CALL_PARTIES_MAX 4

/* Who called, in the client's words (addresses, numbers, user parts); which
 * participant that is depends on the tenant's numbers. */
struct call_who {
	const char *callers[CALL_PARTIES_MAX]; /* any of them */
	const char *callees[CALL_PARTIES_MAX];
	unsigned n_callers, n_callees;
	const char *user; /* whose call it is to the client, or NULL */
	enum call_side side;
};

/* Borrowed pointers must live as long as the call to the judge. */
struct call_facts {
	const char *location; /* Request-URI or NULL */
	bool people_known;    /* false: no metadata (yet) */
	const struct identity *people;
	unsigned n_people;
	/* how numbers without country are meant; NULL = not set */
	const struct number_plan *numbers;
	int caller;		       /* index into people, -1 = look at who */
	struct call_who who;	       /* n_callers 0 and no side: not said */
	enum cond_direction direction; /* COND_DIR_ANY: derive it */
	/* what it was before in this call, COND_DIR_ANY = not known either:
	 * holds while people and caller don't say otherwise */
	enum cond_direction known_direction;
	struct call_stream streams[CALL_STREAMS_MAX];
	unsigned n_streams;
	enum call_crypt crypt; /* of the communication session */
	enum call_told told;   /* parties know that they are recorded */
	const char *region;    /* of this node, NULL or "" = none */
	int64_t wall_us;
	/* use of the grant so far, without this call */
	int64_t concurrent;
	int64_t sessions_today;
	int64_t stored_bytes;
};

/* One condition that does not hold. */
struct violation {
	char path[80];	    /* "conditions.participants.deny" */
	char required[160]; /* what the condition says */
	char got[160];	    /* what the call is */
};

#define COND_VIOLATIONS_MAX 24

struct stream_permit {
	bool permitted;
	uint32_t codecs;      /* bit i: codecs[i] of the stream may be used */
	struct violation why; /* when not permitted */
};

struct judgement {
	/* conditions that the whole call breaks; more than the limit: the first
	 * ones. When no stream is permitted the reasons are here too. */
	struct violation violations[COND_VIOLATIONS_MAX];
	unsigned n_violations;
	/* a condition needs participants and they are not known: judged without
	 * it, judge again when they are */
	bool needs_people;
	struct stream_permit streams[CALL_STREAMS_MAX];
	unsigned n_streams;   /* as in the facts */
	unsigned n_permitted; /* streams */
	bool narrowed;	      /* a stream or a real codec was left out */
	/* of the call, COND_DIR_ANY = not known: known_direction of the next
	 * judgement */
	enum cond_direction direction;
	/* quotas, not part of violations */
	bool over_concurrent, over_storage, over_sessions;
	/* when the permission ends by itself: not_after or the end of the time
	 * windows, whichever is first; 0 = never */
	int64_t ends_us;
	char ends_why[16];	/* "not_after", "time_window" or "" */
	int64_t max_duration_s; /* 0 = no limit */
	bool may_pause;
};

/** @return true when nothing is violated (quotas apart) */
bool conditions_judge(const struct conditions *c,
		      const struct call_facts *facts, struct judgement *ret_j);

/** Add a reason that conditions_judge() does not look at (quotas, metadata that
 *  never came); beyond COND_VIOLATIONS_MAX it is dropped. Texts are cut to fit.
 */
void judgement_add(struct judgement *j, const char *path, const char *required,
		   const char *got);

/** The plan by which numbers of a call are compared. @param tenants or NULL */
const struct number_plan *conditions_plan(const struct conditions *c,
					  const struct number_plan *tenants);

/**
 * Which participant called: caller; else the user whose call is recorded, when
 * that one called; else the one whom a number or address names; else, when the
 * recorded user was called, the other one of two. Numbers are compared as
 * everywhere; without a match what is before "@", or the digits, of just one.
 *
 * @return index into facts->people, -1 = not known
 */
int conditions_caller(const struct conditions *c,
		      const struct call_facts *facts);

/** True when a judge without participants could miss something. */
bool conditions_need_people(const struct conditions *c);

/**
 * Is inner within outer? For consent (owner narrows what was asked) and for
 * changes of a grant.
 *
 * @param list at least max entries, or NULL: where it is wider (path, required
 *             = the limit, got)
 *
 * @return number of fields that are wider (0 = within); may be more than max
 */
unsigned conditions_wider(const struct conditions *outer,
			  const struct conditions *inner,
			  struct violation *list, unsigned max);

/* ---- words ------------------------------------------------------------- */

typedef void cond_sentence_fn(void *arg, const char *sentence);

/** Call fn for each plain sentence ("Monday to Friday 08:00-18:30, London
 *  time."), in reading order; what the text does not say itself is marked as a
 *  default; no HTML; strings cleaned of control and
 *  bidirectional characters. @return 0 or -ENOMEM */
int conditions_sentences(const struct conditions *c, cond_sentence_fn *fn,
			 void *arg);

/** "a, b and c" of the violations' paths with what was required and got, for
 *  Warning headers and people; cut to fit. */
void violation_text(const struct violation *v, char *dst, size_t dst_len);

/** Append [{"path": ..., "required": ..., "got": ...}, ...] */
int violations_json(struct buf *out, const struct violation *v, unsigned n);

#endif
