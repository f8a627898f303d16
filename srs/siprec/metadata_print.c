/* The model as RFC 7865 XML, in two ways: as it came, for keeping; and valid by
 * the RFC's schema, for other people's programs. Valid means that ids are
 * base64, times are xs:dateTime, addresses are URIs and elements stand in the
 * schema's order, whatever the client sent.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "srs/siprec/metadata.h"

#define NAMESPACE "urn:ietf:params:xml:ns:recording:1"
#define NAMESPACE_EXTRA "urn:srs:metadata:1"
#define ID_TEXT_MAX (METADATA_TEXT_MAX * 4 / 3 + 8)

struct printer {
	const struct metadata *md;
	struct buf *out;
	bool valid;
};

/* ---- values ---- */

/* A group of four, two or three characters and padding, unused bits zero. */
static bool is_base64(const char *s)
{
	size_t len = strlen(s), n = len;

	while (n > 0 && len - n < 2 && s[n - 1] == '=')
		n--;
	for (size_t i = 0; i < n; i++) {
		if (!isalnum((unsigned char)s[i]) && s[i] != '+' && s[i] != '/')
			return false;
	}
	if (len % 4 != 0)
		return false;
	if (len - n == 1)
		return strchr("AEIMQUYcgkosw048", s[n - 1]) != NULL;
	return n == len || strchr("AQgw", s[n - 1]) != NULL;
}

/* Ids are opaque to us, but base64Binary to the schema. */
static void put_id(const struct printer *p, const char *id)
{
	char text[ID_TEXT_MAX];

	if (!p->valid || is_base64(id)) {
		buf_html(p->out, id);
		return;
	}
	metadata_base64(text, id, strlen(id));
	buf_puts(p->out, text);
}

static void put_id_attr(const struct printer *p, const char *name,
			const char *id)
{
	if (!id)
		return;
	buf_printf(p->out, " %s=\"", name);
	put_id(p, id);
	buf_putc(p->out, '"');
}

/* What cannot stand in a URI is escaped. */
static void put_uri(const struct printer *p, const char *uri)
{
	const char *s = uri;

	if (!p->valid) {
		buf_html(p->out, uri);
		return;
	}
	for (; *s; s++) {
		char one[2] = { *s, '\0' };
		bool bad = (unsigned char)*s <= ' ' || *s == 0x7f ||
			   strchr("<>\"{}|\\^`#", *s) ||
			   (*s == '%' && (!isxdigit((unsigned char)s[1]) ||
					  !isxdigit((unsigned char)s[2])));

		if (bad)
			buf_printf(p->out, "%%%02X", (unsigned char)*s);
		else if ((unsigned char)*s < 0x80)
			buf_html(p->out, one);
		else
			buf_putc(p->out, *s);
	}
}

static void put_text(const struct printer *p, const char *name,
		     const char *value)
{
	if (!value)
		return;
	buf_printf(p->out, "<%s>", name);
	buf_html(p->out, value);
	buf_printf(p->out, "</%s>", name);
}

/* n digits at *s. @return false: they are not there, or beyond max */
static bool digits(const char **s, unsigned n, unsigned min, unsigned max,
		   unsigned *ret)
{
	unsigned v = 0;

	for (; n > 0; n--, (*s)++) {
		if (!isdigit((unsigned char)**s))
			return false;
		v = v * 10 + (unsigned)(**s - '0');
	}
	*ret = v;
	return v >= min && v <= max;
}

static bool take(const char **s, const char *one_of)
{
	if (!**s || !strchr(one_of, **s))
		return false;
	(*s)++;
	return true;
}

/* "Z", "+01:00", "+0100", "+01" or nothing. */
static bool read_zone(const char *s, char *dst, size_t dst_len)
{
	unsigned h, m = 0;
	char sign = *s;

	*dst = '\0';
	if (!*s)
		return true;
	if ((*s == 'Z' || *s == 'z') && !s[1])
		return str_copy(dst, dst_len, "Z");
	if (!take(&s, "+-") || !digits(&s, 2, 0, 13, &h))
		return false;
	(void)take(&s, ":");
	if (*s && !digits(&s, 2, 0, 59, &m))
		return false;
	(void)snprintf(dst, dst_len, "%c%02u:%02u", sign, h, m);
	return !*s;
}

