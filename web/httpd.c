/* What is strict here and how (libmicrohttpd 0.9.75):
 *
 * The library cuts header values and the target at a NUL, takes a bare LF as
 * the end of a line and joins folded lines. None of that can be seen in what
 * it hands out, but it also says how many bytes the head had: a head that is
 * written as every sane client writes it ("Name: value" CRLF) has exactly the
 * length that can be computed from its parts, anything hidden makes it differ.
 *
 * Some requests the library answers by itself, and what it finds wrong after
 * the head is complete it answers with two headers. It says in its log what it
 * is about to do; by then exactly one connection of the thread has a head that
 * nobody was shown yet, and last_words.h answers in its place.
 *
 * The library's timeout counts inactivity only, and its limits refuse the
 * newcomer: places and deadlines are slots.h. The library's closing callback,
 * which gives the slot back, runs before the descriptor is closed, so the
 * descriptor in a slot is always ours.
 */
#include "web/httpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/str.h"
#include "web/http.h"
#include "web/last_words.h"
#include "web/slots.h"
#include "web/uri.h"

#define HEAD_US (10 * 1000000LL)
#define BODY_US (20 * 1000000LL)
#define ANSWER_US (60 * 1000000LL)
#define ANSWER_BYTES_PER_S 2048 /* slower readers are cut */
#define IDLE_S 75
#define STOP_S 3 /* most that handlers at work are waited for */
#define CONNECTIONS_MAX 1024
#define CONNECTION_MEMORY (48 * 1024)
#define BLOCK_LEN (64 * 1024)
#define PATH_LEN 2048

/* One TCP connection; created, changed and freed on its thread. */
struct conn {
	int fd;
	pthread_t thread;
	struct MHD_Connection *mc;
	struct slot *slot;
	struct exchange *x; /* the request that is being received, or NULL */
	struct conn *next, *prev; /* guarded by httpd.lock */
};

struct httpd {
	/* fixed */
	struct httpd_config cf;
	struct MHD_Daemon *daemon;
	struct slots *slots;
	struct metric *requests, *refused, *cut, *crowded;
	/* guarded by lock */
	pthread_mutex_t lock;
	pthread_cond_t all_gone;
	struct conn *conns;
};

/* One request; owner: the library's per-request pointer. */
struct exchange {
	struct http_request req;
	struct buf body;
	uint64_t length; /* announced */
	bool seen;	 /* head checked */
	char path[PATH_LEN];
	char raw[]; /* copy of the target */
};

static struct conn *conn_of(struct MHD_Connection *mc)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mc, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static struct slot *slot_of(struct MHD_Connection *mc)
{
	struct conn *c = conn_of(mc);

	return c ? c->slot : NULL;
}

/* Nobody may take all places: half a request on each would keep everybody
 * else out. */
static enum MHD_Result on_accept(void *arg, const struct sockaddr *sa,
				 socklen_t len)
{
	struct httpd *h = arg;

	(void)len;
	if (slots_admit(h->slots, sa))
		return MHD_YES;
	metric_add(h->crowded, 1);
	return MHD_NO;
}

static const struct sockaddr *peer_of(struct MHD_Connection *mc)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mc, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	return info ? info->client_addr : NULL;
}

static void conn_begin(struct httpd *h, struct MHD_Connection *mc, void **ctx)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mc, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct conn *c = mem_zalloc(sizeof(*c));

	*ctx = c;
	if (!c || !info) {
		mem_free(c);
		*ctx = NULL;
		return;
	}
	c->fd = info->connect_fd;
	c->mc = mc;
	c->thread = pthread_self();
	c->slot = slots_take(h->slots, c->fd, peer_of(mc), h->cf.head_us);
	pthread_mutex_lock(&h->lock);
	c->next = h->conns;
	if (c->next)
		c->next->prev = c;
	h->conns = c;
	pthread_mutex_unlock(&h->lock);
}

static void conn_end(struct httpd *h, void **ctx)
{
	struct conn *c = *ctx;

	if (!c)
		return;
	pthread_mutex_lock(&h->lock);
	if (c->prev)
		c->prev->next = c->next;
	else
		h->conns = c->next;
	if (c->next)
		c->next->prev = c->prev;
	if (!h->conns)
		pthread_cond_signal(&h->all_gone);
	pthread_mutex_unlock(&h->lock);
	slots_give_back(h->slots, &c->slot);
	mem_free(c);
	*ctx = NULL;
}

static void on_connection(void *arg, struct MHD_Connection *mc, void **ctx,
			  enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		conn_begin(arg, mc, ctx);
	else
		conn_end(arg, ctx);
}

