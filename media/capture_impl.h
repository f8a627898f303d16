/* media/capture_impl.h - what the parts of the capture role share.
 *
 * capture.c		the role: messages, tick, disk, channel to sip
 * capture_session.c	one recording: streams, spool, open to close
 * capture_stream.c	one m-line: drain, what is stored
 * capture_sock.c	its sockets: kept, pooled, opened, closed
 * capture_rtcp.c	reports in and out
 * capture_srtp.c	SRTP of a stream: contexts, changes of keys
 * capture_check.c	the policy, pure
 * capture_commit.c	makes it durable
 *
 * Everything belongs to the one thread of the role. A tick visits every
 * session; each of its streams is drained and checked into one batch, which is
 * written at once. Nothing in a tick allocates (events may).
 */
#ifndef MEDIA_CAPTURE_IMPL_H
#define MEDIA_CAPTURE_IMPL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/log.h"
#include "base/loop.h"
#include "media/capture_check.h"
#include "media/capture_ghost.h"
#include "media/capture_msg.h"
#include "media/port_pool.h"
#include "media/ports.h"
#include "media/spool.h"

struct ipc;
struct ipc_msg;
struct metric;
struct role;
struct capture_commit;

#define CAPTURE_RX 64		/* packets per system call */
#define CAPTURE_PACKET_MAX 9216 /* longer ones are dropped */
#define CAPTURE_CONTROL_LEN 96	/* two control messages */
#define CAPTURE_HASH 8192	/* buckets */
/* Packets that one socket may bring in one tick; the rest waits. */
#define CAPTURE_DRAIN_MAX 1024

/* Warnings sent once per stream, bits of capture_stream.told. */
enum capture_told {
	CAPTURE_TOLD_SOURCE = 1,
	CAPTURE_TOLD_PT = 2,
	CAPTURE_TOLD_SSRC = 4,
	CAPTURE_TOLD_KERNEL = 8,
	CAPTURE_TOLD_PORT = 16,
	CAPTURE_TOLD_AUTH = 32,
	CAPTURE_TOLD_REPLAY = 64,
};

/* One socket. */
struct capture_sock {
	int fd; /* -1: closed */
	uint8_t proto;
	uint32_t ovfl; /* last SO_RXQ_OVFL */
	/* Nothing that is still to come arrived before; INT64_MIN: unknown */
	int64_t empty_mono_us;
	int64_t last_mono_us; /* arrival of the last packet */
};

struct capture_stream {
	/* fixed between two offers */
	struct cap_stream cfg; /* local_port is ours */
	struct capture_sock rtp, rtcp;
	struct srtp_in *srtp;	   /* NULL: in clear */
	struct srtp_in *srtp_last; /* keys of before, still on their way */
	unsigned srtp_good;	   /* packets with the new ones */
	struct srtp_out *srtp_out;
	/* per packet */
	struct capture_check check;
	/* of payload types that linger (capture_check.h), a bit each */
	uint64_t old_dtmf[2], old_red[2];
	uint32_t old_rate_hz;
	struct spool_stream_totals totals;
	int64_t unmuted_mono_us; /* end of the last pause, INT64_MIN: none */
	/* the newest packet of a pause, until it is long ago */
	bool has_muted;
	uint16_t muted_seq;
	uint32_t muted_ssrc;
	unsigned told;
	/* RTCP */
	uint32_t our_ssrc;
	int64_t next_report_mono_us; /* 0: none yet */
	uint64_t reported_packets;   /* when the last report was sent */
	bool report_sent;
};

struct capture_session {
	struct id id;
	struct log log;
	struct capture_session *hash_next;
	struct capture_session *prev, *next;
	struct spool_writer *spool;
	unsigned n_streams;
	struct capture_stream *streams[CAP_STREAMS_MAX];
	unsigned phase;	       /* which tick of a second does the rare things */
	bool named;	       /* by sip, since its channel came */
	bool said_bye;	       /* the client: it sends nothing any more */
	bool spool_told;       /* trouble with the disk was reported */
	int64_t wrote_mono_us; /* last write of packets or an event */
	uint64_t lost_disk;
	uint64_t packets; /* stored since capture started */
	uint64_t packets_told;
};

