/* media/capture_session.c - one recording: its streams and its spool file. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/settings.h"
#include "base/role.h"
#include "base/str.h"
#include "media/capture_impl.h"

#define CLOCKS_APART_US 100
/* Nothing written for so long: the spool's descriptor is given back. */
#define SPOOL_REST_US 3000000

/* ---- finding ---- */

static unsigned hash_id(const struct id *id)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (const char *p = id->s; *p; p++)
		h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
	return (unsigned)(h ^ h >> 32) & (CAPTURE_HASH - 1);
}

struct capture_session *capture_session_find(struct capture *c,
					     const struct id *id)
{
	struct capture_session *s = c->hash[hash_id(id)];

	while (s && strcmp(s->id.s, id->s) != 0)
		s = s->hash_next;
	return s;
}

static void link_session(struct capture *c, struct capture_session *s)
{
	unsigned h = hash_id(&s->id);

	s->hash_next = c->hash[h];
	c->hash[h] = s;
	s->next = c->first;
	if (c->first)
		c->first->prev = s;
	c->first = s;
	c->n_sessions++;
}

static void unlink_session(struct capture *c, struct capture_session *s)
{
	struct capture_session **at = &c->hash[hash_id(&s->id)];

	while (*at && *at != s)
		at = &(*at)->hash_next;
	if (!*at)
		return; /* never linked: opening failed */
	*at = s->hash_next;
	if (s->prev)
		s->prev->next = s->next;
	else
		c->first = s->next;
	if (s->next)
		s->next->prev = s->prev;
	c->n_sessions--;
}

void capture_session_free(struct capture *c, struct capture_session *s)
{
	if (!s)
		return;
	unlink_session(c, s);
	for (unsigned i = 0; i < s->n_streams; i++)
		capture_stream_free(c, s, &s->streams[i]);
	spool_writer_destroy(&s->spool);
	mem_free(s);
}

/* ---- streams ---- */

static struct capture_stream *find_stream(struct capture_session *s,
					  unsigned index)
{
	for (unsigned i = 0; i < s->n_streams; i++)
		if (s->streams[i]->cfg.index == index)
			return s->streams[i];
	return NULL;
}

static const struct cap_stream *find_offer(const struct cap_open *o,
					   unsigned index)
{
	for (unsigned i = 0; i < o->n_streams; i++)
		if (o->streams[i].index == index)
			return &o->streams[i];
	return NULL;
}

static bool same_offer(const struct capture_stream *st,
		       const struct cap_stream *offer)
{
	struct cap_stream a = st->cfg, b = *offer;

	a.local_port = b.local_port = 0;
	return !memcmp(&a, &b, sizeof(a));
}

static void write_table(struct capture *c, struct capture_session *s)
{
	memset(&c->table, 0, sizeof(c->table));
	c->table.n = s->n_streams;
	for (unsigned i = 0; i < s->n_streams; i++) {
		struct cap_stream *row = &c->table.s[i];

		*row = s->streams[i]->cfg;
		memset(&row->srtp_in, 0, sizeof(row->srtp_in));
		memset(&row->srtp_out, 0, sizeof(row->srtp_out));
	}
	capture_session_wake(c, s);
	capture_wrote(c, s, spool_writer_streams(s->spool, &c->table));
}

static int take_offer(struct capture *c, struct capture_session *s,
		      const struct cap_stream *offer, bool resume,
		      bool *ret_changed)
{
	struct capture_stream *st = find_stream(s, offer->index);
	int r;

	if (!st) {
		if (s->n_streams == CAP_STREAMS_MAX)
			return -E2BIG;
		r = capture_stream_open(c, s, offer, resume,
					&s->streams[s->n_streams]);
		if (r < 0)
			return r;
		s->n_streams++;
		*ret_changed = true;
		return 0;
	}
	if (same_offer(st, offer))
		return 0;
	*ret_changed = true;
	return capture_stream_update(c, s, st, offer);
}

/* What sip sends is ours, but a wrong length must not become a crash. */
static bool offer_ok(const struct cap_open *o)
{
	if (o->n_streams > CAP_STREAMS_MAX || o->meta_len >= CAP_META_MAX ||
	    o->meta[o->meta_len] || !id_ok(o->session.s))
		return false;
	for (unsigned i = 0; i < o->n_streams; i++)
		if (o->streams[i].index > UINT8_MAX ||
		    o->streams[i].n_pts > CAP_PTS_MAX)
			return false;
	return true;
}

