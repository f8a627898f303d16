/* The renderer's one pass over a session, frame by frame of 20 ms.
 *
 * A strand is a stream: its lanes are decoded and added up; its encoder makes
 * one mono Opus packet a frame, unless its track is a copy of the packets that
 * came. A side of the mix that consists of one strand takes that strand's
 * packet: the stereo file is two mono streams side by side, so nothing is
 * encoded twice. Only sides of several strands have an encoder of their own.
 */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/codec_opus.h"
#include "media/render_priv.h"

#define CANCEL_EVERY 500 /* frames: 10 s of audio */

static unsigned standard_rate(unsigned hz)
{
	static const unsigned rates[] = { 8000, 12000, 16000, 24000, 48000 };
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(rates) - 1; i++)
		if (hz <= rates[i])
			break;
	return rates[i];
}

/* The highest rate that anything in this stream carries. */
static unsigned rate_of(const struct render *r, const struct feed_stream *fs)
{
	unsigned hz = fs->rate_hz, i, rate;
	bool seen[FEED_SPECS_MAX] = { false };
	struct codec_spec cs;
	struct codec *c;
	size_t k;

	for (k = 0; k < fs->n; k++)
		if (fs->packets[k].class == TL_AUDIO)
			seen[fs->refs[k].spec] = true;
	for (i = 0; i < r->info->n_specs; i++) {
		if (!seen[i] || str_ieq(r->info->specs[i].name, "opus"))
			continue;
		cs = feed_codec_spec(&r->info->specs[i]);
		if (codec_open(&cs, 0, r->opt->use_av, &c) < 0)
			continue;
		rate = c->rate_hz;
		codec_close(&c);
		hz = rate > hz ? rate : hz;
	}
	return standard_rate(hz ? hz : 8000);
}

/* ---- times ---- */

static int make_timelines(struct render *r)
{
	const struct feed_stream *fs;
	struct tl_input in;
	unsigned i;
	int e;

	for (i = 0; i < r->info->n_streams; i++) {
		fs = &r->info->streams[i];
		if (fs->media != CAP_AUDIO)
			continue;
		in = (struct tl_input){
			.packets = fs->packets,
			.n_packets = fs->n,
			.reports = fs->reports,
			.n_reports = fs->n_reports,
			.holds = fs->holds,
			.n_holds = fs->n_holds,
		};
		e = tl_create(&in, &r->tls[i]);
		if (e < 0)
			return e;
	}
	tl_align(r->tls, r->info->n_streams);
	for (i = 0; i < r->info->n_streams; i++) {
		e = r->tls[i] ? tl_place(r->tls[i]) : 0;
		if (e < 0)
			return e;
	}
	return 0;
}

static bool find_extent(struct render *r)
{
	int64_t start, end, close;
	bool any = false;
	unsigned i;

	for (i = 0; i < r->info->n_streams; i++) {
		if (!r->tls[i] || !tl_extent(r->tls[i], &start, &end))
			continue;
		if (!any || start < r->zero)
			r->zero = start;
		if (!any || end > r->end)
			r->end = end;
		any = true;
	}
	close = r->info->end_us * (TL_TICKS_S / 1000) / 1000;
	if (any && r->info->ends_on_hold && close > r->end)
		r->end = close; /* who hangs up on hold was on hold */
	return any;
}

/* ---- strands ---- */

static unsigned stream_at(const struct render *r, uint16_t line)
{
	unsigned i;

	for (i = 0; i < r->info->n_streams; i++)
		if (r->info->streams[i].index == line)
			break;
	return i;
}

static int party_ord(const struct render *r, int party)
{
	return party < 0 ? -1 : (int)r->plan.parties[party].ord;
}

int render_party_of(const struct render *r, uint16_t line)
{
	int party = -1;
	unsigned i;

	for (i = 0; i < r->plan.n_parties; i++) {
		if (!(r->plan.parties[i].streams >> line & 1))
			continue;
		if (party >= 0)
			return -1;
		party = (int)i;
	}
	return party_ord(r, party);
}

