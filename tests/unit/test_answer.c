/* The contract of the answer, held against many offers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "srs/siprec/answer.h"
#include "srs/siprec/warn.h"

#define HEAD                                                                   \
	"v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\n"                           \
	"c=IN IP4 192.0.2.1\r\nt=0 0\r\n"

struct fixture {
	struct sdp *offer;
	struct answer answer;
	enum answer_srtp srtp; /* PREFERRED */
	struct srtp_params key;
	struct answer_origin origin;
	struct warn_list wl;
	struct buf text;
};

static int setup(void **state)
{
	struct fixture *f = mem_zalloc(sizeof(*f));

	buf_init(&f->text, SDP_TEXT_MAX);
	answer_origin_init(&f->origin, 1234, "127.0.0.1");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sdp_destroy(&f->offer);
	buf_fini(&f->text);
	mem_free(f);
	return 0;
}

static void plan(struct fixture *f, const char *offer,
		 const struct answer_permit *permits)
{
	sdp_destroy(&f->offer);
	f->wl = (struct warn_list){ 0 };
	assert_int_equal(sdp_read(span_of(offer), NULL, &f->offer), 0);
	answer_plan(f->offer, permits, 32, f->srtp, &f->wl, &f->answer);
	for (unsigned i = 0; i < f->answer.n_lines; i++) {
		f->answer.lines[i].rtp_port = (uint16_t)(20000 + 2 * i);
		f->answer.lines[i].rtcp_port = (uint16_t)(20001 + 2 * i);
	}
}

static const char *print(struct fixture *f)
{
	buf_reset(&f->text);
	assert_int_equal(
		answer_print(f->offer, &f->answer, &f->origin, &f->text), 0);
	return buf_str(&f->text);
}

/* Clients change the payload type without asking; only what is permitted and
 * can be decoded is taken. */
static void other_codecs_are_taken_when_permitted(void **state)
{
	struct fixture *f = *state;
	static const char offer[] = HEAD
		"m=audio 4000 RTP/AVP 0 15 8 96\r\na=rtpmap:96 opus/48000/2"
		"\r\na=sendonly\r\n";
	struct answer_permit two = { .permit = true, .pts = 0x5 };

	plan(f, offer, NULL);
	assert_int_equal(f->answer.lines[0].audio, 0);
	assert_int_equal(f->answer.lines[0].n_more, 2);
	assert_int_equal(f->answer.lines[0].more[0], 2);
	assert_int_equal(f->answer.lines[0].more[1], 3);
	assert_null(strstr(print(f), "PCMA"));
	plan(f, offer, &two);
	assert_int_equal(f->answer.lines[0].n_more, 1);
	assert_int_equal(f->answer.lines[0].more[0], 2);
}

/* What an answer leaves out means the default (RFC 4856, RFC 3952). */
static void parameters_that_hold_for_both_sides_are_said_again(void **state)
{
	static const struct {
		const char *map, *fmtp, *said;
	} cases[] = {
		{ "G729/8000", "annexb=no", "a=fmtp:96 annexb=no\r\n" },
		{ "g729a/8000", "x=1; annexb = NO", "a=fmtp:96 annexb=no\r\n" },
		{ "G729/8000", "annexb=yes", NULL },
		{ "G729AB/8000", "bitrate=8", NULL },
		{ "G723/8000", "annexa=no", "a=fmtp:96 annexa=no\r\n" },
		{ "iLBC/8000", "mode=20", "a=fmtp:96 mode=20\r\n" },
		{ "iLBC/8000", "mode=30", NULL },
		{ "PCMA/8000", "annexb=no", NULL },
	};
	struct fixture *f = *state;
	char offer[400];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(offer, sizeof(offer),
			 HEAD "m=audio 4000 RTP/AVP 13 19 96\r\n"
			      "a=rtpmap:96 %s\r\na=fmtp:96 %s\r\n",
			 cases[i].map, cases[i].fmtp);
		plan(f, offer, NULL);
		assert_int_equal(f->answer.lines[0].audio, 2);
		print(f);
		if (cases[i].said)
			assert_non_null(
				strstr(buf_str(&f->text), cases[i].said));
		else
			assert_null(strstr(buf_str(&f->text), "a=fmtp"));
	}
}

