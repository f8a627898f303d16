/* test_render.c - facts about media/render.h: two voices stay apart, times are
 * right, and however often it is interrupted the result is the same. */
#include "media/render.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/codec.h"
#include "media/codec_opus.h"
#include "media/mux.h"
#include "media/ogg.h"
#include "tests/support/spool_maker.h"

#define TWO                                                                    \
	"{\"participants\":[{\"aor\":\"sip:alice@example.com\",\"name\":"      \
	"\"Alice\",\"streams\":[0]},{\"aor\":\"sip:bob@example.com\","         \
	"\"streams\":[1]}]}"
#define KEY "tenant/recording/"
#define HZ 48000

struct world {
	char dir[64], work[96], media[96];
	struct spool_maker m;
	struct blob_store *store;
	struct render_result *res;
	struct err e;
	struct opus_enc *enc[2];
};

static int setup(void **state)
{
	struct world *w = mem_zalloc(sizeof(*w));

	(void)snprintf(w->dir, sizeof(w->dir), "%s", unit_temp_dir());
	(void)snprintf(w->work, sizeof(w->work), "%s/work", w->dir);
	(void)snprintf(w->media, sizeof(w->media), "%s/media", w->dir);
	assert_int_equal(mkdir(w->work, 0700), 0);
	assert_int_equal(blob_fs_create(w->media, &w->store), 0);
	w->res = mem_zalloc(sizeof(*w->res));
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	blob_store_destroy(&w->store);
	mem_free(w->res);
	opus_enc_destroy(&w->enc[0]);
	opus_enc_destroy(&w->enc[1]);
	(void)unit_remove_tree(w->dir);
	mem_free(w);
	return 0;
}

static struct render_options options(struct world *w)
{
	return (struct render_options){ .spool_path = w->m.path,
					.work_dir = w->work,
					.store = w->store,
					.key_prefix = KEY,
					.complexity = 1,
					.use_av = true };
}

static void render(struct world *w)
{
	struct render_options opt = options(w);
	int r;

	w->e.code = 0;
	r = render_spool(&opt, w->res, &w->e);
	if (r < 0)
		fail_msg("%s: %s", err_name(r), w->e.text);
}

/* 20 ms of a tone. */
static void tone(double hz, unsigned frame, unsigned rate, int16_t *dst)
{
	unsigned i, n = rate / 50;

	for (i = 0; i < n; i++)
		dst[i] = (int16_t)(9000 *
				   sin(2 * M_PI * hz * (frame * n + i) / rate));
}

static void send_pcm(struct world *w, uint16_t stream, bool alaw, double hz,
		     unsigned k, uint32_t ts)
{
	uint8_t payload[160];
	int16_t pcm[160];
	unsigned i;

	tone(hz, k, 8000, pcm);
	for (i = 0; i < 160; i++)
		payload[i] = codec_pcm_encode(alaw, pcm[i]);
	maker_rtp(&w->m, stream, alaw ? 8 : 0, (uint16_t)(65500 + k), ts,
		  100 + stream, payload, sizeof(payload));
}

static void send_opus(struct world *w, uint16_t stream, double hz, unsigned k)
{
	struct opus_enc_config cfg = { .rate_hz = 16000, .complexity = 1 };
	uint8_t pkt[OPUS_FILE_PACKET_MAX];
	int16_t pcm[320];
	int n;

	if (!w->enc[stream])
		assert_int_equal(opus_enc_create(&cfg, &w->enc[stream]), 0);
	tone(hz, k, 16000, pcm);
	n = opus_enc_frame(w->enc[stream], pcm, pkt, sizeof(pkt));
	assert_true(n > 0);
	maker_rtp(&w->m, stream, 96, (uint16_t)(7 + k), 960 * k, 100 + stream,
		  pkt, (size_t)n);
}

static void open_pcmu(struct world *w, const char *meta)
{
	maker_open(&w->m, w->dir, meta);
	maker_add_stream(&w->m, 0, "PCMU", 8000, 1);
	maker_add_stream(&w->m, 0, "PCMU", 8000, 1);
	maker_table(&w->m);
}

/* frames of both parties, 440 Hz and 1000 Hz */
static void talk(struct world *w, unsigned from, unsigned to)
{
	unsigned k;

	for (k = from; k < to; k++) {
		send_pcm(w, 0, false, 440, k, 160 * k);
		send_pcm(w, 1, false, 1000, k, 160 * k + 5000);
		maker_advance(&w->m, 20000);
	}
}

