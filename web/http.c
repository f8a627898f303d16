#include "web/http.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define VALUE_MAX 4096

void http_response_init(struct http_response *res)
{
	memset(res, 0, sizeof(*res));
	res->status = 200;
	buf_init(&res->body, HTTP_ANSWER_MAX);
}

void http_response_fini(struct http_response *res)
{
	for (unsigned i = 0; i < res->n_headers; i++)
		mem_free((char *)(uintptr_t)res->headers[i].value);
	res->n_headers = 0;
	buf_fini(&res->body);
	if (res->source)
		res->source->close(res->source);
	res->source = NULL;
}

void http_response_reset(struct http_response *res)
{
	http_response_fini(res);
	http_response_init(res);
}

const char *http_header(const struct http_request *req, const char *name)
{
	for (unsigned i = 0; i < req->n_headers; i++)
		if (str_ieq(req->headers[i].name, name))
			return req->headers[i].value;
	return NULL;
}

int http_cookie(const struct http_request *req, const char *name, char *dst,
		size_t dst_len)
{
	const char *value = NULL;

	for (unsigned i = 0; i < req->n_headers; i++) {
		if (!str_ieq(req->headers[i].name, "Cookie"))
			continue;
		if (value)
			return -EEXIST;
		value = req->headers[i].value;
	}
	return value ? cookie_get(value, name, dst, dst_len) : -ENOENT;
}

bool http_is_type(const struct http_request *req, const char *type)
{
	struct span s = span_of(http_header(req, "Content-Type"));

	return span_ieq(span_trim(span_cut(&s, ';')), type);
}

const char *http_method_word(enum http_method m)
{
	switch (m) {
	case HTTP_GET:
		return "GET";
	case HTTP_HEAD:
		return "HEAD";
	case HTTP_POST:
		return "POST";
	case HTTP_PATCH:
		return "PATCH";
	case HTTP_DELETE:
		return "DELETE";
	case HTTP_OPTIONS:
		return "OPTIONS";
	case HTTP_PUT:
		return "PUT";
	case HTTP_OTHER:
		break;
	}
	return "OTHER";
}

/* A line break in a value would begin a header of somebody else's choice. */
static bool value_ok(const char *v)
{
	for (; *v; v++)
		if ((unsigned char)*v < 0x20 || *v == 0x7f)
			return false;
	return true;
}

__attribute__((format(printf, 4, 0))) static void
header_put(struct http_response *res, const char *name, bool replace,
	   const char *fmt, va_list ap)
{
	char value[VALUE_MAX];
	char *copy;
	int n = vsnprintf(value, sizeof(value), fmt, ap);

	if (n < 0 || (size_t)n >= sizeof(value) || !value_ok(value)) {
		res->failed = true;
		return;
	}
	copy = mem_strdup(value);
	if (!copy) {
		res->failed = true;
		return;
	}
	for (unsigned i = 0; replace && i < res->n_headers; i++) {
		if (!str_ieq(res->headers[i].name, name))
			continue;
		mem_free((char *)(uintptr_t)res->headers[i].value);
		res->headers[i].value = copy;
		return;
	}
	if (res->n_headers == HTTP_ANSWER_HEADERS_MAX) {
		mem_free(copy);
		res->failed = true;
		return;
	}
	res->headers[res->n_headers++] = (struct http_header){ name, copy };
}

void http_set(struct http_response *res, const char *name, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	header_put(res, name, true, fmt, ap);
	va_end(ap);
}

void http_add(struct http_response *res, const char *name, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	header_put(res, name, false, fmt, ap);
	va_end(ap);
}

static int body_json(struct http_response *res, json_t *j)
{
	char *text = j ? json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(12))
		       : NULL;
	int r = -ENOMEM;

	json_decref(j);
	buf_reset(&res->body);
	if (text)
		r = buf_puts(&res->body, text);
	if (r == 0)
		r = buf_putc(&res->body, '\n');
	mem_free(text); /* jansson allocates through base/mem.c */
	return r;
}

int http_json(struct http_response *res, unsigned status, json_t *j)
{
	res->status = status;
	http_set(res, "Content-Type", "application/json");
	return body_json(res, j);
}

