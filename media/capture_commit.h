/* media/capture_commit.h - makes what was written durable, without waiting.
 *
 * syncfs(2) takes a tenth of a second and more, and capture must not wait: a
 * small child process does it. It holds one end of a socket pair and the spool
 * folder, nothing else, and ends when capture ends. When it dies it is started
 * again. Role capture.
 */
#ifndef MEDIA_CAPTURE_COMMIT_H
#define MEDIA_CAPTURE_COMMIT_H

#include <stdint.h>

struct loop;
struct capture_commit;

/** The answer to capture_commit_ask(). @param error 0 or -errno of syncfs; an
 *  error is never to be answered by another try (the kernel would say 0 though
 *  the data is gone). -EPIPE: the helper died; ask again later.
 *  @param took_us how long it took */
typedef void capture_commit_fn(void *arg, int error, int64_t took_us);

/** @param dir_fd borrowed, stays open as long as this lives
 *  @return 0 or -errno */
int capture_commit_create(struct loop *l, int dir_fd, capture_commit_fn *fn,
			  void *arg, struct capture_commit **ret_commit);
/** Takes NULL. The child ends at once, or after its running syncfs; nobody
 *  waits for it. */
void capture_commit_destroy(struct capture_commit **cp);

/** Make durable what has been written up to now. @return 0 asked, -EBUSY the
 *  last one is still running (it will be asked again by the next tick), -errno
 */
int capture_commit_ask(struct capture_commit *c);

#endif