static void times_are_those_of_the_offer(void **state)
{
	struct fixture *f = *state;

	plan(f,
	     "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\n"
	     "c=IN IP4 192.0.2.1\r\nt=3338481189 18446744073709551615\r\n"
	     "m=audio 4000 RTP/AVP 0\r\n",
	     NULL);
	assert_non_null(
		strstr(print(f), "\r\nt=3338481189 18446744073709551615\r\n"));
	plan(f,
	     "v=0\r\nc=IN IP4 192.0.2.1\r\nt=now later\r\n"
	     "m=audio 4000 RTP/AVP 0\r\n",
	     NULL);
	assert_non_null(strstr(print(f), "\r\nt=0 0\r\n"));
}

static void two_parties_get_two_lines(void **state)
{
	struct fixture *f = *state;

	plan(f,
	     HEAD "m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event"
		  "/8000\r\na=fmtp:101 0-16\r\na=label:inbound\r\na=sendonly"
		  "\r\nm=audio 4002 RTP/AVP 96 8\r\na=rtpmap:96 OPUS/48000/2"
		  "\r\na=label:16777227\r\na=rtcp-mux\r\n",
	     NULL);
	assert_string_equal(
		print(f),
		"v=0\r\no=srs 1234 1 IN IP4 127.0.0.1\r\ns=-\r\n"
		"c=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		"m=audio 20000 RTP/AVP 0 101\r\n"
		"a=rtpmap:0 PCMU/8000\r\n"
		"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"
		"a=label:inbound\r\na=recvonly\r\n"
		"m=audio 20002 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n"
		"a=fmtp:96 useinbandfec=1\r\na=label:16777227\r\n"
		"a=rtcp-mux\r\na=recvonly\r\n");
	assert_int_equal(f->answer.n_accepted, 2);
	assert_int_equal(f->answer.n_active, 2);
	assert_int_equal(f->wl.n, 0);
}

static void refused_lines_stay_with_port_0(void **state)
{
	struct fixture *f = *state;

	plan(f,
	     HEAD "m=video 4000 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n"
		  "a=label:v\r\n"
		  "m=audio 4002 RTP/AVP 0\r\na=label:a\r\n"
		  "m=audio 0 RTP/AVP 8\r\na=label:z\r\n"
		  "m=image 4004 udptl t38\r\n"
		  "m=audio 4006 RTP/AVP 15\r\n",
	     NULL);
	assert_non_null(strstr(print(f),
			       "m=video 0 RTP/AVP 99\r\na=label:v\r\n"
			       "a=inactive\r\nm=audio 20002 RTP/AVP 0\r\n"));
	assert_non_null(strstr(buf_str(&f->text),
			       "m=audio 0 RTP/AVP 8\r\na=label:z\r\n"
			       "a=inactive\r\nm=image 0 udptl t38\r\n"
			       "a=inactive\r\nm=audio 0 RTP/AVP 15\r\n"));
	assert_int_equal(f->answer.lines[0].why, ANSWER_NOT_AUDIO);
	assert_int_equal(f->answer.lines[2].why, ANSWER_OFFERED_ZERO);
	assert_int_equal(f->answer.lines[4].why, ANSWER_NO_CODEC);
	assert_int_equal(f->answer.n_accepted, 1);
	assert_true(f->answer.codec_refused);
	assert_true(warn_has(&f->wl, "answer.no_codec"));
	assert_true(warn_has(&f->wl, "answer.media_not_recorded"));
}

static const struct {
	const char *attrs;
	enum sdp_dir dir;
	unsigned n_active;
} directions[] = {
	{ "a=sendonly\r\n", SDP_RECVONLY, 1 },
	{ "a=sendrecv\r\n", SDP_RECVONLY, 1 },
	{ "", SDP_RECVONLY, 1 },
	{ "a=direction:both\r\n", SDP_RECVONLY, 1 },
	{ "a=inactive\r\n", SDP_INACTIVE, 0 },
	{ "a=recvonly\r\n", SDP_INACTIVE, 0 },
	{ "c=IN IP4 0.0.0.0\r\n", SDP_RECVONLY, 0 },
};

