/* test_pcapng.c - facts about base/pcapng.h: whole blocks, headers with right
 * checksums, ends from text. */
#include "base/pcapng.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "tests/support/unit.h"

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

static uint16_t net16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t summed(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	return sum;
}

static uint16_t folded(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Every block says its length twice; @return the first of that type */
static const uint8_t *walk(const struct buf *b, uint32_t type)
{
	const uint8_t *p = b->data, *end = p + b->len, *found = NULL;

	while (p < end) {
		uint32_t n = get32(p + 4);

		assert_int_equal(n % 4, 0);
		assert_true(n >= 12 && p + n <= end);
		assert_int_equal(get32(p + n - 4), n);
		if (get32(p) == type && !found)
			found = p;
		p += n;
	}
	return found;
}

static struct pcapng_end end_at(const char *text)
{
	struct pcapng_end e;

	assert_int_equal(pcapng_end_parse(span_of(text), &e), 0);
	return e;
}

static void pcapng_begins_with_section_and_interface(void **state)
{
	const uint8_t *p;
	struct buf b;

	(void)state;
	buf_init(&b, 1024);
	assert_int_equal(pcapng_begin(&b, "seven b"), 0);
	p = walk(&b, 0x0a0d0d0a);
	assert_ptr_equal(p, b.data);
	assert_int_equal(get32(p + 8), 0x1a2b3c4d);
	assert_memory_equal(p + 24, "\1\0\7\0seven b\0\0\0\0\0", 16);
	p = walk(&b, 1);
	assert_non_null(p);
	assert_int_equal(get32(p + 8), 101); /* raw IP */
	buf_fini(&b);
}

static void check(const char *src, const char *dst, enum pcapng_proto proto,
		  const char *data, const char *comment)
{
	struct pcapng_packet k = { .wall_us = 1700000000000001,
				   .proto = proto,
				   .src = end_at(src),
				   .dst = end_at(dst),
				   .seq = 7,
				   .ack = 9,
				   .data = data,
				   .len = strlen(data),
				   .comment = comment };
	size_t ip = k.src.v6 ? 40 : 20, len = strlen(data), n;
	size_t head = proto == PCAPNG_TCP ? 20 : 8;
	const uint8_t *p, *t;
	struct buf b;

	buf_init(&b, 4096);
	assert_int_equal(pcapng_packet(&b, &k), 0);
	p = walk(&b, 6);
	assert_non_null(p);
	assert_int_equal((uint64_t)get32(p + 12) << 32 | get32(p + 16),
			 1700000000000001);
	n = get32(p + 20);
	assert_int_equal(n, ip + head + len);
	assert_int_equal(get32(p + 24), n);
	p += 28;
	t = p + ip;
	if (!k.src.v6)
		assert_int_equal(folded(summed(p, 20, 0)), 0xffff);
	assert_int_equal(p[k.src.v6 ? 6 : 9], proto == PCAPNG_TCP ? 6 : 17);
	assert_int_equal(
		folded(summed(t, n - ip,
			      summed(p + (k.src.v6 ? 8 : 12), k.src.v6 ? 32 : 8,
				     (uint32_t)(n - ip) +
					     (proto == PCAPNG_TCP ? 6 : 17)))),
		0xffff);
	assert_int_equal(net16(t), k.src.port);
	assert_int_equal(net16(t + 2), k.dst.port);
	if (proto == PCAPNG_TCP)
		assert_memory_equal(t + 4, "\0\0\0\7\0\0\0\11", 8);
	assert_memory_equal(t + head, data, len);
	if (comment)
		assert_non_null(
			memmem(b.data, b.len, comment, strlen(comment)));
	buf_fini(&b);
}

static void packet_has_right_headers(void **state)
{
	static const char *const v4[] = { "192.0.2.1:5060", "10.0.0.9:5062" };
	static const char *const v6[] = { "[2001:db8::1]:5060", "[::1]:9" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		const char *c = i ? "a comment" : NULL;
		enum pcapng_proto proto = i ? PCAPNG_TCP : PCAPNG_UDP;

		check(v4[0], v4[1], proto, "", c);
		check(v4[0], v4[1], proto, "odd", c);
		check(v4[1], v4[0], proto, "even", c);
		check(v6[0], v6[1], proto, "", c);
		check(v6[0], v6[1], proto, "odd", c);
		check(v6[1], v6[0], proto, "even", c);
	}
}

static void packet_cuts_what_fits_no_packet(void **state)
{
	size_t len = 70000;
	char *data = test_calloc(1, len);
	struct pcapng_packet k = { .data = data, .len = len };
	const uint8_t *p;
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	assert_int_equal(pcapng_packet(&b, &k), 0);
	p = walk(&b, 6);
	assert_int_equal(get32(p + 20), 28 + PCAPNG_PAYLOAD_MAX);
	assert_int_equal(get32(p + 24), 28 + len);
	assert_int_equal(net16(p + 28 + 2), 28 + PCAPNG_PAYLOAD_MAX);
	buf_fini(&b);
	test_free(data);
}

static void full_buffer_is_an_error(void **state)
{
	struct pcapng_packet k = { .data = "x", .len = 1 };
	struct buf b;

	(void)state;
	buf_init(&b, 40);
	assert_int_equal(pcapng_packet(&b, &k), -ENOBUFS);
	buf_fini(&b);
}

static void end_parse_takes_addresses_only(void **state)
{
	static const char *const bad[] = {
		"",	"host:5060", "192.0.2.1:x",  "192.0.2.1:65536",
		"[::1", "[::1]x",    "[::1]:x",	     "[192.0.2.1]:1",
		"[",	"::1",	     "192.0.2.1.5:1"
	};
	struct pcapng_end e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(pcapng_end_parse(span_of(bad[i]), &e),
				 -EINVAL);
	e = end_at("192.0.2.1");
	assert_int_equal(e.port, 0);
	assert_memory_equal(e.ip, "\xc0\0\2\1", 4);
	e = end_at("[::ffff:192.0.2.1]:65535");
	assert_true(e.v6);
	assert_int_equal(e.port, 65535);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcapng_begins_with_section_and_interface),
		cmocka_unit_test(packet_has_right_headers),
		cmocka_unit_test(packet_cuts_what_fits_no_packet),
		cmocka_unit_test(full_buffer_is_an_error),
		cmocka_unit_test(end_parse_takes_addresses_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
