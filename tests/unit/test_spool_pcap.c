/* test_spool_pcap.c - facts about srs/spool_pcap.h: a reader of pcapng finds
 * whole blocks, headers with right checksums and the packet's bytes. */
#include "srs/spool_pcap.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "media/spool.h"
#include "tests/support/unit.h"

#define S "0190a5e2-7c1b-7def-8123-456789abcdef"

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

static uint16_t folded(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void set_addr(struct sockaddr_storage *sa, bool v6, uint16_t port)
{
	struct sockaddr_in *v4a = (struct sockaddr_in *)sa;
	struct sockaddr_in6 *v6a = (struct sockaddr_in6 *)sa;

	if (v6) {
		v6a->sin6_family = AF_INET6;
		v6a->sin6_addr = in6addr_loopback;
		v6a->sin6_port = htons(port);
	} else {
		v4a->sin_family = AF_INET;
		v4a->sin_addr.s_addr = htonl(0x0a000005);
		v4a->sin_port = htons(port);
	}
}

static void write_spool(const char *dir, bool v6)
{
	struct spool_open o = { .session = { S }, .meta = "{}", .meta_len = 2 };
	static struct spool_streams t;
	struct spool_event ev = {
		.kind = CAP_EV_NOTE, .index = -1, .text = "mark", .text_len = 4
	};
	struct spool_writer *w = NULL;
	struct spool_batch b;
	int fd = open(dir, O_RDONLY | O_DIRECTORY);

	memset(&t, 0, sizeof(t));
	t.n = 1;
	t.s[0].index = 4;
	t.s[0].local_port = 20000;
	set_addr(&t.s[0].remote_rtp, v6, 4000);
	set_addr(&t.s[0].remote_rtcp, v6, 4001);
	(void)snprintf(o.local_address, sizeof(o.local_address), "%s",
		       v6 ? "::1" : "10.0.0.9");
	assert_int_equal(spool_writer_create(fd, &o, clock_real(), &w), 0);
	assert_int_equal(spool_writer_streams(w, &t), 0);
	assert_int_equal(spool_writer_event(w, &ev), 0);
	assert_int_equal(spool_batch_init(&b), 0);
	assert_int_equal(spool_batch_put(&b, 4, SPOOL_RTP, 0, "odd", 3), 0);
	assert_int_equal(spool_batch_put(&b, 4, SPOOL_RTCP, 0, "even", 4), 0);
	assert_int_equal(spool_writer_packets(w, &b, 1000000, 1700000000000001),
			 0);
	spool_batch_fini(&b);
	spool_writer_destroy(&w);
	close(fd);
}

/* Walks the blocks; each packet goes through check(). */
static void check_packet(const uint8_t *p, size_t len, bool v6, unsigned nth)
{
	const char *text = nth ? "even" : "odd";
	size_t ip_len = v6 ? 40 : 20;
	const uint8_t *udp = p + ip_len;
	uint32_t pseudo = 17u + (uint32_t)(len - ip_len);

	assert_int_equal(len, ip_len + 8 + strlen(text));
	assert_int_equal(p[0] >> 4, v6 ? 6 : 4);
	if (!v6)
		assert_int_equal(folded(p, 20, 0), 0xffff);
	pseudo += folded(p + (v6 ? 8 : 12), v6 ? 32 : 8, 0);
	assert_int_equal(folded(udp, len - ip_len, pseudo), 0xffff);
	assert_int_equal(udp[0] << 8 | udp[1], 4000 + nth);
	assert_int_equal(udp[2] << 8 | udp[3], 20000 + nth);
	assert_memory_equal(udp + 8, text, strlen(text));
}

static void check_dump(bool v6)
{
	struct spool_reader *rd = NULL;
	uint8_t *p, *end;
	unsigned packets = 0;
	char path[256], out[256];
	const char *dir = unit_temp_dir();
	char *raw;
	size_t len;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s.spool", dir, S);
	(void)snprintf(out, sizeof(out), "%s/out.pcapng", dir);
	write_spool(dir, v6);
	assert_int_equal(spool_reader_open(path, &rd), 0);
	f = fopen(out, "wb");
	assert_int_equal(spool_pcap_write(rd, f), 0);
	fclose(f);
	spool_reader_close(&rd);
	raw = unit_read_file(out, &len);
	p = (uint8_t *)raw;
	end = p + len;
	assert_int_equal(get32(p), 0x0a0d0d0a);
	assert_int_equal(get32(p + 8), 0x1a2b3c4d);
	while (p < end) {
		uint32_t n = get32(p + 4);

		assert_int_equal(n % 4, 0);
		assert_true(p + n <= end);
		assert_int_equal(get32(p + n - 4), n);
		if (get32(p) == 6) {
			assert_int_equal((uint64_t)get32(p + 12) << 32 |
						 get32(p + 16),
					 1700000000000001);
			check_packet(p + 28, get32(p + 20), v6, packets);
			assert_int_equal(n > 32 + (get32(p + 20) + 3) / 4 * 4,
					 packets == 0); /* has the comment */
			packets++;
		}
		p += n;
	}
	assert_int_equal(packets, 2);
	test_free(raw);
	(void)snprintf(path, sizeof(path), "%s", dir);
	assert_int_equal(unit_remove_tree(path), 0);
}

static void pcap_has_ipv4_packets(void **state)
{
	(void)state;
	check_dump(false);
}

static void pcap_has_ipv6_packets(void **state)
{
	(void)state;
	check_dump(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcap_has_ipv4_packets),
		cmocka_unit_test(pcap_has_ipv6_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