struct capture_metrics {
	struct metric *rtp, *rtcp, *bytes, *dropped[SPOOL_DROP_MAX];
	struct metric *sessions, *streams;
	struct metric *tick_us, *tick_late;
	struct metric *write_errors, *commits, *commit_errors, *commit_us;
	struct metric *disk_free, *disk_low, *disk_failed;
	struct metric *reports, *byes;
};

/* Counted during a tick, given to the metrics at its end. */
struct capture_counts {
	uint64_t rtp, rtcp, bytes, dropped[SPOOL_DROP_MAX];
};

/* A descriptor from an earlier process of this role. */
struct capture_kept {
	char key[64];
	int fd; /* -1: taken */
};

struct capture {
	/* fixed */
	struct role *role;
	struct loop *loop;
	struct clock *clock;
	int dir_fd;   /* the spool folder */
	int stamp_fd; /* keeps the kernel's time stamps on */
	struct ports ports;
	struct port_pool *pool;
	char cname[32];
	unsigned ticks_per_second;
	bool mute_dtmf; /* [media] dtmf = mute */
	struct capture_commit *commit;
	struct capture_metrics m;
	/* sessions */
	struct capture_session *hash[CAPTURE_HASH];
	struct capture_session *first;
	unsigned n_sessions;
	unsigned n_streams; /* with sockets */
	unsigned next_phase;
	/* sip */
	struct ipc *sip;
	bool draining;
	bool stopping; /* what the supervisor keeps stays there */
	/* time */
	struct loop_timer tick_timer;
	int64_t tick_due_us;
	uint64_t tick_no;
	int64_t commit_due_us;
	int64_t disk_due_us;
	/* disk */
	bool dirty; /* written since the last commit was asked */
	bool disk_low, disk_failed;
	uint64_t disk_free;
	unsigned writes_ok, writes_failed; /* since the last look */
	struct capture_ghosts ghosts;	   /* of closed streams */
	/* scratch, shared by all sessions */
	struct spool_batch batch;
	struct capture_counts counts;
	int64_t now_mono_us, now_wall_us; /* of the running drain */
	struct cap_open open;		  /* the message being worked on */
	struct spool_streams table;
	struct spool_close close;
	struct mmsghdr msgs[CAPTURE_RX];
	struct iovec iov[CAPTURE_RX];
	struct sockaddr_storage names[CAPTURE_RX];
	uint64_t control[CAPTURE_RX][CAPTURE_CONTROL_LEN / 8];
	uint8_t data[CAPTURE_RX][CAPTURE_PACKET_MAX];
};

/* ---- capture.c ---- */

/** Tell sip; what does not fit its queue is logged and gone. */
void capture_tell(struct capture *c, uint16_t type, uint64_t id,
		  const void *data, size_t len);
void capture_trouble(struct capture *c, struct capture_session *s, int index,
		     const char *code, const char *detail);
/** Result of one write, for the state of the disk. */
void capture_wrote(struct capture *c, struct capture_session *s, int r);
/** A kept socket, owned by the caller from now on, or -1. */
int capture_take_kept(const char *key);

/* ---- capture_session.c ---- */

struct capture_session *capture_session_find(struct capture *c,
					     const struct id *id);
/** Takes the streams of o; also for a session that exists (then as UPDATE).
 *  @return 0 or -errno: nothing is left behind */
int capture_session_open(struct capture *c, const struct cap_open *o,
			 struct capture_session **ret_session);
int capture_session_update(struct capture *c, struct capture_session *s,
			   const struct cap_open *o);
void capture_session_event(struct capture *c, struct capture_session *s,
			   const struct cap_event *e);
