/* storage/legs.h - is a recording of a call the same call once more?
 *
 * A client may send one communication session (CS) to two recorders, or twice
 * to one: two recording sessions of one CS. What both have must not be kept
 * and counted twice; what only one has must not be lost. Pure rules on what
 * the catalog knows of the recordings (legs) of one call;
 *storage/catalog_duplicates.h acts on them.
 *
 * A leg repeats another one when
 *	- the metadata names communication sessions, and all that it names are
 *	  the other's too,
 *	- the sender of each of its streams is known, and the other has a stream
 *	  of the same sender and kind: the near and the far end of a phone,
 *	  which complement each other, do not,
 *	- at least four fifths of its time are within the other's: a dialog that
 *	  is ended and started again is not a duplicate of itself,
 *	- both are rendered, and half of the payloads are the same in each
 *	  stream (or this one failed and has none). A client that calls all its
 *	  sessions "1" loses nothing, and nothing is hidden while it runs,
 *	- neither was joined to the call by x-refci (CUCM's near and far end).
 * In doubt it does not: then both are shown.
 *
 * CUCM's two dialogs are the two halves of a call: one row, in which the far
 * end stands behind the near end and nothing of either is dropped. They are
 * when
 *	- one is said to be the near end and one the far end,
 *	- x-refci joined one of them to the call,
 *	- both are of one owner, rendered, and have something to hear,
 *	- half of the shorter one's time is within the other's.
 */
#ifndef STORAGE_LEGS_H
#define STORAGE_LEGS_H

#include <stdbool.h>
#include <stdint.h>

#define LEG_STREAMS_MAX 32u
#define LEG_SESSIONS_MAX 16u
#define LEG_GAPS_MAX 32u
#define LEG_SKETCH_MAX 32u
/* Both ends of two dialogs are never at the same moment. */
#define LEG_EDGE_US INT64_C(500000)

struct leg_gap {
	int64_t from_us, to_us; /* wall */
};

struct leg_stream {
	const char *kind;   /* "audio", "video", "text" */
	const char *sender; /* key of the participant; NULL = not known */
	const char *codec;
	bool mix;		/* what others send on streams of their own */
	bool measured;		/* the rest is known */
	int64_t from_us, to_us; /* wall */
	int64_t absent_us;	/* in between: lost, held, paused */
	int64_t packets, lost, bytes;
	struct leg_gap gaps[LEG_GAPS_MAX]; /* where it is absent, in order */
	unsigned n_gaps;
	bool gaps_cut;			 /* there are more than fit */
	uint64_t sketch[LEG_SKETCH_MAX]; /* what it sounds like; in order */
	unsigned n_sketch;
};

enum leg_end { LEG_WHOLE, LEG_NEAR, LEG_FAR };

/* Strings are borrowed. */
struct leg {
	const char *id;
	const char *owner_id;
	const char *sessions[LEG_SESSIONS_MAX];
	unsigned n_sessions;
	bool sessions_cut; /* there are more than fit */
	struct leg_stream streams[LEG_STREAMS_MAX];
	unsigned n_streams;
	int64_t started_us;
	int64_t ended_us; /* live: now */
	bool live;	  /* hides nothing that is ready */
	bool ready;	  /* rendered; else not yet */
	bool failed;	  /* nothing to hear in it, or damaged */
	bool complete;	  /* no error, every file is of a measured stream */
	bool alone;	  /* joined by x-refci, or too large to compare */
	bool refci;	  /* joined by x-refci */
	enum leg_end end; /* whose voice is in it, as its sender said */
	bool hidden;	  /* stands behind another one now */
	int behind;	  /* legs_decide(): index of the other, -1 = none */
	bool half;	  /* legs_decide(): as the other half of it */
};

/** Is b the same call as a once more, with nothing that a is not about? */
bool leg_repeats(const struct leg *b, const struct leg *a);

/**
 * Does p have everything that is to be heard in d? Both are ready and
 * complete; each stream of d with packets is in p with the same sender, kind
 * and codec, over the same or a longer time (LEG_EDGE_US at each end apart),
 * with no more lost, not fewer bytes, and absent nowhere where d is not.
 */
bool leg_covers(const struct leg *p, const struct leg *d);

/** Are these the far and the near end of one call? */
bool leg_completes(const struct leg *far, const struct leg *near);

/** Decide who stands behind whom (ret in behind and half). The one that has
 *  more to hear stands in front; equal ones stay as they are, else the older.
 *  The near end stands before the far end. */
void legs_decide(struct leg *legs, unsigned n);

#endif
