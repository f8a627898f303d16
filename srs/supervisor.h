/* srs/supervisor.h - starts the roles, keeps them running, ends them in order.
 *
 * The supervisor parses nothing from the network. It binds the HTTP socket,
 * forks one process per role (render: settings.render.workers), gives them
 * channels to each other, keeps descriptors for them (srs/fdstore.h) and
 * starts a dead role again, after 100 ms at first, doubling up to 10 s; a role
 * that ran for 30 s starts at 100 ms again. The others go on meanwhile.
 *
 * SIGTERM/SIGINT: no new calls, running ones may finish for server.drain, then
 * BYE, then the end. A second one: the end at once (running calls go on at
 * the next start). SIGHUP: settings marked "reload" are read again.
 */
#ifndef SRS_SUPERVISOR_H
#define SRS_SUPERVISOR_H

#include <stdbool.h>

struct settings;
struct role_ops;
struct err;

#define SUPERVISOR_ROLES_MAX 16

/* What is bound, for the ready line. Valid during the call. */
struct supervisor_ready {
	const char *sip;	/* "udp:127.0.0.1:5060, tcp:127.0.0.1:5060" */
	const char *http;	/* "127.0.0.1:8080" */
	const char *public_url; /* the issuer, without a slash at the end */
};

struct supervisor_options {
	const char *config_path; /* for SIGHUP; NULL: nothing to reload */
	/* NULL-terminated; order of start, reverse order of the end. "web"
	 * gets the HTTP socket; "sip" and "capture" get a channel. */
	const struct role_ops *roles[SUPERVISOR_ROLES_MAX + 1];
	/* Once, when every role is ready for the first time. */
	void (*on_ready)(void *arg, const struct supervisor_ready *ready);
	/* SIGHUP, before the new settings count; may be NULL. Nothing may
	 * stay open (roles are forked from here). A negative errno, e says
	 * why: everything stays as it was. */
	int (*on_reload)(void *arg, const struct settings *fresh,
			 struct err *e);
	void *arg;
	/* The roles inherit it (srs/data_lock.h); borrowed, 0 = none. */
	int lock_fd;
};

/**
 * Run until told to end.
 *
 * @param settings changed: http.public_url is filled when empty
 *
 * @return 0 after an orderly end; or -errno with e set: -EADDRINUSE and other
 *         errors of the HTTP socket, -EIO a role could not be started at all
 */
int supervisor_run(struct settings *settings,
		   const struct supervisor_options *options, struct err *e);

#endif