/* ---- looking at the result ---- */

static const struct render_file *file(const struct world *w, const char *key)
{
	unsigned i;

	for (i = 0; i < w->res->n_files; i++)
		if (strcmp(w->res->files[i].key + strlen(KEY), key) == 0)
			return &w->res->files[i];
	return NULL;
}

static bool warned(const struct world *w, const char *code)
{
	unsigned i;

	for (i = 0; i < w->res->n_warnings; i++)
		if (strcmp(w->res->warnings[i].code, code) == 0)
			return true;
	return false;
}

struct audio {
	struct blob_file *f;
	uint64_t at;
	struct opus_dec *dec;
	struct ogg_info info;
	unsigned channels;
	int16_t *pcm; /* interleaved, pre-skip taken off */
	size_t n, skip;
};

static ssize_t read_blob(void *arg, void *dst, size_t len)
{
	struct audio *a = arg;
	ssize_t n = blob_pread(a->f, dst, len, a->at);

	a->at += n > 0 ? (uint64_t)n : 0;
	return n;
}

static int on_head(void *arg, const struct ogg_head *h)
{
	struct audio *a = arg;

	a->channels = h->map.channels;
	a->skip = h->pre_skip_48k;
	return opus_dec_create(&h->map, HZ, &a->dec);
}

static int on_packet(void *arg, const uint8_t *data, size_t len)
{
	struct audio *a = arg;
	int n;

	a->pcm = mem_realloc(a->pcm, (a->n + 5760) * a->channels * 2);
	n = opus_dec_packet(a->dec, data, len, a->pcm + a->n * a->channels,
			    5760);
	assert_true(n > 0);
	a->n += (size_t)n;
	return 0;
}

static void load(struct world *w, const char *name, struct audio *a)
{
	char key[64];

	memset(a, 0, sizeof(*a));
	(void)snprintf(key, sizeof(key), KEY "%s", name);
	assert_int_equal(blob_open(w->store, key, &a->f), 0);
	assert_int_equal(
		ogg_read(read_blob, a, on_head, on_packet, a, &a->info), 0);
	assert_true(a->info.complete);
	assert_true(a->n >= a->skip);
	memmove(a->pcm, a->pcm + a->skip * a->channels,
		(a->n - a->skip) * a->channels * 2);
	a->n = (size_t)a->info.duration_48k;
	blob_close(&a->f);
}

static void unload(struct audio *a)
{
	opus_dec_destroy(&a->dec);
	mem_free(a->pcm);
}

/* Amplitude of a tone in one channel between two times (Goertzel). */
static double level(const struct audio *a, unsigned channel, double hz,
		    double from_s, double to_s)
{
	size_t i = (size_t)(from_s * HZ), end = (size_t)(to_s * HZ);
	double c = 2 * cos(2 * M_PI * hz / HZ), s1 = 0, s2 = 0, t;
	size_t n = end - i;

	assert_true(end <= a->n);
	for (; i < end; i++) {
		t = a->pcm[i * a->channels + channel] + c * s1 - s2;
		s2 = s1;
		s1 = t;
	}
	return 2 * sqrt(s1 * s1 + s2 * s2 - c * s1 * s2) / (double)n;
}

static double rms(const struct audio *a, unsigned channel, double from_s,
		  double to_s)
{
	size_t i = (size_t)(from_s * HZ), end = (size_t)(to_s * HZ), n = 0;
	double sum = 0, v;

	for (; i < end && i < a->n; i++, n++) {
		v = a->pcm[i * a->channels + channel];
		sum += v * v;
	}
	return n ? sqrt(sum / (double)n) : 0;
}

static void assert_sides(const struct audio *a, double left_hz, double right_hz,
			 double from_s, double to_s)
{
	double ll = level(a, 0, left_hz, from_s, to_s);
	double rr = level(a, 1, right_hz, from_s, to_s);
	double lr = level(a, 0, right_hz, from_s, to_s);
	double rl = level(a, 1, left_hz, from_s, to_s);

	if (ll < 5000 || rr < 5000 || lr > rr / 30 || rl > ll / 30)
		fail_msg("left %.0f (other %.0f), right %.0f (other %.0f)", ll,
			 lr, rr, rl);
}

/* ---- facts ---- */

