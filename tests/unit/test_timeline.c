/* A sender and a network are played; the timeline must find back when each
 * packet was sent. True times are known, so errors are measured. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "media/timeline.h"

#define PTIME_US 20000
#define PACKET_TICKS 960

struct net {
	const char *name;
	double seconds;
	double drift_ppm;
	double loss;	  /* share */
	unsigned reorder; /* positions */
	unsigned jitter_us;
	double duplicate;
	uint16_t seq;
	uint32_t ts;
	double restart_at; /* 0 = never */
	bool restart_same_ssrc;
	double hold_from, hold_to; /* nothing is sent */
	bool hold_freezes_ts;	   /* the sender's clock stands still */
	bool hold_counts_seq;	   /* numbers run on */
	double dtx_from, dtx_to;   /* not sent, numbers stand still */
	double step_at;		   /* path gets 80 ms longer */
};

struct sent {
	struct tl_packet p;
	double true_us; /* sender's instant on our clock */
	int64_t order;	/* arrival, for sorting */
};

static uint32_t seed;

static double rnd(void)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) / 16777216.0;
}

static int by_order(const void *a, const void *b)
{
	const struct sent *x = a, *y = b;

	return x->order < y->order ? -1 : x->order > y->order;
}

static size_t play(const struct net *n, struct sent *out)
{
	size_t count = 0, i, total = (size_t)(n->seconds * 50);
	uint16_t seq = n->seq;
	uint32_t ts = n->ts, ssrc = 0x1111;
	double t, at;
	struct sent s;

	for (i = 0; i < total; i++, ts += 160) {
		at = (double)i * 0.02;
		t = 1e6 + at * 1e6 * (1 + n->drift_ppm * 1e-6);
		if (n->restart_at > 0 && at >= n->restart_at &&
		    at < n->restart_at + 0.019) {
			seq = (uint16_t)(n->restart_same_ssrc ? seq + 20000
							      : 77);
			ts += 0x12345678;
			if (!n->restart_same_ssrc)
				ssrc = 0x2222;
		}
		if (at >= n->hold_from && at < n->hold_to) {
			if (n->hold_freezes_ts)
				ts -= 160;
			if (n->hold_counts_seq)
				seq++;
			continue;
		}
		if (at >= n->dtx_from && at < n->dtx_to)
			continue;
		s = (struct sent){ .true_us = t };
		s.p = (struct tl_packet){ .ssrc = ssrc,
					  .ts_rtp = ts,
					  .clock_hz = 8000,
					  .seq = seq++,
					  .ticks = PACKET_TICKS,
					  .class = TL_AUDIO };
		if (rnd() < n->loss)
			continue;
		t += 5000 + rnd() * n->jitter_us;
		if (n->step_at > 0 && at >= n->step_at)
			t += 80000;
		s.order = (int64_t)t;
		if (n->reorder)
			s.order += (int64_t)(rnd() * n->reorder * PTIME_US);
		s.p.t_us = s.order;
		out[count++] = s;
		if (rnd() < n->duplicate) {
			s.order += 30000;
			s.p.t_us = s.order;
			out[count++] = s;
		}
	}
	qsort(out, count, sizeof(*out), by_order);
	return count;
}

struct outcome {
	struct timeline *tl;
	struct sent *sent;
	struct tl_packet *in;
	size_t n;
	struct tl_hold hold;
	double worst_us;    /* place of a packet against its true time */
	double duration_us; /* error */
};

