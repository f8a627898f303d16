#include "srs/call/rtp.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/id.h"
#include "base/str.h"
#include "media/dtmf.h"
#include "media/rtcp.h"
#include "media/rtp.h"
#include "media/srtp.h"
#include "srs/call/call.h"
#include "srs/call/voice.h"

#define FRAME_US 20000
#define PAIR_TRIES 100
#define CNAME "srs-call@srs.invalid"

static socklen_t addr_len(const struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					: sizeof(struct sockaddr_in);
}

static in_port_t *port_of(struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET6 ? &((struct sockaddr_in6 *)a)->sin6_port
					: &((struct sockaddr_in *)a)->sin_port;
}

/* @param port 0: any. @return descriptor or -errno */
static int bind_one(struct sockaddr_storage local, uint16_t port,
		    uint16_t *ret_port)
{
	socklen_t len = addr_len(&local);
	int fd = socket(local.ss_family,
			SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	*port_of(&local) = htons(port);
	if (bind(fd, (struct sockaddr *)&local, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)&local, &len) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	*ret_port = ntohs(*port_of(&local));
	return fd;
}

int call_rtp_open(struct call_rtp *s, const struct sockaddr_storage *local)
{
	int r = -EADDRINUSE;

	*s = (struct call_rtp){ .fd = -1,
				.rtcp_fd = -1,
				.due_mono_us = INT64_MAX,
				.sr_first = true };
	id_random(&s->seq, sizeof(s->seq));
	id_random(&s->ts_base, sizeof(s->ts_base));
	id_random(&s->ssrc, sizeof(s->ssrc));
	id_random(&s->random, sizeof(s->random));
	s->random |= 1;
	for (int i = 0; i < PAIR_TRIES; i++) {
		s->fd = bind_one(*local, 0, &s->rtp_port);
		if (s->fd < 0)
			return s->fd;
		if (!(s->rtp_port & 1)) {
			r = bind_one(*local, (uint16_t)(s->rtp_port + 1),
				     &s->rtcp_port);
			if (r >= 0) {
				s->rtcp_fd = r;
				return 0;
			}
		}
		close(s->fd);
		s->fd = -1;
	}
	return r;
}

void call_rtp_close(struct call_rtp *s)
{
	if (s->fd >= 0)
		close(s->fd);
	if (s->rtcp_fd >= 0)
		close(s->rtcp_fd);
	s->fd = s->rtcp_fd = -1;
	s->due_mono_us = INT64_MAX;
	srtp_out_destroy(&s->srtp);
}

/* xorshift32: only decides which packets are lost */
static uint32_t next_random(struct call_rtp *s)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 17;
	s->random ^= s->random << 5;
	return s->random;
}

static uint32_t ts_at(const struct call_rtp *s, int64_t mono_us)
{
	int64_t per_second = (int64_t)call_voice_ticks(s->voice) * 50;

	return s->ts_base +
	       (uint32_t)((mono_us - s->ts_mono_us) * per_second / 1000000);
}

void call_rtp_activate(struct call_rtp *s, bool active, int64_t now_mono_us)
{
	int64_t frames;

	if (active == s->active || !s->to_rtp.ss_family)
		return;
	s->active = active;
	if (!active) {
		s->due_mono_us = INT64_MAX;
		return;
	}
	if (!s->ts_mono_us)
		s->ts_mono_us = now_mono_us;
	/* stay on the grid of 20 ms, as a sender with a clock does */
	frames = (now_mono_us - s->ts_mono_us + FRAME_US - 1) / FRAME_US;
	s->due_mono_us = s->ts_mono_us + frames * FRAME_US;
	s->marker = true;
}

static void transmit(struct call_rtp *s, const void *p, size_t len)
{
	uint8_t sealed[CALL_RTP_PACKET_MAX + SRTP_TAIL_MAX];

	if (s->srtp && len <= CALL_RTP_PACKET_MAX) {
		memcpy(sealed, p, len);
		if (srtp_out_rtp(s->srtp, sealed, sizeof(sealed), len, &len) <
		    0)
			return;
		p = sealed;
	}
	/* a full buffer or a closed port is what loss is like */
	(void)sendto(s->fd, p, len, 0, (struct sockaddr *)&s->to_rtp,
		     addr_len(&s->to_rtp));
}

/* As the network: drop, hold back, or deliver (and then what was held). */
static void through_network(struct call_rtp *s, const uint8_t *p, unsigned len)
{
	if (s->loss_percent > 0 &&
	    (double)next_random(s) < s->loss_percent / 100 * UINT32_MAX) {
		s->count->dropped++;
		return;
	}
	s->count->packets++;
	if (s->reorder && !s->held_len && next_random(s) % 10 == 0) {
		memcpy(s->held, p, len);
		s->held_len = len;
		s->count->late++;
		return;
	}
	transmit(s, p, len);
	if (s->held_len)
		transmit(s, s->held, s->held_len);
	s->held_len = 0;
}

/* ---- keys ---- */

/* A key sounds for 160 ms, 80 ms of talk follow. */
#define KEY_FRAMES 8u
#define KEY_PERIOD 12u
#define KEY_ENDS 3u
#define KEY_VOLUME 10u