void httpd_reap(struct httpd *h)
{
	metric_add(h->cut, slots_reap(h->slots));
}

static void *on_uri(void *arg, const char *uri, struct MHD_Connection *mc)
{
	size_t len = strlen(uri);
	struct exchange *x = mem_zalloc(sizeof(*x) + len + 1);

	struct conn *c = conn_of(mc);

	(void)arg;
	if (!x)
		return NULL;
	memcpy(x->raw, uri, len + 1);
	buf_init(&x->body, HTTP_BODY_MAX);
	if (c)
		c->x = x;
	return x;
}

static void on_completed(void *arg, struct MHD_Connection *mc, void **ctx,
			 enum MHD_RequestTerminationCode code)
{
	struct httpd *h = arg;
	struct exchange *x = *ctx;
	struct conn *c = conn_of(mc);

	(void)code;
	if (c) {
		c->x = NULL;
		slot_waits(h->slots, c->slot, h->cf.head_us);
	}
	if (!x)
		return;
	form_fini(&x->req.query);
	buf_fini(&x->body);
	mem_free(x);
	*ctx = NULL;
}

/* ---- answers ---- */

static ssize_t source_read(void *arg, uint64_t pos, char *dst, size_t max)
{
	struct http_source *s = arg;
	ssize_t n;

	if (pos >= s->size)
		return MHD_CONTENT_READER_END_OF_STREAM;
	n = s->read(s, pos, dst, max);
	return n > 0 ? n : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void source_close(void *arg)
{
	struct http_source *s = arg;

	s->close(s);
}

static struct MHD_Response *make_response(struct http_response *res)
{
	struct MHD_Response *mr;
	size_t len = res->body.len;
	char *text;

	if (res->source) {
		struct http_source *s = STEAL(res->source);

		mr = MHD_create_response_from_callback(s->size, BLOCK_LEN,
						       source_read, s,
						       source_close);
		if (!mr)
			s->close(s);
		return mr;
	}
	text = len ? buf_steal(&res->body) : NULL;
	if (!text)
		return MHD_create_response_from_buffer(0, NULL,
						       MHD_RESPMEM_PERSISTENT);
	mr = MHD_create_response_from_buffer_with_free_callback(len, text,
								mem_free);
	if (!mr)
		mem_free(text);
	return mr;
}

static enum MHD_Result queue(struct httpd *h, struct MHD_Connection *mc,
			     struct http_response *res)
{
	uint64_t size = res->source ? res->source->size : res->body.len;
	enum MHD_Result ok = MHD_NO;
	struct MHD_Response *mr;

	if (res->failed || buf_error(&res->body) < 0) {
		http_response_reset(res);
		http_security_api(res, false);
		http_problem(res, 503, "%s", "Out of memory");
		res->close = true;
	}
	mr = make_response(res);
	if (!mr)
		return MHD_NO;
	for (unsigned i = 0; i < res->n_headers; i++)
		(void)MHD_add_response_header(mr, res->headers[i].name,
					      res->headers[i].value);
	if (res->close)
		(void)MHD_add_response_header(mr, "Connection", "close");
	slot_answers(h->slots, slot_of(mc),
		     ANSWER_US +
			     (int64_t)(size / ANSWER_BYTES_PER_S) * 1000000);
	ok = MHD_queue_response(mc, res->status, mr);
	MHD_destroy_response(mr);
	return ok;
}

static void refusal(struct http_response *res, unsigned status, const char *why)
{
	http_response_init(res);
	http_security_api(res, false);
	http_problem(res, status, "%s", why);
	res->close = true;
}

static enum MHD_Result refuse(struct httpd *h, struct MHD_Connection *mc,
			      unsigned status, const char *why)
{
	struct http_response res;
	enum MHD_Result ok;

	metric_add(h->refused, 1);
	log_debug(NULL, "http.refused", LOG_S("reason", why),
		  LOG_I("status", status));
	refusal(&res, status, why);
	ok = queue(h, mc, &res);
	http_response_fini(&res);
	return ok;
}

/* ---- the head ---- */

/* What the iterator over the headers gathers. */
struct head {
	struct exchange *x;
	size_t len;	/* bytes of all header lines as they must have been */
	unsigned empty; /* values without the blank are allowed when empty */
	const char *wrong;
};

static bool is_token(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c <= 0x20 || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c))
			return false;
	}
	return len > 0;
}