static void direction_mirrors_the_offer(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
		struct buf b CLEANUP(buf_fini) = { 0 };

		buf_init(&b, 4096);
		buf_printf(&b, HEAD "m=audio 4000 RTP/AVP 0\r\n%s",
			   directions[i].attrs);
		plan(f, buf_str(&b), NULL);
		assert_int_equal(f->answer.lines[0].dir, directions[i].dir);
		assert_int_equal(f->answer.n_active, directions[i].n_active);
		assert_int_equal(f->answer.n_accepted, 1);
	}
}

static void version_grows_only_with_a_change(void **state)
{
	const char *active = HEAD "m=audio 4000 RTP/AVP 0\r\na=sendonly\r\n";
	struct fixture *f = *state;
	char first[1024];

	plan(f, active, NULL);
	str_copy(first, sizeof(first), print(f));
	/* a refresh whose o= restarted */
	plan(f,
	     "v=0\r\no=- 9 9 IN IP4 1.2.3.4\r\ns=x\r\nc=IN IP4 192.0.2.1\r\n"
	     "m=audio 4000 RTP/AVP 0\r\na=sendonly\r\n",
	     NULL);
	assert_string_equal(print(f), first);
	plan(f, HEAD "m=audio 4000 RTP/AVP 0\r\na=inactive\r\n", NULL);
	assert_non_null(strstr(print(f), "o=srs 1234 2 IN"));
	plan(f, active, NULL);
	assert_non_null(strstr(print(f), "o=srs 1234 3 IN"));
}

static void permission_narrows_codecs(void **state)
{
	const char *offer = HEAD
		"m=audio 4000 RTP/AVP 8 0 96\r\na=rtpmap:96 opus/48000/2\r\n"
		"m=audio 4002 RTP/AVP 0\r\nm=audio 4004 RTP/AVP 8\r\n";
	struct answer_permit permits[] = { { true, 1u << 2 },
					   { false, ANSWER_PTS_ALL },
					   { true, 0 } };
	struct fixture *f = *state;

	plan(f, offer, permits);
	assert_int_equal(f->answer.lines[0].why, ANSWER_ACCEPTED);
	assert_int_equal(f->answer.lines[0].audio, 2);
	assert_int_equal(f->answer.lines[1].why, ANSWER_NOT_PERMITTED);
	assert_int_equal(f->answer.lines[2].why, ANSWER_NOT_PERMITTED);
	assert_true(f->answer.permission_refused);
	assert_false(f->answer.codec_refused);
	plan(f, offer, NULL);
	assert_int_equal(f->answer.lines[0].audio, 0); /* offer's order */
}

#define CRYPTO(tag)                                                            \
	"a=crypto:" tag " AES_CM_128_HMAC_SHA1_80 "                            \
	"inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20\r\n"
#define SAVP(attributes)                                                       \
	"m=audio 4000 RTP/SAVP 0\r\n" attributes "a=label:1\r\n"
#define AVP "m=audio 4002 RTP/AVP 0\r\na=label:1\r\n"

