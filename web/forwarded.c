#include "web/forwarded.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "web/http.h"

/* A value of one hop, from the right: the headers of that name are one list,
 * in which commas inside quotes are no separators. */
struct hops {
	const struct http_request *req;
	const char *name;
	unsigned at; /* headers not begun yet */
	struct span rest;
};

static bool next_header(struct hops *h)
{
	while (h->at > 0) {
		const struct http_header *f = &h->req->headers[--h->at];

		if (!str_ieq(f->name, h->name))
			continue;
		h->rest = span_of(f->value);
		return true;
	}
	return false;
}

static struct hops hops_of(const struct http_request *req, const char *name)
{
	return (struct hops){ .req = req, .name = name, .at = req->n_headers };
}

/* Within quotes, behind an odd number of backslashes. */
static bool is_escaped(struct span s, size_t at)
{
	size_t n = 0;

	while (n < at && s.p[at - 1 - n] == '\\')
		n++;
	return n % 2;
}

/* Where the last comma outside quotes is, or -1. Looked for from the right:
 * what a proxy wrote there means the same whatever the client wrote before
 * it, a quote that never ends for example. */
static ptrdiff_t last_comma(struct span s)
{
	bool quoted = false;

	for (size_t i = s.len; i-- > 0;) {
		if (s.p[i] == '"' && !is_escaped(s, i))
			quoted = !quoted;
		else if (s.p[i] == ',' && !quoted)
			return (ptrdiff_t)i;
	}
	return -1;
}

static bool next_hop(struct hops *h, struct span *ret_hop)
{
	ptrdiff_t comma;

	if (!h->rest.p && !next_header(h))
		return false;
	comma = last_comma(h->rest);
	*ret_hop = h->rest;
	if (comma < 0) {
		h->rest = (struct span){ NULL, 0 };
	} else {
		ret_hop->p += comma + 1;
		ret_hop->len -= (size_t)comma + 1;
		h->rest.len = (size_t)comma;
	}
	*ret_hop = span_trim(*ret_hop);
	return true;
}

/* ---- one hop ---- */

static bool is_port(struct span s)
{
	uint64_t port;

	return span_u64(s, 65535, &port) == 0;
}

/* Address with or without port; IPv6 with a port has brackets. */
static bool parse_node(struct span s, struct net_addr *ret)
{
	struct span rest = s, host;

	if (s.len > 0 && s.p[0] == '[') {
		ptrdiff_t end = span_find(s, ']');

		if (end < 0)
			return false;
		host = (struct span){ s.p + 1, (size_t)end - 1 };
		rest = (struct span){ s.p + end + 1, s.len - (size_t)end - 1 };
		if (rest.len > 0 &&
		    (rest.p[0] != ':' ||
		     !is_port((struct span){ rest.p + 1, rest.len - 1 })))
			return false;
		return span_find(host, ':') >= 0 && net_addr_parse(host, ret);
	}
	if (net_addr_parse(s, ret))
		return true;
	host = span_cut(&rest, ':');
	return span_find(host, '.') >= 0 && is_port(rest) &&
	       net_addr_parse(host, ret);
}

/* Up to the separator outside quotes; s continues after it. */
static struct span cut_quoted(struct span *s, char sep)
{
	struct span head = *s;
	bool quoted = false;

	for (size_t i = 0; i < s->len; i++) {
		if (quoted && s->p[i] == '\\') {
			i++;
		} else if (s->p[i] == '"') {
			quoted = !quoted;
		} else if (s->p[i] == sep && !quoted) {
			head.len = i;
			*s = (struct span){ s->p + i + 1, s->len - i - 1 };
			return head;
		}
	}
	*s = (struct span){ NULL, 0 };
	return head;
}

/* A parameter of one element of Forwarded, quotes taken off. An escape has no
 * place in an address or scheme. False: not there, or twice. */
static bool parameter(struct span element, const char *name,
		      struct span *ret_value)
{
	bool found = false;

	while (element.len > 0) {
		struct span value = cut_quoted(&element, ';');
		struct span key = span_trim(span_cut(&value, '='));

		if (!span_ieq(key, name))
			continue;
		if (found)
			return false;
		found = true;
		value = span_trim(value);
		if (value.len >= 2 && value.p[0] == '"' &&
		    value.p[value.len - 1] == '"')
			value = (struct span){ value.p + 1, value.len - 2 };
		*ret_value = value;
	}
	return found;
}

static bool is_forwarded(const char *name)
{
	return strcmp(name, "Forwarded") == 0;
}

static bool hop_addr(const char *name, struct span hop, struct net_addr *ret)
{
	struct span node;

	if (!is_forwarded(name))
		return parse_node(hop, ret);
	return parameter(hop, "for", &node) && parse_node(node, ret);
}

