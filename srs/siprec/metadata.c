#include "srs/siprec/metadata.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

/* ---- life ---- */

int metadata_create(struct metadata **ret_md)
{
	struct metadata *md = mem_zalloc(sizeof(*md));

	if (!md)
		return -ENOMEM;
	*ret_md = md;
	return 0;
}

static void free_participant(struct md_participant *p)
{
	mem_free(p->id);
	mem_free(p->name);
	for (unsigned i = 0; i < p->n_aors; i++)
		mem_free(p->aors[i]);
}

static void free_session(struct md_session *s)
{
	mem_free(s->id);
	mem_free(s->group_id);
	mem_free(s->sip_session_id);
	mem_free(s->start);
	mem_free(s->stop);
	mem_free(s->reason);
	mem_free(s->cause);
}

static void free_arrays(struct metadata *md)
{
	mem_free(md->groups);
	mem_free(md->sessions);
	mem_free(md->participants);
	mem_free(md->streams);
	mem_free(md->links);
	mem_free(md->extras);
}

void metadata_destroy(struct metadata **mp)
{
	struct metadata *md = *mp;

	if (!md)
		return;
	*mp = NULL;
	for (unsigned i = 0; i < md->n_groups; i++) {
		mem_free(md->groups[i].id);
		mem_free(md->groups[i].start);
		mem_free(md->groups[i].stop);
	}
	for (unsigned i = 0; i < md->n_sessions; i++)
		free_session(&md->sessions[i]);
	for (unsigned i = 0; i < md->n_participants; i++)
		free_participant(&md->participants[i]);
	for (unsigned i = 0; i < md->n_streams; i++) {
		mem_free(md->streams[i].id);
		mem_free(md->streams[i].label);
		mem_free(md->streams[i].sender);
		mem_free(md->streams[i].session_id);
	}
	for (unsigned i = 0; i < md->n_links; i++)
		md_link_fini(&md->links[i]);
	for (unsigned i = 0; i < md->n_extras; i++) {
		mem_free(md->extras[i].name);
		mem_free(md->extras[i].value);
	}
	free_arrays(md);
	mem_free(md->start);
	mem_free(md->stop);
	mem_free(md->user);
	mem_free(md);
}

void md_link_fini(struct md_link *l)
{
	mem_free(l->a);
	mem_free(l->b);
	mem_free(l->start);
	mem_free(l->stop);
}

/* ---- growing ---- */

/* Room for one more element behind the n that are there; capacities are the
 * powers of two, so they need not be stored. */
static int grow(void **array, unsigned n, unsigned max, size_t size)
{
	void *p;

	if (n >= max)
		return -ENOBUFS;
	if (n & (n - 1))
		return 0;
	p = mem_realloc(*array, (n ? 2 * (size_t)n : 1) * size);
	if (!p)
		return -ENOMEM;
	*array = p;
	return 0;
}

/* U+FFFE and U+FFFF are no characters of XML: what has them could not be read
 * again after it was printed. */
static void no_nonchars(char *s)
{
	while ((s = strstr(s, "\xef\xbf"))) {
		unsigned char last = (unsigned char)s[2];

		if (last == 0xbe || last == 0xbf)
			memset(s, '?', 3);
		s += 2;
	}
}

bool md_clean(char dst[METADATA_TEXT_MAX + 1], const char *value)
{
	struct span v = span_trim(span_of(value));

	if (!v.len)
		return false;
	if (v.len > METADATA_TEXT_MAX) {
		v.len = METADATA_TEXT_MAX;
		v = span_trim(v);
	}
	memcpy(dst, v.p, v.len);
	dst[v.len] = '\0';
	str_clean(dst);
	no_nonchars(dst);
	return true;
}

int md_set(char **dst, const char *value)
{
	char text[METADATA_TEXT_MAX + 1];
	char *copy;

	if (!md_clean(text, value))
		return 0;
	copy = mem_strdup(text);
	if (!copy)
		return -ENOMEM;
	mem_free(*dst);
	*dst = copy;
	return 0;
}

int md_add_aor(struct md_participant *p, const char *aor)
{
	char *copy = NULL;
	int r = md_set(&copy, aor);

	if (r < 0 || !copy)
		return r;
	for (unsigned i = 0; i < p->n_aors; i++) {
		if (!strcmp(p->aors[i], copy)) {
			mem_free(copy);
			return 0;
		}
	}
	if (p->n_aors == METADATA_AORS_MAX) {
		mem_free(copy);
		return -ENOBUFS;
	}
	p->aors[p->n_aors++] = copy;
	return 0;
}

int metadata_add_participant(struct metadata *md, const char *id,
			     const char *aor, const char *name)
{
	struct md_participant *p;
	int r = grow((void **)&md->participants, md->n_participants,
		     METADATA_PARTICIPANTS_MAX, sizeof(*p));

	if (r < 0)
		return r;
	p = &md->participants[md->n_participants];
	*p = (struct md_participant){ 0 };
	r = md_set(&p->id, id);
	if (!r)
		r = md_set(&p->name, name);
	if (!r)
		r = md_add_aor(p, aor);
	if (r < 0) {
		free_participant(p);
		return r;
	}
	p->placeholder = md_is_placeholder(p);
	return (int)md->n_participants++;
}

