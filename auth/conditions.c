/* Reads the JSON into struct conditions; the tables below are the schema. */
#include "auth/conditions.h"

#include <errno.h>
#include <jansson.h>
#include <stdatomic.h>
#include <string.h>

#include "auth/cond_read.h"
#include "auth/tzone.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

/* ---- participants ------------------------------------------------------ */

static int read_pattern(struct id_pattern *p, json_t *v,
			const struct cond_at *a, bool exact)
{
	const char *s = json_string_value(v);
	int r = -EINVAL;

	if (s && (!exact || id_exact_ok(s)))
		r = id_pattern_init(p, s);
	if (r != -EINVAL)
		return r;
	return cond_bad(a, exact ? "must be sip:user@host, sips:user@host or "
				   "tel:+digits"
				 : "must be an exact id, sip:*@domain or "
				   "tel:+digits*");
}

static int read_patterns(json_t *v, const struct cond_at *a, size_t min,
			 struct id_pattern **ret_list, unsigned *ret_n)
{
	size_t i, n = json_array_size(v);
	int r;

	r = cond_check_array(v, a, min, COND_PATTERNS_MAX);
	if (r < 0 || n == 0)
		return r;
	*ret_list = mem_calloc(n, sizeof(**ret_list));
	if (!*ret_list)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		struct cond_at m = cond_at_index(a, i);

		r = read_pattern(&(*ret_list)[i], json_array_get(v, i), &m,
				 false);
		if (r < 0)
			return r;
		*ret_n = (unsigned)i + 1;
	}
	return 0;
}

static int on_allow(struct conditions *c, json_t *v, const struct cond_at *a,
		    void *arg)
{
	(void)arg;
	return read_patterns(v, a, 1, &c->allow, &c->n_allow);
}

static int on_deny(struct conditions *c, json_t *v, const struct cond_at *a,
		   void *arg)
{
	(void)arg;
	return read_patterns(v, a, 0, &c->deny, &c->n_deny);
}

static int on_min(struct conditions *c, json_t *v, const struct cond_at *a,
		  void *arg)
{
	(void)arg;
	c->said |= COND_SAID_MIN;
	return cond_read_uint(v, a, 1000, &c->min_people);
}

static int on_max(struct conditions *c, json_t *v, const struct cond_at *a,
		  void *arg)
{
	int r = cond_read_uint(v, a, 1000, &c->max_people);

	(void)arg;
	if (r == 0 && c->max_people < c->min_people)
		return cond_bad(a, "must not be below min (2 unless said)");
	return r;
}

static int on_match(struct conditions *c, json_t *v, const struct cond_at *a,
		    void *arg)
{
	static const char *const words[] = { "all", "any", NULL };
	int r = cond_read_word(v, a, words);

	(void)arg;
	if (r < 0)
		return r;
	c->match = (enum cond_match)r;
	c->said |= COND_SAID_MATCH;
	return 0;
}

static int on_participants(struct conditions *c, json_t *v,
			   const struct cond_at *a, void *arg)
{
	static const struct cond_member table[] = {
		{ "min", false, on_min },     { "max", false, on_max },
		{ "match", false, on_match }, { "allow", false, on_allow },
		{ "deny", false, on_deny },
	};

	c->has_participants = true;
	c->min_people = 2;
	return cond_read_members(c, v, a, table, ARRAY_SIZE(table), arg);
}

/* ---- media ------------------------------------------------------------- */

static const char *const kind_words[] = { "audio", "video", "text", NULL };

static int on_kind(struct conditions *c, json_t *v, const struct cond_at *a,
		   void *arg)
{
	struct cond_media *m = arg;
	int r = cond_read_word(v, a, kind_words);

	(void)c;
	if (r < 0)
		return r;
	m->kind = (enum cond_kind)r;
	return 0;
}

static int on_codecs(struct conditions *c, json_t *v, const struct cond_at *a,
		     void *arg)
{
	struct cond_media *m = arg;
	size_t i;
	int r;

	(void)c;
	r = cond_check_array(v, a, 1, COND_CODECS_MAX);
	if (r < 0)
		return r;
	for (i = 0; i < json_array_size(v); i++) {
		const char *s = json_string_value(json_array_get(v, i));
		struct cond_at place = cond_at_index(a, i);

		if (!s || codec_name_parse(s, &m->codecs[i]) < 0)
			return cond_bad(&place,
					"must be a codec such as PCMU/8000");
		m->n_codecs++;
	}
	return 0;
}

