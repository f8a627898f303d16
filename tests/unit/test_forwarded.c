#include "web/forwarded.h"

#include "tests/support/unit.h"

#include <string.h>

#include "web/http.h"

#define TRUSTED "127.0.0.1, 10.0.0.0/8, 2001:db8:1::/48"
#define XFF "X-Forwarded-For"
#define FWD "Forwarded"
#define XFP "X-Forwarded-Proto"

/* Up to three headers, name and value in turn. */
static struct forwarded find(const char *peer, const char *const pairs[6],
			     struct http_request *req)
{
	struct net_list trusted;
	struct forwarded f;

	memset(req, 0, sizeof(*req));
	(void)str_copy(req->peer, sizeof(req->peer), peer);
	for (unsigned i = 0; i < 6 && pairs[i]; i += 2)
		req->headers[req->n_headers++] =
			(struct http_header){ pairs[i], pairs[i + 1] };
	assert_int_equal(net_list_parse(SPAN(TRUSTED), &trusted), 0);
	forwarded_find(req, &trusted, &f);
	return f;
}

static const struct client_row {
	const char *peer;
	const char *headers[6];
	const char *client;
} clients[] = {
	/* nobody we trust: what is said does not count */
	{ "192.0.2.1", { XFF, "198.51.100.1" }, "192.0.2.1" },
	{ "192.0.2.1", { FWD, "for=198.51.100.1" }, "192.0.2.1" },
	{ "::1", { XFF, "198.51.100.1" }, "::1" },
	{ "127.0.0.1", { NULL }, "127.0.0.1" },
	/* one proxy, several, all of them */
	{ "127.0.0.1", { XFF, "198.51.100.1" }, "198.51.100.1" },
	{ "::ffff:127.0.0.1", { XFF, "198.51.100.1" }, "198.51.100.1" },
	{ "127.0.0.1", { "x-forwarded-for", "2001:db8::5" }, "2001:db8::5" },
	{ "127.0.0.1", { XFF, "6.6.6.6, 198.51.100.1" }, "198.51.100.1" },
	{ "127.0.0.1",
	  { XFF, "6.6.6.6,198.51.100.1,10.1.1.1 , 10.2.2.2" },
	  "198.51.100.1" },
	{ "127.0.0.1", { XFF, "10.1.1.1, 10.2.2.2" }, "10.1.1.1" },
	{ "2001:db8:1::7", { XFF, "198.51.100.1" }, "198.51.100.1" },
	/* several lines are one list */
	{ "127.0.0.1",
	  { XFF, "6.6.6.6", XFF, "198.51.100.1" },
	  "198.51.100.1" },
	{ "127.0.0.1",
	  { XFF, "198.51.100.1", XFF, "10.1.1.1" },
	  "198.51.100.1" },
	/* ports and brackets */
	{ "127.0.0.1", { XFF, "198.51.100.1:4711" }, "198.51.100.1" },
	{ "127.0.0.1", { XFF, "[2001:db8::5]:4711" }, "2001:db8::5" },
	{ "127.0.0.1", { XFF, "[2001:db8::5]" }, "2001:db8::5" },
	{ "127.0.0.1", { XFF, "::ffff:198.51.100.1" }, "198.51.100.1" },
	/* what is no address ends the walk at whoever wrote it */
	{ "127.0.0.1", { XFF, "unknown" }, "127.0.0.1" },
	{ "127.0.0.1", { XFF, "" }, "127.0.0.1" },
	{ "127.0.0.1", { XFF, "198.51.100.1," }, "127.0.0.1" },
	{ "127.0.0.1", { XFF, "198.51.100.1, x, 10.1.1.1" }, "10.1.1.1" },
	{ "127.0.0.1", { XFF, "198.51.100.1:x" }, "127.0.0.1" },
	{ "127.0.0.1", { XFF, "198.51.100.1:65536" }, "127.0.0.1" },
	{ "127.0.0.1", { XFF, "198.51.100.1 6.6.6.6" }, "127.0.0.1" },
	{ "127.0.0.1", { XFF, "[198.51.100.1]" }, "127.0.0.1" },
	{ "127.0.0.1", { XFF, "[2001:db8::5" }, "127.0.0.1" },
	{ "127.0.0.1", { XFF, "\"198.51.100.1\"" }, "127.0.0.1" },
	/* RFC 7239 */
	{ "127.0.0.1", { FWD, "for=198.51.100.1" }, "198.51.100.1" },
	{ "127.0.0.1",
	  { "forwarded", "FOR = 198.51.100.1 ; proto=https" },
	  "198.51.100.1" },
	{ "127.0.0.1",
	  { FWD, "for=\"[2001:db8::5]:47\";by=10.1.1.1" },
	  "2001:db8::5" },
	{ "127.0.0.1",
	  { FWD, "for=6.6.6.6, for=198.51.100.1, for=10.1.1.1" },
	  "198.51.100.1" },
	{ "127.0.0.1",
	  { FWD, "for=6.6.6.6", FWD, "for=198.51.100.1" },
	  "198.51.100.1" },
	{ "127.0.0.1",
	  { FWD, "host=\"a,for=6.6.6.6\";for=198.51.100.1" },
	  "198.51.100.1" },
	/* a quote that the client left open hides nothing of the proxy's */
	{ "127.0.0.1",
	  { FWD, "for=6.6.6.6;by=\", for=198.51.100.1" },
	  "198.51.100.1" },
	{ "127.0.0.1",
	  { FWD,
	    "for=6.6.6.6;by=\"\\, for=\"198.51.100.1:9\";host=\"a\\\",b\"" },
	  "198.51.100.1" },
	{ "127.0.0.1", { XFF, "6.6.6.6\", 198.51.100.1" }, "198.51.100.1" },
	{ "127.0.0.1",
	  { FWD, "host=\"a;for=6.6.6.6\";for=198.51.100.1" },
	  "198.51.100.1" },
	{ "127.0.0.1", { FWD, "for=_hidden" }, "127.0.0.1" },
	{ "127.0.0.1", { FWD, "for=unknown, for=10.1.1.1" }, "10.1.1.1" },
	{ "127.0.0.1", { FWD, "proto=https" }, "127.0.0.1" },
	{ "127.0.0.1", { FWD, "for=6.6.6.6;for=198.51.100.1" }, "127.0.0.1" },
	{ "127.0.0.1", { FWD, "for=\"6.6.6.6" }, "127.0.0.1" },
	/* two that disagree: one came through from the client */
	{ "127.0.0.1",
	  { FWD, "for=6.6.6.6", XFF, "198.51.100.1" },
	  "127.0.0.1" },
	{ "127.0.0.1",
	  { FWD, "for=198.51.100.1", XFF, "198.51.100.1" },
	  "198.51.100.1" },
};