static int make_encoder(const struct render *r, unsigned rate_hz,
			struct opus_enc **ret_enc)
{
	struct opus_enc_config cfg = { .rate_hz = rate_hz,
				       .complexity = r->opt->complexity };

	return opus_enc_create(&cfg, ret_enc);
}

/* When the mix is a copy, the segments of its only strand go to both files. */
static int copy_both(void *arg, const struct tl_seg *seg,
		     const uint8_t *payload, size_t len)
{
	struct render *r = arg;
	int e;

	e = copy_seg(&r->strands[0].copy, seg, payload, len);
	return e < 0 ? e : copy_seg(&r->mix_copy, seg, payload, len);
}

static int make_voices(struct render *r, struct strand *s)
{
	struct voice_config cfg = {
		.feed = r->feed,
		.stream = s->fs,
		.zero = r->zero,
		.rate_hz = s->rate_hz,
		.use_av = r->opt->use_av,
	};
	unsigned i;
	int e;

	for (i = 0; i < tl_lanes(s->tl); i++) {
		cfg.lane = tl_lane(s->tl, i);
		if (s->copied) {
			cfg.on_seg = r->mix_copied ? copy_both : copy_seg;
			cfg.arg = r->mix_copied ? (void *)r : &s->copy;
		}
		e = voice_create(&cfg, &s->voices[i]);
		if (e < 0)
			return e;
		s->n_voices++;
	}
	return 0;
}

static void mono_head(struct ogg_head *h, unsigned rate_hz, unsigned pre_skip)
{
	*h = (struct ogg_head){ .pre_skip_48k = (uint16_t)pre_skip,
				.input_rate_hz = rate_hz };
	h->map = (struct opus_map){ .channels = 1, .streams = 1 };
}

static int open_track(struct render *r, struct strand *s)
{
	struct ogg_head head;
	int e;

	(void)snprintf(s->track.name, sizeof(s->track.name), "track-%u",
		       s->track_n);
	s->track.n = s->track_n;
	s->track.party = party_ord(r, s->plan->party);
	s->track.stream = s->fs->index;
	s->track.rate_hz = s->rate_hz;
	mono_head(&head, s->rate_hz, s->enc ? opus_enc_delay_48k(s->enc) : 0);
	if (s->copied) {
		head.pre_skip_48k = 0;
		if (s->fs->stereo) {
			head.map.channels = 2;
			head.map.coupled = 1;
			head.map.map[1] = 1;
		}
	}
	e = outfile_open(r, &s->track, &head);
	if (e < 0)
		return e;
	s->copy = (struct copy){ .out = s->track.ogg,
				 .zero = r->zero,
				 .rate_hz = s->rate_hz,
				 .stereo = s->fs->stereo };
	return 0;
}

static int make_strands(struct render *r)
{
	struct strand *s;
	unsigned i, at;

	r->strands = mem_calloc(r->plan.n_tracks + 1, sizeof(*r->strands));
	if (!r->strands)
		return -ENOMEM;
	for (i = 0; i < r->plan.n_tracks; i++) {
		at = stream_at(r, r->plan.tracks[i].stream);
		if (tl_lanes(r->tls[at]) == 0)
			continue;
		s = &r->strands[r->n_strands++];
		s->fs = &r->info->streams[at];
		s->tl = r->tls[at];
		s->plan = &r->plan.tracks[i];
		s->track_n = i + 1;
		s->rate_hz = rate_of(r, s->fs);
		s->copied = s->fs->all_opus && tl_lanes(s->tl) == 1;
	}
	return 0;
}

/* ---- sides ---- */