static void render_two_voices_left_and_right(void **state)
{
	struct world *w = *state;
	struct audio a;

	open_pcmu(w, TWO);
	talk(w, 0, 250);
	maker_close(&w->m, true);
	render(w);
	assert_int_equal(w->res->duration_us, 5000000);
	assert_int_equal(w->res->n_files, 8);
	assert_int_equal(w->res->n_warnings, 0);
	load(w, "mix.ogg", &a);
	assert_int_equal(a.channels, 2);
	assert_int_equal(a.info.duration_48k, 5 * 48000);
	assert_sides(&a, 440, 1000, 0.5, 4.5);
	assert_non_null(strstr(a.info.tags, "RECORDING_ID=" MAKER_ID "\n"));
	assert_non_null(strstr(a.info.tags,
			       "PARTICIPANT=Alice <sip:alice@example.com>\n"));
	unload(&a);
	load(w, "track-1.ogg", &a);
	assert_int_equal(a.channels, 1);
	assert_true(level(&a, 0, 440, 0.5, 4.5) > 5000);
	unload(&a);
	load(w, "track-2.ogg", &a);
	assert_true(level(&a, 0, 1000, 0.5, 4.5) > 5000);
	unload(&a);
	assert_int_equal(file(w, "track-1.ogg")->party, 0);
	assert_int_equal(file(w, "track-2.ogg")->party, 1);
	assert_int_equal(file(w, "mix.mp4")->channels, 2);
	assert_non_null(file(w, "peaks.json"));
	assert_non_null(file(w, "peaks.dat"));
}

/* One number, two codecs: what was under way at the change keeps the old. */
static void render_knows_old_packets_of_a_number(void **state)
{
	struct world *w = *state;
	uint8_t pcmu[160], l16[320];
	struct audio a;
	int16_t pcm[160];
	int v;

	maker_open(&w->m, w->dir, TWO);
	maker_add_stream(&w->m, 96, "PCMU", 8000, 1);
	maker_table(&w->m);
	for (unsigned k = 0; k < 150; k++) {
		tone(440, k, 8000, pcm);
		for (unsigned i = 0; i < 160; i++) {
			v = pcm[i];
			pcmu[i] = codec_pcm_encode(false, pcm[i]);
			l16[2 * i] = (uint8_t)((unsigned)v >> 8);
			l16[2 * i + 1] = (uint8_t)v;
		}
		if (k == 50) { /* the answer; the sender needs a second */
			(void)str_copy(w->m.table.s[0].pts[0].codec,
				       sizeof(w->m.table.s[0].pts[0].codec),
				       "L16");
			maker_table(&w->m);
		}
		if (k < 100)
			maker_rtp(&w->m, 0, 96, (uint16_t)k, 160 * k, 5, pcmu,
				  sizeof(pcmu));
		else
			maker_rtp(&w->m, 0, 96, (uint16_t)k, 160 * k, 5, l16,
				  sizeof(l16));
		maker_advance(&w->m, 20000);
	}
	maker_close(&w->m, true);
	render(w);
	assert_in_range(w->res->duration_us, 2960000, 3040000);
	load(w, "track-1.ogg", &a);
	for (double s = 0.1; s < 2.8; s += 0.2)
		assert_true(level(&a, 0, 440, s, s + 0.15) >
			    1.3 * rms(&a, 0, s, s + 0.15));
	unload(&a);
}

static void render_order_is_that_of_the_participants(void **state)
{
	struct world *w = *state;
	struct audio a;

	open_pcmu(w, "{\"participants\":[{\"aor\":\"b\",\"streams\":[1]},"
		     "{\"aor\":\"a\",\"streams\":[0]}]}");
	talk(w, 0, 100);
	maker_close(&w->m, true);
	render(w);
	load(w, "mix.ogg", &a);
	assert_sides(&a, 1000, 440, 0.5, 1.5);
	unload(&a);
}

static void render_hold_is_silence_of_the_right_length(void **state)
{
	struct world *w = *state;
	struct audio a;

	open_pcmu(w, TWO);
	talk(w, 0, 100);
	maker_event(&w->m, CAP_EV_HOLD, -1);
	maker_advance(&w->m, 3000000);
	maker_event(&w->m, CAP_EV_RESUME, -1);
	talk(w, 100, 200); /* its clock stood still meanwhile */
	maker_close(&w->m, true);
	render(w);
	assert_in_range(w->res->duration_us, 6980000, 7020000);
	load(w, "mix.ogg", &a);
	assert_sides(&a, 440, 1000, 0.2, 1.9);
	assert_sides(&a, 440, 1000, 5.1, 6.9);
	assert_true(rms(&a, 0, 2.25, 4.95) < 2);
	assert_true(rms(&a, 1, 2.25, 4.95) < 2);
	unload(&a);
	assert_false(warned(w, "media.loss"));
}

