#include "web/router.h"

#include <string.h>

#include "base/str.h"

/* Does path fit the pattern? Fills req->args (pointing into arg_text). */
static bool fits(const char *pattern, struct http_request *req)
{
	struct span pat = span_of(pattern + 1);
	struct span path = span_of(req->path + 1);
	char *room = req->arg_text;
	size_t left = sizeof(req->arg_text);
	bool more_pat = true, more_path = true;

	req->n_args = 0;
	while (more_pat && more_path) {
		struct span a, b;

		more_pat = span_find(pat, '/') >= 0;
		more_path = span_find(path, '/') >= 0;
		a = span_cut(&pat, '/');
		b = span_cut(&path, '/');
		if (!span_eq(a, "{}")) {
			if (a.len != b.len || memcmp(a.p, b.p, a.len) != 0)
				return false;
			continue;
		}
		if (b.len == 0 || req->n_args == HTTP_ARGS_MAX ||
		    !span_copy(room, left, b))
			return false;
		req->args[req->n_args++] = room;
		room += b.len + 1;
		left -= b.len + 1;
	}
	return more_pat == more_path;
}

const struct route *router_match(const struct route *routes, size_t n,
				 struct http_request *req, unsigned *ret_allow)
{
	*ret_allow = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned methods = routes[i].methods;

		if (methods & HTTP_GET)
			methods |= HTTP_HEAD;
		if (!fits(routes[i].pattern, req))
			continue;
		if (methods & req->method)
			return &routes[i];
		*ret_allow |= methods;
	}
	return NULL;
}

void router_allow_words(unsigned methods, char *dst, size_t dst_len)
{
	size_t used = 0;

	dst[0] = '\0';
	for (unsigned m = HTTP_GET; m <= HTTP_PUT; m <<= 1) {
		const char *word = http_method_word((enum http_method)m);
		size_t len = strlen(word);

		if (!(methods & m) || used + len + 3 > dst_len)
			continue;
		if (used) {
			memcpy(dst + used, ", ", 2);
			used += 2;
		}
		memcpy(dst + used, word, len + 1);
		used += len;
	}
}
