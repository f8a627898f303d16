/* The recording client against a small recorder in another process, made of
 * the server's own SIP agent and SIPREC parts: real SIP and RTP on loopback.
 * Calls last a second or less. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/mem.h"
#include "media/rtp.h"
#include "srs/call/call.h"
#include "srs/call/voice.h"
#include "srs/sip/ua.h"
#include "srs/siprec/answer.h"
#include "srs/siprec/body.h"
#include "srs/siprec/metadata.h"
#include "srs/siprec/warn.h"

/* What the recorder saw of the last call; written to the pipe at BYE. */
struct seen {
	unsigned packets[2];
	unsigned gaps[2];     /* sequence numbers that never came */
	unsigned disorder[2]; /* came after a later one */
	uint32_t ts_jump[2];  /* largest step of the RTP time */
	unsigned reports;     /* RTCP packets */
	unsigned holds;
	unsigned warnings;
	unsigned participants;
	unsigned joined;
	char people[256];
};

struct recorder {
	struct ua *ua;
	struct ua_dialog *dialog;
	struct answer_origin origin;
	int fd[2], rtcp_fd[2];
	uint16_t port[2], rtcp_port[2];
	uint16_t max_seq[2];
	uint32_t last_ts[2];
	struct metadata *md;
	struct seen seen;
	int report_fd;
	bool hang_up; /* BYE soon after the answer */
	bool refuse_change;
	int64_t answered_us;
};

/* ---- the recorder ---- */

static int bind_udp(uint16_t *ret_port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		_exit(9);
	*ret_port = ntohs(a.sin_port);
	return fd;
}

static void count_rtp(struct recorder *rec, int i)
{
	uint8_t p[2048];
	struct rtp_packet pkt;
	ssize_t n;

	while ((n = recv(rec->fd[i], p, sizeof(p), 0)) > 0) {
		int step;

		if (rtp_parse(p, (size_t)n, &pkt) < 0)
			_exit(8);
		if (rec->seen.packets[i]++) {
			uint32_t d = pkt.ts_rtp - rec->last_ts[i];

			step = rtp_seq_diff(rec->max_seq[i], pkt.seq);
			if (step > 0)
				rec->seen.gaps[i] += (unsigned)step - 1;
			else
				rec->seen.disorder[i]++;
			if (step > 0 && d > rec->seen.ts_jump[i])
				rec->seen.ts_jump[i] = d;
			if (step <= 0)
				continue;
		}
		rec->max_seq[i] = pkt.seq;
		rec->last_ts[i] = pkt.ts_rtp;
	}
	while ((n = recv(rec->rtcp_fd[i], p, sizeof(p), 0)) > 0)
		rec->seen.reports += rtp_is_rtcp(p, (size_t)n);
}

static void take_metadata(struct recorder *rec, const struct body *b)
{
	struct metadata *u CLEANUP(metadata_destroy) = NULL;
	struct warn_list wl = { 0 };
	struct md_changes ch;

	if (!b->has_metadata)
		return;
	if (metadata_parse(b->metadata, &wl, &u) < 0)
		_exit(7);
	(void)metadata_merge(rec->md, u, &wl, &ch);
	for (unsigned i = 0; i < ch.n; i++)
		rec->seen.joined += ch.items[i].kind == MD_JOINED;
	rec->seen.warnings += wl.n;
}

static void answer_sdp(struct recorder *rec, struct ua_request *req,
		       const struct body *b)
{
	struct buf text CLEANUP(buf_fini) = { 0 };
	struct sdp *offer CLEANUP(sdp_destroy) = NULL;
	struct ua_answer a = { .status = 200,
			       .content_type = "application/sdp" };
	struct warn_list wl = { 0 };
	struct answer plan;

	buf_init(&text, 65536);
	if (!b->has_sdp || sdp_read(b->sdp, &wl, &offer) < 0)
		_exit(6);
	answer_plan(offer, NULL, 2, ANSWER_SRTP_PREFERRED, &wl, &plan);
	for (unsigned i = 0; i < plan.n_lines && i < 2; i++) {
		plan.lines[i].rtp_port = rec->port[i];
		plan.lines[i].rtcp_port = rec->rtcp_port[i];
	}
	rec->seen.holds += plan.n_accepted && !plan.n_active;
	rec->seen.warnings += wl.n;
	if (answer_print(offer, &plan, &rec->origin, &text) < 0)
		_exit(5);
	a.body = (struct span){ buf_str(&text), text.len };
	(void)ua_answer(req, &a, NULL);
	rec->answered_us = clock_mono_us(clock_real());
}

