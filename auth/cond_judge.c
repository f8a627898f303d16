/* The judge. Each rule is one function that adds violations; streams are
 * judged one by one after the rules for the whole call. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "auth/conditions.h"
#include "auth/tzone.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#define SECOND_US 1000000LL
#define DAY_S 86400LL

static const char *const kind_names[] = { "audio", "video", "text", "other" };
static const char *const direction_names[] = { "any", "inbound", "outbound",
					       "internal" };

static void __attribute__((format(printf, 2, 0)))
format(char dst[160], const char *fmt, va_list ap)
{
	(void)vsnprintf(dst, 160, fmt, ap); /* cut to fit */
}

static void __attribute__((format(printf, 3, 4)))
set_required(struct violation *v, const char *path, const char *fmt, ...)
{
	va_list ap;

	memset(v, 0, sizeof(*v));
	(void)str_copy(v->path, sizeof(v->path), path);
	va_start(ap, fmt);
	format(v->required, fmt, ap);
	va_end(ap);
}

static void __attribute__((format(printf, 2, 3)))
set_got(struct violation *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	format(v->got, fmt, ap);
	va_end(ap);
	str_clean(v->got);
}

static void add(struct judgement *j, const struct violation *v)
{
	if (j->n_violations < COND_VIOLATIONS_MAX)
		j->violations[j->n_violations++] = *v;
}

void judgement_add(struct judgement *j, const char *path, const char *required,
		   const char *got)
{
	struct violation v = { 0 };

	(void)str_copy(v.path, sizeof(v.path), path);
	(void)str_copy(v.required, sizeof(v.required), required);
	(void)str_copy(v.got, sizeof(v.got), got);
	add(j, &v);
}

/* "a, b, ..." of patterns, cut to fit. */
static void list_patterns(const struct id_pattern *list, unsigned n, char *dst,
			  size_t dst_len)
{
	size_t len = 0;
	unsigned i;

	dst[0] = '\0';
	for (i = 0; i < n && len + 1 < dst_len; i++) {
		(void)snprintf(dst + len, dst_len - len, "%s%s", i ? ", " : "",
			       list[i].text);
		len = strlen(dst);
	}
}

static const char *shown(const struct identity *id)
{
	if (id->sip[0])
		return id->sip[0] == ' ' ? id->sip + 1 : id->sip;
	return id->tel[0] ? id->tel : "unknown";
}

static bool any_match(const struct id_pattern *list, unsigned n,
		      const struct number_plan *plan, const struct identity *id,
		      bool deny)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (id_pattern_match(&list[i], plan, id, deny))
			return true;
	return false;
}

static const struct number_plan *plan_of(const struct conditions *c,
					 const struct call_facts *facts)
{
	return conditions_plan(c, facts->numbers);
}

static bool is_owner(const struct conditions *c, const struct call_facts *facts,
		     const struct identity *id)
{
	return any_match(c->owner, c->n_owner, plan_of(c, facts), id, false);
}

/* ---- who --------------------------------------------------------------- */

static void judge_owner(const struct conditions *c,
			const struct call_facts *facts, struct judgement *j)
{
	struct violation v;
	char text[120];
	unsigned i;

	if (!c->must_participate)
		return;
	for (i = 0; i < facts->n_people; i++)
		if (is_owner(c, facts, &facts->people[i]))
			return;
	list_patterns(c->owner, c->n_owner, text, sizeof(text));
	set_required(&v, "owner.must_participate", "one of %s takes part",
		     text);
	set_got(&v, "not among %u participants", facts->n_people);
	add(j, &v);
}

/* Named twice is one person; without identity everybody counts. */
static unsigned count_people(const struct conditions *c,
			     const struct call_facts *facts)
{
	unsigned i, k, n = 0;

	for (i = 0; i < facts->n_people; i++) {
		for (k = 0; k < i; k++)
			if (identity_same(plan_of(c, facts), &facts->people[i],
					  &facts->people[k]))
				break;
		n += k == i;
	}
	return n;
}

static void judge_count(const struct conditions *c,
			const struct call_facts *facts, struct judgement *j)
{
	unsigned n = count_people(c, facts);
	struct violation v;

	if (c->min_people && n < c->min_people) {
		set_required(&v, "conditions.participants.min", "%u or more",
			     c->min_people);
		set_got(&v, "%u", n);
		add(j, &v);
	}
	if (c->max_people && n > c->max_people) {
		set_required(&v, "conditions.participants.max", "%u or fewer",
			     c->max_people);
		set_got(&v, "%u", n);
		add(j, &v);
	}
}