static enum forwarded_proto proto_of(struct span word)
{
	if (span_ieq(word, "https"))
		return PROTO_HTTPS;
	return span_ieq(word, "http") ? PROTO_HTTP : PROTO_UNKNOWN;
}

/* ---- the walk ---- */

struct walk {
	struct net_addr client;
	unsigned n; /* hops taken */
	enum forwarded_proto proto;
};

static bool walk(const struct http_request *req, const char *name,
		 const struct net_list *trusted, struct walk *w)
{
	struct hops hops = hops_of(req, name);
	struct span hop, word;
	struct net_addr a;

	w->n = 0;
	w->proto = PROTO_UNKNOWN;
	while (net_list_has(trusted, &w->client) && next_hop(&hops, &hop)) {
		bool good = hop_addr(name, hop, &a);

		if (is_forwarded(name) && parameter(hop, "proto", &word))
			w->proto = proto_of(word);
		w->n++;
		if (!good)
			break;
		w->client = a;
	}
	return w->n > 0;
}

/* X-Forwarded-Proto has one word, or one for each hop of the other list. */
static enum forwarded_proto x_proto(const struct http_request *req, unsigned n)
{
	struct hops hops = hops_of(req, "X-Forwarded-Proto");
	enum forwarded_proto proto = PROTO_UNKNOWN;
	struct span hop;

	for (unsigned i = 0; (i == 0 || i < n) && next_hop(&hops, &hop); i++)
		proto = proto_of(hop);
	return proto;
}

/* ---- signs ---- */

static bool is_sign(const char *name)
{
	static const char *const names[] = {
		"Forwarded",	    "Forwarded-For",   "Via",
		"X-Forwarded",	    "X-Forwarder-For", "X-Real-IP",
		"X-Real-Port",	    "X-Client-IP",     "X-Cluster-Client-IP",
		"X-Remote-IP",	    "X-Remote-Addr",   "X-ProxyUser-Ip",
		"X-Host",	    "X-Scheme",	       "X-Varnish",
		"X-Request-Start",  "X-Amz-Cf-Id",     "X-Amzn-Trace-Id",
		"X-Proxy-ID",	    "True-Client-IP",  "Client-IP",
		"Proxy-Client-IP",  "CDN-Loop",	       "Front-End-Https",
		"Fly-Client-IP",    "X-Url-Scheme",    "X-Appengine-User-IP",
		"Proxy-Connection", "Ali-CDN-Real-IP", "X-Coming-From",
	};
	static const char *const prefixes[] = {
		"X-Forwarded-", "X-Original-", "CF-",	  "X-Envoy-",
		"X-Azure-",	"Fastly-",     "Akamai-", "X-Akamai-",
		"X-ARR-",	"WL-Proxy-",   "Incap-",  "X-Sucuri-",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (str_ieq(name, names[i]))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (span_istarts(span_of(name), prefixes[i]))
			return true;
	return false;
}

static bool has_sign(const struct http_request *req)
{
	for (unsigned i = 0; i < req->n_headers; i++)
		if (is_sign(req->headers[i].name))
			return true;
	return false;
}

bool forwarded_is_local(const struct http_request *req)
{
	struct net_addr a;

	return net_addr_parse(span_of(req->peer), &a) &&
	       net_addr_is_loopback(&a) && !has_sign(req);
}

void forwarded_find(const struct http_request *req,
		    const struct net_list *trusted, struct forwarded *ret)
{
	struct walk x, f;
	bool by_x, by_f;

	memset(ret, 0, sizeof(*ret));
	ret->seen = has_sign(req);
	(void)str_copy(ret->client, sizeof(ret->client), req->peer);
	if (!net_addr_parse(span_of(req->peer), &x.client))
		return;
	f.client = x.client;
	net_addr_text(&x.client, ret->client);
	if (!net_list_has(trusted, &x.client))
		return;
	by_x = walk(req, "X-Forwarded-For", trusted, &x);
	by_f = walk(req, "Forwarded", trusted, &f);
	ret->proto = x_proto(req, by_x ? x.n : 1);
	if (ret->proto == PROTO_UNKNOWN)
		ret->proto = f.proto;
	else if (f.proto != PROTO_UNKNOWN && f.proto != ret->proto)
		ret->proto = PROTO_HTTP; /* the worse of the two */
	if (by_x && by_f && memcmp(&x.client, &f.client, sizeof(x.client)) != 0)
		return;
	ret->by_proxy = by_x || by_f;
	net_addr_text(by_x ? &x.client : &f.client, ret->client);
}
