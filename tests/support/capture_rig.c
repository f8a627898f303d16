/* tests/support/capture_rig.c - see capture_rig.h. */
#include "tests/support/capture_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/ipc.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/role.h"
#include "base/role_msg.h"
#include "base/str.h"
#include "media/capture.h"
#include "media/rtp.h"

#define WAIT_US 10000000

void rig_init(struct rig *g)
{
	char spool[128];
	struct err e = { 0 };

	memset(g, 0, sizeof(*g));
	(void)snprintf(g->dir, sizeof(g->dir), "/tmp/rig.XXXXXX");
	ASSERT(mkdtemp(g->dir));
	(void)snprintf(spool, sizeof(spool), "%s/spool", g->dir);
	ASSERT(!mkdir(spool, 0700));
	(void)setenv("SRS_SERVER_DATA_DIR", g->dir, 1);
	(void)settings_load(NULL, &g->settings, &e); /* defaults */
	(void)str_copy(g->settings.server.data_dir,
		       sizeof(g->settings.server.data_dir), g->dir);
	(void)str_copy(g->settings.media.address,
		       sizeof(g->settings.media.address), "127.0.0.1");
	g->settings.media.port_min = 0; /* any */
	g->settings.media.port_max = 0;
	g->settings.media.tick_us = 20000;
	g->settings.spool.commit_interval_us = 100000;
	g->settings.server.disk_low_bytes = 0;
	g->settings.log.level = getenv("RIG_LOG") ? 0 : 4; /* silent */
	ASSERT(!loop_create(clock_real(), &g->loop));
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	(void)remove(path);
	return 0;
}

