#include "srs/cli/http_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#define TIMEOUT_S 30L

struct http_client {
	CURL *curl;
};

int http_client_create(struct http_client **ret_client)
{
	struct http_client *c = mem_zalloc(sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->curl = curl_easy_init();
	if (!c->curl) {
		mem_free(c);
		return -ENOMEM;
	}
	/* Any cookie starts the engine for the handle's life; COOKIEFILE would
	 * have to be set again after each reset, which leaks (curl 7.88). */
	curl_easy_setopt(c->curl, CURLOPT_COOKIELIST,
			 "Set-Cookie: start=1; domain=invalid; path=/");
	curl_easy_setopt(c->curl, CURLOPT_COOKIELIST, "ALL");
	*ret_client = c;
	return 0;
}

void http_client_destroy(struct http_client **cp)
{
	struct http_client *c = *cp;

	if (!c)
		return;
	*cp = NULL;
	curl_easy_cleanup(c->curl);
	mem_free(c);
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	return buf_put(arg, data, size * n) < 0 ? 0 : size * n;
}

static void take_header(struct span line, const char *name, char *dst,
			size_t len)
{
	if (span_istarts(line, name)) {
		line.p += strlen(name);
		line.len -= strlen(name);
		(void)span_copy(dst, len, span_trim(line));
	}
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
	struct http_reply *r = arg;
	struct span line = { data, size * n };

	take_header(line, "content-type:", r->content_type,
		    sizeof(r->content_type));
	take_header(line, "content-range:", r->content_range,
		    sizeof(r->content_range));
	take_header(line, "location:", r->location, sizeof(r->location));
	return size * n;
}

static void set_options(CURL *h, const struct http_call *call)
{
	curl_easy_setopt(h, CURLOPT_URL, call->url);
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(h, CURLOPT_TIMEOUT, TIMEOUT_S);
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	if (call->form)
		curl_easy_setopt(h, CURLOPT_POSTFIELDS, call->form);
	if (call->method)
		curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, call->method);
	if (call->range)
		curl_easy_setopt(h, CURLOPT_RANGE, call->range);
	if (call->user) {
		curl_easy_setopt(h, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(h, CURLOPT_USERNAME, call->user);
		curl_easy_setopt(h, CURLOPT_PASSWORD, call->password);
	}
	if (call->bearer) {
		curl_easy_setopt(h, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
		curl_easy_setopt(h, CURLOPT_XOAUTH2_BEARER, call->bearer);
	}
}

int http_client_do(struct http_client *c, const struct http_call *call,
		   struct http_reply *ret_reply, struct err *e)
{
	struct http_reply reply = { 0 };
	struct curl_slist *headers = NULL;
	char origin[512];
	struct buf body;
	CURLcode code;

	buf_init(&body, HTTP_CLIENT_BODY_MAX);
	curl_easy_reset(c->curl); /* keeps connections and cookies */
	set_options(c->curl, call);
	if (call->origin) {
		snprintf(origin, sizeof(origin), "Origin: %s", call->origin);
		headers = curl_slist_append(NULL, origin);
		curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
	}
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &body);
	curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, &reply);
	code = curl_easy_perform(c->curl);
	curl_slist_free_all(headers);
	if (code != CURLE_OK) {
		buf_fini(&body);
		return err_set(e, -EIO, "%s: %s", call->url,
			       curl_easy_strerror(code));
	}
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &reply.status);
	reply.body_len = body.len;
	reply.body = body.len ? buf_steal(&body) : mem_strdup("");
	buf_fini(&body);
	if (!reply.body)
		return err_set(e, -ENOMEM, "out of memory");
	*ret_reply = reply;
	return 0;
}

void http_reply_fini(struct http_reply *reply)
{
	mem_free(reply->body);
	*reply = (struct http_reply){ 0 };
}

static int escape(struct buf *form, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z') || strchr("-._~", c))
			(void)buf_putc(form, (char)c);
		else
			(void)buf_printf(form, "%%%02X", c);
	}
	return buf_error(form);
}

int http_form_add(struct buf *form, const char *name, const char *value)
{
	if (form->len)
		(void)buf_putc(form, '&');
	(void)escape(form, name);
	(void)buf_putc(form, '=');
	return escape(form, value);
}
