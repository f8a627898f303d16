/* test_capture.c - the capture role with real sockets: what goes in over the
 * network is in the spool, what must not be is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "media/capture_check.h"
#include "media/capture_ghost.h"
#include "media/ports.h"
#include "media/rtcp.h"
#include "media/rtp.h"
#include "media/spool.h"
#include "tests/support/capture_rig.h"

#define S1 "0190a5e2-7c1b-7def-8123-000000000001"
#define S2 "0190a5e2-7c1b-7def-8123-000000000002"

static struct cap_open desc;

static int setup(void **state)
{
	static struct rig g;

	rig_init(&g);
	rig_start(&g);
	*state = &g;
	return 0;
}

static int teardown(void **state)
{
	rig_fini(*state);
	return 0;
}

struct seen {
	unsigned rtp[4], rtcp[4], n_restart, n_event, n_streams, n_close;
	uint16_t seqs[4][2048];
	int64_t t_us[4][2048];
	struct spool_stats stats;
};

static void read_spool(const struct rig *g, const char *session,
		       struct seen *ret)
{
	struct spool_reader *r = NULL;
	struct spool_item it;
	char path[160];
	int n;

	memset(ret, 0, sizeof(*ret));
	(void)snprintf(path, sizeof(path), "%s/spool/%s.spool", g->dir,
		       session);
	assert_int_equal(spool_reader_open(path, &r), 0);
	while ((n = spool_reader_next(r, &it)) > 0) {
		ret->n_restart += it.type == SPOOL_RESTART;
		ret->n_event += it.type == SPOOL_EVENT;
		ret->n_streams += it.type == SPOOL_STREAMS;
		ret->n_close += it.type == SPOOL_CLOSE;
		if (it.type != SPOOL_PACKETS)
			continue;
		assert_in_range(it.packet.stream, 0, 3);
		if (it.packet.proto == SPOOL_RTP) {
			unsigned at = ret->rtp[it.packet.stream]++;
			struct rtp_packet p;

			assert_int_equal(rtp_parse(it.packet.data,
						   it.packet.len, &p),
					 0);
			ret->seqs[it.packet.stream][at & 2047] = p.seq;
			ret->t_us[it.packet.stream][at & 2047] = it.t_us;
		} else {
			ret->rtcp[it.packet.stream]++;
		}
	}
	assert_int_equal(n, 0);
	spool_reader_stats(r, &ret->stats);
	spool_reader_close(&r);
}

static struct seen seen;

static void packets_of_two_streams_are_in_the_spool(void **state)
{
	struct rig *g = *state;
	uint16_t pa, pb;
	int a = rig_socket(&pa), b = rig_socket(&pb);

	rig_describe(&desc, S1, 2, 1);
	rig_open(g, &desc);
	assert_int_equal(g->opened.error, 0);
	assert_int_equal(g->opened.n_streams, 2);
	assert_string_equal(g->opened.spool_file, S1 ".spool");
	assert_int_equal(g->opened.streams[0].rtp_port % 2, 0);
	assert_int_equal(g->opened.streams[0].rtcp_port,
			 g->opened.streams[0].rtp_port + 1);
	for (unsigned i = 0; i < 100; i++) {
		rig_rtp(a, g->opened.streams[0].rtp_port, 0, (uint16_t)i, 1,
			172);
		rig_rtp(b, g->opened.streams[1].rtp_port, i == 50 ? 101 : 0,
			(uint16_t)(65500 + i), 2, 172);
		if (i == 49)
			rig_turn(g, 60);
	}
	rig_close(g, S1, false);
	assert_int_equal(g->closed.error, 0);
	assert_int_equal(g->closed.packets, 200);
	assert_int_equal(g->closed.dropped, 0);
	read_spool(g, S1, &seen);
	assert_int_equal(seen.rtp[0], 100);
	assert_int_equal(seen.rtp[1], 100);
	assert_int_equal(seen.n_close, 1);
	assert_int_equal(seen.n_streams, 1);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(seen.seqs[0][i], i);
		if (i)
			assert_true(seen.t_us[0][i] >= seen.t_us[0][i - 1]);
	}
	/* arrival is the kernel's time, not that of the drain */
	assert_in_range(seen.t_us[0][50] - seen.t_us[0][49], 50000, 200000);
	close(a);
	close(b);
}

static void what_fails_a_check_is_counted_not_stored(void **state)
{
	struct rig *g = *state;
	struct sockaddr_in *v4;
	uint16_t port, pa;
	int a = rig_socket(&pa);

	rig_describe(&desc, S1, 2, 1);
	v4 = (struct sockaddr_in *)&desc.streams[1].remote_rtp;
	v4->sin_addr.s_addr = htonl(0x7f000002); /* 127.0.0.2 */
	rig_open(g, &desc);
	port = g->opened.streams[0].rtp_port;
	rig_rtp(a, port, 0, 1, 1, 172);
	rig_rtp(a, port, 8, 2, 1, 172);	     /* PCMA is not in the answer */
	(void)rig_rtp(a, port, 0, 3, 1, 12); /* empty, but valid */
	for (unsigned i = 0; i < 10; i++)    /* from 127.0.0.1, not .2 */
		rig_rtp(a, g->opened.streams[1].rtp_port, 0, (uint16_t)i, 9,
			172);
	rig_wait(g, &g->n_trouble, 1);
	assert_string_equal(g->trouble.code, "media.source_rejected");
	assert_int_equal(g->trouble.index, 1);
	for (unsigned i = 0; i < 8; i++) /* 4 SSRCs at most */
		rig_rtp(a, port, 0, 1, 100 + i, 172);
	rig_close(g, S1, false);
	assert_int_equal(g->n_trouble, 2); /* told once each: the SSRCs */
	assert_int_equal(g->closed.packets, 2 + 3);
	assert_int_equal(g->closed.dropped, 1 + 10 + 5);
	read_spool(g, S1, &seen);
	assert_int_equal(seen.rtp[0], 5);
	assert_int_equal(seen.rtp[1], 0);
	close(a);
}

