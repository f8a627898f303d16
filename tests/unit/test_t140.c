/* test_t140.c - facts about media/t140.h and media/vtt.h. */
#include "media/t140.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "media/vtt.h"

#define RED 2

static struct t140 *t;

static int setup(void **state)
{
	(void)state;
	return t140_create(&t);
}

static int teardown(void **state)
{
	(void)state;
	t140_destroy(&t);
	return 0;
}

static int put_raw(uint16_t seq, int64_t t_ms, bool red, const void *data,
		   size_t len)
{
	const struct t140_packet p = { .t_us = t_ms * 1000,
				       .ssrc = 5,
				       .clock_hz = 1000,
				       .seq = seq,
				       .red = red,
				       .payload = data,
				       .len = len };

	return t140_put(t, &p);
}

static void plain(uint16_t seq, const char *text)
{
	assert_int_equal(put_raw(seq, seq * 300, false, text, strlen(text)), 0);
}

/* Packet i of a text that is sent a piece a packet, with two generations. */
static void red(const char *const *pieces, int i, uint16_t seq)
{
	uint8_t p[256];
	size_t len = 0, n;
	int k;

	for (k = RED; k > 0; k--) {
		n = i >= k ? strlen(pieces[i - k]) : 0;
		p[len++] = 0x80 | 98;
		p[len++] = (uint8_t)(300 * k >> 6);
		p[len++] = (uint8_t)((300 * k & 0x3f) << 2 | n >> 8);
		p[len++] = (uint8_t)n;
	}
	p[len++] = 98;
	for (k = RED; k >= 0; k--) {
		n = i >= k ? strlen(pieces[i - k]) : 0;
		if (n)
			memcpy(p + len, pieces[i - k], n);
		len += n;
	}
	assert_int_equal(put_raw(seq, 1000 + 300 * i, true, p, len), 0);
}

/* The text so far as UTF-8 by way of WebVTT, without its frame. */
static void assert_text(const char *want)
{
	const struct t140_char *c;
	struct buf b;
	char *got;
	size_t n, i;

	assert_int_equal(t140_finish(t), 0);
	c = t140_chars(t, &n);
	buf_init(&b, 4096);
	for (i = 0; i < n; i++) {
		if (c[i].code == T140_LOST)
			buf_putc(&b, '?');
		else if (c[i].code < 0x80)
			buf_putc(&b, (char)c[i].code);
		else
			buf_printf(&b, "{%x}", c[i].code);
		if (i)
			assert_true(c[i].t_us >= c[i - 1].t_us);
	}
	got = buf_steal(&b);
	assert_string_equal(got ? got : "", want);
	mem_free(got);
}

static const char *const hello[] = { "Hel", "lo ", "wor", "ld,",
				     " it", "'s ", "me",  "!" };

static void t140_fills_two_losses_by_redundancy(void **state)
{
	static const bool comes[] = { true, false, false, true,
				      true, false, false, true };

	(void)state;
	for (int i = 0; i < 8; i++)
		if (comes[i])
			red(hello, i, (uint16_t)(65533 + i)); /* wraps */
	assert_text("Hello world, it's me!");
	assert_int_equal(t140_stats(t)->recovered, 4);
	assert_int_equal(t140_stats(t)->lost, 0);
}

static void t140_marks_what_nobody_has(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++)
		if (i < 1 || i > 3)
			red(hello, i, (uint16_t)i);
	assert_text("Hel?wor"
		    "ld, it's me!");
	assert_int_equal(t140_stats(t)->lost, 1);
}

static void t140_recovered_text_has_its_own_time(void **state)
{
	const struct t140_char *c;
	size_t n;

	(void)state;
	red(hello, 0, 0);
	red(hello, 2, 2);
	assert_text("Hello wor");
	c = t140_chars(t, &n);
	assert_int_equal(c[0].t_us, 1000000);
	assert_int_equal(c[3].t_us, 1300000);
	assert_int_equal(c[6].t_us, 1600000);
}

static void t140_first_packet_lost_is_recovered(void **state)
{
	(void)state;
	red(hello, 1, 11);
	assert_text("Hello ");
}

