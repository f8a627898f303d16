#include "web/api.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "storage/catalog_search.h"
#include "storage/signalling.h"
#include "web/access.h"
#include "web/context.h"
#include "web/http.h"
#include "web/params.h"

/* A call of a day with a message every minute has some MB of them. */
#define BYTES_MAX (64u * 1024u * 1024u)

/* More than an ordinary answer may have: sent as a file in memory. */
struct text_source {
	struct http_source src; /* first */
	struct buf text;
};

static ssize_t read_text(struct http_source *s, uint64_t pos, void *dst,
			 size_t max)
{
	struct text_source *ts = CONTAINER_OF(s, struct text_source, src);

	if (pos >= ts->text.len)
		return -ENODATA;
	if (max > ts->text.len - pos)
		max = (size_t)(ts->text.len - pos);
	memcpy(dst, ts->text.data + pos, max);
	return (ssize_t)max;
}

static void close_text(struct http_source *s)
{
	struct text_source *ts = CONTAINER_OF(s, struct text_source, src);

	buf_fini(&ts->text);
	mem_free(ts);
}

static int send_messages(struct http_request *req, struct http_response *res,
			 const struct recording *rec,
			 enum signalling_format format)
{
	struct text_source *ts = mem_zalloc(sizeof(*ts));
	int r;

	if (!ts)
		return -ENOMEM;
	ts->src.read = read_text;
	ts->src.close = close_text;
	buf_init(&ts->text, BYTES_MAX);
	r = signalling_write(req->ctx->db, rec, format, &ts->text);
	ts->src.size = ts->text.len;
	if (r == 0 && ts->text.len) {
		res->source = &ts->src;
		return 0;
	}
	close_text(&ts->src);
	if (r == -ENOBUFS)
		return http_problem(res, 507,
				    "The messages are more than %u MB; "
				    "the operator can get them with "
				    "\"srs recordings signalling\"",
				    BYTES_MAX >> 20);
	return r;
}

int api_recording_signalling(struct http_request *req,
			     struct http_response *res)
{
	static const char *const formats[] = { "text", "pcapng", "json", NULL };
	static const char *const types[] = { "text/plain; charset=utf-8",
					     "application/x-pcapng",
					     "application/json" };
	static const char *const endings[] = { "txt", "pcapng", "json" };
	static const char *const yes[] = { "0", "1", NULL };
	static const char *const names[] = { "format", "download", NULL };
	struct recording *rec CLEANUP(recording_destroy) = NULL;
	int format = 0, download = 0, r;

	if (!params_known(req, res, names) ||
	    !params_word(req, res, "format", formats, &format) ||
	    !params_word(req, res, "download", yes, &download))
		return 0;
	if (!id_ok(req->args[0]))
		return -ENOENT;
	r = recording_get(req->ctx->db, &req->who->scope, req->args[0], 0,
			  &rec);
	if (r < 0)
		return r;
	rec->hide_dialog = access_hides_dialog(req->who, rec);
	r = send_messages(req, res, rec, (enum signalling_format)format);
	if (r < 0 || res->status >= 400)
		return r;
	http_set(res, "Content-Type", "%s", types[format]);
	http_set(res, "Content-Disposition",
		 "%s; filename=\"%.36s-signalling.%s\"",
		 download || format == SIGNALLING_PCAPNG ? "attachment"
							 : "inline",
		 rec->id, endings[format]);
	return 0;
}
