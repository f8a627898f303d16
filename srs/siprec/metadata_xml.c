/* From the tree of a document to the model, in every dialect seen: names of
 * elements and attributes without regard to case, "-" and "_"; ids in
 * "session_id" or "id"; participants, streams and sessions at the top, or one
 * inside the other; associations as elements of their own, or <send> and
 * <recv> inside the participant. Elements that the model does not know are
 * extensions (metadata_extra.c).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "srs/siprec/metadata.h"
#include "srs/siprec/metadata_read.h"
#include "srs/siprec/warn.h"
#include "srs/siprec/xml_tree.h"

#define NAME_MAX_LEN 48

static void read_node(struct md_reader *r, const struct xml_node *n);

/* ---- names ---- */

bool md_is_name(const char *s, const char *plain)
{
	for (;;) {
		while (*s == '-' || *s == '_')
			s++;
		if (!*s || !*plain)
			return !*s && !*plain;
		if ((*s >= 'A' && *s <= 'Z' ? *s + 32 : *s) != *plain)
			return false;
		s++;
		plain++;
	}
}

/* The first attribute that has one of up to four plain names; NULL. */
static const char *attr(const struct xml_node *n, const char *const names[4])
{
	for (unsigned i = 0; i < 4 && names[i]; i++) {
		for (const struct xml_attr *a = n->attrs; a; a = a->next) {
			if (md_is_name(a->name, names[i]) && *a->value)
				return a->value;
		}
	}
	return NULL;
}

#define ATTR(n, ...) attr(n, (const char *const[4]){ __VA_ARGS__ })

/* The first child of that plain name; NULL. */
static const struct xml_node *child(const struct xml_node *n, const char *name)
{
	for (const struct xml_node *c = n->child; c; c = c->next) {
		if (md_is_name(c->name, name))
			return c;
	}
	return NULL;
}

static const struct xml_node *either_child(const struct xml_node *n,
					   const char *a, const char *b)
{
	const struct xml_node *c = child(n, a);

	return c ? c : child(n, b);
}

static const char *child_text(const struct xml_node *n, const char *name)
{
	const struct xml_node *c = child(n, name);

	return c ? c->text : NULL;
}

static const char *either(const char *a, const char *b)
{
	return a ? a : b;
}

static bool is_blank(const char *s)
{
	return !s || !span_trim(span_of(s)).len;
}

const char *md_said(const struct xml_node *n)
{
	const struct xml_node *c;
	const char *a;

	if (!n)
		return NULL;
	if (!is_blank(n->text))
		return n->text;
	a = ATTR(n, "id", "ref", "value");
	if (a)
		return a;
	c = either_child(n, "id", "value");
	return c && !is_blank(c->text) ? c->text : NULL;
}

/* The same of a property of n: an attribute or a child of that name. */
static const char *property(const struct xml_node *n,
			    const char *const names[4])
{
	const char *v = attr(n, names);

	for (unsigned i = 0; !v && i < 4 && names[i]; i++)
		v = md_said(child(n, names[i]));
	return v;
}

#define PROPERTY(n, ...) property(n, (const char *const[4]){ __VA_ARGS__ })

int md_check(struct md_reader *r, int result)
{
	if (result == -ENOBUFS)
		r->limit = true;
	else if (result < 0)
		r->error = result;
	return result;
}

static void set(struct md_reader *r, char **dst, const char *value)
{
	if (value)
		md_check(r, md_set(dst, value));
}

static const char *start_time(const struct xml_node *n)
{
	return either(child_text(n, "associatetime"),
		      either(child_text(n, "starttime"),
			     ATTR(n, "starttime", "start", "associatetime")));
}

static const char *stop_time(const struct xml_node *n)
{
	return either(child_text(n, "disassociatetime"),
		      either(child_text(n, "stoptime"),
			     either(child_text(n, "endtime"),
				    ATTR(n, "stoptime", "endtime",
					 "disassociatetime"))));
}

