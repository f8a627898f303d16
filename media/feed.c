#include "media/feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/codec_opus.h"
#include "media/l16_order.h"
#include "media/rtcp.h"
#include "media/rtp.h"

/* A payload between its reading and its use. */
struct slot {
	uint8_t *data;
	uint16_t len;
	bool wanted;
};

#define L16_SPECS_MAX 4 /* of one stream */
#define MOVED_US 5000000

struct l16_heard {
	bool used;
	uint8_t spec;
	struct l16_order order;
};

/* What tells packets of one meaning of a payload type from another's. */
struct newest {
	uint8_t pt, spec;
	uint16_t seq;
	uint32_t ssrc, ts;
	size_t len;
};

struct feed {
	struct feed_info info;
	char *path;
	bool use_av;
	/* first pass */
	struct {
		uint8_t spec[128]; /* of each payload type, 0xff = none */
		bool active, muted;
		bool resumed; /* a hold or pause ended, no packet since */
		int64_t hold_from, pause_from; /* -1 = not */
		struct l16_heard l16[L16_SPECS_MAX];
		struct newest newest; /* audio packet */
		bool moved;	      /* its payload type means another codec */
		int64_t moved_us;
	} now[CAP_STREAMS_MAX];
	uint32_t n_rtp;
	/* second pass */
	struct spool_reader *reader;
	struct slot *slots;
	uint32_t next;
};

#define NO_SPEC 0xff

static int reserve(void **p, size_t *cap, size_t n, size_t size)
{
	void *q;

	if (n < *cap)
		return 0;
	q = mem_realloc(*p, (*cap ? *cap * 2 : 64) * size);
	if (!q)
		return -ENOMEM;
	*p = q;
	*cap = *cap ? *cap * 2 : 64;
	return 0;
}

struct codec_spec feed_codec_spec(const struct feed_spec *s)
{
	return (struct codec_spec){ .name = s->name,
				    .clock_hz = s->clock_hz,
				    .channels = s->channels,
				    .fmtp = s->fmtp };
}

/* ---- stream tables ---- */

static struct feed_stream *find_stream(struct feed *f, uint16_t index)
{
	unsigned i;

	for (i = 0; i < f->info.n_streams; i++)
		if (f->info.streams[i].index == index)
			return &f->info.streams[i];
	return NULL;
}

static struct feed_stream *need_stream(struct feed *f,
				       const struct cap_stream *cs)
{
	struct feed_stream *s = find_stream(f, cs->index);
	unsigned i;

	if (s)
		return s;
	if (f->info.n_streams >= CAP_STREAMS_MAX)
		return NULL;
	s = &f->info.streams[f->info.n_streams];
	*s = (struct feed_stream){ .index = cs->index, .media = cs->media };
	i = f->info.n_streams++;
	memset(f->now[i].spec, NO_SPEC, sizeof(f->now[i].spec));
	f->now[i].hold_from = f->now[i].pause_from = -1;
	f->now[i].active = true;
	return s;
}

static uint8_t spec_of(struct feed *f, const struct cap_pt *pt)
{
	struct feed_spec *s;
	struct codec_spec cs;
	unsigned i;

	for (i = 0; i < f->info.n_specs; i++) {
		s = &f->info.specs[i];
		if (str_ieq(s->name, pt->codec) && s->clock_hz == pt->rate_hz &&
		    s->channels == pt->channels && str_eq(s->fmtp, pt->fmtp))
			return (uint8_t)i;
	}
	if (f->info.n_specs == FEED_SPECS_MAX)
		return NO_SPEC;
	s = &f->info.specs[f->info.n_specs];
	(void)str_copy(s->name, sizeof(s->name), pt->codec);
	(void)str_copy(s->fmtp, sizeof(s->fmtp), pt->fmtp);
	s->clock_hz = pt->rate_hz ? pt->rate_hz : 8000;
	s->channels = pt->channels ? pt->channels : 1;
	cs = feed_codec_spec(s);
	s->known = codec_known(&cs, f->use_av);
	return (uint8_t)f->info.n_specs++;
}

