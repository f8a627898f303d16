/* base/sandbox.h - what a role gives up once it has opened what it needs.
 *
 * no_new_privs and rlimits always; Landlock (files) and seccomp (system calls)
 * where the kernel has them. What is missing is reported, not fatal.
 */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#define SANDBOX_PATHS_MAX 16

struct sandbox_profile {
	bool inet;			     /* may create and use IP sockets */
	bool fork;			     /* may create processes */
	bool exec;			     /* may execute programs */
	const char *read[SANDBOX_PATHS_MAX]; /* NULL-terminated folders/files */
	const char *write[SANDBOX_PATHS_MAX]; /* read, write, create, remove */
	size_t max_fds;			      /* RLIMIT_NOFILE, 0 = leave */
	bool no_core; /* no core dumps (secrets in memory) */
};

struct sandbox_report {
	bool no_new_privs, seccomp, landlock;
};

/** Apply to the calling process, for good. @return 0 or -errno */
int sandbox_enter(const struct sandbox_profile *p,
		  struct sandbox_report *ret_report);

#endif
