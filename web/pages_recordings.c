/* The list of recordings, with its search. */
#include "web/pages.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "base/str.h"
#include "storage/catalog.h"
#include "storage/catalog_search.h"
#include "web/access.h"
#include "web/context.h"
#include "web/page.h"
#include "web/page_parts.h"
#include "web/params.h"
#include "web/uri.h"
#include "web/zone.h"

#define PAGE_ITEMS 25

static void put_search(struct http_request *req, struct buf *b,
		       const struct zone *z)
{
	const struct form *f = &req->query;

	HTML(b,
	     "<form class=\"search\" method=\"get\" action=\"/recordings\" "
	     "role=\"search\">\n"
	     "<label class=\"grow\">Search<input type=\"search\" name=\"q\" "
	     "value=\"{}\" maxlength=\"200\" "
	     "placeholder=\"Name, number, address, note\"></label>\n",
	     form_str(f, "q"));
	HTML(b,
	     "<label>From<input type=\"date\" name=\"from\" value=\"{}\">"
	     "</label>\n<label>To<input type=\"date\" name=\"to\" "
	     "value=\"{}\"></label>\n",
	     form_str(f, "from"), form_str(f, "to"));
	/* a script leaves it out where dates do not matter, and fills it in */
	HTML(b,
	     "<label class=\"zone\">Time zone<input type=\"text\" name=\"tz\" "
	     "value=\"{}\" maxlength=\"63\" data-asked=\"{}\" "
	     "placeholder=\"Europe/London\" spellcheck=\"false\"></label>\n"
	     "<button class=\"primary\" type=\"submit\">Search</button>\n",
	     z->name, z->asked ? "yes" : "no");
	if (f->n > 0)
		buf_puts(b, "<a class=\"button\" href=\"/recordings\">"
			    "Clear</a>\n");
	buf_puts(b, "</form>\n");
}

static void put_names(struct buf *b, const struct recording *rec)
{
	int left = page_left_party(rec);

	for (unsigned i = 0; i < rec->n_participants; i++) {
		const struct recording_participant *p = &rec->participants[i];

		HTML(b, "<span class=\"party p{}\" title=\"{}\">{}</span>",
		     (int)p->ord == left ? "0" : "1", p->aor, page_party(p));
	}
	if (rec->n_participants == 0)
		buf_puts(b, "<span class=\"faint\">Unknown parties</span>");
}

struct rows {
	struct buf b;
	const struct zone *zone;
};

static int put_row(void *arg, const struct recording *rec)
{
	struct rows *rows = arg;
	struct buf *b = &rows->b;
	char length[HTML_TIME_MAX];

	html_duration(rec->duration_us, length);
	HTML(b,
	     "<tr data-id=\"{}\" data-state=\"{}{}\">\n"
	     "<td class=\"main\"><a href=\"/recordings/{}\">",
	     rec->id, recording_state_word(rec->state),
	     rec->paused ? " paused" : "", rec->id);
	if (rec->title[0])
		HTML(b, "<b>{}</b> ", rec->title);
	put_names(b, rec);
	buf_puts(b, "</a></td>\n<td class=\"when\">");
	zone_put_time(rows->zone, b, rec->started_us);
	HTML(b, "</td>\n<td class=\"num\">{}</td>\n<td class=\"state\">",
	     rec->duration_us ? length : "");
	page_state(b, rec);
	if (rec->n_warnings)
		HTML(b, " <span class=\"tag warn\" title=\"{}\">{}</span>",
		     rec->warnings[0].detail,
		     rec->n_warnings == 1 ? "1 note" : "notes");
	buf_puts(b, "</td>\n</tr>\n");
	return buf_error(b);
}

/* Wrong dates are left out and said; the page is for people. */
static const char *read_filter(struct http_request *req, const struct zone *z,
			       struct recording_filter *f)
{
	const char *from = form_str(&req->query, "from");
	const char *to = form_str(&req->query, "to");
	const char *cursor = form_str(&req->query, "cursor");
	const char *wrong = NULL;

