/* Binds the listeners and tells where they really are. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "srs/sip/tls_hooks.h"
#include "srs/sip/ua_int.h"

struct listener {
	enum ua_transport transport;
	char host[80]; /* without brackets */
	bool v6;
	uint16_t port;
};

static const char *const transport_names[] = { "udp", "tcp", "tls" };

const char *ua_transport_name(enum ua_transport t)
{
	return transport_names[t];
}

/* "tls:[::1]:5061" */
static int parse_listener(struct span item, struct listener *ret_l)
{
	struct listener l = { 0 };
	struct span rest = item;
	struct span word = span_cut(&rest, ':');
	unsigned char addr[16];
	uint64_t port;
	ptrdiff_t close;

	for (; l.transport <= UA_TLS; l.transport++) {
		if (span_ieq(word, transport_names[l.transport]))
			break;
	}
	if (l.transport > UA_TLS || rest.len == 0)
		return -EINVAL;
	port = l.transport == UA_TLS ? 5061 : 5060;
	if (rest.p[0] == '[') {
		close = span_find(rest, ']');
		if (close < 0)
			return -EINVAL;
		l.v6 = true;
		word = (struct span){ rest.p + 1, (size_t)close - 1 };
		rest.p += close + 1;
		rest.len -= (size_t)close + 1;
		if (rest.len > 0 && rest.p[0] != ':')
			return -EINVAL;
		(void)span_cut(&rest, ':');
	} else {
		word = span_cut(&rest, ':');
	}
	if (!span_copy(l.host, sizeof(l.host), word) ||
	    inet_pton(l.v6 ? AF_INET6 : AF_INET, l.host, addr) != 1)
		return -EINVAL;
	if (rest.len > 0 && span_u64(rest, 65535, &port) < 0)
		return -EINVAL;
	l.port = (uint16_t)port;
	*ret_l = l;
	return 0;
}

/* The port of the primary transport that was bound last. */
static uint16_t last_bound_port(struct ua *ua)
{
	tport_t *last = NULL;
	su_addrinfo_t const *ai;

	for (tport_t *t = tport_primaries(nta_agent_tports(ua->agent)); t;
	     t = tport_next(t))
		last = t;
	ai = last ? tport_get_address(last) : NULL;
	return ai ? ntohs(((su_sockaddr_t *)(void *)ai->ai_addr)->su_port) : 0;
}

static int bind_one(struct ua *ua, const struct ua_config *cfg,
		    const struct listener *l, struct err *e)
{
	struct tls_hook hook = { 0 };
	char url[160], port[8];
	int r;

	(void)snprintf(port, sizeof(port), "%u", l->port);
	(void)snprintf(url, sizeof(url), "%s:%s%s%s:%s%s%s",
		       l->transport == UA_TLS ? "sips" : "sip",
		       l->v6 ? "[" : "", l->host, l->v6 ? "]" : "",
		       l->port ? port : "*",
		       l->transport == UA_TLS ? "" : ";transport=",
		       l->transport == UA_TLS ? ""
					      : transport_names[l->transport]);
	if (l->transport == UA_TLS) {
		if (!cfg->tls_certificate[0] || !cfg->tls_key[0])
			return err_set(e, -EINVAL,
				       "sip.listen names tls: set "
				       "sip.tls_certificate and sip.tls_key");
		if (cfg->tls_verify != UA_TLS_NONE && !cfg->tls_ca[0])
			return err_set(e, -EINVAL,
				       "sip.tls_verify needs sip.tls_ca");
		hook.certificate = cfg->tls_certificate;
		hook.key = cfg->tls_key;
		hook.ca = cfg->tls_ca;
		hook.verify = (int)cfg->tls_verify;
		tls_hook_set(&hook);
	}
	r = nta_agent_add_tport(
		ua->agent, (url_string_t *)(void *)url, TPTAG_STUN_SERVER(0),
		TPTAG_SERVER(1), TPTAG_QUEUESIZE(256), TPTAG_PONG2PING(1),
		TPTAG_UDP_RMEM(4 * 1024 * 1024), TPTAG_CERTIFICATE("/"),
		TPTAG_TLS_VERIFY_POLICY(cfg->tls_verify == UA_TLS_REQUIRED
						? TPTLS_VERIFY_IN
						: TPTLS_VERIFY_NONE),
		TAG_END());
	r = r < 0 ? -errno : 0;
	tls_hook_set(NULL);
	if (hook.error[0])
		return err_set(e, -EINVAL, "sip: %s", hook.error);
	if (r < 0)
		return err_set(e, r, "sip: cannot listen on %s:%s:%u: %s",
			       transport_names[l->transport], l->host, l->port,
			       err_words(r));
	return 0;
}

static int add_listener(struct ua *ua, const struct ua_config *cfg,
			struct span item, struct err *e)
{
	struct listener l;
	size_t len = strlen(ua->bound);
	int r;

	r = parse_listener(item, &l);
	if (r < 0)
		return err_set(e, r,
			       "sip.listen: \"%.*s\" is not udp:, tcp: or tls: "
			       "with an IP address and a port",
			       SPAN_ARG(item));
	r = bind_one(ua, cfg, &l, e);
	if (r < 0)
		return r;
	(void)snprintf(ua->bound + len, sizeof(ua->bound) - len,
		       "%s%s:%s%s%s:%u", len ? ", " : "",
		       transport_names[l.transport], l.v6 ? "[" : "", l.host,
		       l.v6 ? "]" : "", last_bound_port(ua));
	return 0;
}

int ua_listen(struct ua *ua, const struct ua_config *cfg, struct err *e)
{
	struct span rest = span_of(cfg->listen);
	unsigned n = 0;
	int r;

	while (rest.len > 0) {
		struct span item = span_trim(span_cut(&rest, ','));

		if (item.len == 0)
			continue;
		r = add_listener(ua, cfg, item, e);
		if (r < 0)
			return r;
		n++;
	}
	if (n == 0)
		return err_set(e, -EINVAL, "sip.listen is empty");
	return 0;
}
