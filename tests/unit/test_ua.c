/* The SIP agent against raw sockets, with T1 of 10 ms: what nta does with time
 * is seen in a second instead of half a minute. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/mem.h"
#include "srs/sip/ua.h"

#define T1_MS 10
#define WAIT_US 10000000

/* The role in small: answers INVITE with 200, everything else too. */
struct rig {
	struct loop *loop;
	struct ua *ua;
	struct ua_dialog *dialog;
	int fd; /* the client's */
	uint16_t udp_port, tcp_port;
	uint16_t my_port;
	bool tcp, hold_answer, nested_ran;
	int refuse; /* INVITE with this status */
	int admit;  /* answer of admit() */
	bool odd;   /* was the last BYE or ACK */
	struct ua_request *held;
	int invites, acks, lost, cancels, byes, options, changes;
	enum ua_method response_to;
	int response_status;
	char message[8192]; /* last one received by the client */
	char saved[4096];
	struct loop_timer timer;
	struct {
		bool in;
		char line[16];
	} wires[8];
	unsigned n_wires;
};

static void answer(struct ua_request *req, int status, struct buf *text)
{
	struct ua_answer a = { .status = status,
			       .headers = "Allow: " UA_ALLOW "\r\n" };

	assert_int_equal(ua_answer(req, &a, text), 0);
}

static void on_request(void *arg, struct ua_request *req)
{
	struct rig *g = arg;

	if (req->method == UA_OPTIONS) {
		g->options++;
		answer(req, 200, NULL);
		return;
	}
	g->invites++;
	if (g->refuse) {
		answer(req, g->refuse, NULL);
		return;
	}
	if (g->hold_answer) {
		g->held = req;
		return;
	}
	assert_int_equal(ua_dialog_create(g->ua, req, g, &g->dialog), 0);
	answer(req, 200, NULL);
}

static void on_in_dialog(void *arg, struct ua_request *req)
{
	struct rig *g = arg;

	g->odd = req->odd;
	if (req->method == UA_BYE)
		g->byes++;
	else
		g->changes++;
	if (g->hold_answer) {
		g->held = req;
		return;
	}
	answer(req, 200, NULL);
}

static void on_ack(void *arg, struct ua_request *ack)
{
	struct rig *g = arg;

	g->odd = ack && ack->odd;
	if (ack)
		g->acks++;
	else
		g->lost++;
}

static int on_admit(void *arg, struct ua_request *req, struct buf *headers)
{
	struct rig *g = arg;

	assert_string_equal(req->call_id, "call-1");
	if (g->admit)
		buf_puts(headers, "Warning: 399 x \"no\"\r\n");
	return g->admit;
}

static void on_cancelled(void *arg, struct ua_request *invite,
			 const struct ua_request *cancel)
{
	struct rig *g = arg;

	assert_ptr_equal(invite, g->held);
	assert_int_equal(cancel->method, UA_CANCEL);
	g->held = NULL;
	g->cancels++;
}

static void on_response(void *arg, enum ua_method method,
			const struct ua_response *res)
{
	struct rig *g = arg;

	g->response_to = method;
	g->response_status = res->status;
}

static void on_wire(void *arg, const struct ua_wire *w)
{
	struct rig *g = arg;

	if (g->n_wires < ARRAY_SIZE(g->wires)) {
		g->wires[g->n_wires].in = w->in;
		(void)span_copy(g->wires[g->n_wires].line,
				sizeof(g->wires[0].line),
				(struct span){ w->text.p, 11 });
	}
	g->n_wires++;
}

static const struct ua_events events = {
	.request = on_request,
	.admit = on_admit,
	.in_dialog = on_in_dialog,
	.ack = on_ack,
	.cancelled = on_cancelled,
	.response = on_response,
	.wire = on_wire,
};

static uint16_t port_after(const char *bound, const char *word)
{
	const char *at = strstr(bound, word);

	assert_non_null(at);
	return (uint16_t)strtoul(at + strlen(word), NULL, 10);
}

static void start_ua(struct rig *g, const char *listen)
{
	struct ua_config cfg = {
		.listen = listen,
		.tls_certificate = "",
		.tls_key = "",
		.tls_ca = "",
		.software = "test",
		.max_pending = 8,
		.t1_ms = T1_MS,
		.events = &events,
		.arg = g,
	};
	struct err e = { 0 };

	assert_int_equal(ua_create(g->loop, &cfg, &g->ua, &e), 0);
	g->udp_port = port_after(ua_bound(g->ua), "udp:127.0.0.1:");
	g->tcp_port = port_after(ua_bound(g->ua), "tcp:127.0.0.1:");
}