static int on_max_streams(struct conditions *c, json_t *v,
			  const struct cond_at *a, void *arg)
{
	(void)c;
	return cond_read_uint(v, a, 64,
			      &((struct cond_media *)arg)->max_streams);
}

static int on_max_kbps(struct conditions *c, json_t *v, const struct cond_at *a,
		       void *arg)
{
	(void)c;
	return cond_read_uint(v, a, 100000,
			      &((struct cond_media *)arg)->max_kbps);
}

static int on_media(struct conditions *c, json_t *v, const struct cond_at *a,
		    void *arg)
{
	static const struct cond_member table[] = {
		{ "kind", true, on_kind },
		{ "codecs", false, on_codecs },
		{ "max_streams", false, on_max_streams },
		{ "max_kbps", false, on_max_kbps },
	};
	size_t i;
	int r;

	(void)arg;
	r = cond_check_array(v, a, 1, COND_MEDIA_MAX);
	for (i = 0; r == 0 && i < json_array_size(v); i++) {
		struct cond_at m = cond_at_index(a, i);

		r = cond_read_members(c, json_array_get(v, i), &m, table,
				      ARRAY_SIZE(table), &c->media[i]);
		c->n_media = (unsigned)i + 1;
	}
	return r;
}

/* ---- time windows ------------------------------------------------------ */

static int on_tz(struct conditions *c, json_t *v, const struct cond_at *a,
		 void *arg)
{
	struct cond_window *w = arg;
	const char *s = json_string_value(v);
	int r;

	(void)c;
	if (!s || !str_copy(w->tz, sizeof(w->tz), s) || s[0] == '_' ||
	    (s[0] >= '0' && s[0] <= '9') || s[0] == '+' || s[0] == '-')
		return cond_bad(a, "must be an IANA time zone");
	r = tzone_open(s, &w->zone);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return cond_bad(a, r == -EINVAL ? "must be an IANA time zone"
						: "is no time zone known here");
	return 0;
}

static int on_days(struct conditions *c, json_t *v, const struct cond_at *a,
		   void *arg)
{
	static const char *const words[] = { "MO", "TU", "WE", "TH",
					     "FR", "SA", "SU", NULL };

	(void)c;
	return cond_read_words(v, a, words, 7,
			       &((struct cond_window *)arg)->days);
}

static int read_hhmm(json_t *v, const struct cond_at *a, int *ret_m)
{
	const char *s = json_string_value(v);
	int h, m, i;

	if (!s || strlen(s) != 5 || s[2] != ':')
		return cond_bad(a, "must be a time such as 08:30");
	for (i = 0; i < 5; i++)
		if (i != 2 && (s[i] < '0' || s[i] > '9'))
			return cond_bad(a, "must be a time such as 08:30");
	h = (s[0] - '0') * 10 + s[1] - '0';
	m = (s[3] - '0') * 10 + s[4] - '0';
	if (h > 23 || m > 59)
		return cond_bad(a, "must be a time from 00:00 to 23:59");
	*ret_m = h * 60 + m;
	return 0;
}

static int on_from(struct conditions *c, json_t *v, const struct cond_at *a,
		   void *arg)
{
	(void)c;
	return read_hhmm(v, a, &((struct cond_window *)arg)->from_m);
}

static int on_to(struct conditions *c, json_t *v, const struct cond_at *a,
		 void *arg)
{
	(void)c;
	return read_hhmm(v, a, &((struct cond_window *)arg)->to_m);
}

static int on_windows(struct conditions *c, json_t *v, const struct cond_at *a,
		      void *arg)
{
	static const struct cond_member table[] = {
		{ "tz", true, on_tz },
		{ "days", true, on_days },
		{ "from", true, on_from },
		{ "to", true, on_to },
	};
	size_t i;
	int r;

	(void)arg;
	r = cond_check_array(v, a, 1, COND_WINDOWS_MAX);
	for (i = 0; r == 0 && i < json_array_size(v); i++) {
		struct cond_at m = cond_at_index(a, i);

		c->n_windows = (unsigned)i + 1;
		r = cond_read_members(c, json_array_get(v, i), &m, table,
				      ARRAY_SIZE(table), &c->windows[i]);
	}
	return r;
}

