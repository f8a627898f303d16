#include "srs/cli/html_form.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/cli/http_client.h"

/* &amp; &lt; &gt; &quot; &#39; back to characters, in place. */
static void unescape(char *s)
{
	static const struct {
		const char *name;
		char c;
	} entities[] = { { "&amp;", '&' },  { "&lt;", '<' },
			 { "&gt;", '>' },   { "&quot;", '"' },
			 { "&#39;", '\'' }, { "&#x27;", '\'' } };
	char *w = s;

	while (*s) {
		size_t i = 0;

		while (i < ARRAY_SIZE(entities) &&
		       strncmp(s, entities[i].name, strlen(entities[i].name)))
			i++;
		if (i < ARRAY_SIZE(entities)) {
			*w++ = entities[i].c;
			s += strlen(entities[i].name);
		} else {
			*w++ = *s++;
		}
	}
	*w = 0;
}

/* Value of name="..." inside one tag; false when it is not there. */
static bool attribute(struct span tag, const char *name, char *dst, size_t len)
{
	char want[64];
	size_t want_len;

	snprintf(want, sizeof(want), " %s=\"", name);
	want_len = strlen(want);
	for (size_t i = 0; i + want_len < tag.len; i++) {
		const char *v = tag.p + i + want_len, *end;

		if (strncmp(tag.p + i, want, want_len) != 0 &&
		    !(tag.p[i] == '\n' &&
		      strncmp(tag.p + i + 1, want + 1, want_len - 1) == 0))
			continue;
		end = memchr(v, '"', tag.len - i - want_len);
		if (!end ||
		    !span_copy(dst, len, (struct span){ v, (size_t)(end - v) }))
			return false;
		unescape(dst);
		return true;
	}
	return false;
}

static struct span tag_at(const char *p)
{
	const char *end = strchr(p, '>');

	return (struct span){ p, end ? (size_t)(end - p) : strlen(p) };
}

static void add_input(struct span tag, const struct html_input *in,
		      struct html_form *form, struct buf *body)
{
	char name[128], type[32] = "text", value[4096] = "";

	if (!attribute(tag, "name", name, sizeof(name)))
		return;
	(void)attribute(tag, "type", type, sizeof(type));
	(void)attribute(tag, "value", value, sizeof(value));
	if (str_eq(type, "password")) {
		form->has_password = true;
		(void)http_form_add(body, name, in->password);
	} else if (str_eq(type, "email")) {
		(void)http_form_add(body, name, in->login);
	} else if (str_eq(type, "hidden") || str_eq(type, "text")) {
		(void)http_form_add(body, name, value);
	} else if (str_eq(type, "checkbox") || str_eq(type, "radio")) {
		if (memmem(tag.p, tag.len, " checked", 8))
			(void)http_form_add(body, name,
					    value[0] ? value : "on");
	}
}

static void add_button(struct span tag, const struct html_input *in,
		       struct buf *body)
{
	char name[128], value[256];

	if (attribute(tag, "name", name, sizeof(name)) &&
	    attribute(tag, "value", value, sizeof(value)) &&
	    str_eq(value, in->button))
		(void)http_form_add(body, name, value);
}

static const char *find_form(const char *page)
{
	char method[16];

	for (const char *p = page; (p = strstr(p, "<form")); p++)
		if (attribute(tag_at(p), "method", method, sizeof(method)) &&
		    str_ieq(method, "post"))
			return p;
	return NULL;
}

int html_form_fill(const char *page, const struct html_input *input,
		   struct html_form *ret_form, struct buf *ret_body)
{
	struct html_form form = { 0 };
	const char *p = find_form(page), *end;

	if (!p)
		return -ENOENT;
	if (!attribute(tag_at(p), "action", form.action, sizeof(form.action)))
		return -EBADMSG;
	end = strstr(p, "</form");
	for (p++; (p = strchr(p, '<')) && (!end || p < end); p++) {
		if (strncmp(p, "<input", 6) == 0)
			add_input(tag_at(p), input, &form, ret_body);
		else if (strncmp(p, "<button", 7) == 0)
			add_button(tag_at(p), input, ret_body);
	}
	*ret_form = form;
	return buf_error(ret_body);
}