static void connect_client(struct rig *g, bool tcp)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct sockaddr_in me;
	socklen_t len = sizeof(me);

	g->tcp = tcp;
	g->fd = socket(AF_INET, tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
	to.sin_port = htons(tcp ? g->tcp_port : g->udp_port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(g->fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(getsockname(g->fd, (struct sockaddr *)&me, &len), 0);
	g->my_port = ntohs(me.sin_port);
}

static int setup(void **state)
{
	struct rig *g = mem_zalloc(sizeof(*g));

	assert_non_null(g);
	assert_int_equal(loop_create(clock_real(), &g->loop), 0);
	g->fd = -1;
	start_ua(g, "udp:127.0.0.1:0, tcp:127.0.0.1:0");
	*state = g;
	return 0;
}

static int teardown(void **state)
{
	struct rig *g = *state;

	ua_dialog_destroy(&g->dialog);
	ua_destroy(&g->ua);
	loop_destroy(&g->loop);
	if (g->fd >= 0)
		close(g->fd);
	mem_free(g);
	return 0;
}

static void send_request(struct rig *g, const char *method, unsigned cseq,
			 const char *branch, const char *to_tag,
			 const char *more)
{
	char text[2000];
	int n;

	n = snprintf(text, sizeof(text),
		     "%s sip:srs@127.0.0.1 SIP/2.0\r\n"
		     "Via: SIP/2.0/%s 127.0.0.1:%u;branch=z9hG4bK%s;rport\r\n"
		     "From: \"A \\\"B\\\"\" <sip:a@example.com>;tag=from\r\n"
		     "To: <sip:srs@example.com>%s%s\r\n"
		     "Call-ID: call-1\r\nCSeq: %u %s\r\n"
		     "Contact: <sip:a@127.0.0.1:%u%s>\r\n"
		     "%sContent-Length: 0\r\n\r\n",
		     method, g->tcp ? "TCP" : "UDP", g->my_port, branch,
		     to_tag ? ";tag=" : "", to_tag ? to_tag : "", cseq,
		     strcmp(method, "CANCEL") == 0 ? "CANCEL" : method,
		     g->my_port, g->tcp ? ";transport=tcp" : "", more);
	assert_int_equal(send(g->fd, text, (size_t)n, 0), n);
}

/* Run the agent until the client has a message that starts with prefix. */
static void expect(struct rig *g, const char *prefix)
{
	int64_t end = clock_mono_us(clock_real()) + WAIT_US;

	while (clock_mono_us(clock_real()) < end) {
		struct pollfd p = { .fd = g->fd, .events = POLLIN };
		ssize_t n;

		ua_step(g->ua, 5);
		if (poll(&p, 1, 0) <= 0)
			continue;
		n = recv(g->fd, g->message, sizeof(g->message) - 1, 0);
		if (n <= 0)
			continue;
		g->message[n] = '\0';
		/* TCP may bring several in one piece */
		if (strncmp(g->message, prefix, strlen(prefix)) == 0 ||
		    (g->tcp && strstr(g->message, prefix)))
			return;
	}
	fail_msg("no \"%s\"", prefix);
}

static void run_until(struct rig *g, const int *counter, int value)
{
	int64_t end = clock_mono_us(clock_real()) + WAIT_US;

	while (*counter != value && clock_mono_us(clock_real()) < end)
		ua_step(g->ua, 5);
	assert_int_equal(*counter, value);
}

static void get_tag(struct rig *g, char *dst, size_t len)
{
	const char *ok = strstr(g->message, "SIP/2.0 200");
	const char *to = strstr(ok ? ok : g->message, "\r\nTo:");
	const char *tag = to ? strstr(to, ";tag=") : NULL;

	assert_non_null(tag);
	tag += 5;
	(void)span_copy(dst, len, (struct span){ tag, strcspn(tag, "\r;") });
}

static void make_call(struct rig *g, char *tag, size_t len)
{
	send_request(g, "INVITE", 1, "i1", NULL, "Allow: OPTIONS\r\n");
	expect(g, "SIP/2.0 200");
	get_tag(g, tag, len);
}

static void ua_sends_trying_then_repeats_the_200_until_the_ack(void **state)
{
	struct rig *g = *state;
	char tag[64], first[8192];

	connect_client(g, false);
	send_request(g, "INVITE", 1, "i1", NULL, "");
	expect(g, "SIP/2.0 100");
	expect(g, "SIP/2.0 200");
	assert_non_null(strstr(g->message, "+sip.srs"));
	memcpy(first, g->message, sizeof(first));
	expect(g, "SIP/2.0 200");
	assert_string_equal(first, g->message);
	get_tag(g, tag, sizeof(tag));
	send_request(g, "ACK", 1, "a1", tag, "");
	run_until(g, &g->acks, 1);
	assert_int_equal(g->lost, 0);
}

static void ua_tells_of_an_ack_that_never_came(void **state)
{
	struct rig *g = *state;
	char tag[64];

	connect_client(g, false);
	make_call(g, tag, sizeof(tag));
	run_until(g, &g->lost, 1);
	assert_int_equal(g->acks, 0);
}

static void ua_sleeps_until_its_next_timer(void **state)
{
	struct rig *g = *state;
	unsigned steps = 0;
	char tag[64];

	connect_client(g, false);
	make_call(g, tag, sizeof(tag));
	/* the 200 is repeated some ten times before it is given up */
	for (; g->lost == 0 && steps < 200; steps++)
		ua_step(g->ua, 1000);
	assert_int_equal(g->lost, 1);
	assert_in_range(steps, 1, 100);
}

static void ua_takes_ack_and_bye_without_tag(void **state)
{
	struct rig *g = *state;
	char tag[64];

	connect_client(g, false);
	make_call(g, tag, sizeof(tag));
	send_request(g, "ACK", 1, "a1", NULL, "");
	run_until(g, &g->acks, 1);
	send_request(g, "BYE", 2, "b1", NULL, "");
	run_until(g, &g->byes, 1);
}

static void ua_cancel_is_answered_inside(void **state)
{
	struct rig *g = *state;

	connect_client(g, false);
	g->hold_answer = true;
	send_request(g, "INVITE", 1, "i1", NULL, "");
	run_until(g, &g->invites, 1);
	send_request(g, "CANCEL", 1, "i1", NULL, "");
	expect(g, "SIP/2.0 487");
	assert_int_equal(g->cancels, 1);
}

static void ua_destroyed_dialog_answers_its_invite(void **state)
{
	struct rig *g = *state;

	connect_client(g, false);
	g->hold_answer = true;
	send_request(g, "INVITE", 1, "i1", NULL, "");
	run_until(g, &g->invites, 1);
	assert_int_equal(ua_dialog_create(g->ua, g->held, g, &g->dialog), 0);
	ua_dialog_destroy(&g->dialog);
	expect(g, "SIP/2.0 500");
}

static void ua_request_outlives_its_dialog(void **state)
{
	struct rig *g = *state;
	char tag[64];

	connect_client(g, false);
	make_call(g, tag, sizeof(tag));
	g->hold_answer = true;
	send_request(g, "INFO", 2, "n1", tag, "");
	run_until(g, &g->changes, 1);
	assert_ptr_equal(g->held->dialog, g->dialog);
	ua_dialog_destroy(&g->dialog);
	assert_null(g->held->dialog);
	answer(g->held, 481, NULL);
	expect(g, "SIP/2.0 481");
}

static void ua_request_is_plain_data(void **state)
{
	struct rig *g = *state;

	connect_client(g, false);
	g->hold_answer = true;
	send_request(g, "INVITE", 7, "i1", NULL,
		     "X-Fold: a\r\n b\r\nAuthorization: Bearer ???\r\n");
	run_until(g, &g->invites, 1);
	assert_string_equal(g->held->from_uri, "sip:a@example.com");
	assert_string_equal(g->held->from_display, "A \"B\"");
	assert_string_equal(g->held->call_id, "call-1");
	assert_int_equal(g->held->cseq, 7);
	assert_true(span_eq(ua_request_field(g->held, "X-Fold", 0), "a   b"));
	assert_true(span_eq(ua_request_field(g->held, "Authorization", 0),
			    "Bearer ???"));
	assert_true(span_starts(g->held->text, "INVITE sip:srs@"));
	assert_true(ua_request_is_private(g->held));
	answer(g->held, 486, NULL);
	expect(g, "SIP/2.0 486");
}

static void ua_bad_header_of_ours_becomes_500(void **state)
{
	struct rig *g = *state;
	struct ua_answer a = { .status = 403,
			       .headers = "X: y\r\n\r\nInjected: z\r\n" };

	connect_client(g, false);
	g->hold_answer = true;
	send_request(g, "INVITE", 1, "i1", NULL, "");
	run_until(g, &g->invites, 1);
	assert_int_equal(ua_answer(g->held, &a, NULL), -EINVAL);
	expect(g, "SIP/2.0 500");
	assert_null(strstr(g->message, "Injected"));
}

static void ua_sends_bye_with_reason(void **state)
{
	struct rig *g = *state;
	const struct ua_send bye = { .method = UA_BYE,
				     .headers = "Reason: SIP;cause=403\r\n" };
	char tag[64], reply[1000];
	struct buf text;
	const char *via;

	connect_client(g, true);
	make_call(g, tag, sizeof(tag));
	send_request(g, "ACK", 1, "a1", tag, "");
	run_until(g, &g->acks, 1);
	assert_true(ua_dialog_allows(g->dialog, UA_OPTIONS));
	assert_false(ua_dialog_allows(g->dialog, UA_UPDATE));
	buf_init(&text, 10000);
	assert_int_equal(ua_dialog_send(g->dialog, &bye, &text), 0);
	assert_true(strstr(buf_str(&text), "BYE sip:a@127.0.0.1") != NULL);
	buf_fini(&text);
	expect(g, "BYE sip:a@127.0.0.1"); /* over our connection */
	assert_non_null(strstr(g->message, "Reason: SIP;cause=403\r\n"));
	via = strstr(g->message, "Via:");
	assert_non_null(via);
	(void)snprintf(reply, sizeof(reply),
		       "SIP/2.0 481 Gone\r\n%.*s\r\n"
		       "From: <sip:srs@example.com>;tag=%s\r\n"
		       "To: <sip:a@example.com>;tag=from\r\n"
		       "Call-ID: call-1\r\nCSeq: %lu BYE\r\n"
		       "Content-Length: 0\r\n\r\n",
		       (int)strcspn(via, "\r"), via, tag,
		       strtoul(strstr(g->message, "CSeq:") + 5, NULL, 10));
	assert_true(send(g->fd, reply, strlen(reply), 0) > 0);
	run_until(g, &g->response_status, 481);
	assert_int_equal(g->response_to, UA_BYE);
}

static void ua_dialog_goes_on_in_another_agent(void **state)
{
	struct rig *g = *state;
	char tag[64], listen[100];
	struct buf json;

	connect_client(g, false);
	make_call(g, tag, sizeof(tag));
	send_request(g, "ACK", 1, "a1", tag, "");
	run_until(g, &g->acks, 1);
	buf_init(&json, 10000);
	assert_int_equal(ua_dialog_save(g->dialog, &json), 0);
	ua_dialog_destroy(&g->dialog);
	(void)str_copy(listen, sizeof(listen), ua_bound(g->ua));
	ua_destroy(&g->ua);
	start_ua(g, listen);
	assert_int_equal(ua_dialog_restore(g->ua, buf_str(&json), json.len, g,
					   &g->dialog),
			 0);
	buf_reset(&json);
	assert_int_equal(ua_dialog_save(g->dialog, &json), 0);
	assert_string_equal(ua_dialog_call_id(g->dialog), "call-1");
	send_request(g, "UPDATE", 2, "u1", tag, "");
	run_until(g, &g->changes, 1);
	send_request(g, "BYE", 3, "b1", NULL, ""); /* tolerant as before */
	run_until(g, &g->byes, 1);
	buf_fini(&json);
}

static void ua_refuses_state_that_it_did_not_write(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"call_id\":\"x\"}",
		"{\"call_id\":1,\"local\":\"<sip:a@b>\"}",
		("{\"call_id\":\"x\",\"local\":\"\\u0000\",\"local_tag\":\"t\","
		 "\"remote\":\"<\",\"contact\":\"c\",\"peer\":\"p\"}"),
	};
	struct rig *g = *state;
	struct ua_dialog *d = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_true(ua_dialog_restore(g->ua, bad[i], strlen(bad[i]), g,
					      &d) < 0);
		assert_null(d);
	}
}