static void send_key(struct call_rtp *s, int event, unsigned phase)
{
	uint8_t packet[RTP_HEADER_MIN + 4];
	unsigned ticks = call_voice_ticks(s->voice);
	unsigned heard = (phase + 1) * ticks;
	bool end = phase == KEY_FRAMES - 1;
	uint32_t ts = ts_at(s, s->due_mono_us) - phase * ticks;

	for (unsigned i = 0; i < (end ? KEY_ENDS : 1); i++) {
		rtp_write_header(packet, phase == 0, s->dtmf_pt, s->seq++, ts,
				 s->ssrc);
		packet[RTP_HEADER_MIN] = (uint8_t)event;
		packet[RTP_HEADER_MIN + 1] =
			(uint8_t)((end ? 0x80u : 0) | KEY_VOLUME);
		packet[RTP_HEADER_MIN + 2] = (uint8_t)(heard >> 8);
		packet[RTP_HEADER_MIN + 3] = (uint8_t)heard;
		s->sent++;
		s->octets += 4;
		through_network(s, packet, sizeof(packet));
	}
	s->frame++; /* what would have been said is not heard */
}

/* @return whether a key takes the place of this frame */
static bool press_key(struct call_rtp *s)
{
	int64_t at = s->due_mono_us - s->ts_mono_us - s->dtmf_at_us;
	uint64_t frame;

	if (!s->dtmf || !s->dtmf_pt || at < 0)
		return false;
	frame = (uint64_t)at / FRAME_US;
	if (frame / KEY_PERIOD >= strlen(s->dtmf) ||
	    frame % KEY_PERIOD >= KEY_FRAMES)
		return false;
	send_key(s, dtmf_event(s->dtmf[frame / KEY_PERIOD]),
		 (unsigned)(frame % KEY_PERIOD));
	return true;
}

static void send_frame(struct call_rtp *s)
{
	uint8_t packet[CALL_RTP_PACKET_MAX];
	struct span f = call_voice_frame(s->voice, s->frame++);

	if (f.len > sizeof(packet) - RTP_HEADER_MIN)
		return;
	rtp_write_header(packet, s->marker, s->pt, s->seq++,
			 ts_at(s, s->due_mono_us), s->ssrc);
	memcpy(packet + RTP_HEADER_MIN, f.p, f.len);
	s->marker = false;
	s->sent++;
	s->octets += f.len;
	through_network(s, packet, (unsigned)(RTP_HEADER_MIN + f.len));
}

/* @param p RTCP_BUILD_MAX + SRTP_TAIL_MAX bytes */
static void send_rtcp(struct call_rtp *s, uint8_t *p, int built)
{
	size_t len = built > 0 ? (size_t)built : 0;

	if (len && s->srtp &&
	    srtp_out_rtcp(s->srtp, p, RTCP_BUILD_MAX + SRTP_TAIL_MAX, len,
			  &len) < 0)
		return; /* never in clear */
	if (len && s->to_rtcp.ss_family)
		(void)sendto(s->rtcp_fd, p, len, 0,
			     (struct sockaddr *)&s->to_rtcp,
			     addr_len(&s->to_rtcp));
}

static void send_report(struct call_rtp *s, int64_t now_mono_us,
			int64_t now_wall_us)
{
	uint8_t packet[RTCP_BUILD_MAX + SRTP_TAIL_MAX];
	struct rtcp_sender sr = {
		.ntp = rtcp_ntp_from_wall_us(now_wall_us),
		.ts_rtp = ts_at(s, now_mono_us),
		.packets = (uint32_t)s->sent,
		.octets = (uint32_t)s->octets,
	};

	send_rtcp(s, packet,
		  rtcp_build_sr(s->ssrc, &sr, NULL, 0, CNAME, packet,
				RTCP_BUILD_MAX));
}

static void drain(int fd)
{
	uint8_t junk[CALL_RTP_PACKET_MAX];

	while (recv(fd, junk, sizeof(junk), MSG_DONTWAIT) >= 0)
		;
}

void call_rtp_tick(struct call_rtp *s, int64_t now_mono_us, int64_t now_wall_us)
{
	if (!s->active)
		return;
	while (s->due_mono_us <= now_mono_us) {
		if (!press_key(s))
			send_frame(s);
		s->due_mono_us += FRAME_US;
	}
	if (!s->sr_mono_us || now_mono_us < s->sr_mono_us) {
		if (!s->sr_mono_us)
			s->sr_mono_us = now_mono_us +
					rtcp_interval_us(true, next_random(s));
		return;
	}
	send_report(s, now_mono_us, now_wall_us);
	drain(s->fd);
	drain(s->rtcp_fd);
	s->sr_mono_us = now_mono_us + rtcp_interval_us(false, next_random(s));
}

void call_rtp_bye(struct call_rtp *s)
{
	uint8_t packet[RTCP_BUILD_MAX + SRTP_TAIL_MAX];

	if (s->held_len)
		transmit(s, s->held, s->held_len);
	s->held_len = 0;
	if (s->sent)
		send_rtcp(s, packet,
			  rtcp_build_bye(s->ssrc, packet, RTCP_BUILD_MAX));
}
