/* Providers (OAuth clients), authorizations (grants), audit log. */
#include "web/pages.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "auth/clients.h"
#include "auth/grant_words.h"
#include "auth/grants.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "storage/actor.h"
#include "storage/audit.h"
#include "web/access.h"
#include "web/context.h"
#include "web/page.h"
#include "web/page_parts.h"

#define AUDIT_ITEMS 100

struct list {
	struct http_request *req;
	struct http_response *res;
	unsigned n;
};

/* ---- providers ---- */

static int put_uri(void *arg, const char *uri)
{
	HTML(arg, "<li><code>{}</code></li>\n", uri);
	return 0;
}

static void put_switch(struct list *l, const struct client *c)
{
	struct buf *b = &l->res->body;

	if (!principal_may(l->req->who, RIGHT_CLIENT_WRITE))
		return;
	HTML(b,
	     "<form method=\"post\" action=\"/clients/{}/state\">"
	     "<input type=\"hidden\" name=\"disabled\" value=\"{}\">",
	     c->id, c->disabled ? "0" : "1");
	page_csrf(l->req, l->res);
	HTML(b, "<button class=\"quiet\" type=\"submit\">{}</button></form>\n",
	     c->disabled ? "Enable" : "Disable");
}

static int put_client(void *arg, const struct client *c)
{
	struct list *l = arg;
	struct buf *b = &l->res->body;

	l->n++;
	HTML(b,
	     "<li class=\"panel item\">\n<div class=\"head\"><h2>{}</h2>"
	     "<span class=\"tag {}\">{}</span></div>\n"
	     "<dl><dt>Client id</dt><dd><code>{}</code></dd>"
	     "<dt>Registered</dt><dd>",
	     c->name, c->disabled ? "bad" : "good",
	     c->disabled ? "Disabled" : "Active", c->id);
	page_time(b, c->created_us);
	buf_puts(b, "</dd><dt>Redirect URIs</dt><dd><ul class=\"plain\">\n");
	(void)client_uri_each(&l->req->ctx->auth, c->id, put_uri, b);
	buf_puts(b, "</ul></dd></dl>\n");
	put_switch(l, c);
	buf_puts(b, "</li>\n");
	return buf_error(b);
}

static void put_add_form(struct http_request *req, struct http_response *res,
			 const struct form *f, const char *wrong)
{
	struct buf *b = &res->body;

	buf_puts(b, "<section class=\"panel\">\n<h2>New API credentials</h2>\n"
		    "<p>Enter them in the portal of your VoIP provider, "
		    "together with this server's address.</p>\n");
	if (wrong)
		HTML(b, "<p class=\"alert\" role=\"alert\">{}</p>\n", wrong);
	buf_puts(b, "<form method=\"post\" action=\"/clients\">\n");
	page_csrf(req, res);
	HTML(b,
	     "<label>Name of the provider<input type=\"text\" name=\"name\" "
	     "value=\"{}\" maxlength=\"120\" required></label>\n"
	     "<label>Redirect URIs <span class=\"hint\">one a line, from the "
	     "provider's manual</span><textarea name=\"redirect_uris\" "
	     "rows=\"2\" required "
	     "placeholder=\"https://portal.voip.example/callback\">{}"
	     "</textarea></label>\n"
	     "<div class=\"actions\"><button class=\"primary\" "
	     "type=\"submit\">Create credentials</button></div>\n</form>\n"
	     "</section>\n",
	     f ? form_str(f, "name") : "",
	     f ? form_str(f, "redirect_uris") : "");
}

static int clients_page(struct http_request *req, struct http_response *res,
			unsigned status, const struct form *f,
			const char *wrong)
{
	struct list l = { req, res, 0 };
	int64_t n;

	res->status = status;
	page_begin(req, res, "Providers", PAGE_NAV_CLIENTS);
	buf_puts(&res->body, "<h1>Providers</h1>\n");
	if (principal_may(req->who, RIGHT_CLIENT_WRITE))
		put_add_form(req, res, f, wrong);
	buf_puts(&res->body, "<ul class=\"items\">\n");
	n = client_each(&req->ctx->auth, req->who->tenant_id, put_client, &l);
	buf_puts(&res->body, "</ul>\n");
	if (n < 0)
		return (int)n;
	if (l.n == 0)
		buf_puts(&res->body, "<p class=\"empty\">No provider is "
				     "registered yet.</p>\n");
	return page_end(res);
}

int pages_clients(struct http_request *req, struct http_response *res)
{
	return clients_page(req, res, 200, NULL, NULL);
}

static int created_page(struct http_request *req, struct http_response *res,
			const char *name, const char *id, const char *secret)
{
	page_begin(req, res, "New credentials", PAGE_NAV_CLIENTS);
	HTML(&res->body,
	     "<h1>API credentials for {}</h1>\n"
	     "<section class=\"panel\">\n<p class=\"note\">The secret is shown "
	     "this once. Copy it now; only a new one can replace it.</p>\n"
	     "<dl class=\"secret\">\n<dt>Server address</dt>"
	     "<dd><code>{}</code></dd>\n<dt>Client id</dt>"
	     "<dd><code id=\"client-id\">{}</code></dd>\n"
	     "<dt>Client secret</dt><dd><code id=\"client-secret\">{}</code>"
	     "</dd>\n</dl>\n<p><a class=\"button\" href=\"/clients\">Done</a>"
	     "</p>\n</section>\n",
	     name, req->ctx->web->issuer, id, secret);
	return page_end(res);
}