static void judge_allow(const struct conditions *c,
			const struct call_facts *facts, struct judgement *j)
{
	const struct identity *wrong = NULL;
	struct violation v;
	char text[120];
	unsigned i, good = 0;

	if (!c->n_allow)
		return;
	for (i = 0; i < facts->n_people; i++) {
		const struct identity *id = &facts->people[i];

		if (any_match(c->allow, c->n_allow, plan_of(c, facts), id,
			      false))
			good++;
		else if (!wrong && !is_owner(c, facts, id))
			wrong = id;
	}
	if (c->match == COND_MATCH_ALL ? !wrong : good > 0)
		return;
	list_patterns(c->allow, c->n_allow, text, sizeof(text));
	set_required(&v, "conditions.participants.allow", "%s of %s",
		     c->match == COND_MATCH_ALL ? "all" : "any", text);
	set_got(&v, "%s",
		c->match == COND_MATCH_ALL ? shown(wrong) : "none of them");
	add(j, &v);
}

static void judge_deny(const struct conditions *c,
		       const struct call_facts *facts, struct judgement *j)
{
	struct violation v;
	unsigned i;

	for (i = 0; i < facts->n_people; i++) {
		if (!any_match(c->deny, c->n_deny, plan_of(c, facts),
			       &facts->people[i], true))
			continue;
		set_required(&v, "conditions.participants.deny",
			     "without certain participants");
		set_got(&v, "%s", shown(&facts->people[i]));
		add(j, &v);
	}
}

/* In a domain of the owner, or the owner. */
static bool is_inside(const struct conditions *c,
		      const struct call_facts *facts, const struct identity *id)
{
	char domain[IDENTITY_SIP_MAX], own[IDENTITY_SIP_MAX];
	struct identity owner = { { 0 }, { 0 }, { 0 } };
	unsigned i;

	if (is_owner(c, facts, id))
		return true;
	identity_domain(id, domain, sizeof(domain));
	for (i = 0; domain[0] && i < c->n_owner; i++) {
		if (!c->owner[i].sip)
			continue;
		(void)str_copy(owner.sip, sizeof(owner.sip), c->owner[i].sip);
		identity_domain(&owner, own, sizeof(own));
		if (strcmp(own, domain) == 0)
			return true;
	}
	return false;
}

/* Says the call itself who called whom? COND_DIR_ANY: it doesn't.
 * @param ret_outside somebody of elsewhere takes part: it is not internal */
static enum cond_direction told_direction(const struct conditions *c,
					  const struct call_facts *facts,
					  bool *ret_outside)
{
	int caller;
	unsigned i;

	*ret_outside = false;
	if (facts->direction != COND_DIR_ANY)
		return facts->direction;
	for (i = 0; i < facts->n_people; i++)
		if (!is_inside(c, facts, &facts->people[i]))
			break;
	*ret_outside = i < facts->n_people;
	if (!*ret_outside && i >= 2)
		return COND_DIR_INT;
	caller = conditions_caller(c, facts);
	if (caller < 0)
		return COND_DIR_ANY;
	return is_inside(c, facts, &facts->people[caller]) ? COND_DIR_OUT
							   : COND_DIR_IN;
}

static void judge_direction(const struct conditions *c,
			    const struct call_facts *facts, struct judgement *j)
{
	bool outside, was_internal = facts->known_direction == COND_DIR_INT;
	enum cond_direction d = told_direction(c, facts, &outside);
	struct violation v;

	/* who called does not change because a later message leaves it out */
	if (d == COND_DIR_ANY && !(was_internal && outside))
		d = facts->known_direction;
	j->direction = d;
	if (c->direction == COND_DIR_ANY || d == c->direction)
		return;
	if (d == COND_DIR_ANY && c->unknown_is_any &&
	    !(c->direction == COND_DIR_INT && outside))
		return;
	set_required(&v, "conditions.direction", "%s",
		     direction_names[c->direction]);
	set_got(&v, "%s", d == COND_DIR_ANY ? "not known" : direction_names[d]);
	add(j, &v);
}

bool conditions_need_people(const struct conditions *c)
{
	return c->must_participate || c->has_participants ||
	       c->direction != COND_DIR_ANY;
}

static void judge_people(const struct conditions *c,
			 const struct call_facts *facts, struct judgement *j)
{
	if (!facts->people_known) {
		j->needs_people = conditions_need_people(c);
		return;
	}
	judge_owner(c, facts, j);
	judge_count(c, facts, j);
	judge_allow(c, facts, j);
	judge_deny(c, facts, j);
	judge_direction(c, facts, j);
}

