/* What recording clients offer, as a table, and what is understood of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "srs/siprec/sdp.h"
#include "srs/siprec/warn.h"

static struct sdp *parse(const char *text, struct warn_list *wl)
{
	struct sdp *s = NULL;

	assert_int_equal(sdp_read(span_of(text), wl, &s), 0);
	return s;
}

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nt=0 0\r\n"
#define CONN "c=IN IP4 192.0.2.1\r\n"

/* codecs: the names of the first line's payload types in order */
static const struct {
	const char *name;
	const char *text;
	unsigned n_lines;
	uint16_t port;
	enum sdp_dir dir;
	const char *addr;
	const char *label;
	const char *codecs;
	const char *warning; /* NULL = none at all */
} shapes[] = {
	{ "RFC style",
	  HEAD CONN "m=audio 49170 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
		    "a=label:96\r\na=sendonly\r\n",
	  1, 49170, SDP_SENDONLY, "192.0.2.1", "96", "PCMU/8000/1", NULL },
	{ "static types without rtpmap",
	  HEAD CONN "m=audio 4000 RTP/AVP 0 8 9 18 2 13 19\r\n", 1, 4000,
	  SDP_DIR_UNSET, "192.0.2.1", "",
	  "PCMU/8000/1 PCMA/8000/1 G722/8000/1 G729/8000/1 G726-32/8000/1 "
	  "CN/8000/1 CN/8000/1",
	  NULL },
	{ "opus in capitals, two telephone-events, blanks in fmtp",
	  HEAD CONN "m=audio 4000 RTP/AVPF 111 101 110\r\n"
		    "a=rtpmap:111 OPUS/48000/2\r\na=fmtp:111 minptime=10; "
		    "useinbandfec=1\r\na=rtpmap:101 Telephone-Event/8000\r\n"
		    "a=rtpmap:110 telephone-event/48000\r\na=label: a_leg \r\n",
	  1, 4000, SDP_DIR_UNSET, "192.0.2.1", "a_leg",
	  "opus/48000/2 telephone-event/8000/1 telephone-event/48000/1", NULL },
	{ "LF only, trailing blanks, bare unknown attributes",
	  "v=0 \no=a b c\ns=\nc=IN IP4 192.0.2.1 \nt=0 0\na=foo\na=\nfoo\n"
	  "m=audio 4000 RTP/AVP 0 \na=sendonly \na=label:16777227 \na=bar:\n",
	  1, 4000, SDP_SENDONLY, "192.0.2.1", "16777227", "PCMU/8000/1", NULL },
	{ "c= per media, direction at session level",
	  HEAD "a=inactive\r\nm=audio 4000 RTP/AVP 8\r\n" CONN, 1, 4000,
	  SDP_INACTIVE, "192.0.2.1", "", "PCMA/8000/1", NULL },
	{ "no c= at all", HEAD "m=audio 4000 RTP/AVP 0\r\n", 1, 4000,
	  SDP_DIR_UNSET, "", "", "PCMU/8000/1", "sdp.no_connection" },
	{ "a=direction:both",
	  HEAD CONN "m=audio 4000 RTP/AVP 0\r\n"
		    "a=direction:both\r\n",
	  1, 4000, SDP_DIR_UNSET, "192.0.2.1", "", "PCMU/8000/1", NULL },
	{ "IPv6, range of ports, ttl",
	  HEAD "c=IN IP6 2001:db8::1/3\r\nm=audio 4000/2 RTP/AVP 0\r\n", 1,
	  4000, SDP_DIR_UNSET, "2001:db8::1", "", "PCMU/8000/1", NULL },
	{ "port out of range", HEAD CONN "m=audio 99999 RTP/AVP 0\r\n", 1, 0,
	  SDP_DIR_UNSET, "192.0.2.1", "", "PCMU/8000/1", "sdp.bad_port" },
	{ "m-line with nothing", HEAD CONN "m=\r\n", 1, 0, SDP_DIR_UNSET,
	  "192.0.2.1", "", "", "sdp.bad_port" },
	{ "no v=", "m=audio 4000 RTP/AVP 0\r\n" CONN, 1, 4000, SDP_DIR_UNSET,
	  "192.0.2.1", "", "PCMU/8000/1", "sdp.no_version" },
	{ "dynamic type without rtpmap",
	  HEAD CONN "m=audio 4000 RTP/AVP 97 0\r\n", 1, 4000, SDP_DIR_UNSET,
	  "192.0.2.1", "", "/0/1 PCMU/8000/1", NULL },
	{ "repeated payload type, odd rtpmap",
	  HEAD CONN "m=audio 4000 RTP/AVP 97 97 0\r\na=rtpmap:97  AMR / 8000 /"
		    " 1\r\na=rtpmap:x y\r\na=rtpmap:98 zz/1\r\na=fmtp:\r\n",
	  1, 4000, SDP_DIR_UNSET, "192.0.2.1", "", "AMR/8000/1 PCMU/8000/1",
	  NULL },
	{ "broken c= line is passed over",
	  HEAD "c=IN IP4\r\n" CONN "m=audio 4000 RTP/AVP 0\r\n", 1, 4000,
	  SDP_DIR_UNSET, "192.0.2.1", "", "PCMU/8000/1", "sdp.bad_connection" },
};