/* Lines of the textarea, cut in place. @return how many, CLIENT_URIS_MAX + 1
 * when there are too many */
static unsigned split_lines(char *text, const char **list)
{
	unsigned n = 0;
	char *p = text;

	while (*p) {
		size_t len = strcspn(p, " \t\r\n");

		if (len > 0) {
			if (n == CLIENT_URIS_MAX)
				return n + 1;
			list[n++] = p;
		}
		p += len;
		if (*p)
			*p++ = '\0';
	}
	return n;
}

static int add_client(struct http_request *req, struct http_response *res,
		      const struct form *f, char *lines)
{
	const char *uris[CLIENT_URIS_MAX];
	struct client_new c = {
		.tenant_id = req->who->tenant_id,
		.name = form_str(f, "name"),
		.redirect_uris = uris,
	};
	char secret[TOKEN_MAX];
	struct err e = { 0 };
	struct id id;
	int r;

	c.n_redirect_uris = split_lines(lines, uris);
	if (c.n_redirect_uris > CLIENT_URIS_MAX)
		return clients_page(req, res, 400, f,
				    "Too many redirect URIs.");
	if (c.n_redirect_uris == 0)
		return clients_page(req, res, 400, f,
				    "A redirect URI is needed.");
	r = client_create(&req->ctx->auth, &c, req->who->actor, &id, secret,
			  &e);
	if (r == -EINVAL || r == -EEXIST)
		return clients_page(req, res, 400, f, e.text);
	if (r < 0)
		return r;
	r = created_page(req, res, c.name, id.s, secret);
	explicit_bzero(secret, sizeof(secret));
	return r;
}

int pages_client_add(struct http_request *req, struct http_response *res)
{
	struct form f CLEANUP(form_fini) = { 0 };
	char *lines;
	int r;

	if (!page_form(req, res, &f))
		return 0;
	lines = mem_strdup(form_str(&f, "redirect_uris"));
	if (!lines)
		return -ENOMEM;
	r = add_client(req, res, &f, lines);
	mem_free(lines);
	return r;
}

int pages_client_state(struct http_request *req, struct http_response *res)
{
	struct form f CLEANUP(form_fini) = { 0 };
	struct client c;
	int r;

	if (!page_form(req, res, &f))
		return 0;
	r = id_ok(req->args[0]) ? client_get(&req->ctx->auth, req->args[0], &c)
				: -ENOENT;
	if (r == 0 && strcmp(c.tenant_id, req->who->tenant_id) != 0)
		r = -ENOENT;
	if (r == 0)
		r = client_set_disabled(&req->ctx->auth, c.id,
					strcmp(form_str(&f, "disabled"), "1") ==
						0,
					req->who->actor);
	if (r < 0)
		return r;
	http_security_page(res, req->ctx->web->secure, NULL);
	return http_redirect(res, 303, "/clients");
}

/* ---- authorizations ---- */

static void put_sentence(void *arg, const char *sentence)
{
	HTML(arg, "<li>{}</li>\n", sentence);
}

static void put_conditions(struct buf *b, const struct grant *g)
{
	buf_puts(b, "<ul class=\"conditions\">\n");
	(void)grant_words(g, put_sentence, b);
	buf_puts(b, "</ul>\n");
}

static void put_when(struct buf *b, const char *name, int64_t at_us)
{
	HTML(b, "<dt>{}</dt><dd>", name);
	if (at_us)
		page_time(b, at_us);
	else
		buf_puts(b, "never");
	buf_puts(b, "</dd>");
}

static void put_revoke(struct list *l, const struct grant *g)
{
	if (g->revoked || !principal_may(l->req->who, RIGHT_GRANT_WRITE))
		return;
	HTML(&l->res->body,
	     "<details class=\"danger\"><summary>Revoke</summary>\n"
	     "<p>Calls that are being recorded under it end within a second; "
	     "what was recorded is kept.</p>\n"
	     "<form method=\"post\" action=\"/grants/{}/revoke\">",
	     g->id);
	page_csrf(l->req, l->res);
	buf_puts(&l->res->body, "<button class=\"bad\" type=\"submit\">Revoke "
				"now</button></form></details>\n");
}