/* ---- when -------------------------------------------------------------- */

/* Seconds until the window closes by the local clock, 0 = not in it. */
static int64_t window_left_s(const struct cond_window *w, int64_t t)
{
	struct tzone_local l;
	int m, yesterday;

	tzone_local(w->zone, t, &l);
	m = l.hour * 60 + l.minute;
	yesterday = (l.weekday + 6) % 7;
	if (w->from_m < w->to_m) {
		if (w->days >> l.weekday & 1 && m >= w->from_m && m < w->to_m)
			return (w->to_m - m) * 60 - l.second;
		return 0;
	}
	if (w->days >> l.weekday & 1 && m >= w->from_m)
		return (24 * 60 - m + w->to_m) * 60 - l.second;
	if (w->days >> yesterday & 1 && m < w->to_m)
		return (w->to_m - m) * 60 - l.second;
	return 0;
}

/* How far the windows that hold at t reach, t itself when none does. A change
 * of the offset is a stop on the way: what the local clock says after it is
 * looked at anew. */
static int64_t windows_reach(const struct conditions *c, int64_t t)
{
	int64_t best = t;
	unsigned i;

	for (i = 0; i < c->n_windows; i++) {
		int64_t left = window_left_s(&c->windows[i], t), to, change;

		if (left <= 0)
			continue;
		change = tzone_next_change(c->windows[i].zone, t);
		to = t + left < change ? t + left : change;
		if (to > best)
			best = to;
	}
	return best;
}

/* First moment after t without any window; 0 = not within 8 days, which is
 * longer than a call may last. */
static int64_t windows_end(const struct conditions *c, int64_t t)
{
	int64_t at = t, next;

	while (at - t < 8 * DAY_S) {
		next = windows_reach(c, at);
		if (next == at)
			return at;
		at = next;
	}
	return 0;
}

static void ends_at(struct judgement *j, int64_t us, const char *why)
{
	if (!us || (j->ends_us && j->ends_us <= us))
		return;
	j->ends_us = us;
	(void)str_copy(j->ends_why, sizeof(j->ends_why), why);
}

static void judge_windows(const struct conditions *c,
			  const struct call_facts *facts, struct judgement *j)
{
	static const char *const days[] = { "MO", "TU", "WE", "TH",
					    "FR", "SA", "SU" };
	const struct cond_window *w = &c->windows[0];
	int64_t t = facts->wall_us / SECOND_US;
	struct tzone_local l;
	struct violation v;

	if (!c->n_windows)
		return;
	if (windows_reach(c, t) > t) {
		ends_at(j, windows_end(c, t) * SECOND_US, "time_window");
		return;
	}
	set_required(&v, "conditions.time_windows", "%02d:%02d-%02d:%02d %s%s",
		     w->from_m / 60, w->from_m % 60, w->to_m / 60, w->to_m % 60,
		     w->tz, c->n_windows > 1 ? " or another window" : "");
	tzone_local(w->zone, t, &l);
	set_got(&v, "%s %02d:%02d", days[l.weekday], l.hour, l.minute);
	add(j, &v);
}

static void judge_dates(const struct conditions *c,
			const struct call_facts *facts, struct judgement *j)
{
	char limit[CLOCK_RFC3339_MAX], now[CLOCK_RFC3339_MAX];
	struct violation v;

	clock_format(facts->wall_us, now, sizeof(now));
	if (c->not_before_us && facts->wall_us < c->not_before_us) {
		clock_format(c->not_before_us, limit, sizeof(limit));
		set_required(&v, "not_before", "%s or later", limit);
		set_got(&v, "%s", now);
		add(j, &v);
	}
	if (c->not_after_us && facts->wall_us >= c->not_after_us) {
		clock_format(c->not_after_us, limit, sizeof(limit));
		set_required(&v, "not_after", "before %s", limit);
		set_got(&v, "%s", now);
		add(j, &v);
	}
	ends_at(j, c->not_after_us, "not_after");
}

/* ---- where and what else ----------------------------------------------- */

static bool is_address(const char *host)
{
	return host[0] == '[' || strspn(host, "0123456789.") == strlen(host);
}

/* "sip:rec@host:port" -> user part (with "@" cut), host without port. */
static void split_uri(const char *uri, char user[IDENTITY_SIP_MAX],
		      char host[IDENTITY_SIP_MAX])
{
	struct identity id;
	const char *at;

	user[0] = host[0] = '\0';
	if (identity_parse(uri, &id) < 0)
		return;
	identity_domain(&id, host, IDENTITY_SIP_MAX);
	at = strchr(id.sip, '@');
	if (at && strncmp(id.sip, "sip:", 4) == 0)
		(void)span_copy(user, IDENTITY_SIP_MAX,
				(struct span){ id.sip + 4,
					       (size_t)(at - id.sip - 4) });
}

