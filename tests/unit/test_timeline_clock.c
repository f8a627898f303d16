/* Senders whose clock or numbers are not those of their sound, beside one that
 * is healthy: what they say lies where it was said, and nobody else moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "media/timeline.h"

#define PACKETS_MAX 40000
#define PTIME_US 20000

enum in_pause {
	TRUE_TIME, /* RTP time goes on as it should */
	AS_IS,	   /* ... as fast as while there is sound */
	STANDS,
};

enum numbers {
	COUNT,
	SAME,	 /* never move */
	PAIRS,	 /* each twice */
	PER_SAY, /* move with each utterance only */
};

struct clock_case {
	const char *name;
	uint32_t clock_hz;	 /* 0 = 8000 */
	unsigned percent;	 /* RTP time per packet; 0 = 100 */
	unsigned first;		 /* ... of so many packets only; 0 = all */
	unsigned each, extra_ms; /* so much more each so many packets */
	int ppm;		 /* the sender's clock is fast */
	/* utterances of so many packets, and the pause behind each */
	unsigned say, says, pause_ms;
	enum in_pause pause;
	enum numbers numbers;
	bool again;	   /* both counters start anew with each utterance */
	uint16_t again_at; /* number they start with, but for the first */
	bool time_stands;
	uint16_t seq;
	uint32_t ts;
	unsigned jitter_ms, loss, copies, copy_ms, late_50;
	unsigned stall_at_ms, stall_ms; /* the network stops, then hurries */
	unsigned copy_block;
	/* found: at most */
	double off_ms;	  /* 0 = 20 */
	int ahead;	  /* 1: packets are told to run ahead, -1: any */
	unsigned runs;	  /* 0 = any */
	unsigned missing; /* packets */
};

static struct tl_packet in[2][PACKETS_MAX];
static double truth[2][PACKETS_MAX];
static uint32_t seed;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)(seed >> 4) * below >> 28);
}

struct sent {
	struct tl_packet p;
	double truth;
	unsigned order;
};

static struct sent sent[PACKETS_MAX];

