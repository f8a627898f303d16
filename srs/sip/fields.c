#include "srs/sip/fields.h"

#include <errno.h>
#include <string.h>

static const struct {
	char compact;
	const char *name;
} compact_forms[] = {
	{ 'a', "Accept-Contact" },
	{ 'b', "Referred-By" },
	{ 'c', "Content-Type" },
	{ 'd', "Request-Disposition" },
	{ 'e', "Content-Encoding" },
	{ 'f', "From" },
	{ 'i', "Call-ID" },
	{ 'j', "Reject-Contact" },
	{ 'k', "Supported" },
	{ 'l', "Content-Length" },
	{ 'm', "Contact" },
	{ 'o', "Event" },
	{ 'r', "Refer-To" },
	{ 's', "Subject" },
	{ 't', "To" },
	{ 'u', "Allow-Events" },
	{ 'v', "Via" },
	{ 'x', "Session-Expires" },
};

/* Length of the line break at p, 0 = there is none. A CR alone is one to the
 * stack; so must it be here. */
static size_t break_len(const char *p, const char *end)
{
	if (p == end)
		return 0;
	if (*p == '\r')
		return end - p > 1 && p[1] == '\n' ? 2 : 1;
	return *p == '\n' || *p == '\0';
}

struct span sip_line_take(struct span *rest, bool fold)
{
	const char *p = rest->p;
	const char *end = rest->p + rest->len;
	const char *e = p;
	struct span line;

	for (;;) {
		bool empty;

		while (e < end && !break_len(e, end))
			e++;
		empty = e == p;
		e += break_len(e, end);
		/* an empty line never continues */
		if (!fold || empty || e == end || (*e != ' ' && *e != '\t'))
			break;
	}
	line.p = p;
	line.len = (size_t)(e - p);
	rest->p = e;
	rest->len = (size_t)(end - e);
	return line;
}

unsigned sip_fields_parse(struct span text, struct sip_field *dst)
{
	struct span rest = text;
	unsigned n = 0;

	/* what other breaks stand before the start line is none of it */
	while (rest.len > 0 && break_len(rest.p, rest.p + rest.len))
		(void)sip_line_take(&rest, false);
	(void)sip_line_take(&rest, false); /* start line */
	while (rest.len > 0 && n < SIP_FIELDS_MAX) {
		struct span line = sip_line_take(&rest, true);
		ptrdiff_t colon;

		line = span_trim(line);
		if (line.len == 0)
			break; /* the body follows */
		colon = span_find(line, ':');
		if (colon <= 0)
			continue;
		dst[n].name = span_trim((struct span){ line.p, (size_t)colon });
		dst[n].value = span_trim((struct span){
			line.p + colon + 1, line.len - (size_t)colon - 1 });
		n++;
	}
	return n;
}

static bool name_is(struct span have, const char *want)
{
	if (span_ieq(have, want))
		return true;
	if (have.len != 1)
		return false;
	for (size_t i = 0; i < sizeof(compact_forms) / sizeof(compact_forms[0]);
	     i++) {
		if ((have.p[0] | 0x20) == compact_forms[i].compact)
			return str_ieq(compact_forms[i].name, want);
	}
	return false;
}

bool sip_fields_get(const struct sip_fields *s, const char *name, unsigned nth,
		    struct span *ret_value)
{
	for (unsigned i = 0; i < s->n; i++) {
		if (!name_is(s->f[i].name, name))
			continue;
		if (nth-- > 0)
			continue;
		*ret_value = s->f[i].value;
		return true;
	}
	return false;
}

bool sip_fields_lists(const struct sip_fields *s, const char *name,
		      const char *word)
{
	struct span v;

	for (unsigned i = 0; sip_fields_get(s, name, i, &v); i++) {
		while (v.len > 0) {
			struct span item = span_cut(&v, ',');

			item = span_trim(span_cut(&item, ';'));
			if (span_ieq(item, word))
				return true;
		}
	}
	return false;
}

/* Search ";name" or ";name=value" in v, quotes respected. */
static bool find_param(struct span v, const char *name, struct span *ret_value)
{
	bool quoted = false;
	size_t i = 0;

	while (i < v.len) {
		char c = v.p[i++];
		struct span param, key;
		size_t start = i;
		bool q = false;

		if (c == '"')
			quoted = !quoted;
		if (quoted && c == '\\')
			i++;
		if (quoted || c != ';')
			continue;
		while (i < v.len && (q || (v.p[i] != ';' && v.p[i] != '>' &&
					   v.p[i] != ','))) {
			if (v.p[i] == '"')
				q = !q;
			i++;
		}
		param = (struct span){ v.p + start, i - start };
		key = span_trim(span_cut(&param, '='));
		if (!span_ieq(key, name))
			continue;
		param = span_trim(param);
		if (param.len >= 2 && param.p[0] == '"' &&
		    param.p[param.len - 1] == '"') {
			param.p++;
			param.len -= 2;
		}
		if (ret_value)
			*ret_value = param;
		return true;
	}
	return false;
}

bool sip_param_get(struct span value, const char *name, struct span *ret_value)
{
	ptrdiff_t close = span_find(value, '>');

	if (close >= 0) {
		struct span after = { value.p + close,
				      value.len - (size_t)close };

		if (find_param(after, name, ret_value))
			return true;
	}
	return find_param(value, name, ret_value);
}

int sip_leading_u32(struct span value, uint32_t *ret_number)
{
	struct span v = span_trim(value);
	uint64_t n;
	size_t len = 0;
	int r;

	while (len < v.len && v.p[len] >= '0' && v.p[len] <= '9')
		len++;
	r = span_u64((struct span){ v.p, len }, UINT32_MAX, &n);
	if (r < 0)
		return r;
	*ret_number = (uint32_t)n;
	return 0;
}
