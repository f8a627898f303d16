/* Which participant called. Clients say it as an address, a number in whatever
 * form, a user part alone (NetSapiens), or by the side of the user whose call
 * they record (BroadWorks, Webex).
 */
#include <string.h>

#include "auth/conditions.h"
#include "base/str.h"

#define DIGITS_MIN 7 /* fewer may be somebody else's extension */

/* What is before "@", or the number; without "+". */
static struct span user_of(const struct identity *id)
{
	const char *text = id->sip[0] ? id->sip : id->tel;
	struct span s = span_of(text);

	if (*text == ' ')
		text++;
	else if (!strncmp(text, "sip:", 4) || !strncmp(text, "tel:", 4))
		text += 4;
	s = span_of(text);
	s = span_cut(&s, '@');
	if (s.len && *s.p == '+')
		s = (struct span){ s.p + 1, s.len - 1 };
	return s;
}

static bool is_digits(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.len > 0;
}

/* The only one of that user part; -1 = none, or several. */
static int find_user(const struct call_facts *f, const struct identity *id,
		     bool any_host)
{
	struct span user = user_of(id);
	bool hosted = strchr(id->sip, '@') != NULL;
	int found = -1;

	if (!user.len || (hosted && !any_host &&
			  !(is_digits(user) && user.len >= DIGITS_MIN)))
		return -1;
	for (unsigned i = 0; i < f->n_people; i++) {
		struct span one = user_of(&f->people[i]);

		if (one.len != user.len ||
		    strncasecmp(one.p, user.p, one.len) != 0)
			continue;
		if (found >= 0)
			return -1;
		found = (int)i;
	}
	return found;
}

static int find(const struct conditions *c, const struct call_facts *f,
		const char *text, bool any_host)
{
	const struct number_plan *plan = conditions_plan(c, f->numbers);
	struct identity id;

	if (!text || identity_parse(text, &id) < 0)
		return -1;
	for (unsigned i = 0; i < f->n_people; i++)
		if (identity_same(plan, &id, &f->people[i]))
			return (int)i;
	return find_user(f, &id, any_host);
}

static int find_any(const struct conditions *c, const struct call_facts *f,
		    const char *const *texts, unsigned n)
{
	int found = -1;

	for (unsigned i = 0; i < n && found < 0; i++)
		found = find(c, f, texts[i], false);
	return found;
}

static bool is_own(const struct conditions *c, const struct call_facts *f,
		   const struct identity *id)
{
	const struct number_plan *plan = conditions_plan(c, f->numbers);

	for (unsigned i = 0; i < c->n_owner; i++)
		if (id_pattern_match(&c->owner[i], plan, id, false))
			return true;
	return false;
}

/* The owner by another address: the user id need not be one of the call. */
static int find_owner(const struct conditions *c, const struct call_facts *f)
{
	struct identity id;
	int found = -1;

	if (!f->who.user || identity_parse(f->who.user, &id) < 0 ||
	    !is_own(c, f, &id))
		return -1;
	for (unsigned i = 0; i < f->n_people; i++) {
		if (!is_own(c, f, &f->people[i]))
			continue;
		if (found >= 0)
			return -1;
		found = (int)i;
	}
	return found;
}

int conditions_caller(const struct conditions *c, const struct call_facts *f)
{
	const struct call_who *w = &f->who;
	int user = -1, caller;

	if (f->caller >= 0)
		return (unsigned)f->caller < f->n_people ? f->caller : -1;
	caller = find_any(c, f, w->callers, w->n_callers);
	if (w->side == CALL_SIDE_UNKNOWN)
		return caller;
	user = find(c, f, w->user, true);
	if (user < 0)
		user = find_owner(c, f);
	if (w->side == CALL_SIDE_CALLED)
		return user >= 0 ? user : caller;
	if (user < 0)
		user = find_any(c, f, w->callees, w->n_callees);
	if (caller >= 0 && caller != user)
		return caller;
	return user >= 0 && f->n_people == 2 ? 1 - user : -1;
}
