/* test_ladder.c - facts about web/pages_ladder.h: messages as HTML. */
#include "web/pages_ladder.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "storage/catalog.h"
#include "storage/catalog_search.h"
#include "storage/db.h"
#include "storage/migrate.h"
#include "tests/support/recording_rig.h"
#include "tests/support/unit.h"

#define T0 RECORDING_RIG_T0

static void add_bytes(struct recording_rig *f, int64_t offset_us,
		      const char *dir, const void *body, size_t len)
{
	struct recording_message m = { T0 + offset_us,	 dir,  "udp",
				       "192.0.2.1:5060", body, len };

	assert_int_equal(recording_add_message(f->db, f->id.s, &m), 0);
}

static void add(struct recording_rig *f, int64_t offset_us, const char *dir,
		const char *body)
{
	add_bytes(f, offset_us, dir, body, strlen(body));
}

static const char *page(struct recording_rig *f)
{
	buf_reset(&f->out);
	assert_int_equal(pages_ladder(&f->out, f->db, f->rec), 0);
	return buf_str(&f->out);
}

static void has(struct recording_rig *f, const char *text)
{
	if (!strstr(buf_str(&f->out), text))
		fail_msg("no \"%s\" in:\n%s", text, buf_str(&f->out));
}

static unsigned count(struct recording_rig *f, const char *text)
{
	const char *p = buf_str(&f->out);
	unsigned n = 0;

	for (; (p = strstr(p, text)) != NULL; p++)
		n++;
	return n;
}

static void no_message_no_ladder(void **state)
{
	assert_string_equal(page(*state), "");
}

static void each_message_is_an_arrow(void **state)
{
	struct recording_rig *f = *state;
	const char *p;

	add(f, -4999, "in",
	    "INVITE sip:x SIP/2.0\r\nContent-Type: application/sdp\r\n\r\nv=0");
	add(f, 0, "out", "SIP/2.0 180 Ringing\r\nCSeq: 1 INVITE\r\n\r\n");
	add(f, 62500000, "out",
	    "SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n"
	    "Contact: <sip:srs@192.0.2.9:5070>\r\n\r\n");
	add(f, 3600000000, "out", "BYE sip:y SIP/2.0\r\n\r\n");
	add(f, 3600000000, "in", "SIP/2.0 481 Gone\r\nCSeq: 2 BYE\r\n\r\n");
	p = page(f);
	has(f, "<li class=\"in request\">");
	has(f, "\xe2\x88\x92"
	       "0.004</span>");
	has(f, "<strong>INVITE</strong> <span class=\"with\">SDP</span>");
	has(f, "<li class=\"out progress\">");
	has(f, "<strong>180 Ringing</strong> <span class=\"of\">to INVITE");
	has(f, "<li class=\"out good\">");
	has(f, "1:02.500</span>");
	has(f, "<li class=\"out request\">");
	has(f, "60:00.000</span>");
	has(f, "<li class=\"in bad\">");
	has(f, "<strong>Client</strong> <span class=\"faint\">192.0.2.1:5060");
	has(f, "<strong>Server</strong> <span class=\"faint\">192.0.2.9:5070");
	assert_true(strstr(p, "INVITE</strong>") < strstr(p, "BYE</strong>"));
	assert_int_equal(count(f, "<li class="), 5);
	assert_int_equal(count(f, "</li>"), 5);
	assert_int_equal(count(f, "format="), 3);
}

static void nothing_of_a_message_is_markup(void **state)
{
	static const char bytes[] =
		"<b>X</b> sip:\"&\r\nA: \xff\xe2\x80\xae<script>\r\n\0\tz";
	struct recording_rig *f = *state;

	add_bytes(f, 0, "in", bytes, sizeof(bytes) - 1);
	add(f, 0, "out", "SIP/2.0 200 <i>\r\nCSeq: 1 <u>\r\n\r\n");
	add(f, 0, "in", "");
	page(f);
	has(f, "<strong>&lt;b&gt;X&lt;/b&gt;</strong>");
	has(f, "A: ??&lt;script&gt;\n? z\n</pre>");
	has(f, "<strong>200 &lt;i&gt;</strong>");
	has(f, "to &lt;u&gt;</span>");
	has(f, "<strong>not SIP</strong>");
	assert_int_equal(count(f, "<script"), 0);
	assert_int_equal(count(f, "<b>") + count(f, "<i>") + count(f, "<u>"),
			 0);
	assert_int_equal(count(f, "style="), 0);
}

static void long_messages_are_cut(void **state)
{
	struct recording_rig *f = *state;
	char *text = test_malloc(LADDER_RAW_MAX + 2);

	memset(text, 'a', LADDER_RAW_MAX + 2);
	add_bytes(f, 0, "in", text, LADDER_RAW_MAX);
	page(f);
	assert_int_equal(count(f, "Only its beginning"), 0);
	add_bytes(f, 0, "in", text, LADDER_RAW_MAX + 1);
	page(f);
	assert_int_equal(count(f, "Only its beginning"), 1);
	for (unsigned i = 0; i < 100; i++)
		add_bytes(f, 0, "in", text, LADDER_RAW_MAX + 1);
	page(f);
	assert_true(f->out.len < LADDER_RAW_ALL_MAX + 102 * 1024);
	test_free(text);
}

static void long_sessions_show_their_beginning(void **state)
{
	struct recording_rig *f = *state;

	for (unsigned i = 0; i < LADDER_ROWS_MAX; i++)
		add(f, i, "in", "OPTIONS x SIP/2.0\r\n\r\n");
	page(f);
	assert_int_equal(count(f, "<li class="), LADDER_ROWS_MAX);
	assert_int_equal(count(f, "more messages"), 0);
	add(f, 0, "in", "BYE x SIP/2.0\r\n\r\n");
	add(f, 0, "in", "BYE x SIP/2.0\r\n\r\n");
	page(f);
	assert_int_equal(count(f, "<li class="), LADDER_ROWS_MAX);
	has(f, ">2 more messages are in the download.<");
}

static void full_buffer_is_an_error(void **state)
{
	struct recording_rig *f = *state;
	struct buf small;

	add(f, 0, "in", "BYE x SIP/2.0\r\n\r\n");
	for (size_t max = 1; max < 1200; max += 37) {
		buf_init(&small, max);
		assert_int_equal(pages_ladder(&small, f->db, f->rec), -ENOBUFS);
		buf_fini(&small);
	}
}

#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, recording_rig_setup,                \
					recording_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_message_no_ladder),
		TEST(each_message_is_an_arrow),
		TEST(nothing_of_a_message_is_markup),
		TEST(long_messages_are_cut),
		TEST(long_sessions_show_their_beginning),
		TEST(full_buffer_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
