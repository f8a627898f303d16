/* Says conditions in plain English, for consent pages and lists of grants. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/conditions.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#define SENTENCE_MAX 32768

/* Builds one sentence after the other in one buffer. */
struct words {
	struct buf b;
	cond_sentence_fn *fn;
	void *arg;
	int error;
};

static void end_sentence(struct words *w)
{
	char *text;

	if (buf_error(&w->b) == -ENOMEM) {
		w->error = -ENOMEM;
		buf_reset(&w->b);
		return;
	}
	text = mem_strdup(buf_str(&w->b));
	buf_reset(&w->b);
	if (!text) {
		w->error = -ENOMEM;
		return;
	}
	str_clean(text);
	w->fn(w->arg, text);
	mem_free(text);
}

static void say(struct words *w, const char *s)
{
	(void)buf_puts(&w->b, s); /* the error sticks */
}

/* "a", "a or b", "a, b or c" around item number i of n */
static void separator(struct words *w, unsigned i, unsigned n, const char *last)
{
	if (i == 0)
		return;
	say(w, i + 1 == n ? last : ", ");
}

static void pattern(struct words *w, const struct id_pattern *p)
{
	switch (p->kind) {
	case ID_PATTERN_EXACT:
		say(w, p->text);
		break;
	case ID_PATTERN_DOMAIN:
		(void)buf_printf(&w->b, "anybody at %s", p->sip);
		break;
	case ID_PATTERN_PREFIX:
		(void)buf_printf(&w->b, "numbers beginning with %s",
				 p->tel + 4);
		break;
	}
}

static void patterns(struct words *w, const struct id_pattern *list, unsigned n,
		     const char *last)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		separator(w, i, n, last);
		pattern(w, &list[i]);
	}
}

static const char *direction_adjective(enum cond_direction d)
{
	switch (d) {
	case COND_DIR_IN:
		return "incoming ";
	case COND_DIR_OUT:
		return "outgoing ";
	case COND_DIR_INT:
		return "internal ";
	case COND_DIR_ANY:
		break;
	}
	return "";
}

/* Behind a part of a sentence that nobody wrote. */
static void mark_default(struct words *w, const struct conditions *c,
			 unsigned bit)
{
	if (!(c->said & bit))
		say(w, " (by default)");
}

/* @return whether the sentence goes on after "By default: " */
static bool begin_default(struct words *w, const struct conditions *c,
			  unsigned bit)
{
	if (c->said & bit)
		return false;
	say(w, "By default: ");
	return true;
}

static void say_people_count(struct words *w, const struct conditions *c)
{
	if (!c->has_participants || (c->min_people < 2 && !c->max_people))
		return;
	if (!c->max_people)
		(void)buf_printf(&w->b, " with %u or more people",
				 c->min_people);
	else if (c->min_people == c->max_people)
		(void)buf_printf(&w->b, " with exactly %u people",
				 c->max_people);
	else if (c->min_people < 2)
		(void)buf_printf(&w->b, " with at most %u people",
				 c->max_people);
	else
		(void)buf_printf(&w->b, " with %u to %u people", c->min_people,
				 c->max_people);
	if (c->max_people && c->min_people && !(c->said & COND_SAID_MIN))
		(void)buf_printf(&w->b, " (at least %u by default)",
				 c->min_people);
	else if (c->min_people)
		mark_default(w, c, COND_SAID_MIN);
}

static void say_who(struct words *w, const struct conditions *c)
{
	(void)buf_printf(&w->b, "%s %scalls",
			 c->actions & COND_ACT_RECORD ? "Record"
						      : "Do not record, but "
							"see data of",
			 direction_adjective(c->direction));
	say_people_count(w, c);
	if (c->must_participate) {
		say(w, " in which ");
		patterns(w, c->owner, c->n_owner, " or ");
		say(w, " takes part");
		mark_default(w, c, COND_SAID_PARTICIPATE);
		say(w, ".");
	} else {
		say(w, " for ");
		patterns(w, c->owner, c->n_owner, " or ");
		say(w, ", also calls of other people in which no such "
		       "address takes part.");
	}
	end_sentence(w);
	if (c->direction != COND_DIR_ANY) {
		(void)buf_printf(
			&w->b,
			"%s call of which the provider does not say "
			"who called is %s.",
			begin_default(w, c, COND_SAID_UNKNOWN) ? "a" : "A",
			c->unknown_is_any ? "recorded, too" : "not recorded");
		end_sentence(w);
	}
	if (c->n_allow) {
		say(w, c->match == COND_MATCH_ALL
			       ? "Only when everybody else in the call is one "
				 "of: "
			       : "Only when at least one person in the call is "
				 "one of: ");
		patterns(w, c->allow, c->n_allow, ", ");
		if (!(c->said & COND_SAID_MATCH))
			say(w, " (by default everybody, not one)");
		say(w, ".");
		end_sentence(w);
	}
	if (c->n_deny) {
		say(w, "Never when in the call is: ");
		patterns(w, c->deny, c->n_deny, " or ");
		say(w, ".");
		end_sentence(w);
	}
}