static bool is_value(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* Headers that mean something only once. */
static bool is_single(const char *name)
{
	static const char *const names[] = {
		"Host",		 "Content-Length", "Content-Type",
		"Authorization", "Cookie",	   "Origin",
		"Range",	 "If-Range",	   "If-None-Match",
		"If-Match",	 "X-CSRF-Token",   "Transfer-Encoding",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (str_ieq(name, names[i]))
			return true;
	return false;
}

static enum MHD_Result on_header(void *arg, enum MHD_ValueKind kind,
				 const char *name, size_t name_len,
				 const char *value, size_t value_len)
{
	struct head *hd = arg;
	struct http_request *req = &hd->x->req;

	(void)kind;
	if (!value)
		value = "";
	hd->len += name_len + value_len + strlen(": \r\n");
	hd->empty += value_len == 0;
	if (!is_token(name, name_len))
		hd->wrong = "Broken header name";
	else if (!is_value(value, value_len))
		hd->wrong = "Control character in a header";
	else if (req->n_headers == HTTP_HEADERS_MAX)
		hd->wrong = "Too many headers";
	else if (is_single(name) && http_header(req, name))
		hd->wrong = "A header that may come once came twice";
	if (hd->wrong)
		return MHD_NO;
	req->headers[req->n_headers++] = (struct http_header){ name, value };
	return MHD_YES;
}

static bool head_len_ok(struct MHD_Connection *mc, const struct head *hd,
			const char *method, const char *version)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		mc, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	size_t want = strlen(method) + strlen(hd->x->raw) + strlen(version) +
		      strlen("  \r\n\r\n") + hd->len;

	return info && info->header_size <= want &&
	       info->header_size + hd->empty >= want;
}

static bool host_ok(const char *host)
{
	size_t n = strspn(host, "abcdefghijklmnopqrstuvwxyz"
				"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:[]-_");

	return n > 0 && host[n] == '\0';
}

/* 0 or the status of the refusal. */
static unsigned check_body(struct exchange *x, const char **ret_why)
{
	const char *length = http_header(&x->req, "Content-Length");

	if (http_header(&x->req, "Transfer-Encoding")) {
		bool both = length != NULL;

		*ret_why = both ? "Content-Length and Transfer-Encoding"
				: "Send the body with a Content-Length";
		return both ? 400 : 411;
	}
	if (!length)
		return 0;
	*ret_why = "Broken Content-Length";
	if (str_u64(length, UINT64_MAX, &x->length) < 0)
		return 400;
	*ret_why = "The body is too large";
	return x->length > HTTP_BODY_MAX ? 413 : 0;
}

static unsigned check_target(struct exchange *x, const char **ret_why)
{
	struct span query;
	char bad[64];
	int r;

	r = uri_split(x->raw, x->path, sizeof(x->path), &query);
	*ret_why = "The request target is too long";
	if (r == -ENAMETOOLONG)
		return 414;
	*ret_why = "The request target is malformed";
	if (r < 0)
		return 400;
	x->req.path = x->path;
	x->req.raw = x->raw;
	x->req.query.repeatable = FORM_REPEATABLE;
	r = form_parse(&x->req.query, query, bad, sizeof(bad));
	if (r == -EEXIST)
		*ret_why = "A query parameter was given twice";
	else if (r < 0)
		*ret_why = "The query is malformed";
	return r < 0 ? 400 : 0;
}

static unsigned check_head(struct MHD_Connection *mc, struct exchange *x,
			   const char *method, const char *version,
			   const char **ret_why)
{
	struct head hd = { .x = x };
	const char *host;
	unsigned status;

	(void)MHD_get_connection_values_n(mc, MHD_HEADER_KIND, on_header, &hd);
	*ret_why = hd.wrong;
	if (hd.wrong)
		return x->req.n_headers == HTTP_HEADERS_MAX ? 431 : 400;
	*ret_why = "NUL, bare CR or LF, folding or odd blanks in the head";
	if (!head_len_ok(mc, &hd, method, version))
		return 400;
	*ret_why = "Exactly one Host header is needed";
	host = http_header(&x->req, "Host");
	if (host ? !host_ok(host) : strcmp(version, "HTTP/1.0") != 0)
		return 400;
	status = check_target(x, ret_why);
	return status ? status : check_body(x, ret_why);
}

static enum http_method method_of(const char *word)
{
	for (unsigned m = HTTP_GET; m < HTTP_OTHER; m <<= 1)
		if (strcmp(word, http_method_word((enum http_method)m)) == 0)
			return (enum http_method)m;
	return HTTP_OTHER;
}

static void peer_words(struct MHD_Connection *mc, char *dst, size_t dst_len)
{
	const struct sockaddr *sa = peer_of(mc);
	const void *addr = NULL;

	dst[0] = '\0';
	if (sa && sa->sa_family == AF_INET)
		addr = &((const struct sockaddr_in *)(const void *)sa)
				->sin_addr;
	if (sa && sa->sa_family == AF_INET6)
		addr = &((const struct sockaddr_in6 *)(const void *)sa)
				->sin6_addr;
	if (addr)
		(void)inet_ntop(sa->sa_family, addr, dst, (socklen_t)dst_len);
}

static enum MHD_Result first_sight(struct httpd *h, struct MHD_Connection *mc,
				   struct exchange *x, const char *method,
				   const char *version)
{
	const char *why = NULL;
	unsigned status;

	x->seen = true;
	x->req.method = method_of(method);
	status = check_head(mc, x, method, version, &why);
	if (status)
		return refuse(h, mc, status, why);
	peer_words(mc, x->req.peer, sizeof(x->req.peer));
	slot_deadline(h->slots, slot_of(mc), h->cf.body_us);
	return MHD_YES;
}

static enum MHD_Result serve(struct httpd *h, struct MHD_Connection *mc,
			     struct exchange *x)
{
	struct http_response res;
	enum MHD_Result ok;

	x->req.body = buf_str(&x->body);
	x->req.body_len = x->body.len;
	x->req.wall_us = clock_wall_us(h->cf.clock);
	metric_add(h->requests, 1);
	slot_works(h->slots, slot_of(mc));
	http_response_init(&res);
	h->cf.serve(h->cf.arg, &x->req, &res);
	ok = queue(h, mc, &res);
	http_response_fini(&res);
	return ok;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *mc,
				  const char *url, const char *method,
				  const char *version, const char *data,
				  size_t *data_len, void **ctx)
{
	struct httpd *h = arg;
	struct exchange *x = *ctx;

	(void)url; /* decoded by the library: not to be trusted */
	if (!x)
		return MHD_NO;
	if (!x->seen)
		return first_sight(h, mc, x, method, version);
	if (*data_len > 0) {
		if (buf_put(&x->body, data, *data_len) < 0)
			return MHD_NO;
		*data_len = 0;
		return MHD_YES;
	}
	return serve(h, mc, x);
}

/* ---- what the library answers by itself ---- */

/* The connection of this thread whose head is complete but was not shown to
 * us: the library goes from the one to the other without a pause. Only the
 * thread itself changes these. */
static struct conn *unseen_conn(struct httpd *h)
{
	pthread_t self = pthread_self();
	struct conn *found = NULL;

	pthread_mutex_lock(&h->lock);
	for (struct conn *c = h->conns; c && !found; c = c->next) {
		if (!pthread_equal(c->thread, self) || !c->x || c->x->seen)
			continue;
		if (MHD_get_connection_info(
			    c->mc, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE))
			found = c;
	}
	pthread_mutex_unlock(&h->lock);
	return found;
}

/* The method is not to be had here. A body where it may have been HEAD would
 * be read as the beginning of another answer. */
static bool is_maybe_head(struct conn *c)
{
	struct head hd = { .x = c->x };
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		c->mc, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	size_t size = info ? info->header_size : 0;

	(void)MHD_get_connection_values_n(c->mc, MHD_HEADER_KIND, on_header,
					  &hd);
	if (http_header(&c->x->req, "Content-Type"))
		return false;
	hd.len += strlen(c->x->raw) + strlen("HEAD  HTTP/1.1\r\n\r\n");
	return hd.wrong || (size <= hd.len && size + hd.empty >= hd.len);
}

static void answer_instead(struct httpd *h, unsigned status)
{
	struct conn *c = unseen_conn(h);
	const union MHD_ConnectionInfo *tls;
	struct http_response res;
	const char *why;

	if (!c)
		return; /* before the end of the head it does it right */
	c->x->seen = true;
	metric_add(h->refused, 1);
	why = status == 431 ? "The head is too large" : "Broken Content-Length";
	refusal(&res, status, why);
	tls = h->cf.tls_certificate
		      ? MHD_get_connection_info(
				c->mc, MHD_CONNECTION_INFO_GNUTLS_SESSION)
		      : NULL;
	last_words(c->fd, tls ? tls->tls_session : NULL, &res,
		   !is_maybe_head(c));
	http_response_fini(&res);
}

/* The library's own messages may quote the peer: debug only. */
__attribute__((format(printf, 2, 0))) static void
on_log(void *arg, const char *fmt, va_list ap)
{
	char text[256];
	va_list copy;

	if (span_starts(span_of(fmt), "Error processing request (HTTP resp")) {
		va_copy(copy, ap);
		answer_instead(arg, va_arg(copy, unsigned));
		va_end(copy);
	}
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	str_clean(text);
	log_debug(NULL, "http.library", LOG_S("text", text));
}

/* The library deals its places out to its threads, and connections that were
 * cut leave a moment later: it gets twice as many as there are slots, so that
 * a thread with room always takes the newcomer. */
static int start_daemon(struct httpd *h)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG;
	struct MHD_OptionItem options[16];
	unsigned n = 0, limit = 2 * h->cf.max + h->cf.threads;

	if (h->cf.tls_certificate) {
		flags |= MHD_USE_TLS;
		options[n++] = (struct MHD_OptionItem){
			MHD_OPTION_HTTPS_MEM_CERT, 0,
			(void *)(uintptr_t)h->cf.tls_certificate
		};
		options[n++] = (struct MHD_OptionItem){
			MHD_OPTION_HTTPS_MEM_KEY, 0,
			(void *)(uintptr_t)h->cf.tls_key
		};
		options[n++] = (struct MHD_OptionItem){
			MHD_OPTION_HTTPS_PRIORITIES, 0,
			(void *)(uintptr_t) "SECURE128:-VERS-ALL:"
					    "+VERS-TLS1.3:+VERS-TLS1.2"
		};
	}
	if (h->cf.threads > 1)
		options[n++] =
			(struct MHD_OptionItem){ MHD_OPTION_THREAD_POOL_SIZE,
						 (intptr_t)h->cf.threads,
						 NULL };
	options[n] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
	h->daemon = MHD_start_daemon(
		flags, 0, on_accept, h, on_request, h,
		MHD_OPTION_EXTERNAL_LOGGER, on_log, h, MHD_OPTION_LISTEN_SOCKET,
		h->cf.listen_fd, MHD_OPTION_URI_LOG_CALLBACK, on_uri, h,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
		MHD_OPTION_CONNECTION_LIMIT, limit,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_ARRAY, options, MHD_OPTION_END);
	return h->daemon ? 0 : -EIO;
}

