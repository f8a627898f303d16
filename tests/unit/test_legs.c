/* Facts about storage/legs.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "storage/legs.h"

#define SEC INT64_C(1000000)
#define T0 (1000 * SEC)
#define MS INT64_C(1000)

/* A minute of Alice and Bob, one packet each 20 ms. */
static struct leg leg(const char *id)
{
	struct leg l = {
		.id = id,
		.owner_id = "o",
		.sessions = { "cs" },
		.n_sessions = 1,
		.n_streams = 2,
		.started_us = T0,
		.ended_us = T0 + 60 * SEC,
		.ready = true,
		.complete = true,
	};

	for (unsigned i = 0; i < 2; i++) {
		l.streams[i] = (struct leg_stream){
			.kind = "audio",
			.sender = i ? "bob@x" : "alice@x",
			.codec = "PCMU",
			.measured = true,
			.from_us = T0,
			.to_us = T0 + 60 * SEC,
			.packets = 3000,
			.bytes = 480000,
		};
		for (unsigned k = 0; k < LEG_SKETCH_MAX; k++)
			l.streams[i].sketch[l.streams[i].n_sketch++] =
				1000 * i + 10 * k;
	}
	return l;
}

static void both_ways(const struct leg *a, const struct leg *b, bool yes)
{
	assert_int_equal(leg_repeats(a, b), yes);
	assert_int_equal(leg_repeats(b, a), yes);
}

static void the_same_session_and_senders_repeat(void **state)
{
	struct leg a = leg("a"), b = leg("b");

	(void)state;
	both_ways(&a, &b, true);
	b.sessions[0] = "other";
	both_ways(&a, &b, false);
	b = leg("b");
	b.n_sessions = a.n_sessions = 0; /* nothing said is nothing known */
	both_ways(&a, &b, false);
	a = leg("a");
	b = leg("b");
	b.owner_id = "somebody else";
	both_ways(&a, &b, false);
}

static void near_and_far_end_do_not(void **state)
{
	struct leg near = leg("a"), far = leg("b");

	(void)state;
	near.n_streams = far.n_streams = 1;
	far.streams[0].sender = "bob@x";
	both_ways(&near, &far, false);
	far = leg("b"); /* both say the same of themselves, but refci */
	far.alone = true;
	both_ways(&near, &far, false);
}

/* CUCM's two dialogs of a call, the second one joined by x-refci. */
static void halves(struct leg l[2])
{
	l[0] = leg("far");
	l[1] = leg("near");
	l[0].end = LEG_FAR;
	l[1].end = LEG_NEAR;
	l[0].n_streams = l[1].n_streams = 1;
	l[0].n_sessions = l[1].n_sessions = 0;
	l[1].alone = l[1].refci = true;
}

static void the_far_end_completes_the_near_end(void **state)
{
	struct leg l[3];

	(void)state;
	halves(l);
	l[2] = leg("other");
	legs_decide(l, 3);
	assert_true(l[0].behind == 1 && l[0].half);
	assert_true(l[1].behind == -1 && !l[1].half);
	assert_true(l[2].behind == -1 && !l[2].half);
	assert_false(leg_completes(&l[1], &l[0]));
}

static void two_far_ends_of_one_phone_stand_behind_it(void **state)
{
	struct leg l[3];

	(void)state;
	halves(l);
	l[2] = l[0];
	l[0].ended_us = T0 + 30 * SEC;
	l[2].started_us = T0 + 30 * SEC;
	legs_decide(l, 3);
	assert_true(l[0].behind == 1 && l[2].behind == 1);
}

static void halves_that_are_not_surely_such_are_both_shown(void **state)
{
	(void)state;
	for (int i = 0; i < 9; i++) {
		struct leg l[2];

		halves(l);
		if (i == 0)
			l[1].refci = false; /* joined by something else */
		else if (i == 1)
			l[0].end = LEG_WHOLE;
		else if (i == 2)
			l[0].end = LEG_NEAR; /* two phones */
		else if (i == 3)
			l[0].owner_id = "somebody else";
		else if (i == 4)
			l[0].ready = false;
		else if (i == 5)
			l[1].ready = false;
		else if (i == 6)
			l[0].failed = true;
		else if (i == 7)
			l[1].failed = true;
		else
			l[0].started_us = T0 + 31 * SEC,
			l[0].ended_us = T0 + 120 * SEC; /* the next call */
		legs_decide(l, 2);
		assert_true(l[0].behind == -1 && l[1].behind == -1);
		assert_true(!l[0].half && !l[1].half);
	}
}

static void part_of_another_repeats_it_but_not_the_other_way(void **state)
{
	struct leg all = leg("a"), part = leg("b");

	(void)state;
	part.n_streams = 1;
	assert_true(leg_repeats(&part, &all));
	assert_false(leg_repeats(&all, &part));
	part = leg("b");
	all.sessions[all.n_sessions++] = "second";
	assert_true(leg_repeats(&part, &all));
	assert_false(leg_repeats(&all, &part));
}