static void on_timer(void *arg)
{
	struct rig *g = arg;

	g->nested_ran = true;
}

static void ua_runs_the_nested_loop(void **state)
{
	struct rig *g = *state;

	assert_int_equal(loop_timer_set(g->loop, &g->timer,
					clock_mono_us(clock_real()) + 20000,
					on_timer, g),
			 0);
	for (int i = 0; i < 500 && !g->nested_ran; i++)
		ua_step(g->ua, 10);
	assert_true(g->nested_ran);
}

static void ua_answers_by_itself_what_is_nobodys(void **state)
{
	struct rig *g = *state;

	connect_client(g, false);
	send_request(g, "BYE", 1, "b1", "x", "");
	expect(g, "SIP/2.0 481");
	send_request(g, "MESSAGE", 2, "m1", NULL, "");
	expect(g, "SIP/2.0 405");
	assert_non_null(strstr(g->message, "Allow: INVITE"));
	send_request(g, "OPTIONS", 3, "o1", NULL, "");
	expect(g, "SIP/2.0 200");
	assert_int_equal(g->options, 1);
}

/* The library keeps the second of each with its errors. */
static void ua_survives_headers_that_came_twice(void **state)
{
	static const char *const twice[] = {
		"Max-Forwards: 70\r\nMax-Forwards: 999\r\n",
		"Subject: a\r\nSubject: b\r\n",
		"Session-Expires: 90\r\nSession-Expires: 90;refresher=uac\r\n",
		"Date: Mon, 23 Nov 2026 10:00:00 GMT\r\nDate: x\r\n",
		"Authorization: \r\nMin-SE: 90\r\nMin-SE: 99\r\n",
		"Event: a\r\nEvent: b\r\nExpires: 1\r\nExpires: 2\r\n",
	};
	struct rig *g = *state;
	char branch[16];

	connect_client(g, false);
	for (unsigned i = 0; i < ARRAY_SIZE(twice); i++) {
		(void)snprintf(branch, sizeof(branch), "t%u", i);
		send_request(g, "OPTIONS", i + 1, branch, NULL, twice[i]);
		expect(g, "SIP/2.0 ");
	}
}