/* ---- the rest of "conditions" ------------------------------------------ */

static int on_direction(struct conditions *c, json_t *v,
			const struct cond_at *a, void *arg)
{
	static const char *const words[] = { "any", "inbound", "outbound",
					     "internal", NULL };
	int r = cond_read_word(v, a, words);

	(void)arg;
	if (r < 0)
		return r;
	c->direction = (enum cond_direction)r;
	return 0;
}

static int on_direction_unknown(struct conditions *c, json_t *v,
				const struct cond_at *a, void *arg)
{
	static const char *const words[] = { "none", "any", NULL };
	int r = cond_read_word(v, a, words);

	(void)arg;
	if (r < 0)
		return r;
	c->unknown_is_any = r == 1;
	c->said |= COND_SAID_UNKNOWN;
	return 0;
}

static int on_srtp(struct conditions *c, json_t *v, const struct cond_at *a,
		   void *arg)
{
	static const char *const words[] = { "any", "as_call", "required",
					     NULL };
	int r = cond_read_word(v, a, words);

	(void)arg;
	if (r < 0)
		return r;
	c->srtp = (enum cond_srtp)r;
	c->said |= COND_SAID_SRTP;
	return 0;
}

static int on_announce(struct conditions *c, json_t *v, const struct cond_at *a,
		       void *arg)
{
	static const char *const words[] = { "none", "client_asserts",
					     "required", NULL };
	int r = cond_read_word(v, a, words);

	(void)arg;
	if (r < 0)
		return r;
	c->announce = (enum cond_announce)r;
	c->said |= COND_SAID_ANNOUNCE;
	return 0;
}

static int on_max_duration(struct conditions *c, json_t *v,
			   const struct cond_at *a, void *arg)
{
	(void)arg;
	return cond_read_int(v, a, 1, 604800, &c->max_duration_s);
}

static int on_max_concurrent(struct conditions *c, json_t *v,
			     const struct cond_at *a, void *arg)
{
	(void)arg;
	return cond_read_int(v, a, 1, 10000, &c->max_concurrent);
}

static int on_conditions(struct conditions *c, json_t *v,
			 const struct cond_at *a, void *arg)
{
	static const struct cond_member table[] = {
		{ "participants", false, on_participants },
		{ "direction", false, on_direction },
		{ "direction_unknown", false, on_direction_unknown },
		{ "media", false, on_media },
		{ "srtp", false, on_srtp },
		{ "time_windows", false, on_windows },
		{ "max_duration_s", false, on_max_duration },
		{ "max_concurrent", false, on_max_concurrent },
		{ "announce", false, on_announce },
	};

	return cond_read_members(c, v, a, table, ARRAY_SIZE(table), arg);
}

/* ---- limits ------------------------------------------------------------ */

static int on_storage(struct conditions *c, json_t *v, const struct cond_at *a,
		      void *arg)
{
	(void)arg;
	return cond_read_int(v, a, 1, INT64_MAX, &c->storage_bytes);
}

static int on_sessions(struct conditions *c, json_t *v, const struct cond_at *a,
		       void *arg)
{
	(void)arg;
	return cond_read_int(v, a, 1, INT64_MAX, &c->sessions_per_day);
}

static int on_retention(struct conditions *c, json_t *v,
			const struct cond_at *a, void *arg)
{
	(void)arg;
	return cond_read_int(v, a, 1, 36500, &c->retention_days);
}

static int on_region(struct conditions *c, json_t *v, const struct cond_at *a,
		     void *arg)
{
	const char *s = json_string_value(v);

	(void)arg;
	if (!s || !cond_chars_ok(s, 2, 32, false, "-"))
		return cond_bad(a, "must be 2 to 32 of a-z, 0-9 and -");
	(void)str_copy(c->region, sizeof(c->region), s);
	return 0;
}

static int on_limits(struct conditions *c, json_t *v, const struct cond_at *a,
		     void *arg)
{
	static const struct cond_member table[] = {
		{ "storage_bytes", false, on_storage },
		{ "sessions_per_day", false, on_sessions },
		{ "retention_days", false, on_retention },
		{ "region", false, on_region },
	};

	return cond_read_members(c, v, a, table, ARRAY_SIZE(table), arg);
}