static int add_hold(struct feed_stream *s, int64_t from, int64_t to, bool pause)
{
	int r;

	r = reserve((void **)&s->holds, &s->cap_holds, s->n_holds,
		    sizeof(*s->holds));
	if (r < 0)
		return r;
	s->holds[s->n_holds++] = (struct tl_hold){ from, to, pause };
	return 0;
}

static int set_hold(struct feed *f, struct feed_stream *s, int64_t t_us,
		    bool pause, bool on)
{
	size_t i = (size_t)(s - f->info.streams);
	int64_t *from = pause ? &f->now[i].pause_from : &f->now[i].hold_from;
	int r = 0;

	if (on && *from < 0) {
		*from = t_us;
	} else if (!on && *from >= 0) {
		r = add_hold(s, *from, t_us, pause);
		*from = -1;
		f->now[i].resumed = true;
	}
	return r;
}

static void set_spec(struct feed *f, struct feed_stream *s, int64_t t_us,
		     const struct cap_pt *pt)
{
	size_t i = (size_t)(s - f->info.streams);
	uint8_t was = f->now[i].spec[pt->pt], is = spec_of(f, pt);

	f->now[i].spec[pt->pt] = is;
	if (was == NO_SPEC || was == is || s->n == 0 ||
	    f->now[i].newest.pt != pt->pt || f->now[i].newest.spec != was)
		return;
	f->now[i].moved = true;
	f->now[i].moved_us = t_us;
}

