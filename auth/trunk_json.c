#include "auth/trunk_json.h"

#include <errno.h>
#include <string.h>

#include "auth/trunks.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "storage/recording_json.h"

static bool is_list(const char *key)
{
	return str_eq(key, "addresses") || str_eq(key, "token_forms");
}

json_t *trunk_json_list(const char *text)
{
	struct span rest = span_of(text), one;
	json_t *list = json_array();

	while (rest.len) {
		one = span_trim(span_cut(&rest, ','));
		if (!span_eq(one, "none"))
			json_array_append_new(list,
					      json_stringn(one.p, one.len));
	}
	return list;
}

json_t *trunk_json(const struct trunk *t)
{
	json_t *j = json_object();
	char text[TRUNK_TEXT_MAX];
	unsigned i;

	json_object_set_new(j, "trunk_id", json_string(t->id));
	json_object_set_new(j, "client_id", json_string(t->client_id));
	for (i = 0; trunk_keys[i]; i++) {
		const char *key = trunk_keys[i];

		trunk_text(t, key, text, sizeof(text));
		if (is_list(key))
			json_object_set_new(j, key, trunk_json_list(text));
		else if (str_eq(key, "enabled"))
			json_object_set_new(j, key, json_boolean(t->enabled));
		else
			json_object_set_new(j,
					    str_eq(key, "grant") ? "grant_id"
								 : key,
					    json_string(text));
	}
	json_object_set_new(j, "managed_by",
			    json_string(t->from_file ? "file" : "catalog"));
	json_object_set_new(j, "bound_by",
			    json_string(t->by_tenant ? "account" : "operator"));
	json_object_set_new(j, "created_at",
			    recording_json_time(t->created_us));
	return j;
}

/* A string without NUL inside; a list of such joined by commas. */
static int text_of(const json_t *v, char *dst, size_t len)
{
	size_t at = 0, i;
	const json_t *one;

	dst[0] = '\0';
	if (json_is_boolean(v))
		return str_copy(dst, len, json_is_true(v) ? "yes" : "no")
			       ? 0
			       : -EINVAL;
	if (json_is_string(v))
		return str_copy(dst, len, json_string_value(v)) ? 0 : -EINVAL;
	if (!json_is_array(v))
		return -EINVAL;
	json_array_foreach(v, i, one)
	{
		const char *s = json_string_value(one);

		if (!s || strchr(s, ',') || at + strlen(s) + 3 > len)
			return -EINVAL;
		if (i) {
			(void)str_copy(dst + at, len - at, ", ");
			at += 2;
		}
		(void)str_copy(dst + at, len - at, s);
		at += strlen(s);
	}
	return 0;
}

static bool type_ok(const char *key, const json_t *v)
{
	if (str_eq(key, "enabled"))
		return json_is_boolean(v);
	if (is_list(key))
		return json_is_array(v);
	return json_is_string(v);
}

/* @return the key of auth/trunks.h, NULL = none */
static const char *find_key(const char *name)
{
	unsigned i;

	if (str_eq(name, "grant"))
		return NULL;
	if (str_eq(name, "grant_id"))
		return "grant";
	for (i = 0; trunk_keys[i]; i++)
		if (str_eq(trunk_keys[i], name))
			return trunk_keys[i];
	return NULL;
}

static int apply_one(struct trunk *t, const char *name, const json_t *v,
		     struct err *e)
{
	const char *key = find_key(name);
	char text[TRUNK_TEXT_MAX];

	if (!key)
		return err_set(e, -EINVAL, "there is no key \"%s\"", name);
	if (!type_ok(key, v))
		return err_set(e, -EINVAL, "%s: must be %s", name,
			       str_eq(key, "enabled") ? "true or false"
			       : is_list(key)	      ? "a list of strings"
						      : "a string");
	if (text_of(v, text, sizeof(text)) < 0)
		return err_set(e, -EINVAL, "%s: is too long or no text", name);
	return trunk_set(t, key, text, e);
}

int trunk_json_apply(struct trunk *t, const json_t *object, struct err *e)
{
	const char *key;
	json_t *v;
	int r;

	json_object_foreach((json_t *)(uintptr_t)object, key, v)
	{
		r = apply_one(t, key, v, e);
		if (r < 0)
			return r;
	}
	return 0;
}
