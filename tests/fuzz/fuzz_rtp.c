/* RTP: packets one behind the other, each with two bytes of length in front.
 * What is parsed must lie inside the packet; one source follows them all. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "media/capture_check.h"
#include "media/rtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_inside(const uint8_t *p, size_t n,
			 const struct rtp_packet *pkt)
{
	ASSERT(pkt->payload >= p && pkt->payload_len <= n &&
	       pkt->payload + pkt->payload_len <= p + n);
	ASSERT(!pkt->has_ext ||
	       (pkt->ext >= p && pkt->ext + pkt->ext_len <= p + n));
	ASSERT(!pkt->n_csrc || (pkt->csrc >= p && pkt->csrc < p + n));
}

static void one(struct capture_check *ck, struct rtp_source *src,
		const uint8_t *p, size_t n, int64_t *now)
{
	struct capture_addr from = { .family = 4, .port = 4000 };
	struct rtp_packet pkt, head;

	if (rtp_parse(p, n, &pkt) < 0)
		return;
	ASSERT(!rtp_parse_header(p, n, &head));
	ASSERT(head.ssrc == pkt.ssrc && head.seq == pkt.seq);
	check_inside(p, n, &pkt);
	*now += pkt.ts_rtp & 0xfffff;
	from.port += pkt.pt & 3;
	(void)capture_check_rtp(ck, &from, &pkt, 8000, *now);
	if (!src->used)
		rtp_source_init(src, pkt.ssrc, pkt.seq, RTP_PROBATION, 8000);
	(void)rtp_source_update(src, pkt.seq, pkt.ts_rtp, *now);
	(void)rtp_source_fraction(src);
	ASSERT(rtp_source_lost(src) >= -0x800000 &&
	       rtp_source_lost(src) <= 0x7fffff);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct capture_check ck = { .pts = { ~0ull, ~0ull } };
	struct rtp_source src = { 0 };
	int64_t now = 0;
	size_t n;

	while (len >= 2) {
		n = (size_t)data[0] << 8 | data[1];
		data += 2;
		len -= 2;
		if (n > len)
			n = len;
		one(&ck, &src, data, n, &now);
		data += n;
		len -= n;
	}
	return 0;
}
