#include "auth/cond_read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

struct cond_at cond_at_member(const struct cond_at *up, const char *name)
{
	struct cond_at a = { up->e, "" };
	size_t len = strlen(up->path);

	(void)str_copy(a.path, sizeof(a.path), up->path);
	(void)snprintf(a.path + len, sizeof(a.path) - len, ".%.40s", name);
	return a;
}

struct cond_at cond_at_index(const struct cond_at *up, size_t i)
{
	struct cond_at a = { up->e, "" };
	size_t len = strlen(up->path);

	(void)str_copy(a.path, sizeof(a.path), up->path);
	(void)snprintf(a.path + len, sizeof(a.path) - len, "[%zu]", i);
	return a;
}

int cond_bad(const struct cond_at *a, const char *must)
{
	return err_set(a->e, -EINVAL, "%s: %s", a->path, must);
}

static int unknown_member(const struct cond_at *a, const char *key)
{
	char name[64];

	(void)str_copy(name, sizeof(name), key);
	str_clean(name);
	return err_set(a->e, -EINVAL, "%s.%s: unknown field", a->path, name);
}

int cond_read_members(struct conditions *c, json_t *o, const struct cond_at *a,
		      const struct cond_member *table, size_t n, void *arg)
{
	const char *key;
	json_t *v;
	size_t i;
	int r;

	if (!json_is_object(o))
		return cond_bad(a, "must be an object");
	json_object_foreach(o, key, v)
	{
		for (i = 0; i < n && strcmp(table[i].name, key) != 0;)
			i++;
		if (i == n)
			return unknown_member(a, key);
	}
	for (i = 0; i < n; i++) {
		struct cond_at m = cond_at_member(a, table[i].name);

		v = json_object_get(o, table[i].name);
		if (!v && table[i].required)
			return cond_bad(&m, "is missing");
		r = v ? table[i].fn(c, v, &m, arg) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

int cond_read_int(json_t *v, const struct cond_at *a, int64_t min, int64_t max,
		  int64_t *ret_value)
{
	char text[96];
	int64_t i = 0;
	bool ok = false;

	if (json_is_integer(v)) {
		i = json_integer_value(v);
		ok = true;
	} else if (json_is_real(v)) { /* 2.0 is an integer in JSON Schema */
		double d = json_real_value(v);

		ok = d >= -9e15 && d <= 9e15 && (double)(int64_t)d == d;
		i = ok ? (int64_t)d : 0;
	}
	if (ok && i >= min && i <= max) {
		*ret_value = i;
		return 0;
	}
	if (max == INT64_MAX)
		(void)snprintf(text, sizeof(text),
			       "must be an integer of %lld or more",
			       (long long)min);
	else
		(void)snprintf(text, sizeof(text),
			       "must be an integer from %lld to %lld",
			       (long long)min, (long long)max);
	return cond_bad(a, text);
}

int cond_read_uint(json_t *v, const struct cond_at *a, int64_t max,
		   unsigned *ret_value)
{
	int64_t i = 0;
	int r = cond_read_int(v, a, 1, max, &i);

	if (r == 0)
		*ret_value = (unsigned)i;
	return r;
}

int cond_read_word(json_t *v, const struct cond_at *a, const char *const *words)
{
	char text[160] = "must be one of";
	size_t len;
	int i;

	for (i = 0; words[i] && json_is_string(v); i++)
		if (strcmp(words[i], json_string_value(v)) == 0)
			return i;
	for (i = 0; words[i]; i++) {
		len = strlen(text);
		(void)snprintf(text + len, sizeof(text) - len, "%s %s",
			       i ? "," : "", words[i]);
	}
	return cond_bad(a, text);
}

int cond_check_array(json_t *v, const struct cond_at *a, size_t min, size_t max)
{
	char text[80];
	size_t n = json_array_size(v);

	if (json_is_array(v) && n >= min && n <= max)
		return 0;
	(void)snprintf(text, sizeof(text),
		       "must be an array of %zu to %zu entries", min, max);
	return cond_bad(a, text);
}

int cond_check_unique(json_t *v, const struct cond_at *a)
{
	size_t i, k;

	for (i = 0; i < json_array_size(v); i++)
		for (k = 0; k < i; k++)
			if (json_equal(json_array_get(v, i),
				       json_array_get(v, k)))
				return cond_bad(a, "must not repeat an entry");
	return 0;
}

int cond_read_words(json_t *v, const struct cond_at *a,
		    const char *const *words, size_t n_words,
		    unsigned *ret_bits)
{
	unsigned bits = 0;
	size_t i;
	int r;

	r = cond_check_array(v, a, 1, n_words);
	if (r < 0)
		return r;
	for (i = 0; i < json_array_size(v); i++) {
		struct cond_at m = cond_at_index(a, i);

		r = cond_read_word(json_array_get(v, i), &m, words);
		if (r < 0)
			return r;
		if (bits & 1u << r)
			return cond_bad(a, "must not repeat an entry");
		bits |= 1u << r;
	}
	*ret_bits = bits;
	return 0;
}

bool cond_chars_ok(const char *s, size_t min, size_t max, bool upper,
		   const char *more)
{
	size_t n;

	for (n = 0; s[n]; n++) {
		bool ok = (s[n] >= 'a' && s[n] <= 'z') ||
			  (s[n] >= '0' && s[n] <= '9') ||
			  (upper && s[n] >= 'A' && s[n] <= 'Z') ||
			  strchr(more, s[n]);

		if (!ok)
			return false;
	}
	return n >= min && n <= max;
}

int cond_read_time(json_t *v, const struct cond_at *a, int64_t *ret_us)
{
	if (json_is_string(v) && clock_parse(json_string_value(v), ret_us) == 0)
		return 0;
	return cond_bad(a, "must be an RFC 3339 time with zone, such as "
			   "2027-09-30T00:00:00Z");
}