static struct md_link *find_link(const struct metadata *md,
				 enum md_link_kind kind, const char *a,
				 const char *b)
{
	for (unsigned i = 0; i < md->n_links; i++) {
		struct md_link *l = &md->links[i];

		if (l->kind == kind && str_eq(l->a, a) && str_eq(l->b, b))
			return l;
	}
	return NULL;
}

/* An id as it is kept: found again whatever blanks are around it. NULL for
 * NULL and blanks. */
static const char *clean_id(char dst[METADATA_TEXT_MAX + 1], const char *id)
{
	return id && md_clean(dst, id) ? dst : NULL;
}

static void add_link(struct md_reader *r, enum md_link_kind kind, const char *a,
		     const char *b, const struct xml_node *times)
{
	char ida[METADATA_TEXT_MAX + 1], idb[METADATA_TEXT_MAX + 1];
	const char *stop = stop_time(times);
	struct md_link *l;

	a = clean_id(ida, a);
	b = clean_id(idb, b);
	if (!a || (kind != MD_SESSION_RECORDING && !b))
		return;
	l = find_link(r->md, kind, a, b);
	if (l) {
		set(r, &l->start, start_time(times));
		set(r, &l->stop, stop);
		return;
	}
	if (md_check(r, metadata_add_link(r->md, kind, a, b,
					  start_time(times))) < 0)
		return;
	set(r, &r->md->links[r->md->n_links - 1].stop, stop);
}

/* ---- addresses and names of people ---- */

/* An AoR as a URI: "Alice" <sip:a@b>, a@b, +44..., 1001, sip:1001@ are all
 * seen. dst gets "" when nothing is left. */
static void make_aor(char *dst, size_t dst_len, const char *text)
{
	struct span s = span_trim(span_of(text));
	ptrdiff_t lt = span_find(s, '<');
	const char *scheme = "";

	if (lt >= 0) {
		s.p += lt + 1;
		s.len -= (size_t)lt + 1;
		s = span_trim(span_cut(&s, '>'));
		s = span_trim(span_cut(&s, '<'));
	}
	if (s.len && s.p[s.len - 1] == '@')
		s.len--;
	*dst = '\0';
	if (!s.len || span_ieq(s, "sip:") || span_ieq(s, "sips:") ||
	    span_ieq(s, "tel:"))
		return;
	if (!span_istarts(s, "sip:") && !span_istarts(s, "sips:") &&
	    !span_istarts(s, "tel:") && !span_istarts(s, "urn:") &&
	    !span_istarts(s, "im:") && !span_istarts(s, "xmpp:") &&
	    !span_istarts(s, "mailto:"))
		scheme = *s.p == '+' && span_find(s, '@') < 0 ? "tel:" : "sip:";
	snprintf(dst, dst_len, "%s%.*s", scheme, SPAN_ARG(s));
}

/* Line breaks and indents of the document are no part of a name. */
static void one_line(char *s)
{
	size_t n = 0;

	for (size_t i = 0; s[i]; i++) {
		bool blank = s[i] == ' ' || s[i] == '\t' || s[i] == '\r' ||
			     s[i] == '\n';

		if (!blank)
			s[n++] = s[i];
		else if (n > 0 && s[n - 1] != ' ')
			s[n++] = ' ';
	}
	s[n] = '\0';
}

static void make_name(char *dst, size_t dst_len, const char *text)
{
	struct span s = span_trim(span_of(text));

	if (s.len >= 2 && (*s.p == '"' || *s.p == '\'') &&
	    s.p[s.len - 1] == *s.p) {
		s.p++;
		s.len -= 2;
	}
	span_copy(dst, dst_len, span_trim(s));
	one_line(dst);
}

/* "Joe" <sip:joe@h> as an AoR: its name, unless the participant has one. */
static void name_of_aor(struct md_reader *r, const char *text)
{
	struct md_participant *p = &r->md->participants[r->participant];
	struct span s = span_of(text);
	char part[METADATA_TEXT_MAX], name[METADATA_TEXT_MAX];
	ptrdiff_t lt = span_find(s, '<');

	if (lt <= 0 || p->name)
		return;
	s.len = (size_t)lt;
	span_copy(part, sizeof(part), s);
	make_name(name, sizeof(name), part);
	set(r, &p->name, name);
}

