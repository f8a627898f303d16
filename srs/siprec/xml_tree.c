#include "srs/siprec/xml_tree.h"

#include <errno.h>
#include <expat.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

#define CHUNK_BYTES 16384
#define REPAIR_MAX (512u * 1024u)
#define KEEP_PARSER_BYTES 65536u

/* Memory of a tree: blocks that are only ever freed together. */
struct xml_chunk {
	struct xml_chunk *next;
	size_t used;
	size_t cap;
	_Alignas(16) char bytes[];
};

struct builder {
	struct xml_tree *tree;
	struct xml_node *current;
	XML_Parser parser;
	unsigned depth;
	unsigned depth_max;
	int error;
};

static void *tree_alloc(struct xml_tree *t, size_t len)
{
	struct xml_chunk *c = t->chunks;
	size_t cap = len > CHUNK_BYTES ? len : CHUNK_BYTES;
	void *p;

	len = (len + 15) & ~(size_t)15;
	if (!c || c->cap - c->used < len) {
		c = mem_alloc(sizeof(*c) + cap + 16);
		if (!c)
			return NULL;
		*c = (struct xml_chunk){ .next = t->chunks, .cap = cap + 16 };
		t->chunks = c;
	}
	p = c->bytes + c->used;
	c->used += len;
	return p;
}