static void run_net(const struct net *n, struct outcome *o)
{
	size_t max = (size_t)(n->seconds * 50) * 2 + 10, i, k;
	struct tl_input in = { 0 };
	int64_t start, end, next;
	double first = 1e18, last = 0, err, mean = 0;
	size_t count = 0;

	seed = 7;
	o->sent = mem_calloc(max, sizeof(*o->sent));
	o->in = mem_calloc(max, sizeof(*o->in));
	o->n = play(n, o->sent);
	for (i = 0; i < o->n; i++) {
		o->in[i] = o->sent[i].p;
		if (o->sent[i].true_us < first)
			first = o->sent[i].true_us;
		if (o->sent[i].true_us > last)
			last = o->sent[i].true_us;
	}
	o->hold.from_us = (int64_t)(1e6 + n->hold_from * 1e6);
	o->hold.to_us = (int64_t)(1e6 + n->hold_to * 1e6);
	in.packets = o->in;
	in.n_packets = o->n;
	in.holds = &o->hold;
	in.n_holds = n->hold_to > 0;
	assert_int_equal(tl_create(&in, &o->tl), 0);
	assert_int_equal(tl_place(o->tl), 0);
	assert_true(tl_extent(o->tl, &start, &end));
	o->duration_us =
		(double)(end - start) / 0.048 - (last - first + PTIME_US);
	/* no holes, no overlaps; error of each packet */
	for (k = 0; k < tl_lanes(o->tl); k++) {
		const struct tl_lane *l = tl_lane(o->tl, (unsigned)k);

		next = l->segs[0].start;
		for (i = 0; i < l->n; i++) {
			assert_true(l->segs[i].start == next);
			assert_true(l->segs[i].len > 0);
			next += l->segs[i].len;
			if (l->segs[i].kind != TL_PACKET)
				continue;
			mean += (double)l->segs[i].start / 0.048 -
				o->sent[l->segs[i].packet].true_us;
			count++;
		}
	}
	mean /= (double)count;
	o->worst_us = 0;
	for (k = 0; k < tl_lanes(o->tl); k++) {
		const struct tl_lane *l = tl_lane(o->tl, (unsigned)k);

		for (i = 0; i < l->n; i++) {
			if (l->segs[i].kind != TL_PACKET)
				continue;
			err = (double)l->segs[i].start / 0.048 -
			      o->sent[l->segs[i].packet].true_us - mean;
			err = err < 0 ? -err : err;
			if (err > o->worst_us)
				o->worst_us = err;
		}
	}
}

static void done(struct outcome *o)
{
	tl_destroy(&o->tl);
	mem_free(o->sent);
	mem_free(o->in);
	memset(o, 0, sizeof(*o));
}

static const struct net nets[] = {
	{ .name = "plain", .seconds = 30 },
	{ .name = "sequence wraps", .seconds = 30, .seq = 65000 },
	{ .name = "both wrap", .seconds = 60, .seq = 65530, .ts = 0xfffff000 },
	{ .name = "sequence wraps twice", .seconds = 2800, .seq = 65530 },
	{ .name = "reorder 50",
	  .seconds = 60,
	  .reorder = 50,
	  .seq = 65500,
	  .ts = 0xffffff00 },
	{ .name = "loss 1 %", .seconds = 120, .loss = 0.01 },
	{ .name = "loss 30 %", .seconds = 60, .loss = 0.3 },
	{ .name = "jitter 60 ms", .seconds = 120, .jitter_us = 60000 },
	{ .name = "duplicates", .seconds = 60, .duplicate = 0.2 },
	{ .name = "all at once",
	  .seconds = 120,
	  .loss = 0.01,
	  .reorder = 10,
	  .jitter_us = 30000,
	  .duplicate = 0.05,
	  .seq = 65000,
	  .drift_ppm = 100 },
	{ .name = "restart, new ssrc", .seconds = 60, .restart_at = 30 },
	{ .name = "restart, same ssrc",
	  .seconds = 60,
	  .restart_at = 30,
	  .restart_same_ssrc = true },
	{ .name = "restart with jitter",
	  .seconds = 60,
	  .restart_at = 30,
	  .jitter_us = 15000,
	  .loss = 0.01 },
	{ .name = "hold", .seconds = 60, .hold_from = 20, .hold_to = 35 },
	{ .name = "hold, clock stands",
	  .seconds = 60,
	  .hold_from = 20,
	  .hold_to = 35,
	  .hold_freezes_ts = true },
	{ .name = "hold, numbers run",
	  .seconds = 60,
	  .hold_from = 20,
	  .hold_to = 35,
	  .hold_counts_seq = true },
	{ .name = "long hold",
	  .seconds = 400,
	  .hold_from = 20,
	  .hold_to = 335,
	  .hold_counts_seq = true },
	{ .name = "dtx", .seconds = 60, .dtx_from = 10, .dtx_to = 14 },
	{ .name = "drift +500",
	  .seconds = 3600,
	  .drift_ppm = 500,
	  .jitter_us = 5000 },
	{ .name = "drift -500",
	  .seconds = 3600,
	  .drift_ppm = -500,
	  .jitter_us = 5000,
	  .loss = 0.01 },
	{ .name = "drift 200, short", .seconds = 25, .drift_ppm = 200 },
	{ .name = "eight hours, 30 ppm",
	  .seconds = 8 * 3600,
	  .drift_ppm = 30,
	  .jitter_us = 2000 },
};

