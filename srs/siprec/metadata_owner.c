/* Whose audio an m-line carries. What an association says is taken as it is,
 * also when it contradicts the order of labels; without associations the
 * order of streams and then of m-lines decides, with a warning.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "srs/siprec/metadata.h"
#include "srs/siprec/warn.h"

struct owners {
	const struct metadata *md;
	const struct sdp *offer;
	struct warn_list *wl;
	struct md_owner *o;
	unsigned n_audio; /* audio lines, refused ones too */
	unsigned n_here;  /* participants that have not left */
	bool taken[METADATA_PARTICIPANTS_MAX];
};

static bool is_audio(const struct sdp_line *l)
{
	return l->media == SDP_AUDIO;
}

static void add_owner(struct owners *w, unsigned line, unsigned participant)
{
	struct md_owner *o = &w->o[line];

	w->taken[participant] = true;
	for (unsigned i = 0; i < o->n; i++) {
		if (o->participants[i] == participant)
			return;
	}
	if (o->n < METADATA_SENDERS_MAX)
		o->participants[o->n++] = participant;
}

/* Index of a participant that is still here, -1 otherwise. */
static int find_here(const struct metadata *md, const char *id)
{
	int i = metadata_find_participant(md, id);

	return i >= 0 && !md->participants[i].left ? i : -1;
}

/* ---- associations ---- */

static bool names_stream(const struct md_link *l, const struct md_stream *s)
{
	if (l->stop)
		return false;
	/* some write the label where the id belongs */
	return str_eq(l->b, s->id) || (s->label && str_eq(l->b, s->label));
}

static void by_send(struct owners *w, unsigned line, const struct md_stream *s)
{
	for (unsigned i = 0; i < w->md->n_links; i++) {
		const struct md_link *l = &w->md->links[i];
		int p;

		if (l->kind != MD_SEND || !names_stream(l, s))
			continue;
		p = find_here(w->md, l->a);
		if (p >= 0)
			add_owner(w, line, (unsigned)p);
	}
}

/* Nobody sends it now (a hold): it is whose it was. */
static void by_last(struct owners *w, unsigned line, const struct md_stream *s)
{
	int p = s->sender ? find_here(w->md, s->sender) : -1;

	if (p >= 0)
		add_owner(w, line, (unsigned)p);
}

static bool receives(const struct metadata *md, const char *id,
		     const struct md_stream *s)
{
	for (unsigned i = 0; i < md->n_links; i++) {
		const struct md_link *l = &md->links[i];

		if (l->kind == MD_RECV && str_eq(l->a, id) &&
		    names_stream(l, s))
			return true;
	}
	return false;
}

enum sends {
	SENDS_NOTHING,
	SENDS_UNKNOWN, /* streams that nobody described */
	SENDS_STREAM,
};

/* Does this one send a stream? Then it is no guess that others are not its. */
static enum sends sends_what(const struct metadata *md, const char *id)
{
	enum sends what = SENDS_NOTHING;

	for (unsigned i = 0; i < md->n_links; i++) {
		const struct md_link *l = &md->links[i];
		int s;

		if (l->kind != MD_SEND || l->stop || !str_eq(l->a, id))
			continue;
		s = metadata_find_stream(md, l->b);
		if (s >= 0 && !md->streams[s].gone)
			return SENDS_STREAM;
		if (s < 0)
			what = SENDS_UNKNOWN;
	}
	return what;
}

/* Only <recv> is there: the one who does not receive it sends it. */
static void by_recv(struct owners *w, unsigned line, const struct md_stream *s)
{
	const struct metadata *md = w->md;
	unsigned n_recv = 0, n_rest = 0, sender = 0;

	for (unsigned i = 0; i < md->n_participants; i++) {
		if (md->participants[i].left)
			continue;
		if (receives(md, md->participants[i].id, s)) {
			n_recv++;
		} else if (sends_what(md, md->participants[i].id) ==
			   SENDS_NOTHING) {
			n_rest++;
			sender = i;
		}
	}
	if (n_recv && n_rest == 1)
		add_owner(w, line, sender);
}

static const struct md_stream *find_labelled(const struct metadata *md,
					     const char *label)
{
	for (unsigned i = 0; *label && i < md->n_streams; i++) {
		if (!md->streams[i].gone && str_eq(md->streams[i].label, label))
			return &md->streams[i];
	}
	return NULL;
}

void metadata_line_label(unsigned line, char dst[METADATA_LINE_LABEL_MAX])
{
	(void)snprintf(dst, METADATA_LINE_LABEL_MAX, "#%u", line + 1);
}