static bool location_met(const char *wanted, const char *uri)
{
	char user[IDENTITY_SIP_MAX], host[IDENTITY_SIP_MAX];
	char user2[IDENTITY_SIP_MAX], host2[IDENTITY_SIP_MAX];

	split_uri(wanted, user, host);
	split_uri(uri, user2, host2);
	if (user[0] && strcmp(user, user2) != 0)
		return false;
	return strcmp(host, host2) == 0 || is_address(host2);
}

static void judge_place(const struct conditions *c,
			const struct call_facts *facts, struct judgement *j)
{
	struct violation v;
	unsigned i;

	for (i = 0; facts->location && i < c->n_locations; i++)
		if (location_met(c->locations[i], facts->location))
			break;
	if (facts->location && c->n_locations && i == c->n_locations) {
		set_required(&v, "locations", "%s%s", c->locations[0],
			     c->n_locations > 1 ? " or another" : "");
		set_got(&v, "%s", facts->location);
		add(j, &v);
	}
	if (c->region[0] && facts->region && facts->region[0] &&
	    strcmp(c->region, facts->region) != 0) {
		set_required(&v, "limits.region", "%s", c->region);
		set_got(&v, "%s", facts->region);
		add(j, &v);
	}
}

static void judge_rest(const struct conditions *c,
		       const struct call_facts *facts, struct judgement *j)
{
	struct violation v;

	if (!(c->actions & COND_ACT_RECORD)) {
		set_required(&v, "actions", "record");
		set_got(&v, "not among the authorized actions");
		add(j, &v);
	}
	if (c->announce == COND_ANN_REQUIRED && facts->told != CALL_TOLD_YES) {
		set_required(&v, "conditions.announce",
			     "the parties are told that they are recorded");
		set_got(&v, "%s",
			facts->told == CALL_TOLD_NO ? "not told" : "not said");
		add(j, &v);
	}
	j->may_pause = c->actions & COND_ACT_PAUSE;
	j->max_duration_s = c->max_duration_s;
	j->over_concurrent =
		c->max_concurrent && facts->concurrent >= c->max_concurrent;
	j->over_sessions = c->sessions_per_day &&
			   facts->sessions_today >= c->sessions_per_day;
	j->over_storage =
		c->storage_bytes && facts->stored_bytes >= c->storage_bytes;
}

/* ---- streams ----------------------------------------------------------- */

static void codec_text(const struct codec_name *c, char *dst, size_t dst_len)
{
	if (c->rate_hz)
		(void)snprintf(dst, dst_len, "%s/%u", c->name, c->rate_hz);
	else
		(void)snprintf(dst, dst_len, "%s", c->name);
}

static void list_codecs(const struct codec_name *list, unsigned n, char *dst,
			size_t dst_len)
{
	size_t len = 0;
	unsigned i;
	char one[64];

	dst[0] = '\0';
	for (i = 0; i < n && len + 1 < dst_len; i++) {
		if (codec_name_auxiliary(&list[i]))
			continue;
		codec_text(&list[i], one, sizeof(one));
		(void)snprintf(dst + len, dst_len - len, "%s%s",
			       len ? ", " : "", one);
		len = strlen(dst);
	}
}

/* The codecs of s that entry m allows. @return number of real ones */
static unsigned allowed_codecs(const struct cond_media *m,
			       const struct call_stream *s, uint32_t *ret_bits)
{
	unsigned i, k, real = 0;
	uint32_t bits = 0;

	for (i = 0; i < s->n_codecs; i++) {
		bool ok = !m || !m->n_codecs;

		if (codec_name_auxiliary(&s->codecs[i])) {
			bits |= 1u << i;
			continue;
		}
		for (k = 0; !ok && k < m->n_codecs; k++)
			ok = codec_name_match(&m->codecs[k], &s->codecs[i]);
		if (ok) {
			bits |= 1u << i;
			real++;
		}
	}
	*ret_bits = bits;
	return real;
}

static unsigned real_codecs(const struct call_stream *s)
{
	uint32_t bits;

	return allowed_codecs(NULL, s, &bits);
}

