/* One recording: player, parties, what happened, notes, downloads. The audio
 * element works alone; player.js puts waveform, balance and keys around it. */
#include "web/pages.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "storage/catalog_search.h"
#include "storage/db.h"
#include "web/access.h"
#include "storage/recording_senders.h"
#include "web/context.h"
#include "web/page.h"
#include "web/page_parts.h"
#include "web/pages_ladder.h"

static const char *party_name(const struct recording *rec, int ord)
{
	const struct recording_participant *p = recording_party(rec, ord);

	return p ? page_party(p) : "";
}

static void put_title(struct buf *b, const struct recording *rec)
{
	char length[HTML_TIME_MAX];

	buf_puts(b, "<p class=\"crumb\"><a href=\"/recordings\">Recordings</a>"
		    "</p>\n<h1>");
	if (rec->title[0]) {
		HTML(b, "{}", rec->title);
	} else {
		for (unsigned i = 0; i < rec->n_participants; i++)
			HTML(b, "{}{}",
			     i == 0			   ? ""
			     : i + 1 < rec->n_participants ? ", "
							   : " and ",
			     party_name(rec, (int)rec->participants[i].ord));
		if (rec->n_participants == 0)
			buf_puts(b, "Call with unknown parties");
	}
	html_duration(rec->duration_us, length);
	buf_puts(b, "</h1>\n<p class=\"facts\">");
	page_time(b, rec->started_us);
	if (rec->duration_us)
		HTML(b, " <span>{}</span>", length);
	buf_puts(b, " ");
	page_state(b, rec);
	buf_puts(b, "</p>\n");
}

/* Who is heard in it: "Bob, Carol". */
static void put_heard(struct buf *b, const struct recording *rec,
		      const char *before)
{
	int ords[RECORDING_SENDERS_MAX];

	for (unsigned i = 0; i < rec->n_streams; i++) {
		unsigned n =
			recording_senders(rec, (int)rec->streams[i].idx, ords);

		for (unsigned k = 0; k < n; k++) {
			HTML(b, "{}{}", before, party_name(rec, ords[k]));
			before = ", ";
		}
	}
}

static void put_source(struct buf *b, const struct recording *rec,
		       const char *kind, unsigned n, const char *format)
{
	const struct recording_track *t = recording_track(rec, kind, n, format);
	char url[160];

	if (!t)
		return;
	if (n == 0)
		(void)snprintf(url, sizeof(url),
			       "/api/v1/recordings/%s/audio?format=%s", rec->id,
			       format);
	else
		(void)snprintf(url, sizeof(url),
			       "/api/v1/recordings/%s/tracks/%u/audio"
			       "?format=%s",
			       rec->id, n, format);
	HTML(b, "<source src=\"{}\" type=\"{}; codecs=opus\">", url,
	     strcmp(format, "mp4") == 0 ? "audio/mp4" : "audio/ogg");
}

/* @param half   "" the player of the page; else the number of a half, which
 *               follows that one
 *  @param late_us how much later it begins */
static void put_player(struct buf *b, const struct recording *rec,
		       const char *half, int64_t late_us)
{
	char seconds[32], left[16], late[32];

	(void)snprintf(seconds, sizeof(seconds), "%.3f",
		       (double)rec->duration_us / 1e6);
	(void)snprintf(late, sizeof(late), "%.3f", (double)late_us / 1e6);
	(void)snprintf(left, sizeof(left), "%d", page_left_party(rec));
	HTML(b,
	     "<section class=\"panel player{}\" id=\"player{}\" "
	     "data-id=\"{}\" "
	     "data-duration=\"{}\" data-left=\"{}\" data-late=\"{}\" "
	     "aria-label=\"{}\">\n",
	     *half ? " half" : "", half, rec->id, seconds, left, late,
	     *half ? "Player of the other half" : "Player");
	if (*half) {
		buf_puts(b, "<h2>Other half of the call");
		put_heard(b, rec, ": ");
		buf_puts(b, "</h2>\n");
	}
	HTML(b, "<audio id=\"audio{}\" controls preload=\"metadata\">", half);
	put_source(b, rec, "mix", 0, "ogg");
	put_source(b, rec, "mix", 0, "mp4");
	buf_puts(b, "Your browser can't play this recording; download it "
		    "below.</audio>\n</section>\n");
}