/* A time as xs:dateTime. @return false: it is none */
static bool make_time(const char *s, char *dst, size_t dst_len)
{
	static const uint8_t days[] = { 31, 29, 31, 30, 31, 30,
					31, 31, 30, 31, 30, 31 };
	unsigned year, month, day, h, m, sec;
	char fraction[16] = "", zone[8];
	size_t n = 0;

	if (!digits(&s, 4, 1, 9999, &year) || !take(&s, "-") ||
	    !digits(&s, 2, 1, 12, &month) || !take(&s, "-") ||
	    !digits(&s, 2, 1, days[month - 1], &day) || !take(&s, "Tt ") ||
	    !digits(&s, 2, 0, 23, &h) || !take(&s, ":") ||
	    !digits(&s, 2, 0, 59, &m) || !take(&s, ":") ||
	    !digits(&s, 2, 0, 59, &sec))
		return false;
	if (month == 2 && day == 29 &&
	    (year % 4 || (year % 100 == 0 && year % 400)))
		return false;
	if (*s == '.') {
		n = 1 + strspn(s + 1, "0123456789");
		if (n == 1)
			return false;
		(void)span_copy(fraction, sizeof(fraction),
				(struct span){ s, n });
	}
	if (!read_zone(s + n, zone, sizeof(zone)))
		return false;
	(void)snprintf(dst, dst_len, "%04u-%02u-%02uT%02u:%02u:%02u%s%s", year,
		       month, day, h, m, sec, fraction, zone);
	return true;
}

/* A time that is none is left out of a valid document. */
static void put_time(const struct printer *p, const char *name,
		     const char *value)
{
	char text[64];

	if (value && p->valid)
		value = make_time(value, text, sizeof(text)) ? text : NULL;
	put_text(p, name, value);
}

/* ---- elements ---- */

static void put_groups(const struct printer *p)
{
	for (unsigned i = 0; i < p->md->n_groups; i++) {
		const struct md_group *g = &p->md->groups[i];

		if (!g->id && p->valid)
			continue;
		buf_puts(p->out, " <group");
		put_id_attr(p, "group_id", g->id);
		buf_puts(p->out, ">");
		put_time(p, "associate-time", g->start);
		put_time(p, "disassociate-time", g->stop);
		buf_puts(p->out, "</group>\r\n");
	}
}

/* The schema wants a number with every reason. */
static void put_reason(const struct printer *p, const struct md_session *s)
{
	const char *cause = s->cause;
	int64_t n;

	if (!s->reason && !cause)
		return;
	if (p->valid &&
	    (!cause || str_i64(cause, INT16_MIN, INT16_MAX, &n) < 0))
		cause = "0";
	buf_puts(p->out, "<reason");
	if (cause) {
		buf_puts(p->out, " cause=\"");
		buf_html(p->out, cause);
		buf_putc(p->out, '"');
	}
	buf_putc(p->out, '>');
	if (s->reason)
		buf_html(p->out, s->reason);
	buf_puts(p->out, "</reason>");
}

static void put_sessions(const struct printer *p)
{
	for (unsigned i = 0; i < p->md->n_sessions; i++) {
		const struct md_session *s = &p->md->sessions[i];

		if (!s->id && p->valid)
			continue;
		buf_puts(p->out, " <session");
		put_id_attr(p, "session_id", s->id);
		buf_puts(p->out, ">");
		put_text(p, "sipSessionID", s->sip_session_id);
		put_reason(p, s);
		if (s->group_id) {
			buf_puts(p->out, "<group-ref>");
			put_id(p, s->group_id);
			buf_puts(p->out, "</group-ref>");
		}
		put_time(p, "start-time", s->start);
		put_time(p, "stop-time", s->stop);
		buf_puts(p->out, "</session>\r\n");
	}
}

/* At least one nameID, that of nobody has an empty aor. */
static void put_participant(const struct printer *p,
			    const struct md_participant *who)
{
	unsigned i = 0;

	buf_puts(p->out, " <participant");
	put_id_attr(p, "participant_id", who->id);
	buf_puts(p->out, ">");
	do {
		buf_puts(p->out, "<nameID aor=\"");
		if (i < who->n_aors)
			put_uri(p, who->aors[i]);
		buf_puts(p->out, "\">");
		put_text(p, "name", i ? NULL : who->name);
		buf_puts(p->out, "</nameID>");
	} while (++i < who->n_aors);
	buf_puts(p->out, "</participant>\r\n");
}

static void put_people(const struct printer *p)
{
	for (unsigned i = 0; i < p->md->n_participants; i++) {
		if (!p->md->participants[i].left)
			put_participant(p, &p->md->participants[i]);
	}
}

static void put_streams(const struct printer *p)
{
	for (unsigned i = 0; i < p->md->n_streams; i++) {
		const struct md_stream *s = &p->md->streams[i];

		if (s->gone)
			continue;
		buf_puts(p->out, " <stream");
		put_id_attr(p, "stream_id", s->id);
		put_id_attr(p, "session_id", s->session_id);
		buf_puts(p->out, ">");
		put_text(p, "label", s->label);
		buf_puts(p->out, "</stream>\r\n");
	}
}

