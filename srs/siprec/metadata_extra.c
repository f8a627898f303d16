/* What vendors add to a description: leaves and attributes become extras (the
 * raw document is kept elsewhere), what people search for under a name of ours.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "srs/siprec/metadata.h"
#include "srs/siprec/metadata_read.h"
#include "srs/siprec/xml_tree.h"

#define NAME_MAX_LEN 48

static const struct {
	const char *plain;
	const char *name;
} lifted[] = {
	{ "caller", "caller" },
	{ "callingparty", "caller" },
	{ "callingpartynumber", "caller" },
	{ "fromhdr", "caller" },
	{ "tohdr", "callee" },
	{ "callingnumber", "caller" },
	{ "callernumber", "caller" },
	{ "ani", "caller" },
	{ "callee", "callee" },
	{ "calledparty", "callee" },
	{ "calledpartynumber", "callee" },
	{ "callednumber", "callee" },
	{ "calleenumber", "callee" },
	{ "dnis", "callee" },
	{ "tenant", "tenant" },
	{ "tenantid", "tenant" },
	{ "domain", "tenant" },
	{ "enterpriseid", "tenant" },
	{ "serviceproviderid", "tenant" },
	{ "customerid", "tenant" },
	{ "agent", "agent" },
	{ "agentid", "agent" },
	{ "agentname", "agent" },
	{ "ucid", "ucid" },
	{ "avayaucid", "ucid" },
};

/* ---- who called whom ---- */

/* In a namespace of jambonz, which names the callee as the caller and the other
 * way round? */
static bool is_swapped(const struct xml_node *n)
{
	for (; n; n = n->parent) {
		if (strcasestr(xml_namespace(n), "jambonz"))
			return true;
	}
	return false;
}

/* Of several extensions in a document the last one counts: after a redirect
 * BroadWorks sends those before, too. */
static void add_caller(struct md_reader *r, const char *value)
{
	if (r->caller_in != r->extension)
		md_drop_extras(r->md, "caller");
	if (r->side_in != r->extension)
		r->md->user_side = MD_SIDE_UNKNOWN;
	r->caller_in = r->extension;
	r->marked = -1;
	md_check(r, metadata_add_extra(r->md, "caller", value));
}

static void add_callee(struct md_reader *r, const char *value)
{
	if (r->callee_in != r->extension)
		md_drop_extras(r->md, "callee");
	r->callee_in = r->extension;
	md_check(r, metadata_add_extra(r->md, "callee", value));
}

static void set_user(struct md_reader *r, const char *value)
{
	if (!value || !span_trim(span_of(value)).len ||
	    (r->user_in == r->extension && r->md->user))
		return;
	if (r->side_in != r->extension)
		r->md->user_side = MD_SIDE_UNKNOWN;
	r->user_in = r->extension;
	md_check(r, md_set(&r->md->user, value));
}

static void set_side(struct md_reader *r, enum md_side side)
{
	struct metadata *md = r->md;
	bool again = r->side_in == r->extension && md->user_side &&
		     md->user_side != side;

	if (side == MD_SIDE_UNKNOWN)
		return;
	if (again || r->caller_in != r->extension)
		md_drop_extras(md, "caller");
	if (again || r->callee_in != r->extension)
		md_drop_extras(md, "callee");
	if (r->user_in != r->extension) {
		mem_free(md->user);
		md->user = NULL;
	}
	r->side_in = r->extension;
	md->user_side = side;
}

/* "origCall", "originating", "term-call" */
static enum md_side side_of(const char *word)
{
	struct span s = span_trim(span_of(word));

	if (span_istarts(s, "orig"))
		return MD_SIDE_CALLED;
	return span_istarts(s, "term") ? MD_SIDE_WAS_CALLED : MD_SIDE_UNKNOWN;
}

static bool is_no(const char *text)
{
	struct span s = span_trim(span_of(text));

	return span_ieq(s, "false") || span_ieq(s, "no") || span_eq(s, "0");
}

