/* telephone-event: packets of {1 byte RTP time, 1 byte length (its bits also
 * tell number and clock), payload}. Keys have sane digits, starts and
 * durations; nothing grows without end. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/cursor.h"
#include "base/err.h"
#include "media/dtmf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct dtmf d = { 0 };
	struct dtmf_packet p = { .clock_hz = 8000, .ssrc = 1 };
	struct cursor c;
	uint8_t step, n;
	int r;

	cur_init(&c, data, len);
	while (cur_u8(&c, &step) && cur_u8(&c, &n) &&
	       cur_take(&c, n, &p.payload)) {
		p.len = n;
		p.ts_rtp += (uint32_t)(step & 0x7f) * 521;
		p.t_us += 20000;
		p.seq = (uint16_t)(p.seq + (n >> 6)); /* stands, or goes on */
		p.clock_hz = n & 2 ? 48000 : 8000;
		p.ssrc ^= step >> 7;
		r = dtmf_put(&d, &p);
		ASSERT(r == 0 || r == -EBADMSG || r == -ENOMEM);
	}
	ASSERT(d.n <= DTMF_KEYS_MAX);
	for (size_t i = 0; i < d.n; i++) {
		ASSERT(d.keys[i].digit && dtmf_event(d.keys[i].digit) >= 0);
		ASSERT(d.keys[i].duration_us >= 0);
		ASSERT(d.keys[i].start_us <= p.t_us);
	}
	dtmf_fini(&d);
	return 0;
}
