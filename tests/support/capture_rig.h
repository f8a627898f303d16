/* tests/support/capture_rig.h - the real capture role in a process of its own,
 * with a test as its supervisor and as its sip role.
 */
#ifndef TESTS_SUPPORT_CAPTURE_RIG_H
#define TESTS_SUPPORT_CAPTURE_RIG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/settings.h"
#include "media/capture_msg.h"

struct ipc;
struct loop;

struct rig_kept {
	char key[96];
	int fd;
};

struct rig {
	struct settings settings;
	struct loop *loop;
	char dir[64];
	pid_t pid;
	struct ipc *control, *sip;
	bool ready, drained, dead;
	struct rig_kept *kept;
	unsigned n_kept, cap_kept;
	/* what the role said last, and how often it said anything */
	unsigned n_opened, n_closed, n_trouble, n_activity, n_disk;
	struct cap_opened opened;
	struct cap_closed closed;
	struct cap_trouble trouble;
	struct cap_activity activity;
	struct cap_disk disk;
	uint64_t last_id;
	struct rusage usage; /* of the last process */
};

/* All of these fail the test when something goes wrong. */
void rig_init(struct rig *g); /* folder and settings, nothing started */
void rig_fini(struct rig *g); /* removes the folder */
void rig_start(struct rig *g);
/** ROLE_STOP, then wait for its end. @return exit code */
int rig_stop(struct rig *g);
void rig_kill(struct rig *g); /* SIGKILL; kept descriptors stay */
/** The sip channel ends and a new one comes: sip was restarted. */
void rig_new_sip(struct rig *g);

void rig_send(struct rig *g, uint16_t type, const void *data, size_t len);
/** Turn the loop until *counter is at least n. */
void rig_wait(struct rig *g, const unsigned *counter, unsigned n);
/** A few turns of at most ms milliseconds altogether. */
void rig_turn(struct rig *g, int ms);

/** A description of n PCMU streams sent from 127.0.0.1 ports remote_port+2i */
void rig_describe(struct cap_open *o, const char *session, unsigned n,
		  uint16_t remote_port);
/** CAP_OPEN, wait for the answer in g->opened. */
void rig_open(struct rig *g, const struct cap_open *o);
/** CAP_CLOSE, wait for the answer in g->closed. */
void rig_close(struct rig *g, const char *session, bool discard);
void rig_event(struct rig *g, const char *session, unsigned kind, int index);

/** A UDP socket on 127.0.0.1. @param ret_port its port */
int rig_socket(uint16_t *ret_port);
/** One RTP packet of len bytes (172: 20 ms PCMU). */
void rig_rtp(int fd, uint16_t to_port, uint8_t pt, uint16_t seq, uint32_t ssrc,
	     size_t len);

#endif
