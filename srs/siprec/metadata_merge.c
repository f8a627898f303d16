/* How a later description changes what is known.
 *
 * A participant is the same one when its id is. A placeholder (nothing in it
 * names a person) that disappears in the same step in which somebody new
 * sends its stream is taken over by that person: the call then has one
 * participant with one track instead of two halves.
 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "srs/siprec/metadata.h"
#include "srs/siprec/warn.h"

struct merge {
	struct metadata *state;
	const struct metadata *update;
	struct md_changes *changes;
	unsigned n_known; /* participants before this step */
};

static void note(struct merge *m, enum md_change_kind kind, unsigned index)
{
	struct md_changes *c = m->changes;

	if (!c)
		return;
	if (c->n == METADATA_CHANGES_MAX) {
		c->dropped++;
		return;
	}
	c->items[c->n++] = (struct md_change){ kind, index };
}

static bool is_stream_link(const struct md_link *l)
{
	return l->kind == MD_SEND || l->kind == MD_RECV;
}

/* ---- participants ---- */

static bool same_identity(const struct md_participant *a,
			  const struct md_participant *b)
{
	/* what the update does not say has not changed */
	if (b->name && !str_eq(a->name, b->name))
		return false;
	for (unsigned i = 0; i < b->n_aors; i++) {
		bool found = false;

		for (unsigned k = 0; k < a->n_aors; k++)
			found |= !strcmp(a->aors[k], b->aors[i]);
		if (!found)
			return false;
	}
	return true;
}

static int take_identity(struct md_participant *dst,
			 const struct md_participant *src)
{
	int r = md_set(&dst->name, src->name);

	if (r < 0)
		return r;
	if (src->n_aors) {
		for (unsigned i = 0; i < dst->n_aors; i++)
			mem_free(dst->aors[i]);
		dst->n_aors = 0;
	}
	for (unsigned i = 0; i < src->n_aors; i++) {
		r = md_add_aor(dst, src->aors[i]);
		if (r < 0)
			return r;
	}
	dst->placeholder = md_is_placeholder(dst);
	return 0;
}

/* Do a (in ma) and b (in mb) send a stream of the same id? */
static bool share_stream(const struct metadata *ma, const char *a,
			 const struct metadata *mb, const char *b)
{
	for (unsigned i = 0; i < ma->n_links; i++) {
		const struct md_link *la = &ma->links[i];

		if (la->kind != MD_SEND || !str_eq(la->a, a))
			continue;
		for (unsigned k = 0; k < mb->n_links; k++) {
			const struct md_link *lb = &mb->links[k];

			if (lb->kind == MD_SEND && str_eq(lb->a, b) &&
			    str_eq(la->b, lb->b))
				return true;
		}
	}
	return false;
}

/* The placeholder that p takes over, -1 = none. */
static int find_placeholder(const struct merge *m,
			    const struct md_participant *p)
{
	const struct metadata *st = m->state;

	for (unsigned i = 0; !p->placeholder && i < m->n_known; i++) {
		const struct md_participant *old = &st->participants[i];

		if (old->placeholder && !old->left &&
		    metadata_find_participant(m->update, old->id) < 0 &&
		    share_stream(st, old->id, m->update, p->id))
			return (int)i;
	}
	return -1;
}

static bool same_address(const struct md_participant *a,
			 const struct md_participant *b)
{
	return a->n_aors && b->n_aors && str_ieq(a->aors[0], b->aors[0]);
}

/* Does a description end all of somebody's associations with sessions? */
static bool is_leaving(const struct metadata *md, const char *id)
{
	unsigned n = 0, ended = 0;

	for (unsigned k = 0; k < md->n_links; k++) {
		const struct md_link *l = &md->links[k];

		if (l->kind != MD_PARTICIPANT_SESSION || !str_eq(l->a, id))
			continue;
		n++;
		ended += l->stop != NULL;
	}
	return n && n == ended;
}

/* How many who are there and stay have this address? */
static unsigned n_of_address(const struct metadata *md,
			     const struct md_participant *p)
{
	unsigned n = 0;

	for (unsigned i = 0; i < md->n_participants; i++)
		n += !md->participants[i].left &&
		     !is_leaving(md, md->participants[i].id) &&
		     same_address(&md->participants[i], p);
	return n;
}

static unsigned n_here(const struct metadata *md,
		       const struct md_participant *p)
{
	unsigned n = 0;

	for (unsigned i = 0; i < md->n_participants; i++)
		n += !md->participants[i].left &&
		     same_address(&md->participants[i], p);
	return n;
}

/* An address of many tells nobody apart, nor one under which each has a name of
 * his own, as the lines of an exchange have. */
static bool may_be_same(const struct merge *m, const struct md_participant *old,
			const struct md_participant *p)
{
	struct md_participant bare = *p;

	bare.name = NULL;
	if (old->left || !same_address(old, p) || md_is_placeholder(&bare))
		return false;
	return m->update->mode == MD_COMPLETE || !old->name || !p->name ||
	       str_ieq(old->name, p->name);
}

/* New ids for the same people (BroadWorks and Webex in a transfer): whoever is
 * there by the same address stays the same one, unless both ids are in use.
 * -1 = none. */