static void refuse(struct ua_request *req, int status)
{
	struct ua_answer a = {
		.status = status,
		.headers =
			status == 401
				? "WWW-Authenticate: Bearer realm=\"crs\", "
				  "scope=\"call-recording\", "
				  "authz_server=\"https://crs.example\", "
				  "error=\"invalid_token\", error_description="
				  "\"The access token is not valid\"\r\n"
				: "Warning: 399 crs \"participants.min\"\r\n",
		.content_type = "application/problem+json",
		.body = SPAN("{\"status\":403}"),
	};

	(void)ua_answer(req, &a, NULL);
}

static void on_new(void *arg, struct ua_request *req)
{
	struct recorder *rec = arg;
	struct span auth = ua_request_field(req, "Authorization", 0);
	struct body b;

	if (!span_starts(auth, "Bearer good")) {
		refuse(req, auth.len ? 403 : 401);
		return;
	}
	rec->hang_up = span_eq(auth, "Bearer good-bye");
	rec->refuse_change = span_eq(auth, "Bearer good-but");
	rec->seen = (struct seen){ 0 };
	metadata_destroy(&rec->md);
	if (metadata_create(&rec->md) < 0)
		_exit(4);
	body_read(req->content_type, req->body, NULL, &b);
	take_metadata(rec, &b);
	if (ua_dialog_create(rec->ua, req, rec, &rec->dialog) < 0)
		_exit(3);
	answer_sdp(rec, req, &b);
}

static void report_call(struct recorder *rec)
{
	struct seen *s = &rec->seen;

	s->participants = rec->md->n_participants;
	for (unsigned i = 0; i < rec->md->n_participants; i++) {
		const struct md_participant *p = &rec->md->participants[i];
		size_t n = strlen(s->people);

		snprintf(s->people + n, sizeof(s->people) - n, "%s%s/%s ",
			 p->left ? "-" : "", p->aors[0],
			 p->name ? p->name : "");
	}
	for (int i = 0; i < 2; i++)
		count_rtp(rec, i);
	if (write(rec->report_fd, s, sizeof(*s)) < 0)
		_exit(2);
}

static void in_dialog(void *darg, struct ua_request *req)
{
	struct recorder *rec = darg;
	struct ua_answer ok = { .status = 200 };
	struct body b;

	body_read(req->content_type, req->body, NULL, &b);
	take_metadata(rec, &b);
	if (req->method == UA_INVITE) {
		answer_sdp(rec, req, &b);
		return;
	}
	if (req->method == UA_UPDATE && rec->refuse_change) {
		refuse(req, 403);
		return;
	}
	if (req->method != UA_BYE) {
		(void)ua_answer(req, &ok, NULL);
		return;
	}
	report_call(rec);
	(void)ua_answer(req, &ok, NULL);
	ua_dialog_destroy(&rec->dialog);
}

static void on_response(void *darg, enum ua_method m,
			const struct ua_response *res)
{
	struct recorder *rec = darg;

	(void)m;
	(void)res;
	report_call(rec);
	ua_dialog_destroy(&rec->dialog);
}

static void on_ack(void *darg, struct ua_request *ack)
{
	(void)darg;
	(void)ack;
}

static void on_cancelled(void *arg, struct ua_request *inv,
			 const struct ua_request *cancel)
{
	(void)arg;
	(void)inv;
	(void)cancel;
}

static _Noreturn void recorder_main(int out, int in)
{
	static const struct ua_events events = {
		.request = on_new,
		.in_dialog = in_dialog,
		.ack = on_ack,
		.cancelled = on_cancelled,
		.response = on_response,
	};
	static const struct ua_send bye = {
		.method = UA_BYE,
		.headers = "Reason: SIP;cause=403;text=\"revoked\"\r\n",
	};
	static struct recorder rec;
	struct ua_config cfg = {
		.listen = "udp:127.0.0.1:0, tcp:127.0.0.1:0",
		.tls_certificate = "",
		.tls_key = "",
		.tls_ca = "",
		.software = "test",
		.max_pending = 100,
		.events = &events,
		.arg = &rec,
	};
	struct err e = { 0 };
	struct loop *loop = NULL;
	struct pollfd gone = { .fd = in, .events = POLLIN };

	rec.report_fd = out;
	answer_origin_init(&rec.origin, 77, "127.0.0.1");
	for (int i = 0; i < 2; i++) {
		rec.fd[i] = bind_udp(&rec.port[i]);
		rec.rtcp_fd[i] = bind_udp(&rec.rtcp_port[i]);
	}
	if (loop_create(clock_real(), &loop) < 0 ||
	    ua_create(loop, &cfg, &rec.ua, &e) < 0) {
		fprintf(stderr, "recorder: %s\n", e.text);
		_exit(1);
	}
	dprintf(out, "%s\n", ua_bound(rec.ua));
	while (poll(&gone, 1, 0) == 0) {
		ua_step(rec.ua, 5);
		for (int i = 0; i < 2; i++)
			count_rtp(&rec, i);
		if (rec.hang_up && rec.dialog &&
		    clock_mono_us(clock_real()) - rec.answered_us > 200000) {
			rec.hang_up = false;
			(void)ua_dialog_send(rec.dialog, &bye, NULL);
		}
	}
	_exit(0);
}