static void check_codecs(const struct sdp_line *l, const char *want)
{
	struct buf got CLEANUP(buf_fini) = { 0 };

	buf_init(&got, 4096);
	for (unsigned i = 0; i < l->n_pts; i++)
		buf_printf(&got, "%s%s/%u/%u", i ? " " : "", l->pts[i].codec,
			   l->pts[i].rate_hz, l->pts[i].channels);
	assert_string_equal(buf_str(&got), want);
}

static void every_shape_is_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct warn_list wl = { 0 };
		struct sdp *s CLEANUP(sdp_destroy) = NULL;

		print_message("%s\n", shapes[i].name);
		s = parse(shapes[i].text, &wl);
		assert_int_equal(s->n_lines, shapes[i].n_lines);
		assert_int_equal(s->lines[0]->port, shapes[i].port);
		assert_int_equal(s->lines[0]->dir, shapes[i].dir);
		assert_string_equal(s->lines[0]->addr, shapes[i].addr);
		assert_string_equal(s->lines[0]->label, shapes[i].label);
		check_codecs(s->lines[0], shapes[i].codecs);
		if (shapes[i].warning)
			assert_true(warn_has(&wl, shapes[i].warning));
		else
			assert_int_equal(wl.n, 0);
	}
}

static void lines_are_kept_apart(void **state)
{
	struct sdp *s CLEANUP(sdp_destroy) = NULL;

	(void)state;
	s = parse(HEAD CONN
		  "a=sendonly\r\n"
		  "m=audio 4000 RTP/SAVP 0\r\na=label:1\r\na=crypto:1 X y\r\n"
		  "a=rtcp:4100 IN IP4 192.0.2.7\r\na=ptime:60\r\n"
		  "m=audio 4000 RTP/AVP 8\r\na=label:2\r\na=inactive\r\n"
		  "a=rtcp-mux\r\na=mid:b\r\n"
		  "m=video 4004 UDP/TLS/RTP/SAVPF 99\r\na=rtpmap:99 h264/90000"
		  "\r\na=content:main\r\n"
		  "m=application 9 TCP/BFCP *\r\n",
		  NULL);
	assert_int_equal(s->n_lines, 4);
	assert_true(s->lines[0]->has_crypto);
	assert_int_equal(s->lines[0]->proto, SDP_SAVP);
	assert_int_equal(s->lines[0]->rtcp_port, 4100);
	assert_string_equal(s->lines[0]->rtcp_addr, "192.0.2.7");
	assert_int_equal(s->lines[0]->ptime_ms, 60);
	assert_int_equal(s->lines[0]->dir, SDP_SENDONLY);
	assert_int_equal(s->lines[1]->dir, SDP_INACTIVE);
	assert_true(s->lines[1]->rtcp_mux);
	assert_string_equal(s->lines[1]->mid, "b");
	assert_int_equal(s->lines[2]->media, SDP_VIDEO);
	assert_int_equal(s->lines[2]->proto, SDP_DTLS);
	assert_string_equal(s->lines[2]->pts[0].codec, "H264");
	assert_string_equal(s->lines[2]->content, "main");
	assert_int_equal(s->lines[3]->media, SDP_OTHER);
	assert_int_equal(s->lines[3]->n_pts, 0);
	assert_string_equal(s->lines[3]->formats, "*");
	assert_ptr_equal(sdp_find_label(s, "2"), s->lines[1]);
	assert_null(sdp_find_label(s, ""));
}

static void hold_address_is_no_remote(void **state)
{
	struct sockaddr_storage rtp, rtcp;
	struct sdp *s CLEANUP(sdp_destroy) = NULL;

	(void)state;
	s = parse(HEAD CONN "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n"
			    "m=audio 4002 RTP/AVP 0\r\n"
			    "m=audio 4004 RTP/AVP 0\r\na=rtcp-mux\r\n"
			    "m=audio 4006 RTP/AVP 0\r\nc=IN IP4 host.example"
			    "\r\n"
			    "m=audio 0 RTP/AVP 0\r\n",
		  NULL);
	assert_true(s->lines[0]->on_hold);
	sdp_line_remote(s->lines[0], &rtp, &rtcp);
	assert_int_equal(rtp.ss_family, 0);
	sdp_line_remote(s->lines[1], &rtp, &rtcp);
	assert_int_equal(rtp.ss_family, AF_INET);
	assert_int_equal(ntohs(((struct sockaddr_in *)&rtp)->sin_port), 4002);
	assert_int_equal(ntohs(((struct sockaddr_in *)&rtcp)->sin_port), 4003);
	sdp_line_remote(s->lines[2], &rtp, &rtcp);
	assert_int_equal(ntohs(((struct sockaddr_in *)&rtcp)->sin_port), 4004);
	for (int i = 3; i < 5; i++) {
		sdp_line_remote(s->lines[i], &rtp, &rtcp);
		assert_int_equal(rtp.ss_family, 0);
		assert_int_equal(rtcp.ss_family, 0);
	}
}

