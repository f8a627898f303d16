/* base/ipc.h - messages between roles over a SOCK_SEQPACKET socket pair.
 *
 * A message is a type, a caller-chosen id (to pair answers with questions), up
 * to IPC_DATA_MAX bytes and up to IPC_FDS_MAX descriptors. Both ends are the
 * same binary, so the payload is a C struct in native layout, checked by size.
 * Sending never blocks: what the kernel does not take is queued, at most
 * queue_max messages; when the queue is full ipc_send() says -ENOBUFS and the
 * caller decides what to give up.
 */
#ifndef BASE_IPC_H
#define BASE_IPC_H

#include <stddef.h>
#include <stdint.h>

#define IPC_DATA_MAX (96u * 1024u)
#define IPC_FDS_MAX 16

struct loop;
struct ipc;

struct ipc_msg {
	uint16_t type;
	uint64_t id;
	const void *data; /* borrowed, valid during the callback */
	size_t len;
	int fds[IPC_FDS_MAX]; /* receiver owns; set to -1 what is taken,
			       * the rest is closed after the callback */
	unsigned n_fds;
};

typedef void ipc_msg_fn(void *arg, struct ipc_msg *msg);
/** The other end is gone; the ipc may be destroyed inside. */
typedef void ipc_closed_fn(void *arg);

/** A connected pair, close-on-exec, non-blocking. 0 or -errno */
int ipc_pair(int ret_fds[2]);

/**
 * Attach one end to a loop.
 *
 * @param fd taken, also on error
 * @return 0, -ENOMEM or -errno
 */
int ipc_create(struct loop *l, int fd, unsigned queue_max, ipc_msg_fn *on_msg,
	       ipc_closed_fn *on_closed, void *arg, struct ipc **ret_ipc);
void ipc_destroy(struct ipc **ip);

/**
 * Send or queue one message; fds are duplicated, the caller keeps its own.
 *
 * @return 0, -ENOBUFS queue full, -EMSGSIZE, -EPIPE other end gone
 */
int ipc_send(struct ipc *i, uint16_t type, uint64_t id, const void *data,
	     size_t len, const int *fds, unsigned n_fds);

/** Wait until the queue is written, at most timeout_ms. 0, -ETIMEDOUT, -EPIPE
 */
int ipc_flush(struct ipc *i, int timeout_ms);

#endif