/* ---- the tests' side ---- */

static struct {
	pid_t pid;
	int in, out;
	unsigned udp_port, tcp_port;
} server;

static unsigned port_of(const char *bound, const char *transport)
{
	const char *p = strstr(bound, transport);

	assert_non_null(p);
	p = strrchr(p, ':') && strchr(p, ',') ? strchr(p, ',') - 1
					      : strrchr(p, ':') + 1;
	while (p[-1] != ':')
		p--;
	return (unsigned)strtoul(p, NULL, 10);
}

static int start_recorder(void **state)
{
	int to[2], from[2];
	char line[256] = "";
	size_t n = 0;

	(void)state;
	assert_int_equal(pipe(to) | pipe(from), 0);
	server.pid = fork();
	if (!server.pid) {
		close(to[1]);
		close(from[0]);
		recorder_main(from[1], to[0]);
	}
	close(to[0]);
	close(from[1]);
	server.in = to[1];
	server.out = from[0];
	while (n < sizeof(line) - 1 && read(server.out, line + n, 1) == 1 &&
	       line[n] != '\n')
		n++;
	server.udp_port = port_of(line, "udp:");
	server.tcp_port = port_of(line, "tcp:");
	return 0;
}

static int stop_recorder(void **state)
{
	int status = 0;

	(void)state;
	close(server.in);
	assert_int_equal(waitpid(server.pid, &status, 0), server.pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(server.out);
	return 0;
}

struct fixture {
	char to[64];
	struct call_spec spec;
	struct call_result result;
	unsigned events[CALL_ENDED + 1];
};

static void fixture_init(struct fixture *f, enum call_transport transport)
{
	*f = (struct fixture){ 0 };
	snprintf(f->to, sizeof(f->to), "sip:rec@127.0.0.1:%u",
		 transport == CALL_UDP ? server.udp_port : server.tcp_port);
	f->spec = (struct call_spec){
		.to = f->to,
		.token = "good",
		.codec = "PCMU",
		.transport = transport,
		.n_parties = 2,
		.parties = { { "sip:alice@example.com", "Alice & Co", NULL },
			     { "tel:+441632960083", NULL, NULL } },
		.duration_us = 400000,
		.hold_from_us = -1,
		.n_calls = 1,
	};
}

static void count_event(void *arg, unsigned index, enum call_event ev,
			const struct call_result *r)
{
	struct fixture *f = arg;

	(void)index;
	(void)r;
	f->events[ev]++;
}

static void place(struct fixture *f)
{
	struct err e = { 0 };

	assert_int_equal(
		call_run(&f->spec, count_event, f, NULL, &f->result, &e), 0);
}

static struct seen place_and_look(struct fixture *f)
{
	struct seen s;

	place(f);
	assert_int_equal(read(server.out, &s, sizeof(s)), sizeof(s));
	return s;
}

static void a_call_is_placed(enum call_transport transport, const char *codec)
{
	struct fixture f;
	struct seen s;

	fixture_init(&f, transport);
	f.spec.codec = codec;
	s = place_and_look(&f);
	assert_int_equal(f.result.status, 200);
	assert_true(call_result_ok(&f.result));
	assert_int_equal(f.result.bye_status, 200);
	assert_true(f.result.seconds > 0.39 && f.result.seconds < 1);
	assert_true(strlen(f.result.call_id) > 5);
	assert_string_equal(s.people, "sip:alice@example.com/Alice & Co "
				      "tel:+441632960083/ ");
	assert_int_equal(s.warnings, 0);
	for (int i = 0; i < 2; i++) {
		assert_in_range(s.packets[i], 19, 24);
		assert_int_equal(s.packets[i], f.result.streams[i].packets);
		assert_int_equal(s.gaps[i], 0);
		assert_int_equal(s.disorder[i], 0);
	}
	assert_int_equal(f.events[CALL_STARTED], 1);
	assert_int_equal(f.events[CALL_ANSWERED], 1);
	assert_int_equal(f.events[CALL_ENDED], 1);
}

static void calls_go_over_udp(void **state)
{
	(void)state;
	a_call_is_placed(CALL_UDP, "PCMU");
}

static void calls_go_over_tcp_with_opus(void **state)
{
	(void)state;
	a_call_is_placed(CALL_TCP, "opus");
}

static void calls_follow_each_other_in_pcma(void **state)
{
	(void)state;
	a_call_is_placed(CALL_UDP, "PCMA");
	a_call_is_placed(CALL_UDP, "PCMA");
}

static void hold_is_a_jump_of_the_rtp_time(void **state)
{
	struct fixture f;
	struct seen s;

	(void)state;
	fixture_init(&f, CALL_UDP);
	f.spec.duration_us = 700000;
	f.spec.hold_from_us = 200000;
	f.spec.hold_to_us = 500000;
	s = place_and_look(&f);
	assert_true(call_result_ok(&f.result));
	assert_int_equal(s.holds, 1);
	assert_int_equal(f.events[CALL_HELD], 1);
	assert_int_equal(f.events[CALL_RESUMED], 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(s.gaps[i], 0);
		assert_in_range(s.ts_jump[i], 8 * 280, 8 * 400);
		assert_int_equal(s.ts_jump[i] % 160, 0);
		assert_in_range(s.packets[i], 17, 24);
	}
}

static void loss_and_disorder_are_made(void **state)
{
	struct fixture f;
	struct seen s;

	(void)state;
	fixture_init(&f, CALL_UDP);
	f.spec.duration_us = 1500000;
	f.spec.loss_percent = 20;
	f.spec.reorder = true;
	s = place_and_look(&f);
	assert_true(f.result.streams[0].dropped > 0);
	assert_true(f.result.streams[0].late > 0);
	assert_true(s.gaps[0] > 0);
	assert_true(s.disorder[0] > 0);
	/* on a busy machine the last one comes after the BYE was read */
	assert_in_range(s.packets[0], f.result.streams[0].packets - 1,
			f.result.streams[0].packets);
}

static void people_join_and_leave(void **state)
{
	struct fixture f;
	struct seen s;

	(void)state;
	fixture_init(&f, CALL_UDP);
	f.spec.n_changes = 2;
	f.spec.changes[0] =
		(struct call_change){ 100000, false, "sip:carol@example.com" };
	f.spec.changes[1] =
		(struct call_change){ 200000, true, "tel:+441632960083" };
	s = place_and_look(&f);
	assert_true(call_result_ok(&f.result));
	assert_int_equal(f.result.change_status, 200);
	assert_int_equal(f.events[CALL_CHANGED], 2);
	assert_int_equal(s.joined, 3);
	assert_string_equal(s.people, "sip:alice@example.com/Alice & Co "
				      "-tel:+441632960083/ "
				      "sip:carol@example.com/ ");
}

static void a_refused_change_is_told(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, CALL_UDP);
	f.spec.token = "good-but";
	f.spec.n_changes = 1;
	f.spec.changes[0] =
		(struct call_change){ 100000, false, "sip:eve@example.com" };
	(void)place_and_look(&f);
	assert_int_equal(f.result.status, 200);
	assert_int_equal(f.result.change_status, 403);
	assert_false(call_result_ok(&f.result));
}

