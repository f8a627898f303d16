/* What belongs together: the communication sessions in a recording session
 * with who sent which stream when (RFC 7865), and the recordings that are one
 * call. Written in the transaction of the call or of its change.
 *
 * A call is found again by identifiers, in this order, each switchable in
 * [stitch]: the group id (NetSapiens ends and starts the dialog at each party
 * change), the communication session's id (one call sent twice), its SIP
 * Session-ID (RFC 7989), CUCM's refci (near and far end), the vendors'
 * correlation headers, and the dialog that a session of ours replaced. An id of
 * a session may be a constant in the client's template: it takes a second sign,
 * somebody beside the owner who takes part in both.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/str.h"
#include "srs/session/session.h"
#include "srs/sip/fields.h"
#include "srs/sip/json_text.h"
#include "storage/calls.h"
#include "storage/recording_json.h"

struct assoc {
	const char *kind;
	int participant; /* ord */
	int stream;	 /* m-line, -1 = none */
	const char *session;
	const char *start, *stop;
};

/* ---- the keys of a call ---- */

struct keys {
	struct call_key items[CALL_KEYS_MAX];
	unsigned n;
};

static void add_key(struct keys *k, bool wanted, const char *rule,
		    struct span value)
{
	struct call_key *item = &k->items[k->n];

	value = span_trim(value);
	if (!wanted || value.len == 0 || k->n == CALL_KEYS_MAX)
		return;
	item->rule = rule;
	(void)span_copy(item->value, sizeof(item->value), value);
	str_clean(item->value);
	item->needs_sign =
		str_eq(rule, "session_id") || str_eq(rule, "sip_session_id");
	k->n++;
}

/* Who takes part beside the owner. */
static unsigned find_signs(const struct session *s, struct call_sign *signs)
{
	const struct metadata *md = s->people;
	unsigned n = 0;

	for (unsigned i = 0; i < md->n_participants && n < CALL_SIGNS_MAX;
	     i++) {
		const struct md_participant *p = &md->participants[i];

		if (p->left || session_is_owner(s, p))
			continue;
		signs[n++] = (struct call_sign){
			.aor = p->n_aors ? p->aors[0] : "",
			.ext_id = p->id ? p->id : "",
		};
	}
	return n;
}

static void correlation_keys(struct ua_request *req, struct keys *k, bool want)
{
	static const char *const headers[] = {
		"X-BroadWorks-Correlation-Info",
		"Cisco-Guid",
		"x-audc-call-id",
		"AC-Session-ID",
		"X-Genesys-CallUUID",
		"X-Account-ID",
	};

	/* the last one names a customer, not a call */
	for (size_t i = 0; req && i + 1 < ARRAY_SIZE(headers); i++)
		add_key(k, want, "correlation",
			ua_request_field(req, headers[i], 0));
}

/* "id;to-tag=a;from-tag=b" */
static struct span replaced_call_id(const struct session *s)
{
	struct span rest = span_of(s->replaces);

	return span_cut(&rest, ';');
}

static void find_keys(struct session *s, struct ua_request *req, struct keys *k)
{
	const struct settings *set = s->sv->set;
	const struct metadata *md = s->people;
	struct span from, refci;

	for (unsigned i = 0; i < md->n_groups; i++)
		add_key(k, set->stitch.group_id, "group_id",
			span_of(md->groups[i].id));
	for (unsigned i = 0; i < md->n_sessions; i++) {
		const struct md_session *cs = &md->sessions[i];

		if (metadata_find_group(md, cs->group_id) < 0)
			add_key(k, set->stitch.group_id, "group_id",
				span_of(cs->group_id));
		add_key(k, set->stitch.session_id, "session_id",
			span_of(cs->id));
		add_key(k, set->stitch.sip_session_id, "sip_session_id",
			span_of(cs->sip_session_id));
	}
	if (req) {
		from = ua_request_field(req, "From", 0);
		if (sip_param_get(from, "x-refci", &refci))
			add_key(k, set->stitch.refci, "refci", refci);
	}
	correlation_keys(req, k, set->stitch.correlation);
	if (s->replaces)
		add_key(k, set->stitch.replaces, CALL_RULE_REPLACES,
			replaced_call_id(s));
}

