#include "auth/trunk_claim.h"

#include <errno.h>
#include <string.h>

#include "auth/trunks.h"
#include "base/err.h"
#include "base/str.h"

/* "*.voip.example" is above "sbc.voip.example"; a last dot says nothing. */
static bool name_covers(const char *wide, const char *name)
{
	size_t wide_len = strlen(wide), len = strlen(name);

	while (wide_len && wide[wide_len - 1] == '.')
		wide_len--;
	while (len && name[len - 1] == '.')
		len--;
	if (wide_len == len && strncmp(wide, name, len) == 0)
		return true;
	if (wide_len < 2 || wide[0] != '*' || wide[1] != '.')
		return false;
	return len >= wide_len && strncmp(name + len - (wide_len - 1), wide + 1,
					  wide_len - 1) == 0;
}

static bool nets_meet(const struct trunk *a, const struct trunk *b)
{
	unsigned i, k;

	for (i = 0; i < a->n_nets; i++)
		for (k = 0; k < b->n_nets; k++)
			if (a->nets[i].bits <= b->nets[k].bits
				    ? trunk_net_contains(&a->nets[i],
							 &b->nets[k])
				    : trunk_net_contains(&b->nets[k],
							 &a->nets[i]))
				return true;
	return false;
}

static bool has_cert(const struct trunk *t)
{
	return t->tls_name[0] || t->tls_sha256[0];
}

/* What is found by certificate is never found by address alone. */
static bool certs_meet(const struct trunk *a, const struct trunk *b)
{
	if (has_cert(a) != has_cert(b))
		return false;
	if (!has_cert(a))
		return true;
	if (a->tls_sha256[0] && b->tls_sha256[0])
		return str_eq(a->tls_sha256, b->tls_sha256);
	return a->tls_name[0] && b->tls_name[0] &&
	       (name_covers(a->tls_name, b->tls_name) ||
		name_covers(b->tls_name, a->tls_name));
}

bool trunk_overlaps(const struct trunk *a, const struct trunk *b)
{
	if (a->uri_user[0] && b->uri_user[0] &&
	    !str_eq(a->uri_user, b->uri_user))
		return false;
	if (a->n_nets && b->n_nets && !nets_meet(a, b))
		return false;
	return certs_meet(a, b);
}

bool trunk_same_claim(const struct trunk *a, const struct trunk *b)
{
	return str_eq(a->tls_name, b->tls_name) &&
	       str_eq(a->tls_sha256, b->tls_sha256) &&
	       str_eq(a->uri_user, b->uri_user) && a->n_nets == b->n_nets &&
	       memcmp(a->nets, b->nets, a->n_nets * sizeof(a->nets[0])) == 0;
}

struct search {
	const struct trunk *t;
	struct trunk other;
	bool found;
};

/* May t take what o has? See the table in the header. */
static bool is_taken(const struct trunk *t, const struct trunk *o)
{
	if (str_eq(t->id, o->id) || !trunk_overlaps(t, o))
		return false;
	if (t->by_tenant)
		return true;
	return !str_eq(t->tenant_id, o->tenant_id) && !t->forced &&
	       !(t->from_file && o->from_file);
}

static int on_trunk(void *arg, const struct trunk *o)
{
	struct search *s = arg;

	if (!is_taken(s->t, o))
		return 0;
	s->other = *o;
	s->found = true;
	return 1;
}

int trunk_claim_check(struct auth *a, const struct trunk *t, struct err *e)
{
	struct search s = { .t = t };
	int64_t r = trunk_each(a, NULL, on_trunk, &s);

	if (r < 0)
		return (int)r;
	if (!s.found)
		return 0;
	if (t->by_tenant) /* what others have is none of their business */
		return err_set(e, -EEXIST,
			       "another trunk has this certificate or network, "
			       "or part of it; say another uri_user, or ask "
			       "the operator");
	return err_set(e, -EEXIST,
		       "trunk \"%s\" (%s) of another account has this "
		       "certificate or network, or part of it, and no other "
		       "uri_user",
		       s.other.name, s.other.id);
}
