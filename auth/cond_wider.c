/* Is one authorization within another? Each function compares one field and
 * reports where the inner one reaches further. What can't be shown to be
 * within is reported as wider. */
#include <stdio.h>
#include <string.h>

#include "auth/conditions.h"
#include "base/clock.h"
#include "base/str.h"

struct report {
	struct violation *list;
	unsigned max, n;
};

static void report(struct report *r, const char *path, const char *limit,
		   const char *got)
{
	struct violation *v;

	if (r->list && r->n < r->max) {
		v = &r->list[r->n];
		memset(v, 0, sizeof(*v));
		(void)str_copy(v->path, sizeof(v->path), path);
		(void)str_copy(v->required, sizeof(v->required), limit);
		(void)str_copy(v->got, sizeof(v->got), got);
	}
	r->n++;
}

static void report_num(struct report *r, const char *path, const char *word,
		       int64_t limit, int64_t got)
{
	char a[48], b[48];

	(void)snprintf(a, sizeof(a), "%s %lld", word, (long long)limit);
	if (got)
		(void)snprintf(b, sizeof(b), "%lld", (long long)got);
	else
		(void)str_copy(b, sizeof(b), "no limit");
	report(r, path, a, b);
}

/* 0 means no limit. */
static void at_most(struct report *r, const char *path, int64_t outer,
		    int64_t inner)
{
	if (outer && (!inner || inner > outer))
		report_num(r, path, "at most", outer, inner);
}

static void same_word(struct report *r, const char *path, const char *outer,
		      const char *inner)
{
	if (outer[0] && strcmp(outer, inner) != 0)
		report(r, path, outer, inner[0] ? inner : "not said");
}

static bool covered(const struct id_pattern *p, const struct id_pattern *by,
		    unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (id_pattern_covers(&by[i], p))
			return true;
	return false;
}

static void people(struct report *r, const struct conditions *o,
		   const struct conditions *i)
{
	unsigned k;

	for (k = 0; k < i->n_owner; k++)
		if (!covered(&i->owner[k], o->owner, o->n_owner))
			report(r, "owner.aor", "an address that was asked for",
			       i->owner[k].text);
	if (o->must_participate && !i->must_participate)
		report(r, "owner.must_participate", "true", "false");
	if (i->min_people < o->min_people)
		report_num(r, "conditions.participants.min", "at least",
			   o->min_people, i->min_people);
	at_most(r, "conditions.participants.max", o->max_people, i->max_people);
	if (o->n_allow && o->match == COND_MATCH_ALL &&
	    i->match == COND_MATCH_ANY)
		report(r, "conditions.participants.match", "all", "any");
	if (o->n_allow && !i->n_allow)
		report(r, "conditions.participants.allow", "a list",
		       "everybody");
	for (k = 0; o->n_allow && k < i->n_allow; k++)
		if (!covered(&i->allow[k], o->allow, o->n_allow))
			report(r, "conditions.participants.allow",
			       "a pattern within the list", i->allow[k].text);
	for (k = 0; k < o->n_deny; k++)
		if (!covered(&o->deny[k], i->deny, i->n_deny))
			report(r, "conditions.participants.deny",
			       o->deny[k].text, "not denied");
}

static bool codec_within(const struct codec_name *c, const struct cond_media *m)
{
	unsigned k;

	for (k = 0; k < m->n_codecs; k++) {
		const struct codec_name *a = &m->codecs[k];

		if (str_ieq(a->name, c->name) &&
		    (!a->rate_hz || a->rate_hz == c->rate_hz) &&
		    (!a->channels || a->channels == c->channels))
			return true;
	}
	return m->n_codecs == 0;
}

static bool media_within(const struct cond_media *i, const struct cond_media *o)
{
	unsigned k;

	if (i->kind != o->kind || (o->n_codecs && !i->n_codecs))
		return false;
	for (k = 0; k < i->n_codecs; k++)
		if (!codec_within(&i->codecs[k], o))
			return false;
	if (o->max_streams &&
	    (!i->max_streams || i->max_streams > o->max_streams))
		return false;
	return !o->max_kbps || (i->max_kbps && i->max_kbps <= o->max_kbps);
}

/* Each inner entry needs an outer entry of its own, or two would share one
 * limit. */
static void media(struct report *r, const struct conditions *o,
		  const struct conditions *i)
{
	static const char *const names[] = { "audio", "video", "text" };
	bool taken[COND_MEDIA_MAX] = { false };
	unsigned k, m;

	if (!o->n_media)
		return;
	if (!i->n_media)
		report(r, "conditions.media", "a list", "anything");
	for (k = 0; k < i->n_media; k++) {
		for (m = 0; m < o->n_media; m++)
			if (!taken[m] &&
			    media_within(&i->media[k], &o->media[m]))
				break;
		if (m < o->n_media)
			taken[m] = true;
		else
			report(r, "conditions.media",
			       "an entry within one "
			       "that was asked for",
			       names[i->media[k].kind]);
	}
}

