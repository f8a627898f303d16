/* Names of people whom a description or a header field gives by address alone:
 * the display names of From, To, P-Asserted-Identity and Remote-Party-ID name
 * whoever has the same address (BroadWorks and Webex leave <name> empty). A
 * name that is there already stays.
 */
#include <errno.h>

#include "auth/identity.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/session/session.h"
#include "srs/sip/name_addr.h"

#define NAMED_MAX 8

/* An address with a name, from a header field. */
struct named {
	struct identity who;
	char name[NAME_ADDR_TEXT_MAX];
};

struct names {
	unsigned n;
	struct named items[NAMED_MAX];
};

struct span names_agent(struct ua_request *req)
{
	return ua_request_field(req, "User-Agent", 0);
}

static void read_field(struct ua_request *req, const char *field,
		       struct names *ns)
{
	struct span agent = names_agent(req), v;
	struct name_addr a;
	char uri[256];

	for (unsigned k = 0; ns->n < NAMED_MAX; k++) {
		v = ua_request_field(req, field, k);
		if (v.len == 0)
			return;
		while (ns->n < NAMED_MAX && name_addr_take(&v, &a)) {
			struct named *n = &ns->items[ns->n];

			name_addr_display(&a, n->name);
			if (name_is_persons(n->name, agent) &&
			    span_copy(uri, sizeof(uri), a.uri) &&
			    identity_parse(uri, &n->who) == 0)
				ns->n++;
		}
	}
}

/* @return NULL: not named there */
static const char *name_of(const struct session *s, const struct names *ns,
			   const struct md_participant *p)
{
	struct identity id;

	for (unsigned k = 0; k < ns->n; k++) {
		for (unsigned i = 0; i < p->n_aors; i++) {
			if (identity_parse(p->aors[i], &id) == 0 &&
			    identity_same(&s->snap.numbers, &id,
					  &ns->items[k].who))
				return ns->items[k].name;
		}
	}
	return NULL;
}

/* Is somebody with this id or address known by name? */
static bool is_named(const struct metadata *md, const struct md_participant *p)
{
	int at = metadata_find_participant(md, p->id);

	if (at >= 0 && md->participants[at].name)
		return true;
	for (unsigned i = 0; p->n_aors && i < md->n_participants; i++) {
		const struct md_participant *o = &md->participants[i];

		if (o->name && o->n_aors && str_ieq(o->aors[0], p->aors[0]))
			return true;
	}
	return false;
}

static int name_one(const struct session *s, const struct names *ns,
		    struct md_participant *p, const struct md_participant *by)
{
	const char *name = p->name ? NULL : name_of(s, ns, by);

	return name ? md_set(&p->name, name) : 0;
}

/* Those whom a partial description leaves out. */
static int name_others(struct session *s, const struct names *ns,
		       struct metadata *md)
{
	int r = 0;

	for (unsigned i = 0; i < s->people->n_participants && r >= 0; i++) {
		const struct md_participant *p = &s->people->participants[i];
		const char *name =
			p->left || p->name ? NULL : name_of(s, ns, p);

		if (name && metadata_find_participant(md, p->id) < 0)
			r = metadata_add_participant(md, p->id, NULL, name);
	}
	return r == -ENOMEM ? r : 0;
}

int names_fill(struct session *s, struct ua_request *req, struct metadata *md)
{
	static const char *const fields[] = { "P-Asserted-Identity",
					      "Remote-Party-ID", "From", "To" };
	struct names ns = { 0 };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		read_field(req, fields[i], &ns);
	for (unsigned i = 0; ns.n && i < md->n_participants && r == 0; i++) {
		struct md_participant *p = &md->participants[i];
		int at = md == s->people
				 ? (int)i
				 : metadata_find_participant(s->people, p->id);

		if (is_named(s->people, p))
			continue;
		r = name_one(s, &ns, p,
			     p->n_aors || at < 0
				     ? p
				     : &s->people->participants[at]);
	}
	if (r == 0 && ns.n && md != s->people && md->mode == MD_PARTIAL)
		r = name_others(s, &ns, md);
	return r;
}
