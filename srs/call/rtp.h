/* srs/call/rtp.h - the RTP sender of one stream of a call.
 *
 * A pair of sockets on the local address, a packet every 20 ms while active,
 * sender reports at RFC 3550's rate. On hold nothing is sent: the sequence
 * goes on, the RTP time jumps by the length of the hold. What the other side
 * sends is read and dropped.
 */
#ifndef SRS_CALL_RTP_H
#define SRS_CALL_RTP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct call_stream_result;
struct call_voice;
struct srtp_out;

#define CALL_RTP_PACKET_MAX 1500

/* Storage is the caller's; fields are read and written in rtp.c, but for
 * the first group. */
struct call_rtp {
	/* set by the caller after call_rtp_open() */
	const struct call_voice *voice;
	double loss_percent;
	bool reorder;
	struct sockaddr_storage to_rtp, to_rtcp; /* family 0: not yet */
	uint8_t pt;
	uint8_t dtmf_pt;  /* 0: the server does not take telephone-event */
	const char *dtmf; /* NULL = none; borrowed */
	int64_t dtmf_at_us;
	struct call_stream_result *count;
	struct srtp_out *srtp; /* owned from here on; NULL = in clear */
	/* read by the caller */
	uint16_t rtp_port, rtcp_port;
	int64_t due_mono_us; /* next packet; INT64_MAX while not active */
	/* private */
	int fd, rtcp_fd;
	bool active;
	bool marker; /* the next packet begins a talk spurt */
	uint16_t seq;
	uint32_t ts_base, ssrc;
	int64_t ts_mono_us; /* where ts_base is */
	uint64_t frame;
	uint64_t sent, octets;
	int64_t sr_mono_us;
	bool sr_first;
	uint32_t random;
	uint8_t held[CALL_RTP_PACKET_MAX]; /* leaves after the next one */
	unsigned held_len;
};

/** Bind an even port and the one above it. @param local port ignored
 *  @return 0 or a socket's -errno */
int call_rtp_open(struct call_rtp *s, const struct sockaddr_storage *local);
void call_rtp_close(struct call_rtp *s);

/** Start, resume, or stop sending. */
void call_rtp_activate(struct call_rtp *s, bool active, int64_t now_mono_us);

/** Send everything that is due. @param now_wall_us for sender reports */
void call_rtp_tick(struct call_rtp *s, int64_t now_mono_us,
		   int64_t now_wall_us);

/** RTCP BYE. */
void call_rtp_bye(struct call_rtp *s);

#endif