/* It looks at its memory now and then only. */
static void let_it_look(struct rig *g)
{
	int64_t end = clock_mono_us(clock_real()) + 150000;

	while (clock_mono_us(clock_real()) < end)
		ua_step(g->ua, 10);
}

/* Memory is full of finished transactions: who has no call gets an answer
 * that leaves nothing behind, calls go on. */
/* RFC 3261 18.2.2: to where it came from, whatever the Via says; and the
 * connection goes on. */
static void ua_refuses_politely_over_tcp_when_memory_is_full(void **state)
{
	struct rig *g = *state;

	connect_client(g, true);
	ua_set_max_memory(g->ua, 0);
	let_it_look(g);
	for (unsigned i = 0; i < 3; i++) {
		send_request(g, "INVITE", 1 + i, "i1", NULL, "");
		expect(g, "SIP/2.0 503");
	}
	ua_set_max_memory(g->ua, SIZE_MAX);
	let_it_look(g);
	send_request(g, "OPTIONS", 5, "o2", NULL, "");
	expect(g, "SIP/2.0 200");
}

static void ua_keeps_nothing_of_junk_when_memory_is_full(void **state)
{
	struct rig *g = *state;
	char tag[64];

	connect_client(g, false);
	make_call(g, tag, sizeof(tag));
	send_request(g, "ACK", 1, "a1", tag, "");
	run_until(g, &g->acks, 1);
	ua_set_max_memory(g->ua, 0);
	let_it_look(g);
	send_request(g, "OPTIONS", 3, "o1", NULL, "");
	expect(g, "SIP/2.0 503");
	assert_non_null(strstr(g->message, "\r\nRetry-After: 5\r\n"));
	assert_non_null(strstr(g->message, ";received=127.0.0.1"));
	send_request(g, "INVITE", 4, "i4", NULL, "");
	expect(g, "SIP/2.0 503");
	send_request(g, "BYE", 2, "b1", tag, "");
	run_until(g, &g->byes, 1);
	expect(g, "SIP/2.0 200");
	assert_int_equal(g->options, 0);
	assert_int_equal(g->invites, 1);
	ua_set_max_memory(g->ua, SIZE_MAX);
	let_it_look(g);
	send_request(g, "OPTIONS", 5, "o2", NULL, "");
	expect(g, "SIP/2.0 200");
}

