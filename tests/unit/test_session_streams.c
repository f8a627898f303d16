/* From offers to what capture is told: hold in all its spellings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "base/mem.h"
#include "srs/session/session.h"
#include "storage/catalog_recording.h"
#include "srs/siprec/sdp.h"

struct made {
	struct sdp *sdp;
	struct answer answer;
	struct session_stream st[CAP_STREAMS_MAX];
	unsigned n;
};

static void make(struct made *m, const char *c, const char *dir1,
		 const char *dir2, const struct made *old)
{
	char text[600];

	memset(m, 0, sizeof(*m));
	(void)snprintf(text, sizeof(text),
		       "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\n"
		       "c=IN IP4 %s\r\nt=0 0\r\n"
		       "m=audio 4000 RTP/AVP 0 101\r\n"
		       "a=rtpmap:101 telephone-event/8000\r\n"
		       "a=label:1\r\n%s"
		       "m=audio 4002 RTP/AVP 8\r\na=label:2\r\n%s",
		       c, dir1, dir2);
	assert_int_equal(sdp_read(span_of(text), NULL, &m->sdp), 0);
	answer_plan(m->sdp, NULL, SESSION_AUDIO_MAX, ANSWER_SRTP_PREFERRED,
		    NULL, &m->answer);
	m->n = streams_build(m->sdp, &m->answer, old ? old->st : NULL,
			     old ? old->n : 0, m->st);
	assert_int_equal(m->n, 2);
}

static void free_made(struct made *m)
{
	sdp_destroy(&m->sdp);
}

static void streams_tell_capture_codecs_and_addresses(void **state)
{
	const struct sockaddr_in *in;
	struct made m;

	(void)state;
	make(&m, "192.0.2.9", "a=sendonly\r\n", "", NULL);
	assert_true(m.st[0].cap.enabled && m.st[0].cap.active);
	assert_string_equal(m.st[0].cap.label, "1");
	assert_int_equal(m.st[0].cap.n_pts, 3);
	assert_string_equal(m.st[0].cap.pts[0].codec, "PCMU");
	assert_string_equal(m.st[0].cap.pts[1].codec, "telephone-event");
	assert_string_equal(m.st[0].cap.pts[2].codec, "CN"); /* unasked */
	assert_string_equal(m.st[1].cap.pts[0].codec, "PCMA");
	in = (const void *)&m.st[1].cap.remote_rtp;
	assert_int_equal(in->sin_family, AF_INET);
	assert_int_equal(ntohs(in->sin_port), 4002);
	assert_int_equal(m.st[0].participant, -1);
	free_made(&m);
}

