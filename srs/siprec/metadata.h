/* srs/siprec/metadata.h - who takes part in a recorded call, and which stream
 * is whose.
 *
 * The model of RFC 7865, filled from any dialect (elements by local name, any
 * namespace; associations or the older inline <send>/<recv>). Ids are opaque
 * strings; times are kept as the text that came (the catalog's own times are
 * from our clock). What is not well formed is repaired once and read again;
 * DOCTYPE is refused. Pure; fuzzed by fuzz_metadata.
 *
 * Source: RFC 7865, RFC 7866 section 9 (complete and partial), RFC 8068.
 */
#ifndef SRS_SIPREC_METADATA_H
#define SRS_SIPREC_METADATA_H

#include <stdbool.h>

#include "base/str.h"
#include "srs/siprec/sdp.h"

#define METADATA_BYTES_MAX 65536
#define METADATA_DEPTH_MAX 32
#define METADATA_PARTICIPANTS_MAX 256
#define METADATA_STREAMS_MAX 256
#define METADATA_SESSIONS_MAX 64
#define METADATA_LINKS_MAX 2048
#define METADATA_EXTRAS_MAX 64
#define METADATA_AORS_MAX 8
#define METADATA_TEXT_MAX 512 /* longer values are cut */

struct buf;
struct warn_list;

/* All strings: heap, owned by the struct metadata, NULL = not said; UTF-8
 * without control characters. */

struct md_group {
	char *id;
	char *start;
	char *stop;
};

struct md_session { /* a communication session */
	char *id;
	char *group_id;
	char *sip_session_id;
	char *start;
	char *stop;
	char *reason;
	char *cause; /* of the reason, a number */
	bool gone;   /* not in the last complete description: over */
};

struct md_participant {
	char *id;
	unsigned n_aors;
	char *aors[METADATA_AORS_MAX]; /* "sip:alice@example.com" */
	char *name;
	bool left;	  /* was there, has left (kept for the catalog) */
	bool placeholder; /* nothing in it names a person */
};

struct md_stream {
	char *id;
	char *label;
	char *session_id;
	char *sender; /* participant who sent it before the last update that
		       * said something else; NULL = nobody */
	bool gone;    /* not in the last complete description */
};

enum md_link_kind {
	MD_SESSION_RECORDING,	/* a: session id, b: unused */
	MD_PARTICIPANT_SESSION, /* a: participant id, b: session id */
	MD_SEND,		/* a: participant id, b: stream id */
	MD_RECV,		/* a: participant id, b: stream id */
};

struct md_link {
	enum md_link_kind kind;
	char *a;
	char *b;
	char *start; /* associate-time */
	char *stop;  /* disassociate-time */
};

/* What vendors add and people search for; names are ours: "caller", "callee",
 * "tenant", "agent", "ucid", or "ext.<element>" for anything else. */
struct md_extra {
	char *name;
	char *value;
};

enum md_mode { MD_COMPLETE, MD_PARTIAL };

/* Did the user whose call is recorded call, or was called (BroadWorks and
 * Webex: origCall, termCall)? */
enum md_side { MD_SIDE_UNKNOWN, MD_SIDE_CALLED, MD_SIDE_WAS_CALLED };

/* Arrays: heap, n_... elements used. Fields may be read by anyone. */
struct metadata {
	enum md_mode mode;
	bool repaired; /* was not well formed */
	char *start;   /* of the recording session */
	char *stop;
	char *user; /* whose call it is to the client, as it says it */
	enum md_side user_side;
	unsigned n_groups, n_sessions, n_participants, n_streams, n_links;
	unsigned n_extras;
	struct md_group *groups;
	struct md_session *sessions;
	struct md_participant *participants; /* order of first appearance */
	struct md_stream *streams;
	struct md_link *links;
	struct md_extra *extras;
};

/** Empty, complete. @return 0 or -ENOMEM */
int metadata_create(struct metadata **ret_md);
/** Takes NULL, leaves NULL. */
void metadata_destroy(struct metadata **mp);
/** A copy in everything, indexes included. @return 0 or -ENOMEM */
int metadata_clone(const struct metadata *md, struct metadata **ret_md);

/**
 * Read one description. Whatever can be understood is returned, with
 * warnings; the caller records the call also when nothing can be.
 *
 * @return 0, or
 *         -E2BIG    longer than METADATA_BYTES_MAX
 *         -EPERM    has a DOCTYPE
 *         -EBADMSG  nothing could be recovered
 *         -ENOMEM
 */
int metadata_parse(struct span xml, struct warn_list *wl,
		   struct metadata **ret_md);

/** Append md as RFC 7865 XML (namespace urn:ietf:params:xml:ns:recording:1),
 *  ids and times as they came: it reads again as the same. Participants that
 *  left and streams that are gone are not printed, nor are extras.
 *  @return 0 or the buffer's error */
int metadata_print(const struct metadata *md, struct buf *out);