/* What becomes of SRTP lines, with and without a twin in clear. */
static const struct {
	const char *offer;
	enum answer_srtp srtp;
	unsigned n;
	enum answer_why why[2];
	const char *warning; /* NULL = none */
} srtp_offers[] = {
	{ HEAD SAVP(CRYPTO("1")) AVP,
	  ANSWER_SRTP_PREFERRED,
	  2,
	  { ANSWER_ACCEPTED, ANSWER_TWIN },
	  NULL },
	{ HEAD AVP SAVP(CRYPTO("1")),
	  ANSWER_SRTP_PREFERRED,
	  2,
	  { ANSWER_TWIN, ANSWER_ACCEPTED },
	  NULL },
	{ HEAD AVP SAVP(CRYPTO("1")),
	  ANSWER_SRTP_REQUIRED,
	  2,
	  { ANSWER_TWIN, ANSWER_ACCEPTED },
	  NULL },
	{ HEAD SAVP(CRYPTO("1")) AVP,
	  ANSWER_SRTP_OFF,
	  2,
	  { ANSWER_TWIN, ANSWER_ACCEPTED },
	  NULL },
	{ HEAD SAVP("a=crypto:1 A b\r\n") AVP,
	  ANSWER_SRTP_PREFERRED,
	  2,
	  { ANSWER_TWIN, ANSWER_ACCEPTED },
	  NULL },
	{ HEAD SAVP("a=crypto:1 A b\r\n") AVP,
	  ANSWER_SRTP_REQUIRED,
	  2,
	  { ANSWER_NO_KEYS, ANSWER_IN_CLEAR },
	  "answer.srtp_required" },
	{ HEAD AVP,
	  ANSWER_SRTP_REQUIRED,
	  1,
	  { ANSWER_IN_CLEAR },
	  "answer.srtp_required" },
	{ HEAD SAVP(CRYPTO("1")),
	  ANSWER_SRTP_PREFERRED,
	  1,
	  { ANSWER_ACCEPTED },
	  NULL },
	{ HEAD SAVP(CRYPTO("1")),
	  ANSWER_SRTP_OFF,
	  1,
	  { ANSWER_NO_PROTO },
	  "answer.no_transport" },
	{ HEAD SAVP(""),
	  ANSWER_SRTP_PREFERRED,
	  1,
	  { ANSWER_NO_KEYS },
	  "answer.srtp_no_key" },
	{ HEAD SAVP("a=crypto:1 A b\r\n"),
	  ANSWER_SRTP_PREFERRED,
	  1,
	  { ANSWER_NO_KEYS },
	  "answer.srtp_no_key" },
	{ HEAD SAVP("a=fingerprint:sha-256 00:11\r\n"),
	  ANSWER_SRTP_PREFERRED,
	  1,
	  { ANSWER_NO_KEYS },
	  "answer.srtp_no_key" },
	{ HEAD "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n",
	  ANSWER_SRTP_PREFERRED,
	  1,
	  { ANSWER_NO_KEYS },
	  "answer.srtp_no_key" },
	{ HEAD "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n",
	  ANSWER_SRTP_OFF,
	  1,
	  { ANSWER_NO_PROTO },
	  "answer.no_transport" },
};

static void srtp_lines_as_the_table_says(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(srtp_offers); i++) {
		unsigned accepted = 0;

		f->srtp = srtp_offers[i].srtp;
		plan(f, srtp_offers[i].offer, NULL);
		assert_int_equal(f->answer.n_lines, srtp_offers[i].n);
		for (unsigned k = 0; k < f->answer.n_lines; k++) {
			if (f->answer.lines[k].why != srtp_offers[i].why[k])
				fail_msg("offer %zu line %u: %d", i, k,
					 f->answer.lines[k].why);
			accepted += srtp_offers[i].why[k] == ANSWER_ACCEPTED;
		}
		assert_int_equal(f->answer.n_accepted, accepted);
		assert_int_equal(f->answer.codec_refused, !accepted);
		if (srtp_offers[i].warning)
			assert_true(warn_has(&f->wl, srtp_offers[i].warning));
		else
			assert_int_equal(f->wl.n, 0);
		for (unsigned k = 0; k < f->wl.n; k++)
			assert_null(strstr(f->wl.items[k].detail, "d0Rm"));
	}
}

/* The first usable line is chosen, its tag echoed, and the key is ours. */
static void srtp_answer_has_tag_suite_and_our_key(void **state)
{
	struct fixture *f = *state;

	plan(f,
	     HEAD
	     "m=audio 4000 RTP/SAVPF 8\r\n"
	     "a=crypto:1 F8_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZi"
	     "NWpVLFJhQX1cfHAwJSoj\r\n"
	     "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:short\r\n"
	     "a=crypto:5 AES_CM_128_HMAC_SHA1_32 inline:d0RmdmcmVCspeEc3"
	     "QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:4 UNENCRYPTED_SRTCP\r\n" CRYPTO(
		     "6") "a=label:1\r\na=sendonly\r\n",
	     NULL);
	assert_int_equal(f->answer.n_accepted, 1);
	buf_reset(&f->text);
	assert_int_equal(answer_print(f->offer, &f->answer, &f->origin,
				      &f->text),
			 -EINVAL); /* no key yet */
	f->key = (struct srtp_params){ .suite = SRTP_AES128_SHA1_32,
				       .flags = SRTP_UNENCRYPTED_RTCP,
				       .n_keys = 1 };
	f->answer.lines[0].srtp = &f->key;
	assert_non_null(
		strstr(print(f),
		       "m=audio 20000 RTP/SAVPF 8\r\na=rtpmap:8 PCMA/8000\r\n"
		       "a=label:1\r\na=crypto:5 AES_CM_128_HMAC_SHA1_32 inline:"
		       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA "
		       "UNENCRYPTED_SRTCP\r\na=recvonly\r\n"));
	assert_null(strstr(buf_str(&f->text), "d0Rm"));
}

