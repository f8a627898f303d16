#include "web/context.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/str.h"
#include "storage/blob.h"
#include "storage/catalog.h"
#include "storage/db.h"
#include "web/uri.h"

/* RFC 8414 section 2: no query, no fragment. The path must be one that can be
 * asked for, without escapes, so that it can be compared. */
static bool issuer_path(struct web *w)
{
	const char *path = w->issuer + strlen(w->origin);
	char decoded[sizeof(w->path)];
	struct span query;

	if (!path[0])
		return true;
	return strcspn(path, "?#%") == strlen(path) &&
	       uri_split(path, decoded, sizeof(decoded), &query) == 0 &&
	       str_copy(w->path, sizeof(w->path), decoded);
}

int web_init(struct web *w, const struct settings *s, struct clock *clock,
	     struct err *e)
{
	size_t len;

	memset(w, 0, sizeof(*w));
	w->settings = s;
	w->clock = clock;
	(void)str_copy(w->issuer, sizeof(w->issuer), s->http.public_url);
	len = strlen(w->issuer);
	while (len > 0 && w->issuer[len - 1] == '/')
		w->issuer[--len] = '\0';
	if (uri_origin(w->issuer, w->origin, sizeof(w->origin)) < 0 ||
	    !span_starts(span_of(w->origin), "http"))
		return err_set(e, -EINVAL,
			       "[http] public_url \"%s\": must be an http or "
			       "https URL",
			       s->http.public_url);
	if (!issuer_path(w))
		return err_set(e, -EINVAL,
			       "[http] public_url \"%s\": must not have a "
			       "query or fragment, nor an odd path",
			       s->http.public_url);
	w->secure = span_starts(span_of(w->origin), "https:");
	if (net_list_parse(span_of(s->http.trusted_proxies), &w->trusted) < 0)
		return err_set(e, -EINVAL, "[http] trusted_proxies");
	if (net_list_parse(span_of(s->http.metrics_from), &w->metrics_from) < 0)
		return err_set(e, -EINVAL, "[http] metrics_from");
	return 0;
}

int web_ctx_create(const struct web *w, struct web_ctx **ret_ctx, struct err *e)
{
	struct web_ctx *c CLEANUP(web_ctx_destroy) = NULL;
	char media[SETTINGS_PATH_MAX];
	int r;

	c = mem_zalloc(sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->web = w;
	r = catalog_open(w->settings, &c->db, e);
	if (r < 0)
		return r;
	r = auth_init(&c->auth, c->db, w->clock, w->settings, e);
	if (r < 0)
		return r;
	r = settings_path(w->settings, "media", media, sizeof(media));
	if (r == 0)
		r = blob_fs_create(media, &c->blobs);
	if (r < 0)
		return err_set(e, r, "media folder: %s", err_words(r));
	*ret_ctx = STEAL(c);
	return 0;
}

void web_ctx_destroy(struct web_ctx **cp)
{
	struct web_ctx *c = *cp;

	if (!c)
		return;
	*cp = NULL;
	blob_store_destroy(&c->blobs);
	auth_fini(&c->auth);
	db_close(&c->db);
	mem_free(c);
}