int http_redirect(struct http_response *res, unsigned status,
		  const char *location)
{
	buf_reset(&res->body);
	res->status = status;
	http_set(res, "Location", "%s", location);
	return 0;
}

const char *http_status_words(unsigned status)
{
	static const struct {
		unsigned status;
		const char *words;
	} table[] = {
		{ 200, "OK" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 411, "Length Required" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 416, "Range Not Satisfiable" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 507, "Insufficient Storage" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].status == status)
			return table[i].words;
	return "Error";
}

static int problem(struct http_response *res, unsigned status, json_t *j)
{
	json_object_set_new(j, "type", json_string("about:blank"));
	json_object_set_new(j, "title", json_string(http_status_words(status)));
	json_object_set_new(j, "status", json_integer(status));
	res->status = status;
	http_set(res, "Content-Type", "application/problem+json");
	if (res->source)
		res->source->close(res->source);
	res->source = NULL;
	if (body_json(res, j) < 0)
		res->failed = true;
	return 0;
}

int http_problem(struct http_response *res, unsigned status, const char *fmt,
		 ...)
{
	json_t *j = json_object();
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	str_clean(text);
	if (text[0])
		json_object_set_new(j, "detail", json_string(text));
	return problem(res, status, j);
}

int http_problem_param(struct http_response *res, const char *param,
		       const char *fmt, ...)
{
	json_t *j = json_object();
	char text[512], name[128];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)str_copy(name, sizeof(name), param);
	str_clean(text);
	str_clean(name);
	json_object_set_new(j, "detail",
			    json_sprintf("Parameter \"%s\": %s", name, text));
	json_object_set_new(j, "parameter", json_string(name));
	return problem(res, 400, j);
}

unsigned http_status_of(int error)
{
	switch (error) {
	case -EINVAL:
	case -EBADMSG:
	case -EPROTO:
		return 400;
	case -EACCES:
	case -EPERM:
		return 403;
	case -ENOENT:
		return 404;
	case -EEXIST:
		return 409;
	case -E2BIG:
	case -EMSGSIZE:
	case -ENAMETOOLONG:
		return 413;
	case -ENOSPC:
		return 507;
	case -EBUSY:
	case -EAGAIN:
	case -ENOMEM:
	case -ENOBUFS:
		return 503;
	default:
		return 500;
	}
}

int http_problem_errno(struct http_response *res, int error)
{
	unsigned status = http_status_of(error);

	if (status == 503)
		http_set(res, "Retry-After", "2");
	return http_problem(res, status, "%s", "");
}

static void security(struct http_response *res, bool secure)
{
	http_set(res, "X-Content-Type-Options", "nosniff");
	http_set(res, "Referrer-Policy", "no-referrer");
	http_set(res, "X-Frame-Options", "DENY");
	http_set(res, "Cross-Origin-Resource-Policy", "same-origin");
	if (secure)
		http_set(res, "Strict-Transport-Security", "max-age=31536000");
}

void http_security_api(struct http_response *res, bool secure)
{
	security(res, secure);
	http_set(res, "Cache-Control", "no-store");
	http_set(res, "Content-Security-Policy",
		 "default-src 'none'; frame-ancestors 'none'; sandbox");
}

/* Nothing inline, nothing from elsewhere; form-action also governs where the
 * answer to a form may redirect, hence the client's origin on the consent
 * page. */
void http_security_page(struct http_response *res, bool secure,
			const char *form_action)
{
	security(res, secure);
	http_set(res, "Cache-Control", "no-store");
	http_set(res, "Cross-Origin-Opener-Policy", "same-origin");
	http_set(res, "Permissions-Policy",
		 "camera=(), geolocation=(), microphone=()");
	http_set(res, "Content-Security-Policy",
		 "default-src 'none'; script-src 'self'; style-src 'self'; "
		 "img-src 'self'; media-src 'self'; connect-src 'self'; "
		 "font-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
		 "form-action 'self'%s%s",
		 form_action ? " " : "", form_action ? form_action : "");
}
