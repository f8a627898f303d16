#include "web/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "storage/blob.h"
#include "storage/catalog_search.h"
#include "web/context.h"
#include "web/http.h"
#include "web/range.h"

#define PIECES_MAX (2 * RANGE_MAX + 1)
#define BOUNDARY "srs-part-7d1f0c5a9b3e"

/* Part of an answer: bytes of text (parts' heads) or of the file. */
struct piece {
	bool of_file;
	uint64_t from; /* in the text or the file */
	uint64_t len;
};

struct file_source {
	struct http_source src; /* first */
	struct blob_file *file;
	struct buf text;
	struct piece pieces[PIECES_MAX];
	unsigned n;
};

static ssize_t read_pieces(struct http_source *s, uint64_t pos, void *dst,
			   size_t max)
{
	struct file_source *fs = CONTAINER_OF(s, struct file_source, src);

	for (unsigned i = 0; i < fs->n; i++) {
		const struct piece *p = &fs->pieces[i];
		uint64_t left;

		if (pos >= p->len) {
			pos -= p->len;
			continue;
		}
		left = p->len - pos;
		if (max > left)
			max = (size_t)left;
		if (p->of_file)
			return blob_pread(fs->file, dst, max, p->from + pos);
		memcpy(dst, fs->text.data + p->from + pos, max);
		return (ssize_t)max;
	}
	return -ENODATA;
}

static void close_pieces(struct http_source *s)
{
	struct file_source *fs = CONTAINER_OF(s, struct file_source, src);

	blob_close(&fs->file);
	buf_fini(&fs->text);
	mem_free(fs);
}

static void add_piece(struct file_source *fs, bool of_file, uint64_t from,
		      uint64_t len)
{
	if (len == 0)
		return;
	fs->pieces[fs->n++] = (struct piece){ of_file, from, len };
	fs->src.size += len;
}

static int add_multipart(struct file_source *fs, const char *mime,
			 const struct range *r, int n, uint64_t size)
{
	for (int i = 0; i <= n; i++) {
		size_t begin = fs->text.len;

		if (i == n)
			buf_puts(&fs->text, "\r\n--" BOUNDARY "--\r\n");
		else
			buf_printf(&fs->text,
				   "%s--" BOUNDARY "\r\nContent-Type: %s\r\n"
				   "Content-Range: bytes %" PRIu64 "-%" PRIu64
				   "/%" PRIu64 "\r\n\r\n",
				   i ? "\r\n" : "", mime, r[i].first, r[i].last,
				   size);
		if (buf_error(&fs->text) < 0)
			return buf_error(&fs->text);
		add_piece(fs, false, begin, fs->text.len - begin);
		if (i < n)
			add_piece(fs, true, r[i].first,
				  r[i].last - r[i].first + 1);
	}
	return 0;
}

/* 0 = all of it; n ranges; -ERANGE. */
static int wanted(struct http_request *req, const char *etag, uint64_t size,
		  struct range *ranges)
{
	const char *range = http_header(req, "Range");
	const char *if_range = http_header(req, "If-Range");

	if (!range || (req->method != HTTP_GET && req->method != HTTP_HEAD))
		return 0;
	if (if_range && !etag_if_range(if_range, etag))
		return 0;
	return range_parse(range, size, ranges);
}

static int fill(struct http_response *res, struct file_source *fs,
		const char *mime, const struct range *r, int n, uint64_t size)
{
	if (n == 0) {
		add_piece(fs, true, 0, size);
		http_set(res, "Content-Type", "%s", mime);
		return 0;
	}
	res->status = 206;
	if (n > 1) {
		http_set(res, "Content-Type",
			 "multipart/byteranges; boundary=" BOUNDARY);
		return add_multipart(fs, mime, r, n, size);
	}
	http_set(res, "Content-Type", "%s", mime);
	http_set(res, "Content-Range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
		 r[0].first, r[0].last, size);
	add_piece(fs, true, r[0].first, r[0].last - r[0].first + 1);
	return 0;
}

static int open_source(struct http_request *req, const char *key,
		       struct file_source **ret_fs)
{
	struct file_source *fs = mem_zalloc(sizeof(*fs));
	int r;

	if (!fs)
		return -ENOMEM;
	buf_init(&fs->text, 16 * 1024);
	fs->src.read = read_pieces;
	fs->src.close = close_pieces;
	r = blob_open(req->ctx->blobs, key, &fs->file);
	if (r < 0) {
		mem_free(fs);
		return r;
	}
	*ret_fs = fs;
	return 0;
}

/* 304 or 412 where a condition says so; 0: go on. */
static unsigned condition(struct http_request *req, const char *etag)
{
	const char *match = http_header(req, "If-Match");
	const char *none = http_header(req, "If-None-Match");

	if (match && !etag_list_has(match, etag, false))
		return 412;
	if (none && etag_list_has(none, etag, true))
		return 304;
	return 0;
}

static void set_common(struct http_response *res, const struct file_send *f,
		       const char *etag)
{
	http_set(res, "ETag", "%s", etag);
	http_set(res, "Accept-Ranges", "bytes");
	/* private, and asked again each time: rights may be gone */
	http_set(res, "Cache-Control", "private, no-cache");
	if (f->filename)
		http_set(res, "Content-Disposition", "%s; filename=\"%s\"",
			 f->download ? "attachment" : "inline", f->filename);
}

int file_send(struct http_request *req, struct http_response *res,
	      const struct file_send *f, bool *ret_from_start)
{
	struct range ranges[RANGE_MAX];
	struct file_source *fs;
	char etag[72];
	uint64_t size;
	int n, r;

	(void)snprintf(etag, sizeof(etag), "\"%.64s\"", f->sha256);
	r = open_source(req, f->blob_key, &fs);
	if (r == -ENOENT &&
	    recording_has_file(req->ctx->db, f->recording_id, f->blob_key)) {
		log_error(NULL, "http.file_missing", LOG_S("key", f->blob_key));
		return http_problem(res, 500,
				    "The file is missing on the "
				    "server; its operator was told");
	}
	if (r < 0)
		return r;
	set_common(res, f, etag);
	res->source = &fs->src;
	size = blob_size(fs->file);
	res->status = condition(req, etag);
	if (res->status == 304) {
		/* not sent, but Content-Length says what 200 would say */
		add_piece(fs, true, 0, size);
		return 0;
	}
	if (res->status)
		return http_problem(res, res->status, "%s",
				    "The file is another one");
	res->status = 200;
	n = wanted(req, etag, size, ranges);
	if (n == -ERANGE) {
		http_problem(res, 416, "The file has %" PRIu64 " bytes", size);
		http_set(res, "Content-Range", "bytes */%" PRIu64, size);
		return 0;
	}
	if (ret_from_start)
		*ret_from_start = n == 0 || ranges[0].first == 0;
	return fill(res, fs, f->mime, ranges, n, size);
}
