/* web/context.h - what a request can reach: settings, database, files.
 *
 * struct web is made once, before the threads, and never changed by them.
 * Each thread of the pool gets its own struct web_ctx at its first request and
 * gives it back when it ends.
 */
#ifndef WEB_CONTEXT_H
#define WEB_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/auth.h"
#include "base/net.h"

struct blob_store;
struct clock;
struct db;
struct err;
struct settings;

struct web {
	const struct settings *settings;
	struct clock *clock;
	char issuer[256];	 /* public URL without a slash at the end */
	char origin[256];	 /* "https://crs.example:8443" */
	char path[256];		 /* of the issuer, "" mostly: "/crs" */
	bool secure;		 /* issuer is https: Secure cookies, HSTS */
	struct net_list trusted; /* proxies */
	struct net_list metrics_from; /* besides this machine */
};

struct web_ctx {
	const struct web *web;
	struct db *db;
	struct auth auth;
	struct blob_store *blobs;
};

/** @param s http.public_url must be an http or https URL
 *  @return 0 or -EINVAL with e set */
int web_init(struct web *w, const struct settings *s, struct clock *clock,
	     struct err *e);

/** @param w borrowed. @return 0 or -errno with e set */
int web_ctx_create(const struct web *w, struct web_ctx **ret_ctx,
		   struct err *e);
void web_ctx_destroy(struct web_ctx **cp);

#endif