void rig_fini(struct rig *g)
{
	if (g->pid > 0)
		rig_kill(g);
	ipc_destroy(&g->control);
	ipc_destroy(&g->sip);
	loop_destroy(&g->loop);
	for (unsigned i = 0; i < g->n_kept; i++)
		close(g->kept[i].fd);
	mem_free(g->kept);
	(void)nftw(g->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- supervisor ---- */

static void keep(struct rig *g, struct ipc_msg *m)
{
	struct rig_kept *k;

	if (g->n_kept == g->cap_kept) {
		g->cap_kept = g->cap_kept ? g->cap_kept * 2 : 64;
		g->kept = mem_realloc(g->kept, g->cap_kept * sizeof(*k));
		ASSERT(g->kept);
	}
	k = &g->kept[g->n_kept++];
	(void)span_copy(k->key, sizeof(k->key),
			(struct span){ m->data, m->len });
	k->fd = m->fds[0];
	m->fds[0] = -1;
}

static void unkeep(struct rig *g, const struct ipc_msg *m)
{
	for (unsigned i = 0; i < g->n_kept; i++) {
		if (!span_eq((struct span){ m->data, m->len }, g->kept[i].key))
			continue;
		close(g->kept[i].fd);
		g->kept[i] = g->kept[--g->n_kept];
		return;
	}
}

static void on_control(void *arg, struct ipc_msg *m)
{
	struct rig *g = arg;

	if (m->type == ROLE_READY)
		g->ready = true;
	else if (m->type == ROLE_DRAINED)
		g->drained = true;
	else if (m->type == ROLE_KEEP && m->n_fds == 1)
		keep(g, m);
	else if (m->type == ROLE_UNKEEP)
		unkeep(g, m);
}

static void on_control_closed(void *arg)
{
	struct rig *g = arg;

	g->dead = true;
	ipc_destroy(&g->control);
}

/* ---- sip ---- */

static void on_sip(void *arg, struct ipc_msg *m)
{
	struct rig *g = arg;

	g->last_id = m->id;
	if (m->type == CAP_OPENED) {
		memcpy(&g->opened, m->data, sizeof(g->opened));
		g->n_opened++;
	} else if (m->type == CAP_CLOSED) {
		memcpy(&g->closed, m->data, sizeof(g->closed));
		g->n_closed++;
	} else if (m->type == CAP_TROUBLE) {
		memcpy(&g->trouble, m->data, sizeof(g->trouble));
		g->n_trouble++;
	} else if (m->type == CAP_ACTIVITY) {
		memcpy(&g->activity, m->data, sizeof(g->activity));
		g->n_activity++;
	} else if (m->type == CAP_DISK) {
		memcpy(&g->disk, m->data, sizeof(g->disk));
		g->n_disk++;
	}
}

static void on_sip_closed(void *arg)
{
	struct rig *g = arg;

	ipc_destroy(&g->sip);
}

void rig_new_sip(struct rig *g)
{
	int fds[2];

	ipc_destroy(&g->sip);
	ASSERT(!ipc_pair(fds));
	ASSERT(!ipc_send(g->control, ROLE_PEER, 0, "sip", 3, &fds[1], 1));
	close(fds[1]);
	ASSERT(!ipc_create(g->loop, fds[0], 4096, on_sip, on_sip_closed, g,
			   &g->sip));
}

void rig_start(struct rig *g)
{
	int fds[2];

	ASSERT(!ipc_pair(fds));
	g->ready = g->dead = false;
	g->pid = fork();
	ASSERT(g->pid >= 0);
	if (!g->pid) {
		close(fds[0]);
		_exit(role_run(&capture_role, &g->settings, fds[1], -1, "", 0));
	}
	close(fds[1]);
	ASSERT(!ipc_create(g->loop, fds[0], 65536, on_control,
			   on_control_closed, g, &g->control));
	for (unsigned i = 0; i < g->n_kept; i++)
		ASSERT(!ipc_send(g->control, ROLE_KEPT, 0, g->kept[i].key,
				 strlen(g->kept[i].key), &g->kept[i].fd, 1));
	ASSERT(!ipc_send(g->control, ROLE_START, 0, NULL, 0, NULL, 0));
	while (!g->ready) {
		ASSERT(!g->dead);
		ASSERT(!loop_step(g->loop, 1000));
	}
	rig_new_sip(g);
}

static int reap(struct rig *g)
{
	int status;

	ASSERT(wait4(g->pid, &status, 0, &g->usage) == g->pid);
	g->pid = 0;
	ipc_destroy(&g->control);
	ipc_destroy(&g->sip);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int rig_stop(struct rig *g)
{
	ASSERT(!ipc_send(g->control, ROLE_STOP, 0, NULL, 0, NULL, 0));
	while (!g->dead)
		ASSERT(!loop_step(g->loop, 1000));
	return reap(g);
}

void rig_kill(struct rig *g)
{
	kill(g->pid, SIGKILL);
	(void)reap(g);
}

/* ---- talking ---- */

void rig_send(struct rig *g, uint16_t type, const void *data, size_t len)
{
	static struct cap_open o;

	if (type == CAP_OPEN || type == CAP_UPDATE) {
		memcpy(&o, data, sizeof(o));
		len = cap_open_pack(&o);
		data = &o;
	}
	ASSERT(!ipc_send(g->sip, type, 7, data, len, NULL, 0));
}

void rig_wait(struct rig *g, const unsigned *counter, unsigned n)
{
	int64_t end = clock_mono_us(clock_real()) + WAIT_US;

	while (*counter < n) {
		ASSERT(clock_mono_us(clock_real()) < end);
		ASSERT(!loop_step(g->loop, 100));
	}
}

void rig_turn(struct rig *g, int ms)
{
	int64_t end = clock_mono_us(clock_real()) + ms * 1000;
	int64_t left;

	while ((left = end - clock_mono_us(clock_real())) > 0)
		ASSERT(!loop_step(g->loop, (int)(left / 1000) + 1));
}

static void loopback(struct sockaddr_storage *a, uint16_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)a;

	v4->sin_family = AF_INET;
	v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	v4->sin_port = htons(port);
}

void rig_describe(struct cap_open *o, const char *session, unsigned n,
		  uint16_t remote_port)
{
	memset(o, 0, sizeof(*o));
	(void)str_copy(o->session.s, sizeof(o->session.s), session);
	o->start_wall_us = clock_wall_us(clock_real());
	(void)str_copy(o->meta, sizeof(o->meta), "{}");
	o->meta_len = 2;
	o->n_streams = n;
	for (unsigned i = 0; i < n; i++) {
		struct cap_stream *s = &o->streams[i];

		s->index = (uint16_t)i;
		s->enabled = s->active = true;
		(void)snprintf(s->label, sizeof(s->label), "%u", i + 1);
		loopback(&s->remote_rtp, (uint16_t)(remote_port + 2 * i));
		loopback(&s->remote_rtcp, (uint16_t)(remote_port + 2 * i + 1));
		s->n_pts = 2;
		s->pts[0] = (struct cap_pt){
			.pt = 0, .channels = 1, .rate_hz = 8000, .codec = "PCMU"
		};
		s->pts[1] = (struct cap_pt){ .pt = 101,
					     .channels = 1,
					     .rate_hz = 8000,
					     .codec = "telephone-event" };
	}
}

void rig_open(struct rig *g, const struct cap_open *o)
{
	unsigned n = g->n_opened;

	rig_send(g, CAP_OPEN, o, sizeof(*o));
	rig_wait(g, &g->n_opened, n + 1);
}

void rig_close(struct rig *g, const char *session, bool discard)
{
	struct cap_close c = { .discard = discard, .reason = "bye" };
	unsigned n = g->n_closed;

	(void)str_copy(c.session.s, sizeof(c.session.s), session);
	rig_send(g, CAP_CLOSE, &c, sizeof(c));
	rig_wait(g, &g->n_closed, n + 1);
}

void rig_event(struct rig *g, const char *session, unsigned kind, int index)
{
	static struct cap_event e;

	memset(&e, 0, sizeof(e));
	(void)str_copy(e.session.s, sizeof(e.session.s), session);
	e.kind = (uint16_t)kind;
	e.index = (int16_t)index;
	rig_send(g, CAP_EVENT, &e, sizeof(e));
}

int rig_socket(uint16_t *ret_port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int fd;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ASSERT(fd >= 0 && !bind(fd, (struct sockaddr *)&a, sizeof(a)));
	ASSERT(!getsockname(fd, (struct sockaddr *)&a, &len));
	*ret_port = ntohs(a.sin_port);
	return fd;
}

void rig_rtp(int fd, uint16_t to_port, uint8_t pt, uint16_t seq, uint32_t ssrc,
	     size_t len)
{
	struct sockaddr_storage a = { 0 };
	uint8_t raw[2048] = { 0 };

	ASSERT(len >= RTP_HEADER_MIN && len <= sizeof(raw));
	loopback(&a, to_port);
	rtp_write_header(raw, false, pt, seq, seq * 160u, ssrc);
	ASSERT(sendto(fd, raw, len, 0, (struct sockaddr *)&a,
		      sizeof(struct sockaddr_in)) == (ssize_t)len);
}