/* ---- the model ---- */

static json_t *text(const char *s)
{
	return s && *s ? json_string(s) : json_null();
}

static void put(json_t *o, const char *key, json_t *value)
{
	(void)json_object_set_new(o, key, value);
}

static json_t *list_of(json_t *model, const char *key)
{
	json_t *list = json_object_get(model, key);

	if (!json_is_array(list)) {
		put(model, key, json_array());
		list = json_object_get(model, key);
	}
	return list;
}

static bool is_open(const json_t *o)
{
	return json_is_null(json_object_get(o, "to"));
}

static json_t *find_id(const json_t *list, const char *id)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *o = json_array_get(list, i);

		if (str_eq(json_string_value(json_object_get(o, "id")), id))
			return o;
	}
	return NULL;
}

static void put_groups(json_t *model, const struct metadata *md)
{
	json_t *list = list_of(model, "groups");

	for (unsigned i = 0; i < md->n_groups; i++) {
		const struct md_group *g = &md->groups[i];
		json_t *o = find_id(list, g->id);

		if (!o) {
			o = json_object();
			put(o, "id", text(g->id));
			(void)json_array_append_new(list, o);
		}
		put(o, "start", text(g->start));
		put(o, "stop", text(g->stop));
	}
}

static void put_sessions(json_t *model, const struct metadata *md,
			 int64_t now_us)
{
	json_t *list = list_of(model, "sessions");

	for (unsigned i = 0; i < md->n_sessions; i++) {
		const struct md_session *cs = &md->sessions[i];
		json_t *o = find_id(list, cs->id);

		if (!o) {
			o = json_object();
			put(o, "id", text(cs->id));
			put(o, "from", recording_json_time(now_us));
			put(o, "to", json_null());
			(void)json_array_append_new(list, o);
		}
		put(o, "group", text(cs->group_id));
		put(o, "sip_session_id", text(cs->sip_session_id));
		put(o, "start", text(cs->start));
		put(o, "stop", text(cs->stop));
		put(o, "reason", text(cs->reason));
		if ((cs->stop || cs->gone) && is_open(o))
			put(o, "to", recording_json_time(now_us));
	}
}

static int ord_of(const struct session *s, const char *participant_id)
{
	int i = metadata_find_participant(s->people, participant_id);

	if (i < 0 || (unsigned)i >= s->n_ords ||
	    s->people->participants[i].left)
		return -1;
	return (int)s->ords[i];
}

static int line_of(const struct session *s, const char *stream_id)
{
	int i = metadata_find_stream(s->people, stream_id);
	const char *label = i < 0 ? NULL : s->people->streams[i].label;

	for (unsigned k = 0; label && k < s->n_streams; k++)
		if (str_eq(s->streams[k].cap.label, label))
			return s->streams[k].cap.index;
	return -1;
}

/* Everybody who is heard in a stream. @return the new n */
static unsigned senders(const struct session_stream *st, struct assoc *a,
			unsigned n, unsigned max)
{
	for (unsigned i = 0; st->cap.enabled && i < st->n_senders && n < max;
	     i++)
		a[n++] = (struct assoc){ .kind = "send",
					 .participant = (int)st->senders[i],
					 .stream = st->cap.index };
	return n;
}

/* @return number of associations that hold now, at most max */
static unsigned current(const struct session *s, struct assoc *a, unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->n_streams; i++)
		n = senders(&s->streams[i], a, n, max);
	for (unsigned i = 0; i < s->people->n_links && n < max; i++) {
		const struct md_link *l = &s->people->links[i];
		bool recv = l->kind == MD_RECV;
		struct assoc *x = &a[n];

		if (l->stop || (!recv && l->kind != MD_PARTICIPANT_SESSION))
			continue;
		x->kind = recv ? "recv" : "takes_part";
		x->participant = ord_of(s, l->a);
		x->stream = recv ? line_of(s, l->b) : -1;
		x->session = recv ? NULL : l->b;
		x->start = l->start;
		x->stop = l->stop;
		if (x->participant >= 0 && (x->stream >= 0 || x->session))
			n++;
	}
	return n;
}