/* ---- associations ---- */

static void put_times(const struct printer *p, const struct md_link *l)
{
	put_time(p, "associate-time", l->start);
	put_time(p, "disassociate-time", l->stop);
}

static void put_session_links(const struct printer *p, enum md_link_kind kind,
			      const char *element)
{
	bool of_person = kind == MD_PARTICIPANT_SESSION;

	for (unsigned i = 0; i < p->md->n_links; i++) {
		const struct md_link *l = &p->md->links[i];

		if (l->kind != kind)
			continue;
		buf_printf(p->out, " <%s", element);
		put_id_attr(p, of_person ? "participant_id" : "session_id",
			    l->a);
		put_id_attr(p, "session_id", of_person ? l->b : NULL);
		buf_puts(p->out, ">");
		put_times(p, l);
		buf_printf(p->out, "</%s>\r\n", element);
	}
}

static bool has_left(const struct metadata *md, const char *id)
{
	int i = metadata_find_participant(md, id);

	return i >= 0 && md->participants[i].left;
}

/* The streams of one direction that go with l: the same person and times. */
static void put_direction(const struct printer *p, const struct md_link *l,
			  enum md_link_kind kind, bool *done)
{
	for (unsigned k = 0; k < p->md->n_links; k++) {
		const struct md_link *m = &p->md->links[k];

		if (done[k] || m->kind != kind || !str_eq(m->a, l->a) ||
		    !str_eq(m->start, l->start) || !str_eq(m->stop, l->stop))
			continue;
		done[k] = true;
		buf_puts(p->out, kind == MD_SEND ? "<send>" : "<recv>");
		put_id(p, m->b);
		buf_puts(p->out, kind == MD_SEND ? "</send>" : "</recv>");
	}
}

static void put_stream_links(const struct printer *p)
{
	bool done[METADATA_LINKS_MAX] = { false };

	for (unsigned i = 0; i < p->md->n_links; i++) {
		const struct md_link *l = &p->md->links[i];

		if (done[i] || (l->kind != MD_SEND && l->kind != MD_RECV) ||
		    has_left(p->md, l->a))
			continue;
		buf_puts(p->out, " <participantstreamassoc");
		put_id_attr(p, "participant_id", l->a);
		buf_puts(p->out, ">");
		put_direction(p, l, MD_SEND, done);
		put_direction(p, l, MD_RECV, done);
		put_times(p, l);
		buf_puts(p->out, "</participantstreamassoc>\r\n");
	}
}

/* Vendor fields under our names: <field name="tenant">acme</field>. */
static void put_extras(const struct printer *p)
{
	for (unsigned i = 0; i < p->md->n_extras; i++) {
		buf_puts(p->out, " <x:" METADATA_EXTRA_ELEMENT " name=\"");
		buf_html(p->out, p->md->extras[i].name);
		buf_puts(p->out, "\">");
		buf_html(p->out, p->md->extras[i].value);
		buf_puts(p->out, "</x:" METADATA_EXTRA_ELEMENT ">\r\n");
	}
}

static int print(const struct printer *p)
{
	bool extras = p->valid && p->md->n_extras > 0;

	buf_printf(p->out,
		   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
		   "<recording xmlns=\"" NAMESPACE "\"%s>\r\n"
		   " <datamode>%s</datamode>\r\n",
		   extras ? " xmlns:x=\"" NAMESPACE_EXTRA "\"" : "",
		   p->md->mode == MD_PARTIAL ? "partial" : "complete");
	put_groups(p);
	put_sessions(p);
	put_people(p);
	put_streams(p);
	put_session_links(p, MD_SESSION_RECORDING, "sessionrecordingassoc");
	put_session_links(p, MD_PARTICIPANT_SESSION, "participantsessionassoc");
	put_stream_links(p);
	if (extras)
		put_extras(p);
	buf_puts(p->out, "</recording>\r\n");
	return buf_error(p->out);
}

int metadata_print(const struct metadata *md, struct buf *out)
{
	return print(&(struct printer){ md, out, false });
}

int metadata_print_valid(const struct metadata *md, struct buf *out)
{
	return print(&(struct printer){ md, out, true });
}

void metadata_base64(char *dst, const void *src, size_t len)
{
	size_t n;

	str_b64url(dst, src, len);
	for (n = 0; dst[n]; n++) {
		if (dst[n] == '-')
			dst[n] = '+';
		else if (dst[n] == '_')
			dst[n] = '/';
	}
	while (n % 4)
		dst[n++] = '=';
	dst[n] = '\0';
}