static void nothing_is_stored_on_hold_or_muted(void **state)
{
	struct rig *g = *state;
	uint16_t port, pa;
	int a = rig_socket(&pa);
	uint16_t seq = 0;

	rig_describe(&desc, S1, 1, 1);
	rig_open(g, &desc);
	port = g->opened.streams[0].rtp_port;
	for (; seq < 10; seq++)
		rig_rtp(a, port, 0, seq, 1, 172);
	desc.streams[0].active = false;
	rig_send(g, CAP_UPDATE, &desc, sizeof(desc));
	rig_wait(g, &g->n_opened, 2);
	assert_int_equal(g->opened.streams[0].rtp_port, port);
	rig_event(g, S1, CAP_EV_HOLD, 0);
	for (; seq < 20; seq++)
		rig_rtp(a, port, 0, seq, 1, 172);
	rig_turn(g, 50);
	desc.streams[0].active = true;
	desc.streams[0].muted = true;
	rig_send(g, CAP_UPDATE, &desc, sizeof(desc));
	rig_wait(g, &g->n_opened, 3);
	for (; seq < 30; seq++)
		rig_rtp(a, port, 0, seq, 1, 172);
	rig_turn(g, 50);
	desc.streams[0].muted = false;
	rig_send(g, CAP_UPDATE, &desc, sizeof(desc));
	rig_wait(g, &g->n_opened, 4);
	/* a refresh that changes nothing writes nothing */
	rig_send(g, CAP_UPDATE, &desc, sizeof(desc));
	rig_wait(g, &g->n_opened, 5);
	/* sent in the pause, overtaken by its end */
	rig_rtp(a, port, 0, seq - 1, 1, 172);
	for (; seq < 40; seq++)
		rig_rtp(a, port, 0, seq, 1, 172);
	rig_close(g, S1, false);
	assert_int_equal(g->closed.packets, 20);
	assert_int_equal(g->closed.dropped, 21);
	read_spool(g, S1, &seen);
	assert_int_equal(seen.rtp[0], 20);
	assert_int_equal(seen.seqs[0][9], 9);
	assert_int_equal(seen.seqs[0][10], 30);
	assert_int_equal(seen.n_streams, 4);
	assert_int_equal(seen.n_event, 1);
	close(a);
}

/* What is left is a header, so that the sequence has no hole. */
static void muted_digits_never_reach_the_file(void **state)
{
	struct rig *g = *state;
	struct spool_reader *r = NULL;
	unsigned n_audio = 0, n_digits = 0;
	struct spool_item it;
	char path[160];
	uint16_t pa;
	int a = rig_socket(&pa);

	rig_kill(g);
	g->settings.media.dtmf = DTMF_MUTE;
	rig_start(g);
	rig_describe(&desc, S1, 1, 1);
	rig_open(g, &desc);
	for (unsigned i = 0; i < 20; i++)
		rig_rtp(a, g->opened.streams[0].rtp_port, i % 2 ? 101 : 0,
			(uint16_t)i, 1, i % 2 ? 16 : 172);
	rig_close(g, S1, false);
	(void)snprintf(path, sizeof(path), "%s/spool/" S1 ".spool", g->dir);
	assert_int_equal(spool_reader_open(path, &r), 0);
	while (spool_reader_next(r, &it) > 0) {
		if (it.type != SPOOL_PACKETS)
			continue;
		if ((it.packet.data[1] & 0x7f) != 101) {
			n_audio++;
			continue;
		}
		n_digits++;
		assert_int_equal(it.packet.len, RTP_HEADER_MIN);
	}
	spool_reader_close(&r);
	assert_int_equal(n_audio, 10);
	assert_int_equal(n_digits, 10);
	close(a);
}

static void streams_come_and_go_by_update(void **state)
{
	struct rig *g = *state;
	uint16_t pa;
	int a = rig_socket(&pa);

	rig_describe(&desc, S1, 2, 1);
	desc.streams[1].enabled = false;
	rig_open(g, &desc);
	assert_int_equal(g->opened.streams[1].rtp_port, 0);
	assert_int_equal(g->opened.streams[1].rtcp_port, 0);
	desc.streams[1].enabled = true;
	desc.streams[0].enabled = false;
	rig_send(g, CAP_UPDATE, &desc, sizeof(desc));
	rig_wait(g, &g->n_opened, 2);
	assert_int_equal(g->opened.streams[0].rtp_port, 0);
	assert_int_not_equal(g->opened.streams[1].rtp_port, 0);
	rig_rtp(a, g->opened.streams[1].rtp_port, 0, 1, 1, 172);
	rig_close(g, S1, false);
	assert_int_equal(g->closed.packets, 1);
	rig_turn(g, 50);
	assert_int_equal(g->n_kept, 2); /* they rest; the others are gone */
	close(a);
}

/* A re-INVITE that changes codec and the number of the keys; what was sent
 * before it is still taken, its keys muted as before. */