/* The stream of m-line i: by its label, or by its number. */
static const struct md_stream *stream_of(const struct owners *w, unsigned i)
{
	const char *label = w->offer->lines[i]->label;
	const struct md_stream *s = *label ? find_labelled(w->md, label) : NULL;
	char number[METADATA_LINE_LABEL_MAX];

	if (s)
		return s;
	metadata_line_label(i, number);
	return find_labelled(w->md, number);
}

static void all_by_link(struct owners *w)
{
	for (unsigned i = 0; i < w->offer->n_lines; i++) {
		const struct md_stream *s = stream_of(w, i);

		if (!s)
			continue;
		by_send(w, i, s);
		if (!w->o[i].n)
			by_last(w, i, s);
		if (!w->o[i].n)
			by_recv(w, i, s);
		if (w->o[i].n)
			w->o[i].how = MD_BY_LINK;
	}
}

/* ---- guesses ---- */

/* Is there a line that could be an undescribed stream? */
static bool has_unknown_line(const struct owners *w)
{
	for (unsigned i = 0; i < w->offer->n_lines; i++) {
		if (is_audio(w->offer->lines[i]) && !stream_of(w, i))
			return true;
	}
	return false;
}

/* May the line be this one's, as far as anything is said? A line that the
 * description knows is not of somebody who sends another stream, as long as
 * that can have a line of its own (the transfer of RFC 8068 section 3.2.3
 * describes none and has none). Of a line that it does not know anybody may be
 * it whose own was not found. */
static bool is_free(const struct owners *w, unsigned line, unsigned i)
{
	const struct md_participant *p = &w->md->participants[i];
	enum sends what;

	if (p->left || w->taken[i])
		return false;
	if (!stream_of(w, line))
		return true;
	what = sends_what(w->md, p->id);
	return what == SENDS_NOTHING ||
	       (what == SENDS_UNKNOWN && !has_unknown_line(w));
}

static int nth_free(const struct owners *w, unsigned line, unsigned nth)
{
	for (unsigned i = 0; i < w->md->n_participants; i++) {
		if (w->md->participants[i].left)
			continue;
		if (nth-- == 0)
			return is_free(w, line, i) ? (int)i : -1;
	}
	return -1;
}

static int first_free(const struct owners *w, unsigned line)
{
	for (unsigned i = 0; i < w->md->n_participants; i++) {
		if (is_free(w, line, i))
			return (int)i;
	}
	return -1;
}

/* Is it the line of somebody who has left? */
static bool was_somebodys(const struct owners *w, unsigned line)
{
	const struct md_stream *s = stream_of(w, line);

	for (unsigned i = 0; s && i < w->md->n_links; i++) {
		const struct md_link *l = &w->md->links[i];

		if (l->kind == MD_SEND && names_stream(l, s) &&
		    metadata_find_participant(w->md, l->a) >= 0)
			return true;
	}
	return s && s->sender;
}

/* Streams have labels but nobody sends them: the k-th stream belongs to the
 * k-th participant. */
static void all_by_label(struct owners *w)
{
	for (unsigned i = 0; i < w->offer->n_lines; i++) {
		const struct md_stream *s;
		unsigned nth = 0;
		int p;

		if (w->o[i].n || !is_audio(w->offer->lines[i]))
			continue;
		s = find_labelled(w->md, w->offer->lines[i]->label);
		if (!s)
			continue;
		for (const struct md_stream *t = w->md->streams; t < s; t++)
			nth += !t->gone;
		p = nth_free(w, i, nth);
		if (p < 0)
			continue;
		add_owner(w, i, (unsigned)p);
		w->o[i].how = MD_BY_LABEL;
		warn_add(w->wl, "metadata.no_association", WARN_WARNING,
			 "no participant sends label \"%s\"; the order of "
			 "streams is used",
			 s->label);
	}
}

static void all_by_order(struct owners *w)
{
	for (unsigned i = 0; i < w->offer->n_lines; i++) {
		int p;

		if (w->o[i].n || !is_audio(w->offer->lines[i]) ||
		    w->o[i].is_mix)
			continue;
		p = first_free(w, i);
		if (p < 0)
			continue;
		add_owner(w, i, (unsigned)p);
		w->o[i].how = MD_BY_ORDER;
		warn_add(w->wl, "metadata.attributed_by_order", WARN_WARNING,
			 "nothing says whose m-line %u is; the order of "
			 "participants is used",
			 i + 1);
	}
}