static void add_aor(struct md_reader *r, const char *text)
{
	char aor[METADATA_TEXT_MAX];

	if (!text)
		return;
	make_aor(aor, sizeof(aor), text);
	md_check(r, md_add_aor(&r->md->participants[r->participant], aor));
	name_of_aor(r, text);
}

static void add_name(struct md_reader *r, const char *text)
{
	char name[METADATA_TEXT_MAX];

	if (!text)
		return;
	make_name(name, sizeof(name), text);
	set(r, &r->md->participants[r->participant].name, name);
}

/* ---- the elements of the model ---- */

static void read_children(struct md_reader *r, const struct xml_node *n)
{
	for (const struct xml_node *c = n->child; c && !r->error; c = c->next)
		read_node(r, c);
}

static void read_datamode(struct md_reader *r, const struct xml_node *n)
{
	const char *mode = md_said(n);

	if (mode && span_ieq(span_trim(span_of(mode)), "partial"))
		r->md->mode = MD_PARTIAL;
}

static void read_group(struct md_reader *r, const struct xml_node *n)
{
	char clean[METADATA_TEXT_MAX + 1];
	const char *id =
		clean_id(clean, PROPERTY(n, "groupid", "id", "csgroupid"));
	const char *outer = r->group;
	int i = metadata_find_group(r->md, id);

	if (i < 0)
		i = md_check(r, metadata_add_group(r->md, id));
	if (i < 0)
		return;
	set(r, &r->md->groups[i].start, start_time(n));
	set(r, &r->md->groups[i].stop, stop_time(n));
	r->group = either(id, outer);
	read_children(r, n);
	r->group = outer;
}

static void read_session(struct md_reader *r, const struct xml_node *n)
{
	char clean[METADATA_TEXT_MAX + 1];
	const char *id =
		clean_id(clean, PROPERTY(n, "sessionid", "id", "csid"));
	const char *outer = r->session;
	struct md_session *s;
	int i = metadata_find_session(r->md, id);

	if (i < 0)
		i = md_check(r, metadata_add_session(r->md, id, NULL));
	if (i < 0)
		return;
	s = &r->md->sessions[i];
	set(r, &s->start, start_time(n));
	set(r, &s->stop, stop_time(n));
	set(r, &s->sip_session_id, PROPERTY(n, "sipsessionid"));
	set(r, &s->reason, child_text(n, "reason"));
	if (child(n, "reason"))
		set(r, &s->cause, ATTR(child(n, "reason"), "cause"));
	set(r, &s->group_id,
	    either(PROPERTY(n, "groupref", "groupid", "group"), r->group));
	r->session = id;
	read_children(r, n);
	r->session = outer;
}

/* An id for something that came without; -1 and an error cannot happen
 * together with a number that is used. */
static const char *made_up(char *dst, size_t dst_len, const char *what,
			   unsigned n, struct md_reader *r)
{
	snprintf(dst, dst_len, "%s-%u", what, n + 1);
	warn_add(r->wl, "metadata.missing_id", WARN_WARNING,
		 "a %s without id is called %s", what, dst);
	return dst;
}

static void read_participant(struct md_reader *r, const struct xml_node *n)
{
	char made[NAME_MAX_LEN], clean[METADATA_TEXT_MAX + 1];
	const char *id = clean_id(clean, PROPERTY(n, "participantid", "id"));
	int outer = r->participant;
	int i = metadata_find_participant(r->md, id);

	if (!id)
		id = made_up(made, sizeof(made), "participant",
			     r->md->n_participants, r);
	else if (i >= 0)
		warn_add(r->wl, "metadata.duplicate_id", WARN_WARNING,
			 "participant id %s is there twice; both are taken "
			 "as one",
			 id);
	if (i < 0)
		i = md_check(r,
			     metadata_add_participant(r->md, id, NULL, NULL));
	if (i < 0)
		return;
	r->participant = i;
	add_aor(r, ATTR(n, "aor", "uri", "nameid"));
	add_name(r, ATTR(n, "name", "displayname"));
	add_link(r, MD_PARTICIPANT_SESSION, r->md->participants[i].id,
		 either(PROPERTY(n, "sessionid", "session", "sessionref"),
			r->session),
		 n);
	read_children(r, n);
	r->md->participants[i].placeholder =
		md_is_placeholder(&r->md->participants[i]);
	r->participant = outer;
}

