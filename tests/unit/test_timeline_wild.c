/* Senders whose clocks misbehave, and sources that follow each other in one
 * stream: no packet may vanish and nothing may change its pitch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "media/timeline.h"

#define PACKETS_MAX 12000
#define PTIME_US 20000
#define PACKET_TICKS 960
#define STAYS 1e9

struct sender {
	const char *name;
	unsigned packets;
	uint16_t seq;
	uint32_t ts;
	/* RTP time is wrong on its way: once in so many packets */
	unsigned wild_one_in;
	bool wild_also_first;
	int64_t wild_by;    /* 0 = anything */
	unsigned jump_at;   /* packet where the clock is set */
	int64_t jump_by;    /* RTP ticks */
	unsigned silence;   /* once in so many packets 1.5 s of silence */
	bool stands;	    /* RTP time never moves */
	unsigned reorder;   /* of so many packets two change places */
	unsigned jitter_us; /* */
	unsigned loss;	    /* one in so many never comes */
	/* allowed: */
	double worst_us; /* a packet's place against the truth */
	unsigned runs;	 /* at most */
	unsigned wild;	 /* at most, besides those that are */
};

struct found {
	unsigned sent, placed, wild, lost;
	double worst_us;
	int64_t bent; /* ticks by which packets are not 20 ms long */
	struct tl_stats stats;
};

static struct tl_packet in[PACKETS_MAX];
static double truth[PACKETS_MAX];
static uint32_t seed;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)(seed >> 4) * below >> 28);
}

static void change_places(size_t a, size_t b)
{
	struct tl_packet p = in[a];
	double t = truth[a];

	in[a] = in[b];
	in[b] = p;
	truth[a] = truth[b];
	truth[b] = t;
	t = (double)in[a].t_us;
	in[a].t_us = in[b].t_us;
	in[b].t_us = (int64_t)t;
}

static unsigned send(const struct sender *s, struct found *f)
{
	uint32_t ts = s->ts, told;
	uint16_t seq = s->seq;
	int64_t t = 1000000;
	unsigned i, n = 0;

	seed = 11;
	for (i = 0; i < s->packets; i++, seq++, t += PTIME_US, ts += 160) {
		if (s->silence && i % s->silence == s->silence - 1) {
			t += 1500000;
			ts += 12000;
		}
		if (s->jump_at && i == s->jump_at)
			ts += (uint32_t)s->jump_by;
		told = s->stands ? s->ts : ts;
		if (s->wild_one_in && rnd(s->wild_one_in) == 0 &&
		    (i > 0 || s->wild_also_first)) {
			told += s->wild_by ? (uint32_t)s->wild_by
					   : rnd(0x0fffffff) << 4;
			f->wild++;
		} else if (i == 0 && s->wild_also_first) {
			told += 0x7fffffff;
			f->wild++;
		}
		if (s->loss && rnd(s->loss) == 0) {
			f->lost++;
			continue;
		}
		truth[n] = (double)t;
		in[n++] = (struct tl_packet){
			.t_us = t + (s->jitter_us ? rnd(s->jitter_us) : 0),
			.ssrc = 1,
			.ts_rtp = told,
			.clock_hz = 8000,
			.seq = seq,
			.ticks = PACKET_TICKS,
			.class = TL_AUDIO,
		};
	}
	for (i = 2; s->reorder && i + 1 < n; i += s->reorder)
		change_places(i, i + 1);
	return n;
}

static void measure(struct timeline *tl, struct found *f)
{
	const struct tl_lane *l;
	double err, first = 0;
	int64_t next;
	unsigned k;
	size_t i;

	f->placed = 0;
	for (k = 0; k < tl_lanes(tl); k++) {
		l = tl_lane(tl, k);
		next = l->segs[0].start;
		for (i = 0; i < l->n; i++) {
			assert_true(l->segs[i].start == next);
			assert_true(l->segs[i].len > 0);
			next += l->segs[i].len;
			if (l->segs[i].kind != TL_PACKET)
				continue;
			f->bent += llabs(l->segs[i].len - PACKET_TICKS);
			err = (double)l->segs[i].start / 0.048 -
			      truth[l->segs[i].packet];
			if (f->placed++ == 0)
				first = err;
			err = err > first ? err - first : first - err;
			f->worst_us = err > f->worst_us ? err : f->worst_us;
		}
	}
	f->stats = *tl_stats(tl);
}

static void place(unsigned n, struct found *f)
{
	struct tl_input input = { .packets = in, .n_packets = n };
	struct timeline *tl;

	f->sent = n;
	assert_int_equal(tl_create(&input, &tl), 0);
	assert_int_equal(tl_place(tl), 0);
	measure(tl, f);
	tl_destroy(&tl);
}