static void telephone_event_follows_the_codec_rate(void **state)
{
	struct fixture *f = *state;

	plan(f,
	     HEAD "m=audio 4000 RTP/AVPF 101 110 96 13\r\n"
		  "a=rtpmap:101 telephone-event/8000\r\n"
		  "a=rtpmap:110 telephone-event/48000\r\n"
		  "a=rtpmap:96 opus/48000/2\r\n"
		  "m=audio 4002 RTP/AVP 13 0 110\r\n"
		  "a=rtpmap:110 telephone-event/48000\r\n",
	     NULL);
	assert_int_equal(f->answer.lines[0].dtmf, 1);
	assert_int_equal(f->answer.lines[0].cn, -1);
	assert_int_equal(f->answer.lines[1].audio, 1);
	assert_int_equal(f->answer.lines[1].dtmf, 2);
	assert_int_equal(f->answer.lines[1].cn, 0);
	assert_non_null(strstr(print(f), "m=audio 20000 RTP/AVPF 96 110\r\n"));
	assert_non_null(
		strstr(buf_str(&f->text), "m=audio 20002 RTP/AVP 0 110\r\n"));
}

static void streams_beyond_the_limit_are_refused(void **state)
{
	struct fixture *f = *state;
	struct buf b CLEANUP(buf_fini) = { 0 };

	buf_init(&b, 16384);
	buf_puts(&b, HEAD);
	for (int i = 0; i < 40; i++)
		buf_printf(&b, "m=audio %d RTP/AVP 0\r\na=label:%d\r\n",
			   4000 + 2 * i, i);
	plan(f, buf_str(&b), NULL);
	assert_int_equal(f->answer.n_accepted, 32);
	assert_int_equal(f->answer.lines[31].why, ANSWER_ACCEPTED);
	assert_int_equal(f->answer.lines[32].why, ANSWER_TOO_MANY);
	assert_true(warn_has(&f->wl, "answer.too_many_streams"));
}

static void errors_of_the_caller_are_told(void **state)
{
	struct fixture *f = *state;

	plan(f, HEAD "m=audio 4000 RTP/AVP 0\r\n", NULL);
	f->answer.lines[0].rtp_port = 0;
	assert_int_equal(answer_print(f->offer, &f->answer, &f->origin,
				      &f->text),
			 -EINVAL);
	f->answer.lines[0].rtp_port = 20000;
	answer_origin_init(&f->origin, 0, "name.example");
	assert_int_equal(f->origin.id, 1);
	assert_int_equal(answer_print(f->offer, &f->answer, &f->origin,
				      &f->text),
			 -EINVAL);
	answer_origin_init(&f->origin, UINT64_MAX, "::1");
	assert_non_null(strstr(print(f), " IN IP6 ::1\r\n"));
}

static void odd_rtcp_port_is_said(void **state)
{
	struct fixture *f = *state;

	plan(f, HEAD "m=audio 4000 RTP/AVP 0\r\n", NULL);
	f->answer.lines[0].rtcp_port = 30001;
	assert_non_null(strstr(print(f), "a=rtcp:30001\r\n"));
}

static const char *reprint(struct fixture *f, const char *text, bool inactive,
			   struct buf *out)
{
	buf_reset(out);
	assert_int_equal(answer_reprint(text, inactive, &f->origin, out), 0);
	return buf_str(out);
}