static int find_renewed(const struct merge *m, const struct md_participant *p)
{
	const struct metadata *st = m->state, *up = m->update;

	if (n_of_address(up, p) != 1 || is_leaving(up, p->id))
		return -1;
	for (unsigned i = 0; i < m->n_known; i++) {
		const struct md_participant *old = &st->participants[i];

		if (may_be_same(m, old, p) && n_here(st, p) == 1 &&
		    (metadata_find_participant(up, old->id) < 0 ||
		     is_leaving(up, old->id)))
			return (int)i;
	}
	return -1;
}

/* Whose leaving is told by an id that was replaced by another. */
static bool is_old_id(const struct merge *m, const struct md_participant *p)
{
	return m->update->mode == MD_PARTIAL && is_leaving(m->update, p->id) &&
	       n_here(m->state, p) > 0;
}

/* What was said under the old id holds under the new one. */
static int renew_id(struct metadata *st, struct md_participant *p,
		    const char *id)
{
	for (unsigned i = 0; i < st->n_links; i++) {
		struct md_link *l = &st->links[i];

		if (l->kind != MD_SESSION_RECORDING && str_eq(l->a, p->id) &&
		    md_set(&l->a, id) < 0)
			return -ENOMEM;
	}
	for (unsigned i = 0; i < st->n_streams; i++) {
		struct md_stream *s = &st->streams[i];

		if (s->sender && str_eq(s->sender, p->id) &&
		    md_set(&s->sender, id) < 0)
			return -ENOMEM;
	}
	return md_set(&p->id, id);
}

static int add_participant(struct merge *m, const struct md_participant *p)
{
	int i = metadata_add_participant(m->state, p->id, NULL, NULL);

	if (i < 0)
		return i;
	note(m, MD_JOINED, (unsigned)i);
	return take_identity(&m->state->participants[i], p);
}

static int merge_participant(struct merge *m, const struct md_participant *p)
{
	struct metadata *st = m->state;
	int i = metadata_find_participant(st, p->id);
	int taken = i < 0 ? find_placeholder(m, p) : -1;
	struct md_participant *old;
	int r;

	if (i < 0 && taken < 0)
		taken = find_renewed(m, p);
	if (taken >= 0) {
		r = renew_id(st, &st->participants[taken], p->id);
		if (r < 0)
			return r;
		i = taken;
	}
	if (i < 0 && is_old_id(m, p))
		return 0;
	if (i < 0)
		return add_participant(m, p);
	old = &st->participants[i];
	if (old->left)
		note(m, MD_JOINED, (unsigned)i);
	old->left = false;
	if (same_identity(old, p))
		return 0;
	note(m, MD_RENAMED, (unsigned)i);
	return take_identity(old, p);
}

static void set_left(struct merge *m, unsigned i)
{
	if (m->state->participants[i].left)
		return;
	m->state->participants[i].left = true;
	note(m, MD_LEFT, i);
}

static int merge_participants(struct merge *m)
{
	struct metadata *st = m->state;
	int r, result = 0;

	m->n_known = st->n_participants;
	for (unsigned i = 0; i < m->update->n_participants; i++) {
		r = merge_participant(m, &m->update->participants[i]);
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			result = r;
	}
	for (unsigned i = 0; m->update->mode == MD_COMPLETE && i < m->n_known;
	     i++) {
		if (metadata_find_participant(m->update,
					      st->participants[i].id) < 0)
			set_left(m, i);
	}
	return result;
}

/* Whoever has only ended associations with sessions in the update has left. */
static void merge_leaving(struct merge *m)
{
	struct metadata *st = m->state;

	for (unsigned i = 0; i < st->n_participants; i++) {
		if (is_leaving(m->update, st->participants[i].id))
			set_left(m, i);
	}
}

/* ---- sessions, groups, streams ---- */

static int merge_sessions(struct merge *m)
{
	struct metadata *st = m->state;
	bool had = st->n_sessions > 0;

	for (unsigned k = 0; k < m->update->n_sessions; k++) {
		const struct md_session *s = &m->update->sessions[k];
		int i = metadata_find_session(st, s->id);
		struct md_session *d;

		if (i < 0) {
			i = metadata_add_session(st, s->id, NULL);
			if (i < 0)
				return i;
			if (had)
				note(m, MD_NEW_SESSION, (unsigned)i);
		}
		d = &st->sessions[i];
		if (md_set(&d->group_id, s->group_id) < 0 ||
		    md_set(&d->sip_session_id, s->sip_session_id) < 0 ||
		    md_set(&d->start, s->start) < 0 ||
		    md_set(&d->stop, s->stop) < 0 ||
		    md_set(&d->reason, s->reason) < 0 ||
		    md_set(&d->cause, s->cause) < 0)
			return -ENOMEM;
	}
	/* one that names no session at all says nothing about them */
	for (unsigned i = 0; i < st->n_sessions; i++)
		if (m->update->mode == MD_COMPLETE && m->update->n_sessions > 0)
			st->sessions[i].gone =
				metadata_find_session(m->update,
						      st->sessions[i].id) < 0;
	return 0;
}

