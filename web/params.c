#include "web/params.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "web/http.h"
#include "web/zone.h"

bool params_known(struct http_request *req, struct http_response *res,
		  const char *const *names)
{
	for (unsigned i = 0; i < req->query.n; i++) {
		const char *name = req->query.fields[i].name;
		bool known = false;

		for (unsigned k = 0; names[k]; k++)
			known |= strcmp(names[k], name) == 0;
		if (!known) {
			http_problem_param(res, name,
					   "not a parameter of this address");
			return false;
		}
	}
	return true;
}

bool params_int(struct http_request *req, struct http_response *res,
		const char *name, int64_t min, int64_t max, int64_t *ret_v)
{
	const char *s = form_get(&req->query, name);

	if (!s || str_i64(s, min, max, ret_v) == 0)
		return true;
	http_problem_param(res, name,
			   "must be a whole number from %" PRId64
			   " to %" PRId64,
			   min, max);
	return false;
}

bool params_time(struct http_request *req, struct http_response *res,
		 const char *name, const struct zone *z, int64_t *ret_us)
{
	const char *s = form_get(&req->query, name);

	if (!s || zone_parse_time(z, s, false, ret_us) == 0)
		return true;
	http_problem_param(res, name,
			   "must be a date (2026-01-31) or an RFC 3339 time "
			   "with zone (2026-01-31T09:30:00Z, or +01:00 with "
			   "%%2B for the sign); the zone may be left out "
			   "where \"tz\" names one");
	return false;
}

bool params_zone(struct http_request *req, struct http_response *res,
		 struct zone *z)
{
	const char *name = form_get(&req->query, "tz");

	if (!name || zone_open(z, name) == 0)
		return true;
	http_problem_param(res, "tz",
			   "must be the name of a time zone (Europe/London)");
	return false;
}

bool params_text(struct http_request *req, struct http_response *res,
		 const char *name, unsigned max, const char **ret_s)
{
	const char *s = form_get(&req->query, name);

	if (!s)
		return true;
	if (strlen(s) > max) {
		http_problem_param(res, name, "must have at most %u bytes",
				   max);
		return false;
	}
	for (const char *p = s; *p; p++) {
		if ((unsigned char)*p >= 0x20 && *p != 0x7f)
			continue;
		http_problem_param(res, name, "has a control character");
		return false;
	}
	*ret_s = s;
	return true;
}

bool params_word(struct http_request *req, struct http_response *res,
		 const char *name, const char *const *words, int *ret_i)
{
	const char *s = form_get(&req->query, name);
	char list[200];
	size_t used = 0;

	if (!s)
		return true;
	list[0] = '\0';
	for (int i = 0; words[i]; i++) {
		int n;

		if (strcmp(words[i], s) == 0) {
			*ret_i = i;
			return true;
		}
		n = snprintf(list + used, sizeof(list) - used, "%s%s",
			     i ? ", " : "", words[i]);
		if (n > 0 && used + (size_t)n < sizeof(list))
			used += (size_t)n;
	}
	http_problem_param(res, name, "must be one of: %s", list);
	return false;
}