static void say_codecs(struct words *w, const struct cond_media *m)
{
	unsigned i;

	if (!m->n_codecs)
		return;
	say(w, " in ");
	for (i = 0; i < m->n_codecs; i++) {
		separator(w, i, m->n_codecs, " or ");
		say(w, codec_name_people(&m->codecs[i]));
	}
	say(w, " only");
}

static void say_media(struct words *w, const struct conditions *c)
{
	static const char *const names[] = { "Audio", "Video", "Text" };
	static const char *const none[] = { "No audio.", "No video.",
					    "No text messages." };
	unsigned i, kind, seen = 0;

	for (i = 0; i < c->n_media; i++) {
		const struct cond_media *m = &c->media[i];

		seen |= 1u << m->kind;
		if (c->datatypes && !(c->datatypes & 1u << m->kind))
			continue;
		say(w, names[m->kind]);
		say_codecs(w, m);
		if (m->max_streams)
			(void)buf_printf(&w->b, ", at most %u stream%s",
					 m->max_streams,
					 m->max_streams == 1 ? "" : "s");
		if (m->max_kbps)
			(void)buf_printf(&w->b, ", at most %u kbit/s each",
					 m->max_kbps);
		say(w, ".");
		end_sentence(w);
	}
	for (kind = COND_AUDIO; kind <= COND_VIDEO; kind++) {
		if ((!c->n_media || seen & 1u << kind) &&
		    (!c->datatypes || c->datatypes & 1u << kind))
			continue;
		say(w, none[kind]);
		end_sentence(w);
	}
	if (!c->n_media && !c->datatypes) {
		say(w, "By default: audio, video and text, whatever the call "
		       "has.");
		end_sentence(w);
	}
}

static void say_days(struct words *w, unsigned days)
{
	static const char *const names[] = { "Monday",	 "Tuesday", "Wednesday",
					     "Thursday", "Friday",  "Saturday",
					     "Sunday" };
	unsigned i, k;
	bool first = true;

	if (days == 0x7f) {
		say(w, "Every day");
		return;
	}
	for (i = 0; i < 7; i = k) {
		k = i + 1;
		if (!(days >> i & 1))
			continue;
		while (k < 7 && days >> k & 1)
			k++;
		if (!first)
			say(w, ", ");
		first = false;
		say(w, names[i]);
		if (k - i > 2)
			say(w, " to ");
		else if (k - i == 2)
			say(w, " and ");
		if (k - i > 1)
			say(w, names[k - 1]);
	}
}

/* "Europe/London" -> "London time"; "America/New_York" -> "New York time" */
static void say_zone(struct words *w, const char *tz)
{
	const char *city = strrchr(tz, '/');
	char name[64];
	char *p;

	if (!city) {
		(void)buf_printf(&w->b, "%s", tz);
		return;
	}
	(void)str_copy(name, sizeof(name), city + 1);
	for (p = name; *p; p++)
		if (*p == '_')
			*p = ' ';
	(void)buf_printf(&w->b, "%s time", name);
}

static void say_when(struct words *w, const struct conditions *c)
{
	char day[CLOCK_RFC3339_MAX];
	unsigned i;

	for (i = 0; i < c->n_windows; i++) {
		const struct cond_window *x = &c->windows[i];

		if (i)
			say(w, "; also ");
		say_days(w, x->days);
		if (x->from_m == x->to_m && x->from_m == 0)
			say(w, " all day, ");
		else
			(void)buf_printf(&w->b, " %02d:%02d-%02d:%02d%s, ",
					 x->from_m / 60, x->from_m % 60,
					 x->to_m / 60, x->to_m % 60,
					 x->to_m <= x->from_m
						 ? " of the next day"
						 : "");
		say_zone(w, x->tz);
	}
	if (c->n_windows) {
		say(w, ".");
		end_sentence(w);
	}
	if (c->not_before_us) {
		clock_format(c->not_before_us, day, sizeof(day));
		(void)buf_printf(&w->b, "Not before %.10s %.5s UTC.", day,
				 day + 11);
		end_sentence(w);
	}
	if (c->not_after_us) {
		clock_format(c->not_after_us, day, sizeof(day));
		(void)buf_printf(&w->b, "Until %.10s %.5s UTC.", day, day + 11);
		end_sentence(w);
	}
}

static void say_duration(struct words *w, int64_t s)
{
	if (s % 3600 == 0)
		(void)buf_printf(&w->b, "%lld hour%s", (long long)(s / 3600),
				 s == 3600 ? "" : "s");
	else if (s % 60 == 0)
		(void)buf_printf(&w->b, "%lld minute%s", (long long)(s / 60),
				 s == 60 ? "" : "s");
	else
		(void)buf_printf(&w->b, "%lld second%s", (long long)s,
				 s == 1 ? "" : "s");
}