static void timeline_duration_is_right_within_a_packet(void **state)
{
	struct outcome o = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(nets); i++) {
		run_net(&nets[i], &o);
		if (o.duration_us > PTIME_US || o.duration_us < -PTIME_US ||
		    o.worst_us > PTIME_US)
			fail_msg("%s: duration off by %.0f us, a packet by "
				 "%.0f us",
				 nets[i].name, o.duration_us, o.worst_us);
		done(&o);
	}
}

static void timeline_counts_loss_and_duplicates(void **state)
{
	struct net n = { .seconds = 100,
			 .loss = 0.02,
			 .duplicate = 0.1,
			 .seq = 64000,
			 .reorder = 5 };
	struct outcome o = { 0 };
	const struct tl_stats *s;

	(void)state;
	run_net(&n, &o);
	s = tl_stats(o.tl);
	assert_int_equal(s->used + s->duplicates, o.n);
	assert_in_range(s->used + s->lost, 4995, 5000); /* edges unknown */
	assert_int_equal(s->runs, 1);
	assert_true(s->late > 0);
	assert_true(s->loss_us >= (int64_t)s->lost * 19000);
	done(&o);
}

static void timeline_hold_is_silence_of_the_right_length(void **state)
{
	static const struct net kinds[] = {
		{ .seconds = 30, .hold_from = 10, .hold_to = 15 },
		{ .seconds = 30,
		  .hold_from = 10,
		  .hold_to = 15,
		  .hold_freezes_ts = true },
		{ .seconds = 30,
		  .hold_from = 10,
		  .hold_to = 15,
		  .hold_counts_seq = true },
	};
	struct outcome o = { 0 };
	const struct tl_lane *l;
	size_t i, k, holds;

	(void)state;
	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		run_net(&kinds[k], &o);
		l = tl_lane(o.tl, 0);
		assert_int_equal(tl_lanes(o.tl), 1);
		for (holds = i = 0; i < l->n; i++) {
			if (l->segs[i].kind == TL_PACKET)
				continue;
			assert_int_equal(l->segs[i].kind, TL_HOLD);
			assert_in_range(l->segs[i].len, 48 * 4980, 48 * 5020);
			holds++;
		}
		assert_int_equal(holds, 1);
		assert_int_equal(tl_stats(o.tl)->lost, 0);
		done(&o);
	}
}

static void timeline_tells_dtx_from_loss(void **state)
{
	struct net n = { .seconds = 10, .dtx_from = 3, .dtx_to = 4 };
	struct outcome o = { 0 };
	const struct tl_stats *s;

	(void)state;
	run_net(&n, &o);
	s = tl_stats(o.tl);
	assert_int_equal(s->lost, 0);
	assert_int_equal(s->loss_us, 0);
	assert_in_range(s->silence_us, 980000, 1020000);
	done(&o);
}

static void timeline_measures_drift(void **state)
{
	struct net n = { .seconds = 600, .drift_ppm = 300, .jitter_us = 3000 };
	struct outcome o = { 0 };

	(void)state;
	run_net(&n, &o);
	assert_in_range((int)tl_stats(o.tl)->drift_ppm, 285, 315);
	done(&o);
}

static void timeline_follows_a_path_that_changes(void **state)
{
	struct net n = { .seconds = 300, .step_at = 150 };
	struct outcome o = { 0 };

	(void)state;
	run_net(&n, &o);
	assert_int_equal(tl_stats(o.tl)->runs, 1);
	/* 80 ms longer on the way: between the two truths, order kept */
	assert_true(o.worst_us < 85000);
	assert_int_equal(tl_stats(o.tl)->lost, 0);
	done(&o);
}