static void the_rightmost_stranger_counts(void **state)
{
	struct http_request req;

	(void)state;
	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		const struct client_row *t = &clients[i];
		struct forwarded f = find(t->peer, t->headers, &req);

		if (strcmp(f.client, t->client) != 0)
			fail_msg("%zu: %s: %s instead of %s", i, t->headers[1],
				 f.client, t->client);
	}
}

static void the_scheme_is_that_of_the_client(void **state)
{
	static const struct {
		const char *peer;
		const char *headers[6];
		enum forwarded_proto proto;
	} table[] = {
		{ "192.0.2.1", { XFP, "https" }, PROTO_UNKNOWN },
		{ "127.0.0.1", { XFP, "https" }, PROTO_HTTPS },
		{ "127.0.0.1", { XFP, "HTTP" }, PROTO_HTTP },
		{ "127.0.0.1", { XFP, "gopher" }, PROTO_UNKNOWN },
		{ "127.0.0.1", { NULL }, PROTO_UNKNOWN },
		{ "127.0.0.1", { XFP, "https, http" }, PROTO_HTTP },
		{ "127.0.0.1",
		  { XFP, "https, http", XFF, "198.51.100.1, 10.1.1.1" },
		  PROTO_HTTPS },
		{ "127.0.0.1",
		  { XFP, "https", XFF, "198.51.100.1, 10.1.1.1" },
		  PROTO_HTTPS },
		{ "127.0.0.1",
		  { FWD, "for=198.51.100.1;proto=https" },
		  PROTO_HTTPS },
		{ "127.0.0.1",
		  { FWD, "for=6.6.6.6;proto=https, for=198.51.100.1;"
			 "proto=http" },
		  PROTO_HTTP },
		{ "127.0.0.1",
		  { FWD, "proto=http", XFP, "https" },
		  PROTO_HTTP },
	};
	struct http_request req;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (find(table[i].peer, table[i].headers, &req).proto !=
		    table[i].proto)
			fail_msg("%zu: %s", i, table[i].headers[1]);
}

static void what_comes_through_a_proxy_is_not_local(void **state)
{
	static const char *const signs[] = {
		XFF,
		FWD,
		XFP,
		"Via",
		"X-Real-IP",
		"X-REAL-ip",
		"X-Forwarded-Host",
		"X-Forwarded-Whatever",
		"CF-Connecting-IP",
		"CF-Ray",
		"True-Client-IP",
		"X-Client-IP",
		"Client-IP",
		"X-Cluster-Client-IP",
		"Fastly-Client-IP",
		"X-Original-URL",
		"X-Envoy-External-Address",
		"X-Azure-ClientIP",
		"CDN-Loop",
	};
	static const char *const plain[6] = { "Host", "localhost", "Accept",
					      "*/*" };
	struct http_request req;

	(void)state;
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		const char *const one[6] = { signs[i], "127.0.0.1" };

		(void)find("127.0.0.1", one, &req);
		if (forwarded_is_local(&req))
			fail_msg("%s", signs[i]);
	}
	(void)find("127.0.0.1", plain, &req);
	assert_true(forwarded_is_local(&req));
	(void)find("::1", plain, &req);
	assert_true(forwarded_is_local(&req));
	(void)find("::ffff:127.0.0.2", plain, &req);
	assert_true(forwarded_is_local(&req));
	(void)find("10.0.0.1", plain, &req);
	assert_false(forwarded_is_local(&req));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rightmost_stranger_counts),
		cmocka_unit_test(the_scheme_is_that_of_the_client),
		cmocka_unit_test(what_comes_through_a_proxy_is_not_local),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