static void render_loss_is_concealed_and_told(void **state)
{
	struct world *w = *state;
	struct audio a;
	unsigned k, lost = 0;

	open_pcmu(w, TWO);
	for (k = 0; k < 500; k++) {
		if (k % 50 != 7)
			send_pcm(w, 0, false, 440, k, 160 * k);
		else
			lost++;
		if (k < 200 || k >= 220)
			send_pcm(w, 1, false, 1000, k, 160 * k);
		maker_advance(&w->m, 20000);
	}
	maker_close(&w->m, true);
	render(w);
	assert_int_equal(w->res->duration_us, 10000000);
	assert_true(warned(w, "media.loss"));
	assert_int_equal(w->res->streams[0].lost, lost);
	assert_int_equal(w->res->streams[1].lost, 20);
	assert_int_equal(w->res->n_events, 1); /* 400 ms at 4 s */
	assert_int_equal(w->res->events[0].offset_us, 4000000);
	load(w, "mix.ogg", &a);
	assert_sides(&a, 440, 1000, 0.5, 3.9);
	assert_true(rms(&a, 1, 4.15, 4.35) < 50);
	unload(&a);
}

static void render_lists_keys(void **state)
{
	static const uint8_t star[4] = { 10, 0x8a, 1600 >> 8, 1600 & 0xff };
	struct world *w = *state;
	unsigned k, i;

	maker_open(&w->m, w->dir, TWO);
	maker_add_stream(&w->m, 0, "PCMU", 8000, 1);
	maker_add_stream(&w->m, 0, "PCMU", 8000, 1);
	w->m.table.s[1].pts[1] = (struct cap_pt){ .pt = 101,
						  .channels = 1,
						  .rate_hz = 8000,
						  .codec = "telephone-event" };
	w->m.table.s[1].n_pts = 2;
	maker_table(&w->m);
	talk(w, 0, 110);
	for (i = 0; i < 3; i++) /* "*" from 2.0 s, told at its end */
		maker_rtp(&w->m, 1, 101, (uint16_t)(65500 + 110 + i),
			  160 * 100 + 5000, 101, star, sizeof(star));
	maker_rtp(&w->m, 1, 101, (uint16_t)(65500 + 113), 160 * 110 + 5000, 101,
		  "", 0); /* muted */
	for (k = 110; k < 250; k++) {
		send_pcm(w, 0, false, 440, k, 160 * k);
		send_pcm(w, 1, false, 1000, k + 4, 160 * k + 5000);
		maker_advance(&w->m, 20000);
	}
	maker_close(&w->m, true);
	render(w);
	assert_int_equal(w->res->n_events, 1);
	assert_string_equal(w->res->events[0].kind, "dtmf");
	assert_string_equal(w->res->events[0].text, "*");
	assert_int_equal(w->res->events[0].offset_us, 2000000);
	assert_int_equal(w->res->events[0].duration_us, 200000);
	assert_int_equal(w->res->events[0].party, 1);
	assert_int_equal(w->res->events[0].stream, 1);
	assert_false(warned(w, "media.loss"));
}

static char *stored(struct world *w, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/" KEY "%s", w->media, name);
	return unit_read_file(path, NULL);
}

static void add_text_line(struct world *w)
{
	maker_add_stream(&w->m, 98, "t140", 1000, 1);
	w->m.table.s[w->m.table.n - 1].media = CAP_TEXT;
	maker_table(&w->m);
}

#define TYPED                                                                  \
	"{\"participants\":[{\"aor\":\"sip:alice@example.com\",\"name\":"      \
	"\"Alice\",\"streams\":[0,2]},{\"aor\":\"sip:bob@example.com\","       \
	"\"streams\":[1]}]}"