static void unknown_senders_are_not_compared(void **state)
{
	struct leg a = leg("a"), b = leg("b");

	(void)state;
	a.streams[0].sender = b.streams[0].sender = NULL;
	both_ways(&a, &b, false);
	a.streams[0].mix = b.streams[0].mix = true; /* of the others */
	both_ways(&a, &b, true);
	a.n_streams = b.n_streams = 1; /* only a mix */
	both_ways(&a, &b, false);
}

static void another_sound_is_another_call(void **state)
{
	struct leg a = leg("a"), b = leg("b");

	(void)state;
	for (unsigned k = 0; k < LEG_SKETCH_MAX / 4; k++)
		b.streams[0].sketch[4 * k]++; /* some packets were lost */
	both_ways(&a, &b, true);
	for (unsigned k = 0; k < LEG_SKETCH_MAX; k++)
		b.streams[0].sketch[k] = 10 * k + 3;
	both_ways(&a, &b, false);
	b.ready = false; /* not known yet: both are shown */
	both_ways(&a, &b, false);
	b = leg("b");
	for (unsigned i = 0; i < 2; i++) /* a tone, or silence */
		a.streams[i].n_sketch = b.streams[i].n_sketch = 5;
	both_ways(&a, &b, false);
}

static void a_restarted_dialog_does_not_repeat(void **state)
{
	struct leg a = leg("a"), b = leg("b");

	(void)state;
	b.started_us = a.ended_us - 200 * MS; /* BYE came late */
	b.ended_us = b.started_us + 60 * SEC;
	both_ways(&a, &b, false);
	b.started_us = a.ended_us;
	both_ways(&a, &b, false);
	b.started_us = T0 + 30 * SEC;
	b.ended_us = T0 + 90 * SEC;
	both_ways(&a, &b, false);
	b.started_us = T0 + 5 * SEC;
	b.ended_us = T0 + 64 * SEC;
	both_ways(&a, &b, true);
}

