/* web/forwarded.h - who asks, when a proxy stands between.
 *
 * Proxies say for whom they ask in X-Forwarded-For or Forwarded (RFC 7239).
 * Anybody can write such a header, so it is read only when the connection
 * comes from a proxy of [http] trusted_proxies, and from the right: each proxy
 * adds at the end whom it saw. The first address from there that is not a
 * trusted proxy is the one that counts; what is further left is what that one
 * claims. An entry that is no address ("unknown", "_hidden", junk) ends the
 * walk at the proxy that wrote it. Where both headers are there and disagree
 * one of them came through from the client: then the proxy itself counts.
 *
 * Any sign of forwarding also says that a request from this machine is not
 * made on this machine, trusted or not.
 *
 * Pure, any thread.
 */
#ifndef WEB_FORWARDED_H
#define WEB_FORWARDED_H

#include <stdbool.h>

#include "base/net.h"

struct http_request;

enum forwarded_proto {
	PROTO_UNKNOWN, /* nobody we trust has said */
	PROTO_HTTP,
	PROTO_HTTPS,
};

struct forwarded {
	char client[NET_TEXT_MAX];  /* who counts for budgets and logs */
	enum forwarded_proto proto; /* between client and its proxy */
	bool seen;		    /* some proxy was on the way */
	bool by_proxy;		    /* client is what a trusted one says */
};

/** req->peer and the headers are looked at. */
void forwarded_find(const struct http_request *req,
		    const struct net_list *trusted, struct forwarded *ret);

/** Asked on this machine: from a loopback address, with no sign of a proxy. */
bool forwarded_is_local(const struct http_request *req);

#endif