static int take_table(struct feed *f, int64_t t_us,
		      const struct spool_streams *t)
{
	const struct cap_stream *cs;
	struct feed_stream *s;
	unsigned i, k;
	int r;

	for (i = 0; i < t->n; i++) {
		cs = &t->s[i];
		s = need_stream(f, cs);
		if (!s)
			continue;
		(void)str_copy(s->label, sizeof(s->label), cs->label);
		for (k = 0; k < cs->n_pts && k < CAP_PTS_MAX; k++)
			if (cs->pts[k].pt < 128)
				set_spec(f, s, t_us, &cs->pts[k]);
		if (!cs->enabled)
			continue;
		s->used = true;
		s->awaited |= cs->active;
		r = set_hold(f, s, t_us, false, !cs->active);
		if (r == 0)
			r = set_hold(f, s, t_us, true, cs->muted);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- packets ---- */

/* Without payload: muted by capture. */
static int add_tone(struct feed_stream *s, int64_t t_us,
		    const struct rtp_packet *p, uint32_t clock_hz)
{
	const struct dtmf_packet dp = { .t_us = t_us,
					.ssrc = p->ssrc,
					.ts_rtp = p->ts_rtp,
					.clock_hz = clock_hz,
					.seq = p->seq,
					.payload = p->payload,
					.len = p->payload_len };

	if (p->payload_len == 0)
		return 0;
	return dtmf_put(&s->dtmf, &dp) == -ENOMEM ? -ENOMEM : 0;
}

static uint64_t hash_of(const uint8_t *p, size_t len)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h ^ h >> 32;
}

static void add_sketch(struct feed_stream *s, uint64_t h)
{
	unsigned at = s->n_sketch;

	while (at > 0 && s->sketch[at - 1] > h)
		at--;
	if (at == FEED_SKETCH_MAX || (at > 0 && s->sketch[at - 1] == h))
		return;
	if (s->n_sketch < FEED_SKETCH_MAX)
		s->n_sketch++;
	memmove(&s->sketch[at + 1], &s->sketch[at],
		(s->n_sketch - at - 1) * sizeof(h));
	s->sketch[at] = h;
}

static unsigned length_48k(const struct feed *f, uint8_t spec,
			   const struct rtp_packet *p)
{
	struct codec_spec cs = feed_codec_spec(&f->info.specs[spec]);

	return codec_duration_48k(&cs, p->payload, p->payload_len);
}

/* A new offer may give a payload type another codec while packets of the old
 * one are under way. These are as long, and as far apart, as those before, and
 * would be longer or shorter than that in the new codec. */
static bool is_of_before(struct feed *f, struct feed_stream *s, int64_t t_us,
			 const struct rtp_packet *p)
{
	size_t i = (size_t)(s - f->info.streams);
	const struct newest *n = &f->now[i].newest;
	uint8_t spec = f->now[i].spec[p->pt];
	int64_t len, step;

	if (p->pt != n->pt)
		return false;
	len = length_48k(f, n->spec, p);
	step = (int64_t)(int32_t)(p->ts_rtp - n->ts) * TL_TICKS_S /
	       f->info.specs[n->spec].clock_hz;
	f->now[i].moved = t_us - f->now[i].moved_us < MOVED_US &&
			  p->ssrc == n->ssrc && p->payload_len == n->len &&
			  len > 0 && spec != NO_SPEC &&
			  len != length_48k(f, spec, p) &&
			  step == len * (int16_t)(p->seq - n->seq);
	return f->now[i].moved;
}

static uint8_t spec_for(struct feed *f, struct feed_stream *s, int64_t t_us,
			const struct rtp_packet *p)
{
	size_t i = (size_t)(s - f->info.streams);
	struct newest *n = &f->now[i].newest;
	uint8_t spec = f->now[i].spec[p->pt];

	if (f->now[i].moved && is_of_before(f, s, t_us, p))
		spec = n->spec;
	if (spec != NO_SPEC && f->info.specs[spec].known && p->payload_len)
		*n = (struct newest){ p->pt,   spec,	  p->seq,
				      p->ssrc, p->ts_rtp, p->payload_len };
	return spec;
}

static void hear_l16(struct feed *f, struct feed_stream *s, uint8_t spec,
		     const struct rtp_packet *p)
{
	struct l16_heard *h = f->now[s - f->info.streams].l16;

	for (unsigned i = 0; i < L16_SPECS_MAX; i++, h++) {
		if (h->used && h->spec != spec)
			continue;
		h->used = true;
		h->spec = spec;
		l16_order_hear(&h->order, p->payload, p->payload_len,
			       f->info.specs[spec].channels);
		if (l16_order_is_low(&h->order))
			s->low_first |= UINT64_C(1) << spec;
		else
			s->low_first &= ~(UINT64_C(1) << spec);
		return;
	}
}

static int add_packet(struct feed *f, struct feed_stream *s, int64_t t_us,
		      const struct rtp_packet *p, uint32_t number)
{
	uint8_t spec = spec_for(f, s, t_us, p);
	struct tl_packet tp = { .t_us = t_us,
				.ssrc = p->ssrc,
				.ts_rtp = p->ts_rtp,
				.seq = p->seq,
				.clock_hz = 8000 };
	const struct feed_spec *fs;
	struct codec_spec cs;
	size_t cap = s->cap;
	unsigned rate, ticks;
	int r;

	if (spec == NO_SPEC) {
		s->undecodable++;
		return 0;
	}
	fs = &f->info.specs[spec];
	cs = feed_codec_spec(fs);
	tp.clock_hz = fs->clock_hz;
	if (str_ieq(fs->name, "telephone-event")) {
		tp.class = TL_EVENT;
		r = add_tone(s, t_us, p, fs->clock_hz);
		if (r < 0)
			return r;
	} else if (str_ieq(fs->name, "CN") || p->payload_len == 0) {
		tp.class = TL_NOISE;
	} else if (codec_noise(&cs, p->payload, p->payload_len)) {
		tp.class = TL_NOISE;
	} else if (!fs->known) {
		tp.class = TL_NOISE;
		s->undecodable++;
	} else {
		ticks = codec_duration_48k(&cs, p->payload, p->payload_len);
		if (str_ieq(fs->name, "L16"))
			hear_l16(f, s, spec, p);
		tp.ticks = (uint16_t)(ticks <= 48000 ? ticks : 0);
		if (str_ieq(fs->name, "opus")) {
			rate = opus_file_packet_rate_hz(p->payload,
							p->payload_len);
			if (rate > s->rate_hz)
				s->rate_hz = rate;
			s->stereo |= opus_file_packet_stereo(p->payload,
							     p->payload_len);
		}
	}
	r = reserve((void **)&s->packets, &s->cap, s->n, sizeof(*s->packets));
	if (r == 0)
		r = reserve((void **)&s->refs, &cap, s->n, sizeof(*s->refs));
	if (r < 0)
		return r;
	s->bytes += p->payload_len;
	add_sketch(s, hash_of(p->payload, p->payload_len));
	s->packets[s->n] = tp;
	s->refs[s->n++] = (struct feed_ref){ number, spec, p->pt };
	return 0;
}

static int add_report(struct feed_stream *s, int64_t t_us,
		      const struct rtcp_packet *p)
{
	int r;

	r = reserve((void **)&s->reports, &s->cap_reports, s->n_reports,
		    sizeof(*s->reports));
	if (r < 0)
		return r;
	s->reports[s->n_reports++] = (struct tl_report){
		.t_us = t_us,
		.ntp_us = rtcp_ntp_to_wall_us(p->ntp),
		.ssrc = p->ssrc,
		.ts_rtp = p->ts_rtp,
	};
	return 0;
}

static int take_rtcp(struct feed_stream *s, const struct spool_item *item)
{
	struct rtcp_packet p;
	struct cursor c;
	int r;

	cur_init(&c, item->packet.data, item->packet.len);
	while (rtcp_next(&c, &p) == 1) {
		if (p.type != RTCP_SR || p.ntp == 0)
			continue;
		r = add_report(s, item->t_us, &p);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_text(struct feed *f, struct feed_stream *s, int64_t t_us,
		    const struct rtp_packet *p)
{
	size_t i = (size_t)(s - f->info.streams);
	uint8_t spec = f->now[i].spec[p->pt];
	struct t140_packet tp = { .t_us = t_us,
				  .ssrc = p->ssrc,
				  .seq = p->seq,
				  .payload = p->payload,
				  .len = p->payload_len };
	int r;

	if (spec == NO_SPEC) {
		s->broken++;
		return 0;
	}
	if (!s->text) {
		r = t140_create(&s->text);
		if (r < 0)
			return r;
	}
	tp.clock_hz = f->info.specs[spec].clock_hz;
	tp.red = str_ieq(f->info.specs[spec].name, "red");
	tp.resumed = f->now[i].resumed;
	f->now[i].resumed = false;
	/* what is broken or too much is counted there */
	return t140_put(s->text, &tp) == -ENOMEM ? -ENOMEM : 0;
}

static int take_packet(struct feed *f, const struct spool_item *item)
{
	struct feed_stream *s = find_stream(f, item->packet.stream);
	struct rtp_packet p;
	uint32_t number;

	if (item->packet.proto != SPOOL_RTP)
		return s ? take_rtcp(s, item) : 0;
	number = f->n_rtp++;
	if (!s)
		return 0;
	if (rtp_parse(item->packet.data, item->packet.len, &p) < 0) {
		s->broken++;
		return 0;
	}
	if (s->media == CAP_TEXT)
		return add_text(f, s, item->t_us, &p);
	return add_packet(f, s, item->t_us, &p, number);
}

/* ---- events ---- */

static int hold_event(struct feed *f, const struct spool_item *item)
{
	uint16_t kind = item->event.kind;
	bool pause = kind == CAP_EV_PAUSE || kind == CAP_EV_UNPAUSE;
	bool on = kind == CAP_EV_HOLD || kind == CAP_EV_PAUSE;
	unsigned i;
	int r;

	for (i = 0; i < f->info.n_streams; i++) {
		if (item->event.index >= 0 &&
		    f->info.streams[i].index != (unsigned)item->event.index)
			continue;
		r = set_hold(f, &f->info.streams[i], item->t_us, pause, on);
		if (r < 0)
			return r;
	}
	return 0;
}

static int take_event(struct feed *f, const struct spool_item *item)
{
	struct feed_event *e;
	char *text;
	int r;

	if (item->event.kind >= CAP_EV_HOLD &&
	    item->event.kind <= CAP_EV_UNPAUSE) {
		r = hold_event(f, item);
		if (r < 0)
			return r;
	}
	text = mem_strndup(item->event.text ? item->event.text : "",
			   item->event.text_len);
	if (!text)
		return -ENOMEM;
	if (item->event.kind == CAP_EV_METADATA) {
		mem_free(f->info.meta);
		f->info.meta = text;
		return 0;
	}
	r = reserve((void **)&f->info.events, &f->info.cap_events,
		    f->info.n_events, sizeof(*e));
	if (r < 0) {
		mem_free(text);
		return r;
	}
	f->info.events[f->info.n_events++] =
		(struct feed_event){ item->t_us, item->event.kind,
				     item->event.index, text };
	return 0;
}

static int take_open(struct feed *f, const struct spool_item *item)
{
	f->info.session = item->open.session;
	f->info.start_wall_us = item->open.start_wall_us;
	mem_free(f->info.meta);
	f->info.meta = mem_strndup(item->open.meta ? item->open.meta : "",
				   item->open.meta_len);
	return f->info.meta ? 0 : -ENOMEM;
}

static void take_close(struct feed *f, const struct spool_close *c)
{
	unsigned i, k;

	for (i = 0; i < c->n && i < CAP_STREAMS_MAX; i++)
		for (k = 0; k < SPOOL_DROP_MAX; k++)
			f->info.dropped[k] += c->streams[i].dropped[k];
}

static int take_item(struct feed *f, const struct spool_item *item)
{
	if (item->t_us > f->info.end_us)
		f->info.end_us = item->t_us;
	switch (item->type) {
	case SPOOL_OPEN:
		return take_open(f, item);
	case SPOOL_STREAMS:
		return take_table(f, item->t_us, item->streams);
	case SPOOL_PACKETS:
		return take_packet(f, item);
	case SPOOL_EVENT:
		return take_event(f, item);
	case SPOOL_LOST:
		f->info.lost_packets += item->lost.packets;
		return 0;
	case SPOOL_CLOSE:
		take_close(f, item->close);
		return 0;
	case SPOOL_RESTART:
		return 0; /* counted by the reader */
	}
	return 0;
}

static int by_from(const void *a, const void *b)
{
	const struct tl_hold *x = a, *y = b;

	return x->from_us < y->from_us ? -1 : x->from_us > y->from_us;
}

static int finish_stream(struct feed *f, struct feed_stream *s)
{
	unsigned count[FEED_SPECS_MAX] = { 0 }, audio = 0, opus = 0, i;
	size_t at = (size_t)(s - f->info.streams), k;
	int r;

	f->info.ends_on_hold |=
		f->now[at].hold_from >= 0 || f->now[at].pause_from >= 0;
	r = set_hold(f, s, f->info.end_us, false, false);
	if (r == 0)
		r = set_hold(f, s, f->info.end_us, true, false);
	if (r < 0)
		return r;
	if (s->n_holds)
		qsort(s->holds, s->n_holds, sizeof(*s->holds), by_from);
	for (k = 0; k < s->n; k++) {
		if (s->packets[k].class != TL_AUDIO)
			continue;
		audio++;
		i = s->refs[k].spec;
		opus += str_ieq(f->info.specs[i].name, "opus");
		if (++count[i] > count[s->main_spec])
			s->main_spec = (uint8_t)i;
	}
	s->all_opus = audio > 0 && opus == audio;
	return s->text ? t140_finish(s->text) : 0;
}

static int read_all(struct feed *f)
{
	struct spool_reader *rd CLEANUP(spool_reader_close) = NULL;
	struct spool_item item;
	unsigned i;
	int r;

	r = spool_reader_open(f->path, &rd);
	if (r < 0)
		return r;
	while ((r = spool_reader_next(rd, &item)) > 0) {
		r = take_item(f, &item);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	spool_reader_stats(rd, &f->info.spool);
	for (i = 0; i < f->info.n_streams; i++) {
		r = finish_stream(f, &f->info.streams[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

int feed_load(const char *path, bool use_av, struct feed **ret_feed)
{
	struct feed *f CLEANUP(feed_destroy) = NULL;
	int r;

	f = mem_zalloc(sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->use_av = use_av;
	f->path = mem_strdup(path);
	f->info.meta = mem_strdup("");
	f->info.streams = mem_calloc(CAP_STREAMS_MAX, sizeof(*f->info.streams));
	if (!f->path || !f->info.meta || !f->info.streams)
		return -ENOMEM;
	r = read_all(f);
	if (r < 0)
		return r;
	f->slots = mem_calloc(f->n_rtp, sizeof(*f->slots));
	if (!f->slots)
		return -ENOMEM;
	*ret_feed = STEAL(f);
	return 0;
}

void feed_destroy(struct feed **fp)
{
	struct feed *f = *fp;
	size_t i;

	if (!f)
		return;
	*fp = NULL;
	spool_reader_close(&f->reader);
	for (i = 0; i < f->info.n_streams; i++) {
		mem_free(f->info.streams[i].packets);
		mem_free(f->info.streams[i].refs);
		mem_free(f->info.streams[i].reports);
		mem_free(f->info.streams[i].holds);
		dtmf_fini(&f->info.streams[i].dtmf);
		t140_destroy(&f->info.streams[i].text);
	}
	for (i = 0; i < f->info.n_events; i++)
		mem_free(f->info.events[i].text);
	for (i = 0; f->slots && i < f->n_rtp; i++)
		mem_free(f->slots[i].data);
	mem_free(f->slots);
	mem_free(f->info.events);
	mem_free(f->info.streams);
	mem_free(f->info.meta);
	mem_free(f->path);
	mem_free(f);
}

const struct feed_info *feed_info(const struct feed *f)
{
	return &f->info;
}

/* ---- second pass ---- */

void feed_want(struct feed *f, const struct feed_ref *ref)
{
	f->slots[ref->number].wanted = true;
}

int feed_rewind(struct feed *f)
{
	spool_reader_close(&f->reader);
	f->next = 0;
	return spool_reader_open(f->path, &f->reader);
}

static int keep(struct feed *f, const struct spool_item *item)
{
	struct slot *s = &f->slots[f->next];
	struct rtp_packet p;

	if (!s->wanted)
		return 0;
	if (rtp_parse(item->packet.data, item->packet.len, &p) < 0 ||
	    p.payload_len > UINT16_MAX)
		return 0;
	s->data = mem_dup(p.payload, p.payload_len);
	if (!s->data)
		return -ENOMEM;
	s->len = (uint16_t)p.payload_len;
	return 0;
}

static int read_to(struct feed *f, uint32_t number)
{
	struct spool_item item;
	int r;

	while (f->next <= number) {
		r = spool_reader_next(f->reader, &item);
		if (r <= 0)
			return r < 0 ? r : -ENODATA;
		if (item.type != SPOOL_PACKETS ||
		    item.packet.proto != SPOOL_RTP)
			continue;
		if (f->next >= f->n_rtp)
			return -ENODATA; /* the file has grown meanwhile */
		r = keep(f, &item);
		if (r < 0)
			return r;
		f->next++;
	}
	return 0;
}

int feed_payload(struct feed *f, const struct feed_ref *ref,
		 const uint8_t **ret_data, size_t *ret_len)
{
	struct slot *s = &f->slots[ref->number];
	int r;

	if (!s->wanted)
		return -ENODATA;
	if (f->next <= ref->number) {
		r = read_to(f, ref->number);
		if (r < 0)
			return r;
	}
	if (!s->data)
		return -ENODATA;
	*ret_data = s->data;
	*ret_len = s->len;
	return 0;
}

void feed_drop(struct feed *f, const struct feed_ref *ref)
{
	struct slot *s = &f->slots[ref->number];

	mem_free(s->data);
	s->data = NULL;
	s->wanted = false;
}

int feed_each_raw(struct feed *f, uint16_t index, feed_raw_fn *fn, void *arg)
{
	struct spool_reader *rd CLEANUP(spool_reader_close) = NULL;
	struct spool_item item;
	int r;

	r = spool_reader_open(f->path, &rd);
	if (r < 0)
		return r;
	while ((r = spool_reader_next(rd, &item)) > 0) {
		if (item.type != SPOOL_PACKETS ||
		    item.packet.proto != SPOOL_RTP ||
		    item.packet.stream != index)
			continue;
		r = fn(arg, item.t_us, item.packet.data, item.packet.len);
		if (r != 0)
			return r;
	}
	return r;
}
