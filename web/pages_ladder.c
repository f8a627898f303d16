#include "web/pages_ladder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "storage/catalog_search.h"
#include "storage/signalling.h"
#include "storage/signalling_label.h"
#include "web/embed.h"
#include "web/html.h"

#define WORD_MAX 120

struct ladder {
	struct buf *b;
	const struct recording *rec;
	char local[SIGNALLING_LOCAL_MAX];
	unsigned rows, left_out;
	size_t raw_bytes;
};

/* ---- words ---- */

/* "0.012", "-0.004", "1:02.500" from the start of the recording */
static void offset_words(int64_t us, char dst[HTML_TIME_MAX])
{
	int64_t ms = (us < 0 ? -us : us) / 1000;
	const char *sign = us < 0 && ms ? "\xe2\x88\x92" : "";

	if (ms < 60000)
		(void)snprintf(dst, HTML_TIME_MAX, "%s%d.%03d", sign,
			       (int)(ms / 1000), (int)(ms % 1000));
	else
		(void)snprintf(dst, HTML_TIME_MAX, "%s%" PRId64 ":%02d.%03d",
			       sign, ms / 60000, (int)(ms / 1000 % 60),
			       (int)(ms % 1000));
}

static void clean_copy(char dst[WORD_MAX], struct span s)
{
	(void)span_copy(dst, WORD_MAX, s); /* what is longer is cut */
	str_clean(dst);
}

static const char *kind_of(const struct signalling_label *l)
{
	static const char *const kinds[] = { "request", "progress", "good",
					     "bad",	"bad",	    "bad",
					     "bad" };

	return kinds[l->status / 100];
}

static const char *carried(const struct signalling_label *l)
{
	if (l->sdp && l->metadata)
		return "SDP, metadata";
	if (l->sdp)
		return "SDP";
	return l->metadata ? "metadata" : "";
}

/* ---- the message itself ---- */

/* One line, with every byte a browser can show. */
static int put_line(struct buf *b, struct span line)
{
	char *text CLEANUP(mem_freep) = span_dup(line);

	if (!text)
		return -ENOMEM;
	for (size_t i = 0; i < line.len; i++)
		if (text[i] == '\0' || text[i] == '\t')
			text[i] = text[i] ? ' ' : '?';
	str_clean(text);
	(void)buf_html(b, text); /* the error sticks */
	return buf_putc(b, '\n');
}

static int put_lines(struct buf *b, struct span text)
{
	int r = 0;

	while (text.len && r == 0) {
		struct span line = span_cut(&text, '\n');

		if (line.len && line.p[line.len - 1] == '\r')
			line.len--;
		r = put_line(b, line);
	}
	return r;
}

static int put_raw(struct ladder *l, const struct recording_message *m)
{
	size_t left = LADDER_RAW_ALL_MAX - l->raw_bytes;
	struct span text = { m->body, m->len };
	int r;

	if (text.len > LADDER_RAW_MAX)
		text.len = LADDER_RAW_MAX;
	if (text.len > left)
		text.len = left;
	l->raw_bytes += text.len;
	/* a keyboard must be able to scroll it */
	(void)buf_puts(l->b, "<pre tabindex=\"0\">");
	r = put_lines(l->b, text);
	(void)buf_puts(l->b, "</pre>");
	if (text.len < m->len)
		(void)buf_puts(l->b, "<p class=\"faint\">Only its beginning; "
				     "the download has all.</p>");
	return r;
}

/* ---- rows ---- */