static void t140_reorders_and_drops_duplicates(void **state)
{
	static const int order[] = { 0, 2, 1, 1, 4, 3, 7, 6, 5, 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		red(hello, order[i], (uint16_t)order[i]);
	assert_text("Hello world, it's me!");
	assert_int_equal(t140_stats(t)->recovered, 0);
}

static void t140_plain_packets_have_gaps(void **state)
{
	(void)state;
	plain(1, "ab");
	plain(2, "");
	plain(5, "c");
	plain(6, "d");
	assert_text("ab?cd");
	assert_int_equal(t140_stats(t)->lost, 2);
}

static void t140_joins_split_utf8(void **state)
{
	(void)state;
	plain(1, "\xef\xbb\xbf" /* BOM */
		 "a\xe2\x82");
	plain(2, "\xac"
		 "b\xf0\x9f");
	plain(3, "\x98\x80\xff"
		 "c\xc3");
	plain(5, "\xa9"); /* the first half of e acute was lost with 4 */
	assert_text("a{20ac}b{1f600}?c??");
}

static void t140_bad_utf8_is_marked(void **state)
{
	(void)state;
	plain(1, "\xc0\x80|\xed\xa0\x80|\xf8|\xe2(");
	assert_text("?|?|?|?(");
}

static void t140_edits_the_text(void **state)
{
	(void)state;
	plain(1, "\b\bHallo\b\b\b\bello\r\n");
	plain(2, "x\r");
	plain(3, "\ny\xe2\x80\xa8z\n\n\bw\a");
	assert_text("Hello\nx\ny\nz\nw");
}

static void t140_leaves_codes_out(void **state)
{
	(void)state;
	plain(1, "a\x1b"
		 "ab\xc2\x9b"
		 "1;31mc\x1b[0md\xc2\x98junk\xc2\x9c"
		 "e");
	assert_text("abcde");
}

static void t140_a_new_sender_follows(void **state)
{
	(void)state;
	plain(1, "one ");
	plain(20000, "two");
	assert_text("one two");
	assert_int_equal(t140_stats(t)->lost, 0);
}

static void t140_refuses_broken_redundancy(void **state)
{
	(void)state;
	assert_int_equal(put_raw(1, 0, true, "", 0), -EBADMSG);
	assert_int_equal(put_raw(1, 0, true, "\xe2\x00\x00", 3), -EBADMSG);
	assert_int_equal(put_raw(1, 0, true, "\xe2\x00\x00\x05\x62xyz", 8),
			 -EBADMSG);
	assert_int_equal(put_raw(1, 0, true, "\x62", 1), 0);
	assert_int_equal(t140_stats(t)->broken, 3);
	assert_text("");
}

static void t140_gap_by_a_pause_is_not_loss(void **state)
{
	struct t140_packet p = { .t_us = 9000000,
				 .ssrc = 5,
				 .clock_hz = 1000,
				 .seq = 50,
				 .resumed = true,
				 .payload = (const uint8_t *)"b",
				 .len = 1 };

	(void)state;
	plain(1, "a");
	assert_int_equal(t140_put(t, &p), 0);
	assert_text("ab");
	assert_int_equal(t140_stats(t)->lost, 0);
}

static void t140_red_blank_spares_the_young(void **state)
{
	uint8_t p[] = "\xe2\x09\x60\x02" /* 600 ms, 2 bytes */
		      "\xe2\x04\xb0\x01" /* 300 ms, 1 byte */
		      "\x62PINab";
	uint8_t junk[] = "\xe2\x00PIN";

	(void)state;
	t140_red_blank(p, sizeof(p) - 1, 600, 2);
	assert_memory_equal(p + 9, "PINab", 5);
	t140_red_blank(p, sizeof(p) - 1, 300, 2);
	assert_memory_equal(p + 9, "\0\0Nab", 5);
	t140_red_blank(p, sizeof(p) - 1, 600, 0);
	assert_memory_equal(p + 9, "\0\0\0ab", 5);
	assert_int_equal(put_raw(3, 1000, true, p, sizeof(p) - 1), 0);
	t140_red_blank(junk, sizeof(junk) - 1, 0, 2);
	assert_memory_equal(junk, "\0\0\0\0\0", 5);
	assert_text("ab");
}

/* However young it says it is: it was first sent two packets ago. */
static void t140_red_blank_counts_packets(void **state)
{
	uint8_t p[] = "\xe2\x00\x28\x02" /* 10 ms, 2 bytes */
		      "\xe2\x00\x14\x01" /* 5 ms, 1 byte */
		      "\x62PINab";

	(void)state;
	t140_red_blank(p, sizeof(p) - 1, 600, 1);
	assert_memory_equal(p + 9, "\0\0Nab", 5);
}

static void vtt_has_cues_with_times(void **state)
{
	const struct t140_char *c;
	struct buf b;
	size_t n;

	(void)state;
	put_raw(1, 2000, false, "I <am> R&D", 10);
	put_raw(2, 2500, false, ".\r\n", 3);
	put_raw(3, 3000, false, "Next", 4);
	put_raw(4, 3600500, false, " late\xc3\xa9", 7);
	assert_int_equal(t140_finish(t), 0);
	c = t140_chars(t, &n);
	buf_init(&b, 4096);
	assert_int_equal(vtt_write(c, n, 1000000, "Bob <b>\n&", &b), 3);
	assert_string_equal(buf_str(&b),
			    "WEBVTT\n"
			    "\n1\n00:00:01.000 --> 00:00:02.000\n"
			    "<v Bob &lt;b&gt; &amp;>I &lt;am&gt; R&amp;D.\n"
			    "\n2\n00:00:02.000 --> 00:00:04.000\n"
			    "<v Bob &lt;b&gt; &amp;>Next\n"
			    "\n3\n00:59:59.500 --> 01:00:01.500\n"
			    "<v Bob &lt;b&gt; &amp;>late\xc3\xa9\n");
	buf_fini(&b);
}

static void vtt_without_text_is_a_head(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 64);
	assert_int_equal(vtt_write(NULL, 0, 0, "", &b), 0);
	assert_string_equal(buf_str(&b), "WEBVTT\n");
	buf_fini(&b);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(t140_fills_two_losses_by_redundancy),
		T(t140_marks_what_nobody_has),
		T(t140_recovered_text_has_its_own_time),
		T(t140_first_packet_lost_is_recovered),
		T(t140_reorders_and_drops_duplicates),
		T(t140_plain_packets_have_gaps),
		T(t140_joins_split_utf8),
		T(t140_bad_utf8_is_marked),
		T(t140_edits_the_text),
		T(t140_leaves_codes_out),
		T(t140_a_new_sender_follows),
		T(t140_refuses_broken_redundancy),
		T(t140_gap_by_a_pause_is_not_loss),
		T(t140_red_blank_spares_the_young),
		T(t140_red_blank_counts_packets),
		T(vtt_has_cues_with_times),
		T(vtt_without_text_is_a_head),
	};

	return cmocka_run_group_tests_name("t140", tests, NULL, NULL);
}