/* CUCM's two ends are two recordings; each is played beside the other. */
static void put_halves(struct buf *b, const struct recording *rec)
{
	char number[16];

	for (unsigned i = 0; i < rec->n_halves; i++) {
		const struct recording *half = rec->halves[i];

		(void)snprintf(number, sizeof(number), "-%u", i + 2);
		put_player(b, half, number, half->started_us - rec->started_us);
	}
}

static void put_half_of(struct buf *b, const struct recording *rec)
{
	HTML(b,
	     "<p class=\"note\" id=\"half\">Each end of this call was recorded "
	     "on its own; here is one of them. <a href=\"/recordings/{}\">The "
	     "whole call</a> is what lists show.</p>\n",
	     rec->duplicate_of);
}

static void put_pause(struct http_request *req, struct http_response *res,
		      const struct recording *rec)
{
	struct buf *b = &res->body;
	bool paused = rec->paused;

	if (rec->state != RECORDING_LIVE ||
	    !principal_may(req->who, RIGHT_RECORDING_PAUSE))
		return;
	HTML(b,
	     "<form method=\"post\" action=\"/recordings/{}/{}\" "
	     "class=\"actions\">\n",
	     rec->id, paused ? "resume" : "pause");
	page_csrf(req, res);
	HTML(b,
	     "<button type=\"submit\" id=\"pause\">{}</button> "
	     "<span class=\"faint\">{}</span>\n</form>\n",
	     paused ? "Go on recording" : "Pause",
	     paused ? "What is said from then on is kept again."
		    : "Nothing of what is said then is kept.");
}

static void put_waiting(struct http_request *req, struct http_response *res,
			const struct recording *rec)
{
	struct buf *b = &res->body;
	const char *text = "You may see this recording but not listen to it.";

	if (rec->paused)
		text = "Recording of this call is paused: nothing of what is "
		       "said now is kept. It can be played when it is over.";
	else if (rec->state == RECORDING_LIVE)
		text = "This call is being recorded right now. It can be "
		       "played when it is over.";
	else if (rec->state == RECORDING_RENDERING)
		text = "The call is over; its audio is being prepared.";
	else if (rec->state == RECORDING_FAILED)
		text = "The audio could not be prepared. What was received is "
		       "kept; the operator can try again.";
	HTML(b,
	     "<section class=\"panel\" id=\"waiting\" data-id=\"{}\" "
	     "data-state=\"{}{}\"><p>{}</p>\n",
	     rec->id, recording_state_word(rec->state),
	     rec->paused ? " paused" : "", text);
	put_pause(req, res, rec);
	buf_puts(b, "</section>\n");
}

/* The media is with the recording in front of it. */
static void put_elsewhere(struct buf *b, const struct recording *rec)
{
	HTML(b,
	     "<section class=\"panel\" id=\"elsewhere\"><p>This call was sent "
	     "twice; its audio is kept once, with "
	     "<a href=\"/recordings/{}\">the other recording</a>."
	     "</p></section>\n",
	     rec->duplicate_of);
}

static void put_parties(struct buf *b, const struct recording *rec)
{
	int left = page_left_party(rec);

	buf_puts(b, "<section class=\"panel\">\n<h2>Parties</h2>\n"
		    "<ul class=\"parties\">\n");
	for (unsigned i = 0; i < rec->n_participants; i++) {
		const struct recording_participant *p = &rec->participants[i];

		HTML(b,
		     "<li><span class=\"party p{}\">{}</span> "
		     "<span class=\"faint\">{}</span></li>\n",
		     (int)p->ord == left ? "0" : "1", page_party(p),
		     p->name[0] ? p->aor : "");
	}
	buf_puts(b, "</ul>\n</section>\n");
}

