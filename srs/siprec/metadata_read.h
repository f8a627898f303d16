/* srs/siprec/metadata_read.h - between the files that read a document into the
 * model: metadata_xml.c (the elements of RFC 7865, in every dialect) and
 * metadata_extra.c (extensions). Nobody else includes it.
 */
#ifndef SRS_SIPREC_METADATA_READ_H
#define SRS_SIPREC_METADATA_READ_H

#include <stdbool.h>

struct metadata;
struct warn_list;
struct xml_node;

/* Where in the document we are. */
struct md_reader {
	struct metadata *md;
	struct warn_list *wl;
	const char *group;   /* id of the enclosing group or NULL */
	const char *session; /* the same of a session */
	int participant;     /* enclosing one, -1 = none */
	int error;	     /* -ENOMEM ends everything */
	bool limit;
	/* extensions: the number of this one, and of the one that said it */
	unsigned extension, caller_in, callee_in, user_in, side_in;
	int marked; /* caller whose address was not read yet, -1 = none */
};

/** Equal when case, "-" and "_" are left out of s. */
bool md_is_name(const char *s, const char *plain);

/** What an element says, in whatever form a product says it: as text, in an
 *  attribute, or in an element of its own. @return NULL = nothing */
const char *md_said(const struct xml_node *n);

/** Keeps what a model function said: out of memory ends the reading, a limit
 *  is remembered. @return result */
int md_check(struct md_reader *r, int result);

/** Read an element that the model does not know, and all inside it. */
void md_read_extension(struct md_reader *r, const struct xml_node *n);

/** All was read: what could not be said before. */
void md_end_extensions(struct md_reader *r);

#endif
