#include "web/form.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "web/uri.h"

static int form_add(struct form *f, struct span pair, char **room, size_t *left)
{
	struct span name = span_cut(&pair, '=');
	struct form_field *field = &f->fields[f->n];
	int r;

	r = uri_decode(name, true, *room, *left);
	if (r < 0)
		return r;
	field->name = *room;
	*room += r + 1;
	*left -= (size_t)r + 1;
	if (form_get(f, field->name) &&
	    (!f->repeatable || strcmp(field->name, f->repeatable) != 0))
		return -EEXIST;
	r = uri_decode(pair, true, *room, *left);
	if (r < 0)
		return r;
	field->value = *room;
	*room += r + 1;
	*left -= (size_t)r + 1;
	f->n++;
	return 0;
}

int form_parse(struct form *f, struct span in, char *ret_bad, size_t bad_len)
{
	size_t left = in.len + 2 * (FORM_FIELDS_MAX + 1);
	char *room;
	int r;

	f->n = 0;
	f->text = mem_alloc(left);
	if (!f->text)
		return -ENOMEM;
	room = f->text;
	if (ret_bad)
		ret_bad[0] = '\0';
	while (in.len > 0) {
		struct span pair = span_cut(&in, '&');

		if (pair.len == 0)
			continue;
		if (f->n == FORM_FIELDS_MAX)
			return -E2BIG;
		r = form_add(f, pair, &room, &left);
		if (r < 0) {
			if (ret_bad) {
				(void)span_copy(ret_bad, bad_len,
						span_cut(&pair, '='));
				str_clean(ret_bad);
			}
			return r;
		}
	}
	return 0;
}

void form_fini(struct form *f)
{
	mem_free(f->text);
	f->text = NULL;
	f->n = 0;
}

void form_drop_empty(struct form *f)
{
	unsigned n = 0;

	for (unsigned i = 0; i < f->n; i++)
		if (f->fields[i].value[0])
			f->fields[n++] = f->fields[i];
	f->n = n;
}

const char *form_get(const struct form *f, const char *name)
{
	for (unsigned i = 0; i < f->n; i++)
		if (strcmp(f->fields[i].name, name) == 0)
			return f->fields[i].value;
	return NULL;
}

const char *form_str(const struct form *f, const char *name)
{
	const char *v = form_get(f, name);

	return v ? v : "";
}

int cookie_get(const char *header, const char *name, char *dst, size_t dst_len)
{
	struct span in = span_of(header);
	struct span found = { NULL, 0 };

	while (in.len > 0) {
		struct span value = span_trim(span_cut(&in, ';'));
		struct span key = span_cut(&value, '=');

		if (!span_eq(key, name))
			continue;
		if (found.p)
			return -EEXIST;
		found = value;
	}
	if (!found.p)
		return -ENOENT;
	return span_copy(dst, dst_len, found) ? 0 : -ENAMETOOLONG;
}