static void render_typed_text_is_a_track(void **state)
{
	struct world *w = *state;
	unsigned k;
	char *vtt;

	maker_open(&w->m, w->dir, TYPED);
	maker_add_stream(&w->m, 0, "PCMU", 8000, 1);
	maker_add_stream(&w->m, 0, "PCMU", 8000, 1);
	add_text_line(w);
	for (k = 0; k < 5; k++) {
		talk(w, 15 * k, 15 * k + 15);
		if (k != 2)
			maker_rtp(&w->m, 2, 98, (uint16_t)k, 300 * k, 77,
				  &"Hello"[k], 1);
	}
	maker_close(&w->m, true);
	render(w);
	vtt = stored(w, "track-3.vtt");
	assert_string_equal(vtt, "WEBVTT\n\n1\n00:00:00.300 --> 00:00:03.500\n"
				 "<v Alice>He\xef\xbf\xbdlo\n");
	test_free(vtt);
	assert_string_equal(file(w, "track-3.vtt")->kind, "text");
	assert_int_equal(file(w, "track-3.vtt")->party, 0);
	assert_int_equal(w->res->n_events, 1);
	assert_string_equal(w->res->events[0].kind, "text");
	assert_string_equal(w->res->events[0].text, "5 characters");
	assert_true(warned(w, "text.loss"));
	assert_false(warned(w, "media.loss"));
	assert_false(warned(w, "media.unknown_codec"));
}

static void render_text_alone_is_a_recording(void **state)
{
	struct world *w = *state;
	char *vtt;

	maker_open(&w->m, w->dir, "");
	add_text_line(w);
	maker_advance(&w->m, 1000000);
	maker_rtp(&w->m, 0, 98, 1, 0, 77, "a", 1);
	maker_advance(&w->m, 400000);
	maker_rtp(&w->m, 0, 98, 2, 400, 77, "b", 1);
	/* a pause is no loss */
	maker_event(&w->m, CAP_EV_PAUSE, -1);
	maker_advance(&w->m, 1000000);
	maker_event(&w->m, CAP_EV_UNPAUSE, -1);
	maker_rtp(&w->m, 0, 98, 9, 1400, 77, "c", 1);
	maker_close(&w->m, true);
	render(w);
	assert_int_equal(w->res->n_files, 1);
	assert_int_equal(w->res->duration_us, 1400000);
	assert_int_equal(w->res->started_wall_us, MAKER_WALL_US + 1000000);
	assert_false(warned(w, "media.none"));
	assert_false(warned(w, "text.loss"));
	vtt = stored(w, "track-1.vtt");
	assert_non_null(strstr(vtt, "00:00:00.000 -->"));
	assert_non_null(strstr(vtt, "\nabc\n"));
	test_free(vtt);
}

static void render_opus_track_is_a_copy(void **state)
{
	struct world *w = *state;
	struct audio a;
	unsigned k;

	maker_open(&w->m, w->dir, TWO);
	maker_add_stream(&w->m, 96, "opus", 48000, 2);
	maker_add_stream(&w->m, 96, "opus", 48000, 2);
	maker_table(&w->m);
	for (k = 0; k < 250; k++) {
		if (k != 100 && k != 101) /* loss */
			send_opus(w, 0, 440, k);
		if (k < 150 || k > 200) { /* DTX of a second */
			send_opus(w, 1, 1000, k);
		}
		maker_advance(&w->m, 20000);
	}
	maker_close(&w->m, true);
	render(w);
	assert_int_equal(w->res->duration_us, 5000000);
	assert_true(w->res->streams[0].copied);
	load(w, "mix.ogg", &a);
	assert_sides(&a, 440, 1000, 0.5, 1.9);
	assert_sides(&a, 440, 1000, 4.2, 4.9);
	unload(&a);
	load(w, "track-1.ogg", &a);
	assert_int_equal(a.info.duration_48k, 5 * 48000);
	assert_int_equal(a.info.packets, 250);
	assert_true(level(&a, 0, 440, 0.5, 1.9) > 5000);
	unload(&a);
	load(w, "track-2.ogg", &a);
	assert_int_equal(a.info.duration_48k, 5 * 48000);
	assert_true(level(&a, 0, 1000, 4.2, 4.9) > 5000);
	unload(&a);
}

