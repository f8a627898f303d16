/* media/capture_msg.h - what the sip role and the capture role say to each
 * other (base/ipc messages; ipc_msg.id is chosen by sip and comes back in the
 * answer).
 *
 * sip is the owner of a session's description, capture of its sockets and its
 * spool. After either of the two was restarted, sip sends CAP_OPEN with resume
 * set for every session that it knows, then CAP_SYNC: capture answers each with
 * CAP_OPENED (same ports, same spool file, nothing lost that the sockets still
 * hold), and closes the sessions that were not named.
 */
#ifndef MEDIA_CAPTURE_MSG_H
#define MEDIA_CAPTURE_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/id.h"
#include "media/srtp.h"

#define CAP_STREAMS_MAX 32
#define CAP_PTS_MAX 8
#define CAP_META_MAX 16384
#define CAP_LABEL_MAX 64

enum cap_msg_type {
	/* sip -> capture */
	CAP_OPEN = 1, /* struct cap_open, packed; answered by CAP_OPENED */
	CAP_UPDATE, /* struct cap_open: complete new stream list; CAP_OPENED */
	CAP_EVENT,  /* struct cap_event: goes into the spool */
	CAP_CLOSE,  /* struct cap_close; answered by CAP_CLOSED */
	CAP_SYNC,   /* no payload; resume is over */
	/* capture -> sip */
	CAP_OPENED = 64, /* struct cap_opened */
	CAP_CLOSED,   /* struct cap_closed; also unasked (disk trouble, SYNC) */
	CAP_TROUBLE,  /* struct cap_trouble: goes on, but with a warning */
	CAP_ACTIVITY, /* struct cap_activity: once a second per session that
		       * got packets */
	CAP_DISK, /* struct cap_disk: when the state of the spool's disk changes
		   * and once at the start of a channel */
};

enum cap_media { CAP_AUDIO, CAP_VIDEO, CAP_TEXT };

/* A payload type of the answer. */
struct cap_pt {
	uint8_t pt;
	uint8_t channels;
	uint32_t rate_hz; /* RTP clock */
	char codec[24];	  /* canonical: PCMU PCMA opus telephone-event CN ... */
	char fmtp[128];
};

struct cap_stream {
	uint16_t index; /* m-line, stable for the session's life */
	uint8_t media;	/* enum cap_media */
	bool enabled;	/* false: port 0, closed */
	bool active; /* false: on hold (offer inactive); packets that come all
		      * the same are counted, not stored */
	bool muted;  /* pause: never reaches the disk */
	bool rtcp_mux;
	bool learn_source; /* the address in SDP says nothing about the sender:
			    * see media/capture.h */
	char label[CAP_LABEL_MAX];	    /* SDP label, "" = none */
	struct sockaddr_storage remote_rtp; /* from c=/m= of the offer;
					     * family 0 = unknown */
	struct sockaddr_storage remote_rtcp;
	uint8_t n_pts;
	struct cap_pt pts[CAP_PTS_MAX];
	uint16_t local_port; /* resume: bind this one; else 0 */
	/* theirs and ours; never written to the spool */
	struct srtp_params srtp_in, srtp_out;
};

struct cap_open {
	struct id session; /* recording id */
	bool resume;
	int64_t start_wall_us;
	uint32_t n_streams;
	uint32_t meta_len;
	struct cap_stream streams[CAP_STREAMS_MAX];
	/* JSON, written into the spool's first block so that the file alone
	 * can be turned into a recording: tenant_id, client_id, grant_id,
	 * owner_id, call_id, participants [{aor,name,streams:[index]}] */
	char meta[CAP_META_MAX]; /* NUL-terminated */
};

/** A message is what is used of it: 2 KB instead of 57. Makes o unreadable.
 *  @return bytes of o to send */
size_t cap_open_pack(struct cap_open *o);
/** What is not used is left as it was. @return 0, -EBADMSG */
int cap_open_unpack(const void *data, size_t len, struct cap_open *ret);

struct cap_opened {
	struct id session;
	int32_t error; /* 0 or -errno: -ENOSPC disk low, -EADDRINUSE no ports */
	char spool_file[96]; /* name below the spool folder */
	uint32_t n_streams;
	struct {
		uint16_t index;
		uint16_t rtp_port; /* 0 = disabled */
		uint16_t rtcp_port;
	} streams[CAP_STREAMS_MAX];
};

enum cap_event_kind {
	CAP_EV_HOLD = 1, /* stream (index) on hold */
	CAP_EV_RESUME,
	CAP_EV_PAUSE,
	CAP_EV_UNPAUSE,
	CAP_EV_JOIN, /* text: JSON {aor,name} */
	CAP_EV_LEAVE,
	CAP_EV_METADATA, /* text: new meta JSON, replaces the first */
	CAP_EV_NOTE,	 /* text: anything for people */
};

struct cap_event {
	struct id session;
	uint16_t kind; /* enum cap_event_kind */
	int16_t index; /* stream, -1 = the session */
	uint32_t text_len;
	char text[CAP_META_MAX];
};

/* The client ended it: nothing more will come. */
#define CAP_REASON_BYE "bye"
#define CAP_REASON_HANDED_OVER "handed_over" /* a BYE as well */

struct cap_close {
	struct id session;
	bool discard; /* delete the spool: nothing of it may be kept */
	char reason[64];
};

struct cap_closed {
	struct id session;
	int32_t error; /* 0; -ENOSPC, -EIO: ended by the disk; -ENOENT unknown
			*/
	char spool_file[96];
	uint64_t packets; /* RTP packets on disk, all streams */
	uint64_t bytes;
	uint64_t dropped; /* all reasons */
};

struct cap_trouble {
	struct id session;
	int16_t index;
	char code[40]; /* warning code for the catalog, "media.source_rejected"
			*/
	char detail[160];
};

struct cap_activity {
	struct id session;
	uint64_t packets; /* total so far */
};

struct cap_disk {
	bool low;    /* free space below server.disk_low_bytes */
	bool failed; /* the spool can't be written */
	uint64_t free_bytes;
};

#endif