/** Ends it. @param ret what CAP_CLOSED says */
void capture_session_close(struct capture *c, struct capture_session *s,
			   const char *reason, bool discard,
			   struct cap_closed *ret);
/** Drain and write. @param all: RTCP as well */
void capture_session_drain(struct capture *c, struct capture_session *s,
			   bool all);
/** Have the spool's descriptor, also when none is left. */
void capture_session_wake(struct capture *c, struct capture_session *s);
/** Write the batch (also in the middle of a drain, when it is full). */
void capture_session_flush(struct capture *c, struct capture_session *s);
/** Into now_mono_us and now_wall_us; only with an empty batch. */
void capture_read_clocks(struct capture *c);
/** Once a second. */
void capture_session_second(struct capture *c, struct capture_session *s);
/** Without closing the recording: the role ends. */
void capture_session_free(struct capture *c, struct capture_session *s);
void capture_session_answer(const struct capture_session *s,
			    struct cap_opened *ret);

/* ---- capture_stream.c ---- */

/** @param resume look for kept sockets, then for the old port
 *  @return 0 or -errno */
int capture_stream_open(struct capture *c, struct capture_session *s,
			const struct cap_stream *cfg, bool resume,
			struct capture_stream **ret_stream);
/** A new offer for an open stream; may open or close its sockets. */
int capture_stream_update(struct capture *c, struct capture_session *s,
			  struct capture_stream *st,
			  const struct cap_stream *cfg);
void capture_stream_free(struct capture *c, struct capture_session *s,
			 struct capture_stream **stp);
void capture_stream_drain(struct capture *c, struct capture_session *s,
			  struct capture_stream *st, struct capture_sock *sock);
/** Fill the receive vectors; once. */
void capture_rx_init(struct capture *c);

/* ---- capture_sock.c ---- */

void capture_sock_init(struct capture_sock *k, uint8_t proto);
/** The sockets of that port from an earlier process. */
bool capture_sock_adopt(struct capture_stream *st, uint16_t port);
/** @param port to have again if it is free, 0 = any. @return 0 or -errno */
int capture_sock_open(struct capture *c, struct capture_session *s,
		      struct capture_stream *st, uint16_t port);
/** RTP and RTCP do not share a port any more. */
void capture_sock_unmux(struct capture *c, struct capture_session *s,
			struct capture_stream *st);
/** Into the pool when the client said BYE. */
void capture_sock_close(struct capture *c, struct capture_session *s,
			struct capture_stream *st);
/** The pool closes a pair. @param arg the capture */
void capture_sock_unkeep(void *arg, const struct ports_pair *p);

/* ---- capture_rtcp.c ---- */

/** A compound packet that passed the checks. */
void capture_rtcp_take(struct capture *c, struct capture_session *s,
		       struct capture_stream *st, const uint8_t *data,
		       size_t len, int64_t mono_us);
/** Send a report when it is time. */
void capture_rtcp_tick(struct capture *c, struct capture_stream *st);

/* ---- capture_srtp.c ---- */

/** Contexts for the keys of an offer. The same keys: nothing changes, so that
 *  the rollover counter goes on. Other ones: the last are good until the
 *  client is seen to use the new ones.
 *  @return 0 or -errno: everything is as it was */
int capture_srtp_offer(struct capture_stream *st, const struct cap_stream *cfg);
void capture_srtp_fini(struct capture_stream *st);
/** Decrypt in place. @return CAPTURE_KEEP, or why not */
enum spool_drop capture_srtp_rtp(struct capture_stream *st, uint8_t *data,
				 size_t *len);
enum spool_drop capture_srtp_rtcp(struct capture_stream *st, uint8_t *data,
				  size_t *len);
/** Encrypt a report of ours, if the stream is SRTP. @param size of data
 *  @return 0 or -errno */
int capture_srtp_seal(struct capture_stream *st, uint8_t *data, size_t size,
		      size_t *len);

#endif