int httpd_start(const struct httpd_config *config, struct httpd **ret_h)
{
	struct httpd *h = mem_zalloc(sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->cf = *config;
	if (!h->cf.head_us)
		h->cf.head_us = HEAD_US;
	if (!h->cf.body_us)
		h->cf.body_us = BODY_US;
	if (!h->cf.max)
		h->cf.max = CONNECTIONS_MAX;
	if (!h->cf.max_each)
		h->cf.max_each = h->cf.max / 4;
	ASSERT(pthread_mutex_init(&h->lock, NULL) == 0);
	ASSERT(pthread_cond_init(&h->all_gone, NULL) == 0);
	h->requests = metric_get(METRIC_COUNTER, "srs_http_requests_total", "",
				 "HTTP requests served");
	h->refused = metric_get(METRIC_COUNTER, "srs_http_refused_total", "",
				"HTTP requests refused as malformed");
	h->cut = metric_get(METRIC_COUNTER, "srs_http_deadline_total", "",
			    "HTTP connections cut at their deadline");
	h->crowded =
		metric_get(METRIC_COUNTER, "srs_http_crowded_total", "",
			   "HTTP connections refused: too many of one address");
	h->slots = slots_create(&(struct slots_config){
		.clock = h->cf.clock,
		.max = h->cf.max,
		.max_each = h->cf.max_each,
		.is_proxy = h->cf.is_proxy,
		.arg = h->cf.arg,
	});
	r = h->slots ? start_daemon(h) : -ENOMEM;
	if (r == -EIO && h->cf.tls_certificate)
		r = -EINVAL;
	if (r < 0) {
		httpd_stop(&h);
		return r;
	}
	*ret_h = h;
	return 0;
}

/* While it stops, the library crashes at a request that it answers by itself
 * (0.9.75: it builds a header for an answer that was not queued). So it stops
 * when nobody is left; its threads notice cut connections at once. */
static void send_home(struct httpd *h)
{
	struct timespec until;
	int r = 0;

	slots_close(h->slots);
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_S;
	pthread_mutex_lock(&h->lock);
	while (h->conns && r == 0)
		r = pthread_cond_timedwait(&h->all_gone, &h->lock, &until);
	pthread_mutex_unlock(&h->lock);
}

void httpd_stop(struct httpd **hp)
{
	struct httpd *h = *hp;

	if (!h)
		return;
	*hp = NULL;
	if (h->daemon) {
		send_home(h);
		MHD_stop_daemon(h->daemon);
	}
	slots_destroy(&h->slots);
	pthread_cond_destroy(&h->all_gone);
	pthread_mutex_destroy(&h->lock);
	mem_free(h);
}