static bool entry_fits(const struct cond_media *m, const struct call_stream *s,
		       unsigned used, struct stream_permit *p, unsigned *real)
{
	struct violation v;
	char text[120];

	if (m->max_streams && used >= m->max_streams) {
		set_required(&v, "conditions.media.max_streams", "%u %s",
			     m->max_streams, kind_names[m->kind]);
		set_got(&v, "one more");
		p->why = v;
		return false;
	}
	if (m->max_kbps && s->kbps > m->max_kbps) {
		set_required(&v, "conditions.media.max_kbps", "%u or less",
			     m->max_kbps);
		set_got(&v, "%u", s->kbps);
		p->why = v;
		return false;
	}
	*real = allowed_codecs(m, s, &p->codecs);
	if (!m->n_codecs || *real)
		return true;
	list_codecs(m->codecs, m->n_codecs, text, sizeof(text));
	set_required(&v, "conditions.media.codecs", "%s", text);
	list_codecs(s->codecs, s->n_codecs, text, sizeof(text));
	set_got(&v, "%s", text[0] ? text : "none");
	p->why = v;
	p->codecs = 0;
	return false;
}

/* used[]: streams already counted for each entry. */
static bool media_fits(const struct conditions *c, const struct call_stream *s,
		       unsigned used[COND_MEDIA_MAX], struct stream_permit *p,
		       unsigned *real)
{
	unsigned i;
	bool listed = false;

	if (!c->n_media) {
		*real = allowed_codecs(NULL, s, &p->codecs);
		return true;
	}
	for (i = 0; i < c->n_media; i++) {
		if (c->media[i].kind != s->kind)
			continue;
		listed = true;
		if (!entry_fits(&c->media[i], s, used[i], p, real))
			continue;
		used[i]++;
		return true;
	}
	if (!listed) {
		set_required(&p->why, "conditions.media", "%s",
			     kind_names[c->media[0].kind]);
		set_got(&p->why, "%s", kind_names[s->kind]);
	}
	return false;
}

static bool stream_basics(const struct conditions *c,
			  const struct call_facts *facts,
			  const struct call_stream *s, struct violation *why)
{
	if ((c->datatypes && !(c->datatypes & 1u << s->kind)) ||
	    (s->kind == COND_OTHER && c->n_media)) {
		set_required(why, "datatypes", "%s%s%s",
			     c->datatypes & 1u << COND_AUDIO ? "audio " : "",
			     c->datatypes & 1u << COND_VIDEO ? "video " : "",
			     c->datatypes & 1u << COND_TEXT ? "text" : "");
		set_got(why, "%s", kind_names[s->kind]);
		return false;
	}
	if (s->srtp || c->srtp == COND_SRTP_ANY)
		return true;
	if (c->srtp == COND_SRTP_AS_CALL && facts->crypt != CALL_CRYPT_SRTP)
		return true;
	set_required(why, "conditions.srtp", "%s",
		     c->srtp == COND_SRTP_REQUIRED ? "required" : "as_call");
	set_got(why, "RTP in clear");
	return false;
}

static bool has_path(const struct judgement *j, const char *path)
{
	unsigned i;

	for (i = 0; i < j->n_violations; i++)
		if (strcmp(j->violations[i].path, path) == 0)
			return true;
	return false;
}

static void judge_streams(const struct conditions *c,
			  const struct call_facts *facts, struct judgement *j)
{
	unsigned used[COND_MEDIA_MAX] = { 0 };
	unsigned i, offered = 0, real = 0;

	j->n_streams = facts->n_streams;
	for (i = 0; i < facts->n_streams; i++) {
		const struct call_stream *s = &facts->streams[i];
		struct stream_permit *p = &j->streams[i];

		if (!s->offered)
			continue;
		offered++;
		p->permitted = stream_basics(c, facts, s, &p->why) &&
			       media_fits(c, s, used, p, &real);
		if (!p->permitted) {
			p->codecs = 0;
			j->narrowed = true;
			continue;
		}
		memset(&p->why, 0, sizeof(p->why));
		j->n_permitted++;
		if (real < real_codecs(s))
			j->narrowed = true;
	}
	for (i = 0; offered && !j->n_permitted && i < facts->n_streams; i++)
		if (facts->streams[i].offered &&
		    !has_path(j, j->streams[i].why.path))
			add(j, &j->streams[i].why);
}

bool conditions_judge(const struct conditions *c,
		      const struct call_facts *facts, struct judgement *ret_j)
{
	memset(ret_j, 0, sizeof(*ret_j));
	judge_dates(c, facts, ret_j);
	judge_place(c, facts, ret_j);
	judge_people(c, facts, ret_j);
	judge_windows(c, facts, ret_j);
	judge_rest(c, facts, ret_j);
	judge_streams(c, facts, ret_j);
	return ret_j->n_violations == 0;
}
