#include "web/zone.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/tdate.h"
#include "auth/tzone.h"
#include "base/clock.h"
#include "base/str.h"
#include "web/context.h"
#include "web/html.h"
#include "web/http.h"

#define COOKIE "tz"
#define YEAR_S (365 * 24 * 3600)

int zone_open(struct zone *z, const char *name)
{
	int r = -EINVAL;

	if (str_copy(z->name, sizeof(z->name), name))
		r = tzone_open(name, &z->tz);
	if (r < 0)
		*z = (struct zone){ 0 };
	return r;
}

void zone_of_page(const struct http_request *req, struct http_response *res,
		  struct zone *z)
{
	const char *asked = form_str(&req->query, "tz");
	char kept[ZONE_NAME_MAX];

	z->asked = asked[0] && zone_open(z, asked) == 0;
	if (z->asked) {
		http_add(res, "Set-Cookie",
			 COOKIE "=%s; Path=/; Max-Age=%d; SameSite=Lax%s",
			 z->name, YEAR_S,
			 req->ctx->web->secure ? "; Secure" : "");
		return;
	}
	if (http_cookie(req, COOKIE, kept, sizeof(kept)) < 0 ||
	    zone_open(z, kept) < 0)
		(void)str_copy(z->name, sizeof(z->name), "UTC");
	z->unknown = asked[0] != '\0';
}

void zone_close(struct zone *z)
{
	tzone_close(&z->tz);
}

int zone_parse_time(const struct zone *z, const char *s, bool end,
		    int64_t *ret_us)
{
	return tdate_parse(z ? z->tz : NULL, z != NULL, s, end, ret_us);
}

/* ---- showing ----------------------------------------------------------- */

void zone_put_time(const struct zone *z, struct buf *b, int64_t wall_us)
{
	char exact[CLOCK_RFC3339_MAX], words[TDATE_MAX];

	if (wall_us == 0)
		return;
	clock_format(wall_us, exact, sizeof(exact));
	tdate_format(z->tz, wall_us, words);
	HTML(b, "<time datetime=\"{}\">{}</time>", exact, words);
}