static const char *event_words(const char *kind)
{
	static const char *const table[][2] = {
		{ "hold", "On hold" },
		{ "resume", "Resumed" },
		{ "pause", "Paused by" },
		{ "unpause", "Recording again, by" },
		{ "join", "Joined" },
		{ "leave", "Left" },
		{ "loss", "Audio lost" },
		{ "metadata", "Parties updated" },
		{ "dtmf", "Key" },
		{ "text", "Typed" },
		{ "hand_over", "Handing over" },
		{ "handed_over", "Handed over" },
		{ "hand_over_failed", "Not handed over" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strcmp(kind, table[i][0]) == 0)
			return table[i][1];
	return kind;
}

static void put_events(struct buf *b, const struct recording *rec)
{
	char at[HTML_TIME_MAX], offset[32];

	if (rec->n_events == 0)
		return;
	buf_puts(b, "<section class=\"panel\">\n<h2>What happened</h2>\n"
		    "<ol class=\"events\" id=\"events\">\n");
	for (unsigned i = 0; i < rec->n_events; i++) {
		const struct recording_event *ev = &rec->events[i];
		int64_t us = ev->offset_us > 0 ? ev->offset_us : 0;
		const struct recording_participant *p =
			recording_party(rec, ev->participant);
		const char *name = p ? page_party(p) : "";
		/* "Joined: bob@x", not "Joined: bob@x sip:bob@x" */
		bool said = p && !p->name[0] && !strcmp(ev->text, p->aor);

		html_duration(us, at);
		(void)snprintf(offset, sizeof(offset), "%.3f",
			       (double)us / 1e6);
		HTML(b,
		     "<li data-offset=\"{}\" data-kind=\"{}\">"
		     "<span class=\"at\">{}</span> <span>{}{}{}</span> "
		     "<span class=\"faint\">{}</span></li>\n",
		     offset, ev->kind, at, event_words(ev->kind),
		     name[0] ? ": " : "", name,
		     said		 ? ""
		     : ev->actor_name[0] ? ev->actor_name
					 : ev->text);
	}
	buf_puts(b, "</ol>\n</section>\n");
}

static void put_warnings(struct buf *b, const struct recording *rec,
			 const char *title)
{
	if (rec->n_warnings == 0)
		return;
	HTML(b,
	     "<section class=\"panel\">\n<h2>{}</h2>"
	     "\n<ul class=\"warnings\">\n",
	     title);
	for (unsigned i = 0; i < rec->n_warnings; i++) {
		const struct recording_warning *w = &rec->warnings[i];
		const char *css = strcmp(w->severity, "error") == 0  ? "bad"
				  : strcmp(w->severity, "info") == 0 ? "calm"
								     : "warn";

		HTML(b,
		     "<li><span class=\"tag {}\">{}</span> {} "
		     "<code class=\"faint\">{}</code></li>\n",
		     css, w->severity, w->detail, w->code);
	}
	buf_puts(b, "</ul>\n</section>\n");
}

static void put_download(struct buf *b, const struct recording *rec,
			 const struct recording_track *t)
{
	char url[192], size[HTML_TIME_MAX];

	html_bytes((int64_t)t->bytes, size);
	if (t->n == 0)
		(void)snprintf(url, sizeof(url),
			       "/api/v1/recordings/%s/audio?format=%s"
			       "&download=1",
			       rec->id, t->format);
	else
		(void)snprintf(url, sizeof(url),
			       "/api/v1/recordings/%s/tracks/%u/audio"
			       "?format=%s&download=1",
			       rec->id, t->n, t->format);
	HTML(b,
	     " <a href=\"{}\" download>{}</a> <span class=\"faint\">{}</span>",
	     url, strcmp(t->format, "mp4") == 0 ? "MP4" : "Ogg", size);
}

/* Who took the line over, one after the other; of a line that carries several
 * all of them. */
static void put_later(struct buf *b, const struct recording *rec,
		      const struct recording_track *t)
{
	int ords[RECORDING_SENDERS_MAX];
	unsigned n = recording_senders(rec, t->stream, ords);

	for (unsigned i = 0; i < n; i++)
		if (t->participant < 0)
			HTML(b, i ? ", {}" : ": {}", party_name(rec, ords[i]));
		else if (ords[i] != t->participant)
			HTML(b, ", then {}", party_name(rec, ords[i]));
}

/* The formats of the mix (n 0) or of one track on one line. */
static bool put_file(struct buf *b, const struct recording *rec, unsigned n)
{
	static const char *const formats[] = { "ogg", "mp4" };
	const char *kind = n ? "track" : "mix", *name;
	const struct recording_track *t = recording_track(rec, kind, n, NULL);
	char number[24];

	if (!t)
		return false;
	name = party_name(rec, t->participant);
	(void)snprintf(number, sizeof(number), "Track %u", n);
	HTML(b, "<li><span class=\"what\">{}{}{}", n ? number : "Whole call",
	     n && name[0] ? ": " : "", n ? name : "");
	if (n)
		put_later(b, rec, t);
	buf_puts(b, "</span>");
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		t = recording_track(rec, kind, n, formats[i]);
		if (t)
			put_download(b, rec, t);
	}
	buf_puts(b, "</li>\n");
	return true;
}