static int merge_groups(struct merge *m)
{
	struct metadata *st = m->state;

	for (unsigned k = 0; k < m->update->n_groups; k++) {
		const struct md_group *g = &m->update->groups[k];
		int i = metadata_find_group(st, g->id);

		if (i < 0)
			i = metadata_add_group(st, g->id);
		if (i < 0)
			return i;
		if (md_set(&st->groups[i].start, g->start) < 0 ||
		    md_set(&st->groups[i].stop, g->stop) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int merge_streams(struct merge *m)
{
	struct metadata *st = m->state;

	if (m->update->mode == MD_COMPLETE) {
		for (unsigned i = 0; i < st->n_streams; i++)
			st->streams[i].gone = true;
	}
	for (unsigned k = 0; k < m->update->n_streams; k++) {
		const struct md_stream *s = &m->update->streams[k];
		int i = metadata_find_stream(st, s->id);

		if (i < 0)
			i = metadata_add_stream(st, s->id, NULL, NULL);
		if (i < 0)
			return i;
		st->streams[i].gone = false;
		if (md_set(&st->streams[i].label, s->label) < 0 ||
		    md_set(&st->streams[i].session_id, s->session_id) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* ---- links ---- */

static bool same_link(const struct md_link *a, const struct md_link *b)
{
	return a->kind == b->kind && str_eq(a->a, b->a) && str_eq(a->b, b->b);
}

/* Does the update say anew what this link of the state says? A participant's
 * association with its streams is one object: it is replaced as a whole. */
static bool is_replaced(const struct merge *m, const struct md_link *old)
{
	if (m->update->mode == MD_COMPLETE)
		return true;
	for (unsigned k = 0; k < m->update->n_links; k++) {
		const struct md_link *l = &m->update->links[k];

		if (same_link(l, old) ||
		    (is_stream_link(l) && is_stream_link(old) &&
		     str_eq(l->a, old->a)))
			return true;
	}
	return false;
}

/* A hold, as RFC 8068 section 3.2.2 has it: nobody sends the stream now, but it
 * is still that participant's. */
static int keep_sender(struct metadata *st, const struct md_link *l)
{
	int i = l->kind == MD_SEND && !l->stop ? metadata_find_stream(st, l->b)
					       : -1;

	return i < 0 ? 0 : md_set(&st->streams[i].sender, l->a);
}

static int merge_links(struct merge *m)
{
	struct metadata *st = m->state;
	unsigned kept = 0;

	for (unsigned i = 0; i < st->n_links; i++) {
		if (is_replaced(m, &st->links[i]) &&
		    keep_sender(st, &st->links[i]) < 0)
			return -ENOMEM;
	}
	for (unsigned i = 0; i < st->n_links; i++) {
		if (is_replaced(m, &st->links[i]))
			md_link_fini(&st->links[i]);
		else
			st->links[kept++] = st->links[i];
	}
	/* the array's capacity stays what it was: never too small */
	st->n_links = kept;
	for (unsigned k = 0; k < m->update->n_links; k++) {
		const struct md_link *l = &m->update->links[k];
		int r = metadata_add_link(st, l->kind, l->a, l->b, l->start);

		if (r < 0)
			return r;
		if (md_set(&st->links[st->n_links - 1].stop, l->stop) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Who called whom is what the newest description says: after a redirect it is
 * somebody else. What it leaves out has not changed. */
static int merge_who(struct merge *m)
{
	const struct metadata *u = m->update;
	bool sided = u->user_side != MD_SIDE_UNKNOWN;
	bool caller = metadata_extra(u, "caller") != NULL;

	if (sided || caller)
		md_drop_extras(m->state, "caller");
	if (sided || metadata_extra(u, "callee"))
		md_drop_extras(m->state, "callee");
	if (sided || caller || u->user)
		m->state->user_side = u->user_side;
	return md_set(&m->state->user, u->user);
}

static int merge_extras(struct merge *m)
{
	for (unsigned k = 0; k < m->update->n_extras; k++) {
		const struct md_extra *e = &m->update->extras[k];
		int r = metadata_add_extra(m->state, e->name, e->value);

		if (r < 0)
			return r;
	}
	return 0;
}

int metadata_merge(struct metadata *state, const struct metadata *update,
		   struct warn_list *wl, struct md_changes *ret_changes)
{
	int (*const steps[])(struct merge * m) = {
		merge_participants, merge_groups, merge_sessions, merge_streams,
		merge_links,	    merge_who,	  merge_extras,
	};
	struct merge m = { .state = state,
			   .update = update,
			   .changes = ret_changes };
	int r, result = 0;

	if (ret_changes)
		*ret_changes = (struct md_changes){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		r = steps[i](&m);
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			result = r;
	}
	merge_leaving(&m);
	state->repaired |= update->repaired;
	if (md_set(&state->start, update->start) < 0 ||
	    md_set(&state->stop, update->stop) < 0)
		return -ENOMEM;
	if (result == -ENOBUFS)
		warn_add(wl, "metadata.limit", WARN_WARNING,
			 "more participants, streams or associations than "
			 "are kept");
	return result;
}
