#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "srs/sip/tls_peers.h"

static struct sockaddr_storage v4(const char *ip, unsigned port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port) };
	struct sockaddr_storage ss = { 0 };

	assert_int_equal(inet_pton(AF_INET, ip, &in.sin_addr), 1);
	memcpy(&ss, &in, sizeof(in));
	return ss;
}

static struct sockaddr_storage v6(const char *ip, unsigned port)
{
	struct sockaddr_in6 in = { .sin6_family = AF_INET6,
				   .sin6_port = htons((uint16_t)port) };
	struct sockaddr_storage ss = { 0 };

	assert_int_equal(inet_pton(AF_INET6, ip, &in.sin6_addr), 1);
	memcpy(&ss, &in, sizeof(in));
	return ss;
}

static void is(struct sockaddr_storage peer, unsigned port, int first)
{
	uint8_t hash[TLS_PEERS_HASH];
	bool known = tls_peers_get(&peer, (uint16_t)port, hash);

	assert_int_equal(known, first >= 0);
	if (known)
		assert_int_equal(hash[0], first);
}

static void put(struct sockaddr_storage peer, unsigned port, int first)
{
	uint8_t hash[TLS_PEERS_HASH] = { (uint8_t)first };

	tls_peers_put(&peer, (uint16_t)port, first < 0 ? NULL : hash);
}

static void connection_is_known_by_its_addresses(void **state)
{
	(void)state;
	put(v4("192.0.2.1", 4000), 5061, 7);
	is(v4("192.0.2.1", 4000), 5061, 7);
	is(v6("::ffff:192.0.2.1", 4000), 5061, 7);
	is(v4("192.0.2.1", 4001), 5061, -1);
	is(v4("192.0.2.2", 4000), 5061, -1);
	is(v4("192.0.2.1", 4000), 5062, -1);
	put(v6("2001:db8::1", 4000), 5061, 8);
	is(v6("2001:db8::1", 4000), 5061, 8);
}

static void later_handshake_replaces(void **state)
{
	(void)state;
	put(v4("192.0.2.9", 4000), 5061, 1);
	put(v4("192.0.2.9", 4000), 5061, 2);
	is(v4("192.0.2.9", 4000), 5061, 2);
	put(v4("192.0.2.9", 4000), 5061, -1); /* without a certificate */
	is(v4("192.0.2.9", 4000), 5061, -1);
	put(v4("192.0.2.9", 4000), 5061, -1);
}

static void newest_stay_when_it_is_full(void **state)
{
	unsigned i;

	(void)state;
	for (i = 1; i < 65536; i++)
		put(v4("198.51.100.1", i), 5061, (int)(i & 0xff));
	for (i = 65500; i < 65536; i++)
		is(v4("198.51.100.1", i), 5061, (int)(i & 0xff));
}

static void unknown_family_is_nobody(void **state)
{
	struct sockaddr_storage none = { 0 };

	(void)state;
	put(none, 5061, 1);
	is(none, 5061, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connection_is_known_by_its_addresses),
		cmocka_unit_test(later_handshake_replaces),
		cmocka_unit_test(newest_stay_when_it_is_full),
		cmocka_unit_test(unknown_family_is_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