/* Requests of a call are taken, but not without end. */
static void ua_bounds_a_call_when_memory_is_full(void **state)
{
	struct rig *g = *state;
	char tag[64], branch[16];
	unsigned n = 0;

	connect_client(g, false);
	make_call(g, tag, sizeof(tag));
	send_request(g, "ACK", 1, "a1", tag, "");
	run_until(g, &g->acks, 1);
	if (mallinfo2().uordblks == 0)
		skip(); /* a sanitizer's heap tells nothing */
	ua_set_max_memory(g->ua, mallinfo2().uordblks / 4 * 3);
	let_it_look(g);
	do {
		(void)snprintf(branch, sizeof(branch), "o%u", n);
		send_request(g, "OPTIONS", 2 + n, branch, tag, "");
		expect(g, "SIP/2.0 ");
	} while (strstr(g->message, "SIP/2.0 200") && n++ < 100);
	assert_non_null(strstr(g->message, "SIP/2.0 503"));
	assert_in_range(n, 16, 64);
	send_request(g, "BYE", 200, "b1", tag, "");
	run_until(g, &g->byes, 1);
	ua_set_max_memory(g->ua, SIZE_MAX);
}

static void ua_takes_nothing_but_bye_when_far_too_full(void **state)
{
	struct rig *g = *state;
	char tag[64];

	connect_client(g, false);
	make_call(g, tag, sizeof(tag));
	send_request(g, "ACK", 1, "a1", tag, "");
	run_until(g, &g->acks, 1);
	ua_set_max_memory(g->ua, 0);
	let_it_look(g);
	send_request(g, "OPTIONS", 2, "o1", tag, "");
	expect(g, "SIP/2.0 503");
	send_request(g, "BYE", 3, "b1", tag, "");
	run_until(g, &g->byes, 1);
	expect(g, "SIP/2.0 200");
	ua_set_max_memory(g->ua, SIZE_MAX);
}

/* A peer that answers nothing does not make us keep more and more. */
static void ua_keeps_few_requests_that_nobody_answers(void **state)
{
	const struct ua_send notify = { .method = UA_NOTIFY };
	const struct ua_send bye = { .method = UA_BYE };
	struct rig *g = *state;
	char tag[64];
	unsigned n = 0;

	connect_client(g, false);
	make_call(g, tag, sizeof(tag));
	while (n < 100 && ua_dialog_send(g->dialog, &notify, NULL) == 0)
		n++;
	assert_in_range(n, 8, 32);
	assert_int_equal(ua_dialog_send(g->dialog, &notify, NULL), -EBUSY);
	assert_int_equal(ua_dialog_send(g->dialog, &bye, NULL), 0);
}

/* A broken request with its 400, one out of order with its 500, and nothing of
 * what other callbacks got. */
