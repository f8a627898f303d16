#include "srs/siprec/metadata.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

/* Whoever adds a member copies it below. */
_Static_assert(sizeof(struct md_group) == 3 * sizeof(char *), "copied");
_Static_assert(sizeof(struct md_session) == 8 * sizeof(char *), "copied");
_Static_assert(sizeof(struct md_participant) ==
		       (4 + METADATA_AORS_MAX) * sizeof(char *),
	       "copied");
_Static_assert(sizeof(struct md_stream) == 5 * sizeof(char *), "copied");
_Static_assert(sizeof(struct md_link) == 5 * sizeof(char *), "copied");
_Static_assert(sizeof(struct md_extra) == 2 * sizeof(char *), "copied");
_Static_assert(sizeof(struct metadata) == 14 * sizeof(char *), "copied");

/* *p is somebody else's: it becomes a copy, or NULL. */
static void own(char **p, bool *failed)
{
	if (!*p)
		return;
	*p = mem_strdup(*p);
	*failed |= !*p;
}

/* A copy with the same capacity, a power of two (metadata.c). What is in there
 * still belongs to the other one. */
static void *dup_array(const void *array, unsigned n, size_t size,
		       unsigned *ret_n, bool *failed)
{
	size_t room = 1;
	void *p;

	*ret_n = 0;
	if (n == 0)
		return NULL;
	while (room < n)
		room *= 2;
	p = mem_calloc(room, size);
	if (!p) {
		*failed = true;
		return NULL;
	}
	memcpy(p, array, n * size);
	*ret_n = n;
	return p;
}

static void own_sessions(struct metadata *md, bool *failed)
{
	for (unsigned i = 0; i < md->n_groups; i++) {
		own(&md->groups[i].id, failed);
		own(&md->groups[i].start, failed);
		own(&md->groups[i].stop, failed);
	}
	for (unsigned i = 0; i < md->n_sessions; i++) {
		struct md_session *s = &md->sessions[i];

		own(&s->id, failed);
		own(&s->group_id, failed);
		own(&s->sip_session_id, failed);
		own(&s->start, failed);
		own(&s->stop, failed);
		own(&s->reason, failed);
		own(&s->cause, failed);
	}
}

static void own_people(struct metadata *md, bool *failed)
{
	for (unsigned i = 0; i < md->n_participants; i++) {
		struct md_participant *p = &md->participants[i];

		own(&p->id, failed);
		own(&p->name, failed);
		for (unsigned k = 0; k < p->n_aors; k++)
			own(&p->aors[k], failed);
	}
	for (unsigned i = 0; i < md->n_streams; i++) {
		own(&md->streams[i].id, failed);
		own(&md->streams[i].label, failed);
		own(&md->streams[i].session_id, failed);
		own(&md->streams[i].sender, failed);
	}
}

static void own_rest(struct metadata *md, bool *failed)
{
	for (unsigned i = 0; i < md->n_links; i++) {
		own(&md->links[i].a, failed);
		own(&md->links[i].b, failed);
		own(&md->links[i].start, failed);
		own(&md->links[i].stop, failed);
	}
	for (unsigned i = 0; i < md->n_extras; i++) {
		own(&md->extras[i].name, failed);
		own(&md->extras[i].value, failed);
	}
	own(&md->start, failed);
	own(&md->stop, failed);
	own(&md->user, failed);
}

int metadata_clone(const struct metadata *md, struct metadata **ret_md)
{
	struct metadata *m = mem_dup(md, sizeof(*md));
	bool failed = false;

	if (!m)
		return -ENOMEM;
#define DUP(array, n)                                                          \
	m->array = dup_array(md->array, md->n, sizeof(*md->array), &m->n,      \
			     &failed)
	DUP(groups, n_groups);
	DUP(sessions, n_sessions);
	DUP(participants, n_participants);
	DUP(streams, n_streams);
	DUP(links, n_links);
	DUP(extras, n_extras);
#undef DUP
	own_sessions(m, &failed);
	own_people(m, &failed);
	own_rest(m, &failed);
	if (failed)
		metadata_destroy(&m);
	else
		*ret_md = m;
	return failed ? -ENOMEM : 0;
}
