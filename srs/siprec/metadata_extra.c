/* What vendors add to a description: leaves and attributes become extras (the
 * raw document is kept elsewhere), what people search for under a name of ours.
 */
#include <stdio.h>

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

static void add_extra(struct md_reader *r, const char *element,
		      const char *value)
{
	char name[NAME_MAX_LEN];

	if (!span_trim(span_of(value)).len)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(lifted); i++) {
		if (md_is_name(element, lifted[i].plain)) {
			md_check(r, metadata_add_extra(r->md, lifted[i].name,
						       value));
			return;
		}
	}
	snprintf(name, sizeof(name), "ext.%s", element);
	md_check(r, metadata_add_extra(r->md, name, value));
}

static bool is_yes_or_no(const char *text)
{
	struct span s = span_trim(span_of(text));

	return span_ieq(s, "true") || span_ieq(s, "false");
}

/* Oracle marks the participant that called: <apkt:callerOrig>true, or
 * <apkt:callingParty>, which is a number with others. */
static bool marks_caller(struct md_reader *r, const struct xml_node *n)
{
	const struct md_participant *p;

	if (r->participant < 0 ||
	    !(md_is_name(n->name, "callerorig") ||
	      (md_is_name(n->name, "callingparty") && is_yes_or_no(n->text))))
		return false;
	p = &r->md->participants[r->participant];
	if (span_ieq(span_trim(span_of(n->text)), "true") && p->n_aors)
		md_check(r, metadata_add_extra(r->md, "caller", p->aors[0]));
	return true;
}

void md_read_extension(struct md_reader *r, const struct xml_node *n)
{
	if (marks_caller(r, n))
		return;
	for (const struct xml_attr *a = n->attrs; a; a = a->next) {
		if (!str_ieq(a->name, "xmlns") && !md_is_name(a->name, "lang"))
			add_extra(r, a->name, a->value);
	}
	if (!n->child)
		add_extra(r, n->name, n->text);
	for (const struct xml_node *c = n->child; c && !r->error; c = c->next)
		md_read_extension(r, c);
}