static void timeline_without_drift_never_stretches(void **state)
{
	struct net n = { .seconds = 100, .jitter_us = 2000 };
	struct outcome o = { 0 };
	const struct tl_lane *l;
	size_t i;

	(void)state;
	run_net(&n, &o);
	l = tl_lane(o.tl, 0);
	assert_int_equal(l->n, o.n);
	for (i = 0; i < l->n; i++)
		assert_int_equal(l->segs[i].len, PACKET_TICKS);
	done(&o);
}

static void make(struct tl_packet *p, size_t n, uint32_t ssrc, int64_t from_us)
{
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = (struct tl_packet){
			.t_us = from_us + (int64_t)i * PTIME_US,
			.ssrc = ssrc,
			.ts_rtp = (uint32_t)(ssrc * 7 + i * 160),
			.clock_hz = 8000,
			.seq = (uint16_t)(ssrc + i),
			.ticks = PACKET_TICKS,
			.class = TL_AUDIO,
		};
}

static int by_arrival(const void *a, const void *b)
{
	const struct tl_packet *x = a, *y = b;

	return x->t_us < y->t_us ? -1 : x->t_us > y->t_us;
}

static void timeline_two_senders_at_once_get_lanes(void **state)
{
	struct tl_packet p[200];
	struct tl_input in = { .packets = p, .n_packets = 200 };
	struct timeline *tl;
	int64_t start, end;

	(void)state;
	make(p, 100, 1, 0);
	make(p + 100, 100, 50000, 500000);
	qsort(p, 200, sizeof(*p), by_arrival);
	assert_int_equal(tl_create(&in, &tl), 0);
	assert_int_equal(tl_place(tl), 0);
	assert_int_equal(tl_lanes(tl), 2);
	assert_true(tl_extent(tl, &start, &end));
	assert_int_equal(end - start, 48 * 2500);
	assert_int_equal(tl_stats(tl)->used, 200);
	tl_destroy(&tl);
}

static void timeline_events_are_not_loss(void **state)
{
	struct tl_packet p[100];
	struct tl_input in = { .packets = p, .n_packets = 100 };
	struct tl_packet late;
	struct timeline *tl;
	size_t i;

	(void)state;
	make(p, 100, 1, 0);
	for (i = 40; i < 50; i++) {
		p[i].class = TL_EVENT;
		p[i].ts_rtp = p[40].ts_rtp;
	}
	assert_int_equal(tl_create(&in, &tl), 0);
	assert_int_equal(tl_place(tl), 0);
	assert_int_equal(tl_stats(tl)->lost, 0);
	assert_int_equal(tl_stats(tl)->silence_us, 200000);
	assert_int_equal(tl_stats(tl)->used, 90);
	tl_destroy(&tl);
	/* the last packet before a key comes behind the key's first */
	make(p, 100, 1, 0);
	for (i = 40; i < 50; i++) {
		p[i].class = TL_EVENT;
		p[i].ts_rtp = p[40].ts_rtp;
	}
	late = p[39];
	p[39] = p[40];
	p[40] = late;
	assert_int_equal(tl_create(&in, &tl), 0);
	assert_int_equal(tl_place(tl), 0);
	assert_int_equal(tl_stats(tl)->lost, 0);
	assert_int_equal(tl_stats(tl)->strays, 0);
	assert_int_equal(tl_stats(tl)->used, 90);
	tl_destroy(&tl);
}

static void timeline_clock_rate_may_change(void **state)
{
	struct tl_packet p[200];
	struct tl_input in = { .packets = p, .n_packets = 200 };
	struct timeline *tl;
	int64_t start, end;
	size_t i;

	(void)state;
	make(p, 200, 1, 0);
	for (i = 100; i < 200; i++) { /* PCMU, then Opus, same SSRC */
		p[i].clock_hz = 48000;
		p[i].ts_rtp = (uint32_t)(999 + i * 960);
	}
	assert_int_equal(tl_create(&in, &tl), 0);
	assert_int_equal(tl_place(tl), 0);
	assert_true(tl_extent(tl, &start, &end));
	assert_int_equal(end - start, 48 * 4000);
	assert_int_equal(tl_stats(tl)->lost, 0);
	tl_destroy(&tl);
}