static void packets_under_way_survive_a_change_of_codec(void **state)
{
	struct rig *g = *state;
	struct spool_reader *r = NULL;
	unsigned n_old = 0, n_keys = 0;
	struct spool_item it;
	char path[160];
	uint16_t pa, port;
	int a = rig_socket(&pa);

	rig_kill(g);
	g->settings.media.dtmf = DTMF_MUTE;
	rig_start(g);
	rig_describe(&desc, S1, 1, 1);
	rig_open(g, &desc);
	port = g->opened.streams[0].rtp_port;
	desc.streams[0].pts[0].pt = 8;
	(void)str_copy(desc.streams[0].pts[0].codec,
		       sizeof(desc.streams[0].pts[0].codec), "PCMA");
	desc.streams[0].pts[1].pt = 96;
	rig_send(g, CAP_UPDATE, &desc, sizeof(desc));
	rig_wait(g, &g->n_opened, 2);
	for (unsigned i = 0; i < 20; i++)
		rig_rtp(a, port, i % 2 ? 101 : 0, (uint16_t)i, 1,
			i % 2 ? 16 : 172);
	rig_rtp(a, port, 8, 20, 1, 172);
	rig_close(g, S1, false);
	assert_int_equal(g->closed.packets, 21);
	(void)snprintf(path, sizeof(path), "%s/spool/" S1 ".spool", g->dir);
	assert_int_equal(spool_reader_open(path, &r), 0);
	while (spool_reader_next(r, &it) > 0) {
		if (it.type != SPOOL_PACKETS)
			continue;
		n_old += (it.packet.data[1] & 0x7f) == 0;
		if ((it.packet.data[1] & 0x7f) != 101)
			continue;
		n_keys++;
		assert_int_equal(it.packet.len, RTP_HEADER_MIN);
	}
	spool_reader_close(&r);
	assert_int_equal(n_old, 10);
	assert_int_equal(n_keys, 10);
	close(a);
}

static bool is_free(uint16_t port)
{
	struct ports_pair p;
	struct ports ports;

	assert_int_equal(ports_init(&ports, "127.0.0.1", 0, 0), 0);
	if (ports_open_at(&ports, port, false, &p) < 0)
		return false;
	close(p.rtp_fd);
	return true;
}

static void sockets_rest_only_after_a_bye(void **state)
{
	struct cap_close c = { .reason = "timeout" };
	struct rig *g = *state;
	uint16_t port;

	rig_describe(&desc, S1, 1, 1);
	rig_open(g, &desc);
	rig_wait(g, &g->n_kept, 2);
	port = g->opened.streams[0].rtp_port;
	(void)str_copy(c.session.s, sizeof(c.session.s), S1);
	rig_send(g, CAP_CLOSE, &c, sizeof(c));
	rig_wait(g, &g->n_closed, 1);
	/* its sender may still believe in the call */
	rig_turn(g, 50);
	assert_int_equal(g->n_kept, 0);
	assert_true(is_free(port));
	rig_describe(&desc, S2, 1, 1);
	rig_open(g, &desc);
	port = g->opened.streams[0].rtp_port;
	rig_close(g, S2, false);
	rig_turn(g, 50);
	assert_int_equal(g->n_kept, 2);
	assert_false(is_free(port));
}

static void a_shared_port_takes_one_socket(void **state)
{
	struct rig *g = *state;
	uint16_t port, pa;
	int a = rig_socket(&pa);

	rig_describe(&desc, S1, 1, 1);
	desc.streams[0].rtcp_mux = true;
	rig_open(g, &desc);
	port = g->opened.streams[0].rtp_port;
	assert_int_equal(g->opened.streams[0].rtcp_port, port + 1);
	rig_rtp(a, port, 0, 1, 1, 172);
	rig_turn(g, 50);
	assert_int_equal(g->n_kept, 1);
	assert_true(is_free((uint16_t)(port + 1)));
	/* goes on after a restart of capture */
	rig_kill(g);
	rig_rtp(a, port, 0, 2, 1, 172);
	rig_start(g);
	desc.resume = true;
	desc.streams[0].local_port = port;
	rig_open(g, &desc);
	assert_int_equal(g->opened.streams[0].rtp_port, port);
	desc.resume = false;
	/* the client does not want to share any more */
	desc.streams[0].rtcp_mux = false;
	rig_send(g, CAP_UPDATE, &desc, sizeof(desc));
	rig_wait(g, &g->n_opened, 3);
	assert_int_equal(g->opened.streams[0].rtp_port, port);
	rig_wait(g, &g->n_kept, 2);
	assert_false(is_free((uint16_t)(port + 1)));
	assert_int_equal(g->n_trouble, 0);
	rig_close(g, S1, false);
	assert_int_equal(g->closed.packets, 2);
	close(a);
}

/* Spool files that the role has open. */
static unsigned open_spools(const struct rig *g)
{
	char path[64], target[256];
	struct dirent *e;
	unsigned n = 0;
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)g->pid);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d))) {
		ssize_t len = readlinkat(dirfd(d), e->d_name, target,
					 sizeof(target) - 1);

		if (len <= 0)
			continue;
		target[len] = '\0';
		n += strstr(target, ".spool") != NULL;
	}
	(void)closedir(d);
	return n;
}

static void a_silent_call_has_no_file_open(void **state)
{
	struct rig *g = *state;
	uint16_t port, pa;
	int a = rig_socket(&pa);

	rig_describe(&desc, S1, 1, 1);
	rig_open(g, &desc);
	port = g->opened.streams[0].rtp_port;
	rig_rtp(a, port, 0, 1, 1, 172);
	rig_turn(g, 50);
	for (unsigned i = 0; i < 1000 && open_spools(g); i++)
		rig_turn(g, 20);
	assert_int_equal(open_spools(g), 0);
	rig_rtp(a, port, 0, 2, 1, 172);
	for (unsigned i = 0; i < 1000 && !open_spools(g); i++)
		rig_turn(g, 20);
	assert_int_equal(open_spools(g), 1);
	for (unsigned i = 0; i < 1000 && open_spools(g); i++)
		rig_turn(g, 20);
	/* a restart while it rests */
	rig_kill(g);
	rig_start(g);
	desc.resume = true;
	desc.streams[0].local_port = port;
	rig_open(g, &desc);
	assert_int_equal(g->opened.error, 0);
	rig_rtp(a, port, 0, 3, 1, 172);
	rig_close(g, S1, false);
	assert_int_equal(g->closed.packets, 3);
	read_spool(g, S1, &seen);
	assert_int_equal(seen.rtp[0], 3);
	assert_int_equal(seen.n_close, 1);
	close(a);
}