static void render_codecs_of_different_rates(void **state)
{
	struct world *w = *state;
	struct audio a;
	unsigned k;

	maker_open(&w->m, w->dir, TWO);
	maker_add_stream(&w->m, 8, "PCMA", 8000, 1);
	maker_add_stream(&w->m, 96, "opus", 48000, 2);
	maker_table(&w->m);
	for (k = 0; k < 150; k++) {
		send_pcm(w, 0, true, 440, k, 160 * k);
		send_opus(w, 1, 1000, k);
		maker_advance(&w->m, 20000);
	}
	maker_close(&w->m, true);
	render(w);
	load(w, "mix.ogg", &a);
	assert_sides(&a, 440, 1000, 0.5, 2.5);
	unload(&a);
}

static void render_one_stream_is_mono(void **state)
{
	struct world *w = *state;
	struct audio a;
	unsigned k;

	maker_open(&w->m, w->dir, "{}");
	maker_add_stream(&w->m, 96, "opus", 48000, 2);
	maker_table(&w->m);
	for (k = 0; k < 100; k++) {
		send_opus(w, 0, 440, k);
		maker_advance(&w->m, 20000);
	}
	maker_close(&w->m, true);
	render(w);
	load(w, "mix.ogg", &a);
	assert_int_equal(a.channels, 1);
	assert_int_equal(a.info.duration_48k, 2 * 48000);
	assert_true(level(&a, 0, 440, 0.5, 1.5) > 5000);
	unload(&a);
}

static void render_three_parties_owner_left(void **state)
{
	struct world *w = *state;
	struct audio a;
	unsigned k;

	maker_open(&w->m, w->dir,
		   "{\"participants\":[{\"aor\":\"a\",\"streams\":[0]},"
		   "{\"aor\":\"b\",\"owner\":true,\"streams\":[1]},"
		   "{\"aor\":\"c\",\"streams\":[2]}]}");
	maker_add_stream(&w->m, 0, "PCMU", 8000, 1);
	maker_add_stream(&w->m, 0, "PCMU", 8000, 1);
	maker_add_stream(&w->m, 96, "opus", 48000, 2);
	maker_table(&w->m);
	for (k = 0; k < 150; k++) {
		send_pcm(w, 0, false, 440, k, 160 * k);
		send_pcm(w, 1, false, 1000, k, 160 * k);
		maker_advance(&w->m, 20000);
	}
	maker_close(&w->m, true);
	render(w);
	load(w, "mix.ogg", &a);
	assert_sides(&a, 1000, 440, 0.5, 2.5);
	unload(&a);
	assert_true(warned(w, "media.silent"));
	assert_null(file(w, "track-3.ogg"));
}

static void render_silent_party_keeps_its_side(void **state)
{
	struct world *w = *state;
	struct audio a;
	unsigned k;

	open_pcmu(w, TWO);
	for (k = 0; k < 100; k++) {
		send_pcm(w, 1, false, 1000, k, 160 * k);
		maker_advance(&w->m, 20000);
	}
	maker_close(&w->m, true);
	render(w);
	load(w, "mix.ogg", &a);
	assert_int_equal(a.channels, 2);
	assert_true(level(&a, 1, 1000, 0.5, 1.5) > 5000);
	assert_true(rms(&a, 0, 0.5, 1.5) < 2);
	unload(&a);
}

static void render_unknown_codec_is_kept_raw(void **state)
{
	struct world *w = *state;
	unsigned k;

	maker_open(&w->m, w->dir, TWO);
	maker_add_stream(&w->m, 0, "PCMU", 8000, 1);
	maker_add_stream(&w->m, 111, "X-NEW", 16000, 1);
	maker_table(&w->m);
	for (k = 0; k < 50; k++) {
		send_pcm(w, 0, false, 440, k, 160 * k);
		maker_rtp(&w->m, 1, 111, (uint16_t)k, 320 * k, 9, "abcdef", 6);
		maker_advance(&w->m, 20000);
	}
	maker_close(&w->m, true);
	render(w);
	assert_true(warned(w, "media.unknown_codec"));
	assert_non_null(file(w, "mix.ogg"));
	assert_non_null(file(w, "track-2.rtpdump"));
	/* file head, then 8 + 12 + 6 bytes a packet */
	assert_int_equal(file(w, "track-2.rtpdump")->bytes, 23 + 16 + 50 * 26);
}

static void render_without_media_gives_no_file(void **state)
{
	struct world *w = *state;

	open_pcmu(w, TWO);
	maker_close(&w->m, true);
	render(w);
	assert_int_equal(w->res->n_files, 0);
	assert_int_equal(w->res->duration_us, 0);
	assert_true(warned(w, "media.none"));
}