static void say_bytes(struct words *w, int64_t bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB",
					     "TiB",   "PiB", "EiB" };
	double v = (double)bytes;
	unsigned u = 0;

	while (v >= 1024 && u + 1 < ARRAY_SIZE(units)) {
		v /= 1024;
		u++;
	}
	(void)buf_printf(&w->b, "%.*f %s",
			 u == 0 || v == (double)(int64_t)v ? 0 : 1, v,
			 units[u]);
}

static void say_protection(struct words *w, const struct conditions *c)
{
	unsigned i;

	if (c->srtp == COND_SRTP_REQUIRED)
		say(w, "Only over encrypted media (SRTP).");
	else if (c->srtp == COND_SRTP_AS_CALL)
		(void)buf_printf(&w->b,
				 "%sncrypted calls are sent to the recorder "
				 "encrypted.",
				 begin_default(w, c, COND_SAID_SRTP) ? "e"
								     : "E");
	if (w->b.len)
		end_sentence(w);
	if (c->announce == COND_ANN_REQUIRED)
		say(w, "Only when it is said in each call that everybody was "
		       "told about the recording.");
	else if (c->announce == COND_ANN_CLIENT &&
		 !begin_default(w, c, COND_SAID_ANNOUNCE))
		say(w, "The provider promises to tell everybody about the "
		       "recording.");
	else if (c->announce == COND_ANN_CLIENT)
		say(w, "the provider is taken to tell everybody about the "
		       "recording; it has not said so.");
	if (w->b.len)
		end_sentence(w);
	if (c->actions & COND_ACT_PAUSE) {
		say(w, "The provider may pause and resume a recording.");
		end_sentence(w);
	}
	for (i = 0; i < c->n_locations; i++) {
		say(w, i ? " or " : "Only calls to the recorder's address ");
		say(w, c->locations[i]);
	}
	if (c->n_locations) {
		say(w, ".");
		end_sentence(w);
	}
}

static void say_limits(struct words *w, const struct conditions *c)
{
	if (c->max_duration_s) {
		say(w, "At most ");
		say_duration(w, c->max_duration_s);
		say(w, " of a call.");
		end_sentence(w);
	}
	if (c->max_concurrent) {
		(void)buf_printf(&w->b, "At most %lld call%s at a time.",
				 (long long)c->max_concurrent,
				 c->max_concurrent == 1 ? "" : "s");
		end_sentence(w);
	}
	if (c->sessions_per_day) {
		(void)buf_printf(&w->b, "At most %lld call%s a day.",
				 (long long)c->sessions_per_day,
				 c->sessions_per_day == 1 ? "" : "s");
		end_sentence(w);
	}
	if (c->storage_bytes) {
		say(w, "Recordings take at most ");
		say_bytes(w, c->storage_bytes);
		say(w, ".");
		end_sentence(w);
	}
	if (c->retention_days) {
		(void)buf_printf(&w->b, "Recordings are kept %lld day%s.",
				 (long long)c->retention_days,
				 c->retention_days == 1 ? "" : "s");
		end_sentence(w);
	}
	if (c->region[0]) {
		(void)buf_printf(&w->b, "Stored in the region %s.", c->region);
		end_sentence(w);
	}
}

int conditions_sentences(const struct conditions *c, cond_sentence_fn *fn,
			 void *arg)
{
	struct words w = { { 0 }, fn, arg, 0 };

	buf_init(&w.b, SENTENCE_MAX);
	say_who(&w, c);
	say_media(&w, c);
	say_when(&w, c);
	say_protection(&w, c);
	say_limits(&w, c);
	buf_fini(&w.b);
	return w.error;
}

void violation_text(const struct violation *v, char *dst, size_t dst_len)
{
	(void)snprintf(dst, dst_len, "%s: required %s, got %s", v->path,
		       v->required, v->got);
}

static void json_member(struct buf *out, const char *name, const char *value)
{
	(void)buf_printf(out, "\"%s\":\"", name);
	(void)buf_json(out, value, strlen(value));
	(void)buf_putc(out, '"');
}

int violations_json(struct buf *out, const struct violation *v, unsigned n)
{
	unsigned i;

	(void)buf_putc(out, '[');
	for (i = 0; i < n; i++) {
		(void)buf_puts(out, i ? ",{" : "{");
		json_member(out, "path", v[i].path);
		(void)buf_putc(out, ',');
		json_member(out, "required", v[i].required);
		(void)buf_putc(out, ',');
		json_member(out, "got", v[i].got);
		(void)buf_putc(out, '}');
	}
	(void)buf_putc(out, ']');
	return buf_error(out);
}