static void a_killed_capture_goes_on_in_the_same_file(void **state)
{
	struct rig *g = *state;
	uint16_t port, pa;
	int a = rig_socket(&pa);
	uint16_t seq = 0;

	rig_describe(&desc, S1, 1, 1);
	rig_open(g, &desc);
	port = g->opened.streams[0].rtp_port;
	for (; seq < 50; seq++)
		rig_rtp(a, port, 0, seq, 1, 172);
	rig_wait(g, &g->n_activity, 1);
	assert_int_equal(g->n_kept, 2);
	rig_kill(g);
	for (; seq < 100; seq++) /* nobody is there: the socket holds them */
		rig_rtp(a, port, 0, seq, 1, 172);
	rig_start(g);
	desc.resume = true;
	desc.streams[0].local_port = port;
	rig_open(g, &desc);
	assert_int_equal(g->opened.error, 0);
	assert_int_equal(g->opened.streams[0].rtp_port, port);
	rig_send(g, CAP_SYNC, NULL, 0);
	for (; seq < 150; seq++)
		rig_rtp(a, port, 0, seq, 1, 172);
	rig_close(g, S1, false);
	assert_int_equal(g->closed.packets, 150);
	read_spool(g, S1, &seen);
	assert_int_equal(seen.rtp[0], 150);
	assert_int_equal(seen.n_restart, 1);
	assert_int_equal(seen.n_close, 1);
	for (unsigned i = 0; i < 150; i++)
		assert_int_equal(seen.seqs[0][i], i);
	close(a);
}

static void without_kept_sockets_the_old_port_is_bound_again(void **state)
{
	struct rig *g = *state;
	uint16_t port;

	rig_describe(&desc, S1, 1, 1);
	rig_open(g, &desc);
	port = g->opened.streams[0].rtp_port;
	rig_wait(g, &g->n_kept, 2);
	rig_kill(g);
	while (g->n_kept) /* the supervisor died as well */
		close(g->kept[--g->n_kept].fd);
	rig_start(g);
	desc.resume = true;
	desc.streams[0].local_port = port;
	rig_open(g, &desc);
	assert_int_equal(g->opened.error, 0);
	assert_int_equal(g->opened.streams[0].rtp_port, port);
	rig_close(g, S1, false);
	rig_open(g, &desc); /* finished: can't be resumed */
	assert_int_equal(g->opened.error, -EALREADY);
}

static void a_new_sip_closes_what_it_does_not_know(void **state)
{
	struct rig *g = *state;
	uint16_t port;

	rig_describe(&desc, S1, 1, 1);
	rig_open(g, &desc);
	port = g->opened.streams[0].rtp_port;
	rig_describe(&desc, S2, 1, 1);
	rig_open(g, &desc);
	rig_new_sip(g);
	rig_describe(&desc, S1, 1, 1);
	desc.resume = true;
	rig_open(g, &desc);
	assert_int_equal(g->opened.streams[0].rtp_port, port);
	rig_send(g, CAP_SYNC, NULL, 0);
	rig_wait(g, &g->n_closed, 1);
	assert_string_equal(g->closed.session.s, S2);
	rig_close(g, S1, false);
	assert_int_equal(g->closed.error, 0);
	rig_close(g, S2, false); /* gone, but its file is there */
	assert_int_equal(g->closed.error, -ENOENT);
	assert_string_equal(g->closed.spool_file, S2 ".spool");
}

static void discard_leaves_no_file(void **state)
{
	struct rig *g = *state;
	char path[160];

	rig_describe(&desc, S1, 1, 1);
	rig_open(g, &desc);
	rig_close(g, S1, true);
	assert_int_equal(g->closed.error, 0);
	(void)snprintf(path, sizeof(path), "%s/spool/%s.spool", g->dir, S1);
	assert_int_equal(access(path, F_OK), -1);
}

static void a_stop_leaves_the_recording_unfinished(void **state)
{
	struct rig *g = *state;
	uint16_t pa;
	int a = rig_socket(&pa);

	rig_describe(&desc, S1, 1, 1);
	rig_open(g, &desc);
	for (uint16_t seq = 0; seq < 20; seq++)
		rig_rtp(a, g->opened.streams[0].rtp_port, 0, seq, 1, 172);
	assert_int_equal(rig_stop(g), 0);
	read_spool(g, S1, &seen);
	assert_int_equal(seen.rtp[0], 20); /* flushed */
	assert_int_equal(seen.n_close, 0);
	assert_int_equal(g->n_kept, 2);
	close(a);
}