static int fill_side(struct render *r, unsigned channel)
{
	struct side *sd = &r->sides[channel];
	unsigned i;
	int e;

	sd->rate_hz = 8000;
	for (i = 0; i < r->n_strands; i++) {
		if (r->strands[i].plan->channel != (int)channel)
			continue;
		sd->members[sd->n++] = &r->strands[i];
		if (r->strands[i].rate_hz > sd->rate_hz)
			sd->rate_hz = r->strands[i].rate_hz;
	}
	for (i = 0; sd->n > 1 && i < sd->n; i++) {
		if (sd->members[i]->rate_hz == sd->rate_hz)
			continue;
		e = resample_create(sd->members[i]->rate_hz, sd->rate_hz,
				    &sd->rs[i]);
		if (e < 0)
			return e;
	}
	if (sd->n == 1)
		return 0;
	return make_encoder(r, sd->rate_hz, &sd->enc);
}

/* Whose packets does anybody need? */
static int make_encoders(struct render *r)
{
	struct strand *s;
	unsigned i;
	bool alone;
	int e;

	r->mix_copied = r->plan.channels == 1 && r->n_strands == 1 &&
			r->strands[0].copied && !r->strands[0].fs->stereo;
	for (i = 0; i < r->n_strands; i++) {
		s = &r->strands[i];
		alone = s->plan->channel >= 0 &&
			r->sides[s->plan->channel].n == 1 && !r->mix_copied;
		if (s->copied && !alone)
			continue;
		e = make_encoder(r, s->rate_hz, &s->enc);
		if (e < 0)
			return e;
	}
	return 0;
}

static unsigned pre_skip(const struct render *r)
{
	const struct side *sd = &r->sides[0];

	if (r->mix_copied)
		return 0;
	/* the same at every rate: 6.5 ms */
	return opus_enc_delay_48k(sd->enc ? sd->enc : sd->members[0]->enc);
}

static int open_mix(struct render *r)
{
	unsigned hz = r->sides[0].rate_hz;
	struct ogg_head head;
	int e;

	if (r->plan.channels == 2 && r->sides[1].rate_hz > hz)
		hz = r->sides[1].rate_hz;
	(void)str_copy(r->mix.name, sizeof(r->mix.name), "mix");
	r->mix.party = r->mix.stream = -1;
	r->mix.rate_hz = hz;
	mono_head(&head, hz, pre_skip(r));
	if (r->plan.channels == 2)
		head.map = (struct opus_map){ .family = 1,
					      .channels = 2,
					      .streams = 2,
					      .map = { 0, 1 } };
	e = outfile_open(r, &r->mix, &head);
	if (e < 0)
		return e;
	r->mix_copy = (struct copy){ .out = r->mix.ogg,
				     .zero = r->zero,
				     .rate_hz = hz };
	return peaks_create(r->plan.channels, hz, &r->peaks);
}

/* ---- frames ---- */

static int peak_of(const int16_t *pcm, unsigned n)
{
	int peak = 0, v;
	unsigned i;

	for (i = 0; i < n; i++) {
		v = pcm[i] < 0 ? -pcm[i] : pcm[i];
		peak = v > peak ? v : peak;
	}
	return peak;
}

static int strand_frame(struct strand *s)
{
	unsigned n = s->rate_hz / 50, i;
	int32_t sum[FRAME_MAX] = { 0 };
	int e, peak;

	for (i = 0; i < s->n_voices; i++) {
		e = voice_frame(s->voices[i], s->frame, n);
		if (e < 0)
			return e;
		if (s->n_voices > 1)
			mix_add(sum, s->frame, n);
	}
	if (s->n_voices > 1)
		mix_limit(&s->limiter, sum, s->frame, n);
	peak = peak_of(s->frame, n);
	if (!s->copied && peak > s->track.peak[0])
		s->track.peak[0] = peak;
	if (!s->enc)
		return 0;
	e = opus_enc_frame(s->enc, s->frame, s->packet, sizeof(s->packet));
	if (e < 0)
		return e;
	s->packet_len = (size_t)e;
	if (s->copied)
		return 0;
	return ogg_writer_packet(s->track.ogg, s->packet, s->packet_len,
				 FRAME_48K);
}