static const struct sender senders[] = {
	{ .name = "one wild in ten",
	  .packets = 3000,
	  .wild_one_in = 10,
	  .worst_us = 20000,
	  .runs = 1 },
	{ .name = "one wild in two",
	  .packets = 3000,
	  .wild_one_in = 2,
	  .worst_us = 20000,
	  .runs = 1 },
	{ .name = "one in ten is 100 ms ahead",
	  .packets = 3000,
	  .wild_one_in = 10,
	  .wild_by = 800,
	  .worst_us = 20000,
	  .runs = 1 },
	{ .name = "one in ten is 60 ms behind",
	  .packets = 3000,
	  .wild_one_in = 10,
	  .wild_by = -480,
	  .worst_us = 20000,
	  .runs = 1 },
	{ .name = "one in ten has the time of the one before",
	  .packets = 3000,
	  .wild_one_in = 10,
	  .wild_by = -160,
	  .worst_us = 20000,
	  .runs = 1 },
	{ .name = "one in ten is an hour ahead",
	  .packets = 3000,
	  .wild_one_in = 10,
	  .wild_by = 8000LL * 3600,
	  .worst_us = 20000,
	  .runs = 1 },
	{ .name = "the first is wild",
	  .packets = 500,
	  .wild_also_first = true,
	  .worst_us = 20000,
	  .runs = 1 },
	{ .name = "one wild in ten, wraps, jitter, disorder, loss",
	  .packets = 3000,
	  .seq = 65000,
	  .ts = 0xfffff000,
	  .wild_one_in = 10,
	  .reorder = 7,
	  .jitter_us = 15000,
	  .loss = 50,
	  .worst_us = 40000,
	  .runs = 1 },
	{ .name = "one wild in ten between silences",
	  .packets = 3000,
	  .wild_one_in = 10,
	  .silence = 40,
	  .worst_us = 40000,
	  .runs = 1 },
	{ .name = "clock set ahead",
	  .packets = 3000,
	  .jump_at = 1500,
	  .jump_by = 0x12345678,
	  .worst_us = 20000,
	  .runs = 2 },
	{ .name = "clock set back",
	  .packets = 3000,
	  .jump_at = 1500,
	  .jump_by = -8000LL * 500,
	  .worst_us = 20000,
	  .runs = 2 },
	{ .name = "clock set back by 100 ms",
	  .packets = 3000,
	  .jump_at = 1500,
	  .jump_by = -800,
	  .worst_us = 20000,
	  .runs = 2 },
	{ .name = "clock set back, one wild in ten",
	  .packets = 3000,
	  .wild_one_in = 10,
	  .jump_at = 1500,
	  .jump_by = -8000LL * 500,
	  .worst_us = 20000,
	  .runs = 2 },
	{ .name = "both numbers wrap",
	  .packets = 3000,
	  .seq = 65000,
	  .ts = 0xffffff00,
	  .worst_us = 1,
	  .runs = 1 },
	{ .name = "silences",
	  .packets = 3000,
	  .silence = 40,
	  .worst_us = 1,
	  .runs = 1 },
	{ .name = "silences and jitter",
	  .packets = 3000,
	  .silence = 40,
	  .jitter_us = 60000,
	  .worst_us = 20000,
	  .runs = 1 },
	{ .name = "RTP time stands",
	  .packets = 1000,
	  .stands = true,
	  .worst_us = 20000,
	  .runs = 1,
	  .wild = 1000 },
	{ .name = "RTP time stands, silences",
	  .packets = 1000,
	  .silence = 40,
	  .stands = true,
	  .worst_us = 20000,
	  .runs = 1,
	  .wild = 1000 },
	{ .name = "RTP time is noise",
	  .packets = 1000,
	  .wild_one_in = 1,
	  .worst_us = 20000,
	  .runs = 1 },
};

static void timeline_keeps_packets_with_wild_times(void **state)
{
	const struct sender *s;
	unsigned bad = 0, n;
	struct found f;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(senders); i++) {
		s = &senders[i];
		f = (struct found){ 0 };
		n = send(s, &f);
		place(n, &f);
		print_message("%-48s %5.1f %% gone, runs %u, off %.0f us, "
			      "bent %lld, drift %.0f ppm\n",
			      s->name, 100.0 * (n - f.placed) / n, f.stats.runs,
			      f.worst_us, (long long)f.bent, f.stats.drift_ppm);
		bad += f.placed != n || f.stats.runs > s->runs ||
		       f.worst_us > s->worst_us || f.bent != 0;
	}
	assert_int_equal(bad, 0);
}

static void timeline_leaves_out_what_comes_twice(void **state)
{
	struct found f = { 0 };
	unsigned i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		truth[i] = 1e6 + i / 2 * (double)PTIME_US;
		in[i] = (struct tl_packet){
			.t_us = (int64_t)truth[i],
			.ts_rtp = i / 2 * 160,
			.clock_hz = 8000,
			.seq = (uint16_t)i,
			.ticks = PACKET_TICKS,
			.class = TL_AUDIO,
		};
	}
	place(1000, &f);
	assert_int_equal(f.placed, 500);
	assert_int_equal(f.stats.duplicates, 500);
	assert_int_equal(f.stats.runs, 1);
	assert_int_equal(f.stats.wild, 0);
}