/* nameID, aor, name and whatever a participant has inside. */
static void read_identity(struct md_reader *r, const struct xml_node *n)
{
	if (r->participant < 0)
		return;
	if (md_is_name(n->name, "name") || md_is_name(n->name, "displayname")) {
		add_name(r, md_said(n));
	} else {
		bool whole = md_is_name(n->name, "nameid");

		add_aor(r, either(ATTR(n, "aor", "uri"), !whole	    ? md_said(n)
							 : n->child ? NULL
								    : n->text));
		add_name(r, ATTR(n, "name", "displayname"));
		read_children(r, n);
	}
}

static void read_stream(struct md_reader *r, const struct xml_node *n)
{
	char made[NAME_MAX_LEN], clean[METADATA_TEXT_MAX + 1];
	const char *id = clean_id(clean, PROPERTY(n, "streamid", "id"));
	const char *label = PROPERTY(n, "label");
	const char *session =
		either(PROPERTY(n, "sessionid", "session", "sessionref"),
		       r->session);
	int i = metadata_find_stream(r->md, id);

	if (!id)
		id = made_up(made, sizeof(made), "stream", r->md->n_streams, r);
	else if (i >= 0)
		warn_add(r->wl, "metadata.duplicate_id", WARN_WARNING,
			 "stream id %s is there twice", id);
	if (i < 0)
		i = md_check(r, metadata_add_stream(r->md, id, label, session));
	if (i < 0)
		return;
	/* a stream inside a participant is one that it sends */
	if (r->participant >= 0)
		add_link(r, MD_SEND, r->md->participants[r->participant].id, id,
			 n);
}

static bool is_stream_id(const struct xml_node *n)
{
	return md_is_name(n->name, "id") || md_is_name(n->name, "streamid") ||
	       md_is_name(n->name, "stream") ||
	       md_is_name(n->name, "streamref");
}

/* One <send> or <recv>: a stream's id as text or attribute, or elements with
 * one each (BroadWorks, Webex: <send><id>...</id></send>). */
static void read_direction(struct md_reader *r, const struct xml_node *n,
			   enum md_link_kind kind, const char *participant,
			   const struct xml_node *times)
{
	bool nested = false;

	for (const struct xml_node *c = n->child; c; c = c->next) {
		const char *id = is_stream_id(c) ? md_said(c) : NULL;

		if (!id && is_stream_id(c))
			id = ATTR(c, "streamid");
		if (!id)
			continue;
		nested = true;
		add_link(r, kind, participant, id, times);
	}
	if (!nested)
		add_link(r, kind, participant,
			 either(ATTR(n, "streamid", "id", "stream",
				     "streamref"),
				md_said(n)),
			 times);
}

/* <send> and <recv>, inside an association or a participant. */
static void read_directions(struct md_reader *r, const struct xml_node *n,
			    const char *participant)
{
	for (const struct xml_node *c = n->child; c; c = c->next) {
		if (md_is_name(c->name, "send"))
			read_direction(r, c, MD_SEND, participant, n);
		else if (md_is_name(c->name, "recv"))
			read_direction(r, c, MD_RECV, participant, n);
	}
}

static void read_participant_whole(struct md_reader *r,
				   const struct xml_node *n)
{
	char clean[METADATA_TEXT_MAX + 1];
	unsigned before = r->md->n_participants;
	const char *id = clean_id(clean, PROPERTY(n, "participantid", "id"));
	int i;

	read_participant(r, n);
	i = id ? metadata_find_participant(r->md, id)
	       : (int)r->md->n_participants - 1;
	if (i >= 0 && (id || r->md->n_participants > before))
		read_directions(r, n, r->md->participants[i].id);
}