static bool is_yes_or_no(const char *text)
{
	struct span s = span_trim(span_of(text));

	return span_ieq(s, "true") || span_ieq(s, "yes") || span_eq(s, "1") ||
	       is_no(text);
}

/* Oracle marks the participant that called: <apkt:callerOrig>true, or
 * <apkt:callingParty>, which is a number with others. */
static bool marks_caller(struct md_reader *r, const char *name,
			 const char *value)
{
	const struct md_participant *p;

	if (!md_is_name(name, "callerorig") &&
	    !((md_is_name(name, "callingparty") ||
	       md_is_name(name, "calledparty")) &&
	      is_yes_or_no(value)))
		return false;
	if (r->participant < 0 || is_no(value) || !is_yes_or_no(value) ||
	    md_is_name(name, "calledparty"))
		return true;
	p = &r->md->participants[r->participant];
	if (p->n_aors)
		add_caller(r, p->aors[0]);
	else
		r->marked = r->participant;
	return true;
}

/* What BroadWorks and Webex say of the user whose call is recorded. */
static void read_user(struct md_reader *r, const char *name, const char *value)
{
	if (md_is_name(name, "userid"))
		set_user(r, value);
	else if (md_is_name(name, "calltype"))
		set_side(r, value ? side_of(value) : MD_SIDE_UNKNOWN);
	else if (md_is_name(name, "origcall") && !is_no(value ? value : ""))
		set_side(r, MD_SIDE_CALLED);
	else if (md_is_name(name, "termcall") && !is_no(value ? value : ""))
		set_side(r, MD_SIDE_WAS_CALLED);
}

/* An address in an element of its own: <callingParty><nameID aor=""/>. */
static const char *inner_address(const struct xml_node *n, unsigned depth)
{
	static const char *const plain[] = { "aor", "uri", "number", "nameid" };
	const char *found = md_said(n);

	for (const struct xml_attr *a = n->attrs; !found && a; a = a->next) {
		for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
			if (!found && *a->value &&
			    md_is_name(a->name, plain[i]))
				found = a->value;
	}
	for (const struct xml_node *c = n->child; !found && c; c = c->next) {
		for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
			if (!found && depth && md_is_name(c->name, plain[i]))
				found = inner_address(c, depth - 1);
	}
	return found;
}

/* ---- any of them ---- */

static void add_lifted(struct md_reader *r, const struct xml_node *n,
		       const char *name, const char *value)
{
	bool caller = str_eq(name, "caller");

	if (!caller && !str_eq(name, "callee"))
		md_check(r, metadata_add_extra(r->md, name, value));
	else if (caller != is_swapped(n))
		add_caller(r, value);
	else
		add_callee(r, value);
}

/* A leaf or an attribute of n. */
static void add_extra(struct md_reader *r, const struct xml_node *n,
		      const char *element, const char *value)
{
	char name[NAME_MAX_LEN];

	if (!value || !span_trim(span_of(value)).len ||
	    marks_caller(r, element, value))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(lifted); i++) {
		if (md_is_name(element, lifted[i].plain)) {
			add_lifted(r, n, lifted[i].name, value);
			return;
		}
	}
	snprintf(name, sizeof(name), "ext.%s", element);
	md_check(r, metadata_add_extra(r->md, name, value));
}

/* Does an extension begin with n? One alone stands in no element of its own,
 * several may stand in one (<extensiondata>). */
static bool begins(const struct xml_node *n, bool outermost)
{
	return n->child && (outermost ||
			    md_is_name(n->name, "broadworksrecordingmetadata"));
}

static void read_attributes(struct md_reader *r, const struct xml_node *n)
{
	bool type = md_is_name(n->name, "calltype");

	for (const struct xml_attr *a = n->attrs; a; a = a->next) {
		if (md_is_name(a->name, "lang"))
			continue;
		read_user(r, type && side_of(a->value) ? n->name : a->name,
			  a->value);
		add_extra(r, n, a->name, a->value);
	}
}