/* A pause and its end are the same lines, so that a client finds them. */
static void a_pause_prints_the_answer_inactive(void **state)
{
	struct fixture *f = *state;
	struct buf first, paused, again;

	buf_init(&first, SDP_TEXT_MAX);
	buf_init(&paused, SDP_TEXT_MAX);
	buf_init(&again, SDP_TEXT_MAX);
	plan(f,
	     HEAD "m=audio 4000 RTP/AVP 0\r\na=label:a\r\na=sendonly\r\n"
		  "m=video 4004 RTP/AVP 99\r\na=label:v\r\n"
		  "m=audio 4002 RTP/AVP 0\r\na=label:b\r\na=inactive\r\n",
	     NULL);
	f->answer.lines[0].record = SDP_RECORD_ON;
	(void)buf_puts(&first, print(f));
	assert_string_equal(
		reprint(f, buf_str(&first), true, &paused),
		"v=0\r\no=srs 1234 2 IN IP4 127.0.0.1\r\ns=-\r\n"
		"c=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		"m=audio 20000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
		"a=label:a\r\na=record:paused\r\na=inactive\r\n"
		"m=video 0 RTP/AVP 99\r\na=label:v\r\na=inactive\r\n"
		"m=audio 20004 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
		"a=label:b\r\na=inactive\r\n");
	/* said again (a session refresh): the same bytes */
	assert_string_equal(reprint(f, buf_str(&first), true, &again),
			    buf_str(&paused));
	/* the end of it: as it was, with the next version */
	(void)reprint(f, buf_str(&first), false, &again);
	assert_non_null(strstr(buf_str(&again), " 1234 3 IN "));
	assert_string_equal(strstr(buf_str(&again), "m="),
			    strstr(buf_str(&first), "m="));
	buf_fini(&first);
	buf_fini(&paused);
	buf_fini(&again);
}

static void only_whole_lines_are_changed(void **state)
{
	struct fixture *f = *state;
	struct buf out;

	buf_init(&out, SDP_TEXT_MAX);
	(void)reprint(
		f,
		"v=0\r\nt=0 0\r\nm=audio 2 RTP/AVP 0\r\na=label:a=recvonly\r\n"
		"a=recvonlyx\r\na=record:only\r\na=record:off\r\n",
		true, &out);
	assert_string_equal(strstr(buf_str(&out), "m="),
			    "m=audio 2 RTP/AVP 0\r\na=label:a=recvonly\r\n"
			    "a=recvonlyx\r\na=record:only\r\n"
			    "a=record:off\r\n");
	buf_fini(&out);
}

static void only_an_answer_of_ours_is_printed_again(void **state)
{
	static const char *const bad[] = {
		"",
		"v=0\r\nt=0 0\r\n",
		"m=audio 2 RTP/AVP 0\r\n",
		"v=0\r\nt=0 0\r\nm=audio 2 RTP/AVP 0",
		"v=0\nm=audio 2 RTP/AVP 0\n",
		"v=0\r\nt=0 0\r\nm=audio 2 RTP/AVP 0\r\na=recvonly",
	};
	static const char good[] = "v=0\r\nt=0 0\r\nm=audio 2 RTP/AVP 0\r\n";
	struct fixture *f = *state;
	uint64_t version = f->origin.version;
	struct buf small;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(answer_reprint(bad[i], true, &f->origin,
						&f->text),
				 -EINVAL);
	assert_int_equal(f->text.len, 0);
	assert_true(f->origin.version == version);
	buf_init(&small, 20);
	assert_int_equal(answer_reprint(good, true, &f->origin, &small),
			 -ENOBUFS);
	buf_fini(&small);
	f->origin.addr[0] = 'x'; /* not a literal any more */
	assert_int_equal(answer_reprint(good, true, &f->origin, &f->text),
			 -EINVAL);
}

static void our_own_offer_can_be_read(void **state)
{
	static const char *const labels[] = { "7", "2" };
	struct fixture *f = *state;
	struct sdp *wish CLEANUP(sdp_destroy) = NULL;

	assert_int_equal(answer_print_wish(labels, 2, &f->text), 0);
	assert_int_equal(sdp_read(span_of(buf_str(&f->text)), NULL, &wish), 0);
	answer_plan(wish, NULL, 32, f->srtp, &f->wl, &f->answer);
	assert_int_equal(f->answer.n_accepted, 2);
	f->answer.lines[0].rtp_port = 30000;
	f->answer.lines[1].rtp_port = 30002;
	buf_fini(&f->text);
	buf_init(&f->text, 4096);
	assert_int_equal(
		answer_print_offer(wish, &f->answer, &f->origin, &f->text), 0);
	assert_int_equal(
		sdp_read(span_of(buf_str(&f->text)), &f->wl, &f->offer), 0);
	assert_int_equal(f->offer->lines[1]->dir, SDP_RECVONLY);
	assert_int_equal(f->wl.n, 0);
	assert_int_equal(f->offer->n_lines, 2);
	assert_int_equal(f->offer->lines[1]->n_pts, 6);
	assert_string_equal(f->offer->lines[1]->label, "2");
}