static void reports_are_sent_and_stored(void **state)
{
	struct rig *g = *state;
	uint8_t raw[RTCP_BUILD_MAX];
	struct rtcp_sender sr = { .ntp = 0x1234567890abcdef, .ts_rtp = 1 };
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct timeval patience = { .tv_sec = 10 };
	struct rtcp_packet p;
	struct cursor c;
	uint16_t pa, pb, port;
	int a = rig_socket(&pa), b = rig_socket(&pb), len;
	ssize_t n;

	rig_describe(&desc, S1, 1, pa);
	((struct sockaddr_in *)&desc.streams[0].remote_rtcp)->sin_port =
		htons(pb);
	rig_open(g, &desc);
	port = g->opened.streams[0].rtp_port;
	for (uint16_t seq = 0; seq < 20; seq++)
		if (seq != 10)
			rig_rtp(a, port, 0, seq, 0x77, 172);
	len = rtcp_build_sr(0x77, &sr, NULL, 0, "me", raw, sizeof(raw));
	to.sin_port = htons((uint16_t)(port + 1));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(sendto(b, raw, (size_t)len, 0, (struct sockaddr *)&to,
				sizeof(to)),
			 len);
	/* the first report comes after 1 to 4 s (RFC 3550 6.2) */
	setsockopt(b, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	n = recv(b, raw, sizeof(raw), 0);
	assert_true(n > 0);
	cur_init(&c, raw, (size_t)n);
	assert_int_equal(rtcp_next(&c, &p), 1);
	assert_int_equal(p.type, RTCP_RR);
	assert_int_equal(p.n_reports, 1);
	assert_int_equal(p.reports[0].ssrc, 0x77);
	assert_int_equal(p.reports[0].lost, 1);
	assert_int_equal(p.reports[0].ext_seq, 19);
	assert_int_equal(p.reports[0].lsr, 0x567890ab);
	assert_true(p.reports[0].dlsr > 0);
	assert_int_equal(rtcp_next(&c, &p), 1);
	assert_int_equal(p.type, RTCP_SDES);
	assert_int_equal(strlen(p.cname), 16);
	rig_close(g, S1, false);
	read_spool(g, S1, &seen);
	assert_int_equal(seen.rtcp[0], 1);
	assert_int_equal(seen.rtp[0], 19);
	close(a);
	close(b);
}

static void new_calls_are_refused_when_the_disk_is_low(void **state)
{
	struct rig *g = *state;

	(void)rig_stop(g);
	g->settings.server.disk_low_bytes = UINT64_MAX / 2;
	g->n_disk = 0;
	rig_start(g);
	rig_wait(g, &g->n_disk, 1);
	assert_true(g->disk.low);
	rig_describe(&desc, S1, 1, 1);
	rig_open(g, &desc);
	assert_int_equal(g->opened.error, -ENOSPC);
	desc.resume = true; /* what runs goes on */
	rig_open(g, &desc);
	assert_int_equal(g->opened.error, 0);
}

static void file_size_limit(const struct rig *g, rlim_t bytes)
{
	struct rlimit rl;

	assert_int_equal(prlimit(g->pid, RLIMIT_FSIZE, NULL, &rl), 0);
	rl.rlim_cur = bytes;
	assert_int_equal(prlimit(g->pid, RLIMIT_FSIZE, &rl, NULL), 0);
}

static void a_full_disk_costs_only_what_came_meanwhile(void **state)
{
	struct rig *g = *state;
	uint16_t port, pa, seq = 0;
	int a = rig_socket(&pa);
	unsigned n;

	rig_describe(&desc, S1, 1, 1);
	rig_open(g, &desc);
	port = g->opened.streams[0].rtp_port;
	for (; seq < 50; seq++)
		rig_rtp(a, port, 0, seq, 1, 172);
	rig_wait(g, &g->n_activity, 1);
	file_size_limit(g, 100); /* every write fails from here */
	n = g->n_disk;
	for (; seq < 100; seq++)
		rig_rtp(a, port, 0, seq, 1, 172);
	rig_wait(g, &g->n_trouble, 1);
	assert_string_equal(g->trouble.code, "media.spool_write_failed");
	rig_wait(g, &g->n_disk, n + 1);
	assert_true(g->disk.failed);
	rig_event(g, S1, CAP_EV_NOTE, -1); /* waits for room */
	rig_describe(&desc, S2, 1, 1);
	rig_open(g, &desc);
	assert_int_equal(g->opened.error, -ENOSPC);
	file_size_limit(g, RLIM_INFINITY);
	rig_wait(g, &g->n_disk, n + 2);
	assert_false(g->disk.failed);
	for (; seq < 150; seq++)
		rig_rtp(a, port, 0, seq, 1, 172);
	rig_close(g, S1, false);
	assert_int_equal(g->closed.error, 0);
	assert_int_equal(g->closed.packets, 100);
	assert_int_equal(g->closed.dropped, 50);
	read_spool(g, S1, &seen);
	assert_int_equal(seen.rtp[0], 100);
	assert_int_equal(seen.seqs[0][50], 100);
	assert_int_equal(seen.n_event, 1);
	assert_int_equal(seen.n_close, 1);
	assert_int_equal(seen.stats.bad_blocks, 0);
	close(a);
}

static void ipv6_works_as_well(void **state)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6,
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct rig *g = *state;
	struct sockaddr_in6 *v6;
	uint8_t raw[172] = { 0 };
	int a = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (a < 0 || bind(a, (struct sockaddr *)&to, sizeof(to)) < 0)
		skip(); /* no IPv6 on this machine */
	(void)rig_stop(g);
	(void)str_copy(g->settings.media.address,
		       sizeof(g->settings.media.address), "::1");
	rig_start(g);
	rig_describe(&desc, S1, 2, 1);
	for (unsigned i = 0; i < 2; i++) {
		memset(&desc.streams[i].remote_rtp, 0,
		       sizeof(desc.streams[i].remote_rtp));
		v6 = (struct sockaddr_in6 *)&desc.streams[i].remote_rtp;
		*v6 = to;
		v6->sin6_port = htons(4000);
	}
	v6->sin6_addr.s6_addr[15] = 2; /* the second one: from elsewhere */
	rig_open(g, &desc);
	assert_int_equal(g->opened.error, 0);
	for (unsigned i = 0; i < 20; i++) {
		rtp_write_header(raw, false, 0, (uint16_t)i, i * 160, 3);
		to.sin6_port = htons(g->opened.streams[i & 1].rtp_port);
		assert_int_equal(sendto(a, raw, sizeof(raw), 0,
					(struct sockaddr *)&to, sizeof(to)),
				 sizeof(raw));
	}
	rig_close(g, S1, false);
	assert_int_equal(g->closed.packets, 10);
	assert_int_equal(g->closed.dropped, 10);
	close(a);
}