static void covers_is_about_every_stream(void **state)
{
	static const struct {
		const char *what;
		int64_t from, to, absent, lost, bytes;
		const char *codec;
		bool fine;
	} t[] = {
		{ "the same", 0, 0, 0, 0, 0, "PCMU", true },
		{ "begins a little later", 400 * MS, 0, 0, 0, -3200, "PCMU",
		  true },
		{ "but bytes are missing", 400 * MS, 0, 0, 0, -9000, "PCMU",
		  false },
		{ "begins later", 600 * MS, 0, 0, 0, 0, "PCMU", false },
		{ "ends sooner", 0, -600 * MS, 0, 0, 0, "PCMU", false },
		{ "longer", -SEC, SEC, 0, 0, 16000, "PCMU", true },
		{ "a lost packet", 0, 0, 0, 1, 0, "PCMU", false },
		{ "less in it", 0, 0, 0, 0, -9600, "PCMU", false },
		{ "another codec", 0, 0, 0, 0, 0, "opus", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct leg p = leg("p"), d = leg("d");

		p.streams[1].from_us += t[i].from;
		p.streams[1].to_us += t[i].to;
		p.streams[1].absent_us += t[i].absent;
		p.streams[1].lost += t[i].lost;
		p.streams[1].bytes += t[i].bytes;
		p.streams[1].codec = t[i].codec;
		if (leg_covers(&p, &d) != t[i].fine)
			fail_msg("%s", t[i].what);
	}
}

static void covers_only_when_gaps_are_in_the_same_place(void **state)
{
	struct leg p = leg("p"), d = leg("d");
	struct leg_stream *ps = &p.streams[0], *ds = &d.streams[0];

	(void)state;
	ps->lost = ds->lost = 10;
	ps->gaps[ps->n_gaps++] = (struct leg_gap){ T0 + SEC, T0 + 2 * SEC };
	assert_false(leg_covers(&p, &d));
	ds->gaps[ds->n_gaps++] = (struct leg_gap){ T0 + 5 * SEC, T0 + 6 * SEC };
	assert_false(leg_covers(&p, &d));
	ds->gaps[0] = (struct leg_gap){ T0 + SEC - 5 * MS, T0 + 2 * SEC };
	assert_true(leg_covers(&p, &d));
	ds->gaps[0].from_us = T0 + SEC + 50 * MS;
	assert_false(leg_covers(&p, &d));
	/* where the other has ended nothing is missed */
	ds->to_us = T0 + 30 * SEC;
	ds->bytes /= 2;
	ds->n_gaps = 0;
	ps->gaps[0] = (struct leg_gap){ T0 + 40 * SEC, T0 + 41 * SEC };
	assert_true(leg_covers(&p, &d));
	ps->gaps_cut = true;
	assert_false(leg_covers(&p, &d));
}

static void covers_needs_two_whole_recordings(void **state)
{
	struct leg p = leg("p"), d = leg("d");

	(void)state;
	p.n_streams = 1;
	assert_false(leg_covers(&p, &d));
	d.streams[1].packets = 0; /* nothing came on it */
	assert_true(leg_covers(&p, &d));
	p.complete = false;
	assert_false(leg_covers(&p, &d));
	p = leg("p");
	d = leg("d");
	d.complete = false; /* video, that we cannot compare */
	assert_false(leg_covers(&p, &d));
	d = leg("d");
	p.failed = true;
	assert_false(leg_covers(&p, &d));
	p = leg("p");
	p.ready = false;
	assert_false(leg_covers(&p, &d));
}

static void equal_ones_stand_by_age(void **state)
{
	struct leg l[3] = { leg("a"), leg("b"), leg("c") };

	(void)state;
	l[0].started_us += 10 * MS;
	l[2].started_us += 20 * MS;
	legs_decide(l, 3);
	assert_int_equal(l[0].behind, 1);
	assert_int_equal(l[1].behind, -1);
	assert_int_equal(l[2].behind, 1);
	/* who stands in front stays there */
	l[1].hidden = l[2].hidden = true;
	legs_decide(l, 3);
	assert_int_equal(l[0].behind, -1);
	assert_int_equal(l[1].behind, 0);
}

static void the_better_one_stands_in_front(void **state)
{
	struct leg l[2] = { leg("a"), leg("b") };

	(void)state;
	l[0].streams[0].lost = 25;
	l[0].streams[0].absent_us = SEC / 2;
	legs_decide(l, 2);
	assert_int_equal(l[0].behind, 1);
	assert_int_equal(l[1].behind, -1);
	l[0] = leg("a");
	l[0].failed = true;
	legs_decide(l, 2);
	assert_int_equal(l[0].behind, 1);
	l[0] = leg("a");
	l[1].sessions[l[1].n_sessions++] = "second";
	legs_decide(l, 2);
	assert_int_equal(l[0].behind, 1);
}

static void a_failed_one_hides_nobody(void **state)
{
	struct leg l[2] = { leg("a"), leg("b") };

	(void)state;
	l[0].failed = true;
	l[1].n_streams = 1; /* repeats the failed one only */
	legs_decide(l, 2);
	assert_int_equal(l[0].behind, -1);
	assert_int_equal(l[1].behind, -1);
}

static void nothing_is_hidden_before_both_are_rendered(void **state)
{
	struct leg l[2] = { leg("a"), leg("b") };

	(void)state;
	l[0].live = true;
	l[0].ready = false;
	legs_decide(l, 2);
	assert_true(l[0].behind == -1 && l[1].behind == -1);
	l[0].live = false; /* it will be ready soon, too */
	legs_decide(l, 2);
	assert_true(l[0].behind == -1 && l[1].behind == -1);
	l[1].live = true; /* both run */
	l[1].ready = false;
	legs_decide(l, 2);
	assert_true(l[0].behind == -1 && l[1].behind == -1);
	l[0].ready = l[1].ready = true;
	l[1].live = false;
	legs_decide(l, 2);
	assert_true(l[0].behind == -1 && l[1].behind == 0);
}

static void one_that_failed_has_nothing_to_compare(void **state)
{
	struct leg l[2] = { leg("a"), leg("b") };

	(void)state;
	l[1].ready = false;
	l[1].failed = true;
	legs_decide(l, 2);
	assert_int_equal(l[1].behind, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_session_and_senders_repeat),
		cmocka_unit_test(near_and_far_end_do_not),
		cmocka_unit_test(the_far_end_completes_the_near_end),
		cmocka_unit_test(two_far_ends_of_one_phone_stand_behind_it),
		cmocka_unit_test(
			halves_that_are_not_surely_such_are_both_shown),
		cmocka_unit_test(
			part_of_another_repeats_it_but_not_the_other_way),
		cmocka_unit_test(unknown_senders_are_not_compared),
		cmocka_unit_test(another_sound_is_another_call),
		cmocka_unit_test(a_restarted_dialog_does_not_repeat),
		cmocka_unit_test(covers_is_about_every_stream),
		cmocka_unit_test(covers_only_when_gaps_are_in_the_same_place),
		cmocka_unit_test(covers_needs_two_whole_recordings),
		cmocka_unit_test(equal_ones_stand_by_age),
		cmocka_unit_test(the_better_one_stands_in_front),
		cmocka_unit_test(a_failed_one_hides_nobody),
		cmocka_unit_test(nothing_is_hidden_before_both_are_rendered),
		cmocka_unit_test(one_that_failed_has_nothing_to_compare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
