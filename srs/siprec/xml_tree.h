/* srs/siprec/xml_tree.h - a small XML document as a tree, damaged ones too.
 *
 * Names are local names: prefixes are cut off; a namespace is there for those
 * who ask (xml_namespace()). DOCTYPE is refused, so no entity is ever expanded.
 * A document that is not well formed is repaired (bare "&", attributes without
 * quotes, "<" in text, missing or crossed end tags, control characters) and
 * read once more; if that fails too the tree holds what came before the fault.
 * Pure.
 */
#ifndef SRS_SIPREC_XML_TREE_H
#define SRS_SIPREC_XML_TREE_H

#include <stdbool.h>

#include "base/str.h"

#define XML_TREE_NODES_MAX 8192
#define XML_TREE_ATTRS_MAX 32 /* of one element; more are left out */
#define XML_TREE_TEXT_MAX 512 /* of one element; the rest is cut */

struct buf;

struct xml_attr {
	const char *name;
	const char *value;
	struct xml_attr *next;
};

struct xml_node {
	const char *name;
	const char *text;   /* own character data, "" = none */
	const char *prefix; /* "" = none */
	struct xml_attr *attrs;
	struct xml_attr *spaces; /* xmlns: name = prefix, value = URI */
	struct xml_node *parent;
	struct xml_node *child; /* first */
	struct xml_node *next;	/* sibling */
	struct xml_node *last_child;
	unsigned text_len;
	unsigned text_cap;
};

/* Everything lives in the tree and dies with it. */
struct xml_tree {
	struct xml_node *root;
	bool repaired;	/* was not well formed */
	bool truncated; /* could not be read to its end */
	unsigned n_nodes;
	struct xml_chunk *chunks;
};

/**
 * @param depth_max deepest nesting of elements
 *
 * @return 0, or
 *         -EPERM    DOCTYPE
 *         -E2BIG    too deep or too many elements
 *         -EBADMSG  no element at all
 *         -ENOMEM
 */
int xml_tree_parse(struct span xml, unsigned depth_max,
		   struct xml_tree **ret_tree);

/** Takes NULL, leaves NULL. */
void xml_tree_destroy(struct xml_tree **tp);

/** @return the value of an attribute (ASCII case ignored) or NULL */
const char *xml_attr_get(const struct xml_node *n, const char *name);

/** @return the first child with this name (ASCII case ignored) or NULL */
const struct xml_node *xml_child_get(const struct xml_node *n,
				     const char *name);

/** @return the URI that the prefix of n stands for, "" = none is declared */
const char *xml_namespace(const struct xml_node *n);

/**
 * Append a well-formed version of a damaged document (srs/siprec/xml_repair.c).
 *
 * @return 0, -EPERM (DOCTYPE) or the buffer's error
 */
int xml_repair(struct span xml, struct buf *out);

#endif