/* ---- the client's side ---- */

static const struct offer_line client_lines[] = {
	{ .label = "1",
	  .codec = "PCMU",
	  .pt = 0,
	  .rtp_port = 5000,
	  .rtcp_port = 5001,
	  .dir = SDP_SENDONLY,
	  .dtmf = true },
	{ .label = "2",
	  .codec = "opus",
	  .pt = 96,
	  .rtp_port = 5002,
	  .rtcp_port = 5003,
	  .dir = SDP_INACTIVE },
};

static void client_and_server_understand_each_other(void **state)
{
	struct fixture *f = *state;
	struct sdp *back CLEANUP(sdp_destroy) = NULL;
	struct offer_result res[2];
	struct answer_origin o;

	answer_origin_init(&o, 5, "127.0.0.1");
	assert_int_equal(offer_print(client_lines, 2, &o, &f->text), 0);
	plan(f, buf_str(&f->text), NULL);
	assert_int_equal(f->answer.lines[0].dtmf, 1);
	assert_int_equal(sdp_read(span_of(print(f)), NULL, &back), 0);
	assert_int_equal(offer_read_answer(client_lines, 2, back, &f->wl, res),
			 2);
	assert_int_equal(res[0].pt, 0);
	assert_false(res[0].inactive);
	assert_int_equal(res[0].rtp.ss_family, AF_INET);
	assert_int_equal(res[1].pt, 96);
	assert_true(res[1].inactive);
}

/* One of tag and suite, ours and theirs in both directions. */
static void srtp_client_and_server_understand_each_other(void **state)
{
	static const char *const wrong[][2] = {
		{ "RTP/SAVP", "RTP/AVP" },
		{ "a=crypto:1 ", "a=crypto:2 " },
		{ "HMAC_SHA1_80", "HMAC_SHA1_32" },
		{ "a=crypto:", "a=nothing:" },
	};
	struct srtp_params mine = { .suite = SRTP_AES128_SHA1_80, .n_keys = 1 };
	struct offer_line line = client_lines[0];
	struct fixture *f = *state;
	struct offer_result res;
	struct answer_origin o;

	mine.keys[0].bytes[0] = 7;
	line.srtp = &mine;
	answer_origin_init(&o, 5, "127.0.0.1");
	assert_int_equal(offer_print(&line, 1, &o, &f->text), 0);
	plan(f, buf_str(&f->text), NULL);
	assert_int_equal(f->offer->lines[0]->sdes.params.keys[0].bytes[0], 7);
	f->key = mine;
	f->key.keys[0].bytes[0] = 9;
	f->answer.lines[0].srtp = &f->key;
	(void)print(f);
	for (size_t i = 0; i <= ARRAY_SIZE(wrong); i++) {
		struct sdp *back CLEANUP(sdp_destroy) = NULL;
		struct buf text CLEANUP(buf_fini) = { 0 };
		const char *all = buf_str(&f->text), *at;

		buf_init(&text, 4096);
		if (i < ARRAY_SIZE(wrong)) {
			at = strstr(all, wrong[i][0]);
			assert_non_null(at);
			buf_put(&text, all, (size_t)(at - all));
			buf_puts(&text, wrong[i][1]);
			all = at + strlen(wrong[i][0]);
		}
		buf_puts(&text, all);
		assert_int_equal(sdp_read(span_of(buf_str(&text)), NULL, &back),
				 0);
		f->wl = (struct warn_list){ 0 };
		if (i < ARRAY_SIZE(wrong)) {
			assert_int_equal(offer_read_answer(&line, 1, back,
							   &f->wl, &res),
					 -EPROTO);
			assert_true(warn_has(&f->wl, "answer.srtp_key"));
			continue;
		}
		assert_int_equal(
			offer_read_answer(&line, 1, back, &f->wl, &res), 1);
		assert_int_equal(res.srtp.keys[0].bytes[0], 9);
	}
}