static void render_cut_off_spool_is_recovered(void **state)
{
	struct world *w = *state;
	struct stat st;

	open_pcmu(w, TWO);
	talk(w, 0, 100);
	maker_close(&w->m, false);
	assert_int_equal(stat(w->m.path, &st), 0);
	assert_int_equal(truncate(w->m.path, st.st_size - 100), 0);
	render(w);
	assert_in_range(w->res->duration_us, 1960000, 2000000);
	assert_true(warned(w, "spool.recovered"));
}

static void render_hostile_payloads_do_no_harm(void **state)
{
	struct world *w = *state;
	uint8_t junk[300];
	unsigned k, i;
	uint32_t x = 1;

	maker_open(&w->m, w->dir, TWO);
	maker_add_stream(&w->m, 96, "opus", 48000, 2);
	maker_add_stream(&w->m, 9, "G722", 8000, 1);
	maker_table(&w->m);
	for (k = 0; k < 200; k++) {
		for (i = 0; i < sizeof(junk); i++)
			junk[i] =
				(uint8_t)((x = x * 1664525 + 1013904223) >> 24);
		maker_rtp(&w->m, 0, 96, (uint16_t)k, x, 1, junk,
			  junk[0] % 100 + 1);
		maker_rtp(&w->m, 1, 9, (uint16_t)k, k * 160, 2, junk, junk[1]);
		maker_advance(&w->m, 20000);
	}
	maker_close(&w->m, true);
	render(w);
	assert_non_null(file(w, "mix.ogg"));
}

static bool stop_third(void *arg)
{
	return ++*(int *)arg == 3;
}

static void render_interrupted_ends_the_same(void **state)
{
	struct world *w = *state;
	struct render_result *first = mem_zalloc(sizeof(*first));
	struct render_options opt;
	struct err e = { 0 };
	int calls = 0, status;
	unsigned i;
	pid_t pid;

	open_pcmu(w, TWO);
	talk(w, 0, 3000);
	maker_close(&w->m, true);
	opt = options(w);
	opt.cancelled = stop_third;
	opt.cancel_arg = &calls;
	assert_int_equal(render_spool(&opt, w->res, &e), -ECANCELED);
	/* killed at some instant */
	pid = fork();
	if (pid == 0) {
		opt.cancelled = NULL;
		(void)alarm(1);
		for (;;)
			(void)render_spool(&opt, w->res, NULL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	render(w);
	*first = *w->res;
	render(w);
	assert_int_equal(first->n_files, 8);
	assert_int_equal(w->res->n_files, 8);
	for (i = 0; i < 8; i++) {
		assert_string_equal(w->res->files[i].key, first->files[i].key);
		assert_string_equal(w->res->files[i].sha256,
				    first->files[i].sha256);
	}
	mem_free(first);
}

static void render_full_disk_leaves_no_half_result(void **state)
{
	struct world *w = *state;
	struct render_options opt;
	struct blob_store *bad;
	struct err e = { 0 };
	int n;

	open_pcmu(w, TWO);
	talk(w, 0, 50);
	maker_close(&w->m, true);
	opt = options(w);
	assert_int_equal(blob_fail_create(w->store, &bad), 0);
	opt.store = bad;
	for (n = 0; n < 12; n++) {
		blob_fail_after(bad, n, ENOSPC);
		e.code = 0;
		assert_int_equal(render_spool(&opt, w->res, &e), -ENOSPC);
		assert_true(e.text[0]);
	}
	blob_store_destroy(&bad);
	render(w);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(render_two_voices_left_and_right),
		T(render_knows_old_packets_of_a_number),
		T(render_order_is_that_of_the_participants),
		T(render_hold_is_silence_of_the_right_length),
		T(render_loss_is_concealed_and_told),
		T(render_lists_keys),
		T(render_typed_text_is_a_track),
		T(render_text_alone_is_a_recording),
		T(render_opus_track_is_a_copy),
		T(render_codecs_of_different_rates),
		T(render_one_stream_is_mono),
		T(render_three_parties_owner_left),
		T(render_silent_party_keeps_its_side),
		T(render_unknown_codec_is_kept_raw),
		T(render_without_media_gives_no_file),
		T(render_cut_off_spool_is_recovered),
		T(render_hostile_payloads_do_no_harm),
		T(render_interrupted_ends_the_same),
		T(render_full_disk_leaves_no_half_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