static void limits_are_kept(void **state)
{
	struct buf text CLEANUP(buf_fini) = { 0 };
	struct sdp *s CLEANUP(sdp_destroy) = NULL;
	struct warn_list wl = { 0 };

	(void)state;
	buf_init(&text, 2 * SDP_TEXT_MAX);
	buf_puts(&text, HEAD CONN "m=audio 4000 RTP/AVP");
	for (int i = 0; i < 128; i++)
		buf_printf(&text, " %d", i);
	buf_puts(&text, "\r\na=label:");
	for (int i = 0; i < 300; i++)
		buf_putc(&text, 'l');
	buf_puts(&text, "\r\n");
	for (int i = 0; i < 100; i++)
		buf_puts(&text, "m=audio 4000 RTP/AVP 0\r\n");
	s = parse(buf_str(&text), &wl);
	assert_int_equal(s->n_lines, SDP_LINES_MAX);
	assert_int_equal(s->lines[0]->n_pts, SDP_PTS_MAX);
	assert_int_equal(strlen(s->lines[0]->label), SDP_LABEL_MAX - 1);
	assert_true(warn_has(&wl, "sdp.too_many_lines"));
	assert_true(warn_has(&wl, "sdp.too_many_payload_types"));
	assert_true(warn_has(&wl, "sdp.label_too_long"));
	while (text.len <= SDP_TEXT_MAX)
		buf_puts(&text, "a=x\r\n");
	sdp_destroy(&s);
	assert_int_equal(sdp_read(span_of(buf_str(&text)), &wl, &s), -E2BIG);
}

static void nonsense_is_refused(void **state)
{
	static const char *const texts[] = { "", "hello", "\r\n\r\n", "a=b",
					     "<recording/>" };
	struct sdp *s = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(sdp_read(span_of(texts[i]), NULL, &s),
				 -EBADMSG);
	assert_null(s);
}

static void memory_may_run_out(void **state)
{
	struct sdp *s = NULL;

	(void)state;
	for (int i = 0; i < 3; i++) {
		mem_fail_after(i);
		assert_int_equal(sdp_read(SPAN(HEAD "m=audio 1 RTP/AVP 0\r\n"
						    "m=audio 1 RTP/AVP 0\r\n"),
					  NULL, &s),
				 -ENOMEM);
		mem_fail_after(-1);
		assert_null(s);
	}
}

static void fuzz_of_control_bytes_is_cleaned(void **state)
{
	struct sdp *s CLEANUP(sdp_destroy) = NULL;

	(void)state;
	s = parse("v=0\r\nm=au\x01"
		  "dio\xff 4000 RTP/AVP 0\r\na=label:a\x02z\r\n",
		  NULL);
	assert_string_equal(s->lines[0]->media_word, "au?dio?");
	assert_string_equal(s->lines[0]->label, "a?z");
}

static void record_and_its_wish_are_read(void **state)
{
	static const char text[] =
		"v=0\r\na=recordpref:pause\r\na=record: ON \r\n"
		"m=audio 4000 RTP/AVP 0\r\na=recordpref:nopreference\r\n"
		"m=audio 4002 RTP/AVP 0\r\na=record:paused\r\n"
		"a=record:perhaps\r\n";
	struct sdp *s = NULL;

	(void)state;
	assert_int_equal(sdp_read(span_of(text), NULL, &s), 0);
	assert_int_equal(s->lines[0]->pref, SDP_PREF_NONE);
	assert_int_equal(s->lines[0]->record, SDP_RECORD_ON);
	assert_int_equal(s->lines[1]->pref, SDP_PREF_PAUSE);
	assert_int_equal(s->lines[1]->record, SDP_RECORD_PAUSED);
	assert_string_equal(sdp_pref_name(s->lines[1]->pref), "pause");
	assert_string_equal(sdp_record_name(SDP_RECORD_UNSET), "");
	sdp_destroy(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_and_its_wish_are_read),
		cmocka_unit_test(every_shape_is_understood),
		cmocka_unit_test(lines_are_kept_apart),
		cmocka_unit_test(hold_address_is_no_remote),
		cmocka_unit_test(limits_are_kept),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(memory_may_run_out),
		cmocka_unit_test(fuzz_of_control_bytes_is_cleaned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