/* ---- the object itself ------------------------------------------------- */

static int on_type(struct conditions *c, json_t *v, const struct cond_at *a,
		   void *arg)
{
	(void)c;
	(void)arg;
	if (str_eq(json_string_value(v), "call_recording"))
		return 0;
	return cond_bad(a, "must be call_recording");
}

static bool location_ok(const char *s)
{
	size_t n;

	if (!str_visible(s))
		return false;
	if (strncmp(s, "sips:", 5) == 0)
		s += 5;
	else if (strncmp(s, "sip:", 4) == 0)
		s += 4;
	else
		return false;
	for (n = 0; s[n]; n++) {
		unsigned char ch = (unsigned char)s[n];

		if (ch <= ' ' || ch == 127 || strchr("<>\"", ch))
			return false;
	}
	return n >= 1 && n <= 255;
}

static int on_locations(struct conditions *c, json_t *v,
			const struct cond_at *a, void *arg)
{
	size_t i;
	int r;

	(void)arg;
	r = cond_check_array(v, a, 1, COND_LOCATIONS_MAX);
	for (i = 0; r == 0 && i < json_array_size(v); i++) {
		const char *s = json_string_value(json_array_get(v, i));
		struct cond_at m = cond_at_index(a, i);

		if (!s || !location_ok(s))
			return cond_bad(&m, "must be a SIP URI");
		c->locations[i] = mem_strdup(s);
		if (!c->locations[i])
			return -ENOMEM;
		c->n_locations++;
	}
	return r < 0 ? r : cond_check_unique(v, a);
}

static int on_actions(struct conditions *c, json_t *v, const struct cond_at *a,
		      void *arg)
{
	static const char *const words[] = { "record", "pause_resume",
					     "metadata", NULL };

	(void)arg;
	return cond_read_words(v, a, words, 3, &c->actions);
}

static int on_datatypes(struct conditions *c, json_t *v,
			const struct cond_at *a, void *arg)
{
	(void)arg;
	return cond_read_words(v, a, kind_words, 3, &c->datatypes);
}

static int on_identifier(struct conditions *c, json_t *v,
			 const struct cond_at *a, void *arg)
{
	const char *s = json_string_value(v);

	(void)arg;
	if (!s || !cond_chars_ok(s, 1, 64, true, "._~-"))
		return cond_bad(
			a, "must be 1 to 64 of letters, digits and . _ ~ -");
	(void)str_copy(c->identifier, sizeof(c->identifier), s);
	return 0;
}

static int on_aor(struct conditions *c, json_t *v, const struct cond_at *a,
		  void *arg)
{
	size_t i;
	int r;

	(void)arg;
	r = cond_check_array(v, a, 1, COND_AORS_MAX);
	for (i = 0; r == 0 && i < json_array_size(v); i++) {
		struct cond_at m = cond_at_index(a, i);

		r = read_pattern(&c->owner[i], json_array_get(v, i), &m, true);
		if (r == 0)
			c->n_owner++;
	}
	return r < 0 ? r : cond_check_unique(v, a);
}

static int on_must_participate(struct conditions *c, json_t *v,
			       const struct cond_at *a, void *arg)
{
	(void)arg;
	if (!json_is_boolean(v))
		return cond_bad(a, "must be true or false");
	c->must_participate = json_is_true(v);
	c->said |= COND_SAID_PARTICIPATE;
	return 0;
}

static int on_owner(struct conditions *c, json_t *v, const struct cond_at *a,
		    void *arg)
{
	static const struct cond_member table[] = {
		{ "aor", true, on_aor },
		{ "must_participate", false, on_must_participate },
	};

	return cond_read_members(c, v, a, table, ARRAY_SIZE(table), arg);
}

static int on_not_before(struct conditions *c, json_t *v,
			 const struct cond_at *a, void *arg)
{
	(void)arg;
	return cond_read_time(v, a, &c->not_before_us);
}

static int on_not_after(struct conditions *c, json_t *v,
			const struct cond_at *a, void *arg)
{
	int r = cond_read_time(v, a, &c->not_after_us);

	(void)arg;
	if (r == 0 && c->not_after_us <= c->not_before_us)
		return cond_bad(a, "must be after not_before");
	return r;
}

