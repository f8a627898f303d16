/* What people find a call by in other systems: header fields, the ids of an
 * emergency call, CUCM's refci, and what vendors add to the metadata. Pure text
 * by name; one value per name, several are joined.
 */
#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/session/session.h"
#include "srs/sip/fields.h"
#include "storage/catalog_recording.h"

#define VALUE_MAX 512
#define VALUES_MAX 8 /* lines of one header that are looked at */

static const char *const correlation[] = {
	"User-to-User",	      "Session-ID",
	"Cisco-Guid",	      "X-BroadWorks-Correlation-Info",
	"x-audc-call-id",     "AC-Session-ID",
	"X-Genesys-CallUUID", "X-Account-ID",
	"X-Call-Sid",	      "Call-Info",
	"X-Ecc-Call-ID",      "Emergency-Call-Identifier",
};

/* Call-Info with one of these purposes has the id of an emergency call (NENA
 * i3: the older word and the newer one). */
static const struct {
	const char *purpose, *name;
} emergency[] = {
	{ "nena-CallId", "emergency_call" },
	{ "emergency-CallId", "emergency_call" },
	{ "nena-IncidentId", "emergency_incident" },
	{ "emergency-IncidentId", "emergency_incident" },
};

/* CUCM names the two legs of a phone call in the parameters of From. */
static const char *const refci[] = { "x-refci", "x-farendrefci" };

/* Is value one of those in list ("a, b")? */
static bool has_value(struct span list, struct span value)
{
	while (list.len >= value.len) {
		bool same = !memcmp(list.p, value.p, value.len);
		ptrdiff_t comma;

		if (same && (list.len == value.len || list.p[value.len] == ','))
			return true;
		comma = span_find(list, ',');
		if (comma < 0)
			break;
		list.p += comma + 1;
		list.len -= (size_t)comma + 1;
		list = span_trim(list);
	}
	return false;
}

static void add(json_t *o, const char *name, struct span raw)
{
	const char *old = json_string_value(json_object_get(o, name));
	char value[VALUE_MAX];
	struct buf b CLEANUP(buf_fini) = { 0 };

	(void)span_copy(value, sizeof(value), span_trim(raw));
	str_clean(value);
	if (!*value || (old && has_value(span_of(old), span_of(value))))
		return;
	buf_init(&b, 4 * VALUE_MAX);
	if (old)
		(void)buf_printf(&b, "%s, ", old);
	(void)buf_puts(&b, value);
	if (buf_error(&b) == 0) /* otherwise there is enough of that name */
		(void)json_object_set_new(o, name, json_string(buf_str(&b)));
}

/* The next of the values that a header line separates by commas. */
static struct span cut_value(struct span *rest)
{
	bool quoted = false, inside = false;
	struct span v = *rest;

	for (size_t i = 0; i < rest->len; i++) {
		char c = rest->p[i];

		if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '<' || c == '>'))
			inside = c == '<';
		else if (c == ',' && !quoted && !inside) {
			v.len = i++;
			rest->p += i;
			rest->len -= i;
			return span_trim(v);
		}
	}
	rest->len = 0;
	return span_trim(v);
}

/* <urn:emergency:uid:callid:...>;purpose=emergency-CallId */
static void add_emergency(json_t *o, struct span line)
{
	while (line.len > 0) {
		struct span v = cut_value(&line), purpose, uri;
		ptrdiff_t lt = span_find(v, '<');

		if (lt < 0 || !sip_param_get(v, "purpose", &purpose))
			continue;
		uri = (struct span){ v.p + lt + 1, v.len - (size_t)lt - 1 };
		uri = span_cut(&uri, '>');
		for (size_t i = 0; i < ARRAY_SIZE(emergency); i++) {
			if (span_ieq(purpose, emergency[i].purpose))
				add(o, emergency[i].name, uri);
		}
	}
}

#define UCID_HEX 16 /* eight bytes */

/* Avaya's User-to-User: a protocol discriminator, then elements of type,
 * length and value, in hexadecimal; FA is the number of the call in its call
 * centres (UCID). */
static void add_ucid(json_t *o, struct span value)
{
	struct span hex = span_trim(span_cut(&value, ';'));
	struct span head = { hex.p + 2, 4 }, ucid = { hex.p + 6, UCID_HEX };

	if (hex.len < 6 + UCID_HEX || !span_ieq(head, "FA08"))
		return;
	for (size_t i = 0; i < ucid.len; i++) {
		if (!isxdigit((unsigned char)ucid.p[i]))
			return;
	}
	add(o, "ucid", ucid);
}

static void add_headers(json_t *o, struct ua_request *req)
{
	struct span from = ua_request_field(req, "From", 0), v;

	for (size_t i = 0; i < ARRAY_SIZE(correlation); i++) {
		for (unsigned n = 0; n < VALUES_MAX; n++) {
			v = ua_request_field(req, correlation[i], n);
			if (v.len == 0)
				break;
			add(o, correlation[i], v);
		}
	}
	for (unsigned n = 0; n < VALUES_MAX; n++) {
		v = ua_request_field(req, "Call-Info", n);
		if (v.len == 0)
			break;
		add_emergency(o, v);
	}
	for (unsigned n = 0; n < VALUES_MAX; n++) {
		v = ua_request_field(req, "User-to-User", n);
		if (v.len == 0)
			break;
		add_ucid(o, v);
	}
	for (size_t i = 0; i < ARRAY_SIZE(refci); i++) {
		if (sip_param_get(from, refci[i], &v))
			add(o, refci[i], v);
	}
}

char *session_extra(const char *old, struct ua_request *req,
		    const struct metadata *md)
{
	json_t *o = old ? json_loads(old, 0, NULL) : NULL;
	char *text = NULL;

	if (!json_is_object(o)) {
		json_decref(o);
		o = json_object();
	}
	if (!o)
		return NULL;
	if (req)
		add_headers(o, req);
	for (unsigned i = 0; md && i < md->n_extras; i++)
		add(o, md->extras[i].name, span_of(md->extras[i].value));
	if (json_object_size(o) > 0)
		text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}

void session_extra_take(struct session *s, struct ua_request *req)
{
	char *text = session_extra(s->extra, req, s->people);

	if (!text || str_eq(text, s->extra) || turn_begin(s->sv) < 0) {
		mem_free(text);
		return;
	}
	mem_free(s->extra);
	s->extra = text;
	(void)turn_check(s->sv, recording_set_meta(s->sv->db, s->id.s, text));
}