/* ---- mixes ---- */

/* The only audio line while several participants talk carries all of them. */
static void single_line(struct owners *w)
{
	unsigned line = 0;

	while (!is_audio(w->offer->lines[line]))
		line++;
	if (w->o[line].n == 1) {
		bool others_send = false;

		for (unsigned i = 0; i < w->md->n_links; i++) {
			const struct md_link *l = &w->md->links[i];
			int p = find_here(w->md, l->a);

			if (l->kind == MD_SEND && !l->stop && p >= 0)
				others_send |= (unsigned)p !=
					       w->o[line].participants[0];
		}
		if (!others_send)
			return;
	}
	for (unsigned i = 0; i < w->md->n_participants; i++) {
		if (!w->md->participants[i].left)
			add_owner(w, line, i);
	}
	if (w->o[line].how == MD_BY_NOTHING && w->o[line].n)
		w->o[line].how = MD_BY_ORDER;
	if (w->o[line].n < 2)
		return;
	w->o[line].is_mix = true;
	warn_add(w->wl, "metadata.mixed_line", WARN_INFO,
		 "one audio line carries %u participants", w->n_here);
}

static bool says_mix(const char *text)
{
	for (; *text; text++) {
		if (!strncasecmp(text, "mix", 3))
			return true;
	}
	return false;
}

/* Is every sender of line a also the sender of some other audio line that is
 * not a mix itself? */
static bool covered_by_others(const struct owners *w, unsigned a)
{
	for (unsigned s = 0; s < w->o[a].n; s++) {
		bool found = false;

		for (unsigned i = 0; i < w->offer->n_lines; i++)
			found |= i != a && is_audio(w->offer->lines[i]) &&
				 w->o[i].n == 1 &&
				 w->o[i].participants[0] ==
					 w->o[a].participants[s];
		if (!found)
			return false;
	}
	return true;
}

static unsigned n_unknown(const struct owners *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->offer->n_lines; i++)
		n += is_audio(w->offer->lines[i]) && w->offer->lines[i]->port &&
		     !w->o[i].n;
	return n;
}

static void mark_mixes(struct owners *w)
{
	for (unsigned i = 0; i < w->offer->n_lines; i++) {
		const struct sdp_line *l = w->offer->lines[i];
		bool mix;

		if (!is_audio(l) || !l->port || w->n_audio < 3)
			continue;
		mix = says_mix(l->label) || says_mix(l->content);
		if (w->o[i].n >= 2)
			mix |= covered_by_others(w, i);
		else if (!w->o[i].n)
			mix |= first_free(w, i) < 0 && w->n_here >= 2 &&
			       n_unknown(w) == 1 && !was_somebodys(w, i);
		if (!mix)
			continue;
		w->o[i].is_mix = true;
		warn_add(w->wl, "metadata.mix_of_others", WARN_INFO,
			 "m-line %u is the mix of the others", i + 1);
	}
}

/* The first participant sends the second line and the other way round: correct
 * for some products, inverted by others. Who takes over a line later stands
 * behind both in the list, and says nothing of the kind. */
static void warn_inverted(struct owners *w)
{
	unsigned first[2], n = 0;

	for (unsigned i = 0; n < 2 && i < w->offer->n_lines; i++) {
		if (!is_audio(w->offer->lines[i]))
			continue;
		if (w->o[i].n != 1 || w->o[i].how != MD_BY_LINK)
			return;
		first[n++] = w->o[i].participants[0];
	}
	if (n == 2 && first[0] == 1 && first[1] == 0)
		warn_add(w->wl, "metadata.order_inverted", WARN_INFO,
			 "the associations name the parties in the reverse "
			 "order of the m-lines; the associations are trusted");
}

void metadata_attribute(const struct metadata *md, const struct sdp *offer,
			struct warn_list *wl, struct md_owner *ret_owners)
{
	struct owners w = {
		.md = md, .offer = offer, .wl = wl, .o = ret_owners
	};

	for (unsigned i = 0; i < offer->n_lines; i++) {
		w.o[i] = (struct md_owner){ .how = MD_BY_NOTHING };
		w.n_audio += is_audio(offer->lines[i]);
	}
	for (unsigned i = 0; i < md->n_participants; i++)
		w.n_here += !md->participants[i].left;
	all_by_link(&w);
	if (w.n_audio == 1) {
		single_line(&w);
		return;
	}
	mark_mixes(&w);
	all_by_label(&w);
	all_by_order(&w);
	mark_mixes(&w);
	warn_inverted(&w);
}