static void read_any(struct md_reader *r, const struct xml_node *n,
		     bool outermost)
{
	if (begins(n, outermost))
		r->extension++;
	read_user(r, n->name, md_said(n));
	read_attributes(r, n);
	if (!n->child && span_trim(span_of(n->text)).len)
		add_extra(r, n, n->name, n->text);
	else if (md_is_name(n->name, "callingparty") ||
		 md_is_name(n->name, "calledparty") ||
		 md_is_name(n->name, "caller") || md_is_name(n->name, "callee"))
		add_extra(r, n, n->name, inner_address(n, 2));
	for (const struct xml_node *c = n->child; c && !r->error; c = c->next)
		read_any(r, c, false);
}

void md_read_extension(struct md_reader *r, const struct xml_node *n)
{
	read_any(r, n, true);
}

/* Is the user id this one's address: all of it, or what is before "@"? */
static bool is_user(const char *user, const struct md_participant *p, bool all)
{
	struct span u = all ? span_of(user) : md_aor_user(user);

	for (unsigned i = 0; i < p->n_aors && u.len; i++) {
		struct span aor = span_of(p->aors[i]);

		if (all) {
			(void)span_cut(&aor, ':');
			aor = span_cut(&aor, ';');
			if (span_istarts(u, "sip:") || span_istarts(u, "tel:"))
				(void)span_cut(&u, ':');
		} else {
			aor = md_aor_user(p->aors[i]);
		}
		if (u.len == aor.len && !strncasecmp(u.p, aor.p, u.len))
			return true;
	}
	return false;
}

/* The only participant with that user id, -1 = none, or several. */
static int find_user(const struct metadata *md, bool all)
{
	int found = -1;

	for (unsigned i = 0; md->user && i < md->n_participants; i++) {
		if (!is_user(md->user, &md->participants[i], all))
			continue;
		if (found >= 0)
			return -1;
		found = (int)i;
	}
	return found;
}

/* What people see and search for where the client only tells the side of the
 * user. Who called for the conditions is found by the judge, which knows what
 * numbers mean. */
static void name_parties(struct metadata *md, struct md_reader *r)
{
	const char *const names[] = { "callee", "caller" };
	bool called = md->user_side == MD_SIDE_CALLED;
	int user = find_user(md, true);

	if (user < 0)
		user = find_user(md, false);
	if (user < 0 || md->user_side == MD_SIDE_UNKNOWN)
		return;
	for (unsigned i = 0; i < md->n_participants && i < 2; i++) {
		bool own = md->n_participants > 2 || (int)i == user;
		const struct md_participant *p =
			&md->participants[own ? (unsigned)user : i];
		const char *name = names[own ? called : !called];

		if (p->n_aors && !metadata_extra(md, name))
			md_check(r, metadata_add_extra(md, name, p->aors[0]));
	}
}

/* A party by the id of its participant (an integer may be a number). */
static void resolve_ids(struct metadata *md, struct md_reader *r)
{
	for (unsigned i = 0; i < md->n_extras; i++) {
		struct md_extra *e = &md->extras[i];
		int p = str_eq(e->name, "caller") || str_eq(e->name, "callee")
				? metadata_find_participant(md, e->value)
				: -1;

		if (p >= 0 && md->participants[p].n_aors &&
		    e->value[strspn(e->value, "0123456789")])
			md_check(r, md_set(&e->value,
					   md->participants[p].aors[0]));
	}
}

void md_end_extensions(struct md_reader *r)
{
	const struct md_participant *p;

	if (r->error)
		return;
	if (r->marked >= 0) {
		p = &r->md->participants[r->marked];
		if (p->n_aors)
			add_caller(r, p->aors[0]);
	}
	resolve_ids(r->md, r);
	name_parties(r->md, r);
}