static void read_session_recording(struct md_reader *r,
				   const struct xml_node *n)
{
	add_link(r, MD_SESSION_RECORDING,
		 either(PROPERTY(n, "sessionid", "session", "id"), r->session),
		 NULL, n);
}

/* The participant of an association that stands beside or inside it. */
static const char *person_of(const struct md_reader *r,
			     const struct xml_node *n)
{
	return either(
		PROPERTY(n, "participantid", "participant", "participantref"),
		r->participant < 0 ? NULL
				   : r->md->participants[r->participant].id);
}

static void read_participant_session(struct md_reader *r,
				     const struct xml_node *n)
{
	add_link(r, MD_PARTICIPANT_SESSION, person_of(r, n),
		 either(PROPERTY(n, "sessionid", "session", "sessionref"),
			r->session),
		 n);
}

static void read_participant_stream(struct md_reader *r,
				    const struct xml_node *n)
{
	read_directions(r, n, person_of(r, n));
}

/* An extra that we printed ourselves. */
static void read_own_extra(struct md_reader *r, const struct xml_node *n)
{
	const char *name = ATTR(n, "name");

	if (name)
		md_check(r, metadata_add_extra(r->md, name, n->text));
}

static void read_start(struct md_reader *r, const struct xml_node *n)
{
	if (!r->session && r->participant < 0)
		set(r, &r->md->start, n->text);
}

static void read_stop(struct md_reader *r, const struct xml_node *n)
{
	if (!r->session && r->participant < 0)
		set(r, &r->md->stop, n->text);
}

/* Read where they stand, by their parents. */
static void read_nothing(struct md_reader *r, const struct xml_node *n)
{
	(void)r;
	(void)n;
}

static const struct {
	const char *name;
	void (*read)(struct md_reader *r, const struct xml_node *n);
} elements[] = {
	{ "datamode", read_datamode },
	{ "group", read_group },
	{ "session", read_session },
	{ "participant", read_participant_whole },
	{ "nameid", read_identity },
	{ "aor", read_identity },
	{ "uri", read_identity },
	{ "name", read_identity },
	{ "displayname", read_identity },
	{ "stream", read_stream },
	{ "sessionrecordingassoc", read_session_recording },
	{ "participantsessionassoc", read_participant_session },
	{ "participantstreamassoc", read_participant_stream },
	{ "starttime", read_start },
	{ "stoptime", read_stop },
	{ "endtime", read_stop },
	{ "id", read_nothing },
	{ "groupid", read_nothing },
	{ "sessionid", read_nothing },
	{ "sessionref", read_nothing },
	{ "participantid", read_nothing },
	{ "participantref", read_nothing },
	{ "streamid", read_nothing },
	{ "streamref", read_nothing },
	{ "value", read_nothing },
	{ "label", read_nothing },
	{ "send", read_nothing },
	{ "recv", read_nothing },
	{ "associatetime", read_nothing },
	{ "disassociatetime", read_nothing },
	{ "sipsessionid", read_nothing },
	{ "groupref", read_nothing },
	{ "reason", read_nothing },
	{ "mode", read_nothing },
	{ "recordingsession", read_children },
	{ "sessions", read_children },
	{ "participants", read_children },
	{ "streams", read_children },
	{ "srsfield", read_own_extra },
};

static void read_node(struct md_reader *r, const struct xml_node *n)
{
	for (size_t i = 0; i < ARRAY_SIZE(elements); i++) {
		if (!md_is_name(n->name, elements[i].name))
			continue;
		/* <group> with nothing but text is a reference */
		if (r->session && elements[i].read == read_group && !n->child)
			return;
		elements[i].read(r, n);
		return;
	}
	md_read_extension(r, n);
}

/* ---- the whole ---- */