static int put_grant(void *arg, const struct grant *g)
{
	struct list *l = arg;
	struct buf *b = &l->res->body;
	struct client c = { 0 };
	struct user owner = { 0 };
	bool over = g->expires_us && g->expires_us <= l->req->wall_us;

	l->n++;
	(void)client_get(&l->req->ctx->auth, g->client_id, &c); /* name only */
	(void)user_find(&l->req->ctx->auth, g->owner_id, &owner);
	HTML(b,
	     "<li class=\"panel item\">\n<div class=\"head\"><h2>{}</h2>"
	     "<span class=\"tag {}\">{}</span></div>\n",
	     c.name, g->revoked || over ? "bad" : "good",
	     g->revoked ? "Revoked"
	     : over	? "Over"
			: "Active");
	put_conditions(b, g);
	HTML(b, "<dl><dt>Given by</dt><dd>{}</dd><dt>Since</dt><dd>",
	     owner.email);
	page_time(b, g->created_us);
	buf_puts(b, "</dd>");
	if (g->expires_us) {
		buf_puts(b, "<dt>Until</dt><dd>");
		page_time(b, g->expires_us);
		buf_puts(b, "</dd>");
	}
	put_when(b, "Last call", g->last_call_us);
	put_when(b, "Last token", g->token_us);
	buf_puts(b, "</dl>\n");
	put_revoke(l, g);
	buf_puts(b, "</li>\n");
	return buf_error(b);
}

int pages_grants(struct http_request *req, struct http_response *res)
{
	struct grant_filter f = {
		.tenant_id = req->who->tenant_id,
		.owner_id = principal_grant_owner(req->who),
	};
	struct list l = { req, res, 0 };
	int64_t n;

	page_begin(req, res, "Authorizations", PAGE_NAV_GRANTS);
	buf_puts(&res->body, "<h1>Authorizations</h1>\n<p class=\"lead\">What "
			     "providers may record, as you agreed to it.</p>\n"
			     "<ul class=\"items\">\n");
	n = grant_each(&req->ctx->auth, &f, put_grant, &l);
	buf_puts(&res->body, "</ul>\n");
	if (n < 0)
		return (int)n;
	if (l.n == 0)
		buf_puts(&res->body,
			 "<p class=\"empty\">Nothing is authorized. Start in "
			 "the portal of your VoIP provider.</p>\n");
	return page_end(res);
}

int pages_grant_revoke(struct http_request *req, struct http_response *res)
{
	const char *owner = principal_grant_owner(req->who);
	struct grant g CLEANUP(grant_fini) = { 0 };
	int r;

	if (!id_ok(req->args[0]))
		return -ENOENT;
	r = grant_get(&req->ctx->auth, req->args[0], &g);
	if (r < 0)
		return r;
	if (strcmp(g.tenant_id, req->who->tenant_id) != 0 ||
	    (owner && strcmp(g.owner_id, owner) != 0))
		return -ENOENT;
	r = grant_revoke(&req->ctx->auth, g.id, "revoked by a user",
			 req->who->actor);
	if (r < 0)
		return r;
	http_security_page(res, req->ctx->web->secure, NULL);
	return http_redirect(res, 303, "/grants");
}

/* ---- audit log ---- */

struct audit_list {
	struct auth *auth;
	struct buf *b;
	int64_t last_id;
	unsigned n;
};

static int put_entry(void *arg, const struct audit_entry *a)
{
	char actor[ACTOR_NAME_MAX], object[ACTOR_NAME_MAX];
	struct audit_list *l = arg;
	int r;

	r = actor_name(l->auth->db, a->actor, actor);
	if (r == 0)
		r = actor_name(l->auth->db, a->object, object);
	if (r < 0)
		return r;
	l->n++;
	l->last_id = a->id;
	buf_puts(l->b, "<tr><td class=\"when\">");
	page_time(l->b, a->at_us);
	HTML(l->b,
	     "</td><td class=\"main\">{}</td><td title=\"{}\">{}</td>"
	     "<td><code title=\"{}\">{}</code></td><td><span class=\"tag "
	     "{}\">{}</span>"
	     "</td></tr>\n",
	     a->action, a->actor, actor, a->object, object,
	     strcmp(a->result, "ok") == 0 ? "good" : "warn", a->result);
	return buf_error(l->b);
}

int pages_audit(struct http_request *req, struct http_response *res)
{
	const char *before = form_get(&req->query, "before");
	struct audit_list l = { &req->ctx->auth, &res->body, 0, 0 };
	int64_t before_id = 0, n;
	char url[64];

	if (before && str_i64(before, 1, INT64_MAX, &before_id) < 0)
		return -EINVAL;
	page_begin(req, res, "Audit log", PAGE_NAV_AUDIT);
	buf_puts(&res->body,
		 "<h1>Audit log</h1>\n<table class=\"list audit\">\n<thead>"
		 "<tr><th>When</th><th>What</th><th>Who</th><th>On</th>"
		 "<th>Result</th></tr></thead>\n<tbody>\n");
	n = audit_each(req->ctx->db, req->who->tenant_id, NULL, before_id,
		       AUDIT_ITEMS, put_entry, &l);
	if (n < 0)
		return (int)n;
	buf_puts(&res->body, "</tbody>\n</table>\n");
	if (l.n == AUDIT_ITEMS) {
		(void)snprintf(url, sizeof(url), "/audit?before=%" PRId64,
			       l.last_id);
		HTML(&res->body,
		     "<p class=\"pages\"><a class=\"button\" href=\"{}\">Older"
		     "</a></p>\n",
		     url);
	}
	return page_end(res);
}