static const struct {
	const char *text;
	int result;
	const char *warning;
} answers[] = {
	{ HEAD "m=audio 1 RTP/AVP 0\r\na=label:1\r\n", -EPROTO,
	  "answer.lines" },
	{ HEAD "m=audio 1 RTP/AVP 0\r\na=label:1\r\nm=audio 1 RTP/AVP 96\r\n",
	  -EPROTO, "answer.label" },
	{ HEAD "m=audio 1 RTP/AVP 8\r\na=label:1\r\nm=audio 1 RTP/AVP 96\r\n"
	       "a=label:2\r\n",
	  -EPROTO, "answer.payload_type" },
	{ HEAD "m=audio 0 RTP/AVP 0\r\na=label:1\r\nm=audio 1 RTP/AVP 96\r\n"
	       "a=label:2\r\n",
	  1, NULL },
};

static void wrong_answers_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct sdp *a CLEANUP(sdp_destroy) = NULL;
		struct warn_list wl = { 0 };
		struct offer_result res[2];

		assert_int_equal(sdp_read(span_of(answers[i].text), NULL, &a),
				 0);
		assert_int_equal(offer_read_answer(client_lines, 2, a, &wl,
						   res),
				 answers[i].result);
		if (answers[i].warning)
			assert_true(warn_has(&wl, answers[i].warning));
	}
}

#define TEXT_LINE                                                              \
	"m=text 40000 RTP/AVP 98 100\r\na=rtpmap:98 t140/1000\r\n"             \
	"a=rtpmap:100 red/1000\r\na=fmtp:100 98/98/98\r\n"                     \
	"a=fmtp:98 cps=30\r\na=label:9\r\na=sendonly\r\n"

static void text_is_taken_with_its_redundancy(void **state)
{
	struct fixture *f = *state;
	static const struct answer_permit only_t140 = { true, 1 };

	plan(f, HEAD TEXT_LINE, NULL);
	assert_int_equal(f->answer.n_accepted, 1);
	assert_string_equal(strstr(print(f), "m="),
			    "m=text 20000 RTP/AVP 100 98\r\n"
			    "a=rtpmap:100 red/1000\r\na=fmtp:100 98/98/98\r\n"
			    "a=rtpmap:98 t140/1000\r\na=label:9\r\n"
			    "a=recvonly\r\n");
	plan(f, HEAD TEXT_LINE, &only_t140);
	assert_int_equal(f->answer.lines[0].why, ANSWER_ACCEPTED);
	assert_int_equal(f->answer.lines[0].red, 1);
}

static void text_needs_a_permit_and_t140(void **state)
{
	struct fixture *f = *state;
	static const struct answer_permit none = { false, 0 };

	plan(f, HEAD TEXT_LINE, &none);
	assert_int_equal(f->answer.lines[0].why, ANSWER_NOT_PERMITTED);
	plan(f,
	     HEAD "m=text 40000 RTP/AVP 100\r\na=rtpmap:100 red/1000\r\n"
		  "m=text 40000 TCP/MSRP *\r\n",
	     NULL);
	assert_int_equal(f->answer.lines[0].why, ANSWER_NO_CODEC);
	assert_int_equal(f->answer.lines[1].why, ANSWER_NO_PROTO);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(parameters_that_hold_for_both_sides_are_said_again),
		T(times_are_those_of_the_offer),
		T(two_parties_get_two_lines),
		T(other_codecs_are_taken_when_permitted),
		T(refused_lines_stay_with_port_0),
		T(direction_mirrors_the_offer),
		T(version_grows_only_with_a_change),
		T(permission_narrows_codecs),
		T(srtp_lines_as_the_table_says),
		T(srtp_answer_has_tag_suite_and_our_key),
		T(telephone_event_follows_the_codec_rate),
		T(streams_beyond_the_limit_are_refused),
		T(errors_of_the_caller_are_told),
		T(odd_rtcp_port_is_said),
		T(text_is_taken_with_its_redundancy),
		T(text_needs_a_permit_and_t140),
		T(a_pause_prints_the_answer_inactive),
		T(only_whole_lines_are_changed),
		T(only_an_answer_of_ours_is_printed_again),
		T(our_own_offer_can_be_read),
		T(client_and_server_understand_each_other),
		T(srtp_client_and_server_understand_each_other),
		T(wrong_answers_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