#define METADATA_EXTRA_ELEMENT "srs-field"

/**
 * Append md as a document that is valid by the schema of RFC 7865 section 9:
 * ids that are not base64 are encoded, times are made xs:dateTime or left out,
 * what a URI cannot have is escaped. Extras follow as <x:srs-field name=""> in
 * a namespace of their own.
 *
 * @return 0 or the buffer's error
 */
int metadata_print_valid(const struct metadata *md, struct buf *out);

/** Base64 with padding, as RFC 7865 wants ids; dst needs len * 4 / 3 + 5. */
void metadata_base64(char *dst, const void *src, size_t len);

enum md_change_kind {
	MD_JOINED,
	MD_LEFT,
	MD_RENAMED, /* name or AoR changed, or a placeholder got its person */
	MD_NEW_SESSION, /* another communication session began */
};

struct md_change {
	enum md_change_kind kind;
	unsigned index; /* into state->participants or state->sessions */
};

#define METADATA_CHANGES_MAX 64

struct md_changes {
	unsigned n;
	unsigned dropped;
	struct md_change items[METADATA_CHANGES_MAX];
};

/**
 * Apply a later description to what is known. `complete` replaces: who is
 * gone has left. `partial` changes what it names; an association with a
 * disassociate-time ends. Indexes of participants never change.
 *
 * @param state  changed (an empty one takes everything)
 * @param update read only
 * @param ret_changes may be NULL
 *
 * @return 0, -ENOMEM or -ENOBUFS (a limit; the rest was applied)
 */
int metadata_merge(struct metadata *state, const struct metadata *update,
		   struct warn_list *wl, struct md_changes *ret_changes);

/** @return index of the participant or -1; id NULL gives -1 */
int metadata_find_participant(const struct metadata *md, const char *id);
int metadata_find_stream(const struct metadata *md, const char *id);
int metadata_find_session(const struct metadata *md, const char *id);
int metadata_find_group(const struct metadata *md, const char *id);

/** Add one (callers without metadata: From/To, vendor headers).
 *  @param name may be NULL. @return index, -ENOMEM or -ENOBUFS */
int metadata_add_participant(struct metadata *md, const char *id,
			     const char *aor, const char *name);
/** @return index, -ENOMEM or -ENOBUFS */
int metadata_add_stream(struct metadata *md, const char *id, const char *label,
			const char *session_id);
int metadata_add_session(struct metadata *md, const char *id,
			 const char *start);
int metadata_add_group(struct metadata *md, const char *id);
/** @return 0, -ENOMEM or -ENOBUFS */
int metadata_add_link(struct metadata *md, enum md_link_kind kind,
		      const char *a, const char *b, const char *start);
int metadata_add_extra(struct metadata *md, const char *name,
		       const char *value);
/** @return the first value or NULL */
const char *metadata_extra(const struct metadata *md, const char *name);

#define METADATA_LINE_LABEL_MAX 8

/**
 * The label of a stream that a client ties to an m-line by its number, not by
 * a label (Cisco's media-index): "#1" for the first. metadata_attribute() looks
 * for it when no stream has the m-line's label.
 *
 * @param line from 0, below SDP_LINES_MAX
 */
void metadata_line_label(unsigned line, char dst[METADATA_LINE_LABEL_MAX]);

/* Used by the files of this model only. */

/** What md_set() keeps of a value. @return false: it is blank */
bool md_clean(char dst[METADATA_TEXT_MAX + 1], const char *value);
/** Replace *dst by a trimmed, cleaned, cut copy; blank values are ignored. */
int md_set(char **dst, const char *value);
/** @return 0 (also when it is there already), -ENOMEM, -ENOBUFS */
int md_add_aor(struct md_participant *p, const char *aor);
/** Forget all values of that name. */
void md_drop_extras(struct metadata *md, const char *name);
/** The user part of an AoR, with or without scheme; empty when there is none.
 */
struct span md_aor_user(const char *aor);
bool md_is_placeholder(const struct md_participant *p);
void md_link_fini(struct md_link *l);

enum md_how {
	MD_BY_LINK,  /* an association says so */
	MD_BY_LABEL, /* guessed from the order of streams with labels */
	MD_BY_ORDER, /* guessed from the order of m-lines */
	MD_BY_NOTHING,
};

#define METADATA_SENDERS_MAX 32

/* Whose audio one m-line carries. */
struct md_owner {
	enum md_how how;
	bool is_mix; /* the mix of other lines (do not mix it again), or the
		      * only line, carrying everybody */
	unsigned n;  /* senders, 0 = nobody known */
	unsigned participants[METADATA_SENDERS_MAX]; /* indexes */
};

/**
 * Attribute every m-line of the offer to its senders.
 *
 * @param ret_owners one per m-line (offer->n_lines)
 */
void metadata_attribute(const struct metadata *md, const struct sdp *offer,
			struct warn_list *wl, struct md_owner *ret_owners);

#endif