static void many_sessions_at_once(void **state)
{
	struct rig *g = *state;
	uint16_t pa, ports[60];
	int a = rig_socket(&pa);
	char id[40];

	for (unsigned i = 0; i < 60; i++) {
		(void)snprintf(id, sizeof(id), "0190a5e2-7c1b-7def-8123-%012u",
			       i);
		rig_describe(&desc, id, 16, 1);
		rig_open(g, &desc);
		assert_int_equal(g->opened.error, 0);
		ports[i] = g->opened.streams[15].rtp_port;
	}
	for (uint16_t seq = 0; seq < 20; seq++)
		for (unsigned i = 0; i < 60; i++)
			rig_rtp(a, ports[i], 0, seq, 5, 172);
	for (unsigned i = 0; i < 60; i++) {
		(void)snprintf(id, sizeof(id), "0190a5e2-7c1b-7def-8123-%012u",
			       i);
		rig_close(g, id, false);
		assert_int_equal(g->closed.packets, 20);
	}
	close(a);
}

/* ---- the policy alone ---- */

static enum spool_drop check(struct capture_check *ck, uint8_t host,
			     uint16_t port, uint16_t seq, int64_t ms)
{
	struct capture_addr from = { .family = 4,
				     .port = port,
				     .ip = { 10, 0, 0, host } };
	struct rtp_packet p = { .pt = 0, .seq = seq, .ssrc = port };

	return capture_check_rtp(ck, &from, &p, 8000, ms * 1000);
}