static int side_sum(struct side *sd)
{
	unsigned n = sd->rate_hz / 50, i;
	int32_t sum[FRAME_MAX] = { 0 };
	int16_t part[FRAME_MAX];
	size_t got;
	int e;

	for (i = 0; i < sd->n; i++) {
		if (!sd->rs[i]) {
			mix_add(sum, sd->members[i]->frame, n);
			continue;
		}
		e = resample_put(sd->rs[i], sd->members[i]->frame,
				 sd->members[i]->rate_hz / 50);
		if (e < 0)
			return e;
		/* the filter keeps 1.5 ms back: the first frame is short */
		memset(part, 0, sizeof(part));
		got = resample_get(sd->rs[i], part, n);
		if (got < n)
			memmove(part + (n - got), part, got * sizeof(*part));
		memset(part, 0, (n - got) * sizeof(*part));
		mix_add(sum, part, n);
	}
	mix_limit(&sd->limiter, sum, sd->frame, n);
	e = opus_enc_frame(sd->enc, sd->frame, sd->packet, sizeof(sd->packet));
	if (e < 0)
		return e;
	sd->packet_len = (size_t)e;
	return 0;
}

static int side_frame(struct render *r, unsigned channel, const uint8_t **data,
		      size_t *len)
{
	struct side *sd = &r->sides[channel];
	const int16_t *frame = sd->frame;
	int e, peak;

	if (sd->n == 1) {
		*data = sd->members[0]->packet;
		*len = sd->members[0]->packet_len;
		frame = sd->members[0]->frame;
	} else {
		e = side_sum(sd);
		if (e < 0)
			return e;
		*data = sd->packet;
		*len = sd->packet_len;
	}
	peaks_frame(r->peaks, channel, frame, sd->rate_hz / 50);
	peak = peak_of(frame, sd->rate_hz / 50);
	if (!r->mix_copied && peak > r->mix.peak[channel])
		r->mix.peak[channel] = peak;
	return 0;
}

static int mix_frame(struct render *r)
{
	uint8_t both[2 * OPUS_FILE_PACKET_MAX + 4];
	const uint8_t *data[2] = { NULL, NULL };
	size_t len[2] = { 0, 0 };
	unsigned c;
	int n, e;

	for (c = 0; c < r->plan.channels; c++) {
		e = side_frame(r, c, &data[c], &len[c]);
		if (e < 0)
			return e;
	}
	peaks_next(r->peaks);
	if (r->mix_copied)
		return 0;
	if (r->plan.channels == 1)
		return ogg_writer_packet(r->mix.ogg, data[0], len[0],
					 FRAME_48K);
	n = opus_file_self_delimit(data[0], len[0], both, sizeof(both));
	if (n < 0)
		return n;
	memcpy(both + n, data[1], len[1]);
	return ogg_writer_packet(r->mix.ogg, both, (size_t)n + len[1],
				 FRAME_48K);
}

static int run(struct render *r)
{
	int64_t total = r->end - r->zero, frames, i;
	unsigned k;
	int e;

	/* so many more that the encoders' delay comes out as well */
	frames = (total + pre_skip(r) + FRAME_48K - 1) / FRAME_48K;
	for (i = 0; i < frames; i++) {
		if (i % CANCEL_EVERY == 0 && r->opt->cancelled &&
		    r->opt->cancelled(r->opt->cancel_arg))
			return -ECANCELED;
		for (k = 0; k < r->n_strands; k++) {
			e = strand_frame(&r->strands[k]);
			if (e < 0)
				return e;
		}
		e = mix_frame(r);
		if (e < 0)
			return e;
	}
	return 0;
}

/* ---- the end ---- */