int metadata_add_stream(struct metadata *md, const char *id, const char *label,
			const char *session_id)
{
	struct md_stream *s;
	int r = grow((void **)&md->streams, md->n_streams, METADATA_STREAMS_MAX,
		     sizeof(*s));

	if (r < 0)
		return r;
	s = &md->streams[md->n_streams];
	*s = (struct md_stream){ 0 };
	if (md_set(&s->id, id) < 0 || md_set(&s->label, label) < 0 ||
	    md_set(&s->session_id, session_id) < 0) {
		mem_free(s->id);
		mem_free(s->label);
		mem_free(s->session_id);
		return -ENOMEM;
	}
	return (int)md->n_streams++;
}

int metadata_add_session(struct metadata *md, const char *id, const char *start)
{
	struct md_session *s;
	int r = grow((void **)&md->sessions, md->n_sessions,
		     METADATA_SESSIONS_MAX, sizeof(*s));

	if (r < 0)
		return r;
	s = &md->sessions[md->n_sessions];
	*s = (struct md_session){ 0 };
	if (md_set(&s->id, id) < 0 || md_set(&s->start, start) < 0) {
		free_session(s);
		return -ENOMEM;
	}
	return (int)md->n_sessions++;
}

int metadata_add_group(struct metadata *md, const char *id)
{
	struct md_group *g;
	int r = grow((void **)&md->groups, md->n_groups, METADATA_SESSIONS_MAX,
		     sizeof(*g));

	if (r < 0)
		return r;
	g = &md->groups[md->n_groups];
	*g = (struct md_group){ 0 };
	r = md_set(&g->id, id);
	return r < 0 ? r : (int)md->n_groups++;
}

int metadata_add_link(struct metadata *md, enum md_link_kind kind,
		      const char *a, const char *b, const char *start)
{
	struct md_link *l;
	int r = grow((void **)&md->links, md->n_links, METADATA_LINKS_MAX,
		     sizeof(*l));

	if (r < 0)
		return r;
	l = &md->links[md->n_links];
	*l = (struct md_link){ .kind = kind };
	if (md_set(&l->a, a) < 0 || md_set(&l->b, b) < 0 ||
	    md_set(&l->start, start) < 0) {
		md_link_fini(l);
		return -ENOMEM;
	}
	md->n_links++;
	return 0;
}

int metadata_add_extra(struct metadata *md, const char *name, const char *value)
{
	struct md_extra *e;
	int r;

	if (!span_trim(span_of(value)).len)
		return 0;
	for (unsigned i = 0; i < md->n_extras; i++) {
		if (str_eq(md->extras[i].name, name) &&
		    str_eq(md->extras[i].value, value))
			return 0;
	}
	r = grow((void **)&md->extras, md->n_extras, METADATA_EXTRAS_MAX,
		 sizeof(*e));
	if (r < 0)
		return r;
	e = &md->extras[md->n_extras];
	*e = (struct md_extra){ 0 };
	if (md_set(&e->name, name) < 0 || md_set(&e->value, value) < 0) {
		mem_free(e->name);
		mem_free(e->value);
		return -ENOMEM;
	}
	md->n_extras++;
	return 0;
}

/* ---- finding ---- */

int metadata_find_participant(const struct metadata *md, const char *id)
{
	for (unsigned i = 0; id && i < md->n_participants; i++) {
		if (str_eq(md->participants[i].id, id))
			return (int)i;
	}
	return -1;
}

int metadata_find_stream(const struct metadata *md, const char *id)
{
	for (unsigned i = 0; id && i < md->n_streams; i++) {
		if (str_eq(md->streams[i].id, id))
			return (int)i;
	}
	return -1;
}

int metadata_find_session(const struct metadata *md, const char *id)
{
	for (unsigned i = 0; id && i < md->n_sessions; i++) {
		if (str_eq(md->sessions[i].id, id))
			return (int)i;
	}
	return -1;
}

int metadata_find_group(const struct metadata *md, const char *id)
{
	for (unsigned i = 0; id && i < md->n_groups; i++) {
		if (str_eq(md->groups[i].id, id))
			return (int)i;
	}
	return -1;
}

const char *metadata_extra(const struct metadata *md, const char *name)
{
	for (unsigned i = 0; i < md->n_extras; i++) {
		if (str_eq(md->extras[i].name, name))
			return md->extras[i].value;
	}
	return NULL;
}

void md_drop_extras(struct metadata *md, const char *name)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < md->n_extras; i++) {
		if (str_eq(md->extras[i].name, name)) {
			mem_free(md->extras[i].name);
			mem_free(md->extras[i].value);
		} else {
			md->extras[kept++] = md->extras[i];
		}
	}
	/* the array's capacity stays what it was: never too small */
	md->n_extras = kept;
}

struct span md_aor_user(const char *aor)
{
	struct span s = span_of(aor);
	ptrdiff_t colon = span_find(s, ':');
	ptrdiff_t stop;

	if (colon >= 0) {
		s.p += colon + 1;
		s.len -= (size_t)colon + 1;
	}
	stop = span_find(s, '@');
	if (stop < 0)
		stop = span_find(s, ';');
	if (stop >= 0)
		s.len = (size_t)stop;
	return span_trim(s);
}

static bool names_nobody(struct span user)
{
	static const char *const words[] = {
		"anonymous",  "unknown",   "unavailable", "placeholder",
		"restricted", "undefined", "null",	  "conference",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (span_ieq(user, words[i]))
			return true;
	}
	return !user.len;
}

bool md_is_placeholder(const struct md_participant *p)
{
	for (unsigned i = 0; i < p->n_aors; i++) {
		if (!names_nobody(md_aor_user(p->aors[i])))
			return false;
	}
	return !p->name || names_nobody(span_of(p->name));
}