static void ua_tells_what_the_stack_does_alone(void **state)
{
	static const struct {
		bool in;
		const char *line;
	} want[] = { { true, "OPTIONS sip" },
		     { false, "SIP/2.0 400" },
		     { true, "UPDATE sip:" },
		     { false, "SIP/2.0 500" } };
	struct rig *g = *state;
	char tag[64];

	connect_client(g, false);
	make_call(g, tag, sizeof(tag));
	send_request(g, "ACK", 1, "a1", tag, "");
	run_until(g, &g->acks, 1);
	send_request(g, "OPTIONS", 4, "o1", tag, "");
	expect(g, "SIP/2.0 200");
	send_request(g, "OPTIONS", 5, "o2", tag, "From: <sip:x@y>;tag=1\r\n");
	expect(g, "SIP/2.0 400");
	send_request(g, "UPDATE", 2, "u1", tag, "");
	expect(g, "SIP/2.0 500");
	/* the same again is no news */
	send_request(g, "UPDATE", 2, "u1", tag, "");
	expect(g, "SIP/2.0 500");
	assert_int_equal(g->n_wires, ARRAY_SIZE(want));
	for (unsigned i = 0; i < ARRAY_SIZE(want); i++) {
		assert_int_equal(g->wires[i].in, want[i].in);
		assert_string_equal(g->wires[i].line, want[i].line);
	}
}

/* ---- who and what is taken ---- */

static void send_text(struct rig *g, const char *text)
{
	assert_int_equal(send(g->fd, text, strlen(text), 0), strlen(text));
}

/* nta gives an INVITE up after that. */
static void run_for_an_ack(struct rig *g)
{
	int64_t end = clock_mono_us(clock_real()) + 80 * T1_MS * 1000;

	while (clock_mono_us(clock_real()) < end)
		ua_step(g->ua, 5);
}

static void ua_takes_odd_acks_for_what_they_mean(void **state)
{
	struct rig *g = *state;
	char tag[64];

	connect_client(g, false);
	make_call(g, tag, sizeof(tag));
	send_request(g, "ACK", 7, "a1", tag, ""); /* another CSeq */
	run_until(g, &g->acks, 1);
	assert_true(g->odd);
	send_request(g, "INVITE", 8, "i2", tag, "");
	run_until(g, &g->changes, 1);
	expect(g, "SIP/2.0 200");
	/* a repetition of the first INVITE's is none for this one */
	send_request(g, "ACK", 1, "a1", tag, "");
	send_request(g, "ACK", 8, "a2", NULL, ""); /* no To tag */
	run_until(g, &g->acks, 2);
	assert_true(g->odd);
	run_for_an_ack(g);
	assert_int_equal(g->lost, 0);
	assert_int_equal(g->acks, 2);
}

static void ua_takes_a_bye_with_any_cseq(void **state)
{
	struct rig *g = *state;
	char tag[64];

	connect_client(g, false);
	make_call(g, tag, sizeof(tag));
	send_request(g, "ACK", 1, "a1", tag, "");
	run_until(g, &g->acks, 1);
	send_request(g, "OPTIONS", 9, "o1", tag, "");
	run_until(g, &g->changes, 1);
	send_request(g, "UPDATE", 8, "u1", tag, "");
	expect(g, "SIP/2.0 500");
	send_request(g, "BYE", 2, "b1", tag, "");
	run_until(g, &g->byes, 1);
	assert_true(g->odd);
	expect(g, "SIP/2.0 200");
	assert_non_null(strstr(g->message, "CSeq: 2 BYE"));
}

static void ua_lets_nothing_count_that_is_not_admitted(void **state)
{
	static const char *const methods[] = { "INVITE",  "UPDATE", "OPTIONS",
					       "INFO",	  "BYE",    "REFER",
					       "MESSAGE", "PRACK",  "FOO" };
	struct rig *g = *state;
	char tag[64], branch[8];

	connect_client(g, false);
	g->hold_answer = true;
	send_request(g, "INVITE", 1, "i1", NULL, "");
	run_until(g, &g->invites, 1);
	assert_int_equal(ua_dialog_create(g->ua, g->held, g, &g->dialog), 0);
	g->admit = 403;
	send_request(g, "CANCEL", 1, "i1", NULL, "");
	expect(g, "SIP/2.0 403");
	g->hold_answer = false;
	answer(g->held, 200, NULL);
	expect(g, "SIP/2.0 200");
	get_tag(g, tag, sizeof(tag));
	send_request(g, "ACK", 1, "a1", tag, "");
	for (unsigned i = 0; i < ARRAY_SIZE(methods); i++) {
		(void)snprintf(branch, sizeof(branch), "m%u", i);
		send_request(g, methods[i], 900 + i, branch, tag,
			     "RAck: 1 1 INVITE\r\n");
		expect(g, "SIP/2.0 403");
		assert_non_null(strstr(g->message, "Warning: 399 x"));
	}
	assert_int_equal(g->cancels + g->acks + g->changes + g->byes, 0);
	g->admit = 0;
	send_request(g, "ACK", 1, "a2", tag, "");
	run_until(g, &g->acks, 1);
	send_request(g, "OPTIONS", 2, "o1", tag, "");
	run_until(g, &g->changes, 1);
	send_request(g, "BYE", 3, "b1", tag, "");
	run_until(g, &g->byes, 1);
	assert_false(g->odd);
}

