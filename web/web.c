/* The role's own thread only keeps time: it cuts overdue connections and
 * removes sessions that are over. Requests run on the pool; a thread makes its
 * context at its first request, and pthread's key destroys it at the end of
 * the thread, after httpd_stop() has joined it.
 */
#include "web/web.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/role.h"
#include "base/sandbox.h"
#include "base/settings.h"
#include "base/str.h"
#include "storage/db.h"
#include "web/context.h"
#include "web/embed.h"
#include "web/http.h"
#include "web/httpd.h"
#include "web/serve.h"
#include "web/session.h"

#define TICK_US 1000000LL
#define SWEEP_TICKS 600
#define PEM_MAX (256 * 1024)

struct web_state {
	struct role *role;
	struct web web;
	struct web_ctx *ctx; /* of the role's own thread */
	struct httpd *httpd;
	struct loop_timer tick;
	unsigned ticks;
	char *certificate, *key;
	pthread_key_t ctx_key;
	bool have_key;
};

static void free_ctx(void *arg)
{
	struct web_ctx *c = arg;

	web_ctx_destroy(&c);
}

static struct web_ctx *thread_ctx(struct web_state *st)
{
	struct web_ctx *c = pthread_getspecific(st->ctx_key);
	struct err e = { 0 };
	int r;

	if (c)
		return c;
	r = web_ctx_create(&st->web, &c, &e);
	if (r < 0) {
		log_error(NULL, "web.no_database", LOG_E(r),
			  LOG_S("text", e.text));
		return NULL;
	}
	if (pthread_setspecific(st->ctx_key, c) != 0) {
		web_ctx_destroy(&c);
		return NULL;
	}
	return c;
}

static void serve(void *arg, struct http_request *req,
		  struct http_response *res)
{
	struct web_state *st = arg;

	req->ctx = thread_ctx(st);
	if (!req->ctx) {
		http_security_api(res, st->web.secure);
		http_problem_errno(res, -EBUSY);
		return;
	}
	serve_request(req, res);
}

static void on_tick(void *arg)
{
	struct web_state *st = arg;
	struct loop *l = st->role->loop;

	httpd_reap(st->httpd);
	if (++st->ticks % SWEEP_TICKS == 0)
		(void)web_session_sweep(st->ctx->db, /* next time then */
					clock_wall_us(st->web.clock));
	(void)loop_timer_set(l, &st->tick,
			     clock_mono_us(st->web.clock) + TICK_US, on_tick,
			     st);
}

static int read_pem(const char *path, char **ret_text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text;
	ssize_t n;

	if (fd < 0)
		return -errno;
	text = mem_zalloc(PEM_MAX + 1);
	n = text ? read(fd, text, PEM_MAX) : -1;
	(void)close(fd); /* read only */
	if (n <= 0) {
		mem_free(text);
		return text ? -EIO : -ENOMEM;
	}
	*ret_text = text;
	return 0;
}

static int load_tls(struct web_state *st)
{
	const struct settings *s = st->role->settings;
	int r;

	if (!s->http.tls_certificate[0])
		return 0;
	r = read_pem(s->http.tls_certificate, &st->certificate);
	if (r == 0)
		r = read_pem(s->http.tls_key, &st->key);
	if (r < 0)
		log_error(NULL, "web.tls_files", LOG_E(r));
	return r;
}

static int enter_sandbox(const struct settings *s)
{
	struct sandbox_profile p = {
		.inet = true,
		.read = { "/usr/share/zoneinfo", "/etc/localtime" },
		.write = { s->server.data_dir },
		.no_core = true,
	};
	struct sandbox_report report;

	if (!s->sandbox.enabled)
		return 0;
	return sandbox_enter(&p, &report);
}

/* Proxies, and this machine, may have all the connections there are. */
static bool is_proxy(void *arg, const struct sockaddr *sa)
{
	const struct web_state *st = arg;
	struct net_addr a;

	return net_addr_of(sa, &a) &&
	       (net_addr_is_loopback(&a) || net_list_has(&st->web.trusted, &a));
}

static int start_httpd(struct web_state *st)
{
	const struct settings *s = st->role->settings;
	struct httpd_config cf = {
		.listen_fd = st->role->listen_fd,
		.threads = (unsigned)s->http.threads,
		.tls_certificate = st->certificate,
		.tls_key = st->key,
		.clock = st->web.clock,
		.serve = serve,
		.is_proxy = is_proxy,
		.arg = st,
	};
	int r = httpd_start(&cf, &st->httpd);

	if (r < 0)
		log_error(NULL, "web.start", LOG_E(r),
			  LOG_S("text",
				r == -EINVAL ? "TLS certificate or key" : ""));
	return r;
}

static void web_stop(void *state)
{
	struct web_state *st = state;

	httpd_stop(&st->httpd);
	loop_timer_clear(st->role->loop, &st->tick);
	web_ctx_destroy(&st->ctx);
	if (st->have_key)
		(void)pthread_key_delete(st->ctx_key);
	mem_free(st->certificate);
	mem_free(st->key);
	mem_free(st);
}

static int start_all(struct web_state *st)
{
	struct err e = { 0 };
	int r;

	if (pthread_key_create(&st->ctx_key, free_ctx) != 0)
		return -ENOMEM;
	st->have_key = true;
	r = web_init(&st->web, st->role->settings, loop_clock(st->role->loop),
		     &e);
	if (r == 0)
		r = web_ctx_create(&st->web, &st->ctx, &e);
	if (r < 0) {
		log_error(NULL, "web.start", LOG_E(r), LOG_S("text", e.text));
		return r;
	}
	r = load_tls(st);
	if (r == 0)
		r = embed_setup();
	if (r == 0)
		r = enter_sandbox(st->role->settings);
	if (r == 0)
		r = start_httpd(st);
	return r;
}

static int web_start(struct role *role, void **ret_state)
{
	struct web_state *st = mem_zalloc(sizeof(*st));
	int r;

	if (!st)
		return -ENOMEM;
	json_set_alloc_funcs(mem_alloc, mem_free);
	st->role = role;
	r = start_all(st);
	if (r < 0) {
		web_stop(st);
		return r;
	}
	*ret_state = st;
	on_tick(st);
	role_ready(role, "");
	return 0;
}

/* Pages and API stay up until the end: people may look while calls finish. */
static void web_drain(void *state)
{
	struct web_state *st = state;

	role_drained(st->role);
}

const struct role_ops web_role = {
	.name = "web",
	.start = web_start,
	.drain = web_drain,
	.stop = web_stop,
};