/* Streams that are not named any more are closed, but keep their place. */
static int close_unnamed(struct capture *c, struct capture_session *s,
			 const struct cap_open *o, bool *ret_changed)
{
	struct cap_stream off;
	int r;

	for (unsigned i = 0; i < s->n_streams; i++) {
		if (!s->streams[i]->cfg.enabled ||
		    find_offer(o, s->streams[i]->cfg.index))
			continue;
		off = s->streams[i]->cfg;
		off.enabled = false;
		r = capture_stream_update(c, s, s->streams[i], &off);
		if (r < 0)
			return r;
		*ret_changed = true;
	}
	return 0;
}

int capture_session_update(struct capture *c, struct capture_session *s,
			   const struct cap_open *o)
{
	bool changed = false;
	int r = 0, ret;

	if (!offer_ok(o))
		return -EINVAL;
	capture_session_drain(c, s, true);
	for (unsigned i = 0; i < o->n_streams; i++) {
		ret = take_offer(c, s, &o->streams[i], false, &changed);
		if (ret < 0 && !r)
			r = ret; /* the others go on */
	}
	ret = close_unnamed(c, s, o, &changed);
	if (changed)
		write_table(c, s);
	return r < 0 ? r : ret;
}

/* ---- open ---- */

static int create_spool(struct capture *c, struct capture_session *s,
			const struct cap_open *o)
{
	struct spool_open open = {
		.session = s->id,
		.start_wall_us = o->start_wall_us,
		.meta = o->meta,
		.meta_len = o->meta_len,
	};

	(void)str_copy(open.local_address, sizeof(open.local_address),
		       c->role->settings->media.address);
	return spool_writer_create(c->dir_fd, &open, c->clock, &s->spool);
}

static int open_spool(struct capture *c, struct capture_session *s,
		      const struct cap_open *o)
{
	int r;

	if (!o->resume)
		return create_spool(c, s, o);
	r = spool_writer_append(c->dir_fd, &s->id, c->clock, &s->spool);
	if (r == -ENOENT) /* it never reached the disk */
		r = create_spool(c, s, o);
	return r;
}

static int fill_session(struct capture *c, struct capture_session *s,
			const struct cap_open *o)
{
	bool changed;
	int r;

	for (unsigned i = 0; i < o->n_streams; i++) {
		r = take_offer(c, s, &o->streams[i], o->resume, &changed);
		if (r < 0)
			return r;
	}
	return open_spool(c, s, o);
}

int capture_session_open(struct capture *c, const struct cap_open *o,
			 struct capture_session **ret_session)
{
	struct capture_session *s;
	int r;

	if (!offer_ok(o))
		return -EINVAL;
	s = mem_zalloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->id = o->session;
	(void)str_copy(s->log.session, sizeof(s->log.session), s->id.s);
	r = fill_session(c, s, o);
	if (r < 0) {
		capture_session_free(c, s);
		return r;
	}
	s->phase = c->next_phase++ % c->ticks_per_second;
	link_session(c, s);
	write_table(c, s);
	*ret_session = s;
	return 0;
}

void capture_session_answer(const struct capture_session *s,
			    struct cap_opened *ret)
{
	const struct capture_stream *st;

	(void)str_copy(ret->spool_file, sizeof(ret->spool_file),
		       spool_writer_name(s->spool));
	ret->n_streams = s->n_streams;
	for (unsigned i = 0; i < s->n_streams; i++) {
		st = s->streams[i];
		ret->streams[i].index = st->cfg.index;
		ret->streams[i].rtp_port = st->cfg.local_port;
		ret->streams[i].rtcp_port =
			st->cfg.local_port ? (uint16_t)(st->cfg.local_port + 1)
					   : 0;
	}
}

/* ---- packets ---- */

void capture_read_clocks(struct capture *c)
{
	int64_t before, after;

	/* the two must be of one moment; a task switch in between is not */
	for (unsigned i = 0; i < 4; i++) {
		before = clock_mono_us(c->clock);
		c->now_wall_us = clock_wall_us(c->clock);
		after = clock_mono_us(c->clock);
		c->now_mono_us = before;
		if (after - before < CLOCKS_APART_US)
			return;
	}
}