/* nta pairs these with an INVITE by Via and CSeq. */
static void ua_asks_about_cancel_and_ack_whatever_their_tag(void **state)
{
	struct rig *g = *state;
	char tag[64];

	connect_client(g, false);
	g->hold_answer = true;
	send_request(g, "INVITE", 1, "i1", NULL, "");
	run_until(g, &g->invites, 1);
	assert_int_equal(ua_dialog_create(g->ua, g->held, g, &g->dialog), 0);
	g->admit = 403;
	send_request(g, "CANCEL", 1, "i1", "junk", "");
	expect(g, "SIP/2.0 403");
	send_request(g, "CANCEL", 1, "i1", NULL, "");
	expect(g, "SIP/2.0 403");
	answer(g->held, 200, NULL);
	expect(g, "SIP/2.0 200");
	get_tag(g, tag, sizeof(tag));
	send_request(g, "ACK", 1, "i1", "junk", "");
	send_request(g, "ACK", 1, "a0", "junk", "");
	send_request(g, "ACK", 1, "a0", tag, "");
	expect(g, "SIP/2.0 200"); /* again: it is not confirmed */
	assert_int_equal(g->acks, 0);
	g->admit = 0;
	send_request(g, "ACK", 1, "a1", tag, "");
	run_until(g, &g->acks, 1);
	send_request(g, "INVITE", 2, "i2", tag, "");
	run_until(g, &g->changes, 1);
	g->admit = 403;
	send_request(g, "CANCEL", 2, "i2", NULL, "");
	expect(g, "SIP/2.0 403");
	send_request(g, "CANCEL", 2, "i2", tag, "");
	expect(g, "SIP/2.0 403");
	send_request(g, "CANCEL", 2, "i2", "junk", "");
	expect(g, "SIP/2.0 403");
	assert_int_equal(g->cancels, 0);
	g->admit = 0;
	send_request(g, "CANCEL", 2, "i2", "junk", "");
	expect(g, "SIP/2.0 487");
	assert_int_equal(g->cancels, 1);
}

/* ---- a new try, or a copy ---- */

static void ua_takes_a_new_try_after_a_confirmed_refusal(void **state)
{
	struct rig *g = *state;
	char tag[64];

	connect_client(g, false);
	g->refuse = 401;
	send_request(g, "INVITE", 1, "i1", NULL, "");
	expect(g, "SIP/2.0 401");
	send_request(g, "INVITE", 1, "i2", NULL, ""); /* not confirmed */
	expect(g, "SIP/2.0 482");
	send_request(g, "ACK", 1, "i1", NULL, "");
	g->refuse = 0;
	send_request(g, "INVITE", 1, "i3", NULL, "Authorization: Bearer x\r\n");
	expect(g, "SIP/2.0 200");
	assert_int_equal(g->invites, 2);
	get_tag(g, tag, sizeof(tag));
	/* and of that one these are copies */
	send_request(g, "INVITE", 1, "i4", NULL, "");
	expect(g, "SIP/2.0 482");
	send_request(g, "ACK", 1, "a1", tag, "");
	run_until(g, &g->acks, 1);
	send_request(g, "INVITE", 1, "i5", NULL, "");
	expect(g, "SIP/2.0 482");
	assert_int_equal(g->invites, 2);
}

static void ua_merges_copies_of_what_runs(void **state)
{
	struct rig *g = *state;

	connect_client(g, false);
	g->hold_answer = true;
	send_request(g, "INVITE", 1, "i1", NULL, "");
	run_until(g, &g->invites, 1);
	send_request(g, "INVITE", 1, "i2", NULL, "");
	expect(g, "SIP/2.0 482");
	assert_int_equal(g->invites, 1);
	answer(g->held, 503, NULL);
	expect(g, "SIP/2.0 503");
	send_request(g, "OPTIONS", 3, "o1", NULL, "");
	expect(g, "SIP/2.0 200");
	send_request(g, "OPTIONS", 3, "o2", NULL, ""); /* was accepted */
	expect(g, "SIP/2.0 482");
}

/* ---- streams ---- */

#define BAD_ACK                                                                \
	"ACK sip:srs@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP "                   \
	"127.0.0.1;branch=z9hG4bKx\r\nFrom: <sip:a@x>;tag=1\r\nTo: "           \
	"<sip:b@x>;tag=2\r\nCall-ID: c\r\nCSeq: nonsense\r\n"                  \
	"Content-Length: 0\r\n\r\n"
#define NO_VIA                                                                 \
	"OPTIONS sip:srs@127.0.0.1 SIP/2.0\r\nFrom: <sip:a@x>;tag=1\r\n"       \
	"To: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n"                   \
	"Content-Length: 0\r\n\r\n"