static void put_text_file(struct buf *b, const struct recording *rec,
			  const struct recording_track *t)
{
	const char *name = party_name(rec, t->participant);
	char url[160], size[HTML_TIME_MAX], number[24];

	html_bytes((int64_t)t->bytes, size);
	(void)snprintf(number, sizeof(number), "Track %u", t->n);
	(void)snprintf(url, sizeof(url),
		       "/api/v1/recordings/%s/tracks/%u/text?download=1",
		       rec->id, t->n);
	HTML(b,
	     "<li><span class=\"what\">{}, typed{}{}</span> <a href=\"{}\" "
	     "download>WebVTT</a> <span class=\"faint\">{}</span></li>\n",
	     number, name[0] ? ": " : "", name, url, size);
}

static void put_downloads(struct buf *b, const struct recording *rec,
			  const char *title)
{
	HTML(b,
	     "<section class=\"panel\">\n<h2>{}</h2>\n"
	     "<ul class=\"files\">\n",
	     title);
	for (unsigned n = 0; put_file(b, rec, n) || n == 0; n++)
		;
	for (unsigned i = 0; i < rec->n_tracks; i++)
		if (strcmp(rec->tracks[i].kind, "text") == 0)
			put_text_file(b, rec, &rec->tracks[i]);
	buf_puts(b, "</ul>\n</section>\n");
}

/* The other recordings of the same call. */
static void put_call(struct buf *b, const struct recording *rec)
{
	if (rec->n_legs < 2)
		return;
	buf_puts(b, "<section class=\"panel\">\n<h2>Parts of this call</h2>\n"
		    "<ol class=\"legs\">\n");
	for (unsigned i = 0; i < rec->n_legs; i++) {
		bool behind = *rec->legs[i].duplicate_of != '\0';
		char number[48];

		(void)snprintf(number, sizeof(number), "Part %u%s", i + 1,
			       rec->legs[i].half ? ", the other half"
			       : behind		 ? ", the same once more"
						 : "");
		if (strcmp(rec->legs[i].recording_id, rec->id) == 0)
			HTML(b, "<li><strong>{}</strong> (this one)</li>\n",
			     number);
		else
			HTML(b, "<li><a href=\"/recordings/{}\">{}</a></li>\n",
			     rec->legs[i].recording_id, number);
	}
	buf_puts(b, "</ol>\n</section>\n");
}

static void put_edit(struct http_request *req, struct http_response *res,
		     const struct recording *rec)
{
	struct buf *b = &res->body;

	if (!principal_may(req->who, RIGHT_RECORDING_EDIT)) {
		if (rec->notes[0])
			HTML(b,
			     "<section class=\"panel\"><h2>Notes</h2>"
			     "<p class=\"pre\">{}</p></section>\n",
			     rec->notes);
		return;
	}
	HTML(b,
	     "<section class=\"panel\">\n<h2>Title and notes</h2>\n"
	     "<form method=\"post\" action=\"/recordings/{}/edit\">\n",
	     rec->id);
	page_csrf(req, res);
	HTML(b,
	     "<label>Title<input type=\"text\" name=\"title\" value=\"{}\" "
	     "maxlength=\"200\"></label>\n"
	     "<label>Notes<textarea name=\"notes\" rows=\"4\" "
	     "maxlength=\"10000\">{}</textarea></label>\n"
	     "<div class=\"actions\"><button type=\"submit\">Save</button>"
	     "</div>\n</form>\n</section>\n",
	     rec->title, rec->notes);
}

static void put_delete(struct http_request *req, struct http_response *res,
		       const struct recording *rec)
{
	struct buf *b = &res->body;

	if (!principal_may(req->who, RIGHT_RECORDING_DELETE) ||
	    rec->state == RECORDING_LIVE)
		return;
	HTML(b,
	     "<details class=\"danger\">\n<summary>Delete this recording"
	     "</summary>\n<p>Audio, notes and signalling are removed for "
	     "good{}.</p>\n<form method=\"post\" "
	     "action=\"/recordings/{}/delete\">\n",
	     rec->half || rec->n_halves ? ", those of the other half too" : "",
	     rec->id);
	page_csrf(req, res);
	buf_puts(b, "<button class=\"bad\" type=\"submit\">Delete for good"
		    "</button>\n</form>\n</details>\n");
}