static void timeline_reports_align_streams(void **state)
{
	struct tl_packet a[100], b[100];
	struct tl_report ra[3], rb[3];
	struct tl_input ia = { a, 100, ra, 3, NULL, 0 };
	struct tl_input ib = { b, 100, rb, 3, NULL, 0 };
	struct timeline *t[2];
	int64_t s[2], e;
	size_t i;

	(void)state;
	make(a, 100, 1, 1000000);
	make(b, 100, 2, 1040000); /* its path is 40 ms longer */
	for (i = 0; i < 3; i++) {
		ra[i] = (struct tl_report){ 1000000 + (int64_t)i * 600000,
					    5000000000 + (int64_t)i * 600000, 1,
					    (uint32_t)(7 + i * 4800) };
		rb[i] = (struct tl_report){ 1040000 + (int64_t)i * 600000,
					    5000000000 + (int64_t)i * 600000, 2,
					    (uint32_t)(14 + i * 4800) };
	}
	assert_int_equal(tl_create(&ia, &t[0]), 0);
	assert_int_equal(tl_create(&ib, &t[1]), 0);
	tl_align(t, 2);
	for (i = 0; i < 2; i++) {
		assert_int_equal(tl_place(t[i]), 0);
		assert_true(tl_extent(t[i], &s[i], &e));
	}
	assert_in_range(s[0] - s[1] + 48, 0, 96); /* within 1 ms */
	tl_destroy(&t[0]);
	tl_destroy(&t[1]);
	/* reports from two different clocks change nothing */
	for (i = 0; i < 3; i++)
		rb[i].ntp_us += 3000000;
	assert_int_equal(tl_create(&ia, &t[0]), 0);
	assert_int_equal(tl_create(&ib, &t[1]), 0);
	tl_align(t, 2);
	for (i = 0; i < 2; i++) {
		assert_int_equal(tl_place(t[i]), 0);
		assert_true(tl_extent(t[i], &s[i], &e));
	}
	assert_int_equal(s[1] - s[0], 48 * 40);
	tl_destroy(&t[0]);
	tl_destroy(&t[1]);
}

static void timeline_takes_any_packets(void **state)
{
	static struct tl_packet p[3000];
	struct tl_input in = { .packets = p, .n_packets = 3000 };
	struct timeline *tl;
	size_t i;
	int k;

	(void)state;
	for (k = 0; k < 20; k++) {
		seed = (uint32_t)k;
		for (i = 0; i < 3000; i++)
			p[i] = (struct tl_packet){
				.t_us = (int64_t)(i * 1000),
				.ssrc = (uint32_t)(rnd() * 5),
				.ts_rtp = (uint32_t)(rnd() * 4294967295.0),
				.clock_hz = rnd() < 0.5 ? 8000 : 48000,
				.seq = (uint16_t)(k & 1 ? rnd() * 65535 : i),
				.ticks = (uint16_t)(rnd() * 5760),
				.class = (uint8_t)(rnd() * 3),
			};
		assert_int_equal(tl_create(&in, &tl), 0);
		assert_int_equal(tl_place(tl), 0);
		tl_destroy(&tl);
	}
	in.n_packets = 0;
	assert_int_equal(tl_create(&in, &tl), 0);
	assert_int_equal(tl_place(tl), 0);
	assert_int_equal(tl_lanes(tl), 0);
	tl_destroy(&tl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timeline_duration_is_right_within_a_packet),
		cmocka_unit_test(timeline_counts_loss_and_duplicates),
		cmocka_unit_test(timeline_hold_is_silence_of_the_right_length),
		cmocka_unit_test(timeline_tells_dtx_from_loss),
		cmocka_unit_test(timeline_measures_drift),
		cmocka_unit_test(timeline_follows_a_path_that_changes),
		cmocka_unit_test(timeline_without_drift_never_stretches),
		cmocka_unit_test(timeline_two_senders_at_once_get_lanes),
		cmocka_unit_test(timeline_events_are_not_loss),
		cmocka_unit_test(timeline_clock_rate_may_change),
		cmocka_unit_test(timeline_reports_align_streams),
		cmocka_unit_test(timeline_takes_any_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