static char *tree_dup(struct xml_tree *t, const char *s, size_t len)
{
	char *p = tree_alloc(t, len + 1);

	if (!p)
		return NULL;
	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

static void tree_reset(struct xml_tree *t)
{
	struct xml_chunk *c;

	while ((c = t->chunks)) {
		t->chunks = c->next;
		mem_free(c);
	}
	*t = (struct xml_tree){ 0 };
}

void xml_tree_destroy(struct xml_tree **tp)
{
	struct xml_tree *t = *tp;

	if (!t)
		return;
	*tp = NULL;
	tree_reset(t);
	mem_free(t);
}

/* ---- expat's callbacks ---- */

static void give_up(struct builder *b, int error)
{
	if (!b->error)
		b->error = error;
	XML_StopParser(b->parser, XML_FALSE);
}

static const char *local_name(const char *name)
{
	const char *colon = strrchr(name, ':');

	return colon && colon[1] ? colon + 1 : name;
}

/* What stands before the colon. */
static char *dup_prefix(struct xml_tree *t, const char *name)
{
	const char *local = local_name(name);

	return tree_dup(t, name, local > name ? (size_t)(local - name) - 1 : 0);
}

static int add_attrs(struct builder *b, struct xml_node *n, const char **atts)
{
	struct xml_attr **tails[] = { &n->attrs, &n->spaces };

	for (unsigned i = 0; atts[i] && i < 2 * XML_TREE_ATTRS_MAX; i += 2) {
		const char *name = local_name(atts[i]);
		size_t len = strlen(atts[i + 1]);
		bool space = !strncmp(atts[i], "xmlns", 5);
		struct xml_attr *a;

		if (space)
			name = atts[i][5] == ':' ? atts[i] + 6 : "";
		a = tree_alloc(b->tree, sizeof(*a));
		if (!a)
			return -ENOMEM;
		if (len > XML_TREE_TEXT_MAX)
			len = XML_TREE_TEXT_MAX;
		a->name = tree_dup(b->tree, name, strlen(name));
		a->value = tree_dup(b->tree, atts[i + 1], len);
		a->next = NULL;
		if (!a->name || !a->value)
			return -ENOMEM;
		*tails[space] = a;
		tails[space] = &a->next;
	}
	return 0;
}

static void link_child(struct xml_node *parent, struct xml_node *n)
{
	n->parent = parent;
	if (parent->last_child)
		parent->last_child->next = n;
	else
		parent->child = n;
	parent->last_child = n;
}

static void on_start(void *arg, const char *name, const char **atts)
{
	struct builder *b = arg;
	struct xml_node *n;

	if (b->error)
		return;
	if (++b->depth > b->depth_max ||
	    b->tree->n_nodes == XML_TREE_NODES_MAX) {
		give_up(b, -E2BIG);
		return;
	}
	n = tree_alloc(b->tree, sizeof(*n));
	if (!n) {
		give_up(b, -ENOMEM);
		return;
	}
	*n = (struct xml_node){ .text = "" };
	n->prefix = dup_prefix(b->tree, name);
	name = local_name(name);
	n->name = tree_dup(b->tree, name, strlen(name));
	if (!n->prefix || !n->name || add_attrs(b, n, atts) < 0) {
		give_up(b, -ENOMEM);
		return;
	}
	if (b->current)
		link_child(b->current, n);
	else
		b->tree->root = n;
	b->tree->n_nodes++;
	b->current = n;
}

static void on_text(void *arg, const char *s, int len)
{
	struct builder *b = arg;
	struct xml_node *n = b->current;
	size_t add = (size_t)len;
	char *p;

	if (b->error || !n || n->text_len == XML_TREE_TEXT_MAX)
		return;
	if (add > XML_TREE_TEXT_MAX - n->text_len)
		add = XML_TREE_TEXT_MAX - n->text_len;
	if (n->text_len + add + 1 > n->text_cap) {
		unsigned cap = (n->text_len + (unsigned)add) * 2 + 32;

		p = tree_alloc(b->tree, cap);
		if (!p) {
			give_up(b, -ENOMEM);
			return;
		}
		memcpy(p, n->text, n->text_len);
		n->text = p;
		n->text_cap = cap;
	}
	p = (char *)n->text; /* ours once text_cap is not 0 */
	memcpy(p + n->text_len, s, add);
	n->text_len += (unsigned)add;
	p[n->text_len] = '\0';
}

static bool is_name(const struct xml_node *n)
{
	return n &&
	       (str_ieq(n->name, "name") || str_ieq(n->name, "displayname") ||
		str_ieq(n->name, "display-name") ||
		str_ieq(n->name, "display_name"));
}

/* <name>Joe <b>Boss</b></name>: what stands inside belongs to it; so does
 * <given>Joe</given><family>Boss</family>. */
static void join_name(struct builder *b, const struct xml_node *part)
{
	const struct xml_node *n = b->current;
	bool apart = strlen(part->name) > 2 && n->text_len > 0 &&
		     n->text[n->text_len - 1] != ' ';

	if (part->text_len == 0)
		return;
	if (apart)
		on_text(b, " ", 1);
	on_text(b, part->text, (int)part->text_len);
}

static void on_end(void *arg, const char *name)
{
	struct builder *b = arg;
	const struct xml_node *part;

	(void)name;
	if (b->error)
		return;
	b->depth--;
	part = b->current;
	b->current = part->parent;
	if (is_name(b->current))
		join_name(b, part);
}

static void on_doctype(void *arg, const char *name, const char *sysid,
		       const char *pubid, int has_internal_subset)
{
	(void)name;
	(void)sysid;
	(void)pubid;
	(void)has_internal_subset;
	give_up(arg, -EPERM);
}

/* ---- one reading ---- */

/* Making a parser costs a third of reading a description with it: one is kept
 * by each thread, but not with the memory of a large document. */
static _Thread_local XML_Parser kept;

static XML_Parser take_parser(const char *encoding)
{
	XML_Parser p = kept;

	kept = NULL;
	if (p && XML_ParserReset(p, encoding))
		return p;
	XML_ParserFree(p); /* NULL is fine */
	return XML_ParserCreate(encoding);
}

static void give_parser(XML_Parser p, size_t document_bytes)
{
	if (kept || document_bytes > KEEP_PARSER_BYTES) {
		XML_ParserFree(p);
		return;
	}
	/* what it knows of the document is gone with the next reset */
	kept = p;
}

/* 0, -EBADMSG for a fault in the text (the tree holds what came before), or
 * the builder's error. */
static int read_once(struct span xml, const char *encoding, unsigned depth_max,
		     struct xml_tree *t)
{
	struct builder b = { .tree = t, .depth_max = depth_max };
	enum XML_Status st;

	b.parser = take_parser(encoding);
	if (!b.parser)
		return -ENOMEM;
	XML_SetUserData(b.parser, &b);
	XML_SetElementHandler(b.parser, on_start, on_end);
	XML_SetCharacterDataHandler(b.parser, on_text);
	XML_SetStartDoctypeDeclHandler(b.parser, on_doctype);
	st = XML_Parse(b.parser, xml.p, (int)xml.len, XML_TRUE);
	if (st != XML_STATUS_OK && !b.error)
		b.error = XML_GetErrorCode(b.parser) == XML_ERROR_NO_MEMORY
				  ? -ENOMEM
				  : -EBADMSG;
	if (b.error) /* whatever state it is in */
		XML_ParserFree(b.parser);
	else
		give_parser(b.parser, xml.len);
	return b.error;
}

static struct span without_bom(struct span s)
{
	s = span_trim(s);
	if (s.len >= 3 && !memcmp(s.p, "\xef\xbb\xbf", 3)) {
		s.p += 3;
		s.len -= 3;
	}
	return s;
}

static int read_repaired(struct span xml, unsigned depth_max,
			 struct xml_tree *t)
{
	struct buf text CLEANUP(buf_fini) = { 0 };
	bool utf8 = str_utf8_ok(xml.p, xml.len);
	int r;

	buf_init(&text, REPAIR_MAX);
	r = xml_repair(xml, &text);
	if (r == -ENOBUFS)
		return -E2BIG;
	if (r < 0)
		return r;
	if (!text.len)
		return -EBADMSG;
	r = read_once((struct span){ buf_str(&text), text.len },
		      utf8 ? "UTF-8" : "ISO-8859-1", depth_max, t);
	t->repaired = true;
	if (r == -EBADMSG && t->root) {
		t->truncated = true;
		r = 0;
	}
	return r;
}

int xml_tree_parse(struct span xml, unsigned depth_max,
		   struct xml_tree **ret_tree)
{
	struct xml_tree *t CLEANUP(xml_tree_destroy) = NULL;
	int r;

	xml = without_bom(xml);
	if (xml.len > REPAIR_MAX)
		return -E2BIG;
	t = mem_zalloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	r = read_once(xml, NULL, depth_max, t);
	if (r == -EBADMSG) {
		tree_reset(t);
		r = read_repaired(xml, depth_max, t);
	}
	if (r < 0)
		return r;
	if (!t->root)
		return -EBADMSG;
	*ret_tree = STEAL(t);
	return 0;
}

/* ---- questions ---- */

const char *xml_namespace(const struct xml_node *n)
{
	const char *prefix = n->prefix;

	for (; n; n = n->parent) {
		for (const struct xml_attr *a = n->spaces; a; a = a->next) {
			if (!strcmp(a->name, prefix))
				return a->value;
		}
	}
	return "";
}

const char *xml_attr_get(const struct xml_node *n, const char *name)
{
	for (const struct xml_attr *a = n->attrs; a; a = a->next) {
		if (str_ieq(a->name, name))
			return a->value;
	}
	return NULL;
}

const struct xml_node *xml_child_get(const struct xml_node *n, const char *name)
{
	for (const struct xml_node *c = n->child; c; c = c->next) {
		if (str_ieq(c->name, name))
			return c;
	}
	return NULL;
}
