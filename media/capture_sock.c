/* media/capture_sock.c - where the sockets of a stream come from and go to.
 *
 * From an earlier process of this role (the supervisor kept them), from the
 * pool of ended calls, or from the kernel. The supervisor knows them by their
 * port, so that a pair from the pool needs no word to it: sip tells the port
 * of every stream that it wants to go on with.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/role.h"
#include "media/capture_impl.h"

/* ---- with the supervisor ---- */

static void kept_key(uint16_t rtp_port, uint8_t proto, char *dst, size_t len)
{
	(void)snprintf(dst, len, "%u/%s", rtp_port,
		       proto == SPOOL_RTP ? "rtp" : "rtcp");
}

/* The supervisor holds a duplicate for the next process of this role. */
static void sock_keep(struct capture *c, const struct capture_session *s,
		      uint16_t rtp_port, uint8_t proto, int fd)
{
	char key[32];
	int r;

	if (fd < 0)
		return;
	kept_key(rtp_port, proto, key, sizeof(key));
	r = role_keep(c->role, key, fd);
	if (r < 0)
		log_warn(&s->log, "capture.keep_failed", LOG_E(r));
}

static void sock_unkeep(struct capture *c, uint16_t rtp_port, uint8_t proto)
{
	char key[32];

	if (c->stopping)
		return;
	kept_key(rtp_port, proto, key, sizeof(key));
	role_unkeep(c->role, key);
}

static int take_kept(uint16_t rtp_port, uint8_t proto)
{
	char key[32];

	kept_key(rtp_port, proto, key, sizeof(key));
	return capture_take_kept(key);
}

void capture_sock_unkeep(void *arg, const struct ports_pair *p)
{
	struct capture *c = arg;

	sock_unkeep(c, p->rtp_port, SPOOL_RTP);
	if (p->rtcp_fd >= 0)
		sock_unkeep(c, p->rtp_port, SPOOL_RTCP);
}

/* ---- open ---- */

void capture_sock_init(struct capture_sock *k, uint8_t proto)
{
	*k = (struct capture_sock){ .fd = -1,
				    .proto = proto,
				    .empty_mono_us = INT64_MIN,
				    .last_mono_us = INT64_MIN };
}

bool capture_sock_adopt(struct capture_stream *st, uint16_t port)
{
	if (!port)
		return false;
	st->rtp.fd = take_kept(port, SPOOL_RTP);
	st->rtcp.fd = take_kept(port, SPOOL_RTCP);
	if (st->rtp.fd >= 0 && (st->rtcp.fd >= 0 || st->cfg.rtcp_mux) &&
	    ports_of_fd(st->rtp.fd) == port) {
		st->cfg.local_port = port;
		return true;
	}
	if (st->rtp.fd >= 0)
		close(st->rtp.fd);
	if (st->rtcp.fd >= 0)
		close(st->rtcp.fd);
	st->rtp.fd = st->rtcp.fd = -1;
	return false;
}

/* A new pair; ports and descriptors that only rest are given up for it. */
static int open_pair(struct capture *c, bool rtcp, struct ports_pair *ret_pair)
{
	int r = ports_open(&c->ports, rtcp, ret_pair);

	if ((r != -EADDRINUSE && r != -EMFILE) || !port_pool_count(c->pool))
		return r;
	port_pool_empty(c->pool);
	return ports_open(&c->ports, rtcp, ret_pair);
}

/* @param port that it had, 0 = none */
static int find_pair(struct capture *c, struct capture_session *s,
		     const struct capture_stream *st, uint16_t port,
		     struct ports_pair *ret_pair, bool *ret_kept)
{
	bool rtcp = !st->cfg.rtcp_mux;
	char detail[80];
	int r;

	*ret_kept = false;
	if (port && ports_open_at(&c->ports, port, rtcp, ret_pair) >= 0)
		return 0;
	*ret_kept = !port_pool_take(c->pool, rtcp, clock_mono_us(c->clock),
				    ret_pair);
	r = *ret_kept ? 0 : open_pair(c, rtcp, ret_pair);
	if (r < 0 || !port)
		return r;
	(void)snprintf(detail, sizeof(detail), "port %u was taken, now %u",
		       port, ret_pair->rtp_port);
	capture_trouble(c, s, st->cfg.index, "media.port_changed", detail);
	return 0;
}

int capture_sock_open(struct capture *c, struct capture_session *s,
		      struct capture_stream *st, uint16_t port)
{
	struct ports_pair pair;
	bool kept;
	int r;

	r = find_pair(c, s, st, port, &pair, &kept);
	if (r < 0)
		return r;
	capture_sock_init(&st->rtp, SPOOL_RTP);
	capture_sock_init(&st->rtcp, SPOOL_RTCP);
	st->rtp.fd = pair.rtp_fd;
	st->rtcp.fd = pair.rtcp_fd;
	st->rtp.empty_mono_us = st->rtcp.empty_mono_us =
		clock_mono_us(c->clock);
	st->cfg.local_port = pair.rtp_port;
	capture_ghosts_give(&c->ghosts, pair.rtp_port, &s->id, &st->check);
	if (kept)
		return 0;
	sock_keep(c, s, pair.rtp_port, SPOOL_RTP, pair.rtp_fd);
	sock_keep(c, s, pair.rtp_port, SPOOL_RTCP, pair.rtcp_fd);
	return 0;
}

void capture_sock_unmux(struct capture *c, struct capture_session *s,
			struct capture_stream *st)
{
	uint16_t port = st->cfg.local_port;
	char detail[80];
	int fd;

	if (st->rtp.fd < 0 || st->rtcp.fd >= 0 || st->cfg.rtcp_mux)
		return;
	fd = ports_open_one(&c->ports, (uint16_t)(port + 1));
	if (fd < 0) {
		(void)snprintf(detail, sizeof(detail),
			       "port %u is taken: no RTCP", port + 1);
		capture_trouble(c, s, st->cfg.index, "media.rtcp_port_taken",
				detail);
		return;
	}
	capture_sock_init(&st->rtcp, SPOOL_RTCP);
	st->rtcp.fd = fd;
	sock_keep(c, s, port, SPOOL_RTCP, fd);
}

/* ---- close ---- */

void capture_sock_close(struct capture *c, struct capture_session *s,
			struct capture_stream *st)
{
	struct ports_pair pair = { st->rtp.fd, st->rtcp.fd,
				   st->cfg.local_port };

	if (pair.rtp_fd < 0)
		return;
	st->rtp.fd = st->rtcp.fd = -1;
	/* one that lost packets counts them for ever: not for another call */
	if (s->said_bye && !c->stopping && !st->rtp.ovfl && !st->rtcp.ovfl) {
		port_pool_give(c->pool, &pair, clock_mono_us(c->clock));
		return;
	}
	capture_sock_unkeep(c, &pair);
	close(pair.rtp_fd);
	if (pair.rtcp_fd >= 0)
		close(pair.rtcp_fd);
}
