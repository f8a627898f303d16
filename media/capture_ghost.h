/* media/capture_ghost.h - streams of ended calls that may still be sent.
 *
 * A client that never heard the end of a call, or forgot a stream, sends on to
 * a port that the next call may get, from the host that the next call comes
 * from. What it sends must not get into that recording. So the sources of a
 * closed stream are remembered by its port; where that is opened for another
 * recording, a packet of one of them is known by its SSRC and by an RTP clock
 * that goes on as if nothing had happened (within 5 s), and refused unless it
 * comes from the very address and port that the new call negotiated: a client
 * may go on with a stream in a new dialog.
 *
 * One entry per slot of 1024, found by port, the newest wins: with more ports
 * than that one rests for long before it comes again. Pure; role capture.
 */
#ifndef MEDIA_CAPTURE_GHOST_H
#define MEDIA_CAPTURE_GHOST_H

#include <stdint.h>

#include "base/id.h"
#include "media/capture_check.h"

#define CAPTURE_GHOST_SLOTS 1024u

/* Zeroed = empty. */
struct capture_ghosts {
	struct {
		uint16_t port; /* 0: none */
		struct id session;
		struct capture_ghost g[CAPTURE_SSRC_MAX];
	} slots[CAPTURE_GHOST_SLOTS];
};

/** A stream of the session gives up its port: remember who was heard. */
void capture_ghosts_keep(struct capture_ghosts *t, uint16_t rtp_port,
			 const struct id *session,
			 const struct capture_check *ck);

/** A stream of the session got that port: tell its check whom to refuse. Those
 *  of the same session are none. */
void capture_ghosts_give(const struct capture_ghosts *t, uint16_t rtp_port,
			 const struct id *session, struct capture_check *ck);

#endif