static int by_arrival(const void *a, const void *b)
{
	const struct sent *x = a, *y = b;

	if (x->p.t_us != y->p.t_us)
		return x->p.t_us < y->p.t_us ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

struct at {
	double t_us, ts;
	unsigned i;
	uint16_t seq;
	size_t n;
};

static int64_t arrives(const struct clock_case *c, double t_us)
{
	double from = c->stall_at_ms * 1e3, to = from + c->stall_ms * 1e3;

	if (c->jitter_ms)
		t_us += rnd(c->jitter_ms * 1000);
	return (int64_t)(t_us >= from && t_us < to ? to : t_us);
}

static void one_packet(const struct clock_case *c, struct at *a)
{
	uint32_t hz = c->clock_hz ? c->clock_hz : 8000;
	double step = hz * (PTIME_US / 1e6);
	struct sent *s = &sent[a->n];

	if (!c->loss || a->i % c->loss != c->loss - 1) {
		s->truth = a->t_us;
		s->order = (unsigned)a->n;
		s->p = (struct tl_packet){
			.t_us = arrives(c, a->t_us),
			.ssrc = 1,
			.ts_rtp = c->time_stands ? c->ts
						 : (uint32_t)(int64_t)a->ts,
			.clock_hz = hz,
			.seq = a->seq,
			.ticks = 960,
			.class = TL_AUDIO,
		};
		if (c->late_50 && a->i >= 200 && a->i < 200 + c->late_50)
			s->p.t_us += c->late_50 * PTIME_US;
		a->n++;
		if (c->copies && a->i % c->copies == 1) {
			sent[a->n] = *s;
			sent[a->n].p.t_us += c->copy_ms * 1000;
			sent[a->n].order = (unsigned)a->n;
			a->n++;
		}
	}
	if (!c->first || a->i < c->first)
		step *= (c->percent ? c->percent : 100) / 100.0;
	if (c->each && a->i % c->each == c->each - 1)
		step += hz / 1e3 * c->extra_ms;
	a->ts += step;
	a->i++;
	a->t_us += PTIME_US * (1.0 - c->ppm / 1e6);
	if (c->numbers == COUNT || (c->numbers == PAIRS && a->i % 2 == 0))
		a->seq++;
}

static void one_pause(const struct clock_case *c, struct at *a)
{
	double hz = c->clock_hz ? c->clock_hz : 8000;
	double step = hz / 1e3 * c->pause_ms;

	a->t_us += c->pause_ms * 1e3;
	if (c->pause == AS_IS)
		step *= (c->percent ? c->percent : 100) / 100.0;
	if (c->pause != STANDS)
		a->ts += step;
	if (c->numbers == PER_SAY)
		a->seq++;
	if (c->again) {
		a->seq = (uint16_t)(c->seq + c->again_at);
		a->ts = c->ts + 160.0 * c->again_at;
	}
}

/* @return packets, each once */
static size_t send(const struct clock_case *c, unsigned party, size_t *ret_n)
{
	struct at a = { .t_us = 1e6, .ts = c->ts, .seq = c->seq };
	size_t i, once;

	seed = 7 + party;
	for (unsigned k = 0; k < c->says; k++) {
		for (unsigned p = 0; p < c->say; p++)
			one_packet(c, &a);
		one_pause(c, &a);
	}
	qsort(sent, a.n, sizeof(*sent), by_arrival);
	for (i = 0; i < a.n; i++) {
		in[party][i] = sent[i].p;
		truth[party][i] = sent[i].truth;
	}
	once = a.i - (c->loss ? a.i / c->loss : 0);
	*ret_n = a.n;
	return once;
}

struct found {
	double off_ms; /* the worst */
	double from_ms, to_ms;
	unsigned placed;
	bool order;
	struct tl_stats stats;
};

static void measure(struct timeline *tl, unsigned party, struct found *f)
{
	const struct tl_lane *l;
	double off, last = -1e9;
	int64_t start, end;
	unsigned k;
	size_t i;

	*f = (struct found){ .order = true, .stats = *tl_stats(tl) };
	assert_true(tl_extent(tl, &start, &end));
	f->from_ms = (double)start / 48;
	f->to_ms = (double)end / 48;
	for (k = 0; k < tl_lanes(tl); k++) {
		l = tl_lane(tl, k);
		for (i = 0; i < l->n; i++) {
			if (l->segs[i].kind != TL_PACKET)
				continue;
			f->placed++;
			off = (double)l->segs[i].start / 48 -
			      truth[party][l->segs[i].packet] / 1e3;
			off = off < 0 ? -off : off;
			f->off_ms = off > f->off_ms ? off : f->off_ms;
			if (k == 0)
				f->order &=
					truth[party][l->segs[i].packet] >= last;
			if (k == 0)
				last = truth[party][l->segs[i].packet];
		}
	}
}

static unsigned judge(const struct clock_case *c, const struct found *f,
		      size_t once)
{
	double most = c->off_ms > 0 ? c->off_ms : 20.01;
	bool bad = f->off_ms > most || !f->order ||
		   f->placed + c->missing < once || f->placed > once ||
		   (c->runs && f->stats.runs > c->runs) ||
		   (c->ahead >= 0 && (f->stats.ahead > 0) != (c->ahead > 0));

	if (bad)
		print_message("%-52s off %.1f ms, %u of %zu, %s, runs %u, "
			      "ahead %llu, wild %llu, dup %llu\n",
			      c->name, f->off_ms, f->placed, once,
			      f->order ? "in order" : "MIXED", f->stats.runs,
			      (unsigned long long)f->stats.ahead,
			      (unsigned long long)f->stats.wild,
			      (unsigned long long)f->stats.duplicates);
	return bad;
}

static const struct clock_case healthy = { .name = "(the other party)",
					   .say = 150,
					   .says = 4,
					   .pause_ms = 200,
					   .jitter_ms = 0,
					   .off_ms = 1 };

static unsigned play(const struct clock_case *c)
{
	struct timeline *tl[2];
	struct tl_input input;
	struct found f;
	size_t n[2], once[2];
	unsigned bad = 0, k;

	once[0] = send(c, 0, &n[0]);
	once[1] = send(&healthy, 1, &n[1]);
	for (k = 0; k < 2; k++) {
		input = (struct tl_input){ .packets = in[k],
					   .n_packets = n[k] };
		assert_int_equal(tl_create(&input, &tl[k]), 0);
	}
	tl_align(tl, 2);
	for (k = 0; k < 2; k++) {
		assert_int_equal(tl_place(tl[k]), 0);
		measure(tl[k], k, &f);
		bad += judge(k ? &healthy : c, &f, once[k]);
		tl_destroy(&tl[k]);
	}
	return bad;
}

static void play_all(const struct clock_case *c, size_t n)
{
	unsigned bad = 0;

	for (size_t i = 0; i < n; i++)
		bad += play(&c[i]);
	assert_int_equal(bad, 0);
}

static void a_fast_clock_is_placed_by_arrival(void **state)
{
	static const struct clock_case cases[] = {
		{ "PCMU with +320", .percent = 200, .say = 150, .says = 1,
		  .ahead = 1, .runs = 1 },
		{ "Opus with +1920", .clock_hz = 48000, .percent = 200,
		  .say = 150, .says = 1, .ahead = 1, .runs = 1 },
		{ "L16 that counts bytes", .clock_hz = 16000, .percent = 200,
		  .say = 150, .says = 1, .ahead = 1, .runs = 1 },
		{ "clock of 48000 for 8000", .percent = 600, .say = 150,
		  .says = 1, .ahead = 1, .runs = 1 },
		{ "three times", .percent = 300, .say = 50, .says = 1,
		  .ahead = 1, .runs = 1 },
		{ "ten times", .percent = 1000, .say = 150, .says = 1,
		  .ahead = 1, .runs = 1 },
		{ "half more", .percent = 150, .say = 150, .says = 1,
		  .ahead = 1, .runs = 1 },
		{ "a tenth more", .percent = 110, .say = 300, .says = 1,
		  .ahead = 1, .runs = 1 },
		{ "three hundredths more", .percent = 103, .say = 3000,
		  .says = 1, .ahead = 1, .runs = 1 },
		{ "280 ms each 320", .each = 16, .extra_ms = 280, .say = 150,
		  .says = 1, .ahead = 1, .runs = 1 },
		{ "100 ms each 200", .each = 10, .extra_ms = 100, .say = 150,
		  .says = 1, .ahead = 1, .runs = 1 },
		{ "G.722 at 16000 for 15 packets", .percent = 200, .first = 15,
		  .say = 150, .says = 1, .ahead = 1, .runs = 1 },
		{ "for 50 packets", .percent = 200, .first = 50, .say = 400,
		  .says = 1, .ahead = 1, .runs = 1 },
		{ "for 500 packets", .percent = 200, .first = 500, .say = 1500,
		  .says = 1, .ahead = 1, .runs = 1 },
		{ "a second only", .percent = 200, .say = 50, .says = 1,
		  .ahead = 1, .runs = 1 },
		{ "half a second only", .percent = 200, .say = 25, .says = 1,
		  .ahead = 1, .runs = 1 },
		{ "pauses, true", .percent = 200, .say = 75, .says = 6,
		  .pause_ms = 900, .ahead = 1 },
		{ "pauses, fast", .percent = 200, .say = 75, .says = 6,
		  .pause_ms = 900, .pause = AS_IS, .ahead = 1 },
		{ "pauses, standing", .percent = 200, .say = 75, .says = 6,
		  .pause_ms = 900, .pause = STANDS, .ahead = 1 },
		{ "long pauses, fast", .percent = 200, .say = 75, .says = 6,
		  .pause_ms = 4000, .pause = AS_IS, .ahead = 1 },
		{ "short pauses, fast", .percent = 200, .say = 40, .says = 20,
		  .pause_ms = 60, .pause = AS_IS, .ahead = 1 },
		{ "an hour", .percent = 200, .say = 36000, .says = 1,
		  .ahead = 1, .runs = 1 },
		{ "numbers wrap", .percent = 200, .say = 500, .says = 1,
		  .seq = 65400, .ts = 0xffffff00, .ahead = 1, .runs = 1 },
		{ "jitter", .percent = 200, .say = 500, .says = 1,
		  .jitter_ms = 40, .off_ms = 60, .ahead = 1 },
		{ "loss", .percent = 200, .say = 500, .says = 1, .loss = 10,
		  .ahead = 1 },
		{ "jitter, loss, pauses", .percent = 200, .say = 100,
		  .says = 10, .pause_ms = 700, .pause = AS_IS, .loss = 10,
		  .jitter_ms = 30, .off_ms = 50, .ahead = 1 },
		{ "the network stops", .percent = 200, .say = 500, .says = 1,
		  .stall_at_ms = 4000, .stall_ms = 600, .ahead = 1 },
	};

	(void)state;
	play_all(cases, ARRAY_SIZE(cases));
}

static void other_clocks_are_left_alone(void **state)
{
	static const struct clock_case cases[] = {
		{ "healthy", .say = 500, .says = 1, .runs = 1, .off_ms = 1 },
		{ "silences", .say = 40, .says = 30, .pause_ms = 700, .runs = 1,
		  .off_ms = 1 },
		{ "many short silences", .say = 5, .says = 200, .pause_ms = 100,
		  .runs = 1, .off_ms = 1 },
		{ "silences, jitter", .say = 40, .says = 30, .pause_ms = 700,
		  .jitter_ms = 60, .runs = 1, .off_ms = 20 },
		{ "many short silences, jitter", .say = 5, .says = 400,
		  .pause_ms = 100, .jitter_ms = 80, .runs = 1, .off_ms = 30 },
		{ "500 ppm fast", .say = 36000, .says = 1, .ppm = 500,
		  .runs = 1 },
		{ "500 ppm slow", .say = 36000, .says = 1, .ppm = -500,
		  .runs = 1 },
		{ "500 ppm fast, silences", .say = 100, .says = 100,
		  .pause_ms = 1000, .ppm = 500, .runs = 1, .off_ms = 40 },
		{ "the network stops", .say = 500, .says = 1,
		  .stall_at_ms = 4000, .stall_ms = 2000, .runs = 1 },
		{ "the network stops in short silences", .say = 5, .says = 100,
		  .pause_ms = 100, .stall_at_ms = 5000, .stall_ms = 1500,
		  .runs = 1 },
		{ "the network stops at the beginning", .say = 5, .says = 100,
		  .pause_ms = 100, .stall_at_ms = 1000, .stall_ms = 1500,
		  .runs = 1 },
		{ "the network stops at the end", .say = 5, .says = 50,
		  .pause_ms = 100, .stall_at_ms = 10000, .stall_ms = 900,
		  .runs = 1 },
		{ "the network stops and hurries into a silence", .say = 62,
		  .says = 12, .pause_ms = 2793, .stall_at_ms = 41514,
		  .stall_ms = 1824, .runs = 1 },
		{ "the network stops to the end", .say = 58, .says = 1,
		  .stall_at_ms = 1112, .stall_ms = 1442, .runs = 1 },
		{ "the network stops for more than it carries", .say = 10,
		  .says = 27, .pause_ms = 4590, .stall_at_ms = 100689,
		  .stall_ms = 2862, .runs = 2 },
		{ "silences of a hold", .say = 200, .says = 5,
		  .pause_ms = 20000, .runs = 1 },
		{ "a slow clock", .percent = 50, .say = 150, .says = 1 },
		{ "a slow clock, silences", .percent = 50, .say = 75, .says = 4,
		  .pause_ms = 800, .pause = AS_IS },
		{ "set ahead", .each = 250, .extra_ms = 400000, .say = 400,
		  .says = 1, .runs = 2 },
		{ "set ahead by 400 ms", .each = 250, .extra_ms = 400,
		  .say = 400, .says = 1, .runs = 2 },
	};

	(void)state;
	play_all(cases, ARRAY_SIZE(cases));
}

static void what_begins_again_is_kept(void **state)
{
	static const struct clock_case cases[] = {
		{ "1 s, again after 2 s", .say = 50, .says = 2,
		  .pause_ms = 2000, .again = true },
		{ "1 s, again after 300 ms", .say = 50, .says = 2,
		  .pause_ms = 300, .again = true },
		{ "1 s, again at once", .say = 50, .says = 3, .again = true },
		{ "4 s, again after 1 s", .say = 200, .says = 2,
		  .pause_ms = 1000, .again = true },
		{ "4 s, again after a hold", .say = 200, .says = 2,
		  .pause_ms = 15000, .again = true },
		{ "9 s, again at once", .say = 450, .says = 2, .again = true },
		{ "2 s, five times", .say = 100, .says = 5, .pause_ms = 1500,
		  .again = true },
		{ "from the middle", .say = 100, .says = 3, .pause_ms = 1500,
		  .again = true, .again_at = 40 },
		{ "from before the first", .say = 100, .says = 2,
		  .pause_ms = 1500, .again = true, .again_at = 65500 },
		{ "numbers wrap", .say = 100, .says = 3, .pause_ms = 1500,
		  .seq = 65500, .ts = 0xfffff000, .again = true },
		{ "loss", .say = 100, .says = 3, .pause_ms = 1500, .loss = 9,
		  .again = true },
		{ "jitter", .say = 100, .says = 3, .pause_ms = 1500,
		  .jitter_ms = 15, .again = true },
		{ "copies", .say = 100, .says = 3, .pause_ms = 1500,
		  .copies = 3, .copy_ms = 5, .again = true },
		{ "a fast clock", .percent = 200, .say = 150, .says = 2,
		  .pause_ms = 1500, .again = true, .ahead = 1 },
	};

	(void)state;
	play_all(cases, ARRAY_SIZE(cases));
}

static void what_comes_twice_is_dropped_once(void **state)
{
	static const struct clock_case cases[] = {
		{ "at once", .say = 500, .says = 1, .copies = 3, .runs = 1 },
		{ "40 ms later", .say = 500, .says = 1, .copies = 3,
		  .copy_ms = 40, .runs = 1 },
		{ "400 ms later", .say = 500, .says = 1, .copies = 3,
		  .copy_ms = 400, .runs = 1 },
		{ "1.5 s later", .say = 500, .says = 1, .copies = 3,
		  .copy_ms = 1500, .runs = 1 },
		{ "1 s later, silences", .say = 50, .says = 10, .copies = 4,
		  .pause_ms = 400, .copy_ms = 1000, .runs = 1 },
		{ "50 are overtaken", .say = 500, .says = 1, .late_50 = 50,
		  .runs = 1 },
		{ "50 are overtaken, loss", .say = 500, .says = 1,
		  .late_50 = 50, .loss = 20, .runs = 1 },
	};

	(void)state;
	play_all(cases, ARRAY_SIZE(cases));
}

static void numbers_that_stand_are_kept(void **state)
{
	static const struct clock_case cases[] = {
		{ "2 s", .say = 100, .says = 1, .numbers = SAME },
		{ "silences", .say = 100, .says = 5, .pause_ms = 700,
		  .numbers = SAME },
		{ "each twice", .say = 100, .says = 5, .pause_ms = 700,
		  .numbers = PAIRS },
		{ "one for an utterance", .say = 100, .says = 5,
		  .pause_ms = 700, .numbers = PER_SAY },
		{ "copies", .say = 500, .says = 1, .numbers = SAME, .copies = 3,
		  .copy_ms = 1 },
		{ "a fast clock", .percent = 200, .say = 150, .says = 1,
		  .numbers = SAME, .ahead = 1 },
		{ "time stands as well", .say = 100, .says = 1, .numbers = SAME,
		  .time_stands = true },
		{ "time stands as well, silences", .say = 100, .says = 4,
		  .pause_ms = 700, .numbers = SAME, .time_stands = true },
		{ "only time stands", .say = 100, .says = 4, .pause_ms = 700,
		  .time_stands = true },
	};

	(void)state;
	play_all(cases, ARRAY_SIZE(cases));
}

static void a_clock_that_stands_in_pauses(void **state)
{
	static struct clock_case c;
	static const unsigned says[] = { 5, 8, 15, 25, 40, 49, 100 };
	static const unsigned pauses[] = { 60,	100, 140, 160, 300,
					   500, 700, 900, 1500 };
	static char name[80];
	unsigned bad = 0, k;
	size_t i, p;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(says); i++) {
		for (p = 0; p < ARRAY_SIZE(pauses); p++) {
			for (k = 2; k <= 10; k += 4) {
				(void)snprintf(name, sizeof(name),
					       "%u ms, %u ms, %u times",
					       says[i] * 20, pauses[p], k);
				c = (struct clock_case){ .name = name,
							 .say = says[i],
							 .says = k,
							 .pause_ms = pauses[p],
							 .pause = STANDS,
							 .off_ms = 121 };
				if (pauses[p] > 100)
					c.off_ms = 20.01;
				bad += play(&c);
			}
		}
	}
	assert_int_equal(bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fast_clock_is_placed_by_arrival),
		cmocka_unit_test(other_clocks_are_left_alone),
		cmocka_unit_test(what_begins_again_is_kept),
		cmocka_unit_test(what_comes_twice_is_dropped_once),
		cmocka_unit_test(numbers_that_stand_are_kept),
		cmocka_unit_test(a_clock_that_stands_in_pauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