static int finish_files(struct render *r)
{
	int64_t total = r->end - r->zero;
	struct strand *s;
	unsigned i, k;
	uint64_t bad;
	int e;

	for (i = 0; i < r->n_strands; i++) {
		s = &r->strands[i];
		e = s->copied ? copy_finish(&s->copy, total) : 0;
		if (e == 0)
			e = outfile_finish(&s->track, total);
		if (e == 0)
			e = outfile_store(r, &s->track);
		if (e < 0)
			return e;
		for (bad = 0, k = 0; k < s->n_voices; k++)
			bad += voice_errors(s->voices[k]);
		if (bad)
			render_warn(r, "media.undecodable", "warning",
				    "stream %u: %llu packets could not be "
				    "decoded",
				    s->fs->index, (unsigned long long)bad);
	}
	e = r->mix_copied ? copy_finish(&r->mix_copy, total) : 0;
	if (e == 0)
		e = outfile_finish(&r->mix, total);
	return e < 0 ? e : outfile_store(r, &r->mix);
}

static void fini_buf(struct buf *b)
{
	buf_fini(b);
}

static int store_peaks(struct render *r)
{
	struct buf b CLEANUP(fini_buf) = { 0 };
	struct render_file f = {
		.kind = "peaks",
		.format = "json",
		.mime = "application/json",
		.party = -1,
		.stream = -1,
		.channels = r->plan.channels,
		.rate_hz = r->mix.rate_hz,
		.duration_us = render_us(r->end - r->zero),
	};
	int e;

	buf_init(&b, 1024 * 1024);
	e = peaks_json(r->peaks, &b);
	if (e == 0)
		e = outfile_store_bytes(r, &f, "peaks", b.data, b.len);
	if (e < 0)
		return e;
	buf_reset(&b);
	f.format = "dat";
	f.mime = "application/octet-stream";
	e = peaks_dat(r->peaks, &b);
	return e < 0 ? e : outfile_store_bytes(r, &f, "peaks", b.data, b.len);
}

static int store_raw(struct render *r)
{
	const struct feed_stream *fs;
	unsigned i;
	int e;

	for (i = 0; i < r->plan.n_tracks; i++) {
		fs = &r->info->streams[stream_at(r, r->plan.tracks[i].stream)];
		if (fs->undecodable == 0)
			continue;
		e = outfile_store_raw(r, fs, i + 1,
				      party_ord(r, r->plan.tracks[i].party));
		if (e < 0)
			return e;
		render_warn(r, "media.unknown_codec", "error",
			    "stream %u: %llu packets of a codec that cannot be "
			    "decoded are kept as they came",
			    fs->index, (unsigned long long)fs->undecodable);
	}
	return 0;
}

static int render_media(struct render *r)
{
	unsigned i;
	int e;

	e = make_strands(r);
	for (i = 0; e == 0 && i < r->plan.channels; i++)
		e = fill_side(r, i);
	if (e == 0)
		e = make_encoders(r);
	for (i = 0; e == 0 && i < r->n_strands; i++) {
		e = open_track(r, &r->strands[i]);
		if (e == 0)
			e = make_voices(r, &r->strands[i]);
	}
	if (e == 0)
		e = open_mix(r);
	if (e == 0)
		e = feed_rewind(r->feed);
	if (e == 0)
		e = run(r);
	if (e == 0)
		e = finish_files(r);
	return e < 0 ? e : store_peaks(r);
}

static void render_fini(struct render *r)
{
	unsigned i, k;

	for (i = 0; i < r->n_strands; i++) {
		for (k = 0; k < r->strands[i].n_voices; k++)
			voice_destroy(&r->strands[i].voices[k]);
		opus_enc_destroy(&r->strands[i].enc);
		outfile_fini(&r->strands[i].track);
	}
	for (i = 0; i < 2; i++) {
		opus_enc_destroy(&r->sides[i].enc);
		for (k = 0; k < r->sides[i].n; k++)
			resample_destroy(&r->sides[i].rs[k]);
	}
	for (i = 0; i < CAP_STREAMS_MAX; i++)
		tl_destroy(&r->tls[i]);
	outfile_fini(&r->mix);
	peaks_destroy(&r->peaks);
	mem_free(r->strands);
	feed_destroy(&r->feed);
	mem_free(r);
}

