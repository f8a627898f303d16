/* bench_capture.c - what the capture role costs per packet, against sockets
 * that are only read, in the same run and with the same traffic.
 *
 *	bench_capture [STREAMS [SECONDS]]      (500 streams, 5 s)
 *
 * A sender process sends 50 packets a second of 172 bytes (20 ms of PCMU) to
 * every stream over loopback. Receivers, one after the other, each in its own
 * process whose CPU time (user and system) is divided by what it received:
 *
 *	drain	bare recvmmsg of every socket each 100 ms, nothing stored
 *	capture	the real role: the same, checked, stored, committed; with its
 *		helper that calls syncfs
 *	epoll	one wake-up and one recvmsg per packet, nothing stored
 *
 * Prints one line each, then one JSON object. The receiver's CPU time is the
 * kernel's accounting of that process; work that the kernel does in the
 * sender's context (loopback delivery) is nobody's here.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/ports.h"
#include "media/rtp.h"
#include "tests/support/capture_rig.h"

#define PACKET_LEN 172
#define PER_CALL 2 /* streams of a session */
#define STREAMS_MAX 8000
#define RX 64

static unsigned n_streams = 500, seconds = 5;
static uint16_t ports[STREAMS_MAX];
static int fds[STREAMS_MAX];

static int64_t now_us(void)
{
	return clock_mono_us(clock_real());
}

static void sleep_until(int64_t us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL))
		;
}

/* ---- the sender ---- */

/* A fiftieth of a second: one packet to each stream, spread over it. */
static void send_round(int fd, uint16_t seq, int64_t start)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	uint8_t raw[PACKET_LEN] = { 0 };
	unsigned steps = 20, per = (n_streams + steps - 1) / steps;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (unsigned i = 0; i < n_streams; i++) {
		if (i % per == 0)
			sleep_until(start + i / per * (20000 / steps));
		rtp_write_header(raw, false, 0, seq, seq * 160u, i + 1);
		to.sin_port = htons(ports[i]);
		(void)sendto(fd, raw, sizeof(raw), 0, (struct sockaddr *)&to,
			     sizeof(to)); /* lost ones show in the count */
	}
}

static pid_t start_sender(int fd)
{
	int64_t start;
	pid_t pid = fork();

	ASSERT(pid >= 0);
	if (pid)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	start = now_us() + 20000;
	for (unsigned i = 0; i < seconds * 50; i++)
		send_round(fd, (uint16_t)i, start + i * INT64_C(20000));
	_exit(0);
}

static void wait_sender(pid_t pid)
{
	ASSERT(waitpid(pid, NULL, 0) == pid);
}

/* ---- receivers that store nothing ---- */

static void open_sockets(void)
{
	struct ports p;
	struct ports_pair pair;

	ASSERT(!ports_init(&p, "127.0.0.1", 0, 0));
	for (unsigned i = 0; i < n_streams; i++) {
		ASSERT(!ports_open(&p, false, &pair));
		fds[i] = pair.rtp_fd;
		ports[i] = pair.rtp_port;
	}
}

static void close_sockets(void)
{
	for (unsigned i = 0; i < n_streams; i++)
		close(fds[i]);
}

static volatile sig_atomic_t stop_now;

static void on_term(int signo)
{
	(void)signo;
	stop_now = 1;
}

static void drain_run(uint64_t *ret_packets)
{
	static struct mmsghdr msgs[RX];
	static struct iovec iov[RX];
	static uint8_t data[RX][2048];
	int64_t due = now_us();
	int n;

	for (unsigned i = 0; i < RX; i++) {
		iov[i] = (struct iovec){ data[i], sizeof(data[i]) };
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	while (!stop_now) {
		due += 100000;
		sleep_until(due);
		for (unsigned i = 0; i < n_streams; i++) {
			n = recvmmsg(fds[i], msgs, RX, MSG_DONTWAIT, NULL);
			*ret_packets += n > 0 ? (unsigned)n : 0;
		}
	}
}

static void epoll_run(uint64_t *ret_packets)
{
	struct epoll_event ev[256];
	int ep = epoll_create1(EPOLL_CLOEXEC), n;
	uint8_t data[2048];

	ASSERT(ep >= 0);
	for (unsigned i = 0; i < n_streams; i++) {
		ev[0] = (struct epoll_event){ .events = EPOLLIN,
					      .data.fd = fds[i] };
		ASSERT(!epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &ev[0]));
	}
	while (!stop_now) {
		n = epoll_wait(ep, ev, 256, 100);
		for (int i = 0; i < n; i++) {
			if (recv(ev[i].data.fd, data, sizeof(data),
				 MSG_DONTWAIT) >= 0)
				(*ret_packets)++;
		}
	}
}

struct result {
	uint64_t packets;
	double cpu_us;
	bool real; /* from rusage of the right process */
};

static double cpu_of(const struct rusage *u)
{
	return (double)u->ru_utime.tv_sec * 1e6 + (double)u->ru_utime.tv_usec +
	       (double)u->ru_stime.tv_sec * 1e6 + (double)u->ru_stime.tv_usec;
}

