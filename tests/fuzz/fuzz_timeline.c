/* Timeline: 16 bytes a packet. Whatever the packets say, lanes have no holes,
 * every segment has a length, and every packet is used at most once. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/err.h"
#include "base/mem.h"
#include "media/timeline.h"

#define PACKETS_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool one(struct cursor *c, struct tl_packet *p, int64_t *now)
{
	static const uint32_t clocks[] = { 8000, 16000, 48000, 90000 };
	uint32_t wait;
	uint8_t kind;

	if (!cur_be24(c, &wait) || !cur_u8(c, &kind) ||
	    !cur_be32(c, &p->ts_rtp) || !cur_be16(c, &p->seq) ||
	    !cur_be16(c, &p->ticks) || !cur_be32(c, &p->ssrc))
		return false;
	*now += wait;
	p->t_us = *now;
	p->class = kind % 3;
	p->clock_hz = clocks[kind >> 6];
	p->ssrc &= 7;
	return true;
}

static void check_lane(const struct tl_lane *l, uint8_t *used, size_t n)
{
	int64_t at = l->segs[0].start;
	size_t i;

	ASSERT(l->n > 0);
	for (i = 0; i < l->n; i++) {
		ASSERT(l->segs[i].start == at);
		ASSERT(l->segs[i].len > 0);
		ASSERT(l->segs[i].packet < n);
		at += l->segs[i].len;
		if (l->segs[i].kind == TL_PACKET)
			ASSERT(!used[l->segs[i].packet]++);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct tl_packet *p = mem_calloc(PACKETS_MAX, sizeof(*p));
	uint8_t *used = mem_calloc(PACKETS_MAX, 1);
	struct tl_hold hold = { 1000000, 3000000, false };
	struct tl_input in = { .packets = p, .holds = &hold, .n_holds = 1 };
	struct timeline *tl;
	struct cursor c;
	int64_t now = 0;
	unsigned i;

	cur_init(&c, data, len);
	while (in.n_packets < PACKETS_MAX && one(&c, &p[in.n_packets], &now))
		in.n_packets++;
	ASSERT(tl_create(&in, &tl) == 0);
	tl_align(&tl, 1);
	ASSERT(tl_place(tl) == 0);
	for (i = 0; i < tl_lanes(tl); i++)
		check_lane(tl_lane(tl, i), used, in.n_packets);
	tl_destroy(&tl);
	mem_free(used);
	mem_free(p);
	return 0;
}
