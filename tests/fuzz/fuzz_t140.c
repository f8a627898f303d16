/* Real-time text: packets of {1 byte number step, 1 byte flags (0x80
 * redundancy, low 6 bits length), payload}, then the text and its WebVTT: valid
 * UTF-8, times that do not run backwards, no line that would end a cue early.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/cursor.h"
#include "base/err.h"
#include "base/str.h"
#include "media/t140.h"
#include "media/vtt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_text(struct t140 *t)
{
	const struct t140_char *c;
	struct buf b;
	size_t n, i;

	c = t140_chars(t, &n);
	for (i = 0; i < n; i++) {
		ASSERT(c[i].code == '\n' || c[i].code >= 0x20);
		ASSERT(c[i].code <= 0x10ffff);
		ASSERT(i == 0 || c[i].t_us >= c[i - 1].t_us);
	}
	buf_init(&b, 1024 * 1024);
	ASSERT(vtt_write(c, n, 1000, "name", &b) >= 0);
	ASSERT(str_utf8_ok(buf_str(&b), b.len));
	buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct t140_packet p = { .clock_hz = 1000, .ssrc = 1 };
	struct t140 *t = NULL;
	struct cursor c;
	uint8_t step, flags;
	int r;

	if (t140_create(&t) < 0)
		return 0;
	cur_init(&c, data, len);
	while (cur_u8(&c, &step) && cur_u8(&c, &flags) &&
	       cur_take(&c, flags & 0x3f, &p.payload)) {
		p.red = flags & 0x80;
		p.ssrc = 1 + (flags >> 6 & 1);
		p.len = flags & 0x3f;
		p.seq = (uint16_t)(p.seq + (int8_t)step);
		p.t_us += 100000;
		r = t140_put(t, &p);
		ASSERT(r == 0 || r == -EBADMSG || r == -ENOBUFS);
	}
	ASSERT(t140_finish(t) == 0);
	check_text(t);
	t140_destroy(&t);
	return 0;
}