static void refusals_are_reported_not_repeated(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, CALL_UDP);
	f.spec.token = NULL;
	place(&f);
	assert_int_equal(f.result.status, 401);
	assert_false(f.result.local);
	assert_non_null(strstr(f.result.challenge, "Bearer realm=\"crs\""));
	assert_non_null(strstr(f.result.challenge, "not valid\"")); /* all */
	assert_int_equal(f.events[CALL_REFUSED], 1);
	fixture_init(&f, CALL_TCP);
	f.spec.token = "bad";
	place(&f);
	assert_int_equal(f.result.status, 403);
	assert_non_null(strstr(f.result.warning, "participants.min"));
	assert_string_equal(f.result.body, "{\"status\":403}");
	assert_false(call_result_ok(&f.result));
}

static void the_server_may_end_a_call(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, CALL_UDP);
	f.spec.token = "good-bye";
	f.spec.duration_us = 10000000;
	(void)place_and_look(&f);
	assert_non_null(strstr(f.result.ended, "cause=403"));
	assert_true(f.result.seconds < 5);
	assert_false(call_result_ok(&f.result));
}

static void nobody_there_is_a_local_failure(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, CALL_TCP);
	snprintf(f.to, sizeof(f.to), "sip:127.0.0.1:1");
	place(&f);
	assert_true(f.result.local);
	assert_int_not_equal(f.result.status, 200);
}

