/* base/role.h - the frame that every role's process runs in.
 *
 * The supervisor forks; the child calls role_run() with the role's table of
 * functions. The frame makes the loop, speaks with the supervisor over the
 * control channel, and calls the role. When the supervisor dies the control
 * channel closes and the role stops at once, in order (stop() is called).
 *
 * Start: start() is called after all kept descriptors (kept()) and before any
 * peer channel (peer()). The role calls role_ready() when it serves.
 */
#ifndef BASE_ROLE_H
#define BASE_ROLE_H

#include <stdbool.h>
#include <stddef.h>

struct loop;
struct role;
struct settings;

#define ROLE_NAME_MAX 96

/* All but name and start may be NULL. state is what start() returned. */
struct role_ops {
	const char *name; /* "sip" */
	/** A descriptor that an earlier process of this role gave to
	 *  role_keep(); owned by the role from now on. Called before start(),
	 *  once for each. */
	void (*kept)(struct role *r, const char *key, int fd);
	/** @return 0 or -errno (the process ends, the supervisor backs off) */
	int (*start)(struct role *r, void **ret_state);
	/** Run the role until role_stopping(); NULL: the frame runs the loop.
	 *  For a role whose library brings its own loop; it nests loop_fd().
	 *  @return 0 or -errno */
	int (*run)(struct role *r, void *state);
	/** A channel to another role ("capture"), now and whenever that role
	 *  was started again; fd (SOCK_SEQPACKET) is the role's from now on. */
	void (*peer)(void *state, const char *peer, int fd);
	/** No new work; call role_drained() when the last of it is done. */
	void (*drain)(void *state);
	/** Settings marked "reload" have changed; r->settings is new. */
	void (*reload)(void *state);
	/** Finish now (bounded, well under a second), free everything. */
	void (*stop)(void *state);
};

struct role {
	const struct role_ops *ops;
	struct settings *settings;
	struct loop *loop; /* run by the frame after start() */
	int listen_fd;	   /* web: bound HTTP socket, else -1 */
	/* What this role reported as bound when it ran before, "" at first:
	 * bind the same again. */
	char bound[1024];
	unsigned generation; /* 0 first start, then counts restarts */
	void *priv;	     /* the frame's */
};

/** In the child: run until stopped. @return process exit code */
int role_run(const struct role_ops *ops, struct settings *settings,
	     int control_fd, int listen_fd, const char *bound,
	     unsigned generation);

/** Serving. @param bound words for the ready line, e.g. the real addresses
 *  "udp:127.0.0.1:5060, tcp:127.0.0.1:5060"; "" when it listens on nothing */
void role_ready(struct role *r, const char *bound);
/** True once the frame wants run() to return. */
bool role_stopping(const struct role *r);
void role_drained(struct role *r);
/** Ask the supervisor to keep a duplicate of fd for the next process of this
 *  role (as systemd's FDSTORE); at most 65536 keys. 0 or -errno */
int role_keep(struct role *r, const char *key, int fd);
void role_unkeep(struct role *r, const char *key);
/** End the whole server, exit code 1, because this can't be mended. */
void role_fatal(struct role *r, const char *reason);

#endif
