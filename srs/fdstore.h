/* srs/fdstore.h - descriptors that outlive the process which opened them.
 *
 * A role hands the supervisor duplicates of its sockets under a key; when the
 * role dies, its successor gets them back and goes on with what the kernel has
 * queued in the meantime. Owner: the supervisor. No role but that one.
 */
#ifndef SRS_FDSTORE_H
#define SRS_FDSTORE_H

#include <stddef.h>

#define FDSTORE_KEYS_MAX 65536

struct fdstore;

/** @return 0 or -ENOMEM */
int fdstore_create(struct fdstore **ret_store);
/** Closes everything in it. */
void fdstore_destroy(struct fdstore **sp);

/**
 * Keep fd under key; one that was there before is closed.
 *
 * @param fd taken when 0 is returned, otherwise still the caller's
 *
 * @return 0, -ENOMEM, -ENOSPC (FDSTORE_KEYS_MAX), -EINVAL (key empty)
 */
int fdstore_put(struct fdstore *s, const char *key, int fd);
/** Close and forget; no effect when the key is unknown. */
void fdstore_drop(struct fdstore *s, const char *key);
size_t fdstore_count(const struct fdstore *s);

/** Call fn for each; fn returns 0 to go on. @return what fn returned last */
typedef int fdstore_fn(void *arg, const char *key, int fd);
int fdstore_each(struct fdstore *s, fdstore_fn *fn, void *arg);

#endif