static void ua_reads_on_after_a_bad_message(void **state)
{
	static const char *const bad[] = {
		BAD_ACK,
		NO_VIA,
		"SIP/2.0 200 OK\r\nFrom: ?\r\nContent-Length: 0\r\n\r\n",
		"ACK <> SIP/2.0\r\nVia: SIP/2.0/TCP x;branch=z9hG4bKy\r\n"
		"Call-ID: c\r\nContent-Length: 0\r\n\r\n",
	};
	struct rig *g = *state;
	char branch[8];

	connect_client(g, true);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		(void)snprintf(branch, sizeof(branch), "n%u", i);
		send_text(g, bad[i]);
		send_request(g, "OPTIONS", i + 1, branch, NULL, "");
		run_until(g, &g->options, (int)i + 1);
		expect(g, "SIP/2.0 200");
	}
	/* one that gets an answer, and one of another version */
	send_request(g, "OPTIONS", 20, "o1", NULL, "From: <sip:x@y>;tag=1\r\n");
	expect(g, "SIP/2.0 400");
	send_text(g, "OPTIONS sip:srs@127.0.0.1 SIP/3.0\r\nVia: SIP/2.0/TCP "
		     "127.0.0.1;branch=z9hG4bKv\r\nFrom: <sip:a@x>;tag=1\r\n"
		     "To: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n"
		     "Content-Length: 0\r\n\r\n");
	expect(g, "SIP/2.0 505");
	send_request(g, "OPTIONS", 21, "o2", NULL, "");
	expect(g, "SIP/2.0 200");
}

/* Until now came nothing but this many CRLF. */
static void expect_pongs(struct rig *g, size_t wanted)
{
	int64_t end = clock_mono_us(clock_real()) + WAIT_US;
	char got[64];
	size_t n = 0;

	while (n < 2 * wanted && clock_mono_us(clock_real()) < end) {
		ssize_t r = recv(g->fd, got + n, sizeof(got) - n, MSG_DONTWAIT);

		n += r > 0 ? (size_t)r : 0;
		ua_step(g->ua, 5);
	}
	assert_int_equal(n, 2 * wanted);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(got[i], "\r\n"[i % 2]);
}

static void ua_answers_keepalives_of_streams(void **state)
{
	static const char ping[] = "\r\n\r\n";
	struct rig *g = *state;

	connect_client(g, true);
	send_text(g, ping);
	expect_pongs(g, 1);
	for (unsigned i = 0; ping[i]; i++) { /* in pieces */
		assert_int_equal(send(g->fd, ping + i, 1, 0), 1);
		ua_step(g->ua, 5);
	}
	expect_pongs(g, 1);
	send_request(g, "OPTIONS", 1, "o1", NULL, "");
	expect(g, "SIP/2.0 200");
	/* behind a message, in one piece with it */
	send_text(g, BAD_ACK "\r\n\r\n");
	expect_pongs(g, 1);
	send_text(g, ping);
	expect_pongs(g, 1);
	send_text(g, "\r\n");
	send_request(g, "OPTIONS", 2, "o2", NULL, ""); /* that was no ping */
	run_until(g, &g->options, 2);
	expect(g, "SIP/2.0 200");
	send_text(g, BAD_ACK "\r\n\r\n" BAD_ACK "\r\n");
	expect_pongs(g, 1);
	send_text(g, "\r\n");
	expect_pongs(g, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(ua_sends_trying_then_repeats_the_200_until_the_ack),
		T(ua_tells_of_an_ack_that_never_came),
		T(ua_sleeps_until_its_next_timer),
		T(ua_takes_ack_and_bye_without_tag),
		T(ua_cancel_is_answered_inside),
		T(ua_destroyed_dialog_answers_its_invite),
		T(ua_request_outlives_its_dialog),
		T(ua_request_is_plain_data),
		T(ua_bad_header_of_ours_becomes_500),
		T(ua_sends_bye_with_reason),
		T(ua_dialog_goes_on_in_another_agent),
		T(ua_refuses_state_that_it_did_not_write),
		T(ua_runs_the_nested_loop),
		T(ua_answers_by_itself_what_is_nobodys),
		T(ua_survives_headers_that_came_twice),
		T(ua_keeps_nothing_of_junk_when_memory_is_full),
		T(ua_refuses_politely_over_tcp_when_memory_is_full),
		T(ua_bounds_a_call_when_memory_is_full),
		T(ua_takes_nothing_but_bye_when_far_too_full),
		T(ua_keeps_few_requests_that_nobody_answers),
		T(ua_tells_what_the_stack_does_alone),
		T(ua_takes_odd_acks_for_what_they_mean),
		T(ua_takes_a_bye_with_any_cseq),
		T(ua_lets_nothing_count_that_is_not_admitted),
		T(ua_asks_about_cancel_and_ack_whatever_their_tag),
		T(ua_takes_a_new_try_after_a_confirmed_refusal),
		T(ua_merges_copies_of_what_runs),
		T(ua_reads_on_after_a_bad_message),
		T(ua_answers_keepalives_of_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