static bool same(const json_t *o, const struct assoc *a)
{
	const json_t *stream = json_object_get(o, "stream");

	return str_eq(json_string_value(json_object_get(o, "kind")), a->kind) &&
	       json_integer_value(json_object_get(o, "participant")) ==
		       a->participant &&
	       (json_is_null(stream) ? -1 : json_integer_value(stream)) ==
		       a->stream &&
	       str_eq(json_string_value(json_object_get(o, "session")),
		      a->session);
}

static json_t *association(const struct assoc *a, int64_t now_us)
{
	json_t *o = json_object();

	put(o, "kind", json_string(a->kind));
	put(o, "participant", json_integer(a->participant));
	put(o, "stream", a->stream < 0 ? json_null() : json_integer(a->stream));
	put(o, "session", text(a->session));
	put(o, "start", text(a->start));
	put(o, "stop", text(a->stop));
	put(o, "from", recording_json_time(now_us));
	put(o, "to", json_null());
	return o;
}

#define ASSOC_MAX 512

static void put_associations(json_t *model, const struct session *s,
			     int64_t now_us)
{
	json_t *list = list_of(model, "associations");
	size_t n_old = json_array_size(list);
	bool known[ASSOC_MAX] = { false };
	struct assoc a[ASSOC_MAX];
	unsigned n = current(s, a, ASSOC_MAX);

	for (size_t i = 0; i < n_old; i++) {
		json_t *o = json_array_get(list, i);
		bool holds = false;

		if (!is_open(o))
			continue;
		for (unsigned k = 0; k < n && !holds; k++)
			if (!known[k] && same(o, &a[k]))
				known[k] = holds = true;
		if (!holds)
			put(o, "to", recording_json_time(now_us));
	}
	for (unsigned k = 0; k < n; k++)
		if (!known[k])
			(void)json_array_append_new(list,
						    association(&a[k], now_us));
}

/* ---- a new one: printed at once, which is several times as fast ---- */

static void print_value(struct buf *out, const char *s)
{
	if (s && *s)
		json_text_put(out, s);
	else
		buf_puts(out, "null");
}

static void print_text(struct buf *out, const char *key, const char *s)
{
	buf_printf(out, ",\"%s\":", key);
	print_value(out, s);
}

static void print_time(struct buf *out, const char *key, int64_t wall_us)
{
	char text[CLOCK_RFC3339_MAX] = "";

	if (wall_us)
		clock_format(wall_us, text, sizeof(text));
	print_text(out, key, text);
}

static void print_first(struct buf *out, bool *more, const char *key,
			const char *s)
{
	buf_printf(out, "%s{\"%s\":", *more ? "," : "", key);
	print_value(out, s);
	*more = true;
}

/* Named twice: the last one counts. */
static bool group_again(const struct metadata *md, unsigned i)
{
	for (unsigned k = i + 1; k < md->n_groups; k++)
		if (str_eq(md->groups[k].id, md->groups[i].id))
			return true;
	return false;
}

static bool session_again(const struct metadata *md, unsigned i)
{
	for (unsigned k = i + 1; k < md->n_sessions; k++)
		if (str_eq(md->sessions[k].id, md->sessions[i].id))
			return true;
	return false;
}

static void print_groups(const struct metadata *md, struct buf *out)
{
	bool more = false;

	for (unsigned i = 0; i < md->n_groups; i++) {
		const struct md_group *g = &md->groups[i];

		if (group_again(md, i))
			continue;
		print_first(out, &more, "id", g->id);
		print_text(out, "start", g->start);
		print_text(out, "stop", g->stop);
		buf_putc(out, '}');
	}
}

static void print_sessions(const struct metadata *md, int64_t now_us,
			   struct buf *out)
{
	bool more = false;

