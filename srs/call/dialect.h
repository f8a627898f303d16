/* srs/call/dialect.h - how `srs call --like WORD` speaks: recording products'
 * ways of saying the same thing.
 *
 * A dialect is a row of a table: header fields, the order and types of the
 * parts, labels, and how metadata is written. Shapes are from the field; each
 * is a typical call of the product, not everything it can do. Pure.
 */
#ifndef SRS_CALL_DIALECT_H
#define SRS_CALL_DIALECT_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct metadata;

enum dialect_contact {
	DIALECT_PLUS,	/* <sip:...>;+sip.src */
	DIALECT_INSIDE, /* <sip:...;+sip.src> */
	DIALECT_SRC,	/* <sip:...>;src, from before the RFC */
	DIALECT_PLAIN,	/* nothing */
};

enum dialect_model {
	DIALECT_RFC,	  /* RFC 7865 */
	DIALECT_NO_LINKS, /* people and streams, nothing says whose */
	DIALECT_INVERTED, /* first and second stream change places */
	DIALECT_DRAFT,	  /* id=, <aor>, <send> inside the participant */
};

enum dialect_hold { DIALECT_INACTIVE, DIALECT_ZERO_ADDRESS };

/* Fields may be read by anyone; strings are never NULL unless said. */
struct call_dialect {
	const char *name;
	const char *agent;     /* User-Agent */
	const char *require;   /* NULL = none */
	const char *supported; /* NULL = none */
	const char *headers;   /* of the first INVITE: complete lines; see
				* dialect_headers() */
	enum dialect_contact contact;
	const char *type;     /* of the multipart, boundary included */
	const char *boundary; /* as it stands in the body */
	bool closed;	      /* the closing boundary is sent */
	bool metadata_first;
	const char *metadata_type;
	const char *part_headers; /* of the metadata part: complete lines */
	const char *origin;	  /* user name of o= */
	unsigned label_first, label_step;
	enum dialect_model model;
	const char *extension; /* before the root's end tag; $1 and $2 are
				* the parties' addresses */
	enum dialect_hold hold;
	bool mixed;	     /* one m-line carries everybody */
	bool inactive_first; /* a re-INVITE begins what INVITE announced */
	bool two_ends;	     /* a dialog for each party, offer in our ACK */
	bool restarts;	     /* who joins or leaves ends the dialog; another
			      * one of the same group begins */
};

/** @return the row of that name, or NULL; NULL gives "rfc" */
const struct call_dialect *dialect_find(const char *name);

/** All names, separated by '|'. */
void dialect_names(char *dst, size_t dst_len);

/**
 * Append the metadata in the dialect's words.
 *
 * @param md as RFC 7865 has it; not changed
 * @return 0 or the buffer's error, -ENOMEM
 */
int dialect_print(const struct call_dialect *d, const struct metadata *md,
		  struct buf *out);

/**
 * The header lines of a call's first INVITE.
 *
 * @param id  32 hexadecimal digits of this call: correlation headers carry it
 * @param dst cut when it is too small (1024 are enough)
 */
void dialect_headers(const struct call_dialect *d, const char *id, char *dst,
		     size_t dst_len);

/** The label of m-line i (from 0). */
void dialect_label(const struct call_dialect *d, unsigned i, char *dst,
		   size_t dst_len);

#endif