static void put_summary(struct ladder *l, const struct recording_message *m,
			const struct signalling_label *label)
{
	char offset[HTML_TIME_MAX], method[WORD_MAX], reason[WORD_MAX];
	char status[16] = "";
	bool in = str_eq(m->dir, "in");
	bool known = label->status || label->method.len;

	offset_words(m->at_us - l->rec->started_us, offset);
	clean_copy(method, label->method);
	clean_copy(reason, label->reason);
	if (label->status)
		(void)snprintf(status, sizeof(status), "%u ", label->status);
	HTML(l->b,
	     "<li class=\"{} {}\"><details><summary><span class=\"off\">{}"
	     "</span> <span class=\"lane\"><span class=\"word\">"
	     "<span class=\"unseen\">{} </span><strong>{}{}</strong>",
	     in ? "in" : "out", kind_of(label), offset,
	     in ? "from client to server:" : "from server to client:", status,
	     label->status ? reason
	     : known	   ? method
			   : "not SIP");
	if (label->status && method[0])
		HTML(l->b, " <span class=\"of\">to {}</span>", method);
	if (carried(label)[0])
		HTML(l->b, " <span class=\"with\">{}</span>", carried(label));
	(void)buf_puts(l->b, "</span><span class=\"line\"></span></span>"
			     "</summary>\n");
}

static int put_row(struct ladder *l, const struct recording_message *m)
{
	char at[CLOCK_RFC3339_MAX], size[HTML_TIME_MAX];
	struct signalling_label label;
	bool in = str_eq(m->dir, "in");
	int r;

	signalling_label_read((struct span){ m->body, m->len }, &label);
	put_summary(l, m, &label);
	clock_format(m->at_us, at, sizeof(at));
	html_bytes((int64_t)m->len, size);
	HTML(l->b,
	     "<div class=\"raw\"><p class=\"faint\">{} {} {} over {}, {}</p>",
	     at, in ? "from" : "to", m->peer, m->transport, size);
	r = put_raw(l, m);
	(void)buf_puts(l->b, "</div></details></li>\n"); /* error sticks */
	return r < 0 ? r : buf_error(l->b);
}

static void put_downloads(struct buf *b, const char *id)
{
	static const char *const formats[][3] = {
		{ "text", "Text", "" },
		{ "pcapng", "pcapng", " for Wireshark" },
		{ "json", "JSON", "" },
	};

	(void)buf_puts(b, "<p class=\"files\">Download: ");
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		HTML(b,
		     "{}<a href=\"/api/v1/recordings/{}/signalling?format={}"
		     "&amp;download=1\" download>{}</a>{}",
		     i ? ", " : "", id, formats[i][0], formats[i][1],
		     formats[i][2]);
	(void)buf_puts(b, "</p>\n");
}

static void begin(struct ladder *l, const struct recording_message *first)
{
	/* body-ok, and only this page wants it */
	HTML(l->b,
	     "<section class=\"panel ladder\" id=\"signalling\" "
	     "aria-labelledby=\"signalling-title\">\n"
	     "<link rel=\"stylesheet\" href=\"/ui/{}/ladder.css\">\n"
	     "<h2 id=\"signalling-title\">Signalling</h2>\n"
	     "<p class=\"faint\">The SIP messages of the recording session, in "
	     "seconds from the start of the recording. Each opens.</p>\n",
	     embed_hash());
	HTML(l->b,
	     "<div class=\"ends\"><p><strong>Client</strong> "
	     "<span class=\"faint\">{}</span></p>"
	     "<p><strong>Server</strong> <span class=\"faint\">{}</span></p>"
	     "</div>\n<ol class=\"rows\">\n",
	     first->peer, l->local);
}

static int on_message(void *arg, const struct recording_message *m)
{
	struct ladder *l = arg;

	if (l->rows == LADDER_ROWS_MAX) {
		l->left_out++;
		return 0;
	}
	if (l->rows++ == 0)
		begin(l, m);
	return put_row(l, m);
}

int pages_ladder(struct buf *b, struct db *db, const struct recording *rec)
{
	struct ladder l = { .b = b, .rec = rec };
	char n[16];
	int64_t r;

	r = signalling_local(db, rec->id, l.local);
	if (r == 0)
		r = signalling_each(db, rec, on_message, &l);
	if (r < 0 || l.rows == 0)
		return r < 0 ? (int)r : 0;
	(void)buf_puts(b, "</ol>\n"); /* errors stick */
	(void)snprintf(n, sizeof(n), "%u", l.left_out);
	if (l.left_out)
		HTML(b,
		     "<p class=\"faint\">{} more messages are in the "
		     "download.</p>\n",
		     n);
	put_downloads(b, rec->id);
	(void)buf_puts(b, "</section>\n");
	return buf_error(b);
}
