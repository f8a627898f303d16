/* web/web.h - the role that speaks HTTP: OAuth, API, pages.
 *
 * A pool of threads (http.threads) serves requests; each has its own database
 * connection and file store. The role listens on role->listen_fd, with TLS
 * when http.tls_certificate is set, and works in a sandbox once it has
 * started. It refuses nothing silently: see httpd.h for what is malformed,
 * access.h for who may do what.
 */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include <stddef.h>

struct db;
struct err;
struct role_ops;
struct settings;

extern const struct role_ops web_role;

#define WEB_SETUP_LINK_MAX 512

/**
 * While there is no administrator: make the one-time link of the first-run
 * setup page, good until there is one (setup.h). Print it once, it can't be
 * had again.
 *
 * @param s   http.public_url must be filled
 * @param dst "http://127.0.0.1:8080/setup?token=..."; WEB_SETUP_LINK_MAX
 *
 * @return 1 link made, 0 there is an administrator (dst is ""), -errno with e
 * set
 */
int web_setup_link(struct db *db, const struct settings *s, char *dst,
		   size_t dst_len, struct err *e);

#endif
