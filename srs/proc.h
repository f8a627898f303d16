/* srs/proc.h - child programs of the demo: start, read what they print, end.
 *
 * Children die with their parent (SIGTERM), and run in their own process
 * group, so that a Ctrl-C at the terminal reaches only the parent. Blocking.
 */
#ifndef SRS_PROC_H
#define SRS_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct buf;

/* Owner: the caller; ended by proc_wait() or proc_stop(). */
struct proc {
	pid_t pid;
	int out_fd; /* its standard output */
};

/**
 * Start argv[0] (found by PATH; the word "self" in argv[0] means this very
 * program). Standard error goes to the file err_path (appended), or stays.
 *
 * @param stdin_text written to its standard input, at most 4096 bytes; NULL:
 *                   /dev/null
 *
 * @return 0 or -errno; a program that is not there exits with 127
 */
int proc_start(const char *const argv[], const char *stdin_text,
	       const char *err_path, struct proc *ret_proc);

/** One line of its output without the newline.
 *  @return length, -ETIMEDOUT, -EPIPE it ended, -ENOBUFS too long */
int proc_read_line(struct proc *p, char *dst, size_t len, int timeout_ms);

/** Read the rest of its output into out (NULL: drop it) and wait for its end.
 *  on_second (may be NULL) is called about once a second.
 *  @return exit code, 128 + signal, or -errno */
typedef void proc_tick_fn(void *arg, int seconds);
int proc_wait(struct proc *p, struct buf *out, proc_tick_fn *on_second,
	      void *arg);

/** SIGTERM, wait at most timeout_ms, SIGKILL. @return as proc_wait() */
int proc_stop(struct proc *p, int timeout_ms);

#endif