static int window_len(const struct cond_window *w)
{
	int len = w->to_m - w->from_m;

	return len > 0 ? len : len + 24 * 60;
}

/* Same zone; days of the inner are days of the outer; minutes within. */
static bool window_within(const struct cond_window *i,
			  const struct cond_window *o)
{
	return strcmp(i->tz, o->tz) == 0 && !(i->days & ~o->days) &&
	       i->from_m >= o->from_m &&
	       i->from_m + window_len(i) <= o->from_m + window_len(o);
}

static void windows(struct report *r, const struct conditions *o,
		    const struct conditions *i)
{
	unsigned k, m;

	if (!o->n_windows)
		return;
	if (!i->n_windows)
		report(r, "conditions.time_windows", "a list", "always");
	for (k = 0; k < i->n_windows; k++) {
		for (m = 0; m < o->n_windows; m++)
			if (window_within(&i->windows[k], &o->windows[m]))
				break;
		if (m == o->n_windows)
			report(r, "conditions.time_windows",
			       "a window within one that was asked for",
			       i->windows[k].tz);
	}
}

static void dates(struct report *r, const struct conditions *o,
		  const struct conditions *i)
{
	char a[CLOCK_RFC3339_MAX], b[CLOCK_RFC3339_MAX] = "not said";

	if (o->not_before_us && i->not_before_us < o->not_before_us) {
		clock_format(o->not_before_us, a, sizeof(a));
		if (i->not_before_us)
			clock_format(i->not_before_us, b, sizeof(b));
		report(r, "not_before", a, b);
	}
	(void)str_copy(b, sizeof(b), "not said");
	if (o->not_after_us &&
	    (!i->not_after_us || i->not_after_us > o->not_after_us)) {
		clock_format(o->not_after_us, a, sizeof(a));
		if (i->not_after_us)
			clock_format(i->not_after_us, b, sizeof(b));
		report(r, "not_after", a, b);
	}
}

static void locations(struct report *r, const struct conditions *o,
		      const struct conditions *i)
{
	unsigned k, m;

	if (!o->n_locations)
		return;
	if (!i->n_locations)
		report(r, "locations", "a list", "anywhere");
	for (k = 0; k < i->n_locations; k++) {
		for (m = 0; m < o->n_locations; m++)
			if (strcmp(i->locations[k], o->locations[m]) == 0)
				break;
		if (m == o->n_locations)
			report(r, "locations", "one that was asked for",
			       i->locations[k]);
	}
}

static void words(struct report *r, const struct conditions *o,
		  const struct conditions *i)
{
	static const char *const dirs[] = { "any", "inbound", "outbound",
					    "internal" };
	static const char *const srtp[] = { "any", "as_call", "required" };
	static const char *const told[] = { "none", "client_asserts",
					    "required" };

	if (i->actions & ~o->actions)
		report(r, "actions", "a subset", "another action");
	if (o->datatypes && (!i->datatypes || i->datatypes & ~o->datatypes))
		report(r, "datatypes", "a subset", "another type");
	if (o->direction != COND_DIR_ANY && i->direction != o->direction)
		report(r, "conditions.direction", dirs[o->direction],
		       dirs[i->direction]);
	if (o->direction != COND_DIR_ANY && i->direction == o->direction &&
	    i->unknown_is_any && !o->unknown_is_any)
		report(r, "conditions.direction_unknown", "none", "any");
	if (i->srtp < o->srtp)
		report(r, "conditions.srtp", srtp[o->srtp], srtp[i->srtp]);
	if (i->announce < o->announce)
		report(r, "conditions.announce", told[o->announce],
		       told[i->announce]);
	same_word(r, "identifier", o->identifier, i->identifier);
	same_word(r, "limits.region", o->region, i->region);
}

unsigned conditions_wider(const struct conditions *outer,
			  const struct conditions *inner,
			  struct violation *list, unsigned max)
{
	struct report r = { list, max, 0 };

	locations(&r, outer, inner);
	words(&r, outer, inner);
	people(&r, outer, inner);
	media(&r, outer, inner);
	windows(&r, outer, inner);
	at_most(&r, "conditions.max_duration_s", outer->max_duration_s,
		inner->max_duration_s);
	at_most(&r, "conditions.max_concurrent", outer->max_concurrent,
		inner->max_concurrent);
	at_most(&r, "limits.storage_bytes", outer->storage_bytes,
		inner->storage_bytes);
	at_most(&r, "limits.sessions_per_day", outer->sessions_per_day,
		inner->sessions_per_day);
	at_most(&r, "limits.retention_days", outer->retention_days,
		inner->retention_days);
	dates(&r, outer, inner);
	return r.n;
}