static void offer(struct capture_check *ck, uint8_t host, uint16_t port)
{
	struct cap_stream s = { .n_pts = 1 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&s.remote_rtp;

	v4->sin_family = AF_INET;
	v4->sin_port = htons(port);
	v4->sin_addr.s_addr = htonl(host ? 0x0a000000u + host : 0);
	capture_check_offer(ck, &s);
}

static void port_is_locked_by_five_packets_in_a_row(void **state)
{
	struct capture_check ck = { 0 };

	(void)state;
	offer(&ck, 1, 4000);
	for (uint16_t i = 0; i < 5; i++)
		assert_int_equal(check(&ck, 1, 5555, i, i * 20), CAPTURE_KEEP);
	assert_true(ck.locked);
	assert_int_equal(check(&ck, 2, 5555, 6, 100), SPOOL_DROP_SOURCE);
	assert_int_equal(check(&ck, 1, 5556, 1, 100), SPOOL_DROP_SOURCE);
	/* hold by 0.0.0.0, and the same address again, keep the lock */
	offer(&ck, 0, 4000);
	offer(&ck, 1, 4000);
	assert_true(ck.locked);
	/* another port in a re-INVITE does not */
	offer(&ck, 1, 4002);
	assert_false(ck.locked);
	assert_int_equal(check(&ck, 1, 5556, 2, 120), CAPTURE_KEEP);
}

static void a_silent_port_may_be_followed(void **state)
{
	struct capture_check ck = { 0 };

	(void)state;
	offer(&ck, 1, 4000);
	for (uint16_t i = 0; i < 5; i++)
		(void)check(&ck, 1, 4000, i, i * 20);
	assert_int_equal(check(&ck, 1, 6000, 1, 1000), SPOOL_DROP_SOURCE);
	assert_int_equal(check(&ck, 1, 6000, 2, 2100), CAPTURE_KEEP);
	assert_int_equal(check(&ck, 2, 6000, 3, 2120), SPOOL_DROP_SOURCE);
}

static void the_negotiated_port_takes_over(void **state)
{
	struct capture_check ck = { 0 };

	(void)state;
	offer(&ck, 1, 4000);
	for (uint16_t i = 0; i < 9; i++)
		(void)check(&ck, 1, 5555, i, i * 20);
	assert_true(ck.locked);
	assert_int_equal(check(&ck, 1, 4000, 1, 200), CAPTURE_KEEP);
	assert_int_equal(check(&ck, 1, 5555, 9, 201), SPOOL_DROP_SOURCE);
	assert_int_equal(check(&ck, 1, 4000, 2, 220), CAPTURE_KEEP);
	/* and is followed as any other when it falls silent */
	assert_int_equal(check(&ck, 1, 5555, 200, 3000), CAPTURE_KEEP);
}

/* What comes at ms of a stream that began with timestamp 0 at 0 ms. */
static enum spool_drop goes_on(struct capture_check *ck, uint16_t port,
			       uint32_t ssrc, uint32_t ts_ms, int64_t ms)
{
	struct capture_addr from = { .family = 4,
				     .port = port,
				     .ip = { 10, 0, 0, 1 } };
	struct rtp_packet p = { .pt = 0,
				.seq = (uint16_t)(ms / 20),
				.ssrc = ssrc,
				.ts_rtp = ts_ms * 8 };

	return capture_check_rtp(ck, &from, &p, 8000, ms * 1000);
}

static void an_ended_calls_stream_is_known_again(void **state)
{
	static struct capture_ghosts t;
	const struct id a = { "a" }, b = { "b" };
	struct capture_check ck = { 0 }, next = { 0 };

	(void)state;
	offer(&ck, 1, 4000);
	for (uint32_t ms = 0; ms < 100; ms += 20)
		assert_int_equal(goes_on(&ck, 4000, 7, ms, ms), CAPTURE_KEEP);
	capture_ghosts_keep(&t, 20000, &a, &ck);
	/* the same session may go on, as may any on another port */
	capture_ghosts_give(&t, 20000, &a, &next);
	assert_int_equal(next.ghosts[0].rate_hz, 0);
	capture_ghosts_give(&t, 20002, &b, &next);
	assert_int_equal(next.ghosts[0].rate_hz, 0);
	capture_ghosts_give(&t, 20000, &b, &next);
	offer(&next, 1, 6000);
	assert_int_equal(goes_on(&next, 4000, 7, 60000, 60000),
			 SPOOL_DROP_SOURCE);
	/* another stream with that SSRC, another SSRC, the port negotiated */
	assert_int_equal(goes_on(&next, 4000, 7, 0, 60020), CAPTURE_KEEP);
	assert_int_equal(goes_on(&next, 4000, 8, 60000, 60040), CAPTURE_KEEP);
	assert_int_equal(goes_on(&next, 6000, 7, 60060, 60060), CAPTURE_KEEP);
}

static void without_an_address_the_first_five_decide(void **state)
{
	struct capture_check ck = { 0 };

	(void)state;
	offer(&ck, 0, 0);
	for (uint16_t i = 0; i < 5; i++)
		assert_int_equal(check(&ck, 7, 4000, i, i * 20), CAPTURE_KEEP);
	assert_int_equal(check(&ck, 8, 4000, 9, 100), SPOOL_DROP_SOURCE);
	assert_int_equal(check(&ck, 8, 4000, 10, 9999), SPOOL_DROP_SOURCE);
	assert_int_equal(check(&ck, 7, 4000, 9, 100), CAPTURE_KEEP);
}

static void learn(struct capture_check *ck, uint8_t host, uint16_t port)
{
	struct cap_stream s = { .n_pts = 1, .learn_source = true };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&s.remote_rtp;

	v4->sin_family = AF_INET;
	v4->sin_port = htons(port);
	v4->sin_addr.s_addr = htonl(0x0a000000u + host);
	capture_check_offer(ck, &s);
}

static void a_learned_source_is_locked_wherever_it_is(void **state)
{
	struct capture_check ck = { 0 };
	struct capture_addr from = { .family = 4, .ip = { 10, 0, 0, 7 } };

	(void)state;
	learn(&ck, 1, 4000);
	for (uint16_t i = 0; i < 5; i++)
		assert_int_equal(check(&ck, 7, 5555, i, i * 20), CAPTURE_KEEP);
	assert_true(ck.locked);
	assert_int_equal(capture_check_rtcp(&ck, &from), CAPTURE_KEEP);
	assert_int_equal(check(&ck, 8, 5555, 6, 100), SPOOL_DROP_SOURCE);
	assert_int_equal(check(&ck, 1, 4000, 6, 100), SPOOL_DROP_SOURCE);
	/* the same offer again changes nothing; another one does */
	learn(&ck, 1, 4000);
	assert_true(ck.locked);
	learn(&ck, 1, 4002);
	assert_int_equal(check(&ck, 9, 5555, 1, 200), CAPTURE_KEEP);
}

static void a_learned_source_is_followed_to_known_hosts_only(void **state)
{
	struct capture_check ck = { 0 };

	(void)state;
	learn(&ck, 1, 4000);
	for (uint16_t i = 0; i < 5; i++)
		(void)check(&ck, 7, 5555, i, i * 20);
	assert_int_equal(check(&ck, 8, 6000, 1, 9000), SPOOL_DROP_SOURCE);
	assert_int_equal(check(&ck, 7, 6000, 1, 9000), CAPTURE_KEEP);
	for (uint16_t i = 2; i < 7; i++)
		(void)check(&ck, 7, 6000, i, 9000 + i * 20);
	assert_int_equal(check(&ck, 1, 4000, 1, 19000), CAPTURE_KEEP);
}

static void a_silent_ssrc_makes_room(void **state)
{
	struct capture_check ck = { 0 };

	(void)state;
	offer(&ck, 1, 4000);
	for (uint16_t port = 1; port <= 4; port++)
		assert_int_equal(check(&ck, 1, port, 1, 0), CAPTURE_KEEP);
	assert_int_equal(check(&ck, 1, 5, 1, 249), SPOOL_DROP_SSRC);
	assert_int_equal(check(&ck, 1, 5, 1, 251), CAPTURE_KEEP);
	assert_int_equal(check(&ck, 1, 6, 1, 252), CAPTURE_KEEP);
	assert_null(capture_check_source(&ck, 1)); /* the silent ones went */
	assert_null(capture_check_source(&ck, 2));
	assert_non_null(capture_check_source(&ck, 3));
}

/* A source of its own for every prompt: from one each 10 s down to four a
 * second, alone and beside one that lasts. */
static void a_source_after_the_other_is_kept(void **state)
{
	static const uint32_t each_ms[] = { 10000, 3000, 2000, 1000,
					    500,   300,	 240 };
	struct capture_check ck;

	(void)state;
	for (size_t k = 0; k < 2 * ARRAY_SIZE(each_ms); k++) {
		ck = (struct capture_check){ 0 };
		offer(&ck, 1, 4000);
		for (uint32_t ms = 0; ms < 30000; ms += 20) {
			if (k % 2)
				assert_int_equal(goes_on(&ck, 4000, 9, ms, ms),
						 CAPTURE_KEEP);
			assert_int_equal(goes_on(&ck, 4000,
						 100 + ms / each_ms[k / 2], ms,
						 ms),
					 CAPTURE_KEEP);
		}
	}
}

/* Made-up SSRCs, one or two packets each, 20 times as many as real ones. */
static void a_flood_takes_nobodys_place(void **state)
{
	struct capture_check ck = { 0 };
	unsigned stored = 0, ssrc = 1000, lost = 0;

	(void)state;
	offer(&ck, 1, 4000);
	for (uint32_t ms = 0; ms < 60000; ms++) {
		/* the real one pauses from 10 to 16 s and stops for 0.4 s */
		if (ms % 20 == 0 && (ms < 10000 || ms > 16000) &&
		    (ms < 20000 || ms > 20400))
			lost += goes_on(&ck, 4000, 9, ms, ms) != CAPTURE_KEEP;
		if (ms < 1000)
			continue;
		if (ms % 2 || ms < 30000)
			ssrc += 7;
		stored += goes_on(&ck, 4000, ssrc, ms, ms) == CAPTURE_KEEP;
	}
	assert_int_equal(lost, 0);
	assert_non_null(capture_check_source(&ck, 9));
	assert_true(stored < 60 * 4 * CAPTURE_SSRC_MAX * 2);
}

/* The flood was there first. */
static void a_real_source_gets_a_place_in_a_flood(void **state)
{
	struct capture_check ck = { 0 };
	uint32_t first = 0, seed = 1;

	(void)state;
	offer(&ck, 1, 4000);
	for (uint32_t ms = 0; ms < 30000; ms++) {
		seed = seed * 1664525u + 1013904223u;
		if (seed >> 30)
			(void)goes_on(&ck, 4000, 1000 + ms, ms, ms);
		if (ms < 5000 || ms % 20)
			continue;
		if (goes_on(&ck, 4000, 9, ms, ms) == CAPTURE_KEEP)
			first = first ? first : ms;
		else
			assert_int_equal(first, 0); /* never lost again */
	}
	assert_in_range(first, 5000, 20000);
}

static enum spool_drop check_pt(struct capture_check *ck, uint8_t pt,
				uint16_t seq, int64_t ms)
{
	struct capture_addr from = { .family = 4,
				     .port = 4000,
				     .ip = { 10, 0, 0, 1 } };
	struct rtp_packet p = { .pt = pt, .seq = seq, .ssrc = 7 };
	enum spool_drop why;

	why = capture_check_glance(ck, &from, pt, ms * 1000);
	assert_int_equal(why,
			 capture_check_rtp(ck, &from, &p, 8000, ms * 1000));
	return why;
}

static void old_payload_types_linger(void **state)
{
	struct cap_stream s = { .n_pts = 1, .learn_source = true };
	struct capture_check ck = { 0 };

	(void)state;
	offer(&ck, 1, 4000); /* type 0 */
	assert_int_equal(check_pt(&ck, 8, 1, 500), SPOOL_DROP_PT);
	s.pts[0].pt = 8;
	capture_check_linger(&ck, 1000000);
	capture_check_offer(&ck, &s);
	assert_int_equal(check_pt(&ck, 0, 1, 1020), CAPTURE_KEEP);
	assert_int_equal(check_pt(&ck, 8, 2, 1040), CAPTURE_KEEP);
	assert_int_equal(check_pt(&ck, 97, 3, 1060), SPOOL_DROP_PT);
	/* once more within that time, back and forth */
	s.pts[0].pt = 97;
	capture_check_linger(&ck, 3000000);
	capture_check_offer(&ck, &s);
	assert_int_equal(check_pt(&ck, 0, 4, 7980), CAPTURE_KEEP);
	assert_int_equal(check_pt(&ck, 8, 5, 7990), CAPTURE_KEEP);
	assert_int_equal(check_pt(&ck, 0, 6, 8001), SPOOL_DROP_PT);
	assert_int_equal(check_pt(&ck, 97, 7, 8020), CAPTURE_KEEP);
	/* the same offer again makes nothing old that is not */
	capture_check_linger(&ck, 9000000);
	capture_check_offer(&ck, &s);
	assert_int_equal(check_pt(&ck, 8, 8, 9020), SPOOL_DROP_PT);
	assert_int_equal(check_pt(&ck, 97, 9, 99000), CAPTURE_KEEP);
}

static void mapped_addresses_are_ipv4(void **state)
{
	struct sockaddr_storage sa = { .ss_family = AF_INET6 };
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&sa;
	struct capture_addr a;

	(void)state;
	memcpy(&v6->sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\1", 16);
	capture_addr_from(&sa, &a);
	assert_int_equal(a.family, 4);
	assert_int_equal(a.ip[0], 10);
	assert_false(capture_addr_unspecified(&a));
}

int main(void)
{
#define RIG(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(port_is_locked_by_five_packets_in_a_row),
		cmocka_unit_test(a_silent_port_may_be_followed),
		cmocka_unit_test(the_negotiated_port_takes_over),
		cmocka_unit_test(an_ended_calls_stream_is_known_again),
		cmocka_unit_test(without_an_address_the_first_five_decide),
		cmocka_unit_test(a_learned_source_is_locked_wherever_it_is),
		cmocka_unit_test(
			a_learned_source_is_followed_to_known_hosts_only),
		cmocka_unit_test(a_silent_ssrc_makes_room),
		cmocka_unit_test(a_source_after_the_other_is_kept),
		cmocka_unit_test(a_flood_takes_nobodys_place),
		cmocka_unit_test(a_real_source_gets_a_place_in_a_flood),
		cmocka_unit_test(old_payload_types_linger),
		cmocka_unit_test(mapped_addresses_are_ipv4),
		RIG(packets_of_two_streams_are_in_the_spool),
		RIG(what_fails_a_check_is_counted_not_stored),
		RIG(nothing_is_stored_on_hold_or_muted),
		RIG(muted_digits_never_reach_the_file),
		RIG(streams_come_and_go_by_update),
		RIG(packets_under_way_survive_a_change_of_codec),
		RIG(sockets_rest_only_after_a_bye),
		RIG(a_shared_port_takes_one_socket),
		RIG(a_silent_call_has_no_file_open),
		RIG(a_killed_capture_goes_on_in_the_same_file),
		RIG(without_kept_sockets_the_old_port_is_bound_again),
		RIG(a_new_sip_closes_what_it_does_not_know),
		RIG(discard_leaves_no_file),
		RIG(a_stop_leaves_the_recording_unfinished),
		RIG(reports_are_sent_and_stored),
		RIG(new_calls_are_refused_when_the_disk_is_low),
		RIG(a_full_disk_costs_only_what_came_meanwhile),
		RIG(ipv6_works_as_well),
		RIG(many_sessions_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