	for (unsigned i = 0; i < md->n_sessions; i++) {
		const struct md_session *cs = &md->sessions[i];

		if (session_again(md, i))
			continue;
		print_first(out, &more, "id", cs->id);
		print_time(out, "from", now_us);
		print_time(out, "to", cs->stop || cs->gone ? now_us : 0);
		print_text(out, "group", cs->group_id);
		print_text(out, "sip_session_id", cs->sip_session_id);
		print_text(out, "start", cs->start);
		print_text(out, "stop", cs->stop);
		print_text(out, "reason", cs->reason);
		buf_putc(out, '}');
	}
}

static void print_associations(const struct session *s, int64_t now_us,
			       struct buf *out)
{
	struct assoc a[ASSOC_MAX];
	unsigned n = current(s, a, ASSOC_MAX);
	bool more = false;

	for (unsigned i = 0; i < n; i++) {
		print_first(out, &more, "kind", a[i].kind);
		buf_printf(out,
			   ",\"participant\":%d,\"stream\":", a[i].participant);
		if (a[i].stream < 0)
			buf_puts(out, "null");
		else
			buf_printf(out, "%d", a[i].stream);
		print_text(out, "session", a[i].session);
		print_text(out, "start", a[i].start);
		print_text(out, "stop", a[i].stop);
		print_time(out, "from", now_us);
		buf_puts(out, ",\"to\":null}");
	}
}

static int write_new_model(struct session *s, int64_t now_us)
{
	struct buf out;
	int r;

	buf_init(&out, 1024 * 1024);
	buf_puts(&out, "{\"groups\":[");
	print_groups(s->people, &out);
	buf_puts(&out, "],\"sessions\":[");
	print_sessions(s->people, now_us, &out);
	buf_puts(&out, "],\"associations\":[");
	print_associations(s, now_us, &out);
	buf_puts(&out, "]}");
	r = buf_error(&out);
	if (r == 0)
		r = model_set(s->sv->db, s->id.s, buf_str(&out));
	buf_fini(&out);
	return r;
}

static int write_model(struct session *s, json_t *model, int64_t now_us)
{
	char *out;
	int r;

	put_groups(model, s->people);
	put_sessions(model, s->people, now_us);
	put_associations(model, s, now_us);
	out = json_dumps(model, JSON_COMPACT);
	json_decref(model);
	if (!out)
		return -ENOMEM;
	r = model_set(s->sv->db, s->id.s, out);
	mem_free(out);
	return r;
}

int session_model_store(struct session *s, struct ua_request *req)
{
	struct call_leg_new leg = {
		.recording_id = s->id.s,
		.grant_id = s->snap.grant_id,
		.started_us = s->started_wall_us,
		.window_us = s->sv->set->stitch.window_us,
	};
	const struct settings *set = s->sv->set;
	struct call_sign signs[CALL_SIGNS_MAX];
	struct keys k = { .n = 0 };
	struct id call;
	int r;

	leg.signs = signs;
	leg.n_signs = find_signs(s, signs);
	r = write_new_model(s, s->started_wall_us);
	if (r < 0)
		return r;
	find_keys(s, req, &k);
	if (k.n == 0)
		return 0;
	if (s->replaces && set->stitch.replaces)
		r = call_note_dialog(s->sv->db, &leg, replaced_call_id(s));
	if (r < 0)
		return r;
	r = call_join(s->sv->db, &leg, k.items, k.n, &call);
	if (r > 0)
		log_info(&s->log, "sip.call_joined", LOG_S("call", call.s));
	return r < 0 ? r : 0;
}

int session_model_change(struct session *s)
{
	char *old = NULL;
	json_t *model;
	int r = model_get(s->sv->db, s->id.s, &old);

	if (r < 0 && r != -ENODATA)
		return r;
	model = old ? json_loads(old, 0, NULL) : NULL;
	mem_free(old);
	if (!json_is_object(model)) {
		json_decref(model);
		model = json_object();
	}
	if (!model)
		return -ENOMEM;
	return write_model(s, model, session_wall_us(s->sv));
}