/* One source, then another; the first came later than it had to. */
static unsigned two_sources(unsigned each, unsigned late_us, unsigned over_us)
{
	unsigned i, n = 2 * each;
	bool second;
	int64_t t;

	for (i = 0; i < n; i++) {
		second = i >= each;
		t = 1000000 + (int64_t)i * PTIME_US - (second ? over_us : 0);
		truth[i] = (double)t;
		in[i] = (struct tl_packet){
			.t_us = t + (second ? 0 : late_us),
			.ssrc = second ? 2 : 1,
			.ts_rtp = (second ? 777777 : 0) + i * 160,
			.clock_hz = 8000,
			.seq = (uint16_t)(second ? 30000 + i : i),
			.ticks = PACKET_TICKS,
			.class = TL_AUDIO,
		};
	}
	return n;
}

static void timeline_bends_nothing_when_the_source_changes(void **state)
{
	static const unsigned late_ms[] = { 0,	1,  5,	10,  19,  20, 21,
					    40, 60, 90, 150, 190, 250 };
	struct found f;
	unsigned i, n, over;
	size_t k;

	(void)state;
	for (i = 0; i < 2 * ARRAY_SIZE(late_ms); i++) {
		k = i / 2;
		over = i % 2 ? late_ms[k] * 1000 : 0;
		n = two_sources(500, over ? 0 : late_ms[k] * 1000, over);
		f = (struct found){ 0 };
		place(n, &f);
		if (f.placed != n || f.bent != 0 ||
		    f.worst_us > late_ms[k] * 1000 + PTIME_US)
			fail_msg("%u ms %s: %u of %u, bent %lld, off %.0f us",
				 late_ms[k], i % 2 ? "over" : "late", f.placed,
				 n, (long long)f.bent, f.worst_us);
	}
}

/* A busy machine: the delay of a second of packets is what it is there. */
static void timeline_takes_load_for_no_drift(void **state)
{
	static const struct {
		unsigned seconds, from, to, delay_us;
		bool slowly;
	} loads[] = {
		{ 10, 5, 10, 30000, false }, { 25, 12, 25, 30000, true },
		{ 29, 0, 29, 60000, true },  { 40, 20, 40, 12000, false },
		{ 40, 30, 40, 40000, true }, { 60, 0, 20, 14000, false },
		{ 60, 20, 35, 60000, true },
	};
	struct found f;
	unsigned i, n, d;
	size_t k;

	(void)state;
	for (k = 0; k < ARRAY_SIZE(loads); k++) {
		n = loads[k].seconds * 50;
		(void)two_sources(n / 2, 0, 0);
		seed = 5;
		for (i = 0; i < n; i++) {
			in[i].ssrc = 1;
			in[i].seq = (uint16_t)i;
			in[i].ts_rtp = i * 160;
			in[i].t_us += rnd(3000);
			if (i / 50 < loads[k].from || i / 50 >= loads[k].to)
				continue;
			d = loads[k].delay_us;
			if (loads[k].slowly)
				d = (unsigned)((uint64_t)d *
					       (i - loads[k].from * 50) /
					       (50 *
						(loads[k].to - loads[k].from)));
			in[i].t_us += d;
		}
		f = (struct found){ 0 };
		place(n, &f);
		if (f.bent != 0 || f.stats.drift_ppm != 0.0)
			fail_msg("load %zu: bent %lld, drift %.0f ppm", k,
				 (long long)f.bent, f.stats.drift_ppm);
	}
}

/* RTP time that is the time of sending trembles. */
static void timeline_bends_nothing_for_rtp_time_that_trembles(void **state)
{
	struct found f = { 0 };
	unsigned i, n = two_sources(1000, 0, 0);
	int64_t most = 0;

	(void)state;
	seed = 3;
	for (i = 0; i < n; i++) {
		in[i].ssrc = 1;
		in[i].seq = (uint16_t)i;
		in[i].ts_rtp = i * 160 + rnd(17);
	}
	place(n, &f);
	most = n / 10;
	assert_int_equal(f.placed, n);
	if (f.bent > most)
		fail_msg("bent %lld", (long long)f.bent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timeline_keeps_packets_with_wild_times),
		cmocka_unit_test(timeline_leaves_out_what_comes_twice),
		cmocka_unit_test(
			timeline_bends_nothing_when_the_source_changes),
		cmocka_unit_test(timeline_takes_load_for_no_drift),
		cmocka_unit_test(
			timeline_bends_nothing_for_rtp_time_that_trembles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