static void streams_see_hold_in_every_spelling(void **state)
{
	static const struct {
		const char *c, *dir1, *dir2;
		bool active1, active2;
	} cases[] = {
		{ "192.0.2.9", "a=sendonly\r\n", "a=sendonly\r\n", true, true },
		{ "192.0.2.9", "a=sendrecv\r\n", "", true, true },
		{ "192.0.2.9", "a=inactive\r\n", "a=sendonly\r\n", false,
		  true },
		{ "192.0.2.9", "a=inactive\r\n", "a=inactive\r\n", false,
		  false },
		{ "192.0.2.9", "a=recvonly\r\n", "", false, true },
		{ "0.0.0.0", "a=sendonly\r\n", "", false, false },
		{ "0.0.0.0", "c=IN IP4 192.0.2.9\r\n", "", true, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct made m;

		make(&m, cases[i].c, cases[i].dir1, cases[i].dir2, NULL);
		assert_true(m.st[0].cap.enabled && m.st[1].cap.enabled);
		assert_int_equal(m.st[0].cap.active, cases[i].active1);
		assert_int_equal(m.st[1].cap.active, cases[i].active2);
		free_made(&m);
	}
}

#define KEY1 "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
#define KEY2 "YUJDZGVmZ2hpSktMbW9QUXJzVHVWd3l6MTIzNDU2"

/* One line of SRTP; old may be NULL. */
static void make_srtp(struct made *m, const char *suite, const char *key,
		      const struct made *old)
{
	char text[400];

	memset(m, 0, sizeof(*m));
	(void)snprintf(text, sizeof(text),
		       "v=0\r\nc=IN IP4 192.0.2.9\r\n"
		       "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 %s inline:%s\r\n",
		       suite, key);
	assert_int_equal(sdp_read(span_of(text), NULL, &m->sdp), 0);
	answer_plan(m->sdp, NULL, SESSION_AUDIO_MAX, ANSWER_SRTP_PREFERRED,
		    NULL, &m->answer);
	m->n = streams_build(m->sdp, &m->answer, old ? old->st : NULL,
			     old ? old->n : 0, m->st);
	assert_int_equal(m->n, 1);
	assert_true(streams_have_keys(m->st, m->n));
}

static void streams_keep_our_key_while_the_suite_stays(void **state)
{
	static const char cm80[] = "AES_CM_128_HMAC_SHA1_80";
	static const char cm32[] = "AES_CM_128_HMAC_SHA1_32";
	struct sdp *text CLEANUP(sdp_destroy) = NULL;
	struct answer_origin o;
	struct made a, b, c;
	struct buf out;

	(void)state;
	make_srtp(&a, cm80, KEY1, NULL);
	make_srtp(&b, cm80, KEY1, &a);
	assert_true(streams_equal(a.st, 1, b.st, 1));
	free_made(&b);
	make_srtp(&b, cm80, KEY2, &a); /* theirs is new, ours is not */
	assert_false(streams_equal(a.st, 1, b.st, 1));
	assert_memory_equal(&a.st[0].cap.srtp_out, &b.st[0].cap.srtp_out,
			    sizeof(struct srtp_params));
	make_srtp(&c, cm32, KEY2, &b);
	assert_memory_not_equal(&b.st[0].cap.srtp_out.keys,
				&c.st[0].cap.srtp_out.keys,
				sizeof(b.st[0].cap.srtp_out.keys));
	/* and both come back from the texts */
	a.st[0].cap.local_port = 20000;
	streams_fill_answer(a.st, 1, &a.answer);
	buf_init(&out, 4096);
	answer_origin_init(&o, 1, "127.0.0.1");
	assert_int_equal(answer_print(a.sdp, &a.answer, &o, &out), 0);
	assert_int_equal(sdp_read(span_of(buf_str(&out)), NULL, &text), 0);
	buf_fini(&out);
	b.st[0] = a.st[0];
	streams_wipe_keys(b.st, 1);
	assert_false(streams_have_keys(b.st, 1));
	assert_int_equal(streams_restore_keys(b.st, 1, a.sdp, text), 0);
	assert_true(streams_equal(a.st, 1, b.st, 1));
	streams_wipe_keys(b.st, 1);
	assert_int_equal(streams_restore_keys(b.st, 1, c.sdp, b.sdp), 0);
	text->lines[0]->sdes.params.suite = SRTP_CLEAR;
	assert_int_equal(streams_restore_keys(b.st, 1, a.sdp, text), -EBADMSG);
	free_made(&a);
	free_made(&b);
	free_made(&c);
}

static void streams_keep_ports_and_compare(void **state)
{
	struct made a, b, c;
	struct cap_opened o = { .n_streams = 2 };

	(void)state;
	make(&a, "192.0.2.9", "", "", NULL);
	o.streams[0].index = 1;
	o.streams[0].rtp_port = 20002;
	o.streams[0].rtcp_port = 20003;
	o.streams[1].index = 0;
	o.streams[1].rtp_port = 20000;
	o.streams[1].rtcp_port = 20001;
	assert_int_equal(streams_take_ports(a.st, a.n, &o), 0);
	assert_int_equal(a.st[0].cap.local_port, 20000);
	streams_fill_answer(a.st, a.n, &a.answer);
	assert_int_equal(a.answer.lines[1].rtp_port, 20002);
	assert_int_equal(a.answer.lines[1].rtcp_port, 20003);
	make(&b, "192.0.2.9", "", "", &a);
	assert_int_equal(b.st[1].cap.local_port, 20002);
	assert_true(streams_equal(a.st, a.n, b.st, b.n));
	make(&c, "192.0.2.9", "a=inactive\r\n", "", &a);
	assert_false(streams_equal(a.st, a.n, c.st, c.n));
	assert_false(streams_equal(a.st, a.n, a.st, 1));
	o.streams[1].rtp_port = 0;
	assert_int_equal(streams_take_ports(a.st, a.n, &o), -EPROTO);
	free_made(&a);
	free_made(&b);
	free_made(&c);
}

static void streams_belong_to_one_sender_or_nobody(void **state)
{
	struct md_owner owners[2] = { { .n = 1, .participants = { 1 } },
				      { .n = 2, .participants = { 0, 1 } } };
	const unsigned ords[2] = { 4, 7 };
	struct made m;

	(void)state;
	make(&m, "192.0.2.9", "", "", NULL);
	streams_attribute(m.st, m.n, owners, ords, 2);
	assert_int_equal(m.st[0].participant, 7);
	assert_int_equal(m.st[0].n_senders, 1);
	assert_int_equal(m.st[0].senders[0], 7);
	assert_int_equal(m.st[1].participant, -1);
	streams_attribute(m.st, m.n, owners, ords, 1);
	assert_int_equal(m.st[0].participant, -1);
	assert_int_equal(m.st[0].n_senders, 0);
	owners[1].is_mix = true;
	streams_attribute(m.st, m.n, owners, ords, 2);
	assert_int_equal(m.st[1].participant, RECORDING_STREAM_MIX);
	free_made(&m);
}

/* Who is heard in a line is known although it is nobody's alone. */
static void a_mixed_line_has_all_its_senders(void **state)
{
	struct md_owner owners[2] = { { .n = 1, .participants = { 1 } },
				      { .n = 2, .participants = { 1, 0 } } };
	const unsigned ords[2] = { 4, 7 };
	struct made m, old;

	(void)state;
	make(&m, "192.0.2.9", "", "", NULL);
	streams_attribute(m.st, m.n, owners, ords, 2);
	assert_int_equal(m.st[1].n_senders, 2);
	assert_int_equal(m.st[1].senders[0], 7);
	assert_int_equal(m.st[1].senders[1], 4);
	owners[1] = (struct md_owner){ .is_mix = true };
	streams_attribute(m.st, m.n, owners, ords, 2);
	assert_int_equal(m.st[1].n_senders, 1); /* of the others */
	assert_int_equal(m.st[1].senders[0], 7);
	owners[1] = (struct md_owner){ .n = 2, .participants = { 0, 1 } };
	streams_attribute(m.st, m.n, owners, ords, 2);
	old = m;
	owners[1].n = 0;
	streams_attribute(m.st, m.n, owners, ords, 2);
	streams_keep_senders(m.st, m.n, old.st, old.n, owners);
	assert_int_equal(m.st[1].n_senders, 2); /* nobody says otherwise */
	free_made(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_tell_capture_codecs_and_addresses),
		cmocka_unit_test(streams_see_hold_in_every_spelling),
		cmocka_unit_test(streams_keep_our_key_while_the_suite_stays),
		cmocka_unit_test(streams_keep_ports_and_compare),
		cmocka_unit_test(streams_belong_to_one_sender_or_nobody),
		cmocka_unit_test(a_mixed_line_has_all_its_senders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