static void a_wrong_spec_is_named(void **state)
{
	struct fixture f;
	struct err e = { 0 };

	(void)state;
	fixture_init(&f, CALL_UDP);
	f.spec.to = "mailto:x@y";
	assert_int_equal(call_run(&f.spec, NULL, NULL, NULL, &f.result, &e),
			 -EINVAL);
	assert_non_null(strstr(e.text, "not a SIP URI"));
	e = (struct err){ 0 };
	f.spec.to = f.to;
	f.spec.parties[0].wav = "/nonexistent.wav";
	assert_int_equal(call_run(&f.spec, NULL, NULL, NULL, &f.result, &e),
			 -ENOENT);
	f.spec.n_parties = 0;
	assert_int_equal(call_run(&f.spec, NULL, NULL, NULL, &f.result, &e),
			 -EINVAL);
}

/* ---- voices ---- */

static void put_wav(const char *path, unsigned channels, unsigned bits)
{
	struct buf b CLEANUP(buf_fini) = { 0 };
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	buf_init(&b, 1 << 20);
	buf_put(&b, "RIFF\xff\xff\xff\xffWAVELIST", 16);
	buf_le32(&b, 3);
	buf_put(&b, "abc\0fmt ", 8);
	buf_le32(&b, 16);
	buf_le16(&b, 1);
	buf_le16(&b, (uint16_t)channels);
	buf_le32(&b, 16000);
	buf_le32(&b, 32000 * channels);
	buf_le16(&b, (uint16_t)(2 * channels));
	buf_le16(&b, (uint16_t)bits);
	buf_put(&b, "data\xff\xff\xff\xff", 8);
	for (unsigned i = 0; i < 1600; i++) {
		for (unsigned k = 0; k < channels; k++)
			buf_le16(&b, k ? 0 : 1000);
	}
	assert_int_equal(fwrite(b.data, 1, b.len, f), b.len);
	fclose(f);
}

static void a_wav_file_is_said_once(void **state)
{
	char path[] = "/tmp/test_call_XXXXXX";
	struct call_voice *v CLEANUP(call_voice_destroy) = NULL;
	struct err e = { 0 };
	struct wav w;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	put_wav(path, 2, 16);
	assert_int_equal(wav_read(path, &w, &e), 0);
	assert_int_equal(w.n, 1600);
	assert_int_equal(w.rate_hz, 16000);
	assert_int_equal(w.samples[5], 500);
	mem_free(w.samples);
	assert_int_equal(call_voice_create("PCMA", path, 0, &v, &e), 0);
	assert_int_equal(call_voice_ticks(v), 160);
	/* 0.1 s of sound, then silence for ever (A-law 0 is 0xd5) */
	assert_int_not_equal(call_voice_frame(v, 2).p[80] & 0xff, 0xd5);
	assert_int_equal(call_voice_frame(v, 8).p[80] & 0xff, 0xd5);
	assert_int_equal(call_voice_frame(v, 1000000).p[0] & 0xff, 0xd5);
	assert_int_equal(call_voice_frame(v, 7).len, 160);
	put_wav(path, 1, 24);
	assert_int_equal(wav_read(path, &w, &e), -EINVAL);
	unlink(path);
	e = (struct err){ 0 };
	assert_int_equal(call_voice_create("G729", NULL, 440, &v, &e), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_go_over_udp),
		cmocka_unit_test(calls_go_over_tcp_with_opus),
		cmocka_unit_test(calls_follow_each_other_in_pcma),
		cmocka_unit_test(hold_is_a_jump_of_the_rtp_time),
		cmocka_unit_test(loss_and_disorder_are_made),
		cmocka_unit_test(people_join_and_leave),
		cmocka_unit_test(a_refused_change_is_told),
		cmocka_unit_test(refusals_are_reported_not_repeated),
		cmocka_unit_test(the_server_may_end_a_call),
		cmocka_unit_test(nobody_there_is_a_local_failure),
		cmocka_unit_test(a_wrong_spec_is_named),
		cmocka_unit_test(a_wav_file_is_said_once),
	};

	return cmocka_run_group_tests(tests, start_recorder, stop_recorder);
}
