#include "web/httpd.h"

#include "tests/support/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "web/http.h"

struct rig {
	struct clock_fake clock;
	struct httpd *h;
	struct sockaddr_in addr;
	_Atomic unsigned served;
};

static void answer(void *arg, struct http_request *req,
		   struct http_response *res)
{
	struct rig *rig = arg;

	rig->served++;
	http_set(res, "X-Path", "%s", req->path);
	http_set(res, "X-Peer", "%s", req->peer);
	(void)buf_put(&res->body, req->body, req->body_len);
}

static int start(void **state, unsigned max, unsigned max_each)
{
	struct rig *rig = test_calloc(1, sizeof(*rig));
	socklen_t len = sizeof(rig->addr);
	struct httpd_config cf = { .threads = 2,
				   .serve = answer,
				   .arg = rig,
				   .max = max,
				   .max_each = max_each,
				   .head_us = 1000000,
				   .body_us = 1000000 };

	clock_fake_init(&rig->clock, 1000, 1781092800000000LL);
	cf.clock = &rig->clock.clock;
	cf.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	rig->addr.sin_family = AF_INET;
	rig->addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(cf.listen_fd, (void *)&rig->addr, len), 0);
	assert_int_equal(listen(cf.listen_fd, 16), 0);
	(void)getsockname(cf.listen_fd, (void *)&rig->addr, &len);
	assert_int_equal(httpd_start(&cf, &rig->h), 0);
	*state = rig;
	return 0;
}

static int setup(void **state)
{
	return start(state, 0, 0);
}

static int setup_narrow(void **state)
{
	return start(state, 0, 3);
}

static int setup_small(void **state)
{
	return start(state, 16, 16);
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	httpd_stop(&rig->h);
	test_free(rig);
	return 0;
}

static int dial(struct rig *rig)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (void *)&rig->addr, sizeof(rig->addr)), 0);
	return fd;
}

/* What comes until the other side closes; 5 s are too long. */
static size_t drain(int fd, char *dst, size_t len)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t n = 0;

	while (n + 1 < len) {
		ssize_t r;

		assert_int_equal(poll(&p, 1, 5000), 1);
		r = recv(fd, dst + n, len - 1 - n, 0);
		if (r <= 0)
			break;
		n += (size_t)r;
	}
	dst[n] = '\0';
	(void)close(fd);
	return n;
}

static int status_of(struct rig *rig, const char *text, size_t len, char *reply,
		     size_t reply_len)
{
	int fd = dial(rig);
	unsigned long status;

	assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), len);
	(void)drain(fd, reply, reply_len);
	assert_memory_equal(reply, "HTTP/1.1 ", 9);
	status = strtoul(reply + 9, NULL, 10);
	return (int)status;
}

/* From 127.0.0.host */
static int dial_from(struct rig *rig, unsigned host)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	from.sin_addr.s_addr = htonl(0x7f000000 + host);
	assert_int_equal(bind(fd, (void *)&from, sizeof(from)), 0);
	assert_int_equal(connect(fd, (void *)&rig->addr, sizeof(rig->addr)), 0);
	return fd;
}