	f->q = form_str(&req->query, "q");
	f->participant = form_get(&req->query, "participant");
	f->cursor = cursor[0] ? cursor : NULL;
	if (z->unknown)
		wrong = "There is no such time zone here: it is ignored. A "
			"zone is written like Europe/London.";
	if (from[0] && zone_parse_time(z, from, false, &f->from_us) < 0)
		wrong = "The first date can't be read and is ignored.";
	/* that day included */
	if (to[0] && zone_parse_time(z, to, true, &f->to_us) < 0)
		wrong = "The last date can't be read and is ignored.";
	return wrong;
}

static void put_older(struct http_request *req, struct buf *b,
		      const char *cursor)
{
	static const char *const keep[] = { "q",  "from",	 "to",
					    "tz", "participant", NULL };
	struct buf url;

	buf_init(&url, 4000);
	buf_puts(&url, "/recordings?cursor=");
	(void)uri_encode(&url, cursor);
	for (unsigned i = 0; keep[i]; i++) {
		const char *v = form_str(&req->query, keep[i]);

		if (!v[0])
			continue;
		buf_printf(&url, "&%s=", keep[i]);
		(void)uri_encode(&url, v);
	}
	if (buf_error(&url) == 0)
		HTML(b,
		     "<p class=\"pages\"><a class=\"button\" href=\"{}\" "
		     "rel=\"next\">Older recordings</a></p>\n",
		     buf_str(&url));
	buf_fini(&url);
}

static void put_empty(struct http_request *req, struct buf *b)
{
	if (req->query.n > 0) {
		buf_puts(b, "<p class=\"empty\">No recording matches this "
			    "search.</p>\n");
		return;
	}
	buf_puts(b, "<div class=\"empty\"><h2>No recordings yet</h2>\n<p>They "
		    "appear here as soon as a provider sends a call that you "
		    "have authorized.</p>\n");
	if (principal_may(req->who, RIGHT_CLIENT_WRITE))
		buf_puts(b, "<p><a class=\"button\" href=\"/clients\">Create "
			    "API credentials for a provider</a></p>\n");
	buf_puts(b, "</div>\n");
}

static int list(struct http_request *req, struct http_response *res,
		const struct zone *z, struct recording_filter *f)
{
	char next[RECORDING_CURSOR_MAX] = "";
	struct buf *b = &res->body;
	struct rows rows = { .zone = z };
	int64_t n;

	buf_init(&rows.b, 1024 * 1024);
	n = recording_list(req->ctx->db, &req->who->scope, f, put_row, &rows,
			   next);
	if (n == -EINVAL) {
		f->cursor = NULL;
		n = recording_list(req->ctx->db, &req->who->scope, f, put_row,
				   &rows, next);
	}
	if (n > 0) {
		buf_puts(b, "<table class=\"list\" id=\"recordings\">\n"
			    "<thead><tr><th>Call</th><th>Started</th>"
			    "<th class=\"num\">Length</th><th>State</th></tr>"
			    "</thead>\n<tbody>\n");
		buf_put(b, rows.b.data, rows.b.len);
		HTML(b,
		     "</tbody>\n</table>\n<p class=\"faint zone-note\">Dates "
		     "and "
		     "times are in <span id=\"zone\">{}</span>.</p>\n",
		     z->name);
	} else if (n == 0) {
		put_empty(req, b);
	}
	buf_fini(&rows.b);
	if (next[0])
		put_older(req, b, next);
	return n < 0 ? (int)n : 0;
}

int pages_recordings(struct http_request *req, struct http_response *res)
{
	struct recording_filter f = {
		.limit = PAGE_ITEMS,
		.parts = RECORDING_PARTICIPANTS | RECORDING_WARNINGS,
	};
	struct zone z CLEANUP(zone_close) = { 0 };
	struct number_plan numbers;
	const char *wrong;
	int r = tenant_plan(req->ctx->db, req->who->tenant_id,
			    req->ctx->web->settings, &numbers);

	if (r < 0)
		return r;
	f.numbers = &numbers;
	zone_of_page(req, res, &z);
	wrong = read_filter(req, &z, &f);
	page_begin(req, res, "Recordings", PAGE_NAV_RECORDINGS);
	buf_puts(&res->body, "<h1>Recordings</h1>\n");
	put_search(req, &res->body, &z);
	if (wrong)
		HTML(&res->body, "<p class=\"alert\" role=\"alert\">{}</p>\n",
		     wrong);
	r = list(req, res, &z, &f);
	return r < 0 ? r : page_end(res);
}