void capture_session_wake(struct capture *c, struct capture_session *s)
{
	s->wrote_mono_us = c->now_mono_us;
	if (spool_writer_wake(s->spool) != -EMFILE)
		return; /* of other errors the write tells */
	/* more calls than descriptors, and one speaks after a silence: what
	 * only rests goes; the others' spools are opened again as needed */
	port_pool_empty(c->pool);
	if (spool_writer_wake(s->spool) != -EMFILE)
		return;
	for (struct capture_session *o = c->first; o; o = o->next)
		spool_writer_rest(o->spool);
	(void)spool_writer_wake(s->spool); /* the write tells */
}

void capture_session_flush(struct capture *c, struct capture_session *s)
{
	uint32_t n = c->batch.n_rtp;
	int r;

	if (!c->batch.len)
		return;
	capture_session_wake(c, s);
	r = spool_writer_packets(s->spool, &c->batch, c->now_mono_us,
				 c->now_wall_us);
	spool_batch_reset(&c->batch);
	if (r < 0) {
		s->lost_disk += n;
		s->packets -= n;
		c->counts.rtp -= n; /* counted in this same drain */
		c->counts.dropped[SPOOL_DROP_DISK] += n;
	}
	capture_wrote(c, s, r);
}

void capture_session_drain(struct capture *c, struct capture_session *s,
			   bool all)
{
	capture_read_clocks(c);
	for (unsigned i = 0; i < s->n_streams; i++) {
		capture_stream_drain(c, s, s->streams[i], &s->streams[i]->rtp);
		if (all)
			capture_stream_drain(c, s, s->streams[i],
					     &s->streams[i]->rtcp);
	}
	if (c->batch.len)
		capture_session_flush(c, s);
	else if (c->disk_failed)
		capture_wrote(c, s, spool_writer_retry(s->spool));
}

void capture_session_second(struct capture *c, struct capture_session *s)
{
	struct cap_activity a = { .session = s->id, .packets = s->packets };

	for (unsigned i = 0; i < s->n_streams; i++)
		capture_rtcp_tick(c, s->streams[i]);
	if (c->now_mono_us - s->wrote_mono_us > SPOOL_REST_US)
		spool_writer_rest(s->spool);
	if (s->packets == s->packets_told)
		return;
	s->packets_told = s->packets;
	capture_tell(c, CAP_ACTIVITY, 0, &a, sizeof(a));
}

/* ---- events, close ---- */

void capture_session_event(struct capture *c, struct capture_session *s,
			   const struct cap_event *e)
{
	struct spool_event ev = { .kind = e->kind,
				  .index = e->index,
				  .text = e->text,
				  .text_len = e->text_len };

	capture_session_drain(c, s, true);
	capture_session_wake(c, s);
	capture_wrote(c, s, spool_writer_event(s->spool, &ev));
}

static uint64_t fill_totals(struct capture_session *s, struct spool_close *cl)
{
	uint64_t dropped = s->lost_disk;

	cl->n = s->n_streams;
	for (unsigned i = 0; i < s->n_streams; i++) {
		cl->streams[i] = s->streams[i]->totals;
		for (unsigned d = 0; d < SPOOL_DROP_MAX; d++)
			dropped += s->streams[i]->totals.dropped[d];
	}
	return dropped;
}

void capture_session_close(struct capture *c, struct capture_session *s,
			   const char *reason, bool discard,
			   struct cap_closed *ret)
{
	int r;

	capture_session_drain(c, s, true);
	s->said_bye = !discard && (str_eq(reason, CAP_REASON_BYE) ||
				   str_eq(reason, CAP_REASON_HANDED_OVER));
	memset(&c->close, 0, sizeof(c->close));
	(void)str_copy(c->close.reason, sizeof(c->close.reason), reason);
	ret->session = s->id;
	ret->dropped = fill_totals(s, &c->close);
	capture_session_wake(c, s);
	r = spool_writer_close(s->spool, &c->close);
	capture_wrote(c, s, r);
	(void)str_copy(ret->spool_file, sizeof(ret->spool_file),
		       spool_writer_name(s->spool));
	ret->packets = spool_writer_total(s->spool);
	ret->bytes = spool_writer_size(s->spool);
	ret->error = discard ? 0 : r;
	if (discard && unlinkat(c->dir_fd, ret->spool_file, 0) < 0)
		ret->error = -errno;
	log_info(&s->log, "capture.closed", LOG_S("reason", c->close.reason),
		 LOG_I("packets", ret->packets),
		 LOG_I("dropped", ret->dropped));
	capture_session_free(c, s);
}