static bool is_served(int fd)
{
	static const char ask[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char reply[2048];

	(void)!send(fd, ask, strlen(ask), MSG_NOSIGNAL); /* may be closed */
	assert_int_equal(poll(&p, 1, 5000), 1);
	return recv(fd, reply, sizeof(reply), 0) > 0;
}

static const char ask_a[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/* Three places for each: whose fourth comes loses one that waits, and others
 * lose nothing. */
static void nobody_takes_all_places(void **state)
{
	struct rig *rig = *state;
	int other = dial_from(rig, 2), fourth;
	struct pollfd fds[3];
	unsigned lost = 0;

	assert_true(is_served(other));
	for (int i = 0; i < 3; i++) {
		fds[i].fd = dial_from(rig, 1);
		fds[i].events = POLLIN;
		assert_int_equal(send(fds[i].fd, ask_a, 9, MSG_NOSIGNAL), 9);
	}
	fourth = dial_from(rig, 1);
	assert_true(is_served(fourth));
	assert_int_equal(poll(fds, 3, 5000), 1);
	for (int i = 0; i < 3; i++) {
		lost += fds[i].revents != 0;
		close(fds[i].fd);
	}
	assert_int_equal(lost, 1);
	assert_true(is_served(other));
	close(fourth);
	close(other);
}

/* All places are taken by requests that never end: a newcomer is served, and
 * so is one that was there before with a place of its own. */
static void unfinished_requests_shut_nobody_out(void **state)
{
	static const char *const halves[] = {
		"",
		"GET / HT",
		"GET / HTTP/1.1\r\nHost: a\r\nX-Y: ",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab",
	};
	struct rig *rig = *state;
	int fds[64], known = dial_from(rig, 9), fd;

	assert_true(is_served(known));
	for (int i = 0; i < 64; i++) {
		const char *half = halves[i % 4];

		clock_fake_advance(&rig->clock, 1000);
		fds[i] = dial_from(rig, 1 + (unsigned)i % 4);
		(void)!send(fds[i], half, strlen(half), MSG_NOSIGNAL);
	}
	fd = dial_from(rig, 8);
	assert_true(is_served(fd));
	close(fd);
	fd = dial_from(rig, 1); /* one of their own addresses */
	assert_true(is_served(fd));
	close(fd);
	assert_true(is_served(known));
	close(known);
	for (int i = 0; i < 64; i++)
		close(fds[i]);
}

/* Requests that arrive in pieces still find the place they took. */
static void a_busy_table_lets_pieces_arrive(void **state)
{
	struct rig *rig = *state;
	int fds[40], mine = dial_from(rig, 7);
	char reply[2048];

	assert_int_equal(send(mine, ask_a, 10, MSG_NOSIGNAL), 10);
	for (int i = 0; i < 40; i++) {
		clock_fake_advance(&rig->clock, 1000);
		fds[i] = dial_from(rig, 1);
		(void)!send(fds[i], "GET", 3, MSG_NOSIGNAL);
	}
	assert_int_equal(send(mine, ask_a + 10, strlen(ask_a) - 10,
			      MSG_NOSIGNAL),
			 strlen(ask_a) - 10);
	assert_true(recv(mine, reply, sizeof(reply), 0) > 0);
	close(mine);
	for (int i = 0; i < 40; i++)
		close(fds[i]);
}

#define HEAD(x) x "Host: a\r\nConnection: close\r\n"

static void plain_requests_are_served(void **state)
{
	static const struct {
		const char *text, *want;
	} table[] = {
		{ HEAD("GET /a%20b?x=1 HTTP/1.1\r\n") "\r\n", "X-Path: /a b" },
		{ HEAD("POST /p HTTP/1.1\r\n") "Content-Length: 5\r\n\r\nhello",
		  "\r\n\r\nhello" },
		{ HEAD("GET / HTTP/1.1\r\n") "X-Empty:\r\nX-Two: a b\r\n\r\n",
		  "X-Peer: 127.0.0.1" },
		{ "GET /old HTTP/1.0\r\n\r\n", "X-Path: /old" },
	};
	struct rig *rig = *state;
	char reply[4096];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *want = table[i].want;

		assert_int_equal(status_of(rig, table[i].text,
					   strlen(table[i].text), reply,
					   sizeof(reply)),
				 200);
		assert_non_null(strstr(reply, want));
	}
}

/* Length given: there may be a NUL inside. */
#define RAW(s)                                                                 \
	{                                                                      \
		s, sizeof(s) - 1, 400                                          \
	}
#define RAW_STATUS(s, status)                                                  \
	{                                                                      \
		s, sizeof(s) - 1, status                                       \
	}

static void smuggling_is_refused_and_closed(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		int status;
	} table[] = {
		RAW("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
		    "chunked\r\n"
		    "Content-Length: 5\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n"
		    "Host: a\r\n\r\n"),
		RAW_STATUS("POST / HTTP/1.1\r\nHost: a\r\n"
			   "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			   411),
		RAW("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
		RAW("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
		    "Content-Length: 2\r\n\r\nab"),
		RAW("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n"),
		RAW("GET / HTTP/1.1\r\nHost: a\r\nX-Y: q\0zzz\r\n\r\n"),
		RAW("GET /x\0y HTTP/1.1\r\nHost: a\r\n\r\n"),
		RAW("GET /x%00y HTTP/1.1\r\nHost: a\r\n\r\n"),
		RAW("GET /../x HTTP/1.1\r\nHost: a\r\n\r\n"),
		RAW("GET / HTTP/1.1\nHost: a\n\n"),
		RAW("GET / HTTP/1.1\r\nHost: a\r\nX-Y: a\rb\r\n\r\n"),
		RAW("GET / HTTP/1.1\r\nHost: a\r\nX-Y: a\r\n folded\r\n\r\n"),
		RAW("GET / HTTP/1.1\r\nHost: a\r\nX Y: a\r\n\r\n"),
		RAW("GET / HTTP/1.1\r\nHost: a\r\nX-Y : a\r\n\r\n"),
		RAW("GET / HTTP/1.1\r\nHost: a/../b\r\n\r\n"),
		RAW("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"),
		RAW("GET /?a=1&a=2 HTTP/1.1\r\nHost: a\r\n\r\n"),
		RAW("GET /?a=%zz HTTP/1.1\r\nHost: a\r\n\r\n"),
		RAW("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\r\n"
		    "Authorization: Bearer b\r\n\r\n"),
		RAW_STATUS("POST / HTTP/1.1\r\nHost: a\r\n"
			   "Content-Length: 999999999\r\n\r\n",
			   413),
	};
	struct rig *rig = *state;
	char reply[8192];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		int status = status_of(rig, table[i].text, table[i].len, reply,
				       sizeof(reply));

		if (status != table[i].status)
			fail_msg("%zu: %d instead of %d\n%s", i, status,
				 table[i].status, table[i].text);
		/* one answer only: what follows was not looked at */
		assert_null(strstr(reply + 1, "HTTP/1.1 "));
	}
	assert_int_equal(rig->served, 0);
}

/* Exactly one head, as many bytes behind it as it says, then the end. */
static void assert_one_answer(const char *ask, const char *reply, size_t len,
			      bool has_body)
{
	const char *end = strstr(reply, "\r\n\r\n"), *p;
	size_t want;

	if (!end)
		fail_msg("no answer to\n%s", ask);
	p = strcasestr(reply, "\r\nContent-Length: ");
	if (!p || p > end || !strcasestr(reply, "\r\nConnection: close\r\n"))
		fail_msg("%s\n->\n%s", ask, reply);
	want = strtoul(p + 18, NULL, 10);
	if (!has_body)
		want = 0;
	if (len - (size_t)(end + 4 - reply) != want ||
	    strcasestr(p + 18, "\r\nContent-Length:") ||
	    strstr(reply + 1, "HTTP/1.1 "))
		fail_msg("%s\n->\n%s", ask, reply);
}

#define HOST "Host: a\r\n"
#define POST "POST / HTTP/1.1\r\n" HOST
#define LENGTH(v)                                                              \
	POST "Content-Type: text/plain\r\nContent-Length: " v "\r\n\r\n"
#define NEXT "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"

static const struct refusal {
	const char *ask;
	int status;
} refusals[] = {
	{ LENGTH("5, 5") "hello", 400 },
	{ LENGTH("5,6") "hello", 400 },
	{ LENGTH("+5") "hello", 400 },
	{ LENGTH("-5") "hello", 400 },
	{ LENGTH("-0"), 400 },
	{ LENGTH("0x5") "hello", 400 },
	{ LENGTH("5h") "hello", 400 },
	{ LENGTH("5.0") "hello", 400 },
	{ LENGTH("5 5") "hello", 400 },
	{ LENGTH("\"5\"") "hello", 400 },
	{ LENGTH("five"), 400 },
	{ LENGTH(""), 400 },
	{ LENGTH("5;") "hello", 400 },
	{ LENGTH("262145"), 413 },
	{ LENGTH("4294967296"), 413 },
	{ LENGTH("9223372036854775807"), 413 },
	{ LENGTH("9223372036854775808"), 413 },
	{ LENGTH("18446744073709551615"), 413 },
	{ LENGTH("18446744073709551616"), 413 },
	{ LENGTH("99999999999999999999999999999"), 413 },
	{ LENGTH("abc") NEXT, 400 },
	{ POST "Content-Length: abc\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" HOST "Content-Length: x\r\n\r\n", 400 },
	{ "PATCH / HTTP/1.1\r\n" HOST "Content-Length: x\r\n\r\n", 400 },
	{ "DELETE /a HTTP/1.1\r\n" HOST "Content-Length: 1,1\r\n\r\n", 400 },
	{ "HEAD / HTTP/1.1\r\n" HOST "Content-Length: x\r\n\r\n", 400 },
	{ "HEAD / HTTP/1.1\r\n" HOST HOST "\r\n", 400 },
	{ "HEAD / HTTP/1.1\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n\r\n" NEXT, 400 },
	{ "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 400 },
	{ "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: \r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" HOST "host: a\r\n\r\n", 400 },
	{ "GET / HTTP/1.9\r\n\r\n", 400 },
	{ "GET / HTTP/1.0\r\n" HOST HOST "\r\n", 400 },
	{ "GET / HTTP/2.0\r\n" HOST "\r\n", 505 },
	{ "GET / HTTP/0.9\r\n" HOST "\r\n", 505 },
	{ "GET / HTTP/1\r\n" HOST "\r\n", 400 },
	{ "GET / http/1.1\r\n" HOST "\r\n", 400 },
	{ "GET / HTTP/1.1x\r\n" HOST "\r\n", 400 },
	{ "GET /\r\n\r\n", 400 },
	{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505 },
	{ "GET /a b HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET  / HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET / HTTP/1.1 \r\n" HOST "\r\n", 400 },
	{ "GET a HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET * HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" HOST "no colon\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\nno colon\r\n" HOST "\r\n", 400 },
	{ "GET / HTTP/1.1\r\n: x\r\n" HOST "\r\n", 400 },
	{ "GET / HTTP/1.1\r\n folded: x\r\n" HOST "\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" HOST "X : y\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400 },
	{ "POST / HTTP/1.1\r\n" HOST "Content-Length : 5\r\n\r\nhello", 400 },
	{ "GET / HTTP/1.1\r\n" HOST "X: a\r\n\tb\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\n" HOST "\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: a\n\r\n", 400 },
	{ POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400 },
	{ POST "Content-Length: 5\r\nContent-Length: x\r\n\r\nhello", 400 },
	{ POST "Content-Length: x\r\nContent-Length: 5\r\n\r\nhello", 400 },
	{ POST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" NEXT, 411 },
	{ POST "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 411 },
	{ POST "Transfer-Encoding: chunked\r\n\r\n"
	       "fffffffffffffffff\r\n",
	  411 },
	{ POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 411 },
	{ POST "Transfer-Encoding: identity\r\n\r\n", 411 },
	{ POST "Transfer-Encoding: chunked\r\nContent-Length: x\r\n"
	       "\r\n0\r\n\r\n",
	  400 },
	{ POST "Transfer-Encoding: chunked\r\n"
	       "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	  400 },
	{ LENGTH("5\r\nExpect: 100-continue, x\r\nHost: b") "hello", 400 },
	{ LENGTH("x\r\nExpect: 100-continue") "hello", 400 },
};

static void each_refusal_is_one_answer(void **state)
{
	struct rig *rig = *state;
	char reply[8192];

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const char *ask = refusals[i].ask;
		int fd = dial(rig);
		size_t n;

		assert_int_equal(send(fd, ask, strlen(ask), MSG_NOSIGNAL),
				 strlen(ask));
		n = drain(fd, reply, sizeof(reply));
		if (n < 13 || strtol(reply + 9, NULL, 10) != refusals[i].status)
			fail_msg("%s\n->\n%s", ask, reply);
		assert_one_answer(ask, reply, n, strncmp(ask, "HEAD", 4) != 0);
	}
	assert_int_equal(rig->served, 0);
}

/* Each line, the target and all together longer than there is room for. */
static void what_is_too_long_is_one_answer(void **state)
{
	static const struct {
		const char *before, *after;
		size_t len;
		int status, other;
	} table[] = {
		{ "GET /", " HTTP/1.1\r\n" HOST "\r\n", 8000, 414, 414 },
		{ "GET /", " HTTP/1.1\r\n" HOST "\r\n", 200000, 414, 414 },
		{ "", " / HTTP/1.1\r\n" HOST "\r\n", 200000, 414, 431 },
		{ "GET / HTTP/1.1\r\n" HOST "X: ", "\r\n\r\n", 200000, 431,
		  431 },
		{ "GET / HTTP/1.1\r\n" HOST "Cookie: ", "\r\n\r\n", 30000, 431,
		  431 },
		{ "GET / HTTP/1.1\r\n" HOST, ": 1\r\n\r\n", 200000, 431, 431 },
	};
	struct rig *rig = *state;
	static char ask[256 * 1024], reply[8192];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		size_t n = strlen(table[i].before);
		int fd = dial(rig), status;

		memcpy(ask, table[i].before, n);
		memset(ask + n, 'a', table[i].len);
		n += table[i].len;
		memcpy(ask + n, table[i].after, strlen(table[i].after));
		n += strlen(table[i].after);
		(void)!send(fd, ask, n, MSG_NOSIGNAL); /* may be cut short */
		n = drain(fd, reply, sizeof(reply));
		if (n < 13)
			fail_msg("%zu: no answer", i);
		status = (int)strtol(reply + 9, NULL, 10);
		if (status != table[i].status && status != table[i].other)
			fail_msg("%zu: %s", i, reply);
		assert_one_answer(table[i].before, reply, n, true);
	}
	assert_int_equal(rig->served, 0);
}

static void a_request_without_host_is_refused(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\nConnection: close\r\n"
				   "\r\n";
	char reply[4096];

	assert_int_equal(status_of(*state, text, sizeof(text) - 1, reply,
				   sizeof(reply)),
			 400);
}

/* The deadline counts from the start, however busy the line looks. */
static void a_slow_head_is_cut(void **state)
{
	struct rig *rig = *state;
	char reply[1024];
	int fd = dial(rig);

	assert_int_equal(send(fd, "GET / HT", 8, MSG_NOSIGNAL), 8);
	for (int i = 0; i < 500; i++) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		clock_fake_advance(&rig->clock, 100000);
		(void)send(fd, "x", 1, MSG_NOSIGNAL);
		httpd_reap(rig->h);
		if (poll(&p, 1, 10) == 1)
			break;
	}
	(void)drain(fd, reply, sizeof(reply));
	assert_int_equal(rig->served, 0);
	assert_true(rig->clock.now_mono_us < 20000000);
}

static void a_slow_body_is_cut(void **state)
{
	static const char head[] =
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab";
	struct rig *rig = *state;
	char reply[1024];
	int fd = dial(rig);

	assert_int_equal(send(fd, head, sizeof(head) - 1, MSG_NOSIGNAL),
			 sizeof(head) - 1);
	for (int i = 0; i < 500; i++) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		clock_fake_advance(&rig->clock, 100000);
		httpd_reap(rig->h);
		if (poll(&p, 1, 10) == 1)
			break;
	}
	assert_int_equal(drain(fd, reply, sizeof(reply)), 0);
	assert_int_equal(rig->served, 0);
}

static void a_connection_serves_several_requests(void **state)
{
	static const char two[] = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
				  "GET /2 HTTP/1.1\r\nHost: a\r\n"
				  "Connection: close\r\n\r\n";
	struct rig *rig = *state;
	char reply[4096];
	int fd = dial(rig);

	assert_int_equal(send(fd, two, sizeof(two) - 1, MSG_NOSIGNAL),
			 sizeof(two) - 1);
	(void)drain(fd, reply, sizeof(reply));
	assert_non_null(strstr(reply, "X-Path: /1"));
	assert_non_null(strstr(reply, "X-Path: /2"));
	assert_int_equal(rig->served, 2);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(plain_requests_are_served),
		T(smuggling_is_refused_and_closed),
		T(a_request_without_host_is_refused),
		T(a_slow_head_is_cut),
		T(a_slow_body_is_cut),
		T(a_connection_serves_several_requests),
		T(each_refusal_is_one_answer),
		T(what_is_too_long_is_one_answer),
		cmocka_unit_test_setup_teardown(
			unfinished_requests_shut_nobody_out, setup_small,
			teardown),
		cmocka_unit_test_setup_teardown(a_busy_table_lets_pieces_arrive,
						setup_small, teardown),
		cmocka_unit_test_setup_teardown(nobody_takes_all_places,
						setup_narrow, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