/* What only the spool's description knows: who owns the recording, and lines
 * that carry several people (the catalog has one or none for each). */
static void add_meta(struct plan *p, const struct plan *meta)
{
	uint32_t known = 0;
	unsigned i, k;

	for (i = 0; i < p->n_parties; i++)
		known |= p->parties[i].streams;
	for (i = 0; i < p->n_parties; i++) {
		for (k = 0; k < meta->n_parties; k++) {
			if (meta->parties[k].ord != p->parties[i].ord)
				continue;
			p->parties[i].owner |= meta->parties[k].owner;
			p->parties[i].streams |=
				meta->parties[k].streams & ~known;
		}
	}
}

static int make_parties(struct render *r)
{
	struct plan *meta;
	unsigned n;

	meta = mem_zalloc(sizeof(*meta));
	if (!meta)
		return -ENOMEM;
	if (plan_read_meta(meta, r->info->meta) < 0)
		render_warn(r, "media.meta", "warning",
			    "the spool's description cannot be read");
	if (r->opt->n_parties) {
		n = r->opt->n_parties < PLAN_PARTIES_MAX ? r->opt->n_parties
							 : PLAN_PARTIES_MAX;
		memcpy(r->plan.parties, r->opt->parties,
		       n * sizeof(*r->plan.parties));
		r->plan.n_parties = n;
		add_meta(&r->plan, meta);
	} else {
		r->plan = *meta;
	}
	mem_free(meta);
	return 0;
}

static int make_plan(struct render *r)
{
	uint32_t audio = 0;
	unsigned i;
	int e;

	e = make_parties(r);
	if (e < 0)
		return e;
	for (i = 0; i < r->info->n_streams; i++)
		if (r->info->streams[i].media == CAP_AUDIO &&
		    r->info->streams[i].index < CAP_STREAMS_MAX &&
		    (r->info->streams[i].used || r->info->streams[i].n))
			audio |= 1u << r->info->streams[i].index;
	plan_make(&r->plan, audio);
	return 0;
}

/* Without audio, what was typed tells the length. */
static bool only_text(struct render *r)
{
	int64_t from, to;

	if (!render_text_extent(r, &from, &to))
		return false;
	r->zero = from * (TL_TICKS_S / 1000) / 1000;
	r->res->duration_us = to - from;
	r->res->started_wall_us = r->info->start_wall_us + from;
	return true;
}

static int render_all(struct render *r)
{
	int e;

	e = feed_load(r->opt->spool_path, r->opt->use_av, &r->feed);
	if (e < 0)
		return err_set(r->e, e, "the spool cannot be read");
	r->info = feed_info(r->feed);
	e = make_timelines(r);
	if (e == 0)
		e = make_plan(r);
	if (e < 0)
		return e;
	if (find_extent(r)) {
		r->res->duration_us = render_us(r->end - r->zero);
		r->res->started_wall_us =
			r->info->start_wall_us + render_us(r->zero);
		e = render_media(r);
	} else if (!only_text(r)) {
		render_warn(r, "media.none", "error",
			    "no audio that can be decoded was received");
	}
	if (e == 0)
		e = store_raw(r);
	if (e == 0)
		e = render_text(r);
	if (e == 0)
		render_report(r);
	return e;
}

int render_spool(const struct render_options *opt,
		 struct render_result *ret_result, struct err *e)
{
	struct render *r;
	int res;

	r = mem_zalloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	memset(ret_result, 0, sizeof(*ret_result));
	r->opt = opt;
	r->res = ret_result;
	r->e = e;
	res = render_all(r);
	render_fini(r);
	if (res < 0)
		(void)err_set(e, res, "rendering: %s", err_name(res));
	return res;
}