static int load(struct http_request *req, struct recording **ret_rec)
{
	if (!id_ok(req->args[0]))
		return -ENOENT;
	return recording_get(req->ctx->db, &req->who->scope, req->args[0],
			     RECORDING_ALL, ret_rec);
}

/* What can be heard, or why nothing can. */
static void put_audio(struct http_request *req, struct http_response *res,
		      const struct recording *rec, bool playable)
{
	struct buf *b = &res->body;

	if (rec->media_dropped_us) {
		put_elsewhere(b, rec);
		return;
	}
	if (rec->half)
		put_half_of(b, rec);
	if (!playable) {
		put_waiting(req, res, rec);
		return;
	}
	put_player(b, rec, "", 0);
	put_halves(b, rec);
}

static void put_all_warnings(struct buf *b, const struct recording *rec)
{
	put_warnings(b, rec, "Notes of the recorder");
	for (unsigned i = 0; i < rec->n_halves; i++)
		put_warnings(b, rec->halves[i],
			     "Notes of the recorder on the other half");
}

static void put_all_downloads(struct buf *b, const struct recording *rec)
{
	put_downloads(b, rec, "Download");
	for (unsigned i = 0; i < rec->n_halves; i++)
		put_downloads(b, rec->halves[i], "Download the other half");
}

int pages_recording(struct http_request *req, struct http_response *res)
{
	struct recording *rec CLEANUP(recording_destroy) = NULL;
	struct buf *b = &res->body;
	bool playable;
	int r = load(req, &rec);

	if (r < 0)
		return r;
	playable = principal_may(req->who, RIGHT_RECORDING_LISTEN) &&
		   rec->state == RECORDING_READY && !rec->media_dropped_us;
	page_begin(req, res, "Recording", PAGE_NAV_RECORDINGS);
	put_title(b, rec);
	put_audio(req, res, rec, playable);
	buf_puts(b, "<div class=\"columns\">\n<div>\n");
	put_parties(b, rec);
	put_call(b, rec);
	put_events(b, rec);
	put_all_warnings(b, rec);
	buf_puts(b, "</div>\n<div>\n");
	put_edit(req, res, rec);
	if (playable)
		put_all_downloads(b, rec);
	put_delete(req, res, rec);
	buf_puts(b, "</div>\n</div>\n");
	rec->hide_dialog = access_hides_dialog(req->who, rec);
	r = pages_ladder(b, req->ctx->db, rec);
	return r < 0 ? r : page_end(res);
}

/* ---- changes ---- */

static int change(struct http_request *req, const struct form *f)
{
	struct db *db = req->ctx->db;
	int r = db_begin(db);

	if (r < 0)
		return r;
	r = f ? recording_edit(db, &req->who->scope, req->args[0],
			       form_str(f, "title"), form_str(f, "notes"))
	      : recording_delete(db, &req->who->scope, req->args[0],
				 req->wall_us);
	if (r == 0)
		r = access_audit_recording(req,
					   f ? "recording.edit"
					     : "recording.delete",
					   req->args[0]);
	if (r == 0)
		return db_commit(db);
	db_rollback(db);
	return r;
}

int pages_recording_edit(struct http_request *req, struct http_response *res)
{
	struct form f CLEANUP(form_fini) = { 0 };
	char url[64];
	int r;

	if (!id_ok(req->args[0]))
		return -ENOENT;
	if (!page_form(req, res, &f))
		return 0;
	r = change(req, &f);
	if (r == -E2BIG)
		return page_error(req, res, 400, "Too long",
				  "The title or the notes are too long.");
	if (r < 0)
		return r;
	(void)snprintf(url, sizeof(url), "/recordings/%s", req->args[0]);
	http_security_page(res, req->ctx->web->secure, NULL);
	return http_redirect(res, 303, url);
}

int pages_recording_delete(struct http_request *req, struct http_response *res)
{
	int r;

	if (!id_ok(req->args[0]))
		return -ENOENT;
	r = change(req, NULL);
	if (r == -EBUSY)
		return page_error(req, res, 409, "Not now",
				  "The call is still being recorded.");
	if (r < 0)
		return r;
	http_security_page(res, req->ctx->web->secure, NULL);
	return http_redirect(res, 303, "/recordings");
}
