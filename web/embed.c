#include "web/embed.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "storage/crypt.h"
#include "web/context.h"
#include "web/http.h"
#include "web/range.h"

#define ASSET(sym) extern const unsigned char asset_##sym[], asset_##sym##_end[]

ASSET(style_css);
ASSET(app_js);
ASSET(player_js);
ASSET(waveform_js);
ASSET(ladder_css);
ASSET(icon_svg);

static char hash_text[EMBED_HASH_MAX];

static struct asset table[] = {
	{ "style.css", "text/css; charset=utf-8", asset_style_css, 0 },
	{ "app.js", "text/javascript; charset=utf-8", asset_app_js, 0 },
	{ "player.js", "text/javascript; charset=utf-8", asset_player_js, 0 },
	{ "waveform.js", "text/javascript; charset=utf-8", asset_waveform_js,
	  0 },
	{ "ladder.css", "text/css; charset=utf-8", asset_ladder_css, 0 },
	{ "icon.svg", "image/svg+xml", asset_icon_svg, 0 },
};

static const unsigned char *const ends[] = {
	asset_style_css_end,   asset_app_js_end,     asset_player_js_end,
	asset_waveform_js_end, asset_ladder_css_end, asset_icon_svg_end,
};

int embed_setup(void)
{
	struct crypt_sha256 *h CLEANUP(crypt_sha256_destroy) = NULL;
	uint8_t sum[CRYPT_SHA256_LEN];
	int r;

	r = crypt_sha256_create(&h);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		table[i].len = (size_t)(ends[i] - table[i].data);
		crypt_sha256_add(h, table[i].data, table[i].len);
	}
	crypt_sha256_finish(h, sum);
	str_hex(hash_text, sum, (EMBED_HASH_MAX - 1) / 2);
	return 0;
}

const char *embed_hash(void)
{
	return hash_text;
}

const struct asset *embed_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

static int send_asset(struct http_request *req, struct http_response *res,
		      const struct asset *a, const char *cache)
{
	const char *known = http_header(req, "If-None-Match");
	char etag[EMBED_HASH_MAX + 2] = "\"";

	memcpy(etag + 1, hash_text, sizeof(hash_text) - 1);
	memcpy(etag + sizeof(hash_text), "\"", 2);
	http_security_page(res, req->ctx->web->secure, NULL);
	http_set(res, "Cache-Control", "%s", cache);
	http_set(res, "ETag", "%s", etag);
	if (known && etag_list_has(known, etag, true))
		res->status = 304; /* the body is not sent, only counted */
	http_set(res, "Content-Type", "%s", a->mime);
	return buf_put(&res->body, a->data, a->len);
}

int embed_serve(struct http_request *req, struct http_response *res)
{
	const struct asset *a = embed_find(req->args[1]);

	if (!a)
		return -ENOENT;
	/* An old page may still ask for its old address. */
	if (strcmp(req->args[0], hash_text) != 0)
		return send_asset(req, res, a, "no-cache");
	return send_asset(req, res, a, "public, max-age=31536000, immutable");
}

int embed_favicon(struct http_request *req, struct http_response *res)
{
	return send_asset(req, res, embed_find("icon.svg"),
			  "public, max-age=86400");
}

int embed_robots(struct http_request *req, struct http_response *res)
{
	(void)req;
	http_set(res, "Content-Type", "text/plain; charset=utf-8");
	return buf_puts(&res->body, "User-agent: *\nDisallow: /\n");
}
