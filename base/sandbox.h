/* base/sandbox.h - what a role gives up once it has opened what it needs.
 *
 * no_new_privs and rlimits always; Landlock (files, from ABI 2 on, Linux 5.19)
 * and seccomp (system calls) where the kernel has them. What is missing is
 * reported, not fatal. Call it before the first thread starts.
 *
 * Beyond the profile's paths a role may read what the C library loads by
 * itself: shared libraries, time zones, /etc (names, certificates), and use
 * /dev/null and /dev/urandom. Landlock binds opening, not what is open
 * already: inherited and kept descriptors work on.
 *
 * Dangerous system calls end the process (ptrace, modules, mounts, bpf, ...) or
 * fail with EPERM; so do, as the profile says, IP sockets, fork and exec.
 * Memory that is writable and executable at once is always refused. In builds
 * with sanitizers, which trace their own process at exit, ptrace, fork and
 * /proc stay open.
 */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#define SANDBOX_PATHS_MAX 16

struct sandbox_profile {
	bool inet;			     /* may create and use IP sockets */
	bool fork;			     /* may create and signal others */
	bool exec;			     /* may execute programs */
	const char *read[SANDBOX_PATHS_MAX]; /* NULL-terminated folders/files */
	/* read, write, create, remove; must exist */
	const char *write[SANDBOX_PATHS_MAX];
	size_t max_fds; /* RLIMIT_NOFILE, 0 = leave */
	bool no_core;	/* no core dumps (secrets in memory) */
};

struct sandbox_report {
	bool no_new_privs, seccomp, landlock;
};

/**
 * Apply to the calling process, for good.
 *
 * @return 0, -ENOENT a folder of write[] is not there, or -errno
 */
int sandbox_enter(const struct sandbox_profile *p,
		  struct sandbox_report *ret_report);

#endif