static void warn_dangling(const struct metadata *md, struct warn_list *wl)
{
	for (unsigned i = 0; i < md->n_links; i++) {
		const struct md_link *l = &md->links[i];
		bool of_person = l->kind != MD_SESSION_RECORDING;

		if (of_person && metadata_find_participant(md, l->a) < 0)
			warn_add(wl, "metadata.dangling_id", WARN_WARNING,
				 "an association names participant %s, who is "
				 "not described",
				 l->a);
		if ((l->kind == MD_SEND || l->kind == MD_RECV) &&
		    metadata_find_stream(md, l->b) < 0)
			warn_add(wl, "metadata.dangling_id", WARN_WARNING,
				 "an association names stream %s, which is "
				 "not described",
				 l->b);
	}
}

static void warn_content(const struct metadata *md, struct warn_list *wl)
{
	if (md->mode == MD_PARTIAL)
		return;
	if (!md->n_participants)
		warn_add(wl, "metadata.no_participants", WARN_WARNING,
			 "the description names no participant");
	else if (!md->n_streams)
		warn_add(wl, "metadata.no_streams", WARN_WARNING,
			 "the description names no stream");
	warn_dangling(md, wl);
}

static void warn_form(const struct xml_tree *t, struct warn_list *wl)
{
	if (t->truncated)
		warn_add(wl, "metadata.truncated", WARN_WARNING,
			 "not well formed; what came before the fault is "
			 "used");
	else if (t->repaired)
		warn_add(wl, "metadata.repaired", WARN_WARNING,
			 "not well formed XML, read after repair");
}

static int tree_error(int r, struct warn_list *wl)
{
	if (r == -EPERM)
		warn_add(wl, "metadata.doctype", WARN_WARNING,
			 "DOCTYPE is refused; recorded without metadata");
	else if (r == -E2BIG)
		warn_add(wl, "metadata.too_big", WARN_WARNING,
			 "too long or nested too deep; recorded without "
			 "metadata");
	else if (r == -EBADMSG)
		warn_add(wl, "metadata.unreadable", WARN_WARNING,
			 "nothing could be read; recorded without metadata");
	return r;
}

/* Does the text end with the root's end tag? */
static bool is_closed(const struct xml_tree *t, struct span xml)
{
	const char *lt, *end;
	struct span name;

	xml = span_trim(xml);
	end = xml.p + xml.len;
	lt = xml.len ? memrchr(xml.p, '<', xml.len) : NULL;
	if (!lt || end - lt < 4 || lt[1] != '/' || end[-1] != '>')
		return false;
	name = (struct span){ lt + 2, (size_t)(end - lt) - 3 };
	if (span_find(name, ':') >= 0)
		(void)span_cut(&name, ':');
	return span_ieq(span_trim(name), t->root->name);
}

static int read_tree(const struct xml_tree *t, struct span xml,
		     struct warn_list *wl, struct metadata **ret_md)
{
	struct metadata *md CLEANUP(metadata_destroy) = NULL;
	struct md_reader r = { .wl = wl, .participant = -1, .marked = -1 };
	const char *mode = ATTR(t->root, "datamode");

	if (metadata_create(&md) < 0)
		return -ENOMEM;
	r.md = md;
	md->repaired = t->repaired;
	if (mode && str_ieq(mode, "partial"))
		md->mode = MD_PARTIAL;
	read_children(&r, t->root);
	md_end_extensions(&r);
	if (r.error)
		return r.error;
	if (r.limit)
		warn_add(wl, "metadata.limit", WARN_WARNING,
			 "more participants, streams, associations or "
			 "extensions than are kept");
	warn_form(t, wl);
	warn_content(md, wl);
	/* nobody has left only because the message was cut off */
	if (t->truncated || (t->repaired && !is_closed(t, xml)) ||
	    md->n_participants == 0)
		md->mode = MD_PARTIAL;
	*ret_md = STEAL(md);
	return 0;
}

int metadata_parse(struct span xml, struct warn_list *wl,
		   struct metadata **ret_md)
{
	struct xml_tree *t CLEANUP(xml_tree_destroy) = NULL;
	int r;

	if (xml.len > METADATA_BYTES_MAX)
		return tree_error(-E2BIG, wl);
	r = xml_tree_parse(xml, METADATA_DEPTH_MAX, &t);
	if (r < 0)
		return tree_error(r, wl);
	return read_tree(t, xml, wl, ret_md);
}
