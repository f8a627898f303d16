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

static int start(void **state, unsigned max_each)
{
	struct rig *rig = test_calloc(1, sizeof(*rig));
	socklen_t len = sizeof(rig->addr);
	struct httpd_config cf = { .threads = 2,
				   .serve = answer,
				   .arg = rig,
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
	return start(state, 0);
}

static int setup_narrow(void **state)
{
	return start(state, 3);
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

static void nobody_takes_all_places(void **state)
{
	struct rig *rig = *state;
	int fds[4], other;

	for (int i = 0; i < 3; i++) {
		fds[i] = dial_from(rig, 1);
		assert_true(is_served(fds[i]));
	}
	fds[3] = dial_from(rig, 1);
	assert_false(is_served(fds[3]));
	other = dial_from(rig, 2);
	assert_true(is_served(other));
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	close(other);
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
		cmocka_unit_test_setup_teardown(nobody_takes_all_places,
						setup_narrow, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
