#include "storage/signalling_label.h"

#include <string.h>

/* The next line without its end; false: none is left. */
static bool next_line(struct span *text, struct span *ret)
{
	if (text->len == 0)
		return false;
	*ret = span_cut(text, '\n');
	if (ret->len && ret->p[ret->len - 1] == '\r')
		ret->len--;
	return true;
}

static bool has_word(struct span s, const char *word)
{
	return s.len && memmem(s.p, s.len, word, strlen(word));
}

/* "Name: value" of one of two names; others and folded lines give false. */
static bool is_field(struct span line, const char *name, const char *compact,
		     struct span *ret_value)
{
	struct span value = line, head = span_cut(&value, ':');

	if (head.len == line.len)
		return false;
	head = span_trim(head);
	if (!span_ieq(head, name) && !span_ieq(head, compact))
		return false;
	*ret_value = span_trim(value);
	return true;
}

static void read_start(struct signalling_label *l)
{
	struct span rest = l->start, word = span_cut(&rest, ' ');
	uint64_t n;

	if (!span_istarts(word, "SIP/2.0")) {
		l->method = word;
		return;
	}
	word = span_cut(&rest, ' ');
	if (span_u64(word, 699, &n) == 0 && n >= 100) {
		l->status = (unsigned)n;
		l->reason = span_trim(rest);
	}
}

static void read_body(struct signalling_label *l, struct span type,
		      struct span body, uint64_t announced)
{
	bool parts = span_istarts(type, "multipart/");

	l->cut_body = body.len < announced;
	if (body.len == 0)
		return;
	l->sdp = has_word(type, "application/sdp") ||
		 (parts && has_word(body, "application/sdp"));
	l->metadata = has_word(type, "application/rs-metadata") ||
		      (parts && has_word(body, "application/rs-metadata"));
}

void signalling_label_read(struct span text, struct signalling_label *ret)
{
	struct signalling_label l = { 0 };
	struct span line, value, type = { 0 };
	uint64_t announced = 0;

	if (next_line(&text, &l.start))
		read_start(&l);
	while (next_line(&text, &line) && line.len) {
		if (is_field(line, "CSeq", "", &value) && l.status) {
			(void)span_cut(&value, ' ');
			l.method = span_trim(value);
		} else if (is_field(line, "Content-Type", "c", &value)) {
			type = value;
		} else if (is_field(line, "Content-Length", "l", &value) &&
			   span_u64(value, UINT32_MAX, &announced) < 0) {
			announced = 0;
		}
	}
	read_body(&l, type, text, announced);
	*ret = l;
}

/* `"Name" <sip:user@host:port;param>` */
static struct span host_of(struct span value)
{
	const char *lt = value.len ? memchr(value.p, '<', value.len) : NULL;
	struct span none = { 0 }, uri = value, cut;
	ptrdiff_t at;

	if (lt)
		uri = (struct span){ lt + 1,
				     value.len - (size_t)(lt + 1 - value.p) };
	uri = span_cut(&uri, '>');
	cut = span_cut(&uri, ':'); /* the scheme */
	if (!span_ieq(cut, "sip") && !span_ieq(cut, "sips"))
		return none;
	at = span_find(uri, '@');
	if (at >= 0)
		uri = (struct span){ uri.p + at + 1, uri.len - (size_t)at - 1 };
	cut = span_cut(&uri, ';');
	return span_cut(&cut, '?');
}

struct span signalling_contact(struct span text)
{
	struct span none = { 0 }, line, value;

	while (next_line(&text, &line) && line.len)
		if (is_field(line, "Contact", "m", &value))
			return host_of(value);
	return none;
}