static double per_packet(const struct result *r)
{
	return r->packets ? r->cpu_us / (double)r->packets : 0;
}

/* run() in a process of its own while the sender sends. */
static struct result measure(void (*run)(uint64_t *))
{
	struct result res = { 0 };
	struct rusage u;
	pid_t pid, sender;
	int out[2], fd;
	uint16_t port;

	open_sockets();
	fd = rig_socket(&port);
	ASSERT(!pipe(out));
	pid = fork();
	ASSERT(pid >= 0);
	if (!pid) {
		uint64_t packets = 0;

		(void)signal(SIGTERM, on_term);
		run(&packets);
		ASSERT(write(out[1], &packets, sizeof(packets)) ==
		       sizeof(packets));
		_exit(0);
	}
	sender = start_sender(fd);
	wait_sender(sender);
	sleep_until(now_us() + 200000); /* the last tick */
	kill(pid, SIGTERM);
	ASSERT(wait4(pid, NULL, 0, &u) == pid);
	ASSERT(read(out[0], &res.packets, sizeof(res.packets)) ==
	       sizeof(res.packets));
	close(out[0]);
	close(out[1]);
	close(fd);
	close_sockets();
	res.cpu_us = cpu_of(&u);
	return res;
}

/* ---- the real one ---- */

static void session_name(unsigned i, char *dst, size_t len)
{
	(void)snprintf(dst, len, "0190a5e2-7c1b-7def-8123-%012u", i);
}

static double cpu_now(pid_t pid)
{
	clockid_t id;
	struct timespec ts;

	if (clock_getcpuclockid(pid, &id) || clock_gettime(id, &ts))
		return 0;
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static struct result measure_capture(void)
{
	static struct cap_open desc;
	struct result res = { .real = true };
	unsigned calls = (n_streams + PER_CALL - 1) / PER_CALL;
	double before;
	struct rig g;
	uint16_t port;
	char id[40];
	int fd = rig_socket(&port);

	rig_init(&g);
	g.settings.media.tick_us = 100000;
	g.settings.spool.commit_interval_us = 1000000;
	g.settings.sandbox.enabled = true;
	rig_start(&g);
	for (unsigned i = 0; i < calls; i++) {
		session_name(i, id, sizeof(id));
		rig_describe(&desc, id, PER_CALL, port);
		rig_open(&g, &desc);
		ASSERT(!g.opened.error);
		for (unsigned k = 0; k < PER_CALL; k++)
			if (i * PER_CALL + k < n_streams)
				ports[i * PER_CALL + k] =
					g.opened.streams[k].rtp_port;
	}
	rig_turn(&g, 300);
	before = cpu_now(g.pid); /* setting up is not the question */
	pid_t sender = start_sender(fd);

	/* sip would read what it is told, outside this account */
	rig_turn(&g, (int)seconds * 1000 + 200);
	wait_sender(sender);
	rig_turn(&g, 200);
	res.cpu_us = cpu_now(g.pid) - before;
	for (unsigned i = 0; i < calls; i++) {
		session_name(i, id, sizeof(id));
		rig_close(&g, id, false);
		res.packets += g.closed.packets;
	}
	ASSERT(rig_stop(&g) == 0);
	rig_fini(&g);
	close(fd);
	return res;
}

static void line(const char *name, const struct result *r,
		 const struct result *base, const char *what)
{
	printf("%-8s %8" PRIu64 " packets  %6.2f us CPU each  %5.2f x  %s\n",
	       name, r->packets, per_packet(r),
	       per_packet(r) / per_packet(base), what);
	(void)fflush(stdout);
}

int main(int argc, char **argv)
{
	struct result drain, capture, epoll;
	struct rlimit rl;
	uint64_t v;

	if (argc > 1 && !str_u64(argv[1], STREAMS_MAX, &v) && v)
		n_streams = (unsigned)v;
	if (argc > 2 && !str_u64(argv[2], 3600, &v) && v)
		seconds = (unsigned)v;
	if (!getrlimit(RLIMIT_NOFILE, &rl)) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
	printf("%u streams x 50 packets/s x %u s, %d bytes\n", n_streams,
	       seconds, PACKET_LEN);
	drain = measure(drain_run);
	line("drain", &drain, &drain, "recvmmsg every 100 ms, not stored");
	capture = measure_capture();
	line("capture", &capture, &drain, "the capture role, stored");
	epoll = measure(epoll_run);
	line("epoll", &epoll, &drain, "a wake-up per packet, not stored");
	printf("{\"bench\":\"capture\",\"streams\":%u,\"seconds\":%u,"
	       "\"drain_us\":%.3f,\"capture_us\":%.3f,\"epoll_us\":%.3f,"
	       "\"capture_to_drain\":%.2f,\"capture_to_epoll\":%.2f,"
	       "\"sent\":%u,\"stored\":%" PRIu64 "}\n",
	       n_streams, seconds, per_packet(&drain), per_packet(&capture),
	       per_packet(&epoll), per_packet(&capture) / per_packet(&drain),
	       per_packet(&capture) / per_packet(&epoll),
	       n_streams * seconds * 50, capture.packets);
	return 0;
}