static int read_root(struct conditions *c, json_t *o, const struct cond_at *a)
{
	static const struct cond_member table[] = {
		{ "type", true, on_type },
		{ "locations", false, on_locations },
		{ "actions", true, on_actions },
		{ "datatypes", false, on_datatypes },
		{ "identifier", false, on_identifier },
		{ "owner", true, on_owner },
		{ "conditions", true, on_conditions },
		{ "limits", false, on_limits },
		{ "not_before", false, on_not_before },
		{ "not_after", false, on_not_after },
	};
	size_t len;
	int r;

	r = cond_read_members(c, o, a, table, ARRAY_SIZE(table), NULL);
	if (r < 0)
		return r;
	len = json_dumpb(o, NULL, 0, JSON_COMPACT);
	c->text = mem_zalloc(len + 1);
	if (!c->text)
		return -ENOMEM;
	(void)json_dumpb(o, c->text, len, JSON_COMPACT); /* fits */
	return 0;
}

static void free_json(json_t **j)
{
	json_decref(*j);
}

/* The country of the owner's numbers, when they have one in common. */
static void set_own_plan(struct conditions *c)
{
	char country[4], first[4] = "";
	unsigned i;

	for (i = 0; i < c->n_owner; i++) {
		const char *tel = c->owner[i].tel;

		if (!tel || tel[4] != '+')
			continue;
		(void)span_copy(country, sizeof(country),
				(struct span){ tel + 5,
					       number_country_len(tel + 5) });
		if (first[0] && !str_eq(first, country))
			return;
		(void)str_copy(first, sizeof(first), country);
	}
	(void)number_plan_set(&c->own, first, "auto", "auto"); /* "" is fine */
}

const struct number_plan *conditions_plan(const struct conditions *c,
					  const struct number_plan *tenants)
{
	return tenants && tenants->country[0] ? tenants : &c->own;
}

int conditions_parse(const char *json, size_t len,
		     struct conditions **ret_conditions, struct err *e)
{
	json_t *doc CLEANUP(free_json) = NULL;
	struct conditions *c CLEANUP(conditions_free) = NULL;
	struct cond_at a = { e, "$" };
	json_error_t je;
	json_t *o;
	int r;

	if (len > COND_TEXT_MAX)
		return cond_bad(&a, "is longer than 64 KB");
	doc = json_loadb(json, len, JSON_REJECT_DUPLICATES, &je);
	if (!doc)
		return err_set(e, -EINVAL, "line %d column %d: %s", je.line,
			       je.column, je.text);
	o = doc;
	if (json_is_array(doc)) {
		if (json_array_size(doc) != 1)
			return cond_bad(&a, "must hold exactly one object");
		o = json_array_get(doc, 0);
		a = cond_at_index(&a, 0);
	}
	c = mem_zalloc(sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->must_participate = true;
	c->srtp = COND_SRTP_AS_CALL;
	c->announce = COND_ANN_CLIENT;
	r = read_root(c, o, &a);
	if (r < 0)
		return r;
	set_own_plan(c);
	*ret_conditions = STEAL(c);
	return 0;
}

struct conditions *conditions_ref(struct conditions *c)
{
	(void)atomic_fetch_add(&c->shared, 1); /* the count before: unused */
	return c;
}

static void free_patterns(struct id_pattern *list, unsigned n)
{
	unsigned i;

	for (i = 0; list && i < n; i++)
		id_pattern_fini(&list[i]);
	mem_free(list);
}

void conditions_free(struct conditions **conditions)
{
	struct conditions *c = *conditions;
	unsigned i;

	if (!c)
		return;
	*conditions = NULL;
	if (atomic_fetch_sub(&c->shared, 1) > 0)
		return;
	mem_free(c->text);
	for (i = 0; i < c->n_locations; i++)
		mem_free(c->locations[i]);
	for (i = 0; i < c->n_owner; i++)
		id_pattern_fini(&c->owner[i]);
	free_patterns(c->allow, c->n_allow);
	free_patterns(c->deny, c->n_deny);
	for (i = 0; i < c->n_windows; i++)
		tzone_close(&c->windows[i].zone);
	mem_free(c);
}
